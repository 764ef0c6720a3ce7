//! The companies of the watchlist: who is in the file, and what decides when each is due.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use sqlx::Connection as _;
use sqlx::postgres::{PgConnection, PgPool};

use super::entry::Entry;
use super::listings::{self, BATCH_ROWS_MAX};
use crate::domain::keyword::Keyword;
use crate::domain::outcome::Outcome;
use crate::store::error::{StoreError, during, unless_lost};

/// A company that was out of the file for longer than this begins anew when it is put back (design 3).
pub(in crate::store) const FORGOTTEN_AFTER: TimeDelta = TimeDelta::days(30);

/// A company's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::Type)]
#[sqlx(transparent)]
pub struct CompanyId(pub(crate) i64);

impl CompanyId {
    /// The row id as the second half of its advisory lock. Ids beyond 2^31 wrap: two companies may then share a lock and
    /// wait for each other, which is slow, never wrong.
    #[expect(clippy::cast_possible_truncation, reason = "wrapping is harmless, as said above")]
    pub(in crate::store) fn lock_key(self) -> i32 {
        self.0 as i32
    }
}

/// Makes the stored companies those of the file: new ones come in, others leave unless another watchlist names them, and a
/// changed line is in force from now. `watchlist` tells files of several daemons apart. What is stored already costs the look at
/// one row; else only the entries that changed are written. One transaction, which may touch many rows beside sweeps that
/// touch one each: where it loses against them it is repeated. Says whether anything was to be written.
///
/// # Errors
/// When the database fails.
pub async fn accept<'a>(
    pool: &PgPool,
    watchlist: &str,
    entries: impl Iterator<Item = Entry<'a>> + Clone,
    now: DateTime<Utc>,
) -> Result<Accepted, StoreError> {
    let digest = listings::digest(entries.clone());
    let mut connection = pool.acquire().await.map_err(during("storing the companies of the watchlist"))?;
    let todo = listings::todo(&mut connection, watchlist, &digest, now).await?;
    if !todo.compare && !todo.forget_others {
        if todo.note {
            listings::note(&mut connection, watchlist, now).await?;
        }
        return Ok(Accepted::AsStored);
    }
    unless_lost!(compare_and_store(&mut connection, watchlist, entries.clone(), &digest, now))?;
    Ok(Accepted::Anew)
}

/// What accepting a file was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    /// It is what is stored.
    AsStored,
    /// It may differ from what was stored.
    Anew,
}

async fn compare_and_store<'a>(
    connection: &mut PgConnection,
    watchlist: &str,
    entries: impl Iterator<Item = Entry<'a>>,
    digest: &[u8],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let doing = "storing the companies of the watchlist";
    let mut tx = connection.begin().await.map_err(during(doing))?;
    listings::one_at_a_time(&mut tx).await?;
    listings::note(&mut tx, watchlist, now).await?;
    listings::forget_others(&mut tx, watchlist, now).await?;
    let changed = listings::changed(&mut tx, watchlist, entries).await?;
    // Whom the file goes on naming must not leave, and whoever leaves makes room for an id that a new entry pins.
    for batch in changed.entries.chunks(BATCH_ROWS_MAX) {
        listings::list(&mut tx, watchlist, batch).await?;
    }
    listings::leave(&mut tx, watchlist, now).await?;
    for batch in changed.entries.chunks(BATCH_ROWS_MAX) {
        let mut touched = take_prefixes_of_returning(&mut tx, batch).await?;
        touched.extend(give_up_pinned_prefixes(&mut tx, batch).await?);
        drop_doubts_of_returning(&mut tx, batch).await?;
        touched.extend(upsert(&mut tx, batch, now).await?);
        listings::list(&mut tx, watchlist, batch).await?;
        have_changed(&mut tx, watchlist, &touched).await?;
    }
    listings::note_readers(&mut tx, watchlist, &changed, now).await?;
    listings::keep_digest(&mut tx, watchlist, digest).await?;
    tx.commit().await.map_err(during(doing))
}

/// The one place for what follows when the line, the thresholds, the pin or the name of companies have changed, or when they are
/// new, have come back or have lost their prefix.
async fn have_changed(
    connection: &mut PgConnection,
    watchlist: &str,
    companies: &[i64],
) -> Result<(), StoreError> {
    let doing = "storing the companies of the watchlist";
    sqlx::query!(
        "INSERT INTO standings (company_id)
         SELECT id
         FROM UNNEST($1::bigint[]) AS changed (id)
         ORDER BY id
         ON CONFLICT (company_id) DO NOTHING",
        companies
    )
    .execute(&mut *connection)
    .await
    .map_err(during(doing))?;
    // The next answer is to be read, whatever its bytes, and its ends are to be judged by today's thresholds.
    sqlx::query!(
        "UPDATE companies
         SET tell_on = DEFAULT,
             page_digests = NULL,
             items_digest = NULL,
             digested_by = NULL
         WHERE id = ANY ($1)
           -- New ones are like that already.
           AND (page_digests IS NOT NULL OR tell_on IS DISTINCT FROM DATE '2000-01-01')",
        companies
    )
    .execute(&mut *connection)
    .await
    .map_err(during(doing))?;
    listings::compare_others(connection, watchlist, companies).await
}

/// One prefix is one watched company's: one that comes back and whose prefix another one bears meanwhile has none. Whoever
/// loses a prefix is disputed at its next answer.
async fn take_prefixes_of_returning(
    connection: &mut PgConnection,
    entries: &[Entry<'_>],
) -> Result<Vec<i64>, StoreError> {
    let keywords: Vec<String> = entries.iter().map(|entry| entry.keyword.as_str().to_owned()).collect();
    sqlx::query_scalar!(
        "UPDATE companies AS losing
         SET prefix = NULL,
             prefix_is_pinned = false
         FROM UNNEST($1::text[]) AS entry (keyword)
         WHERE losing.keyword = entry.keyword
           AND losing.left_at IS NOT NULL
           AND EXISTS (
                   SELECT FROM companies AS other
                   WHERE other.prefix = losing.prefix
                     AND other.id <> losing.id
                     AND (other.left_at IS NULL OR (other.keyword = ANY ($1) AND other.id < losing.id))
               )
         RETURNING losing.id",
        &keywords
    )
    .fetch_all(connection)
    .await
    .map_err(during("freeing ids of companies that come back"))
}

/// What the file pins goes to the entry that pins it.
async fn give_up_pinned_prefixes(
    connection: &mut PgConnection,
    entries: &[Entry<'_>],
) -> Result<Vec<i64>, StoreError> {
    let pinned = entries
        .iter()
        .filter_map(|entry| Some((entry.keyword.as_str().to_owned(), entry.pinned_prefix?.to_owned())));
    let (pinning, prefixes): (Vec<String>, Vec<String>) = pinned.unzip();
    if pinning.is_empty() {
        return Ok(Vec::new());
    }
    let keywords: Vec<String> = entries.iter().map(|entry| entry.keyword.as_str().to_owned()).collect();
    sqlx::query_scalar!(
        "UPDATE companies AS losing
         SET prefix = NULL,
             prefix_is_pinned = false
         FROM UNNEST($1::text[], $2::text[]) AS entry (keyword, prefix)
         WHERE losing.prefix = entry.prefix
           AND losing.keyword <> entry.keyword
           -- Who has left and stays away keeps it: whoever bears it now goes on with that history.
           AND (losing.left_at IS NULL OR losing.keyword = ANY ($3))
         RETURNING losing.id",
        &pinning,
        &prefixes,
        &keywords
    )
    .fetch_all(connection)
    .await
    .map_err(during("freeing ids of companies"))
}

/// What was in doubt when a company was taken out of the file is not known any more when it is put back (design 3).
async fn drop_doubts_of_returning(
    connection: &mut PgConnection,
    entries: &[Entry<'_>],
) -> Result<(), StoreError> {
    let keywords: Vec<String> = entries.iter().map(|entry| entry.keyword.as_str().to_owned()).collect();
    sqlx::query!(
        "DELETE FROM doubts
         USING companies
         WHERE companies.id = doubts.company_id
           AND companies.left_at IS NOT NULL
           AND companies.keyword = ANY ($1)",
        &keywords
    )
    .execute(connection)
    .await
    .map_err(during("dropping the doubts of companies that come back"))?;
    Ok(())
}

async fn upsert(
    connection: &mut PgConnection,
    entries: &[Entry<'_>],
    now: DateTime<Utc>,
) -> Result<Vec<i64>, StoreError> {
    let keywords: Vec<String> = entries.iter().map(|entry| entry.keyword.as_str().to_owned()).collect();
    let names: Vec<String> = entries.iter().map(|entry| entry.name.to_owned()).collect();
    let prefixes: Vec<Option<String>> =
        entries.iter().map(|entry| entry.pinned_prefix.map(str::to_owned)).collect();
    let lines: Vec<String> = entries.iter().map(|entry| entry.check_line.to_string()).collect();
    let thresholds: Vec<String> = entries.iter().map(|entry| entry.thresholds.to_string()).collect();
    sqlx::query_scalar!(
        "INSERT INTO companies AS known
                (keyword, name, prefix, prefix_is_pinned, check_line, accepted_at, watched_since, thresholds)
         SELECT entry.keyword, entry.name, entry.prefix, entry.prefix IS NOT NULL, entry.check_line, $5, $5, entry.thresholds
         FROM UNNEST($1::text[], $2::text[], $3::text[], $4::text[], $7::text[])
              WITH ORDINALITY AS entry (keyword, name, prefix, check_line, thresholds, place)
         LEFT JOIN companies AS old ON old.keyword = entry.keyword
         -- A row that stays as it is must not even be locked: sweeps go on beside this.
         WHERE old.id IS NULL
            OR (old.name, old.check_line, old.prefix_is_pinned, old.thresholds)
               IS DISTINCT FROM (entry.name, entry.check_line, entry.prefix IS NOT NULL, entry.thresholds)
            OR old.left_at IS NOT NULL
            OR (entry.prefix IS NOT NULL AND old.prefix IS DISTINCT FROM entry.prefix)
         -- Rows are numbered in the order of the file, which is that in which they are asked for.
         ORDER BY entry.place
         ON CONFLICT (keyword) DO UPDATE
         SET name = excluded.name,
             prefix = CASE WHEN excluded.prefix_is_pinned THEN excluded.prefix ELSE known.prefix END,
             prefix_is_pinned = excluded.prefix_is_pinned,
             -- A pinned id is the operator's answer to a dispute: what was disputed is asked again.
             disputed_since = CASE
                 WHEN excluded.prefix_is_pinned AND excluded.prefix IS DISTINCT FROM known.prefix THEN NULL
                 ELSE known.disputed_since
             END,
             check_line = excluded.check_line,
             accepted_at = CASE
                 WHEN known.check_line = excluded.check_line AND known.left_at IS NULL THEN known.accepted_at
                 ELSE excluded.accepted_at
             END,
             watched_since = CASE WHEN known.left_at IS NULL THEN known.watched_since ELSE excluded.watched_since END,
             -- Put back: judged after its first complete answer, which it owes; a new baseline when it was away for long.
             owes_answer = known.owes_answer OR known.left_at IS NOT NULL,
             baseline_at = CASE WHEN known.left_at < $6 THEN NULL ELSE known.baseline_at END,
             failing_since = CASE WHEN known.left_at IS NULL THEN known.failing_since END,
             failing_checks = CASE WHEN known.left_at IS NULL THEN known.failing_checks ELSE 0 END,
             unverified_told_at = CASE WHEN known.left_at IS NULL THEN known.unverified_told_at END,
             left_at = NULL,
             thresholds = excluded.thresholds
         WHERE (known.name, known.check_line, known.prefix_is_pinned, known.thresholds)
               IS DISTINCT FROM (excluded.name, excluded.check_line, excluded.prefix_is_pinned, excluded.thresholds)
            OR known.left_at IS NOT NULL
            OR (excluded.prefix_is_pinned AND known.prefix IS DISTINCT FROM excluded.prefix)
         RETURNING known.id",
        &keywords,
        &names,
        &prefixes as &[Option<String>],
        &lines,
        now,
        now - FORGOTTEN_AFTER,
        &thresholds
    )
    .fetch_all(connection)
    .await
    .map_err(during("storing the companies of the watchlist"))
}

/// Reads how a check ended.
pub(in crate::store) fn read_outcome(text: &str, id: i64) -> Result<Outcome, StoreError> {
    text.parse().map_err(|source| StoreError::Unreadable {
        table: "companies",
        column: "last_outcome",
        id: id.to_string(),
        source: Box::new(source),
    })
}

pub(in crate::store) fn read_keyword(text: &str, id: i64) -> Result<Keyword, StoreError> {
    text.parse().map_err(|source| StoreError::Unreadable {
        table: "companies",
        column: "keyword",
        id: id.to_string(),
        source: Box::new(source),
    })
}

/// A company whose checks keep failing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failing {
    /// Its row.
    pub id: CompanyId,
    /// As the provider is asked.
    pub keyword: Keyword,
    /// How its last check ended.
    pub outcome: Outcome,
    /// The provider's code, where it gave one.
    pub code: Option<i64>,
    /// Why, made inert.
    pub reason: String,
    /// The first of the checks in a row that failed.
    pub since: DateTime<Utc>,
}

/// The companies that have failed at `checks_least` checks or more, the first of them not after `since`, while others
/// succeeded (or there is no other), and whose last check ended as `unverified` troubles are about: not disputed, which
/// has a trouble of its own.
///
/// # Errors
/// When the database fails or a stored keyword cannot be read.
pub async fn keep_failing(
    pool: &PgPool,
    since: DateTime<Utc>,
    checks_least: i32,
) -> Result<Vec<Failing>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT id, keyword, last_outcome AS "outcome!", last_code, coalesce(last_reason, '') AS "reason!",
                  failing_since AS "failing_since!"
           FROM companies
           WHERE left_at IS NULL
             AND failing_since <= $1
             AND failing_checks >= $2
             -- Of the disputed ones that is told, also on days on which nothing is answered.
             AND disputed_since IS NULL
             AND last_outcome <> 'unknown'
             AND (
                 -- Who fails was verified before: this is another one's.
                 failing_since < (
                     SELECT max(last_verified_at)
                     FROM standings
                     JOIN companies AS other ON other.id = standings.company_id
                     WHERE other.left_at IS NULL
                 )
                 OR NOT EXISTS (SELECT FROM companies AS other WHERE other.id <> companies.id AND other.left_at IS NULL)
             )
           ORDER BY id"#,
        since,
        checks_least
    )
    .fetch_all(pool)
    .await
    .map_err(during("reading which companies keep failing"))?;
    rows.into_iter()
        .map(|row| {
            Ok(Failing {
                id: CompanyId(row.id),
                keyword: read_keyword(&row.keyword, row.id)?,
                outcome: read_outcome(&row.outcome, row.id)?,
                code: row.last_code,
                reason: row.reason,
                since: row.failing_since,
            })
        })
        .collect()
}

/// The codes with which the last checks of watched companies ended and that the document does not explain; `None` for an
/// HTTP status.
///
/// # Errors
/// When the database fails.
pub async fn unknown_codes(pool: &PgPool) -> Result<Vec<Option<i64>>, StoreError> {
    sqlx::query_scalar!(
        "SELECT DISTINCT last_code FROM companies WHERE left_at IS NULL AND last_outcome = 'unknown'"
    )
    .fetch_all(pool)
    .await
    .map_err(during("looking for unknown codes"))
}
