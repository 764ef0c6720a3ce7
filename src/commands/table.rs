//! Tables for people. Upstream text passes through [`displayable`] on its way here; a cell of several lines is made of
//! several texts. On a terminal no number, date or word is broken: where they have no room a whole column gives way. Into a pipe go
//! plain columns, a row a line, for other programs to read on.

use std::fmt;

use chrono::TimeDelta;
use comfy_table::presets::{ASCII_FULL_CONDENSED, NOTHING};
use comfy_table::{Attribute, Cell, Color, ColumnConstraint, ContentArrangement, Row, Table, Width};
use unicode_width::UnicodeWidthStr as _;

use super::companies::name_of;
use super::print;
use super::shapes::{RenewingShape, SnoozedShape};
use crate::config::Colour;
use crate::domain::certificates::{Certificate, State};
use crate::domain::health::ShownProblem;
use crate::domain::text::displayable;
use crate::standing::Entries;

/// What a column takes beside its content: a blank on each side and a line.
const FRAME: usize = 3;

/// Of Chinese text at least so much stands in one line.
const CHINESE_LEAST: usize = 8;

/// A table while it is filled; its lines are ASCII: in Chinese terminals box characters are often two columns wide, and nothing
/// below them would be aligned.
pub(super) struct Sheet {
    table: Table,
    header: Vec<String>,
    colour: Colour,
    /// The columns that give way where there is no room, the first of them first.
    give_way: Vec<usize>,
}

/// An empty table. Without another word the last columns give way first.
pub(super) fn table<const N: usize>(header: [&str; N], colour: Colour) -> Sheet {
    let mut table = Table::new();
    table.set_header(header.map(|title| Cell::new(title).add_attribute(Attribute::Bold)));
    let header = header.map(str::to_owned).to_vec();
    Sheet { table, header, colour, give_way: (1..N).rev().collect() }
}

impl Sheet {
    pub(super) fn add_row(&mut self, row: impl Into<Row>) {
        self.table.add_row(row);
    }

    /// These columns give way first.
    fn giving_way(mut self, titles: &[&str]) -> Self {
        let places = titles.iter().filter_map(|title| self.header.iter().position(|known| known == title));
        let first: Vec<usize> = places.collect();
        self.give_way.retain(|column| !first.contains(column));
        self.give_way.splice(0..0, first);
        self
    }

    /// For a terminal of this many columns.
    fn fitted(&self, width: usize) -> Table {
        let mut table = self.table.clone();
        table.load_style(ASCII_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
        match self.colour {
            Colour::Always => table.enforce_styling(),
            Colour::Never => table.force_no_tty(),
        };
        table.set_width(u16::try_from(width).unwrap_or(u16::MAX));
        let least: Vec<usize> = (0..self.header.len()).map(|column| self.least(column)).collect();
        let mut hidden: Vec<usize> = Vec::new();
        let need = |hidden: &[usize]| {
            let shown = least.iter().enumerate().filter(|(column, _)| !hidden.contains(column));
            shown.map(|(_, least)| least + FRAME).sum::<usize>() + 1
        };
        for column in &self.give_way {
            if need(&hidden) <= width || hidden.len() + 2 >= self.header.len() {
                break;
            }
            hidden.push(*column);
        }
        for (place, column) in table.column_iter_mut().enumerate() {
            let bound =
                u16::try_from(least.get(place).map_or(0, |least| least + FRAME - 1)).unwrap_or(u16::MAX);
            column.set_constraint(if hidden.contains(&place) {
                ColumnConstraint::Hidden
            } else {
                ColumnConstraint::LowerBoundary(Width::Fixed(bound))
            });
        }
        table
    }

    /// The width below which a column would break a number, a date or a word.
    fn least(&self, column: usize) -> usize {
        let title = self.header.get(column).map_or(0, |title| unbroken(title));
        let cells = self.table.row_iter().filter_map(|row| row.cell_iter().nth(column));
        cells.map(|cell| unbroken(&cell.content())).max().unwrap_or_default().max(title)
    }

    /// A row a line, columns apart by two blanks.
    fn plain(&self) -> Table {
        let mut table = Table::new();
        table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled).force_no_tty();
        table.set_header(&self.header);
        for row in self.table.row_iter() {
            table.add_row(row.cell_iter().map(|cell| cell.content().replace('\n', "; ")).collect::<Vec<_>>());
        }
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        table
    }
}

impl fmt::Display for Sheet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(width) = print::width_of_output() {
            return self.fitted(width).fmt(f);
        }
        let plain = self.plain().to_string();
        let lines: Vec<&str> = plain.lines().map(str::trim_end).collect();
        f.write_str(&lines.join("\n"))
    }
}

/// The width of the longest part of a text that is not to be broken. Chinese may be broken between any two characters.
fn unbroken(text: &str) -> usize {
    let words = text.split_whitespace();
    let width = |word: &str| match word.width() {
        width if word.is_ascii() => width,
        width => width.min(CHINESE_LEAST),
    };
    words.map(width).max().unwrap_or_default()
}

/// A cell of one text.
pub(super) fn cell(text: &str) -> Cell {
    Cell::new(displayable(text))
}

/// What is wrong, as a table.
pub(super) fn problems(problems: &[ShownProblem], entries: &Entries<'_>, colour: Colour) -> Sheet {
    let mut table = table(["company", "class", "code", "reason"], colour);
    for problem in problems {
        table.add_row([
            cell(name_of(entries, problem.company.as_ref())),
            cell(&problem.class),
            cell(&problem.code.map(|code| code.to_string()).unwrap_or_default()),
            cell(&problem.reason),
        ]);
    }
    table
}

/// The certificates as a table.
pub(super) fn certificates(certificates: &[Certificate], colour: Colour) -> Sheet {
    let header = ["company", "certificate", "qualifications", "valid until", "days left", "file by", "state"];
    // What days do not say stays: a snooze, a renewal, a doubt.
    let says_more = |certificate: &Certificate| {
        let is_special = matches!(certificate.state, State::InDoubt | State::Superseded | State::Unknown);
        is_special || certificate.snoozed_until.is_some() || certificate.renewal_filed.is_some()
    };
    let first = if certificates.iter().any(says_more) {
        ["qualifications", "state", "file by"]
    } else {
        ["state", "qualifications", "file by"]
    };
    let mut table = table(header, colour).giving_way(&first);
    for certificate in certificates {
        let end = match certificate.valid_until {
            Some(end) => end.to_string(),
            None => displayable(certificate.valid_until_text.as_deref().unwrap_or_default()),
        };
        let parts = certificate.other_ends.iter().map(|end| format!("(others: {end})"));
        let end = std::iter::once(end).chain(parts).collect::<Vec<_>>().join("\n");
        let qualifications: Vec<String> =
            certificate.qualifications.iter().map(|held| displayable(&held.text)).collect();
        table.add_row([
            cell(&certificate.name),
            cell(&certificate.certificate_num),
            Cell::new(qualifications.join("\n")),
            Cell::new(end),
            Cell::new(certificate.days_left.map(|days| days.to_string()).unwrap_or_default()),
            file_by(certificate),
            state(certificate),
        ]);
    }
    table
}

/// The filing day, marked where it has passed and the end has not.
fn file_by(certificate: &Certificate) -> Cell {
    let Some(day) = certificate.filing_day else { return Cell::new("") };
    // The day on which the days left were counted.
    let today =
        certificate.valid_until.zip(certificate.days_left).map(|(end, left)| end - TimeDelta::days(left));
    let has_passed = today.is_some_and(|today| day < today) && certificate.days_left >= Some(0);
    if has_passed { Cell::new(format!("{day} passed")).fg(Color::Red) } else { Cell::new(day.to_string()) }
}

/// What is snoozed now.
pub(super) fn snoozed(snoozed: &[SnoozedShape], colour: Colour) -> Sheet {
    let mut table = table(["company", "certificate", "valid until", "silent until", "reason"], colour);
    for one in snoozed {
        let until = one.until.min(one.valid_until);
        table.add_row([
            cell(&one.name),
            cell(&one.certificate_num),
            Cell::new(one.valid_until),
            Cell::new(until),
            cell(&one.reason),
        ]);
    }
    table
}

/// Whose renewal was filed.
pub(super) fn renewing(renewing: &[RenewingShape], colour: Colour) -> Sheet {
    let mut table = table(["company", "certificate", "valid until", "filed on", "acceptance number"], colour);
    for one in renewing {
        table.add_row([
            cell(&one.name),
            cell(&one.certificate_num),
            Cell::new(one.valid_until),
            Cell::new(one.filed),
            cell(one.reference.as_deref().unwrap_or_default()),
        ]);
    }
    table
}

fn state(certificate: &Certificate) -> Cell {
    let (name, colour) = match certificate.state {
        State::Historical => ("historical", Some(Color::DarkGrey)),
        State::InDoubt => ("in doubt", Some(Color::Magenta)),
        State::Superseded => ("superseded", Some(Color::DarkGrey)),
        State::Expired => ("expired", Some(Color::Red)),
        State::Expiring => ("expiring", Some(Color::Yellow)),
        State::Valid => ("valid", None),
        State::Unknown => ("unknown", Some(Color::Magenta)),
    };
    let snoozed = certificate.snoozed_until.map(|until| format!("snoozed until {until}"));
    let filed = certificate.renewal_filed.map(|filed| format!("renewal filed {filed}"));
    let lines: Vec<String> = std::iter::once(name.to_owned()).chain(snoozed).chain(filed).collect();
    let cell = Cell::new(lines.join("\n"));
    match colour {
        Some(colour) => cell.fg(colour),
        None => cell,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_eighty_columns_no_number_date_or_word_is_broken() {
        let mut sheet = table(
            ["company", "certificate", "qualifications", "valid until", "days left", "file by", "state"],
            Colour::Never,
        )
        .giving_way(&["state", "qualifications", "file by"]);
        for company in ["河南省建筑设计研究院有限公司", "91350200776049653A", "甲"] {
            sheet.add_row([
                company,
                "A141002510",
                "工程设计建筑行业（建筑工程、人防工程）甲级",
                "2026-08-23",
                "174",
                "2026-06-24 passed",
                "superseded",
            ]);
        }
        for (width, words, why) in [
            (
                80,
                &["91350200776049653A", "A141002510", "2026-08-23", "174", "2026-06-24"][..],
                "columns give way",
            ),
            (
                120,
                &["91350200776049653A", "qualifications", "2026-08-23", "174", "superseded"],
                "all have room",
            ),
            (200, &["工程设计建筑行业（建筑工程、人防工程）甲级", "2026-06-24 passed"], "nothing is folded"),
        ] {
            let drawn = sheet.fitted(width).to_string();
            assert!(drawn.lines().all(|line| line.width() <= width), "{why}: {drawn}");
            for word in words {
                assert!(drawn.contains(word), "{why}: {word}: {drawn}");
            }
        }
    }

    #[test]
    fn plain_columns_have_a_row_a_line() {
        let mut sheet = table(["company", "holds"], Colour::Never);
        sheet.add_row(["甲", "一\n二"]);
        let plain = sheet.plain().to_string();
        let lines: Vec<&str> = plain.lines().map(str::trim_end).collect();
        assert_eq!(lines, ["company  holds", "甲       一; 二"]);
    }
}
