//! What the database cannot hold is told to the operators without it (design 5): a mail that is built and handed over at
//! once, once per cause. A marker file remembers, so that neither a restart nor the next look tells it again. It is written in
//! place, into room that was taken while there was some: what is told of may be that very disk, and it may be full.

use std::error::Error;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::clock::Clock;
use crate::config::{self, EmailAddress, Environment, Watchlist};
use crate::domain::event::{Event, News, Trouble, TroubleFacts};
use crate::domain::text::{chain, displayable, hex};
use crate::domain::trouble_cause::{DatabaseFault, TroubleCause, Work};
use crate::domain::wall_clock::not_ahead;
use crate::email::digest::{Letter, compose};
use crate::email::message::{Envelope, build};
use crate::email::post::Post;
use crate::email::{self, EmailError, SendFailure};
use crate::private_postgres::PostgresError;
use crate::store::StoreError;

/// Shorter outages are not reported: the database is restarted, or fails over.
const TOLD_AFTER: TimeDelta = TimeDelta::minutes(5);

/// After a mail that could not be sent, the next try: a refused login repeated quickly locks the account.
const TRY_AGAIN_AFTER: TimeDelta = TimeDelta::hours(1);

/// The marker's name in the state directory.
const MARKER: &str = "database_unavailable.json";

/// What the marker takes of the disk. Blanks fill it up.
const MARKER_BYTES: usize = 4096;

/// What is remembered of a reason, in characters: three bytes each at worst, and the rest of the marker besides.
const REASON_CHARS_MAX: usize = 1000;

const ADVICE: &str = "see that PostgreSQL runs, can be written to and has room on its disk; asking stands still until then, and goes on by \
                      itself";

/// What is remembered of a database that is away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Away {
    since: DateTime<Utc>,
    /// What failed by it; nothing: the database could not even be opened.
    #[serde(default)]
    work: Option<Work>,
    reason: String,
    /// How it fails; nothing in what was remembered before 0.1.0.
    #[serde(default)]
    fault: Option<DatabaseFault>,
    told_at: Option<DateTime<Utc>>,
    tried_at: Option<DateTime<Utc>>,
}

/// The operators could not be told.
#[derive(Debug, thiserror::Error)]
enum DirectMailError {
    #[error("building the mail")]
    Build(#[source] EmailError),
    #[error("sending the mail")]
    Send(#[source] SendFailure),
}

/// Who tells it, to whom, and when.
pub struct Sender<'a> {
    /// To whom, and how mail goes.
    pub watchlist: &'a Watchlist,
    /// For the mail password.
    pub environment: &'a Environment,
    /// The process's clock.
    pub clock: &'a dyn Clock,
}

/// Tells operators of a database that is away, and remembers that in the state directory.
#[derive(Debug)]
pub struct DirectMail {
    state_dir: PathBuf,
    away: Option<Away>,
}

impl DirectMail {
    /// With what is remembered there.
    #[must_use]
    pub fn remembered_in(state_dir: &Path) -> Self {
        let marker = fs::read(state_dir.join(MARKER)).ok();
        let away = marker.and_then(|bytes| serde_json::from_slice(&bytes).ok()).flatten();
        Self { state_dir: state_dir.to_owned(), away }
    }

    /// The database failed. Tells it when it has been away for five minutes, once.
    pub async fn database_failed(
        &mut self,
        sender: &Sender<'_>,
        work: Option<Work>,
        error: &(dyn Error + 'static),
    ) {
        let now = sender.clock.now();
        let known = self.away.take();
        let reason = || displayable(&chain(error)).chars().take(REASON_CHARS_MAX).collect();
        let mut away = known.unwrap_or_else(|| Away {
            since: now,
            work,
            reason: reason(),
            fault: Some(fault_of(error)),
            told_at: None,
            tried_at: None,
        });
        away.since = not_ahead(away.since, now);
        let is_time = away.told_at.is_none()
            && now - away.since >= TOLD_AFTER
            && away.tried_at.is_none_or(|tried| tried > now || now - tried >= TRY_AGAIN_AFTER);
        if is_time {
            away.tried_at = Some(now);
            match sender.send(&away).await {
                Ok(()) => {
                    tracing::info!("the operators were told without the database");
                    away.told_at = Some(now);
                }
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "the operators could not be told that the database is away"
                    );
                }
            }
        }
        self.remember(Some(away));
    }

    /// The database works: takes the room in which it can be remembered that it does not.
    pub(super) fn reserve(&mut self) {
        if self.away.is_none() {
            self.remember(None);
        }
    }

    /// Why work fails, where that is remembered.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        self.away.as_ref().map(said)
    }

    /// What failed, where that is remembered.
    pub(super) fn failed_work(&self) -> Option<Work> {
        self.away.as_ref()?.work
    }

    /// The database works. Gives what the operators were told of its absence, if they were; it is forgotten when
    /// [`forget`](Self::forget) says so.
    pub(super) fn told(&mut self) -> Option<TroubleFacts> {
        let away = self.away.as_ref()?;
        if away.told_at.is_none() {
            self.forget();
            return None;
        }
        Some(facts(away))
    }

    /// That the database is back was told.
    pub(super) fn forget(&mut self) {
        self.remember(None);
    }

    fn remember(&mut self, away: Option<Away>) {
        let written = DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.state_dir)
            .and_then(|()| serde_json::to_vec(&away).map_err(io::Error::other))
            .and_then(|bytes| write_in_place(&self.state_dir.join(MARKER), bytes));
        if let Err(error) = written {
            tracing::error!(%error, "it cannot be remembered whether the database is away");
        }
        self.away = away;
    }
}

impl Sender<'_> {
    async fn send(&self, away: &Away) -> Result<(), DirectMailError> {
        let now = self.clock.now();
        let today = self.watchlist.day_of(now);
        let event = Event::new(News::Trouble(Trouble::DatabaseUnavailable, facts(away)), now, today);
        let letters = compose(&[event], self.watchlist.language, today);
        let password = config::read_smtp_password(self.watchlist, self.environment).unwrap_or_else(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "the mail password cannot be read");
            None
        });
        let password = password.map(|password| password.value);
        let from = self.watchlist.email.from.address.as_str();
        let mut post = Post::new(email::courier(self.watchlist, password.as_ref()), from);
        let mut refused = None;
        let mut taken = 0;
        for to in &self.watchlist.email.operators {
            for letter in &letters {
                let message = self.message(letter, to, away)?;
                match post.post(to.as_str(), &message).await {
                    Ok(_) => taken += 1,
                    Err(failure) => refused = Some(failure),
                }
            }
        }
        post.close().await;
        match refused {
            // One operator who hears is enough; that another cannot be reached is told when the database is back.
            Some(failure) if taken == 0 => Err(DirectMailError::Send(failure)),
            _ => Ok(()),
        }
    }

    fn message(&self, letter: &Letter, to: &EmailAddress, away: &Away) -> Result<Vec<u8>, DirectMailError> {
        let mut hash = Sha256::new();
        hash.update(to.as_str());
        hash.update(away.since.to_rfc3339());
        let left = hex(&hash.finalize()[..16]);
        let from = &self.watchlist.email.from;
        let message_id = format!("database-away.{left}@{}", from.address.domain());
        let envelope = Envelope {
            from,
            to,
            at: self.clock.now(),
            zone: self.watchlist.timezone,
            message_id: &message_id,
        };
        build(letter, &envelope).map_err(DirectMailError::Build)
    }
}

fn said(away: &Away) -> String {
    match &away.work {
        Some(work) => format!("{work} fails: {}", away.reason),
        None => away.reason.clone(),
    }
}

/// How a database fails, by the first of an error and its causes that says so.
fn fault_of(error: &(dyn Error + 'static)) -> DatabaseFault {
    let causes = std::iter::successors(Some(error), |error| (**error).source());
    let known = causes.filter_map(|error| {
        let of_store = error.downcast_ref().map(StoreError::fault);
        of_store.or_else(|| {
            error.downcast_ref().map(|error| match error {
                PostgresError::NoBinaries { .. } => DatabaseFault::NoPrograms,
                _ => DatabaseFault::PrivateServer,
            })
        })
    });
    known.into_iter().next().unwrap_or(DatabaseFault::Other { code: None })
}

/// Emptied first, the file would give away the room that it has.
fn write_in_place(path: &Path, mut bytes: Vec<u8>) -> io::Result<()> {
    bytes.resize(MARKER_BYTES.max(bytes.len()), b' ');
    let mut file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
    file.write_all(&bytes)?;
    file.set_len(bytes.len() as u64)
}

fn facts(away: &Away) -> TroubleFacts {
    TroubleFacts {
        reason: said(away),
        cause: away.fault.clone().map(|fault| TroubleCause::Database { fault, work: away.work }),
        advice: Some(ADVICE.to_owned()),
        since: Some(away.since),
        ..TroubleFacts::default()
    }
}
