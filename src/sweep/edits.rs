//! What an edit of the watchlist means for people is told as soon as it is in force: whoever becomes a reader gets what is open,
//! the operators hear what of the companies that left was open (design 4).

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeZone as _, Utc};

use crate::config::{Company, Watchlist};
use crate::domain::certificates::{self, Owner};
use crate::domain::event::{CertificateFacts, Event, Leaver, Leavers, News, OpenEnds};
use crate::store::companies::CompanyId;
use crate::store::companies::edits::{self, Edit, EditId, EditsTold};
use crate::store::outbox::events::Owed;
use crate::store::reports::established::{self, BATCH_ESTABLISHED_MAX, Established};
use crate::store::{Store, StoreError};

/// How often edits are read anew when another process tells some of them at the same time.
const ATTEMPTS_MAX: usize = 3;

/// Tells what is still to be told of edits of `watchlist`. Mostly nothing is, which costs one look.
pub(super) async fn tell_edits(
    store: &Store,
    watchlist: &Watchlist,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut attempts = 0;
    let today = now.with_timezone(&watchlist.timezone).date_naive();
    while attempts < ATTEMPTS_MAX {
        let edits = edits::untold(store.pool(), store.watchlist(), begin_of(watchlist, today)).await?;
        if edits.is_empty() {
            return Ok(());
        }
        let meaning = Meaning { watchlist, now, today };
        let owed = meaning.of(store, &edits).await?;
        let ids: Vec<EditId> = edits.iter().map(|edit| edit.id).collect();
        if edits::tell(store.pool(), &ids, &owed).await? == EditsTold::ByAnother {
            attempts += 1;
        }
    }
    // The other process tells the rest, or the next look does.
    Ok(())
}

/// The first instant of a day.
fn begin_of(watchlist: &Watchlist, day: NaiveDate) -> DateTime<Utc> {
    let local = watchlist.timezone.from_local_datetime(&day.and_time(NaiveTime::MIN));
    local.earliest().map_or_else(|| day.and_time(NaiveTime::MIN).and_utc(), |at| at.with_timezone(&Utc))
}

/// What edits mean, by the file as it is now.
struct Meaning<'a> {
    watchlist: &'a Watchlist,
    now: DateTime<Utc>,
    today: NaiveDate,
}

impl Meaning<'_> {
    async fn of(&self, store: &Store, edits: &[Edit]) -> Result<Vec<Owed>, StoreError> {
        let mut readers: BTreeMap<CompanyId, Vec<&str>> = BTreeMap::new();
        for edit in edits {
            readers.entry(edit.company).or_default().extend(edit.new_reader.as_deref());
        }
        let ids: Vec<CompanyId> = readers.keys().copied().collect();
        let in_file: BTreeMap<&str, &Company> =
            self.watchlist.companies.iter().map(|company| (company.keyword.as_str(), company)).collect();
        let (mut owed, mut left) = (Vec::new(), Vec::new());
        for ids in ids.chunks(BATCH_ESTABLISHED_MAX) {
            for company in established::established(store.pool(), ids, |_| true).await? {
                let new = readers.get(&company.id).map(Vec::as_slice).unwrap_or_default();
                match in_file.get(company.keyword.as_str()) {
                    Some(entry) => owed.extend(self.briefing(&company, entry, new)),
                    None if new.is_empty() => {
                        let name = company.name.clone();
                        left.push(Leaver { company: name, open: self.open(&company, None) });
                    }
                    None => {}
                }
            }
        }
        if !left.is_empty() {
            owed.push(self.watchlist_changed(left));
        }
        Ok(owed)
    }

    /// What is open of a company, for who became its reader; nothing where nothing is.
    fn briefing(&self, company: &Established, entry: &Company, new: &[&str]) -> Option<Owed> {
        let recipients = self.watchlist.recipients_of(entry).into_iter();
        let recipients = recipients.filter(|reader| new.contains(&reader.folded().as_str()));
        let recipients: Vec<String> = recipients.map(String::from).collect();
        let certificates = self.open(company, Some(entry));
        if recipients.is_empty() || certificates.is_empty() {
            return None;
        }
        let event = Event {
            company: Some(entry.keyword.clone()),
            company_name: Some(entry.name.clone()),
            last_verified_at: company.last_verified_at,
            ..Event::new(News::Briefing(OpenEnds { certificates }), self.now, self.today)
        };
        Some(Owed { event, company: Some(company.id), recipients })
    }

    /// Those of which most is open come first.
    fn watchlist_changed(&self, mut left: Vec<Leaver>) -> Owed {
        left.sort_by_key(|leaver| {
            let next = leaver.open.iter().filter_map(|certificate| certificate.valid_until).min();
            (next.is_none(), next)
        });
        let news = News::WatchlistChanged(Leavers { left, unread: Vec::new() });
        let operators = self.watchlist.email.operators.iter();
        Owed {
            event: Event::new(news, self.now, self.today),
            company: None,
            recipients: operators.map(|address| address.as_str().to_owned()).collect(),
        }
    }

    fn open(&self, company: &Established, entry: Option<&Company>) -> Vec<CertificateFacts> {
        let expiry_days = match entry {
            Some(entry) => self.watchlist.expiry_days_of(entry),
            None => &self.watchlist.alerts.expiry_days,
        };
        let owner = Owner {
            keyword: &company.keyword,
            name: &company.name,
            last_verified_at: company.last_verified_at,
            expiring_from_days: expiry_days.iter().max().copied().map_or(-1, i64::from),
        };
        certificates::open(&company.snapshot, owner, self.today)
    }
}
