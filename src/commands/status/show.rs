//! Status for people.

use crate::commands::companies::Names;
use crate::commands::context::Context;
use crate::commands::print;
use crate::commands::shapes::StoppedShape;
use crate::commands::table;
use crate::domain::health::counted;
use crate::store::reports::Swept;

use super::{Budget, MailShape, Report};

pub(super) fn show(context: &Context, report: &Report, swept: Option<Swept>) -> anyhow::Result<()> {
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
    let mut text: Vec<String> = lines.iter().map(|(name, value)| format!("{name:<12}{value}")).collect();
    if !report.problems.is_empty() {
        let problems = table::problems(&report.problems, &Names::of(&context.watchlist), colour);
        text.push(format!("\nProblems:\n{problems}"));
    }
    if !report.ending.is_empty() {
        text.push(format!("\nWhat ends soon:\n{}", table::certificates(&report.ending, colour)));
    }
    print::text(&text.join("\n"))
}

fn calls(context: &Context, budget: &Budget) -> String {
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

fn stopped(context: &Context, stop: &StoppedShape) -> String {
    let code = stop.code.map(|code| format!(" {code}")).unwrap_or_default();
    let next = match stop.next_probe {
        Some(at) => format!("next try {}", context.local(at)),
        None => "until the budget day ends".to_owned(),
    };
    format!("stopped since {} ({}{code}); {next}", context.local(stop.since), stop.class)
}

fn mail(context: &Context, mail: &MailShape) -> String {
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
