//! What one run of the mailer knows, and what it leaves: shared by those who serve, judge and drive it.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};

use super::mail_troubles::MailTeller;
use super::outlet;
use super::post::Post;
use super::readers::Readers;
use super::ripeness::{self, Digest, Ripe};
use super::smtp::failure::SendFailure;
use crate::clock::Clock;
use crate::config::{Sourced, Watchlist};
use crate::domain::event::Audience;
use crate::domain::secret::Secret;
use crate::store::Store;
use crate::store::asking::stops::{Stop, What};
use crate::store::checks::claims::Claims;
use crate::store::outbox::events::Recorded;
use crate::store::outbox::messages::{DeliveryId, Waiting};
use crate::store::outbox::recipients::{Recipient, RecipientClaim};
use crate::store::steps::Steps;

/// Sends what is owed. Made anew for each run: a password from a file is read again by whoever makes it, so that a changed
/// one heals by itself.
pub struct Mailer<'a> {
    /// Where deliveries are.
    pub store: &'a Store,
    /// Who gets what, and how mail goes.
    pub watchlist: &'a Watchlist,
    /// The password of the SMTP login as it is now.
    pub password: Option<Sourced<Secret>>,
    /// The process's clock.
    pub clock: &'a dyn Clock,
    /// Told how far it is; production does not listen.
    pub steps: &'a dyn Steps,
}

/// What a run did, and what it left.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mailed {
    /// Messages left: recipients to whom something is owed, ripe or not.
    pub owed: u64,
    /// Messages that were taken.
    pub sent: u64,
    /// Messages that were tried and not taken.
    pub failed: u64,
    /// What operators hear of it.
    pub told: Vec<Recorded>,
    /// What stood in the way.
    pub problems: Vec<MailProblem>,
    /// The sender's own fault stops all mail.
    pub stopped: Option<Stop>,
}

/// Something that kept mail from going.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailProblem {
    /// Whose mail it was; `None`: everybody's.
    pub recipient: Option<String>,
    /// The server's reply code.
    pub code: Option<i64>,
    /// What happened, made inert.
    pub reason: String,
    /// What a person can do.
    pub advice: Option<String>,
}

/// How a run goes on after a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// With the same recipient's next message.
    Message,
    /// With the next recipient; then with this one again, who is owed more than was read.
    Recipients,
    /// With the next recipient.
    Recipient,
    /// With the same recipient from the start: on a new connection, or in smaller parts.
    Again,
    /// Not at all.
    End,
}

/// One run.
pub(super) struct Run<'a> {
    pub(super) mailer: &'a Mailer<'a>,
    pub(super) readers: Readers<'a>,
    pub(super) post: Post,
    /// The most bytes of a message that this server was found to take.
    pub(super) letter_bytes_max: usize,
    pub(super) claims: Option<Claims>,
    /// What was stopped when the run began.
    pub(super) stops: Vec<(What, Stop)>,
    /// Whether this run took the one login that a stop allows.
    pub(super) gate: Gate,
    /// The server's failures since it last took a message.
    pub(super) failures_in_a_row: Vec<SendFailure>,
    /// Refused, and not yet judged.
    pub(super) pending: Vec<Pending>,
    /// The last recipient who was tried was refused for the sender's sake.
    pub(super) sender_was_refused: bool,
    /// Not tried again in this run.
    pub(super) set_aside: BTreeSet<Recipient>,
    pub(super) mailed: Mailed,
}

/// Whether a run may ask the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gate {
    /// Nothing stands in the way.
    Open,
    /// Mail is stopped, and this run has the one login that is allowed now.
    Probe,
    /// Not now.
    Shut,
}

/// What is logged within is about mail for this recipient.
pub(super) fn span_of(recipient: &Recipient) -> tracing::Span {
    tracing::error_span!("recipient", %recipient)
}

/// A recipient while they are served.
pub(super) struct Served<'a> {
    pub claim: &'a mut RecipientClaim,
    /// Attempts in a row that failed before this one.
    pub attempts: i32,
    /// Refused as if the sender were at fault while mail for others was taken.
    pub is_apart: bool,
}

/// A recipient's own refusal, or a message's, that is not judged before it is known how the others fare: when all are refused
/// alike, it is the sender's fault or the server's, whatever it says (design 5).
pub(super) struct Pending {
    pub(super) recipient: Recipient,
    /// Attempts in a row that failed before.
    pub(super) attempts: i32,
    pub(super) failure: SendFailure,
    /// What the refused message was to tell; nothing where it was not its fault, or its bytes stay.
    pub(super) deliveries: Vec<DeliveryId>,
}

impl Mailer<'_> {
    pub(super) fn secret(&self) -> Option<&Secret> {
        self.password.as_ref().map(|password| &password.value)
    }

    pub(super) fn teller(&self) -> MailTeller<'_> {
        MailTeller { watchlist: self.watchlist, now: self.clock.now() }
    }

    /// The calendar day in the configured zone: what "today" means in a mail.
    pub(super) fn day_of(&self, now: DateTime<Utc>) -> NaiveDate {
        self.watchlist.day_of(now)
    }
}

impl Run<'_> {
    /// Which share of what a recipient is owed goes now.
    pub(super) fn share_of(&self, waiting: &Waiting, ripe: Ripe) -> Option<Vec<Audience>> {
        ripeness::ripe_audiences(waiting, ripe, self.digest(), self.mailer.clock.now())
    }

    pub(super) fn digest(&self) -> Digest<'_> {
        let watchlist = self.mailer.watchlist;
        Digest { line: watchlist.email.digest.as_ref(), zone: watchlist.timezone }
    }

    /// The problem a failure is.
    pub(super) fn problem(&mut self, recipient: Option<&Recipient>, failure: &SendFailure) {
        self.mailed.problems.push(MailProblem {
            recipient: recipient.map(ToString::to_string),
            code: failure.code.map(i64::from),
            reason: failure.to_string(),
            advice: outlet::advice(failure, self.mailer.password.as_ref()),
        });
    }
}
