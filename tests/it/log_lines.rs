//! What a line of the log says: of whom it is, once; in the form that its reader takes; and never what a library says beside it.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::net::UnixDatagram;
use std::process::Command;

use nix::sys::signal::Signal;
use nix::unistd::geteuid;
use serde_json::Value;

use crate::rig::line::{Line, Sessions};
use crate::support::database::{launcher, socket_dir};
use crate::support::program::Program;
use crate::support::running::{Running, until};
use crate::support::scene::{BUYER, COMPANIES, Scene, cast};

/// One company whose every check fails, and one recipient whom the mail server does not know.
async fn troubled() -> Scene {
    let broken = format!("[[fault]]\nkeyword = \"{}\"\ncode = 10020\n", COMPANIES[0]);
    let scene = Scene::with(&(cast() + &broken)).await;
    scene.sink.refuse_recipient(BUYER, "550 5.1.1 no such user");
    scene
}

/// Lines of these messages, with what each has to name.
const KINDS: [(&str, &[&str]); 3] = [
    ("the check failed", &["class", "code", "company", "reason", "sweep"]),
    ("swept", &["asked", "calls", "complete", "failed", "sweep"]),
    ("mail was given up: a dead letter", &["events", "reason", "recipient"]),
];

/// The log of a daemon that has swept and mailed.
async fn log_of(program: &Program) -> String {
    let daemon = Running::start(program, &["run"]);
    daemon.logged("mail was given up").await;
    daemon.logged("swept").await;
    let (code, log) = daemon.end(Signal::SIGTERM).await;
    assert_eq!(code, 0, "{log}");
    log
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_names_its_company_its_sweep_or_its_recipient_once() {
    let scene = troubled().await;
    let log = log_of(&scene.program()).await;
    for (message, names) in KINDS {
        let line =
            log.lines().find(|line| line.contains(message)).unwrap_or_else(|| panic!("{message}: {log}"));
        for name in names {
            assert_eq!(line.matches(&format!(" {name}=")).count(), 1, "{name}: {line}");
        }
        for whose in [COMPANIES[0], BUYER] {
            assert!(line.matches(whose).count() <= 1, "{whose} is named twice: {line}");
        }
    }
    let failed = log.lines().find(|line| line.contains("the check failed")).unwrap();
    assert!(failed.contains(&format!(" company={}", COMPANIES[0])), "{failed}");
    assert_eq!(log.matches("the check failed").count(), 1, "of two tries one line: {log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn as_json_every_line_is_an_object_with_the_same_fields() {
    let scene = troubled().await;
    let log = log_of(&scene.program().with("QUALWATCH_LOG", "json")).await;
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for (message, names) in KINDS {
        let line = lines.iter().find(|line| line["message"] == message).unwrap();
        let found: BTreeSet<&str> = line.as_object().unwrap().keys().map(String::as_str).collect();
        let missing: Vec<&&str> =
            ["time", "level"].iter().chain(names).filter(|name| !found.contains(**name)).collect();
        assert!(missing.is_empty(), "{missing:?}: {line}");
    }
    let whose = |name: &str| {
        let named = lines.iter().filter_map(|line| line[name].as_str());
        named.collect::<BTreeSet<_>>()
    };
    assert_eq!(whose("company"), BTreeSet::from([COMPANIES[0]]));
    assert!(whose("recipient").contains(BUYER));
    // What stops a command is said to a program as well.
    let lost = scene
        .program()
        .with("QUALWATCH_LOG", "json")
        .with("QUALWATCH_DATABASE_URL", "postgres://127.0.0.1:1/x");
    let ran = lost.run(&["status"]);
    let said: Value = serde_json::from_str(&ran.stderr).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
    assert!(said["level"] == "ERROR" && said["message"].as_str().unwrap().starts_with("error: "), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_wish_for_the_log_is_told_and_stops_nothing() {
    let scene = Scene::with(&cast()).await;
    let program = scene.program().with("QUALWATCH_LOG", "xml").with("RUST_LOG", "qualwatch=loud");
    let ran = program.run(&["check"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(
        ran.stderr.contains("QUALWATCH_LOG is neither plain nor json") && ran.stderr.contains("form=xml"),
        "{ran:?}"
    );
    assert!(ran.stderr.contains("RUST_LOG cannot be read"), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_library_speaks_beside_us_when_the_database_goes_away_or_mail_is_refused() {
    let scene = troubled().await;
    let line = Line::to(socket_dir(), Sessions::AsTheyAre).await;
    let database = line.url(scene.database.options().get_database().unwrap());
    let program = scene.program().with("QUALWATCH_LOG", "json").with("QUALWATCH_DATABASE_URL", &database);
    let daemon = Running::start(&program, &["run"]);
    daemon.logged("mail was given up").await;
    // A statement that takes more than a second, which sqlx warns of where it may.
    let mut slow = scene.pool.begin().await.unwrap();
    sqlx::raw_sql("LOCK TABLE companies IN ACCESS EXCLUSIVE MODE").execute(&mut *slow).await.unwrap();
    daemon.signal(Signal::SIGHUP);
    sqlx::raw_sql("SELECT pg_sleep(1.5)").execute(&mut *slow).await.unwrap();
    slow.rollback().await.unwrap();
    daemon.logged("the watchlist was read anew").await;
    let failing =
        || async { daemon.log().matches("this failed and is tried again every minute").count() > 1 };
    line.cut();
    until("work fails", || async {
        daemon.signal(Signal::SIGHUP);
        failing().await
    })
    .await;
    let (_, log) = daemon.end(Signal::SIGTERM).await;
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of_libraries: Vec<&Value> = lines.iter().filter(|line| line.get("target").is_some()).collect();
    assert!(of_libraries.is_empty(), "{of_libraries:?}");
    let mut failed: BTreeMap<&str, usize> = BTreeMap::new();
    for line in lines.iter().filter(|line| line["message"] == "this failed and is tried again every minute") {
        *failed.entry(line["work"].as_str().unwrap()).or_default() += 1;
    }
    assert!(failed.values().all(|times| *times == 1), "of each piece of work once: {failed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_journal_gets_the_fields_by_its_own_protocol() {
    let may_mount = || Command::new("unshare").args(["--mount", "true"]).status();
    if !geteuid().is_root() || !may_mount().is_ok_and(|status| status.success()) {
        eprintln!("skipped: only root can have a journal of its own");
        return;
    }
    let scene = troubled().await;
    let program = scene.program();
    let place = program.folder().join("journal");
    std::fs::create_dir(&place).unwrap();
    let journal = UnixDatagram::bind(place.join("socket")).unwrap();
    journal.set_read_timeout(Some(std::time::Duration::from_mins(1))).unwrap();
    // The test database is found by TCP or below /tmp, not below /run.
    let script = "mount -t tmpfs none /run && mkdir -p /run/systemd/journal && mount --bind \"$0\" /run/systemd/journal \
                  && JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2) exec \"$1\" run";
    let mut command = program.command_of("unshare".as_ref());
    command.args(["--mount", "sh", "-c", script]).arg(&place).arg(launcher());
    let daemon = Running::spawn(command);
    let heard = tokio::task::spawn_blocking(move || {
        let (mut all, mut bytes) = (Vec::new(), vec![0; 100_000]);
        while !all.iter().any(|line: &String| line.contains("mail was given up")) {
            let length = journal.recv(&mut bytes).unwrap();
            all.push(String::from_utf8(bytes[..length].to_vec()).unwrap());
        }
        all
    });
    let heard = crate::support::running::in_time(heard).await;
    let (_, log) = daemon.end(Signal::SIGTERM).await;
    let line = |words: &str| heard.iter().find(|line| line.contains(words)).unwrap();
    let failed = line("the check failed");
    for field in [
        "PRIORITY=6\n",
        "SYSLOG_IDENTIFIER=qualwatch\n",
        &format!("QUALWATCH_COMPANY={}\n", COMPANIES[0]),
        "QUALWATCH_CODE=10020\n",
        "QUALWATCH_SWEEP=2026-01-05T",
    ] {
        assert!(failed.contains(field), "{field:?} in {failed}");
    }
    let message = failed.lines().find(|line| line.starts_with("MESSAGE=")).unwrap();
    assert!(
        message.starts_with("MESSAGE=INFO the check failed") && message.contains(" reason="),
        "readable alone: {message}"
    );
    let given_up = line("mail was given up");
    assert!(
        given_up.contains("PRIORITY=3\n") && given_up.contains(&format!("QUALWATCH_RECIPIENT={BUYER}\n"))
    );
    assert!(!log.contains("the check failed"), "it is said once: {log}");
}
