//! How a person or a service manager ends a command: once politely, twice at once.

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

/// Cancels `ending` at the first Ctrl-C or SIGTERM: what is begun is finished, nothing new is begun. The second ends the process
/// as it is, which costs no more than a crash: nothing is lost. Listens until what it gives is dropped.
///
/// # Errors
/// Signals cannot be listened for.
pub(super) fn cancelled_by_signals(ending: &CancellationToken) -> anyhow::Result<AbortOnDropHandle<()>> {
    let mut interrupt = signal(SignalKind::interrupt()).context("waiting for Ctrl-C")?;
    let mut terminate = signal(SignalKind::terminate()).context("waiting for SIGTERM")?;
    let ending = ending.clone();
    Ok(AbortOnDropHandle::new(tokio::spawn(async move {
        let mut next = async || {
            tokio::select! {
                _ = interrupt.recv() => SignalKind::interrupt(),
                _ = terminate.recv() => SignalKind::terminate(),
            }
        };
        next().await;
        tracing::info!("ending: what is begun is finished first");
        ending.cancel();
        let second = next().await;
        tracing::warn!("ended at once by a second signal: what was begun goes on at the next start");
        // As a shell says that a signal ended a command.
        std::process::exit(128 + second.as_raw_value());
    })))
}
