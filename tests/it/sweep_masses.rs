//! Mass losses (design 3): many companies losing something at once say that upstream is what is wrong.

use qualwatch::sandbox::Scenario;
use qualwatch::store::steps::Step;
use qualwatch::sweep::{Mode, Whom};

use crate::support::crashing::DiesAt;
use crate::support::scenarios::{BUILDING, NONE, SUPERVISION, certificate, company, steady};
use crate::support::watch::{Watch, kinds};

fn count_of(told: &[String], kind: &str) -> usize {
    told.iter().filter(|one| *one == kind).count()
}

/// What the end of the mass loss says: as what it ended, of how many named, of how many in all, and what it had been.
async fn end_of(world: &Watch) -> (String, usize, u64, String) {
    let events: Vec<serde_json::Value> =
        sqlx::query_scalar("SELECT event::jsonb FROM events WHERE kind = 'mass_change_resolved'")
            .fetch_all(world.store.pool())
            .await
            .unwrap();
    assert_eq!(events.len(), 1, "{events:?}");
    let facts = &events[0]["trouble"];
    let named = facts["companies"].as_array().unwrap().len();
    let more = facts["more_companies"].as_u64().unwrap_or_default();
    let ended = facts["mass_end"].as_str().unwrap().to_owned();
    (ended, named, named as u64 + more, facts["reason"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn the_end_of_a_mass_loss_says_what_it_was_and_names_all() {
    // Each certificate's qualification, and by what name it is listed from the second day on; `None`: not at all.
    let listed = |n: u32, second: Option<&str>, to: &str| {
        let number = format!("E2410{n:05}");
        let before = certificate(&number, &format!("{SUPERVISION}\nto = \"2026-01-05\""));
        let after = second.map(|name| {
            let first = format!("qualifications = \"{name}\"\nfrom = \"2026-01-06\"{to}");
            certificate(&number, &first)
        });
        let again =
            (!to.is_empty()).then(|| certificate(&number, &format!("{SUPERVISION}\nfrom = \"2026-01-08\"")));
        let stays = certificate(&format!("D2410{n:05}"), BUILDING);
        company(n, &[stays, before, after.unwrap_or_default(), again.unwrap_or_default()].concat())
    };
    let rewritten = Some("工程监理市政工程专业乙级");
    let until_the_7th = "\nto = \"2026-01-07\"";
    for (of, ended, named, last, why) in [
        (&(|n| listed(n, None, "")) as &dyn Fn(u32) -> String, "confirmed", 7, "2026-01-09", "gone for good"),
        (&|n| listed(n, rewritten, ""), "rewritten", 7, "2026-01-09", "the source writes another name"),
        (&|n| listed(n, rewritten, until_the_7th), "back", 7, "2026-01-08", "for two days only"),
        (
            &|n| listed(n, if n <= 2 { rewritten } else { None }, ""),
            "confirmed",
            7,
            "2026-01-09",
            "here and there something else came",
        ),
        (
            &|n| if n <= 2 { listed(n, None, "") } else { listed(n, rewritten, until_the_7th) },
            "confirmed",
            2,
            "2026-01-09",
            "two of them really lost it",
        ),
    ] {
        let world = Watch::new(&(1..=7).map(of).collect::<String>(), "", "2026-01-05").await;
        world.check().await;
        for day in ["2026-01-06", "2026-01-07", "2026-01-08", "2026-01-09", "2026-01-10"] {
            let told = world.checked_on(day).await;
            if day == last {
                assert_eq!(count_of(&told, "mass_change_resolved"), 1, "{why}: {told:?}");
            }
        }
        let (how, names, all, reason) = end_of(&world).await;
        assert_eq!((how.as_str(), names, all), (ended, named, named as u64), "{why}");
        assert_eq!(reason, "7 of 7 companies lost certificates or qualifications within 24 hours", "{why}");
        let begun = world.count(
            "SELECT json_array_length(event #> '{trouble,companies}')::bigint FROM events WHERE kind = 'mass_change'",
        );
        assert_eq!(begun.await, 7, "{why}: all are named");
    }
}

/// Companies with two certificates each, the second of which is listed as `second` says.
fn losing(companies: std::ops::RangeInclusive<u32>, second: &str) -> String {
    companies
        .map(|n| {
            let stays = certificate(&format!("D2410{n:05}"), BUILDING);
            company(n, &(stays + &certificate(&format!("E2410{n:05}"), &format!("{SUPERVISION}\n{second}"))))
        })
        .collect()
}

#[tokio::test]
async fn an_upstream_that_suddenly_finds_nothing_is_a_mass_loss() {
    let scenario = steady(6) + "[[fault]]\nfrom = \"2026-01-06\"\ncode = 265004\n";
    let world = Watch::new(&scenario, "", "2026-01-05").await;
    world.check().await;
    assert_eq!(world.checked_on("2026-01-06").await, ["mass_change"], "at the first look");
    assert_eq!(world.checked_on("2026-01-07").await, NONE);
    assert_eq!(world.checked_on("2026-01-08").await, NONE, "three empty answers are not enough");
    let told = world.checked_on("2026-01-09").await;
    assert_eq!(count_of(&told, "certificate_removed"), 6, "{told:?}");
    assert_eq!(count_of(&told, "mass_change_resolved"), 1, "{told:?}");
}

#[tokio::test]
async fn a_mass_loss_that_passes_reaches_no_reader() {
    let scenario = steady(6) + "[[fault]]\nfrom = \"2026-01-06\"\nto = \"2026-01-08\"\ncode = 265004\n";
    let world = Watch::new(&scenario, "", "2026-01-05").await;
    world.check().await;
    assert_eq!(world.checked_on("2026-01-06").await, ["mass_change"]);
    assert_eq!(world.checked_on("2026-01-07").await, NONE);
    assert_eq!(world.checked_on("2026-01-08").await, NONE);
    assert_eq!(world.checked_on("2026-01-09").await, ["mass_change_resolved"]);
    assert_eq!(world.checked_on("2026-01-10").await, NONE);
}

#[tokio::test]
async fn who_is_never_heard_of_again_keeps_no_mass_loss_open() {
    let silent = "[[fault]]\nfrom = \"2026-01-07\"\nkeyword = \"公司1\"\nstatus = 500\n";
    let scenario =
        steady(6) + "[[fault]]\nfrom = \"2026-01-06\"\nto = \"2026-01-06\"\ncode = 265004\n" + silent;
    let world = Watch::new(&scenario, "", "2026-01-05").await;
    world.check().await;
    assert_eq!(world.checked_on("2026-01-06").await, ["mass_change"]);
    assert_eq!(world.checked_on("2026-01-07").await, NONE, "it may be a day's silence");
    let told = world.checked_on("2026-01-12").await;
    assert_eq!(count_of(&told, "mass_change_resolved"), 0, "or a longer one: {told:?}");
    let told = world.checked_on("2026-01-13").await;
    assert_eq!(count_of(&told, "mass_change_resolved"), 1, "a week's: {told:?}");
    assert_eq!(end_of(&world).await.0, "back");
    let silent = "SELECT count(*) FROM events WHERE event::jsonb -> 'trouble' -> 'silent' = '[\"公司1\"]'";
    assert_eq!(world.count(silent).await, 1, "all but one");
    assert_eq!(world.checked_on("2026-01-14").await, NONE);
}

#[tokio::test]
async fn a_fifth_of_the_companies_is_no_mass_and_more_than_it_is() {
    for (count, mass) in [(25, false), (24, true)] {
        let others: String =
            (6..=count).map(|n| company(n, &certificate(&format!("D2410{n:05}"), BUILDING))).collect();
        let scenario = losing(1..=5, "to = \"2026-01-05\"") + &others;
        let world = Watch::new(&scenario, "", "2026-01-05").await;
        world.check().await;
        let told = world.checked_on("2026-01-06").await;
        assert_eq!(count_of(&told, "mass_change"), usize::from(mass), "5 of {count}");
        let told = world.checked_on("2026-01-07").await;
        assert_eq!(count_of(&told, "certificate_removed"), if mass { 0 } else { 5 }, "5 of {count}");
    }
}

#[tokio::test]
async fn all_of_two_is_a_mass_and_one_alone_is_not() {
    for (count, mass) in [(2, true), (1, false)] {
        let world = Watch::new(&losing(1..=count, "to = \"2026-01-05\""), "", "2026-01-05").await;
        world.check().await;
        let first = world.checked_on("2026-01-06").await;
        assert_eq!(count_of(&first, "mass_change"), usize::from(mass), "all of {count}");
    }
}

#[tokio::test]
async fn losses_of_two_sweeps_within_a_day_are_one_mass() {
    let scenario = losing(1..=3, "to = \"2026-01-05\"")
        + &losing(4..=6, "to = \"2026-01-05\"")
        + &{
            let others = 7..=12;
            others.map(|n| company(n, &certificate(&format!("D2410{n:05}"), BUILDING))).collect::<String>()
        }
        + "[[fault]]\nfrom = \"2026-01-06T00:00:00+08:00\"\nto = \"2026-01-06T12:00:00+08:00\"\nkeyword = \"公司4\"\nstatus = 503\n\
         [[fault]]\nfrom = \"2026-01-06T00:00:00+08:00\"\nto = \"2026-01-06T12:00:00+08:00\"\nkeyword = \"公司5\"\nstatus = 503\n";
    let world = Watch::new(&scenario, "", "2026-01-05").await;
    world.check().await;
    assert_eq!(world.checked_on("2026-01-06T08:00:00+08:00").await, NONE, "four of ten");
    assert_eq!(world.checked_on("2026-01-06T20:00:00+08:00").await, ["mass_change"], "six of twelve");
    assert_eq!(world.count("SELECT count(*) FROM doubts WHERE mass").await, 6, "the earlier ones, too");
    assert_eq!(world.checked_on("2026-01-07T08:00:00+08:00").await, NONE);
}

#[tokio::test]
async fn the_first_half_of_a_sweep_that_was_cut_off_is_no_mass_loss() {
    let others: String =
        (4..=5).map(|n| company(n, &certificate(&format!("D2410{n:05}"), BUILDING))).collect();
    let scenario = losing(1..=3, "to = \"2026-01-05\"") + &others;
    let mut world = Watch::new(&scenario, "concurrency = 1", "2026-01-05").await;
    world.check().await;
    world.at("2026-01-06");
    // Slow enough that each answer is committed alone.
    world.watchlist.api.requests_per_second = 3.0;
    let dies = DiesAt::new(Step::AfterCommit, 3);
    let sweep = Box::pin(world.sweep_with(&dies, Mode::ForGood).run(&Whom::Due, world.key.clone()));
    assert!(dies.or_done(sweep).await.is_none(), "three of three that were asked lost something");
    assert_eq!(world.count("SELECT count(*) FROM doubts WHERE is_loss").await, 3);
    let mut told = Vec::new();
    // The server takes a moment to notice that the process is gone.
    while world.count("SELECT count(*) FROM standings WHERE last_verified_at >= '2026-01-06T00:00:00Z'").await
        < 5
    {
        told.extend(kinds(&world.tick().await.events));
    }
    assert_eq!(told, NONE, "three of five");
    let told = world.checked_on("2026-01-07").await;
    assert_eq!(count_of(&told, "certificate_removed"), 3, "{told:?}");
}

#[tokio::test]
async fn a_mass_loss_that_a_dying_process_could_not_tell_is_told_before_the_second_look() {
    let mut world = Watch::new(&losing(1..=5, "to = \"2026-01-05\""), "concurrency = 1", "2026-01-05").await;
    world.check().await;
    world.at("2026-01-06");
    world.watchlist.api.requests_per_second = 3.0;
    let dies = DiesAt::new(Step::AfterCommit, 5);
    let sweep = Box::pin(world.sweep_with(&dies, Mode::ForGood).run(&Whom::Due, world.key.clone()));
    assert!(dies.or_done(sweep).await.is_none());
    assert_eq!(world.count("SELECT count(*) FROM doubts WHERE is_loss").await, 5);
    world.at("2026-01-07");
    let told = kinds(&world.tick().await.events);
    assert_eq!(told, ["mass_change"], "before the second looks were taken for what is true");
}

#[tokio::test]
async fn what_is_superseded_may_go_in_many_companies_at_once() {
    let replaced = |n: u32| {
        let old = certificate(&format!("D2410{n:05}"), &format!("{BUILDING}\nto = \"2026-01-05\""));
        let new = certificate(&format!("D2419{n:05}"), BUILDING).replace("2029-", "2031-");
        company(n, &(old + &new))
    };
    let world = Watch::new(&(1..=6).map(replaced).collect::<String>(), "", "2026-01-05").await;
    world.check().await;
    for day in ["2026-01-06", "2026-01-07", "2026-01-08"] {
        assert_eq!(world.checked_on(day).await, NONE, "{day}");
    }
    assert_eq!(world.count("SELECT count(*) FROM holdings WHERE valid_to IS NULL").await, 6);
}

#[tokio::test]
async fn what_is_superseded_is_told_when_it_goes_with_its_cover_in_a_mass() {
    let both = |n: u32| {
        let goes = format!("{BUILDING}\nto = \"2026-01-05\"");
        let old = certificate(&format!("D2410{n:05}"), &goes);
        let new = certificate(&format!("D2419{n:05}"), &goes).replace("2029-", "2031-");
        let stays = certificate(&format!("E2410{n:05}"), SUPERVISION);
        company(n, &(old + &new + &stays))
    };
    let world = Watch::new(&(1..=6).map(both).collect::<String>(), "", "2026-01-05").await;
    world.check().await;
    assert_eq!(world.checked_on("2026-01-06").await, ["mass_change"]);
    assert_eq!(world.checked_on("2026-01-07").await, NONE);
    assert_eq!(world.checked_on("2026-01-08").await, NONE);
    let told = world.checked_on("2026-01-09").await;
    assert_eq!(count_of(&told, "certificate_removed"), 12, "{told:?}");
}

#[tokio::test]
async fn a_later_loss_of_the_same_company_is_an_ordinary_one() {
    let listed = |n: u32| {
        let twice = format!("{SUPERVISION}\nto = \"2026-01-05\"");
        let back = format!("{SUPERVISION}\nfrom = \"2026-01-07\"\nto = \"2026-01-09\"");
        let number = format!("E2410{n:05}");
        let flickers = certificate(&number, &twice)
            + &certificate(
                &number,
                &if n == 1 { back } else { format!("{SUPERVISION}\nfrom = \"2026-01-07\"") },
            );
        company(n, &(certificate(&format!("D2410{n:05}"), BUILDING) + &flickers))
    };
    let world = Watch::new(&(1..=6).map(listed).collect::<String>(), "", "2026-01-05").await;
    world.check().await;
    assert_eq!(world.checked_on("2026-01-06").await, ["mass_change"]);
    assert_eq!(world.checked_on("2026-01-07").await, ["mass_change_resolved"]);
    for day in ["2026-01-08", "2026-01-09", "2026-01-10"] {
        assert_eq!(world.checked_on(day).await, NONE, "{day}");
    }
    world.at("2026-01-11");
    let events = world.check().await.events;
    assert_eq!(kinds(&events), ["certificate_removed"], "two looks");
    assert!(!events[0].event.notes.contains(&qualwatch::domain::event::Note::MassLoss));
}

#[tokio::test]
async fn who_is_disputed_is_not_observed_and_hides_no_mass_loss() {
    let other = company(3, &certificate("D241000003", BUILDING)).replace("id = \"5f", "id = \"5e");
    let scenario = losing(1..=2, "to = \"2026-01-06\"") + &company(3, &certificate("D241000004", BUILDING));
    let world = Watch::new(&scenario, "", "2026-01-05").await;
    world.check().await;
    // The third answers with another company's certificates, then with nothing.
    let found = losing(1..=2, "to = \"2026-01-06\"") + &other;
    world.sandbox.replace(Scenario::parse(&found).unwrap());
    assert_eq!(world.checked_on("2026-01-06").await, ["identity_changed"]);
    let found = found + "[[fault]]\nkeyword = \"公司3\"\ncode = 265004\n";
    world.sandbox.replace(Scenario::parse(&found).unwrap());
    assert_eq!(world.checked_on("2026-01-07").await, ["mass_change"], "all of those that were observed");
    assert_eq!(world.checked_on("2026-01-08").await, NONE, "two looks are not enough");
}
