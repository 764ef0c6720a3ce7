//! Whose answer is it? The answer has no company name, only the prefix of 资格id (design 3).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::holding;
use super::number::CertificateNumber;
use super::observation::{Incompleteness, Item};

/// The part of 资格id before the first `-`: the crawler's id of one company (API document's example: 24 hex digits).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Prefix(String);

impl Prefix {
    /// A prefix as the file pins it or a row holds it; case does not matter.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.trim().to_ascii_lowercase())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The prefix of an item; `None` when its 资格id is missing or has no `-`.
    #[must_use]
    pub fn of(item: &Item) -> Option<Self> {
        let (prefix, _) = item.business_id.as_deref()?.split_once('-')?;
        (!prefix.trim().is_empty()).then(|| Self::new(prefix))
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whose items an answer holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whose {
    /// Ours, under this prefix; items of others are left out.
    Ours {
        /// The prefix, to be remembered. `None` when no item states one.
        prefix: Option<Prefix>,
        /// The items that are ours.
        items: Vec<Item>,
    },
    /// Upstream imported the company anew under another id: ours, and worth a note.
    ReImported {
        /// The new prefix.
        prefix: Prefix,
        /// Its items.
        items: Vec<Item>,
    },
    /// It cannot be said that this is our company.
    Disputed {
        /// The prefixes that came.
        found: Vec<Prefix>,
    },
    /// Items of another company bear our numbers: nothing may be concluded.
    Unclear(Incompleteness),
}

/// Decides whose `items` are. `ours` is the prefix remembered or pinned, `known` the numbers of the last snapshot that was
/// not empty.
#[must_use]
pub fn whose(ours: Option<&Prefix>, known: &BTreeSet<CertificateNumber>, items: Vec<Item>) -> Whose {
    // An item without a prefix says nothing about whose it is: it goes with the answer it came in.
    let mut by_prefix: BTreeMap<Prefix, Vec<Item>> = BTreeMap::new();
    let mut unmarked = Vec::new();
    for item in items {
        match Prefix::of(&item) {
            Some(prefix) => by_prefix.entry(prefix).or_default().push(item),
            None => unmarked.push(item),
        }
    }
    let Some(ours) = ours else {
        return first_answer(by_prefix, unmarked);
    };
    if let Some(mut own) = by_prefix.remove(ours) {
        own.append(&mut unmarked);
        let own_numbers: BTreeSet<_> = own.iter().filter_map(holding::number_of).collect();
        let foreign = by_prefix.values().flatten().filter_map(holding::number_of);
        return match foreign.into_iter().find(|number| known.contains(number) || own_numbers.contains(number))
        {
            Some(number) => {
                Whose::Unclear(Incompleteness::ForeignNumber { number: number.text().to_owned() })
            }
            None => Whose::Ours { prefix: Some(ours.clone()), items: own },
        };
    }
    if by_prefix.is_empty() {
        return Whose::Ours { prefix: Some(ours.clone()), items: unmarked };
    }
    re_import_or_dispute(known, by_prefix)
}

fn first_answer(mut by_prefix: BTreeMap<Prefix, Vec<Item>>, mut unmarked: Vec<Item>) -> Whose {
    match (by_prefix.len(), by_prefix.pop_first()) {
        (1, Some((prefix, mut items))) => {
            items.append(&mut unmarked);
            Whose::Ours { prefix: Some(prefix), items }
        }
        (_, None) => Whose::Ours { prefix: None, items: unmarked },
        (_, Some((first, _))) => {
            Whose::Disputed { found: std::iter::once(first).chain(by_prefix.into_keys()).collect() }
        }
    }
}

/// Our prefix is missing: a new one that bears at least half of the numbers last known is a re-import.
fn re_import_or_dispute(
    known: &BTreeSet<CertificateNumber>,
    mut by_prefix: BTreeMap<Prefix, Vec<Item>>,
) -> Whose {
    let bears_half = |items: &Vec<Item>| {
        let numbers: BTreeSet<_> = items.iter().filter_map(holding::number_of).collect();
        !known.is_empty() && known.intersection(&numbers).count() * 2 >= known.len()
    };
    let heirs: Vec<Prefix> =
        by_prefix.iter().filter(|(_, items)| bears_half(items)).map(|(prefix, _)| prefix.clone()).collect();
    match heirs.as_slice() {
        [heir] => match by_prefix.remove(heir) {
            Some(items) => Whose::ReImported { prefix: heir.clone(), items },
            None => Whose::Disputed { found: heirs },
        },
        _ => Whose::Disputed { found: by_prefix.into_keys().collect() },
    }
}
