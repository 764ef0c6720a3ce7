//! `qualwatch history`: what happened to companies, and what they hold.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use serde::Serialize;

use crate::domain::certificates::Certificate;
use crate::domain::display::displayable;
use crate::domain::keyword::Keyword;
use crate::domain::wall_clock::hour_of_day;
use crate::store::checks::records::Record;
use crate::store::outbox::events::Recorded;
use crate::store::reports::{self, Whose};
use crate::store::{self, Store};

use super::arguments::{History, Places};
use super::companies::{certificates_on, folded, meant, unknown};
use super::context::Context;
use super::database::Database;
use super::exit::{Exit, Refusal};
use super::print::{self, Reader};
use super::shapes::EventShape;
use super::table;

#[derive(Serialize)]
struct Story {
    /// Newest first.
    events: Vec<EventShape>,
    /// Null: the certificates are those of now.
    as_of: Option<NaiveDate>,
    certificates: Vec<Certificate>,
}

/// Prints events, newest first, and the certificates as they are now or were at the end of a day.
///
/// # Errors
/// A company that was never in the watchlist (wrong use), or there is no database.
pub(super) async fn history(places: &Places, arguments: &History) -> anyhow::Result<Exit> {
    let reader = arguments.output.reader();
    let context = Context::load(places, reader)?;
    let database = match Database::open_existing(&context).await {
        Ok(database) => database,
        // Wrong use comes before what went wrong.
        Err(error) => {
            let mut wanted = arguments.companies.iter();
            return Err(match wanted.find(|wanted| meant(&context.watchlist, wanted).is_empty()) {
                Some(wanted) => unknown(&context.watchlist, wanted).into(),
                None => error,
            });
        }
    };
    let read = read(&context, &database.store, arguments).await;
    database.close().await?;
    let (events, records) = read?;
    let language = context.watchlist.language;
    let story = Story {
        events: events.into_iter().map(|recorded| EventShape::new(recorded, language)).collect(),
        as_of: arguments.as_of,
        certificates: certificates_on(&context, &records, arguments.as_of.unwrap_or(context.today())),
    };
    match reader {
        Reader::Program => print::document(&story)?,
        Reader::Person => show(&context, &story)?,
    }
    Ok(Exit::Done)
}

async fn read(
    context: &Context,
    store: &Store,
    arguments: &History,
) -> anyhow::Result<(Vec<Recorded>, Vec<Record>)> {
    let (pool, wanted) = (store.pool(), &arguments.companies);
    let keywords = keywords(context, store, wanted).await?;
    let records = reports::records_of(pool, &keywords.iter().collect::<Vec<_>>()).await?;
    let ids: Vec<_> = records.iter().map(|record| record.id).collect();
    let whose = if wanted.is_empty() { Whose::Everyones } else { Whose::Of(&ids) };
    let mut events: Vec<Recorded> = Vec::new();
    loop {
        let batch = reports::events(pool, whose, events.last().map(|recorded| recorded.id)).await?;
        if batch.is_empty() {
            break;
        }
        events.extend(batch);
    }
    let Some(day) = arguments.as_of else { return Ok((events, records)) };
    let end = end_of(day, context.watchlist.timezone)?;
    events.retain(|recorded| recorded.event.at < end);
    Ok((events, store::reports::history::as_of(pool, records, end).await?))
}

/// The first instant after a calendar day of the configured zone.
fn end_of(day: NaiveDate, zone: Tz) -> anyhow::Result<DateTime<Utc>> {
    let end = day.succ_opt().and_then(|next| hour_of_day(zone, next, 0));
    end.ok_or_else(|| Refusal::wrong_use("no calendar reaches as far as that day").into())
}

/// Whoever is meant, in the file or of those that have left it: their history is kept for ever.
async fn keywords(context: &Context, store: &Store, wanted: &[String]) -> anyhow::Result<Vec<Keyword>> {
    let watchlist = &context.watchlist;
    if wanted.is_empty() {
        return Ok(watchlist.companies.iter().map(|company| company.keyword.clone()).collect());
    }
    let mut keywords = Vec::new();
    for wanted in wanted {
        let in_file = meant(watchlist, wanted);
        if !in_file.is_empty() {
            keywords.extend(in_file.into_iter().map(|company| company.keyword.clone()));
            continue;
        }
        let ever = reports::ever_known(store.pool()).await?;
        let is_meant = |known: &reports::Known| {
            known.keyword.folded() == folded(wanted) || folded(&known.name) == folded(wanted)
        };
        let found: Vec<_> = ever.into_iter().filter(is_meant).map(|known| known.keyword).collect();
        if found.is_empty() {
            return Err(unknown(watchlist, wanted).into());
        }
        keywords.extend(found);
    }
    Ok(keywords)
}

fn show(context: &Context, story: &Story) -> anyhow::Result<()> {
    let colour = print::colour_of_output(&context.environment);
    if story.events.is_empty() {
        print::text("nothing has happened yet")?;
    }
    // No table: what happened is a sentence, too long for a cell.
    for event in &story.events {
        let (when, what) = (context.local(event.at), displayable(&event.summary));
        print::text(&format!("{when}  {}\n    {what}", event.kind))?;
    }
    if story.certificates.is_empty() {
        return Ok(());
    }
    let when = story.as_of.map_or("now".to_owned(), |day| format!("at the end of {day}"));
    print::text(&format!("\nCertificates {when}:\n{}", table::certificates(&story.certificates, colour)))
}
