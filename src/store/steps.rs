//! Named steps from a new watchlist over claiming a company to marking a mail sent: where a crash must lose nothing and repeat nothing.
//!
//! The work says which step it has reached; production does nothing with that, a test stops the work there for good.

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

/// The steps and a list of all of them, which cannot differ: each is a place where tests let a process die.
macro_rules! steps {
    ($($(#[$meaning:meta])* $step:ident,)*) => {
        /// A step of a check, of a judging, of a mailing or of taking a watchlist into force.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Step {
            $($(#[$meaning])* $step,)*
        }

        impl Step {
            /// All of them, in the order in which they are reached.
            pub const ALL: &[Self] = &[$(Self::$step,)*];
        }
    };
}

steps! {
    /// The companies of a new watchlist are stored; its copy and what is in memory are still the old one's.
    Accepted,
    /// The company is claimed; no call is counted yet.
    Claimed,
    /// The call is counted; it is made next.
    BeforeCall,
    /// A page is there, and another is needed: it is counted next.
    BetweenPages,
    /// All pages are there; nothing of them is stored.
    AfterAnswer,
    /// The check is compared and judged; its transaction comes next.
    BeforeCommit,
    /// The check is committed; its claim is still held.
    AfterCommit,
    /// Without an answer: the company's ends are judged and that is committed; its claim is still held.
    Judged,
    /// A recipient's digest is built from what is pending.
    DigestBuilt,
    /// The mail server has let us in.
    Connected,
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

/// In production nobody listens.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoSteps;

impl Steps for NoSteps {
    fn reached(&self, _step: Step) -> BoxFuture<'_, ()> {
        futures_util::future::ready(()).boxed()
    }
}
