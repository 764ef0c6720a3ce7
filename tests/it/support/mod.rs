//! What the scenarios share.

pub mod database;
pub mod program;
pub mod mailroom;
pub mod smtp_sink;
pub mod story;
pub mod world;
