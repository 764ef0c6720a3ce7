//! Reading companies as they are established, doubted and remembered, several at a time: one with a row that cannot be read
//! stops no other.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::postgres::{PgConnection, PgPool};
use sqlx::types::Json;

use crate::domain::event::{Change, EventKind, Trouble};
use crate::domain::field::{Difference, Field};
use crate::domain::holding::HoldingKey;
use crate::domain::identity::Prefix;
use crate::domain::judge::{Renewal, Told};
use crate::domain::keyword::Keyword;
use crate::domain::names::UnknownName;
use crate::domain::number::CertificateNumber;
use crate::domain::outcome::Outcome;
use crate::domain::qualification::QualificationKey;
use crate::domain::snapshot::{Doubt, Snapshot};
use crate::store::checks::certificates;
use crate::store::checks::claims::Claims;
use crate::store::companies::renewals;
use crate::store::companies::snoozes::{self, Snooze};
use crate::store::companies::{CompanyId, read_keyword, read_outcome};
use crate::store::error::{StoreError, during};

/// A company with all that comparing and judging need.
#[derive(Debug, Clone)]
pub struct Record {
    /// Its row.
    pub id: CompanyId,
    /// As the provider is asked.
    pub keyword: Keyword,
    /// What mails call it.
    pub name: String,
    /// What is established and doubted.
    pub snapshot: Snapshot,
    /// What was told of its ends.
    pub told: Vec<Told>,
    /// When it came into the file.
    pub watched_since: DateTime<Utc>,
    /// The last check for which a call was made.
    pub last_asked_at: Option<DateTime<Utc>>,
    /// Failed, incomplete, empty, in doubt or disputed: asked daily.
    pub owes_answer: bool,
    /// The last complete observation.
    pub last_verified_at: Option<DateTime<Utc>>,
    /// How the last check ended.
    pub last_outcome: Option<Outcome>,
    /// The provider's code of the last check that failed, where it gave one.
    pub last_code: Option<i64>,
    /// Why the last check failed, made inert.
    pub last_reason: Option<String>,
    /// The first of the checks in a row that were not complete.
    pub failing_since: Option<DateTime<Utc>>,
    /// How many checks in a row were not complete.
    pub failing_checks: i32,
    /// Since when it cannot be said that the answers are this company's.
    pub disputed_since: Option<DateTime<Utc>>,
    /// The last day its ends were read and judged.
    pub judged_on: Option<NaiveDate>,
    /// The first day on which one of its ends may be worth telling; `None`: none is foreseen.
    pub tell_on: Option<NaiveDate>,
    /// Calls that its whole answer takes, as far as known; at least 1.
    pub pages: i16,
    /// What the same answer would be known by while it would change nothing; `None`: the next is to be read.
    pub digests: Option<AnswerDigests>,
    /// When readers were told that it is unverified.
    pub unverified_told_at: Option<DateTime<Utc>>,
    /// Ends of which nothing is told for a while.
    pub snoozes: Vec<Snooze>,
    /// Renewals that were filed, as the operator said.
    pub renewals: Vec<Renewal>,
    /// The version of the reading that understood its last complete answer, as its row says.
    pub read_by: Option<i32>,
    /// What of it troubles the operators: kind and cause.
    pub troubles: Vec<(Trouble, String)>,
}

/// By what a complete answer is known again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerDigests {
    /// Of each page's bytes, 32 bytes each, one behind the other.
    pub pages: Vec<u8>,
    /// Of the items, in any order.
    pub items: Vec<u8>,
    /// The version of our own reading that concluded it.
    pub version: i32,
}

impl AnswerDigests {
    /// As a row has them: all or none.
    pub(in crate::store) fn of_row(
        pages: Option<Vec<u8>>,
        items: Option<Vec<u8>>,
        version: Option<i32>,
    ) -> Option<Self> {
        Some(Self { pages: pages?, items: items?, version: version? })
    }
}

/// Companies as they were read.
#[derive(Debug, Default)]
pub struct Records {
    /// Those that could be read.
    pub readable: BTreeMap<CompanyId, Record>,
    /// Those with a row that this version cannot read: they stop no other.
    pub unreadable: BTreeMap<CompanyId, StoreError>,
}

impl Records {
    /// Takes one of them out; `Ok(None)` when it is not among them.
    ///
    /// # Errors
    /// When it could not be read.
    pub fn take(&mut self, id: CompanyId) -> Result<Option<Record>, StoreError> {
        match self.unreadable.remove(&id) {
            Some(error) => Err(error),
            None => Ok(self.readable.remove(&id)),
        }
    }

    /// Puts one of them among those that could not be read.
    ///
    /// # Errors
    /// The error itself where it is of the database, and stops all.
    pub fn refuse(&mut self, id: CompanyId, error: StoreError) -> Result<(), StoreError> {
        if error.is_of_the_database() {
            return Err(error);
        }
        self.readable.remove(&id);
        self.unreadable.insert(id, error);
        Ok(())
    }
}

/// Reads these companies on the connection that holds their locks.
///
/// # Errors
/// When the database fails.
pub async fn read_claimed(claims: &mut Claims, ids: &[CompanyId]) -> Result<Records, StoreError> {
    load_each(claims.connection(), ids).await
}

/// Reads these companies.
///
/// # Errors
/// When the database fails.
pub async fn read(pool: &PgPool, ids: &[CompanyId]) -> Result<Records, StoreError> {
    let mut connection = pool.acquire().await.map_err(during("reading companies"))?;
    load_each(&mut connection, ids).await
}

/// Reads all of them at once, and one by one only when that shows that one cannot be read.
async fn load_each(connection: &mut PgConnection, ids: &[CompanyId]) -> Result<Records, StoreError> {
    let mut records = Records::default();
    match load(connection, ids).await {
        Ok(all) => records.readable = all.into_iter().map(|record| (record.id, record)).collect(),
        Err(error) if error.is_of_the_database() => return Err(error),
        Err(_) => {
            for id in ids {
                match load(connection, &[*id]).await {
                    Ok(one) => records.readable.extend(one.into_iter().map(|record| (record.id, record))),
                    Err(error) if error.is_of_the_database() => return Err(error),
                    Err(error) => drop(records.unreadable.insert(*id, error)),
                }
            }
        }
    }
    Ok(records)
}

impl Record {
    /// A company of which nothing is stored, as a dry run meets it before the first sweep.
    #[must_use]
    pub fn unknown(keyword: Keyword, name: String, now: DateTime<Utc>) -> Self {
        Self {
            id: CompanyId(0),
            keyword,
            name,
            snapshot: Snapshot::default(),
            told: Vec::new(),
            watched_since: now,
            last_asked_at: None,
            owes_answer: false,
            last_verified_at: None,
            last_outcome: None,
            last_code: None,
            last_reason: None,
            failing_since: None,
            failing_checks: 0,
            disputed_since: None,
            judged_on: None,
            tell_on: None,
            pages: 1,
            digests: None,
            unverified_told_at: None,
            snoozes: Vec::new(),
            renewals: Vec::new(),
            read_by: None,
            troubles: Vec::new(),
        }
    }
}

/// Reads companies, in seven statements however many they are. In the order of their ids.
pub(in crate::store) async fn load(
    connection: &mut PgConnection,
    ids: &[CompanyId],
) -> Result<Vec<Record>, StoreError> {
    let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let mut held = certificates::held_and_gone(connection, &ids).await?;
    let mut doubts = load_doubts(connection, &ids).await?;
    let mut told = load_told(connection, &ids).await?;
    let mut snoozes = snoozes::load(connection, &ids).await?;
    let mut renewals = renewals::load(connection, &ids).await?;
    let mut troubles = load_troubles(connection, &ids).await?;
    let rows = sqlx::query!(
        "SELECT id, keyword, name, prefix, baseline_at, watched_since, last_asked_at, owes_answer, last_verified_at,
                last_outcome, last_code, last_reason, failing_since, failing_checks, disputed_since, judged_on,
                tell_on, pages, page_digests, items_digest, digested_by, unverified_told_at,
                (
                    SELECT parser_version
                    FROM observations
                    WHERE company_id = companies.id
                      AND outcome = 'complete'
                    ORDER BY observations.id DESC
                    LIMIT 1
                ) AS read_by
         FROM companies
         JOIN standings ON standings.company_id = companies.id
         WHERE id = ANY ($1)
         ORDER BY id",
        &ids
    )
    .fetch_all(connection)
    .await
    .map_err(during("reading companies"))?;
    rows.into_iter()
        .map(|row| {
            let (held, gone) = held.remove(&row.id).unwrap_or_default();
            Ok(Record {
                id: CompanyId(row.id),
                keyword: read_keyword(&row.keyword, row.id)?,
                name: row.name,
                snapshot: Snapshot {
                    prefix: row.prefix.as_deref().map(Prefix::new),
                    baseline_at: row.baseline_at,
                    held,
                    doubts: doubts.remove(&row.id).unwrap_or_default(),
                    gone,
                },
                told: told.remove(&row.id).unwrap_or_default(),
                watched_since: row.watched_since,
                last_asked_at: row.last_asked_at,
                owes_answer: row.owes_answer,
                last_verified_at: row.last_verified_at,
                last_outcome: row.last_outcome.map(|text| read_outcome(&text, row.id)).transpose()?,
                last_code: row.last_code,
                last_reason: row.last_reason,
                failing_since: row.failing_since,
                failing_checks: row.failing_checks,
                disputed_since: row.disputed_since,
                judged_on: row.judged_on,
                tell_on: row.tell_on,
                pages: row.pages,
                digests: AnswerDigests::of_row(row.page_digests, row.items_digest, row.digested_by),
                unverified_told_at: row.unverified_told_at,
                snoozes: snoozes.remove(&row.id).unwrap_or_default(),
                renewals: renewals.remove(&row.id).unwrap_or_default(),
                read_by: row.read_by,
                troubles: troubles.remove(&row.id).unwrap_or_default(),
            })
        })
        .collect()
}

pub(in crate::store) type Doubts = BTreeMap<(HoldingKey, Field), Doubt>;

/// What is in doubt, by company.
pub(in crate::store) async fn load_doubts(
    connection: &mut PgConnection,
    ids: &[i64],
) -> Result<HashMap<i64, Doubts>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT company_id, number, qualification_key, field, difference AS "difference: Json<Difference>",
                  first_seen_at, last_look_at, looks, looks_needed, mass, told_as, counter_looks,
                  counter_looks_needed, retracted, told_at
           FROM doubts
           WHERE company_id = ANY ($1)
             -- An older version may have left several that were overtaken: now it is one at a time.
             AND place = 0"#,
        ids
    )
    .fetch_all(connection)
    .await
    .map_err(during("reading doubts"))?;
    let mut companies: HashMap<i64, Doubts> = HashMap::new();
    for row in rows {
        let id = row.company_id;
        let key = HoldingKey {
            number: read_number("doubts", &row.number, id)?,
            qualification: QualificationKey::stored(row.qualification_key),
        };
        let field: Field =
            row.field.parse().map_err(|source: UnknownName| unreadable("doubts", "field", id, source))?;
        let told_as = row.told_as.map(|kind| read_change("doubts", &kind, id)).transpose()?;
        let doubt = Doubt {
            difference: row.difference.0,
            first_seen_at: row.first_seen_at,
            last_look_at: row.last_look_at,
            looks: row.looks.unsigned_abs(),
            looks_needed: row.looks_needed.unsigned_abs(),
            mass: row.mass,
            told_as,
            told_at: row.told_at,
            counter_looks: row.counter_looks.unsigned_abs(),
            counter_looks_needed: row.counter_looks_needed.unsigned_abs(),
            retracted: row.retracted,
        };
        companies.entry(id).or_default().insert((key, field), doubt);
    }
    Ok(companies)
}

async fn load_told(
    connection: &mut PgConnection,
    ids: &[i64],
) -> Result<HashMap<i64, Vec<Told>>, StoreError> {
    let rows = sqlx::query!(
        "SELECT company_id, number, last_day, kind, threshold, told_on
         FROM told
         WHERE company_id = ANY ($1)",
        ids
    )
    .fetch_all(connection)
    .await
    .map_err(during("reading what was told"))?;
    let mut companies: HashMap<i64, Vec<Told>> = HashMap::new();
    for row in rows {
        let told = Told {
            number: read_number("told", &row.number, row.company_id)?,
            end: row.last_day,
            kind: read_change("told", &row.kind, row.company_id)?,
            threshold: row.threshold,
            day: row.told_on,
        };
        companies.entry(row.company_id).or_default().push(told);
    }
    Ok(companies)
}

async fn load_troubles(
    connection: &mut PgConnection,
    ids: &[i64],
) -> Result<HashMap<i64, Vec<(Trouble, String)>>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT company_id AS "company_id!", kind, cause
           FROM troubles
           WHERE company_id = ANY ($1)
             AND resolved_at IS NULL"#,
        ids
    )
    .fetch_all(connection)
    .await
    .map_err(during("reading the troubles of companies"))?;
    let mut companies: HashMap<i64, Vec<(Trouble, String)>> = HashMap::new();
    for row in rows {
        let Some(trouble) = known_trouble(&row.kind) else { continue };
        companies.entry(row.company_id).or_default().push((trouble, row.cause));
    }
    Ok(companies)
}

/// The kind of a trouble; `None` for one of a newer version, which this one can neither tell nor end, and leaves alone.
pub(in crate::store) fn known_trouble(kind: &str) -> Option<Trouble> {
    kind.parse().ok()
}

fn read_number(table: &'static str, text: &str, id: i64) -> Result<CertificateNumber, StoreError> {
    CertificateNumber::try_from(text.to_owned()).map_err(|source| unreadable(table, "number", id, source))
}

fn read_change(table: &'static str, text: &str, id: i64) -> Result<Change, StoreError> {
    match text.parse::<EventKind>() {
        Ok(EventKind::Change(change)) => Ok(change),
        Ok(kind) => Err(unreadable(table, "kind", id, NotOfReaders(kind))),
        Err(source) => Err(unreadable(table, "kind", id, source)),
    }
}

/// A kind that readers never get stands where one of theirs belongs.
#[derive(Debug, thiserror::Error)]
#[error("{0} is no kind of event for readers")]
struct NotOfReaders(EventKind);

fn unreadable(
    table: &'static str,
    column: &'static str,
    id: i64,
    source: impl std::error::Error + Send + Sync + 'static,
) -> StoreError {
    StoreError::Unreadable { table, column, id: format!("of company {id}"), source: Box::new(source) }
}
