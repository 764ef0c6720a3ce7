//! What is said, in one canonical line a piece of news: lines are compared, not objects.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use super::super::calendar::Day;
use super::super::truth::{RowName, Sight, Step, height, is_renamed, step};
use super::dossier::{
    Claim, Dossier, Gain, News, covers, goes_on_as, is_as_high, is_exchanged, is_history, is_wider,
    is_wider_by_name, renews,
};

/// Texts whose differences mean nothing: blanks, width of brackets, formal numerals, which of two names of the same.
pub fn plain(text: &str) -> String {
    let unfold = |c: char| match c {
        '（' => '(',
        '）' => ')',
        '壹' => '一',
        '贰' => '二',
        '叁' => '三',
        other => other,
    };
    let text: String = text.chars().filter(|c| !c.is_whitespace()).map(unfold).collect();
    // Names that public tables write in two ways.
    text.replace("特种工程专业承包(结构补强)", "特种工程(结构补强)专业承包")
        .replace("施工劳务序列", "施工劳务")
}

pub fn of_row(row: &RowName, sight: &Sight) -> String {
    plain(&sight.text(row.qualification))
}

pub fn of_grade(row: &RowName, known: &Sight, sight: &Sight, direction: Step) -> String {
    let kind = match direction {
        Step::Up => "grade_raised",
        Step::Down => "grade_lowered",
        Step::Same | Step::Across => "grade_reworded",
    };
    format!("{kind} {} {} {} {}", row.number, of_row(row, sight), known.grade, sight.grade)
}

/// The rows by certificate.
fn by_number(rows: Vec<(RowName, Sight)>) -> BTreeMap<String, Vec<(RowName, Sight)>> {
    let mut grouped: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for (row, sight) in rows {
        grouped.entry(row.number.clone()).or_default().push((row, sight));
    }
    grouped
}

/// Says what appeared: as a certificate where nothing of it was known or said, else row by row.
pub fn of_appeared(
    dossier: &mut Dossier,
    (before, gone): (&BTreeMap<RowName, Sight>, &BTreeMap<RowName, Sight>),
    day: Day,
    news: &mut News,
) {
    let goes: BTreeMap<RowName, Sight> = news.lost.iter().cloned().collect();
    // What is known to go at this very look holds nothing any more, and did.
    let stays = before.iter().filter(|(row, _)| !goes.contains_key(*row));
    let stays: BTreeMap<&RowName, &Sight> = stays.collect();
    let went: BTreeMap<&RowName, &Sight> = gone.iter().chain(&goes).collect();
    let elsewhere = |(row, sight): &(RowName, Sight)| {
        held_elsewhere((row, sight), &stays, day).or_else(|| was_elsewhere((row, sight), &went, &stays))
    };
    for (number, rows) in by_number(std::mem::take(&mut news.appeared)) {
        let is_new = |row: &RowName| rows.iter().any(|(new, _)| new == row);
        let is_known = dossier.known.iter().any(|(row, sight)| {
            row.number == number && !is_new(row) && (before.contains_key(row) || !is_history(sight, day))
        });
        let is_said = dossier.claims.iter().any(|claim| {
            let of_row = matches!(claim.of, Gain::Row(_)) && claim.row.number == number;
            of_row && claim.said.is_some() && !is_new(&claim.row)
        });
        let mut kind = "qualification_added";
        if is_known || is_said {
            let each = |new: &(RowName, Sight)| {
                let text = of_row(&new.0, &new.1);
                with_facts(format!("{kind} {number} {text}"), [], elsewhere(new))
            };
            news.said.extend(rows.iter().map(each));
        } else {
            let replaced = replaced_by(before, &rows, &goes, day);
            let what = if gone.keys().any(|row| row.number == number) {
                kind = "certificate_restored";
                format!("{kind} {number}")
            } else if replaced.is_empty() {
                kind = "certificate_added";
                format!("{kind} {number}")
            } else {
                kind = "certificate_replaced";
                let old: Vec<&str> = replaced.iter().map(String::as_str).collect();
                format!("{kind} {} {number}", old.join(","))
            };
            // What is replaced has its number said, and its grade only where that was exchanged.
            let is_exchanged = |(row, sight): &&(RowName, Sight)| {
                let mut others = before.iter().filter(|(other, _)| is_same_elsewhere(other, row));
                kind != "certificate_replaced" || others.any(|(_, old)| is_exchanged(row, old, sight))
            };
            let facts = rows.iter().filter(is_exchanged).filter_map(elsewhere);
            news.said.push(with_facts(what, rows.iter().map(|(row, sight)| of_row(row, sight)), facts));
            if kind == "certificate_replaced" {
                news.replaced.extend(replaced);
            }
        }
        for claim in &mut dossier.claims {
            if matches!(claim.of, Gain::Row(_)) && claim.said.is_some() && is_new(&claim.row) {
                claim.said = Some(kind.to_owned());
            }
        }
    }
}

/// The older certificates of which nothing is lost by what is new: it holds the same until later, or moved there, when it is known
/// to go at this look (domain.md 10).
fn replaced_by(
    before: &BTreeMap<RowName, Sight>,
    new: &[(RowName, Sight)],
    goes: &BTreeMap<RowName, Sight>,
    day: Day,
) -> BTreeSet<String> {
    let numbers: BTreeSet<&String> = before.keys().map(|row| &row.number).collect();
    let is_replaced = |number: &&String| {
        let of_number = before.iter().filter(|(row, _)| row.number == **number);
        let old: Vec<_> = of_number.filter(|(_, sight)| !is_history(sight, day)).collect();
        let holds = |new: (&RowName, &Sight), old: (&RowName, &Sight)| {
            renews(new, old) || (goes.contains_key(old.0) && goes_on_as(new, old))
        };
        let is_covered = |old: &(&RowName, &Sight)| new.iter().any(|(row, sight)| holds((row, sight), *old));
        !old.is_empty() && old.iter().all(is_covered) && !is_superseded(before, old.iter().copied())
    };
    numbers.into_iter().filter(is_replaced).cloned().collect()
}

/// A line with the facts that its words need: the qualifications, and where else they are.
fn with_facts(
    line: String,
    texts: impl IntoIterator<Item = String>,
    elsewhere: impl IntoIterator<Item = String>,
) -> String {
    let (mut texts, mut elsewhere) =
        (texts.into_iter().collect::<Vec<_>>(), elsewhere.into_iter().collect::<Vec<_>>());
    texts.sort();
    elsewhere.sort();
    let facts = [texts, elsewhere].concat();
    if facts.is_empty() { line } else { format!("{line} {}", facts.join("; ")) }
}

fn is_same_elsewhere(other: &RowName, row: &RowName) -> bool {
    other.number != row.number && other.qualification == row.qualification
}

fn place(kind: &str, (row, sight): (&RowName, &Sight)) -> String {
    let end = sight.end.day().map(|day| day.to_string()).unwrap_or_default();
    format!("{kind} {} {} {} {end}", row.number, plain(row.qualification), plain(sight.grade))
}

/// Where the same qualification is held besides and has not ended.
fn held_elsewhere(
    (row, sight): (&RowName, &Sight),
    known: &BTreeMap<&RowName, &Sight>,
    day: Day,
) -> Option<String> {
    best_of("held", known, |other| is_same_elsewhere(other, row), sight, day)
}

/// Where a wider one is held that has not ended: at less, or not for as long, or it would have taken in what went.
fn wider_elsewhere(
    (row, sight): (&RowName, &Sight),
    known: &BTreeMap<&RowName, &Sight>,
    day: Day,
) -> Option<String> {
    best_of("wider", known, |other| is_wider_by_name(other, row), sight, day)
}

/// Same or higher grades come before lower ones (words.md 2), then the highest, then the latest end; of two alike either would do.
fn best_of(
    what: &str,
    known: &BTreeMap<&RowName, &Sight>,
    is_it: impl Fn(&RowName) -> bool,
    sight: &Sight,
    day: Day,
) -> Option<String> {
    let held = known
        .iter()
        .map(|(row, sight)| (*row, *sight))
        .filter(|(other, held)| is_it(other) && held.end.day().is_none_or(|end| end >= day));
    let stands_as_high = |held: &Sight| {
        let is_higher = step(sight.grade, held.grade) == Step::Up;
        is_as_high(held, sight) || is_higher || is_renamed(sight.grade, held.grade)
    };
    let best = held.max_by_key(|(row, held)| {
        (stands_as_high(held), height(held.grade), held.end.day(), row.number.clone())
    });
    best.map(|best| place(what, best))
}

/// Where it was held last, by the end.
fn was_elsewhere(
    (row, _): (&RowName, &Sight),
    gone: &BTreeMap<&RowName, &Sight>,
    lapsed: &BTreeMap<&RowName, &Sight>,
) -> Option<String> {
    let all = gone.iter().map(|of| (0, of)).chain(lapsed.iter().map(|of| (1, of)));
    let others = all.filter(|(_, (other, _))| is_same_elsewhere(other, row));
    let last = others.max_by_key(|(stage, (row, sight))| (sight.end.day(), *stage, row.number.clone()));
    last.map(|(_, (row, sight))| place("was", (row, sight)))
}

/// Whether all of these are covered by other certificates that are known.
pub fn is_superseded<'a>(
    known: &BTreeMap<RowName, Sight>,
    rows: impl IntoIterator<Item = (&'a RowName, &'a Sight)>,
) -> bool {
    let mut rows = rows.into_iter().peekable();
    rows.peek().is_some() && rows.all(|needed| known.iter().any(|other| covers(other, needed)))
}

/// Takes what is established gone out of what is known, and says so unless it is superseded.
pub fn of_lost(dossier: &mut Dossier, day: Day, news: &mut News) {
    let lost = std::mem::take(&mut news.lost);
    for (row, sight) in &lost {
        dossier.known.remove(row);
        dossier.claims.retain(|claim| claim.row != *row || claim.said.is_none());
        dossier.gone.insert(row.clone(), sight.clone());
    }
    // What went without a word is said as soon as nothing covers it any more, for a month.
    let now = dossier.looks.latest().map(|look| look.at).unwrap_or_default();
    let is_shown = |row: &RowName| dossier.looks.latest().is_some_and(|look| look.shown.contains_key(row));
    let (shown, unsaid): (BTreeMap<_, _>, BTreeMap<_, _>) =
        std::mem::take(&mut dossier.unsaid).into_iter().partition(|(row, _)| is_shown(row));
    dossier.unsaid = shown;
    let said_earlier = unsaid.iter().map(|(row, (sight, _))| (row.clone(), sight.clone()));
    for (number, rows) in by_number(lost.iter().cloned().chain(said_earlier).collect()) {
        let rest: Vec<_> = dossier.known.iter().filter(|(row, _)| row.number == number).collect();
        // Nothing is lost of what is covered, nor of what was said to have moved, or went without a word, and goes on elsewhere.
        let is_covered = |row: (&RowName, &Sight)| is_superseded(&dossier.known, [row]);
        let has_moved =
            |row: &RowName| news.replaced.contains(&number) || !lost.iter().any(|(lost, _)| lost == row);
        let goes_on = |(row, sight): (&RowName, &Sight)| {
            let is_there = || dossier.known.iter().any(|other| goes_on_as(other, (row, sight)));
            is_covered((row, sight)) || (has_moved(row) && is_there())
        };
        let went = rows.iter().map(|(row, sight)| (row, sight));
        let of_all = went.map(|row| (row, goes_on(row)));
        let of_all = of_all.chain(rest.iter().map(|row| (*row, is_covered(*row))));
        let live: Vec<bool> =
            of_all.filter(|((_, sight), _)| !is_history(sight, day)).map(|(_, goes_on)| goes_on).collect();
        if !live.is_empty() && live.iter().all(|goes_on| *goes_on) {
            // What was told of it is not unsaid.
            let (new, earlier): (Vec<_>, Vec<_>) =
                rows.into_iter().partition(|(row, _)| lost.iter().any(|(lost, _)| lost == row));
            let rows = absorbed(dossier, &number, new, news).into_iter().chain(earlier);
            for (row, sight) in rows {
                let went = unsaid.get(&row).map_or(now, |(_, went)| *went);
                let is_in_time = |at: DateTime<Utc>| at - went <= TimeDelta::days(30);
                if is_in_time(now) || dossier.absences().values().any(|began| is_in_time(began.at)) {
                    dossier.unsaid.insert(row, (sight, went));
                }
            }
            continue;
        }
        let stays = rest.iter().any(|(row, _)| !dossier.is_unlisted(row));
        let rows = absorbed(dossier, &number, rows, news);
        let known: BTreeMap<&RowName, &Sight> = dossier.known.iter().collect();
        let elsewhere = |(row, sight): &(RowName, Sight)| {
            let lost = (row, sight);
            held_elsewhere(lost, &known, day).or_else(|| wider_elsewhere(lost, &known, day))
        };
        if stays {
            let each = |gone: &(RowName, Sight)| {
                let text = of_row(&gone.0, &gone.1);
                with_facts(format!("qualification_removed {number} {text}"), [], elsewhere(gone))
            };
            news.said.extend(rows.iter().map(each));
        } else if !rows.is_empty() {
            let texts = rows.iter().map(|(row, sight)| of_row(row, sight));
            let facts = rows.iter().filter_map(elsewhere);
            news.said.push(with_facts(format!("certificate_removed {number}"), texts, facts));
        }
    }
}

/// Says of what went what a wider qualification took in, one piece of news for each; gives the rest. The wider one is there to
/// stay, as far as anybody knows, and ends no earlier; what is held by its own name under a later certificate needs none.
fn absorbed(
    dossier: &Dossier,
    number: &str,
    rows: Vec<(RowName, Sight)>,
    news: &mut News,
) -> Vec<(RowName, Sight)> {
    let absences = dossier.absences();
    let mut by_wider: BTreeSet<&RowName> = BTreeSet::new();
    let mut rest = Vec::new();
    for (row, sight) in rows {
        let lost = (&row, &sight);
        let is_renewed = dossier.known.iter().any(|other| renews(other, lost));
        let ends_no_earlier = |wide: &Sight| wide.end.day() >= sight.end.day() && sight.end.day().is_some();
        let wider = dossier.known.iter().filter(|wide| {
            is_wider(*wide, lost) && ends_no_earlier(wide.1) && !absences.contains_key(wide.0)
        });
        match wider.max_by_key(|(_, wide)| wide.end.day()).filter(|_| !is_renewed) {
            Some((wider, _)) => drop(by_wider.insert(wider)),
            None => rest.push((row, sight)),
        }
    }
    news.said.extend(by_wider.iter().map(|_| format!("qualification_absorbed {number}")));
    rest
}

/// Whether a row of the certificate was said and not taken back.
fn is_said_of(claim: &Claim, number: &str) -> bool {
    matches!(claim.of, Gain::Row(_)) && claim.said.is_some() && claim.row.number == number
}

/// Says what is taken back: a certificate or an end once, grades and single rows each.
pub fn of_taken_back(dossier: &mut Dossier, taken_back: Vec<(RowName, Gain, String)>, news: &mut News) {
    let mut said = BTreeSet::new();
    for (row, of, what) in taken_back {
        let kind = what.split(' ').next().unwrap_or_default();
        let number = &row.number;
        match of {
            Gain::Row(sight) => {
                let is_there = dossier.known.keys().any(|known| known.number == *number)
                    || dossier
                        .looks
                        .latest()
                        .is_some_and(|look| look.shown.keys().any(|shown| shown.number == *number))
                    || dossier.claims.iter().any(|claim| is_said_of(claim, number));
                if is_there && kind != "qualification_added" {
                    let shown = dossier.looks.latest().map(|look| look.shown.clone()).unwrap_or_default();
                    let doubted = dossier.claims.iter_mut().filter(|claim| is_said_of(claim, number));
                    doubted.for_each(|claim| claim.again |= !shown.contains_key(&claim.row));
                }
                if is_there || kind == "qualification_added" {
                    said.insert(format!("retracted {number} qualification_added {}", of_row(&row, &sight)));
                } else {
                    said.insert(format!("retracted {number} {kind}"));
                }
            }
            Gain::End(day) => {
                said.insert(format!("retracted {number} {kind} {day}"));
            }
            Gain::Grade(_) => {
                let text = what.split(' ').nth(2).unwrap_or_default();
                said.insert(format!("retracted {number} {kind} {text}"));
            }
        }
    }
    news.said.extend(said);
}
