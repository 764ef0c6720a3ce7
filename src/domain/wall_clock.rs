//! Between instants and the wall clock of a zone, across its clock changes: each wall time has one instant, and they never
//! run backwards.

use chrono::{DateTime, NaiveDateTime, NaiveTime, SubsecRound, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::Tz;

/// No clock change skips or repeats more than this many minutes (Samoa skipped a whole day in 2011).
const CHANGE_MINUTES_MAX: usize = 26 * 60;

/// A stored instant or day, as it counts now: one that lies ahead of the clock counts as now (design 3), for the clock was wrong
/// when it was stored.
#[must_use]
pub fn not_ahead<T: Ord>(stored: T, now: T) -> T {
    stored.min(now)
}

/// The instant at which a clock in `zone` shows `wall`: the first of two; of a skipped one, the first instant after the gap.
/// `None` only at the far ends of the calendar.
#[must_use]
pub fn instant_of(zone: Tz, wall: NaiveDateTime) -> Option<DateTime<Utc>> {
    if let Some(found) = zone.from_local_datetime(&wall).earliest() {
        return Some(found.with_timezone(&Utc));
    }
    minutes_after(wall)
        .find_map(|wall| zone.from_local_datetime(&wall).earliest())
        .map(|found| found.with_timezone(&Utc))
}

/// The latest wall time, in whole seconds, whose instant is not after `instant`. During the second of two equal hours this
/// is the end of that hour: all of it has its instants in the first.
#[must_use]
pub fn wall_time_of(zone: Tz, instant: DateTime<Utc>) -> NaiveDateTime {
    let wall = instant.with_timezone(&zone).naive_local().trunc_subsecs(0);
    let repeated = |wall: NaiveDateTime| {
        zone.from_local_datetime(&wall).latest() != zone.from_local_datetime(&wall).earliest()
    };
    let first = zone.from_local_datetime(&wall).earliest();
    if !repeated(wall) || first.is_none_or(|first| first == instant.trunc_subsecs(0)) {
        return wall;
    }
    let end = minutes_after(wall).find(|wall| !repeated(*wall));
    end.map_or(wall, |end| end - TimeDelta::seconds(1))
}

/// The instant at which `hour` o'clock comes on a calendar day of `zone`.
#[must_use]
pub fn hour_of_day(zone: Tz, day: chrono::NaiveDate, hour: u32) -> Option<DateTime<Utc>> {
    instant_of(zone, day.and_time(NaiveTime::from_hms_opt(hour, 0, 0)?))
}

/// The whole minutes after a wall time (clock changes come at whole minutes), as far as a change can reach.
fn minutes_after(wall: NaiveDateTime) -> impl Iterator<Item = NaiveDateTime> {
    let start = wall.trunc_subsecs(0).with_second(0).unwrap_or(wall);
    let mut next = start.checked_add_signed(TimeDelta::minutes(1));
    std::iter::from_fn(move || {
        let this = next?;
        next = this.checked_add_signed(TimeDelta::minutes(1));
        Some(this)
    })
    .take(CHANGE_MINUTES_MAX)
}
