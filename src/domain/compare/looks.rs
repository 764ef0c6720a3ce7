//! Looks: how one observation moves one doubt.

use chrono::{DateTime, TimeDelta, Utc};

use super::{LOOKS_NEEDED, LOOKS_NEEDED_EMPTY};
use crate::domain::snapshot::{Difference, Doubt, Snapshot};
use crate::domain::wall_clock::not_ahead;

/// Whether an observation had items: an empty one by itself needs a third look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Items,
    Nothing,
}

impl Answer {
    fn looks_needed(self) -> u32 {
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
pub(super) fn first_look(difference: Difference, now: DateTime<Utc>, answer: Answer) -> Doubt {
    Doubt {
        difference,
        first_seen_at: now,
        last_look_at: now,
        looks: 1,
        looks_needed: answer.looks_needed(),
        mass: false,
        told_as: None,
        counter_looks: 0,
        counter_looks_needed: LOOKS_NEEDED,
        retracted: false,
    }
}

/// The observation shows what the doubt is about.
pub(super) fn agree(
    doubt: &mut Doubt,
    now: DateTime<Utc>,
    confirm_after: TimeDelta,
    answer: Answer,
) -> Moved {
    doubt.looks_needed = doubt.looks_needed.max(answer.looks_needed());
    doubt.counter_looks = 0;
    doubt.counter_looks_needed = LOOKS_NEEDED;
    if doubt.looks == 0 {
        // The last observation disagreed: the count starts again.
        doubt.looks = 1;
        doubt.first_seen_at = now;
        doubt.last_look_at = now;
        doubt.looks_needed = answer.looks_needed().max(if doubt.mass { doubt.looks_needed } else { 0 });
    } else if now - doubt.last_look_at >= confirm_after {
        doubt.looks += 1;
        doubt.last_look_at = now;
    }
    if doubt.looks >= doubt.looks_needed { Moved::Established } else { Moved::Open }
}

/// The observation does not show the gain that was told.
pub(super) fn counter(
    doubt: &mut Doubt,
    now: DateTime<Utc>,
    confirm_after: TimeDelta,
    answer: Answer,
) -> Moved {
    doubt.looks = 0;
    doubt.counter_looks_needed = doubt.counter_looks_needed.max(answer.looks_needed());
    if doubt.counter_looks == 0 || now - doubt.last_look_at >= confirm_after {
        doubt.counter_looks += 1;
        doubt.last_look_at = now;
    }
    if doubt.counter_looks >= doubt.counter_looks_needed { Moved::TakenBack } else { Moved::Open }
}

/// Remembers that the gain was taken back: seen again, it is told only when established.
pub(super) fn take_back(doubt: &mut Doubt) {
    doubt.looks = 0;
    doubt.counter_looks = 0;
    doubt.counter_looks_needed = LOOKS_NEEDED;
    doubt.told_as = None;
    doubt.retracted = true;
}

/// Doubts of a clock that was ahead began now.
pub(super) fn clamp_to(snapshot: &mut Snapshot, now: DateTime<Utc>) {
    for doubt in snapshot.doubts.values_mut() {
        doubt.first_seen_at = not_ahead(doubt.first_seen_at, now);
        doubt.last_look_at = not_ahead(doubt.last_look_at, now);
    }
}
