//! What can go wrong around the file, besides its faults.

use std::io;
use std::path::PathBuf;

/// Reading or keeping the file or a secret failed.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The watchlist cannot be read.
    #[error("reading the watchlist {}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The watchlist is bigger than any can be.
    #[error("the watchlist {} is larger than {} MiB", path.display(), limit >> 20)]
    TooBig {
        /// Which file.
        path: PathBuf,
        /// The limit in bytes.
        limit: u64,
    },
    /// The watchlist is not UTF-8 (an editor that saves as GBK).
    #[error("line {line} of the watchlist {} is not UTF-8", path.display())]
    NotUtf8 {
        /// Which file.
        path: PathBuf,
        /// The first line that is not.
        line: usize,
    },
    /// A file that holds a secret cannot be read.
    #[error("reading the {what} from {}", path.display())]
    ReadSecret {
        /// Which secret.
        what: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A secret is there, but no secret can look like this.
    #[error("the {what} from {origin} {reason}")]
    BadSecret {
        /// Which secret.
        what: &'static str,
        /// Where it was given.
        origin: String,
        /// What is wrong, without quoting it.
        reason: String,
    },
    /// The copy of the accepted file cannot be kept.
    #[error("keeping the accepted watchlist as {}", path.display())]
    Keep {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl ConfigError {
    /// What a person can do about it.
    #[must_use]
    pub fn advice(&self) -> Option<&'static str> {
        match self {
            Self::Read { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                Some("name the file with --watchlist FILE; watchlist.example.toml shows what goes into it")
            }
            Self::NotUtf8 { .. } => Some("save the file as UTF-8 (not GBK), then try again"),
            Self::ReadSecret { .. } => {
                Some("the file must exist and be readable by the user that runs qualwatch")
            }
            Self::Keep { .. } => Some("the state directory must be writable by the user that runs qualwatch"),
            Self::Read { .. } | Self::TooBig { .. } | Self::BadSecret { .. } => None,
        }
    }
}
