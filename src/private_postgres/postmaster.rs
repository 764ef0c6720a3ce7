//! A server that may be running on a cluster: what `postmaster.pid` says of it, whether it answers, how it is stopped.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{Connection as _, PgConnection};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::cluster::ROLE;
use super::error::{PostgresError, while_doing};
use super::layout::ignore_missing;
use super::sockets::PORT;
use crate::clock;

/// One connection attempt over a local socket.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);
/// A fast shutdown writes a checkpoint, which takes long only on a slow disk.
const FAST_STOP_LIMIT: Duration = Duration::from_secs(45);
/// An immediate shutdown writes nothing; the next start recovers. Together they stay below the unit's `TimeoutStopSec`.
const IMMEDIATE_STOP_LIMIT: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// What `postmaster.pid` of a cluster says (storage chapter of PostgreSQL's manual; lines 1, 2 and 5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Postmaster {
    pub pid: i32,
    pub socket_dir: PathBuf,
}

/// The outcome of one look at a cluster's server.
#[derive(Debug)]
pub(super) enum Readiness {
    /// It takes connections; this is one, to the database `postgres`.
    Ready(Box<PgConnection>, Postmaster),
    /// It is there, but starting, recovering or shutting down.
    NotYet,
    /// Nobody listens.
    Nobody,
}

impl Postmaster {
    /// Reads the file in `cluster`. `None` when there is none, when the server has not yet written it whole, and when it
    /// was written for another directory, of which this one is a copy.
    pub(super) fn read(cluster: &Path) -> Option<Self> {
        let text = std::fs::read_to_string(cluster.join("postmaster.pid")).ok()?;
        let lines: Vec<&str> = text.lines().collect();
        let [pid, directory, _started, _port, socket_dir, ..] = lines.as_slice() else {
            return None;
        };
        let pid = pid.trim().parse().ok().filter(|pid| *pid > 1)?;
        let whole = Path::new(directory) == cluster && !socket_dir.is_empty();
        whole.then(|| Self { pid, socket_dir: PathBuf::from(socket_dir) })
    }

    /// Whether that very process is alive and is a server of `cluster`.
    pub(super) fn is_alive(&self, cluster: &Path) -> bool {
        std::fs::read_link(format!("/proc/{}/cwd", self.pid)).is_ok_and(|directory| directory == cluster)
    }

    /// Sends `signal`, unless the process is another one by now: a server's working directory is its cluster.
    /// `false` when there is no such server any more (a zombie has no working directory either).
    fn signal(&self, cluster: &Path, signal: Signal) -> bool {
        match std::fs::read_link(format!("/proc/{}/cwd", self.pid)) {
            Ok(directory) if directory != cluster => return false,
            // Without /proc the pid file alone has to do.
            Err(error) if error.kind() == ErrorKind::NotFound && Path::new("/proc/self").exists() => {
                return false;
            }
            _ => {}
        }
        kill(Pid::from_raw(self.pid), signal).is_ok()
    }
}

/// Completes when the server of `cluster` has ended that runs now: a process that need not be a child of ours. At once where none runs,
/// never where the machine cannot tell (before Linux 5.3).
pub(super) async fn ended(cluster: &Path) {
    let Some(postmaster) = Postmaster::read(cluster) else { return };
    let watched = rustix::process::Pid::from_raw(postmaster.pid)
        .ok_or(rustix::io::Errno::SRCH)
        .and_then(|pid| rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::NONBLOCK));
    let watched = match watched {
        Ok(watched) => watched,
        Err(rustix::io::Errno::SRCH) => return,
        // Whoever cannot connect notices, within a minute.
        Err(_) => return std::future::pending().await,
    };
    // Looked at only now: what was opened is that very process, and no other that got its number.
    if !postmaster.is_alive(cluster) {
        return;
    }
    #[expect(
        deprecated,
        reason = "unsound only for types that lie about their descriptor (tokio 8587): an OwnedFd does not, and the new way is unsafe"
    )]
    let watched = AsyncFd::with_interest(watched, Interest::READABLE);
    // It can be read when the process has ended (pidfd_open(2)).
    match watched {
        Ok(watched) => drop(watched.readable().await),
        Err(_) => std::future::pending().await,
    }
}

/// Whether a server of `cluster`, or a part of one, is alive: each of its processes works in the cluster's directory. `None` where the
/// machine cannot say.
pub(super) fn any_process_lives(cluster: &Path) -> Option<bool> {
    std::fs::read_link("/proc/self/cwd").ok()?;
    let processes = std::fs::read_dir("/proc").ok()?;
    // Those of other accounts cannot be looked at, and are none of ours. One whose program was replaced is shown as `(deleted)`.
    let is_of_it = |process: PathBuf| {
        std::fs::read_link(process.join("cwd")).is_ok_and(|directory| directory == cluster)
            && std::fs::read_link(process.join("exe")).is_ok_and(|program| {
                program.file_name().is_some_and(|name| name.to_string_lossy().starts_with("postgres"))
            })
    };
    let is_process =
        |name: &std::ffi::OsStr| name.to_string_lossy().bytes().all(|byte| byte.is_ascii_digit());
    Some(
        processes
            .filter_map(Result::ok)
            .any(|entry| is_process(&entry.file_name()) && is_of_it(entry.path())),
    )
}

/// Makes sure that what a server of `cluster` left behind, which was killed with all its processes or lost its power, keeps no new one
/// from starting. Its number may belong to another process of our account by now, or to a thread of ours, which PostgreSQL
/// takes for a running server; and what was cut off in the middle of writing it never judges. Gives the number that it shall
/// not believe. Nothing is touched while any process of such a server is alive.
pub(super) fn clear_the_way(cluster: &Path, socket_dir: &Path) -> Result<Option<i32>, PostgresError> {
    if any_process_lives(cluster) != Some(false) {
        return Ok(None);
    }
    for left in [format!(".s.PGSQL.{PORT}"), format!(".s.PGSQL.{PORT}.lock")] {
        let left = socket_dir.join(left);
        ignore_missing(std::fs::remove_file(&left)).map_err(while_doing("removing", left))?;
    }
    let file = cluster.join("postmaster.pid");
    let text = match std::fs::read(&file) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        read => String::from_utf8_lossy(&read.map_err(while_doing("reading", &file))?).into_owned(),
    };
    let pid = text.lines().next().and_then(|line| line.trim().parse::<i32>().ok());
    let pid = pid.and_then(i32::checked_abs).filter(|pid| *pid > 0);
    if pid.is_none() {
        std::fs::remove_file(&file).map_err(while_doing("removing", &file))?;
    }
    Ok(pid)
}

/// How to reach `database` on the server whose socket lies in `socket_dir`; nothing but the connection's own defaults
/// comes from the environment.
pub(super) fn connect_options(socket_dir: &Path, database: &str) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass()
        .socket(socket_dir)
        .port(PORT)
        .username(ROLE)
        .database(database)
        .application_name("qualwatch")
        .ssl_mode(PgSslMode::Disable)
}

/// Tries to connect to the server of `cluster`, at the socket that it wrote down.
pub(super) async fn ask(cluster: &Path) -> Result<Readiness, PostgresError> {
    let Some(postmaster) = Postmaster::read(cluster) else {
        return Ok(Readiness::Nobody);
    };
    let options = connect_options(&postmaster.socket_dir, "postgres");
    let Ok(connected) = clock::within(ANSWER_LIMIT, PgConnection::connect_with(&options)).await else {
        return Ok(Readiness::NotYet);
    };
    match connected {
        Ok(connection) => Ok(Readiness::Ready(Box::new(connection), postmaster)),
        Err(sqlx::Error::Io(error)) => Ok(match error.kind() {
            ErrorKind::NotFound | ErrorKind::ConnectionRefused => Readiness::Nobody,
            // Cut while it answered: it is going down, or a crash of one back end restarts all of them.
            _ => Readiness::NotYet,
        }),
        // 57P03 cannot_connect_now: starting up, shutting down, recovering.
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("57P03") => {
            Ok(Readiness::NotYet)
        }
        Err(source) => Err(PostgresError::Open { source }),
    }
}

/// Stops the server of `cluster`, if one runs: a fast shutdown, which disconnects everybody and loses nothing; when that
/// does not end, an immediate one.
pub(super) async fn stop(cluster: &Path) -> Result<(), PostgresError> {
    let Some(postmaster) = Postmaster::read(cluster) else {
        return Ok(());
    };
    for (signal, limit) in [(Signal::SIGINT, FAST_STOP_LIMIT), (Signal::SIGQUIT, IMMEDIATE_STOP_LIMIT)] {
        if !postmaster.signal(cluster, signal) {
            return Ok(());
        }
        let ending = async {
            // The file goes a moment before the process.
            while Postmaster::read(cluster).as_ref() == Some(&postmaster) || postmaster.is_alive(cluster) {
                clock::pause(LOOK_EVERY).await;
            }
        };
        if clock::within(limit, ending).await.is_ok() {
            return Ok(());
        }
    }
    Err(PostgresError::NotStopped { pid: postmaster.pid })
}

/// Asks for a fast shutdown and does not wait for it.
pub(super) fn ask_to_stop(cluster: &Path) {
    if let Some(postmaster) = Postmaster::read(cluster) {
        postmaster.signal(cluster, Signal::SIGINT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pid_file_is_believed_only_when_it_is_whole_and_of_this_cluster() {
        let directory = tempfile::tempdir().unwrap();
        let cluster = directory.path();
        let here = cluster.display().to_string();
        let whole = format!("4711\n{here}\n1763970000\n5432\n/run/q\n\n  1 2\nready   \n");
        for (text, socket, why) in [
            (whole.clone(), Some("/run/q"), "as a running server writes it"),
            (format!("4711\n{here}\n1763970000\n5432\n"), None, "still being written"),
            (whole.replace(&here, "/elsewhere"), None, "a copy of another cluster"),
            (whole.replace("4711", "1"), None, "never the first process of the machine"),
            (whole.replace("4711", "-4711"), None, "a stand-alone backend, without a socket"),
        ] {
            std::fs::write(cluster.join("postmaster.pid"), text).unwrap();
            let read = Postmaster::read(cluster).map(|postmaster| postmaster.socket_dir);
            assert_eq!(read.as_deref(), socket.map(Path::new), "{why}");
        }
    }

    #[test]
    fn what_a_killed_server_left_is_put_out_of_the_way() {
        let directory = tempfile::tempdir().unwrap();
        let (cluster, sockets) = (directory.path().join("postgres"), directory.path().join("socket"));
        std::fs::create_dir(&cluster).unwrap();
        std::fs::create_dir(&sockets).unwrap();
        let file = cluster.join("postmaster.pid");
        for (left, stale, stays, why) in [
            (Some(&b"4711\n/state/postgres\n"[..]), Some(4711), true, "PostgreSQL reads the rest"),
            (Some(b"-4711\n/state/postgres\n"), Some(4711), true, "of a stand-alone back end"),
            (Some(b""), None, false, "cut off before a byte was written"),
            (Some(b"\0\0\0\0\0\0"), None, false, "blocks that were never written"),
            (Some(b"0\n"), None, false, "no process"),
            (None, None, false, "a clean end"),
        ] {
            let socket_lock = sockets.join(".s.PGSQL.5432.lock");
            std::fs::write(&socket_lock, "4711\n").unwrap();
            if let Some(left) = left {
                std::fs::write(&file, left).unwrap();
            }
            assert_eq!(clear_the_way(&cluster, &sockets).unwrap(), stale, "{why}");
            assert_eq!((file.exists(), socket_lock.exists()), (stays, false), "{why}");
            let _ = std::fs::remove_file(&file);
        }
    }

    #[test]
    fn a_process_that_is_not_the_server_gets_no_signal() {
        let directory = tempfile::tempdir().unwrap();
        let ourselves = i32::try_from(std::process::id()).unwrap();
        let reused = Postmaster { pid: ourselves, socket_dir: PathBuf::from("/run/q") };
        assert!(!reused.signal(directory.path(), Signal::SIGKILL), "we would not be here to say so");
    }
}
