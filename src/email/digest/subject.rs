//! The subject: company and days first, the most urgent of the letter.

use std::collections::BTreeSet;

use unicode_width::UnicodeWidthStr as _;

use super::blocks::{Grouped, grouped};
use super::shown::Shown;
use crate::domain::event::{Change, EventKind};
use crate::domain::language::Language::{self, Chinese, English};
use crate::email::words::{self, headlines, names};

/// About 35 Chinese characters, of two columns each: what phones show of a subject.
const SUBJECT_COLUMNS_MAX: usize = 70;

/// How far a company's name is cut to keep the count of what else there is; further it is cut only without that.
const COMPANY_CHARACTERS_MIN: [usize; 2] = [10, 4];

/// The subject of a letter.
pub(super) fn subject(shown: &[Shown<'_>], language: Language) -> String {
    let tag = tag(shown, language);
    let Some(said) = most_urgent(shown, language) else {
        return tag.to_owned();
    };
    let rest = said.rest(language);
    let [with_rest, alone] = COMPANY_CHARACTERS_MIN;
    let short = fitting(&said, tag, &rest, with_rest, language);
    short
        .or_else(|| fitting(&said, tag, "", alone, language))
        .unwrap_or_else(|| names::cut(&format!("{tag}{}", said.said(language)), SUBJECT_COLUMNS_MAX / 2))
}

/// The whole of it, the company's name cut as little as it must be; `None` when that is not enough.
fn fitting(
    said: &MostUrgent,
    tag: &str,
    rest: &str,
    characters_min: usize,
    language: Language,
) -> Option<String> {
    let longest = said.company.chars().count();
    (characters_min.min(longest)..=longest)
        .rev()
        .map(|characters| {
            let cut = MostUrgent { company: names::cut(&said.company, characters), ..said.clone() };
            format!("{tag}{}{rest}", cut.said(language))
        })
        .find(|subject| subject.width() <= SUBJECT_COLUMNS_MAX)
}

/// The same without a tag and at any length: the first line of the letter.
pub(super) fn first_line(shown: &[Shown<'_>], language: Language) -> String {
    let said = most_urgent(shown, language);
    said.map(|said| format!("{}{}", said.said(language), said.rest(language))).unwrap_or_default()
}

/// The subject of one of several letters.
pub(super) fn numbered(subject: &str, number: usize, count: usize, language: Language) -> String {
    match language {
        Chinese => format!("{subject}（{number}/{count}）"),
        English => format!("{subject} ({number}/{count})"),
    }
}

/// What the subject is made of.
#[derive(Debug, Clone)]
struct MostUrgent {
    company: String,
    other_companies: usize,
    what: String,
    other_events: usize,
}

impl MostUrgent {
    fn said(&self, language: Language) -> String {
        let others = self.other_companies;
        let who = match (language, others) {
            (_, 0) => self.company.clone(),
            (Chinese, _) => format!("{} 等{}家", self.company, others + 1),
            (English, 1) => format!("{} and 1 other", self.company),
            (English, _) => format!("{} and {others} others", self.company),
        };
        match language {
            _ if who.is_empty() => self.what.clone(),
            Chinese => format!("{who}：{}", self.what),
            English => format!("{who}: {}", self.what),
        }
    }

    fn rest(&self, language: Language) -> String {
        match (language, self.other_events) {
            (_, 0) => String::new(),
            (Chinese, count) => format!("；另有 {count} 项"),
            (English, count) => format!("; {count} more"),
        }
    }
}

fn most_urgent(shown: &[Shown<'_>], language: Language) -> Option<MostUrgent> {
    let first = shown.first()?;
    let is_change = |shown: &&Shown<'_>| matches!(shown.kind, EventKind::Change(_));
    let companies: BTreeSet<_> = shown.iter().filter(is_change).filter_map(Shown::company_key).collect();
    let unlisted: usize = shown.iter().filter_map(|shown| Some(shown.unlisted?.1.strangers)).sum();
    let of_kind = shown.iter().take_while(|shown| shown.kind == first.kind).count();
    let group = grouped(shown.get(..of_kind)?).into_iter().next()?;
    let (what, told) = match &group {
        Grouped::Headline(shared, members) => {
            let badge = headlines::badge(shared, language);
            let what = match (badge, language) {
                (Some(badge), Chinese) => format!("{} 张证书{badge}", shared.certificates),
                (Some(badge), English) => format!("{} certificates, {badge}", shared.certificates),
                (None, _) if shared.certificates == shared.companies || first.number().is_none() => {
                    words::title(shared.kind, language).to_owned()
                }
                (None, Chinese) => {
                    format!("{} 张{}", shared.certificates, words::title(shared.kind, language))
                }
                (None, English) => {
                    format!("{} × {}", shared.certificates, words::title(shared.kind, language))
                }
            };
            (what, members.len())
        }
        Grouped::Card(members) => (of_card(first, language), members.len()),
    };
    Some(MostUrgent {
        company: first.company.clone().unwrap_or_default(),
        other_companies: if is_change(&first) { (companies.len() + unlisted).saturating_sub(1) } else { 0 },
        what,
        other_events: shown.len().saturating_sub(told),
    })
}

fn of_card(shown: &Shown<'_>, language: Language) -> String {
    let badge = &shown.saying.badge;
    match (shown.number(), language) {
        (Some(number), Chinese) => format!("{number} {badge}"),
        (Some(number), English) => format!("{number}, {badge}"),
        (None, _) => badge.clone(),
    }
}

fn tag(shown: &[Shown<'_>], language: Language) -> &'static str {
    let has = |wanted: &dyn Fn(EventKind) -> bool| shown.iter().any(|shown| wanted(shown.kind));
    let is_stage =
        |kind| matches!(kind, EventKind::Change(Change::Expired | Change::Expiring | Change::FilingDue));
    let is_quiet = |kind| {
        matches!(kind, EventKind::Change(Change::Watching | Change::Unverified | Change::VerifiedAgain))
    };
    let is_change = |kind| matches!(kind, EventKind::Change(_));
    let is_trouble = |kind| matches!(kind, EventKind::Trouble(_));
    match language {
        Chinese if has(&is_stage) => "【资质到期提醒】",
        Chinese if has(&|kind| is_change(kind) && !is_quiet(kind)) => "【资质变动提醒】",
        Chinese if has(&is_change) => "【资质监测通知】",
        Chinese if has(&is_trouble) => "【资质监测故障】",
        Chinese => "【资质监测恢复】",
        English if has(&is_stage) => "[Expiry] ",
        English if has(&|kind| is_change(kind) && !is_quiet(kind)) => "[Qualification change] ",
        English if has(&is_change) => "[Qualification watch] ",
        English if has(&is_trouble) => "[Watch trouble] ",
        English => "[Watch recovered] ",
    }
}
