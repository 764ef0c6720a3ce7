//! Answers that an older version of the reading understood, and the snapshot put into today's words by reading them again
//! (design 3).

use chrono::{DateTime, Utc};
use sqlx::Connection as _;
use sqlx::postgres::{PgConnection, PgPool};

use super::certificates::{self, SnapshotChange};
use super::claims::Claims;
use super::records::Record;
use super::rows;
use crate::store::companies::CompanyId;
use crate::store::error::{StoreError, during, unless_lost};

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
    unless_lost!(async {
        let doing = "storing what was read again";
        let Rereading { before, after, answer, version } = rereading;
        let id = before.id;
        let mut tx = claims.connection().begin().await.map_err(during(doing))?;
        let change = SnapshotChange { company: id, before: &before.snapshot, after: &after.snapshot, now };
        certificates::reword(&mut tx, change).await?;
        rows::doubts(&mut tx, &[(id, &after.snapshot)]).await?;
        sqlx::query!("UPDATE observations SET parser_version = $2 WHERE id = $1", answer.id, version)
            .execute(&mut *tx)
            .await
            .map_err(during(doing))?;
        tx.commit().await.map_err(during(doing))
    })
}
