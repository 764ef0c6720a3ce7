//! Tables for people. Upstream text passes through [`displayable`] on its way here; a cell of several lines is made of
//! several texts.

use comfy_table::presets::ASCII_FULL_CONDENSED;
use comfy_table::{Attribute, Cell, Color, ContentArrangement, Table};

use super::companies::Names;
use super::shapes::ProblemShape;
use crate::config::Colour;
use crate::domain::certificates::{Certificate, State};
use crate::domain::text::displayable;

/// An empty table. Its lines are ASCII: in Chinese terminals box characters are often two columns wide, and nothing below
/// them would be aligned.
pub(super) fn table<const N: usize>(header: [&str; N], colour: Colour) -> Table {
    let mut table = Table::new();
    table.load_style(ASCII_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
    match colour {
        Colour::Always => table.enforce_styling(),
        Colour::Never => table.force_no_tty(),
    };
    if let (Colour::Never, Some(width)) = (colour, terminal_width()) {
        table.set_width(width);
    }
    table.set_header(header.map(|title| Cell::new(title).add_attribute(Attribute::Bold)));
    table
}

/// `force_no_tty` forgets the width too: a terminal that wants no colour still wants lines that fit.
fn terminal_width() -> Option<u16> {
    Table::new().width()
}

/// A cell of one text.
pub(super) fn cell(text: &str) -> Cell {
    Cell::new(displayable(text))
}

/// What is wrong, as a table.
pub(super) fn problems(problems: &[ProblemShape], names: &Names<'_>, colour: Colour) -> Table {
    let mut table = table(["company", "class", "code", "reason"], colour);
    for problem in problems {
        table.add_row([
            cell(names.get(problem.company.as_ref())),
            cell(&problem.class),
            cell(&problem.code.map(|code| code.to_string()).unwrap_or_default()),
            cell(&problem.reason),
        ]);
    }
    table
}

/// The certificates as a table.
pub(super) fn certificates(certificates: &[Certificate], colour: Colour) -> Table {
    let header = ["company", "certificate", "qualifications", "valid until", "days left", "file by", "state"];
    let mut table = table(header, colour);
    for certificate in certificates {
        let date = |date: Option<chrono::NaiveDate>| date.map(|date| date.to_string()).unwrap_or_default();
        let end = match certificate.valid_until {
            Some(end) => end.to_string(),
            None => displayable(certificate.valid_until_text.as_deref().unwrap_or_default()),
        };
        let qualifications: Vec<String> =
            certificate.qualifications.iter().map(|held| displayable(&held.text)).collect();
        table.add_row([
            cell(&certificate.name),
            cell(&certificate.certificate_num),
            Cell::new(qualifications.join("\n")),
            Cell::new(end),
            Cell::new(certificate.days_left.map(|days| days.to_string()).unwrap_or_default()),
            Cell::new(date(certificate.filing_day)),
            state(certificate.state),
        ]);
    }
    table
}

fn state(state: State) -> Cell {
    let (name, colour) = match state {
        State::Historical => ("historical", Some(Color::DarkGrey)),
        State::InDoubt => ("in doubt", Some(Color::Magenta)),
        State::Superseded => ("superseded", Some(Color::DarkGrey)),
        State::Expired => ("expired", Some(Color::Red)),
        State::Expiring => ("expiring", Some(Color::Yellow)),
        State::Valid => ("valid", None),
        State::Unknown => ("unknown", Some(Color::Magenta)),
    };
    let cell = Cell::new(name);
    match colour {
        Some(colour) => cell.fg(colour),
        None => cell,
    }
}
