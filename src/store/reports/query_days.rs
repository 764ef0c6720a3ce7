//! How companies stand as a mail says it in one line: how much they hold, and when they were queried.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::postgres::PgPool;

use crate::store::error::{StoreError, during};

/// One company.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queried {
    /// As the provider is asked, as it is stored.
    pub keyword: String,
    /// The last complete observation; `None` also where none has ever shown anything.
    pub last_verified_at: Option<DateTime<Utc>>,
    /// Certificates that it holds and that are no history.
    pub certificates: i64,
    /// Its data shows something that nobody was told of, and that another query has yet to confirm.
    pub differs: bool,
}

/// How the companies with these keywords stand; one that was never stored is left out. What ended before `history_until` is
/// not counted.
///
/// # Errors
/// When the database fails.
pub async fn queried(
    pool: &PgPool,
    keywords: &[&str],
    history_until: NaiveDate,
) -> Result<Vec<Queried>, StoreError> {
    let keywords: Vec<String> = keywords.iter().map(|keyword| (*keyword).to_owned()).collect();
    sqlx::query_as!(
        Queried,
        r#"SELECT keyword,
                  -- Where nothing was ever found, silence proves nothing.
                  CASE WHEN baseline_at IS NOT NULL THEN last_verified_at END AS last_verified_at,
                  (SELECT count(DISTINCT number_key)
                   FROM certificates
                   WHERE company_id = companies.id
                     AND valid_to IS NULL
                     AND (last_day IS NULL OR last_day >= $2)) AS "certificates!",
                  EXISTS (
                      SELECT FROM doubts
                      WHERE company_id = companies.id
                        AND (counter_looks > 0 OR (looks > 0 AND told_as IS NULL))
                  ) AS "differs!"
           FROM companies
           JOIN standings ON standings.company_id = companies.id
           WHERE keyword = ANY ($1)"#,
        &keywords,
        history_until
    )
    .fetch_all(pool)
    .await
    .map_err(during("reading how the other companies stand"))
}
