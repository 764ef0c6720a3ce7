//! What status prints, for people and programs.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::commands::shapes::{RenewingShape, SnoozedShape};
use crate::domain::certificates::Certificate;
use crate::domain::health::{KnownDaemon, ShownProblem, Stopped};
use crate::store::asking::budget::Calls;

/// What `status --json` prints: a contract (design 7).
#[derive(Debug, Serialize)]
pub(super) struct StatusShape {
    /// When the last sweep ended.
    pub(super) last_sweep: Option<DateTime<Utc>>,
    /// When somebody is due next.
    pub(super) next_sweep: Option<DateTime<Utc>>,
    /// Those that work on the database, and those that were killed within a day.
    pub(super) daemons: Vec<KnownDaemon>,
    pub(super) companies: WatchedShape,
    /// Ends of which nothing is told for a while, by end.
    pub(super) snoozed: Vec<SnoozedShape>,
    /// Renewals that were filed, by the end that they put off.
    pub(super) renewing: Vec<RenewingShape>,
    pub(super) budget: BudgetShape,
    pub(super) stopped: Option<Stopped>,
    pub(super) mail: OwedShape,
    /// What is expiring or expired, by end.
    pub(super) ending: Vec<Certificate>,
    pub(super) problems: Vec<ShownProblem>,
    /// Where it is and how to back it up.
    pub(super) database: String,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct WatchedShape {
    pub(super) watched: usize,
    /// Never verified, or not for too long.
    pub(super) unverified: usize,
    pub(super) disputed: usize,
    pub(super) in_doubt: usize,
    /// The provider finds nothing under their keyword.
    pub(super) not_found: usize,
}

#[derive(Debug, Serialize)]
pub(super) struct BudgetShape {
    pub(super) used: i64,
    /// Null: no limit.
    pub(super) limit: Option<u32>,
    pub(super) resets_at: DateTime<Utc>,
    pub(super) by_cause: Calls,
}

#[derive(Debug, Serialize)]
pub(super) struct OwedShape {
    /// Messages to come.
    pub(super) owed: u64,
    pub(super) oldest: Option<DateTime<Utc>>,
    /// Dead letters.
    pub(super) dead: u64,
    pub(super) stopped: Option<Stopped>,
}
