//! What can go wrong with the database.

use std::borrow::Cow;
use std::io::ErrorKind;

use sqlx::migrate::MigrateError;

use crate::domain::trouble_cause::DatabaseFault;

/// A database operation that failed. `Display` says what was being done; the cause is its source.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A statement or a transaction failed.
    #[error("{doing}")]
    Database {
        /// What was being done.
        doing: &'static str,
        /// What the database said.
        #[source]
        source: sqlx::Error,
    },
    /// Neither an answer nor an error came: its machine has lost its power, or something between has forgotten us.
    #[error("the database has not answered for very long")]
    Silent,
    /// Several of our connections lead to one session.
    #[error("the address leads to a pooler that lends a session of the server for one transaction only")]
    SharedSession,
    /// The database cannot hold every name.
    #[error(
        "the encoding of the database is {encoding}, which cannot hold every name of a company or an authority"
    )]
    Encoding {
        /// Its encoding.
        encoding: String,
    },
    /// The server is older than what we are made for.
    #[error("the server is PostgreSQL {version}; 14 to 18 is needed")]
    OldServer {
        /// Its version.
        version: String,
    },
    /// The migrations could not be applied.
    #[error("bringing the database to this version's layout")]
    Migrate(#[source] MigrateError),
    /// A row holds what this version cannot read.
    #[error("reading {table}.{column} of row {id}")]
    Unreadable {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The row.
        id: String,
        /// What was wrong with it.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A statement that must touch `expected` rows touched another number.
    #[error("{doing}: {touched} rows instead of {expected}")]
    Rows {
        /// What was being done.
        doing: &'static str,
        /// Rows it must touch.
        expected: u64,
        /// Rows it touched.
        touched: u64,
    },
}

/// That `doing` touched as many rows as it must.
pub(in crate::store) fn must_touch(
    doing: &'static str,
    touched: u64,
    expected: usize,
) -> Result<(), StoreError> {
    let expected = expected as u64;
    if touched == expected { Ok(()) } else { Err(StoreError::Rows { doing, expected, touched }) }
}

/// How often what lost against another transaction is done in all.
pub(in crate::store) const ATTEMPTS_MAX: usize = 10;

/// Does a transaction, and does it again where it lost against another one: nothing of it is stored then. What it was made of (a paid
/// answer, what a mail server said) is not asked for again. A macro, for a function over closures that borrow and wait cannot
/// promise to be `Send`.
macro_rules! unless_lost {
    ($attempt:expr) => {{
        let mut attempts = 1;
        loop {
            let done: Result<_, $crate::store::error::StoreError> = $attempt.await;
            match done {
                Err(error)
                    if error.is_of_a_lost_transaction() && attempts < $crate::store::error::ATTEMPTS_MAX =>
                {
                    attempts += 1;
                }
                done => break done,
            }
        }
    }};
}
pub(in crate::store) use unless_lost;

impl StoreError {
    /// Whether the database itself is what is wrong, so that the next statement would fail as well: no paid call may be
    /// made whose answer could not be stored. Otherwise only what was being done has failed.
    #[must_use]
    pub fn is_of_the_database(&self) -> bool {
        match self {
            Self::Database { source, .. } => is_of_the_database(source),
            Self::Migrate(_)
            | Self::Silent
            | Self::SharedSession
            | Self::Encoding { .. }
            | Self::OldServer { .. } => true,
            Self::Unreadable { .. } | Self::Rows { .. } => false,
        }
    }
}

impl StoreError {
    /// The SQLSTATE, where the server refused.
    fn sqlstate(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Database { source: sqlx::Error::Database(refused), .. } => refused.code(),
            _ => None,
        }
    }

    /// Whether the transaction lost against another one (SQLSTATE class 40: serialisation, deadlock): nothing of it is
    /// stored, and the same again may well succeed.
    #[must_use]
    pub fn is_of_a_lost_transaction(&self) -> bool {
        self.sqlstate().is_some_and(|code| code.starts_with("40"))
    }

    /// Whether the server, or our role, has no connection left for us (SQLSTATE 53300, `too_many_connections`).
    #[must_use]
    pub fn is_of_too_many_connections(&self) -> bool {
        self.sqlstate().is_some_and(|code| code == "53300")
    }

    /// Whether the server is not there yet, or not ready: nobody listens, 57P03 (`cannot_connect_now`), or no room for us.
    pub(in crate::store) fn is_of_a_server_that_starts(&self) -> bool {
        match self {
            Self::Database { source: sqlx::Error::Io(error), .. } => {
                error.kind() == ErrorKind::ConnectionRefused
            }
            _ => self.sqlstate().is_some_and(|code| code == "57P03" || code == "53300"),
        }
    }

    /// Whether a table is closed to us (SQLSTATE 42501) or has no such column (42703).
    pub(in crate::store) fn is_of_a_foreign_table(&self) -> bool {
        self.sqlstate().is_some_and(|code| code == "42501" || code == "42703")
    }

    /// Whether a statement that we have prepared is not there, or one of somebody else is (SQLSTATE 26000, 42P05): the session is
    /// not ours alone.
    fn is_of_a_shared_session(&self) -> bool {
        matches!(self, Self::SharedSession)
            || self.sqlstate().is_some_and(|code| code == "26000" || code == "42P05")
    }

    /// What a person can do about it, where it is not plain from the message and its source.
    #[must_use]
    pub fn advice(&self) -> Option<&'static str> {
        Some(match self {
            shared if shared.is_of_a_shared_session() => {
                "give the address of the server itself, or set the pooler to lend sessions (PgBouncer: pool_mode = session for this \
                 database)"
            }
            Self::Encoding { .. } => {
                "make a new database with CREATE DATABASE qualwatch ENCODING 'UTF8' TEMPLATE template0 and give its address; \
                 nothing was touched in this one"
            }
            Self::OldServer { .. } => "give the address of a newer server, or leave it out for a private one",
            _ => return None,
        })
    }

    /// How the database fails, for words in any language.
    #[must_use]
    pub fn fault(&self) -> DatabaseFault {
        match self {
            shared if shared.is_of_a_shared_session() => DatabaseFault::SharedSession,
            Self::Database { source, .. }
            | Self::Migrate(MigrateError::Execute(source) | MigrateError::ExecuteMigration(source, _)) => {
                fault_of(source)
            }
            Self::Silent => DatabaseFault::Silent,
            Self::Encoding { encoding } => DatabaseFault::Encoding { encoding: encoding.clone() },
            Self::OldServer { version } => DatabaseFault::OldServer { version: version.clone() },
            Self::Migrate(_) => DatabaseFault::OtherLayout,
            Self::SharedSession | Self::Unreadable { .. } | Self::Rows { .. } => {
                DatabaseFault::Other { code: None }
            }
        }
    }

    /// Whether another company of the file has got the same prefix meanwhile: of two that are stored at once only one can.
    #[must_use]
    pub fn is_of_a_taken_prefix(&self) -> bool {
        let Self::Database { source: sqlx::Error::Database(refused), .. } = self else { return false };
        refused.constraint() == Some("companies_prefix_is_one_company")
    }
}

/// SQLSTATE classes (PostgreSQL, appendix A): 08 connection, 25 transaction state (read-only), 53 resources (disk full),
/// 57 operator intervention (shut down), 58 system, XX internal. 3D and 28: no such database, refused.
fn is_of_the_database(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(refused) => refused.code().is_some_and(|code| {
            ["08", "25", "28", "3D", "53", "57", "58", "XX"].iter().any(|class| code.starts_with(class))
        }),
        sqlx::Error::ColumnDecode { .. }
        | sqlx::Error::Decode(_)
        | sqlx::Error::Encode(_)
        | sqlx::Error::RowNotFound => false,
        _ => true,
    }
}

/// The SQLSTATEs of PostgreSQL, appendix A. 08: the connection; 28: who logs in.
fn fault_of(error: &sqlx::Error) -> DatabaseFault {
    let refused = match error {
        sqlx::Error::Database(refused) => refused,
        sqlx::Error::Io(error) if error.kind() == ErrorKind::TimedOut => return DatabaseFault::Silent,
        // The pool tries again to connect until its time is up.
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => {
            return DatabaseFault::Away;
        }
        sqlx::Error::Tls(_) => return DatabaseFault::NoTls,
        _ => return DatabaseFault::Other { code: None },
    };
    let code = refused.code().unwrap_or_default();
    match code.as_ref() {
        "25006" => DatabaseFault::ReadOnly,
        "42501" => DatabaseFault::NoPermission,
        "53100" => DatabaseFault::DiskFull,
        "53200" => DatabaseFault::OutOfMemory,
        "53300" => DatabaseFault::NoConnectionLeft,
        "57P01" | "57P02" | "57P03" => DatabaseFault::NotReady,
        "42703" | "42P01" => DatabaseFault::OtherLayout,
        code if code.starts_with("08") => DatabaseFault::Away,
        code if code.starts_with("28") => DatabaseFault::LoginRefused,
        code if code.starts_with("3D") => DatabaseFault::NoSuchDatabase,
        code => DatabaseFault::Other { code: Some(code.to_owned()).filter(|code| !code.is_empty()) },
    }
}

/// Names what was being done when sqlx failed.
pub(crate) fn during(doing: &'static str) -> impl FnOnce(sqlx::Error) -> StoreError {
    move |source| StoreError::Database { doing, source }
}
