//! The log: standard error, which systemd takes into the journal. It is best effort: a full disk, a pipe whose reader has gone or does
//! not read, a closed descriptor: a line is lost, and the work goes on.
//!
//! A span says to whom all lines within belong (a sweep, a company, a recipient); its fields stand in each of them, once. Spans are
//! of level ERROR, so that no filter takes them from the lines that it leaves; that of a call is of level DEBUG, as its lines are.

use std::io::Write as _;

use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer};

use super::arguments::{Arguments, Command};
use super::journal::Journal;
use super::log_line::{LogFields, LogLine};
use super::standard_error::{FORM_VARIABLE, Form, Lossy, form, is_journal, urgency};

/// Of libraries only what we do not say ourselves: sqlx has a line for each statement that is slow, each connection that was waited for or
/// failed, and each notice of the server, beside ours for the work that failed by it. What it finds in certificates and in
/// ~/.pgpass nobody else says. The other libraries say nothing at this level that we say too.
const LIBRARIES: &str = "warn,sqlx=off,sqlx_core::net=warn,sqlx_postgres::options=warn";

/// Starts the log, at the level of `RUST_LOG`, else that of the command. From now on a panic is a line of it.
pub fn start_logging(arguments: &Arguments) {
    let wanted = std::env::var("RUST_LOG").ok().filter(|wanted| !wanted.trim().is_empty());
    let wanted = wanted.map(EnvFilter::try_new).transpose();
    let unknown_form =
        std::env::var(FORM_VARIABLE).ok().filter(|form| !matches!(&**form, "" | "json" | "plain"));
    let unreadable = wanted.as_ref().err().map(ToString::to_string);
    // A person who waits for an answer wants to see warnings; a daemon says more.
    let is_daemon = matches!(arguments.command, Command::Run);
    let usual = || EnvFilter::new(format!("{LIBRARIES}{}", if is_daemon { ",qualwatch=info" } else { "" }));
    let log = tracing_subscriber::registry()
        .with(Log { journal: (form() == Form::Journal).then(Journal::open).flatten() })
        .with(wanted.ok().flatten().unwrap_or_else(usual))
        .with(filter_fn(is_fit_for_a_log));
    // Where a log was started already (a test) it goes on.
    if log.try_init().is_ok() {
        std::panic::set_hook(Box::new(|panic| tracing::error!(%panic, "a bug: this piece of work failed")));
    }
    if let Some(error) = unreadable {
        tracing::warn!(error, "RUST_LOG cannot be read: what is usual is logged");
    }
    if let Some(form) = unknown_form {
        tracing::warn!(form, "{FORM_VARIABLE} is neither plain nor json: the log has its usual form");
    }
}

/// Writes each event as a line of its own, with the fields of the spans around it.
struct Log {
    journal: Option<Journal>,
}

impl<S: Subscriber + for<'s> LookupSpan<'s>> Layer<S> for Log {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = LogFields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<LogFields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = LogFields::default();
        event.record(&mut fields);
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(around) = span.extensions().get::<LogFields>() {
                fields.add_all(around);
            }
        }
        let (target, level) = (event.metadata().target(), *event.metadata().level());
        if !is_of(target, "qualwatch") {
            fields.add("target", target.into());
        }
        self.write(level, &LogLine::new(level, fields));
    }
}

impl Log {
    fn write(&self, level: Level, line: &LogLine) {
        if self.journal.as_ref().is_some_and(|journal| journal.takes(&line.journal())) {
            return;
        }
        let text = match form() {
            Form::Json => line.json(),
            // The journal has the time itself.
            _ if is_journal() => line.plain(),
            Form::Plain | Form::Journal => line.plain_with_time(),
        };
        // It never fails.
        let _ = Lossy.write_all(format!("{}{text}\n", urgency(level)).as_bytes());
    }
}

/// Whether `RUST_LOG` may ask for it. What libraries say of their innermost workings may hold what is secret, and those that watch the
/// directory would write of each line that is written in it, for ever.
fn is_fit_for_a_log(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target();
    match *metadata.level() {
        Level::TRACE => is_of(target, "qualwatch"),
        Level::DEBUG => {
            !["notify", "mio", "inotify", "polling"].into_iter().any(|library| is_of(target, library))
        }
        _ => true,
    }
}

fn is_of(target: &str, library: &str) -> bool {
    target.strip_prefix(library).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}
