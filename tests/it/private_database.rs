//! The private PostgreSQL as the program itself uses it: made, shared, adopted, stopped, by root and by a plain user.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User, geteuid};
use qualwatch::clock;
use serde_json::json;

use crate::support::program::Program;
use crate::support::running::{Running, until};
use crate::support::scene::{DAYS, READER, Scene};

const NO_ADDRESS: &[&str] = &["--state-dir", "state"];

/// A program without a database address, in a folder that the server's account can pass through.
fn program(scene: &Scene) -> Program {
    let program = scene.program().without("QUALWATCH_DATABASE_URL");
    std::fs::set_permissions(program.folder(), std::fs::Permissions::from_mode(0o711)).unwrap();
    program
}

fn with(arguments: &[&'static str]) -> Vec<&'static str> {
    [NO_ADDRESS, arguments].concat()
}

fn server(program: &Program) -> Option<Pid> {
    let text = std::fs::read_to_string(program.folder().join("state/postgres/postmaster.pid")).ok()?;
    text.lines().next()?.parse().ok().map(Pid::from_raw)
}

fn parent(pid: Pid) -> Pid {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let parent = status.lines().find_map(|line| line.strip_prefix("PPid:")).unwrap();
    Pid::from_raw(parent.trim().parse().unwrap())
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().mode() & 0o777
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_says_once_that_another_state_directory_knows_nothing() {
    let scene = Scene::set().await;
    let program = program(&scene);
    for is_said in [true, false] {
        let ran = program.run(&["check", "--state-dir", "other"]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert_eq!(ran.stderr.contains("other has no database yet"), is_said, "{}", ran.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checks_and_a_daemon_share_a_private_server_that_outlives_none_of_them() {
    let scene = Scene::set().await;
    let program = program(&scene);
    let ran = program.run(&with(&["status"]));
    assert_eq!((ran.code, program.files()), (Some(1), vec!["watchlist.toml".to_owned()]), "{ran:?}");
    assert!(ran.stderr.contains("state directory state"), "where it looked: {}", ran.stderr);

    let ran = program.run(&with(&["check", "--json"]));
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
    assert_eq!((server(&program), scene.letters().len()), (None, 2), "stopped by who started it");
    assert_eq!(mode(&program.folder().join("state")) & 0o007, 0, "others see nothing");
    assert_eq!(mode(&program.folder().join("state/watchlist.accepted.toml")), 0o600);
    let status = program.run(&with(&["status", "--json"]));
    assert_eq!((status.code, &status.json()["companies"]["watched"]), (Some(0), &json!(3)), "{status:?}");

    scene.at(DAYS[1]);
    let program = scene.now(program);
    let daemon = Running::start(&program, &with(&["run"]));
    until("the daemon has mailed", || async { scene.letters().len() == 3 }).await;
    let running = server(&program).expect("it runs");
    let ran = program.run(&with(&["check", "--json"]));
    assert_eq!((ran.code, &ran.json()["companies"]["complete"]), (Some(0), &json!(3)), "{ran:?}");
    assert_eq!(server(&program), Some(running), "the daemon's server, left to it");
    daemon.signal(Signal::SIGHUP);
    daemon.logged("the watchlist was read anew").await;

    // With its keeper first: nobody is left to stop the server.
    kill(parent(running), Signal::SIGKILL).unwrap();
    let (code, _) = daemon.end(Signal::SIGKILL).await;
    assert_eq!(code, -9);
    assert_eq!(server(&program), Some(running), "an orphan");
    scene.at(DAYS[2]);
    let program = scene.now(program);
    let adopting = Running::start(&program, &with(&["run"]));
    until("news of the third day", || async { to(&scene, READER) == 3 }).await;
    assert_eq!(server(&program), Some(running), "adopted");
    let (code, log) = adopting.end(Signal::SIGTERM).await;
    assert_eq!((code, server(&program)), (0, None), "and stopped at the end: {log}");

    let daemon = Running::start(&program, &with(&["run"]));
    daemon.logged("watching").await;
    assert_eq!(daemon.end(Signal::SIGKILL).await.0, -9);
    let ran = program.run(&with(&["check", "--json"]));
    assert_eq!(
        (ran.code, &ran.json()["mail"]["sent"]),
        (Some(0), &json!(0)),
        "nothing is lost or repeated: {ran:?}"
    );
    until("the last server has ended", || async { server(&program).is_none() }).await;
}

fn to(scene: &Scene, address: &str) -> usize {
    scene.letters().iter().filter(|(to, _)| to == address).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_revives_its_server() {
    let scene = Scene::set().await;
    let program = program(&scene);
    let daemon = Running::start(&program, &with(&["run"]));
    until("the first mails", || async { scene.letters().len() == 2 }).await;
    let killed = server(&program).unwrap();
    kill(killed, Signal::SIGKILL).unwrap();
    at_once(&program, killed).await;
    daemon.signal(Signal::SIGHUP);
    daemon.logged("the watchlist was read anew").await;
    let (code, log) = daemon.end(Signal::SIGTERM).await;
    assert_eq!((code, server(&program)), (0, None), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_server_that_another_process_started_is_noticed_at_once() {
    let scene = Scene::set().await;
    let program = program(&scene);
    let daemon = Running::start(&program, &with(&["run"]));
    daemon.logged("watching").await;
    let orphan = server(&program).unwrap();
    kill(parent(orphan), Signal::SIGKILL).unwrap();
    assert_eq!(daemon.end(Signal::SIGKILL).await.0, -9);
    let adopting = Running::start(&program, &with(&["run"]));
    adopting.logged("watching").await;
    assert_eq!(server(&program), Some(orphan), "adopted: no child of this process");
    kill(orphan, Signal::SIGKILL).unwrap();
    at_once(&program, orphan).await;
    let (code, log) = adopting.end(Signal::SIGTERM).await;
    assert_eq!((code, server(&program)), (0, None), "{log}");
}

/// Not at the next look, which comes within a minute.
async fn at_once(program: &Program, killed: Pid) {
    let another = until("another server", || async { server(program).is_some_and(|it| it != killed) });
    clock::within(Duration::from_secs(20), another).await.expect("its end is noticed at once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_user_needs_no_root() {
    if !geteuid().is_root() {
        eprintln!("skipped: everything else here runs as a plain user already");
        return;
    }
    let user = User::from_name("nobody").unwrap().unwrap();
    let scene = Scene::set().await;
    let program = program(&scene);
    chown(program.folder(), Some(user.uid.as_raw()), Some(user.gid.as_raw())).unwrap();
    let mut command = program.command(&with(&["check", "--json"]));
    let ran = command.uid(user.uid.as_raw()).gid(user.gid.as_raw()).output().unwrap();
    let said = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(ran.status.code(), Some(0), "{said}");
    assert_eq!(program.folder().join("state/postgres").metadata().unwrap().uid(), user.uid.as_raw());
    assert_eq!((server(&program), scene.letters().len()), (None, 2));

    scene.at(DAYS[1]);
    let program = scene.now(program);
    let ran = program.run(&with(&["check", "--json"]));
    assert_eq!(ran.code, Some(0), "root uses it as its owner: {ran:?}");
    let files = std::fs::read_dir(program.folder().join("state")).unwrap();
    let by_root: Vec<_> = files
        .map(|file| file.unwrap())
        .filter(|file| file.metadata().unwrap().uid() == 0)
        .map(|file| file.file_name())
        .collect();
    assert!(by_root.is_empty(), "and leaves nothing that its owner cannot use: {by_root:?}");
}

/// A process of the account that owns the cluster, with nothing to do with it.
fn stranger(state: &Path) -> std::process::Child {
    let owner = state.join("postgres").metadata().unwrap();
    let mut command = std::process::Command::new("sleep");
    command.arg("600").current_dir("/").uid(owner.uid()).gid(owner.gid()).spawn().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_power_loss_left_behind_the_private_server_starts() {
    let scene = Scene::set().await;
    let program = program(&scene);
    assert_eq!(program.run(&with(&["check"])).code, Some(0));
    let state = program.folder().join("state").canonicalize().unwrap();
    let (cluster, socket) = (state.join("postgres"), state.join("postgres.socket"));
    let owner = cluster.metadata().unwrap();
    let mut stranger = stranger(&state);
    let pid_file = |pid: &str, directory: &Path| {
        let (directory, socket) = (directory.display(), socket.display());
        format!("{pid}\n{directory}\n1763970000\n5432\n{socket}\n\n  5432001    131072\nready   \n")
    };
    let strangers = stranger.id().to_string();
    for (file, content, why) in [
        (cluster.join("postmaster.pid"), pid_file(&strangers, &cluster), "its number is somebody else's"),
        (cluster.join("postmaster.pid"), pid_file(&strangers, "/old".as_ref()), "and it was elsewhere"),
        (cluster.join("postmaster.pid"), format!("{strangers}\n"), "cut off after its first line"),
        (cluster.join("postmaster.pid"), String::new(), "cut off before"),
        (cluster.join("postmaster.pid"), "\0".repeat(100), "blocks that were never written"),
        (socket.join(".s.PGSQL.5432.lock"), format!("{strangers}\n"), "only the socket's lock is left"),
        (socket.join(".s.PGSQL.5432.lock"), String::new(), "of which nothing was written"),
    ] {
        std::fs::write(&file, content).unwrap();
        chown(&file, Some(owner.uid()), Some(owner.gid())).unwrap();
        let ran = program.run(&with(&["check", "--json"]));
        assert_eq!(ran.code, Some(0), "{why}: {ran:?}");
        assert!(stranger.try_wait().unwrap().is_none(), "{why}: it was let alone");
    }
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_was_opened_to_others_is_closed_and_used() {
    let scene = Scene::set().await;
    let program = program(&scene);
    assert_eq!(program.run(&with(&["check"])).code, Some(0));
    let cluster = program.folder().join("state/postgres");
    for (open, why) in [(0o755, "a copy"), (0o770, "a volume with a group"), (0o2777, "all of it")] {
        std::fs::set_permissions(&cluster, std::fs::Permissions::from_mode(open)).unwrap();
        let ran = program.run(&with(&["check"]));
        assert_eq!((ran.code, mode(&cluster)), (Some(0), 0o700), "{why}: {ran:?}");
        assert!(ran.stderr.contains("closed again"), "{why}: {ran:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_socket_was_removed_under_it_is_started_anew() {
    let scene = Scene::set().await;
    let program = program(&scene);
    let daemon = Running::start(&program, &with(&["run"]));
    until("all are checked", || async { scene.letters().len() == 2 }).await;
    let before = server(&program).unwrap();
    for why in ["the socket", "its whole directory"] {
        let socket = program.folder().join("state/postgres.socket");
        let removed = match why {
            "the socket" => std::fs::remove_file(socket.join(".s.PGSQL.5432")),
            _ => std::fs::remove_dir_all(&socket),
        };
        removed.unwrap();
        let ran = program.run(&with(&["status"]));
        assert!(!ran.stdout.is_empty(), "{why}: {ran:?}");
    }
    assert_ne!(server(&program).unwrap(), before);
    scene.at(DAYS[1]);
    let program = scene.now(program);
    let ran = program.run(&with(&["check", "--json"]));
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let (code, log) = daemon.end(Signal::SIGTERM).await;
    assert_eq!(code, 0, "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_time_zone_database_it_is_said_what_to_install() {
    let scene = Scene::set().await;
    let program = program(&scene);
    let hide =
        "mount -t tmpfs none /usr/share/zoneinfo 2>/dev/null || exit 77; exec \"$0\" check --state-dir state";
    let mut command = program.command_of("unshare".as_ref());
    command.args(["-m", "sh", "-c", hide]).arg(crate::support::database::launcher());
    let Some(ran) = command.output().ok().filter(|ran| ran.status.code() != Some(77) && geteuid().is_root())
    else {
        eprintln!("skipped: only root can hide the time zone database from a process");
        return;
    };
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.code() == Some(0) || said.contains("apt-get install tzdata"), "{said}");
}
