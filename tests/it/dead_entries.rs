//! Companies that never get a readable answer stand in nobody's way (design 2, "Order" and "Breaker"), by whatever command
//! they are asked: judged by what arrived at the imitation upstream, and by what the commands print.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Output;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use qualwatch::clock::Clock as _;
use serde_json::Value;

use crate::support::program::Program;
use crate::support::running::{Running, until};
use crate::support::scenarios::steady;
use crate::support::watch::{self, KEY};
use crate::support::world::instant;

const COMPANIES: u32 = 20;
/// One at the head of the file, two side by side, one near its end.
const DEAD: [u32; 4] = [1, 5, 6, 19];
/// Those four, or so many at the head of the file.
const DEAD_ENTRIES: [u32; 5] = [1, 4, 5, 6, 19];
/// What a day may cost at most: 1.3 calls a company.
const CALLS_A_DAY: usize = 26;
/// Probes after upstream is well again, until every healthy company is verified.
const PROBES: usize = 3;
/// A first try and a second one.
const TRIES_A_DAY: usize = 2;

const FIRST_DAY: &str = "2026-01-05";
const DAY_OF_TROUBLE: &str = "2026-01-07";
const LAST_DAY: &str = "2026-01-10";
/// What trouble itself may cost: five companies in a row, and probes at 8:15, 9:00 and 11:00.
const CALLS_OF_TROUBLE: usize = 8;

/// How companies are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// `qualwatch check` at eight, and again twice an hour for as long as `status` says that asking is stopped.
    Check,
    /// The daemon's look, twice an hour.
    Daemon,
}

/// A look or a command, and what it asked for.
struct Run {
    at: DateTime<Utc>,
    was_stopped: bool,
    /// Companies in the order in which they were asked for; whether the answer was good.
    calls: Vec<(String, bool)>,
}

impl Run {
    fn is_probe(&self) -> bool {
        self.was_stopped && self.calls.len() == 1
    }
}

struct Watch {
    world: watch::Watch,
    program: Program,
    way: Way,
    is_stopped: bool,
    runs: Vec<Run>,
}

fn named(n: u32) -> String {
    format!("公司{n}")
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// The day in Shanghai.
fn day_of(at: DateTime<Utc>) -> NaiveDate {
    (at + TimeDelta::hours(8)).date_naive()
}

/// These never answer, whatever else befalls upstream.
fn dead(companies: &[u32]) -> String {
    companies
        .iter()
        .map(|n| format!("[[fault]]\nkeyword = \"公司{n}\"\nstatus = 500\n"))
        .collect::<Vec<_>>()
        .concat()
}

fn program_of(world: &watch::Watch) -> Program {
    Program::new(world.watchlist_text())
        .with("QUALWATCH_DATABASE_URL", world.database_url())
        .with("QUALWATCH_API_KEY", KEY)
}

/// The program at what the world's clock shows.
fn run(world: &watch::Watch, program: &Program, arguments: &[&str]) -> Output {
    let mut command = program.command(arguments);
    command.env("QUALWATCH_NOW", world.clock.now().to_rfc3339()).output().unwrap()
}

fn document(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

impl Watch {
    async fn over(scenario: &str, way: Way) -> Self {
        let world = watch::Watch::new(scenario, "", FIRST_DAY).await;
        let program = program_of(&world);
        Self { world, program, way, is_stopped: false, runs: Vec::new() }
    }

    /// All days from the first to the last.
    async fn live(&mut self) {
        let mut today = day(FIRST_DAY);
        while today <= day(LAST_DAY) {
            let mut is_done = false;
            for hour in 0..24 {
                let minutes: &[u32] = if hour == 8 { &[0, 1, 16] } else { &[1, 16] };
                for minute in minutes {
                    let is_time = match self.way {
                        Way::Check => self.is_stopped || ((hour, *minute) == (8, 0) && !is_done),
                        // It is begun at the hour of the check: whoever is new is asked at once.
                        Way::Daemon => hour >= 8 || today > day(FIRST_DAY),
                    };
                    if is_time {
                        self.look(&format!("{today}T{hour:02}:{minute:02}:00+08:00")).await;
                        is_done |= !self.is_stopped;
                    }
                }
            }
            today = today.succ_opt().unwrap();
        }
    }

    async fn look(&mut self, at: &str) {
        self.world.at(at);
        let before = self.world.sandbox.ledger().len();
        match self.way {
            Way::Check => {
                let ran = run(&self.world, &self.program, &["check", "--json"]);
                document(&ran);
            }
            Way::Daemon => {
                self.world.tick().await;
            }
        }
        let asked = self.world.sandbox.ledger().split_off(before);
        let calls: Vec<_> =
            asked.into_iter().map(|call| (call.keyword.unwrap(), call.error_code == Some(0))).collect();
        if calls.is_empty() {
            return;
        }
        self.runs.push(Run { at: self.world.clock.now(), was_stopped: self.is_stopped, calls });
        let stopped = "SELECT count(*) FROM stops WHERE what IN ('asking', 'breaker')";
        self.is_stopped = self.world.count(stopped).await > 0;
    }

    fn on(&self, day: NaiveDate) -> impl Iterator<Item = &Run> {
        self.runs.iter().filter(move |run| day_of(run.at) == day)
    }

    fn answered_on(&self, day: NaiveDate) -> BTreeSet<String> {
        let calls = self.on(day).flat_map(|run| &run.calls);
        calls.filter(|(_, is_good)| *is_good).map(|(company, _)| company.clone()).collect()
    }

    fn calls_on(&self, day: NaiveDate) -> usize {
        self.on(day).map(|run| run.calls.len()).sum()
    }

    /// Besides probes: by the daemon on any day, by each `check`, which asks for everybody whenever it is run.
    fn each_dead_entry_is_tried_twice_at_most(&self, dead: &[u32]) {
        let mut tries: BTreeMap<(DateTime<Utc>, &str), usize> = BTreeMap::new();
        for run in self.runs.iter().filter(|run| !run.is_probe()) {
            let since = match self.way {
                Way::Check => run.at,
                Way::Daemon => instant(&format!("{}T00:00:00+08:00", day_of(run.at))),
            };
            for (company, _) in &run.calls {
                *tries.entry((since, company)).or_default() += 1;
            }
        }
        for ((since, company), tries) in tries {
            let is_dead = dead.iter().any(|n| named(*n) == company);
            assert!(
                !is_dead || tries <= TRIES_A_DAY,
                "{since} {company}: {tries} tries of\n{}",
                self.story()
            );
        }
    }

    /// Others are answered every day: however many entries are dead, nobody waits for probes.
    fn asking_is_stopped_only_in_trouble(&self, trouble: Option<&Trouble>, since: NaiveDate) {
        // It goes on until somebody asks again: after midnight, or at the next morning's hour.
        let is_of_trouble = |at: DateTime<Utc>| {
            trouble.is_some_and(|trouble| (at - trouble.mended_at()).abs() < TimeDelta::hours(24))
        };
        let known = self.runs.iter().filter(|run| day_of(run.at) > since);
        let stopped: Vec<_> =
            known.filter(|run| run.was_stopped && !is_of_trouble(run.at)).map(|run| run.at).collect();
        assert!(stopped.is_empty(), "{:?}: stopped before {stopped:?}:\n{}", self.way, self.story());
    }

    /// From the run that asks first after `mended` on: how many it took until all of these had answered well.
    fn runs_until_all_answered(&self, mended: DateTime<Utc>, healthy: &BTreeSet<String>) -> usize {
        let mut left = healthy.clone();
        let after = self.runs.iter().filter(|run| run.at >= mended);
        for (count, run) in after.enumerate() {
            run.calls.iter().filter(|(_, is_good)| *is_good).for_each(|(company, _)| {
                left.remove(company);
            });
            if left.is_empty() {
                return count + 1;
            }
        }
        panic!("never verified after {mended}: {left:?}")
    }

    fn story(&self) -> String {
        let tell = |run: &Run| format!("{} stopped: {}: {:?}", run.at, run.was_stopped, run.calls);
        self.runs.iter().map(tell).collect::<Vec<_>>().join("\n")
    }
}

fn healthy(dead: &[u32]) -> BTreeSet<String> {
    (1..=COMPANIES).filter(|n| !dead.contains(n)).map(named).collect()
}

/// Upstream is in trouble on one morning, until `mended`, beside dead entries.
struct Trouble {
    answer: &'static str,
    mended: &'static str,
}

const AN_OUTAGE: Trouble = Trouble { answer: "status = 500", mended: "12:00" };
const A_SPENT_QUOTA: Trouble = Trouble { answer: "code = 10012", mended: "12:00" };
const A_REFUSED_KEY: Trouble = Trouble { answer: "code = 10001", mended: "12:00" };

impl Trouble {
    fn fault(&self) -> String {
        let Self { answer, mended } = self;
        format!(
            "[[fault]]\nfrom = \"{DAY_OF_TROUBLE}\"\nto = \"{DAY_OF_TROUBLE}T{mended}:00+08:00\"\n{answer}\n"
        )
    }

    fn mended_at(&self) -> DateTime<Utc> {
        instant(&format!("{DAY_OF_TROUBLE}T{}:00+08:00", self.mended))
    }
}

/// Every healthy company is verified every day, and no day costs more than it may.
async fn all_healthy_ones_are_verified(way: Way, trouble: Option<Trouble>, dead_entries: u32) {
    let dead_ones: Vec<u32> = if dead_entries == 4 { DEAD.to_vec() } else { (1..=dead_entries).collect() };
    let scenario =
        steady(COMPANIES) + &trouble.as_ref().map(Trouble::fault).unwrap_or_default() + &dead(&dead_ones);
    let mut watch = Watch::over(&scenario, way).await;
    watch.live().await;
    let (healthy, case) = (healthy(&dead_ones), format!("{way:?}, {dead_entries} dead"));
    // Nothing tells nineteen dead entries from an outage before the twentieth is asked: probes come to it on the second day.
    let verified_from = day(FIRST_DAY) + TimeDelta::days(i64::from(dead_entries == 19));
    for today in day(FIRST_DAY).iter_days().take_while(|today| *today <= day(LAST_DAY)) {
        let is_of_trouble = trouble.is_some() && today == day(DAY_OF_TROUBLE);
        let answered = watch.answered_on(today);
        let missing: Vec<_> = healthy.difference(&answered).collect();
        let may_miss = is_of_trouble || today < verified_from;
        assert!(
            missing.is_empty() || may_miss,
            "{case}: {missing:?} not verified on {today}:\n{}",
            watch.story()
        );
        let calls = watch.calls_on(today);
        // Each of many may be a probe, or one of five in a row, before it is known who is dead.
        let is_unknown = today <= verified_from && dead_entries >= 5;
        let more =
            usize::from(is_of_trouble) * CALLS_OF_TROUBLE + usize::from(is_unknown) * COMPANIES as usize;
        let most = CALLS_A_DAY + more;
        assert!(calls <= most, "{case}: {calls} calls on {today}:\n{}", watch.story());
    }
    if let Some(trouble) = &trouble {
        let runs = watch.runs_until_all_answered(trouble.mended_at(), &healthy);
        assert!(runs <= PROBES, "{case}: {runs} runs after the trouble:\n{}", watch.story());
    }
    watch.each_dead_entry_is_tried_twice_at_most(&dead_ones);
    watch.asking_is_stopped_only_in_trouble(trouble.as_ref(), verified_from);
    let is_long = trouble.is_some_and(|trouble| trouble.mended > "14:00") || dead_entries == 19;
    let told = watch.world.count("SELECT count(*) FROM events WHERE kind = 'api_unreachable'").await;
    assert!(told == 0 || is_long, "{case}: others are answered every day:\n{}", watch.story());
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_entries_cost_check_no_verified_company() {
    for dead_entries in DEAD_ENTRIES {
        all_healthy_ones_are_verified(Way::Check, None, dead_entries).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_entries_cost_the_daemon_no_verified_company() {
    for dead_entries in DEAD_ENTRIES {
        all_healthy_ones_are_verified(Way::Daemon, None, dead_entries).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_dead_entries_an_outage_costs_check_no_verified_company() {
    for dead_entries in DEAD_ENTRIES {
        all_healthy_ones_are_verified(Way::Check, Some(AN_OUTAGE), dead_entries).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_dead_entries_an_outage_costs_the_daemon_no_verified_company() {
    for dead_entries in DEAD_ENTRIES {
        all_healthy_ones_are_verified(Way::Daemon, Some(AN_OUTAGE), dead_entries).await;
    }
}

/// By the evening every healthy company has failed as a probe, too: now all of them are failing.
#[tokio::test(flavor = "multi_thread")]
async fn beside_four_dead_entries_an_outage_until_the_evening_is_over_after_three_probes() {
    let until_the_evening = Trouble { mended: "19:30", ..AN_OUTAGE };
    all_healthy_ones_are_verified(Way::Daemon, Some(until_the_evening), 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_dead_entries_a_spent_quota_costs_check_no_verified_company() {
    for dead_entries in DEAD_ENTRIES {
        all_healthy_ones_are_verified(Way::Check, Some(A_SPENT_QUOTA), dead_entries).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_dead_entries_a_spent_quota_costs_the_daemon_no_verified_company() {
    for dead_entries in DEAD_ENTRIES {
        all_healthy_ones_are_verified(Way::Daemon, Some(A_SPENT_QUOTA), dead_entries).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_dead_entries_a_refused_key_costs_check_no_verified_company() {
    for dead_entries in DEAD_ENTRIES {
        all_healthy_ones_are_verified(Way::Check, Some(A_REFUSED_KEY), dead_entries).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_dead_entries_a_refused_key_costs_the_daemon_no_verified_company() {
    for dead_entries in DEAD_ENTRIES {
        all_healthy_ones_are_verified(Way::Daemon, Some(A_REFUSED_KEY), dead_entries).await;
    }
}

/// Each probe goes to another company, and to those first whose last answer could be read.
#[tokio::test(flavor = "multi_thread")]
async fn probes_go_round() {
    let outage = "[[fault]]\nfrom = \"2026-01-06\"\nto = \"2026-01-06\"\nstatus = 500\n";
    let world =
        watch::Watch::new(&(steady(12) + outage + &dead(&[1, 2])), "concurrency = 1", FIRST_DAY).await;
    world.tick().await;
    world.at("2026-01-06");
    world.tick().await;
    let begun = world.sandbox.ledger().len();
    for hour in 8..24 {
        for minute in [1, 16] {
            world.at(&format!("2026-01-06T{hour:02}:{minute:02}:00+08:00"));
            world.tick().await;
        }
    }
    let ledger = world.sandbox.ledger();
    let of_the_sweep: BTreeSet<_> =
        ledger[begun - 5..begun].iter().map(|call| call.keyword.clone().unwrap()).collect();
    let probes: Vec<_> = ledger[begun..].iter().map(|call| call.keyword.clone().unwrap()).collect();
    // Until the next morning's check is nearer than that which was missed.
    assert_eq!(probes.len(), 11, "at 8:15, 9:00, 11:00 and each hour from then on to 19:00: {probes:?}");
    let untried: BTreeSet<_> = (3..=12).map(named).filter(|name| !of_the_sweep.contains(name)).collect();
    let first: BTreeSet<_> = probes[..untried.len()].iter().cloned().collect();
    assert_eq!(first, untried, "those that failed neither before nor in this sweep: {probes:?}");
    let repeated = probes.windows(2).find(|pair| pair[0] == pair[1]);
    assert_eq!(repeated, None, "{probes:?}");
    let round: BTreeSet<_> = probes.iter().take(12).collect();
    assert!(round.len() >= 10, "nobody twice while others wait: {probes:?}");
}

/// `check`, then what the other commands know of it.
#[tokio::test(flavor = "multi_thread")]
async fn eight_companies_that_all_fail_stop_the_asking_and_every_attempt_is_known() {
    let outage = "[[fault]]\nfrom = \"2026-01-06\"\nstatus = 500\n";
    for (begins, why) in
        [("2026-01-06", "never asked before"), (FIRST_DAY, "all were verified the day before")]
    {
        let world = watch::Watch::new(&(steady(8) + outage), "", begins).await;
        let program = program_of(&world);
        if begins == FIRST_DAY {
            assert_eq!(run(&world, &program, &["check"]).status.code(), Some(0), "{why}");
            world.at("2026-01-06");
        }
        let before = world.sandbox.ledger().len();
        let ran = run(&world, &program, &["check", "--json"]);
        assert_eq!(ran.status.code(), Some(3), "{why}: {ran:?}");
        let checked = document(&ran);
        let companies = &checked["companies"];
        let counts = ["asked", "failed", "skipped"].map(|name| companies[name].as_u64().unwrap());
        assert_eq!((counts, checked["calls"].as_u64()), ([5, 5, 3], Some(5)), "{why}: {checked:#}");

        let asked: BTreeSet<String> =
            world.sandbox.ledger()[before..].iter().map(|call| call.keyword.clone().unwrap()).collect();
        world.at("2026-01-06T08:05:00+08:00");
        let status = document(&run(&world, &program, &["status", "--json"]));
        let stopped = &status["stopped"];
        assert_eq!(stopped["class"], "transient", "{why}: {stopped}");
        let probe = instant(stopped["next_probe"].as_str().unwrap());
        assert_eq!(probe.to_rfc3339().get(..16), Some("2026-01-06T00:15"), "{why}");
        assert_eq!(status["next_sweep"], stopped["next_probe"], "{why}: nobody is asked before");
        let failed = |company: &&Value| company["class"] == "transient" && company["company"].is_string();
        let failing: BTreeSet<String> = status["problems"]
            .as_array()
            .unwrap()
            .iter()
            .filter(failed)
            .map(|problem| problem["company"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(failing, asked, "{why}: {:#}", status["problems"]);
        for n in 1..=8 {
            let checks = document(&run(&world, &program, &["why", &named(n), "--json"]))["checks"].clone();
            let was_asked = asked.contains(&named(n));
            assert_eq!(checks["failing_checks"], u64::from(was_asked), "{why}: {n}: {checks:#}");
            assert_eq!(checks["last_outcome"] == "transient", was_asked, "{why}: {n}: {checks:#}");
        }
    }
}

/// Whoever is fewer than five pauses the asking, too, once all of them have failed twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_pause_of_a_few_is_a_stop_for_exit_codes_and_for_the_next_sweep() {
    let world = watch::Watch::new(&(steady(2) + "[[fault]]\nstatus = 500\n"), "", FIRST_DAY).await;
    let program = program_of(&world);
    assert_eq!(run(&world, &program, &["check"]).status.code(), Some(3));
    assert_eq!(world.sandbox.requests(), 4, "each once more");
    let status = document(&run(&world, &program, &["status", "--json"]));
    assert_eq!(status["next_sweep"], status["stopped"]["next_probe"], "{status:#}");
    assert!(status["next_sweep"].is_string(), "{status:#}");
}

/// Two at once: a call takes so long that the other has begun before anything is stored.
fn slow_first_call() -> String {
    "[[fault]]\nkeyword = \"公司1\"\ntimes = 1\nslow = \"4s\"\nstatus = 500\n".to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_checks_at_once_pay_for_each_company_once() {
    let scenario = steady(COMPANIES) + &slow_first_call() + &dead(&DEAD);
    let world = watch::Watch::new(&scenario, "", FIRST_DAY).await;
    let program = program_of(&world).with("QUALWATCH_NOW", world.clock.now().to_rfc3339());
    let one = Running::start(&program, &["check", "--json"]);
    until("the first has begun", || async { world.sandbox.requests() > 0 }).await;
    let other = Running::start(&program, &["check", "--json"]);
    other.ended().await;
    one.ended().await;
    paid_once(&world);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_daemons_at_once_pay_for_each_company_once() {
    let scenario = steady(COMPANIES) + &slow_first_call() + &dead(&DEAD);
    let world = watch::Watch::new(&scenario, "", FIRST_DAY).await;
    let now = world.clock.now().to_rfc3339();
    let programs = [(); 2].map(|()| program_of(&world).with("QUALWATCH_NOW", now.clone()));
    let one = Running::start(&programs[0], &["run"]);
    until("the first has begun", || async { world.sandbox.requests() > 0 }).await;
    let other = Running::start(&programs[1], &["run"]);
    let answered = || {
        let ledger = world.sandbox.ledger();
        let good = ledger.iter().filter(|call| call.error_code == Some(0)).count();
        (good, ledger.len())
    };
    until("all are asked for, and who failed once more", || async { answered() >= (16, 24) }).await;
    for daemon in [one, other] {
        let (code, log) = daemon.end(nix::sys::signal::Signal::SIGTERM).await;
        assert_eq!(code, 0, "{log}");
    }
    paid_once(&world);
}

/// Healthy companies one call, dead ones two: of all processes together.
fn paid_once(world: &watch::Watch) {
    let mut calls: BTreeMap<String, usize> = BTreeMap::new();
    for call in world.sandbox.ledger() {
        *calls.entry(call.keyword.unwrap()).or_default() += 1;
    }
    for n in 1..=COMPANIES {
        let due = if DEAD.contains(&n) { TRIES_A_DAY } else { 1 };
        assert_eq!(calls.get(&named(n)).copied(), Some(due), "公司{n}: {calls:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_checks_at_the_time_of_a_probe_one_makes_it() {
    let world = watch::Watch::new(&(steady(8) + "[[fault]]\nstatus = 500\n"), "", FIRST_DAY).await;
    let program = program_of(&world);
    run(&world, &program, &["check"]);
    let before = world.sandbox.requests();
    world.at("2026-01-05T08:16:00+08:00");
    let program = program.with("QUALWATCH_NOW", world.clock.now().to_rfc3339());
    let both = [(); 2].map(|()| Running::start(&program, &["check"]));
    for check in both {
        assert_eq!(check.ended().await.0, 3, "asking stays stopped");
    }
    assert_eq!(world.sandbox.requests() - before, 1);
}

/// Asked alone on the days between: nobody else speaks for upstream then.
#[tokio::test]
async fn one_that_dies_on_a_weekly_schedule_is_tried_twice_a_day() {
    let died = "[[fault]]\nfrom = \"2026-01-05\"\nkeyword = \"公司3\"\nstatus = 500\n";
    let monday = "[schedule]\ncheck = \"0 8 * * Mon\"";
    let world = watch::Watch::new(&(steady(6) + died), monday, "2025-12-29").await;
    assert_eq!(world.tick().await.tally.complete, 6, "the week before");
    for day in ["2026-01-05", "2026-01-06", "2026-01-07", "2026-01-08"] {
        let before = world.sandbox.ledger().len();
        for hour in 8..24 {
            for minute in [0, 1, 2, 16, 31, 46] {
                world.at(&format!("{day}T{hour:02}:{minute:02}:00+08:00"));
                world.tick().await;
            }
        }
        let ledger = world.sandbox.ledger().split_off(before);
        let times: Vec<_> = ledger
            .iter()
            .filter(|call| call.keyword.as_deref() == Some("公司3"))
            .map(|call| call.at)
            .collect();
        assert!(times.len() <= TRIES_A_DAY, "{times:?}");
    }
}
