//! Daemons with files of their own on one database: what one file does not name is no business of its daemon.

use chrono::NaiveDate;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use qualwatch::clock::Clock as _;
use qualwatch::config::Watchlist;
use qualwatch::sandbox::Scenario;
use qualwatch::store::Store;
use qualwatch::store::checks::judgements::{Judged, mark_judged, next_to_judge};
use qualwatch::store::reports::health::days_work;
use qualwatch::store::reports::snapshots;
use qualwatch::store::steps::{Step, Steps};
use qualwatch::sweep::{self, Mode, Whom};

use crate::support::watch::Watch;
use crate::support::world::instant;

fn company(number: u32) -> String {
    format!(
        "[[company]]\nkeywords = [\"公司{number}\"]\nid = \"5f{number:022}\"\n[[company.certificate]]\n\
         number = \"D2410{number:05}\"\ntype = \"建筑业企业资质\"\norgan = \"河南省住房和城乡建设厅\"\n\
         issued = \"2024-01-10\"\nuntil = \"2029-01-09\"\nqualifications = \"建筑工程施工总承包二级\"\n"
    )
}

async fn left(world: &Watch) -> i64 {
    world.count("SELECT count(*) FROM companies WHERE left_at IS NOT NULL").await
}

#[tokio::test]
async fn a_company_leaves_only_when_no_watchlist_names_it() {
    let scenario: String = (1..=3).map(company).collect();
    let mut world = Watch::new(&scenario, "", "2026-01-05").await;
    let one = world.store.clone().obeying("one".to_owned());
    let other = world.store.clone().obeying("other".to_owned());
    world.reload("", &["公司1", "公司2"]).await;
    let file_of_one = world.watchlist.clone();
    world.reload("", &["公司2", "公司3"]).await;
    let file_of_other = world.watchlist.clone();
    let clock = world.clock.clone();
    let now = || clock.now();
    sweep::accept(&one, &file_of_one, now()).await.unwrap();
    sweep::accept(&other, &file_of_other, now()).await.unwrap();
    world.reload("", &["公司1"]).await;
    assert_eq!(left(&world).await, 0, "each is named by one of them");

    world.next_day();
    sweep::accept(&other, &world.watchlist, now()).await.unwrap();
    assert_eq!(left(&world).await, 1, "only 公司3 is named by nobody now");
    let who =
        world.count("SELECT count(*) FROM companies WHERE left_at IS NOT NULL AND keyword = '公司3'").await;
    assert_eq!(who, 1);
}

#[tokio::test]
async fn a_watchlist_that_nobody_obeys_for_days_is_gone() {
    let scenario: String = (1..=2).map(company).collect();
    let mut world = Watch::new(&scenario, "", "2026-01-05").await;
    let moved = world.store.clone().obeying("a daemon that was taken down".to_owned());
    sweep::accept(&moved, &world.watchlist, world.clock.now()).await.unwrap();
    world.at("2026-01-12");
    world.reload("", &["公司1"]).await;
    assert_eq!(left(&world).await, 0, "seven days: it may be down for repair");
    world.at("2026-01-14");
    world.reload("", &["公司1"]).await;
    assert_eq!(left(&world).await, 1);
}

/// Each row of `table` with the transaction that wrote it: what differs was written.
async fn rows(world: &Watch, table: &str) -> Vec<String> {
    let sql = format!("SELECT concat_ws(' ', xmin, t.*) FROM {table} AS t ORDER BY 1");
    sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_all(world.store.pool()).await.unwrap()
}

async fn text(world: &Watch, sql: &'static str) -> String {
    sqlx::query_scalar(sql).fetch_one(world.store.pool()).await.unwrap()
}

/// The file with other entries, as an operator edits it.
fn edited(world: &Watch, from: &str, to: &str) -> Watchlist {
    let text = world.watchlist_text();
    assert!(text.contains(from), "{from} in {text}");
    let text = text.replace(from, to);
    qualwatch::config::parse(&text, std::path::Path::new("/nowhere/watchlist.toml")).unwrap().0
}

async fn of_three() -> Watch {
    let scenario: String = (1..=3).map(company).collect();
    Watch::new(&scenario, "", "2026-01-05").await
}

#[tokio::test]
async fn a_file_that_is_in_force_writes_nothing_and_an_edit_only_what_it_changes() {
    let world = of_three().await;
    let tables = ["companies", "listings", "watchlists"];
    let mut before = Vec::new();
    for table in tables {
        before.push(rows(&world, table).await);
    }
    sweep::accept(&world.store, &world.watchlist, world.clock.now()).await.unwrap();
    for (table, before) in tables.into_iter().zip(&before) {
        assert_eq!(rows(&world, table).await, *before, "{table}");
    }

    world.next_day();
    sweep::accept(&world.store, &world.watchlist, world.clock.now()).await.unwrap();
    assert_eq!(rows(&world, "companies").await, before[0], "the day after");
    assert_eq!(rows(&world, "listings").await, before[1], "the day after");
    assert_eq!(
        world.count("SELECT count(*) FROM watchlists WHERE seen_at = '2026-01-06T00:00:00Z'").await,
        1
    );

    for (from, to, why) in [
        ("公司2\"", "公司2\"\nname = \"院\"", "another name"),
        ("公司2\"", "公司2\"\nexpiry_days = [45]", "other thresholds"),
        ("公司2\"", "公司2\"\ncheck = \"0 9 * * *\"", "another line"),
        ("公司2\"", "公司2\"\nid = \"5f0000000000000000000009\"", "a pin"),
    ] {
        let (companies, listings) = (rows(&world, "companies").await, rows(&world, "listings").await);
        sweep::accept(&world.store, &edited(&world, from, to), world.clock.now()).await.unwrap();
        let changed =
            |before: &[String], after: &[String]| after.iter().filter(|row| !before.contains(row)).count();
        assert_eq!(changed(&companies, &rows(&world, "companies").await), 1, "{why}");
        assert_eq!(changed(&listings, &rows(&world, "listings").await), 1, "{why}");
    }
}

#[tokio::test]
async fn thresholds_are_stored_as_the_entry_has_them() {
    let world = of_three().await;
    let with_more = "[alerts]\nexpired_days = [5]\nfiling_days = [14]\nstale_after = \"3d\"\n[email]";
    let file = edited(&world, "[email]", with_more);
    sweep::accept(&world.store, &file, world.clock.now()).await.unwrap();
    let all = "SELECT string_agg(DISTINCT thresholds, '; ') FROM companies";
    assert_eq!(text(&world, all).await, "expiring 180,90,60,30,7,1,0 expired 5 filing 14 stale 259200s");
    let file = edited(&world, "公司2\"", "公司2\"\nexpiry_days = [45, 9]");
    sweep::accept(&world.store, &file, world.clock.now()).await.unwrap();
    let one = "SELECT thresholds FROM companies WHERE keyword = '公司2'";
    assert_eq!(text(&world, one).await, "expiring 45,9 expired 1,7,30 filing 30,7,0 stale 604800s");
}

/// The digests that are there, and the entries that another watchlist has made uncertain.
async fn certain(world: &Watch) -> (i64, i64) {
    let digests = world.count("SELECT count(digest) FROM watchlists").await;
    (digests, world.count("SELECT count(*) FROM listings WHERE entry IS NULL").await)
}

#[tokio::test]
async fn what_another_watchlist_changed_is_stored_again_when_the_first_is_accepted_next() {
    let world = of_three().await;
    let named = |store: &Store| {
        let store = store.clone();
        async move {
            let sql = "SELECT name || ' ' || prefix_is_pinned FROM companies WHERE keyword = '公司2'";
            sqlx::query_scalar::<_, String>(sql).fetch_one(store.pool()).await.unwrap()
        }
    };
    let other = world.store.clone().obeying("other".to_owned());
    let now = || world.clock.now();
    sweep::accept(&other, &world.watchlist, now()).await.unwrap();
    assert_eq!(certain(&world).await, (2, 0), "the same entries: neither has to compare again");
    for (from, to, theirs) in [
        ("公司2\"", "公司2\"\nname = \"院\"", "院 false"),
        ("公司2\"", "公司2\"\nid = \"5f0000000000000000000009\"", "公司2 true"),
        // The id of 公司2 as the first file pins it below.
        ("公司3\"", "公司3\"\nid = \"5f0000000000000000000002\"", "公司2 false"),
    ] {
        let first = match theirs {
            "公司2 false" => edited(&world, "公司2\"", "公司2\"\nid = \"5f0000000000000000000002\""),
            _ => world.watchlist.clone(),
        };
        sweep::accept(&world.store, &first, now()).await.unwrap();
        let ours = named(&world.store).await;
        sweep::accept(&other, &edited(&world, from, to), now()).await.unwrap();
        assert_eq!(named(&world.store).await, theirs);
        let (digests, uncertain) = certain(&world).await;
        assert!(digests == 1 && uncertain > 0, "{theirs}: {digests} digests, {uncertain} entries");
        sweep::accept(&world.store, &first, now()).await.unwrap();
        assert_eq!(named(&world.store).await, ours, "as before {theirs}");
    }
}

#[tokio::test]
async fn watchlists_of_a_version_that_stamps_every_listing_count_by_their_stamps() {
    let mut world = of_three().await;
    let older = "INSERT INTO listings (watchlist, company_id, seen_at)
                 SELECT older.name, id, older.seen_at::timestamptz
                 FROM companies, (VALUES ('stays', '2026-01-12'), ('goes', '2026-01-03')) AS older (name, seen_at)
                 WHERE keyword = '公司1' AND older.name = 'stays' OR keyword = '公司2' AND older.name = 'goes'";
    let pool = world.store.pool().clone();
    sqlx::query(older).execute(&pool).await.unwrap();
    // As the migration leaves the one that goes on.
    sqlx::query("INSERT INTO watchlists VALUES ('stays', NULL, '2026-01-01')").execute(&pool).await.unwrap();
    world.at("2026-01-10");
    world.reload("", &["公司3"]).await;
    assert_eq!(left(&world).await, 0, "both are younger than eight days");
    world.at("2026-01-14");
    for attempt in ["it is gone", "and that is done with"] {
        sweep::accept(&world.store, &world.watchlist, world.clock.now()).await.unwrap();
        assert_eq!(left(&world).await, 1, "{attempt}");
    }
    let stays = "SELECT string_agg(DISTINCT watchlist, ' ') FROM listings WHERE watchlist <> ''";
    assert_eq!(text(&world, stays).await, "stays");
    // An older daemon that runs beside this one drops what it finds stamped days ago.
    let stamped = "SELECT count(*) FROM listings WHERE watchlist = '' AND seen_at < 'infinity'";
    assert_eq!(world.count(stamped).await, 0);
}

/// Takes a file with a pin into force while a check of that company is under way.
struct Pins<'a>(&'a Watch, Watchlist);

impl Steps for Pins<'_> {
    fn reached(&self, step: Step) -> BoxFuture<'_, ()> {
        let accepting = async move {
            if step == Step::BeforeCommit {
                sweep::accept(&self.0.store, &self.1, self.0.clock.now()).await.unwrap();
            }
        };
        accepting.boxed()
    }
}

#[tokio::test]
async fn a_pin_that_is_accepted_while_its_company_is_checked_stays_and_is_held_against_the_next_answer() {
    let world = Watch::new(&company(1), "", "2026-01-05").await;
    world.check().await;
    world.at("2026-01-06");
    world.sandbox.replace(Scenario::parse(&company(1).replace("2029-01-09", "2034-01-08")).unwrap());
    let pinned = edited(&world, "公司1\"", "公司1\"\nid = \"5f0000000000000000000009\"");
    let pins = Pins(&world, pinned);
    world.sweep_with(&pins, Mode::ForGood).run(&Whom::All, world.key.clone()).await.unwrap();
    assert_eq!(text(&world, "SELECT prefix FROM companies").await, "5f0000000000000000000009");
    let unread = "SELECT count(*) FROM companies WHERE page_digests IS NULL AND items_digest IS NULL";
    assert_eq!(world.count(unread).await, 1, "by its bytes alone no answer is the same");
}

#[tokio::test]
async fn thresholds_that_are_accepted_while_a_company_is_judged_are_judged_by_at_the_next_look() {
    let world = Watch::new(&company(1), "", "2026-01-05").await;
    world.tick().await;
    let ids = snapshots::ids(world.store.pool()).await.unwrap();
    let tell_on = "SELECT tell_on::text FROM companies";
    let before: NaiveDate = text(&world, tell_on).await.parse().unwrap();
    let mut claims = world.store.company_claims().await.unwrap();
    claims.take(&ids).await.unwrap();
    let other = edited(&world, "公司1\"", "公司1\"\nexpiry_days = [45]");
    sweep::accept(&world.store, &other, world.clock.now()).await.unwrap();
    let judged = Judged { company: ids[0], tell_on_before: Some(before), tell_on: Some(before) };
    mark_judged(&mut claims, &[judged], "2026-01-05".parse().unwrap()).await.unwrap();
    assert_eq!(text(&world, tell_on).await, "2000-01-01");
}

#[tokio::test]
async fn what_is_left_undone_of_another_file_is_no_work_of_ours() {
    let world = Watch::new(&company(1), "", "2026-01-05").await;
    world.tick().await;
    let other = world.store.clone().obeying("other".to_owned());
    let theirs = edited(&world, "公司1", "公司2");
    sweep::accept(&other, &theirs, world.clock.now()).await.unwrap();
    let today = "2026-01-05".parse().unwrap();
    let work = |of: &Store| {
        let (of, midnight) = (of.clone(), instant("2026-01-05T00:00:00+08:00"));
        async move {
            let work = days_work(of.pool(), of.watchlist(), today, midnight).await.unwrap();
            let due = next_to_judge(of.pool(), of.watchlist(), today, midnight, None).await.unwrap();
            (work.unjudged, work.asked, due.len())
        }
    };
    assert_eq!(work(&world.store).await, (0, 1, 0), "asked for and judged");
    assert_eq!(work(&other).await, (1, 0, 1), "nobody runs there");
}
