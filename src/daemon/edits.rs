//! Notices that the watchlist was edited, in whatever way: written over, renamed over, removed and put back, or swapped
//! behind a symbolic link, as Kubernetes does.
//!
//! The directory is observed and not the file: what observes a file is lost with the first rename over it. The bell carries
//! no message here either: it says "look", and whoever looks compares the text. So once in a while it rings by itself, for
//! file systems that say nothing.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::Notify;

use crate::clock::pause;

/// A file that was just written to is not read before it has been still for so long (design 6).
const STILL: Duration = Duration::from_secs(1);

/// A look is taken so often, whatever is heard.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// Hears edits of one file.
pub(super) struct Edits {
    path: PathBuf,
    heard: Arc<Notify>,
    /// What the file was at the last look.
    looked_at: Option<Mark>,
    /// Observes for as long as it lives; `None` where the machine cannot: then only the clock rings.
    _observer: Option<RecommendedWatcher>,
}

/// What tells one state of a file from another without reading it; nothing of one that is not there.
type Mark = Option<(u64, u64, u64, (i64, i64), (i64, i64))>;

fn mark(path: &Path) -> Mark {
    let found = path.metadata().ok()?;
    let (written, changed) = ((found.mtime(), found.mtime_nsec()), (found.ctime(), found.ctime_nsec()));
    Some((found.dev(), found.ino(), found.len(), written, changed))
}

impl Edits {
    /// Hears edits of the file at `path` from now on.
    pub(super) fn of(path: &Path) -> Self {
        let heard = Arc::new(Notify::new());
        let observer = observe(path, Arc::clone(&heard));
        if let Err(error) = &observer {
            tracing::warn!(%error, "edits of the watchlist are noticed late: its directory cannot be observed");
        }
        // What was edited before anybody listened is heard as well.
        heard.notify_one();
        Self { path: path.to_owned(), heard, looked_at: None, _observer: observer.ok() }
    }

    /// Completes when the file may have been edited and has not changed since for a second. It is the file that has to be still:
    /// others in its directory may be written to without end (a log, an editor's own files).
    pub(super) async fn next(&mut self) {
        let mut look = pin!(pause(LOOK_EVERY));
        // Something beside it may be heard all the time.
        while self.looked_at == Some(mark(&self.path)) {
            tokio::select! {
                () = self.heard.notified() => {}
                () = &mut look => break,
            }
        }
        self.looked_at = Some(self.until_still().await);
    }

    async fn until_still(&self) -> Mark {
        let mut seen = mark(&self.path);
        let mut still = pin!(pause(STILL));
        loop {
            let is_over = tokio::select! {
                () = self.heard.notified() => false,
                () = &mut still => true,
            };
            let now = mark(&self.path);
            if now != seen {
                seen = now;
                still.set(pause(STILL));
            } else if is_over {
                return now;
            }
        }
    }
}

fn observe(path: &Path, heard: Arc<Notify>) -> notify::Result<RecommendedWatcher> {
    let mut observer = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // Our own reading is an event as well; an error may have swallowed events.
        if !event.is_ok_and(|event| matches!(event.kind, EventKind::Access(_))) {
            heard.notify_one();
        }
    })?;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    observer.watch(directory, RecursiveMode::NonRecursive)?;
    Ok(observer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::within;

    const SOON: Duration = Duration::from_secs(10);

    #[tokio::test]
    async fn a_busy_directory_neither_hides_an_edit_nor_is_taken_for_one() {
        let directory = tempfile::tempdir().unwrap();
        let (file, beside) = (directory.path().join("watchlist.toml"), directory.path().join("other.log"));
        std::fs::write(&file, "one").unwrap();
        let mut edits = Edits::of(&file);
        edits.next().await;
        let noise = async {
            loop {
                std::fs::write(&beside, "x").unwrap();
                pause(Duration::from_millis(50)).await;
            }
        };
        let hearing = async {
            assert!(within(STILL * 2, edits.next()).await.is_err(), "nothing but noise");
            for text in ["another", "a third"] {
                std::fs::write(&file, text).unwrap();
                assert!(within(SOON, edits.next()).await.is_ok(), "{text}");
            }
            std::fs::rename(&beside, &file).unwrap();
            assert!(within(SOON, edits.next()).await.is_ok(), "another file in its place");
            std::fs::remove_file(&file).unwrap();
            assert!(within(SOON, edits.next()).await.is_ok(), "gone");
        };
        tokio::select! {
            () = hearing => {}
            () = noise => {}
        }
    }
}
