//! A new keyword that finds a company which has left the file goes on with its history (design 3).

use chrono::{DateTime, Utc};
use sqlx::Connection as _;
use sqlx::postgres::PgConnection;

use crate::store::checks::claims::Claims;
use crate::store::companies::CompanyId;
use crate::store::companies::FORGOTTEN_AFTER;
use crate::store::error::{StoreError, during, unless_lost};

/// Those of these prefixes that companies bore when they left the file.
///
/// # Errors
/// When the database fails.
pub async fn left_with(claims: &mut Claims, prefixes: &[&str]) -> Result<Vec<String>, StoreError> {
    let prefixes: Vec<String> = prefixes.iter().map(|prefix| (*prefix).to_owned()).collect();
    sqlx::query_scalar!(
        r#"SELECT DISTINCT prefix AS "prefix!"
           FROM companies
           WHERE prefix = ANY ($1)
             AND left_at IS NOT NULL
             AND baseline_at IS NOT NULL"#,
        &prefixes
    )
    .fetch_all(claims.connection())
    .await
    .map_err(during("looking for companies that left"))
}

/// Gives the claimed company all that is remembered of the one that bore `prefix` when it left the file, if there is one:
/// the operator wrote another keyword for it. What was in doubt is dropped, and after more than 30 days away the next
/// answer is a new baseline, as when a company is put back. Says whether there was one.
///
/// # Errors
/// When the database fails: nothing is changed then.
pub async fn succeed(
    claims: &mut Claims,
    id: CompanyId,
    prefix: &str,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    unless_lost!(async {
        let doing = "going on with a company's history under another keyword";
        let mut tx = claims.connection().begin().await.map_err(during(doing))?;
        let old = sqlx::query!(
            r#"SELECT id, left_at AS "left_at!"
               FROM companies
               WHERE prefix = $1
                 AND id <> $2
                 AND left_at IS NOT NULL
                 AND baseline_at IS NOT NULL
               ORDER BY left_at DESC
               LIMIT 1
               FOR UPDATE"#,
            prefix,
            id.0
        )
        .fetch_optional(&mut *tx)
        .await
        .map_err(during(doing))?;
        let Some(old) = old else { return Ok(false) };
        move_history(&mut tx, old.id, id, prefix, now).await?;
        begin_anew(&mut tx, old.id).await?;
        tx.commit().await.map_err(during(doing))?;
        Ok(true)
    })
}

async fn move_history(
    connection: &mut PgConnection,
    old: i64,
    id: CompanyId,
    prefix: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let doing = "going on with a company's history under another keyword";
    let moved = sqlx::query!(
        "WITH doubt AS (DELETE FROM doubts WHERE company_id = $1),
              certificate AS (UPDATE certificates SET company_id = $2 WHERE company_id = $1),
              threshold AS (UPDATE told SET company_id = $2 WHERE company_id = $1),
              observation AS (UPDATE observations SET company_id = $2 WHERE company_id = $1),
              snooze AS (UPDATE snoozes SET company_id = $2 WHERE company_id = $1),
              renewal AS (UPDATE renewals SET company_id = $2 WHERE company_id = $1),
              event AS (UPDATE events SET company_id = $2 WHERE company_id = $1),
              standing AS (
                  UPDATE standings AS new
                  SET last_verified_at = old.last_verified_at
                  FROM standings AS old
                  WHERE new.company_id = $2
                    AND old.company_id = $1
              )
         UPDATE companies AS new
         SET prefix = $3,
             baseline_at = CASE WHEN old.left_at < $4 THEN NULL ELSE old.baseline_at END
         FROM companies AS old
         WHERE new.id = $2
           AND old.id = $1",
        old,
        id.0,
        prefix,
        now - FORGOTTEN_AFTER
    )
    .execute(connection)
    .await
    .map_err(during(doing))?;
    if moved.rows_affected() != 1 {
        return Err(StoreError::Rows { doing, expected: 1, touched: moved.rows_affected() });
    }
    Ok(())
}

/// Put back one day, the old keyword begins anew.
async fn begin_anew(connection: &mut PgConnection, old: i64) -> Result<(), StoreError> {
    let doing = "forgetting a company's history under its old keyword";
    sqlx::query!(
        "UPDATE standings
         SET last_asked_at = NULL,
             last_verified_at = NULL,
             times_again = 0
         WHERE company_id = $1",
        old
    )
    .execute(&mut *connection)
    .await
    .map_err(during(doing))?;
    sqlx::query!(
        "UPDATE companies
         SET prefix = NULL,
             prefix_is_pinned = false,
             baseline_at = NULL,
             page_digests = NULL,
             items_digest = NULL,
             digested_by = NULL
         WHERE id = $1",
        old
    )
    .execute(&mut *connection)
    .await
    .map_err(during(doing))?;
    Ok(())
}
