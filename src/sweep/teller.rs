//! Operators' events: what is told when a trouble begins or ends.

use chrono::{DateTime, NaiveDate, Utc};

use crate::config::{Company, Watchlist};
use crate::domain::event::{Event, News, Trouble, TroubleFacts};
use crate::store::companies::CompanyId;
use crate::store::outbox::events::Owed;
use crate::store::outbox::troubles::{OpenButOver, Turn};

/// When and to whom operators' events of one sweep are told.
#[derive(Debug, Clone, Copy)]
pub(super) struct Teller<'a> {
    pub watchlist: &'a Watchlist,
    pub now: DateTime<Utc>,
}

impl Teller<'_> {
    /// The calendar day of `now` in the configured zone.
    pub(super) fn today(&self) -> NaiveDate {
        self.watchlist.day_of(self.now)
    }

    /// A trouble begins: of a company, or of the whole service. Since now, where `facts` do not say since when.
    pub(super) fn begins(
        &self,
        trouble: Trouble,
        cause: &str,
        facts: TroubleFacts,
        company: Option<(CompanyId, &Company)>,
    ) -> Turn {
        let asks = matches!(
            trouble,
            Trouble::ApiCredential | Trouble::ApiQuota | Trouble::ApiUnreachable | Trouble::ApiUnknownCode
        );
        let place = self.watchlist.api.url.host_str().filter(|_| asks).map(str::to_owned);
        let facts = TroubleFacts {
            place: facts.place.or(place),
            line: facts.line.or(company.map(|(_, entry)| entry.line)),
            since: facts.since.or(Some(self.now)),
            ..facts
        };
        self.turn(News::Trouble(trouble, facts), cause, company)
    }

    /// A trouble is over. What it was is added where it is stored.
    pub(super) fn ends(&self, trouble: Trouble, cause: &str, company: Option<(CompanyId, &Company)>) -> Turn {
        self.turn(News::Resolved(trouble, TroubleFacts::default()), cause, company)
    }

    /// The same of the whole service, with something to say of its end.
    pub(super) fn ends_as(&self, trouble: Trouble, cause: &str, facts: TroubleFacts) -> Turn {
        self.turn(News::Resolved(trouble, facts), cause, None)
    }

    /// A trouble that is over without anybody having ended it.
    pub(super) fn ends_what_is_over(&self, open: OpenButOver) -> Turn {
        let mut turn = self.ends(open.trouble, &open.cause, None);
        turn.owed.company = Some(open.company);
        turn.owed.event.company = Some(open.keyword);
        turn.owed.event.company_name = Some(open.name);
        turn
    }

    fn turn(&self, news: News, cause: &str, company: Option<(CompanyId, &Company)>) -> Turn {
        let event = Event {
            company: company.map(|(_, entry)| entry.keyword.clone()),
            company_name: company.map(|(_, entry)| entry.name.to_string()),
            ..Event::new(news, self.now, self.today())
        };
        let recipients = self.watchlist.operators();
        let owed = Owed { event, company: company.map(|(id, _)| id), recipients };
        Turn { cause: cause.to_owned(), owed }
    }

    /// What readers of a company are owed.
    pub(super) fn owed_to_readers(&self, events: Vec<Event>, company: (CompanyId, &Company)) -> Vec<Owed> {
        let (id, entry) = company;
        let recipients: Vec<String> = self
            .watchlist
            .recipients_of(entry)
            .into_iter()
            .map(|address| address.as_str().to_owned())
            .collect();
        let owed = |event| Owed { event, company: Some(id), recipients: recipients.clone() };
        events.into_iter().map(owed).collect()
    }
}
