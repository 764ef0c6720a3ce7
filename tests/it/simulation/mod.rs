//! The simulator: from one seed a world, its truth and its faults; the real sweep, store and mailer live through it in
//! simulated time, and an oracle that knows the truth judges.
//!
//! Reading order: [`truth`], [`fates`], [`shapes`] and [`moves`] (what is so), [`weather`] and [`storms`] (what goes wrong, and what the operator
//! edits), [`want`] (dead entries, many pages, few calls), [`registry`] (the upstream double), [`course`] (the days), [`pooler`] (connections that cost little), [`oracle`]
//! (what had to be told), [`ledgers`] (what was told), [`judgement`] and [`turns`] (the laws), [`runs`] (many seeds), [`shrinking`] (a
//! smaller world that fails alike), [`mutants`] (bugs that must be found).
//!
//! By hand: `QUALWATCH_SEEDS=500 cargo test --profile sim --test it simulation::many_seeds -- --ignored --nocapture`, from
//! `QUALWATCH_FIRST_SEED`, for `QUALWATCH_MINUTES`, in small worlds with `QUALWATCH_SMALL`, or in lean ones alone with
//! `QUALWATCH_LEAN`; one world again: `QUALWATCH_SEED=7 cargo test --test it simulation::one_seed -- --ignored --nocapture`, and
//! with `QUALWATCH_STORY=3` what befell its fourth company.

mod calendar;
pub mod dice;
mod truth;
mod fates;
mod shapes;
mod moves;
mod weather;
mod storms;
mod want;
mod registry;
mod cuts;
mod pooler;
mod course;
mod oracle;
mod ledgers;
mod sometimes;
mod judgement;
mod turns;
mod story;
mod world;
mod runs;
mod shrinking;
mod keeping;
mod mutants;

use world::{Size, World};

/// Worlds of a few companies and months: what every run of the tests lives through.
const SMALL_SEEDS: u64 = 6;

#[test]
fn small_worlds_come_through() {
    runs::of((1..=SMALL_SEEDS).map(|seed| World::of(seed, Size::Small))).come_through();
}

/// The same with dead entries, companies of many pages and days of few calls.
#[test]
fn small_lean_worlds_come_through() {
    runs::of((1..=SMALL_SEEDS).map(|seed| World::lean(seed, Size::Small))).come_through();
}

/// Every world that ever failed, as small as it could be made.
#[test]
fn worlds_that_failed_once_come_through() {
    runs::of(World::read_all(include_str!("failed_seeds.txt"))).come_through();
}

#[test]
#[ignore = "by hand, and in CI for as long as there is time: see the module's words"]
fn many_seeds() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let first = number("QUALWATCH_FIRST_SEED").unwrap_or(1);
    let minutes = number("QUALWATCH_MINUTES");
    let last = number("QUALWATCH_SEEDS")
        .map_or(if minutes.is_some() { u64::MAX } else { first + 19 }, |count| first + count - 1);
    let size = std::env::var("QUALWATCH_SMALL").map_or(Size::Full, |_| Size::Small);
    // Each fourth is lean, by request all are.
    let are_lean = std::env::var_os("QUALWATCH_LEAN").is_some();
    let is_lean = |seed| are_lean || seed % 4 == 0;
    let world = |seed| if is_lean(seed) { World::lean(seed, size) } else { World::of(seed, size) };
    let worlds = (first..=last).map(world);
    let run = runs::within(minutes, worlds);
    run.report();
    run.come_through();
    run.came_to_every_rare_state();
}

/// The world that the environment names: `QUALWATCH_SEED`, and what a shrunk one leaves out.
#[test]
#[ignore = "by hand: repeats one world"]
fn one_seed() {
    let text = std::env::var("QUALWATCH_SEED").unwrap_or_else(|_| "1".to_owned());
    runs::of([World::read(&text)]).come_through();
}

/// Where a bug is planted: see [`mutants`].
#[test]
#[ignore = "this is the run that must find what another test planted"]
fn hunt() {
    mutants::hunt();
}
