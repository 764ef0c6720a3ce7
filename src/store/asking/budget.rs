//! Paid calls, counted before they are made (design 2, "Counted").

use chrono::{DateTime, Days, FixedOffset, NaiveDate, NaiveTime, Utc};
use serde::Serialize;
use sqlx::postgres::{PgConnection, PgPool};

use crate::store::error::{StoreError, during, unless_lost};

/// Why a call is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// The first page of an ordinary check.
    Check,
    /// A further page.
    Page,
    /// The first page of a check of what is in doubt.
    Confirmation,
    /// The second try at the end of a sweep.
    Repeat,
    /// A probe while asking is stopped.
    Probe,
}

/// What came of counting a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// It is counted and may be made.
    Yes,
    /// The day's calls are used up.
    Spent,
}

/// The calls of one budget day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Calls {
    /// First pages of ordinary checks.
    pub checks: i64,
    /// Further pages.
    pub pages: i64,
    /// First pages of checks of what was in doubt.
    pub confirmations: i64,
    /// Second tries.
    pub repeats: i64,
    /// Probes.
    pub probes: i64,
}

impl Calls {
    /// All of them.
    #[must_use]
    pub fn total(&self) -> i64 {
        self.checks + self.pages + self.confirmations + self.repeats + self.probes
    }
}

/// Asia/Shanghai has been UTC+8 without change since 1992; the provider's day is a day there, whatever `timezone` says.
const SHANGHAI_SECONDS_EAST: i32 = 8 * 3600;

/// The budget day of an instant.
#[must_use]
pub fn budget_day(at: DateTime<Utc>) -> NaiveDate {
    (at.naive_utc() + chrono::TimeDelta::seconds(i64::from(SHANGHAI_SECONDS_EAST))).date()
}

/// The first instant of the budget day after that of `at`: the next midnight in Asia/Shanghai.
#[must_use]
pub fn next_budget_day(at: DateTime<Utc>) -> DateTime<Utc> {
    let midnight =
        budget_day(at).checked_add_days(Days::new(1)).unwrap_or(NaiveDate::MAX).and_time(NaiveTime::MIN);
    FixedOffset::east_opt(SHANGHAI_SECONDS_EAST)
        .and_then(|shanghai| midnight.and_local_timezone(shanghai).single())
        .map_or(DateTime::<Utc>::MAX_UTC, |midnight| midnight.with_timezone(&Utc))
}

impl Calls {
    /// So many calls for one cause.
    #[must_use]
    pub fn of(cause: Cause, calls: i64) -> Self {
        let mut all = Self::default();
        match cause {
            Cause::Check => all.checks = calls,
            Cause::Page => all.pages = calls,
            Cause::Confirmation => all.confirmations = calls,
            Cause::Repeat => all.repeats = calls,
            Cause::Probe => all.probes = calls,
        }
        all
    }
}

impl std::ops::Add for Calls {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            checks: self.checks + other.checks,
            pages: self.pages + other.pages,
            confirmations: self.confirmations + other.confirmations,
            repeats: self.repeats + other.repeats,
            probes: self.probes + other.probes,
        }
    }
}

/// Counts calls of the budget day of `now`, all of them or, where they exceed what `limit` (0: none) leaves, none. Committed
/// when it returns: a database that cannot write stops the asking.
///
/// # Errors
/// When the database fails: the calls must not be made.
pub async fn count(
    connection: &mut PgConnection,
    calls: Calls,
    limit: u32,
    now: DateTime<Utc>,
) -> Result<Counted, StoreError> {
    unless_lost!(async {
        let row = sqlx::query!(
            "INSERT INTO call_days AS used (day, checks, pages, confirmations, repeats, probes)
             SELECT $1::date, $2::bigint, $3::bigint, $4::bigint, $5::bigint, $6::bigint
             WHERE $7::bigint = 0 OR $8::bigint <= $7
             ON CONFLICT (day) DO UPDATE
             SET checks = used.checks + excluded.checks,
                 pages = used.pages + excluded.pages,
                 confirmations = used.confirmations + excluded.confirmations,
                 repeats = used.repeats + excluded.repeats,
                 probes = used.probes + excluded.probes
             -- The row is locked while this is judged: all daemons together stay within the limit.
             WHERE $7 = 0
                OR used.checks + used.pages + used.confirmations + used.repeats + used.probes + $8 <= $7
             RETURNING day",
            budget_day(now),
            calls.checks,
            calls.pages,
            calls.confirmations,
            calls.repeats,
            calls.probes,
            i64::from(limit),
            calls.total()
        )
        .fetch_optional(&mut *connection)
        .await
        .map_err(during("counting calls"))?;
        Ok(if row.is_some() { Counted::Yes } else { Counted::Spent })
    })
}

/// Gives back further pages that were counted and not asked for: to the budget day of `paid_at`. What was counted before
/// midnight is none of the calls that the new day has made.
///
/// # Errors
/// When the database fails: they stay counted.
pub async fn give_back_pages(
    connection: &mut PgConnection,
    pages: i64,
    paid_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE call_days SET pages = greatest(pages - $2, 0) WHERE day = $1",
        budget_day(paid_at),
        pages
    )
    .execute(connection)
    .await
    .map_err(during("giving calls back"))?;
    Ok(())
}

/// The calls of the budget day of `now`.
///
/// # Errors
/// When the database fails.
pub async fn calls_of_the_day(pool: &PgPool, now: DateTime<Utc>) -> Result<Calls, StoreError> {
    let calls = sqlx::query_as!(
        Calls,
        "SELECT checks, pages, confirmations, repeats, probes
         FROM call_days
         WHERE day = $1",
        budget_day(now)
    )
    .fetch_optional(pool)
    .await
    .map_err(during("reading the calls of the day"))?;
    Ok(calls.unwrap_or_default())
}
