//! Cron lines and when they occur (design 2 and 6).
//!
//! A line is matched against the calendar of a zone that knows no clock change, and each match is then placed on the real
//! time line: what falls into the hour that a clock change skips occurs at the first instant after it, what falls into an
//! hour that comes twice occurs in the first of the two. So the past and the future of a line agree, and a daily line
//! occurs exactly once a day. (The cron library's own search gives another instant backwards than forwards around a
//! change, and can answer with one that lies before the start.) The price: a line of several occurrences an hour is
//! silent during the second of two equal hours, once a year.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeDelta, Timelike, Utc};
use chrono_tz::Tz;
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use serde::{Deserialize, Serialize};

use super::wall_clock::{instant_of, wall_time_of};

/// The longest line that is read: longer ones cannot be meant.
const LINE_CHARS_MAX: usize = 200;

/// The fields of a line with seconds, in their order, and what each may hold.
const FIELDS: [(&str, &str); 6] = [
    ("second", "0-59"),
    ("minute", "0-59"),
    ("hour", "0-23"),
    ("day of the month", "1-31"),
    ("month", "1-12 or JAN-DEC"),
    ("day of the week", "0-7 or SUN-SAT"),
];

/// The short forms and what they stand for.
const SHORT_FORMS: [(&str, &str); 6] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

/// A line of cron: 5 fields, 6 with seconds first, or a short form such as `@daily`. It has at least one occurrence.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CronLine {
    text: String,
    expanded: String,
    cron: Cron,
}

/// Why a text is not a line that can be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadCronLine {
    /// Nothing is there.
    #[error("is empty")]
    Empty,
    /// Longer than any line can be.
    #[error("is longer than {LINE_CHARS_MAX} characters")]
    TooLong,
    /// An unknown `@` form.
    #[error("`{0}` is no short form: there are @hourly, @daily, @weekly, @monthly and @yearly")]
    ShortForm(String),
    /// Neither 5 nor 6 fields.
    #[error("has {0} fields; a cron line has 5 (minute, hour, day, month, weekday), or 6 with seconds first")]
    FieldCount(usize),
    /// One field cannot be read.
    #[error("`{text}` is no {field} ({range})")]
    Field {
        /// Which field.
        field: &'static str,
        /// What it says.
        text: String,
        /// What it may say.
        range: &'static str,
    },
    /// The fields are fine one by one, but not together.
    #[error("is not a cron line: {0}")]
    Whole(String),
    /// No day of the calendar fits, such as 31 February.
    #[error("never occurs: no such day comes")]
    NeverOccurs,
}

impl FromStr for CronLine {
    type Err = BadCronLine;

    fn from_str(text: &str) -> Result<Self, BadCronLine> {
        let text = text.trim();
        if text.is_empty() {
            return Err(BadCronLine::Empty);
        }
        if text.chars().count() > LINE_CHARS_MAX {
            return Err(BadCronLine::TooLong);
        }
        let expanded = expand(text)?;
        let fields: Vec<&str> = expanded.split_whitespace().collect();
        let with_seconds = match fields.len() {
            5 => format!("0 {}", fields.join(" ")),
            6 => fields.join(" "),
            other => return Err(BadCronLine::FieldCount(other)),
        };
        let cron = read(&with_seconds).map_err(|whole| blame_one_field(&with_seconds, whole))?;
        if !occurs(&cron) {
            return Err(BadCronLine::NeverOccurs);
        }
        Ok(Self { text: text.to_owned(), expanded: with_seconds, cron })
    }
}

fn expand(text: &str) -> Result<&str, BadCronLine> {
    if !text.contains('@') {
        return Ok(text);
    }
    SHORT_FORMS
        .iter()
        .find(|(form, _)| form.eq_ignore_ascii_case(text))
        .map(|(_, line)| *line)
        .ok_or_else(|| BadCronLine::ShortForm(text.to_owned()))
}

fn read(with_seconds: &str) -> Result<Cron, String> {
    CronParser::builder()
        .seconds(Seconds::Required)
        .year(Year::Optional)
        .build()
        .parse(with_seconds)
        .map_err(|error| error.to_string())
}

/// The library does not say which field it means, so each is tried alone among stars.
fn blame_one_field(with_seconds: &str, whole: String) -> BadCronLine {
    for (position, (text, (field, range))) in with_seconds.split(' ').zip(FIELDS).enumerate() {
        let mut alone = ["*"; 6];
        if let Some(place) = alone.get_mut(position) {
            *place = text;
        }
        if read(&alone.join(" ")).is_err() {
            return BadCronLine::Field { field, text: text.to_owned(), range };
        }
    }
    BadCronLine::Whole(whole)
}

/// Whether any day of a century fits: 29 February that must be a Monday comes within 40 years.
fn occurs(cron: &Cron) -> bool {
    let first = NaiveDate::default();
    first.iter_days().skip(365 * 30).take(36_525).any(|day| day_fits(cron, day))
}

fn day_fits(cron: &Cron, day: NaiveDate) -> bool {
    cron.pattern.month_match(day.month()).unwrap_or(false)
        && cron.pattern.day_match(day.year(), day.month(), day.day()).unwrap_or(false)
}

impl CronLine {
    /// The line as it was written, without the blanks around it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The line with seconds, as the scheduler wants it (it refuses 5 fields).
    #[must_use]
    pub fn for_scheduler(&self) -> String {
        self.expanded.clone()
    }

    /// The latest occurrence that is not after `now`.
    #[must_use]
    pub fn latest(&self, zone: Tz, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let found = self.cron.find_previous_occurrence(&wall_time_of(zone, now).and_utc(), true).ok()?;
        instant_of(zone, found.naive_utc())
    }

    /// The first occurrence after `after`.
    #[must_use]
    pub fn next(&self, zone: Tz, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let found = self.cron.find_next_occurrence(&wall_time_of(zone, after).and_utc(), false).ok()?;
        instant_of(zone, found.naive_utc())
    }

    /// The first occurrence of a calendar day of `zone`; `None` when the line does not occur on it.
    #[must_use]
    pub fn first_of_day(&self, zone: Tz, day: NaiveDate) -> Option<DateTime<Utc>> {
        let found = self.cron.find_next_occurrence(&day.and_time(NaiveTime::MIN).and_utc(), true).ok()?;
        if found.date_naive() != day {
            return None;
        }
        instant_of(zone, found.naive_utc())
    }

    /// How many occurrences there are after `from`, up to and including `to`. 0 when `to` is not after `from`; a span of
    /// more than ten years is cut there.
    #[must_use]
    pub fn between(&self, zone: Tz, from: DateTime<Utc>, to: DateTime<Utc>) -> u64 {
        const DAYS_MAX: usize = 3_653;
        let (from, to) = (wall_time_of(zone, from), wall_time_of(zone, to));
        if to <= from {
            return 0;
        }
        let whole_day = self.until(None);
        let days = from.date().iter_days().take(DAYS_MAX).take_while(|day| *day <= to.date());
        let mut count = 0;
        for day in days.filter(|day| day_fits(&self.cron, *day)) {
            let end = if day == to.date() { self.until(Some(to.time())) } else { whole_day };
            let start = if day == from.date() { self.until(Some(from.time())) } else { 0 };
            count += end - start;
        }
        count
    }

    /// How many times of day the line names, up to and including `end` (all of them without an end).
    fn until(&self, end: Option<NaiveTime>) -> u64 {
        let pattern = &self.cron.pattern;
        let end = end.map_or((23, 59, 59), |end| (end.hour(), end.minute(), end.second()));
        let seconds =
            |last: u32| (0..=last).filter(|s| pattern.second_match(*s).unwrap_or(false)).count() as u64;
        let minutes =
            |last: u32| (0..=last).filter(|m| pattern.minute_match(*m).unwrap_or(false)).count() as u64;
        let hours_before = (0..end.0).filter(|h| pattern.hour_match(*h).unwrap_or(false)).count() as u64;
        let mut count = hours_before * minutes(59) * seconds(59);
        if pattern.hour_match(end.0).unwrap_or(false) {
            let this_minute = u64::from(pattern.minute_match(end.1).unwrap_or(false));
            count += (minutes(end.1) - this_minute) * seconds(59) + this_minute * seconds(end.2);
        }
        count
    }

    /// The longest time between two occurrences that follow each other, looking at most five years ahead of `from`: what
    /// "its interval" means where the line is uneven (Monday to Friday: three days).
    #[must_use]
    pub fn interval(&self, zone: Tz, from: DateTime<Utc>) -> TimeDelta {
        const DAYS_MAX: usize = 60;
        let horizon = from + TimeDelta::days(5 * 366);
        let mut longest = TimeDelta::zero();
        let Some(mut first) = self.next(zone, from) else {
            return longest;
        };
        for position in 0..DAYS_MAX {
            // The times of day are the same on every day the line occurs on: looked at once.
            let Some(last) = self.last_of_day_of(zone, first) else {
                break;
            };
            if position == 0 {
                longest = longest.max(self.longest_within_a_day());
            }
            let Some(next) = self.next(zone, last) else { break };
            longest = longest.max(next - last);
            if next > horizon {
                break;
            }
            first = next;
        }
        longest
    }

    fn last_of_day_of(&self, zone: Tz, instant: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let next_day = wall_time_of(zone, instant).date().checked_add_days(Days::new(1))?;
        let end = next_day.and_time(NaiveTime::MIN).and_utc();
        let found = self.cron.find_previous_occurrence(&end, false).ok()?;
        instant_of(zone, found.naive_utc()).map(|last| last.max(instant))
    }

    fn longest_within_a_day(&self) -> TimeDelta {
        let hours: Vec<u32> = (0..24).filter(|h| self.cron.pattern.hour_match(*h).unwrap_or(false)).collect();
        let between_hours = hours.windows(2).filter_map(|pair| Some(pair.last()? - pair.first()?)).max();
        let minutes: Vec<u32> =
            (0..60).filter(|m| self.cron.pattern.minute_match(*m).unwrap_or(false)).collect();
        let span = minutes.last().zip(minutes.first()).map_or(0, |(last, first)| last - first);
        between_hours.map_or(TimeDelta::zero(), |hours| {
            TimeDelta::hours(i64::from(hours)) - TimeDelta::minutes(i64::from(span))
        })
    }

    /// Whether some day of a year (a leap year, so every day there is) has no occurrence: rarer than daily.
    #[must_use]
    pub fn is_rarer_than_daily(&self) -> bool {
        let leap_year = NaiveDate::from_ymd_opt(2028, 1, 1).unwrap_or_default();
        leap_year.iter_days().take(366).any(|day| !day_fits(&self.cron, day))
    }
}

impl fmt::Display for CronLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for CronLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CronLine").field(&self.text).finish()
    }
}

impl PartialEq for CronLine {
    /// Lines are equal when they say the same, whatever the blanks and letters: `@daily` is `0 0 * * *`.
    fn eq(&self, other: &Self) -> bool {
        self.expanded.eq_ignore_ascii_case(&other.expanded)
    }
}

impl Eq for CronLine {}

impl TryFrom<String> for CronLine {
    type Error = BadCronLine;

    fn try_from(text: String) -> Result<Self, BadCronLine> {
        text.parse()
    }
}

impl From<CronLine> for String {
    fn from(line: CronLine) -> Self {
        line.text
    }
}

#[cfg(test)]
mod tests;
