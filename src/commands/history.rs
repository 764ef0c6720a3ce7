//! `qualwatch history`: what happened to companies, and what they hold.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

use crate::domain::certificates::Certificate;
use crate::domain::keyword::Keyword;
use crate::domain::text::folded;
use crate::domain::wall_clock::hour_of_day;
use crate::store::Store;
use crate::store::companies::CompanyId;
use crate::store::outbox::events::Recorded;
use crate::store::reports::{self, WhichEvents, snapshots};

use super::arguments::{History, Places};
use super::certificates::{AsOf, InFile, Sorted, sort};
use super::companies::{meant, unknown};
use super::context::Context;
use super::database::OpenDatabase;
use super::document::Document;
use super::event_line;
use super::exit::{Exit, Refusal};
use super::print::{self, Reader};
use super::shapes::EventShape;
use super::table;

/// Prints events, newest first, and the certificates as they are now or were at the end of a day.
///
/// # Errors
/// A company that was never in the watchlist (wrong use), or there is no database.
pub(super) async fn history(places: &Places, arguments: &History) -> anyhow::Result<Exit> {
    let reader = arguments.output.reader();
    let context = Context::load_to_read(places, reader)?;
    let database = match OpenDatabase::open_existing(&context).await {
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
    let done = read_and_print(&context, &database.store, arguments, reader).await;
    database.closed_after(done).await.map(|()| Exit::Done)
}

/// What is asked for.
struct Story<'a> {
    context: &'a Context,
    store: &'a Store,
    /// All that were ever in the file where nobody is named.
    companies: Vec<CompanyId>,
    is_everyones: bool,
    since: Option<DateTime<Utc>>,
    as_of: AsOf,
    limit: Option<u32>,
}

async fn read_and_print(
    context: &Context,
    store: &Store,
    arguments: &History,
    reader: Reader,
) -> anyhow::Result<()> {
    let zone = context.watchlist.timezone;
    let since = arguments.since.map(|day| beginning_of(day, zone)).transpose()?;
    let as_of = match arguments.as_of {
        Some(day) => AsOf::EndOf(day, end_of(day, zone)?),
        None => AsOf::Now,
    };
    let wanted = &arguments.companies;
    let companies = if wanted.is_empty() {
        snapshots::ids(store.pool()).await?
    } else {
        let keywords = keywords(context, store, wanted).await?;
        snapshots::ids_named(store.pool(), &keywords.iter().collect::<Vec<_>>()).await?
    };
    let (is_everyones, limit) = (wanted.is_empty(), arguments.limit);
    let asked = Story { context, store, companies, is_everyones, since, as_of, limit };
    match reader {
        Reader::Program => asked.print_document().await,
        Reader::Person => asked.show().await,
    }
}

impl Story<'_> {
    async fn print_document(&self) -> anyhow::Result<()> {
        let mut certificates = Sorted::new();
        // First, so that nothing is printed where they cannot be read.
        self.each_certificate(|certificate| certificates.push_json(&certificate)).await?;
        let language = self.context.watchlist.language;
        let mut document = Document::default();
        document.begin_list("events")?;
        self.each_batch(|batch| {
            batch.into_iter().try_for_each(|recorded| document.item(&EventShape::new(recorded, language)))
        })
        .await?;
        document.end_list()?;
        let as_of = match self.as_of {
            AsOf::EndOf(day, _) => Some(day),
            AsOf::Now => None,
        };
        // Null: the certificates are those of now.
        document.field("as_of", &as_of)?;
        certificates.print_list(&mut document)?;
        document.end()
    }

    async fn show(&self) -> anyhow::Result<()> {
        let language = self.context.watchlist.language;
        let colour = print::colour_of_output(&self.context.environment);
        let mut count = 0;
        self.each_batch(|batch| {
            count += batch.len();
            let mut text = String::new();
            for recorded in batch {
                let event = EventShape::new(recorded, language);
                // No table: what happened is a sentence, too long for a cell.
                let when = self.context.local(event.at);
                text.push_str(&event_line::entry(&when, event.kind, &event.summary, colour));
            }
            print::text(&text)
        })
        .await?;
        if count == 0 {
            print::text(match self.since {
                Some(_) => "nothing has happened since then",
                None => "nothing has happened yet",
            })?;
        }
        let mut certificates: Vec<Certificate> = Vec::new();
        self.each_certificate(|certificate| {
            certificates.push(certificate);
            Ok(())
        })
        .await?;
        if certificates.is_empty() {
            return Ok(());
        }
        sort(&mut certificates);
        let when = match self.as_of {
            AsOf::EndOf(day, _) => format!("at the end of {day}"),
            AsOf::Now => "now".to_owned(),
        };
        print::text(&format!("\nCertificates {when}:\n{}", table::certificates(&certificates, colour)))
    }

    /// Hands over the events, newest first, a batch at a time: a history of years does not fit into memory.
    async fn each_batch(
        &self,
        mut take: impl FnMut(Vec<Recorded>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let until = match self.as_of {
            AsOf::EndOf(_, end) => Some(end),
            AsOf::Now => None,
        };
        let of = (!self.is_everyones).then_some(&*self.companies);
        let which = WhichEvents { of, since: self.since, until };
        let mut left = self.limit.unwrap_or(u32::MAX);
        let mut last = None;
        loop {
            let batch = reports::events(self.store.pool(), which, last, left).await?;
            let Some(oldest) = batch.last() else { return Ok(()) };
            last = Some(oldest.id);
            if self.limit.is_some() {
                left = left.saturating_sub(u32::try_from(batch.len()).unwrap_or(u32::MAX));
            }
            take(batch)?;
        }
    }

    async fn each_certificate(
        &self,
        take: impl FnMut(Certificate) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let in_file = InFile::of(self.context);
        let is_wanted = |keyword: &str| !self.is_everyones || in_file.names(keyword);
        in_file.each(self.store.pool(), (&self.companies, self.as_of), is_wanted, take).await
    }
}

/// The first instant of a calendar day of the configured zone.
fn beginning_of(day: NaiveDate, zone: Tz) -> anyhow::Result<DateTime<Utc>> {
    let beginning = hour_of_day(zone, day, 0);
    beginning.ok_or_else(|| Refusal::wrong_use("no calendar reaches as far as that day").into())
}

/// The first instant after a calendar day of the configured zone.
fn end_of(day: NaiveDate, zone: Tz) -> anyhow::Result<DateTime<Utc>> {
    let end = day.succ_opt().and_then(|next| hour_of_day(zone, next, 0));
    end.ok_or_else(|| Refusal::wrong_use("no calendar reaches as far as that day").into())
}

/// Whoever is meant, in the file or of those that have left it: their history is kept for ever.
async fn keywords(context: &Context, store: &Store, wanted: &[String]) -> anyhow::Result<Vec<Keyword>> {
    let watchlist = &context.watchlist;
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
