//! An event on the day it is spoken of, in one language, and what is said of it.

use chrono::NaiveDate;

use super::phrasebook::Phrase;
use super::reader_words as w;
use super::{days, names};
use crate::domain::dates::days_left;
use crate::domain::event::{CertificateFacts, Change, Event, EventKind, Note};
use crate::domain::language::Language;
use crate::domain::text::displayable;

/// What is said of one event, as it stands on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::email) struct Saying {
    /// What kind of thing it is.
    pub title: String,
    /// What by when, in the fewest words: 7 天后到期.
    pub badge: String,
    /// What happened.
    pub lead: String,
    /// What the reader needs besides, a sentence each.
    pub notes: Vec<String>,
    /// What to do, one sentence without its label; empty for what is over.
    pub action: String,
    /// When the data was queried; `None` where `lead` says it, and for operators.
    pub queried: Option<String>,
    /// How good its news is.
    pub goodness: Goodness,
}

/// How good a piece of news is beside others of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::email) enum Goodness {
    /// As its kind is.
    OfItsKind,
    /// It comes as a gain and is none, as an exchange (换领).
    NoGain,
    /// It comes as a gain, at a lower grade than before.
    Lower,
}

/// An event on the day it is spoken of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Telling<'a> {
    pub event: &'a Event,
    pub today: NaiveDate,
    pub language: Language,
}

impl Telling<'_> {
    /// The words of a phrase without places.
    pub fn text(&self, phrase: Phrase) -> String {
        phrase.text(self.language).to_owned()
    }

    /// A phrase with its places filled in.
    pub fn with(&self, phrase: Phrase, places: &[(&str, &str)]) -> String {
        phrase.with(self.language, places)
    }

    /// What the event is on that day: the stages of an end move on while a mail waits.
    pub fn standing(&self) -> EventKind {
        match self.event.kind() {
            EventKind::Change(stage @ (Change::FilingDue | Change::Expiring | Change::Expired)) => {
                EventKind::Change(match self.left() {
                    Some(left) if left < 0 => Change::Expired,
                    Some(_) if stage == Change::Expired => Change::Expiring,
                    _ => stage,
                })
            }
            kind => kind,
        }
    }

    pub fn facts(&self) -> Option<&CertificateFacts> {
        self.event.certificate.as_ref()
    }

    pub fn end(&self) -> Option<NaiveDate> {
        self.facts()?.valid_until
    }

    /// Whole days to the end on that day; the event's own count where the end is not known.
    pub fn left(&self) -> Option<i64> {
        self.end().map(|end| days_left(end, self.today)).or(self.event.days_left)
    }

    /// A count of days: `1 天`, `1 day`.
    pub fn days(&self, count: i64) -> String {
        days::count(count, self.language)
    }

    /// A day as dates stand in a sentence.
    pub fn day(&self, day: NaiveDate) -> String {
        days::day(day, self.language)
    }

    /// A day on which somebody must act: with its weekday.
    pub fn full_day(&self, day: NaiveDate) -> String {
        days::full_day(day, self.language)
    }

    /// The certificate as words name it; where the event is about a part of one with several ends, by that part.
    pub fn certificate(&self) -> String {
        let whole = self.whole_certificate();
        if !self.event.is_of_a_part() {
            return whole;
        }
        let parts = self.listed(&self.parts());
        self.with(w::PART_OF, &[("certificate", &whole), ("names", &parts)])
    }

    /// The certificate as a whole.
    pub fn whole_certificate(&self) -> String {
        self.facts()
            .map_or_else(|| self.text(w::A_CERTIFICATE), |facts| names::certificate(facts, self.language))
    }

    /// The qualifications it is about.
    pub fn parts(&self) -> Vec<String> {
        let held = self.facts().map(|facts| facts.qualifications.as_slice()).unwrap_or_default();
        held.iter().map(|named| names::qualification(named, self.language)).collect()
    }

    /// Who licenses it.
    pub fn organ(&self) -> String {
        // A dash is the registry's nothing.
        let is_stated = |organ: &String| organ.chars().any(char::is_alphanumeric);
        let organ = self.facts().map(|facts| names::name(&facts.organ)).filter(is_stated);
        organ.unwrap_or_else(|| self.text(w::SOME_AUTHORITY))
    }

    /// The qualification an event is about: its text, and its name without the grade.
    pub fn qualification(&self) -> (String, String) {
        let text = self.event.qualification().unwrap_or_default();
        let named =
            self.facts().and_then(|facts| facts.qualifications.iter().find(|named| named.text == text));
        match named {
            Some(named) => (names::qualification(named, self.language), displayable(&named.name)),
            None => (displayable(text), displayable(text)),
        }
    }

    /// `（有效期至 …）` of the certificate, in the form of `phrase`; empty where no end is known.
    pub fn until(&self, phrase: Phrase) -> String {
        self.end().map(|end| self.with(phrase, &[("day", &self.day(end))])).unwrap_or_default()
    }

    /// How many agreeing queries established it, in the form of `phrase`; empty where the event does not say so.
    pub fn looks(&self, phrase: Phrase) -> String {
        let looks = self.event.notes.iter().find_map(|note| match note {
            Note::Confirmed { looks } => Some(looks.to_string()),
            _ => None,
        });
        looks.map(|looks| self.with(phrase, &[("looks", &looks)])).unwrap_or_default()
    }

    /// What several are called one after another, at most ten of them.
    pub fn listed(&self, names: &[String]) -> String {
        const LISTED_MAX: usize = 10;
        names::listed(names, LISTED_MAX, self.language)
    }

    /// When the data was queried, in one sentence.
    pub fn queried(&self) -> String {
        match self.event.last_verified_at {
            Some(at) => self.with(w::DATA_AS_OF, &[("at", &days::instant(at, self.language))]),
            None => self.text(w::DATA_OF_NONE),
        }
    }
}
