//! The one test binary: every scenario against real parts.

#![cfg(test)]

mod mailer;
mod private_postgres;
mod real_smtp_server;
mod smtp_conversation;
mod support;
mod sweeps;
mod tidy;
