//! Answering over HTTP, for whoever looks from outside: the listener with its limits, and the text form in which monitors read numbers.
//! What is answered is handed in as a router; the daemon's.
//!
//! **Nobody who connects can hold us up.** A connection has one request, [`listener::CONNECTION_MAX`] in all, and a place among few;
//! where all are taken the oldest is cut, so that those who are slow on purpose keep nobody out. A socket that cannot be had is
//! logged and tried again: the daemon goes on without.
//!
//! axum carries it, on hyper's server directly: `axum::serve` has no limit of time. May import `config`, `clock`. Deliberately absent:
//! TLS, passwords, request bodies, and what is answered.

pub mod exposition;
pub mod listener;
