//! Reading companies several at a time: one with a row that cannot be read stops no other.

use std::collections::BTreeMap;

use sqlx::postgres::{PgConnection, PgPool};

use crate::store::checks::claims::{Batch, CompanyClaim};
use crate::store::checks::records::{Record, load};
use crate::store::companies::CompanyId;
use crate::store::error::{StoreError, during};

/// Companies as they were read.
#[derive(Debug, Default)]
pub struct Records {
    /// Those that could be read.
    pub readable: BTreeMap<CompanyId, Record>,
    /// Those with a row that this version cannot read: they stop no other.
    pub unreadable: BTreeMap<CompanyId, StoreError>,
}

impl Records {
    /// Takes one of them out; `Ok(None)` when it is not among them.
    ///
    /// # Errors
    /// When it could not be read.
    pub fn take(&mut self, id: CompanyId) -> Result<Option<Record>, StoreError> {
        match self.unreadable.remove(&id) {
            Some(error) => Err(error),
            None => Ok(self.readable.remove(&id)),
        }
    }
}

/// Reads the claimed company.
///
/// # Errors
/// When the database fails or a row cannot be read; `Ok(None)` when the company's row has gone.
pub async fn read_claimed(claim: &mut CompanyClaim<'_>) -> Result<Option<Record>, StoreError> {
    let id = claim.company();
    Ok(load(claim.connection(), &[id]).await?.pop())
}

/// Reads the companies of a batch.
///
/// # Errors
/// When the database fails.
pub async fn read_batch(batch: &mut Batch) -> Result<Records, StoreError> {
    let ids = batch.companies();
    load_each(batch.connection(), &ids).await
}

/// Reads these companies.
///
/// # Errors
/// When the database fails.
pub async fn read(pool: &PgPool, ids: &[CompanyId]) -> Result<Records, StoreError> {
    let mut connection = pool.acquire().await.map_err(during("reading companies"))?;
    load_each(&mut connection, ids).await
}

/// Reads all of them at once, and one by one only when that shows that one cannot be read.
async fn load_each(connection: &mut PgConnection, ids: &[CompanyId]) -> Result<Records, StoreError> {
    let mut records = Records::default();
    match load(connection, ids).await {
        Ok(all) => records.readable = all.into_iter().map(|record| (record.id, record)).collect(),
        Err(error) if error.is_of_the_database() => return Err(error),
        Err(_) => {
            for id in ids {
                match load(connection, &[*id]).await {
                    Ok(one) => records.readable.extend(one.into_iter().map(|record| (record.id, record))),
                    Err(error) if error.is_of_the_database() => return Err(error),
                    Err(error) => drop(records.unreadable.insert(*id, error)),
                }
            }
        }
    }
    Ok(records)
}
