//! A cluster whose version is not installed any more, and the new one that follows it: made and filled beside it, then put into its
//! place. The old one is kept aside.

use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use super::account;
use super::binaries;
use super::error::{PostgresError, while_doing};
use super::layout::{ClusterPlace, Paths, Purpose, ignore_missing};
use super::locks::StartLock;

/// A state directory of its own, in which the new cluster is made.
const WORKSHOP: &str = "postgres.next";

/// In it: the new cluster is whole. A crash behind this is made good by putting it into its place.
const READY: &str = "ready";

/// A new cluster on its way to the place of an old one. Nobody else starts a server meanwhile.
#[derive(Debug)]
pub struct Succession {
    layout: Paths,
    from: u32,
    to: u32,
    _lock: StartLock,
}

impl Succession {
    /// Begins it, in an empty workshop. `None` where it is not needed: there is no cluster, its version is installed, or no newer one
    /// is. What an earlier one has left, cut off in the middle, is brought to its end, or removed where nothing was put into place yet.
    ///
    /// # Errors
    /// `Busy`, `Files`, `Foreign`, `NoAccount`, `NotOwner`.
    pub async fn begin(state_dir: &Path) -> Result<Option<Self>, PostgresError> {
        if !state_dir.exists() {
            return Ok(None);
        }
        let layout = Paths::of(state_dir).map_err(while_doing("looking at", state_dir))?;
        let lock = StartLock::take(&layout.start_lock()).await?;
        let workshop = layout.state().join(WORKSHOP);
        if workshop.join(READY).exists() {
            put_into_place(&layout)?;
        }
        let ClusterPlace::Cluster { major: from } = layout.look()? else { return Ok(None) };
        let found = binaries::find(None).await;
        let Some(to) = binaries::successor(from, &found.majors()) else { return Ok(None) };
        remove(&workshop)?;
        DirBuilder::new().mode(0o700).create(&workshop).map_err(while_doing("making", &workshop))?;
        account::choose(&layout, Purpose::Service)?.own(&workshop)?;
        Ok(Some(Self { layout, from, to, _lock: lock }))
    }

    /// Whether one was cut off after its cluster was whole: then only [`Self::begin`] sees a cluster.
    #[must_use]
    pub fn was_cut_off(state_dir: &Path) -> bool {
        state_dir.join(WORKSHOP).join(READY).exists()
    }

    /// The version of the old cluster, and that of the new one.
    #[must_use]
    pub fn versions(&self) -> (u32, u32) {
        (self.from, self.to)
    }

    /// The state directory for the server of the new cluster.
    #[must_use]
    pub fn workshop(&self) -> PathBuf {
        self.layout.state().join(WORKSHOP)
    }

    /// Puts the new cluster, whose server has been stopped, into the place of the old one, and says where that is kept.
    ///
    /// # Errors
    /// `Files`: begun anew, it goes on from there.
    pub fn complete(self) -> Result<PathBuf, PostgresError> {
        let ready = self.workshop().join(READY);
        let marked = File::create(&ready).and_then(|marker| marker.sync_all());
        marked.map_err(while_doing("making", &ready))?;
        sync(&self.workshop())?;
        let aside = aside(&self.layout, self.from);
        put_into_place(&self.layout)?;
        Ok(aside)
    }
}

/// Where the old cluster goes: under a name that is free.
fn aside(layout: &Paths, major: u32) -> PathBuf {
    let names = std::iter::once(format!("postgres.{major}"));
    let more = (2_u32..).map(|number| format!("postgres.{major}.{number}"));
    let mut free = names.chain(more).map(|name| layout.state().join(name)).filter(|path| !path.exists());
    free.next().unwrap_or_else(|| layout.state().join("postgres.old"))
}

/// Each step may be the last before a crash, and is done no second time.
fn put_into_place(layout: &Paths) -> Result<(), PostgresError> {
    let workshop = layout.state().join(WORKSHOP);
    let new = workshop.join("postgres");
    if new.exists() {
        if let ClusterPlace::Cluster { major } = layout.look()? {
            rename(layout.cluster(), &aside(layout, major))?;
        }
        rename(&new, layout.cluster())?;
    }
    sync(layout.state())?;
    remove(&workshop)
}

fn rename(from: &Path, to: &Path) -> Result<(), PostgresError> {
    fs::rename(from, to).map_err(while_doing("putting in its place", from))
}

fn remove(directory: &Path) -> Result<(), PostgresError> {
    ignore_missing(fs::remove_dir_all(directory)).map_err(while_doing("removing", directory))
}

fn sync(directory: &Path) -> Result<(), PostgresError> {
    let synced = File::open(directory).and_then(|directory| directory.sync_all());
    synced.map_err(while_doing("syncing", directory))
}
