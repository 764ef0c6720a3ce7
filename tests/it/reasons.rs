//! Why something was told, or not.

use crate::support::program::Program;
use crate::support::watch::Watch;

/// One certificate goes on 2026-01-06, another ends within the year, a third takes over from a fourth.
const SCENARIO: &str = r#"
[[company]]
keywords = ["沙盒公司"]
id = "5f0000000000000000000001"

[[company.certificate]]
number = "D241000018"
type = "建筑业企业资质"
organ = "河南省住房和城乡建设厅"
issued = "2021-06-01"
until = "2026-05-31"
qualifications = "建筑工程施工总承包二级"

[[company.certificate]]
number = "E241000066"
type = "监理资质"
organ = "河南省住房和城乡建设厅"
issued = "2024-01-10"
until = "2029-01-09"
qualifications = "工程监理市政公用工程专业乙级"
to = "2026-01-05"

[[company.certificate]]
number = "A241000001"
type = "设计资质"
organ = "河南省住房和城乡建设厅"
issued = "2021-02-01"
until = "2026-02-10"
qualifications = "工程设计风景园林工程专项乙级"

[[company.certificate]]
number = "A241000002"
type = "设计资质"
organ = "河南省住房和城乡建设厅"
issued = "2026-01-04"
until = "2031-01-03"
qualifications = "工程设计风景园林工程专项乙级"
"#;

#[tokio::test]
async fn a_company_says_what_was_told_what_is_doubted_and_what_comes_next() {
    let world = Watch::new(SCENARIO, "", "2026-01-05").await;
    world.check().await;
    world.checked_on("2026-01-06").await;
    let program = Program::new(world.watchlist_text())
        .with("QUALWATCH_DATABASE_URL", world.database_url())
        .with("QUALWATCH_NOW", "2026-01-06T12:00:00+08:00");
    let ran = program.run(&["why", "沙盒公司", "--json"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let why = ran.json();
    let ends: Vec<_> = why["ends"]
        .as_array()
        .unwrap()
        .iter()
        .map(|end| {
            let next = &end["next"];
            let next =
                next["kind"].as_str().map(|kind| format!("{kind} {} on {}", next["threshold"], next["on"]));
            (end["certificate_num"].as_str().unwrap(), end["silent_because"].as_str(), next)
        })
        .collect();
    let next = |text: &str| Some(text.to_owned());
    assert_eq!(
        ends,
        [
            ("A241000001", Some("superseded"), None),
            ("D241000018", None, next("filing_due 30 on \"2026-01-29\"")),
            ("E241000066", None, None),
            ("A241000002", None, None),
        ],
        "what lies more than 600 days ahead is not looked for"
    );
    assert_eq!(why["ends"][1]["told"][0]["kind"], "expiring");
    let doubt = &why["doubts"][0];
    assert_eq!((&doubt["certificate_num"], &doubt["field"]), (&"E241000066".into(), &"presence".into()));
    assert_eq!((&doubt["looks"], &doubt["looks_needed"]), (&1.into(), &2.into()));
    assert_eq!(doubt["again_after"], "2026-01-06T20:00:00Z");
    assert_eq!(why["answers"].as_array().unwrap().len(), 2, "the answer changed");
    assert_eq!(why["events"][0]["deliveries"][0]["recipient"], "reader@example.com");
    assert_eq!(why["checks"]["owes_answer"], true);

    let person = program.run(&["why", "沙盒公司"]);
    assert!(person.stdout.contains("silent: superseded"), "{}", person.stdout);
    assert_eq!(program.run(&["why", "别的公司"]).code, Some(2));
}
