//! Opening the database.

use std::sync::Arc;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{Connection as _, Postgres};
use tokio::sync::Notify;

use super::checks::claims::Claims;
use super::error::{StoreError, during};
use super::session::{self, SessionKind};
use crate::clock::{pause, within};

/// The layout of this version, embedded at build time.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!();

/// How many connections a process may have, by what they are for. Mail has one more for the claim of its recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Share {
    /// For everything but claims.
    pool: u32,
    /// For the lanes of a sweep, whatever `concurrency` is.
    lanes: usize,
}

impl Share {
    const MOST: Self = Self { pool: 4, lanes: 4 };

    /// Of so many that the role may have in this database; `None`: no limit. It takes three.
    fn of(limit: Option<i32>) -> Self {
        let Some(limit) = limit.and_then(|limit| u32::try_from(limit).ok()) else { return Self::MOST };
        let pool = (limit.saturating_sub(1) / 2).clamp(1, Self::MOST.pool);
        let lanes = usize::try_from(limit.saturating_sub(1 + pool)).unwrap_or(usize::MAX);
        Self { pool, lanes: lanes.clamp(1, Self::MOST.lanes) }
    }
}

/// How long to wait for a free or a new connection. The pool asks a socket that refuses again and again until then, so this is
/// also how long it takes to notice that a private server has died.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

const CLOSED_WITHIN: Duration = Duration::from_secs(3);

const LOOK_FOR_ROOM_EVERY: Duration = Duration::from_millis(50);

/// What layout a database has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// None: it is nobody's.
    None,
    /// That of another program, which keeps its migrations in a table of the same name.
    Foreign,
    /// That of an older version: it must be migrated first.
    Older,
    /// This version's.
    Current,
    /// That of a newer version.
    Newer,
}

/// An open database.
#[derive(Debug, Clone)]
pub struct Store {
    pool: PgPool,
    options: PgConnectOptions,
    share: Share,
    watchlist: String,
}

impl Store {
    /// Opens the database and brings it to this version's layout.
    ///
    /// # Errors
    /// When the database cannot be reached or a migration fails.
    pub async fn open_and_migrate(options: PgConnectOptions) -> Result<Self, StoreError> {
        let store = Self::open(options).await?;
        store.migrate().await?;
        Ok(store)
    }

    /// Brings it to this version's layout. Several processes may do so at once: sqlx's migrator holds a lock while it works.
    ///
    /// # Errors
    /// When a migration fails.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        MIGRATIONS.run(&self.pool).await.map_err(StoreError::Migrate)
    }

    /// What layout it has.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn layout(&self) -> Result<Layout, StoreError> {
        let mut connection = self.pool.acquire().await.map_err(during("reading the database's layout"))?;
        layout(&mut connection).await
    }

    /// How large the database is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn bytes(&self) -> Result<u64, StoreError> {
        let size = sqlx::query_scalar!(r#"SELECT pg_database_size(current_database()) AS "size!""#);
        let size = size.fetch_one(&self.pool).await.map_err(during("reading the database's size"))?;
        Ok(size.unsigned_abs())
    }

    /// The major version of its server.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn server_major(&self) -> Result<u32, StoreError> {
        let connection = self.connection("reading the server's version").await?;
        Ok(connection.server_version_num().unwrap_or_default() / 10_000)
    }

    /// Settings of the server that are off, and without which a power failure may lose or spoil what was committed: then a mail
    /// may go twice or not at all. Our own servers for demo and tests say that they are to be thrown away.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn unsafe_settings(&self) -> Result<Vec<String>, StoreError> {
        sqlx::query_scalar!(
            r#"SELECT name AS "name!"
               FROM pg_settings
               WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit')
                 AND setting = 'off'
                 AND coalesce(current_setting('qualwatch.scratch', true), '') <> 'on'
               ORDER BY name"#
        )
        .fetch_all(&self.pool)
        .await
        .map_err(during("reading the server's settings"))
    }

    /// Opens the database as it is. Waits a while for a server that is just starting.
    ///
    /// # Errors
    /// When the database cannot be reached, or cannot hold what we store.
    pub async fn open(options: PgConnectOptions) -> Result<Self, StoreError> {
        let options = session::plain(options);
        let looked = retrying(StoreError::is_of_a_server_that_starts, || look(&options)).await;
        let (_, connections) = looked.unwrap_or_else(|| Err(timed_out()))?;
        Self::of(options, connections).await
    }

    /// Opens the database for a command that only reads: at once or not at all, unless only room is wanting; and tells what layout it
    /// has.
    ///
    /// # Errors
    /// When the database cannot be reached, or cannot hold what we store.
    pub async fn open_as_it_is(options: PgConnectOptions) -> Result<(Self, Layout), StoreError> {
        let options = session::plain(options);
        let looked = retrying(StoreError::is_of_too_many_connections, || look(&options)).await;
        let (layout, connections) = looked.unwrap_or_else(|| Err(timed_out()))?;
        Ok((Self::of(options, connections).await?, layout))
    }

    async fn of(options: PgConnectOptions, connections: Option<i32>) -> Result<Self, StoreError> {
        let share = Share::of(connections);
        let pool = pool(&options, share.pool).await?;
        Ok(Self { pool, options, share, watchlist: String::new() })
    }

    /// The same database for a process that obeys this watchlist: daemons of several files tell them apart by it.
    #[must_use]
    pub fn obeying(self, watchlist: String) -> Self {
        Self { watchlist, ..self }
    }

    /// Which watchlist this process obeys.
    #[must_use]
    pub fn watchlist(&self) -> &str {
        &self.watchlist
    }

    /// The pool, for reads and for transactions that need no claim.
    #[must_use]
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Opens a connection that will hold claims. Waits a while for room where there are as many as may be: one that was closed
    /// counts until its server process has ended.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn claims(&self) -> Result<Claims, StoreError> {
        self.claims_in(SessionKind::Claim).await
    }

    /// The same for claims of companies.
    ///
    /// # Errors
    /// As [`Self::claims`].
    pub async fn company_claims(&self) -> Result<Claims, StoreError> {
        self.claims_in(SessionKind::Lane).await
    }

    async fn claims_in(&self, session: SessionKind) -> Result<Claims, StoreError> {
        let attempt = || self.one_more_claims(session);
        match retrying(StoreError::is_of_too_many_connections, attempt).await {
            Some(opened) => opened,
            None => Box::pin(attempt()).await,
        }
    }

    async fn one_more_claims(&self, session: SessionKind) -> Result<Claims, StoreError> {
        let opened = session.open(&self.options, "connecting to the database for claims").await;
        opened.map(Claims::new)
    }

    /// Opens connections that will hold the claims of a sweep until there are as many as `wanted`, or as the server or our role
    /// allows; at least one.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn more_claims(&self, claims: &mut Vec<Claims>, wanted: usize) -> Result<(), StoreError> {
        if claims.is_empty() {
            claims.push(self.company_claims().await?);
        }
        while claims.len() < wanted.min(self.share.lanes) {
            match self.one_more_claims(SessionKind::Lane).await {
                Ok(more) => claims.push(more),
                Err(error) if error.is_of_too_many_connections() => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// A pooled connection, to be kept for many statements of one kind.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn connection(&self, doing: &'static str) -> Result<PoolConnection<Postgres>, StoreError> {
        self.pool.acquire().await.map_err(during(doing))
    }

    /// Whether somebody may keep a pooled connection, so that others still have one.
    #[must_use]
    pub fn can_spare_one(&self) -> bool {
        self.share.pool > 1
    }

    /// Closes every pooled connection and waits for that, but not for long. The pool waits for each that is on its way back: where the
    /// database has fallen silent ten seconds ([`answers`]), and a daemon was seen that waited for over a minute. The server frees what
    /// is left on its own.
    pub async fn close(self) {
        let _ = within(CLOSED_WITHIN, self.pool.close()).await;
    }
}

/// One look at a database, on a connection of its own, before anything is done with it: its layout, and how many connections our role
/// may have. It is marked as ours: a pooler that gives it to the next connection as it is gives itself away.
async fn look(options: &PgConnectOptions) -> Result<(Layout, Option<i32>), StoreError> {
    let mut connection = SessionKind::Pooled.open(options, "connecting to the database").await?;
    let connections = session::look(&mut connection).await?;
    let layout = layout(&mut connection).await?;
    // The server frees everything on its own when this fails.
    let _ = connection.close().await;
    Ok((layout, connections))
}

/// Tries again as long as it fails like this, for a while; `None`: for all that while it did.
async fn retrying<T, F: Future<Output = Result<T, StoreError>>>(
    like_this: fn(&StoreError) -> bool,
    attempt: impl Fn() -> F,
) -> Option<Result<T, StoreError>> {
    let attempts = Box::pin(async {
        loop {
            match attempt().await {
                Err(error) if like_this(&error) => pause(LOOK_FOR_ROOM_EVERY).await,
                done => return done,
            }
        }
    });
    within(ACQUIRE_TIMEOUT, attempts).await.ok()
}

fn timed_out() -> StoreError {
    during("connecting to the database")(sqlx::Error::PoolTimedOut)
}

async fn pool(options: &PgConnectOptions, connections_max: u32) -> Result<PgPool, StoreError> {
    // The pool tries again whatever is wrong with a connection; this will not change.
    let is_shared = Arc::new(Notify::new());
    let tell = Arc::clone(&is_shared);
    let pool = PgPoolOptions::new()
        .max_connections(connections_max)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .after_connect(move |connection, _| {
            let tell = Arc::clone(&tell);
            Box::pin(async move {
                let begun = SessionKind::Pooled.begin(connection).await;
                begun.map_err(|error| match error {
                    StoreError::Database { source, .. } => source,
                    error => {
                        tell.notify_one();
                        sqlx::Error::Configuration(error.into())
                    }
                })
            })
        })
        // Asked in place of the usual ping: one that works but cannot write any more leads to yesterday's primary.
        .test_before_acquire(false)
        .before_acquire(|connection, _| Box::pin(async move { Ok(can_write(connection).await) }))
        // The pool's own test at a connection's return has no time limit, and one that waits for ever keeps its place.
        .after_release(|connection, _| Box::pin(async move { Ok(answers(connection).await) }))
        .connect_with(options.clone());
    tokio::select! {
        opened = pool => opened.map_err(during("connecting to the database")),
        () = is_shared.notified() => Err(StoreError::SharedSession),
    }
}

/// Whether a pooled connection lives, and leads to a server that can be written to. After a failover an open one may stay with
/// the old primary, which refuses every write (SQLSTATE 25006) for as long as it is used; a new one finds the new primary.
async fn can_write(connection: &mut PgConnection) -> bool {
    let setting = sqlx::query_scalar::<_, String>("SHOW transaction_read_only");
    setting.fetch_one(connection).await.is_ok_and(|setting| setting == "off")
}

/// Whether a connection that was given back, perhaps in the middle of a statement, is ready for the next.
async fn answers(connection: &mut PgConnection) -> bool {
    within(ACQUIRE_TIMEOUT, connection.ping()).await.is_ok_and(|answer| answer.is_ok())
}

async fn layout(connection: &mut PgConnection) -> Result<Layout, StoreError> {
    let doing = "reading the database's layout";
    // Neither is checked at build time: the table is the migrator's own and comes with the first migration it runs.
    let is_there: bool = sqlx::query_scalar("SELECT to_regclass('public._sqlx_migrations') IS NOT NULL")
        .fetch_one(&mut *connection)
        .await
        .map_err(during(doing))?;
    let Some(first) = MIGRATIONS.iter().next().filter(|_| is_there) else { return Ok(Layout::None) };
    let newest = MIGRATIONS.iter().map(|migration| migration.version).max();
    let applied: Result<(Option<i64>, Option<bool>), sqlx::Error> = sqlx::query_as(
        "SELECT max(version), bool_or(version = $1 AND checksum = $2) FROM public._sqlx_migrations WHERE success",
    )
    .bind(first.version)
    .bind(first.checksum.as_ref())
    .fetch_one(connection)
    .await;
    Ok(match applied.map_err(during(doing)) {
        Ok((None, _)) => Layout::None,
        Ok((_, Some(false) | None)) => Layout::Foreign,
        Ok((applied, _)) if applied < newest => Layout::Older,
        Ok((applied, _)) if applied == newest => Layout::Current,
        Ok(_) => Layout::Newer,
        // Closed to us, or of another shape.
        Err(error) if error.is_of_a_foreign_table() => Layout::Foreign,
        Err(error) => return Err(error),
    })
}
