//! From differences to events: gains first, then losses, one event for each certificate where they share it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::Look;
use super::pairs::{Found, Outcome};
use crate::domain::event::{
    Baseline, CertificateFacts, Change, Elsewhere, EndMove, Event, GradeMove, IssueMove, News, Note,
    OfQualification, Replacement, TakenBack,
};
use crate::domain::grade::{Grade, stands_as_high};
use crate::domain::holding::{self, Holding, HoldingKey};
use crate::domain::number::CertificateNumber;
use crate::domain::snapshot::{Difference, Field, Gone, Held, Snapshot, covers};

/// Establishes the first complete observation as it is and says what is watched from now on.
pub(super) fn baseline(
    after: &mut Snapshot,
    shown: &BTreeMap<HoldingKey, Holding>,
    look: &Look<'_>,
) -> Event {
    after.baseline_at = Some(look.now);
    // A company that was away for long begins anew: what it held then is history.
    after.doubts.clear();
    for (key, held) in std::mem::take(&mut after.held) {
        after.gone.insert(key, Gone { holding: held.holding, at: look.now });
    }
    after.gone.retain(|key, _| !shown.contains_key(key));
    for (key, holding) in shown {
        let held = Held { holding: holding.clone(), since: look.now, unlisted_since: None };
        after.held.insert(key.clone(), held);
    }
    let mut baseline = Baseline::default();
    for facts in certificates(shown.values()) {
        let historical = shown.values().any(|holding| {
            holding.number.text() == facts.number
                && holding.last_day() == facts.valid_until
                && holding.is_historical(look.today)
        });
        if historical {
            baseline.historical.push(facts);
        } else if facts.valid_until.is_none() {
            baseline.unjudged.push(facts);
        } else {
            baseline.current.push(facts);
        }
    }
    look.event(News::Watching(baseline))
}

/// One set of facts for each (number, end, issue date), by end, then number.
pub(super) fn certificates<'a>(holdings: impl IntoIterator<Item = &'a Holding>) -> Vec<CertificateFacts> {
    let mut groups: BTreeMap<_, Vec<&Holding>> = BTreeMap::new();
    for holding in holdings {
        // A day is a day however it is written; other ends are told apart by their texts.
        let text = holding.last_day().is_none().then(|| holding.end_text.clone());
        let group = (holding.last_day(), holding.number.clone(), text, holding.issued);
        groups.entry(group).or_default().push(holding);
    }
    groups.into_values().filter_map(holding::facts).collect()
}

/// Tells what the pass found, and takes what is established gone out of the snapshot.
pub(super) fn tell(before: &Snapshot, after: &mut Snapshot, outcome: Outcome, look: &Look<'_>) -> Vec<Event> {
    let mut events = Vec::new();
    tell_appeared(before, after, outcome.appeared, look, &mut events);
    tell_changed(outcome.changed, look, &mut events);
    tell_lost(after, outcome.lost, look, &mut events);
    tell_taken_back(after, outcome.taken_back, look, &mut events);
    events
}

fn tell_appeared(
    before: &Snapshot,
    after: &mut Snapshot,
    appeared: Vec<Found>,
    look: &Look<'_>,
    events: &mut Vec<Event>,
) {
    for (number, found) in by_number(appeared) {
        let told_already =
            |key: &HoldingKey| key.number == number && !found.iter().any(|new| new.key == *key);
        // What came at this very look without being told, because it ended long ago, makes no certificate.
        let is_known = |(key, held): (&HoldingKey, &Held)| {
            told_already(key) && (before.held.contains_key(key) || !held.holding.is_historical(look.today))
        };
        let stays = after.held.iter().any(is_known)
            || after.doubts.iter().any(|((key, field), doubt)| {
                *field == Field::Presence && doubt.told_as.is_some() && told_already(key)
            });
        let change = if stays {
            for new in &found {
                let qualification = holding::named(&new.shown).text;
                events.push(Event {
                    certificate: holding::facts([&new.shown]),
                    days_left: days_left(&new.shown, look),
                    notes: elsewhere(before, &new.shown, look).into_iter().collect(),
                    ..look.event(News::QualificationAdded(OfQualification { qualification }))
                });
            }
            Change::QualificationAdded
        } else {
            let (change, event) = tell_new_certificate(before, &number, &found, look);
            events.push(event);
            change
        };
        for new in &found {
            if let Some(doubt) = after.doubts.get_mut(&(new.key.clone(), Field::Presence))
                && matches!(doubt.difference, Difference::New(_))
            {
                doubt.told_as = Some(change);
            }
        }
    }
}

fn tell_new_certificate(
    before: &Snapshot,
    number: &CertificateNumber,
    found: &[Found],
    look: &Look<'_>,
) -> (Change, Event) {
    let shown: Vec<&Holding> = found.iter().map(|new| &new.shown).collect();
    let came_back = before.gone.keys().any(|key| key.number == *number);
    let replaced = replaced_by(before, &shown, look);
    let (change, news) = match (came_back, replaced.is_empty()) {
        (true, _) => (Change::CertificateRestored, News::CertificateRestored),
        (false, false) => {
            let old = replaced.iter().map(|number| number.text().to_owned()).collect();
            let new = number.text().to_owned();
            (Change::CertificateReplaced, News::CertificateReplaced(Replacement { old, new }))
        }
        (false, true) => (Change::CertificateAdded, News::CertificateAdded),
    };
    let mut event = look.event(news);
    event.certificate = facts_of_certificate(&shown);
    event.days_left = shown.iter().filter_map(|holding| days_left(holding, look)).max();
    if change != Change::CertificateReplaced {
        event.notes = shown.iter().filter_map(|holding| elsewhere(before, holding, look)).collect();
    }
    (change, event)
}

/// The older certificates of which `shown` holds every qualification, same or higher, ending later (design 4,
/// `certificate_replaced`); what is historical or superseded already is not named.
fn replaced_by(before: &Snapshot, shown: &[&Holding], look: &Look<'_>) -> Vec<CertificateNumber> {
    let numbers: BTreeSet<_> = before.held.keys().map(|key| key.number.clone()).collect();
    let is_replaced = |number: &CertificateNumber| {
        let held = before.certificate(number).map(|held| &held.holding);
        let old: Vec<&Holding> = held.filter(|holding| !holding.is_historical(look.today)).collect();
        !old.is_empty()
            && !before.is_superseded(old.iter().copied())
            && old.iter().all(|old| shown.iter().any(|new| covers(new, old)))
    };
    numbers.into_iter().filter(is_replaced).collect()
}

fn tell_changed(changed: Vec<Found>, look: &Look<'_>, events: &mut Vec<Event>) {
    // One event for each certificate, old value and new value; grades are told qualification by qualification.
    let mut groups: BTreeMap<_, Vec<Found>> = BTreeMap::new();
    for found in changed {
        let days = moved_days(&found);
        let qualification = is_of_a_qualification(found.change).then(|| found.key.qualification.clone());
        groups.entry((found.key.number.clone(), found.change, days, qualification)).or_default().push(found);
    }
    for ((_, change, ..), found) in groups {
        let Some(first) = found.first() else { continue };
        let Some(news) = moved(first) else { continue };
        let mut notes = Vec::new();
        if !is_gain(change) {
            notes.push(Note::Confirmed { looks: first.looks });
        }
        events.push(Event {
            certificate: holding::facts(found.iter().map(|found| &found.shown)),
            days_left: days_left(&first.shown, look),
            notes,
            ..look.event(news)
        });
    }
}

fn tell_lost(after: &mut Snapshot, lost: Vec<Found>, look: &Look<'_>, events: &mut Vec<Event>) {
    // All of it goes at once: what is lost at the same look covers nothing.
    for gone in &lost {
        after.held.remove(&gone.key);
        after.doubts.retain(|(key, _), _| *key != gone.key);
        let (holding, at) = (gone.shown.clone(), look.now);
        after.gone.insert(gone.key.clone(), Gone { holding, at });
    }
    for (number, found) in by_number(lost) {
        let rest = after.certificate(&number).map(|held| &held.holding);
        let whole = found.iter().map(|gone| &gone.shown).chain(rest);
        if after.is_superseded(whole.filter(|holding| !holding.is_historical(look.today))) {
            continue;
        }
        let stays = after.certificate(&number).any(|held| held.unlisted_since.is_none());
        let parts: Vec<Vec<&Found>> =
            if stays { found.iter().map(|gone| vec![gone]).collect() } else { vec![found.iter().collect()] };
        for part in parts {
            let Some(first) = part.first() else { continue };
            let news = if stays {
                let qualification = holding::named(&first.shown).text;
                News::QualificationRemoved(OfQualification { qualification })
            } else {
                News::CertificateRemoved
            };
            let mut notes: Vec<Note> =
                part.iter().filter_map(|gone| held_elsewhere(after, &gone.shown, look)).collect();
            notes.push(Note::Confirmed { looks: first.looks });
            if part.iter().any(|gone| gone.mass) {
                notes.push(Note::MassLoss);
            }
            let shown: Vec<&Holding> = part.iter().map(|gone| &gone.shown).collect();
            events.push(Event {
                certificate: facts_of_certificate(&shown),
                days_left: days_left(&first.shown, look),
                notes,
                ..look.event(news)
            });
        }
    }
}

fn tell_taken_back(after: &Snapshot, taken_back: Vec<Found>, look: &Look<'_>, events: &mut Vec<Event>) {
    let mut groups: BTreeMap<_, Vec<Found>> = BTreeMap::new();
    for mut found in taken_back {
        if is_new_certificate(found.change) && is_still_there(after, &found.key.number) {
            // Told with its certificate, which stays: only the qualification is taken back.
            found.change = Change::QualificationAdded;
        }
        let by_qualification =
            is_of_a_qualification(found.change) || found.change == Change::QualificationAdded;
        let qualification = by_qualification.then(|| found.key.qualification.clone());
        // Of several ends of one certificate each was told, and each is taken back.
        let end = is_later_end(found.change).then(|| found.shown.last_day());
        groups.entry((found.key.number.clone(), found.change, qualification, end)).or_default().push(found);
    }
    for ((_, change, qualification, _), found) in groups {
        let Some(first) = found.first() else { continue };
        let shown: Vec<&Holding> = found.iter().map(|found| &found.shown).collect();
        let qualification = qualification.map(|_| holding::named(&first.shown).text);
        events.push(Event {
            certificate: facts_of_certificate(&shown),
            days_left: first.before.as_ref().and_then(|before| days_left(before, look)),
            ..look.event(News::Retracted(TakenBack { kind: change, qualification }))
        });
    }
}

fn is_new_certificate(change: Change) -> bool {
    matches!(change, Change::CertificateAdded | Change::CertificateRestored | Change::CertificateReplaced)
}

/// Whether something of the certificate is held, or was shown by the last observation.
fn is_still_there(snapshot: &Snapshot, number: &CertificateNumber) -> bool {
    snapshot.certificate(number).next().is_some()
        || snapshot.doubts.iter().any(|((key, field), doubt)| {
            *field == Field::Presence && key.number == *number && doubt.was_shown_last()
        })
}

/// The certificate that the holdings share, by its latest end when its items differ, with all that it holds.
fn facts_of_certificate(holdings: &[&Holding]) -> Option<CertificateFacts> {
    let latest = holdings.iter().max_by_key(|holding| holding.last_day())?;
    let mut facts = holding::facts([*latest])?;
    let named = holdings.iter().filter(|holding| holding.qualification.is_named());
    facts.qualifications = named.map(|holding| holding::named(holding)).collect();
    Some(facts)
}

/// At what grade the same qualification is, or was, held in another certificate: a downgrade often comes as a new number.
fn elsewhere(before: &Snapshot, new: &Holding, look: &Look<'_>) -> Option<Note> {
    let was_held = || {
        let lapsed = before.held.values().map(|held| &held.holding);
        let others = before
            .gone
            .values()
            .map(|gone| &gone.holding)
            .chain(lapsed)
            .filter(|old| is_same_elsewhere(old, new));
        others.max_by_key(|old| old.last_day())
    };
    held_elsewhere(before, new, look).or_else(|| Some(Note::WasHeldElsewhere(place(was_held()?))))
}

/// What has ended holds nothing any more.
fn held_elsewhere(snapshot: &Snapshot, holding: &Holding, look: &Look<'_>) -> Option<Note> {
    let others = snapshot.held.values().map(|held| &held.holding);
    let best = others
        .filter(|other| is_same_elsewhere(other, holding))
        .filter(|other| other.last_day().is_none_or(|end| end >= look.today))
        .max_by_key(|other| how_well_held(other, holding))?;
    Some(Note::HeldElsewhere(place(best)))
}

/// Orders where a qualification is held besides: the highest grade first, then the latest end.
fn how_well_held<'a>(other: &'a Holding, holding: &Holding) -> impl Ord + use<'a> {
    let [theirs, ours] = [other, holding].map(|holding| holding.qualification.grade.as_ref());
    (stands_as_high(theirs, ours), theirs.map_or(0, Grade::height), other.last_day())
}

fn is_same_elsewhere(other: &Holding, holding: &Holding) -> bool {
    other.number != holding.number
        && holding.qualification.is_named()
        && other.qualification.key == holding.qualification.key
}

/// Where a qualification is held, as words need it.
pub(crate) fn place(holding: &Holding) -> Elsewhere {
    let named = holding::named(holding);
    let number = holding.number.text().to_owned();
    Elsewhere { number, name: named.name, grade: named.grade, valid_until: holding.last_day() }
}

fn by_number(found: Vec<Found>) -> BTreeMap<CertificateNumber, Vec<Found>> {
    let mut groups: BTreeMap<CertificateNumber, Vec<Found>> = BTreeMap::new();
    for found in found {
        groups.entry(found.key.number.clone()).or_default().push(found);
    }
    groups
}

/// The days that differ: issue dates where they moved, else ends; none where a grade is another.
fn moved_days(found: &Found) -> [Option<NaiveDate>; 2] {
    let day = |holding: &Holding| match found.change {
        Change::Reissued => holding.issued,
        change if is_of_a_qualification(change) => None,
        _ => holding.last_day(),
    };
    [found.before.as_ref().and_then(day), day(&found.shown)]
}

/// What is told of a field that differs; `None` for what no field's difference is told as.
fn moved(found: &Found) -> Option<News> {
    let [old, new] = moved_days(found);
    let ends = || Some(EndMove { old: old?, new: new? });
    let grades = || GradeMove {
        qualification: holding::named(&found.shown).text,
        old: found.before.as_ref().and_then(|before| before.qualification.grade.clone()),
        new: found.shown.qualification.grade.clone(),
    };
    match found.change {
        Change::GradeRaised => Some(News::GradeRaised(grades())),
        Change::GradeLowered => Some(News::GradeLowered(grades())),
        Change::GradeReworded => Some(News::GradeReworded(grades())),
        Change::Renewed => ends().map(News::Renewed),
        Change::ValidityExtended => ends().map(News::ValidityExtended),
        Change::ValidityShortened => ends().map(News::ValidityShortened),
        Change::Reissued => Some(News::Reissued(IssueMove { old, new })),
        _ => None,
    }
}

fn is_of_a_qualification(change: Change) -> bool {
    matches!(change, Change::GradeRaised | Change::GradeLowered | Change::GradeReworded)
}

fn is_later_end(change: Change) -> bool {
    matches!(change, Change::Renewed | Change::ValidityExtended)
}

fn is_gain(change: Change) -> bool {
    change == Change::GradeRaised || is_later_end(change)
}

fn days_left(holding: &Holding, look: &Look<'_>) -> Option<i64> {
    holding.last_day().map(|end| crate::domain::dates::days_left(end, look.today))
}
