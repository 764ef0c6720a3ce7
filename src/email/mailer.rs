//! The mailer: from rows of deliveries to messages that a server has taken (design 5).
//!
//! One run goes from recipient to recipient on one connection. Each recipient is claimed by an advisory lock on the
//! connection that marks what was sent, so two daemons and a `check` can run at once and nothing is sent twice. Readers come
//! first and operators last, so that what operators must hear of this very run is in their digest.
//!
//! Reading order: [`run`](super::run) (what a run knows), this file (its course), [`delivery`](super::delivery) (one
//! recipient, one message), [`refusals`](super::refusals) (whose fault it was, and who waits), [`ripeness`](super::ripeness)
//! (whose mail goes now).

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use tracing::Instrument as _;

use super::digest::LETTER_BYTES_MAX;
use super::error::EmailError;
use super::outlet;
use super::post::Post;
use super::readers::Readers;
use super::refusals::{Moment, RECIPIENT_PAUSE_MAX};
use super::ripeness::{self, Ripe};
use super::run::{Gate, Mailed, Mailer, Next, Run, span_of};
use crate::domain::event::Trouble;
use crate::store::asking::stops::{self, What};
use crate::store::outbox::messages::{self, Waiting};
use crate::store::outbox::recipients::Recipient;
use crate::store::outbox::troubles;

/// How often a run looks in vain for what is left or became owed while it ran: what has no room in one digest, re-addressed
/// news, and what operators hear of the run itself.
const ROUNDS_IN_VAIN_MAX: usize = 3;

impl Mailer<'_> {
    /// Sends what is owed and ripe.
    ///
    /// # Errors
    /// When the database fails. What a server took before that is marked, or at least frozen: it is repeated with the same
    /// bytes. A mail server's refusal is no error: it is in [`Mailed::problems`].
    pub async fn send_owed(&self, ripe: Ripe) -> Result<Mailed, EmailError> {
        let mut run = Run {
            mailer: self,
            readers: Readers::new(self.watchlist),
            post: Post::new(
                outlet::courier(self.watchlist, self.secret()),
                self.watchlist.email.from.address.as_str(),
            ),
            letter_bytes_max: LETTER_BYTES_MAX,
            claims: None,
            stops: Vec::new(),
            gate: Gate::Open,
            failures_in_a_row: Vec::new(),
            pending: Vec::new(),
            sender_was_refused: false,
            set_aside: BTreeSet::new(),
            mailed: Mailed::default(),
        };
        run.send(ripe).await?;
        run.finish().await
    }
}

impl Run<'_> {
    async fn send(&mut self, ripe: Ripe) -> Result<(), EmailError> {
        let (mut is_first, mut rounds_in_vain) = (true, 0);
        while rounds_in_vain < ROUNDS_IN_VAIN_MAX {
            let mut batch = self.ripe(ripe).await?;
            if batch.is_empty() {
                if self.settle(Moment::Last).await? {
                    continue;
                }
                break;
            }
            if std::mem::take(&mut is_first) {
                self.gate = self.pass_the_gate(ripe).await?;
                match self.gate {
                    Gate::Open => {}
                    // One refused message must not hold back all: each try is another recipient's.
                    Gate::Probe => batch.sort_by_key(|waiting| waiting.attempts),
                    Gate::Shut => break,
                }
            }
            let sent_before = self.mailed.sent;
            // To ask who waits is to count all that is owed: not for each part of it.
            while !batch.is_empty() {
                let Some(owed_more) = self.serve_each(batch, ripe).await? else {
                    self.settle(Moment::GivenUp).await?;
                    return Ok(());
                };
                batch = owed_more;
            }
            self.settle(Moment::Between).await?;
            if self.mailed.sent == sent_before {
                rounds_in_vain += 1;
            }
        }
        self.settle(Moment::Last).await?;
        Ok(())
    }

    /// Serves each of them once; gives those who are owed more than was read of it. `None`: the run is over.
    async fn serve_each(
        &mut self,
        batch: Vec<Waiting>,
        ripe: Ripe,
    ) -> Result<Option<Vec<Waiting>>, EmailError> {
        let mut owed_more = Vec::new();
        for waiting in batch {
            // Who hears of it hears of it in this run's digest.
            if self.mailed.sent > 0 {
                self.settle(Moment::Between).await?;
            }
            let span = span_of(&waiting.recipient);
            let mut next = self.serve(&waiting, ripe).instrument(span.clone()).await?;
            // It ends: a fresh connection has taken nothing, and a message is halved down to a least size only.
            while next == Next::Again {
                next = self.serve(&waiting, ripe).instrument(span.clone()).await?;
            }
            match next {
                Next::End => return Ok(None),
                // What was sent was taken: nothing of earlier attempts counts any more.
                Next::Recipients => {
                    owed_more.push(Waiting { attempts: 0, next_attempt_at: None, ..waiting });
                }
                Next::Message | Next::Recipient | Next::Again => {}
            }
        }
        Ok(Some(owed_more))
    }

    /// Whose mail goes now. Whose address has left the file comes first: what is re-addressed is then in the digest of who
    /// gets it. Then readers, then operators; last who was not reached before.
    async fn ripe(&self, ripe: Ripe) -> Result<Vec<Waiting>, EmailError> {
        let now = self.mailer.clock.now();
        let is_over = |waiting: &Waiting| {
            ripe == Ripe::Everything || ripeness::is_over(waiting.next_attempt_at, RECIPIENT_PAUSE_MAX, now)
        };
        let mut batch = messages::waiting(self.mailer.store.pool()).await?;
        batch.retain(|waiting| {
            !self.set_aside.contains(&waiting.recipient)
                && is_over(waiting)
                && self.share_of(waiting, ripe).is_some()
        });
        batch.sort_by_key(|waiting| {
            let is_named = self.readers.names(&waiting.recipient);
            (waiting.attempts > 0, is_named, waiting.operator_since.is_some())
        });
        Ok(batch)
    }

    async fn finish(mut self) -> Result<Mailed, EmailError> {
        if let Some(claims) = self.claims.take() {
            claims.close().await?;
        }
        // That one recipient's message is put off says nothing of the others'.
        if self.mailed.sent == 0
            && self.failures_in_a_row.len() > 1
            && let Some(failure) = self.failures_in_a_row.last().cloned()
        {
            self.back_off(&failure).await?;
        }
        let pool = self.mailer.store.pool();
        let standing = messages::standing(pool).await?;
        self.mailed.owed = standing.owed;
        self.mailed.stopped = stops::stop(pool, What::Mail).await?;
        if self.mailed.stopped.is_none() {
            self.tell_of_late_mail(standing.oldest).await?;
        }
        self.post.close().await;
        Ok(self.mailed)
    }

    /// Operators hear whose mail is late, and when it is not any more; while the server is away only that. Of what stops all
    /// mail they hear by that.
    async fn tell_of_late_mail(&mut self, oldest: Option<DateTime<Utc>>) -> Result<(), EmailError> {
        let (pool, teller) = (self.mailer.store.pool(), self.mailer.teller());
        let digest = self.digest();
        // Nearly always nothing is, and to ask who waits is to count all that is owed.
        let may_be_late = oldest.is_some_and(|oldest| teller.now - oldest >= ripeness::LATE_AFTER);
        let waiting = if may_be_late { messages::waiting(pool).await? } else { Vec::new() };
        let late: BTreeMap<&Recipient, DateTime<Utc>> = waiting
            .iter()
            .filter_map(|waiting| {
                Some((&waiting.recipient, ripeness::late_since(waiting, digest, teller.now)?))
            })
            .collect();
        let open = troubles::open_of_the_service(pool).await?;
        let server = stops::stop(pool, What::Courier).await?;
        if let (Some(server), Some(since)) = (server, late.values().min()) {
            self.mailed.told.extend(troubles::tell(pool, &[teller.all_late(&server.reason, *since)]).await?);
            return Ok(());
        }
        let over = open.iter().filter(|open| {
            open.trouble == Trouble::EmailLate && !late.keys().any(|who| who.as_str() == open.cause)
        });
        let mut turns: Vec<_> = over.map(|open| teller.late_no_more(&open.cause)).collect();
        turns.extend(late.into_iter().map(|(recipient, since)| teller.late(recipient, since)));
        self.mailed.told.extend(troubles::tell(pool, &turns).await?);
        Ok(())
    }
}
