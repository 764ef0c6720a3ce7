//! Whose answer it is, who was taken out of the file, and who was put back (design 3).

use qualwatch::sweep::Whom;

use crate::support::scenarios::{BUILDING, NONE, SUPERVISION, certificate, company, steady};
use crate::support::watch::{Watch, kinds};

const ONE: &str = "公司1";
const OTHER_WORD: &str = "91410000123456788R";

/// 公司1, found by its social credit code, too.
fn found_by_two_words(certificates: &str) -> String {
    format!("[[company]]\nkeywords = [\"{ONE}\", \"{OTHER_WORD}\"]\nid = \"5f{:022}\"\n{certificates}\n", 1)
}

fn building_and_supervision(supervision: &str) -> String {
    certificate("D241000018", BUILDING) + &certificate("E241000018", &format!("{SUPERVISION}\n{supervision}"))
}

async fn world_of(scenario: &str, now: &str, keywords: &[&str]) -> Watch {
    let mut world = Watch::new(scenario, "", now).await;
    world.reload("", keywords).await;
    world
}

#[tokio::test]
async fn a_new_keyword_goes_on_with_the_history_of_a_company_that_left() {
    let scenario = found_by_two_words(&building_and_supervision("to = \"2026-01-05\""));
    let mut world = world_of(&scenario, "2026-01-05", &[ONE]).await;
    assert_eq!(kinds(&world.check().await.events), ["watching"]);
    world.at("2026-01-06");
    world.reload("", &[OTHER_WORD]).await;
    assert_eq!(kinds(&world.tick().await.events), NONE, "no baseline again; the first look at a loss");
    assert_eq!(world.count("SELECT count(*) FROM holdings WHERE valid_to IS NULL").await, 2);
    world.at("2026-01-07");
    assert_eq!(kinds(&world.tick().await.events), ["certificate_removed"]);
    assert_eq!(
        world.count("SELECT count(DISTINCT company_id) FROM events").await,
        1,
        "its history shows what was told before"
    );
}

#[tokio::test]
async fn thresholds_told_before_the_keyword_changed_are_not_told_again() {
    let ending = certificate("D241000018", BUILDING).replace("2029-01-09", "2026-02-04");
    let mut world = world_of(&found_by_two_words(&ending), "2026-01-05", &[ONE]).await;
    assert_eq!(kinds(&world.check().await.events), ["watching", "expiring"]);
    world.at("2026-01-06");
    world.reload("", &[OTHER_WORD]).await;
    assert_eq!(kinds(&world.tick().await.events), NONE);
}

#[tokio::test]
async fn a_new_keyword_after_more_than_thirty_days_is_a_new_baseline() {
    let scenario = found_by_two_words(&building_and_supervision("to = \"2026-01-05\"")) + &steady(0);
    let mut world = world_of(&scenario, "2026-01-05", &[ONE]).await;
    world.check().await;
    world.reload("", &["别家"]).await;
    world.at("2026-02-05");
    world.reload("", &[OTHER_WORD]).await;
    assert_eq!(kinds(&world.check().await.events), ["watching"]);
    assert_eq!(world.count("SELECT count(*) FROM holdings WHERE valid_to IS NULL").await, 1);
}

#[tokio::test]
async fn what_was_in_doubt_is_dropped_when_a_company_is_put_back() {
    let scenario = found_by_two_words(&building_and_supervision("to = \"2026-01-05\""));
    let mut world = world_of(&scenario, "2026-01-05", &[ONE]).await;
    world.check().await;
    assert_eq!(world.checked_on("2026-01-06").await, NONE, "the first look at a loss");
    world.reload("", &["别家"]).await;
    world.at("2026-01-10");
    world.reload("", &[ONE]).await;
    assert_eq!(kinds(&world.check().await.events), NONE, "a first look again");
    assert_eq!(world.checked_on("2026-01-11").await, ["certificate_removed"]);
}

#[tokio::test]
async fn a_company_that_was_put_back_is_judged_after_its_first_complete_answer() {
    let ending = certificate("D241000018", BUILDING).replace("2029-01-09", "2026-03-31");
    let renewed = |until: &str, days: &str| ending.replace("2026-03-31", until) + days;
    let scenario = company(
        1,
        &(renewed("2026-03-31", "to = \"2026-01-20\"\n") + &renewed("2031-03-30", "from = \"2026-01-21\"\n")),
    ) + "[[fault]]\nfrom = \"2026-02-01\"\nto = \"2026-02-02\"\nstatus = 503\n";
    let mut world = world_of(&scenario, "2026-01-05", &[ONE]).await;
    assert_eq!(
        kinds(&world.check().await.events),
        ["watching", "filing_due"],
        "85 days left: 90 is of the filing day"
    );
    world.reload("", &["别家"]).await;
    world.at("2026-02-01");
    world.reload("", &[ONE]).await;
    for day in ["2026-02-01", "2026-02-02"] {
        world.at(day);
        let told = kinds(&world.tick().await.events);
        assert!(!told.contains(&"expiring".to_owned()), "{day}: 60 is reached, of what was known weeks ago");
    }
    world.at("2026-02-03");
    let told = kinds(&world.tick().await.events);
    assert!(told.contains(&"validity_extended".to_owned()), "{told:?}");
    assert!(!told.contains(&"expiring".to_owned()), "{told:?}");
}

#[tokio::test]
async fn after_more_than_thirty_days_away_the_first_answer_is_a_new_baseline() {
    for (back, expected) in [("2026-02-04", vec![]), ("2026-02-05", vec!["watching".to_owned()])] {
        let scenario = company(1, &building_and_supervision("to = \"2026-01-05\""));
        let mut world = world_of(&scenario, "2026-01-05", &[ONE]).await;
        world.check().await;
        world.reload("", &["别家"]).await;
        world.at(back);
        world.reload("", &[ONE]).await;
        assert_eq!(kinds(&world.check().await.events), expected, "{back}");
        world.next_day();
        let told = kinds(&world.check().await.events);
        assert_eq!(told.is_empty(), back == "2026-02-05", "what went meanwhile is history: {told:?}");
    }
}

#[tokio::test]
async fn who_begins_anew_is_not_judged_by_what_was_held_before() {
    let ending = certificate("D241000018", BUILDING).replace("2029-01-09", "2026-03-31");
    let scenario = company(1, &(ending + "to = \"2026-01-10\"\n"));
    let mut world = world_of(&scenario, "2026-01-05", &[ONE]).await;
    assert_eq!(
        kinds(&world.check().await.events),
        ["watching", "filing_due"],
        "85 days left: 90 is of the filing day"
    );
    world.reload("", &["别家"]).await;
    world.at("2026-02-20");
    world.reload("", &[ONE]).await;
    assert_eq!(
        kinds(&world.check().await.events),
        ["company_not_found"],
        "60 is reached, of what nobody has seen for weeks: that there is nothing is no baseline and verifies nothing"
    );
}

#[tokio::test]
async fn of_two_entries_that_find_one_company_the_second_is_refused_until_the_other_leaves() {
    let both = found_by_two_words(&certificate("D241000018", BUILDING));
    let another = company(2, &certificate("D241000026", BUILDING));
    for first in ["公司2", ONE] {
        let mut world = Watch::new(&(both.clone() + &another), "concurrency = 8", "2026-01-05").await;
        let others: Vec<&str> =
            ["公司2", ONE, OTHER_WORD].into_iter().filter(|word| *word != first).collect();
        world.reload("concurrency = 8", &[first, others[0], others[1]]).await;
        let report = world.check().await;
        assert_eq!((report.tally.complete, report.tally.disputed), (2, 1), "{first} asked first");
        let told = kinds(&report.events);
        assert_eq!(told.iter().filter(|kind| *kind == "identity_changed").count(), 1, "{told:?}");
        assert_eq!(world.checked_on("2026-01-06").await, NONE, "told once");
        let refused: String =
            sqlx::query_scalar("SELECT keyword FROM companies WHERE disputed_since IS NOT NULL")
                .fetch_one(world.store.pool())
                .await
                .unwrap();
        world.at("2026-01-07");
        world.reload("", &["公司2", &refused]).await;
        let report = world.check().await;
        assert_eq!(report.tally.complete, 2);
        assert_eq!(kinds(&report.events), ["identity_changed_resolved"], "it goes on with the history");
    }
}

#[tokio::test]
async fn a_disputed_company_is_compared_with_nothing_not_even_with_an_empty_answer() {
    let ours = certificate("D241000018", &format!("{BUILDING}\nto = \"2026-01-05\""));
    let theirs = certificate(
        "D241007777",
        &format!(
            "{BUILDING}\nfrom = \"2026-01-06\"\nto = \"2026-01-06\"\nbusiness_id = \"5faaaaaaaaaaaaaaaaaaaaaa-D241007777\""
        ),
    );
    let back = certificate("D241000018", &format!("{BUILDING}\nfrom = \"2026-01-12\""));
    let world = Watch::new(&company(1, &(ours + &theirs + &back)), "", "2026-01-05").await;
    world.check().await;
    assert_eq!(world.checked_on("2026-01-06").await, ["identity_changed"]);
    for day in ["2026-01-07", "2026-01-08", "2026-01-09", "2026-01-10", "2026-01-11"] {
        assert_eq!(world.checked_on(day).await, NONE, "{day}: nothing is found");
    }
    assert_eq!(
        world.checked_on("2026-01-12").await,
        ["identity_changed_resolved"],
        "its prefix answers again"
    );
}

#[tokio::test]
async fn of_a_disputed_company_nothing_else_is_told_when_upstream_finds_nothing_or_fails() {
    let ours = certificate("D241000018", &format!("{BUILDING}\nto = \"2026-01-05\""));
    let theirs = certificate(
        "D241007777",
        &format!(
            "{BUILDING}\nfrom = \"2026-01-06\"\nto = \"2026-01-09\"\nbusiness_id = \"5faaaaaaaaaaaaaaaaaaaaaa-D241007777\""
        ),
    );
    let fails =
        "[[fault]]\nkeyword = \"公司1\"\nfrom = \"2026-01-11\"\nto = \"2026-01-12\"\nshort_page = true\n";
    let steady = company(2, &certificate("D241000026", BUILDING));
    let world = Watch::new(&(company(1, &(ours + &theirs)) + &steady + fails), "", "2026-01-05").await;
    world.check().await;
    assert_eq!(world.checked_on("2026-01-06").await, ["identity_changed"]);
    for day in ["2026-01-07", "2026-01-08", "2026-01-09", "2026-01-10", "2026-01-11"] {
        assert_eq!(world.checked_on(day).await, NONE, "{day}");
    }
}

#[tokio::test]
async fn a_re_import_under_another_id_is_no_change_of_the_world() {
    let moved = |number: &str| {
        certificate(number, &format!("{BUILDING}\nto = \"2026-01-05\""))
            + &certificate(
                number,
                &format!(
                    "{BUILDING}\nfrom = \"2026-01-06\"\nbusiness_id = \"5faaaaaaaaaaaaaaaaaaaaaa-{number}\""
                ),
            )
    };
    let world =
        Watch::new(&company(1, &(moved("D241000018") + &moved("D241000026"))), "", "2026-01-05").await;
    world.check().await;
    for day in ["2026-01-06", "2026-01-07"] {
        assert_eq!(world.checked_on(day).await, NONE);
    }
    assert_eq!(
        world.count("SELECT count(*) FROM companies WHERE prefix = '5faaaaaaaaaaaaaaaaaaaaaa'").await,
        1
    );
}

#[tokio::test]
async fn what_went_at_its_end_hides_no_re_import() {
    let expired = ["D241000026", "D241000034"].map(|number| {
        let rest = format!("{BUILDING}\nto = \"2026-01-20\"");
        certificate(number, &rest).replace("2029-01-09", "2026-01-15")
    });
    let stays = certificate("D241000018", &format!("{BUILDING}\nto = \"2026-01-31\""))
        + &certificate(
            "D241000018",
            &format!(
                "{BUILDING}\nfrom = \"2026-02-01\"\nbusiness_id = \"5faaaaaaaaaaaaaaaaaaaaaa-D241000018\""
            ),
        );
    let world = Watch::new(&company(1, &(expired.concat() + &stays)), "", "2026-01-05").await;
    world.check().await;
    world.checked_on("2026-01-25").await;
    assert_eq!(world.checked_on("2026-02-01").await, NONE, "all that is still listed is there");
    assert_eq!(
        world.count("SELECT count(*) FROM companies WHERE prefix = '5faaaaaaaaaaaaaaaaaaaaaa'").await,
        1
    );
}

#[tokio::test]
async fn items_of_another_company_are_left_out_unless_they_bear_our_numbers() {
    let foreign = |number: &str, from: &str| {
        certificate(
            number,
            &format!("{BUILDING}\n{from}\nbusiness_id = \"5faaaaaaaaaaaaaaaaaaaaaa-{number}\""),
        )
    };
    let ours = certificate("D241000018", BUILDING);
    let listed = ours
        + &foreign("D241007777", "from = \"2026-01-06\"")
        + &foreign("D241000018", "from = \"2026-01-07\"");
    let world = Watch::new(&company(1, &listed), "", "2026-01-05").await;
    world.check().await;
    assert_eq!(world.checked_on("2026-01-06").await, NONE, "left out");
    world.at("2026-01-07");
    let report = world.check().await;
    assert_eq!((report.tally.incomplete, kinds(&report.events)), (1, vec![]));
}

#[tokio::test]
async fn what_troubled_the_operator_of_a_company_ends_when_it_leaves_the_file() {
    let mut world = Watch::new(&steady(1), "", "2026-01-05").await;
    world.reload("", &[ONE, "写错的名字"]).await;
    let told = kinds(&world.check().await.events);
    assert!(told.contains(&"company_not_found".to_owned()), "{told:?}");
    world.at("2026-01-06");
    world.reload("", &[ONE]).await;
    let report = world.try_sweep(&Whom::All).await.unwrap();
    assert_eq!(kinds(&report.events), ["company_not_found_resolved"]);
}
