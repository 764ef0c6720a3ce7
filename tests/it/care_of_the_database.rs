//! What a start does to a database, and what it refuses to do.

use std::os::unix::fs::PermissionsExt as _;

use nix::sys::signal::Signal;
use serde_json::Value;
use sqlx::AssertSqlSafe;

use crate::support::database::TestDatabase;
use crate::support::program::Program;
use crate::support::running::Running;
use crate::support::scene::{DAYS, Scene};

const MARKER: &str = "state/database.served";

fn kinds(program: &Program) -> Vec<Value> {
    let checked = program.run(&["check", "--json"]);
    checked.json()["events"].as_array().unwrap().iter().map(|event| event["kind"].clone()).collect()
}

/// Fails, and says all of this.
fn refuses(program: &Program, arguments: &[&str], words: &[&str]) {
    let ran = program.run(arguments);
    assert_eq!(ran.code, Some(1), "{arguments:?}: {ran:?}");
    for word in words {
        assert!(ran.stderr.contains(word), "{arguments:?}: {word:?} in {}", ran.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_database_that_is_gone_is_no_beginning_and_a_backup_heals_it() {
    let scene = Scene::set().await;
    let program = scene.program().without("QUALWATCH_DATABASE_URL");
    std::fs::set_permissions(program.folder(), std::fs::Permissions::from_mode(0o711)).unwrap();
    assert_eq!(program.run(&["check"]).code, Some(0));
    assert_eq!(program.run(&["backup", "file"]).code, Some(0));
    let cluster = program.folder().join("state/postgres");
    std::fs::rename(&cluster, program.folder().join("state/lost")).unwrap();
    for command in [&["check"][..], &["run"]] {
        refuses(&program, command, &["is empty, but", "restore a backup", MARKER]);
    }
    for command in [&["list"][..], &["status"], &["backup", "another"]] {
        refuses(&program, command, &["has been served from", "restore a backup", MARKER]);
    }
    assert!(!cluster.exists(), "nothing was made in its place");
    assert_eq!(scene.sandbox.requests(), 4, "and nobody asked");
    assert_eq!(program.run(&["restore", "file"]).code, Some(0));
    assert_eq!(kinds(&program), [""; 0], "it goes on where it was");

    std::fs::rename(&cluster, program.folder().join("state/lost again")).unwrap();
    refuses(&program, &["check"], &[MARKER]);
    std::fs::remove_file(program.folder().join(MARKER)).unwrap();
    assert!(kinds(&program).contains(&"watching".into()), "anew, as it was asked for");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_database_behind_another_address_is_no_beginning_either() {
    let scene = Scene::set().await;
    let program = scene.program();
    assert_eq!(program.run(&["check"]).code, Some(0));
    assert_eq!(program.run(&["backup", "file"]).code, Some(0));
    let marker = std::fs::read_to_string(program.folder().join(MARKER)).unwrap();
    assert!(marker.contains("the database at"), "{marker}");
    let another = Box::pin(TestDatabase::empty()).await;
    let program = program.with("QUALWATCH_DATABASE_URL", another.url());
    for command in [&["check"][..], &["check", "--dry-run"], &["run"], &["status"]] {
        refuses(&program, command, &["is empty, but", marker.trim(), "restore a backup", MARKER]);
    }
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    let made: i64 = sqlx::query_scalar(tables).fetch_one(&another.pool().await).await.unwrap();
    assert_eq!(made, 0, "nothing was touched");
    assert_eq!(program.run(&["restore", "file"]).code, Some(0), "who moves on purpose is not in the way");
    assert_eq!(kinds(&program), [""; 0]);
    let moved = std::fs::read_to_string(program.folder().join(MARKER)).unwrap();
    assert_ne!(moved, marker, "the last one is remembered");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_program_refuses_a_newer_layout_and_says_what_to_do() {
    let scene = Scene::set().await;
    let program = scene.program();
    assert_eq!(program.run(&["check"]).code, Some(0));
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'of a later version', true, '', 0)",
    )
    .execute(&scene.pool)
    .await
    .unwrap();
    scene.at(DAYS[1]);
    let program = scene.now(program);
    for command in [
        &["run"][..],
        &["check"],
        &["check", "--dry-run"],
        &["status"],
        &["list"],
        &["backup", "file"],
        &["retry"],
    ] {
        refuses(
            &program,
            command,
            &["the layout of a newer version of qualwatch", "install that version again"],
        );
    }
    assert_eq!(scene.sandbox.requests(), 4, "nobody was asked");
    assert_eq!(program.files(), ["state", "watchlist.toml"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn four_daemons_that_start_together_make_the_tables_once() {
    let scene = Scene::set().await;
    let database = Box::pin(TestDatabase::empty()).await;
    let programs: Vec<Program> =
        (0..4).map(|_| scene.program().with("QUALWATCH_DATABASE_URL", database.url())).collect();
    let daemons: Vec<Running> = programs.iter().map(|program| Running::start(program, &["run"])).collect();
    for daemon in &daemons {
        daemon.logged("watching").await;
    }
    for daemon in daemons {
        let (code, log) = daemon.end(Signal::SIGTERM).await;
        assert_eq!(code, 0, "{log}");
        assert!(!log.contains("ERROR"), "{log}");
    }
    let pool = database.pool().await;
    let (applied, once): (i64, i64) =
        sqlx::query_as("SELECT count(*), count(DISTINCT version) FROM _sqlx_migrations WHERE success")
            .fetch_one(&pool)
            .await
            .unwrap();
    let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations")).unwrap().count();
    assert_eq!((applied, once), (i64::try_from(files).unwrap(), applied));
    let companies: i64 = sqlx::query_scalar("SELECT count(*) FROM companies").fetch_one(&pool).await.unwrap();
    assert_eq!(companies, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_may_lose_what_was_committed_is_warned_of_and_is_no_problem() {
    let scene = Scene::set().await;
    let program = scene.program();
    assert_eq!(program.run(&["check"]).code, Some(0));
    let said = |program: &Program| {
        program.run(&["status", "--json"]).json()["database"].as_str().unwrap().to_owned()
    };
    assert!(!said(&program).contains(" off"), "a server that is to be thrown away is not warned of");
    let name: String =
        sqlx::query_scalar("SELECT current_database()::text").fetch_one(&scene.pool).await.unwrap();
    // The tests' own server runs with all three off, and says that it is to be thrown away.
    sqlx::query(AssertSqlSafe(format!("ALTER DATABASE {name} SET qualwatch.scratch = off")))
        .execute(&scene.pool)
        .await
        .unwrap();
    let status = program.run(&["status", "--json"]);
    assert_eq!(status.code, Some(0), "no problem: {status:?}");
    assert!(
        said(&program).contains("runs with fsync, full_page_writes, synchronous_commit off"),
        "{status:?}"
    );
    let daemon = Running::start(&program, &["run"]);
    daemon.logged("watching").await;
    let (_, log) = daemon.end(Signal::SIGTERM).await;
    for setting in ["fsync", "full_page_writes", "synchronous_commit"] {
        let warned = log.lines().find(|line| line.contains(&format!("setting={setting}")));
        assert!(warned.is_some_and(|line| line.contains("WARN")), "{setting}: {log}");
    }
}
