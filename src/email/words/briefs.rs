//! What is said of an event in a list whose headline says the rest.

use chrono::NaiveDate;

use super::event_text::Telling;
use super::phrasebook::phrases;
use super::{changes, companies, days, names, titles, troubles};
use crate::domain::event::{Baseline, Event, News};
use crate::domain::language::Language;

phrases! {
    GRADES = "{name}：{old} → {new}" / "{name}: {old} → {new}";
    REPLACES = "替代 {old}" / "takes the place of {old}";
    ISSUE_DAYS = "发证日期 {old} → {new}" / "issue date {old} → {new}";
    NOTHING_CURRENT = "未查询到在有效期内的证书" / "no certificate found that is to be judged";
    HISTORICAL_COUNT = "历史证书 {count} 本" / "{count} historical (历史证书)";
    CODE = "代码 {code}" / "code {code}";
    LINE = "监测名单第 {line} 行" / "line {line} of the watchlist";
    SINCE = "始于 {at}" / "since {at}";
}

/// How many certificates of a company a list names.
const CERTIFICATES_MAX: usize = 20;

/// What tells this event from its neighbours in a list; empty where certificate and company do.
pub(in crate::email) fn brief(event: &Event, language: Language, today: NaiveDate) -> String {
    let told = Telling { event, today, language };
    match &event.news {
        News::GradeRaised(grades) | News::GradeLowered(grades) | News::GradeReworded(grades) => {
            let [old, new] = [&grades.old, &grades.new].map(|grade| names::grade(grade.as_ref(), language));
            told.with(GRADES, &[("name", &told.qualification().1), ("old", &old), ("new", &new)])
        }
        News::QualificationAdded(_) | News::QualificationRemoved(_) => told.qualification().0,
        News::CertificateReplaced(replacement) => {
            let old: Vec<String> = replacement.old.iter().map(|number| names::name(number)).collect();
            told.with(REPLACES, &[("old", &old.join(names::comma(language)))])
        }
        News::Reissued(issued) => {
            let day = |day: Option<NaiveDate>| day.map(|day| told.day(day)).unwrap_or_default();
            told.with(ISSUE_DAYS, &[("old", &day(issued.old)), ("new", &day(issued.new))])
        }
        News::Retracted(taken_back) => {
            let kind = titles::title(taken_back.kind).text(language);
            format!("{} {kind}", told.qualification().0).trim_start().to_owned()
        }
        News::FilingDue(_) | News::Unverified => changes::say_badge(&told),
        News::Watching(baseline) => watching(&told, baseline),
        News::Briefing(_) => companies::open_ends(&told).unwrap_or_default(),
        News::Trouble(_, facts) | News::Resolved(_, facts) => {
            let code = facts.code.map(|code| told.with(CODE, &[("code", &code.to_string())]));
            let line = facts.line.map(|line| told.with(LINE, &[("line", &line.to_string())]));
            let since = facts.since.map(|at| told.with(SINCE, &[("at", &days::instant(at, language))]));
            let pieces = [Some(troubles::reason(facts, language)), code, line, since];
            joined(pieces.into_iter().flatten().collect(), language)
        }
        _ => String::new(),
    }
}

fn watching(told: &Telling<'_>, baseline: &Baseline) -> String {
    let watched: Vec<String> = baseline
        .current
        .iter()
        .chain(&baseline.unjudged)
        .map(|facts| {
            format!("{} {}", names::name(&facts.number), days::end(facts, told.today, told.language))
        })
        .collect();
    let watched = names::listed(&watched, CERTIFICATES_MAX, told.language);
    joined(vec![watched, beside(told, baseline)], told.language)
}

/// What of a baseline is no certificate that is watched: that there is none, and how many are history.
pub(in crate::email) fn beside_what_is_watched(event: &Event, language: Language) -> String {
    let told = Telling { event, today: event.today, language };
    event.baseline().map(|baseline| beside(&told, baseline)).unwrap_or_default()
}

fn beside(told: &Telling<'_>, baseline: &Baseline) -> String {
    let is_empty = baseline.current.is_empty() && baseline.unjudged.is_empty();
    let historical = baseline.historical.len();
    let pieces = [
        is_empty.then(|| told.text(NOTHING_CURRENT)),
        (historical > 0).then(|| told.with(HISTORICAL_COUNT, &[("count", &historical.to_string())])),
    ];
    joined(pieces.into_iter().flatten().collect(), told.language)
}

fn joined(mut pieces: Vec<String>, language: Language) -> String {
    pieces.retain(|piece| !piece.is_empty());
    pieces.join(names::semicolon(language))
}

#[cfg(test)]
mod tests {
    #[test]
    fn both_languages_have_the_same_places() {
        super::super::phrasebook::assert_same_places(super::ALL);
    }
}
