//! One line of the log: what happened, and to whom, as fields that each stand there once; plain, as JSON, or as systemd's journal
//! takes it. Nothing in a line steers a terminal or begins a second line, whoever wrote the text.

use std::error::Error;
use std::fmt::{self, Write as _};

use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::Value;
use tracing::Level;
use tracing::field::{Field, Visit};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};

use crate::domain::text::{chain, visible};

/// Before the names of our fields in the journal, whose own are in capitals too (systemd.journal-fields(7)).
const JOURNAL_PREFIX: &str = "QUALWATCH_";

/// What the field is called that is the sentence itself.
const MESSAGE: &str = "message";

/// Named values of an event and of the spans around it. What is noted first stays: the event's own before its spans'.
#[derive(Default)]
pub(super) struct LogFields(Vec<(&'static str, Value)>);

impl LogFields {
    pub(super) fn add(&mut self, name: &'static str, value: Value) {
        if !self.0.iter().any(|(known, _)| *known == name) {
            self.0.push((name, value));
        }
    }

    /// Those of a span around it.
    pub(super) fn add_all(&mut self, around: &Self) {
        for (name, value) in &around.0 {
            self.add(name, value.clone());
        }
    }
}

impl Visit for LogFields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            // What `log` says of its records (tracing-log); the library that speaks is worth knowing.
            "log.target" => self.add("target", visible(value).into()),
            name if name.starts_with("log.") => {}
            name => self.add(name, visible(value).into()),
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.record_str(field, &chain(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field.name(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field.name(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field.name(), value.into());
    }
}

/// A line that is yet to be written.
pub(super) struct LogLine {
    level: Level,
    message: String,
    fields: Vec<(&'static str, Value)>,
}

impl LogLine {
    pub(super) fn new(level: Level, LogFields(mut fields): LogFields) -> Self {
        let place = fields.iter().position(|(name, _)| *name == MESSAGE);
        let message = place.map(|place| fields.remove(place).1).and_then(|message| match message {
            Value::String(message) => Some(message),
            _ => None,
        });
        Self { level, message: message.unwrap_or_default(), fields }
    }

    /// For people who read it where the time stands beside it: `WARN what happened company=河南院`.
    pub(super) fn plain(&self) -> String {
        let mut line = format!("{} {}", self.level, self.message);
        for (name, value) in &self.fields {
            // Writing to a String cannot fail.
            let _ = match value {
                Value::String(text) if is_plain(text) => write!(line, " {name}={text}"),
                value => write!(line, " {name}={value}"),
            };
        }
        line
    }

    /// The same, with the machine's time.
    pub(super) fn plain_with_time(&self) -> String {
        format!("{} {}", time(), self.plain())
    }

    /// One JSON object: time, level, message, then the fields.
    pub(super) fn json(&self) -> String {
        // Strings and numbers under names that are strings: there is nothing to refuse.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// As the journal's own protocol has it: a field a line, none of which has a line end within
    /// (<https://systemd.io/JOURNAL_NATIVE_PROTOCOL/>).
    pub(super) fn journal(&self) -> Vec<u8> {
        let mut text = format!(
            "PRIORITY={}\nSYSLOG_IDENTIFIER=qualwatch\nMESSAGE={}\n",
            priority(self.level),
            self.plain()
        );
        for (name, value) in &self.fields {
            let name = name.to_ascii_uppercase().replace(|letter: char| !letter.is_ascii_alphanumeric(), "_");
            let shown = match value {
                Value::String(text) => text.clone(),
                value => value.to_string(),
            };
            let _ = writeln!(text, "{JOURNAL_PREFIX}{name}={shown}");
        }
        text.into_bytes()
    }
}

impl Serialize for LogLine {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("time", &time())?;
        map.serialize_entry("level", self.level.as_str())?;
        map.serialize_entry(MESSAGE, &self.message)?;
        for (name, value) in &self.fields {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// What a person is told, as JSON: for who reads standard error with a program.
pub(super) fn json_of(level: Level, message: &str) -> String {
    LogLine { level, message: message.to_owned(), fields: Vec::new() }.json()
}

/// The urgency that the journal knows (sd-daemon(3)).
pub(super) fn priority(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        Level::DEBUG | Level::TRACE => 7,
    }
}

/// Whether a value can do without quotes.
fn is_plain(text: &str) -> bool {
    !text.is_empty() && !text.contains(|letter: char| letter.is_whitespace() || matches!(letter, '"' | '='))
}

/// The machine's own time, whatever `QUALWATCH_NOW` says: a log is compared with other logs.
fn time() -> String {
    let mut time = String::new();
    let _ = SystemTime.format_time(&mut Writer::new(&mut time));
    time
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(fields: &[(&'static str, &str)]) -> LogLine {
        let mut all = LogFields::default();
        for (name, value) in fields {
            all.add(name, visible(value).into());
        }
        LogLine::new(Level::WARN, all)
    }

    #[test]
    fn what_upstream_says_stays_on_its_line_and_steers_nothing() {
        let line = line(&[
            ("message", "河南院\u{1b}[2J\r\nINFO forged\u{202e}"),
            ("reason", "x\nPRIORITY=0\nMESSAGE=forged"),
        ]);
        let shown = "WARN 河南院\\u{1b}[2J\\u{d}\\u{a}INFO forged\\u{202e} reason=\"x\\\\u{a}PRIORITY=0\\\\u{a}MESSAGE=forged\"";
        assert_eq!(line.plain(), shown);
        let json: Value = serde_json::from_str(&line.json()).unwrap();
        assert_eq!(
            json["message"], "河南院\\u{1b}[2J\\u{d}\\u{a}INFO forged\\u{202e}",
            "no character that steers"
        );
        let journal = String::from_utf8(line.journal()).unwrap();
        let fields: Vec<&str> =
            journal.lines().map(|field| field.split_once('=').map_or(field, |(name, _)| name)).collect();
        assert_eq!(fields, ["PRIORITY", "SYSLOG_IDENTIFIER", "MESSAGE", "QUALWATCH_REASON"]);
    }

    #[test]
    fn a_name_stands_in_a_line_once() {
        let mut own = LogFields::default();
        own.add("message", "the check failed".into());
        own.add("company", "河南院".into());
        let mut around = LogFields::default();
        around.add("company", "another".into());
        around.add("sweep", "2026-03-02T00:00:00Z".into());
        own.add_all(&around);
        let line = LogLine::new(Level::INFO, own);
        assert_eq!(line.plain(), "INFO the check failed company=河南院 sweep=2026-03-02T00:00:00Z");
    }

    #[test]
    fn values_that_would_run_into_each_other_are_quoted() {
        for (value, shown, why) in [
            ("河南院", "x=河南院", "nothing in it ends a value"),
            ("550 no such user", "x=\"550 no such user\"", "blanks"),
            ("a=b", "x=\"a=b\"", "looks like a field"),
            ("say \"no\"", "x=\"say \\\"no\\\"\"", "a quote"),
            ("", "x=\"\"", "nothing"),
        ] {
            assert_eq!(line(&[("message", "m"), ("x", value)]).plain(), format!("WARN m {shown}"), "{why}");
        }
    }
}
