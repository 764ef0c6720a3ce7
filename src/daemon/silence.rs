//! Work that waits for ever. A database whose machine has lost its power, or a firewall that forgot a connection, closes
//! nothing: a statement that was under way gets neither an answer nor an error, and sqlx sets no keep-alives of its own. Calls
//! and mail have time-outs, a statement has none (a sweep may rightly take hours). So what counts is whether the work gets on.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

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

/// Does the work, but gives it up when it has not got on for `silence_max`: as after a crash, nothing is lost, and what holds its
/// locks is closed with it.
pub(super) async fn unless_silent<T, E: From<StoreError>>(
    pulse: &Pulse<'_>,
    silence_max: Duration,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    tokio::select! {
        done = work => done,
        () = silence(pulse, silence_max) => Err(StoreError::Silent.into()),
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
