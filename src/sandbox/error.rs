//! What can go wrong in this room.

use std::net::SocketAddr;

/// Why a scenario was refused, or the server did not start.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The scenario is not TOML, or a key of it is unknown or of the wrong type. The source's text quotes the place.
    #[error("reading the scenario")]
    Scenario(#[source] Box<toml::de::Error>),
    /// An entry reads well but makes no sense. `entry` names it as the file does, counted from 1.
    #[error("the scenario's {entry}: {fault}")]
    Entry {
        /// Such as `[[fault]] no. 3`.
        entry: String,
        /// What is wrong with it.
        fault: String,
    },
    /// The address is reachable by others: the imitation speaks plain HTTP and is for this machine alone (design 7).
    #[error("{0} is not a loopback address")]
    NotLoopback(SocketAddr),
    /// The address could not be listened on.
    #[error("listening on {address}")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// The system's reason.
        #[source]
        source: std::io::Error,
    },
}

impl SandboxError {
    /// What a person can do about it, where there is something.
    #[must_use]
    pub fn advice(&self) -> Option<&'static str> {
        match self {
            Self::Scenario(_) | Self::Entry { .. } => {
                Some("the default scenario begins with a description of every key")
            }
            Self::NotLoopback(_) => Some("listen on 127.0.0.1 or ::1"),
            Self::Listen { .. } => Some("choose another port, or port 0 for any free one"),
        }
    }
}
