//! One check of one company, stored as one transaction: answer, snapshot, doubts, what was judged, events and deliveries.

use chrono::{DateTime, NaiveDate, Utc};
use sha2::{Digest as _, Sha256};
use sqlx::Connection as _;
use sqlx::postgres::{PgConnection, PgPool};
use sqlx::types::Json;

use crate::domain::holding::{Holding, HoldingKey};
use crate::domain::judge::Told;
use crate::domain::snapshot::{Difference, Doubt, Held, Snapshot};
use crate::store::checks::claims::CompanyClaim;
use crate::store::checks::records::{Record, field_name};
use crate::store::companies::CompanyId;
use crate::store::error::{StoreError, during};
use crate::store::outbox::events::{self, Owed, Recorded};
use crate::store::outbox::troubles::{self, Turn};

/// Everything one check or one judging of a company changes.
#[derive(Debug, Clone)]
pub struct Checked<'a> {
    /// The instant of the check.
    pub now: DateTime<Utc>,
    /// The company as it was read under the claim.
    pub before: &'a Record,
    /// The company as it is now.
    pub after: &'a Record,
    /// The answer, where one came.
    pub answer: Option<Answer<'a>>,
    /// What counts as told from now on.
    pub told: &'a [Told],
    /// What readers are owed.
    pub events: &'a [Owed],
    /// What of the company troubles the operators, or no longer does.
    pub troubles: &'a [Turn],
}

/// An answer as it came.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// `complete`, `empty`, `incomplete`, `disputed`, or the class of the failure.
    pub outcome: &'a str,
    /// The pages, the key overwritten.
    pub pages: &'a [Vec<u8>],
    /// The version of our own reading.
    pub parser_version: i32,
}

/// Stores this check with its events and deliveries, or nothing of it. `claim` is the connection that holds the company's
/// lock: when it has gone, so has the lock, and nothing can be written. Gives what readers and operators are told.
///
/// # Errors
/// When the database fails: nothing is stored then.
pub async fn commit_check(
    claim: &mut CompanyClaim<'_>,
    check: &Checked<'_>,
) -> Result<Vec<Recorded>, StoreError> {
    let id = claim.company();
    let mut tx = claim.connection().begin().await.map_err(during("beginning to store a check"))?;
    write_company(&mut tx, id, check).await?;
    if let Some(answer) = &check.answer {
        write_answer(&mut tx, id, answer, check.now).await?;
    }
    write_holdings(&mut tx, id, &check.before.snapshot, &check.after.snapshot, check.now).await?;
    if check.before.snapshot.doubts != check.after.snapshot.doubts {
        write_doubts(&mut tx, id, &check.after.snapshot).await?;
    }
    write_told(&mut tx, id, check.told).await?;
    let mut told = events::owe(&mut tx, check.events).await?;
    told.extend(troubles::turn(&mut tx, check.troubles, check.now).await?);
    tx.commit().await.map_err(during("committing a check"))?;
    Ok(told)
}

async fn write_company(
    connection: &mut PgConnection,
    id: CompanyId,
    check: &Checked<'_>,
) -> Result<(), StoreError> {
    let after = check.after;
    let done = sqlx::query!(
        "UPDATE companies
         SET prefix = $2,
             baseline_at = $3,
             last_asked_at = $4,
             last_verified_at = $5,
             owes_answer = $6,
             last_outcome = $7,
             last_code = $8,
             last_reason = $9,
             failing_since = $10,
             failing_checks = $11,
             disputed_since = $12,
             judged_on = $13,
             unverified_told_at = $14
         WHERE id = $1",
        id.0,
        after.snapshot.prefix.as_ref().map(crate::domain::identity::Prefix::as_str),
        after.snapshot.baseline_at,
        after.last_asked_at,
        after.last_verified_at,
        after.owes_answer,
        after.last_outcome,
        after.last_code,
        after.last_reason,
        after.failing_since,
        after.failing_checks,
        after.disputed_since,
        after.judged_on,
        after.unverified_told_at
    )
    .execute(connection)
    .await
    .map_err(during("storing a company"))?;
    match done.rows_affected() {
        1 => Ok(()),
        touched => Err(StoreError::Rows { doing: "storing a company", expected: 1, touched }),
    }
}

/// Keeps the answer where it differs from the last one; else only says that it came again.
async fn write_answer(
    connection: &mut PgConnection,
    id: CompanyId,
    answer: &Answer<'_>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut hash = Sha256::new();
    for page in answer.pages {
        hash.update(page.len().to_be_bytes());
        hash.update(page);
    }
    let digest = hash.finalize().to_vec();
    let again = sqlx::query!(
        "UPDATE observations
         SET last_seen_at = $4,
             times_seen = times_seen + 1
         WHERE id = (SELECT max(id) FROM observations WHERE company_id = $1)
           AND digest = $2
           AND outcome = $3
           AND parser_version = $5",
        id.0,
        digest,
        answer.outcome,
        now,
        answer.parser_version
    )
    .execute(&mut *connection)
    .await
    .map_err(during("storing an answer seen before"))?;
    if again.rows_affected() > 0 {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO observations (company_id, outcome, parser_version, digest, pages, first_seen_at, last_seen_at)
         VALUES ($1, $2, $3, $4, $5, $6, $6)",
        id.0,
        answer.outcome,
        answer.parser_version,
        digest,
        answer.pages,
        now
    )
    .execute(connection)
    .await
    .map_err(during("storing an answer"))?;
    Ok(())
}

/// Ends the versions that changed or went and begins the new ones, in two statements however many they are.
async fn write_holdings(
    connection: &mut PgConnection,
    id: CompanyId,
    before: &Snapshot,
    after: &Snapshot,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let ended: Vec<&HoldingKey> = before
        .held
        .iter()
        .filter(|(key, held)| after.held.get(*key) != Some(*held))
        .map(|(key, _)| key)
        .collect();
    let begun: Vec<(&HoldingKey, &Held)> =
        after.held.iter().filter(|(key, held)| before.held.get(*key) != Some(*held)).collect();
    if !ended.is_empty() {
        let (numbers, qualifications) = keys(ended.iter().copied());
        let done = sqlx::query!(
            "UPDATE holdings
             SET valid_to = $4
             FROM UNNEST($2::text[], $3::text[]) AS ended (number_key, qualification_key)
             WHERE holdings.company_id = $1
               AND holdings.number_key = ended.number_key
               AND holdings.qualification_key = ended.qualification_key
               AND holdings.valid_to IS NULL",
            id.0,
            &numbers,
            &qualifications,
            now
        )
        .execute(&mut *connection)
        .await
        .map_err(during("ending holdings"))?;
        if done.rows_affected() != ended.len() as u64 {
            let (expected, touched) = (ended.len() as u64, done.rows_affected());
            return Err(StoreError::Rows { doing: "ending holdings", expected, touched });
        }
    }
    begin_holdings(connection, id, &begun, now).await
}

/// Begins versions of holdings.
pub(in crate::store) async fn begin_holdings(
    connection: &mut PgConnection,
    id: CompanyId,
    begun: &[(&HoldingKey, &Held)],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    if begun.is_empty() {
        return Ok(());
    }
    let (numbers, qualifications) = keys(begun.iter().map(|(key, _)| *key));
    let last_days: Vec<Option<NaiveDate>> = begun.iter().map(|(_, held)| held.holding.last_day()).collect();
    let holdings: Vec<Json<&Holding>> = begun.iter().map(|(_, held)| Json(&held.holding)).collect();
    let since: Vec<DateTime<Utc>> = begun.iter().map(|(_, held)| held.since).collect();
    let unlisted: Vec<Option<DateTime<Utc>>> = begun.iter().map(|(_, held)| held.unlisted_since).collect();
    sqlx::query!(
        "INSERT INTO holdings (company_id, number_key, qualification_key, last_day, holding, since, unlisted_since,
                               valid_from)
         SELECT $1, begun.*, $8
         FROM UNNEST($2::text[], $3::text[], $4::date[], $5::jsonb[], $6::timestamptz[], $7::timestamptz[]) AS begun",
        id.0,
        &numbers,
        &qualifications,
        &last_days as &[Option<NaiveDate>],
        &holdings as &[Json<&Holding>],
        &since,
        &unlisted as &[Option<DateTime<Utc>>],
        now
    )
    .execute(connection)
    .await
    .map_err(during("beginning holdings"))?;
    Ok(())
}

fn keys<'a>(keys: impl Iterator<Item = &'a HoldingKey>) -> (Vec<String>, Vec<String>) {
    keys.map(|key| (key.number.key().to_owned(), key.qualification.as_str().to_owned())).unzip()
}

/// What is superseded may go: it says nothing of upstream. What goes together with its cover goes as that does, or a mass
/// would let it go unsaid while the cover is still waited for.
fn is_loss(snapshot: &Snapshot, key: &HoldingKey, doubt: &Doubt) -> bool {
    doubt.difference == Difference::Gone && !snapshot.is_superseded_by_what_stays(&key.number)
}

/// A company has few doubts: they are written anew.
pub(in crate::store) async fn write_doubts(
    connection: &mut PgConnection,
    id: CompanyId,
    after: &Snapshot,
) -> Result<(), StoreError> {
    sqlx::query!("DELETE FROM doubts WHERE company_id = $1", id.0)
        .execute(&mut *connection)
        .await
        .map_err(during("ending doubts"))?;
    let doubts: Vec<_> = after.doubts.iter().collect();
    let (numbers, qualifications) = keys(doubts.iter().map(|((key, _), _)| key));
    let count = |count: u32| i32::try_from(count).unwrap_or(i32::MAX);
    sqlx::query!(
        "INSERT INTO doubts (company_id, number_key, qualification_key, field, number, difference, is_loss,
                             first_seen_at, last_look_at, looks, looks_needed, mass, told_as, counter_looks,
                             counter_looks_needed, retracted, place)
         SELECT $1, doubt.*
         FROM UNNEST($2::text[], $3::text[], $4::text[], $5::text[], $6::jsonb[], $7::bool[], $8::timestamptz[],
                     $9::timestamptz[], $10::int[], $11::int[], $12::bool[], $13::text[], $14::int[], $15::int[],
                     $16::bool[], $17::smallint[]) AS doubt",
        id.0,
        &numbers,
        &qualifications,
        &doubts.iter().map(|((_, field), _)| field_name(*field).to_owned()).collect::<Vec<_>>(),
        &doubts.iter().map(|((key, _), _)| key.number.text().to_owned()).collect::<Vec<_>>(),
        &doubts.iter().map(|(_, doubt)| Json(&doubt.difference)).collect::<Vec<_>>() as &[Json<&Difference>],
        &doubts.iter().map(|((key, _), doubt)| is_loss(after, key, doubt)).collect::<Vec<_>>(),
        &doubts.iter().map(|(_, doubt)| doubt.first_seen_at).collect::<Vec<_>>(),
        &doubts.iter().map(|(_, doubt)| doubt.last_look_at).collect::<Vec<_>>(),
        &doubts.iter().map(|(_, doubt)| count(doubt.looks)).collect::<Vec<_>>(),
        &doubts.iter().map(|(_, doubt)| count(doubt.looks_needed)).collect::<Vec<_>>(),
        &doubts.iter().map(|(_, doubt)| doubt.mass).collect::<Vec<_>>(),
        &doubts.iter().map(|(_, doubt)| doubt.told_as.map(|told| told.as_str().to_owned())).collect::<Vec<_>>()
            as &[Option<String>],
        &doubts.iter().map(|(_, doubt)| count(doubt.counter_looks)).collect::<Vec<_>>(),
        &doubts.iter().map(|(_, doubt)| count(doubt.counter_looks_needed)).collect::<Vec<_>>(),
        &doubts.iter().map(|(_, doubt)| doubt.retracted).collect::<Vec<_>>(),
        &doubts.iter().map(|((_, field), _)| i16::from(field.place())).collect::<Vec<_>>()
    )
    .execute(connection)
    .await
    .map_err(during("storing doubts"))?;
    Ok(())
}

async fn write_told(connection: &mut PgConnection, id: CompanyId, told: &[Told]) -> Result<(), StoreError> {
    if told.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO told AS known (company_id, number_key, last_day, kind, threshold, told_on, number)
         SELECT $1, told.*
         FROM UNNEST($2::text[], $3::date[], $4::text[], $5::bigint[], $6::date[], $7::text[]) AS told
         -- A row of a day that lay ahead did not count: the true day takes its place.
         ON CONFLICT (company_id, number_key, last_day, kind, threshold) DO UPDATE
         SET told_on = excluded.told_on
         WHERE known.told_on > excluded.told_on",
        id.0,
        &told.iter().map(|told| told.number.key().to_owned()).collect::<Vec<_>>(),
        &told.iter().map(|told| told.end).collect::<Vec<_>>(),
        &told.iter().map(|told| told.kind.as_str().to_owned()).collect::<Vec<_>>(),
        &told.iter().map(|told| told.threshold).collect::<Vec<_>>(),
        &told.iter().map(|told| told.day).collect::<Vec<_>>(),
        &told.iter().map(|told| told.number.text().to_owned()).collect::<Vec<_>>()
    )
    .execute(connection)
    .await
    .map_err(during("storing what was told"))?;
    Ok(())
}

/// A company of another entry has this prefix already.
///
/// # Errors
/// When the database fails.
pub async fn prefix_is_taken(claim: &mut CompanyClaim<'_>, prefix: &str) -> Result<bool, StoreError> {
    let id = claim.company();
    sqlx::query_scalar!(
        r#"SELECT EXISTS (
               SELECT FROM companies
               WHERE prefix = $1
                 AND id <> $2
                 AND left_at IS NULL
           ) AS "taken!""#,
        prefix,
        id.0
    )
    .fetch_one(claim.connection())
    .await
    .map_err(during("looking for a company with the same id"))
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
