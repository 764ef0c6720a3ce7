//! Which watchlists there are, and whom they name: several daemons may share a database, each obeying its own file
//! (design 5). To accept the same file again costs one row: its digest tells that nothing has changed, neither in the file nor
//! in what was stored of it, as whoever changes a company that other watchlists name clears the digests of those
//! ([`compare_others`]). The pieces here take a connection and never begin or commit.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::TryStreamExt as _;
use sha2::{Digest as _, Sha256};
use sqlx::postgres::PgConnection;

use super::entry::{Entry, Fingerprint};
use crate::store::error::{StoreError, during};

/// A watchlist that no process has obeyed for so long counts as gone: its daemon was moved or taken down.
const WATCHLIST_GONE_AFTER: TimeDelta = TimeDelta::days(8);

/// What was noted within this time is not written again.
const SEEN_LATELY: TimeDelta = TimeDelta::hours(1);

/// Rows in one statement, so that no statement grows without limit.
pub(super) const BATCH_ROWS_MAX: usize = 5_000;

/// The digest of a whole file.
pub(super) fn digest<'a>(entries: impl Iterator<Item = Entry<'a>>) -> Vec<u8> {
    let mut hash = Sha256::new();
    entries.for_each(|entry| hash.update(Fingerprint::of(&entry).as_bytes()));
    hash.finalize().to_vec()
}

/// What has to be done to take a file into force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Todo {
    /// Its entries are not those that are stored, or may not be.
    pub compare: bool,
    /// It was not noted lately that it is obeyed.
    pub note: bool,
    /// Some other watchlist counts as gone now.
    pub forget_others: bool,
}

/// Tells what has to be done to take the file with this digest into force, from one row for each watchlist.
pub(super) async fn todo(
    connection: &mut PgConnection,
    watchlist: &str,
    digest: &[u8],
    now: DateTime<Utc>,
) -> Result<Todo, StoreError> {
    let row = sqlx::query!(
        r#"SELECT (SELECT digest = $2 FROM watchlists WHERE watchlist = $1) AS is_stored,
                  (SELECT seen_at BETWEEN $3 AND $4 FROM watchlists WHERE watchlist = $1) AS is_noted,
                  EXISTS (
                      SELECT FROM watchlists
                      WHERE watchlist <> $1
                        AND seen_at < $5
                        -- An older version may obey it.
                        AND NOT EXISTS (
                                SELECT FROM listings
                                WHERE listings.watchlist = watchlists.watchlist
                                  AND listings.seen_at >= $5
                                  AND listings.seen_at < 'infinity'
                            )
                  )
                  OR EXISTS (
                      SELECT FROM listings
                      WHERE watchlist <> $1
                        AND seen_at < $5
                        AND seen_at < 'infinity'
                        AND NOT EXISTS (
                                SELECT FROM watchlists
                                WHERE watchlists.watchlist = listings.watchlist
                                  AND watchlists.seen_at >= $5
                            )
                  ) AS "are_others_gone!""#,
        watchlist,
        digest,
        now - SEEN_LATELY,
        now,
        now - WATCHLIST_GONE_AFTER
    )
    .fetch_one(connection)
    .await
    .map_err(during("reading which watchlist is in force"))?;
    Ok(Todo {
        compare: row.is_stored != Some(true),
        note: row.is_noted != Some(true),
        forget_others: row.are_others_gone,
    })
}

/// Notes that this watchlist is obeyed: before its entries are compared, and hourly while they are what is stored.
pub(super) async fn note(
    connection: &mut PgConnection,
    watchlist: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let doing = "noting that the watchlist is obeyed";
    sqlx::query!(
        "INSERT INTO watchlists (watchlist, seen_at)
         VALUES ($1, $2)
         ON CONFLICT (watchlist) DO UPDATE
         SET seen_at = excluded.seen_at",
        watchlist,
        now
    )
    .execute(&mut *connection)
    .await
    .map_err(during(doing))?;
    // What an older version that obeyed it has left behind: another older one would take it for gone.
    sqlx::query!(
        "UPDATE listings SET seen_at = 'infinity' WHERE watchlist = $1 AND seen_at < 'infinity'",
        watchlist
    )
    .execute(connection)
    .await
    .map_err(during(doing))?;
    Ok(())
}

/// Notes that what is stored is what the file with this digest says.
pub(super) async fn keep_digest(
    connection: &mut PgConnection,
    watchlist: &str,
    digest: &[u8],
) -> Result<(), StoreError> {
    sqlx::query!("UPDATE watchlists SET digest = $2 WHERE watchlist = $1", watchlist, digest)
        .execute(connection)
        .await
        .map_err(during("noting which watchlist is in force"))?;
    Ok(())
}

/// Lets one process at a time compare: each clears digests of others, and would wait for one that waits for it.
pub(super) async fn one_at_a_time(connection: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query!("LOCK TABLE watchlists IN SHARE ROW EXCLUSIVE MODE")
        .execute(connection)
        .await
        .map_err(during("waiting for another watchlist to be accepted"))?;
    Ok(())
}

/// Drops what those watchlists name that count as gone.
pub(super) async fn forget_others(
    connection: &mut PgConnection,
    watchlist: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let doing = "forgetting watchlists that nobody obeys";
    let gone_before = now - WATCHLIST_GONE_AFTER;
    sqlx::query!(
        "DELETE FROM listings
         WHERE watchlist <> $1
           AND (seen_at < $2 OR seen_at = 'infinity')
           AND NOT EXISTS (
                   SELECT FROM watchlists
                   WHERE watchlists.watchlist = listings.watchlist
                     AND watchlists.seen_at >= $2
               )",
        watchlist,
        gone_before
    )
    .execute(&mut *connection)
    .await
    .map_err(during(doing))?;
    sqlx::query!(
        "DELETE FROM watchlists
         WHERE watchlist <> $1
           AND seen_at < $2
           AND NOT EXISTS (SELECT FROM listings WHERE listings.watchlist = watchlists.watchlist)",
        watchlist,
        gone_before
    )
    .execute(connection)
    .await
    .map_err(during(doing))?;
    Ok(())
}

/// Entries that are not stored as they are now.
pub(super) struct Changed<'a> {
    /// In the order of the file.
    pub entries: Vec<Entry<'a>>,
    /// Who read until now of the companies that were named otherwise, as far as it is known.
    pub readers: Vec<(i64, Vec<String>)>,
}

/// Finds the entries that are not stored as they are now. Whom the watchlist named otherwise until now, or does not name any
/// more, it does not name for the moment.
pub(super) async fn changed<'a>(
    connection: &mut PgConnection,
    watchlist: &str,
    entries: impl Iterator<Item = Entry<'a>>,
) -> Result<Changed<'a>, StoreError> {
    let mut old: Vec<i64> = Vec::new();
    let mut stored: HashMap<Vec<u8>, i64> = HashMap::new();
    let doing = "reading whom the watchlist names";
    let mut rows = sqlx::query!("SELECT company_id, entry FROM listings WHERE watchlist = $1", watchlist)
        .fetch(&mut *connection);
    while let Some(row) = rows.try_next().await.map_err(during(doing))? {
        match row.entry {
            Some(entry) => old.extend(stored.insert(entry, row.company_id)),
            None => old.push(row.company_id),
        }
    }
    drop(rows);
    let is_changed = |entry: &Entry<'_>| stored.remove(Fingerprint::of(entry).as_bytes()).is_none();
    let entries = entries.filter(is_changed).collect();
    old.extend(stored.into_values());
    let mut changed = Changed { entries, readers: Vec::new() };
    for batch in old.chunks(BATCH_ROWS_MAX) {
        let named = sqlx::query!(
            "DELETE FROM listings WHERE watchlist = $1 AND company_id = ANY ($2) RETURNING company_id, readers",
            watchlist,
            batch
        )
        .fetch_all(&mut *connection)
        .await
        .map_err(during("forgetting whom the watchlist named"))?;
        changed.readers.extend(named.into_iter().filter_map(|row| Some((row.company_id, row.readers?))));
    }
    Ok(changed)
}

/// Notes who reads of companies now that were named before, and did not then, and the reverse. Neither begins nor commits.
pub(super) async fn note_readers(
    connection: &mut PgConnection,
    watchlist: &str,
    changed: &Changed<'_>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    for batch in changed.readers.chunks(BATCH_ROWS_MAX) {
        let companies: Vec<i64> = batch.iter().map(|(company, _)| *company).collect();
        let pairs = batch
            .iter()
            .flat_map(|(company, readers)| readers.iter().map(|reader| (*company, reader.clone())));
        let (of, readers): (Vec<i64>, Vec<String>) = pairs.unzip();
        sqlx::query!(
            "INSERT INTO edits (watchlist, company_id, new_reader, made_at)
             SELECT listings.watchlist, company_id, reader, $5
             FROM listings
             -- Whom nobody knows yet will be told of as watched, and whom is back by its next answer.
             JOIN companies ON companies.id = company_id AND baseline_at IS NOT NULL
             CROSS JOIN UNNEST(readers) AS reader
             WHERE listings.watchlist = $1
               AND company_id = ANY ($2)
               AND NOT EXISTS (
                       SELECT FROM UNNEST($3::bigint[], $4::text[]) AS known (company_id, reader)
                       WHERE known.company_id = listings.company_id
                         AND known.reader = reader.reader
                   )
             ORDER BY company_id, reader",
            watchlist,
            &companies,
            &of,
            &readers,
            now
        )
        .execute(&mut *connection)
        .await
        .map_err(during("noting who became a reader"))?;
        sqlx::query!(
            "INSERT INTO edits (watchlist, company_id, lost_reader, made_at)
             SELECT listings.watchlist, known.company_id, known.reader, $4
             FROM UNNEST($2::bigint[], $3::text[]) AS known (company_id, reader)
             -- Who has left is told of as a whole.
             JOIN listings ON listings.watchlist = $1 AND listings.company_id = known.company_id
             JOIN companies ON companies.id = known.company_id AND baseline_at IS NOT NULL
             WHERE known.reader <> ALL (readers)
             ORDER BY known.company_id, known.reader",
            watchlist,
            &of,
            &readers,
            now
        )
        .execute(&mut *connection)
        .await
        .map_err(during("noting who is no reader any more"))?;
    }
    Ok(())
}

/// Notes that this watchlist names those of these companies that are stored.
pub(super) async fn list(
    connection: &mut PgConnection,
    watchlist: &str,
    entries: &[Entry<'_>],
) -> Result<(), StoreError> {
    let keywords: Vec<String> = entries.iter().map(|entry| entry.keyword.as_str().to_owned()).collect();
    let fingerprints: Vec<Vec<u8>> =
        entries.iter().map(|entry| Fingerprint::of(entry).as_bytes().to_vec()).collect();
    // An array of arrays would have to be a rectangle: no address has a comma.
    let readers: Vec<String> = entries.iter().map(|entry| entry.readers.join(",")).collect();
    sqlx::query!(
        "INSERT INTO listings (watchlist, company_id, seen_at, entry, readers)
         SELECT $1, companies.id, 'infinity', entry.fingerprint, string_to_array(entry.readers, ',')
         FROM UNNEST($2::text[], $3::bytea[], $4::text[]) AS entry (keyword, fingerprint, readers)
         JOIN companies ON companies.keyword = entry.keyword
         ON CONFLICT (watchlist, company_id) DO NOTHING",
        watchlist,
        &keywords,
        &fingerprints,
        &readers
    )
    .execute(connection)
    .await
    .map_err(during("noting whom the watchlist names"))?;
    Ok(())
}

/// Whom no watchlist names leaves, which is to be told.
pub(super) async fn leave(
    connection: &mut PgConnection,
    watchlist: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "WITH leaving AS (
             UPDATE companies
             SET left_at = $1
             WHERE left_at IS NULL
               AND NOT EXISTS (SELECT FROM listings WHERE listings.company_id = companies.id)
             RETURNING id
         )
         INSERT INTO edits (watchlist, company_id, made_at)
         SELECT $2, id, $1
         FROM leaving
         ORDER BY id",
        now,
        watchlist
    )
    .execute(connection)
    .await
    .map_err(during("letting companies leave"))?;
    Ok(())
}

/// Makes the other watchlists that name these companies be compared again when they are accepted next: what they say of them
/// is not what is stored now.
pub(super) async fn compare_others(
    connection: &mut PgConnection,
    watchlist: &str,
    companies: &[i64],
) -> Result<(), StoreError> {
    sqlx::query!(
        "WITH other AS (
             UPDATE listings
             SET entry = NULL
             WHERE company_id = ANY ($2)
               AND watchlist <> $1
               AND entry IS NOT NULL
             RETURNING watchlist
         )
         UPDATE watchlists
         SET digest = NULL
         WHERE watchlist IN (SELECT watchlist FROM other)",
        watchlist,
        companies
    )
    .execute(connection)
    .await
    .map_err(during("noting that a company has changed"))?;
    Ok(())
}
