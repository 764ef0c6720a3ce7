//! What a worker holds: the companies it has claimed together, and how they were when it claimed them.

use crate::store::checks::batches::{self, Records};
use crate::store::checks::claims::{Batch, Claims};
use crate::store::companies::CompanyId;
use crate::store::{Store, StoreError};

/// A worker's connection, with what is claimed on it.
#[derive(Debug, Default)]
pub(super) enum Hand {
    /// Nothing yet; or nothing any more, for the connection went with a panic, and every lock with it.
    #[default]
    Empty,
    /// A connection without a claim.
    Free(Claims),
    /// These companies, as they were read under their locks.
    Holds { batch: Batch, records: Records },
}

impl Hand {
    /// Puts down what it holds and claims these companies instead: those that no other process has.
    pub(super) async fn claim(self, store: &Store, ids: &[CompanyId]) -> Result<Self, StoreError> {
        if ids.is_empty() {
            return Ok(self);
        }
        let free = match self.put_down().await? {
            Self::Free(free) => free,
            _ => store.claims().await?,
        };
        let mut batch = free.take_companies(ids).await?;
        let records = batches::read_batch(&mut batch).await?;
        Ok(Self::Holds { batch, records })
    }

    /// Gives what it holds free: before somebody else may take it.
    pub(super) async fn put_down(self) -> Result<Self, StoreError> {
        match self {
            Self::Holds { batch, .. } => Ok(Self::Free(batch.release().await?)),
            empty => Ok(empty),
        }
    }

    /// Gives everything free and ends the connection. In this order: the server frees the locks of one that has ended, but a
    /// moment later, and whoever wants the companies in it would find them taken.
    pub(super) async fn close(self) -> Result<(), StoreError> {
        if let Self::Free(free) = self.put_down().await? {
            free.close().await;
        }
        Ok(())
    }
}
