//! What somebody does not want to hear of for a while, and renewals that were filed.

use crate::support::program::Program;
use crate::support::watch::Watch;

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

fn program(world: &Watch, now: &str) -> Program {
    Program::new(world.watchlist_text())
        .with("QUALWATCH_DATABASE_URL", world.database_url())
        .with("QUALWATCH_NOW", now)
}

#[tokio::test]
async fn a_snoozed_end_is_told_of_again_on_its_day() {
    let world = Watch::new(&company(), "", "2026-01-05").await;
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
    let world = Watch::new(&company(), "", "2026-01-05").await;
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

    let world = Watch::new(&company(), "", "2026-01-05").await;
    world.check().await;
    let program = self::program(&world, "2026-01-06T09:00:00+08:00");
    assert_eq!(program.run(&snooze).code, Some(0));
    assert_eq!(world.checked_on("2026-01-10").await, [""; 0]);
    assert_eq!(program.run(&[&of_end[..], &["--end"]].concat()).code, Some(0));
    assert_eq!(world.checked_on("2026-01-11").await, ["expiring"]);
}

#[tokio::test]
async fn a_snooze_silences_nothing_of_the_end_day_and_after_and_is_shown_everywhere() {
    let ends = "[[company]]\nkeywords = [\"沙盒公司\"]\nid = \"5f0000000000000000000001\"\n".to_owned()
        + &certificate("2026-02-08", "");
    let world = Watch::new(&ends, "", "2026-01-05").await;
    world.check().await;
    let program = program(&world, "2026-01-06T09:00:00+08:00");
    let snooze = ["snooze", "沙盒公司", "D241000018", "--until", "2027-01-01", "--reason", "老板说不用"];
    assert_eq!(program.run(&snooze).code, Some(0));

    let listed = program.run(&["snooze", "--list", "--json"]).json();
    let one = serde_json::json!({
        "company": "沙盒公司", "name": "沙盒公司", "certificate_num": "D241000018", "valid_until": "2026-02-08",
        "until": "2027-01-01", "reason": "老板说不用",
    });
    assert_eq!(listed["snoozed"], serde_json::json!([one]));
    assert_eq!(program.run(&["status", "--json"]).json()["snoozed"], serde_json::json!([one]));
    assert_eq!(
        program.run(&["list", "--format", "json"]).json()["certificates"][0]["snoozed_until"],
        "2027-01-01"
    );
    assert_eq!(program.run(&["why", "沙盒公司", "--json"]).json()["ends"][0]["silent_because"], "snoozed");
    for arguments in [&["status"][..], &["snooze", "--list"], &["list"], &["why", "沙盒公司"]] {
        let shown = program.run(arguments).stdout;
        assert!(shown.contains("snoozed") || shown.contains("老板说不用"), "{arguments:?}: {shown}");
    }

    for (day, told, why) in [
        ("2026-01-09", &[][..], "30 days left"),
        ("2026-02-07", &[], "1 day left"),
        ("2026-02-08", &["expiring"], "the end day itself"),
        ("2026-02-09", &["expired"], "the day after"),
    ] {
        assert_eq!(world.checked_on(day).await, told, "{day}: {why}");
    }
    let later = self::program(&world, "2026-02-09T09:00:00+08:00");
    assert_eq!(later.run(&["snooze", "--list", "--json"]).json()["snoozed"], serde_json::json!([]));
}

#[tokio::test]
async fn a_renewal_that_was_filed_silences_the_filing_day_and_is_said_and_shown() {
    // Its filing day is 2026-01-20.
    let scenario = "[[company]]\nkeywords = [\"沙盒公司\"]\nid = \"5f0000000000000000000001\"\n".to_owned()
        + &certificate("2026-04-20", "to = \"2026-04-12\"")
        + &certificate("2031-04-20", "from = \"2026-04-13\"");
    let world = Watch::new(&scenario, "", "2026-01-05").await;
    world.check().await;
    let program = program(&world, "2026-01-10T09:00:00+08:00");
    let of_it = ["renewing", "沙盒公司", "d241000018"];
    let filed = [&of_it[..], &["--filed", "2026-01-10", "--ref", "豫建受2026-18", "--json"]].concat();
    let ran = program.run(&filed);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!((&ran.json()["filed"], &ran.json()["ref"]), (&"2026-01-10".into(), &"豫建受2026-18".into()));
    let status = program.run(&["status", "--json"]).json();
    assert_eq!(status["renewing"][0]["ref"], "豫建受2026-18");
    assert_eq!(status["renewing"][0]["valid_until"], "2026-04-20");
    assert_eq!(
        program.run(&["list", "--format", "json"]).json()["certificates"][0]["renewal_filed"],
        "2026-01-10"
    );
    assert!(program.run(&["why", "沙盒公司"]).stdout.contains("renewal filed on 2026-01-10 (豫建受2026-18)"));

    for (day, told, why) in [
        ("2026-01-13", &[][..], "7 days to the filing day"),
        ("2026-01-20", &[], "the filing day, and 90 days left"),
        ("2026-01-21", &[], "it has passed"),
        ("2026-02-19", &[], "60 days left"),
        ("2026-03-21", &["expiring"], "30 days left"),
        ("2026-04-13", &["validity_extended"], "put off; 7 days left wait"),
    ] {
        assert_eq!(world.checked_on(day).await, told, "{day}: {why}");
    }
    world.checked_on("2026-04-14").await;
    let later = self::program(&world, "2026-04-14T09:00:00+08:00");
    assert_eq!(
        later.run(&["status", "--json"]).json()["renewing"],
        serde_json::json!([]),
        "the end has moved"
    );

    for (arguments, why) in [
        (vec!["沙盒公司", "X1", "--filed", "2026-01-01"], "no such certificate"),
        (vec!["沙盒公司", "D241000018", "--filed", "2026-01-11"], "a day ahead"),
        (vec!["沙盒公司", "D241000018"], "neither a day nor an end"),
        (vec!["沙盒公司", "D241000018", "--ref", "x"], "a number without a day"),
    ] {
        let ran = program.run(&[&["renewing"], &arguments[..]].concat());
        assert_eq!(ran.code, Some(2), "{why}: {ran:?}");
    }
    assert_eq!(program.run(&[&of_it[..], &["--end"]].concat()).code, Some(0));
    assert_eq!(program.run(&[&of_it[..], &["--end"]].concat()).code, Some(2), "nothing to take back");
}

#[tokio::test]
async fn what_cannot_be_snoozed_is_wrong_use() {
    let world = Watch::new(&company(), "", "2026-01-05").await;
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
