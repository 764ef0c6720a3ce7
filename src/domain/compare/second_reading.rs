//! A new version of our own reading is not a change of the world (design 3): before its first comparison the last complete
//! answer, whose bytes are stored, is read again, and what differs from the snapshot by the reading alone is established in
//! silence.
//!
//! What a doubt speaks of differed in truth: it stays as it was established. What readers were told of it stays a doubt, or
//! remembered; all other doubts begin anew.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};

use crate::domain::field::{Difference, Field, Was};
use crate::domain::holding::{Holding, HoldingKey};
use crate::domain::snapshot::{Doubt, Gone, Held, Snapshot};

/// The snapshot by today's reading. `shown` is the last complete answer read by it, which came last at `at`.
#[must_use]
pub fn reread(
    before: &Snapshot,
    shown: &BTreeMap<HoldingKey, Holding>,
    at: DateTime<Utc>,
    today: NaiveDate,
) -> Snapshot {
    let mut after = Snapshot { held: BTreeMap::new(), doubts: BTreeMap::new(), ..before.clone() };
    // An answer that came after it was empty, and says nothing of the reading.
    let is_in_doubt = |key: &HoldingKey, field: Field| {
        let doubt = before.doubts.get(&(key.clone(), field));
        doubt.is_some_and(|doubt| doubt.first_seen_at <= at)
    };
    for (key, held) in &before.held {
        let Some(shown) = shown.get(key) else {
            if held.unlisted_since.is_some() || is_in_doubt(key, Field::Presence) {
                after.held.insert(key.clone(), held.clone());
            }
            continue;
        };
        let mut read = held.clone();
        // What is established as long past stays so whatever its end looks like now.
        let stays = held.holding.is_historical(today) && shown.last_day().is_none();
        for field in Field::values().filter(|field| !stays && !is_in_doubt(key, *field)) {
            match field.difference(&held.holding, shown, Was::Listed) {
                Some(_) => field.take(&mut read.holding, shown),
                None => field.refresh(&mut read.holding, shown),
            }
        }
        after.held.insert(key.clone(), read);
    }
    for ((key, field), doubt) in before.doubts.iter().filter(|((_, field), doubt)| is_kept(*field, doubt)) {
        let heir = if doubt.was_shown_last() { heir(before, shown, key) } else { key.clone() };
        // What is shown under another key now is held as it is shown.
        let is_settled =
            heir != *key && shown.get(&heir).is_some_and(|shown| doubt.difference.is_stated_by(shown));
        if is_settled {
            continue;
        }
        let mut doubt = doubt.clone();
        if let (Difference::New(_), Some(shown)) =
            (&doubt.difference, shown.get(&heir).filter(|_| heir != *key))
        {
            doubt.difference = Difference::New(shown.clone());
        }
        after.doubts.insert((heir, *field), doubt);
    }
    for (key, holding) in shown {
        let went_later = |gone: &Gone| gone.holding.number == key.number && gone.at > at;
        let is_known = after.held.contains_key(key)
            || is_in_doubt(key, Field::Presence)
            || after.doubts.contains_key(&(key.clone(), Field::Presence))
            || before.gone.values().any(went_later);
        if !is_known {
            let relatives = before.certificate(&key.number).map(|held| held.since);
            let since = relatives.min().unwrap_or(at);
            after.held.insert(key.clone(), Held { holding: holding.clone(), since, unlisted_since: None });
        }
    }
    after
}

/// What was told, taken back, or went without a word.
fn is_kept(field: Field, doubt: &Doubt) -> bool {
    doubt.told_as.is_some() || doubt.retracted || field == Field::Unsaid
}

/// The key, by today's reading, of what was known by this one: of the same certificate, and its text is in the one known.
fn heir(before: &Snapshot, shown: &BTreeMap<HoldingKey, Holding>, key: &HoldingKey) -> HoldingKey {
    let held = before.held.get(key).map(|held| &held.holding);
    let new = || match &before.doubts.get(&(key.clone(), Field::Presence))?.difference {
        Difference::New(new) => Some(new),
        _ => None,
    };
    let heirs = shown.iter().filter(|(other, _)| {
        other.number == key.number && !shown.contains_key(key) && !before.held.contains_key(*other)
    });
    let is_part = |known: &Holding, shown: &Holding| {
        shown.qualification.is_named() && known.qualification.text.contains(&shown.qualification.text)
    };
    let mut heirs = heirs.filter(|(_, shown)| held.or_else(new).is_some_and(|known| is_part(known, shown)));
    heirs.next().map_or_else(|| key.clone(), |(heir, _)| heir.clone())
}
