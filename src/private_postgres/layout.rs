//! What a private server is for, and the names of its files below the state directory.

use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;

use super::error::{PostgresError, while_doing};
use super::locks::give_to_owner_of_parent;

/// A log that has grown beyond this is set aside at the next start; one older log is kept.
const LOG_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// The end of a child's output that a message quotes.
const QUOTED_BYTES_MAX: usize = 2000;

/// What a server is started for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The operator's data: durable, with checksums.
    Service,
    /// Demo and tests: nothing is synced, and as root even `nobody` may run it.
    Scratch,
    /// As `Scratch`, and the cluster is removed after its last user; so is a state directory that is empty then.
    Disposable,
}

/// The names below one state directory.
#[derive(Debug, Clone)]
pub(super) struct Paths {
    state: PathBuf,
    cluster: PathBuf,
    socket_dir: PathBuf,
}

/// What lies where the cluster belongs.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ClusterPlace {
    /// Nothing, or an empty directory.
    Absent,
    /// A cluster, made by this major version.
    Cluster { major: u32 },
}

impl Paths {
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

    pub(super) fn workshop(&self) -> PathBuf {
        self.state.join("postgres.new")
    }

    /// Looks at the place of the cluster.
    pub(super) fn look(&self) -> Result<ClusterPlace, PostgresError> {
        let version = self.cluster.join("PG_VERSION");
        match std::fs::read_to_string(&version) {
            Ok(text) => {
                let foreign = PostgresError::Foreign { path: self.cluster.clone() };
                // 9.6 and older had two numbers; only the first is needed to refuse them.
                let major = text.trim().split('.').next().and_then(|number| number.parse().ok());
                major.map(|major| ClusterPlace::Cluster { major }).ok_or(foreign)
            }
            Err(error) if error.kind() == ErrorKind::NotFound && is_empty(&self.cluster)? => {
                Ok(ClusterPlace::Absent)
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

pub(super) fn is_empty(directory: &Path) -> Result<bool, PostgresError> {
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

pub(super) fn end_of(output: &[u8]) -> String {
    let from = output.len().saturating_sub(QUOTED_BYTES_MAX);
    String::from_utf8_lossy(&output[from..]).trim().to_owned()
}
