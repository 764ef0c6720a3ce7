//! The kinds of events (design 4): what each is called in rows and `--json`, and what it says besides its certificate.
//!
//! A kind that readers can meet is one line of [`changes!`], a kind of trouble one line of [`Trouble`]; the compiler then asks
//! for its words (`email::words`). What is particular to a kind is its payload: days, grades and numbers as what they are. They
//! become texts in [`Fields`] alone, as which rows and `--json` know them.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::event_facts::{Absorbed, Baseline, Leavers, OpenEnds, TroubleFacts};
use super::grade::Grade;
use super::names::{UnknownName, names};

macro_rules! changes {
    (@read $kind:ident $fields:ident) => { Some(Self::$kind) };
    (@read $kind:ident $fields:ident $payload:ty) => { <$payload>::of($fields).map(Self::$kind) };
    ($($(#[$doc:meta])* $kind:ident $(($payload:ty))? = $name:literal,)+) => {
        names! {
            /// What happened in the world, or to the file: in the order a digest shows them, what cannot wait first.
            #[derive(Serialize, Deserialize)]
            #[serde(rename_all = "snake_case")]
            Change { $($(#[$doc])* $kind = $name,)+ }
        }

        /// What happened, with what is particular to it.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum News {
            $($(#[$doc])* $kind $(($payload))?,)+
            /// For operators: it began.
            Trouble(Trouble, TroubleFacts),
            /// For operators: it is over.
            Resolved(Trouble, TroubleFacts),
        }

        impl News {
            /// The kind.
            #[must_use]
            pub fn kind(&self) -> EventKind {
                match self {
                    $(Self::$kind { .. } => EventKind::Change(Change::$kind),)+
                    Self::Trouble(trouble, _) => EventKind::Trouble(*trouble),
                    Self::Resolved(trouble, _) => EventKind::Resolved(*trouble),
                }
            }

            /// The payload as rows hold it and `--json` shows it.
            #[must_use]
            pub fn fields(&self) -> Fields<'_> {
                match self {
                    $($(Self::$kind(payload) => <$payload as Payload>::fields(payload),)?)+
                    Self::Trouble(_, facts) | Self::Resolved(_, facts) => {
                        Fields { trouble: Some(Cow::Borrowed(facts)), ..Fields::default() }
                    }
                    _ => Fields::default(),
                }
            }

            /// What a row says; `None` where it lacks what its kind needs.
            pub(super) fn of(kind: EventKind, fields: Fields<'_>) -> Option<Self> {
                let facts = |fields: Fields<'_>| fields.trouble.map(Cow::into_owned).unwrap_or_default();
                match kind {
                    $(EventKind::Change(Change::$kind) => changes!(@read $kind fields $($payload)?),)+
                    EventKind::Trouble(trouble) => Some(Self::Trouble(trouble, facts(fields))),
                    EventKind::Resolved(trouble) => Some(Self::Resolved(trouble, facts(fields))),
                }
            }
        }
    };
}

changes! {
    /// The end has passed.
    Expired(Reached) = "expired",
    /// The end comes near.
    Expiring(Reached) = "expiring",
    /// The filing day comes near, or has passed.
    FilingDue(Reached) = "filing_due",
    /// A certificate number is established gone.
    CertificateRemoved = "certificate_removed",
    /// A qualification is established gone from a certificate that stays.
    QualificationRemoved(OfQualification) = "qualification_removed",
    /// A lower grade within one ladder.
    GradeLowered(GradeMove) = "grade_lowered",
    /// An earlier end.
    ValidityShortened(EndMove) = "validity_shortened",
    /// A gain that was told is no longer shown.
    Retracted(TakenBack) = "retracted",
    /// Nothing could be verified for `stale_after`.
    Unverified = "unverified",
    /// Names that a wider qualification now covers.
    QualificationAbsorbed(Absorbed) = "qualification_absorbed",
    /// A new certificate takes over all of one or more older ones.
    CertificateReplaced(Replacement) = "certificate_replaced",
    /// A certificate number appears.
    CertificateAdded = "certificate_added",
    /// A removed certificate number comes back.
    CertificateRestored = "certificate_restored",
    /// A qualification appears in a certificate that stays.
    QualificationAdded(OfQualification) = "qualification_added",
    /// A higher grade within one ladder.
    GradeRaised(GradeMove) = "grade_raised",
    /// Another grade, not comparable with the old one.
    GradeReworded(GradeMove) = "grade_reworded",
    /// A later end with a new issue date.
    Renewed(EndMove) = "renewed",
    /// A later end with the old issue date (统一延期).
    ValidityExtended(EndMove) = "validity_extended",
    /// The issue date moved alone.
    Reissued(IssueMove) = "reissued",
    /// The end of `unverified`.
    VerifiedAgain = "verified_again",
    /// What is open of a company when somebody becomes its reader.
    Briefing(OpenEnds) = "briefing",
    /// A company is watched from now on: its baseline.
    Watching(Baseline) = "watching",
    /// For operators: a reload took companies out, or left one without a reader.
    WatchlistChanged(Leavers) = "watchlist_changed",
}

names! {
    /// What troubles the operator, in the order a digest shows them; the name of its end has `_resolved` added (design 4).
    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    Trouble {
        /// Key, account or address is refused.
        ApiCredential = "api_credential",
        /// The day's calls are used up, or the package is empty.
        ApiQuota = "api_quota",
        /// No call has succeeded for `unreachable_after`.
        ApiUnreachable = "api_unreachable",
        /// An answer that no class of the document covers.
        ApiUnknownCode = "api_unknown_code",
        /// The database cannot hold what must be held.
        DatabaseUnavailable = "database_unavailable",
        /// The sender's own fault stops all mail.
        EmailStopped = "email_stopped",
        /// A message has been owed for a day, whoever is at fault.
        EmailLate = "email_late",
        /// A recipient cannot be reached.
        EmailUndeliverable = "email_undeliverable",
        /// The watchlist was not accepted.
        WatchlistRejected = "watchlist_rejected",
        /// Many companies lost something at once: upstream is what is wrong.
        MassChange = "mass_change",
        /// The keyword finds another company, or several.
        IdentityChanged = "identity_changed",
        /// The keyword finds nothing.
        CompanyNotFound = "company_not_found",
        /// A company's answers stay incomplete while others succeed.
        CompanyUnverified = "company_unverified",
        /// An end of validity that cannot be judged.
        UnreadableDate = "unreadable_date",
        /// An item without a certificate number.
        UnreadableItem = "unreadable_item",
    }
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

/// What is particular to a kind, as a row holds it and `--json` shows it: the door at which days, grades and numbers are texts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fields<'a> {
    /// The qualification it is about, by the registry's own text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub qualification: Option<Cow<'a, str>>,
    /// Dates for renewed, extended, shortened, reissued; grades for `grade_*`; numbers for replaced (design 7).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<Cow<'a, str>>,
    /// See `old`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<Cow<'a, str>>,
    /// See [`Reached`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold: Option<i64>,
    /// Of what was told and is taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub takes_back: Option<Change>,
    /// As what it was told, where that was more than is taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub told_as: Option<Change>,
    /// On which day it was found and told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub told_on: Option<NaiveDate>,
    /// The end that counts after a later one was taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub former_end: Option<NaiveDate>,
    /// The grade that counts after a higher one was taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub former_grade: Option<Cow<'a, str>>,
    /// For `qualification_absorbed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub absorbed: Option<Cow<'a, Absorbed>>,
    /// For `briefing`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open: Option<Cow<'a, OpenEnds>>,
    /// For `watchlist_changed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leavers: Option<Cow<'a, Leavers>>,
    /// For `watching`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Cow<'a, Baseline>>,
    /// For operators.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Cow<'a, TroubleFacts>>,
}

/// What is particular to a kind.
trait Payload: Sized {
    fn fields(&self) -> Fields<'_>;
    fn of(fields: Fields<'_>) -> Option<Self>;
}

/// The stage of an end that was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reached {
    /// The threshold that made it due: days before the end (`expiring`), before the filing day (`filing_due`, −1 once
    /// passed), after the end (`expired`).
    pub threshold: i64,
}

/// A qualification that came or went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfQualification {
    /// The registry's own text, as the certificate of the event has it.
    pub qualification: String,
}

/// A grade that is another now; `None` where none is stated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GradeMove {
    /// The qualification as it is now: the registry's own text.
    pub qualification: String,
    /// The grade it had.
    pub old: Option<Grade>,
    /// The grade it has.
    pub new: Option<Grade>,
}

/// An end that is another now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndMove {
    /// The end it had.
    pub old: NaiveDate,
    /// The end it has.
    pub new: NaiveDate,
}

/// An issue date that is another now; `None` where none could be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IssueMove {
    /// The issue date it had.
    pub old: Option<NaiveDate>,
    /// The issue date it has.
    pub new: Option<NaiveDate>,
}

/// Numbers that a new one takes the place of, as the registry wrote them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacement {
    /// The older certificates.
    pub old: Vec<String>,
    /// The new one.
    pub new: String,
}

/// What was told and is taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenBack {
    /// What is taken back.
    pub kind: Change,
    /// As what it had been told, where that was more: a qualification that came with its certificate.
    pub told_as: Option<Change>,
    /// Of which qualification, where it was of one.
    pub qualification: Option<String>,
    /// The day on which it was found and told; `None` where an older version told it.
    pub told_on: Option<NaiveDate>,
    /// Of a later end: the one that counts.
    pub former_end: Option<NaiveDate>,
    /// Of a higher grade: the one that counts.
    pub former_grade: Option<Grade>,
}

impl Payload for Reached {
    fn fields(&self) -> Fields<'_> {
        Fields { threshold: Some(self.threshold), ..Fields::default() }
    }

    fn of(fields: Fields<'_>) -> Option<Self> {
        Some(Self { threshold: fields.threshold? })
    }
}

impl Payload for OfQualification {
    fn fields(&self) -> Fields<'_> {
        Fields { qualification: Some(Cow::Borrowed(&self.qualification)), ..Fields::default() }
    }

    fn of(fields: Fields<'_>) -> Option<Self> {
        Some(Self { qualification: fields.qualification?.into_owned() })
    }
}

impl Payload for GradeMove {
    fn fields(&self) -> Fields<'_> {
        let text = |grade: &'_ Option<Grade>| grade.as_ref().map(|grade| Cow::Owned(grade.to_string()));
        Fields {
            qualification: Some(Cow::Borrowed(&self.qualification)),
            old: text(&self.old),
            new: text(&self.new),
            ..Fields::default()
        }
    }

    fn of(fields: Fields<'_>) -> Option<Self> {
        let grade = |text: Option<Cow<'_, str>>| text.map(|text| Grade::new(text.into_owned()));
        Some(Self {
            qualification: fields.qualification?.into_owned(),
            old: grade(fields.old),
            new: grade(fields.new),
        })
    }
}

impl Payload for EndMove {
    fn fields(&self) -> Fields<'_> {
        Fields { old: written(Some(self.old)), new: written(Some(self.new)), ..Fields::default() }
    }

    fn of(fields: Fields<'_>) -> Option<Self> {
        Some(Self { old: fields.old?.parse().ok()?, new: fields.new?.parse().ok()? })
    }
}

impl Payload for IssueMove {
    fn fields(&self) -> Fields<'_> {
        Fields { old: written(self.old), new: written(self.new), ..Fields::default() }
    }

    fn of(fields: Fields<'_>) -> Option<Self> {
        let day = |text: Option<Cow<'_, str>>| text.and_then(|text| text.parse().ok());
        Some(Self { old: day(fields.old), new: day(fields.new) })
    }
}

impl Payload for Replacement {
    fn fields(&self) -> Fields<'_> {
        Fields {
            old: Some(self.old.join(",").into()),
            new: Some(Cow::Borrowed(&self.new)),
            ..Fields::default()
        }
    }

    fn of(fields: Fields<'_>) -> Option<Self> {
        let old = fields.old?.split(',').filter(|number| !number.is_empty()).map(str::to_owned).collect();
        Some(Self { old, new: fields.new?.into_owned() })
    }
}

impl Payload for TakenBack {
    fn fields(&self) -> Fields<'_> {
        let qualification = self.qualification.as_deref().map(Cow::Borrowed);
        Fields {
            qualification,
            takes_back: Some(self.kind),
            told_as: self.told_as,
            told_on: self.told_on,
            former_end: self.former_end,
            former_grade: self.former_grade.as_ref().map(|grade| Cow::Owned(grade.to_string())),
            ..Fields::default()
        }
    }

    fn of(fields: Fields<'_>) -> Option<Self> {
        Some(Self {
            kind: fields.takes_back?,
            told_as: fields.told_as,
            qualification: fields.qualification.map(Cow::into_owned),
            told_on: fields.told_on,
            former_end: fields.former_end,
            former_grade: fields.former_grade.map(|text| Grade::new(text.into_owned())),
        })
    }
}

impl Payload for Absorbed {
    fn fields(&self) -> Fields<'_> {
        Fields { absorbed: Some(Cow::Borrowed(self)), ..Fields::default() }
    }

    fn of(fields: Fields<'_>) -> Option<Self> {
        fields.absorbed.map(Cow::into_owned)
    }
}

impl Payload for OpenEnds {
    fn fields(&self) -> Fields<'_> {
        Fields { open: Some(Cow::Borrowed(self)), ..Fields::default() }
    }

    fn of(fields: Fields<'_>) -> Option<Self> {
        fields.open.map(Cow::into_owned)
    }
}

impl Payload for Leavers {
    fn fields(&self) -> Fields<'_> {
        Fields { leavers: Some(Cow::Borrowed(self)), ..Fields::default() }
    }

    fn of(fields: Fields<'_>) -> Option<Self> {
        fields.leavers.map(Cow::into_owned)
    }
}

impl Payload for Baseline {
    fn fields(&self) -> Fields<'_> {
        Fields { baseline: Some(Cow::Borrowed(self)), ..Fields::default() }
    }

    fn of(fields: Fields<'_>) -> Option<Self> {
        fields.baseline.map(Cow::into_owned)
    }
}

fn written(day: Option<NaiveDate>) -> Option<Cow<'static, str>> {
    day.map(|day| Cow::Owned(day.to_string()))
}

impl EventKind {
    /// Whom it is for.
    #[must_use]
    pub fn audience(self) -> Audience {
        match self {
            Self::Change(Change::WatchlistChanged) | Self::Trouble(_) | Self::Resolved(_) => {
                Audience::Operator
            }
            Self::Change(_) => Audience::Reader,
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

impl FromStr for EventKind {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let trouble = |name: &str| name.parse::<Trouble>().ok();
        let change = text.parse().ok().map(Self::Change);
        change
            .or_else(|| trouble(text).map(Self::Trouble))
            .or_else(|| text.strip_suffix("_resolved").and_then(trouble).map(Self::Resolved))
            .ok_or_else(|| UnknownName(text.to_owned()))
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
        for change in Change::ALL {
            assert_eq!(serde_json::to_value(change).unwrap(), change.as_str(), "one name everywhere");
        }
        assert_eq!("resolved".parse::<EventKind>(), Err(UnknownName("resolved".into())));
    }
}
