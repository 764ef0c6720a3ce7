//! What operators hear of mail itself. It is owed like anything else: where email cannot tell it, status, exit code and the
//! log do.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::smtp::failure::SendFailure;
use crate::config::{Outlet, Watchlist};
use crate::domain::event::{Event, News, Trouble, TroubleFacts};
use crate::domain::health::EVERYBODYS_MAIL;
use crate::store::outbox::events::Owed;
use crate::store::outbox::recipients::Recipient;
use crate::store::outbox::troubles::Turn;

/// The one cause of `email_stopped`, and of `email_late` while the server is away: what stops mail stops all of it.
const MAIL: &str = EVERYBODYS_MAIL;

/// `TroubleFacts::class` of mail (design 7).
const CLASS: &str = "mail";

/// When, and to whom.
#[derive(Debug, Clone, Copy)]
pub(super) struct MailTeller<'a> {
    pub watchlist: &'a Watchlist,
    pub now: DateTime<Utc>,
}

impl MailTeller<'_> {
    /// All mail is stopped since then.
    pub(super) fn stopped(
        &self,
        failure: &SendFailure,
        advice: Option<String>,
        since: DateTime<Utc>,
    ) -> Turn {
        let facts = TroubleFacts {
            class: Some(CLASS.to_owned()),
            code: failure.code.map(i64::from),
            reason: failure.to_string(),
            advice,
            place: Some(self.place()),
            since: Some(since),
            ..TroubleFacts::default()
        };
        self.turn(News::Trouble(Trouble::EmailStopped, facts), MAIL, self.watchlist.operators())
    }

    /// Mail goes again.
    pub(super) fn goes_on(&self) -> Turn {
        let facts = TroubleFacts::default();
        self.turn(News::Resolved(Trouble::EmailStopped, facts), MAIL, self.watchlist.operators())
    }

    /// A recipient's mail was given up. Nobody hears who is the only operator: that is for log and status.
    pub(super) fn undeliverable(
        &self,
        recipient: &Recipient,
        cause: &str,
        failure: &SendFailure,
    ) -> Option<Turn> {
        let others = self.operators_besides(recipient);
        let facts = TroubleFacts {
            class: Some(CLASS.to_owned()),
            code: failure.code.map(i64::from),
            reason: format!("{recipient}: {failure}"),
            advice: failure.advice().map(str::to_owned),
            since: Some(self.now),
            ..TroubleFacts::default()
        };
        let news = News::Trouble(Trouble::EmailUndeliverable, facts);
        (!others.is_empty()).then(|| self.turn(news, cause, others))
    }

    /// Their mail was taken, and so ends each of these causes.
    pub(super) fn reachable(&self, recipient: &Recipient, causes: [&str; 2]) -> Vec<Turn> {
        let facts = TroubleFacts { reason: recipient.to_string(), ..TroubleFacts::default() };
        let news = News::Resolved(Trouble::EmailUndeliverable, facts);
        causes.map(|cause| self.turn(news.clone(), cause, self.watchlist.operators())).to_vec()
    }

    /// What this recipient was owed has gone to those who get it by the file now: so ends this cause.
    pub(super) fn readdressed(&self, recipient: &Recipient, cause: &str, to: &[Recipient]) -> Turn {
        let to: BTreeSet<&str> = to.iter().map(Recipient::as_str).collect();
        let facts = TroubleFacts {
            reason: recipient.to_string(),
            went_to: to.into_iter().map(str::to_owned).collect(),
            ..TroubleFacts::default()
        };
        self.turn(News::Resolved(Trouble::EmailUndeliverable, facts), cause, self.watchlist.operators())
    }

    /// The server is away, and what somebody is owed could have gone since then.
    pub(super) fn all_late(&self, reason: &str, since: DateTime<Utc>) -> Turn {
        let facts = TroubleFacts {
            class: Some(CLASS.to_owned()),
            reason: reason.to_owned(),
            place: Some(self.place()),
            since: Some(since),
            ..TroubleFacts::default()
        };
        self.turn(News::Trouble(Trouble::EmailLate, facts), MAIL, self.watchlist.operators())
    }

    /// What this recipient is owed could have gone since then.
    pub(super) fn late(&self, recipient: &Recipient, since: DateTime<Utc>) -> Turn {
        let facts = TroubleFacts {
            class: Some(CLASS.to_owned()),
            reason: recipient.to_string(),
            since: Some(since),
            ..TroubleFacts::default()
        };
        let news = News::Trouble(Trouble::EmailLate, facts);
        self.turn(news, recipient.as_str(), self.operators_besides(recipient))
    }

    /// Nothing that this recipient is owed is late any more.
    pub(super) fn late_no_more(&self, address: &str) -> Turn {
        let whose = if address == MAIL { "the mail server was away" } else { address };
        let facts = TroubleFacts { reason: whose.to_owned(), ..TroubleFacts::default() };
        self.turn(News::Resolved(Trouble::EmailLate, facts), address, self.watchlist.operators())
    }

    /// Where mail goes: a server or a directory.
    fn place(&self) -> String {
        match &self.watchlist.email.outlet {
            Outlet::Smtp { server, .. } => format!("{}:{}", server.host, server.port),
            Outlet::Maildir(directory) => directory.display().to_string(),
        }
    }

    fn operators_besides(&self, recipient: &Recipient) -> Vec<String> {
        let operators = &self.watchlist.email.operators;
        let others = operators.iter().filter(|address| address.folded() != recipient.as_str());
        others.map(|address| address.as_str().to_owned()).collect()
    }

    fn turn(&self, news: News, cause: &str, recipients: Vec<String>) -> Turn {
        let event = Event::new(news, self.now, self.watchlist.day_of(self.now));
        Turn { cause: cause.to_owned(), owed: Owed { event, company: None, recipients } }
    }
}
