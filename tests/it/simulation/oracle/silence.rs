//! When operators had to hear that upstream cannot be reached, and of codes that nobody knows: from the ledger of calls alone.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use super::super::calendar::Day;
use super::super::registry::{Call, Gave};
use super::super::weather::Manner;

/// `[api].unreachable_after` and the attempts it takes, as design 2 has them.
const UNREACHABLE_AFTER: TimeDelta = TimeDelta::hours(6);
const ATTEMPTS: usize = 3;

/// On which days operators had to hear that upstream is silent.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Silences {
    pub told: BTreeSet<Day>,
    /// From each of these days on, until when upstream was silent.
    until: BTreeMap<Day, Day>,
    /// Days of which the ledger cannot say it: what was stored of an attempt, or in which order, is not known.
    pub unclear: BTreeSet<Day>,
}

/// Attempts in a row to which nobody gave a readable answer.
struct Silence {
    since: DateTime<Utc>,
    attempts: usize,
    days: BTreeSet<Day>,
    told: Option<Day>,
    is_clear: bool,
}

impl Silences {
    /// `is_disturbed`: whether processes died on that day, or a clock was wrong. `is_dead`: whether a call was for a company that
    /// nobody answers for, however well upstream is: it says nothing of upstream, and only lets time pass.
    pub fn of(ledger: &[Call], is_disturbed: impl Fn(Day) -> bool, is_dead: impl Fn(&Call) -> bool) -> Self {
        let mut by_bell: BTreeMap<usize, Vec<&Call>> = BTreeMap::new();
        for call in ledger {
            by_bell.entry(call.bell).or_default().push(call);
        }
        let mut silences = Self::default();
        let mut silence: Option<Silence> = None;
        let mut begins_clear = true;
        for calls in by_bell.values() {
            let at = calls[0].at;
            let day = Day::of_instant(at);
            let calls: Vec<&Call> = calls.iter().copied().filter(|call| !is_dead(call)).collect();
            if calls.is_empty() {
                if let Some(silence) = &mut silence {
                    silence.goes_on(at, 0, !is_disturbed(day));
                }
                continue;
            }
            let unread = calls.iter().filter(|call| is_unread(call.gave)).count();
            if unread == calls.len() {
                let silence = silence.get_or_insert_with(|| Silence {
                    since: at,
                    attempts: 0,
                    days: BTreeSet::new(),
                    told: None,
                    is_clear: begins_clear,
                });
                silence.goes_on(at, unread, !is_disturbed(day));
            } else {
                silences.is_over(silence.take());
                // After a bell with both, a silence may have begun in it.
                begins_clear = unread == 0 && !is_disturbed(day);
            }
        }
        silences.is_over(silence);
        silences
    }

    /// Only where both say the same is it clear: else it may be said at any time until the silence is over.
    pub fn agreed_with(&self, other: &Self) -> Self {
        let told: BTreeSet<Day> = self.told.intersection(&other.told).copied().collect();
        let disputed = self.until.iter().chain(&other.until).filter(|(day, _)| !told.contains(day));
        let disputed = disputed.flat_map(|(day, last)| (0..=last.since(*day)).map(|after| day.plus(after)));
        let unclear = self.unclear.iter().chain(&other.unclear).copied().chain(disputed);
        let unclear = unclear.filter(|day| !told.contains(day)).collect();
        let until = self.until.iter().filter(|(day, _)| told.contains(day)).map(|(day, last)| (*day, *last));
        Self { until: until.collect(), told, unclear }
    }

    fn is_over(&mut self, silence: Option<Silence>) {
        let Some(silence) = silence else { return };
        if silence.is_clear {
            self.told.extend(silence.told);
            self.until.extend(silence.told.zip(silence.days.last().copied()));
        } else {
            self.unclear.extend(silence.days);
        }
    }
}

impl Silence {
    fn goes_on(&mut self, at: DateTime<Utc>, attempts: usize, is_clear: bool) {
        let day = Day::of_instant(at);
        self.attempts += attempts;
        self.days.insert(day);
        self.is_clear &= is_clear;
        if self.told.is_none() && self.attempts >= ATTEMPTS && at - self.since >= UNREACHABLE_AFTER {
            self.told = Some(day);
        }
    }
}

pub fn is_unread(gave: Gave) -> bool {
    matches!(gave, Gave::Amiss(Manner::Status(_) | Manner::Portal))
}

/// The days on which an answer came that nobody knows what to make of.
pub fn days_of_unknown_codes(ledger: &[Call]) -> BTreeSet<Day> {
    let unknown = ledger
        .iter()
        .filter(|call| matches!(call.gave, Gave::Amiss(Manner::Code(265_002) | Manner::Status(300..400))));
    unknown.map(|call| Day::of_instant(call.at)).collect()
}
