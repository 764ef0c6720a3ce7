//! Days of the simulation's own: the count of days, and Hinnant's civil calendar ("chrono-Compatible Low-Level Date
//! Algorithms"), so that the oracle shares no date arithmetic with what it judges.

use std::fmt;

use chrono::{DateTime, Utc};

/// A calendar day in Shanghai, counted from 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub i32);

const SECONDS_A_DAY: i64 = 86_400;
/// Shanghai has been eight hours ahead all year since 1992.
const AHEAD: i64 = 8 * 3600;

impl Day {
    pub fn of(year: i32, month: i32, day: i32) -> Self {
        let year = if month <= 2 { year - 1 } else { year };
        let era = year.div_euclid(400);
        let of_era = year - era * 400;
        let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
        Self(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
    }

    pub fn civil(self) -> (i32, i32, i32) {
        let days = self.0 + 719_468;
        let era = days.div_euclid(146_097);
        let of_era = days - era * 146_097;
        let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let shifted = (5 * of_year + 2) / 153;
        let day = of_year - (153 * shifted + 2) / 5 + 1;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        (year + era * 400 + i32::from(month <= 2), month, day)
    }

    /// The same day of a month so many months away, or that month's last.
    pub fn months_away(self, months: i32) -> Self {
        let (year, month, day) = self.civil();
        let count = year * 12 + month - 1 + months;
        let (year, month) = (count.div_euclid(12), count.rem_euclid(12) + 1);
        let next = if month == 12 { Self::of(year + 1, 1, 1) } else { Self::of(year, month + 1, 1) };
        let last = next.0 - Self::of(year, month, 1).0;
        Self::of(year, month, day.min(last))
    }

    pub fn plus(self, days: i32) -> Self {
        Self(self.0 + days)
    }

    /// Days from `earlier` to this one.
    pub fn since(self, earlier: Self) -> i32 {
        self.0 - earlier.0
    }

    pub fn is_monday(self) -> bool {
        // 1970-01-01 was a Thursday.
        (self.0 + 3).rem_euclid(7) == 0
    }

    pub fn at(self, hour: i64, minute: i64) -> DateTime<Utc> {
        let seconds = i64::from(self.0) * SECONDS_A_DAY - AHEAD + hour * 3600 + minute * 60;
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    pub fn of_instant(instant: DateTime<Utc>) -> Self {
        let days = (instant.timestamp() + AHEAD).div_euclid(SECONDS_A_DAY);
        Self(i32::try_from(days).unwrap())
    }

    /// Reads what [`fmt::Display`] writes.
    pub fn read(text: &str) -> Self {
        let parts: Vec<i32> = text.split('-').map(|part| part.parse().unwrap()).collect();
        Self::of(parts[0], parts[1], parts[2])
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.civil();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

#[test]
fn its_calendar_is_the_civil_one() {
    for (day, text, why) in [
        (Day(0), "1970-01-01", "the first"),
        (Day::of(2024, 2, 29), "2024-02-29", "a leap day"),
        (Day::of(2024, 2, 29).plus(1), "2024-03-01", "the day after"),
        (Day::of(2028, 5, 31).months_away(-3), "2028-02-29", "clamped"),
        (Day::of(2027, 1, 15).months_away(-3), "2026-10-15", "over a year's end"),
        (Day::of(2024, 2, 29).months_away(60), "2029-02-28", "five years on"),
    ] {
        assert_eq!(day.to_string(), text, "{why}");
        assert_eq!(Day::read(text), day, "{why}");
        assert_eq!(Day::of_instant(day.at(0, 0)), day, "{why}");
        assert_eq!(Day::of_instant(day.at(23, 59)), day, "{why}");
    }
    assert!(Day::of(2026, 1, 5).is_monday());
}
