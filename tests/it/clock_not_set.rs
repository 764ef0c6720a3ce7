//! A machine without a battery begins in 1970: until its clock is set nothing is asked, judged or told.

use nix::sys::signal::Signal;

use crate::support::program::Program;
use crate::support::running::{Running, until};
use crate::support::scene::Scene;

fn in_1970(program: Program) -> Program {
    program.with("QUALWATCH_NOW", "1970-01-01T00:00:12Z")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_in_1970_waits_and_says_so() {
    let scene = Scene::set().await;
    for why in ["before anything is known", "when much is known"] {
        let (calls, mails) = (scene.sandbox.requests(), scene.sink.mails().len());
        let events = scene.kinds().await;
        let program = in_1970(scene.program());
        let daemon = Running::start(&program, &["run"]);
        daemon.logged("clock of this machine is not set").await;
        let (code, log) = daemon.end(Signal::SIGTERM).await;
        assert_eq!(code, 0, "{why}: {log}");
        assert_eq!((scene.sandbox.requests(), scene.sink.mails().len()), (calls, mails), "{why}");
        assert_eq!(scene.kinds().await, events, "{why}");
        let ran = scene.program().run(&["check"]);
        assert_eq!(ran.code, Some(0), "{why}: {ran:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_in_1970_is_refused_and_leaves_no_trace() {
    let scene = Scene::set().await;
    let ran = in_1970(scene.program()).run(&["check", "--json"]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(ran.stderr.contains("shows 1970-01-01") && ran.stderr.contains("timedatectl"), "{ran:?}");
    assert_eq!((scene.sandbox.requests(), scene.sink.mails().len()), (0, 0));
    let program = scene.program();
    let daemon = Running::start(&program, &["run"]);
    until("all are told of", || async { scene.letters().len() == 2 }).await;
    let (_, log) = daemon.end(Signal::SIGTERM).await;
    assert!(!log.contains("clock"), "{log}");
}
