//! Reads for people and programs: what `status`, `list`, `history`, `why` and monitors show.

pub mod snapshots;
pub mod figures;
pub mod health;
pub mod history;
pub mod letters;
pub mod overview;
pub mod query_days;
pub mod reasons;
mod lookups;

pub use lookups::*;
