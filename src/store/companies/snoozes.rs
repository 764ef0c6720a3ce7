//! Ends of certificates of which nothing is told for a while (design 7, `snooze`).

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::postgres::{PgConnection, PgPool};

use crate::domain::number::CertificateNumber;
use crate::store::companies::CompanyId;
use crate::store::error::{StoreError, during};

/// An end of which nothing is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snooze {
    /// The certificate number, normalised.
    pub number_key: String,
    /// The end it is about: another end is told of.
    pub end: NaiveDate,
    /// The first day on which it is told of again.
    pub until: NaiveDate,
    /// Why, in the operator's words.
    pub reason: String,
}

impl Snooze {
    /// Whether nothing is told on `today` of this end of this certificate. The end day itself, and what comes after it, is told
    /// whatever somebody wanted before.
    #[must_use]
    pub fn silences(&self, number: &CertificateNumber, end: NaiveDate, today: NaiveDate) -> bool {
        self.number_key == number.key() && self.end == end && today < self.until && today < end
    }
}

/// Sets a snooze for each of these ends of a certificate; an earlier one of the same end is replaced. One transaction.
///
/// # Errors
/// When the database fails.
pub async fn set(
    pool: &PgPool,
    company: CompanyId,
    number: &CertificateNumber,
    ends: &[NaiveDate],
    (until, reason): (NaiveDate, &str),
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let doing = "setting a snooze";
    let mut tx = pool.begin().await.map_err(during(doing))?;
    end_all(&mut tx, company, number, now).await?;
    sqlx::query!(
        "INSERT INTO snoozes (company_id, number_key, number, last_day, until, reason, since)
         SELECT $1, $2, $3, last_day, $5, $6, $7
         FROM UNNEST($4::date[]) AS ends (last_day)",
        company.0,
        number.key(),
        number.text(),
        ends,
        until,
        reason,
        now
    )
    .execute(&mut *tx)
    .await
    .map_err(during(doing))?;
    tx.commit().await.map_err(during(doing))
}

/// Ends the snoozes of a certificate; says how many there were.
///
/// # Errors
/// When the database fails.
pub async fn end(
    pool: &PgPool,
    company: CompanyId,
    number: &CertificateNumber,
    now: DateTime<Utc>,
) -> Result<u64, StoreError> {
    let mut connection = pool.acquire().await.map_err(during("ending a snooze"))?;
    end_all(&mut connection, company, number, now).await
}

async fn end_all(
    connection: &mut PgConnection,
    company: CompanyId,
    number: &CertificateNumber,
    now: DateTime<Utc>,
) -> Result<u64, StoreError> {
    let ended = sqlx::query_scalar!(
        r#"WITH ended AS (
               UPDATE snoozes
               SET ended_at = $3
               WHERE company_id = $1
                 AND number_key = $2
                 AND ended_at IS NULL
               RETURNING id
           ),
           -- What it silenced may be due now: the ends are judged at the next look, whatever was foreseen.
           anew AS (UPDATE companies SET tell_on = DEFAULT WHERE id = $1)
           SELECT count(*) AS "ended!" FROM ended"#,
        company.0,
        number.key(),
        now
    )
    .fetch_one(connection)
    .await
    .map_err(during("ending a snooze"))?;
    Ok(ended.unsigned_abs())
}

/// The snoozes of companies that were not ended.
pub(in crate::store) async fn load(
    connection: &mut PgConnection,
    ids: &[i64],
) -> Result<HashMap<i64, Vec<Snooze>>, StoreError> {
    let rows = sqlx::query!(
        "SELECT company_id, number_key, last_day, until, reason
         FROM snoozes
         WHERE company_id = ANY ($1)
           AND ended_at IS NULL
         ORDER BY id",
        ids
    )
    .fetch_all(connection)
    .await
    .map_err(during("reading snoozes"))?;
    let mut companies: HashMap<i64, Vec<Snooze>> = HashMap::new();
    for row in rows {
        let (number_key, end) = (row.number_key, row.last_day);
        let snooze = Snooze { number_key, end, until: row.until, reason: row.reason };
        companies.entry(row.company_id).or_default().push(snooze);
    }
    Ok(companies)
}

/// An end of which nothing is told, as `status` and `snooze --list` show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snoozed {
    /// As the provider is asked.
    pub keyword: String,
    /// The certificate's number as the registry wrote it.
    pub number: String,
    /// The end it is about.
    pub end: NaiveDate,
    /// The first day on which it is told of again.
    pub until: NaiveDate,
    /// Why, in the operator's words.
    pub reason: String,
}

/// All snoozes of watched companies that silence something on `today`, by the end.
///
/// # Errors
/// When the database fails.
pub async fn in_force(pool: &PgPool, today: NaiveDate) -> Result<Vec<Snoozed>, StoreError> {
    sqlx::query_as!(
        Snoozed,
        r#"SELECT keyword, snoozes.number, snoozes.last_day AS "end", until, reason
           FROM snoozes
           JOIN companies ON companies.id = snoozes.company_id
           WHERE ended_at IS NULL
             AND left_at IS NULL
             AND until > $1
             AND snoozes.last_day > $1
             AND EXISTS (
                 SELECT 1
                 FROM certificates
                 WHERE certificates.company_id = snoozes.company_id
                   AND certificates.number_key = snoozes.number_key
                   AND certificates.last_day = snoozes.last_day
                   AND valid_to IS NULL
             )
           ORDER BY snoozes.last_day, snoozes.number"#,
        today
    )
    .fetch_all(pool)
    .await
    .map_err(during("reading all snoozes"))
}
