//! What readers are told, in English. Names of qualifications stay Chinese: there is no official list of translations.

use chrono::NaiveDate;

use super::abolished::{Abolished, abolished};
use super::days::{day, english_days, instant};
use super::names::{elsewhere, listed, qualification};
use super::{Saying, Told, english_companies};
use crate::domain::dates::days_left;
use crate::domain::event::{CertificateFacts, Change, Elsewhere, Note};
use crate::domain::language::Language::English;
use crate::domain::number::FilingRule;

/// How many names a note lists.
const NOTED_MAX: usize = 10;

const CAUSE_UNKNOWN: &str =
    "The data does not tell why: ask the company or the issuing authority before relying on it.";

/// The title of a section.
pub(super) fn title(change: Change) -> &'static str {
    match change {
        Change::CertificateAdded => "New certificate",
        Change::CertificateRemoved => "Certificate no longer listed",
        Change::CertificateRestored => "Certificate listed again",
        Change::CertificateReplaced => "Certificate replaced",
        Change::QualificationAdded => "New qualification",
        Change::QualificationRemoved => "Qualification no longer listed",
        Change::GradeRaised => "Grade upgraded",
        Change::GradeLowered => "Grade downgraded",
        Change::GradeReworded => "Grade wording changed",
        Change::Renewed => "Certificate renewed",
        Change::ValidityExtended => "Validity extended",
        Change::ValidityShortened => "Validity shortened",
        Change::Reissued => "Certificate reissued",
        Change::FilingDue => "Renewal filing due",
        Change::Expiring => "Expiring soon",
        Change::Expired => "Validity ended",
        Change::Watching => "Now watching",
        Change::Retracted => "Correction",
        Change::Unverified => "Not verified",
        Change::VerifiedAgain => "Verified again",
        Change::QualificationAbsorbed => "Absorbed by a wider qualification",
        Change::Briefing => "Current deadlines",
        Change::WatchlistChanged => "Watchlist changed",
    }
}

/// What is said of a change.
pub(super) fn say(told: &Told<'_>, change: Change) -> Saying {
    let mut saying = Saying {
        badge: title(change).to_owned(),
        lead: String::new(),
        actions: Vec::new(),
        notes: Vec::new(),
        verified: Some(verified(told)),
    };
    match change {
        Change::FilingDue | Change::Expiring | Change::Expired => say_end(told, change, &mut saying),
        Change::CertificateAdded
        | Change::CertificateRemoved
        | Change::CertificateRestored
        | Change::CertificateReplaced
        | Change::QualificationAdded
        | Change::QualificationRemoved => say_presence(told, change, &mut saying),
        Change::GradeRaised | Change::GradeLowered | Change::GradeReworded => {
            saying.lead = say_grade(told, change);
        }
        Change::Renewed | Change::ValidityExtended | Change::ValidityShortened | Change::Reissued => {
            say_dates(told, change, &mut saying);
        }
        Change::Watching
        | Change::Retracted
        | Change::Unverified
        | Change::VerifiedAgain
        | Change::QualificationAbsorbed
        | Change::Briefing
        | Change::WatchlistChanged => {
            english_companies::say(told, change, &mut saying);
        }
    }
    saying.notes.extend(notes(told, change));
    saying
}

fn verified(told: &Told<'_>) -> String {
    match told.event.last_verified_at {
        Some(at) => format!("Last verified on {}.", instant(at, English)),
        None => "Not verified yet.".to_owned(),
    }
}

fn say_end(told: &Told<'_>, change: Change, saying: &mut Saying) {
    let certificate = told.certificate(English);
    let left = told.left().unwrap_or_default();
    let end = told.end().map(|end| format!(" on {}", day(end, English))).unwrap_or_default();
    if change == Change::Expired {
        let past = english_days(-left);
        let as_of = match told.event.last_verified_at {
            Some(at) => format!("no renewal was visible as of {}", instant(at, English)),
            None => "no renewal is visible, and nothing is verified yet".to_owned(),
        };
        saying.badge = format!("ended {past} ago");
        saying.lead = format!("The stated validity of the {certificate} ended{end} ({past} ago); {as_of}.");
        saying.actions.push("Verify before bidding or contracting.".to_owned());
        saying.verified = None;
        return;
    }
    let days = english_days(left);
    saying.badge = if left == 0 { "expires today".to_owned() } else { format!("{days} left") };
    saying.lead = if left == 0 {
        let today = told.end().map(|end| format!(" ({})", day(end, English))).unwrap_or_default();
        format!("The {certificate} expires today{today}; it is still valid today.")
    } else {
        format!("The {certificate} expires{end} ({days} left).")
    };
    if change == Change::FilingDue
        && let Some(filing) = told.facts().and_then(|facts| facts.filing_day)
    {
        saying.badge = match days_left(filing, told.today) {
            0 => "filing due today".to_owned(),
            days if days > 0 => format!("{} to file", english_days(days)),
            _ => format!("filing day passed, {days} left"),
        };
    }
    if let Some(facts) = told.facts() {
        saying.actions.extend(filing(facts, told.today));
    }
}

/// What has to be applied for, and until when.
fn filing(facts: &CertificateFacts, today: NaiveDate) -> Vec<String> {
    match abolished(facts) {
        Abolished::All => {
            let by = facts.filing_day.filter(|day| *day >= today);
            let by =
                by.map(|by| format!(", preferably on or before {}", day(by, English))).unwrap_or_default();
            vec![format!(
                "This grade has been abolished: apply for an exchange (换领) before expiry{by} (subject to the authority's requirements)."
            )]
        }
        Abolished::Some(grades) => {
            let names: Vec<String> = grades.into_iter().map(|named| qualification(named, English)).collect();
            let names = listed(&names, NOTED_MAX, English);
            let exchange = format!(
                "The grade of {names} has been abolished: apply for an exchange (换领) of these before expiry."
            );
            renewal(facts, today).into_iter().chain([exchange]).collect()
        }
        Abolished::Nothing => renewal(facts, today).into_iter().collect(),
    }
}

fn renewal(facts: &CertificateFacts, today: NaiveDate) -> Option<String> {
    let by = facts.filing_day?;
    let left = days_left(by, today);
    let if_applicable = facts.family.filing_rule() == FilingRule::ThreeMonthsIfApplicable;
    let application = if if_applicable {
        "If applicable, an application for renewal should"
    } else {
        "An application for renewal should"
    };
    let date = day(by, English);
    Some(match left {
        0 => format!(
            "{application} be filed with the original licensing authority today, {date}, at the latest (subject to that authority's requirements)."
        ),
        1.. => format!(
            "{application} be filed with the original licensing authority on or before {} (subject to that authority's requirements).",
            day(by, English)
        ),
        _ if if_applicable => format!(
            "{application} have been filed by {date}. Confirm at once that it has been (subject to the authority's requirements)."
        ),
        _ => format!(
            "The prescribed time for filing ({date}) has passed. Confirm at once that a renewal application has been filed; without one the certificate lapses on expiry."
        ),
    })
}

fn say_presence(told: &Told<'_>, change: Change, saying: &mut Saying) {
    let certificate = told.certificate(English);
    let (text, _) = told.qualification(English);
    let looks = looks(told);
    let until = told.end().map(|end| format!(", valid until {}", day(end, English))).unwrap_or_default();
    saying.lead = match change {
        Change::CertificateAdded => format!("The {certificate} is now listed{until}."),
        Change::CertificateRestored => format!("The {certificate} is listed again{until}."),
        Change::CertificateReplaced => {
            let old = told.replaced().join(", ");
            format!(
                "The {certificate} takes the place of {old}: it holds every qualification of theirs at the same or a higher grade{until}."
            )
        }
        Change::CertificateRemoved => {
            let until =
                told.end().map(|end| format!("; its stated validity runs until {}", day(end, English)));
            format!("The {certificate} is no longer listed{looks}{}.", until.unwrap_or_default())
        }
        Change::QualificationAdded => format!("{text} is now listed under the {certificate}{until}."),
        _ => format!(
            "{text} is no longer listed under the {certificate}{looks}; the certificate itself still is."
        ),
    };
    if matches!(change, Change::CertificateRemoved | Change::QualificationRemoved)
        && !told.is_all_held_elsewhere()
    {
        saying.actions.push(CAUSE_UNKNOWN.to_owned());
    }
}

fn looks(told: &Told<'_>) -> String {
    match told.looks() {
        Some(2) => " (confirmed twice)".to_owned(),
        Some(looks) => format!(" (confirmed {looks} times)"),
        None => String::new(),
    }
}

fn say_grade(told: &Told<'_>, change: Change) -> String {
    let certificate = told.certificate(English);
    let (_, name) = told.qualification(English);
    let [old, new] = told.grades(English);
    let looks = looks(told);
    match change {
        Change::GradeRaised => format!("{name}, in the {certificate}: upgraded from {old} to {new}."),
        Change::GradeLowered => {
            format!("{name}, in the {certificate}: downgraded from {old} to {new}{looks}.")
        }
        _ => format!(
            "{name}, in the {certificate}: the wording of the grade changed from {old} to {new}{looks}, which is neither a rise nor a fall."
        ),
    }
}

fn say_dates(told: &Told<'_>, change: Change, saying: &mut Saying) {
    let certificate = told.certificate(English);
    let [old, new] = told.days(English);
    saying.lead = match change {
        Change::Renewed => {
            let issued =
                told.new_issue_day().map(|issued| format!(" (reissued on {})", day(issued, English)));
            format!(
                "The validity of the {certificate} changed from {old} to {new}{}.",
                issued.unwrap_or_default()
            )
        }
        Change::ValidityExtended => format!(
            "The validity of the {certificate} changed from {old} to {new} (issue date unchanged, possibly a blanket extension)."
        ),
        Change::Reissued => {
            let until = told.end().map(|end| format!(" ({})", day(end, English))).unwrap_or_default();
            format!(
                "The issue date of the {certificate} changed from {old} to {new}; the end of its validity{until} did not."
            )
        }
        _ => {
            let left = match told.left() {
                Some(0) => ": it expires today".to_owned(),
                Some(left) if left > 0 => format!(": {} left", english_days(left)),
                Some(left) => format!(": that was {} ago", english_days(-left)),
                None => String::new(),
            };
            format!(
                "The end of validity of the {certificate} moved from {old} to the earlier {new}{}{left}.",
                looks(told)
            )
        }
    };
}

fn notes(told: &Told<'_>, change: Change) -> Vec<String> {
    let mut lines = Vec::new();
    for note in &told.event.notes {
        match note {
            Note::NoLongerListed => lines.push("The platform no longer lists it.".to_owned()),
            Note::LaterEndInDoubt { end } => lines.push(format!(
                "The data has shown a later end once, {}, which is not confirmed yet.",
                day(*end, English)
            )),
            Note::MassLoss => lines.push(
                "Many companies lost qualifications in the data at the same time, so the data itself may be what is wrong."
                    .to_owned(),
            ),
            Note::HeldElsewhere(_)
            | Note::WasHeldElsewhere(_)
            | Note::PartlyCovered(_)
            | Note::Confirmed { .. }
            | Note::FilingDayPassed
            | Note::GradeAbolished
            | Note::TakesBack { .. } => {}
        }
    }
    let is_loss = matches!(change, Change::CertificateRemoved | Change::QualificationRemoved);
    let held = if is_loss {
        "Still held under certificate"
    } else {
        "The same qualification is held under certificate"
    };
    lines.extend(places(told, held, |note| match note {
        Note::HeldElsewhere(place) => Some(place),
        _ => None,
    }));
    lines.extend(places(told, "The same qualification was held under certificate", |note| match note {
        Note::WasHeldElsewhere(place) => Some(place),
        _ => None,
    }));
    lines.extend(places(told, "Part of it is held under the later certificate", |note| match note {
        Note::PartlyCovered(place) => Some(place),
        _ => None,
    }));
    if matches!(change, Change::FilingDue | Change::Expiring) && told.is_of_an_abolished_family() {
        lines.push("This kind of qualification has been abolished and is not renewed any more.".to_owned());
    }
    lines
}

/// One sentence for each other certificate, with what it holds.
fn places(told: &Told<'_>, before: &str, pick: impl Fn(&Note) -> Option<&Elsewhere>) -> Vec<String> {
    super::by_number(told.event.notes.iter().filter_map(pick))
        .into_iter()
        .map(|(number, places)| {
            let names: Vec<String> = places.into_iter().map(|place| elsewhere(place, English)).collect();
            format!("{before} {number}: {}.", listed(&names, NOTED_MAX, English))
        })
        .collect()
}
