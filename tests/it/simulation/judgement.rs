//! The five laws (faults.md), from ledgers kept outside the program.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use chrono::{DateTime, Utc};

use super::calendar::Day;
use super::course::{Course, Seen};
use super::ledgers::{self, Held, Posted};
use super::oracle::words::plain;
use super::oracle::{Oracle, Verdict};
use super::registry::Call;
use super::truth::{RowName, Sight};
use super::weather::{Blow, What};

/// How a world was lived through.
#[derive(Debug, Default)]
pub struct Judgement {
    pub violations: Vec<String>,
    pub companies: usize,
    pub days: i32,
    pub calls: usize,
    pub looks: usize,
    pub checks: usize,
    pub events: usize,
    pub mails: usize,
    pub seen: Seen,
    /// Rare states that this world came to, by name.
    pub sometimes: BTreeMap<&'static str, usize>,
}

impl fmt::Display for Judgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { violations, companies, days, calls, looks, checks, events, mails, seen, .. } = self;
        writeln!(
            f,
            "{companies} companies, {days} days, {calls} calls, {looks} looks, {checks} checks by the laws, {events} \
             events, {mails} mails, {seen:?}: {} violations",
            violations.len()
        )?;
        violations.iter().take(40).try_for_each(|violation| writeln!(f, "  {violation}"))
    }
}

pub async fn judge(course: &Course) -> Judgement {
    let ledger = course.registry.ledger();
    let verdict = Oracle::new(&course.truth, &course.weather).judge(&ledger, &course.bells);
    let told = ledgers::told(course).await;
    let posted = ledgers::posted(course).await;
    let mut judge = Judge { course, verdict: &verdict, violations: Vec::new(), checks: 0 };
    judge.every_change_is_told_and_nothing_else(&told);
    judge.all_of_it_is_posted_once(&posted);
    judge.no_call_is_wasted(&ledger);
    judge.the_history_is_what_was_known(&ledgers::history(course).await);
    judge.all_has_come_to_rest(&ledgers::unrest(course).await);
    judge.operators_hear_once(&ledgers::troubles(course).await);
    if let Ok(company) = std::env::var("QUALWATCH_STORY") {
        story(company.parse().unwrap(), &verdict, &told);
    }
    Judgement {
        violations: judge.violations,
        companies: course.truth.watched.len(),
        days: course.truth.last.since(course.truth.first),
        calls: ledger.len(),
        looks: verdict.looks,
        checks: judge.checks,
        events: told.values().map(Vec::len).sum(),
        mails: posted.mails.len(),
        seen: course.seen,
        sometimes: super::sometimes::seen(course, &verdict, &told, &ledger, &posted),
    }
}

struct Judge<'a> {
    course: &'a Course,
    verdict: &'a Verdict,
    violations: Vec<String>,
    checks: usize,
}

impl Judge<'_> {
    fn holds(&mut self, law: &str, is_so: bool, otherwise: impl FnOnce() -> String) {
        self.checks += 1;
        if !is_so {
            self.violations.push(format!("{law}: {}", otherwise()));
        }
    }

    /// L1 and L2, for readers.
    fn every_change_is_told_and_nothing_else(&mut self, told: &super::oracle::Told) {
        let keys: BTreeSet<_> = told.keys().chain(self.verdict.told.keys()).copied().collect();
        let sorted = |lines: Option<&Vec<String>>| {
            let mut lines = lines.cloned().unwrap_or_default();
            lines.sort();
            lines
        };
        for (day, company) in keys {
            let is = sorted(told.get(&(day, company)));
            let ought = sorted(self.verdict.told.get(&(day, company)));
            let missed: Vec<_> = ought.iter().filter(|line| !is.contains(line)).collect();
            self.holds("L1", missed.is_empty(), || format!("{day} company {company}: missed {missed:?}"));
            let wolf: Vec<_> = is.iter().filter(|line| !ought.contains(line)).collect();
            self.holds("L2", wolf.is_empty(), || format!("{day} company {company}: not justified {wolf:?}"));
            let once = !is.windows(2).any(|pair| pair[0] == pair[1]);
            self.holds("L2", once, || format!("{day} company {company}: told twice in {is:?}"));
        }
    }

    /// L1 and L2, for mails.
    fn all_of_it_is_posted_once(&mut self, posted: &Posted) {
        let mut by_id: BTreeMap<&str, Vec<&ledgers::Mail>> = BTreeMap::new();
        for mail in &posted.mails {
            by_id.entry(&mail.id).or_default().push(mail);
        }
        let mut told_by: BTreeMap<&str, usize> = BTreeMap::new();
        for delivery in &posted.deliveries {
            let id = delivery.message.as_deref().unwrap_or_default();
            *told_by.entry(id).or_default() += 1;
            let mails = by_id.get(id);
            self.holds("L1", mails.is_some(), || format!("never posted: {delivery:?}"));
            let Some(mail) = mails.and_then(|mails| mails.first()) else { continue };
            let says = mail.to == delivery.recipient && mail.text.contains(&delivery.number);
            self.holds("L1", says, || format!("{delivery:?} is not in its mail"));
            let is_calm = !self.course.weather.is_rough(delivery.day);
            let in_time = delivery.sent_on == Some(delivery.day) || !is_calm;
            self.holds("L1", in_time, || format!("posted late: {delivery:?}"));
        }
        for (id, mails) in by_id {
            self.holds("L2", told_by.contains_key(id), || format!("a mail that tells nothing: {id}"));
            let same = mails.iter().all(|mail| mail.bytes == mails[0].bytes);
            self.holds("L2", same, || format!("{id} was repeated with other bytes"));
        }
        let violations = self.course.sink.violations();
        self.holds("L2", violations.is_empty(), || format!("against SMTP: {violations:?}"));
    }

    /// L3: whoever is due is asked for its pages; more only where something was amiss.
    fn no_call_is_wasted(&mut self, ledger: &[Call]) {
        let mut by_day: BTreeMap<(Day, usize), usize> = BTreeMap::new();
        for call in ledger {
            if let Some(company) = call.company {
                *by_day.entry((Day::of_instant(call.at), company)).or_default() += 1;
            }
        }
        let mut day = self.course.truth.first;
        while day <= self.course.truth.last.plus(3) {
            let blows = self.course.weather.blows.get(&day).map_or(&[][..], Vec::as_slice);
            let kills = blows.iter().filter(|blow| **blow != Blow::SecondDaemon).count();
            if !self.course.weather.is_rough(day) && kills == 0 {
                for &company in &self.course.truth.watched {
                    let calls = by_day.get(&(day, company)).copied().unwrap_or_default();
                    let due = self.verdict.due.get(&(day, company)).copied().unwrap_or_default();
                    self.holds("L3", calls == due, || {
                        format!("{day} company {company}: {calls} calls instead of {due}")
                    });
                }
            } else {
                let sum = |of: &BTreeMap<(Day, usize), usize>| -> usize {
                    of.range((day, 0)..(day.plus(1), 0)).map(|(_, count)| count).sum()
                };
                let (calls, due) = (sum(&by_day), sum(&self.verdict.due));
                // Who was in flight at a kill is asked again; while upstream is amiss all are, once, and probes are made.
                let is_rough = self.course.weather.is_rough(day);
                let most = due + kills * 3 + if is_rough { due + 24 } else { 0 };
                self.holds("L3", calls <= most, || format!("{day}: {calls} calls instead of {most} at most"));
            }
            day = day.plus(1);
        }
    }

    /// The stored history replays to what was established, day by day.
    fn the_history_is_what_was_known(&mut self, history: &[Held]) {
        for ((company, day), known) in &self.verdict.known {
            let until = day.plus(1).at(0, 0);
            let stored: BTreeSet<String> = history
                .iter()
                .filter(|held| held.company == *company && held.from < until)
                .filter(|held| held.to.is_none_or(|to| to >= until))
                .map(|held| held.line.clone())
                .collect();
            let known: BTreeSet<String> = known.iter().map(line_of).collect();
            self.holds("history", stored == known, || {
                let (less, more): (Vec<_>, Vec<_>) =
                    (known.difference(&stored).collect(), stored.difference(&known).collect());
                format!("{day} company {company}: misses {less:?}, has besides {more:?}")
            });
        }
    }

    /// With the faults off: nothing in doubt, nothing owed, and what is known is true.
    fn all_has_come_to_rest(&mut self, unrest: &[String]) {
        self.holds("rest", unrest.is_empty(), || format!("{unrest:?}"));
        let last = self.course.truth.last;
        for &company in &self.course.truth.watched {
            let known = &self.verdict.last_known[company];
            let shown = self.course.truth.companies[company].shown_on(last);
            for (row, sight) in &shown {
                let is_true = known.get(row).is_some_and(|known| {
                    known.grade == sight.grade && (sight.end.day().is_none() || known.end == sight.end)
                });
                self.holds("rest", is_true, || format!("company {company}: {row:?} is not known as it is"));
            }
            for (row, known) in known.iter().filter(|(row, _)| !shown.contains_key(*row)) {
                let has_ended = known.end.day().is_some_and(|end| end <= last.plus(16));
                self.holds("rest", has_ended, || {
                    format!("company {company}: {row:?} is known and is not there")
                });
            }
        }
    }

    /// L4: a trouble begins once, with a fault behind it, and ends once.
    fn operators_hear_once(&mut self, troubles: &[ledgers::TroubleLine]) {
        let mut open: BTreeMap<(String, String), Day> = BTreeMap::new();
        for trouble in troubles {
            let key = (trouble.kind.clone(), trouble.cause.clone());
            if trouble.is_end {
                let was_open = open.remove(&key).is_some();
                self.holds("L4", was_open, || format!("an end without a beginning: {trouble:?}"));
            } else {
                let is_new = open.insert(key, trouble.day).is_none();
                self.holds("L4", is_new, || format!("told twice: {trouble:?}"));
                let is_justified = self.is_justified(trouble);
                self.holds("L4", is_justified, || format!("without a reason: {trouble:?}"));
            }
        }
        let masses: BTreeSet<Day> = troubles
            .iter()
            .filter(|one| one.kind == "mass_change" && !one.is_end)
            .map(|one| one.day)
            .collect();
        let ought: BTreeSet<Day> = self.verdict.masses.iter().copied().collect();
        self.holds("L4", masses == ought, || format!("mass losses told on {masses:?} instead of {ought:?}"));
        open.retain(|(kind, _), _| !matches!(kind.as_str(), "unreadable_date" | "company_not_found"));
        self.holds("L4", open.is_empty(), || format!("never resolved: {open:?}"));
    }

    fn is_justified(&self, trouble: &ledgers::TroubleLine) -> bool {
        use super::weather::Manner::{Code, OtherCompany};
        let weather = &self.course.weather;
        let lately = |back: i32, fits: &dyn Fn(&What) -> bool| {
            weather.faults.iter().any(|fault| {
                fits(&fault.what) && fault.from <= trouble.day && fault.to >= trouble.day.plus(-back)
            })
        };
        let amiss = |what: &What| matches!(what, What::Manner(_));
        match trouble.kind.as_str() {
            "api_quota" => lately(0, &|what| matches!(what, What::Manner(Code(10_011..=10_013)))),
            "api_credential" => lately(0, &|what| matches!(what, What::Manner(Code(10_001)))),
            "identity_changed" => lately(0, &|what| matches!(what, What::Manner(OtherCompany))),
            "api_unknown_code" => lately(0, &|what| {
                matches!(what, What::Manner(Code(265_002) | super::weather::Manner::Status(302)))
            }),
            "api_unreachable" | "company_unverified" => lately(2, &amiss),
            "mass_change" | "unreadable_date" | "company_not_found" => true,
            _ => false,
        }
    }
}

/// What was shown of a company, what had to be told, what was told: for whoever looks at a world that failed.
fn story(company: usize, verdict: &Verdict, told: &super::oracle::Told) {
    let mut days: BTreeMap<Day, Vec<String>> = BTreeMap::new();
    let mut before = BTreeMap::new();
    for ((_, at), shown) in
        verdict.shown.range((company, DateTime::<Utc>::MIN_UTC)..).take_while(|((of, _), _)| *of == company)
    {
        let lines = days.entry(Day::of_instant(*at)).or_default();
        lines.extend(
            before
                .iter()
                .filter(|row| !shown.contains_key(row.0))
                .map(|row| format!("gone {}", line_of(row))),
        );
        lines.extend(
            shown
                .iter()
                .filter(|row| before.get(row.0) != Some(row.1))
                .map(|row| format!("shown {}", line_of(row))),
        );
        lines.push("seen".to_owned());
        before.clone_from(shown);
    }
    for (what, all) in [("ought", &verdict.told), ("told", told)] {
        for ((day, of), lines) in all {
            if *of == company {
                days.entry(*day).or_default().extend(lines.iter().map(|line| format!("{what} {line}")));
            }
        }
    }
    for (day, lines) in days {
        println!("{day}: {}", lines.join("; "));
    }
}

fn line_of((row, sight): (&RowName, &Sight)) -> String {
    let end = sight.end.day().map(|day| day.to_string()).unwrap_or_default();
    format!("{} {} {} {end} {}", row.number, plain(row.qualification), sight.grade, sight.issued)
}
