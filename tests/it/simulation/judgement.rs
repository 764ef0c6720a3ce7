//! The five laws (faults.md), from ledgers kept outside the program.

use std::collections::BTreeSet;
use std::fmt;

use super::course::Course;
use super::ledgers;
use super::oracle::Oracle;

/// How a world was lived through.
#[derive(Debug, Default)]
pub struct Judgement {
    pub violations: Vec<String>,
    pub companies: usize,
    pub days: i32,
    pub calls: usize,
    pub events: usize,
    pub mails: usize,
}

impl fmt::Display for Judgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { violations, companies, days, calls, events, mails } = self;
        writeln!(
            f,
            "{companies} companies, {days} days, {calls} calls, {events} events, {mails} mails: {} violations",
            violations.len()
        )?;
        violations.iter().take(40).try_for_each(|violation| writeln!(f, "  {violation}"))
    }
}

pub async fn judge(course: &Course) -> Judgement {
    let ledger = course.registry.ledger();
    let verdict = Oracle::new(&course.truth, &course.weather).judge(&ledger, &course.bells);
    let told = ledgers::told(course).await;
    let mut violations = Vec::new();
    let keys: BTreeSet<_> = told.keys().chain(verdict.told.keys()).copied().collect();
    for (day, company) in keys {
        let sorted = |lines: Option<&Vec<String>>| {
            let mut lines = lines.cloned().unwrap_or_default();
            lines.sort();
            lines
        };
        let is = sorted(told.get(&(day, company)));
        let ought = sorted(verdict.told.get(&(day, company)));
        if is != ought {
            let missed: Vec<_> = ought.iter().filter(|line| !is.contains(line)).collect();
            let wolf: Vec<_> = is.iter().filter(|line| !ought.contains(line)).collect();
            violations.push(format!("{day} company {company}: missed {missed:?}, not justified {wolf:?}"));
        }
    }
    Judgement {
        violations,
        companies: course.truth.companies.len(),
        days: course.truth.last.since(course.truth.first),
        calls: ledger.len(),
        events: told.values().map(Vec::len).sum(),
        mails: course.sink.mails().len(),
    }
}
