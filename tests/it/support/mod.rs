//! What the scenarios share.

pub mod database;
pub mod mailroom;
pub mod smtp_sink;
pub mod world;
