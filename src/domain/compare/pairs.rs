//! The pass over the pairs (certificate number, qualification), field by field.

use std::collections::{BTreeMap, BTreeSet};

use super::Look;
use super::looks::{self, Answer, Moved};
use crate::domain::dates::End;
use crate::domain::event::Change;
use crate::domain::holding::{Holding, HoldingKey};
use crate::domain::qualification::{GradeChange, grade_change};
use crate::domain::snapshot::{Difference, Doubt, Field, Held, Snapshot};

/// A difference that has become tellable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub key: HoldingKey,
    pub change: Change,
    /// What was established before; `None` for what appears.
    pub before: Option<Holding>,
    /// What was shown; for losses what was lost.
    pub shown: Holding,
    /// Agreeing looks so far.
    pub looks: u32,
    pub mass: bool,
}

/// What the pass leaves to be told.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// Holdings that appear and were not told yet.
    pub appeared: Vec<Found>,
    /// Grades, ends and issue dates to be told now.
    pub changed: Vec<Found>,
    /// Holdings established gone.
    pub lost: Vec<Found>,
    /// Gains to be taken back; `change` is what had been told.
    pub taken_back: Vec<Found>,
}

/// Walks all pairs, moves every doubt by this look and establishes what is due.
pub(super) fn walk(
    after: &mut Snapshot,
    shown: &BTreeMap<HoldingKey, Holding>,
    answer: Answer,
    look: &Look<'_>,
) -> Outcome {
    let keys: BTreeSet<HoldingKey> = after
        .held
        .keys()
        .chain(shown.keys())
        .chain(after.doubts.keys().map(|(key, _)| key))
        .cloned()
        .collect();
    let mut pass = Pass { after, answer, look, outcome: Outcome::default() };
    for key in keys {
        match (pass.after.held.contains_key(&key), shown.get(&key)) {
            (true, Some(shown)) => pass.both(&key, shown),
            (true, None) => pass.gone(&key),
            (false, Some(shown)) => pass.appeared(&key, shown),
            (false, None) => pass.not_shown(&key, Field::Presence),
        }
    }
    pass.mark_lone_reissues();
    pass.outcome
}

struct Pass<'a, 'b> {
    after: &'a mut Snapshot,
    answer: Answer,
    look: &'a Look<'b>,
    outcome: Outcome,
}

impl Pass<'_, '_> {
    /// Shown, but not held.
    fn appeared(&mut self, key: &HoldingKey, shown: &Holding) {
        if shown.is_historical(self.look.today) {
            // What ended long ago raises nothing, nor does its coming (design 3): nothing can rest on it either.
            self.after.doubts.remove(&(key.clone(), Field::Presence));
            self.hold(key, shown.clone());
            return;
        }
        let slot = (key.clone(), Field::Presence);
        if let Some(mut doubt) = self.after.doubts.remove(&slot) {
            let moved = looks::agree(&mut doubt, self.look.now, self.look.confirm_after, self.answer);
            if moved != Moved::Established {
                self.after.doubts.insert(slot, doubt);
                return;
            }
            let Difference::New(first_shown) = doubt.difference.clone() else {
                return;
            };
            self.hold(key, first_shown.clone());
            if doubt.told_as.is_none() {
                self.outcome.appeared.push(found(key, Change::CertificateAdded, None, first_shown, &doubt));
            }
            // Established as it was first shown; what differs by now is a difference of its own.
            self.both(key, shown);
        } else {
            let doubt = looks::first_look(Difference::New(shown.clone()), self.look.now, self.answer);
            self.outcome.appeared.push(found(key, Change::CertificateAdded, None, shown.clone(), &doubt));
            self.after.doubts.insert(slot, doubt);
        }
    }

    /// Held, but not shown.
    fn gone(&mut self, key: &HoldingKey) {
        for field in [Field::Grade, Field::End, Field::Issued] {
            self.not_shown(key, field);
        }
        let slot = (key.clone(), Field::Presence);
        let Some(held) = self.after.held.get_mut(key) else {
            return;
        };
        let mut doubt = match self.after.doubts.remove(&slot) {
            Some(doubt) => doubt,
            None if held.holding.has_reached_its_end(self.look.today) => {
                // It went on its end day or later: not removed, it goes on being judged (design 3, "Ends").
                held.unlisted_since.get_or_insert(self.look.now);
                return;
            }
            None => {
                let doubt = looks::first_look(Difference::Gone, self.look.now, self.answer);
                self.after.doubts.insert(slot, doubt);
                return;
            }
        };
        let moved = looks::agree(&mut doubt, self.look.now, self.look.confirm_after, self.answer);
        if moved != Moved::Established {
            self.after.doubts.insert(slot, doubt);
            return;
        }
        let lost = held.holding.clone();
        let change = Change::CertificateRemoved;
        self.outcome.lost.push(found(key, change, Some(lost.clone()), lost, &doubt));
    }

    /// Held and shown: compared field by field.
    fn both(&mut self, key: &HoldingKey, shown: &Holding) {
        self.after.doubts.remove(&(key.clone(), Field::Presence));
        let today = self.look.today;
        let Some(held) = self.after.held.get_mut(key) else {
            return;
        };
        held.unlisted_since = None;
        let before = held.holding.clone();
        held.holding.organ.clone_from(&shown.organ);
        held.holding.kind.clone_from(&shown.kind);
        held.holding.business_id.clone_from(&shown.business_id);
        if before.is_historical(today) && shown.is_historical(today) {
            held.holding = shown.clone();
            self.after.doubts.retain(|(other, _), _| other != key);
            return;
        }
        self.grade(key, &before, shown);
        if self.end(key, &before, shown) == EndIs::TheSame {
            self.issued(key, &before, shown);
        } else {
            self.not_shown(key, Field::Issued);
        }
    }

    fn grade(&mut self, key: &HoldingKey, before: &Holding, shown: &Holding) {
        let (old, new) = (before.qualification.grade.as_ref(), shown.qualification.grade.as_ref());
        let change = match grade_change(old, new) {
            GradeChange::Same => {
                self.not_shown(key, Field::Grade);
                if let Some(held) = self.after.held.get_mut(key) {
                    held.holding.qualification = shown.qualification.clone();
                }
                return;
            }
            GradeChange::Raised => Change::GradeRaised,
            GradeChange::Lowered => Change::GradeLowered,
            GradeChange::Reworded => Change::GradeReworded,
        };
        let difference = Difference::Grade { shown: shown.clone(), change };
        if self.differs(key, Field::Grade, difference, before) == Moved::Established
            && let Some(held) = self.after.held.get_mut(key)
        {
            held.holding.qualification = shown.qualification.clone();
        }
    }

    fn end(&mut self, key: &HoldingKey, before: &Holding, shown: &Holding) -> EndIs {
        let change = match (&before.end, &shown.end) {
            (End::Day(old), End::Day(new)) if new == old => {
                self.not_shown(key, Field::End);
                return EndIs::TheSame;
            }
            (End::Day(old), End::Day(new)) if new > old => later_kind(before, shown),
            (End::Day(_), End::Day(_)) => Change::ValidityShortened,
            (End::Day(_), _) => {
                // An end that cannot be read never replaces one that could (design 3).
                self.not_shown(key, Field::End);
                return EndIs::Unreadable;
            }
            (_, _) => {
                self.not_shown(key, Field::End);
                if let Some(held) = self.after.held.get_mut(key) {
                    held.holding.end = shown.end.clone();
                    held.holding.end_text.clone_from(&shown.end_text);
                }
                return EndIs::TheSame;
            }
        };
        let difference = Difference::End { shown: shown.clone(), change };
        if self.differs(key, Field::End, difference, before) == Moved::Established
            && let Some(held) = self.after.held.get_mut(key)
        {
            held.holding.end = shown.end.clone();
            held.holding.end_text.clone_from(&shown.end_text);
            held.holding.issued = shown.issued.or(held.holding.issued);
        }
        EndIs::Another
    }

    fn issued(&mut self, key: &HoldingKey, before: &Holding, shown: &Holding) {
        match (before.issued, shown.issued) {
            (Some(old), Some(day)) if old != day => {
                let difference = Difference::Issued { day, alone: true };
                if self.differs(key, Field::Issued, difference, before) == Moved::Established
                    && let Some(held) = self.after.held.get_mut(key)
                {
                    held.holding.issued = Some(day);
                }
            }
            (None, Some(day)) => {
                if let Some(held) = self.after.held.get_mut(key) {
                    held.holding.issued = Some(day);
                }
            }
            _ => self.not_shown(key, Field::Issued),
        }
    }

    /// A field of a held holding differs: a first look, or one more.
    fn differs(&mut self, key: &HoldingKey, field: Field, difference: Difference, before: &Holding) -> Moved {
        let slot = (key.clone(), field);
        let (mut doubt, moved) = match self.after.doubts.remove(&slot) {
            Some(mut doubt) if is_same(&doubt.difference, &difference) => {
                let moved = looks::agree(&mut doubt, self.look.now, self.look.confirm_after, self.answer);
                (doubt, moved)
            }
            other => {
                let mut doubt = looks::first_look(difference, self.look.now, self.answer);
                if let Some(earlier) =
                    other.filter(|other| other.was_shown_last() && other.later_end().is_some())
                    && doubt.later_end().is_some()
                {
                    // Ever other later ends must not put off the thresholds of the earlier one for ever.
                    doubt.first_seen_at = earlier.first_seen_at;
                }
                (doubt, Moved::Open)
            }
        };
        let (change, is_gain, shown) = describe(&doubt.difference, before);
        let tell_now = match moved {
            Moved::Established => doubt.told_as.is_none(),
            _ => is_gain && doubt.told_as.is_none() && !doubt.retracted,
        };
        if let (true, Some(change), Some(shown)) = (tell_now, change, shown) {
            self.outcome.changed.push(found(key, change, Some(before.clone()), shown, &doubt));
            doubt.told_as = is_gain.then_some(change);
        }
        if moved != Moved::Established {
            self.after.doubts.insert(slot, doubt);
        }
        moved
    }

    /// The observation does not show what a doubt of this field is about.
    fn not_shown(&mut self, key: &HoldingKey, field: Field) {
        let slot = (key.clone(), field);
        let Some(mut doubt) = self.after.doubts.remove(&slot) else {
            return;
        };
        if let Some(told_as) = doubt.told_as {
            if looks::counter(&mut doubt, self.look.now, self.look.confirm_after, self.answer)
                == Moved::TakenBack
            {
                if let Some(shown) = shown_by(&doubt.difference) {
                    let before = self.after.held.get(key).map(|held| held.holding.clone());
                    self.outcome.taken_back.push(found(key, told_as, before, shown, &doubt));
                }
                looks::take_back(&mut doubt);
            }
            self.after.doubts.insert(slot, doubt);
        } else if doubt.retracted {
            looks::take_back(&mut doubt);
            self.after.doubts.insert(slot, doubt);
        }
    }

    /// An issue date that moved together with something else in its certificate is not worth an event of its own.
    fn mark_lone_reissues(&mut self) {
        let now = self.look.now;
        let busy: BTreeSet<_> = self
            .after
            .doubts
            .iter()
            .filter(|((_, field), doubt)| *field != Field::Issued && doubt.is_open())
            .map(|((key, _), _)| key.number.clone())
            .collect();
        for ((key, _), doubt) in &mut self.after.doubts {
            if let Difference::Issued { alone, .. } = &mut doubt.difference
                && doubt.first_seen_at == now
                && busy.contains(&key.number)
            {
                *alone = false;
            }
        }
    }

    fn hold(&mut self, key: &HoldingKey, holding: Holding) {
        let held = Held { holding, since: self.look.now, unlisted_since: None };
        self.after.held.insert(key.clone(), held);
    }
}

#[derive(PartialEq, Eq)]
enum EndIs {
    TheSame,
    Another,
    Unreadable,
}

/// With a new issue date it was renewed; with the old one its validity was extended, as by decree (统一延期).
fn later_kind(before: &Holding, shown: &Holding) -> Change {
    match (before.issued, shown.issued) {
        (old, Some(new)) if old != Some(new) => Change::Renewed,
        _ => Change::ValidityExtended,
    }
}

/// Whether two differences of one field are the same: the same value, whatever else its item says.
fn is_same(one: &Difference, other: &Difference) -> bool {
    match (one, other) {
        (Difference::Grade { shown: one, .. }, Difference::Grade { shown: other, .. }) => {
            grade_change(one.qualification.grade.as_ref(), other.qualification.grade.as_ref())
                == GradeChange::Same
        }
        (Difference::End { shown: one, .. }, Difference::End { shown: other, .. }) => one.end == other.end,
        (Difference::Issued { day: one, .. }, Difference::Issued { day: other, .. }) => one == other,
        _ => false,
    }
}

/// The change a field's difference is told as (`None`: not told), whether it is a gain, and the holding it shows.
fn describe(difference: &Difference, before: &Holding) -> (Option<Change>, bool, Option<Holding>) {
    match difference {
        Difference::Grade { change, .. } | Difference::End { change, .. } => {
            let is_gain = matches!(change, Change::GradeRaised | Change::Renewed | Change::ValidityExtended);
            (Some(*change), is_gain, shown_by(difference))
        }
        Difference::Issued { day, alone } => {
            let shown = Holding { issued: Some(*day), ..before.clone() };
            (alone.then_some(Change::Reissued), false, Some(shown))
        }
        Difference::New(_) | Difference::Gone => (None, false, None),
    }
}

fn shown_by(difference: &Difference) -> Option<Holding> {
    match difference {
        Difference::New(shown) | Difference::Grade { shown, .. } | Difference::End { shown, .. } => {
            Some(shown.clone())
        }
        Difference::Gone | Difference::Issued { .. } => None,
    }
}

fn found(key: &HoldingKey, change: Change, before: Option<Holding>, shown: Holding, doubt: &Doubt) -> Found {
    Found { key: key.clone(), change, before, shown, looks: doubt.looks, mass: doubt.mass }
}
