//! How the companies of the file stand, all together: of each only what decides when it is due is read.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use futures_util::TryStreamExt as _;
use sqlx::PgPool;

use crate::config::{Company, Watchlist};
use crate::domain::health::Unasked;
use crate::domain::rhythm::OccasionsByLine;
use crate::domain::wall_clock::hour_of_day;
use crate::store::StoreError;
use crate::store::companies::CompanyId;
use crate::store::reports::overview;

/// The companies of a watchlist by keyword, with their places in it.
pub struct Entries<'a> {
    companies: &'a [Company],
    places: HashMap<&'a str, u32>,
}

impl<'a> Entries<'a> {
    #[must_use]
    pub fn of(watchlist: &'a Watchlist) -> Self {
        let companies = &*watchlist.companies;
        let keywords = companies.iter().map(|company| company.keyword.as_str());
        Self { companies, places: keywords.zip(0..).collect() }
    }

    /// Whether the file names it.
    #[must_use]
    pub fn names(&self, keyword: &str) -> bool {
        self.places.contains_key(keyword)
    }

    /// The company with this keyword.
    #[must_use]
    pub fn get(&self, keyword: &str) -> Option<&'a Company> {
        self.companies.get(self.place(keyword)?)
    }

    /// The place of the company with this keyword.
    #[must_use]
    pub fn place(&self, keyword: &str) -> Option<usize> {
        self.places.get(keyword).and_then(|place| usize::try_from(*place).ok())
    }
}

/// How the companies of the file stand, all together.
#[derive(Debug, Clone, Default)]
pub struct Standings {
    /// Of how many anything is stored.
    pub stored: usize,
    /// Never verified, or not for too long.
    pub unverified: usize,
    /// Of these, never verified.
    pub never_verified: usize,
    /// When the most neglected of the others was verified.
    pub oldest_verified_at: Option<DateTime<Utc>>,
    /// When somebody is due next.
    pub next_due: Option<DateTime<Utc>>,
    /// Who is due.
    pub unasked: Option<Unasked>,
    /// Who is due, or missed an occurrence that a daemon leaves for the next.
    pub missed: Option<Unasked>,
    pub last_asked_at: Option<DateTime<Utc>>,
    pub asked_today: i64,
    pub verified_today: i64,
    /// With whom something is wrong.
    pub ailing: Vec<CompanyId>,
}

/// Reads how the companies of `watchlist` stand at `now`.
///
/// # Errors
/// When the database fails.
pub async fn standings(
    pool: &PgPool,
    (watchlist, entries): (&Watchlist, &Entries<'_>),
    now: DateTime<Utc>,
) -> Result<Standings, StoreError> {
    let mut occasions = OccasionsByLine::at(&watchlist.schedule.check, watchlist.timezone, now);
    let today = watchlist.day_of(now);
    let midnight = hour_of_day(watchlist.timezone, today, 0).unwrap_or(now);
    let mut found = Standings::default();
    let earliest = |one: Option<DateTime<Utc>>, other| one.into_iter().chain(other).min();
    let mut overviews = std::pin::pin!(overview::each_overview(pool));
    while let Some(overview) = overviews.try_next().await? {
        let Some(company) = entries.get(&overview.keyword) else { continue };
        found.stored += 1;
        found.ailing.extend(overview.ailing);
        found.unverified += usize::from(is_stale(watchlist, company, overview.last_verified_at, now));
        found.never_verified += usize::from(overview.last_verified_at.is_none());
        found.oldest_verified_at = earliest(found.oldest_verified_at, overview.last_verified_at);
        let Some(asked) = overview.asked else {
            found.next_due = earliest(found.next_due, Some(now));
            continue;
        };
        let line = watchlist.check_line_of(company);
        let occasions = occasions.of(line);
        found.next_due = earliest(found.next_due, occasions.next_due(&asked));
        let due_since = occasions.due(&asked).map(|due| due.since(&asked));
        found.unasked = due_since.map(|since| Unasked::and(found.unasked, since)).or(found.unasked);
        let missed_since = occasions.missed_after(&asked).and_then(|after| {
            // Where an earlier one is known already it need not be found: that takes long.
            let first = found.missed.map(|missed| missed.since).filter(|first| *first <= after);
            first.or_else(|| line.next(watchlist.timezone, after))
        });
        let missed_since = earliest(missed_since, due_since);
        found.missed = missed_since.map(|since| Unasked::and(found.missed, since)).or(found.missed);
        let asked_at = asked.last_asked_at.max(asked.tried_at);
        found.last_asked_at = found.last_asked_at.max(asked_at);
        // As in the day's work that the heartbeat tells: not those that failed before.
        let has_failed_before = overview.failing_since.is_some_and(|since| since < midnight);
        found.asked_today += i64::from(asked_at >= Some(midnight) && !has_failed_before);
        found.verified_today += i64::from(overview.last_verified_at >= Some(midnight));
    }
    // Whom nobody has stored yet is due at once, and was never verified.
    let unknown = watchlist.companies.len().saturating_sub(found.stored);
    found.unverified += unknown;
    found.never_verified += unknown;
    found.next_due = earliest(found.next_due, (unknown > 0).then_some(now));
    Ok(found)
}

/// Whether `at` lies further back than a company may go unverified.
fn is_stale(watchlist: &Watchlist, company: &Company, at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    let Some(at) = at else { return true };
    let Ok(age) = (now - at).to_std() else { return false };
    // The interval is worked out only where it can matter.
    age > watchlist.alerts.stale_after && age > watchlist.stale_after_of(company, now)
}
