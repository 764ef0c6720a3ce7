//! Reads for people and programs: what `status`, `list`, `history`, `why` and monitors show.

pub mod established;
pub mod figures;
pub mod health;
pub mod history;
pub mod letters;
pub mod overview;
pub mod queried;
pub mod reasons;
mod reads;

pub use reads::*;
