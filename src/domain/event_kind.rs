//! The kinds of events (design 4), by the names that rows and `--json` know them by.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

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
    /// A message has been owed for a day, whoever is at fault.
    EmailLate,
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
    pub const ALL: [Self; 14] = [
        Self::ApiCredential,
        Self::ApiQuota,
        Self::ApiUnreachable,
        Self::ApiUnknownCode,
        Self::DatabaseUnavailable,
        Self::EmailStopped,
        Self::EmailLate,
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
            Self::EmailLate => "email_late",
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_read_back_from_its_name() {
        let kinds = Change::ALL.into_iter().map(EventKind::Change).chain(
            Trouble::ALL
                .into_iter()
                .flat_map(|trouble| [EventKind::Trouble(trouble), EventKind::Resolved(trouble)]),
        );
        for kind in kinds {
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
        assert_eq!("resolved".parse::<EventKind>(), Err(UnknownKind("resolved".into())));
    }
}
