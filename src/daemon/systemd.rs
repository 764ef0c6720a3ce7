//! What the service manager is told. Without one, nothing happens.

use std::time::Duration;

use sd_notify::NotifyState;

/// Says something to the service manager.
pub(super) fn say(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "the service manager could not be told");
    }
}

/// Says in one line how it stands (`systemctl status`).
pub(super) fn status(text: &str) {
    say(&[NotifyState::Status(text)]);
}

/// How often the watchdog wants to hear from us, if at all: twice within its time.
pub(super) fn watchdog_pause() -> Option<Duration> {
    sd_notify::watchdog_enabled().map(|limit| limit / 2)
}
