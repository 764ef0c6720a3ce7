//! Forgetting what is old: raw answers and finished deliveries (`[database].keep`). Never what was told, last states, the
//! history of holdings, or events: they are kept for ever.
//!
//! A pass walks each table by its ids in slices, each a statement of its own: none holds locks for long, none reads a table
//! twice, and rows that another process is removing are passed over, so that two may do it at once.

use chrono::{DateTime, Utc};
use sqlx::postgres::PgPool;

use crate::store::error::{StoreError, during};

/// The most rows that one statement looks at, and so the most that it removes.
const SLICE_ROWS: i64 = 1_000;

/// What is forgotten, in this order: a message goes after the deliveries that it carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    Answers,
    Deliveries,
    Messages,
}

/// How far a pass has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    of: Of,
    after: i64,
}

impl Mark {
    /// The beginning of a pass.
    pub const BEGINNING: Self = Self { of: Of::Answers, after: 0 };

    fn next(self, looked_at: Option<i64>) -> Option<Self> {
        let of = match (self.of, looked_at) {
            (of, Some(after)) => return Some(Self { of, after }),
            (Of::Answers, None) => Of::Deliveries,
            (Of::Deliveries, None) => Of::Messages,
            (Of::Messages, None) => return None,
        };
        Some(Self { of, after: 0 })
    }
}

/// What one step removed, and where the next begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forgotten {
    /// Rows removed.
    pub removed: u64,
    /// `None` at the end of the pass.
    pub next: Option<Mark>,
}

struct Slice {
    last: Option<i64>,
    removed: i64,
}

/// Removes what was finished before `before` among the rows that come next.
///
/// # Errors
/// When the database fails.
pub async fn forget(pool: &PgPool, before: DateTime<Utc>, mark: Mark) -> Result<Forgotten, StoreError> {
    let slice = match mark.of {
        Of::Answers => answers(pool, before, mark.after).await?,
        Of::Deliveries => deliveries(pool, before, mark.after).await?,
        Of::Messages => messages(pool, before, mark.after).await?,
    };
    Ok(Forgotten { removed: slice.removed.unsigned_abs(), next: mark.next(slice.last) })
}

async fn answers(pool: &PgPool, before: DateTime<Utc>, after: i64) -> Result<Slice, StoreError> {
    sqlx::query_as!(
        Slice,
        r#"WITH slice AS MATERIALIZED (
               SELECT id FROM observations WHERE id > $2 ORDER BY id LIMIT $3
           ),
           old AS MATERIALIZED (
               SELECT observations.id
               FROM observations
               JOIN slice ON slice.id = observations.id
               WHERE last_seen_at < $1
                 -- The last answer says whether the next is another one; the last complete one is read again by a new
                 -- version of the reading.
                 AND EXISTS (
                     SELECT FROM observations AS later
                     WHERE later.company_id = observations.company_id
                       AND later.id > observations.id
                 )
                 AND (outcome <> 'complete' OR EXISTS (
                     SELECT FROM observations AS later
                     WHERE later.company_id = observations.company_id
                       AND later.id > observations.id
                       AND later.outcome = 'complete'
                 ))
               FOR UPDATE OF observations SKIP LOCKED
           ),
           forgotten AS (
               DELETE FROM observations WHERE id IN (SELECT id FROM old) RETURNING id
           )
           SELECT (SELECT max(id) FROM slice) AS last,
                  (SELECT count(*) FROM forgotten) AS "removed!""#,
        before,
        after,
        SLICE_ROWS
    )
    .fetch_one(pool)
    .await
    .map_err(during("forgetting old answers"))
}

async fn deliveries(pool: &PgPool, before: DateTime<Utc>, after: i64) -> Result<Slice, StoreError> {
    sqlx::query_as!(
        Slice,
        r#"WITH slice AS MATERIALIZED (
               SELECT id FROM deliveries WHERE id > $2 ORDER BY id LIMIT $3
           ),
           old AS MATERIALIZED (
               SELECT deliveries.id
               FROM deliveries
               JOIN slice ON slice.id = deliveries.id
               WHERE coalesce(sent_at, cancelled_at) < $1
                 -- While one of an event is owed, or given up and to be offered again, the others say who had it already:
                 -- it could be owed to them in its place.
                 AND NOT EXISTS (
                     SELECT FROM deliveries AS owed
                     WHERE owed.event_id = deliveries.event_id
                       AND owed.sent_at IS NULL
                       AND owed.cancelled_at IS NULL
                 )
               FOR UPDATE OF deliveries SKIP LOCKED
           ),
           forgotten AS (
               DELETE FROM deliveries WHERE id IN (SELECT id FROM old) RETURNING id
           )
           SELECT (SELECT max(id) FROM slice) AS last,
                  (SELECT count(*) FROM forgotten) AS "removed!""#,
        before,
        after,
        SLICE_ROWS
    )
    .fetch_one(pool)
    .await
    .map_err(during("forgetting old deliveries"))
}

async fn messages(pool: &PgPool, before: DateTime<Utc>, after: i64) -> Result<Slice, StoreError> {
    sqlx::query_as!(
        Slice,
        r#"WITH slice AS MATERIALIZED (
               SELECT id FROM messages WHERE id > $2 ORDER BY id LIMIT $3
           ),
           old AS MATERIALIZED (
               SELECT messages.id
               FROM messages
               JOIN slice ON slice.id = messages.id
               WHERE coalesce(sent_at, dead_at) < $1
                 AND NOT EXISTS (SELECT FROM deliveries WHERE deliveries.message_id = messages.id)
               FOR UPDATE OF messages SKIP LOCKED
           ),
           forgotten AS (
               DELETE FROM messages WHERE id IN (SELECT id FROM old) RETURNING id
           )
           SELECT (SELECT max(id) FROM slice) AS last,
                  (SELECT count(*) FROM forgotten) AS "removed!""#,
        before,
        after,
        SLICE_ROWS
    )
    .fetch_one(pool)
    .await
    .map_err(during("forgetting old messages"))
}
