//! The one test binary: every scenario against real parts.

#![cfg(test)]

mod checks;
mod crashes;
mod history_of_a_day;
mod daemon;
mod documents;
mod mailer;
mod private_postgres;
mod real_smtp_server;
mod simulation;
mod smtp_conversation;
mod support;
mod test_mail_and_sandbox;
mod sweeps;
mod tidy;
mod what_commands_print;
mod wrong_use;
