//! What was stored by a clock that was ahead: "any stored instant that lies ahead of the clock counts as now" (design 3). Most of it is
//! read so; what would put work off until the clock has caught up is set right here.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::postgres::PgPool;

use crate::domain::keyword::Keyword;
use crate::domain::rhythm::SET_BACK_MAX;
use crate::store::error::{StoreError, during};

/// Sets right what lies ahead of `now`: of these companies, or of all, of their history, and of stops. `today` is its day in the configured zone.
///
/// # Errors
/// When the database fails.
pub async fn set_right(
    pool: &PgPool,
    whose: Option<&[&Keyword]>,
    now: DateTime<Utc>,
    today: NaiveDate,
) -> Result<(), StoreError> {
    let whose =
        whose.map(|whose| whose.iter().map(|keyword| keyword.as_str().to_owned()).collect::<Vec<_>>());
    set_companies_right(pool, whose.as_deref(), now, today).await?;
    set_stops_right(pool, now).await
}

/// Who was asked for a few hours ahead stays so ([`SET_BACK_MAX`]).
async fn set_companies_right(
    pool: &PgPool,
    whose: Option<&[String]>,
    now: DateTime<Utc>,
    today: NaiveDate,
) -> Result<(), StoreError> {
    let doing = "correcting instants that lie ahead";
    let asked_at_most = now.checked_add_signed(SET_BACK_MAX).unwrap_or(now);
    sqlx::query!(
        "UPDATE standings
         -- Not LEAST: that takes a null for later than everything.
         SET last_asked_at = CASE WHEN last_asked_at > $2 THEN $1 ELSE last_asked_at END,
             last_verified_at = CASE WHEN last_verified_at > $1 THEN $1 ELSE last_verified_at END
         WHERE (last_asked_at > $2 OR last_verified_at > $1)
           -- As an array: a list of a subquery beside an OR is never looked up by the index, but all rows against the list.
           AND ($3::text[] IS NULL OR company_id = ANY (ARRAY (SELECT id FROM companies WHERE keyword = ANY ($3))))",
        now,
        asked_at_most,
        whose
    )
    .execute(pool)
    .await
    .map_err(during(doing))?;
    // What was established ahead of the clock was so by an answer: its company was judged ahead of it, too, and what was to
    // be told on the days between is to be told on them.
    sqlx::query!(
        "WITH corrected AS (
             UPDATE companies
             SET accepted_at = CASE WHEN accepted_at > $1 THEN $1 ELSE accepted_at END,
                 watched_since = CASE WHEN watched_since > $1 THEN $1 ELSE watched_since END,
                 failing_since = CASE WHEN failing_since > $1 THEN $1 ELSE failing_since END,
                 tried_at = CASE WHEN tried_at > $1 THEN $1 ELSE tried_at END,
                 judged_on = CASE WHEN judged_on > $2 THEN $2 ELSE judged_on END,
                 tell_on = CASE WHEN judged_on > $2 THEN $2 ELSE tell_on END
             WHERE (accepted_at > $1 OR watched_since > $1 OR failing_since > $1 OR tried_at > $1 OR judged_on > $2)
               AND ($3::text[] IS NULL OR keyword = ANY ($3))
             RETURNING id
         ),
         current AS (
             UPDATE certificates
             SET valid_from = $1
             FROM corrected
             WHERE certificates.company_id = corrected.id
               AND valid_to IS NULL
               AND valid_from > $1
         )
         UPDATE certificates
         SET valid_from = CASE WHEN valid_from > $1 THEN $1 ELSE valid_from END,
             valid_to = CASE WHEN valid_to > $1 THEN $1 ELSE valid_to END
         FROM corrected
         WHERE certificates.company_id = corrected.id
           AND valid_to IS NOT NULL
           AND (valid_from > $1 OR valid_to > $1)",
        now,
        today,
        whose
    )
    .execute(pool)
    .await
    .map_err(during(doing))?;
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
