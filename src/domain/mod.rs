//! The pure core: names, dates, holdings, comparison, thresholds, occurrences, events.
//!
//! May import nothing outside itself but value crates (chrono, serde, thiserror and their like). Deliberately absent:
//! I/O, a clock, async, logging. Time comes in as a value; the same input always gives the same output.

pub mod language;
pub mod observation;
pub mod occurrences;
pub mod rhythm;
pub mod secret;
pub mod wall_clock;
