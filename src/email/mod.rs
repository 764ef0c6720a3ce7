//! From what is owed to what is sent: deliveries become digests, digests messages, messages leave.
//!
//! May import `store`, `config`, `domain` and `clock`. It meets `sweep` only in rows. Deliberately absent: any decision on
//! what is worth telling, and any address that did not come from the file.
//!
//! How a message leaves: [`Post`](post::Post) opens the way; a message is offered, stored by the caller, handed over.
//! A [`SendFailure`] says whose [`Blame`] it is, and that decides who waits. [`mailer`] does this for all that is owed.

mod courier;
mod delivery;
pub mod digest;
mod error;
mod maildir;
pub mod mailer;
pub mod message;
mod outlet;
pub(crate) mod post;
mod readers;
mod receipt;
mod refusals;
pub(crate) mod rest;
mod ripeness;
mod run;
mod smtp;
mod mail_troubles;
pub mod words;

pub use self::courier::{Courier, Session};
pub use self::error::EmailError;
pub use self::outlet::{courier, fingerprint};
pub use self::receipt::Receipt;
pub use self::ripeness::{LOGIN_PAUSE, Ripe, Sweeping, may_log_in};
pub use self::run::{MailProblem, Mailed, Mailer};
pub use self::smtp::failure::{Blame, SendFailure, Stage};
pub use self::smtp::wire::{Unsendable, check_wire_format};
pub use self::smtp::{Login, MailServer, Patience};
