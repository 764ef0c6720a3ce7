//! What the answer of one check means: compared, judged, and turned into what is stored and told. Pure.

use std::collections::BTreeMap;

use super::day::{self, Case};
use super::report::Ended;
use super::teller::Teller;
use crate::config::Company;
use crate::domain::compare::{Seen, compare};
use crate::domain::dates::{End, OddDates, odd_dates, states_two_ends};
use crate::domain::event::{Event, EventKind, News, Trouble, TroubleFacts};
use crate::domain::health::counted;
use crate::domain::holding::{Holding, HoldingKey, read_items, unnumbered};
use crate::domain::identity::{Prefix, Whose, whose};
use crate::domain::judge::Told;
use crate::domain::observation::{Item, Observation};
use crate::domain::outcome::Outcome;
use crate::domain::rest::name_the_rest;
use crate::domain::snapshot::Held;
use crate::domain::text::displayable;
use crate::juhe::{CallFault, Failure};
use crate::store::checks::records::{AnswerDigests, Record};
use crate::store::companies::CompanyId;
use crate::store::outbox::troubles::Turn;

/// An answer, complete or empty, with whose it is.
#[derive(Debug, Clone)]
pub(super) struct Attributed {
    pub(super) whose: Option<Whose>,
    /// Whether another entry of the file has the prefix that it brings.
    pub(super) prefix_is: PrefixIs,
    /// By what it is known again.
    pub(super) digests: Option<AnswerDigests>,
    pub(super) pages: i16,
}

/// Whether another entry of the file has the prefix that an answer brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PrefixIs {
    Free,
    Taken,
}

/// What a check that could be compared leads to.
#[derive(Debug, Clone)]
pub(super) struct Conclusion {
    pub(super) outcome: Outcome,
    pub(super) after: Record,
    pub(super) told: Vec<Told>,
    /// For readers.
    pub(super) events: Vec<Event>,
    /// For operators.
    pub(super) troubles: Vec<Turn>,
}

/// Whose answer it is, as far as the answer alone can say; `None`: nothing came.
pub(super) fn sort(record: &Record, observation: &Observation) -> Option<Whose> {
    let Observation::Complete(items) = observation else { return None };
    Some(whose(record.snapshot.prefix.as_ref(), &record.snapshot.numbers(), items.clone()))
}

/// The prefix that the answer brings and that is not ours yet.
pub(super) fn new_prefix<'a>(record: &Record, whose: &'a Whose) -> Option<&'a Prefix> {
    let prefix = match whose {
        Whose::Ours { prefix, .. } => prefix.as_ref(),
        Whose::ReImported { prefix, .. } => Some(prefix),
        Whose::Disputed { .. } | Whose::Unclear(_) => None,
    };
    prefix.filter(|prefix| record.snapshot.prefix.as_ref() != Some(*prefix))
}

/// Concludes what an answer means, or why it cannot be compared: then it is a failed check.
pub(super) fn conclude(case: &Case<'_>, answer: Attributed) -> Result<Conclusion, Ended> {
    let Some(whose) = answer.whose else { return Ok(empty(case)) };
    let (prefix, items) = accept(whose, answer.prefix_is)?;
    let mut conclusion = complete(case, prefix, &items);
    conclusion.after.pages = answer.pages;
    conclusion.after.digests = answer.digests.filter(|_| is_quiet(case, &conclusion));
    Ok(conclusion)
}

/// Whether the same answer would change nothing: nothing is in doubt, remembered of doubts, or open.
fn is_quiet(case: &Case<'_>, conclusion: &Conclusion) -> bool {
    let is_over = |(trouble, cause): &(Trouble, String)| {
        conclusion
            .troubles
            .iter()
            .any(|turn| turn.owed.event.kind() == EventKind::Resolved(*trouble) && turn.cause == *cause)
    };
    let begins =
        conclusion.troubles.iter().any(|turn| matches!(turn.owed.event.kind(), EventKind::Trouble(_)));
    conclusion.after.snapshot.doubts.is_empty()
        && conclusion.after.unverified_told_at.is_none()
        && !begins
        && case.record.troubles.iter().all(is_over)
}

/// A check whose pages do not add up.
pub(super) fn incomplete(reason: &str) -> Ended {
    Ended::new(Outcome::Incomplete, None, Some(reason.to_owned()))
}

/// A check that upstream or the way to it failed.
pub(super) fn failed(failure: &Failure) -> Ended {
    Ended::new(failure.class, failure.code, Some(failure.reason.clone()))
}

/// Another entry of the file has the prefix that the answer brings: of two only one can be meant.
pub(super) fn taken() -> Ended {
    let reason = "another entry of the watchlist finds the same company".to_owned();
    Ended::new(Outcome::Disputed, None, Some(reason))
}

fn accept(whose: Whose, prefix_is: PrefixIs) -> Result<(Option<Prefix>, Vec<Item>), Ended> {
    let disputed = |found: String| Ended::new(Outcome::Disputed, None, Some(found));
    match whose {
        Whose::Unclear(reason) => Err(incomplete(&reason.to_string())),
        Whose::Disputed { found } => {
            let found: Vec<&str> = found.iter().map(Prefix::as_str).collect();
            Err(disputed(if found.is_empty() {
                "the answer names no company, and bears other certificate numbers".to_owned()
            } else {
                format!("the answer is of {}", found.join(", "))
            }))
        }
        Whose::Ours { .. } | Whose::ReImported { .. } if prefix_is == PrefixIs::Taken => Err(taken()),
        Whose::Ours { prefix, items } => Ok((prefix, items)),
        Whose::ReImported { prefix, items } => Ok((Some(prefix), items)),
    }
}

fn complete(case: &Case<'_>, prefix: Option<Prefix>, items: &[Item]) -> Conclusion {
    let shown = read_items(items);
    let mut after = verified(case, Outcome::Complete);
    after.last_verified_at = Some(case.now());
    let unreadable = unreadable_dates(case, &shown);
    let comparison = compare(&case.record.snapshot, &Seen::Holdings(shown), &case.look());
    after.snapshot = comparison.after;
    if prefix.is_some() {
        after.snapshot.prefix = prefix;
    }
    let mut events = comparison.events;
    if after.unverified_told_at.take().is_some() {
        events.push(case.reader_event(News::VerifiedAgain, after.last_verified_at));
    }
    let mut troubles = case.ended(|trouble, _| {
        matches!(trouble, Trouble::CompanyNotFound | Trouble::CompanyUnverified | Trouble::IdentityChanged)
    });
    troubles.extend(case.ended(|trouble, cause| {
        trouble == Trouble::UnreadableDate && !unreadable.iter().any(|(number, _)| number == cause)
    }));
    troubles.extend(unreadable.into_iter().map(|(number, facts)| {
        case.teller.begins(Trouble::UnreadableDate, &number, facts, Some(case.company()))
    }));
    match unnumbered_items(items) {
        Some(facts) => {
            troubles.push(case.teller.begins(Trouble::UnreadableItem, "", facts, Some(case.company())));
        }
        None => troubles.extend(case.ended(|trouble, _| trouble == Trouble::UnreadableItem)),
    }
    after.owes_answer = after.snapshot.open_doubts().next().is_some();
    judged(case, Conclusion { outcome: Outcome::Complete, after, told: Vec::new(), events, troubles })
}

fn empty(case: &Case<'_>) -> Conclusion {
    if case.record.disputed_since.is_some() {
        return empty_while_disputed(case);
    }
    let mut after = verified(case, Outcome::Empty);
    after.owes_answer = true;
    let comparison = compare(&case.record.snapshot, &Seen::Nothing, &case.look());
    after.snapshot = comparison.after;
    let mut events = comparison.events;
    let mut troubles = case.ended(|trouble, _| trouble == Trouble::CompanyUnverified);
    // An empty answer verifies nothing but that there is nothing (design 3). What is only judged on, because it went at its
    // end, is not listed: that there is nothing agrees with it.
    if after.snapshot.baseline_at.is_none() || after.snapshot.held.values().all(is_unlisted) {
        after.last_verified_at = Some(case.now());
        if after.unverified_told_at.take().is_some() {
            events.push(case.reader_event(News::VerifiedAgain, after.last_verified_at));
        }
    } else if after.unverified_told_at.is_none() && day::is_stale(case) {
        after.unverified_told_at = Some(case.now());
        events.push(case.reader_event(News::Unverified, after.last_verified_at));
    }
    if after.snapshot.baseline_at.is_none() || after.snapshot.held.is_empty() {
        let facts = TroubleFacts {
            class: Some(Outcome::Empty.as_str().to_owned()),
            code: Some(NOT_FOUND),
            reason: "the provider finds nothing under this keyword".to_owned(),
            advice: crate::juhe::meaning(NOT_FOUND).advice.map(str::to_owned),
            ..TroubleFacts::default()
        };
        troubles.push(case.teller.begins(Trouble::CompanyNotFound, "", facts, Some(case.company())));
    }
    judged(case, Conclusion { outcome: Outcome::Empty, after, told: Vec::new(), events, troubles })
}

fn is_unlisted(held: &Held) -> bool {
    held.unlisted_since.is_some()
}

/// A disputed company is compared with nothing until its prefix answers again (design 3), and an empty answer has none.
fn empty_while_disputed(case: &Case<'_>) -> Conclusion {
    let after = Record {
        last_asked_at: Some(case.now()),
        last_outcome: Some(Outcome::Empty),
        owes_answer: true,
        digests: None,
        ..case.record.clone()
    };
    let (told, events, troubles) = (Vec::new(), Vec::new(), Vec::new());
    Conclusion { outcome: Outcome::Empty, after, told, events, troubles }
}

/// 查询无结果.
const NOT_FOUND: i64 = 265_004;

/// The record after an answer that can be compared: nothing fails any more.
fn verified(case: &Case<'_>, outcome: Outcome) -> Record {
    Record {
        last_asked_at: Some(case.now()),
        last_outcome: Some(outcome),
        last_code: None,
        last_reason: None,
        failing_since: None,
        failing_checks: 0,
        disputed_since: None,
        digests: None,
        ..case.record.clone()
    }
}

/// "Once its answer is in": the ends are judged in the same transaction.
fn judged(case: &Case<'_>, mut conclusion: Conclusion) -> Conclusion {
    let judgement = day::judge_ends(case, &conclusion.after);
    conclusion.after.judged_on = Some(case.teller.today());
    conclusion.after.tell_on = day::tell_on(case, &conclusion.after);
    conclusion.events.extend(judgement.events);
    name_the_rest(&mut conclusion.events, &conclusion.after.snapshot);
    conclusion.told = judgement.told;
    conclusion
}

/// What of a failed check troubles the operators: that it is disputed, or a code that the document does not explain.
pub(super) fn troubles_of(
    teller: Teller<'_>,
    company: (CompanyId, &Company),
    ended: &Ended,
    failure: Option<&Failure>,
) -> Vec<Turn> {
    match (ended.outcome, failure) {
        (Outcome::Disputed, _) => {
            let facts = TroubleFacts {
                class: Some(Outcome::Disputed.as_str().to_owned()),
                reason: ended.reason.clone().unwrap_or_default(),
                advice: Some(DISPUTED_ADVICE.to_owned()),
                ..TroubleFacts::default()
            };
            vec![teller.begins(Trouble::IdentityChanged, "", facts, Some(company))]
        }
        (Outcome::Unknown, Some(failure)) => vec![unknown_code(teller, company.1, failure)],
        _ => Vec::new(),
    }
}

const DISPUTED_ADVICE: &str = "see whose certificates these are, then pin the right company in its entry with id = \"…\", or write \
                               its 统一社会信用代码 as the keyword; of two entries that find one company take one out";

/// Told once for each code, whichever company meets it first.
fn unknown_code(teller: Teller<'_>, entry: &Company, failure: &Failure) -> Turn {
    let which = match (failure.code, failure.fault) {
        (Some(code), _) => code.to_string(),
        (None, CallFault::Status(status)) => format!("HTTP {status}"),
        (None, _) => failure.class.as_str().to_owned(),
    };
    let facts = TroubleFacts {
        class: Some(failure.class.as_str().to_owned()),
        code: failure.code,
        reason: failure.reason.clone(),
        advice: failure.advice().map(str::to_owned),
        line: Some(entry.line),
        companies: vec![entry.name.to_string()],
        ..TroubleFacts::default()
    };
    teller.begins(Trouble::ApiUnknownCode, &which, facts, None)
}

/// The certificates whose dates cannot be judged or are odd, by number, each once (domain.md 9). What ended over 180 days
/// ago raises nothing.
fn unreadable_dates(case: &Case<'_>, shown: &BTreeMap<HoldingKey, Holding>) -> Vec<(String, TroubleFacts)> {
    let today = case.teller.today();
    let mut found: BTreeMap<String, TroubleFacts> = BTreeMap::new();
    // What is established as long past stays so whatever its end looks like now.
    let is_past = |holding: &&Holding| {
        let held = case.record.snapshot.held.get(&holding.key());
        let known = held.map(|held| &held.holding).filter(|_| holding.last_day().is_none());
        known.unwrap_or(holding).is_historical(case.teller.today())
    };
    for holding in shown.values().filter(|holding| !is_past(holding)) {
        let Some(reason) = what_is_odd(holding, today) else { continue };
        let number = holding.number.text().to_owned();
        let reason = format!("certificate {number}: {reason}");
        let facts = TroubleFacts {
            reason: displayable(&reason),
            advice: Some("compare with the national platform (四库一平台); until a date can be read the last one known is judged".to_owned()),
            ..TroubleFacts::default()
        };
        // However the number is written, it is one cause.
        found.entry(holding.number.key().to_owned()).or_insert(facts);
    }
    found.into_iter().collect()
}

/// How many items have no certificate number, and what they seem to be; `None`: all have one.
fn unnumbered_items(items: &[Item]) -> Option<TroubleFacts> {
    const NAMED_MAX: usize = 5;
    let found: Vec<&Item> = unnumbered(items).collect();
    if found.is_empty() {
        return None;
    }
    let name = |item: &&Item| {
        let texts = [&item.kind, &item.qualification_name]
            .map(|text| displayable(text.as_deref().unwrap_or_default()));
        let texts: Vec<String> = texts.into_iter().filter(|text| !text.is_empty()).collect();
        (!texts.is_empty()).then(|| texts.join(": "))
    };
    let mut names: Vec<String> = found.iter().filter_map(name).take(NAMED_MAX).collect();
    names.dedup();
    let which = if names.is_empty() { String::new() } else { format!(" ({})", names.join("; ")) };
    let count = found.len() as u64;
    let reason = format!("{} no certificate number{which}", counted(count, "item has", "items have"));
    Some(TroubleFacts { reason: displayable(&reason), ..TroubleFacts::default() })
}

fn what_is_odd(holding: &Holding, today: chrono::NaiveDate) -> Option<String> {
    let text = &holding.end_text;
    match holding.end {
        End::Missing => Some("no end of validity is stated".to_owned()),
        // 施工劳务 is registered, not licensed: there it is lawful (domain.md 10).
        End::Endless if holding.is_endless_registration() => None,
        End::Endless => Some(format!("the end of validity is \"{text}\", but a 资质 always ends")),
        End::Unreadable => Some(format!("the end of validity \"{text}\" cannot be read")),
        End::Day(_) if states_two_ends(text) => {
            Some(format!("\"{text}\" states two ends and not which of them holds; the earlier is judged"))
        }
        End::Day(end) => odd_dates(holding.issued, end, today).map(|odd| match odd {
            OddDates::EndBeforeIssue => "it ends before it was issued".to_owned(),
            OddDates::IssuedInFuture => "its issue date lies in the future".to_owned(),
            OddDates::MoreThanTwentyYears => "it runs for more than 20 years".to_owned(),
        }),
    }
}
