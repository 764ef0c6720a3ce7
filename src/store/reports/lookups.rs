//! Whole reads for people and programs: what `status`, `list` and `history` show.

use chrono::{DateTime, Utc};
use sqlx::postgres::PgPool;
use sqlx::types::Json;

use crate::domain::event::Event;
use crate::domain::keyword::Keyword;
use crate::store::checks::claims::BATCH_COMPANIES_MAX;
use crate::store::checks::records::{self, Record};
use crate::store::companies::{CompanyId, read_keyword};
use crate::store::error::{StoreError, during};
use crate::store::outbox::events::{EventId, Recorded};

/// Events read at once.
pub const BATCH_EVENTS_MAX: i64 = 1_000;

/// The companies with these keywords, also those that have left the file, in the order of their ids. A keyword that was never
/// stored is left out.
///
/// # Errors
/// When the database fails or a row cannot be read.
pub async fn records_of(pool: &PgPool, keywords: &[&Keyword]) -> Result<Vec<Record>, StoreError> {
    let doing = "reading companies";
    let keywords: Vec<String> = keywords.iter().map(|keyword| keyword.as_str().to_owned()).collect();
    let mut connection = pool.acquire().await.map_err(during(doing))?;
    let ids: Vec<i64> =
        sqlx::query_scalar!("SELECT id FROM companies WHERE keyword = ANY ($1) ORDER BY id", &keywords)
            .fetch_all(&mut *connection)
            .await
            .map_err(during(doing))?;
    let ids: Vec<CompanyId> = ids.into_iter().map(CompanyId).collect();
    let mut found = Vec::with_capacity(ids.len());
    for batch in ids.chunks(BATCH_COMPANIES_MAX) {
        found.extend(records::load(&mut connection, batch).await?);
    }
    Ok(found)
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

/// Whose events are read.
#[derive(Debug, Clone, Copy)]
pub enum EventsOf<'a> {
    /// Those of these companies.
    Of(&'a [CompanyId]),
    /// All, and those that concern no company.
    Everyones,
}

/// Which events are read.
#[derive(Debug, Clone, Copy)]
pub struct WhichEvents<'a> {
    /// Whose.
    pub whose: EventsOf<'a>,
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
    let companies: Option<Vec<i64>> = match which.whose {
        EventsOf::Of(ids) => Some(ids.iter().map(|id| id.0).collect()),
        EventsOf::Everyones => None,
    };
    let rows = sqlx::query!(
        r#"SELECT id, event AS "event: Json<Event>"
           FROM events
           WHERE ($1::bigint[] IS NULL OR company_id = ANY ($1))
             AND id < $2
             AND ($4::timestamptz IS NULL OR at >= $4)
             AND ($5::timestamptz IS NULL OR at < $5)
           ORDER BY id DESC
           LIMIT $3"#,
        companies.as_deref() as Option<&[i64]>,
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
