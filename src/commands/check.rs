//! `qualwatch check`: one sweep now, then what is owed is sent.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::config;
use crate::domain::keyword::Keyword;
use crate::domain::secret::Secret;
use crate::email::{Mailed, Mailer, Ripe};
use crate::store::Store;
use crate::store::checks::claims::BATCH_COMPANIES_MAX;
use crate::store::companies::CompanyId;
use crate::store::outbox::events::{EventId, Recorded};
use crate::store::outbox::mailing;
use crate::store::reports::{self, BATCH_EVENTS_MAX};
use crate::store::steps::Steps;
use crate::sweep::{self, Halt, Mode, Report, Sweep, Whom};

use super::arguments::{Check, Places};
use super::bar::Bar;
use super::companies::all_meant;
use super::context::Context;
use super::database::Database;
use super::document::Printed;
use super::ending::cancelled_by_signals;
use super::exit::{Exit, Refusal};
use super::print::Reader;
use super::shapes::{EventShape, ProblemShape};

mod show;

/// What `check --json` prints beside the events: a contract (design 7).
#[derive(Debug)]
struct Shape {
    companies: Companies,
    /// Requests sent.
    calls: i32,
    mail: MailShape,
    problems: Vec<ProblemShape>,
}

/// The events, which are read when they are shown: a first sweep of a hundred thousand companies finds as many, of 2 kB each.
struct Told<'a> {
    store: &'a Store,
    stored: Vec<EventId>,
    /// Those of a dry run, and those of the mail.
    others: Vec<Recorded>,
}

impl Told<'_> {
    /// Hands them over in the order in which they were found.
    async fn each(self, mut take: impl FnMut(Recorded) -> anyhow::Result<()>) -> anyhow::Result<()> {
        for ids in self.stored.chunks(usize::try_from(BATCH_EVENTS_MAX).unwrap_or(usize::MAX)) {
            reports::events_by_id(self.store.pool(), ids).await?.into_iter().try_for_each(&mut take)?;
        }
        self.others.into_iter().try_for_each(take)
    }
}

/// What is in doubt, which is read when it is shown: on the day of a decree every certificate is.
struct Doubts<'a> {
    context: &'a Context,
    store: &'a Store,
    of: Vec<CompanyId>,
}

impl Doubts<'_> {
    async fn each(self, mut take: impl FnMut(DoubtShape) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let Context { watchlist, clock, .. } = self.context;
        for ids in self.of.chunks(BATCH_COMPANIES_MAX) {
            for doubt in sweep::open_doubts(self.store, watchlist, Arc::clone(clock), ids).await? {
                take(DoubtShape {
                    company: doubt.company,
                    certificate_num: doubt.certificate_num,
                    what: doubt.what,
                    since: doubt.since,
                    again_after: doubt.again_after,
                })?;
            }
        }
        Ok(())
    }
}

/// Companies for which a call was made, each in one of the four, and those for which none was.
#[derive(Debug, Serialize)]
struct Companies {
    asked: i32,
    complete: i32,
    incomplete: i32,
    failed: i32,
    disputed: i32,
    skipped: u32,
}

#[derive(Debug, Serialize)]
struct DoubtShape {
    company: Keyword,
    certificate_num: String,
    what: String,
    since: DateTime<Utc>,
    again_after: DateTime<Utc>,
}

#[derive(Debug, Serialize)]
struct MailShape {
    /// Messages left after this run.
    owed: u64,
    sent: u64,
    failed: u64,
}

/// Sweeps, sends, says what came of it.
///
/// # Errors
/// Wrong use, found before anything is touched; or the database cannot be used.
pub(super) async fn check(places: &Places, arguments: &Check, steps: &dyn Steps) -> anyhow::Result<Exit> {
    let reader = arguments.output.reader();
    let context = Context::load(places, reader)?;
    let whom = whom(&context, arguments)?;
    let key = config::read_api_key(&context.watchlist, &context.environment)?;
    let Some(key) = key.map(|key| key.value) else { return Err(no_key().into()) };
    if reader == Reader::Person {
        context.draw_warnings(&context.all_warnings());
    }
    let mut database = Database::open_or_make(&context).await?;
    let mode = if arguments.dry_run { Mode::DryRun } else { Mode::ForGood };
    if mode == Mode::ForGood {
        database = database.obeying(&context);
    }
    let done = Box::pin(sweep_and_send(&context, &database, &whom, (mode, steps), key)).await;
    let ended = match done {
        Ok(done) => print_outcome(&context, &database.store, done, reader).await,
        Err(error) => Err(error),
    };
    database.close().await?;
    ended
}

async fn print_outcome(
    context: &Context,
    store: &Store,
    (mut report, mailed): (Report, Mailed),
    reader: Reader,
) -> anyhow::Result<Exit> {
    let is_stopped =
        matches!(report.halt, Some(Halt::Stopped(_) | Halt::Paused(_))) || mailed.stopped.is_some();
    let stored = std::mem::take(&mut report.told);
    let others = std::mem::take(&mut report.imagined);
    let doubts = Doubts { context, store, of: std::mem::take(&mut report.in_doubt) };
    let shape = shape(report, &mailed);
    let told = Told { store, stored, others: others.into_iter().chain(mailed.told).collect() };
    match reader {
        Reader::Program => print_document(context, told, doubts, &shape).await?,
        Reader::Person => show::show(context, told, doubts, &shape).await?,
    }
    Ok(exit(&shape, is_stopped))
}

async fn print_document(
    context: &Context,
    told: Told<'_>,
    doubts: Doubts<'_>,
    shape: &Shape,
) -> anyhow::Result<()> {
    let language = context.watchlist.language;
    let mut document = Printed::print();
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

/// What is said where there is nothing to ask with.
pub(super) fn no_key() -> Refusal {
    let refusal = Refusal::wrong_use("no API key is given, so nothing can be asked");
    refusal.advising(
        "give it as the credential \"api-key\", in QUALWATCH_API_KEY, or in a file that [api].key_file names",
    )
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
    database: &Database,
    whom: &Whom,
    (mode, steps): (Mode, &dyn Steps),
    key: Secret,
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
    let report = sweep.run(whom, Some(key)).await;
    bar.finish();
    let report = report?;
    if mode == Mode::DryRun {
        let owed = mailing::standing(store.pool()).await?.owed;
        return Ok((report, Mailed { owed, ..Mailed::default() }));
    }
    let sending = Mailer {
        store,
        watchlist,
        password: config::read_smtp_password(watchlist, &context.environment)?,
        clock: context.clock.as_ref(),
        steps,
    };
    let mailed = sending.send_owed(Ripe::Everything).await?;
    Ok((report, mailed))
}

fn shape(report: Report, mailed: &Mailed) -> Shape {
    let tally = report.tally;
    let mut problems: Vec<ProblemShape> = report
        .problems
        .into_iter()
        .map(|problem| ProblemShape {
            company: problem.company,
            class: problem.class,
            code: problem.code,
            reason: problem.reason,
        })
        .collect();
    problems.extend(problems_of_mail(mailed));
    if report.halt == Some(Halt::Ending) {
        problems.push(ProblemShape {
            company: None,
            class: "transient".to_owned(),
            code: None,
            reason: "ended early by a signal".to_owned(),
        });
    }
    Shape {
        companies: Companies {
            asked: tally.asked,
            complete: tally.complete,
            incomplete: tally.incomplete,
            failed: tally.failed,
            disputed: tally.disputed,
            skipped: report.skipped,
        },
        calls: tally.calls,
        mail: MailShape { owed: mailed.owed, sent: mailed.sent, failed: mailed.failed },
        problems,
    }
}

pub(super) fn problems_of_mail(mailed: &Mailed) -> Vec<ProblemShape> {
    let problem = |code, reason| ProblemShape { company: None, class: "mail".to_owned(), code, reason };
    let mut problems: Vec<ProblemShape> = mailed
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
