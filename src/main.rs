//! The door: parse the arguments, call the command, print the error chain once.

use std::process::ExitCode;

fn main() -> ExitCode {
    if let Some(code) = qualwatch::private_postgres::run_child_if_asked() {
        return code;
    }
    ExitCode::SUCCESS
}
