//! Who left the file gets no more news of it, and no news is lost by that (design 5).

use chrono::{DateTime, Utc};
use sqlx::Connection as _;

use crate::store::error::{StoreError, during, must_touch, unless_lost};
use crate::store::outbox::messages::Loose;
use crate::store::outbox::recipients::{Recipient, RecipientClaim};

/// Cancels deliveries of the claimed recipient, who no longer gets their company's news. Each comes with those who get it
/// now: whoever of them has no delivery of the event gets one, which says from whom it came. Gives who became owed something.
///
/// # Errors
/// When the database fails: nothing is changed then.
pub async fn readdress(
    claim: &mut RecipientClaim,
    cancelled: &[(&Loose, Vec<String>)],
    now: DateTime<Utc>,
) -> Result<Vec<Recipient>, StoreError> {
    unless_lost!(async {
        let doing = "re-addressing what is owed";
        let from = claim.recipient().clone();
        let mut tx = claim.connection().begin().await.map_err(during(doing))?;
        let ids: Vec<i64> = cancelled.iter().map(|(loose, _)| loose.id.0).collect();
        let done = sqlx::query!(
            "UPDATE deliveries
             SET cancelled_at = $2
             WHERE id = ANY ($1)
               AND message_id IS NULL
               AND cancelled_at IS NULL",
            &ids,
            now
        )
        .execute(&mut *tx)
        .await
        .map_err(during(doing))?;
        must_touch(doing, done.rows_affected(), ids.len())?;
        let (mut events, mut readers, mut since) = (Vec::new(), Vec::new(), Vec::new());
        for (loose, current) in cancelled {
            for reader in current {
                events.push(loose.event_id.0);
                readers.push(reader.clone());
                since.push(loose.owed_since);
            }
        }
        let rows = sqlx::query!(
            r#"INSERT INTO deliveries AS known (event_id, recipient, owed_since, readdressed_from)
               SELECT event_id, recipient, min(owed_since), $4
               FROM UNNEST($1::bigint[], $2::text[], $3::timestamptz[]) AS reader (event_id, recipient, owed_since)
               WHERE NOT EXISTS (
                   SELECT FROM deliveries
                   WHERE deliveries.event_id = reader.event_id
                     AND deliveries.address = lower(reader.recipient COLLATE "C")
                     AND deliveries.cancelled_at IS NULL
               )
               GROUP BY event_id, recipient
               -- Who had left and is back.
               ON CONFLICT (event_id, recipient) DO UPDATE
               SET cancelled_at = NULL,
                   -- A refusal of before they left says nothing of now.
                   refused_since = NULL,
                   readdressed_from = excluded.readdressed_from
               WHERE known.cancelled_at IS NOT NULL
               RETURNING address"#,
            &events,
            &readers,
            &since,
            from.as_str()
        )
        .fetch_all(&mut *tx)
        .await
        .map_err(during(doing))?;
        tx.commit().await.map_err(during(doing))?;
        Ok(rows.into_iter().map(|row| Recipient::new(&row.address)).collect())
    })
}

/// Why it is told that the claimed recipient cannot be reached: the causes of open troubles, their address or a message.
///
/// # Errors
/// When the database fails.
pub async fn undeliverable_causes(claim: &mut RecipientClaim) -> Result<Vec<String>, StoreError> {
    let recipient = claim.recipient().clone();
    sqlx::query_scalar!(
        "SELECT cause
         FROM troubles
         WHERE kind = 'email_undeliverable'
           AND resolved_at IS NULL
           AND (cause = $1 OR cause IN (SELECT 'delivery ' || id FROM deliveries WHERE address = $1))",
        recipient.as_str()
    )
    .fetch_all(claim.connection())
    .await
    .map_err(during("reading why a recipient cannot be reached"))
}
