//! From differences to events: gains first, then losses, one event for each certificate where they share it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use chrono::{NaiveDate, TimeDelta};

use super::looks::{self, Look};
use super::pairs::{Found, ToTell};
use crate::domain::cover::is_wider;
use crate::domain::event::{
    Absorbed, Baseline, CertificateFacts, Change, Elsewhere, EndMove, Event, GradeMove, IssueMove, News,
    Note, OfQualification, Replacement, TakenBack,
};
use crate::domain::field::{Difference, Field};
use crate::domain::grade::{Grade, GradeChange, grade_change, stands_as_high};
use crate::domain::holding::{self, Holding, HoldingKey};
use crate::domain::number::CertificateNumber;
use crate::domain::snapshot::{Doubt, Gone, Held, Snapshot, continues, renews};

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
    for certificate in holding::by_certificate(shown.values()) {
        let is_historical = certificate.iter().all(|holding| holding.is_historical(look.today));
        let Some(facts) = holding::facts(certificate) else { continue };
        if is_historical {
            baseline.historical.push(facts);
        } else if facts.valid_until.is_none() {
            baseline.unjudged.push(facts);
        } else {
            baseline.current.push(facts);
        }
    }
    look.event(News::Watching(baseline))
}

/// Tells what the pass found, and takes what is established gone out of the snapshot.
pub(super) fn tell(before: &Snapshot, after: &mut Snapshot, outcome: ToTell, look: &Look<'_>) -> Vec<Event> {
    let mut events = Vec::new();
    let noted = without_what_goes(before, &outcome, look);
    let was = (before, &*noted);
    let replaced = tell_appeared(was, after, outcome.appeared, &outcome.lost, look, &mut events);
    tell_changed(outcome.changed, look, &mut events);
    tell_lost(after, &outcome.lost, &replaced, look, &mut events);
    tell_taken_back(after, outcome.taken_back, look, &mut events);
    events
}

/// Where other certificates hold or held the same, as it is said of what comes: what goes at this very look holds nothing more.
fn without_what_goes<'a>(before: &'a Snapshot, outcome: &ToTell, look: &Look<'_>) -> Cow<'a, Snapshot> {
    if outcome.appeared.is_empty() || outcome.lost.is_empty() {
        return Cow::Borrowed(before);
    }
    let mut noted = before.clone();
    for gone in &outcome.lost {
        noted.held.remove(&gone.key);
        noted.gone.insert(gone.key.clone(), Gone { holding: gone.shown.clone(), at: look.now });
    }
    Cow::Owned(noted)
}

/// Tells what appeared; gives the numbers that it replaces.
fn tell_appeared(
    (before, noted): (&Snapshot, &Snapshot),
    after: &mut Snapshot,
    appeared: Vec<Found>,
    lost: &[Found],
    look: &Look<'_>,
    events: &mut Vec<Event>,
) -> BTreeSet<CertificateNumber> {
    let mut replaced = BTreeSet::new();
    for (number, found) in by_number(appeared) {
        let told_already =
            |key: &HoldingKey| key.number == number && !found.iter().any(|new| new.key == *key);
        // What came at this very look without being told, because it ended long ago, makes no certificate; what was told
        // before this look, and is taken back at it, does.
        let is_known = |(key, held): (&HoldingKey, &Held)| {
            told_already(key) && (before.held.contains_key(key) || !held.holding.is_historical(look.today))
        };
        let is_told = |((key, field), doubt): (&(HoldingKey, Field), &Doubt)| {
            *field == Field::Presence && doubt.told_as.is_some() && told_already(key)
        };
        let stays = after.held.iter().any(is_known) || before.doubts.iter().any(is_told);
        let change = if stays {
            for new in &found {
                let qualification = holding::named(&new.shown).text;
                events.push(Event {
                    certificate: holding::facts([&new.shown]),
                    days_left: days_left(&new.shown, look),
                    notes: elsewhere(noted, &new.shown, look).into_iter().collect(),
                    ..look.event(News::QualificationAdded(OfQualification { qualification }))
                });
            }
            Change::QualificationAdded
        } else {
            let shown: Vec<&Holding> = found.iter().map(|new| &new.shown).collect();
            let old = replaced_by(before, &shown, lost, look);
            let (change, event) = tell_new_certificate((before, noted), &number, &shown, &old, look);
            events.push(event);
            // What comes back is told as that, and what goes beside it is told, too.
            if change == Change::CertificateReplaced {
                replaced.extend(old);
            }
            change
        };
        for new in &found {
            if let Some(doubt) = after.doubts.get_mut(&(new.key.clone(), Field::Presence)) {
                doubt.told_as = Some(change);
                doubt.told_at = Some(look.now);
            }
        }
    }
    replaced
}

fn tell_new_certificate(
    (before, noted): (&Snapshot, &Snapshot),
    number: &CertificateNumber,
    shown: &[&Holding],
    replaced: &[CertificateNumber],
    look: &Look<'_>,
) -> (Change, Event) {
    let came_back = before.gone.keys().any(|key| key.number == *number);
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
    event.certificate = facts_of_certificate(shown);
    event.days_left = shown.iter().filter_map(|holding| days_left(holding, look)).max();
    // What is replaced is named by its number; where it was exchanged (换领), by its grade, too.
    let is_noted = |new: &&&Holding| change != Change::CertificateReplaced || is_exchange(before, new);
    event.notes = shown.iter().filter(is_noted).filter_map(|new| elsewhere(noted, new, look)).collect();
    event.notes.extend(shown.iter().filter_map(|new| was_here(before, new)));
    (change, event)
}

/// The older certificates of which `shown` holds every qualification, same or higher, ending later (design 4,
/// `certificate_replaced`), or ending on the same day where the older one goes at this very look: then it moved (domain 10). What is
/// historical or superseded already is not named.
fn replaced_by(
    before: &Snapshot,
    shown: &[&Holding],
    lost: &[Found],
    look: &Look<'_>,
) -> Vec<CertificateNumber> {
    let goes = |old: &Holding| lost.iter().any(|gone| gone.key == old.key());
    let replaces = |new: &Holding, old: &Holding| renews(new, old) || goes(old) && continues(new, old);
    let numbers: BTreeSet<_> = before.held.keys().map(|key| key.number.clone()).collect();
    let is_replaced = |number: &CertificateNumber| {
        let held = before.certificate(number).map(|held| &held.holding);
        let old: Vec<&Holding> = held.filter(|holding| !holding.is_historical(look.today)).collect();
        !old.is_empty()
            && !before.is_superseded(old.iter().copied())
            && old.iter().all(|old| shown.iter().any(|new| replaces(new, old)))
    };
    numbers.into_iter().filter(is_replaced).collect()
}

fn tell_changed(changed: Vec<Found>, look: &Look<'_>, events: &mut Vec<Event>) {
    // One event for each certificate, old value and new value; grades are told qualification by qualification.
    let regraded = changed.iter().filter(|found| is_of_a_qualification(found.change));
    let regraded: BTreeSet<HoldingKey> = regraded.map(|found| found.key.clone()).collect();
    let mut groups: BTreeMap<_, Vec<Found>> = BTreeMap::new();
    for mut found in changed {
        // A grade that is seen for the first time is not told by the way, with a later end.
        if let Some(before) = found.before.as_ref().filter(|_| !regraded.contains(&found.key)) {
            found.shown.qualification = before.qualification.clone();
        }
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

/// For how long it is remembered that something went without a word, because something else that is held covered it: should
/// that go, too, within this time, both are told (design 3, "Superseded").
const UNSAID_FOR: TimeDelta = TimeDelta::days(30);

fn tell_lost(
    after: &mut Snapshot,
    lost: &[Found],
    replaced: &BTreeSet<CertificateNumber>,
    look: &Look<'_>,
    events: &mut Vec<Event>,
) {
    let unsaid = take_unsaid(after);
    // All of it goes at once: what is lost at the same look covers nothing.
    for gone in lost {
        after.held.remove(&gone.key);
        after.doubts.retain(|(key, _), doubt| *key != gone.key || doubt.was_taken_back());
        let (holding, at) = (gone.shown.clone(), look.now);
        after.gone.insert(gone.key.clone(), Gone { holding, at });
    }
    let is_new = |found: &Found| lost.iter().any(|lost| lost.key == found.key);
    let all = lost.iter().cloned().chain(unsaid.iter().map(|(found, _)| found.clone())).collect();
    for (number, found) in by_number(all) {
        let rest = after.certificate(&number).map(|held| &held.holding);
        let is_live = |holding: &Holding| !holding.is_historical(look.today);
        let is_covered = |holding: &Holding| after.cover_of(holding).is_some();
        // What moved went without a word, and nothing is said of it as long as it goes on there.
        let has_moved = |gone: &Found| replaced.contains(&number) || !is_new(gone);
        let goes_on =
            |gone: &Found| is_covered(&gone.shown) || has_moved(gone) && after.is_continued(&gone.shown);
        let went = found.iter().filter(|gone| is_live(&gone.shown)).map(goes_on);
        let live: Vec<bool> = went.chain(rest.filter(|holding| is_live(holding)).map(is_covered)).collect();
        if !live.is_empty() && live.iter().all(|goes_on| *goes_on) {
            let (new, _): (Vec<Found>, Vec<Found>) = found.into_iter().partition(is_new);
            for gone in tell_absorbed(after, new, look, events) {
                let doubt = looks::unsaid(gone.looks, gone.mass, look);
                after.doubts.insert((gone.key.clone(), Field::Unsaid), doubt);
            }
            for (gone, doubt) in unsaid.iter().filter(|(gone, _)| gone.key.number == number) {
                if is_remembered(after, doubt, look) {
                    after.doubts.insert((gone.key.clone(), Field::Unsaid), doubt.clone());
                }
            }
            continue;
        }
        let lost = tell_absorbed(after, found, look, events);
        tell_loss_of(after, &number, &lost, look, events);
    }
}

/// Tells what of a certificate a wider qualification has absorbed: one event for each, however many names went. Gives the rest.
fn tell_absorbed(
    after: &Snapshot,
    found: Vec<Found>,
    look: &Look<'_>,
    events: &mut Vec<Event>,
) -> Vec<Found> {
    let mut absorbed: BTreeMap<HoldingKey, (&Holding, Vec<Found>)> = BTreeMap::new();
    let mut lost = Vec::new();
    for gone in found {
        match after.absorbs(&gone.shown) {
            Some(wider) => absorbed.entry(wider.key()).or_insert((wider, Vec::new())).1.push(gone),
            None => lost.push(gone),
        }
    }
    for (wider, gone) in absorbed.into_values() {
        let shown: Vec<&Holding> = gone.iter().map(|gone| &gone.shown).collect();
        let names = shown.iter().map(|holding| holding::named(holding)).collect();
        events.push(Event {
            certificate: facts_of_certificate(&shown),
            days_left: days_left(wider, look),
            notes: confirmed(&gone.iter().collect::<Vec<_>>()),
            ..look.event(News::QualificationAbsorbed(Absorbed { names, into: place(wider) }))
        });
    }
    lost
}

/// How many looks agree, and whether many companies lost something at once.
fn confirmed(gone: &[&Found]) -> Vec<Note> {
    let looks = gone.first().map(|first| Note::Confirmed { looks: first.looks });
    let mass = gone.iter().any(|gone| gone.mass).then_some(Note::MassLoss);
    looks.into_iter().chain(mass).collect()
}

/// Takes out what went without a word, unless it is shown again: then it will be held, or be gone once more.
fn take_unsaid(after: &mut Snapshot) -> Vec<(Found, Doubt)> {
    let is_shown = |key: &HoldingKey| {
        after.doubts.get(&(key.clone(), Field::Presence)).is_some_and(Doubt::was_shown_last)
    };
    let slots = after.doubts.keys().filter(|(key, field)| *field == Field::Unsaid && !is_shown(key));
    let slots: Vec<_> = slots.cloned().collect();
    let found = |slot: (HoldingKey, Field)| {
        let doubt = after.doubts.remove(&slot)?;
        let shown = after.gone.get(&slot.0)?.holding.clone();
        let change = Change::CertificateRemoved;
        let before = Some(shown.clone());
        let (looks, mass) = (doubt.looks_needed, doubt.mass);
        Some((Found { key: slot.0, change, before, shown, looks, mass, told_at: None }, doubt))
    };
    slots.into_iter().filter_map(found).collect()
}

/// As long as what covers it may go in time, or began to.
fn is_remembered(after: &Snapshot, unsaid: &Doubt, look: &Look<'_>) -> bool {
    let is_in_time = |at| at - unsaid.last_look_at <= UNSAID_FOR;
    let going = after.open_doubts().filter(|(_, _, doubt)| doubt.difference == Difference::Gone);
    is_in_time(look.now) || going.into_iter().any(|(_, _, doubt)| is_in_time(doubt.first_seen_at))
}

fn tell_loss_of(
    after: &Snapshot,
    number: &CertificateNumber,
    found: &[Found],
    look: &Look<'_>,
    events: &mut Vec<Event>,
) {
    let stays = after.certificate(number).any(|held| held.unlisted_since.is_none());
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
            part.iter().filter_map(|gone| still_held(after, &gone.shown, look)).collect();
        notes.extend(confirmed(&part));
        let shown: Vec<&Holding> = part.iter().map(|gone| &gone.shown).collect();
        events.push(Event {
            certificate: facts_of_certificate(&shown),
            days_left: days_left(&first.shown, look),
            notes,
            ..look.event(news)
        });
    }
}

fn tell_taken_back(after: &mut Snapshot, taken_back: Vec<Found>, look: &Look<'_>, events: &mut Vec<Event>) {
    let mut groups: BTreeMap<_, Vec<(Found, Change)>> = BTreeMap::new();
    for mut found in taken_back {
        let told_as = found.change;
        if is_new_certificate(found.change) && is_still_there(after, &found.key.number) {
            // Told with its certificate, of which more was told or is held: only the qualification is taken back.
            found.change = Change::QualificationAdded;
            doubt_sisters(after, &found.key.number);
        }
        let by_qualification =
            is_of_a_qualification(found.change) || found.change == Change::QualificationAdded;
        let qualification = by_qualification.then(|| found.key.qualification.clone());
        // Of several ends of one certificate each was told, and each is taken back.
        let end = is_later_end(found.change).then(|| found.shown.last_day());
        let of_one_event = (found.key.number.clone(), found.change, qualification, end);
        groups.entry(of_one_event).or_default().push((found, told_as));
    }
    for ((_, change, qualification, _), found) in groups {
        let Some((first, told_as)) = found.first() else { continue };
        let shown: Vec<&Holding> = found.iter().map(|(found, _)| &found.shown).collect();
        let qualification = qualification.map(|_| holding::named(&first.shown).text);
        let before = first.before.as_ref();
        events.push(Event {
            certificate: facts_of_certificate(&shown),
            days_left: first.before.as_ref().and_then(|before| days_left(before, look)),
            ..look.event(News::Retracted(TakenBack {
                kind: change,
                told_as: Some(*told_as).filter(|told_as| *told_as != change),
                qualification,
                told_on: first.told_at.map(|at| look.day_of(at)),
                former_end: before.filter(|_| is_later_end(change)).and_then(Holding::last_day),
                former_grade: before
                    .filter(|_| is_of_a_qualification(change))
                    .and_then(|before| before.qualification.grade.clone()),
            }))
        });
    }
}

/// What was told with a certificate of which part is taken back, and is not shown itself, is doubted all the more: once it is
/// established after all, it is told again.
fn doubt_sisters(after: &mut Snapshot, number: &CertificateNumber) {
    for ((key, field), doubt) in &mut after.doubts {
        if *field == Field::Presence && key.number == *number && doubt.told_as.is_some() {
            doubt.retracted |= !doubt.was_shown_last();
        }
    }
}

fn is_new_certificate(change: Change) -> bool {
    matches!(change, Change::CertificateAdded | Change::CertificateRestored | Change::CertificateReplaced)
}

/// Whether something of the certificate is held, or shown, or was told and not taken back.
fn is_still_there(snapshot: &Snapshot, number: &CertificateNumber) -> bool {
    snapshot.certificate(number).next().is_some()
        || snapshot.doubts.iter().any(|((key, field), doubt)| {
            let stands = doubt.was_shown_last() || doubt.told_as.is_some();
            *field == Field::Presence && key.number == *number && stands
        })
}

/// The certificate that the holdings share, by its latest end when its items differ, with all that it holds.
fn facts_of_certificate(holdings: &[&Holding]) -> Option<CertificateFacts> {
    let latest = holdings.iter().max_by_key(|holding| holding.last_day())?;
    let mut facts = holding::facts([*latest])?;
    let held = holding::in_order(holdings.iter().copied()).into_iter();
    let named = held.filter(|holding| holding.qualification.is_named());
    facts.qualifications = named.map(holding::named).collect();
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

/// What the same certificate had of it before it went, where it is back at another grade.
fn was_here(before: &Snapshot, new: &Holding) -> Option<Note> {
    let old = &before.gone.get(&new.key())?.holding;
    let grades = [old, new].map(|holding| holding.qualification.grade.as_ref());
    (grade_change(grades[0], grades[1]) != GradeChange::Same).then(|| Note::WasHere(place(old)))
}

/// Whether an abolished grade of another certificate was exchanged for what is new.
fn is_exchange(before: &Snapshot, new: &Holding) -> bool {
    let others = before.held.values().map(|held| &held.holding);
    others.filter(|old| is_same_elsewhere(old, new)).any(|old| new.is_exchange_of(old))
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

/// Where what went is held besides, else where a wider one is that covers it by its name: at too low a grade, or not for as long.
fn still_held(after: &Snapshot, gone: &Holding, look: &Look<'_>) -> Option<Note> {
    let wider = || {
        let others = after.held.values().map(|held| &held.holding);
        let best = others
            .filter(|other| is_wider(&other.qualification, &gone.qualification))
            .filter(|other| other.last_day().is_none_or(|end| end >= look.today))
            .max_by_key(|other| how_well_held(other, gone))?;
        Some(Note::HeldElsewhere(Elsewhere { wider_than: Some(holding::named(gone)), ..place(best) }))
    };
    held_elsewhere(after, gone, look).or_else(wider)
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
    let valid_until = holding.last_day();
    Elsewhere { number, name: named.name, grade: named.grade, valid_until, wider_than: None }
}

fn by_number(found: Vec<Found>) -> BTreeMap<CertificateNumber, Vec<Found>> {
    let mut groups: BTreeMap<CertificateNumber, Vec<Found>> = BTreeMap::new();
    for found in found {
        groups.entry(found.key.number.clone()).or_default().push(found);
    }
    for found in groups.values_mut() {
        found.sort_by_key(|found| found.shown.place.0);
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
