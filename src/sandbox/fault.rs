//! What goes wrong, for whom and when.

use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderValue, StatusCode};
use chrono::{DateTime, Utc};

/// One `[[fault]]`: the first of the file that matches a request decides its answer.
#[derive(Debug, Clone)]
pub(super) struct PlayedFault {
    pub(super) window: Window,
    /// Any keyword of the company; `None` is every request, also one without a keyword.
    pub(super) keyword: Option<String>,
    pub(super) page: Option<usize>,
    pub(super) key: Option<String>,
    /// Only so many matching requests, counted from the start or the last replacement of the scenario.
    pub(super) times: Option<u32>,
    /// How long, in real time, the answer waits before its first byte.
    pub(super) delay: Duration,
    /// Replaces the status that the answer would have.
    pub(super) status: Option<StatusCode>,
    pub(super) effect: Effect,
}

/// A span of instants: from inclusive, until exclusive; open where `None`.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Window {
    pub(super) from: Option<DateTime<Utc>>,
    pub(super) until: Option<DateTime<Utc>>,
}

impl Window {
    pub(super) fn contains(self, now: DateTime<Utc>) -> bool {
        self.from.is_none_or(|from| from <= now) && self.until.is_none_or(|until| now < until)
    }
}

/// What a fault does to the answer.
#[derive(Debug, Clone)]
pub(super) enum Effect {
    /// The answer stays what it is: the fault is its delay.
    Nothing,
    /// A web server's own error page, as a proxy or an overloaded front sends it.
    StatusPage,
    /// An error of the provider.
    Code { code: u32, reason: Option<String> },
    /// An error whose `result` is a string that holds the caller's key: seen with 10012 in a public issue.
    EchoKey { code: u32 },
    /// The connection closes after half of the body.
    CutOff,
    /// A captive portal's page.
    Html,
    /// Nothing where the body should be.
    EmptyBody,
    /// Every page after the first says a larger total.
    ChangingTotal,
    /// Every page after the first begins with the last item of the page before.
    RepeatItem,
    /// The last item of the page is missing.
    ShortPage,
    /// pageNum has no effect.
    IgnorePage,
    /// Sent elsewhere.
    Redirect(HeaderValue),
    /// These bytes.
    Body(Bytes),
    /// One byte of the right answer in each such span.
    Drip(Duration),
    /// So many bytes, once inflated.
    GzipBomb { bytes_inflated: u64 },
}
