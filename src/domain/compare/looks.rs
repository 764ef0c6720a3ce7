//! Looks: what a look is, how many are needed, and how one moves one doubt.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::domain::event::{Event, News};
use crate::domain::field::Difference;
use crate::domain::keyword::Keyword;
use crate::domain::snapshot::{Doubt, Snapshot};
use crate::domain::wall_clock::not_ahead;

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

    /// The calendar day of an instant in the configured zone.
    #[must_use]
    pub fn day_of(&self, instant: DateTime<Utc>) -> NaiveDate {
        instant.with_timezone(&self.zone).date_naive()
    }

    fn is_far_enough(&self, last_look_at: DateTime<Utc>) -> bool {
        self.now - last_look_at >= self.confirm_after
    }

    /// An event of this company, found at this look.
    pub(in crate::domain) fn event(&self, news: News) -> Event {
        Event {
            company: Some(self.company.clone()),
            company_name: Some(self.name.to_owned()),
            last_verified_at: Some(self.now),
            ..Event::new(news, self.now, self.today)
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

/// A difference seen for the first time, which so many looks establish.
pub(super) fn first_look(difference: Difference, look: &Look<'_>, looks_needed: u32) -> Doubt {
    Doubt {
        difference,
        first_seen_at: look.now,
        last_look_at: look.now,
        looks: 1,
        looks_needed,
        mass: false,
        told_as: None,
        told_at: None,
        counter_looks: 0,
        counter_looks_needed: LOOKS_NEEDED,
        retracted: false,
    }
}

/// The observation shows what the doubt is about.
pub(super) fn agree(doubt: &mut Doubt, look: &Look<'_>, looks_needed: u32) -> Moved {
    doubt.looks_needed = doubt.looks_needed.max(looks_needed);
    doubt.counter_looks = 0;
    doubt.counter_looks_needed = LOOKS_NEEDED;
    if doubt.looks == 0 {
        // The last observation disagreed: the count starts again.
        doubt.looks = 1;
        doubt.first_seen_at = look.now;
        doubt.last_look_at = look.now;
        doubt.looks_needed = looks_needed.max(if doubt.mass { doubt.looks_needed } else { 0 });
    } else if look.is_far_enough(doubt.last_look_at) {
        doubt.looks += 1;
        doubt.last_look_at = look.now;
    }
    if doubt.looks >= doubt.looks_needed { Moved::Established } else { Moved::Open }
}

/// The observation does not show the gain that was told.
pub(super) fn counter(doubt: &mut Doubt, look: &Look<'_>, looks_needed: u32) -> Moved {
    doubt.looks = 0;
    doubt.counter_looks_needed = doubt.counter_looks_needed.max(looks_needed);
    if doubt.counter_looks == 0 || look.is_far_enough(doubt.last_look_at) {
        doubt.counter_looks += 1;
        doubt.last_look_at = look.now;
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
pub(super) fn unsaid(looks: u32, mass: bool, look: &Look<'_>) -> Doubt {
    Doubt { looks: 0, mass, ..first_look(Difference::Gone, look, looks) }
}

/// Doubts of a clock that was ahead began now.
pub(super) fn clamp_to(snapshot: &mut Snapshot, now: DateTime<Utc>) {
    for doubt in snapshot.doubts.values_mut() {
        doubt.first_seen_at = not_ahead(doubt.first_seen_at, now);
        doubt.last_look_at = not_ahead(doubt.last_look_at, now);
        doubt.told_at = doubt.told_at.map(|at| not_ahead(at, now));
    }
}
