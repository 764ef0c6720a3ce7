//! `qualwatch status`: how everything stands.

mod shape;
mod show;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::TryStreamExt as _;
use sqlx::PgPool;

use crate::clock::within;
use crate::config::Company;
use crate::daemon::DirectMail;
use crate::domain::certificates::{Certificate, State};
use crate::domain::event::Trouble;
use crate::domain::health::{self, Stopped, Unasked, Weight};
use crate::domain::holding::Past;
use crate::domain::rhythm::OccasionsByLine;
use crate::domain::wall_clock::hour_of_day;
use crate::store::Store;
use crate::store::asking::budget::{self, Calls};
use crate::store::companies::CompanyId;
use crate::store::companies::renewals::{self, Filed};
use crate::store::companies::snoozes::{self, Snoozed};
use crate::store::outbox::mailing;
use crate::store::reports::established;
use crate::store::reports::overview;
use crate::store::reports::{self, Swept};

use super::alarm;
use super::arguments::{Places, Status};
use super::certificates::{AsOf, InFile, sort};
use super::context::Context;
use super::database::Database;
use super::exit::{Exit, Refusal, explained};
use super::print::{self, Reader};
use super::shapes::{ProblemShape, RenewingShape, SnoozedShape, StoppedShape};

use shape::{BudgetShape, ByCauseShape, OwedShape, StatusShape, WatchedShape};

/// A database that does not answer must not keep it from being said.
const LOOK_LIMIT: Duration = Duration::from_mins(2);

/// What is stored, as far as status needs it.
struct Facts {
    companies: Standings,
    health: health::Facts,
    in_doubt: usize,
    snoozed: Vec<Snoozed>,
    renewing: Vec<Filed>,
    /// What is expiring or expired, by end.
    ending: Vec<Certificate>,
    swept: Option<Swept>,
    calls: Calls,
    mail: mailing::Standing,
}

/// How the companies of the file stand, all together.
#[derive(Debug, Default)]
struct Standings {
    /// Of how many anything is stored.
    stored: usize,
    /// Never verified, or not for too long.
    unverified: usize,
    /// When somebody is due next.
    next_due: Option<DateTime<Utc>>,
    unasked: Option<Unasked>,
    last_asked_at: Option<DateTime<Utc>>,
    asked_today: i64,
    verified_today: i64,
    /// With whom something is wrong.
    ailing: Vec<CompanyId>,
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
    let database = Database::open_existing(&context).await?;
    let facts = read(&context, &database.store).await;
    let description = database.description().await;
    database.close().await?;
    let mut facts = facts?;
    let report = report(&context, &mut facts, description?);
    match reader {
        Reader::Program => print::document(&report)?,
        Reader::Person => show::show(&context, &report, facts.swept)?,
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
    let context = Context::load_to_read(places, Reader::Person)?;
    let database = Database::open_existing(&context).await?;
    let facts = read(&context, &database.store).await;
    database.close().await?;
    let problems = health::problems(&facts?.health, context.now());
    let failing = problems.iter().filter(|problem| problem.weight() == Weight::Failing);
    Ok(failing
        .map(|problem| format!("{}: {}", problem.class(), problem.reason(|at| context.local(at))))
        .collect())
}

async fn read(context: &Context, store: &Store) -> anyhow::Result<Facts> {
    let pool = store.pool();
    let in_file = InFile::of(context);
    let (companies, ending) =
        tokio::try_join!(standings(context, &in_file, pool), ending(context, &in_file, pool))?;
    let calls = budget::calls_of_the_day(pool, context.now()).await?;
    let mut health = reports::health::of_the_service(pool, calls, limit_of(context)).await?;
    health
        .troubles
        .retain(|open| open.company.as_ref().is_none_or(|company| in_file.names(company.as_str())));
    health.ailing = overview::ailing(pool, &companies.ailing).await?;
    health.ailing.sort_by_key(|company| in_file.place(company.keyword.as_str()));
    health.failing_work = DirectMail::remembered_in(&context.state_dir).failure().into_iter().collect();
    health.file_refused = context.rejected.as_ref().map(|rejected| rejected.reason.clone());
    health.unasked = companies.unasked;
    health.last_asked_at = companies.last_asked_at;
    health.asked_today = companies.asked_today;
    health.verified_today = companies.verified_today;
    let in_doubt = overview::in_doubt(pool).await?;
    Ok(Facts {
        companies,
        health,
        in_doubt: in_doubt.iter().filter(|keyword| in_file.names(keyword)).count(),
        snoozed: snoozes::in_force(pool, context.today()).await?,
        renewing: renewals::in_force(pool).await?,
        ending,
        swept: reports::last_sweep(pool).await?,
        calls,
        mail: mailing::standing(pool).await?,
    })
}

async fn standings(context: &Context, in_file: &InFile<'_>, pool: &PgPool) -> anyhow::Result<Standings> {
    let (watchlist, now) = (&context.watchlist, context.now());
    let mut occasions = OccasionsByLine::at(&watchlist.schedule.check, watchlist.timezone, now);
    let midnight = hour_of_day(watchlist.timezone, context.today(), 0).unwrap_or(now);
    let mut found = Standings::default();
    let earliest = |one: Option<DateTime<Utc>>, other| one.into_iter().chain(other).min();
    let mut overviews = std::pin::pin!(overview::each_overview(pool));
    while let Some(overview) = overviews.try_next().await? {
        let Some(company) = in_file.get(&overview.keyword) else { continue };
        found.stored += 1;
        found.ailing.extend(overview.ailing);
        found.unverified += usize::from(is_stale(context, company, overview.last_verified_at));
        let Some(asked) = overview.asked else {
            found.next_due = earliest(found.next_due, Some(now));
            continue;
        };
        let occasions = occasions.of(watchlist.check_line_of(company));
        found.next_due = earliest(found.next_due, occasions.next_due(&asked));
        if let Some(due) = occasions.due(&asked) {
            let since = due.since(&asked);
            let Unasked { companies, since: first } =
                found.unasked.unwrap_or(Unasked { companies: 0, since });
            found.unasked = Some(Unasked { companies: companies + 1, since: first.min(since) });
        }
        let asked_at = asked.last_asked_at.max(asked.tried_at);
        found.last_asked_at = found.last_asked_at.max(asked_at);
        // As in the day's work that the heartbeat tells: not those that failed before.
        let has_failed_before = overview.failing_since.is_some_and(|since| since < midnight);
        found.asked_today += i64::from(asked_at >= Some(midnight) && !has_failed_before);
        found.verified_today += i64::from(overview.last_verified_at >= Some(midnight));
    }
    // Whom nobody has stored yet is due at once, and was never verified.
    let unknown = watchlist.companies.len().saturating_sub(found.stored);
    found.unverified += unknown;
    found.next_due = earliest(found.next_due, (unknown > 0).then_some(now));
    Ok(found)
}

/// Certificates are read only of companies that have something to show: reading all takes seconds where there are many.
async fn ending(context: &Context, in_file: &InFile<'_>, pool: &PgPool) -> anyhow::Result<Vec<Certificate>> {
    let (watchlist, today) = (&context.watchlist, context.today());
    let thresholds = watchlist.companies.iter().flat_map(|company| watchlist.expiry_days_of(company));
    let last = today + TimeDelta::days(thresholds.max().copied().unwrap_or_default().into());
    let first = Past::on(today).since();
    let ids = established::ids_ending_between(pool, first, last).await?;
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

fn report(context: &Context, facts: &mut Facts, database: String) -> StatusShape {
    let now = context.now();
    let Calls { checks, pages, confirmations, repeats, probes } = facts.calls;
    StatusShape {
        last_sweep: facts.swept.map(|swept| swept.ended_at),
        next_sweep: next_sweep(facts, now),
        daemons: facts.health.daemons.clone(),
        companies: WatchedShape {
            watched: context.watchlist.companies.len(),
            unverified: facts.companies.unverified,
            disputed: facts.health.ailing.iter().filter(|company| company.is_disputed).count(),
            in_doubt: facts.in_doubt,
            not_found: facts
                .health
                .troubles
                .iter()
                .filter(|open| open.trouble == Trouble::CompanyNotFound)
                .count(),
        },
        snoozed: SnoozedShape::of(std::mem::take(&mut facts.snoozed), &context.watchlist),
        renewing: RenewingShape::of(std::mem::take(&mut facts.renewing), &context.watchlist),
        budget: BudgetShape {
            used: facts.calls.total(),
            limit: limit_of(context),
            resets_at: budget::next_budget_day(now),
            by_cause: ByCauseShape { checks, pages, confirmations, repeats, probes },
        },
        stopped: facts.health.asking_stopped.as_ref().map(StoppedShape::from),
        mail: OwedShape {
            owed: facts.mail.owed,
            oldest: facts.mail.oldest,
            dead: facts.health.dead_letters,
            stopped: facts.health.mail_stopped.as_ref().map(StoppedShape::from),
        },
        problems: problems(context, facts),
        ending: std::mem::take(&mut facts.ending),
        database,
    }
}

fn next_sweep(facts: &Facts, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let due = facts.companies.next_due?;
    let stopped = facts.health.asking_stopped.as_ref();
    Some(health::next_sweep(due, stopped, budget::next_budget_day(now), now))
}

fn limit_of(context: &Context) -> Option<u32> {
    context.watchlist.api.calls_per_day.map(std::num::NonZeroU32::get)
}

fn problems(context: &Context, facts: &Facts) -> Vec<ProblemShape> {
    let problems = health::problems(&facts.health, context.now());
    let shapes = problems.iter().map(|problem| ProblemShape {
        company: problem.company().cloned(),
        class: problem.class().to_owned(),
        code: problem.code(),
        reason: problem.reason(|at| context.local(at)),
    });
    shapes.collect()
}

/// Whether `at` lies further back than a company may go unverified.
fn is_stale(context: &Context, company: &Company, at: Option<DateTime<Utc>>) -> bool {
    let now = context.now();
    let Some(at) = at else { return true };
    let Ok(age) = (now - at).to_std() else { return false };
    // The interval is worked out only where it can matter.
    age > context.watchlist.alerts.stale_after && age > context.watchlist.stale_after_of(company, now)
}

impl From<&Stopped> for StoppedShape {
    fn from(stop: &Stopped) -> Self {
        let Stopped { class, code, since, next_probe_at, advice, reason: _ } = stop.clone();
        Self { class, code, since, next_probe: next_probe_at, advice }
    }
}
