//! `qualwatch status`: how everything stands.

mod show;

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use sqlx::PgPool;

use crate::config::Company;
use crate::domain::certificates::{Certificate, State};
use crate::domain::holding::HISTORICAL_AFTER_DAYS;
use crate::domain::keyword::Keyword;
use crate::domain::outcome::Outcome;
use crate::domain::rhythm::OccasionsByLine;
use crate::domain::snapshot::Snapshot;
use crate::store::asking::budget::{self, Calls};
use crate::store::companies::CompanyId;
use crate::store::outbox::mailing;
use crate::store::reports::overview::{self, Overview};
use crate::store::reports::{self, Standstill, Swept};
use crate::store::{Store, StoreError};

use super::arguments::{Places, Status};
use super::companies::{Holder, certificates_of};
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
    /// Of each company of the file, in its order; `None`: nothing is stored of it.
    overviews: Vec<Option<Overview>>,
    /// What the companies hold of which something ends soon, or has ended not long ago.
    ending: HashMap<CompanyId, Snapshot>,
    swept: Option<Swept>,
    calls: Calls,
    standstills: Vec<Standstill>,
    mail: mailing::Standing,
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
    let facts = facts?;
    let report = report(&context, &facts, description?);
    match reader {
        Reader::Program => print::document(&report)?,
        Reader::Person => show::show(&context, &report, facts.swept)?,
    }
    Ok(if report.problems.is_empty() { Exit::Done } else { Exit::Problems })
}

async fn read(context: &Context, store: &Store) -> Result<Facts, StoreError> {
    let pool = store.pool();
    let (overviews, ending) = tokio::try_join!(overviews(context, pool), ending(context, pool))?;
    let now = context.now();
    Ok(Facts {
        overviews,
        ending,
        swept: reports::last_sweep(pool).await?,
        calls: budget::calls_of_the_day(pool, now).await?,
        standstills: reports::standstills(pool).await?,
        mail: mailing::standing(pool).await?,
    })
}

async fn overviews(context: &Context, pool: &PgPool) -> Result<Vec<Option<Overview>>, StoreError> {
    let companies = &context.watchlist.companies;
    let places: HashMap<&Keyword, usize> =
        companies.iter().enumerate().map(|(place, company)| (&company.keyword, place)).collect();
    let mut in_file: Vec<Option<Overview>> = vec![None; companies.len()];
    for overview in overview::overviews(pool).await? {
        if let Some(of_company) = places.get(&overview.keyword).and_then(|place| in_file.get_mut(*place)) {
            *of_company = Some(overview);
        }
    }
    Ok(in_file)
}

/// Certificates are read only of companies that have something to show: reading all takes seconds where there are many.
async fn ending(context: &Context, pool: &PgPool) -> Result<HashMap<CompanyId, Snapshot>, StoreError> {
    let (watchlist, today) = (&context.watchlist, context.today());
    let thresholds = watchlist.companies.iter().flat_map(|company| watchlist.expiry_days_of(company));
    let last = today + TimeDelta::days(thresholds.max().copied().unwrap_or_default().into());
    let first = today - TimeDelta::days(HISTORICAL_AFTER_DAYS);
    overview::snapshots_ending_between(pool, first, last).await
}

fn report(context: &Context, facts: &Facts, database: String) -> Report {
    let now = context.now();
    let limit = context.watchlist.api.calls_per_day.map(std::num::NonZeroU32::get);
    let holders =
        facts.of_companies(context).filter_map(|(company, overview)| facts.holder(company, overview?));
    let mut ending = certificates_of(context, holders);
    ending.retain(|certificate| matches!(certificate.state, State::Expiring | State::Expired));
    let Calls { checks, pages, confirmations, repeats, probes } = facts.calls;
    Report {
        last_sweep: facts.swept.map(|swept| swept.ended_at),
        next_sweep: next_sweep(context, facts),
        companies: count(context, facts),
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
        ending,
        problems: problems(context, facts, limit),
        database,
    }
}

/// When somebody is asked next: while asking is stopped, at the probe; by our own limit, on the next budget day.
fn next_sweep(context: &Context, facts: &Facts) -> Option<DateTime<Utc>> {
    let due = next_due(context, facts)?;
    let limit = context.watchlist.api.calls_per_day.map(std::num::NonZeroU32::get);
    let Some(stop) = facts.stop_of_asking(limit) else { return Some(due) };
    let open_again = stop.next_probe_at.unwrap_or_else(|| budget::next_budget_day(context.now()));
    // A probe whose time has come waits for somebody who is due.
    Some(if open_again <= context.now() { due } else { open_again })
}

fn next_due(context: &Context, facts: &Facts) -> Option<DateTime<Utc>> {
    let (watchlist, now) = (&context.watchlist, context.now());
    let mut occasions = OccasionsByLine::at(&watchlist.schedule.check, watchlist.timezone, now);
    let next = |(company, overview): (&Company, Option<&Overview>)| {
        // Whom nobody has stored yet is due at once.
        let Some(asked) = overview.and_then(|overview| overview.asked.as_ref()) else {
            return Some(now);
        };
        occasions.of(watchlist.check_line_of(company)).next_due(asked)
    };
    facts.of_companies(context).filter_map(next).min()
}

fn count(context: &Context, facts: &Facts) -> Companies {
    let mut companies = Companies { watched: context.watchlist.companies.len(), ..Companies::default() };
    for (company, overview) in facts.of_companies(context) {
        let verified_at = overview.and_then(|overview| overview.last_verified_at);
        companies.unverified += usize::from(is_stale(context, company, verified_at));
        if let Some(overview) = overview {
            companies.disputed += usize::from(overview.is_disputed);
            companies.in_doubt += usize::from(overview.is_in_doubt);
        }
    }
    companies
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
    fn of_companies<'a>(
        &'a self,
        context: &'a Context,
    ) -> impl Iterator<Item = (&'a Company, Option<&'a Overview>)> {
        context.watchlist.companies.iter().zip(self.overviews.iter().map(Option::as_ref))
    }

    /// The company with what it holds, where something of that ends soon.
    fn holder<'a>(&'a self, company: &'a Company, overview: &Overview) -> Option<Holder<'a>> {
        let snapshot = self.ending.get(&overview.id)?;
        let Company { keyword, name, .. } = company;
        Some(Holder { keyword, name, last_verified_at: overview.last_verified_at, snapshot })
    }

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
    problems.extend(facts.overviews.iter().flatten().flat_map(problems_of));
    problems
}

/// The last check of a company, where it was neither complete nor empty; and that it is disputed.
fn problems_of(overview: &Overview) -> Vec<ProblemShape> {
    let problem = |class: &str, code, reason: Option<&str>| ProblemShape {
        company: Some(overview.keyword.clone()),
        class: class.to_owned(),
        code,
        reason: reason.unwrap_or_default().to_owned(),
    };
    let last = overview.last_outcome.unwrap_or(Outcome::Complete);
    let mut problems = Vec::new();
    if last.is_failure() {
        problems.push(problem(last.as_str(), overview.last_code, overview.last_reason.as_deref()));
    }
    if overview.is_disputed && last != Outcome::Disputed {
        let reason = "the answers bear the id of another company: confirm the entry, or pin `id`";
        problems.push(problem("disputed", None, Some(reason)));
    }
    problems
}

/// That nobody is asked for although nothing is stopped: most likely no daemon runs.
fn nobody_asks(context: &Context, facts: &Facts) -> Option<String> {
    let overdue = facts.of_companies(context).filter_map(|(company, overview)| {
        let asked = overview?.asked?;
        let since = asked.last_asked_at.unwrap_or(asked.accepted_at);
        is_stale(context, company, Some(since)).then_some(since)
    });
    let (count, since) = overdue.fold((0, None), |(count, oldest), since| {
        (count + 1, Some(oldest.map_or(since, |oldest: DateTime<Utc>| oldest.min(since))))
    });
    let companies = counted(count, "company has", "companies have");
    let since = context.local(since?);
    Some(format!("{companies} not been asked for, the first since {since}: does the daemon run?"))
}

fn counted(count: u64, one: &str, more: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {more}") }
}
