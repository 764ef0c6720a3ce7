//! What was stored by a clock that was ahead: "any stored instant that lies ahead of the clock counts as now" (design 3). Most of it is
//! read so; what would put work off until the clock has caught up is set right here.

use chrono::{DateTime, Utc};
use sqlx::postgres::PgPool;

use crate::domain::rhythm::SET_BACK_MAX;
use crate::store::error::{StoreError, during};

/// Sets right what lies ahead of `now`: of companies, of their history, of stops.
///
/// # Errors
/// When the database fails.
pub async fn set_right(pool: &PgPool, now: DateTime<Utc>) -> Result<(), StoreError> {
    set_companies_right(pool, now).await?;
    set_stops_right(pool, now).await
}

/// Who was asked for a few hours ahead stays so ([`SET_BACK_MAX`]).
async fn set_companies_right(pool: &PgPool, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        "WITH corrected AS (
             UPDATE companies
             -- Not LEAST: that takes a null for later than everything.
             SET accepted_at = CASE WHEN accepted_at > $1 THEN $1 ELSE accepted_at END,
                 last_asked_at = CASE WHEN last_asked_at > $2 THEN $1 ELSE last_asked_at END,
                 last_verified_at = CASE WHEN last_verified_at > $1 THEN $1 ELSE last_verified_at END,
                 watched_since = CASE WHEN watched_since > $1 THEN $1 ELSE watched_since END,
                 failing_since = CASE WHEN failing_since > $1 THEN $1 ELSE failing_since END
             WHERE accepted_at > $1
                OR last_asked_at > $2
                OR last_verified_at > $1
                OR watched_since > $1
                OR failing_since > $1
             RETURNING id
         )
         -- What was established ahead of the clock was so by an answer: its company was asked ahead of it, too.
         UPDATE holdings
         SET valid_from = CASE WHEN valid_from > $1 THEN $1 ELSE valid_from END,
             valid_to = CASE WHEN valid_to > $1 THEN $1 ELSE valid_to END
         FROM corrected
         WHERE holdings.company_id = corrected.id
           AND (valid_from > $1 OR valid_to > $1)",
        now,
        now.checked_add_signed(SET_BACK_MAX).unwrap_or(now)
    )
    .execute(pool)
    .await
    .map_err(during("correcting instants that lie ahead"))?;
    Ok(())
}

/// A stop that began ahead began now, and its probe comes as much later.
async fn set_stops_right(pool: &PgPool, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE stops
         SET next_probe_at = next_probe_at - (since - $1),
             since = $1
         WHERE since > $1",
        now
    )
    .execute(pool)
    .await
    .map_err(during("correcting stops that lie ahead"))?;
    Ok(())
}
