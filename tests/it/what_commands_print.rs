//! What the reading commands print: the JSON shapes are a contract (design 7), the tables are for people.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

use qualwatch::private_postgres::{Options, PrivatePostgres, Purpose};
use qualwatch::store::Store;
use qualwatch::store::asking::stops::{self, Stop, What};
use serde_json::{Value, json};

use crate::support::database::{TestDatabase, launcher};
use crate::support::program::Program;
use crate::support::story::{self, instant, program};

async fn story() -> (TestDatabase, Program) {
    let database = TestDatabase::new().await;
    Box::pin(story::tell(&database)).await;
    let program = program(&database);
    (database, program)
}

/// The keys of an object, in the order they are printed.
fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test]
async fn a_list_has_one_object_for_each_number_end_and_issue_date() {
    let (_database, program) = story().await;
    let ran = program.run(&["list", "--json"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    insta::assert_json_snapshot!("list", ran.json());
    assert_eq!(program.run(&["list", "--format", "json"]).stdout, ran.stdout, "the same");
}

#[tokio::test]
async fn a_list_can_be_of_one_company_and_of_what_ends_soon() {
    let (_database, program) = story().await;
    let numbers = |arguments: &[&str]| {
        let listed = program.run(&[&["list", "--json"], arguments].concat()).json();
        let certificates = listed["certificates"].as_array().unwrap().clone();
        certificates.iter().map(|one| one["certificate_num"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    for (arguments, expected, why) in [
        (&["--expiring", "174"][..], &["A141002510"][..], "the last day counts"),
        (&["--expiring", "173"], &[], "a day less; what has ended is not expiring"),
        (
            &["--company", " 河南院"],
            &["B241002517", "E241002511", "A141002510", "D241009999", "D241008888", "D341000001"],
            "by its name",
        ),
        (&["--company", "示例建设有限公司"], &[], "nothing is held"),
    ] {
        assert_eq!(numbers(arguments), expected, "{why}");
    }
}

#[tokio::test]
async fn what_ends_soon_is_what_the_whole_list_says_ends_soon_also_where_it_was_seen_once() {
    let (_database, program) = story().await;
    let mut program = program;
    let (mut seen, mut in_doubt) = (0, 0);
    for day in ["2026-03-04", "2026-08-23", "2027-02-19", "2028-12-31"] {
        program = program.with("QUALWATCH_NOW", format!("{day}T12:00:00+08:00"));
        let listed = program.run(&["list", "--json"]).json();
        for days in [0, 1, 90, 365, 1_000, 65_535] {
            let mut expected = listed["certificates"].as_array().unwrap().clone();
            expected.retain(|one| one["days_left"].as_i64().is_some_and(|left| (0..=days).contains(&left)));
            seen += expected.len();
            in_doubt += expected.iter().filter(|one| one["state"] == "in_doubt").count();
            let ran = program.run(&["list", "--json", "--expiring", &days.to_string()]);
            assert_eq!(ran.json()["certificates"], Value::Array(expected), "{days} days from {day}");
        }
    }
    assert!(seen > 10 && in_doubt > 0, "{seen} certificates, {in_doubt} in doubt");
}

#[tokio::test]
async fn history_can_begin_on_a_day_and_end_after_some_events() {
    let (_database, program) = story().await;
    let events = |arguments: &[&str]| {
        let told = program.run(&[&["history", "--json"], arguments].concat()).json();
        assert!(!told["certificates"].as_array().unwrap().is_empty(), "the certificates stay: {arguments:?}");
        told["events"].as_array().unwrap().clone()
    };
    let all = events(&[]);
    assert!(all.len() > 3, "{all:?}");
    assert_eq!(events(&["--limit", "2"]), all[..2], "the newest");
    assert_eq!(events(&["--limit", "1000000"]), all);
    assert_eq!(events(&["--limit", "0"]), [] as [Value; 0]);
    assert_eq!(events(&["--limit", "1", "河南院"]), events(&["河南院"])[..1]);
    for (since, is_all, why) in [
        ("2026-03-02", true, "the day itself counts, from its midnight in the file's zone"),
        ("2026-03-03", false, "nothing has happened since"),
    ] {
        assert_eq!(events(&["--since", since]), if is_all { all.clone() } else { Vec::new() }, "{why}");
    }
    assert_eq!(
        program.run(&["history", "--since", "2026-03-03"]).stdout.lines().next(),
        Some("nothing has happened since then")
    );
    assert_eq!(program.run(&["history", "--since", "yesterday"]).code, Some(2));
    let shown = program.run(&["history", "--limit", "1"]).stdout;
    assert_eq!(shown.lines().take_while(|line| !line.is_empty()).count(), 2, "{shown}");
}

#[tokio::test]
async fn a_list_for_people_and_for_spreadsheets_is_inert() {
    let (_database, program) = story().await;
    insta::assert_snapshot!("list_for_people", program.run(&["list"]).stdout);
    let spreadsheet = program.run(&["list", "--format", "csv"]).stdout;
    assert!(spreadsheet.starts_with("\u{feff}company,name,"), "Excel needs the mark: {spreadsheet}");
    assert!(spreadsheet.ends_with("\r\n"), "RFC 4180");
    assert!(spreadsheet.contains("'=cmd|"), "no formula: {spreadsheet}");
    insta::assert_snapshot!("list_for_spreadsheets", spreadsheet.replace("\r\n", "\n"));
}

#[tokio::test]
async fn status_tells_what_is_wrong_and_exits_with_3() {
    let (database, program) = story().await;
    let ran = program.run(&["status", "--json"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(3), ""));
    let mut status = ran.json();
    let place = status["database"].take();
    assert!(place.as_str().unwrap().contains("qualwatch backup"), "how to back it up: {place}");
    assert!(place.as_str().unwrap().contains(database.options().get_database().unwrap()), "where: {place}");
    status["database"] = json!("where it is and how to back it up");
    insta::assert_json_snapshot!("status", status);
    let shown = program.run(&["status"]).stdout;
    let lines = shown.lines().filter(|line| !line.starts_with("database"));
    insta::assert_snapshot!("status_for_people", lines.collect::<Vec<_>>().join("\n"));
}

#[tokio::test]
async fn status_lists_as_ending_whatever_a_list_calls_expiring_or_expired() {
    let (_database, program) = story().await;
    let mut program = program;
    let mut seen = 0;
    for day in
        ["2026-03-04", "2026-07-01", "2026-08-23", "2027-02-19", "2027-02-20", "2028-12-31", "2031-06-01"]
    {
        program = program.with("QUALWATCH_NOW", format!("{day}T12:00:00+08:00"));
        let listed = program.run(&["list", "--json"]).json();
        let mut expected = listed["certificates"].as_array().unwrap().clone();
        expected.retain(|one| one["state"] == "expiring" || one["state"] == "expired");
        seen += expected.len();
        assert_eq!(program.run(&["status", "--json"]).json()["ending"], Value::Array(expected), "on {day}");
    }
    assert!(seen >= 7, "only {seen} certificates");
}

#[tokio::test]
async fn status_tells_what_stands_still() {
    let (database, program) = story().await;
    let store = Store::open(database.options()).await.unwrap();
    let stop = Stop {
        class: "credential".to_owned(),
        code: Some(10001),
        reason: "错误的请求KEY".to_owned(),
        advice: None,
        since: instant("2026-03-02T00:00:05Z"),
        attempts: 0,
        next_probe_at: Some(instant("2026-03-02T05:00:00Z")),
        salt: vec![1],
        fingerprint: String::new(),
    };
    stops::set(store.pool(), What::Asking, &stop).await.unwrap();
    let ran = program.run(&["status", "--json"]);
    assert_eq!(ran.code, Some(3));
    let status = ran.json();
    let stopped = json!({"class": "credential", "code": 10001, "since": "2026-03-02T00:00:05Z", "next_probe": "2026-03-02T05:00:00Z"});
    assert_eq!(status["stopped"], stopped);
    let problem = json!({"company": null, "class": "credential", "code": 10001, "reason": "错误的请求KEY"});
    assert_eq!(status["problems"][0], problem);

    let own_limit = Stop { class: "quota".to_owned(), code: None, next_probe_at: None, ..stop.clone() };
    stops::set(store.pool(), What::Asking, &own_limit).await.unwrap();
    let status = program.run(&["status", "--json"]).json();
    assert_eq!(status["stopped"], Value::Null, "our own limit ended with its day: 5 calls of 1000");
    let known = stop.clone();
    stops::set(store.pool(), What::Breaker, &Stop { class: "transient".to_owned(), code: None, ..stop })
        .await
        .unwrap();
    let status = program.run(&["status", "--json"]).json();
    assert_eq!(status["stopped"]["class"], "transient");
    let advice = Some("let its administrator allow this machine".to_owned());
    let mail = Stop { class: "rcpt".to_owned(), code: Some(554), advice, ..known };
    stops::set(store.pool(), What::Mail, &mail).await.unwrap();
    let ran = program.run(&["status"]);
    assert!(
        ran.stdout.contains("\n            to do: let its administrator allow this machine\n"),
        "{ran:?}"
    );
}

#[tokio::test]
async fn status_without_problems_exits_with_0_and_notices_that_nobody_asks() {
    let database = TestDatabase::new().await;
    let program = program(&database);
    let ran = program.run(&["status", "--json"]);
    assert_eq!(ran.code, Some(0), "nothing has been tried yet: {ran:?}");
    let status = ran.json();
    assert_eq!(
        status["companies"],
        json!({"watched": 3, "unverified": 3, "disputed": 0, "in_doubt": 0, "not_found": 0})
    );
    assert_eq!((&status["last_sweep"], &status["problems"]), (&Value::Null, &json!([])));
    Box::pin(story::tell(&database)).await;
    let later = story::program(&database).with("QUALWATCH_NOW", "2026-03-10T12:00:00+08:00");
    let problems = later.run(&["status", "--json"]).json()["problems"].clone();
    let reasons: Vec<&str> =
        problems.as_array().unwrap().iter().map(|problem| problem["reason"].as_str().unwrap()).collect();
    let wanted = "3 companies are due and not asked for, the first since 2026-03-03 08:00: no daemon runs";
    assert!(reasons.contains(&wanted), "{reasons:?}");
}

/// The private server of a state directory that has a database already.
#[tokio::test]
async fn a_private_database_is_started_for_the_question_and_stopped_again() {
    let program = Program::new(story::WATCHLIST).with("QUALWATCH_NOW", story::NOW);
    // Where the tests run as root, the server's own account has to get there.
    std::fs::set_permissions(program.folder(), Permissions::from_mode(0o755)).unwrap();
    let state_dir = program.folder().join("state");
    let options = Options { launcher: Some(launcher()), ..Options::new(Purpose::Scratch) };
    let server = PrivatePostgres::start(&state_dir, &options).await.unwrap();
    Store::open_and_migrate(server.connect_options()).await.unwrap().close().await;
    server.stop().await.unwrap();
    let ran = program.run(&["status", "--json"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let place = ran.json()["database"].as_str().unwrap().to_owned();
    assert!(place.contains("state/postgres") && place.contains("qualwatch backup"), "{place}");
    assert!(!state_dir.join("postgres/postmaster.pid").exists(), "it was stopped again");
}

#[tokio::test]
async fn history_tells_events_newest_first() {
    let (_database, program) = story().await;
    let ran = program.run(&["history", "河南院", "--json"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    let mut history = ran.json();
    for event in history["events"].as_array_mut().unwrap() {
        let summary = event.as_object_mut().unwrap().remove("summary").unwrap();
        assert!(!summary.as_str().unwrap().is_empty(), "the words themselves are another test's business");
    }
    assert_eq!(keys(&history), ["as_of", "certificates", "events"]);
    insta::assert_json_snapshot!("history", history["events"]);
    assert_eq!(history["certificates"], program.run(&["list", "--json"]).json()["certificates"]);
    let everyones = program.run(&["history", "--json"]).json();
    let kinds: Vec<_> = everyones["events"].as_array().unwrap().iter().map(|event| &event["kind"]).collect();
    assert_eq!(kinds, ["api_unreachable", "renewed", "expired", "expiring"]);
    assert_eq!(everyones["events"][0]["audience"], "operator");
    let shown = program.run(&["history", "河南院"]).stdout;
    let place = |text: &str| shown.find(text).unwrap_or_else(|| panic!("{text}: {shown}"));
    assert!(place("renewed") < place("expiring") && place("expiring") < place("Certificates now"), "{shown}");
    assert!(shown.contains("2026-03-02 08:00"), "in the zone of the file: {shown}");
}

#[tokio::test]
async fn the_history_of_a_company_outlives_its_entry() {
    let (database, _program) = story().await;
    let without = story::WATCHLIST
        .replace("河南省建筑设计研究院有限公司", "又一家有限公司")
        .replace("河南院", "又一家");
    let program = Program::new(&without).with("QUALWATCH_DATABASE_URL", database.url());
    let ran = program.run(&["history", "河南院", "--json"]);
    assert_eq!(ran.json()["events"].as_array().unwrap().len(), 3, "{ran:?}");
    assert_eq!(program.run(&["list", "--company", "河南院"]).code, Some(2), "a list is of the file");
}

#[test]
fn validate_prints_a_verdict() {
    let ran = Program::new(story::WATCHLIST).run(&["validate", "--json"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    assert_eq!(ran.json(), json!({"ok": true, "faults": [], "warnings": [], "calls_per_day": 3}));
    let tight = story::WATCHLIST.replace("[email]", "calls_per_day = 2\n\n[email]");
    let verdict = Program::new(&tight).run(&["validate", "--json"]).json();
    assert_eq!((&verdict["ok"], &verdict["calls_per_day"]), (&json!(true), &json!(3)));
    assert_eq!(
        (&verdict["warnings"][0]["key"], &verdict["warnings"][0]["line"]),
        (&json!("api.calls_per_day"), &json!(5))
    );
}
