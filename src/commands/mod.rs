//! What a person or a program can ask for: one file a command.
//!
//! [`arguments`] says what can be asked, [`dispatch()`] calls the command that was asked for, [`context`] is what every
//! command begins with: the watchlist read and judged, the state directory, the clock, and on demand secrets and database.
//! A command gives an [`Exit`], or an error whose exit code and advice [`exit`] knows. [`print`] is the only place that
//! writes to standard output, [`shapes`] the one place for the JSON that others rely on.
//!
//! May import every room. Deliberately absent: decisions. What is due, worth telling or to be sent is decided further down.

mod arguments;
mod dispatch;
mod context;
mod database;
mod demo;
mod disk;
mod signals;
mod exit;
mod logging;
mod log_line;
mod journal;
mod print;
mod paragraph;
mod event_line;
mod document;
mod spool;
mod standard_error;
mod mail;
mod retry;
mod run;
mod restarts;
mod kept_backups;
mod succession;
mod alarm;
mod init;
mod served_database;
mod service_user;
mod table;
mod shapes;
mod snooze;
mod renewing;
mod named_end;
mod companies;
mod certificates;
mod outlook;
mod validate;
mod verdict;
mod why;
mod trial_call;
mod backup;
mod bar;
mod check;
mod status;
mod list;
mod history;
mod test_email;
mod sandbox;

pub use arguments::Arguments;
pub use dispatch::{dispatch, dispatch_in_steps};
pub use exit::{Exit, complain, complain_of_arguments};
pub use logging::start_logging;
pub use service_user::go_on_as_service;
