//! Named steps between claiming a company and marking a mail sent: where a crash must lose nothing and repeat nothing.
//!
//! The work says which step it has reached; production does nothing with that, a test stops the work there for good.

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

/// A step of a check or of a mailing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// The company is claimed and the call counted; it is made next.
    BeforeCall,
    /// All pages are there; nothing of them is stored.
    AfterAnswer,
    /// The check is compared and judged; its transaction comes next.
    BeforeCommit,
    /// The check is committed; its claim is still held.
    AfterCommit,
    /// A recipient's digest is built from what is pending.
    DigestBuilt,
    /// The server took sender and recipient.
    Offered,
    /// Bytes and Message-ID are stored; DATA comes next.
    Frozen,
    /// The server took the message; it is not marked yet.
    HandedOver,
    /// The message is marked as sent.
    MarkedSent,
}

/// Who is told that a step was reached.
pub trait Steps: Send + Sync {
    /// Called at each step; the work goes on when the future completes.
    fn reached(&self, step: Step) -> BoxFuture<'_, ()>;
}

/// Nobody: production.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoSteps;

impl Steps for NoSteps {
    fn reached(&self, _step: Step) -> BoxFuture<'_, ()> {
        futures_util::future::ready(()).boxed()
    }
}
