//! Checks: companies are claimed, read, and what a check or a judging made of them is written.

pub mod batches;
pub mod claims;
pub mod judging;
pub mod observations;
pub mod records;
pub mod sweeps;
