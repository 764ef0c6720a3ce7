//! What the service manager is told. Without one, nothing happens.

use sd_notify::NotifyState;
use tokio_util::sync::CancellationToken;

use crate::clock::pause;

/// Says something to the service manager.
pub(super) fn say(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "the service manager could not be told");
    }
}

/// Says in one line how it stands (`systemctl status`).
pub fn say_status(text: &str) {
    say(&[NotifyState::Status(text)]);
}

/// Tells its watchdog that we are alive, twice within its time, until the end is asked for.
pub(super) async fn watch_over(ending: &CancellationToken) {
    let Some(limit) = sd_notify::watchdog_enabled() else { return };
    while !ending.is_cancelled() {
        say(&[NotifyState::Watchdog]);
        ending.run_until_cancelled(pause(limit / 2)).await;
    }
}
