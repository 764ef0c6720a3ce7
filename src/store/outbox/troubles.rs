//! What troubles the operators: each told once per cause, then resolved once (design 4).

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use sqlx::postgres::{PgConnection, PgPool};
use sqlx::types::Json;

use crate::domain::event::{EventKind, News, Trouble, TroubleFacts};
use crate::domain::keyword::Keyword;
use crate::store::checks::records::known_trouble;
use crate::store::companies::{CompanyId, read_keyword};
use crate::store::error::{StoreError, during, unless_lost};
use crate::store::outbox::events::{self, Owed, Recorded};

/// A trouble begins or ends. `owed.event` is what is told when it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// Tells one cause from another: a code, a certificate number, an address.
    pub cause: String,
    /// What operators are told, if it is new; its kind says whether the trouble begins or ends.
    pub owed: Owed,
}

/// An open trouble that is about no company.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// What it is.
    pub trouble: Trouble,
    /// Its cause.
    pub cause: String,
    /// Since when it is open.
    pub opened_at: DateTime<Utc>,
}

/// Opens and resolves troubles, and owes their events: only what is new is told, and given back. A few statements however
/// many they are. Neither begins nor commits.
pub(in crate::store) async fn turn(
    connection: &mut PgConnection,
    turns: &[&Turn],
) -> Result<Vec<Recorded>, StoreError> {
    let mut told = Vec::new();
    // In their order: of one cause the end of the last trouble comes before the next.
    for same in turns.chunk_by(|one, other| begins(one) == begins(other)) {
        let owed = if same.first().is_some_and(|turn| begins(turn)) {
            open(connection, same).await?
        } else {
            resolve(connection, same).await?
        };
        let ids = events::owe(connection, &owed.iter().collect::<Vec<_>>()).await?;
        told.extend(ids.into_iter().zip(owed).map(|(id, owed)| Recorded { id, event: owed.event }));
    }
    Ok(told)
}

fn begins(turn: &Turn) -> bool {
    matches!(turn.owed.event.kind(), EventKind::Trouble(_))
}

/// The same as one transaction, for what is not part of a check.
///
/// # Errors
/// When the database fails: nothing is stored then.
pub async fn tell(pool: &PgPool, turns: &[Turn]) -> Result<Vec<Recorded>, StoreError> {
    unless_lost!(async {
        if turns.is_empty() {
            return Ok(Vec::new());
        }
        let mut tx = pool.begin().await.map_err(during("beginning to tell operators"))?;
        let told = turn(&mut tx, &turns.iter().collect::<Vec<_>>()).await?;
        tx.commit().await.map_err(during("committing what operators are told"))?;
        Ok(told)
    })
}

/// Kind, cause and company: what tells one trouble from another.
type Key = (String, String, Option<i64>);

/// The same of several, one array a column.
struct Causes {
    kinds: Vec<String>,
    names: Vec<String>,
    companies: Vec<Option<i64>>,
    at: Vec<DateTime<Utc>>,
}

impl Causes {
    fn of(turns: &[&Turn]) -> Self {
        let kind = |turn: &&Turn| match turn.owed.event.kind() {
            EventKind::Trouble(trouble) | EventKind::Resolved(trouble) => trouble.as_str().to_owned(),
            EventKind::Change(change) => change.as_str().to_owned(),
        };
        Self {
            kinds: turns.iter().map(kind).collect(),
            names: turns.iter().map(|turn| turn.cause.clone()).collect(),
            companies: turns.iter().map(|turn| turn.owed.company.map(|id| id.0)).collect(),
            at: turns.iter().map(|turn| turn.owed.event.at).collect(),
        }
    }

    fn keys(self) -> impl Iterator<Item = Key> {
        let keys = self.kinds.into_iter().zip(self.names).zip(self.companies);
        keys.map(|((kind, cause), company)| (kind, cause, company))
    }
}

/// Gives what is owed of those that were not open yet. One that occurs twice is new once.
async fn open(connection: &mut PgConnection, turns: &[&Turn]) -> Result<Vec<Owed>, StoreError> {
    let causes = Causes::of(turns);
    let facts: Vec<Option<Json<&TroubleFacts>>> =
        turns.iter().map(|turn| turn.owed.event.trouble().map(Json)).collect();
    let opened = sqlx::query!(
        "INSERT INTO troubles (kind, cause, company_id, opened_at, facts)
         SELECT begun.*
         FROM UNNEST($1::text[], $2::text[], $3::bigint[], $4::timestamptz[], $5::json[]) AS begun
         ON CONFLICT (kind, cause, coalesce(company_id, 0)) WHERE resolved_at IS NULL DO NOTHING
         RETURNING kind, cause, company_id",
        &causes.kinds,
        &causes.names,
        &causes.companies as &[Option<i64>],
        &causes.at,
        &facts as &[Option<Json<&TroubleFacts>>]
    )
    .fetch_all(connection)
    .await
    .map_err(during("opening troubles"))?;
    let mut opened: HashSet<Key> =
        opened.into_iter().map(|row| (row.kind, row.cause, row.company_id)).collect();
    let new = causes.keys().zip(turns).filter(|(key, _)| opened.remove(key));
    Ok(new.map(|(_, turn)| turn.owed.clone()).collect())
}

/// Gives what is owed of those that were open, with what was told of them when they began.
async fn resolve(connection: &mut PgConnection, turns: &[&Turn]) -> Result<Vec<Owed>, StoreError> {
    let causes = Causes::of(turns);
    let resolved = sqlx::query!(
        r#"UPDATE troubles
         SET resolved_at = ended.at
         FROM UNNEST($1::text[], $2::text[], $3::bigint[], $4::timestamptz[]) AS ended (kind, cause, company_id, at)
         WHERE troubles.kind = ended.kind
           AND troubles.cause = ended.cause
           AND coalesce(troubles.company_id, 0) = coalesce(ended.company_id, 0)
           AND troubles.resolved_at IS NULL
         RETURNING troubles.kind AS "kind!", troubles.cause AS "cause!", troubles.company_id, troubles.opened_at AS "opened_at!",
                   troubles.facts AS "facts: Json<TroubleFacts>""#,
        &causes.kinds,
        &causes.names,
        &causes.companies as &[Option<i64>],
        &causes.at
    )
    .fetch_all(connection)
    .await
    .map_err(during("resolving troubles"))?;
    let mut begun: HashMap<Key, TroubleFacts> = HashMap::new();
    for row in resolved {
        let facts = row.facts.map(|Json(facts)| facts).unwrap_or_default();
        let facts = TroubleFacts { since: facts.since.or(Some(row.opened_at)), ..facts };
        begun.insert((row.kind, row.cause, row.company_id), facts);
    }
    let ended = causes.keys().zip(turns).filter_map(|(key, turn)| Some((begun.remove(&key)?, *turn)));
    Ok(ended.map(|(begun, turn)| ending(turn, begun)).collect())
}

/// What is owed of the end of a trouble that began so.
fn ending(turn: &Turn, begun: TroubleFacts) -> Owed {
    let mut owed = turn.owed.clone();
    if let News::Resolved(_, facts) = &mut owed.event.news {
        *facts = std::mem::take(facts).ending(begun);
    }
    owed
}

/// An open trouble of a company that is over, without anybody having ended it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenButOver {
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

/// The open troubles of companies that have left the file, as nobody asks for them any more; and those that they could not be
/// verified though they were since: one daemon may tell what another has just mended.
///
/// # Errors
/// When the database fails or a row cannot be read.
pub async fn open_but_over(pool: &PgPool) -> Result<Vec<OpenButOver>, StoreError> {
    let rows = sqlx::query!(
        "SELECT troubles.id, kind, cause, companies.id AS company_id, keyword, name
         FROM troubles
         JOIN companies ON companies.id = troubles.company_id
         JOIN standings ON standings.company_id = companies.id
         WHERE resolved_at IS NULL
           AND (left_at IS NOT NULL
                OR (kind = 'company_unverified' AND failing_since IS NULL AND last_verified_at > opened_at))
         ORDER BY troubles.id"
    )
    .fetch_all(pool)
    .await
    .map_err(during("reading which troubles are over"))?;
    rows.into_iter()
        .filter_map(|row| Some((known_trouble(&row.kind)?, row)))
        .map(|(trouble, row)| {
            Ok(OpenButOver {
                trouble,
                cause: row.cause,
                company: CompanyId(row.company_id),
                keyword: read_keyword(&row.keyword, row.company_id)?,
                name: row.name,
            })
        })
        .collect()
}

/// Every open trouble that is about no company, the oldest first.
///
/// # Errors
/// When the database fails.
pub async fn open_of_the_service(pool: &PgPool) -> Result<Vec<Open>, StoreError> {
    let rows = sqlx::query!(
        "SELECT kind, cause, opened_at
         FROM troubles
         WHERE resolved_at IS NULL
           AND company_id IS NULL
         ORDER BY id"
    )
    .fetch_all(pool)
    .await
    .map_err(during("reading open troubles"))?;
    let open = rows.into_iter().filter_map(|row| {
        Some(Open { trouble: known_trouble(&row.kind)?, cause: row.cause, opened_at: row.opened_at })
    });
    Ok(open.collect())
}
