//! Slips of the keyboard that make a file unreadable as TOML, although what is meant is plain: Chinese punctuation (an input
//! method left on), `:` for `=`, one pair of brackets for two. They are put right in a copy, so that each slip is one fault
//! with its own name, and all other faults of the file are found in the same reading. The file itself stays as it is, and is
//! refused.

use std::ops::Range;

use super::fault::Complaint;
use super::keys::KEYS;
use crate::domain::trouble_cause::Slip;

/// The copy, and where its bytes come from.
pub(super) struct Mended {
    /// The text as it is meant.
    pub text: String,
    /// What was put right, at its place in the file.
    pub slips: Vec<(Range<usize>, Complaint)>,
    /// Where the copy is again a piece of the file: the byte of the copy, the byte of the file; rising.
    pub origins: Vec<(usize, usize)>,
}

/// Puts the slips right. `None` where there are none.
pub(super) fn mend(text: &str) -> Option<Mended> {
    let mut mended =
        Mended { text: String::with_capacity(text.len()), slips: Vec::new(), origins: Vec::new() };
    let (mut at, mut within) = (0, None);
    for line in text.split_inclusive('\n') {
        let is_new = within.is_none();
        let mut reading = Line { text: line, at: 0, key: Key::Open, depth: 0, within, changes: Vec::new() };
        reading.read();
        within = reading.within;
        let changes = match header(line).filter(|_| is_new) {
            Some(change) => vec![change],
            None => reading.changes,
        };
        mended.take(line, at, &changes);
        at += line.len();
    }
    (!mended.slips.is_empty()).then_some(mended)
}

impl Mended {
    fn take(&mut self, line: &str, at: usize, changes: &[Change]) {
        if let (Some(first), Some(last)) = (changes.first(), changes.last()) {
            self.slips.push((at + first.span.start..at + last.span.end, complaint(line, changes)));
        }
        let mut from = 0;
        for Change { span, write, .. } in changes {
            self.origins.push((self.text.len(), at + from));
            self.text.push_str(line.get(from..span.start).unwrap_or_default());
            self.origins.push((self.text.len(), at + span.start));
            self.text.push_str(write);
            from = span.end;
        }
        self.origins.push((self.text.len(), at + from));
        self.text.push_str(line.get(from..).unwrap_or_default());
    }
}

/// What stands there, and what is meant.
#[derive(Debug)]
struct Change {
    span: Range<usize>,
    write: String,
    what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    /// A character that TOML does not know.
    Character,
    /// A header with too few or too many brackets.
    Brackets,
}

fn complaint(line: &str, changes: &[Change]) -> Complaint {
    let written = |change: &Change| line.get(change.span.clone()).unwrap_or_default().to_owned();
    if let [change] = changes
        && change.what == What::Brackets
    {
        let message = format!("`{}` has the wrong number of brackets", written(change));
        return Complaint::new(Slip::Brackets, message).perhaps(Some(change.write.as_str()));
    }
    // One sentence for each kind of character: what stands there, what is meant.
    let mut kinds: Vec<(&'static str, char, Vec<String>)> = Vec::new();
    for change in changes {
        for (character, meant) in written(change).chars().zip(change.write.chars()) {
            let (name, shown) = (name_of(character), format!("`{character}`"));
            match kinds.iter_mut().find(|(known, plain, _)| (*known, *plain) == (name, meant)) {
                _ if character == meant => {}
                Some((.., characters)) if characters.contains(&shown) => {}
                Some((.., characters)) => characters.push(shown),
                None => kinds.push((name, meant, vec![shown])),
            }
        }
    }
    let sentences: Vec<String> = kinds
        .iter()
        .map(|(name, meant, characters)| match characters.as_slice() {
            [one] => format!("the {name} {one} means nothing here, write `{meant}`"),
            more => format!("the {name}s {} mean nothing here, write `{meant}`", more.join(" and ")),
        })
        .collect();
    let pairs = kinds.iter().flat_map(|(_, meant, characters)| {
        characters.iter().map(|shown| (shown.trim_matches('`').to_owned(), meant.to_string()))
    });
    Complaint::new(Slip::Characters { pairs: pairs.collect() }, sentences.join("; "))
}

fn name_of(character: char) -> &'static str {
    match character {
        '“' | '”' | '＂' => "full-width quotation mark",
        '‘' | '’' | '＇' => "full-width single quotation mark",
        '＝' => "full-width equals sign",
        '：' => "full-width colon",
        '，' => "full-width comma",
        '、' => "full-width enumeration comma",
        '。' => "full-width full stop",
        '．' => "full-width point",
        '［' | '【' => "full-width opening bracket",
        '］' | '】' => "full-width closing bracket",
        '｛' | '｝' => "full-width brace",
        '＃' => "full-width number sign",
        '－' => "full-width minus sign",
        '\u{3000}' => "full-width blank",
        ':' => "colon",
        _ => "full-width character",
    }
}

/// What a character of an input method means outside of a text.
fn meant(character: char) -> Option<char> {
    match character {
        '、' => Some(','),
        '。' => Some('.'),
        '【' => Some('['),
        '】' => Some(']'),
        '\u{3000}' => Some(' '),
        // The full-width forms stand in the order of ASCII (Unicode, Halfwidth and Fullwidth Forms).
        '！'..='～' => char::from_u32(u32::from(character) - 0xfee0),
        _ => None,
    }
}

/// `[company]` for `[[company]]`, and `[[email]]` for `[email]`.
fn header(line: &str) -> Option<Change> {
    let begin = line.len() - line.trim_start().len();
    let header = line.split(['#', '＃']).next().unwrap_or(line).trim();
    let folded: String =
        header.chars().filter(|c| !c.is_whitespace()).map(|c| meant(c).unwrap_or(c)).collect();
    let name = folded.trim_start_matches('[').trim_end_matches(']');
    let (before, after) = folded.split_once(name).filter(|_| !name.is_empty())?;
    let brackets = if name == "company" { 2 } else { 1 };
    let is_wrong = (before.len(), after.len()) != (brackets, brackets);
    if !is_wrong || before.is_empty() || !KEYS.iter().any(|(table, _)| *table == name) {
        return None;
    }
    let write = format!("{}{name}{}", "[".repeat(brackets), "]".repeat(brackets));
    Some(Change { span: begin..begin + header.len(), write, what: What::Brackets })
}

/// Whether the key of a line is still being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Open,
    Read,
}

/// One line while it is read.
struct Line<'t> {
    text: &'t str,
    at: usize,
    key: Key,
    /// How many lists and tables are open within the line.
    depth: usize,
    /// What a text of several lines ends with, while one is read.
    within: Option<&'static str>,
    changes: Vec<Change>,
}

const QUOTES: [char; 4] = ['“', '”', '＂', '"'];
const SINGLE_QUOTES: [char; 4] = ['‘', '’', '＇', '\''];

impl Line<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn read(&mut self) {
        while let Some(character) = self.rest().chars().next() {
            if let Some(end) = self.within {
                match self.rest().find(end) {
                    Some(before) => self.at += before + end.len(),
                    None => return,
                }
                self.within = None;
                continue;
            }
            if let Some(end) = ["\"\"\"", "'''"].into_iter().find(|end| self.rest().starts_with(end)) {
                self.within = Some(end);
                self.at += end.len();
                continue;
            }
            match character {
                '#' => return,
                '＃' => {
                    self.change(character, '#');
                    return;
                }
                _ if QUOTES.contains(&character) => self.read_text(character, &QUOTES, '"'),
                _ if SINGLE_QUOTES.contains(&character) => self.read_text(character, &SINGLE_QUOTES, '\''),
                ':' | '：' if self.key == Key::Open && self.depth == 0 => {
                    self.change(character, '=');
                    self.key = Key::Read;
                }
                _ => match meant(character) {
                    Some(plain) => {
                        self.change(character, plain);
                        self.note(plain);
                    }
                    // A text without quotes: whatever stands in it belongs to it.
                    None if !character.is_ascii() => return,
                    None => {
                        self.note(character);
                        self.at += 1;
                    }
                },
            }
        }
    }

    fn note(&mut self, character: char) {
        match character {
            '=' => self.key = Key::Read,
            '[' | '{' => self.depth += 1,
            ']' | '}' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
    }

    fn change(&mut self, character: char, plain: char) {
        let span = self.at..self.at + character.len_utf8();
        self.at = span.end;
        self.changes.push(Change { span, write: plain.to_string(), what: What::Character });
    }

    /// Reads a text in quotes that begins here, with one of `quotes`.
    fn read_text(&mut self, opening: char, quotes: &[char], plain: char) {
        let begin = self.at;
        let end = if opening == plain {
            self.end_of_plain(begin, quotes, plain)
        } else {
            self.end_of_marked(begin + opening.len_utf8(), quotes)
        };
        let Some((end, closing)) = end else {
            // Nothing closes it: the parser says so.
            self.at = self.text.len();
            return;
        };
        if opening != plain {
            self.change(opening, plain);
        }
        self.at = end;
        if closing == plain {
            self.at += 1;
        } else {
            self.change(closing, plain);
        }
    }

    /// Where a text ends that began as it should: at its own quote, unless what follows makes no sense and a Chinese one before
    /// it does.
    fn end_of_plain(&self, begin: usize, quotes: &[char], plain: char) -> Option<(usize, char)> {
        let from = begin + 1;
        let own = self.own_end(from, plain);
        if let Some(own) = own
            && self.may_end(own + 1)
        {
            return Some((own, plain));
        }
        let marked = self.end_of_marked(from, quotes).filter(|(at, _)| own.is_none_or(|own| *at < own));
        marked.or(own.map(|own| (own, plain)))
    }

    fn own_end(&self, from: usize, plain: char) -> Option<usize> {
        let mut is_escaped = false;
        self.text.get(from..)?.char_indices().find_map(|(at, character)| {
            let ends = character == plain && !is_escaped;
            is_escaped = character == '\\' && plain == '"' && !is_escaped;
            ends.then_some(from + at)
        })
    }

    /// Where a text may end by a quote of either kind: at the first behind which it makes sense, else at the first of all.
    fn end_of_marked(&self, from: usize, quotes: &[char]) -> Option<(usize, char)> {
        let rest = self.text.get(from..)?;
        let ends = || rest.char_indices().filter(|(_, c)| quotes.contains(c)).map(|(at, c)| (from + at, c));
        ends().find(|(at, c)| self.may_end(at + c.len_utf8())).or_else(|| ends().next())
    }

    /// Whether a text may end before this byte of the line, by what follows.
    fn may_end(&self, at: usize) -> bool {
        let follows =
            self.text.get(at..).unwrap_or_default().trim_start_matches([' ', '\t', '\u{3000}', '\r', '\n']);
        let next = follows.chars().next();
        next.is_none_or(|c| {
            ",，、]］】}｝#＃".contains(c) || (self.key == Key::Open && "=＝:：.".contains(c))
        })
    }
}

#[cfg(test)]
mod tests;
