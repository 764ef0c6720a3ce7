//! Rare states that a run must have come to: proof that the faults bite.

use std::collections::{BTreeMap, BTreeSet};

use super::course::Course;
use super::ledgers::Posted;
use super::oracle::{Told, Verdict};
use super::registry::{Call, Gave};
use super::weather::{Edit, Lie, Mail, Manner, What};

/// What must have occurred over all seeds of a long run.
pub const NEEDED: [&str; 51] = [
    "a process was killed",
    "connections were cut",
    "several daemons worked side by side",
    "a clock was wrong",
    "a company was taken out",
    "a company was put back",
    "somebody else was to hear, too",
    "a company was renamed",
    "a company was imported anew",
    "a gain was taken back",
    "a mass loss was held back",
    "a removal was established",
    "a certificate came back",
    "a certificate was replaced",
    "a certificate was renewed",
    "an end was put off",
    "an end came earlier",
    "a grade was raised",
    "a grade was lowered",
    "a grade was reworded",
    "a company was unverified for a week",
    "a company had two pages",
    "an answer was a status without a body",
    "an answer was a redirect",
    "an answer was a web page",
    "an answer was short",
    "an item came twice",
    "a total moved between pages",
    "the first page came again",
    "an answer was empty",
    "nothing was found",
    "another company answered",
    "the key was refused",
    "the address was limited",
    "the quota was spent",
    "an unknown code came",
    "a code in passing came",
    "lie: without a certificate",
    "lie: without a row",
    "lie: a later end",
    "lie: an earlier end",
    "lie: an end in words",
    "lie: another grade",
    "lie: one more certificate",
    "lie: only the first certificate",
    "mail was away",
    "mail was put off",
    "mail was put off after the message",
    "a mail's answer was lost",
    "a message was refused or left unanswered",
    "a mail was repeated",
];

pub fn seen(
    course: &Course,
    verdict: &Verdict,
    told: &Told,
    ledger: &[Call],
    posted: &Posted,
) -> BTreeMap<&'static str, usize> {
    let mut counts: BTreeMap<&'static str, usize> = BTreeMap::new();
    let mut add = |name, count| *counts.entry(name).or_default() += count;
    add("a process was killed", course.seen.kills as usize);
    add("connections were cut", course.seen.cuts as usize);
    add("several daemons worked side by side", course.seen.several_daemons as usize);
    add("a clock was wrong", course.seen.wrong_clocks as usize);
    for line in told.values().flatten() {
        let kind = line.split(' ').next().unwrap_or_default();
        add(of_kind(kind), 1);
    }
    add("a mass loss was held back", verdict.masses.len());
    for edit in course.weather.edits.values().flatten() {
        add(of_edit(*edit), 1);
    }
    let watched = course.truth.watched.iter().map(|index| &course.truth.companies[*index]);
    for company in watched {
        add("a company was renamed", company.names.len() - 1);
        add("a company was imported anew", usize::from(company.imported_anew.is_some()));
    }
    for call in ledger {
        match call.gave {
            Gave::Page => add("a company had two pages", 1),
            Gave::Whole => {}
            Gave::Nothing => add("nothing was found", 1),
            Gave::Amiss(manner) => add(of_manner(manner), 1),
        }
    }
    for fault in &course.weather.faults {
        if let What::Lie(lie) = &fault.what {
            add(of_lie(lie), 1);
        }
    }
    for mail in course.weather.mail.values() {
        add(of_mail(*mail), 1);
    }
    add("a message was refused or left unanswered", posted.unanswered);
    let distinct: BTreeSet<_> = posted.mails.iter().map(|mail| &mail.id).collect();
    add("a mail was repeated", posted.mails.len() - distinct.len());
    let deliveries = posted.owed.iter().flat_map(|owed| &owed.deliveries);
    add("a delivery was cancelled", deliveries.filter(|delivery| delivery.is_cancelled).count());
    counts.retain(|name, count| *count > 0 && !name.is_empty());
    counts
}

fn of_kind(kind: &str) -> &'static str {
    match kind {
        "retracted" => "a gain was taken back",
        "certificate_removed" => "a removal was established",
        "certificate_restored" => "a certificate came back",
        "certificate_replaced" => "a certificate was replaced",
        "renewed" => "a certificate was renewed",
        "validity_extended" => "an end was put off",
        "validity_shortened" => "an end came earlier",
        "grade_raised" => "a grade was raised",
        "grade_lowered" => "a grade was lowered",
        "grade_reworded" => "a grade was reworded",
        "unverified" => "a company was unverified for a week",
        _ => "",
    }
}

fn of_edit(edit: Edit) -> &'static str {
    match edit {
        Edit::Out(_) => "a company was taken out",
        Edit::In(_) => "a company was put back",
        Edit::TwoReaders(_) => "somebody else was to hear, too",
        Edit::OneReader(_) => "",
    }
}

fn of_manner(manner: Manner) -> &'static str {
    match manner {
        Manner::Status(300..400) => "an answer was a redirect",
        Manner::Status(_) => "an answer was a status without a body",
        Manner::Portal => "an answer was a web page",
        Manner::Short => "an answer was short",
        Manner::Shuffled => "an item came twice",
        Manner::TotalMoves => "a total moved between pages",
        Manner::FirstPageAgain => "the first page came again",
        Manner::Nothing => "an answer was empty",
        Manner::OtherCompany => "another company answered",
        Manner::Code(265_004) => "nothing was found",
        Manner::Code(10_001) => "the key was refused",
        Manner::Code(10_011) => "the address was limited",
        Manner::Code(10_012 | 10_013) => "the quota was spent",
        Manner::Code(265_002) => "an unknown code came",
        Manner::Code(_) => "a code in passing came",
    }
}

fn of_lie(lie: &Lie) -> &'static str {
    match lie {
        Lie::WithoutCertificate(_) => "lie: without a certificate",
        Lie::WithoutRow(_) => "lie: without a row",
        Lie::LaterEnd(..) => "lie: a later end",
        Lie::EarlierEnd(_) => "lie: an earlier end",
        Lie::EndInWords(..) => "lie: an end in words",
        Lie::Grade(..) => "lie: another grade",
        Lie::OneMore(..) => "lie: one more certificate",
        Lie::OnlyTheFirst => "lie: only the first certificate",
    }
}

fn of_mail(mail: Mail) -> &'static str {
    match mail {
        Mail::Away => "mail was away",
        Mail::Later | Mail::LaterAtRcpt => "mail was put off",
        Mail::LaterAtDot => "mail was put off after the message",
        Mail::LostAfterDot => "a mail's answer was lost",
    }
}
