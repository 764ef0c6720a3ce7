//! The snapshot of a company: its holdings as last established, what is in doubt, what is gone (design 1 and 3).

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::event::Change;
use super::holding::{Holding, HoldingKey};
use super::identity::{Numbers, Prefix};
use super::number::CertificateNumber;
use super::qualification;

/// A holding as established.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// What is held.
    pub holding: Holding,
    /// When it was established.
    pub since: DateTime<Utc>,
    /// Since when the registry no longer lists it, although it is still judged: it went on its end day or later.
    pub unlisted_since: Option<DateTime<Utc>>,
}

/// What of a holding a doubt is about. At most one doubt is open for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// Whether it is there at all.
    Presence,
    /// Its grade.
    Grade,
    /// The end of validity.
    End,
    /// The issue date.
    Issued,
    /// A grade that was told at its first look, and that another one was seen in place of since: the first, the second, …
    GradeOvertaken(u8),
    /// The same of an end.
    EndOvertaken(u8),
}

impl Field {
    /// Where what was told of this field waits to be taken back while something else of it is in doubt.
    #[must_use]
    pub fn overtaken(self, place: u8) -> Option<Self> {
        match self {
            Self::Grade => Some(Self::GradeOvertaken(place)),
            Self::End => Some(Self::EndOvertaken(place)),
            Self::Presence | Self::Issued | Self::GradeOvertaken(_) | Self::EndOvertaken(_) => None,
        }
    }

    /// Which of several that were overtaken; 0 for all else.
    #[must_use]
    pub fn place(self) -> u8 {
        match self {
            Self::GradeOvertaken(place) | Self::EndOvertaken(place) => place,
            Self::Presence | Self::Grade | Self::End | Self::Issued => 0,
        }
    }
}

/// A difference as it was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "seen")]
pub enum Difference {
    /// A holding that the snapshot has not.
    New(Holding),
    /// A holding of the snapshot is not shown.
    Gone,
    /// Another grade, with the registry's text of it.
    Grade {
        /// The holding as it was shown.
        shown: Holding,
        /// Raised, lowered or reworded.
        change: Change,
    },
    /// Another end.
    End {
        /// The holding as it was shown.
        shown: Holding,
        /// Renewed, extended or shortened.
        change: Change,
    },
    /// Another issue date, the end being the same.
    Issued {
        /// The issue date as it was shown.
        day: NaiveDate,
        /// Whether it was all that changed in its certificate: only then is it told.
        alone: bool,
    },
}

/// A difference seen but not established (design 3, "Looks").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Doubt {
    /// What was seen.
    pub difference: Difference,
    /// When this run of agreeing looks began.
    pub first_seen_at: DateTime<Utc>,
    /// The last look that counted, agreeing or not.
    pub last_look_at: DateTime<Utc>,
    /// Agreeing looks counted; 0 when the last observation disagreed.
    pub looks: u32,
    /// How many establish it.
    pub looks_needed: u32,
    /// Part of a loss of many companies at once.
    pub mass: bool,
    /// What readers were told at the first look (gains only).
    pub told_as: Option<Change>,
    /// Consecutive looks that no longer showed what was told.
    pub counter_looks: u32,
    /// How many of them take it back.
    pub counter_looks_needed: u32,
    /// It was told, taken back, and will be told again only when established.
    pub retracted: bool,
}

impl Doubt {
    /// Whether anything is still to be found out: a gain that was taken back and not seen since is only remembered.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.looks > 0 || self.counter_looks > 0
    }

    /// Whether the last observation showed it.
    #[must_use]
    pub fn was_shown_last(&self) -> bool {
        self.looks > 0
    }

    /// The later end this doubt is about, where it is about one.
    #[must_use]
    pub fn later_end(&self) -> Option<NaiveDate> {
        match &self.difference {
            Difference::End { shown, change: Change::Renewed | Change::ValidityExtended } => shown.last_day(),
            _ => None,
        }
    }
}

/// What is established gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gone {
    /// As it last was.
    pub holding: Holding,
    /// When it was established gone.
    pub at: DateTime<Utc>,
}

/// All that is established, doubted and remembered of one company.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The company's id upstream, once known.
    pub prefix: Option<Prefix>,
    /// When the first complete observation with items came.
    pub baseline_at: Option<DateTime<Utc>>,
    /// What is held.
    pub held: BTreeMap<HoldingKey, Held>,
    /// What is in doubt.
    pub doubts: BTreeMap<(HoldingKey, Field), Doubt>,
    /// What is established gone.
    pub gone: BTreeMap<HoldingKey, Gone>,
}

impl Snapshot {
    /// The numbers last known: of what is held, or, when nothing is, of what went last: of the last snapshot that was not
    /// empty (design 3).
    #[must_use]
    pub fn numbers(&self) -> Numbers {
        let of = |keys: &mut dyn Iterator<Item = &HoldingKey>| -> BTreeSet<_> {
            keys.map(|key| key.number.clone()).collect()
        };
        let mut known = of(&mut self.held.keys());
        let listed = self.held.iter().filter(|(_, held)| held.unlisted_since.is_none());
        let mut listed = of(&mut listed.map(|(key, _)| key));
        if known.is_empty() {
            let last = self.gone.values().map(|gone| gone.at).max();
            let went_last = self.gone.iter().filter(|(_, gone)| Some(gone.at) == last);
            known = of(&mut went_last.map(|(key, _)| key));
        }
        if listed.is_empty() {
            listed.clone_from(&known);
        }
        Numbers { known, listed }
    }

    /// The established holdings of one certificate.
    pub fn certificate<'a>(&'a self, number: &'a CertificateNumber) -> impl Iterator<Item = &'a Held> {
        self.held.iter().filter(move |(key, _)| key.number == *number).map(|(_, held)| held)
    }

    /// The doubts that are still to be found out.
    pub fn open_doubts(&self) -> impl Iterator<Item = (&HoldingKey, Field, &Doubt)> {
        self.doubts
            .iter()
            .filter(|(_, doubt)| doubt.is_open())
            .map(|((key, field), doubt)| (key, *field, doubt))
    }

    /// The kind of event that a doubt was told as, or would be told as when it is established.
    #[must_use]
    pub fn change_of(&self, key: &HoldingKey, doubt: &Doubt) -> Change {
        if let Some(told_as) = doubt.told_as {
            return told_as;
        }
        match &doubt.difference {
            Difference::New(_) if self.certificate(&key.number).next().is_some() => {
                Change::QualificationAdded
            }
            Difference::New(_) => Change::CertificateAdded,
            Difference::Gone if self.goes_on_being_shown(&key.number) => Change::QualificationRemoved,
            Difference::Gone => Change::CertificateRemoved,
            Difference::Grade { change, .. } | Difference::End { change, .. } => *change,
            Difference::Issued { .. } => Change::Reissued,
        }
    }

    /// Whether something of the certificate was shown by the last observation that was compared: held and not missed, or new.
    /// What the registry left out on its end day or later is not shown either, although it is still judged.
    fn goes_on_being_shown(&self, number: &CertificateNumber) -> bool {
        let of_certificate = self.held.iter().filter(|(key, _)| key.number == *number);
        let mut listed = of_certificate.filter(|(_, held)| held.unlisted_since.is_none());
        let presence = |key: &HoldingKey| self.doubts.get(&(key.clone(), Field::Presence));
        let is_missed =
            |key: &HoldingKey| presence(key).is_some_and(|doubt| doubt.difference == Difference::Gone);
        listed.any(|(key, _)| !is_missed(key))
            || self.doubts.iter().any(|((key, _), doubt)| {
                key.number == *number
                    && matches!(doubt.difference, Difference::New(_))
                    && doubt.was_shown_last()
            })
    }

    /// The established holding, in another certificate, that covers `needed`: same qualification, same grade or higher in
    /// the same ladder, and ending later.
    #[must_use]
    pub fn cover_of(&self, needed: &Holding) -> Option<&Holding> {
        self.covers_of(needed).next().map(|(_, cover)| cover)
    }

    fn covers_of<'a>(&'a self, needed: &Holding) -> impl Iterator<Item = (&'a HoldingKey, &'a Holding)> {
        let holdings = self.held.iter().map(|(key, held)| (key, &held.holding));
        holdings.filter(|(_, other)| other.number != needed.number && covers(other, needed))
    }

    /// Whether every holding of the certificate is covered by an established one (design 3, "Superseded").
    #[must_use]
    pub fn is_superseded<'a>(&self, certificate: impl IntoIterator<Item = &'a Holding>) -> bool {
        are_covered(certificate, |holding| self.cover_of(holding).is_some())
    }

    /// Whether the certificate is superseded without what is itself in doubt as gone.
    #[must_use]
    pub fn is_superseded_by_what_stays(&self, number: &CertificateNumber) -> bool {
        let doubts = self.doubts.iter().filter(|(_, doubt)| doubt.difference == Difference::Gone);
        let going: BTreeSet<&HoldingKey> = doubts.map(|((key, _), _)| key).collect();
        let certificate = self.certificate(number).map(|held| &held.holding);
        are_covered(certificate, |holding| self.covers_of(holding).any(|(key, _)| !going.contains(key)))
    }
}

/// Whether there are holdings and all of them are covered: nothing is superseded that is not held.
fn are_covered<'a>(
    holdings: impl IntoIterator<Item = &'a Holding>,
    is_covered: impl Fn(&Holding) -> bool,
) -> bool {
    let mut holdings = holdings.into_iter().peekable();
    holdings.peek().is_some() && holdings.all(is_covered)
}

/// Whether `other` holds what `needed` holds, same or higher, and ends later.
#[must_use]
pub fn covers(other: &Holding, needed: &Holding) -> bool {
    let ends_later = match (other.last_day(), needed.last_day()) {
        (Some(theirs), Some(ours)) => theirs > ours,
        _ => false,
    };
    // Two certificates whose qualifications cannot be read have nothing in common.
    ends_later
        && needed.qualification.is_named()
        && other.qualification.key == needed.qualification.key
        && qualification::holds_at_least(
            other.qualification.grade.as_ref(),
            needed.qualification.grade.as_ref(),
        )
}
