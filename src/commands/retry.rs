//! `qualwatch retry`: dead letters are offered again.

use std::fmt::Write as _;

use serde::Serialize;

use crate::config;
use crate::email::{Mailed, Mailer, Ripe};
use crate::store::outbox::dead_letters::{self, DeadLetter};
use crate::store::steps::NoSteps;

use super::arguments::{Places, Retry};
use super::check::problems_of_mail;
use super::context::Context;
use super::database::Database;
use super::exit::Exit;
use super::print::{self, Reader};
use super::shapes::ProblemShape;
use super::table::{cell, table};

#[derive(Debug, Serialize)]
struct Shape {
    /// Dead letters that were offered again.
    offered: usize,
    mail: MailShape,
    problems: Vec<ProblemShape>,
}

#[derive(Debug, Serialize)]
struct MailShape {
    owed: u64,
    sent: u64,
    failed: u64,
}

/// Makes every dead letter owed again and sends what is owed.
///
/// # Errors
/// Wrong use, or there is no database.
pub(super) async fn retry(places: &Places, arguments: &Retry) -> anyhow::Result<Exit> {
    let reader = arguments.output.reader();
    let context = Context::load(places, reader)?;
    let database = Database::open_existing(&context).await?;
    let done = offer_and_send(&context, &database).await;
    database.close().await?;
    let (letters, sent) = done?;
    let shape = Shape {
        offered: letters.len(),
        mail: MailShape { owed: sent.owed, sent: sent.sent, failed: sent.failed },
        problems: problems_of_mail(&sent),
    };
    match reader {
        Reader::Program => print::document(&shape)?,
        Reader::Person => print::text(&told(&context, &letters, &shape))?,
    }
    Ok(if shape.problems.is_empty() { Exit::Done } else { Exit::Problems })
}

async fn offer_and_send(context: &Context, database: &Database) -> anyhow::Result<(Vec<DeadLetter>, Mailed)> {
    let pool = database.store.pool();
    let letters = dead_letters::dead_letters(pool).await?;
    dead_letters::offer_again(pool).await?;
    let sending = Mailer {
        store: &database.store,
        watchlist: &context.watchlist,
        password: config::read_smtp_password(&context.watchlist, &context.environment)?,
        clock: context.clock.as_ref(),
        steps: &NoSteps,
    };
    Ok((letters, sending.send_owed(Ripe::Everything).await?))
}

fn told(context: &Context, letters: &[DeadLetter], shape: &Shape) -> String {
    let colour = print::colour_of_output(&context.environment);
    let mut text = String::new();
    if letters.is_empty() {
        text.push_str("there are no dead letters\n");
    } else {
        let mut offered = table(["recipient", "given up", "events", "because"], colour);
        for letter in letters {
            offered.add_row([
                cell(&letter.recipient),
                cell(&context.local(letter.dead_at)),
                cell(&letter.events.to_string()),
                cell(letter.reply.as_deref().unwrap_or_default()),
            ]);
        }
        // Writing to a String cannot fail.
        let _ = writeln!(text, "Offered again:\n{offered}");
    }
    for problem in &shape.problems {
        let _ = writeln!(text, "problem: {}", problem.reason);
    }
    let MailShape { owed, sent, failed } = shape.mail;
    let _ = writeln!(text, "mail: {sent} sent, {failed} failed, {owed} owed");
    text
}
