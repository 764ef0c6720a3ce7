//! `qualwatch retry`: dead letters are offered again.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::config::{self, Sourced};
use crate::domain::health::ShownProblem;
use crate::domain::secret::Secret;
use crate::email::{Mailed, Mailer, Ripe};
use crate::store::outbox::dead_letters::{self, DeadLetter};
use crate::store::reports::reasons::{self, Delivered};
use crate::store::steps::NoSteps;

use super::arguments::{Places, Retry};
use super::check::problems_of_mail;
use super::context::Context;
use super::database::OpenDatabase;
use super::exit::Exit;
use super::paragraph::paragraphs;
use super::print::{self, Reader};
use super::shapes::MailShape;
use super::table::{cell, table};

#[derive(Debug, Serialize)]
struct Shape {
    /// Dead letters that were offered again.
    offered: usize,
    letters: Vec<LetterShape>,
    mail: MailShape,
    problems: Vec<ShownProblem>,
}

/// A dead letter, and what became of it.
#[derive(Debug, Serialize)]
struct LetterShape {
    recipient: String,
    dead_at: DateTime<Utc>,
    events: i64,
    reply: Option<String>,
    /// Who has it now: the same address, or whoever gets those news instead by the file.
    sent_to: Vec<String>,
    /// Who is still owed it.
    owed_to: Vec<String>,
}

/// Makes every dead letter owed again and sends what is owed.
///
/// # Errors
/// Wrong use, or there is no database.
pub(super) async fn retry(places: &Places, arguments: &Retry) -> anyhow::Result<Exit> {
    let reader = arguments.output.reader();
    let context = Context::load(places, reader)?;
    // What cannot be read is said before anything is offered again.
    let password = config::read_smtp_password(&context.watchlist, &context.environment)?;
    let (letters, sent) =
        OpenDatabase::with(&context, async |database| offer_and_send(&context, database, password).await)
            .await?;
    let shape = Shape {
        offered: letters.len(),
        letters,
        mail: MailShape::from(&sent),
        problems: problems_of_mail(&sent),
    };
    match reader {
        Reader::Program => print::document(&shape)?,
        Reader::Person => print::text(&paragraphs(&told(&context, &shape)))?,
    }
    Ok(if shape.problems.is_empty() { Exit::Done } else { Exit::Problems })
}

async fn offer_and_send(
    context: &Context,
    database: &OpenDatabase,
    password: Option<Sourced<Secret>>,
) -> anyhow::Result<(Vec<LetterShape>, Mailed)> {
    let pool = database.store.pool();
    let letters = dead_letters::dead_letters(pool).await?;
    dead_letters::offer_again(pool, &context.watchlist.addresses()).await?;
    let sending = Mailer {
        store: &database.store,
        watchlist: &context.watchlist,
        password,
        clock: context.clock.as_ref(),
        steps: &NoSteps,
    };
    let mailed = sending.send_owed(Ripe::Everything).await?;
    Ok((became(database, letters).await?, mailed))
}

/// What became of letters that were offered again.
async fn became(database: &OpenDatabase, letters: Vec<DeadLetter>) -> anyhow::Result<Vec<LetterShape>> {
    let mut became = Vec::with_capacity(letters.len());
    for letter in letters {
        let address = letter.recipient.to_ascii_lowercase();
        let (mut sent_to, mut owed_to) = (BTreeSet::new(), BTreeSet::new());
        let delivered = reasons::deliveries(database.store.pool(), &letter.told).await?;
        for deliveries in delivered.into_values() {
            let is_own = |one: &Delivered| one.recipient.to_ascii_lowercase() == address;
            let has_moved = deliveries.iter().any(|one| is_own(one) && one.cancelled_at.is_some());
            let heirs = deliveries.iter().filter(|one| {
                one.cancelled_at.is_none() && (is_own(one) || (has_moved && one.is_heir_of(&address)))
            });
            let heirs: Vec<&Delivered> = heirs.collect();
            // Where nobody became owed it, whoever gets it now had it already.
            let others = deliveries.iter().filter(|one| has_moved && one.cancelled_at.is_none());
            let have_it = if heirs.is_empty() { others.collect() } else { heirs };
            for one in have_it {
                let list = if one.sent_at.is_some() { &mut sent_to } else { &mut owed_to };
                list.insert(one.recipient.clone());
            }
        }
        let DeadLetter { recipient, dead_at, events, reply, .. } = letter;
        let (sent_to, owed_to) = (sent_to.into_iter().collect(), owed_to.into_iter().collect());
        became.push(LetterShape { recipient, dead_at, events, reply, sent_to, owed_to });
    }
    Ok(became)
}

impl LetterShape {
    /// Where it is now, in words.
    fn now(&self) -> String {
        let said = |verb: &str, whom: &[String]| match whom {
            [] => None,
            whom => Some(format!("{verb} {}", whom.join(", "))),
        };
        let parts = [said("sent to", &self.sent_to), said("owed to", &self.owed_to)];
        parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
    }
}

fn told(context: &Context, shape: &Shape) -> String {
    let colour = print::colour_of_output(&context.environment);
    let mut text = String::new();
    if shape.letters.is_empty() {
        text.push_str("there are no dead letters\n");
    } else {
        let mut offered = table(["recipient", "given up", "events", "because", "now"], colour);
        for letter in &shape.letters {
            offered.add_row([
                cell(&letter.recipient),
                cell(&context.local(letter.dead_at)),
                cell(&letter.events.to_string()),
                cell(letter.reply.as_deref().unwrap_or_default()),
                cell(&letter.now()),
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
