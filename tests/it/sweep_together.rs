//! Several daemons on one database, and a database that cannot write.

use std::num::NonZeroU32;
use std::sync::Arc;

use qualwatch::store::Store;
use qualwatch::store::steps::NoSteps;
use qualwatch::sweep::{Mode, NoProgress, Sweep, Whom};
use sqlx::AssertSqlSafe;
use tokio_util::sync::CancellationToken;

use crate::support::watch::{Swept, Watch, kinds};

const SCENARIO: &str = "[generate]\ncompanies = 60\ncertificates = 1\nseed = 7\n";

/// What another daemon does with the same file at the same moment.
async fn sweep_by(store: &Store, world: &Watch) -> Swept {
    let clock = Arc::new(world.clock.clone());
    let ending = CancellationToken::new();
    let sweep = Sweep::new(store, &world.watchlist, clock, &NoSteps, Mode::ForGood, &NoProgress, ending);
    Swept::of(store, sweep.run(&Whom::Due, world.key.clone()).await.unwrap()).await
}

#[tokio::test]
async fn three_daemons_ask_for_each_company_once_and_tell_it_once() {
    let world = Watch::new(SCENARIO, "concurrency = 4", "2026-01-05").await;
    let stores = [world.another_store().await, world.another_store().await, world.another_store().await];
    for _ in 0..3 {
        let before = world.sandbox.requests();
        let [one, two, three] = &stores;
        let reports = tokio::join!(sweep_by(one, &world), sweep_by(two, &world), sweep_by(three, &world));
        let asked = reports.0.tally.asked + reports.1.tally.asked + reports.2.tally.asked;
        assert_eq!((asked, world.sandbox.requests() - before), (60, 60));
        world.next_day();
    }
    assert_eq!(world.count("SELECT count(*) FROM events WHERE kind = 'watching'").await, 60);
    assert_eq!(world.count("SELECT sum(checks)::bigint FROM call_days").await, 180);
}

#[tokio::test]
async fn all_daemons_together_stay_within_the_days_calls() {
    let mut world = Watch::new(SCENARIO, "concurrency = 4", "2026-01-05").await;
    world.watchlist.api.calls_per_day = NonZeroU32::new(25);
    let (one, two) = (world.another_store().await, world.another_store().await);
    let reports = tokio::join!(sweep_by(&one, &world), sweep_by(&two, &world));
    assert_eq!(world.sandbox.requests(), 25);
    let told = [kinds(&reports.0.events), kinds(&reports.1.events)].concat();
    assert_eq!(told.iter().filter(|kind| *kind == "api_quota").count(), 1, "told once: {told:?}");
}

#[tokio::test]
async fn a_database_that_cannot_write_stops_the_asking() {
    let world = Watch::new(SCENARIO, "concurrency = 4", "2026-01-05").await;
    let name: String =
        sqlx::query_scalar("SELECT current_database()::text").fetch_one(world.store.pool()).await.unwrap();
    let read_only = format!("ALTER DATABASE {name} SET default_transaction_read_only = on");
    sqlx::query(AssertSqlSafe(read_only)).execute(world.store.pool()).await.unwrap();
    let store = world.another_store().await;
    let clock = Arc::new(world.clock.clone());
    let ending = CancellationToken::new();
    let sweep = Sweep::new(&store, &world.watchlist, clock, &NoSteps, Mode::ForGood, &NoProgress, ending);
    let failed = sweep.run(&Whom::Due, world.key.clone()).await.unwrap_err();
    let source = std::error::Error::source(&failed).and_then(|source| source.source()).unwrap().to_string();
    assert!(source.contains("read-only"), "{source}");
    assert_eq!(world.sandbox.requests(), 0);
}
