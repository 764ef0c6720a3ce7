//! Dead letters: what was given up, and offering it again.

use chrono::{DateTime, Utc};
use sqlx::postgres::PgPool;

use crate::store::error::{StoreError, during};
use crate::store::outbox::events::EventId;

/// A message, or what would have become one, that was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Who did not get it.
    pub recipient: String,
    /// When it was given up.
    pub dead_at: DateTime<Utc>,
    /// How many events it tells.
    pub events: i64,
    /// Why, made inert.
    pub reply: Option<String>,
    /// The events that it tells.
    pub told: Vec<EventId>,
}

/// Every dead letter, the latest first.
///
/// # Errors
/// When the database fails.
pub async fn dead_letters(pool: &PgPool) -> Result<Vec<DeadLetter>, StoreError> {
    sqlx::query_as!(
        DeadLetter,
        r#"SELECT min(recipient) AS "recipient!", dead_at AS "dead_at!", count(*) AS "events!", max(reply) AS reply,
                  array_agg(event_id) AS "told!: Vec<EventId>"
           FROM deliveries
           WHERE dead_at IS NOT NULL
           GROUP BY address, dead_at, message_id
           ORDER BY dead_at DESC, address"#
    )
    .fetch_all(pool)
    .await
    .map_err(during("reading dead letters"))
}

/// Makes every dead letter owed again, and forgets the pauses of their recipients. A message whose DATA had begun is
/// repeated as it is, to an address that the file still `names` (in small letters): who has left it will not read it, and what
/// they were owed is free to go to others. Gives how many dead letters there were. One transaction.
///
/// # Errors
/// When the database fails.
pub async fn offer_again(pool: &PgPool, names: &[String]) -> Result<u64, StoreError> {
    let doing = "offering dead letters again";
    let mut tx = pool.begin().await.map_err(during(doing))?;
    let letters = sqlx::query_scalar!(
        r#"SELECT count(DISTINCT (address, dead_at, message_id)) AS "letters!"
           FROM deliveries
           WHERE dead_at IS NOT NULL"#
    )
    .fetch_one(&mut *tx)
    .await
    .map_err(during(doing))?;
    sqlx::query!(
        "DELETE FROM recipients
         WHERE address IN (SELECT address FROM deliveries WHERE dead_at IS NOT NULL)"
    )
    .execute(&mut *tx)
    .await
    .map_err(during(doing))?;
    sqlx::query!(
        "UPDATE deliveries
         SET message_id = NULL
         WHERE dead_at IS NOT NULL
           AND message_id IS NOT NULL
           AND NOT (address = ANY ($1))",
        names
    )
    .execute(&mut *tx)
    .await
    .map_err(during(doing))?;
    sqlx::query!(
        "UPDATE messages
         SET dead_at = NULL
         WHERE dead_at IS NOT NULL
           AND EXISTS (SELECT FROM deliveries WHERE deliveries.message_id = messages.id)"
    )
    .execute(&mut *tx)
    .await
    .map_err(during(doing))?;
    sqlx::query!(
        "UPDATE deliveries
         SET dead_at = NULL,
             refused_since = NULL,
             reply = NULL
         WHERE dead_at IS NOT NULL"
    )
    .execute(&mut *tx)
    .await
    .map_err(during(doing))?;
    tx.commit().await.map_err(during(doing))?;
    Ok(letters.unsigned_abs())
}
