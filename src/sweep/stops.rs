//! Whether anybody may be asked: stops and pauses are rows, for all daemons (design 2). What the provider's refusals, our own
//! limit, a missing key and the breaker lead to, and how asking goes on.

use chrono::{DateTime, TimeDelta, Utc};

use super::breaker::{Breaker, Circuit, HOURLY, Heard, SilenceIs, next_probe};
use super::ground::{Ground, Mode};
use super::plan::Planned;
use super::report::{Ended, Halt, Ledger, Progress, span_of};
use crate::config::Company;
use crate::domain::event::{EventKind, Trouble, TroubleFacts};
use crate::domain::health::ShownProblem;
use crate::domain::outcome::Outcome;
use crate::domain::text::chain;
use crate::juhe::{Client, Failure, JuheError, Pace};
use crate::random;
use crate::store::StoreError;
use crate::store::asking::budget::{self, next_budget_day};
use crate::store::asking::reachability;
use crate::store::asking::stops::{self, Stop, What};
use crate::store::outbox::troubles::Turn;

/// The probe after midnight comes up to so many seconds late, so that not everybody asks at once.
const MIDNIGHT_JITTER_SECONDS: u64 = 600;

/// Failed calls without which nobody is told that upstream cannot be reached.
const UNREACHABLE_ATTEMPTS: i32 = 3;

/// How a sweep may begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Start {
    Freely,
    /// With a single call, which decides about the rest.
    Probing,
    Not(Halt),
}

/// Stops and starts the asking of one sweep, and notes how companies had their turn.
#[derive(Clone, Copy)]
pub(super) struct Stops<'s> {
    pub(super) ground: &'s Ground<'s>,
    pub(super) breaker: &'s Breaker,
    pub(super) ledger: &'s Ledger,
    pub(super) progress: &'s dyn Progress,
}

impl Stops<'_> {
    /// A company that was to be asked and was not.
    pub(super) fn unasked(&self, planned: Planned<'_>, outcome: Outcome, reason: &str) {
        match planned.first_try {
            Some(first_try) => self.ended(planned.entry, first_try),
            None => self.ledger.note_unasked(&planned.entry.keyword, outcome, reason),
        }
    }

    /// Asking was over before its turn came: of its second one there is still the first.
    pub(super) fn given_up(&self, planned: Planned<'_>) {
        if let Some(first_try) = planned.first_try {
            self.ended(planned.entry, first_try);
        }
    }

    /// A company had its turn.
    pub(super) fn ended(&self, entry: &Company, ended: Ended) {
        if ended.outcome.is_failure() && !ended.is_logged {
            let (class, code, reason) = (ended.outcome.as_str(), ended.code, ended.reason.as_deref());
            span_of(entry).in_scope(|| tracing::info!(class, code, reason, "the check failed"));
        }
        self.ledger.note_ended(&entry.keyword, ended);
        self.progress.advances(&entry.keyword);
    }

    /// Whether asking may begin, and how. Takes the probe where one is allowed: of several daemons exactly one gets it.
    pub(super) async fn start(&self, client: &Client) -> Result<Start, StoreError> {
        let mut probing = false;
        for what in [What::Asking, What::Breaker] {
            let Some(stop) = stops::stop(self.ground.store.pool(), what).await? else { continue };
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

    /// Our own limit ends with the budget day, or when it is raised: no probe is needed.
    async fn own_limit_is_over(&self, stop: &Stop) -> Result<bool, StoreError> {
        if stop.code.is_some() || stop.class != Outcome::Quota.as_str() {
            return Ok(false);
        }
        let pool = self.ground.store.pool();
        let used = budget::calls_of_the_day(pool, self.ground.now()).await?.total();
        let limit = self.ground.watchlist.api.calls_per_day;
        let is_over = limit.is_none_or(|limit| used < i64::from(limit.get()));
        if is_over && self.ground.mode == Mode::ForGood {
            self.tell(self.ground.ends_of(&[Trouble::ApiQuota]).await?).await?;
            stops::clear(pool, What::Asking).await?;
        }
        Ok(is_over)
    }

    async fn take_probe(&self, what: What, stop: &Stop, client: &Client) -> Result<bool, StoreError> {
        let now = self.ground.now();
        let fingerprint = client.key_fingerprint(&stop.salt);
        let has_changed = what == What::Asking && stop.code.is_some() && fingerprint != stop.fingerprint;
        let is_time = stop.next_probe_at.is_some_and(|at| at <= now);
        if self.ground.mode == Mode::DryRun || !(is_time || has_changed) {
            return Ok(false);
        }
        let next = match what {
            What::Breaker => next_probe(stop.since, now),
            What::Asking | What::Mail | What::Courier => now + HOURLY,
        };
        stops::take_probe(self.ground.store.pool(), what, stop, Some(next), &fingerprint).await
    }

    /// A company's turn is over: what it says of upstream. That one is silent whose fault is its own says nothing of whether
    /// upstream can be reached.
    pub(super) async fn heard(&self, heard: Heard) -> Result<(), StoreError> {
        let circuit = self.breaker.heard(heard, self.ground.now());
        let is_silent = matches!(heard, Heard::Silence { is: SilenceIs::AnyonesFault, .. });
        // Apart, for it is nearly never so, and every call that is under way has room for all that might follow.
        match circuit {
            Circuit::Unchanged if !is_silent => Ok(()),
            circuit => Box::pin(self.note(circuit, is_silent)).await,
        }
    }

    async fn note(&self, circuit: Circuit, is_silent: bool) -> Result<(), StoreError> {
        if self.ground.mode == Mode::ForGood {
            let (pool, now) = (self.ground.store.pool(), self.ground.now());
            if circuit == Circuit::AnswersAgain {
                reachability::note_success(pool, now).await?;
                let mut turns = self.ground.ends_of(&[Trouble::ApiUnreachable]).await?;
                // That no key was given left no stop whose end could tell it.
                let of_keys = self.ground.ends_of(&[Trouble::ApiCredential]).await?;
                turns.extend(of_keys.into_iter().filter(|turn| turn.cause == NO_CODE));
                self.tell(turns).await?;
            }
            if is_silent {
                reachability::note_failure(pool, now).await?;
            }
        }
        if circuit == Circuit::Opens { self.pause().await } else { Ok(()) }
    }

    /// The probe went well: asking goes on.
    pub(super) async fn go_on(&self) -> Result<(), StoreError> {
        self.tell(self.ground.ends_of(&[Trouble::ApiCredential, Trouble::ApiQuota]).await?).await?;
        for what in [What::Asking, What::Breaker] {
            stops::clear(self.ground.store.pool(), what).await?;
        }
        Ok(())
    }

    /// A probe without a readable answer: asking stays as it was, stopped or paused.
    pub(super) async fn stay_stopped(&self) -> Result<(), StoreError> {
        for what in [What::Asking, What::Breaker] {
            if let Some(stop) = stops::stop(self.ground.store.pool(), what).await? {
                self.breaker.end(halt(what, &stop));
                return Ok(());
            }
        }
        self.pause().await
    }

    /// Pauses the sweep, for all daemons: the breaker is open.
    pub(super) async fn pause(&self) -> Result<(), StoreError> {
        let now = self.ground.now();
        let reason = self.ledger.last_silence();
        self.breaker.end(Halt::Paused(problem(Outcome::Transient, None, &reason)));
        if self.ground.mode == Mode::DryRun {
            return Ok(());
        }
        let pool = self.ground.store.pool();
        let since = stops::stop(pool, What::Breaker).await?.map_or(now, |stop| stop.since);
        let stop = Stop {
            class: Outcome::Transient.as_str().to_owned(),
            reason,
            advice: Some(UNREACHABLE_ADVICE.to_owned()),
            since,
            next_probe_at: Some(next_probe(since, now)),
            ..Stop::default()
        };
        stops::set(pool, What::Breaker, &stop).await
    }

    /// Told when a sweep has ended or is paused, not in the middle of it: those behind whoever failed may well succeed.
    pub(super) async fn tell_if_unreachable(&self) -> Result<(), StoreError> {
        let reach = reachability::reachability(self.ground.store.pool()).await?;
        let Some(since) = reach.failing_since else { return Ok(()) };
        let unreachable_after = self.ground.watchlist.api.unreachable_after;
        let is_long = (self.ground.now() - since).to_std().is_ok_and(|length| length >= unreachable_after);
        if reach.failed_attempts < UNREACHABLE_ATTEMPTS || !is_long {
            return Ok(());
        }
        let facts = TroubleFacts {
            class: Some(Outcome::Transient.as_str().to_owned()),
            reason: self.ledger.last_silence(),
            advice: Some(UNREACHABLE_ADVICE.to_owned()),
            since: Some(since),
            ..TroubleFacts::default()
        };
        self.tell(vec![self.ground.teller().begins(Trouble::ApiUnreachable, "", facts, None)]).await
    }

    /// Stops all asking as the provider's `failure` wants it, and tells the operators.
    pub(super) async fn stop_asking(&self, client: &Client, failure: &Failure) -> Result<(), StoreError> {
        self.breaker.end(Halt::Stopped(problem(failure.class, failure.code, &failure.reason)));
        if self.ground.mode == Mode::DryRun {
            return Ok(());
        }
        let now = self.ground.now();
        let salt = salt();
        let next = match failure.pace() {
            Pace::AfterMidnight => next_budget_day(now) + jitter(&salt),
            Pace::AfterIpBackoff => {
                let pause = TimeDelta::from_std(self.ground.watchlist.api.ip_backoff).unwrap_or(HOURLY);
                now.checked_add_signed(pause).unwrap_or(DateTime::<Utc>::MAX_UTC)
            }
            Pace::Hourly | Pace::GoesOn => now + HOURLY,
        };
        let stop = Stop {
            class: failure.class.as_str().to_owned(),
            code: failure.code,
            reason: failure.reason.clone(),
            advice: failure.advice().map(str::to_owned),
            since: now,
            next_probe_at: Some(next),
            fingerprint: client.key_fingerprint(&salt),
            salt,
            ..Stop::default()
        };
        // Told first: a crash in between costs a call, not the news.
        self.tell_of_stop(failure.class, failure.code, &failure.reason, failure.advice()).await?;
        stops::set(self.ground.store.pool(), What::Asking, &stop).await
    }

    /// Our own limit is reached: nobody asks until the budget day ends. Told once.
    pub(super) async fn stop_at_own_limit(&self, limit: u32) -> Result<(), StoreError> {
        if self.breaker.is_over() {
            return Ok(());
        }
        // What the provider refused is not over because there is no call left to ask whether it is.
        let pool = self.ground.store.pool();
        if let Some(stop) = stops::stop(pool, What::Asking).await?.filter(|stop| stop.code.is_some()) {
            self.breaker.end(halt(What::Asking, &stop));
            return Ok(());
        }
        let reason = format!("the {limit} calls of the day are used up ([api].calls_per_day)");
        self.breaker.end(Halt::Stopped(problem(Outcome::Quota, None, &reason)));
        if self.ground.mode == Mode::DryRun {
            return Ok(());
        }
        let stop = Stop {
            class: Outcome::Quota.as_str().to_owned(),
            reason: reason.clone(),
            advice: Some(OWN_LIMIT_ADVICE.to_owned()),
            since: self.ground.now(),
            ..Stop::default()
        };
        self.tell_of_stop(Outcome::Quota, None, &reason, Some(OWN_LIMIT_ADVICE)).await?;
        stops::set(self.ground.store.pool(), What::Asking, &stop).await
    }

    /// There is no key to ask with.
    pub(super) async fn stop_without_key(&self) -> Result<(), StoreError> {
        self.breaker.end(Halt::Stopped(problem(Outcome::Credential, None, NO_KEY)));
        self.tell_of_stop(Outcome::Credential, None, NO_KEY, Some(NO_KEY_ADVICE)).await
    }

    /// The provider cannot even be asked from this machine. Ends go on being judged.
    pub(super) async fn stop_without_client(&self, error: &JuheError) -> Result<(), StoreError> {
        let reason = chain(error);
        self.breaker.end(Halt::Stopped(problem(Outcome::Transient, None, &reason)));
        let facts = TroubleFacts {
            class: Some(Outcome::Transient.as_str().to_owned()),
            reason,
            advice: error.advice().map(str::to_owned),
            ..TroubleFacts::default()
        };
        self.tell(vec![self.ground.teller().begins(Trouble::ApiUnreachable, "", facts, None)]).await
    }

    /// Another code is another cause: the earlier one is over.
    async fn tell_of_stop(
        &self,
        class: Outcome,
        code: Option<i64>,
        reason: &str,
        advice: Option<&str>,
    ) -> Result<(), StoreError> {
        let trouble = if class == Outcome::Quota { Trouble::ApiQuota } else { Trouble::ApiCredential };
        let cause = code.map_or_else(|| NO_CODE.to_owned(), |code| code.to_string());
        let facts = TroubleFacts {
            class: Some(class.as_str().to_owned()),
            code,
            reason: reason.to_owned(),
            advice: advice.map(str::to_owned),
            ..TroubleFacts::default()
        };
        let begins = self.ground.teller().begins(trouble, &cause, facts, None);
        let mut turns = self.ground.ends_of(&[Trouble::ApiCredential, Trouble::ApiQuota]).await?;
        turns.retain(|turn| (turn.owed.event.kind(), &turn.cause) != (EventKind::Resolved(trouble), &cause));
        turns.push(begins);
        self.tell(turns).await
    }

    async fn tell(&self, turns: Vec<Turn>) -> Result<(), StoreError> {
        self.ledger.note_told(self.ground.tell(turns).await?);
        Ok(())
    }
}

fn problem(class: Outcome, code: Option<i64>, reason: &str) -> ShownProblem {
    ShownProblem { company: None, class: class.as_str().to_owned(), code, reason: reason.to_owned() }
}

fn halt(what: What, stop: &Stop) -> Halt {
    let problem = ShownProblem {
        company: None,
        class: stop.class.clone(),
        code: stop.code,
        reason: stop.reason.clone(),
    };
    if what == What::Breaker { Halt::Paused(problem) } else { Halt::Stopped(problem) }
}

/// The cause of a stop that is no answer of the provider.
const NO_CODE: &str = "none";
const NO_KEY: &str = "no API key is given";
const NO_KEY_ADVICE: &str =
    "give it as the credential \"api-key\", as QUALWATCH_API_KEY, or in a file named by [api].key_file";
const OWN_LIMIT_ADVICE: &str = "raise [api].calls_per_day, or check fewer companies or less often; asking goes on after midnight in China";
const UNREACHABLE_ADVICE: &str = "see whether this machine reaches the provider (name server, firewall, proxy), and whether [api].url is \
                                  the document's address; ends go on being judged from what was last verified";

fn salt() -> Vec<u8> {
    random::bytes::<8>().to_vec()
}

fn jitter(salt: &[u8]) -> TimeDelta {
    let number = salt.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    TimeDelta::seconds(i64::try_from(number % MIDNIGHT_JITTER_SECONDS).unwrap_or_default())
}
