//! One company: claimed, asked, concluded, stored.

use super::ask::{Asked, Came};
use super::conclusion::{Conclusion, Ending, PrefixIs, conclude, new_prefix, sort};
use super::hand::Hand;
use super::judging::Case;
use super::queue::Planned;
use super::round::{Mode, Sweep};
use crate::domain::identity::Whose;
use crate::juhe::{Client, Failure, Pace};
use crate::store::StoreError;
use crate::store::checks::batches;
use crate::store::checks::claims::CompanyClaim;
use crate::store::checks::records::Record;
use crate::store::checks::sweeps::{self, Answer};
use crate::store::companies::succession;
use crate::store::steps::Step;

/// The version of our own reading, stored with each answer: like is compared with like (design 3).
pub(super) const PARSER_VERSION: i32 = 1;

/// Whether a transient failure is tried once more later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attempt {
    First,
    Last,
}

/// What became of a company's turn.
#[derive(Debug, Clone)]
pub(super) enum Turned {
    /// Another process has it, or has asked for it since the sweep began.
    Elsewhere,
    /// No call was made: asking is over.
    NotAsked,
    /// Asked; calls made, and how it ended. Stored, unless it is to be tried again.
    Asked { calls: i32, ending: Ending },
    /// Asked, but not to the end: asking was stopped in between. Nothing is stored.
    BrokenOff { calls: i32 },
    /// The provider's answer stops all asking. Nothing is stored of the company, which stays due.
    Stops { calls: i32, failure: Failure },
}

impl Sweep<'_> {
    /// Takes one company's turn. `hand` is what the worker holds: nothing after a panic, and with it every lock.
    pub(super) async fn check(
        &self,
        client: &Client,
        planned: &Planned<'_>,
        attempt: Attempt,
        hand: &mut Hand,
    ) -> Result<Turned, StoreError> {
        let (Mode::ForGood, Some(id)) = (self.mode, planned.id) else {
            return self.check_dry(client, planned).await;
        };
        let Hand::Holds { mut batch, mut records } = std::mem::take(hand) else {
            return Ok(Turned::Elsewhere);
        };
        let turned = match (records.take(id), batch.claim(id)) {
            (Ok(Some(record)), Some(mut claim)) if record.last_asked_at == planned.last_asked_at => {
                self.check_claimed(client, planned, attempt, &record, &mut claim).await
            }
            (Err(unreadable), _) => Err(unreadable),
            _ => Ok(Turned::Elsewhere),
        };
        // A panic does not come here: who knows how it left the connection.
        *hand = Hand::Holds { batch, records };
        turned
    }

    async fn check_claimed(
        &self,
        client: &Client,
        planned: &Planned<'_>,
        attempt: Attempt,
        record: &Record,
        claim: &mut CompanyClaim<'_>,
    ) -> Result<Turned, StoreError> {
        let asked = self.ask(client, planned, Some(claim)).await?;
        if let Some(early) = early(&asked) {
            return Ok(early);
        }
        self.steps.reached(Step::AfterAnswer).await;
        let reread = self.reread(claim, record).await?;
        let record = reread.as_ref().unwrap_or(record);
        let mut whose = sort(record, &asked);
        let prefix_is = match whose.as_ref().and_then(|whose| new_prefix(record, whose)) {
            Some(prefix) if sweeps::prefix_is_taken(claim, prefix.as_str()).await? => PrefixIs::Taken,
            _ => PrefixIs::Free,
        };
        let heir = match prefix_is {
            PrefixIs::Free => self.heir(claim, record, whose.as_ref()).await?,
            PrefixIs::Taken => None,
        };
        if let Some(heir) = &heir {
            whose = sort(heir, &asked);
        }
        let record = heir.as_ref().unwrap_or(record);
        if let Some(Whose::ReImported { prefix, .. }) = &whose {
            tracing::warn!(company = record.keyword.as_str(), %prefix, "imported anew upstream, under another id: accepted");
        }
        let case = Case { record, entry: planned.entry, teller: self.teller() };
        let conclusion = conclude(&case, &asked, whose.clone(), prefix_is);
        if attempt == Attempt::First && conclusion.ending.is_transient() {
            return Ok(Turned::Asked { calls: asked.calls, ending: conclusion.ending });
        }
        self.steps.reached(Step::BeforeCommit).await;
        let conclusion = match self.commit(&case, &asked, &conclusion, claim).await {
            Err(error) if error.is_of_a_taken_prefix() => {
                let conclusion = conclude(&case, &asked, whose, PrefixIs::Taken);
                self.commit(&case, &asked, &conclusion, claim).await?;
                conclusion
            }
            committed => committed.map(|()| conclusion)?,
        };
        self.steps.reached(Step::AfterCommit).await;
        Ok(Turned::Asked { calls: asked.calls, ending: conclusion.ending })
    }

    /// The company with the history of one that has left the file, when this first answer bears its prefix.
    async fn heir(
        &self,
        claim: &mut CompanyClaim<'_>,
        record: &Record,
        whose: Option<&Whose>,
    ) -> Result<Option<Record>, StoreError> {
        let Some(Whose::Ours { prefix: Some(prefix), .. }) = whose else { return Ok(None) };
        let is_first = record.snapshot.baseline_at.is_none() && record.snapshot.held.is_empty();
        if is_first && succession::succeed(claim, prefix.as_str(), self.clock.now()).await? {
            let Some(heir) = batches::read_claimed(claim).await? else { return Ok(None) };
            return Ok(Some(self.reread(claim, &heir).await?.unwrap_or(heir)));
        }
        Ok(None)
    }

    async fn commit(
        &self,
        case: &Case<'_>,
        asked: &Asked,
        conclusion: &Conclusion,
        claim: &mut CompanyClaim<'_>,
    ) -> Result<(), StoreError> {
        let answer = Answer {
            outcome: conclusion.ending.as_str(),
            pages: &asked.pages,
            parser_version: PARSER_VERSION,
        };
        let check = sweeps::Checked {
            now: case.now(),
            before: case.record,
            after: &conclusion.after,
            answer: Some(answer),
            told: &conclusion.told,
            events: &case.teller.owed_to_readers(conclusion.events.clone(), case.company()),
            troubles: &conclusion.troubles,
        };
        let told = sweeps::commit_check(claim, &check).await?;
        self.note_told(told);
        Ok(())
    }

    /// The same without claim and commit: what would be found.
    async fn check_dry(&self, client: &Client, planned: &Planned<'_>) -> Result<Turned, StoreError> {
        let stored = match planned.id {
            Some(id) => batches::read(self.store.pool(), &[id]).await?.take(id)?,
            None => None,
        };
        let entry = planned.entry;
        let record = stored
            .unwrap_or_else(|| Record::unknown(entry.keyword.clone(), entry.name.clone(), self.clock.now()));
        let asked = self.ask(client, planned, None).await?;
        if let Some(early) = early(&asked) {
            return Ok(early);
        }
        let record = self.reread_dry(record).await?;
        let case = Case { record: &record, entry, teller: self.teller() };
        let conclusion = conclude(&case, &asked, sort(&record, &asked), PrefixIs::Free);
        let troubles = conclusion.troubles.into_iter().map(|turn| turn.owed.event);
        self.note_told(self.imagined(conclusion.events.into_iter().chain(troubles)));
        Ok(Turned::Asked { calls: asked.calls, ending: conclusion.ending })
    }
}

/// What ends a company's turn before anything can be concluded.
fn early(asked: &Asked) -> Option<Turned> {
    match &asked.came {
        Came::BrokenOff if asked.calls == 0 => Some(Turned::NotAsked),
        Came::BrokenOff => Some(Turned::BrokenOff { calls: asked.calls }),
        Came::Failed(failure) if failure.pace() != Pace::GoesOn => {
            Some(Turned::Stops { calls: asked.calls, failure: failure.clone() })
        }
        _ => None,
    }
}
