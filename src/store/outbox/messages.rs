//! From rows to messages and back: who waits for mail, what each is owed, and the message that carries it.
//!
//! Before DATA begins, a message's bytes are stored and its deliveries tied to it ([`freeze`]); after the server took it
//! both are marked ([`mark_sent`]), after it refused it the bytes are forgotten ([`thaw`]). What happens to mail that is not taken is in [`refusals`](super::refusals).

use std::fmt;

use chrono::{DateTime, Utc};
use futures_util::TryStreamExt as _;
use sqlx::Connection as _;
use sqlx::postgres::{PgConnection, PgPool};

use crate::domain::event::Event;
use crate::store::error::{StoreError, during, must_touch, unless_lost};
use crate::store::outbox::events::{EventId, Recorded};
use crate::store::outbox::recipients::{Recipient, RecipientClaim};
use crate::store::outbox::troubles::{self, Turn};

/// So many deliveries are read at a time.
pub const LOOSE_MAX: usize = 1_000;

/// So many deliveries are tied to a message by one statement.
const BATCH_COVERS_MAX: usize = 10_000;

/// A recipient to whom something is owed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Who.
    pub recipient: Recipient,
    /// The oldest news for a reader that no message carries yet.
    pub reader_since: Option<DateTime<Utc>>,
    /// The oldest news for an operator that no message carries yet.
    pub operator_since: Option<DateTime<Utc>>,
    /// The oldest that a message carries whose DATA has begun, and which no server is known to have taken.
    pub frozen_since: Option<DateTime<Utc>>,
    /// Attempts in a row that failed.
    pub attempts: i32,
    /// The daemon does not try again before.
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// Refused as if the sender were at fault while mail for others was taken.
    pub is_apart: bool,
}

/// A delivery's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, sqlx::Type)]
#[sqlx(transparent)]
pub struct DeliveryId(pub(in crate::store) i64);

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "delivery {}", self.0)
    }
}

/// A message's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, sqlx::Type)]
#[sqlx(transparent)]
pub struct MessageRow(pub(in crate::store) i64);

/// A delivery that no message carries yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loose {
    /// Its row.
    pub id: DeliveryId,
    /// The event's row.
    pub event_id: EventId,
    /// What is owed.
    pub event: Event,
    /// The address as it was spelt.
    pub address: String,
    /// Since when.
    pub owed_since: DateTime<Utc>,
}

/// A message whose bytes are settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frozen {
    /// Its row.
    pub row: MessageRow,
    /// The address as it was spelt.
    pub address: String,
    /// Without angle brackets.
    pub message_id: String,
    /// The bytes of every attempt.
    pub content: Vec<u8>,
    /// How many events it tells.
    pub events: i64,
    /// The oldest of what it tells.
    pub first: Option<DeliveryId>,
}

/// Some of what one recipient is owed and no message carries yet, the oldest first.
#[derive(Debug, Default)]
pub struct LooseSlice {
    pub loose: Vec<Loose>,
    /// Deliveries whose event this version cannot read: they stay owed.
    pub unreadable: Vec<StoreError>,
    /// Where the next slice begins; `None`: this was the last.
    pub next: Option<DeliveryId>,
}

/// A message before its row.
#[derive(Debug, Clone, Copy)]
pub struct Draft<'a> {
    /// The address as it is spelt.
    pub address: &'a str,
    /// Without angle brackets.
    pub message_id: &'a str,
    /// For people.
    pub subject: &'a str,
    /// The bytes of every attempt.
    pub content: &'a [u8],
    /// What it tells.
    pub covers: &'a [DeliveryId],
}

/// Everyone who is owed something; who was not refused lately first, then who has waited longest.
///
/// # Errors
/// When the database fails.
pub async fn waiting(pool: &PgPool) -> Result<Vec<Waiting>, StoreError> {
    sqlx::query_as!(
        Waiting,
        r#"SELECT deliveries.address AS "recipient: Recipient",
                  min(owed_since) FILTER (WHERE message_id IS NULL AND audience = 'reader') AS reader_since,
                  min(owed_since) FILTER (WHERE message_id IS NULL AND audience = 'operator') AS operator_since,
                  min(owed_since) FILTER (WHERE message_id IS NOT NULL) AS frozen_since,
                  coalesce(attempts, 0) AS "attempts!",
                  next_attempt_at AS "next_attempt_at?",
                  coalesce(refused_apart, false) AS "is_apart!"
           FROM deliveries
           JOIN events ON events.id = event_id
           LEFT JOIN recipients ON recipients.address = deliveries.address
           WHERE sent_at IS NULL
             AND cancelled_at IS NULL
             AND dead_at IS NULL
           GROUP BY deliveries.address, attempts, next_attempt_at, refused_apart
           ORDER BY coalesce(attempts, 0), min(owed_since), deliveries.address"#
    )
    .fetch_all(pool)
    .await
    .map_err(during("reading who waits for mail"))
}

/// Messages of the claimed recipient that are to be repeated as they are, the oldest first.
///
/// # Errors
/// When the database fails.
pub async fn frozen(claim: &mut RecipientClaim) -> Result<Vec<Frozen>, StoreError> {
    let recipient = claim.recipient().clone();
    sqlx::query_as!(
        Frozen,
        r#"SELECT id AS "row: MessageRow", recipient AS address, message_id, content,
                  (SELECT count(*) FROM deliveries WHERE deliveries.message_id = messages.id) AS "events!",
                  (SELECT min(deliveries.id) FROM deliveries WHERE deliveries.message_id = messages.id)
                      AS "first: DeliveryId"
           FROM messages
           WHERE address = $1
             AND sent_at IS NULL
             AND dead_at IS NULL
           ORDER BY id"#,
        recipient.as_str()
    )
    .fetch_all(claim.connection())
    .await
    .map_err(during("reading unfinished messages"))
}

/// Since when the claimed recipient is owed news as a reader, and as an operator, that no message carries yet.
///
/// # Errors
/// When the database fails.
pub async fn loose_since(
    claim: &mut RecipientClaim,
) -> Result<(Option<DateTime<Utc>>, Option<DateTime<Utc>>), StoreError> {
    let recipient = claim.recipient().clone();
    let since = sqlx::query!(
        "SELECT min(owed_since) FILTER (WHERE audience = 'reader') AS reader,
                min(owed_since) FILTER (WHERE audience = 'operator') AS operator
         FROM deliveries
         JOIN events ON events.id = event_id
         WHERE address = $1
           AND message_id IS NULL
           AND sent_at IS NULL
           AND cancelled_at IS NULL
           AND dead_at IS NULL",
        recipient.as_str()
    )
    .fetch_one(claim.connection())
    .await
    .map_err(during("reading since when something is owed"))?;
    Ok((since.reader, since.operator))
}

/// A slice of what the claimed recipient is owed and no message carries yet: after `after`, or from the oldest on.
///
/// # Errors
/// When the database fails.
pub async fn loose(claim: &mut RecipientClaim, after: Option<DeliveryId>) -> Result<LooseSlice, StoreError> {
    let recipient = claim.recipient().clone();
    let mut slice = LooseSlice::default();
    // Row by row: as it is stored an event takes several times the room of what it says.
    let mut rows = sqlx::query!(
        r#"SELECT deliveries.id, event_id, recipient, owed_since, event::text AS "event!"
           FROM deliveries
           JOIN events ON events.id = event_id
           WHERE address = $1
             AND message_id IS NULL
             AND sent_at IS NULL
             AND cancelled_at IS NULL
             AND dead_at IS NULL
             AND deliveries.id > $3
           ORDER BY deliveries.id
           LIMIT $2"#,
        recipient.as_str(),
        i64::try_from(LOOSE_MAX).unwrap_or(i64::MAX),
        after.map_or(0, |after| after.0)
    )
    .fetch(claim.connection());
    let mut read = 0;
    while let Some(row) = rows.try_next().await.map_err(during("reading what is owed"))? {
        read += 1;
        slice.next = Some(DeliveryId(row.id)).filter(|_| read == LOOSE_MAX);
        match serde_json::from_str::<Event>(&row.event) {
            Ok(event) => slice.loose.push(Loose {
                id: DeliveryId(row.id),
                event_id: EventId(row.event_id),
                event,
                address: row.recipient,
                owed_since: row.owed_since,
            }),
            // One bad row is set aside; it stops no other.
            Err(source) => slice.unreadable.push(StoreError::Unreadable {
                table: "events",
                column: "event",
                id: row.event_id.to_string(),
                source: Box::new(source),
            }),
        }
    }
    drop(rows);
    Ok(slice)
}

/// Stores the bytes and the Message-ID of a message and ties its deliveries to it: from now on every repeat is the same.
///
/// # Errors
/// When the database fails, or a delivery is not the claimed recipient's to send any more: nothing is stored then.
pub async fn freeze(
    claim: &mut RecipientClaim,
    draft: &Draft<'_>,
    now: DateTime<Utc>,
) -> Result<MessageRow, StoreError> {
    unless_lost!(async {
        let doing = "storing a message before it is sent";
        let recipient = claim.recipient().clone();
        let mut tx = claim.connection().begin().await.map_err(during(doing))?;
        let row = sqlx::query_scalar!(
            "INSERT INTO messages (recipient, message_id, subject, content, frozen_at)
             VALUES ($1, $2, $3, $4, $5)
             RETURNING id",
            draft.address,
            draft.message_id,
            draft.subject,
            draft.content,
            now
        )
        .fetch_one(&mut *tx)
        .await
        .map_err(during(doing))?;
        for covers in draft.covers.chunks(BATCH_COVERS_MAX) {
            let ids: Vec<i64> = covers.iter().map(|id| id.0).collect();
            let done = sqlx::query!(
                "UPDATE deliveries
                 SET message_id = $2
                 -- Joined: a list of so many would be gone through for each row.
                 FROM UNNEST($1::bigint[]) AS covered (delivery_id)
                 WHERE id = delivery_id
                   AND address = $3
                   AND message_id IS NULL
                   AND sent_at IS NULL
                   AND cancelled_at IS NULL
                   AND dead_at IS NULL",
                &ids,
                row,
                recipient.as_str()
            )
            .execute(&mut *tx)
            .await
            .map_err(during(doing))?;
            must_touch(doing, done.rows_affected(), ids.len())?;
        }
        tx.commit().await.map_err(during(doing))?;
        Ok(MessageRow(row))
    })
}

/// Forgets the bytes of a message that the server has refused, so that the next attempt says what is true on its day. Gives what
/// it was to tell. One transaction.
///
/// # Errors
/// When the database fails: the message stays frozen then.
pub async fn thaw(claim: &mut RecipientClaim, message: MessageRow) -> Result<Vec<DeliveryId>, StoreError> {
    unless_lost!(async {
        let doing = "forgetting a message that was refused";
        let mut tx = claim.connection().begin().await.map_err(during(doing))?;
        let deliveries = sqlx::query_scalar!(
            r#"UPDATE deliveries SET message_id = NULL WHERE message_id = $1 RETURNING id AS "id: DeliveryId""#,
            message.0
        )
        .fetch_all(&mut *tx)
        .await
        .map_err(during(doing))?;
        let done = sqlx::query!("DELETE FROM messages WHERE id = $1 AND sent_at IS NULL", message.0)
            .execute(&mut *tx)
            .await
            .map_err(during(doing))?;
        must_touch(doing, done.rows_affected(), 1)?;
        tx.commit().await.map_err(during(doing))?;
        Ok(deliveries)
    })
}

/// Marks a message and its deliveries as sent: the server answered 250. Its recipient is reachable again. Gives what operators
/// are told of that.
///
/// # Errors
/// When the database fails: the message stays frozen then, and is repeated as it is.
pub async fn mark_sent(
    claim: &mut RecipientClaim,
    message: MessageRow,
    reply: &str,
    turns: &[Turn],
    now: DateTime<Utc>,
) -> Result<Vec<Recorded>, StoreError> {
    unless_lost!(async {
        let doing = "marking a message as sent";
        let recipient = claim.recipient().clone();
        let mut tx = claim.connection().begin().await.map_err(during(doing))?;
        let done = sqlx::query!(
            "UPDATE messages
             SET sent_at = $2,
                 reply = $3
             WHERE id = $1
               AND sent_at IS NULL",
            message.0,
            now,
            reply
        )
        .execute(&mut *tx)
        .await
        .map_err(during(doing))?;
        must_touch(doing, done.rows_affected(), 1)?;
        sqlx::query!("UPDATE deliveries SET sent_at = $2 WHERE message_id = $1", message.0, now)
            .execute(&mut *tx)
            .await
            .map_err(during(doing))?;
        forget_refusals(&mut tx, &recipient).await?;
        let told = troubles::turn(&mut tx, &turns.iter().collect::<Vec<_>>()).await?;
        tx.commit().await.map_err(during(doing))?;
        Ok(told)
    })
}

async fn forget_refusals(connection: &mut PgConnection, recipient: &Recipient) -> Result<(), StoreError> {
    sqlx::query!("DELETE FROM recipients WHERE address = $1", recipient.as_str())
        .execute(&mut *connection)
        .await
        .map_err(during("forgetting refusals"))?;
    sqlx::query!(
        "UPDATE deliveries
         SET refused_since = NULL
         WHERE address = $1
           AND refused_since IS NOT NULL
           AND sent_at IS NULL
           AND cancelled_at IS NULL
           AND dead_at IS NULL",
        recipient.as_str()
    )
    .execute(connection)
    .await
    .map_err(during("forgetting refusals"))?;
    Ok(())
}

/// How mail stands, for `status`; whether it is stopped is [`stops::stop`](super::stops::stop)'s to say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// Recipients to whom something is owed: that many messages are to come.
    pub owed: u64,
    /// What they tell.
    pub deliveries: u64,
    /// Since when the oldest of it is owed.
    pub oldest: Option<DateTime<Utc>>,
}

/// How mail stands.
///
/// # Errors
/// When the database fails.
pub async fn standing(pool: &PgPool) -> Result<Standing, StoreError> {
    let row = sqlx::query!(
        r#"SELECT count(DISTINCT address) AS "owed!",
                  count(*) AS "deliveries!",
                  min(owed_since) AS oldest
           FROM deliveries
           WHERE sent_at IS NULL
             AND cancelled_at IS NULL
             AND dead_at IS NULL"#
    )
    .fetch_one(pool)
    .await
    .map_err(during("reading how mail stands"))?;
    let (owed, deliveries) = (row.owed.unsigned_abs(), row.deliveries.unsigned_abs());
    Ok(Standing { owed, deliveries, oldest: row.oldest })
}
