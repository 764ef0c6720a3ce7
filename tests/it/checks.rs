//! `qualwatch check` as an operator runs it: exit codes, what is printed for programs, what is left untouched (design 7).

use serde_json::{Value, json};

use crate::support::program::{Program, Ran};
use crate::support::scene::{BUYER, COMPANIES, DAYS, OPERATOR, READER, Scene, cast};
use crate::support::smtp_sink::SinkStage;

/// 2026-01-05 and on: everybody fails in this way.
fn all(fault: &str) -> String {
    format!("{}[[fault]]\n{fault}\n", cast())
}

/// One document on standard output and nothing else; problems exactly where the code is not 0.
fn document(ran: &Ran) -> Value {
    let document = ran.json();
    let problems = document["problems"].as_array().unwrap();
    assert_eq!(problems.is_empty(), ran.code == Some(0), "{ran:?}");
    let companies = &document["companies"];
    let count = |name: &str| companies[name].as_i64().unwrap();
    let ended = count("complete") + count("incomplete") + count("failed") + count("disputed");
    assert_eq!(count("asked"), ended, "each in one of the four: {companies}");
    document
}

fn kinds(document: &Value) -> Vec<&str> {
    document["events"].as_array().unwrap().iter().map(|event| event["kind"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_prints_one_document_of_the_promised_shape() {
    let scene = Scene::set().await;
    for (day, name) in [(DAYS[0], "check_first"), (DAYS[1], "check_gain_and_doubt"), (DAYS[2], "check_loss")]
    {
        scene.at(day);
        // One by one, so that events have one order.
        let program = scene.program_with(&scene.watchlist().replace("concurrency = 2", "concurrency = 1"));
        let ran = program.run(&["check", "--json"]);
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
        let mut found = document(&ran);
        to_the_hour(&mut found);
        insta::assert_json_snapshot!(name, found);
    }
}

/// What is of this run only: minutes, as the clock runs on from the hour that was set. Sentences have tests of their own.
fn to_the_hour(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(to_the_hour),
        Value::Object(values) => {
            if values.get("summary").is_some_and(|summary| !summary.as_str().unwrap().is_empty()) {
                values["summary"] = json!("…");
            }
            values.values_mut().for_each(to_the_hour);
        }
        Value::String(text) if text.parse::<chrono::DateTime<chrono::Utc>>().is_ok() => text.truncate(13),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_for_people_says_what_is_new_and_what_is_in_doubt() {
    let scene = Scene::set().await;
    assert_eq!(scene.program().run(&["check"]).code, Some(0));
    scene.at(DAYS[1]);
    let ran = scene.program().run(&["check"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    let shown = ran.stdout;
    for (said, why) in [
        ("certificate_added", "told at the first look"),
        ("In doubt, until a later look agrees", "a loss is not told yet"),
        ("D341000026", "and which it is"),
        ("3 asked: 3 complete, 0 incomplete, 0 failed, 0 disputed; 0 skipped; 4 calls", "the tally"),
        ("mail: 1 sent, 0 failed, 0 owed", "to the one who reads of it"),
    ] {
        assert!(shown.contains(said), "{why}: {shown}");
    }
    assert!(!shown.contains('\u{1b}'), "no colour where no terminal is");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_use_touches_nothing() {
    let scene = Scene::with(&cast()).await;
    let good = scene.watchlist();
    let keyless = Program::new(&good).with("QUALWATCH_DATABASE_URL", scene.database.url());
    let faulty = good.replace("[email]", "[emial]");
    let mistyped = good.replace("concurrency = 2", "concurrency = \"2\"");
    for (program, arguments, said, why) in [
        (scene.program(), &["check", "无名公司"][..], "无名公司", "an unknown company"),
        (
            scene.program(),
            &["check", COMPANIES[0], "无名公司", "--json"],
            "无名公司",
            "one of two is unknown",
        ),
        (scene.now(keyless), &["check", "--json"], "no API key", "nothing to ask with"),
        (scene.program_with(&faulty), &["check"], "emial", "a faulty file"),
        (scene.program_with(&mistyped), &["check", "--dry-run"], "concurrency", "a faulty file"),
        (scene.program(), &["check", "--dry"], "--dry-run", "an unknown argument"),
    ] {
        let ran = program.run(arguments);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{why}: {ran:?}");
        assert!(ran.stderr.contains(said), "{why}: {}", ran.stderr);
        assert_eq!(program.files(), ["watchlist.toml"], "{why}");
    }
    assert_eq!(scene.sandbox.requests(), 0);
    let rows = "SELECT (SELECT count(*) FROM companies) + (SELECT count(*) FROM call_days) + (SELECT count(*) FROM stops)";
    assert_eq!((scene.count(rows).await, scene.sink.connections()), (0, 0));
    let program = scene.program_with(&faulty);
    let verdict = program.run(&["check", "--json"]);
    assert_eq!((verdict.code, &verdict.json()["ok"]), (Some(2), &json!(false)), "as validate does");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_way_to_fail_has_its_exit_code() {
    let one = format!("keyword = \"{}\"\n", COMPANIES[1]);
    for (scenario, code, class, calls, why) in [
        (cast(), 0, "", 3, "all well"),
        (
            all("status = 503"),
            3,
            "transient",
            6,
            "all failed, also when they were asked once more: asking is stopped",
        ),
        (all("code = 265001"), 1, "unknown", 3, "all refused"),
        (all("html = true"), 3, "transient", 6, "not the API"),
        (all("body = '{\"result\":null}'"), 3, "transient", 6, "unreadable"),
        (all("code = 10001"), 3, "credential", 1, "a wrong key stops asking"),
        (all("code = 10008"), 3, "credential", 1, "a blocked address stops asking"),
        (all("code = 10012"), 3, "quota", 1, "a spent quota stops asking"),
        (all("code = 10011"), 3, "quota", 1, "a spent quota of this address too"),
        (all(&format!("{one}status = 503")), 3, "transient", 4, "one of three"),
        (all(&format!("{one}code = 99999")), 3, "unknown", 3, "one of three"),
        (
            all(&format!("{one}code = 265004")),
            3,
            "company_not_found",
            3,
            "nothing is found: an answer, and a problem",
        ),
    ] {
        let scene = Scene::with(&scenario).await;
        let ran = scene.program().run(&["check", "--json"]);
        assert_eq!(ran.code, Some(code), "{why}: {ran:?}");
        let document = document(&ran);
        let problem = document["problems"][0]["class"].as_str().unwrap_or_default();
        assert_eq!((problem, document["calls"].as_u64()), (class, Some(calls)), "{why}: {document:#}");
        assert_eq!(scene.sandbox.requests(), calls, "{why}");
        assert_eq!(document["mail"]["owed"], 0, "{why}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_asking_is_stopped_a_check_asks_nothing_and_says_so() {
    let scene = Scene::with(&all("code = 10001")).await;
    let first = document(&scene.program().run(&["check", "--json"]));
    assert_eq!(kinds(&first), ["api_credential"]);
    scene.upstream(&cast());
    let ran = scene.program().run(&["check", "--json"]);
    let second = document(&ran);
    assert_eq!((ran.code, &second["calls"], &second["companies"]["asked"]), (Some(3), &json!(0), &json!(0)));
    assert_eq!(second["companies"]["skipped"], 3);
    assert_eq!(kinds(&second), [""; 0], "told once");
    scene.at("2026-01-05T09:00:01+08:00");
    let ran = scene.program().run(&["check", "--json"]);
    let third = document(&ran);
    assert_eq!(
        (ran.code, &third["companies"]["complete"]),
        (Some(0), &json!(3)),
        "the probe of the hour: {third:#}"
    );
    assert!(kinds(&third).contains(&"api_credential_resolved"), "{third:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn our_own_limit_leaves_the_rest_unchecked() {
    let scene = Scene::with(&cast()).await;
    let watchlist = scene.watchlist().replace("concurrency = 2", "calls_per_day = 2");
    let ran = scene.program_with(&watchlist).run(&["check", "--json"]);
    let document = document(&ran);
    assert_eq!(
        (ran.code, &document["calls"], &document["companies"]["skipped"]),
        (Some(3), &json!(2), &json!(1))
    );
    assert_eq!(
        (&document["problems"][0]["class"], &document["problems"][0]["code"]),
        (&json!("quota"), &json!(null))
    );
    assert!(kinds(&document).contains(&"api_quota"), "{document:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_mail_is_a_problem_of_an_otherwise_good_check() {
    let scene = Scene::set().await;
    scene.sink.refuse_recipient(BUYER, "550 5.1.1 user not found");
    let ran = scene.program().run(&["check", "--json"]);
    let found = document(&ran);
    assert_eq!((ran.code, &found["companies"]["complete"]), (Some(3), &json!(3)));
    assert_eq!(
        found["mail"],
        json!({"owed": 0, "sent": 2, "failed": 1}),
        "the operator hears of it in the same run"
    );
    let problem = &found["problems"][0];
    assert_eq!((&problem["class"], &problem["code"]), (&json!("mail"), &json!(550)));
    assert!(problem["reason"].as_str().unwrap().starts_with(BUYER), "{problem}");
    let to: Vec<_> = scene.letters().into_iter().map(|(to, _)| to).collect();
    assert_eq!(to, [READER, OPERATOR]);

    scene.at(DAYS[1]);
    scene.sink.behave(SinkStage::Greeting, crate::support::smtp_sink::Behaviour::Drop);
    let ran = scene.program().run(&["check", "--json"]);
    let found = document(&ran);
    assert_eq!(
        (ran.code, &found["mail"]),
        (Some(3), &json!({"owed": 1, "sent": 0, "failed": 0})),
        "{found:#}"
    );
    assert_eq!(found["problems"][0]["class"], "mail");

    scene.sink.heal();
    let ran = scene.program().run(&["check", "--due", "--json"]);
    let found = document(&ran);
    assert_eq!((ran.code, &found["calls"]), (Some(0), &json!(0)), "{found:#}");
    assert_eq!(
        found["mail"],
        json!({"owed": 0, "sent": 1, "failed": 0}),
        "what is owed goes whatever its pause"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_due_or_named_is_asked_for() {
    let scene = Scene::set().await;
    let asked = |arguments: &[&str]| {
        let ran = scene.program().run(&[&["check", "--json"], arguments].concat());
        assert_eq!(ran.code, Some(0), "{ran:?}");
        document(&ran)["companies"]["asked"].as_u64().unwrap()
    };
    assert_eq!(asked(&["河南院"]), 1, "by its name");
    assert_eq!(asked(&[COMPANIES[1], COMPANIES[1]]), 1, "named twice, asked once");
    assert_eq!(asked(&["--due"]), 1, "the third was never asked");
    assert_eq!(asked(&["--due"]), 0);
    assert_eq!(asked(&[]), 3, "all, whatever their line");
    scene.at(DAYS[1]);
    assert_eq!(asked(&["--due", COMPANIES[2]]), 1);
    assert_eq!(asked(&["--due"]), 2);
    scene.at("2026-01-07T07:59:00+08:00");
    assert_eq!(asked(&["--due"]), 0, "the hour has not come");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_sends_nothing_and_what_is_owed_is_no_trouble_of_its() {
    let scene = Scene::set().await;
    scene.sink.refuse(SinkStage::Greeting, 421);
    let program = scene.program();
    assert_eq!(program.run(&["check"]).code, Some(3), "nothing goes");
    let ran = program.run(&["check", "--dry-run", "--json"]);
    let found = document(&ran);
    assert_eq!((ran.code, &found["problems"]), (Some(0), &json!([])));
    assert_eq!(found["mail"]["owed"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_cannot_be_read_is_said_before_anything_is_paid_for_or_offered_again() {
    let scene = Scene::set().await;
    let text = scene.watchlist();
    let program = scene.program_with(&text.replace("smtp = ", "password_file = \"nowhere\"\nsmtp = "));
    for command in ["check", "retry"] {
        let ran = program.run(&[command]);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{ran:?}");
        assert!(ran.stderr.contains("nowhere"), "{}", ran.stderr);
        assert_eq!(scene.sandbox.requests(), 0, "{command}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_keeps_nothing_but_the_count_of_its_calls() {
    let scene = Scene::set().await;
    let program = scene.program();
    let ran = program.run(&["check", "--dry-run", "--json"]);
    let found = document(&ran);
    assert_eq!((ran.code, &found["calls"]), (Some(0), &json!(4)));
    assert_eq!(kinds(&found).iter().filter(|kind| **kind == "watching").count(), 3, "{found:#}");
    assert_eq!(found["mail"], json!({"owed": 0, "sent": 0, "failed": 0}));
    assert_eq!((program.files(), scene.sink.connections()), (vec!["watchlist.toml".to_owned()], 0));
    let tables = scene.texts(
        "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1",
    );
    for table in tables.await {
        let count =
            sqlx::query_scalar::<_, i64>(sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}")));
        let count = count.fetch_one(&scene.pool).await.unwrap();
        match table.as_str() {
            "call_days" => assert_eq!(scene.count("SELECT checks + pages FROM call_days").await, 4),
            "_sqlx_migrations" | "reachability" => {}
            _ => assert_eq!(count, 0, "{table}"),
        }
    }
    assert_eq!(scene.count("SELECT count(*) FROM reachability WHERE last_success_at IS NOT NULL").await, 0);
}
