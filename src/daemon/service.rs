//! The whole life of a daemon on one page.

use std::error::Error;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use super::condition::{At, Condition, Conditions};
use super::direct_mail::DirectMail;
use super::heartbeat::Heart;
use super::reload::hang_ups;
use super::silence::SILENCE_MAX;
use super::systemd;
use crate::clock::{Clock, pause};
use crate::config::{Environment, Watchlist};
use crate::email::Sweeping;
use crate::private_postgres::PrivatePostgres;
use crate::store::steps::{NoSteps, Steps};
use crate::store::{Store, StoreError};

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

/// A file that was not taken into force, for the operators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// The first fault, or why the file cannot be read.
    pub reason: String,
    /// Its line.
    pub line: Option<u32>,
}

/// With what a daemon begins.
#[derive(Debug)]
pub struct Beginning<'t> {
    /// The text of the watchlist that comes into force.
    pub accepted: &'t str,
    /// The text that lay there when that was judged, good or not; `None` where it could not be read. What lies there later
    /// was edited since.
    pub found: Option<String>,
    /// Why what lay there is not what comes into force.
    pub rejected: Option<Rejected>,
}

impl<'t> Beginning<'t> {
    /// With the file that lies there.
    #[must_use]
    pub fn with(text: &'t str) -> Self {
        Self { accepted: text, found: Some(text.to_owned()), rejected: None }
    }
}

/// What a daemon works with.
pub struct Surroundings<'a> {
    /// The open database.
    pub store: &'a Store,
    /// The private server it lives on, to be revived when it dies.
    pub private: Option<&'a PrivatePostgres>,
    /// The process's clock.
    pub clock: Arc<dyn Clock>,
    /// The variables of the process, for secrets.
    pub environment: Environment,
    /// Where the file is.
    pub path: PathBuf,
    /// Where the accepted copy of it is kept.
    pub state_dir: PathBuf,
    /// Cancelled when the daemon is to end.
    pub ending: CancellationToken,
}

/// A daemon.
pub struct Daemon<'a> {
    pub(super) around: Surroundings<'a>,
    pub(super) accepted: watch::Sender<Arc<Watchlist>>,
    pub(super) bell: Arc<Notify>,
    pub(super) mail_bell: Notify,
    pub(super) sweeping: watch::Sender<Sweeping>,
    pub(super) steps: &'a dyn Steps,
    pub(super) silence_max: Duration,
    pub(super) conditions: Conditions,
    is_stopping: SaidOnce,
    /// The database failed: a private server may have died.
    pub(super) lifeless: Notify,
    /// It has worked since.
    pub(super) revived: AtomicBool,
    /// Two loops meet the same trouble at the same moment: one of them tells it.
    telling: tokio::sync::Mutex<()>,
    pub(super) no_key: SaidOnce,
    pub(super) no_password: SaidOnce,
    pub(super) heart: tokio::sync::Mutex<Heart>,
    /// The day, counted from year 1, on which the companies were stored last.
    pub(super) accepted_on: AtomicI32,
    /// What the service manager is told while all is well.
    pub(super) last_sweep: Mutex<String>,
}

/// Something that is said when it begins and when it is over, however often it is met in between: a loop comes round every
/// minute.
#[derive(Debug, Default)]
pub(super) struct SaidOnce(AtomicBool);

impl SaidOnce {
    /// It is met; whether it is new.
    pub(super) fn begins(&self) -> bool {
        !self.0.swap(true, Ordering::Relaxed)
    }

    /// It is not met; whether it was before.
    pub(super) fn ends(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}

impl<'a> Daemon<'a> {
    /// A daemon that is yet to live, by `watchlist`.
    #[must_use]
    pub fn new(around: Surroundings<'a>, watchlist: Watchlist) -> Self {
        Self {
            around,
            accepted: watch::Sender::new(Arc::new(watchlist)),
            bell: Arc::default(),
            mail_bell: Notify::new(),
            sweeping: watch::Sender::new(Sweeping::Idle),
            steps: &NoSteps,
            silence_max: SILENCE_MAX,
            conditions: Conditions::unknown(),
            is_stopping: SaidOnce::default(),
            lifeless: Notify::new(),
            revived: AtomicBool::default(),
            telling: tokio::sync::Mutex::default(),
            no_key: SaidOnce::default(),
            no_password: SaidOnce::default(),
            heart: tokio::sync::Mutex::default(),
            accepted_on: AtomicI32::new(0),
            last_sweep: Mutex::new("no sweep since the start".to_owned()),
        }
    }

    /// The same daemon, which tells `steps` how far its work is: tests stop it there.
    #[must_use]
    pub fn in_steps(self, steps: &'a dyn Steps) -> Self {
        Self { steps, ..self }
    }

    /// The same daemon, which gives up work that has not got on for so long: tests do not wait for half an hour.
    #[must_use]
    pub fn with_patience(self, silence_max: Duration) -> Self {
        Self { silence_max, ..self }
    }

    /// Lives until `ending` is cancelled, then drains.
    ///
    /// # Errors
    /// It could not start.
    pub async fn live(&self, beginning: Beginning<'_>) -> Result<(), DaemonError> {
        let Beginning { accepted, found, rejected } = beginning;
        let hang_up = hang_ups().map_err(DaemonError::Signals)?;
        let work = async {
            self.begin(accepted, rejected).await.map_err(DaemonError::Accept)?;
            systemd::say(&[NotifyState::Ready]);
            tracing::info!(companies = self.watchlist().companies.len(), "watching");
            tokio::join!(
                self.sweep_on(),
                self.mail_on(),
                self.forget_on(),
                self.revive_on(),
                self.reload_on(hang_up, found),
                self.watch_over()
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
        // An idle daemon's work may end at the very poll in which it was asked to.
        self.say_stopping();
        tracing::info!("ended");
        lived
    }

    /// The watchlist in force.
    pub(super) fn watchlist(&self) -> Arc<Watchlist> {
        Arc::clone(&self.accepted.borrow())
    }

    async fn drain_limit(&self) {
        self.around.ending.cancelled().await;
        self.say_stopping();
        pause(DRAIN_MAX).await;
    }

    fn say_stopping(&self) {
        if self.is_stopping.begins() {
            systemd::say(&[NotifyState::Stopping]);
        }
    }

    /// Tells the service manager that we are alive, for as long as we are.
    async fn watch_over(&self) {
        let Some(every) = systemd::watchdog_pause() else { return };
        while !self.around.ending.is_cancelled() {
            systemd::say(&[NotifyState::Watchdog]);
            tokio::select! {
                () = self.around.ending.cancelled() => {}
                () = pause(every) => {}
            }
        }
    }

    /// A piece of work failed as a whole, most likely by the database. Said once until it is over; a private server is looked
    /// after.
    pub(super) async fn failed(&self, condition: &Condition, at: At, error: &(dyn Error + 'static)) {
        let work = condition.work;
        if condition.fails(chain(error), at) {
            tracing::error!(error, work, "this failed and is tried again every minute");
        }
        if is_of_the_database(error) {
            let watchlist = self.watchlist();
            let _alone = self.telling.lock().await;
            self.direct_mail(&watchlist).database_failed(Some(work), &chain(error)).await;
        }
        self.lifeless.notify_one();
    }

    /// A piece of work was done. When all of it is again, what was told without the database is told to be over.
    pub(super) async fn works(&self, condition: &Condition, at: At) {
        if condition.works(at) {
            tracing::info!(work = condition.work, "it works again");
            self.revived.store(true, Ordering::Relaxed);
        }
        let watchlist = self.watchlist();
        let direct_mail = self.direct_mail(&watchlist);
        let _alone = self.telling.lock().await;
        if !self.conditions.are_well(direct_mail.failed_work().as_deref()) {
            return;
        }
        let Some(facts) = direct_mail.told() else { return };
        match self.tell_database_is_back(facts).await {
            Ok(()) => direct_mail.forget(),
            Err(error) => tracing::error!(
                error = &error as &dyn Error,
                "it could not be told that the database is back"
            ),
        }
    }

    pub(super) fn direct_mail<'w>(&'w self, watchlist: &'w Watchlist) -> DirectMail<'w> {
        DirectMail {
            watchlist,
            environment: &self.around.environment,
            clock: self.around.clock.as_ref(),
            state_dir: &self.around.state_dir,
        }
    }
}

/// Whether it is the database itself that fails.
fn is_of_the_database(error: &(dyn Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| (**error).source())
        .filter_map(|error| error.downcast_ref::<StoreError>())
        .any(StoreError::is_of_the_database)
}

/// An error with its sources, in one line.
pub(super) fn chain(error: &dyn Error) -> String {
    let sources = std::iter::successors(Some(error), |error| (**error).source());
    sources.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
