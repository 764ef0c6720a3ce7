//! Daemons with files of their own on one database: what one file does not name is no business of its daemon.

use qualwatch::clock::Clock as _;
use qualwatch::sweep;

use crate::support::world::World;

fn company(number: u32) -> String {
    format!(
        "[[company]]\nkeywords = [\"公司{number}\"]\nid = \"5f{number:022}\"\n[[company.certificate]]\n\
         number = \"D2410{number:05}\"\ntype = \"建筑业企业资质\"\norgan = \"河南省住房和城乡建设厅\"\n\
         issued = \"2024-01-10\"\nuntil = \"2029-01-09\"\nqualifications = \"建筑工程施工总承包二级\"\n"
    )
}

async fn left(world: &World) -> i64 {
    world.count("SELECT count(*) FROM companies WHERE left_at IS NOT NULL").await
}

#[tokio::test]
async fn a_company_leaves_only_when_no_watchlist_names_it() {
    let scenario: String = (1..=3).map(company).collect();
    let mut world = World::new(&scenario, "", "2026-01-05").await;
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
    let mut world = World::new(&scenario, "", "2026-01-05").await;
    let moved = world.store.clone().obeying("a daemon that was taken down".to_owned());
    sweep::accept(&moved, &world.watchlist, world.clock.now()).await.unwrap();
    world.at("2026-01-12");
    world.reload("", &["公司1"]).await;
    assert_eq!(left(&world).await, 0, "seven days: it may be down for repair");
    world.at("2026-01-14");
    world.reload("", &["公司1"]).await;
    assert_eq!(left(&world).await, 1);
}
