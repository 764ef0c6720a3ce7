//! Faults and warnings with their places.

use std::collections::BTreeSet;
use std::ops::Range;

use serde::Serialize;

use crate::domain::text::is_steering;
use crate::domain::trouble_cause::Slip;

/// Something in the file that must be put right before it is used; or, as a warning, that is used as it is, but hardly meant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// The key, such as `api.url`; empty where the file cannot be read as TOML.
    pub key: String,
    /// What is wrong.
    pub message: String,
    /// The same for words in any language; none of a warning.
    #[serde(skip)]
    pub slip: Option<Slip>,
    /// What may be meant.
    pub suggestion: Option<String>,
    /// In how many more places the file has the same.
    pub more: usize,
    /// The bytes of the file it is about.
    #[serde(skip)]
    pub span: Range<usize>,
    /// Another place that belongs to it, and what it is.
    #[serde(skip)]
    pub beside: Option<(Range<usize>, &'static str)>,
}

/// What is wrong with one value, before its place is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Complaint {
    pub slip: Slip,
    pub message: String,
    pub suggestion: Option<String>,
}

impl Complaint {
    pub fn new(slip: Slip, message: impl Into<String>) -> Self {
        Self { slip, message: message.into(), suggestion: None }
    }

    /// With what may be meant, if anything is known.
    pub fn perhaps(mut self, suggestion: Option<impl Into<String>>) -> Self {
        self.suggestion = suggestion.map(Into::into);
        self
    }
}

/// All that is found while a file is judged. Places are given as they are in the piece that is being read ([`Self::begin_at`]).
pub(super) struct Findings<'t> {
    text: &'t str,
    piece_start: usize,
    origins: Vec<(usize, usize)>,
    line_starts: Vec<u32>,
    pub faults: Vec<Fault>,
    pub warnings: Vec<Fault>,
    unreadable_lines: BTreeSet<u32>,
}

impl<'t> Findings<'t> {
    /// The text has less than 4 GiB.
    pub fn new(text: &'t str) -> Self {
        let begins = memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1);
        let line_starts = std::iter::once(0).chain(begins).map_while(|at| u32::try_from(at).ok()).collect();
        Self {
            text,
            piece_start: 0,
            origins: Vec::new(),
            line_starts,
            faults: Vec::new(),
            warnings: Vec::new(),
            unreadable_lines: BTreeSet::new(),
        }
    }

    /// From now on the piece that begins at this byte is read.
    pub fn begin_at(&mut self, piece_start: usize) {
        self.piece_start = piece_start;
    }

    /// From now on a copy of the file is read: where each part of it stands in the file ([`Mended`](super::slips::Mended)).
    pub fn read_copy(&mut self, origins: Vec<(usize, usize)>) {
        self.origins = origins;
    }

    /// A place of the piece that is being read as one of the file.
    pub fn in_file(&self, span: Range<usize>) -> Range<usize> {
        self.origin(span.start)..self.origin(span.end)
    }

    fn origin(&self, offset: usize) -> usize {
        let part = self.origins.partition_point(|(begin, _)| *begin <= offset);
        let (begin, origin) = part.checked_sub(1).and_then(|part| self.origins.get(part)).unwrap_or(&(0, 0));
        let next = self.origins.get(part).map_or(self.text.len(), |(_, origin)| *origin);
        let origin = origin + offset.saturating_sub(*begin);
        if self.origins.is_empty() { offset + self.piece_start } else { origin.min(next) }
    }

    /// Line and column (characters) of a byte of the piece, from 1.
    pub fn place(&self, offset: usize) -> (u32, u32) {
        self.place_in_file(self.origin(offset))
    }

    /// Its line alone, from 1.
    pub fn line(&self, offset: usize) -> u32 {
        let (line, _) = self.line_in_file(self.origin(offset));
        line
    }

    /// A slip at this place of the file, which was put right in what is read.
    pub fn slip(&mut self, span: Range<usize>, complaint: Complaint) {
        self.push(String::new(), span, complaint, None);
    }

    fn place_in_file(&self, offset: usize) -> (u32, u32) {
        let (line, start) = self.line_in_file(offset);
        let column = self.text.get(start..offset).map_or(0, |before| before.chars().count()) + 1;
        (line, u32::try_from(column).unwrap_or(u32::MAX))
    }

    /// The line and the byte it begins at.
    fn line_in_file(&self, offset: usize) -> (u32, usize) {
        let begins = |start: &u32| usize::try_from(*start).unwrap_or(usize::MAX);
        let line = self.line_starts.partition_point(|start| begins(start) <= offset);
        let start = self.line_starts.get(line.saturating_sub(1)).map_or(0, begins);
        (u32::try_from(line).unwrap_or(u32::MAX), start)
    }

    /// The file is no TOML here.
    pub fn unreadable(&mut self, span: Range<usize>, complaint: Complaint) {
        let (line, _) = self.place(span.start);
        self.push(String::new(), self.in_file(span), complaint, None);
        self.unreadable_lines.insert(line);
    }

    /// A key or value is wrong. Not said again on a line that cannot be read anyway.
    pub fn fault(&mut self, key: String, span: Range<usize>, complaint: Complaint) {
        if !self.unreadable_lines.contains(&self.place(span.start).0) {
            self.push(key, self.in_file(span), complaint, None);
        }
    }

    /// The same entry stands in the file twice, at these places of the file.
    pub fn twice(&mut self, path: String, key: &str, second: Range<usize>, first: Range<usize>) {
        let (line, _) = self.place_in_file(first.start);
        let complaint =
            Complaint::new(Slip::Twice { line }, format!("the same {key} is listed in line {line} already"));
        self.push(path, second, complaint, Some((first, "first listed here")));
    }

    /// Something must be there and is not. Not said of a file that cannot be read: it may stand in a part that was lost.
    pub fn missing(&mut self, key: String, span: Range<usize>, complaint: Complaint) {
        if self.unreadable_lines.is_empty() {
            self.push(key, self.in_file(span), complaint, None);
        }
    }

    pub fn warn(&mut self, key: String, span: Range<usize>, message: impl Into<String>) {
        let (line, column) = self.place(span.start);
        let span = self.in_file(span);
        let message = message.into();
        self.warnings.push(Fault { line, column, key, message, span, ..Fault::default() });
    }

    /// At a place of the file.
    fn push(
        &mut self,
        key: String,
        span: Range<usize>,
        complaint: Complaint,
        beside: Option<(Range<usize>, &'static str)>,
    ) {
        let (line, column) = self.place_in_file(span.start);
        let Complaint { slip, message, suggestion } = complaint;
        let slip = Some(slip);
        self.faults.push(Fault { line, column, key, message, slip, suggestion, more: 0, span, beside });
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
