//! Time, as the process sees it. Everything that needs an instant is handed one, or a [`Clock`]; only this file asks the
//! machine (`clippy.toml` forbids it elsewhere), so a simulation can move time and a test never waits for it.

use std::sync::{Arc, Mutex, PoisonError};
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

/// 2024-01-01T00:00:00Z, in seconds of Unix time. No machine on which this program runs is older. One without a battery begins in
/// 1970, until it has asked for the time.
const CLOCKS_BEGIN: i64 = 1_704_067_200;

/// Whether a clock that shows `now` has been set at all. Nothing is to be concluded by one that has not.
#[must_use]
pub fn is_set(now: DateTime<Utc>) -> bool {
    now.timestamp() >= CLOCKS_BEGIN
}

/// What the machine's clock showed last while it was set, and what the monotonic one showed then. The machine has one clock, so
/// the process has one of these.
static BELIEVED: Mutex<Believed> = Mutex::new(Believed { last: None, has_fallen: false });

#[derive(Debug, Clone, Copy)]
struct Believed {
    last: Option<(DateTime<Utc>, Instant)>,
    has_fallen: bool,
}

/// What became of the machine's clock between two looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    Fell,
    IsSetAgain,
}

impl Believed {
    /// The time, when the machine's clock shows `shown`. One that falls to 1970 while we run (a reset clock chip, a wrong time server)
    /// is not believed: time goes on from what it showed last, so that nothing is judged, told or dated by 1970.
    fn time(&mut self, shown: DateTime<Utc>, monotonic: Instant) -> (DateTime<Utc>, Option<Turn>) {
        if is_set(shown) {
            self.last = Some((shown, monotonic));
            let had_fallen = std::mem::replace(&mut self.has_fallen, false);
            return (shown, had_fallen.then_some(Turn::IsSetAgain));
        }
        // It was never set: who begins waits for it.
        let Some((then, at)) = self.last else { return (shown, None) };
        let had_fallen = std::mem::replace(&mut self.has_fallen, true);
        let since = chrono::TimeDelta::from_std(monotonic.saturating_duration_since(at)).unwrap_or_default();
        (then + since, (!had_fallen).then_some(Turn::Fell))
    }
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
        let shown = Utc::now();
        let (now, turn) = BELIEVED.lock().unwrap_or_else(PoisonError::into_inner).time(shown, Instant::now());
        match turn {
            None => {}
            Some(Turn::Fell) => {
                tracing::error!(%shown, goes_on = %now, "the clock of this machine has fallen back; it is not believed until it is set");
            }
            Some(Turn::IsSetAgain) => tracing::info!(%now, "the clock of this machine is set again"),
        }
        now + self.ahead
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

/// A clock of which a day passes in a few seconds: for the sandbox, whose certificates come and go by days.
#[derive(Debug, Clone, Copy)]
pub struct QuickClock {
    begun: DateTime<Utc>,
    at: Instant,
    day_every: Duration,
}

const SECONDS_OF_A_DAY: u32 = 86_400;

impl QuickClock {
    /// A clock that shows `begun` at this moment, and as much of a day later after as much of `day_every`.
    #[must_use]
    pub fn new(begun: DateTime<Utc>, day_every: Duration) -> Self {
        Self { begun, at: monotonic(), day_every }
    }

    /// What it shows after so much real time; its beginning where the calendar ends.
    fn after(self, real: Duration) -> DateTime<Utc> {
        let days = real.as_secs_f64() / self.day_every.as_secs_f64();
        let shown = Duration::try_from_secs_f64(days * f64::from(SECONDS_OF_A_DAY)).unwrap_or_default();
        let shown = chrono::TimeDelta::from_std(shown).ok();
        shown.and_then(|shown| self.begun.checked_add_signed(shown)).unwrap_or(self.begun)
    }
}

impl Clock for QuickClock {
    fn now(&self) -> DateTime<Utc> {
        self.after(monotonic().saturating_duration_since(self.at))
    }

    fn sleep_until(&self, deadline: DateTime<Utc>) -> BoxFuture<'_, ()> {
        async move {
            while let Ok(left) = (deadline - self.now()).to_std()
                && !left.is_zero()
            {
                let days = left.as_secs_f64() / f64::from(SECONDS_OF_A_DAY);
                // At least a millisecond: a part of one would be looked at again and again.
                pause(self.day_every.mul_f64(days).max(Duration::from_millis(1))).await;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_falls_to_1970_is_not_believed_and_time_goes_on() {
        let begun = monotonic();
        let mut believed = Believed { last: None, has_fallen: false };
        for (seconds, shown, expected, turn, why) in [
            (0, "1970-01-01T00:00:09Z", "1970-01-01T00:00:09Z", None, "never set: shown as it is"),
            (5, "2026-11-26T01:00:00Z", "2026-11-26T01:00:00Z", None, "set"),
            (65, "2026-11-26T01:01:00Z", "2026-11-26T01:01:00Z", None, "it runs"),
            (70, "1970-01-01T00:00:02Z", "2026-11-26T01:01:05Z", Some(Turn::Fell), "it falls"),
            (86_465, "1970-01-02T00:00:00Z", "2026-11-27T01:01:00Z", None, "a day later, said once"),
            (86_470, "2026-11-27T01:00:50Z", "2026-11-27T01:00:50Z", Some(Turn::IsSetAgain), "set right"),
            (86_480, "2026-11-20T00:00:00Z", "2026-11-20T00:00:00Z", None, "a step back that is no fall"),
            (
                86_481,
                "2023-12-31T23:59:59Z",
                "2026-11-20T00:00:01Z",
                Some(Turn::Fell),
                "before there was any of us",
            ),
        ] {
            let at = begun + Duration::from_secs(seconds);
            let (now, turned) = believed.time(shown.parse().unwrap(), at);
            assert_eq!((now.to_rfc3339(), turned), (expected.replace('Z', "+00:00"), turn), "{why}");
        }
    }

    #[tokio::test]
    async fn a_day_of_a_quick_clock_passes_in_its_seconds() {
        let begun: DateTime<Utc> = "2026-01-05T00:00:00Z".parse().unwrap();
        let clock = QuickClock::new(begun, Duration::from_secs(10));
        for (seconds, shown, why) in [
            (0, "2026-01-05T00:00:00+00:00", "the beginning"),
            (5, "2026-01-05T12:00:00+00:00", "half a day"),
            (10, "2026-01-06T00:00:00+00:00", "a day"),
            (3650, "2027-01-05T00:00:00+00:00", "a year in an hour"),
            (u64::MAX, "2026-01-05T00:00:00+00:00", "beyond the calendar"),
        ] {
            assert_eq!(clock.after(Duration::from_secs(seconds)).to_rfc3339(), shown, "{why}");
        }
        let quicker = QuickClock::new(begun, Duration::from_millis(10));
        let tomorrow = begun + chrono::TimeDelta::days(1);
        quicker.sleep_until(tomorrow).await;
        assert!(quicker.now() >= tomorrow);
    }

    #[test]
    fn a_clock_is_set_from_2024_on() {
        for (shown, is) in
            [("1970-01-01T00:00:00Z", false), ("2023-12-31T23:59:59Z", false), ("2024-01-01T00:00:00Z", true)]
        {
            assert_eq!(is_set(shown.parse().unwrap()), is, "{shown}");
        }
    }
}
