//! How a finished message leaves: handed to an SMTP server, or laid into a directory. Whoever sends knows no difference.

use std::panic::AssertUnwindSafe;
use std::path::PathBuf;

use futures_util::FutureExt as _;

use super::maildir::MaildirSession;
use super::receipt::Receipt;
use super::smtp::failure::{Blame, SendFailure, Stage};
use super::smtp::wire::check_wire_format;
use super::smtp::{MailServer, SmtpSession};

const UNSENDABLE: &str = "this is a fault of qualwatch: please report it with the message's subject";

const PANICKED: &str = "this is a fault of qualwatch: please report it with what the log says";

/// Where messages go.
#[derive(Debug, Clone)]
pub enum Courier {
    /// A server that takes them.
    Smtp(MailServer),
    /// A directory: one `.eml` a message, made when it is missing.
    Maildir(PathBuf),
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
        let work = async {
            Ok(Session(match self {
                Self::Smtp(server) => Way::Smtp(Box::new(SmtpSession::connect(server).await?)),
                Self::Maildir(directory) => Way::Maildir(MaildirSession::open(directory.clone()).await?),
            }))
        };
        contained(Box::pin(work)).await.unwrap_or_else(|| Err(panicked(Stage::Connect)))
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
            Way::Smtp(session) => {
                let offered = contained(session.offer(from, to)).await;
                offered.unwrap_or_else(|| {
                    session.close();
                    Err(panicked(Stage::Rcpt))
                })
            }
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
    /// [`SendFailure`] at [`Stage::Data`]; with [`Blame::Message`] and nothing sent when the bytes are not in wire format
    /// ([`check_wire_format`]).
    pub async fn hand_over(&mut self, message: &[u8]) -> Result<Receipt, SendFailure> {
        if let Err(unsendable) = check_wire_format(message) {
            return Err(SendFailure::found(Stage::Data, Blame::Message, unsendable.to_string(), UNSENDABLE));
        }
        match &mut self.0 {
            Way::Smtp(session) => {
                let handed = contained(session.hand_over(message)).await;
                handed.unwrap_or_else(|| {
                    session.close();
                    Err(panicked(Stage::Data).in_doubt())
                })
            }
            Way::Maildir(session) => session.hand_over(message).await,
        }
    }

    /// The most bytes of a message that is taken; `None`: nobody says.
    #[must_use]
    pub fn size_max(&self) -> Option<usize> {
        match &self.0 {
            Way::Smtp(session) => session.size_max(),
            Way::Maildir(_) => None,
        }
    }

    /// Messages that were taken on this connection.
    #[must_use]
    pub fn taken(&self) -> usize {
        match &self.0 {
            Way::Smtp(session) => session.taken(),
            Way::Maildir(_) => 0,
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

/// Does the work, unless something in it panics: that is one attempt that failed, and the process goes on.
async fn contained<T>(work: impl Future<Output = T>) -> Option<T> {
    AssertUnwindSafe(work).catch_unwind().await.ok()
}

fn panicked(stage: Stage) -> SendFailure {
    let reply = "an internal error: the log has what panicked".to_owned();
    SendFailure::found(stage, Blame::Server, reply, PANICKED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_attempt_that_failed() {
        let panics = async {
            let text = String::from("none");
            text.parse::<u8>().unwrap()
        };
        assert_eq!(contained(panics).await, None);
        assert_eq!(contained(async { 7 }).await, Some(7));
    }
}
