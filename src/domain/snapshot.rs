//! The snapshot of a company: its holdings as last established, what is in doubt, what is gone (design 1 and 3).

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};

use super::cover;
use super::event::Change;
pub use super::field::{Difference, Field};
use super::holding::{Holding, HoldingKey};
use super::identity::{Numbers, Prefix};
use super::number::CertificateNumber;
use super::qualification;

/// A holding as established.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Held {
    /// What is held.
    pub holding: Holding,
    /// When it was established.
    pub since: DateTime<Utc>,
    /// Since when the registry no longer lists it, although it is still judged: it went on its end day or later.
    pub unlisted_since: Option<DateTime<Utc>>,
}

/// A difference seen but not established (design 3, "Looks").
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
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
    /// When they were; `None` where an older version told them.
    pub told_at: Option<DateTime<Utc>>,
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
        self.difference.later_end()
    }

    /// Whether a gain was taken back and is remembered: of what was told nothing is left.
    pub(super) fn was_taken_back(&self) -> bool {
        self.retracted && self.told_as.is_none()
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

    /// The wider qualification that has absorbed `gone`: held, not itself in doubt, and ending no earlier (design 3, "Absorbed").
    /// What is held by its own name in a later certificate is not absorbed.
    pub(super) fn absorbs(&self, gone: &Holding) -> Option<&Holding> {
        let is_going = |key: &HoldingKey| {
            let doubt = self.doubts.get(&(key.clone(), Field::Presence));
            doubt.is_some_and(|doubt| doubt.difference == Difference::Gone)
        };
        let held = || self.held.values().map(|held| &held.holding);
        if held().any(|other| other.number != gone.number && renews(other, gone)) {
            return None;
        }
        let wider = held().filter(|other| {
            cover::covers(&other.qualification, &gone.qualification)
                && ends_no_earlier(other, gone)
                && !is_going(&other.key())
        });
        wider.max_by_key(|other| other.last_day())
    }

    /// The established holding, in another certificate, that covers `needed`: same qualification, same grade or higher in
    /// the same ladder, or a wider one, and ending later.
    #[must_use]
    pub fn cover_of(&self, needed: &Holding) -> Option<&Holding> {
        self.covers_of(needed).next().map(|(_, cover)| cover)
    }

    fn covers_of<'a>(&'a self, needed: &Holding) -> impl Iterator<Item = (&'a HoldingKey, &'a Holding)> {
        let holdings = self.held.iter().map(|(key, held)| (key, &held.holding));
        holdings.filter(|(_, other)| other.number != needed.number && covers(other, needed))
    }

    /// What is known, with the later ends that readers were told of and that are not certain yet.
    #[must_use]
    pub fn with_told_ends(mut self) -> Self {
        for ((key, _), doubt) in &self.doubts {
            if let Difference::End { shown, .. } = &doubt.difference
                && doubt.told_as.is_some()
                && doubt.was_shown_last()
                && let Some(held) = self.held.get_mut(key)
            {
                held.holding = shown.clone();
            }
        }
        self
    }

    /// Whether every holding of the certificate is covered by an established one (design 3, "Superseded").
    #[must_use]
    pub fn is_superseded<'a>(&self, certificate: impl IntoIterator<Item = &'a Holding>) -> bool {
        are_covered(certificate, |holding| self.cover_of(holding).is_some())
    }

    /// Whether what is needed goes on in another certificate: the same qualification, same or higher, and ending no earlier.
    pub(super) fn is_continued(&self, needed: &Holding) -> bool {
        let mut held = self.held.values().map(|held| &held.holding);
        held.any(|other| other.number != needed.number && continues(other, needed))
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

/// Whether `other` holds what `needed` holds, same or higher or a wider one, and ends later.
fn covers(other: &Holding, needed: &Holding) -> bool {
    renews(other, needed)
        || (ends_later(other, needed) && cover::covers(&other.qualification, &needed.qualification))
}

/// Whether `other` holds what `needed` holds, same or higher, and ends later.
pub(super) fn renews(other: &Holding, needed: &Holding) -> bool {
    ends_later(other, needed) && continues(other, needed)
}

/// Whether `other` holds what `needed` holds, same or higher, and ends no earlier: with the same end a certificate that moved,
/// from ministry to province, say (domain 10).
pub(super) fn continues(other: &Holding, needed: &Holding) -> bool {
    // Two certificates whose qualifications cannot be read have nothing in common.
    ends_no_earlier(other, needed)
        && needed.qualification.is_named()
        && other.qualification.key == needed.qualification.key
        && qualification::holds_at_least(
            other.qualification.grade.as_ref(),
            needed.qualification.grade.as_ref(),
        )
}

fn ends_no_earlier(other: &Holding, needed: &Holding) -> bool {
    other.last_day().zip(needed.last_day()).is_some_and(|(theirs, ours)| theirs >= ours)
}

fn ends_later(other: &Holding, needed: &Holding) -> bool {
    other.last_day().zip(needed.last_day()).is_some_and(|(theirs, ours)| theirs > ours)
}
