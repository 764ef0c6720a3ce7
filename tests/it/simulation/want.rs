//! What lean worlds have besides: companies that never get a readable answer, companies of many pages, days of few calls, and
//! troubles of everybody that are over by noon. Drawn from dice of its own, so that every other world stays as it was.

use super::calendar::Day;
use super::dice::Dice;
use super::registry;
use super::truth::{Chapter, End, RowName, Sight, Spelling, Truth};
use super::weather::{Fault, Manner, Weather, What};

/// Sets these dice apart from those of the world.
const OTHER_DICE: u64 = 0x1EA4_0000_0000;

/// What a dead entry is answered with.
const DEAD: [Manner; 4] = [Manner::Status(500), Manner::Status(500), Manner::Status(502), Manner::Portal];
/// What befalls everybody until noon.
const MORNINGS: [Manner; 5] = [
    Manner::Status(500),
    Manner::Status(503),
    Manner::Code(10_001),
    Manner::Code(10_011),
    Manner::Code(10_012),
];
/// What can only be answered about more than one page.
const PAGES: [Manner; 3] = [Manner::Short, Manner::TotalMoves, Manner::FirstPageAgain];

pub fn want(seed: u64, truth: &mut Truth, weather: &mut Weather) {
    let mut want = Want { dice: Dice::new(seed ^ OTHER_DICE), truth, weather };
    want.many_pages();
    want.mornings();
    want.dead_entries();
    want.few_calls();
}

struct Want<'a> {
    dice: Dice,
    truth: &'a mut Truth,
    weather: &'a mut Weather,
}

impl Want<'_> {
    fn some_day(&mut self) -> Day {
        let span = self.truth.last.since(self.truth.first);
        self.truth.first.plus(self.dice.between(1, span))
    }

    fn add(&mut self, from: Day, days: i32, until_hour: i64, company: Option<usize>, manner: Manner) {
        let to = from.plus(days - 1).min(self.truth.last);
        self.weather.faults.push(Fault { from, to, until_hour, company, what: What::Manner(manner) });
    }

    /// Certificates that stay as they are: two to seven pages.
    fn many_pages(&mut self) {
        for _ in 0..self.dice.between(0, 2) {
            let company = self.dice.index(self.truth.companies.len());
            let count = if self.dice.chance(60) { (21, 60) } else { (61, 130) };
            let count = self.dice.between(count.0, count.1);
            let (first, last) = (self.truth.first, self.truth.last);
            let end = End::On(last.plus(self.dice.between(400, 800)));
            for serial in 0..count {
                let number = format!("D241{:03}{serial:03}", 500 + company);
                let name = RowName { number, qualification: "特种工程（结构补强）专业承包" };
                let issued = first.plus(-self.dice.between(30, 900));
                let sight = Sight { grade: "不分等级", end, issued, spelling: Spelling::Plain };
                let chapters = vec![Chapter { from: first, sight: Some(sight) }];
                self.truth.companies[company].rows.insert(name, chapters);
            }
            if self.dice.chance(50) {
                let (from, manner) = (self.some_day(), *self.dice.pick(&PAGES));
                self.add(from, 1, 24, Some(company), manner);
            }
        }
    }

    fn mornings(&mut self) {
        for _ in 0..self.dice.between(1, 3) {
            let (from, manner) = (self.some_day(), *self.dice.pick(&MORNINGS));
            let until = *self.dice.pick(&[9, 12]);
            self.add(from, 1, until, None, manner);
        }
    }

    /// From the first day or a later one on, to the last; one company at least is none of them.
    fn dead_entries(&mut self) {
        let others = i32::try_from(self.truth.companies.len()).unwrap() - 1;
        let count = *self.dice.pick(&[0, 1, 1, 2, 3, others / 2, others - 1]);
        let mut companies: Vec<usize> = (0..self.truth.companies.len()).collect();
        for _ in 0..count.clamp(0, others) {
            let place = self.dice.index(companies.len());
            let company = companies.swap_remove(place);
            let from = if self.dice.chance(40) { self.truth.first } else { self.some_day() };
            let manner = *self.dice.pick(&DEAD);
            let days = self.truth.last.since(from) + 1;
            self.add(from, days, 24, Some(company), manner);
        }
    }

    /// About as many calls as are needed, or fewer; also fewer than one company has pages.
    fn few_calls(&mut self) {
        let pages: Vec<usize> = self
            .truth
            .companies
            .iter()
            .map(|company| registry::pages(company, self.truth.first, &company.shown_on(self.truth.first)))
            .collect();
        let most = *pages.iter().max().unwrap();
        let weekly = self.truth.companies.iter().map(|company| company.weekly);
        let a_week: usize =
            pages.iter().zip(weekly).map(|(pages, weekly)| if weekly { *pages } else { pages * 7 }).sum();
        let need = a_week.div_ceil(7);
        for _ in 0..self.dice.between(0, 2) {
            let from = if self.dice.chance(30) { self.truth.first } else { self.some_day() };
            let until = from.plus(self.dice.between(10, 90));
            let calls = [1, 2, most - 1, most, need / 2, need - 1, need, need + 1, need * 3 / 2];
            let calls = (*self.dice.pick(&calls)).max(1);
            let until = until.min(self.truth.last).plus(1);
            self.weather.budgets.insert(from, calls);
            self.weather.budgets.entry(until).or_insert(0);
            // What a process had been answered and had not stored when it died is asked for again: where no call is left for
            // that, nobody could say from outside what is known.
            let days = self.weather.blows.range(from..until).map(|(day, _)| *day);
            let kills: Vec<Day> = days.filter(|day| self.weather.kills_on(*day) > 0).collect();
            for day in kills {
                let of_next = self.weather.calls_on(day.plus(1)).unwrap_or_default();
                self.weather.budgets.entry(day.plus(1)).or_insert(of_next);
                self.weather.budgets.insert(day, 0);
            }
        }
    }
}

#[test]
fn a_lean_world_is_the_same_world_with_less() {
    use super::world::{Size, World};
    let (mut dead, mut large, mut poor) = (0, 0, 0);
    for seed in 1..=100 {
        let (truth, weather) = World::of(seed, Size::Small).make();
        let (lean, besides) = World::lean(seed, Size::Small).make();
        assert_eq!((truth.first, truth.last, truth.concurrency), (lean.first, lean.last, lean.concurrency));
        for (company, same) in truth.companies.iter().zip(&lean.companies) {
            assert!(company.rows.iter().all(|(row, chapters)| same.rows.get(row) == Some(chapters)));
            large += usize::from(same.rows.len() > company.rows.len());
        }
        let kept = besides.faults.iter().take(weather.faults.len());
        assert!(kept.zip(&weather.faults).all(|(fault, same)| fault.what == same.what));
        assert_eq!((&weather.blows, &weather.mail), (&besides.blows, &besides.mail));
        dead += (0..lean.companies.len()).filter(|company| besides.is_dead(*company, lean.last)).count();
        poor += usize::from(!besides.budgets.is_empty());
        assert_eq!(besides.calls_on(lean.last.plus(1)), None, "all comes to rest");
    }
    assert!(dead > 50 && large > 50 && poor > 50, "{dead} dead, {large} large, {poor} short of calls");
}
