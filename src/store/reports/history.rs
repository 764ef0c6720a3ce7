//! What was established in the past: every version of a holding is kept for ever.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::postgres::PgPool;
use sqlx::types::Json;

use crate::domain::holding::Holding;
use crate::domain::snapshot::{Held, Snapshot};
use crate::store::error::{StoreError, during};
use crate::store::reports::established::Established;

/// The companies as they were established just before `end`, without the doubts of that time, which are not kept. When a
/// company was last verified is given only where it is known exactly.
///
/// # Errors
/// When the database fails.
pub async fn as_of(
    pool: &PgPool,
    companies: Vec<Established>,
    end: DateTime<Utc>,
) -> Result<Vec<Established>, StoreError> {
    let ids: Vec<i64> = companies.iter().map(|company| company.id.0).collect();
    let mut snapshots = snapshots(pool, &ids, end).await?;
    let verified = verified(pool, &ids, end).await?;
    let past = |company: Established| Established {
        snapshot: snapshots.remove(&company.id.0).unwrap_or_default(),
        last_verified_at: verified.get(&company.id.0).copied(),
        ..company
    };
    Ok(companies.into_iter().map(past).collect())
}

async fn snapshots(
    pool: &PgPool,
    ids: &[i64],
    end: DateTime<Utc>,
) -> Result<HashMap<i64, Snapshot>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT company_id, holding AS "holding: Json<Holding>", since, unlisted_since
           FROM holdings
           WHERE company_id = ANY ($1)
             AND valid_from < $2
             AND (valid_to IS NULL OR valid_to >= $2)"#,
        ids,
        end
    )
    .fetch_all(pool)
    .await
    .map_err(during("reading what was held"))?;
    let mut snapshots: HashMap<i64, Snapshot> = HashMap::new();
    for row in rows {
        let holding = row.holding.0;
        let held = Held { holding, since: row.since, unlisted_since: row.unlisted_since };
        snapshots.entry(row.company_id).or_default().held.insert(held.holding.key(), held);
    }
    Ok(snapshots)
}

/// The last complete answer before `end`, of companies of which it is known: one answer that came again and again is kept
/// with its first and its last day only.
async fn verified(
    pool: &PgPool,
    ids: &[i64],
    end: DateTime<Utc>,
) -> Result<HashMap<i64, DateTime<Utc>>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT company_id AS "company_id!", max(last_seen_at) AS "last_seen_at!"
           FROM answers
           WHERE company_id = ANY ($1)
             AND outcome = 'complete'
             AND first_seen_at < $2
           GROUP BY company_id
           HAVING max(last_seen_at) < $2"#,
        ids,
        end
    )
    .fetch_all(pool)
    .await
    .map_err(during("reading when companies were verified"))?;
    Ok(rows.into_iter().map(|row| (row.company_id, row.last_seen_at)).collect())
}
