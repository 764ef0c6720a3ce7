//! A world told day by day: for whoever looks at one that failed.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::calendar::Day;
use super::course::Course;
use super::judgement::line_of;
use super::oracle::{Told, Verdict};
use super::registry::{Call, Gave};

/// What befell a company, what was shown of it, what had to be told, and what was told.
pub fn tell(company: usize, course: &Course, verdict: &Verdict, told: &Told) {
    let mut days: BTreeMap<Day, Vec<String>> = BTreeMap::new();
    let truth = &course.truth.companies[company];
    println!(
        "{} to {}; weekly: {}; found as {:?}, asked for as {:?}, another id from {:?}",
        course.truth.first, course.truth.last, truth.weekly, truth.names, truth.keywords, truth.imported_anew
    );
    let faults = course.weather.faults.iter();
    for fault in faults.filter(|fault| fault.company.is_none_or(|only| only == company)) {
        days.entry(fault.from)
            .or_default()
            .push(format!("until {} {}h {:?} {:?}", fault.to, fault.until_hour, fault.company, fault.what));
    }
    let ledger = course.registry.ledger();
    let of = |call: &Call| call.company.or_else(|| course.truth.formerly(&call.keyword));
    let of_ours = ledger.iter().filter(|call| of(call) == Some(company) && call.gave != Gave::Whole);
    let eventful: BTreeSet<Day> = of_ours.map(|call| Day::of_instant(call.at)).collect();
    // Of everybody: whose turn it was says why it was not ours.
    for call in &ledger {
        let day = Day::of_instant(call.at);
        if eventful.contains(&day) {
            let minutes = (call.at - day.at(0, 0)).num_minutes();
            let whom = of(call).map_or_else(|| "nobody".to_owned(), |company| company.to_string());
            let text = format!("{:02}:{:02} {whom} {:?}", minutes / 60, minutes % 60, call.gave);
            days.entry(day).or_default().push(text);
        }
    }
    for (day, blows) in &course.weather.blows {
        days.entry(*day).or_default().push(format!("{blows:?}"));
    }
    for (day, calls) in &course.weather.budgets {
        days.entry(*day).or_default().push(format!("{calls} calls a day"));
    }
    for (day, edits) in &course.weather.edits {
        let ours = edits.iter().filter(|edit| edit.company() == company);
        days.entry(*day).or_default().extend(ours.map(|edit| format!("{edit:?}")));
    }
    let mut before = BTreeMap::new();
    for ((_, at), shown) in
        verdict.shown.range((company, DateTime::<Utc>::MIN_UTC)..).take_while(|((of, _), _)| *of == company)
    {
        let lines = days.entry(Day::of_instant(*at)).or_default();
        lines.extend(
            before
                .iter()
                .filter(|row| !shown.contains_key(row.0))
                .map(|row| format!("gone {}", line_of(row))),
        );
        lines.extend(
            shown
                .iter()
                .filter(|row| before.get(row.0) != Some(row.1))
                .map(|row| format!("shown {}", line_of(row))),
        );
        lines.push("seen".to_owned());
        before.clone_from(shown);
    }
    for (what, all) in [("ought", &verdict.told), ("told", told)] {
        for ((day, of), lines) in all {
            if *of == company {
                days.entry(*day).or_default().extend(lines.iter().map(|line| format!("{what} {line}")));
            }
        }
    }
    days.retain(|_, lines| !lines.is_empty());
    for (day, lines) in days {
        println!("{day}: {}", lines.join("; "));
    }
}
