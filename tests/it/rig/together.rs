//! Scenario 21: several daemons on one database, killed in turn, and one that is stopped until its locks are lost and then goes
//! on. And the same at its largest: ten thousand companies, two daemons, each killed thirty times in one sweep.

use std::collections::HashMap;

use nix::sys::signal::Signal;
use qualwatch::clock::{Clock as _, SystemClock};

use super::house::{CONCURRENCY, Rig};
use super::laws::{Cost, OWED, ends_well, judge, undisturbed};
use super::line::{Line, Sessions};
use super::server::{DATABASE, Server};
use crate::support::running::{Running, until};
use crate::support::scenarios::steady;
use crate::support::scene::READER;

const DAY: &str = "2026-01-05";
/// So many that none of three daemons comes to the end of its list before the last kill: each claims some companies ahead.
const COMPANIES: u32 = 200;
const LOCKS: &str = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'";

#[tokio::test(flavor = "multi_thread")]
async fn scenario_21_three_daemons_one_stopped_beyond_its_session_and_two_killed_tell_what_one_tells() {
    let expected = undisturbed(&Rig::with(&steady(COMPANIES)).await, &[DAY]).await;
    let server = Server::start().await;
    let line = Line::to(server.socket_dir(), Sessions::Shortened).await;
    let rig = Rig::with(&steady(COMPANIES)).await.lives_on(&server).await;
    let program = rig.program_on(&server.url());

    rig.money.hold_after(5);
    let behind_the_line = rig.program_on(&line.url(DATABASE));
    let stopped = Running::start(&behind_the_line, &["run"]);
    rig.calls_wait(5).await;
    assert!(line.shortened() > 0, "who holds locks asks the server to end a silent session");
    stopped.signal(Signal::SIGSTOP);
    until("the server has ended its silent sessions", || async { rig.count(LOCKS).await == 0 }).await;

    // The answers lie in the socket of a process that does not run.
    rig.money.hold_after(25);
    let mut others = vec![Running::start(&program, &["run"]), Running::start(&program, &["run"])];
    let mut lost = CONCURRENCY;
    for paid in [25, 40] {
        let in_flight = 2 * CONCURRENCY;
        until("their calls wait", || async { rig.money.paid() >= paid + in_flight - 1 }).await;
        // But for those that were in flight at a kill before.
        until("what was answered is stored", || async { rig.checked().await + lost >= paid }).await;
        lost += CONCURRENCY;
        let killed = others.remove(0);
        assert_eq!(killed.end(Signal::SIGKILL).await.0, -9);
        others.push(Running::start(&program, &["run"]));
        rig.money.hold_after(paid + 15);
    }
    rig.money.pass();
    until("all are checked", || async { rig.checked().await == COMPANIES as usize }).await;
    stopped.signal(Signal::SIGCONT);
    stopped.logged("this failed and is tried again every minute").await;
    until("nothing is owed", || async { rig.is_silent().await }).await;
    for daemon in others.into_iter().chain([stopped]) {
        ends_well(daemon).await;
    }
    let twice = rig.count("SELECT count(*) FROM observations WHERE times_seen > 1").await;
    assert_eq!(
        (twice, rig.count("SELECT count(*) FROM observations").await),
        (0, i64::from(COMPANIES)),
        "who was stopped stored nothing"
    );
    judge(&rig, &expected, Cost { calls: 3 * CONCURRENCY, ..Cost::NOTHING }).await;
    server.stop().await;
}

/// Two daemons over so many companies, each killed so often in the course of one sweep.
async fn killed_in_turn(companies: usize, kills: usize) {
    let begun = SystemClock::default().now();
    let scenario = format!("[generate]\ncompanies = {companies}\ncertificates = 1\nseed = 7\n");
    let server = Server::start().await;
    let rig = Rig::with(&scenario).await.lives_on(&server).await;
    let program = rig.program_on(&server.url());
    let mut daemons: Vec<Option<Running>> =
        (0..2).map(|_| Some(Running::start(&program, &["run"]))).collect();
    for daemon in daemons.iter().flatten() {
        daemon.logged("watching").await;
    }
    let mut in_flight = 0;
    for kill in 0..2 * kills {
        // While there is more to ask than both have claimed: who ends its sweep sends mail, and that is another scenario.
        let passed = companies * (kill + 1) / (3 * kills);
        rig.money.hold_after(passed);
        until("calls of both wait", || async { rig.money.paid() > passed }).await;
        // But for those that were in flight at a kill before.
        until("what was answered is stored", || async { rig.checked().await + in_flight >= passed }).await;
        let killed = daemons[kill % 2].take().unwrap();
        assert_eq!(killed.end(Signal::SIGKILL).await.0, -9, "kill {kill}");
        // Also one whose answer is there and not yet stored.
        in_flight += CONCURRENCY;
        let next = Running::start(&program, &["run"]);
        next.logged("watching").await;
        daemons[kill % 2] = Some(next);
    }
    rig.money.pass();
    until("all are checked", || async { rig.checked().await == companies }).await;
    until("nothing is owed", || async { rig.count(OWED).await == 0 }).await;
    for daemon in daemons.into_iter().flatten() {
        let (code, log) = daemon.end(Signal::SIGTERM).await;
        assert_eq!(code, 0, "{log}");
    }
    let paid = rig.money.paid();
    let seconds = (SystemClock::default().now() - begun).num_seconds();
    eprintln!(
        "{companies} companies, two daemons, each killed {kills} times: {paid} calls, at most {in_flight} in flight at the kills, {seconds} s"
    );
    assert!((companies..=companies + in_flight).contains(&paid), "{paid} calls");
    each_is_told_once(&rig, companies).await;
    server.stop().await;
}

async fn each_is_told_once(rig: &Rig, companies: usize) {
    let wanted = i64::try_from(companies).unwrap();
    assert_eq!(rig.count("SELECT count(*) FROM events WHERE kind = 'watching'").await, wanted);
    assert_eq!(
        rig.count("SELECT count(DISTINCT company_id) FROM events WHERE kind = 'watching'").await,
        wanted
    );
    let mut told: HashMap<&str, usize> = rig.keywords().iter().map(|keyword| (keyword.as_str(), 0)).collect();
    let letters = rig.scene.letters();
    let mails = letters.len();
    for (to, letter) in letters {
        assert_eq!(to, READER);
        // What the text has no room for stands in the attached list, with all the rest.
        for row in letter.csv.lines() {
            let name = row.trim_start_matches('"').split('"').next().unwrap_or_default();
            if let Some(times) = told.get_mut(name) {
                *times += 1;
            }
        }
        for line in letter.text.lines().filter(|_| letter.csv.is_empty()) {
            // In a list of many, or with a number of its own and what there is to say of it.
            let name = line.trim_start().trim_start_matches(|c: char| c.is_ascii_digit() || "*.".contains(c));
            let Some(name) = name.strip_prefix(' ') else { continue };
            if let Some(times) = told.get_mut(name.split(' ').next().unwrap_or_default()) {
                *times += 1;
            }
        }
    }
    let wrong: Vec<_> = told.iter().filter(|(_, times)| **times != 1).take(5).collect();
    assert!(wrong.is_empty(), "in {mails} mails: {wrong:?}");
    assert_eq!(rig.scene.sink.mails().len(), mails, "no mail came twice");
    assert_eq!(rig.scene.sink.violations(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn scenario_21_two_daemons_that_are_killed_in_turn_ask_for_each_company_once() {
    Box::pin(killed_in_turn(300, 5)).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "by hand, with an optimised build: ten thousand companies and sixty kills"]
async fn scenario_21_ten_thousand_companies_and_two_daemons_each_killed_thirty_times() {
    Box::pin(killed_in_turn(10_000, 30)).await;
}
