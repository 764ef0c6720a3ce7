//! The whole life of a daemon: its loops are started together and end together.

use std::sync::Arc;
use std::time::Duration;

use sd_notify::NotifyState;

use super::bell::BellLoop;
use super::board::{Board, LifeStage};
use super::board_loop::BoardLoop;
use super::common::{Common, Surroundings};
use super::database_care::{RetentionLoop, RevivalLoop};
use super::heartbeat::HealthLoop;
use super::mail_loop::MailLoop;
use super::reload::{Beginning, ReloadLoop};
use super::sweep_loop::SweepLoop;
use super::systemd;
use crate::clock::pause;
use crate::config::Watchlist;
use crate::store::StoreError;
use crate::store::steps::Steps;

/// How long what is begun may take to end: a company in flight, a message at its final dot. What is cut off then is as after
/// a crash: nothing is lost.
const DRAIN_MAX: Duration = Duration::from_secs(50);

/// Why a daemon does not start.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// The companies of the file could not be stored.
    #[error("taking the watchlist into force")]
    Accept(#[source] StoreError),
    /// Signals cannot be listened for.
    #[error("listening for signals")]
    Signals(#[source] std::io::Error),
}

/// A daemon.
pub struct Daemon<'a>(Common<'a>);

impl<'a> Daemon<'a> {
    /// A daemon that is yet to live, by `watchlist`.
    #[must_use]
    pub fn new(around: Surroundings<'a>, watchlist: Watchlist) -> Self {
        Self(Common::new(around, watchlist))
    }

    /// The same daemon, which tells `steps` how far its work is: tests stop it there.
    #[must_use]
    pub fn in_steps(self, steps: &'a dyn Steps) -> Self {
        Self(Common { steps, ..self.0 })
    }

    /// The same daemon, which shows itself on this board.
    #[must_use]
    pub fn seen_on(self, board: Arc<Board>) -> Self {
        Self(Common { conditions: Arc::clone(&board.conditions), board, ..self.0 })
    }

    /// The same daemon, which gives up work that has not got on for so long: tests do not wait for half an hour.
    #[must_use]
    pub fn with_patience(self, silence_max: Duration) -> Self {
        Self(Common { silence_max, ..self.0 })
    }

    /// Lives until `ending` is cancelled, then drains.
    ///
    /// # Errors
    /// It could not start.
    pub async fn live(&self, beginning: Beginning<'_>) -> Result<(), DaemonError> {
        let common = &self.0;
        let reload = ReloadLoop::new(common, beginning.found.clone()).map_err(DaemonError::Signals)?;
        let work = async {
            reload.begin(beginning).await.map_err(DaemonError::Accept)?;
            common.board.is_now(LifeStage::InForce);
            systemd::say(&[NotifyState::Ready]);
            tracing::info!(companies = common.watchlist().companies.len(), "watching");
            tokio::join!(
                SweepLoop::new(common).run(),
                MailLoop::new(common).run(),
                HealthLoop::new(common).run(),
                BoardLoop::new(common).run(),
                RetentionLoop::new(common).run(),
                RevivalLoop::new(common).run(),
                BellLoop::new(common).run(),
                reload.run(),
                systemd::watch_over(&common.around.ending),
            );
            Ok(())
        };
        let lived = tokio::select! {
            // The limit first: it says that we are stopping, long before what was begun has ended.
            biased;
            () = self.drain_limit() => {
                tracing::warn!("what was begun did not end in time; it goes on at the next start");
                Ok(())
            }
            lived = work => lived,
        };
        tracing::info!("ended");
        lived
    }

    async fn drain_limit(&self) {
        self.0.around.ending.cancelled().await;
        self.0.board.is_now(LifeStage::Ending);
        systemd::say(&[NotifyState::Stopping, NotifyState::Status("ending what was begun")]);
        pause(DRAIN_MAX).await;
    }
}
