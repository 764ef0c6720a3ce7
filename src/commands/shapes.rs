//! The JSON that others rely on: a contract (design 7). Outputs may grow, never change. Dates are `YYYY-MM-DD`, instants
//! RFC 3339, what is absent is null. The shape of a certificate is that of the domain itself
//! ([`Certificate`](crate::domain::certificates::Certificate)).

use std::borrow::Cow;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;

use crate::domain::event::{Audience, Event, EventKind, Fields};
use crate::domain::keyword::Keyword;
use crate::domain::language::Language;
use crate::email::words;
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

/// Something that was not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct ProblemShape {
    /// The company, where it is about one.
    pub company: Option<Keyword>,
    /// A class of design 2, `incomplete`, `disputed` or `mail`.
    pub class: String,
    /// The code of the provider or the mail server.
    pub code: Option<i64>,
    /// What happened, inert.
    pub reason: String,
}

/// Something that stands still.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct StoppedShape {
    pub class: String,
    pub code: Option<i64>,
    pub since: DateTime<Utc>,
    pub next_probe: Option<DateTime<Utc>>,
}
