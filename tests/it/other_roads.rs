//! What email or the database cannot carry goes by another road, and what was given up can be offered again.

use nix::sys::signal::Signal;
use qualwatch::sandbox::Scenario;

use crate::support::running::{Running, until};
use crate::support::scene::{OPERATOR, READER, Scene};
use crate::support::switch::switch;

fn operators_subjects(scene: &Scene) -> Vec<String> {
    let letters = scene.letters().into_iter().filter(|(to, _)| to == OPERATOR);
    letters.map(|(_, letter)| letter.subject()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_heart_beats_once_a_day_when_the_days_work_is_done() {
    let scene = Scene::set().await;
    let (url, heard) = switch().await;
    let watchlist = format!("{}\n[heartbeat]\nurl = \"{url}\"\n", scene.watchlist());
    let program = scene.program_with(&watchlist);
    let daemon = Running::start(&program, &["run"]);
    until("a beat", || async { !heard.lock().unwrap().is_empty() }).await;
    for _ in 0..3 {
        daemon.signal(Signal::SIGHUP);
        daemon.logged("heartbeat").await;
    }
    let (code, log) = daemon.end(Signal::SIGTERM).await;
    assert_eq!((code, heard.lock().unwrap().as_slice()), (0, &["/ping/secret-uuid".to_owned()][..]), "{log}");
    assert!(!log.contains("secret-uuid"), "who knows the address can silence the switch: {log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_heart_says_fail_when_asking_is_stopped() {
    let scene = Scene::set().await;
    scene.sandbox.replace(Scenario::parse("key = \"another\"").unwrap());
    let (url, heard) = switch().await;
    let watchlist = format!("{}\n[heartbeat]\nurl = \"{url}\"\n", scene.watchlist());
    let program = scene.program_with(&watchlist);
    let daemon = Running::start(&program, &["run"]);
    until("a beat", || async { !heard.lock().unwrap().is_empty() }).await;
    assert_eq!(heard.lock().unwrap().as_slice(), ["/ping/secret-uuid/fail"]);
    assert_eq!(daemon.end(Signal::SIGTERM).await.0, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_away_is_told_without_it_once_and_so_is_its_end() {
    let scene = Scene::set().await;
    let mut program = scene.program();
    let nowhere = program.folder().join("nowhere");
    let gone = format!("postgres://qualwatch@localhost/qualwatch?host={}", nowhere.display());
    program = program.with("QUALWATCH_DATABASE_URL", gone);
    for (now, mails, why) in [
        ("2026-01-05T08:00:00+08:00", 0, "it may be back in a moment"),
        ("2026-01-05T08:04:00+08:00", 0, "not yet"),
        ("2026-01-05T08:06:00+08:00", 1, "away for more than five minutes"),
        ("2026-01-05T08:07:00+08:00", 1, "told once, however often it is restarted"),
        ("2026-01-06T08:07:00+08:00", 1, "also a day later"),
    ] {
        program = program.with("QUALWATCH_NOW", now);
        let (code, log) = Running::start(&program, &["run"]).ended().await;
        assert_eq!((code, operators_subjects(&scene).len()), (1, mails), "{now}: {why}: {log}");
    }
    scene.at("2026-01-06T09:00:00+08:00");
    let program = scene.now(program.with("QUALWATCH_DATABASE_URL", scene.database.url()));
    let daemon = Running::start(&program, &["run"]);
    until("the end of it", || async { operators_subjects(&scene).len() == 2 }).await;
    assert_eq!(daemon.end(Signal::SIGTERM).await.0, 0);
    let kinds = scene.kinds().await;
    assert!(kinds.contains(&"database_unavailable".to_owned()), "it is part of the history: {kinds:?}");
    assert!(kinds.contains(&"database_unavailable_resolved".to_owned()), "{kinds:?}");
    let files = program.files();
    assert!(!files.iter().any(|file| file.contains("database_unavailable")), "{files:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_given_up_can_be_offered_again() {
    let scene = Scene::set().await;
    scene.sink.refuse_recipient(READER, "550 user not found");
    let program = scene.program();
    assert_eq!(program.run(&["check"]).code, Some(3), "a mail was refused");
    let status = program.run(&["status", "--json"]);
    assert_eq!((status.code, &status.json()["mail"]["dead"]), (Some(3), &serde_json::json!(1)));
    scene.sink.heal();
    let ran = program.run(&["retry", "--json"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(
        (&ran.json()["offered"], &ran.json()["mail"]["sent"]),
        (&serde_json::json!(1), &serde_json::json!(2))
    );
    let read = scene.letters().into_iter().filter(|(to, _)| to == READER).count();
    assert_eq!(read, 1);
    assert_eq!(program.run(&["status"]).code, Some(0));
}
