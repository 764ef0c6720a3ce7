//! The log: standard error, which systemd takes into the journal. It is best effort: a full disk, a pipe whose reader has gone or does
//! not read, a closed descriptor: a line is lost, and the work goes on.

use std::io::{self, Write};

use tracing::{Level, Metadata};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, fmt};

use super::arguments::{Arguments, Command};
use super::standard_error::{Lossy, is_journal, urgency};
use crate::domain::text::visible;

/// Starts the log, at the level of `RUST_LOG`, else that of the command. From now on a panic is a line of it.
pub fn start_logging(arguments: &Arguments) {
    let usual = usual_level(&arguments.command);
    let wanted = std::env::var("RUST_LOG").ok().filter(|wanted| !wanted.trim().is_empty());
    let filter = wanted.and_then(|wanted| EnvFilter::try_new(wanted).ok());
    // What a line cannot be written for is not written about either.
    let lines = fmt::layer().with_ansi(false).with_target(false).log_internal_errors(false);
    let lines = lines.with_writer(StandardError);
    // The journal has the time itself.
    let lines = if is_journal() { lines.without_time().boxed() } else { lines.boxed() };
    let log = tracing_subscriber::registry()
        .with(lines)
        .with(filter.unwrap_or_else(|| EnvFilter::new(usual)))
        .with(filter_fn(is_fit_for_a_log));
    // Where a log was started already (a test) it goes on.
    if log.try_init().is_ok() {
        std::panic::set_hook(Box::new(|panic| tracing::error!(%panic, "a bug: this piece of work failed")));
    }
}

/// Whether `RUST_LOG` may ask for it. What libraries say of their innermost workings may hold what is secret, and those that watch the
/// directory would write of each line that is written in it, for ever.
fn is_fit_for_a_log(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target();
    let of = |library: &str| {
        target.strip_prefix(library).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    };
    match *metadata.level() {
        Level::TRACE => of("qualwatch"),
        Level::DEBUG => !["notify", "mio", "inotify", "polling"].into_iter().any(of),
        _ => true,
    }
}

/// Makes a writer for each event.
struct StandardError;

impl<'a> MakeWriter<'a> for StandardError {
    type Writer = Inert<Lossy>;

    fn make_writer(&'a self) -> Self::Writer {
        Inert { urgency: urgency(Level::INFO), output: Lossy }
    }

    fn make_writer_for(&'a self, metadata: &Metadata<'_>) -> Self::Writer {
        Inert { urgency: urgency(*metadata.level()), output: Lossy }
    }
}

/// What a person who waits for an answer wants to see; a daemon says more.
fn usual_level(command: &Command) -> &'static str {
    match command {
        Command::Init(_)
        | Command::Check(_)
        | Command::Validate(_)
        | Command::Status(_)
        | Command::List(_)
        | Command::History(_)
        | Command::Why(_)
        | Command::Mail(_)
        | Command::Retry(_)
        | Command::Snooze(_)
        | Command::Renewing(_)
        | Command::Backup(_)
        | Command::Restore(_)
        | Command::TestEmail(_)
        | Command::Sandbox(_)
        | Command::Demo(_) => "warn",
        Command::Run => "warn,qualwatch=info",
    }
}

/// Passes events on, each on one line, with everything that could steer a terminal or forge a second line made visible:
/// upstream text gets into the log. An event comes in one piece.
struct Inert<W> {
    urgency: &'static str,
    output: W,
}

impl<W: Write> Write for Inert<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let line = text.strip_suffix('\n').unwrap_or(&text);
        let mut shown = format!("{}{}", self.urgency, visible(line));
        if text.ends_with('\n') {
            shown.push('\n');
        }
        self.output.write_all(shown.as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_upstream_says_stays_on_its_line_and_steers_nothing() {
        let mut log = Inert { urgency: "<4>", output: Vec::new() };
        log.write_all("WARN 河南院\u{1b}[2J\r\nINFO forged\u{202e}\n".as_bytes()).unwrap();
        let shown = String::from_utf8(log.output).unwrap();
        assert_eq!(shown, "<4>WARN 河南院\\u{1b}[2J\\u{d}\\u{a}INFO forged\\u{202e}\n");
    }
}
