//! The whole course of a sweep: plan, first call alone, the others, second tries, what only the whole can tell.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use futures_util::TryStreamExt as _;
use tokio_util::sync::CancellationToken;

use super::check::Attempt;
use super::error::SweepError;
use super::leave::{Answered, FAILURES_MAX, Leave, Start};
use super::notes::Notes;
use super::queue::{Plan, Planned};
use super::report::{Progress, Report};
use super::troubles::Teller;
use super::turns::answered;
use crate::clock::Clock;
use crate::config::{Company, Method, Watchlist};
use crate::domain::event::Event;
use crate::domain::keyword::Keyword;
use crate::domain::secret::Secret;
use crate::juhe::{self, Client};
use crate::store::asking::budget::{self, Cause};
use crate::store::checks::sweeps::note_sweep;
use crate::store::companies::wrong_clock;
use crate::store::companies::{self, CompanyId};
use crate::store::outbox::events::{EventId, Recorded};
use crate::store::outbox::troubles::{self, Turn};
use crate::store::steps::Steps;
use crate::store::{Store, StoreError};

/// Which companies a sweep is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whom {
    /// All of the file.
    All,
    /// These, whether due or not.
    Named(BTreeSet<Keyword>),
    /// Those of the file that are due.
    Due,
    /// Those of these that are due.
    DueOf(BTreeSet<Keyword>),
}

/// Whether what is found is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It is stored and told.
    ForGood,
    /// Only the count of the calls is stored.
    DryRun,
}

/// One sweep, with all it works with.
pub struct Sweep<'a> {
    pub(super) store: &'a Store,
    pub(super) watchlist: &'a Watchlist,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) steps: &'a dyn Steps,
    pub(super) mode: Mode,
    pub(super) leave: Leave,
    pub(super) progress: &'a dyn Progress,
    pub(super) ending: CancellationToken,
    /// With their places in the file.
    entries: BTreeMap<&'a Keyword, (usize, &'a Company)>,
    notes: Mutex<Notes>,
}

impl<'a> Sweep<'a> {
    /// A sweep that is yet to run. When `ending` is cancelled no further company is begun.
    #[must_use]
    pub fn new(
        store: &'a Store,
        watchlist: &'a Watchlist,
        clock: Arc<dyn Clock>,
        steps: &'a dyn Steps,
        mode: Mode,
        progress: &'a dyn Progress,
        ending: CancellationToken,
    ) -> Self {
        let companies = watchlist.companies.iter().enumerate();
        let entries = companies.map(|(place, entry)| (&entry.keyword, (place, entry))).collect();
        let (leave, notes) = (Leave::default(), Mutex::default());
        Self { store, watchlist, clock, steps, mode, leave, progress, ending, entries, notes }
    }

    /// Asks whoever is meant and stores what it finds. With [`Whom::Due`] the day's judging is left to
    /// [`judge_the_day`](Self::judge_the_day); else every company that is meant is judged at the end.
    ///
    /// # Errors
    /// When the database fails or no client can be made. What was committed until then stays.
    pub async fn run(self, whom: &Whom, key: Option<Secret>) -> Result<Report, SweepError> {
        let started_at = self.clock.now();
        if self.mode == Mode::ForGood {
            wrong_clock::set_right(self.store.pool(), started_at).await?;
        }
        let (planned, ids) = self.plan(whom, started_at).await?;
        let meant = planned.len();
        if meant > 0 {
            self.ask_and_look_back(planned, key).await?;
        }
        let mut doubts = Vec::new();
        if !ids.is_empty() {
            let (told, found) = self.judge_these(&ids).await?;
            self.note_told(told);
            doubts = found;
        }
        let mut report = std::mem::take(&mut *self.notes()).into_report(meant, self.leave.halt());
        report.doubts = doubts;
        if self.mode == Mode::ForGood && report.tally.asked > 0 {
            note_sweep(self.store.pool(), started_at, self.clock.now(), report.tally).await?;
        }
        Ok(report)
    }

    async fn plan(
        &self,
        whom: &'a Whom,
        now: DateTime<Utc>,
    ) -> Result<(Vec<Planned<'a>>, Vec<CompanyId>), StoreError> {
        let mut plan = Plan::new(self.watchlist, whom, now);
        let mut standings = std::pin::pin!(companies::each_standing(self.store.pool()));
        while let Some(standing) = standings.try_next().await? {
            if let Some((place, _)) = self.entries.get(&standing.keyword) {
                plan.weigh(*place, &standing);
            }
        }
        Ok(plan.finish())
    }

    async fn ask_and_look_back(
        &self,
        planned: Vec<Planned<'_>>,
        key: Option<Secret>,
    ) -> Result<(), SweepError> {
        if self.mode == Mode::DryRun {
            return self.ask_all(planned, key).await;
        }
        let told = self.make_up_for_mass_losses(&planned).await?;
        self.note_told(told);
        self.ask_all(planned, key).await?;
        if self.has_failed() {
            self.tell_if_unreachable().await?;
        }
        let mut told = self.watch_for_mass_losses().await?;
        told.extend(self.look_back().await?);
        self.note_told(told);
        Ok(())
    }

    async fn ask_all(&self, planned: Vec<Planned<'_>>, key: Option<Secret>) -> Result<(), SweepError> {
        self.progress.begins(planned.len());
        let Some(key) = key else {
            return Ok(self.stop_without_key().await?);
        };
        let client = match Client::new(self.settings(key), Arc::clone(&self.clock)) {
            Ok(client) => client,
            Err(error) => return Ok(self.stop_without_client(&error).await?),
        };
        let meant = planned.len();
        let start = self.start(&client).await?;
        let probing = start == Start::Probing;
        if let Start::Not(halt) = start {
            self.leave.end(halt);
            return Ok(());
        }
        let again = self.first_pass(&client, planned, probing).await?;
        let again: Vec<Planned<'_>> =
            again.into_iter().map(|company| Planned { cause: Cause::Repeat, ..company }).collect();
        if !again.is_empty() {
            self.leave.disarm_breaker_for_a_few(again.len());
            self.pass(&client, again, Attempt::Last, false).await?;
        }
        // "Or all, when they are fewer": of the file, for one company that is checked alone does not speak for the others;
        // and known only when the second tries have failed too.
        let are_all = meant == self.watchlist.companies.len();
        if meant < FAILURES_MAX && are_all && self.asked_in_vain() && !self.leave.is_over() {
            self.pause_by_breaker().await?;
        }
        Ok(())
    }

    /// Asks for everybody. Where calls run short, those that come first are done with before the others compete with them
    /// for the last call: workers overtake each other.
    async fn first_pass<'c>(
        &self,
        client: &Client,
        mut planned: Vec<Planned<'c>>,
        probing: bool,
    ) -> Result<Vec<Planned<'c>>, StoreError> {
        let affordable = match self.watchlist.api.calls_per_day {
            Some(limit) => {
                let used = budget::calls_of_the_day(self.store.pool(), self.clock.now()).await?.total();
                usize::try_from(i64::from(limit.get()) - used).unwrap_or_default().max(1)
            }
            None => planned.len(),
        };
        let others = planned.split_off(affordable.min(planned.len()));
        let mut again = self.pass(client, planned, Attempt::First, probing).await?;
        if !others.is_empty() && !self.leave.is_over() {
            again.extend(self.pass(client, others, Attempt::First, false).await?);
        }
        Ok(if self.leave.is_over() { Vec::new() } else { again })
    }

    fn settings(&self, key: Secret) -> juhe::Settings {
        let api = &self.watchlist.api;
        let method = match api.method {
            Method::Get => juhe::Method::Get,
            Method::Post => juhe::Method::Post,
        };
        juhe::Settings {
            url: api.url.clone(),
            method,
            timeout: api.timeout,
            request_gap: api.request_gap(),
            key,
        }
    }

    fn has_failed(&self) -> bool {
        self.notes().last_failure.is_some()
    }

    fn asked_in_vain(&self) -> bool {
        let notes = self.notes();
        let mut endings = notes.outcomes.values().filter_map(|outcome| outcome.ending.as_ref()).peekable();
        endings.peek().is_some() && endings.all(|ending| answered(ending) == Answered::Not)
    }

    pub(super) fn notes(&self) -> MutexGuard<'_, Notes> {
        // Nothing in here panics half-way through a change.
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn note_told(&self, told: Vec<Recorded>) {
        let mut notes = self.notes();
        notes.found += told.len();
        if self.progress.wants_events() {
            notes.told.extend(told);
        }
    }

    /// The last failure without a readable answer.
    pub(super) fn last_failure(&self) -> String {
        self.notes().last_failure.clone().unwrap_or_else(|| "no readable answer".to_owned())
    }

    /// Events of a dry run: with ids that no row has.
    pub(super) fn imagined(&self, events: impl IntoIterator<Item = Event>) -> Vec<Recorded> {
        let mut notes = self.notes();
        let number = |event| {
            notes.imagined -= 1;
            Recorded { id: EventId::imagined(notes.imagined), event }
        };
        events.into_iter().map(number).collect()
    }

    pub(super) fn teller(&self) -> Teller<'a> {
        Teller { watchlist: self.watchlist, now: self.clock.now() }
    }

    pub(super) fn entry(&self, keyword: &Keyword) -> Option<&'a Company> {
        self.entries.get(keyword).map(|(_, entry)| *entry)
    }

    /// Tells the operators what is new of `turns`.
    pub(super) async fn tell(&self, turns: Vec<Turn>) -> Result<Vec<Recorded>, StoreError> {
        if self.mode == Mode::DryRun {
            return Ok(self.imagined(turns.into_iter().map(|turn| turn.owed.event)));
        }
        troubles::tell(self.store.pool(), &turns, self.clock.now()).await
    }
}
