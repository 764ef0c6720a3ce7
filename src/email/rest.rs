//! What stands around a letter, from the file and from rows: above all how the companies stand of which it tells nothing, so that
//! its reader knows that silence is no accident.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use sqlx::PgPool;

use super::digest::{Around, TheRest};
use super::words::days;
use crate::config::{Company, Watchlist};
use crate::domain::certificates::{self, Certificate, Owner};
use crate::domain::event::{Audience, Event};
use crate::domain::holding::history_begins;
use crate::domain::keyword::Keyword;
use crate::domain::snapshot::{Difference, Doubt, Snapshot};
use crate::store::StoreError;
use crate::store::companies::CompanyId;
use crate::store::companies::renewals::{self, Filed};
use crate::store::outbox::recipients::Recipient;
use crate::store::reports::query_days::{self, Queried};
use crate::store::reports::snapshots::{self, BATCH_ESTABLISHED_MAX};

/// A filing day lies at most so many days before its end: three months.
const FILING_BEFORE_DAYS_MAX: i64 = 92;

/// How far ahead the next deadline is looked for, step by step: what ends first has it, mostly.
const AHEAD_DAYS: [i64; 4] = [100, 300, 900, 2_700];

/// What one recipient is told at once.
pub(crate) struct ToldAtOnce<'a> {
    /// To whom.
    pub recipient: &'a Recipient,
    /// What is told.
    pub events: &'a [&'a Event],
    /// Companies of which something is told that is not among the events.
    pub unlisted: HashSet<Keyword>,
    /// Whether they are owed nothing besides: else nothing can be said of other companies.
    pub is_all: bool,
}

/// What stands around a letter that tells this on `today`.
///
/// # Errors
/// When the database fails.
pub(crate) async fn around(
    pool: &PgPool,
    watchlist: &Watchlist,
    told: &ToldAtOnce<'_>,
    today: NaiveDate,
) -> Result<Around, StoreError> {
    let around = Around::of(watchlist, told.recipient.as_str(), told.events);
    let tells_readers = told.events.iter().any(|event| event.kind().audience() == Audience::Reader);
    if !tells_readers || !told.is_all {
        return Ok(around);
    }
    let reads_all = watchlist.email.to.iter().any(|address| address.folded() == told.recipient.as_str());
    let is_read = |company: &&Company| {
        reads_all || company.to.iter().any(|address| address.folded() == told.recipient.as_str())
    };
    let companies = watchlist.companies.iter().filter(is_read);
    let reader = Reader {
        pool,
        watchlist,
        told,
        today,
        companies: companies.map(|company| (company.keyword.as_str(), company)).collect(),
    };
    Ok(Around { rest: reader.the_rest().await?, ..around })
}

/// A day, and the name and the number of what ends or has to be applied for.
type Deadline = (NaiveDate, String, String);

struct Reader<'a> {
    pool: &'a PgPool,
    watchlist: &'a Watchlist,
    told: &'a ToldAtOnce<'a>,
    today: NaiveDate,
    /// Of whom they are told, by keyword.
    companies: HashMap<&'a str, &'a Company>,
}

impl Reader<'_> {
    async fn the_rest(&self) -> Result<Option<TheRest>, StoreError> {
        let told: HashSet<&Keyword> = self
            .told
            .events
            .iter()
            .filter_map(|event| event.company.as_ref())
            .chain(&self.told.unlisted)
            .collect();
        let rest = self.companies.values().filter(|company| !told.contains(&company.keyword));
        let rest: HashMap<&str, &Company> =
            rest.map(|company| (company.keyword.as_str(), *company)).collect();
        if rest.is_empty() {
            return Ok(None);
        }
        let keywords: Vec<&str> = rest.keys().copied().collect();
        let stored = query_days::queried(self.pool, &keywords, history_begins(self.today)).await?;
        let stored: HashMap<&str, &Queried> = stored.iter().map(|one| (one.keyword.as_str(), one)).collect();
        let asked_at = |keyword: &str| stored.get(keyword).and_then(|one| one.last_verified_at);
        let last_day = rest.keys().filter_map(|keyword| asked_at(keyword)).max().map(days::day_of);
        let is_of_last_day = |at: &DateTime<Utc>| Some(days::day_of(*at)) == last_day;
        let of_last_day =
            || rest.keys().filter(|keyword| asked_at(keyword).as_ref().is_some_and(is_of_last_day));
        let is_older = |keyword: &&str| !asked_at(keyword).as_ref().is_some_and(is_of_last_day);
        let mut unqueried: Vec<(Option<DateTime<Utc>>, String)> = rest
            .iter()
            .filter(|(keyword, _)| is_older(keyword))
            .map(|(keyword, company)| (asked_at(keyword), company.name.to_string()))
            .collect();
        // Of whom nothing is known comes first, then the oldest.
        unqueried.sort_unstable();
        Ok(Some(TheRest {
            companies: rest.len(),
            certificates: stored.values().filter_map(|one| usize::try_from(one.certificates).ok()).sum(),
            queried_at: of_last_day().filter_map(|keyword| asked_at(keyword)).min(),
            differing: of_last_day()
                .filter(|keyword| stored.get(**keyword).is_some_and(|one| one.differs))
                .count(),
            unqueried: unqueried.into_iter().map(|(at, company)| (company, at)).collect(),
            next: self.next_deadline().await?,
        }))
    }

    /// The next deadline of all that they are told of, besides the ends that the letter is about.
    async fn next_deadline(&self) -> Result<Option<Deadline>, StoreError> {
        let filed = renewals::in_force(self.pool).await?;
        let (mut first, mut from): (Option<Deadline>, _) = (None, self.today);
        let is_before = |first: &Option<Deadline>, end: NaiveDate| {
            // What ends later may have to be applied for earlier.
            first.as_ref().is_some_and(|(day, ..)| *day < end - TimeDelta::days(FILING_BEFORE_DAYS_MAX))
        };
        for ahead in AHEAD_DAYS {
            let until = self.today + TimeDelta::days(ahead);
            let ends = snapshots::first_ends_between(self.pool, from, until).await?;
            for ends in ends.chunks(BATCH_ESTABLISHED_MAX) {
                if ends.first().is_some_and(|(end, _)| is_before(&first, *end)) {
                    return Ok(first);
                }
                let ids: Vec<CompanyId> = ends.iter().map(|(_, id)| *id).collect();
                let found = self.first_deadline_of(&ids, &filed).await?;
                first = first.into_iter().chain(found).min();
            }
            from = until + TimeDelta::days(1);
            if is_before(&first, from) {
                return Ok(first);
            }
        }
        Ok(None)
    }

    async fn first_deadline_of(
        &self,
        ids: &[CompanyId],
        filed: &[Filed],
    ) -> Result<Option<Deadline>, StoreError> {
        let mut first: Option<Deadline> = None;
        let is_read = |keyword: &str| self.companies.contains_key(keyword);
        for mut company in snapshots::established(self.pool, ids, is_read).await? {
            company.snapshot = as_told(company.snapshot);
            let Some(entry) = self.companies.get(company.keyword.as_str()) else { continue };
            let owner = Owner {
                keyword: &company.keyword,
                name: &entry.name,
                last_verified_at: company.last_verified_at,
                expiring_from_days: self.watchlist.expiring_from_days(Some(entry)),
            };
            let mut all = certificates::certificates(&company.snapshot, owner, self.today);
            all.retain(|certificate| !self.tells_of(certificate));
            for certificate in &mut all {
                let (number, end) = (&certificate.certificate_num, certificate.valid_until);
                if filed.iter().any(|filed| filed.is_of(&company.keyword, number, end)) {
                    certificate.filing_day = None;
                }
            }
            let next = certificates::next_deadline(&all, self.today);
            let next = next.map(|(day, it)| (day, it.name.clone(), it.certificate_num.clone()));
            first = first.into_iter().chain(next).min();
        }
        Ok(first)
    }

    /// Whether the letter is about this end of this certificate.
    fn tells_of(&self, certificate: &Certificate) -> bool {
        self.told.events.iter().any(|event| {
            let facts = event.certificate.as_ref();
            event.company.as_ref() == Some(&certificate.company)
                && facts.is_some_and(|facts| {
                    facts.number == certificate.certificate_num
                        && facts.valid_until == certificate.valid_until
                })
        })
    }
}

/// What is known, as its readers heard it: what was seen once and told to nobody is no deadline of theirs yet, and what they were told
/// as ending later is none at its former end.
fn as_told(mut snapshot: Snapshot) -> Snapshot {
    let is_unheard =
        |doubt: &Doubt| matches!(doubt.difference, Difference::New(_)) && doubt.told_as.is_none();
    snapshot.doubts.retain(|_, doubt| !is_unheard(doubt));
    snapshot.with_told_ends()
}
