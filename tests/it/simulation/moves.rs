//! Certificates that go on under another number, as by a move from ministry to province (domain.md 10), and such as come back lower
//! than they went. It falls from dice of its own, over a truth that is there already: what an unmoved world is stays as it was.

use super::calendar::Day;
use super::dice::Dice;
use super::truth::{Chapter, Company, End, RowName, Sight, Truth, day_to_change};

/// Tells these dice from those of the world.
const SALT: u64 = 0x0000_6d6f_7665_7321;

/// Rows of a certificate, each with what is shown of it.
type Rows = Vec<(RowName, Sight)>;

pub fn move_some(seed: u64, truth: &mut Truth) {
    let mut dice = Dice::new(seed ^ SALT);
    let (first, last) = (truth.first, truth.last);
    for company in &mut truth.companies {
        let mut moves = Moves { dice: dice.fork(), first, last, company };
        for _ in 0..2 {
            moves.moves_elsewhere();
        }
        moves.is_held_twice();
        moves.comes_back_lower();
    }
}

struct Moves<'a> {
    dice: Dice,
    first: Day,
    last: Day,
    company: &'a mut Company,
}

impl Moves<'_> {
    fn day(&mut self) -> Day {
        day_to_change(&mut self.dice, self.first, self.last)
    }

    /// All rows of some certificate that is shown on that day, and whose ends can be read.
    fn a_certificate(&mut self, day: Day) -> Option<Rows> {
        let shown = self.company.shown_on(day);
        let numbers: Vec<&RowName> = shown.keys().collect();
        if numbers.is_empty() {
            return None;
        }
        let number = self.dice.pick(&numbers).number.clone();
        let rows: Rows = shown.into_iter().filter(|(row, _)| row.number == number).collect();
        rows.iter().all(|(_, sight)| sight.end.day().is_some()).then_some(rows)
    }

    /// The number with another authority in it (domain.md 1), if nobody ever had it.
    fn moved(&mut self, number: &str) -> Option<String> {
        let mut letters: Vec<char> = number.chars().collect();
        let authorities: Vec<char> = "123".chars().filter(|authority| *authority != letters[1]).collect();
        letters[1] = *self.dice.pick(&authorities);
        let moved: String = letters.into_iter().collect();
        (!self.company.rows.keys().any(|row| row.number == moved)).then_some(moved)
    }

    /// As a rule the new number comes as the old one goes, with the same grades and ends.
    fn moves_elsewhere(&mut self) {
        let day = self.day();
        let (Some(rows), true) = (self.a_certificate(day), self.dice.chance(45)) else { return };
        let Some(number) = self.moved(&rows[0].0.number) else { return };
        let (comes, goes) = match self.dice.between(0, 9) {
            0 => (day, day.plus(self.dice.between(1, 3))),
            1 => (day.plus(self.dice.between(1, 3)), day),
            _ => (day, day),
        };
        let keeps_its_issue_date = self.dice.chance(30);
        let (first_to_end_later, one_is_left_behind) = (self.dice.chance(15), self.dice.chance(10));
        for (place, (row, sight)) in rows.iter().enumerate() {
            if place == 1 && one_is_left_behind {
                continue;
            }
            let new = RowName { number: number.clone(), qualification: row.qualification };
            let mut sight = sight.clone();
            if let (End::On(end), true, 0) = (sight.end, first_to_end_later, place) {
                sight.end = End::On(end.months_away(12));
            }
            if !keeps_its_issue_date {
                sight.issued = comes;
            }
            // What was to become of the old one becomes of the new.
            let old = self.company.rows.get(row).cloned().unwrap_or_default();
            let later = old.iter().filter(|chapter| chapter.from > comes).cloned();
            let chapters = std::iter::once(Chapter { from: comes, sight: Some(sight) }).chain(later);
            self.company.rows.insert(new, chapters.collect());
            let mut before: Vec<Chapter> = old.into_iter().filter(|chapter| chapter.from < goes).collect();
            before.push(Chapter { from: goes, sight: None });
            self.company.rows.insert(row.clone(), before);
        }
        self.and_then(comes.max(goes), &number, &rows);
    }

    /// Of some the new number goes again, soon or late, or the old one is back beside it.
    fn and_then(&mut self, moved: Day, number: &str, rows: &Rows) {
        let rest = self.last.since(moved) - 12;
        if rest < 3 {
            return;
        }
        let later = moved.plus(self.dice.between(2, rest.min(45)));
        match self.dice.between(0, 9) {
            0 | 1 => {
                let shown = self.company.shown_on(later);
                for row in shown.into_keys().filter(|row| row.number == number) {
                    let chapters = self.company.rows.entry(row.clone()).or_default();
                    chapters.retain(|chapter| chapter.from < later);
                    self.company.set(later, &row, None);
                }
            }
            2 => {
                for (row, sight) in rows {
                    self.company.set(later, row, Some(sight.clone()));
                }
            }
            _ => {}
        }
    }

    /// A qualification of one certificate stands in another, too, at some other grade and end.
    fn is_held_twice(&mut self) {
        let day = self.day();
        let (Some(rows), true) = (self.a_certificate(day), self.dice.chance(40)) else { return };
        let (row, sight) = self.dice.pick(&rows).clone();
        let Some(number) = self.moved(&row.number) else { return };
        let grade = match self.dice.between(0, 2) {
            0 => lower(sight.grade),
            _ => sight.grade,
        };
        let from = if self.dice.chance(40) { self.first } else { day };
        let end = End::On(day.plus(self.dice.between(-100, 900)));
        let twin = RowName { number, qualification: row.qualification };
        let issued = from.plus(-self.dice.between(1, 400));
        self.company.set(from, &twin, Some(Sight { grade, end, issued, ..sight }));
        let rest = self.last.since(day) - 12;
        if rest > 3 && self.dice.chance(50) {
            let gone = day.plus(self.dice.between(1, rest));
            self.company.set(gone, &twin, None);
        }
    }

    /// It goes, and comes back under its own number or another one, with lower grades.
    fn comes_back_lower(&mut self) {
        let day = self.day();
        let (Some(rows), true) = (self.a_certificate(day), self.dice.chance(35)) else { return };
        let away = *self.dice.pick(&[0, 1, 2, 3, 8, 30]);
        let back = day.plus(away);
        let number = if self.dice.chance(50) { Some(rows[0].0.number.clone()) } else { None };
        let Some(number) = number.or_else(|| self.moved(&rows[0].0.number)) else { return };
        let is_in_time = back <= self.last.plus(-12);
        for (row, sight) in rows {
            let later: Vec<Chapter> = self.company.rows.remove(&row).unwrap_or_default();
            let before = later.into_iter().filter(|chapter| chapter.from < day).collect();
            self.company.rows.insert(row.clone(), before);
            self.company.set(day, &row, None);
            if is_in_time {
                let again = RowName { number: number.clone(), qualification: row.qualification };
                let grade = if self.dice.chance(70) { lower(sight.grade) } else { sight.grade };
                self.company.set(back, &again, Some(Sight { grade, issued: back, ..sight }));
            }
        }
    }
}

fn lower(grade: &'static str) -> &'static str {
    match grade {
        "特级" => "一级",
        "一级" => "二级",
        "二级" => "三级",
        "甲级" => "乙级",
        "乙级" => "丙级",
        other => other,
    }
}
