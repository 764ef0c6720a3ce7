//! What was told of each end, what is told next, and why nothing is told now.

use std::collections::BTreeSet;

use chrono::{NaiveDate, TimeDelta};

use super::shape::{EndShape, RenewalOfEnd, ThresholdShape};
use crate::commands::context::Context;
use crate::config::Company;
use crate::domain::compare::{Look, Upstream};
use crate::domain::dates::days_left;
use crate::domain::judge::{Memory, Silence, Told, judge, silence_of};
use crate::domain::number::CertificateNumber;
use crate::store::checks::records::Record;
use crate::sweep::thresholds;

/// How far ahead the next threshold is looked for: the largest of usual `expiry_days` and a year.
const AHEAD_DAYS: usize = 600;

pub(super) fn ends(context: &Context, company: &Company, record: &Record) -> Vec<EndShape> {
    let held = record.snapshot.held.values().map(|held| &held.holding);
    let ends: BTreeSet<(NaiveDate, CertificateNumber)> =
        held.filter_map(|holding| Some((holding.last_day()?, holding.number.clone()))).collect();
    ends.into_iter().map(|(end, number)| describe(context, company, record, &number, end)).collect()
}

fn describe(
    context: &Context,
    company: &Company,
    record: &Record,
    number: &CertificateNumber,
    end: NaiveDate,
) -> EndShape {
    let today = context.today();
    let told = record.told.iter().filter(|told| told.number == *number && told.end == end);
    let renewal = record.renewals.iter().find(|renewal| renewal.number == *number && renewal.end == end);
    let snooze = record.snoozes.iter().find(|snooze| snooze.silences(number, end, today));
    let silence = silence_of(&record.snapshot, number, end, &look_on(today, context, company));
    EndShape {
        certificate_num: number.text().to_owned(),
        valid_until: end,
        days_left: days_left(end, today),
        silent_because: silence.map(Silence::as_str).or(snooze.map(|_| "snoozed")),
        snooze_reason: snooze.map(|snooze| snooze.reason.clone()),
        renewal: renewal
            .map(|renewal| RenewalOfEnd { filed: renewal.filed, reference: renewal.reference.clone() }),
        told: told
            .map(|told| ThresholdShape { kind: told.kind, threshold: told.threshold, on: told.day })
            .collect(),
        next: next(context, company, record, number, end),
    }
}

/// Asks the judging itself, day by day, when it would speak of this end next.
fn next(
    context: &Context,
    company: &Company,
    record: &Record,
    number: &CertificateNumber,
    end: NaiveDate,
) -> Option<ThresholdShape> {
    let thresholds = thresholds(&context.watchlist, company);
    let memory = Memory { told: &record.told, renewals: &record.renewals };
    let is_of_end = |told: &&Told| told.number == *number && told.end == end;
    context.today().iter_days().take(AHEAD_DAYS).find_map(|day| {
        if record.snoozes.iter().any(|snooze| snooze.silences(number, end, day)) {
            return None;
        }
        let look = look_on(day, context, company);
        let judgement = judge(&record.snapshot, memory, &thresholds, record.last_verified_at, &look);
        let told = judgement.told.iter().find(is_of_end)?;
        Some(ThresholdShape { kind: told.kind, threshold: told.threshold, on: day })
    })
}

fn look_on<'a>(day: NaiveDate, context: &Context, company: &'a Company) -> Look<'a> {
    Look::new(
        (&company.keyword, &company.name),
        context.now() + (day - context.today()),
        context.watchlist.timezone,
        TimeDelta::from_std(context.watchlist.alerts.confirm_after).unwrap_or(TimeDelta::MAX),
        Upstream::Trusted,
    )
}
