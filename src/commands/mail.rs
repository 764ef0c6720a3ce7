//! `qualwatch mail`: the mail that an address would get now, or that went to it on a day.

use std::collections::HashSet;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;

use crate::config::EmailAddress;
use crate::domain::event::Event;
use crate::domain::text::displayable;
use crate::domain::wall_clock::hour_of_day;
use crate::email::digest::compose_around;
use crate::email::message::part_of;
use crate::email::rest::{self, ToldAtOnce};
use crate::store::outbox::recipients::Recipient;
use crate::store::reports::letters::{self, Offered};

use super::arguments::{Mail, Places};
use super::context::Context;
use super::database::OpenDatabase;
use super::exit::{Exit, Refusal};
use super::paragraph::paragraphs;
use super::print::{self, Reader};

/// A mail as it is printed.
#[derive(Debug, Serialize)]
struct LetterShape {
    to: EmailAddress,
    subject: String,
    /// When a server took it; null: it is still to go.
    sent_at: Option<DateTime<Utc>>,
    /// When it was given up.
    dead_at: Option<DateTime<Utc>>,
    /// The text part.
    text: String,
}

#[derive(Debug, Serialize)]
struct Shape {
    letters: Vec<LetterShape>,
}

/// Prints mail. Nothing is sent.
///
/// # Errors
/// An address that cannot be one (wrong use), or there is no database.
pub(super) async fn mail(places: &Places, arguments: &Mail) -> anyhow::Result<Exit> {
    let reader = arguments.output.reader();
    let context = Context::load_to_read(places, reader)?;
    let to: EmailAddress = arguments.to.parse().map_err(|bad| Refusal::wrong_use(format!("--to: {bad}")))?;
    let day = arguments.on.unwrap_or(context.today());
    let letters =
        OpenDatabase::with(&context, async |database| letters(&context, database, &to, day).await).await?;
    let shape = Shape { letters };
    match reader {
        Reader::Program => print::document(&shape)?,
        Reader::Person => print::text(&paragraphs(&told(&context, &to, day, &shape.letters)))?,
    }
    Ok(Exit::Done)
}

/// What was offered on that day; for today and later also what is still to go, in the words of that day.
async fn letters(
    context: &Context,
    database: &OpenDatabase,
    to: &EmailAddress,
    day: NaiveDate,
) -> anyhow::Result<Vec<LetterShape>> {
    let (pool, zone) = (database.store.pool(), context.watchlist.timezone);
    let recipient = Recipient::new(to.as_str());
    let end = day.succ_opt().and_then(|next| hour_of_day(zone, next, 0));
    let (Some(since), Some(until)) = (hour_of_day(zone, day, 0), end) else {
        return Err(Refusal::wrong_use("no calendar reaches as far as that day").into());
    };
    let offered = letters::offered(pool, &recipient, since, until).await?;
    let mut shapes: Vec<LetterShape> = offered.iter().map(|offered| went(to, offered)).collect();
    if day >= context.today() {
        let events: Vec<Event> = letters::owed(pool, &recipient).await?;
        let told = ToldAtOnce {
            recipient: &recipient,
            events: &events.iter().collect::<Vec<_>>(),
            unlisted: HashSet::new(),
            is_all: events.len() < letters::OWED_MAX,
        };
        let around = rest::around(pool, &context.watchlist, &told, day).await?;
        let owed = compose_around(&events, &around, context.watchlist.language, day).into_iter();
        shapes.extend(owed.map(|letter| LetterShape {
            to: to.clone(),
            subject: letter.subject,
            sent_at: None,
            dead_at: None,
            text: letter.text,
        }));
    }
    Ok(shapes)
}

fn went(to: &EmailAddress, offered: &Offered) -> LetterShape {
    LetterShape {
        to: to.clone(),
        subject: offered.subject.clone(),
        sent_at: offered.sent_at,
        dead_at: offered.dead_at,
        text: part_of(&offered.content, "text/plain")
            .unwrap_or_else(|| "(its text cannot be read)".to_owned()),
    }
}

fn told(context: &Context, to: &EmailAddress, day: NaiveDate, letters: &[LetterShape]) -> String {
    if letters.is_empty() {
        return format!("no mail for {to} on {day}");
    }
    let letters = letters.iter().map(|letter| {
        let fate = match (letter.sent_at, letter.dead_at) {
            (Some(at), _) => format!("sent {}", context.local(at)),
            (None, Some(at)) => format!("given up {}", context.local(at)),
            (None, None) => "still to go".to_owned(),
        };
        let text: Vec<String> = letter.text.lines().map(line).collect();
        format!(
            "To: {}\nSubject: {}\n({fate})\n\n{}\n",
            letter.to,
            displayable(&letter.subject),
            text.join("\n").trim_end()
        )
    });
    letters.collect::<Vec<_>>().join("\n========\n\n")
}

/// A line of the mail, inert and as far in as it was.
fn line(text: &str) -> String {
    let words = text.trim_start_matches(' ');
    " ".repeat(text.len() - words.len()) + &displayable(words)
}
