//! What is noted while workers are at it, and the report made of it.

use std::collections::BTreeMap;

use super::conclusion::Ending;
use super::report::{Halt, Problem, Report};
use crate::domain::keyword::Keyword;
use crate::store::outbox::events::Recorded;

/// What is noted while workers are at it.
#[derive(Default)]
pub(super) struct Notes {
    pub told: Vec<Recorded>,
    pub found: usize,
    pub outcomes: BTreeMap<Keyword, Outcome>,
    pub calls: i32,
    pub last_failure: Option<String>,
    pub imagined: i64,
}

/// How a company's last turn ended.
pub(super) struct Outcome {
    pub is_asked: bool,
    /// `None`: no answer that could be concluded.
    pub ending: Option<Ending>,
    pub problem: Option<Problem>,
}

impl Notes {
    /// What it all amounts to, for `meant` companies and a sweep that was ended early by `halt`.
    pub(super) fn into_report(self, meant: usize, halt: Option<Halt>) -> Report {
        let mut report = Report { events: self.told, found: self.found, halt, ..Report::default() };
        report.tally.calls = self.calls;
        for outcome in self.outcomes.values().filter(|outcome| outcome.is_asked) {
            report.tally.asked += 1;
            match &outcome.ending {
                Some(Ending::Complete | Ending::Empty) => report.tally.complete += 1,
                Some(Ending::Incomplete(_)) => report.tally.incomplete += 1,
                Some(Ending::Disputed(_)) => report.tally.disputed += 1,
                Some(Ending::Failed(_)) | None => report.tally.failed += 1,
            }
        }
        report.skipped =
            u32::try_from(meant).unwrap_or(u32::MAX).saturating_sub(report.tally.asked.unsigned_abs());
        let halted = report.halt.as_ref().and_then(Halt::problem).cloned();
        report.problems = halted
            .into_iter()
            .chain(self.outcomes.into_values().filter_map(|outcome| outcome.problem))
            .collect();
        report
    }
}

/// An outcome without an ending: what stood in the way.
pub(super) fn outcome(keyword: &Keyword, class: &str, code: Option<i64>, reason: &str) -> Outcome {
    let problem =
        Problem { company: Some(keyword.clone()), class: class.to_owned(), code, reason: reason.to_owned() };
    Outcome { is_asked: false, ending: None, problem: Some(problem) }
}
