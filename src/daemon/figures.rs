//! The figures that monitors are shown, as they are read from rows.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use sqlx::PgPool;

use crate::clock::monotonic;
use crate::config::Watchlist;
use crate::domain::wall_clock::hour_of_day;
use crate::standing::{self, Beside, Deadlines, Entries, ServiceState};
use crate::store::StoreError;
use crate::store::asking::budget::Calls;
use crate::store::outbox::events::EventId;
use crate::store::reports::figures::{self, Checks, HeldCount};

/// What ends next changes by the day, and is the dearest to read: so often it is read at most.
const DEADLINES_EVERY: Duration = Duration::from_mins(10);

/// A transaction that stores events takes seconds. Those that it stored have lower ids than others that were there before: they are
/// counted for so long.
const EVENTS_SETTLE_WITHIN: TimeDelta = TimeDelta::minutes(10);

/// What was read at one moment.
#[derive(Debug, Clone)]
pub(super) struct Figures {
    pub(super) read_at: DateTime<Utc>,
    pub(super) watched: usize,
    pub(super) service: ServiceState,
    pub(super) sweeps: i64,
    pub(super) checks: Checks,
    pub(super) calls_ever: Calls,
    pub(super) limit: Option<u32>,
    pub(super) held: HeldCount,
    /// When today began.
    pub(super) held_before: HeldCount,
    pub(super) missing: HeldCount,
    /// By kind, since the daemon began.
    pub(super) events: BTreeMap<String, i64>,
    pub(super) deadlines: Deadlines,
}

/// Reads figures, and keeps those that cost much for a while.
#[derive(Debug, Default)]
pub(super) struct FiguresReader {
    events: Option<EventCount>,
    calls_ever: Calls,
    /// Of which day.
    held_before: Option<(NaiveDate, HeldCount)>,
    deadlines: Option<Known>,
}

/// What ends next, of which day, and until when that will do.
#[derive(Debug, Clone)]
struct Known {
    today: NaiveDate,
    until: std::time::Instant,
    deadlines: Deadlines,
}

impl FiguresReader {
    /// From now on events are counted.
    pub(super) async fn begin(&mut self, pool: &PgPool) -> Result<(), StoreError> {
        if self.events.is_none() {
            self.events = Some(EventCount::after(figures::last_event(pool).await?));
        }
        Ok(())
    }

    /// Reads all figures.
    pub(super) async fn read(
        &mut self,
        pool: &PgPool,
        watchlist: &Watchlist,
        beside: Beside,
        now: DateTime<Utc>,
    ) -> Result<Figures, StoreError> {
        self.begin(pool).await?;
        let entries = Entries::of(watchlist);
        let file = (watchlist, &entries);
        let service = ServiceState::read(pool, file, beside, now).await?;
        let (sweeps, checks) = figures::sweeps_ever(pool).await?;
        let today = watchlist.day_of(now);
        let midnight = hour_of_day(watchlist.timezone, today, 0).unwrap_or(now);
        Ok(Figures {
            read_at: now,
            watched: watchlist.companies.len(),
            service,
            sweeps,
            checks,
            calls_ever: self.calls_ever(pool).await?,
            limit: watchlist.api.calls_per_day.map(std::num::NonZeroU32::get),
            held: figures::held(pool).await?,
            held_before: self.held_before(pool, today, midnight).await?,
            missing: figures::missing(pool).await?,
            events: self.events(pool, now).await?,
            deadlines: self.deadlines(pool, file, today).await?,
        })
    }

    /// Pages that were not needed after all are given back: for a counter that would be a new beginning.
    async fn calls_ever(&mut self, pool: &PgPool) -> Result<Calls, StoreError> {
        let (before, read) = (self.calls_ever, figures::calls_ever(pool).await?);
        self.calls_ever = Calls {
            checks: read.checks.max(before.checks),
            pages: read.pages.max(before.pages),
            confirmations: read.confirmations.max(before.confirmations),
            repeats: read.repeats.max(before.repeats),
            probes: read.probes.max(before.probes),
        };
        Ok(self.calls_ever)
    }

    async fn held_before(
        &mut self,
        pool: &PgPool,
        today: NaiveDate,
        midnight: DateTime<Utc>,
    ) -> Result<HeldCount, StoreError> {
        if let Some((_, held)) = self.held_before.filter(|(day, _)| *day == today) {
            return Ok(held);
        }
        let held = figures::held_before(pool, midnight).await?;
        self.held_before = Some((today, held));
        Ok(held)
    }

    async fn events(
        &mut self,
        pool: &PgPool,
        now: DateTime<Utc>,
    ) -> Result<BTreeMap<String, i64>, StoreError> {
        match &mut self.events {
            Some(events) => events.by_kind(pool, now).await,
            None => Ok(BTreeMap::new()),
        }
    }

    async fn deadlines(
        &mut self,
        pool: &PgPool,
        file: (&Watchlist, &Entries<'_>),
        today: NaiveDate,
    ) -> Result<Deadlines, StoreError> {
        let begun = monotonic();
        if let Some(known) =
            self.deadlines.as_ref().filter(|known| known.today == today && begun < known.until)
        {
            return Ok(known.deadlines.clone());
        }
        let deadlines = standing::deadlines(pool, file, today).await?;
        self.deadlines = Some(Known { today, until: begun + DEADLINES_EVERY, deadlines: deadlines.clone() });
        Ok(deadlines)
    }
}

/// Events by kind. Of a table that grows for ever only the newest rows are counted at each look.
#[derive(Debug)]
struct EventCount {
    /// Those up to this one are in `counted`.
    settled: EventId,
    counted: BTreeMap<String, i64>,
    /// The last one at an earlier look: when nothing below it can come any more it is settled.
    settling: Option<(EventId, DateTime<Utc>)>,
}

impl EventCount {
    fn after(last: EventId) -> Self {
        Self { settled: last, counted: BTreeMap::new(), settling: None }
    }

    async fn by_kind(
        &mut self,
        pool: &PgPool,
        now: DateTime<Utc>,
    ) -> Result<BTreeMap<String, i64>, StoreError> {
        let is_over = |at: DateTime<Utc>| now - at >= EVENTS_SETTLE_WITHIN || at > now;
        if let Some((last, _)) = self.settling.filter(|(_, at)| is_over(*at)) {
            add(&mut self.counted, figures::events_between(pool, self.settled, last).await?);
            (self.settled, self.settling) = (last, None);
        }
        let last = figures::last_event(pool).await?;
        if last > self.settled {
            self.settling.get_or_insert((last, now));
        }
        let mut all = self.counted.clone();
        add(&mut all, figures::events_between(pool, self.settled, last).await?);
        Ok(all)
    }
}

fn add(counts: &mut BTreeMap<String, i64>, more: Vec<(String, i64)>) {
    for (kind, count) in more {
        *counts.entry(kind).or_default() += count;
    }
}
