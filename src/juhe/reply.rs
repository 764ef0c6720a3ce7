//! What one question brought: the bytes at once, their meaning only for who asks for it ([`Client::judge`](super::Client::judge)).

use super::transport::Received;
use crate::domain::text::Scrubber;

/// What one question brought, every occurrence of the key overwritten. Nothing of it has been read yet.
#[derive(Debug, Clone)]
pub struct Reply {
    received: Received,
}

impl Reply {
    pub(super) fn new(received: Received, scrubber: &Scrubber) -> Self {
        let scrub_text = |text: String| scrubber.scrub_text(&text);
        let is_cut = received.broken.is_some();
        let received = Received {
            body: if is_cut { scrubber.scrub_cut(received.body) } else { scrubber.scrub(received.body) },
            redirected_to: received.redirected_to.map(scrub_text),
            broken: received.broken.map(|(fault, words)| (fault, scrub_text(words))),
            ..received
        };
        Self { received }
    }

    /// The body after inflation, at most 4 MiB; what came of it where it broke off; empty when none came.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.received.body
    }

    /// [`Reply::bytes`], to be kept.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.received.body
    }

    /// Whether it came with HTTP 200 and to its end. Two such replies with the same bytes say the same, whatever that is.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.received.status == Some(200) && self.received.broken.is_none()
    }

    pub(super) fn received(&self) -> &Received {
        &self.received
    }
}
