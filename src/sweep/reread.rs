//! A company whose last complete answer an older version of the reading understood: it is read again before anything is
//! compared with it, so that like is compared with like (design 3).

use super::check::PARSER_VERSION;
use super::round::Sweep;
use crate::domain::compare::{Again, reread};
use crate::domain::holding::read_items;
use crate::domain::identity::{Whose, whose};
use crate::domain::observation::{Gathering, Item, Next, Observation};
use crate::juhe;
use crate::store::StoreError;
use crate::store::checks::claims::CompanyClaim;
use crate::store::checks::observations::{self, Older, Rereading};
use crate::store::checks::records::Record;

impl Sweep<'_> {
    /// The claimed company in today's words, stored as such; `None` where it is already.
    pub(super) async fn reread(
        &self,
        claim: &mut CompanyClaim<'_>,
        record: &Record,
    ) -> Result<Option<Record>, StoreError> {
        if record.read_by.is_none_or(|version| version == PARSER_VERSION) {
            return Ok(None);
        }
        let Some(answer) = observations::older(claim, PARSER_VERSION).await? else { return Ok(None) };
        let after = self.in_todays_words(record, &answer);
        let rereading = Rereading { before: record, after: &after, answer: &answer, version: PARSER_VERSION };
        observations::commit_rereading(claim, rereading, self.clock.now()).await?;
        tracing::info!(
            company = record.keyword.as_str(),
            from = answer.parser_version,
            to = PARSER_VERSION,
            "the last answer was read again by this version's rules"
        );
        Ok(Some(after))
    }

    /// The same for a dry run, which stores nothing.
    pub(super) async fn reread_dry(&self, record: Record) -> Result<Record, StoreError> {
        let older = observations::older_of(self.store.pool(), record.id, PARSER_VERSION).await?;
        Ok(older.map_or_else(|| record.clone(), |answer| self.in_todays_words(&record, &answer)))
    }

    fn in_todays_words(&self, record: &Record, answer: &Older) -> Record {
        let shown = gathered(&answer.pages).and_then(|items| {
            match whose(record.snapshot.prefix.as_ref(), &record.snapshot.numbers(), items) {
                Whose::Ours { items, .. } | Whose::ReImported { items, .. } => read_items(&items).ok(),
                Whose::Disputed { .. } | Whose::Unclear(_) => None,
            }
        });
        let again = shown.as_ref().map(|shown| Again { shown, at: answer.last_seen_at });
        Record { snapshot: reread(&record.snapshot, again, self.teller().today()), ..record.clone() }
    }
}

/// The items of a stored answer; `None` where its pages are not a complete answer by today's rules.
fn gathered(pages: &[Vec<u8>]) -> Option<Vec<Item>> {
    let mut gathering = Gathering::default();
    for page in pages {
        match gathering.add(juhe::read_again(page)?) {
            Next::Ask(_) => {}
            Next::Done(Observation::Complete(items)) => return Some(items),
            Next::Done(Observation::Empty | Observation::Incomplete(_)) => return None,
        }
    }
    None
}
