//! Rare states that a run must have come to: proof that the faults bite.

use std::collections::BTreeMap;

use super::course::Course;
use super::ledgers::Posted;
use super::oracle::{Told, Verdict};
use super::registry::{Call, Gave};
use super::weather::{Manner, What};

/// What must have occurred over all seeds of a long run.
pub const NEEDED: [&str; 17] = [
    "a process was killed",
    "connections were cut",
    "two daemons worked side by side",
    "a gain was taken back",
    "a mass loss was held back",
    "a removal was established",
    "a certificate came back",
    "a certificate was replaced",
    "a company had two pages",
    "an answer did not add up",
    "an answer was empty",
    "another company answered",
    "asking was stopped",
    "upstream was down",
    "a company was unverified for a week",
    "a mail was repeated",
    "a mail's answer was lost",
];

pub fn seen(
    course: &Course,
    verdict: &Verdict,
    told: &Told,
    ledger: &[Call],
    posted: &Posted,
) -> BTreeMap<&'static str, usize> {
    let lines = |kind: &str| told.values().flatten().filter(|line| line.starts_with(kind)).count();
    let gave = |fits: &dyn Fn(Gave) -> bool| ledger.iter().filter(|call| fits(call.gave)).count();
    let distinct: std::collections::BTreeSet<_> = posted.mails.iter().map(|mail| &mail.id).collect();
    let down =
        |fault: &&super::weather::Fault| fault.company.is_none() && matches!(fault.what, What::Manner(_));
    let counts = [
        ("a process was killed", course.seen.kills as usize),
        ("connections were cut", course.seen.cuts as usize),
        ("two daemons worked side by side", course.seen.second_daemons as usize),
        ("a gain was taken back", lines("retracted")),
        ("a mass loss was held back", verdict.masses.len()),
        ("a removal was established", lines("certificate_removed")),
        ("a certificate came back", lines("certificate_restored")),
        ("a certificate was replaced", lines("certificate_replaced")),
        ("a company had two pages", gave(&|gave| gave == Gave::Page)),
        (
            "an answer did not add up",
            gave(&|gave| matches!(gave, Gave::Amiss(Manner::Short | Manner::Shuffled))),
        ),
        (
            "an answer was empty",
            gave(&|gave| matches!(gave, Gave::Amiss(Manner::Nothing | Manner::Code(265_004)))),
        ),
        ("another company answered", gave(&|gave| gave == Gave::Amiss(Manner::OtherCompany))),
        (
            "asking was stopped",
            gave(&|gave| matches!(gave, Gave::Amiss(Manner::Code(10_001 | 10_011..=10_013)))),
        ),
        ("upstream was down", course.weather.faults.iter().filter(down).count()),
        ("a company was unverified for a week", lines("unverified")),
        ("a mail was repeated", posted.mails.len() - distinct.len()),
        ("a mail's answer was lost", posted.lost_answers),
    ];
    counts.into_iter().filter(|(_, count)| *count > 0).collect()
}
