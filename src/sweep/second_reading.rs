//! A company whose last complete answer an older version of the reading understood: it is read again before anything is
//! compared with it, so that like is compared with like (design 3).

use super::check::PARSER_VERSION;
use super::ground::Ground;
use crate::domain::compare::reread as read_snapshot_again;
use crate::domain::holding::read_items;
use crate::domain::identity::{Whose, whose};
use crate::domain::observation::{Gathering, Item, NextPage, Observation};
use crate::juhe;
use crate::store::StoreError;
use crate::store::checks::claims::Claims;
use crate::store::checks::observations::{self, Older, Rereading};
use crate::store::checks::records::Record;

/// Whether another version of the reading than today's understood its last complete answer.
pub(super) fn is_older(record: &Record) -> bool {
    record.read_by.is_some_and(|version| version != PARSER_VERSION)
}

/// Puts a company into today's words, and stores it as such: a claimed one, for a dry run claims and stores nothing.
pub(super) async fn reread(
    ground: &Ground<'_>,
    mut claims: Option<&mut Claims>,
    record: &mut Record,
) -> Result<(), StoreError> {
    let answer = match claims.as_deref_mut() {
        Some(claims) => observations::older(claims, record.id, PARSER_VERSION).await?,
        None => observations::older_of(ground.store.pool(), record.id, PARSER_VERSION).await?,
    };
    let Some(answer) = answer else { return Ok(()) };
    let after = in_todays_words(ground, record, &answer);
    if let Some(claims) = claims {
        let rereading = Rereading { before: record, after: &after, answer: &answer, version: PARSER_VERSION };
        observations::commit_rereading(claims, rereading, ground.now()).await?;
        tracing::info!(
            company = record.keyword.as_str(),
            from = answer.parser_version,
            to = PARSER_VERSION,
            "the last answer was read again by this version's rules"
        );
    }
    *record = after;
    Ok(())
}

/// An answer that cannot be read any more changes nothing.
fn in_todays_words(ground: &Ground<'_>, record: &Record, answer: &Older) -> Record {
    let shown = gathered(&answer.pages).and_then(|items| {
        match whose(record.snapshot.prefix.as_ref(), &record.snapshot.numbers(), items) {
            Whose::Ours { items, .. } | Whose::ReImported { items, .. } => Some(read_items(&items)),
            Whose::Disputed { .. } | Whose::Unclear(_) => None,
        }
    });
    let Some(shown) = shown else { return record.clone() };
    let today = ground.teller().today();
    let snapshot = read_snapshot_again(&record.snapshot, &shown, answer.last_seen_at, today);
    Record { snapshot, ..record.clone() }
}

/// The items of a stored answer; `None` where its pages are not a complete answer by today's rules.
fn gathered(pages: &[Vec<u8>]) -> Option<Vec<Item>> {
    let mut gathering = Gathering::default();
    for page in pages {
        match gathering.add(juhe::read_again(page)?) {
            NextPage::Ask => {}
            NextPage::Done(Observation::Complete(items)) => return Some(items),
            NextPage::Done(Observation::Empty | Observation::Incomplete(_)) => return None,
        }
    }
    None
}
