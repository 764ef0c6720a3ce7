//! Events: one thing worth telling each (design 4). An event carries all that its words need, so that a mail can be
//! written from the stored event alone, days later.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

pub use super::event_kind::{Audience, Change, EventKind, Trouble, UnknownKind};
use super::keyword::Keyword;
use super::number::Family;
use super::qualification::Grade;

/// A qualification as words need it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedQualification {
    /// The registry's own text.
    pub text: String,
    /// The text without the grade.
    pub name: String,
    /// The grade, where the text states one.
    pub grade: Option<Grade>,
}

/// A certificate as words need it: one (number, end, issue date).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateFacts {
    /// The number as the registry wrote it.
    pub number: String,
    /// Its family.
    pub family: Family,
    /// 资质类别, the registry's own text.
    pub kind: String,
    /// 发证机关, the registry's own text.
    pub organ: String,
    /// The issue date, where it could be read.
    pub issued_on: Option<NaiveDate>,
    /// The last day of validity, where it could be read.
    pub valid_until: Option<NaiveDate>,
    /// The registry's own text of the end; empty when there was none.
    pub valid_until_text: String,
    /// The last day to apply for renewal, where the family has one.
    pub filing_day: Option<NaiveDate>,
    /// What it holds.
    pub qualifications: Vec<NamedQualification>,
}

/// A qualification that another certificate holds or held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Elsewhere {
    /// The other certificate's number, as the registry wrote it.
    pub number: String,
    /// The qualification's name without grade.
    pub name: String,
    /// Its grade there.
    pub grade: Option<Grade>,
}

/// What the words of an event add to its facts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "note")]
pub enum Note {
    /// The same qualification is held in another certificate (仍由证书 … 持有).
    HeldElsewhere(Elsewhere),
    /// The same qualification was held in another certificate that is gone or lapsed.
    WasHeldElsewhere(Elsewhere),
    /// The registry no longer lists what is still judged (平台已不再列出).
    NoLongerListed,
    /// A later end was seen once and is not established.
    LaterEndInDoubt {
        /// The later end.
        end: NaiveDate,
    },
    /// Part of the certificate is held, same or higher, in a later one.
    PartlyCovered(Elsewhere),
    /// A loss of many companies at once: upstream may be what is wrong.
    MassLoss,
    /// How many agreeing looks established this.
    Confirmed {
        /// Looks, at least two.
        looks: u32,
    },
    /// The prescribed filing day has passed.
    FilingDayPassed,
    /// The grade has been abolished: 换领 instead of 延续.
    GradeAbolished,
    /// What was told and is now taken back.
    TakesBack {
        /// The kind that had been told.
        kind: EventKind,
    },
}

/// What a baseline found (design 3).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Baseline {
    /// What is watched from now on.
    pub current: Vec<CertificateFacts>,
    /// Ended over 180 days ago (历史证书).
    pub historical: Vec<CertificateFacts>,
    /// Ends that cannot be judged.
    pub unjudged: Vec<CertificateFacts>,
}

/// What an operator needs to know of a trouble.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TroubleFacts {
    /// The class of design 2, `incomplete`, `disputed` or `mail`.
    pub class: Option<String>,
    /// The provider's code, or the mail server's.
    pub code: Option<i64>,
    /// What happened, in one sentence, made inert.
    pub reason: String,
    /// What a person can do.
    pub advice: Option<String>,
    /// When it began.
    pub since: Option<DateTime<Utc>>,
    /// The entry's line in the watchlist, counted from 1.
    pub line: Option<u32>,
    /// Companies it touches, as mails call them; at most a handful.
    pub companies: Vec<String>,
}

/// One thing worth telling.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// What happened.
    pub kind: EventKind,
    /// The company, where it is about one.
    pub company: Option<Keyword>,
    /// What mails call the company.
    pub company_name: Option<String>,
    /// When it was found.
    pub at: DateTime<Utc>,
    /// The day it was found, in the configured zone: what "today" means in its words.
    pub today: NaiveDate,
    /// The certificate as it is now (for losses: as it last was).
    pub certificate: Option<CertificateFacts>,
    /// The qualification it is about, by the registry's own text, for `qualification_*` and `grade_*`.
    pub qualification: Option<String>,
    /// Dates for renewed, extended, shortened, reissued; grades for `grade_*`; numbers for replaced; else `None` (design 7).
    pub old: Option<String>,
    /// See `old`.
    pub new: Option<String>,
    /// Whole days to the end; negative once expired.
    pub days_left: Option<i64>,
    /// The threshold that made it due: days before the end (`expiring`), before the filing day (`filing_due`, −1 once
    /// passed), after the end (`expired`).
    pub threshold: Option<i64>,
    /// When the company was last verified; `None` when never.
    pub last_verified_at: Option<DateTime<Utc>>,
    /// What the words add.
    pub notes: Vec<Note>,
    /// For `watching`.
    pub baseline: Option<Baseline>,
    /// For operator events.
    pub trouble: Option<TroubleFacts>,
}

impl Event {
    /// An event of `kind` with nothing else said yet.
    #[must_use]
    pub fn new(kind: impl Into<EventKind>, at: DateTime<Utc>, today: NaiveDate) -> Self {
        Self {
            kind: kind.into(),
            company: None,
            company_name: None,
            at,
            today,
            certificate: None,
            qualification: None,
            old: None,
            new: None,
            days_left: None,
            threshold: None,
            last_verified_at: None,
            notes: Vec::new(),
            baseline: None,
            trouble: None,
        }
    }
}
