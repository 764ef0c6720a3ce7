//! How a process ends: its exit code, and what it says when something went wrong (design 7).

use std::process::ExitCode;

use crate::config::ConfigError;
use crate::email::SendFailure;
use crate::juhe::JuheError;
use crate::private_postgres::PostgresError;
use crate::sandbox::SandboxError;
use crate::store::StoreError;

use super::print;

/// The exit codes: a contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: done, and there is no problem.
    Done,
    /// 1: the command failed; or companies were asked, none was complete, and nothing is stopped.
    Failed,
    /// 2: wrong use or a wrong file, found before anything was touched.
    WrongUse,
    /// 3: something was not checked or not sent, or asking or mail is stopped.
    Problems,
}

impl Exit {
    /// The code of a process that ends like this.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::WrongUse => 2,
            Self::Problems => 3,
        }
    }

    /// How a process ends that was stopped by `error`: as a [`Refusal`] in it says; with 2 when watchlist or secrets cannot
    /// be read; else with 1.
    #[must_use]
    pub fn of(error: &anyhow::Error) -> Self {
        if let Some(refusal) = error.downcast_ref::<Refusal>() {
            return refusal.exit;
        }
        let is_about_configuration = |link: &(dyn std::error::Error + 'static)| {
            link.downcast_ref().is_some_and(|error: &ConfigError| !matches!(error, ConfigError::Keep { .. }))
        };
        if error.chain().any(is_about_configuration) { Self::WrongUse } else { Self::Failed }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// A command does not do what it was asked for: why, how the process ends, what a person can do. As an error of its own, or
/// as the context of another.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    message: String,
    exit: Exit,
    advice: Option<String>,
}

impl Refusal {
    /// Wrong use or a wrong file: nothing was touched.
    pub fn wrong_use(message: impl Into<String>) -> Self {
        Self { message: message.into(), exit: Exit::WrongUse, advice: None }
    }

    /// It cannot be done.
    pub fn failed(message: impl Into<String>) -> Self {
        Self { message: message.into(), exit: Exit::Failed, advice: None }
    }

    /// It was not tried: something is left unchecked.
    pub fn unchecked(message: impl Into<String>) -> Self {
        Self { message: message.into(), exit: Exit::Problems, advice: None }
    }

    /// With what a person can do.
    #[must_use]
    pub fn advising(self, advice: impl Into<String>) -> Self {
        Self { advice: Some(advice.into()), ..self }
    }
}

/// Prints the chain of an error once, and the advice that comes with it.
pub fn complain(error: &anyhow::Error) {
    print::complaint(&explained(error));
}

/// The chain of an error, and the advice that comes with it.
pub(super) fn explained(error: &anyhow::Error) -> String {
    let mut links = error.chain().map(ToString::to_string);
    let mut text = format!("error: {}", links.next().unwrap_or_default());
    // Some libraries repeat their source in their own words.
    for link in links {
        if !text.ends_with(&link) {
            text.push_str("\n  because: ");
            text.push_str(&link);
        }
    }
    if let Some(advice) = advice(error) {
        text.push_str("\nadvice: ");
        text.push_str(&advice);
    }
    text
}

/// What a person can do: the advice of the refusal, else of the first error in the chain that has one.
fn advice(error: &anyhow::Error) -> Option<String> {
    let of_refusal = error.downcast_ref::<Refusal>().and_then(|refusal| refusal.advice.clone());
    of_refusal.or_else(|| error.chain().find_map(advice_of).map(str::to_owned))
}

fn advice_of(link: &(dyn std::error::Error + 'static)) -> Option<&'static str> {
    None.or_else(|| link.downcast_ref::<ConfigError>().and_then(ConfigError::advice))
        .or_else(|| link.downcast_ref::<PostgresError>().and_then(PostgresError::advice))
        .or_else(|| link.downcast_ref::<StoreError>().and_then(StoreError::advice))
        .or_else(|| link.downcast_ref::<JuheError>().and_then(JuheError::advice))
        .or_else(|| link.downcast_ref::<SendFailure>().and_then(SendFailure::advice))
        .or_else(|| link.downcast_ref::<SandboxError>().and_then(SandboxError::advice))
}

/// Prints why the arguments were refused, or the help that was asked for.
#[must_use]
pub fn complain_of_arguments(refusal: &clap::Error) -> Exit {
    // A pipe that is closed changes nothing any more.
    let _ = refusal.print();
    if refusal.use_stderr() { Exit::WrongUse } else { Exit::Done }
}

/// What is said where there is nothing to ask with.
pub(super) fn no_key() -> Refusal {
    let refusal = Refusal::wrong_use("no API key is given, so nothing can be asked");
    refusal.advising(
        "give it as the credential \"api-key\", in QUALWATCH_API_KEY, or in a file that [api].key_file names",
    )
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn every_error_has_its_exit_code() {
        let missing = || std::io::Error::from(std::io::ErrorKind::NotFound);
        let read = ConfigError::Read { path: "watchlist.toml".into(), source: missing() };
        let keep = ConfigError::Keep { path: "watchlist.accepted.toml".into(), source: missing() };
        for (error, exit, why) in [
            (anyhow::Error::from(missing()), Exit::Failed, "anything"),
            (anyhow::Error::from(read), Exit::WrongUse, "the file"),
            (anyhow::Error::from(keep), Exit::Failed, "the disk, not the file"),
            (Refusal::wrong_use("no such company").into(), Exit::WrongUse, "said so"),
            (
                Err::<(), _>(missing()).context(Refusal::wrong_use("no")).context("more").unwrap_err(),
                Exit::WrongUse,
                "as the context of another",
            ),
        ] {
            assert_eq!(Exit::of(&error), exit, "{why}");
        }
    }

    #[test]
    fn the_chain_is_told_once_and_the_advice_apart() {
        let missing = std::io::Error::from(std::io::ErrorKind::NotFound);
        let error = ConfigError::Read { path: "watchlist.toml".into(), source: missing };
        let told = explained(&Err::<(), _>(error).context("starting").unwrap_err());
        assert_eq!(
            told,
            "error: starting\n  because: reading the watchlist watchlist.toml\n  because: entity not found\nadvice: name \
             the file with --watchlist FILE; watchlist.example.toml shows what goes into it"
        );
    }
}
