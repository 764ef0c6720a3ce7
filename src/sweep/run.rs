//! The whole course of a sweep: plan, first call alone, the lanes, second tries, what only the whole can tell.

use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};
use futures_util::future::join_all;
use tokio_util::sync::CancellationToken;

use super::breaker::{Breaker, FAILURES_MAX};
use super::check::Asking;
use super::counter::Counter;
use super::day;
use super::ground::{Ground, Mode};
use super::lane::{Lane, Line, Pass};
use super::masses;
use super::plan::{Plan, Planned, Whom, plan, turn_from_last_tried};
use super::report::{Ledger, Progress, Report};
use super::stops::{Start, Stops};
use crate::clock::Clock;
use crate::config::Watchlist;
use crate::domain::outcome::Outcome;
use crate::domain::secret::Secret;
use crate::juhe::{self, Client};
use crate::store::asking::budget::{self, Cause};
use crate::store::checks::claims::Claims;
use crate::store::checks::commit::note_sweep;
use crate::store::checks::judgements::in_doubt as in_doubt_of;
use crate::store::companies::wrong_clock;
use crate::store::outbox::events::EventId;
use crate::store::steps::Steps;
use crate::store::{Store, StoreError};

/// From so many companies asked at a time on, one more lane is worth its connection.
const LANE_WIDTH: usize = 32;

/// One sweep, with all it works with.
pub struct Sweep<'a> {
    ground: Ground<'a>,
    progress: &'a dyn Progress,
    ending: CancellationToken,
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
        Self { ground: Ground::new(store, watchlist, clock, steps, mode), progress, ending }
    }

    /// Asks whoever is meant and stores what it finds. With [`Whom::Due`] the day's judging is left to
    /// [`judge_the_day`](Self::judge_the_day); else every company that is meant is judged at the end.
    ///
    /// # Errors
    /// When the database fails. What was committed until then stays.
    pub async fn run(self, whom: &Whom, key: Option<Secret>) -> Result<Report, StoreError> {
        let (ground, started_at) = (&self.ground, self.ground.now());
        if ground.mode == Mode::ForGood {
            let today = ground.teller().today();
            wrong_clock::set_right(ground.store.pool(), whom.named().as_deref(), started_at, today).await?;
        }
        let Plan { planned, meant, last_verified_at } = plan(ground, whom).await?;
        let to_be_asked = planned.len();
        let (breaker, ledger) = (Breaker::default(), Ledger::default());
        if !planned.is_empty() {
            self.ask_and_look_back(&breaker, &ledger, (planned, last_verified_at), key).await?;
        }
        let mut in_doubt = Vec::new();
        if *whom != Whom::Due {
            day::judge_these(ground, &ledger, &meant).await?;
            let whose = whom.named().map(|_| meant.as_slice());
            in_doubt = in_doubt_of(ground.store.pool(), whose).await?;
        }
        let mut report = ledger.into_report(to_be_asked, breaker.halt());
        report.in_doubt = in_doubt;
        if ground.mode == Mode::ForGood && report.tally.asked > 0 {
            note_sweep(ground.store.pool(), started_at, ground.now(), report.tally).await?;
        }
        Ok(report)
    }

    /// Judges every company of the file of which something may be worth telling today, once the day's hour has come.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn judge_the_day(&self) -> Result<Vec<EventId>, StoreError> {
        day::judge_the_day(&self.ground).await
    }

    async fn ask_and_look_back(
        &self,
        breaker: &Breaker,
        ledger: &Ledger,
        whom: (Vec<Planned<'a>>, Option<DateTime<Utc>>),
        key: Option<Secret>,
    ) -> Result<(), StoreError> {
        let ground = &self.ground;
        let stops = Stops { ground, breaker, ledger, progress: self.progress };
        if ground.mode == Mode::DryRun {
            return self.ask_all(stops, whom, key).await;
        }
        ledger.note_told(masses::make_up_for_losses(ground, &whom.0).await?);
        self.ask_all(stops, whom, key).await?;
        if breaker.was_silent() {
            stops.tell_if_unreachable().await?;
        }
        ledger.note_told(masses::look_for_losses(ground).await?);
        ledger.note_told(masses::look_back(ground).await?);
        Ok(())
    }

    async fn ask_all(
        &self,
        stops: Stops<'_>,
        (planned, last_verified_at): (Vec<Planned<'a>>, Option<DateTime<Utc>>),
        key: Option<Secret>,
    ) -> Result<(), StoreError> {
        self.progress.begins(planned.len());
        let meant = planned.len();
        // Before anything can stop the asking: who can never be paid costs nothing, and is told whatever the day has left.
        let planned = self.payable_in_a_day(planned, stops.ledger).await?;
        let Some(key) = key else { return stops.stop_without_key().await };
        let client =
            match Client::new(client_settings(self.ground.watchlist, key), Arc::clone(&self.ground.clock)) {
                Ok(client) => client,
                Err(error) => return stops.stop_without_client(&error).await,
            };
        // A probe is taken only by who makes its call.
        if planned.is_empty() {
            return Ok(());
        }
        let start = match stops.start(&client).await? {
            Start::Not(halt) => {
                stops.breaker.end(halt);
                return Ok(());
            }
            start => start,
        };
        let counter = Counter::new(&self.ground, stops.breaker);
        let asking =
            Asking { stops, client: &client, counter: &counter, last_verified_at, ending: &self.ending };
        Course { asking, again: Vec::new(), claims: Vec::new() }.take(planned, meant, start).await
    }

    /// Without those that a whole day's calls cannot pay: they are told of, and not asked.
    async fn payable_in_a_day<'c>(
        &self,
        planned: Vec<Planned<'c>>,
        ledger: &Ledger,
    ) -> Result<Vec<Planned<'c>>, StoreError> {
        let Some(limit) = calls_per_day(&self.ground) else { return Ok(planned) };
        let (too_large, planned): (Vec<_>, Vec<_>) =
            planned.into_iter().partition(|planned| u32::from(planned.pages) > limit);
        for planned in &too_large {
            let reason = masses::too_large_reason(planned.pages, limit);
            ledger.note_unasked(&planned.entry.keyword, Outcome::Quota, &reason);
        }
        ledger.note_told(masses::tell_too_large(&self.ground, &too_large, limit).await?);
        Ok(planned)
    }
}

/// How the provider is asked by this watchlist.
#[must_use]
pub fn client_settings(watchlist: &Watchlist, key: Secret) -> juhe::Settings {
    let api = &watchlist.api;
    juhe::Settings {
        url: api.url.clone(),
        method: api.method,
        timeout: api.timeout,
        request_gap: api.request_gap(),
        key,
    }
}

/// What is logged within is about the sweep that began at `started_at`.
pub fn span_of(started_at: DateTime<Utc>) -> tracing::Span {
    let started_at = started_at.to_rfc3339_opts(SecondsFormat::Secs, true);
    tracing::error_span!("sweep", sweep = started_at)
}

/// The asking of one sweep.
struct Course<'s, 'c> {
    asking: Asking<'s>,
    /// Companies that are worth a second try.
    again: Vec<Planned<'c>>,
    /// The connections of the lanes, kept from one pass to the next.
    claims: Vec<Claims>,
}

impl<'c> Course<'_, 'c> {
    /// `meant`: how many were, also those that are not asked because no day can pay them.
    async fn take(mut self, planned: Vec<Planned<'c>>, meant: usize, start: Start) -> Result<(), StoreError> {
        let Stops { ground, breaker, .. } = self.asking.stops;
        let are_all = meant == ground.watchlist.companies.len();
        let is_few = meant < FAILURES_MAX;
        let (first, mut later) = self.affordable(planned).await?;
        self.first_pass(first, start).await?;
        // By what is left then: lanes overtake each other, and who comes first is to be paid first.
        while !later.is_empty() {
            let (first, rest) = self.affordable(later).await?;
            let (now, rest) = if first.is_empty() { (rest, Vec::new()) } else { (first, rest) };
            self.pass(now).await?;
            later = rest;
        }
        let mut again = std::mem::take(&mut self.again);
        again.sort_by_key(|company| company.order);
        if is_few && are_all && !again.is_empty() && !breaker.is_over() {
            breaker.expect_a_few();
        }
        self.pass(again).await?;
        for claims in self.claims {
            claims.close().await?;
        }
        // "Or all, when they are fewer": of the file, for one company that is checked alone does not speak for the others;
        // and known only when the second tries have failed too.
        if is_few && are_all && breaker.was_silent() && !breaker.has_answered() && !breaker.is_over() {
            self.asking.stops.pause().await?;
        }
        Ok(())
    }

    /// The first call alone: a refused key costs one call, and a probe is one call. Then all others.
    async fn first_pass(&mut self, mut planned: Vec<Planned<'c>>, start: Start) -> Result<(), StoreError> {
        let breaker = self.asking.stops.breaker;
        if start == Start::Probing {
            turn_from_last_tried(&mut planned);
        }
        let mut planned = planned.into_iter();
        for mut first in planned.by_ref() {
            if start == Start::Probing {
                first.cause = Cause::Probe;
            }
            self.pass(vec![first]).await?;
            if breaker.has_answered() || breaker.was_silent() || breaker.is_over() {
                break;
            }
        }
        if start == Start::Probing && !breaker.is_over() {
            if breaker.has_answered() {
                self.asking.stops.go_on().await?;
            } else {
                self.asking.stops.stay_stopped().await?;
            }
        }
        // Lanes overtake each other: those that fail are begun when the others are done with.
        let mut readable: Vec<_> = planned.collect();
        let failing = readable.extract_if(.., |planned| planned.is_failing()).collect();
        self.pass(readable).await?;
        self.pass(failing).await
    }

    /// Takes each company's turn, in lanes. Once asking is over nobody has one.
    async fn pass(&mut self, planned: Vec<Planned<'c>>) -> Result<(), StoreError> {
        let Stops { ground, breaker, .. } = self.asking.stops;
        if planned.is_empty() || breaker.is_over() {
            for planned in planned {
                self.asking.stops.given_up(planned);
            }
            return Ok(());
        }
        let concurrency = usize::try_from(ground.watchlist.api.concurrency.get()).unwrap_or(usize::MAX);
        let wanted = concurrency.div_ceil(LANE_WIDTH).max(2).min(concurrency).min(planned.len());
        if ground.mode == Mode::ForGood {
            ground.store.more_claims(&mut self.claims, wanted).await?;
        }
        let lanes = if ground.mode == Mode::ForGood { wanted.min(self.claims.len()) } else { 1 };
        let line = Line::of(planned);
        let pass = Pass { asking: self.asking, line: &line, lanes, width: concurrency.div_ceil(lanes) };
        let spare = self.claims.split_off(lanes.min(self.claims.len()));
        let mut hands: Vec<Option<Claims>> = self.claims.drain(..).map(Some).collect();
        hands.resize_with(lanes, || None);
        let at_work = hands.into_iter().map(|claims| Lane::new(pass, claims).work());
        // All of them, also when one fails: what was asked for is stored where it can be.
        let done = join_all(at_work).await.into_iter().collect::<Result<Vec<_>, StoreError>>()?;
        self.claims.extend(done.into_iter().flatten().chain(spare));
        self.again.extend(line.into_again());
        Ok(())
    }

    /// Who can be paid by what the day has left, in order, and who only if the others leave something.
    async fn affordable(
        &self,
        planned: Vec<Planned<'c>>,
    ) -> Result<(Vec<Planned<'c>>, Vec<Planned<'c>>), StoreError> {
        let Stops { ground, breaker, .. } = self.asking.stops;
        let Some(limit) = calls_per_day(ground).filter(|_| !breaker.is_over()) else {
            return Ok((planned, Vec::new()));
        };
        let used = budget::calls_of_the_day(ground.store.pool(), ground.now()).await?.total();
        let mut left = i64::from(limit) - used;
        let (mut first, mut later) = (Vec::new(), Vec::new());
        for planned in planned {
            if i64::from(planned.pages) <= left || first.is_empty() && planned.pages == 1 {
                left -= i64::from(planned.pages);
                first.push(planned);
            } else {
                later.push(planned);
            }
        }
        Ok((first, later))
    }
}

fn calls_per_day(ground: &Ground<'_>) -> Option<u32> {
    ground.watchlist.api.calls_per_day.map(std::num::NonZeroU32::get)
}
