//! A world by its name: seed, size, and what is left out of it.

use std::collections::BTreeSet;
use std::fmt;

use super::course::Course;
use super::dice::Dice;
use super::judgement::{self, Judgement};
use super::truth::Truth;
use super::weather::Weather;
use super::{fates, moves, shapes, storms, want};

/// How large worlds are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// 5 to 60 companies, most often few; 400 to 1,500 days.
    Full,
    /// 3 to 6 companies, 60 to 90 days.
    Small,
}

/// What is left out of a world, so that it is easier to look at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trim {
    /// It ends after so many days.
    pub days: Option<i32>,
    /// Only these companies are watched; empty: all.
    pub companies: BTreeSet<usize>,
    /// These faults do not come.
    pub without: BTreeSet<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct World {
    pub seed: u64,
    pub size: Size,
    /// It has dead entries, companies of many pages, and days of few calls besides.
    pub is_lean: bool,
    /// It has nothing of what data of real shape has besides.
    pub is_plain: bool,
    /// Nothing of it moves to another number, or comes back lower, but for what plain worlds have of that.
    pub is_unmoved: bool,
    pub trim: Trim,
}

impl World {
    pub fn of(seed: u64, size: Size) -> Self {
        Self { seed, size, is_lean: false, is_plain: false, is_unmoved: false, trim: Trim::default() }
    }

    /// The same world with less: what it has besides falls from other dice.
    pub fn lean(seed: u64, size: Size) -> Self {
        Self { is_lean: true, ..Self::of(seed, size) }
    }

    /// Reads what [`fmt::Display`] writes: `7`, or `7 small lean plain days=40 companies=1,3 without=0,2`.
    pub fn read(text: &str) -> Self {
        let mut words = text.split_whitespace();
        let mut world = Self::of(words.next().unwrap().parse().unwrap(), Size::Full);
        for word in words {
            let (name, value) = word.split_once('=').unwrap_or((word, ""));
            let numbers = || value.split(',').map(|number| number.parse().unwrap()).collect();
            match name {
                "small" => world.size = Size::Small,
                "lean" => world.is_lean = true,
                "plain" => world.is_plain = true,
                "unmoved" => world.is_unmoved = true,
                "days" => world.trim.days = Some(value.parse().unwrap()),
                "companies" => world.trim.companies = numbers(),
                "without" => world.trim.without = numbers(),
                _ => panic!("no world is named {text}"),
            }
        }
        world
    }

    /// One a line; what follows a `#` is a remark.
    pub fn read_all(text: &str) -> Vec<Self> {
        let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
        lines.filter(|line| !line.is_empty()).map(Self::read).collect()
    }

    /// Its truth and its faults.
    pub fn make(&self) -> (Truth, Weather) {
        let mut dice = Dice::new(self.seed);
        let (companies, days) = match self.size {
            Size::Small => (dice.between(3, 6), dice.between(60, 90)),
            Size::Full => {
                let companies = match dice.between(0, 49) {
                    0..43 => dice.between(5, 8),
                    43..49 => dice.between(9, 15),
                    _ => dice.between(16, 60),
                };
                let is_long = companies < 9 && dice.chance(4);
                (companies, if is_long { dice.between(700, 1500) } else { dice.between(400, 420) })
            }
        };
        let mut truth = fates::truth(&mut dice, companies, days);
        let mut weather = storms::weather(&mut dice, &truth);
        if !self.is_plain {
            shapes::shape(self.seed, &mut truth);
        }
        if !self.is_plain && !self.is_unmoved {
            moves::move_some(self.seed, &mut truth);
        }
        if self.is_lean {
            want::want(self.seed, &mut truth, &mut weather);
        }
        weather.leave_out(&self.trim.without);
        if let Some(days) = self.trim.days {
            truth.end_on(truth.last.min(truth.first.plus(days)));
            weather.end_on(truth.last);
        }
        if !self.trim.companies.is_empty() {
            truth.watched.clone_from(&self.trim.companies);
            weather.keep_watching(&truth.watched);
        }
        (truth, weather)
    }

    /// Lives through it.
    pub async fn live(&self) -> Judgement {
        let (truth, weather) = self.make();
        let mut course = Box::pin(Course::begin(truth, weather)).await;
        Box::pin(course.run()).await;
        let judgement = Box::pin(judgement::judge(&course)).await;
        course.world.database.drop().await;
        judgement
    }
}

impl fmt::Display for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list =
            |numbers: &BTreeSet<usize>| numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        write!(f, "{}", self.seed)?;
        if self.size == Size::Small {
            write!(f, " small")?;
        }
        if self.is_lean {
            write!(f, " lean")?;
        }
        if self.is_plain {
            write!(f, " plain")?;
        }
        if self.is_unmoved {
            write!(f, " unmoved")?;
        }
        if let Some(days) = self.trim.days {
            write!(f, " days={days}")?;
        }
        if !self.trim.companies.is_empty() {
            write!(f, " companies={}", list(&self.trim.companies))?;
        }
        if !self.trim.without.is_empty() {
            write!(f, " without={}", list(&self.trim.without))?;
        }
        Ok(())
    }
}

#[test]
fn a_world_is_read_back_from_its_name() {
    for name in
        ["7", "8 small", "8 small lean", "8 plain", "8 unmoved", "9 lean days=40 companies=1,3 without=0,2"]
    {
        assert_eq!(World::read(name).to_string(), name);
    }
}
