//! `qualwatch check`: one sweep now, then what is owed is sent.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::clock::is_set;
use crate::config::{self, Sourced};
use crate::domain::health::ShownProblem;
use crate::domain::keyword::Keyword;
use crate::domain::secret::Secret;
use crate::email::{Mailed, Mailer, Ripe};
use crate::store::Store;
use crate::store::outbox::messages;
use crate::store::steps::Steps;
use crate::sweep::{self, Halt, Mode, Report, Sweep, Whom};

use super::arguments::{Check, Places};
use super::bar::Bar;
use super::companies::all_meant;
use super::context::Context;
use super::database::OpenDatabase;
use super::document::Document;
use super::exit::{Exit, Refusal, no_key};
use super::print::{self, Reader};
use super::shapes::{EventShape, MailShape};
use super::signals::cancelled_by_signals;
use super::succession::open_or_make;

mod shape;
mod show;

use shape::{CompaniesShape, DoubtsFound, EventsFound, Shape};

/// Sweeps, sends, says what came of it.
///
/// # Errors
/// Wrong use, found before anything is touched; or the database cannot be used.
pub(super) async fn check(places: &Places, arguments: &Check, steps: &dyn Steps) -> anyhow::Result<Exit> {
    let reader = arguments.output.reader();
    let context = Context::load(places, reader)?;
    let whom = whom(&context, arguments)?;
    if !is_set(context.now()) {
        let unset =
            format!("the clock of this machine shows {}: nothing was asked, judged or told", context.now());
        return Err(Refusal::unchecked(unset)
            .advising("set it (timedatectl set-ntp true), then check again")
            .into());
    }
    let key = config::read_api_key(&context.watchlist, &context.environment)?;
    let Some(key) = key.map(|key| key.value) else { return Err(no_key().into()) };
    let mode = if arguments.dry_run { Mode::DryRun } else { Mode::ForGood };
    // What cannot be read is said before anything is paid for.
    let password = match mode {
        Mode::ForGood => config::read_smtp_password(&context.watchlist, &context.environment)?,
        Mode::DryRun => None,
    };
    if reader == Reader::Person {
        context.draw_warnings(&context.all_warnings());
        if places.state_dir.is_some() && is_without_database(&context)? {
            print::complaint(&format!(
                "{} has no database yet: what is made there knows nothing of what another one holds",
                context.state_dir.display()
            ));
        }
    }
    let mut database = open_or_make(&context).await?;
    if mode == Mode::ForGood {
        database = database.obeying(&context);
    }
    let done = Box::pin(sweep_and_send(&context, &database, &whom, (mode, steps), (key, password))).await;
    let ended = match done {
        Ok(done) => print_outcome(&context, &database.store, (mode, done), reader).await,
        Err(error) => Err(error),
    };
    database.closed_after(ended).await
}

/// Whether a private database would be made in a directory that does not exist yet.
fn is_without_database(context: &Context) -> anyhow::Result<bool> {
    let address = config::read_database_url(&context.watchlist, &context.environment)?;
    Ok(address.is_none() && !context.state_dir.exists())
}

async fn print_outcome(
    context: &Context,
    store: &Store,
    (mode, (mut report, mailed)): (Mode, (Report, Mailed)),
    reader: Reader,
) -> anyhow::Result<Exit> {
    let is_stopped =
        matches!(report.halt, Some(Halt::Stopped(_) | Halt::Paused(_))) || mailed.stopped.is_some();
    let stored = std::mem::take(&mut report.told);
    let others = std::mem::take(&mut report.imagined);
    let doubts = DoubtsFound { context, store, of: std::mem::take(&mut report.in_doubt) };
    let shape = shape(report, &mailed, mode);
    let told = EventsFound { store, stored, others: others.into_iter().chain(mailed.told).collect() };
    match reader {
        Reader::Program => print_document(context, told, doubts, &shape).await?,
        Reader::Person => show::show(context, told, doubts, &shape).await?,
    }
    Ok(exit(&shape, is_stopped))
}

async fn print_document(
    context: &Context,
    told: EventsFound<'_>,
    doubts: DoubtsFound<'_>,
    shape: &Shape,
) -> anyhow::Result<()> {
    let language = context.watchlist.language;
    let mut document = Document::default();
    document.field("companies", &shape.companies)?;
    document.field("calls", &shape.calls)?;
    document.begin_list("events")?;
    told.each(|recorded| document.item(&EventShape::new(recorded, language))).await?;
    document.end_list()?;
    document.begin_list("doubts")?;
    doubts.each(|doubt| document.item(&doubt)).await?;
    document.end_list()?;
    document.field("mail", &shape.mail)?;
    document.field("problems", &shape.problems)?;
    document.end()
}

fn whom(context: &Context, arguments: &Check) -> anyhow::Result<Whom> {
    let meant = all_meant(&context.watchlist, &arguments.companies)?;
    let named: BTreeSet<Keyword> = meant.into_iter().map(|company| company.keyword.clone()).collect();
    Ok(match (arguments.companies.is_empty(), arguments.due) {
        (true, false) => Whom::All,
        (false, false) => Whom::Named(named),
        (_, true) => Whom::DueOf(named),
    })
}

async fn sweep_and_send(
    context: &Context,
    database: &OpenDatabase,
    whom: &Whom,
    (mode, steps): (Mode, &dyn Steps),
    (key, password): (Secret, Option<Sourced<Secret>>),
) -> anyhow::Result<(Report, Mailed)> {
    let (store, watchlist) = (&database.store, &context.watchlist);
    if mode == Mode::ForGood {
        sweep::accept(store, watchlist, context.now()).await?;
        config::keep_accepted(&context.state_dir, &context.text)?;
    }
    let ending = CancellationToken::new();
    let _signals = cancelled_by_signals(&ending)?;
    let bar = Bar::default();
    let sweep = Sweep::new(store, watchlist, Arc::clone(&context.clock), steps, mode, &bar, ending.clone());
    let report = sweep.run(whom, Some(key)).instrument(sweep::span_of(context.now())).await;
    bar.finish();
    let report = report?;
    if mode == Mode::DryRun {
        let owed = messages::standing(store.pool()).await?.owed;
        return Ok((report, Mailed { owed, ..Mailed::default() }));
    }
    let sending = Mailer { store, watchlist, password, clock: context.clock.as_ref(), steps };
    let mailed = sending.send_owed(Ripe::Everything).await?;
    Ok((report, mailed))
}

fn shape(report: Report, mailed: &Mailed, mode: Mode) -> Shape {
    let tally = report.tally;
    let mut problems = report.problems;
    if mode == Mode::ForGood {
        problems.extend(problems_of_mail(mailed));
    }
    if report.halt == Some(Halt::Ending) {
        problems.push(ShownProblem {
            company: None,
            class: "transient".to_owned(),
            code: None,
            reason: "ended early by a signal".to_owned(),
        });
    }
    Shape {
        companies: CompaniesShape {
            asked: tally.asked,
            complete: tally.complete,
            incomplete: tally.incomplete,
            failed: tally.failed,
            disputed: tally.disputed,
            skipped: report.skipped,
        },
        calls: tally.calls,
        mail: MailShape::from(mailed),
        problems,
    }
}

pub(super) fn problems_of_mail(mailed: &Mailed) -> Vec<ShownProblem> {
    let problem = |code, reason| ShownProblem { company: None, class: "mail".to_owned(), code, reason };
    let mut problems: Vec<_> = mailed
        .problems
        .iter()
        .map(|found| {
            let reason = match &found.recipient {
                Some(recipient) => format!("{recipient}: {}", found.reason),
                None => found.reason.clone(),
            };
            problem(found.code, reason)
        })
        .collect();
    match &mailed.stopped {
        Some(stop) if problems.is_empty() => problems.push(problem(stop.code, stop.reason.clone())),
        None if problems.is_empty() && mailed.owed > 0 => {
            problems.push(problem(
                None,
                format!("{} messages are still owed: another process is sending", mailed.owed),
            ));
        }
        _ => {}
    }
    problems
}

/// Design 7, in its order: 1, then 3, then 0.
fn exit(shape: &Shape, is_stopped: bool) -> Exit {
    if shape.companies.asked > 0 && shape.companies.complete == 0 && !is_stopped {
        Exit::Failed
    } else if shape.problems.is_empty() {
        Exit::Done
    } else {
        Exit::Problems
    }
}
