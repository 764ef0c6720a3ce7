//! How far it had come and whose fault it was that a message did not leave.

use std::fmt;

/// How far a conversation with the mail server had come. A [maildir](crate::email::maildir) knows `Connect` (the directory)
/// and `Data` (the file) only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Name, TCP connection, greeting and EHLO.
    Connect,
    /// STARTTLS or the handshake, the certificate, and the EHLO inside.
    Tls,
    /// The login.
    Auth,
    /// `MAIL FROM`.
    Mail,
    /// `RCPT TO`.
    Rcpt,
    /// `DATA`, the message and the reply to its final dot.
    Data,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "connecting to the mail server",
            Self::Tls => "starting TLS with the mail server",
            Self::Auth => "logging in at the mail server",
            Self::Mail => "naming the sender (MAIL FROM)",
            Self::Rcpt => "naming the recipient (RCPT TO)",
            Self::Data => "handing over the message (DATA)",
        })
    }
}

/// Whose fault a failure is, which decides what happens (design 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Blame {
    /// The sender's own (login, From ≠ login, quota, blocked): stops all mail, burns no recipient.
    Sender,
    /// The server's or the network's: tried again; nothing ages.
    Server,
    /// The recipient is refused for now: this delivery ages towards a dead letter.
    RecipientForNow,
    /// The recipient is unknown: a dead letter at once.
    RecipientForGood,
    /// The message itself was refused for good.
    Message,
    /// The message is larger than the server takes.
    TooLarge,
}
