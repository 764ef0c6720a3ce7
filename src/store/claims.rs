//! Claims: a company is taken by an advisory lock on the connection that will commit its transaction (design 5).
//!
//! Ownership does what a lease would: a [`Claim`] owns its connection, so a claim that is dropped on an error, a panic or
//! a kill closes the connection, and the server frees the lock. Only [`Claim::release`] gives the connection back.

use sqlx::Connection as _;
use sqlx::postgres::PgConnection;

use super::companies::CompanyId;
use super::error::{StoreError, during};

/// Tells our locks from those of other users of the database: "qw" and a letter for companies.
const COMPANY_LOCKS: i32 = 0x71_77_63;

/// A connection that holds no claim.
#[derive(Debug)]
pub struct Claims {
    connection: PgConnection,
}

/// A company that nobody else can check or judge while this lives.
#[derive(Debug)]
pub struct Claim {
    connection: PgConnection,
    company: CompanyId,
}

/// What came of asking for a claim.
#[derive(Debug)]
pub enum Taken {
    /// It is ours.
    Claimed(Claim),
    /// Another process has it.
    Busy(Claims),
}

impl Claims {
    pub(super) fn new(connection: PgConnection) -> Self {
        Self { connection }
    }

    /// Takes the company, unless another process has it. Never waits.
    ///
    /// # Errors
    /// When the database fails; the connection is then closed.
    pub async fn take(mut self, company: CompanyId) -> Result<Taken, StoreError> {
        let ours = sqlx::query_scalar!(
            r#"SELECT pg_try_advisory_lock($1, $2) AS "ours!""#,
            COMPANY_LOCKS,
            company.lock_key()
        )
        .fetch_one(&mut self.connection)
        .await
        .map_err(during("claiming a company"))?;
        let Self { connection } = self;
        Ok(if ours { Taken::Claimed(Claim { connection, company }) } else { Taken::Busy(Self { connection }) })
    }

    /// Closes the connection politely.
    pub async fn close(self) {
        // The server frees everything on its own when this fails.
        let _ = self.connection.close().await;
    }
}

impl Claim {
    /// The company that is claimed.
    #[must_use]
    pub fn company(&self) -> CompanyId {
        self.company
    }

    /// The connection that holds the lock: what is written for the company is written through it.
    pub(super) fn connection(&mut self) -> &mut PgConnection {
        &mut self.connection
    }

    /// Tells the server that we are still there, between two waits for upstream.
    ///
    /// # Errors
    /// When the connection, and with it the claim, has gone.
    pub async fn touch(&mut self) -> Result<(), StoreError> {
        self.connection.ping().await.map_err(during("keeping a claim"))
    }

    /// Gives the company free.
    ///
    /// # Errors
    /// When the database fails; the connection is then closed, which frees it too.
    pub async fn release(mut self) -> Result<Claims, StoreError> {
        sqlx::query_scalar!(
            r#"SELECT pg_advisory_unlock($1, $2) AS "freed!""#,
            COMPANY_LOCKS,
            self.company.lock_key()
        )
        .fetch_one(&mut self.connection)
        .await
        .map_err(during("releasing a company"))?;
        Ok(Claims { connection: self.connection })
    }
}
