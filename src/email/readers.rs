//! Who gets an event now, by the file as it is.

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use crate::config::{Company, EmailAddress, Watchlist};
use crate::domain::event::{Audience, Event, News};
use crate::domain::keyword::Keyword;
use crate::store::outbox::messages::Loose;
use crate::store::outbox::recipients::Recipient;

/// The file, ready for many questions.
pub(super) struct Readers<'a> {
    watchlist: &'a Watchlist,
    /// Made when it is first asked for: most runs owe nobody anything.
    companies: OnceLock<HashMap<&'a Keyword, &'a Company>>,
    addresses: HashSet<String>,
}

impl<'a> Readers<'a> {
    pub(super) fn new(watchlist: &'a Watchlist) -> Self {
        let addresses = watchlist.addresses().into_iter().collect();
        Self { watchlist, companies: OnceLock::new(), addresses }
    }

    /// Whether the file names this address at all.
    pub(super) fn names(&self, recipient: &Recipient) -> bool {
        self.addresses.contains(recipient.as_str())
    }

    /// What a recipient is owed and no longer gets, with those who get it now.
    pub(super) fn others<'l>(
        &self,
        loose: &'l [Loose],
        recipient: &Recipient,
    ) -> Vec<(&'l Loose, Vec<String>)> {
        let no_longer = loose.iter().filter_map(|delivery| {
            let mut current = self.of(&delivery.event)?;
            let is_theirs = current.iter().any(|reader| reader.folded() == recipient.as_str());
            // Whoever takes their place became a reader, too, and gets one of their own; the others know what is open.
            if matches!(delivery.event.news, News::Briefing(_)) {
                current.clear();
            }
            (!is_theirs).then(|| (delivery, current.into_iter().map(String::from).collect()))
        });
        no_longer.collect()
    }

    /// `None`: its company is not in the file, so it goes to whom it was owed (design 3, "Taken out").
    fn of(&self, event: &Event) -> Option<Vec<EmailAddress>> {
        match event.kind().audience() {
            Audience::Operator => Some(self.watchlist.email.operators.clone()),
            Audience::Reader => {
                let company = self.companies().get(event.company.as_ref()?)?;
                Some(self.watchlist.recipients_of(company))
            }
        }
    }

    fn companies(&self) -> &HashMap<&'a Keyword, &'a Company> {
        let by_keyword = |company: &'a Company| (&company.keyword, company);
        self.companies.get_or_init(|| self.watchlist.companies.iter().map(by_keyword).collect())
    }
}
