//! What differs: which pairs, whether two looks saw the same of one field, and what it is told as.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::event::Change;
use crate::domain::holding::{Holding, HoldingKey};
use crate::domain::qualification::{GradeChange, grade_change};
use crate::domain::snapshot::{Difference, Held, Snapshot};

/// With a new issue date it was renewed; with the old one its validity was extended, as by decree (统一延期).
pub(super) fn later_kind(before: &Holding, shown: &Holding) -> Change {
    match (before.issued, shown.issued) {
        (old, Some(new)) if old != Some(new) => Change::Renewed,
        _ => Change::ValidityExtended,
    }
}

/// Whether two differences of one field are the same: the same value, whatever else its item says.
pub(super) fn is_same(one: &Difference, other: &Difference) -> bool {
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

/// Whether a holding is shown as a difference of one of its fields says.
pub(super) fn is_shown_by(holding: &Holding, difference: &Difference) -> bool {
    match difference {
        Difference::Grade { shown, .. } => {
            grade_change(shown.qualification.grade.as_ref(), holding.qualification.grade.as_ref())
                == GradeChange::Same
        }
        Difference::End { shown, .. } => shown.end == holding.end,
        Difference::Issued { day, .. } => holding.issued == Some(*day),
        Difference::New(_) | Difference::Gone => false,
    }
}

/// The change a field's difference is told as (`None`: not told), whether it is a gain, and the holding it shows.
pub(super) fn describe(difference: &Difference, before: &Holding) -> (Option<Change>, bool, Option<Holding>) {
    match difference {
        Difference::Grade { change, .. } | Difference::End { change, .. } => {
            let is_untold = |shown: &Holding| before.last_day().is_none() || shown.is_exchange_of(before);
            if matches!(difference, Difference::End { shown, .. } if is_untold(shown)) {
                return (None, false, shown_by(difference));
            }
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

pub(super) fn shown_by(difference: &Difference) -> Option<Holding> {
    match difference {
        Difference::New(shown) | Difference::Grade { shown, .. } | Difference::End { shown, .. } => {
            Some(shown.clone())
        }
        Difference::Gone | Difference::Issued { .. } => None,
    }
}

/// The keys of all that is held, shown or in doubt. Where nothing is in doubt, what is held exactly as it is shown is left
/// out: there a look changes nothing.
pub(super) fn differing(after: &Snapshot, shown: &BTreeMap<HoldingKey, Holding>) -> BTreeSet<HoldingKey> {
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
