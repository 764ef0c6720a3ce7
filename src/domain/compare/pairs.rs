//! The pass over the pairs (certificate number, qualification), field by field.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::looks::{self, LOOKS_NEEDED_MASS, Look, Moved, Upstream};
use crate::domain::event::Change;
use crate::domain::field::{Difference, Field, Was};
use crate::domain::holding::{Holding, HoldingKey};
use crate::domain::number::CertificateNumber;
use crate::domain::snapshot::{Doubt, Held, Snapshot};

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
    /// When it was told, of what is taken back.
    pub told_at: Option<DateTime<Utc>>,
}

/// What the pass leaves to be told.
#[derive(Debug, Default)]
pub(super) struct ToTell {
    /// Holdings that appear and were not told yet.
    pub appeared: Vec<Found>,
    /// Grades, ends and issue dates to be told now.
    pub changed: Vec<Found>,
    /// Holdings established gone.
    pub lost: Vec<Found>,
    /// Gains to be taken back; `change` is what had been told.
    pub taken_back: Vec<Found>,
}

/// Walks all pairs, moves every doubt by this look and establishes what is due. `looks_needed` is how many looks establish a
/// difference of which this is one.
pub(super) fn walk(
    after: &mut Snapshot,
    shown: &BTreeMap<HoldingKey, Holding>,
    looks_needed: u32,
    look: &Look<'_>,
) -> ToTell {
    let keys = differing(after, shown);
    let gains = Gains::beside_what_goes(after, shown, look);
    let mut pass = Pass { after, looks_needed, gains, look, outcome: ToTell::default() };
    for key in keys {
        match (pass.after.held.contains_key(&key), shown.get(&key)) {
            (true, Some(shown)) => pass.both(&key, shown),
            (true, None) => pass.gone(&key),
            (false, Some(shown)) => pass.appeared(&key, shown),
            (false, None) => {
                for field in Field::values().chain([Field::Presence]) {
                    pass.not_shown(&key, field);
                }
            }
        }
    }
    pass.mark_lone_reissues();
    pass.outcome
}

/// The keys of all that is held, shown or in doubt. Where nothing is in doubt, what is held exactly as it is shown is left
/// out: there a look changes nothing.
fn differing(after: &Snapshot, shown: &BTreeMap<HoldingKey, Holding>) -> BTreeSet<HoldingKey> {
    let is_settled = |key: &HoldingKey| {
        let both = after.held.get(key).zip(shown.get(key));
        after.doubts.is_empty() && both.is_some_and(|(held, shown)| is_held_as_shown(held, shown))
    };
    let of_holdings = after.held.keys().chain(shown.keys()).filter(|key| !is_settled(key));
    of_holdings.chain(after.doubts.keys().map(|(key, _)| key)).cloned().collect()
}

fn is_held_as_shown(held: &Held, shown: &Holding) -> bool {
    // Two numbers are equal when their keys are; their texts may differ.
    let is_same_text = held.holding.number.text() == shown.number.text();
    held.unlisted_since.is_none() && is_same_text && held.holding == *shown
}

/// What gains seen for the first time are worth at this look (design 3, "Gains").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gains {
    /// They are told at their first look.
    AtOnce,
    /// Something goes at the same look, or many companies lose something: a rewritten name looks like a gain and a loss.
    WhenEstablished,
    /// What goes is part of a mass loss: they wait as long as that.
    WithTheMass,
}

impl Gains {
    fn beside_what_goes(after: &Snapshot, shown: &BTreeMap<HoldingKey, Holding>, look: &Look<'_>) -> Self {
        let doubts = || {
            let of_presence = after.doubts.iter().filter(|((_, field), _)| *field == Field::Presence);
            of_presence.filter(|((key, _), _)| !shown.contains_key(key)).map(|(_, doubt)| doubt)
        };
        if doubts().any(|doubt| doubt.mass && doubt.is_open() && doubt.difference == Difference::Gone) {
            return Self::WithTheMass;
        }
        let is_doubted = |key: &HoldingKey| after.doubts.contains_key(&(key.clone(), Field::Presence));
        let goes = |(key, held): (&HoldingKey, &Held)| {
            !shown.contains_key(key) && !is_doubted(key) && !held.holding.has_reached_its_end(look.today)
        };
        let is_told = |doubt: &Doubt| doubt.told_as.is_some() && doubt.was_shown_last();
        let something_goes = after.held.iter().any(goes) || doubts().any(is_told);
        if something_goes || look.upstream == Upstream::InQuestion {
            Self::WhenEstablished
        } else {
            Self::AtOnce
        }
    }
}

struct Pass<'a, 'b> {
    after: &'a mut Snapshot,
    looks_needed: u32,
    gains: Gains,
    look: &'a Look<'b>,
    outcome: ToTell,
}

impl Pass<'_, '_> {
    /// How many looks establish a gain.
    fn looks_needed_of_gains(&self) -> u32 {
        match self.gains {
            Gains::AtOnce | Gains::WhenEstablished => self.looks_needed,
            Gains::WithTheMass => LOOKS_NEEDED_MASS,
        }
    }

    /// Shown, but not held.
    fn appeared(&mut self, key: &HoldingKey, shown: &Holding) {
        let slot = (key.clone(), Field::Presence);
        let today = self.look.today;
        let is_new = |doubt: &Doubt| matches!(doubt.difference, Difference::New(_));
        if shown.is_historical(today) {
            let was_told = |doubt: &Doubt| {
                let is_another = doubt.difference.shown().is_some_and(|told| !told.is_historical(today));
                is_new(doubt) && is_another && doubt.told_as.is_some()
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
            let difference = Difference::New(shown.clone());
            let doubt = looks::first_look(difference, self.look, self.looks_needed_of_gains());
            if self.gains == Gains::AtOnce && !self.was_taken_back(&key.number) {
                self.outcome.appeared.push(found(key, Change::CertificateAdded, None, shown.clone(), &doubt));
                self.after.doubts.remove(&(key.clone(), Field::Unsaid));
            }
            self.after.doubts.insert(slot, doubt);
            return;
        };
        if !doubt.was_shown_last() && doubt.told_as.is_none() {
            // Seen anew, long after it was taken back perhaps: what it says now is what will be told and judged.
            doubt.difference = Difference::New(shown.clone());
        }
        let moved = looks::agree(&mut doubt, self.look, self.looks_needed_of_gains());
        let Difference::New(first_shown) = doubt.difference.clone() else {
            return;
        };
        if moved != Moved::Established {
            self.after.doubts.insert(slot, doubt);
            // These looks count, too, when it is held.
            self.fields(key, &first_shown, shown, Was::Listed);
            return;
        }
        self.hold(key, first_shown.clone());
        // What was told, and doubted while a sister of it was taken back, is told once more: now it is certain.
        if doubt.told_as.is_none() || doubt.retracted {
            self.outcome.appeared.push(found(key, Change::CertificateAdded, None, first_shown, &doubt));
        }
        // Established as it was first shown; what differs by now is a difference of its own.
        self.both(key, shown);
    }

    /// Whether the certificate as a whole was told and taken back: whatever of it comes next is told when established.
    fn was_taken_back(&self, number: &CertificateNumber) -> bool {
        let of_certificate = self
            .after
            .doubts
            .iter()
            .filter(|((key, field), _)| *field == Field::Presence && key.number == *number);
        let stands = |doubt: &Doubt| doubt.told_as.is_some();
        let (mut stand, mut taken_back) = (self.after.certificate(number).next().is_some(), false);
        for (_, doubt) in of_certificate {
            stand |= stands(doubt);
            taken_back |= doubt.was_taken_back();
        }
        taken_back && !stand
    }

    /// Held, but not shown.
    fn gone(&mut self, key: &HoldingKey) {
        for field in Field::values() {
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
                let doubt = looks::first_look(Difference::Gone, self.look, self.looks_needed);
                self.after.doubts.insert(slot, doubt);
                return;
            }
        };
        let moved = looks::agree(&mut doubt, self.look, self.looks_needed);
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
        let was = if held.unlisted_since.take().is_some() { Was::Unlisted } else { Was::Listed };
        let before = held.holding.clone();
        held.holding.organ.clone_from(&shown.organ);
        held.holding.kind.clone_from(&shown.kind);
        held.holding.business_id.clone_from(&shown.business_id);
        held.holding.place = shown.place;
        if before.is_historical(today) && (shown.last_day().is_none() || shown.is_historical(today)) {
            if shown.last_day().is_some() {
                held.holding = shown.clone();
                // Taken as it is shown: what was told of it, and is shown, is so.
                self.after.doubts.retain(|(of, _), doubt| of != key || !doubt.difference.is_stated_by(shown));
            }
            for field in Field::values() {
                self.not_shown(key, field);
            }
            return;
        }
        self.fields(key, &before, shown, was);
    }

    fn fields(&mut self, key: &HoldingKey, before: &Holding, shown: &Holding, was: Was) {
        for field in Field::values() {
            match field.difference(before, shown, was) {
                None => {
                    self.not_shown(key, field);
                    if let Some(held) = self.after.held.get_mut(key) {
                        field.refresh(&mut held.holding, shown);
                    }
                }
                Some(difference) => {
                    if self.differs(key, field, difference, before) == Moved::Established
                        && let Some(held) = self.after.held.get_mut(key)
                    {
                        field.take(&mut held.holding, shown);
                    }
                }
            }
        }
    }

    /// A field differs: a first look, or one more. Of what is not held yet nothing is told and nothing is established.
    fn differs(&mut self, key: &HoldingKey, field: Field, difference: Difference, before: &Holding) -> Moved {
        let (same, later_end_since) = self.take_doubt_of(key, field, &difference);
        let is_gain = difference.is_gain(before);
        let looks_needed = if is_gain { self.looks_needed_of_gains() } else { self.looks_needed };
        let (mut doubt, moved, tells_at_once) = match same {
            Some(mut doubt) if doubt.difference.means_the_same(&difference, before) => {
                // Taken back perhaps, and seen anew over what is known by now: what it says now is what will be told.
                let is_seen_anew = !doubt.was_shown_last();
                let moved = looks::agree(&mut doubt, self.look, looks_needed);
                // An end may come a day before its issue date does, and is renewed then, not extended; a grade before its end.
                let says_more = matches!(
                    difference,
                    Difference::End { change: Change::Renewed, .. } | Difference::Grade { .. }
                );
                if (says_more || is_seen_anew) && doubt.told_as.is_none() {
                    doubt.difference = difference;
                }
                (doubt, moved, false)
            }
            // What means something else by now is another difference, and may mean the former again later.
            other => {
                let mut first = looks::first_look(difference, self.look, looks_needed);
                if let Some(other) = other {
                    // Told is told: an end that was told as renewed, and is seen as that of a 换领, too.
                    (first.told_as, first.told_at) = (other.told_as, other.told_at);
                    first.retracted = other.retracted;
                }
                let waits = first.retracted || self.gains != Gains::AtOnce || self.is_in_question(key, field);
                (first, Moved::Open, is_gain && !waits)
            }
        };
        if let Some(since) = later_end_since.filter(|_| doubt.later_end().is_some()) {
            // Ever other later ends must not put off the thresholds of the earlier one for ever.
            doubt.first_seen_at = since;
        }
        let is_held = self.after.held.contains_key(key);
        let is_tellable = moved == Moved::Established || tells_at_once;
        let moved = if is_held { moved } else { Moved::Open };
        if is_held
            && is_tellable
            && doubt.told_as.is_none()
            && let Some(change) = doubt.difference.told_as(before)
        {
            let shown = doubt.difference.over(before);
            self.outcome.changed.push(found(key, change, Some(before.clone()), shown, &doubt));
            doubt.told_as = is_gain.then_some(change);
            doubt.told_at = is_gain.then_some(self.look.now);
        }
        if moved == Moved::Established {
            self.take_back_overtaken(key, field);
        } else {
            self.after.doubts.insert((key.clone(), field), doubt);
        }
        moved
    }

    /// Another value is established: what was told and is in doubt is not so, however many looks it would take otherwise.
    fn take_back_overtaken(&mut self, key: &HoldingKey, field: Field) {
        let Some(place) = field.overtaken() else { return };
        if let Some(doubt) = self.after.doubts.remove(&(key.clone(), place)) {
            self.take_back(key, place, doubt);
        }
    }

    /// Tells that what was told is taken back, and remembers it.
    fn take_back(&mut self, key: &HoldingKey, field: Field, mut doubt: Doubt) {
        if let (Some(told_as), Some(shown)) = (doubt.told_as, doubt.difference.shown()) {
            let before = self.after.held.get(key).map(|held| held.holding.clone());
            self.outcome.taken_back.push(found(key, told_as, before, shown.clone(), &doubt));
        }
        looks::take_back(&mut doubt);
        self.after.doubts.insert((key.clone(), field), doubt);
    }

    /// Whether a gain of this field waits until it is established: another one was told at its first look and is in doubt, or
    /// was taken back. An end is the whole certificate's.
    fn is_in_question(&self, key: &HoldingKey, field: Field) -> bool {
        let is_place = |place: Field| place == field || field.overtaken() == Some(place);
        // Of a sister that counts from the next look on, whichever of the two is compared first.
        let is_taken_back_now =
            |of: &HoldingKey| of != key && self.outcome.taken_back.iter().any(|found| found.key == *of);
        self.after.doubts.iter().any(|((of, place), doubt)| match field {
            _ if !is_place(*place) => false,
            Field::End if of.number == key.number && doubt.was_taken_back() && !is_taken_back_now(of) => true,
            _ => of == key && (doubt.told_as.is_some() || doubt.was_taken_back()),
        })
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
        let is_it = |doubt: &Doubt| doubt.difference.is_same(difference);
        let current = self.after.doubts.remove(&(key.clone(), field));
        let later_end_since = current
            .as_ref()
            .filter(|doubt| doubt.was_shown_last() && doubt.later_end().is_some())
            .map(|doubt| doubt.first_seen_at);
        let place = field.overtaken().map(|place| (key.clone(), place));
        let aside = place.as_ref().and_then(|place| self.after.doubts.remove(place));
        let (same, others): (Vec<_>, Vec<_>) = aside.into_iter().chain(current).partition(is_it);
        let kept = others.into_iter().filter(|doubt| doubt.told_as.is_some() || doubt.retracted);
        // At most one is told at a time, and whichever it is: once one was taken back, all wait.
        if let Some((place, kept)) = place.zip(kept.max_by_key(|doubt| doubt.told_as.is_some())) {
            self.after.doubts.insert(place.clone(), kept);
            self.not_shown(key, place.1);
        }
        (same.into_iter().next_back(), later_end_since)
    }

    /// The observation does not show what a doubt of this field is about.
    fn not_shown(&mut self, key: &HoldingKey, field: Field) {
        if let Some(place) = field.overtaken() {
            self.not_shown(key, place);
        }
        let slot = (key.clone(), field);
        let Some(mut doubt) = self.after.doubts.remove(&slot) else {
            return;
        };
        let is_told = doubt.told_as.is_some();
        if is_told && looks::counter(&mut doubt, self.look, self.looks_needed) == Moved::Open {
            self.after.doubts.insert(slot, doubt);
        } else if is_told || doubt.retracted {
            self.take_back(key, field, doubt);
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
        self.after.doubts.remove(&(key.clone(), Field::Unsaid));
        self.after.held.insert(key.clone(), held);
    }
}

fn found(key: &HoldingKey, change: Change, before: Option<Holding>, shown: Holding, doubt: &Doubt) -> Found {
    let Doubt { looks, mass, told_at, .. } = *doubt;
    Found { key: key.clone(), change, before, shown, looks, mass, told_at }
}
