//! A database of an older layout is taken over with all that it holds.

use std::borrow::Cow;
use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use qualwatch::domain::grade::Grade;
use qualwatch::domain::holding::{Holding, HoldingKey, read_items};
use qualwatch::domain::keyword::Keyword;
use qualwatch::domain::observation::Item;
use qualwatch::domain::snapshot::{Gone, Held};
use qualwatch::store::Store;
use qualwatch::store::connection::MIGRATIONS;
use qualwatch::store::reports::{self, history, snapshots};
use sqlx::migrate::{Migration, Migrator};
use sqlx::postgres::PgPool;
use sqlx::types::Json;

use crate::support::database::TestDatabase;
use crate::support::world::instant;

/// A database as the layouts up to this version make it.
async fn of_layout(version: i64) -> TestDatabase {
    let database = TestDatabase::empty().await;
    let older: Vec<Migration> = MIGRATIONS.iter().filter(|one| one.version <= version).cloned().collect();
    let migrator = Migrator { migrations: Cow::Owned(older), ..Migrator::DEFAULT };
    migrator.run(&database.pool().await).await.unwrap();
    database
}

fn item(number: &str, names: &str, end: &str) -> Item {
    Item {
        organ: Some("住房和城乡建设部".to_owned()),
        effective_time: Some(end.to_owned()),
        business_id: Some(format!("5f0000000000000000000001-{number}")),
        issuing_certificate_time: Some("2025-01-06".to_owned()),
        kind: Some("建筑业企业资质".to_owned()),
        certificate_num: Some(number.to_owned()),
        qualification_name: Some(names.to_owned()),
    }
}

/// Whatever a row may be.
fn items() -> Vec<Item> {
    let two = "建筑工程施工总承包二级,市政公用工程施工总承包二级";
    vec![
        item("D241000001", two, "2029-01-05"),
        // Two ends in one certificate.
        item("D241000002", "公路工程施工总承包一级", "2029-01-05"),
        item("D241000002", "桥梁工程专业承包一级", "2027-03-01"),
        // Neither name nor key is the text without its grade; no grade; no name.
        item("A141000003", "工程设计水利行业 甲级资质；（特殊）资质;工程设计ＡＢ专业甲（Ⅱ）级", "2028-12-31"),
        item("a141000004-6/3", "", "长期"),
        item("A141000005", two, "见证书"),
        Item { effective_time: None, issuing_certificate_time: None, ..item("A141000006", two, "") },
    ]
}

/// Writes a holding as older versions did.
async fn insert(pool: &PgPool, held: &Held, from: DateTime<Utc>, to: Option<DateTime<Utc>>) {
    let Held { holding, since, unlisted_since } = held;
    sqlx::query(
        "INSERT INTO holdings (company_id, number_key, qualification_key, last_day, holding, since, unlisted_since,
                               valid_from, valid_to)
         SELECT id, $1, $2, $3, $4, $5, $6, $7, $8 FROM companies",
    )
    .bind(holding.number.key())
    .bind(holding.qualification.key.as_str())
    .bind(holding.last_day())
    .bind(Json(holding))
    .bind(since)
    .bind(unlisted_since)
    .bind(from)
    .bind(to)
    .execute(pool)
    .await
    .unwrap();
}

fn held(holding: &Holding, since: DateTime<Utc>) -> Held {
    Held { holding: holding.clone(), since, unlisted_since: None }
}

#[tokio::test]
async fn holdings_of_older_versions_are_there_by_certificates_with_their_history() {
    let database = of_layout(7).await;
    let pool = database.pool().await;
    let begun = instant("2026-01-05T08:00:00+08:00");
    sqlx::query(
        "WITH company AS (
             INSERT INTO companies (keyword, name, check_line, accepted_at, watched_since)
             VALUES ('公司1', '公司1', '', $1, $1)
             RETURNING id
         )
         INSERT INTO standings (company_id) SELECT id FROM company",
    )
    .bind(begun)
    .execute(&pool)
    .await
    .unwrap();
    let changed = begun + TimeDelta::days(1);
    let shown: BTreeMap<HoldingKey, Holding> = read_items(&items());
    assert_eq!(shown.len(), 12);
    // The last one went, one is no longer listed, one was established later than its sister and had another end before.
    let gone_key = shown.keys().next_back().unwrap().clone();
    let mut expected = BTreeMap::new();
    let mut past = BTreeMap::new();
    for (place, (key, holding)) in shown.iter().enumerate() {
        let mut now = held(holding, begun);
        past.insert(key.clone(), now.clone());
        if *key == gone_key {
            insert(&pool, &now, begun, Some(changed)).await;
            continue;
        }
        if place == 0 {
            now.unlisted_since = Some(changed);
        }
        if place == 1 {
            now.since = changed;
        }
        if place < 2 {
            insert(&pool, &held(holding, begun), begun, Some(changed)).await;
            insert(&pool, &now, changed, None).await;
        } else {
            insert(&pool, &now, begun, None).await;
        }
        expected.insert(key.clone(), now);
    }
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM holdings").fetch_one(&pool).await.unwrap();

    let store = Store::open_and_migrate(database.options()).await.unwrap();
    let keyword: Keyword = "公司1".parse().unwrap();
    let record = reports::record_of(store.pool(), &keyword).await.unwrap().unwrap();
    assert_eq!(record.snapshot.held, expected);
    let gone = Gone { holding: shown[&gone_key].clone(), at: changed };
    assert_eq!(record.snapshot.gone, BTreeMap::from([(gone_key, gone)]));
    let established = snapshots::established(store.pool(), &[record.id], |_| true).await.unwrap();
    assert_eq!(established[0].snapshot.held, expected);
    let before = history::as_of(store.pool(), established, changed).await.unwrap();
    assert_eq!(before[0].snapshot.held, past);
    let same: i64 = sqlx::query_scalar("SELECT count(*) FROM holdings").fetch_one(&pool).await.unwrap();
    assert_eq!(same, rows, "a row a holding, for whoever looks");
    for (key, held) in &record.snapshot.held {
        let (name, grade): (String, Option<String>) = sqlx::query_as(
            "SELECT name, grade FROM holdings WHERE number_key = $1 AND qualification_key = $2 AND valid_to IS NULL",
        )
        .bind(key.number.key())
        .bind(key.qualification.as_str())
        .fetch_one(&pool)
        .await
        .unwrap();
        let qualification = &held.holding.qualification;
        assert_eq!(
            (&name, grade.as_deref()),
            (&qualification.name, qualification.grade.as_ref().map(Grade::text))
        );
    }
}
