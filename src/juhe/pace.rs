//! The pace: at most so many requests a second, over all callers of one client.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use crate::clock::pause;

/// A gate that lets one request pass, then stays shut for a while. Turns are in the order of asking.
///
/// It goes by the machine's own monotonic time and not by the process's [`Clock`](crate::clock::Clock): the provider counts
/// real seconds, and a simulated clock stands still between two steps, so that a gate on it would never open.
pub(super) struct Gate {
    turn: Arc<Mutex<()>>,
    apart: Duration,
}

impl Gate {
    pub(super) fn new(apart: Duration) -> Self {
        Self { turn: Arc::default(), apart }
    }

    /// Completes when the next request may start; the one after it may start `apart` later. A caller that gives up while it
    /// waits takes no turn.
    pub(super) async fn turn(&self) {
        let taken = Arc::clone(&self.turn).lock_owned().await;
        let apart = self.apart;
        // A task of its own: the gate opens again by time, whatever becomes of the caller.
        tokio::spawn(async move {
            pause(apart).await;
            drop(taken);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::within;

    fn gate(requests_per_second: u32) -> Gate {
        Gate::new(Duration::from_secs(1) / requests_per_second)
    }

    #[tokio::test]
    async fn the_first_passes_at_once_and_the_next_waits() {
        let gate = gate(1);
        within(Duration::from_millis(500), gate.turn()).await.unwrap();
        within(Duration::from_millis(100), gate.turn()).await.unwrap_err();
    }

    #[tokio::test]
    async fn callers_that_gave_up_take_no_turn() {
        let gate = gate(4);
        gate.turn().await;
        for _ in 0..5 {
            within(Duration::from_millis(1), gate.turn()).await.unwrap_err();
        }
        within(Duration::from_millis(900), gate.turn()).await.unwrap();
    }
}
