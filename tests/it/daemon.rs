//! `qualwatch run` from its start to its end, as systemd and an operator deal with it.

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use nix::sys::signal::Signal;
use qualwatch::clock;
use qualwatch::store::steps::Step;

use crate::support::crashing::run_until;
use crate::support::program::Program;
use crate::support::running::{Running, until};
use crate::support::scenarios::steady;
use crate::support::scene::{BUYER, COMPANIES, DAYS, OPERATOR, READER, Scene};

/// A daemon that is asked to end has nothing to wait for here.
const POLITE: Duration = Duration::from_secs(5);

fn write(program: &Program, watchlist: &str) {
    std::fs::write(program.folder().join("watchlist.toml"), watchlist).unwrap();
}

/// The file with the first companies only.
fn first(scene: &Scene, count: usize) -> String {
    let text = scene.watchlist();
    let ends = text.match_indices("[[company]]").map(|(at, _)| at).chain([text.len()]).nth(count);
    text[..ends.unwrap()].to_owned()
}

async fn mails_to(scene: &Scene, address: &str, count: usize) {
    let what = format!("{count} mails to {address}");
    until(&what, || async { subjects(scene, address).len() >= count }).await;
    assert_eq!(subjects(scene, address).len(), count, "{:?}", subjects(scene, address));
}

fn subjects(scene: &Scene, address: &str) -> Vec<String> {
    let letters = scene.letters().into_iter().filter(|(to, _)| to == address);
    letters.map(|(_, letter)| letter.subject()).collect()
}

async fn ends_politely(daemon: Running) -> String {
    let (code, log) = clock::within(POLITE, daemon.end(Signal::SIGTERM)).await.expect("it ends at once");
    assert_eq!(code, 0, "{log}");
    log
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_says_when_it_is_ready_watches_mails_and_ends_politely() {
    let scene = Scene::set().await;
    let program = scene.program();
    let socket = program.folder().join("notify");
    let manager = UnixDatagram::bind(&socket).unwrap();
    manager.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let hear = |wanted: &str| {
        let mut heard = [0; 1024];
        let mut all = Vec::new();
        while !all.iter().any(|said: &String| said.contains(wanted)) {
            let length =
                manager.recv(&mut heard).unwrap_or_else(|error| panic!("{wanted}: {error}: {all:?}"));
            all.push(String::from_utf8_lossy(&heard[..length]).into_owned());
        }
    };
    let program = program.with("NOTIFY_SOCKET", socket.to_str().unwrap());
    let daemon = Running::start(&program, &["run"]);
    hear("STATUS=opening the database");
    hear("READY=1");
    hear("STATUS=no sweep yet; next sweep 2026-01-06 08:00");
    mails_to(&scene, READER, 1).await;
    mails_to(&scene, BUYER, 1).await;
    hear("STATUS=last sweep 2026-01-05 08:00: 3 of 3 companies complete; next sweep 2026-01-06 08:00");
    assert_eq!(daemon.said(), "", "a daemon speaks in its log");
    daemon.signal(Signal::SIGHUP);
    hear("RELOADING=1");
    hear("READY=1");
    let log = ends_politely(daemon).await;
    hear("STOPPING=1");
    assert!(log.contains("companies=3") && log.contains("swept asked=3 complete=3"), "{log}");
    assert!(!log.contains("ERROR") && !log.contains("WARN"), "{log}");
    assert_eq!(scene.sandbox.requests(), 4, "and nobody was asked twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_ends_again_and_again_waits_before_it_touches_anything() {
    let scene = Scene::set().await;
    let program = scene.program();
    let marker = program.folder().join("state/run.restarts");
    let starts = || std::fs::read_to_string(&marker).unwrap().trim().to_owned();
    std::fs::create_dir(program.folder().join("state")).unwrap();
    let socket = program.folder().join("notify");
    let manager = UnixDatagram::bind(&socket).unwrap();
    manager.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let program = program.with("NOTIFY_SOCKET", socket.to_str().unwrap());
    let broken = "postgres://nobody@127.0.0.1:1/nowhere?sslmode=disable";
    let url = scene.database.url();
    let program = program.without("QUALWATCH_DATABASE_URL").with("QUALWATCH_DATABASE_URL", broken);
    for start in 1..=2 {
        assert_eq!((program.run(&["run"]).code, starts()), (Some(1), start.to_string()));
    }
    std::fs::write(&marker, "8").unwrap();
    let program = program.without("QUALWATCH_DATABASE_URL").with("QUALWATCH_DATABASE_URL", url);
    let daemon = Running::start(&program, &["run"]);
    daemon.logged("this one waits").await;
    let mut heard = [0; 1024];
    let said = loop {
        let length = manager.recv(&mut heard).unwrap();
        let said = String::from_utf8_lossy(&heard[..length]).into_owned();
        if said.contains("8 starts did not last") {
            break said;
        }
    };
    assert!(said.contains("EXTEND_TIMEOUT_USEC=60000000"), "systemd lets it wait: {said}");
    ends_politely(daemon).await;
    assert_eq!((scene.sandbox.requests(), scene.letters().len()), (0, 0));
    assert_eq!(starts(), "0", "who ends it politely begins anew");
    let daemon = Running::start(&program, &["run"]);
    daemon.logged("watching").await;
    assert_eq!(starts(), "1");
    ends_politely(daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_file_takes_effect_without_a_restart_and_a_faulty_one_not_at_all() {
    let scene = Scene::set().await;
    let program = scene.program_with(&first(&scene, 2));
    let daemon = Running::start(&program, &["run"]);
    mails_to(&scene, READER, 1).await;
    assert_eq!(scene.sandbox.requests(), 2);

    let faulty = scene.watchlist().replace("concurrency", "concurency");
    write(&program, &faulty);
    daemon.signal(Signal::SIGHUP);
    mails_to(&scene, OPERATOR, 1).await;
    assert!(subjects(&scene, OPERATOR)[0].contains("监测名单"), "{:?}", subjects(&scene, OPERATOR));
    daemon.logged("the watchlist is not accepted").await;
    daemon.signal(Signal::SIGHUP);
    until("it is refused again", || async { daemon.log().matches("is not accepted").count() == 2 }).await;
    assert_eq!(scene.count("SELECT count(*) FROM companies").await, 2, "the old one stays in force");

    write(&program, &scene.watchlist());
    daemon.signal(Signal::SIGHUP);
    mails_to(&scene, OPERATOR, 2).await;
    mails_to(&scene, READER, 2).await;
    assert!(subjects(&scene, READER)[1].contains("另一家"), "the new company is asked for at once");
    assert_eq!(scene.sandbox.requests(), 4, "and only that one");
    let troubles = "SELECT kind FROM events WHERE audience = 'operator' ORDER BY id";
    assert_eq!(
        scene.texts(troubles).await,
        ["watchlist_rejected", "watchlist_rejected_resolved"],
        "once each"
    );
    ends_politely(daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_with_a_faulty_file_runs_by_the_accepted_copy_and_says_so() {
    let scene = Scene::set().await;
    let program = scene.program();
    assert_eq!(program.run(&["check"]).code, Some(0));
    mails_to(&scene, READER, 1).await;
    scene.at(DAYS[1]);
    let program = scene.now(program);
    for (text, said) in [
        (scene.watchlist().replace("[email]", "[emial]"), "emial"),
        (first(&scene, 0), "company"),
        ("\u{0}".to_owned(), "watchlist"),
    ] {
        write(&program, &text);
        let daemon = Running::start(&program, &["run"]);
        daemon.logged("the watchlist is not accepted").await;
        daemon.logged("watching companies=3").await;
        mails_to(&scene, OPERATOR, 1).await;
        mails_to(&scene, READER, 2).await;
        let log = ends_politely(daemon).await;
        assert!(log.contains(said), "{said}: {log}");
    }
    assert_eq!(scene.count("SELECT count(*) FROM companies WHERE left_at IS NULL").await, 3);
    std::fs::remove_file(program.folder().join("watchlist.toml")).unwrap();
    let (code, log) = Running::start(&program, &["run"]).ended().await;
    assert_eq!(code, 2, "no file at all is wrong use: {log}");

    write(&program, &scene.watchlist());
    let daemon = Running::start(&program, &["run"]);
    mails_to(&scene, OPERATOR, 2).await;
    assert_eq!(
        scene.texts("SELECT kind FROM events WHERE audience = 'operator' ORDER BY id").await[1],
        "watchlist_rejected_resolved"
    );
    ends_politely(daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_a_daemon_at_once_with_a_call_in_flight() {
    let scene = Scene::set().await;
    scene.break_upstream("[[fault]]\nslow = \"15s\"\n");
    let program = scene.program();
    let daemon = Running::start(&program, &["run"]);
    until("a call waits for its answer", || async { scene.sandbox.requests() == 1 }).await;
    daemon.signal(Signal::SIGTERM);
    daemon.logged("what is begun is finished first").await;
    let (code, log) = clock::within(POLITE, daemon.end(Signal::SIGTERM)).await.expect("it ends at once");
    assert_eq!(code, 128 + 15, "{log}");
    scene.until_nobody_claims().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_there_never_was_a_good_file_a_faulty_one_is_wrong_use() {
    let scene = Scene::set().await;
    let program = scene.program_with(&scene.watchlist().replace("[email]", "[emial]"));
    let (code, log) = Running::start(&program, &["run"]).ended().await;
    assert_eq!(code, 2, "{log}");
    assert!(log.contains("emial"), "{log}");
    assert_eq!(program.files(), ["watchlist.toml"]);
    assert_eq!(scene.count("SELECT count(*) FROM companies").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_is_killed_goes_on_where_it_was() {
    let scene = Scene::set().await;
    let program = scene.program();
    for (step, nth) in [
        (Step::BeforeCall, 2),
        (Step::AfterCommit, 1),
        (Step::BeforeCommit, 1),
        (Step::Frozen, 1),
        (Step::HandedOver, 1),
    ] {
        let status = run_until(&program, "run", step, nth);
        assert_eq!(status.to_string(), "signal: 9 (SIGKILL)", "{step:?}");
        scene.until_nobody_claims().await;
    }
    let daemon = Running::start(&program, &["run"]);
    mails_to(&scene, READER, 1).await;
    mails_to(&scene, BUYER, 1).await;
    until("nothing is owed", || async {
        scene.count("SELECT count(*) FROM deliveries WHERE sent_at IS NULL").await == 0
    })
    .await;
    assert_eq!(scene.sink.mails().len(), 3, "one was repeated, with the same bytes");
    let kinds = scene.kinds().await;
    assert_eq!(kinds.iter().filter(|kind| *kind == "watching").count(), 3, "{kinds:?}");
    ends_politely(daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_repaired_in_its_file_heals_by_itself() {
    for wrong in [Some("wrong"), None] {
        let scene = Scene::set().await;
        scene.upstream(&format!("key = \"right\"\n{}", steady(3)));
        let watchlist = scene.watchlist().replace("concurrency = 2", "key_file = \"key\"");
        let watchlist =
            (1..=3).fold(watchlist, |text, n| text.replace(COMPANIES[n - 1], &format!("公司{n}")));
        let program = scene.program_with(&watchlist).without("QUALWATCH_API_KEY");
        let file = program.folder().join("key");
        let put = |key: &str| {
            std::fs::write(&file, key).unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        };
        if let Some(wrong) = wrong {
            put(wrong);
        }
        let daemon = Running::start(&program, &["run"]);
        mails_to(&scene, OPERATOR, 1).await;
        assert_eq!(scene.kinds().await, ["api_credential"], "{wrong:?}");
        assert_eq!(scene.sandbox.requests(), u64::from(wrong.is_some()), "{wrong:?}: one call at most");
        put("right");
        daemon.signal(Signal::SIGHUP);
        mails_to(&scene, READER, 1).await;
        mails_to(&scene, OPERATOR, 2).await;
        assert!(scene.kinds().await.contains(&"api_credential_resolved".to_owned()), "{wrong:?}");
        assert_eq!(scene.sandbox.requests(), 3 + u64::from(wrong.is_some()), "{wrong:?}");
        ends_politely(daemon).await;
    }
}
