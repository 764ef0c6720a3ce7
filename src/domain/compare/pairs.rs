//! The pass over the pairs (certificate number, qualification), field by field.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::Look;
use super::differences::{describe, differing, is_same, is_shown_by, later_kind, shown_by};
use super::looks::{self, Answer, Moved};
use super::overtaken;
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
    let keys = differing(after, shown);
    let mut pass = Pass { after, answer, look, outcome: Outcome::default() };
    for key in keys {
        match (pass.after.held.contains_key(&key), shown.get(&key)) {
            (true, Some(shown)) => pass.both(&key, shown),
            (true, None) => pass.gone(&key),
            (false, Some(shown)) => pass.appeared(&key, shown),
            (false, None) => {
                for field in FIELDS.into_iter().chain([Field::Presence]) {
                    pass.not_shown(&key, field);
                }
            }
        }
    }
    pass.mark_lone_reissues();
    pass.outcome
}

/// All that may be in doubt of what is held, but whether it is there at all.
const FIELDS: [Field; 3] = [Field::Grade, Field::End, Field::Issued];

struct Pass<'a, 'b> {
    after: &'a mut Snapshot,
    answer: Answer,
    look: &'a Look<'b>,
    outcome: Outcome,
}

impl Pass<'_, '_> {
    /// Shown, but not held.
    fn appeared(&mut self, key: &HoldingKey, shown: &Holding) {
        let slot = (key.clone(), Field::Presence);
        if shown.is_historical(self.look.today) {
            let was_told = |doubt: &Doubt| {
                let is_new = matches!(&doubt.difference, Difference::New(told) if !told.is_historical(self.look.today));
                is_new && doubt.told_as.is_some()
            };
            if self.after.doubts.get(&slot).is_some_and(was_told) {
                // What was told as new is not this: it ended long ago.
                return self.not_shown(key, Field::Presence);
            }
            // What ended long ago raises nothing, nor does its coming (design 3): nothing can rest on it either.
            self.after.doubts.remove(&slot);
            self.hold(key, shown.clone());
            return;
        }
        let Some(mut doubt) = self.after.doubts.remove(&slot) else {
            let doubt = looks::first_look(Difference::New(shown.clone()), self.look.now, self.answer);
            self.outcome.appeared.push(found(key, Change::CertificateAdded, None, shown.clone(), &doubt));
            self.after.doubts.insert(slot, doubt);
            return;
        };
        if !doubt.was_shown_last() && doubt.told_as.is_none() {
            // Seen anew, long after it was taken back perhaps: what it says now is what will be told and judged.
            doubt.difference = Difference::New(shown.clone());
        }
        let moved = looks::agree(&mut doubt, self.look.now, self.look.confirm_after, self.answer);
        let Difference::New(first_shown) = doubt.difference.clone() else {
            return;
        };
        if moved != Moved::Established {
            self.after.doubts.insert(slot, doubt);
            // These looks count, too, when it is held.
            self.fields(key, &first_shown, shown, false);
            return;
        }
        self.hold(key, first_shown.clone());
        if doubt.told_as.is_none() {
            self.outcome.appeared.push(found(key, Change::CertificateAdded, None, first_shown, &doubt));
        }
        // Established as it was first shown; what differs by now is a difference of its own.
        self.both(key, shown);
    }

    /// Held, but not shown.
    fn gone(&mut self, key: &HoldingKey) {
        for field in FIELDS {
            self.not_shown(key, field);
        }
        let slot = (key.clone(), Field::Presence);
        let Some(held) = self.after.held.get_mut(key) else {
            return;
        };
        let is_historical = held.holding.is_historical(self.look.today);
        let mut doubt = match self.after.doubts.remove(&slot).filter(|_| !is_historical) {
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
        let was_unlisted = held.unlisted_since.take().is_some();
        let before = held.holding.clone();
        held.holding.organ.clone_from(&shown.organ);
        held.holding.kind.clone_from(&shown.kind);
        held.holding.business_id.clone_from(&shown.business_id);
        if before.is_historical(today) && (shown.last_day().is_none() || shown.is_historical(today)) {
            if shown.last_day().is_some() {
                held.holding = shown.clone();
                // Taken as it is shown: what was told of it, and is shown, is so.
                self.after
                    .doubts
                    .retain(|(of, _), doubt| of != key || !is_shown_by(shown, &doubt.difference));
            }
            for field in FIELDS {
                self.not_shown(key, field);
            }
            return;
        }
        self.fields(key, &before, shown, was_unlisted);
    }

    fn fields(&mut self, key: &HoldingKey, before: &Holding, shown: &Holding, was_unlisted: bool) {
        self.grade(key, before, shown);
        if self.end(key, before, shown, was_unlisted) == EndIs::TheSame {
            self.issued(key, before, shown);
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
            // 换领 is neither a rise nor a renewal.
            GradeChange::Raised if shown.is_exchange_of(before) => Change::GradeReworded,
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

    fn end(&mut self, key: &HoldingKey, before: &Holding, shown: &Holding, was_unlisted: bool) -> EndIs {
        let change = match (&before.end, &shown.end) {
            (End::Day(old), End::Day(new)) if new == old => {
                self.not_shown(key, Field::End);
                return EndIs::TheSame;
            }
            // Of two ends with no word neither replaces one that was clear (design 3).
            (End::Day(_), End::Day(_)) if shown.states_two_ends() && !before.states_two_ends() => {
                self.not_shown(key, Field::End);
                return EndIs::Unreadable;
            }
            // What had gone at its end and is back with a later one was renewed (design 3, "Ends").
            (End::Day(old), End::Day(new)) if new > old && was_unlisted => Change::Renewed,
            (End::Day(old), End::Day(new)) if new > old => later_kind(before, shown),
            (End::Day(_), End::Day(_)) => Change::ValidityShortened,
            (End::Day(_), _) => {
                // An end that cannot be read never replaces one that could (design 3).
                self.not_shown(key, Field::End);
                return EndIs::Unreadable;
            }
            // An end that can be read where there was none needs a second look, too; it is judged meanwhile, and its
            // thresholds are what is told of it.
            (_, End::Day(_)) => later_kind(before, shown),
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
        match shown.issued {
            Some(day) if before.issued != Some(day) => {
                let difference = Difference::Issued { day, alone: before.issued.is_some() };
                if self.differs(key, Field::Issued, difference, before) == Moved::Established
                    && let Some(held) = self.after.held.get_mut(key)
                {
                    held.holding.issued = Some(day);
                }
            }
            _ => self.not_shown(key, Field::Issued),
        }
    }

    /// A field differs: a first look, or one more. Of what is not held yet nothing is told and nothing is established.
    fn differs(&mut self, key: &HoldingKey, field: Field, difference: Difference, before: &Holding) -> Moved {
        let (same, later_end_since) = self.take_doubt_of(key, field, &difference);
        let is_gain = |difference: &Difference| describe(difference, before).1;
        let (mut doubt, moved) = match same {
            Some(mut doubt) if is_gain(&doubt.difference) == is_gain(&difference) => {
                let moved = looks::agree(&mut doubt, self.look.now, self.look.confirm_after, self.answer);
                (doubt, moved)
            }
            // What was a gain over what was held then may be a loss by now, which is another difference, and a gain again later.
            other => {
                let mut first = looks::first_look(difference, self.look.now, self.answer);
                first.retracted = other.is_some_and(|doubt| doubt.retracted);
                (first, Moved::Open)
            }
        };
        if let Some(since) = later_end_since.filter(|_| doubt.later_end().is_some()) {
            // Ever other later ends must not put off the thresholds of the earlier one for ever.
            doubt.first_seen_at = since;
        }
        let (change, is_gain, shown) = describe(&doubt.difference, before);
        let is_held = self.after.held.contains_key(key);
        let is_tellable = moved == Moved::Established || (is_gain && !doubt.retracted);
        let tell_now = is_held && is_tellable && doubt.told_as.is_none();
        let moved = if is_held { moved } else { Moved::Open };
        if let (true, Some(change), Some(shown)) = (tell_now, change, shown) {
            self.outcome.changed.push(found(key, change, Some(before.clone()), shown, &doubt));
            doubt.told_as = is_gain.then_some(change);
        }
        if moved != Moved::Established {
            self.after.doubts.insert((key.clone(), field), doubt);
        }
        moved
    }

    /// Takes out the doubt that is about `difference`, if there is one. What was told of this field and is another
    /// difference has been overtaken: it is kept aside until looks that no longer show it take it back, and after that, for
    /// what was taken back is not told again at a first look. Gives, too, since when the observations have shown later ends,
    /// whichever.
    fn take_doubt_of(
        &mut self,
        key: &HoldingKey,
        field: Field,
        difference: &Difference,
    ) -> (Option<Doubt>, Option<DateTime<Utc>>) {
        let is_it = |doubt: &Doubt| is_same(&doubt.difference, difference);
        let current = self.after.doubts.remove(&(key.clone(), field));
        let later_end_since = current
            .as_ref()
            .filter(|doubt| doubt.was_shown_last() && doubt.later_end().is_some())
            .map(|doubt| doubt.first_seen_at);
        let mut known = overtaken::take(self.after, key, field);
        known.extend(
            current.into_iter().filter(|doubt| doubt.told_as.is_some() || doubt.retracted || is_it(doubt)),
        );
        let same = known.iter().position(is_it).map(|at| known.remove(at));
        overtaken::put_aside(self.after, key, field, known);
        // None of what lies aside is what is shown.
        self.not_shown(key, field);
        (same, later_end_since)
    }

    /// The observation does not show what a doubt of this field is about.
    fn not_shown(&mut self, key: &HoldingKey, field: Field) {
        for overtaken in overtaken::places(self.after, key, field) {
            self.not_shown(key, overtaken);
        }
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
        self.after.gone.remove(key);
        self.after.held.insert(key.clone(), held);
    }
}

#[derive(PartialEq, Eq)]
enum EndIs {
    TheSame,
    Another,
    Unreadable,
}

fn found(key: &HoldingKey, change: Change, before: Option<Holding>, shown: Holding, doubt: &Doubt) -> Found {
    Found { key: key.clone(), change, before, shown, looks: doubt.looks, mass: doubt.mass }
}
