//! Calls, counted before they are made (design 2, "Counted"): all that wait are counted by one committed statement.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use chrono::{DateTime, Utc};
use sqlx::Postgres;
use sqlx::pool::PoolConnection;

use super::breaker::Breaker;
use super::ground::Ground;
use crate::store::StoreError;
use crate::store::asking::budget::{self, Calls, Counted};

/// Counts the calls of one sweep. Whoever comes while a statement is under way goes into the next one.
pub(super) struct Counter<'a> {
    ground: &'a Ground<'a>,
    breaker: &'a Breaker,
    limit: u32,
    waiting: Mutex<Vec<Arc<Ticket>>>,
    /// Who holds it counts for all who wait. The connection is kept for as long as the sweep asks, where it
    /// can be spared.
    turnstile: tokio::sync::Mutex<Option<PoolConnection<Postgres>>>,
}

/// Calls that wait to be counted, and what came of it.
struct Ticket {
    calls: Calls,
    counted: OnceLock<Counted>,
}

impl<'a> Counter<'a> {
    pub(super) fn new(ground: &'a Ground<'a>, breaker: &'a Breaker) -> Self {
        let limit = ground.watchlist.api.calls_per_day.map_or(0, std::num::NonZeroU32::get);
        Self { ground, breaker, limit, waiting: Mutex::default(), turnstile: tokio::sync::Mutex::default() }
    }

    /// The most calls of a day; 0: no limit.
    pub(super) fn limit(&self) -> u32 {
        self.limit
    }

    /// Counts `calls`, all of them or none; says whether they may be made. None may once asking is over.
    ///
    /// # Errors
    /// When the database fails: the calls must not be made.
    pub(super) async fn count(&self, calls: Calls) -> Result<Counted, StoreError> {
        let ticket = Arc::new(Ticket { calls, counted: OnceLock::new() });
        self.waiting().push(Arc::clone(&ticket));
        let mut turnstile = self.turnstile.lock().await;
        // Where it failed for who came before, another connection might still count: for an answer that nobody could store.
        if self.breaker.is_over() && ticket.counted.get().is_none() {
            return Ok(Counted::Spent);
        }
        // Somebody may have counted for us while we waited for our turn.
        if let Some(counted) = ticket.counted.get() {
            return Ok(*counted);
        }
        let mut group = std::mem::take(&mut *self.waiting());
        // Not there any more when a group with it failed to be counted.
        if !group.iter().any(|waiting| Arc::ptr_eq(waiting, &ticket)) {
            group.push(Arc::clone(&ticket));
        }
        // Apart: of many that wait, one counts.
        Box::pin(self.count_group(&mut turnstile, &group)).await.inspect_err(|_| *turnstile = None)?;
        self.keep_if_it_can_be_spared(&mut turnstile);
        Ok(ticket.counted.get().copied().unwrap_or(Counted::Spent))
    }

    /// Gives back further pages that were counted, at `paid_at` at the earliest, and turned out not to be needed.
    ///
    /// # Errors
    /// When the database fails: they stay counted.
    pub(super) async fn give_back_pages(&self, pages: i64, paid_at: DateTime<Utc>) -> Result<(), StoreError> {
        let mut turnstile = self.turnstile.lock().await;
        let connection = self.connection(&mut turnstile).await?;
        let given = budget::give_back_pages(connection, pages, paid_at).await;
        self.keep_if_it_can_be_spared(&mut turnstile);
        given
    }

    fn keep_if_it_can_be_spared(&self, turnstile: &mut Option<PoolConnection<Postgres>>) {
        if !self.ground.store.can_spare_one() {
            *turnstile = None;
        }
    }

    async fn count_group(
        &self,
        turnstile: &mut Option<PoolConnection<Postgres>>,
        group: &[Arc<Ticket>],
    ) -> Result<(), StoreError> {
        let connection = self.connection(turnstile).await?;
        let now = self.ground.now();
        let all = group.iter().fold(Calls::default(), |all, ticket| all + ticket.calls);
        if budget::count(connection, all, self.limit, now).await? == Counted::Yes {
            for ticket in group {
                // Set once: a ticket is in one group.
                let _ = ticket.counted.set(Counted::Yes);
            }
            return Ok(());
        }
        // Not all of them fit into what the day has left: in the order of coming, some may.
        for ticket in group {
            let counted = budget::count(connection, ticket.calls, self.limit, now).await?;
            let _ = ticket.counted.set(counted);
        }
        Ok(())
    }

    async fn connection<'c>(
        &self,
        turnstile: &'c mut Option<PoolConnection<Postgres>>,
    ) -> Result<&'c mut PoolConnection<Postgres>, StoreError> {
        let kept = match turnstile.take() {
            Some(kept) => kept,
            None => self.ground.store.connection("counting calls").await?,
        };
        Ok(turnstile.insert(kept))
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Ticket>>> {
        // Nothing in here panics half-way through a change.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
