//! Whether anybody may be asked: the budget, stops, whether calls succeed, losses of many companies at once; and
//! which daemons ask.

pub mod budget;
pub mod daemons;
pub mod mass;
pub mod reachability;
pub mod stops;
