//! What data of real shape has besides (domain.md 10): rows without a number, one name written in several ways, labour that is only
//! registered, certificates of several ends, exchanges, names that a wider one absorbs. It falls from dice of its own, over a truth that is there already: what a
//! plain world is stays as it was.

use std::collections::BTreeSet;

use super::calendar::Day;
use super::dice::Dice;
use super::truth::{Company, End, RowName, Sight, Spelling, Truth, day_to_change};

/// Tells these dice from those of the world.
const SALT: u64 = 0x0073_6861_7065_7321;

/// No page is full because of a row without a number: how many pages an answer has does not change.
const ROWS_MAX: usize = 15;

/// Gives the companies what real ones have.
pub fn shape(seed: u64, truth: &mut Truth) {
    let mut dice = Dice::new(seed ^ SALT);
    let (first, last) = (truth.first, truth.last);
    for (index, company) in truth.companies.iter_mut().enumerate() {
        let mut shape = Shape { dice: dice.fork(), index, first, last, company, serial: 90 };
        shape.has_rows_without_a_number();
        shape.is_written_otherwise();
        shape.has_labour();
        shape.is_renewed_in_part();
        shape.is_exchanged();
        shape.is_absorbed();
    }
}

struct Shape<'a> {
    dice: Dice,
    index: usize,
    first: Day,
    last: Day,
    company: &'a mut Company,
    serial: u32,
}

impl Shape<'_> {
    fn day(&mut self) -> Day {
        day_to_change(&mut self.dice, self.first, self.last)
    }

    fn number(&mut self, letter: char) -> String {
        self.serial += 1;
        format!("{letter}241{:03}{}{}", self.index, self.serial, self.serial % 10)
    }

    /// A row that is shown on that day, of which `is_it` is true.
    fn a_row(&mut self, day: Day, is_it: impl Fn(&RowName, &Sight) -> bool) -> Option<(RowName, Sight)> {
        let shown = self.company.shown_on(day);
        let rows: Vec<_> = shown.into_iter().filter(|(row, sight)| is_it(row, sight)).collect();
        (!rows.is_empty()).then(|| self.dice.pick(&rows).clone())
    }

    fn has_rows_without_a_number(&mut self) {
        if self.company.rows.len() > ROWS_MAX || !self.dice.chance(30) {
            return;
        }
        for _ in 0..self.dice.between(1, 2) {
            let from = if self.dice.chance(20) { self.first } else { self.day() };
            let to = from.plus(self.dice.between(0, 60));
            self.company.unnumbered.push((from, to));
        }
    }

    fn is_written_otherwise(&mut self) {
        for _ in 0..2 {
            let day = self.day();
            let Some((row, sight)) = self.a_row(day, |row, _| row.qualification.starts_with("特种")) else {
                continue;
            };
            self.company.set(day, &row, Some(Sight { spelling: Spelling::Alias, ..sight }));
        }
    }

    /// A certificate of labour, which is registered: no day to apply is prescribed, and its name is written in three ways.
    fn has_labour(&mut self) {
        if !self.dice.chance(25) {
            return;
        }
        let row = RowName { number: self.number('D'), qualification: "施工劳务" };
        let span = self.last.since(self.first);
        let end = self.first.plus(self.dice.between(-30, span + 150));
        let issued = self.first.min(end).plus(-self.dice.between(100, 900));
        let sight = Sight { grade: "不分等级", end: End::On(end), issued, spelling: Spelling::Plain };
        let from = if self.dice.chance(60) { self.first } else { self.day() };
        self.company.set(from, &row, Some(sight.clone()));
        let day = self.day();
        if day > from && self.dice.chance(60) {
            let spelling = *self.dice.pick(&[Spelling::Alias, Spelling::Formal]);
            self.company.set(day, &row, Some(Sight { spelling, ..sight.clone() }));
        }
        let after = end.plus(self.dice.between(-20, 20));
        if after > day && after <= self.last && self.dice.chance(50) {
            let renewed = Sight { end: End::On(end.months_away(36)), issued: after, ..sight };
            let goes_on = self.dice.chance(70);
            self.company.set(after, &row, goes_on.then_some(renewed));
        }
    }

    /// Of a certificate with several rows one is renewed, and the others go on to their end.
    fn is_renewed_in_part(&mut self) {
        let day = self.day();
        let shown = self.company.shown_on(day);
        let numbers: Vec<&str> = shown.keys().map(|row| row.number.as_str()).collect();
        let several: BTreeSet<&str> =
            numbers.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect();
        let several: Vec<String> = several.into_iter().map(str::to_owned).collect();
        if several.is_empty() || !self.dice.chance(60) {
            return;
        }
        let number = self.dice.pick(&several).clone();
        let Some((row, sight)) = self.a_row(day, |row, _| row.number == number) else { return };
        let until = sight.end.day().unwrap_or(day).max(day).months_away(*self.dice.pick(&[12, 60]));
        self.company.set(day, &row, Some(Sight { end: End::On(until), issued: day, ..sight }));
    }

    /// An abolished grade is exchanged for the one above it, for a year, in the same certificate or under another number.
    fn is_exchanged(&mut self) {
        let day = self.day();
        let above = |row: &RowName, sight: &Sight| match (row.number.starts_with('D'), sight.grade) {
            (true, "三级") => Some("二级"),
            (false, "丙级") => Some("乙级"),
            _ => None,
        };
        let Some((row, sight)) = self.a_row(day, |row, sight| above(row, sight).is_some()) else { return };
        let happens = self.dice.chance(60);
        let Some(grade) = above(&row, &sight).filter(|_| happens) else { return };
        let end = End::On(day.months_away(12).plus(-self.dice.between(0, 1)));
        let exchanged = Sight { grade, end, issued: day, spelling: Spelling::Plain };
        if self.dice.chance(50) {
            self.company.set(day, &row, Some(exchanged));
            return;
        }
        let letter = row.number.chars().next().unwrap_or('D');
        let new = RowName { number: self.number(letter), qualification: row.qualification };
        self.company.set(day, &new, Some(exchanged));
        let gone = day.plus(self.dice.between(0, 20)).min(self.last);
        if self.dice.chance(70) {
            self.company.set(gone, &row, None);
        }
    }

    /// A wider qualification comes under a number of its own, and what it covers goes: at once, later, or not at all.
    fn is_absorbed(&mut self) {
        const WATER: &str = "工程设计市政行业给水工程专业";
        let day = self.day();
        let is_narrow = |row: &RowName, _: &Sight| row.number.starts_with('E') || row.qualification == WATER;
        let Some((row, sight)) = self.a_row(day, is_narrow) else { return };
        let Some(end) = sight.end.day().filter(|_| self.dice.chance(55)) else { return };
        let (letter, qualification, grade) = match row.qualification {
            WATER => ('A', "工程设计市政行业", *self.dice.pick(&["甲级", "乙级"])),
            _ => ('E', "工程监理综合资质", ""),
        };
        let wider = RowName { number: self.number(letter), qualification };
        // As a rule it runs on for long; now and then it ends on the same day, or before.
        let until = match self.dice.between(0, 9) {
            0 => end,
            1 => end.plus(-5),
            _ => end.max(day).plus(self.dice.between(100, 1500)),
        };
        let spelling = Spelling::Plain;
        self.company.set(day, &wider, Some(Sight { grade, end: End::On(until), issued: day, spelling }));
        let gone = day.plus(*self.dice.pick(&[0, 0, 1, 3, 15])).min(self.last);
        if self.dice.chance(80) {
            let of_certificate = self.company.shown_on(gone).into_keys();
            let narrow: Vec<RowName> = of_certificate
                .filter(|other| other.number == row.number && is_narrow(other, &sight))
                .collect();
            for row in narrow {
                self.company.set(gone, &row, None);
            }
        }
        // The wider one itself may go: what it covered is then told with it, or was told as absorbed.
        let span = self.last.since(gone);
        if span > 20 && self.dice.chance(25) {
            let later = gone.plus(self.dice.between(2, span - 12));
            self.company.set(later, &wider, None);
        }
    }
}
