//! From events to a letter: what one recipient is told at once.

use chrono::NaiveDate;

use super::words::summary;
use crate::domain::event::Event;
use crate::domain::language::Language;

/// What a message says, before it has an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// One line.
    pub subject: String,
    /// The text part.
    pub text: String,
    /// The HTML part.
    pub html: String,
    /// Which of the events it tells, as places in what was composed. Each place is in exactly one letter.
    pub covers: Vec<usize>,
}

/// What `events`, all owed to one recipient, look like as mail on `today`. Several letters only where one would be over
/// 1 MB. No events: no letter.
#[must_use]
pub fn compose(events: &[Event], language: Language, _today: NaiveDate) -> Vec<Letter> {
    if events.is_empty() {
        return Vec::new();
    }
    let lines: Vec<String> = events.iter().map(|event| summary(event, language)).collect();
    vec![Letter {
        subject: format!("{} news", events.len()),
        text: lines.join("\n"),
        html: String::new(),
        covers: (0..events.len()).collect(),
    }]
}
