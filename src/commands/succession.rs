//! The database for `run` and `check`. Where an upgrade of the system has left only a newer PostgreSQL than the private database's, the
//! newest backup that is kept becomes a new database by itself, and the operators are told what lies between.

use std::fs::File;
use std::path::PathBuf;

use anyhow::Context as _;
use chrono::{DateTime, Utc};

use super::backup;
use super::context::Context;
use super::database::OpenDatabase;
use super::kept_backups::KeptBackups;
use crate::domain::event::{Event, News, Trouble, TroubleFacts};
use crate::domain::trouble_cause::TroubleCause;
use crate::private_postgres::{PostgresError, Succession, can_follow};
use crate::store::outbox::events::Owed;
use crate::store::outbox::troubles::{self, Turn};

/// What was done.
struct Followed {
    from: u32,
    to: u32,
    backup_at: DateTime<Utc>,
    aside: PathBuf,
}

/// Opens the database, or makes it, as [`OpenDatabase::open_or_make`] does.
///
/// # Errors
/// As there; or the backup cannot be restored: then the old database is left as it was.
pub(super) async fn open_or_make(context: &Context) -> anyhow::Result<OpenDatabase> {
    if Succession::was_cut_off(&context.state_dir) {
        // Brings it to its end.
        Succession::begin(&context.state_dir).await?;
    }
    let refused = match Box::pin(OpenDatabase::open_or_make(context)).await {
        Err(error) if is_of_a_version_that_can_be_followed(&error) => error,
        opened => return opened,
    };
    let Some((backup, backup_at)) = KeptBackups::in_state(&context.state_dir).newest() else {
        return Err(refused);
    };
    let followed = Box::pin(follow(context, backup, backup_at)).await?;
    let database = Box::pin(OpenDatabase::open_or_make(context)).await?;
    if let Some(followed) = followed {
        tell(context, &database, &followed).await?;
    }
    Ok(database)
}

fn is_of_a_version_that_can_be_followed(error: &anyhow::Error) -> bool {
    error.chain().filter_map(|link| link.downcast_ref()).any(|error| match error {
        PostgresError::OtherVersion { cluster, found, .. } => can_follow(*cluster, found),
        _ => false,
    })
}

/// Restores the backup into a new cluster, which takes the place of the old one. `None`: another process has done so meanwhile.
async fn follow(
    context: &Context,
    backup: PathBuf,
    backup_at: DateTime<Utc>,
) -> anyhow::Result<Option<Followed>> {
    let Some(succession) = Succession::begin(&context.state_dir).await? else { return Ok(None) };
    let (from, to) = succession.versions();
    tracing::warn!(
        from,
        to,
        backup = %backup.display(),
        "the private database's version of PostgreSQL is gone: the newest backup is restored into a new database"
    );
    let restoring =
        || format!("restoring {} for PostgreSQL {to}; the old database is left as it is", backup.display());
    let file = File::open(&backup).with_context(restoring)?;
    let database = OpenDatabase::make_in(&succession.workshop()).await.with_context(restoring)?;
    let filled = Box::pin(backup::fill(&database, file)).await;
    database.closed_after(filled).await.with_context(restoring)?;
    let aside = succession.complete()?;
    Ok(Some(Followed { from, to, backup_at, aside }))
}

/// As of an outage that the database could not hold: its beginning becomes history, its end is told.
async fn tell(context: &Context, database: &OpenDatabase, followed: &Followed) -> anyhow::Result<()> {
    let Followed { from, to, backup_at, aside } = followed;
    let at = context.local(*backup_at);
    let aside = aside.display().to_string();
    let facts = TroubleFacts {
        reason: format!(
            "PostgreSQL {from} is no longer installed, {to} is: the backup of {at} was restored into a new database, the old one is \
             kept in {aside}"
        ),
        cause: Some(TroubleCause::Restored { from: *from, to: *to, backup_at: *backup_at, aside }),
        ..TroubleFacts::default()
    };
    tracing::warn!(reason = facts.reason, "told to the operators");
    let turn = |news: News, recipients: Vec<String>| {
        let event = Event::new(news, context.now(), context.today());
        Turn { cause: "restored".to_owned(), owed: Owed { event, company: None, recipients } }
    };
    let operators = &context.watchlist.email.operators;
    let operators = operators.iter().map(|address| address.as_str().to_owned()).collect();
    let begun = turn(News::Trouble(Trouble::DatabaseUnavailable, facts.clone()), Vec::new());
    let ended = turn(News::Resolved(Trouble::DatabaseUnavailable, facts), operators);
    troubles::tell(database.store.pool(), &[begun, ended]).await?;
    Ok(())
}
