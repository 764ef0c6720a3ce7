//! What the answer of one check means: compared, judged, and turned into what is stored and told. Pure.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use super::ask::{Asked, Came};
use super::judging::{self, Case};
use crate::domain::compare::{Seen, compare};
use crate::domain::dates::{End, OddDates, odd_dates};
use crate::domain::event::{Change, Event, Trouble, TroubleFacts};
use crate::domain::holding::{Holding, HoldingKey, read_items};
use crate::domain::identity::{Prefix, Whose, whose};
use crate::domain::judge::Told;
use crate::domain::observation::{Incompleteness, Item, Observation};
use crate::domain::snapshot::Held;
use crate::juhe::{Class, Failure, Fault};
use crate::store::checks::records::Record;
use crate::store::outbox::troubles::Turn;

/// How a check ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ending {
    Complete,
    Empty,
    Incomplete(Incompleteness),
    /// With what was found instead.
    Disputed(String),
    Failed(Failure),
}

impl Ending {
    /// As rows and `--json` name it.
    pub(super) fn as_str(&self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Empty => "empty",
            Self::Incomplete(_) => "incomplete",
            Self::Disputed(_) => "disputed",
            Self::Failed(failure) => failure.class.as_str(),
        }
    }

    /// Whether it is worth a second try at the end of the sweep: class `transient`, to which incomplete answers belong.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::Incomplete(_) => true,
            Self::Failed(failure) => failure.class == Class::Transient,
            Self::Complete | Self::Empty | Self::Disputed(_) => false,
        }
    }

    /// Why it is not complete, inert.
    pub(super) fn reason(&self) -> Option<String> {
        match self {
            Self::Complete | Self::Empty => None,
            Self::Incomplete(reason) => Some(reason.to_string()),
            Self::Disputed(found) => Some(found.clone()),
            Self::Failed(failure) => Some(failure.reason.clone()),
        }
    }

    /// The provider's code.
    pub(super) fn code(&self) -> Option<i64> {
        match self {
            Self::Failed(failure) => failure.code,
            _ => None,
        }
    }
}

/// What a check leads to.
#[derive(Debug, Clone)]
pub(super) struct Conclusion {
    pub ending: Ending,
    pub after: Record,
    pub told: Vec<Told>,
    /// For readers.
    pub events: Vec<Event>,
    /// For operators.
    pub troubles: Vec<Turn>,
}

/// Whose answer it is, as far as the answer alone can say.
pub(super) fn sort(record: &Record, asked: &Asked) -> Option<Whose> {
    let Came::Observed(Observation::Complete(items)) = &asked.came else { return None };
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

/// Whether another entry of the file has the prefix that an answer brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PrefixIs {
    Free,
    Taken,
}

/// Concludes what the answer of a check means; `whose` is what [`sort`] said of it.
pub(super) fn conclude(
    case: &Case<'_>,
    asked: &Asked,
    whose: Option<Whose>,
    prefix_is: PrefixIs,
) -> Conclusion {
    let ending = match (&asked.came, whose) {
        (Came::Observed(Observation::Complete(_)), Some(whose)) => match accept(whose, prefix_is) {
            Ok((prefix, items)) => match read_items(&items) {
                Ok(shown) => return complete(case, prefix, shown),
                Err(reason) => Ending::Incomplete(reason),
            },
            Err(ending) => ending,
        },
        (Came::Observed(Observation::Empty), _) => return empty(case),
        (Came::Observed(Observation::Incomplete(reason)), _) => Ending::Incomplete(reason.clone()),
        (Came::Failed(failure), _) => Ending::Failed(failure.clone()),
        // Neither comes here: a complete answer is sorted, and what broke off is not concluded.
        (Came::Observed(Observation::Complete(_)) | Came::BrokenOff, _) => {
            Ending::Incomplete(Incompleteness::NoTotal)
        }
    };
    failed(case, ending)
}

fn accept(whose: Whose, prefix_is: PrefixIs) -> Result<(Option<Prefix>, Vec<Item>), Ending> {
    match whose {
        Whose::Unclear(reason) => Err(Ending::Incomplete(reason)),
        Whose::Disputed { found } => {
            let found: Vec<&str> = found.iter().map(Prefix::as_str).collect();
            Err(Ending::Disputed(if found.is_empty() {
                "the answer names no company, and bears other certificate numbers".to_owned()
            } else {
                format!("the answer is of {}", found.join(", "))
            }))
        }
        Whose::Ours { .. } | Whose::ReImported { .. } if prefix_is == PrefixIs::Taken => {
            Err(Ending::Disputed("another entry of the watchlist finds the same company".to_owned()))
        }
        Whose::Ours { prefix, items } => Ok((prefix, items)),
        Whose::ReImported { prefix, items } => Ok((Some(prefix), items)),
    }
}

fn complete(case: &Case<'_>, prefix: Option<Prefix>, shown: BTreeMap<HoldingKey, Holding>) -> Conclusion {
    let mut after = verified(case, &Ending::Complete);
    after.last_verified_at = Some(case.now());
    let unreadable = unreadable_dates(case, &shown);
    let comparison = compare(&case.record.snapshot, &Seen::Holdings(shown), &case.look());
    after.snapshot = comparison.after;
    if prefix.is_some() {
        after.snapshot.prefix = prefix;
    }
    let mut events = comparison.events;
    if after.unverified_told_at.take().is_some() {
        events.push(case.reader_event(Change::VerifiedAgain, after.last_verified_at));
    }
    let mut troubles = case.ended(|trouble, _| {
        matches!(trouble, Trouble::CompanyNotFound | Trouble::CompanyUnverified | Trouble::IdentityChanged)
    });
    troubles.extend(case.ended(|trouble, cause| {
        trouble == Trouble::UnreadableDate && !unreadable.iter().any(|(number, _)| number == cause)
    }));
    troubles.extend(unreadable.into_iter().map(|(number, facts)| {
        case.teller.begins_for(Trouble::UnreadableDate, &number, facts, case.company())
    }));
    after.owes_answer = after.snapshot.open_doubts().next().is_some();
    judged(case, Conclusion { ending: Ending::Complete, after, told: Vec::new(), events, troubles })
}

fn empty(case: &Case<'_>) -> Conclusion {
    if case.record.disputed_since.is_some() {
        return empty_while_disputed(case);
    }
    let mut after = verified(case, &Ending::Empty);
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
            events.push(case.reader_event(Change::VerifiedAgain, after.last_verified_at));
        }
    } else if after.unverified_told_at.is_none() && judging::is_stale(case) {
        after.unverified_told_at = Some(case.now());
        events.push(case.reader_event(Change::Unverified, after.last_verified_at));
    }
    if after.snapshot.baseline_at.is_none() || after.snapshot.held.is_empty() {
        let facts = TroubleFacts {
            class: Some(Class::Empty.as_str().to_owned()),
            code: Some(NOT_FOUND),
            reason: "the provider finds nothing under this keyword".to_owned(),
            advice: crate::juhe::meaning(NOT_FOUND).advice.map(str::to_owned),
            since: Some(case.now()),
            ..TroubleFacts::default()
        };
        troubles.push(case.teller.begins_for(Trouble::CompanyNotFound, "", facts, case.company()));
    }
    judged(case, Conclusion { ending: Ending::Empty, after, told: Vec::new(), events, troubles })
}

fn is_unlisted(held: &Held) -> bool {
    held.unlisted_since.is_some()
}

/// A disputed company is compared with nothing until its prefix answers again (design 3), and an empty answer has none.
fn empty_while_disputed(case: &Case<'_>) -> Conclusion {
    let after = Record {
        last_asked_at: Some(case.now()),
        last_outcome: Some(Ending::Empty.as_str().to_owned()),
        owes_answer: true,
        ..case.record.clone()
    };
    let (told, events, troubles) = (Vec::new(), Vec::new(), Vec::new());
    Conclusion { ending: Ending::Empty, after, told, events, troubles }
}

/// 查询无结果.
const NOT_FOUND: i64 = 265_004;

/// The record after an answer that can be compared: nothing fails any more.
fn verified(case: &Case<'_>, ending: &Ending) -> Record {
    Record {
        last_asked_at: Some(case.now()),
        last_outcome: Some(ending.as_str().to_owned()),
        last_code: None,
        last_reason: None,
        failing_since: None,
        failing_checks: 0,
        disputed_since: None,
        ..case.record.clone()
    }
}

/// "Once its answer is in": the ends are judged in the same transaction.
fn judged(case: &Case<'_>, mut conclusion: Conclusion) -> Conclusion {
    let judgement = judging::judge_ends(case, &conclusion.after);
    conclusion.after.judged_on = Some(case.teller.today());
    conclusion.events.extend(judgement.events);
    conclusion.told = judgement.told;
    conclusion
}

fn failed(case: &Case<'_>, ending: Ending) -> Conclusion {
    let record = case.record;
    let after = Record {
        last_asked_at: Some(case.now()),
        owes_answer: true,
        last_outcome: Some(ending.as_str().to_owned()),
        last_code: ending.code(),
        last_reason: ending.reason(),
        failing_since: record.failing_since.or(Some(case.now())),
        failing_checks: record.failing_checks.saturating_add(1),
        disputed_since: match &ending {
            Ending::Disputed(_) => record.disputed_since.or(Some(case.now())),
            _ => record.disputed_since,
        },
        ..record.clone()
    };
    let troubles = match &ending {
        Ending::Disputed(found) => {
            let facts = TroubleFacts {
                class: Some("disputed".to_owned()),
                reason: found.clone(),
                advice: Some(DISPUTED_ADVICE.to_owned()),
                since: after.disputed_since,
                ..TroubleFacts::default()
            };
            vec![case.teller.begins_for(Trouble::IdentityChanged, "", facts, case.company())]
        }
        Ending::Failed(failure) if failure.class == Class::Unknown => vec![unknown_code(case, failure)],
        _ => Vec::new(),
    };
    Conclusion { ending, after, told: Vec::new(), events: Vec::new(), troubles }
}

const DISPUTED_ADVICE: &str = "see whose certificates these are, then pin the right company in its entry with id = \"…\", or write \
                               its 统一社会信用代码 as the keyword; of two entries that find one company take one out";

/// Told once for each code, whichever company meets it first.
fn unknown_code(case: &Case<'_>, failure: &Failure) -> Turn {
    let which = match (failure.code, failure.fault) {
        (Some(code), _) => code.to_string(),
        (None, Fault::Status(status)) => format!("HTTP {status}"),
        (None, _) => failure.class.as_str().to_owned(),
    };
    let facts = TroubleFacts {
        class: Some(failure.class.as_str().to_owned()),
        code: failure.code,
        reason: failure.reason.clone(),
        advice: failure.advice().map(str::to_owned),
        since: Some(case.now()),
        line: Some(case.entry.line),
        companies: vec![case.entry.name.clone()],
    };
    case.teller.begins(Trouble::ApiUnknownCode, &which, facts)
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
        known.unwrap_or(holding).is_historical(today)
    };
    for holding in shown.values().filter(|holding| !is_past(holding)) {
        let Some(reason) = what_is_odd(holding, today) else { continue };
        let number = holding.number.text().to_owned();
        let reason = format!("certificate {number}: {reason}");
        let facts = TroubleFacts {
            reason: crate::domain::display::displayable(&reason),
            advice: Some("compare with the national platform (四库一平台); until a date can be read the last one known is judged".to_owned()),
            since: Some(case.now()),
            ..TroubleFacts::default()
        };
        // However the number is written, it is one cause.
        found.entry(holding.number.key().to_owned()).or_insert(facts);
    }
    found.into_iter().collect()
}

fn what_is_odd(holding: &Holding, today: chrono::NaiveDate) -> Option<String> {
    let text = &holding.end_text;
    match holding.end {
        End::Missing => Some("no end of validity is stated".to_owned()),
        End::Endless => Some(format!("the end of validity is \"{text}\", but a 资质 always ends")),
        End::Unreadable => Some(format!("the end of validity \"{text}\" cannot be read")),
        End::Day(end) => odd_dates(holding.issued, end, today).map(|odd| match odd {
            OddDates::EndBeforeIssue => "it ends before it was issued".to_owned(),
            OddDates::IssuedInFuture => "its issue date lies in the future".to_owned(),
            OddDates::MoreThanTwentyYears => "it runs for more than 20 years".to_owned(),
        }),
    }
}

/// The least distance of two looks that count, as the core wants it.
pub(super) fn confirm_after(case: &Case<'_>) -> TimeDelta {
    TimeDelta::from_std(case.teller.watchlist.alerts.confirm_after).unwrap_or(TimeDelta::MAX)
}
