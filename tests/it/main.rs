//! The one test binary: every scenario against real parts.

#![expect(clippy::unwrap_used, reason = "a test's helper may panic as the test itself does")]

mod private_postgres;
mod support;
mod tidy;
