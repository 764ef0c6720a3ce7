//! Makes a truth: what befalls each company, day by day, from the dice.

use std::collections::{BTreeMap, BTreeSet};

use super::calendar::Day;
use super::dice::Dice;
use super::truth::{Chapter, Company, End, RowName, Sight, Spelling, Step, Truth, step};

/// Qualifications by the letter of the certificate (domain.md 1), with their grades from low to high.
const FAMILIES: [(char, &[&str], &[&str]); 4] = [
    (
        'D',
        &[
            "建筑工程施工总承包",
            "市政公用工程施工总承包",
            "机电工程施工总承包",
            "特种工程（结构补强）专业承包",
        ],
        &["三级", "二级", "一级", "特级"],
    ),
    (
        'A',
        &["工程设计市政行业给水工程专业", "工程设计军工行业坦克、装甲车辆工程专业"],
        &["丙级", "乙级", "甲级"],
    ),
    ('B', &["工程勘察专业类（岩土工程）", "工程勘察专业类工程测量"], &["丙级", "乙级", "甲级"]),
    ('E', &["工程监理市政公用工程专业", "工程监理房屋建筑工程专业"], &["丙级", "乙级", "甲级"]),
];

/// Ends that no day can be read from (domain.md 9).
const WORDS: [&str; 5] = ["长期", "-", "", "见附件", "2099-12-31"];

/// What is to happen to a certificate when its end is near, unless the end has moved until then.
#[derive(Debug, Clone)]
enum Deed {
    Something,
    Renew { number: String, end: Day },
    Drop { number: String, end: Day },
    Back { number: String, rows: Vec<(RowName, Sight)>, renewed: bool },
    Reworded { number: String, end: Day },
    Decree { until: Day },
}

/// Makes the truth of a world of this many companies and days.
pub fn truth(dice: &mut Dice, companies: i32, days: i32) -> Truth {
    let first = Day::of(2026, 1, 5).plus(dice.between(0, 700));
    let last = first.plus(days);
    let decrees: Vec<(Day, Day)> = (0..dice.between(0, 2))
        .map(|_| {
            let day = first.plus(dice.between(20, days - 40));
            (day, Day::of(day.plus(dice.between(200, 500)).civil().0, 12, 31))
        })
        .collect();
    // Many companies are asked once a week, as an operator with a budget would have it.
    let weekly = if companies > 12 { 90 } else { *dice.pick(&[15, 50, 85]) };
    let companies = (0..companies).map(|index| {
        let mut fates = Fates::new(dice.fork(), index, first, last);
        fates.company.weekly = fates.dice.chance(weekly);
        fates.is_called();
        fates.begin(&decrees);
        fates.live();
        fates.company
    });
    let companies: Vec<Company> = companies.collect();
    let watched = (0..companies.len()).collect();
    let concurrency = *dice.pick(&[1, 1, 2, 4]);
    Truth { first, last, companies, watched, concurrency }
}

struct Fates {
    dice: Dice,
    index: i32,
    serial: i32,
    first: Day,
    last: Day,
    company: Company,
    to_come: BTreeMap<Day, Vec<Deed>>,
}

impl Fates {
    fn new(dice: Dice, index: i32, first: Day, last: Day) -> Self {
        let names = vec![(first, format!("第{index}建设有限公司"))];
        let company = Company {
            id: format!("5f{index:022x}"),
            keywords: names.clone(),
            names,
            imported_anew: None,
            weekly: false,
            unnumbered: Vec::new(),
            rows: BTreeMap::new(),
        };
        Self { dice, index, serial: 0, first, last, company, to_come: BTreeMap::new() }
    }

    fn begin(&mut self, decrees: &[(Day, Day)]) {
        for (day, until) in decrees {
            self.later(*day, Deed::Decree { until: *until });
        }
        let many = self.dice.chance(6);
        for _ in 0..if many { self.dice.between(21, 24) } else { self.dice.between(1, 4) } {
            let span = self.last.since(self.first);
            let end = match self.dice.between(0, 9) {
                0 => Day::of(2028, 2, 29),
                1 => Day::of(self.last.civil().0, 12, 31),
                // A company of two pages keeps most of what it has: it is there for its pages.
                _ if many => self.last.plus(self.dice.between(200, 400)),
                _ => self.first.plus(self.dice.between(-260, span + 200)),
            };
            let issued = self.first.min(end).plus(-self.dice.between(30, 1500));
            self.certificate(self.first, end, issued);
        }
        let mut day = self.first;
        loop {
            day = day.plus(self.dice.between(8, 90));
            if day > self.last {
                return;
            }
            self.later(day, Deed::Something);
        }
    }

    /// Some are renamed, and found by their new name only; some are imported anew under another id.
    fn is_called(&mut self) {
        let span = self.last.since(self.first);
        let day = self.first.plus(self.dice.between(30, span - 10));
        match self.dice.between(0, 9) {
            0..2 => {
                let name = format!("第{}建工集团有限公司", self.index);
                let noticed = day.plus(*self.dice.pick(&[0, 1, 2, 2, 6]));
                self.company.names.push((day, name.clone()));
                self.company.keywords.push((noticed, name));
            }
            2..4 => self.company.imported_anew = Some(day),
            _ => {}
        }
    }

    fn live(&mut self) {
        while let Some((day, deeds)) = self.to_come.pop_first() {
            for deed in deeds {
                self.happens(day, deed);
            }
        }
    }

    fn later(&mut self, day: Day, deed: Deed) {
        if day > self.first && day <= self.last {
            self.to_come.entry(day).or_default().push(deed);
        }
    }

    /// What is shown as of the last chapters.
    fn now(&self) -> BTreeMap<RowName, Sight> {
        self.company.shown_on(Day(i32::MAX))
    }

    fn rows_of(&self, number: &str) -> Vec<(RowName, Sight)> {
        self.now().into_iter().filter(|(name, _)| name.number == number).collect()
    }

    fn set(&mut self, day: Day, name: &RowName, sight: Option<Sight>) {
        let chapters = self.company.rows.entry(name.clone()).or_default();
        chapters.retain(|chapter| chapter.from != day);
        chapters.push(Chapter { from: day, sight });
    }

    fn number(&mut self, letter: char) -> String {
        self.serial += 1;
        let level = self.dice.between(1, 3);
        format!("{letter}{level}41{:03}{:02}{}", self.index, self.serial, self.serial % 10)
    }

    /// A new certificate of some family.
    fn certificate(&mut self, day: Day, end: Day, issued: Day) {
        let (letter, names, grades) = *self.dice.pick(&FAMILIES);
        let number = self.number(letter);
        let count = self.dice.between(1, i32::try_from(names.len()).unwrap().min(3));
        let names: BTreeSet<_> = (0..count).map(|_| *self.dice.pick(names)).collect();
        let rows = names.into_iter().map(|qualification| {
            let grade =
                if qualification.starts_with("特种") { "不分等级" } else { self.dice.pick(grades) };
            let name = RowName { number: number.clone(), qualification };
            (name, Sight { grade, end: End::On(end), issued, spelling: Spelling::Plain })
        });
        let rows: Vec<_> = rows.collect();
        self.list(day, rows);
    }

    fn list(&mut self, day: Day, rows: Vec<(RowName, Sight)>) {
        let Some((name, end)) =
            rows.first().and_then(|(name, sight)| Some((name.number.clone(), sight.end.day()?)))
        else {
            return;
        };
        for (name, sight) in rows {
            self.set(day, &name, Some(sight));
        }
        self.destine(name, end);
    }

    /// Decides how a certificate's end will be met.
    fn destine(&mut self, number: String, end: Day) {
        let renew = Deed::Renew { number: number.clone(), end };
        let drop = Deed::Drop { number, end };
        let early = end.plus(-self.dice.between(0, 170));
        let late = end.plus(self.dice.between(1, 60));
        match self.dice.between(0, 99) {
            0..40 => self.later(early, renew),
            40..55 => self.later(late, renew),
            55..70 => self.later(end, drop),
            70..76 => self.later(end.plus(-1), drop),
            76..86 => self.later(late, drop),
            _ => {}
        }
    }

    fn happens(&mut self, day: Day, deed: Deed) {
        match deed {
            Deed::Something => self.something(day),
            Deed::Renew { number, end } => self.renew(day, &number, end),
            Deed::Drop { number, end } => {
                let rows = self.ending(&number, end);
                for (name, _) in &rows {
                    self.set(day, name, None);
                }
                if !rows.is_empty() && self.dice.chance(40) {
                    let back = day.plus(self.dice.between(2, 50));
                    self.later(back, Deed::Back { number, rows, renewed: true });
                }
            }
            Deed::Back { number, rows, renewed } => self.back(day, &number, rows, renewed),
            Deed::Reworded { number, end } => {
                for (name, sight) in self.rows_of(&number) {
                    if sight.end.day().is_none() {
                        self.set(day, &name, Some(Sight { end: End::On(end), ..sight }));
                    }
                }
            }
            Deed::Decree { until } => {
                for (name, sight) in self.now() {
                    let End::On(end) = sight.end else { continue };
                    if end > day && end < until && end.since(day) < 250 {
                        self.set(day, &name, Some(Sight { end: End::On(until), ..sight }));
                    }
                }
            }
        }
    }

    /// The rows of a certificate that still end then.
    fn ending(&self, number: &str, end: Day) -> Vec<(RowName, Sight)> {
        self.rows_of(number).into_iter().filter(|(_, sight)| sight.end == End::On(end)).collect()
    }

    /// A new validity from about this day on.
    fn validity(&mut self, day: Day) -> (Day, Day) {
        let issued = day.plus(-self.dice.between(0, 5));
        let months = if self.dice.chance(50) { 12 } else { 60 };
        (issued, issued.months_away(months).plus(-self.dice.between(0, 1)))
    }

    fn renew(&mut self, day: Day, number: &str, end: Day) {
        let (issued, mut until) = self.validity(day);
        if until <= end {
            until = end.months_away(12);
        }
        let rows = self.ending(number, end);
        for (name, sight) in &rows {
            self.set(day, name, Some(Sight { end: End::On(until), issued, ..sight.clone() }));
        }
        if !rows.is_empty() {
            self.destine(number.to_owned(), until);
        }
    }

    fn back(&mut self, day: Day, number: &str, rows: Vec<(RowName, Sight)>, renewed: bool) {
        if !self.rows_of(number).is_empty() {
            return;
        }
        let (issued, until) = self.validity(day);
        let again = |(name, sight): (RowName, Sight)| {
            let renewed = renewed && sight.end.day().is_some_and(|end| until > end);
            let sight = if renewed { Sight { end: End::On(until), issued, ..sight } } else { sight };
            (name, sight)
        };
        self.list(day, rows.into_iter().map(again).collect());
    }

    fn something(&mut self, day: Day) {
        let now = self.now();
        let names: Vec<&RowName> = now.keys().collect();
        if names.is_empty() {
            let (issued, end) = self.validity(day);
            return self.certificate(day, end, issued);
        }
        let name = (*self.dice.pick(&names)).clone();
        let sight = now[&name].clone();
        match self.dice.between(0, 13) {
            0 => self.regrade(day, &name, &sight, Step::Up),
            1 => self.regrade(day, &name, &sight, Step::Down),
            2 => self.regrade(day, &name, &sight, Step::Across),
            3 => {
                let spelling = *self.dice.pick(&[Spelling::Plain, Spelling::Blanks, Spelling::Formal]);
                self.set(day, &name, Some(Sight { spelling, ..sight }));
            }
            4 => self.one_more(day, &name, &sight),
            5 => self.set(day, &name, None),
            6 => {
                let (issued, end) = self.validity(day);
                self.certificate(day, end, issued);
            }
            7 => self.replace(day, &name.number),
            8 => self.downgrade(day, &name.number),
            9 => {
                let (issued, until) = self.validity(day);
                if sight.end.day().is_some_and(|end| until > end) {
                    self.set(day, &name, Some(Sight { end: End::On(until), issued, ..sight }));
                }
            }
            10 => {
                for (name, sight) in self.rows_of(&name.number) {
                    self.set(day, &name, Some(Sight { issued: day.plus(-1), ..sight }));
                }
            }
            11 => self.reword_end(day, &name.number),
            12 => self.shorten(day, &name.number),
            _ => {
                let rows = self.rows_of(&name.number);
                for (name, _) in &rows {
                    self.set(day, name, None);
                }
                if self.dice.chance(60) {
                    let number = name.number;
                    let renewed = self.dice.chance(30);
                    let back = day.plus(self.dice.between(3, 80));
                    self.later(back, Deed::Back { number, rows, renewed });
                }
            }
        }
    }

    fn regrade(&mut self, day: Day, name: &RowName, sight: &Sight, direction: Step) {
        let across: &[&'static str] = &["甲级", "乙级"];
        let grades = FAMILIES.iter().find(|(letter, ..)| name.number.starts_with(*letter)).unwrap().2;
        let all = grades.iter().chain(across);
        let fitting: Vec<_> = all.filter(|grade| step(sight.grade, grade) == direction).collect();
        if !fitting.is_empty() && sight.grade != "不分等级" {
            let grade = **self.dice.pick(&fitting);
            let issued = if self.dice.chance(50) { day } else { sight.issued };
            self.set(day, name, Some(Sight { grade, issued, ..sight.clone() }));
        }
    }

    fn one_more(&mut self, day: Day, like: &RowName, sight: &Sight) {
        let (_, names, grades) =
            *FAMILIES.iter().find(|(letter, ..)| like.number.starts_with(*letter)).unwrap();
        let qualification: &'static str = self.dice.pick::<&'static str>(names);
        let name = RowName { number: like.number.clone(), qualification };
        if self.now().contains_key(&name) {
            return;
        }
        let grade =
            if name.qualification.starts_with("特种") { "不分等级" } else { self.dice.pick(grades) };
        self.set(day, &name, Some(Sight { grade, ..sight.clone() }));
    }

    /// A new number takes over all of an old one, which stays to its end or is dropped earlier.
    fn replace(&mut self, day: Day, old: &str) {
        let rows = self.rows_of(old);
        let ends = rows.iter().filter_map(|(_, sight)| sight.end.day());
        let Some(last) = ends.max() else { return };
        let number = self.number(old.chars().next().unwrap());
        let until = last.max(day).plus(self.dice.between(200, 1500));
        let new = |(name, sight): &(RowName, Sight)| {
            let name = RowName { number: number.clone(), qualification: name.qualification };
            (name, Sight { end: End::On(until), issued: day, ..sight.clone() })
        };
        let new: Vec<_> = rows.iter().map(new).collect();
        self.list(day, new);
        let gone = if self.dice.chance(50) { last } else { day.plus(self.dice.between(10, 60)) };
        if gone > day {
            for (name, sight) in rows {
                if let End::On(end) = sight.end {
                    self.later(gone, Deed::Drop { number: name.number, end });
                }
            }
        }
    }

    fn downgrade(&mut self, day: Day, old: &str) {
        let rows = self.rows_of(old);
        let number = self.number(old.chars().next().unwrap());
        let (issued, until) = self.validity(day);
        let mut new = Vec::new();
        for (name, sight) in &rows {
            let grade = match sight.grade {
                "特级" => "一级",
                "一级" => "二级",
                "甲级" => "乙级",
                other => other,
            };
            let lower = RowName { number: number.clone(), qualification: name.qualification };
            let spelling = Spelling::Plain;
            new.push((lower, Sight { grade, end: End::On(until), issued, spelling }));
            self.set(day, name, None);
        }
        self.list(day, new);
    }

    fn reword_end(&mut self, day: Day, number: &str) {
        let words = *self.dice.pick(&WORDS);
        let length = self.dice.between(1, 60);
        for (name, sight) in self.rows_of(number) {
            if let End::On(end) = sight.end {
                self.set(day, &name, Some(Sight { end: End::Words(words), ..sight }));
                self.later(day.plus(length), Deed::Reworded { number: number.to_owned(), end });
            }
        }
    }

    fn shorten(&mut self, day: Day, number: &str) {
        let by = self.dice.between(10, 200);
        for (name, sight) in self.rows_of(number) {
            if let End::On(end) = sight.end
                && end.plus(-by) > sight.issued
            {
                self.set(day, &name, Some(Sight { end: End::On(end.plus(-by)), ..sight }));
            }
        }
    }
}
