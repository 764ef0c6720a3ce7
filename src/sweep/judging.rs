//! The day's look at every end, whether or not upstream answers (design 4, "Judging").

use chrono::{DateTime, TimeDelta, Utc};

use super::conclusion::confirm_after;
use super::report::OpenDoubt;
use super::round::{Mode, Sweep};
use super::troubles::Teller;
use super::turns::chain;
use crate::config::{Company, Watchlist};
use crate::domain::compare::Look;
use crate::domain::event::{Change, Event, Trouble};
use crate::domain::judge::{Judgement, Thresholds, judge};
use crate::domain::rhythm::days_hour;
use crate::domain::snapshot::{Difference, Snapshot};
use crate::store::StoreError;
use crate::store::checks::batches;
use crate::store::checks::claims::{self, Claims};
use crate::store::checks::judging::{self, BATCH_COMPANIES_MAX};
use crate::store::checks::records::Record;
use crate::store::checks::sweeps::{self, Checked};
use crate::store::companies::CompanyId;
use crate::store::outbox::events::Recorded;
use crate::store::outbox::troubles::Turn;
use crate::store::steps::Step;

/// One company at one instant.
#[derive(Debug, Clone, Copy)]
pub(super) struct Case<'a> {
    pub record: &'a Record,
    pub entry: &'a Company,
    pub teller: Teller<'a>,
}

impl Case<'_> {
    pub(super) fn now(&self) -> DateTime<Utc> {
        self.teller.now
    }

    pub(super) fn company(&self) -> (CompanyId, &Company) {
        (self.record.id, self.entry)
    }

    /// The look that this observation is.
    pub(super) fn look(&self) -> Look<'_> {
        Look {
            company: &self.entry.keyword,
            name: &self.entry.name,
            now: self.teller.now,
            today: self.teller.today(),
            zone: self.teller.watchlist.timezone,
            confirm_after: confirm_after(self),
        }
    }

    /// An event of this company for its readers.
    pub(super) fn reader_event(&self, kind: Change, last_verified_at: Option<DateTime<Utc>>) -> Event {
        Event {
            company: Some(self.entry.keyword.clone()),
            company_name: Some(self.entry.name.clone()),
            last_verified_at,
            ..Event::new(kind, self.teller.now, self.teller.today())
        }
    }

    /// The ends of those of the company's open troubles that are over.
    pub(super) fn ended(&self, is_over: impl Fn(Trouble, &str) -> bool) -> Vec<Turn> {
        let open = self.record.troubles.iter().filter(|(trouble, cause)| is_over(*trouble, cause));
        open.map(|(trouble, cause)| self.teller.ends_for(*trouble, cause, self.company())).collect()
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
    let mut judgement =
        judge(&record.snapshot, &case.record.told, &thresholds, record.last_verified_at, &case.look());
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

/// What the day's look finds, and the record after it.
fn look_at(case: &Case<'_>) -> (Record, Judgement) {
    let record = case.record;
    let mut after = Record { judged_on: Some(case.teller.today()), ..record.clone() };
    let mut judgement = judge_ends(case, record);
    if record.unverified_told_at.is_none() && is_stale(case) {
        after.unverified_told_at = Some(case.now());
        judgement.events.push(case.reader_event(Change::Unverified, record.last_verified_at));
    }
    (after, judgement)
}

/// Whether the company has gone unverified for `stale_after`, and at least twice its interval.
pub(super) fn is_stale(case: &Case<'_>) -> bool {
    let watchlist = case.teller.watchlist;
    let since = case.record.last_verified_at.max(Some(case.record.watched_since));
    let unverified = since.map_or(TimeDelta::zero(), |since| case.now() - since).to_std().unwrap_or_default();
    // The interval is laborious to find, and seldom needed.
    unverified >= watchlist.alerts.stale_after
        && unverified >= watchlist.stale_after_of(case.entry, case.now())
}

impl Sweep<'_> {
    /// Judges every company of the file that was not judged today, once the day's hour has come: before it an answer may
    /// still be on its way.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn judge_the_day(&self) -> Result<Vec<Recorded>, StoreError> {
        let today = self.teller().today();
        let hour = days_hour(&self.watchlist.schedule.check, self.watchlist.timezone, today);
        if hour.is_some_and(|hour| self.clock.now() < hour) {
            return Ok(Vec::new());
        }
        let mut claims = None;
        let mut told = Vec::new();
        let mut last = None;
        loop {
            let ids = judging::next_unjudged(self.store.pool(), today, last).await?;
            let Some(newest) = ids.last() else { break };
            last = Some(*newest);
            let batch = self.read(&ids).await?;
            told.extend(self.judge_batch(&batch, &mut claims).await?);
        }
        Ok(told)
    }

    /// Judges these companies, whether or not they were judged today: what was told once is not told again. Gives what is in
    /// doubt of them, too.
    pub(super) async fn judge_these(
        &self,
        ids: &[CompanyId],
    ) -> Result<(Vec<Recorded>, Vec<OpenDoubt>), StoreError> {
        let (mut told, mut doubts, mut claims) = (Vec::new(), Vec::new(), None);
        for ids in ids.chunks(usize::try_from(BATCH_COMPANIES_MAX).unwrap_or(usize::MAX)) {
            let batch = self.read(ids).await?;
            doubts.extend(batch.iter().flat_map(|record| self.open_doubts(record)));
            told.extend(self.judge_batch(&batch, &mut claims).await?);
        }
        Ok((told, doubts))
    }

    /// Reads companies to be judged. One that cannot be read stops no other.
    async fn read(&self, ids: &[CompanyId]) -> Result<Vec<Record>, StoreError> {
        let records = batches::read(self.store.pool(), ids).await?;
        for error in records.unreadable.values() {
            tracing::error!(error = chain(error), "a company cannot be judged");
        }
        Ok(records.readable.into_values().collect())
    }

    async fn judge_batch(
        &self,
        batch: &[Record],
        claims: &mut Option<Claims>,
    ) -> Result<Vec<Recorded>, StoreError> {
        let mut told = Vec::new();
        let (mut silent, mut worth_telling) = (Vec::new(), Vec::new());
        for record in batch {
            let Some(entry) = self.entry(&record.keyword) else { continue };
            let case = Case { record, entry, teller: self.teller() };
            let (_, judgement) = look_at(&case);
            if judgement.events.is_empty() && judgement.told.is_empty() {
                silent.push(record.id);
            } else if self.mode == Mode::ForGood {
                worth_telling.push(record.id);
            } else {
                told.extend(self.imagined(judgement.events));
            }
        }
        for ids in worth_telling.chunks(claims::BATCH_COMPANIES_MAX) {
            told.extend(self.judge_claimed(ids, claims).await?);
        }
        if self.mode == Mode::ForGood && !silent.is_empty() {
            judging::mark_judged(self.store.pool(), &silent, self.teller().today()).await?;
        }
        Ok(told)
    }

    /// Judges once more under the companies' locks, and stores it, company by company. Another process that has one of them
    /// judges it by itself.
    async fn judge_claimed(
        &self,
        ids: &[CompanyId],
        claims: &mut Option<Claims>,
    ) -> Result<Vec<Recorded>, StoreError> {
        let free = match claims.take() {
            Some(free) => free,
            None => self.store.claims().await?,
        };
        let mut batch = free.take_companies(ids).await?;
        let mut told = Vec::new();
        for (id, record) in batches::read_batch(&mut batch).await?.readable {
            let (Some(entry), Some(mut claim)) = (self.entry(&record.keyword), batch.claim(id)) else {
                continue;
            };
            let case = Case { record: &record, entry, teller: self.teller() };
            let (after, judgement) = look_at(&case);
            let check = Checked {
                now: case.now(),
                before: &record,
                after: &after,
                answer: None,
                told: &judgement.told,
                events: &case.teller.owed_to_readers(judgement.events, case.company()),
                troubles: &[],
            };
            told.extend(sweeps::commit_check(&mut claim, &check).await?);
            self.steps.reached(Step::Judged).await;
        }
        *claims = Some(batch.release().await?);
        Ok(told)
    }

    fn open_doubts(&self, record: &Record) -> Vec<OpenDoubt> {
        let Some(entry) = self.entry(&record.keyword) else { return Vec::new() };
        let case = Case { record, entry, teller: self.teller() };
        let confirm_after = confirm_after(&case);
        let mut doubts: Vec<OpenDoubt> = record
            .snapshot
            .open_doubts()
            .map(|(key, _, doubt)| OpenDoubt {
                company: record.keyword.clone(),
                certificate_num: key.number.text().to_owned(),
                what: what(&record.snapshot, &doubt.difference, key).as_str().to_owned(),
                since: doubt.first_seen_at,
                again_after: doubt
                    .last_look_at
                    .checked_add_signed(confirm_after)
                    .unwrap_or(DateTime::<Utc>::MAX_UTC),
            })
            .collect();
        // One line for what a certificate's qualifications share.
        doubts.dedup();
        doubts
    }
}

/// The event that a difference would be told as.
fn what(snapshot: &Snapshot, difference: &Difference, key: &crate::domain::holding::HoldingKey) -> Change {
    match difference {
        Difference::New(_) if snapshot.certificate(&key.number).next().is_some() => {
            Change::QualificationAdded
        }
        Difference::New(_) => Change::CertificateAdded,
        Difference::Gone => {
            let is_doubted = |qualification| {
                let slot = (
                    crate::domain::holding::HoldingKey { number: key.number.clone(), qualification },
                    crate::domain::snapshot::Field::Presence,
                );
                snapshot.doubts.get(&slot).is_some_and(|doubt| doubt.difference == Difference::Gone)
            };
            let whole = snapshot
                .certificate(&key.number)
                .all(|held| is_doubted(held.holding.qualification.key.clone()));
            if whole { Change::CertificateRemoved } else { Change::QualificationRemoved }
        }
        Difference::Grade { change, .. } | Difference::End { change, .. } => *change,
        Difference::Issued { .. } => Change::Reissued,
    }
}
