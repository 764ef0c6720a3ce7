//! Checks of companies: claimed together, read together, and what came of them written together.

pub(in crate::store) mod certificates;
pub mod claims;
pub mod commit;
pub mod judgements;
pub mod observations;
pub mod records;
pub mod standings;
mod rows;
