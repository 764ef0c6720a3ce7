//! Mass losses: which companies lost something in the same 24 hours (design 3).

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::postgres::PgPool;

use super::error::{StoreError, during};

/// How many companies lost something, and how many were observed, in the 24 hours before the last observation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Losses {
    /// The end of the 24 hours: the last complete observation.
    pub until: DateTime<Utc>,
    /// Companies with a loss first seen in that time that is still in doubt.
    pub losing: u64,
    /// Companies completely observed in that time.
    pub observed: u64,
    /// What mails call the first few of the losing ones.
    pub names: Vec<String>,
}

/// The losses of the last 24 observed hours; `None` when nothing was ever observed.
///
/// # Errors
/// When the database fails.
pub async fn losses(pool: &PgPool) -> Result<Option<Losses>, StoreError> {
    let until = sqlx::query_scalar!("SELECT max(last_verified_at) FROM companies WHERE left_at IS NULL")
        .fetch_one(pool)
        .await
        .map_err(during("reading the last observation"))?;
    let Some(until) = until else { return Ok(None) };
    let since = until - TimeDelta::hours(24);
    let row = sqlx::query!(
        r#"SELECT (SELECT count(DISTINCT company_id)
                   FROM doubts
                   WHERE is_loss AND looks > 0 AND first_seen_at > $1 AND first_seen_at <= $2) AS "losing!",
                  (SELECT count(DISTINCT company_id)
                   FROM observations
                   WHERE outcome IN ('complete', 'empty') AND last_seen_at > $1 AND last_seen_at <= $2) AS "observed!",
                  ARRAY(SELECT name
                        FROM companies
                        WHERE id IN (SELECT company_id FROM doubts
                                     WHERE is_loss AND looks > 0 AND first_seen_at > $1 AND first_seen_at <= $2)
                        ORDER BY id
                        LIMIT 5) AS "names!""#,
        since,
        until
    )
    .fetch_one(pool)
    .await
    .map_err(during("counting losses"))?;
    Ok(Some(Losses {
        until,
        losing: row.losing.unsigned_abs(),
        observed: row.observed.unsigned_abs(),
        names: row.names,
    }))
}

/// Marks the losses first seen in the 24 hours before `until`: they need `looks_needed` agreeing looks from now on.
///
/// # Errors
/// When the database fails.
pub async fn mark(pool: &PgPool, until: DateTime<Utc>, looks_needed: u32) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE doubts
         SET mass = true,
             looks_needed = GREATEST(looks_needed, $3)
         WHERE is_loss
           AND first_seen_at > $1
           AND first_seen_at <= $2
           AND NOT mass",
        until - TimeDelta::hours(24),
        until,
        i32::try_from(looks_needed).unwrap_or(i32::MAX)
    )
    .execute(pool)
    .await
    .map_err(during("marking a mass loss"))?;
    Ok(())
}

/// Whether any loss of a mass is still in doubt.
///
/// # Errors
/// When the database fails.
pub async fn is_open(pool: &PgPool) -> Result<bool, StoreError> {
    sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM doubts WHERE mass AND looks > 0) AS "open!""#)
        .fetch_one(pool)
        .await
        .map_err(during("looking for a mass loss"))
}
