//! What the state directory remembers of the database that was served from it: where one was, an empty one is not taken for a
//! beginning. A lost disk, a wrong address or a volume that is not mounted would else be a silent new baseline of every company.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::exit::Refusal;

/// The marker's name in the state directory. It holds where the database was, for people, and no secret.
const MARKER: &str = "database.served";

/// A database that was served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ServedDatabase {
    marker: PathBuf,
    place: String,
}

impl ServedDatabase {
    /// What is remembered. `None`: nothing was ever served from here.
    pub fn of(state_dir: &Path) -> Option<Self> {
        let marker = state_dir.join(MARKER);
        let place = fs::read_to_string(&marker).ok()?.trim().to_owned();
        Some(Self { marker, place })
    }

    /// The database is empty, or there is none: what was `found` says it.
    pub fn refuse(&self, found: &str) -> Refusal {
        let Self { marker, place } = self;
        let refusal =
            Refusal::failed(format!("{found}, but {place} has been served from this state directory"));
        refusal.advising(format!(
            "restore a backup (qualwatch restore FILE), or put the database back in its place; to begin anew with nothing, where every \
             company is a new baseline, remove {}",
            marker.display()
        ))
    }
}

/// Remembers that the database at `place` is served.
///
/// # Errors
/// The marker cannot be written.
pub(super) fn remember(state_dir: &Path, place: &str) -> io::Result<()> {
    if ServedDatabase::of(state_dir).is_some_and(|served| served.place == place) {
        return Ok(());
    }
    fs::DirBuilder::new().recursive(true).mode(0o700).create(state_dir)?;
    let mut options = fs::OpenOptions::new();
    let mut file =
        options.write(true).create(true).truncate(true).mode(0o600).open(state_dir.join(MARKER))?;
    writeln!(file, "{place}")?;
    file.sync_all()
}
