//! Answers that an older version of the reading understood, and the snapshot put into today's words by reading them again
//! (design 3).

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use sqlx::Connection as _;
use sqlx::postgres::{PgConnection, PgPool};

use super::claims::Claims;
use super::records::Record;
use super::write::{self, Begun};
use crate::domain::holding::HoldingKey;
use crate::store::companies::CompanyId;
use crate::store::error::{StoreError, during};

/// The last complete answer of a company, where another version of the reading than today's understood it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Older {
    id: i64,
    /// The version that understood it.
    pub parser_version: i32,
    /// The answer, page by page.
    pub pages: Vec<Vec<u8>>,
    /// When it came last.
    pub last_seen_at: DateTime<Utc>,
}

/// The last complete answer of a claimed company, unless `version` understood it already.
///
/// # Errors
/// When the database fails.
pub async fn older(claims: &mut Claims, id: CompanyId, version: i32) -> Result<Option<Older>, StoreError> {
    read(claims.connection(), id, version).await
}

/// The same of a company that is not claimed: for a dry run.
///
/// # Errors
/// When the database fails.
pub async fn older_of(pool: &PgPool, id: CompanyId, version: i32) -> Result<Option<Older>, StoreError> {
    let mut connection = pool.acquire().await.map_err(during("reading the last complete answer"))?;
    read(&mut connection, id, version).await
}

async fn read(
    connection: &mut PgConnection,
    id: CompanyId,
    version: i32,
) -> Result<Option<Older>, StoreError> {
    sqlx::query_as!(
        Older,
        r#"SELECT id AS "id!", parser_version AS "parser_version!", pages AS "pages!",
                  last_seen_at AS "last_seen_at!"
           FROM (
               SELECT id, parser_version, pages, last_seen_at
               FROM answers
               WHERE company_id = $1
                 AND outcome = 'complete'
               ORDER BY id DESC
               LIMIT 1
           ) AS last
           WHERE parser_version <> $2"#,
        id.0,
        version
    )
    .fetch_optional(connection)
    .await
    .map_err(during("reading the last complete answer"))
}

/// A company in the words of another version.
#[derive(Debug, Clone, Copy)]
pub struct Rereading<'a> {
    /// The company as it was stored.
    pub before: &'a Record,
    /// The same in today's words.
    pub after: &'a Record,
    /// The answer that was read again.
    pub answer: &'a Older,
    /// Today's version.
    pub version: i32,
}

/// Stores what reading again made of the claimed company: no event, no delivery. One transaction of its own, before that of the
/// check: it is as true without it.
///
/// # Errors
/// When the database fails: nothing is changed then.
pub async fn commit_rereading(
    claims: &mut Claims,
    rereading: Rereading<'_>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let doing = "storing what was read again";
    let Rereading { before, after, answer, version } = rereading;
    let id = before.id;
    let mut tx = claims.connection().begin().await.map_err(during(doing))?;
    let same = |key: &&HoldingKey| before.snapshot.held.get(*key) == after.snapshot.held.get(*key);
    let same: BTreeSet<&HoldingKey> = after.snapshot.held.keys().filter(same).collect();
    let stay = end_all_but(&mut tx, id, &same, now).await?;
    let is_to_begin = |key: &HoldingKey| !stay.contains(&row_key(key));
    let begun = after.snapshot.held.iter().filter(|(key, _)| is_to_begin(key));
    let begun: Vec<Begun<'_>> =
        begun.map(|(key, held)| Begun { company: id, key, held, from: now }).collect();
    write::begin_holdings(&mut tx, &begun).await?;
    write::doubts(&mut tx, &[(id, &after.snapshot)]).await?;
    sqlx::query!("UPDATE observations SET parser_version = $2 WHERE id = $1", answer.id, version)
        .execute(&mut *tx)
        .await
        .map_err(during(doing))?;
    tx.commit().await.map_err(during(doing))
}

fn row_key(key: &HoldingKey) -> (String, String) {
    (key.number.key().to_owned(), key.qualification.as_str().to_owned())
}

/// Ends every current version but those that are `same`; gives these as rows have them. By what the rows say: their keys are of
/// the older version, which today's rules may not be able to make any more.
async fn end_all_but(
    connection: &mut PgConnection,
    id: CompanyId,
    same: &BTreeSet<&HoldingKey>,
    now: DateTime<Utc>,
) -> Result<BTreeSet<(String, String)>, StoreError> {
    let (numbers, qualifications): (Vec<String>, Vec<String>) = same.iter().map(|key| row_key(key)).unzip();
    sqlx::query!(
        "UPDATE holdings
         SET valid_to = $4
         WHERE company_id = $1
           AND valid_to IS NULL
           AND NOT EXISTS (
               SELECT
               FROM UNNEST($2::text[], $3::text[]) AS same (number_key, qualification_key)
               WHERE same.number_key = holdings.number_key
                 AND same.qualification_key = holdings.qualification_key
           )",
        id.0,
        &numbers,
        &qualifications,
        now
    )
    .execute(&mut *connection)
    .await
    .map_err(during("ending holdings in older words"))?;
    let rows = sqlx::query!(
        "SELECT number_key, qualification_key
         FROM holdings
         WHERE company_id = $1
           AND valid_to IS NULL",
        id.0
    )
    .fetch_all(connection)
    .await
    .map_err(during("reading which holdings stay"))?;
    Ok(rows.into_iter().map(|row| (row.number_key, row.qualification_key)).collect())
}
