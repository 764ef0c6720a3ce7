//! Notices that the watchlist was edited, in whatever way: written over, renamed over, removed and put back, or swapped
//! behind a symbolic link, as Kubernetes does.
//!
//! The directory is observed and not the file: what observes a file is lost with the first rename over it. The bell carries
//! no message here either: it says "look", and whoever looks compares the text. So once in a while it rings by itself, for
//! file systems that say nothing.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::Notify;

use crate::clock::{pause, within};

/// A file that was just written to is not read before it has been still for so long (design 6).
const STILL: Duration = Duration::from_secs(1);

/// Where nothing is heard, a look is taken so often.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// Hears edits of one file.
pub(super) struct Edits {
    heard: Arc<Notify>,
    /// Observes for as long as it lives; `None` where the machine cannot: then only the clock rings.
    _observer: Option<RecommendedWatcher>,
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
        Self { heard, _observer: observer.ok() }
    }

    /// Completes when the file may have been edited and nothing has happened since for a second.
    pub(super) async fn next(&self) {
        tokio::select! {
            () = self.heard.notified() => {}
            () = pause(LOOK_EVERY) => {}
        }
        while within(STILL, self.heard.notified()).await.is_ok() {}
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
