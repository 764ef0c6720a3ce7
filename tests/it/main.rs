//! The one test binary: every scenario against real parts.

#![cfg(test)]

mod real_smtp_server;
mod smtp_conversation;
mod support;
