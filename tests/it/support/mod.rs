//! What the scenarios share.

pub mod database;
