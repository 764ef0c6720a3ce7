//! What a careful clerk would know of one company, look by look, and would say of it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::super::calendar::Day;
use super::super::truth::{End, RowName, Sight, Step, rank, step};
use super::ends::is_abolished;
use super::looks::{Look, Looks, Run};
use super::words;

/// A gain that was said at its first look, or taken back since.
#[derive(Debug, Clone)]
pub struct Claim {
    pub row: RowName,
    pub of: Gain,
    /// What was said; `None`: it was taken back.
    pub said: Option<String>,
    /// Part of what was said with it was taken back while it was not shown: said again when established.
    pub again: bool,
    /// Another value is established.
    pub is_refuted: bool,
}

/// What is claimed of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gain {
    Row(Sight),
    End(Day),
    Grade(&'static str),
}

/// How often the latest looks have shown a value, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    Once,
    Again,
    Enough,
}

/// One company as the clerk knows it.
#[derive(Debug, Clone, Default)]
pub struct Dossier {
    pub looks: Looks,
    pub known: BTreeMap<RowName, Sight>,
    pub gone: BTreeMap<RowName, Sight>,
    pub claims: Vec<Claim>,
    /// What went without a word because something else covered it, and when.
    pub unsaid: BTreeMap<RowName, (Sight, DateTime<Utc>)>,
    pub has_baseline: bool,
    pub last_verified: Option<DateTime<Utc>>,
    pub unverified_said: bool,
    /// Another company answered since it answered last.
    pub is_disputed: bool,
    /// The id it last answered under.
    pub id: Option<String>,
    /// The numbers of what was last known, as long as it was something.
    pub(super) last_numbers: BTreeSet<String>,
    /// Since when it is watched, and until when it was.
    pub watched_since: DateTime<Utc>,
    pub left_at: Option<DateTime<Utc>>,
    /// When it left under its former name, as long as it has not answered under the new one.
    pub(super) asleep_since: Option<DateTime<Utc>>,
    /// What had gone at its end before it left: nothing was in doubt about that.
    pub(super) unlisted_before: BTreeSet<RowName>,
    /// The last look, also one of the time before it left.
    pub(super) latest_at: Option<DateTime<Utc>>,
    /// What was said of ends: kind and threshold of (number, end).
    pub said_of_ends: BTreeSet<(String, Day, &'static str, i32)>,
}

/// What one look brings, before it is put in words.
#[derive(Debug, Default)]
pub struct News {
    pub said: Vec<String>,
    pub appeared: Vec<(RowName, Sight)>,
    pub lost: Vec<(RowName, Sight)>,
    /// The numbers that were said to be replaced.
    pub replaced: BTreeSet<String>,
    pub open: BTreeSet<String>,
    pub open_issue_dates: bool,
}

impl Gain {
    pub fn is_shown(&self, row: &RowName, look: &Look) -> bool {
        let sight = look.shown.get(row);
        match self {
            // What ended long ago is not what was said, where that had an end ahead.
            Self::Row(said) => {
                sight.is_some_and(|sight| is_history(said, look.day()) || !is_history(sight, look.day()))
            }
            Self::End(day) => sight.is_some_and(|sight| sight.end == End::On(*day)),
            Self::Grade(grade) => sight.is_some_and(|sight| sight.grade == *grade),
        }
    }

    fn is_another(&self, other: &Self) -> bool {
        let is_alike =
            matches!((self, other), (Self::End(_), Self::End(_)) | (Self::Grade(_), Self::Grade(_)));
        is_alike && self != other
    }

    fn is_of(&self, other: &Self) -> bool {
        matches!((self, other), (Self::Row(_), Self::Row(_))) || self == other
    }
}

impl Seen {
    fn of(run: Run<'_>, is_gain: bool) -> Self {
        let is_enough = if is_gain { run.is_enough_for_a_gain() } else { run.counts() >= 2 };
        match is_enough {
            true => Self::Enough,
            false if run.is_first_look() => Self::Once,
            false => Self::Again,
        }
    }
}

impl Dossier {
    pub fn watched_since(watched_since: DateTime<Utc>) -> Self {
        Self { watched_since, ..Self::default() }
    }

    /// Takes in a whole answer; gives what is said of it. Ends are judged apart.
    pub fn look(&mut self, look: Look) -> News {
        let (at, day, shown) = (look.at, look.day(), look.shown.clone());
        self.looks.0.push(look);
        self.latest_at = Some(at);
        let mut news = News::default();
        match self.asleep_since {
            Some(_) if shown.is_empty() => {
                self.is_verified(at, &mut news);
                self.owes_an_answer(true);
                return news;
            }
            Some(since) => {
                self.asleep_since = None;
                // What was asked for under the new name and found nothing was nobody: this is the first look at the company.
                self.looks.0.drain(..self.looks.0.len() - 1);
                self.begins_anew_if_away(since, at);
            }
            None => {}
        }
        if !shown.is_empty() {
            self.is_verified(at, &mut news);
        }
        if !self.has_baseline {
            self.is_verified(at, &mut news);
            self.owes_an_answer(shown.is_empty());
            if !shown.is_empty() {
                self.has_baseline = true;
                self.gone.append(&mut self.known);
                self.gone.retain(|row, _| !shown.contains_key(row));
                self.unlisted_before.clear();
                self.unsaid.clear();
                self.known = shown;
                self.remember_numbers();
                news.said.push("watching".to_owned());
            }
            return news;
        }
        let (before, gone) = (self.known.clone(), self.gone.clone());
        let beside_mass = self.is_beside(|row, began| began.mass.contains(row));
        let begins_now =
            |_: &RowName, began: &Look| self.looks.latest().is_some_and(|latest| std::ptr::eq(began, latest));
        let beside_losses = self.is_beside(begins_now) || self.is_beside_a_claim_that_went();
        if let Some(latest) = self.looks.0.last_mut() {
            latest.beside_mass = beside_mass;
            latest.gains_wait |= beside_mass || beside_losses;
        }
        self.rows_that_appear(day, &shown, &mut news);
        let rows: Vec<RowName> = self.known.keys().cloned().collect();
        for row in rows {
            match shown.get(&row) {
                Some(sight) => self.row_is_shown(day, &row, sight, &mut news),
                None => self.row_is_absent(day, &row, &mut news),
            }
        }
        words::of_appeared(self, (&before, &gone), day, &mut news);
        // Held again, or said to be: nothing of it went without a word.
        let is_said = |row: &RowName| {
            self.claims
                .iter()
                .any(|claim| claim.row == *row && matches!(claim.of, Gain::Row(_)) && claim.said.is_some())
        };
        let mut unsaid = std::mem::take(&mut self.unsaid);
        unsaid.retain(|row, _| !self.known.contains_key(row) && !is_said(row));
        self.unsaid = unsaid;
        let taken_back = self.take_back(&mut news);
        words::of_lost(self, day, &mut news);
        words::of_taken_back(self, taken_back, &mut news);
        // That there is nothing agrees with what went at its end.
        if self.known.keys().all(|row| self.is_unlisted(row)) {
            self.is_verified(at, &mut news);
        }
        if let Some(latest) = self.looks.0.last_mut() {
            latest.busy.clone_from(&news.open);
        }
        self.owes_an_answer(shown.is_empty() || news.open_issue_dates || !news.open.is_empty());
        self.remember_numbers();
        news
    }

    fn owes_an_answer(&mut self, owes: bool) {
        if let Some(latest) = self.looks.0.last_mut() {
            latest.owes = owes;
        }
    }

    fn remember_numbers(&mut self) {
        let listed = self.known.keys().filter(|row| !self.is_unlisted(row));
        let listed: BTreeSet<String> = listed.map(|row| row.number.clone()).collect();
        if !listed.is_empty() {
            self.last_numbers = listed;
        } else if !self.known.is_empty() {
            self.last_numbers = self.known.keys().map(|row| row.number.clone()).collect();
        }
    }

    /// Whether there is nothing that an answer could be missing.
    pub fn holds_nothing(&self) -> bool {
        !self.has_baseline || self.asleep_since.is_some() || self.known.is_empty()
    }

    pub fn latest_at(&self) -> Option<DateTime<Utc>> {
        self.latest_at
    }

    /// Whether its ends are judged: not before its first whole answer since it is watched, and not by what it held before
    /// it begins anew.
    pub fn is_judged(&self) -> bool {
        self.has_baseline && self.last_verified >= Some(self.watched_since) && self.asleep_since.is_none()
    }

    fn is_verified(&mut self, at: DateTime<Utc>, news: &mut News) {
        self.last_verified = Some(at);
        if std::mem::take(&mut self.unverified_said) {
            news.said.push("verified_again".to_owned());
        }
    }

    pub fn claim(&self, row: &RowName, of: &Gain) -> Option<&Claim> {
        self.claims.iter().find(|claim| claim.row == *row && claim.of.is_of(of))
    }

    fn settle(&mut self, row: &RowName, of: &Gain) {
        self.claims.retain(|claim| claim.row != *row || !claim.of.is_of(of));
    }

    fn rows_that_appear(&mut self, day: Day, shown: &BTreeMap<RowName, Sight>, news: &mut News) {
        for (row, sight) in shown.iter().filter(|(row, _)| !self.known.contains_key(*row)).collect::<Vec<_>>()
        {
            let gain = Gain::Row(sight.clone());
            if is_history(sight, day) {
                let is_denied = |claim: &Claim| matches!(&claim.of, Gain::Row(said) if claim.said.is_some() && !is_history(said, day));
                if self.claim(row, &gain).is_some_and(is_denied) {
                    // Two looks take back what was said; only then is there a history to hold.
                    continue;
                }
                self.settle(row, &gain);
                self.gone.remove(row);
                self.known.insert(row.clone(), sight.clone());
                continue;
            }
            let run = self.looks.run(|look| gain.is_shown(row, look));
            let first = run.first().map_or(sight, |look| &look.shown[row]).clone();
            let is_established = run.is_enough_for_a_gain();
            let waits = !run.is_first_look() || self.gains_wait() || self.was_taken_back(&row.number);
            match self.claim(row, &gain).cloned() {
                None if !waits => {
                    news.appeared.push((row.clone(), sight.clone()));
                    let said = Some(String::new());
                    self.claims.push(Claim {
                        row: row.clone(),
                        of: gain,
                        said,
                        again: false,
                        is_refuted: false,
                    });
                    news.open.insert(row.number.clone());
                }
                None if is_established => {
                    news.appeared.push((row.clone(), first.clone()));
                    self.gone.remove(row);
                    self.known.insert(row.clone(), first);
                }
                Some(claim) if is_established => {
                    let sight = if let (Some(_), false, Gain::Row(said)) = (claim.said, claim.again, claim.of)
                    {
                        said
                    } else {
                        news.appeared.push((row.clone(), first.clone()));
                        first
                    };
                    self.settle(row, &gain);
                    self.gone.remove(row);
                    self.known.insert(row.clone(), sight);
                }
                None | Some(_) => {
                    news.open.insert(row.number.clone());
                }
            }
        }
    }

    /// Whether something that is known went, and is not known to have gone: what went at its end or long after raises nothing.
    fn is_beside(&self, is_of: impl Fn(&RowName, &Look) -> bool) -> bool {
        self.absences().into_iter().any(|(row, began)| is_of(row, began))
    }

    fn is_beside_a_claim_that_went(&self) -> bool {
        let mut claims = self.claims.iter();
        claims.any(|claim| {
            let is_said_row = matches!(claim.of, Gain::Row(_)) && claim.said.is_some();
            let absent = self.looks.run(|look| !look.shown.contains_key(&claim.row));
            is_said_row && absent.is_first_look()
        })
    }

    /// Whether what is gained at the latest look has to be seen twice.
    fn gains_wait(&self) -> bool {
        self.looks.latest().is_some_and(|look| look.gains_wait)
    }

    /// Whether all that was said of a certificate was taken back.
    fn was_taken_back(&self, number: &str) -> bool {
        let of_rows = || {
            self.claims.iter().filter(|claim| matches!(claim.of, Gain::Row(_)) && claim.row.number == number)
        };
        let stands = self.known.keys().any(|row| row.number == number);
        !stands && of_rows().any(|claim| claim.said.is_none()) && of_rows().all(|claim| claim.said.is_none())
    }

    /// Whether another value of the field was said and is in doubt, or one was taken back: an end is the whole certificate's.
    fn is_in_question(&self, row: &RowName, gain: &Gain) -> bool {
        self.claims.iter().any(|claim| match (gain, &claim.of) {
            (Gain::End(_), Gain::End(_)) if claim.said.is_none() => claim.row.number == row.number,
            (Gain::End(_), Gain::End(_)) | (Gain::Grade(_), Gain::Grade(_)) => claim.row == *row,
            _ => false,
        })
    }

    fn row_is_absent(&mut self, day: Day, row: &RowName, news: &mut News) {
        let known = &self.known[row];
        let run = self.looks.run(|look| !look.shown.contains_key(row));
        if is_history(known, day) || self.is_unlisted(row) {
            return;
        }
        let is_of_a_mass = run.first().is_some_and(|first| first.mass.contains(row));
        let needed = if is_of_a_mass { 4 } else { run.needed() };
        if run.counts() >= needed {
            news.lost.push((row.clone(), known.clone()));
        } else {
            news.open.insert(row.number.clone());
        }
    }

    /// Whether the registry stopped listing the row on the day of its end or later.
    pub fn is_unlisted(&self, row: &RowName) -> bool {
        let run = self.looks.run(|look| !look.shown.contains_key(row));
        let went = run.first().map(Look::day);
        let end = self.known.get(row).and_then(|sight| sight.end.day());
        let went_at_its_end = went.is_some_and(|went| end.is_some_and(|end| went >= end));
        let is_absent = run.is_of_all(&self.looks);
        went_at_its_end || (is_absent && self.unlisted_before.contains(row))
    }

    /// Whether it was back only at the latest look, after having gone at its end.
    fn was_unlisted(&self, row: &RowName) -> bool {
        let run = self.looks.run_before_latest(|look| !look.shown.contains_key(row));
        let end = self.known[row].end.day();
        let went_at_its_end = run.first().is_some_and(|first| end.is_some_and(|end| first.day() >= end));
        went_at_its_end || (run.is_of_all_before_latest(&self.looks) && self.unlisted_before.contains(row))
    }

    fn row_is_shown(&mut self, day: Day, row: &RowName, sight: &Sight, news: &mut News) {
        let known = self.known[row].clone();
        if is_history(&known, day) && sight.end.day().is_none_or(|_| is_history(sight, day)) {
            if sight.end.day().is_some() {
                self.known.insert(row.clone(), sight.clone());
                // What was claimed of it and is shown is so.
                let latest = self.looks.latest();
                let is_shown = |of: &Gain| latest.is_some_and(|look| of.is_shown(row, look));
                self.claims.retain(|claim| claim.row != *row || !is_shown(&claim.of));
            }
            return;
        }
        self.grade(row, &known, sight, news);
        if known.end == sight.end || (known.end.day().is_none() && sight.end.day().is_none()) {
            if let Some(known) = self.known.get_mut(row) {
                known.end = sight.end;
            }
            self.issue_date(row, &known, sight, news);
        } else if sight.end.day().is_some() {
            self.end(row, &known, sight, news);
        }
    }

    fn grade(&mut self, row: &RowName, known: &Sight, sight: &Sight, news: &mut News) {
        let direction =
            if is_exchange(row, known, sight) { Step::Across } else { step(known.grade, sight.grade) };
        if direction == Step::Same {
            return;
        }
        let gain = Gain::Grade(sight.grade);
        let is_gain = direction == Step::Up;
        // What ended long ago and shows no end ahead is not compared.
        let is_compared = |look: &Look| {
            let shows_no_end = |sight: &Sight| sight.end.day().is_none() || is_history(sight, look.day());
            !is_history(known, look.day()) || look.shown.get(row).is_some_and(|shown| !shows_no_end(shown))
        };
        let run = self.looks.run(|look| gain.is_shown(row, look) && is_compared(look));
        let seen = Seen::of(run, is_gain);
        let what = words::of_grade(row, known, sight, direction);
        self.changes(row, &gain, is_gain, seen, Some(what), news);
        if seen == Seen::Enough
            && let Some(known) = self.known.get_mut(row)
        {
            known.grade = sight.grade;
            known.spelling = sight.spelling;
        }
    }

    fn end(&mut self, row: &RowName, known: &Sight, sight: &Sight, news: &mut News) {
        let Some(new) = sight.end.day() else { return };
        let gain = Gain::End(new);
        let is_later = known.end.day().is_some_and(|old| new > old);
        let what = known.end.day().map(|old| {
            let renewed = is_later && (known.issued != sight.issued || self.was_unlisted(row));
            let kind = match (is_later, renewed) {
                (true, true) => "renewed",
                (true, false) => "validity_extended",
                (false, _) => "validity_shortened",
            };
            format!("{kind} {} {old} {new}", row.number)
        });
        // 换领 is no renewal: what is told is the grade. So a look at an exchange does not agree with one at a renewal to the same
        // day, or the end would be known, and its grade be told as raised later.
        let is_exchange = |sight: &Sight| is_exchange(row, known, sight);
        let what = what.filter(|_| !is_exchange(sight));
        let is_gain = is_later && what.is_some();
        let is_alike = |look: &Look| is_exchange(&look.shown[row]) == is_exchange(sight);
        let seen = Seen::of(self.looks.run(|look| gain.is_shown(row, look) && is_alike(look)), is_gain);
        self.changes(row, &gain, is_gain, seen, what, news);
        if seen == Seen::Enough
            && let Some(known) = self.known.get_mut(row)
        {
            known.end = sight.end;
            known.issued = sight.issued;
        }
    }

    /// A field is shown otherwise than it is known.
    fn changes(
        &mut self,
        row: &RowName,
        gain: &Gain,
        is_gain: bool,
        seen: Seen,
        what: Option<String>,
        news: &mut News,
    ) {
        let claim = self.claim(row, gain).cloned();
        let (is_first, is_established) = (seen == Seen::Once, seen == Seen::Enough);
        let waits = self.gains_wait() || self.is_in_question(row, gain);
        let is_said = claim.as_ref().is_some_and(|claim| claim.said.is_some());
        if let Some(what) = what
            && !is_said
            && (is_established || (is_gain && claim.is_none() && is_first && !waits))
        {
            news.said.push(what.clone());
            if is_gain && !is_established {
                let said = Some(what);
                self.claims.push(Claim {
                    row: row.clone(),
                    of: gain.clone(),
                    said,
                    again: false,
                    is_refuted: false,
                });
            }
        }
        if is_established {
            self.settle(row, gain);
            for claim in self.claims.iter_mut().filter(|claim| claim.row == *row && claim.of.is_another(gain))
            {
                claim.is_refuted = true;
            }
        } else {
            news.open.insert(row.number.clone());
        }
    }

    fn issue_date(&mut self, row: &RowName, known: &Sight, sight: &Sight, news: &mut News) {
        if known.issued == sight.issued {
            return;
        }
        let same = |look: &Look| {
            look.shown.get(row).is_some_and(|other| {
                let end_is_known = other.end == known.end || other.end.day() == known.end.day();
                other.issued == sight.issued && end_is_known
            })
        };
        let run = self.looks.run(same);
        if run.counts() < 2 {
            news.open_issue_dates = true;
            return;
        }
        let was_alone = run.first().is_some_and(|first| !first.busy.contains(&row.number));
        if was_alone {
            news.said.push(format!("reissued {} {} {}", row.number, known.issued, sight.issued));
        }
        if let Some(known) = self.known.get_mut(row) {
            known.issued = sight.issued;
        }
    }

    /// What was said and is not shown any more.
    fn take_back(&mut self, news: &mut News) -> Vec<(RowName, Gain, String)> {
        let mut taken_back = Vec::new();
        for at in 0..self.claims.len() {
            let claim = &self.claims[at];
            let Some(said) = claim.said.clone() else { continue };
            let run = self.looks.run(|look| !claim.of.is_shown(&claim.row, look));
            if run.first().is_none() {
                continue;
            }
            if run.is_enough() || self.claims[at].is_refuted {
                taken_back.push((claim.row.clone(), claim.of.clone(), said));
                self.claims[at].said = None;
            } else {
                news.open.insert(claim.row.number.clone());
            }
        }
        taken_back
    }

    /// Whether an answer is owed because of what is open.
    pub fn owes(&self) -> bool {
        self.looks.latest().is_some_and(|look| look.owes)
    }
}

/// Whether an abolished grade was exchanged in its certificate, with a validity of its own.
fn is_exchange(row: &RowName, known: &Sight, sight: &Sight) -> bool {
    known.end != sight.end && is_exchanged(row, known, sight)
}

/// Whether an abolished grade was exchanged for the grade above it, for a year at most.
pub fn is_exchanged(row: &RowName, known: &Sight, sight: &Sight) -> bool {
    let is_for_a_year = sight.end.day().is_some_and(|end| sight.issued.months_away(12).since(end) >= 0);
    is_abolished(&row.number, known.grade) && matches!(sight.grade, "二级" | "乙级") && is_for_a_year
}

/// Ended so long ago that it raises nothing.
pub fn is_history(sight: &Sight, day: Day) -> bool {
    sight.end.day().is_some_and(|end| day.since(end) > 180)
}

/// Same qualification, same grade or higher in the ladder, ending later.
pub fn renews(other: (&RowName, &Sight), needed: (&RowName, &Sight)) -> bool {
    ends_later(other.1, needed.1) && goes_on_as(other, needed)
}

/// The same qualification under another number, same grade or higher in the ladder, ending no earlier.
pub fn goes_on_as(other: (&RowName, &Sight), needed: (&RowName, &Sight)) -> bool {
    let ends = other.1.end.day().zip(needed.1.end.day());
    other.0.qualification == needed.0.qualification
        && other.0.number != needed.0.number
        && ends.is_some_and(|(theirs, ours)| theirs >= ours)
        && is_as_high(other.1, needed.1)
}

/// The same, or a wider qualification that ends later.
pub fn covers(other: (&RowName, &Sight), needed: (&RowName, &Sight)) -> bool {
    let is_another = other.0.number != needed.0.number;
    renews(other, needed) || (is_another && is_wider(other, needed) && ends_later(other.1, needed.1))
}

/// Whether who holds the one may do what the other allows, because it is wider (domain.md 10, "Cover").
pub fn is_wider(wide: (&RowName, &Sight), narrow: (&RowName, &Sight)) -> bool {
    is_wider_by_name(wide.0, narrow.0) && (is_of_all(wide.0) || is_as_high(wide.1, narrow.1))
}

/// Whether it takes in all that is narrower, whatever the grade.
fn is_of_all(row: &RowName) -> bool {
    row.qualification == "工程监理综合资质"
}

/// Whether the one is the wider of the two by what they are called.
pub fn is_wider_by_name(wide: &RowName, narrow: &RowName) -> bool {
    let is_in_industry =
        wide.qualification == "工程设计市政行业" && narrow.qualification == "工程设计市政行业给水工程专业";
    is_in_industry || is_of_all(wide) && narrow.qualification.starts_with("工程监理") && !is_of_all(narrow)
}

fn ends_later(other: &Sight, needed: &Sight) -> bool {
    other.end.day().zip(needed.end.day()).is_some_and(|(theirs, ours)| theirs > ours)
}

pub fn is_as_high(other: &Sight, needed: &Sight) -> bool {
    let ladder = |sight: &Sight| rank(sight.grade).map(|(ladder, _)| ladder);
    matches!(step(needed.grade, other.grade), Step::Same | Step::Up) && ladder(needed) == ladder(other)
}
