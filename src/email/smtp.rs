//! One conversation with an SMTP server, command by command: only so is it known at which stage, and for which recipient,
//! it failed. Commands and replies are our own, as the replies of many servers are no text that a library takes.
//!
//! Nothing goes out in clear but to loopback: STARTTLS is required, never opportunistic.

mod connection;
mod conversation;
pub(crate) mod censor;
pub(crate) mod failure;
mod blame;
mod refusal;
mod refusal_table;
mod reply;
mod server;
mod tls;
pub(crate) mod wire;

use lettre::Address;

use self::censor::Censor;
use self::conversation::{Conversation, NoReply};
use self::failure::{Blame, CLOSING, SendFailure, Stage};
use self::reply::ServerReply;
pub use self::server::{Login, MailServer, Patience};
use super::receipt::Receipt;

/// "Start mail input" (RFC 5321, 4.2.3), the only reply to DATA after which a message may follow.
const START_INPUT: u16 = 354;

const BAD_ADDRESS: &str = "correct the address in the watchlist: letters before the @ must be ASCII";
const BAD_SENDER: &str = "correct `from` in [email]: letters before the @ must be ASCII";

/// What the server holds of the current message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transaction {
    None,
    Begun,
}

/// A connection, encrypted and logged in, on which messages follow one another.
pub(crate) struct SmtpSession {
    talk: Conversation,
    transaction: Transaction,
    patience: Patience,
    censor: Censor,
    size_max: Option<usize>,
    taken: usize,
}

impl SmtpSession {
    pub(crate) async fn connect(server: &MailServer) -> Result<Self, SendFailure> {
        let censor = Censor::new(server.login.as_ref());
        let (talk, abilities) = connection::connect(server, &censor).await?;
        let (transaction, patience) = (Transaction::None, server.patience);
        Ok(Self { talk, transaction, patience, censor, size_max: abilities.size_max, taken: 0 })
    }

    pub(crate) fn is_open(&self) -> bool {
        self.talk.is_open()
    }

    /// Nobody knows any more whose turn it is.
    pub(crate) fn close(&mut self) {
        self.talk.close();
    }

    /// The most bytes of a message, as the server announces it.
    pub(crate) fn size_max(&self) -> Option<usize> {
        self.size_max
    }

    /// Messages that were taken on this connection.
    pub(crate) fn taken(&self) -> usize {
        self.taken
    }

    pub(crate) async fn offer(&mut self, from: &str, to: &str) -> Result<(), SendFailure> {
        self.reset().await;
        let from = self.address(from, Stage::Mail)?;
        let to = self.address(to, Stage::Rcpt)?;
        let result = self.name_both(&from, &to).await;
        if result.is_err() {
            self.reset().await;
        }
        result
    }

    async fn name_both(&mut self, from: &Address, to: &Address) -> Result<(), SendFailure> {
        self.transaction = Transaction::Begun;
        self.exchange(Stage::Mail, &format!("MAIL FROM:<{from}>")).await?;
        self.exchange(Stage::Rcpt, &format!("RCPT TO:<{to}>")).await?;
        Ok(())
    }

    /// `message` is in wire format already.
    pub(crate) async fn hand_over(&mut self, message: &[u8]) -> Result<Receipt, SendFailure> {
        if self.is_open() && self.transaction == Transaction::None {
            // The server would answer 503, which would be taken for a refusal of the message.
            return Err(SendFailure::refused(Stage::Data, None, "no recipient was accepted".to_owned()));
        }
        let result = self.pass_on(message).await;
        if result.is_err() {
            self.reset().await;
        }
        result
    }

    async fn pass_on(&mut self, message: &[u8]) -> Result<Receipt, SendFailure> {
        let answer = self.talk.ask("DATA", self.patience.command).await;
        let ready = self.judged(Stage::Data, answer)?;
        if ready.code != START_INPUT {
            return Err(self.astray(Stage::Data, &ready));
        }
        if let Err(why) = self.talk.write_message(message, self.patience.writing).await {
            return Err(refusal::silence(Stage::Data, &why, &self.censor));
        }
        let answer = self.talk.listen(self.patience.final_dot).await;
        // Without a reply to the dot nobody knows whether the message was taken.
        let reply = self.judged(Stage::Data, answer).map_err(|failure| match failure.code {
            Some(_) => failure,
            None => failure.in_doubt(),
        })?;
        if !reply.is_done() {
            return Err(self.astray(Stage::Data, &reply).in_doubt());
        }
        self.transaction = Transaction::None;
        self.taken += 1;
        Ok(Receipt { reply: self.censor.clean(&format!("{} {}", reply.code, reply.text())) })
    }

    /// Says goodbye, which changes nothing any more: a server that does not answer is left.
    pub(crate) async fn quit(mut self) {
        if self.is_open() {
            let _ = self.talk.ask("QUIT", self.patience.quit).await;
        }
    }

    /// Empties the server's hands, so that the next recipient can follow. One that cannot do it is left.
    async fn reset(&mut self) {
        if self.transaction == Transaction::Begun
            && self.is_open()
            && self.exchange(Stage::Mail, "RSET").await.is_err()
        {
            self.talk.close();
        }
        self.transaction = Transaction::None;
    }

    /// A command to which 2xx is the answer.
    async fn exchange(&mut self, stage: Stage, command: &str) -> Result<(), SendFailure> {
        if !self.is_open() {
            return Err(SendFailure::refused(stage, None, "the connection is lost".to_owned()));
        }
        let answer = self.talk.ask(command, self.patience.command).await;
        let reply = self.judged(stage, answer)?;
        if reply.is_done() { Ok(()) } else { Err(self.astray(stage, &reply)) }
    }

    /// Only a refusal by reply leaves the connection usable: otherwise a late reply would be taken for the next one's.
    fn judged(
        &mut self,
        stage: Stage,
        answer: Result<ServerReply, NoReply>,
    ) -> Result<ServerReply, SendFailure> {
        match answer {
            Ok(reply) if !reply.is_refusal() => Ok(reply),
            Ok(reply) => {
                if reply.code == CLOSING {
                    self.talk.close();
                }
                Err(refusal::of(stage, &reply, &self.censor))
            }
            Err(why) => {
                self.talk.close();
                Err(refusal::silence(stage, &why, &self.censor))
            }
        }
    }

    fn astray(&mut self, stage: Stage, reply: &ServerReply) -> SendFailure {
        self.talk.close();
        refusal::of(stage, reply, &self.censor)
    }

    /// The address as SMTP without SMTPUTF8 can carry it: its domain in ASCII (RFC 5890). Nothing that could end the
    /// command passes.
    fn address(&self, text: &str, stage: Stage) -> Result<Address, SendFailure> {
        let found = text.rsplit_once('@').and_then(|(user, domain)| {
            let domain = if domain.is_ascii() {
                domain.to_owned()
            } else {
                url::Host::parse(domain).ok()?.to_string()
            };
            if !user.is_ascii() {
                return None;
            }
            Address::new(user, domain).ok()
        });
        let (fault, hint) = match stage {
            Stage::Rcpt => (Blame::RecipientForGood, BAD_ADDRESS),
            _ => (Blame::Sender, BAD_SENDER),
        };
        found.ok_or_else(|| {
            let reply = self.censor.clean(&format!("{text} is no address that mail can be sent to"));
            SendFailure::found(stage, fault, reply, hint)
        })
    }
}
