//! The directories of the private server below the state directory, and the first making of them.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::fcntl::OFlag;

use super::account::Account;
use super::binaries::{Installation, path_for};
use super::error::{PostgresError, while_doing};
use super::locks::{StartLock, give_to_owner_of_parent};
use super::server::Purpose;

/// The superuser of the cluster, the only role there is.
pub(super) const ROLE: &str = "qualwatch";

/// In `postgres.new`: what lies beside it is ours and unfinished.
const MARKER: &str = "unfinished-by-qualwatch";

/// A log that has grown beyond this is set aside at the next start; one older log is kept.
const LOG_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// The end of a child's output that a message quotes.
const QUOTED_BYTES_MAX: usize = 2000;

/// The names below one state directory.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    state: PathBuf,
    cluster: PathBuf,
    socket_dir: PathBuf,
}

/// What lies where the cluster belongs.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nothing, or an empty directory.
    Absent,
    /// A cluster, made by this major version.
    Cluster { major: u32 },
}

impl Layout {
    /// `state` exists; its real path is used, as PostgreSQL writes it into `postmaster.pid`.
    pub(super) fn of(state: &Path) -> std::io::Result<Self> {
        let state = state.canonicalize()?;
        Ok(Self { cluster: state.join("postgres"), socket_dir: state.join("postgres.socket"), state })
    }

    pub(super) fn state(&self) -> &Path {
        &self.state
    }

    pub(super) fn cluster(&self) -> &Path {
        &self.cluster
    }

    pub(super) fn socket_dir(&self) -> &Path {
        &self.socket_dir
    }

    pub(super) fn start_lock(&self) -> PathBuf {
        self.state.join("postgres.start")
    }

    pub(super) fn users_lock(&self) -> PathBuf {
        self.state.join("postgres.users")
    }

    fn log(&self) -> PathBuf {
        self.state.join("postgres.log")
    }

    fn workshop(&self) -> PathBuf {
        self.state.join("postgres.new")
    }

    /// Looks at the place of the cluster.
    pub(super) fn look(&self) -> Result<Standing, PostgresError> {
        let version = self.cluster.join("PG_VERSION");
        match std::fs::read_to_string(&version) {
            Ok(text) => {
                let foreign = PostgresError::Foreign { path: self.cluster.clone() };
                // 9.6 and older had two numbers; only the first is needed to refuse them.
                let major = text.trim().split('.').next().and_then(|number| number.parse().ok());
                major.map(|major| Standing::Cluster { major }).ok_or(foreign)
            }
            Err(error) if error.kind() == ErrorKind::NotFound && is_empty(&self.cluster)? => {
                Ok(Standing::Absent)
            }
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                Err(PostgresError::Foreign { path: self.cluster.clone() })
            }
            Err(error) => Err(while_doing("reading", version)(error)),
        }
    }

    /// The log, opened for a child to append to, and its present length.
    pub(super) fn open_log(&self) -> Result<(File, u64), PostgresError> {
        let path = self.log();
        if std::fs::symlink_metadata(&path).is_ok_and(|log| log.len() > LOG_BYTES_MAX) {
            std::fs::rename(&path, self.state.join("postgres.log.1"))
                .map_err(while_doing("setting aside", &path))?;
        }
        let mut options = OpenOptions::new();
        options.append(true).create(true).mode(0o600).custom_flags(OFlag::O_NOFOLLOW.bits());
        let log = options.open(&path).map_err(while_doing("opening", &path))?;
        give_to_owner_of_parent(&log, &path)?;
        let length = log.metadata().map_err(while_doing("looking at", &path))?.len();
        Ok((log, length))
    }

    /// What was written to the log since it was `from` bytes long, its end at most.
    pub(super) fn log_since(&self, from: u64) -> String {
        let log = std::fs::read(self.log()).unwrap_or_default();
        let from = usize::try_from(from).unwrap_or(usize::MAX).min(log.len());
        end_of(&log[from..])
    }

    /// Removes the stopped cluster and everything that belongs to it, then the state directory if nothing else is in it.
    pub(super) fn remove(&self) -> Result<(), PostgresError> {
        for directory in [&self.cluster, &self.workshop(), &self.socket_dir] {
            ignore_missing(std::fs::remove_dir_all(directory)).map_err(while_doing("removing", directory))?;
        }
        for file in [self.log(), self.start_lock(), self.users_lock()] {
            ignore_missing(std::fs::remove_file(&file)).map_err(while_doing("removing", &file))?;
        }
        // What else is in it is not ours.
        let _ = std::fs::remove_dir(&self.state);
        Ok(())
    }
}

/// Makes the cluster, as `account`. On any failure, and at any crash, the place of the cluster stays as it was.
pub(super) async fn initialise(
    layout: &Layout,
    installation: &Installation,
    account: Account,
    purpose: Purpose,
    lock: &StartLock,
) -> Result<(), PostgresError> {
    let workshop = layout.workshop();
    clear_workshop(&workshop)?;
    DirBuilder::new().mode(0o700).create(&workshop).map_err(while_doing("making", &workshop))?;
    let marker = workshop.join(MARKER);
    File::create(&marker).map_err(while_doing("making", &marker))?;
    let unfinished = workshop.join("postgres");
    DirBuilder::new().mode(0o700).create(&unfinished).map_err(while_doing("making", &unfinished))?;
    account.own(&unfinished)?;
    account.own(&workshop)?;

    let program = installation.program("initdb");
    let mut command = Command::new(&program);
    command
        .arg("-D")
        .arg(&unfinished)
        .args(["--username", ROLE, "--auth", "trust", "--encoding", "UTF8", "--locale", "C"])
        .args(match purpose {
            Purpose::Service => ["--data-checksums"],
            Purpose::Scratch | Purpose::Disposable => ["--no-sync"],
        });
    prepare_child(&mut command, installation);
    account.apply(&mut command);
    let lock = lock.shared_with_child().map_err(while_doing("sharing", layout.start_lock()))?;
    command.stdin(Stdio::from(lock));
    // Whoever is told to end meanwhile does not leave it at work.
    let output = tokio::process::Command::from(command).kill_on_drop(true).output().await;
    let output = output.map_err(|source| PostgresError::Spawn { program, source })?;
    if !output.status.success() {
        return Err(PostgresError::Initialise { output: end_of(&output.stderr) });
    }

    std::fs::rename(&unfinished, layout.cluster())
        .map_err(while_doing("putting in its place", &unfinished))?;
    let sync = File::open(layout.state()).and_then(|state| state.sync_all());
    sync.map_err(while_doing("syncing", layout.state()))?;
    clear_workshop(&workshop)
}

/// Closes a cluster to others again where somebody opened it (a copy, a volume of a container platform with `fsGroup`): PostgreSQL starts on
/// none that more than its group can read.
pub(super) fn close_to_others(layout: &Layout) -> Result<(), PostgresError> {
    let cluster = layout.cluster();
    let mode = cluster.metadata().map_err(while_doing("looking at", cluster))?.permissions().mode();
    if mode & 0o027 == 0 {
        return Ok(());
    }
    tracing::warn!(directory = %cluster.display(), "the directory of the database was open to others: it is closed again");
    let closed = std::fs::set_permissions(cluster, Permissions::from_mode(0o700));
    closed.map_err(while_doing("closing", cluster))
}

/// What every child gets: no environment of ours (it holds keys and passwords), no terminal, a directory it can enter.
pub(super) fn prepare_child(command: &mut Command, installation: &Installation) {
    command
        .env_clear()
        .env("PATH", path_for(installation))
        .env("LANG", "C")
        .env("TZ", "UTC")
        .current_dir("/")
        .stdin(Stdio::null());
}

/// Removes what an earlier attempt left. Only our marker proves that it was one: a crash comes after it or finds the
/// directory still empty, and `initdb` had the start lock, so that none is running now.
fn clear_workshop(workshop: &Path) -> Result<(), PostgresError> {
    if is_empty(workshop)? {
        return ignore_missing(std::fs::remove_dir(workshop)).map_err(while_doing("removing", workshop));
    }
    let marker = workshop.join(MARKER);
    if !marker.is_file() {
        return Err(PostgresError::Foreign { path: workshop.to_owned() });
    }
    // The marker goes last, so that a crash in here leaves a directory that still proves to be ours.
    let unfinished = workshop.join("postgres");
    ignore_missing(std::fs::remove_dir_all(&unfinished)).map_err(while_doing("removing", unfinished))?;
    std::fs::remove_dir_all(workshop).map_err(while_doing("removing", workshop))
}

fn is_empty(directory: &Path) -> Result<bool, PostgresError> {
    match std::fs::read_dir(directory) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotADirectory => Ok(false),
        Err(error) => Err(while_doing("looking into", directory)(error)),
    }
}

pub(super) fn ignore_missing(removed: std::io::Result<()>) -> std::io::Result<()> {
    match removed {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn end_of(output: &[u8]) -> String {
    let from = output.len().saturating_sub(QUOTED_BYTES_MAX);
    String::from_utf8_lossy(&output[from..]).trim().to_owned()
}
