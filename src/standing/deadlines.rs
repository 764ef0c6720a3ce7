//! The next end and the next filing day of each family, in the order of their ends: a hundred thousand companies are not read for
//! what ends next week.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, NaiveDate};
use sqlx::PgPool;

use crate::config::Watchlist;
use crate::domain::certificates::{self, Owner};
use crate::domain::number::Family;
use crate::store::StoreError;
use crate::store::companies::CompanyId;
use crate::store::reports::snapshots::{BATCH_ESTABLISHED_MAX, established, first_ends_between};

use super::companies::Entries;

/// So many companies are looked through, those first whose certificates end next.
const COMPANIES_MAX: usize = 1_000;

/// No certificate is valid for longer (construction, design, survey, supervision: five years), but for some that are near to endless.
const YEARS_AHEAD: u64 = 10;

/// The soonest days from today on, for each family that has one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deadlines {
    /// The last day of validity.
    pub ends: BTreeMap<Family, NaiveDate>,
    /// The last day to apply for renewal.
    pub filing_days: BTreeMap<Family, NaiveDate>,
}

/// Reads what companies of the file hold that ends next. Where so many end earlier that a family is not come to, it is left out.
///
/// # Errors
/// When the database fails or a row cannot be read.
pub async fn deadlines(
    pool: &PgPool,
    (watchlist, entries): (&Watchlist, &Entries<'_>),
    today: NaiveDate,
) -> Result<Deadlines, StoreError> {
    let last = today.checked_add_days(Days::new(YEARS_AHEAD * 365)).unwrap_or(NaiveDate::MAX);
    let mut ends = first_ends_between(pool, today, last).await?;
    // Up to this day all ends are read.
    let complete_to = ends.get(COMPANIES_MAX).map(|(day, _)| *day);
    ends.truncate(COMPANIES_MAX);
    let ids: BTreeSet<CompanyId> = ends.into_iter().map(|(_, id)| id).collect();
    let ids: Vec<CompanyId> = ids.into_iter().collect();
    let mut found = Deadlines::default();
    for ids in ids.chunks(BATCH_ESTABLISHED_MAX) {
        for company in established(pool, ids, |keyword| entries.names(keyword)).await? {
            let owner = Owner {
                keyword: &company.keyword,
                name: &company.name,
                last_verified_at: None,
                expiring_from_days: watchlist.expiring_from_days(entries.get(company.keyword.as_str())),
            };
            for certificate in certificates::certificates(&company.snapshot, owner, today) {
                // By its state alone what is in doubt, too, would not be known to be superseded or over.
                let is_read = |day: &NaiveDate| {
                    *day >= today && complete_to.is_none_or(|complete_to| *day < complete_to)
                };
                let end = certificate.valid_until.filter(|day| is_read(day) && !certificate.is_settled);
                let Some(end) = end else { continue };
                sooner(&mut found.ends, certificate.family, end);
                if let Some(day) = certificate.filing_day.filter(|day| *day >= today) {
                    sooner(&mut found.filing_days, certificate.family, day);
                }
            }
        }
    }
    Ok(found)
}

fn sooner(days: &mut BTreeMap<Family, NaiveDate>, family: Family, day: NaiveDate) {
    let soonest = days.entry(family).or_insert(day);
    *soonest = day.min(*soonest);
}
