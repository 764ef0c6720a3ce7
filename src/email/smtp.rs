//! One conversation with an SMTP server, command by command: only so is it known at which stage, and for which recipient,
//! it failed (lettre's own `send` says neither, and gives up good recipients with a bad one).
//!
//! Nothing goes out in clear but to loopback: STARTTLS is required, never opportunistic. lettre makes the commands, stuffs
//! the dots and reads the replies; time-outs are ours.

mod connecting;
pub(crate) mod failure;
mod line_by_line;
pub(crate) mod reply;
mod reply_texts;
pub(crate) mod wire;

use std::fmt::Display;
use std::path::PathBuf;
use std::time::Duration;

use lettre::Address;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Mail, Quit, Rcpt, Rset};
use lettre::transport::smtp::response::{Response, Severity};

use self::failure::{CLOSING, Fault, SendFailure, Stage};
use self::reply::Censor;
use super::courier::Receipt;
use crate::clock;
use crate::domain::secret::Secret;

/// "Start mail input" (RFC 5321, 4.2.3), the only reply to DATA after which a message may follow.
const START_INPUT: u16 = 354;

const BAD_ADDRESS: &str = "correct the address in the watchlist: letters before the @ must be ASCII";
const BAD_SENDER: &str = "correct `from` in [email]: letters before the @ must be ASCII";

/// How the conversation is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte (`smtps://`, port 465).
    Implicit,
    /// STARTTLS, required: without it the conversation ends before the login (`smtp://…?tls=required`, port 587).
    StartTls,
    /// No TLS, and only to an address of loopback.
    PlainLoopback,
}

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
pub struct SmtpServer {
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

/// What the server holds of the current message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transaction {
    None,
    Begun,
}

/// A connection, encrypted and logged in, on which messages follow one another.
pub(crate) struct SmtpSession {
    /// `None` once it is lost, or in a state nobody knows.
    connection: Option<AsyncSmtpConnection>,
    transaction: Transaction,
    patience: Patience,
    censor: Censor,
}

impl SmtpSession {
    pub(crate) async fn connect(server: &SmtpServer) -> Result<Self, SendFailure> {
        let censor = Censor::new(server.login.as_ref());
        let connection = Some(connecting::connect(server, &censor).await?);
        Ok(Self { connection, transaction: Transaction::None, patience: server.patience, censor })
    }

    pub(crate) fn is_open(&self) -> bool {
        self.connection.is_some()
    }

    pub(crate) async fn offer(&mut self, from: &str, to: &str) -> Result<(), SendFailure> {
        self.reset().await;
        let from = self.address(from, Stage::Mail)?;
        let to = self.address(to, Stage::Rcpt)?;
        let result = self.name_both(from, to).await;
        if result.is_err() {
            self.reset().await;
        }
        result
    }

    async fn name_both(&mut self, from: Address, to: Address) -> Result<(), SendFailure> {
        self.transaction = Transaction::Begun;
        self.exchange(Stage::Mail, Mail::new(Some(from), vec![])).await?;
        self.exchange(Stage::Rcpt, Rcpt::new(to, vec![])).await?;
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
        let ready = self.exchange(Stage::Data, Data).await?;
        if !ready.has_code(START_INPUT) {
            return Err(self.astray(Stage::Data, &ready));
        }
        // lettre ends the last line itself; with an end of its own there would be one empty line more than was written.
        let message = message.strip_suffix(b"\r\n").unwrap_or(message);
        let Some(connection) = &mut self.connection else {
            return Err(lost(Stage::Data));
        };
        let work = connection.message(message);
        let answer = clock::within(self.patience.writing + self.patience.final_dot, work).await;
        let reply = self.judged(Stage::Data, answer)?;
        if reply.code().severity != Severity::PositiveCompletion {
            return Err(self.astray(Stage::Data, &reply));
        }
        self.transaction = Transaction::None;
        Ok(Receipt { reply: self.censor.reply(&reply) })
    }

    /// Says goodbye, which changes nothing any more: a server that does not answer is left.
    pub(crate) async fn quit(mut self) {
        if let Some(connection) = &mut self.connection {
            let _ = clock::within(self.patience.quit, connection.command(Quit)).await;
        }
    }

    /// Empties the server's hands, so that the next recipient can follow. One that cannot do it is left.
    async fn reset(&mut self) {
        if self.transaction == Transaction::Begun
            && self.connection.is_some()
            && self.exchange(Stage::Mail, Rset).await.is_err()
        {
            self.connection = None;
        }
        self.transaction = Transaction::None;
    }

    async fn exchange<C: Display>(&mut self, stage: Stage, command: C) -> Result<Response, SendFailure> {
        let Some(connection) = &mut self.connection else {
            return Err(lost(stage));
        };
        let answer = clock::within(self.patience.command, connection.command(command)).await;
        self.judged(stage, answer)
    }

    /// Only a refusal by reply leaves the connection usable: otherwise a late reply would be taken for the next one's.
    fn judged(
        &mut self,
        stage: Stage,
        answer: Result<Result<Response, lettre::transport::smtp::Error>, clock::TookTooLong>,
    ) -> Result<Response, SendFailure> {
        let failure = match answer {
            Ok(Ok(reply)) => return Ok(reply),
            Ok(Err(error)) => self.censor.failure(stage, &error),
            Err(late) => SendFailure::refused(stage, None, late.to_string()),
        };
        if failure.code.is_none_or(|code| code == CLOSING) {
            self.connection = None;
        }
        Err(failure)
    }

    /// A positive reply that is none to what was asked: client and server no longer speak of the same thing.
    fn astray(&mut self, stage: Stage, reply: &Response) -> SendFailure {
        self.connection = None;
        let reply = self.censor.clean(&format!("unexpected reply {}", self.censor.reply(reply)));
        SendFailure::refused(stage, None, reply)
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
            Stage::Rcpt => (Fault::RecipientForGood, BAD_ADDRESS),
            _ => (Fault::Sender, BAD_SENDER),
        };
        found.ok_or_else(|| {
            let reply = self.censor.clean(&format!("{text} is no address that mail can be sent to"));
            SendFailure::found(stage, fault, reply, hint)
        })
    }
}

fn lost(stage: Stage) -> SendFailure {
    SendFailure::refused(stage, None, "the connection is lost".to_owned())
}
