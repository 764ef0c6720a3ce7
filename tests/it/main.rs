//! The one test binary: every scenario against real parts.

#![cfg(test)]

mod backups;
mod best_effort_log;
mod care_of_the_database;
mod checks;
mod crashes;
mod history_of_a_day;
mod daemon;
mod dead_entries;
mod documents;
mod edits;
mod health;
mod hostile_input;
mod hostile_text;
mod huge_digest;
mod mailer;
mod many_pages;
mod older_layout;
mod other_roads;
mod private_database;
mod private_postgres;
mod real_smtp_server;
mod rig;
mod simulation;
mod secrets;
mod smtp_conversation;
mod reasons;
mod reread;
mod retention;
mod snoozes;
mod somebody_elses_database;
mod support;
mod test_mail_and_sandbox;
mod sweep_budget;
mod sweep_identity;
mod sweep_judging;
mod sweep_masses;
mod sweep_reading;
mod sweep_together;
mod sweep_upstream;
mod sweeps;
mod tidy;
mod two_watchlists;
mod what_commands_print;
mod wrong_use;
