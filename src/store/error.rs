//! What can go wrong with the database.

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
    /// The migrations could not be applied.
    #[error("bringing the database to this version's layout")]
    Migrate(#[source] sqlx::migrate::MigrateError),
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

/// Names what was being done when sqlx failed.
pub(crate) fn during(doing: &'static str) -> impl FnOnce(sqlx::Error) -> StoreError {
    move |source| StoreError::Database { doing, source }
}
