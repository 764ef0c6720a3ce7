//! Scenario 7: the database becomes read-only, or another server takes its place in the middle of a sweep.

use nix::sys::signal::Signal;
use qualwatch::store::Store;

use super::house::{CONCURRENCY, Home, Rig};
use super::laws::{Cost, ends_well, judge, undisturbed};
use super::line::{Line, Sessions};
use super::server::{DATABASE, Server};
use crate::support::running::{Running, until};
use crate::support::scenarios::steady;

const DAY: &str = "2026-01-05";
const COMPANIES: u32 = 30;

/// The standby has all that the primary has.
async fn has_caught_up(primary: &Server, standby: &Server) {
    let written: String = primary.ask("SELECT pg_current_wal_flush_lsn()::text").await;
    let sql = format!("SELECT coalesce(pg_last_wal_replay_lsn() >= '{written}'::pg_lsn, false)");
    until("the standby has caught up", || async { standby.ask(&sql).await }).await;
}

/// A primary, its standby behind a line of its own, and what the program dials.
struct Pair {
    primary: Server,
    standby: Server,
    replication: Line,
    dialled: Line,
}

async fn pair() -> Pair {
    let primary = Server::start().await;
    let replication = Line::to(primary.socket_dir(), Sessions::AsTheyAre).await;
    let standby = primary.standby(replication.port()).await;
    let dialled = Line::to(primary.socket_dir(), Sessions::AsTheyAre).await;
    Pair { primary, standby, replication, dialled }
}

#[tokio::test(flavor = "multi_thread")]
async fn scenario_07_after_a_failover_in_mid_sweep_only_what_the_new_primary_has_counts() {
    let expected = undisturbed(&Rig::with(&steady(COMPANIES)).await, &[DAY]).await;
    let Pair { primary, standby, replication, dialled } = pair().await;
    let mut rig = Rig::with(&steady(COMPANIES)).await.lives_on(&primary).await;
    rig.money.hold_after(8);
    let program = rig.program_on(&dialled.url(DATABASE));
    let daemon = Running::start(&program, &["run"]);
    rig.calls_wait(8).await;
    has_caught_up(&primary, &standby).await;
    // From here on the standby learns nothing more: what is committed now is lost with the primary.
    replication.cut();
    rig.money.hold_after(14);
    rig.calls_wait(14).await;
    let committed = rig.checked().await;
    primary.kill().await;
    standby.promote().await;
    dialled.lead_to(standby.socket_dir());
    rig = rig.lives_on(&standby).await;
    let lost = committed - rig.checked().await;
    assert!(lost >= 4, "{lost} checks were committed and are lost");
    rig.money.pass();
    daemon.logged("this failed and is tried again every minute").await;
    daemon.signal(Signal::SIGHUP);
    until("all are checked", || async { rig.checked().await == COMPANIES as usize && rig.is_silent().await })
        .await;
    ends_well(daemon).await;
    judge(&rig, &expected, Cost { calls: lost + CONCURRENCY, ..Cost::NOTHING }).await;
    standby.stop().await;
    primary.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scenario_07_sessions_on_a_primary_that_has_become_read_only_are_given_up_for_the_new_one() {
    let expected = undisturbed(&Rig::with(&steady(COMPANIES)).await, &[DAY]).await;
    let Pair { primary, standby, replication: _replication, dialled } = pair().await;
    let mut rig = Rig::with(&steady(COMPANIES)).await.lives_on(&primary).await;
    rig.money.hold_after(8);
    let program = rig.program_on(&dialled.url(DATABASE));
    let daemon = Running::start(&program, &["run"]);
    rig.calls_wait(8).await;
    // An orderly change: the old one writes no more, the new one has all of it; open sessions stay where they are.
    primary.set("default_transaction_read_only = on").await;
    has_caught_up(&primary, &standby).await;
    standby.promote().await;
    dialled.lead_to(standby.socket_dir());
    rig = rig.lives_on(&standby).await;
    rig.money.pass();
    daemon.logged("this failed and is tried again every minute").await;
    daemon.signal(Signal::SIGHUP);
    until("all are checked", || async { rig.checked().await == COMPANIES as usize && rig.is_silent().await })
        .await;
    ends_well(daemon).await;
    judge(&rig, &expected, Cost { calls: CONCURRENCY, ..Cost::NOTHING }).await;
    standby.stop().await;
    primary.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scenario_07_a_database_that_is_read_only_is_away_and_told_without_it() {
    let expected = undisturbed(&Rig::with(&steady(COMPANIES)).await, &[DAY]).await;
    let server = Server::start().await;
    let rig = Rig::with(&steady(COMPANIES)).await.lives_on(&server).await;
    rig.scene.at(DAY);
    rig.money.hold_after(8);
    let store = Store::open(server.options()).await.unwrap();
    let course = async {
        rig.calls_wait(8).await;
        server.set("default_transaction_read_only = on").await;
        rig.money.pass();
        rig.minutes_until("the operators are told without it", || async { rig.told_directly() == 1 }).await;
        assert_eq!(rig.money.paid(), 8 + CONCURRENCY, "nobody is asked for whom no answer could be stored");
        let direct = rig.scene.letters().into_iter().find(|(_, letter)| super::laws::is_direct(letter));
        assert!(direct.unwrap().1.text.contains("只读"), "and it says why");
        server.set("default_transaction_read_only = off").await;
        rig.minutes_until("all is made up for", || async {
            let ended = "SELECT count(*) FROM events WHERE kind = 'database_unavailable_resolved'";
            rig.checked().await == COMPANIES as usize && rig.count(ended).await == 1 && rig.is_silent().await
        })
        .await;
    };
    Home::of(&rig).live(&rig, &store, None, course).await;
    let cost = Cost { calls: CONCURRENCY, repeats: 0, troubles: &["database_unavailable"] };
    judge(&rig, &expected, cost).await;
    store.close().await;
    server.stop().await;
}

/// Refuses three times as a transaction that lost against another one is refused.
const LOSES: &str = "CREATE SEQUENCE lost;
    CREATE FUNCTION loses() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF nextval('lost') <= 3 THEN
            RAISE EXCEPTION 'could not serialize access' USING ERRCODE = 'SQLSTATE';
        END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER loses BEFORE INSERT ON observations FOR EACH ROW EXECUTE FUNCTION loses()";

#[tokio::test(flavor = "multi_thread")]
async fn scenario_07_a_transaction_that_loses_against_others_is_made_again_without_another_call() {
    let expected = undisturbed(&Rig::with(&steady(COMPANIES)).await, &[DAY]).await;
    for code in ["40001", "40P01"] {
        let server = Server::start().await;
        server.order(&LOSES.replace("SQLSTATE", code)).await;
        let rig = Rig::with(&steady(COMPANIES)).await.lives_on(&server).await;
        let program = rig.program_on(&server.url());
        let daemon = Running::start(&program, &["run"]);
        until("all are checked", || async {
            rig.checked().await == COMPANIES as usize && rig.is_silent().await
        })
        .await;
        let (code, log) = daemon.end(Signal::SIGTERM).await;
        assert_eq!(code, 0, "{log}");
        judge(&rig, &expected, Cost::NOTHING).await;
        server.stop().await;
    }
}
