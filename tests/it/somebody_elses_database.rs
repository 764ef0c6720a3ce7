//! A database of somebody else: what its administrator set, what stands before it, what was in it already.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use tempfile::TempDir;

use crate::support::database::{TestDatabase, socket_dir};
use crate::support::program::Program;
use crate::support::running::until;
use crate::support::scene::{DAYS, Scene};

/// Orders of the server's administrator.
async fn order(connection: &mut PgConnection, sql: &str) {
    connection.execute(sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))).await.unwrap();
}

async fn administrator(database: &TestDatabase) -> PgConnection {
    PgConnection::connect_with(&database.options()).await.unwrap()
}

/// An empty database and a role that owns it, both of that name; gives their address.
async fn made_for(name: &str, how: &str) -> String {
    let maintenance = Box::pin(TestDatabase::empty()).await;
    let mut administrator = administrator(&maintenance).await;
    order(&mut administrator, &format!("CREATE ROLE {name} LOGIN")).await;
    order(&mut administrator, &format!("CREATE DATABASE {name} OWNER {name} {how}")).await;
    administrator.close().await.unwrap();
    format!("postgres://{name}@localhost/{name}?host={}", socket_dir().display())
}

fn on(scene: &Scene, url: &str) -> Program {
    scene.program().with("QUALWATCH_DATABASE_URL", url)
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_set_for_the_role_changes_nothing() {
    let scene = Scene::set().await;
    for (n, (setting, why)) in [
        ("default_transaction_isolation = 'serializable'", "checks would lose against each other"),
        ("search_path = 'elsewhere, pg_catalog'", "the tables are in public"),
        ("default_transaction_read_only = on", "a role made for reports"),
        ("default_transaction_deferrable = on", "a transaction would wait for others"),
        ("statement_timeout = '20ms'", "hardly a session could be set up"),
        ("lock_timeout = '1ms'", "whoever waits for a lock fails"),
        ("idle_session_timeout = '50ms'", "a session that waits for the provider"),
        ("timezone = 'America/New_York'", "another day"),
        ("datestyle = 'SQL, DMY'", "the second of January would be the first of February"),
        ("bytea_output = 'escape'", "answers are bytes"),
        ("standard_conforming_strings = off", "a backslash in a text"),
        ("client_encoding = 'LATIN1'", "no Chinese name"),
        ("plan_cache_mode = 'force_custom_plan'", "only slower"),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("set_{n}");
        let url = made_for(&name, "").await;
        let mut administrator = administrator(&scene.database).await;
        order(&mut administrator, &format!("ALTER ROLE {name} SET {setting}")).await;
        let program = on(&scene, &url);
        for command in [&["check", "--json"][..], &["status"]] {
            let ran = program.run(command);
            assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{setting}, {why}: {ran:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encoding_that_cannot_hold_every_name_is_refused_before_anything_is_touched() {
    let scene = Scene::set().await;
    for (encoding, why) in [
        ("EUC_CN", "knows 6,763 characters, 堃 is none of them"),
        ("LATIN1", "no Chinese at all"),
        ("SQL_ASCII", "checks and converts nothing"),
        ("EUC_TW", "traditional characters only"),
    ] {
        let name = format!("encoded_{}", encoding.to_lowercase());
        let how = format!("ENCODING {encoding} TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'");
        let url = made_for(&name, &how).await;
        let program = on(&scene, &url);
        for command in [&["check"][..], &["run"], &["status"]] {
            let ran = program.run(command);
            assert_eq!(ran.code, Some(1), "{encoding}, {why}: {ran:?}");
            for words in [encoding, "CREATE DATABASE qualwatch ENCODING 'UTF8' TEMPLATE template0"] {
                assert!(ran.stderr.contains(words), "{words}: {ran:?}");
            }
        }
        let mut there = PgConnection::connect(&url).await.unwrap();
        let tables = sqlx::query_scalar("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'");
        let tables: i64 = tables.fetch_one(&mut there).await.unwrap();
        assert_eq!(tables, 0, "{encoding}");
    }
    assert_eq!(scene.sandbox.requests(), 0, "nobody was asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_programs_table_of_migrations_is_recognised() {
    let scene = Scene::set().await;
    for (n, (tables, why)) in [
        (
            "CREATE TABLE _sqlx_migrations AS
             SELECT 20240101000000 AS version, 'users' AS description, true AS success, '\\x01'::bytea AS checksum",
            "its versions look newer than ours",
        ),
        (
            "CREATE TABLE _sqlx_migrations AS
             SELECT 1::bigint AS version, 'users' AS description, true AS success, '\\x01'::bytea AS checksum",
            "its first looks like ours",
        ),
        ("CREATE TABLE _sqlx_migrations (name text)", "of another shape"),
        (
            "CREATE TABLE _sqlx_migrations (version bigint, success boolean, checksum bytea);
             REVOKE ALL ON _sqlx_migrations FROM foreign_3",
            "closed to us",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("foreign_{n}");
        let url = made_for(&name, "").await;
        let mut its_own = PgConnection::connect(&url).await.unwrap();
        order(&mut its_own, tables).await;
        for command in [&["check"][..], &["run"], &["status"], &["list"]] {
            let ran = on(&scene, &url).run(command);
            assert_eq!(ran.code, Some(1), "{why}: {ran:?}");
            assert!(ran.stderr.contains("belongs to another program"), "{why}: {ran:?}");
            assert!(ran.stderr.contains("make a database for qualwatch alone"), "{why}: {ran:?}");
        }
    }
    assert_eq!(scene.sandbox.requests(), 0, "nobody was asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_loses_against_another_transaction_is_done_again_and_paid_once() {
    for (table, of, why) in [
        ("call_days", "INSERT OR UPDATE", "the count of the calls"),
        ("companies", "UPDATE", "what became of a check"),
        ("certificates", "INSERT", "the certificates of a first answer"),
        ("observations", "INSERT", "the answer itself"),
        ("events", "INSERT", "what is told"),
        ("messages", "INSERT", "the bytes before they are sent"),
        ("messages", "UPDATE", "a mail that the server has taken"),
        ("deliveries", "UPDATE", "a mail that the server has taken, with its news"),
    ] {
        for code in ["40001", "40P01"] {
            let scene = Scene::set().await;
            let mut administrator = administrator(&scene.database).await;
            // A sequence is not rolled back: the first two times fail.
            let trigger = format!(
                "CREATE SEQUENCE lost;
                 CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS $$
                 BEGIN
                     IF nextval('lost') <= 2 THEN RAISE EXCEPTION 'lost' USING ERRCODE = '{code}'; END IF;
                     RETURN NULL;
                 END $$;
                 CREATE TRIGGER lose AFTER {of} ON {table} FOR EACH STATEMENT EXECUTE FUNCTION lose()"
            );
            order(&mut administrator, &trigger).await;
            let ran = scene.program().run(&["check", "--json"]);
            assert_eq!(ran.code, Some(0), "{code}, {why}: {ran:?}");
            assert_eq!(scene.sandbox.requests(), 4, "{code}, {why}: each answer is paid once");
            let lost: i64 =
                sqlx::query_scalar("SELECT last_value FROM lost").fetch_one(&scene.pool).await.unwrap();
            assert!(lost > 2, "{code}, {why}: it was never tried");
            let mails = scene.sink.mails().len();
            assert_eq!(mails, scene.letters().len(), "{code}, {why}: no mail goes twice");
            assert_eq!(mails, 2, "{code}, {why}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_shell_sets_for_sessions_of_postgresql_never_reaches_ours() {
    let scene = Scene::set().await;
    for (options, why) in [
        ("-c nonsense=1", "a server refuses what it does not know"),
        ("-c default_transaction_read_only=on -c statement_timeout=1ms", "a careful person's"),
        ("-c search_path=elsewhere", "another schema"),
    ] {
        let private = scene.program().without("QUALWATCH_DATABASE_URL");
        std::fs::set_permissions(private.folder(), std::fs::Permissions::from_mode(0o711)).unwrap();
        let private = private
            .with("PGHOST", "/nonexistent")
            .with("PGPORT", "1")
            .with("PGUSER", "nobody")
            .with("PGDATABASE", "elsewhere")
            .with("PGSSLMODE", "verify-full");
        for (program, place) in [(private, "the private server"), (scene.program(), "one of ours")] {
            let ran = program.with("PGOPTIONS", options).run(&["check", "--state-dir", "state"]);
            assert_eq!(ran.code, Some(0), "{options} ({why}), {place}: {ran:?}");
        }
    }
}

/// A real `PgBouncer` with its default settings before the tests' server.
struct Bouncer {
    process: std::process::Child,
    port: u16,
    _folder: TempDir,
}

impl Bouncer {
    /// `None` where it is not installed.
    async fn start(pool_mode: &str) -> Option<Self> {
        let program = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer"].into_iter();
        let Some(program) = program.map(std::path::Path::new).find(|path| path.is_file()) else {
            eprintln!("skipped: PgBouncer is not installed");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let settings = folder.path().join("pgbouncer.ini");
        std::fs::write(folder.path().join("users"), "\"qualwatch\" \"\"\n").unwrap();
        std::fs::write(
            &settings,
            format!(
                "[databases]\n* = host={} port=5432\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
                 auth_type = trust\nauth_file = {}/users\npool_mode = {pool_mode}\nunix_socket_dir =\n",
                socket_dir().display(),
                folder.path().display()
            ),
        )
        .unwrap();
        // It refuses to run as root, and only the server's account reaches its socket.
        let owner = socket_dir().metadata().unwrap();
        for path in [folder.path().to_owned(), folder.path().join("users"), settings.clone()] {
            chown(path, Some(owner.uid()), Some(owner.gid())).unwrap();
        }
        let mut command = Command::new(program);
        command.arg(&settings).stdout(Stdio::null()).stderr(Stdio::null()).uid(owner.uid()).gid(owner.gid());
        let process = command.spawn().unwrap();
        let bouncer = Self { process, port, _folder: folder };
        let listens = || async { tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() };
        until("PgBouncer listens", listens).await;
        Some(bouncer)
    }

    fn program(&self, scene: &Scene, database: &str) -> Program {
        on(scene, &format!("postgres://qualwatch@127.0.0.1:{}/{database}", self.port))
    }
}

impl Drop for Bouncer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

async fn name_of(scene: &Scene) -> String {
    sqlx::query_scalar("SELECT current_database()::text").fetch_one(&scene.pool).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pooler_that_lends_sessions_is_as_good_as_the_server() {
    let scene = Scene::set().await;
    let Some(bouncer) = Bouncer::start("session").await else { return };
    let program = bouncer.program(&scene, &name_of(&scene).await);
    for (n, day) in DAYS.into_iter().enumerate() {
        scene.at(day);
        let ran = scene.now(bouncer.program(&scene, &name_of(&scene).await)).run(&["check", "--json"]);
        assert!(ran.stderr.is_empty(), "{day}: {ran:?}");
        assert_eq!(scene.sandbox.requests(), 4 * (n as u64 + 1), "{day}: {ran:?}");
    }
    let ran = program.run(&["status"]);
    assert!(ran.stderr.is_empty(), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pooler_that_lends_transactions_is_refused_in_words() {
    let scene = Scene::set().await;
    for pool_mode in ["transaction", "statement"] {
        let Some(bouncer) = Bouncer::start(pool_mode).await else { return };
        let name = name_of(&scene).await;
        for command in [&["check"][..], &["run"], &["status"], &["check"]] {
            let ran = bouncer.program(&scene, &name).run(command);
            assert_eq!(ran.code, Some(1), "{pool_mode}: {ran:?}");
            assert!(ran.stderr.contains("lends a session of the server for one transaction"), "{ran:?}");
            assert!(ran.stderr.contains("pool_mode = session"), "{ran:?}");
        }
    }
    assert_eq!(scene.sandbox.requests(), 0, "nobody was asked");
}
