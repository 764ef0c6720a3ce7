//! Looks: how one observation moves one doubt.

use chrono::{DateTime, TimeDelta, Utc};

use super::{LOOKS_NEEDED, LOOKS_NEEDED_EMPTY};
use crate::domain::field::Difference;
use crate::domain::snapshot::{Doubt, Snapshot};
use crate::domain::wall_clock::not_ahead;

/// What one observation counts for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counting {
    pub now: DateTime<Utc>,
    /// The least distance of two looks that count.
    pub confirm_after: TimeDelta,
    /// How many looks establish a difference of which this is one.
    pub looks_needed: u32,
}

impl Counting {
    fn is_far_enough(self, last_look_at: DateTime<Utc>) -> bool {
        self.now - last_look_at >= self.confirm_after
    }
}

/// Whether an observation had items: an empty one by itself needs a third look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Items,
    Nothing,
}

impl Answer {
    pub(super) fn looks_needed(self) -> u32 {
        match self {
            Self::Items => LOOKS_NEEDED,
            Self::Nothing => LOOKS_NEEDED_EMPTY,
        }
    }
}

/// What a look made of a doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moved {
    /// Still in doubt.
    Open,
    /// Enough looks agree.
    Established,
    /// What was told is no longer shown, for the last time needed.
    TakenBack,
}

/// A difference seen for the first time.
pub(super) fn first_look(difference: Difference, at: Counting) -> Doubt {
    Doubt {
        difference,
        first_seen_at: at.now,
        last_look_at: at.now,
        looks: 1,
        looks_needed: at.looks_needed,
        mass: false,
        told_as: None,
        told_at: None,
        counter_looks: 0,
        counter_looks_needed: LOOKS_NEEDED,
        retracted: false,
    }
}

/// The observation shows what the doubt is about.
pub(super) fn agree(doubt: &mut Doubt, at: Counting) -> Moved {
    doubt.looks_needed = doubt.looks_needed.max(at.looks_needed);
    doubt.counter_looks = 0;
    doubt.counter_looks_needed = LOOKS_NEEDED;
    if doubt.looks == 0 {
        // The last observation disagreed: the count starts again.
        doubt.looks = 1;
        doubt.first_seen_at = at.now;
        doubt.last_look_at = at.now;
        doubt.looks_needed = at.looks_needed.max(if doubt.mass { doubt.looks_needed } else { 0 });
    } else if at.is_far_enough(doubt.last_look_at) {
        doubt.looks += 1;
        doubt.last_look_at = at.now;
    }
    if doubt.looks >= doubt.looks_needed { Moved::Established } else { Moved::Open }
}

/// The observation does not show the gain that was told.
pub(super) fn counter(doubt: &mut Doubt, at: Counting) -> Moved {
    doubt.looks = 0;
    doubt.counter_looks_needed = doubt.counter_looks_needed.max(at.looks_needed);
    if doubt.counter_looks == 0 || at.is_far_enough(doubt.last_look_at) {
        doubt.counter_looks += 1;
        doubt.last_look_at = at.now;
    }
    if doubt.counter_looks >= doubt.counter_looks_needed { Moved::TakenBack } else { Moved::Open }
}

/// Remembers that the gain was taken back: seen again, it is told only when established.
pub(super) fn take_back(doubt: &mut Doubt) {
    doubt.looks = 0;
    doubt.counter_looks = 0;
    doubt.counter_looks_needed = LOOKS_NEEDED;
    doubt.told_as = None;
    doubt.told_at = None;
    doubt.retracted = true;
}

/// Remembers what went without a word, because something that is held covers it: should that go, too, both are told.
pub(super) fn unsaid(looks: u32, mass: bool, now: DateTime<Utc>) -> Doubt {
    let at = Counting { now, confirm_after: TimeDelta::zero(), looks_needed: looks };
    Doubt { looks: 0, mass, ..first_look(Difference::Gone, at) }
}

/// Doubts of a clock that was ahead began now.
pub(super) fn clamp_to(snapshot: &mut Snapshot, now: DateTime<Utc>) {
    for doubt in snapshot.doubts.values_mut() {
        doubt.first_seen_at = not_ahead(doubt.first_seen_at, now);
        doubt.last_look_at = not_ahead(doubt.last_look_at, now);
        doubt.told_at = doubt.told_at.map(|at| not_ahead(at, now));
    }
}
