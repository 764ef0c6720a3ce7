//! How all companies stand, without their certificates: `status` answers for a hundred thousand of them in a moment. Of each only
//! what decides when it is due is read; what is wrong with some, of those alone.

use chrono::{DateTime, Utc};
use futures_util::{Stream, StreamExt as _, TryStreamExt as _};
use sqlx::postgres::PgPool;

use crate::domain::health::Ailing;
use crate::domain::rhythm::LastAsked;
use crate::store::companies::{CompanyId, read_keyword, read_outcome};
use crate::store::error::{StoreError, during};

/// When one company was asked for and verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overview {
    /// As the provider is asked, as it is stored.
    pub keyword: String,
    /// What makes it due; `None`: it has left the file, as far as the daemon knows.
    pub asked: Option<LastAsked>,
    /// The last complete observation.
    pub last_verified_at: Option<DateTime<Utc>>,
    /// Since when its checks fail.
    pub failing_since: Option<DateTime<Utc>>,
    /// Its row, where something is wrong with it: its last check was neither complete nor empty, or it is disputed.
    pub ailing: Option<CompanyId>,
}

/// How every company stands that was ever in the file, one by one.
pub fn each_overview(pool: &PgPool) -> impl Stream<Item = Result<Overview, StoreError>> {
    let rows = sqlx::query!(
        r#"SELECT id AS "id: CompanyId", keyword, accepted_at, last_asked_at, tried_at, owes_answer, last_verified_at, failing_since,
                  left_at IS NULL AS "is_watched!",
                  (last_outcome NOT IN ('complete', 'empty') OR disputed_since IS NOT NULL) IS TRUE AS "is_ailing!"
           FROM companies
           JOIN standings ON standings.company_id = companies.id"#
    )
    .fetch(pool);
    rows.map(|row| {
        let row = row.map_err(during("reading how all companies stand"))?;
        let asked = LastAsked {
            accepted_at: row.accepted_at,
            last_asked_at: row.last_asked_at,
            tried_at: row.tried_at,
            owes_answer: row.owes_answer,
        };
        Ok(Overview {
            keyword: row.keyword,
            asked: row.is_watched.then_some(asked),
            last_verified_at: row.last_verified_at,
            failing_since: row.failing_since,
            ailing: row.is_ailing.then_some(row.id),
        })
    })
}

/// What is wrong with these companies ([`Overview::ailing`]).
///
/// # Errors
/// When the database fails or a stored keyword cannot be read.
pub async fn ailing(pool: &PgPool, ids: &[CompanyId]) -> Result<Vec<Ailing>, StoreError> {
    let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let rows = sqlx::query!(
        r#"SELECT id, keyword, last_outcome, last_code, last_reason, disputed_since IS NOT NULL AS "is_disputed!"
           FROM companies
           WHERE id = ANY ($1)"#,
        &ids
    )
    .fetch(pool);
    let ailing = rows.map(|row| {
        let row = row.map_err(during("reading which companies fail"))?;
        Ok(Ailing {
            keyword: read_keyword(&row.keyword, row.id)?,
            last_outcome: row.last_outcome.map(|text| read_outcome(&text, row.id)).transpose()?,
            last_code: row.last_code,
            last_reason: row.last_reason,
            is_disputed: row.is_disputed,
        })
    });
    ailing.try_collect().await
}

/// The keywords of the watched companies of which anything is in doubt.
///
/// # Errors
/// When the database fails.
pub async fn in_doubt(pool: &PgPool) -> Result<Vec<String>, StoreError> {
    sqlx::query_scalar!(
        "SELECT keyword
         FROM companies
         WHERE left_at IS NULL
           AND id IN (SELECT company_id FROM doubts WHERE looks > 0 OR counter_looks > 0)"
    )
    .fetch_all(pool)
    .await
    .map_err(during("reading which companies are in doubt"))
}
