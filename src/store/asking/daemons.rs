//! Which daemons live on this database. Nothing is decided by these rows: who does a piece of work is decided by locks.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::postgres::PgPool;

use crate::domain::health::KnownDaemon;
use crate::domain::rhythm::SET_BACK_MAX;
use crate::store::error::{StoreError, during};

/// One that was killed is shown for so long.
const KILLED_SHOWN_FOR: TimeDelta = TimeDelta::days(1);

/// A daemon has started: those that were killed long ago, or looked by a clock that was ahead, are forgotten.
///
/// # Errors
/// When the database fails.
pub async fn forget_killed(pool: &PgPool, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        "DELETE FROM daemons WHERE last_look NOT BETWEEN $1 AND $2",
        now - KILLED_SHOWN_FOR,
        now + SET_BACK_MAX
    )
    .execute(pool)
    .await
    .map_err(during("forgetting daemons that were killed"))?;
    Ok(())
}

/// The daemon with this id looks, now.
///
/// # Errors
/// When the database fails.
pub async fn note_look(pool: &PgPool, id: &str, daemon: &KnownDaemon) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO daemons (id, since, last_look, version)
         VALUES ($1, $2, $3, $4)
         ON CONFLICT (id) DO UPDATE
         SET last_look = excluded.last_look",
        id,
        daemon.since,
        daemon.last_look,
        daemon.version
    )
    .execute(pool)
    .await
    .map_err(during("noting that the daemon lives"))?;
    Ok(())
}

/// The daemon with this id has ended.
///
/// # Errors
/// When the database fails.
pub async fn note_end(pool: &PgPool, id: &str) -> Result<(), StoreError> {
    sqlx::query!("DELETE FROM daemons WHERE id = $1", id)
        .execute(pool)
        .await
        .map_err(during("noting that the daemon has ended"))?;
    Ok(())
}

/// All that live, and those that were killed within a day, by their start.
///
/// # Errors
/// When the database fails.
pub async fn all(pool: &PgPool) -> Result<Vec<KnownDaemon>, StoreError> {
    sqlx::query_as!(KnownDaemon, "SELECT since, last_look, version FROM daemons ORDER BY since, id")
        .fetch_all(pool)
        .await
        .map_err(during("reading which daemons live"))
}
