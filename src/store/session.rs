//! A session as our statements need it, whatever its role or database sets and whatever stands between us and the server.
//!
//! **Set after connecting, and not in the first message**: of that a pooler such as `PgBouncer` refuses what it does not know. One
//! statement in the simple protocol is one round trip.
//!
//! **A session has one owner.** Claims live in it, and with them the right to commit (design 5). A pooler that lends a session for one
//! transaction makes several of our connections one session; it is known by our mark, which is there before we set it. A session
//! of a server's own is new, and one that a pooler lends as a whole was cleared before (`PgBouncer`: `server_reset_query`).

use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgConnection};

use super::error::{StoreError, during};

/// The first version with `idle_session_timeout`, without which a stopped process keeps its claims (design 5).
const OLDEST_SERVER: i32 = 140_000;

/// What a session is set to, as far as the server's version knows it. A role that may only read by a setting of its own is one that
/// was not made for us; a database or a server that is read-only was made so for a while (a failover, a full disk) and is respected.
macro_rules! settings {
    ($more:literal) => {
        concat!(
            "SET LOCAL statement_timeout = 0;
             SELECT set_config(wanted.name, wanted.value, false)
             FROM (VALUES
                 ('search_path', 'public'),
                 ('default_transaction_isolation', 'read committed'),
                 ('default_transaction_deferrable', 'off'),
                 ('default_transaction_read_only', 'off'),
                 ('statement_timeout', '0'),
                 ('lock_timeout', '0'),
                 ('transaction_timeout', '0'),
                 -- Not covered by that of idle sessions: a stopped process may have stopped in a transaction.
                 ('idle_in_transaction_session_timeout', '5min'),
                 ('timezone', 'UTC'),
                 ('datestyle', 'ISO, MDY'),
                 ('intervalstyle', 'postgres'),
                 ('bytea_output', 'hex'),
                 ('extra_float_digits', '1'),
                 ('standard_conforming_strings', 'on'),
                 ('transform_null_equals', 'off'),
                 ('tcp_keepalives_idle', '60'),
                 ('qualwatch.session', 'taken'),
                 ",
            $more,
            "
             ) AS wanted (name, value)
             LEFT JOIN pg_settings AS known ON lower(known.name) = wanted.name
             WHERE coalesce(current_setting('qualwatch.session', true), '') = ''
               AND CASE wanted.name
                   WHEN 'qualwatch.session' THEN true
                   WHEN 'default_transaction_read_only' THEN known.source IN ('user', 'database user')
                   WHEN 'default_toast_compression' THEN wanted.value = ANY (known.enumvals)
                   ELSE known.name IS NOT NULL
                   END"
        )
    };
}

/// What a session is opened for, and is set to beside what all are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SessionKind {
    /// Reads and transactions that need no claim. The pool ends it when it is idle.
    Pooled,
    /// The claim of a recipient. One that says nothing for five minutes has a stopped process behind it: the server ends it, and
    /// the locks with it.
    Claim,
    /// The claims of companies. All that a lane does names its companies, so it goes by indexes. Planned for each list anew, the first
    /// lists are joined by reading all companies; planned once, it may be for empty tables, and kept while a first sweep fills them.
    /// What it stores is mostly answers and events of some 2 kB, and compressing them by the stock method is a good part of what
    /// that costs; not every server was built with the other.
    Lane,
}

impl SessionKind {
    fn settings(self) -> &'static str {
        match self {
            Self::Pooled => settings!("('idle_session_timeout', '0')"),
            Self::Claim => settings!("('idle_session_timeout', '5min')"),
            Self::Lane => settings!(
                "('idle_session_timeout', '5min'),
                 ('default_toast_compression', 'lz4'),
                 ('plan_cache_mode', 'force_generic_plan'),
                 ('enable_seqscan', 'off'),
                 ('enable_hashjoin', 'off'),
                 ('enable_mergejoin', 'off')"
            ),
        }
    }

    /// Sets a connection that was just opened.
    ///
    /// # Errors
    /// The database fails, or the session is somebody else's as well.
    pub(super) async fn begin(self, connection: &mut PgConnection) -> Result<(), StoreError> {
        // Checked when it runs for the first time: the macros know no statement of the simple protocol.
        let set = sqlx::raw_sql(self.settings()).fetch_all(connection).await;
        let set = set.map_err(during("setting up a session"))?;
        if set.is_empty() { Err(StoreError::SharedSession) } else { Ok(()) }
    }

    /// A connection of its own.
    ///
    /// # Errors
    /// As [`Self::begin`], and those of connecting.
    pub(super) async fn open(
        self,
        options: &PgConnectOptions,
        doing: &'static str,
    ) -> Result<PgConnection, StoreError> {
        let mut connection = options.connect().await.map_err(during(doing))?;
        self.begin(&mut connection).await?;
        Ok(connection)
    }
}

/// The address without what a pooler may refuse in the first message.
pub(super) fn plain(options: PgConnectOptions) -> PgConnectOptions {
    options
        .application_name("qualwatch")
        .extra_float_digits(None)
        .log_statements(tracing::log::LevelFilter::Trace)
}

/// Makes sure that the database can hold what we store, and says how many connections our role may have in it; `None`: no limit of
/// theirs.
///
/// # Errors
/// The database fails, its encoding is not UTF8, or its server is too old.
pub(super) async fn look(connection: &mut PgConnection) -> Result<Option<i32>, StoreError> {
    let found = sqlx::query!(
        r#"SELECT current_setting('server_encoding') AS "encoding!",
                  current_setting('server_version_num')::int AS "version!",
                  current_setting('server_version') AS "version_text!",
                  -- Of the role that logged in, whatever role it then was given by a setting.
                  (SELECT least(nullif(rolconnlimit, -1), nullif(datconnlimit, -1))
                   FROM pg_roles, pg_database
                   WHERE rolname = session_user
                     AND datname = current_database()
                     AND NOT rolsuper) AS connections"#
    )
    .fetch_one(connection)
    .await
    .map_err(during("looking at the database"))?;
    if found.version < OLDEST_SERVER {
        return Err(StoreError::OldServer { version: found.version_text });
    }
    if found.encoding != "UTF8" {
        return Err(StoreError::Encoding { encoding: found.encoding });
    }
    Ok(found.connections)
}
