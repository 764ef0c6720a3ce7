//! Dead letters: what was given up, and offering it again.

use chrono::{DateTime, Utc};
use sqlx::postgres::PgPool;

use crate::store::error::{StoreError, during};

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
}

/// Every dead letter, the latest first.
///
/// # Errors
/// When the database fails.
pub async fn dead_letters(pool: &PgPool) -> Result<Vec<DeadLetter>, StoreError> {
    sqlx::query_as!(
        DeadLetter,
        r#"SELECT min(recipient) AS "recipient!", dead_at AS "dead_at!", count(*) AS "events!", max(reply) AS reply
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
/// repeated as it is. Gives how many dead letters there were. One transaction.
///
/// # Errors
/// When the database fails.
pub async fn offer_again(pool: &PgPool) -> Result<u64, StoreError> {
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
    sqlx::query!("UPDATE messages SET dead_at = NULL WHERE dead_at IS NOT NULL")
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
