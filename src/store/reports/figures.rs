//! Numbers for monitors, read at every look of theirs: of what grows without end only the newest is counted, of days and sweeps all, as they
//! are few; what is held is counted from an index.

use chrono::{DateTime, Utc};
use sqlx::postgres::PgPool;

use crate::store::asking::budget::Calls;
use crate::store::error::{StoreError, during};
use crate::store::outbox::events::EventId;

/// What is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeldCount {
    /// Companies that hold anything.
    pub companies: i64,
    /// Certificates, whatever their ends.
    pub certificates: i64,
}

/// What is established now.
///
/// # Errors
/// When the database fails.
pub async fn held(pool: &PgPool) -> Result<HeldCount, StoreError> {
    sqlx::query_as!(
        HeldCount,
        // The first row of each stands for the certificate.
        r#"SELECT count(*) AS "companies!", coalesce(sum(held), 0)::bigint AS "certificates!"
           FROM (
               SELECT company_id, count(*) FILTER (WHERE place = 0) AS held
               FROM certificates
               WHERE valid_to IS NULL
               GROUP BY company_id
           ) AS holders"#
    )
    .fetch_one(pool)
    .await
    .map_err(during("counting what is held"))
}

/// What was established just before `at`. Reads every version there ever was: once a day is enough.
///
/// # Errors
/// When the database fails.
pub async fn held_before(pool: &PgPool, at: DateTime<Utc>) -> Result<HeldCount, StoreError> {
    sqlx::query_as!(
        HeldCount,
        r#"SELECT count(*) AS "companies!", coalesce(sum(held), 0)::bigint AS "certificates!"
           FROM (
               SELECT company_id, count(DISTINCT number_key) AS held
               FROM certificates
               WHERE valid_from < $1
                 AND (valid_to IS NULL OR valid_to >= $1)
               GROUP BY company_id
           ) AS holders"#,
        at
    )
    .fetch_one(pool)
    .await
    .map_err(during("counting what was held"))
}

/// What is held and was not shown at the last look, so that its going is in doubt.
///
/// # Errors
/// When the database fails.
pub async fn missing(pool: &PgPool) -> Result<HeldCount, StoreError> {
    sqlx::query_as!(
        HeldCount,
        r#"SELECT count(DISTINCT company_id) AS "companies!",
                  count(DISTINCT (company_id, number_key)) AS "certificates!"
           FROM doubts
           WHERE is_loss
             AND looks > 0"#
    )
    .fetch_one(pool)
    .await
    .map_err(during("counting what is missing"))
}

/// All calls that were ever counted.
///
/// # Errors
/// When the database fails.
pub async fn calls_ever(pool: &PgPool) -> Result<Calls, StoreError> {
    sqlx::query_as!(
        Calls,
        r#"SELECT coalesce(sum(checks), 0)::bigint AS "checks!", coalesce(sum(pages), 0)::bigint AS "pages!",
                  coalesce(sum(confirmations), 0)::bigint AS "confirmations!",
                  coalesce(sum(repeats), 0)::bigint AS "repeats!", coalesce(sum(probes), 0)::bigint AS "probes!"
           FROM call_days"#
    )
    .fetch_one(pool)
    .await
    .map_err(during("adding up all calls"))
}

/// Sweeps since the beginning, and what became of the companies that were asked.
///
/// # Errors
/// When the database fails.
pub async fn sweeps_ever(pool: &PgPool) -> Result<(i64, Checks), StoreError> {
    let row = sqlx::query!(
        r#"SELECT count(*) AS "sweeps!", coalesce(sum(complete), 0)::bigint AS "complete!",
                  coalesce(sum(incomplete), 0)::bigint AS "incomplete!", coalesce(sum(failed), 0)::bigint AS "failed!",
                  coalesce(sum(disputed), 0)::bigint AS "disputed!"
           FROM sweeps"#
    )
    .fetch_one(pool)
    .await
    .map_err(during("adding up all sweeps"))?;
    let checks = Checks {
        complete: row.complete,
        incomplete: row.incomplete,
        failed: row.failed,
        disputed: row.disputed,
    };
    Ok((row.sweeps, checks))
}

/// Checks by how they ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Checks {
    /// Empty ones as well.
    pub complete: i64,
    pub incomplete: i64,
    pub failed: i64,
    pub disputed: i64,
}

/// The last event there is.
///
/// # Errors
/// When the database fails.
pub async fn last_event(pool: &PgPool) -> Result<EventId, StoreError> {
    let last = sqlx::query_scalar!(r#"SELECT coalesce(max(id), 0) AS "last!" FROM events"#);
    last.fetch_one(pool).await.map(EventId).map_err(during("looking for the last event"))
}

/// How many events of each kind were stored after `after`, up to `until`.
///
/// # Errors
/// When the database fails.
pub async fn events_between(
    pool: &PgPool,
    after: EventId,
    until: EventId,
) -> Result<Vec<(String, i64)>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT kind, count(*) AS "count!"
           FROM events
           WHERE id > $1
             AND id <= $2
           GROUP BY kind"#,
        after.0,
        until.0
    )
    .fetch_all(pool)
    .await
    .map_err(during("counting events"))?;
    Ok(rows.into_iter().map(|row| (row.kind, row.count)).collect())
}
