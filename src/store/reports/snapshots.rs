//! What companies hold, as it is established, and what is in doubt of it: all that certificates are made of, and no more. Whoever
//! wants many reads them a batch at a time.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::postgres::{PgConnection, PgPool};

use crate::domain::keyword::Keyword;
use crate::domain::snapshot::Snapshot;
use crate::domain::text::chain;
use crate::store::checks::{certificates, records};
use crate::store::companies::{CompanyId, read_keyword};
use crate::store::error::{StoreError, during};

/// Companies to be read at once.
pub const BATCH_ESTABLISHED_MAX: usize = 500;

const DOING: &str = "reading companies";

/// A company with what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Established {
    /// Its row.
    pub id: CompanyId,
    /// As the provider is asked.
    pub keyword: Keyword,
    /// What mails called it last.
    pub name: String,
    /// The last complete observation.
    pub last_verified_at: Option<DateTime<Utc>>,
    /// What it holds and what is in doubt of it; what it once held is left out.
    pub snapshot: Snapshot,
}

/// Every company that was ever in a file.
///
/// # Errors
/// When the database fails.
pub async fn ids(pool: &PgPool) -> Result<Vec<CompanyId>, StoreError> {
    let ids = sqlx::query_scalar!("SELECT id FROM companies ORDER BY id").fetch_all(pool).await;
    Ok(ids.map_err(during("reading which companies there are"))?.into_iter().map(CompanyId).collect())
}

/// The companies with these keywords, also those that have left the file, in the order of their ids. A keyword that was never
/// stored is left out.
///
/// # Errors
/// When the database fails.
pub async fn ids_named(pool: &PgPool, keywords: &[&Keyword]) -> Result<Vec<CompanyId>, StoreError> {
    let keywords: Vec<String> = keywords.iter().map(|keyword| keyword.as_str().to_owned()).collect();
    let ids = sqlx::query_scalar!("SELECT id FROM companies WHERE keyword = ANY ($1) ORDER BY id", &keywords);
    let ids = ids.fetch_all(pool).await.map_err(during("looking for companies"))?;
    Ok(ids.into_iter().map(CompanyId).collect())
}

/// The companies of which something ends from `first` to `last`, both included, be it established or seen once, in the order of their
/// ids. Reads no other.
///
/// # Errors
/// When the database fails.
pub async fn ids_ending_between(
    pool: &PgPool,
    first: NaiveDate,
    last: NaiveDate,
) -> Result<Vec<CompanyId>, StoreError> {
    let ends = first_ends_between(pool, first, last).await?;
    let mut ids: Vec<CompanyId> = ends.into_iter().map(|(_, id)| id).collect();
    ids.sort_unstable();
    Ok(ids)
}

/// The same companies by the first of these ends, with that.
///
/// # Errors
/// When the database fails.
pub async fn first_ends_between(
    pool: &PgPool,
    first: NaiveDate,
    last: NaiveDate,
) -> Result<Vec<(NaiveDate, CompanyId)>, StoreError> {
    let ends = sqlx::query!(
        r#"SELECT company_id AS "company_id!", min(day) AS "day!"
           FROM (
               SELECT company_id, last_day AS day
               FROM certificates
               WHERE valid_to IS NULL
                 AND last_day BETWEEN $1 AND $2
               UNION ALL
               -- What was seen once is not among the certificates yet.
               SELECT company_id, (difference -> 'end' ->> 'day')::date
               FROM doubts
               WHERE NOT is_loss
                 AND difference ->> 'seen' = 'new'
                 AND difference -> 'end' ->> 'day' COLLATE "C" BETWEEN $1::date::text AND $2::date::text
           ) AS ends
           GROUP BY company_id
           ORDER BY 2, 1"#,
        first,
        last
    );
    let ends = ends.fetch_all(pool).await.map_err(during("reading what ends soon"))?;
    Ok(ends.into_iter().map(|end| (end.day, CompanyId(end.company_id))).collect())
}

/// Those of these companies that are wanted, in the order of their ids. One with a row that this version cannot read is left out,
/// and named in the log.
///
/// # Errors
/// When the database fails.
pub async fn established(
    pool: &PgPool,
    ids: &[CompanyId],
    is_wanted: impl Fn(&str) -> bool,
) -> Result<Vec<Established>, StoreError> {
    let mut connection = pool.acquire().await.map_err(during(DOING))?;
    match load(&mut connection, ids, &is_wanted).await {
        Err(error) if !error.is_of_the_database() => {}
        loaded => return loaded,
    }
    let mut readable = Vec::with_capacity(ids.len());
    for id in ids {
        match load(&mut connection, &[*id], &is_wanted).await {
            Ok(one) => readable.extend(one),
            Err(error) if error.is_of_the_database() => return Err(error),
            Err(error) => tracing::error!(error = chain(&error), "a company cannot be read, and is left out"),
        }
    }
    Ok(readable)
}

async fn load(
    connection: &mut PgConnection,
    ids: &[CompanyId],
    is_wanted: &impl Fn(&str) -> bool,
) -> Result<Vec<Established>, StoreError> {
    let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let mut rows = sqlx::query!(
        "SELECT id, keyword, name, last_verified_at
         FROM companies
         JOIN standings ON standings.company_id = companies.id
         WHERE id = ANY ($1)
         ORDER BY id",
        &ids
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(during(DOING))?;
    rows.retain(|row| is_wanted(&row.keyword));
    let wanted: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let mut held = certificates::held(connection, &wanted).await?;
    let mut doubts = records::load_doubts(connection, &wanted).await?;
    rows.into_iter()
        .map(|row| {
            Ok(Established {
                id: CompanyId(row.id),
                keyword: read_keyword(&row.keyword, row.id)?,
                name: row.name,
                last_verified_at: row.last_verified_at,
                snapshot: Snapshot {
                    held: held.remove(&row.id).unwrap_or_default(),
                    doubts: doubts.remove(&row.id).unwrap_or_default(),
                    ..Snapshot::default()
                },
            })
        })
        .collect()
}
