//! Where the socket lies: in the state directory, or, when that path is too long for the kernel, in a short one. Others
//! find it in `postmaster.pid`, where PostgreSQL itself writes it.

use std::fs::DirBuilder;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use nix::unistd::geteuid;
use sha2::{Digest as _, Sha256};

use super::account::{Account, closed_above};
use super::error::PostgresError;
use super::layout::Paths;

/// The longest path of a Unix socket: `sun_path` of unix(7) without its final NUL.
const SOCKET_PATH_BYTES_MAX: usize = 107;

/// The port is only a part of the socket's name: nothing listens on TCP.
pub(super) const PORT: u16 = 5432;

/// The directory for the socket of a server that is about to start, made for `account` alone (0700).
pub(super) fn prepare(layout: &Paths, account: Account) -> Result<PathBuf, PostgresError> {
    let mut tried = Vec::new();
    for directory in candidates(layout) {
        if fits(&directory) && make(&directory, account).is_ok() {
            return Ok(directory);
        }
        tried.push(directory);
    }
    Err(PostgresError::NoSocketDirectory { tried })
}

/// Removes a short directory after its server has ended; the one in the state directory stays.
pub(super) fn tidy_up(layout: &Paths, directory: &Path) {
    if directory != layout.socket_dir() {
        // Not empty or already gone: either way nothing is to be done about it.
        let _ = std::fs::remove_dir(directory);
    }
}

/// Whether a server could listen in `directory`. The client's library takes text, so other bytes do not fit either.
fn fits(directory: &Path) -> bool {
    let socket = directory.join(format!(".s.PGSQL.{PORT}"));
    directory.to_str().is_some() && socket.as_os_str().len() <= SOCKET_PATH_BYTES_MAX
}

fn candidates(layout: &Paths) -> Vec<PathBuf> {
    let digest = Sha256::digest(layout.cluster().as_os_str().as_bytes());
    let tag = format!("pg-{:02x}{:02x}{:02x}{:02x}", digest[0], digest[1], digest[2], digest[3]);
    let mut candidates = vec![layout.socket_dir().to_owned()];
    let runtime = std::env::var_os("RUNTIME_DIRECTORY").unwrap_or_default();
    // systemd lists several directories with colons between them.
    candidates.extend(
        std::env::split_paths(&runtime).filter(|path| path.is_absolute()).map(|path| path.join(&tag)),
    );
    candidates.push(Path::new("/run/qualwatch").join(&tag));
    candidates.push(std::env::temp_dir().join(format!("qualwatch-{tag}")));
    candidates
}

/// Makes `directory`, or takes one that is there only when it is a real directory of the account and closed to others:
/// in a directory that everybody may write to, somebody else may have been quicker.
fn make(directory: &Path, account: Account) -> Result<(), PostgresError> {
    let making = super::error::while_doing("making", directory);
    if geteuid().is_root() && directory.starts_with("/run/qualwatch") {
        let _ = DirBuilder::new().mode(0o755).create("/run/qualwatch");
    }
    if closed_above(directory, account)?.is_some() {
        return Err(making(std::io::ErrorKind::PermissionDenied.into()));
    }
    match DirBuilder::new().mode(0o700).create(directory) {
        Ok(()) => account.own(directory),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            let ours = directory.symlink_metadata().is_ok_and(|metadata| {
                metadata.is_dir() && metadata.uid() == account.uid && metadata.mode() & 0o777 == 0o700
            });
            if ours { Ok(()) } else { Err(making(error)) }
        }
        Err(error) => Err(making(error)),
    }
}
