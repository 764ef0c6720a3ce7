//! A new file comes into force whole, or not at all.

use std::io;

use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::bell::Bell;
use super::condition::At;
use super::edits::Edits;
use super::service::{Daemon, Rejected, chain};
use super::systemd;
use crate::config::{self, ConfigError, Judgement, Watchlist};
use crate::domain::display::displayable;
use crate::domain::event::{Event, News, Trouble, TroubleFacts};
use crate::store::StoreError;
use crate::store::outbox::events::Owed;
use crate::store::outbox::troubles::{self, Turn};
use crate::store::steps::Step;
use crate::sweep;

/// A file that is gone is told of only when it stays away: at this many looks in a row.
const UNREAD_LOOKS: u32 = 3;

/// Why the file is read anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    BySignal,
    ByEdit,
}

/// SIGHUPs, from now on: before, they end the process.
///
/// # Errors
/// Signals cannot be listened for.
pub fn hang_ups() -> io::Result<Signal> {
    signal(SignalKind::hangup())
}

impl Daemon<'_> {
    /// Takes the first watchlist into force, and tells the operators when it is not the file that lies there.
    pub(super) async fn begin(&self, text: &str, rejected: Option<Rejected>) -> Result<(), StoreError> {
        let watchlist = self.watchlist();
        self.store_companies(&watchlist).await?;
        self.direct_mail(&watchlist).reserve();
        if let Some(rejected) = rejected {
            return self.tell_rejected(rejected).await;
        }
        self.keep(text);
        self.tell_accepted().await
    }

    /// Reads the file anew at each SIGHUP and when it was edited, and keeps the bell to its lines. `read` is the text that
    /// was judged last: an edit of the moment in which we started is found by the first look.
    pub(super) async fn reload_on(&self, mut hang_ups: Signal, mut read: Option<String>) {
        let edits = Edits::of(&self.around.path);
        let mut bell = self.ring().await;
        let mut unread = 0;
        loop {
            let told = tokio::select! {
                () = self.around.ending.cancelled() => break,
                Some(()) = hang_ups.recv() => Told::BySignal,
                () = edits.next() => Told::ByEdit,
            };
            let text = config::read_text(&self.around.path);
            unread = if text.is_ok() { 0 } else { unread + 1 };
            match (&text, told) {
                // Half a rename, or a look that found nothing new.
                (Err(_), Told::ByEdit) if unread != UNREAD_LOOKS => continue,
                (Ok(text), Told::ByEdit) if read.as_ref() == Some(text) => continue,
                _ => {}
            }
            say_reloading();
            read = text.as_ref().ok().cloned();
            match self.reload(text).await {
                Ok(()) => self.works(&self.conditions.reloading, At::Doing).await,
                Err(error) => {
                    // What was read is not in force yet: the next look finds it new.
                    read = None;
                    self.failed(&self.conditions.reloading, At::Doing, &error).await;
                }
            }
            systemd::say(&[NotifyState::Ready]);
            if let Some(old) = bell.take() {
                old.silence().await;
            }
            bell = self.ring().await;
        }
        if let Some(bell) = bell {
            bell.silence().await;
        }
    }

    /// Without a bell everybody still looks once a minute.
    async fn ring(&self) -> Option<Bell> {
        match Bell::ringing(&self.watchlist(), &self.bell).await {
            Ok(bell) => Some(bell),
            Err(error) => {
                tracing::warn!(%error, "the scheduler did not start: looking once a minute");
                None
            }
        }
    }

    async fn reload(&self, text: Result<String, ConfigError>) -> Result<(), StoreError> {
        let text = match text {
            Ok(text) => text,
            Err(error) => {
                let reason = displayable(&chain(&error));
                return self.tell_rejected(Rejected { reason, line: None }).await;
            }
        };
        let Judgement { watchlist, faults, warnings } = config::judge(&text, &self.around.path);
        let Some(watchlist) = watchlist else {
            return self.tell_rejected(Rejected::of(&faults)).await;
        };
        for warning in warnings {
            tracing::warn!(line = warning.line, key = warning.key, "{}", warning.message);
        }
        if watchlist.database != self.watchlist().database {
            tracing::warn!("[database] has changed: that takes effect at the next start only");
        }
        self.store_companies(&watchlist).await?;
        self.keep(&text);
        tracing::info!(companies = watchlist.companies.len(), "the watchlist was read anew");
        self.accepted.send_replace(std::sync::Arc::new(watchlist));
        self.tell_accepted().await?;
        self.bell.notify_one();
        self.mail_bell.notify_one();
        Ok(())
    }

    async fn store_companies(&self, watchlist: &Watchlist) -> Result<(), StoreError> {
        sweep::accept(self.around.store, watchlist, self.around.clock.now()).await?;
        self.steps.reached(Step::Accepted).await;
        Ok(())
    }

    fn keep(&self, text: &str) {
        if let Err(error) = config::keep_accepted(&self.around.state_dir, text) {
            let advice = error.advice();
            tracing::error!(
                error = &error as &dyn std::error::Error,
                advice,
                "no copy of the accepted watchlist is kept"
            );
        }
    }

    async fn tell_rejected(&self, rejected: Rejected) -> Result<(), StoreError> {
        let Rejected { reason, line } = rejected;
        tracing::error!(line, reason, "the watchlist is not accepted: the last good one stays in force");
        let facts = TroubleFacts {
            reason,
            line,
            advice: Some(REJECTED_ADVICE.to_owned()),
            since: Some(self.around.clock.now()),
            ..TroubleFacts::default()
        };
        self.tell(News::Trouble(Trouble::WatchlistRejected, facts)).await
    }

    async fn tell_accepted(&self) -> Result<(), StoreError> {
        self.tell(News::Resolved(Trouble::WatchlistRejected, TroubleFacts::default())).await
    }

    async fn tell(&self, news: News) -> Result<(), StoreError> {
        let turn = self.turn(news, "file", self.operators());
        troubles::tell(self.around.store.pool(), &[turn]).await?;
        self.mail_bell.notify_one();
        Ok(())
    }

    /// What the operators were told without the database becomes part of the history, and its end is told by it.
    pub(super) async fn tell_database_is_back(&self, told: TroubleFacts) -> Result<(), StoreError> {
        let trouble = Trouble::DatabaseUnavailable;
        let turns = [
            self.turn(News::Trouble(trouble, told.clone()), "database", Vec::new()),
            self.turn(News::Resolved(trouble, told), "database", self.operators()),
        ];
        troubles::tell(self.around.store.pool(), &turns).await.map(drop)
    }

    fn operators(&self) -> Vec<String> {
        let watchlist = self.watchlist();
        watchlist.email.operators.iter().map(|address| address.as_str().to_owned()).collect()
    }

    fn turn(&self, news: News, which: &str, recipients: Vec<String>) -> Turn {
        let now = self.around.clock.now();
        let today = now.with_timezone(&self.watchlist().timezone).date_naive();
        let event = Event::new(news, now, today);
        Turn { cause: which.to_owned(), owed: Owed { event, company: None, recipients } }
    }
}

const REJECTED_ADVICE: &str = "see all faults with `qualwatch validate` and mend them: the file is read again by itself; until then the last good \
                               watchlist stays in force";

impl Rejected {
    /// Of a file with these faults: the first of them, and how many there are.
    #[must_use]
    pub fn of(faults: &[config::Fault]) -> Self {
        let Some(first) = faults.first() else {
            return Self { reason: "the watchlist cannot be used".to_owned(), line: None };
        };
        let more = match faults.len() {
            1 => String::new(),
            count => format!(" (the first of {count} faults)"),
        };
        let key = if first.key.is_empty() { String::new() } else { format!("{} ", first.key) };
        Self { reason: displayable(&format!("{key}{}{more}", first.message)), line: Some(first.line) }
    }
}

fn say_reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => systemd::say(&[NotifyState::Reloading, now]),
        Err(error) => tracing::warn!(%error, "the machine has no monotonic time"),
    }
}
