//! What is owed to readers and operators, and what became of it.

pub mod dead_letters;
pub mod events;
pub mod messages;
pub mod address_changes;
pub mod recipients;
pub mod refusals;
pub mod retention;
pub mod troubles;
