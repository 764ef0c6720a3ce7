//! The one test binary: every scenario against real parts.

mod private_postgres;
mod support;
mod tidy;
