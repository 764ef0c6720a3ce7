//! An event as a line for people: its kind in the colour of its weight, then what happened.

use unicode_width::UnicodeWidthStr as _;

use super::paragraph::paragraph;
use crate::config::Colour;
use crate::domain::event::{Change, EventKind};
use crate::domain::text::displayable;

/// Columns for the kind: the longest that are common, and two blanks.
const KIND_COLUMNS: usize = 24;

/// What happened stands so far in where it has lines of its own.
const INDENT: usize = 4;

/// Kind and summary side by side, folded on a terminal.
pub(super) fn line(kind: EventKind, summary: &str, colour: Colour) -> String {
    let name = kind.to_string();
    let blanks = " ".repeat(KIND_COLUMNS.saturating_sub(name.width()).max(1));
    let column = name.width() + blanks.len();
    let summary = paragraph(&displayable(summary), column, INDENT);
    format!("{}{blanks}{summary}\n", painted(kind, colour))
}

/// When and what kind, and below it what happened.
pub(super) fn entry(when: &str, kind: EventKind, summary: &str, colour: Colour) -> String {
    let summary = paragraph(&displayable(summary), INDENT, INDENT);
    format!("{when}  {}\n{}{summary}\n", painted(kind, colour), " ".repeat(INDENT))
}

/// The name of a kind; red is lost or past, yellow to be done or looked into, green good news.
fn painted(kind: EventKind, colour: Colour) -> String {
    let code = match kind {
        EventKind::Change(
            Change::Expired
            | Change::CertificateRemoved
            | Change::QualificationRemoved
            | Change::GradeLowered
            | Change::ValidityShortened,
        ) => 31,
        EventKind::Change(Change::Expiring | Change::FilingDue | Change::Retracted | Change::Unverified)
        | EventKind::Trouble(_) => 33,
        EventKind::Change(
            Change::Watching
            | Change::Briefing
            | Change::WatchlistChanged
            | Change::GradeReworded
            | Change::Reissued,
        ) => 36,
        EventKind::Change(_) | EventKind::Resolved(_) => 32,
    };
    match colour {
        Colour::Always => format!("\u{1b}[{code}m{kind}\u{1b}[0m"),
        Colour::Never => kind.to_string(),
    }
}
