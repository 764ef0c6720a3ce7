//! What is remembered: PostgreSQL, one file for each thing a caller does.
//!
//! A public function is a whole transaction or one read, named by what it achieves; the pieces inside take
//! `&mut PgConnection` and never begin or commit. May import `domain` and `clock`. Deliberately absent: HTTP, SMTP, any
//! wait between begin and commit, and the time: every instant is a parameter, SQL never asks for one.
//!
//! **Locks.** A company, or a recipient's mail, is taken by an advisory lock on the very connection that will commit its transaction
//! ([`claims`]): a dead process's locks die with its connection, and who has lost the connection cannot commit. There is
//! no lease beside it.

pub mod batches;
pub mod budget;
pub mod claims;
pub mod companies;
pub mod connect;
pub mod dead_letters;
pub mod error;
pub mod history;
pub mod judging;
mod listings;
pub mod mailing;
pub mod mass;
pub mod observations;
pub mod outbox;
pub mod overview;
pub mod reachability;
pub mod readdressing;
pub mod reasons;
pub mod records;
pub mod refusals;
pub mod reports;
pub mod retention;
pub mod snoozes;
pub mod steps;
pub mod stops;
pub mod succession;
pub mod sweeps;
pub mod troubles;
pub mod wrong_clock;

pub use connect::Store;
pub use error::StoreError;
