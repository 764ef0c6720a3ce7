//! What an edit of the watchlist means for people is told as soon as it is in force: whoever becomes a reader gets what is open;
//! the operators hear who is a reader and who is not any more, what was open of companies that left, and what it costs (design 4).

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};

use crate::config::{Company, EmailAddress, Watchlist};
use crate::domain::certificates::{self, Owner};
use crate::domain::event::{
    CallsADay, CertificateFacts, Event, Leaver, Leavers, News, OpenEnds, ReaderEdited,
};
use crate::domain::wall_clock::hour_of_day;
use crate::store::companies::CompanyId;
use crate::store::companies::edits::{self, Edit, EditId, Edited, EditsTold};
use crate::store::companies::renewals::{self, Filed};
use crate::store::outbox::events::Owed;
use crate::store::reports::snapshots::{self, BATCH_ESTABLISHED_MAX, Established};
use crate::store::{Store, StoreError};

/// How often edits are read anew when another process tells some of them at the same time.
const ATTEMPTS_MAX: usize = 3;

/// Tells what is still to be told of edits of `watchlist`. Mostly nothing is, which costs one look.
pub(super) async fn tell_edits(
    store: &Store,
    watchlist: &Watchlist,
    mut calls: Option<CallsADay>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut attempts = 0;
    let today = watchlist.day_of(now);
    while attempts < ATTEMPTS_MAX {
        let edits = edits::untold(
            store.pool(),
            store.watchlist(),
            hour_of_day(watchlist.timezone, today, 0).unwrap_or(now),
        )
        .await?;
        if edits.is_empty() {
            return Ok(());
        }
        let meaning = Meaning { watchlist, calls, now, today };
        let owed = meaning.of(store, &edits).await?;
        let ids: Vec<EditId> = edits.iter().map(|edit| edit.id).collect();
        match edits::tell(store.pool(), &ids, &owed).await? {
            // Once for all that an edit means, in however many parts it is told.
            EditsTold::Now => calls = None,
            EditsTold::ByAnother => attempts += 1,
        }
    }
    // The other process tells the rest, or the next look does.
    Ok(())
}

/// What edits mean, by the file as it is now.
struct Meaning<'a> {
    watchlist: &'a Watchlist,
    calls: Option<CallsADay>,
    now: DateTime<Utc>,
    today: NaiveDate,
}

/// What is edited of one company.
#[derive(Default)]
struct OfCompany<'a> {
    new: Vec<&'a str>,
    lost: Vec<&'a str>,
}

impl Meaning<'_> {
    async fn of(&self, store: &Store, edits: &[Edit]) -> Result<Vec<Owed>, StoreError> {
        let mut edited: BTreeMap<CompanyId, OfCompany<'_>> = BTreeMap::new();
        for edit in edits {
            let of_company = edited.entry(edit.company).or_default();
            match &edit.what {
                Edited::Left => {}
                Edited::NewReader(reader) => of_company.new.push(reader),
                Edited::LostReader(reader) => of_company.lost.push(reader),
            }
        }
        let ids: Vec<CompanyId> = edited.keys().copied().collect();
        let in_file: BTreeMap<&str, &Company> =
            self.watchlist.companies.iter().map(|company| (company.keyword.as_str(), company)).collect();
        let (mut owed, mut leavers) = (Vec::new(), Leavers { calls: self.calls, ..Leavers::default() });
        let filed = renewals::in_force(store.pool()).await?;
        for ids in ids.chunks(BATCH_ESTABLISHED_MAX) {
            for company in snapshots::established(store.pool(), ids, |_| true).await? {
                let Some(edited) = edited.get(&company.id) else { continue };
                match in_file.get(company.keyword.as_str()) {
                    Some(entry) => {
                        owed.extend(self.briefing(&company, entry, &edited.new, &filed));
                        self.readers(entry, edited, &mut leavers);
                    }
                    None if edited.new.is_empty() && edited.lost.is_empty() => {
                        let name = company.name.clone();
                        leavers.left.push(Leaver { company: name, open: self.open(&company, None) });
                    }
                    None => {}
                }
            }
        }
        let Leavers { left, gained, lost, calls: _ } = &leavers;
        if !(left.is_empty() && gained.is_empty() && lost.is_empty()) {
            owed.push(self.watchlist_changed(leavers));
        }
        Ok(owed)
    }

    /// Who hears of a company that did not, and the reverse. Somebody always does: a file that leaves a company without a reader
    /// is refused.
    fn readers(&self, entry: &Company, edited: &OfCompany<'_>, leavers: &mut Leavers) {
        let current: Vec<String> =
            self.watchlist.recipients_of(entry).iter().map(EmailAddress::folded).collect();
        let reads = |address: &&&str| current.iter().any(|reader| reader == *address);
        for address in edited.new.iter().filter(reads) {
            add(&mut leavers.gained, address, &entry.name);
        }
        for address in &edited.lost {
            add(&mut leavers.lost, address, &entry.name);
        }
    }

    /// What is open of a company, for who became its reader; nothing where nothing is.
    fn briefing(
        &self,
        company: &Established,
        entry: &Company,
        new: &[&str],
        filed: &[Filed],
    ) -> Option<Owed> {
        let recipients = self.watchlist.recipients_of(entry).into_iter();
        let recipients = recipients.filter(|reader| new.contains(&reader.folded().as_str()));
        let recipients: Vec<String> = recipients.map(String::from).collect();
        if recipients.is_empty() {
            return None;
        }
        // Who comes now hears it as the others did.
        let told = Established { snapshot: company.snapshot.clone().with_told_ends(), ..company.clone() };
        let mut certificates = self.open(&told, Some(entry));
        for facts in &mut certificates {
            if filed.iter().any(|filed| filed.is_of(&company.keyword, &facts.number, facts.valid_until)) {
                facts.filing_day = None;
            }
        }
        if certificates.is_empty() {
            return None;
        }
        let event = Event {
            company: Some(entry.keyword.clone()),
            company_name: Some(entry.name.to_string()),
            last_verified_at: company.last_verified_at,
            ..Event::new(News::Briefing(OpenEnds { certificates }), self.now, self.today)
        };
        Some(Owed { event, company: Some(company.id), recipients })
    }

    /// Those whose next end is the nearest come first.
    fn watchlist_changed(&self, mut leavers: Leavers) -> Owed {
        leavers.left.sort_by_key(|leaver| {
            let next = leaver.open.iter().filter_map(|certificate| certificate.valid_until).min();
            (next.is_none(), next)
        });
        let news = News::WatchlistChanged(leavers);
        let event = Event::new(news, self.now, self.today);
        Owed { event, company: None, recipients: self.watchlist.operators() }
    }

    fn open(&self, company: &Established, entry: Option<&Company>) -> Vec<CertificateFacts> {
        let owner = Owner {
            keyword: &company.keyword,
            name: &company.name,
            last_verified_at: company.last_verified_at,
            expiring_from_days: self.watchlist.expiring_from_days(entry),
        };
        certificates::open(&company.snapshot, owner, self.today)
    }
}

/// Adds a company to those of an address.
fn add(readers: &mut Vec<ReaderEdited>, address: &str, company: &str) {
    const NAMED_MAX: usize = 20;
    let place = readers.iter().position(|reader| reader.address == address).unwrap_or_else(|| {
        readers.push(ReaderEdited { address: address.to_owned(), companies: Vec::new(), count: 0 });
        readers.len() - 1
    });
    if let Some(reader) = readers.get_mut(place) {
        reader.count += 1;
        if reader.companies.len() < NAMED_MAX {
            reader.companies.push(company.to_owned());
        }
    }
}
