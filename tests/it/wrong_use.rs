//! Wrong use and wrong files end with 2 before anything is touched; a command that only reads makes nothing.

use serde_json::json;

use crate::support::database::TestDatabase;
use crate::support::program::Program;
use crate::support::story::{self, WATCHLIST, program};

/// Ten faults, and their lines.
const TEN_FAULTS: &str = r#"timezone = "Asia/Beijing"
langauge = "en"

[api]
url = "v.juhe.cn/opens"
timeout = 20

[schedule]
check = "61 8 * * *"

[alerts]
expiry_days = ["90d"]

[email]
smtp = "smtps://alerts%40example.com:geheim@smtp.example.com"
from = "alerts.example.com"
operators = []

[[company]]
keyword = "91410000415800016"
"#;

#[test]
fn ten_faults_give_ten_messages_with_their_lines_and_nothing_is_touched() {
    for command in ["validate", "status", "list", "history", "test-email"] {
        let program = Program::new(TEN_FAULTS);
        let ran = program.run(&[command, "--json"]);
        assert_eq!(ran.code, Some(2), "{command}");
        let verdict = ran.json();
        assert_eq!((&verdict["ok"], &verdict["calls_per_day"]), (&json!(false), &json!(null)), "{command}");
        let faults = verdict["faults"].as_array().unwrap();
        let lines: Vec<_> = faults.iter().map(|fault| fault["line"].as_u64().unwrap()).collect();
        assert_eq!(lines, [1, 2, 5, 6, 9, 12, 15, 16, 17, 20], "{command}: {verdict:#}");
        assert_eq!(program.files(), ["watchlist.toml"], "{command} has touched something");
        assert!(!ran.stdout.contains("geheim") && !ran.stderr.contains("geheim"), "the password is shown");
    }
    let shown = Program::new(TEN_FAULTS).run(&["status"]);
    assert_eq!((shown.code, shown.stdout.as_str()), (Some(2), ""), "people are told on standard error");
    insta::assert_snapshot!("ten_faults", shown.stderr);
}

#[test]
fn what_is_hardly_meant_is_not_said_where_only_faults_are_asked_for() {
    let program = Program::new(include_str!("../../watchlist.example.toml"));
    let told = program.run(&["validate"]);
    assert_eq!((told.code, told.stderr.contains("warning")), (Some(0), true), "{told:?}");
    let quiet = program.run(&["validate", "--quiet"]);
    assert_eq!((quiet.code, quiet.stdout.as_str(), quiet.stderr.as_str()), (Some(0), "", ""));
    let faulty = Program::new(TEN_FAULTS).run(&["validate", "--quiet"]);
    assert_eq!((faulty.code, faulty.stderr.contains("10 faults")), (Some(2), true), "{faulty:?}");
}

#[test]
fn a_watchlist_that_is_not_there_is_wrong_use() {
    let program = Program::without_watchlist();
    for arguments in [&["status", "--json"][..], &["validate", "--json", "--watchlist", "elsewhere.toml"]] {
        let ran = program.run(arguments);
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert_eq!(ran.json()["ok"], false);
        assert!(ran.stderr.contains("--watchlist FILE"), "{}", ran.stderr);
    }
    assert_eq!(program.files(), [""; 0]);
}

#[test]
fn wrong_arguments_and_settings_exit_with_2() {
    let elsewhere = WATCHLIST.replace("http://127.0.0.1:1/", "https://v.juhe.cn/");
    for (program, arguments, said, why) in [
        (Program::new(WATCHLIST), &["list", "--fromat", "csv"][..], "--format", "an unknown argument"),
        (Program::new(WATCHLIST), &["lsit"], "list", "an unknown command"),
        (Program::new(WATCHLIST), &[], "Usage", "no command"),
        (Program::new(WATCHLIST), &["list", "--company", "无名公司"], "河南院", "an unknown company"),
        (Program::new(WATCHLIST), &["history", "无名公司"], "无名公司", "an unknown company"),
        (
            Program::new(&elsewhere).with("QUALWATCH_NOW", story::NOW),
            &["status"],
            "QUALWATCH_NOW",
            "a time of its own is for sandboxes",
        ),
        (Program::new(WATCHLIST).with("QUALWATCH_NOW", "yesterday"), &["status"], "no instant", "a bad time"),
        (Program::new(WATCHLIST), &["validate", "--ask"], "no API key", "nothing to ask with"),
        (
            Program::new(WATCHLIST).with("QUALWATCH_DATABASE_URL", "mysql://x"),
            &["status"],
            "QUALWATCH_DATABASE_URL",
            "a bad address",
        ),
    ] {
        let ran = program.run(arguments);
        assert_eq!(ran.code, Some(2), "{why}: {ran:?}");
        assert!(ran.stderr.contains(said), "{why}: {}", ran.stderr);
        assert_eq!(program.files(), ["watchlist.toml"], "{why}");
    }
}

#[test]
fn the_help_is_no_wrong_use() {
    let program = Program::without_watchlist();
    for arguments in [&["--help"][..], &["list", "--help"], &["--version"], &["help", "status"]] {
        let ran = program.run(arguments);
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{arguments:?}");
    }
    let help = program.run(&["--help"]).stdout;
    assert!(help.contains("Exit codes"), "{help}");
}

#[tokio::test]
async fn an_unknown_company_is_wrong_use_where_there_is_a_database_too() {
    let database = TestDatabase::new().await;
    for arguments in [&["list", "--company", "无名公司", "--json"][..], &["history", "无名公司", "--json"]]
    {
        let ran = program(&database).run(arguments);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{ran:?}");
    }
}

#[test]
fn commands_that_read_say_where_they_looked_and_make_nothing() {
    for command in ["status", "list", "history"] {
        let program = Program::new(WATCHLIST);
        let ran = program.run(&[command, "--json"]);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{command}: {ran:?}");
        assert!(ran.stderr.contains("state directory state"), "{command}: {}", ran.stderr);
        assert_eq!(program.files(), ["watchlist.toml"], "{command} has made something");
    }
}

#[tokio::test]
async fn an_empty_or_unreachable_database_is_not_made() {
    let database = TestDatabase::new().await;
    let pool = database.pool().await;
    sqlx::query("DROP TABLE _sqlx_migrations").execute(&pool).await.unwrap();
    let ran = program(&database).run(&["list"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("there is no database yet"), "{}", ran.stderr);
    let nowhere = "postgres://someone:geheim@127.0.0.1:1/qualwatch";
    let ran = Program::new(WATCHLIST).with("QUALWATCH_DATABASE_URL", nowhere).run(&["list"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("postgres://127.0.0.1:1/qualwatch"), "where: {}", ran.stderr);
    assert!(!ran.stderr.contains("geheim"), "{}", ran.stderr);
}
