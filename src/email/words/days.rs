//! Days and instants as people read them. No form that is read differently elsewhere, such as 08/09/2026 (domain.md 8).

use chrono::{DateTime, Datelike as _, NaiveDate, Utc, Weekday};
use chrono_tz::Asia::Shanghai;

use crate::domain::dates::days_left;
use crate::domain::event::CertificateFacts;
use crate::domain::language::Language;

/// `2026年8月23日`, `23 August 2026`.
pub(in crate::email) fn day(day: NaiveDate, language: Language) -> String {
    match language {
        Language::Chinese => format!("{}年{}月{}日", day.year(), day.month(), day.day()),
        Language::English => format!("{} {} {}", day.day(), month(day), day.year()),
    }
}

/// `2026年8月23日（星期日）`, `Sunday 23 August 2026`: a day on which somebody must act.
pub(in crate::email) fn full_day(date: NaiveDate, language: Language) -> String {
    match language {
        Language::Chinese => format!("{}（{}）", day(date, language), weekday(date, language)),
        Language::English => format!("{} {}", weekday(date, language), day(date, language)),
    }
}

/// A day that still counts: `2026年8月23日（星期日，含当日）`. English says "on or before".
pub(super) fn inclusive_day(date: NaiveDate, language: Language) -> String {
    match language {
        Language::Chinese => format!("{}（{}，含当日）", day(date, language), weekday(date, language)),
        Language::English => full_day(date, language),
    }
}

/// `3 天`, `1 day`, `2 days`.
pub(in crate::email) fn count(days: i64, language: Language) -> String {
    match language {
        Language::Chinese => format!("{days} 天"),
        Language::English if days == 1 => "1 day".to_owned(),
        Language::English => format!("{days} days"),
    }
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
pub(in crate::email) fn day_of(at: DateTime<Utc>) -> NaiveDate {
    at.with_timezone(&Shanghai).date_naive()
}

/// The end of a certificate with its days: `至 2026年8月23日（剩余 30 天）`.
pub(in crate::email) fn end(facts: &CertificateFacts, today: NaiveDate, language: Language) -> String {
    let Some(end) = facts.valid_until else {
        let text = super::names::name(&facts.valid_until_text);
        let is_lawful = facts.is_endless_registration();
        return match language {
            Language::Chinese if is_lawful => format!("“{text}”（备案）"),
            Language::English if is_lawful => format!("“{text}” (registered without an end)"),
            Language::Chinese if text.is_empty() => "未载明有效期".to_owned(),
            Language::Chinese => format!("“{text}”（无法判断）"),
            Language::English if text.is_empty() => "no end stated".to_owned(),
            Language::English => format!("“{text}” (cannot be judged)"),
        };
    };
    let date = day(end, language);
    let left = days_left(end, today);
    match language {
        Language::Chinese if left < 0 => format!("{date}（已过 {} 天）", -left),
        Language::Chinese if left == 0 => format!("{date}（今日到期）"),
        Language::Chinese => format!("{date}（剩余 {left} 天）"),
        Language::English if left < 0 => format!("{date} ({} ago)", count(-left, language)),
        Language::English if left == 0 => format!("{date} (today)"),
        Language::English => format!("{date} ({} left)", count(left, language)),
    }
}

fn weekday(day: NaiveDate, language: Language) -> &'static str {
    let both = match day.weekday() {
        Weekday::Mon => ["星期一", "Monday"],
        Weekday::Tue => ["星期二", "Tuesday"],
        Weekday::Wed => ["星期三", "Wednesday"],
        Weekday::Thu => ["星期四", "Thursday"],
        Weekday::Fri => ["星期五", "Friday"],
        Weekday::Sat => ["星期六", "Saturday"],
        Weekday::Sun => ["星期日", "Sunday"],
    };
    match language {
        Language::Chinese => both[0],
        Language::English => both[1],
    }
}

/// As English writes them.
pub(in crate::email) const MONTHS: [&str; 12] = [
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

fn month(day: NaiveDate) -> &'static str {
    MONTHS.get(day.month0() as usize).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_written_as_each_language_reads_them() {
        let date: NaiveDate = "2026-08-23".parse().unwrap();
        assert_eq!(inclusive_day(date, Language::Chinese), "2026年8月23日（星期日，含当日）");
        for (language, plain, full) in [
            (Language::Chinese, "2026年8月23日", "2026年8月23日（星期日）"),
            (Language::English, "23 August 2026", "Sunday 23 August 2026"),
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
