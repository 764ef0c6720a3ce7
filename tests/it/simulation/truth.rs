//! What is true: for each company the rows of the registry, each with the chapters of its life. A row is one qualification
//! in one certificate; a chapter says from which day on the registry states what of it.

use std::collections::{BTreeMap, BTreeSet};

use super::calendar::Day;
use super::dice::Dice;

/// Everything true of a world, from the first day to the last.
#[derive(Debug, Clone)]
pub struct Truth {
    pub first: Day,
    pub last: Day,
    pub companies: Vec<Company>,
    /// The companies in the watchlist.
    pub watched: BTreeSet<usize>,
    /// How many are asked at a time.
    pub concurrency: i32,
}

/// One company.
#[derive(Debug, Clone)]
pub struct Company {
    /// 资格id up to its `-`.
    pub id: String,
    /// What it is found by, from when on.
    pub names: Vec<(Day, String)>,
    /// What the watchlist asks for, from when on: whoever edits it learns of a new name a little late.
    pub keywords: Vec<(Day, String)>,
    /// From when on its certificates stand under another id: the crawler imported them anew.
    pub imported_anew: Option<Day>,
    pub weekly: bool,
    /// On which days a row without a certificate number is shown beside the others, the first and the last.
    pub unnumbered: Vec<(Day, Day)>,
    pub rows: BTreeMap<RowName, Vec<Chapter>>,
}

/// Names a row within a company.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowName {
    pub number: String,
    pub qualification: &'static str,
}

/// From this day on the row is shown like this, or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chapter {
    pub from: Day,
    pub sight: Option<Sight>,
}

/// What the registry states of a row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sight {
    pub grade: &'static str,
    pub end: End,
    pub issued: Day,
    /// The same in other letters: no change.
    pub spelling: Spelling,
}

/// The end of validity as it is stated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    On(Day),
    /// A text that is no day.
    Words(&'static str),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Spelling {
    Plain,
    /// Half-width brackets, a blank before the grade.
    Blanks,
    /// 壹级 for 一级, full-width letters in the date.
    Formal,
    /// Another name of the same qualification, where it has one.
    Alias,
}

impl End {
    pub fn day(self) -> Option<Day> {
        match self {
            Self::On(day) => Some(day),
            Self::Words(_) => None,
        }
    }
}

impl Truth {
    /// From the day after this one on nothing changes.
    pub fn end_on(&mut self, last: Day) {
        self.last = last;
        for company in &mut self.companies {
            for chapters in company.rows.values_mut() {
                chapters.retain(|chapter| chapter.from <= last);
            }
            // A name that nobody notices any more is none.
            let is_noticed = company.keywords.iter().all(|(from, _)| *from <= last);
            if !is_noticed {
                company.keywords.truncate(1);
                company.names.truncate(1);
            }
            company.imported_anew = company.imported_anew.filter(|from| *from <= last);
            company.unnumbered.retain(|(from, _)| *from <= last);
        }
    }
}

impl Truth {
    /// Whose keyword this is, or was.
    pub fn formerly(&self, keyword: &str) -> Option<usize> {
        let had = |company: &Company| company.names.iter().any(|(_, name)| name == keyword);
        self.companies.iter().position(had)
    }
}

/// Some day after the first answer, early enough that all comes to rest.
pub fn day_to_change(dice: &mut Dice, first: Day, last: Day) -> Day {
    let span = last.since(first);
    first.plus(dice.between(2, (span - 12).max(3)))
}

impl Company {
    /// The keyword that finds it on that day.
    pub fn name_on(&self, day: Day) -> &str {
        of_that_day(&self.names, day)
    }

    /// The keyword that the watchlist has on that day.
    pub fn keyword_on(&self, day: Day) -> &str {
        of_that_day(&self.keywords, day)
    }

    /// From that day on the registry shows a row so, or no more.
    pub fn set(&mut self, day: Day, row: &RowName, sight: Option<Sight>) {
        let chapters = self.rows.entry(row.clone()).or_default();
        chapters.retain(|chapter| chapter.from != day);
        chapters.push(Chapter { from: day, sight });
        chapters.sort_by_key(|chapter| chapter.from);
    }

    /// What the registry truly shows on that day.
    pub fn shown_on(&self, day: Day) -> BTreeMap<RowName, Sight> {
        let of_row = |(name, chapters): (&RowName, &Vec<Chapter>)| {
            let chapter = chapters.iter().rev().find(|chapter| chapter.from <= day)?;
            Some((name.clone(), chapter.sight.clone()?))
        };
        self.rows.iter().filter_map(of_row).collect()
    }

    /// Whether it has a row without a number on that day.
    pub fn has_unnumbered_on(&self, day: Day) -> bool {
        self.unnumbered.iter().any(|(from, to)| (*from..=*to).contains(&day))
    }

    pub fn id_on(&self, day: Day) -> String {
        if self.imported_anew.is_some_and(|from| from <= day) {
            return format!("6{}", &self.id[1..]);
        }
        self.id.clone()
    }
}

fn of_that_day(names: &[(Day, String)], day: Day) -> &str {
    let current = names.iter().rev().find(|(from, _)| *from <= day);
    &current.unwrap_or(&names[0]).1
}

impl Sight {
    /// 资质名称 of the row.
    pub fn text(&self, qualification: &'static str) -> String {
        match self.spelling {
            Spelling::Plain => format!("{qualification}{}", self.grade),
            Spelling::Alias => format!("{}{}", alias(qualification), self.grade),
            Spelling::Blanks => {
                format!("{} {}", qualification.replace('（', "(").replace('）', ")"), self.grade)
            }
            Spelling::Formal => {
                let grade = self.grade.replace('一', "壹").replace('二', "贰").replace('三', "叁");
                format!("{qualification}{grade}")
            }
        }
    }

    pub fn end_text(&self) -> String {
        match (self.end, self.spelling) {
            (End::Words(words), _) => words.to_owned(),
            (End::On(day), Spelling::Formal) => {
                let (year, month, day) = day.civil();
                format!("{year}年{month}月{day}日")
            }
            (End::On(day), Spelling::Blanks) => format!(" {day} 00:00:00"),
            (End::On(day), Spelling::Plain | Spelling::Alias) => day.to_string(),
        }
    }
}

/// Another name that public tables have for the same (domain.md 10).
fn alias(qualification: &'static str) -> &'static str {
    match qualification {
        "特种工程（结构补强）专业承包" => "特种工程专业承包（结构补强）",
        "施工劳务" => "施工劳务序列",
        other => other,
    }
}

/// How high a grade stands on which ladder (domain.md 1). The oracle's own table.
pub fn rank(grade: &str) -> Option<(char, i32)> {
    const NUMBERED: [&str; 4] = ["三级", "二级", "一级", "特级"];
    const STEMS: [&str; 4] = ["丁级", "丙级", "乙级", "甲级"];
    let on = |ladder: &[&str], name| {
        let place = ladder.iter().position(|known| *known == grade)?;
        Some((name, i32::try_from(place).unwrap()))
    };
    on(&NUMBERED, 'n').or_else(|| on(&STEMS, 's'))
}

/// What sets one move of a grade apart from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Same,
    Up,
    Down,
    Across,
}

pub fn step(old: &str, new: &str) -> Step {
    if old == new {
        return Step::Same;
    }
    match (rank(old), rank(new)) {
        (Some((ladder, before)), Some((other, after))) if ladder == other => {
            if after > before {
                Step::Up
            } else {
                Step::Down
            }
        }
        // The reform of 2020 made 综合 of 特级, 甲级 of 一级, 乙级 of 二级 and, by exchange, of 三级: what is more than that is a move.
        _ => match converted(old).zip(converted(new)) {
            Some((before, after)) if after > before => Step::Up,
            Some((before, after)) if after < before => Step::Down,
            _ => Step::Across,
        },
    }
}

fn converted(grade: &str) -> Option<i32> {
    match grade {
        "特级" => Some(3),
        "一级" | "甲级" => Some(2),
        "二级" | "三级" | "乙级" => Some(1),
        _ => None,
    }
}

/// How high a grade stands, whatever its ladder; `None`: that says nothing of it.
pub fn height(grade: &str) -> Option<i32> {
    const ALIKE: [&[&str]; 5] =
        [&["丁级"], &["三级", "丙级"], &["二级", "乙级"], &["一级", "甲级"], &["特级"]];
    let place = ALIKE.iter().position(|grades| grades.contains(&grade))?;
    i32::try_from(place).ok()
}

/// Whether one is the other by another name since the reform.
pub fn is_renamed(old: &str, new: &str) -> bool {
    step(old, new) == Step::Across && converted(old).is_some() && converted(new).is_some()
}
