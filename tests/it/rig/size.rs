//! Scenario 23: a hundred thousand companies. And what a process takes of memory.

use std::time::Duration;

use chrono::{DateTime, Utc};
use nix::sys::signal::Signal;
use qualwatch::clock::{self, Clock as _, SystemClock};
use qualwatch::domain::keyword::Keyword;
use qualwatch::store::StoreError;
use qualwatch::store::companies::{self, Entry};
use sqlx::PgPool;

use super::house::Rig;
use super::server::Server;
use crate::support::database::TestDatabase;
use crate::support::running::{Running, until};

/// The most memory that the process has had, in kilobytes.
pub fn memory_kilobytes(of: &Running) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", of.pid())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.split_whitespace().next().unwrap().parse().unwrap()
}

/// Rows read by going through a whole table, for each company of a sweep: claims come in batches, each of which may look at all.
const ROWS_READ_EACH: usize = 100;

fn milliseconds_since(begun: DateTime<Utc>) -> i64 {
    (SystemClock::default().now() - begun).num_milliseconds()
}

/// Were one table read from end to end for each company, this would be the square of the companies.
async fn reads_no_table_for_each_company(rig: &Rig, companies: usize) {
    let read = "SELECT relname::text, seq_tup_read FROM pg_stat_user_tables ORDER BY seq_tup_read DESC";
    let tables: Vec<(String, i64)> = sqlx::query_as(read).fetch_all(&rig.scene.pool).await.unwrap();
    let most = i64::try_from(companies * ROWS_READ_EACH).unwrap();
    assert!(tables.iter().any(|(_, read)| *read > 0), "the server counts what it reads");
    let too_many: Vec<_> = tables.iter().filter(|(_, read)| *read > most).collect();
    assert!(too_many.is_empty(), "rows read by going through whole tables: {too_many:?}");
}

/// The whole first sweep, then the commands and a reload; gives (memory in kB, start, status, reload in ms).
async fn at_size(companies: usize) -> (u64, i64, i64, i64) {
    let now = || SystemClock::default().now();
    let scenario = format!("[generate]\ncompanies = {companies}\ncertificates = 3\nseed = 7\n");
    let server = Server::start().await;
    let rig = Rig::with(&scenario).await.lives_on(&server).await;
    let program = rig.program_on(&server.url());
    let file = program.folder().join("watchlist.toml");
    let text = rig.watchlist().replace("concurrency = 2", "concurrency = 8");
    std::fs::write(&file, &text).unwrap();

    let begun = now();
    let daemon = Running::start(&program, &["run"]);
    daemon.logged("watching").await;
    let first_start = milliseconds_since(begun);
    eprintln!("{companies} companies: the very first start took {first_start} ms");
    let mut checked = 0;
    while checked < companies {
        // Not by asking the database: what it reads is measured.
        let before = checked;
        until("the sweep goes on", || async { rig.money.paid() > before }).await;
        checked = rig.money.paid();
    }
    eprintln!("the sweep took {} s, {} calls", milliseconds_since(begun) / 1000, rig.money.paid());
    daemon.logged("swept").await;
    reads_no_table_for_each_company(&rig, companies).await;
    let owed = || async { rig.count(super::laws::OWED).await };
    while owed().await > 0 {
        let before = owed().await;
        until("the mail goes on", || async { owed().await < before || before == 0 }).await;
    }
    eprintln!(
        "with its mail it took {} s, {} mails",
        milliseconds_since(begun) / 1000,
        rig.scene.sink.mails().len()
    );
    let status = now();
    let ran = program.run(&["status", "--json"]);
    let status = milliseconds_since(status);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let reload = now();
    std::fs::write(&file, text + "# edited\n").unwrap();
    daemon.signal(Signal::SIGHUP);
    daemon.logged("the watchlist was read anew").await;
    let reload = milliseconds_since(reload);
    let memory = memory_kilobytes(&daemon);
    let (code, log) = daemon.end(Signal::SIGTERM).await;
    assert_eq!(code, 0, "{log}");
    let start = now();
    let daemon = Running::start(&program, &["run"]);
    daemon.logged("watching").await;
    let start = milliseconds_since(start);
    assert_eq!(daemon.end(Signal::SIGTERM).await.0, 0);
    assert_eq!(rig.money.paid(), companies, "each was asked for once");
    server.stop().await;
    (memory, start, status, reload)
}

#[tokio::test(flavor = "multi_thread")]
async fn scenario_23_two_thousand_companies_are_no_trouble() {
    let (memory, start, status, reload) = Box::pin(at_size(2_000)).await;
    eprintln!("{memory} kB of memory, start {start} ms, status {status} ms, reload {reload} ms");
    assert!(memory < 300 * 1024, "{memory} kB of memory");
    assert!(start < 5_000, "start took {start} ms");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "by hand, with an optimised build (--release): a hundred thousand companies"]
async fn scenario_23_a_hundred_thousand_companies() {
    let (memory, start, status, reload) = Box::pin(at_size(100_000)).await;
    eprintln!("{memory} kB of memory, start {start} ms, status {status} ms, reload {reload} ms");
    assert!(memory < 300 * 1024 && start < 5_000 && status < 1_000 && reload < 2_000);
}

/// Takes a file of so many companies into force, whose names begin like that.
async fn accept(pool: &PgPool, count: usize, name: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
    let company = |number: usize| -> (Keyword, String, Option<String>) {
        let prefix = number.is_multiple_of(2).then(|| format!("5f{number:022}"));
        (format!("公司{number}").parse().unwrap(), format!("{name}{number}"), prefix)
    };
    let companies: Vec<_> = (0..count).map(company).collect();
    let entries = companies.iter().map(|(keyword, name, prefix)| Entry {
        keyword,
        name,
        pinned_prefix: prefix.as_deref(),
        check_line: "0 0 8 * * * Asia/Shanghai".into(),
        thresholds: "".into(),
        readers: (&[][..]).into(),
    });
    companies::accept(pool, "a file", entries, now).await.map(drop)
}

/// Were it a matter of each with each, it would take minutes.
const SECONDS: Duration = Duration::from_secs(30);

#[tokio::test]
async fn scenario_23_thirty_thousand_companies_are_taken_into_force_in_seconds() {
    let database = TestDatabase::new().await;
    let (pool, now) = (database.pool().await, SystemClock::default().now());
    for (name, why) in [("甲", "new ones"), ("甲", "the same again"), ("乙", "all with other names")] {
        let accepted = clock::within(SECONDS, accept(&pool, 30_000, name, now)).await;
        accepted.unwrap_or_else(|_| panic!("{why}")).unwrap();
    }
    let left = clock::within(SECONDS, accept(&pool, 10, "乙", now)).await;
    left.expect("most leave").unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watchlist_that_loses_against_another_transaction_is_taken_into_force_all_the_same() {
    let database = TestDatabase::new().await;
    let (pool, now) = (database.pool().await, SystemClock::default().now());
    accept(&pool, 2, "甲", now).await.unwrap();
    let mut other = pool.begin().await.unwrap();
    // The server ends whoever has waited longest: not this one.
    sqlx::query("SET LOCAL deadlock_timeout = '10min'").execute(&mut *other).await.unwrap();
    let touch = "UPDATE companies SET last_reason = 'touched' WHERE keyword = $1";
    sqlx::query(touch).bind("公司1").execute(&mut *other).await.unwrap();
    let accepting = accept(&pool, 2, "乙", now);
    let losing = async {
        until("it waits for the other", || async {
            let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
            sqlx::query_scalar::<_, i64>(waiting).fetch_one(&pool).await.unwrap() == 1
        })
        .await;
        // Now each waits for the other, until one of them is ended.
        sqlx::query(touch).bind("公司0").execute(&mut *other).await.unwrap();
        other.commit().await.unwrap();
    };
    let (accepted, ()) = tokio::join!(accepting, losing);
    accepted.unwrap();
    let renamed = "SELECT count(*) FROM companies WHERE name LIKE '乙%' AND last_reason = 'touched'";
    assert_eq!(sqlx::query_scalar::<_, i64>(renamed).fetch_one(&pool).await.unwrap(), 2);
}
