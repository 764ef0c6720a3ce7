//! What an edit of the watchlist means for people (design 4): whoever becomes a reader of what is watched already is told what is
//! open, and the operators who is a reader, who is none any more, and what was open of whom nobody watches any more.

use std::collections::{BTreeMap, BTreeSet};

use super::super::calendar::Day;
use super::super::course::SECOND;
use super::Oracle;
use super::dossier::{Dossier, is_history};
use super::ends::{filing_day, is_filed};
use super::words::is_superseded;

/// The largest of `expiry_days`.
const NEAR_DAYS: i32 = 180;

impl Dossier {
    /// Certificates with a deadline that is reached or near, each with the end that it is about.
    fn open(&self, day: Day) -> BTreeSet<String> {
        if self.asleep_since.is_some() {
            return BTreeSet::new();
        }
        let judged = self.judged();
        let mut ends: BTreeMap<(&str, Day), Vec<_>> = BTreeMap::new();
        for one in judged.iter().filter(|one| !is_history(&one.sight, day)) {
            if let Some(end) = one.sight.end.day() {
                ends.entry((&one.row.number, end)).or_default().push(one);
            }
        }
        let is_near = |deadline: Day| deadline.since(day) <= NEAR_DAYS;
        let open = ends.into_iter().filter(|((number, end), rows)| {
            let is_alive =
                judged.iter().filter(|one| one.row.number == *number && !is_history(&one.sight, day));
            let is_settled = is_superseded(&self.known, is_alive.map(|one| (one.row, &one.sight)));
            let files = rows.iter().any(|one| is_filed(one.row, &one.sight));
            !is_settled && (is_near(*end) || files && is_near(filing_day(number, *end)))
        });
        open.map(|((number, end), _)| format!("{number} {end}")).collect()
    }

    /// Whether anything was ever known of it under the name that it is watched by.
    fn is_known(&self) -> bool {
        self.has_baseline && self.asleep_since.is_none()
    }
}

/// What an edit does, as a line of what operators are told.
fn line(what: &str, keyword: &str, open: &BTreeSet<String>) -> String {
    let open: Vec<&str> = open.iter().map(String::as_str).collect();
    format!("{what} {keyword} {}", open.join("; ")).trim_end().to_owned()
}

impl Oracle<'_> {
    /// Before the watchlist of the day is in force.
    pub(super) fn tell_edits(&mut self, day: Day) {
        let (before, file) = (self.weather.file_on(day.plus(-1)), self.weather.file_on(day));
        let mut lines = Vec::new();
        for &index in &self.truth.watched {
            let dossier = &self.dossiers[index];
            let (old, new) = (self.keywords[index], self.truth.companies[index].keyword_on(day));
            if dossier.left_at.is_some() {
                continue;
            }
            if old != new || file.out.contains(&index) {
                lines.push(line("left", old, &dossier.open(day)));
                continue;
            }
            let (did, does) = (before.two_readers.contains(&index), file.two_readers.contains(&index));
            if did == does || !dossier.is_known() {
                continue;
            }
            lines.push(format!("{} {SECOND} {old}", if does { "gained" } else { "lost" }));
            let open = dossier.open(day);
            if does && !open.is_empty() {
                self.say(day, index, vec![line("briefing", SECOND, &open)]);
            }
        }
        if !lines.is_empty() {
            lines.sort();
            self.verdict.edits.insert(day, lines);
        }
    }
}
