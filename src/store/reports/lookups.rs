//! Whole reads for people and programs: what `status`, `list` and `history` show.

use chrono::{DateTime, Utc};
use sqlx::postgres::PgPool;
use sqlx::types::Json;

use crate::domain::event::Event;
use crate::domain::keyword::Keyword;
use crate::store::checks::records::{self, Record};
use crate::store::companies::{CompanyId, read_keyword};
use crate::store::error::{StoreError, during};
use crate::store::outbox::events::{EventId, Recorded};

/// Events read at once.
pub const BATCH_EVENTS_MAX: i64 = 1_000;

/// The company with this keyword, also one that has left the file; `None`: it was never stored.
///
/// # Errors
/// When the database fails or the row cannot be read.
pub async fn record_of(pool: &PgPool, keyword: &Keyword) -> Result<Option<Record>, StoreError> {
    let doing = "reading a company";
    let mut connection = pool.acquire().await.map_err(during(doing))?;
    let id = sqlx::query_scalar!(
        r#"SELECT id AS "id: CompanyId" FROM companies WHERE keyword = $1"#,
        keyword.as_str()
    )
    .fetch_optional(&mut *connection)
    .await
    .map_err(during(doing))?;
    Ok(records::load(&mut connection, id.as_slice()).await?.pop())
}

/// A company that was in the file once, and perhaps still is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// As the provider was asked.
    pub keyword: Keyword,
    /// What mails called it last.
    pub name: String,
}

/// Every company that was ever in the file.
///
/// # Errors
/// When the database fails or a row cannot be read.
pub async fn ever_known(pool: &PgPool) -> Result<Vec<Known>, StoreError> {
    let rows = sqlx::query!("SELECT id, keyword, name FROM companies ORDER BY id")
        .fetch_all(pool)
        .await
        .map_err(during("reading every company"))?;
    rows.into_iter()
        .map(|row| Ok(Known { keyword: read_keyword(&row.keyword, row.id)?, name: row.name }))
        .collect()
}

/// Which events are read.
#[derive(Debug, Clone, Copy, Default)]
pub struct WhichEvents<'a> {
    /// Those of these companies; `None`: all, and those that concern no company.
    pub of: Option<&'a [CompanyId]>,
    /// Only those found then or later.
    pub since: Option<DateTime<Utc>>,
    /// Only those found before.
    pub until: Option<DateTime<Utc>>,
}

/// The next events, newest first, that were stored before `before`; at most `limit`, and at most [`BATCH_EVENTS_MAX`].
///
/// # Errors
/// When the database fails or an event cannot be read.
pub async fn events(
    pool: &PgPool,
    which: WhichEvents<'_>,
    before: Option<EventId>,
    limit: u32,
) -> Result<Vec<Recorded>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT id, event AS "event: Json<Event>"
           FROM events
           WHERE ($1::bigint[] IS NULL OR company_id = ANY ($1))
             AND id < $2
             AND ($4::timestamptz IS NULL OR at >= $4)
             AND ($5::timestamptz IS NULL OR at < $5)
           ORDER BY id DESC
           LIMIT $3"#,
        which.of as Option<&[CompanyId]>,
        before.map_or(i64::MAX, |id| id.0),
        i64::from(limit).min(BATCH_EVENTS_MAX),
        which.since,
        which.until
    )
    .fetch_all(pool)
    .await
    .map_err(during("reading events"))?;
    Ok(rows.into_iter().map(|row| Recorded { id: EventId(row.id), event: row.event.0 }).collect())
}

/// The events with these ids, in that order. Whoever has many asks for [`BATCH_EVENTS_MAX`] at a time.
///
/// # Errors
/// When the database fails or an event cannot be read.
pub async fn events_by_id(pool: &PgPool, ids: &[EventId]) -> Result<Vec<Recorded>, StoreError> {
    let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let rows = sqlx::query!(
        r#"SELECT events.id, event AS "event: Json<Event>"
           FROM UNNEST($1::bigint[]) WITH ORDINALITY AS wanted (id, place)
           JOIN events ON events.id = wanted.id
           ORDER BY wanted.place"#,
        &ids
    )
    .fetch_all(pool)
    .await
    .map_err(during("reading events"))?;
    Ok(rows.into_iter().map(|row| Recorded { id: EventId(row.id), event: row.event.0 }).collect())
}

/// A sweep that ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Swept {
    /// When it ended.
    pub ended_at: DateTime<Utc>,
    /// Companies for which a call was made.
    pub asked: i32,
    /// Of these, complete or empty.
    pub complete: i32,
}

/// The last sweep that ended.
///
/// # Errors
/// When the database fails.
pub async fn last_sweep(pool: &PgPool) -> Result<Option<Swept>, StoreError> {
    sqlx::query_as!(
        Swept,
        r#"SELECT ended_at AS "ended_at!", asked, complete
           FROM sweeps
           WHERE ended_at IS NOT NULL
           ORDER BY id DESC
           LIMIT 1"#
    )
    .fetch_optional(pool)
    .await
    .map_err(during("reading the last sweep"))
}
