//! How a person or a service manager ends a command: once politely.

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Listens until dropped.
pub(super) struct Listening(JoinHandle<()>);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Cancels `ending` at Ctrl-C and SIGTERM: what is begun is finished, nothing new is begun.
///
/// # Errors
/// Signals cannot be listened for.
pub(super) fn cancelled_by_signals(ending: &CancellationToken) -> anyhow::Result<Listening> {
    let mut interrupt = signal(SignalKind::interrupt()).context("waiting for Ctrl-C")?;
    let mut terminate = signal(SignalKind::terminate()).context("waiting for SIGTERM")?;
    let ending = ending.clone();
    Ok(Listening(tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        ending.cancel();
    })))
}
