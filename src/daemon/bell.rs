//! The bell: one job of the scheduler for each distinct cron line, and each does nothing but ring.
//!
//! The scheduler keeps a zone's offset as it was when the job was added, and polls twice a second: it may ring an hour off
//! after a clock change, late or twice. Nobody minds: who hears it asks the clock and the rows.

use std::sync::Arc;

use tokio::sync::Notify;
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};

use crate::config::Watchlist;

/// Rings for the lines of one watchlist.
pub(super) struct Bell {
    scheduler: JobScheduler,
}

impl Bell {
    /// A bell that rings `heard` at each occurrence of each line of `watchlist`.
    ///
    /// # Errors
    /// The scheduler does not start or refuses a line.
    pub(super) async fn ringing(
        watchlist: &Watchlist,
        heard: &Arc<Notify>,
    ) -> Result<Self, JobSchedulerError> {
        let scheduler = JobScheduler::new().await?;
        for line in watchlist.lines() {
            let heard = Arc::clone(heard);
            let ring = move |_, _| -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> {
                heard.notify_one();
                Box::pin(std::future::ready(()))
            };
            scheduler.add(Job::new_async_tz(line.for_scheduler(), watchlist.timezone, ring)?).await?;
        }
        scheduler.start().await?;
        Ok(Self { scheduler })
    }

    /// Rings no more.
    pub(super) async fn silence(mut self) {
        if let Err(error) = self.scheduler.shutdown().await {
            // It rings on, which does no harm.
            tracing::warn!(%error, "the scheduler did not stop");
        }
    }
}
