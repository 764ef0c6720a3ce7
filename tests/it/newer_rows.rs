//! Rows that this version cannot read, as a newer one may leave them: they stop nobody else.

use qualwatch::clock::Clock as _;
use qualwatch::store::asking::budget::Calls;
use qualwatch::store::reports::health::of_the_service;
use qualwatch::store::reports::snapshots;
use qualwatch::sweep;
use sqlx::AssertSqlSafe;

use crate::support::scenarios::{certificate, company, steady};
use crate::support::watch::Watch;

#[tokio::test]
async fn a_trouble_of_a_kind_that_is_not_known_yet_is_left_alone() {
    let world = Watch::new(&steady(2), "", "2026-01-05").await;
    world.check().await;
    for of in ["NULL", "(SELECT min(id) FROM companies)"] {
        let newer = format!(
            "INSERT INTO troubles (kind, cause, company_id, opened_at) VALUES ('of_tomorrow', 'it', {of}, '2026-01-05')"
        );
        sqlx::query(AssertSqlSafe(newer)).execute(&world.pool).await.unwrap();
    }
    world.at("2026-01-06");
    let swept = world.check().await;
    assert_eq!((swept.tally.complete, world.sandbox.requests()), (2, 4), "everybody is asked, and once");
    let facts = of_the_service(&world.pool, Calls::default(), None).await.unwrap();
    assert_eq!(facts.troubles, [], "it cannot be told");
    let open = "SELECT count(*) FROM troubles WHERE kind = 'of_tomorrow' AND resolved_at IS NULL";
    assert_eq!(world.count(open).await, 2, "nor ended");
}

#[tokio::test]
async fn a_company_that_cannot_be_read_keeps_no_edit_and_no_mail_of_others_back() {
    let ending = |n: u32| {
        let of = certificate(&format!("D2410{n:05}"), "qualifications = \"建筑工程施工总承包二级\"");
        company(n, &of.replace("2029-01-09", "2026-03-01"))
    };
    let world = Watch::new(&(ending(1) + &ending(2)), "", "2026-01-05").await;
    world.check().await;
    let broken = "UPDATE certificates SET qualifications = '[[null]]'
                  WHERE company_id = (SELECT id FROM companies WHERE keyword = '公司1')";
    sqlx::query(broken).execute(&world.pool).await.unwrap();
    let ids = snapshots::ids(&world.pool).await.unwrap();
    let readable = snapshots::established(&world.pool, &ids, |_| true).await.unwrap();
    let names: Vec<&str> = readable.iter().map(|company| company.keyword.as_str()).collect();
    assert_eq!(names, ["公司2"]);

    let text =
        world.watchlist_text().replace("reader@example.com\"", "reader@example.com\", \"new@example.com\"");
    let edited = qualwatch::config::parse(&text, std::path::Path::new("/nowhere/watchlist.toml")).unwrap().0;
    sweep::accept(&world.store, &edited, world.clock.now()).await.unwrap();
    let briefings = "SELECT event ->> 'company' FROM events WHERE kind = 'briefing'";
    assert_eq!(world.texts(briefings).await, ["公司2"]);
}
