//! Scenarios 3 to 5: a clock that is set while a sweep runs and while nothing does, a host and a database in other zones, and the
//! 29th of February.

use std::time::Duration;

use chrono::TimeDelta;
use qualwatch::clock;
use qualwatch::store::Store;

use super::house::{CONCURRENCY, Home, Rig};
use super::laws::{Cost, Outcome, judge, undisturbed};
use crate::support::running::until;
use crate::support::scenarios::{BUILDING, certificate, company};
use crate::support::scene::DAYS;
use crate::support::watch::Watch;

/// For a look that finds nothing to do, which is no event to wait for.
const A_LOOK: Duration = Duration::from_millis(100);

#[tokio::test(flavor = "multi_thread")]
async fn scenario_03_a_clock_that_is_set_by_hours_asks_for_nobody_twice_and_tells_nothing_twice() {
    let expected = undisturbed(&Rig::set().await, &DAYS).await;
    let rig = Rig::set().await;
    let store = Store::open(rig.scene.database.options()).await.unwrap();
    let course = async {
        for (day, mails) in DAYS.into_iter().zip([2, 3, 5, 7, 8]) {
            let paid = rig.money.paid();
            rig.money.hold_after(paid + 1);
            rig.scene.at(day);
            until("calls wait", || async { rig.money.paid() == paid + 1 + CONCURRENCY }).await;
            // In mid-sweep.
            rig.scene.clock.advance(TimeDelta::hours(3));
            rig.money.pass();
            let is_told = || async { rig.scene.sink.mails().len() >= mails && rig.is_silent().await };
            until(&format!("{mails} mails by {day}"), is_told).await;
            // And asleep.
            for hours in [-3, -1, 4, 2, -5] {
                rig.scene.clock.advance(TimeDelta::hours(hours));
                clock::pause(A_LOOK).await;
            }
        }
    };
    Home::of(&rig).live(&rig, &store, None, course).await;
    judge(&rig, &expected, Cost::NOTHING).await;
    store.close().await;
}

/// The whole of every event, but for the seconds in which it was found.
async fn events(rig: &Rig) -> Vec<String> {
    let days = "SELECT concat_ws(' ', kind, audience, (at AT TIME ZONE 'Asia/Shanghai')::date, event->>'company',
                                 event->>'day', event->>'threshold', event->'certificate', event->>'days_left')
                FROM events ORDER BY 1";
    rig.scene.texts(days).await
}

/// What comes of these days on a host and a database in these zones.
async fn lived(rig: Rig, days: &[&str], host: &str, database: &str) -> (Vec<String>, Outcome) {
    let name: String =
        sqlx::query_scalar("SELECT current_database()::text").fetch_one(&rig.scene.pool).await.unwrap();
    let zone = format!("ALTER DATABASE {name} SET timezone = '{database}'");
    sqlx::query(sqlx::AssertSqlSafe(zone)).execute(&rig.scene.pool).await.unwrap();
    for day in days {
        rig.scene.at(day);
        let ran = rig.program().with("TZ", host).run(&["check", "--due", "--json"]);
        assert_eq!(ran.code, Some(0), "{host}, {database}: {ran:?}");
    }
    (events(&rig).await, Outcome::of(&rig).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn scenario_04_in_whatever_zone_host_and_database_are_the_same_is_told() {
    let mut told: Vec<(Vec<String>, Outcome)> = Vec::new();
    for (host, database) in [
        ("UTC", "UTC"),
        ("America/New_York", "Asia/Tokyo"),
        ("Pacific/Kiritimati", "America/New_York"),
        ("Asia/Kathmandu", "Pacific/Kiritimati"),
        ("nonsense", "Antarctica/Troll"),
    ] {
        told.push(lived(Rig::set().await, &DAYS, host, database).await);
    }
    for other in &told[1..] {
        assert_eq!(other, &told[0]);
    }
    assert_eq!(told[0].0.len(), 12);
}

/// In New York clocks go forward in the night to 2026-03-08, and back in that to 2026-11-01.
#[tokio::test(flavor = "multi_thread")]
async fn scenario_04_a_night_in_which_the_hosts_clocks_change_changes_nothing() {
    for (days, before, night) in [
        (["2026-03-06", "2026-03-07", "2026-03-08", "2026-03-09", "2026-03-10"], "2026-03-07", "2026-03-08"),
        (["2026-10-30", "2026-10-31", "2026-11-01", "2026-11-02", "2026-11-03"], "2026-10-31", "2026-11-01"),
    ] {
        let ending = |number: &str, until: &str| certificate(number, BUILDING).replace("2029-01-09", until);
        let goes = certificate("D241000004", &format!("{BUILDING}\nto = \"{before}\""));
        let scenario = company(1, &ending("D241000001", before))
            + &company(2, &ending("D241000002", night))
            + &company(3, &(certificate("D241000003", BUILDING) + &goes));
        let mut told = Vec::new();
        for (host, database) in [
            ("Asia/Shanghai", "UTC"),
            ("America/New_York", "America/New_York"),
            ("UTC", "America/New_York"),
            ("America/New_York", "UTC"),
        ] {
            told.push(lived(Rig::with(&scenario).await, &days, host, database).await);
        }
        for other in &told[1..] {
            assert_eq!(other, &told[0], "{night}");
        }
        let of_kind = |kind: &str| told[0].0.iter().filter(|event| event.starts_with(kind)).count();
        assert_eq!(of_kind("expired "), 2, "{:#?}", told[0].0);
        assert_eq!(of_kind("certificate_removed"), 1, "{:#?}", told[0].0);
    }
}

#[tokio::test]
async fn scenario_05_an_end_on_the_29th_of_february_is_told_on_its_days_and_extended() {
    let named = |until: &str, more: &str| {
        certificate("D241000001", &format!("{BUILDING}\n{more}")).replace("2029-01-09", until)
    };
    let scenario = company(
        1,
        &(named("2028-02-29", "to = \"2028-02-28\"") + &named("2033-02-28", "from = \"2028-02-29\"")),
    ) + &company(2, &certificate("D241000002", BUILDING).replace("2029-01-09", "20280229"))
        + &company(3, &certificate("D241000003", BUILDING).replace("2029-01-09", "2027-02-29"));
    let world = Watch::new(&scenario, "", "2028-02-21").await;
    let mut told = Vec::new();
    for day in ["2028-02-21", "2028-02-22", "2028-02-28", "2028-02-29", "2028-03-01"] {
        world.at(day);
        for recorded in world.tick().await.events {
            let event = recorded.event;
            if event.kind().to_string() != "watching" {
                let company = event.company.as_ref().map(ToString::to_string).unwrap_or_default();
                told.push(format!("{day} {company} {} {:?}", event.kind(), event.days_left));
            }
        }
    }
    let expected = [
        "2028-02-21 公司1 expiring Some(8)",
        "2028-02-21 公司2 expiring Some(8)",
        "2028-02-21 公司3 unreadable_date None",
        "2028-02-22 公司1 expiring Some(7)",
        "2028-02-22 公司2 expiring Some(7)",
        "2028-02-28 公司1 expiring Some(1)",
        "2028-02-28 公司2 expiring Some(1)",
        "2028-02-29 公司1 validity_extended Some(1826)",
        "2028-02-29 公司1 expiring Some(0)",
        "2028-02-29 公司2 expiring Some(0)",
        "2028-03-01 公司2 expired Some(-1)",
    ];
    assert_eq!(told, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn scenario_03_a_daemon_that_waited_by_a_clock_a_month_ahead_goes_on_when_it_is_set_right() {
    let rig = Rig::set().await;
    let store = Store::open(rig.scene.database.options()).await.unwrap();
    let course = async {
        rig.scene.at("2026-02-05");
        until("it is asleep, a month ahead", || async { rig.checked().await > 0 && rig.is_silent().await })
            .await;
        // Mail of another process, for which no bell rings here.
        sqlx::query("UPDATE deliveries SET sent_at = NULL, message_id = NULL")
            .execute(&rig.scene.pool)
            .await
            .unwrap();
        let sent = rig.scene.sink.mails().len();
        rig.scene.clock.advance(TimeDelta::days(-30));
        until("it looks for mail at once", || async { rig.scene.sink.mails().len() > sent }).await;
    };
    Home::of(&rig).live(&rig, &store, None, course).await;
    store.close().await;
}
