//! What readers are told of each change: which sentences stand where. The words are in `reader_words.rs`.

use std::collections::BTreeMap;

use super::deadlines::{Deadline, abolished, days_to, passed_day};
use super::event_text::{Goodness, Saying, Telling};
use super::phrasebook::Phrase;
use super::reader_words as w;
use super::{companies, days, names, titles};
use crate::domain::event::{
    CertificateFacts, Change, Elsewhere, EndMove, GradeMove, NamedQualification, News, Note,
};
use crate::domain::grade::{Grade, is_exchanged, is_renamed, stands_as_high};
use crate::domain::language::Language;

/// Nobody is issued the next certificate more than a year before the end of the old one.
const ISSUED_EARLY_MAX_DAYS: i64 = 365;

/// What is said of a change, which is a `change` on that day.
pub(super) fn say(told: &Telling<'_>, change: Change) -> Saying {
    let title = told.text(titles::title(change));
    let mut saying = Saying {
        badge: title.clone(),
        title,
        lead: String::new(),
        notes: Vec::new(),
        action: String::new(),
        queried: Some(told.queried()),
        goodness: Goodness::OfItsKind,
    };
    match &told.event.news {
        News::Expired(_) | News::Expiring(_) | News::FilingDue(_) if change == Change::Expired => {
            say_expired(told, &mut saying);
        }
        News::Expired(_) | News::Expiring(_) | News::FilingDue(_) => say_end(told, change, &mut saying),
        News::CertificateRemoved | News::QualificationRemoved(_) => say_loss(told, &mut saying),
        News::GradeRaised(grades) | News::GradeLowered(grades) | News::GradeReworded(grades) => {
            say_grade(told, grades, change, &mut saying);
        }
        News::Renewed(ends) | News::ValidityExtended(ends) | News::ValidityShortened(ends) => {
            say_end_moved(told, *ends, change, &mut saying);
        }
        News::CertificateAdded
        | News::CertificateRestored
        | News::CertificateReplaced(_)
        | News::QualificationAdded(_)
        | News::QualificationAbsorbed(_)
        | News::Reissued(_) => say_gain(told, &mut saying),
        News::Watching(_)
        | News::Retracted(_)
        | News::Unverified
        | News::VerifiedAgain
        | News::Briefing(_)
        | News::WatchlistChanged(_) => companies::say(told, &mut saying),
        // `troubles.rs` has the words of these.
        News::Trouble(..) | News::Resolved(..) => {}
    }
    if told.event.is_of_a_part() && change != Change::Renewed {
        saying.badge = partly(told, &saying.badge);
    }
    saying.notes.extend(notes(told));
    saying
}

/// What is said of a part of a certificate, and would be taken for all of it.
fn partly(told: &Telling<'_>, badge: &str) -> String {
    let words =
        if badge.starts_with(|first: char| first.is_ascii_digit()) { w::PARTLY_IN } else { w::PARTLY };
    told.with(words, &[("news", badge)])
}

/// What by when, of a stage or a company.
pub(super) fn say_badge(told: &Telling<'_>) -> String {
    match told.standing() {
        crate::domain::event::EventKind::Change(change) => say(told, change).badge,
        _ => String::new(),
    }
}

fn say_end(told: &Telling<'_>, change: Change, saying: &mut Saying) {
    let certificate = told.certificate();
    let left = told.left().unwrap_or_default();
    let days = told.days(left);
    let end = told.end().map(|end| told.full_day(end)).unwrap_or_default();
    let expires = if left == 0 { w::EXPIRES_ON_THIS_DAY } else { w::EXPIRES_ON };
    let expires = told.with(expires, &[("certificate", &certificate), ("day", &end), ("days", &days)]);
    // A mail that leaves days after its stage was reached says so: whoever knows the stages would take it for an earlier one.
    let (in_days, passed_in_days) = if told.event.today < told.today {
        (w::EXPIRES_LATE, w::FILING_DAY_PASSED_LATE)
    } else {
        (w::EXPIRES_IN, w::FILING_DAY_PASSED)
    };
    saying.badge =
        if left == 0 { told.text(w::EXPIRES_TODAY) } else { told.with(in_days, &[("days", &days)]) };
    let Some(facts) = told.facts() else {
        (saying.lead, saying.action) = (expires, told.text(w::DO_CHECK_PLATFORM));
        return;
    };
    if told.event.notes.iter().any(|note| matches!(note, Note::Renewing { .. })) {
        (saying.lead, saying.action) = (expires, told.text(w::DO_FOLLOW_RENEWAL));
        return;
    }
    let deadline = Deadline::of(facts, told.today);
    match &deadline {
        Deadline::File { by, if_applicable } => {
            say_filing_ahead(told, change, *by, *if_applicable, &expires, saying);
        }
        Deadline::Passed { by, if_applicable } => {
            if left != 0 {
                saying.badge = told.with(passed_in_days, &[("days", &days)]);
            }
            say_filing_passed(told, change, (*by, *if_applicable), &expires, saying);
        }
        Deadline::Exchange(parts) => {
            saying.title = told.text(w::EXCHANGE_DUE);
            let head = if left == 0 { w::EXCHANGE_TODAY } else { w::EXCHANGE_WITHIN };
            saying.badge = told.with(head, &[("days", &days)]);
            let grades = grades_of(told, parts.iter().filter_map(|named| named.grade.as_ref()));
            let lead = if left == 0 { w::GRADE_ABOLISHED_TODAY } else { w::GRADE_ABOLISHED };
            let lead = told.with(lead, &[("grades", &grades), ("days", &days)]);
            saying.lead = joined(told, &[lead, expires]);
            saying.action = told.text(w::DO_EXCHANGE);
        }
        Deadline::Register => say_registered(told, facts, &expires, saying),
        Deadline::None => {
            saying.lead = joined(told, &[expires, told.text(w::FAMILY_ABOLISHED)]);
            saying.action = told.text(w::DO_FAMILY_ABOLISHED);
        }
    }
    if !matches!(deadline, Deadline::Exchange(_)) {
        saying.notes.extend(abolished_parts(told, facts));
    }
    if !matches!(deadline, Deadline::Register) && facts.holds_labour() {
        saying.notes.push(told.text(w::LABOUR_PART));
    }
}

/// 施工劳务 is registered: with an end, or by now without one.
fn say_registered(told: &Telling<'_>, facts: &CertificateFacts, expires: &str, saying: &mut Saying) {
    if !facts.is_endless_registration() {
        saying.lead = joined(told, &[expires.to_owned(), told.text(w::LABOUR)]);
        saying.action = told.text(w::DO_ASK_REGISTRAR);
        return;
    }
    let end = told.end().map(|end| told.full_day(end)).unwrap_or_default();
    let places = [("certificate", told.certificate()), ("day", end), ("text", stated_end(told))];
    let places = places.each_ref().map(|(name, words)| (*name, words.as_str()));
    saying.title = told.text(w::REGISTERED_WITHOUT_END);
    saying.badge.clone_from(&saying.title);
    saying.lead = joined(told, &[told.with(w::NOW_FOR_EVER, &places), told.text(w::LABOUR)]);
    saying.action = told.text(w::DO_ASK_REGISTRAR_OF_END);
}

/// The filing day lies ahead or is today: it leads, whichever stage was told.
fn say_filing_ahead(
    told: &Telling<'_>,
    change: Change,
    by: chrono::NaiveDate,
    if_applicable: bool,
    expires: &str,
    saying: &mut Saying,
) {
    let to_file = days_to(by, told.today);
    let is_today = to_file == 0;
    let head = if is_today { w::FILE_TODAY } else { w::FILE_WITHIN };
    saying.badge = told.with(head, &[("days", &told.days(to_file))]);
    let file_by = if if_applicable { w::FILE_BY_IF_APPLICABLE } else { w::FILE_BY };
    let by = days::inclusive_day(by, told.language);
    let file_by = told.with(file_by, &[("day", &by), ("organ", &told.organ())]);
    if change != Change::FilingDue {
        saying.lead = joined(told, &[expires.to_owned(), file_by]);
        saying.action = told.with(w::DO_FILE_BY, &[("day", &by)]);
        return;
    }
    let lead = if is_today { w::LAST_DAY_TO_FILE } else { w::DAYS_TO_FILE };
    let lead = told.with(lead, &[("certificate", &told.certificate()), ("days", &told.days(to_file))]);
    saying.lead = joined(told, &[lead, file_by]);
    saying.action = told.text(if is_today { w::DO_FILE_TODAY } else { w::DO_FILE });
    let end = told.end().map(|end| told.full_day(end)).unwrap_or_default();
    let days = told.days(told.left().unwrap_or_default());
    saying.notes.push(told.with(w::ENDS_ON_IN, &[("day", &end), ("days", &days)]));
}

/// The filing day lies behind, and the end ahead.
fn say_filing_passed(
    told: &Telling<'_>,
    change: Change,
    (by, if_applicable): (chrono::NaiveDate, bool),
    expires: &str,
    saying: &mut Saying,
) {
    let left = told.left().unwrap_or_default();
    let by = passed_day(by, if_applicable, told.language);
    let statutory = if if_applicable { String::new() } else { told.text(w::STATUTORY) };
    let (certificate, days) = (told.certificate(), told.days(left));
    let places =
        [("certificate", certificate.as_str()), ("statutory", &statutory), ("day", &by), ("days", &days)];
    saying.lead = if change == Change::FilingDue {
        saying.title = told.text(w::FILING_PASSED);
        let passed = if left == 0 { w::FILING_HAS_PASSED_TODAY } else { w::FILING_HAS_PASSED };
        let end = told.end().map(|end| told.full_day(end)).unwrap_or_default();
        joined(told, &[told.with(passed, &places), told.with(w::ENDS_ON, &[("day", &end)])])
    } else {
        joined(told, &[expires.to_owned(), told.with(w::AND_FILING_HAS_PASSED, &places)])
    };
    saying.action = told.text(w::DO_CONFIRM_FILED);
}

fn abolished_parts(told: &Telling<'_>, facts: &CertificateFacts) -> Option<String> {
    let parts: Vec<String> =
        abolished(facts).into_iter().map(|named| names::qualification(named, told.language)).collect();
    (!parts.is_empty()).then(|| told.with(w::PARTS_ABOLISHED, &[("names", &told.listed(&parts))]))
}

/// Grades one after another, each once.
fn grades_of<'g>(told: &Telling<'_>, grades: impl Iterator<Item = &'g Grade>) -> String {
    let mut found: Vec<String> = Vec::new();
    for grade in grades.map(|grade| names::grade(Some(grade), told.language)) {
        if !found.contains(&grade) {
            found.push(grade);
        }
    }
    found.join(names::comma(told.language))
}

fn say_expired(told: &Telling<'_>, saying: &mut Saying) {
    let days = told.days(-told.left().unwrap_or_default());
    let certificate = told.certificate();
    let end = told.end().map(|end| told.day(end)).unwrap_or_default();
    let at = told.event.last_verified_at.map(|at| days::instant(at, told.language));
    let is_for_ever = told.facts().is_some_and(CertificateFacts::is_endless_registration);
    let (lead, action) = match &at {
        _ if is_for_ever => (w::HAS_EXPIRED_FOR_EVER, w::DO_ASK_REGISTRAR_OF_END),
        Some(_) => (w::HAS_EXPIRED, w::DO_NOT_USE),
        None => (w::HAS_EXPIRED_UNQUERIED, w::DO_NOT_USE),
    };
    let (at, text) = (at.unwrap_or_default(), stated_end(told));
    saying.badge = told.with(w::ENDED_AGO, &[("days", &days)]);
    let places =
        [("certificate", certificate.as_str()), ("day", &end), ("days", &days), ("at", &at), ("text", &text)];
    saying.lead = told.with(lead, &places);
    saying.action = told.text(action);
    saying.queried = None;
}

fn say_gain(told: &Telling<'_>, saying: &mut Saying) {
    if say_exchange(told, saying).is_some() {
        return;
    }
    let certificate = told.certificate();
    let until = told.until(w::UNTIL);
    let places = [("certificate", certificate.as_str()), ("until", &until)];
    (saying.lead, saying.action) = match &told.event.news {
        News::CertificateRestored => (told.with(w::RESTORED, &places), told.text(w::DO_USE_RESTORED)),
        News::CertificateReplaced(replacement) => {
            let old: Vec<String> = replacement.old.iter().map(|number| names::name(number)).collect();
            let (number, old) = (names::name(&replacement.new), old.join(names::comma(told.language)));
            let places = [("number", number.as_str()), ("until", &until), ("old", &old)];
            (told.with(w::REPLACED, &places), told.text(w::DO_USE_NEW_NUMBER))
        }
        News::Reissued(issued) => {
            let day = |day: Option<chrono::NaiveDate>| day.map(|day| told.day(day)).unwrap_or_default();
            let (old, new) = (day(issued.old), day(issued.new));
            let places = [("certificate", certificate.as_str()), ("old", &old), ("new", &new)];
            (told.with(w::ISSUED_ANEW, &places), told.text(w::DO_ASK_FOR_NEW))
        }
        News::QualificationAdded(_) => {
            let (qualification, until) = (told.qualification().0, told.until(w::COMMA_UNTIL));
            let places =
                [("certificate", certificate.as_str()), ("qualification", &qualification), ("until", &until)];
            (told.with(w::PART_ADDED, &places), told.text(w::DO_REGISTER_PART))
        }
        News::QualificationAbsorbed(absorbed) => {
            let parts: Vec<String> =
                absorbed.names.iter().map(|named| names::qualification(named, told.language)).collect();
            let lead = if parts.len() == 1 { w::ABSORBED_ONE } else { w::ABSORBED_MANY };
            let wider = names::elsewhere(&absorbed.into, told.language);
            let places = [
                ("name", parts.first().map_or("", String::as_str)),
                ("count", &parts.len().to_string()),
                ("wider", &wider),
                ("number", &names::name(&absorbed.into.number)),
            ];
            if parts.len() > 1 {
                saying.notes.push(told.with(w::ABSORBED_NAMES, &[("names", &told.listed(&parts))]));
            }
            (told.with(lead, &places), told.text(w::DO_USE_NEW_NAME))
        }
        _ => {
            let is_for_ever = told.facts().is_some_and(CertificateFacts::is_endless_registration);
            let added = match told.end() {
                Some(_) => w::ADDED,
                None if is_for_ever => w::ADDED_FOR_EVER,
                None => w::ADDED_WITHOUT_END,
            };
            let text = stated_end(told);
            let places = [("certificate", certificate.as_str()), ("until", &until), ("text", &text)];
            let is_lower = is_lower_than_elsewhere(told);
            if is_lower {
                saying.goodness = Goodness::Lower;
            }
            (
                told.with(added, &places),
                told.text(if is_lower { w::DO_REGISTER_LOWER } else { w::DO_REGISTER }),
            )
        }
    };
}

/// What the registry states as the end, inert.
fn stated_end(told: &Telling<'_>) -> String {
    told.facts().map(|facts| names::name(&facts.valid_until_text)).unwrap_or_default()
}

/// Says that what came under another number is an exchange (换领), where it is one.
fn say_exchange(told: &Telling<'_>, saying: &mut Saying) -> Option<()> {
    let facts = told.facts()?;
    let end = told.end().map(|end| told.day(end)).unwrap_or_default();
    let here = names::name(&facts.number);
    // Of what went from one certificate and grade to the other one sentence.
    let mut moves: BTreeMap<[String; 3], Vec<String>> = BTreeMap::new();
    for old in exchanged(told) {
        let new = names::grade(grade_here(told, old).as_ref(), told.language);
        let was = names::grade(old.grade.as_ref(), told.language);
        moves.entry([names::name(&old.number), was, new]).or_default().push(names::name(&old.name));
    }
    let quoted = |names: &[String]| {
        let between = if told.language == Language::Chinese { "”、“" } else { "”, “" };
        names.join(between)
    };
    let lines: Vec<String> = moves
        .iter()
        .map(|([number, old, new], names)| {
            told.with(
                w::EXCHANGED_NUMBER,
                &[
                    ("number", number),
                    ("name", &quoted(names)),
                    ("old", old),
                    ("new", new),
                    ("here", &here),
                    ("end", &end),
                ],
            )
        })
        .collect();
    let (first, more) = lines.split_first()?;
    saying.title = told.text(w::GRADE_EXCHANGED);
    saying.badge.clone_from(&saying.title);
    saying.lead.clone_from(first);
    saying.notes.extend(more.iter().cloned());
    saying.action = told.with(w::DO_EXCHANGED_NUMBER, &[("here", &here)]);
    saying.goodness = Goodness::NoGain;
    Some(())
}

/// What of another certificate was exchanged for what this one holds.
fn exchanged<'a>(told: &'a Telling<'_>) -> impl Iterator<Item = &'a Elsewhere> {
    told.event
        .notes
        .iter()
        .filter_map(|note| match note {
            Note::HeldElsewhere(old) | Note::WasHeldElsewhere(old) => Some(old),
            _ => None,
        })
        .filter(|old| is_exchanged_here(told, old))
}

fn is_exchanged_here(told: &Telling<'_>, old: &Elsewhere) -> bool {
    let is_gain = matches!(
        told.event.news,
        News::CertificateAdded | News::CertificateReplaced(_) | News::QualificationAdded(_)
    );
    let here = grade_here(told, old);
    is_gain
        && told.facts().is_some_and(|facts| {
            is_exchanged(
                facts.family,
                [old.grade.as_ref(), here.as_ref()],
                (facts.issued_on, facts.valid_until),
            )
        })
}

/// Whether what came is, or was, held elsewhere at a higher grade: perhaps a downgrade by a new number.
fn is_lower_than_elsewhere(told: &Telling<'_>) -> bool {
    told.event.notes.iter().any(|note| match note {
        Note::HeldElsewhere(place) | Note::WasHeldElsewhere(place) | Note::WasHere(place) => {
            let here = grade_here(told, place);
            !stands_as_high(here.as_ref(), place.grade.as_ref())
        }
        _ => false,
    })
}

/// The grade at which the event's certificate has what `place` holds elsewhere.
fn grade_here(told: &Telling<'_>, place: &Elsewhere) -> Option<Grade> {
    let mut held = told.facts()?.qualifications.iter();
    let by_name = held.find(|named| named.name == place.name);
    by_name.or_else(|| told.facts()?.qualifications.first()).and_then(|named| named.grade.clone())
}

fn say_loss(told: &Telling<'_>, saying: &mut Saying) {
    let certificate = told.certificate();
    let looks = told.looks(w::LOOKS);
    let end = told.end().map(|end| told.day(end));
    saying.badge = told.text(w::NOT_LISTED);
    saying.lead = if let News::QualificationRemoved(_) = told.event.news {
        saying.badge.clone_from(&saying.title);
        let present = told.event.rest.iter().filter_map(|rest| rest.valid_until).max();
        let rest = match (end, present) {
            (Some(was), Some(present)) => {
                told.with(w::PRESENT_END, &[("end", &told.day(present)), ("was", &was)])
            }
            (Some(was), None) => told.with(w::STATED_END, &[("was", &was)]),
            (None, _) => String::new(),
        };
        let qualification = told.qualification().0;
        let places = [
            ("certificate", certificate.as_str()),
            ("qualification", &qualification),
            ("looks", &looks),
            ("rest", &rest),
        ];
        told.with(w::PART_REMOVED, &places)
    } else {
        let end = match end {
            Some(end) => told.with(w::ITS_STATED_END, &[("day", &end)]),
            None => told.text(w::NO_STATED_END),
        };
        told.with(w::REMOVED, &[("certificate", &certificate), ("looks", &looks), ("end", &end)])
    };
    let held: Vec<(&Elsewhere, bool)> = told
        .event
        .notes
        .iter()
        .filter_map(|note| match note {
            // To what extent a wider one does is for the reader to judge.
            Note::HeldElsewhere(place) if place.wider_than.is_none() => {
                let was = grade_here(told, place);
                Some((place, stands_as_high(place.grade.as_ref(), was.as_ref())))
            }
            _ => None,
        })
        .collect();
    let gone = match told.event.qualification() {
        Some(_) => 1,
        None => told.facts().map_or(1, |facts| facts.qualifications.len().max(1)),
    };
    let is_all_held = held.iter().filter(|(_, is_as_high)| *is_as_high).count() >= gone;
    saying.action = match held.first() {
        Some((place, _)) if is_all_held => {
            told.with(w::DO_USE_OTHER_NUMBER, &[("number", &names::name(&place.number))])
        }
        _ if held.iter().any(|(_, is_as_high)| !is_as_high) => told.text(w::DO_CHECK_GRADE_AND_PLATFORM),
        _ => told.text(w::DO_CHECK_PLATFORM),
    };
    if !is_all_held {
        saying.notes.push(told.text(w::CAUSE_UNKNOWN));
    }
}

fn say_grade(told: &Telling<'_>, grades: &GradeMove, change: Change, saying: &mut Saying) {
    let (certificate, name, looks) = (told.certificate(), told.qualification().1, told.looks(w::AGREEING));
    let [old, new] = [&grades.old, &grades.new].map(|grade| names::grade(grade.as_ref(), told.language));
    let end = told.end().map(|end| told.day(end)).unwrap_or_default();
    let places = [
        ("certificate", certificate.as_str()),
        ("name", &name),
        ("old", &old),
        ("new", &new),
        ("looks", &looks),
        ("end", &end),
    ];
    let is_exchange = told.facts().is_some_and(|facts| {
        let (moved, validity) =
            ([&grades.old, &grades.new].map(Option::as_ref), (facts.issued_on, told.end()));
        is_exchanged(facts.family, moved, validity)
    });
    (saying.lead, saying.action) = match change {
        Change::GradeRaised => (told.with(w::RAISED, &places), told.text(w::DO_USE_GRADE)),
        Change::GradeLowered => (told.with(w::LOWERED, &places), told.text(w::DO_LOWERED)),
        _ if is_exchange => {
            saying.title = told.text(w::GRADE_EXCHANGED);
            saying.badge.clone_from(&saying.title);
            (told.with(w::EXCHANGED, &places), told.with(w::DO_EXCHANGED, &places))
        }
        _ => {
            let is_renamed =
                grades.old.as_ref().zip(grades.new.as_ref()).is_some_and(|(old, new)| is_renamed(old, new));
            let (why, action) =
                if is_renamed { (w::REFORM, w::DO_REWORDED) } else { (w::NOT_JUDGED, w::DO_CHECK_REWORDED) };
            (joined(told, &[told.with(w::REWORDED, &places), told.text(why)]), told.text(action))
        }
    };
}

fn say_end_moved(told: &Telling<'_>, ends: EndMove, change: Change, saying: &mut Saying) {
    let certificate = told.certificate();
    let [old, new] = [ends.old, ends.new].map(|day| told.day(day));
    let states_issue_day = told.facts().is_some_and(|facts| facts.issued_on.is_some());
    let issued = match change {
        Change::ValidityExtended if states_issue_day => told.text(w::ISSUE_DAY_UNCHANGED),
        Change::ValidityExtended => String::new(),
        _ => new_issue_day(told, ends),
    };
    let looks = told.looks(w::AGREEING);
    let places = [
        ("certificate", certificate.as_str()),
        ("old", &old),
        ("new", &new),
        ("issued", &issued),
        ("looks", &looks),
    ];
    if change == Change::Renewed && told.event.is_of_a_part() {
        saying.title = told.text(w::RENEWED_PARTLY);
        saying.badge.clone_from(&saying.title);
        let parts = told.parts();
        let certificate = told.whole_certificate();
        let rest: Vec<String> = rests(told, w::REST_STAYS);
        let places = [
            ("certificate", certificate.as_str()),
            ("count", &parts.len().to_string()),
            ("new", &new),
            ("names", &told.listed(&parts)),
            ("rest", &joined(told, &rest)),
        ];
        (saying.lead, saying.action) =
            (told.with(w::END_RENEWED_PARTLY, &places), told.text(w::DO_USE_RENEWED));
        return;
    }
    let (lead, action) = match change {
        Change::Renewed => (w::END_RENEWED, w::DO_USE_RENEWED),
        Change::ValidityExtended => (w::END_EXTENDED, w::DO_ATTACH_EXTENSION),
        _ => (w::END_SHORTENED, w::DO_PLAN_BY),
    };
    (saying.lead, saying.action) = (told.with(lead, &places), told.with(action, &places));
}

/// The issue date of a renewal, unless it is plainly the old one: what was back after its end day with a later end counts as
/// renewed whatever its issue date says (design 3, "Ends").
fn new_issue_day(told: &Telling<'_>, ends: EndMove) -> String {
    let issued = told.facts().and_then(|facts| facts.issued_on);
    let is_new = |day: &chrono::NaiveDate| (ends.old - *day).num_days() <= ISSUED_EARLY_MAX_DAYS;
    let day = issued.filter(is_new).map(|day| told.day(day));
    day.map(|day| told.with(w::NEW_ISSUE_DAY, &[("day", &day)])).unwrap_or_default()
}

/// What else the certificate holds, with the end of each part.
fn rests(told: &Telling<'_>, phrase: Phrase) -> Vec<String> {
    let ends = told.event.rest.iter().filter(|rest| rest.valid_until != told.end());
    let ends = ends.filter_map(|rest| Some((rest.count.to_string(), told.day(rest.valid_until?))));
    ends.map(|(count, day)| told.with(phrase, &[("count", &count), ("day", &day)])).collect()
}

/// What the notes of an event add.
fn notes(told: &Telling<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    let says_the_rest = matches!(told.event.news, News::Renewed(_));
    if told.event.is_of_a_part() && !says_the_rest {
        lines.extend(rests(told, w::REST_ENDS));
    }
    for note in &told.event.notes {
        match note {
            Note::NoLongerListed if told.event.is_of_a_part() => {
                lines.push(told.text(w::RECORD_OF_PART_GONE));
            }
            Note::NoLongerListed => lines.push(told.text(w::RECORD_GONE)),
            Note::LaterEndInDoubt { end } => {
                lines.push(told.with(w::LATER_END_SEEN, &[("day", &told.day(*end))]));
            }
            Note::Renewing { filed, reference } => {
                let reference = reference.as_deref().map(names::name);
                let phrase = if reference.is_some() { w::RENEWAL_FILED_UNDER } else { w::RENEWAL_FILED };
                let reference = reference.unwrap_or_default();
                lines.push(told.with(phrase, &[("day", &told.day(*filed)), ("number", &reference)]));
            }
            Note::MassLoss => lines.push(told.text(w::MANY_LOST)),
            Note::HeldElsewhere(_)
            | Note::WasHeldElsewhere(_)
            | Note::WasHere(_)
            | Note::PartlyCovered(_)
            | Note::NothingLeft
            | Note::Confirmed { .. }
            | Note::FilingDayPassed
            | Note::GradeAbolished
            | Note::TakesBack { .. } => {}
        }
    }
    let is_loss = matches!(told.event.news, News::CertificateRemoved | News::QualificationRemoved(_));
    lines.extend(places(
        told,
        |note| match note {
            Note::HeldElsewhere(place) if place.wider_than.is_none() && !is_exchanged_here(told, place) => {
                Some(place)
            }
            _ => None,
        },
        if is_loss { [w::HELD_ELSEWHERE, w::SEVERAL_HELD] } else { [w::ALSO_HELD, w::SEVERAL_ALSO_HELD] },
    ));
    lines.extend(wider_ones(told));
    lines.extend(places(
        told,
        |note| match note {
            Note::WasHeldElsewhere(place) if !is_exchanged_here(told, place) => Some(place),
            Note::WasHere(place) => Some(place),
            _ => None,
        },
        [w::WAS_HELD, w::SEVERAL_WERE_HELD],
    ));
    for (number, covered) in by_number(told, |note| match note {
        Note::PartlyCovered(place) => Some(place),
        _ => None,
    }) {
        let names: Vec<String> = covered.iter().map(|place| names::elsewhere(place, told.language)).collect();
        let until = until(told, covered.first().copied());
        let places = [("number", number.as_str()), ("names", &told.listed(&names)), ("until", &until)];
        lines.push(told.with(w::PARTLY_COVERED, &places));
    }
    lines
}

/// One sentence for each other certificate, with what it holds, the lower grades by themselves.
fn places(
    told: &Telling<'_>,
    pick: impl Fn(&Note) -> Option<&Elsewhere>,
    [one, several]: [Phrase; 2],
) -> Vec<String> {
    let is_held = one == w::HELD_ELSEWHERE;
    let mut lines = Vec::new();
    for (number, held) in by_number(told, pick) {
        let (high, low): (Vec<&Elsewhere>, Vec<&Elsewhere>) = held.into_iter().partition(|place| {
            !is_held || stands_as_high(place.grade.as_ref(), grade_here(told, place).as_ref())
        });
        if high.len() > 1 {
            let names: Vec<String> =
                high.iter().map(|place| names::elsewhere(place, told.language)).collect();
            let until = until(told, high.first().copied());
            let (names, count) = (told.listed(&names), high.len().to_string());
            let places =
                [("count", count.as_str()), ("number", &number), ("names", &names), ("until", &until)];
            lines.push(told.with(several, &places));
        } else {
            lines.extend(high.iter().map(|place| held_at(told, place, &number, one)));
        }
        lines.extend(low.iter().map(|place| held_at(told, place, &number, w::HELD_LOWER)));
    }
    lines
}

/// One sentence for each wider qualification that is held besides, with what went of its kind and grade.
fn wider_ones(told: &Telling<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    for (number, held) in by_number(told, |note| match note {
        Note::HeldElsewhere(place) => Some(place).filter(|place| place.wider_than.is_some()),
        _ => None,
    }) {
        // By the name of the wider one and the grade that went.
        let mut beside: BTreeMap<_, Vec<(&Elsewhere, &NamedQualification)>> = BTreeMap::new();
        for place in held {
            let Some(narrower) = &place.wider_than else { continue };
            let was = narrower.grade.as_ref().map(ToString::to_string);
            beside.entry((&place.name, was)).or_default().push((place, narrower));
        }
        for pairs in beside.into_values() {
            let Some((place, first)) = pairs.first() else { continue };
            let was = first.grade.as_ref();
            let names: Vec<String> = pairs.iter().map(|(_, named)| names::name(&named.name)).collect();
            let what = if told.event.qualification().is_some()
                || told.facts().is_none_or(|facts| facts.qualifications.len() <= 1)
            {
                told.text(w::THIS_ONE)
            } else {
                told.listed(&names)
            };
            // A grade that is not stated is not known to be lower.
            let is_lower = place.grade.is_some() && !stands_as_high(place.grade.as_ref(), was);
            let phrase = if is_lower { w::WIDER_LOWER } else { w::WIDER_HELD };
            let [grade, was] = [place.grade.as_ref(), was].map(|grade| names::grade(grade, told.language));
            let (wider, until) = (names::name(&place.name), until(told, Some(place)));
            let places = [
                ("what", what.as_str()),
                ("wider", &wider),
                ("number", &number),
                ("grade", &grade),
                ("was", &was),
                ("until", &until),
            ];
            lines.push(told.with(phrase, &places));
        }
    }
    lines
}

fn held_at(told: &Telling<'_>, place: &Elsewhere, number: &str, phrase: Phrase) -> String {
    let is_one = told.event.qualification().is_some()
        || told.facts().is_none_or(|facts| facts.qualifications.len() <= 1);
    let what = match (is_one, phrase == w::HELD_ELSEWHERE) {
        (true, true) => told.text(w::THIS_QUALIFICATION),
        (true, false) => told.text(w::SAME_QUALIFICATION),
        (false, _) => format!("“{}”", names::name(&place.name)),
    };
    let grade = names::grade(place.grade.as_ref(), told.language);
    let was = names::grade(grade_here(told, place).as_ref(), told.language);
    let until = until(told, Some(place));
    told.with(
        phrase,
        &[("what", &what), ("number", number), ("grade", &grade), ("was", &was), ("until", &until)],
    )
}

fn until(told: &Telling<'_>, place: Option<&Elsewhere>) -> String {
    let end = place.and_then(|place| place.valid_until);
    end.map(|end| told.with(w::COMMA_UNTIL, &[("day", &told.day(end))])).unwrap_or_default()
}

/// Places of other certificates, by the certificate.
fn by_number<'a>(
    told: &'a Telling<'_>,
    pick: impl Fn(&'a Note) -> Option<&'a Elsewhere>,
) -> BTreeMap<String, Vec<&'a Elsewhere>> {
    let mut numbers: BTreeMap<String, Vec<&Elsewhere>> = BTreeMap::new();
    for place in told.event.notes.iter().filter_map(pick) {
        numbers.entry(names::name(&place.number)).or_default().push(place);
    }
    numbers
}

/// Sentences one after another.
fn joined(told: &Telling<'_>, sentences: &[String]) -> String {
    names::sentences(sentences, told.language)
}
