//! What is remembered: PostgreSQL, one file for each thing a caller does.
//!
//! A public function is a whole transaction or one read, named by what it achieves; the pieces inside take
//! `&mut PgConnection` and never begin or commit. May import `domain` and `clock`. Deliberately absent: HTTP, SMTP, any
//! wait between begin and commit, and the time: every instant is a parameter, SQL never asks for one.
//!
//! **Locks.** A company, or a recipient's mail, is taken by an advisory lock on the very connection that will commit its transaction
//! ([`claims`]): a dead process's locks die with its connection, and who has lost the connection cannot commit. There is
//! no lease beside it.

pub mod asking;
pub mod checks;
pub mod companies;
pub mod connection;
pub mod error;
pub mod outbox;
pub mod reports;
mod session;
pub mod steps;

pub use connection::Store;
pub use error::StoreError;
