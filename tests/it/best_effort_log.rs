//! The log is best effort: whatever becomes of where it goes, the daemon works on.

use std::fs::{File, OpenOptions};
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};

use nix::sys::signal::Signal;

use crate::support::program::Program;
use crate::support::running::{Running, until};
use crate::support::scene::{Scene, cast};

/// A watchlist that grows by a company, so that a daemon has something to log and to do.
fn grow(scene: &Scene, program: &Program) {
    scene.upstream(&(cast() + &crate::support::scenarios::steady(4)));
    let more = scene.watchlist() + "\n[[company]]\nkeyword = \"公司4\"\n";
    std::fs::write(program.folder().join("watchlist.toml"), more).unwrap();
}

async fn watched(scene: &Scene, companies: i64) -> bool {
    scene.count("SELECT count(*) FROM events WHERE kind = 'watching'").await == companies
}

fn full_disk() -> Stdio {
    OpenOptions::new().write(true).open("/dev/full").unwrap().into()
}

/// The end of a pipe that is written to, and the one that is read.
fn pipe() -> (OwnedFd, OwnedFd) {
    let (reader, writer) = std::io::pipe().unwrap();
    (writer.into(), reader.into())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_cannot_be_written_stops_nothing() {
    for why in ["a full disk", "a reader that has gone", "a reader that does not read", "closed"] {
        let scene = Scene::with(&cast()).await;
        let program = scene.program().with("RUST_LOG", "trace");
        let (writer, reader) = pipe();
        let mut command = match why {
            "closed" => {
                let mut shell = program.command_of("/bin/sh".as_ref());
                shell.args(["-c", "exec \"$0\" run >&- 2>&-"]).arg(crate::support::database::launcher());
                shell
            }
            _ => program.command(&["run"]),
        };
        match why {
            "a full disk" => command.stdout(full_disk()).stderr(full_disk()),
            "closed" => command.stdout(Stdio::null()).stderr(Stdio::null()),
            _ => command.stdout(writer.try_clone().unwrap()).stderr(writer.try_clone().unwrap()),
        };
        let mut daemon = command.spawn().unwrap();
        drop((command, writer));
        let checked = || watched(&scene, 3);
        let reader = if why == "a reader that has gone" {
            drain_until(reader, checked).await;
            None
        } else {
            until(why, checked).await;
            Some(reader)
        };
        grow(&scene, &program);
        until(why, || watched(&scene, 4)).await;
        assert!(daemon.try_wait().unwrap().is_none(), "{why}");
        let pid = nix::unistd::Pid::from_raw(i32::try_from(daemon.id()).unwrap());
        nix::sys::signal::kill(pid, Signal::SIGTERM).unwrap();
        let status = tokio::task::spawn_blocking(move || daemon.wait().unwrap()).await.unwrap();
        assert_eq!(status.code(), Some(0), "{why}");
        drop(reader);
    }
}

/// Reads until it is so, and goes.
async fn drain_until<F: Future<Output = bool>>(reader: OwnedFd, is_so: impl FnMut() -> F) {
    let mut child = Command::new("cat").stdin(Stdio::from(reader)).stdout(Stdio::null()).spawn().unwrap();
    until("the first are checked", is_so).await;
    child.kill().unwrap();
    child.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_journal_learns_how_urgent_a_line_is() {
    let scene = Scene::with(&cast()).await;
    let program = scene.program().with("JOURNAL_STREAM", "8:4711");
    let daemon = Running::start(&program, &["run"]);
    daemon.logged("watching companies").await;
    std::fs::write(program.folder().join("watchlist.toml"), "nonsense").unwrap();
    daemon.logged("is not accepted").await;
    let (_, log) = daemon.end(Signal::SIGTERM).await;
    let line = |words: &str| log.lines().find(|line| line.contains(words)).unwrap().to_owned();
    assert!(line("watching companies").starts_with("<6>"), "{log}");
    assert!(line("is not accepted").starts_with("<3>ERROR"), "{log}");
    // A daemon that does not even start.
    let lost = scene
        .program()
        .with("JOURNAL_STREAM", "8:4711")
        .with("QUALWATCH_DATABASE_URL", "postgres://127.0.0.1:1/x");
    let ran = lost.run(&["run"]);
    assert!(ran.stderr.lines().all(|line| line.starts_with("<3>")), "{ran:?}");
    // A person's own terminal is no journal, whatever their session has in its environment.
    let log = program.folder().join("log");
    let mut command = program.command(&["status"]);
    command.stderr(File::create(&log).unwrap()).stdout(Stdio::null());
    command.env("QUALWATCH_DATABASE_URL", "postgres://127.0.0.1:1/x").status().unwrap();
    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.contains("error: ") && !log.contains("<3>"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_beside_the_watchlist_does_not_feed_itself() {
    let scene = Scene::with(&cast()).await;
    let program = scene.program().with("RUST_LOG", "trace");
    let path = program.folder().join("daemon.log");
    let log = File::create(&path).unwrap();
    let mut command = program.command(&["run"]);
    let mut daemon = command.stdout(Stdio::null()).stderr(log).spawn().unwrap();
    until("all are checked", || watched(&scene, 3)).await;
    grow(&scene, &program);
    until("the edit is in force", || watched(&scene, 4)).await;
    let pid = nix::unistd::Pid::from_raw(i32::try_from(daemon.id()).unwrap());
    nix::sys::signal::kill(pid, Signal::SIGTERM).unwrap();
    tokio::task::spawn_blocking(move || daemon.wait().unwrap()).await.unwrap();
    let log = std::fs::read_to_string(path).unwrap();
    assert!(
        !log.to_lowercase().contains("inotify"),
        "what watches the directory says nothing of what it sees"
    );
    // It would be hundreds of thousands.
    assert!(log.lines().count() < 5_000, "{} lines", log.lines().count());
}
