//! `qualwatch why`: a company's last checks, doubts and decisions.

mod ends;
mod show;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;

use crate::config::Company;
use crate::domain::event::{Change, Trouble};
use crate::domain::holding::Holding;
use crate::domain::keyword::Keyword;
use crate::domain::outcome::Outcome;
use crate::domain::rhythm::{Asked, Rhythm, next_due};
use crate::domain::snapshot::{Difference, Held};
use crate::store::checks::records::Record;
use crate::store::checks::standings::{self, Candidate};
use crate::store::outbox::events::EventId;
use crate::store::reports::reasons::{self, AnswerSeen, Delivered};
use crate::store::reports::{self, EventsOf, WhichEvents};

use super::arguments::{Places, Why};
use super::companies::all_meant;
use super::context::Context;
use super::database::Database;
use super::exit::{Exit, Refusal};
use super::print::{self, Reader};
use super::shapes::EventShape;

/// Events that are shown with what became of them.
const EVENTS_MAX: u32 = 20;

#[derive(Debug, Serialize)]
struct Shape {
    company: Keyword,
    checks: Asking,
    /// Newest first.
    answers: Vec<AnswerShape>,
    doubts: Vec<DoubtShape>,
    ends: Vec<EndShape>,
    /// What of it the operators know.
    troubles: Vec<TroubleShape>,
    /// Newest first.
    events: Vec<ToldShape>,
}

#[derive(Debug, Serialize)]
struct Asking {
    last_asked_at: Option<DateTime<Utc>>,
    last_verified_at: Option<DateTime<Utc>>,
    last_outcome: Option<&'static str>,
    last_code: Option<i64>,
    last_reason: Option<String>,
    failing_since: Option<DateTime<Utc>>,
    failing_checks: i32,
    disputed_since: Option<DateTime<Utc>>,
    /// Asked once a day until it has answered.
    owes_answer: bool,
    next_due: Option<DateTime<Utc>>,
    judged_on: Option<NaiveDate>,
}

#[derive(Debug, Serialize)]
struct AnswerShape {
    outcome: String,
    first_seen_at: DateTime<Utc>,
    last_seen_at: DateTime<Utc>,
    times_seen: i32,
    pages: i32,
    parser_version: i32,
}

/// A difference that was seen, and what it waits for.
#[derive(Debug, Serialize)]
struct DoubtShape {
    certificate_num: String,
    qualification: String,
    field: &'static str,
    since: DateTime<Utc>,
    looks: u32,
    looks_needed: u32,
    /// Part of a loss of many companies at once.
    mass: bool,
    told_as: Option<Change>,
    again_after: DateTime<Utc>,
    /// What is established, in the registry's own words; null for what is new.
    old: Option<String>,
    /// What was seen instead; null for what is gone.
    seen: Option<String>,
}

/// One end of one certificate: what was told of it, and what comes next.
#[derive(Debug, Serialize)]
struct EndShape {
    certificate_num: String,
    valid_until: NaiveDate,
    days_left: i64,
    /// Why nothing is told of it now: `historical`, `superseded`, `snoozed` or `later_end_in_doubt`.
    silent_because: Option<&'static str>,
    /// The reason that was given for a snooze.
    snooze_reason: Option<String>,
    /// The renewal that was filed.
    renewal: Option<RenewalOfEnd>,
    told: Vec<ThresholdShape>,
    /// What is told next if nothing changes until then.
    next: Option<ThresholdShape>,
}

/// A renewal that the operator said was filed.
#[derive(Debug, Serialize)]
struct RenewalOfEnd {
    filed: NaiveDate,
    #[serde(rename = "ref")]
    reference: Option<String>,
}

#[derive(Debug, Serialize)]
struct ThresholdShape {
    kind: Change,
    threshold: i64,
    on: NaiveDate,
}

#[derive(Debug, Serialize)]
struct TroubleShape {
    kind: Trouble,
    cause: String,
}

#[derive(Debug, Serialize)]
struct ToldShape {
    #[serde(flatten)]
    event: EventShape,
    deliveries: Vec<DeliveryShape>,
}

#[derive(Debug, Serialize)]
struct DeliveryShape {
    recipient: String,
    owed_since: DateTime<Utc>,
    sent_at: Option<DateTime<Utc>>,
    cancelled_at: Option<DateTime<Utc>>,
    dead_at: Option<DateTime<Utc>>,
    reply: Option<String>,
    /// The address that was owed it before, and no longer gets this company's news.
    readdressed_from: Option<String>,
}

/// Prints why something of a company was told, or not.
///
/// # Errors
/// A company that the watchlist does not have (wrong use), or there is no database.
pub(super) async fn why(places: &Places, arguments: &Why) -> anyhow::Result<Exit> {
    let reader = arguments.output.reader();
    let context = Context::load_to_read(places, reader)?;
    let meant = all_meant(&context.watchlist, std::slice::from_ref(&arguments.company))?;
    let [company] = meant.as_slice() else {
        return Err(Refusal::wrong_use("several companies have that name: give the keyword").into());
    };
    let database = Database::open_existing(&context).await?;
    let read = read(&context, &database, company).await;
    database.close().await?;
    let shape = read?;
    match reader {
        Reader::Program => print::document(&shape)?,
        Reader::Person => print::text(&show::text(&context, &shape))?,
    }
    Ok(Exit::Done)
}

async fn read(context: &Context, database: &Database, company: &Company) -> anyhow::Result<Shape> {
    let pool = database.store.pool();
    let records = reports::records_of(pool, &[&company.keyword]).await?;
    let Some(record) = records.into_iter().next() else {
        let refusal = Refusal::failed(format!("nothing is known of {} yet", company.name));
        return Err(refusal.advising("`qualwatch check` or the daemon asks for it").into());
    };
    let candidates = standings::named(pool, &[&company.keyword]).await?;
    let answers = reasons::answers(pool, record.id).await?;
    let which = WhichEvents { whose: EventsOf::Of(&[record.id]), since: None, until: None };
    let events = reports::events(pool, which, None, EVENTS_MAX).await?;
    let ids: Vec<EventId> = events.iter().map(|recorded| recorded.id).collect();
    let mut delivered = reasons::deliveries(pool, &ids).await?;
    let language = context.watchlist.language;
    Ok(Shape {
        company: company.keyword.clone(),
        checks: checks(context, company, &record, candidates.first()),
        answers: answers.into_iter().map(AnswerShape::from).collect(),
        doubts: doubts(context, &record),
        ends: ends::ends(context, company, &record),
        troubles: record
            .troubles
            .iter()
            .map(|(kind, which)| TroubleShape { kind: *kind, cause: which.clone() })
            .collect(),
        events: events
            .into_iter()
            .map(|recorded| ToldShape {
                deliveries: delivered
                    .remove(&recorded.id)
                    .unwrap_or_default()
                    .into_iter()
                    .map(DeliveryShape::from)
                    .collect(),
                event: EventShape::new(recorded, language),
            })
            .collect(),
    })
}

fn checks(context: &Context, company: &Company, record: &Record, candidate: Option<&Candidate>) -> Asking {
    let watchlist = &context.watchlist;
    let rhythm = Rhythm {
        line: watchlist.check_line_of(company),
        day_line: &watchlist.schedule.check,
        zone: watchlist.timezone,
    };
    let next_due = candidate.and_then(|candidate| {
        let &Candidate { accepted_at, last_asked_at, tried_at, owes_answer, .. } = candidate;
        next_due(rhythm, &Asked { accepted_at, last_asked_at, tried_at, owes_answer }, context.now())
    });
    Asking {
        last_asked_at: record.last_asked_at,
        last_verified_at: record.last_verified_at,
        last_outcome: record.last_outcome.map(Outcome::as_str),
        last_code: record.last_code,
        last_reason: record.last_reason.clone(),
        failing_since: record.failing_since,
        failing_checks: record.failing_checks,
        disputed_since: record.disputed_since,
        owes_answer: record.owes_answer,
        next_due,
        judged_on: record.judged_on,
    }
}

fn doubts(context: &Context, record: &Record) -> Vec<DoubtShape> {
    let confirm_after = context.watchlist.alerts.confirm_after;
    let doubts = record.snapshot.open_doubts();
    let held = &record.snapshot.held;
    doubts
        .map(|(key, field, doubt)| (key, field, doubt, old_and_seen(held.get(key), &doubt.difference)))
        .map(|(key, field, doubt, (old, seen))| DoubtShape {
            old,
            seen,
            certificate_num: key.number.text().to_owned(),
            qualification: key.qualification.as_str().to_owned(),
            field: field.as_str(),
            since: doubt.first_seen_at,
            looks: doubt.looks,
            looks_needed: doubt.looks_needed,
            mass: doubt.mass,
            told_as: doubt.told_as,
            again_after: doubt.last_look_at + confirm_after,
        })
        .collect()
}

/// The values between which a doubt is.
fn old_and_seen(held: Option<&Held>, difference: &Difference) -> (Option<String>, Option<String>) {
    let held = held.map(|held| &held.holding);
    let name = |holding: &Holding| holding.qualification.text.clone();
    match difference {
        Difference::New(shown) => (None, Some(name(shown))),
        Difference::Gone => (held.map(name), None),
        Difference::Grade { shown, .. } => (held.map(name), Some(name(shown))),
        Difference::End { shown, .. } => {
            (held.map(|holding| holding.end_text.clone()), Some(shown.end_text.clone()))
        }
        Difference::Issued { day, .. } => {
            (held.and_then(|holding| holding.issued).map(|day| day.to_string()), Some(day.to_string()))
        }
    }
}

impl From<AnswerSeen> for AnswerShape {
    fn from(came: AnswerSeen) -> Self {
        let AnswerSeen { outcome, first_seen_at, last_seen_at, times_seen, pages, parser_version } = came;
        Self { outcome, first_seen_at, last_seen_at, times_seen, pages, parser_version }
    }
}

impl From<Delivered> for DeliveryShape {
    fn from(delivered: Delivered) -> Self {
        let Delivered { recipient, owed_since, sent_at, cancelled_at, dead_at, reply, readdressed_from } =
            delivered;
        Self { recipient, owed_since, sent_at, cancelled_at, dead_at, reply, readdressed_from }
    }
}
