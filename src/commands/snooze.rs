//! `qualwatch snooze`: nothing is told of one certificate's end until a day.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde::Serialize;

use crate::domain::keyword::Keyword;
use crate::domain::number::CertificateNumber;
use crate::domain::text::displayable;
use crate::store::checks::records::Record;
use crate::store::companies::snoozes;
use crate::store::reports;

use super::arguments::{Places, SnoozeArguments};
use super::companies::all_meant;
use super::context::Context;
use super::database::Database;
use super::exit::{Exit, Refusal};
use super::print::{self, Reader};

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

/// Sets or ends a snooze.
///
/// # Errors
/// A company or certificate that is not there, or a day that is not ahead (wrong use); or there is no database.
pub(super) async fn snooze(places: &Places, arguments: &SnoozeArguments) -> anyhow::Result<Exit> {
    let reader = arguments.output.reader();
    let context = Context::load(places, reader)?;
    let meant = all_meant(&context.watchlist, std::slice::from_ref(&arguments.company))?;
    let [company] = meant.as_slice() else {
        return Err(Refusal::wrong_use("several companies have that name: give the keyword").into());
    };
    let Some(number) = CertificateNumber::parse(&arguments.certificate) else {
        return Err(Refusal::wrong_use("the certificate's number is empty").into());
    };
    if arguments.until.is_some_and(|until| until <= context.today()) {
        let refusal = Refusal::wrong_use("the day lies not ahead: nothing would be silent");
        return Err(refusal.advising("name the first day on which it is to be told of again").into());
    }
    let database = Database::open_existing(&context).await?;
    let done = set_or_end(&context, &database, &company.keyword, &number, arguments).await;
    database.close().await?;
    let shape = done?;
    match reader {
        Reader::Program => print::document(&shape)?,
        Reader::Person => print::text(&sentence(&shape))?,
    }
    Ok(Exit::Done)
}

async fn set_or_end(
    context: &Context,
    database: &Database,
    keyword: &Keyword,
    number: &CertificateNumber,
    arguments: &SnoozeArguments,
) -> anyhow::Result<Shape> {
    let pool = database.store.pool();
    let records = reports::records_of(pool, &[keyword]).await?;
    let (id, ends) = match records.first() {
        Some(record) => (record.id, ends_of(record, number)),
        None => return Err(unknown(number).into()),
    };
    let mut shape = Shape {
        company: keyword.clone(),
        certificate_num: number.text().to_owned(),
        valid_until: ends.clone(),
        until: arguments.until,
        reason: arguments.reason.clone(),
    };
    let now = context.now();
    if let (Some(until), Some(reason)) = (arguments.until, &arguments.reason) {
        if ends.is_empty() {
            return Err(unknown(number).into());
        }
        let ends: Vec<NaiveDate> = ends.into_iter().collect();
        snoozes::set(pool, id, number, &ends, (until, reason), now).await?;
        tracing::info!(company = keyword.as_str(), certificate = number.text(), %until, reason, "snoozed");
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

fn ends_of(record: &Record, number: &CertificateNumber) -> BTreeSet<NaiveDate> {
    record.snapshot.certificate(number).filter_map(|held| held.holding.last_day()).collect()
}

fn unknown(number: &CertificateNumber) -> Refusal {
    let refusal = Refusal::wrong_use(format!(
        "the company has no established certificate {} with an end",
        displayable(number.text())
    ));
    refusal.advising("`qualwatch list --company K` shows the numbers")
}

fn sentence(shape: &Shape) -> String {
    let ends: Vec<String> = shape.valid_until.iter().map(ToString::to_string).collect();
    let number = displayable(&shape.certificate_num);
    match shape.until {
        Some(until) => format!(
            "nothing is told of the end of {number} ({}) before {until}; another end is told of",
            ends.join(", ")
        ),
        None => format!("the end of {number} is told of again, beginning with what is due now"),
    }
}
