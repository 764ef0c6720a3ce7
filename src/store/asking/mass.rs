//! Mass losses: which companies lost something in the same 24 hours (design 3).

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::postgres::PgPool;

use crate::domain::event::Change;
use crate::domain::wall_clock::not_ahead;
use crate::store::companies::CompanyId;
use crate::store::error::{StoreError, during};

/// How many companies are named. Of a hundred thousand nobody reads all names, and an event holds them for ever.
const NAMED_MAX: i64 = 100;

/// In hours: a week's daily sweeps, at whatever minute of the day.
const SILENT_AFTER: i32 = 6 * 24 + 12;

/// How many companies lost something, and how many were observed, in the 24 hours up to the last observation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Losses {
    /// The beginning of the 24 hours, which does not belong to them.
    pub since: DateTime<Utc>,
    /// The first of these losses.
    pub first_seen_at: DateTime<Utc>,
    /// Companies with a loss first seen in that time that is still in doubt.
    pub losing: u64,
    /// Companies completely observed in that time.
    pub observed: u64,
    /// What mails call the losing ones, at most [`NAMED_MAX`] of them.
    pub names: Vec<String>,
}

/// The losses of the last 24 observed hours; `None` when there are none. An empty answer is an observation like any other:
/// an upstream that suddenly finds nothing at all is the plainest of mass losses.
///
/// # Errors
/// When the database fails.
pub async fn losses(pool: &PgPool, now: DateTime<Utc>) -> Result<Option<Losses>, StoreError> {
    // Mostly nobody has lost anything: then nobody needs to be counted.
    if !any(pool).await? {
        return Ok(None);
    }
    let until = sqlx::query_scalar!(
        "SELECT greatest(
             (SELECT max(last_verified_at)
              FROM standings
              JOIN companies ON companies.id = company_id
              WHERE left_at IS NULL),
             (SELECT max(last_seen_at)
              FROM observations
              JOIN companies ON companies.id = company_id
              WHERE outcome = 'empty'
                AND left_at IS NULL)
         )"
    )
    .fetch_one(pool)
    .await
    .map_err(during("reading the last observation"))?;
    let Some(until) = until else { return Ok(None) };
    let since = not_ahead(until, now) - TimeDelta::hours(24);
    let row = sqlx::query!(
        r#"WITH loss AS (
               SELECT company_id, name, first_seen_at
               FROM doubts
               JOIN companies ON companies.id = company_id
               WHERE is_loss
                 AND looks > 0
                 AND first_seen_at > $1
                 AND left_at IS NULL
           ),
           observed AS (
               SELECT company_id FROM standings WHERE last_verified_at > $1
               UNION
               SELECT company_id FROM observations WHERE outcome = 'empty' AND last_seen_at > $1
           )
           SELECT (SELECT min(first_seen_at) FROM loss) AS first_seen_at,
                  (SELECT count(DISTINCT company_id) FROM loss) AS "losing!",
                  (SELECT count(*)
                   FROM observed
                   JOIN companies ON companies.id = company_id
                   -- Of who is disputed nothing was observed: it is compared with nothing.
                   WHERE disputed_since IS NULL
                     AND left_at IS NULL) AS "observed!",
                  ARRAY(SELECT name FROM loss GROUP BY company_id, name ORDER BY company_id LIMIT $2) AS "names!""#,
        since,
        NAMED_MAX
    )
    .fetch_one(pool)
    .await
    .map_err(during("counting losses"))?;
    Ok(row.first_seen_at.map(|first_seen_at| Losses {
        since,
        first_seen_at,
        losing: row.losing.unsigned_abs(),
        observed: row.observed.unsigned_abs(),
        names: row.names,
    }))
}

/// Whether anybody has lost anything that is still in doubt.
async fn any(pool: &PgPool) -> Result<bool, StoreError> {
    sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM doubts WHERE is_loss AND looks > 0) AS "any!""#)
        .fetch_one(pool)
        .await
        .map_err(during("looking for losses"))
}

/// Whether any of these companies lost something first seen after `since`: its next look may be the second.
///
/// # Errors
/// When the database fails.
pub async fn is_among(
    pool: &PgPool,
    companies: &[CompanyId],
    since: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let ids: Vec<i64> = companies.iter().map(|id| id.0).collect();
    sqlx::query_scalar!(
        r#"SELECT EXISTS (
               SELECT FROM doubts
               WHERE is_loss
                 AND looks > 0
                 AND first_seen_at > $1
                 AND company_id = ANY ($2)
           ) AS "among!""#,
        since,
        &ids
    )
    .fetch_one(pool)
    .await
    .map_err(during("looking for who has lost something"))
}

/// Marks the losses first seen after `since`: they need `looks_needed` agreeing looks from now on.
///
/// # Errors
/// When the database fails.
pub async fn mark(pool: &PgPool, since: DateTime<Utc>, looks_needed: u32) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE doubts
         SET mass = true,
             looks_needed = GREATEST(looks_needed, $2)
         WHERE is_loss
           AND first_seen_at > $1
           AND NOT mass",
        since,
        i32::try_from(looks_needed).unwrap_or(i32::MAX)
    )
    .execute(pool)
    .await
    .map_err(during("marking a mass loss"))?;
    Ok(())
}

/// Whether any loss of a mass is still in doubt, in companies that are heard of. One that was silent for [`SILENT_AFTER`] while others
/// were verified says nothing of upstream any more: it would keep the mass open for ever.
///
/// # Errors
/// When the database fails.
pub async fn is_open(pool: &PgPool) -> Result<bool, StoreError> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (
               SELECT FROM doubts
               JOIN companies ON companies.id = company_id
               WHERE mass
                 AND looks > 0
                 AND left_at IS NULL
                 AND last_look_at > (
                     SELECT coalesce(max(last_verified_at), '-infinity')
                     FROM standings
                     JOIN companies AS other ON other.id = standings.company_id
                     WHERE other.left_at IS NULL
                 ) - make_interval(hours => $1)
           ) AS "open!""#,
        SILENT_AFTER
    )
    .fetch_one(pool)
    .await
    .map_err(during("looking for a mass loss"))
}

/// What became of the companies that lost something in the mass loss that began at `since` and is not in doubt any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcomes {
    /// Of how many the loss was established.
    pub lost: u64,
    /// Of how many of them something else came in its place.
    pub rewritten: u64,
    /// What mails call those of which the loss was established, at most [`NAMED_MAX`] of them.
    pub names: Vec<String>,
    /// And those that were never heard of again: [`is_open`].
    pub silent: Vec<String>,
}

/// Tells as what a mass loss ended: from what readers were told, and from what went without a word, because it is covered.
///
/// # Errors
/// When the database fails.
pub async fn outcomes(pool: &PgPool, since: DateTime<Utc>) -> Result<Outcomes, StoreError> {
    let row = sqlx::query!(
        r#"WITH lost AS (
               SELECT company_id
               FROM events
               WHERE at >= $1
                 AND event ->> 'notes' LIKE '%"mass_loss"%'
               UNION
               SELECT company_id
               FROM doubts
               WHERE mass
                 AND field = 'unsaid'
                 AND last_look_at >= $1
           ),
           rewritten AS (
               SELECT DISTINCT company_id
               FROM events
               JOIN lost USING (company_id)
               WHERE at >= $1
                 AND kind = ANY ($2)
           )
           SELECT (SELECT count(*) FROM lost) AS "lost!",
                  (SELECT count(*) FROM rewritten) AS "rewritten!",
                  ARRAY(SELECT name
                        FROM companies
                        JOIN lost ON lost.company_id = companies.id
                        ORDER BY companies.id
                        LIMIT $3) AS "names!",
                  ARRAY(SELECT name
                        FROM companies
                        WHERE left_at IS NULL
                          AND EXISTS (SELECT FROM doubts WHERE company_id = companies.id AND mass AND looks > 0)
                        ORDER BY companies.id
                        LIMIT $3) AS "silent!""#,
        since,
        &[
            Change::CertificateAdded,
            Change::CertificateRestored,
            Change::CertificateReplaced,
            Change::QualificationAdded,
            Change::QualificationAbsorbed,
        ]
        .map(|change| change.as_str().to_owned()),
        NAMED_MAX
    )
    .fetch_one(pool)
    .await
    .map_err(during("reading as what a mass loss ended"))?;
    Ok(Outcomes {
        lost: row.lost.unsigned_abs(),
        rewritten: row.rewritten.unsigned_abs(),
        names: row.names,
        silent: row.silent,
    })
}
