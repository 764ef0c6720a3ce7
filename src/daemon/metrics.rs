//! What `/metrics` says, from what is known. By Prometheus' conventions: base units, instants of Unix time instead of ages, `_total`
//! where a number only grows. What is not known is not there: nothing is made up while the database is away.
//!
//! Labels are of closed sets of our own, never a company or an address: neither may their number grow with the watchlist, nor may a
//! monitoring system learn who is watched.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

use super::figures::Figures;
use crate::domain::event::{Change, EventKind, Trouble};
use crate::domain::health::{Problem, Weight};
use crate::domain::outcome::Outcome;
use crate::domain::rhythm::Missed;
use crate::domain::wall_clock::{hour_of_day, not_ahead};
use crate::http::exposition::Exposition;
use crate::standing::ServiceState;
use crate::store::asking::budget::{Calls, next_budget_day};

/// What is known without the database.
pub(super) struct Ourselves {
    pub(super) started_at: DateTime<Utc>,
    pub(super) is_ready: bool,
    /// Whether the figures were read just now.
    pub(super) is_database_up: bool,
    pub(super) is_file_accepted: bool,
    /// When the watchlist in force was taken.
    pub(super) accepted_at: Option<DateTime<Utc>>,
    pub(super) zone: Tz,
    /// Since this daemon started.
    pub(super) missed: Missed,
}

/// The whole page. `figures` are the last that could be read.
pub(super) fn page(ourselves: &Ourselves, figures: Option<&Figures>, problems: Option<&[Problem]>) -> String {
    let mut page = Exposition::default();
    about_ourselves(&mut page, ourselves);
    if let Some(problems) = problems {
        about_problems(&mut page, problems);
    }
    if let Some(figures) = figures {
        page.gauge("qualwatch_figures_timestamp_seconds", "When what follows was read from the database.")
            .is(figures.read_at);
        about_companies(&mut page, figures);
        about_sweeps(&mut page, figures);
        about_calls(&mut page, figures);
        about_certificates(&mut page, figures);
        about_deadlines(&mut page, figures, ourselves.zone);
        about_mail(&mut page, figures);
        about_events(&mut page, figures);
    }
    page.into_text()
}

fn about_ourselves(page: &mut Exposition, ourselves: &Ourselves) {
    page.gauge("qualwatch_build_info", "The version that runs.")
        .of([("version", env!("CARGO_PKG_VERSION"))], 1_u32);
    page.gauge("qualwatch_start_timestamp_seconds", "When this daemon started.").is(ourselves.started_at);
    page.gauge("qualwatch_ready", "Whether database and watchlist are in force (/readyz).")
        .is(ourselves.is_ready);
    page.gauge(
        "qualwatch_database_up",
        "Whether the database answered just now; 0: the figures are those of qualwatch_figures_timestamp_seconds.",
    )
    .is(ourselves.is_database_up);
    page.gauge(
        "qualwatch_watchlist_accepted",
        "Whether the watchlist on disk is the one in force; 0: it was refused, and the last good one is.",
    )
    .is(ourselves.is_file_accepted);
    page.gauge(
        "qualwatch_watchlist_accepted_timestamp_seconds",
        "When the watchlist in force was taken into force.",
    )
    .may_be(ourselves.accepted_at);
    let mut metric = page.counter(
        "qualwatch_occurrences_total",
        "Occurrences of companies' cron lines that were missed (the machine was off, asking was stopped), by what became of them: asked for \
         later, or left to a later one. Of this daemon, since it started.",
    );
    metric.of([("fate", "made_up")], ourselves.missed.made_up);
    metric.of([("fate", "skipped")], ourselves.missed.skipped);
}

/// Of every class that a problem may have, so that a graph begins with 0.
fn about_problems(page: &mut Exposition, problems: &[Problem]) {
    let mut counts: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    let outcomes = Outcome::ALL.into_iter().filter(|outcome| outcome.is_failure()).map(Outcome::as_str);
    let troubles = Trouble::ALL.into_iter().map(Trouble::as_str);
    for class in outcomes.chain(troubles).chain(["mail"]) {
        for weight in [Weight::Attention, Weight::Failing] {
            counts.insert((class, named(weight)), 0);
        }
    }
    for problem in problems {
        *counts.entry((problem.class(), named(problem.weight()))).or_default() += 1;
    }
    let mut metric = page.gauge(
        "qualwatch_problems",
        "What is not as it should be, as `qualwatch status` lists it; failing: an alert may be missed.",
    );
    for ((class, weight), count) in counts {
        metric.of([("class", class), ("weight", weight)], count);
    }
}

/// As a label.
pub(super) fn named(weight: Weight) -> &'static str {
    match weight {
        Weight::Attention => "attention",
        Weight::Failing => "failing",
    }
}

fn about_companies(page: &mut Exposition, figures: &Figures) {
    let Figures { service, read_at, .. } = figures;
    let ServiceState { companies, facts, in_doubt, .. } = service;
    for (name, help, count) in [
        ("qualwatch_companies", "Companies of the watchlist.", figures.watched),
        (
            "qualwatch_companies_unverified",
            "Companies that were never verified, or not for longer than [alerts].stale_after.",
            companies.unverified,
        ),
        (
            "qualwatch_companies_never_verified",
            "Companies that were never verified.",
            companies.never_verified,
        ),
        (
            "qualwatch_companies_disputed",
            "Companies whose answers are not known to be theirs.",
            service.disputed(),
        ),
        ("qualwatch_companies_in_doubt", "Companies of which a difference awaits another look.", *in_doubt),
        (
            "qualwatch_companies_not_found",
            "Companies of which the provider finds nothing.",
            service.not_found(),
        ),
        (
            "qualwatch_companies_due",
            "Companies that are due and were not asked for yet.",
            companies.unasked.map_or(0, |unasked| usize::try_from(unasked.companies).unwrap_or(usize::MAX)),
        ),
    ] {
        page.gauge(name, help).is(count);
    }
    page.gauge(
        "qualwatch_oldest_verification_timestamp_seconds",
        "When the company that has waited longest was last verified, of those that ever were.",
    )
    .may_be(companies.oldest_verified_at.map(|at| not_ahead(at, *read_at)));
    page.gauge("qualwatch_daemons", "Daemons that work on this database.").is(facts
        .daemons
        .iter()
        .filter(|daemon| daemon.lives(*read_at))
        .count());
}

fn about_sweeps(page: &mut Exposition, figures: &Figures) {
    let Figures { service: ServiceState { companies, swept, .. }, checks, read_at, .. } = figures;
    page.counter("qualwatch_sweeps_total", "Sweeps that asked, of all daemons and commands.")
        .is(figures.sweeps);
    page.gauge("qualwatch_last_sweep_timestamp_seconds", "When the last sweep that asked has ended.")
        .may_be(swept.map(|swept| not_ahead(swept.ended_at, *read_at)));
    page.gauge(
        "qualwatch_next_check_timestamp_seconds",
        "When somebody is due next, whether asking is stopped or not.",
    )
    .may_be(companies.next_due);
    let mut metric = page.counter(
        "qualwatch_checks_total",
        "Checks of one company by how they ended (complete: empty ones as well), of all daemons and commands.",
    );
    for (outcome, count) in [
        ("complete", checks.complete),
        ("incomplete", checks.incomplete),
        ("failed", checks.failed),
        ("disputed", checks.disputed),
    ] {
        metric.of([("outcome", outcome)], count);
    }
}

fn about_calls(page: &mut Exposition, figures: &Figures) {
    let Calls { checks, pages, confirmations, repeats, probes } = figures.calls_ever;
    let mut metric = page.counter(
        "qualwatch_calls_total",
        "Paid calls by their cause, of all daemons and commands on this database.",
    );
    for (cause, count) in [
        ("check", checks),
        ("page", pages),
        ("confirmation", confirmations),
        ("repeat", repeats),
        ("probe", probes),
    ] {
        metric.of([("cause", cause)], count);
    }
    let used = figures.service.calls.total();
    let limit = figures.limit.map(i64::from);
    page.gauge("qualwatch_budget_used_calls", "Calls of the budget day.").is(used);
    page.gauge("qualwatch_budget_limit_calls", "[api].calls_per_day; not there: no limit.").may_be(limit);
    page.gauge("qualwatch_budget_left_calls", "Calls that the budget day has left; not there: no limit.")
        .may_be(limit.map(|limit| (limit - used).max(0)));
    page.gauge("qualwatch_budget_reset_timestamp_seconds", "When the next budget day begins.")
        .is(next_budget_day(figures.read_at));
    page.gauge("qualwatch_asking_stopped", "Whether asking is stopped.").is(figures
        .service
        .facts
        .asking_stopped
        .is_some());
}

fn about_certificates(page: &mut Exposition, figures: &Figures) {
    let Figures { held, held_before, missing, .. } = figures;
    for (name, help, count) in [
        ("qualwatch_certificates", "Certificates that are established, of all companies.", held.certificates),
        (
            "qualwatch_certificates_yesterday",
            "Certificates that were established when today began.",
            held_before.certificates,
        ),
        (
            "qualwatch_certificates_missing",
            "Established certificates of which something was not shown at the last look: its going awaits another one.",
            missing.certificates,
        ),
        ("qualwatch_companies_holding", "Companies that hold any certificate.", held.companies),
        (
            "qualwatch_companies_holding_yesterday",
            "Companies that held any certificate when today began.",
            held_before.companies,
        ),
        (
            "qualwatch_companies_missing",
            "Companies of which something was not shown at the last look.",
            missing.companies,
        ),
    ] {
        page.gauge(name, help).is(count);
    }
}

fn about_deadlines(page: &mut Exposition, figures: &Figures, zone: Tz) {
    let begins = |day: NaiveDate| hour_of_day(zone, day, 0).unwrap_or(figures.read_at);
    for (name, help, days) in [
        (
            "qualwatch_next_end_timestamp_seconds",
            "The midnight that begins the last valid day of what ends next of each family.",
            &figures.deadlines.ends,
        ),
        (
            "qualwatch_next_filing_timestamp_seconds",
            "The midnight that begins the next last day to apply for renewal of each family.",
            &figures.deadlines.filing_days,
        ),
    ] {
        let mut metric = page.gauge(name, help);
        for (family, day) in days {
            metric.of([("family", family.as_str())], begins(*day));
        }
    }
}

fn about_mail(page: &mut Exposition, figures: &Figures) {
    let Figures { service: ServiceState { mail, facts, .. }, read_at, .. } = figures;
    page.gauge("qualwatch_deliveries_owed", "Events that are owed to somebody.").is(mail.deliveries);
    page.gauge("qualwatch_messages_owed", "Messages that are to come, one for each who is owed something.")
        .is(mail.owed);
    page.gauge(
        "qualwatch_oldest_delivery_timestamp_seconds",
        "Since when the oldest of it is owed; not there: nothing is owed.",
    )
    .may_be(mail.oldest.map(|at| not_ahead(at, *read_at)));
    page.gauge("qualwatch_dead_letters", "Messages that were given up: `qualwatch retry` offers them again.")
        .is(facts.dead_letters);
    page.gauge("qualwatch_mail_stopped", "Whether mail is stopped, or its server away.")
        .is(facts.mail_stopped.is_some());
}

fn about_events(page: &mut Exposition, figures: &Figures) {
    let changes = Change::ALL.into_iter().map(EventKind::Change);
    let troubles = Trouble::ALL
        .into_iter()
        .flat_map(|trouble| [EventKind::Trouble(trouble), EventKind::Resolved(trouble)]);
    let mut metric = page.counter(
        "qualwatch_events_total",
        "Events that were found since this daemon started, by whoever found them.",
    );
    for kind in changes.chain(troubles) {
        let kind = kind.to_string();
        let count = figures.events.get(&kind).copied().unwrap_or_default();
        metric.of([("kind", &kind)], count);
    }
}
