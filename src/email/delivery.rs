//! One recipient: claimed, their unfinished messages repeated as they are, the rest made into a digest and sent.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::digest::shared_change::{Alike, Unlisted};
use super::digest::{Around, Letter, compose_with_unlisted};
use super::error::EmailError;
use super::message::{Envelope, build};
use super::receipt::Receipt;
use super::rest::{self, ToldAtOnce};
use super::ripeness::Ripe;
use super::run::{MailProblem, Next, Run, Served};
use super::smtp::censor::Censor;
use super::smtp::failure::{Blame, SendFailure, Stage};
use crate::clock;
use crate::config::EmailAddress;
use crate::domain::event::Event;
use crate::domain::keyword::Keyword;
use crate::store::StoreError;
use crate::store::outbox::address_changes;
use crate::store::outbox::messages::{self, DeliveryId, Draft, Loose, MessageRow, Waiting};
use crate::store::outbox::recipients::{self, Recipient, RecipientClaim, Taken};
use crate::store::outbox::troubles;
use crate::store::steps::Step;

/// A claim is touched this often while a server thinks: well below the `idle_session_timeout` of its connection.
const TOUCH_EVERY: Duration = Duration::from_mins(1);

/// So many events are named in one digest; the rest follows in the next.
const LISTED_MAX: usize = 6_000;

/// Of so many certificates whose ends moved alike the numbers are listed; the rest is counted.
const ALIKE_LISTED_MAX: usize = 500;

/// A message that a server calls too large is halved, but not to less.
const LETTER_BYTES_LEAST: usize = 1_000;

/// Bytes of the hash in a Message-ID.
const ID_BYTES: usize = 16;

const BAD_ADDRESS: &str = "correct the address in the watchlist, then run `qualwatch retry`";
const UNBUILDABLE: &str = "this is a fault of qualwatch: please report it";

/// A message on its way.
pub(super) struct Parcel<'a> {
    /// The address as it is spelt.
    pub address: &'a str,
    /// Without angle brackets.
    pub message_id: &'a str,
    /// The bytes.
    pub content: &'a [u8],
    /// How many events it tells.
    pub events: usize,
    /// The oldest of what it tells.
    pub first: Option<DeliveryId>,
    /// Whether its bytes are stored.
    pub state: MessageState<'a>,
}

/// Whether a message's bytes are settled.
#[derive(Clone, Copy)]
pub(super) enum MessageState<'a> {
    /// Its DATA has begun once: every repeat carries the same bytes.
    Frozen(MessageRow),
    /// No server was offered it.
    Draft {
        /// For people.
        subject: &'a str,
        /// What it tells.
        covers: &'a [DeliveryId],
    },
}

/// What one digest tells.
#[derive(Default)]
struct Gathered {
    listed: Vec<Loose>,
    alike: BTreeMap<Alike, Group>,
}

/// Certificates whose ends moved alike.
#[derive(Default)]
struct Group {
    listed: usize,
    /// Deliveries that are counted and not listed.
    unlisted: Vec<DeliveryId>,
    /// How many of those are of a part of a certificate.
    parts: usize,
    /// Whose certificates these are.
    companies: BTreeSet<Keyword>,
}

impl Gathered {
    fn add(&mut self, delivery: Loose) {
        let Some(alike) = Alike::of(&delivery.event) else { return self.listed.push(delivery) };
        let group = self.alike.entry(alike).or_default();
        if group.listed < ALIKE_LISTED_MAX {
            group.listed += 1;
            self.listed.push(delivery);
        } else {
            group.unlisted.push(delivery.id);
            group.parts += usize::from(delivery.event.is_of_a_part());
            group.companies.extend(delivery.event.company);
        }
    }

    /// Whose certificates are counted, some of them or all not listed.
    fn companies_of_unlisted(&self) -> HashSet<Keyword> {
        self.alike.values().flat_map(|group| &group.companies).cloned().collect()
    }

    /// What is counted and not listed, with the deliveries.
    fn unlisted(&self) -> Vec<(Unlisted, &[DeliveryId])> {
        let listed = |alike: &Alike| -> BTreeSet<&Keyword> {
            let events = self.listed.iter().map(|delivery| &delivery.event);
            let events = events.filter(|event| Alike::of(event).as_ref() == Some(alike));
            events.filter_map(|event| event.company.as_ref()).collect()
        };
        let groups = self.alike.iter().filter(|(_, group)| !group.unlisted.is_empty());
        let unlisted = groups.map(|(alike, group)| {
            let besides = |those: &BTreeSet<&Keyword>| {
                group.companies.iter().filter(|company| !those.contains(company)).count()
            };
            let unlisted = Unlisted {
                alike: *alike,
                certificates: group.unlisted.len(),
                parts: group.parts,
                companies: besides(&listed(alike)),
            };
            (unlisted, group.unlisted.as_slice())
        });
        unlisted.collect()
    }
}

impl Run<'_> {
    /// Sends one recipient what is ripe, unless another process does.
    pub(super) async fn serve(&mut self, waiting: &Waiting, ripe: Ripe) -> Result<Next, EmailError> {
        let claims = match self.claims.take() {
            Some(claims) => claims,
            None => self.mailer.store.claims().await?,
        };
        let mut claim = match recipients::take(claims, waiting.recipient.clone()).await? {
            Taken::Claimed(claim) => claim,
            Taken::Busy(claims) => {
                self.claims = Some(claims);
                self.set_aside.insert(waiting.recipient.clone());
                return Ok(Next::Recipient);
            }
        };
        let mut served = Served { claim: &mut claim, attempts: waiting.attempts, is_apart: waiting.is_apart };
        let next = Box::pin(self.serve_claimed(&mut served, waiting, ripe)).await?;
        self.claims = Some(claim.release().await?);
        if !matches!(next, Next::Message | Next::Recipients | Next::Again) {
            self.set_aside.insert(waiting.recipient.clone());
        }
        Ok(next)
    }

    async fn serve_claimed(
        &mut self,
        served: &mut Served<'_>,
        waiting: &Waiting,
        ripe: Ripe,
    ) -> Result<Next, EmailError> {
        let sent_before = self.mailed.sent;
        for message in &messages::frozen(served.claim).await? {
            let parcel = Parcel {
                address: &message.address,
                message_id: &message.message_id,
                content: &message.content,
                events: usize::try_from(message.events).unwrap_or_default(),
                first: message.first,
                state: MessageState::Frozen(message.row),
            };
            match self.send_parcel(served, &parcel).await? {
                Next::Message => {}
                next => return Ok(next),
            }
        }
        let (gathered, is_more) = self.gather(served.claim, waiting, ripe).await?;
        // How large a message may be, the server says.
        if !gathered.listed.is_empty()
            && let Err(failure) = self.open(served.claim).await?
        {
            return self.failed(served, &failure, Vec::new()).await;
        }
        let (unlisted, deliveries): (Vec<_>, Vec<_>) = gathered.unlisted().into_iter().unzip();
        let (watchlist, now) = (self.mailer.watchlist, self.mailer.clock.now());
        let events: Vec<&Event> = gathered.listed.iter().map(|delivery| &delivery.event).collect();
        let told = ToldAtOnce {
            recipient: &waiting.recipient,
            events: &events,
            unlisted: gathered.companies_of_unlisted(),
            is_all: !is_more,
        };
        let around =
            rest::around(self.mailer.store.pool(), watchlist, &told, self.mailer.day_of(now)).await?;
        for letter in self.write(&gathered.listed, &unlisted, &around) {
            let next = match letter {
                Ok(letter) => self.send_letter(served, &letter, (&gathered.listed, &deliveries)).await?,
                Err(poison) => {
                    let failure = unbuildable("writing the mail panicked: the log says where");
                    self.failed(served, &failure, vec![poison]).await?
                }
            };
            match next {
                Next::Message => {}
                next => return Ok(next),
            }
        }
        // What was read and not sent would only be read again.
        let is_more = is_more && self.mailed.sent > sent_before;
        Ok(if is_more { Next::Recipients } else { Next::Message })
    }

    /// The letters of a digest, and what cannot be written.
    fn write(
        &self,
        listed: &[Loose],
        unlisted: &[Unlisted],
        around: &Around,
    ) -> Vec<Result<Letter, DeliveryId>> {
        let language = self.mailer.watchlist.language;
        let today = self.mailer.day_of(self.mailer.clock.now());
        let bytes_max = self.post.size_max().unwrap_or(usize::MAX).min(self.letter_bytes_max);
        let compose = |some: &[Loose]| {
            let events: Vec<&Event> = some.iter().map(|delivery| &delivery.event).collect();
            // What is counted and not listed waits where not all can be written.
            let unlisted = if some.len() == listed.len() { unlisted } else { &[] };
            compose_with_unlisted(&events, unlisted, around, language, today, bytes_max)
        };
        let mut letters = Vec::new();
        compose_apart(listed, 0, &compose, &mut letters);
        let id = |place: usize| listed.get(place).map(|delivery| Err(delivery.id));
        letters.into_iter().filter_map(|letter| letter.map_or_else(id, |it| Some(Ok(it)))).collect()
    }

    /// What the recipient's next digest tells of what is ripe, and whether more is owed than that. What they no longer get is
    /// cancelled on the way.
    async fn gather(
        &mut self,
        claim: &mut RecipientClaim,
        waiting: &Waiting,
        ripe: Ripe,
    ) -> Result<(Gathered, bool), EmailError> {
        // More may have come, or less be left, since it was read who waits.
        let (reader_since, operator_since) = messages::loose_since(claim).await?;
        let now_waiting = Waiting { reader_since, operator_since, ..waiting.clone() };
        let share = self.share_of(&now_waiting, ripe).unwrap_or_default();
        let (mut gathered, mut next, mut is_readable) = (Gathered::default(), None, true);
        loop {
            let mut slice = messages::loose(claim, next).await?;
            is_readable &= slice.unreadable.is_empty();
            self.report_unreadable(claim.recipient(), slice.unreadable);
            slice.loose.retain(|delivery| share.contains(&delivery.event.kind().audience()));
            let others = self.readdress(claim, &slice.loose).await?;
            slice.loose.retain(|delivery| !others.contains(&delivery.id));
            for delivery in slice.loose {
                gathered.add(delivery);
            }
            next = slice.next;
            if next.is_none() || gathered.listed.len() >= LISTED_MAX {
                return Ok((gathered, is_readable && next.is_some()));
            }
        }
    }

    /// Cancels what the recipient no longer gets, and gives it.
    async fn readdress(
        &mut self,
        claim: &mut RecipientClaim,
        loose: &[Loose],
    ) -> Result<BTreeSet<DeliveryId>, EmailError> {
        let recipient = claim.recipient().clone();
        let others = self.readers.others(loose, &recipient);
        if !others.is_empty() {
            let now = self.mailer.clock.now();
            let new = address_changes::readdress(claim, &others, now).await?;
            tracing::info!(cancelled = others.len(), to = new.len(), "no longer gets this news by the file");
            if !self.readers.names(&recipient) {
                self.tell_of_readdressed(claim, &new).await?;
            }
        }
        Ok(others.into_iter().map(|(delivery, _)| delivery.id).collect())
    }

    /// That an address could not be reached matters no more when the file does not name it and what it was owed has gone
    /// elsewhere.
    async fn tell_of_readdressed(
        &mut self,
        claim: &mut RecipientClaim,
        to: &[Recipient],
    ) -> Result<(), EmailError> {
        let causes = address_changes::undeliverable_causes(claim).await?;
        if causes.is_empty() {
            return Ok(());
        }
        let teller = self.mailer.teller();
        let turns: Vec<_> =
            causes.iter().map(|cause| teller.readdressed(claim.recipient(), cause, to)).collect();
        self.mailed.told.extend(troubles::tell(self.mailer.store.pool(), &turns).await?);
        Ok(())
    }

    async fn send_letter(
        &mut self,
        served: &mut Served<'_>,
        letter: &Letter,
        (all, unlisted): (&[Loose], &[&[DeliveryId]]),
    ) -> Result<Next, EmailError> {
        let listed: Vec<&Loose> = letter.covers.iter().filter_map(|place| all.get(*place)).collect();
        let Some(first) = listed.first() else { return Ok(Next::Message) };
        let unlisted = letter.covers_unlisted.iter().filter_map(|place| unlisted.get(*place));
        let unlisted = unlisted.flat_map(|ids| ids.iter().copied());
        let covers: Vec<DeliveryId> = listed.iter().map(|delivery| delivery.id).chain(unlisted).collect();
        let built = self.build(letter, &first.address, &covers);
        self.mailer.steps.reached(Step::DigestBuilt).await;
        match built {
            Ok((message_id, content)) => {
                let parcel = Parcel {
                    address: &first.address,
                    message_id: &message_id,
                    content: &content,
                    events: covers.len(),
                    first: covers.iter().min().copied(),
                    state: MessageState::Draft { subject: &letter.subject, covers: &covers },
                };
                self.send_parcel(served, &parcel).await
            }
            Err(failure) => self.failed(served, &failure, covers).await,
        }
    }

    fn build(
        &self,
        letter: &Letter,
        address: &str,
        covers: &[DeliveryId],
    ) -> Result<(String, Vec<u8>), SendFailure> {
        let censor = Censor::new(None);
        let to: EmailAddress = address.parse().map_err(|bad| {
            let reply = censor.clean(&format!("{bad}"));
            SendFailure::found(Stage::Rcpt, Blame::RecipientForGood, reply, BAD_ADDRESS)
        })?;
        let watchlist = self.mailer.watchlist;
        let at = self.mailer.clock.now();
        let from = &watchlist.email.from;
        // Of the moment and the words too: the rows of a second installation bear the same numbers.
        let mut hash = Sha256::new();
        hash.update(format!("{at:?} {address} {} {}", letter.subject, letter.text));
        for id in covers {
            hash.update(format!("{id:?}"));
        }
        let id = hash.finalize().iter().take(ID_BYTES).fold(0_u128, |id, &byte| id << 8 | u128::from(byte));
        let message_id = format!("{id:032x}@{}", from.address.domain());
        let envelope = Envelope { from, to: &to, at, zone: watchlist.timezone, message_id: &message_id };
        // A panic, too, is this message's failure alone.
        match catch_unwind(AssertUnwindSafe(|| build(letter, &envelope))) {
            Ok(Ok(content)) => Ok((message_id, content)),
            Ok(Err(error)) => {
                let source = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
                Err(unbuildable(&format!("{error}: {source}")))
            }
            Err(_) => Err(unbuildable("building the message panicked: the log says where")),
        }
    }

    /// One message's way: offered, frozen where it is not yet, handed over, marked.
    async fn send_parcel(
        &mut self,
        served: &mut Served<'_>,
        parcel: &Parcel<'_>,
    ) -> Result<Next, EmailError> {
        let steps = self.mailer.steps;
        if let Err(failure) = self.offer(served.claim, parcel.address).await? {
            let covers = match parcel.state {
                MessageState::Frozen(_) => Vec::new(),
                MessageState::Draft { covers, .. } => covers.to_vec(),
            };
            return self.failed(served, &failure, covers).await;
        }
        self.proven(Stage::Rcpt).await?;
        steps.reached(Step::Offered).await;
        let row = match parcel.state {
            MessageState::Frozen(row) => row,
            MessageState::Draft { subject, covers } => {
                let Parcel { address, message_id, content, .. } = *parcel;
                let draft = Draft { address, message_id, subject, content, covers };
                messages::freeze(served.claim, &draft, self.mailer.clock.now()).await?
            }
        };
        steps.reached(Step::Frozen).await;
        match keeping(served.claim, self.post.hand_over(parcel.content)).await? {
            Ok(receipt) => {
                steps.reached(Step::HandedOver).await;
                self.taken(served.claim, parcel, row, &receipt).await?;
                steps.reached(Step::MarkedSent).await;
                Ok(Next::Message)
            }
            Err(failure) => {
                // Only while it is unknown whether it was taken must a repeat carry the same bytes.
                let deliveries =
                    if failure.is_certain() { messages::thaw(served.claim, row).await? } else { Vec::new() };
                if self.halve(&failure, parcel.content.len()) || self.post.renew_after(&failure).await {
                    return Ok(Next::Again);
                }
                self.failed(served, &failure, deliveries).await
            }
        }
    }

    async fn open(&mut self, claim: &mut RecipientClaim) -> Result<Result<(), SendFailure>, EmailError> {
        let opened = keeping(claim, Box::pin(self.post.open())).await?;
        if opened == Ok(true) {
            self.mailer.steps.reached(Step::Connected).await;
        }
        Ok(opened.map(drop))
    }

    async fn offer(
        &mut self,
        claim: &mut RecipientClaim,
        to: &str,
    ) -> Result<Result<(), SendFailure>, EmailError> {
        match self.open(claim).await? {
            Ok(()) => Ok(keeping(claim, Box::pin(self.post.offer(to))).await?),
            Err(failure) => Ok(Err(failure)),
        }
    }

    /// Whether smaller parts are worth a try.
    fn halve(&mut self, failure: &SendFailure, bytes: usize) -> bool {
        let smaller = bytes / 2;
        // The second condition ends it where a message does not become smaller.
        let is_worth_it = failure.fault == Blame::TooLarge
            && failure.code.is_some()
            && smaller >= LETTER_BYTES_LEAST
            && smaller < self.letter_bytes_max;
        if is_worth_it {
            tracing::warn!(reason = %failure, bytes, "the message is too large for the server: it is split");
            self.letter_bytes_max = smaller;
        }
        is_worth_it
    }

    async fn taken(
        &mut self,
        claim: &mut RecipientClaim,
        parcel: &Parcel<'_>,
        row: MessageRow,
        receipt: &Receipt,
    ) -> Result<(), EmailError> {
        let recipient = claim.recipient().clone();
        let teller = self.mailer.teller();
        let first = parcel.first.map(|first| first.to_string()).unwrap_or_default();
        let turns = teller.reachable(&recipient, [recipient.as_str(), &first]);
        let told = messages::mark_sent(claim, row, &receipt.reply, &turns, teller.now).await?;
        self.mailed.told.extend(told);
        self.mailed.sent += 1;
        self.failures_in_a_row.clear();
        self.sender_was_refused = false;
        let Parcel { message_id, events, .. } = *parcel;
        tracing::info!(message_id, events, "mail sent");
        self.proven(Stage::Data).await
    }

    fn report_unreadable(&mut self, recipient: &Recipient, unreadable: Vec<StoreError>) {
        for error in unreadable {
            tracing::error!(%error, "an event cannot be read: it stays owed");
            self.set_aside.insert(recipient.clone());
            self.mailed.problems.push(MailProblem {
                recipient: Some(recipient.to_string()),
                code: None,
                reason: error.to_string(),
                advice: Some("run the version of qualwatch that wrote it, or a later one".to_owned()),
            });
        }
    }
}

/// Writes letters of all these, or where that panics of each half, so that what cannot be written is found, and stops nothing else:
/// its place stands for it.
fn compose_apart<T>(
    all: &[T],
    from: usize,
    compose: &impl Fn(&[T]) -> Vec<Letter>,
    letters: &mut Vec<Result<Letter, usize>>,
) {
    match catch_unwind(AssertUnwindSafe(|| compose(all))) {
        Ok(written) => letters.extend(written.into_iter().map(|mut letter| {
            letter.covers.iter_mut().for_each(|place| *place += from);
            Ok(letter)
        })),
        Err(_) if all.len() <= 1 => letters.push(Err(from)),
        Err(_) => {
            let (first, second) = all.split_at(all.len() / 2);
            compose_apart(first, from, compose, letters);
            compose_apart(second, from + first.len(), compose, letters);
        }
    }
}

/// A message that we cannot make: a fault of our own.
fn unbuildable(why: &str) -> SendFailure {
    SendFailure::found(Stage::Data, Blame::Message, Censor::new(None).clean(why), UNBUILDABLE)
}

/// Does the work and keeps the claim alive meanwhile: a server may think for ten minutes.
async fn keeping<T>(claim: &mut RecipientClaim, work: impl Future<Output = T>) -> Result<T, StoreError> {
    let mut work = pin!(work);
    loop {
        match clock::within(TOUCH_EVERY, work.as_mut()).await {
            Ok(done) => return Ok(done),
            Err(clock::TookTooLong(_)) => claim.touch().await?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A letter of each two, which panics at 13.
    fn in_pairs(all: &[u32]) -> Vec<Letter> {
        assert!(!all.contains(&13), "the poison");
        let places: Vec<usize> = (0..all.len()).collect();
        let letter = |covers: &[usize]| Letter {
            subject: String::new(),
            text: String::new(),
            html: String::new(),
            csv: None,
            reply_to: Vec::new(),
            covers: covers.to_vec(),
            covers_unlisted: Vec::new(),
        };
        places.chunks(2).map(letter).collect()
    }

    #[test]
    fn what_makes_writing_panic_is_set_aside_alone() {
        for (all, why) in [
            (vec![1, 2, 3], "none"),
            (vec![13], "alone"),
            (vec![1, 2, 13, 4, 5, 6, 7], "in the midst"),
            (vec![13, 2, 3, 13], "two"),
            (vec![], "nothing"),
        ] {
            let mut letters = Vec::new();
            compose_apart(&all, 0, &in_pairs, &mut letters);
            let (mut told, mut poison) = (Vec::new(), Vec::new());
            for letter in letters {
                match letter {
                    Ok(letter) => told.extend(letter.covers),
                    Err(place) => poison.push(place),
                }
            }
            let places = |is_poison: bool| -> Vec<usize> {
                all.iter().enumerate().filter(|(_, it)| (**it == 13) == is_poison).map(|(at, _)| at).collect()
            };
            assert_eq!((told, poison), (places(false), places(true)), "{why}");
        }
    }
}
