//! What readers are told of a whole company, in English.

use std::collections::BTreeSet;

use super::days::{day, day_of, english_days, instant};
use super::english::title;
use super::names::{elsewhere, listed, name, qualification};
use super::{Saying, Told};
use crate::domain::dates::days_left;
use crate::domain::event::{CertificateFacts, Change, Leaver, News};
use crate::domain::language::Language::English;

/// How many numbers a note lists.
const NOTED_MAX: usize = 10;

/// What is said of a company: its baseline, a correction, whether it could be verified.
pub(super) fn say(told: &Told<'_>, change: Change, saying: &mut Saying) {
    let verified_at = told.event.last_verified_at;
    match change {
        Change::Watching => watching(told, saying),
        Change::Retracted => saying.lead = retracted(told),
        Change::Unverified => {
            saying.lead = match verified_at {
                Some(at) => {
                    let days = english_days(days_left(told.today, day_of(at)).max(0));
                    saying.badge = format!("not verified for {days}");
                    format!(
                        "Last verified on {}; no complete answer has come in the {days} since.",
                        instant(at, English)
                    )
                }
                None => {
                    "No complete answer has come since watching began: nothing is verified yet.".to_owned()
                }
            };
            saying.notes.push(
                "Changes since then may have gone unseen; ends are still judged by what was last verified."
                    .to_owned(),
            );
            saying.verified = None;
        }
        Change::QualificationAbsorbed => {
            if let News::QualificationAbsorbed(absorbed) = &told.event.news {
                let names: Vec<String> =
                    absorbed.names.iter().map(|named| qualification(named, English)).collect();
                let into = elsewhere(&absorbed.into, English);
                let (names, number) = (listed(&names, NOTED_MAX, English), name(&absorbed.into.number));
                saying.lead = format!("{names}: now covered by {into} in certificate No. {number}.");
                saying.actions.push("Use the new name in bids.".to_owned());
            }
        }
        Change::Briefing => {
            if let News::Briefing(open) = &told.event.news {
                let ends: Vec<String> = open.certificates.iter().map(ending).collect();
                saying.lead = format!("Current deadlines: {}.", listed(&ends, NOTED_MAX, English));
            }
        }
        Change::WatchlistChanged => {
            if let News::WatchlistChanged(leavers) = &told.event.news {
                let names = |of: &[Leaver]| {
                    let names: Vec<String> = of.iter().map(|leaver| name(&leaver.company)).collect();
                    listed(&names, NOTED_MAX, English)
                };
                saying.lead = format!(
                    "Taken out of the watchlist: {}. Without a reader: {}.",
                    names(&leavers.left),
                    names(&leavers.unread)
                );
            }
        }
        _ => {
            let at = verified_at.map(|at| format!(" on {}", instant(at, English))).unwrap_or_default();
            saying.lead = format!(
                "The data was verified again{at}; watching goes on, and any change in between is told separately."
            );
            saying.verified = None;
        }
    }
}

fn ending(facts: &CertificateFacts) -> String {
    let end = facts.valid_until.map(|end| day(end, English)).unwrap_or_default();
    format!("{} {end}", name(&facts.number))
}

fn retracted(told: &Told<'_>) -> String {
    let kind = told.taken_back();
    let what = kind.map_or_else(|| "of a change".to_owned(), |kind| format!("“{}”", title(kind)));
    let (text, _) = told.qualification(English);
    let about = if text.is_empty() { String::new() } else { format!("{text} in ") };
    let until = match kind {
        Some(Change::Renewed | Change::ValidityExtended) => {
            told.end().map(|end| format!(" (valid until {})", day(end, English))).unwrap_or_default()
        }
        _ => String::new(),
    };
    format!(
        "The earlier notice {what} on {about}the {}{until} is withdrawn: later checks no longer show that change. Do not rely on it.",
        told.certificate(English)
    )
}

fn watching(told: &Told<'_>, saying: &mut Saying) {
    let baseline = told.event.baseline().cloned().unwrap_or_default();
    let next =
        baseline.current.iter().filter_map(|facts| Some((facts.valid_until?, facts))).min_by_key(|it| it.0);
    let next = next.map(|(end, facts)| {
        let verb = if end < told.today { "ended" } else { "expires" };
        format!("; the first of them, {}, {verb} on {}", name(&facts.number), day(end, English))
    });
    // One certificate may stand there with several ends.
    let watched = baseline.current.iter().chain(&baseline.unjudged);
    let count = watched.map(|facts| &facts.number).collect::<BTreeSet<_>>().len();
    let certificates = if count == 1 { "certificate" } else { "certificates" };
    if count == 0 {
        saying.badge = String::from("now watching, historical certificates only");
        saying.lead = String::from("Watching has begun: only certificates that ended long ago were found.");
    } else {
        saying.badge = format!("now watching {count} {certificates}");
        saying.lead =
            format!("Watching has begun: {count} {certificates} found{}.", next.unwrap_or_default());
    }
    let numbers = |certificates: &[CertificateFacts]| {
        let numbers: Vec<String> = certificates.iter().map(|facts| name(&facts.number)).collect();
        listed(&numbers, NOTED_MAX, English)
    };
    if !baseline.unjudged.is_empty() {
        saying.notes.push(format!(
            "The end of validity cannot be judged, so no reminder will come: {}.",
            numbers(&baseline.unjudged)
        ));
    }
    if !baseline.historical.is_empty() {
        saying.notes.push(format!(
            "Historical certificates (历史证书), ended over 180 days ago, of which nothing more will be told: {}.",
            numbers(&baseline.historical)
        ));
    }
    saying.notes.push(NOT_COVERED.to_owned());
    saying.actions.push(CONFIRM_COMPANY.to_owned());
}

/// What the provider's answer does not hold: silence must not look like "covered" (domain.md 0).
const NOT_COVERED: &str =
    "Not covered: work safety licences (安全生产许可证), registered persons, abnormality marks (异常标注).";

const CONFIRM_COMPANY: &str = "Please compare these certificates and confirm that this is the company meant; if it is not, tell the administrator.";
