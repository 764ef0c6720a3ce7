//! The one test binary: every scenario against real parts.
