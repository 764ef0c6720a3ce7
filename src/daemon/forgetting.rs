//! The loop that forgets: once a day what is older than `[database].keep`, a slice at a time.

use std::time::Duration;

use chrono::TimeDelta;

use super::condition::At;
use super::service::Daemon;
use super::sweeping::LOOK_EVERY;
use crate::store::StoreError;
use crate::store::outbox::retention::{self, Mark, Step};

impl Daemon<'_> {
    /// Forgets until the end is asked for.
    pub(super) async fn forget_on(&self) {
        let mut done = None;
        while !self.around.ending.is_cancelled() {
            let watchlist = self.watchlist();
            let now = self.around.clock.now();
            let today = now.with_timezone(&watchlist.timezone).date_naive();
            if let Some(keep) = watchlist.database.keep
                && done != Some((today, keep))
            {
                match self.forget(keep).await {
                    Ok(removed) => {
                        self.works(&self.conditions.forgetting, At::Doing).await;
                        done = Some((today, keep));
                        if removed > 0 {
                            tracing::info!(removed, "forgot what is older than [database].keep");
                        }
                    }
                    Err(error) => self.failed(&self.conditions.forgetting, At::Doing, &error).await,
                }
            }
            let next_look = now + LOOK_EVERY;
            tokio::select! {
                () = self.around.ending.cancelled() => {}
                () = self.around.clock.sleep_until(next_look) => {}
            }
        }
    }

    /// One pass, which goes on tomorrow from its beginning when the end is asked for in it.
    async fn forget(&self, keep: Duration) -> Result<u64, StoreError> {
        let now = self.around.clock.now();
        // Longer than time itself: nothing is that old.
        let Some(before) = TimeDelta::from_std(keep).ok().and_then(|keep| now.checked_sub_signed(keep))
        else {
            return Ok(0);
        };
        let (mut mark, mut all) = (Some(Mark::BEGINNING), 0);
        while let Some(from) = mark
            && !self.around.ending.is_cancelled()
        {
            let Step { removed, next } = retention::forget(self.around.store.pool(), before, from).await?;
            (mark, all) = (next, all + removed);
        }
        Ok(all)
    }
}
