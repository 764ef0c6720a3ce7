//! What is said of an event in a list whose headline says the rest.

use chrono::NaiveDate;

use super::names::{self, qualifications};
use super::{Told, days, say, title};
use crate::domain::dates::days_left;
use crate::domain::display::displayable;
use crate::domain::event::{CertificateFacts, Change, Event, EventKind};
use crate::domain::language::Language::{self, Chinese, English};

/// How many certificates of a company a list names.
const CERTIFICATES_MAX: usize = 20;

/// What tells this event from its neighbours in a list; empty where certificate and company do.
pub(in crate::email) fn brief(event: &Event, language: Language, today: NaiveDate) -> String {
    let told = Told { event, today };
    match super::standing(event, today) {
        EventKind::Change(change) => of_change(&told, change, language),
        EventKind::Trouble(_) | EventKind::Resolved(_) => of_trouble(&told, language),
    }
}

fn of_change(told: &Told<'_>, change: Change, language: Language) -> String {
    let event = told.event;
    match change {
        Change::GradeRaised | Change::GradeLowered | Change::GradeReworded => {
            let (_, name) = told.qualification(language);
            let [old, new] = told.grades(language);
            format!("{name}{}{old} → {new}", colon(language))
        }
        Change::QualificationAdded | Change::QualificationRemoved => told.qualification(language).0,
        Change::CertificateReplaced => {
            let old = told.replaced();
            match language {
                Chinese => format!("替代 {}", old.join("、")),
                English => format!("takes the place of {}", old.join(", ")),
            }
        }
        Change::Reissued => {
            let [old, new] = told.days(language);
            match language {
                Chinese => format!("发证日期 {old} → {new}"),
                English => format!("issue date {old} → {new}"),
            }
        }
        Change::Retracted => {
            let kind = told.taken_back().map(|kind| title(kind.into(), language));
            let (text, _) = told.qualification(language);
            [text.as_str(), kind.unwrap_or_default()]
                .into_iter()
                .filter(|it| !it.is_empty())
                .collect::<Vec<_>>()
                .join(" ")
        }
        Change::FilingDue | Change::Unverified => say(event, language, told.today).badge,
        Change::Watching => watching(told, language),
        _ => String::new(),
    }
}

fn watching(told: &Told<'_>, language: Language) -> String {
    let baseline = told.event.baseline().cloned().unwrap_or_default();
    let watched: Vec<String> = baseline
        .current
        .iter()
        .chain(&baseline.unjudged)
        .map(|facts| format!("{} {}", names::name(&facts.number), end(facts, told.today, language)))
        .collect();
    let mut pieces = vec![names::listed(&watched, CERTIFICATES_MAX, language)];
    if watched.is_empty() {
        pieces.push(match language {
            Chinese => "未查得在有效期内的证书".to_owned(),
            English => "no certificate found that is to be judged".to_owned(),
        });
    }
    let historical = baseline.historical.len();
    if historical > 0 {
        pieces.push(match language {
            Chinese => format!("历史证书 {historical} 张"),
            English => format!("{historical} historical (历史证书)"),
        });
    }
    joined(pieces, language)
}

/// The end of a certificate with its days: `至 2026年8月23日（剩余 30 天）`.
pub(in crate::email) fn end(facts: &CertificateFacts, today: NaiveDate, language: Language) -> String {
    let Some(end) = facts.valid_until else {
        let text = names::name(&facts.valid_until_text);
        return match language {
            Chinese if text.is_empty() => "未载明有效期".to_owned(),
            Chinese => format!("“{text}”（无法判断）"),
            English if text.is_empty() => "no end stated".to_owned(),
            English => format!("“{text}” (cannot be judged)"),
        };
    };
    let date = days::day(end, language);
    let left = days_left(end, today);
    match language {
        Chinese if left < 0 => format!("{date}（已过 {} 天）", -left),
        Chinese if left == 0 => format!("{date}（今日到期）"),
        Chinese => format!("{date}（剩余 {left} 天）"),
        English if left < 0 => format!("{date} ({} ago)", days::english_days(-left)),
        English if left == 0 => format!("{date} (today)"),
        English => format!("{date} ({} left)", days::english_days(left)),
    }
}

fn of_trouble(told: &Told<'_>, language: Language) -> String {
    let Some(facts) = told.event.trouble() else {
        return String::new();
    };
    let mut pieces = vec![displayable(&facts.reason)];
    if let Some(code) = facts.code {
        pieces.push(match language {
            Chinese => format!("代码 {code}"),
            English => format!("code {code}"),
        });
    }
    if let Some(line) = facts.line {
        pieces.push(match language {
            Chinese => format!("监测名单第 {line} 行"),
            English => format!("line {line} of the watchlist"),
        });
    }
    if let Some(since) = facts.since {
        let since = days::instant(since, language);
        pieces.push(match language {
            Chinese => format!("始于 {since}"),
            English => format!("since {since}"),
        });
    }
    joined(pieces, language)
}

/// All that a certificate holds, for its own line.
pub(in crate::email) fn held(facts: &CertificateFacts, language: Language) -> String {
    const HELD_MAX: usize = 30;
    qualifications(facts, HELD_MAX, language).unwrap_or_default()
}

fn joined(mut pieces: Vec<String>, language: Language) -> String {
    pieces.retain(|piece| !piece.is_empty());
    pieces.join(match language {
        Chinese => "；",
        English => "; ",
    })
}

fn colon(language: Language) -> &'static str {
    match language {
        Chinese => "：",
        English => ": ",
    }
}
