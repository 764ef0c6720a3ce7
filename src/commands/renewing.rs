//! `qualwatch renewing`: the renewal of one certificate was filed.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde::Serialize;

use crate::domain::keyword::Keyword;
use crate::domain::text::displayable;
use crate::store::companies::renewals;

use super::arguments::{Places, RenewingArguments};
use super::context::Context;
use super::database::OpenDatabase;
use super::exit::{Exit, Refusal};
use super::named_end::NamedCertificate;
use super::paragraph::paragraphs;
use super::print::{self, Reader};

#[derive(Debug, Serialize)]
struct Shape {
    company: Keyword,
    certificate_num: String,
    /// The ends that it puts off.
    valid_until: BTreeSet<NaiveDate>,
    /// The day on which it was filed; null: it was taken back.
    filed: Option<NaiveDate>,
    /// The acceptance number.
    #[serde(rename = "ref")]
    reference: Option<String>,
}

/// Notes that a renewal was filed, or takes that back.
///
/// # Errors
/// A company or certificate that is not there, or a day that lies ahead (wrong use); or there is no database.
pub(super) async fn renewing(places: &Places, arguments: &RenewingArguments) -> anyhow::Result<Exit> {
    let reader = arguments.output.reader();
    let context = Context::load(places, reader)?;
    let named = NamedCertificate::read(&context, &arguments.company, &arguments.certificate)?;
    if arguments.filed.is_some_and(|filed| filed > context.today()) {
        let refusal = Refusal::wrong_use("the day on which it was filed lies ahead");
        return Err(refusal.advising("name the day on which the application was handed in").into());
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

async fn set_or_end(
    context: &Context,
    database: &OpenDatabase,
    named: &NamedCertificate,
    arguments: &RenewingArguments,
) -> anyhow::Result<Shape> {
    let pool = database.store.pool();
    let (id, ends) = named.ends(database).await?;
    let now = context.now();
    let reference = arguments.reference.as_deref().map(str::trim).filter(|text| !text.is_empty());
    if let Some(filed) = arguments.filed {
        if ends.is_empty() {
            return Err(named.unknown().into());
        }
        let all: Vec<NaiveDate> = ends.iter().copied().collect();
        renewals::set(pool, id, &named.number, &all, (filed, reference), now).await?;
        let (company, certificate) = (named.keyword.as_str(), named.number.text());
        tracing::info!(company, certificate, %filed, "its renewal was filed");
    } else if renewals::end(pool, id, &named.number, now).await? == 0 {
        let number = displayable(named.number.text());
        return Err(Refusal::wrong_use(format!("nothing was said of a renewal of {number}")).into());
    }
    Ok(Shape {
        company: named.keyword.clone(),
        certificate_num: named.number.text().to_owned(),
        valid_until: ends,
        filed: arguments.filed,
        reference: reference.map(str::to_owned),
    })
}

fn sentence(shape: &Shape) -> String {
    let ends: Vec<String> = shape.valid_until.iter().map(ToString::to_string).collect();
    let number = displayable(&shape.certificate_num);
    match shape.filed {
        Some(filed) => format!(
            "the renewal of {number} ({}) was filed on {filed}: its filing day is no longer told; its end is from 30 days on, and \
             the end day in any case",
            ends.join(", ")
        ),
        None => format!("{number} is reminded of as before, beginning with what is due now"),
    }
}
