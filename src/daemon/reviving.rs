//! A private server that has died is started again, at first at once, then with growing pauses: on a full disk each start writes
//! and fails anew.

use std::error::Error;
use std::sync::atomic::Ordering;

use chrono::TimeDelta;

use super::service::Daemon;
use crate::private_postgres::{PrivatePostgres, Revival};

/// As long as the unit's longest pause between two starts of ours (`RestartMaxDelaySec`).
const PAUSE_MAX: TimeDelta = TimeDelta::minutes(5);

/// The starts of a server that has not worked since.
#[derive(Debug, Default)]
struct Starts(u32);

impl Starts {
    /// How long to wait after one more of them: a minute, doubled with every further one.
    fn pause(&mut self) -> TimeDelta {
        let pause = TimeDelta::minutes(1 << self.0.min(8)).min(PAUSE_MAX);
        self.0 = self.0.saturating_add(1);
        pause
    }
}

impl Daemon<'_> {
    /// Starts a private server again until the end is asked for. A loop of its own, for a server may be long in recovering, and
    /// on a full disk PostgreSQL begins with it again and again: meanwhile the others tell that it is away.
    pub(super) async fn revive_on(&self) {
        let Some(private) = self.around.private else { return };
        let mut starts = Starts::default();
        loop {
            tokio::select! {
                () = self.around.ending.cancelled() => break,
                () = self.lifeless.notified() => {}
            }
            if self.revived.swap(false, Ordering::Relaxed) {
                starts = Starts::default();
            }
            let was_started = tokio::select! {
                () = self.around.ending.cancelled() => break,
                was_started = start_again(private) => was_started,
            };
            if was_started {
                let next = self.around.clock.now() + starts.pause();
                tokio::select! {
                    () = self.around.ending.cancelled() => break,
                    () = self.around.clock.sleep_until(next) => {}
                }
            }
        }
    }
}

/// Starts the server unless it answers. Whether it was started, in vain or not.
async fn start_again(private: &PrivatePostgres) -> bool {
    match private.revive().await {
        Ok(Revival::NotNeeded) => return false,
        Ok(Revival::Started) => tracing::warn!("the private PostgreSQL was started again"),
        Err(error) => {
            let advice = error.advice();
            tracing::error!(error = &error as &dyn Error, advice, "the private PostgreSQL does not start");
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_does_not_work_is_started_with_growing_pauses() {
        let mut starts = Starts::default();
        let pauses: Vec<i64> = (0..5).map(|_| starts.pause().num_minutes()).collect();
        assert_eq!(pauses, [1, 2, 4, 5, 5]);
        assert_eq!(Starts(u32::MAX).pause(), PAUSE_MAX);
    }
}
