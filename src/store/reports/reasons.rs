//! What is known of one company's checks and of who was told: for `why`.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::postgres::PgPool;

use crate::store::companies::CompanyId;
use crate::store::error::{StoreError, during};
use crate::store::outbox::events::EventId;

/// Answers that are shown.
const ANSWERS_MAX: i64 = 20;

/// An answer that came once or several times in a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AnswerSeen {
    /// `complete`, `empty`, `incomplete`, `disputed`, or the class of a failure.
    pub outcome: String,
    /// When it came first.
    pub first_seen_at: DateTime<Utc>,
    /// When it came last.
    pub last_seen_at: DateTime<Utc>,
    /// How often it came.
    pub times_seen: i32,
    /// How many pages it has.
    pub pages: i32,
    /// The version of our own reading.
    pub parser_version: i32,
}

/// The last answers of a company, newest first.
///
/// # Errors
/// When the database fails.
pub async fn answers(pool: &PgPool, company: CompanyId) -> Result<Vec<AnswerSeen>, StoreError> {
    sqlx::query_as!(
        AnswerSeen,
        r#"SELECT outcome AS "outcome!", first_seen_at AS "first_seen_at!", last_seen_at AS "last_seen_at!",
                  times_seen AS "times_seen!", cardinality(pages) AS "pages!", parser_version AS "parser_version!"
           FROM answers
           WHERE company_id = $1
           ORDER BY id DESC
           LIMIT $2"#,
        company.0,
        ANSWERS_MAX
    )
    .fetch_all(pool)
    .await
    .map_err(during("reading the answers of a company"))
}

/// What became of an event that was owed to somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Delivered {
    /// To whom it was owed.
    pub recipient: String,
    /// Since when.
    pub owed_since: DateTime<Utc>,
    /// When a server took it.
    pub sent_at: Option<DateTime<Utc>>,
    /// When it was found that the address no longer gets this company's news.
    pub cancelled_at: Option<DateTime<Utc>>,
    /// When it was given up.
    pub dead_at: Option<DateTime<Utc>>,
    /// What the server said when it was given up, inert.
    pub reply: Option<String>,
    /// The address that was owed it before, and no longer gets this company's news.
    pub readdressed_from: Option<String>,
}

impl Delivered {
    /// Whether it is owed instead to this address (in small letters).
    #[must_use]
    pub fn is_heir_of(&self, address: &str) -> bool {
        self.readdressed_from.as_deref() == Some(address)
    }
}

/// What became of these events, by recipient.
///
/// # Errors
/// When the database fails.
pub async fn deliveries(
    pool: &PgPool,
    events: &[EventId],
) -> Result<HashMap<EventId, Vec<Delivered>>, StoreError> {
    let ids: Vec<i64> = events.iter().map(|id| id.0).collect();
    let rows = sqlx::query!(
        "SELECT event_id, recipient, owed_since, sent_at, cancelled_at, dead_at, reply, readdressed_from
         FROM deliveries
         WHERE event_id = ANY ($1)
         ORDER BY id",
        &ids
    )
    .fetch_all(pool)
    .await
    .map_err(during("reading what became of events"))?;
    let mut delivered: HashMap<EventId, Vec<Delivered>> = HashMap::new();
    for row in rows {
        delivered.entry(EventId(row.event_id)).or_default().push(Delivered {
            recipient: row.recipient,
            owed_since: row.owed_since,
            sent_at: row.sent_at,
            cancelled_at: row.cancelled_at,
            dead_at: row.dead_at,
            reply: row.reply,
            readdressed_from: row.readdressed_from,
        });
    }
    Ok(delivered)
}
