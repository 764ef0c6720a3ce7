//! The backups in the state directory: how they are called, and which are kept.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use chrono::{DateTime, NaiveDateTime, Utc};

/// So many are kept of those that a night or a person made, and one that was made at a stop: a daemon that is started and stopped
/// all day pushes no night out.
const KEPT: usize = 7;

const FOLDER: &str = "backups";
/// The instant in UTC.
const NAME: &str = "qualwatch-%Y%m%dT%H%M%SZ.backup";
const NAME_AT_STOP: &str = "qualwatch-%Y%m%dT%H%M%SZ-at-stop.backup";

/// What a backup was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Occasion {
    /// A night, or a person who asked for it.
    Asked,
    /// A daemon that ended.
    Stop,
}

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
    pub fn place_for(&self, occasion: Occasion, now: DateTime<Utc>) -> anyhow::Result<PathBuf> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&self.0);
        made.with_context(|| format!("making {}", self.0.display()))?;
        let name = if occasion == Occasion::Stop { NAME_AT_STOP } else { NAME };
        Ok(self.0.join(now.format(name).to_string()))
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
        let made = names.iter().filter_map(|name| Some((made(name)?.1, name)));
        made.max().map(|(at, name)| (self.0.join(name), at))
    }

    fn names(&self) -> std::io::Result<Vec<String>> {
        fs::read_dir(&self.0)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
    }
}

/// For what and when a backup of this name was made; `None` for a file of another kind, which is not ours to remove.
fn made(name: &str) -> Option<(Occasion, DateTime<Utc>)> {
    [(NAME, Occasion::Asked), (NAME_AT_STOP, Occasion::Stop)].into_iter().find_map(|(form, occasion)| {
        let at = NaiveDateTime::parse_from_str(name, form).ok()?;
        Some((occasion, at.and_utc()))
    })
}

/// What is to be removed beside the newest of an occasion: all of it but the newest, however its name compares (a clock may have run
/// ahead), and the latest of the others. What was cut off in the middle goes, too.
fn surplus(names: Vec<String>, newest: &str) -> Vec<String> {
    let is_unfinished =
        |name: &String| name.strip_suffix(".unfinished").is_some_and(|name| made(name).is_some());
    let (unfinished, rest): (Vec<_>, Vec<_>) = names.into_iter().partition(is_unfinished);
    let Some((occasion, _)) = made(newest) else { return unfinished };
    let is_alike = |name: &String| name != newest && made(name).is_some_and(|(other, _)| other == occasion);
    let mut others: Vec<String> = rest.into_iter().filter(is_alike).collect();
    // Names of one form in the order of their letters are in the order of time.
    others.sort();
    let kept = if occasion == Occasion::Stop { 1 } else { KEPT };
    others.truncate(others.len().saturating_sub(kept - 1));
    others.into_iter().chain(unfinished).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seven_are_kept_and_the_newest_always() {
        let night = |day: u32| format!("qualwatch-202611{day:02}T031500Z.backup");
        let stop = |day: u32| format!("qualwatch-202611{day:02}T120000Z-at-stop.backup");
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
            ([nights(1..=7), vec![stop(6), stop(8)]].concat(), stop(8), vec![stop(6)], "one of a stop"),
            ([nights(1..=8), vec![stop(2)]].concat(), night(8), nights(1..=1), "a night beside a stop"),
        ] {
            assert_eq!(surplus(names, &newest), removed, "{why}");
        }
    }
}
