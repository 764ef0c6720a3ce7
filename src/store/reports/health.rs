//! What decides whether the service is well (`domain::health`), as far as rows say it.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::postgres::PgPool;

use crate::domain::health::{Facts, OpenTrouble, Stopped};
use crate::store::asking::budget::Calls;
use crate::store::asking::daemons;
use crate::store::checks::records::known_trouble;
use crate::store::companies::read_keyword;
use crate::store::error::{StoreError, during};

/// What stands still, what mail was given up, which troubles are open, which daemons live: all but what companies say one by one. `used` of `limit`
/// calls are made today.
///
/// # Errors
/// When the database fails or a row cannot be read.
pub async fn of_the_service(pool: &PgPool, used: Calls, limit: Option<u32>) -> Result<Facts, StoreError> {
    let stops = stopped(pool).await?;
    let of = |what: &str| stops.iter().find(|(stopped, _)| stopped == what).map(|(_, stop)| stop.clone());
    let is_used_up = limit.is_some_and(|limit| used.total() >= i64::from(limit));
    let asking = of("asking").filter(|stop| {
        // Our own limit ends with the budget day, whenever somebody notices.
        let is_own_limit = stop.class == "quota" && stop.code.is_none() && stop.next_probe_at.is_none();
        !is_own_limit || is_used_up
    });
    let (dead_letters, given_up) = dead_letters(pool).await?;
    Ok(Facts {
        asking_stopped: asking.or_else(|| of("breaker")),
        mail_stopped: of("mail").or_else(|| of("courier")),
        dead_letters,
        given_up,
        troubles: open_troubles(pool).await?,
        daemons: daemons::all(pool).await?,
        ..Facts::default()
    })
}

/// So many addresses are named, whose mail was given up.
const GIVEN_UP_MAX: i32 = 5;

/// With `stops.what`.
async fn stopped(pool: &PgPool) -> Result<Vec<(String, Stopped)>, StoreError> {
    let rows = sqlx::query!("SELECT what, class, code, reason, advice, since, next_probe_at FROM stops");
    let rows = rows.fetch_all(pool).await.map_err(during("reading what stands still"))?;
    let stopped = rows.into_iter().map(|row| {
        let stopped = Stopped {
            class: row.class,
            code: row.code,
            reason: row.reason,
            advice: row.advice,
            since: row.since,
            next_probe_at: row.next_probe_at,
        };
        (row.what, stopped)
    });
    Ok(stopped.collect())
}

/// How many, and to whom, at most [`GIVEN_UP_MAX`].
async fn dead_letters(pool: &PgPool) -> Result<(u64, Vec<String>), StoreError> {
    let dead = sqlx::query!(
        r#"SELECT count(DISTINCT (address, dead_at, message_id)) AS "dead!",
                  (array_agg(DISTINCT address ORDER BY address))[1:$1] AS "to: Vec<String>"
           FROM deliveries
           WHERE dead_at IS NOT NULL"#,
        GIVEN_UP_MAX
    );
    let dead = dead.fetch_one(pool).await.map_err(during("counting dead letters"))?;
    Ok((dead.dead.unsigned_abs(), dead.to.unwrap_or_default()))
}

/// Every open trouble, but those of companies that have left the file: the next sweep ends them.
async fn open_troubles(pool: &PgPool) -> Result<Vec<OpenTrouble>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT troubles.id, kind, cause,
                  -- What began before it was told (mail that is late) says so in its facts.
                  COALESCE((facts ->> 'since')::timestamptz, opened_at) AS "since!",
                  company_id AS "company_id?", keyword AS "keyword?"
           FROM troubles
           LEFT JOIN companies ON companies.id = troubles.company_id
           WHERE resolved_at IS NULL
             AND left_at IS NULL
           ORDER BY troubles.id"#
    );
    let rows = rows.fetch_all(pool).await.map_err(during("reading open troubles"))?;
    let known = rows.into_iter().filter_map(|row| Some((known_trouble(&row.kind)?, row)));
    let troubles = known.map(|(trouble, row)| {
        let keyword = row.company_id.zip(row.keyword);
        Ok(OpenTrouble {
            trouble,
            cause: row.cause,
            company: keyword.map(|(id, keyword)| read_keyword(&keyword, id)).transpose()?,
            since: row.since,
        })
    });
    troubles.collect()
}

/// What became of a day's work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DaysWork {
    /// Companies of the file that are not judged yet.
    pub unjudged: i64,
    /// Companies of the file that were asked for since the day began, but those that failed before: that a dead entry is the
    /// only one to be asked is no bad day.
    pub asked: i64,
    /// Companies of the file that were verified since the day began.
    pub verified: i64,
}

/// How the day's work of this watchlist stands; `midnight` is when the day began.
///
/// # Errors
/// When the database fails.
pub async fn days_work(
    pool: &PgPool,
    watchlist: &str,
    today: NaiveDate,
    midnight: DateTime<Utc>,
) -> Result<DaysWork, StoreError> {
    sqlx::query_as!(
        DaysWork,
        r#"SELECT count(*) FILTER (WHERE tell_on <= $1) AS "unjudged!",
                  count(*) FILTER (
                      WHERE (last_asked_at >= $2 OR tried_at >= $2)
                        AND (failing_since IS NULL OR failing_since >= $2)
                  ) AS "asked!",
                  count(*) FILTER (WHERE last_verified_at >= $2) AS "verified!"
           FROM companies
           JOIN standings ON standings.company_id = companies.id
           JOIN listings ON listings.company_id = companies.id
           WHERE left_at IS NULL
             AND watchlist = $3"#,
        today,
        midnight,
        watchlist
    )
    .fetch_one(pool)
    .await
    .map_err(during("reading how the day's work stands"))
}
