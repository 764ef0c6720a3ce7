//! Claims: a company, or a recipient's mail, is taken by an advisory lock on the connection that will commit its transaction
//! (design 5).
//!
//! Ownership does what a lease would: a [`Claim`] owns its connection, so a claim that is dropped on an error, a panic or
//! a kill closes the connection, and the server frees the lock. Only [`Claim::release`] gives the connection back.

use sqlx::Connection as _;
use sqlx::postgres::PgConnection;

use super::companies::CompanyId;
use super::error::{StoreError, during};
use super::mailing::Recipient;

/// What can be claimed.
pub trait Claimable {
    /// Tells our locks from those of other users of the database, and companies from recipients: "qw" and a letter.
    const CLASS: i32;

    /// The second half of its lock. Two that share one wait for each other, which is slow, never wrong.
    fn lock_key(&self) -> i32;
}

impl Claimable for CompanyId {
    const CLASS: i32 = 0x71_77_63;

    fn lock_key(&self) -> i32 {
        CompanyId::lock_key(*self)
    }
}

impl Claimable for Recipient {
    const CLASS: i32 = 0x71_77_72;

    fn lock_key(&self) -> i32 {
        Recipient::lock_key(self)
    }
}

/// A connection that holds no claim.
#[derive(Debug)]
pub struct Claims {
    connection: PgConnection,
}

/// A company that nobody else can check or judge while this lives; or a recipient to whom nobody else can send.
#[derive(Debug)]
pub struct Claim<T = CompanyId> {
    connection: PgConnection,
    subject: T,
}

/// What came of asking for a claim.
#[derive(Debug)]
pub enum Taken<T = CompanyId> {
    /// It is ours.
    Claimed(Claim<T>),
    /// Another process has it.
    Busy(Claims),
}

impl Claims {
    pub(super) fn new(connection: PgConnection) -> Self {
        Self { connection }
    }

    /// Takes the company or the recipient, unless another process has it. Never waits.
    ///
    /// # Errors
    /// When the database fails; the connection is then closed.
    pub async fn take<T: Claimable>(mut self, subject: T) -> Result<Taken<T>, StoreError> {
        let ours = sqlx::query_scalar!(
            r#"SELECT pg_try_advisory_lock($1, $2) AS "ours!""#,
            T::CLASS,
            subject.lock_key()
        )
        .fetch_one(&mut self.connection)
        .await
        .map_err(during("claiming a company or a recipient"))?;
        let Self { connection } = self;
        Ok(if ours {
            Taken::Claimed(Claim { connection, subject })
        } else {
            Taken::Busy(Self { connection })
        })
    }

    /// Closes the connection politely.
    pub async fn close(self) {
        // The server frees everything on its own when this fails.
        let _ = self.connection.close().await;
    }
}

impl Claim<CompanyId> {
    /// The company that is claimed.
    #[must_use]
    pub fn company(&self) -> CompanyId {
        self.subject
    }
}

impl Claim<Recipient> {
    /// The recipient that is claimed.
    #[must_use]
    pub fn recipient(&self) -> &Recipient {
        &self.subject
    }
}

impl<T: Claimable> Claim<T> {
    /// The connection that holds the lock: what is written for the company or the recipient is written through it.
    pub(super) fn connection(&mut self) -> &mut PgConnection {
        &mut self.connection
    }

    /// Tells the server that we are still there, between two waits for upstream or a mail server.
    ///
    /// # Errors
    /// When the connection, and with it the claim, has gone.
    pub async fn touch(&mut self) -> Result<(), StoreError> {
        self.connection.ping().await.map_err(during("keeping a claim"))
    }

    /// Gives the company or the recipient free.
    ///
    /// # Errors
    /// When the database fails; the connection is then closed, which frees it too.
    pub async fn release(mut self) -> Result<Claims, StoreError> {
        sqlx::query_scalar!(
            r#"SELECT pg_advisory_unlock($1, $2) AS "freed!""#,
            T::CLASS,
            self.subject.lock_key()
        )
        .fetch_one(&mut self.connection)
        .await
        .map_err(during("releasing a company or a recipient"))?;
        Ok(Claims { connection: self.connection })
    }
}
