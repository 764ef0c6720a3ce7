//! The companies of an accepted watchlist become those that are watched.

use chrono::{DateTime, Utc};

use crate::config::Watchlist;
use crate::store::companies::{self, Entry};
use crate::store::{Store, StoreError};

/// Makes the stored companies those of `watchlist`, from `now` on. To be repeated daily: a file that nobody obeys for days
/// counts as gone.
///
/// # Errors
/// When the database fails: everything stays as it was then.
pub async fn accept(store: &Store, watchlist: &Watchlist, now: DateTime<Utc>) -> Result<(), StoreError> {
    let entries: Vec<Entry> = watchlist
        .companies
        .iter()
        .map(|company| Entry {
            keyword: company.keyword.clone(),
            name: company.name.clone(),
            pinned_prefix: company.id.clone(),
            // The zone is part of it: occurrences are owed from the moment the line or the zone was accepted (design 2).
            check_line: format!(
                "{} {}",
                watchlist.check_line_of(company).for_scheduler(),
                watchlist.timezone
            ),
        })
        .collect();
    companies::accept(store.pool(), store.watchlist(), &entries, now).await
}
