//! The JSON that others rely on: a contract (design 7). Outputs may grow, never change. Dates are `YYYY-MM-DD`, instants
//! RFC 3339, what is absent is null. The shape of a certificate is that of the domain itself
//! ([`Certificate`](crate::domain::certificates::Certificate)).

use std::borrow::Cow;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;

use crate::config::Watchlist;
use crate::domain::event::{Audience, Event, EventKind, Fields};
use crate::domain::keyword::Keyword;
use crate::domain::language::Language;
use crate::email::{Mailed, words};
use crate::standing::Entries;
use crate::store::companies::renewals::Filed;
use crate::store::companies::snoozes::Snoozed;
use crate::store::outbox::events::{EventId, Recorded};

/// An event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct EventShape {
    pub id: EventId,
    pub kind: EventKind,
    pub audience: Audience,
    pub company: Option<Keyword>,
    pub certificate_num: Option<String>,
    pub qualification: Option<String>,
    pub old: Option<String>,
    pub new: Option<String>,
    pub valid_until: Option<NaiveDate>,
    pub days_left: Option<i64>,
    pub threshold: Option<i64>,
    pub at: DateTime<Utc>,
    /// One sentence in the language of the watchlist.
    pub summary: String,
}

impl EventShape {
    /// The shape of a stored event, its sentence in `language`.
    pub fn new(recorded: Recorded, language: Language) -> Self {
        let Recorded { id, event } = recorded;
        let summary = words::summary(&event, language);
        let kind = event.kind();
        let Fields { qualification, old, new, threshold, .. } = event.news.fields();
        let [qualification, old, new] = [qualification, old, new].map(|text| text.map(Cow::into_owned));
        let Event { company, certificate, days_left, at, .. } = event;
        let (certificate_num, valid_until) = certificate
            .map_or((None, None), |certificate| (Some(certificate.number), certificate.valid_until));
        Self {
            id,
            kind,
            audience: kind.audience(),
            company,
            certificate_num,
            qualification,
            old,
            new,
            valid_until,
            days_left,
            threshold,
            at,
            summary,
        }
    }
}

/// What came of sending.
#[derive(Debug, Serialize)]
pub(super) struct MailShape {
    /// Messages left after this run.
    pub owed: u64,
    pub sent: u64,
    pub failed: u64,
}

impl From<&Mailed> for MailShape {
    fn from(mailed: &Mailed) -> Self {
        Self { owed: mailed.owed, sent: mailed.sent, failed: mailed.failed }
    }
}

/// An end of which nothing is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct SnoozedShape {
    pub company: String,
    /// What mails call the company.
    pub name: String,
    pub certificate_num: String,
    pub valid_until: NaiveDate,
    /// The first day on which it is told of again.
    pub until: NaiveDate,
    pub reason: String,
}

impl SnoozedShape {
    /// Those of companies that the file names.
    pub fn of(found: Vec<Snoozed>, watchlist: &Watchlist) -> Vec<Self> {
        let entries = Entries::of(watchlist);
        let shape = |one: Snoozed| {
            let name = entries.get(&one.keyword)?.name.to_string();
            let Snoozed { keyword: company, number: certificate_num, end: valid_until, until, reason } = one;
            Some(Self { company, name, certificate_num, valid_until, until, reason })
        };
        found.into_iter().filter_map(shape).collect()
    }
}

/// A renewal that was filed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct RenewingShape {
    pub company: String,
    /// What mails call the company.
    pub name: String,
    pub certificate_num: String,
    /// The end that it puts off.
    pub valid_until: NaiveDate,
    pub filed: NaiveDate,
    /// The acceptance number.
    #[serde(rename = "ref")]
    pub reference: Option<String>,
}

impl RenewingShape {
    /// Those of companies that the file names.
    pub fn of(found: Vec<Filed>, watchlist: &Watchlist) -> Vec<Self> {
        let entries = Entries::of(watchlist);
        let shape = |one: Filed| {
            let name = entries.get(&one.keyword)?.name.to_string();
            let Filed { keyword: company, number: certificate_num, end: valid_until, filed, reference } = one;
            Some(Self { company, name, certificate_num, valid_until, filed, reference })
        };
        found.into_iter().filter_map(shape).collect()
    }
}
