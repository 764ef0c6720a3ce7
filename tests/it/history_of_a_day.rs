//! What was established by the end of a day, long after.

use crate::support::program::Program;
use crate::support::watch::Watch;

const SCENARIO: &str = r#"
[[company]]
keywords = ["沙盒装饰工程有限公司"]
id = "5f0000000000000000000008"

[[company.certificate]]
number = "D241000083"
type = "建筑业企业资质"
organ = "河南省住房和城乡建设厅"
issued = "2022-02-10"
until = "2027-02-09"
qualifications = "建筑装修装饰工程专业承包二级"
to = "2026-01-20"

[[company.certificate]]
number = "D241000083"
type = "建筑业企业资质"
organ = "河南省住房和城乡建设厅"
issued = "2026-01-21"
until = "2031-01-20"
qualifications = "建筑装修装饰工程专业承包二级"
from = "2026-01-21"
"#;

#[tokio::test]
async fn the_certificates_of_a_day_are_those_established_by_its_end() {
    let world = Watch::new(SCENARIO, "", "2026-01-19").await;
    for _ in 0..5 {
        world.check().await;
        world.next_day();
    }
    let program = Program::new(world.watchlist_text())
        .with("QUALWATCH_DATABASE_URL", world.database_url())
        .with("QUALWATCH_NOW", "2026-02-01T08:00:00+08:00");
    let of = |arguments: &[&str]| program.run(&[&["history", "--json"], arguments].concat()).json();
    for (day, end, events, why) in [
        ("2026-01-18", None, 0, "before anything was known"),
        ("2026-01-19", Some("2027-02-09"), 1, "the baseline's own day counts"),
        ("2026-01-21", Some("2027-02-09"), 2, "renewed was told at once, and is trusted late"),
        ("2026-01-22", Some("2031-01-20"), 2, "established by the second look"),
    ] {
        let history = of(&["--as-of", day]);
        assert_eq!(history["as_of"], day);
        assert_eq!(history["certificates"][0]["valid_until"].as_str(), end, "{day}: {why}");
        assert_eq!(history["events"].as_array().unwrap().len(), events, "{day}: {why}");
    }
    assert_eq!(of(&[])["as_of"], serde_json::Value::Null);
    assert_eq!(of(&["--as-of", "2026-01-19"])["certificates"][0]["days_left"], 386, "as seen on that day");
}

#[tokio::test]
async fn what_was_established_ahead_of_the_clock_is_history_as_of_now() {
    let world = Watch::new(SCENARIO, "", "2026-01-19").await;
    world.check().await;
    for wrong_day in ["2026-02-20", "2026-02-21"] {
        world.at(wrong_day);
        world.check().await;
    }
    world.at("2026-01-20");
    world.check().await;
    let program = Program::new(world.watchlist_text())
        .with("QUALWATCH_DATABASE_URL", world.database_url())
        .with("QUALWATCH_NOW", "2026-01-20T09:00:00+08:00");
    for (day, end) in [("2026-01-19", "2027-02-09"), ("2026-01-20", "2031-01-20")] {
        let history = program.run(&["history", "--json", "--as-of", day]).json();
        assert_eq!(history["certificates"][0]["valid_until"], end, "{day}");
    }
}
