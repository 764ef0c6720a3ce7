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
    /// Who became its reader, in small letters; `None`: it left.
    pub new_reader: Option<String>,
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
        r#"SELECT edits.id, company_id, new_reader,
                  left_at IS NOT NULL AS "has_left!",
                  EXISTS (
                      SELECT
                      FROM events
                      JOIN deliveries ON deliveries.event_id = events.id
                      WHERE events.company_id = edits.company_id
                        AND kind = 'briefing'
                        AND at >= $3
                        AND address = new_reader
                  ) AS "is_told!"
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
    let is_over = |has_left: bool, new_reader: Option<&str>, is_told: bool| match new_reader {
        None => !has_left,
        Some(_) => has_left || is_told,
    };
    let (over, rest): (Vec<_>, Vec<_>) =
        rows.into_iter().partition(|row| is_over(row.has_left, row.new_reader.as_deref(), row.is_told));
    if !over.is_empty() {
        let ids: Vec<i64> = over.iter().map(|row| row.id).collect();
        sqlx::query!("DELETE FROM edits WHERE id = ANY ($1)", &ids)
            .execute(pool)
            .await
            .map_err(during(doing))?;
    }
    let edits = rest.into_iter().map(|row| Edit {
        id: EditId(row.id),
        company: CompanyId(row.company_id),
        new_reader: row.new_reader,
    });
    Ok(edits.collect())
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
