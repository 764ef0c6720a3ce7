//! The rows of checked companies, many companies in a statement. The pieces take a connection and never begin or commit.

use std::collections::HashSet;

use chrono::{DateTime, NaiveDate, Utc};
use sha2::{Digest as _, Sha256};
use sqlx::postgres::PgConnection;
use sqlx::types::Json;

use super::records::Record;
use crate::domain::holding::HoldingKey;
use crate::domain::judge::Told;
use crate::domain::outcome::Outcome;
use crate::domain::snapshot::{Difference, Doubt, Field, Snapshot};
use crate::store::companies::CompanyId;
use crate::store::error::{StoreError, during, must_touch};

/// Companies as they were read and as they are after their checks.
pub(super) async fn companies(
    connection: &mut PgConnection,
    before: &[&Record],
    after: &[&Record],
) -> Result<(), StoreError> {
    let doing = "storing companies";
    let ids = after.iter().map(|record| record.id.0).collect::<Vec<_>>();
    let done = sqlx::query!(
        "UPDATE companies
         -- A pin that was accepted while this check was under way stays.
         SET prefix = CASE WHEN companies.prefix_is_pinned THEN companies.prefix ELSE new.prefix END,
             baseline_at = new.baseline_at,
             owes_answer = new.owes_answer,
             last_outcome = new.last_outcome,
             last_code = new.last_code,
             last_reason = new.last_reason,
             failing_since = new.failing_since,
             failing_checks = new.failing_checks,
             disputed_since = new.disputed_since,
             judged_on = new.judged_on,
             -- Whoever has moved it since the company was read wants its ends to be looked at.
             tell_on = CASE
                 WHEN companies.tell_on IS NOT DISTINCT FROM new.old_tell_on THEN new.tell_on
                 ELSE companies.tell_on
             END,
             pages = new.pages,
             -- An edit accepted meanwhile wants the next answer to be compared, though it is the same.
             page_digests = CASE WHEN companies.tell_on IS NOT DISTINCT FROM new.old_tell_on THEN new.page_digests END,
             items_digest = CASE WHEN companies.tell_on IS NOT DISTINCT FROM new.old_tell_on THEN new.items_digest END,
             digested_by = CASE WHEN companies.tell_on IS NOT DISTINCT FROM new.old_tell_on THEN new.digested_by END,
             unverified_told_at = new.unverified_told_at
         FROM UNNEST($1::bigint[], $2::text[], $3::timestamptz[], $4::bool[], $5::text[], $6::bigint[], $7::text[],
                     $8::timestamptz[], $9::int[], $10::timestamptz[], $11::date[], $12::date[], $13::smallint[],
                     $14::bytea[], $15::bytea[], $16::int[], $17::timestamptz[], $18::date[])
              AS new (id, prefix, baseline_at, owes_answer, last_outcome, last_code, last_reason, failing_since,
                      failing_checks, disputed_since, judged_on, tell_on, pages, page_digests, items_digest,
                      digested_by, unverified_told_at, old_tell_on)
         WHERE companies.id = new.id",
        &ids,
        &column(after, |r| r.snapshot.prefix.as_ref().map(|prefix| prefix.as_str().to_owned())) as &[Option<String>],
        &column(after, |r| r.snapshot.baseline_at) as &[Option<DateTime<Utc>>],
        &column(after, |r| r.owes_answer),
        &column(after, |r| r.last_outcome.map(|outcome| outcome.as_str().to_owned())) as &[Option<String>],
        &column(after, |r| r.last_code) as &[Option<i64>],
        &column(after, |r| r.last_reason.clone()) as &[Option<String>],
        &column(after, |r| r.failing_since) as &[Option<DateTime<Utc>>],
        &column(after, |r| r.failing_checks),
        &column(after, |r| r.disputed_since) as &[Option<DateTime<Utc>>],
        &column(after, |r| r.judged_on) as &[Option<NaiveDate>],
        &column(after, |r| r.tell_on) as &[Option<NaiveDate>],
        &column(after, |r| r.pages),
        &column(after, |r| r.digests.as_ref().map(|digests| digests.pages.clone())) as &[Option<Vec<u8>>],
        &column(after, |r| r.digests.as_ref().map(|digests| digests.items.clone())) as &[Option<Vec<u8>>],
        &column(after, |r| r.digests.as_ref().map(|digests| digests.version)) as &[Option<i32>],
        &column(after, |r| r.unverified_told_at) as &[Option<DateTime<Utc>>],
        &column(before, |r| r.tell_on) as &[Option<NaiveDate>]
    )
    .execute(connection)
    .await
    .map_err(during(doing))?;
    must_touch(doing, done.rows_affected(), after.len())
}

/// Their standings. What came again and again is counted with its answer before ([`settle_answers`]).
pub(super) async fn standings(connection: &mut PgConnection, after: &[&Record]) -> Result<(), StoreError> {
    let doing = "storing how companies stand";
    let done = sqlx::query!(
        "UPDATE standings
         SET last_asked_at = new.last_asked_at,
             last_verified_at = new.last_verified_at,
             times_again = 0
         FROM UNNEST($1::bigint[], $2::timestamptz[], $3::timestamptz[])
              AS new (company_id, last_asked_at, last_verified_at)
         WHERE standings.company_id = new.company_id",
        &column(after, |r| r.id.0),
        &column(after, |r| r.last_asked_at) as &[Option<DateTime<Utc>>],
        &column(after, |r| r.last_verified_at) as &[Option<DateTime<Utc>>]
    )
    .execute(connection)
    .await
    .map_err(during(doing))?;
    must_touch(doing, done.rows_affected(), after.len())
}

fn column<T>(records: &[&Record], of: impl Fn(&Record) -> T) -> Vec<T> {
    records.iter().map(|record| of(record)).collect()
}

/// An answer as it came.
#[derive(Debug, Clone, Copy)]
pub struct StoredAnswer<'a> {
    /// How the check went that it is of.
    pub outcome: Outcome,
    /// The pages, the key overwritten.
    pub pages: &'a [Vec<u8>],
    /// The version of our own reading.
    pub parser_version: i32,
}

/// Counts what came again and was only marked: to be done before another answer is stored, or the standing is written.
pub(super) async fn settle_answers(
    connection: &mut PgConnection,
    companies: &[CompanyId],
) -> Result<(), StoreError> {
    let ids: Vec<i64> = companies.iter().map(|id| id.0).collect();
    sqlx::query!(
        "UPDATE observations
         SET last_seen_at = standings.last_asked_at,
             times_seen = times_seen + standings.times_again
         FROM standings
         WHERE standings.company_id = ANY ($1)
           AND standings.times_again > 0
           AND observations.id = (
                   SELECT max(last.id) FROM observations AS last WHERE last.company_id = standings.company_id
               )",
        &ids
    )
    .execute(connection)
    .await
    .map_err(during("counting answers that came again"))?;
    Ok(())
}

/// Keeps each answer that differs from the company's last one; of the others only says that they came again.
pub(super) async fn answers(
    connection: &mut PgConnection,
    answers: &[(CompanyId, StoredAnswer<'_>, DateTime<Utc>)],
) -> Result<(), StoreError> {
    if answers.is_empty() {
        return Ok(());
    }
    let ids: Vec<i64> = answers.iter().map(|(id, ..)| id.0).collect();
    let digests: Vec<Vec<u8>> = answers.iter().map(|(_, answer, _)| digest_of(answer.pages)).collect();
    let outcomes: Vec<String> =
        answers.iter().map(|(_, answer, _)| answer.outcome.as_str().to_owned()).collect();
    let versions: Vec<i32> = answers.iter().map(|(_, answer, _)| answer.parser_version).collect();
    let at: Vec<DateTime<Utc>> = answers.iter().map(|(.., at)| *at).collect();
    let again = sqlx::query_scalar!(
        "UPDATE observations
         SET last_seen_at = came.at,
             times_seen = times_seen + 1
         FROM UNNEST($1::bigint[], $2::bytea[], $3::text[], $4::int[], $5::timestamptz[])
              AS came (company_id, digest, outcome, parser_version, at)
         WHERE observations.id = (
                   SELECT max(last.id) FROM observations AS last WHERE last.company_id = came.company_id
               )
           AND observations.digest = came.digest
           AND observations.outcome = came.outcome
           AND observations.parser_version = came.parser_version
         RETURNING observations.company_id",
        &ids,
        &digests,
        &outcomes,
        &versions,
        &at
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(during("storing answers seen before"))?;
    let again: HashSet<i64> = again.into_iter().collect();
    let new: Vec<usize> = (0..answers.len()).filter(|place| !again.contains(&ids[*place])).collect();
    // An array of arrays is no type of PostgreSQL's: pages come one behind the other, with whose they are.
    let pages: Vec<&[u8]> =
        new.iter().flat_map(|place| answers[*place].1.pages.iter().map(Vec::as_slice)).collect();
    let owners: Vec<i64> =
        new.iter().flat_map(|place| answers[*place].1.pages.iter().map(|_| ids[*place])).collect();
    sqlx::query!(
        "INSERT INTO observations (company_id, outcome, parser_version, digest, pages, first_seen_at, last_seen_at)
         SELECT new.company_id, new.outcome, new.parser_version, new.digest, coalesce(came.pages, '{}'), new.at, new.at
         FROM UNNEST($1::bigint[], $2::bytea[], $3::text[], $4::int[], $5::timestamptz[])
              AS new (company_id, digest, outcome, parser_version, at)
         LEFT JOIN (
             SELECT page.company_id, array_agg(page.page ORDER BY page.place) AS pages
             FROM UNNEST($6::bigint[], $7::bytea[]) WITH ORDINALITY AS page (company_id, page, place)
             GROUP BY page.company_id
         ) AS came ON came.company_id = new.company_id",
        &new.iter().map(|place| ids[*place]).collect::<Vec<_>>(),
        &new.iter().map(|place| digests[*place].clone()).collect::<Vec<_>>(),
        &new.iter().map(|place| outcomes[*place].clone()).collect::<Vec<_>>(),
        &new.iter().map(|place| versions[*place]).collect::<Vec<_>>(),
        &new.iter().map(|place| at[*place]).collect::<Vec<_>>(),
        &owners,
        &pages as &[&[u8]]
    )
    .execute(connection)
    .await
    .map_err(during("storing answers"))?;
    Ok(())
}

/// Of all pages together, each with its length, so that nothing moves from one into the next.
fn digest_of(pages: &[Vec<u8>]) -> Vec<u8> {
    let mut hash = Sha256::new();
    for page in pages {
        hash.update(page.len().to_be_bytes());
        hash.update(page);
    }
    hash.finalize().to_vec()
}

fn keys<'a>(keys: impl Iterator<Item = &'a HoldingKey>) -> (Vec<String>, Vec<String>) {
    keys.map(|key| (key.number.key().to_owned(), key.qualification.as_str().to_owned())).unzip()
}

/// What is superseded may go: it says nothing of upstream. What goes together with its cover goes as that does, or a mass
/// would let it go unsaid while the cover is still waited for.
fn is_loss(snapshot: &Snapshot, key: &HoldingKey, doubt: &Doubt) -> bool {
    doubt.difference == Difference::Gone
        && doubt.is_open()
        && !snapshot.is_superseded_by_what_stays(&key.number)
}

/// Doubts as they are after a check. A company has few: they are written anew.
pub(super) async fn doubts(
    connection: &mut PgConnection,
    after: &[(CompanyId, &Snapshot)],
) -> Result<(), StoreError> {
    if after.is_empty() {
        return Ok(());
    }
    let ids: Vec<i64> = after.iter().map(|(id, _)| id.0).collect();
    sqlx::query!("DELETE FROM doubts WHERE company_id = ANY ($1)", &ids)
        .execute(&mut *connection)
        .await
        .map_err(during("ending doubts"))?;
    let rows: Vec<DoubtRow<'_>> = after
        .iter()
        .flat_map(|(company, snapshot)| {
            snapshot.doubts.iter().map(|((key, field), doubt)| DoubtRow {
                company: *company,
                key,
                field: *field,
                doubt,
                is_loss: is_loss(snapshot, key, doubt),
            })
        })
        .collect();
    insert_doubts(connection, &rows).await
}

struct DoubtRow<'a> {
    company: CompanyId,
    key: &'a HoldingKey,
    field: Field,
    doubt: &'a Doubt,
    is_loss: bool,
}

async fn insert_doubts(connection: &mut PgConnection, rows: &[DoubtRow<'_>]) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    let (numbers, qualifications) = keys(rows.iter().map(|row| row.key));
    let count = |count: u32| i32::try_from(count).unwrap_or(i32::MAX);
    sqlx::query!(
        "INSERT INTO doubts (company_id, number_key, qualification_key, field, number, difference, is_loss,
                             first_seen_at, last_look_at, looks, looks_needed, mass, told_as, counter_looks,
                             counter_looks_needed, retracted, told_at)
         SELECT doubt.*
         FROM UNNEST($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::jsonb[], $7::bool[],
                     $8::timestamptz[], $9::timestamptz[], $10::int[], $11::int[], $12::bool[], $13::text[],
                     $14::int[], $15::int[], $16::bool[], $17::timestamptz[]) AS doubt",
        &rows.iter().map(|row| row.company.0).collect::<Vec<_>>(),
        &numbers,
        &qualifications,
        &rows.iter().map(|row| row.field.as_str().to_owned()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.key.number.text().to_owned()).collect::<Vec<_>>(),
        &rows.iter().map(|row| Json(&row.doubt.difference)).collect::<Vec<_>>() as &[Json<&Difference>],
        &rows.iter().map(|row| row.is_loss).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.doubt.first_seen_at).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.doubt.last_look_at).collect::<Vec<_>>(),
        &rows.iter().map(|row| count(row.doubt.looks)).collect::<Vec<_>>(),
        &rows.iter().map(|row| count(row.doubt.looks_needed)).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.doubt.mass).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.doubt.told_as.map(|told| told.as_str().to_owned())).collect::<Vec<_>>()
            as &[Option<String>],
        &rows.iter().map(|row| count(row.doubt.counter_looks)).collect::<Vec<_>>(),
        &rows.iter().map(|row| count(row.doubt.counter_looks_needed)).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.doubt.retracted).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.doubt.told_at).collect::<Vec<_>>() as &[Option<DateTime<Utc>>]
    )
    .execute(connection)
    .await
    .map_err(during("storing doubts"))?;
    Ok(())
}

/// What counts as told from now on.
pub(super) async fn told(
    connection: &mut PgConnection,
    told: &[(CompanyId, &Told)],
) -> Result<(), StoreError> {
    if told.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO told AS known (company_id, number_key, last_day, kind, threshold, told_on, number)
         SELECT told.*
         FROM UNNEST($1::bigint[], $2::text[], $3::date[], $4::text[], $5::bigint[], $6::date[], $7::text[]) AS told
         -- A row of a day that lay ahead did not count: the true day takes its place.
         ON CONFLICT (company_id, number_key, last_day, kind, threshold) DO UPDATE
         SET told_on = excluded.told_on
         WHERE known.told_on > excluded.told_on",
        &told.iter().map(|(id, _)| id.0).collect::<Vec<_>>(),
        &told.iter().map(|(_, told)| told.number.key().to_owned()).collect::<Vec<_>>(),
        &told.iter().map(|(_, told)| told.end).collect::<Vec<_>>(),
        &told.iter().map(|(_, told)| told.kind.as_str().to_owned()).collect::<Vec<_>>(),
        &told.iter().map(|(_, told)| told.threshold).collect::<Vec<_>>(),
        &told.iter().map(|(_, told)| told.day).collect::<Vec<_>>(),
        &told.iter().map(|(_, told)| told.number.text().to_owned()).collect::<Vec<_>>()
    )
    .execute(connection)
    .await
    .map_err(during("storing what was told"))?;
    Ok(())
}
