//! What looks after the database itself: once a day what is older than `[database].keep` is removed, and a private server that has
//! died is started again.

use std::error::Error;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use tokio::sync::Notify;

use super::common::Common;
use super::condition::At;
use super::silence::{Pulse, WorkError, unless_silent};
use crate::clock::pause;
use crate::private_postgres::{PrivatePostgres, Revival as Revived};
use crate::store::StoreError;
use crate::store::outbox::retention::{self, Forgotten, Mark};
use crate::store::steps::NoSteps;

/// Removes what is old, a slice at a time.
pub(super) struct RetentionLoop<'s> {
    common: &'s Common<'s>,
    /// For which day and which `keep` it was done last.
    done: Option<(NaiveDate, Duration)>,
}

impl<'s> RetentionLoop<'s> {
    pub(super) fn new(common: &'s Common<'s>) -> Self {
        Self { common, done: None }
    }

    /// Looks once a minute whether today's is done, until the end is asked for.
    pub(super) async fn run(mut self) {
        let no_bell = Notify::new();
        while !self.common.is_ending() {
            self.look().await;
            self.common.next_look(&no_bell).await;
        }
    }

    async fn look(&mut self) {
        let common = self.common;
        let (watchlist, now) = (common.watchlist(), common.around.clock.now());
        let today = watchlist.day_of(now);
        let Some(keep) = watchlist.database.keep.filter(|keep| self.done != Some((today, *keep))) else {
            return;
        };
        match self.forget(keep, now).await {
            Ok(removed) => {
                common.works(&common.conditions.forgetting, At::Doing).await;
                self.done = Some((today, keep));
                if removed > 0 {
                    tracing::info!(removed, "removed what is older than [database].keep");
                }
            }
            Err(error) => common.failed(&common.conditions.forgetting, At::Doing, &error).await,
        }
    }

    /// One pass, which goes on tomorrow from its beginning when the end is asked for in it.
    async fn forget(&self, keep: Duration, now: DateTime<Utc>) -> Result<u64, WorkError<StoreError>> {
        // Longer than time itself: nothing is that old.
        let Some(before) = TimeDelta::from_std(keep).ok().and_then(|keep| now.checked_sub_signed(keep))
        else {
            return Ok(0);
        };
        let (mut mark, mut all) = (Some(Mark::BEGINNING), 0);
        while let Some(from) = mark
            && !self.common.is_ending()
        {
            let forgetting = retention::forget(self.common.around.store.pool(), before, from);
            let Forgotten { removed, next } =
                unless_silent(&Pulse::of(&NoSteps), self.common.silence_max, forgetting).await?;
            (mark, all) = (next, all + removed);
        }
        Ok(all)
    }
}

/// Starts a private server again that has died, at first at once, then with growing pauses: on a full disk each start writes and
/// fails anew.
pub(super) struct RevivalLoop<'s> {
    common: &'s Common<'s>,
}

impl<'s> RevivalLoop<'s> {
    pub(super) fn new(common: &'s Common<'s>) -> Self {
        Self { common }
    }

    /// Starts it again until the end is asked for. A loop of its own, for a server may be long in recovering, and on a full disk
    /// PostgreSQL begins with it again and again: meanwhile the others tell that it is away.
    pub(super) async fn run(self) {
        if let Some(private) = self.common.around.private {
            // Starting a server is a large future.
            let reviving = Box::pin(self.revive(private));
            self.common.around.ending.run_until_cancelled(reviving).await;
        }
    }

    async fn revive(&self, private: &PrivatePostgres) {
        let (clock, mut starts) = (self.common.around.clock.as_ref(), Starts::default());
        loop {
            tokio::select! {
                () = self.common.bells.revival.notified() => {}
                () = private.ended() => {}
            }
            match start_again(private).await {
                // What has ended may be seen before what comes after it.
                Some(Revived::NotNeeded) => pause(LOOK_AGAIN_AFTER).await,
                Some(Revived::Started) => {
                    self.ring();
                    clock.sleep_until(starts.next(clock.now())).await;
                }
                None => clock.sleep_until(starts.next(clock.now())).await,
            }
        }
    }

    /// Whoever failed meanwhile need not wait for the next look.
    fn ring(&self) {
        let bells = &self.common.bells;
        bells.sweep.notify_one();
        bells.mail.notify_one();
        bells.heartbeat.notify_one();
    }
}

/// How long a server that answers, and of whose end was told, is left alone.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// The starts of a server that did not work for long.
#[derive(Debug, Default)]
struct Starts {
    count: u32,
    last: Option<DateTime<Utc>>,
}

/// As long as the unit's longest pause between two starts of ours (`RestartMaxDelaySec`).
const PAUSE_MAX: TimeDelta = TimeDelta::minutes(5);

impl Starts {
    /// When it may be started again after a start `now`: in a minute, and in twice the time after each further one. One that has
    /// worked for longer than the longest pause and the minute to the next look begins anew.
    fn next(&mut self, now: DateTime<Utc>) -> DateTime<Utc> {
        let has_worked = self.last.is_none_or(|last| now - last > PAUSE_MAX * 2 || now < last);
        self.count = if has_worked { 0 } else { self.count.saturating_add(1) };
        self.last = Some(now);
        now + TimeDelta::minutes(1 << self.count.min(8)).min(PAUSE_MAX)
    }
}

/// Starts the server unless it answers; `None` where that was in vain.
async fn start_again(private: &PrivatePostgres) -> Option<Revived> {
    match private.revive().await {
        Ok(revived) => {
            if revived == Revived::Started {
                tracing::warn!("the private PostgreSQL was started again");
            }
            Some(revived)
        }
        Err(error) => {
            let advice = error.advice();
            tracing::error!(error = &error as &dyn Error, advice, "the private PostgreSQL does not start");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_does_not_work_is_started_with_growing_pauses() {
        let (mut starts, mut now) = (Starts::default(), DateTime::UNIX_EPOCH);
        let mut pause_after = |starts: &mut Starts, wait: i64| {
            now += TimeDelta::minutes(wait);
            (starts.next(now) - now).num_minutes()
        };
        let pauses: Vec<i64> = [0, 1, 2, 4, 5, 6].map(|wait| pause_after(&mut starts, wait)).to_vec();
        assert_eq!(pauses, [1, 2, 4, 5, 5, 5]);
        assert_eq!(pause_after(&mut starts, 11), 1, "it has worked meanwhile");
    }
}
