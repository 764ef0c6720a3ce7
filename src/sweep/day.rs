//! The day's look at every end, whether or not upstream answers (design 4, "Judging").

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::ground::{Ground, Mode};
use super::report::{Ledger, OpenDoubt};
use super::teller::Teller;
use crate::clock::Clock;
use crate::config::{Company, Watchlist};
use crate::domain::compare::{Look, Upstream};
use crate::domain::event::{Event, News, Trouble};
use crate::domain::judge::{self, Judgement, Memory, Thresholds, judge};
use crate::domain::rest::name_the_rest;
use crate::domain::rhythm::days_hour;
use crate::domain::text::chain;
use crate::store::checks::claims::{BATCH_COMPANIES_MAX, Claims};
use crate::store::checks::commit::{self, Batch, Checked};
use crate::store::checks::judgements::{self, Judged};
use crate::store::checks::records::{self, Record, Records};
use crate::store::companies::CompanyId;
use crate::store::outbox::events::{EventId, Recorded};
use crate::store::outbox::troubles::Turn;
use crate::store::steps::{NoSteps, Step};
use crate::store::{Store, StoreError};

/// One company at one instant.
#[derive(Debug, Clone, Copy)]
pub(super) struct Case<'a> {
    pub record: &'a Record,
    pub entry: &'a Company,
    pub teller: Teller<'a>,
    pub upstream: Upstream,
}

impl Case<'_> {
    pub(super) fn now(&self) -> DateTime<Utc> {
        self.teller.now
    }

    pub(super) fn company(&self) -> (CompanyId, &Company) {
        (self.record.id, self.entry)
    }

    /// The least distance of two looks that count, as the core wants it.
    fn confirm_after(&self) -> TimeDelta {
        TimeDelta::from_std(self.teller.watchlist.alerts.confirm_after).unwrap_or(TimeDelta::MAX)
    }

    /// The look that this observation is.
    pub(super) fn look(&self) -> Look<'_> {
        Look::new(
            (&self.entry.keyword, &self.entry.name),
            self.teller.now,
            self.teller.watchlist.timezone,
            self.confirm_after(),
            self.upstream,
        )
    }

    /// An event of this company for its readers.
    pub(super) fn reader_event(&self, news: News, last_verified_at: Option<DateTime<Utc>>) -> Event {
        Event {
            company: Some(self.entry.keyword.clone()),
            company_name: Some(self.entry.name.to_string()),
            last_verified_at,
            ..Event::new(news, self.teller.now, self.teller.today())
        }
    }

    /// The ends of those of the company's open troubles that are over.
    pub(super) fn ended(&self, is_over: impl Fn(Trouble, &str) -> bool) -> Vec<Turn> {
        let open = self.record.troubles.iter().filter(|(trouble, cause)| is_over(*trouble, cause));
        open.map(|(trouble, cause)| self.teller.ends(*trouble, cause, Some(self.company()))).collect()
    }
}

/// Judges the ends of `record`, as it is now. A company that was put back into the file is judged after its first complete
/// answer (design 3); one that begins anew, not by what it held before: an empty answer is no baseline, and verifies none
/// of that.
pub(super) fn judge_ends(case: &Case<'_>, record: &Record) -> Judgement {
    let is_unverified = record.last_verified_at < Some(record.watched_since.min(case.now()));
    if is_unverified || record.snapshot.baseline_at.is_none() {
        return Judgement::default();
    }
    let thresholds = thresholds(case.teller.watchlist, case.entry);
    let memory = Memory { told: &case.record.told, renewals: &record.renewals };
    let mut judgement = judge(&record.snapshot, memory, &thresholds, record.last_verified_at, &case.look());
    // What is silenced does not count as told: when the snooze is over the tightest threshold is due.
    judgement.retain(|number, end| {
        !case.record.snoozes.iter().any(|snooze| snooze.silences(number, end, case.teller.today()))
    });
    judgement
}

/// The thresholds of a company, as the core wants them.
#[must_use]
pub fn thresholds(watchlist: &Watchlist, entry: &Company) -> Thresholds {
    let days = |days: &[u16]| days.iter().copied().map(i64::from).collect();
    Thresholds {
        expiry_days: days(watchlist.expiry_days_of(entry)),
        expired_days: days(&watchlist.alerts.expired_days),
        filing_days: days(&watchlist.alerts.filing_days),
    }
}

/// The first day after today on which an end of `record` may be worth telling; `None`: none is foreseen.
pub(super) fn tell_on(case: &Case<'_>, record: &Record) -> Option<NaiveDate> {
    let today = case.teller.today();
    let thresholds = thresholds(case.teller.watchlist, case.entry);
    let of_ends = judge::next_day(&record.snapshot, &thresholds, today);
    let of_snoozes = record.snoozes.iter().map(|snooze| snooze.until).filter(|until| *until > today);
    of_ends.into_iter().chain(of_snoozes).min()
}

/// What the day's look finds, and the record after it.
fn look_at(case: &Case<'_>) -> (Record, Judgement) {
    let record = case.record;
    let (judged_on, tell_on) = (Some(case.teller.today()), tell_on(case, record));
    let mut after = Record { judged_on, tell_on, ..record.clone() };
    let mut judgement = judge_ends(case, record);
    name_the_rest(&mut judgement.events, &record.snapshot);
    if record.unverified_told_at.is_none() && is_stale(case) {
        after.unverified_told_at = Some(case.now());
        after.digests = None;
        judgement.events.push(case.reader_event(News::Unverified, record.last_verified_at));
    }
    (after, judgement)
}

/// Whether the company has gone unverified for `stale_after`, and at least twice its interval.
pub(super) fn is_stale(case: &Case<'_>) -> bool {
    let watchlist = case.teller.watchlist;
    let since = case.record.last_verified_at.max(Some(case.record.watched_since));
    let unverified = since.map_or(TimeDelta::zero(), |since| case.now() - since).to_std().unwrap_or_default();
    let unverified = unverified + OF_ONE_SWEEP;
    // The interval is expensive to compute, and seldom needed.
    unverified >= watchlist.alerts.stale_after
        && unverified >= watchlist.stale_after_of(case.entry, case.now())
}

/// Judges every company of the file of which something may be worth telling today, once the day's hour has come: before it an
/// answer may still be on its way.
pub(super) async fn judge_the_day(ground: &Ground<'_>) -> Result<Vec<EventId>, StoreError> {
    let (watchlist, today) = (ground.watchlist, ground.teller().today());
    let hour = days_hour(&watchlist.schedule.check, watchlist.timezone, today);
    if hour.is_some_and(|hour| ground.now() < hour) {
        return Ok(Vec::new());
    }
    // Whose time is up later in the day is told tomorrow, with all others: not in mails of their own, minute by minute.
    let stale_since = stale_since(ground, hour.unwrap_or_else(|| ground.now()));
    let (pool, file) = (ground.store.pool(), ground.store.watchlist());
    let mut judge = Judge::new(ground);
    let mut last = None;
    loop {
        let ids = judgements::next_to_judge(pool, file, today, stale_since, last).await?;
        let Some(newest) = ids.last() else { break };
        last = Some(*newest);
        judge.judge(&ids).await?;
    }
    Ok(judge.done().await?.stored)
}

/// Judges those of these companies of which something may be worth telling today, and notes what it finds.
pub(super) async fn judge_these(
    ground: &Ground<'_>,
    ledger: &Ledger,
    ids: &[CompanyId],
) -> Result<(), StoreError> {
    let today = ground.teller().today();
    let stale_since = stale_since(ground, ground.now());
    let mut judge = Judge::new(ground);
    for ids in ids.chunks(IDS_MAX) {
        let reached = judgements::to_judge_of(ground.store.pool(), ids, today, stale_since).await?;
        judge.judge(&reached).await?;
    }
    let Found { stored, imagined } = judge.done().await?;
    ledger.note_stored(stored);
    ledger.note_told(imagined);
    Ok(())
}

/// Who was verified last by this instant may be stale at `at`.
fn stale_since(ground: &Ground<'_>, at: DateTime<Utc>) -> DateTime<Utc> {
    let stale_after = ground.watchlist.alerts.stale_after.saturating_sub(OF_ONE_SWEEP);
    let stale_after = TimeDelta::from_std(stale_after).unwrap_or(TimeDelta::MAX);
    at.checked_sub_signed(stale_after).unwrap_or(DateTime::<Utc>::MIN_UTC)
}

/// Answers of one sweep are minutes apart: whoever was verified by it seven days ago is told with the others of it.
const OF_ONE_SWEEP: Duration = Duration::from_mins(10);

/// Companies named in one statement.
const IDS_MAX: usize = 10_000;

/// Judges companies batch by batch, each under its lock.
struct Judge<'g, 'a> {
    ground: &'g Ground<'a>,
    claims: Option<Claims>,
    found: Found,
}

/// What judging finds: on a day on which many certificates end it is an event for each of their companies.
#[derive(Default)]
struct Found {
    stored: Vec<EventId>,
    /// In a dry run.
    imagined: Vec<Recorded>,
}

impl<'g, 'a> Judge<'g, 'a> {
    fn new(ground: &'g Ground<'a>) -> Self {
        Self { ground, claims: None, found: Found::default() }
    }

    async fn judge(&mut self, ids: &[CompanyId]) -> Result<(), StoreError> {
        for ids in ids.chunks(BATCH_COMPANIES_MAX) {
            match self.ground.mode {
                Mode::ForGood => self.judge_batch(ids).await?,
                Mode::DryRun => self.imagine(ids).await?,
            }
        }
        Ok(())
    }

    /// Another process that has one of them now judges it, or leaves it for the next look.
    async fn judge_batch(&mut self, ids: &[CompanyId]) -> Result<(), StoreError> {
        let mut claims = match self.claims.take() {
            Some(claims) => claims,
            None => self.ground.store.company_claims().await?,
        };
        let ours = claims.take(ids).await?;
        let records = readable(records::read_claimed(&mut claims, &ours).await?);
        let mut looked = Vec::new();
        let mut silent = Vec::new();
        for record in &records {
            let Some(case) = case_of(self.ground, record) else { continue };
            let (after, judgement) = look_at(&case);
            if judgement.events.is_empty() && judgement.told.is_empty() {
                let (tell_on_before, tell_on) = (record.tell_on, after.tell_on);
                silent.push(Judged { company: record.id, tell_on_before, tell_on });
            } else {
                let events = case.teller.owed_to_readers(judgement.events, case.company());
                looked.push((case, after, judgement.told, events));
            }
        }
        let checked = looked.iter().map(|(case, after, told, events)| Checked {
            now: case.now(),
            before: case.record,
            after,
            answer: None,
            told,
            events,
            troubles: &[],
        });
        let batch = Batch { checked: checked.collect(), ..Batch::default() };
        let committed = commit::commit(&mut claims, &batch).await?;
        for (company, error) in &committed.refused {
            let whose = looked.iter().find(|(case, ..)| case.record.id == *company);
            let company = whose.map(|(case, ..)| case.record.keyword.as_str());
            tracing::error!(company, error = chain(error), "what was judged cannot be stored");
        }
        self.found.stored.extend(committed.told);
        judgements::mark_judged(&mut claims, &silent, self.ground.teller().today()).await?;
        if !looked.is_empty() {
            self.ground.steps.reached(Step::Judged).await;
        }
        claims.release(&ours).await?;
        self.claims = Some(claims);
        Ok(())
    }

    async fn imagine(&mut self, ids: &[CompanyId]) -> Result<(), StoreError> {
        for record in readable(records::read(self.ground.store.pool(), ids).await?) {
            if let Some(case) = case_of(self.ground, &record) {
                self.found.imagined.extend(self.ground.imagined(look_at(&case).1.events));
            }
        }
        Ok(())
    }

    async fn done(self) -> Result<Found, StoreError> {
        if let Some(claims) = self.claims {
            claims.close().await?;
        }
        Ok(self.found)
    }
}

fn case_of<'r>(ground: &Ground<'r>, record: &'r Record) -> Option<Case<'r>> {
    let (_, entry) = ground.entry(record.keyword.as_str(), 0)?;
    Some(Case { record, entry, teller: ground.teller(), upstream: ground.upstream() })
}

/// One that cannot be read stops no other.
fn readable(records: Records) -> Vec<Record> {
    for error in records.unreadable.values() {
        tracing::error!(error = chain(error), "a company cannot be judged");
    }
    records.readable.into_values().collect()
}

/// What is in doubt of these companies, at most [`BATCH_COMPANIES_MAX`].
///
/// # Errors
/// When the database fails.
pub async fn open_doubts(
    store: &Store,
    watchlist: &Watchlist,
    clock: Arc<dyn Clock>,
    ids: &[CompanyId],
) -> Result<Vec<OpenDoubt>, StoreError> {
    let ground = Ground::new(store, watchlist, clock, &NoSteps, Mode::DryRun);
    let records = readable(records::read(store.pool(), ids).await?);
    Ok(records
        .iter()
        .filter_map(|record| case_of(&ground, record))
        .flat_map(|case| doubts_of(&case))
        .collect())
}

fn doubts_of(case: &Case<'_>) -> Vec<OpenDoubt> {
    let (record, confirm_after) = (case.record, case.confirm_after());
    let mut doubts: Vec<OpenDoubt> = Vec::new();
    for (key, _, doubt) in record.snapshot.open_doubts() {
        let open = OpenDoubt {
            company: record.keyword.clone(),
            certificate_num: key.number.text().to_owned(),
            what: record.snapshot.change_of(key, doubt).as_str().to_owned(),
            since: doubt.first_seen_at,
            again_after: doubt
                .last_look_at
                .checked_add_signed(confirm_after)
                .unwrap_or(DateTime::<Utc>::MAX_UTC),
        };
        // One line for what a certificate's qualifications share.
        if !doubts.contains(&open) {
            doubts.push(open);
        }
    }
    doubts
}
