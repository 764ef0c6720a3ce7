//! When calls run short (design 2, "Counted"), and who is due.

use std::num::NonZeroU32;

use crate::support::scenarios::{BUILDING, NONE, SUPERVISION, certificate, company, steady};
use crate::support::watch::{Watch, kinds};

#[tokio::test]
async fn of_a_short_budget_confirmations_come_first_and_then_the_longest_unverified() {
    let gone = certificate("E241000066", &format!("{SUPERVISION}\nto = \"2026-01-05\""));
    let scenario = steady(5) + &company(9, &(certificate("D241009999", BUILDING) + &gone));
    let mut world = Watch::new(&scenario, "", "2026-01-05").await;
    world.check().await;
    world.at("2026-01-06");
    assert_eq!(kinds(&world.check().await.events), NONE, "the first look");
    world.watchlist.api.calls_per_day = NonZeroU32::new(2);
    world.at("2026-01-07");
    let report = world.tick().await;
    assert_eq!(report.tally.calls, 2);
    assert!(
        kinds(&report.events).contains(&"certificate_removed".to_owned()),
        "the confirmation, last in the file"
    );
    assert_eq!(world.count("SELECT confirmations FROM call_days WHERE day = '2026-01-07'").await, 1);
    for day in ["2026-01-08", "2026-01-09"] {
        world.at(day);
        assert_eq!(world.tick().await.tally.calls, 2, "{day}");
    }
    let unasked = "SELECT count(*) FROM standings WHERE last_asked_at < '2026-01-07T00:00:00+08:00'";
    assert_eq!(world.count(unasked).await, 0, "each before any twice");
}

#[tokio::test]
async fn a_budget_that_ends_between_two_pages_concludes_nothing() {
    let many: String = (0..45).map(|n| certificate(&format!("D2419{n:05}"), BUILDING)).collect();
    let mut world = Watch::new(&company(1, &many), "", "2026-01-05").await;
    world.watchlist.api.calls_per_day = NonZeroU32::new(2);
    let report = world.tick().await;
    assert_eq!(
        (report.tally.calls, report.tally.complete),
        (1, 0),
        "the first page says that there are three"
    );
    assert_eq!(world.count("SELECT count(*) FROM holdings").await, 0);
    world.watchlist.api.calls_per_day = NonZeroU32::new(3);
    world.at("2026-01-06");
    assert_eq!(world.tick().await.tally.complete, 1, "the next day, whole");
}

#[tokio::test]
async fn an_answer_is_owed_once_a_day_until_it_comes() {
    let scenario = steady(6)
        + "[[fault]]\nfrom = \"2026-01-05\"\nto = \"2026-01-08\"\nkeyword = \"公司2\"\nstatus = 503\n";
    let world =
        Watch::new(&scenario, "[schedule]\ncheck = \"0 9 * * Mon\"", "2026-01-05T09:00:00+08:00").await;
    assert_eq!(world.tick().await.tally.asked, 6);
    let mut asked = Vec::new();
    for day in 6..=11 {
        for hour in [8, 9, 12, 20] {
            world.at(&format!("2026-01-{day:02}T{hour:02}:00:00+08:00"));
            if world.tick().await.tally.asked > 0 {
                asked.push((day, hour));
            }
        }
    }
    assert_eq!(asked, [(6, 8), (7, 8), (8, 8), (9, 8)], "08:00, where the schedule has no hour of that day");
}
