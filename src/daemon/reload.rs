//! A new file comes into force whole, or not at all.

use std::io;
use std::sync::Arc;

use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::common::Common;
use super::condition::At;
use super::edits::Edits;
use super::systemd;
use crate::config::{self, ConfigError, Judgement, Watchlist};
use crate::domain::event::{News, Trouble, TroubleFacts};
use crate::domain::text::{chain, displayable};
use crate::store::StoreError;
use crate::store::outbox::troubles;
use crate::store::steps::Step;
use crate::sweep;

/// A file that is gone is told of only when it stays away: at this many looks in a row.
const UNREAD_LOOKS: u32 = 3;

const REJECTED_ADVICE: &str = "see all faults with `qualwatch validate` and mend them: the file is read again by itself; until then the last good \
                               watchlist stays in force";

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

/// The loop that reads the file anew: at each SIGHUP and when it was edited.
pub(super) struct ReloadLoop<'s> {
    common: &'s Common<'s>,
    hang_ups: Signal,
    /// The text that was judged last: an edit of the moment in which we started is found by the first look.
    read: Option<String>,
    /// Looks in a row that could not read the file.
    unread: u32,
}

impl<'s> ReloadLoop<'s> {
    /// # Errors
    /// Signals cannot be listened for.
    pub(super) fn new(common: &'s Common<'s>, read: Option<String>) -> io::Result<Self> {
        Ok(Self { common, hang_ups: hang_ups()?, read, unread: 0 })
    }

    /// Takes the first watchlist into force, and tells the operators when it is not the file that lies there.
    pub(super) async fn begin(&self, beginning: Beginning<'_>) -> Result<(), StoreError> {
        self.store_companies(&self.common.watchlist()).await?;
        self.common.direct_mail.lock().await.reserve();
        if let Some(rejected) = beginning.rejected {
            return self.tell_rejected(rejected).await;
        }
        self.keep(beginning.accepted);
        self.tell_accepted().await
    }

    /// Reads the file anew until the end is asked for.
    pub(super) async fn run(mut self) {
        let common = self.common;
        let mut edits = Edits::of(&common.around.path);
        loop {
            let told = tokio::select! {
                () = common.around.ending.cancelled() => break,
                Some(()) = self.hang_ups.recv() => Told::BySignal,
                () = edits.next() => Told::ByEdit,
            };
            self.look(told).await;
        }
    }

    async fn look(&mut self, told: Told) {
        let text = config::read_text(&self.common.around.path);
        self.unread = if text.is_ok() { 0 } else { self.unread + 1 };
        match (&text, told) {
            // Half a rename, or a look that found nothing new.
            (Err(_), Told::ByEdit) if self.unread != UNREAD_LOOKS => return,
            (Ok(text), Told::ByEdit) if self.read.as_ref() == Some(text) => return,
            _ => {}
        }
        say_reloading();
        self.read = text.as_ref().ok().cloned();
        let reloading = &self.common.conditions.reloading;
        match self.reload(text).await {
            Ok(()) => self.common.works(reloading, At::Doing).await,
            Err(error) => {
                // What was read is not in force yet: the next look finds it new.
                self.read = None;
                self.common.failed(reloading, At::Doing, &error).await;
            }
        }
        systemd::say(&[NotifyState::Ready]);
    }

    async fn reload(&self, text: Result<String, ConfigError>) -> Result<(), StoreError> {
        let text = match text {
            Ok(text) => text,
            Err(error) => return self.tell_rejected(Rejected::unreadable(&error)).await,
        };
        let Judgement { watchlist, faults, warnings } = config::judge(&text, &self.common.around.path);
        let Some(watchlist) = watchlist else {
            return self.tell_rejected(Rejected::of(&faults)).await;
        };
        for warning in warnings {
            tracing::warn!(line = warning.line, key = warning.key, "{}", warning.message);
        }
        if watchlist.database != self.common.watchlist().database {
            tracing::warn!("[database] has changed: that takes effect at the next start only");
        }
        self.store_companies(&watchlist).await?;
        self.keep(&text);
        tracing::info!(companies = watchlist.companies.len(), "the watchlist was read anew");
        self.common.accepted.send_replace(Arc::new(watchlist));
        self.tell_accepted().await?;
        self.common.bells.sweep.notify_one();
        Ok(())
    }

    async fn store_companies(&self, watchlist: &Watchlist) -> Result<(), StoreError> {
        let around = &self.common.around;
        sweep::accept(around.store, watchlist, around.clock.now()).await?;
        self.common.steps.reached(Step::Accepted).await;
        Ok(())
    }

    fn keep(&self, text: &str) {
        if let Err(error) = config::keep_accepted(&self.common.around.state_dir, text) {
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
            place: Some(self.common.around.path.display().to_string()),
            since: Some(self.common.around.clock.now()),
            ..TroubleFacts::default()
        };
        self.tell(News::Trouble(Trouble::WatchlistRejected, facts)).await
    }

    async fn tell_accepted(&self) -> Result<(), StoreError> {
        self.tell(News::Resolved(Trouble::WatchlistRejected, TroubleFacts::default())).await
    }

    async fn tell(&self, news: News) -> Result<(), StoreError> {
        let turn = self.common.turn(news, "file");
        troubles::tell(self.common.around.store.pool(), &[turn]).await?;
        self.common.bells.mail.notify_one();
        Ok(())
    }
}

impl Rejected {
    /// Of a file that cannot be read.
    #[must_use]
    pub fn unreadable(error: &ConfigError) -> Self {
        Self { reason: displayable(&chain(error)), line: None }
    }

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
