//! Losses of many companies at once.

use chrono::{DateTime, TimeDelta, Utc};

use super::super::calendar::Day;
use super::Oracle;
use super::dossier::{Dossier, is_history};
use super::looks::Look;

impl Dossier {
    /// When the absences began that are not established yet.
    fn losses_since(&self) -> Vec<DateTime<Utc>> {
        let Some(day) = self.looks.latest().map(Look::day) else { return Vec::new() };
        let open = self.known.iter().filter(|(row, sight)| !is_history(sight, day) && !self.is_unlisted(row));
        open.filter_map(|(row, _)| {
            self.looks.run(|look| !look.shown.contains_key(row)).first().map(|first| first.at)
        })
        .collect()
    }
}

impl Oracle<'_> {
    /// Losses first seen within 24 hours at more than a fifth, and at least five, of the companies seen in that time, or at
    /// all of them when they are two or more.
    pub(super) fn watch_for_masses(&mut self, day: Day) {
        let latest = self.dossiers.iter().filter_map(|dossier| dossier.looks.latest()).map(|look| look.at);
        let Some(until) = latest.max() else { return };
        let is_in_time = |at: DateTime<Utc>| at > until - TimeDelta::hours(24) && at <= until;
        let observed =
            self.dossiers.iter().filter(|dossier| dossier.looks.0.iter().any(|look| is_in_time(look.at)));
        let observed = observed.count();
        let losing: Vec<(usize, Vec<DateTime<Utc>>)> = self
            .dossiers
            .iter()
            .map(|dossier| dossier.losses_since().into_iter().filter(|at| is_in_time(*at)).collect())
            .enumerate()
            .filter(|(_, since): &(usize, Vec<_>)| !since.is_empty())
            .collect();
        let count = losing.len();
        if (count >= 5 && count * 5 > observed) || (count >= 2 && count >= observed) {
            for (company, since) in losing {
                let began = |look: &&mut Look| since.contains(&look.at);
                self.dossiers[company].looks.0.iter_mut().filter(began).for_each(|look| look.mass = true);
            }
            if !self.mass_is_open {
                self.verdict.masses.push(day);
            }
            self.mass_is_open = true;
        } else {
            let is_open = |dossier: &Dossier| {
                let since = dossier.losses_since();
                dossier.looks.0.iter().any(|look| look.mass && since.contains(&look.at))
            };
            self.mass_is_open = self.mass_is_open && self.dossiers.iter().any(is_open);
        }
    }
}
