//! Claims: companies, or a recipient's mail, are taken by advisory locks on the connection that will commit their
//! transactions (design 5).
//!
//! Ownership does what a lease would: a [`Batch`] and a [`RecipientClaim`] own their connection, so one that is dropped on
//! an error, a panic or a kill closes the connection, and the server frees the locks. Only `release` gives the connection
//! back. Companies are taken several at a time, for a statement each would cost as much as the check of a company in which
//! nothing changed.

use std::collections::BTreeSet;

use sqlx::Connection as _;
use sqlx::postgres::PgConnection;

use crate::store::companies::CompanyId;
use crate::store::error::{StoreError, during};
use crate::store::outbox::mailing::Recipient;

/// Companies claimed at once. Who holds them keeps others from them until the last one is done with, and waits for upstream
/// in between: so not many.
pub const BATCH_COMPANIES_MAX: usize = 8;

/// The first half of our locks tells them from those of other users of the database, and companies from recipients: "qw" and
/// a letter. Two that share a second half wait for each other, which is slow, never wrong.
const COMPANIES: i32 = 0x71_77_63;
const RECIPIENTS: i32 = 0x71_77_72;

/// A connection that holds no claim.
#[derive(Debug)]
pub struct Claims {
    connection: PgConnection,
}

/// Companies that nobody else can check or judge while this lives.
#[derive(Debug)]
pub struct Batch {
    connection: PgConnection,
    companies: BTreeSet<CompanyId>,
}

/// One company of a [`Batch`]: what is written for it is written on the connection that holds its lock.
#[derive(Debug)]
pub struct CompanyClaim<'b> {
    connection: &'b mut PgConnection,
    company: CompanyId,
}

/// A recipient to whom nobody else can send while this lives.
#[derive(Debug)]
pub struct RecipientClaim {
    connection: PgConnection,
    recipient: Recipient,
}

/// What came of asking for a recipient.
#[derive(Debug)]
pub enum Taken {
    /// It is ours.
    Claimed(RecipientClaim),
    /// Another process has it.
    Busy(Claims),
}

impl Claims {
    pub(in crate::store) fn new(connection: PgConnection) -> Self {
        Self { connection }
    }

    /// Takes those of the companies that no other process has, in one statement. Never waits.
    ///
    /// # Errors
    /// When the database fails; the connection is then closed.
    pub async fn take_companies(mut self, companies: &[CompanyId]) -> Result<Batch, StoreError> {
        let ids: Vec<i64> = companies.iter().map(|id| id.0).collect();
        let keys: Vec<i32> = companies.iter().map(|id| id.lock_key()).collect();
        let rows = sqlx::query!(
            r#"SELECT wanted.id AS "id!", pg_try_advisory_lock($1, wanted.lock_key) AS "ours!"
               FROM UNNEST($2::bigint[], $3::int[]) AS wanted (id, lock_key)"#,
            COMPANIES,
            &ids,
            &keys
        )
        .fetch_all(&mut self.connection)
        .await
        .map_err(during("claiming companies"))?;
        let companies = rows.into_iter().filter(|row| row.ours).map(|row| CompanyId(row.id)).collect();
        Ok(Batch { connection: self.connection, companies })
    }

    /// Takes the recipient, unless another process has it. Never waits.
    ///
    /// # Errors
    /// When the database fails; the connection is then closed.
    pub async fn take_recipient(mut self, recipient: Recipient) -> Result<Taken, StoreError> {
        let ours = sqlx::query_scalar!(
            r#"SELECT pg_try_advisory_lock($1, $2) AS "ours!""#,
            RECIPIENTS,
            recipient.lock_key()
        )
        .fetch_one(&mut self.connection)
        .await
        .map_err(during("claiming a recipient"))?;
        let Self { connection } = self;
        Ok(if ours {
            Taken::Claimed(RecipientClaim { connection, recipient })
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

impl Batch {
    /// The companies that are ours.
    #[must_use]
    pub fn companies(&self) -> Vec<CompanyId> {
        self.companies.iter().copied().collect()
    }

    /// One of them; `None` when another process has it.
    pub fn claim(&mut self, company: CompanyId) -> Option<CompanyClaim<'_>> {
        let ours = self.companies.contains(&company);
        ours.then_some(CompanyClaim { connection: &mut self.connection, company })
    }

    pub(in crate::store) fn connection(&mut self) -> &mut PgConnection {
        &mut self.connection
    }

    /// Gives the companies free.
    ///
    /// # Errors
    /// When the database fails; the connection is then closed, which frees them too.
    pub async fn release(self) -> Result<Claims, StoreError> {
        free(self.connection).await
    }
}

impl CompanyClaim<'_> {
    /// The company that is claimed.
    #[must_use]
    pub fn company(&self) -> CompanyId {
        self.company
    }

    pub(in crate::store) fn connection(&mut self) -> &mut PgConnection {
        self.connection
    }

    /// Tells the server that we are still there, while we wait for upstream.
    ///
    /// # Errors
    /// When the connection, and with it the claim, has gone.
    pub async fn touch(&mut self) -> Result<(), StoreError> {
        touch(self.connection).await
    }
}

impl RecipientClaim {
    /// The recipient that is claimed.
    #[must_use]
    pub fn recipient(&self) -> &Recipient {
        &self.recipient
    }

    /// The connection that holds the lock: what is written for the recipient is written through it.
    pub(in crate::store) fn connection(&mut self) -> &mut PgConnection {
        &mut self.connection
    }

    /// Tells the server that we are still there, while we wait for a mail server.
    ///
    /// # Errors
    /// When the connection, and with it the claim, has gone.
    pub async fn touch(&mut self) -> Result<(), StoreError> {
        touch(&mut self.connection).await
    }

    /// Gives the recipient free.
    ///
    /// # Errors
    /// When the database fails; the connection is then closed, which frees it too.
    pub async fn release(self) -> Result<Claims, StoreError> {
        free(self.connection).await
    }
}

async fn touch(connection: &mut PgConnection) -> Result<(), StoreError> {
    connection.ping().await.map_err(during("keeping a claim"))
}

/// Every lock of the connection is one of its only claim or batch.
async fn free(mut connection: PgConnection) -> Result<Claims, StoreError> {
    sqlx::query!("SELECT pg_advisory_unlock_all()")
        .execute(&mut connection)
        .await
        .map_err(during("releasing what was claimed"))?;
    Ok(Claims { connection })
}
