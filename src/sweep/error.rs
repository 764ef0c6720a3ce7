//! What can go wrong with a sweep as a whole. What goes wrong with one company is a problem in the report.

use crate::store::StoreError;

/// A sweep could not be carried out or finished.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// The database failed: nobody is asked whose answer could not be stored.
    #[error("sweeping")]
    Store(#[from] StoreError),
}
