//! Which watchlists name a company: several daemons may share a database, each obeying its own file (design 5). The pieces
//! here take a connection and never begin or commit.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::postgres::PgConnection;

use crate::store::companies::Entry;
use crate::store::error::{StoreError, during};

/// A watchlist that no process has obeyed for so long counts as gone: its daemon was moved or taken down.
const WATCHLIST_GONE_AFTER: TimeDelta = TimeDelta::days(8);

/// What was noted within this time is not written again: a reload of a large file touches nothing that stays.
const SEEN_LATELY: TimeDelta = TimeDelta::hours(1);

/// What this watchlist does not name any more leaves, unless another one names it. A watchlist that nobody has obeyed for
/// [`WATCHLIST_GONE_AFTER`] names nothing.
pub(in crate::store) async fn leave(
    connection: &mut PgConnection,
    watchlist: &str,
    entries: &[Entry],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let doing = "letting companies leave";
    let keywords: Vec<String> = entries.iter().map(|entry| entry.keyword.as_str().to_owned()).collect();
    sqlx::query!(
        "DELETE FROM listings
         WHERE seen_at < $3
            OR (watchlist = $1
                AND NOT EXISTS (
                    SELECT FROM companies
                    JOIN UNNEST($2::text[]) AS entry (keyword) ON entry.keyword = companies.keyword
                    WHERE companies.id = listings.company_id
                ))",
        watchlist,
        &keywords,
        now - WATCHLIST_GONE_AFTER
    )
    .execute(&mut *connection)
    .await
    .map_err(during(doing))?;
    sqlx::query!(
        "UPDATE companies
         SET left_at = $2
         WHERE left_at IS NULL
           -- Not <> ALL, which older servers do row by row.
           AND NOT EXISTS (SELECT FROM UNNEST($1::text[]) AS entry (keyword) WHERE entry.keyword = companies.keyword)
           AND NOT EXISTS (SELECT FROM listings WHERE listings.company_id = companies.id)",
        &keywords,
        now
    )
    .execute(connection)
    .await
    .map_err(during(doing))?;
    Ok(())
}

/// Notes that this watchlist names these companies.
pub(in crate::store) async fn list(
    connection: &mut PgConnection,
    watchlist: &str,
    entries: &[Entry],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let keywords: Vec<String> = entries.iter().map(|entry| entry.keyword.as_str().to_owned()).collect();
    sqlx::query!(
        "INSERT INTO listings (watchlist, company_id, seen_at)
         SELECT $1, companies.id, $3
         FROM companies
         LEFT JOIN listings AS old ON old.watchlist = $1 AND old.company_id = companies.id
         WHERE companies.keyword = ANY ($2)
           AND (old.company_id IS NULL OR old.seen_at NOT BETWEEN $4 AND $3)
         ON CONFLICT (watchlist, company_id) DO UPDATE
         SET seen_at = excluded.seen_at",
        watchlist,
        &keywords,
        now,
        now - SEEN_LATELY
    )
    .execute(connection)
    .await
    .map_err(during("noting whom the watchlist names"))?;
    Ok(())
}
