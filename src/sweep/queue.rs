//! Who is asked, and in what order.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::round::Whom;
use crate::config::{Company, Watchlist};
use crate::domain::keyword::Keyword;
use crate::domain::rhythm::{Asked, Occasions, Rhythm};
use crate::store::budget::Cause;
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

/// The companies to ask, the most urgent first.
pub(super) fn plan<'a>(
    watchlist: &'a Watchlist,
    standings: &[Standing],
    whom: &Whom,
    now: DateTime<Utc>,
) -> Vec<Planned<'a>> {
    let standings: BTreeMap<&Keyword, &Standing> =
        standings.iter().map(|standing| (&standing.keyword, standing)).collect();
    let mut occasions = OccasionsByLine::new();
    let mut planned: Vec<Planned<'a>> = watchlist
        .companies
        .iter()
        .enumerate()
        .filter_map(|(place, entry)| {
            let standing = standings.get(&entry.keyword).copied();
            let mut is_due =
                || standing.is_none_or(|standing| is_due(watchlist, entry, standing, &mut occasions, now));
            let is_meant = match whom {
                Whom::All => true,
                Whom::Named(named) => named.contains(&entry.keyword),
                Whom::Due => is_due(),
                Whom::DueOf(named) => named.contains(&entry.keyword) && is_due(),
            };
            is_meant.then(|| planned(entry, standing, place))
        })
        .collect();
    planned.sort_by_key(|company| company.order);
    planned
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

/// Thousands of companies share a handful of lines.
type OccasionsByLine = BTreeMap<String, Occasions>;

fn is_due(
    watchlist: &Watchlist,
    entry: &Company,
    standing: &Standing,
    occasions: &mut OccasionsByLine,
    now: DateTime<Utc>,
) -> bool {
    let line = watchlist.check_line_of(entry);
    let occasions = occasions.entry(line.for_scheduler()).or_insert_with(|| {
        let rhythm = Rhythm { line, day_line: &watchlist.schedule.check, zone: watchlist.timezone };
        Occasions::at(rhythm, now)
    });
    let asked = Asked {
        accepted_at: standing.accepted_at,
        last_asked_at: standing.last_asked_at,
        owes_answer: standing.owes_answer,
    };
    occasions.due(&asked).is_some()
}
