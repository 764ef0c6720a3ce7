//! The text part: the same order and the same words as the HTML part. Its first forty characters are what a phone shows of the
//! mail, so it begins with the news.

use super::page::{Block, Page, Section, Table};
use crate::domain::text::is_steering;

/// Writes the text part of a page.
pub(super) fn write(page: &Page) -> String {
    let mut text = String::new();
    line(&mut text, "", &page.news);
    line(&mut text, "", &joined(&[&page.date, &page.counts], " · "));
    for section in &page.sections {
        write_section(&mut text, page, section);
    }
    for sentence in [&page.more, &page.rest] {
        if !sentence.is_empty() {
            text.push('\n');
            line(&mut text, "", sentence);
        }
    }
    text.push_str("\n--------\n");
    for sentence in [&page.queried].into_iter().chain(&page.footer).filter(|it| !it.is_empty()) {
        line(&mut text, "", sentence);
    }
    text
}

fn write_section(text: &mut String, page: &Page, section: &Section) {
    text.push('\n');
    line(text, "", &format!("■ {}", section.title));
    for (number, block) in (1..).zip(section.blocks.iter().chain(&section.changes)) {
        text.push('\n');
        write_block(text, page, number, block);
    }
}

fn write_block(text: &mut String, page: &Page, number: usize, block: &Block) {
    let tags = if block.tags.is_empty() { String::new() } else { format!(" ({})", block.tags) };
    let who = format!("{}{tags}", block.company);
    line(text, "", &format!("{number}. {}", joined(&[&block.heading, &who, &block.aside], " | ")));
    let moves = block.moves.iter().map(|[old, new]| joined(&[old, new], " → "));
    let said = [block.held.clone()].into_iter().chain(moves).chain(block.leads.iter().cloned());
    for sentence in said.chain(block.notes.iter().cloned()).chain([block.organ.clone()]) {
        write_sentence(text, &sentence);
    }
    if let Some(table) = &block.table {
        write_table(text, table);
    }
    write_sentence(text, &block.queried);
    for action in &block.actions {
        write_sentence(text, &format!("{}{action}", page.to_do));
    }
}

fn write_sentence(text: &mut String, sentence: &str) {
    if !sentence.is_empty() {
        line(text, "   ", sentence);
    }
}

fn write_table(text: &mut String, table: &Table) {
    for row in &table.rows {
        let cells: Vec<&str> = row.cells.iter().map(String::as_str).filter(|cell| !cell.is_empty()).collect();
        line(text, "   * ", &cells.join(" | "));
        if !row.below.is_empty() {
            line(text, "     ", &row.below);
        }
    }
}

fn joined(pieces: &[&str], between: &str) -> String {
    let said: Vec<&str> = pieces.iter().copied().filter(|piece| !piece.is_empty()).collect();
    said.join(between)
}

/// One line, whatever `words` hold: they are inert already, this is the second lock.
fn line(text: &mut String, indent: &str, words: &str) {
    text.push_str(indent);
    text.extend(words.chars().map(|c| if is_steering(c) { ' ' } else { c }));
    text.push('\n');
}
