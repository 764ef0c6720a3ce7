//! `qualwatch why`: a company's last checks, doubts and decisions.

mod ends;
mod shape;
mod show;

use crate::config::Company;
use crate::domain::holding::Holding;
use crate::domain::outcome::Outcome;
use crate::domain::rhythm::{LastAsked, Occasions, Rhythm};
use crate::domain::snapshot::{Difference, Held};
use crate::store::checks::records::Record;
use crate::store::checks::standings::{self, Candidate};
use crate::store::outbox::events::EventId;
use crate::store::reports::reasons;
use crate::store::reports::{self, WhichEvents};

use super::arguments::{Places, Why};
use super::companies::all_meant;
use super::context::Context;
use super::database::OpenDatabase;
use super::exit::{Exit, Refusal};
use super::print::{self, Reader};
use super::shapes::EventShape;
use shape::{ChecksShape, OpenDoubtShape, ToldShape, TroubleShape, WhyShape};

/// Events that are shown with what became of them.
const EVENTS_MAX: u32 = 20;

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
    let shape =
        OpenDatabase::with(&context, async |database| read(&context, database, company).await).await?;
    match reader {
        Reader::Program => print::document(&shape)?,
        Reader::Person => print::text(&show::text(&context, &shape))?,
    }
    Ok(Exit::Done)
}

async fn read(context: &Context, database: &OpenDatabase, company: &Company) -> anyhow::Result<WhyShape> {
    let pool = database.store.pool();
    let Some(record) = reports::record_of(pool, &company.keyword).await? else {
        let refusal = Refusal::failed(format!("nothing is known of {} yet", company.name));
        return Err(refusal.advising("`qualwatch check` or the daemon asks for it").into());
    };
    let candidates = standings::named(pool, &[&company.keyword]).await?;
    let answers = reasons::answers(pool, record.id).await?;
    let which = WhichEvents { of: Some(&[record.id]), ..WhichEvents::default() };
    let events = reports::events(pool, which, None, EVENTS_MAX).await?;
    let ids: Vec<EventId> = events.iter().map(|recorded| recorded.id).collect();
    let mut delivered = reasons::deliveries(pool, &ids).await?;
    let language = context.watchlist.language;
    Ok(WhyShape {
        company: company.keyword.clone(),
        checks: checks(context, company, &record, candidates.first()),
        answers,
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
                deliveries: delivered.remove(&recorded.id).unwrap_or_default(),
                event: EventShape::new(recorded, language),
            })
            .collect(),
    })
}

fn checks(
    context: &Context,
    company: &Company,
    record: &Record,
    candidate: Option<&Candidate>,
) -> ChecksShape {
    let watchlist = &context.watchlist;
    let rhythm = Rhythm {
        line: watchlist.check_line_of(company),
        day_line: &watchlist.schedule.check,
        zone: watchlist.timezone,
    };
    let next_due = candidate.and_then(|candidate| {
        let &Candidate { accepted_at, last_asked_at, tried_at, owes_answer, .. } = candidate;
        let asked = LastAsked { accepted_at, last_asked_at, tried_at, owes_answer };
        Occasions::at(rhythm, context.now()).next_due(&asked)
    });
    ChecksShape {
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

fn doubts(context: &Context, record: &Record) -> Vec<OpenDoubtShape> {
    let confirm_after = context.watchlist.alerts.confirm_after;
    let doubts = record.snapshot.open_doubts();
    let held = &record.snapshot.held;
    doubts
        .map(|(key, field, doubt)| (key, field, doubt, old_and_seen(held.get(key), &doubt.difference)))
        .map(|(key, field, doubt, (old, seen))| OpenDoubtShape {
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
