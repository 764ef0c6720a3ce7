//! What can go wrong with a sweep as a whole. What goes wrong with one company is a problem in the report.

use crate::juhe::JuheError;
use crate::store::StoreError;

/// A sweep could not be carried out or finished.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// The database failed: nobody is asked whose answer could not be stored.
    #[error("sweeping")]
    Store(#[from] StoreError),
    /// The provider cannot be asked with these settings.
    #[error("preparing the sweep")]
    Client(#[from] JuheError),
}

impl SweepError {
    /// What a person can do.
    #[must_use]
    pub fn advice(&self) -> Option<&'static str> {
        match self {
            Self::Store(_) => None,
            Self::Client(error) => error.advice(),
        }
    }
}
