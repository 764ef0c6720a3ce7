//! The circuit breaker (design 2): how a sweep fares, in memory. After five companies in a row without one readable answer
//! nobody is asked any more; what that means for other processes is in rows (`stops`).

use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Notify;

use super::report::Halt;

/// Companies in a row without one readable answer that pause the sweep.
pub(super) const FAILURES_MAX: usize = 5;

/// When the breaker lets a single call pass, counted from the pause; after these, hourly.
const PROBES: [TimeDelta; 3] = [TimeDelta::minutes(15), TimeDelta::hours(1), TimeDelta::hours(3)];
pub(super) const HOURLY: TimeDelta = TimeDelta::hours(1);

/// The next time a single call may pass, for a pause that began at `since`.
pub(super) fn next_probe(since: DateTime<Utc>, now: DateTime<Utc>) -> DateTime<Utc> {
    let early = PROBES.into_iter().map(|after| since + after).find(|at| *at > now);
    early.unwrap_or(now + HOURLY)
}

/// What a company's turn says of upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    /// Something that can be read, be it a refusal.
    Answer,
    /// Nothing that can be read.
    Silence,
    /// No call was made, or it says nothing of upstream.
    Nothing,
}

/// Whose fault it is that a company brings nothing that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SilenceIs {
    /// It may be upstream that is away: the company loses nothing by it.
    AnyonesFault,
    /// Upstream has answered for others since it began, or the company never had an answer: a dead entry.
    ItsOwn,
}

/// Whether a company that fails since `failing_since` failed already when upstream last answered somebody.
pub(super) fn is_dead(failing_since: DateTime<Utc>, last_success_at: Option<DateTime<Utc>>) -> bool {
    last_success_at.is_some_and(|answered| failing_since < answered)
}

/// What hearing it led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Circuit {
    /// Nothing new.
    Unchanged,
    /// The first answer of the sweep, or the first after a silence.
    AnswersAgain,
    /// Too many in a row were silent.
    Opens,
}

/// Whether companies may be begun. Each is entered for before it is asked, and heard of afterwards.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    halt: Option<Halt>,
    silent_in_row: usize,
    asking: usize,
    last_answer_at: Option<DateTime<Utc>>,
    /// Since the last answer.
    was_silent: bool,
    /// Whether silence counts no more.
    is_disarmed: bool,
}

impl Breaker {
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

    /// When something readable came last, since the sweep began.
    pub(super) fn last_answer_at(&self) -> Option<DateTime<Utc>> {
        self.state().last_answer_at
    }

    pub(super) fn has_answered(&self) -> bool {
        self.last_answer_at().is_some()
    }

    /// Whether something was silent since the sweep began.
    pub(super) fn was_silent(&self) -> bool {
        self.state().was_silent
    }

    /// Ends the asking; the first reason stays.
    pub(super) fn end(&self, halt: Halt) {
        self.state().halt.get_or_insert(halt);
        self.changed.notify_waiters();
    }

    /// Waits until a company may be begun; `false` when none may be any more. While calls fail, no more are under way than
    /// may still fail.
    pub(super) async fn enter(&self) -> bool {
        loop {
            let changed = self.changed.notified();
            {
                let mut state = self.state();
                if state.halt.is_some() {
                    return false;
                }
                if state.silent_in_row == 0 || state.silent_in_row + state.asking < FAILURES_MAX {
                    state.asking += 1;
                    return true;
                }
            }
            changed.await;
        }
    }

    /// Silence pauses the sweep no more: others have answered in it, and so few are left to be asked once more that a pause
    /// would save nothing, while all daemons stood still for it.
    pub(super) fn disarm_for_a_few(&self, left: usize) {
        let mut state = self.state();
        state.is_disarmed = state.last_answer_at.is_some() && left <= FAILURES_MAX;
    }

    /// A company that was entered for is done with.
    pub(super) fn heard(&self, heard: Heard, now: DateTime<Utc>) -> Circuit {
        let mut state = self.state();
        state.asking = state.asking.saturating_sub(1);
        let circuit = match heard {
            Heard::Answer => {
                let is_news = state.last_answer_at.is_none() || state.was_silent;
                state.silent_in_row = 0;
                state.was_silent = false;
                state.last_answer_at = Some(now);
                if is_news { Circuit::AnswersAgain } else { Circuit::Unchanged }
            }
            Heard::Silence => {
                state.silent_in_row += usize::from(!state.is_disarmed);
                state.was_silent = true;
                if state.silent_in_row >= FAILURES_MAX { Circuit::Opens } else { Circuit::Unchanged }
            }
            Heard::Nothing => Circuit::Unchanged,
        };
        drop(state);
        self.changed.notify_waiters();
        circuit
    }
}
