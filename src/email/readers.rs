//! Who gets an event now, by the file as it is.

use std::collections::{HashMap, HashSet};

use crate::config::{Company, EmailAddress, Watchlist};
use crate::domain::event::{Audience, Event};
use crate::domain::keyword::Keyword;
use crate::store::outbox::mailing::Loose;
use crate::store::outbox::recipients::Recipient;

/// The file, ready for many questions.
pub(super) struct Readers<'a> {
    watchlist: &'a Watchlist,
    companies: HashMap<&'a Keyword, &'a Company>,
    addresses: HashSet<String>,
}

impl<'a> Readers<'a> {
    pub(super) fn new(watchlist: &'a Watchlist) -> Self {
        let companies = watchlist.companies.iter().map(|company| (&company.keyword, company)).collect();
        let email = &watchlist.email;
        let own = watchlist.companies.iter().flat_map(|company| &company.to);
        let all = email.to.iter().chain(&email.operators).chain(own);
        Self { watchlist, companies, addresses: all.map(EmailAddress::folded).collect() }
    }

    /// Whether the file names this address at all.
    pub(super) fn names(&self, recipient: &Recipient) -> bool {
        self.addresses.contains(recipient.as_str())
    }

    /// Parts what a recipient is owed: what they still get, and what they no longer get, with those who get it now.
    pub(super) fn part<'l>(
        &self,
        loose: &'l [Loose],
        recipient: &Recipient,
    ) -> (Vec<&'l Loose>, Vec<(&'l Loose, Vec<String>)>) {
        let (mut theirs, mut others) = (Vec::new(), Vec::new());
        for delivery in loose {
            match self.of(&delivery.event) {
                Some(current) if !current.iter().any(|reader| reader.folded() == recipient.as_str()) => {
                    others.push((delivery, current.into_iter().map(String::from).collect()));
                }
                _ => theirs.push(delivery),
            }
        }
        (theirs, others)
    }

    /// `None`: its company is not in the file, so it goes to whom it was owed (design 3, "Taken out").
    fn of(&self, event: &Event) -> Option<Vec<EmailAddress>> {
        match event.kind.audience() {
            Audience::Operator => Some(self.watchlist.email.operators.clone()),
            Audience::Reader => {
                let company = self.companies.get(event.company.as_ref()?)?;
                Some(self.watchlist.recipients_of(company))
            }
        }
    }
}
