//! Who a company is when it answers under another id, leaves the watchlist, comes back, or has another name.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use super::super::truth::{RowName, Sight};
use super::dossier::Dossier;
use super::looks::Looks;

/// The name under which a company comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Name {
    Same,
    New,
}

impl Dossier {
    /// Whether an answer under this id is the company's: it bears at least half of what was last known.
    pub fn is_answered_by(&self, id: &str, shown: &BTreeMap<RowName, Sight>) -> bool {
        let numbers: BTreeSet<&String> = shown.keys().map(|row| &row.number).collect();
        let borne = self.last_numbers.iter().filter(|number| numbers.contains(number)).count();
        let is_half = !self.last_numbers.is_empty() && borne * 2 >= self.last_numbers.len();
        is_half || self.id.as_deref().is_none_or(|known| known == id)
    }

    /// It is taken out of the watchlist.
    pub fn leaves(&mut self, at: DateTime<Utc>) {
        self.left_at = Some(at);
    }

    /// It is put back: what was in doubt is not known any more.
    pub fn comes_back(&mut self, at: DateTime<Utc>, name: Name) {
        self.unlisted_before = self.known.keys().filter(|row| self.is_unlisted(row)).cloned().collect();
        self.looks = Looks::default();
        self.claims.clear();
        self.unsaid.clear();
        self.watched_since = at;
        self.unverified_said = false;
        let Some(left_at) = self.left_at.take() else { return };
        match name {
            Name::Same => self.begins_anew_if_away(left_at, at),
            Name::New => {
                self.asleep_since = self.has_baseline.then_some(left_at);
                self.is_disputed = false;
                self.latest_at = None;
            }
        }
    }

    pub(super) fn begins_anew_if_away(&mut self, left_at: DateTime<Utc>, at: DateTime<Utc>) {
        self.has_baseline &= at - left_at <= TimeDelta::days(30);
    }

    /// An instant that lies ahead counts as now.
    pub fn clamp_to(&mut self, now: DateTime<Utc>) {
        for look in &mut self.looks.0 {
            look.at = look.at.min(now);
        }
        self.unsaid.values_mut().for_each(|(_, at)| *at = (*at).min(now));
        self.last_verified = self.last_verified.map(|at| at.min(now));
        self.latest_at = self.latest_at.map(|at| at.min(now));
    }
}
