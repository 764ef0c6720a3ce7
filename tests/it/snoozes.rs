//! What somebody does not want to hear of for a while.

use crate::support::program::Program;
use crate::support::world::World;

fn certificate(until: &str, days: &str) -> String {
    format!(
        "[[company.certificate]]\nnumber = \"D241000018\"\ntype = \"建筑业企业资质\"\norgan = \"河南省住房和城乡建设厅\"\n\
         issued = \"2021-02-09\"\nuntil = \"{until}\"\nqualifications = \"建筑工程施工总承包二级\"\n{days}\n"
    )
}

/// A company whose certificate ends on 2026-02-08; renewed on 2026-01-30, its filing day being long past, until 2026-03-20.
fn company() -> String {
    "[[company]]\nkeywords = [\"沙盒公司\"]\nid = \"5f0000000000000000000001\"\n".to_owned()
        + &certificate("2026-02-08", "to = \"2026-01-29\"")
        + &certificate("2026-03-20", "from = \"2026-01-30\"")
}

fn program(world: &World, now: &str) -> Program {
    Program::new(world.watchlist_text())
        .with("QUALWATCH_DATABASE_URL", world.database_url())
        .with("QUALWATCH_NOW", now)
}

#[tokio::test]
async fn a_snoozed_end_is_told_of_again_on_its_day() {
    let world = World::new(&company(), "", "2026-01-05").await;
    world.check().await;
    let program = program(&world, "2026-01-06T09:00:00+08:00");
    let snooze =
        ["snooze", "沙盒公司", "d241000018", "--until", "2026-01-20", "--reason", "延续已受理", "--json"];
    let ran = program.run(&snooze);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.json()["valid_until"], serde_json::json!(["2026-02-08"]));
    assert_eq!(world.checked_on("2026-01-09").await, [""; 0], "30 days left");
    assert_eq!(world.checked_on("2026-01-19").await, [""; 0]);
    assert_eq!(world.checked_on("2026-01-20").await, ["expiring"], "the tightest that is due then");
    assert_eq!(world.checked_on("2026-01-21").await, [""; 0], "once");
}

#[tokio::test]
async fn a_snooze_ends_by_itself_when_the_validity_changes_and_by_hand() {
    let world = World::new(&company(), "", "2026-01-05").await;
    world.check().await;
    let program = program(&world, "2026-01-06T09:00:00+08:00");
    let of_end = ["snooze", "沙盒公司", "D241000018"];
    let snooze = [&of_end[..], &["--until", "2027-01-01", "--reason", "延续已受理"]].concat();
    assert_eq!(program.run(&snooze).code, Some(0));
    assert_eq!(world.checked_on("2026-01-10").await, [""; 0], "29 days left: silent");
    assert_eq!(world.checked_on("2026-01-30").await, ["validity_extended"], "not what is silenced");
    assert_eq!(
        world.checked_on("2026-01-31").await,
        ["expiring"],
        "the later end, once established, at 48 days"
    );

    let world = World::new(&company(), "", "2026-01-05").await;
    world.check().await;
    let program = self::program(&world, "2026-01-06T09:00:00+08:00");
    assert_eq!(program.run(&snooze).code, Some(0));
    assert_eq!(world.checked_on("2026-01-10").await, [""; 0]);
    assert_eq!(program.run(&[&of_end[..], &["--end"]].concat()).code, Some(0));
    assert_eq!(world.checked_on("2026-01-11").await, ["expiring"]);
}

#[tokio::test]
async fn what_cannot_be_snoozed_is_wrong_use() {
    let world = World::new(&company(), "", "2026-01-05").await;
    world.check().await;
    let program = program(&world, "2026-01-06T09:00:00+08:00");
    for (arguments, why) in [
        (vec!["沙盒公司", "X1", "--until", "2026-02-01", "--reason", "x"], "no such certificate"),
        (vec!["别的公司", "D241000018", "--until", "2026-02-01", "--reason", "x"], "no such company"),
        (vec!["沙盒公司", "D241000018", "--until", "2026-01-06", "--reason", "x"], "not ahead"),
        (vec!["沙盒公司", "D241000018", "--until", "2026-02-01"], "no reason"),
        (vec!["沙盒公司", "D241000018"], "neither a day nor an end"),
        (vec!["沙盒公司", "D241000018", "--end"], "is not snoozed"),
    ] {
        let ran = program.run(&[&["snooze"], &arguments[..]].concat());
        assert_eq!(ran.code, Some(2), "{why}: {ran:?}");
    }
}
