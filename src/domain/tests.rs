//! What holds of the whole core.

mod closed;
