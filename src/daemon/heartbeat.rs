//! The heartbeat: a dead man's switch (such as healthchecks) is told once a day that the day's work is done. When it is not
//! told, it raises the alarm that we cannot raise ourselves any more.

use std::time::Duration;

use chrono::NaiveDate;
use url::Url;

use super::service::Daemon;
use crate::email::Sweeping;
use crate::store::reports::{self, DaysWork};
use crate::store::{Store, StoreError};

/// The most that one beat may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The last day that was told.
#[derive(Debug, Default)]
pub(super) struct Heart {
    beaten_on: Option<NaiveDate>,
    /// A beat that fails is tried again each minute, and said once.
    is_missed: bool,
}

/// What the switch is told of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Beat {
    Well,
    /// Asking or mail is stopped, or nothing was verified that day.
    Fail,
}

impl Daemon<'_> {
    /// Beats when the day's judging and mail are done, once a day.
    pub(super) async fn beat(&self) {
        let watchlist = self.watchlist();
        let Some(url) = &watchlist.heartbeat.url else { return };
        let today = self.around.clock.now().with_timezone(&watchlist.timezone).date_naive();
        let mut heart = self.heart.lock().await;
        if heart.beaten_on == Some(today) || *self.sweeping.borrow() == Sweeping::Running {
            return;
        }
        match self.todays_beat(self.around.store, today).await {
            Ok(None) => {}
            Ok(Some(beat)) => match send(url, beat).await {
                Ok(()) => {
                    *heart = Heart { beaten_on: Some(today), is_missed: false };
                    tracing::info!(?beat, "heartbeat");
                }
                Err(error) => {
                    if !heart.is_missed {
                        // Without its URL: whoever knows it can silence the switch.
                        let error = error.without_url();
                        tracing::warn!(
                            error = &error as &dyn std::error::Error,
                            "the heartbeat was not taken"
                        );
                    }
                    heart.is_missed = true;
                }
            },
            Err(error) => self.failed("looking at the day's work", &error).await,
        }
    }

    /// `None` while the day's work is not done.
    async fn todays_beat(&self, store: &Store, today: NaiveDate) -> Result<Option<Beat>, StoreError> {
        let watchlist = self.watchlist();
        let midnight = crate::domain::wall_clock::hour_of_day(watchlist.timezone, today, 0);
        let DaysWork { unjudged, verified, stops } =
            reports::days_work(store.pool(), today, midnight.unwrap_or_default()).await?;
        let is_well = verified > 0 && stops == 0;
        Ok((unjudged == 0).then_some(if is_well { Beat::Well } else { Beat::Fail }))
    }
}

async fn send(url: &Url, beat: Beat) -> Result<(), reqwest::Error> {
    let mut url = url.clone();
    if beat == Beat::Fail {
        let path = format!("{}/fail", url.path().trim_end_matches('/'));
        url.set_path(&path);
    }
    let client = reqwest::Client::builder()
        .timeout(TIMEOUT)
        .user_agent(concat!("qualwatch/", env!("CARGO_PKG_VERSION")));
    // As towards the provider: an http:// address needs no CA certificates on the machine.
    let client = if url.scheme() == "http" { client.tls_certs_only(std::iter::empty()) } else { client };
    client.build()?.get(url).send().await?.error_for_status().map(drop)
}
