//! The subject: what by when, who, how much else (words.md 3). A phone's list shows some twenty characters of it.

use std::collections::BTreeSet;

use unicode_width::UnicodeWidthStr as _;

use super::blocks::{Grouped, grouped};
use super::selection::Shown;
use crate::domain::event::{Change, EventKind};
use crate::domain::language::Language;
use crate::email::words::phrasebook::{Phrase, phrases};
use crate::email::words::{headlines, names};

/// About 35 Chinese characters, of two columns each: what phones show of a subject.
const SUBJECT_COLUMNS_MAX: usize = 70;

/// A company's name is cut to no fewer characters.
const COMPANY_CHARACTERS_MIN: usize = 4;

phrases! {
    NEWS_OF = "{news}：{who}" / "{news}: {who}";
    AND_OTHERS = "{company} 等 {count} 家" / "{company} and others ({count})";
    CERTIFICATES = "{count} 本证书" / "{count} certificates";
    BOTH = "{one}、{other}" / "{one}, {other}";
    MORE = "；另有 {count} 项" / "; {count} more";
    NOW_WATCHED = "企业资质监测：{count} 家企业已纳入监测" / "Qualification watch: {count} companies now watched";
    TROUBLE = "监测故障：{news}" / "Trouble: {news}";
    OVER = "监测恢复：{news}" / "Over: {news}";
    NUMBERED = "{subject}（{number}/{count}）" / "{subject} ({number}/{count})";
}

/// The subject of a letter.
pub(super) fn subject(shown: &[Shown<'_>], language: Language) -> String {
    let Some(said) = most_urgent(shown, language) else {
        return String::new();
    };
    let fits = |text: &String| text.width() <= SUBJECT_COLUMNS_MAX;
    let longest = said.company.chars().count();
    let shortest = COMPANY_CHARACTERS_MIN.min(longest);
    // The company's name is cut first, then the count of the rest goes; the news stays.
    let names = || (shortest..=longest).rev().map(|characters| names::cut(&said.company, characters));
    let with_rest = names().map(|name| said.written(&name, &said.rest, language)).find(fits);
    let alone = || names().map(|name| said.written(&name, "", language)).find(fits);
    with_rest
        .or_else(alone)
        .unwrap_or_else(|| names::cut(&said.written("", "", language), SUBJECT_COLUMNS_MAX / 2))
}

/// The same at any length: the head of the letter.
pub(super) fn first_line(shown: &[Shown<'_>], language: Language) -> String {
    let said = most_urgent(shown, language);
    said.map(|said| said.written(&said.company, &said.rest, language)).unwrap_or_default()
}

/// The subject of one of several letters.
pub(super) fn numbered(subject: &str, number: usize, count: usize, language: Language) -> String {
    let (number, count) = (number.to_string(), count.to_string());
    NUMBERED.with(language, &[("subject", subject), ("number", &number), ("count", &count)])
}

/// What the subject is made of.
#[derive(Debug)]
struct MostUrgent {
    /// What by when.
    news: String,
    company: String,
    /// How many companies, where they are several.
    companies: usize,
    /// A number, or how many certificates; may be empty.
    which: String,
    rest: String,
    kind: EventKind,
}

impl MostUrgent {
    fn written(&self, company: &str, rest: &str, language: Language) -> String {
        if self.kind == EventKind::Change(Change::Watching) && self.companies > 1 {
            return NOW_WATCHED.with(language, &[("count", &self.companies.to_string())]) + rest;
        }
        let who = if self.companies > 1 && !company.is_empty() {
            AND_OTHERS.with(language, &[("company", company), ("count", &self.companies.to_string())])
        } else {
            company.to_owned()
        };
        let who: Vec<&str> = [who.as_str(), &self.which].into_iter().filter(|it| !it.is_empty()).collect();
        let text = if who.is_empty() {
            self.news.clone()
        } else {
            NEWS_OF.with(language, &[("news", &self.news), ("who", &who.join(" "))])
        };
        let framed = |phrase: Phrase| phrase.with(language, &[("news", &text)]);
        let text = match self.kind {
            EventKind::Change(_) => text,
            EventKind::Trouble(_) => framed(TROUBLE),
            EventKind::Resolved(_) => framed(OVER),
        };
        text + rest
    }
}

fn most_urgent(shown: &[Shown<'_>], language: Language) -> Option<MostUrgent> {
    let first = shown.first()?;
    let group = grouped(shown.iter().filter(|shown| shown.kind == first.kind)).into_iter().next()?;
    let (news, which, companies, told) = match &group {
        Grouped::Headline(shared, members) => {
            let count = shared.certificates.to_string();
            let which = first.number().map(|_| CERTIFICATES.with(language, &[("count", &count)]));
            let news = headlines::badge(shared).unwrap_or(&first.saying.title).to_owned();
            (news, which.unwrap_or_default(), shared.companies, members.len())
        }
        Grouped::Card(members) => {
            let card = Card::of(members, shown, language);
            (card.news, card.which, 1, card.told)
        }
    };
    let is_told = |shown: &&Shown<'_>| shown.kind == first.kind;
    let unlisted =
        shown.iter().filter(|shown| !is_told(shown)).filter_map(|it| Some(it.unlisted?.1.certificates));
    let others = shown.len().saturating_sub(told) + unlisted.sum::<usize>();
    let rest =
        if others == 0 { String::new() } else { MORE.with(language, &[("count", &others.to_string())]) };
    let company = first.company.clone().unwrap_or_default();
    let of_all: BTreeSet<_> = shown.iter().filter_map(Shown::company_key).collect();
    let companies = if companies > 1 { companies } else { of_all.len().min(1) };
    Some(MostUrgent { news, company, companies, which, rest, kind: first.kind })
}

/// What the subject says of one card.
struct Card {
    news: String,
    /// Its number, or how many certificates.
    which: String,
    /// How many events that tells.
    told: usize,
}

impl Card {
    /// Where nothing of the company is left, all of its certificates are one piece of news, also those whose end has passed and
    /// that are judged on.
    fn of(members: &[&Shown<'_>], all: &[Shown<'_>], language: Language) -> Self {
        let Some(first) = members.first() else {
            return Self { news: String::new(), which: String::new(), told: 0 };
        };
        let badge = first.saying.badge.clone();
        let is_of_this = |shown: &&Shown<'_>| {
            shown.company_key() == first.company_key()
                && (shown.has_lost_all() || shown.kind == EventKind::Change(Change::Expired))
        };
        let gone: Vec<&Shown<'_>> = all.iter().filter(is_of_this).collect();
        let lost = gone.iter().find(|shown| shown.has_lost_all());
        let of_gone = lost.filter(|_| gone.iter().any(|shown| std::ptr::eq(*shown, *first)));
        let Some(lost) = of_gone.filter(|_| gone.len() > 1) else {
            return Self { news: badge, which: first.number().unwrap_or_default(), told: members.len() };
        };
        let news = if lost.kind == first.kind {
            badge
        } else {
            BOTH.with(language, &[("one", &badge), ("other", &lost.saying.badge)])
        };
        let numbers: BTreeSet<_> = gone.iter().filter_map(|shown| shown.number()).collect();
        let which = match numbers.len() {
            1 => numbers.into_iter().next().unwrap_or_default(),
            count => CERTIFICATES.with(language, &[("count", &count.to_string())]),
        };
        Self { news, which, told: gone.len() }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn both_languages_have_the_same_places() {
        crate::email::words::phrasebook::assert_same_places(super::ALL);
    }
}
