//! Recipients: whose mail one process sends at a time, taken by an advisory lock on the connection that marks it (design 5).

use std::fmt;

use sha2::{Digest as _, Sha256};
use sqlx::postgres::PgConnection;

use crate::store::checks::claims::Claims;
use crate::store::error::{StoreError, during};

/// As `COMPANIES` of the companies' claims: "qw" and a letter.
const RECIPIENTS: i32 = 0x71_77_72;

/// An address in small letters: what rows, locks and the file know a recipient by, however it is spelt.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, sqlx::Type)]
#[sqlx(transparent)]
pub struct Recipient(pub(in crate::store) String);

impl Recipient {
    /// The recipient behind a spelling.
    #[must_use]
    pub fn new(address: &str) -> Self {
        Self(address.to_ascii_lowercase())
    }

    /// The folded address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same in every process and version: the standard library's hashes are not.
    fn lock_key(&self) -> i32 {
        let hash = Sha256::digest(self.0.as_bytes());
        hash.iter().take(4).fold(0, |key, &byte| key << 8 | i32::from(byte))
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A recipient to whom nobody else can send while this lives.
#[derive(Debug)]
pub struct RecipientClaim {
    claims: Claims,
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

/// Takes the recipient, unless another process has it. Never waits.
///
/// # Errors
/// When the database fails; the connection is then closed.
pub async fn take(mut claims: Claims, recipient: Recipient) -> Result<Taken, StoreError> {
    let ours = sqlx::query_scalar!(
        r#"SELECT pg_try_advisory_lock($1, $2) AS "ours!""#,
        RECIPIENTS,
        recipient.lock_key()
    )
    .fetch_one(claims.connection())
    .await
    .map_err(during("claiming a recipient"))?;
    Ok(if ours { Taken::Claimed(RecipientClaim { claims, recipient }) } else { Taken::Busy(claims) })
}

impl RecipientClaim {
    /// The recipient that is claimed.
    #[must_use]
    pub fn recipient(&self) -> &Recipient {
        &self.recipient
    }

    /// The connection that holds the lock: what is written for the recipient is written through it.
    pub(in crate::store) fn connection(&mut self) -> &mut PgConnection {
        self.claims.connection()
    }

    /// Tells the server that we are still there, while we wait for a mail server.
    ///
    /// # Errors
    /// When the connection, and with it the claim, has gone.
    pub async fn touch(&mut self) -> Result<(), StoreError> {
        self.claims.touch().await
    }

    /// Gives the recipient free.
    ///
    /// # Errors
    /// When the database fails; the connection is then closed, which frees it too.
    pub async fn release(mut self) -> Result<Claims, StoreError> {
        self.claims.release_all().await?;
        Ok(self.claims)
    }
}
