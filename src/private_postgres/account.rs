//! Who runs the server: the current user, or, as root, somebody else.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, lchown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::unistd::{Uid, User, getegid, geteuid};

use super::error::{PostgresError, while_doing};
use super::layout::{Paths, Purpose};

/// The user and group that a server runs as and whose its directories are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Account {
    pub uid: u32,
    pub gid: u32,
}

impl Account {
    fn current() -> Self {
        Self { uid: geteuid().as_raw(), gid: getegid().as_raw() }
    }

    fn is_current(self) -> bool {
        self.uid == geteuid().as_raw()
    }

    /// Makes `command` run as this account. Changing the user drops the supplementary groups of root too (std's promise).
    pub(super) fn apply(self, command: &mut Command) {
        if !self.is_current() {
            command.uid(self.uid).gid(self.gid);
        }
    }

    /// Gives what we have just made at `path` to this account; a link there would not be followed.
    pub(super) fn own(self, path: &Path) -> Result<(), PostgresError> {
        if self.is_current() {
            return Ok(());
        }
        lchown(path, Some(self.uid), Some(self.gid)).map_err(while_doing("giving the server's account", path))
    }

    /// Its name, for a message; the number where it has none (a systemd dynamic user while the service is down).
    fn name(self) -> String {
        let user = User::from_uid(Uid::from_raw(self.uid)).ok().flatten();
        user.map_or_else(|| format!("with id {}", self.uid), |user| user.name)
    }
}

/// The account for the cluster of `layout`. An existing cluster is run by its owner and nobody else.
pub(super) fn choose(layout: &Paths, purpose: Purpose) -> Result<Account, PostgresError> {
    let current = Account::current();
    let owner = match layout.cluster().symlink_metadata() {
        Ok(metadata) => Some(Account { uid: metadata.uid(), gid: metadata.gid() }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(while_doing("looking at", layout.cluster())(error)),
    };
    if current.uid != 0 {
        return match owner {
            Some(owner) if owner.uid != current.uid => {
                Err(PostgresError::NotOwner { path: layout.cluster().to_owned(), owner: owner.uid })
            }
            _ => Ok(current),
        };
    }
    if let Some(owner) = owner.filter(|owner| owner.uid != 0) {
        return Ok(owner);
    }
    // The state directory of a service under its own user, started here by root first: the service must find its own.
    let state = layout.state().metadata().map_err(while_doing("looking at", layout.state()))?;
    if state.uid() != 0 {
        return Ok(Account { uid: state.uid(), gid: state.gid() });
    }
    let names: &[&str] = match purpose {
        Purpose::Service => &["qualwatch", "postgres"],
        Purpose::Scratch | Purpose::Disposable => &["qualwatch", "postgres", "nobody"],
    };
    names
        .iter()
        .find_map(|name| User::from_name(name).ok().flatten())
        .map(|user| Account { uid: user.uid.as_raw(), gid: user.gid.as_raw() })
        .ok_or(PostgresError::NoAccount)
}

/// Makes sure that `account` can reach what is in the state directory. The state directory itself is opened for passing
/// through, to that account's group only (0710): its names stay unlisted, and its files are 0600 anyway. What lies above
/// it is not ours to change.
pub(super) fn let_through(layout: &Paths, account: Account) -> Result<(), PostgresError> {
    if account.is_current() {
        return Ok(());
    }
    if let Some(closed) = closed_above(layout.state(), account)? {
        return Err(PostgresError::Unreachable { path: closed, account: account.name() });
    }
    if passable(layout.state(), account)? {
        return Ok(());
    }
    let opening = while_doing("opening to the server's account", layout.state());
    let mode = layout.state().metadata().map_or(0o700, |metadata| metadata.mode());
    lchown(layout.state(), None, Some(account.gid))
        .and_then(|()| {
            std::fs::set_permissions(layout.state(), std::fs::Permissions::from_mode((mode & 0o700) | 0o010))
        })
        .map_err(opening)
}

/// The first directory above the absolute path `place` that `account` cannot pass through.
pub(super) fn closed_above(place: &Path, account: Account) -> Result<Option<PathBuf>, PostgresError> {
    for directory in place.ancestors().skip(1) {
        if !passable(directory, account)? {
            return Ok(Some(directory.to_owned()));
        }
    }
    Ok(None)
}

/// Whether the permission bits let `account` search `directory`. Access control lists are not read: they can only widen.
fn passable(directory: &Path, account: Account) -> Result<bool, PostgresError> {
    let metadata = directory.metadata().map_err(while_doing("looking at", directory))?;
    let bit = if metadata.uid() == account.uid {
        0o100
    } else if metadata.gid() == account.gid {
        0o010
    } else {
        0o001
    };
    Ok(metadata.mode() & bit != 0)
}
