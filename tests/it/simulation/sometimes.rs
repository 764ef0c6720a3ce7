//! Rare states that a run must have come to: proof that the faults bite.

use std::collections::{BTreeMap, BTreeSet};

use super::course::Course;
use super::judgement::Beaten;
use super::ledgers::Posted;
use super::oracle::{Told, Verdict};
use super::registry::{Call, Gave};
use super::truth::Spelling;
use super::turns::Turned;
use super::weather::{Edit, Lie, Mail, Manner, What};

/// Only lean worlds come to these, which are few in most runs.
const OF_LEAN_WORLDS: usize = usize::MAX;

/// What must have occurred over all seeds of a run, and in how many worlds at the latest: so many that it is missed by chance once
/// in a million runs (counted over five hundred seeds).
pub const NEEDED: [(usize, &str); 70] = [
    (5, "the heartbeat had to say that all is well"),
    (5, "a removal was established"),
    (5, "a certificate came back"),
    (5, "a certificate was replaced"),
    (5, "a certificate was renewed"),
    (5, "an end was put off"),
    (5, "an end came earlier"),
    (5, "a grade was raised"),
    (5, "lie: without a certificate"),
    (5, "lie: another grade"),
    (10, "a row had no number"),
    (10, "a name was written otherwise"),
    (10, "labour was registered"),
    (10, "a company was taken out"),
    (10, "somebody else was to hear, too"),
    (10, "a company was renamed"),
    (10, "a company was imported anew"),
    (10, "a gain was taken back"),
    (10, "a grade was lowered"),
    (10, "nothing was found"),
    (10, "a code in passing came"),
    (10, "lie: without a row"),
    (10, "lie: a later end"),
    (10, "lie: an earlier end"),
    (10, "lie: an end in words"),
    (10, "lie: one more certificate"),
    (20, "somebody was told what is open"),
    (20, "operators heard of an edit"),
    (20, "names were absorbed by a wider one"),
    (20, "a process was killed"),
    (20, "several daemons worked side by side"),
    (20, "a clock was wrong"),
    (20, "a company was put back"),
    (20, "a grade was reworded"),
    (20, "a company was unverified for a week"),
    (20, "an answer was a status without a body"),
    (20, "an answer was short"),
    (20, "an answer was empty"),
    (20, "lie: only the first certificate"),
    (20, "mail was put off"),
    (20, "the heartbeat had to fail"),
    (30, "connections were cut"),
    (30, "a company had two pages"),
    (30, "an item came twice"),
    (30, "another company answered"),
    (30, "the quota was spent"),
    (30, "an unknown code came"),
    (30, "mail was away"),
    (30, "mail was put off after the message"),
    (30, "a mail's answer was lost"),
    (30, "all addresses were unknown"),
    (30, "the sender was refused late"),
    (30, "mail was answered in GBK"),
    (30, "a connection took one message"),
    (40, "mail was slow"),
    (40, "all recipients were greylisted"),
    (40, "the mail server was restarted in mid-run"),
    (50, "a mass loss was held back"),
    (50, "an answer was a redirect"),
    (50, "an answer was a web page"),
    (50, "a total moved between pages"),
    (50, "the first page came again"),
    (50, "a message was refused or left unanswered"),
    (75, "the address was limited"),
    (150, "the key was refused"),
    (300, "a mail was repeated"),
    (OF_LEAN_WORLDS, "a company was not begun for want of calls"),
    (OF_LEAN_WORLDS, "a company had more pages than a day had calls"),
    (OF_LEAN_WORLDS, "a dead entry stood beside a stop"),
    (OF_LEAN_WORLDS, "a probe went to another company than the last"),
];

pub fn seen(
    course: &Course,
    verdict: &Verdict,
    told: &Told,
    ledger: &[Call],
    posted: &Posted,
    turned: Turned,
    beaten: Beaten,
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
    add("operators heard of an edit", verdict.edits.len());
    add("a mass loss was held back", verdict.masses.len());
    for edit in course.weather.edits.values().flatten() {
        add(of_edit(*edit), 1);
    }
    let watched = course.truth.watched.iter().map(|index| &course.truth.companies[*index]);
    for company in watched {
        add("a company was renamed", company.names.len() - 1);
        add("a company was imported anew", usize::from(company.imported_anew.is_some()));
        let sights = || company.rows.values().flatten().filter_map(|chapter| chapter.sight.as_ref());
        let aliases = sights().filter(|sight| sight.spelling == Spelling::Alias).count();
        add("a name was written otherwise", aliases);
        let labour = company.rows.keys().filter(|row| row.qualification == "施工劳务").count();
        add("labour was registered", labour);
        add("a row had no number", company.unnumbered.len());
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
    add("the heartbeat had to say that all is well", beaten.well);
    add("the heartbeat had to fail", beaten.failing);
    add("a company was not begun for want of calls", turned.unbegun);
    add("a company had more pages than a day had calls", turned.beyond);
    add("a dead entry stood beside a stop", turned.dead_beside_a_stop);
    add("a probe went to another company than the last", turned.probes_elsewhere);
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
        "briefing" => "somebody was told what is open",
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
        "qualification_absorbed" => "names were absorbed by a wider one",
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
        Mail::UnknownAll => "all addresses were unknown",
        Mail::RefusedLate => "the sender was refused late",
        Mail::InGbk => "mail was answered in GBK",
        Mail::OnePerConnection => "a connection took one message",
        Mail::Slow => "mail was slow",
        Mail::Greylisted => "all recipients were greylisted",
        Mail::Restarted => "the mail server was restarted in mid-run",
    }
}
