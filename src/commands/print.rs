//! The one place that writes to standard output: what was asked for, and nothing else. What goes wrong, and what a person is
//! told beside it, goes to standard error.

use std::io::{self, ErrorKind, IsTerminal as _, Write};

use anyhow::Context as _;
use comfy_table::Table;
use serde::Serialize;
use tracing::Level;

use super::log_line::json_of;
use super::standard_error::{Form, Lossy, form, urgency};
use crate::config::{Colour, Environment};
use crate::domain::text::visible;

/// Whom a command prints for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// Tables and sentences.
    Person,
    /// One JSON document.
    Program,
}

/// Writes one JSON document.
///
/// # Errors
/// Standard output cannot be written. That nobody reads any more is no error.
pub fn document(shape: &impl Serialize) -> anyhow::Result<()> {
    let text = serde_json::to_string_pretty(shape).context("writing JSON")?;
    bytes(format!("{text}\n").as_bytes())
}

/// Writes what a person reads; a line end is added where there is none.
///
/// # Errors
/// As [`document`].
pub fn text(text: &str) -> anyhow::Result<()> {
    let end = if text.ends_with('\n') { "" } else { "\n" };
    bytes(format!("{text}{end}").as_bytes())
}

/// Writes what is already in its form.
///
/// # Errors
/// As [`document`].
pub fn bytes(bytes: &[u8]) -> anyhow::Result<()> {
    write_to(io::stdout().lock(), bytes)
}

fn write_to(mut output: impl Write, bytes: &[u8]) -> anyhow::Result<()> {
    match output.write_all(bytes).and_then(|()| output.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(error).context("writing to standard output")
        }
        _ => Ok(()),
    }
}

/// What waits to be written to standard output, so that no call is made for every line.
#[derive(Default)]
pub struct Buffered(Vec<u8>);

impl Buffered {
    const BYTES: usize = 64 << 10;

    /// Adds to it, and writes it where that is much.
    ///
    /// # Errors
    /// As [`document`].
    pub fn push(&mut self, more: &[u8]) -> anyhow::Result<()> {
        self.0.extend_from_slice(more);
        if self.0.len() < Self::BYTES { Ok(()) } else { bytes(&std::mem::take(&mut self.0)) }
    }

    /// Writes what is left.
    ///
    /// # Errors
    /// As [`document`].
    pub fn print(self) -> anyhow::Result<()> {
        bytes(&self.0)
    }

    #[cfg(test)]
    pub fn text(self) -> String {
        String::from_utf8(self.0).unwrap()
    }
}

/// Tells a person something beside the output. Nothing in it steers the terminal; line ends stay.
pub fn complaint(text: &str) {
    let lines: Vec<String> = text.lines().map(visible).collect();
    drawing(Level::ERROR, &lines.join("\n"));
}

/// Tells a person what was drawn for the terminal already.
pub fn drawing(level: Level, text: &str) {
    let urgency = urgency(level);
    let json = (form() == Form::Json).then(|| json_of(level, text.trim_end()));
    let text = json.as_deref().unwrap_or(text);
    let lines = text.split('\n').fold(String::new(), |lines, line| lines + &urgency + line + "\n");
    // Where nobody reads there is nobody to tell.
    let _ = Lossy.write_all(lines.as_bytes());
}

/// The columns of the terminal that standard output is; `None` where it is none.
#[must_use]
pub fn width_of_output() -> Option<usize> {
    io::stdout().is_terminal().then(|| Table::new().width()).flatten().map(usize::from)
}

/// Whether to colour standard error.
#[must_use]
pub fn colour_of_complaints(environment: &Environment) -> Colour {
    if io::stderr().is_terminal() { unless_refused(environment) } else { Colour::Never }
}

/// Whether to colour standard output.
#[must_use]
pub fn colour_of_output(environment: &Environment) -> Colour {
    if io::stdout().is_terminal() { unless_refused(environment) } else { Colour::Never }
}

/// `NO_COLOR` counts when it is there and not empty (no-color.org).
fn unless_refused(environment: &Environment) -> Colour {
    let is_refused = environment.get("NO_COLOR").is_some_and(|value| !value.is_empty())
        || environment.get("TERM") == Some("dumb");
    if is_refused { Colour::Never } else { Colour::Always }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_stops_reading_breaks_nothing() {
        struct Broken(ErrorKind);
        impl Write for Broken {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(self.0.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Err(self.0.into())
            }
        }
        for (kind, is_fine, why) in
            [(ErrorKind::BrokenPipe, true, "head has seen enough"), (ErrorKind::StorageFull, false, "a file")]
        {
            assert_eq!(write_to(Broken(kind), b"[1, 2]").is_ok(), is_fine, "{why}");
        }
    }
}
