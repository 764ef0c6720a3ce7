//! A sweep: whoever is due is asked for, compared with what is established, and stored with what is worth telling.
//!
//! Reading order: [`run`] is the whole course of a sweep; `plan` says who is asked and in what order; a `lane` claims companies
//! and asks some of them at a time, `check` takes one through its pages, `counter` counts the calls before they are made; a
//! `batch` of answers is concluded by `outcome` (pure; `second_reading` first, where an older version understood the last answer) and
//! stored in one transaction. `breaker` and `stops` say whether anybody may be asked at all; `day` is the daily look at
//! every end; `masses` is what only the whole sweep can tell; `teller` makes operators' events; all stand on the `ground`.
//!
//! May import `store`, `juhe`, `config`, `domain` and `clock`. Deliberately absent: any mail (it meets `email` only in rows),
//! any schedule of its own (a sweep is begun from outside and only says who is due), and any lock or lease beside the
//! advisory lock on the connection that commits.
//!
//! **What a failure leaves behind.** A first failure in passing is recorded, and leaves the company due: its second try comes
//! at the end of the sweep, or when asking goes on. An answer that was not committed leaves nothing but the count of its
//! calls. So a crash, a stop or a pause between two calls needs no bookkeeping of its own.
//!
//! **What the same answer costs.** While nothing of a company is in doubt, owed, open or due, its row holds digests of its last
//! complete answer: the same bytes, or the same items in another order, are marked and not read. Whatever concludes
//! something else removes them.

mod acceptance;
mod batch;
mod breaker;
mod check;
mod counter;
mod edits;
mod ground;
mod day;
mod lane;
mod masses;
mod outcome;
mod plan;
mod report;
mod second_reading;
mod run;
mod stops;
mod teller;

pub use acceptance::accept;
pub use day::{open_doubts, thresholds};
pub use ground::Mode;
pub use plan::Whom;
pub use report::{Halt, NoProgress, OpenDoubt, Progress, Report};
pub use run::{Sweep, client_settings, span_of};
