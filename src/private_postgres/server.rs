//! A running private server, as the process that uses it sees it.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection as _, PgConnection};

use super::account;
use super::binaries::{self, Installation};
use super::cluster;
use super::error::{PostgresError, while_doing};
use super::keeper::{Children, Server, Started};
use super::layout::{ClusterPlace, Paths, Purpose};
use super::locks::{Leaving, StartLock, Users};
use super::postmaster::{self, Postmaster, Readiness};
use super::sockets;
use crate::clock;

/// Recovery after a crash may read much; beyond this the unit's own time-out would end us.
const START_LIMIT: Duration = Duration::from_mins(4);
/// From the first look on; the pauses grow while it is busy.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// A server that is alive and listens nowhere is on its way down: for two seconds, at these looks.
const UNHEARD_LOOKS_MAX: u32 = 200;
const LOOK_AT_LEAST_EVERY: Duration = Duration::from_millis(500);
/// A dead server's pid file holds as long as its process is a zombie, which a container's first process may leave for
/// seconds: the start is repeated for 10 s.
const STARTS_MAX: u32 = 40;
const START_AGAIN_AFTER: Duration = Duration::from_millis(250);
/// A stop of the server takes as long as its own limits, and its keeper ends at once after it; together below the unit's `TimeoutStopSec`.
const KEEPER_END_LIMIT: Duration = Duration::from_mins(1);

/// How a server is found and started.
#[derive(Debug, Clone)]
pub struct Options {
    /// What it is for.
    pub purpose: Purpose,
    /// The program whose `main` calls [`super::run_child_if_asked`], to be the server's keeper. `None`: this program, if
    /// its own `main` did.
    pub launcher: Option<PathBuf>,
    /// The directories of server programs to look in. `None`: `QUALWATCH_POSTGRES_BIN`, else the usual ones.
    pub bin_dirs: Option<Vec<PathBuf>>,
}

impl Options {
    /// The usual programs for `purpose`.
    #[must_use]
    pub fn new(purpose: Purpose) -> Self {
        Self { purpose, launcher: None, bin_dirs: None }
    }
}

/// What it took to have a server that answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revival {
    /// Nothing: it was there.
    NotNeeded,
    /// It was started.
    Started,
}

/// A running server, which goes on running at least as long as this lives.
#[derive(Debug)]
pub struct PrivatePostgres {
    share: Share,
    socket_dir: PathBuf,
    installation: Option<Installation>,
    options: Options,
    children: Children,
}

impl PrivatePostgres {
    /// Uses the server of `state_dir`: one that answers, else one that is started, on a new cluster where there is none.
    ///
    /// # Errors
    /// Every [`PostgresError`] but `NotStopped`.
    pub async fn start(state_dir: &Path, options: &Options) -> Result<Self, PostgresError> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(state_dir);
        made.map_err(while_doing("making", state_dir))?;
        let layout = Paths::of(state_dir).map_err(while_doing("looking at", state_dir))?;
        let lock = StartLock::take(&layout.start_lock()).await?;
        let share = Share::of(layout).await?;
        Self::use_server(share, options, &lock).await
    }

    /// Uses the server of `state_dir` as [`Self::start`] does, but never makes a cluster: `None` when there is none.
    ///
    /// # Errors
    /// Every [`PostgresError`] but `Initialise` and `NotStopped`.
    pub async fn open(state_dir: &Path, options: &Options) -> Result<Option<Self>, PostgresError> {
        let layout = match Paths::of(state_dir) {
            Ok(layout) => layout,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(while_doing("looking at", state_dir)(error)),
        };
        // Looked at before a lock file is made, so that a state directory without a cluster is left as it is.
        if layout.look()? == ClusterPlace::Absent {
            return Ok(None);
        }
        let lock = StartLock::take(&layout.start_lock()).await?;
        let share = Share::of(layout).await?;
        Self::use_server(share, options, &lock).await.map(Some)
    }

    /// Reaches the database `qualwatch`, over the socket, as the cluster's only role.
    #[must_use]
    pub fn connect_options(&self) -> PgConnectOptions {
        postmaster::connect_options(&self.socket_dir, cluster::ROLE)
    }

    /// The directory of the server's socket, for `host=` of other clients.
    #[must_use]
    pub fn socket_dir(&self) -> &Path {
        &self.socket_dir
    }

    /// The directory of the cluster.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        self.share.layout.cluster()
    }

    /// The directory of the programs that belong to the cluster's version, such as `pg_dump`. `None` when the running
    /// server is another process's and this process finds no such programs.
    #[must_use]
    pub fn bin_dir(&self) -> Option<&Path> {
        self.installation.as_ref().map(|installation| installation.bin_dir.as_path())
    }

    /// Completes when the server that runs now has ended, whoever started it; at once where none runs.
    pub async fn ended(&self) {
        postmaster::ended(self.data_dir()).await;
    }

    /// Starts the server again if it has died under its users (killed, disk full): for whoever finds that no connection can
    /// be had. Returns at once when it answers; pools then heal by themselves. When to try again, and how often, is the
    /// caller's choice.
    ///
    /// # Errors
    /// `Busy`, `Files`, `Spawn`, `Ended`, `NoAnswer`, `Open`.
    pub async fn revive(&self) -> Result<Revival, PostgresError> {
        let layout = &self.share.layout;
        let _lock = StartLock::take(&layout.start_lock()).await?;
        match raise(layout, &self.options, self.installation.as_ref(), &self.children).await? {
            Some((_, revival)) => Ok(revival),
            None => Err(unanswered(layout)),
        }
    }

    /// Stops using the server, and stops it if nobody else uses it: a fast shutdown, waited for. All connections of this
    /// process must be done before.
    ///
    /// # Errors
    /// `NotStopped`, `Busy`, `Files`.
    pub async fn stop(mut self) -> Result<(), PostgresError> {
        let layout = self.share.layout.clone();
        let _lock = StartLock::take(&layout.start_lock()).await?;
        self.share.is_given_up = true;
        match self.share.users.leave()? {
            Leaving::OthersStay => Ok(()),
            Leaving::KeeperStops => {
                self.share.users.wait_for_keeper().await?;
                self.outlive_children().await
            }
            Leaving::Last => {
                self.outlive_children().await?;
                sockets::tidy_up(&layout, &self.socket_dir);
                match self.options.purpose {
                    Purpose::Disposable => layout.remove(),
                    Purpose::Service | Purpose::Scratch => Ok(()),
                }
            }
        }
    }

    /// Stops the server, also one that a start that was given up has yet to bring, and waits for its keeper: what we left behind, systemd
    /// would kill.
    async fn outlive_children(&self) -> Result<(), PostgresError> {
        let ending = async {
            loop {
                postmaster::stop(self.data_dir()).await?;
                if self.children.are_gone() {
                    return Ok(());
                }
                clock::pause(LOOK_EVERY).await;
            }
        };
        // A keeper that hangs ends with its server, at the latest; there is none to be waited for.
        clock::within(KEEPER_END_LIMIT, ending).await.unwrap_or(Ok(()))
    }

    async fn use_server(share: Share, options: &Options, lock: &StartLock) -> Result<Self, PostgresError> {
        let layout = &share.layout;
        let found = binaries::find(options.bin_dirs.as_deref()).await;
        let installation = match layout.look()? {
            ClusterPlace::Cluster { major } => found.matching(major, layout.cluster()),
            ClusterPlace::Absent => {
                let installation = found.newest()?;
                let account = account::choose(layout, options.purpose)?;
                account::let_through(layout, account)?;
                cluster::initialise(layout, &installation, account, options.purpose, lock).await?;
                Ok(installation)
            }
        };
        let children = Children::default();
        let raised = raise(layout, options, installation.as_ref().ok(), &children).await?;
        let Some((server, _)) = raised else {
            // Nobody listens: now it matters that there is nothing to start the server with.
            return Err(installation.err().unwrap_or_else(|| unanswered(layout)));
        };
        let installation = installation.ok();
        let options = options.clone();
        Ok(Self { share, socket_dir: server.socket_dir, installation, options, children })
    }
}

/// This process's share in the server, given up when dropped.
#[derive(Debug)]
struct Share {
    layout: Paths,
    users: Users,
    is_given_up: bool,
}

impl Share {
    async fn of(layout: Paths) -> Result<Self, PostgresError> {
        let users = Users::join(&layout.users_lock()).await?;
        Ok(Self { layout, users, is_given_up: false })
    }
}

impl Drop for Share {
    /// The keeper stops the server after its last user. Where there is no keeper we ask for it, without waiting.
    fn drop(&mut self) {
        if !self.is_given_up && matches!(self.users.leave(), Ok(Leaving::Last)) {
            postmaster::ask_to_stop(self.layout.cluster());
        }
    }
}

/// Waits for the server of `layout` to answer, starts one when nobody listens, and makes sure that the database exists.
/// `None` when nobody listens and there is no `installation` to start one with.
async fn raise(
    layout: &Paths,
    options: &Options,
    installation: Option<&Installation>,
    children: &Children,
) -> Result<Option<(Postmaster, Revival)>, PostgresError> {
    let answering = clock::within(START_LIMIT, wait_for_answer(layout, options, installation, children));
    match answering.await {
        Ok(Ok(Some((connection, server, revival)))) => {
            create_database(connection).await.map(|()| Some((server, revival)))
        }
        Ok(Ok(None)) => Ok(None),
        Ok(Err(error)) => Err(error),
        Err(_) => Err(unanswered(layout)),
    }
}

async fn wait_for_answer(
    layout: &Paths,
    options: &Options,
    installation: Option<&Installation>,
    children: &Children,
) -> Result<Option<(Box<PgConnection>, Postmaster, Revival)>, PostgresError> {
    let mut started: Option<(Started, u64)> = None;
    let mut starts = 0;
    let mut unheard = 0;
    let mut look_again_after = LOOK_EVERY;
    loop {
        match postmaster::ask(layout.cluster()).await? {
            Readiness::Ready(connection, server) => {
                let revival = if starts == 0 { Revival::NotNeeded } else { Revival::Started };
                return Ok(Some((connection, server, revival)));
            }
            // It logs every connection that it refuses, and recovery may take minutes.
            Readiness::NotYet => look_again_after = (look_again_after + LOOK_EVERY).min(LOOK_AT_LEAST_EVERY),
            // Its socket was removed under it, by who tidies up a directory for temporary files: nobody can reach it any more.
            Readiness::Nobody
                if Postmaster::read(layout.cluster()).is_some_and(|it| it.is_alive(layout.cluster())) =>
            {
                unheard += 1;
                if unheard > UNHEARD_LOOKS_MAX {
                    postmaster::stop(layout.cluster()).await?;
                }
            }
            Readiness::Nobody if started.as_ref().is_some_and(|(child, _)| !child.has_ended()) => {}
            Readiness::Nobody => {
                let Some(installation) = installation else {
                    return Ok(None);
                };
                if let Some((_, log_from)) = started {
                    let is_held = layout.cluster().join("postmaster.pid").exists();
                    if !is_held || starts == STARTS_MAX {
                        return Err(PostgresError::Ended { log: layout.log_since(log_from) });
                    }
                    clock::pause(START_AGAIN_AFTER).await;
                }
                starts += 1;
                started = Some(start_server(layout, options, installation, children)?);
            }
        }
        clock::pause(look_again_after).await;
    }
}

/// Starts the server; with it comes the length of its log before.
fn start_server(
    layout: &Paths,
    options: &Options,
    installation: &Installation,
    children: &Children,
) -> Result<(Started, u64), PostgresError> {
    let purpose = options.purpose;
    let account = account::choose(layout, purpose)?;
    account::let_through(layout, account)?;
    let socket_dir = sockets::prepare(layout, account)?;
    cluster::close_to_others(layout)?;
    let dead = postmaster::clear_the_way(layout.cluster(), &socket_dir)?;
    let (log, log_from) = layout.open_log()?;
    let server = Server { layout, installation, account, purpose, socket_dir: &socket_dir, dead };
    Ok((server.start(options.launcher.as_deref(), log, children)?, log_from))
}

fn unanswered(layout: &Paths) -> PostgresError {
    PostgresError::NoAnswer { path: layout.cluster().to_owned() }
}

/// Makes sure that the database exists: a crash may have come between making the cluster and this.
async fn create_database(mut connection: Box<PgConnection>) -> Result<(), PostgresError> {
    let opening = |source| PostgresError::Open { source };
    let exists = sqlx::query("SELECT FROM pg_database WHERE datname = 'qualwatch'");
    if exists.fetch_optional(connection.as_mut()).await.map_err(opening)?.is_none() {
        sqlx::query("CREATE DATABASE qualwatch").execute(connection.as_mut()).await.map_err(opening)?;
    }
    connection.close().await.map_err(opening)
}
