//! A PostgreSQL server of a scenario's own, which it may kill, make read-only, follow with a standby and replace by it. Kept as
//! the program keeps its private one, so that nothing is left behind however the test ends.

use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use qualwatch::private_postgres::{Options, PrivatePostgres, Purpose};
use qualwatch::store::Store;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};
use tempfile::TempDir;

use crate::support::database::launcher;
use crate::support::running::until;

pub const DATABASE: &str = "qualwatch";

pub struct Server {
    postgres: PrivatePostgres,
    /// Removed after it.
    _home: TempDir,
}

fn home() -> TempDir {
    let home = tempfile::Builder::new().prefix("qualwatch-rig-").tempdir().unwrap();
    // The account that runs the server passes through it.
    std::fs::set_permissions(home.path(), std::fs::Permissions::from_mode(0o711)).unwrap();
    home
}

/// Durable, as an operator's.
fn options() -> Options {
    Options { launcher: Some(launcher()), ..Options::new(Purpose::Service) }
}

impl Server {
    /// A running one with an empty database of this version's layout.
    pub async fn start() -> Self {
        let home = home();
        let postgres =
            Box::pin(PrivatePostgres::start(&home.path().join("state"), &options())).await.unwrap();
        let server = Self { postgres, _home: home };
        Store::open_and_migrate(server.options()).await.unwrap().close().await;
        server
    }

    /// A standby that streams from this one, whom it reaches at this port of 127.0.0.1.
    pub async fn standby(&self, port: u16) -> Self {
        let home = home();
        let state = home.path().join("state");
        std::fs::create_dir(&state).unwrap();
        let owner = std::os::unix::fs::MetadataExt::uid(&self.data_dir().metadata().unwrap());
        let group = std::os::unix::fs::MetadataExt::gid(&self.data_dir().metadata().unwrap());
        chown(&state, Some(owner), Some(group)).unwrap();
        let mut copying = Command::new(self.postgres.bin_dir().unwrap().join("pg_basebackup"));
        let connection = format!("host=127.0.0.1 port={port} user=qualwatch sslmode=disable");
        copying
            .arg("-d")
            .arg(connection)
            .arg("-D")
            .arg(state.join("postgres"))
            .args(["-R", "-X", "stream", "-c", "fast"]);
        copying.current_dir("/").env_clear().uid(owner).gid(group);
        let copied = tokio::process::Command::from(copying).output().await.unwrap();
        assert!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stderr));
        let postgres = Box::pin(PrivatePostgres::open(&state, &options())).await.unwrap().unwrap();
        Self { postgres, _home: home }
    }

    /// The standby becomes a primary of its own.
    pub async fn promote(&self) {
        let promoted: bool = self.ask("SELECT pg_promote(true, 60)").await;
        assert!(promoted);
    }

    pub fn data_dir(&self) -> &Path {
        self.postgres.data_dir()
    }

    pub fn socket_dir(&self) -> &Path {
        self.postgres.socket_dir()
    }

    pub fn options(&self) -> PgConnectOptions {
        self.postgres.connect_options()
    }

    pub fn url(&self) -> String {
        format!("postgres://qualwatch@localhost/{DATABASE}?host={}", self.socket_dir().display())
    }

    /// One statement, on a connection of its own.
    pub async fn order(&self, sql: &str) {
        let mut connection = self.options().application_name("the test").connect().await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }

    /// One value, on a connection of its own.
    pub async fn ask<T>(&self, sql: &str) -> T
    where
        T: Send + Unpin + for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
    {
        let mut connection = self.options().application_name("the test").connect().await.unwrap();
        let value =
            sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        value
    }

    /// A setting for all sessions, from now on also for those that are open.
    pub async fn set(&self, setting: &str) {
        self.order(&format!("ALTER SYSTEM SET {setting}")).await;
        self.order("SELECT pg_reload_conf()").await;
        let (name, value) = setting.split_once(" = ").unwrap();
        let shown = format!("SELECT current_setting('{name}')");
        // The server tells its sessions before it lets a new one in that goes by it.
        let goes_by_it =
            until("the server goes by it", || async { self.ask::<String>(&shown).await == value });
        Box::pin(goes_by_it).await;
    }

    /// The process of a session of the program.
    pub async fn a_back_end(&self) -> Pid {
        Pid::from_raw(
            self.ask("SELECT pid FROM pg_stat_activity WHERE application_name = 'qualwatch' LIMIT 1").await,
        )
    }

    /// The same, where there may be none.
    pub async fn some_back_end(&self) -> Option<Pid> {
        let pids: Vec<i32> = self.ask("SELECT coalesce(array_agg(pid), '{}') FROM pg_stat_activity WHERE application_name = 'qualwatch'").await;
        pids.first().copied().map(Pid::from_raw)
    }

    /// Ends the program's sessions, as an administrator does.
    pub async fn end_sessions(&self) {
        self.order(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'qualwatch'",
        )
        .await;
    }

    /// Whether it takes connections.
    pub async fn answers(&self) -> bool {
        self.options().connect().await.is_ok()
    }

    /// Its first process.
    pub fn postmaster(&self) -> Pid {
        postmaster(self.data_dir()).expect("it runs")
    }

    /// Kills its first process, and with it all of them.
    pub async fn kill(&self) {
        let killed = self.postmaster();
        let children = children(killed);
        kill(killed, Signal::SIGKILL).unwrap();
        until("the server's processes have gone", || async {
            !children.iter().any(|child| is_there(*child))
        })
        .await;
    }

    /// As its administrator would start it again.
    pub async fn start_again(&self) {
        self.postgres.revive().await.unwrap();
    }

    pub async fn stop(self) {
        self.postgres.stop().await.unwrap();
    }
}

/// The first process of the server that runs on this directory.
pub fn postmaster(data_dir: &Path) -> Option<Pid> {
    let text = std::fs::read_to_string(data_dir.join("postmaster.pid")).ok()?;
    text.lines().next()?.parse().ok().map(Pid::from_raw)
}

/// Who started this process.
pub fn parent(of: Pid) -> Option<Pid> {
    let status = std::fs::read_to_string(format!("/proc/{of}/status")).ok()?;
    let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"))?;
    parent.trim().parse().ok().map(Pid::from_raw)
}

/// The processes that this one started and that are still there.
pub fn children(of: Pid) -> Vec<Pid> {
    let names = std::fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().file_name());
    let all = names.filter_map(|name| name.to_str()?.parse().ok().map(Pid::from_raw));
    all.filter(|process| parent(*process) == Some(of)).collect()
}

/// Whether a process is there and no zombie.
pub fn is_there(pid: Pid) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"));
    status.is_ok_and(|status| !status.lines().any(|line| line.starts_with("State:") && line.contains('Z')))
}
