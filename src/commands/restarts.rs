//! The pauses between starts of a daemon that ends again and again. systemd before 254 starts it at one pace for ever, and each start
//! would open the database, mail and ask anew: so the daemon itself waits, longer each time, and remembers in the state
//! directory.

use std::fs;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use sd_notify::NotifyState;

use crate::clock::Clock;
use crate::config::Environment;

/// Holds how many starts in a row did not last.
const MARKER: &str = "run.restarts";

/// A run that lasted for so long was a good one.
const GOOD_RUN: TimeDelta = TimeDelta::minutes(5);

/// After the second start in a row; twice as long after each further one. systemd's own `RestartSec` comes on top.
const PAUSE_LEAST: TimeDelta = TimeDelta::seconds(5);
const PAUSE_MAX: TimeDelta = TimeDelta::minutes(5);

/// So often the service manager is told that the start takes longer.
const SAY_EVERY: TimeDelta = TimeDelta::seconds(30);

/// The starts of this daemon, where a service manager starts it; whoever starts it by hand does not want to wait.
#[derive(Debug)]
pub(super) struct Restarts {
    marker: Option<PathBuf>,
    /// Starts before this one that did not last.
    failed: u32,
}

impl Restarts {
    /// Counts this start.
    pub fn count(state_dir: &Path, environment: &Environment) -> Self {
        let is_supervised = environment.get("NOTIFY_SOCKET").is_some_and(|socket| !socket.is_empty());
        if !is_supervised || !state_dir.is_dir() {
            return Self { marker: None, failed: 0 };
        }
        let marker = state_dir.join(MARKER);
        let failed: u32 =
            fs::read_to_string(&marker).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0);
        remember(&marker, failed.saturating_add(1));
        Self { marker: Some(marker), failed }
    }

    /// Waits as long as so many starts in vain ask for.
    pub async fn wait(&self, clock: &dyn Clock) {
        let (began, pause) = (clock.now(), pause_after(self.failed));
        let until = began + pause;
        if pause.is_zero() {
            return;
        }
        tracing::error!(
            starts = self.failed,
            seconds = pause.num_seconds(),
            "none of the last starts lasted for five minutes: this one waits"
        );
        let said = format!("{} starts did not last; waiting until {}", self.failed, in_utc(until));
        loop {
            let now = clock.now();
            // Also when the clock was set back.
            if now >= until || now < began {
                return;
            }
            let more = u32::try_from((SAY_EVERY * 2).num_microseconds().unwrap_or_default());
            let states =
                [NotifyState::Status(&said), NotifyState::ExtendTimeoutUsec(more.unwrap_or(u32::MAX))];
            let _ = sd_notify::notify(&states);
            clock.sleep_until(until.min(now + SAY_EVERY)).await;
        }
    }

    /// Forgets them when this run has lasted; never completes.
    pub async fn forget_after_a_good_run(&self, clock: &dyn Clock) {
        clock.sleep_until(clock.now() + GOOD_RUN).await;
        self.forget();
        std::future::pending::<()>().await;
    }

    /// This run was a good one, or was ended by whoever may.
    pub fn forget(&self) {
        if let Some(marker) = &self.marker {
            remember(marker, 0);
        }
    }
}

fn pause_after(failed: u32) -> TimeDelta {
    match failed.checked_sub(2) {
        // The first restart may be a crash that does not come again.
        None => TimeDelta::zero(),
        Some(doubled) => (PAUSE_LEAST * 2_i32.pow(doubled.min(10))).min(PAUSE_MAX),
    }
}

fn in_utc(at: DateTime<Utc>) -> String {
    at.format("%H:%M:%S UTC").to_string()
}

/// In place: the disk may be full.
fn remember(marker: &Path, failed: u32) {
    let mut options = fs::OpenOptions::new();
    let file = options.write(true).create(true).truncate(false).mode(0o600).open(marker);
    let written = file.and_then(|mut file| {
        io::Write::write_all(&mut file, format!("{failed:10}\n").as_bytes())?;
        Ok(())
    });
    if let Err(error) = written {
        tracing::warn!(%error, "it cannot be remembered how often the daemon was started");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SimulatedClock;
    use futures_util::FutureExt as _;

    fn supervised() -> Environment {
        [("NOTIFY_SOCKET", "/nowhere/notify")].into_iter().collect()
    }

    #[test]
    fn the_pauses_grow_up_to_five_minutes() {
        let pauses: Vec<i64> = (0..11).map(|failed| pause_after(failed).num_seconds()).collect();
        assert_eq!(pauses, [0, 0, 5, 10, 20, 40, 80, 160, 300, 300, 300]);
        assert_eq!(pause_after(u32::MAX), PAUSE_MAX);
    }

    #[tokio::test]
    async fn starts_in_a_row_are_remembered_until_one_lasts() {
        let state = tempfile::tempdir().unwrap();
        let count = || Restarts::count(state.path(), &supervised());
        assert_eq!([count().failed, count().failed, count().failed], [0, 1, 2]);
        let clock = SimulatedClock::new(DateTime::UNIX_EPOCH + TimeDelta::days(20_000));
        let fourth = count();
        let mut waiting = Box::pin(fourth.wait(&clock));
        assert!((&mut waiting).now_or_never().is_none(), "ten seconds");
        clock.set(clock.now() + TimeDelta::seconds(10));
        waiting.await;

        let mut lasting = Box::pin(fourth.forget_after_a_good_run(&clock));
        clock.set(clock.now() + TimeDelta::minutes(4));
        assert!((&mut lasting).now_or_never().is_none());
        assert_eq!(Restarts::count(state.path(), &supervised()).failed, 4, "four minutes are not enough");
        let mut lasting = Box::pin(fourth.forget_after_a_good_run(&clock));
        assert!((&mut lasting).now_or_never().is_none());
        clock.set(clock.now() + TimeDelta::minutes(5));
        assert!((&mut lasting).now_or_never().is_none());
        assert_eq!(count().failed, 0, "a good run");
    }

    #[test]
    fn who_starts_it_by_hand_does_not_wait() {
        let state = tempfile::tempdir().unwrap();
        for _ in 0..5 {
            assert_eq!(Restarts::count(state.path(), &Environment::default()).failed, 0);
        }
        assert_eq!(fs::read_dir(state.path()).unwrap().count(), 0);
    }
}
