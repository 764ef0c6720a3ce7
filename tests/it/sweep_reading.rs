//! One bad row never blinds a company: what cannot be read of an answer is kept aside and told, and the rest is compared and
//! judged as always (design 3).

use crate::support::scenarios::{BUILDING, NONE, SUPERVISION, certificate, company};
use crate::support::watch::{Watch, kinds};

/// A row without a number, its other values as they may be.
fn unnumbered(number: &str, id: &str, more: &str) -> String {
    let id = if id.is_empty() { String::new() } else { format!("business_id = \"{id}\"\n") };
    certificate(number, &format!("{id}qualifications = \"施工劳务不分等级\"\n{more}"))
}

#[tokio::test]
async fn losses_and_ends_beside_a_row_without_a_number_are_told_as_always() {
    let uuid = "550e8400-e29b-41d4-a716-446655440000";
    for (number, id, why) in [
        ("", "", "an empty number"),
        ("-", "5f0000000000000000000001--", "a dash, in the id, too"),
        ("无", uuid, "a word, and a UUID"),
        ("暂无", "12345", "a word, and a number for an id"),
    ] {
        let goes = certificate("D241000001", &format!("{BUILDING}\nto = \"2026-01-06\""));
        let ends = certificate("E241000002", SUPERVISION).replace("2029-01-09", "2026-02-07");
        let row = unnumbered(number, id, "to = \"2026-01-08\"");
        let world = Watch::new(&company(1, &(goes + &ends + &row)), "", "2026-01-05").await;
        let mut told = kinds(&world.check().await.events);
        told.sort();
        assert_eq!(told, ["filing_due", "unreadable_item", "watching"], "{why}");
        assert_eq!(world.checked_on("2026-01-06").await, NONE, "{why}: told once");
        assert_eq!(world.checked_on("2026-01-07").await, NONE, "{why}: the first look at the loss");
        assert_eq!(world.checked_on("2026-01-08").await, ["certificate_removed", "expiring"], "{why}");
        assert_eq!(world.checked_on("2026-01-09").await, ["unreadable_item_resolved"], "{why}");
    }
}

#[tokio::test]
async fn ids_that_name_nobody_are_no_other_company() {
    let uuid = |n: u32| format!("business_id = \"{n}60e8400-e29b-41d4-a716-446655440001\"\n");
    let stays = certificate("D241000001", &format!("{}{BUILDING}", uuid(1)));
    let comes = certificate("D241000002", &format!("{}{SUPERVISION}\nfrom = \"2026-01-06\"", uuid(2)));
    let world = Watch::new(&company(1, &(stays + &comes)), "", "2026-01-05").await;
    assert_eq!(kinds(&world.check().await.events), ["watching"]);
    assert_eq!(world.checked_on("2026-01-06").await, ["certificate_added"], "no dispute");
    assert_eq!(world.checked_on("2026-01-07").await, NONE);
}

#[tokio::test]
async fn what_cannot_be_seen_in_a_name_is_no_other_qualification() {
    let plain = certificate("D241000001", &format!("{BUILDING}\nto = \"2026-01-05\""));
    let odd = BUILDING.replace("工程", "工\u{200b}程\u{feff}").replace("二级", "二级（暂定）");
    let odd = certificate("D241000001", &format!("{odd}\nfrom = \"2026-01-06\"\nto = \"2026-01-07\""));
    let bracket = BUILDING.replace("二级", "（二级）。");
    let bracket = certificate("D241000001", &format!("{bracket}\nfrom = \"2026-01-08\""));
    let world = Watch::new(&company(1, &(plain + &odd + &bracket)), "", "2026-01-05").await;
    assert_eq!(kinds(&world.check().await.events), ["watching"]);
    for day in ["2026-01-06", "2026-01-07", "2026-01-08", "2026-01-09"] {
        assert_eq!(world.checked_on(day).await, NONE, "{day}");
    }
}

#[tokio::test]
async fn of_two_ends_with_no_word_the_earlier_is_judged_and_neither_replaces_a_clear_one() {
    let ending = |until: &str, days: &str| {
        certificate("D241000001", &format!("{BUILDING}\n{days}")).replace("2029-01-09", until)
    };
    let unclear = "2026-02-04 2031-02-04";
    let world = Watch::new(&company(1, &ending(unclear, "")), "", "2026-01-05").await;
    let mut told = kinds(&world.check().await.events);
    told.sort();
    assert_eq!(told, ["expiring", "unreadable_date", "watching"], "the earlier is judged");

    let clear_first = ending("2029-01-09", "to = \"2026-01-05\"") + &ending(unclear, "from = \"2026-01-06\"");
    let world = Watch::new(&company(1, &clear_first), "", "2026-01-05").await;
    assert_eq!(kinds(&world.check().await.events), ["watching"]);
    assert_eq!(world.checked_on("2026-01-06").await, ["unreadable_date"]);
    assert_eq!(world.checked_on("2026-01-07").await, NONE, "the clear end goes on being judged");
}
