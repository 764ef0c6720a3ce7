//! What can go wrong on the way from an event to a mail, besides a refusal ([`SendFailure`](super::SendFailure)).

use crate::store::StoreError;

/// Mail could not be prepared or accounted for.
#[derive(Debug, thiserror::Error)]
pub enum EmailError {
    /// The outbox could not be read or written.
    #[error("working on the outbox")]
    Store(#[from] StoreError),
    /// A message could not be built.
    #[error("building the message for {to}")]
    Build {
        /// For whom.
        to: String,
        /// What the library says.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}
