//! Scenario 6: the database goes away in the middle of a sweep, for a moment or for days.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use qualwatch::clock::within;
use qualwatch::store::Store;

use super::house::{CONCURRENCY, Home, Rig};
use super::laws::{Cost, ends_well, judge, undisturbed};
use super::line::{Line, Sessions};
use super::server::{DATABASE, Server};
use crate::support::database::{TestDatabase, socket_dir};
use crate::support::running::{Running, until};
use crate::support::scenarios::{BUILDING, certificate, company, steady};

/// The day of the fault, and the day on which it is over.
const BEFORE: &str = "2026-01-05";
const AFTER: &str = "2026-01-08";

/// Requests that pass before the fault.
const PASSED: usize = 10;

/// The first company has an end that is 30 days ahead on a day on which the database is away.
pub fn story() -> String {
    let ends = certificate("D341000099", BUILDING).replace("2029-01-09", "2026-02-05");
    let steady = steady(24);
    let others = steady.split_once("[[company]]\nkeywords = [\"公司2\"]").unwrap().1;
    company(1, &ends) + "[[company]]\nkeywords = [\"公司2\"]" + others
}

/// The database is away from the middle of a day's sweep until three days later.
async fn away_for_days(sessions: Sessions, goes: fn(&Line)) {
    let expected = undisturbed(&Rig::with(&story()).await, &[BEFORE, AFTER]).await;
    let server = Server::start().await;
    let line = Line::to(server.socket_dir(), sessions).await;
    let rig = Rig::with(&story()).await.lives_on(&server).await;
    rig.scene.at(BEFORE);
    rig.money.hold_after(PASSED);
    let store = Store::open(line.url(DATABASE).parse().unwrap()).await.unwrap();
    let home = Home::of(&rig);
    let course = async {
        rig.calls_wait(PASSED).await;
        goes(&line);
        rig.money.pass();
        rig.minutes_until("the operators are told without it", || async { rig.told_directly() == 1 }).await;
        let paid = rig.money.paid();
        assert_eq!(paid, PASSED + CONCURRENCY, "nobody is asked for whom no answer could be stored");
        rig.scene.at(AFTER);
        rig.minutes_until("it was looked at again", || async { away_since_marked(&home) }).await;
        assert_eq!((rig.money.paid(), rig.told_directly()), (paid, 1), "told once, however long it lasts");
        line.mend();
        let all = rig.keywords().len();
        rig.minutes_until("all is made up for", || async {
            let today = "SELECT count(*) FROM standings WHERE last_asked_at >= '2026-01-08T00:00:00+08:00'";
            rig.count(today).await == i64::try_from(all).unwrap() && rig.is_silent().await
        })
        .await;
        rig.minutes_until("its end is told", || async {
            let ended = "SELECT count(*) FROM events WHERE kind = 'database_unavailable_resolved'";
            rig.count(ended).await == 1 && rig.is_silent().await
        })
        .await;
    };
    home.live_impatiently(&rig, &store, course).await;
    let cost = Cost { calls: CONCURRENCY, repeats: 0, troubles: &["database_unavailable"] };
    judge(&rig, &expected, cost).await;
    store.close().await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_fell_silent_holds_up_no_end() {
    let database = TestDatabase::new().await;
    let line = Line::to(socket_dir(), Sessions::AsTheyAre).await;
    let name = database.options().get_database().unwrap().to_owned();
    let store = Store::open(line.url(&name).parse().unwrap()).await.unwrap();
    let in_use = store.connection("a test").await.unwrap();
    line.fall_silent();
    drop(in_use);
    // Given up while the pool asks whether the connection lives.
    let waited = within(Duration::from_millis(300), store.connection("a test")).await;
    assert!(waited.is_err(), "it is silent");
    // The pool alone would wait until it has no hope for it, ten seconds later.
    within(Duration::from_secs(8), store.close()).await.expect("it ends by itself");
}

fn away_since_marked(home: &Home) -> bool {
    std::fs::read_to_string(home.state_dir.join("database_unavailable.json"))
        .is_ok_and(|text| text.contains("since"))
}

#[tokio::test(flavor = "multi_thread")]
async fn scenario_06_a_database_that_is_cut_off_for_days_costs_the_calls_in_flight_and_is_told_once() {
    Box::pin(away_for_days(Sessions::AsTheyAre, Line::cut)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scenario_06_a_database_that_falls_silent_for_days_costs_the_calls_in_flight_and_is_told_once() {
    // Whose locks the server keeps, as nobody has told it that they are gone, until it ends the silent sessions.
    Box::pin(away_for_days(Sessions::Shortened, Line::fall_silent)).await;
}

/// A moment's trouble in the middle of a sweep of a process, which then looks again.
async fn trouble(strikes: impl AsyncFn(&Server)) {
    let expected = undisturbed(&Rig::with(&steady(30)).await, &[BEFORE]).await;
    let server = Server::start().await;
    let rig = Rig::with(&steady(30)).await.lives_on(&server).await;
    rig.money.hold_after(PASSED);
    let program = rig.program_on(&server.url());
    let daemon = Running::start(&program, &["run"]);
    rig.calls_wait(PASSED).await;
    strikes(&server).await;
    rig.money.pass();
    daemon.logged("this failed and is tried again every minute").await;
    assert_eq!(rig.money.paid(), PASSED + CONCURRENCY, "asking stops at once");
    daemon.signal(Signal::SIGHUP);
    until("all are checked", || async { rig.checked().await == 30 && rig.is_silent().await }).await;
    daemon.logged("it works again").await;
    ends_well(daemon).await;
    judge(&rig, &expected, Cost { calls: CONCURRENCY, ..Cost::NOTHING }).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scenario_06_a_killed_back_end_costs_the_calls_in_flight() {
    // All others are ended with it, and the server recovers.
    let kills = async |server: &Server| {
        kill(server.a_back_end().await, Signal::SIGKILL).unwrap();
        until("it answers again", || async { server.answers().await }).await;
    };
    Box::pin(trouble(kills)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scenario_06_a_killed_server_that_is_started_again_costs_the_calls_in_flight() {
    let kills = async |server: &Server| {
        server.kill().await;
        server.start_again().await;
    };
    Box::pin(trouble(kills)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scenario_07_sessions_that_an_administrator_ends_cost_the_calls_in_flight() {
    let ends = async |server: &Server| {
        server.end_sessions().await;
    };
    Box::pin(trouble(ends)).await;
}
