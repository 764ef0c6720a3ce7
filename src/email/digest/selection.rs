//! Which events a letter shows, and in what order.

use std::borrow::Borrow;
use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;

use super::shared_change::{Alike, Unlisted};

use crate::domain::event::{Change, Event, EventKind, News, Note, Trouble};
use crate::domain::keyword::Keyword;
use crate::domain::language::Language;
use crate::email::words::deadlines::Deadline;
use crate::email::words::{self, Saying, names};

/// From so many certificates on whose ends moved alike they share a headline, whatever ends they had.
const ALIKE_LEAST: usize = 100;

/// An event that is shown.
#[derive(Debug)]
pub(super) struct Shown<'a> {
    /// The event.
    pub event: &'a Event,
    /// What it is on the day of the mail.
    pub kind: EventKind,
    /// The day of the mail.
    pub today: NaiveDate,
    /// What is said of it.
    pub saying: Saying,
    /// What mails call its company.
    pub company: Option<String>,
    /// Its place, and the places of the earlier stages that it speaks for.
    pub covers: Vec<usize>,
    /// With what it shares a headline, whatever end it had.
    pub alike: Option<Alike>,
    /// What is like this one and not listed, and its place.
    pub unlisted: Option<(usize, Unlisted)>,
    /// Its place in the order of the letter.
    pub rank: Option<usize>,
}

/// Where a kind stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    ToDo,
    Changed,
    Companies,
    Troubles,
    Over,
}

impl Place {
    pub fn of(kind: EventKind) -> Self {
        match kind {
            EventKind::Change(Change::Expired | Change::Expiring | Change::FilingDue) => Self::ToDo,
            EventKind::Change(
                Change::Watching
                | Change::Briefing
                | Change::Unverified
                | Change::VerifiedAgain
                | Change::WatchlistChanged,
            ) => Self::Companies,
            EventKind::Change(_) => Self::Changed,
            EventKind::Trouble(_) => Self::Troubles,
            EventKind::Resolved(_) => Self::Over,
        }
    }
}

impl Shown<'_> {
    /// The end its certificate has, or had before it moved.
    pub fn old_end(&self) -> Option<NaiveDate> {
        match self.event.ends() {
            Some(ends) => Some(ends.old),
            None => self.event.certificate.as_ref()?.valid_until,
        }
    }

    /// The end it has now, where it moved.
    pub fn new_end(&self) -> Option<NaiveDate> {
        self.event.ends().map(|ends| ends.new)
    }

    /// Whether it is a loss of a company of which nothing is listed any more.
    pub fn has_lost_all(&self) -> bool {
        self.event.news == News::CertificateRemoved && self.event.notes.contains(&Note::NothingLeft)
    }

    /// The day by which something must be done: the filing day while it lies ahead, else the end.
    pub fn deadline(&self) -> Option<NaiveDate> {
        let facts = self.event.certificate.as_ref()?;
        match Deadline::of(facts, self.today) {
            Deadline::File { by, .. } => Some(by),
            _ => facts.valid_until,
        }
    }

    /// What is still to be applied for of its certificate: nothing where that was filed.
    pub fn due(&self) -> Option<Deadline<'_>> {
        let is_filed = self.event.notes.iter().any(|note| matches!(note, Note::Renewing { .. }));
        let facts = self.event.certificate.as_ref()?;
        Some(if is_filed { Deadline::None } else { Deadline::of(facts, self.today) })
    }

    /// The certificate's number as words show it.
    pub fn number(&self) -> Option<String> {
        self.event.certificate.as_ref().map(|facts| names::name(&facts.number))
    }

    /// One certificate of one company.
    pub fn certificate_key(&self) -> (Option<&str>, Option<&str>) {
        let number = self.event.certificate.as_ref().map(|facts| facts.number.as_str());
        (self.company_key(), number)
    }

    /// What tells companies apart: two may be called the same.
    pub fn company_key(&self) -> Option<&str> {
        let keyword = self.event.company.as_ref().map(crate::domain::keyword::Keyword::as_str);
        keyword.or(self.event.company_name.as_deref())
    }
}

/// The events that are shown, in the order of the letter: what has to be done by its deadline, then by kind as in [`Change::ALL`],
/// whole companies in the order of the file, as `places` gives it.
pub(super) fn shown<'e, E: Borrow<Event>>(
    events: &'e [E],
    places: &HashMap<Keyword, usize>,
    language: Language,
    today: NaiveDate,
) -> Vec<Shown<'e>> {
    let events: Vec<&Event> = events.iter().map(Borrow::borrow).collect();
    let mut shown: Vec<Shown<'_>> = latest_stages(&events, today)
        .into_iter()
        .filter_map(|covers| {
            let event = *events.get(*covers.first()?)?;
            Some(Shown {
                event,
                kind: words::standing(event, today),
                today,
                saying: words::say(event, language, today),
                company: names::company(event),
                covers,
                alike: None,
                unlisted: None,
                rank: None,
            })
        })
        .collect();
    shown.sort_by_cached_key(|shown| {
        let number = shown.number();
        // What has to be done comes by its deadline, whatever its kind.
        let place = Place::of(shown.kind);
        let deadline = (place == Place::ToDo).then(|| urgency_of_day(shown.deadline(), today));
        let kind = (place != Place::ToDo).then(|| urgency(shown.kind));
        let in_file = shown.event.company.as_ref().filter(|_| place == Place::Companies);
        let in_file = in_file.map(|company| places.get(company).copied().unwrap_or(usize::MAX));
        let covers = shown.covers.first().copied();
        (place, deadline, kind, in_file, shown.old_end(), shown.company.clone(), number, covers)
    });
    for (rank, shown) in shown.iter_mut().enumerate() {
        shown.rank = Some(rank);
    }
    shown
}

/// Gives those that are many one headline, and to the first of each what is not listed of them.
pub(super) fn brought_together(shown: &mut [Shown<'_>], unlisted: &[Unlisted]) {
    let mut counts: BTreeMap<Alike, usize> = BTreeMap::new();
    for alike in shown.iter().filter_map(|shown| Alike::of(shown.event)) {
        *counts.entry(alike).or_default() += 1;
    }
    for shown in &mut *shown {
        let is_many = |alike: &Alike| counts.get(alike).is_some_and(|count| *count >= ALIKE_LEAST);
        shown.alike = Alike::of(shown.event).filter(is_many);
    }
    for (place, unlisted) in unlisted.iter().enumerate() {
        if let Some(first) = shown.iter_mut().find(|shown| Alike::of(shown.event) == Some(unlisted.alike)) {
            first.unlisted = Some((place, *unlisted));
        }
    }
}

/// Places of events, those together that one event speaks for; that one first. Of several stages of one end
/// ([`Change::FilingDue`], [`Change::Expiring`], [`Change::Expired`]) the latest speaks, of one stage told twice the later.
fn latest_stages(events: &[&Event], today: NaiveDate) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut ends: BTreeMap<_, usize> = BTreeMap::new();
    for (place, event) in events.iter().enumerate() {
        let stage = stage(event, today);
        let end = stage.and_then(|_| {
            let facts = event.certificate.as_ref()?;
            Some((event.company.clone()?, facts.number.clone(), facts.valid_until?))
        });
        let Some(end) = end else {
            groups.push(vec![place]);
            continue;
        };
        let group = *ends.entry(end).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        if let Some(group) = groups.get_mut(group) {
            group.push(place);
        }
    }
    for group in &mut groups {
        let rank = |place: usize| events.get(place).map(|event| (stage(event, today), event.at, place));
        group.sort_by_key(|place| std::cmp::Reverse(rank(*place)));
    }
    groups
}

fn stage(event: &Event, today: NaiveDate) -> Option<u8> {
    match words::standing(event, today) {
        EventKind::Change(Change::FilingDue) => Some(0),
        EventKind::Change(Change::Expiring) => Some(1),
        EventKind::Change(Change::Expired) => Some(2),
        _ => None,
    }
}

/// What is due today comes first, then what has ended, then what lies ahead, each by its day.
fn urgency_of_day(deadline: Option<NaiveDate>, today: NaiveDate) -> (u8, Option<NaiveDate>) {
    let rank = match deadline {
        Some(day) if day == today => 0,
        Some(day) if day < today => 1,
        _ => 2,
    };
    (rank, deadline)
}

fn urgency(kind: EventKind) -> (u8, Option<usize>) {
    let of_trouble = |trouble: Trouble| Trouble::ALL.iter().position(|other| *other == trouble);
    match kind {
        EventKind::Change(change) => (0, Change::ALL.iter().position(|other| *other == change)),
        EventKind::Trouble(trouble) => (1, of_trouble(trouble)),
        EventKind::Resolved(trouble) => (2, of_trouble(trouble)),
    }
}
