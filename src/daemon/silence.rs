//! Work that does not end well: that waits for ever, or panics.
//!
//! A database whose machine has lost its power, or a firewall that forgot a connection, closes nothing: a statement that was under way gets neither an answer nor an error, and sqlx sets no keep-alives of its own. Calls
//! and mail have time-outs, a statement has none (a sweep may rightly take hours). So what counts is whether the work gets on.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use super::condition::At;
use crate::clock::pause;
use crate::store::StoreError;
use crate::store::steps::{Step, Steps};

/// Far longer than any step takes: a mail server may think for ten minutes about a message.
pub(super) const SILENCE_MAX: Duration = Duration::from_mins(30);

/// Hears every step of one piece of work, and passes it on.
pub(super) struct Pulse<'a> {
    steps: &'a dyn Steps,
    beats: AtomicU64,
}

impl<'a> Pulse<'a> {
    pub(super) fn of(steps: &'a dyn Steps) -> Self {
        Self { steps, beats: AtomicU64::new(0) }
    }

    /// How far the work came.
    pub(super) fn at(&self) -> At {
        if self.beats() == 0 { At::Looking } else { At::Doing }
    }

    fn beats(&self) -> u64 {
        self.beats.load(Ordering::Relaxed)
    }
}

impl Steps for Pulse<'_> {
    fn reached(&self, step: Step) -> BoxFuture<'_, ()> {
        self.beats.fetch_add(1, Ordering::Relaxed);
        self.steps.reached(step)
    }
}

/// Why a piece of work was not done.
#[derive(Debug, thiserror::Error)]
pub(super) enum WorkError<E: std::error::Error> {
    /// It failed.
    #[error(transparent)]
    Failed(E),
    /// Something in it panicked, a library perhaps: that attempt failed, and the loop goes on.
    #[error("an internal error: the log says what panicked; please report it")]
    Panicked,
}

impl<E: std::error::Error + 'static> WorkError<E> {
    /// The error that it stands for: whoever looks what is wrong looks for that.
    pub(super) fn itself(&self) -> &(dyn std::error::Error + 'static) {
        match self {
            Self::Failed(error) => error,
            Self::Panicked => self,
        }
    }
}

/// Does the work, but gives it up when it has not got on for `silence_max`, or panics: as after a crash, nothing is lost, and what
/// holds its locks is closed with it.
pub(super) async fn unless_silent<T, E: From<StoreError> + std::error::Error>(
    pulse: &Pulse<'_>,
    silence_max: Duration,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, WorkError<E>> {
    tokio::select! {
        done = AssertUnwindSafe(work).catch_unwind() => match done {
            Ok(done) => done.map_err(WorkError::Failed),
            Err(_) => Err(WorkError::Panicked),
        },
        () = silence(pulse, silence_max) => Err(WorkError::Failed(StoreError::Silent.into())),
    }
}

async fn silence(pulse: &Pulse<'_>, silence_max: Duration) {
    let mut heard = pulse.beats();
    loop {
        pause(silence_max).await;
        let beats = pulse.beats();
        if beats == heard {
            return;
        }
        heard = beats;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::steps::NoSteps;

    #[tokio::test]
    async fn a_panic_is_a_failure_of_that_attempt() {
        let pulse = Pulse::of(&NoSteps);
        let panics = async {
            let text = String::from("none");
            Ok::<u8, StoreError>(text.parse().unwrap())
        };
        let failed = unless_silent(&pulse, SILENCE_MAX, panics).await.unwrap_err();
        assert!(matches!(failed, WorkError::Panicked), "{failed}");
        let done = unless_silent(&pulse, SILENCE_MAX, async { Ok::<u8, StoreError>(7) }).await;
        assert_eq!(done.unwrap(), 7);
    }
}
