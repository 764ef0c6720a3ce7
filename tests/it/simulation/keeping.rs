//! A world that lasts longer than `[database].keep`, with and without forgetting: nobody can tell the difference.

use chrono::{DateTime, TimeDelta, Utc};
use qualwatch::store::reports::{history, snapshots};
use serde_json::Value;
use sqlx::types::Json;

use super::course::Course;
use super::weather::Blow;
use super::world::World;
use crate::support::letter::Letter;

/// The least that the file allows; this one lasts 61 days.
const KEEP: TimeDelta = TimeDelta::days(30);

/// All that anybody hears of a world, and its certificates on its first evening.
#[derive(Debug, PartialEq)]
struct Heard {
    events: Vec<Value>,
    mails: Vec<(Vec<String>, String, String)>,
    first_evening: Vec<String>,
    told: Vec<String>,
}

/// What is left of what may be forgotten: answers, deliveries, messages; and how much of it is too old.
#[derive(Debug, PartialEq, Eq)]
struct Left {
    all: [i64; 3],
    old: [i64; 3],
}

async fn lived(world: &World, keep: Option<TimeDelta>) -> (Heard, Left) {
    let (truth, mut weather) = world.make();
    // Who of two daemons comes first is nobody's to say.
    for blows in weather.blows.values_mut() {
        blows.retain(|blow| !matches!(blow, Blow::Daemons(_)));
    }
    let mut course = Box::pin(Course::begin(truth, weather)).await;
    course.keep = keep;
    Box::pin(course.run()).await;
    let found = (heard(&course).await, left(&course, course.clock_shows() - KEEP).await);
    course.world.database.drop().await;
    found
}

async fn heard(course: &Course) -> Heard {
    let pool = course.store.pool();
    let events: Vec<Json<Value>> = sqlx::query_scalar("SELECT event FROM events ORDER BY at, event::text")
        .fetch_all(pool)
        .await
        .unwrap();
    let mut mails: Vec<_> = course
        .sink
        .mails()
        .iter()
        .map(|mail| {
            let letter = Letter::of(mail);
            (mail.to.clone(), letter.subject(), letter.text)
        })
        .collect();
    mails.sort();
    let ids = snapshots::ids(pool).await.unwrap();
    let companies = snapshots::established(pool, &ids, |_| true).await.unwrap();
    let evening = course.truth.first.at(23, 0);
    let companies = history::as_of(pool, companies, evening).await.unwrap();
    let first_evening = companies.iter().map(|company| format!("{:?}", company.snapshot)).collect();
    let told = sqlx::query_scalar("SELECT told::text FROM told ORDER BY told::text");
    Heard {
        events: events.into_iter().map(|Json(event)| event).collect(),
        mails,
        first_evening,
        told: told.fetch_all(pool).await.unwrap(),
    }
}

async fn left(course: &Course, before: DateTime<Utc>) -> Left {
    let count = async |sql: &'static str| -> i64 {
        sqlx::query_scalar(sql).bind(before).fetch_one(course.store.pool()).await.unwrap()
    };
    Left {
        all: [
            count("SELECT count(*) FROM observations WHERE $1 IS NOT NULL").await,
            count("SELECT count(*) FROM deliveries WHERE $1 IS NOT NULL").await,
            count("SELECT count(*) FROM messages WHERE $1 IS NOT NULL").await,
        ],
        old: [
            count(
                "SELECT count(*) FROM observations AS known
                 WHERE last_seen_at < $1
                   AND id NOT IN (SELECT max(id) FROM observations GROUP BY company_id)
                   AND id NOT IN (SELECT max(id) FROM observations WHERE outcome = 'complete' GROUP BY company_id)",
            )
            .await,
            count("SELECT count(*) FROM deliveries WHERE coalesce(sent_at, cancelled_at) < $1").await,
            count("SELECT count(*) FROM messages WHERE sent_at < $1").await,
        ],
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_story_longer_than_keep_is_told_the_same_with_and_without_forgetting() {
    let world = World::read("1 small days=45");
    let (with, without) = tokio::join!(Box::pin(lived(&world, Some(KEEP))), Box::pin(lived(&world, None)));
    assert_eq!(with.0, without.0);
    assert!(
        with.0.first_evening.iter().any(|snapshot| snapshot.contains("Held")),
        "{:?}",
        with.0.first_evening
    );
    assert_eq!(with.1.old, [0; 3], "nothing old is left");
    for (what, (kept, all)) in
        ["answers", "deliveries", "messages"].iter().zip(with.1.all.iter().zip(without.1.all))
    {
        assert!(*kept < all, "{kept} of {all} {what} are left");
    }
}
