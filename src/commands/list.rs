//! `qualwatch list`: the certificates as they are established.

use anyhow::Context as _;
use chrono::TimeDelta;

use crate::domain::certificates::Certificate;
use crate::domain::keyword::Keyword;
use crate::domain::text::spreadsheet_cell;
use crate::store::Store;
use crate::store::companies::CompanyId;
use crate::store::reports::snapshots;

use super::arguments::{List, ListFormat, Places};
use super::certificates::{AsOf, InFile, Sorted, sort};
use super::companies::all_meant;
use super::context::Context;
use super::database::OpenDatabase;
use super::document::Document;
use super::exit::Exit;
use super::print::{self, Buffered, Reader};
use super::table;

/// Prints the certificates of all companies, or of one, by end and number.
///
/// # Errors
/// Wrong use, or there is no database.
pub(super) async fn list(places: &Places, arguments: &List) -> anyhow::Result<Exit> {
    let format = if arguments.json { ListFormat::Json } else { arguments.format };
    let reader = if format == ListFormat::Json { Reader::Program } else { Reader::Person };
    let context = Context::load_to_read(places, reader)?;
    let wanted: Vec<String> = arguments.company.iter().cloned().collect();
    let keywords: Vec<&Keyword> =
        all_meant(&context.watchlist, &wanted)?.into_iter().map(|company| &company.keyword).collect();
    OpenDatabase::with(&context, async |database| {
        read_and_print(&context, &database.store, &keywords, (arguments, format)).await
    })
    .await?;
    Ok(Exit::Done)
}

async fn read_and_print(
    context: &Context,
    store: &Store,
    keywords: &[&Keyword],
    (arguments, format): (&List, ListFormat),
) -> anyhow::Result<()> {
    let asked = (&*ids(context, store, keywords, arguments).await?, AsOf::Now);
    let in_file = InFile::of(context);
    let is_wanted = |keyword: &str| in_file.names(keyword);
    let is_listed = |certificate: &Certificate| {
        arguments
            .expiring
            .is_none_or(|days| certificate.days_left.is_some_and(|left| (0..=days.into()).contains(&left)))
    };
    let mut sorted = Sorted::new();
    let mut certificates: Vec<Certificate> = Vec::new();
    let take = |certificate: Certificate| match format {
        _ if !is_listed(&certificate) => Ok(()),
        ListFormat::Json => sorted.push_json(&certificate),
        ListFormat::Csv => {
            let row = row(cells(&certificate)?)?;
            sorted.push(&certificate, &row)
        }
        // The widths of a table are known when all of it is there.
        ListFormat::Table => {
            certificates.push(certificate);
            Ok(())
        }
    };
    in_file.each(store.pool(), asked, is_wanted, take).await?;
    match format {
        ListFormat::Json => {
            let mut document = Document::default();
            sorted.print_list(&mut document)?;
            document.end()
        }
        ListFormat::Csv => {
            // RFC 4180 with a byte order mark: without it Excel takes the file for GBK.
            let mut rows = Buffered::default();
            rows.push("\u{feff}".as_bytes())?;
            rows.push(&row(COLUMNS)?)?;
            sorted.texts(|row| rows.push(row))?;
            rows.print()
        }
        ListFormat::Table if certificates.is_empty() => print::text("no certificates"),
        ListFormat::Table => {
            sort(&mut certificates);
            let colour = print::colour_of_output(&context.environment);
            print::text(&table::certificates(&certificates, colour).to_string())
        }
    }
}

/// Whose certificates have to be read.
async fn ids(
    context: &Context,
    store: &Store,
    keywords: &[&Keyword],
    arguments: &List,
) -> anyhow::Result<Vec<CompanyId>> {
    let pool = store.pool();
    Ok(match (arguments.expiring, &arguments.company) {
        (_, Some(_)) => snapshots::ids_named(pool, keywords).await?,
        (Some(days), None) => {
            let today = context.today();
            snapshots::ids_ending_between(pool, today, today + TimeDelta::days(days.into())).await?
        }
        (None, None) => snapshots::ids(pool).await?,
    })
}

const COLUMNS: [&str; 18] = [
    "company",
    "name",
    "business_id",
    "certificate_num",
    "family",
    "type",
    "organ",
    "issued_on",
    "valid_until",
    "valid_until_text",
    "days_left",
    "filing_day",
    "state",
    "last_verified_at",
    "qualifications",
    "other_ends",
    "snoozed_until",
    "renewal_filed",
];

fn row<T: AsRef<[u8]>>(cells: [T; COLUMNS.len()]) -> anyhow::Result<Vec<u8>> {
    let failed = "writing CSV";
    let mut bytes = Vec::new();
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(&mut bytes);
    writer.write_record(cells).context(failed)?;
    writer.flush().context(failed)?;
    drop(writer);
    Ok(bytes)
}

/// Upstream's and the operator's texts are guarded; our own words, dates and numbers are not.
fn cells(certificate: &Certificate) -> anyhow::Result<[String; COLUMNS.len()]> {
    fn shown(value: Option<impl ToString>) -> String {
        value.map(|value| value.to_string()).unwrap_or_default()
    }
    let text = |text: &Option<String>| text.as_deref().map(spreadsheet_cell).unwrap_or_default();
    let word = |value: serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let qualifications: Vec<&str> =
        certificate.qualifications.iter().map(|held| held.text.as_str()).collect();
    Ok([
        spreadsheet_cell(certificate.company.as_str()),
        spreadsheet_cell(&certificate.name),
        text(&certificate.business_id),
        spreadsheet_cell(&certificate.certificate_num),
        word(serde_json::to_value(certificate.family)?),
        text(&certificate.kind),
        text(&certificate.organ),
        shown(certificate.issued_on),
        shown(certificate.valid_until),
        text(&certificate.valid_until_text),
        shown(certificate.days_left),
        shown(certificate.filing_day),
        word(serde_json::to_value(certificate.state)?),
        shown(certificate.last_verified_at.map(|at| at.to_rfc3339())),
        spreadsheet_cell(&qualifications.join("; ")),
        certificate.other_ends.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
        shown(certificate.snoozed_until),
        shown(certificate.renewal_filed),
    ])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn whatever_a_cell_holds_a_spreadsheet_reads_it_as_that_text(texts in prop::collection::vec(any::<String>(), 2..5)) {
            let cells: Vec<String> = texts.iter().map(|text| spreadsheet_cell(text)).collect();
            let mut bytes = Vec::new();
            let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(&mut bytes);
            writer.write_record(&cells).unwrap();
            drop(writer);
            let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(bytes.as_slice());
            let read = reader.records().next().unwrap().unwrap();
            prop_assert_eq!(read.iter().collect::<Vec<_>>(), cells.clone());
            for cell in cells {
                prop_assert!(!cell.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']), "{:?}", cell);
                prop_assert!(!cell.chars().any(char::is_control), "{:?}", cell);
            }
        }
    }

    #[test]
    fn no_cell_is_a_formula() {
        for (text, cell, why) in [
            ("=HYPERLINK(\"http://x\")", "'=HYPERLINK(\"http://x\")", "a formula"),
            ("-", "'-", "what the registry writes for nothing"),
            ("＝1", "'＝1", "full width"),
            ("\t=1", "'=1", "behind a tab"),
            (" @x", "'@x", "behind a blank"),
            ("设计资质", "设计资质", "a text"),
            ("D241-1", "D241-1", "not in front"),
        ] {
            assert_eq!(spreadsheet_cell(text), cell, "{why}");
        }
    }
}
