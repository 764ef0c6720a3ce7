//! All that decides whether we are well.

use sqlx::PgPool;

use crate::config::Watchlist;
use crate::domain::health::Facts;
use crate::store::StoreError;
use crate::store::asking::budget::Calls;
use crate::store::reports::health::of_the_service;
use crate::store::reports::overview;

use super::companies::{Entries, Standings};

/// What rows do not say.
#[derive(Debug, Clone, Default)]
pub struct Beside {
    /// Which pieces of a daemon's work fail, and why.
    pub failing_work: Vec<String>,
    /// Why the watchlist on disk is not the one in force.
    pub file_refused: Option<String>,
}

/// Reads the facts, for companies of the file that stand like this, and `calls` that were made on the budget day.
///
/// # Errors
/// When the database fails or a row cannot be read.
pub async fn facts(
    pool: &PgPool,
    (watchlist, entries): (&Watchlist, &Entries<'_>),
    companies: &Standings,
    Beside { failing_work, file_refused }: Beside,
    calls: Calls,
) -> Result<Facts, StoreError> {
    let limit = watchlist.api.calls_per_day.map(std::num::NonZeroU32::get);
    let mut facts = of_the_service(pool, calls, limit).await?;
    facts.troubles.retain(|open| open.company.as_ref().is_none_or(|company| entries.names(company.as_str())));
    facts.ailing = overview::ailing(pool, &companies.ailing).await?;
    facts.ailing.sort_by_key(|company| entries.place(company.keyword.as_str()));
    Ok(Facts {
        failing_work,
        file_refused,
        unasked: companies.unasked,
        missed: companies.missed,
        last_asked_at: companies.last_asked_at,
        asked_today: companies.asked_today,
        verified_today: companies.verified_today,
        ..facts
    })
}
