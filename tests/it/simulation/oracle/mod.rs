//! The oracle: from the truth, the faults and the upstream's own ledger it says what had to be told, day by day. It knows
//! nothing of `domain/`: days are counts, looks are a sequence that is asked questions, news are lines.

pub mod beats;
mod coming_back;
pub mod dossier;
mod edits;
mod ends;
pub mod looks;
mod mass;
pub mod silence;
pub mod troubles;
pub mod words;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::calendar::Day;
use super::registry::{Call, Gave};
use super::truth::{RowName, Sight, Truth};
use super::weather::{Manner, Weather};
use coming_back::Name;
use dossier::Dossier;
use looks::Look;
pub use troubles::TroubleLine;
use troubles::Troubles;

/// What was to be told of a company on a day.
pub type Told = BTreeMap<(Day, usize), Vec<String>>;
/// What was established of a company by the end of a day; days without a change are left out.
pub type Known = BTreeMap<(usize, Day), BTreeMap<RowName, Sight>>;

/// All that was to come of a world.
#[derive(Debug, Default)]
pub struct Verdict {
    pub told: Told,
    pub known: Known,
    /// What operators had to hear of an edit of the watchlist.
    pub edits: BTreeMap<Day, Vec<String>>,
    /// The days on which the operators had to hear of a mass loss.
    pub masses: Vec<Day>,
    pub looks: usize,
    /// What each look showed: for the story of a world that failed.
    pub shown: BTreeMap<(usize, DateTime<Utc>), BTreeMap<RowName, Sight>>,
    /// Who had to be asked on a day, with how many pages; asked again only for a reason.
    pub due: BTreeMap<(Day, usize), Due>,
    /// What operators had to hear of stops, of whose answers came, and of what was not found.
    pub troubles: Vec<TroubleLine>,
    /// Who is disputed in the end: imported anew when nothing was as it had been.
    pub disputed: BTreeSet<usize>,
    /// The last whole answers, as far as they are known.
    pub last_known: Vec<BTreeMap<RowName, Sight>>,
}

/// Calls that were due.
#[derive(Debug, Clone, Copy)]
pub struct Due {
    pub pages: usize,
    /// Or none at all: whether a failure was stored is not known.
    pub or_none: bool,
    /// An earlier look is to be confirmed, or there was nothing.
    pub is_in_doubt: bool,
}

/// Whether a company owes an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owes {
    No,
    /// A process may have died before it stored a failure.
    Perhaps,
    Yes,
}

impl Owes {
    fn if_so(owes: bool) -> Self {
        if owes { Self::Yes } else { Self::No }
    }
}

/// Goes through a world as it was.
pub struct Oracle<'a> {
    truth: &'a Truth,
    weather: &'a Weather,
    dossiers: Vec<Dossier>,
    keywords: Vec<&'a str>,
    judged_on: Vec<Option<Day>>,
    asked_on: Vec<Option<Day>>,
    owes: Vec<Owes>,
    mass_is_open: bool,
    pub(super) troubles: Troubles,
    verdict: Verdict,
}

impl<'a> Oracle<'a> {
    pub fn new(truth: &'a Truth, weather: &'a Weather) -> Self {
        let count = truth.companies.len();
        let watched_since = truth.first.at(0, 0);
        Self {
            truth,
            weather,
            dossiers: vec![Dossier::watched_since(watched_since); count],
            keywords: truth.companies.iter().map(|company| company.keyword_on(truth.first)).collect(),
            judged_on: vec![None; count],
            asked_on: vec![None; count],
            owes: vec![Owes::No; count],
            mass_is_open: false,
            troubles: Troubles::default(),
            verdict: Verdict::default(),
        }
    }

    /// What had to be told, by what came in at the upstream and when the bell rang.
    pub fn judge(mut self, ledger: &[Call], bells: &[DateTime<Utc>]) -> Verdict {
        let mut calls: BTreeMap<usize, Vec<&Call>> = BTreeMap::new();
        for call in ledger {
            calls.entry(call.bell).or_default().push(call);
        }
        let (mut today, mut planned) = (None, None);
        for (number, bell) in bells.iter().copied().enumerate() {
            let day = Day::of_instant(bell);
            if today.replace(day) != Some(day) {
                self.tell_edits(day);
                self.edit(day);
            }
            if bell >= day.at(8, 0) && planned.replace(day) != Some(day) {
                self.plan(day);
            }
            self.dossiers.iter_mut().for_each(|dossier| dossier.clamp_to(bell));
            self.sweep(bell, calls.get(&number).map_or(&[], Vec::as_slice));
            self.judge_the_day(bell);
        }
        let disputed = self.dossiers.iter().enumerate().filter(|(_, dossier)| dossier.is_disputed);
        self.verdict.disputed = disputed.map(|(company, _)| company).collect();
        let known = |dossier: Dossier| if dossier.has_baseline { dossier.known } else { BTreeMap::new() };
        self.verdict.last_known = self.dossiers.into_iter().map(known).collect();
        self.verdict.troubles = self.troubles.lines;
        self.verdict
    }

    /// The watchlist of the day.
    fn edit(&mut self, day: Day) {
        let at = day.at(0, 5);
        let file = self.weather.file_on(day);
        for &index in &self.truth.watched {
            let dossier = &mut self.dossiers[index];
            let keyword = self.truth.companies[index].keyword_on(day);
            let is_new = keyword != self.keywords[index];
            let name = if is_new { Name::New } else { Name::Same };
            if dossier.left_at.is_none() && (is_new || file.out.contains(&index)) {
                dossier.leaves(at);
            }
            if dossier.left_at.is_some() && !file.out.contains(&index) {
                dossier.comes_back(at, name);
                self.keywords[index] = keyword;
                self.owes[index] = Owes::Yes;
            }
        }
    }

    /// Who is due on a day: by its line, or because it owes an answer.
    fn plan(&mut self, day: Day) {
        for &index in &self.truth.watched {
            if self.dossiers[index].left_at.is_some() {
                continue;
            }
            let company = &self.truth.companies[index];
            let is_due = !company.weekly || self.is_weekly_due(index, day);
            if is_due || self.owes[index] != Owes::No {
                let is_found = company.keyword_on(day) == company.name_on(day);
                let shown = self.weather.shown(index, company, day.at(8, 0));
                let pages = if is_found { super::registry::pages(company, day, &shown) } else { 1 };
                let or_none = !is_due && self.owes[index] == Owes::Perhaps;
                let is_in_doubt = self.dossiers[index].owes();
                self.verdict.due.insert((day, index), Due { pages, or_none, is_in_doubt });
            }
        }
    }

    /// On Mondays; what was missed is made up while the next Monday is at least half a week away.
    fn is_weekly_due(&self, index: usize, day: Day) -> bool {
        let Some(asked_on) = self.asked_on[index] else { return true };
        let monday = (0..7).map(|back| day.plus(-back)).find(|day| day.is_monday());
        monday.is_some_and(|monday| asked_on < monday && day.since(monday) <= 3)
    }

    fn sweep(&mut self, at: DateTime<Utc>, calls: &[&Call]) {
        let day = Day::of_instant(at);
        let mut seen = BTreeSet::new();
        let in_question = self.mass_is_open;
        for call in calls {
            self.troubles.called(day, call);
            let Some(company) = call.company.or_else(|| self.truth.formerly(&call.keyword)) else { continue };
            let is_weekly = self.truth.companies[company].weekly;
            let Some(shown) = self.is_whole(day, company, call) else { continue };
            if !seen.insert(company) {
                continue;
            }
            let dossier = &mut self.dossiers[company];
            self.verdict.looks += 1;
            self.verdict.shown.insert((company, at), shown.clone());
            let is_empty = shown.is_empty();
            let (busy, mass, gains_wait) = (BTreeSet::new(), BTreeSet::new(), in_question);
            let look = Look { at, shown, busy, owes: false, mass, beside_mass: false, gains_wait };
            let mut said = dossier.look(look).said;
            if is_empty && dossier.is_stale(at, is_weekly) {
                said.push("unverified".to_owned());
            }
            // One piece of news a certificate, however many of its rows it is about.
            said.sort();
            said.dedup();
            said.extend(dossier.judge(day));
            let has_unnumbered = self.truth.companies[company].has_unnumbered_on(day);
            self.troubles.looked_at(day, company, (is_empty, has_unnumbered), dossier);
            self.judged_on[company] = Some(day);
            self.owes[company] = Owes::if_so(dossier.owes());
            self.say(day, company, said);
        }
        if !seen.is_empty() {
            self.watch_for_masses(day);
        }
    }

    /// What is shown by a call that is the last of a whole answer, if that may be compared.
    fn is_whole(&mut self, day: Day, company: usize, call: &Call) -> Option<BTreeMap<RowName, Sight>> {
        let dossier = &mut self.dossiers[company];
        let truth = &self.truth.companies[company];
        let shown = match call.gave {
            Gave::Page => return None,
            Gave::Whole => self.weather.shown(company, truth, call.at),
            Gave::Nothing | Gave::Amiss(Manner::Nothing | Manner::Code(265_004)) => BTreeMap::new(),
            // Where there is nothing, others have nothing either.
            Gave::Amiss(Manner::OtherCompany) if truth.shown_on(day).is_empty() => BTreeMap::new(),
            Gave::Amiss(manner) => {
                if manner == Manner::OtherCompany {
                    self.troubles.is_disputed(day, company);
                    dossier.is_disputed = true;
                }
                // What was asked and failed is known to have failed, whether or not a pause comes before its second try.
                if !manner.is_stop() {
                    let is_known = !manner.is_in_passing() || self.weather.kills_on(day) == 0;
                    self.owes[company] = if is_known { Owes::Yes } else { Owes::Perhaps };
                    self.asked_on[company] = Some(day);
                }
                return None;
            }
        };
        self.asked_on[company] = Some(day);
        let id = truth.id_on(day);
        if !shown.is_empty() && !dossier.is_answered_by(&id, &shown) {
            self.troubles.is_disputed(day, company);
            dossier.is_disputed = true;
        } else if !shown.is_empty() {
            dossier.id = Some(id);
            dossier.is_disputed = false;
        }
        if dossier.is_disputed {
            self.owes[company] = Owes::Yes;
            return None;
        }
        Some(shown)
    }

    fn judge_the_day(&mut self, at: DateTime<Utc>) {
        let day = Day::of_instant(at);
        if at < day.at(8, 0) {
            return;
        }
        for &company in &self.truth.watched {
            let dossier = &mut self.dossiers[company];
            if self.judged_on[company] == Some(day) || dossier.left_at.is_some() {
                continue;
            }
            self.judged_on[company] = Some(day);
            let mut said = dossier.judge(day);
            let weekly = self.truth.companies[company].weekly;
            if dossier.is_stale(at, weekly) {
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
