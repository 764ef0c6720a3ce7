//! Who is still to be judged today, found and marked in batches.

use chrono::NaiveDate;
use sqlx::postgres::PgPool;

use crate::store::companies::CompanyId;
use crate::store::error::{StoreError, during};

/// Companies judged at once.
pub const BATCH_COMPANIES_MAX: i64 = 500;

/// The next companies of the file that were not judged on `today`, after `last` in the order of their ids. A company judged
/// on a day ahead (a clock was wrong) is judged again.
///
/// # Errors
/// When the database fails.
pub async fn next_unjudged(
    pool: &PgPool,
    today: NaiveDate,
    last: Option<CompanyId>,
) -> Result<Vec<CompanyId>, StoreError> {
    let ids: Vec<i64> = sqlx::query_scalar!(
        "SELECT id
         FROM companies
         WHERE left_at IS NULL
           AND judged_on IS DISTINCT FROM $1
           AND id > $2
         ORDER BY id
         LIMIT $3",
        today,
        last.map_or(0, |id| id.0),
        BATCH_COMPANIES_MAX
    )
    .fetch_all(pool)
    .await
    .map_err(during("reading who is to be judged"))?;
    Ok(ids.into_iter().map(CompanyId).collect())
}

/// Marks companies whose judging found nothing to tell.
///
/// # Errors
/// When the database fails.
pub async fn mark_judged(pool: &PgPool, ids: &[CompanyId], today: NaiveDate) -> Result<(), StoreError> {
    let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
    sqlx::query!("UPDATE companies SET judged_on = $2 WHERE id = ANY ($1)", &ids, today)
        .execute(pool)
        .await
        .map_err(during("marking who was judged"))?;
    Ok(())
}
