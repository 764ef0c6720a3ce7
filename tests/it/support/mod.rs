//! What the scenarios share.

pub mod crashing;
pub mod database;
pub mod letter;
pub mod machine;
pub mod monitor;
pub mod program;
pub mod mailroom;
pub mod running;
pub mod secrets;
pub mod smtp_sink;
pub mod scene;
pub mod scenarios;
pub mod story;
pub mod switch;
pub mod watch;
pub mod world;
