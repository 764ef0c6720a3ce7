//! Promises of design 2 to 4, kept against the imitation upstream and a real PostgreSQL.

use qualwatch::sandbox::Scenario;
use qualwatch::sweep::Whom;

use crate::support::scenarios::{BUILDING, NONE, SUPERVISION, certificate, company, steady};
use crate::support::watch::{Swept, Watch, kinds};

#[tokio::test]
async fn the_documents_example_is_stored_and_judged() {
    let example = "河南省建筑设计研究院有限公司";
    let mut world = Watch::with(Scenario::default_scenario(), "", "2024-01-31").await;
    world.reload("", &[example]).await;
    let report = world.check().await;
    assert_eq!(report.tally.complete, 1);
    assert_eq!(world.count("SELECT count(DISTINCT number_key) FROM holdings").await, 5);
    assert_eq!(world.count("SELECT count(*) FROM holdings").await, 12);
    let watching = report.events.iter().find(|told| told.event.kind().to_string() == "watching").unwrap();
    let baseline = watching.event.baseline().unwrap();
    assert_eq!(
        baseline.historical.iter().map(|facts| facts.number.as_str()).collect::<Vec<_>>(),
        ["B241002517"]
    );
    let mut told: Vec<_> = report
        .events
        .iter()
        .filter(|told| told.event.kind().to_string() != "watching")
        .map(|told| {
            let event = &told.event;
            let number = event.certificate.as_ref().unwrap().number.clone();
            (
                event.kind().to_string(),
                number,
                event.news.fields().threshold.unwrap(),
                event.days_left.unwrap(),
            )
        })
        .collect();
    told.sort();
    let expected = [
        ("expiring", "A241002517", 90, 82),
        ("expiring", "E141002510", 180, 106),
        ("expiring", "E241002517", 90, 82),
        ("filing_due", "A241002517", 30, 82),
        ("filing_due", "E241002517", 30, 82),
    ];
    assert_eq!(
        told,
        expected.map(|(kind, number, threshold, left)| (kind.to_owned(), number.to_owned(), threshold, left))
    );
    assert_eq!(kinds(&world.check().await.events), NONE, "each threshold once, however often it runs");
}

#[tokio::test]
async fn forty_five_certificates_come_through_three_calls() {
    let certificates: String = (0..45).map(|n| certificate(&format!("D2410{n:05}"), BUILDING)).collect();
    let world = Watch::new(&company(1, &certificates), "", "2026-01-05").await;
    let report = world.check().await;
    assert_eq!((report.tally.calls, report.tally.complete), (3, 1));
    assert_eq!(world.count("SELECT count(*) FROM holdings").await, 45);
}

#[tokio::test]
async fn pages_that_do_not_add_up_never_yield_a_removal() {
    let certificates: String = (0..45).map(|n| certificate(&format!("D2410{n:05}"), BUILDING)).collect();
    for fault in ["changing_total", "repeat_item", "ignore_page", "short_page"] {
        let scenario =
            format!("{}[[fault]]\nfrom = \"2026-01-06\"\n{fault} = true\n", company(1, &certificates));
        let world = Watch::new(&scenario, "", "2026-01-05").await;
        assert_eq!(world.check().await.tally.complete, 1);
        for _ in 0..4 {
            world.next_day();
            let report = world.check().await;
            assert_eq!(report.tally.incomplete, 1, "{fault}");
            let told = kinds(&report.events);
            assert!(told.iter().all(|kind| kind == "company_unverified"), "{fault}: {told:?}");
        }
        assert_eq!(world.count("SELECT count(*) FROM holdings WHERE valid_to IS NULL").await, 45);
        assert_eq!(
            world.count("SELECT count(*) FROM troubles WHERE kind = 'company_unverified'").await,
            1,
            "{fault}"
        );
    }
}

#[tokio::test]
async fn an_empty_answer_removes_only_on_the_third_day() {
    let scenario =
        format!("{}[[fault]]\nfrom = \"2026-01-06\"\ncode = 265004\nkeyword = \"公司1\"\n", steady(3));
    let world = Watch::new(&scenario, "", "2026-01-05").await;
    assert_eq!(world.check().await.tally.complete, 3);
    assert_eq!(world.checked_on("2026-01-06").await, NONE);
    assert_eq!(world.checked_on("2026-01-06").await, NONE, "the same day is the same look");
    assert_eq!(world.checked_on("2026-01-07").await, NONE);
    assert_eq!(world.checked_on("2026-01-08").await, ["certificate_removed", "company_not_found"]);
}

#[tokio::test]
async fn on_a_weekly_schedule_the_second_look_comes_the_next_day_by_itself() {
    let gone = certificate("E241000066", &format!("{SUPERVISION}\nto = \"2026-01-11\""));
    let scenario = steady(3) + &company(9, &(certificate("D241009999", BUILDING) + &gone));
    let world = Watch::new(&scenario, "[schedule]\ncheck = \"0 8 * * Mon\"", "2026-01-05").await;
    assert_eq!(world.tick().await.tally.asked, 4, "Monday");
    for day in ["2026-01-06", "2026-01-11"] {
        world.at(day);
        assert_eq!(world.tick().await.tally.asked, 0, "{day}");
    }
    world.at("2026-01-12");
    let report = world.tick().await;
    assert_eq!((report.tally.asked, kinds(&report.events)), (4, vec![]), "Monday: the first look");
    world.at("2026-01-13");
    let report = world.tick().await;
    assert_eq!(
        (report.tally.asked, kinds(&report.events)),
        (1, vec!["certificate_removed".to_owned()]),
        "only the one in doubt, the next day"
    );
    world.at("2026-01-14");
    assert_eq!(world.tick().await.tally.asked, 0);
}

#[tokio::test]
async fn a_row_dropped_on_its_last_day_is_expired_and_not_removed() {
    let dropped = certificate("E241000066", &format!("{SUPERVISION}\nto = \"2026-01-09\""))
        .replace("2029-01-09", "2026-01-10");
    let scenario = steady(3) + &company(9, &(certificate("D241009999", BUILDING) + &dropped));
    let world = Watch::new(&scenario, "", "2026-01-09").await;
    world.check().await;
    assert_eq!(world.checked_on("2026-01-10").await, ["expiring"], "the last day itself, and not listed");
    let world_events = {
        world.at("2026-01-11");
        world.check().await.events
    };
    assert_eq!(kinds(&world_events), ["expired"]);
    assert!(world_events[0].event.notes.contains(&qualwatch::domain::event::Note::NoLongerListed));
    for day in ["2026-01-12", "2026-01-13", "2026-01-14"] {
        assert_eq!(world.checked_on(day).await, NONE);
    }
}

#[tokio::test]
async fn a_later_end_seen_once_and_gone_again_loses_no_alarm() {
    let until = |until: &str, from: &str, to: &str| {
        certificate("D241000018", &format!("{BUILDING}\nfrom = \"{from}\"\nto = \"{to}\""))
            .replace("2029-01-09", until)
    };
    for lying in ["2031-01-31", "-"] {
        let listed = until("2026-02-08", "2026-01-01", "2026-01-08")
            + &until(lying, "2026-01-09", "2026-01-09")
            + &until("2026-02-08", "2026-01-10", "2026-03-01");
        let world = Watch::new(&(company(1, &listed) + &steady(0)), "", "2026-01-05").await;
        assert!(kinds(&world.check().await.events).contains(&"expiring".to_owned()), "60 at 34 days left");
        for day in ["2026-01-06", "2026-01-07", "2026-01-08"] {
            assert_eq!(world.checked_on(day).await, NONE, "{day}");
        }
        let mut told = Vec::new();
        // 30 days left on 2026-01-09, the day of the lie.
        for day in ["2026-01-09", "2026-01-10", "2026-01-11"] {
            told.extend(world.checked_on(day).await);
        }
        assert!(told.contains(&"expiring".to_owned()), "{lying}: {told:?}");
        assert_eq!(
            world.count("SELECT count(*) FROM told WHERE kind = 'expiring' AND threshold = 30").await,
            1,
            "{lying}"
        );
    }
}

#[tokio::test]
async fn a_replaced_certificate_is_told_once_and_goes_in_silence_forty_days_later() {
    let old = certificate("D241000067", &format!("{BUILDING}\nto = \"2026-02-18\""));
    let new =
        certificate("D241000075", &format!("{BUILDING}\nfrom = \"2026-01-09\"")).replace("2029-", "2031-");
    let world = Watch::new(&(company(9, &(old + &new)) + &steady(2)), "", "2026-01-08").await;
    world.check().await;
    assert_eq!(world.checked_on("2026-01-09").await, ["certificate_replaced"]);
    for _ in 0..50 {
        world.next_day();
        assert_eq!(kinds(&world.check().await.events), NONE);
    }
    assert_eq!(
        world
            .count("SELECT count(*) FROM holdings WHERE valid_to IS NULL AND number_key = 'D241000067'")
            .await,
        0
    );
}

#[tokio::test]
async fn a_mass_loss_is_told_to_the_operator_and_to_no_reader() {
    let losing = |n: u32| {
        let stays = certificate(&format!("D2410{n:05}"), BUILDING);
        let goes = certificate(&format!("E2410{n:05}"), &format!("{BUILDING}\nto = \"2026-01-05\""));
        company(n, &(stays + &goes))
    };
    let scenario: String = (1..=12).map(losing).collect::<String>()
        + &(13..=20).map(|n| company(n, &certificate(&format!("D2410{n:05}"), BUILDING))).collect::<String>();
    let world = Watch::new(&scenario, "", "2026-01-05").await;
    world.check().await;
    assert_eq!(world.checked_on("2026-01-06").await, ["mass_change"]);
    assert_eq!(world.checked_on("2026-01-07").await, NONE);
    assert_eq!(world.checked_on("2026-01-08").await, NONE);
    let fourth = world.checked_on("2026-01-09").await;
    assert_eq!(
        fourth.iter().filter(|kind| *kind == "certificate_removed").count(),
        12,
        "after four looks: {fourth:?}"
    );
    assert_eq!(fourth.iter().filter(|kind| *kind == "mass_change_resolved").count(), 1);
}

#[tokio::test]
async fn a_refused_key_costs_one_call_and_heals_by_itself() {
    let scenario = "key = \"the-right-key\"\n[generate]\ncompanies = 1000\ncertificates = 1\nseed = 7\n";
    let mut world = Watch::new(scenario, "concurrency = 8", "2026-01-05").await;
    let report = world.tick().await;
    assert_eq!((report.tally.calls, world.sandbox.requests()), (1, 1));
    assert_eq!(kinds(&report.events), ["api_credential"]);
    assert!(report.events[0].event.trouble().unwrap().advice.as_ref().unwrap().contains("个人中心"));
    for minute in 1..60 {
        world.at(&format!("2026-01-05T08:{minute:02}:00+08:00"));
        assert_eq!(world.tick().await.tally.calls, 0, "nobody asks");
    }
    world.at("2026-01-05T09:00:00+08:00");
    let report = world.tick().await;
    assert_eq!((report.tally.calls, kinds(&report.events)), (1, vec![]), "one probe an hour, told once");
    world.at("2026-01-05T09:05:00+08:00");
    world.key = qualwatch::domain::secret::Secret::parse("the-right-key");
    let report = world.tick().await;
    assert_eq!(report.tally.complete, 1000, "at once when the key has changed");
    assert!(kinds(&report.events).contains(&"api_credential_resolved".to_owned()));
    assert_eq!(world.count("SELECT probes FROM call_days").await, 2);
}

#[tokio::test]
async fn a_spent_quota_waits_for_midnight_in_shanghai() {
    let scenario = steady(5) + "[[fault]]\nfrom = \"2026-01-05\"\nto = \"2026-01-05\"\ncode = 10012\n";
    let world = Watch::new(&scenario, "", "2026-01-05T14:00:00+08:00").await;
    let report = world.tick().await;
    assert_eq!((report.tally.calls, kinds(&report.events)), (1, vec!["api_quota".to_owned()]));
    world.at("2026-01-05T23:59:00+08:00");
    assert_eq!(world.tick().await.tally.calls, 0);
    world.at("2026-01-06T00:10:00+08:00");
    let report = world.tick().await;
    assert_eq!(report.tally.complete, 5, "at the latest ten minutes after midnight");
    assert!(kinds(&report.events).contains(&"api_quota_resolved".to_owned()));
}

#[tokio::test]
async fn a_passing_failure_is_asked_once_more_and_told_to_nobody() {
    let scenario = steady(3) + "[[fault]]\nkeyword = \"公司2\"\ncode = 10014\ntimes = 1\n";
    let world = Watch::new(&scenario, "", "2026-01-05").await;
    let report = world.check().await;
    assert_eq!((report.tally.calls, report.tally.complete), (4, 3));
    assert_eq!(kinds(&report.events), ["watching", "watching", "watching"]);
    assert_eq!(world.count("SELECT repeats FROM call_days").await, 1);
}

#[tokio::test]
async fn our_own_limit_ends_with_the_day_and_needs_no_probe() {
    let mut world = Watch::new(&steady(5), "", "2026-01-05T09:00:00+08:00").await;
    world.watchlist.api.calls_per_day = std::num::NonZeroU32::new(3);
    let report = world.tick().await;
    assert_eq!((report.tally.calls, report.tally.complete, report.skipped), (3, 3, 2));
    assert!(kinds(&report.events).contains(&"api_quota".to_owned()));
    world.at("2026-01-06T00:00:00+08:00");
    let report = world.tick().await;
    assert_eq!(report.tally.complete, 2, "the longest unverified first");
    assert!(kinds(&report.events).contains(&"api_quota_resolved".to_owned()));
}

#[tokio::test]
async fn scenario_23_a_budget_for_fewer_than_all_goes_round_fairly() {
    let mut world = Watch::new(&steady(25), "", "2026-01-05").await;
    world.watchlist.api.calls_per_day = std::num::NonZeroU32::new(10);
    for day in 1..=12 {
        assert_eq!(world.tick().await.tally.calls, 10, "on day {day}");
        let unfair = "SELECT max(looks) - min(looks) FROM (
                          SELECT count(observations.id) AS looks
                          FROM companies
                          LEFT JOIN observations ON observations.company_id = companies.id
                          GROUP BY companies.id
                      ) AS counted";
        assert!(world.count(unfair).await <= 1, "somebody was asked twice before all were, by day {day}");
        world.next_day();
    }
    assert_eq!(world.sandbox.requests(), 120);
}

#[tokio::test]
async fn an_upstream_that_is_away_for_a_month_silences_no_threshold() {
    let ending = certificate("D241000018", BUILDING).replace("2029-01-09", "2026-03-01");
    let scenario = company(2000, &ending)
        + "[[fault]]\nfrom = \"2026-01-06\"\nto = \"2026-02-28\"\nstatus = 503\n\
           [generate]\ncompanies = 100\ncertificates = 1\nseed = 7\n";
    let world = Watch::new(&scenario, "concurrency = 4", "2026-01-05").await;
    world.tick().await;
    let mut told = Vec::new();
    for _ in 0..31 {
        world.next_day();
        let before = world.sandbox.requests();
        for _ in 0..24 {
            told.extend(world.tick().await.events);
            world.clock.advance(chrono::TimeDelta::hours(1));
        }
        world.clock.advance(chrono::TimeDelta::days(-1));
        let asked = world.sandbox.requests() - before;
        assert!(asked < 40, "{asked} calls in a day");
    }
    let of_one: Vec<_> = told
        .iter()
        .filter(|told| told.event.company.as_ref().is_some_and(|company| company.as_str() == "公司2000"))
        .map(|told| {
            (told.event.kind().to_string(), told.event.news.fields().threshold, told.event.today.to_string())
        })
        .collect();
    let expected = [("unverified", None, "2026-01-12"), ("expiring", Some(30), "2026-01-30")];
    for (kind, threshold, day) in expected {
        assert!(
            of_one.contains(&(kind.to_owned(), threshold, day.to_owned())),
            "{kind} on {day}: {of_one:?}"
        );
    }
    let expiring = told.iter().find(|told| told.event.news.fields().threshold == Some(30)).unwrap();
    assert_eq!(expiring.event.last_verified_at, Some(crate::support::world::instant("2026-01-05")));
    assert_eq!(kinds(&told).iter().filter(|kind| *kind == "api_unreachable").count(), 1);
}

#[tokio::test]
async fn a_dry_run_stores_nothing_but_the_count_of_its_calls() {
    let world = Watch::new(&steady(3), "", "2026-01-05").await;
    let sweep = world.sweep_with(&qualwatch::store::steps::NoSteps, qualwatch::sweep::Mode::DryRun);
    let report = Swept::of(&world.store, sweep.run(&Whom::All, world.key.clone()).await.unwrap()).await;
    assert_eq!(kinds(&report.events), ["watching", "watching", "watching"]);
    assert_eq!(world.count("SELECT checks FROM call_days").await, 3);
    for table in
        ["SELECT count(*) FROM holdings", "SELECT count(*) FROM events", "SELECT count(*) FROM observations"]
    {
        assert_eq!(world.count(table).await, 0, "{table}");
    }
    assert_eq!(world.count("SELECT count(*) FROM standings WHERE last_asked_at IS NOT NULL").await, 0);
}

#[tokio::test]
async fn a_company_of_another_prefix_is_disputed_and_compared_with_nothing() {
    let ours = certificate("D241000018", &format!("{BUILDING}\nto = \"2026-01-05\""));
    let theirs = certificate(
        "D241007777",
        &format!("{BUILDING}\nfrom = \"2026-01-06\"\nbusiness_id = \"5faaaaaaaaaaaaaaaaaaaaaa-D241007777\""),
    );
    let world = Watch::new(&(company(1, &(ours + &theirs)) + &steady(0)), "", "2026-01-05").await;
    world.check().await;
    let report = {
        world.at("2026-01-06");
        world.check().await
    };
    assert_eq!((report.tally.disputed, kinds(&report.events)), (1, vec!["identity_changed".to_owned()]));
    for day in ["2026-01-07", "2026-01-08", "2026-01-09"] {
        assert_eq!(world.checked_on(day).await, NONE);
    }
    assert_eq!(world.count("SELECT count(*) FROM holdings WHERE valid_to IS NULL").await, 1);
}
