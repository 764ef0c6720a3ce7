//! What a sweep did, for whoever began it.

use chrono::{DateTime, Utc};

use crate::domain::keyword::Keyword;
use crate::store::checks::sweeps::Tally;
use crate::store::outbox::events::Recorded;

/// Something that was not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The company, where it is about one.
    pub company: Option<Keyword>,
    /// A class of design 2, `incomplete` or `disputed`.
    pub class: String,
    /// The provider's code.
    pub code: Option<i64>,
    /// What happened, inert.
    pub reason: String,
}

/// A difference that is seen but not established.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    Stopped(Problem),
    /// The breaker pauses the sweep: upstream gave no readable answer.
    Paused(Problem),
    /// We are asked to end.
    Ending,
}

impl Halt {
    /// The problem it is, if it is one.
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
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
    /// What was found, for readers and operators, where whoever watches wants it ([`Progress::wants_events`]).
    pub events: Vec<Recorded>,
    /// How many events were found.
    pub found: usize,
    /// What of the companies concerned is in doubt at the end.
    pub doubts: Vec<OpenDoubt>,
    /// What was not as it should be.
    pub problems: Vec<Problem>,
    /// Why it ended early.
    pub halt: Option<Halt>,
}

/// Who watches a sweep go on.
pub trait Progress: Send + Sync {
    /// So many companies are to be asked.
    fn begins(&self, companies: usize);
    /// One of them is done with.
    fn advances(&self, keyword: &Keyword);
    /// Whether the report is to contain the events: each takes 2 kB, and a first sweep finds one for every company or more.
    fn wants_events(&self) -> bool {
        true
    }
}

/// Nobody does: only the report counts.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn begins(&self, _companies: usize) {}
    fn advances(&self, _keyword: &Keyword) {}
}

/// Nobody does, and nobody wants to know what was found: the daemon's readers have their mail.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unwatched;

impl Progress for Unwatched {
    fn begins(&self, _companies: usize) {}
    fn advances(&self, _keyword: &Keyword) {}
    fn wants_events(&self) -> bool {
        false
    }
}
