//! Reasons for people.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chrono::{DateTime, NaiveDate, Utc};
use comfy_table::Cell;

use super::shape::{EndShape, ThresholdShape, WhyShape};
use crate::commands::context::Context;
use crate::commands::event_line;
use crate::commands::paragraph::paragraph;
use crate::commands::print;
use crate::commands::table::{cell, table};
use crate::domain::event::Change;
use crate::domain::text::displayable;
use crate::store::reports::reasons::Delivered;

/// The side of a doubt on which there is nothing.
const NOT_LISTED: &str = "not listed";

pub(super) fn text(context: &Context, shape: &WhyShape) -> String {
    let mut text = checks(context, shape);
    let colour = print::colour_of_output(&context.environment);
    let when = |at: Option<DateTime<Utc>>| at.map_or("never".to_owned(), |at| context.local(at));
    if !shape.answers.is_empty() {
        let mut answers = table(["answer", "first", "last", "times", "pages"], colour);
        for answer in &shape.answers {
            answers.add_row([
                cell(&answer.outcome),
                cell(&when(Some(answer.first_seen_at))),
                cell(&when(Some(answer.last_seen_at))),
                cell(&answer.times_seen.to_string()),
                cell(&answer.pages.to_string()),
            ]);
        }
        // Writing to a String cannot fail.
        let _ = writeln!(text, "\nAnswers:\n{answers}");
    }
    if !shape.doubts.is_empty() {
        let mut doubts = table(
            ["certificate", "of", "qualification", "old", "seen", "looks", "since", "next look counts from"],
            colour,
        );
        for doubt in &shape.doubts {
            let mass = if doubt.mass { ", mass loss" } else { "" };
            doubts.add_row([
                cell(&doubt.certificate_num),
                cell(doubt.field),
                cell(&doubt.qualification),
                cell(doubt.old.as_deref().unwrap_or(NOT_LISTED)),
                cell(doubt.seen.as_deref().unwrap_or(NOT_LISTED)),
                cell(&format!("{} of {}{mass}", doubt.looks, doubt.looks_needed)),
                cell(&when(Some(doubt.since))),
                cell(&when(Some(doubt.again_after))),
            ]);
        }
        let _ = writeln!(text, "\nIn doubt:\n{doubts}");
    }
    if !shape.ends.is_empty() {
        let mut ends = table(["certificate", "valid until", "days left", "told", "next"], colour);
        for end in &shape.ends {
            ends.add_row([
                cell(&end.certificate_num),
                cell(&end.valid_until.to_string()),
                cell(&end.days_left.to_string()),
                Cell::new(told(end)),
                cell(&next(end)),
            ]);
        }
        let _ = writeln!(text, "\nEnds:\n{ends}");
    }
    if !shape.events.is_empty() {
        text.push_str("\nTold:\n");
    }
    for told_of in &shape.events {
        let event = &told_of.event;
        text.push_str(&event_line::entry(&when(Some(event.at)), event.kind, &event.summary, colour));
        for delivery in &told_of.deliveries {
            let fate = fate(context, delivery, &told_of.deliveries);
            let line = format!("{}: {fate}", displayable(&delivery.recipient));
            let _ = writeln!(text, "    {}", paragraph(&line, 4, 6));
        }
    }
    text
}

fn checks(context: &Context, shape: &WhyShape) -> String {
    let checks = &shape.checks;
    let when = |at: Option<DateTime<Utc>>| at.map_or("never".to_owned(), |at| context.local(at));
    let mut text = format!("{}\n", displayable(shape.company.as_str()));
    let outcome = checks.last_outcome.unwrap_or("none");
    let code = checks.last_code.map(|code| format!(" {code}")).unwrap_or_default();
    let reason =
        checks.last_reason.as_deref().map(|reason| format!(": {}", displayable(reason))).unwrap_or_default();
    let lines = [
        ("last asked", when(checks.last_asked_at)),
        ("last answer", format!("{outcome}{code}{reason}")),
        ("verified", when(checks.last_verified_at)),
        ("next due", when(checks.next_due)),
        ("judged on", checks.judged_on.map_or("never".to_owned(), |day| day.to_string())),
    ];
    for (name, value) in lines {
        let _ = writeln!(text, "{name:<12}{}", paragraph(&value, 12, 12));
    }
    if let Some(since) = checks.failing_since {
        let _ = writeln!(
            text,
            "{:<12}{} checks since {}",
            "failing",
            checks.failing_checks,
            context.local(since)
        );
    }
    if let Some(since) = checks.disputed_since {
        let _ = writeln!(text, "{:<12}since {}: compared with nothing", "disputed", context.local(since));
    }
    if checks.owes_answer {
        let _ = writeln!(text, "{:<12}asked once a day until it has answered", "owes");
    }
    for trouble in &shape.troubles {
        let _ = writeln!(text, "{:<12}{} {}", "trouble", trouble.kind.as_str(), displayable(&trouble.cause));
    }
    text
}

/// A line a day: `2026-01-05 expiring 30, filing_due passed`.
fn told(end: &EndShape) -> String {
    let mut days: BTreeMap<NaiveDate, Vec<String>> = BTreeMap::new();
    for told in &end.told {
        days.entry(told.on).or_default().push(stage(told));
    }
    days.iter().map(|(day, stages)| format!("{day} {}", stages.join(", "))).collect::<Vec<_>>().join("\n")
}

fn stage(stage: &ThresholdShape) -> String {
    match (stage.kind, stage.threshold) {
        (Change::FilingDue, ..=-1) => format!("{} passed", stage.kind.as_str()),
        (kind, days) => format!("{} {days}", kind.as_str()),
    }
}

fn next(end: &EndShape) -> String {
    let next = end.next.as_ref().map(|next| format!("{} {}", next.on, stage(next)));
    let silent = end.silent_because.map(|why| match &end.snooze_reason {
        Some(reason) => format!("silent: {why} ({reason})"),
        None => format!("silent: {why}"),
    });
    let renewal = end.renewal.as_ref().map(|renewal| {
        let reference =
            renewal.reference.as_deref().map(|reference| format!(" ({})", displayable(reference)));
        format!("renewal filed on {}{}", renewal.filed, reference.unwrap_or_default())
    });
    silent.into_iter().chain(renewal).chain(next).collect::<Vec<_>>().join("; ")
}

fn fate(context: &Context, delivery: &Delivered, all: &[Delivered]) -> String {
    let reply = delivery.reply.as_deref().map(displayable).unwrap_or_default();
    let before = delivery.readdressed_from.as_deref().map(displayable);
    let before = before.map(|address| format!(" (it was owed to {address})")).unwrap_or_default();
    match (delivery.sent_at, delivery.cancelled_at, delivery.dead_at) {
        (Some(at), _, _) => format!("sent {}{before}", context.local(at)),
        (_, Some(at), _) => {
            let heirs = heirs(delivery, all);
            format!("cancelled {}: no longer gets this company's news; {heirs}", context.local(at))
        }
        (_, _, Some(at)) => format!("given up {}: {reply}{before}", context.local(at)),
        _ => format!("owed since {}{before}", context.local(delivery.owed_since)),
    }
}

/// Who has instead of an address what it was owed.
fn heirs(cancelled: &Delivered, all: &[Delivered]) -> String {
    let listed = |which: &dyn Fn(&Delivered) -> bool| {
        let those = all.iter().filter(|one| one.cancelled_at.is_none() && which(one));
        those.map(|one| displayable(&one.recipient)).collect::<Vec<_>>().join(", ")
    };
    let address = cancelled.recipient.to_ascii_lowercase();
    let new = listed(&|one| one.readdressed_from.as_deref() == Some(address.as_str()));
    let others = listed(&|_| true);
    match (new.as_str(), others.as_str()) {
        ("", "") => "nobody gets it now".to_owned(),
        ("", _) => format!("whoever gets it now has it: {others}"),
        _ => format!("it went to {new}"),
    }
}
