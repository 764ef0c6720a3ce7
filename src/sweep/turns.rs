//! Turns: each company is taken by a worker, asked, and what it says of upstream is noted.

use std::panic::AssertUnwindSafe;
use std::sync::{Mutex, PoisonError};

use futures_util::FutureExt as _;
use futures_util::future::join_all;

use super::check::{Attempt, Turned};
use super::conclusion::Ending;
use super::hand::Hand;
use super::leave::Answered;
use super::notes::{Outcome, outcome};
use super::queue::Planned;
use super::report::{Halt, Problem};
use super::round::{Mode, Sweep};
use super::waiting::{Taken, Waiting};
use crate::domain::keyword::Keyword;
use crate::domain::observation::Incompleteness;
use crate::juhe::{Class, Client};
use crate::store::StoreError;
use crate::store::asking::budget::Cause;

impl Sweep<'_> {
    /// Takes each company's turn; gives those that are worth a second try.
    pub(super) async fn pass<'c>(
        &self,
        client: &Client,
        planned: Vec<Planned<'c>>,
        attempt: Attempt,
        probing: bool,
    ) -> Result<Vec<Planned<'c>>, StoreError> {
        let workers = usize::try_from(self.watchlist.api.concurrency.get()).unwrap_or(usize::MAX);
        let waiting = Waiting::new(planned, workers);
        let again = Mutex::new(Vec::new());
        let pass = Pass { client, waiting: &waiting, again: &again, attempt };
        let mut hand = Hand::default();
        if attempt == Attempt::First {
            hand = self.first_call_alone(&pass, probing, hand).await?;
        }
        // The first of them goes on with the connection that is there.
        let hands = std::iter::once(hand).chain(std::iter::repeat_with(Hand::default));
        let workers = hands.take(workers).map(|hand| self.work(&pass, hand));
        // All of them, also when one fails: what was asked for is stored where it can be.
        join_all(workers).await.into_iter().collect::<Result<Vec<()>, StoreError>>()?;
        let again = again.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(if self.leave.is_over() { Vec::new() } else { again })
    }

    /// A refused key costs one call, and a probe is one call.
    async fn first_call_alone(
        &self,
        pass: &Pass<'_, '_>,
        probing: bool,
        mut hand: Hand,
    ) -> Result<Hand, StoreError> {
        while let Some(mut first) = pass.waiting.first() {
            hand = self.claim(&first, hand).await?;
            let Some(mut company) = first.begin() else { break };
            if probing {
                company.cause = Cause::Probe;
            }
            match self.turn(pass, company, &mut hand).await? {
                Answered::Unasked if !self.leave.is_over() => continue,
                Answered::Readably if probing && !self.leave.is_over() => self.go_on().await?,
                Answered::Not if probing => self.pause_again().await?,
                _ => {}
            }
            break;
        }
        Ok(hand)
    }

    async fn claim(&self, taken: &Taken<'_, '_>, hand: Hand) -> Result<Hand, StoreError> {
        match self.mode {
            Mode::DryRun => Ok(hand),
            Mode::ForGood => {
                hand.claim(self.store, &taken.ids()).await.inspect_err(|_| self.leave.end(Halt::Ending))
            }
        }
    }

    /// A probe without a readable answer: asking stays as it was, stopped or paused.
    async fn pause_again(&self) -> Result<(), StoreError> {
        match self.standing_halt().await? {
            Some(halt) => self.leave.end(halt),
            None => self.pause_by_breaker().await?,
        }
        Ok(())
    }

    async fn work(&self, pass: &Pass<'_, '_>, mut hand: Hand) -> Result<(), StoreError> {
        while !self.leave.is_over() {
            let Some(mut taken) = pass.waiting.next().await else { break };
            hand = self.claim(&taken, hand).await?;
            while let Some(company) = taken.begin() {
                let answered = self.turn(pass, company, &mut hand).await?;
                // Whoever is slow to fail must not make the others of its batch wait: they go back into the line.
                if answered == Answered::Not || matches!(hand, Hand::Empty) || self.leave.is_over() {
                    break;
                }
            }
            // Before they are back in the line, or the next to take them would find them taken.
            hand = hand.put_down().await?;
            drop(taken);
        }
        hand.close().await
    }

    /// One company's turn, from leave to enter to what it says of upstream. A panic in it is a failed check.
    async fn turn<'c>(
        &self,
        pass: &Pass<'_, 'c>,
        company: Planned<'c>,
        hand: &mut Hand,
    ) -> Result<Answered, StoreError> {
        if self.ending.is_cancelled() {
            self.leave.end(Halt::Ending);
        }
        if !self.leave.enter().await {
            return Ok(Answered::Unasked);
        }
        let check = self.check(pass.client, &company, pass.attempt, hand);
        let answered = match AssertUnwindSafe(check).catch_unwind().await {
            Ok(Ok(turned)) => self.note_turn(pass, company, turned).await?,
            Ok(Err(error)) if error.is_of_the_database() => {
                self.leave.end(Halt::Ending);
                self.turn_is_over(Answered::Unasked).await?;
                return Err(error);
            }
            Ok(Err(error)) => {
                self.note_broken(&company, &chain(&error));
                Answered::Unasked
            }
            Err(_) => {
                self.note_broken(&company, "qualwatch itself failed at this company (a panic; see the log)");
                Answered::Unasked
            }
        };
        self.turn_is_over(answered).await?;
        Ok(answered)
    }

    async fn note_turn<'c>(
        &self,
        pass: &Pass<'_, 'c>,
        company: Planned<'c>,
        turned: Turned,
    ) -> Result<Answered, StoreError> {
        let keyword = company.entry.keyword.clone();
        let (calls, answered, outcome) = match turned {
            Turned::NotAsked => return Ok(Answered::Unasked),
            Turned::Elsewhere => {
                let reason = "another process is checking it, or has just done so";
                (0, Answered::Unasked, outcome(&keyword, Class::Transient.as_str(), None, reason))
            }
            Turned::BrokenOff { calls } => {
                let ending = Ending::Incomplete(Incompleteness::NotAllAsked);
                (calls, Answered::Readably, ended(&keyword, ending))
            }
            Turned::Stops { calls, failure } => {
                self.stop_asking(pass.client, &failure).await?;
                (calls, Answered::Readably, ended(&keyword, Ending::Failed(failure)))
            }
            Turned::Asked { calls, ending } => {
                let answered = answered(&ending);
                if answered == Answered::Not {
                    self.notes().last_failure = ending.reason();
                }
                if pass.attempt == Attempt::First && ending.is_transient() {
                    pass.again.lock().unwrap_or_else(PoisonError::into_inner).push(company);
                } else {
                    self.progress.advances(&keyword);
                }
                (calls, answered, ended(&keyword, ending))
            }
        };
        let mut notes = self.notes();
        notes.calls += calls;
        let was_asked = notes.outcomes.get(&keyword).is_some_and(|outcome| outcome.is_asked);
        let is_asked = was_asked || calls > 0;
        notes.outcomes.insert(keyword, Outcome { is_asked, ..outcome });
        Ok(answered)
    }

    fn note_broken(&self, company: &Planned<'_>, reason: &str) {
        let keyword = company.entry.keyword.clone();
        tracing::error!(company = keyword.as_str(), reason, "a check failed");
        let outcome = outcome(&keyword, Class::Transient.as_str(), None, reason);
        // A call may have been made; that it was not is not known.
        self.notes().outcomes.insert(keyword, Outcome { is_asked: true, ..outcome });
    }
}

/// What the workers of one pass share.
struct Pass<'p, 'c> {
    client: &'p Client,
    waiting: &'p Waiting<'c>,
    again: &'p Mutex<Vec<Planned<'c>>>,
    attempt: Attempt,
}

/// The outcome of a company that was asked.
fn ended(keyword: &Keyword, ending: Ending) -> Outcome {
    let problem = ending.reason().map(|reason| Problem {
        company: Some(keyword.clone()),
        class: ending.as_str().to_owned(),
        code: ending.code(),
        reason,
    });
    Outcome { is_asked: true, ending: Some(ending), problem }
}

/// What an ending says of upstream.
pub(super) fn answered(ending: &Ending) -> Answered {
    match ending {
        Ending::Failed(failure) if !failure.is_readable() => Answered::Not,
        _ => Answered::Readably,
    }
}

/// An error with its sources, in one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let sources = std::iter::successors(Some(error), |error| error.source());
    sources.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
