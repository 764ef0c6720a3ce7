//! Whether the disk has room for what a private database is about to do: looked at before anything is touched. Of a server
//! of the operator's nothing can be known.

use std::path::Path;

use nix::sys::statvfs::statvfs;

use super::exit::Refusal;

/// A new cluster with its first write-ahead log takes some 60 MB (measured with PostgreSQL 16).
const FREE_BYTES_TO_MAKE: u64 = 128 * MIB;
/// Bringing even a small database to a new layout writes some log, and nothing works on a full disk.
const FREE_BYTES_TO_MIGRATE: u64 = 64 * MIB;
/// A statement that rewrites a table needs room for it once more, and the largest is rarely more than half of everything.
const SHARE_OF_THE_DATABASE: u64 = 2;
const MIB: u64 = 1024 * 1024;

/// Whether a private database can be made in `state_dir`.
///
/// # Errors
/// There is too little room.
pub(super) fn check_before_making(state_dir: &Path) -> Result<(), Refusal> {
    check(state_dir, free_bytes(state_dir), FREE_BYTES_TO_MAKE, "making the private database")
}

/// Whether the private database in `data_dir`, which is `bytes` large, can be brought to another layout.
///
/// # Errors
/// There is too little room.
pub(super) fn check_before_migrating(data_dir: &Path, bytes: u64) -> Result<(), Refusal> {
    let doing = "bringing the database to this version's layout";
    check(data_dir, free_bytes(data_dir), needed_to_migrate(bytes), doing)
}

fn needed_to_migrate(bytes: u64) -> u64 {
    FREE_BYTES_TO_MIGRATE.max(bytes / SHARE_OF_THE_DATABASE)
}

/// What an ordinary user can still write there, or where it would be made. `None` where that cannot be said: then it is tried.
fn free_bytes(path: &Path) -> Option<u64> {
    let existing = path.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(Path::new("."));
    let existing = if existing.as_os_str().is_empty() { Path::new(".") } else { existing };
    let disk = statvfs(existing).ok()?;
    Some(disk.blocks_available().saturating_mul(disk.fragment_size()))
}

fn check(path: &Path, free: Option<u64>, needed: u64, doing: &str) -> Result<(), Refusal> {
    let Some(free) = free.filter(|free| *free < needed) else { return Ok(()) };
    let refusal = Refusal::failed(format!(
        "{doing} needs {} MB free on the disk of {}, and {} MB are free: nothing was touched",
        needed.div_ceil(MIB),
        path.display(),
        free / MIB
    ));
    Err(refusal.advising("free some space there, then start it again"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_needed_grows_with_the_database_and_is_never_little() {
        for (bytes, needed, why) in [
            (0, 64 * MIB, "a new database"),
            (100 * MIB, 64 * MIB, "the least"),
            (1000 * MIB, 500 * MIB, "half of it"),
        ] {
            assert_eq!(needed_to_migrate(bytes), needed, "{why}");
        }
    }

    #[test]
    fn too_little_room_is_said_with_both_numbers_and_enough_is_no_matter() {
        let path = Path::new("/var/lib/qualwatch/postgres");
        let refused = check(path, Some(10 * MIB), 64 * MIB, "bringing the database to this version's layout");
        assert_eq!(
            refused.unwrap_err().to_string(),
            "bringing the database to this version's layout needs 64 MB free on the disk of /var/lib/qualwatch/postgres, and 10 MB \
             are free: nothing was touched"
        );
        for (free, why) in [(Some(64 * MIB), "just enough"), (None, "unknown: it is tried")] {
            assert_eq!(check(path, free, 64 * MIB, "it"), Ok(()), "{why}");
        }
    }

    #[test]
    fn the_room_of_a_directory_that_is_not_there_yet_is_that_of_its_parent() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("state/deep");
        assert!(free_bytes(&missing).is_some_and(|free| free > 0));
        assert!(free_bytes(Path::new("not-there-either")).is_some_and(|free| free > 0), "a relative one");
    }
}
