//! The keeper: the server's parent, which outlives every user of the server and stops it after the last one.
//! `qualwatch __postgres STATE_DIR UID GID KEEP|REMOVE SOCKET_DIR POSTGRES ARGUMENT…`

use std::ffi::OsString;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, setsid};

use super::account::Account;
use super::binaries::Installation;
use super::cluster::prepare_child;
use super::error::{PostgresError, while_doing};
use super::layout::{Paths, Purpose};
use super::locks::wait_until_unused;
use super::sockets;

const SUBCOMMAND: &str = "__postgres";
const KEEP: &str = "keep";
const REMOVE: &str = "remove";

/// Whether this program may be started again as a keeper: its `main` has passed [`run_child_if_asked`].
static CAN_BE_KEEPER: AtomicBool = AtomicBool::new(false);

/// The very first call of `main`: when this process was started to keep a private server, does so until the server has
/// ended, and returns the exit code. `None` in every other process, which from now on can be started again as a keeper.
#[must_use]
pub fn run_child_if_asked() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_none_or(|first| first != SUBCOMMAND) {
        CAN_BE_KEEPER.store(true, Ordering::Relaxed);
        return None;
    }
    let Some(order) = Order::parse(arguments) else {
        return Some(complain("this subcommand is for qualwatch itself"));
    };
    Some(match order.keep() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&format!("keeping the private PostgreSQL: {error}")),
    })
}

/// A keeper's standard error is the server's log.
fn complain(text: &str) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "{text}");
    ExitCode::FAILURE
}

/// The server to start.
#[derive(Debug)]
pub(super) struct Server<'a> {
    pub layout: &'a Paths,
    pub installation: &'a Installation,
    pub account: Account,
    pub purpose: Purpose,
    pub socket_dir: &'a Path,
    /// The number of a server before it that is certainly dead, whatever process has that number now.
    pub dead: Option<i32>,
}

/// The children of this process that live: keepers with their servers, or servers alone.
#[derive(Debug, Default)]
pub(super) struct Children(Arc<AtomicUsize>);

impl Children {
    pub(super) fn are_gone(&self) -> bool {
        self.0.load(Ordering::Acquire) == 0
    }
}

/// A child that was started: a keeper with its server, or the server alone.
#[derive(Debug)]
pub(super) struct Started {
    has_ended: Arc<AtomicBool>,
}

impl Started {
    pub(super) fn has_ended(&self) -> bool {
        self.has_ended.load(Ordering::Acquire)
    }

    /// A thread that waits for the child, so that it never stays a zombie however long we live.
    fn watch_over(mut child: Child, children: &Children) -> Self {
        let has_ended = Arc::new(AtomicBool::new(false));
        let (told, living) = (Arc::clone(&has_ended), Arc::clone(&children.0));
        living.fetch_add(1, Ordering::AcqRel);
        std::thread::spawn(move || {
            let _ = child.wait();
            told.store(true, Ordering::Release);
            living.fetch_sub(1, Ordering::AcqRel);
        });
        Self { has_ended }
    }
}

impl Server<'_> {
    /// Starts the server under a keeper: `launcher`, else this program if it can be one. Without either (a test binary) the
    /// server is our own child, and nobody stops it when we are killed: the next user adopts it.
    pub(super) fn start(
        &self,
        launcher: Option<&Path>,
        log: std::fs::File,
        children: &Children,
    ) -> Result<Started, PostgresError> {
        let this_program = CAN_BE_KEEPER.load(Ordering::Relaxed).then(this_program);
        let keeper = launcher.map(Path::to_owned).or(this_program);
        let postgres = self.installation.program("postgres");
        let mut command = Command::new(keeper.as_ref().unwrap_or(&postgres));
        prepare_child(&mut command, self.installation);
        if let Some(dead) = self.dead {
            // PostgreSQL believes neither its own number in the file, nor its parent's, nor this one (`CreateLockFile`), and goes on
            // to see whether any back end still has the shared memory: removing the file would take that check away.
            command.env("PG_GRANDPARENT_PID", dead.to_string());
        }
        if keeper.is_some() {
            // It goes on as whoever we are: it has to open the lock, and to signal the server.
            command.arg0("qualwatch").arg(SUBCOMMAND).args(self.order()).arg(&postgres);
        } else {
            self.account.apply(&mut command);
            // Ctrl-C in the terminal is for us: we stop the server ourselves, after our last statement.
            command.process_group(0);
        }
        command.args(self.arguments());
        let error_log = log.try_clone().map_err(while_doing("sharing the log of", self.layout.cluster()))?;
        command.stdout(Stdio::from(log)).stderr(Stdio::from(error_log));
        let program = keeper.unwrap_or(postgres);
        let child = command.spawn().map_err(|source| PostgresError::Spawn { program, source })?;
        Ok(Started::watch_over(child, children))
    }

    fn order(&self) -> [OsString; 5] {
        let afterwards = match self.purpose {
            Purpose::Service | Purpose::Scratch => KEEP,
            Purpose::Disposable => REMOVE,
        };
        [
            self.layout.state().into(),
            self.account.uid.to_string().into(),
            self.account.gid.to_string().into(),
            afterwards.into(),
            self.socket_dir.into(),
        ]
    }

    fn arguments(&self) -> Vec<OsString> {
        // A list with commas, in which a name may be quoted as in SQL.
        let socket_dir = self.socket_dir.to_string_lossy().replace('"', "\"\"");
        let mut settings = vec![
            "listen_addresses=".to_owned(),
            format!("port={}", sockets::PORT),
            format!("unix_socket_directories=\"{socket_dir}\""),
            "unix_socket_permissions=0700".to_owned(),
            // Its machine code cannot run under the unit's MemoryDenyWriteExecute, and our queries are short.
            "jit=off".to_owned(),
            "cluster_name=qualwatch".to_owned(),
            // The one zone that needs no time zone database on the machine.
            "log_timezone=GMT".to_owned(),
            "timezone=GMT".to_owned(),
            // The log has no rotation while the server runs: only what is worth reading goes there.
            "log_checkpoints=off".to_owned(),
            "logging_collector=off".to_owned(),
            "log_destination=stderr".to_owned(),
        ];
        match self.purpose {
            Purpose::Service => {}
            Purpose::Scratch | Purpose::Disposable => settings.extend(
                [
                    "fsync=off",
                    "synchronous_commit=off",
                    "full_page_writes=off",
                    "max_connections=400",
                    // Nobody needs to be warned of these.
                    "qualwatch.scratch=on",
                ]
                .map(str::to_owned),
            ),
        }
        let mut arguments = vec!["-D".into(), self.layout.cluster().into()];
        for setting in settings {
            arguments.extend([OsString::from("-c"), setting.into()]);
        }
        arguments
    }
}

/// This program's file: on Linux by the running image, which is right even after a package replaced the file.
fn this_program() -> PathBuf {
    let image = PathBuf::from("/proc/self/exe");
    if image.exists() { image } else { std::env::current_exe().unwrap_or(image) }
}

/// What a keeper was told on its command line.
#[derive(Debug)]
struct Order {
    state_dir: PathBuf,
    account: Account,
    removes: bool,
    socket_dir: PathBuf,
    postgres: PathBuf,
    arguments: Vec<OsString>,
}

impl Order {
    fn parse(mut words: impl Iterator<Item = OsString>) -> Option<Self> {
        let state_dir = PathBuf::from(words.next()?);
        let uid = words.next()?.to_str()?.parse().ok()?;
        let gid = words.next()?.to_str()?.parse().ok()?;
        let removes = words.next()? == REMOVE;
        let socket_dir = PathBuf::from(words.next()?);
        let postgres = PathBuf::from(words.next()?);
        let account = Account { uid, gid };
        Some(Self { state_dir, account, removes, socket_dir, postgres, arguments: words.collect() })
    }

    /// Starts the server, then waits for two things: its end, and the day nobody uses it, when a fast shutdown ends it.
    fn keep(&self) -> Result<(), PostgresError> {
        // Away from the terminal of whoever started us; it can only fail when we lead a session already.
        let _ = setsid();
        let looking = while_doing("looking at", &self.state_dir);
        let layout = Paths::of(&self.state_dir).map_err(looking)?;
        let mut command = Command::new(&self.postgres);
        command.args(&self.arguments).stdin(Stdio::null());
        self.account.apply(&mut command);
        let spawned = command.spawn();
        let mut child =
            spawned.map_err(|source| PostgresError::Spawn { program: self.postgres.clone(), source })?;
        let pid = i32::try_from(child.id()).map(Pid::from_raw);
        let (unused_since, is_unused) = std::sync::mpsc::channel();
        let users_lock = layout.users_lock();
        std::thread::spawn(move || {
            let alone = wait_until_unused(&users_lock);
            // The file goes over with the message: it stays locked until this process ends, after the server.
            let _ = unused_since.send(alone);
            if let Ok(pid) = pid {
                let _ = kill(pid, Signal::SIGINT);
            }
        });
        child.wait().map_err(while_doing("waiting for", &self.postgres))?;
        sockets::tidy_up(&layout, &self.socket_dir);
        // A server that ended by itself may have users still, who will start it again.
        match is_unused.try_recv() {
            Ok(alone) => {
                let _alone = alone?;
                if self.removes { layout.remove() } else { Ok(()) }
            }
            Err(_) => Ok(()),
        }
    }
}
