//! The loop that sweeps: looks who is due, whenever a bell rings and once a minute.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use chrono::{Datelike as _, TimeDelta};

use super::condition::At;
use super::service::Daemon;
use super::silence::Pulse;
use crate::config::{self, Watchlist};
use crate::email::Sweeping;
use crate::store::steps::Steps;
use crate::sweep::{self, Mode, Report, Sweep, SweepError, Unwatched, Whom};

/// Where no bell rings (it is only a help) nobody waits longer than this.
pub(super) const LOOK_EVERY: TimeDelta = TimeDelta::minutes(1);

impl Daemon<'_> {
    /// Sweeps until the end is asked for; the sweep that runs then ends after the companies it has begun.
    pub(super) async fn sweep_on(&self) {
        while !self.around.ending.is_cancelled() {
            let watchlist = self.watchlist();
            self.sweeping.send_replace(Sweeping::Running);
            let pulse = Pulse::of(self.steps);
            let sweeping = Box::pin(self.sweep_once(&watchlist, &pulse));
            let swept = self.unless_silent(&pulse, sweeping).await;
            self.sweeping.send_replace(Sweeping::Idle);
            match swept {
                Ok(report) => {
                    self.works(&self.conditions.sweeping, At::Doing).await;
                    self.note(&report);
                }
                Err(error) => self.failed(&self.conditions.sweeping, At::Doing, &error).await,
            }
            self.mail_bell.notify_one();
            let next_look = self.around.clock.now() + LOOK_EVERY;
            tokio::select! {
                () = self.around.ending.cancelled() => {}
                () = self.bell.notified() => {}
                () = self.around.clock.sleep_until(next_look) => {}
            }
        }
    }

    async fn sweep_once(&self, watchlist: &Watchlist, steps: &dyn Steps) -> Result<Report, SweepError> {
        self.accept_daily(watchlist).await?;
        // A file with the key is read again at each sweep: a repaired key heals within a minute.
        let key = match config::read_api_key(watchlist, &self.around.environment) {
            Ok(key) => {
                self.no_key.ends();
                key.map(|key| key.value)
            }
            Err(error) => {
                if self.no_key.begins() {
                    let advice = error.advice();
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        advice,
                        "the API key cannot be read"
                    );
                }
                None
            }
        };
        let sweep = || {
            let clock = Arc::clone(&self.around.clock);
            Sweep::new(
                self.around.store,
                watchlist,
                clock,
                steps,
                Mode::ForGood,
                &Unwatched,
                self.around.ending.clone(),
            )
        };
        let mut report = sweep().run(&Whom::Due, key).await?;
        if !self.around.ending.is_cancelled() {
            report.found += sweep().judge_the_day().await?.len();
        }
        Ok(report)
    }

    /// Says once a day that this watchlist is obeyed: one that nobody obeys for days counts as gone.
    async fn accept_daily(&self, watchlist: &Watchlist) -> Result<(), SweepError> {
        let now = self.around.clock.now();
        let today = now.with_timezone(&watchlist.timezone).date_naive();
        if self.accepted_on.load(Ordering::Relaxed) != today.num_days_from_ce() {
            sweep::accept(self.around.store, watchlist, now).await?;
            self.accepted_on.store(today.num_days_from_ce(), Ordering::Relaxed);
        }
        Ok(())
    }

    fn note(&self, report: &Report) {
        if report.tally.asked > 0 || report.found > 0 {
            let tally = report.tally;
            tracing::info!(
                asked = tally.asked,
                complete = tally.complete,
                incomplete = tally.incomplete,
                failed = tally.failed,
                disputed = tally.disputed,
                skipped = report.skipped,
                calls = tally.calls,
                events = report.found,
                "swept"
            );
        }
        if let Some(problem) = report.halt.as_ref().and_then(crate::sweep::Halt::problem) {
            if report.tally.asked > 0 {
                let (class, code) = (problem.class.as_str(), problem.code);
                tracing::error!(class, code, reason = problem.reason, "asking is stopped");
            }
            return;
        }
        if report.tally.asked > 0 {
            *self.last_sweep.lock().unwrap_or_else(PoisonError::into_inner) = self.swept(report);
        }
    }

    /// What the service manager is told while all is well.
    pub(super) fn last_sweep(&self) -> String {
        self.last_sweep.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn swept(&self, report: &Report) -> String {
        format!(
            "last sweep {}: {} of {} companies complete",
            self.around.clock.now().with_timezone(&self.watchlist().timezone).format("%Y-%m-%d %H:%M"),
            report.tally.complete,
            report.tally.asked
        )
    }
}
