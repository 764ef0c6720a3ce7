//! Sweeps of one watchlist in this very process.

use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

use chrono::TimeDelta;
use qualwatch::clock::Clock as _;
use qualwatch::config::{self, Watchlist};
use qualwatch::domain::secret::Secret;
use qualwatch::sandbox::{Sandbox, Scenario};
use qualwatch::store::outbox::events::Recorded;
use qualwatch::store::reports;
use qualwatch::store::steps::{NoSteps, Steps};
use qualwatch::store::{Store, StoreError};
use qualwatch::sweep::{self, Mode, NoProgress, Report, Sweep, Whom};
use tokio_util::sync::CancellationToken;

use super::world::{World, instant};

/// The key that is asked with.
pub const KEY: &str = "CANARY0123456789abcdef0123456789";

pub struct Watch {
    world: World,
    text: String,
    pub store: Store,
    pub sandbox: Sandbox,
    pub watchlist: Watchlist,
    pub key: Option<Secret>,
}

impl Deref for Watch {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

impl Watch {
    /// Upstream as `scenario` has it; the watchlist names every company of it, with `more` in front of them. The clock shows
    /// `now`.
    pub async fn new(scenario: &str, more: &str, now: &str) -> Self {
        let scenario = Scenario::parse(scenario).unwrap();
        Self::with(scenario, more, now).await
    }

    pub async fn with(scenario: Scenario, more: &str, now: &str) -> Self {
        let world = World::begin(instant(now)).await;
        let keywords: Vec<String> = scenario.keywords().map(str::to_owned).collect();
        let sandbox = world.upstream(scenario).await;
        let store = Store::open_and_migrate(world.database.options()).await.unwrap();
        let text = text_of_watchlist(&sandbox.url(), more, &keywords);
        let watchlist = read(&text);
        sweep::accept(&store, &watchlist, world.clock.now()).await.unwrap();
        Self { world, text, store, sandbox, watchlist, key: Secret::parse(KEY) }
    }

    /// Replaces the watchlist by one of these companies, as a reload does.
    pub async fn reload(&mut self, more: &str, keywords: &[&str]) {
        let keywords: Vec<String> = keywords.iter().map(|keyword| (*keyword).to_owned()).collect();
        self.text = text_of_watchlist(&self.sandbox.url(), more, &keywords);
        self.watchlist = read(&self.text);
        sweep::accept(&self.store, &self.watchlist, self.clock.now()).await.unwrap();
    }

    pub fn next_day(&self) {
        self.pass(TimeDelta::days(1));
    }

    pub fn sweep_with<'a>(&'a self, steps: &'a dyn Steps, mode: Mode) -> Sweep<'a> {
        let clock = Arc::new(self.clock.clone());
        let ending = CancellationToken::new();
        Sweep::new(&self.store, &self.watchlist, clock, steps, mode, &NoProgress, ending)
    }

    pub async fn try_sweep(&self, whom: &Whom) -> Result<Swept, StoreError> {
        let report = self.sweep_with(&NoSteps, Mode::ForGood).run(whom, self.key.clone()).await?;
        Ok(Swept::of(&self.store, report).await)
    }

    /// All companies, as `check` does.
    pub async fn check(&self) -> Swept {
        self.try_sweep(&Whom::All).await.unwrap()
    }

    /// What the daemon does when its bell rings: who is due, then the day's judging.
    pub async fn tick(&self) -> Swept {
        let mut report = self.try_sweep(&Whom::Due).await.unwrap();
        let judging = self.sweep_with(&NoSteps, Mode::ForGood);
        let told = judging.judge_the_day().await.unwrap();
        report.events.extend(reports::events_by_id(self.store.pool(), &told).await.unwrap());
        report
    }

    /// The kinds of the events of a day on which everybody is checked.
    pub async fn checked_on(&self, now: &str) -> Vec<String> {
        self.at(now);
        kinds(&self.check().await.events)
    }

    /// The watchlist as a file, for the program.
    pub fn watchlist_text(&self) -> &str {
        &self.text
    }

    /// The same database, as another process has it.
    pub async fn another_store(&self) -> Store {
        Store::open(self.database.options()).await.unwrap()
    }

    pub fn database_url(&self) -> String {
        self.database.url()
    }
}

/// What a sweep did, with the events that it found.
#[derive(Debug)]
pub struct Swept {
    report: Report,
    pub events: Vec<Recorded>,
}

impl Swept {
    pub async fn of(store: &Store, report: Report) -> Self {
        let mut events = reports::events_by_id(store.pool(), &report.told).await.unwrap();
        events.extend(report.imagined.iter().cloned());
        Self { report, events }
    }
}

impl Deref for Swept {
    type Target = Report;

    fn deref(&self) -> &Report {
        &self.report
    }
}

pub fn kinds(events: &[Recorded]) -> Vec<String> {
    events.iter().map(|recorded| recorded.event.kind().to_string()).collect()
}

fn text_of_watchlist(url: &str, more: &str, keywords: &[String]) -> String {
    use std::fmt::Write as _;
    let mut text = format!(
        "[api]\nurl = \"{url}\"\nrequests_per_second = 1000\ncalls_per_day = 0\n{more}\n\
         [email]\nmaildir = \"mail\"\nfrom = \"资质监控 <alerts@example.com>\"\nto = [\"reader@example.com\"]\n\
         operators = [\"ops@example.com\"]\n"
    );
    for keyword in keywords {
        writeln!(text, "[[company]]\nkeyword = \"{keyword}\"").unwrap();
    }
    text
}

fn read(text: &str) -> Watchlist {
    match config::parse(text, Path::new("/nowhere/watchlist.toml")) {
        Ok((watchlist, _)) => watchlist,
        Err(faults) => panic!("{faults:?} in\n{text}"),
    }
}
