//! What a check found, for people.

use std::fmt::Write as _;

use super::shape::{DoubtsFound, EventsFound, Shape};
use crate::commands::companies::name_of;
use crate::commands::context::Context;
use crate::commands::event_line;
use crate::commands::print::{self, Buffered};
use crate::commands::table::{self, cell, table};
use crate::email::words;
use crate::standing::Entries;

/// So many doubts are listed for a person.
const DOUBTS_MAX: usize = 200;

pub(super) async fn show(
    context: &Context,
    found: EventsFound<'_>,
    doubts: DoubtsFound<'_>,
    shape: &Shape,
) -> anyhow::Result<()> {
    let language = context.watchlist.language;
    let colour = print::colour_of_output(&context.environment);
    let (mut text, mut count) = (Buffered::default(), 0);
    found
        .each(|recorded| {
            count += 1;
            let summary = words::summary(&recorded.event, language);
            text.push(event_line::line(recorded.event.kind(), &summary, colour).as_bytes())
        })
        .await?;
    if count == 0 {
        text.push(b"nothing new\n")?;
    }
    let entries = Entries::of(&context.watchlist);
    text.push(in_doubt(context, &entries, doubts).await?.as_bytes())?;
    text.push(rest(context, &entries, shape).as_bytes())?;
    text.print()
}

async fn in_doubt(
    context: &Context,
    entries: &Entries<'_>,
    doubts: DoubtsFound<'_>,
) -> anyhow::Result<String> {
    let colour = print::colour_of_output(&context.environment);
    let mut rows =
        table(["company", "certificate", "in doubt", "seen first", "next look counts from"], colour);
    let mut count = 0;
    doubts
        .each(|doubt| {
            count += 1;
            if count <= DOUBTS_MAX {
                rows.add_row([
                    cell(name_of(entries, Some(&doubt.company))),
                    cell(&doubt.certificate_num),
                    cell(&doubt.what),
                    cell(&context.local(doubt.since)),
                    cell(&context.local(doubt.again_after)),
                ]);
            }
            Ok(())
        })
        .await?;
    let mut text = String::new();
    if count > 0 {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "\nIn doubt, until a later look agrees:\n{rows}");
    }
    if count > DOUBTS_MAX {
        let _ = writeln!(text, "… and {} more (--json has them all)", count - DOUBTS_MAX);
    }
    Ok(text)
}

fn rest(context: &Context, entries: &Entries<'_>, shape: &Shape) -> String {
    let colour = print::colour_of_output(&context.environment);
    let mut text = String::new();
    if !shape.problems.is_empty() {
        let problems = table::problems(&shape.problems, entries, colour);
        let _ = writeln!(text, "\nProblems:\n{problems}");
    }
    let companies = &shape.companies;
    let _ = writeln!(
        text,
        "\n{} asked: {} complete, {} incomplete, {} failed, {} disputed; {} skipped; {} calls\nmail: {} sent, {} failed, {} owed",
        companies.asked,
        companies.complete,
        companies.incomplete,
        companies.failed,
        companies.disputed,
        companies.skipped,
        shape.calls,
        shape.mail.sent,
        shape.mail.failed,
        shape.mail.owed,
    );
    text
}
