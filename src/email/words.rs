//! The words of events: what is said of each, in Chinese and English.
//!
//! [`say`] gives the pieces that a digest lays out, [`summary`] joins them to one line. The wording is that of the national
//! platform and the regulations: neutral about losses, because the provider's answer cannot tell 注销, 撤回, 撤销 and 吊销
//! apart, and never a verdict on validity, because the data may lag behind the registry.

pub(super) mod days;
pub(super) mod names;
mod abolished;
mod chinese;
mod chinese_companies;
mod chinese_troubles;
mod english;
mod english_companies;
mod english_troubles;
pub(super) mod headlines;
pub(super) mod briefs;

use std::collections::BTreeMap;

use chrono::{NaiveDate, TimeDelta};

use crate::domain::dates::days_left;
use crate::domain::display::displayable;
use crate::domain::event::{CertificateFacts, Change, Elsewhere, Event, EventKind, News, Note, Trouble};
use crate::domain::language::Language;
use crate::domain::number::FilingRule;

/// Nobody is issued the next certificate more than a year before the end of the old one.
const ISSUED_EARLY_MAX: TimeDelta = TimeDelta::days(365);

/// How many qualifications a summary names.
const SUMMARY_QUALIFICATIONS_MAX: usize = 3;

/// What is said of one event, as it stands on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Saying {
    /// A few words that are seen first: 剩余 30 天.
    pub badge: String,
    /// What happened.
    pub lead: String,
    /// What to do, a sentence each.
    pub actions: Vec<String>,
    /// What the reader needs besides, a sentence each.
    pub notes: Vec<String>,
    /// When the data was last verified; `None` where `lead` says it, and for operators.
    pub verified: Option<String>,
}

/// One sentence on `event`, inert, for lists and `--json` (`summary`).
#[must_use]
pub fn summary(event: &Event, language: Language) -> String {
    let saying = say(event, language, event.today);
    let mut text = String::new();
    if let Some(company) = names::company(event) {
        text.push_str(&company);
        text.push(' ');
    }
    text.push_str(&saying.badge);
    let (colon, between) = match language {
        Language::Chinese => ("：", ""),
        Language::English => (": ", " "),
    };
    text.push_str(colon);
    let qualifications = summary_qualifications(event, language);
    let pieces = [saying.lead]
        .into_iter()
        .chain(saying.actions)
        .chain(saying.notes)
        .chain(qualifications)
        .chain(saying.verified);
    let pieces: Vec<String> = pieces.filter(|piece| !piece.is_empty()).collect();
    text.push_str(&pieces.join(between));
    // Pieces are inert already; what is joined of them stays one line whatever they hold.
    text.split(['\r', '\n']).collect::<Vec<_>>().join(" ")
}

/// What is said of `event` on `today`: a mail may leave days after the event was found.
pub(super) fn say(event: &Event, language: Language, today: NaiveDate) -> Saying {
    let told = Told { event, today };
    match (language, standing(event, today)) {
        (Language::Chinese, EventKind::Change(change)) => chinese::say(&told, change),
        (Language::English, EventKind::Change(change)) => english::say(&told, change),
        (Language::Chinese, EventKind::Trouble(trouble)) => chinese_troubles::began(&told, trouble),
        (Language::English, EventKind::Trouble(trouble)) => english_troubles::began(&told, trouble),
        (Language::Chinese, EventKind::Resolved(trouble)) => chinese_troubles::ended(&told, trouble),
        (Language::English, EventKind::Resolved(trouble)) => english_troubles::ended(&told, trouble),
    }
}

/// What the event is on `today`: the stages of an end move on while a mail waits.
pub(super) fn standing(event: &Event, today: NaiveDate) -> EventKind {
    let told = Told { event, today };
    match event.kind() {
        EventKind::Change(stage @ (Change::FilingDue | Change::Expiring | Change::Expired)) => {
            EventKind::Change(match told.left() {
                Some(left) if left < 0 => Change::Expired,
                Some(_) if stage == Change::Expired => Change::Expiring,
                _ => stage,
            })
        }
        kind => kind,
    }
}

/// What a kind is called as the title of a section.
pub(super) fn title(kind: EventKind, language: Language) -> &'static str {
    match (language, kind) {
        (Language::Chinese, EventKind::Change(change)) => chinese::title(change),
        (Language::English, EventKind::Change(change)) => english::title(change),
        (Language::Chinese, EventKind::Trouble(trouble)) => chinese_troubles::title(trouble),
        (Language::English, EventKind::Trouble(trouble)) => english_troubles::title(trouble),
        (Language::Chinese, EventKind::Resolved(trouble)) => chinese_troubles::title_of_end(trouble),
        (Language::English, EventKind::Resolved(trouble)) => english_troubles::title_of_end(trouble),
    }
}

/// What a person can do about a trouble: by the event's own advice, else in general.
pub(super) fn advice(event: &Event, language: Language) -> Option<String> {
    let EventKind::Trouble(trouble) = event.kind() else {
        return None;
    };
    let facts = event.trouble();
    // The table of codes has English words only, so that Chinese has its own for each code of the document.
    let is_api = matches!(
        trouble,
        Trouble::ApiCredential | Trouble::ApiQuota | Trouble::ApiUnknownCode | Trouble::CompanyNotFound
    );
    let code = facts.and_then(|facts| facts.code).filter(|_| is_api);
    if let (Language::Chinese, Some(advice)) = (language, code.and_then(chinese_troubles::advice_on_code)) {
        return Some(advice.to_owned());
    }
    let own = facts.and_then(|facts| facts.advice.as_deref()).map(displayable);
    let general = || match language {
        Language::Chinese => chinese_troubles::advice(trouble),
        Language::English => english_troubles::advice(trouble),
    };
    Some(own.filter(|own| !own.is_empty()).unwrap_or_else(|| general().to_owned()))
}

fn summary_qualifications(event: &Event, language: Language) -> Option<String> {
    if event.qualification().is_some() {
        return None;
    }
    let named = names::qualifications(event.certificate.as_ref()?, SUMMARY_QUALIFICATIONS_MAX, language)?;
    Some(match language {
        Language::Chinese => format!("资质：{named}。"),
        Language::English => format!("Qualifications: {named}."),
    })
}

/// `text` with a full stop, where it has no end of its own: what others wrote may have one or not.
fn sentence(text: &str, language: Language) -> String {
    let has_end = text.ends_with(['.', '。', '!', '！', '?', '？', '…']);
    match language {
        _ if has_end => text.to_owned(),
        Language::Chinese => format!("{text}。"),
        Language::English => format!("{text}."),
    }
}

/// An event on the day it is spoken of.
struct Told<'a> {
    event: &'a Event,
    today: NaiveDate,
}

impl Told<'_> {
    fn end(&self) -> Option<NaiveDate> {
        self.event.certificate.as_ref()?.valid_until
    }

    /// Whole days to the end on `today`; the event's own count where the end is not known.
    fn left(&self) -> Option<i64> {
        self.end().map(|end| days_left(end, self.today)).or(self.event.days_left)
    }

    fn facts(&self) -> Option<&CertificateFacts> {
        self.event.certificate.as_ref()
    }

    /// The certificate as words name it.
    fn certificate(&self, language: Language) -> String {
        match (self.facts(), language) {
            (Some(facts), _) => names::certificate(facts, language),
            (None, Language::Chinese) => "证书".to_owned(),
            (None, Language::English) => "certificate".to_owned(),
        }
    }

    /// The qualification an event is about: its text, and its name without the grade.
    fn qualification(&self, language: Language) -> (String, String) {
        let text = self.event.qualification().unwrap_or_default();
        let named =
            self.facts().and_then(|facts| facts.qualifications.iter().find(|named| named.text == text));
        match named {
            Some(named) => (names::qualification(named, language), displayable(&named.name)),
            None => (displayable(text), displayable(text)),
        }
    }

    /// The days between which an end or an issue date moved.
    fn days(&self, language: Language) -> [String; 2] {
        let days = match (self.event.ends(), &self.event.news) {
            (Some(ends), _) => [Some(ends.old), Some(ends.new)],
            (None, News::Reissued(issued)) => [issued.old, issued.new],
            (None, _) => [None, None],
        };
        days.map(|day| day.map(|day| days::day(day, language)).unwrap_or_default())
    }

    /// The grades between which one moved.
    fn grades(&self, language: Language) -> [String; 2] {
        let grades = match &self.event.news {
            News::GradeRaised(grades) | News::GradeLowered(grades) | News::GradeReworded(grades) => {
                [&grades.old, &grades.new]
            }
            _ => [&None, &None],
        };
        grades.map(|grade| names::grade(grade.as_ref(), language))
    }

    /// As what was told what is taken back.
    fn taken_back(&self) -> Option<Change> {
        match &self.event.news {
            News::Retracted(taken_back) => Some(taken_back.kind),
            _ => None,
        }
    }

    /// The issue date of a renewal, unless it is plainly the old one: what was back after its end day with a later end counts
    /// as renewed whatever its issue date says (design 3, "Ends").
    fn new_issue_day(&self) -> Option<NaiveDate> {
        let issued = self.facts()?.issued_on?;
        let is_old = self.event.ends().is_some_and(|ends| issued < ends.old - ISSUED_EARLY_MAX);
        (!is_old).then_some(issued)
    }

    /// How many agreeing looks established it, where the event says so.
    fn looks(&self) -> Option<u32> {
        self.event.notes.iter().find_map(|note| match note {
            Note::Confirmed { looks } => Some(*looks),
            _ => None,
        })
    }

    /// Whether every qualification that is gone here is held in another certificate.
    fn is_all_held_elsewhere(&self) -> bool {
        let held = self.event.notes.iter().filter(|note| matches!(note, Note::HeldElsewhere(_))).count();
        let gone = match self.event.qualification() {
            Some(_) => 1,
            None => self.facts().map_or(1, |facts| facts.qualifications.len().max(1)),
        };
        held >= gone
    }

    fn is_of_an_abolished_family(&self) -> bool {
        self.facts().is_some_and(|facts| facts.family.filing_rule() == FilingRule::None)
    }

    /// The numbers that were replaced.
    fn replaced(&self) -> Vec<String> {
        match &self.event.news {
            News::CertificateReplaced(replacement) => {
                replacement.old.iter().map(|number| names::name(number)).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// Places of other certificates, by the certificate.
fn by_number<'a>(places: impl Iterator<Item = &'a Elsewhere>) -> BTreeMap<String, Vec<&'a Elsewhere>> {
    let mut numbers: BTreeMap<String, Vec<&Elsewhere>> = BTreeMap::new();
    for place in places {
        numbers.entry(names::name(&place.number)).or_default().push(place);
    }
    numbers
}

#[cfg(test)]
pub(super) mod cast;
#[cfg(test)]
mod tests;
