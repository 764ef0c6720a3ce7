//! A new version of our own reading is not a change of the world (design 3): what was established and doubted in the words
//! of the older version is put into those of today's, and nothing is told of the difference.
//!
//! Two things are read again. Every holding bears the registry's own texts, so it can be read by itself, wherever it comes
//! from; and the last complete answer, whose bytes are stored, says what the registry showed when the snapshot was last
//! compared. What that answer shows beside the snapshot, and no doubt of the snapshot speaks of, is there by the reading
//! alone: it is taken as established. What a doubt speaks of was seen by both versions, and stays one, with its looks and
//! with what was told of it, unless it is no difference any more in today's words.
//!
//! What was told of ends needs nothing: rows keep a number as the registry wrote it, and compare it by today's rules.
//!
//! Rejected: reading every answer since the oldest doubt again and comparing anew. An answer that came often is stored
//! once, without the instants in between, so the looks could not be counted; and what was told would have to be guessed.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};

use super::differences::{later_kind, shown_by};
use super::overtaken;
use crate::domain::dates::End;
use crate::domain::event::Change;
use crate::domain::holding::{Holding, HoldingKey, read_again};
use crate::domain::qualification::{GradeChange, grade_change};
use crate::domain::snapshot::{Difference, Doubt, Field, Gone, Held, Snapshot};

/// The last complete answer, read by today's rules.
#[derive(Debug, Clone, Copy)]
pub struct Again<'a> {
    /// What it shows.
    pub shown: &'a BTreeMap<HoldingKey, Holding>,
    /// When it came last.
    pub at: DateTime<Utc>,
}

/// Today's keys of what an older version knew by one key.
type Heirs = BTreeMap<HoldingKey, Vec<HoldingKey>>;

/// Puts a snapshot into today's words. `again` is missing where the last complete answer is not stored or cannot be read any
/// more: then every holding is read by itself.
#[must_use]
pub fn reread(before: &Snapshot, again: Option<Again<'_>>, today: NaiveDate) -> Snapshot {
    let mut after = Snapshot {
        held: BTreeMap::new(),
        doubts: BTreeMap::new(),
        // What is gone is only asked for its number, and by its own words.
        ..before.clone()
    };
    let mut heirs = read_held(before, &mut after);
    for ((key, _), doubt) in &before.doubts {
        if let Difference::New(new) = &doubt.difference {
            heirs.entry(key.clone()).or_default().extend(read_again(new).iter().map(Holding::key));
        }
    }
    for ((key, field), doubt) in &before.doubts {
        read_doubt(key, *field, doubt, &heirs, again, &mut after);
    }
    if let Some(again) = again {
        Adopting { after: &mut after, again, today, before }.adopt();
    }
    after
}

fn read_held(before: &Snapshot, after: &mut Snapshot) -> Heirs {
    let mut heirs = Heirs::new();
    for (key, held) in &before.held {
        for holding in read_again(&held.holding) {
            let heir = holding.key();
            heirs.entry(key.clone()).or_default().push(heir.clone());
            let read = Held { holding, ..held.clone() };
            match after.held.get_mut(&heir) {
                // Two that are one in today's words: the later end is the holding (design 3, "Pairs").
                Some(known) => {
                    let unlisted_since = known.unlisted_since.and(read.unlisted_since);
                    let since = known.since.min(read.since);
                    if read.holding.last_day() > known.holding.last_day() {
                        known.holding = read.holding;
                    }
                    (known.since, known.unlisted_since) = (since, unlisted_since);
                }
                None => {
                    after.held.insert(heir, read);
                }
            }
        }
    }
    heirs
}

fn read_doubt(
    key: &HoldingKey,
    field: Field,
    doubt: &Doubt,
    heirs: &Heirs,
    again: Option<Again<'_>>,
    after: &mut Snapshot,
) {
    let shown = shown_by(&doubt.difference).map(|shown| read_again(&shown)).unwrap_or_default();
    let is_shown_again = |heir: &HoldingKey| again.is_some_and(|again| again.shown.contains_key(heir));
    if let Difference::New(_) = doubt.difference {
        // What is held in today's words is not new.
        for new in shown.into_iter().filter(|new| !after.held.contains_key(&new.key())).collect::<Vec<_>>() {
            let slot = (new.key(), field);
            keep(after, slot, Doubt { difference: Difference::New(new), ..doubt.clone() });
        }
        return;
    }
    for heir in heirs.get(key).into_iter().flatten() {
        let Some(held) = known(after, heir).cloned() else { continue };
        let seen = shown.iter().find(|shown| shown.key() == *heir).cloned();
        let difference = match (&doubt.difference, seen) {
            // An answer that came after the last complete one was empty: that says nothing of the reading.
            (Difference::Gone, _) => {
                let is_of_a_later_answer = again.is_some_and(|again| doubt.first_seen_at > again.at);
                (is_of_a_later_answer || !is_shown_again(heir)).then_some(Difference::Gone)
            }
            // What the last observation did not show is only remembered, as it was told.
            (Difference::Grade { change, .. }, Some(shown)) if !doubt.was_shown_last() => {
                Some(Difference::Grade { shown, change: *change })
            }
            (Difference::End { change, .. }, Some(shown)) if !doubt.was_shown_last() => {
                Some(Difference::End { shown, change: *change })
            }
            (Difference::Grade { .. }, Some(shown)) => {
                grade_told_as(&held, &shown).map(|change| Difference::Grade { shown, change })
            }
            (Difference::End { change, .. }, Some(shown)) => {
                end_told_as(&held, &shown, *change).map(|change| Difference::End { shown, change })
            }
            (Difference::Issued { day, alone }, _) => {
                (held.issued != Some(*day)).then_some(Difference::Issued { day: *day, alone: *alone })
            }
            (_, _) => None,
        };
        if let Some(difference) = difference {
            keep(after, (heir.clone(), field), Doubt { difference, ..doubt.clone() });
        }
    }
}

/// What the doubts of a key's fields are doubts of: what is held, or will be once it is established.
fn known<'a>(after: &'a Snapshot, key: &HoldingKey) -> Option<&'a Holding> {
    let held = after.held.get(key).map(|held| &held.holding);
    held.or_else(|| match &after.doubts.get(&(key.clone(), Field::Presence))?.difference {
        Difference::New(new) => Some(new),
        _ => None,
    })
}

/// Of two doubts that are one in today's words the one that is further is kept, and one that was told before any other:
/// nothing is told twice.
fn keep(after: &mut Snapshot, slot: (HoldingKey, Field), doubt: Doubt) {
    let slot = overtaken::place_of(after, slot, &doubt);
    let standing = |doubt: &Doubt| (doubt.told_as.is_some(), doubt.looks, doubt.counter_looks);
    match after.doubts.get_mut(&slot) {
        Some(known) if standing(known) >= standing(&doubt) => {}
        Some(known) => *known = doubt,
        None => {
            after.doubts.insert(slot, doubt);
        }
    }
}

fn grade_told_as(held: &Holding, shown: &Holding) -> Option<Change> {
    match grade_change(held.qualification.grade.as_ref(), shown.qualification.grade.as_ref()) {
        GradeChange::Same => None,
        GradeChange::Raised => Some(Change::GradeRaised),
        GradeChange::Lowered => Some(Change::GradeLowered),
        GradeChange::Reworded => Some(Change::GradeReworded),
    }
}

fn end_told_as(held: &Holding, shown: &Holding, was: Change) -> Option<Change> {
    match (held.last_day(), shown.last_day()) {
        (_, None) => None,
        (Some(old), Some(new)) if old == new => None,
        (Some(old), Some(new)) if new < old => Some(Change::ValidityShortened),
        // As it was told: the issue date beside the earlier end may be another by now.
        (_, Some(_)) if was != Change::ValidityShortened => Some(was),
        (_, Some(_)) => Some(later_kind(held, shown)),
    }
}

/// What the last complete answer shows in today's words, against the snapshot in today's words.
struct Adopting<'a, 'b> {
    before: &'a Snapshot,
    after: &'a mut Snapshot,
    again: Again<'b>,
    today: NaiveDate,
}

impl Adopting<'_, '_> {
    fn adopt(mut self) {
        let keys: BTreeSet<HoldingKey> =
            self.after.held.keys().chain(self.again.shown.keys()).cloned().collect();
        for key in keys {
            match (self.after.held.contains_key(&key), self.again.shown.get(&key)) {
                (true, Some(shown)) => self.both(&key, shown),
                (true, None) => self.not_shown(&key),
                (false, Some(shown)) => self.appears(&key, shown),
                (false, None) => {}
            }
        }
    }

    /// Whether the answer showed what a doubt of this field speaks of. A look that came later was at an empty answer.
    fn is_doubted(&self, key: &HoldingKey, field: Field) -> bool {
        let doubt = self.after.doubts.get(&(key.clone(), field));
        doubt.is_some_and(|doubt| doubt.was_shown_last() || doubt.last_look_at > self.again.at)
    }

    /// Whether it was there in the answer, and is not in an empty one that came later. That one has ended what was doubted of it
    /// and not told, so whether it is another by the reading or in truth cannot be said: the next answer will.
    fn went_later(&self, key: &HoldingKey) -> bool {
        let doubt = self.after.doubts.get(&(key.clone(), Field::Presence));
        let held = self.after.held.get(key);
        doubt.is_some_and(|doubt| doubt.difference == Difference::Gone && doubt.first_seen_at > self.again.at)
            || held.and_then(|held| held.unlisted_since).is_some_and(|since| since > self.again.at)
    }

    /// What was told as new is not what ended long ago under the same key (`pairs.rs`): it waits to be taken back.
    fn is_past_of_what_was_told(&self, key: &HoldingKey, shown: &Holding) -> bool {
        let doubt = self.after.doubts.get(&(key.clone(), Field::Presence));
        let is_new = |doubt: &Doubt| matches!(&doubt.difference, Difference::New(told) if !told.is_historical(self.today));
        let was_told = |doubt: &Doubt| doubt.told_as.is_some() && is_new(doubt);
        shown.is_historical(self.today) && doubt.is_some_and(was_told)
    }

    /// What was read as something else, or not at all.
    fn appears(&mut self, key: &HoldingKey, shown: &Holding) {
        let doubt = self.after.doubts.get(&(key.clone(), Field::Presence));
        // Told and taken back once: it waits until it is established, whatever it was taken back for.
        let was_taken_back = doubt.is_some_and(|doubt| doubt.retracted);
        let went_later = |gone: &Gone| gone.holding.number == key.number && gone.at > self.again.at;
        if self.is_doubted(key, Field::Presence)
            || was_taken_back
            || self.is_past_of_what_was_told(key, shown)
            || self.before.gone.values().any(went_later)
        {
            return;
        }
        self.after.doubts.retain(|(doubted, _), _| doubted != key);
        let relatives = self.before.certificate(&shown.number);
        let since = relatives.map(|held| held.since).min().unwrap_or(self.again.at);
        // All of a certificate is missing in an answer that is empty.
        let missing = self.after.doubts.iter().find(|((other, _), doubt)| {
            other.number == key.number
                && doubt.difference == Difference::Gone
                && doubt.first_seen_at > self.again.at
        });
        if let Some(gone) = missing.map(|(_, doubt)| doubt.clone()) {
            self.after.doubts.insert((key.clone(), Field::Presence), gone);
        }
        let held = Held { holding: shown.clone(), since, unlisted_since: None };
        self.after.held.insert(key.clone(), held);
    }

    /// What is listed as something else in today's words, or was read where there is nothing.
    fn not_shown(&mut self, key: &HoldingKey) {
        let Some(held) = self.after.held.get(key) else { return };
        let doubt = self.after.doubts.get(&(key.clone(), Field::Presence));
        let was_missing =
            doubt.is_some_and(|doubt| doubt.was_shown_last() && doubt.first_seen_at <= self.again.at);
        if held.unlisted_since.is_none() && !was_missing {
            self.after.held.remove(key);
            self.after.doubts.retain(|(doubted, _), _| doubted != key);
        }
    }

    /// Field by field, as looks compare (`pairs.rs`).
    fn both(&mut self, key: &HoldingKey, shown: &Holding) {
        if self.went_later(key) {
            return;
        }
        let grade_is_doubted = self.is_doubted(key, Field::Grade);
        let end_is_doubted = self.is_doubted(key, Field::End);
        let issued_is_doubted = self.is_doubted(key, Field::Issued);
        let Some(held) = self.after.held.get_mut(key) else { return };
        held.unlisted_since = None;
        let holding = &mut held.holding;
        holding.organ.clone_from(&shown.organ);
        holding.kind.clone_from(&shown.kind);
        holding.business_id.clone_from(&shown.business_id);
        if holding.is_historical(self.today) && shown.last_day().is_none() {
            return;
        }
        if !grade_is_doubted {
            holding.qualification = shown.qualification.clone();
        }
        let keeps_its_end =
            matches!((&holding.end, &shown.end), (End::Day(_), end) if !matches!(end, End::Day(_)));
        if end_is_doubted || keeps_its_end {
            return;
        }
        if !issued_is_doubted {
            // With another end another item of the answer was read: its issue date is that end's, stated or not.
            let is_another = holding.end != shown.end;
            holding.issued = shown.issued.or(holding.issued.filter(|_| !is_another));
        }
        holding.end = shown.end.clone();
        holding.end_text.clone_from(&shown.end_text);
    }
}
