//! Whether anybody may be asked: stops and pauses are rows, for all daemons (design 2); how this sweep fares is in memory.

use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Notify;

use super::report::{Halt, Problem};
use super::round::{Mode, Sweep};
use super::stopping::NO_CODE;
use crate::domain::event::{Trouble, TroubleFacts};
use crate::juhe::{Class, Client};
use crate::store::StoreError;
use crate::store::asking::budget;
use crate::store::asking::reachability;
use crate::store::asking::stops::{self, Stop, What};

/// Companies in a row without one readable answer that pause the sweep.
pub(super) const FAILURES_MAX: usize = 5;

/// Failed calls without which nobody is told that upstream cannot be reached.
const UNREACHABLE_ATTEMPTS: i32 = 3;

/// When the breaker lets a single call pass, counted from the pause; after these, hourly.
const BREAKER_PROBES: [TimeDelta; 3] = [TimeDelta::minutes(15), TimeDelta::hours(1), TimeDelta::hours(3)];
pub(super) const HOURLY: TimeDelta = TimeDelta::hours(1);

/// Whether a call brought something that can be read, be it a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answered {
    Readably,
    Not,
    /// No call was made, or it says nothing of upstream.
    Unasked,
}

/// How a sweep may begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Start {
    Freely,
    /// With a single call, which decides about the rest.
    Probing,
    Not(Halt),
}

/// How the sweep fares. Workers enter before each company and say how it went.
#[derive(Debug, Default)]
pub(super) struct Leave {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    halt: Option<Halt>,
    failures_in_row: usize,
    asking: usize,
    succeeded: bool,
    /// Since the last success.
    failed: bool,
    /// Whether failures count for the breaker no more.
    disarmed: bool,
}

impl Leave {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics half-way through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_over(&self) -> bool {
        self.state().halt.is_some()
    }

    pub(super) fn halt(&self) -> Option<Halt> {
        self.state().halt.clone()
    }

    /// Ends the asking; the first reason stays.
    pub(super) fn end(&self, halt: Halt) {
        self.state().halt.get_or_insert(halt);
        self.changed.notify_waiters();
    }

    /// Waits until a company may be asked for; `false` when nobody may be any more. While calls fail, no more are under way
    /// than the breaker has left.
    pub(super) async fn enter(&self) -> bool {
        loop {
            let changed = self.changed.notified();
            {
                let mut state = self.state();
                if state.halt.is_some() {
                    return false;
                }
                if state.failures_in_row == 0 || state.failures_in_row + state.asking < FAILURES_MAX {
                    state.asking += 1;
                    return true;
                }
            }
            changed.await;
        }
    }

    /// No failure pauses the sweep any more: others have succeeded in it, and so few are left to be asked once more that a
    /// pause would save nothing, while all daemons stood still for it.
    pub(super) fn disarm_breaker_for_a_few(&self, left: usize) {
        let mut state = self.state();
        state.disarmed = state.succeeded && left <= FAILURES_MAX;
    }

    /// A company that was entered for is done with. Gives how many in a row have failed by now, and whether this readable
    /// answer is the first of the sweep, or the first after a failure.
    fn done(&self, answered: Answered) -> (usize, FirstSuccess) {
        let mut state = self.state();
        state.asking = state.asking.saturating_sub(1);
        let mut first = FirstSuccess::No;
        match answered {
            Answered::Readably => {
                if !state.succeeded || state.failed {
                    first = FirstSuccess::Yes;
                }
                state.failures_in_row = 0;
                state.failed = false;
                state.succeeded = true;
            }
            Answered::Not => {
                state.failures_in_row += usize::from(!state.disarmed);
                state.failed = true;
            }
            Answered::Unasked => {}
        }
        let in_row = state.failures_in_row;
        drop(state);
        self.changed.notify_waiters();
        (in_row, first)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FirstSuccess {
    Yes,
    No,
}

impl Sweep<'_> {
    /// Whether asking may begin, and how. Takes the probe where one is allowed: of several daemons exactly one gets it.
    pub(super) async fn start(&self, client: &Client) -> Result<Start, StoreError> {
        let mut probing = false;
        for what in [What::Asking, What::Breaker] {
            let Some(stop) = stops::stop(self.store.pool(), what).await? else { continue };
            if what == What::Asking && self.own_limit_is_over(&stop).await? {
                continue;
            }
            if !self.take_probe(what, &stop, client).await? {
                return Ok(Start::Not(halt(what, &stop)));
            }
            probing = true;
        }
        Ok(if probing { Start::Probing } else { Start::Freely })
    }

    /// The stop or pause that stands in the rows.
    pub(super) async fn standing_halt(&self) -> Result<Option<Halt>, StoreError> {
        for what in [What::Asking, What::Breaker] {
            if let Some(stop) = stops::stop(self.store.pool(), what).await? {
                return Ok(Some(halt(what, &stop)));
            }
        }
        Ok(None)
    }

    /// Our own limit ends with the budget day, or when it is raised: no probe is needed.
    async fn own_limit_is_over(&self, stop: &Stop) -> Result<bool, StoreError> {
        if stop.code.is_some() || stop.class != Class::Quota.as_str() {
            return Ok(false);
        }
        let pool = self.store.pool();
        let used = budget::calls_of_the_day(pool, self.clock.now()).await?.total();
        let is_over = self.watchlist.api.calls_per_day.is_none_or(|limit| used < i64::from(limit.get()));
        if is_over && self.mode == Mode::ForGood {
            let told = self.tell(self.ends_of(&[Trouble::ApiQuota]).await?).await?;
            self.note_told(told);
            stops::clear(pool, What::Asking).await?;
        }
        Ok(is_over)
    }

    async fn take_probe(&self, what: What, stop: &Stop, client: &Client) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let fingerprint = client.key_fingerprint(&stop.salt);
        let has_changed = what == What::Asking && stop.code.is_some() && fingerprint != stop.fingerprint;
        let is_time = stop.next_probe_at.is_some_and(|at| at <= now);
        if self.mode == Mode::DryRun || !(is_time || has_changed) {
            return Ok(false);
        }
        let next = match what {
            What::Breaker => breaker_probe(stop.since, now),
            What::Asking | What::Mail | What::Courier => now + HOURLY,
        };
        stops::take_probe(self.store.pool(), what, stop, Some(next), &fingerprint).await
    }

    /// A company's turn is over: what it says of upstream.
    pub(super) async fn turn_is_over(&self, answered: Answered) -> Result<(), StoreError> {
        let (in_row, first_success) = self.leave.done(answered);
        if self.mode == Mode::DryRun {
            return Ok(());
        }
        if first_success == FirstSuccess::Yes {
            reachability::note_success(self.store.pool(), self.clock.now()).await?;
            let mut turns = self.ends_of(&[Trouble::ApiUnreachable]).await?;
            // That no key was given left no stop whose end could tell it.
            let of_keys = self.ends_of(&[Trouble::ApiCredential]).await?;
            turns.extend(of_keys.into_iter().filter(|turn| turn.cause == NO_CODE));
            let told = self.tell(turns).await?;
            self.note_told(told);
        }
        if answered == Answered::Not {
            reachability::note_failure(self.store.pool(), self.clock.now()).await?;
            if in_row >= FAILURES_MAX {
                self.pause_by_breaker().await?;
            }
        }
        Ok(())
    }

    /// Told when a sweep has ended or is paused, not in the middle of it: the company that failed last time is asked first,
    /// and those behind it may well succeed.
    pub(super) async fn tell_if_unreachable(&self) -> Result<(), StoreError> {
        let reach = reachability::reachability(self.store.pool()).await?;
        let Some(since) = reach.failing_since else { return Ok(()) };
        let unreachable_after = self.watchlist.api.unreachable_after;
        let is_long = (self.clock.now() - since).to_std().is_ok_and(|length| length >= unreachable_after);
        if reach.failed_attempts < UNREACHABLE_ATTEMPTS || !is_long {
            return Ok(());
        }
        let facts = TroubleFacts {
            class: Some(Class::Transient.as_str().to_owned()),
            reason: self.last_failure(),
            advice: Some(UNREACHABLE_ADVICE.to_owned()),
            since: Some(since),
            ..TroubleFacts::default()
        };
        let told = self.tell(vec![self.teller().begins(Trouble::ApiUnreachable, "", facts)]).await?;
        self.note_told(told);
        Ok(())
    }

    /// Pauses the sweep, for all daemons.
    pub(super) async fn pause_by_breaker(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let reason = self.last_failure();
        self.leave.end(Halt::Paused(problem(Class::Transient, None, &reason)));
        if self.mode == Mode::DryRun {
            return Ok(());
        }
        let since = stops::stop(self.store.pool(), What::Breaker).await?.map_or(now, |stop| stop.since);
        let stop = Stop {
            class: Class::Transient.as_str().to_owned(),
            code: None,
            reason,
            since,
            attempts: 0,
            next_probe_at: Some(breaker_probe(since, now)),
            salt: Vec::new(),
            fingerprint: String::new(),
        };
        stops::set(self.store.pool(), What::Breaker, &stop).await
    }
}

const UNREACHABLE_ADVICE: &str = "see whether this machine reaches the provider (name server, firewall, proxy), and whether [api].url is \
                                  the document's address; ends go on being judged from what was last verified";

pub(super) fn problem(class: Class, code: Option<i64>, reason: &str) -> Problem {
    Problem { company: None, class: class.as_str().to_owned(), code, reason: reason.to_owned() }
}

fn halt(what: What, stop: &Stop) -> Halt {
    let problem =
        Problem { company: None, class: stop.class.clone(), code: stop.code, reason: stop.reason.clone() };
    if what == What::Breaker { Halt::Paused(problem) } else { Halt::Stopped(problem) }
}

/// The next time a single call may pass, for a pause that began at `since`.
fn breaker_probe(since: DateTime<Utc>, now: DateTime<Utc>) -> DateTime<Utc> {
    let early = BREAKER_PROBES.into_iter().map(|after| since + after).find(|at| *at > now);
    early.unwrap_or(now + HOURLY)
}
