//! The looks at one company, as one sequence that is asked questions. Nothing is carried along: whether something is
//! established is read off the unbroken run of looks that show it (design 3, "Looks").

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use super::super::calendar::Day;
use super::super::truth::{RowName, Sight};

/// The least distance of two looks that count, as in the watchlist of the simulation.
const APART: TimeDelta = TimeDelta::hours(20);

/// A whole answer.
#[derive(Debug, Clone)]
pub struct Look {
    pub at: DateTime<Utc>,
    pub shown: BTreeMap<RowName, Sight>,
    /// The numbers of which something but the issue date was open after it.
    pub busy: BTreeSet<String>,
    /// Whether another answer is owed after it.
    pub owes: bool,
    /// The rows whose absence began with it as part of a mass.
    pub mass: BTreeSet<RowName>,
    /// Whether something of a mass was absent at it.
    pub beside_mass: bool,
    /// Whether a gain first seen at it has to be seen again: something went, or many companies lose something.
    pub gains_wait: bool,
}

impl Look {
    pub fn day(&self) -> Day {
        Day::of_instant(self.at)
    }
}

/// All looks at one company so far, the latest last.
#[derive(Debug, Clone, Default)]
pub struct Looks(pub Vec<Look>);

/// An unbroken run of looks that ends with the latest.
#[derive(Debug, Clone, Copy)]
pub struct Run<'a>(&'a [Look]);

impl Looks {
    pub fn latest(&self) -> Option<&Look> {
        self.0.last()
    }

    /// The run, up to now, of looks of which `holds` is true.
    pub fn run(&self, holds: impl Fn(&Look) -> bool) -> Run<'_> {
        run(&self.0, holds)
    }

    /// The same as of the look before the latest.
    pub fn run_before_latest(&self, holds: impl Fn(&Look) -> bool) -> Run<'_> {
        run(&self.0[..self.0.len().saturating_sub(1)], holds)
    }
}

fn run(looks: &[Look], holds: impl Fn(&Look) -> bool) -> Run<'_> {
    let length = looks.iter().rev().take_while(|look| holds(look)).count();
    Run(&looks[looks.len() - length..])
}

impl<'a> Run<'a> {
    pub fn first(&self) -> Option<&'a Look> {
        self.0.first()
    }

    /// Whether it holds all of these looks.
    pub fn is_of_all(&self, looks: &Looks) -> bool {
        self.0.len() == looks.0.len()
    }

    /// Whether it holds all of these but the latest.
    pub fn is_of_all_before_latest(&self, looks: &Looks) -> bool {
        self.0.len() + 1 == looks.0.len()
    }

    /// How many of them count: each far enough from the one that counted before.
    pub fn counts(&self) -> usize {
        let mut counted: Vec<DateTime<Utc>> = Vec::new();
        for look in self.0 {
            if counted.last().is_none_or(|last| look.at - *last >= APART) {
                counted.push(look.at);
            }
        }
        counted.len()
    }

    /// How many are needed to take something as gone.
    pub fn needed(&self) -> usize {
        if self.0.iter().any(|look| look.shown.is_empty()) { 3 } else { 2 }
    }

    /// Whether it begins with the latest look.
    pub fn is_first_look(&self) -> bool {
        self.0.len() == 1
    }

    /// What comes beside something of a mass is believed when that is.
    pub fn is_enough_for_a_gain(&self) -> bool {
        let needed = if self.0.iter().any(|look| look.beside_mass) { 4 } else { 2 };
        self.counts() >= needed
    }

    pub fn is_enough(&self) -> bool {
        self.counts() >= self.needed()
    }
}
