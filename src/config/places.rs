//! Where the file and the state are, and the copy of the file that was accepted last (design 6 and 7).

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, fchown};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::error::ConfigError;
use super::secrets::Environment;
use crate::domain::text::hex;
use crate::random;

/// The system's own watchlist, and the state that belongs to it.
const SYSTEM_WATCHLIST: &str = "/etc/qualwatch/watchlist.toml";
const SYSTEM_STATE: &str = "/var/lib/qualwatch";
const ACCEPTED: &str = "watchlist.accepted.toml";
const LISTING: &str = "watchlist.id";

/// Where a watchlist is looked for that nobody names.
pub const USUAL_PLACES: [&str; 2] = ["watchlist.toml", SYSTEM_WATCHLIST];

/// The file that was named, which need not exist, else the first of the usual places that has one.
#[must_use]
pub fn find(explicit: Option<&Path>) -> Option<PathBuf> {
    let usual = || USUAL_PLACES.iter().map(PathBuf::from).find(|path| path.exists());
    explicit.map(Path::to_owned).or_else(usual)
}

/// The watchlist that the unit's daemon obeys.
#[must_use]
pub fn watchlist_of_service() -> &'static Path {
    Path::new(SYSTEM_WATCHLIST)
}

/// Whether this is the watchlist that the unit's daemon obeys, by whatever name.
#[must_use]
pub fn is_of_service(watchlist: &Path) -> bool {
    are_one(watchlist, watchlist_of_service())
}

/// Whoever stands beside a file names it otherwise than its service does.
fn are_one(some: &Path, other: &Path) -> bool {
    let real = |path: &Path| fs::canonicalize(path).ok();
    some == other || real(some).is_some_and(|path| Some(path) == real(other))
}

/// The state directory: the one that was named, else `$STATE_DIRECTORY` (systemd; the first of several), else
/// /var/lib/qualwatch where the file used is the one in /etc, else `./state`.
#[must_use]
pub fn state_dir(explicit: Option<&Path>, watchlist: &Path, environment: &Environment) -> PathBuf {
    if let Some(path) = explicit {
        return path.to_owned();
    }
    let given = environment.get("STATE_DIRECTORY").and_then(|paths| paths.split(':').next());
    match given.filter(|path| !path.is_empty()) {
        Some(path) => PathBuf::from(path),
        None if is_of_service(watchlist) => PathBuf::from(SYSTEM_STATE),
        None => PathBuf::from("state"),
    }
}

/// Tells this watchlist from those of other daemons on the same database: a random id that lies in the state directory, and
/// a hash of where the file is. Where no id can be kept the file alone must do.
#[must_use]
pub fn listing_of(state_dir: &Path, watchlist: &Path) -> String {
    let id = kept_id(state_dir).unwrap_or_default();
    let path = fs::canonicalize(watchlist).unwrap_or_else(|_| watchlist.to_owned());
    let hash = Sha256::digest(path.as_os_str().as_encoded_bytes());
    format!("{id}.{}", hex(&hash[..8]))
}

fn kept_id(state_dir: &Path) -> io::Result<String> {
    let path = state_dir.join(LISTING);
    if let Some(id) = read_id(&path) {
        return Ok(id);
    }
    let id = random::name();
    // Named only when it is whole: an empty one would be every machine's.
    let half = half_of(state_dir, LISTING)?;
    write_new(state_dir, &half, &id)?;
    match fs::hard_link(&half, &path) {
        // One that a full disk left empty.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && read_id(&path).is_none() => {
            fs::rename(&half, &path)?;
        }
        // Another process was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => fs::remove_file(&half)?,
        linked => linked.and_then(|()| fs::remove_file(&half))?,
    }
    Ok(read_id(&path).unwrap_or(id))
}

fn read_id(path: &Path) -> Option<String> {
    let id = fs::read_to_string(path).ok()?.trim().to_owned();
    Some(id).filter(|id| !id.is_empty())
}

/// Keeps a copy of an accepted file, whole or not at all, readable by the owner only. It holds no secret: a file that does
/// is not accepted. Relative paths in it still start at the folder of the original. One that is kept already is not written
/// again.
///
/// # Errors
/// It could not be written.
pub fn keep_accepted(state_dir: &Path, text: &str) -> Result<(), ConfigError> {
    let path = state_dir.join(ACCEPTED);
    if fs::read(&path).is_ok_and(|kept| kept == text.as_bytes()) {
        return Ok(());
    }
    write_whole(state_dir, &path, text).map_err(|source| ConfigError::Keep { path, source })
}

fn write_whole(state_dir: &Path, path: &Path, text: &str) -> io::Result<()> {
    let half = half_of(state_dir, ACCEPTED)?;
    write_new(state_dir, &half, text)?;
    fs::rename(&half, path)?;
    File::open(state_dir)?.sync_all()
}

/// What a file of the state directory is called while it is written.
fn half_of(state_dir: &Path, name: &str) -> io::Result<PathBuf> {
    DirBuilder::new().recursive(true).mode(0o700).create(state_dir)?;
    Ok(state_dir.join(format!(".{name}.{}", std::process::id())))
}

fn write_new(state_dir: &Path, path: &Path, text: &str) -> io::Result<()> {
    let mut file = new_file(path)?;
    file.write_all(text.as_bytes())?;
    own_as(state_dir, &file)?;
    file.sync_all()
}

/// A new file, which only its owner can read. Nothing that lies there already is written through: a leftover of a process that died, a
/// link, or a file of somebody else's.
///
/// # Errors
/// What lies there cannot be removed, or the file cannot be made.
pub fn new_file(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)
}

/// Root may run a command in the state directory of a service: what it writes there must stay the service's to read.
fn own_as(state_dir: &Path, file: &File) -> io::Result<()> {
    let (directory, own) = (fs::metadata(state_dir)?, file.metadata()?);
    if own.uid() != 0 || directory.uid() == 0 {
        return Ok(());
    }
    fchown(file, Some(directory.uid()), Some(directory.gid()))
}

/// The copy that was kept last; `None` where there was never a good file (or the copy itself cannot be read).
#[must_use]
pub fn accepted(state_dir: &Path) -> Option<String> {
    super::judge::read_text(&state_dir.join(ACCEPTED)).ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn an_id_is_kept_whole_and_an_empty_one_is_none() {
        let directory = tempfile::tempdir().unwrap();
        let (state, id) = (directory.path(), directory.path().join(LISTING));
        let of = |watchlist: &str| listing_of(state, Path::new(watchlist));
        let first = of("a.toml");
        assert!(!first.starts_with('.') && first == of("a.toml") && first != of("b.toml"), "{first}");
        fs::write(&id, "\n").unwrap();
        let anew = of("a.toml");
        assert!(
            !anew.starts_with('.') && anew != first && anew == of("a.toml"),
            "what a full disk left: {anew}"
        );
        assert_eq!(fs::read_dir(state).unwrap().count(), 1, "nothing half is left");
    }

    #[test]
    fn a_file_is_known_by_its_other_names() {
        let directory = tempfile::tempdir().unwrap();
        let [file, link, other] =
            ["watchlist.toml", "link.toml", "other.toml"].map(|name| directory.path().join(name));
        fs::write(&file, "").unwrap();
        fs::write(&other, "").unwrap();
        symlink(&file, &link).unwrap();
        let long =
            directory.path().join("./../").join(directory.path().file_name().unwrap()).join("watchlist.toml");
        for (some, is_it) in [(&file, true), (&link, true), (&long, true), (&other, false)] {
            assert_eq!(are_one(some, &file), is_it, "{some:?}");
        }
        let missing = directory.path().join("missing.toml");
        assert!(
            are_one(&missing, &missing) && !are_one(&missing, &file),
            "one that is not there has its name only"
        );
    }
}
