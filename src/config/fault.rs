//! Faults and warnings with their places.

use std::collections::BTreeSet;
use std::ops::Range;

use serde::Serialize;

/// Something in the file that must be put right before it is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// The key, such as `api.url`; empty where the file cannot be read as TOML.
    pub key: String,
    /// What is wrong.
    pub message: String,
    /// What may be meant.
    pub suggestion: Option<String>,
    /// The bytes of the file it is about.
    #[serde(skip)]
    pub span: Range<usize>,
    /// Another place that belongs to it, and what it is.
    #[serde(skip)]
    pub beside: Option<(Range<usize>, &'static str)>,
}

/// Something in the file that is used as it is, but hardly meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// The key, such as `api.url`.
    pub key: String,
    /// What to think of.
    pub message: String,
    /// The bytes of the file it is about.
    #[serde(skip)]
    pub span: Range<usize>,
}

/// What is wrong with one value, before its place is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Complaint {
    pub message: String,
    pub suggestion: Option<String>,
}

impl Complaint {
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), suggestion: None }
    }

    /// With what may be meant, if anything is known.
    pub fn perhaps(mut self, suggestion: Option<impl Into<String>>) -> Self {
        self.suggestion = suggestion.map(Into::into);
        self
    }
}

/// All that is found while a file is judged.
pub(super) struct Findings<'t> {
    text: &'t str,
    line_starts: Vec<usize>,
    pub faults: Vec<Fault>,
    pub warnings: Vec<Warning>,
    unreadable_lines: BTreeSet<u32>,
}

impl<'t> Findings<'t> {
    pub fn new(text: &'t str) -> Self {
        let line_starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self {
            text,
            line_starts,
            faults: Vec::new(),
            warnings: Vec::new(),
            unreadable_lines: BTreeSet::new(),
        }
    }

    /// Line and column (characters) of a byte, from 1.
    pub fn place(&self, offset: usize) -> (u32, u32) {
        let line = self.line_starts.partition_point(|start| *start <= offset);
        let start = self.line_starts.get(line.saturating_sub(1)).copied().unwrap_or(0);
        let column = self.text.get(start..offset).map_or(0, |before| before.chars().count()) + 1;
        (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
    }

    /// The file is no TOML here.
    pub fn unreadable(&mut self, span: Range<usize>, complaint: Complaint) {
        let (line, _) = self.place(span.start);
        self.push(String::new(), span, complaint, None);
        self.unreadable_lines.insert(line);
    }

    /// A key or value is wrong. Not said again on a line that cannot be read anyway.
    pub fn fault(&mut self, key: String, span: Range<usize>, complaint: Complaint) {
        if !self.unreadable_lines.contains(&self.place(span.start).0) {
            self.push(key, span, complaint, None);
        }
    }

    /// The same entry stands in the file twice.
    pub fn twice(&mut self, key: String, span: Range<usize>, first: Range<usize>, complaint: Complaint) {
        self.push(key, span, complaint, Some((first, "first listed here")));
    }

    /// Something must be there and is not. Not said of a file that cannot be read: it may stand in a part that was lost.
    pub fn missing(&mut self, key: String, span: Range<usize>, complaint: Complaint) {
        if self.unreadable_lines.is_empty() {
            self.push(key, span, complaint, None);
        }
    }

    pub fn warn(&mut self, key: String, span: Range<usize>, message: impl Into<String>) {
        let (line, column) = self.place(span.start);
        self.warnings.push(Warning { line, column, key, message: message.into(), span });
    }

    fn push(
        &mut self,
        key: String,
        span: Range<usize>,
        complaint: Complaint,
        beside: Option<(Range<usize>, &'static str)>,
    ) {
        let (line, column) = self.place(span.start);
        let Complaint { message, suggestion } = complaint;
        self.faults.push(Fault { line, column, key, message, suggestion, span, beside });
    }
}

/// A piece of the file inside a message: short, and without anything that could steer a terminal or a mail.
pub(super) fn quoted(text: &str) -> String {
    const CHARS_MAX: usize = 60;
    let mut shown: String =
        text.chars().take(CHARS_MAX).map(|c| if is_steering(c) { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(CHARS_MAX).is_some() {
        shown.push('…');
    }
    format!("`{shown}`")
}

/// Control characters, and those that turn, hide or break text.
pub(super) fn is_steering(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}
