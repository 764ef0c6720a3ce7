//! A new version of our own reading is not a change of the world: what an older version stored is put into today's words
//! before the next answer is compared with it.

use qualwatch::store::steps::NoSteps;
use qualwatch::sweep::Mode;
use qualwatch::sweep::Whom;

use crate::support::scenarios::{NONE, certificate, company};
use crate::support::watch::{Watch, kinds};

const TWO: &str = "qualifications = \"建筑工程施工总承包二级,市政公用工程施工总承包二级\"";

/// What an older version of the reading may have left in the rows: each changes all holdings that are current.
const OLDER: [(&str, &str); 4] = [
    (
        "several names were one qualification",
        "UPDATE certificates SET qualifications = '[[\"建筑工程施工总承包二级,市政公用工程施工总承包二级\"]]'",
    ),
    (
        "qualifications were compared by other keys",
        "UPDATE certificates SET qualifications = (
             SELECT jsonb_agg(jsonb_build_array(
                 one ->> 0, one ->> 1, left(one ->> 0, -length(one ->> 1)), 'old ' || left(one ->> 0, -length(one ->> 1))
             ))
             FROM jsonb_array_elements(qualifications) AS one)",
    ),
    ("numbers were compared by other keys", "UPDATE certificates SET number_key = 'old ' || number_key"),
    (
        "a qualification was not understood",
        "UPDATE certificates SET qualifications = (
             SELECT jsonb_agg(one) FROM jsonb_array_elements(qualifications) AS one WHERE one ->> 0 NOT LIKE '市政%')",
    ),
];

/// A company with a certificate that stays and one that ends on the third day.
fn scenario() -> String {
    let stays = certificate("D241000001", TWO);
    let goes = certificate("D241000002", &format!("{TWO}\nto = \"2026-01-07\""));
    let comes = certificate("D241000003", &format!("{TWO}\nfrom = \"2026-01-07\""));
    company(1, &(stays + &goes + &comes))
}

async fn forge(world: &Watch, sql: &'static str) {
    sqlx::query(sql).execute(world.store.pool()).await.unwrap();
    sqlx::query("UPDATE observations SET parser_version = 0").execute(world.store.pool()).await.unwrap();
    sqlx::query("UPDATE companies SET digested_by = 0").execute(world.store.pool()).await.unwrap();
}

async fn current(world: &Watch) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT number_key || ' ' || (to_jsonb(holdings) - 'since' - 'valid_from')::text
         FROM holdings WHERE valid_to IS NULL ORDER BY 1",
    )
    .fetch_all(world.store.pool())
    .await
    .unwrap()
}

#[tokio::test]
async fn what_an_older_version_read_differently_is_not_told_and_what_changed_in_the_same_answer_is() {
    for (why, sql) in OLDER {
        let world = Watch::new(&scenario(), "", "2026-01-05").await;
        assert_eq!(kinds(&world.check().await.events), ["watching"], "{why}");
        let today = current(&world).await;
        forge(&world, sql).await;
        assert_ne!(current(&world).await, today, "{why}");
        assert_eq!(world.checked_on("2026-01-06").await, NONE, "{why}: the same answer");
        assert_eq!(current(&world).await, today, "{why}");
        assert_eq!(world.count("SELECT min(parser_version)::bigint FROM observations").await, 2);

        forge(&world, sql).await;
        assert_eq!(world.checked_on("2026-01-07").await, ["certificate_added"], "{why}: with a real change");
        assert_eq!(world.checked_on("2026-01-08").await, NONE, "{why}: another is missing");
        assert_eq!(world.checked_on("2026-01-09").await, ["certificate_removed"], "{why}");
        assert_eq!(world.checked_on("2026-01-10").await, NONE, "{why}");
        assert_eq!(current(&world).await.len(), 4, "{why}");
    }
}

#[tokio::test]
async fn what_an_older_version_told_stays_told_and_what_it_doubted_begins_anew() {
    for (why, sql) in [OLDER[1], OLDER[2]] {
        let world = Watch::new(&scenario(), "", "2026-01-06").await;
        assert_eq!(kinds(&world.check().await.events), ["watching"], "{why}");
        assert_eq!(world.checked_on("2026-01-07").await, ["certificate_added"], "{why}");
        assert_eq!(world.checked_on("2026-01-08").await, NONE, "{why}: the first look at a loss");
        forge(&world, sql).await;
        let of_doubts = if sql.contains("number_key =") {
            "UPDATE doubts SET number_key = 'old ' || number_key"
        } else {
            "UPDATE doubts SET qualification_key = 'old ' || qualification_key"
        };
        sqlx::query(of_doubts).execute(world.store.pool()).await.unwrap();
        assert_eq!(world.checked_on("2026-01-09").await, NONE, "{why}: begun anew");
        assert_eq!(world.checked_on("2026-01-10").await, ["certificate_removed"], "{why}: the second");
        assert_eq!(world.checked_on("2026-01-11").await, NONE, "{why}");
        assert_eq!(world.count("SELECT count(*) FROM doubts").await, 0, "{why}");
    }
}

#[tokio::test]
async fn thresholds_told_by_another_spelling_of_a_number_are_not_told_again() {
    let ends = certificate("D241000001", TWO).replace("2029-01-09", "2026-03-01");
    let world = Watch::new(&company(1, &ends), "", "2026-01-05").await;
    assert_eq!(kinds(&world.check().await.events), ["watching", "expiring"]);
    forge(&world, OLDER[2].1).await;
    sqlx::query("UPDATE told SET number_key = 'old ' || number_key")
        .execute(world.store.pool())
        .await
        .unwrap();
    assert_eq!(world.checked_on("2026-01-06").await, NONE);
    assert_eq!(world.checked_on("2026-01-30").await, ["expiring"], "the next threshold in its time");
}

#[tokio::test]
async fn a_dry_run_compares_like_with_like_too_and_stores_nothing_of_it() {
    for (why, sql) in OLDER {
        let world = Watch::new(&scenario(), "", "2026-01-05").await;
        world.check().await;
        forge(&world, sql).await;
        let forged = current(&world).await;
        world.at("2026-01-06");
        let dry = world.sweep_with(&NoSteps, Mode::DryRun).run(&Whom::All, world.key.clone()).await.unwrap();
        assert_eq!(kinds(&dry.imagined), NONE, "{why}");
        assert_eq!(current(&world).await, forged, "{why}");
    }
}

#[tokio::test]
async fn history_shows_on_every_day_what_was_established_by_then() {
    let world = Watch::new(&scenario(), "", "2026-01-05").await;
    world.check().await;
    forge(&world, OLDER[0].1).await;
    world.checked_on("2026-01-06").await;
    let of = async |day: &str| -> i64 {
        sqlx::query_scalar(
            "SELECT count(*) FROM holdings WHERE valid_from < $1 AND (valid_to IS NULL OR valid_to >= $1)",
        )
        .bind(crate::support::world::instant(day))
        .fetch_one(world.store.pool())
        .await
        .unwrap()
    };
    assert_eq!((of("2026-01-05T23:00:00+08:00").await, of("2026-01-06T23:00:00+08:00").await), (2, 4));
}
