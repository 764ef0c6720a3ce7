//! The text form in which Prometheus reads numbers (its "Exposition formats", version 0.0.4).

use std::fmt::Write as _;

use chrono::{DateTime, Utc};

/// Of an answer in this form.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Metrics, one after the other.
#[derive(Debug, Default)]
pub struct Exposition(String);

impl Exposition {
    /// A number that only grows, but begins anew; its name ends with `_total`.
    pub fn counter(&mut self, name: &'static str, help: &str) -> Samples<'_> {
        self.metric(name, "counter", help)
    }

    /// A number that goes up and down.
    pub fn gauge(&mut self, name: &'static str, help: &str) -> Samples<'_> {
        self.metric(name, "gauge", help)
    }

    fn metric(&mut self, name: &'static str, kind: &str, help: &str) -> Samples<'_> {
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
        Samples { text: &mut self.0, name }
    }

    #[must_use]
    pub fn into_text(self) -> String {
        self.0
    }
}

/// The numbers of one metric.
pub struct Samples<'e> {
    text: &'e mut String,
    name: &'static str,
}

impl Samples<'_> {
    /// The only number.
    pub fn is(&mut self, value: impl Number) {
        let _ = writeln!(self.text, "{} {}", self.name, value.shown());
    }

    /// The number of these labels. They come from closed sets of our own: nothing in them needs an escape.
    pub fn of<const N: usize>(&mut self, labels: [(&str, &str); N], value: impl Number) {
        let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
        let _ = writeln!(self.text, "{}{{{}}} {}", self.name, labels.join(","), value.shown());
    }

    /// The only number, where there is one.
    pub fn may_be(&mut self, value: Option<impl Number>) {
        if let Some(value) = value {
            self.is(value);
        }
    }
}

/// What is shown as a number.
pub trait Number {
    fn shown(self) -> String;
}

macro_rules! numbers {
    ($($kind:ty),+) => {
        $(impl Number for $kind {
            fn shown(self) -> String {
                self.to_string()
            }
        })+
    };
}

numbers!(i64, u64, u32, usize, f64);

impl Number for bool {
    fn shown(self) -> String {
        u32::from(self).to_string()
    }
}

/// Seconds of Unix time.
impl Number for DateTime<Utc> {
    fn shown(self) -> String {
        let milliseconds = self.timestamp_millis();
        match milliseconds.rem_euclid(1_000) {
            0 => milliseconds.div_euclid(1_000).to_string(),
            rest => format!("{}.{rest:03}", milliseconds.div_euclid(1_000)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_written_as_prometheus_reads_them() {
        let mut page = Exposition::default();
        page.gauge("a_seconds", "When.").is("2026-11-27T00:00:00.050Z".parse::<DateTime<Utc>>().unwrap());
        let mut calls = page.counter("b_total", "Calls.");
        calls.of([("cause", "check"), ("of", "x")], 3_u64);
        calls.of([("cause", "page"), ("of", "x")], -1_i64);
        page.gauge("c", "None now.").may_be(None::<f64>);
        page.gauge("d", "Yes.").is(true);
        assert_eq!(
            page.into_text(),
            "# HELP a_seconds When.\n# TYPE a_seconds gauge\na_seconds 1795737600.050\n\
             # HELP b_total Calls.\n# TYPE b_total counter\nb_total{cause=\"check\",of=\"x\"} 3\n\
             b_total{cause=\"page\",of=\"x\"} -1\n\
             # HELP c None now.\n# TYPE c gauge\n# HELP d Yes.\n# TYPE d gauge\nd 1\n"
        );
    }
}
