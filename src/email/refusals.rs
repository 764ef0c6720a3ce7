//! What follows from mail that was not taken: whose fault it was decides who waits, and for how long (design 5).

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use tracing::Instrument as _;

use super::error::EmailError;
use super::outlet;
use super::post::Connection;
use super::ripeness::{LOGIN_PAUSE, Ripe, is_over, may_log_in};
use super::run::{Gate, MailProblem, Next, Pending, Run, Served, span_of};
use super::smtp::failure::{Blame, SendFailure, Stage};
use crate::store::asking::stops::{self, Stop, What};
use crate::store::outbox::messages::DeliveryId;
use crate::store::outbox::recipients::{self, Recipient, RecipientClaim, Taken};
use crate::store::outbox::refusals::{self, RecipientRefusal, Refused};
use crate::store::outbox::troubles;

/// While the server is away, minutes between attempts.
const SERVER_PAUSES: [i64; 7] = [1, 2, 5, 10, 20, 30, 60];

/// While a recipient is refused for now, minutes between attempts.
const RECIPIENT_PAUSES: [i64; 7] = [5, 10, 20, 40, 80, 160, 240];

/// No pause of a recipient is longer.
pub(super) const RECIPIENT_PAUSE_MAX: TimeDelta = TimeDelta::hours(4);

/// No pause of the courier is longer.
const SERVER_PAUSE_MAX: TimeDelta = TimeDelta::hours(1);

/// What is refused for this long is a dead letter.
const DEAD_AFTER: TimeDelta = TimeDelta::days(5);

/// After this many failures in a row on an open connection it is the server that is at fault, not the messages.
const FAILURES_IN_A_ROW_MAX: usize = 3;

/// An address that has taken mail before, or that nobody's mail shows to be the only one, is given up when it has been called unknown
/// for so long.
const UNKNOWN_FOR: TimeDelta = TimeDelta::days(2);

const ALIKE: &str = "the server refuses all recipients alike, so it is not for their sake: ask the mail provider whether the account may send, \
                     and whether its directory of addresses is in order; nothing is given up meanwhile";

/// How far a run is when it judges what was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// More recipients may come.
    Between,
    /// Everybody was tried.
    Last,
    /// The run was given up: sender or server is at fault.
    GivenUp,
}

/// Whose fault the pending refusals are.
enum Verdict {
    /// Each is its recipient's, or its message's.
    Theirs,
    /// The sender's or the server's.
    Alike,
    /// Nobody knows: nothing ages.
    Unknown,
    /// To be judged later.
    Open,
}

impl Run<'_> {
    /// Reads what is stopped, and whether this run may try all the same.
    pub(super) async fn pass_the_gate(&mut self, ripe: Ripe) -> Result<Gate, EmailError> {
        let (now, pool) = (self.mailer.clock.now(), self.mailer.store.pool());
        for what in [What::Courier, What::Mail] {
            let Some(stop) = stops::stop(pool, what).await? else { continue };
            self.stops.push((what, stop));
        }
        if let Some(courier) = self.stop_of(What::Courier)
            && ripe != Ripe::Everything
            && !self.has_changed(courier)
            && !is_over(courier.next_probe_at, SERVER_PAUSE_MAX, now)
        {
            return Ok(Gate::Shut);
        }
        let Some(mail) = self.stop_of(What::Mail) else { return Ok(Gate::Open) };
        let is_allowed = self.has_changed(mail) || may_log_in(mail, now);
        let fingerprint = self.fingerprint(&mail.salt);
        let next = Some(now + LOGIN_PAUSE);
        if is_allowed && stops::take_probe(pool, What::Mail, mail, next, &fingerprint).await? {
            return Ok(Gate::Probe);
        }
        let reason = format!("mail is stopped since {}: {}", mail.since.to_rfc3339(), mail.reason);
        let advice = "a login is tried once an hour, and at once when login, password or server change";
        let code = mail.code;
        self.mailed.problems.push(MailProblem {
            recipient: None,
            code,
            reason,
            advice: Some(advice.to_owned()),
        });
        Ok(Gate::Shut)
    }

    fn stop_of(&self, what: What) -> Option<&Stop> {
        self.stops.iter().find(|(stopped, _)| *stopped == what).map(|(_, stop)| stop)
    }

    fn has_changed(&self, stop: &Stop) -> bool {
        self.fingerprint(&stop.salt) != stop.fingerprint
    }

    fn fingerprint(&self, salt: &[u8]) -> String {
        outlet::fingerprint(self.mailer.watchlist, self.mailer.secret(), salt)
    }

    /// The conversation came as far as `stage` and beyond: what stopped there or before is over.
    pub(super) async fn proven(&mut self, stage: Stage) -> Result<(), EmailError> {
        let is_over = |stop: &Stop| rank(&stop.class) <= rank(name(stage));
        let ended: Vec<What> =
            self.stops.iter().filter(|(_, stop)| is_over(stop)).map(|(what, _)| *what).collect();
        if ended.is_empty() {
            return Ok(());
        }
        let teller = self.mailer.teller();
        let turns: Vec<_> =
            ended.iter().filter(|what| **what == What::Mail).map(|_| teller.goes_on()).collect();
        let told = refusals::resume(self.mailer.store.pool(), &ended, &turns, teller.now).await?;
        self.mailed.told.extend(told);
        self.stops.retain(|(what, _)| !ended.contains(what));
        tracing::info!(?ended, "mail goes on");
        Ok(())
    }

    /// A message was not taken.
    pub(super) async fn failed(
        &mut self,
        served: &mut Served<'_>,
        failure: &SendFailure,
        deliveries: Vec<DeliveryId>,
    ) -> Result<Next, EmailError> {
        let recipient = served.claim.recipient().clone();
        match failure.fault {
            Blame::Sender => return self.sender_failed(served, failure).await,
            Blame::Server => return self.server_failed(served, failure).await,
            Blame::RecipientForNow | Blame::RecipientForGood | Blame::Message | Blame::TooLarge => {}
        }
        self.mailed.failed += 1;
        self.problem(Some(&recipient), failure);
        let pending = Pending { recipient, attempts: served.attempts, failure: failure.clone(), deliveries };
        match failure.code {
            Some(_) => {
                self.set_aside.insert(pending.recipient.clone());
                self.pending.push(pending);
            }
            // Found out by ourselves: no server has a part in it.
            None => self.judge(served.claim, &pending).await?,
        }
        Ok(match failure.fault {
            Blame::Message | Blame::TooLarge => Next::Message,
            _ => Next::Recipient,
        })
    }

    /// Judges what was refused so far. Gives whether that gave operators something to hear.
    pub(super) async fn settle(&mut self, moment: Moment) -> Result<bool, EmailError> {
        let told_before = self.mailed.told.len();
        match self.verdict(moment) {
            Verdict::Open => self.announce().await?,
            Verdict::Theirs => {
                // Only the server's own word says that it took the sender.
                self.proven(Stage::Mail).await?;
                for pending in std::mem::take(&mut self.pending) {
                    let Some(mut claim) = self.claim(&pending.recipient).await? else { continue };
                    let span = span_of(&pending.recipient);
                    self.judge(&mut claim, &pending).instrument(span).await?;
                    self.claims = Some(claim.release().await?);
                }
            }
            Verdict::Alike => {
                let refused = self.pending.iter().find(|pending| pending.failure.is_for_good());
                if let Some(failure) = refused.map(|pending| pending.failure.clone()) {
                    // What is too large for this server is so whoever sends it.
                    let size = failure.advice().filter(|_| failure.fault == Blame::TooLarge);
                    self.stop(&failure.of_the_sender(size.unwrap_or(ALIKE))).await?;
                }
                self.put_off().await?;
                // What operators hear of it goes with the next try.
                return Ok(false);
            }
            Verdict::Unknown => self.put_off().await?,
        }
        Ok(self.mailed.told.len() > told_before)
    }

    fn verdict(&self, moment: Moment) -> Verdict {
        let Some(first) = self.pending.first() else { return Verdict::Open };
        if self.mailed.sent > 0 {
            return Verdict::Theirs;
        }
        match moment {
            Moment::Between => return Verdict::Open,
            Moment::GivenUp => return Verdict::Unknown,
            Moment::Last => {}
        }
        let is_alike = |other: &SendFailure| {
            let failure = &first.failure;
            (other.stage, other.code, other.fault) == (failure.stage, failure.code, failure.fault)
        };
        let recipients: BTreeSet<&Recipient> =
            self.pending.iter().map(|pending| &pending.recipient).collect();
        let all_alike = self.pending.iter().all(|pending| is_alike(&pending.failure));
        let as_before = self.stop_of(What::Mail).is_some_and(|stop| {
            stop.class == name(first.failure.stage) && stop.code == first.failure.code.map(i64::from)
        });
        if all_alike && (recipients.len() > 1 || as_before) {
            Verdict::Alike
        } else if self.failures_in_a_row.is_empty() {
            Verdict::Theirs
        } else {
            Verdict::Unknown
        }
    }

    /// A single recipient was refused for good, and nobody else was tried: the operators are told before anything is given up, so
    /// that their own mail shows whether the server refuses everybody.
    async fn announce(&mut self) -> Result<(), EmailError> {
        let [pending] = &self.pending[..] else { return Ok(()) };
        if pending.failure.fault != Blame::RecipientForGood {
            return Ok(());
        }
        let teller = self.mailer.teller();
        let turn = teller.undeliverable(&pending.recipient, pending.recipient.as_str(), &pending.failure);
        let told = troubles::tell(self.mailer.store.pool(), turn.as_slice()).await?;
        self.mailed.told.extend(told);
        Ok(())
    }

    /// Puts off what is pending: nothing ages, and others come first the next time.
    async fn put_off(&mut self) -> Result<(), EmailError> {
        for pending in std::mem::take(&mut self.pending) {
            let Some(mut claim) = self.claim(&pending.recipient).await? else { continue };
            let pause = pause(&RECIPIENT_PAUSES, pending.attempts);
            let next = self.mailer.clock.now() + pause;
            let next = Some(next).filter(|_| !pending.failure.is_for_good());
            refusals::postpone(&mut claim, &pending.failure.to_string(), next).await?;
            self.claims = Some(claim.release().await?);
        }
        Ok(())
    }

    async fn claim(&mut self, recipient: &Recipient) -> Result<Option<RecipientClaim>, EmailError> {
        let claims = match self.claims.take() {
            Some(claims) => claims,
            None => self.mailer.store.claims().await?,
        };
        Ok(match recipients::take(claims, recipient.clone()).await? {
            Taken::Claimed(claim) => Some(claim),
            // Whoever has them judges.
            Taken::Busy(claims) => {
                self.claims = Some(claims);
                None
            }
        })
    }

    /// A refusal that is the recipient's, or the message's. Without anybody whose mail was taken a message is not given up for its
    /// own sake: the server may mean the sender.
    async fn judge(&mut self, claim: &mut RecipientClaim, pending: &Pending) -> Result<(), EmailError> {
        let is_of_the_message = matches!(pending.failure.fault, Blame::Message | Blame::TooLarge);
        let is_known = pending.failure.code.is_none() || self.mailed.sent > 0;
        match pending.deliveries.iter().min() {
            Some(first) if is_of_the_message && is_known => {
                self.bury(claim, pending, &first.to_string()).await
            }
            _ => self.refuse(claim, pending).await,
        }
    }

    /// The sender's fault stops all mail; but where the server has just taken somebody else's, and at the very recipient or after
    /// the message, it is this one alone that is put off: their message must not hold back all others.
    async fn sender_failed(
        &mut self,
        served: &mut Served<'_>,
        failure: &SendFailure,
    ) -> Result<Next, EmailError> {
        let is_late = matches!(failure.stage, Stage::Rcpt | Stage::Data) && failure.code.is_some();
        let reply = failure.to_string();
        if is_late && !self.sender_was_refused && (served.is_apart || self.mailed.sent > 0) {
            self.sender_was_refused = true;
            self.mailed.failed += 1;
            let recipient = served.claim.recipient().clone();
            self.problem(Some(&recipient), failure);
            let next_attempt_at = self.mailer.clock.now() + pause(&RECIPIENT_PAUSES, served.attempts);
            refusals::set_apart(served.claim, &reply, next_attempt_at).await?;
            tracing::warn!(reason = %failure, "the sender is refused for this recipient alone");
            return Ok(Next::Recipient);
        }
        if is_late {
            // The next try is with somebody else.
            refusals::postpone(served.claim, &reply, None).await?;
        }
        self.stop(failure).await?;
        Ok(Next::End)
    }

    /// The sender's own fault: nobody sends, and no recipient has a part in it.
    async fn stop(&mut self, failure: &SendFailure) -> Result<(), EmailError> {
        let teller = self.mailer.teller();
        let known = self.stop_of(What::Mail);
        let salt = outlet::salt();
        let advice = outlet::advice(failure, self.mailer.password.as_ref());
        let stop = Stop {
            advice: advice.clone(),
            since: known.map_or(teller.now, |known| known.since),
            attempts: known.map_or(0, |known| known.attempts + 1),
            next_probe_at: Some(teller.now + LOGIN_PAUSE),
            fingerprint: self.fingerprint(&salt),
            salt,
            ..stop_for(failure, teller.now)
        };
        let pool = self.mailer.store.pool();
        tracing::error!(reason = %failure, advice, "mail is stopped: the sender is refused");
        let turn = teller.stopped(failure, advice, stop.since);
        // Told first: a crash in between costs a login, not the news.
        self.mailed.told.extend(troubles::tell(pool, &[turn]).await?);
        stops::set(pool, What::Mail, &stop).await?;
        self.problem(None, failure);
        Ok(())
    }

    /// The server or the network: nothing ages. One lost connection is replaced; one message that is put off stops no
    /// other.
    async fn server_failed(
        &mut self,
        served: &mut Served<'_>,
        failure: &SendFailure,
    ) -> Result<Next, EmailError> {
        let recipient = served.claim.recipient().clone();
        let next = match (self.post.goes_on(), failure.stage) {
            (Connection::Replaceable, Stage::Data) => Next::Recipient,
            (Connection::Open, Stage::Rcpt | Stage::Data)
                if self.failures_in_a_row.len() + 1 < FAILURES_IN_A_ROW_MAX =>
            {
                Next::Recipient
            }
            _ => Next::End,
        };
        let is_of_one = matches!(failure.stage, Stage::Rcpt | Stage::Data);
        self.problem(Some(&recipient).filter(|_| is_of_one), failure);
        if is_of_one {
            self.mailed.failed += 1;
            let next_attempt_at = self.mailer.clock.now() + pause(&SERVER_PAUSES, served.attempts);
            refusals::postpone(served.claim, &failure.to_string(), Some(next_attempt_at)).await?;
        }
        if next == Next::End {
            self.failures_in_a_row.clear();
            self.back_off(failure).await?;
            self.give_back_the_probe(failure).await?;
        } else {
            tracing::warn!(reason = %failure, "mail was put off");
            self.failures_in_a_row.push(failure.clone());
        }
        Ok(next)
    }

    /// All daemons leave the server alone for a while.
    pub(super) async fn back_off(&mut self, failure: &SendFailure) -> Result<(), EmailError> {
        let now = self.mailer.clock.now();
        let known = self.stop_of(What::Courier).filter(|_| self.mailed.sent == 0);
        let failed_before = known.map_or(0, |known| known.attempts);
        let salt = outlet::salt();
        let next = now + pause(&SERVER_PAUSES, failed_before);
        let stop = Stop {
            since: known.map_or(now, |known| known.since),
            attempts: failed_before + 1,
            next_probe_at: Some(next),
            fingerprint: self.fingerprint(&salt),
            salt,
            ..stop_for(failure, now)
        };
        stops::set(self.mailer.store.pool(), What::Courier, &stop).await?;
        let again = next.to_rfc3339();
        tracing::error!(reason = %failure, advice = failure.advice(), again, "the mail server cannot be used now");
        Ok(())
    }

    /// The server did not come as far as the login that this run had: it is still to be made.
    async fn give_back_the_probe(&mut self, failure: &SendFailure) -> Result<(), EmailError> {
        if self.gate != Gate::Probe || !matches!(failure.stage, Stage::Connect | Stage::Tls) {
            return Ok(());
        }
        let now = self.mailer.clock.now();
        let Some(mail) = self.stop_of(What::Mail) else { return Ok(()) };
        let fingerprint = self.fingerprint(&mail.salt);
        // As it is since this run took its login. Where somebody ended the stop meanwhile there is nothing to give back.
        let taken = Stop { attempts: mail.attempts + 1, ..mail.clone() };
        stops::take_probe(self.mailer.store.pool(), What::Mail, &taken, Some(now), &fingerprint).await?;
        Ok(())
    }

    /// The recipient's own refusal: it ages, or is final.
    async fn refuse(&mut self, claim: &mut RecipientClaim, pending: &Pending) -> Result<(), EmailError> {
        let Pending { recipient, attempts, failure, .. } = pending;
        let teller = self.mailer.teller();
        let turn = teller.undeliverable(recipient, recipient.as_str(), failure);
        let is_unknown = failure.fault == Blame::RecipientForGood;
        let reply = failure.to_string();
        let refusal = RecipientRefusal {
            reply: &reply,
            now: teller.now,
            next_attempt_at: teller.now + pause(&RECIPIENT_PAUSES, *attempts),
            dead_if_refused_since: teller.now - DEAD_AFTER,
            dead_if_unknown_since: is_unknown.then_some(teller.now - UNKNOWN_FOR),
            // What we find out ourselves needs no witness.
            others_were_taken: self.mailed.sent > 0 || failure.code.is_none(),
            turns: turn.as_slice(),
        };
        let Refused { dead, told } = refusals::refuse(claim, &refusal).await?;
        self.mailed.told.extend(told);
        match dead {
            0 => tracing::warn!(reason = %failure, "the recipient is refused for now"),
            dead => {
                let advice = failure.advice();
                tracing::error!(reason = %failure, advice, events = dead, "mail was given up: a dead letter");
            }
        }
        Ok(())
    }

    /// The message's own refusal. Its cause is its own too: that another message is taken does not mend it.
    async fn bury(
        &mut self,
        claim: &mut RecipientClaim,
        pending: &Pending,
        cause: &str,
    ) -> Result<(), EmailError> {
        let Pending { recipient, failure, deliveries, .. } = pending;
        let teller = self.mailer.teller();
        let turn = teller.undeliverable(recipient, cause, failure);
        let told =
            refusals::bury(claim, deliveries, &failure.to_string(), turn.as_slice(), teller.now).await?;
        self.mailed.told.extend(told);
        let advice = failure.advice();
        tracing::error!(reason = %failure, advice, "the message is refused: a dead letter");
        Ok(())
    }
}

/// The pause after the failures before this one.
fn pause(pauses: &[i64], failed_before: i32) -> TimeDelta {
    let place = usize::try_from(failed_before).unwrap_or_default();
    let longest = pauses.last().copied().unwrap_or_default();
    TimeDelta::minutes(pauses.get(place).copied().unwrap_or(longest))
}

/// A stop as a failure makes it, before its pace.
fn stop_for(failure: &SendFailure, now: DateTime<Utc>) -> Stop {
    Stop {
        class: name(failure.stage).to_owned(),
        code: failure.code.map(i64::from),
        reason: failure.to_string(),
        advice: failure.advice().map(str::to_owned),
        since: now,
        ..Stop::default()
    }
}

/// A stage in rows.
fn name(stage: Stage) -> &'static str {
    match stage {
        Stage::Connect => "connect",
        Stage::Tls => "tls",
        Stage::Auth => "auth",
        Stage::Mail => "mail",
        Stage::Rcpt => "rcpt",
        Stage::Data => "data",
    }
}

/// How far a stage is; what no version of ours has written counts as the last one.
fn rank(name: &str) -> usize {
    ["connect", "tls", "auth", "mail", "rcpt"].iter().position(|known| *known == name).unwrap_or(5)
}
