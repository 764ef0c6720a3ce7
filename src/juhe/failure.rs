//! Why a question brought no page: its class, its code, its words, and what a person can do.

use super::codes::{ADDRESS_OVER_LIMIT, Pace, meaning};
use crate::domain::outcome::Outcome;

/// What went wrong. What follows from it is its [`Outcome`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CallFault {
    /// The provider said so: an `error_code` other than 0.
    Said(i64),
    /// No readable `error_code`, and an HTTP status that says enough: 3xx, 401, 403, 407, 429, 5xx.
    Status(u16),
    /// The whole body came, but what it says is not understood. With the HTTP status.
    Unreadable(u16),
    /// The body did not end within what one answer may take.
    TooLong,
    /// No connection to the provider.
    Connect,
    /// A connection, but no agreement on TLS: most often the certificate.
    Tls,
    /// No whole answer within the time set.
    TimedOut,
    /// The connection broke before the answer was whole.
    BrokeOff,
}

/// A question that brought no page.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Failure {
    /// What it leads to.
    pub class: Outcome,
    /// The provider's code; 10011 also for HTTP's 429, which says the same. `None` where nobody gave one.
    pub code: Option<i64>,
    /// Why: without the key, safe to show. The provider's own words at most 200 characters; of a body that could not be read
    /// its first 200 bytes, escaped.
    pub reason: String,
    /// What went wrong.
    pub fault: CallFault,
}

impl Failure {
    /// `reason` is shown as it is: the caller has scrubbed it and made it displayable.
    pub(super) fn new(fault: CallFault, reason: String) -> Self {
        let code = match fault {
            CallFault::Said(code) => Some(code),
            CallFault::Status(429) => Some(ADDRESS_OVER_LIMIT),
            _ => None,
        };
        let class = match (code, fault) {
            (Some(code), _) => meaning(code).class,
            (None, CallFault::Status(300..=499)) => Outcome::Unknown,
            _ => Outcome::Transient,
        };
        Self { class, code, reason, fault }
    }

    /// Whether asking stops, and when one probe may be made.
    #[must_use]
    pub fn pace(&self) -> Pace {
        self.code.map_or(Pace::GoesOn, |code| meaning(code).pace)
    }

    /// Whether TLS is what failed. The document's own address is http://, so a caller may name that.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.fault == CallFault::Tls
    }

    /// Whether somebody gave a readable answer, be it a refusal: such a failure does not say that upstream cannot be reached.
    #[must_use]
    pub fn is_readable(&self) -> bool {
        matches!(self.fault, CallFault::Said(_))
    }

    /// What a person can do, apart from the reason; `None` where waiting is all.
    #[must_use]
    pub fn advice(&self) -> Option<&'static str> {
        if let Some(code) = self.code {
            return meaning(code).advice;
        }
        match self.fault {
            CallFault::Status(300..=399) => Some(
                "the key is sent to [api].url only and follows nobody elsewhere: if the provider has moved, write its new address there; a log-in page of the network means that this machine has no free way out",
            ),
            CallFault::Status(407) => Some(
                "the proxy wants a log-in: look at https_proxy and http_proxy in the service's environment, or exempt the provider with no_proxy",
            ),
            CallFault::Status(401 | 403) => Some(
                "this is not one of the provider's own refusals: a firewall or a proxy on the way, or the provider's, refuses this machine; or [api].url is not the document's address",
            ),
            CallFault::Unreadable(404 | 405 | 410) => {
                Some("nothing answers at this address: compare [api].url with the provider's document")
            }
            CallFault::Unreadable(_) => Some(
                "something answered that is not the provider's interface, such as a proxy or a log-in page, or the provider is in trouble: compare [api].url with the document, and see what a browser gets there",
            ),
            CallFault::Connect => Some(
                "see whether this machine reaches the provider: name server, firewall, and https_proxy in the service's environment",
            ),
            CallFault::Tls => Some(
                "the provider's certificate could not be verified: look at the machine's date, install the package ca-certificates, and see whether a proxy on the way opens TLS",
            ),
            CallFault::TimedOut => Some("if this happens often, raise [api].timeout"),
            CallFault::Said(_) | CallFault::Status(_) | CallFault::TooLong | CallFault::BrokeOff => None,
        }
    }
}
