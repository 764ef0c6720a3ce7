//! How a finished message leaves: handed to an SMTP server, or laid into a directory. Whoever sends knows no difference.

use std::path::PathBuf;

use super::maildir::MaildirSession;
use super::smtp::failure::{Fault, SendFailure, Stage};
use super::smtp::wire::check_wire_format;
use super::smtp::{SmtpServer, SmtpSession};

const UNSENDABLE: &str = "this is a fault of qualwatch: please report it with the message's subject";

/// Where messages go.
#[derive(Debug, Clone)]
pub enum Courier {
    /// A server that takes them.
    Smtp(SmtpServer),
    /// A directory: one `.eml` a message, made when it is missing.
    Maildir(PathBuf),
}

/// What the taker said when it had the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The server's reply with its code, inert and capped at 200 characters; for a directory the file's name.
    pub reply: String,
}

/// A way that is open for messages, one after another: [`offer`](Self::offer), then store the bytes, then
/// [`hand_over`](Self::hand_over).
pub struct Session(Way);

enum Way {
    Smtp(Box<SmtpSession>),
    Maildir(MaildirSession),
}

impl Courier {
    /// Opens the way: connects, encrypts and logs in; or makes the directory.
    ///
    /// # Errors
    /// [`SendFailure`] at [`Stage::Connect`], [`Stage::Tls`] or [`Stage::Auth`].
    pub async fn connect(&self) -> Result<Session, SendFailure> {
        Ok(Session(match self {
            Self::Smtp(server) => Way::Smtp(Box::new(SmtpSession::connect(server).await?)),
            Self::Maildir(directory) => Way::Maildir(MaildirSession::open(directory.clone()).await?),
        }))
    }
}

impl Session {
    /// Asks whether a message `from` this bare address `to` that one would be taken. After a refusal the next recipient
    /// can follow at once, unless [`is_open`](Self::is_open) says otherwise.
    ///
    /// # Errors
    /// [`SendFailure`] at [`Stage::Mail`] or [`Stage::Rcpt`].
    pub async fn offer(&mut self, from: &str, to: &str) -> Result<(), SendFailure> {
        match &mut self.0 {
            Way::Smtp(session) => session.offer(from, to).await,
            Way::Maildir(session) => {
                session.offer(to);
                Ok(())
            }
        }
    }

    /// Hands over the message for the recipient that [`offer`](Self::offer) accepted. Once this has begun, a failure
    /// without a reply leaves open whether the message was taken: every repeat must carry the same bytes.
    ///
    /// # Errors
    /// [`SendFailure`] at [`Stage::Data`]; with [`Fault::Message`] and nothing sent when the bytes are not in wire format
    /// ([`check_wire_format`]).
    pub async fn hand_over(&mut self, message: &[u8]) -> Result<Receipt, SendFailure> {
        if let Err(unsendable) = check_wire_format(message) {
            return Err(SendFailure::found(
                Stage::Data,
                Fault::Message,
                unsendable.to_string(),
                UNSENDABLE,
            ));
        }
        match &mut self.0 {
            Way::Smtp(session) => session.hand_over(message).await,
            Way::Maildir(session) => session.hand_over(message).await,
        }
    }

    /// Whether more messages can follow; else connect anew.
    #[must_use]
    pub fn is_open(&self) -> bool {
        match &self.0 {
            Way::Smtp(session) => session.is_open(),
            Way::Maildir(_) => true,
        }
    }

    /// Takes leave politely. A session that is dropped instead just closes.
    pub async fn quit(self) {
        if let Way::Smtp(session) = self.0 {
            session.quit().await;
        }
    }
}
