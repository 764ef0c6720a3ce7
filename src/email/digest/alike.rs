//! What one headline says of many: ends that moved alike.

use chrono::NaiveDate;

use crate::domain::event::{Change, Event, EventKind};

/// What shares a headline: ends that moved alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::email) struct Alike {
    kind: Change,
    old_end: NaiveDate,
    new_end: NaiveDate,
}

impl Alike {
    /// Only good news: what a decree moves for a hundred thousand companies is said by its headline, and a list of them all
    /// would be hundreds of mails. Whatever else happened is named, however much it is.
    pub(in crate::email) fn of(event: &Event) -> Option<Self> {
        let EventKind::Change(kind @ (Change::Renewed | Change::ValidityExtended)) = event.kind else {
            return None;
        };
        let end = |text: &Option<String>| text.as_deref()?.parse().ok();
        Some(Self { kind, old_end: end(&event.old)?, new_end: end(&event.new)? })
    }
}

/// Events that are like some that are listed, and are counted only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::email) struct Unlisted {
    pub(in crate::email) alike: Alike,
    pub(in crate::email) certificates: usize,
    /// Those of which nothing is listed.
    pub(in crate::email) companies: usize,
}
