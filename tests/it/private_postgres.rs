//! The private server: found, initialised, started, adopted, stopped.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, geteuid};
use qualwatch::clock;
use qualwatch::private_postgres::{Options, PostgresError, PrivatePostgres, Purpose, Revival};
use sqlx::{ConnectOptions as _, Connection as _, PgConnection};
use tempfile::TempDir;

use crate::support::database::launcher;

const PATIENCE: Duration = Duration::from_secs(30);

fn kept() -> Options {
    Options { launcher: Some(launcher()), ..Options::new(Purpose::Scratch) }
}

async fn start(state_dir: &Path) -> PrivatePostgres {
    PrivatePostgres::start(state_dir, &kept()).await.unwrap()
}

async fn connect(server: &PrivatePostgres) -> PgConnection {
    server.connect_options().connect().await.unwrap()
}

async fn setting(server: &PrivatePostgres, name: &str) -> String {
    let mut connection = connect(server).await;
    let value = sqlx::query_scalar("SELECT current_setting($1)").bind(name).fetch_one(&mut connection);
    let value = value.await.unwrap();
    connection.close().await.unwrap();
    value
}

fn pid_of(state_dir: &Path) -> Option<i32> {
    let text = std::fs::read_to_string(state_dir.join("postgres/postmaster.pid")).ok()?;
    text.lines().next()?.parse().ok()
}

async fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let waiting = async {
        while !is_so() {
            clock::pause(Duration::from_millis(10)).await;
        }
    };
    clock::within(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("still not: {what}"));
}

#[tokio::test]
async fn a_first_start_makes_a_server_that_only_its_account_can_reach() {
    let state = TempDir::new().unwrap();
    set_mode(state.path(), 0o700);
    let service = Options { purpose: Purpose::Service, ..kept() };
    let server = PrivatePostgres::start(state.path(), &service).await.unwrap();
    for (name, value, why) in [
        ("listen_addresses", "", "no TCP"),
        ("jit", "off", "cannot run under the unit's memory protection"),
        ("server_encoding", "UTF8", "names are Chinese"),
        ("data_checksums", "on", "a service's rows are for years"),
        ("fsync", "on", "a power cut loses nothing"),
        ("synchronous_commit", "on", "a power cut loses nothing"),
        ("full_page_writes", "on", "a power cut loses nothing"),
    ] {
        assert_eq!(setting(&server, name).await, value, "{name}: {why}");
    }
    for directory in [server.data_dir(), server.socket_dir()] {
        assert_eq!(directory.metadata().unwrap().mode() & 0o777, 0o700, "{}", directory.display());
    }
    assert_eq!(state.path().metadata().unwrap().mode() & 0o007, 0, "others see nothing of the state");
    assert!(server.bin_dir().unwrap().join("pg_dump").exists());
    assert!(!state.path().join("postgres.new").exists());

    let environment = std::fs::read(format!("/proc/{}/environ", pid_of(state.path()).unwrap())).unwrap();
    let environment = String::from_utf8_lossy(&environment).into_owned();
    assert!(!environment.contains("CARGO"), "our environment holds secrets: {environment}");

    server.stop().await.unwrap();
    assert_eq!(pid_of(state.path()), None);
}

#[tokio::test]
async fn rows_outlive_a_restart() {
    let state = TempDir::new().unwrap();
    let server = start(state.path()).await;
    let mut connection = connect(&server).await;
    sqlx::raw_sql("CREATE TABLE kept AS SELECT '河南院' AS name").execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    server.stop().await.unwrap();

    let server = PrivatePostgres::open(state.path(), &kept()).await.unwrap().expect("there is a cluster");
    let mut connection = connect(&server).await;
    let name: String = sqlx::query_scalar("SELECT name FROM kept").fetch_one(&mut connection).await.unwrap();
    assert_eq!(name, "河南院");
    connection.close().await.unwrap();
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_server_that_outlived_its_owner_is_adopted_and_stopped() {
    let state = TempDir::new().unwrap();
    let server = start(state.path()).await;
    let (cluster, socket_dir) = (server.data_dir().to_owned(), server.socket_dir().to_owned());
    let program = server.bin_dir().unwrap().join("postgres");
    server.stop().await.unwrap();

    let owner = cluster.metadata().unwrap();
    let mut orphan = Command::new(program);
    orphan.arg("-D").arg(&cluster).arg("-k").arg(&socket_dir).args(["-c", "listen_addresses="]);
    orphan.current_dir("/").stderr(Stdio::null());
    if geteuid().is_root() {
        orphan.uid(owner.uid()).gid(owner.gid());
    }
    let mut orphan = orphan.spawn().unwrap();
    let expected = i32::try_from(orphan.id()).unwrap();

    let server = start(state.path()).await;
    assert_eq!(pid_of(state.path()), Some(expected));
    connect(&server).await.close().await.unwrap();
    server.stop().await.unwrap();
    let mut ended = None;
    let ending = async {
        while ended.is_none() {
            ended = orphan.try_wait().unwrap();
            clock::pause(Duration::from_millis(10)).await;
        }
    };
    // With a limit: one that was left running would never end.
    let _ = clock::within(Duration::from_secs(20), ending).await;
    let _ = orphan.kill();
    let _ = orphan.wait();
    assert!(ended.is_some_and(|status| status.success()), "a fast shutdown, not a kill: {ended:?}");
}

#[tokio::test]
async fn the_server_stays_while_somebody_else_uses_it() {
    let state = TempDir::new().unwrap();
    let (command, daemon) = tokio::join!(start(state.path()), start(state.path()));
    let pid = pid_of(state.path());
    command.stop().await.unwrap();
    assert_eq!(pid_of(state.path()), pid, "the daemon still uses it");
    connect(&daemon).await.close().await.unwrap();
    daemon.stop().await.unwrap();
    assert_eq!(pid_of(state.path()), None);
}

#[tokio::test]
async fn a_user_that_just_vanishes_leaves_no_server_behind() {
    let state = TempDir::new().unwrap();
    let server = start(state.path()).await;
    let keeper = parent_of(pid_of(state.path()).unwrap());
    assert_ne!(keeper, std::process::id(), "it has a keeper");
    drop(server);
    wait_until("the server has ended", || pid_of(state.path()).is_none()).await;
}

#[tokio::test]
async fn what_is_disposable_is_gone_after_its_last_user() {
    let parent = TempDir::new().unwrap();
    let disposable = Options { purpose: Purpose::Disposable, ..kept() };
    for (name, stops) in [("stopped", true), ("vanished", false)] {
        let state = parent.path().join(name);
        open_for_others(parent.path());
        let server = PrivatePostgres::start(&state, &disposable).await.unwrap();
        if stops {
            server.stop().await.unwrap();
        } else {
            drop(server);
        }
        wait_until("the directory is gone", || !state.exists()).await;
    }
}

#[tokio::test]
async fn without_a_keeper_the_server_is_started_and_stopped_all_the_same() {
    let state = TempDir::new().unwrap();
    let alone = Options::new(Purpose::Scratch);
    let server = PrivatePostgres::start(state.path(), &alone).await.unwrap();
    assert_eq!(parent_of(pid_of(state.path()).unwrap()), std::process::id());
    server.stop().await.unwrap();
    assert_eq!(pid_of(state.path()), None);

    drop(PrivatePostgres::start(state.path(), &alone).await.unwrap());
    wait_until("the server has ended", || pid_of(state.path()).is_none()).await;
}

#[tokio::test]
async fn a_killed_server_is_started_again_over_its_stale_pid_file() {
    let state = TempDir::new().unwrap();
    let server = start(state.path()).await;
    let killed = pid_of(state.path()).unwrap();
    kill(Pid::from_raw(killed), Signal::SIGKILL).unwrap();
    assert_eq!(server.revive().await.unwrap(), Revival::Started);
    let revived = pid_of(state.path());
    assert_ne!(revived, Some(killed));
    connect(&server).await.close().await.unwrap();
    assert_eq!(server.revive().await.unwrap(), Revival::NotNeeded);
    assert_eq!(pid_of(state.path()), revived, "who answers is left alone");
    server.stop().await.unwrap();
    assert_eq!(pid_of(state.path()), None);
}

#[tokio::test]
async fn a_cluster_of_another_version_is_refused_with_both_versions() {
    let state = TempDir::new().unwrap();
    std::fs::create_dir(state.path().join("postgres")).unwrap();
    std::fs::write(state.path().join("postgres/PG_VERSION"), "9.6\n").unwrap();
    let error = PrivatePostgres::start(state.path(), &kept()).await.unwrap_err();
    assert!(matches!(error, PostgresError::OtherVersion { cluster: 9, .. }), "{error}");
    assert!(error.advice().unwrap().contains("postgresql-VERSION"));
}

#[tokio::test]
async fn without_programs_the_advice_says_what_to_install() {
    let state = TempDir::new().unwrap();
    let nowhere = state.path().join("bin");
    let options = Options { bin_dirs: Some(vec![nowhere.clone()]), ..kept() };
    let error = PrivatePostgres::start(state.path(), &options).await.unwrap_err();
    assert!(error.to_string().contains(nowhere.to_str().unwrap()), "{error}");
    assert!(error.advice().unwrap().contains("apt-get install postgresql"));
    assert!(!state.path().join("postgres").exists());
}

#[tokio::test]
async fn a_path_too_long_for_a_socket_gets_a_short_one_that_others_find() {
    let parent = TempDir::new().unwrap();
    open_for_others(parent.path());
    let state = parent.path().join("深".repeat(30));
    let server = start(&state).await;
    assert!(!server.socket_dir().starts_with(&state), "{}", server.socket_dir().display());
    assert_eq!(server.socket_dir().metadata().unwrap().mode() & 0o777, 0o700);
    let other = PrivatePostgres::open(&state, &kept()).await.unwrap().expect("it runs");
    assert_eq!(other.socket_dir(), server.socket_dir());
    let socket_dir = server.socket_dir().to_owned();
    server.stop().await.unwrap();
    other.stop().await.unwrap();
    assert!(!socket_dir.exists(), "nothing is left outside the state directory");
}

#[tokio::test]
async fn a_path_may_hold_what_a_setting_would_have_to_quote() {
    let parent = TempDir::new().unwrap();
    open_for_others(parent.path());
    let state = parent.path().join("a, \"b\" 丙");
    let server = start(&state).await;
    assert!(server.socket_dir().starts_with(state.canonicalize().unwrap()));
    connect(&server).await.close().await.unwrap();
    server.stop().await.unwrap();
}

#[tokio::test]
async fn what_is_not_a_database_is_never_initialised_over() {
    for place in ["postgres", "postgres.new"] {
        let state = TempDir::new().unwrap();
        let directory = state.path().join(place);
        std::fs::create_dir(&directory).unwrap();
        std::fs::write(directory.join("thesis.txt"), "the only copy").unwrap();
        let error = PrivatePostgres::start(state.path(), &kept()).await.unwrap_err();
        assert!(matches!(&error, PostgresError::Foreign { path } if path.ends_with(place)), "{error}");
        assert_eq!(std::fs::read_to_string(directory.join("thesis.txt")).unwrap(), "the only copy");
    }
}

#[tokio::test]
async fn an_attempt_that_was_cut_short_is_made_again() {
    let state = TempDir::new().unwrap();
    let workshop = state.path().join("postgres.new");
    std::fs::create_dir_all(workshop.join("postgres/base")).unwrap();
    std::fs::write(workshop.join("unfinished-by-qualwatch"), "").unwrap();
    // The place of the cluster may be there already, empty: a mount point, or made by the operator.
    std::fs::create_dir(state.path().join("postgres")).unwrap();
    let server = start(state.path()).await;
    assert!(!workshop.exists());
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_look_never_makes_a_database() {
    let state = TempDir::new().unwrap();
    let missing = state.path().join("missing");
    for directory in [state.path(), &missing] {
        assert!(PrivatePostgres::open(directory, &kept()).await.unwrap().is_none());
    }
    assert_eq!(std::fs::read_dir(state.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn root_is_told_which_directory_hides_the_state_from_the_server() {
    if !geteuid().is_root() {
        return;
    }
    let closed = TempDir::new().unwrap();
    set_mode(closed.path(), 0o700);
    let state = closed.path().join("state");
    let error = PrivatePostgres::start(&state, &kept()).await.unwrap_err();
    let path: PathBuf = closed.path().canonicalize().unwrap();
    assert!(matches!(&error, PostgresError::Unreachable { path: shown, .. } if *shown == path), "{error}");
    assert!(error.advice().unwrap().contains("--state-dir"));
}

/// A directory above the state is not ours to open: as root, the server's account has to come through.
fn open_for_others(directory: &Path) {
    set_mode(directory, 0o711);
}

fn set_mode(directory: &Path, mode: u32) {
    std::fs::set_permissions(directory, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn parent_of(pid: i32) -> u32 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let parent = status.lines().find_map(|line| line.strip_prefix("PPid:")).unwrap();
    parent.trim().parse().unwrap()
}
