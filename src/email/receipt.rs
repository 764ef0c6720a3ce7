//! A server's word for a message that it has taken.

/// What the taker said when it had the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The server's reply with its code, inert and capped at 200 characters; for a directory the file's name.
    pub reply: String,
}
