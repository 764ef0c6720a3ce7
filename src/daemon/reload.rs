//! A new file comes into force whole, or not at all.

use std::io;
use std::sync::Arc;

use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::common::Common;
use super::condition::At;
use super::edits::Edits;
use super::silence::{Pulse, unless_silent};
use super::systemd;
use crate::config::{self, ConfigError, JudgedFile, Watchlist};
use crate::domain::event::{News, Trouble, TroubleFacts};
use crate::domain::text::{chain, displayable};
use crate::domain::trouble_cause::{FileFault, Slip, TroubleCause, UnreadableFile};
use crate::store::StoreError;
use crate::store::outbox::troubles;
use crate::store::steps::{NoSteps, Step};
use crate::sweep;

/// A file that is gone is told of only when it stays away: at this many looks in a row.
const UNREAD_LOOKS: u32 = 3;

/// So many faults are told in a mail; `qualwatch validate` shows all.
const FAULTS_TOLD_MAX: usize = 5;

const REJECTED_ADVICE: &str = "see all faults with `qualwatch validate` and mend them: the file is read again by itself; until then the last good \
                               watchlist stays in force";

/// A file that was not taken into force, for the operators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// The first fault, or why the file cannot be read.
    pub reason: String,
    /// Its line.
    pub line: Option<u32>,
    /// The same with its facts.
    pub cause: Option<TroubleCause>,
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
        self.common.board.accepted(&self.common.watchlist());
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
            Box::pin(self.look(told)).await;
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
        let pulse = Pulse::of(&NoSteps);
        let done = unless_silent(&pulse, self.common.silence_max, Box::pin(self.reload(text))).await;
        match done {
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
        let JudgedFile { watchlist, faults, warnings } = config::judge(&text, &self.common.around.path);
        let Some(watchlist) = watchlist else {
            return self.tell_rejected(Rejected::of(&faults, &text)).await;
        };
        for warning in warnings {
            tracing::warn!(line = warning.line, key = warning.key, "{}", warning.message);
        }
        if watchlist.database != self.common.watchlist().database {
            tracing::warn!("[database] has changed: that takes effect at the next start only");
        }
        let accepting = self.common.accepting.lock().await;
        self.store_companies(&watchlist).await?;
        self.keep(&text);
        tracing::info!(companies = watchlist.companies.len(), "the watchlist was read anew");
        self.common.board.accepted(&watchlist);
        self.common.accepted.send_replace(Arc::new(watchlist));
        drop(accepting);
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
        let Rejected { reason, line, cause } = rejected;
        tracing::error!(line, reason, "the watchlist is not accepted: the last good one stays in force");
        self.common.board.refused(&reason);
        let facts = TroubleFacts {
            reason,
            cause,
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
        let fault = match error {
            ConfigError::Read { source, .. } => match source.kind() {
                io::ErrorKind::NotFound => UnreadableFile::Missing,
                io::ErrorKind::PermissionDenied => UnreadableFile::Forbidden,
                _ => UnreadableFile::Other,
            },
            ConfigError::TooBig { limit, .. } => UnreadableFile::TooBig { mebibytes: limit >> 20 },
            ConfigError::NotUtf8 { line, .. } => UnreadableFile::NotUtf8 { line: *line },
            _ => UnreadableFile::Other,
        };
        let cause = Some(TroubleCause::Unreadable { fault });
        Self { reason: displayable(&chain(error)), line: None, cause }
    }

    /// Of a file of this text with these faults: the first of them, and how many there are.
    #[must_use]
    pub fn of(faults: &[config::Fault], text: &str) -> Self {
        let Some(first) = faults.first() else {
            return Self { reason: "the watchlist cannot be used".to_owned(), line: None, cause: None };
        };
        let shown = faults.iter().take(FAULTS_TOLD_MAX).filter_map(|fault| in_mail(fault, text)).collect();
        let cause = Some(TroubleCause::Faults { first: shown, count: faults.len() });
        let more = match faults.len() {
            1 => String::new(),
            count => format!(" (the first of {count} faults)"),
        };
        let key = if first.key.is_empty() { String::new() } else { format!("{} ", first.key) };
        let reason = displayable(&format!("{key}{}{more}", first.message));
        Self { reason, line: Some(first.line), cause }
    }
}

/// A fault as a mail shows it. What is a secret is not shown at all.
fn in_mail(fault: &config::Fault, text: &str) -> Option<FileFault> {
    let slip = fault.slip.clone()?;
    let shown = match slip {
        Slip::Secret => String::new(),
        _ => config::shown_at(text, &fault.span),
    };
    // Of a key that stands elsewhere it is a sentence, which the slip says as well.
    let perhaps = fault.suggestion.clone().filter(|_| !matches!(slip, Slip::KeyElsewhere { .. }));
    Some(FileFault {
        slip,
        message: fault.message.clone(),
        key: fault.key.clone(),
        line: fault.line,
        column: fault.column,
        shown,
        perhaps,
        more: fault.more,
    })
}

fn say_reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => systemd::say(&[NotifyState::Reloading, now]),
        Err(error) => tracing::warn!(%error, "the machine has no monotonic time"),
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, NaiveDate, Utc};

    use super::*;
    use crate::domain::event::Event;
    use crate::domain::language::Language;
    use crate::email::words;

    const EXAMPLE: &str = include_str!("../../watchlist.example.toml");

    /// What the operators read of a file, as a row gives it back.
    fn told(text: &str, language: Language) -> String {
        let judgement = config::judge(text, std::path::Path::new("/nowhere/watchlist.toml"));
        let Rejected { reason, cause, line } = Rejected::of(&judgement.faults, text);
        let facts = TroubleFacts { reason, cause, line, ..TroubleFacts::default() };
        let at = "2026-11-27T00:00:00Z".parse::<DateTime<Utc>>().unwrap();
        let today = "2026-11-27".parse::<NaiveDate>().unwrap();
        let event = Event::new(News::Trouble(Trouble::WatchlistRejected, facts), at, today);
        let row = serde_json::to_string(&event).unwrap();
        let event: Event = serde_json::from_str(&row).unwrap();
        assert!(!row.contains("hunter2"), "no secret is stored: {row}");
        words::summary(&event, language)
    }

    #[test]
    fn a_faulty_file_is_told_in_the_language_of_the_mail() {
        let email = |line: &str| EXAMPLE.replace("[email]\n", &format!("[email]\n{line}\n"));
        let top = |line: &str| format!("{line}\n{EXAMPLE}");
        let company = |line: &str| format!("{EXAMPLE}\n[[company]]\n{line}\n");
        for (text, said, why) in [
            (email("too = []"), "email.too 没有这个键，文件中为 too；可能应为 to", "a slip"),
            (email("keyword = 1"), "应写在 [[company]] 中", "a key of another table"),
            (email("password = \"hunter2\""), "email.password 密钥、密码不应写在此文件中", "a secret"),
            (top("timezone = 8"), "应为文本，而不是整数，文件中为 8；可能应为 \"8\"", "another kind"),
            (top("language = \"de\""), "只能是 zh-CN 或 en", "none of a few"),
            (top("language： \"en\""), "标点有误：“：”应为“=”", "an input method"),
            (
                top("timezone = \"Peking\""),
                "没有这个时区，文件中为 \"Peking\"；可能应为 Asia/Shanghai",
                "a zone",
            ),
            (top("[database]\nkeep = \"7 days\""), "不是时长（写法如", "a duration"),
            (top("[database]\nkeep = \"1d\""), "时长过短", "a short one"),
            (top("[report]"), "本版本尚不支持", "reserved"),
            (top("[http]\nlisten = \"[::]:80\""), "其他计算机可以访问此地址", "for everybody to read"),
            (top("="), "不符合 TOML 格式", "no TOML"),
            (company("name = \"甲\""), "company.keyword 缺少此项", "nothing to ask for"),
            (company("keyword = \"甲\"\nto = [\"甲\"]"), "company.to 不是有效的邮件地址", "an address"),
            (company("keyword = \"甲\"\nid = \"7\""), "不是有效的 id", "an id"),
            (company("keyword = \"甲\"\ncheck = \"daily\""), "定时表达式无法执行", "a cron line"),
            (company("keyword = \"乙\"\n[[company]]\nkeyword = \"乙\""), "行重复，文件中为 \"乙\"", "twice"),
            ("[email]\nto = []".to_owned(), "处错误，此为第 1 处", "how many"),
        ] {
            let chinese = told(&text, Language::Chinese);
            assert!(chinese.contains(said), "{why}: {chinese}");
            for english in [" is ", " no ", " not ", " the ", "missing"] {
                assert!(!chinese.contains(english), "{why}: {chinese}");
            }
            let reason = Rejected::of(&config::judge(&text, "".as_ref()).faults, &text).reason;
            assert!(told(&text, Language::English).contains(reason.trim_end_matches('.')), "{why}");
        }
    }
}
