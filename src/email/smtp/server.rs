//! A mail server as the file names it, and how long it may think.

use std::path::PathBuf;
use std::time::Duration;

use crate::config::Security;
use crate::domain::secret::Secret;

/// Who logs in.
#[derive(Debug, Clone)]
pub struct Login {
    /// Usually the mail address itself.
    pub user: String,
    /// The mailbox's password, in China mostly a client password (授权码).
    pub password: Secret,
}

/// Where mail is handed over, and how.
#[derive(Debug, Clone)]
pub struct MailServer {
    /// A name, or an address (IPv6 with or without brackets). The certificate must bear it.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// TLS or loopback.
    pub security: Security,
    /// `None`: the server takes our mail without.
    pub login: Option<Login>,
    /// PEM; trusted besides the system's roots.
    pub ca_file: Option<PathBuf>,
    /// The name that we give ourselves; `None`: the address that the connection has.
    pub helo: Option<String>,
    /// How long each step may take.
    pub patience: Patience,
}

/// How long each step may take, in real time. RFC 5321, 4.5.3.2 names minima for relays that queue; ours for commands are
/// shorter, because what fails is tried again, but not the one after the final dot: giving up there means a second mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// To find the server's address, and then for all its addresses together to take a connection.
    pub connect: Duration,
    /// For the reply to a command, the greeting, the handshake, or the whole login.
    pub command: Duration,
    /// To write the message.
    pub writing: Duration,
    /// For the reply to the final dot: at least 10 minutes (RFC 5321, 4.5.3.2.6).
    pub final_dot: Duration,
    /// For the goodbye, which changes nothing any more.
    pub quit: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(30),
            command: Duration::from_mins(1),
            writing: Duration::from_mins(3),
            final_dot: Duration::from_mins(10),
            quit: Duration::from_secs(5),
        }
    }
}
