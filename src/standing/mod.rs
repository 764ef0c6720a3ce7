//! How everything stands, read for whoever asks: `status`, and monitors by way of the daemon. What is read is facts; whether they
//! are problems is decided by `domain::health`.
//!
//! Reading order: [`companies`] goes through all companies of the file, [`facts`] adds how the service stands, [`deadlines`] finds
//! what ends next. May import `store`, `config`, `domain`, `clock`. Deliberately absent: printing, certificates one by one.

mod companies;
mod deadlines;
mod facts;

pub use companies::{Entries, Standings};
pub use deadlines::{Deadlines, deadlines};
pub use facts::{Beside, ServiceState};
