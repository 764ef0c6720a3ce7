//! What is owed: events and their deliveries, written by whoever finds them, read by the mailer.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};
use sqlx::postgres::PgConnection;
use sqlx::types::Json;

use crate::domain::event::{Audience, Event};
use crate::store::companies::CompanyId;
use crate::store::error::{StoreError, during};

/// An event's row; its text is the `id` in `--json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, sqlx::Type)]
#[sqlx(transparent)]
pub struct EventId(pub(crate) i64);

impl EventId {
    /// Names an event that was not stored, in a dry run: `number` is negative, as no row's is.
    #[must_use]
    pub fn imagined(number: i64) -> Self {
        Self(number.min(-1))
    }

    /// Whether it names an event that was not stored.
    #[must_use]
    pub fn is_imagined(self) -> bool {
        self.0 < 0
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl Serialize for EventId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// An event as it was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Its row.
    pub id: EventId,
    /// What was found.
    pub event: Event,
}

/// An event and to whom it is owed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owed {
    /// What is worth telling.
    pub event: Event,
    /// The company it is about.
    pub company: Option<CompanyId>,
    /// The addresses that get it.
    pub recipients: Vec<String>,
}

/// Writes events and what is owed of them, in two statements however many they are; gives their rows, in order. Neither begins
/// nor commits.
pub(in crate::store) async fn owe(
    connection: &mut PgConnection,
    owed: &[&Owed],
) -> Result<Vec<EventId>, StoreError> {
    if owed.is_empty() {
        return Ok(Vec::new());
    }
    let audience = |event: &Event| match event.kind().audience() {
        Audience::Reader => "reader".to_owned(),
        Audience::Operator => "operator".to_owned(),
    };
    let ids: Vec<i64> = sqlx::query_scalar!(
        "INSERT INTO events (company_id, kind, audience, at, event)
         SELECT owed.company_id, owed.kind, owed.audience, owed.at, owed.event
         FROM UNNEST($1::bigint[], $2::text[], $3::text[], $4::timestamptz[], $5::json[])
              WITH ORDINALITY AS owed (company_id, kind, audience, at, event, place)
         ORDER BY owed.place
         RETURNING id",
        &owed.iter().map(|owed| owed.company.map(|id| id.0)).collect::<Vec<_>>() as &[Option<i64>],
        &owed.iter().map(|owed| owed.event.kind().to_string()).collect::<Vec<_>>(),
        &owed.iter().map(|owed| audience(&owed.event)).collect::<Vec<_>>(),
        &owed.iter().map(|owed| owed.event.at).collect::<Vec<_>>(),
        &owed.iter().map(|owed| Json(&owed.event)).collect::<Vec<_>>() as &[Json<&Event>]
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(during("storing events"))?;
    let mut event_ids: Vec<i64> = Vec::new();
    let mut recipients: Vec<String> = Vec::new();
    let mut since: Vec<DateTime<Utc>> = Vec::new();
    for (id, owed) in ids.iter().zip(owed) {
        for recipient in &owed.recipients {
            event_ids.push(*id);
            recipients.push(recipient.clone());
            since.push(owed.event.at);
        }
    }
    sqlx::query!(
        "INSERT INTO deliveries (event_id, recipient, owed_since)
         SELECT owed.*
         FROM UNNEST($1::bigint[], $2::text[], $3::timestamptz[]) AS owed
         ON CONFLICT (event_id, recipient) DO NOTHING",
        &event_ids,
        &recipients,
        &since
    )
    .execute(connection)
    .await
    .map_err(during("storing deliveries"))?;
    Ok(ids.into_iter().map(EventId).collect())
}
