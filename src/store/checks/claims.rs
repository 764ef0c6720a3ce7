//! Claims: companies are taken by advisory locks on the connection that will commit their transactions (design 5).
//!
//! Ownership does what a lease would: [`Claims`] own their connection, so one that is dropped on an error or with its process
//! closes it, and the server frees the locks. After any error of the database they are to be dropped.

use sqlx::Connection as _;
use sqlx::postgres::PgConnection;

use crate::store::companies::CompanyId;
use crate::store::error::{StoreError, during};

/// Companies claimed by one statement.
pub const BATCH_COMPANIES_MAX: usize = 256;

/// The first half of our locks tells them from those of other users of the database, and companies from recipients: "qw" and
/// a letter. Two that share a second half wait for each other, which is slow, never wrong.
const COMPANIES: i32 = 0x71_77_63;

/// A connection that holds claims. Nobody else can check or judge its companies, or send to its recipient, while it lives.
#[derive(Debug)]
pub struct Claims {
    connection: PgConnection,
}

impl Claims {
    pub(in crate::store) fn new(connection: PgConnection) -> Self {
        Self { connection }
    }

    /// The connection that holds the locks: what is written for whoever is claimed is written through it.
    pub(in crate::store) fn connection(&mut self) -> &mut PgConnection {
        &mut self.connection
    }

    /// Takes those of the companies that no other process has, and says which. Never waits. What is read of them is to be
    /// read by a later statement: the snapshot of this one may be older than its locks.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn take(&mut self, companies: &[CompanyId]) -> Result<Vec<CompanyId>, StoreError> {
        let (ids, keys) = ids_and_keys(companies);
        let ours = sqlx::query_scalar!(
            r#"SELECT wanted.id AS "id!"
               FROM UNNEST($2::bigint[], $3::int[]) AS wanted (id, lock_key)
               WHERE pg_try_advisory_lock($1, wanted.lock_key)"#,
            COMPANIES,
            &ids,
            &keys
        )
        .fetch_all(&mut self.connection)
        .await
        .map_err(during("claiming companies"))?;
        Ok(ours.into_iter().map(CompanyId).collect())
    }

    /// Gives companies free.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn release(&mut self, companies: &[CompanyId]) -> Result<(), StoreError> {
        let (_, keys) = ids_and_keys(companies);
        sqlx::query_scalar!(
            r#"SELECT count(pg_advisory_unlock($1, held.lock_key)) AS "held!" FROM UNNEST($2::int[]) AS held (lock_key)"#,
            COMPANIES,
            &keys
        )
        .fetch_one(&mut self.connection)
        .await
        .map_err(during("releasing companies"))?;
        Ok(())
    }

    /// Tells the server that we are still there, while we wait for upstream or a mail server.
    ///
    /// # Errors
    /// When the connection, and with it every claim, has gone.
    pub async fn touch(&mut self) -> Result<(), StoreError> {
        self.connection.ping().await.map_err(during("keeping a claim"))
    }

    /// Gives everything free and closes the connection. In this order: the server frees the locks of a connection that has
    /// ended, but a moment later, and whoever wants the companies in it would find them taken.
    ///
    /// # Errors
    /// When the database fails; the connection is then closed, which frees them too.
    pub async fn close(mut self) -> Result<(), StoreError> {
        self.release_all().await?;
        // The server frees everything on its own when this fails.
        let _ = self.connection.close().await;
        Ok(())
    }

    pub(in crate::store) async fn release_all(&mut self) -> Result<(), StoreError> {
        sqlx::query!("SELECT pg_advisory_unlock_all()")
            .execute(&mut self.connection)
            .await
            .map_err(during("releasing what was claimed"))?;
        Ok(())
    }
}

fn ids_and_keys(companies: &[CompanyId]) -> (Vec<i64>, Vec<i32>) {
    companies.iter().map(|id| (id.0, id.lock_key())).unzip()
}
