//! What is said of ends: a stage a day, each once (design 4, "Judging").

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use super::super::calendar::Day;
use super::super::truth::{RowName, Sight};
use super::dossier::{Claim, Dossier, Gain, is_history};
use super::looks::Look;
use super::words::is_superseded;

const BEFORE: [i32; 7] = [180, 90, 60, 30, 7, 1, 0];
const AFTER: [i32; 3] = [1, 7, 30];
const FILING: [i32; 3] = [30, 7, 0];

/// A row that is judged by an end.
pub(super) struct Judged<'a> {
    pub row: &'a RowName,
    pub sight: Sight,
    /// Since when looks have shown a later end, up to the latest.
    later_since: Option<Day>,
}

impl Dossier {
    /// Judges all ends on a day.
    pub fn judge(&mut self, day: Day) -> Vec<String> {
        let mut said = Vec::new();
        if !self.is_judged() {
            return said;
        }
        let judged = self.judged();
        let mut ends: BTreeMap<(String, Day), Vec<&Judged<'_>>> = BTreeMap::new();
        for one in &judged {
            if let Some(end) = one.sight.end.day() {
                ends.entry((one.row.number.clone(), end)).or_default().push(one);
            }
        }
        let mut new = BTreeSet::new();
        for ((number, end), rows) in ends {
            // What ended long ago does not keep the rest from being superseded.
            let is_alive = |one: &&Judged<'_>| one.row.number == number && !is_history(&one.sight, day);
            let certificate = judged.iter().filter(is_alive);
            if is_superseded(&self.known, certificate.map(|one| (one.row, &one.sight))) {
                continue;
            }
            let waits = |one: &&Judged<'_>| one.later_since.is_some_and(|since| day.since(since) < 2);
            if day != end && rows.iter().all(waits) {
                continue;
            }
            if day > end && rows.iter().all(|one| one.sight.issued > end) {
                continue;
            }
            let is_renewed = rows.iter().any(|one| is_filed(one.row, &one.sight));
            let filing_day = is_renewed.then(|| filing_day(&number, end));
            for (kind, threshold, is_told) in self.due(&number, end, filing_day, day) {
                new.insert((number.clone(), end, kind, threshold));
                if is_told {
                    said.push(format!("{kind} {number} {end} {threshold} {}", end.since(day)));
                }
            }
        }
        self.said_of_ends.extend(new);
        said
    }

    pub(super) fn judged(&self) -> Vec<Judged<'_>> {
        let latest = self.looks.latest();
        let known = self.known.iter().map(|(row, sight)| {
            let seen = latest.and_then(|look| look.shown.get(row));
            let mut sight = sight.clone();
            let mut later_since = None;
            match (sight.end.day(), seen.and_then(|seen| seen.end.day())) {
                (None, Some(_)) => sight = seen.cloned().unwrap_or(sight),
                (Some(end), Some(new)) if new > end => {
                    let is_later = |look: &Look| {
                        let other = look.shown.get(row).and_then(|other| other.end.day());
                        other.is_some_and(|other| other > end)
                    };
                    later_since = self.looks.run(is_later).first().map(Look::day);
                }
                _ => {}
            }
            Judged { row, sight, later_since }
        });
        let claimed = self.claims.iter().filter_map(|claim| {
            let Gain::Row(sight) = &claim.of else { return None };
            let is_shown = latest.is_some_and(|look| look.shown.contains_key(&claim.row));
            let sight = if claim.said.is_none() {
                let run = self.looks.run(|look| look.shown.contains_key(&claim.row));
                run.first().map_or(sight.clone(), |first| first.shown[&claim.row].clone())
            } else {
                sight.clone()
            };
            (claim.said.is_some() || is_shown).then_some(Judged { row: &claim.row, sight, later_since: None })
        });
        // Seen, and waiting for its second look: judged by its own end all the same.
        let is_waiting = |row: &&RowName| {
            let is_claimed = |claim: &Claim| claim.row == **row && matches!(claim.of, Gain::Row(_));
            !self.known.contains_key(*row) && !self.claims.iter().any(is_claimed)
        };
        let waiting = latest.into_iter().flat_map(|look| look.shown.keys()).filter(is_waiting).map(|row| {
            let run = self.looks.run(|look| look.shown.contains_key(row));
            let sight = run.first().unwrap().shown[row].clone();
            Judged { row, sight, later_since: None }
        });
        known.chain(claimed).chain(waiting).collect()
    }

    /// What of an end is due: kind, threshold, and whether it is said or only counts as said.
    fn due(
        &self,
        number: &str,
        end: Day,
        filing_day: Option<Day>,
        day: Day,
    ) -> Vec<(&'static str, i32, bool)> {
        let left = end.since(day);
        let was_said = |kind: &'static str, reached: &dyn Fn(i32) -> bool| {
            self.said_of_ends
                .iter()
                .any(|(n, e, k, threshold)| n == number && *e == end && *k == kind && reached(*threshold))
        };
        if left < 0 {
            let stage = AFTER.into_iter().rfind(|after| -left >= *after);
            let due = stage.filter(|stage| -left <= 180 && !was_said("expired", &|said| said >= *stage));
            return due.map(|stage| ("expired", stage, true)).into_iter().collect();
        }
        let stage = BEFORE.into_iter().rfind(|before| left <= *before);
        let expiring = stage.filter(|stage| !was_said("expiring", &|said| said <= *stage));
        let Some(filing_day) = filing_day else {
            return expiring.map(|stage| ("expiring", stage, true)).into_iter().collect();
        };
        // One deadline, one reminder: these stages are said with the day to file, or with its having passed.
        let is_of_filing = |stage: &i32| (end.plus(-*stage).since(filing_day)).abs() <= 3;
        let mut due = Vec::new();
        let of_its_own = expiring.filter(|stage| !is_of_filing(stage));
        due.extend(of_its_own.map(|stage| ("expiring", stage, true)));
        let to_file = filing_day.since(day);
        let stage = if to_file < 0 {
            (left > 0).then_some(-1)
        } else {
            FILING.into_iter().rfind(|before| to_file <= *before)
        };
        if let Some(stage) = stage.filter(|stage| !was_said("filing_due", &|said| said <= *stage)) {
            due.push(("filing_due", stage, stage >= 0 || of_its_own.is_none()));
            let with_it = BEFORE.into_iter().filter(|before| stage <= 0 && is_of_filing(before));
            due.extend(with_it.map(|before| ("expiring", before, false)));
        }
        due
    }

    /// Whether nothing could be verified for too long; said once.
    pub fn is_stale(&mut self, at: DateTime<Utc>, weekly: bool) -> bool {
        let since = self.last_verified.unwrap_or(self.watched_since).max(self.watched_since);
        let is_stale = at - since >= TimeDelta::days(if weekly { 14 } else { 7 });
        let is_new = is_stale && !self.unverified_said;
        self.unverified_said |= is_stale;
        is_new
    }
}

pub fn is_abolished(number: &str, grade: &str) -> bool {
    matches!(grade, "丙级" | "丁级") || (number.starts_with('D') && grade == "三级")
}

/// What is wholly of abolished grades is exchanged before its end, and labour is registered: no day to file is prescribed.
pub fn is_filed(row: &RowName, sight: &Sight) -> bool {
    !is_abolished(&row.number, sight.grade) && row.qualification != "施工劳务"
}

pub fn filing_day(number: &str, end: Day) -> Day {
    if number.starts_with('D') { end.months_away(-3) } else { end.plus(-60) }
}
