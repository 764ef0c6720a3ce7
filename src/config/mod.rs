//! The file the operator edits, and the secrets that are not in it (design 6 and 7).
//!
//! Reading order: [`watchlist`] says what a file means, [`keys`] which keys there are; [`judge`] walks the file and
//! collects **all** faults at once, each with its place and the nearest right spelling ([`fault`], [`excerpt`]). The walk is by
//! hand over a tree with places: a derived deserialiser stops at the first fault; [`pieces`] keeps the trees of large files
//! small, [`slips`] reads on behind Chinese punctuation, [`repeats`] makes one fault of one slip. [`places`] finds the file and the state
//! directory and keeps the accepted copy; [`secrets`] reads what is given as credential, variable or file.
//!
//! May import: `domain`. Deliberately absent: the process's environment (it is handed in as [`secrets::Environment`]),
//! time-outs, watching the file (the daemon's business), writing the operator's file (import's business).

mod repeats;
mod companies;
mod database_url;
mod excerpt;
mod effect;
mod error;
mod fault;
mod judge;
mod keys;
mod mailbox;
mod pieces;
mod places;
mod reader;
mod secrets;
mod sections;
mod slips;
mod smtp;
mod values;
mod watchlist;

pub use database_url::DatabaseUrl;
pub use effect::{EditEffect, Named, ReaderOf};
pub use error::ConfigError;
pub use excerpt::{Colour, draw, shown_at};
pub use fault::Fault;
pub use judge::{FILE_BYTES_MAX, JudgedFile, judge, parse, read_text, warning_at};
pub use mailbox::{BadAddress, EmailAddress, Mailbox};
pub use places::{
    USUAL_PLACES, accepted, find, is_of_service, keep_accepted, listing_of, new_file, state_dir,
    watchlist_of_service,
};
pub use secrets::{
    CREDENTIALS, Environment, SERVICE_USER, Source, Sourced, read_api_key, read_database_url,
    read_smtp_password, warn_of_open_file,
};
pub use sections::is_full_host_name;
pub use smtp::{Security, SmtpServer};
pub use watchlist::{
    Alerts, Api, Company, Database, Email, Heartbeat, Http, Outlet, Schedule, SecretFile, Watchlist,
};
