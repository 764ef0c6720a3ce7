//! From the arguments to the command.

use super::arguments::{Arguments, Command};
use super::backup::{backup, restore};
use super::check::check;
use super::demo::demo;
use super::exit::Exit;
use super::history::history;
use super::init::init;
use super::list::list;
use super::mail::mail;
use super::renewing::renewing;
use super::retry::retry;
use super::run::run;
use super::sandbox::sandbox;
use super::snooze::snooze;
use super::status::status;
use super::test_email::test_email;
use super::validate::validate;
use super::why::why;
use crate::store::steps::{NoSteps, Steps};

/// Does what was asked for.
///
/// # Errors
/// Whatever stopped it; [`Exit::of`] says how the process then ends.
pub async fn dispatch(arguments: Arguments) -> anyhow::Result<Exit> {
    Box::pin(dispatch_in_steps(arguments, &NoSteps)).await
}

/// The same, and `steps` is told how far `check` and `run` are. That is how tests kill a process at a given step: the program
/// itself has no crash points that somebody could pull by mistake.
///
/// # Errors
/// As [`dispatch()`].
pub async fn dispatch_in_steps(arguments: Arguments, steps: &dyn Steps) -> anyhow::Result<Exit> {
    let places = &arguments.places;
    match &arguments.command {
        Command::Run => run(places, steps).await,
        Command::Init(arguments) => init(places, arguments).await,
        Command::Check(arguments) => check(places, arguments, steps).await,
        Command::Validate(arguments) => validate(places, arguments).await,
        Command::Status(arguments) => status(places, arguments).await,
        Command::List(arguments) => list(places, arguments).await,
        Command::History(arguments) => history(places, arguments).await,
        Command::Why(arguments) => why(places, arguments).await,
        Command::Mail(arguments) => mail(places, arguments).await,
        Command::Retry(arguments) => retry(places, arguments).await,
        Command::Renewing(arguments) => renewing(places, arguments).await,
        Command::Snooze(arguments) => snooze(places, arguments).await,
        Command::TestEmail(arguments) => test_email(places, arguments).await,
        Command::Backup(arguments) => backup(places, arguments).await,
        Command::Restore(arguments) => Box::pin(restore(places, arguments)).await,
        Command::Sandbox(arguments) => sandbox(arguments).await,
        Command::Demo(arguments) => Box::pin(demo(places, arguments)).await,
    }
}
