//! What the scenarios share.

pub mod smtp_sink;
