//! What one headline says of many: ends that moved alike, as a decree moves them (统一延期).

use chrono::{Datelike as _, Days, NaiveDate};

use crate::domain::event::{Change, Event, EventKind};
use crate::email::words::headlines::How;

/// What ends have in common that moved alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::email) struct Alike {
    kind: Change,
    pub(in crate::email) how: How,
}

impl Alike {
    /// Only good news: what a decree moves for a hundred thousand companies is said by its headline, and a list of them all
    /// would be hundreds of mails. Whatever else happened is named, however much it is.
    pub(in crate::email) fn of(event: &Event) -> Option<Self> {
        let EventKind::Change(kind @ (Change::Renewed | Change::ValidityExtended)) = event.kind() else {
            return None;
        };
        let ends = event.ends()?;
        let how = months_between(ends.old, ends.new).map_or(How::To(ends.new), How::ByMonths);
        Some(Self { kind, how })
    }
}

fn months_between(old_end: NaiveDate, new_end: NaiveDate) -> Option<u32> {
    let is_last_of_month =
        |day: NaiveDate| day.checked_add_days(Days::new(1)).is_some_and(|next| next.month() != day.month());
    let is_same_day =
        old_end.day() == new_end.day() || is_last_of_month(old_end) && is_last_of_month(new_end);
    let months = |day: NaiveDate| i64::from(day.year()) * 12 + i64::from(day.month());
    u32::try_from(months(new_end) - months(old_end)).ok().filter(|_| is_same_day)
}

/// Events that are like some that are listed, and are counted only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::email) struct Unlisted {
    pub(in crate::email) alike: Alike,
    pub(in crate::email) certificates: usize,
    /// Those of which only a part changed.
    pub(in crate::email) parts: usize,
    /// Those of which no certificate like these is listed.
    pub(in crate::email) companies: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_moves_by_months_or_to_a_day() {
        for (old, new, months) in [
            ("2026-03-15", "2027-03-15", Some(12)),
            ("2026-02-28", "2026-12-31", Some(10)),
            ("2024-02-29", "2025-02-28", Some(12)),
            ("2026-03-15", "2026-12-31", None),
            ("2027-03-15", "2026-03-15", None),
        ] {
            let day = |text: &str| text.parse().unwrap();
            assert_eq!(months_between(day(old), day(new)), months, "{old} to {new}");
        }
    }
}
