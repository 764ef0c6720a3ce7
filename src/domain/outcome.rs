//! How one check of one company went, as rows and `--json` name it (design 2 and 3).

use super::names::names;

names! {
    /// How a check ended. What was said along with it (code, reason) stands beside it.
    Outcome {
        /// Every page came and they add up.
        Complete = "complete",
        /// Upstream finds nothing.
        Empty = "empty",
        /// Pages came that do not add up: nothing is concluded.
        Incomplete = "incomplete",
        /// It cannot be said that the answer is this company's.
        Disputed = "disputed",
        /// A failure in passing: a busy provider, a network, an answer that cannot be read.
        Transient = "transient",
        /// The day's calls are used up.
        Quota = "quota",
        /// Key, account or address is refused.
        Credential = "credential",
        /// Something that the provider's document does not explain.
        Unknown = "unknown",
    }
}

impl Outcome {
    /// Whether the company still owes what it was asked for, and why is a problem: all but complete and empty answers.
    #[must_use]
    pub const fn is_failure(self) -> bool {
        !matches!(self, Self::Complete | Self::Empty)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::names::UnknownName;

    #[test]
    fn every_outcome_is_read_as_it_is_written() {
        for outcome in Outcome::ALL {
            assert_eq!(outcome.as_str().parse(), Ok(outcome));
        }
        assert_eq!("fine".parse::<Outcome>(), Err(UnknownName("fine".to_owned())));
    }
}
