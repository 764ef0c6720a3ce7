//! What proves that all is well before the first real check: a test mail to everybody, an imitation to ask, one paid call.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Stdio};

use chrono::TimeDelta;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use qualwatch::sandbox::Scenario;
use qualwatch::store::Store;
use qualwatch::store::asking::budget;
use qualwatch::store::asking::stops::{self, Stop, What};
use serde_json::json;

use crate::support::database::TestDatabase;
use crate::support::program::Program;
use crate::support::smtp_sink::{Script, SmtpSink};
use crate::support::story::{NOW, WATCHLIST, instant};

fn with_server(port: u16) -> String {
    format!("language = \"en\"\n{WATCHLIST}")
        .replace("maildir = \"mail\"", &format!("smtp = \"smtp://127.0.0.1:{port}\""))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_mail_goes_to_everybody_once_and_says_what_the_server_said() {
    let sink = SmtpSink::start(Script::default()).await;
    let program = Program::new(&with_server(sink.port()));
    let ran = program.run(&["test-email", "--json"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let report = ran.json();
    assert_eq!((&report["taken"], &report["refused"]), (&json!(3), &json!(0)));
    let addresses: Vec<_> =
        report["recipients"].as_array().unwrap().iter().map(|one| one["address"].as_str().unwrap()).collect();
    assert_eq!(addresses, ["reader@example.com", "buyer@example.com", "ops@example.com"]);
    assert!(report["recipients"][0]["reply"].as_str().unwrap().starts_with("250"), "{report}");
    assert_eq!(sink.mails().len(), 3);
    assert_eq!((sink.connections(), sink.violations()), (1, Vec::<String>::new()));
    assert_eq!(program.files(), ["watchlist.toml"], "nothing is stored");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_mail_goes_to_one_address_that_is_named() {
    let sink = SmtpSink::start(Script::default()).await;
    let program = Program::new(&with_server(sink.port()));
    for (named, sent, why) in [
        (&["--to", "buyer@example.com"][..], &["buyer@example.com"][..], "one of the file"),
        (&["--to", "new@example.com"], &["new@example.com"], "one that is not in it yet"),
        (&["--to", "ops@example.com", "--to", "OPS@example.com"], &["ops@example.com"], "each once"),
    ] {
        let before = sink.mails().len();
        let ran = program.run(&[&["test-email"], named].concat());
        assert_eq!(ran.code, Some(0), "{why}: {ran:?}");
        let to: Vec<String> =
            sink.mails().split_off(before).into_iter().map(|mail| mail.to.join(" ")).collect();
        assert_eq!(to, sent, "{why}");
    }
    let ran = program.run(&["test-email", "--to", "nobody"]);
    assert_eq!((ran.code, sink.mails().len()), (Some(2), 3), "{ran:?}");
    assert!(ran.stderr.contains("--to"), "{}", ran.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_of_a_test_mail_are_told_one_by_one() {
    let sink = SmtpSink::start(Script::default()).await;
    sink.refuse_recipient("buyer@example.com", "550 no such user");
    let program = Program::new(&with_server(sink.port()));
    let ran = program.run(&["test-email", "--json"]);
    assert_eq!(ran.code, Some(3), "some were refused: {ran:?}");
    let refused = ran.json()["recipients"][1].clone();
    assert_eq!((&refused["taken"], &refused["code"]), (&json!(false), &json!(550)));
    assert!(program.run(&["test-email"]).stdout.contains("no such user"));

    let nobody_listens = Program::new(&with_server(1));
    let ran = nobody_listens.run(&["test-email", "--json"]);
    assert_eq!((ran.code, &ran.json()["taken"]), (Some(1), &json!(0)), "none was taken");
    let with_login =
        WATCHLIST.replace("maildir = \"mail\"", "smtp = \"smtps://alerts%40example.com@smtp.example.com\"");
    let ran = Program::new(&with_login).run(&["test-email"]);
    assert_eq!(ran.code, Some(2), "without a password nobody logs in");
    assert!(ran.stderr.contains("smtp-password"), "{}", ran.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_login_is_tried_once_and_a_stop_is_respected() {
    let script = Script { login: Some(("alerts".to_owned(), "right".to_owned())), ..Script::default() };
    let sink = SmtpSink::start(script).await;
    let server = with_server(sink.port()).replace("smtp://", "smtp://alerts@");
    let program = |password: &str| Program::new(&server).with("QUALWATCH_SMTP_PASSWORD", password);
    let ran = program("wrong").run(&["test-email", "--json"]);
    assert_eq!((ran.code, &ran.json()["refused"], sink.connections()), (Some(1), &json!(3), 1), "{ran:?}");
    assert!(!ran.stdout.contains("wrong") && ran.stdout.contains("smtp-password"), "{}", ran.stdout);

    let database = TestDatabase::new().await;
    let store = Store::open(database.options()).await.unwrap();
    let stop = Stop {
        class: "auth".to_owned(),
        code: Some(535),
        reason: "the login is refused".to_owned(),
        advice: None,
        since: instant(NOW),
        attempts: 0,
        next_probe_at: Some(instant(NOW) + TimeDelta::minutes(30)),
        salt: vec![1],
        fingerprint: String::new(),
    };
    stops::set(store.pool(), What::Mail, &stop).await.unwrap();
    let watched = |password| {
        program(password).with("QUALWATCH_DATABASE_URL", database.url()).with("QUALWATCH_NOW", NOW)
    };
    assert_eq!(watched("wrong").run(&["test-email"]).code, Some(1), "at once when the password changed");
    let ran = watched("wrong").run(&["test-email"]);
    assert_eq!((ran.code, ran.stdout.as_str(), sink.connections()), (Some(3), "", 2), "not twice: {ran:?}");
    assert!(ran.stderr.contains("the next login is allowed at 2026-03-02 13:00"), "{}", ran.stderr);
    assert_eq!(watched("right").run(&["test-email"]).code, Some(0), "another password");
    let left = stops::stop(store.pool(), What::Mail).await.unwrap().unwrap();
    assert!(left.next_probe_at.unwrap() < instant(NOW) + TimeDelta::minutes(5), "the daemon may try at once");
}

#[test]
fn a_test_mail_can_be_a_file() {
    let program = Program::new(&format!("language = \"en\"\n{WATCHLIST}"));
    let ran = program.run(&["test-email"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(program.files(), ["mail", "watchlist.toml"]);
}

/// A sandbox that runs until it is dropped.
struct Running {
    child: Child,
    greeting: Vec<String>,
}

impl Running {
    fn start(program: &Program, arguments: &[&str]) -> Self {
        let mut command = program.command(&[&["sandbox", "--listen", "127.0.0.1:0"], arguments].concat());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
        let greeting = lines.map(Result::unwrap).take(3).collect();
        Self { child, greeting }
    }

    fn url(&self) -> &str {
        self.greeting[0].split('"').nth(1).unwrap_or_else(|| panic!("{:?}", self.greeting))
    }

    /// Ends it as `signal` does; gives its exit code and what it said last.
    fn end(mut self, signal: Signal) -> (Option<i32>, String) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).unwrap();
        let mut said = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        (self.child.wait().unwrap().code(), said)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_call_proves_key_and_address_and_is_counted_where_a_database_is() {
    let sandbox = Running::start(&Program::without_watchlist(), &[]);
    let watchlist = WATCHLIST.replace("http://127.0.0.1:1/opens/App/bqQualification/query", sandbox.url());
    let database = TestDatabase::new().await;
    let without = Program::new(&watchlist).with("QUALWATCH_API_KEY", "any");
    let ran = without.run(&["validate", "--ask", "--json"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!((&ran.json()["ok"], &ran.json()["ask"]["ok"]), (&json!(true), &json!(true)));
    assert_eq!(without.files(), ["watchlist.toml"], "no database is made for it");
    let with = Program::new(&watchlist)
        .with("QUALWATCH_API_KEY", "any")
        .with("QUALWATCH_DATABASE_URL", database.url())
        .with("QUALWATCH_NOW", NOW);
    let ran = with.run(&["validate", "--ask"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stdout.contains("key and address are right"), "{}", ran.stdout);
    let store = Store::open(database.options()).await.unwrap();
    let calls = budget::calls_of_the_day(store.pool(), instant(NOW)).await.unwrap();
    assert_eq!((calls.checks, calls.total()), (1, 1));

    let (code, said) = sandbox.end(Signal::SIGTERM);
    assert_eq!((code, said.trim()), (Some(0), "2 requests were answered"));
    assert_eq!(with.run(&["validate", "--ask"]).code, Some(1), "nobody answers");
}

#[test]
fn days_of_a_sandbox_pass_in_seconds_and_it_says_when_one_begins() {
    let program = Program::without_watchlist().with("QUALWATCH_NOW", "2026-01-31T08:00:00+08:00");
    let mut command = program.command(&["sandbox", "--listen", "127.0.0.1:0", "--day-every", "200ms"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let days: Vec<String> = lines.filter(|line| line.contains("qualwatch check")).take(3).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    let said = |day: &str| format!("{day}: QUALWATCH_NOW={day}T08:00:00+08:00 qualwatch check");
    assert_eq!(days, ["2026-01-31", "2026-02-01", "2026-02-02"].map(said));
    let refused = program.run(&["sandbox", "--day-every", "0s"]);
    assert_eq!(
        (refused.code, refused.stderr.contains("no span") || refused.stderr.contains("not a span")),
        (Some(2), true)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_imitates_the_companies_of_a_list() {
    let list = format!("{WATCHLIST}id = \"5d43a8f092aec74cbf04a163\"\n");
    let first = Program::new(&list).with("QUALWATCH_NOW", "2026-01-05T08:00:00+08:00");
    let sandbox = Running::start(&first, &["--list", "watchlist.toml"]);
    let list = list.replace("http://127.0.0.1:1/opens/App/bqQualification/query", sandbox.url());
    let database = TestDatabase::new().await;
    let program = Program::new(&list)
        .with("QUALWATCH_API_KEY", "any")
        .with("QUALWATCH_NOW", "2026-01-05T08:00:00+08:00")
        .with("QUALWATCH_DATABASE_URL", database.url());
    let ran = program.run(&["check", "--json"]);
    assert_eq!(
        (ran.code, &ran.json()["companies"]["complete"]),
        (Some(0), &json!(3)),
        "its own id is kept to: {ran:?}"
    );
    let (code, said) = sandbox.end(Signal::SIGTERM);
    assert_eq!((code, said.trim()), (Some(0), "3 requests were answered"));

    std::fs::write(first.folder().join("watchlist.toml"), "[email]\n").unwrap();
    let ran = first.run(&["sandbox", "--list", "watchlist.toml"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{ran:?}");
    assert!(ran.stderr.contains("`from` is missing"), "{}", ran.stderr);
}

#[test]
fn the_scenario_format_is_documented_and_its_examples_are_scenarios() {
    let document = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/sandbox.md")).unwrap();
    let examples: Vec<&str> =
        document.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(examples.len(), 2);
    for example in examples {
        assert!(Scenario::parse(example).is_ok(), "{example}");
    }
    // A key that is none is refused with all that are.
    for table in [
        "",
        "[[company]]\n",
        "[[company]]\nkeywords = [\"a\"]\nid = \"b\"\n[[company.certificate]]\n",
        "[[fault]]\n",
        "[generate]\n",
        "[generate.lose]\n",
    ] {
        let refused = format!("{:?}", Scenario::parse(&format!("{table}nothing = 1\n")).err().unwrap());
        let keys = refused.split("expected one of ").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
        for key in keys.split('`').skip(1).step_by(2) {
            let is_named = document.contains(&format!("`{key}"))
                || document.contains(&format!("\n{key} = "))
                || document.contains(&format!("[{key}]"))
                || document.contains(&format!(".{key}]"));
            assert!(is_named, "{key} of {table}");
        }
    }
}

#[test]
fn a_sandbox_serves_a_scenario_of_its_own_until_ctrl_c() {
    let program = Program::without_watchlist();
    let scenario = "key = \"right\"\n[[company]]\nkeywords = [\"甲\"]\nid = \"5d43a8f092aec74cbf04a163\"\n";
    std::fs::write(program.folder().join("scenario.toml"), scenario).unwrap();
    let sandbox = Running::start(&program, &["--scenario", "scenario.toml"]);
    let watchlist = WATCHLIST
        .replace("http://127.0.0.1:1/opens/App/bqQualification/query", sandbox.url())
        .replace("河南省建筑设计研究院有限公司", "甲");
    let ask = |key: &str| {
        let asking = Program::new(&watchlist).with("QUALWATCH_API_KEY", key);
        let ran = asking.run(&["validate", "--ask", "--json"]);
        (ran.code, ran.json()["ask"].clone())
    };
    let (code, wrong) = ask("wrong");
    assert_eq!((code, &wrong["class"], &wrong["code"]), (Some(1), &json!("credential"), &json!(10001)));
    assert!(wrong["advice"].as_str().unwrap().contains("the key is wrong"), "{wrong}");
    let (code, nothing) = ask("right");
    assert_eq!(
        (code, &nothing["class"]),
        (Some(0), &json!("empty")),
        "the key is right, the keyword finds nothing"
    );
    assert_eq!(sandbox.end(Signal::SIGINT).0, Some(0));

    std::fs::write(program.folder().join("scenario.toml"), "keys = 1").unwrap();
    let ran = program.run(&["sandbox", "--scenario", "scenario.toml"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    let ran = program.run(&["sandbox", "--listen", "192.0.2.1:80"]);
    assert!(ran.code == Some(1) && ran.stderr.contains("loopback"), "{ran:?}");
}
