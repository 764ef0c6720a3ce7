//! Faults as people see them: the line of the file, what is meant underlined.

use std::ops::Range;
use std::path::Path;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::fault::Fault;
use crate::domain::text::is_steering;

/// The most faults that are drawn; the rest is counted.
const DRAWN_MAX: usize = 100;

/// The most bytes of the file shown around one fault.
const EXCERPT_BYTES_MAX: usize = 4 << 10;

/// Whether to colour what is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// For a terminal.
    Always,
    /// For a file, a mail, or where `NO_COLOR` is set.
    Never,
}

/// Draws faults or warnings of a file. Control characters of the file's own text are made inert, and passwords in it are hidden.
#[must_use]
pub fn draw(faults: &[Fault], text: &str, path: &Path, colour: Colour) -> String {
    let renderer = match colour {
        Colour::Always => Renderer::styled(),
        Colour::Never => Renderer::plain(),
    };
    let renderer = renderer.decor_style(DecorStyle::Ascii);
    let left_out = faults.len().saturating_sub(DRAWN_MAX);
    let drawn = faults.iter().take(DRAWN_MAX);
    let mut drawn: Vec<String> = drawn.map(|fault| draw_one(fault, text, path, &renderer)).collect();
    if left_out > 0 {
        drawn.push(format!("and {left_out} more"));
    }
    drawn.join("\n\n")
}

/// The piece of the file at a place, on one line, short, made inert as [`draw`] makes it.
#[must_use]
pub fn shown_at(text: &str, span: &Range<usize>) -> String {
    const CHARS_MAX: usize = 60;
    let excerpt = Excerpt::around(text, span);
    let piece = excerpt.shown.get(excerpt.inside(span)).unwrap_or_default();
    let piece = piece.lines().next().unwrap_or_default().trim();
    let mut shown: String = piece.chars().take(CHARS_MAX).collect();
    if piece.chars().nth(CHARS_MAX).is_some() {
        shown.push('…');
    }
    shown
}

fn draw_one(fault: &Fault, text: &str, path: &Path, renderer: &Renderer) -> String {
    let level = if fault.slip.is_some() { Level::ERROR } else { Level::WARNING };
    let title = match fault.key.as_str() {
        "" => fault.message.clone(),
        key => format!("{key}: {}", fault.message),
    };
    let path: String = path.to_string_lossy().chars().map(|c| if is_steering(c) { '?' } else { c }).collect();
    let mut group =
        level.primary_title(title).elements(Vec::<Snippet<'_, annotate_snippets::Annotation<'_>>>::new());
    let excerpt = Excerpt::around(text, &fault.span);
    let mut snippet = Snippet::source(excerpt.shown.clone())
        .line_start(excerpt.line)
        .path(path.clone())
        .annotation(AnnotationKind::Primary.span(excerpt.inside(&fault.span)));
    let mut other = None;
    if let Some((span, label)) = &fault.beside {
        let second = Excerpt::around(text, span);
        if second.line == excerpt.line {
            snippet = snippet.annotation(AnnotationKind::Context.span(excerpt.inside(span)).label(*label));
        } else {
            let annotation = AnnotationKind::Context.span(second.inside(span)).label(*label);
            other =
                Some(Snippet::source(second.shown).line_start(second.line).path(path).annotation(annotation));
        }
    }
    group = group.element(snippet);
    if let Some(other) = other {
        group = group.element(other);
    }
    if let Some(suggestion) = &fault.suggestion {
        group = group.element(Level::HELP.message(format!("perhaps {suggestion}")));
    }
    let report: [Group<'_>; 1] = [group];
    renderer.render(&report)
}

/// The lines around one place, inert, byte for byte as long as in the file.
struct Excerpt {
    shown: String,
    line: usize,
    start: usize,
}

impl Excerpt {
    fn around(text: &str, span: &Range<usize>) -> Self {
        let begin = floor(text, span.start);
        let start = text.get(..begin).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
        let from_end = floor(text, span.end.max(begin));
        let end =
            text.get(from_end..).and_then(|after| after.find('\n')).map_or(text.len(), |at| from_end + at);
        let end = floor(text, end.min(start.max(begin) + EXCERPT_BYTES_MAX));
        let line = text.get(..start).map_or(0, |before| before.matches('\n').count()) + 1;
        let shown =
            text.get(start..end).unwrap_or_default().split('\n').map(inert).collect::<Vec<_>>().join("\n");
        Self { shown, line, start }
    }

    /// A place of the file as a place of the excerpt.
    fn inside(&self, span: &Range<usize>) -> Range<usize> {
        let within = |at: usize| floor(&self.shown, at.saturating_sub(self.start).min(self.shown.len()));
        within(span.start)..within(span.end)
    }
}

fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// One line without anything that steers a terminal, and without passwords; every character keeps its bytes, so that
/// places stay right.
fn inert(line: &str) -> String {
    let hidden = secrets_in(line);
    line.char_indices()
        .flat_map(|(at, c)| {
            let is_hidden = hidden.iter().any(|range| range.contains(&at));
            let (shown, times) = match c.len_utf8() {
                bytes if is_hidden => ('*', bytes),
                _ if c == '\t' || !is_steering(c) => (c, 1),
                1 => ('?', 1),
                2 => ('¿', 1),
                3 => ('\u{fffd}', 1),
                bytes => ('?', bytes),
            };
            std::iter::repeat_n(shown, times)
        })
        .collect()
}

/// Where a line holds what should not be shown: passwords in addresses, `key=` and `password=` in their parameters, and the
/// value of a key that sounds like a secret.
fn secrets_in(line: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let value_end = |from: usize| {
        line.get(from..).and_then(|rest| rest.find(['"', '\'', ' ', '\t'])).map_or(line.len(), |at| from + at)
    };
    for (at, _) in line.match_indices("://") {
        let from = at + 3;
        let address = line.get(from..value_end(from)).unwrap_or_default();
        if let Some((login, _)) = address.rsplit_once('@')
            && let Some((user, password)) = login.split_once(':')
        {
            let start = from + user.len() + 1;
            found.push(start..start + password.len());
        }
    }
    for parameter in ["?key=", "&key=", "?password=", "&password="] {
        for (at, _) in line.match_indices(parameter) {
            let from = at + parameter.len();
            let end = value_end(from);
            let length = line.get(from..end).map_or(0, |value| value.find('&').unwrap_or(value.len()));
            found.push(from..from + length);
        }
    }
    if let Some((key, value)) = line.split_once('=') {
        let key_name = key.trim().to_lowercase();
        let harmless = ["keyword", "key_file", "password_file"].contains(&key_name.as_str());
        let secret =
            ["password", "pass", "key", "secret", "token"].iter().any(|word| key_name.contains(word));
        if secret && !harmless && !value.contains("://") {
            let start = key.len() + 1 + (value.len() - value.trim_start().len());
            found.push(start..line.trim_end().len().max(start));
        }
    }
    found
}
