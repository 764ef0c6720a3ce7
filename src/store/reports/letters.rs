//! What one address was sent, and what it is owed: for `mail`.

use chrono::{DateTime, Utc};
use sqlx::postgres::PgPool;
use sqlx::types::Json;

use crate::domain::event::Event;
use crate::store::error::{StoreError, during};
use crate::store::outbox::recipients::Recipient;

/// Events of a mail that are read.
pub const OWED_MAX: usize = 6_000;

/// A message as it was offered to a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered {
    /// For people.
    pub subject: String,
    /// Its bytes.
    pub content: Vec<u8>,
    /// When its bytes were settled.
    pub frozen_at: DateTime<Utc>,
    /// When a server took it.
    pub sent_at: Option<DateTime<Utc>>,
    /// When it was given up.
    pub dead_at: Option<DateTime<Utc>>,
}

/// The messages of this address that were settled from `since` on and before `until`, the oldest first.
///
/// # Errors
/// When the database fails.
pub async fn offered(
    pool: &PgPool,
    recipient: &Recipient,
    since: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Vec<Offered>, StoreError> {
    sqlx::query_as!(
        Offered,
        "SELECT subject, content, frozen_at, sent_at, dead_at
         FROM messages
         WHERE address = $1
           AND frozen_at >= $2
           AND frozen_at < $3
         ORDER BY id",
        recipient.as_str(),
        since,
        until
    )
    .fetch_all(pool)
    .await
    .map_err(during("reading what an address was sent"))
}

/// What this address is owed and no message carries yet, the oldest first.
///
/// # Errors
/// When the database fails or an event cannot be read.
pub async fn owed(pool: &PgPool, recipient: &Recipient) -> Result<Vec<Event>, StoreError> {
    let rows = sqlx::query_scalar!(
        r#"SELECT event AS "event: Json<Event>"
           FROM deliveries
           JOIN events ON events.id = event_id
           WHERE address = $1
             AND message_id IS NULL
             AND sent_at IS NULL
             AND cancelled_at IS NULL
             AND dead_at IS NULL
           ORDER BY deliveries.id
           LIMIT $2"#,
        recipient.as_str(),
        i64::try_from(OWED_MAX).unwrap_or(i64::MAX)
    )
    .fetch_all(pool)
    .await
    .map_err(during("reading what an address is owed"))?;
    Ok(rows.into_iter().map(|Json(event)| event).collect())
}
