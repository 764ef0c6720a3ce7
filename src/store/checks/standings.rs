//! How companies stand: who may be due, and what a lane knows of those it has claimed before it reads anything else.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::postgres::PgPool;

use super::claims::Claims;
use super::records::AnswerDigests;
use crate::domain::keyword::Keyword;
use crate::store::companies::CompanyId;
use crate::store::error::{StoreError, during};

/// A watched company that may be asked for: what decides whether it is due, and when its turn comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its row.
    pub id: CompanyId,
    /// As the provider is asked; as it is stored.
    pub keyword: String,
    /// Since when its line is in force.
    pub accepted_at: DateTime<Utc>,
    /// The last check that had its turn.
    pub last_asked_at: Option<DateTime<Utc>>,
    /// The last complete observation.
    pub last_verified_at: Option<DateTime<Utc>>,
    /// Failed, incomplete, empty, in doubt or disputed.
    pub owes_answer: bool,
    /// Something is in doubt: its check is a confirmation.
    pub in_doubt: bool,
    /// The first of the checks in a row that failed.
    pub failing_since: Option<DateTime<Utc>>,
    /// Its last call that brought no answer.
    pub tried_at: Option<DateTime<Utc>>,
    /// Calls that its whole answer takes, as far as known.
    pub pages: i16,
}

/// The watched companies that were not asked for since `before`, or never; all of them where it is `None`. In the order of
/// their rows.
///
/// # Errors
/// When the database fails.
pub async fn not_asked_since(
    pool: &PgPool,
    before: Option<DateTime<Utc>>,
) -> Result<Vec<Candidate>, StoreError> {
    sqlx::query_as!(
        Candidate,
        r#"SELECT id AS "id: CompanyId", keyword, accepted_at, last_asked_at, last_verified_at, owes_answer, failing_since,
                  tried_at, pages,
                  owes_answer AND EXISTS (
                      SELECT FROM doubts
                      WHERE doubts.company_id = companies.id
                        AND (looks > 0 OR counter_looks > 0)
                  ) AS "in_doubt!"
           FROM companies
           JOIN standings ON standings.company_id = companies.id
           WHERE left_at IS NULL
             AND ($1::timestamptz IS NULL OR last_asked_at IS NULL OR last_asked_at < $1)
           ORDER BY id"#,
        before
    )
    .fetch_all(pool)
    .await
    .map_err(during("reading who may be due"))
}

/// The watched companies with these keywords.
///
/// # Errors
/// When the database fails.
pub async fn named(pool: &PgPool, keywords: &[&Keyword]) -> Result<Vec<Candidate>, StoreError> {
    let keywords: Vec<String> = keywords.iter().map(|keyword| keyword.as_str().to_owned()).collect();
    sqlx::query_as!(
        Candidate,
        r#"SELECT id AS "id: CompanyId", keyword, accepted_at, last_asked_at, last_verified_at, owes_answer, failing_since,
                  tried_at, pages,
                  owes_answer AND EXISTS (
                      SELECT FROM doubts
                      WHERE doubts.company_id = companies.id
                        AND (looks > 0 OR counter_looks > 0)
                  ) AS "in_doubt!"
           FROM companies
           JOIN standings ON standings.company_id = companies.id
           WHERE left_at IS NULL
             AND keyword = ANY ($1)
           ORDER BY id"#,
        &keywords
    )
    .fetch_all(pool)
    .await
    .map_err(during("reading how the named companies stand"))
}

/// When a company was last verified, whichever.
///
/// # Errors
/// When the database fails.
pub async fn last_verified_at(pool: &PgPool) -> Result<Option<DateTime<Utc>>, StoreError> {
    sqlx::query_scalar!("SELECT max(last_verified_at) FROM standings")
        .fetch_one(pool)
        .await
        .map_err(during("reading when a company was last verified"))
}

/// A claimed company, as it stands under its lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// Its row.
    pub id: CompanyId,
    /// The last check that had its turn: another process may just have had it.
    pub last_asked_at: Option<DateTime<Utc>>,
    /// The last complete observation.
    pub last_verified_at: Option<DateTime<Utc>>,
    /// Its last call that brought no answer: another process may just have made it.
    pub tried_at: Option<DateTime<Utc>>,
    /// The first of the checks in a row that failed.
    pub failing_since: Option<DateTime<Utc>>,
    /// The first day on which one of its ends may be worth telling; `None`: none is foreseen.
    pub tell_on: Option<NaiveDate>,
    /// By what the same answer is known while it would change nothing; `None`: the next is to be read.
    pub digests: Option<AnswerDigests>,
}

/// How claimed companies stand, in the order of their rows.
///
/// # Errors
/// When the database fails.
pub async fn claimed(claims: &mut Claims, ids: &[CompanyId]) -> Result<Vec<Claimed>, StoreError> {
    let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let rows = sqlx::query!(
        "SELECT id, last_asked_at, last_verified_at, tried_at, failing_since, tell_on, page_digests, items_digest, digested_by
         FROM companies
         JOIN standings ON standings.company_id = companies.id
         WHERE id = ANY ($1)
         ORDER BY id",
        &ids
    )
    .fetch_all(claims.connection())
    .await
    .map_err(during("reading how claimed companies stand"))?;
    let claimed = rows.into_iter().map(|row| Claimed {
        id: CompanyId(row.id),
        last_asked_at: row.last_asked_at,
        last_verified_at: row.last_verified_at,
        tried_at: row.tried_at,
        failing_since: row.failing_since,
        tell_on: row.tell_on,
        digests: AnswerDigests::of_row(row.page_digests, row.items_digest, row.digested_by),
    });
    Ok(claimed.collect())
}
