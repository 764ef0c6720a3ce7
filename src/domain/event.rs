//! Events: one thing worth telling each (design 4). An event carries all that its words need, so that a mail can be
//! written from the stored event alone, days later.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::keyword::Keyword;
use super::number::Family;
use super::qualification::Grade;

/// What happened, for readers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// A certificate number appears.
    CertificateAdded,
    /// A certificate number is established gone.
    CertificateRemoved,
    /// A removed certificate number comes back.
    CertificateRestored,
    /// A new certificate takes over all of one or more older ones.
    CertificateReplaced,
    /// A qualification appears in a certificate that stays.
    QualificationAdded,
    /// A qualification is established gone from a certificate that stays.
    QualificationRemoved,
    /// A higher grade within one ladder.
    GradeRaised,
    /// A lower grade within one ladder.
    GradeLowered,
    /// Another grade, not comparable with the old one.
    GradeReworded,
    /// A later end with a new issue date.
    Renewed,
    /// A later end with the old issue date (统一延期).
    ValidityExtended,
    /// An earlier end.
    ValidityShortened,
    /// The issue date moved alone.
    Reissued,
    /// The filing day comes near, or has passed.
    FilingDue,
    /// The end comes near.
    Expiring,
    /// The end has passed.
    Expired,
    /// A company is watched from now on: its baseline.
    Watching,
    /// A gain that was told is no longer shown.
    Retracted,
    /// Nothing could be verified for `stale_after`.
    Unverified,
    /// The end of that.
    VerifiedAgain,
}

/// What troubles the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// Key, account or address is refused.
    ApiCredential,
    /// The day's calls are used up, or the package is empty.
    ApiQuota,
    /// No call has succeeded for `unreachable_after`.
    ApiUnreachable,
    /// An answer that no class of the document covers.
    ApiUnknownCode,
    /// The keyword finds nothing.
    CompanyNotFound,
    /// A company's answers stay incomplete while others succeed.
    CompanyUnverified,
    /// The keyword finds another company, or several.
    IdentityChanged,
    /// Many companies lost something at once: upstream is what is wrong.
    MassChange,
    /// An end of validity that cannot be judged.
    UnreadableDate,
    /// The watchlist was not accepted.
    WatchlistRejected,
    /// The sender's own fault stops all mail.
    EmailStopped,
    /// A recipient cannot be reached.
    EmailUndeliverable,
    /// The database cannot hold what must be held.
    DatabaseUnavailable,
}

/// The kind of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EventKind {
    /// For readers.
    Change(Change),
    /// For operators: it began.
    Trouble(Trouble),
    /// For operators: it is over.
    Resolved(Trouble),
}

/// Whom an event is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// `[email].to` and the company's own `to`.
    Reader,
    /// `[email].operators`.
    Operator,
}

impl Change {
    /// Every kind a reader can meet, in the order a digest shows them: what cannot wait first.
    pub const ALL: [Self; 20] = [
        Self::Expired,
        Self::Expiring,
        Self::FilingDue,
        Self::CertificateRemoved,
        Self::QualificationRemoved,
        Self::GradeLowered,
        Self::ValidityShortened,
        Self::Retracted,
        Self::Unverified,
        Self::CertificateReplaced,
        Self::CertificateAdded,
        Self::CertificateRestored,
        Self::QualificationAdded,
        Self::GradeRaised,
        Self::GradeReworded,
        Self::Renewed,
        Self::ValidityExtended,
        Self::Reissued,
        Self::VerifiedAgain,
        Self::Watching,
    ];

    /// The name in `--json`, rows and the file (design 4).
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CertificateAdded => "certificate_added",
            Self::CertificateRemoved => "certificate_removed",
            Self::CertificateRestored => "certificate_restored",
            Self::CertificateReplaced => "certificate_replaced",
            Self::QualificationAdded => "qualification_added",
            Self::QualificationRemoved => "qualification_removed",
            Self::GradeRaised => "grade_raised",
            Self::GradeLowered => "grade_lowered",
            Self::GradeReworded => "grade_reworded",
            Self::Renewed => "renewed",
            Self::ValidityExtended => "validity_extended",
            Self::ValidityShortened => "validity_shortened",
            Self::Reissued => "reissued",
            Self::FilingDue => "filing_due",
            Self::Expiring => "expiring",
            Self::Expired => "expired",
            Self::Watching => "watching",
            Self::Retracted => "retracted",
            Self::Unverified => "unverified",
            Self::VerifiedAgain => "verified_again",
        }
    }
}

impl Trouble {
    /// Every kind an operator can meet.
    pub const ALL: [Self; 13] = [
        Self::ApiCredential,
        Self::ApiQuota,
        Self::ApiUnreachable,
        Self::ApiUnknownCode,
        Self::DatabaseUnavailable,
        Self::EmailStopped,
        Self::EmailUndeliverable,
        Self::WatchlistRejected,
        Self::MassChange,
        Self::IdentityChanged,
        Self::CompanyNotFound,
        Self::CompanyUnverified,
        Self::UnreadableDate,
    ];

    /// The name of its beginning (design 4); its end has `_resolved` added.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ApiCredential => "api_credential",
            Self::ApiQuota => "api_quota",
            Self::ApiUnreachable => "api_unreachable",
            Self::ApiUnknownCode => "api_unknown_code",
            Self::CompanyNotFound => "company_not_found",
            Self::CompanyUnverified => "company_unverified",
            Self::IdentityChanged => "identity_changed",
            Self::MassChange => "mass_change",
            Self::UnreadableDate => "unreadable_date",
            Self::WatchlistRejected => "watchlist_rejected",
            Self::EmailStopped => "email_stopped",
            Self::EmailUndeliverable => "email_undeliverable",
            Self::DatabaseUnavailable => "database_unavailable",
        }
    }
}

impl EventKind {
    /// Whom it is for.
    #[must_use]
    pub fn audience(self) -> Audience {
        match self {
            Self::Change(_) => Audience::Reader,
            Self::Trouble(_) | Self::Resolved(_) => Audience::Operator,
        }
    }
}

impl From<Change> for EventKind {
    fn from(change: Change) -> Self {
        Self::Change(change)
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Change(change) => f.write_str(change.as_str()),
            Self::Trouble(trouble) => f.write_str(trouble.as_str()),
            Self::Resolved(trouble) => write!(f, "{}_resolved", trouble.as_str()),
        }
    }
}

/// A name that no kind of event has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no event is of kind {0:?}")]
pub struct UnknownKind(pub String);

impl FromStr for EventKind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        let change = Change::ALL.into_iter().find(|change| change.as_str() == text).map(Self::Change);
        let trouble = |name: &str| Trouble::ALL.into_iter().find(|trouble| trouble.as_str() == name);
        change
            .or_else(|| trouble(text).map(Self::Trouble))
            .or_else(|| text.strip_suffix("_resolved").and_then(trouble).map(Self::Resolved))
            .ok_or_else(|| UnknownKind(text.to_owned()))
    }
}

impl Serialize for EventKind {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for EventKind {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_read_back_from_its_name() {
        let kinds = Change::ALL.into_iter().map(EventKind::Change).chain(
            Trouble::ALL.into_iter().flat_map(|trouble| [EventKind::Trouble(trouble), EventKind::Resolved(trouble)]),
        );
        for kind in kinds {
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
        assert_eq!("resolved".parse::<EventKind>(), Err(UnknownKind("resolved".into())));
    }
}
