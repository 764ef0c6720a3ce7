//! What an edit of a watchlist means for people, until they are told: who became a reader of a company that is watched already,
//! and which companies nobody watches any more (design 4: `briefing`, `watchlist_changed`).

use chrono::{DateTime, Utc};
use sqlx::postgres::PgPool;

use super::CompanyId;
use crate::store::error::{StoreError, during};
use crate::store::outbox::events::{self, Owed};

/// So many edits are told at once.
const TOLD_MAX: i64 = 5_000;

/// An edit that is still to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// Its row.
    pub id: EditId,
    /// The company it concerns.
    pub company: CompanyId,
    /// What it is.
    pub what: Edited,
}

/// What an edit means for one company. Addresses are in small letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edited {
    /// It left.
    Left,
    /// Who became its reader.
    NewReader(String),
    /// Who is its reader no more.
    LostReader(String),
}

/// An edit's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EditId(i64);

/// The oldest edits of this watchlist that are still to be told. A company that is back, or a reader who was told of what is
/// open on that day already, is no longer to be told.
///
/// # Errors
/// When the database fails.
pub async fn untold(
    pool: &PgPool,
    watchlist: &str,
    day_began: DateTime<Utc>,
) -> Result<Vec<Edit>, StoreError> {
    let doing = "reading which edits are to be told";
    let rows = sqlx::query!(
        r#"SELECT edits.id, company_id, new_reader, lost_reader,
                  left_at IS NOT NULL AS "has_left!",
                  EXISTS (
                      SELECT
                      FROM events
                      JOIN deliveries ON deliveries.event_id = events.id
                      WHERE events.company_id = edits.company_id
                        AND kind = 'briefing'
                        AND at >= $3
                        AND address = new_reader
                  ) AS "is_told!",
                  EXISTS (
                      SELECT
                      FROM listings
                      WHERE listings.watchlist = edits.watchlist
                        AND listings.company_id = edits.company_id
                        AND lost_reader = ANY (readers)
                  ) AS "reads_again!"
           FROM edits
           JOIN companies ON companies.id = company_id
           WHERE watchlist = $1
           ORDER BY edits.id
           LIMIT $2"#,
        watchlist,
        TOLD_MAX,
        day_began
    )
    .fetch_all(pool)
    .await
    .map_err(during(doing))?;
    let (mut over, mut edits) = (Vec::new(), Vec::new());
    for row in rows {
        let (what, is_over) = match (row.new_reader, row.lost_reader) {
            (Some(reader), _) => (Edited::NewReader(reader), row.has_left || row.is_told),
            (None, Some(reader)) => (Edited::LostReader(reader), row.has_left || row.reads_again),
            (None, None) => (Edited::Left, !row.has_left),
        };
        if is_over {
            over.push(row.id);
        } else {
            edits.push(Edit { id: EditId(row.id), company: CompanyId(row.company_id), what });
        }
    }
    if !over.is_empty() {
        sqlx::query!("DELETE FROM edits WHERE id = ANY ($1)", &over)
            .execute(pool)
            .await
            .map_err(during(doing))?;
    }
    Ok(edits)
}

/// Notes what the schedule of the file needs; gives what it needed before, where that is known.
///
/// # Errors
/// When the database fails.
pub async fn note_calls_per_day(
    pool: &PgPool,
    watchlist: &str,
    calls: u64,
) -> Result<Option<u64>, StoreError> {
    let before = sqlx::query_scalar!(
        r#"WITH before AS (
               SELECT watchlist, calls_per_day FROM watchlists WHERE watchlist = $1 FOR UPDATE
           )
           UPDATE watchlists
           SET calls_per_day = $2
           FROM before
           WHERE watchlists.watchlist = before.watchlist
           RETURNING before.calls_per_day"#,
        watchlist,
        i64::try_from(calls).unwrap_or(i64::MAX)
    )
    .fetch_optional(pool)
    .await
    .map_err(during("noting what the watchlist costs"))?;
    Ok(before.flatten().map(i64::unsigned_abs))
}

/// Owes what these edits mean, unless another process has told one of them meanwhile: then nothing is stored, and they are to be
/// read anew. One transaction.
///
/// # Errors
/// When the database fails: nothing is stored then.
pub async fn tell(pool: &PgPool, told: &[EditId], owed: &[Owed]) -> Result<EditsTold, StoreError> {
    let doing = "telling what an edit of the watchlist means";
    let mut tx = pool.begin().await.map_err(during(doing))?;
    let ids: Vec<i64> = told.iter().map(|id| id.0).collect();
    let removed = sqlx::query!("DELETE FROM edits WHERE id = ANY ($1)", &ids)
        .execute(&mut *tx)
        .await
        .map_err(during(doing))?;
    if removed.rows_affected() != ids.len() as u64 {
        return Ok(EditsTold::ByAnother);
    }
    events::owe(&mut tx, &owed.iter().collect::<Vec<_>>()).await?;
    tx.commit().await.map_err(during(doing))?;
    Ok(EditsTold::Now)
}

/// Who told edits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EditsTold {
    /// We did.
    Now,
    /// Another process did some of them.
    ByAnother,
}
