//! `qualwatch snooze`: nothing is told of one certificate's end until a day.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde::Serialize;

use crate::domain::keyword::Keyword;
use crate::domain::text::displayable;
use crate::store::companies::snoozes;

use super::arguments::{Places, SnoozeArguments};
use super::companies::all_meant;
use super::context::Context;
use super::database::OpenDatabase;
use super::exit::{Exit, Refusal};
use super::named_end::NamedCertificate;
use super::paragraph::paragraphs;
use super::print::{self, Reader};
use super::shapes::SnoozedShape;
use super::table;

#[derive(Debug, Serialize)]
struct Shape {
    company: Keyword,
    certificate_num: String,
    /// The ends it is about.
    valid_until: BTreeSet<NaiveDate>,
    /// The first day on which it is told of again; null: it was ended.
    until: Option<NaiveDate>,
    reason: Option<String>,
}

#[derive(Debug, Serialize)]
struct Listed {
    snoozed: Vec<SnoozedShape>,
}

/// Sets, ends or shows snoozes.
///
/// # Errors
/// A company or certificate that is not there, or a day that is not ahead (wrong use); or there is no database.
pub(super) async fn snooze(places: &Places, arguments: &SnoozeArguments) -> anyhow::Result<Exit> {
    let reader = arguments.output.reader();
    let (Some(company), Some(number)) = (&arguments.company, &arguments.certificate) else {
        let context = Context::load_to_read(places, reader)?;
        return list(&context, arguments.company.as_ref(), reader).await;
    };
    let context = Context::load(places, reader)?;
    let named = NamedCertificate::read(&context, company, number)?;
    if arguments.until.is_some_and(|until| until <= context.today()) {
        let refusal = Refusal::wrong_use("the day must be in the future: nothing would be silent");
        return Err(refusal.advising("name the first day on which it is to be told of again").into());
    }
    let shape = OpenDatabase::with(&context, async |database| {
        set_or_end(&context, database, &named, arguments).await
    })
    .await?;
    match reader {
        Reader::Program => print::document(&shape)?,
        Reader::Person => print::text(&paragraphs(&sentence(&shape)))?,
    }
    Ok(Exit::Done)
}

async fn list(context: &Context, company: Option<&String>, reader: Reader) -> anyhow::Result<Exit> {
    let wanted: Vec<String> = company.into_iter().cloned().collect();
    let meant: BTreeSet<&str> =
        all_meant(&context.watchlist, &wanted)?.iter().map(|company| company.keyword.as_str()).collect();
    let found = OpenDatabase::with(context, async |database| {
        Ok(snoozes::in_force(database.store.pool(), context.today()).await?)
    });
    let mut snoozed = SnoozedShape::of(found.await?, &context.watchlist);
    snoozed.retain(|one| meant.contains(one.company.as_str()));
    match reader {
        Reader::Program => print::document(&Listed { snoozed })?,
        Reader::Person if snoozed.is_empty() => print::text("nothing is snoozed")?,
        Reader::Person => {
            let colour = print::colour_of_output(&context.environment);
            print::text(&table::snoozed(&snoozed, colour).to_string())?;
        }
    }
    Ok(Exit::Done)
}

async fn set_or_end(
    context: &Context,
    database: &OpenDatabase,
    named: &NamedCertificate,
    arguments: &SnoozeArguments,
) -> anyhow::Result<Shape> {
    let pool = database.store.pool();
    let (id, ends) = named.ends(database).await?;
    let number = &named.number;
    let mut shape = Shape {
        company: named.keyword.clone(),
        certificate_num: number.text().to_owned(),
        valid_until: ends.clone(),
        until: arguments.until,
        reason: arguments.reason.clone(),
    };
    let now = context.now();
    if let (Some(until), Some(reason)) = (arguments.until, &arguments.reason) {
        if ends.is_empty() {
            return Err(named.unknown().into());
        }
        let ends: Vec<NaiveDate> = ends.into_iter().collect();
        snoozes::set(pool, id, number, &ends, (until, reason), now).await?;
        let (company, certificate) = (named.keyword.as_str(), number.text());
        tracing::info!(company, certificate, %until, reason, "snoozed");
    } else {
        if snoozes::end(pool, id, number, now).await? == 0 {
            return Err(Refusal::wrong_use(format!(
                "certificate {number} is not snoozed",
                number = displayable(number.text())
            ))
            .into());
        }
        shape.reason = None;
    }
    Ok(shape)
}

fn sentence(shape: &Shape) -> String {
    let ends: Vec<String> = shape.valid_until.iter().map(ToString::to_string).collect();
    let number = displayable(&shape.certificate_num);
    match shape.until {
        Some(until) => format!(
            "nothing is told of the end of {number} ({}) before {until}; another end is told of, and the end day and what follows \
             in any case",
            ends.join(", ")
        ),
        None => format!("the end of {number} is told of again, beginning with what is due now"),
    }
}
