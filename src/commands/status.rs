//! `qualwatch status`: how everything stands.

mod shape;
mod show;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgPool;

use crate::clock::within;
use crate::daemon::DirectMail;
use crate::domain::certificates::{Certificate, State};
use crate::domain::health::{self, Weight};
use crate::domain::holding::history_begins;
use crate::standing::{Beside, ServiceState};
use crate::store::Store;
use crate::store::asking::budget;
use crate::store::companies::renewals::{self, Filed};
use crate::store::companies::snoozes::{self, Snoozed};
use crate::store::reports::snapshots;

use super::alarm;
use super::arguments::{Places, Status};
use super::certificates::{AsOf, InFile, sort};
use super::context::Context;
use super::database::OpenDatabase;
use super::exit::{Exit, Refusal, explained};
use super::print::{self, Reader};
use super::shapes::{RenewingShape, SnoozedShape};

use shape::{BudgetShape, OwedShape, StatusShape, WatchedShape};

/// A database that does not answer must not keep it from being said.
const LOOK_LIMIT: Duration = Duration::from_mins(2);

/// What is stored, as far as status needs it.
struct Facts {
    service: ServiceState,
    snoozed: Vec<Snoozed>,
    renewing: Vec<Filed>,
    /// What is expiring or expired, by end.
    ending: Vec<Certificate>,
}

/// Prints how everything stands; there are problems where the exit code is 3.
///
/// # Errors
/// Wrong use, or there is no database.
pub(super) async fn status(places: &Places, arguments: &Status) -> anyhow::Result<Exit> {
    if arguments.failing {
        return say_failing(places, arguments.alarm.as_deref()).await;
    }
    let reader = arguments.output.reader();
    let context = Context::load_to_read(places, reader)?;
    let (facts, description) = OpenDatabase::with(&context, async |database| {
        Ok((read(&context, &database.store).await?, database.description().await?))
    })
    .await?;
    let swept = facts.service.swept;
    let report = report(&context, facts, description);
    match reader {
        Reader::Program => print::document(&report)?,
        Reader::Person => show::show(&context, &report, swept)?,
    }
    Ok(if report.problems.is_empty() { Exit::Done } else { Exit::Problems })
}

/// Says what is failing, for whoever is not there to ask. That it cannot be read how things stand is failing, too.
async fn say_failing(places: &Places, alarm: Option<&str>) -> anyhow::Result<Exit> {
    let unread = || {
        let refusal = Refusal::failed("how qualwatch stands could not be read within two minutes");
        Err(refusal.advising("see the journal of qualwatch.service").into())
    };
    let (failing, exit) =
        match within(LOOK_LIMIT, Box::pin(failing(places))).await.unwrap_or_else(|_| unread()) {
            Ok(failing) if failing.is_empty() => return Ok(Exit::Done),
            Ok(failing) => (failing.join("\n"), Exit::Problems),
            Err(error) => (explained(&error), Exit::of(&error)),
        };
    print::complaint(&failing);
    if let Some(alarm) = alarm.filter(|alarm| !alarm.trim().is_empty()) {
        alarm::raise(alarm, &failing).await?;
    }
    Ok(exit)
}

async fn failing(places: &Places) -> anyhow::Result<Vec<String>> {
    // A refused file is one of the problems, and is as heavy as it is there.
    let context = Context::load_in_force(places, Reader::Person)?.context;
    let facts = OpenDatabase::with(&context, async |database| read(&context, &database.store).await).await?;
    let problems = health::problems(&facts.service.facts, context.now());
    let failing = problems.iter().filter(|problem| problem.weight() == Weight::Failing);
    Ok(failing
        .map(|problem| format!("{}: {}", problem.class(), problem.reason(|at| context.local(at))))
        .collect())
}

async fn read(context: &Context, store: &Store) -> anyhow::Result<Facts> {
    let pool = store.pool();
    let in_file = InFile::of(context);
    let file = (&context.watchlist, &in_file.entries);
    let now = context.now();
    let beside = Beside {
        failing_work: DirectMail::remembered_in(&context.state_dir).failure().into_iter().collect(),
        file_refused: context.rejected.as_ref().map(|rejected| rejected.reason.clone()),
    };
    let (service, ending) = tokio::try_join!(
        async { Ok(ServiceState::read(pool, file, beside, now).await?) },
        ending(context, &in_file, pool)
    )?;
    Ok(Facts {
        service,
        snoozed: snoozes::in_force(pool, context.today()).await?,
        renewing: renewals::in_force(pool).await?,
        ending,
    })
}

/// Certificates are read only of companies that have something to show: reading all takes seconds where there are many.
async fn ending(context: &Context, in_file: &InFile<'_>, pool: &PgPool) -> anyhow::Result<Vec<Certificate>> {
    let (watchlist, today) = (&context.watchlist, context.today());
    let thresholds = watchlist.companies.iter().flat_map(|company| watchlist.expiry_days_of(company));
    let last = today + TimeDelta::days(thresholds.max().copied().unwrap_or_default().into());
    let first = history_begins(today);
    let ids = snapshots::ids_ending_between(pool, first, last).await?;
    let mut ending = Vec::new();
    let take = |certificate: Certificate| {
        if matches!(certificate.state, State::Expiring | State::Expired) {
            ending.push(certificate);
        }
        Ok(())
    };
    in_file.each(pool, (&ids, AsOf::Now), |keyword| in_file.names(keyword), take).await?;
    sort(&mut ending);
    Ok(ending)
}

fn report(context: &Context, facts: Facts, database: String) -> StatusShape {
    let now = context.now();
    let service = &facts.service;
    let problems = health::problems(&service.facts, now);
    StatusShape {
        last_sweep: service.swept.map(|swept| swept.ended_at),
        next_sweep: next_sweep(service, now),
        daemons: service.facts.daemons.clone(),
        companies: WatchedShape {
            watched: context.watchlist.companies.len(),
            unverified: service.companies.unverified,
            disputed: service.disputed(),
            in_doubt: service.in_doubt,
            not_found: service.not_found(),
        },
        snoozed: SnoozedShape::of(facts.snoozed, &context.watchlist),
        renewing: RenewingShape::of(facts.renewing, &context.watchlist),
        budget: BudgetShape {
            used: service.calls.total(),
            limit: limit_of(context),
            resets_at: budget::next_budget_day(now),
            by_cause: service.calls,
        },
        stopped: service.facts.asking_stopped.clone(),
        mail: OwedShape {
            owed: service.mail.owed,
            oldest: service.mail.oldest,
            dead: service.facts.dead_letters,
            stopped: service.facts.mail_stopped.clone(),
        },
        problems: problems.iter().map(|problem| problem.shown(|at| context.local(at))).collect(),
        ending: facts.ending,
        database,
    }
}

fn next_sweep(service: &ServiceState, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let due = service.companies.next_due?;
    let stopped = service.facts.asking_stopped.as_ref();
    Some(health::next_sweep(due, stopped, budget::next_budget_day(now), now))
}

fn limit_of(context: &Context) -> Option<u32> {
    context.watchlist.api.calls_per_day.map(std::num::NonZeroU32::get)
}
