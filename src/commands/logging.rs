//! The log: standard error, which systemd takes into the journal.

use std::io::{self, Write};

use tracing_subscriber::EnvFilter;

use super::arguments::{Arguments, Command};

/// Starts the log, at the level of `RUST_LOG`, else that of the command.
pub fn start_logging(arguments: &Arguments) {
    let usual = usual_level(&arguments.command);
    let filter = std::env::var("RUST_LOG").ok().filter(|wanted| !wanted.trim().is_empty());
    let filter = filter.and_then(|wanted| EnvFilter::try_new(wanted).ok());
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter.unwrap_or_else(|| EnvFilter::new(usual)))
        .with_ansi(false)
        .with_target(false)
        .with_writer(|| Inert(io::stderr()));
    // Where a log was started already (a test) it goes on.
    let _ = if std::env::var_os("JOURNAL_STREAM").is_some() {
        // The journal has the time itself.
        log.without_time().try_init()
    } else {
        log.try_init()
    };
}

/// What a person who waits for an answer wants to see; a daemon says more.
fn usual_level(command: &Command) -> &'static str {
    match command {
        Command::Check(_)
        | Command::Validate(_)
        | Command::Status(_)
        | Command::List(_)
        | Command::History(_)
        | Command::Why(_)
        | Command::Retry(_)
        | Command::Snooze(_)
        | Command::TestEmail(_)
        | Command::Sandbox(_)
        | Command::Demo(_) => "warn",
        Command::Run => "warn,qualwatch=info",
    }
}

/// Passes events on, each on one line, with everything that could steer a terminal or forge a second line made visible:
/// upstream text gets into the log. An event comes in one piece.
struct Inert<W>(W);

impl<W: Write> Write for Inert<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let line = text.strip_suffix('\n').unwrap_or(&text);
        let mut shown = String::with_capacity(text.len());
        for c in line.chars() {
            if is_steering(c) { shown.extend(c.escape_unicode()) } else { shown.push(c) }
        }
        if text.ends_with('\n') {
            shown.push('\n');
        }
        self.0.write_all(shown.as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn is_steering(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_upstream_says_stays_on_its_line_and_steers_nothing() {
        let mut log = Inert(Vec::new());
        log.write_all("WARN 河南院\u{1b}[2J\r\nINFO forged\u{202e}\n".as_bytes()).unwrap();
        let shown = String::from_utf8(log.0).unwrap();
        assert_eq!(shown, "WARN 河南院\\u{1b}[2J\\u{d}\\u{a}INFO forged\\u{202e}\n");
    }
}
