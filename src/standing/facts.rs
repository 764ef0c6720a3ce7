//! How the service stands: all that decides whether we are well, and what is shown beside it.

use chrono::{DateTime, Utc};
use sqlx::PgPool;

use crate::config::Watchlist;
use crate::domain::event::Trouble;
use crate::domain::health::Facts;
use crate::store::StoreError;
use crate::store::asking::budget::{self, Calls};
use crate::store::outbox::messages;
use crate::store::reports::health::of_the_service;
use crate::store::reports::{Swept, last_sweep, overview};

use super::companies::{Entries, Standings, standings};

/// What rows do not say.
#[derive(Debug, Clone, Default)]
pub struct Beside {
    /// Which pieces of a daemon's work fail, and why.
    pub failing_work: Vec<String>,
    /// Why the watchlist on disk is not the one in force.
    pub file_refused: Option<String>,
}

/// How everything stands, as `status` and monitors show it.
#[derive(Debug, Clone)]
pub struct ServiceState {
    pub companies: Standings,
    /// What decides whether we are well.
    pub facts: Facts,
    /// Companies of the file of which a difference awaits another look.
    pub in_doubt: usize,
    pub swept: Option<Swept>,
    /// Of the budget day.
    pub calls: Calls,
    pub mail: messages::Standing,
}

impl ServiceState {
    /// Reads how everything stands at `now`.
    ///
    /// # Errors
    /// When the database fails or a row cannot be read.
    pub async fn read(
        pool: &PgPool,
        (watchlist, entries): (&Watchlist, &Entries<'_>),
        beside: Beside,
        now: DateTime<Utc>,
    ) -> Result<Self, StoreError> {
        let companies = standings(pool, (watchlist, entries), now).await?;
        let calls = budget::calls_of_the_day(pool, now).await?;
        let facts = facts(pool, (watchlist, entries), &companies, beside, calls).await?;
        let in_doubt = overview::in_doubt(pool).await?;
        Ok(Self {
            companies,
            facts,
            in_doubt: in_doubt.iter().filter(|keyword| entries.names(keyword)).count(),
            swept: last_sweep(pool).await?,
            calls,
            mail: messages::standing(pool).await?,
        })
    }

    /// Companies whose answers are not known to be theirs.
    #[must_use]
    pub fn disputed(&self) -> usize {
        self.facts.ailing.iter().filter(|company| company.is_disputed).count()
    }

    /// Companies of which the provider finds nothing.
    #[must_use]
    pub fn not_found(&self) -> usize {
        self.facts.troubles.iter().filter(|open| open.trouble == Trouble::CompanyNotFound).count()
    }
}

/// For companies of the file that stand like this, and `calls` that were made on the budget day.
async fn facts(
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
