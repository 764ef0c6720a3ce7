//! Losses of many companies at once.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::super::calendar::Day;
use super::super::truth::{RowName, Sight};
use super::Oracle;
use super::dossier::{Dossier, is_history};
use super::looks::Look;
use super::words::is_superseded;

impl Dossier {
    /// The rows whose absence is not established yet, each with the look that it began with.
    pub(super) fn absences(&self) -> BTreeMap<&RowName, &Look> {
        // A name that was never found yet says nothing of whom it will turn out to be.
        let is_there = self.left_at.is_none() && self.asleep_since.is_none();
        let Some(day) = self.looks.latest().map(Look::day).filter(|_| is_there) else {
            return BTreeMap::new();
        };
        let open = self.known.iter().filter(|(row, sight)| !is_history(sight, day) && !self.is_unlisted(row));
        let began = |row| self.looks.run(|look: &Look| !look.shown.contains_key(row)).first();
        open.filter_map(|(row, _)| Some((row, began(row)?))).collect()
    }

    /// The absences that say something of upstream. Nobody would hear of what is superseded; but while its cover is absent,
    /// too, who knows whether it is: it then goes as its cover does.
    fn losses(&self) -> Vec<(RowName, DateTime<Utc>)> {
        let absences = self.absences();
        let stays = |(row, _): &(&RowName, &Sight)| !absences.contains_key(*row);
        let what_stays: BTreeMap<RowName, Sight> =
            self.known.iter().filter(stays).map(|(row, sight)| (row.clone(), sight.clone())).collect();
        let is_told = |row: &RowName, look: &Look| {
            let of_number = self.known.iter().filter(|(other, _)| other.number == row.number);
            !is_superseded(&what_stays, of_number.filter(|(_, sight)| !is_history(sight, look.day())))
        };
        let latest = self.looks.latest();
        absences
            .iter()
            .filter(|(row, _)| latest.is_some_and(|latest| is_told(row, latest)))
            .map(|(row, began)| ((*row).clone(), began.at))
            .collect()
    }

    /// Whether something of a mass is still absent. Who was silent for the week up to `until` says nothing of the others' source.
    fn is_in_a_mass(&self, until: DateTime<Utc>) -> bool {
        let is_heard_of = self.latest_at().is_some_and(|at| at > until - TimeDelta::hours(6 * 24 + 12));
        is_heard_of && self.absences().into_iter().any(|(row, began)| began.mass.contains(row))
    }
}

impl Oracle<'_> {
    /// Losses first seen within 24 hours at more than a fifth, and at least five, of the companies seen in that time, or at
    /// all of them when they are two or more.
    pub(super) fn watch_for_masses(&mut self, day: Day) {
        let in_file = || self.dossiers.iter().filter(|dossier| dossier.left_at.is_none());
        let latest = in_file().filter_map(Dossier::latest_at);
        let Some(until) = latest.max() else { return };
        let is_in_time = |at: DateTime<Utc>| at > until - TimeDelta::hours(24) && at <= until;
        let observed = in_file().filter(|dossier| dossier.latest_at().is_some_and(is_in_time)).count();
        let lately = |dossier: &Dossier| {
            dossier.losses().into_iter().filter(|(_, at)| is_in_time(*at)).collect::<Vec<_>>()
        };
        let all = self.dossiers.iter().map(lately).enumerate();
        let losing: BTreeMap<usize, _> = all.filter(|(_, losses)| !losses.is_empty()).collect();
        let count = losing.len();
        if (count >= 5 && count * 5 > observed) || (count >= 2 && count >= observed) {
            for (company, losses) in losing {
                for look in &mut self.dossiers[company].looks.0 {
                    let began = losses.iter().filter(|(_, at)| *at == look.at);
                    look.mass.extend(began.map(|(row, _)| row.clone()));
                }
            }
            if !self.mass_is_open {
                self.verdict.masses.push(day);
            }
            self.mass_is_open = true;
        } else {
            self.mass_is_open =
                self.mass_is_open && self.dossiers.iter().any(|dossier| dossier.is_in_a_mass(until));
        }
    }
}
