//! The two file locks that processes on one state directory share. They are `flock`s: the kernel drops them with the
//! process, however it ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, fchown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::fcntl::OFlag;

use super::error::{PostgresError, while_doing};
use crate::clock;

/// How long another process may be starting or stopping. A start may contain a recovery after a crash.
const WAIT_LIMIT: Duration = Duration::from_mins(5);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Held while a server is looked for, initialised, started or stopped. Dropping it closes the file and never unlocks it:
/// a running `initdb` has the same open file as its standard input, so that the lock outlives us while it works.
#[derive(Debug)]
pub(super) struct StartLock {
    file: File,
}

impl StartLock {
    pub(super) async fn take(path: &Path) -> Result<Self, PostgresError> {
        let file = open(path)?;
        wait_for(path, || file.try_lock()).await?;
        Ok(Self { file })
    }

    /// The same lock once more, for a child.
    pub(super) fn shared_with_child(&self) -> std::io::Result<File> {
        self.file.try_clone()
    }
}

/// This process's share in the running server.
#[derive(Debug)]
pub(super) struct Users {
    file: File,
    path: PathBuf,
}

/// Who is left when this process has given up its share.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Leaving {
    /// Nobody: the caller now holds the file for itself, and nobody can join.
    Last,
    /// At least one other process goes on using the server.
    OthersStay,
    /// Nobody, and the keeper is already stopping the server.
    KeeperStops,
}

impl Users {
    /// Joins the users; waits while a keeper is stopping the server.
    pub(super) async fn join(path: &Path) -> Result<Self, PostgresError> {
        let file = open(path)?;
        wait_for(path, || file.try_lock_shared()).await?;
        Ok(Self { file, path: path.to_owned() })
    }

    pub(super) fn leave(&self) -> Result<Leaving, PostgresError> {
        let unlocking = while_doing("unlocking", &self.path);
        self.file.unlock().map_err(unlocking)?;
        if taken(&self.path, self.file.try_lock())? {
            return Ok(Leaving::Last);
        }
        if taken(&self.path, self.file.try_lock_shared())? {
            self.file.unlock().map_err(while_doing("unlocking", &self.path))?;
            return Ok(Leaving::OthersStay);
        }
        Ok(Leaving::KeeperStops)
    }

    /// Completes when the keeper has let go of the file, which it does after the server has ended.
    pub(super) async fn wait_for_keeper(&self) -> Result<(), PostgresError> {
        wait_for(&self.path, || self.file.try_lock_shared()).await?;
        // Not left to the closing of the file: a child that is just being started elsewhere in this process holds a copy of it
        // until it becomes its own program, and the lock would live on in that.
        self.file.unlock().map_err(while_doing("unlocking", &self.path))
    }
}

/// Waits, blocking the thread, until nobody uses the server any more. Whoever keeps the returned file keeps everybody out.
pub(super) fn wait_until_unused(path: &Path) -> Result<File, PostgresError> {
    let file = open(path)?;
    loop {
        match file.lock() {
            Ok(()) => return Ok(file),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(while_doing("locking", path)(error)),
        }
    }
}

/// Opens a lock file, making it when missing. Made by root in somebody else's state directory it becomes theirs, else the
/// service could not open it afterwards.
fn open(path: &Path) -> Result<File, PostgresError> {
    let mut options = OpenOptions::new();
    options.read(true).mode(0o600).custom_flags(OFlag::O_NOFOLLOW.bits());
    match options.open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        opened => return opened.map_err(while_doing("opening", path)),
    }
    let file = options.write(true).create(true).truncate(false).open(path);
    let file = file.map_err(while_doing("making", path))?;
    give_to_owner_of_parent(&file, path)?;
    Ok(file)
}

pub(super) fn give_to_owner_of_parent(file: &File, path: &Path) -> Result<(), PostgresError> {
    let Some(parent) = path.parent() else {
        return Ok(());
    };
    let owner = parent.metadata().map_err(while_doing("looking at", parent))?;
    if nix::unistd::geteuid().is_root() && owner.uid() != 0 {
        fchown(file, Some(owner.uid()), Some(owner.gid()))
            .map_err(while_doing("giving to its owner", path))?;
    }
    Ok(())
}

async fn wait_for(
    path: &Path,
    mut attempt: impl FnMut() -> Result<(), TryLockError>,
) -> Result<(), PostgresError> {
    let waiting = async {
        while !taken(path, attempt())? {
            clock::pause(LOOK_EVERY).await;
        }
        Ok(())
    };
    clock::within(WAIT_LIMIT, waiting)
        .await
        .unwrap_or_else(|_| Err(PostgresError::Busy { lock: path.to_owned() }))
}

fn taken(path: &Path, attempt: Result<(), TryLockError>) -> Result<bool, PostgresError> {
    match attempt {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(while_doing("locking", path)(error)),
    }
}
