//! The demo's story has what its file promises, and nothing that would set off the guard against mass losses.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::Rig;
use crate::sandbox::Scenario;

/// What is stated of each certificate number of a company: issue date, end and names.
type Listed = BTreeMap<String, (String, String, BTreeSet<String>)>;

fn listed(scenario: &Scenario, keyword: &str, day: NaiveDate) -> Listed {
    let certificates = scenario.listed(keyword, day).into_iter();
    certificates
        .map(|listed| {
            let names = listed.qualifications.clone().unwrap().split(',').map(str::to_owned).collect();
            let dates = (listed.issued.clone().unwrap(), listed.until.clone().unwrap());
            let names: BTreeSet<String> = names;
            // Of a certificate with several ends each row is looked at by itself.
            let number = match listed.number.clone().unwrap() {
                number if number == "D341000337" => format!("{number} {}", names.first().unwrap()),
                number => number,
            };
            (number, (dates.0, dates.1, names))
        })
        .collect()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// Each day's changes: (company, certificate, what) with `what` one of the words below.
fn changes(scenario: &Scenario, today: NaiveDate) -> Vec<(String, String, &'static str)> {
    let mut changes = Vec::new();
    for keyword in scenario.keywords() {
        let before = listed(scenario, keyword, today.pred_opt().unwrap());
        let after = listed(scenario, keyword, today);
        for number in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
            let what = match (before.get(number), after.get(number)) {
                (None, _) => "comes",
                (_, None) => "goes",
                (Some(old), Some(new)) if old == new => continue,
                (Some(old), Some(new)) if new.2 != old.2 => {
                    if new.2.is_superset(&old.2) {
                        "gains a name"
                    } else if new.2.is_subset(&old.2) {
                        "loses a name"
                    } else {
                        "changes a name"
                    }
                }
                (Some(old), Some(new)) if new.1 < old.1 => "ends earlier",
                (Some(old), Some(new)) if new.1 > old.1 && new.0 == old.0 => "ends later",
                (Some(old), Some(new)) if new.1 > old.1 => "is renewed",
                _ => "is reissued",
            };
            changes.push((keyword.to_owned(), number.clone(), what));
        }
    }
    changes
}

#[test]
fn every_chapter_of_the_demo_happens_on_its_day_and_nothing_else_does() {
    let scenario = Scenario::demo();
    let mut told: Vec<(String, String, &str)> = Vec::new();
    for today in day("2026-01-06").iter_days().take_while(|today| *today <= day("2027-01-31")) {
        let mut losing = BTreeSet::new();
        for (company, number, what) in changes(&scenario, today) {
            if matches!(what, "goes" | "loses a name" | "changes a name" | "ends earlier") {
                losing.insert(company);
            }
            told.push((today.to_string(), number, what));
        }
        assert!(losing.len() <= 1, "{today}: {losing:?}");
    }
    let expected = [
        ("2026-01-08", "D141000018", "changes a name"),
        ("2026-01-09", "D141000034", "changes a name"),
        ("2026-01-12", "D141000042", "changes a name"),
        ("2026-01-14", "D341000026", "comes"),
        ("2026-01-15", "A141000042", "gains a name"),
        ("2026-01-16", "E241000066", "goes"),
        ("2026-01-19", "D241000075", "comes"),
        ("2026-01-20", "A241000059", "loses a name"),
        ("2026-01-21", "D241000083", "is renewed"),
        ("2026-01-22", "A241000059", "loses a name"),
        ("2026-01-23", "D241000091", "is reissued"),
        ("2026-01-25", "D241000067", "goes"),
        ("2026-01-26", "B141000090", "ends earlier"),
        ("2026-01-28", "B241000109", "comes"),
        ("2026-01-29", "E241000066", "comes"),
        ("2026-01-29", "B241000109", "goes"),
        ("2026-02-02", "D241000203", "ends later"),
        ("2026-02-02", "D241000211", "ends later"),
        ("2026-02-02", "D241000229", "ends later"),
        ("2026-02-02", "D241000237", "ends later"),
        ("2026-02-02", "D241000245", "ends later"),
        ("2026-02-06", "D341000123", "goes"),
        ("2026-02-10", "E141000206", "goes"),
        ("2026-02-10", "E141000214", "comes"),
        ("2026-02-12", "D141000307", "goes"),
        ("2026-02-12", "D241000315", "comes"),
        ("2026-02-17", "D341000329", "changes a name"),
        ("2026-02-24", "D341000337 建筑装修装饰工程专业承包二级", "is renewed"),
        ("2026-02-26", "-", "comes"),
        ("2026-03-01", "-", "goes"),
        ("2026-04-08", "D241000351", "is renewed"),
    ];
    let expected = expected.map(|(day, number, what)| (day.to_owned(), number.to_owned(), what));
    assert_eq!(told, expected);
}

#[test]
fn no_certificate_number_of_the_demo_belongs_to_two_companies() {
    let scenario = Scenario::demo();
    let mut owner = BTreeMap::new();
    let mut prefixes = BTreeSet::new();
    for keyword in scenario.keywords() {
        for today in ["2026-01-05", "2026-01-28", "2026-03-01"] {
            for certificate in scenario.listed(keyword, day(today)) {
                let number = certificate.number.clone().unwrap();
                assert_eq!(*owner.entry(number.clone()).or_insert(keyword), keyword, "{number}");
                let business_id = certificate.business_id.clone().unwrap();
                let (prefix, rest) = business_id.split_once('-').unwrap();
                assert_eq!((prefix.len(), rest), (24, number.as_str()));
                prefixes.insert((prefix.to_owned(), keyword));
            }
        }
    }
    assert_eq!(prefixes.len(), 17);
}

#[tokio::test]
async fn the_demo_has_its_dark_days() {
    let rig = Rig::new(Scenario::demo()).await;
    let garden = "示例园林绿化设计有限公司";
    for (now, keyword, code) in [
        ("2026-01-24T08:00:00+08:00", garden, 0),
        ("2026-01-25T08:00:00+08:00", garden, 265_003),
        ("2026-02-10T08:00:00+08:00", "91410100MA10ABCD0F", 265_003),
        ("2026-02-10T08:00:00+08:00", "示例钢结构有限公司", 0),
        ("2026-02-11T08:00:00+08:00", garden, 0),
        ("2026-02-14T08:00:00+08:00", garden, 10012),
        ("2026-02-15T00:05:00+08:00", garden, 0),
        ("2026-02-20T08:00:00+08:00", garden, 10001),
        ("2026-02-20T09:00:00+08:00", garden, 0),
    ] {
        rig.set(now);
        assert_eq!(rig.ask(keyword).await["error_code"], code, "{now} {keyword}");
    }
}
