//! Whose turn it was (design 2, "Order", "Breaker", "Counted"), thought of from the other end: not who comes next, but whom
//! nothing excused from having been asked. From the upstream's ledger, the weather and the file alone.
//!
//! A company may be left out on a day only where something of that day stands against it: upstream was amiss, or the calls
//! that those before it in the order had left could not pay its pages. Where that order cannot be told from outside
//! (a process died, answers that could be read and were none), whoever might have come before counts as having come before.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::calendar::Day;
use super::judgement::Judge;
use super::oracle::{Due, TroubleLine};
use super::registry::{self, Call, Gave};
use super::weather::Manner;

/// Companies in a row without a readable answer that pause the asking, as design 2 has it.
const IN_A_ROW: usize = 5;
/// A first try and a second one.
const TRIES_A_DAY: usize = 2;

/// What was rare about turns.
#[derive(Debug, Clone, Copy, Default)]
pub struct Turned {
    /// Not begun, for want of calls.
    pub unbegun: usize,
    /// Never begun on a day: more pages than the whole day had calls.
    pub beyond: usize,
    pub dead_beside_a_stop: usize,
    pub probes_elsewhere: usize,
}

/// How the last answers of a company were, as far as it matters for its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Last {
    Good,
    /// None that could be read.
    Failed,
    /// Something that could be read and was no whole answer; or what was stored of it is not known.
    Unclear,
}

#[derive(Debug, Clone)]
struct Standing {
    last: Last,
    verified_at: Option<DateTime<Utc>>,
    /// As many as its last good page spoke of.
    pages: Option<usize>,
}

/// One day of one company.
#[derive(Debug, Clone, Default)]
struct Asked {
    calls: usize,
    /// A whole answer came, or that there is nothing.
    is_answered: bool,
    /// Calls that may have been probes.
    probes: usize,
    /// Calls before the day's hour.
    early: usize,
}

/// Whether asking is stopped or paused, by the answers that came.
#[derive(Debug, Default)]
struct Halt {
    is_stop: bool,
    in_a_row: BTreeSet<usize>,
}

impl Halt {
    fn called(&mut self, call: &Call, company: Option<usize>) {
        match call.gave {
            Gave::Amiss(manner) if manner.is_stop() => {
                (self.is_stop, self.in_a_row) = (true, BTreeSet::new());
            }
            Gave::Amiss(Manner::Status(_) | Manner::Portal) => self.in_a_row.extend(company),
            _ => *self = Self::default(),
        }
    }

    fn is_on(&self, watched: usize) -> bool {
        self.is_stop || self.in_a_row.len() >= IN_A_ROW.min(watched.max(1))
    }
}

impl Judge<'_> {
    /// L1 and L3, for turns.
    pub(super) fn turns_are_fair(&mut self, ledger: &[Call], troubles: &[TroubleLine]) -> Turned {
        let mut by_day: BTreeMap<Day, Vec<&Call>> = BTreeMap::new();
        for call in ledger {
            by_day.entry(Day::of_instant(call.at)).or_default().push(call);
        }
        let never = Standing { last: Last::Good, verified_at: None, pages: None };
        let mut standings = vec![never; self.course.truth.companies.len()];
        let (mut halt, mut turned, mut last_probe) = (Halt::default(), Turned::default(), None);
        let mut day = self.course.truth.first;
        while day <= Day::of_instant(self.course.clock_shows()) {
            let calls = by_day.get(&day).map_or(&[][..], Vec::as_slice);
            let asked = self.asked_on(day, calls, &mut halt, &mut last_probe, &mut turned);
            self.within_the_budget(day, calls.len());
            for &company in &self.course.truth.watched {
                self.whole_or_not_at_all(day, company, &standings[company], &asked);
                self.nobody_is_left_out(day, company, &standings, &asked, &mut turned);
                self.dead_entries_cost_little(day, company, &asked);
                self.what_is_beyond_a_day_is_told(day, company, &standings[company], troubles);
            }
            for call in calls {
                self.remember(day, call, &mut standings);
            }
            day = day.plus(1);
        }
        turned
    }

    fn of_whom(&self, call: &Call) -> Option<usize> {
        call.company.or_else(|| self.course.truth.formerly(&call.keyword))
    }

    /// What was asked of whom on a day, and which probes were made.
    fn asked_on(
        &mut self,
        day: Day,
        calls: &[&Call],
        halt: &mut Halt,
        last_probe: &mut Option<usize>,
        turned: &mut Turned,
    ) -> BTreeMap<usize, Asked> {
        let mut asked: BTreeMap<usize, Asked> = BTreeMap::new();
        let watched = self.watched_on(day).len();
        let mut was_stopped = false;
        for bell in calls.chunk_by(|call, next| call.bell == next.bell) {
            let is_probe = halt.is_on(watched) && bell.len() == 1;
            for call in bell {
                let company = self.of_whom(call);
                halt.called(call, company);
                was_stopped |= halt.is_stop;
                let Some(company) = company else { continue };
                let asked = asked.entry(company).or_default();
                asked.calls += 1;
                asked.is_answered |= matches!(call.gave, Gave::Whole | Gave::Nothing);
                asked.probes += usize::from(is_probe);
                asked.early += usize::from(call.at < day.at(8, 0));
            }
            // Two in a row that came to nothing, of an outage: the second looks elsewhere.
            let failed = is_probe && bell.iter().all(|call| !matches!(call.gave, Gave::Whole | Gave::Page));
            let company = self.of_whom(bell[0]).filter(|_| failed);
            if let (Some(before), Some(company)) = (*last_probe, company) {
                turned.probes_elsewhere += usize::from(before != company);
                let is_calm = !self.course.weather.blows.contains_key(&day);
                let is_of_all = self.course.weather.is_amiss_for_all(day);
                // Who alone has a try left of this day has it, rather than nobody.
                let is_left = |other: &usize| *other != company && !asked.contains_key(other);
                let has_others = self.due_on(day).iter().any(is_left);
                if is_calm && is_of_all && has_others && !halt.is_stop {
                    self.holds("L3", before != company, || format!("{day} company {company}: probed twice"));
                }
            }
            *last_probe = company;
        }
        let is_dead = |company: &usize| self.course.weather.is_dead(*company, day);
        if was_stopped && self.watched_on(day).iter().any(is_dead) {
            turned.dead_beside_a_stop += 1;
        }
        asked
    }

    fn watched_on(&self, day: Day) -> BTreeSet<usize> {
        self.course.truth.watched.difference(&self.course.weather.file_on(day).out).copied().collect()
    }

    fn due_on(&self, day: Day) -> BTreeSet<usize> {
        self.verdict.due.range((day, 0)..(day.plus(1), 0)).map(|((_, company), _)| *company).collect()
    }

    /// Nothing befell the process, the file, or upstream as a whole.
    fn is_calm(&self, day: Day) -> bool {
        let weather = &self.course.weather;
        let is_edited = self.course.truth.companies.iter().any(|company| {
            company.keywords.iter().any(|(from, _)| *from == day && *from != self.course.truth.first)
        });
        !weather.is_amiss_for_all(day)
            && !weather.blows.contains_key(&day)
            && !weather.edits.contains_key(&day)
            && !is_edited
    }

    /// Nothing is amiss with the company itself either; how many pages it is on that day.
    fn pages_of_a_calm_day(&self, day: Day, company: usize) -> Option<usize> {
        let is_well = self.is_calm(day) && !self.course.weather.is_amiss_for(company, day);
        let truth = &self.course.truth.companies[company];
        let shown = self.course.weather.shown(company, truth, day.at(8, 0));
        let is_found = truth.keyword_on(day) == truth.name_on(day);
        is_well.then(|| if is_found { registry::pages(truth, day, &shown) } else { 1 })
    }

    fn within_the_budget(&mut self, day: Day, calls: usize) {
        if let Some(limit) = self.course.weather.calls_on(day) {
            self.holds("L3", calls <= limit, || format!("{day}: {calls} calls where there were {limit}"));
        }
    }

    /// A company of several pages is paid for, or left for another day. Who has grown may have been begun in good faith.
    fn whole_or_not_at_all(
        &mut self,
        day: Day,
        company: usize,
        standing: &Standing,
        asked: &BTreeMap<usize, Asked>,
    ) {
        let (Some(pages), Some(limit)) =
            (self.pages_of_a_calm_day(day, company), self.course.weather.calls_on(day))
        else {
            return;
        };
        let calls = asked.get(&company).map_or(0, |asked| asked.calls);
        let has_grown = standing.pages.is_none_or(|known| known < pages);
        let is_whole = calls.is_multiple_of(pages) || (has_grown && calls < pages);
        self.holds("L3", is_whole, || format!("{day} company {company}: {calls} pages of {pages}"));
        let is_beyond = standing.pages.is_some_and(|known| known > limit);
        self.holds("L3", calls == 0 || !is_beyond, || {
            format!("{day} company {company}: {calls} calls, of {pages} pages, where a day has {limit}")
        });
    }

    /// Who is due and could be paid has been asked.
    fn nobody_is_left_out(
        &mut self,
        day: Day,
        company: usize,
        standings: &[Standing],
        asked: &BTreeMap<usize, Asked>,
        turned: &mut Turned,
    ) {
        let due = self.verdict.due.get(&(day, company)).filter(|due| !due.or_none);
        let (Some(_), Some(pages)) = (due, self.pages_of_a_calm_day(day, company)) else { return };
        let own = &standings[company];
        if own.last == Last::Unclear || asked.get(&company).is_some_and(|asked| asked.is_answered) {
            return;
        }
        let pages = pages.max(own.pages.unwrap_or(1));
        let limit = self.course.weather.calls_on(day);
        // After a stop what a line missed is made up at once, and who owes an answer waits for the day's hour: their half
        // interval has passed (design 2, "Who is due").
        let is_made_up = self.course.weather.is_amiss_for_all(day.plus(-1));
        let before: usize = asked
            .iter()
            .filter(|(other, _)| **other != company)
            .map(|(other, asked)| match self.may_come_before(day, *other, &standings[*other], own) {
                true => asked.calls,
                false if is_made_up => asked.early,
                false => 0,
            })
            .sum();
        // Of how many pages a first answer is, nobody can know: others may be under way already that are paid by the rest.
        let is_unpaid_surprise = own.pages.is_none() && pages > 1 && asked.contains_key(&company);
        let is_excused = limit.is_some_and(|limit| is_unpaid_surprise || pages + before > limit);
        turned.unbegun += usize::from(is_excused);
        turned.beyond += usize::from(limit.is_some_and(|limit| pages > limit));
        self.holds("L1", is_excused, || {
            format!(
                "{day} company {company}: not verified, though it was due; {pages} pages, {limit:?} calls, of which {before} \
                 for those before it; {own:?}; {asked:?}"
            )
        });
    }

    /// Confirmations, then those whose last answer was good (the longest unverified first), then those that failed.
    fn may_come_before(&self, day: Day, other: usize, theirs: &Standing, own: &Standing) -> bool {
        let is_in_doubt = self.verdict.due.get(&(day, other)).is_some_and(|due: &Due| due.is_in_doubt);
        match (theirs.last, own.last) {
            _ if is_in_doubt => true,
            (Last::Unclear, _) | (_, Last::Failed | Last::Unclear) => true,
            (Last::Failed, Last::Good) => false,
            (Last::Good, Last::Good) => theirs.verified_at <= own.verified_at,
        }
    }

    /// Two tries a day, and probes.
    fn dead_entries_cost_little(&mut self, day: Day, company: usize, asked: &BTreeMap<usize, Asked>) {
        let Some(asked) = asked.get(&company) else { return };
        // After a stop what was missed may be made up soon after midnight; then the day's own hour comes.
        let is_made_up = self.course.weather.is_amiss_for_all(day.plus(-1));
        let is_dead = self.course.weather.is_dead(company, day) && self.is_calm(day) && !is_made_up;
        let tries = asked.calls.saturating_sub(asked.probes);
        self.holds("L3", !is_dead || tries <= TRIES_A_DAY, || {
            format!("{day} company {company}: {tries} tries of a dead entry, and {} probes", asked.probes)
        });
    }

    /// Whose pages are more than a whole day's calls is told to the operators.
    fn what_is_beyond_a_day_is_told(
        &mut self,
        day: Day,
        company: usize,
        standing: &Standing,
        troubles: &[TroubleLine],
    ) {
        let limit = self.course.weather.calls_on(day);
        let is_beyond = limit.is_some_and(|limit| standing.pages.is_some_and(|pages| pages > limit));
        let is_due = self.verdict.due.get(&(day, company)).is_some_and(|due| !due.or_none);
        let is_clear = standing.last != Last::Unclear && self.pages_of_a_calm_day(day, company).is_some();
        if is_beyond && is_due && is_clear {
            let of_it = |line: &&TroubleLine| {
                line.kind == "company_unverified" && line.company == Some(company) && line.day <= day
            };
            let last = troubles.iter().rfind(of_it);
            self.holds("L4", last.is_some_and(|line| !line.is_end), || {
                format!(
                    "{day} company {company}: nobody is told that a day's calls cannot pay it; {limit:?} calls, {standing:?}"
                )
            });
        }
    }

    fn remember(&self, day: Day, call: &Call, standings: &mut [Standing]) {
        let Some(company) = self.of_whom(call) else { return };
        let truth = &self.course.truth.companies[company];
        let standing = &mut standings[company];
        let shown = self.course.weather.shown(company, truth, call.at);
        let is_stored = self.course.weather.kills_on(day) == 0;
        match call.gave {
            // Not an answer yet, but it says how many pages there are.
            Gave::Page => standing.pages = Some(registry::pages(truth, Day::of_instant(call.at), &shown)),
            Gave::Whole => {
                standing.pages = Some(registry::pages(truth, Day::of_instant(call.at), &shown));
                standing.verified_at = Some(call.at);
                // One of another company is not compared: it fails, and says nothing of this one.
                let the_day = (company, day.at(0, 0))..(company, day.plus(1).at(0, 0));
                let is_compared = self.verdict.shown.range(the_day).next().is_some();
                let is_good = is_stored && is_compared && !shown.is_empty();
                standing.last = if is_good { Last::Good } else { Last::Unclear };
            }
            Gave::Amiss(manner) if manner.is_stop() => {}
            Gave::Amiss(manner) if manner.is_unreadable() && is_stored => standing.last = Last::Failed,
            Gave::Nothing | Gave::Amiss(_) => standing.last = Last::Unclear,
        }
    }
}
