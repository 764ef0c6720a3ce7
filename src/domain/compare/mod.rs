//! Comparison: a pure function of (snapshot with its doubts, observation, now), design 3.
//!
//! One pass over the pairs (`pairs.rs`) moves each doubt by one look (`looks.rs`); what became tellable or established is
//! then told certificate by certificate (`tell.rs`), gains before losses, so that a certificate established at this very
//! look already covers what goes at it. Before an answer is compared with what an older version of the reading established,
//! that is read again by today's rules (`reread.rs`).

mod looks;
mod pairs;
mod reread;
mod tell;

pub use reread::reread;
pub(super) use tell::place;

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;

use super::event::{Event, News};
use super::holding::{Holding, HoldingKey, Past};
use super::keyword::Keyword;
use super::snapshot::Snapshot;

/// Agreeing looks that establish a difference (design 3).
pub const LOOKS_NEEDED: u32 = 2;
/// The same when one of the looks was an empty answer.
pub const LOOKS_NEEDED_EMPTY: u32 = 3;
/// The same for a loss of many companies at once.
pub const LOOKS_NEEDED_MASS: u32 = 4;

/// The company that is looked at, and when.
#[derive(Debug, Clone, Copy)]
pub struct Look<'a> {
    /// The company as it is asked for.
    pub company: &'a Keyword,
    /// What mails call it.
    pub name: &'a str,
    /// The instant of the observation.
    pub now: DateTime<Utc>,
    /// The calendar day of `now` in the configured zone.
    pub today: NaiveDate,
    /// Whether many companies lose something at once.
    pub upstream: Upstream,
    zone: Tz,
    /// The least distance of two looks that count.
    confirm_after: TimeDelta,
}

/// What is known of upstream beside this company.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upstream {
    /// Nothing that speaks against it.
    Trusted,
    /// Many companies have lost something at once, and it is not known yet whether they have (design 3, "Mass losses").
    InQuestion,
}

impl<'a> Look<'a> {
    /// A look at a company, by the clock and the rules of the file.
    #[must_use]
    pub fn new(
        (company, name): (&'a Keyword, &'a str),
        now: DateTime<Utc>,
        zone: Tz,
        confirm_after: TimeDelta,
        upstream: Upstream,
    ) -> Self {
        let today = now.with_timezone(&zone).date_naive();
        Self { company, name, now, today, upstream, zone, confirm_after }
    }

    /// What is history at this look.
    #[must_use]
    pub fn history(&self) -> Past {
        Past::on(self.today)
    }

    /// The calendar day of an instant in the configured zone.
    #[must_use]
    pub fn day_of(&self, instant: DateTime<Utc>) -> NaiveDate {
        instant.with_timezone(&self.zone).date_naive()
    }

    /// An event of this company, found at this look.
    pub(super) fn event(&self, news: News) -> Event {
        Event {
            company: Some(self.company.clone()),
            company_name: Some(self.name.to_owned()),
            last_verified_at: Some(self.now),
            ..Event::new(news, self.now, self.today)
        }
    }
}

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
    let (shown, empty) = match seen {
        Seen::Holdings(holdings) => (holdings, looks::Answer::Items),
        Seen::Nothing => (&nothing, looks::Answer::Nothing),
    };
    if after.baseline_at.is_none() {
        if shown.is_empty() {
            return Comparison { after, events: Vec::new() };
        }
        let event = tell::baseline(&mut after, shown, look);
        return Comparison { after, events: vec![event] };
    }
    looks::clamp_to(&mut after, look.now);
    let outcome = pairs::walk(&mut after, shown, empty, look);
    let events = tell::tell(before, &mut after, outcome, look);
    Comparison { after, events }
}

#[cfg(test)]
mod tests;
