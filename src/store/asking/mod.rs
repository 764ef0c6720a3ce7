//! Whether anybody may be asked: the budget, stops, whether calls succeed, losses of many companies at once.

pub mod budget;
pub mod mass;
pub mod reachability;
pub mod stops;
