//! Mail that was not taken: whose fault it was decides what ages (design 5).

use chrono::{DateTime, Utc};
use sqlx::Connection as _;
use sqlx::postgres::{PgConnection, PgPool};

use crate::store::asking::stops::What;
use crate::store::error::{StoreError, during, unless_lost};
use crate::store::outbox::events::Recorded;
use crate::store::outbox::messages::DeliveryId;
use crate::store::outbox::recipients::{Recipient, RecipientClaim};
use crate::store::outbox::troubles::{self, Turn};

/// A recipient was refused.
#[derive(Debug, Clone, Copy)]
pub struct RecipientRefusal<'a> {
    /// What the server said, made inert.
    pub reply: &'a str,
    /// The instant.
    pub now: DateTime<Utc>,
    /// The daemon does not try again before, unless all is given up: what is owed next is then offered at once.
    pub next_attempt_at: DateTime<Utc>,
    /// What has been refused since this instant or longer is given up.
    pub dead_if_refused_since: DateTime<Utc>,
    /// The server calls the address unknown: all is given up if it has been called so since this instant or longer.
    pub dead_if_unknown_since: Option<DateTime<Utc>>,
    /// Others' mail was taken: an unknown address that never took mail is given up at once.
    pub others_were_taken: bool,
    /// What operators are told when something is given up.
    pub turns: &'a [Turn],
}

/// What became of a refusal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refused {
    /// Deliveries that were given up.
    pub dead: u64,
    /// What operators are told.
    pub told: Vec<Recorded>,
}

/// Notes that the claimed recipient was refused, and gives up what has been refused for too long. One transaction.
///
/// # Errors
/// When the database fails.
pub async fn refuse(
    claim: &mut RecipientClaim,
    refusal: &RecipientRefusal<'_>,
) -> Result<Refused, StoreError> {
    unless_lost!(async {
        let doing = "noting a refused recipient";
        let recipient = claim.recipient().clone();
        let mut tx = claim.connection().begin().await.map_err(during(doing))?;
        sqlx::query!(
            "UPDATE deliveries
             -- An instant that lies ahead of the clock counts as now.
             SET refused_since = LEAST(refused_since, $2)
             WHERE address = $1
               AND sent_at IS NULL
               AND cancelled_at IS NULL
               AND dead_at IS NULL",
            recipient.as_str(),
            refusal.now
        )
        .execute(&mut *tx)
        .await
        .map_err(during(doing))?;
        let next_attempt_at = Some(refusal.next_attempt_at);
        note_attempt(&mut tx, &recipient, refusal.reply, next_attempt_at).await?;
        let is_gone = is_gone(&mut tx, &recipient, refusal).await?;
        let dead_if_refused_since = if is_gone { refusal.now } else { refusal.dead_if_refused_since };
        let dead = give_up(&mut tx, &recipient, refusal, dead_if_refused_since).await?;
        let turns = if dead > 0 { refusal.turns } else { &[] };
        let told = troubles::turn(&mut tx, &turns.iter().collect::<Vec<_>>()).await?;
        tx.commit().await.map_err(during(doing))?;
        Ok(Refused { dead, told })
    })
}

/// Notes whether the address is called unknown, and since when. Gives whether that is final: at once only for an address that never
/// took mail, and while others do; a provider's directory may fail for hours (Gmail, December 2020).
async fn is_gone(
    connection: &mut PgConnection,
    recipient: &Recipient,
    refusal: &RecipientRefusal<'_>,
) -> Result<bool, StoreError> {
    let doing = "noting an unknown address";
    let unknown = refusal.dead_if_unknown_since.map(|_| refusal.now);
    let since = sqlx::query_scalar!(
        "UPDATE recipients
         -- Refused for another reason it is known. An instant that lies ahead of the clock counts as now.
         SET unknown_since = CASE WHEN $2::timestamptz IS NOT NULL THEN LEAST(unknown_since, $2) END
         WHERE address = $1
         RETURNING unknown_since",
        recipient.as_str(),
        unknown
    )
    .fetch_one(&mut *connection)
    .await
    .map_err(during(doing))?;
    let (Some(since), Some(limit)) = (since, refusal.dead_if_unknown_since) else { return Ok(false) };
    if since > limit && !refusal.others_were_taken {
        return Ok(false);
    }
    if since > limit {
        let has_taken_mail = sqlx::query_scalar!(
            r#"SELECT EXISTS (
                   SELECT FROM messages WHERE address = $1 AND sent_at IS NOT NULL
               ) AS "has_taken!""#,
            recipient.as_str()
        )
        .fetch_one(&mut *connection)
        .await
        .map_err(during(doing))?;
        if has_taken_mail {
            return Ok(false);
        }
    }
    sqlx::query!(
        "UPDATE recipients
         -- Once final it is so for what comes next, until a letter is taken or offered again by hand.
         SET next_attempt_at = NULL,
             unknown_since = LEAST(unknown_since, $2)
         WHERE address = $1",
        recipient.as_str(),
        limit
    )
    .execute(connection)
    .await
    .map_err(during(doing))?;
    Ok(true)
}

async fn give_up(
    connection: &mut PgConnection,
    recipient: &Recipient,
    refusal: &RecipientRefusal<'_>,
    dead_if_refused_since: DateTime<Utc>,
) -> Result<u64, StoreError> {
    let doing = "giving up what was refused for too long";
    // A message goes as a whole, with the delivery of it that was refused longest.
    let messages: Vec<i64> = sqlx::query_scalar!(
        "UPDATE messages
         SET dead_at = $2,
             reply = $3
         WHERE address = $1
           AND sent_at IS NULL
           AND dead_at IS NULL
           AND EXISTS (
               SELECT FROM deliveries
               WHERE deliveries.message_id = messages.id
                 AND refused_since <= $4
           )
         RETURNING id",
        recipient.as_str(),
        refusal.now,
        refusal.reply,
        dead_if_refused_since
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(during(doing))?;
    let dead = sqlx::query!(
        "UPDATE deliveries
         SET dead_at = $2,
             reply = $3
         WHERE address = $1
           AND sent_at IS NULL
           AND cancelled_at IS NULL
           AND dead_at IS NULL
           AND (message_id = ANY ($5) OR (message_id IS NULL AND refused_since <= $4))",
        recipient.as_str(),
        refusal.now,
        refusal.reply,
        dead_if_refused_since,
        &messages
    )
    .execute(connection)
    .await
    .map_err(during(doing))?;
    Ok(dead.rows_affected())
}

/// Notes that the claimed recipient's mail was not taken, though not by their fault: nothing ages. `None`: they need not wait,
/// but others come first.
///
/// # Errors
/// When the database fails.
pub async fn postpone(
    claim: &mut RecipientClaim,
    reply: &str,
    next_attempt_at: Option<DateTime<Utc>>,
) -> Result<(), StoreError> {
    let recipient = claim.recipient().clone();
    note_attempt(claim.connection(), &recipient, reply, next_attempt_at).await
}

/// Notes the same of a recipient who was refused as if the sender were at fault while mail for others was taken. One transaction.
///
/// # Errors
/// When the database fails.
pub async fn set_apart(
    claim: &mut RecipientClaim,
    reply: &str,
    next_attempt_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    unless_lost!(async {
        let doing = "setting a recipient apart";
        let recipient = claim.recipient().clone();
        let mut tx = claim.connection().begin().await.map_err(during(doing))?;
        note_attempt(&mut tx, &recipient, reply, Some(next_attempt_at)).await?;
        sqlx::query!("UPDATE recipients SET refused_apart = true WHERE address = $1", recipient.as_str())
            .execute(&mut *tx)
            .await
            .map_err(during(doing))?;
        tx.commit().await.map_err(during(doing))
    })
}

async fn note_attempt(
    connection: &mut PgConnection,
    recipient: &Recipient,
    reply: &str,
    next_attempt_at: Option<DateTime<Utc>>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO recipients AS known (address, attempts, next_attempt_at, last_reply)
         VALUES ($1, 1, $2, $3)
         ON CONFLICT (address) DO UPDATE
         SET attempts = known.attempts + 1,
             next_attempt_at = excluded.next_attempt_at,
             last_reply = excluded.last_reply",
        recipient.as_str(),
        next_attempt_at,
        reply
    )
    .execute(connection)
    .await
    .map_err(during("noting a failed attempt"))?;
    Ok(())
}

/// Makes dead letters of some deliveries of the claimed recipient: what no message can be made of, or whose message the server
/// refused. Gives what operators are told. One transaction.
///
/// # Errors
/// When the database fails.
pub async fn bury(
    claim: &mut RecipientClaim,
    deliveries: &[DeliveryId],
    reply: &str,
    turns: &[Turn],
    now: DateTime<Utc>,
) -> Result<Vec<Recorded>, StoreError> {
    unless_lost!(async {
        let doing = "giving up a message";
        let mut tx = claim.connection().begin().await.map_err(during(doing))?;
        let ids: Vec<i64> = deliveries.iter().map(|id| id.0).collect();
        sqlx::query!(
            "UPDATE deliveries
             SET dead_at = $2,
                 reply = $3
             WHERE id = ANY ($1)
               AND message_id IS NULL
               AND sent_at IS NULL
               AND cancelled_at IS NULL",
            &ids,
            now,
            reply
        )
        .execute(&mut *tx)
        .await
        .map_err(during(doing))?;
        let told = troubles::turn(&mut tx, &turns.iter().collect::<Vec<_>>()).await?;
        tx.commit().await.map_err(during(doing))?;
        Ok(told)
    })
}

/// Mail goes on: ends the stops, and moves on what ages by the time they lasted, for while sender or server is at fault
/// nothing ages. Gives what operators are told. One transaction.
///
/// # Errors
/// When the database fails.
pub async fn resume(
    pool: &PgPool,
    ended: &[What],
    turns: &[Turn],
    now: DateTime<Utc>,
) -> Result<Vec<Recorded>, StoreError> {
    unless_lost!(async {
        let doing = "going on with mail";
        let names: Vec<String> = ended.iter().map(|what| what.as_str().to_owned()).collect();
        let mut tx = pool.begin().await.map_err(during(doing))?;
        let since = sqlx::query_scalar!("DELETE FROM stops WHERE what = ANY ($1) RETURNING since", &names)
            .fetch_all(&mut *tx)
            .await
            .map_err(during(doing))?;
        if let Some(since) = since.into_iter().min() {
            sqlx::query!(
                "UPDATE deliveries
                 SET refused_since = refused_since + ($1 - LEAST(GREATEST(refused_since, $2), $1))
                 WHERE refused_since IS NOT NULL
                   AND sent_at IS NULL
                   AND cancelled_at IS NULL
                   AND dead_at IS NULL",
                now,
                since
            )
            .execute(&mut *tx)
            .await
            .map_err(during(doing))?;
            sqlx::query!(
                "UPDATE recipients
                 SET unknown_since = unknown_since + ($1 - LEAST(GREATEST(unknown_since, $2), $1))
                 WHERE unknown_since IS NOT NULL",
                now,
                since
            )
            .execute(&mut *tx)
            .await
            .map_err(during(doing))?;
        }
        let told = troubles::turn(&mut tx, &turns.iter().collect::<Vec<_>>()).await?;
        tx.commit().await.map_err(during(doing))?;
        Ok(told)
    })
}
