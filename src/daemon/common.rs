//! What the loops of a daemon share: its surroundings, the watchlist in force, the bells by which they wake each other, and how
//! each piece of work is.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tokio::sync::{Mutex, Notify, watch};
use tokio_util::sync::CancellationToken;

use super::board::Board;
use super::condition::{At, Condition, Conditions};
use super::direct_mail::{DirectMail, Sender};
use super::silence::{Pulse, SILENCE_MAX, WorkError, unless_silent};
use crate::clock::Clock;
use crate::config::{ConfigError, Environment, Watchlist};
use crate::domain::event::{Event, News, Trouble, TroubleFacts};
use crate::domain::text::chain;
use crate::email::Sweeping;
use crate::private_postgres::PrivatePostgres;
use crate::store::outbox::events::Owed;
use crate::store::outbox::troubles::{self, Turn};
use crate::store::steps::{NoSteps, Steps};
use crate::store::{Store, StoreError};

/// Bells are only a help: no loop waits longer than this for one.
pub(super) const LOOK_EVERY: TimeDelta = TimeDelta::minutes(1);

/// Whoever has a failure to report waits meanwhile until this is told.
const TELLING_MAX: Duration = Duration::from_secs(30);

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

/// What every loop can reach. Each has its own state beside it.
pub(super) struct Common<'a> {
    pub(super) around: Surroundings<'a>,
    pub(super) steps: &'a dyn Steps,
    pub(super) silence_max: Duration,
    /// The watchlist in force.
    pub(super) accepted: watch::Sender<Arc<Watchlist>>,
    pub(super) bells: Bells,
    pub(super) turns: watch::Sender<Turns>,
    pub(super) conditions: Arc<Conditions>,
    /// What monitors are shown.
    pub(super) board: Arc<Board>,
    /// Locked while it tells: two loops meet the same trouble at the same moment, and one of them tells it.
    pub(super) direct_mail: Mutex<DirectMail>,
    /// Locked from before a file is stored until it is in force: else the daily storing of the one before could undo it.
    pub(super) accepting: Mutex<()>,
}

/// A bell says "look", and nothing else.
#[derive(Debug, Default)]
pub(super) struct Bells {
    /// Somebody may be due.
    pub(super) sweep: Arc<Notify>,
    /// Something may be owed.
    pub(super) mail: Notify,
    /// The day's work may be done.
    pub(super) heartbeat: Notify,
    /// A private server may have died.
    pub(super) revival: Notify,
}

/// How far sweeping and mailing have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Turns {
    pub(super) sweeping: Sweeping,
    /// Sweeps that have ended, most of which had nobody to ask.
    pub(super) swept: u64,
    /// Companies that were asked for.
    pub(super) asked: u64,
    /// How many sweeps had ended when what was owed was last sent.
    pub(super) mailed: u64,
}

impl<'a> Common<'a> {
    pub(super) fn new(around: Surroundings<'a>, watchlist: Watchlist) -> Self {
        let direct_mail = Mutex::new(DirectMail::remembered_in(&around.state_dir));
        let board = Board::new(Arc::clone(&around.clock), &watchlist);
        let turns = Turns { sweeping: Sweeping::Running, swept: 0, asked: 0, mailed: 0 };
        Self {
            around,
            steps: &NoSteps,
            silence_max: SILENCE_MAX,
            accepted: watch::Sender::new(Arc::new(watchlist)),
            bells: Bells::default(),
            turns: watch::Sender::new(turns),
            conditions: Arc::clone(&board.conditions),
            board,
            direct_mail,
            accepting: Mutex::new(()),
        }
    }

    /// The watchlist in force.
    pub(super) fn watchlist(&self) -> Arc<Watchlist> {
        Arc::clone(&self.accepted.borrow())
    }

    pub(super) fn is_ending(&self) -> bool {
        self.around.ending.is_cancelled()
    }

    /// Waits for the next look: until this bell rings, for a minute, or for the end.
    pub(super) async fn next_look(&self, bell: &Notify) {
        let next_look = self.around.clock.now() + LOOK_EVERY;
        tokio::select! {
            () = self.around.ending.cancelled() => {}
            () = bell.notified() => {}
            () = self.around.clock.sleep_until(next_look) => {}
        }
    }

    /// A piece of work failed as a whole, most likely by the database. Logged once until it is over; a private server is looked
    /// after.
    pub(super) async fn failed(
        &self,
        condition: &Condition,
        at: At,
        error: &WorkError<impl Error + 'static>,
    ) {
        let (work, error) = (condition.work, error.itself());
        if condition.fails(chain(error), at) {
            tracing::error!(error, %work, "this failed and is tried again every minute");
        }
        if is_of_the_database(error) {
            let watchlist = self.watchlist();
            let mut direct_mail = self.direct_mail.lock().await;
            direct_mail.database_failed(&self.sender(&watchlist), Some(work), error).await;
        }
        self.bells.revival.notify_one();
    }

    /// A piece of work was done. When all of it is again, what was told without the database is told to be over.
    pub(super) async fn works(&self, condition: &Condition, at: At) {
        if condition.works(at) {
            tracing::info!(work = %condition.work, "it works again");
        }
        let mut direct_mail = self.direct_mail.lock().await;
        if !self.conditions.are_well(direct_mail.failed_work()) {
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

    /// What the operators were told without the database becomes part of the history, and its end is told by it.
    async fn tell_database_is_back(&self, told: TroubleFacts) -> Result<(), WorkError<StoreError>> {
        let trouble = Trouble::DatabaseUnavailable;
        let mut begun = self.turn(News::Trouble(trouble, told.clone()), "database");
        begun.owed.recipients.clear();
        let ended = self.turn(News::Resolved(trouble, told), "database");
        let turns = [begun, ended];
        let telling = troubles::tell(self.around.store.pool(), &turns);
        unless_silent(&Pulse::of(&NoSteps), TELLING_MAX, telling).await.map(drop)
    }

    /// What the operators are told now.
    pub(super) fn turn(&self, news: News, cause: &str) -> Turn {
        let (watchlist, now) = (self.watchlist(), self.around.clock.now());
        let event = Event::new(news, now, watchlist.day_of(now));
        Turn {
            cause: cause.to_owned(),
            owed: Owed { event, company: None, recipients: watchlist.operators() },
        }
    }

    fn sender<'w>(&'w self, watchlist: &'w Watchlist) -> Sender<'w> {
        let Surroundings { environment, clock, .. } = &self.around;
        Sender { watchlist, environment, clock: clock.as_ref() }
    }
}

/// A secret that is read anew each time, so that a repaired file heals by itself. That it cannot be read is logged once.
#[derive(Debug, Default)]
pub(super) struct SecretAnew {
    is_unreadable: bool,
}

impl SecretAnew {
    pub(super) fn given<T>(&mut self, what: &str, read: Result<Option<T>, ConfigError>) -> Option<T> {
        let was_unreadable = std::mem::replace(&mut self.is_unreadable, read.is_err());
        read.unwrap_or_else(|error| {
            if !was_unreadable {
                let advice = error.advice();
                tracing::error!(error = &error as &dyn Error, advice, "the {what} cannot be read");
            }
            None
        })
    }
}

/// Whether it is the database itself that fails.
fn is_of_the_database(error: &(dyn Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| (**error).source())
        .filter_map(|error| error.downcast_ref::<StoreError>())
        .any(StoreError::is_of_the_database)
}
