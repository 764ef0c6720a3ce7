//! How all companies stand, without their certificates: `status` answers for a hundred thousand of them in a moment.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use futures_util::{StreamExt as _, TryStreamExt as _};
use sqlx::postgres::PgPool;
use sqlx::types::Json;

use crate::domain::holding::Holding;
use crate::domain::keyword::Keyword;
use crate::domain::outcome::Outcome;
use crate::domain::rhythm::Asked;
use crate::domain::snapshot::{Held, Snapshot};
use crate::store::checks::records;
use crate::store::companies::{CompanyId, read_keyword, read_outcome};
use crate::store::error::{StoreError, during};

/// How one company stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overview {
    /// Its row.
    pub id: CompanyId,
    /// As the provider is asked.
    pub keyword: Keyword,
    /// What makes it due; `None`: it has left the file, as far as the daemon knows.
    pub asked: Option<Asked>,
    /// The last complete observation.
    pub last_verified_at: Option<DateTime<Utc>>,
    /// How the last check ended.
    pub last_outcome: Option<Outcome>,
    /// The provider's code of the last check that failed, where it gave one.
    pub last_code: Option<i64>,
    /// Why the last check failed, made inert.
    pub last_reason: Option<String>,
    /// Whether it cannot be said that the answers are this company's.
    pub is_disputed: bool,
    /// Whether anything of it is in doubt.
    pub is_in_doubt: bool,
}

/// How every company stands that was ever in the file.
///
/// # Errors
/// When the database fails or a stored keyword cannot be read.
pub async fn overviews(pool: &PgPool) -> Result<Vec<Overview>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT id, keyword, accepted_at, last_asked_at, owes_answer, last_verified_at, last_outcome, last_code, last_reason,
                  left_at IS NULL AS "is_watched!",
                  disputed_since IS NOT NULL AS "is_disputed!",
                  EXISTS (
                      SELECT FROM doubts
                      WHERE doubts.company_id = companies.id
                        AND (looks > 0 OR counter_looks > 0)
                  ) AS "is_in_doubt!"
           FROM companies
           JOIN standings ON standings.company_id = companies.id"#
    )
    .fetch(pool);
    let overviews = rows.map(|row| {
        let row = row.map_err(during("reading how all companies stand"))?;
        let asked = Asked {
            accepted_at: row.accepted_at,
            last_asked_at: row.last_asked_at,
            owes_answer: row.owes_answer,
        };
        Ok(Overview {
            id: CompanyId(row.id),
            keyword: read_keyword(&row.keyword, row.id)?,
            asked: row.is_watched.then_some(asked),
            last_verified_at: row.last_verified_at,
            last_outcome: row.last_outcome.map(|text| read_outcome(&text, row.id)).transpose()?,
            last_code: row.last_code,
            last_reason: row.last_reason,
            is_disputed: row.is_disputed,
            is_in_doubt: row.is_in_doubt,
        })
    });
    overviews.try_collect().await
}

/// What the companies hold of which something ends from `first` to `last`, both included, and what is in doubt of it: all
/// that certificates are made of, and no more. What they once held is left out.
///
/// # Errors
/// When the database fails or a row cannot be read.
pub async fn snapshots_ending_between(
    pool: &PgPool,
    first: NaiveDate,
    last: NaiveDate,
) -> Result<HashMap<CompanyId, Snapshot>, StoreError> {
    let doing = "reading what ends soon";
    let mut connection = pool.acquire().await.map_err(during(doing))?;
    let mut companies: HashMap<i64, Snapshot> = HashMap::new();
    // One statement, read as it is found: the server goes on looking while we read.
    let mut rows = sqlx::query!(
        r#"SELECT company_id, holding AS "holding: Json<Holding>", since, unlisted_since
           FROM holdings
           WHERE valid_to IS NULL
             AND company_id IN (
                     SELECT company_id
                     FROM holdings
                     WHERE valid_to IS NULL
                       AND last_day BETWEEN $1 AND $2
                 )"#,
        first,
        last
    )
    .fetch(&mut *connection);
    while let Some(row) = rows.try_next().await.map_err(during(doing))? {
        let holding = row.holding.0;
        let held = &mut companies.entry(row.company_id).or_default().held;
        let key = holding.key();
        held.insert(key, Held { holding, since: row.since, unlisted_since: row.unlisted_since });
    }
    drop(rows);
    let ids: Vec<i64> = companies.keys().copied().collect();
    for (id, doubts) in records::load_doubts(&mut connection, &ids).await? {
        companies.entry(id).or_default().doubts = doubts;
    }
    Ok(companies.into_iter().map(|(id, snapshot)| (CompanyId(id), snapshot)).collect())
}
