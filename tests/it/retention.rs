//! What is forgotten after `[database].keep`, and what never is.

use chrono::{DateTime, Utc};
use qualwatch::store::Store;
use qualwatch::store::outbox::retention::{self, Mark};

use crate::support::database::TestDatabase;
use crate::support::running::{Running, until};
use crate::support::story;

const BEFORE: &str = "2026-01-01T00:00:00Z";
const OLD: &str = "2025-06-01T00:00:00Z";
const LATE: &str = "2026-02-01T00:00:00Z";

fn instant(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A whole pass; gives how many rows it removed.
async fn forget(store: &Store) -> u64 {
    let (mut mark, mut all) = (Some(Mark::BEGINNING), 0);
    while let Some(from) = mark {
        let step = retention::forget(store.pool(), instant(BEFORE), from).await.unwrap();
        (mark, all) = (step.next, all + step.removed);
    }
    all
}

async fn texts(store: &Store, sql: &'static str) -> Vec<String> {
    sqlx::query_scalar(sql).fetch_all(store.pool()).await.unwrap()
}

async fn answer(store: &Store, company: i64, outcome: &str, seen: &str) {
    sqlx::query(
        "INSERT INTO observations (company_id, outcome, parser_version, digest, pages, first_seen_at, last_seen_at)
         VALUES ($1, $2, 1, '', '{}', $3, $3)",
    )
    .bind(company)
    .bind(outcome)
    .bind(instant(seen))
    .execute(store.pool())
    .await
    .unwrap();
}

#[tokio::test]
async fn of_answers_the_last_and_the_last_complete_one_stay_whatever_their_age() {
    let database = Box::pin(TestDatabase::new()).await;
    let store = Store::open(database.options()).await.unwrap();
    for keyword in ["a", "b", "c"] {
        sqlx::query(
            "INSERT INTO companies (keyword, name, check_line, accepted_at, watched_since) VALUES ($1, $1, '', $2, $2)",
        )
        .bind(keyword)
        .bind(instant(OLD))
        .execute(store.pool())
        .await
        .unwrap();
    }
    for (company, outcome, seen) in [
        (1, "complete", OLD),
        (1, "transient", OLD),
        (1, "complete", OLD),
        (1, "transient", OLD),
        (1, "incomplete", OLD),
        (2, "complete", OLD),
        (2, "empty", OLD),
        (2, "complete", LATE),
        (3, "transient", OLD),
    ] {
        answer(&store, company, outcome, seen).await;
    }
    let kept = "SELECT company_id || ' ' || outcome || ' ' || id FROM observations ORDER BY id";
    assert_eq!(forget(&store).await, 5);
    assert_eq!(
        texts(&store, kept).await,
        ["1 complete 3", "1 incomplete 5", "2 complete 8", "3 transient 9"],
        "the last complete one, the last one, what is not old, an only one"
    );
    assert_eq!(forget(&store).await, 0, "and once");
}

#[tokio::test]
async fn of_mail_what_is_owed_or_given_up_stays_and_so_does_who_else_got_the_same_news() {
    let database = Box::pin(TestDatabase::new()).await;
    let store = Store::open(database.options()).await.unwrap();
    let mut tx = store.pool().begin().await.unwrap();
    for (event, to, end, at) in [
        (1, "sent", "sent", OLD),
        (1, "left", "cancelled", OLD),
        (2, "sent", "sent", OLD),
        (2, "owed", "", OLD),
        (3, "sent", "sent", OLD),
        (3, "dead", "dead", OLD),
        (4, "sent", "sent", LATE),
        (5, "gone", "dead", OLD),
    ] {
        sqlx::query(
            "INSERT INTO events (id, kind, audience, at, event) OVERRIDING SYSTEM VALUE
             VALUES ($1, 'expiring', 'reader', $2, '{}') ON CONFLICT DO NOTHING",
        )
        .bind(event)
        .bind(instant(OLD))
        .execute(&mut *tx)
        .await
        .unwrap();
        sqlx::query(
            "WITH message AS (
                 INSERT INTO messages (recipient, message_id, subject, content, frozen_at, sent_at, dead_at)
                 VALUES ($2, $1 || $2, '', '', $4, CASE WHEN $3 = 'sent' THEN $4 END, CASE WHEN $3 = 'dead' THEN $4 END)
                 RETURNING id
             )
             INSERT INTO deliveries (event_id, recipient, owed_since, message_id, sent_at, cancelled_at, dead_at)
             SELECT $1, $2, $4, CASE WHEN $3 <> 'cancelled' THEN id END,
                    CASE WHEN $3 = 'sent' THEN $4 END,
                    CASE WHEN $3 = 'cancelled' THEN $4 END,
                    CASE WHEN $3 = 'dead' THEN $4 END
             FROM message",
        )
        .bind(event)
        .bind(to)
        .bind(end)
        .bind(instant(at))
        .execute(&mut *tx)
        .await
        .unwrap();
    }
    sqlx::query(
        "UPDATE deliveries SET message_id = NULL, dead_at = NULL, cancelled_at = $1 WHERE event_id = 5",
    )
    .bind(instant(OLD))
    .execute(&mut *tx)
    .await
    .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        forget(&store).await,
        5,
        "three deliveries, a message, and one given up whose address left the file"
    );
    assert_eq!(
        texts(&store, "SELECT event_id || ' ' || recipient FROM deliveries ORDER BY id").await,
        ["2 sent", "2 owed", "3 sent", "3 dead", "4 sent"]
    );
    assert_eq!(
        texts(
            &store,
            "SELECT count(*)::text FROM deliveries JOIN messages ON messages.id = deliveries.message_id"
        )
        .await,
        ["5"],
        "with the messages that carry them"
    );
    assert_eq!(texts(&store, "SELECT count(*)::text FROM events").await, ["5"], "events are kept for ever");
    sqlx::query("UPDATE deliveries SET sent_at = $1, dead_at = NULL")
        .bind(instant(LATE))
        .execute(store.pool())
        .await
        .unwrap();
    assert_eq!(forget(&store).await, 0, "its age counts from its end");
}

#[tokio::test]
async fn two_daemons_forget_at_once_in_slices_and_each_row_goes_once() {
    let database = Box::pin(TestDatabase::new()).await;
    let (one, two) =
        (Store::open(database.options()).await.unwrap(), Store::open(database.options()).await.unwrap());
    sqlx::query(
        "WITH company AS (
             INSERT INTO companies (keyword, name, check_line, accepted_at, watched_since)
             VALUES ('a', 'a', '', $1, $1) RETURNING id
         )
         INSERT INTO observations (company_id, outcome, parser_version, digest, pages, first_seen_at, last_seen_at)
         SELECT id, 'complete', 1, '', '{}', $1, $1 FROM company, generate_series(1, 3500)",
    )
    .bind(instant(OLD))
    .execute(one.pool())
    .await
    .unwrap();
    let step = retention::forget(one.pool(), instant(BEFORE), Mark::BEGINNING).await.unwrap();
    assert_eq!(step.removed, 1000, "no statement is large");
    let (by_one, by_two) = tokio::join!(forget(&one), forget(&two));
    let left = texts(&one, "SELECT id::text FROM observations").await;
    assert_eq!((by_one + by_two + forget(&one).await, left), (2499, vec!["3500".to_owned()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_forgets_by_its_own_clock_and_never_with_keep_forever() {
    let database = Box::pin(TestDatabase::new()).await;
    story::tell(&database).await;
    let store = Store::open(database.options()).await.unwrap();
    let program = story::program(&database).with("QUALWATCH_API_KEY", "CANARY");
    let old = "SELECT count(*)::text FROM observations WHERE last_seen_at < '2020-01-01'";
    let company: i64 =
        sqlx::query_scalar("SELECT min(id) FROM companies").fetch_one(store.pool()).await.unwrap();
    answer(&store, company, "complete", "2019-12-31T00:00:00Z").await;
    answer(&store, company, "complete", "2026-03-02T00:00:00Z").await;
    let for_ever = story::WATCHLIST.to_owned() + "[database]\nkeep = \"forever\"\n";
    for (watchlist, left) in [(for_ever.as_str(), "1"), (story::WATCHLIST, "0")] {
        std::fs::write(program.folder().join("watchlist.toml"), watchlist).unwrap();
        let daemon = Running::start(&program, &["run"]);
        daemon.logged("watching").await;
        if left == "0" {
            daemon.logged("removed what is older than [database].keep removed=1").await;
        }
        until("it has looked", || async { texts(&store, old).await == [left] }).await;
        daemon.end(nix::sys::signal::Signal::SIGTERM).await;
        assert_eq!(texts(&store, old).await, [left]);
    }
}
