//! What a check prints, for people and programs.

use std::sync::Arc;

use serde::Serialize;

use crate::commands::context::Context;
use crate::commands::shapes::MailShape;
use crate::domain::health::ShownProblem;
use crate::store::Store;
use crate::store::checks::claims::BATCH_COMPANIES_MAX;
use crate::store::companies::CompanyId;
use crate::store::outbox::events::{EventId, Recorded};
use crate::store::reports::{self, BATCH_EVENTS_MAX};
use crate::sweep::{self, OpenDoubt};

/// What `check --json` prints beside the events: a contract (design 7).
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) companies: CompaniesShape,
    /// Requests sent.
    pub(super) calls: i32,
    pub(super) mail: MailShape,
    pub(super) problems: Vec<ShownProblem>,
}

/// The events, which are read when they are shown: a first sweep of a hundred thousand companies finds as many, of 2 kB each.
pub(super) struct EventsFound<'a> {
    pub(super) store: &'a Store,
    pub(super) stored: Vec<EventId>,
    /// Those of a dry run, and those of the mail.
    pub(super) others: Vec<Recorded>,
}

impl EventsFound<'_> {
    /// Hands them over in the order in which they were found.
    pub(super) async fn each(
        self,
        mut take: impl FnMut(Recorded) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        for ids in self.stored.chunks(usize::try_from(BATCH_EVENTS_MAX).unwrap_or(usize::MAX)) {
            reports::events_by_id(self.store.pool(), ids).await?.into_iter().try_for_each(&mut take)?;
        }
        self.others.into_iter().try_for_each(take)
    }
}

/// What is in doubt, which is read when it is shown: on the day of a decree every certificate is.
pub(super) struct DoubtsFound<'a> {
    pub(super) context: &'a Context,
    pub(super) store: &'a Store,
    pub(super) of: Vec<CompanyId>,
}

impl DoubtsFound<'_> {
    pub(super) async fn each(
        self,
        mut take: impl FnMut(OpenDoubt) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let Context { watchlist, clock, .. } = self.context;
        for ids in self.of.chunks(BATCH_COMPANIES_MAX) {
            for doubt in sweep::open_doubts(self.store, watchlist, Arc::clone(clock), ids).await? {
                take(doubt)?;
            }
        }
        Ok(())
    }
}

/// Companies for which a call was made, each in one of the four, and those for which none was.
#[derive(Debug, Serialize)]
pub(super) struct CompaniesShape {
    pub(super) asked: i32,
    pub(super) complete: i32,
    pub(super) incomplete: i32,
    pub(super) failed: i32,
    pub(super) disputed: i32,
    pub(super) skipped: u32,
}
