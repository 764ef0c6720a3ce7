//! The companies of an accepted watchlist become those that are watched.

use std::borrow::Cow;
use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::edits::tell_edits;
use crate::config::{Company, EmailAddress, Watchlist};
use crate::domain::event::CallsADay;
use crate::store::companies::{self, Accepted, Entry, edits};
use crate::store::{Store, StoreError};

/// Makes the stored companies those of `watchlist`, from `now` on, and tells whom it concerns what the edit means. To be repeated
/// daily: a file that nobody obeys for days counts as gone. Costs next to nothing where the same file is in force already.
///
/// # Errors
/// When the database fails: everything stays as it was then.
pub async fn accept(store: &Store, watchlist: &Watchlist, now: DateTime<Utc>) -> Result<(), StoreError> {
    // Most companies share these two, and there may be a hundred thousand of them.
    let common_line = check_line(watchlist, None);
    let common_thresholds = thresholds(watchlist, &watchlist.alerts.expiry_days);
    let common_readers = folded(watchlist.email.to.iter());
    let entries = watchlist.companies.iter().map(|company| Entry {
        keyword: &company.keyword,
        name: &company.name,
        pinned_prefix: company.id.as_deref(),
        check_line: match company.check {
            Some(_) => Cow::Owned(check_line(watchlist, Some(company))),
            None => Cow::Borrowed(common_line.as_str()),
        },
        thresholds: match &company.expiry_days {
            Some(own) => Cow::Owned(thresholds(watchlist, own)),
            None => Cow::Borrowed(common_thresholds.as_str()),
        },
        readers: match &*company.to {
            [] => Cow::Borrowed(common_readers.as_slice()),
            own => Cow::Owned(folded(watchlist.email.to.iter().chain(own))),
        },
    });
    let accepted = companies::accept(store.pool(), store.watchlist(), entries, now).await?;
    let calls = match accepted {
        Accepted::AsStored => None,
        Accepted::Anew => {
            let calls = watchlist.calls_per_day(now);
            let before = edits::note_calls_per_day(store.pool(), store.watchlist(), calls).await?;
            Some(CallsADay { before, now: calls })
        }
    };
    tell_edits(store, watchlist, calls, now).await
}

/// Addresses as rows know them, each once, in order.
fn folded<'a>(addresses: impl Iterator<Item = &'a EmailAddress>) -> Vec<String> {
    let folded: BTreeSet<String> = addresses.map(EmailAddress::folded).collect();
    folded.into_iter().collect()
}

/// The zone is part of it: occurrences are owed from the moment the line or the zone was accepted (design 2).
fn check_line(watchlist: &Watchlist, company: Option<&Company>) -> String {
    let line = company.map_or(&watchlist.schedule.check, |company| watchlist.check_line_of(company));
    format!("{} {}", line.for_scheduler(), watchlist.timezone)
}

/// All that decides on which day something of a company is told although no answer has changed.
fn thresholds(watchlist: &Watchlist, expiry_days: &[u16]) -> String {
    let alerts = &watchlist.alerts;
    let days = |days: &[u16]| days.iter().map(u16::to_string).collect::<Vec<_>>().join(",");
    format!(
        "expiring {} expired {} filing {} stale {}s",
        days(expiry_days),
        days(&alerts.expired_days),
        days(&alerts.filing_days),
        alerts.stale_after.as_secs()
    )
}
