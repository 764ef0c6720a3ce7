//! The pure core: names, dates, holdings, comparison, thresholds, occurrences, events.
//!
//! May import nothing outside itself but value crates (chrono, serde, thiserror and their like). Deliberately absent:
//! I/O, a clock, async, logging. Time comes in as a value; the same input always gives the same output.

mod alias;
pub mod answer_digest;
pub mod certificates;
pub mod compare;
pub mod cover;
pub mod credit_code;
mod stated_days;
pub mod dates;
pub mod event;
pub mod event_facts;
pub mod event_kind;
pub mod field;
pub mod filing;
pub mod grade;
pub mod health;
pub mod holding;
pub mod identity;
pub mod judge;
pub mod keyword;
pub mod language;
pub mod mass;
pub mod names;
pub mod number;
pub mod observation;
pub mod occurrences;
pub mod outcome;
pub mod qualification;
pub mod rest;
pub mod rhythm;
pub mod secret;
pub mod snapshot;
pub mod text;
pub mod trouble_cause;
pub mod wall_clock;

#[cfg(test)]
mod tests;
