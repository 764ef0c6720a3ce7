//! What upstream's failures lead to (design 2): classes, the breaker, and what operators hear of it.

use std::collections::BTreeSet;

use qualwatch::sweep::{Halt, Whom};

use crate::support::scenarios::{BUILDING, NONE, certificate, company, steady};
use crate::support::watch::{Watch, kinds};

fn named(keyword: &str) -> Whom {
    Whom::Named(BTreeSet::from([keyword.parse().unwrap()]))
}

fn failing(keyword: &str, what: &str) -> String {
    format!("[[fault]]\nfrom = \"2026-01-06\"\nkeyword = \"{keyword}\"\n{what}\n")
}

#[tokio::test]
async fn five_companies_in_a_row_pause_the_sweep_and_single_calls_look_for_its_end() {
    let scenario =
        steady(12) + "[[fault]]\nfrom = \"2026-01-06\"\nto = \"2026-01-06T13:30:00+08:00\"\nstatus = 503\n";
    let world = Watch::new(&scenario, "", "2026-01-05").await;
    world.check().await;
    world.at("2026-01-06");
    let report = world.tick().await;
    assert_eq!(report.tally.calls, 5);
    assert!(matches!(report.halt, Some(Halt::Paused(_))));
    for (time, calls) in [
        ("08:14", 0),
        ("08:15", 1),
        ("08:16", 0),
        ("08:59", 0),
        ("09:00", 1),
        ("10:59", 0),
        ("11:00", 1),
        ("11:59", 0),
        ("12:00", 1),
        ("13:00", 1),
        ("13:59", 0),
    ] {
        world.at(&format!("2026-01-06T{time}:00+08:00"));
        assert_eq!(world.tick().await.tally.calls, calls, "{time}");
    }
    world.at("2026-01-06T14:00:00+08:00");
    let report = world.tick().await;
    assert_eq!(
        (report.tally.complete, report.halt.clone()),
        (12, None),
        "the probe went well: all the others follow"
    );
}

#[tokio::test]
async fn all_companies_pause_the_sweep_when_they_are_fewer_than_five() {
    let world =
        Watch::new(&(steady(2) + "[[fault]]\nfrom = \"2026-01-06\"\nstatus = 503\n"), "", "2026-01-05").await;
    world.check().await;
    world.at("2026-01-06");
    let report = world.tick().await;
    assert_eq!(report.tally.calls, 4, "each once more");
    assert!(matches!(report.halt, Some(Halt::Paused(_))));
    let before = world.sandbox.ledger().len();
    for time in ["08:14", "08:16", "08:31", "09:01"] {
        world.at(&format!("2026-01-06T{time}:00+08:00"));
        world.tick().await;
    }
    let probes: Vec<_> =
        world.sandbox.ledger().split_off(before).into_iter().map(|call| call.keyword).collect();
    assert_eq!(probes.len(), 2, "at 8:15 and at 9:00: {probes:?}");
    assert_ne!(probes[0], probes[1], "each goes to another company");
}

#[tokio::test]
async fn one_company_that_fails_alone_pauses_nobody() {
    let world = Watch::new(&(steady(8) + &failing("公司2", "status = 503")), "", "2026-01-05").await;
    world.check().await;
    world.at("2026-01-06");
    let report = world.try_sweep(&named("公司2")).await.unwrap();
    assert_eq!((report.tally.failed, report.tally.calls, report.halt.clone()), (1, 2, None));
    assert_eq!(world.check().await.tally.complete, 7);
}

#[tokio::test]
async fn a_few_second_tries_that_fail_pause_nobody() {
    let faults: String = [2, 4, 6, 8, 10].map(|n| failing(&format!("公司{n}"), "status = 503")).concat();
    let world = Watch::new(&(steady(12) + &faults), "", "2026-01-05").await;
    world.check().await;
    world.at("2026-01-06");
    let report = world.tick().await;
    assert_eq!((report.tally.complete, report.tally.failed, report.halt.clone()), (7, 5, None));
    assert_eq!(report.tally.calls, 17);
}

#[tokio::test]
async fn upstream_is_unreachable_only_while_no_call_succeeds() {
    let world = Watch::new(&(steady(3) + &failing("公司2", "status = 503")), "", "2026-01-05").await;
    world.check().await;
    for time in ["2026-01-06T08:00:00+08:00", "2026-01-06T14:00:00+08:00", "2026-01-06T20:00:00+08:00"] {
        world.at(time);
        assert_eq!(kinds(&world.check().await.events), NONE, "the others are reached");
        let report = world.try_sweep(&named("公司2")).await.unwrap();
        assert_eq!(kinds(&report.events), NONE, "{time}");
    }
}

#[tokio::test]
async fn an_upstream_that_is_away_is_told_once_after_its_time_and_its_end_once() {
    let scenario =
        steady(3) + "[[fault]]\nfrom = \"2026-01-06\"\nto = \"2026-01-06T17:30:00+08:00\"\nstatus = 503\n";
    let world = Watch::new(&scenario, "", "2026-01-05").await;
    world.check().await;
    let mut told = Vec::new();
    for hour in 8..24 {
        world.at(&format!("2026-01-06T{hour:02}:00:00+08:00"));
        told.extend(kinds(&world.tick().await.events).into_iter().map(|kind| (hour, kind)));
    }
    assert_eq!(told, [(14, "api_unreachable".to_owned()), (18, "api_unreachable_resolved".to_owned())]);
}

/// That all fail since before upstream last said anything makes none of them a dead entry.
#[tokio::test]
async fn an_upstream_that_goes_away_after_days_of_refusals_is_told_after_its_time() {
    for refusal in ["code = 265003", "code = 10014", "repeat_item = true"] {
        let scenario = steady(7)
            + &format!("[[fault]]\nfrom = \"2026-01-06\"\nto = \"2026-01-08\"\n{refusal}\n")
            + "[[fault]]\nfrom = \"2026-01-09\"\nto = \"2026-01-09T17:30:00+08:00\"\nstatus = 503\n";
        let world = Watch::new(&scenario, "", "2026-01-05").await;
        for date in ["2026-01-05", "2026-01-06", "2026-01-07", "2026-01-08"] {
            assert!(
                !world.checked_on(date).await.contains(&"api_unreachable".to_owned()),
                "{refusal}, {date}"
            );
        }
        let mut told = Vec::new();
        for hour in 8..24 {
            world.at(&format!("2026-01-09T{hour:02}:00:00+08:00"));
            told.extend(kinds(&world.tick().await.events).into_iter().map(|kind| (hour, kind)));
        }
        told.retain(|(_, kind)| kind.starts_with("api_unreachable"));
        let expected = [(14, "api_unreachable".to_owned()), (18, "api_unreachable_resolved".to_owned())];
        assert_eq!(told, expected, "{refusal}");
    }
}

#[tokio::test]
async fn an_unknown_code_is_told_once_with_its_line_and_asked_only_once() {
    let faults = failing("公司2", "code = 265002\nreason = \"参数不合法\"")
        + "[[fault]]\nfrom = \"2026-01-06\"\nto = \"2026-01-07\"\nkeyword = \"公司3\"\ncode = 299999\n";
    let world = Watch::new(&(steady(4) + &faults), "", "2026-01-05").await;
    world.check().await;
    world.at("2026-01-06");
    let report = world.check().await;
    assert_eq!(report.tally.calls, 4, "no second try");
    assert_eq!(kinds(&report.events), ["api_unknown_code", "api_unknown_code"], "each code once");
    let facts: Vec<_> = report.events.iter().filter_map(|told| told.event.trouble()).collect();
    assert_eq!(facts.iter().filter(|facts| facts.code == Some(265_002)).count(), 1);
    assert!(facts.iter().all(|facts| facts.line.is_some()));
    assert_eq!(world.checked_on("2026-01-07").await, NONE);
    assert_eq!(world.checked_on("2026-01-08").await, ["api_unknown_code_resolved"], "of one of them");
}

#[tokio::test]
async fn an_address_over_its_limit_waits_for_its_own_time() {
    for effect in ["code = 10011", "status = 429"] {
        let scenario = steady(3) + &format!("[[fault]]\nto = \"2026-01-05T08:30:00+08:00\"\n{effect}\n");
        let world = Watch::new(&scenario, "ip_backoff = \"40m\"", "2026-01-05").await;
        let report = world.tick().await;
        assert_eq!(
            (report.tally.calls, kinds(&report.events)),
            (1, vec!["api_quota".to_owned()]),
            "{effect}"
        );
        for (time, calls) in [("08:39", 0), ("08:40", 3)] {
            world.at(&format!("2026-01-05T{time}:00+08:00"));
            assert_eq!(world.tick().await.tally.calls, calls, "{effect}, {time}");
        }
    }
}

#[tokio::test]
async fn a_spent_quota_waits_for_shanghais_midnight_whatever_the_zone_is() {
    let scenario = steady(3) + "[[fault]]\nto = \"2026-01-05T22:00:00+08:00\"\ncode = 10012\n";
    let mut world = Watch::new(&scenario, "", "2026-01-05T21:00:00+08:00").await;
    world.watchlist.timezone = chrono_tz::America::New_York;
    assert_eq!(world.tick().await.tally.calls, 1);
    world.at("2026-01-05T23:59:59+08:00");
    assert_eq!(world.tick().await.tally.calls, 0);
    world.at("2026-01-06T00:10:00+08:00");
    assert_eq!(world.tick().await.tally.complete, 3);
}

#[tokio::test]
async fn a_refusal_without_an_error_code_is_unknown_and_stops_nobody() {
    for status in [302, 401, 403, 407] {
        let effect = if status == 302 {
            "redirect = \"http://127.0.0.1:9/\"".to_owned()
        } else {
            format!("status = {status}")
        };
        let world = Watch::new(&(steady(3) + &failing("公司2", &effect)), "", "2026-01-05").await;
        world.check().await;
        world.at("2026-01-06");
        let report = world.check().await;
        assert_eq!((report.tally.calls, report.tally.complete), (3, 2), "{status}: no second try");
        assert_eq!(kinds(&report.events), ["api_unknown_code"], "{status}");
    }
}

#[tokio::test]
async fn a_stop_stored_by_a_clock_that_was_ahead_ends_when_the_clock_is_right() {
    let scenario = steady(2) + "[[fault]]\nfrom = \"2027-01-01\"\ncode = 10001\n";
    let world = Watch::new(&scenario, "", "2027-01-05").await;
    assert_eq!(world.tick().await.tally.calls, 1, "a year ahead");
    world.at("2026-01-05");
    assert_eq!(world.tick().await.tally.calls, 0, "it began now");
    world.at("2026-01-05T09:00:00+08:00");
    let report = world.tick().await;
    assert_eq!(report.tally.complete, 2, "{report:?}");
}

#[tokio::test]
async fn a_company_that_stays_incomplete_is_told_after_a_day_and_three_checks() {
    let many: String = (0..25).map(|n| certificate(&format!("D2419{n:05}"), BUILDING)).collect();
    let scenario = steady(2)
        + &company(9, &many)
        + "[[fault]]\nfrom = \"2026-01-06\"\nto = \"2026-01-09\"\nkeyword = \"公司9\"\npage = 2\nshort_page = true\n";
    let world = Watch::new(&scenario, "", "2026-01-05").await;
    world.check().await;
    assert_eq!(world.checked_on("2026-01-06").await, NONE);
    assert_eq!(world.checked_on("2026-01-07").await, NONE, "a day, but two checks");
    world.at("2026-01-08");
    let events = world.check().await.events;
    assert_eq!(kinds(&events), ["company_unverified"]);
    assert_eq!(events[0].event.trouble().unwrap().reason, "total 25, got 24");
    assert_eq!(world.checked_on("2026-01-09").await, NONE, "told once");
    assert_eq!(world.checked_on("2026-01-10").await, ["company_unverified_resolved"]);
}
