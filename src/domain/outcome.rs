//! How one check of one company went, as rows and `--json` name it (design 2 and 3).

use std::fmt;
use std::str::FromStr;

/// How a check ended. What was said along with it (code, reason) stands beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// Every page came and they add up.
    Complete,
    /// Upstream finds nothing.
    Empty,
    /// Pages came that do not add up: nothing is concluded.
    Incomplete,
    /// It cannot be said that the answer is this company's.
    Disputed,
    /// A failure in passing: a busy provider, a network, an answer that cannot be read.
    Transient,
    /// The day's calls are used up.
    Quota,
    /// Key, account or address is refused.
    Credential,
    /// Something that the provider's document does not explain.
    Unknown,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Complete,
        Self::Empty,
        Self::Incomplete,
        Self::Disputed,
        Self::Transient,
        Self::Quota,
        Self::Credential,
        Self::Unknown,
    ];

    /// The name in rows and `--json`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Empty => "empty",
            Self::Incomplete => "incomplete",
            Self::Disputed => "disputed",
            Self::Transient => "transient",
            Self::Quota => "quota",
            Self::Credential => "credential",
            Self::Unknown => "unknown",
        }
    }

    /// Whether the company still owes what it was asked for, and why is a problem: all but complete and empty answers.
    #[must_use]
    pub const fn is_failure(self) -> bool {
        !matches!(self, Self::Complete | Self::Empty)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that no outcome has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no outcome of a check")]
pub struct UnknownOutcome(pub String);

impl FromStr for Outcome {
    type Err = UnknownOutcome;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|outcome| outcome.as_str() == text);
        known.ok_or_else(|| UnknownOutcome(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_is_read_as_it_is_written() {
        for outcome in Outcome::ALL {
            assert_eq!(outcome.as_str().parse(), Ok(outcome));
        }
        assert_eq!("fine".parse::<Outcome>(), Err(UnknownOutcome("fine".to_owned())));
    }
}
