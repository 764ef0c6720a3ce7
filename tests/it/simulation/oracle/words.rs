//! What is said, in one canonical line a piece of news: lines are compared, not objects.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use super::super::calendar::Day;
use super::super::truth::{RowName, Sight, Step};
use super::dossier::{Claim, Dossier, Gain, News, covers, is_history, is_wider, renews};

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
    (before, gone): (&BTreeMap<RowName, Sight>, &BTreeSet<RowName>),
    day: Day,
    news: &mut News,
) {
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
            let each = |(row, sight): &(RowName, Sight)| format!("{kind} {number} {}", of_row(row, sight));
            news.said.extend(rows.iter().map(each));
        } else {
            let replaced = replaced_by(before, &rows, day);
            let what = if gone.iter().any(|row| row.number == number) {
                kind = "certificate_restored";
                format!("{kind} {number}")
            } else if replaced.is_empty() {
                kind = "certificate_added";
                format!("{kind} {number}")
            } else {
                kind = "certificate_replaced";
                format!("{kind} {} {number}", replaced.into_iter().collect::<Vec<_>>().join(","))
            };
            news.said.push(what);
        }
        for claim in &mut dossier.claims {
            if matches!(claim.of, Gain::Row(_)) && claim.said.is_some() && is_new(&claim.row) {
                claim.said = Some(kind.to_owned());
            }
        }
    }
}

fn replaced_by(before: &BTreeMap<RowName, Sight>, new: &[(RowName, Sight)], day: Day) -> BTreeSet<String> {
    let numbers: BTreeSet<&String> = before.keys().map(|row| &row.number).collect();
    let is_replaced = |number: &&String| {
        let of_number = before.iter().filter(|(row, _)| row.number == **number);
        let old: Vec<_> = of_number.filter(|(_, sight)| !is_history(sight, day)).collect();
        let is_covered = |old: &(&RowName, &Sight)| new.iter().any(|(row, sight)| renews((row, sight), *old));
        !old.is_empty() && old.iter().all(is_covered) && !is_superseded(before, old.iter().copied())
    };
    numbers.into_iter().filter(is_replaced).cloned().collect()
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
        let all = rows.iter().map(|(row, sight)| (row, sight)).chain(rest.iter().copied());
        if is_superseded(&dossier.known, all.filter(|(_, sight)| !is_history(sight, day))) {
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
        if stays {
            let each = |(row, sight): &(RowName, Sight)| {
                format!("qualification_removed {number} {}", of_row(row, sight))
            };
            news.said.extend(rows.iter().map(each));
        } else if !rows.is_empty() {
            news.said.push(format!("certificate_removed {number}"));
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
