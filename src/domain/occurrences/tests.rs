use chrono_tz::America::New_York;
use chrono_tz::Asia::Shanghai;
use chrono_tz::Pacific::Apia;
use proptest::prelude::*;

use super::*;

fn line(text: &str) -> CronLine {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse::<DateTime<chrono::FixedOffset>>().unwrap().to_utc()
}

#[test]
#[rustfmt::skip] // a table
fn latest_and_next_agree_across_clock_changes() {
    for (cron, zone, now, latest, next, why) in [
        ("0 8 * * *", Shanghai, "2026-11-24T08:00:00+08:00", "2026-11-24T08:00:00+08:00", "2026-11-25T08:00:00+08:00", "the very instant counts as come"),
        ("0 8 * * *", Shanghai, "2026-11-24T07:59:59.9+08:00", "2026-11-23T08:00:00+08:00", "2026-11-24T08:00:00+08:00", "not yet, and no fraction in the answer"),
        ("0 8 * * Mon", Shanghai, "2026-11-24T09:00:00+08:00", "2026-11-23T08:00:00+08:00", "2026-11-30T08:00:00+08:00", "weekly: 23 November 2026 is a Monday"),
        ("30 0 8 * * *", Shanghai, "2026-11-24T08:00:29+08:00", "2026-11-23T08:00:30+08:00", "2026-11-24T08:00:30+08:00", "with seconds"),
        ("0 8 29 2 *", Shanghai, "2026-11-24T08:00:00+08:00", "2024-02-29T08:00:00+08:00", "2028-02-29T08:00:00+08:00", "leap years only"),
        ("@daily", Shanghai, "2026-11-24T08:00:00+08:00", "2026-11-24T00:00:00+08:00", "2026-11-25T00:00:00+08:00", "short form"),
        ("0 8 L * *", Shanghai, "2026-11-24T08:00:00+08:00", "2026-10-31T08:00:00+08:00", "2026-11-30T08:00:00+08:00", "last of the month"),
        ("30 2 * * *", New_York, "2026-03-08T01:59:59-05:00", "2026-03-07T02:30:00-05:00", "2026-03-08T03:00:00-04:00", "02:30 is skipped: the first instant after the gap"),
        ("30 2 * * *", New_York, "2026-03-08T03:00:00-04:00", "2026-03-08T03:00:00-04:00", "2026-03-09T02:30:00-04:00", "and it has then come"),
        ("30 2 * * *", New_York, "2026-03-08T12:00:00-04:00", "2026-03-08T03:00:00-04:00", "2026-03-09T02:30:00-04:00", "seen from later that day"),
        ("30 1 * * *", New_York, "2026-11-01T01:10:00-04:00", "2026-10-31T01:30:00-04:00", "2026-11-01T01:30:00-04:00", "fold, first hour"),
        ("30 1 * * *", New_York, "2026-11-01T01:10:00-05:00", "2026-11-01T01:30:00-04:00", "2026-11-02T01:30:00-05:00", "fold, second hour: it has come already"),
        ("30 1 * * *", New_York, "2026-11-01T01:45:00-05:00", "2026-11-01T01:30:00-04:00", "2026-11-02T01:30:00-05:00", "fold: once, not twice"),
        ("0 8 * * *", New_York, "2026-11-01T12:00:00-05:00", "2026-11-01T08:00:00-05:00", "2026-11-02T08:00:00-05:00", "after the change the wall clock rules"),
        ("*/15 * * * *", New_York, "2026-11-01T01:20:00-05:00", "2026-11-01T01:45:00-04:00", "2026-11-01T02:00:00-05:00", "a dense line is silent in the second hour"),
        ("0 8 * * *", Apia, "2011-12-30T12:00:00Z", "2011-12-31T00:00:00+14:00", "2011-12-31T08:00:00+14:00", "the day that Samoa skipped"),
    ] {
        let (line, now) = (line(cron), at(now));
        assert_eq!(
            line.latest(zone, now),
            Some(at(latest)),
            "latest of {cron}: {why}"
        );
        assert_eq!(line.next(zone, now), Some(at(next)), "next of {cron}: {why}");
    }
}

#[test]
#[rustfmt::skip] // a table
fn a_line_that_cannot_be_followed_says_why() {
    for (text, why) in [
        ("", "is empty"),
        ("0 8 * *", "has 4 fields; a cron line has 5 (minute, hour, day, month, weekday), or 6 with seconds first"),
        ("0 8 * * * 2026 *", "has 7 fields; a cron line has 5 (minute, hour, day, month, weekday), or 6 with seconds first"),
        ("0 25 * * *", "`25` is no hour (0-23)"),
        ("60 8 * * *", "`60` is no minute (0-59)"),
        ("0 8 * * Mo", "`Mo` is no day of the week (0-7 or SUN-SAT)"),
        ("0 8 * 13 *", "`13` is no month (1-12 or JAN-DEC)"),
        ("0 8 0 * *", "`0` is no day of the month (1-31)"),
        ("0 8 * * 周一", "`周一` is no day of the week (0-7 or SUN-SAT)"),
        ("0 8 31 2 *", "never occurs: no such day comes"),
        ("0 8 30 2 *", "never occurs: no such day comes"),
        ("@noon", "`@noon` is no short form: there are @hourly, @daily, @weekly, @monthly and @yearly"),
    ] {
        assert_eq!(text.parse::<CronLine>().unwrap_err().to_string(), why, "{text}");
    }
}

#[test]
fn the_scheduler_gets_six_fields() {
    for (text, fields) in
        [("0 8 * * *", "0 0 8 * * *"), (" 5  0 8 * * Mon ", "5 0 8 * * Mon"), ("@hourly", "0 0 * * * *")]
    {
        assert_eq!(line(text).for_scheduler(), fields);
    }
    assert_eq!(line("@daily"), line("0 0  * * *"));
    assert_ne!(line("0 8 * * *"), line("0 9 * * *"));
    assert_eq!(serde_json::to_string(&line("0 8 * * Mon")).unwrap(), "\"0 8 * * Mon\"");
    assert!(serde_json::from_str::<CronLine>("\"0 8 31 2 *\"").is_err());
}

#[test]
fn the_first_of_a_day_is_none_on_a_day_without() {
    let day = |text: &str| text.parse::<NaiveDate>().unwrap();
    for (cron, zone, of, first, why) in [
        ("0 8,20 * * *", Shanghai, "2026-11-24", Some("2026-11-24T08:00:00+08:00"), "the first of two"),
        (
            "0 0 * * *",
            Shanghai,
            "2026-11-24",
            Some("2026-11-24T00:00:00+08:00"),
            "midnight belongs to the day",
        ),
        ("0 8 * * Mon", Shanghai, "2026-11-24", None, "a Tuesday"),
        ("30 2 * * *", New_York, "2026-03-08", Some("2026-03-08T03:00:00-04:00"), "the skipped hour"),
    ] {
        assert_eq!(line(cron).first_of_day(zone, day(of)), first.map(at), "{why}");
    }
}

#[test]
#[rustfmt::skip] // a table
fn occurrences_are_counted_without_the_start_and_with_the_end() {
    for (cron, from, to, count, why) in [
        ("0 8 * * *", "2026-11-24T08:00:00+08:00", "2026-12-01T08:00:00+08:00", 7, "a week of days"),
        ("0 8 * * *", "2026-11-24T07:59:59+08:00", "2026-11-24T08:00:00+08:00", 1, "the end counts"),
        ("0 8 * * *", "2026-11-24T08:00:00+08:00", "2026-11-24T08:00:00+08:00", 0, "nothing between"),
        ("0 8 * * *", "2026-11-25T08:00:00+08:00", "2026-11-24T08:00:00+08:00", 0, "backwards"),
        ("0 8 * * Mon", "2026-11-24T10:00:00+08:00", "2026-12-01T10:00:00+08:00", 1, "weekly"),
        ("* * * * * *", "2026-11-24T10:00:00+08:00", "2026-12-01T10:00:00+08:00", 604_800, "every second of a week"),
        ("*/20 8-9 * * *", "2026-11-24T08:20:00+08:00", "2026-11-24T09:20:00+08:00", 3, "within a day"),
    ] {
        assert_eq!(line(cron).between(Shanghai, at(from), at(to)), count, "{why}");
    }
}

#[test]
fn the_interval_is_the_longest_wait() {
    for (cron, hours, why) in [
        ("0 8 * * *", 24, "daily"),
        ("0 8 * * Mon", 7 * 24, "weekly"),
        ("0 8 * * Mon-Fri", 3 * 24, "over the weekend"),
        ("0 8,20 * * *", 12, "twice a day"),
        ("0 8-18 * * *", 14, "over night"),
        ("0 8,22 * * *", 14, "over the day"),
        ("0 8 1 * *", 31 * 24, "monthly"),
        ("0 8 29 2 *", 1461 * 24, "leap days"),
        ("0 8 L 2 *", 366 * 24, "the year in which February is longer, though it is not the next"),
    ] {
        assert_eq!(
            line(cron).interval(Shanghai, at("2026-11-24T08:00:00Z")),
            TimeDelta::hours(hours),
            "{why}"
        );
    }
    let yearly = line("0 8 1 1 *").interval(Shanghai, at("2026-03-01T08:00:00Z"));
    assert_eq!(yearly, TimeDelta::hours(366 * 24), "years ahead: of 2028");
}

#[test]
fn rarer_than_daily_is_recognised() {
    for (cron, rarer) in [
        ("0 9 * * *", false),
        ("*/5 * * * *", false),
        ("0 9 * * Mon-Fri", true),
        ("0 9 1 * *", true),
        ("0 9 1-30 * *", true),
    ] {
        assert_eq!(line(cron).is_rarer_than_daily(), rarer, "{cron}");
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "[@*/,0-9A-Za-z周#L?+ -]{0,24}") {
        let _ = text.parse::<CronLine>();
    }

    #[test]
    fn between_the_latest_and_the_next_lies_nothing(
        second in 1_700_000_000_i64..1_900_000_000,
        cron in prop::sample::select(vec!["0 8 * * *", "30 2 * * *", "30 1 * * *", "*/15 * * * *", "0 8 * * Mon", "15,45 0-3 * * *"]),
    ) {
        let (line, now) = (line(cron), DateTime::from_timestamp(second, 0).unwrap());
        let (latest, next) = (line.latest(New_York, now).unwrap(), line.next(New_York, now).unwrap());
        prop_assert!(latest <= now && now < next);
        prop_assert_eq!(line.next(New_York, latest).unwrap(), next);
        prop_assert_eq!(line.latest(New_York, next - TimeDelta::seconds(1)).unwrap(), latest);
    }
}
