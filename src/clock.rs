//! Time, as the process sees it. Everything that needs an instant is handed one, or a [`Clock`]; only this file asks the
//! machine (`clippy.toml` forbids it elsewhere), so a simulation can move time and a test never waits for it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::sync::watch;

/// Where a process gets its time from.
pub trait Clock: Send + Sync {
    /// The current instant.
    fn now(&self) -> DateTime<Utc>;

    /// Completes when the clock shows `deadline` or later. Also when it was set back: what was waited for may be a month away
    /// by then, and who waits looks again at what is due.
    fn sleep_until(&self, deadline: DateTime<Utc>) -> BoxFuture<'_, ()>;
}

/// No machine on which this program runs is older. One without a battery begins in 1970, until it has asked for the time.
const CLOCKS_BEGIN: &str = "2024-01-01T00:00:00Z";

/// Whether a clock that shows `now` has been set at all. Nothing is to be concluded by one that has not.
#[must_use]
pub fn is_set(now: DateTime<Utc>) -> bool {
    CLOCKS_BEGIN.parse::<DateTime<Utc>>().is_ok_and(|begin| now >= begin)
}

/// The machine's clock, or that clock moved by a fixed distance (`QUALWATCH_NOW`, design 7: it runs on from there).
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock {
    ahead: chrono::TimeDelta,
}

impl SystemClock {
    /// A clock that shows `now` at this moment and runs on from there.
    #[must_use]
    pub fn starting_at(now: DateTime<Utc>) -> Self {
        Self { ahead: now - Self::default().now() }
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks the machine")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now() + self.ahead
    }

    fn sleep_until(&self, deadline: DateTime<Utc>) -> BoxFuture<'_, ()> {
        async move {
            let mut before = self.now();
            // A wall clock can be stepped while we sleep: look again at least once a minute.
            loop {
                let now = self.now();
                let Ok(left) = (deadline - now).to_std() else { return };
                if left.is_zero() || now < before {
                    return;
                }
                before = now;
                pause(left.min(Duration::from_mins(1))).await;
            }
        }
        .boxed()
    }
}

/// A clock that stands still until somebody moves it: for the demo and for tests.
#[derive(Debug, Clone)]
pub struct SimulatedClock {
    now: Arc<watch::Sender<DateTime<Utc>>>,
}

impl SimulatedClock {
    /// A clock that shows `now`.
    #[must_use]
    pub fn new(now: DateTime<Utc>) -> Self {
        Self { now: Arc::new(watch::Sender::new(now)) }
    }

    /// Moves the clock to `now` (backwards too, as a corrected machine's clock does) and wakes who waits for it.
    pub fn set(&self, now: DateTime<Utc>) {
        self.now.send_replace(now);
    }

    /// Moves the clock on by `step`.
    pub fn advance(&self, step: chrono::TimeDelta) {
        self.now.send_modify(|now| *now += step);
    }
}

impl Clock for SimulatedClock {
    fn now(&self) -> DateTime<Utc> {
        *self.now.borrow()
    }

    fn sleep_until(&self, deadline: DateTime<Utc>) -> BoxFuture<'_, ()> {
        let mut seen = self.now.subscribe();
        let begun = *seen.borrow();
        async move {
            // The sender lives in `self`, so waiting cannot fail while we are polled.
            let _ = seen.wait_for(|now| *now >= deadline || *now < begun).await;
        }
        .boxed()
    }
}

/// The work did not end within the time it was given.
#[derive(Debug, thiserror::Error)]
#[error("not done within {} ms", .0.as_millis())]
pub struct TookTooLong(pub Duration);

/// Gives `work` at most `limit` of real, monotonic time: for sockets and child processes, whose time no simulation moves.
///
/// # Errors
/// [`TookTooLong`] when the limit passed first; `work` is then dropped.
pub async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Result<T, TookTooLong> {
    tokio::time::timeout(limit, work).await.map_err(|_| TookTooLong(limit))
}

/// The machine's monotonic time: for a distance in real seconds that no simulation moves (the pace of requests), never for a
/// date.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the one place that asks the machine")]
pub fn monotonic() -> Instant {
    Instant::now()
}

/// Waits in real time: between two looks at something outside the process that cannot be awaited (a socket that does not
/// answer yet), or for a distance in real seconds; never for a date.
#[expect(clippy::disallowed_methods, reason = "this is the one place that waits on the machine's time")]
pub async fn pause(length: Duration) {
    tokio::time::sleep(length).await;
}
