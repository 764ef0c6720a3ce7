//! The deadline of a certificate: the filing day while it lies ahead, else the end (design 4, "One deadline, one reminder").

use chrono::NaiveDate;

use super::days;
use super::reader_words as w;
use crate::domain::dates::days_left;
use crate::domain::event::{CertificateFacts, NamedQualification};
use crate::domain::filing::Duty;
use crate::domain::language::Language;
use crate::domain::number::Family;

/// What has to be done before a certificate ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::email) enum Deadline<'a> {
    /// The renewal is to be applied for by this day, which is today or later.
    File { by: NaiveDate, if_applicable: bool },
    /// That day has passed.
    Passed { by: NaiveDate, if_applicable: bool },
    /// All of it is of an abolished grade, and is exchanged before the end (换领).
    Exchange(Vec<&'a NamedQualification>),
    /// 施工劳务: registered only.
    Register,
    /// Of a family that is not renewed any more, or without an end.
    None,
}

impl<'a> Deadline<'a> {
    /// What has to be done, seen on `today`.
    pub fn of(facts: &'a CertificateFacts, today: NaiveDate) -> Self {
        match facts.duty() {
            Some(Duty::Exchange) => return Self::Exchange(abolished(facts)),
            Some(Duty::Registration) => return Self::Register,
            Some(Duty::Renewal(_) | Duty::Nothing) | None => {}
        }
        let if_applicable = facts.family == Family::Other;
        match facts.filing_day {
            Some(by) if by >= today => Self::File { by, if_applicable },
            Some(by) => Self::Passed { by, if_applicable },
            None => Self::None,
        }
    }
}

/// What has to be done for a certificate before its end, in a few words; `None` where nothing is prescribed, or its end has passed.
pub(in crate::email) fn in_short(
    facts: &CertificateFacts,
    today: NaiveDate,
    language: Language,
) -> Option<String> {
    if facts.valid_until? < today {
        return None;
    }
    let full = |by: &NaiveDate| days::full_day(*by, language);
    Some(match Deadline::of(facts, today) {
        Deadline::File { by, if_applicable } => {
            let left = match days_to(by, today) {
                0 => w::TODAY.text(language).to_owned(),
                left => w::DAYS_LEFT.with(language, &[("days", &days::count(left, language))]),
            };
            let words = if if_applicable { w::SHORT_FILE_BY_IF_APPLICABLE } else { w::SHORT_FILE_BY };
            words.with(language, &[("day", &full(&by)), ("left", &left)])
        }
        Deadline::Passed { by, if_applicable } => {
            w::SHORT_FILING_PASSED.with(language, &[("day", &passed_day(by, if_applicable, language))])
        }
        Deadline::Exchange(_) => w::SHORT_EXCHANGE.text(language).to_owned(),
        Deadline::Register | Deadline::None => return None,
    })
}

/// A day to apply that has passed: of an unknown family it may not have been one (domain.md 2).
pub(super) fn passed_day(by: NaiveDate, if_applicable: bool, language: Language) -> String {
    let day = days::day(by, language);
    if if_applicable { w::DAY_IF_APPLICABLE.with(language, &[("day", &day)]) } else { day }
}

/// The qualifications of an abolished grade (国发〔2021〕7号).
pub(super) fn abolished(facts: &CertificateFacts) -> Vec<&NamedQualification> {
    let is_abolished = |named: &&NamedQualification| {
        named.grade.as_ref().is_some_and(|grade| grade.is_abolished(facts.family))
    };
    facts.qualifications.iter().filter(is_abolished).collect()
}

/// Whole days to the deadline.
pub(super) fn days_to(by: NaiveDate, today: NaiveDate) -> i64 {
    days_left(by, today)
}
