//! Judging: what is due to be told of ends, once every calendar day, from what is stored (design 4). Pure: the same
//! snapshot, day and memory of what was told give the same result, so that a judging repeated after a crash tells nothing
//! twice.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::compare::{Look, place};
use super::dates::days_left;
use super::event::{Change, Event, News, Note, Reached};
use super::holding::{self, Holding};
use super::number::CertificateNumber;
use super::snapshot::{Difference, Doubt, Field, Held, Snapshot};

/// The threshold of `filing_due` once the filing day has passed (design 4).
pub const FILING_DAY_PASSED: i64 = -1;

/// For how many days a later end in doubt holds back the thresholds of the earlier one (design 3, "Gains").
const LATER_END_WAIT_DAYS: i64 = 2;

/// The thresholds of one company, in days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thresholds {
    /// Days before the end.
    pub expiry_days: Vec<i64>,
    /// Days after the end.
    pub expired_days: Vec<i64>,
    /// Days before the filing day.
    pub filing_days: Vec<i64>,
}

/// What was told of one end: kept for ever, so that each threshold is told once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The certificate.
    pub number: CertificateNumber,
    /// The end it was told of: a later end starts anew.
    pub end: NaiveDate,
    /// `filing_due`, `expiring` or `expired`: each kind has a memory of its own.
    pub kind: Change,
    /// The threshold.
    pub threshold: i64,
    /// The calendar day it was told on.
    pub day: NaiveDate,
}

/// A renewal that was filed, as the operator said (`qualwatch renewing`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renewal {
    /// The certificate.
    pub number: CertificateNumber,
    /// The end that it puts off: with another end it is over.
    pub end: NaiveDate,
    /// The day on which it was filed.
    pub filed: NaiveDate,
    /// The acceptance number (受理号).
    pub reference: Option<String>,
}

/// From how many days before the end `expiring` is told although the renewal was filed.
const RENEWAL_TOLD_FROM_DAYS: i64 = 30;

/// An `expiring` stage within so many days of the filing day is one reminder with it (design 4, "One deadline, one reminder").
const OF_ONE_DEADLINE_DAYS: i64 = 3;

/// What a judging found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judgement {
    /// What is worth telling readers.
    pub events: Vec<Event>,
    /// What counts as told from now on.
    pub told: Vec<Told>,
}

impl Judgement {
    /// Leaves out the ends that `is_told_of` refuses: nothing is told of them, and nothing counts as told.
    pub fn retain(&mut self, is_told_of: impl Fn(&CertificateNumber, NaiveDate) -> bool) {
        self.told.retain(|told| is_told_of(&told.number, told.end));
        self.events.retain(|event| {
            let certificate = event.certificate.as_ref();
            let number = certificate.and_then(|facts| CertificateNumber::parse(&facts.number));
            let end = certificate.and_then(|facts| facts.valid_until);
            number.zip(end).is_none_or(|(number, end)| is_told_of(&number, end))
        });
    }
}

/// What is remembered of a company beside its snapshot: what was told of its ends, and what the operator said of them.
#[derive(Debug, Clone, Copy)]
pub struct Memory<'a> {
    /// What was told.
    pub told: &'a [Told],
    /// Renewals that were filed.
    pub renewals: &'a [Renewal],
}

/// Judges every end of the snapshot. `verified_at` is when the company was last verified.
#[must_use]
pub fn judge(
    snapshot: &Snapshot,
    memory: Memory<'_>,
    thresholds: &Thresholds,
    verified_at: Option<DateTime<Utc>>,
    look: &Look<'_>,
) -> Judgement {
    let mut judgement = Judgement::default();
    for ((number, end), holdings) in ends(snapshot) {
        if silence(snapshot, (&number, end), &holdings, look).is_some() {
            continue;
        }
        let judging = Judging {
            snapshot,
            told: memory.told,
            renewal: memory.renewals.iter().find(|renewal| renewal.number == number && renewal.end == end),
            thresholds,
            verified_at,
            look,
            number: &number,
            end,
            filing_day: filing_day(&holdings),
            holdings: &holdings,
        };
        judging.judge(&mut judgement);
    }
    judgement
}

/// Why nothing is told of an end, whatever the thresholds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Silence {
    /// It was over long ago.
    Historical,
    /// All of its certificate is held in another one that ends later.
    Superseded,
    /// A later end was seen once.
    LaterEndInDoubt,
}

impl Silence {
    /// The name in `--json` (design 7).
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Historical => "historical",
            Self::Superseded => "superseded",
            Self::LaterEndInDoubt => "later_end_in_doubt",
        }
    }
}

/// Why [`judge`] tells nothing of this end of this certificate; `None`: its thresholds decide.
#[must_use]
pub fn silence_of(
    snapshot: &Snapshot,
    number: &CertificateNumber,
    end: NaiveDate,
    look: &Look<'_>,
) -> Option<Silence> {
    let holdings = ends(snapshot).remove(&(number.clone(), end))?;
    silence(snapshot, (number, end), &holdings, look)
}

fn silence(
    snapshot: &Snapshot,
    (number, end): (&CertificateNumber, NaiveDate),
    of_end: &[JudgedHolding<'_>],
    look: &Look<'_>,
) -> Option<Silence> {
    let judged = judged(snapshot).map(|judged| judged.holding);
    settled(snapshot, judged, (number, Some(end)), look.today)
        .or_else(|| waits(of_end, end, look).then_some(Silence::LaterEndInDoubt))
}

/// Why nothing has to be done for an end of a certificate any more: it was over long ago, or all of the certificate that was not is
/// held in another one that ends later. `judged` are all holdings of the snapshot that are judged.
pub(super) fn settled<'a>(
    snapshot: &Snapshot,
    judged: impl Iterator<Item = &'a Holding>,
    (number, end): (&CertificateNumber, Option<NaiveDate>),
    today: NaiveDate,
) -> Option<Silence> {
    if end.is_some_and(|end| end < holding::history_begins(today)) {
        return Some(Silence::Historical);
    }
    let live = judged.filter(|one| one.number == *number && !one.is_historical(today));
    snapshot.is_superseded(live).then_some(Silence::Superseded)
}

/// The first day after `today` on which [`judge`] may find something that it does not find today, as far as the snapshot stays
/// as it is. On the days before it judging is without effect, so nothing needs to be read.
#[must_use]
pub fn next_day(snapshot: &Snapshot, thresholds: &Thresholds, today: NaiveDate) -> Option<NaiveDate> {
    // What is in doubt waits for days of its own.
    if snapshot.doubts.values().any(Doubt::is_open) {
        return today.succ_opt();
    }
    let days = snapshot.held.values().filter_map(|held| {
        let end = held.holding.last_day()?;
        let before = |day: NaiveDate, days: &i64| day.checked_sub_signed(TimeDelta::days(*days));
        let of_end = thresholds.expiry_days.iter().filter_map(move |days| before(end, days));
        let of_past = thresholds.expired_days.iter().filter_map(move |days| before(end, &-days));
        let filing_day = held.holding.family().filing_day(end);
        let of_filing = filing_day.into_iter().flat_map(|day| {
            thresholds
                .filing_days
                .iter()
                .chain(&[FILING_DAY_PASSED])
                .filter_map(move |days| before(day, days))
        });
        of_end.chain(of_past).chain(of_filing).filter(|day| *day > today).min()
    });
    days.min()
}

/// The smallest of `thresholds` that is not below `days`: with 12 days left and 30, 7, 1 it is 30.
#[must_use]
pub fn tightest_threshold(thresholds: &[i64], days: i64) -> Option<i64> {
    thresholds.iter().copied().filter(|threshold| days <= *threshold).min()
}

/// The largest of `thresholds` that `days` past the end have reached.
#[must_use]
pub fn largest_reached(thresholds: &[i64], days: i64) -> Option<i64> {
    thresholds.iter().copied().filter(|threshold| days >= *threshold).max()
}

/// A holding that is judged: established, or seen once and then judged by its own end.
pub(super) struct JudgedHolding<'a> {
    pub(super) holding: &'a Holding,
    held: Option<&'a Held>,
    later_end: Option<LaterEnd>,
}

/// A later end in doubt.
#[derive(Clone, Copy)]
struct LaterEnd {
    end: NaiveDate,
    since: DateTime<Utc>,
    /// Only while the last observation shows it do thresholds wait for it.
    was_shown_last: bool,
}

pub(super) fn judged(snapshot: &Snapshot) -> impl Iterator<Item = JudgedHolding<'_>> {
    let held = snapshot.held.iter().map(|(key, held)| {
        let doubt = snapshot.doubts.get(&(key.clone(), Field::End)).filter(|doubt| doubt.is_open());
        let later_end = doubt.and_then(|doubt| {
            let (end, was_shown_last) = (doubt.later_end()?, doubt.was_shown_last());
            Some(LaterEnd { end, since: doubt.first_seen_at, was_shown_last })
        });
        match doubt.map(|doubt| &doubt.difference) {
            // No end that could be judged is established: this one was seen once, and is better than none.
            Some(Difference::End { shown, .. }) if held.holding.last_day().is_none() => {
                JudgedHolding { holding: shown, held: Some(held), later_end: None }
            }
            _ => JudgedHolding { holding: &held.holding, held: Some(held), later_end },
        }
    });
    // Until it is taken back: what was told as there goes on being judged while its going is in doubt.
    let seen_once = snapshot.doubts.values().filter(|doubt| doubt.is_open()).filter_map(|doubt| match &doubt
        .difference
    {
        Difference::New(holding) => Some(JudgedHolding { holding, held: None, later_end: None }),
        _ => None,
    });
    held.chain(seen_once)
}

fn ends(snapshot: &Snapshot) -> BTreeMap<(CertificateNumber, NaiveDate), Vec<JudgedHolding<'_>>> {
    let mut ends: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for judged in judged(snapshot) {
        if let Some(end) = judged.holding.last_day() {
            ends.entry((judged.holding.number.clone(), end)).or_default().push(judged);
        }
    }
    ends
}

/// While a later end is in doubt the thresholds of the earlier one wait, at most two days and never on the end day itself.
fn waits(holdings: &[JudgedHolding<'_>], end: NaiveDate, look: &Look<'_>) -> bool {
    let still_waits = |judged: &JudgedHolding<'_>| {
        judged.later_end.is_some_and(|later| {
            later.was_shown_last && days_left(look.today, look.day_of(later.since)) < LATER_END_WAIT_DAYS
        })
    };
    look.today != end && holdings.iter().all(still_waits)
}

/// The last day to apply for renewal of what ends together, where one is prescribed.
fn filing_day(holdings: &[JudgedHolding<'_>]) -> Option<NaiveDate> {
    holding::facts(holdings.iter().map(|judged| judged.holding))?.filing_day
}

/// The judging of one end of one certificate.
struct Judging<'a> {
    snapshot: &'a Snapshot,
    told: &'a [Told],
    renewal: Option<&'a Renewal>,
    thresholds: &'a Thresholds,
    verified_at: Option<DateTime<Utc>>,
    look: &'a Look<'a>,
    number: &'a CertificateNumber,
    end: NaiveDate,
    filing_day: Option<NaiveDate>,
    holdings: &'a [JudgedHolding<'a>],
}

impl Judging<'_> {
    fn judge(&self, judgement: &mut Judgement) {
        let left = days_left(self.end, self.look.today);
        if left < 0 {
            if !self.ends_before_its_issue() && !self.is_registered_for_ever() {
                self.expired(-left, judgement);
            }
            return;
        }
        let filing = self.filing_stage(left);
        let expiring = self.expiring_stage(left);
        // While the filing day is near it is the deadline, and its reminders are those of this stage, too.
        let is_of_filing = expiring.is_some_and(|stage| self.is_of_filing_day(stage));
        if let Some(stage) = expiring.filter(|_| !is_of_filing) {
            self.tell(Change::Expiring, stage, judgement);
        }
        let Some(stage) = filing else { return };
        if stage == FILING_DAY_PASSED && expiring.is_some() && !is_of_filing {
            // The words of this judging's `expiring` say that the filing day has passed.
            judgement.told.push(self.memory(Change::FilingDue, stage));
        } else {
            self.tell(Change::FilingDue, stage, judgement);
        }
        if stage <= 0 {
            let of_it = self.thresholds.expiry_days.iter().filter(|stage| self.is_of_filing_day(**stage));
            judgement.told.extend(of_it.map(|stage| self.memory(Change::Expiring, *stage)));
        }
    }

    /// Whether the day of an `expiring` stage is so near to the filing day that one reminder is enough. Whoever switched the
    /// reminders of the filing day off gets those of the end.
    fn is_of_filing_day(&self, stage: i64) -> bool {
        let Some(filing_day) = self.filing_day.filter(|_| !self.thresholds.filing_days.is_empty()) else {
            return false;
        };
        (days_left(self.end, filing_day) - stage).abs() <= OF_ONE_DEADLINE_DAYS
    }

    fn expired(&self, past: i64, judgement: &mut Judgement) {
        let Some(threshold) = largest_reached(&self.thresholds.expired_days, past) else {
            return;
        };
        if self.told_of(Change::Expired).any(|told| told.threshold >= threshold) {
            return;
        }
        self.tell(Change::Expired, threshold, judgement);
    }

    /// The stage of `expiring` that is due and was not told.
    fn expiring_stage(&self, left: i64) -> Option<i64> {
        let stage = tightest_threshold(&self.thresholds.expiry_days, left)?;
        let is_silent = self.renewal.is_some() && stage > RENEWAL_TOLD_FROM_DAYS;
        let was_told = || self.told_of(Change::Expiring).any(|told| told.threshold <= stage);
        (!is_silent && !was_told()).then_some(stage)
    }

    /// The stage of `filing_due` that is due and was not told.
    fn filing_stage(&self, left: i64) -> Option<i64> {
        let days = days_left(self.filing_day?, self.look.today);
        let stage = if days >= 0 {
            tightest_threshold(&self.thresholds.filing_days, days)
        } else {
            // Nobody who switched the filing day off wants to hear that it has passed.
            (left > 0 && !self.thresholds.filing_days.is_empty()).then_some(FILING_DAY_PASSED)
        }?;
        let was_told = || self.told_of(Change::FilingDue).any(|told| told.threshold <= stage);
        (self.renewal.is_none() && !was_told()).then_some(stage)
    }

    /// What was told of this end and kind. A row told on a day after today does not count: a clock was wrong.
    fn told_of(&self, kind: Change) -> impl Iterator<Item = &Told> {
        self.told.iter().filter(move |told| {
            told.number == *self.number
                && told.end == self.end
                && told.kind == kind
                && told.day <= self.look.today
        })
    }

    fn memory(&self, kind: Change, threshold: i64) -> Told {
        Told { number: self.number.clone(), end: self.end, kind, threshold, day: self.look.today }
    }

    fn tell(&self, kind: Change, threshold: i64, judgement: &mut Judgement) {
        let stage = Reached { threshold };
        let news = match kind {
            Change::Expired => News::Expired(stage),
            Change::Expiring => News::Expiring(stage),
            _ => News::FilingDue(stage),
        };
        let mut event = Event {
            certificate: holding::facts(self.holdings.iter().map(|judged| judged.holding)),
            days_left: Some(days_left(self.end, self.look.today)),
            notes: self.notes(),
            ..self.look.event(news)
        };
        event.last_verified_at = self.verified_at;
        judgement.events.push(event);
        judgement.told.push(self.memory(kind, threshold));
    }

    fn notes(&self) -> Vec<Note> {
        let mut notes = Vec::new();
        if self.holdings.iter().all(|judged| judged.held.is_some_and(|held| held.unlisted_since.is_some())) {
            notes.push(Note::NoLongerListed);
        }
        if let Some(end) =
            self.holdings.iter().filter_map(|judged| judged.later_end).map(|later| later.end).max()
        {
            notes.push(Note::LaterEndInDoubt { end });
        }
        for judged in self.holdings {
            notes.extend(self.snapshot.cover_of(judged.holding).map(place).map(Note::PartlyCovered));
        }
        if self.filing_day.is_some_and(|day| day < self.look.today) && self.renewal.is_none() {
            notes.push(Note::FilingDayPassed);
        }
        if let Some(renewal) = self.renewal {
            notes.push(Note::Renewing { filed: renewal.filed, reference: renewal.reference.clone() });
        }
        let is_abolished = |judged: &JudgedHolding<'_>| {
            let grade = judged.holding.qualification.grade.as_ref();
            grade.is_some_and(|grade| grade.is_abolished(judged.holding.family()))
        };
        if self.holdings.iter().any(is_abolished) {
            notes.push(Note::GradeAbolished);
        }
        notes
    }

    /// 施工劳务 that is stated to be registered without an end has not expired: readers heard so before its former end.
    fn is_registered_for_ever(&self) -> bool {
        self.holdings.iter().all(|judged| judged.holding.is_endless_registration())
    }

    /// An end before its own issue date is a slip of the registry: the operator hears, readers get no `expired` of it.
    fn ends_before_its_issue(&self) -> bool {
        self.holdings.iter().all(|judged| judged.holding.issued.is_some_and(|issued| self.end < issued))
    }
}

#[cfg(test)]
mod tests;
