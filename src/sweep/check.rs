//! One company, asked: all its pages, each call counted before it is made, and read only where its bytes are new.

use std::num::NonZeroU16;

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use super::breaker::{Heard, SilenceIs, is_dead};
use super::counter::Counter;
use super::plan::{Attempt, Planned};
use super::report::Halt;
use super::stops::Stops;
use crate::domain::answer_digest::AnswerDigest;
use crate::domain::observation::{Gathering, Incompleteness, NextPage, Observation, PAGE_SIZE};
use crate::domain::outcome::Outcome;
use crate::domain::rhythm::Missed;
use crate::juhe::{Client, Failure, Pace, Reply};
use crate::store::StoreError;
use crate::store::asking::budget::{Calls, Cause, Counted};
use crate::store::checks::records::AnswerDigests;
use crate::store::steps::Step;

/// The version of our own reading, stored with each answer: like is compared with like (design 3).
pub(super) const PARSER_VERSION: i32 = 2;

/// Asks companies of one sweep.
#[derive(Clone, Copy)]
pub(super) struct Asking<'s> {
    pub(super) stops: Stops<'s>,
    pub(super) client: &'s Client,
    pub(super) counter: &'s Counter<'s>,
    /// When anybody was last verified before the sweep.
    pub(super) last_verified_at: Option<DateTime<Utc>>,
    pub(super) ending: &'s CancellationToken,
}

/// A company that may be asked.
#[derive(Debug, Clone)]
pub(super) struct Ready<'c> {
    pub(super) planned: Planned<'c>,
    pub(super) silence_is: SilenceIs,
    /// By what an answer is known that would change nothing; `None`: it is read, whatever it is.
    pub(super) known: Option<AnswerDigests>,
}

/// A company whose asking is over.
#[derive(Debug)]
pub(super) struct Asked<'c> {
    pub(super) planned: Planned<'c>,
    pub(super) silence_is: SilenceIs,
    /// Requests sent.
    pub(super) calls: i32,
    /// When the last of them was answered.
    pub(super) at: DateTime<Utc>,
    /// The answers as they came, the key overwritten. Left out where they came before.
    pub(super) pages: Vec<Vec<u8>>,
    pub(super) came: Came,
}

/// What came of asking.
#[derive(Debug)]
pub(super) enum Came {
    /// The last complete answer, which would change nothing.
    TheSame,
    /// What the pages say together; by what a complete answer is known again.
    Observed(Observation, Option<AnswerDigests>),
    Failed(Failure),
    /// More pages than calls may be made for: no second try today.
    TooManyPages(u16),
    /// Nothing was asked: asking is over.
    Over,
    /// Nothing was asked: the calls that the day has left do not pay all of its pages.
    Unpaid,
    /// Asking was stopped before all was there: nothing may be concluded.
    BrokenOff,
    /// qualwatch itself failed at it.
    Panicked,
}

impl Asking<'_> {
    /// Asks for one company, from leave to begin it to what it says of upstream.
    ///
    /// # Errors
    /// When a call cannot be counted: then nothing more is asked.
    pub(super) async fn ask(self, ready: Ready<'_>) -> Result<Asked<'_>, StoreError> {
        let Ready { planned, silence_is, known } = ready;
        if self.ending.is_cancelled() {
            self.stops.breaker.end(Halt::Ending);
        }
        let mut asked = Asked {
            planned,
            silence_is,
            calls: 0,
            at: self.stops.ground.now(),
            pages: Vec::new(),
            came: Came::Over,
        };
        if !self.stops.breaker.enter().await {
            return Ok(asked);
        }
        let came = self.ask_pages(&mut asked, known).await;
        asked.at = self.stops.ground.now();
        match &came {
            Ok(_) => self.stops.ledger.note_calls(asked.calls, missed_by(&asked)),
            Err(_) => self.stops.breaker.end(Halt::Ending),
        }
        let heard = came.as_ref().map_or(Heard::Nothing, |came| heard_of(&asked, came));
        if let Ok(Came::Failed(failure)) = &came {
            if matches!(heard, Heard::Silence { .. }) {
                self.stops.ledger.note_silence(&failure.reason);
            }
            if failure.pace() != Pace::GoesOn {
                Box::pin(self.stops.stop_asking(self.client, failure)).await?;
            }
        }
        self.stops.heard(heard).await?;
        let is_dead = matches!(heard, Heard::Silence { is: SilenceIs::ItsOwn, .. });
        if is_dead && asked.planned.attempt == Attempt::First && self.stops.breaker.spares_second_tries() {
            asked.planned.attempt = Attempt::Only;
        }
        asked.came = came?;
        Ok(asked)
    }

    /// Whose fault it is when a company is silent that has failed since `failing_since`.
    pub(super) fn silence_is(
        &self,
        failing_since: Option<DateTime<Utc>>,
        last_verified_at: Option<DateTime<Utc>>,
    ) -> SilenceIs {
        let anybody_verified_at = self.stops.breaker.last_whole_at().max(self.last_verified_at);
        if anybody_verified_at.is_none() {
            return SilenceIs::AnyonesFault;
        }
        let was_dead_before = failing_since.is_some_and(|since| is_dead(since, anybody_verified_at));
        let was_never_there = failing_since.is_some() && last_verified_at.is_none();
        if was_dead_before || was_never_there { SilenceIs::ItsOwn } else { SilenceIs::AnyonesFault }
    }

    /// A panic says nothing of upstream, and must not keep others from being begun.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn has_panicked(&self) -> Result<(), StoreError> {
        self.stops.heard(Heard::Nothing).await
    }

    async fn ask_pages(
        &self,
        asked: &mut Asked<'_>,
        known: Option<AnswerDigests>,
    ) -> Result<Came, StoreError> {
        self.stops.ground.steps.reached(Step::Claimed).await;
        if self.stops.breaker.is_over() {
            return Ok(Came::Over);
        }
        let (mut paid, paid_at) = (asked.planned.pages, self.stops.ground.now());
        match self.pay(asked.planned.cause, paid).await? {
            Counted::Yes => {}
            Counted::Spent if self.stops.breaker.is_over() => return Ok(Came::Over),
            Counted::Spent if paid > 1 => return Ok(Came::Unpaid),
            Counted::Spent => {
                Box::pin(self.stops.stop_at_own_limit(self.counter.limit())).await?;
                return Ok(Came::Over);
            }
        }
        let mut reading = Reading::new(known);
        let came = loop {
            self.stops.ground.steps.reached(Step::BeforeCall).await;
            asked.calls += 1;
            let reply = self.client.ask(&asked.planned.entry.keyword, reading.page()).await;
            let pages = match reading.add(reply, self.client) {
                Then::Done(came) => break came,
                Then::Ask { pages } => pages,
            };
            self.stops.ground.steps.reached(Step::BetweenPages).await;
            // Whole or not at all: what is known now to be missing is paid for together.
            let missing = pages.saturating_sub(paid);
            if missing > 0 && self.pay_pages(missing).await? == Counted::Spent {
                let is_over = self.stops.breaker.is_over();
                break if is_over { Came::BrokenOff } else { Came::TooManyPages(pages) };
            }
            paid = paid.max(pages);
            if self.stops.breaker.is_over() {
                break Came::BrokenOff;
            }
        };
        let unneeded = i64::from(paid) - i64::from(asked.calls);
        if unneeded > 0 {
            Box::pin(self.counter.give_back_pages(unneeded, paid_at)).await?;
        }
        asked.pages = reading.into_pages();
        self.stops.ground.steps.reached(Step::AfterAnswer).await;
        Ok(came)
    }

    /// Counts the first page, and the further ones of as many as it is known to have.
    async fn pay(&self, cause: Cause, pages: u16) -> Result<Counted, StoreError> {
        self.counter.count(Calls::of(cause, 1) + Calls::of(Cause::Page, i64::from(pages) - 1)).await
    }

    async fn pay_pages(&self, pages: u16) -> Result<Counted, StoreError> {
        self.counter.count(Calls::of(Cause::Page, i64::from(pages))).await
    }
}

/// The pages of one company while they come in.
struct Reading {
    replies: Vec<Reply>,
    /// So many of them are read: none while their bytes are the known ones.
    read: usize,
    gathering: Gathering,
    known: Option<AnswerDigests>,
    digests: Vec<u8>,
}

/// What to do after a page.
enum Then {
    Done(Came),
    /// Ask for the next one, of so many.
    Ask {
        pages: u16,
    },
}

impl Reading {
    fn new(known: Option<AnswerDigests>) -> Self {
        Self { replies: Vec::new(), read: 0, gathering: Gathering::default(), known, digests: Vec::new() }
    }

    /// The page to ask for.
    fn page(&self) -> NonZeroU16 {
        NonZeroU16::MIN.saturating_add(u16::try_from(self.replies.len()).unwrap_or(u16::MAX))
    }

    /// As they came; none of an answer whose bytes came before.
    fn into_pages(self) -> Vec<Vec<u8>> {
        let read = self.replies.into_iter().take(self.read);
        read.map(Reply::into_bytes).collect()
    }

    fn add(&mut self, reply: Reply, client: &Client) -> Then {
        self.digests.extend(AnswerDigest::of_body(reply.bytes()).as_bytes());
        let is_whole = reply.is_whole();
        self.replies.push(reply);
        match &self.known {
            Some(known) if self.read == 0 && is_whole && known.pages.starts_with(&self.digests) => {
                let pages = known.pages.len() / AnswerDigest::BYTES;
                if pages == self.replies.len() {
                    return Then::Done(Came::TheSame);
                }
                Then::Ask { pages: u16::try_from(pages).unwrap_or(u16::MAX) }
            }
            _ => self.read_all(client),
        }
    }

    /// Reads what was not read yet: also the pages before, whose bytes were known.
    fn read_all(&mut self, client: &Client) -> Then {
        while let Some(reply) = self.replies.get(self.read) {
            self.read += 1;
            let (page, is_last) = (client.judge(reply), self.read == self.replies.len());
            let page = match page {
                Ok(page) => page,
                Err(failure) if failure.class == Outcome::Empty => {
                    return Then::Done(Came::Observed(self.gathering.add_not_found(), None));
                }
                Err(failure) => return Then::Done(Came::Failed(failure)),
            };
            let total = page.total.unwrap_or_default();
            match self.gathering.add(page) {
                NextPage::Done(observation) => return Then::Done(self.observed(observation)),
                NextPage::Ask if is_last => {
                    let pages = u16::try_from(total.div_ceil(u64::from(PAGE_SIZE))).unwrap_or(u16::MAX);
                    return Then::Ask { pages };
                }
                NextPage::Ask => {}
            }
        }
        // Not reached: the last page always says what follows.
        Then::Done(Came::Observed(Observation::Incomplete(Incompleteness::NoTotal), None))
    }

    fn observed(&self, observation: Observation) -> Came {
        let Observation::Complete(items) = &observation else { return Came::Observed(observation, None) };
        let of_items = AnswerDigest::of_items(items).as_bytes().to_vec();
        if self.known.as_ref().is_some_and(|known| known.items == of_items) {
            return Came::TheSame;
        }
        let are_whole = self.replies.iter().all(Reply::is_whole);
        let digests = AnswerDigests { pages: self.digests.clone(), items: of_items, version: PARSER_VERSION };
        Came::Observed(observation, are_whole.then_some(digests))
    }
}

/// What had been missed when it was asked for: by the first try, for a second one is of the same turn.
fn missed_by(asked: &Asked<'_>) -> Missed {
    let is_begun = asked.calls > 0 && asked.planned.attempt == Attempt::First;
    if is_begun { asked.planned.missed } else { Missed::default() }
}

/// What a company's asking says of upstream.
fn heard_of(asked: &Asked<'_>, came: &Came) -> Heard {
    match came {
        Came::Failed(failure) if !failure.is_readable() => {
            Heard::Silence { company: asked.planned.place(), is: asked.silence_is }
        }
        Came::Over | Came::Unpaid | Came::Panicked => Heard::Nothing,
        Came::TheSame | Came::Observed(Observation::Complete(_), _) => Heard::Whole,
        Came::Observed(..) | Came::Failed(_) | Came::TooManyPages(_) | Came::BrokenOff => Heard::Answer,
    }
}
