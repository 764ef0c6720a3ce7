use chrono_tz::America::New_York;
use chrono_tz::Asia::Shanghai;

use super::*;

/// A wall time of November 2026 in Shanghai, such as `24 08:00` (the 24th is a Tuesday).
fn at(text: &str) -> DateTime<Utc> {
    format!("2026-11-{}:00+08:00", text.replace(' ', "T"))
        .parse::<DateTime<chrono::FixedOffset>>()
        .unwrap()
        .to_utc()
}

fn line(text: &str) -> CronLine {
    text.parse().unwrap()
}

fn occurrence(text: &str) -> Due {
    Due::Occurrence(at(text))
}

fn answer(text: &str) -> Due {
    Due::Answer(at(text))
}

const OWES: bool = true;
const FINE: bool = false;

#[test]
#[rustfmt::skip] // a table
fn who_is_due_and_why() {
    for (cron, accepted, asked, owes_answer, now, expected, why) in [
        ("0 8 * * *", "01 00:00", None, FINE, "24 03:00", Some(Due::FirstTime), "never asked: at once, whatever the hour"),
        ("0 8 * * *", "24 02:59", None, FINE, "24 03:00", Some(Due::FirstTime), "a new entry is never asked either"),
        ("0 8 * * *", "01 00:00", Some("23 08:00"), FINE, "24 07:59", None, "not yet"),
        ("0 8 * * *", "01 00:00", Some("23 08:00"), FINE, "24 08:00", Some(occurrence("24 08:00")), "it has come"),
        ("0 8 * * *", "01 00:00", Some("24 08:00"), FINE, "24 08:00", None, "asked at that very instant"),
        ("0 8 * * *", "01 00:00", Some("24 08:01"), FINE, "24 23:00", None, "asked for"),
        ("0 8 * * *", "01 00:00", Some("24 07:50"), FINE, "24 08:00", Some(occurrence("24 08:00")), "a check by hand before it does not serve it"),
        ("0 8 * * *", "01 00:00", Some("20 08:00"), FINE, "24 12:00", Some(occurrence("24 08:00")), "of several missed the latest counts"),
        ("0 8 * * *", "01 00:00", Some("23 08:00"), FINE, "24 20:00", Some(occurrence("24 08:00")), "missed, next exactly half an interval away: made up"),
        ("0 8 * * *", "01 00:00", Some("23 08:00"), FINE, "24 20:01", None, "less than half an interval: left to the next"),
        ("0 8 * * Mon", "01 00:00", Some("16 08:00"), FINE, "26 12:00", Some(occurrence("23 08:00")), "weekly, missed by three days"),
        ("0 8 * * Mon", "01 00:00", Some("16 08:00"), FINE, "27 12:00", None, "weekly, nearer to the next"),
        ("0 8 * * Mon", "01 00:00", Some("23 08:00"), FINE, "24 08:00", None, "weekly, no day of it"),
        ("0 8 * * *", "24 08:30", Some("23 08:00"), FINE, "24 09:00", None, "the line was accepted after this occurrence"),
        ("0 8 * * *", "24 08:00", Some("23 08:00"), FINE, "24 09:00", Some(occurrence("24 08:00")), "accepted at that very instant"),
        ("0 8 * * *", "30 08:00", Some("23 08:00"), FINE, "24 08:00", Some(occurrence("24 08:00")), "accepted ahead of the clock counts as now"),
        ("0 8 * * *", "01 00:00", Some("30 08:00"), FINE, "24 09:00", None, "asked ahead of the clock counts as now"),
        ("*/1 * * * * *", "01 00:00", Some("24 07:59"), FINE, "24 08:00", Some(occurrence("24 08:00")), "a line of every second is not starved"),
        ("0 8 * * Mon", "01 00:00", Some("23 08:00"), OWES, "24 07:59", None, "owes, but the day's hour has not come"),
        ("0 8 * * Mon", "01 00:00", Some("23 08:00"), OWES, "24 08:00", Some(answer("24 08:00")), "owes: daily, though its line is weekly"),
        ("0 8 * * Mon", "01 00:00", Some("24 08:00"), OWES, "24 22:00", None, "owes: once a day"),
        ("0 8 * * Mon", "01 00:00", Some("24 08:00"), OWES, "25 08:00", Some(answer("25 08:00")), "owes: the next day again"),
        ("0 8 * * Mon", "01 00:00", Some("23 08:00"), OWES, "24 21:00", None, "owes: half a day's rule too"),
        ("0 8 * * Mon", "01 00:00", Some("16 08:00"), OWES, "23 08:00", Some(occurrence("23 08:00")), "one call serves both reasons"),
        ("0 8 * * Mon", "01 00:00", Some("16 08:00"), OWES, "23 20:00", Some(occurrence("23 08:00")), "owes, and was missed: made up while the next day's hour is half a day away"),
        ("0 8 * * Mon", "01 00:00", Some("16 08:00"), OWES, "24 00:11", None, "owes, and was missed: not at midnight, out of the calls that others need"),
        ("0 8 * * Mon", "01 00:00", Some("16 08:00"), OWES, "24 08:00", Some(answer("24 08:00")), "but at the next day's hour"),
        ("0 6,18 * * *", "01 00:00", Some("24 06:00"), OWES, "24 08:00", Some(answer("24 08:00")), "its own line is denser, the day's hour is another"),
    ] {
        let (line, day_line) = (line(cron), line("0 8 * * *"));
        let rhythm = Rhythm {
            line: &line,
            day_line: &day_line,
            zone: Shanghai,
        };
        let asked = LastAsked {
            accepted_at: at(accepted),
            last_asked_at: asked.map(at),
            tried_at: None,
            owes_answer,
        };
        assert_eq!(Occasions::at(rhythm, at(now)).due(&asked), expected, "{why}");
    }
}

#[test]
fn what_was_missed_is_made_up_once_and_all_before_it_was_skipped() {
    let day_line = line("0 8 * * *");
    for (cron, accepted, asked, now, expected, why) in [
        ("0 8 * * *", "01 00:00", Some("23 08:00"), "24 08:00", (0, 0), "in time"),
        ("0 8 * * *", "01 00:00", Some("23 08:00"), "24 08:02", (0, 0), "the bell may be a little late"),
        ("0 8 * * *", "01 00:00", Some("23 08:00"), "24 10:00", (1, 0), "two hours late"),
        ("0 8 * * *", "01 00:00", Some("20 08:01"), "24 10:00", (1, 3), "after three days"),
        ("0 8 * * *", "01 00:00", Some("22 08:01"), "24 08:00", (0, 1), "yesterday's was left to today's"),
        (
            "0 8 * * *",
            "23 08:00",
            Some("20 08:01"),
            "24 08:00",
            (0, 1),
            "owed from the moment the line was accepted",
        ),
        ("0 8 * * *", "23 08:01", Some("20 08:01"), "24 08:00", (0, 0), "nothing before that"),
        ("0 8 * * Mon", "01 00:00", Some("02 08:01"), "23 08:00", (0, 2), "weekly"),
        ("0 8 * * *", "01 00:00", None, "24 10:00", (0, 0), "never asked for: nothing was missed"),
    ] {
        let line = line(cron);
        let asked = LastAsked {
            accepted_at: at(accepted),
            last_asked_at: asked.map(at),
            tried_at: None,
            owes_answer: FINE,
        };
        let mut occasions = OccasionsByLine::at(&day_line, Shanghai, at(now));
        let due = occasions.of(&line).due(&asked).unwrap();
        let Missed { made_up, skipped } = occasions.missed(&line, &asked, due);
        assert_eq!((made_up, skipped), expected, "{why}");
    }
}

#[test]
fn the_days_hour_is_eight_where_the_schedule_has_none_that_day() {
    let (own, weekly) = (line("0 8 1 * *"), line("0 10 * * Mon"));
    let rhythm = Rhythm { line: &own, day_line: &weekly, zone: Shanghai };
    for (asked, now, expected, why) in [
        ("22 08:00", "23 09:59", None, "Monday: the schedule's own hour, 10"),
        ("22 08:00", "23 10:00", Some(answer("23 10:00")), "Monday at 10"),
        ("23 10:00", "24 08:00", Some(answer("24 08:00")), "Tuesday: 08:00"),
    ] {
        let asked = LastAsked {
            accepted_at: at("01 00:00"),
            last_asked_at: Some(at(asked)),
            tried_at: None,
            owes_answer: true,
        };
        assert_eq!(Occasions::at(rhythm, at(now)).due(&asked), expected, "{why}");
    }
}

#[test]
fn the_next_time_is_the_nearest_of_all_reasons() {
    let (own, day_line) = (line("0 8 * * Mon"), line("0 8 * * *"));
    let rhythm = Rhythm { line: &own, day_line: &day_line, zone: Shanghai };
    for (asked, owes_answer, now, next, why) in [
        (None, FINE, "24 09:00", "24 09:00", "never asked: now"),
        (Some("23 08:00"), FINE, "24 09:00", "30 08:00", "its line"),
        (Some("24 08:00"), OWES, "24 09:00", "25 08:00", "the day's hour"),
        (Some("24 08:00"), OWES, "24 08:00", "25 08:00", "asked at the day's hour: the next one"),
        (Some("23 08:00"), OWES, "24 09:00", "24 09:00", "owed already"),
    ] {
        let asked = LastAsked {
            accepted_at: at("01 00:00"),
            last_asked_at: asked.map(at),
            tried_at: None,
            owes_answer,
        };
        assert_eq!(Occasions::at(rhythm, at(now)).next_due(&asked), Some(at(next)), "{why}");
    }
}

#[test]
fn a_daily_line_is_due_once_a_day_through_clock_changes() {
    let daily = line("30 2 * * *");
    let rhythm = Rhythm { line: &daily, day_line: &daily, zone: New_York };
    for (start, days) in [("2026-03-01T12:00:00Z", 20_i64), ("2026-10-25T12:00:00Z", 20)] {
        let start: DateTime<Utc> = start.parse().unwrap();
        let mut asked =
            LastAsked { accepted_at: start, last_asked_at: Some(start), tried_at: None, owes_answer: true };
        let mut calls = 0;
        for minute in 1..=days * 24 * 6 {
            let now = start + TimeDelta::minutes(minute * 10);
            if Occasions::at(rhythm, now).due(&asked).is_some() {
                asked.last_asked_at = Some(now);
                calls += 1;
            }
        }
        assert_eq!(calls, days);
    }
}

#[test]
fn a_first_turn_that_was_not_over_goes_on_but_not_at_midnight() {
    for (daily, tried, now, is_due) in [
        ("0 8 * * *", "23 08:00", "23 08:15", true),
        ("0 8 * * *", "23 22:00", "23 23:59", true),
        ("0 8 * * *", "23 22:00", "24 00:11", false),
        ("0 8 * * *", "23 08:00", "24 07:59", false),
        ("0 8 * * *", "23 08:00", "24 08:00", true),
        ("0 8 * * *", "24 00:10", "24 00:25", true),
        // Where midnight is the day's hour, it is the hour that the others have.
        ("0 0 * * *", "23 22:00", "24 00:11", true),
    ] {
        let daily = line(daily);
        let rhythm = Rhythm { line: &daily, day_line: &daily, zone: Shanghai };
        let asked = LastAsked {
            accepted_at: at("01 00:00"),
            last_asked_at: None,
            tried_at: Some(at(tried)),
            owes_answer: OWES,
        };
        let expected = is_due.then_some(Due::FirstTime);
        assert_eq!(Occasions::at(rhythm, at(now)).due(&asked), expected, "tried {tried}, now {now}");
    }
}

#[test]
fn what_was_missed_stays_so_until_somebody_asks() {
    for (cron, accepted, asked, now, expected, why) in [
        ("0 8 * * *", "01 00:00", Some("23 08:00"), "24 07:59", None, "nothing yet"),
        ("0 8 * * *", "01 00:00", Some("23 08:00"), "24 08:00", Some("23 08:00"), "it has come"),
        ("0 8 * * *", "01 00:00", Some("23 08:00"), "24 21:00", Some("23 08:00"), "left for the next"),
        ("0 8 * * *", "01 00:00", Some("10 08:01"), "24 07:00", Some("10 08:01"), "of many the first"),
        ("0 8 * * *", "01 00:00", Some("24 08:01"), "24 21:00", None, "asked for"),
        ("0 8 * * *", "24 08:01", Some("23 08:00"), "24 21:00", None, "the line came after it"),
        ("0 8 * * *", "01 00:00", None, "24 21:00", None, "never asked: that is due by itself"),
        ("0 * * * *", "01 00:00", Some("24 08:00"), "24 10:30", Some("24 08:00"), "hourly"),
    ] {
        let (line, day_line) = (line(cron), line("0 8 * * *"));
        let rhythm = Rhythm { line: &line, day_line: &day_line, zone: Shanghai };
        let asked = LastAsked {
            accepted_at: at(accepted),
            last_asked_at: asked.map(at),
            tried_at: None,
            owes_answer: FINE,
        };
        let missed = Occasions::at(rhythm, at(now)).missed_after(&asked);
        assert_eq!(missed, expected.map(at), "{cron} at {now}: {why}");
    }
}

#[test]
fn who_was_asked_since_the_latest_occasion_is_not_due() {
    let (weekly, daily) = (line("0 8 * * Mon"), line("0 8 * * *"));
    for (own, now, latest, why) in [
        (&weekly, "24 09:00", "24 08:00", "the day's hour, for those who owe an answer"),
        (&weekly, "24 07:00", "23 08:00", "its own"),
        (&daily, "24 08:00", "24 08:00", "this very instant"),
    ] {
        let rhythm = Rhythm { line: own, day_line: &daily, zone: Shanghai };
        assert_eq!(Occasions::at(rhythm, at(now)).latest(), Some(at(latest)), "{why}");
    }
}

#[test]
fn what_several_companies_missed_adds_up() {
    let mut all = Missed { made_up: 2, skipped: 3 };
    all += Missed { made_up: 5, skipped: 7 };
    assert_eq!(all, Missed { made_up: 7, skipped: 10 });
}
