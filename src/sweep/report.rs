//! What a sweep did, for whoever began it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::config::Company;
use crate::domain::event::Trouble;
use crate::domain::health::ShownProblem;
use crate::domain::keyword::Keyword;
use crate::domain::outcome::Outcome;
use crate::domain::rhythm::Missed;
use crate::store::checks::commit::Tally;
use crate::store::companies::CompanyId;
use crate::store::outbox::events::{EventId, Recorded};

/// A difference that is seen but not established; serialised as `check --json` has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OpenDoubt {
    /// Whose.
    pub company: Keyword,
    /// The certificate, as the registry writes it.
    pub certificate_num: String,
    /// The kind of event it would be.
    pub what: String,
    /// The first look that showed it.
    pub since: DateTime<Utc>,
    /// From when on another look counts.
    pub again_after: DateTime<Utc>,
}

/// Why nobody is asked any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Halt {
    /// Asking is stopped: the provider, or our own limit, said so.
    Stopped(ShownProblem),
    /// The breaker pauses the sweep: upstream gave no readable answer.
    Paused(ShownProblem),
    /// We are asked to end.
    Ending,
}

impl Halt {
    /// The problem it is, if it is one.
    #[must_use]
    pub fn problem(&self) -> Option<&ShownProblem> {
        match self {
            Self::Stopped(problem) | Self::Paused(problem) => Some(problem),
            Self::Ending => None,
        }
    }
}

/// What a sweep did.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Companies by how their check ended, and calls.
    pub tally: Tally,
    /// Companies that were to be asked, for which no call was made.
    pub skipped: u32,
    /// Occurrences that had been missed of the lines of those that were asked for.
    pub missed: Missed,
    /// What was found and stored, for readers and operators.
    pub told: Vec<EventId>,
    /// What a dry run would have stored.
    pub imagined: Vec<Recorded>,
    /// Those of the companies concerned of which something is in doubt at the end ([`open_doubts`](super::open_doubts)).
    pub in_doubt: Vec<CompanyId>,
    /// What was not as it should be.
    pub problems: Vec<ShownProblem>,
    /// Why it ended early.
    pub halt: Option<Halt>,
}

/// Who watches a sweep go on.
pub trait Progress: Send + Sync {
    /// So many companies are to be asked.
    fn begins(&self, companies: usize);
    /// One of them is done with.
    fn advances(&self, keyword: &Keyword);
}

/// No listener: only the report counts.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn begins(&self, _companies: usize) {}
    fn advances(&self, _keyword: &Keyword) {}
}

/// What is logged within is about this company.
pub(super) fn span_of(entry: &Company) -> tracing::Span {
    tracing::error_span!("company", company = entry.keyword.as_str())
}

/// How the check of one company ended, with what was said along with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ended {
    pub(super) outcome: Outcome,
    /// The provider's code.
    pub(super) code: Option<i64>,
    /// Why it is neither complete nor empty, inert.
    pub(super) reason: Option<String>,
    /// Whether it was logged where it happened: qualwatch itself failed.
    pub(super) is_logged: bool,
}

impl Ended {
    pub(super) fn new(outcome: Outcome, code: Option<i64>, reason: Option<String>) -> Self {
        Self { outcome, code, reason, is_logged: false }
    }
}

/// What is noted while lanes are at work, and becomes the report.
#[derive(Default)]
pub(super) struct Ledger {
    entries: Mutex<Entries>,
}

#[derive(Default)]
struct Entries {
    report: Report,
    last_silence: Option<String>,
}

impl Ledger {
    fn entries(&self) -> MutexGuard<'_, Entries> {
        // Nothing in here panics half-way through a change.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was found, or in a dry run would have been.
    pub(super) fn note_told(&self, told: Vec<Recorded>) {
        let (imagined, stored): (Vec<_>, Vec<_>) =
            told.into_iter().partition(|recorded| recorded.id.is_imagined());
        self.note_stored(stored.into_iter().map(|recorded| recorded.id).collect());
        self.entries().report.imagined.extend(imagined);
    }

    /// What was found and can be read again: by its id, for an event takes 2 kB, and a first sweep finds one for every company or
    /// more.
    pub(super) fn note_stored(&self, told: Vec<EventId>) {
        self.entries().report.told.extend(told);
    }

    /// The calls of one try, and what had been missed until then.
    pub(super) fn note_calls(&self, calls: i32, missed: Missed) {
        let report = &mut self.entries().report;
        report.tally.calls += calls;
        report.missed += missed;
    }

    /// A call that brought nothing that can be read.
    pub(super) fn note_silence(&self, reason: &str) {
        self.entries().last_silence = Some(reason.to_owned());
    }

    /// The last call that brought nothing that can be read.
    pub(super) fn last_silence(&self) -> String {
        self.entries().last_silence.clone().unwrap_or_else(|| "no readable answer".to_owned())
    }

    /// So many companies had their turn, with their last complete answer come again.
    pub(super) fn note_verified(&self, companies: i32) {
        let tally = &mut self.entries().report.tally;
        tally.asked += companies;
        tally.complete += companies;
    }

    /// A company that was asked had its turn.
    pub(super) fn note_ended(&self, company: &Keyword, ended: Ended) {
        let report = &mut self.entries().report;
        let Ended { outcome, code, reason, .. } = ended;
        report.tally.asked += 1;
        *match outcome {
            Outcome::Complete | Outcome::Empty => &mut report.tally.complete,
            Outcome::Incomplete => &mut report.tally.incomplete,
            Outcome::Disputed => &mut report.tally.disputed,
            Outcome::Transient | Outcome::Quota | Outcome::Credential | Outcome::Unknown => {
                &mut report.tally.failed
            }
        } += 1;
        if let Some(reason) = reason {
            let class = match outcome {
                Outcome::Empty => Trouble::CompanyNotFound.as_str(),
                outcome => outcome.as_str(),
            };
            let (company, class) = (Some(company.clone()), class.to_owned());
            report.problems.push(ShownProblem { company, class, code, reason });
        }
    }

    /// A company that was to be asked and was not.
    pub(super) fn note_unasked(&self, company: &Keyword, outcome: Outcome, reason: &str) {
        let (company, class) = (Some(company.clone()), outcome.as_str().to_owned());
        self.entries().report.problems.push(ShownProblem {
            company,
            class,
            code: None,
            reason: reason.to_owned(),
        });
    }

    /// What it all amounts to, for `meant` companies and a sweep that was ended early by `halt`.
    pub(super) fn into_report(self, meant: usize, halt: Option<Halt>) -> Report {
        let entries = self.entries.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut report = Report { halt, ..entries.report };
        // Lanes end in any order: a person looks for a company, a test for the same lines.
        report.problems.sort_by(|one, other| one.company.cmp(&other.company));
        if let Some(halted) = report.halt.as_ref().and_then(Halt::problem) {
            report.problems.insert(0, halted.clone());
        }
        let asked = report.tally.asked.unsigned_abs();
        report.skipped = u32::try_from(meant).unwrap_or(u32::MAX).saturating_sub(asked);
        report
    }
}
