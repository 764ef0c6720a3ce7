//! From events to a letter: what one recipient is told at once.
//!
//! [`selection`] decides which events are seen and in what order, [`page`] lays them out without markup, [`text`] and [`html`]
//! write the page, [`subject`] says the most urgent of it in one line. A letter that would be too large is cut into parts that
//! fit, and these are numbered.

pub(super) mod shared_change;
mod surroundings;
mod blocks;
mod csv;
mod html;
mod letter;
mod page;
mod selection;
mod subject;
mod text;

use std::borrow::Borrow;

use chrono::NaiveDate;

pub use self::letter::Letter;
use self::page::Page;
use self::selection::{Shown, brought_together, shown};
use self::shared_change::Unlisted;
pub use self::surroundings::{Around, Reads, TheRest};
use crate::domain::event::{Audience, Event};
use crate::domain::language::Language;

/// The most bytes of a letter as mail (design 5): larger ones are refused by some servers, and read by nobody.
pub(super) const LETTER_BYTES_MAX: usize = 1_000_000;

/// The most bytes of an HTML part: webmail clips larger ones, at some 102 KB. A single event may have more.
const HTML_BYTES_MAX: usize = 100_000;

/// So many rows a letter has, however long they are.
const ROWS_LEAST: usize = 20;

/// What `events`, all owed to one recipient, look like as mail on `today`. Several letters only where one would be over
/// 1 MB. No events: no letter.
///
/// Days are counted anew for `today`, because a mail may leave days after its events were found; of several stages of one
/// end only the latest is shown.
#[must_use]
pub fn compose<E: Borrow<Event>>(events: &[E], language: Language, today: NaiveDate) -> Vec<Letter> {
    compose_around(events, &Around::default(), language, today)
}

/// The same, with what stands around the events.
#[must_use]
pub fn compose_around<E: Borrow<Event>>(
    events: &[E],
    around: &Around,
    language: Language,
    today: NaiveDate,
) -> Vec<Letter> {
    compose_with_unlisted(events, &[], around, language, today, LETTER_BYTES_MAX)
}

/// The same, with what is counted and not listed, for a server that takes no more than `bytes_max`.
pub(super) fn compose_with_unlisted<E: Borrow<Event>>(
    events: &[E],
    unlisted: &[Unlisted],
    around: &Around,
    language: Language,
    today: NaiveDate,
    bytes_max: usize,
) -> Vec<Letter> {
    let mut shown = shown(events, &around.places, language, today);
    brought_together(&mut shown, unlisted);
    let mut letters = Vec::new();
    write_parts(&shown, around, language, today, bytes_max, &mut letters);
    if letters.len() > 1 {
        let count = letters.len();
        for (number, letter) in (1..).zip(&mut letters) {
            letter.subject = subject::numbered(&letter.subject, number, count, language);
        }
    }
    letters
}

fn write_parts(
    shown: &[Shown<'_>],
    around: &Around,
    language: Language,
    today: NaiveDate,
    bytes_max: usize,
    letters: &mut Vec<Letter>,
) {
    if shown.is_empty() {
        return;
    }
    let letter = write(shown, around, language, today);
    let bytes = letter.bytes_as_mail();
    if bytes <= bytes_max {
        letters.push(letter);
        return;
    }
    if shown.len() == 1 {
        // One thing that is too large by itself is told all the same.
        letters.push(letter.shortened(bytes_max, language));
        return;
    }
    drop(letter);
    // Some are longer than others: with room to spare few parts have to be cut again.
    let parts = bytes.div_ceil((bytes_max / 10 * 9).max(1)).min(shown.len());
    for part in shown.chunks(shown.len().div_ceil(parts)) {
        write_parts(part, around, language, today, bytes_max, letters);
    }
}

fn write(shown: &[Shown<'_>], around: &Around, language: Language, today: NaiveDate) -> Letter {
    let mut rows_max = page::ROWS_MAX;
    let (is_whole, text, html) = loop {
        let (page, is_whole) = Page::new(shown, around, language, today, rows_max);
        let text = text::write(&page);
        let html = html::write(&page, &text);
        if html.len() <= HTML_BYTES_MAX || rows_max < ROWS_LEAST {
            break (is_whole, text, html);
        }
        // Long names: fewer rows, and more of them in the attached list.
        rows_max = rows_max / 10 * 9;
    };
    let mut covers: Vec<usize> = shown.iter().flat_map(|shown| shown.covers.iter().copied()).collect();
    covers.sort_unstable();
    let covers_unlisted = shown.iter().filter_map(|shown| shown.unlisted).map(|(place, _)| place).collect();
    Letter {
        subject: subject::subject(shown, language),
        html,
        text,
        csv: (!is_whole).then(|| csv::write(shown, language)),
        reply_to: around.reply_to(shown.iter().any(|shown| shown.kind.audience() == Audience::Reader)),
        covers,
        covers_unlisted,
    }
}

#[cfg(test)]
mod tests;
