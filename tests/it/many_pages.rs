//! Calls that run short, and companies of several pages (design 2, "Counted"): pages are paid whole or not at all, and who
//! cannot be paid at all costs nothing and is told.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use qualwatch::clock::Clock as _;
use qualwatch::store::asking::budget::{self, Calls, Cause};
use serde_json::Value;

use crate::support::program::Program;
use crate::support::scenarios::{BUILDING, certificate, company};
use crate::support::watch::{KEY, Watch, kinds};

const THREE_PAGES: u32 = 45;

fn of(number: u32, certificates: u32) -> String {
    let all: String =
        (0..certificates).map(|n| certificate(&format!("D24{number:02}{n:05}"), BUILDING)).collect();
    company(number, &all)
}

/// Calls since the ledger had so many entries, by company.
fn calls_since(world: &Watch, before: usize) -> BTreeMap<String, usize> {
    let mut calls = BTreeMap::new();
    for call in world.sandbox.ledger().split_off(before) {
        *calls.entry(call.keyword.unwrap()).or_default() += 1;
    }
    calls
}

fn days() -> impl Iterator<Item = String> {
    (5..=14).map(|day| format!("2026-01-{day:02}"))
}

/// A day of the daemon: at its hour, and again when there may be something left to do.
async fn daemons_day(world: &Watch, day: &str) -> Vec<String> {
    let mut told = Vec::new();
    for time in ["08:00", "12:00", "20:00"] {
        world.at(&format!("{day}T{time}:00+08:00"));
        told.extend(kinds(&world.tick().await.events));
    }
    told
}

#[tokio::test]
async fn a_company_of_more_pages_than_a_day_has_calls_is_told_and_costs_nothing() {
    let mut world = Watch::new(&(of(1, THREE_PAGES) + &of(2, 1)), "", "2026-01-05").await;
    world.watchlist.api.calls_per_day = NonZeroU32::new(2);
    let mut told = Vec::new();
    let mut cost = 0;
    for day in days() {
        let before = world.sandbox.ledger().len();
        told.extend(daemons_day(&world, &day).await);
        let calls = calls_since(&world, before);
        assert_eq!(calls.get("公司2"), Some(&1), "{day}: verified daily: {calls:?}");
        cost += calls.get("公司1").copied().unwrap_or_default();
    }
    assert!(cost <= 1, "{cost} calls: the first page says how many there are, and no other is of use");
    let heard = told.iter().filter(|kind| *kind == "company_unverified").count();
    assert_eq!(heard, 1, "{told:?}");
    let of_whom = world.count(
        "SELECT count(*) FROM troubles JOIN companies ON companies.id = company_id
         WHERE kind = 'company_unverified' AND keyword = '公司1' AND resolved_at IS NULL",
    );
    assert_eq!(of_whom.await, 1);

    world.watchlist.api.calls_per_day = NonZeroU32::new(4);
    let before = world.sandbox.ledger().len();
    let told = daemons_day(&world, "2026-01-15").await;
    let calls = calls_since(&world, before);
    assert_eq!(
        calls,
        BTreeMap::from([("公司1".to_owned(), 3), ("公司2".to_owned(), 1)]),
        "the limit was raised"
    );
    assert!(told.contains(&"company_unverified_resolved".to_owned()), "{told:?}");
}

/// Three pages are paid just before midnight in Beijing, one comes, just after it.
#[tokio::test]
async fn pages_given_back_after_midnight_are_none_of_the_new_day() {
    let world = Watch::new(&of(1, 1), "", "2026-01-05").await;
    let at = |text: &str| text.parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    let (before, after) = (at("2026-01-05T23:59:50+08:00"), at("2026-01-06T00:00:03+08:00"));
    let mut connection = world.store.pool().acquire().await.unwrap();
    for at in [before, after] {
        let calls = Calls::of(Cause::Check, 1) + Calls::of(Cause::Page, 2);
        assert_eq!(budget::count(&mut connection, calls, 9, at).await.unwrap(), budget::Counted::Yes);
    }
    budget::give_back_pages(&mut connection, 2, before).await.unwrap();
    for (day, left, why) in
        [(before, 1, "given back where they were counted"), (after, 3, "all of them were made")]
    {
        let used = budget::calls_of_the_day(world.store.pool(), day).await.unwrap();
        assert_eq!(used.total(), left, "{why}");
    }
}

/// Asking is stopped, and nobody who is meant can be paid: the hourly probe is left to whoever makes its call.
#[tokio::test]
async fn who_cannot_be_paid_takes_no_probe() {
    let mut world = Watch::new(&(of(1, THREE_PAGES) + &of(2, 1)), "", "2026-01-05").await;
    world.check().await;
    sqlx::query(
        "INSERT INTO stops (what, class, code, reason, since, attempts, next_probe_at, salt, fingerprint)
         VALUES ('asking', 'quota', 10012, 'a test', $1, 0, $1, '', '')",
    )
    .bind(world.clock.now())
    .execute(world.store.pool())
    .await
    .unwrap();
    world.watchlist.api.calls_per_day = NonZeroU32::new(2);
    world.watchlist.companies.retain(|company| company.keyword.as_str() == "公司1");
    let before = world.sandbox.ledger().len();
    world.check().await;
    assert_eq!(world.sandbox.ledger().len(), before, "no day can pay it");
    assert_eq!(
        world.count("SELECT attempts::bigint FROM stops WHERE what = 'asking'").await,
        0,
        "nor is a probe used up"
    );
}

/// What `check` and `status` say of it.
#[tokio::test(flavor = "multi_thread")]
async fn check_says_which_company_the_days_calls_cannot_pay() {
    let world = Watch::new(&(of(1, THREE_PAGES) + &of(2, 1)), "", "2026-01-05").await;
    let text = world.watchlist_text().replace("calls_per_day = 0", "calls_per_day = 2");
    let program = Program::new(&text)
        .with("QUALWATCH_DATABASE_URL", world.database_url())
        .with("QUALWATCH_API_KEY", KEY);
    let mut told = 0;
    for day in days() {
        world.at(&day);
        let before = world.sandbox.ledger().len();
        let mut command = program.command(&["check", "--json"]);
        let ran = command.env("QUALWATCH_NOW", world.clock.now().to_rfc3339()).output().unwrap();
        assert_eq!(ran.status.code(), Some(3), "{day}: something was not checked: {ran:?}");
        let document: Value = serde_json::from_slice(&ran.stdout).unwrap();
        let calls = calls_since(&world, before);
        assert_eq!(calls.get("公司2"), Some(&1), "{day}: {calls:?}");
        let cost = calls.get("公司1").copied().unwrap_or_default();
        assert!(cost <= usize::from(day == "2026-01-05"), "{day}: {calls:?}");
        let events = document["events"].as_array().unwrap();
        told += events.iter().filter(|event| event["kind"] == "company_unverified").count();
        let problems = document["problems"].as_array().unwrap();
        assert!(problems.iter().any(|problem| problem["company"] == "公司1"), "{day}: {document:#}");
        assert_eq!(document["companies"]["complete"], 1, "{day}: {document:#}");
    }
    assert_eq!(told, 1, "the operator hears of it once");
}

#[tokio::test]
async fn pages_are_paid_whole_or_not_at_all_and_nobody_starves() {
    let scenario = of(1, THREE_PAGES) + &of(2, THREE_PAGES) + &of(3, 1);
    let mut world = Watch::new(&scenario, "", "2026-01-05").await;
    world.watchlist.api.calls_per_day = NonZeroU32::new(5);
    let mut story = Vec::new();
    for day in days() {
        let before = world.sandbox.ledger().len();
        daemons_day(&world, &day).await;
        story.push((day, calls_since(&world, before)));
    }
    for (day, calls) in &story {
        assert!(calls.values().sum::<usize>() <= 5, "{day}: {story:?}");
        assert_eq!(calls.get("公司3"), Some(&1), "{day}: what is left always pays one page: {story:?}");
        let is_first = day == "2026-01-05";
        for large in ["公司1", "公司2"] {
            let calls = calls.get(large).copied().unwrap_or_default();
            let is_whole = calls == 0 || calls == 3 || (is_first && calls == 1);
            assert!(is_whole, "{day}: {calls} pages of three of {large}: {story:?}");
        }
    }
    for two_days in story.windows(2).skip(1) {
        for large in ["公司1", "公司2"] {
            let pages: usize = two_days.iter().filter_map(|(_, calls)| calls.get(large)).sum();
            assert!(pages >= 3, "{large} waits longer than its turn: {two_days:?}");
        }
    }
}

/// A company that has grown since it was last seen is finished where the calls suffice, and else waits for the next day whole.
#[tokio::test]
async fn a_company_that_has_grown_is_paid_by_its_new_size_from_then_on() {
    let more: String = (0..40)
        .map(|n| certificate(&format!("D2499{n:05}"), &format!("{BUILDING}\nfrom = \"2026-01-07\"")))
        .collect();
    let grown = company(1, &(certificate("D240100000", BUILDING) + &more));
    let mut world = Watch::new(&(of(2, 1) + &grown + &of(3, 1)), "", "2026-01-05").await;
    world.watchlist.api.calls_per_day = NonZeroU32::new(4);
    let mut story = Vec::new();
    for day in days() {
        let before = world.sandbox.ledger().len();
        daemons_day(&world, &day).await;
        story.push((day, calls_since(&world, before)));
    }
    for (day, calls) in &story {
        assert!(calls.values().sum::<usize>() <= 4, "{day}: {story:?}");
    }
    for (day, calls) in story.iter().skip(3) {
        let pages = calls.get("公司1").copied().unwrap_or_default();
        assert!(pages == 0 || pages == 3, "{day}: {pages} pages of three: {story:?}");
    }
    for two_days in story[2..].windows(2).skip(1) {
        for (company, whole) in [("公司1", 3), ("公司2", 1), ("公司3", 1)] {
            let pages: usize = two_days.iter().filter_map(|(_, calls)| calls.get(company)).sum();
            assert!(pages >= whole, "{company} waits longer than its turn: {two_days:?}");
        }
    }
}
