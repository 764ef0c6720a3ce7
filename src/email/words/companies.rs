//! What is said of a whole company: its baseline, what is open of it, a correction, whether its data is fresh.

use std::collections::BTreeSet;

use super::event_text::{Saying, Telling};
use super::reader_words as w;
use super::{days, deadlines, names};
use crate::domain::dates::days_left;
use crate::domain::event::{Baseline, CertificateFacts, Change, Event, Leaver, Leavers, News, TakenBack};
use crate::domain::language::Language;

/// What a licence of work safety is called: the source has none as a rule (domain.md 0).
const SAFETY_LICENCE: &str = "安全生产许可证";

/// Says what is said of a company.
pub(super) fn say(told: &Telling<'_>, saying: &mut Saying) {
    let queried_at = told.event.last_verified_at.map(|at| days::instant(at, told.language));
    match &told.event.news {
        News::Watching(baseline) => watching(told, baseline, saying),
        News::Briefing(open) => {
            let words = if open.certificates.is_empty() { w::BECAME_READER } else { w::OPEN_DEADLINES };
            saying.lead = told.text(words);
            saying.action = told.text(w::DO_BRIEFING);
        }
        News::Retracted(taken_back) => retracted(told, taken_back, saying),
        News::Unverified => {
            saying.action = told.text(w::DO_LOOK_YOURSELF);
            saying.queried = None;
            saying.lead = match (told.event.last_verified_at, queried_at) {
                (Some(at), Some(text)) => {
                    let days = told.days(days_left(told.today, days::day_of(at)).max(0));
                    saying.badge = told.with(w::NOT_UPDATED_FOR, &[("days", &days)]);
                    told.with(w::STALE, &[("days", &days), ("at", &text)])
                }
                _ => told.text(w::NEVER_QUERIED),
            };
        }
        News::WatchlistChanged(leavers) => watchlist_changed(told, leavers, saying),
        _ => {
            let at = queried_at.unwrap_or_else(|| days::instant(told.event.at, told.language));
            saying.lead = told.with(w::UPDATED_AGAIN, &[("at", &at)]);
            (saying.action, saying.queried) = (told.text(w::DO_NOTHING), None);
        }
    }
}

/// The ends of a briefing in one sentence, where they have no table.
pub(super) fn open_ends(told: &Telling<'_>) -> Option<String> {
    let News::Briefing(open) = &told.event.news else { return None };
    let ends: Vec<String> = open.certificates.iter().map(|facts| numbered(told, facts)).collect();
    (!ends.is_empty()).then(|| names::sentence(&told.listed(&ends), told.language))
}

fn watchlist_changed(told: &Telling<'_>, leavers: &Leavers, saying: &mut Saying) {
    if !leavers.left.is_empty() {
        let left: Vec<String> = leavers.left.iter().map(|it| leaver(told, it)).collect();
        saying.lead = told.with(w::LEFT_FILE, &[("names", &told.listed(&left))]);
    }
    for (words, readers) in [(w::READER_GAINED, &leavers.gained), (w::READER_LOST, &leavers.lost)] {
        saying.notes.extend(readers.iter().map(|reader| {
            let companies: Vec<String> = reader.companies.iter().map(|name| names::name(name)).collect();
            let of = names::companies(&companies, companies.len(), reader.count, told.language);
            told.with(words, &[("address", &names::name(&reader.address)), ("names", &of)])
        }));
    }
    saying.notes.extend(leavers.calls.map(|calls| match calls.before {
        Some(before) => {
            told.with(w::CALLS_CHANGED, &[("before", &before.to_string()), ("now", &calls.now.to_string())])
        }
        None => told.with(w::CALLS_NOW, &[("now", &calls.now.to_string())]),
    }));
    saying.action = told.text(if leavers.left.is_empty() { w::DO_CHECK_READERS } else { w::DO_PUT_BACK });
    saying.queried = None;
}

fn leaver(told: &Telling<'_>, leaver: &Leaver) -> String {
    let company = names::name(&leaver.company);
    if leaver.open.is_empty() {
        return company;
    }
    let ends: Vec<String> = leaver.open.iter().map(|facts| numbered(told, facts)).collect();
    told.with(w::LEAVER, &[("company", &company), ("ends", &told.listed(&ends))])
}

/// A number with its end: `A141002510 2026年8月23日（剩余 120 天），最迟 2026年5月23日（星期六）申请延续（剩余 28 天）`.
fn numbered(told: &Telling<'_>, facts: &CertificateFacts) -> String {
    let end = format!("{} {}", names::name(&facts.number), days::end(facts, told.today, told.language));
    match deadlines::in_short(facts, told.today, told.language) {
        Some(due) => told.with(w::END_AND_DUE, &[("end", &end), ("due", &due)]),
        None => end,
    }
}

fn retracted(told: &Telling<'_>, taken_back: &TakenBack, saying: &mut Saying) {
    let kind = super::titles::title(taken_back.told_as.unwrap_or(taken_back.kind)).text(told.language);
    let earlier = match taken_back.told_on {
        Some(day) => told.with(w::TOLD_ON, &[("kind", kind), ("day", &told.day(day))]),
        None => told.with(w::TOLD_EARLIER, &[("kind", kind)]),
    };
    let qualification = told.qualification().0;
    let qualification = match (qualification.is_empty(), told.language) {
        (true, _) => String::new(),
        (false, Language::Chinese) => format!("“{qualification}”"),
        (false, Language::English) => format!(", “{qualification}”"),
    };
    let is_of_an_end = matches!(taken_back.kind, Change::Renewed | Change::ValidityExtended);
    let until = if is_of_an_end { told.until(w::COMMA_UNTIL) } else { String::new() };
    let certificate = told.certificate();
    let places = [
        ("told", earlier.as_str()),
        ("certificate", &certificate),
        ("qualification", &qualification),
        ("until", &until),
    ];
    saying.lead = told.with(w::TAKEN_BACK, &places);
    let is_part = taken_back.kind == Change::QualificationAdded || told.event.is_of_a_part();
    let what = told.text(if is_part { w::THESE_QUALIFICATIONS } else { w::THIS_CERTIFICATE });
    let what = ("what", what.as_str());
    saying.action = match (taken_back.kind, taken_back.former_end, &taken_back.former_grade) {
        (_, Some(end), _) => told.with(w::DO_NOT_RELY_ON_THIS_END, &[what, ("day", &told.full_day(end))]),
        (_, None, _) if is_of_an_end => told.with(w::DO_NOT_RELY_ON_END, &[what]),
        (_, _, Some(grade)) => {
            told.with(w::DO_NOT_RELY_ON_GRADE, &[("grade", &names::grade(Some(grade), told.language))])
        }
        (Change::CertificateReplaced, ..) => told.text(w::DO_NOT_RELY_ON_NUMBER),
        _ => told.with(w::DO_NOT_RELY, &[what]),
    };
}

/// Whether an event lists a licence of work safety.
pub(in crate::email) fn tells_of_safety_licence(event: &Event) -> bool {
    let listed: Vec<&CertificateFacts> = match &event.news {
        News::Watching(baseline) => baseline.current.iter().chain(&baseline.unjudged).collect(),
        News::Briefing(open) => open.certificates.iter().collect(),
        _ => event.certificate.iter().collect(),
    };
    listed.iter().any(|facts| facts.kind.contains(SAFETY_LICENCE))
}

fn watching(told: &Telling<'_>, baseline: &Baseline, saying: &mut Saying) {
    let next =
        baseline.current.iter().filter_map(|facts| Some((facts.valid_until?, facts))).min_by_key(|it| it.0);
    let next = next.map(|(end, facts)| {
        let words = if end < told.today { w::NEXT_ENDED } else { w::NEXT_END };
        told.with(words, &[("number", &names::name(&facts.number)), ("day", &told.full_day(end))])
    });
    // One certificate may stand there with several ends.
    let watched = || baseline.current.iter().chain(&baseline.unjudged);
    let count = watched().map(|facts| &facts.number).collect::<BTreeSet<_>>().len();
    saying.lead = if count == 0 {
        told.text(w::ONLY_HISTORICAL)
    } else {
        let count = match (told.language, count) {
            (Language::Chinese, count) => count.to_string(),
            (Language::English, 1) => "1 certificate".to_owned(),
            (Language::English, count) => format!("{count} certificates"),
        };
        told.with(w::NOW_WATCHED, &[("count", &count), ("next", &next.unwrap_or_default())])
    };
    let numbers = |of: &[CertificateFacts]| {
        told.listed(&of.iter().map(|facts| names::name(&facts.number)).collect::<Vec<_>>())
    };
    let (registered, unjudged): (Vec<_>, Vec<_>) =
        baseline.unjudged.iter().cloned().partition(CertificateFacts::is_endless_registration);
    for (words, of) in [(w::REGISTERED_FOR_EVER, registered), (w::NOT_JUDGEABLE, unjudged)] {
        if !of.is_empty() {
            saying.notes.push(told.with(words, &[("numbers", &numbers(&of))]));
        }
    }
    if !baseline.historical.is_empty() {
        saying.notes.push(told.with(w::HISTORICAL, &[("numbers", &numbers(&baseline.historical))]));
    }
    let has_safety_licence = tells_of_safety_licence(told.event);
    saying.notes.push(told.text(if has_safety_licence { w::SAFETY_LICENCE } else { w::NOT_COVERED }));
    saying.action = told.text(w::DO_CONFIRM_COMPANY);
}
