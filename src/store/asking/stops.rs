//! What stands still for all daemons: asking (a refused key, a spent budget), the breaker's pause (design 2), mail and the
//! way to its server (design 5).

use chrono::{DateTime, Utc};
use sqlx::postgres::PgPool;

use crate::store::error::{StoreError, during};

/// What is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// Nobody asks: the provider, or our own limit, said so.
    Asking,
    /// The sweep pauses: too many companies in a row had no readable answer.
    Breaker,
    /// No mail is sent: the login or the sender is refused.
    Mail,
    /// The mail server is away, or busy: the daemons wait with growing pauses.
    Courier,
}

impl What {
    pub(in crate::store) fn as_str(self) -> &'static str {
        match self {
            Self::Asking => "asking",
            Self::Breaker => "breaker",
            Self::Mail => "mail",
            Self::Courier => "courier",
        }
    }
}

/// A stop as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stop {
    /// `quota`, `credential` or `transient`; for mail how far it had come: `connect`, `tls`, `auth`, `mail`, `rcpt`, `data`.
    pub class: String,
    /// The provider's or the mail server's code; `None` for our own limit, for the breaker and where no reply came.
    pub code: Option<i64>,
    /// Why, made inert.
    pub reason: String,
    /// What a person can do.
    pub advice: Option<String>,
    /// Since when.
    pub since: DateTime<Utc>,
    /// Probes made since.
    pub attempts: i32,
    /// When one probe is allowed; `None`: none, it ends by itself with the budget day.
    pub next_probe_at: Option<DateTime<Utc>>,
    /// Salt of the fingerprint.
    pub salt: Vec<u8>,
    /// Salted hash of what must change before another try makes sense: key and address, or server, login, password and
    /// sender.
    pub fingerprint: String,
}

/// The stop, where there is one.
///
/// # Errors
/// When the database fails.
pub async fn stop(pool: &PgPool, what: What) -> Result<Option<Stop>, StoreError> {
    sqlx::query_as!(
        Stop,
        "SELECT class, code, reason, advice, since, attempts, next_probe_at, salt, fingerprint
         FROM stops
         WHERE what = $1",
        what.as_str()
    )
    .fetch_optional(pool)
    .await
    .map_err(during("reading what is stopped"))
}

/// Stops, or goes on being stopped for what is known now. `since` stays that of the first stop of the same class.
///
/// # Errors
/// When the database fails.
pub async fn set(pool: &PgPool, what: What, stop: &Stop) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO stops AS known
             (what, class, code, reason, advice, since, attempts, next_probe_at, salt, fingerprint)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT (what) DO UPDATE
         SET class = excluded.class,
             code = excluded.code,
             reason = excluded.reason,
             advice = excluded.advice,
             since = CASE WHEN known.class = excluded.class THEN known.since ELSE excluded.since END,
             -- Only ever counted up, so that `take_probe` cannot mistake a later stop for the one it has seen.
             attempts = known.attempts + 1,
             next_probe_at = excluded.next_probe_at,
             salt = excluded.salt,
             fingerprint = excluded.fingerprint",
        what.as_str(),
        stop.class,
        stop.code,
        stop.reason,
        stop.advice,
        stop.since,
        stop.attempts,
        stop.next_probe_at,
        stop.salt,
        stop.fingerprint
    )
    .execute(pool)
    .await
    .map_err(during("storing what is stopped"))?;
    Ok(())
}

/// Takes the one probe that is allowed now: of several daemons exactly one gets it. `next` is when the one after it is.
///
/// # Errors
/// When the database fails.
pub async fn take_probe(
    pool: &PgPool,
    what: What,
    seen: &Stop,
    next: Option<DateTime<Utc>>,
    fingerprint: &str,
) -> Result<bool, StoreError> {
    let taken = sqlx::query!(
        "UPDATE stops
         SET attempts = attempts + 1,
             next_probe_at = $3,
             fingerprint = $4
         WHERE what = $1
           AND attempts = $2",
        what.as_str(),
        seen.attempts,
        next,
        fingerprint
    )
    .execute(pool)
    .await
    .map_err(during("taking a probe"))?;
    Ok(taken.rows_affected() == 1)
}

/// Goes on.
///
/// # Errors
/// When the database fails.
pub async fn clear(pool: &PgPool, what: What) -> Result<(), StoreError> {
    sqlx::query!("DELETE FROM stops WHERE what = $1", what.as_str())
        .execute(pool)
        .await
        .map_err(during("ending a stop"))?;
    Ok(())
}
