//! The words of events, in Chinese and English. Where each sentence stands is decided once; the words of both languages stand
//! side by side in `reader_words.rs` and `operator_words.rs`.
//!
//! [`say`] gives the pieces that a digest lays out, [`summary`] joins them to one line. The wording is that of the national
//! platform and the regulations: neutral about losses, because the provider's answer cannot tell 注销, 撤回, 撤销 and 吊销
//! apart, and never a verdict on validity, because the data may lag behind the registry.

pub(super) mod briefs;
mod causes;
mod changes;
pub(super) mod companies;
pub(super) mod days;
pub(super) mod deadlines;
pub(super) mod headlines;
pub(super) mod names;
pub(super) mod operator_words;
pub(super) mod phrasebook;
pub(super) mod reader_words;
mod titles;
mod event_text;
mod troubles;

use chrono::NaiveDate;

use self::event_text::Telling;
pub(super) use self::event_text::{Goodness, Saying};
use crate::domain::event::{Event, EventKind, News};
use crate::domain::language::Language;

/// How many qualifications a summary names.
const SUMMARY_QUALIFICATIONS_MAX: usize = 3;

/// One sentence on `event`, inert, for lists and `--json` (`summary`).
#[must_use]
pub fn summary(event: &Event, language: Language) -> String {
    let saying = say(event, language, event.today);
    let company = names::company(event).unwrap_or_default();
    let head = match language {
        Language::Chinese => format!("{company} {}：", saying.title),
        Language::English => format!("{company} {}:", saying.title),
    };
    let to_do = reader_words::TO_DO.text(language);
    let action = Some(saying.action).filter(|action| !action.is_empty());
    let ends = open_ends(event, language, event.today);
    let pieces: Vec<String> = [head.trim_start().to_owned(), saying.lead]
        .into_iter()
        .chain(ends)
        .chain(saying.notes)
        .chain(summary_qualifications(event, language))
        .chain(saying.queried)
        .chain(action.map(|action| format!("{to_do}{action}")))
        .collect();
    // Pieces are inert already; what is joined of them stays one line whatever they hold.
    names::sentences(&pieces, language).split(['\r', '\n']).collect::<Vec<_>>().join(" ")
}

/// What is said of `event` on `today`: a mail may leave days after the event was found.
pub(super) fn say(event: &Event, language: Language, today: NaiveDate) -> Saying {
    let told = Telling { event, today, language };
    match (told.standing(), &event.news) {
        (_, News::Trouble(trouble, facts)) => troubles::began(&told, *trouble, facts),
        (_, News::Resolved(trouble, facts)) => troubles::ended(&told, *trouble, facts),
        (EventKind::Change(change), _) => changes::say(&told, change),
        (EventKind::Trouble(trouble) | EventKind::Resolved(trouble), _) => {
            troubles::began(&told, trouble, &crate::domain::event::TroubleFacts::default())
        }
    }
}

/// The ends of a briefing in one sentence, where they have no table.
pub(super) fn open_ends(event: &Event, language: Language, today: NaiveDate) -> Option<String> {
    companies::open_ends(&Telling { event, today, language })
}

/// What the event is on `today`: the stages of an end move on while a mail waits.
pub(super) fn standing(event: &Event, today: NaiveDate) -> EventKind {
    // Which kind it is does not depend on the language.
    Telling { event, today, language: Language::Chinese }.standing()
}

fn summary_qualifications(event: &Event, language: Language) -> Option<String> {
    if event.qualification().is_some() || matches!(event.news, News::QualificationAbsorbed(_)) {
        return None;
    }
    let named = names::qualifications(event.certificate.as_ref()?, SUMMARY_QUALIFICATIONS_MAX, language)?;
    Some(reader_words::QUALIFICATIONS.with(language, &[("names", &named)]))
}

#[cfg(test)]
pub(super) mod cast;
#[cfg(test)]
mod tests;
