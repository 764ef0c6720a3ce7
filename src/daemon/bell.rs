//! The bell: one job of the scheduler for each distinct cron line of the watchlist in force, and each does nothing but ring.
//!
//! tokio-cron-scheduler is here because the project was asked to schedule by it (design 5), and little rests on it: with it a check
//! begins within a second of its time, without it at the next look of the sweeping loop, up to a minute later. It decides nothing.
//! It keeps a zone's offset as it was when the job was added, and polls twice a second: so it may ring an hour off after a clock
//! change, late or twice. Who is due is decided by `domain::rhythm` from the clock and the rows, with croner, whoever rings.

use std::sync::Arc;

use tokio::sync::Notify;
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};

use super::common::Common;
use crate::config::Watchlist;

pub(super) struct BellLoop<'s> {
    common: &'s Common<'s>,
}

impl<'s> BellLoop<'s> {
    pub(super) fn new(common: &'s Common<'s>) -> Self {
        Self { common }
    }

    /// Rings for the lines of the watchlist in force, until the end is asked for.
    pub(super) async fn run(self) {
        let mut accepted = self.common.accepted.subscribe();
        while !self.common.is_ending() {
            let watchlist = Arc::clone(&accepted.borrow_and_update());
            let mut scheduler = match ringing(&watchlist, &self.common.bells.sweep).await {
                Ok(scheduler) => Some(scheduler),
                Err(error) => {
                    tracing::warn!(%error, "the scheduler did not start: looking once a minute");
                    None
                }
            };
            tokio::select! {
                () = self.common.around.ending.cancelled() => {}
                // The sender lives as long as we do.
                _ = accepted.changed() => {}
            }
            if let Some(scheduler) = &mut scheduler
                && let Err(error) = scheduler.shutdown().await
            {
                // It rings on, which does no harm.
                tracing::warn!(%error, "the scheduler did not stop");
            }
        }
    }
}

/// A scheduler that rings `bell` at each occurrence of each line of `watchlist`.
async fn ringing(watchlist: &Watchlist, bell: &Arc<Notify>) -> Result<JobScheduler, JobSchedulerError> {
    let scheduler = JobScheduler::new().await?;
    for line in watchlist.bell_lines() {
        let bell = Arc::clone(bell);
        let ring = move |_, _| -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> {
            bell.notify_one();
            Box::pin(std::future::ready(()))
        };
        scheduler.add(Job::new_async_tz(line.for_scheduler(), watchlist.timezone, ring)?).await?;
    }
    scheduler.start().await?;
    Ok(scheduler)
}
