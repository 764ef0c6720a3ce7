//! Who is still to be judged today, found and marked in batches.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::postgres::PgPool;

use super::claims::{BATCH_COMPANIES_MAX, Claims};
use crate::store::companies::CompanyId;
use crate::store::error::{StoreError, during};

/// The next companies of this watchlist of which something may be worth telling by `today`, after `last` in the order of their
/// ids: the day foreseen has come, or they are unverified since `stale_since` and nobody was told.
///
/// # Errors
/// When the database fails.
pub async fn next_to_judge(
    pool: &PgPool,
    watchlist: &str,
    today: NaiveDate,
    stale_since: DateTime<Utc>,
    last: Option<CompanyId>,
) -> Result<Vec<CompanyId>, StoreError> {
    let ids: Vec<i64> = sqlx::query_scalar!(
        r#"SELECT id AS "id!"
           FROM (
               SELECT id
               FROM companies
               WHERE left_at IS NULL
                 AND tell_on <= $1
                 AND id > $2
               UNION
               SELECT id
               FROM standings
               JOIN companies ON companies.id = standings.company_id
               WHERE left_at IS NULL
                 AND unverified_told_at IS NULL
                 AND coalesce(last_verified_at, watched_since) <= $3
                 AND watched_since <= $3
                 -- Looked at once a day: how long one may go unverified depends on its own line, too.
                 AND judged_on IS DISTINCT FROM $1
                 AND id > $2
           ) AS candidates
           WHERE EXISTS (SELECT FROM listings WHERE company_id = candidates.id AND watchlist = $5)
           ORDER BY id
           LIMIT $4"#,
        today,
        last.map_or(0, |id| id.0),
        stale_since,
        i64::try_from(BATCH_COMPANIES_MAX).unwrap_or(i64::MAX),
        watchlist
    )
    .fetch_all(pool)
    .await
    .map_err(during("reading who is to be judged"))?;
    Ok(ids.into_iter().map(CompanyId).collect())
}

/// Those of these companies of which something may be worth telling by `today`.
///
/// # Errors
/// When the database fails.
pub async fn to_judge_of(
    pool: &PgPool,
    ids: &[CompanyId],
    today: NaiveDate,
    stale_since: DateTime<Utc>,
) -> Result<Vec<CompanyId>, StoreError> {
    let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let reached: Vec<i64> = sqlx::query_scalar!(
        "SELECT id
         FROM companies
         JOIN standings ON standings.company_id = companies.id
         WHERE id = ANY ($1)
           AND left_at IS NULL
           AND (tell_on <= $2
                OR (unverified_told_at IS NULL
                    AND coalesce(last_verified_at, watched_since) <= $3
                    AND watched_since <= $3))
         ORDER BY id",
        &ids,
        today,
        stale_since
    )
    .fetch_all(pool)
    .await
    .map_err(during("reading who of them is to be judged"))?;
    Ok(reached.into_iter().map(CompanyId).collect())
}

/// Those of these watched companies, or of all of them, of which something is in doubt.
///
/// # Errors
/// When the database fails.
pub async fn in_doubt(pool: &PgPool, ids: Option<&[CompanyId]>) -> Result<Vec<CompanyId>, StoreError> {
    let ids: Option<Vec<i64>> = ids.map(|ids| ids.iter().map(|id| id.0).collect());
    let doubted: Vec<i64> = sqlx::query_scalar!(
        "SELECT DISTINCT company_id
         FROM doubts
         JOIN companies ON companies.id = company_id
         WHERE left_at IS NULL
           AND (looks > 0 OR counter_looks > 0)
           AND ($1::bigint[] IS NULL OR company_id = ANY ($1))
         ORDER BY company_id",
        ids.as_deref() as Option<&[i64]>
    )
    .fetch_all(pool)
    .await
    .map_err(during("reading of whom something is in doubt"))?;
    Ok(doubted.into_iter().map(CompanyId).collect())
}

/// A company that was judged, with nothing to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judged {
    /// Which.
    pub company: CompanyId,
    /// The day that was foreseen when it was read.
    pub tell_on_before: Option<NaiveDate>,
    /// The first day after today on which something may be worth telling.
    pub tell_on: Option<NaiveDate>,
}

/// Marks claimed companies whose judging found nothing to tell.
///
/// # Errors
/// When the database fails.
pub async fn mark_judged(claims: &mut Claims, judged: &[Judged], today: NaiveDate) -> Result<(), StoreError> {
    if judged.is_empty() {
        return Ok(());
    }
    let ids: Vec<i64> = judged.iter().map(|judged| judged.company.0).collect();
    let before: Vec<Option<NaiveDate>> = judged.iter().map(|judged| judged.tell_on_before).collect();
    let days: Vec<Option<NaiveDate>> = judged.iter().map(|judged| judged.tell_on).collect();
    sqlx::query!(
        "UPDATE companies
         SET judged_on = $4,
             -- Whoever has moved it since the company was read wants its ends to be looked at.
             tell_on = CASE
                 WHEN companies.tell_on IS NOT DISTINCT FROM judged.tell_on_before THEN judged.tell_on
                 ELSE companies.tell_on
             END
         FROM UNNEST($1::bigint[], $2::date[], $3::date[]) AS judged (id, tell_on_before, tell_on)
         WHERE companies.id = judged.id",
        &ids,
        &before as &[Option<NaiveDate>],
        &days as &[Option<NaiveDate>],
        today
    )
    .execute(claims.connection())
    .await
    .map_err(during("marking who was judged"))?;
    Ok(())
}
