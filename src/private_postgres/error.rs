//! What can go wrong with the private server, and what a person can do about it.

use std::path::PathBuf;

/// Failures of finding, initialising, starting and stopping the private server.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    /// A file or directory of the state directory could not be read, made or changed.
    #[error("{doing} {}", .path.display())]
    Files {
        /// The operation, as the beginning of a sentence.
        doing: &'static str,
        /// What it was done to.
        path: PathBuf,
        /// The machine's answer.
        #[source]
        source: std::io::Error,
    },
    /// Another process has held the start lock, or has been stopping the server, beyond every reasonable time.
    #[error("another qualwatch process has been starting or stopping the database for minutes ({})", .lock.display())]
    Busy {
        /// The file whose lock was waited for.
        lock: PathBuf,
    },
    /// No PostgreSQL server is installed where one was looked for.
    #[error("no PostgreSQL server was found; looked in {}", list(.searched))]
    NoBinaries {
        /// Every directory that was looked in.
        searched: Vec<PathBuf>,
    },
    /// What is installed is older or newer than what qualwatch is made for.
    #[error("PostgreSQL 14 to 18 is needed; found only {}", list_majors(.found))]
    UnsupportedVersion {
        /// The major versions that are installed.
        found: Vec<u32>,
    },
    /// The programs that are installed are older than the server.
    #[error("the server is PostgreSQL {server}, whose database programs of {} cannot read", list_majors(.found))]
    OldPrograms {
        /// The major version of the server.
        server: u32,
        /// The major versions of the programs that are installed.
        found: Vec<u32>,
    },
    /// The existing cluster was made by a major version that is not installed here.
    #[error("the database in {} was made by PostgreSQL {cluster}; installed is {}", .path.display(), list_majors(.found))]
    OtherVersion {
        /// The directory of the cluster.
        path: PathBuf,
        /// Its major version.
        cluster: u32,
        /// The major versions that are installed.
        found: Vec<u32>,
    },
    /// Something else than a database lies where the database belongs.
    #[error("{} is not empty and is not a PostgreSQL database: it is left as it is", .path.display())]
    Foreign {
        /// The directory in the way.
        path: PathBuf,
    },
    /// Running as root, and no account was found that could run the server instead.
    #[error("PostgreSQL does not run as root, and there is neither a user qualwatch nor a user postgres")]
    NoAccount,
    /// The database belongs to another user, and only root may run a server as somebody else.
    #[error("the database in {} belongs to the user with id {owner}", .path.display())]
    NotOwner {
        /// The directory of the cluster.
        path: PathBuf,
        /// The numeric id of its owner.
        owner: u32,
    },
    /// The account that runs the server cannot reach the state directory.
    #[error("the user {account} cannot pass through {} to the state directory", .path.display())]
    Unreachable {
        /// The directory that is closed to it.
        path: PathBuf,
        /// The account that would run the server.
        account: String,
    },
    /// Every directory for the socket is too long for the kernel (107 bytes) or cannot be made.
    #[error("no directory with a path short enough for the database's socket; tried {}", list(.tried))]
    NoSocketDirectory {
        /// Every directory that was tried.
        tried: Vec<PathBuf>,
    },
    /// A program could not be started at all.
    #[error("starting {}", .program.display())]
    Spawn {
        /// The program.
        program: PathBuf,
        /// The machine's answer.
        #[source]
        source: std::io::Error,
    },
    /// `initdb` failed; its own words are part of the text.
    #[error("initialising the database failed: {output}")]
    Initialise {
        /// The end of what `initdb` wrote.
        output: String,
    },
    /// The server ended instead of answering; the end of its log is part of the text.
    #[error("PostgreSQL ended while starting: {log}")]
    Ended {
        /// The end of what the server wrote in this attempt.
        log: String,
    },
    /// The server runs but has not answered in time.
    #[error("PostgreSQL in {} has not answered", .path.display())]
    NoAnswer {
        /// The directory of the cluster.
        path: PathBuf,
    },
    /// The server answers, but the database `qualwatch` could not be looked up or created.
    #[error("opening the database on the private server")]
    Open {
        /// The server's answer.
        #[source]
        source: sqlx::Error,
    },
    /// The server is still there after a fast and an immediate shutdown were asked for.
    #[error("PostgreSQL (process {pid}) does not stop")]
    NotStopped {
        /// The process id of the server.
        pid: i32,
    },
}

impl PostgresError {
    /// What a person can do about it, where it is not plain from the message and its source.
    #[must_use]
    pub fn advice(&self) -> Option<&'static str> {
        Some(match self {
            Self::NoBinaries { .. } | Self::UnsupportedVersion { .. } => {
                "install the PostgreSQL server (Debian, Ubuntu: apt-get install postgresql; Fedora, RHEL: dnf install \
                 postgresql-server; macOS: brew install postgresql@17), or name its directory of programs in \
                 QUALWATCH_POSTGRES_BIN, or set [database].url to a server of yours"
            }
            Self::OldPrograms { .. } => {
                "install the client programs of that version (Debian, Ubuntu: apt-get install postgresql-client-VERSION), and name their \
                 directory in QUALWATCH_POSTGRES_BIN where they are in no usual place"
            }
            Self::OtherVersion { .. } => {
                "install that version beside the other one (Debian: apt-get install postgresql-VERSION); or, for a newer one, let \
                 `qualwatch run` or `qualwatch check` restore the newest backup from the directory `backups` of the state directory: put \
                 one there if there is none"
            }
            Self::Foreign { .. } => "move it away, or name another --state-dir",
            Self::NoAccount => {
                "create one (adduser --system --group qualwatch), or run qualwatch as an ordinary user"
            }
            Self::NotOwner { .. } => "run qualwatch as that user, or as root",
            Self::Unreachable { .. } => {
                "name a --state-dir that other users can pass through to, such as /var/lib/qualwatch, or run qualwatch \
                 as an ordinary user"
            }
            Self::NoSocketDirectory { .. } => "name a shorter --state-dir",
            Self::Busy { .. } => "see with ps whether a qualwatch process hangs, and end it",
            Self::Initialise { .. }
            | Self::Ended { .. }
            | Self::NoAnswer { .. }
            | Self::NotStopped { .. } => "the whole story is in postgres.log in the state directory",
            Self::Open { source } if is_of_a_time_zone(source) => {
                "install the time zone database (Debian, Ubuntu: apt-get install tzdata; Alpine: apk add tzdata)"
            }
            Self::Files { source, .. } if source.kind() == std::io::ErrorKind::PermissionDenied => {
                "run qualwatch as the user the state directory belongs to, or as root"
            }
            // Unpacked into the home of root: the server does not run as root, and the user whose it is cannot pass through there.
            Self::Spawn { source, .. } if source.kind() == std::io::ErrorKind::PermissionDenied => {
                "unpack qualwatch where other users can pass through to, such as /opt, or run it as an ordinary user"
            }
            Self::Files { .. } | Self::Spawn { .. } | Self::Open { .. } => return None,
        })
    }
}

/// Whether a session was refused for its time zone (SQLSTATE 22023): each begins with UTC, which the server reads from a file.
fn is_of_a_time_zone(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(refused) if refused.code().is_some_and(|code| code == "22023"))
}

/// Turns an I/O failure into [`PostgresError::Files`]: `.map_err(while_doing("reading", path))`.
pub(super) fn while_doing(
    doing: &'static str,
    path: impl Into<PathBuf>,
) -> impl FnOnce(std::io::Error) -> PostgresError {
    move |source| PostgresError::Files { doing, path: path.into(), source }
}

fn list(paths: &[PathBuf]) -> String {
    let shown: Vec<_> = paths.iter().map(|path| path.display().to_string()).collect();
    shown.join(", ")
}

fn list_majors(majors: &[u32]) -> String {
    let shown: Vec<_> = majors.iter().map(u32::to_string).collect();
    if shown.is_empty() { "none".to_owned() } else { shown.join(", ") }
}
