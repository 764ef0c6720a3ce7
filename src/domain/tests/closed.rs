//! A closed check of the pure core: breadth first over every answer that a small world can give, with the real `compare` and
//! `judge`, until no new state is found. States are equal up to age. In each world these laws hold:
//!
//! - nothing is lost, lowered or shortened at a first look;
//! - one lie changes nothing: what is established stays, and what was told of it is taken back;
//! - what repeats settles by the third look, and after that nothing is told;
//! - each threshold is told once, and none is passed over;
//! - a reader who has read every mail believes what is established.
//!
//! The reader here knows nothing of the snapshot: what is believed is made of events alone.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use crate::domain::compare::{LOOKS_NEEDED, Look, Seen, Upstream, compare};
use crate::domain::event::{CertificateFacts, Change, Event, News};
use crate::domain::field::Field;
use crate::domain::grade::Grade;
use crate::domain::holding::{Holding, HoldingKey, read_items};
use crate::domain::judge::{Memory, Thresholds, Told, judge, largest_reached, tightest_threshold};
use crate::domain::keyword::Keyword;
use crate::domain::observation::Item;
use crate::domain::snapshot::{Doubt, Held, Snapshot};

/// An item: number, qualifications, end, issue date.
type Row = (&'static str, &'static str, &'static str, &'static str);

/// A world: what upstream may answer. The first answer is the baseline.
struct World {
    name: &'static str,
    answers: Vec<Vec<Row>>,
    time: Time,
    upstream: Upstream,
}

/// How time goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Time {
    /// Every end is years away: only the looks are apart.
    Stands,
    /// From this day on each counted look is a day later, for so many days, and every day is judged.
    Goes { from: &'static str, days: i64 },
}

/// How far a look is from the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Distance {
    /// As far as a look has to be to count.
    Counted,
    /// At the same hour: it counts with the one before as one.
    Uncounted,
}

const APART: TimeDelta = TimeDelta::hours(24);

#[derive(Clone)]
struct State {
    snapshot: Snapshot,
    told: Vec<Told>,
    mind: Mind,
    day: i64,
    /// The answer seen last, and how often in a row, as far as the looks count.
    last: usize,
    repeats: u32,
    way: Option<Rc<Way>>,
}

/// How a state was come to: for the story of one that breaks a law.
struct Way {
    before: Option<Rc<Way>>,
    answer: usize,
    distance: Distance,
    told: Vec<String>,
}

/// What a reader believes who has read every mail: of each certificate and name the grades and ends told, the last one last.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
struct Mind(BTreeMap<(String, String), Values>);

type Values = (Vec<Option<Grade>>, Vec<Option<NaiveDate>>);

impl Mind {
    fn read(&mut self, event: &Event) {
        match &event.news {
            News::Watching(found) => {
                for facts in found.current.iter().chain(&found.historical).chain(&found.unjudged) {
                    self.learn(facts);
                }
                return;
            }
            News::CertificateAdded
            | News::CertificateRestored
            | News::CertificateReplaced(_)
            | News::QualificationAdded(_) => return self.learn(event.certificate.as_ref().unwrap()),
            _ => {}
        }
        let Some(facts) = &event.certificate else { return };
        if let News::Retracted(taken_back) = &event.news
            && matches!(taken_back.kind, Change::CertificateAdded | Change::CertificateReplaced)
        {
            // "There is no such certificate": all of it was told as new.
            self.0.retain(|(number, _), _| *number != facts.number);
            return;
        }
        for named in &facts.qualifications {
            let key = (facts.number.clone(), named.name.clone());
            let known = self.0.get_mut(&key);
            match &event.news {
                News::CertificateRemoved | News::QualificationRemoved(_) | News::QualificationAbsorbed(_) => {
                    assert!(self.0.remove(&key).is_some(), "{key:?} was never told: {event:?}");
                }
                News::GradeRaised(grade) | News::GradeLowered(grade) | News::GradeReworded(grade) => {
                    known.unwrap().0.push(grade.new.clone());
                }
                News::Renewed(ends) | News::ValidityExtended(ends) | News::ValidityShortened(ends) => {
                    known.unwrap().1.push(Some(ends.new));
                }
                News::Retracted(taken_back) => match taken_back.kind {
                    // Whoever has forgotten the certificate since has forgotten what was told of it.
                    Change::GradeRaised => {
                        if let Some(known) = known {
                            forget(&mut known.0, &named.grade);
                        }
                    }
                    Change::Renewed | Change::ValidityExtended => {
                        if let Some(known) = known {
                            forget(&mut known.1, &facts.valid_until);
                        }
                    }
                    _ => drop(self.0.remove(&key)),
                },
                _ => {}
            }
        }
    }

    fn learn(&mut self, facts: &CertificateFacts) {
        for named in &facts.qualifications {
            let key = (facts.number.clone(), named.name.clone());
            self.0.insert(key, (vec![named.grade.clone()], vec![facts.valid_until]));
        }
    }

    /// Of what nothing told is in doubt the last value is believed.
    fn settle(&mut self, snapshot: &Snapshot) {
        for ((number, name), (grades, ends)) in &mut self.0 {
            let is_in_doubt = |field: Field| {
                snapshot.doubts.iter().any(|((key, of), doubt)| {
                    let is_it = key.number.text() == number && key.qualification.as_str() == name;
                    is_it && doubt.told_as.is_some() && (*of == field || field.overtaken() == Some(*of))
                })
            };
            if !is_in_doubt(Field::Grade) {
                grades.drain(..grades.len() - 1);
            }
            if !is_in_doubt(Field::End) {
                ends.drain(..ends.len() - 1);
            }
        }
    }
}

/// Takes back what was told; what was told after it stays believed.
fn forget<T: PartialEq + std::fmt::Debug>(values: &mut Vec<T>, value: &T) {
    let at = values.iter().position(|known| known == value);
    values.remove(at.unwrap_or_else(|| panic!("{value:?} was not told: {values:?}")));
    assert!(!values.is_empty(), "{value:?} is taken back, and nothing is left to believe");
}

struct Explorer<'a> {
    world: &'a World,
    keyword: Keyword,
    seen: Vec<Seen>,
    thresholds: Thresholds,
    begin: DateTime<Utc>,
}

/// How much was gone through.
#[derive(Debug, Default, Clone, Copy)]
struct Reached {
    states: usize,
    transitions: usize,
}

impl<'a> Explorer<'a> {
    fn of(world: &'a World) -> Self {
        let item = |(number, names, end, issued): &Row| Item {
            certificate_num: Some((*number).into()),
            qualification_name: Some((*names).into()),
            effective_time: Some((*end).into()),
            issuing_certificate_time: Some((*issued).into()),
            ..Item::default()
        };
        let seen = world.answers.iter().map(|rows| {
            let items: Vec<Item> = rows.iter().map(item).collect();
            if items.is_empty() { Seen::Nothing } else { Seen::Holdings(read_items(&items)) }
        });
        let from = match world.time {
            Time::Stands => "2026-01-05",
            Time::Goes { from, .. } => from,
        };
        let thresholds =
            Thresholds { expiry_days: vec![3, 1, 0], expired_days: vec![1, 3], filing_days: vec![] };
        Self {
            world,
            keyword: "河南院".parse().unwrap(),
            seen: seen.collect(),
            thresholds,
            begin: from.parse::<NaiveDate>().unwrap().and_hms_opt(0, 0, 0).unwrap().and_utc(),
        }
    }

    fn look(&self, now: DateTime<Utc>) -> Look<'_> {
        let zone = chrono_tz::Asia::Shanghai;
        Look::new((&self.keyword, "河南院"), now, zone, TimeDelta::hours(20), self.world.upstream)
    }

    fn now(&self, state: &State) -> DateTime<Utc> {
        self.begin + TimeDelta::days(state.day)
    }

    fn explore(&self) -> Reached {
        let first = State {
            snapshot: Snapshot::default(),
            told: Vec::new(),
            mind: Mind::default(),
            day: 0,
            last: 0,
            repeats: 0,
            way: None,
        };
        let (first, _) = self.step(&first, 0, Distance::Uncounted);
        let mut known = HashSet::from([digest(&first)]);
        let mut queue = VecDeque::from([first]);
        let mut reached = Reached::default();
        while let Some(state) = queue.pop_front() {
            reached.states += 1;
            self.nothing_lies_to_it(&state);
            for answer in 0..self.seen.len() {
                for distance in [Distance::Counted, Distance::Uncounted] {
                    if self.is_over(&state, distance) {
                        continue;
                    }
                    let (next, told) = self.step(&state, answer, distance);
                    reached.transitions += 1;
                    self.holds(&state, &next, &told);
                    if known.insert(digest(&next)) {
                        queue.push_back(next);
                    }
                }
            }
        }
        reached
    }

    fn is_over(&self, state: &State, distance: Distance) -> bool {
        match self.world.time {
            Time::Stands => false,
            Time::Goes { days, .. } => distance == Distance::Counted && state.day >= days,
        }
    }

    /// One look, and what it tells.
    fn step(&self, state: &State, answer: usize, distance: Distance) -> (State, Vec<Event>) {
        let mut next = state.clone();
        let counts = distance == Distance::Counted || state.repeats == 0 || state.last != answer;
        next.repeats = if state.last == answer { state.repeats + u32::from(counts) } else { 1 }.min(4);
        next.last = answer;
        if distance == Distance::Counted {
            match self.world.time {
                Time::Stands => grow_older(&mut next.snapshot, self.begin),
                Time::Goes { .. } => next.day += 1,
            }
        }
        let look = self.look(self.now(&next));
        let comparison = compare(&next.snapshot, &self.seen[answer], &look);
        next.snapshot = comparison.after;
        let mut told = comparison.events;
        if self.world.time != Time::Stands {
            let judgement = judge(
                &next.snapshot,
                Memory { told: &next.told, renewals: &[] },
                &self.thresholds,
                Some(look.now),
                &look,
            );
            for new in &judgement.told {
                let same = |old: &&Told| {
                    (&old.number, old.end, old.kind, old.threshold)
                        == (&new.number, new.end, new.kind, new.threshold)
                };
                assert!(!next.told.iter().any(|old| same(&old)), "{}: {new:?} twice", self.world.name);
            }
            told.extend(judgement.events);
            next.told.extend(judgement.told);
            next.told.iter_mut().for_each(|told| told.day = look.today.min(self.begin.date_naive()));
        }
        for event in &told {
            next.mind.read(event);
        }
        let kinds = told.iter().map(|event| event.kind().to_string()).collect();
        next.way = Some(Rc::new(Way { before: state.way.clone(), answer, distance, told: kinds }));
        next.mind.settle(&next.snapshot);
        forget_when(&mut next.snapshot, self.begin);
        (next, told)
    }

    fn holds(&self, before: &State, after: &State, told: &[Event]) {
        let why = || self.story(before, after, told);
        for event in told {
            if is_bad_news(event) {
                assert!(
                    before.last == after.last || self.agrees(before, event),
                    "told at a first look\n{}",
                    why()
                );
            }
        }
        if before.repeats >= 3 && before.last == after.last {
            let of_compare = told.iter().filter(|event| !is_of_an_end(event)).count();
            assert_eq!(of_compare, 0, "told after it has settled\n{}", why());
        }
        if after.repeats >= 3 {
            assert_eq!(after.snapshot.open_doubts().count(), 0, "not settled\n{}", why());
            self.is_as_shown(after, &why);
            is_believed(after, &why);
        }
        if self.world.time != Time::Stands {
            self.passes_over_nothing(after, &why);
        }
    }

    /// Whether the answer before the last one did not show it either, what is told as lost or less.
    fn agrees(&self, before: &State, event: &Event) -> bool {
        let facts = event.certificate.as_ref().unwrap();
        let nothing = BTreeMap::new();
        let shown = match &self.seen[before.last] {
            Seen::Holdings(shown) => shown,
            Seen::Nothing => &nothing,
        };
        let of = |name: &str| {
            shown.values().find(|held| held.number.text() == facts.number && held.qualification.name == name)
        };
        // What went without a word was established gone long before.
        let went_unsaid = |name: &str| {
            before.snapshot.doubts.keys().any(|(key, field)| {
                let is_it = key.number.text() == facts.number && key.qualification.as_str() == name;
                is_it && *field == Field::Unsaid
            })
        };
        let names = facts.qualifications.iter().filter(|named| !went_unsaid(&named.name));
        names.into_iter().all(|named| match (&event.news, of(&named.name)) {
            (News::GradeLowered(grade) | News::GradeReworded(grade), Some(held)) => {
                held.qualification.grade == grade.new
            }
            (News::ValidityShortened(ends), Some(held)) => held.last_day() == Some(ends.new),
            (_, shown) => shown.is_none(),
        })
    }

    fn is_as_shown(&self, state: &State, why: &dyn Fn() -> String) {
        let nothing = BTreeMap::new();
        let shown = match &self.seen[state.last] {
            Seen::Holdings(shown) => shown,
            Seen::Nothing => &nothing,
        };
        let listed: Vec<&HoldingKey> = listed(&state.snapshot).map(|(key, _)| key).collect();
        assert_eq!(listed, shown.keys().collect::<Vec<_>>(), "not what is shown\n{}", why());
        for (key, held) in listed_holdings(&state.snapshot) {
            let shown = &shown[key];
            assert_eq!(held.qualification.grade, shown.qualification.grade, "{}", why());
            if shown.last_day().is_some() {
                assert_eq!(held.last_day(), shown.last_day(), "{}", why());
            }
        }
    }

    /// Of what is settled the stage that today has reached was told, or a tighter one.
    fn passes_over_nothing(&self, state: &State, why: &dyn Fn() -> String) {
        let today = self.look(self.now(state)).today;
        for (key, held) in listed(&state.snapshot) {
            let Some(end) = held.holding.last_day() else { continue };
            let is_in_doubt = state.snapshot.open_doubts().any(|(of, _, _)| of.number == key.number);
            let certificate = state.snapshot.certificate(&key.number).map(|held| &held.holding);
            if is_in_doubt || state.snapshot.is_superseded(certificate) {
                continue;
            }
            let left = (end - today).num_days();
            let told = |kind: Change, reached: &dyn Fn(i64) -> bool| {
                state.told.iter().any(|told| {
                    (&told.number, told.end, told.kind) == (&key.number, end, kind) && reached(told.threshold)
                })
            };
            if left >= 0 {
                let due = tightest_threshold(&self.thresholds.expiry_days, left);
                assert!(due.is_none_or(|due| told(Change::Expiring, &|told| told <= due)), "{}", why());
            } else {
                let due = largest_reached(&self.thresholds.expired_days, -left);
                assert!(due.is_none_or(|due| told(Change::Expired, &|told| told >= due)), "{}", why());
            }
        }
    }

    /// One lie changes nothing of what has settled.
    fn nothing_lies_to_it(&self, state: &State) {
        if state.repeats < 3 || self.world.time != Time::Stands {
            return;
        }
        for lie in (0..self.seen.len()).filter(|lie| *lie != state.last) {
            for distance in [Distance::Counted, Distance::Uncounted] {
                let (mut after, told) = self.step(state, lie, distance);
                let mut told = told;
                let is_established = |after: &State| holdings(&after.snapshot) == holdings(&state.snapshot);
                let is_unsettled = !is_established(&after);
                for _ in 0..=LOOKS_NEEDED {
                    let (next, more) = self.step(&after, state.last, Distance::Counted);
                    assert!(!more.iter().any(is_bad_news), "{}", self.story(&after, &next, &more));
                    (after, told) = (next, [told, more].concat());
                }
                let why = || self.story(state, &after, &told);
                assert!(!is_unsettled && is_established(&after), "a lie was believed\n{}", why());
                is_believed(&after, &why);
            }
        }
    }

    fn story(&self, before: &State, after: &State, told: &[Event]) -> String {
        let mut way = Vec::new();
        let mut at = after.way.as_ref();
        while let Some(step) = at {
            way.push(format!("{:?} {:?}: {:?}", step.distance, self.world.answers[step.answer], step.told));
            at = step.before.as_ref();
        }
        way.reverse();
        let doubts = |snapshot: &Snapshot| {
            let line = |(slot, doubt): (&(HoldingKey, Field), &Doubt)| {
                let (looks, counter) = (doubt.looks, doubt.counter_looks);
                let of = (slot.0.number.text(), slot.0.qualification.as_str(), slot.1.as_str());
                format!(
                    "{of:?} looks {looks} counter {counter} told {:?} retracted {}",
                    doubt.told_as, doubt.retracted
                )
            };
            snapshot.doubts.iter().map(line).collect::<Vec<_>>().join("\n")
        };
        let told: Vec<_> = told.iter().map(|event| event.kind().to_string()).collect();
        let (name, before, after) = (self.world.name, doubts(&before.snapshot), doubts(&after.snapshot));
        format!("world: {name}\n{}\ntold {told:?}\nbefore:\n{before}\nafter:\n{after}", way.join("\n"))
    }
}

/// What is established was told, and what was told and not taken back is established, or covered by what is.
fn is_believed(state: &State, why: &dyn Fn() -> String) {
    for (key, held) in &state.snapshot.held {
        let key = (key.number.text().to_owned(), held.holding.qualification.name.clone());
        let (grades, ends) =
            state.mind.0.get(&key).unwrap_or_else(|| panic!("{key:?} is not known\n{}", why()));
        assert_eq!(grades.last(), Some(&held.holding.qualification.grade), "grade of {key:?}\n{}", why());
        if held.holding.last_day().is_some() && ends.last() != Some(&None) {
            assert_eq!(ends.last(), Some(&held.holding.last_day()), "end of {key:?}\n{}", why());
        }
    }
    for (number, name) in state.mind.0.keys() {
        let is_held = state
            .snapshot
            .held
            .iter()
            .any(|(key, held)| key.number.text() == number && held.holding.qualification.name == *name);
        let is_covered = || {
            let gone = state.snapshot.gone.values().find(|gone| {
                gone.holding.number.text() == number && gone.holding.qualification.name == *name
            });
            gone.is_some_and(|gone| state.snapshot.cover_of(&gone.holding).is_some())
        };
        assert!(is_held || is_covered(), "{number} {name} is believed and gone\n{}", why());
    }
}

fn is_bad_news(event: &Event) -> bool {
    matches!(
        event.news,
        News::CertificateRemoved
            | News::QualificationRemoved(_)
            | News::QualificationAbsorbed(_)
            | News::GradeLowered(_)
            | News::GradeReworded(_)
            | News::ValidityShortened(_)
    )
}

fn is_of_an_end(event: &Event) -> bool {
    matches!(event.news, News::Expiring(_) | News::Expired(_) | News::FilingDue(_))
}

fn listed(snapshot: &Snapshot) -> impl Iterator<Item = (&HoldingKey, &Held)> {
    snapshot.held.iter().filter(|(_, held)| held.unlisted_since.is_none())
}

fn listed_holdings(snapshot: &Snapshot) -> impl Iterator<Item = (&HoldingKey, &Holding)> {
    listed(snapshot).map(|(key, held)| (key, &held.holding))
}

fn holdings(snapshot: &Snapshot) -> Vec<&Holding> {
    snapshot.held.values().map(|held| &held.holding).collect()
}

/// Every instant one look further back; what is far enough back to count stays there.
fn grow_older(snapshot: &mut Snapshot, now: DateTime<Utc>) {
    let older = |at: &mut DateTime<Utc>| *at = (*at - APART).max(now - APART);
    for doubt in snapshot.doubts.values_mut() {
        older(&mut doubt.first_seen_at);
        older(&mut doubt.last_look_at);
    }
}

/// When something was established or went decides nothing.
fn forget_when(snapshot: &mut Snapshot, begin: DateTime<Utc>) {
    for held in snapshot.held.values_mut() {
        held.since = begin;
        held.unlisted_since = held.unlisted_since.map(|_| begin);
    }
    for gone in snapshot.gone.values_mut() {
        gone.at = begin;
    }
    for doubt in snapshot.doubts.values_mut() {
        doubt.told_at = doubt.told_at.map(|_| begin);
    }
}

/// A state by 128 bits: that two of some millions share them by chance is out of the question.
fn digest(state: &State) -> u128 {
    let half = |salt: u64| {
        let mut hasher = DefaultHasher::new();
        salt.hash(&mut hasher);
        for (key, held) in &state.snapshot.held {
            (key, held).hash(&mut hasher);
        }
        for (slot, doubt) in &state.snapshot.doubts {
            (slot, doubt).hash(&mut hasher);
        }
        for (key, gone) in &state.snapshot.gone {
            (key, &gone.holding).hash(&mut hasher);
        }
        (state.snapshot.held.len(), state.snapshot.doubts.len()).hash(&mut hasher);
        for told in &state.told {
            (&told.number, told.end, told.kind, told.threshold).hash(&mut hasher);
        }
        (&state.mind, state.day, state.last, state.repeats).hash(&mut hasher);
        hasher.finish()
    };
    (u128::from(half(1)) << 64) | u128::from(half(2))
}

const X: Row = ("A141002510", "工程设计风景园林工程专项乙级", "2036-01-01", "2026-01-01");
const Y: Row = ("D241000001", "建筑工程施工总承包二级", "2036-01-01", "2026-01-01");

const fn ending(row: Row, end: &'static str) -> Row {
    (row.0, row.1, end, row.3)
}

const fn named(row: Row, names: &'static str) -> Row {
    (row.0, names, row.2, row.3)
}

/// Every combination of one of each of these certificates; nothing at all where none is there.
fn all_of(certificates: &[&[Option<Row>]]) -> Vec<Vec<Row>> {
    certificates.iter().fold(vec![Vec::new()], |answers, certificate| {
        let with = |answer: &Vec<Row>| {
            certificate
                .iter()
                .map(|row| [answer.clone(), row.iter().copied().collect()].concat())
                .collect::<Vec<_>>()
        };
        answers.iter().flat_map(with).collect()
    })
}

fn worlds() -> Vec<World> {
    const LATER: Row = ending(X, "2037-01-01");
    const LATEST: Row = ending(X, "2038-01-01");
    const EARLIER: Row = ending(X, "2035-01-01");
    const BOTH: &str = "工程设计风景园林工程专项乙级,工程设计建筑行业乙级";
    let graded = |grades: &[&'static str]| -> Vec<Option<Row>> {
        grades.iter().map(|grade| Some(named(X, grade))).chain([None]).collect()
    };
    let four_grades = graded(&[
        X.1,
        "工程设计风景园林工程专项甲级",
        "工程设计风景园林工程专项丙级",
        "工程设计风景园林工程专项一级",
    ]);
    let three_grades = graded(&["工程设计风景园林工程专项丙级", X.1, "工程设计风景园林工程专项甲级"]);
    let names = [
        Some(Y),
        Some(named(Y, "建筑工程施工总承包二级,公路工程施工总承包二级")),
        Some(named(Y, "公路工程施工总承包二级")),
    ];
    let low = ending(Y, "2034-01-01");
    let high = ("D141000002", "建筑工程施工总承包一级", "2036-01-01", "2026-01-01");
    let higher = ("D141000003", "建筑工程施工总承包一级", "2037-01-01", "2026-01-01");
    let narrow =
        ("E241000001", "工程监理房屋建筑工程专业甲级,工程监理公路工程专业甲级", "2034-01-01", "2024-01-01");
    let wide = ("E141000002", "工程监理综合资质", "2036-01-01", "2026-01-01");
    let stands = |name, answers| World { name, answers, time: Time::Stands, upstream: Upstream::Trusted };
    let goes = |name, answers| {
        let time = Time::Goes { from: "2036-01-01", days: 9 };
        World { name, answers, time, upstream: Upstream::Trusted }
    };
    let soon = |row: Row, end| Some(ending(row, end));
    vec![
        stands(
            "one certificate, its ends",
            all_of(&[&[Some(X), Some(LATER), Some(LATEST), Some(EARLIER), None]]),
        ),
        stands("one certificate, its grades", all_of(&[&four_grades])),
        stands(
            "its dates and texts",
            all_of(&[&[
                Some(X),
                Some((X.0, X.1, X.2, "2026-02-01")),
                Some((X.0, X.1, LATER.2, "2026-02-01")),
                Some(ending(X, "长期")),
                None,
            ]]),
        ),
        stands(
            "grades and ends together",
            all_of(&[&[
                Some(X),
                Some(LATER),
                Some(named(X, "工程设计风景园林工程专项甲级")),
                Some(named(LATER, "工程设计风景园林工程专项丙级")),
            ]]),
        ),
        stands("two names in one certificate", all_of(&[&names, &[None]])),
        stands(
            "two names beside another certificate",
            all_of(&[&[Some(X), None], &[names[0], names[1], names[2], None]]),
        ),
        stands(
            "a certificate of two names that comes",
            all_of(&[&[Some(X)], &[None, names[0], names[1], names[2]]]),
        ),
        stands(
            "two names and a later end",
            all_of(&[&[Some(X), Some(named(X, BOTH)), Some(LATER), Some(named(LATER, BOTH))]]),
        ),
        stands(
            "two certificates and a later end",
            all_of(&[&[Some(X), Some(LATER), None], &[Some(Y), None]]),
        ),
        stands("a grade beside another certificate", all_of(&[&three_grades, &[Some(Y), None]])),
        stands("a higher one that ends later", all_of(&[&[Some(low), None], &[Some(high), None]])),
        stands("two that cover", all_of(&[&[Some(low), None], &[Some(high), None], &[Some(higher), None]])),
        stands(
            "a cover that is lowered",
            all_of(&[&[Some(low), None], &[Some(high), Some(named(high, "建筑工程施工总承包三级")), None]]),
        ),
        stands(
            "a wider qualification",
            all_of(&[
                &[Some(narrow), Some(named(narrow, "工程监理公路工程专业甲级")), None],
                &[Some(wide), None],
            ]),
        ),
        World {
            upstream: Upstream::InQuestion,
            ..stands("while many lose something", all_of(&[&[Some(X), Some(LATER), None], &[Some(Y), None]]))
        },
        goes("an end comes", all_of(&[&[soon(X, "2036-01-05"), Some(X), None]])),
        goes(
            "an end comes, renewed or not",
            all_of(&[&[soon(X, "2036-01-05"), soon(X, "2036-01-07"), Some(LATER)]]),
        ),
    ]
}

/// Explores these worlds, two at a time.
fn explore(worlds: &[World]) -> Reached {
    let explore = |worlds: Vec<&World>| {
        worlds.into_iter().fold(Reached::default(), |all, world| {
            let reached = Explorer::of(world).explore();
            println!("{}: {} answers, {reached:?}", world.name, world.answers.len());
            let (states, transitions) = (all.states + reached.states, all.transitions + reached.transitions);
            Reached { states, transitions }
        })
    };
    let (even, odd): (Vec<_>, Vec<_>) = worlds.iter().enumerate().partition(|(at, _)| at % 2 == 0);
    let each = |worlds: Vec<(usize, _)>| worlds.into_iter().map(|(_, world)| world).collect();
    std::thread::scope(|scope| {
        let even = scope.spawn(|| explore(each(even)));
        let odd = explore(each(odd));
        let even = even.join().unwrap();
        Reached { states: even.states + odd.states, transitions: even.transitions + odd.transitions }
    })
}

/// The smallest of them at every build; `.ci/run` goes through all, optimised.
#[test]
fn in_the_smallest_worlds_every_law_holds_whatever_is_answered() {
    const SMALLEST: [&str; 4] = [
        "two names in one certificate",
        "a higher one that ends later",
        "while many lose something",
        "grades and ends together",
    ];
    let smallest: Vec<World> = worlds().into_iter().filter(|world| SMALLEST.contains(&world.name)).collect();
    assert_eq!(smallest.len(), SMALLEST.len());
    explore(&smallest);
}

#[test]
#[ignore = "in .ci/run: cargo test --lib closed -- --ignored"]
fn in_small_worlds_every_law_holds_whatever_is_answered() {
    // By hand: the worlds of whose name this is a part.
    let only = std::env::var("QUALWATCH_WORLD").unwrap_or_default();
    let worlds: Vec<World> = worlds().into_iter().filter(|world| world.name.contains(&only)).collect();
    let reached = explore(&worlds);
    println!("{} worlds: {reached:?}", worlds.len());
    assert!(!only.is_empty() || (worlds.len() >= 12 && reached.transitions >= 1_000_000), "{reached:?}");
}
