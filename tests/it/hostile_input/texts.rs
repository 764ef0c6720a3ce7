//! Dates, names, numbers, cron lines: any text.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use proptest::prelude::*;
use qualwatch::domain::credit_code;
use qualwatch::domain::dates::{End, odd_dates, read_end, read_issue_day};
use qualwatch::domain::keyword::Keyword;
use qualwatch::domain::number::CertificateNumber;
use qualwatch::domain::occurrences::CronLine;
use qualwatch::domain::qualification::{grade_change, split};
use qualwatch::domain::text::{displayable, normalised};

use super::{hostile, is_inert};

pub fn dates(inputs: u32) {
    super::judge(inputs, &(hostile(), hostile()), |(end, issued)| {
        let read = read_end(Some(&end));
        let issued = read_issue_day(Some(&issued));
        if let End::Day(day) = read {
            prop_assert_eq!(read_end(Some(&day.to_string())), read, "a day is a day however it is written");
            prop_assert!((1901..2099).contains(&chrono::Datelike::year(&day)), "{}", day);
            let _ = odd_dates(issued, day, day);
        }
        Ok(())
    });
}

pub fn names(inputs: u32) {
    super::judge(inputs, &(hostile(), hostile()), |(names, number)| {
        let all = split(&(names.clone() + &number));
        let keys: BTreeSet<_> = all.iter().map(|one| one.key.as_str()).collect();
        prop_assert_eq!(keys.len(), all.len(), "the same twice is one");
        for one in &all {
            prop_assert!(is_inert(&one.text), "{:?}", one.text);
            let _ = grade_change(one.grade.as_ref(), all[0].grade.as_ref());
        }
        if let Some(number) = CertificateNumber::parse(&number) {
            prop_assert!(is_inert(number.text()), "{:?}", number.text());
            let back = CertificateNumber::try_from(number.text().to_owned()).unwrap();
            prop_assert_eq!(back.key(), number.key(), "read back from its row");
        }
        prop_assert_eq!(normalised(&normalised(&names)), normalised(&names));
        prop_assert_eq!(displayable(&displayable(&names)), displayable(&names));
        let _ = credit_code::judge(&names);
        if let Ok(keyword) = names.parse::<Keyword>() {
            prop_assert!(keyword.as_str().chars().count() <= 100);
        }
        Ok(())
    });
}

pub fn cron_lines(inputs: u32) {
    let field = prop_oneof![
        4 => Just("*".to_owned()),
        3 => "[0-9]{1,2}",
        2 => "[0-9]{1,2}-[0-9]{1,2}(/[0-9]{1,3})?",
        2 => "\\*/[0-9]{1,4}",
        2 => "([0-9]{1,2},){1,5}[0-9]{1,2}",
        1 => "(Mon|SUN|fri|Jan|L|W|15W|5#2|MON#5|L-3|周一|\\?|FRI-MON)",
        1 => hostile(),
    ];
    let line = prop_oneof![
        8 => prop::collection::vec(field, 4..8).prop_map(|fields| fields.join(" ")),
        1 => "@[a-z]{1,8}",
        1 => hostile(),
    ];
    let zones = prop::sample::select(vec![
        chrono_tz::Asia::Shanghai,
        chrono_tz::America::New_York,
        chrono_tz::Pacific::Apia,
    ]);
    super::judge(inputs, &(line, zones, 0..4_000_000_000_i64), |(line, zone, at)| {
        let Ok(line) = line.parse::<CronLine>() else { return Ok(()) };
        let now = DateTime::from_timestamp(at, 0).unwrap();
        followed(&line, zone, now)
    });
}

fn followed(line: &CronLine, zone: Tz, now: DateTime<Utc>) -> super::Found {
    let (latest, next) = (line.latest(zone, now), line.next(zone, now));
    prop_assert!(latest.is_none_or(|latest| latest <= now), "{:?} is not before {}", latest, now);
    prop_assert!(next.is_none_or(|next| next > now), "{:?} is not after {}", next, now);
    prop_assert!(line.interval(zone, now) >= chrono::TimeDelta::zero());
    let week = line.between(zone, now, now + chrono::TimeDelta::days(7));
    prop_assert!(week <= 7 * 86_400 + 3_600, "{} in a week", week);
    let _ = (line.is_rarer_than_daily(), line.first_of_day(zone, now.date_naive()));
    prop_assert_eq!(&line.as_str().parse::<CronLine>().unwrap(), line, "read back");
    Ok(())
}
