//! The loop that sweeps: looks who is due, whenever a bell rings and once a minute.

use std::sync::Arc;

use chrono::NaiveDate;
use tracing::Instrument as _;

use super::common::{Common, SecretAnew};
use super::condition::At;
use super::silence::{Pulse, unless_silent};
use crate::config::{self, Watchlist};
use crate::email::Sweeping;
use crate::store::StoreError;
use crate::store::steps::Steps;
use crate::sweep::{self, Mode, NoProgress, Report, Sweep, Whom};

pub(super) struct SweepLoop<'s> {
    common: &'s Common<'s>,
    key: SecretAnew,
    /// The day on which the companies were stored last.
    accepted_on: Option<NaiveDate>,
}

impl<'s> SweepLoop<'s> {
    pub(super) fn new(common: &'s Common<'s>) -> Self {
        Self { common, key: SecretAnew::default(), accepted_on: None }
    }

    /// Sweeps until the end is asked for; the sweep that runs then ends after the companies it has begun.
    pub(super) async fn run(mut self) {
        let common = self.common;
        while !common.is_ending() {
            let span = sweep::span_of(common.around.clock.now());
            self.look().instrument(span).await;
            common.bells.mail.notify_one();
            common.next_look(&common.bells.sweep).await;
        }
    }

    async fn look(&mut self) {
        let common = self.common;
        let watchlist = common.watchlist();
        common.turns.send_modify(|turns| turns.sweeping = Sweeping::Running);
        let pulse = Pulse::of(common.steps);
        let sweeping = Box::pin(self.sweep(&watchlist, &pulse));
        let swept = unless_silent(&pulse, common.silence_max, sweeping).await;
        let asked = swept.as_ref().map_or(0, |report| report.tally.asked);
        common.turns.send_modify(|turns| {
            turns.sweeping = Sweeping::Idle;
            turns.swept += 1;
            turns.asked += u64::try_from(asked).unwrap_or_default();
        });
        match swept {
            Ok(report) => {
                common.works(&common.conditions.sweeping, At::Doing).await;
                common.board.missed(report.missed);
                note(&report);
            }
            Err(error) => common.failed(&common.conditions.sweeping, At::Doing, &error).await,
        }
    }

    async fn sweep(&mut self, watchlist: &Watchlist, steps: &dyn Steps) -> Result<Report, StoreError> {
        let around = &self.common.around;
        self.accept_daily().await?;
        let key = self.key.given("API key", config::read_api_key(watchlist, &around.environment));
        let sweep = || {
            let clock = Arc::clone(&around.clock);
            let ending = around.ending.clone();
            Sweep::new(around.store, watchlist, clock, steps, Mode::ForGood, &NoProgress, ending)
        };
        let mut report = sweep().run(&Whom::Due, key.map(|key| key.value)).await?;
        if !self.common.is_ending() {
            report.told.extend(sweep().judge_the_day().await?);
        }
        Ok(report)
    }

    /// Says once a day that this watchlist is obeyed: one that nobody obeys for days counts as gone.
    async fn accept_daily(&mut self) -> Result<(), StoreError> {
        let common = self.common;
        let _accepting = common.accepting.lock().await;
        let (watchlist, now) = (common.watchlist(), common.around.clock.now());
        let today = watchlist.day_of(now);
        if self.accepted_on != Some(today) {
            sweep::accept(common.around.store, &watchlist, now).await?;
            self.accepted_on = Some(today);
        }
        Ok(())
    }
}

fn note(report: &Report) {
    let tally = report.tally;
    if tally.asked > 0 || !report.told.is_empty() {
        tracing::info!(
            asked = tally.asked,
            complete = tally.complete,
            incomplete = tally.incomplete,
            failed = tally.failed,
            disputed = tally.disputed,
            skipped = report.skipped,
            calls = tally.calls,
            events = report.told.len(),
            "swept"
        );
    }
    if let Some(problem) = report.halt.as_ref().and_then(sweep::Halt::problem)
        && tally.asked > 0
    {
        let (class, code) = (problem.class.as_str(), problem.code);
        tracing::error!(class, code, reason = problem.reason, "asking is stopped");
    }
}
