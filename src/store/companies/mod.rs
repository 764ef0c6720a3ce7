//! The companies of the watchlists: who is watched, and what an operator said of them.

pub mod edits;
mod entry;
mod listings;
pub mod renewals;
pub mod snoozes;
pub mod succession;
mod watchlist;
pub mod wrong_clock;

pub use entry::Entry;
pub use watchlist::{Accepted, CompanyId, Failing, accept, keep_failing, unknown_codes};
pub(in crate::store) use watchlist::{FORGOTTEN_AFTER, read_keyword, read_outcome};
