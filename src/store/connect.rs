//! Opening the database.

use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};

use super::claims::Claims;
use super::error::{StoreError, during};

/// The layout of this version, embedded at build time.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!();

/// Connections for everything but claims, which have connections of their own.
const POOL_CONNECTIONS_MAX: u32 = 4;

/// How long to wait for a free or a new connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(30);

/// A connection that holds locks and says nothing for this long has a stopped process behind it: the server ends it, and
/// the locks with it (design 5).
const IDLE_SESSION_TIMEOUT: &str = "5min";

/// An open database.
#[derive(Debug, Clone)]
pub struct Store {
    pool: PgPool,
    options: PgConnectOptions,
}

impl Store {
    /// Opens the database and brings it to this version's layout. Several processes may do so at once: sqlx's migrator
    /// holds a lock while it works.
    ///
    /// # Errors
    /// When the database cannot be reached or a migration fails.
    pub async fn open_and_migrate(options: PgConnectOptions) -> Result<Self, StoreError> {
        let store = Self::open(options).await?;
        MIGRATIONS.run(&store.pool).await.map_err(StoreError::Migrate)?;
        Ok(store)
    }

    /// Opens the database as it is: for commands that only read.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn open(options: PgConnectOptions) -> Result<Self, StoreError> {
        let options = options
            .application_name("qualwatch")
            // What a person's role or database sets must not change what our statements mean.
            .options([("search_path", "public"), ("timezone", "UTC"), ("tcp_keepalives_idle", "60")])
            .log_statements(tracing::log::LevelFilter::Trace);
        let pool = PgPoolOptions::new()
            .max_connections(POOL_CONNECTIONS_MAX)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_with(options.clone())
            .await
            .map_err(during("connecting to the database"))?;
        Ok(Self { pool, options })
    }

    /// The pool, for reads and for transactions that need no claim.
    #[must_use]
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Opens a connection that will hold claims.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn claims(&self) -> Result<Claims, StoreError> {
        let options = self.options.clone().options([("idle_session_timeout", IDLE_SESSION_TIMEOUT)]);
        let connection = options.connect().await.map_err(during("connecting to the database for claims"))?;
        Ok(Claims::new(connection))
    }

    /// Closes every pooled connection and waits for that.
    pub async fn close(self) {
        self.pool.close().await;
    }
}
