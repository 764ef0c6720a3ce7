//! The first making of the cluster, whole or not at all, and what every child process gets.

use std::fs::{DirBuilder, File, Permissions};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::{Command, Stdio};

use super::account::Account;
use super::binaries::{Installation, path_for};
use super::error::{PostgresError, while_doing};
use super::layout::{Paths, Purpose, end_of, ignore_missing, is_empty};
use super::locks::StartLock;

/// The superuser of the cluster, the only role there is.
pub(super) const ROLE: &str = "qualwatch";

/// In `postgres.new`: what lies beside it is ours and unfinished.
const MARKER: &str = "unfinished-by-qualwatch";

/// Makes the cluster, as `account`. On any failure, and at any crash, the place of the cluster stays as it was.
pub(super) async fn initialise(
    layout: &Paths,
    installation: &Installation,
    account: Account,
    purpose: Purpose,
    lock: &StartLock,
) -> Result<(), PostgresError> {
    let workshop = layout.workshop();
    clear_workshop(&workshop)?;
    DirBuilder::new().mode(0o700).create(&workshop).map_err(while_doing("making", &workshop))?;
    let marker = workshop.join(MARKER);
    File::create(&marker).map_err(while_doing("making", &marker))?;
    let unfinished = workshop.join("postgres");
    DirBuilder::new().mode(0o700).create(&unfinished).map_err(while_doing("making", &unfinished))?;
    account.own(&unfinished)?;
    account.own(&workshop)?;

    let program = installation.program("initdb");
    let mut command = Command::new(&program);
    command
        .arg("-D")
        .arg(&unfinished)
        .args(["--username", ROLE, "--auth", "trust", "--encoding", "UTF8", "--locale", "C"])
        .args(match purpose {
            Purpose::Service => ["--data-checksums"],
            Purpose::Scratch | Purpose::Disposable => ["--no-sync"],
        });
    prepare_child(&mut command, installation);
    account.apply(&mut command);
    let lock = lock.shared_with_child().map_err(while_doing("sharing", layout.start_lock()))?;
    command.stdin(Stdio::from(lock));
    // Whoever is told to end meanwhile does not leave it at work.
    let output = tokio::process::Command::from(command).kill_on_drop(true).output().await;
    let output = output.map_err(|source| PostgresError::Spawn { program, source })?;
    if !output.status.success() {
        return Err(PostgresError::Initialise { output: end_of(&output.stderr) });
    }

    std::fs::rename(&unfinished, layout.cluster())
        .map_err(while_doing("putting in its place", &unfinished))?;
    let sync = File::open(layout.state()).and_then(|state| state.sync_all());
    sync.map_err(while_doing("syncing", layout.state()))?;
    clear_workshop(&workshop)
}

/// Closes a cluster to others again where somebody opened it (a copy, a volume of a container platform with `fsGroup`): PostgreSQL starts on
/// none that more than its group can read.
pub(super) fn close_to_others(layout: &Paths) -> Result<(), PostgresError> {
    let cluster = layout.cluster();
    let mode = cluster.metadata().map_err(while_doing("looking at", cluster))?.permissions().mode();
    if mode & 0o027 == 0 {
        return Ok(());
    }
    tracing::warn!(directory = %cluster.display(), "the directory of the database was open to others: it is closed again");
    let closed = std::fs::set_permissions(cluster, Permissions::from_mode(0o700));
    closed.map_err(while_doing("closing", cluster))
}

/// What every child gets: no environment of ours (it holds keys and passwords), no terminal, a directory it can enter.
pub(super) fn prepare_child(command: &mut Command, installation: &Installation) {
    command
        .env_clear()
        .env("PATH", path_for(installation))
        .env("LANG", "C")
        .env("TZ", "UTC")
        .current_dir("/")
        .stdin(Stdio::null());
}

/// Removes what an earlier attempt left. Only our marker proves that it was one: a crash comes after it or finds the
/// directory still empty, and `initdb` had the start lock, so that none is running now.
fn clear_workshop(workshop: &Path) -> Result<(), PostgresError> {
    if is_empty(workshop)? {
        return ignore_missing(std::fs::remove_dir(workshop)).map_err(while_doing("removing", workshop));
    }
    let marker = workshop.join(MARKER);
    if !marker.is_file() {
        return Err(PostgresError::Foreign { path: workshop.to_owned() });
    }
    // The marker goes last, so that a crash in here leaves a directory that still proves to be ours.
    let unfinished = workshop.join("postgres");
    ignore_missing(std::fs::remove_dir_all(&unfinished)).map_err(while_doing("removing", unfinished))?;
    std::fs::remove_dir_all(workshop).map_err(while_doing("removing", workshop))
}
