//! Days: reading the registry's dates, and reckoning with them. All dates are calendar dates without a zone; only an
//! instant given as a number needs one, and that is Asia/Shanghai, whatever the configured zone is.

use chrono::{DateTime, Datelike as _, FixedOffset, Months, NaiveDate};
use serde::{Deserialize, Serialize};

use unicode_normalization::UnicodeNormalization as _;

use super::stated_days::{self, Stated};
use super::text::{is_nothing, normalised, without_invisible};

/// An end of validity as it was read.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "end", content = "day")]
pub enum End {
    /// The last valid day.
    Day(NaiveDate),
    /// 长期 or a program's "never" (2099 and later): not lawful for a 资质, so the operator hears.
    Endless,
    /// A text that is no day.
    Unreadable,
    /// Nothing, or a database's nothing (`-`, 1900-01-01, 0000-00-00, epoch 0).
    Missing,
}

/// Programs write "never" as 2099-12-31, 2999-… or 9999-12-31.
const ENDLESS_FROM_YEAR: i32 = 2099;

/// Databases write "nothing" as 1900-01-01 or earlier.
const MISSING_UNTIL_YEAR: i32 = 1900;

/// Whole days from `today` to `last_day`, both calendar dates in the configured zone. 0 on the last valid day itself
/// (validity is inclusive: design 1), negative once expired. Cannot fail: both dates are already parsed.
#[must_use]
pub fn days_left(last_day: NaiveDate, today: NaiveDate) -> i64 {
    (last_day - today).num_days()
}

/// The same day `months` calendar months earlier, clamped to that month's last day: three months before 05-31 is 02-28.
#[must_use]
pub fn months_before(day: NaiveDate, months: u32) -> NaiveDate {
    day.checked_sub_months(Months::new(months)).unwrap_or(NaiveDate::MIN)
}

/// Reads 证书有效期.
#[must_use]
pub fn read_end(text: Option<&str>) -> End {
    let text = text.unwrap_or_default();
    iso_day(text).map_or_else(|| read_leniently(text), end_on)
}

/// Whether a text states two ends and does not say which of them holds: the earlier is judged, and the operator hears.
#[must_use]
pub fn states_two_ends(text: &str) -> bool {
    iso_day(text).is_none() && matches!(stated_days::end(&with_blanks(text)), Some(Stated::Either(_)))
}

/// NFKC, without what cannot be seen. Blanks separate a day from its time, so the day is read with them.
fn with_blanks(text: &str) -> String {
    without_invisible(text).nfkc().collect::<String>().trim().to_owned()
}

/// An end in any form that was seen.
fn read_leniently(text: &str) -> End {
    let with_blanks = with_blanks(text);
    let text = normalised(&with_blanks);
    if is_nothing(&text) {
        return End::Missing;
    }
    if ["长期", "永久", "无固定期限"].iter().any(|word| text.contains(word)) {
        return End::Endless;
    }
    match instant(&with_blanks).map(Stated::One).or_else(|| stated_days::end(&with_blanks)) {
        Some(Stated::One(day) | Stated::Either(day)) => end_on(day),
        None if text.starts_with("0000") => End::Missing,
        None => End::Unreadable,
    }
}

/// What a day means as an end: programs write "nothing" and "never" as days, too.
fn end_on(day: NaiveDate) -> End {
    if day.year() <= MISSING_UNTIL_YEAR || is_epoch(day) {
        End::Missing
    } else if day.year() >= ENDLESS_FROM_YEAR {
        End::Endless
    } else {
        End::Day(day)
    }
}

/// Reads 发证日期; `None` when it cannot be read or is a database's nothing.
#[must_use]
pub fn read_issue_day(text: Option<&str>) -> Option<NaiveDate> {
    let text = text.unwrap_or_default();
    let day = iso_day(text).or_else(|| {
        let text = with_blanks(text);
        instant(&text).or_else(|| stated_days::issue_day(&text))
    })?;
    match end_on(day) {
        End::Day(day) => Some(day),
        _ => None,
    }
}

/// What is odd about a certificate's dates, though they can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OddDates {
    /// The end lies before the issue date.
    EndBeforeIssue,
    /// The issue date lies in the future.
    IssuedInFuture,
    /// The end lies more than 20 years after the issue date.
    MoreThanTwentyYears,
}

/// What is odd about these dates; `None` when nothing is.
#[must_use]
pub fn odd_dates(issued: Option<NaiveDate>, end: NaiveDate, today: NaiveDate) -> Option<OddDates> {
    let issued = issued?;
    if end < issued {
        Some(OddDates::EndBeforeIssue)
    } else if issued > today {
        Some(OddDates::IssuedInFuture)
    } else if issued.checked_add_months(Months::new(240)).is_some_and(|limit| end > limit) {
        Some(OddDates::MoreThanTwentyYears)
    } else {
        None
    }
}

fn is_epoch(day: NaiveDate) -> bool {
    NaiveDate::from_ymd_opt(1970, 1, 1) == Some(day)
}

/// 2024-08-23, the document's form; `None` for any other, which may be a day all the same.
fn iso_day(text: &str) -> Option<NaiveDate> {
    let &[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text.as_bytes() else { return None };
    let number = |digits: &[u8]| {
        digits.iter().try_fold(0_u32, |number, digit| Some(number * 10 + char::from(*digit).to_digit(10)?))
    };
    NaiveDate::from_ymd_opt(
        i32::try_from(number(&[y1, y2, y3, y4])?).ok()?,
        number(&[m1, m2])?,
        number(&[d1, d2])?,
    )
}

/// An instant in milliseconds (11 to 13 digits) or seconds (9 or 10), as 天眼查's sources give it, as a day in
/// Asia/Shanghai: midnight there is 16:00 of the day before in UTC.
fn instant(text: &str) -> Option<NaiveDate> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let value: i64 = text.parse().ok()?;
    let at = match digits.len() {
        1..=3 if value <= 0 => DateTime::from_timestamp(0, 0)?,
        9 | 10 => DateTime::from_timestamp(value, 0)?,
        11..=13 => DateTime::from_timestamp_millis(value)?,
        _ => return None,
    };
    Some(at.with_timezone(&FixedOffset::east_opt(8 * 3600)?).date_naive())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn ends_are_read_in_every_form_seen() {
        let on = |text: &str| End::Day(day(text));
        for (text, end, why) in [
            ("2024-08-23", on("2024-08-23"), "the document's form"),
            (" 2024-8-3 ", on("2024-08-03"), "no leading zeros"),
            ("2024/08/23", on("2024-08-23"), "slashes"),
            ("2024.08.23", on("2024-08-23"), "points"),
            ("2024年8月23日", on("2024-08-23"), "Chinese"),
            ("２０２４－０８－２３", on("2024-08-23"), "full width"),
            ("20240229", on("2024-02-29"), "compact, leap day"),
            ("2024-08-23 00:00:00", on("2024-08-23"), "with a time"),
            ("2024-08-23T00:00:00+08:00", on("2024-08-23"), "RFC 3339"),
            ("2019-08-23至2024-08-23", on("2024-08-23"), "the end of a range"),
            ("2019年8月23日-2024年8月22日", on("2024-08-22"), "a range with a hyphen"),
            ("有效期至2024-08-23", on("2024-08-23"), "words before"),
            ("1724342400000", on("2024-08-23"), "milliseconds: midnight in Shanghai"),
            ("1724342400", on("2024-08-23"), "seconds"),
            ("2027-08-22T16:00:00.000Z", on("2027-08-23"), "an instant in UTC: midnight in Shanghai"),
            ("2027-08-22T16:00:00Z", on("2027-08-23"), "without a fraction"),
            ("2027-08-22T16:00:00.000+0000", on("2027-08-23"), "as Java writes it"),
            ("2027-08-22 16:00:00 UTC", on("2027-08-23"), "with a blank"),
            ("2027-08-22T16:00:00+00:00", on("2027-08-23"), "an offset of zero"),
            (
                "2027-08-22T21:40:00+05:45",
                on("2027-08-22"),
                "an offset of minutes, too: 20 minutes before midnight",
            ),
            ("2027-08-22T21:50:00+05:45", on("2027-08-23"), "the same, ten minutes later"),
            ("2027-08-22T15:59:59Z", on("2027-08-22"), "a second before midnight in Shanghai"),
            ("2027-08-23T00:00:00", on("2027-08-23"), "no offset: a wall clock"),
            ("2022-08-22T16:00:00.000Z至2027-08-22T16:00:00.000Z", on("2027-08-23"), "a range of instants"),
            ("1969-12-31T16:00:00Z", End::Missing, "epoch 0 of a wall clock in Shanghai"),
            ("2019-08-23～2024-08-22", on("2024-08-22"), "a range with a wave"),
            ("自2019-08-23起至2024-08-22止", on("2024-08-22"), "a range in words"),
            ("20190823-20240822", on("2024-08-22"), "a compact range"),
            ("2026-08-23（原2024-08-23）", on("2026-08-23"), "the old one in brackets"),
            ("原2024-08-23，现2029-08-23", on("2029-08-23"), "old and new"),
            ("变更前:2024-08-23;变更后:2029-08-23", on("2029-08-23"), "before and after a change"),
            ("2029-08-23(变更后) 2024-08-23(变更前)", on("2029-08-23"), "the words behind the days"),
            ("由2024-08-23延期至2029-08-23", on("2029-08-23"), "put off"),
            ("2029-08-23（原2019-08-23至2024-08-23）", on("2029-08-23"), "an old range"),
            ("发证2019-08-23，有效期至2024-08-23", on("2024-08-23"), "both, named"),
            ("有效期至2024-08-23，发证日期2019-08-23", on("2024-08-23"), "both, the other way round"),
            ("2024-08-23 2029-08-23", on("2024-08-23"), "two with no word: the earlier"),
            ("2029-08-23、2024-08-23", on("2024-08-23"), "in whatever order"),
            ("2024-08-23至2029年8月", End::Unreadable, "the end of the range is a month"),
            ("2024-08-23至2029-02-30", End::Unreadable, "the end of the range does not exist"),
            ("2024\u{200b}-08-23", on("2024-08-23"), "what cannot be seen"),
            ("2050-01-01", on("2050-01-01"), "as read"),
            ("2024年8月", End::Unreadable, "a month is no day"),
            ("2024-08/23", End::Unreadable, "two separators"),
            ("2023-02-29", End::Unreadable, "no such day"),
            ("20230229", End::Unreadable, "no such day, compact"),
            ("2024-13-01", End::Unreadable, "no such month"),
            ("见附件", End::Unreadable, "words"),
            ("长期", End::Endless, "not lawful for a 资质"),
            ("长期有效", End::Endless, ""),
            ("2099-12-31", End::Endless, "a program's never"),
            ("9999-12-31", End::Endless, ""),
            ("-", End::Missing, "the platform's nothing"),
            ("--", End::Missing, ""),
            ("", End::Missing, ""),
            ("暂无", End::Missing, ""),
            ("无", End::Missing, ""),
            ("/", End::Missing, ""),
            ("null", End::Missing, ""),
            ("1900-01-01", End::Missing, "a database's nothing"),
            ("0000-00-00", End::Missing, ""),
            ("0001-01-01", End::Missing, ""),
            ("1970-01-01 08:00:00", End::Missing, "epoch 0 in Shanghai"),
            ("0", End::Missing, "epoch 0"),
            ("+1724342400", End::Unreadable, "no instant is written with a plus"),
        ] {
            assert_eq!(read_end(Some(text)), end, "{text:?}: {why}");
        }
        assert_eq!(read_end(None), End::Missing);
    }

    #[test]
    fn issue_days_are_the_start_of_a_range() {
        for (text, issued, why) in [
            ("2019-08-23", Some("2019-08-23"), "the document's form"),
            ("2019-08-23至2024-08-23", Some("2019-08-23"), "the start"),
            ("2019-08-22T16:00:00.000Z至2024-08-22T16:00:00.000Z", Some("2019-08-23"), "of instants"),
            ("2024-08-23（原2019-08-23）", Some("2024-08-23"), "the new one"),
            ("有效期至2024-08-23，发证日期2019-08-23", Some("2019-08-23"), "named"),
            ("2019-08-23 2024-08-23", None, "two with no word"),
            ("1900-01-01", None, "a database's nothing"),
            ("-", None, ""),
        ] {
            assert_eq!(read_issue_day(Some(text)), issued.map(day), "{text}: {why}");
        }
    }

    #[test]
    fn two_ends_with_no_word_are_told() {
        for (text, told) in [
            ("2024-08-23 2029-08-23", true),
            ("2024-08-23,2029-08-23", true),
            ("2024年8月23日/2029年8月23日", true),
            ("2024-08-23至2029-08-23", false),
            ("2024-08-23（原2029-08-23）", false),
            ("2024-08-23", false),
            ("2024-08-23 2024-08-23", false),
            ("2024-08-23 00:00:00", false),
        ] {
            assert_eq!(states_two_ends(text), told, "{text}");
        }
    }

    #[test]
    fn months_are_clamped() {
        for (from, to) in [
            ("2027-05-31", "2027-02-28"),
            ("2028-05-31", "2028-02-29"),
            ("2026-11-30", "2026-08-30"),
            ("2027-01-15", "2026-10-15"),
        ] {
            assert_eq!(months_before(day(from), 3), day(to));
        }
    }

    #[test]
    fn odd_dates_are_named() {
        let today = day("2026-01-01");
        for (issued, end, odd) in [
            (Some("2019-08-23"), "2024-08-23", None),
            (Some("2024-08-24"), "2024-08-23", Some(OddDates::EndBeforeIssue)),
            (Some("2024-08-23"), "2024-08-23", None),
            (Some("2026-01-01"), "2031-01-01", None),
            (Some("2026-01-02"), "2031-01-02", Some(OddDates::IssuedInFuture)),
            (Some("2020-01-01"), "2040-01-01", None),
            (Some("2020-01-01"), "2040-01-02", Some(OddDates::MoreThanTwentyYears)),
            (None, "2050-01-01", None),
        ] {
            assert_eq!(odd_dates(issued.map(day), day(end), today), odd);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in any::<String>()) {
            let _ = read_end(Some(&text));
        }

        #[test]
        fn the_documents_form_is_read_as_any_other(text in "[0-9]{4}-[0-3][0-9]-[0-4][0-9]|[0-9年-]{9,10}|(0000|1900|1970|2099)-0[01]-0[01]") {
            prop_assert_eq!(read_end(Some(&text)), read_leniently(&text));
        }

        #[test]
        fn a_day_is_read_back(days in 0_i64..60_000) {
            let written = day("1950-01-01") + chrono::TimeDelta::days(days);
            let text = written.to_string();
            let expected = if is_epoch(written) {
                End::Missing
            } else if written.year() >= ENDLESS_FROM_YEAR {
                End::Endless
            } else {
                End::Day(written)
            };
            prop_assert_eq!(read_end(Some(&text)), expected);
        }
    }
}
