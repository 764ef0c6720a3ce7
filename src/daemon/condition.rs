//! How each piece of the daemon's work is: the recovery of one ends nobody else's trouble (design 5).

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::trouble_cause::Work;

/// One piece of work, done again and again.
#[derive(Debug)]
pub(super) struct Condition {
    pub(super) work: Work,
    state: Mutex<State>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
enum State {
    /// Not tried since the start.
    #[default]
    Unknown,
    Works,
    Fails {
        reason: String,
        at: At,
    },
}

/// How far a piece of work came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum At {
    /// It looked what there is to do.
    Looking,
    /// It did something.
    Doing,
}

impl Condition {
    const fn of(work: Work) -> Self {
        Self { work, state: Mutex::new(State::Unknown) }
    }

    /// It failed; whether that is new.
    pub(super) fn fails(&self, reason: String, at: At) -> bool {
        let mut state = self.state();
        let was_failing = match &*state {
            State::Fails { at, .. } => Some(*at),
            State::Unknown | State::Works => None,
        };
        // What failed while something was done is not over because now it fails earlier.
        let at = if was_failing == Some(At::Doing) { At::Doing } else { at };
        *state = State::Fails { reason, at };
        was_failing.is_none()
    }

    /// It went well as far as it came; whether that ends a failure. That there was nothing to do proves little.
    pub(super) fn works(&self, at: At) -> bool {
        let mut state = self.state();
        match (&*state, at) {
            (State::Unknown | State::Fails { at: At::Doing, .. }, At::Looking) => false,
            _ => matches!(std::mem::replace(&mut *state, State::Works), State::Fails { .. }),
        }
    }

    fn failure(&self) -> Option<String> {
        match &*self.state() {
            State::Fails { reason, .. } => Some(format!("{} fails: {reason}", self.work)),
            State::Unknown | State::Works => None,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All that a daemon does.
#[derive(Debug)]
pub(super) struct Conditions {
    pub(super) sweeping: Condition,
    pub(super) mailing: Condition,
    pub(super) forgetting: Condition,
    pub(super) reloading: Condition,
    pub(super) looking_back: Condition,
}

impl Conditions {
    pub(super) const fn unknown() -> Self {
        Self {
            sweeping: Condition::of(Work::Sweeping),
            mailing: Condition::of(Work::Mailing),
            forgetting: Condition::of(Work::Forgetting),
            reloading: Condition::of(Work::Reloading),
            looking_back: Condition::of(Work::LookingBack),
        }
    }

    fn all(&self) -> [&Condition; 5] {
        [&self.sweeping, &self.mailing, &self.forgetting, &self.reloading, &self.looking_back]
    }

    /// The work that fails, and why.
    pub(super) fn failing(&self) -> Vec<String> {
        let failing = self.all().into_iter();
        failing.filter_map(Condition::failure).collect()
    }

    /// Whether nothing fails, and what failed before the start was done since: what was told of it is over.
    pub(super) fn are_well(&self, failed_before: Option<Work>) -> bool {
        let is_done = |one: &&Condition| *one.state() == State::Works;
        let before = self.all().into_iter().find(|one| Some(one.work) == failed_before);
        self.failing().is_empty() && is_done(&&self.sweeping) && before.as_ref().is_none_or(is_done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recovery_of_one_ends_nobody_elses_trouble() {
        let (all, before) = (Conditions::unknown(), Some(Work::Mailing));
        assert!(!all.are_well(None), "nothing was tried yet");
        assert!(!all.sweeping.works(At::Doing) && all.are_well(None) && !all.are_well(before));
        let full = || "disk full".to_owned();
        assert!(all.mailing.fails(full(), At::Doing), "it is new");
        assert!(!all.mailing.fails(full(), At::Looking), "it is known");
        assert!(!all.sweeping.works(At::Doing) && !all.are_well(None));
        assert_eq!(all.failing(), ["sending mail fails: disk full"]);
        assert!(!all.mailing.works(At::Looking) && !all.are_well(None), "nothing was to be sent");
        assert!(all.mailing.works(At::Doing) && all.are_well(before));
    }

    #[test]
    fn what_could_not_even_look_works_when_it_can() {
        let all = Conditions::unknown();
        all.mailing.fails("connection refused".to_owned(), At::Looking);
        assert!(all.mailing.works(At::Looking));
    }
}
