//! A sweep: whoever is due is asked for, compared with what is established, and stored with what is worth telling.
//!
//! Reading order: [`round`] is the whole course of a sweep; `queue` says who is asked and in what order; `leave` whether
//! anybody may be asked at all (stops, the breaker), `stopping` how that is stopped and goes on; `waiting` is the line of those who wait and `hand`
//! what a worker has claimed of it; `check` takes one company through `ask` (its pages), `reread` (its last answer,
//! where an older version understood it) and `conclusion` (what they mean: pure) to one transaction; `judging` is the day's look at every end; `aftermath` is what
//! only the whole sweep can tell (mass losses, companies that keep failing, an upstream that is away); `troubles` are the
//! words of operators' events before they are words.
//!
//! May import `store`, `juhe`, `config`, `domain` and `clock`. Deliberately absent: any mail (it meets `email` only in rows),
//! any schedule of its own (a sweep is begun from outside and only says who is due), and any lock or lease beside the
//! advisory lock on the connection that commits.
//!
//! **What a failure leaves behind.** A check that could not be finished stores nothing but the count of its calls: the
//! company stays due, and is the first in line when asking goes on. Only an answer, or a second failure at the end of the
//! sweep, counts as having been asked. So a crash, a stop or a pause between two calls needs no bookkeeping of its own.

mod accept;
mod aftermath;
mod ask;
mod check;
mod conclusion;
mod error;
mod hand;
mod judging;
mod leave;
mod notes;
mod queue;
mod report;
mod reread;
mod round;
mod stopping;
mod troubles;
mod turns;
mod waiting;

pub use accept::accept;
pub use error::SweepError;
pub use judging::thresholds;
pub use report::{Halt, NoProgress, OpenDoubt, Problem, Progress, Report, Unwatched};
pub use round::{Mode, Sweep, Whom};
