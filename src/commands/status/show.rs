//! Status for people.

use crate::commands::context::Context;
use crate::commands::paragraph::paragraph;
use crate::commands::print;
use crate::commands::table;
use crate::domain::health::{KnownDaemon, Stopped, counted};
use crate::domain::text::displayable;
use crate::standing::Entries;
use crate::store::reports::Swept;

use super::shape::{BudgetShape, OwedShape, StatusShape};

pub(super) fn show(context: &Context, report: &StatusShape, swept: Option<Swept>) -> anyhow::Result<()> {
    let colour = print::colour_of_output(&context.environment);
    let last = match swept {
        Some(swept) => {
            format!("{} ({} asked, {} complete)", context.local(swept.ended_at), swept.asked, swept.complete)
        }
        None => "never".to_owned(),
    };
    let next = match report.next_sweep {
        Some(at) if at <= context.now() => "now".to_owned(),
        Some(at) => context.local(at),
        None => "never".to_owned(),
    };
    let companies = &report.companies;
    let lines = [
        ("last sweep", last),
        ("next sweep", next),
        ("daemon", daemons(context, &report.daemons)),
        (
            "companies",
            format!(
                "{} watched, {} unverified, {} disputed, {} in doubt, {} not found",
                companies.watched,
                companies.unverified,
                companies.disputed,
                companies.in_doubt,
                companies.not_found
            ),
        ),
        ("calls", calls(context, &report.budget)),
        (
            "asking",
            report.stopped.as_ref().map_or_else(|| "goes on".to_owned(), |stop| stopped(context, stop)),
        ),
        ("mail", mail(context, &report.mail)),
        ("database", report.database.clone()),
    ];
    let mut text: Vec<String> =
        lines.iter().map(|(name, value)| format!("{name:<12}{}", paragraph(value, 12, 12))).collect();
    if !report.problems.is_empty() {
        let problems = table::problems(&report.problems, &Entries::of(&context.watchlist), colour);
        text.push(format!("\nProblems:\n{problems}"));
    }
    if !report.snoozed.is_empty() {
        text.push(format!(
            "\nSnoozed (the end day itself is told in any case):\n{}",
            table::snoozed(&report.snoozed, colour)
        ));
    }
    if !report.renewing.is_empty() {
        text.push(format!("\nRenewal filed:\n{}", table::renewing(&report.renewing, colour)));
    }
    if !report.ending.is_empty() {
        text.push(format!("\nWhat ends soon:\n{}", table::certificates(&report.ending, colour)));
    }
    print::text(&text.join("\n"))
}

fn daemons(context: &Context, daemons: &[KnownDaemon]) -> String {
    let (living, killed): (Vec<&KnownDaemon>, Vec<&KnownDaemon>) =
        daemons.iter().partition(|daemon| daemon.lives(context.now()));
    let since = |daemon: &&KnownDaemon| {
        let unseen = daemon.unseen_since(context.now());
        let unseen = unseen.map(|at| format!(", not seen since {}", context.local(at))).unwrap_or_default();
        format!("runs since {} ({}){unseen}", context.local(daemon.since), displayable(&daemon.version))
    };
    if !living.is_empty() {
        return living.iter().map(since).collect::<Vec<_>>().join("; another ");
    }
    match killed.iter().map(|daemon| daemon.last_look).max() {
        Some(at) => format!("none runs; one that was killed or hangs was last seen {}", context.local(at)),
        None => "none runs".to_owned(),
    }
}

fn calls(context: &Context, budget: &BudgetShape) -> String {
    let used = match budget.limit {
        Some(limit) => format!("{} of {limit} today", budget.used),
        None => format!("{} today, without a limit", budget.used),
    };
    let cause = &budget.by_cause;
    let by_cause = [
        ("checks", cause.checks),
        ("pages", cause.pages),
        ("confirmations", cause.confirmations),
        ("repeats", cause.repeats),
        ("probes", cause.probes),
    ];
    let made: Vec<String> = by_cause
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(cause, count)| format!("{count} {cause}"))
        .collect();
    let made = if made.is_empty() { String::new() } else { format!(" ({})", made.join(", ")) };
    format!("{used}{made}; counted anew from {}", context.local(budget.resets_at))
}

fn stopped(context: &Context, stop: &Stopped) -> String {
    let code = stop.code.map(|code| format!(" {code}")).unwrap_or_default();
    let next = match stop.next_probe_at {
        Some(at) => format!("next try {}", context.local(at)),
        None => "until the budget day ends".to_owned(),
    };
    let to_do = stop.advice.as_deref().map(|advice| format!("\n{:<12}to do: {}", "", displayable(advice)));
    let since = context.local(stop.since);
    format!("stopped since {since} ({}{code}); {next}{}", stop.class, to_do.unwrap_or_default())
}

fn mail(context: &Context, mail: &OwedShape) -> String {
    let mut parts = vec![match (mail.owed, mail.oldest) {
        (0, _) => "nothing is owed".to_owned(),
        (owed, Some(oldest)) => {
            format!(
                "{} owed, the first since {}",
                counted(owed, "message", "messages"),
                context.local(oldest)
            )
        }
        (owed, None) => format!("{} owed", counted(owed, "message", "messages")),
    }];
    if mail.dead > 0 {
        parts.push(counted(mail.dead, "dead letter", "dead letters"));
    }
    parts.extend(mail.stopped.as_ref().map(|stop| stopped(context, stop)));
    parts.join("; ")
}
