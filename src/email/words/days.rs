//! Days and instants as people read them. No form that is read differently elsewhere, such as 08/09/2026 (domain.md 8).

use chrono::{DateTime, Datelike as _, NaiveDate, Utc, Weekday};
use chrono_tz::Asia::Shanghai;

use crate::domain::language::Language;

/// `2026年8月23日`, `23 August 2026`.
pub(in crate::email) fn day(day: NaiveDate, language: Language) -> String {
    match language {
        Language::Chinese => format!("{}年{}月{}日", day.year(), day.month(), day.day()),
        Language::English => format!("{} {} {}", day.day(), month(day), day.year()),
    }
}

/// `2026年8月23日（星期日）`, `23 August 2026`.
pub(super) fn full_day(date: NaiveDate, language: Language) -> String {
    match language {
        Language::Chinese => format!("{}（{}）", day(date, language), weekday(date)),
        Language::English => day(date, language),
    }
}

/// A day that still counts, after 最迟于: `2026年8月23日（含当日）`. English says "on or before".
pub(super) fn inclusive_day(date: NaiveDate) -> String {
    format!("{}（含当日）", day(date, Language::Chinese))
}

/// `2026年8月23日 08:05（北京时间）`. An event does not carry the configured zone, and who reads of Chinese certificates
/// reckons in Chinese time: the zone is named, so that nobody elsewhere reads it wrong.
pub(in crate::email) fn instant(at: DateTime<Utc>, language: Language) -> String {
    let local = at.with_timezone(&Shanghai);
    let date = day(local.date_naive(), language);
    let time = local.format("%H:%M");
    match language {
        Language::Chinese => format!("{date} {time}（北京时间）"),
        Language::English => format!("{date}, {time} (Beijing time)"),
    }
}

/// The day of an instant, in the same zone.
pub(super) fn day_of(at: DateTime<Utc>) -> NaiveDate {
    at.with_timezone(&Shanghai).date_naive()
}

/// `2026年8月23日，星期日`, for a place that is in brackets already.
pub(super) fn bracketed_day(date: NaiveDate) -> String {
    format!("{}，{}", day(date, Language::Chinese), weekday(date))
}

/// `1 day`, `2 days`.
pub(super) fn english_days(count: i64) -> String {
    if count == 1 { "1 day".to_owned() } else { format!("{count} days") }
}

fn weekday(day: NaiveDate) -> &'static str {
    match day.weekday() {
        Weekday::Mon => "星期一",
        Weekday::Tue => "星期二",
        Weekday::Wed => "星期三",
        Weekday::Thu => "星期四",
        Weekday::Fri => "星期五",
        Weekday::Sat => "星期六",
        Weekday::Sun => "星期日",
    }
}

fn month(day: NaiveDate) -> &'static str {
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    MONTHS.get(day.month0() as usize).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_written_as_each_language_reads_them() {
        let date: NaiveDate = "2026-08-23".parse().unwrap();
        assert_eq!(inclusive_day(date), "2026年8月23日（含当日）");
        for (language, plain, full) in [
            (Language::Chinese, "2026年8月23日", "2026年8月23日（星期日）"),
            (Language::English, "23 August 2026", "23 August 2026"),
        ] {
            assert_eq!(day(date, language), plain);
            assert_eq!(full_day(date, language), full);
        }
        let night: DateTime<Utc> = "2026-08-22T16:05:00Z".parse().unwrap();
        assert_eq!(
            instant(night, Language::Chinese),
            "2026年8月23日 00:05（北京时间）",
            "the next day there"
        );
        assert_eq!(instant(night, Language::English), "23 August 2026, 00:05 (Beijing time)");
    }
}
