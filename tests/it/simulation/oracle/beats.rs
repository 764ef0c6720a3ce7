//! On which bells an alert may be missed (design 5): so the heartbeat must fail, and on all others it must not. Thought of from the
//! faults: what was done to asking and to mail says it, as far as it can be said from outside.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::super::calendar::Day;
use super::super::registry::{Call, Gave};
use super::super::weather::{Mail, Manner, Weather};
use super::{Told, silence};

/// What the switch had to be told after a bell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beat {
    Well,
    Fail(&'static str),
    /// It cannot be said from outside: what was stored before a process died, whether a pause is over.
    Unclear,
}

/// Mail that was refused for so many days may have been given up; who is given up stays so.
const GIVEN_UP_AFTER_DAYS: i32 = 4;

/// So many days after the last fault of mail all that was owed has been sent, and what was late is over.
const MAIL_RESTS_DAYS: i32 = 2;

/// So many companies without one readable answer pause a sweep (design 2, "Breaker").
const PAUSED_BY: usize = 5;

/// What is needed to say it.
pub struct Beats<'a> {
    weather: &'a Weather,
    told: &'a Told,
    by_bell: BTreeMap<usize, Vec<&'a Call>>,
    by_day: BTreeMap<Day, Vec<&'a Call>>,
}

impl<'a> Beats<'a> {
    pub fn new(weather: &'a Weather, told: &'a Told, ledger: &'a [Call]) -> Self {
        let (mut by_bell, mut by_day) =
            (BTreeMap::<usize, Vec<&Call>>::new(), BTreeMap::<Day, Vec<_>>::new());
        for call in ledger {
            by_bell.entry(call.bell).or_default().push(call);
            by_day.entry(Day::of_instant(call.at)).or_default().push(call);
        }
        Self { weather, told, by_bell, by_day }
    }

    /// After this bell, which rang then.
    pub fn after(&self, bell: usize, at: DateTime<Utc>) -> Beat {
        let day = Day::of_instant(at);
        let is_disturbed = (0..2).any(|back| self.weather.blows.contains_key(&day.plus(-back)));
        // What is left of the day's own calls is the product's to count.
        if at < day.at(8, 0) || is_disturbed || self.has_been_lean(day) || self.may_have_given_up(day) {
            return Beat::Unclear;
        }
        if self.is_stopped(bell) {
            return Beat::Fail("all asking was refused");
        }
        if self.nothing_was_verified(day, at) {
            return Beat::Fail("nothing of what was due was answered");
        }
        if self.mail_stands_still(day, at) {
            return Beat::Fail("the mail server took nothing of what was owed");
        }
        if self.all_was_well(day, at) { Beat::Well } else { Beat::Unclear }
    }

    fn has_been_lean(&self, day: Day) -> bool {
        (0..2).any(|back| self.weather.calls_on(day.plus(-back)).is_some())
    }

    fn may_have_given_up(&self, day: Day) -> bool {
        let refused = |day: Day| self.weather.mail.contains_key(&day);
        let before = self.weather.mail.range(..=day).map(|(day, _)| *day);
        before.into_iter().any(|last| (0..GIVEN_UP_AFTER_DAYS).all(|back| refused(last.plus(-back))))
    }

    /// The last call of this bell was refused as all calls are.
    fn is_stopped(&self, bell: usize) -> bool {
        let last = self.by_bell.get(&bell).and_then(|calls| calls.last());
        last.is_some_and(|call| matches!(call.gave, Gave::Amiss(manner) if manner.is_stop()))
    }

    /// Somebody was asked for today who had a whole answer yesterday, and nobody has had any answer today.
    fn nothing_was_verified(&self, day: Day, at: DateTime<Utc>) -> bool {
        let whole = |calls: &[&Call]| -> BTreeSet<usize> {
            let whole = calls.iter().filter(|call| call.gave == Gave::Whole);
            whole.filter_map(|call| call.company).collect()
        };
        let of = |day: Day| self.by_day.get(&day).map_or(&[][..], Vec::as_slice);
        let today: Vec<&Call> = of(day).iter().copied().filter(|call| call.at <= at).collect();
        let answered_yesterday = whole(of(day.plus(-1)));
        let is_unread =
            |call: &&Call| matches!(call.gave, Gave::Amiss(Manner::Status(500..) | Manner::Portal));
        let was_well =
            |call: &&Call| call.company.is_some_and(|company| answered_yesterday.contains(&company));
        !today.is_empty()
            && today.iter().all(is_unread)
            && today.iter().any(was_well)
            && !self.weather.is_amiss_for_all(day.plus(-1))
    }

    /// In the evening of a day on which the server has let nobody in, and readers were to hear something.
    fn mail_stands_still(&self, day: Day, at: DateTime<Utc>) -> bool {
        let is_away = matches!(self.weather.mail.get(&day), Some(Mail::Away | Mail::Later));
        let is_owed = self.told.range((day, 0)..(day.plus(1), 0)).any(|(_, lines)| !lines.is_empty());
        let in_the_evening = at >= day.at(19, 0) && at < day.at(23, 0);
        is_away && is_owed && in_the_evening && self.is_calm(day)
    }

    fn is_calm(&self, day: Day) -> bool {
        (0..2).all(|back| !self.weather.is_amiss_for_all(day.plus(-back)))
    }

    /// So many that were never asked before bring nothing that they may pause the sweep, wherever they stand in the file.
    fn newcomers_may_pause_it(&self, day: Day, today: &[&Call]) -> bool {
        let silent = today.iter().filter(|call| silence::is_unread(call.gave)).map(|call| &call.keyword);
        let silent: BTreeSet<&String> = silent.collect();
        let before = self.by_day.range(..day).flat_map(|(_, calls)| calls).map(|call| &call.keyword);
        silent.difference(&before.collect()).count() >= PAUSED_BY
    }

    /// Neither upstream nor the mail server was amiss lately, and several companies brought an answer: of a single one it may be
    /// disputed, or say that nothing is found, and then nothing of the day was verified.
    fn all_was_well(&self, day: Day, at: DateTime<Utc>) -> bool {
        let was_mail_well =
            (0..=MAIL_RESTS_DAYS).all(|back| !self.weather.mail.contains_key(&day.plus(-back)));
        let today = self.by_day.get(&day).map_or(&[][..], Vec::as_slice);
        let today: Vec<&Call> = today.iter().copied().filter(|call| call.at <= at).collect();
        let whole = today.iter().filter(|call| call.gave == Gave::Whole);
        let answered: BTreeSet<usize> = whole.filter_map(|call| call.company).collect();
        let is_well = was_mail_well && self.is_calm(day) && (today.is_empty() || answered.len() >= 2);
        is_well && !self.newcomers_may_pause_it(day, &today)
    }
}
