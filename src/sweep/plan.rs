//! Who is asked, and in what order (design 2): confirmations, then companies whose last check was readable, the longest
//! unverified first, then those that fail, the longest untried first. A few dead entries never stand in the way.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::breaker::is_dead;
use super::ground::{Ground, Mode};
use super::report::Ended;
use crate::config::{Company, Watchlist};
use crate::domain::keyword::Keyword;
use crate::domain::rhythm::{Due, LastAsked, Missed, OccasionsByLine};
use crate::store::StoreError;
use crate::store::asking::budget::Cause;
use crate::store::checks::standings::{self, Candidate};
use crate::store::companies::CompanyId;

/// Which companies a sweep is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whom {
    /// All of the file.
    All,
    /// These, whether due or not.
    Named(BTreeSet<Keyword>),
    /// Those of the file that are due.
    Due,
    /// Those of these that are due.
    DueOf(BTreeSet<Keyword>),
}

impl Whom {
    /// The companies that are named; `None`: all of the file.
    pub(super) fn named(&self) -> Option<Vec<&Keyword>> {
        match self {
            Self::Named(named) | Self::DueOf(named) => Some(named.iter().collect()),
            Self::All | Self::Due => None,
        }
    }
}

/// Whether a failure in passing leaves a company one more try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attempt {
    First,
    /// The second one.
    Last,
    /// Too many entries are dead to ask each of them twice.
    Only,
}

/// Companies that fail come last, those in doubt first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Confirmation,
    Readable,
    /// Since upstream answered last: it may be upstream that is away.
    Failing,
    /// Upstream has answered others since.
    Dead,
}

/// A place in the order of asking: rank, then the longest waiting, then the order of the file.
pub(super) type Order = (u8, Option<DateTime<Utc>>, usize);

/// A company that is to be asked for.
#[derive(Debug, Clone)]
pub(super) struct Planned<'a> {
    /// Its row; `None` where nothing is stored of it (a dry run before the first sweep).
    pub(super) id: Option<CompanyId>,
    pub(super) entry: &'a Company,
    /// What its first call is counted as.
    pub(super) cause: Cause,
    pub(super) attempt: Attempt,
    /// When it was last asked for and tried, as the plan knows it: whoever asks meanwhile takes this turn.
    pub(super) last_asked_at: Option<DateTime<Utc>>,
    pub(super) tried_at: Option<DateTime<Utc>>,
    /// What of its line was missed until now.
    pub(super) missed: Missed,
    /// Calls that its whole answer takes, as far as known.
    pub(super) pages: u16,
    pub(super) order: Order,
    /// How its first try of this sweep ended.
    pub(super) first_try: Option<Ended>,
}

impl Planned<'_> {
    /// Whether its last check failed.
    pub(super) fn is_failing(&self) -> bool {
        self.order.0 >= Rank::Failing as u8
    }

    /// Its place in the file.
    pub(super) fn place(&self) -> usize {
        self.order.2
    }

    /// When it failed last; `None`: its last check did not fail.
    fn failed_at(&self) -> Option<DateTime<Utc>> {
        self.order.1.filter(|_| self.is_failing())
    }
}

/// Who is asked, in order.
#[derive(Debug, Default)]
pub(super) struct Plan<'a> {
    pub(super) planned: Vec<Planned<'a>>,
    /// Those that were meant, due or not: they are judged at the end. Empty where that is left to the day.
    pub(super) meant: Vec<CompanyId>,
    /// When anybody was last verified, where somebody may be a dead entry.
    pub(super) last_verified_at: Option<DateTime<Utc>>,
}

/// Reads who may be meant by `whom`, and plans.
pub(super) async fn plan<'a>(ground: &Ground<'a>, whom: &Whom) -> Result<Plan<'a>, StoreError> {
    let (pool, watchlist, now) = (ground.store.pool(), ground.watchlist, ground.now());
    let mut occasions = OccasionsByLine::at(&watchlist.schedule.check, watchlist.timezone, now);
    let candidates = match whom {
        Whom::Named(named) | Whom::DueOf(named) => {
            standings::named(pool, &named.iter().collect::<Vec<_>>()).await?
        }
        Whom::All => standings::not_asked_since(pool, None).await?,
        // Who was asked since the latest occasion of any line cannot be due.
        Whom::Due => {
            let latest = latest_occasion(watchlist, &mut occasions).unwrap_or(DateTime::<Utc>::MIN_UTC);
            standings::not_asked_since(pool, Some(latest)).await?
        }
    };
    // All companies are looked through for it, and only who fails, or was never there, may be a dead entry.
    let may_be_dead =
        |candidate: &Candidate| candidate.failing_since.is_some() || candidate.last_verified_at.is_none();
    let is_needed = candidates.iter().any(may_be_dead);
    let last_verified_at = if is_needed { standings::last_verified_at(pool).await? } else { None };
    let mut plan = Plan { last_verified_at, ..Plan::default() };
    let mut next = 0;
    for candidate in &candidates {
        let Some((place, entry)) = ground.entry(&candidate.keyword, next) else { continue };
        next = place + 1;
        let (line, last_asked) = (watchlist.check_line_of(entry), asked(candidate));
        let due = match whom {
            Whom::All | Whom::Named(_) => None,
            Whom::Due | Whom::DueOf(_) => occasions.of(line).due(&last_asked),
        };
        if due.is_some() || matches!(whom, Whom::All | Whom::Named(_)) {
            let missed = due.map(|due| occasions.missed(line, &last_asked, due)).unwrap_or_default();
            plan.planned.push(planned(candidate, (place, entry), (due, missed), last_verified_at));
        }
        if !matches!(whom, Whom::Due) {
            plan.meant.push(candidate.id);
        }
    }
    if ground.mode == Mode::DryRun {
        plan.planned.extend(unknown(ground, whom, &candidates));
    }
    plan.planned.sort_by_key(|company| company.order);
    Ok(plan)
}

/// Whom a probe goes to first: not to whom it went last, so that one dead entry can never be all that is asked.
pub(super) fn turn_from_last_tried(planned: &mut [Planned<'_>]) {
    let last_tried_at = planned.iter().filter_map(Planned::failed_at).max();
    let is_other = |company: &Planned<'_>| company.failed_at().is_none_or(|at| Some(at) < last_tried_at);
    if let Some(other) = planned.iter().position(is_other) {
        planned[..=other].rotate_right(1);
    }
}

fn asked(candidate: &Candidate) -> LastAsked {
    LastAsked {
        accepted_at: candidate.accepted_at,
        last_asked_at: candidate.last_asked_at,
        tried_at: candidate.tried_at,
        owes_answer: candidate.owes_answer,
    }
}

fn latest_occasion(watchlist: &Watchlist, occasions: &mut OccasionsByLine<'_>) -> Option<DateTime<Utc>> {
    watchlist.check_lines().iter().filter_map(|line| occasions.of(line).latest()).max()
}

fn planned<'a>(
    candidate: &Candidate,
    (place, entry): (usize, &'a Company),
    (due, missed): (Option<Due>, Missed),
    last_verified_at: Option<DateTime<Utc>>,
) -> Planned<'a> {
    let rank = match (candidate.failing_since, candidate.in_doubt) {
        (Some(since), _) if is_dead(since, last_verified_at) => Rank::Dead,
        (Some(_), _) => Rank::Failing,
        (None, true) => Rank::Confirmation,
        (None, false) => Rank::Readable,
    };
    let since = match rank {
        Rank::Confirmation | Rank::Readable => candidate.last_verified_at,
        Rank::Failing | Rank::Dead => candidate.tried_at,
    };
    // Its first try of this turn failed already: before a pause, or in a process that has died.
    let tried_at = candidate.tried_at.filter(|tried_at| Some(*tried_at) > candidate.last_asked_at);
    let was_tried = match (tried_at, due) {
        (Some(_), Some(Due::FirstTime)) => true,
        (Some(tried_at), Some(Due::Occurrence(at) | Due::Answer(at))) => tried_at >= at,
        _ => false,
    };
    Planned {
        id: Some(candidate.id),
        entry,
        cause: match (was_tried, candidate.in_doubt) {
            (true, _) => Cause::Repeat,
            (false, true) => Cause::Confirmation,
            (false, false) => Cause::Check,
        },
        attempt: if was_tried { Attempt::Last } else { Attempt::First },
        last_asked_at: candidate.last_asked_at,
        tried_at: candidate.tried_at,
        missed,
        pages: u16::try_from(candidate.pages).unwrap_or(1).max(1),
        order: (rank as u8, since, place),
        first_try: None,
    }
}

/// Those of the file of which nothing is stored: a dry run asks for them, too. They were never asked, so they are due.
fn unknown<'a>(ground: &Ground<'a>, whom: &Whom, stored: &[Candidate]) -> Vec<Planned<'a>> {
    let named = whom.named().map(BTreeSet::from_iter);
    let stored: BTreeSet<&str> = stored.iter().map(|candidate| candidate.keyword.as_str()).collect();
    let entries = ground.watchlist.companies.iter().enumerate();
    entries
        .filter(|(_, entry)| !stored.contains(entry.keyword.as_str()))
        .filter(|(_, entry)| named.as_ref().is_none_or(|named| named.contains(&entry.keyword)))
        .map(|(place, entry)| Planned {
            id: None,
            entry,
            cause: Cause::Check,
            attempt: Attempt::First,
            last_asked_at: None,
            tried_at: None,
            missed: Missed::default(),
            pages: 1,
            order: (Rank::Readable as u8, None, place),
            first_try: None,
        })
        .collect()
}
