//! All pages of one company, each call counted before it is made.

use std::num::NonZeroU16;
use std::time::Duration;

use super::queue::Planned;
use super::round::Sweep;
use crate::clock::pause;
use crate::domain::observation::{Gathering, Next, Observation};
use crate::juhe::{Class, Client, Failure};
use crate::store::StoreError;
use crate::store::asking::budget::{self, Cause, Counted};
use crate::store::checks::claims::CompanyClaim;
use crate::store::steps::Step;

/// How often a claim that waits for upstream says that it is still there: well within the session's idle time-out.
const TOUCH_EVERY: Duration = Duration::from_mins(1);

/// What asking brought.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    /// The answers as they came, the key overwritten.
    pub pages: Vec<Vec<u8>>,
    /// Requests sent.
    pub calls: i32,
    pub came: Came,
}

/// What came of all pages together.
#[derive(Debug, Clone)]
pub(super) enum Came {
    Observed(Observation),
    Failed(Failure),
    /// The day's calls were used up, or asking was stopped, before all was there: nothing may be concluded.
    BrokenOff,
}

impl Sweep<'_> {
    /// Asks for all pages of a company.
    ///
    /// # Errors
    /// When a call cannot be counted, or the claim has gone: then nothing more is asked.
    pub(super) async fn ask(
        &self,
        client: &Client,
        planned: &Planned<'_>,
        mut claim: Option<&mut CompanyClaim<'_>>,
    ) -> Result<Asked, StoreError> {
        let mut asked = Asked { pages: Vec::new(), calls: 0, came: Came::BrokenOff };
        let mut gathering = Gathering::default();
        let (mut page, mut cause) = (NonZeroU16::MIN, planned.cause);
        let keyword = &planned.entry.keyword;
        self.steps.reached(Step::Claimed).await;
        loop {
            if !self.count(cause).await? {
                return Ok(asked);
            }
            self.steps.reached(Step::BeforeCall).await;
            asked.calls += 1;
            let reply = match claim.as_deref_mut() {
                Some(claim) => holding(claim, client.ask(keyword, page)).await?,
                None => client.ask(keyword, page).await,
            };
            let outcome = client.judge(&reply);
            asked.pages.push(reply.into_bytes());
            asked.came = match outcome {
                Ok(found) => match gathering.add(found) {
                    Next::Ask(next) => {
                        self.steps.reached(Step::BetweenPages).await;
                        (page, cause) = (next, Cause::Page);
                        continue;
                    }
                    Next::Done(observation) => Came::Observed(observation),
                },
                Err(failure) if failure.class == Class::Empty => Came::Observed(gathering.add_not_found()),
                Err(failure) => Came::Failed(failure),
            };
            return Ok(asked);
        }
    }

    /// Counts a call; says whether it may be made.
    async fn count(&self, cause: Cause) -> Result<bool, StoreError> {
        if self.leave.is_over() {
            return Ok(false);
        }
        let limit = self.watchlist.api.calls_per_day.map_or(0, std::num::NonZeroU32::get);
        match budget::count(self.store.pool(), cause, limit, self.clock.now()).await? {
            Counted::Yes => Ok(true),
            Counted::Spent => {
                self.stop_at_own_limit(limit).await?;
                Ok(false)
            }
        }
    }
}

/// Waits for `work` while the claim's connection is kept awake: the server ends sessions that are silent for minutes.
async fn holding<T>(claim: &mut CompanyClaim<'_>, work: impl Future<Output = T>) -> Result<T, StoreError> {
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return Ok(done),
            () = pause(TOUCH_EVERY) => claim.touch().await?,
        }
    }
}
