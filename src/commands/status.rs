//! `qualwatch status`: how everything stands.

mod show;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::TryStreamExt as _;
use serde::Serialize;
use sqlx::PgPool;

use crate::config::Company;
use crate::domain::certificates::{Certificate, State};
use crate::domain::holding::HISTORICAL_AFTER_DAYS;
use crate::domain::outcome::Outcome;
use crate::domain::rhythm::OccasionsByLine;
use crate::store::Store;
use crate::store::asking::budget::{self, Calls};
use crate::store::companies::CompanyId;
use crate::store::outbox::mailing;
use crate::store::reports::established;
use crate::store::reports::overview::{self, Ailing};
use crate::store::reports::{self, Standstill, Swept};

use super::arguments::{Places, Status};
use super::certificates::{AsOf, InFile, sort};
use super::context::Context;
use super::database::Database;
use super::exit::Exit;
use super::print::{self, Reader};
use super::shapes::{ProblemShape, StoppedShape};

/// What `status --json` prints: a contract (design 7).
#[derive(Debug, Serialize)]
struct Report {
    /// When the last sweep ended.
    last_sweep: Option<DateTime<Utc>>,
    /// When somebody is due next.
    next_sweep: Option<DateTime<Utc>>,
    companies: Companies,
    budget: Budget,
    stopped: Option<StoppedShape>,
    mail: MailShape,
    /// What is expiring or expired, by end.
    ending: Vec<Certificate>,
    problems: Vec<ProblemShape>,
    /// Where it is and how to back it up.
    database: String,
}

#[derive(Debug, Default, Serialize)]
struct Companies {
    watched: usize,
    /// Never verified, or not for too long.
    unverified: usize,
    disputed: usize,
    in_doubt: usize,
}

#[derive(Debug, Serialize)]
struct Budget {
    used: i64,
    /// Null: no limit.
    limit: Option<u32>,
    resets_at: DateTime<Utc>,
    by_cause: ByCause,
}

#[derive(Debug, Serialize)]
struct ByCause {
    checks: i64,
    pages: i64,
    confirmations: i64,
    repeats: i64,
    probes: i64,
}

#[derive(Debug, Serialize)]
struct MailShape {
    /// Messages to come.
    owed: u64,
    oldest: Option<DateTime<Utc>>,
    /// Dead letters.
    dead: u64,
    stopped: Option<StoppedShape>,
}

/// What is stored, as far as status needs it.
struct Facts {
    companies: Standings,
    /// Companies of the file with which something is wrong, in its order.
    ailing: Vec<Ailing>,
    in_doubt: usize,
    /// What is expiring or expired, by end.
    ending: Vec<Certificate>,
    swept: Option<Swept>,
    calls: Calls,
    standstills: Vec<Standstill>,
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
    /// How many have not been asked for in too long, and the first of them since when.
    overdue: Option<(u64, DateTime<Utc>)>,
    /// With whom something is wrong.
    ailing: Vec<CompanyId>,
}

/// Prints how everything stands; there are problems where the exit code is 3.
///
/// # Errors
/// Wrong use, or there is no database.
pub(super) async fn status(places: &Places, arguments: &Status) -> anyhow::Result<Exit> {
    let reader = arguments.output.reader();
    let context = Context::load(places, reader)?;
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

async fn read(context: &Context, store: &Store) -> anyhow::Result<Facts> {
    let pool = store.pool();
    let in_file = InFile::of(context);
    let (companies, ending) =
        tokio::try_join!(standings(context, &in_file, pool), ending(context, &in_file, pool))?;
    let mut ailing = overview::ailing(pool, &companies.ailing).await?;
    ailing.sort_by_key(|company| in_file.place(company.keyword.as_str()));
    let in_doubt = overview::in_doubt(pool).await?;
    Ok(Facts {
        companies,
        ailing,
        in_doubt: in_doubt.iter().filter(|keyword| in_file.names(keyword)).count(),
        ending,
        swept: reports::last_sweep(pool).await?,
        calls: budget::calls_of_the_day(pool, context.now()).await?,
        standstills: reports::standstills(pool).await?,
        mail: mailing::standing(pool).await?,
    })
}

async fn standings(context: &Context, in_file: &InFile<'_>, pool: &PgPool) -> anyhow::Result<Standings> {
    let (watchlist, now) = (&context.watchlist, context.now());
    let mut occasions = OccasionsByLine::at(&watchlist.schedule.check, watchlist.timezone, now);
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
        let due = occasions.of(watchlist.check_line_of(company)).next_due(&asked);
        found.next_due = earliest(found.next_due, due);
        let since = asked.last_asked_at.unwrap_or(asked.accepted_at);
        if is_stale(context, company, Some(since)) {
            let (count, first) = found.overdue.unwrap_or((0, since));
            found.overdue = Some((count + 1, first.min(since)));
        }
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
    let first = today - TimeDelta::days(HISTORICAL_AFTER_DAYS);
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

fn report(context: &Context, facts: &mut Facts, database: String) -> Report {
    let now = context.now();
    let limit = context.watchlist.api.calls_per_day.map(std::num::NonZeroU32::get);
    let Calls { checks, pages, confirmations, repeats, probes } = facts.calls;
    Report {
        last_sweep: facts.swept.map(|swept| swept.ended_at),
        next_sweep: next_sweep(facts, limit, now),
        companies: Companies {
            watched: context.watchlist.companies.len(),
            unverified: facts.companies.unverified,
            disputed: facts.ailing.iter().filter(|company| company.is_disputed).count(),
            in_doubt: facts.in_doubt,
        },
        budget: Budget {
            used: facts.calls.total(),
            limit,
            resets_at: budget::next_budget_day(now),
            by_cause: ByCause { checks, pages, confirmations, repeats, probes },
        },
        stopped: facts.stop_of_asking(limit).map(StoppedShape::from),
        mail: MailShape {
            owed: facts.mail.owed,
            oldest: facts.mail.oldest,
            dead: facts.mail.dead,
            stopped: facts.stop_of_mail().map(StoppedShape::from),
        },
        problems: problems(context, facts, limit),
        ending: std::mem::take(&mut facts.ending),
        database,
    }
}

/// When somebody is asked next: while asking is stopped, at the probe; by our own limit, on the next budget day.
fn next_sweep(facts: &Facts, limit: Option<u32>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let due = facts.companies.next_due?;
    let Some(stop) = facts.stop_of_asking(limit) else { return Some(due) };
    let goes_on = stop.next_probe_at.unwrap_or_else(|| budget::next_budget_day(now));
    // A probe whose time has come waits for somebody who is due.
    Some(if goes_on <= now { due } else { goes_on })
}

/// Whether `at` lies further back than a company may go unverified.
fn is_stale(context: &Context, company: &Company, at: Option<DateTime<Utc>>) -> bool {
    let now = context.now();
    let Some(at) = at else { return true };
    let Ok(age) = (now - at).to_std() else { return false };
    // The interval is worked out only where it can matter.
    age > context.watchlist.alerts.stale_after && age > context.watchlist.stale_after_of(company, now)
}

impl Facts {
    /// Why nobody asks, where that is so: by the provider or our own limit, else the breaker.
    fn stop_of_asking(&self, limit: Option<u32>) -> Option<&Standstill> {
        let used_up = limit.is_some_and(|limit| self.calls.total() >= i64::from(limit));
        let asking = self.standstills.iter().find(|stop| stop.what == "asking").filter(|stop| {
            // Our own limit ends with the budget day, whenever somebody notices.
            let is_own_limit = stop.class == "quota" && stop.code.is_none() && stop.next_probe_at.is_none();
            !is_own_limit || used_up
        });
        asking.or_else(|| self.standstills.iter().find(|stop| stop.what == "breaker"))
    }

    /// Why no mail leaves: the sender's own fault, else a server that is away.
    fn stop_of_mail(&self) -> Option<&Standstill> {
        let of = |what: &str| self.standstills.iter().find(|stop| stop.what == what);
        of("mail").or_else(|| of("courier"))
    }
}

impl From<&Standstill> for StoppedShape {
    fn from(stop: &Standstill) -> Self {
        let Standstill { class, code, since, next_probe_at, .. } = stop.clone();
        Self { class, code, since, next_probe: next_probe_at }
    }
}

fn problems(context: &Context, facts: &Facts, limit: Option<u32>) -> Vec<ProblemShape> {
    let of_none = |class: &str, code, reason: &str| ProblemShape {
        company: None,
        class: class.to_owned(),
        code,
        reason: reason.to_owned(),
    };
    let mut problems = Vec::new();
    match facts.stop_of_asking(limit) {
        Some(stop) => problems.push(of_none(&stop.class, stop.code, &stop.reason)),
        None => problems.extend(nobody_asks(context, facts).map(|reason| of_none("unknown", None, &reason))),
    }
    if let Some(stop) = facts.stop_of_mail() {
        problems.push(of_none("mail", stop.code, &stop.reason));
    }
    if facts.mail.dead > 0 {
        let reason =
            format!("{} given up after refusals", counted(facts.mail.dead, "message was", "messages were"));
        problems.push(of_none("mail", None, &reason));
    }
    problems.extend(facts.ailing.iter().flat_map(problems_of));
    problems
}

/// The last check of a company, where it was neither complete nor empty; and that it is disputed.
fn problems_of(company: &Ailing) -> Vec<ProblemShape> {
    let problem = |class: &str, code, reason: Option<&str>| ProblemShape {
        company: Some(company.keyword.clone()),
        class: class.to_owned(),
        code,
        reason: reason.unwrap_or_default().to_owned(),
    };
    let last = company.last_outcome.unwrap_or(Outcome::Complete);
    let mut problems = Vec::new();
    if last.is_failure() {
        problems.push(problem(last.as_str(), company.last_code, company.last_reason.as_deref()));
    }
    if company.is_disputed && last != Outcome::Disputed {
        let reason = "the answers bear the id of another company: confirm the entry, or pin `id`";
        problems.push(problem("disputed", None, Some(reason)));
    }
    problems
}

/// That nobody is asked for although nothing is stopped: most likely no daemon runs.
fn nobody_asks(context: &Context, facts: &Facts) -> Option<String> {
    let (count, since) = facts.companies.overdue?;
    let companies = counted(count, "company has", "companies have");
    let since = context.local(since);
    Some(format!("{companies} not been asked for, the first since {since}: does the daemon run?"))
}

fn counted(count: u64, one: &str, more: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {more}") }
}
