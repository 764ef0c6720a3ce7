//! What an edit of the watchlist would mean, said by `validate` before it is made: who leaves with which deadline, who gains or
//! loses a reader, the calls a day.

use std::fmt;

use chrono::NaiveDate;
use serde::Serialize;

use crate::config::{Named, ReaderOf};
use crate::domain::text::displayable;

/// So many companies are named for a person; the rest is counted.
const NAMED_MAX: usize = 20;

/// What the file changes beside the one in force.
#[derive(Debug, Serialize)]
pub(super) struct Outlook {
    pub left: Vec<CompanyToLeave>,
    pub joined: Vec<Named>,
    pub readers_gained: Vec<ReaderOf>,
    pub readers_lost: Vec<ReaderOf>,
    pub calls_per_day_before: u64,
    #[serde(skip)]
    pub calls_per_day: u64,
}

/// A company that would leave.
#[derive(Debug, Serialize)]
pub(super) struct CompanyToLeave {
    #[serde(flatten)]
    pub named: Named,
    /// The next filing day or end that nobody would be reminded of; null where none is known.
    pub next_deadline: Option<NaiveDate>,
    pub certificate_num: Option<String>,
}

impl Outlook {
    /// Whether nothing changes for anybody.
    pub fn is_none(&self) -> bool {
        self.left.is_empty()
            && self.joined.is_empty()
            && self.readers_gained.is_empty()
            && self.readers_lost.is_empty()
            && self.calls_per_day_before == self.calls_per_day
    }
}

impl fmt::Display for Outlook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "beside the watchlist in force:")?;
        for leaving in self.left.iter().take(NAMED_MAX) {
            let name = displayable(&leaving.named.name);
            match (leaving.next_deadline, &leaving.certificate_num) {
                (Some(day), Some(number)) => {
                    writeln!(f, "  leaves: {name}, next deadline {day} ({})", displayable(number))?;
                }
                _ => writeln!(f, "  leaves: {name}, no deadline is known")?,
            }
        }
        if let Some(more) = self.left.len().checked_sub(NAMED_MAX).filter(|more| *more > 0) {
            writeln!(f, "  leaves: {more} more")?;
        }
        if !self.joined.is_empty() {
            writeln!(f, "  comes in: {}", listed(&self.joined))?;
        }
        for reader in &self.readers_gained {
            writeln!(f, "  becomes a reader: {} of {}", reader.address, listed(&reader.companies))?;
        }
        for reader in &self.readers_lost {
            writeln!(f, "  is no reader any more: {} of {}", reader.address, listed(&reader.companies))?;
        }
        writeln!(f, "  calls a day: {} before, {} now", self.calls_per_day_before, self.calls_per_day)
    }
}

fn listed(companies: &[Named]) -> String {
    let mut names: Vec<String> =
        companies.iter().take(NAMED_MAX).map(|company| displayable(&company.name)).collect();
    if let Some(more) = companies.len().checked_sub(NAMED_MAX).filter(|more| *more > 0) {
        names.push(format!("{more} more"));
    }
    names.join(", ")
}
