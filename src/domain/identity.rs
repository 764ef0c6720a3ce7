//! Whose answer is it? The answer has no company name, only the prefix of 资格id (design 3).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::holding;
use super::number::CertificateNumber;
use super::observation::{Incompleteness, Item};

/// What stands in 资格id before `-` and the item's own number: the crawler's id of one company (API document's example: 24 hex
/// digits). An id of any other form says nothing of whose it is.
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

    /// The prefix of an item; `None` when its 资格id is missing or of another form.
    #[must_use]
    pub fn of(item: &Item) -> Option<Self> {
        let prefix = holding::number_of(item)?.prefix_in(item.business_id.as_deref()?)?;
        Some(Self::new(&prefix))
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The numbers by which an answer is known as the company's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Numbers {
    /// All of the last snapshot that was not empty.
    pub known: BTreeSet<CertificateNumber>,
    /// Those of them that upstream listed last: what went at its end is judged on, but no answer can bear it any more. All of
    /// them where none is listed.
    pub listed: BTreeSet<CertificateNumber>,
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

/// Decides whose `items` are. `ours` is the prefix remembered or pinned.
#[must_use]
pub fn whose(ours: Option<&Prefix>, numbers: &Numbers, items: Vec<Item>) -> Whose {
    // Where no prefix of ours is there to say it, the numbers of the whole answer have to.
    let is_of_known = numbers.listed.is_empty() || bears_half(&numbers.listed, &items);
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
        // A first prefix, too: an answer of other numbers would tell all that are known as gone.
        return if is_of_known {
            first_answer(by_prefix, unmarked)
        } else {
            Whose::Disputed { found: by_prefix.into_keys().collect() }
        };
    };
    if let Some(mut own) = by_prefix.remove(ours) {
        own.append(&mut unmarked);
        let own_numbers: BTreeSet<_> = own.iter().filter_map(holding::number_of).collect();
        let foreign = by_prefix.values().flatten().filter_map(holding::number_of);
        return match foreign
            .into_iter()
            .find(|number| numbers.known.contains(number) || own_numbers.contains(number))
        {
            Some(number) => {
                Whose::Unclear(Incompleteness::ForeignNumber { number: number.text().to_owned() })
            }
            None => Whose::Ours { prefix: Some(ours.clone()), items: own },
        };
    }
    if by_prefix.is_empty() {
        return if is_of_known {
            Whose::Ours { prefix: Some(ours.clone()), items: unmarked }
        } else {
            Whose::Disputed { found: Vec::new() }
        };
    }
    re_import_or_dispute(&numbers.listed, by_prefix, unmarked)
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

/// Whether `items` bear at least half of the numbers last listed.
fn bears_half(listed: &BTreeSet<CertificateNumber>, items: &[Item]) -> bool {
    let numbers: BTreeSet<_> = items.iter().filter_map(holding::number_of).collect();
    !listed.is_empty() && listed.intersection(&numbers).count() * 2 >= listed.len()
}

/// Our prefix is missing: a new one that bears at least half of the numbers last known is a re-import.
fn re_import_or_dispute(
    listed: &BTreeSet<CertificateNumber>,
    mut by_prefix: BTreeMap<Prefix, Vec<Item>>,
    mut unmarked: Vec<Item>,
) -> Whose {
    let is_heir = |(_, items): &(&Prefix, &Vec<Item>)| bears_half(listed, items);
    let heirs: Vec<Prefix> = by_prefix.iter().filter(is_heir).map(|(prefix, _)| prefix.clone()).collect();
    match heirs.as_slice() {
        [heir] => match by_prefix.remove(heir) {
            Some(mut items) => {
                items.append(&mut unmarked);
                Whose::ReImported { prefix: heir.clone(), items }
            }
            None => Whose::Disputed { found: heirs },
        },
        _ => Whose::Disputed { found: by_prefix.into_keys().collect() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = "5d43a8f092aec74cbf04a163";
    const UUID: &str = "=550e8400-e29b-41d4-a716-446655440000";
    const THEIRS: &str = "5faaaaaaaaaaaaaaaaaaaaaa";

    /// A prefix that begins with `=` is the whole id.
    fn item(prefix: &str, number: &str) -> Item {
        let whole = prefix.strip_prefix('=').map(str::to_owned);
        let business_id = whole.or_else(|| (!prefix.is_empty()).then(|| format!("{prefix}-{number}")));
        Item { business_id, certificate_num: Some(number.to_owned()), ..Item::default() }
    }

    /// The numbers taken as ours, or why none are.
    fn judged(
        ours: Option<&str>,
        known: &[&str],
        items: &[(&str, &str)],
    ) -> Result<Vec<String>, &'static str> {
        let known: BTreeSet<_> = known.iter().filter_map(|number| CertificateNumber::parse(number)).collect();
        let numbers = Numbers { listed: known.clone(), known };
        let items = items.iter().map(|(prefix, number)| item(prefix, number)).collect();
        match whose(ours.map(Prefix::new).as_ref(), &numbers, items) {
            Whose::Ours { items, .. } | Whose::ReImported { items, .. } => {
                Ok(items.iter().filter_map(|item| item.certificate_num.clone()).collect())
            }
            Whose::Disputed { .. } => Err("disputed"),
            Whose::Unclear(_) => Err("incomplete"),
        }
    }

    #[test]
    fn a_prefix_is_compared_and_shown_in_small_letters() {
        assert_eq!(Prefix::new(" 5D43A8F092AEC74CBF04A163 ").as_str(), "5d43a8f092aec74cbf04a163");
    }

    #[test]
    fn whose_answer_it_is_is_decided_by_prefix_and_numbers() {
        let upper = OURS.to_uppercase();
        let wide = OURS.replace('5', "５");
        for (ours, known, items, expected, why) in [
            (None, &[][..], &[(OURS, "A1"), (OURS, "A2")][..], Ok("A1 A2"), "the first is remembered"),
            (None, &[], &[(OURS, "A1"), (THEIRS, "A2")], Err("disputed"), "several at the first answer"),
            (Some(OURS), &["A1"], &[(OURS, "A1"), (THEIRS, "A2")], Ok("A1"), "others are left out"),
            (
                Some(OURS),
                &["A1"],
                &[(upper.as_str(), "A1"), (wide.as_str(), "A3")],
                Ok("A1 A3"),
                "however it is written",
            ),
            (
                Some(OURS),
                &["A1"],
                &[(OURS, "A2"), (THEIRS, "A1")],
                Err("incomplete"),
                "unless they bear our numbers",
            ),
            (
                Some(OURS),
                &["A1"],
                &[(OURS, "A2"), (THEIRS, "A2")],
                Err("incomplete"),
                "or one of this very answer",
            ),
            (Some(OURS), &["A1", "A2"], &[(THEIRS, "A1"), (THEIRS, "A9")], Ok("A1 A9"), "half: a re-import"),
            (Some(OURS), &["A1", "A2", "A3"], &[(THEIRS, "A1")], Err("disputed"), "less than half"),
            (Some(OURS), &[], &[(THEIRS, "A1")], Err("disputed"), "nothing is known to be borne"),
            (Some(OURS), &["A1"], &[(THEIRS, "A1"), ("5fbb", "A1")], Err("disputed"), "two heirs are none"),
            (
                Some(OURS),
                &["A1"],
                &[(THEIRS, "A1"), ("", "A2")],
                Ok("A1 A2"),
                "unmarked items go with the answer",
            ),
            (Some(OURS), &["A1", "A2"], &[("", "A1")], Ok("A1"), "nobody is named, but the numbers are ours"),
            (Some(OURS), &["A1", "A2"], &[("", "A9")], Err("disputed"), "nobody is named, and they are not"),
            (None, &[], &[(UUID, "A1"), ("=660e8400-x", "A2")], Ok("A1 A2"), "other ids name nobody"),
            (None, &["A1", "A2"], &[(UUID, "A1")], Ok("A1"), "they never did, but the numbers are ours"),
            (None, &["A1", "A2"], &[(UUID, "A9")], Err("disputed"), "they never did, and these are not"),
            (None, &["A1", "A2"], &[(OURS, "A1")], Ok("A1"), "a first prefix that bears what is known"),
            (None, &["A1", "A2"], &[(OURS, "A9")], Err("disputed"), "a first prefix of other numbers"),
            (
                None,
                &["A1", "A2"],
                &[(UUID, "A1"), (UUID, "A2"), (OURS, "A3")],
                Ok("A3 A1 A2"),
                "a first prefix of what is new, beside what is known",
            ),
            (None, &[], &[("=x-A2", "A1"), (OURS, "A3")], Ok("A3 A1"), "an id with another item's number"),
            (Some(OURS), &["A1"], &[(OURS, "A1"), (UUID, "-")], Ok("A1 -"), "an item without a number"),
            (
                Some("550e8400-e29b"),
                &["A1"],
                &[("550e8400-e29b", "A1"), (THEIRS, "A2")],
                Ok("A1"),
                "a prefix with a dash of its own",
            ),
        ] {
            let expected =
                expected.map(|numbers: &str| numbers.split(' ').map(str::to_owned).collect::<Vec<_>>());
            assert_eq!(judged(ours, known, items), expected, "{why}");
        }
    }
}
