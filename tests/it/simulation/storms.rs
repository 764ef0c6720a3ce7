//! Makes the weather of a world: which faults come, when, and to whom.

use std::collections::BTreeMap;

use super::calendar::Day;
use super::dice::Dice;
use super::truth::{Company, End, RowName, Sight, Spelling, Truth};
use super::weather::{Blow, Edit, Fault, Lie, Mail, Manner, Weather, What};
use crate::support::crashing::STEPS;

/// What upstream answers with while it is down.
const DOWN: [Manner; 7] = [
    Manner::Status(503),
    Manner::Status(302),
    Manner::Portal,
    Manner::Code(265_000),
    Manner::Code(10_014),
    Manner::Code(10_020),
    Manner::Code(265_003),
];
/// What stops all asking.
const STOPS: [Manner; 5] = [
    Manner::Code(10_012),
    Manner::Code(10_012),
    Manner::Code(10_001),
    Manner::Code(10_011),
    Manner::Code(10_013),
];
/// What one company alone is answered with.
const ALONE: [Manner; 8] = [
    Manner::Short,
    Manner::Shuffled,
    Manner::Status(500),
    Manner::Code(265_005),
    Manner::Code(265_002),
    Manner::Nothing,
    Manner::Code(265_004),
    Manner::OtherCompany,
];
/// What can only be answered about more than one page.
const PAGES: [Manner; 3] = [Manner::Short, Manner::TotalMoves, Manner::FirstPageAgain];
const WORDS: [&str; 4] = ["-", "长期", "见附件", "2023-02-29"];

pub fn weather(dice: &mut Dice, truth: &Truth) -> Weather {
    let mut storms = Storms { truth, dice: dice.fork(), weather: Weather::default() };
    storms.for_everybody();
    for company in 0..truth.companies.len() {
        storms.of_a_company(company);
        storms.edits(company);
    }
    storms.masses();
    storms.blows();
    storms.mail();
    // From dice of their own: what came before stays what it was.
    storms.dice = dice.fork();
    storms.more_mail();
    storms.weather
}

struct Storms<'a> {
    truth: &'a Truth,
    dice: Dice,
    weather: Weather,
}

impl Storms<'_> {
    fn span(&self) -> i32 {
        self.truth.last.since(self.truth.first)
    }

    fn some_day(&mut self) -> Day {
        let span = self.span();
        self.truth.first.plus(self.dice.between(1, span))
    }

    fn add(&mut self, from: Day, days: i32, until_hour: i64, company: Option<usize>, what: What) {
        let to = from.plus(days - 1).min(self.truth.last);
        self.weather.faults.push(Fault { from, to, until_hour, company, what });
    }

    fn for_everybody(&mut self) {
        for _ in 0..self.dice.between(1, 2 + self.span() / 200) {
            let from = self.some_day();
            let days = *self.dice.pick(&[1, 1, 1, 2, 2, 3, 5, 11]);
            let until = *self.dice.pick(&[9, 12, 14, 24, 24]);
            let manner = *self.dice.pick(&DOWN);
            self.add(from, days, until, None, What::Manner(manner));
        }
        for _ in 0..self.dice.between(0, 2) {
            let from = self.some_day();
            let days = self.dice.between(1, 2);
            let until = *self.dice.pick(&[10, 24]);
            let manner = *self.dice.pick(&STOPS);
            self.add(from, days, until, None, What::Manner(manner));
        }
    }

    fn of_a_company(&mut self, company: usize) {
        let scale = self.span() / 200;
        for _ in 0..self.dice.between(0, scale) {
            let from = self.some_day();
            let days = *self.dice.pick(&[1, 1, 2, 2, 3, 4, 9]);
            let manner = *self.dice.pick(&ALONE);
            self.add(from, days, 24, Some(company), What::Manner(manner));
        }
        if self.truth.companies[company].shown_on(self.truth.first).len() > 20 {
            for manner in PAGES {
                let from = self.some_day();
                let days = *self.dice.pick(&[1, 2, 5]);
                self.add(from, days, 24, Some(company), What::Manner(manner));
            }
        }
        for _ in 0..self.dice.between(1, 3 * scale) {
            self.lie(company);
        }
    }

    /// A lie of one look, of two, or every other day for a while.
    fn lie(&mut self, company: usize) {
        let from = self.some_day();
        let shown = self.truth.companies[company].shown_on(from);
        let rows: Vec<(&RowName, &Sight)> = shown.iter().collect();
        if rows.is_empty() {
            return;
        }
        let (row, sight) = *self.dice.pick(&rows);
        let number = row.number.clone();
        let lie = match self.dice.between(0, 9) {
            0..3 => Lie::WithoutCertificate(number),
            3 => Lie::WithoutRow(row.clone()),
            4 => Lie::LaterEnd(number, self.dice.between(100, 1000)),
            5 => Lie::EarlierEnd(number),
            6 => Lie::EndInWords(number, self.dice.pick::<&'static str>(&WORDS)),
            7 => Lie::Grade(row.clone(), if sight.grade == "一级" { "特级" } else { "一级" }),
            8 => Lie::Grade(row.clone(), if sight.grade == "乙级" { "丙级" } else { "乙级" }),
            _ => {
                let number = number.replacen("41", "37", 1);
                let end = End::On(from.plus(self.dice.between(20, 900)));
                let issued = from.plus(-30);
                let row = RowName { number, qualification: row.qualification };
                Lie::OneMore(row, Sight { grade: sight.grade, end, issued, spelling: Spelling::Plain })
            }
        };
        match self.dice.between(0, 9) {
            0..6 => self.add(from, 1, 24, Some(company), What::Lie(lie)),
            6..8 => self.add(from, 2, 24, Some(company), What::Lie(lie)),
            8 => {
                for again in 0..self.dice.between(2, 6) {
                    self.add(from.plus(again * 2), 1, 24, Some(company), What::Lie(lie.clone()));
                }
            }
            _ => {
                let days = self.dice.between(3, 12);
                self.add(from, days, 24, Some(company), What::Lie(lie));
            }
        }
    }

    /// Many companies lose something at once, for fewer looks than it takes, or for good.
    fn masses(&mut self) {
        for _ in 0..self.dice.between(0, 1 + self.span() / 400) {
            let from = self.some_day();
            let days = self.dice.between(1, 5);
            let everybody = self.dice.chance(50);
            let nothing = self.dice.chance(25);
            if nothing {
                self.add(from, days, 24, None, What::Manner(Manner::Nothing));
                continue;
            }
            for company in 0..self.truth.companies.len() {
                if everybody || self.dice.chance(70) {
                    self.add(from, days, 24, Some(company), What::Lie(Lie::OnlyTheFirst));
                }
            }
        }
    }

    /// Taken out and put back; somebody else is to hear, too.
    fn edits(&mut self, company: usize) {
        let edit = |storms: &mut Self, day: Day, edit: Edit| {
            if day <= storms.truth.last {
                storms.weather.edits.entry(day).or_default().push(edit);
            }
        };
        if self.dice.chance(20) {
            let day = self.some_day();
            let away = *self.dice.pick(&[2, 9, 25, 33, 60]);
            edit(self, day, Edit::Out(company));
            edit(self, day.plus(away), Edit::In(company));
        }
        if self.dice.chance(30) {
            let day = self.some_day();
            let length = self.dice.between(5, 200);
            edit(self, day, Edit::TwoReaders(company));
            edit(self, day.plus(length), Edit::OneReader(company));
        }
    }

    /// Kills, cut connections, more daemons, a clock that is wrong.
    fn blows(&mut self) {
        let per_mille = *self.dice.pick(&[0, 20, 60]);
        let mut day = self.truth.first;
        while day <= self.truth.last {
            if self.dice.between(1, 1000) <= per_mille {
                let step = *self.dice.pick(&STEPS);
                let nth = usize::try_from(self.dice.between(1, 4)).unwrap();
                let blow = match self.dice.between(0, 11) {
                    0..6 => Blow::Kill(step, nth),
                    6..8 => Blow::CutConnections(step, nth),
                    8..10 => Blow::Daemons(*self.dice.pick(&[2, 3])),
                    _ => Blow::Clock(*self.dice.pick(&[3, -3])),
                };
                // Whoever is new is asked at once, and again when the day's hour comes: not a day to be wrong about.
                let is_new = |company: &Company| company.keywords.iter().any(|(from, _)| *from == day);
                let is_edited =
                    self.truth.companies.iter().any(is_new) || self.weather.edits.contains_key(&day);
                if matches!(blow, Blow::Clock(_)) && is_edited {
                    day = day.plus(1);
                    continue;
                }
                let blows: &mut BTreeMap<Day, Vec<Blow>> = &mut self.weather.blows;
                blows.entry(day).or_default().push(blow);
            }
            day = day.plus(1);
        }
    }

    fn mail(&mut self) {
        for _ in 0..self.dice.between(0, self.span() / 60) {
            let from = self.some_day();
            let mail = *self.dice.pick(&[
                Mail::Away,
                Mail::Later,
                Mail::LaterAtRcpt,
                Mail::LaterAtDot,
                Mail::LostAfterDot,
                Mail::UnknownAll,
                Mail::RefusedLate,
                Mail::InGbk,
                Mail::OnePerConnection,
            ]);
            for more in 0..*self.dice.pick(&[1, 1, 2, 3, 5]) {
                let day = from.plus(more).min(self.truth.last);
                self.weather.mail.insert(day, mail);
            }
        }
    }

    fn more_mail(&mut self) {
        for _ in 0..self.dice.between(0, self.span() / 100) {
            let from = self.some_day();
            let mail = *self.dice.pick(&[Mail::Slow, Mail::Greylisted, Mail::Restarted]);
            for more in 0..*self.dice.pick(&[1, 1, 2, 4]) {
                let day = from.plus(more).min(self.truth.last);
                self.weather.mail.entry(day).or_insert(mail);
            }
        }
    }
}
