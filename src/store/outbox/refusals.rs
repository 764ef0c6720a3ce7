//! Mail that was not taken: whose fault it was decides what ages (design 5).

use chrono::{DateTime, Utc};
use sqlx::Connection as _;
use sqlx::postgres::{PgConnection, PgPool};

use crate::store::asking::stops::What;
use crate::store::error::{StoreError, during, must_touch, unless_lost};
use crate::store::outbox::events::Recorded;
use crate::store::outbox::mailing::{DeliveryId, MessageRow};
use crate::store::outbox::recipients::{Recipient, RecipientClaim};
use crate::store::outbox::troubles::{self, Turn};

/// A recipient was refused.
#[derive(Debug, Clone, Copy)]
pub struct Refusal<'a> {
    /// What the server said, made inert.
    pub reply: &'a str,
    /// The instant.
    pub now: DateTime<Utc>,
    /// The daemon does not try again before; `None`: what is owed next is offered at once.
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// What has been refused since this instant or longer is given up: `now` gives up everything.
    pub dead_if_refused_since: DateTime<Utc>,
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
pub async fn refuse(claim: &mut RecipientClaim, refusal: &Refusal<'_>) -> Result<Refused, StoreError> {
    unless_lost!(refuse_once(claim, refusal))
}

async fn refuse_once(claim: &mut RecipientClaim, refusal: &Refusal<'_>) -> Result<Refused, StoreError> {
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
    let dead = give_up(&mut tx, &recipient, refusal).await?;
    note_attempt(&mut tx, &recipient, refusal.reply, refusal.next_attempt_at).await?;
    let turns = if dead > 0 { refusal.turns } else { &[] };
    let told = troubles::turn(&mut tx, &turns.iter().collect::<Vec<_>>()).await?;
    tx.commit().await.map_err(during(doing))?;
    Ok(Refused { dead, told })
}

async fn give_up(
    connection: &mut PgConnection,
    recipient: &Recipient,
    refusal: &Refusal<'_>,
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
        refusal.dead_if_refused_since
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
        refusal.dead_if_refused_since,
        &messages
    )
    .execute(connection)
    .await
    .map_err(during(doing))?;
    Ok(dead.rows_affected())
}

/// Notes that the claimed recipient's mail was not taken, though not by their fault: nothing ages.
///
/// # Errors
/// When the database fails.
pub async fn postpone(
    claim: &mut RecipientClaim,
    reply: &str,
    next_attempt_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let recipient = claim.recipient().clone();
    note_attempt(claim.connection(), &recipient, reply, Some(next_attempt_at)).await
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

/// What is refused for good while its recipient is not.
#[derive(Debug, Clone, Copy)]
pub enum Buried<'a> {
    /// A message that the server refused.
    Message(MessageRow),
    /// Deliveries of which no message can be made.
    Deliveries(&'a [DeliveryId]),
}

/// Makes a dead letter of what the claimed recipient was to get. Gives what operators are told. One transaction.
///
/// # Errors
/// When the database fails.
pub async fn bury(
    claim: &mut RecipientClaim,
    buried: Buried<'_>,
    reply: &str,
    turns: &[Turn],
    now: DateTime<Utc>,
) -> Result<Vec<Recorded>, StoreError> {
    unless_lost!(bury_once(claim, buried, reply, turns, now))
}

async fn bury_once(
    claim: &mut RecipientClaim,
    buried: Buried<'_>,
    reply: &str,
    turns: &[Turn],
    now: DateTime<Utc>,
) -> Result<Vec<Recorded>, StoreError> {
    let doing = "giving up a message";
    let mut tx = claim.connection().begin().await.map_err(during(doing))?;
    let (message, ids): (Option<i64>, Vec<i64>) = match buried {
        Buried::Message(row) => (Some(row.0), Vec::new()),
        Buried::Deliveries(ids) => (None, ids.iter().map(|id| id.0).collect()),
    };
    if message.is_some() {
        let done = sqlx::query!(
            "UPDATE messages
             SET dead_at = $2,
                 reply = $3
             WHERE id = $1
               AND sent_at IS NULL",
            message,
            now,
            reply
        )
        .execute(&mut *tx)
        .await
        .map_err(during(doing))?;
        must_touch(doing, done.rows_affected(), 1)?;
    }
    sqlx::query!(
        "UPDATE deliveries
         SET dead_at = $3,
             reply = $4
         WHERE (message_id = $1 OR id = ANY ($2))
           AND sent_at IS NULL
           AND cancelled_at IS NULL",
        message,
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
    unless_lost!(resume_once(pool, ended, turns, now))
}

async fn resume_once(
    pool: &PgPool,
    ended: &[What],
    turns: &[Turn],
    now: DateTime<Utc>,
) -> Result<Vec<Recorded>, StoreError> {
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
    }
    let told = troubles::turn(&mut tx, &turns.iter().collect::<Vec<_>>()).await?;
    tx.commit().await.map_err(during(doing))?;
    Ok(told)
}
