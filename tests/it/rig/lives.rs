//! What is left of scenario 1, where the moment is not a step of the work itself: a reload, a migration, the answer to the final
//! dot. And how daemons start and end: politely at every step, very often, and several at once on an empty database.

use std::fs;
use std::process::{Command, Stdio};

use nix::sys::signal::Signal;
use qualwatch::store::connection::MIGRATIONS;
use qualwatch::store::steps::Step;
use sqlx::AssertSqlSafe;
use tokio::net::TcpListener;

use super::house::Rig;
use super::laws::{Cost, judge, undisturbed};
use crate::support::crashing::start_until;
use crate::support::database::TestDatabase;
use crate::support::running::{Running, until};
use crate::support::scenarios::{BUILDING, certificate, company, steady};
use crate::support::scene::DAYS;
use crate::support::smtp_sink::{Behaviour, SinkStage};

#[tokio::test(flavor = "multi_thread")]
async fn scenario_01_a_kill_in_the_middle_of_a_reload_leaves_the_new_watchlist_in_force() {
    let expected = undisturbed(&Rig::with(&steady(6)).await, &[DAYS[0]]).await;
    let rig = Rig::with(&steady(6)).await;
    let program = rig.program();
    let file = program.folder().join("watchlist.toml");
    fs::write(&file, rig.first(3)).unwrap();
    // At its start it takes the first one into force.
    let daemon = Running::spawn(start_until(&program, "run", Step::Accepted, 2, Signal::SIGKILL));
    until("the first are checked", || async { rig.checked().await == 3 && rig.is_silent().await }).await;
    fs::write(&file, rig.watchlist()).unwrap();
    assert_eq!(daemon.ended().await.0, -9);
    let copy = fs::read_to_string(program.folder().join("state/watchlist.accepted.toml")).unwrap();
    assert_eq!(copy, rig.first(3), "it died between the rows and the copy");
    assert_eq!(rig.count("SELECT count(*) FROM companies").await, 6);
    let daemon = Running::start(&program, &["run"]);
    until("all are checked", || async { rig.checked().await == 6 && rig.is_silent().await }).await;
    assert_eq!(daemon.end(Signal::SIGTERM).await.0, 0);
    judge(&rig, &expected, Cost::NOTHING).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scenario_01_kills_at_the_final_dot_are_followed_by_the_same_bytes() {
    let expected = undisturbed(&Rig::set().await, &DAYS).await;
    let rig = Rig::set().await;
    for day in DAYS {
        rig.scene.at(day);
        rig.scene.sink.behave(SinkStage::Dot, Behaviour::Stall);
        for _ in 0..4 {
            let waiting = rig.scene.sink.unanswered().len();
            let program = rig.program();
            let check = Running::start(&program, &["check", "--due"]);
            until("a whole message waits for its answer", || async {
                rig.scene.sink.unanswered().len() > waiting
            })
            .await;
            assert_eq!(check.end(Signal::SIGKILL).await.0, -9);
            rig.scene.until_nobody_claims().await;
        }
        rig.scene.sink.heal();
        let ran = rig.program().run(&["check", "--due", "--json"]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
    }
    let (unanswered, mails) = (rig.scene.sink.unanswered(), rig.scene.sink.mails());
    assert_eq!(unanswered.len(), 20);
    assert!(unanswered.iter().all(|mail| mails.contains(mail)), "each came again, byte for byte");
    judge(&rig, &expected, Cost::NOTHING).await;
}

/// Stops whoever changes the layout at the n-th change, until somebody else's lock is given back.
const STOPS: &str = "CREATE SCHEMA rig;
    CREATE SEQUENCE rig.changes;
    CREATE FUNCTION rig.stops() RETURNS event_trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF nextval('rig.changes') = CHANGE THEN
            PERFORM pg_advisory_xact_lock(4711);
        END IF;
    END $$;
    CREATE EVENT TRIGGER stops ON ddl_command_end EXECUTE FUNCTION rig.stops()";

#[tokio::test(flavor = "multi_thread")]
async fn scenario_01_a_kill_in_the_middle_of_a_migration_leaves_nothing_half_made() {
    let rig = Rig::with(&steady(3)).await;
    for change in [1, 3, 10, 20, 30] {
        let database = TestDatabase::empty().await;
        let pool = database.pool().await;
        sqlx::raw_sql(AssertSqlSafe(STOPS.replace("CHANGE", &change.to_string())))
            .execute(&pool)
            .await
            .unwrap();
        let mut lock = pool.acquire().await.unwrap();
        sqlx::query("SELECT pg_advisory_lock(4711)").execute(&mut *lock).await.unwrap();
        let program = rig.program_on(&database.url());
        let daemon = Running::start(&program, &["run"]);
        until("it waits in the middle of a migration", || async {
            let waiting =
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = 4711
                           AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
            sqlx::query_scalar::<_, i64>(waiting).fetch_one(&pool).await.unwrap() == 1
        })
        .await;
        assert_eq!(daemon.end(Signal::SIGKILL).await.0, -9);
        drop(lock.detach());
        sqlx::raw_sql("DROP EVENT TRIGGER stops").execute(&pool).await.unwrap();
        let daemon = Running::start(&program, &["run"]);
        daemon.logged("watching").await;
        let (code, log) = daemon.end(Signal::SIGTERM).await;
        assert_eq!(code, 0, "change {change}: {log}");
        let whole: i64 = sqlx::query_scalar("SELECT count(*) FROM _sqlx_migrations WHERE success")
            .fetch_one(&pool)
            .await
            .unwrap();
        assert_eq!(usize::try_from(whole).unwrap(), MIGRATIONS.iter().count());
        pool.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn daemons_that_start_together_on_an_empty_database_migrate_it_once() {
    let rig = Rig::with(&steady(3)).await;
    let database = TestDatabase::empty().await;
    let rig = rig.lives_at(database.options()).await;
    let program = rig.program_on(&database.url());
    let daemons: Vec<_> = (0..4).map(|_| Running::start(&program, &["run"])).collect();
    for daemon in &daemons {
        daemon.logged("watching").await;
    }
    until("all are checked", || async { rig.checked().await == 3 && rig.is_silent().await }).await;
    for daemon in daemons {
        let (code, log) = daemon.end(Signal::SIGTERM).await;
        assert_eq!(code, 0, "{log}");
        assert!(!log.contains("ERROR"), "{log}");
    }
    let told = rig.count("SELECT count(*) FROM deliveries WHERE sent_at IS NOT NULL");
    assert_eq!((rig.money.paid(), told.await), (3, 3), "each is asked for and told of once");
    // Whoever ends its sweep sends what is owed by then.
    assert!((1..=3).contains(&rig.scene.sink.mails().len()));
}

#[tokio::test(flavor = "multi_thread")]
async fn at_whatever_step_a_daemon_is_asked_to_end_it_ends_well_and_the_next_goes_on() {
    let expected = undisturbed(&Rig::set().await, &DAYS[..1]).await;
    // Ends are judged without an answer on no day of this story.
    for step in Step::ALL.iter().filter(|step| **step != Step::Judged) {
        let rig = Rig::set().await;
        let program = rig.program();
        let daemon = Running::spawn(start_until(&program, "run", *step, 1, Signal::SIGTERM));
        let (code, log) = daemon.ended().await;
        assert_eq!(code, 0, "{step:?}: {log}");
        let daemon = Running::start(&program, &["run"]);
        let told = || async { rig.scene.sink.mails().len() >= 2 && rig.is_silent().await };
        until(&format!("all is told after {step:?}"), told).await;
        daemon.logged("watching").await;
        assert_eq!(daemon.end(Signal::SIGTERM).await.0, 0);
        judge(&rig, &expected, Cost { calls: 2, ..Cost::NOTHING }).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_whose_database_says_nothing_yet_survives_a_hang_up_and_ends_well() {
    let rig = Rig::with(&steady(1)).await;
    let database = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("postgres://qualwatch@{}/qualwatch", database.local_addr().unwrap());
    for signals in [[Signal::SIGHUP, Signal::SIGTERM], [Signal::SIGHUP, Signal::SIGINT]] {
        let program = rig.program_on(&url);
        let daemon = Running::start(&program, &["run"]);
        let _waiting = database.accept().await.unwrap();
        daemon.signal(signals[0]);
        let (code, log) = daemon.end(signals[1]).await;
        assert_eq!(code, 0, "{log}");
        assert!(!log.contains("ERROR"), "{log}");
    }
}

/// Starts and ends a daemon so often, by turns politely and not.
async fn lives(times: usize) {
    let expected = undisturbed(&Rig::with(&steady(3)).await, &[DAYS[0]]).await;
    let rig = Rig::with(&steady(3)).await;
    let program = rig.program();
    for time in 0..times {
        let daemon = Running::start(&program, &["run"]);
        daemon.logged("watching").await;
        let (signal, wanted) = if time % 2 == 0 { (Signal::SIGTERM, 0) } else { (Signal::SIGKILL, -9) };
        let (code, log) = daemon.end(signal).await;
        assert_eq!(code, wanted, "life {time}: {log}");
    }
    let daemon = Running::start(&program, &["run"]);
    until("all is told", || async { rig.checked().await == 3 && rig.is_silent().await }).await;
    assert_eq!(daemon.end(Signal::SIGTERM).await.0, 0);
    // A kill may come while a call is under way.
    let killed = times / 2 * super::house::CONCURRENCY;
    judge(&rig, &expected, Cost { calls: killed, repeats: times / 2, troubles: &[] }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_can_be_started_and_ended_again_and_again() {
    Box::pin(lives(20)).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "by hand: it takes minutes"]
async fn a_daemon_can_be_started_and_ended_a_thousand_times() {
    Box::pin(lives(1_000)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_whatever_locale_the_same_is_told() {
    let expected = undisturbed(&Rig::set().await, &DAYS[..1]).await;
    for locale in ["C", "zh_CN.GB18030", "tr_TR.UTF-8", "nonsense"] {
        let rig = Rig::set().await;
        let program = rig.program().with("LC_ALL", locale).with("LANG", locale);
        let ran = program.run(&["check", "--due", "--json"]);
        assert_eq!(ran.code, Some(0), "{locale}: {ran:?}");
        judge(&rig, &expected, Cost::NOTHING).await;
    }
}

/// Reads mails with Python's own parser and counts their headers: a parser that is not ours.
const PYTHON: &str = "import email, email.policy, sys
message = email.message_from_bytes(sys.stdin.buffer.read(), policy=email.policy.default)
print(len(message.keys()), len(set(message.keys())), message['To'], len(message.defects))";

#[tokio::test(flavor = "multi_thread")]
async fn scenario_24_poisoned_names_take_no_other_company_with_them_and_mail_stays_whole() {
    let poison = |number: &str, name: &str| {
        certificate(number, &format!("qualifications = \"{name}\""))
            .replace("organ = \"河南省", &format!("organ = \"{name}"))
    };
    let names = [
        "\\u0000建筑工程",
        "\\r\\nBcc: someone@example.net\\r\\n\\r\\n建筑工程",
        "\\u202E建筑\\u2066工程",
        "=?utf-8?b?QmNjOiBh?=",
        "\\u2028\\u0085建筑",
    ];
    let scenario: String = (1..=5)
        .map(|n| company(n, &poison(&format!("D24100000{n}"), names[n as usize - 1])))
        .chain((6..=10).map(|n| company(n, &certificate(&format!("D2410000{n:02}"), BUILDING))))
        .collect();
    let long = format!(
        "[[fault]]\nkeyword = \"公司1\"\nfrom = \"{}\"\nbody = '{{\"error_code\":0,\"result\":{{\"total\":1,\"items\":[{{\"certificateNum\":\"D241000001\",\"businessId\":\"5f0000000000000000000001-1\",\"qualificationName\":\"{}\"}}]}}}}'\n",
        DAYS[1],
        "工".repeat(400_000)
    );
    let rig = Rig::with(&scenario).await;
    rig.scene.upstream(&(scenario.clone() + &long));
    for day in &DAYS[..3] {
        rig.scene.at(day);
        let ran = rig.program().run(&["check", "--due", "--json"]);
        assert!(matches!(ran.code, Some(0 | 3)), "{ran:?}");
        assert!(ran.json()["companies"]["complete"].as_i64().unwrap() >= 9, "{ran:?}");
    }
    assert!(rig.is_silent().await);
    assert_eq!(rig.scene.sink.violations(), Vec::<String>::new());
    for mail in rig.scene.sink.mails() {
        assert_eq!(mail.to.len(), 1);
        let mut python = Command::new("python3")
            .args(["-c", PYTHON])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        std::io::Write::write_all(&mut python.stdin.take().unwrap(), &mail.bytes).unwrap();
        let said = String::from_utf8(python.wait_with_output().unwrap().stdout).unwrap();
        let words: Vec<&str> = said.split_whitespace().collect();
        assert_eq!((words[0], words[2], words[3]), (words[1], mail.to[0].as_str(), "0"), "{said}");
    }
}
