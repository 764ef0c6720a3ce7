//! Whether calls succeed at all: for `api_unreachable` (design 2, "Breaker").

use chrono::{DateTime, Utc};
use sqlx::postgres::PgPool;

use crate::store::error::{StoreError, during};

/// What has failed since a call last succeeded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reachability {
    /// The first failure since.
    pub failing_since: Option<DateTime<Utc>>,
    /// Failures since.
    pub failed_attempts: i32,
}

/// How it stands.
///
/// # Errors
/// When the database fails.
pub async fn reachability(pool: &PgPool) -> Result<Reachability, StoreError> {
    let row = sqlx::query_as!(
        Reachability,
        "SELECT failing_since, failed_attempts
         FROM reachability"
    )
    .fetch_optional(pool)
    .await
    .map_err(during("reading whether calls succeed"))?;
    Ok(row.unwrap_or_default())
}

/// A call brought a readable answer.
///
/// # Errors
/// When the database fails.
pub async fn note_success(pool: &PgPool, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE reachability SET last_success_at = $1, failing_since = NULL, failed_attempts = 0",
        now
    )
    .execute(pool)
    .await
    .map_err(during("noting that calls succeed"))?;
    Ok(())
}

/// A call brought none.
///
/// # Errors
/// When the database fails.
pub async fn note_failure(pool: &PgPool, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE reachability
         SET failing_since = LEAST(coalesce(failing_since, $1), $1),
             failed_attempts = failed_attempts + 1",
        now
    )
    .execute(pool)
    .await
    .map_err(during("noting that a call failed"))?;
    Ok(())
}
