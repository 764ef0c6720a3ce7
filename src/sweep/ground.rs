//! What all parts of a sweep stand on: the database, the file, the clock, and whether anything is stored.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};

use chrono::{DateTime, Utc};

use super::teller::Teller;
use crate::clock::Clock;
use crate::config::{Company, Watchlist};
use crate::domain::compare::Upstream;
use crate::domain::event::{Event, Trouble};
use crate::store::outbox::events::{EventId, Recorded};
use crate::store::outbox::troubles::{self, Turn};
use crate::store::steps::Steps;
use crate::store::{Store, StoreError};

/// Whether what is found is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It is stored and told.
    ForGood,
    /// Only the count of the calls is stored.
    DryRun,
}

pub(super) struct Ground<'a> {
    pub(super) store: &'a Store,
    pub(super) watchlist: &'a Watchlist,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) steps: &'a dyn Steps,
    pub(super) mode: Mode,
    /// The places of the entries in the file, by keyword. Made when first needed: mostly nobody is due.
    places: OnceLock<Vec<usize>>,
    imagined: AtomicI64,
    upstream: OnceLock<Upstream>,
}

impl<'a> Ground<'a> {
    pub(super) fn new(
        store: &'a Store,
        watchlist: &'a Watchlist,
        clock: Arc<dyn Clock>,
        steps: &'a dyn Steps,
        mode: Mode,
    ) -> Self {
        let (places, imagined, upstream) = (OnceLock::new(), AtomicI64::new(0), OnceLock::new());
        Self { store, watchlist, clock, steps, mode, places, imagined, upstream }
    }

    /// Whether many companies have lost something at once, as it stood when the sweep began.
    pub(super) fn upstream(&self) -> Upstream {
        self.upstream.get().copied().unwrap_or(Upstream::Trusted)
    }

    pub(super) fn begins_with(&self, upstream: Upstream) {
        let _ = self.upstream.set(upstream);
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    pub(super) fn teller(&self) -> Teller<'a> {
        Teller { watchlist: self.watchlist, now: self.clock.now() }
    }

    /// The place in the file of the entry with this keyword, and the entry. `guess` is tried first: rows are numbered in the
    /// order of the file, so the next row is mostly the next entry's.
    pub(super) fn entry(&self, keyword: &str, guess: usize) -> Option<(usize, &'a Company)> {
        let entries = &self.watchlist.companies;
        if let Some(entry) = entries.get(guess).filter(|entry| entry.keyword.as_str() == keyword) {
            return Some((guess, entry));
        }
        let keyword_at = |place: &usize| entries.get(*place).map(|entry| entry.keyword.as_str());
        let places = self.places.get_or_init(|| {
            let mut places: Vec<usize> = (0..entries.len()).collect();
            places.sort_unstable_by_key(keyword_at);
            places
        });
        let found = places.binary_search_by_key(&Some(keyword), keyword_at).ok()?;
        let place = *places.get(found)?;
        Some((place, entries.get(place)?))
    }

    /// Tells the operators what is new of `turns`.
    pub(super) async fn tell(&self, turns: Vec<Turn>) -> Result<Vec<Recorded>, StoreError> {
        if self.mode == Mode::DryRun {
            return Ok(self.imagined(turns.into_iter().map(|turn| turn.owed.event)));
        }
        troubles::tell(self.store.pool(), &turns).await
    }

    /// The ends of the open troubles of these kinds that are about no company.
    pub(super) async fn ends_of(&self, kinds: &[Trouble]) -> Result<Vec<Turn>, StoreError> {
        let open = troubles::open_of_the_service(self.store.pool()).await?;
        let ours = open.iter().filter(|open| kinds.contains(&open.trouble));
        Ok(ours.map(|open| self.teller().ends(open.trouble, &open.cause, None)).collect())
    }

    /// Events of a dry run: with ids that no row has.
    pub(super) fn imagined(&self, events: impl IntoIterator<Item = Event>) -> Vec<Recorded> {
        let number = |event| {
            let before = self.imagined.fetch_sub(1, Ordering::Relaxed);
            Recorded { id: EventId::imagined(before - 1), event }
        };
        events.into_iter().map(number).collect()
    }
}
