//! Many worlds, on all cores.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::FutureExt as _;
use qualwatch::clock::{Clock as _, SystemClock};

use super::judgement::Judgement;
use super::world::World;
use super::{shrinking, sometimes};

/// Worlds lived through at a time.
const WORLDS_A_CORE: usize = 3;

/// What came of a run.
pub struct Run {
    judged: Vec<(World, Judgement)>,
    milliseconds: i64,
}

/// Lives through all of these.
pub fn of(worlds: impl IntoIterator<Item = World, IntoIter: Send>) -> Run {
    within(None, worlds)
}

/// Lives through as many of these as there is time for.
pub fn within(minutes: Option<u64>, worlds: impl IntoIterator<Item = World, IntoIter: Send>) -> Run {
    let clock = SystemClock::default();
    let began = clock.now();
    let is_over =
        || minutes.is_some_and(|minutes| (clock.now() - began).num_seconds().unsigned_abs() >= minutes * 60);
    let judged = each(worlds, is_over, |world, judgement| {
        if minutes.is_some() || !judgement.violations.is_empty() {
            println!("seed={world}: {judgement}");
        }
    });
    Run { judged, milliseconds: (clock.now() - began).num_milliseconds() }
}

/// Lives through these until one does not come through: the first of those lived through.
pub fn until_one_fails(
    worlds: impl IntoIterator<Item = World, IntoIter: Send>,
) -> Option<(World, Judgement)> {
    let has_failed = AtomicBool::new(false);
    let judged = each(
        worlds,
        || has_failed.load(Ordering::Relaxed),
        |_, judgement| {
            has_failed.fetch_or(!judgement.violations.is_empty(), Ordering::Relaxed);
        },
    );
    let failed = judged.into_iter().filter(|(_, judgement)| !judgement.violations.is_empty());
    failed.min_by_key(|(world, _)| world.seed)
}

/// Lives through each, several at a time: while one waits for its server another may go on.
fn each(
    worlds: impl IntoIterator<Item = World, IntoIter: Send>,
    is_over: impl Fn() -> bool + Sync,
    lived: impl Fn(&World, &Judgement) + Sync,
) -> Vec<(World, Judgement)> {
    let worlds = Mutex::new(worlds.into_iter());
    let judged = Mutex::new(Vec::new());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores * WORLDS_A_CORE {
            scope.spawn(|| {
                while !is_over() {
                    let Some(world) = worlds.lock().unwrap().next() else { break };
                    let judgement = live(&world);
                    lived(&world, &judgement);
                    judged.lock().unwrap().push((world, judgement));
                }
            });
        }
    });
    judged.into_inner().unwrap()
}

/// Lives through one world; a panic is a violation.
pub fn live(world: &World) -> Judgement {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let lived = AssertUnwindSafe(world.live()).catch_unwind();
    runtime.block_on(Box::pin(lived)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic");
        Judgement { violations: vec![format!("panic: {text}")], ..Judgement::default() }
    })
}

impl Run {
    /// Fails with the first world that did not come through, made as small as can be.
    pub fn come_through(&self) {
        if let Some((world, judgement)) =
            self.judged.iter().find(|(_, judgement)| !judgement.violations.is_empty())
        {
            // Whoever reads a story knows the world, and wants it as it is.
            assert!(std::env::var("QUALWATCH_STORY").is_err(), "seed={world} fails: {judgement}");
            let (small, of_small) = shrinking::shrink(world, judgement);
            panic!(
                "seed={world} fails: {judgement}\nshrunk: {of_small}\nrepeat it with\n  QUALWATCH_SEED='{small}' \
                 cargo test --test it simulation::one_seed -- --ignored --nocapture\nand keep it in \
                 tests/it/simulation/failed_seeds.txt"
            );
        }
    }

    /// Says what was lived through.
    pub fn report(&self) {
        let sum = |of: &dyn Fn(&Judgement) -> usize| -> usize {
            self.judged.iter().map(|(_, judgement)| of(judgement)).sum()
        };
        let days = sum(&|one| usize::try_from(one.days).unwrap_or_default());
        let company_days = sum(&|one| usize::try_from(one.days).unwrap_or_default() * one.companies);
        let seconds = usize::try_from(self.milliseconds / 1000).unwrap_or_default().max(1);
        println!(
            "{} seeds in {seconds} s: {days} days of {} companies ({company_days} company-days, {} a second; {} simulated \
             years a minute), {} calls, {} looks, {} checks by the laws, {} events, {} mails, {} violations",
            self.judged.len(),
            sum(&|one| one.companies),
            company_days / seconds,
            days * 60 / 365 / seconds,
            sum(&|one| one.calls),
            sum(&|one| one.looks),
            sum(&|one| one.checks),
            sum(&|one| one.events),
            sum(&|one| one.mails),
            sum(&|one| one.violations.len()),
        );
        for (name, (count, worlds)) in self.sometimes() {
            println!("  {count:>7} times in {worlds:>4} worlds: {name}");
        }
    }

    fn sometimes(&self) -> BTreeMap<&'static str, (usize, usize)> {
        let mut all: BTreeMap<&'static str, (usize, usize)> = BTreeMap::new();
        for (name, count) in self.judged.iter().flat_map(|(_, judgement)| &judgement.sometimes) {
            let (sum, worlds) = all.entry(name).or_default();
            (*sum, *worlds) = (*sum + count, *worlds + 1);
        }
        all
    }

    /// Proof that the faults bite: what so many worlds must have come to.
    pub fn came_to_every_rare_state(&self) {
        let (all, worlds) = (self.sometimes(), self.judged.len());
        let needed = sometimes::NEEDED.iter().filter(|(within, _)| *within <= worlds);
        let never: Vec<_> = needed.filter(|(_, name)| !all.contains_key(name)).collect();
        assert!(never.is_empty(), "never in {worlds} worlds: {never:?}");
    }
}
