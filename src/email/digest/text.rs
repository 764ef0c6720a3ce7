//! The text part. Its first forty characters are what a phone shows of the mail, so it begins with the news.

use super::page::{Block, Page, Section, Table};
use crate::domain::text::is_steering;

/// Writes the text part of a page.
pub(super) fn write(page: &Page) -> String {
    let mut text = String::new();
    line(&mut text, "", &page.news);
    line(&mut text, "", &format!("{} {}", page.brand, page.date));
    for section in &page.sections {
        write_section(&mut text, section);
    }
    text.push_str("\n--------\n");
    for sentence in &page.footer {
        line(&mut text, "", sentence);
    }
    text
}

fn write_section(text: &mut String, section: &Section) {
    text.push('\n');
    line(text, "", &format!("■ {} ({})", section.title, section.events));
    for (number, block) in (1..).zip(&section.blocks) {
        text.push('\n');
        write_block(text, number, block);
    }
}

fn write_block(text: &mut String, number: usize, block: &Block) {
    let aside = if block.aside.is_empty() { String::new() } else { format!(" ({})", block.aside) };
    let badge = if block.badge.is_empty() { String::new() } else { format!(" | {}", block.badge) };
    line(text, "", &format!("{number}. {}{aside}{badge}", block.heading));
    for lead in &block.leads {
        line(text, "   ", lead);
    }
    for action in &block.actions {
        line(text, "   > ", action);
    }
    for note in &block.notes {
        line(text, "   - ", note);
    }
    for (label, value) in &block.facts {
        line(text, "   ", &format!("{label}: {value}"));
    }
    if let Some(table) = &block.table {
        write_table(text, table);
    }
    if !block.verified.is_empty() {
        line(text, "   ", &block.verified);
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

/// One line, whatever `words` hold: they are inert already, this is the second lock.
fn line(text: &mut String, indent: &str, words: &str) {
    text.push_str(indent);
    text.extend(words.chars().map(|c| if is_steering(c) { ' ' } else { c }));
    text.push('\n');
}
