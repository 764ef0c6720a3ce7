//! Who is due (design 2): a pure function of the lines, the clock and what was asked for last. The scheduler only rings;
//! this decides, so missed, doubled and late bells are harmless.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;

use super::occurrences::CronLine;
use super::wall_clock::{hour_of_day, not_ahead, wall_time_of};

/// An occurrence that is looked at within this time is punctual, not missed: the bell may ring a little late, and a safety
/// look comes once a minute. Without it a line of every few seconds could always be "nearer to the next one".
const PUNCTUAL: TimeDelta = TimeDelta::minutes(2);

/// No line occurs more often.
const A_SECOND: TimeDelta = TimeDelta::seconds(1);

/// A clock that is set back by at most this asks for no occurrence a second time: what was asked for ahead of it stays so until
/// it has caught up. By more, companies would go unasked for as long.
pub const SET_BACK_MAX: TimeDelta = TimeDelta::hours(6);

/// The day's hour where `[schedule].check` does not occur on that day.
const DAYS_HOUR: u32 = 8;

/// When a company is to be checked.
#[derive(Debug, Clone, Copy)]
pub struct Rhythm<'a> {
    /// The company's own line, or else `[schedule].check`.
    pub line: &'a CronLine,
    /// `[schedule].check`: its first occurrence of a day is the day's hour.
    pub day_line: &'a CronLine,
    /// `timezone`.
    pub zone: Tz,
}

/// What is known of the asking so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastAsked {
    /// Since when the line and the zone are in force: nothing earlier is owed.
    pub accepted_at: DateTime<Utc>,
    /// When the company was last asked for.
    pub last_asked_at: Option<DateTime<Utc>>,
    /// When a try of it last failed, be it the first of its turn.
    pub tried_at: Option<DateTime<Utc>>,
    /// Whether the last check failed, was incomplete, empty, in doubt or disputed.
    pub owes_answer: bool,
}

impl LastAsked {
    /// With instants that lie ahead of `now` set to `now` (a clock was wrong). What differs from what is stored by more than
    /// [`SET_BACK_MAX`] is to be stored like this at the first look: else nothing would be due until the clock has caught up.
    #[must_use]
    pub fn as_of(self, now: DateTime<Utc>) -> Self {
        Self {
            accepted_at: not_ahead(self.accepted_at, now),
            last_asked_at: self.last_asked_at.map(|at| not_ahead(at, now)),
            tried_at: self.tried_at.map(|at| not_ahead(at, now)),
            owes_answer: self.owes_answer,
        }
    }
}

/// Why a company is due. One call serves all reasons; the first that fits is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// It was never asked for, or its first turn is not over.
    FirstTime,
    /// This occurrence of its line has come and was not yet asked for.
    Occurrence(DateTime<Utc>),
    /// It owes an answer, and this hour of the day has come.
    Answer(DateTime<Utc>),
}

impl Due {
    /// Since when it is due.
    #[must_use]
    pub fn since(self, asked: &LastAsked) -> DateTime<Utc> {
        match self {
            Self::FirstTime => asked.accepted_at,
            Self::Occurrence(at) | Self::Answer(at) => at,
        }
    }
}

/// Occurrences of a company's line at whose time it was not asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Missed {
    /// Asked for later.
    pub made_up: u64,
    /// Never asked for: a later one stood for them.
    pub skipped: u64,
}

impl AddAssign for Missed {
    fn add_assign(&mut self, more: Self) {
        self.made_up += more.made_up;
        self.skipped += more.skipped;
    }
}

/// What a rhythm says of one instant: the same for every company that shares it, and slow to find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Occasions {
    now: DateTime<Utc>,
    midnight: DateTime<Utc>,
    occurrence: Option<DateTime<Utc>>,
    /// The one before.
    earlier: Option<DateTime<Utc>>,
    next_occurrence: Option<DateTime<Utc>>,
    hour: Option<DateTime<Utc>>,
    next_hour: Option<DateTime<Utc>>,
}

impl Occasions {
    /// The occurrences and day's hours around `now`.
    #[must_use]
    pub fn at(rhythm: Rhythm<'_>, now: DateTime<Utc>) -> Self {
        let hours = rhythm.days_hours_around(now);
        let occurrence = rhythm.line.latest(rhythm.zone, now);
        Self {
            now,
            midnight: hour_of_day(rhythm.zone, wall_time_of(rhythm.zone, now).date(), 0).unwrap_or(now),
            occurrence,
            earlier: occurrence.and_then(|at| rhythm.line.latest(rhythm.zone, at - A_SECOND)),
            next_occurrence: rhythm.line.next(rhythm.zone, now),
            hour: hours.iter().copied().rfind(|at| *at <= now),
            next_hour: hours.into_iter().find(|at| *at > now),
        }
    }

    /// Whether a company is due, and why. Of several missed occurrences the latest counts; a missed one is made up unless the next
    /// is less than half an interval away. An instant of `asked` that lies ahead of now counts as now ([`LastAsked::as_of`]).
    #[must_use]
    pub fn due(&self, asked: &LastAsked) -> Option<Due> {
        let LastAsked { accepted_at, last_asked_at, tried_at, owes_answer } = asked.as_of(self.now);
        let Some(last_asked_at) = last_asked_at else {
            // Its first turn may have begun, and not ended: in a pause, or because the process died. It goes on, but not at
            // midnight, out of the calls that all others need at their hour.
            let was_yesterday = tried_at.is_some_and(|at| at < self.midnight);
            let is_before_hour = self.hour.is_none_or(|hour| hour < self.midnight);
            return (!(was_yesterday && is_before_hour)).then_some(Due::FirstTime);
        };
        let owed = |at: Option<DateTime<Utc>>, next: Option<DateTime<Utc>>| {
            at.filter(|at| *at > last_asked_at && *at >= accepted_at && is_worth_it(*at, next, self.now))
        };
        // Who owes an answer is asked at the hour of each day, too, and that takes the place of what its line had before. Else
        // what was missed would be made up at midnight, out of calls that all others need at their hour.
        let occurrence = self.occurrence.filter(|at| !owes_answer || Some(*at) >= self.hour);
        let by_line = owed(occurrence, self.next_check(owes_answer)).map(Due::Occurrence);
        by_line.or_else(|| owed(self.hour, self.next_hour).filter(|_| owes_answer).map(Due::Answer))
    }

    /// After when nobody asked at an occurrence of the line, be it one that is left for the next: only a daemon that runs may leave it.
    #[must_use]
    pub fn missed_after(&self, asked: &LastAsked) -> Option<DateTime<Utc>> {
        let LastAsked { accepted_at, last_asked_at, .. } = asked.as_of(self.now);
        let after = last_asked_at?.max(accepted_at - A_SECOND);
        self.occurrence.filter(|at| *at > after).map(|_| after)
    }

    fn next_check(&self, owes_answer: bool) -> Option<DateTime<Utc>> {
        self.next_occurrence.into_iter().chain(self.next_hour.filter(|_| owes_answer)).min()
    }

    /// The last instant at which anybody who shares the rhythm may have become due: who was asked since is not.
    #[must_use]
    pub fn latest(&self) -> Option<DateTime<Utc>> {
        self.occurrence.max(self.hour)
    }

    /// When a company is due next, if nothing happens until then: now when it is due already.
    #[must_use]
    pub fn next_due(&self, asked: &LastAsked) -> Option<DateTime<Utc>> {
        if self.due(asked).is_some() {
            return Some(self.now);
        }
        self.next_check(asked.owes_answer)
    }
}

/// The occasions of one instant, worked out once for each line: thousands of companies share a handful.
#[derive(Debug)]
pub struct OccasionsByLine<'a> {
    day_line: &'a CronLine,
    zone: Tz,
    now: DateTime<Utc>,
    by_line: BTreeMap<String, Occasions>,
}

impl<'a> OccasionsByLine<'a> {
    /// Of the instant `now`; `day_line` is `[schedule].check`.
    #[must_use]
    pub fn at(day_line: &'a CronLine, zone: Tz, now: DateTime<Utc>) -> Self {
        Self { day_line, zone, now, by_line: BTreeMap::new() }
    }

    /// Those of the companies that are checked by `line`.
    pub fn of(&mut self, line: &CronLine) -> &Occasions {
        let Self { day_line, zone, now, by_line } = self;
        let rhythm = Rhythm { line, day_line, zone: *zone };
        // Most lines are known already, and their texts need no copy.
        if !by_line.contains_key(line.as_str()) {
            by_line.insert(line.as_str().to_owned(), Occasions::at(rhythm, *now));
        }
        &by_line[line.as_str()]
    }

    /// What of `line` was missed when a company is asked for that is `due`.
    pub fn missed(&mut self, line: &CronLine, asked: &LastAsked, due: Due) -> Missed {
        let LastAsked { accepted_at, last_asked_at, .. } = asked.as_of(self.now);
        let (Due::Occurrence(at), Some(last_asked_at)) = (due, last_asked_at) else {
            return Missed::default();
        };
        let made_up = u64::from(self.now - at > PUNCTUAL);
        // What came just as the line was accepted was owed already.
        let owed_after = last_asked_at.max(accepted_at - A_SECOND);
        // Nearly always nothing: to count occurrences is expensive.
        let skipped = match self.of(line).earlier {
            Some(earlier) if earlier > owed_after => {
                line.between(self.zone, owed_after, at).saturating_sub(1)
            }
            _ => 0,
        };
        Missed { made_up, skipped }
    }
}

impl Rhythm<'_> {
    /// The day's hours of yesterday, today, tomorrow and the day after, in order.
    fn days_hours_around(self, now: DateTime<Utc>) -> Vec<DateTime<Utc>> {
        let today = wall_time_of(self.zone, now).date();
        let yesterday = today.checked_sub_days(Days::new(1)).unwrap_or(today);
        yesterday.iter_days().take(4).filter_map(|day| days_hour(self.day_line, self.zone, day)).collect()
    }
}

/// The day's hour: the first occurrence of `[schedule].check` on that day, else 08:00.
#[must_use]
pub fn days_hour(day_line: &CronLine, zone: Tz, day: NaiveDate) -> Option<DateTime<Utc>> {
    day_line.first_of_day(zone, day).or_else(|| hour_of_day(zone, day, DAYS_HOUR))
}

/// Whether work that was to be done `at` is still done `now`, or left to the `next` time.
fn is_worth_it(at: DateTime<Utc>, next: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    let Some(next) = next else { return true };
    now - at <= PUNCTUAL || next - now >= (next - at) / 2
}

#[cfg(test)]
mod tests;
