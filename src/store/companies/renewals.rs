//! Renewals that the operator said were filed (design 7, `renewing`).

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::postgres::{PgConnection, PgPool};

use crate::domain::judge::Renewal;
use crate::domain::keyword::Keyword;
use crate::domain::number::CertificateNumber;
use crate::store::companies::CompanyId;
use crate::store::error::{StoreError, during};

/// Notes that the renewal of these ends of a certificate was filed; what was noted before is replaced. One transaction.
///
/// # Errors
/// When the database fails.
pub async fn set(
    pool: &PgPool,
    company: CompanyId,
    number: &CertificateNumber,
    ends: &[NaiveDate],
    (filed, reference): (NaiveDate, Option<&str>),
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let doing = "noting a renewal";
    let mut tx = pool.begin().await.map_err(during(doing))?;
    end_all(&mut tx, company, number, now).await?;
    sqlx::query!(
        "INSERT INTO renewals (company_id, number_key, number, last_day, filed_on, reference, since)
         SELECT $1, $2, $3, last_day, $5, $6, $7
         FROM UNNEST($4::date[]) AS ends (last_day)",
        company.0,
        number.key(),
        number.text(),
        ends,
        filed,
        reference,
        now
    )
    .execute(&mut *tx)
    .await
    .map_err(during(doing))?;
    tx.commit().await.map_err(during(doing))
}

/// Takes back what was noted of a certificate; says how many ends it was about.
///
/// # Errors
/// When the database fails.
pub async fn end(
    pool: &PgPool,
    company: CompanyId,
    number: &CertificateNumber,
    now: DateTime<Utc>,
) -> Result<u64, StoreError> {
    let mut connection = pool.acquire().await.map_err(during("taking back a renewal"))?;
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
               UPDATE renewals
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
    .map_err(during("taking back a renewal"))?;
    Ok(ended.unsigned_abs())
}

/// The renewals of companies that were not taken back.
pub(in crate::store) async fn load(
    connection: &mut PgConnection,
    ids: &[i64],
) -> Result<HashMap<i64, Vec<Renewal>>, StoreError> {
    let rows = sqlx::query!(
        "SELECT company_id, number, last_day, filed_on, reference
         FROM renewals
         WHERE company_id = ANY ($1)
           AND ended_at IS NULL
         ORDER BY id",
        ids
    )
    .fetch_all(connection)
    .await
    .map_err(during("reading renewals"))?;
    let mut companies: HashMap<i64, Vec<Renewal>> = HashMap::new();
    for row in rows {
        let Some(number) = CertificateNumber::parse(&row.number) else { continue };
        let renewal = Renewal { number, end: row.last_day, filed: row.filed_on, reference: row.reference };
        companies.entry(row.company_id).or_default().push(renewal);
    }
    Ok(companies)
}

/// A renewal that puts off an end which is still in force, as `status` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filed {
    /// As the provider is asked.
    pub keyword: String,
    /// The certificate's number as the registry wrote it.
    pub number: String,
    /// The end that it puts off.
    pub end: NaiveDate,
    /// The day on which it was filed.
    pub filed: NaiveDate,
    /// The acceptance number.
    pub reference: Option<String>,
}

impl Filed {
    /// Whether it is about this end of this certificate.
    #[must_use]
    pub fn is_of(&self, keyword: &Keyword, number: &str, end: Option<NaiveDate>) -> bool {
        self.keyword == keyword.as_str()
            && end == Some(self.end)
            && CertificateNumber::parse(&self.number) == CertificateNumber::parse(number)
    }
}

/// All renewals of watched companies whose certificate has the end that they put off, by that end.
///
/// # Errors
/// When the database fails.
pub async fn in_force(pool: &PgPool) -> Result<Vec<Filed>, StoreError> {
    sqlx::query_as!(
        Filed,
        r#"SELECT keyword, renewals.number, renewals.last_day AS "end", filed_on AS filed, reference
           FROM renewals
           JOIN companies ON companies.id = renewals.company_id
           WHERE ended_at IS NULL
             AND left_at IS NULL
             AND EXISTS (
                 SELECT 1
                 FROM certificates
                 WHERE certificates.company_id = renewals.company_id
                   AND certificates.number_key = renewals.number_key
                   AND certificates.last_day = renewals.last_day
                   AND valid_to IS NULL
             )
           ORDER BY renewals.last_day, renewals.number"#
    )
    .fetch_all(pool)
    .await
    .map_err(during("reading all renewals"))
}
