//! What troubles the operators: each told once per cause, then resolved once (design 4).

use chrono::{DateTime, Utc};
use sqlx::postgres::{PgConnection, PgPool};

use crate::domain::event::{EventKind, Trouble};
use crate::domain::keyword::Keyword;
use crate::store::checks::records::read_trouble;
use crate::store::companies::{CompanyId, read_keyword};
use crate::store::error::{StoreError, during};
use crate::store::outbox::events::{self, Owed, Recorded};

/// A trouble begins or ends. `owed.event` is what is told when it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// Tells one cause from another: a code, a certificate number, an address.
    pub cause: String,
    /// What operators are told, if it is new; its kind says whether the trouble begins or ends.
    pub owed: Owed,
}

/// An open trouble.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// What it is.
    pub trouble: Trouble,
    /// Its cause.
    pub cause: String,
    /// The company it is about.
    pub company: Option<CompanyId>,
    /// Since when it is open.
    pub opened_at: DateTime<Utc>,
}

/// Opens and resolves troubles, and owes their events: only what is new is told, and given back. Neither begins nor
/// commits.
pub(in crate::store) async fn turn(
    connection: &mut PgConnection,
    turns: &[Turn],
    now: DateTime<Utc>,
) -> Result<Vec<Recorded>, StoreError> {
    let mut told = Vec::new();
    for turn in turns {
        let is_new = match turn.owed.event.kind {
            EventKind::Trouble(trouble) => open(connection, trouble, turn, now).await?,
            EventKind::Resolved(trouble) => resolve(connection, trouble, turn, now).await?,
            EventKind::Change(_) => false,
        };
        if is_new {
            told.extend(events::owe(connection, std::slice::from_ref(&turn.owed)).await?);
        }
    }
    Ok(told)
}

/// The same as one transaction, for what is not part of a check.
///
/// # Errors
/// When the database fails: nothing is stored then.
pub async fn tell(pool: &PgPool, turns: &[Turn], now: DateTime<Utc>) -> Result<Vec<Recorded>, StoreError> {
    if turns.is_empty() {
        return Ok(Vec::new());
    }
    let mut tx = pool.begin().await.map_err(during("beginning to tell operators"))?;
    let told = turn(&mut tx, turns, now).await?;
    tx.commit().await.map_err(during("committing what operators are told"))?;
    Ok(told)
}

async fn open(
    connection: &mut PgConnection,
    trouble: Trouble,
    turn: &Turn,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let opened = sqlx::query!(
        "INSERT INTO troubles (kind, cause, company_id, opened_at)
         VALUES ($1, $2, $3, $4)
         ON CONFLICT (kind, cause, coalesce(company_id, 0)) WHERE resolved_at IS NULL DO NOTHING",
        trouble.as_str(),
        turn.cause,
        turn.owed.company.map(|id| id.0),
        now
    )
    .execute(connection)
    .await
    .map_err(during("opening a trouble"))?;
    Ok(opened.rows_affected() == 1)
}

async fn resolve(
    connection: &mut PgConnection,
    trouble: Trouble,
    turn: &Turn,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let resolved = sqlx::query!(
        "UPDATE troubles
         SET resolved_at = $4
         WHERE kind = $1
           AND cause = $2
           AND company_id IS NOT DISTINCT FROM $3
           AND resolved_at IS NULL",
        trouble.as_str(),
        turn.cause,
        turn.owed.company.map(|id| id.0),
        now
    )
    .execute(connection)
    .await
    .map_err(during("resolving a trouble"))?;
    Ok(resolved.rows_affected() > 0)
}

/// An open trouble of a company that is not in the file any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenOfOneWhoLeft {
    /// What it is.
    pub trouble: Trouble,
    /// Its cause.
    pub cause: String,
    /// The company.
    pub company: CompanyId,
    /// As the provider was asked.
    pub keyword: Keyword,
    /// What mails called it.
    pub name: String,
}

/// The open troubles of companies that have left the file: over, since nobody asks for them any more.
///
/// # Errors
/// When the database fails or a row cannot be read.
pub async fn open_of_those_who_left(pool: &PgPool) -> Result<Vec<OpenOfOneWhoLeft>, StoreError> {
    let rows = sqlx::query!(
        "SELECT troubles.id, kind, cause, companies.id AS company_id, keyword, name
         FROM troubles
         JOIN companies ON companies.id = troubles.company_id
         WHERE resolved_at IS NULL
           AND left_at IS NOT NULL
         ORDER BY troubles.id"
    )
    .fetch_all(pool)
    .await
    .map_err(during("reading the troubles of who left"))?;
    rows.into_iter()
        .map(|row| {
            Ok(OpenOfOneWhoLeft {
                trouble: read_trouble(&row.kind, row.id)?,
                cause: row.cause,
                company: CompanyId(row.company_id),
                keyword: read_keyword(&row.keyword, row.company_id)?,
                name: row.name,
            })
        })
        .collect()
}

/// Every open trouble, the oldest first.
///
/// # Errors
/// When the database fails or a stored kind cannot be read.
pub async fn open_troubles(pool: &PgPool) -> Result<Vec<Open>, StoreError> {
    let rows = sqlx::query!(
        "SELECT id, kind, cause, company_id, opened_at
         FROM troubles
         WHERE resolved_at IS NULL
         ORDER BY id"
    )
    .fetch_all(pool)
    .await
    .map_err(during("reading open troubles"))?;
    rows.into_iter()
        .map(|row| {
            let trouble = read_trouble(&row.kind, row.id)?;
            let company = row.company_id.map(CompanyId);
            Ok(Open { trouble, cause: row.cause, company, opened_at: row.opened_at })
        })
        .collect()
}
