//! The oracle: from the truth, the faults and the upstream's own ledger it says what had to be told, day by day. It knows
//! nothing of `domain/`: days are counts, looks are a sequence that is asked questions, news are lines.

pub mod dossier;
mod ends;
pub mod looks;
mod mass;
pub mod words;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::calendar::Day;
use super::registry::{Call, Gave};
use super::truth::{RowName, Sight, Truth};
use super::weather::{Manner, Weather};
use dossier::Dossier;
use looks::Look;

/// What was to be told of a company on a day.
pub type Told = BTreeMap<(Day, usize), Vec<String>>;
/// What was established of a company by the end of a day; days without a change are left out.
pub type Known = BTreeMap<(usize, Day), BTreeMap<RowName, Sight>>;

/// All that was to come of a world.
#[derive(Debug, Default)]
pub struct Verdict {
    pub told: Told,
    pub known: Known,
    /// The days on which the operators had to hear of a mass loss.
    pub masses: Vec<Day>,
    pub looks: usize,
    /// What each look showed: for the story of a world that failed.
    pub shown: BTreeMap<(usize, DateTime<Utc>), BTreeMap<RowName, Sight>>,
    /// Who had to be asked on a day, with how many pages; asked again only for a reason.
    pub due: BTreeMap<(Day, usize), usize>,
    /// The last whole answers, as far as they are known.
    pub last_known: Vec<BTreeMap<RowName, Sight>>,
}

/// Goes through a world as it was.
pub struct Oracle<'a> {
    truth: &'a Truth,
    weather: &'a Weather,
    dossiers: Vec<Dossier>,
    judged_on: Vec<Option<Day>>,
    owes: Vec<bool>,
    mass_is_open: bool,
    verdict: Verdict,
}

impl<'a> Oracle<'a> {
    pub fn new(truth: &'a Truth, weather: &'a Weather) -> Self {
        let count = truth.companies.len();
        Self {
            truth,
            weather,
            dossiers: vec![Dossier::default(); count],
            judged_on: vec![None; count],
            owes: vec![false; count],
            mass_is_open: false,
            verdict: Verdict::default(),
        }
    }

    /// What had to be told, by what came in at the upstream and when the bell rang.
    pub fn judge(mut self, ledger: &[Call], bells: &[DateTime<Utc>]) -> Verdict {
        let mut calls: BTreeMap<DateTime<Utc>, Vec<&Call>> = BTreeMap::new();
        for call in ledger {
            calls.entry(call.at).or_default().push(call);
        }
        let bells: BTreeSet<DateTime<Utc>> = bells.iter().copied().collect();
        let mut today = None;
        for bell in bells {
            let day = Day::of_instant(bell);
            if bell >= day.at(8, 0) && today.replace(day) != Some(day) {
                self.plan(day);
            }
            self.sweep(bell, calls.get(&bell).map_or(&[], Vec::as_slice));
            self.judge_the_day(bell);
        }
        self.verdict.last_known = self.dossiers.into_iter().map(|dossier| dossier.known).collect();
        self.verdict
    }

    /// Who is due on a day: by its line, or because it owes an answer.
    fn plan(&mut self, day: Day) {
        for &index in &self.truth.watched {
            let company = &self.truth.companies[index];
            if !company.weekly || day.is_monday() || day == self.truth.first || self.owes[index] {
                let shown = self.weather.shown(index, company, day.at(8, 0));
                self.verdict.due.insert((day, index), super::registry::pages(&shown));
            }
        }
    }

    fn sweep(&mut self, at: DateTime<Utc>, calls: &[&Call]) {
        let day = Day::of_instant(at);
        let mut seen = BTreeSet::new();
        for call in calls {
            let Some(company) = call.company.or_else(|| self.formerly(&call.keyword)) else { continue };
            let dossier = &mut self.dossiers[company];
            let shown = match call.gave {
                Gave::Whole => self.weather.shown(company, &self.truth.companies[company], at),
                Gave::Nothing | Gave::Amiss(Manner::Nothing | Manner::Code(265_004)) => BTreeMap::new(),
                Gave::Page => continue,
                // Where there is nothing, others have nothing either.
                Gave::Amiss(Manner::OtherCompany)
                    if self.truth.companies[company].shown_on(day).is_empty() =>
                {
                    BTreeMap::new()
                }
                Gave::Amiss(manner) => {
                    dossier.is_disputed |= manner == Manner::OtherCompany;
                    self.owes[company] = true;
                    continue;
                }
            };
            if shown.is_empty() && dossier.is_disputed {
                self.owes[company] = true;
                continue;
            }
            dossier.is_disputed = false;
            if !seen.insert(company) {
                continue;
            }
            self.verdict.looks += 1;
            self.verdict.shown.insert((company, at), shown.clone());
            let is_empty = shown.is_empty();
            let look = Look { at, shown, busy: BTreeSet::new(), owes: false, mass: false };
            let mut said = dossier.look(look).said;
            let weekly = self.truth.companies[company].weekly;
            if is_empty && dossier.is_stale(at, self.truth.first.at(0, 0), weekly) {
                said.push("unverified".to_owned());
            }
            // One piece of news a certificate, however many of its rows it is about.
            said.sort();
            said.dedup();
            said.extend(dossier.judge(day));
            self.judged_on[company] = Some(day);
            self.owes[company] = dossier.owes();
            self.say(day, company, said);
        }
        if !seen.is_empty() {
            self.watch_for_masses(day);
        }
    }

    /// Whose keyword this was.
    fn formerly(&self, keyword: &str) -> Option<usize> {
        let had = |company: &super::truth::Company| company.names.iter().any(|(_, name)| name == keyword);
        self.truth.companies.iter().position(had)
    }

    fn judge_the_day(&mut self, at: DateTime<Utc>) {
        let day = Day::of_instant(at);
        if at < day.at(8, 0) {
            return;
        }
        for &company in &self.truth.watched {
            if self.judged_on[company] == Some(day) {
                continue;
            }
            self.judged_on[company] = Some(day);
            let dossier = &mut self.dossiers[company];
            let mut said = dossier.judge(day);
            let weekly = self.truth.companies[company].weekly;
            if dossier.is_stale(at, self.truth.first.at(0, 0), weekly) {
                said.push("unverified".to_owned());
            }
            self.say(day, company, said);
        }
    }

    fn say(&mut self, day: Day, company: usize, said: Vec<String>) {
        let known = &self.dossiers[company].known;
        let before = self.verdict.known.range(..=(company, day)).next_back();
        if before.is_none_or(|((other, _), before)| *other != company || before != known) {
            self.verdict.known.insert((company, day), known.clone());
        }
        if !said.is_empty() {
            self.verdict.told.entry((day, company)).or_default().extend(said);
        }
    }
}
