//! Finding the server programs, which come from a package of the system, or lie beside our own where that was unpacked from an archive.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use tokio::process::Command;

use super::error::PostgresError;

/// The major versions that qualwatch is made for (design 6).
const MAJORS: std::ops::RangeInclusive<u32> = 14..=18;

/// Directories of distributions, each as parent, beginning of the name below it, and the rest: Debian, PGDG on RHEL,
/// a build from source, openSUSE, Alpine, Homebrew on either processor.
const PLACES: &[(&str, &str, &str)] = &[
    ("/usr/lib/postgresql", "", "bin"),
    ("/usr", "pgsql-", "bin"),
    ("/usr/local", "pgsql", "bin"),
    ("/usr/lib", "postgresql", "bin"),
    ("/usr/libexec", "postgresql", ""),
    ("/opt/homebrew/opt", "postgresql@", "bin"),
    ("/usr/local/opt", "postgresql@", "bin"),
];

/// Where the archive for old systems (script/package) has them, seen from the directory above that of our own program.
const BROUGHT_ALONG: &str = "lib/qualwatch/postgresql/bin";

/// One installed server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Installation {
    pub bin_dir: PathBuf,
    pub major: u32,
}

impl Installation {
    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.bin_dir.join(name)
    }
}

/// What is installed, and where it was looked for.
#[derive(Debug)]
pub(super) struct Installations {
    installations: Vec<Installation>,
    searched: Vec<PathBuf>,
}

/// Looks in `places` when given, else in the directory that `QUALWATCH_POSTGRES_BIN` names and nowhere else, else
/// beside our own program, where distributions put the server, and along `PATH`.
pub(super) async fn find(places: Option<&[PathBuf]>) -> Installations {
    look_for(places, "initdb", "postgres").await
}

/// The directory of `pg_dump` and its like for a server of that major version: of the same, else of the next newer one. An older one
/// refuses the server.
///
/// # Errors
/// None is installed that could.
pub async fn client_programs(server: u32) -> Result<PathBuf, PostgresError> {
    let found = look_for(None, "pg_restore", "pg_dump").await;
    if found.installations.is_empty() {
        return Err(PostgresError::NoBinaries { searched: found.searched });
    }
    let majors = found.majors();
    let fitting = found.installations.into_iter().filter(|installation| installation.major >= server);
    let nearest = fitting.min_by_key(|installation| installation.major);
    nearest
        .map(|installation| installation.bin_dir)
        .ok_or(PostgresError::OldPrograms { server, found: majors })
}

/// Every directory that holds `beside`, with the version that `program` there tells.
async fn look_for(places: Option<&[PathBuf]>, beside: &str, program: &str) -> Installations {
    let named = std::env::var_os("QUALWATCH_POSTGRES_BIN").filter(|value| !value.is_empty());
    let (candidates, searched) = match (places, named) {
        (Some(places), _) => (places.to_vec(), places.to_vec()),
        (None, Some(directory)) => (vec![PathBuf::from(&directory)], vec![PathBuf::from(directory)]),
        (None, None) => everywhere(),
    };
    let mut installations: Vec<Installation> = Vec::new();
    for bin_dir in candidates {
        if installations.iter().any(|known| known.bin_dir == bin_dir) || !bin_dir.join(beside).is_file() {
            continue;
        }
        if let Some(major) = major_of(&bin_dir.join(program)).await {
            installations.push(Installation { bin_dir, major });
        }
    }
    Installations { installations, searched }
}

/// Whether a cluster of this version, which is not installed, can be followed by a new one of a version that is.
#[must_use]
pub fn can_follow(cluster: u32, found: &[u32]) -> bool {
    successor(cluster, found).is_some()
}

/// The version of the cluster that follows one of version `cluster`: the newest that is supported. None where its own is installed,
/// which goes on, nor to an older one, whose programs cannot read what the newer has written.
pub(super) fn successor(cluster: u32, found: &[u32]) -> Option<u32> {
    let newest = found.iter().copied().filter(|major| MAJORS.contains(major)).max();
    newest.filter(|newest| *newest > cluster && !found.contains(&cluster))
}

impl Installations {
    /// The one to make a new cluster with: the newest that is supported.
    pub(super) fn newest(self) -> Result<Installation, PostgresError> {
        if self.installations.is_empty() {
            return Err(PostgresError::NoBinaries { searched: self.searched });
        }
        let found = self.majors();
        self.installations
            .into_iter()
            // Of equals the last is taken, which must be the first: what was brought along goes before what the system has.
            .rev()
            .filter(|installation| MAJORS.contains(&installation.major))
            .max_by_key(|installation| installation.major)
            .ok_or(PostgresError::UnsupportedVersion { found })
    }

    /// The one that can run the cluster in `path`, made by version `cluster`.
    pub(super) fn matching(self, cluster: u32, path: &Path) -> Result<Installation, PostgresError> {
        if self.installations.is_empty() {
            return Err(PostgresError::NoBinaries { searched: self.searched });
        }
        let found = self.majors();
        self.installations
            .into_iter()
            .find(|installation| installation.major == cluster)
            .ok_or_else(|| PostgresError::OtherVersion { path: path.to_owned(), cluster, found })
    }

    pub(super) fn majors(&self) -> Vec<u32> {
        let mut majors: Vec<u32> = self.installations.iter().map(|installation| installation.major).collect();
        majors.sort_unstable();
        majors.dedup();
        majors
    }
}

fn everywhere() -> (Vec<PathBuf>, Vec<PathBuf>) {
    let mut candidates = Vec::new();
    let mut searched = Vec::new();
    // Links to our program are followed by then (proc(5), exe).
    if let Some(brought_along) = std::env::current_exe().ok().as_deref().and_then(brought_along) {
        searched.push(brought_along.clone());
        candidates.push(brought_along);
    }
    for (parent, beginning, rest) in PLACES {
        searched.push(Path::new(parent).join(format!("{beginning}*")).join(rest));
        let Ok(entries) = std::fs::read_dir(parent) else {
            continue;
        };
        let mut below: Vec<PathBuf> = entries
            .filter_map(Result::ok)
            .filter(|entry| entry.file_name().to_string_lossy().starts_with(beginning))
            .map(|entry| entry.path().join(rest))
            .collect();
        below.sort();
        candidates.append(&mut below);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    for directory in std::env::split_paths(&path).filter(|directory| directory.is_absolute()) {
        // What lies in PATH may be a link into the directory that holds the whole set.
        for program in ["postgres", "pg_dump"] {
            if let Ok(real) = directory.join(program).canonicalize() {
                candidates.extend(real.parent().map(Path::to_owned));
            }
        }
    }
    searched.push(PathBuf::from("PATH"));
    (candidates, searched)
}

/// Where the programs lie that were unpacked together with `program`: `DIR/lib/…` for `DIR/bin/qualwatch`, wherever `DIR` is.
fn brought_along(program: &Path) -> Option<PathBuf> {
    Some(program.parent()?.parent()?.join(BROUGHT_ALONG))
}

/// Asks the program itself: a directory's name proves nothing.
async fn major_of(postgres: &Path) -> Option<u32> {
    let output = Command::new(postgres).arg("--version").env_clear().output().await.ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    parse_major(&text)
}

/// Reads `postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)` and its kin, such as `18beta1`.
fn parse_major(text: &str) -> Option<u32> {
    let version = text.split_once("(PostgreSQL) ")?.1;
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// The `PATH` that children get: the server's own programs and the system's.
pub(super) fn path_for(installation: &Installation) -> std::ffi::OsString {
    let system = [Path::new("/usr/bin"), Path::new("/bin")];
    let directories = std::iter::once(installation.bin_dir.as_path()).chain(system);
    // Only a directory with a colon in its name cannot be joined; the programs are started by their full path anyway.
    std::env::join_paths(directories).unwrap_or_else(|_| OsStr::new("/usr/bin:/bin").to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_from_what_packages_print() {
        for (text, major, why) in [
            ("postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)\n", Some(15), "Debian"),
            ("postgres (PostgreSQL) 17.2\n", Some(17), "built from source"),
            ("postgres (PostgreSQL) 18beta1\n", Some(18), "before a release"),
            ("postgres (EnterpriseDB) 15.1\n", None, "not PostgreSQL by its own words"),
            ("", None, "nothing"),
        ] {
            assert_eq!(parse_major(text), major, "{why}");
        }
    }

    fn found(majors: &[u32]) -> Installations {
        let installations = majors
            .iter()
            .map(|&major| Installation { bin_dir: PathBuf::from(format!("/pg/{major}")), major })
            .collect();
        Installations { installations, searched: vec![PathBuf::from("/pg")] }
    }

    #[test]
    fn what_was_unpacked_with_the_program_is_found_from_where_that_lies() {
        for (program, place, why) in [
            (
                "/home/wang/qualwatch/bin/qualwatch",
                Some("/home/wang/qualwatch/lib/qualwatch/postgresql/bin"),
                "unpacked anywhere",
            ),
            ("/usr/bin/qualwatch", Some("/usr/lib/qualwatch/postgresql/bin"), "unpacked over the system"),
            ("/qualwatch", None, "nothing is above"),
        ] {
            assert_eq!(brought_along(Path::new(program)), place.map(PathBuf::from), "{why}");
        }
    }

    #[test]
    fn of_the_same_version_what_was_found_first_is_taken() {
        let two = || {
            let mut two = found(&[15, 15]);
            two.installations[0].bin_dir = PathBuf::from("/unpacked");
            two
        };
        assert_eq!(two().newest().unwrap().bin_dir, Path::new("/unpacked"));
        assert_eq!(two().matching(15, Path::new("/state")).unwrap().bin_dir, Path::new("/unpacked"));
    }

    #[test]
    fn a_new_cluster_takes_the_newest_supported_version() {
        assert_eq!(found(&[13, 15, 17, 19]).newest().unwrap().major, 17);
        assert!(matches!(found(&[13]).newest(), Err(PostgresError::UnsupportedVersion { .. })));
        assert!(matches!(found(&[]).newest(), Err(PostgresError::NoBinaries { .. })));
    }

    #[test]
    fn only_a_newer_version_follows_one_that_is_gone() {
        for (cluster, found, follows, why) in [
            (15, &[17][..], Some(17), "Debian 12 to 13"),
            (15, &[16, 17], Some(17), "the newest"),
            (15, &[15, 17], None, "its own is there"),
            (17, &[15], None, "an older one cannot read its backup"),
            (15, &[19], None, "one that qualwatch is not made for"),
            (15, &[17, 19], Some(17), "beside it one that it is made for"),
            (15, &[], None, "nothing"),
        ] {
            assert_eq!(successor(cluster, found), follows, "{why}");
        }
    }

    #[test]
    fn an_existing_cluster_takes_its_own_version_or_none() {
        let path = Path::new("/state/postgres");
        assert_eq!(found(&[15, 17]).matching(15, path).unwrap().major, 15);
        let refused = found(&[15, 17]).matching(16, path).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "the database in /state/postgres was made by PostgreSQL 16; installed is 15, 17"
        );
    }
}
