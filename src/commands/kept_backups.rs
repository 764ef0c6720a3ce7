//! The backups in the state directory: how they are called, and which are kept.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use chrono::{DateTime, NaiveDateTime, Utc};

/// So many are kept.
const KEPT: usize = 7;

const FOLDER: &str = "backups";
/// The instant in UTC; names in the order of their letters are in the order of time.
const NAME: &str = "qualwatch-%Y%m%dT%H%M%SZ.backup";

/// The directory of them.
#[derive(Debug)]
pub(super) struct KeptBackups(PathBuf);

impl KeptBackups {
    pub fn in_state(state_dir: &Path) -> Self {
        Self(state_dir.join(FOLDER))
    }

    /// Where the one that is made `now` belongs; the directory is made, for its owner alone.
    ///
    /// # Errors
    /// The directory cannot be made.
    pub fn place_for(&self, now: DateTime<Utc>) -> anyhow::Result<PathBuf> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&self.0);
        made.with_context(|| format!("making {}", self.0.display()))?;
        Ok(self.0.join(now.format(NAME).to_string()))
    }

    /// Removes what is not kept beside `newest`, which was made and read back just now.
    ///
    /// # Errors
    /// The directory cannot be read, or a file not be removed.
    pub fn forget_older_than(&self, newest: &Path) -> anyhow::Result<()> {
        let names = self.names().with_context(|| format!("reading {}", self.0.display()))?;
        let newest = newest.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        for name in surplus(names, &newest) {
            let old = self.0.join(name);
            fs::remove_file(&old).with_context(|| format!("removing {}", old.display()))?;
        }
        Ok(())
    }

    /// The one that was made last, and when.
    pub fn newest(&self) -> Option<(PathBuf, DateTime<Utc>)> {
        let names = self.names().ok()?;
        names.iter().rev().find_map(|name| Some((self.0.join(name), made_at(name)?)))
    }

    /// All names, the oldest first.
    fn names(&self) -> std::io::Result<Vec<String>> {
        let names = fs::read_dir(&self.0)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
        let mut names = names.collect::<std::io::Result<Vec<String>>>()?;
        names.sort();
        Ok(names)
    }
}

/// When a backup of this name was made; `None` for a file of another kind, which is not ours to remove.
fn made_at(name: &str) -> Option<DateTime<Utc>> {
    NaiveDateTime::parse_from_str(name, NAME).ok().map(|at| at.and_utc())
}

/// What is to be removed: all but the newest, however its name compares (a clock may have run ahead), and the latest of the others. What
/// was cut off in the middle goes, too.
fn surplus(names: Vec<String>, newest: &str) -> Vec<String> {
    let is_unfinished =
        |name: &String| name.strip_suffix(".unfinished").is_some_and(|name| made_at(name).is_some());
    let (unfinished, rest): (Vec<_>, Vec<_>) = names.into_iter().partition(is_unfinished);
    let mut others: Vec<String> =
        rest.into_iter().filter(|name| name != newest && made_at(name).is_some()).collect();
    others.sort();
    others.truncate(others.len().saturating_sub(KEPT - 1));
    others.into_iter().chain(unfinished).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seven_are_kept_and_the_newest_always() {
        let night = |day: u32| format!("qualwatch-202611{day:02}T031500Z.backup");
        let nights = |days: std::ops::RangeInclusive<u32>| days.map(night).collect::<Vec<_>>();
        for (names, newest, removed, why) in [
            (nights(1..=7), night(7), vec![], "a week"),
            (nights(1..=9), night(9), nights(1..=2), "the oldest go"),
            (nights(1..=9), night(1), nights(2..=3), "a clock that was ahead for a week"),
            (
                [nights(7..=9), vec![format!("{}.unfinished", night(6))]].concat(),
                night(9),
                vec![format!("{}.unfinished", night(6))],
                "one that was cut off",
            ),
            (
                vec!["before-the-move.backup".to_owned(), "notes.txt".to_owned()],
                night(9),
                vec![],
                "what an operator put there",
            ),
        ] {
            assert_eq!(surplus(names, &newest), removed, "{why}");
        }
    }
}
