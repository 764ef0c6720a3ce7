//! One private server a run, one migrated template, one clone of it a test. Nothing is left behind: the server's keeper
//! stops it and removes its directory when this process has ended, however it ends.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use qualwatch::private_postgres::{Options, PrivatePostgres, Purpose};
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};
use tokio::sync::OnceCell;

const TEMPLATE: &str = "template_of_tests";
/// Many tests run at once: their pools together stay below the server's `max_connections`.
const POOL_CONNECTIONS_MAX: u32 = 8;

static SERVER: OnceCell<PrivatePostgres> = OnceCell::const_new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// The program that keeps the private servers of tests.
pub fn launcher() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_qualwatch"))
}

/// The directory of the server's socket, once a test has a database.
pub fn socket_dir() -> &'static Path {
    SERVER.get().unwrap().socket_dir()
}

/// A migrated database of a test's own, gone at the end of the run.
pub struct TestDatabase {
    name: String,
    options: PgConnectOptions,
}

impl TestDatabase {
    pub async fn new() -> Self {
        Self::made("TEMPLATE template_of_tests").await
    }

    /// One that nobody has migrated.
    pub async fn empty() -> Self {
        Self::made("").await
    }

    async fn made(how: &str) -> Self {
        let server = SERVER.get_or_init(|| Box::pin(start_server())).await;
        let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
        let mut maintenance = server.connect_options().database("postgres").connect().await.unwrap();
        let create = format!("CREATE DATABASE {name} {how}");
        sqlx::query(AssertSqlSafe(create)).execute(&mut maintenance).await.unwrap();
        maintenance.close().await.unwrap();
        let options = server.connect_options().database(&name);
        Self { name, options }
    }

    /// How to reach it.
    pub fn options(&self) -> PgConnectOptions {
        self.options.clone()
    }

    /// The same as an address, for what is started as a program of its own.
    pub fn url(&self) -> String {
        format!("postgres://qualwatch@localhost/{}?host={}", self.name, socket_dir().display())
    }

    /// Removes it before the end of the run: for runs with very many.
    pub async fn drop(self) {
        let server = SERVER.get().unwrap();
        let mut maintenance = server.connect_options().database("postgres").connect().await.unwrap();
        let drop = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        sqlx::query(AssertSqlSafe(drop)).execute(&mut maintenance).await.unwrap();
        maintenance.close().await.unwrap();
    }

    /// A small pool of its own.
    pub async fn pool(&self) -> PgPool {
        let pool = PgPoolOptions::new().max_connections(POOL_CONNECTIONS_MAX);
        pool.connect_with(self.options()).await.unwrap()
    }
}

async fn start_server() -> PrivatePostgres {
    let state_dir = tempfile::Builder::new().prefix("qualwatch-tests-").tempdir().unwrap().keep();
    let options = Options { launcher: Some(launcher()), ..Options::new(Purpose::Disposable) };
    let server = PrivatePostgres::start(&state_dir, &options).await.unwrap();
    let mut maintenance = server.connect_options().database("postgres").connect().await.unwrap();
    let create = format!("CREATE DATABASE {TEMPLATE}");
    sqlx::query(AssertSqlSafe(create)).execute(&mut maintenance).await.unwrap();
    maintenance.close().await.unwrap();
    migrate(&server.connect_options().database(TEMPLATE)).await;
    server
}

/// A database with a connection cannot be a template: the one that migrates is closed.
async fn migrate(template: &PgConnectOptions) {
    let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    if !migrations.is_dir() {
        return;
    }
    let mut connection = template.connect().await.unwrap();
    Migrator::new(migrations).await.unwrap().run(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test]
async fn every_test_has_a_database_of_its_own() {
    let (one, two) = tokio::join!(TestDatabase::new(), TestDatabase::new());
    sqlx::query("CREATE TABLE only_here ()").execute(&one.pool().await).await.unwrap();
    let seen: Option<String> = sqlx::query_scalar("SELECT to_regclass('only_here')::text")
        .fetch_one(&two.pool().await)
        .await
        .unwrap();
    assert_eq!(seen, None);
    assert!(one.url().contains("host=/"));
}
