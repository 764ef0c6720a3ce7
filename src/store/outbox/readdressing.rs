//! Who left the file gets no more news of it, and no news is lost by that (design 5).

use chrono::{DateTime, Utc};
use sqlx::Connection as _;

use crate::store::error::{StoreError, during, must_touch, unless_lost};
use crate::store::outbox::mailing::Loose;
use crate::store::outbox::recipients::{Recipient, RecipientClaim};

/// Cancels deliveries of the claimed recipient, who no longer gets their company's news. Each comes with those who get it
/// now: where none of them has a delivery of the event, all of them get one. Gives who became owed something.
///
/// # Errors
/// When the database fails: nothing is changed then.
pub async fn readdress(
    claim: &mut RecipientClaim,
    cancelled: &[(&Loose, Vec<String>)],
    now: DateTime<Utc>,
) -> Result<Vec<Recipient>, StoreError> {
    unless_lost!(readdress_once(claim, cancelled, now))
}

async fn readdress_once(
    claim: &mut RecipientClaim,
    cancelled: &[(&Loose, Vec<String>)],
    now: DateTime<Utc>,
) -> Result<Vec<Recipient>, StoreError> {
    let doing = "re-addressing what is owed";
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
        r#"WITH reader AS (
               SELECT *, lower(recipient COLLATE "C") AS address
               FROM UNNEST($1::bigint[], $2::text[], $3::timestamptz[]) AS reader (event_id, recipient, owed_since)
           )
           INSERT INTO deliveries AS known (event_id, recipient, owed_since)
           SELECT event_id, recipient, min(owed_since)
           FROM reader
           WHERE NOT EXISTS (
               SELECT FROM deliveries
               JOIN reader AS other ON other.event_id = deliveries.event_id AND other.address = deliveries.address
               WHERE deliveries.event_id = reader.event_id
                 AND deliveries.cancelled_at IS NULL
           )
           GROUP BY event_id, recipient
           -- Who had left and is back.
           ON CONFLICT (event_id, recipient) DO UPDATE
           SET cancelled_at = NULL
           WHERE known.cancelled_at IS NOT NULL
           RETURNING address"#,
        &events,
        &readers,
        &since
    )
    .fetch_all(&mut *tx)
    .await
    .map_err(during(doing))?;
    tx.commit().await.map_err(during(doing))?;
    Ok(rows.into_iter().map(|row| Recipient::new(&row.address)).collect())
}
