//! Who is asked, and in what order.

use chrono::{DateTime, Utc};

use super::round::Whom;
use crate::config::{Company, Watchlist};
use crate::domain::rhythm::{Asked, OccasionsByLine};
use crate::store::asking::budget::Cause;
use crate::store::companies::{CompanyId, Standing};

/// A company that is to be asked for.
#[derive(Debug, Clone)]
pub(super) struct Planned<'a> {
    /// Its row; `None` where nothing is stored of it (a dry run before the first sweep).
    pub id: Option<CompanyId>,
    pub entry: &'a Company,
    /// What its first call is counted as.
    pub cause: Cause,
    /// When it was last asked for, as the plan knows it: whoever asks meanwhile takes this turn.
    pub last_asked_at: Option<DateTime<Utc>>,
    /// Its place when calls run short: confirmations first, then the longest unverified (design 2, "Counted").
    pub order: (bool, Option<DateTime<Utc>>, usize),
}

/// Who is asked, found company by company as their rows come in.
pub(super) struct Plan<'a> {
    watchlist: &'a Watchlist,
    whom: &'a Whom,
    occasions: OccasionsByLine<'a>,
    /// By their place in the file: nothing is stored of the others.
    is_stored: Vec<bool>,
    planned: Vec<Planned<'a>>,
    meant: Vec<CompanyId>,
}

impl<'a> Plan<'a> {
    pub(super) fn new(watchlist: &'a Watchlist, whom: &'a Whom, now: DateTime<Utc>) -> Self {
        Self {
            watchlist,
            whom,
            occasions: OccasionsByLine::at(&watchlist.schedule.check, watchlist.timezone, now),
            is_stored: vec![false; watchlist.companies.len()],
            planned: Vec::new(),
            meant: Vec::new(),
        }
    }

    /// Weighs the company of the file at `place`, which stands like this.
    pub(super) fn weigh(&mut self, place: usize, standing: &Standing) {
        let Some(entry) = self.watchlist.companies.get(place) else { return };
        if let Some(is_stored) = self.is_stored.get_mut(place) {
            *is_stored = true;
        }
        let is_asked = match self.whom {
            Whom::All => true,
            Whom::Named(named) => named.contains(&entry.keyword),
            Whom::Due => is_due(self.watchlist, entry, standing, &mut self.occasions),
            Whom::DueOf(named) => {
                named.contains(&entry.keyword) && is_due(self.watchlist, entry, standing, &mut self.occasions)
            }
        };
        if is_asked {
            self.planned.push(planned(entry, Some(standing), place));
        }
        let is_meant = match self.whom {
            Whom::All => true,
            Whom::Named(named) | Whom::DueOf(named) => named.contains(&entry.keyword),
            Whom::Due => false,
        };
        if is_meant {
            self.meant.push(standing.id);
        }
    }

    /// The companies to ask, the most urgent first; and those that were named or meant, whether or not they are due: they
    /// are judged at the end.
    pub(super) fn finish(mut self) -> (Vec<Planned<'a>>, Vec<CompanyId>) {
        let unknown = self.watchlist.companies.iter().enumerate().zip(&self.is_stored);
        for ((place, entry), _) in unknown.filter(|(_, is_stored)| !**is_stored) {
            // Who was never asked is due.
            let is_asked = match self.whom {
                Whom::All | Whom::Due => true,
                Whom::Named(named) | Whom::DueOf(named) => named.contains(&entry.keyword),
            };
            if is_asked {
                self.planned.push(planned(entry, None, place));
            }
        }
        self.planned.sort_by_key(|company| company.order);
        (self.planned, self.meant)
    }
}

fn planned<'a>(entry: &'a Company, standing: Option<&Standing>, place: usize) -> Planned<'a> {
    let in_doubt = standing.is_some_and(|standing| standing.in_doubt);
    Planned {
        id: standing.map(|standing| standing.id),
        entry,
        last_asked_at: standing.and_then(|standing| standing.last_asked_at),
        cause: if in_doubt { Cause::Confirmation } else { Cause::Check },
        order: (!in_doubt, standing.and_then(|standing| standing.last_verified_at), place),
    }
}

fn is_due(
    watchlist: &Watchlist,
    entry: &Company,
    standing: &Standing,
    occasions: &mut OccasionsByLine<'_>,
) -> bool {
    let asked = Asked {
        accepted_at: standing.accepted_at,
        last_asked_at: standing.last_asked_at,
        owes_answer: standing.owes_answer,
    };
    occasions.of(watchlist.check_line_of(entry)).due(&asked).is_some()
}
