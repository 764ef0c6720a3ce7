//! Which watchlists name a company: several daemons may share a database, each obeying its own file (design 5). The pieces
//! here take a connection and never begin or commit.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::postgres::PgConnection;

use super::companies::Entry;
use super::error::{StoreError, during};

/// A watchlist that no process has obeyed for so long counts as gone: its daemon was moved or taken down.
const WATCHLIST_GONE_AFTER: TimeDelta = TimeDelta::days(8);

/// What this watchlist does not name any more leaves, unless another one names it. A watchlist that nobody has obeyed for
/// [`WATCHLIST_GONE_AFTER`] names nothing.
pub(super) async fn leave(
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
                    WHERE companies.id = listings.company_id
                      AND companies.keyword = ANY ($2)
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
           AND keyword <> ALL ($1::text[])
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
pub(super) async fn list(
    connection: &mut PgConnection,
    watchlist: &str,
    entries: &[Entry],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let keywords: Vec<String> = entries.iter().map(|entry| entry.keyword.as_str().to_owned()).collect();
    sqlx::query!(
        "INSERT INTO listings (watchlist, company_id, seen_at)
         SELECT $1, id, $3
         FROM companies
         WHERE keyword = ANY ($2)
         ON CONFLICT (watchlist, company_id) DO UPDATE
         SET seen_at = excluded.seen_at",
        watchlist,
        &keywords,
        now
    )
    .execute(connection)
    .await
    .map_err(during("noting whom the watchlist names"))?;
    Ok(())
}
