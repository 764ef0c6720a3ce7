//! Lanes: each has a connection, claims companies on it, asks some of them at a time, and commits what came of them (design 9).
//!
//! An answer waits for its commit for a quarter of a second at most, so at two requests a second nothing is batched, and a
//! process that dies loses the calls in flight and what was answered in that time.

use std::collections::{BTreeMap, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tracing::Instrument as _;

use super::batch::settle;
use super::breaker::SilenceIs;
use super::check::{Asked, Asking, Came, PARSER_VERSION, Ready};
use super::plan::Planned;
use crate::clock::{monotonic, pause};
use crate::domain::outcome::Outcome;
use crate::store::StoreError;
use crate::store::checks::claims::{BATCH_COMPANIES_MAX, Claims};
use crate::store::checks::standings::{self, Claimed};
use crate::store::companies::CompanyId;

/// How long an answer waits for others to be committed with.
const SETTLE_AFTER: Duration = Duration::from_millis(250);

/// Answers that are committed without waiting for more.
const SETTLE_COMPANIES: usize = 256;

/// How often a connection that waits for upstream says that it is still there: well within the session's idle time-out.
const TOUCH_EVERY: Duration = Duration::from_mins(1);

/// For so long after its last use the connection is taken to hold its locks. A process that was stopped finds its sessions ended
/// by the server, and its companies in other hands: whoever goes on asking for them pays twice.
const TRUSTED_FOR: Duration = Duration::from_millis(400);

/// A claim keeps companies from other processes until they are asked: no more are claimed than are asked in this time, nor than
/// so many for each that is asked at a time.
const CLAIM_AHEAD: Duration = Duration::from_secs(5);
const CLAIM_ROUNDS: usize = 8;

/// The companies that wait for their turn, in order, and those that are to be asked once more.
#[derive(Default)]
pub(super) struct Line<'c> {
    waiting: Mutex<VecDeque<Planned<'c>>>,
    again: Mutex<Vec<Planned<'c>>>,
}

impl<'c> Line<'c> {
    pub(super) fn of(planned: impl IntoIterator<Item = Planned<'c>>) -> Self {
        Self { waiting: Mutex::new(planned.into_iter().collect()), again: Mutex::default() }
    }

    /// The next few: fewer as fewer are left, so that all lanes end at about the same time.
    fn next(&self, lanes: usize, at_most: usize) -> Vec<Planned<'c>> {
        let mut waiting = locked(&self.waiting);
        let share = waiting.len().div_ceil(2 * lanes).min(at_most);
        waiting.drain(..share).collect()
    }

    pub(super) fn into_again(self) -> Vec<Planned<'c>> {
        self.again.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing in here panics half-way through a change.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What all lanes of a pass share.
#[derive(Clone, Copy)]
pub(super) struct Pass<'s, 'c> {
    pub(super) asking: Asking<'s>,
    pub(super) line: &'s Line<'c>,
    pub(super) lanes: usize,
    /// Companies that one lane asks at the same time.
    pub(super) width: usize,
}

impl Pass<'_, '_> {
    /// Companies that are claimed together.
    fn claimed_at_most(&self) -> usize {
        let gap = self.asking.stops.ground.watchlist.api.request_gap();
        let ahead = CLAIM_AHEAD.as_nanos() / gap.as_nanos().max(1) / self.lanes as u128;
        let ahead = usize::try_from(ahead).unwrap_or(usize::MAX).min(self.width * CLAIM_ROUNDS);
        ahead.max(self.width).min(BATCH_COMPANIES_MAX)
    }
}

/// A lane at work.
pub(super) struct Lane<'s, 'c> {
    pass: Pass<'s, 'c>,
    /// `None` in a dry run, which claims and stores nothing.
    claims: Option<Claims>,
    ready: VecDeque<Ready<'c>>,
    answered: Vec<Asked<'c>>,
    /// When what is answered is to be committed at the latest.
    settle_by: Option<BoxFuture<'static, ()>>,
    failed: Option<StoreError>,
    /// When the connection was used last: when a statement was sent, for its reply may have lain in the socket of a process that
    /// was stopped.
    used_at: Instant,
}

type Answered<'c> = Result<Asked<'c>, StoreError>;
type InFlight<'s, 'c> = FuturesUnordered<BoxFuture<'s, Answered<'c>>>;

impl<'s, 'c: 's> Lane<'s, 'c> {
    pub(super) fn new(pass: Pass<'s, 'c>, claims: Option<Claims>) -> Self {
        let (ready, answered) = (VecDeque::new(), Vec::new());
        Self { pass, claims, ready, answered, settle_by: None, failed: None, used_at: monotonic() }
    }

    /// Works until nobody waits any more or asking is over, and gives its connection back.
    ///
    /// # Errors
    /// When the database fails. What was answered by then is stored where it can be.
    pub(super) async fn work(mut self) -> Result<Option<Claims>, StoreError> {
        let mut in_flight = InFlight::new();
        loop {
            self.fill(&mut in_flight).await?;
            if in_flight.is_empty() && self.answered.is_empty() {
                break;
            }
            if in_flight.is_empty() || self.answered.len() >= SETTLE_COMPANIES {
                self.settle(&mut in_flight).await?;
                continue;
            }
            tokio::select! {
                biased;
                Some(answered) = in_flight.next() => self.hear(answered),
                () = rung(&mut self.settle_by) => self.settle(&mut in_flight).await?,
                () = pause(TOUCH_EVERY) => self.touch().await?,
            }
        }
        match self.failed {
            Some(error) => Err(error),
            None => Ok(self.claims),
        }
    }

    /// Begins with as many companies as may be asked at the same time.
    async fn fill(&mut self, in_flight: &mut InFlight<'s, 'c>) -> Result<(), StoreError> {
        if self.pass.asking.stops.breaker.is_over() {
            return self.give_up_ready().await;
        }
        // Before the last of them is begun, so that nobody waits for the next claim; and on, past those that others have.
        while self.ready.len() < self.pass.width && self.claim(in_flight).await? {}
        let is_to_begin = !self.ready.is_empty() && in_flight.len() < self.pass.width;
        if is_to_begin && self.used_at.elapsed() > TRUSTED_FOR {
            self.touch().await?;
        }
        while in_flight.len() < self.pass.width {
            let Some(ready) = self.ready.pop_front() else { break };
            in_flight.push(ask_unless_it_panics(self.pass.asking, ready).boxed());
        }
        Ok(())
    }

    /// Claims the next companies, while answers go on coming in. False when nobody waits any more.
    async fn claim(&mut self, in_flight: &mut InFlight<'s, 'c>) -> Result<bool, StoreError> {
        let pass = self.pass;
        let planned = pass.line.next(pass.lanes, pass.claimed_at_most());
        if planned.is_empty() {
            return Ok(false);
        }
        let Some(claims) = &mut self.claims else {
            let silence_is = SilenceIs::AnyonesFault;
            let unread = |planned| Ready { planned, silence_is, known: None };
            self.ready.extend(planned.into_iter().map(unread));
            return Ok(true);
        };
        let mut heard = Vec::new();
        self.used_at = monotonic();
        let claimed = alongside(in_flight, &mut heard, claim(pass.asking, claims, planned)).await;
        for answered in heard {
            self.hear(answered);
        }
        let claimed = claimed?;
        for planned in claimed.elsewhere {
            let reason = "another process is checking it, or has just done so";
            pass.asking.stops.unasked(planned, Outcome::Transient, reason);
        }
        self.ready.extend(claimed.ready);
        Ok(true)
    }

    /// Asking is over: what was claimed and not begun is given free.
    async fn give_up_ready(&mut self) -> Result<(), StoreError> {
        let ids: Vec<CompanyId> = self.ready.iter().filter_map(|ready| ready.planned.id).collect();
        for ready in self.ready.drain(..) {
            self.pass.asking.stops.given_up(ready.planned);
        }
        match &mut self.claims {
            Some(claims) if !ids.is_empty() => claims.release(&ids).await,
            _ => Ok(()),
        }
    }

    fn hear(&mut self, answered: Answered<'c>) {
        match answered {
            Ok(asked) => {
                if self.answered.is_empty() {
                    self.settle_by = Some(pause(SETTLE_AFTER).boxed());
                }
                self.answered.push(asked);
            }
            // The others are stored first, where that can be.
            Err(error) => drop(self.failed.get_or_insert(error)),
        }
    }

    /// Commits what is answered, while other answers go on coming in.
    async fn settle(&mut self, in_flight: &mut InFlight<'s, 'c>) -> Result<(), StoreError> {
        self.settle_by = None;
        let pass = self.pass;
        let answered = std::mem::take(&mut self.answered);
        self.used_at = monotonic();
        let settling = settle(pass.asking.stops, self.claims.as_mut(), answered);
        let mut heard = Vec::new();
        let again = alongside(in_flight, &mut heard, settling).await;
        for answered in heard {
            self.hear(answered);
        }
        locked(&pass.line.again).extend(again?);
        Ok(())
    }

    async fn touch(&mut self) -> Result<(), StoreError> {
        self.used_at = monotonic();
        match &mut self.claims {
            Some(claims) => claims.touch().await,
            None => Ok(()),
        }
    }
}

/// Does `work` while answers go on coming in.
async fn alongside<'c, T>(
    in_flight: &mut InFlight<'_, 'c>,
    heard: &mut Vec<Answered<'c>>,
    work: impl Future<Output = T>,
) -> T {
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return done,
            Some(answered) = in_flight.next() => heard.push(answered),
        }
    }
}

/// Completes when the timer has; never where there is none.
async fn rung(timer: &mut Option<BoxFuture<'static, ()>>) {
    match timer {
        Some(timer) => timer.await,
        None => std::future::pending().await,
    }
}

/// A panic at one company is a failed check, and no other company's.
async fn ask_unless_it_panics<'c>(asking: Asking<'_>, ready: Ready<'c>) -> Answered<'c> {
    let (planned, silence_is) = (ready.planned.clone(), ready.silence_is);
    // Only lines at debug are written in there: a span of another level would cost each call something, and say nothing.
    let span = tracing::debug_span!("company", company = planned.entry.keyword.as_str());
    let asked = asking.ask(ready).instrument(span);
    if let Ok(answered) = AssertUnwindSafe(asked).catch_unwind().await {
        return answered;
    }
    asking.has_panicked().await?;
    let at = asking.stops.ground.now();
    // A call may have been made; that it was not is not known.
    Ok(Asked { planned, silence_is, calls: 0, at, pages: Vec::new(), came: Came::Panicked })
}

/// What came of claiming companies.
struct Claiming<'c> {
    ready: Vec<Ready<'c>>,
    /// Another process has them, or has just asked for them.
    elsewhere: Vec<Planned<'c>>,
}

async fn claim<'c>(
    asking: Asking<'_>,
    claims: &mut Claims,
    planned: Vec<Planned<'c>>,
) -> Result<Claiming<'c>, StoreError> {
    let ids: Vec<CompanyId> = planned.iter().filter_map(|planned| planned.id).collect();
    let ours = claims.take(&ids).await?;
    let today = asking.stops.ground.teller().today();
    let standings = standings::claimed(claims, &ours).await?;
    let mut standings: BTreeMap<CompanyId, Claimed> =
        standings.into_iter().map(|claimed| (claimed.id, claimed)).collect();
    let mut claiming = Claiming { ready: Vec::with_capacity(planned.len()), elsewhere: Vec::new() };
    let mut had_their_turn = Vec::new();
    for planned in planned {
        match planned.id.and_then(|id| standings.remove(&id)) {
            Some(claimed) if has_had_its_turn(&planned, &claimed) => {
                had_their_turn.push(claimed.id);
                claiming.elsewhere.push(planned);
            }
            Some(claimed) => {
                let is_quiet = claimed.tell_on.is_none_or(|day| day > today);
                let known = claimed.digests.filter(|known| is_quiet && known.version == PARSER_VERSION);
                let silence_is = asking.silence_is(claimed.failing_since, claimed.last_verified_at);
                claiming.ready.push(Ready { planned, silence_is, known });
            }
            None => claiming.elsewhere.push(planned),
        }
    }
    if !had_their_turn.is_empty() {
        claims.release(&had_their_turn).await?;
    }
    Ok(claiming)
}

/// Whether another process has asked for it since the plan was made.
fn has_had_its_turn(planned: &Planned<'_>, claimed: &Claimed) -> bool {
    claimed.last_asked_at != planned.last_asked_at || claimed.tried_at > planned.tried_at
}
