//! Comparison: a pure function of (snapshot with its doubts, observation, now), design 3.
//!
//! One pass over the pairs (`pairs.rs`) moves each doubt by one look (`looks.rs`); what became tellable or established is
//! then told certificate by certificate (`events.rs`), gains before losses, so that a certificate established at this very
//! look already covers what goes at it. Before an answer is compared with what an older version of the reading established,
//! that is read again by today's rules (`second_reading.rs`).

mod looks;
mod pairs;
mod second_reading;
mod events;

pub(super) use events::place;
pub use looks::{LOOKS_NEEDED, LOOKS_NEEDED_EMPTY, LOOKS_NEEDED_MASS, Look, Upstream};
pub use second_reading::reread;

use std::collections::BTreeMap;

use super::event::Event;
use super::holding::{Holding, HoldingKey};
use super::snapshot::Snapshot;

/// A complete observation of one company, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// Its holdings.
    Holdings(BTreeMap<HoldingKey, Holding>),
    /// Upstream says that there is nothing.
    Nothing,
}

/// What a comparison found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// The snapshot as it is now.
    pub after: Snapshot,
    /// What is worth telling readers.
    pub events: Vec<Event>,
}

/// Compares what was seen with what is established.
///
/// The first observation with holdings is the baseline: established as it is, told once as `watching`. An empty answer is
/// never a baseline.
#[must_use]
pub fn compare(before: &Snapshot, seen: &Seen, look: &Look<'_>) -> Comparison {
    let mut after = before.clone();
    let nothing = BTreeMap::new();
    // An empty answer by itself needs a third look.
    let (shown, looks_needed) = match seen {
        Seen::Holdings(holdings) => (holdings, LOOKS_NEEDED),
        Seen::Nothing => (&nothing, LOOKS_NEEDED_EMPTY),
    };
    if after.baseline_at.is_none() {
        if shown.is_empty() {
            return Comparison { after, events: Vec::new() };
        }
        let event = events::baseline(&mut after, shown, look);
        return Comparison { after, events: vec![event] };
    }
    looks::clamp_to(&mut after, look.now);
    let outcome = pairs::walk(&mut after, shown, looks_needed, look);
    let events = events::tell(before, &mut after, outcome, look);
    Comparison { after, events }
}

#[cfg(test)]
mod tests;
