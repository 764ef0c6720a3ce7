//! The day's judging through the sweep (design 4): whether or not upstream answers, whoever is asked.

use std::collections::BTreeSet;

use qualwatch::domain::event::Note;
use qualwatch::store::reports;
use qualwatch::store::steps::NoSteps;
use qualwatch::sweep::{Mode, Whom};

use crate::support::scenarios::{BUILDING, NONE, certificate, company, steady};
use crate::support::watch::{Watch, kinds};

fn ending(until: &str, more: &str) -> String {
    certificate("D241000018", &format!("{BUILDING}\n{more}")).replace("2029-01-09", until)
}

#[tokio::test]
async fn a_check_of_who_is_due_judges_also_who_is_not() {
    let scenario = company(1, &ending("2026-04-06", ""));
    let world = Watch::new(&scenario, "[schedule]\ncheck = \"0 8 * * Mon\"", "2026-01-05").await;
    assert_eq!(
        kinds(&world.check().await.events),
        ["watching", "expiring", "filing_due"],
        "180 and 7, on a Monday"
    );
    world.at("2026-01-06");
    let whom = Whom::DueOf(BTreeSet::from(["公司1".parse().unwrap()]));
    let report = world.try_sweep(&whom).await.unwrap();
    assert_eq!(
        (report.tally.asked, kinds(&report.events)),
        (0, vec!["filing_due".to_owned()]),
        "the filing day itself, and 90 days left: one reminder"
    );
    assert_eq!(kinds(&world.try_sweep(&whom).await.unwrap().events), NONE);
}

#[tokio::test]
async fn a_company_whose_only_certificate_ended_is_judged_on_and_troubles_nobody() {
    let world = Watch::new(&company(1, &ending("2026-01-06", "to = \"2026-01-05\"")), "", "2026-01-05").await;
    world.check().await;
    let mut told = Vec::new();
    for _ in 0..40 {
        world.next_day();
        for recorded in world.tick().await.events {
            let event = recorded.event;
            assert!(event.kind().to_string() != "expired" || event.notes.contains(&Note::NoLongerListed));
            told.push((event.today.to_string(), event.kind().to_string(), event.news.fields().threshold));
        }
    }
    let expected = [
        ("2026-01-06", "expiring", Some(0)),
        ("2026-01-07", "expired", Some(1)),
        ("2026-01-13", "expired", Some(7)),
        ("2026-02-05", "expired", Some(30)),
    ];
    assert_eq!(told, expected.map(|(day, kind, threshold)| (day.to_owned(), kind.to_owned(), threshold)));
}

#[tokio::test]
async fn a_company_is_unverified_after_its_time_and_at_least_two_intervals_and_verified_again_once() {
    for (line, unverified, again) in
        [("0 8 * * *", "2026-01-12", "2026-01-21"), ("0 8 * * Mon", "2026-01-19", "2026-01-21")]
    {
        let scenario = steady(6)
            + "[[fault]]\nfrom = \"2026-01-06\"\nto = \"2026-01-20\"\nkeyword = \"公司2\"\nstatus = 503\n";
        let world = Watch::new(&scenario, &format!("[schedule]\ncheck = \"{line}\""), "2026-01-05").await;
        world.tick().await;
        let mut told = Vec::new();
        for _ in 0..20 {
            world.next_day();
            let events = world.tick().await.events;
            let of_readers =
                events.into_iter().map(|told| (told.event.today.to_string(), told.event.kind().to_string()));
            told.extend(of_readers.filter(|(_, kind)| kind == "unverified" || kind == "verified_again"));
        }
        let expected = [(unverified, "unverified"), (again, "verified_again")];
        assert_eq!(told, expected.map(|(day, kind)| (day.to_owned(), kind.to_owned())), "{line}");
    }
}

#[tokio::test]
async fn an_end_that_turns_unreadable_is_judged_on_and_the_operator_hears_once() {
    let listed = ending("2026-02-08", "to = \"2026-01-06\"")
        + &ending("见附件", "from = \"2026-01-07\"\nto = \"2026-01-10\"")
        + &ending("2026-02-08", "from = \"2026-01-11\"");
    let world = Watch::new(&company(1, &listed), "", "2026-01-05").await;
    world.check().await;
    assert_eq!(world.checked_on("2026-01-06").await, NONE);
    assert_eq!(world.checked_on("2026-01-07").await, ["unreadable_date"]);
    assert_eq!(world.checked_on("2026-01-08").await, NONE);
    assert_eq!(
        world.checked_on("2026-01-09").await,
        ["expiring"],
        "30 days left of the end that was read last"
    );
    assert_eq!(world.checked_on("2026-01-10").await, NONE);
    assert_eq!(world.checked_on("2026-01-11").await, ["unreadable_date_resolved"]);
}

#[tokio::test]
async fn empty_answers_verify_nothing_of_a_company_that_holds_something() {
    let scenario = steady(6) + "[[fault]]\nfrom = \"2026-01-06\"\nto = \"2026-01-07\"\ncode = 265004\n";
    let world = Watch::new(&scenario, "[alerts]\nstale_after = \"2d\"", "2026-01-05").await;
    world.check().await;
    assert_eq!(world.checked_on("2026-01-06").await, ["mass_change"]);
    assert_eq!(world.checked_on("2026-01-07").await, ["unverified"; 6]);
    let mut told = world.checked_on("2026-01-08").await;
    told.sort();
    assert_eq!(told[0], "mass_change_resolved");
    assert_eq!(told[1..], ["verified_again"; 6]);
}

#[tokio::test]
async fn a_row_that_cannot_be_read_stops_no_other_company_of_its_batch() {
    let ending = |n: u32| {
        company(n, &certificate(&format!("D2410{n:05}"), BUILDING).replace("2029-01-09", "2026-04-06"))
    };
    let world = Watch::new(&(1..=6).map(ending).collect::<String>(), "concurrency = 1", "2026-01-01").await;
    world.check().await;
    let spoil = "UPDATE told SET kind = 'of a later version'
                 WHERE company_id = (SELECT id FROM companies WHERE keyword = '公司3')";
    assert!(sqlx::query(spoil).execute(world.store.pool()).await.unwrap().rows_affected() > 0);

    world.at("2026-01-06");
    let due = world.try_sweep(&Whom::Due).await.unwrap();
    assert_eq!((due.tally.asked, due.tally.complete, due.tally.failed), (6, 5, 1), "{:?}", due.problems);
    assert_eq!(due.problems.len(), 1);
    assert!(due.problems[0].reason.contains("reading told.kind of row of company"), "{:?}", due.problems);
    assert_eq!(
        kinds(&due.events),
        ["filing_due"; 5],
        "90 days left, and the filing day itself: one reminder"
    );

    // Nor is any other left unjudged where nobody can be asked.
    world.at("2026-02-05");
    let told = world.sweep_with(&NoSteps, Mode::ForGood).judge_the_day().await.unwrap();
    let told = reports::events_by_id(world.store.pool(), &told).await.unwrap();
    assert_eq!(kinds(&told), ["expiring", "unverified"].repeat(5), "60 days left, nobody asked for 30");
}
