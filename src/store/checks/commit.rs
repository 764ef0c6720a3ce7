//! What came of checks, stored: answer, snapshot, doubts, what was judged, events and deliveries of a company in one
//! transaction, together with those of its batch. Where one of them cannot be stored it is left out alone.

use chrono::{DateTime, Utc};
use sqlx::Connection as _;
use sqlx::postgres::{PgConnection, PgPool};

use super::certificates::{self, SnapshotChange};
use super::claims::Claims;
use super::records::Record;
use super::rows;
pub use super::rows::StoredAnswer;
use crate::domain::judge::Told;
use crate::store::companies::CompanyId;
use crate::store::error::{StoreError, during, must_touch, unless_lost};
use crate::store::outbox::events::{self, EventId, Owed};
use crate::store::outbox::troubles::{self, Turn};

/// Everything one check or one judging of a company changes.
#[derive(Debug, Clone)]
pub struct Checked<'a> {
    /// The instant of the check.
    pub now: DateTime<Utc>,
    /// The company as it was read under its lock.
    pub before: &'a Record,
    /// The company as it is now.
    pub after: &'a Record,
    /// The answer, where one came.
    pub answer: Option<StoredAnswer<'a>>,
    /// What counts as told from now on.
    pub told: &'a [Told],
    /// What readers are owed.
    pub events: &'a [Owed],
    /// What of the company troubles the operators, or no longer does.
    pub troubles: &'a [Turn],
}

/// Whether a company that failed had its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TurnIs {
    /// It is asked no more for what made it due.
    Over,
    /// It stays due: one more try at the end of the sweep, or when asking goes on.
    Open,
}

/// A check without an answer that could be compared.
#[derive(Debug, Clone)]
pub struct Failed<'a> {
    /// Whose.
    pub company: CompanyId,
    /// When.
    pub now: DateTime<Utc>,
    /// The answer as it came; its outcome is how the check went.
    pub answer: StoredAnswer<'a>,
    /// The provider's code, where it gave one.
    pub code: Option<i64>,
    /// Why, made inert.
    pub reason: Option<&'a str>,
    /// Whether it had its turn.
    pub turn: TurnIs,
    /// 1; 0 for the second try of a turn whose first is counted already, and where the pages could not be paid.
    pub checks: i32,
    /// Calls that its whole answer takes, where that was found out, and could not be paid.
    pub pages: Option<i16>,
    /// What of the company troubles the operators, or no longer does.
    pub troubles: &'a [Turn],
}

/// What came of some companies, all claimed on one connection.
#[derive(Debug, Default)]
pub struct Batch<'a> {
    /// Those whose last complete answer came again, and when.
    pub verified: Vec<(CompanyId, DateTime<Utc>)>,
    /// Those that failed.
    pub failed: Vec<Failed<'a>>,
    /// Those that were compared or judged.
    pub checked: Vec<Checked<'a>>,
}

/// What was stored.
#[derive(Debug, Default)]
pub struct Committed {
    /// What readers and operators are told.
    pub told: Vec<EventId>,
    /// The companies of which nothing was stored, and why.
    pub refused: Vec<(CompanyId, StoreError)>,
}

/// Stores a batch in one transaction. `claims` is the connection that holds the companies' locks: when it has gone, so have
/// the locks, and nothing can be written.
///
/// # Errors
/// When the database fails: nothing of the batch is stored then.
pub async fn commit(claims: &mut Claims, batch: &Batch<'_>) -> Result<Committed, StoreError> {
    unless_lost!(async {
        let connection = claims.connection();
        if batch.failed.is_empty() && batch.checked.is_empty() {
            // One statement is a transaction by itself.
            mark_verified(connection, &batch.verified).await?;
            return Ok(Committed::default());
        }
        let mut tx = connection.begin().await.map_err(during("beginning to store checks"))?;
        mark_verified(&mut tx, &batch.verified).await?;
        let mut committed = Committed::default();
        match in_savepoint(&mut tx, &batch.failed, &batch.checked).await {
            Ok(told) => committed.told = told,
            Err(error) if error.is_of_the_database() || error.is_of_a_lost_transaction() => {
                return Err(error);
            }
            Err(error) => one_by_one(&mut tx, batch, error, &mut committed).await?,
        }
        tx.commit().await.map_err(during("committing checks"))?;
        Ok(committed)
    })
}

/// After the whole batch has failed: who is to blame fails alone.
async fn one_by_one(
    connection: &mut PgConnection,
    batch: &Batch<'_>,
    error: StoreError,
    committed: &mut Committed,
) -> Result<(), StoreError> {
    let failed = batch.failed.iter().map(|failed| (failed.company, std::slice::from_ref(failed), &[][..]));
    let checked =
        batch.checked.iter().map(|checked| (checked.before.id, &[][..], std::slice::from_ref(checked)));
    let companies: Vec<(CompanyId, &[Failed<'_>], &[Checked<'_>])> = failed.chain(checked).collect();
    if let [(company, ..)] = companies.as_slice() {
        committed.refused.push((*company, error));
        return Ok(());
    }
    for (company, failed, checked) in companies {
        match in_savepoint(connection, failed, checked).await {
            Ok(told) => committed.told.extend(told),
            Err(error) if error.is_of_the_database() || error.is_of_a_lost_transaction() => {
                return Err(error);
            }
            Err(error) => committed.refused.push((company, error)),
        }
    }
    Ok(())
}

async fn in_savepoint(
    connection: &mut PgConnection,
    failed: &[Failed<'_>],
    checked: &[Checked<'_>],
) -> Result<Vec<EventId>, StoreError> {
    let doing = "storing checks";
    let mut savepoint = connection.begin().await.map_err(during(doing))?;
    match write_all(&mut savepoint, failed, checked).await {
        Ok(told) => savepoint.commit().await.map_err(during(doing)).map(|()| told),
        Err(error) => {
            savepoint.rollback().await.map_err(during(doing))?;
            Err(error)
        }
    }
}

async fn write_all(
    connection: &mut PgConnection,
    failed: &[Failed<'_>],
    checked: &[Checked<'_>],
) -> Result<Vec<EventId>, StoreError> {
    let mut ids: Vec<CompanyId> = failed.iter().map(|failed| failed.company).collect();
    ids.extend(checked.iter().map(|checked| checked.before.id));
    rows::settle_answers(connection, &ids).await?;
    write_failed(connection, failed).await?;
    write_checked(connection, checked).await?;
    let mut came: Vec<_> = failed.iter().map(|failed| (failed.company, failed.answer, failed.now)).collect();
    came.extend(checked.iter().filter_map(|checked| Some((checked.before.id, checked.answer?, checked.now))));
    rows::answers(connection, &came).await?;
    let mut owed: Vec<&Owed> = Vec::new();
    let mut turns: Vec<&Turn> = failed.iter().flat_map(|failed| failed.troubles).collect();
    for check in checked {
        owed.extend(check.events);
        turns.extend(check.troubles);
    }
    let mut told = events::owe(connection, &owed).await?;
    told.extend(troubles::turn(connection, &turns).await?.into_iter().map(|recorded| recorded.id));
    Ok(told)
}

async fn write_checked(connection: &mut PgConnection, checked: &[Checked<'_>]) -> Result<(), StoreError> {
    if checked.is_empty() {
        return Ok(());
    }
    let after: Vec<&Record> = checked.iter().map(|check| check.after).collect();
    let before: Vec<&Record> = checked.iter().map(|check| check.before).collect();
    rows::companies(connection, &before, &after).await?;
    rows::standings(connection, &after).await?;
    let changes: Vec<SnapshotChange<'_>> = checked
        .iter()
        .map(|check| SnapshotChange {
            company: check.before.id,
            before: &check.before.snapshot,
            after: &check.after.snapshot,
            now: check.now,
        })
        .collect();
    certificates::change(connection, &changes).await?;
    let doubted = checked.iter().filter(|check| check.before.snapshot.doubts != check.after.snapshot.doubts);
    let doubted: Vec<_> = doubted.map(|check| (check.before.id, &check.after.snapshot)).collect();
    rows::doubts(connection, &doubted).await?;
    let told: Vec<_> =
        checked.iter().flat_map(|check| check.told.iter().map(|told| (check.before.id, told))).collect();
    rows::told(connection, &told).await
}

/// Companies whose last complete answer came again: no index is touched, nothing else is known to have changed.
async fn mark_verified(
    connection: &mut PgConnection,
    verified: &[(CompanyId, DateTime<Utc>)],
) -> Result<(), StoreError> {
    if verified.is_empty() {
        return Ok(());
    }
    let doing = "marking verified companies";
    let ids: Vec<i64> = verified.iter().map(|(id, _)| id.0).collect();
    let at: Vec<DateTime<Utc>> = verified.iter().map(|(_, at)| *at).collect();
    let done = sqlx::query!(
        "UPDATE standings
         SET last_asked_at = verified.at,
             last_verified_at = verified.at,
             times_again = times_again + 1
         FROM UNNEST($1::bigint[], $2::timestamptz[]) AS verified (company_id, at)
         WHERE standings.company_id = verified.company_id",
        &ids,
        &at
    )
    .execute(connection)
    .await
    .map_err(during(doing))?;
    must_touch(doing, done.rows_affected(), verified.len())
}

/// What failed is recorded as failed, and the next answer is read, whatever its bytes.
async fn write_failed(connection: &mut PgConnection, failed: &[Failed<'_>]) -> Result<(), StoreError> {
    if failed.is_empty() {
        return Ok(());
    }
    let doing = "storing failed checks";
    let ids: Vec<i64> = failed.iter().map(|failed| failed.company.0).collect();
    let at: Vec<DateTime<Utc>> = failed.iter().map(|failed| failed.now).collect();
    let done = sqlx::query!(
        "UPDATE companies
         -- Who has more pages than could be paid does not fail, and owes no more than before: its turn is still to come, and it is
         -- the first in line when they can be.
         SET tried_at = CASE WHEN failed.pages IS NULL THEN failed.at ELSE companies.tried_at END,
             owes_answer = companies.owes_answer OR failed.pages IS NULL,
             last_outcome = failed.outcome,
             last_code = failed.code,
             last_reason = failed.reason,
             failing_since = CASE
                 WHEN failed.pages IS NULL THEN coalesce(companies.failing_since, failed.at)
                 ELSE companies.failing_since
             END,
             failing_checks = companies.failing_checks + failed.checks,
             disputed_since = CASE
                 WHEN failed.outcome = 'disputed' THEN coalesce(companies.disputed_since, failed.at)
                 ELSE companies.disputed_since
             END,
             pages = coalesce(failed.pages, companies.pages),
             page_digests = NULL,
             items_digest = NULL,
             digested_by = NULL
         FROM UNNEST($1::bigint[], $2::timestamptz[], $3::text[], $4::bigint[], $5::text[], $6::int[], $7::smallint[])
              AS failed (id, at, outcome, code, reason, checks, pages)
         WHERE companies.id = failed.id",
        &ids,
        &at,
        &failed.iter().map(|failed| failed.answer.outcome.as_str().to_owned()).collect::<Vec<_>>(),
        &failed.iter().map(|failed| failed.code).collect::<Vec<_>>() as &[Option<i64>],
        &failed.iter().map(|failed| failed.reason.map(str::to_owned)).collect::<Vec<_>>() as &[Option<String>],
        &failed.iter().map(|failed| failed.checks).collect::<Vec<_>>(),
        &failed.iter().map(|failed| failed.pages).collect::<Vec<_>>() as &[Option<i16>]
    )
    .execute(&mut *connection)
    .await
    .map_err(during(doing))?;
    must_touch(doing, done.rows_affected(), failed.len())?;
    let over: Vec<bool> = failed.iter().map(|failed| failed.turn == TurnIs::Over).collect();
    sqlx::query!(
        "UPDATE standings
         SET last_asked_at = CASE WHEN failed.is_over THEN failed.at ELSE standings.last_asked_at END,
             times_again = 0
         FROM UNNEST($1::bigint[], $2::timestamptz[], $3::bool[]) AS failed (company_id, at, is_over)
         WHERE standings.company_id = failed.company_id",
        &ids,
        &at,
        &over
    )
    .execute(connection)
    .await
    .map_err(during(doing))?;
    Ok(())
}

/// Those of these companies whose new prefix another watched company has already.
///
/// # Errors
/// When the database fails.
pub async fn taken_prefixes(
    claims: &mut Claims,
    new: &[(CompanyId, &str)],
) -> Result<Vec<CompanyId>, StoreError> {
    let ids: Vec<i64> = new.iter().map(|(id, _)| id.0).collect();
    let prefixes: Vec<String> = new.iter().map(|(_, prefix)| (*prefix).to_owned()).collect();
    let taken = sqlx::query_scalar!(
        r#"SELECT new.id AS "id!"
           FROM UNNEST($1::bigint[], $2::text[]) AS new (id, prefix)
           JOIN companies ON companies.prefix = new.prefix
                         AND companies.id <> new.id
                         AND companies.left_at IS NULL"#,
        &ids,
        &prefixes
    )
    .fetch_all(claims.connection())
    .await
    .map_err(during("looking for companies with the same id"))?;
    Ok(taken.into_iter().map(CompanyId).collect())
}

/// What a sweep did, for status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Companies for which a call was made.
    pub asked: i32,
    /// Of these, complete or empty.
    pub complete: i32,
    /// Of these, incomplete.
    pub incomplete: i32,
    /// Of these, failed.
    pub failed: i32,
    /// Of these, disputed.
    pub disputed: i32,
    /// Requests sent.
    pub calls: i32,
}

/// Notes that a sweep ended.
///
/// # Errors
/// When the database fails.
pub async fn note_sweep(
    pool: &PgPool,
    started_at: DateTime<Utc>,
    ended_at: DateTime<Utc>,
    tally: Tally,
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO sweeps (started_at, ended_at, asked, complete, incomplete, failed, disputed, calls)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        started_at,
        ended_at,
        tally.asked,
        tally.complete,
        tally.incomplete,
        tally.failed,
        tally.disputed,
        tally.calls
    )
    .execute(pool)
    .await
    .map_err(during("noting a sweep"))?;
    Ok(())
}
