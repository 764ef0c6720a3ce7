//! What was established in the past: every version of a certificate is kept for ever.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::postgres::PgPool;

use crate::domain::snapshot::Snapshot;
use crate::store::checks::certificates;
use crate::store::error::{StoreError, during};
use crate::store::reports::snapshots::Established;

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
    let doing = "reading what was held";
    let mut connection = pool.acquire().await.map_err(during(doing))?;
    let mut held = certificates::held_before(&mut connection, &ids, end).await?;
    drop(connection);
    let verified = verified(pool, &ids, end).await?;
    let past = |company: Established| Established {
        snapshot: Snapshot { held: held.remove(&company.id.0).unwrap_or_default(), ..Snapshot::default() },
        last_verified_at: verified.get(&company.id.0).copied(),
        ..company
    };
    Ok(companies.into_iter().map(past).collect())
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
