//! The real program, run as an operator runs it: in a folder of its own, with a watchlist and an environment of its own.

use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::database::launcher;

/// A folder with a watchlist, and the variables the program is started with.
pub struct Program {
    folder: TempDir,
    variables: Vec<(String, String)>,
}

/// How a run ended.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Program {
    /// With this text as `./watchlist.toml`.
    pub fn new(watchlist: &str) -> Self {
        let program = Self::without_watchlist();
        std::fs::write(program.folder.path().join("watchlist.toml"), watchlist).unwrap();
        program
    }

    pub fn without_watchlist() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), variables: Vec::new() }
    }

    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.variables.push((name.to_owned(), value.into()));
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.variables.retain(|(known, _)| known != name);
        self
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What lies in the folder, sorted.
    pub fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder()).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// The command that is run, for what is to go on running.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.command_of(&launcher());
        command.args(arguments);
        command
    }

    /// Another program in the same folder with the same variables.
    pub fn command_of(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.folder()).env_clear().stdin(Stdio::null());
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        let output = self.command(arguments).output().unwrap();
        Ran {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ran {
    /// The one document on standard output.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}
