//! From the arguments to the command.

use super::arguments::{Arguments, Command};
use super::exit::Exit;
use super::validate::validate;

/// Does what was asked for.
///
/// # Errors
/// Whatever stopped it; [`Exit::of`] says how the process then ends.
pub async fn obey(arguments: Arguments) -> anyhow::Result<Exit> {
    let places = &arguments.places;
    match &arguments.command {
        Command::Validate(arguments) => validate(places, arguments).await,
    }
}
