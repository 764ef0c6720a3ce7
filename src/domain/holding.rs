//! Holdings: one qualification in one certificate, the unit of comparison (design 1).

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::hash::{Hash, Hasher};

use chrono::{NaiveDate, TimeDelta};
use serde::{Deserialize, Serialize};

use super::dates::{self, End};
use super::event::{CertificateFacts, NamedQualification};
use super::filing::Duty;
use super::grade;
use super::number::{CertificateNumber, Family};
use super::observation::Item;
use super::qualification::{self, Qualification, QualificationKey};
use super::text::displayable;

/// What raises nothing any more once it has been over for longer than this (design 3, "Ends").
const HISTORICAL_AFTER: TimeDelta = TimeDelta::days(180);

/// The first last day that is no history yet on `today`. What ended before it ended so long ago that it raises nothing any more, nor
/// does its going or coming.
#[must_use]
pub fn history_begins(today: NaiveDate) -> NaiveDate {
    today.checked_sub_signed(HISTORICAL_AFTER).unwrap_or(NaiveDate::MIN)
}

/// Names a holding within a company: comparison pairs by it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct HoldingKey {
    /// The certificate.
    pub number: CertificateNumber,
    /// The qualification, without its grade.
    pub qualification: QualificationKey,
}

/// One qualification in one certificate, with what its item states.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Holding {
    /// The certificate.
    pub number: CertificateNumber,
    /// The qualification and its grade.
    pub qualification: Qualification,
    /// The end of validity as it was read.
    pub end: End,
    /// The registry's own text of the end.
    pub end_text: String,
    /// The issue date, where it could be read.
    pub issued: Option<NaiveDate>,
    /// 发证机关.
    pub organ: String,
    /// 资质类别.
    pub kind: String,
    /// 资格id.
    pub business_id: String,
    /// Where the answer showed it.
    #[serde(default)]
    pub place: Position,
}

/// Where a qualification stood among those of its answer: the registry puts the main one (主项) first, and so do mails. An answer in
/// another order says nothing new, so all places are equal.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(pub u16);

impl PartialEq for Position {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Position {}

impl Hash for Position {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

impl Holding {
    /// What pairs this holding with another look at it.
    #[must_use]
    pub fn key(&self) -> HoldingKey {
        HoldingKey { number: self.number.clone(), qualification: self.qualification.key.clone() }
    }

    /// The last day of validity, where it is a day.
    #[must_use]
    pub fn last_day(&self) -> Option<NaiveDate> {
        match self.end {
            End::Day(day) => Some(day),
            _ => None,
        }
    }

    /// Whether its item states two ends and not which of them holds: then the earlier is judged.
    #[must_use]
    pub fn states_two_ends(&self) -> bool {
        self.last_day().is_some() && dates::states_two_ends(&self.end_text)
    }

    /// Whether it is a registration of 施工劳务 (备案) that is stated to be without an end, which is lawful there.
    #[must_use]
    pub fn is_endless_registration(&self) -> bool {
        dates::read_end(Some(&self.end_text)) == End::Endless
            && qualification::is_labour(&self.qualification.name)
    }

    /// Whether an abolished grade of `old` was exchanged for this one (换领).
    #[must_use]
    pub fn is_exchange_of(&self, old: &Self) -> bool {
        let grades = [old, self].map(|holding| holding.qualification.grade.as_ref());
        let is_new_validity = self.number != old.number || self.last_day() != old.last_day();
        is_new_validity && grade::is_exchanged(self.family(), grades, (self.issued, self.last_day()))
    }

    /// Whether it ended so long ago that it raises nothing any more.
    #[must_use]
    pub fn is_historical(&self, today: NaiveDate) -> bool {
        self.last_day().is_some_and(|end| end < history_begins(today))
    }

    /// Whether its last valid day is today or lies behind.
    #[must_use]
    pub fn has_reached_its_end(&self, today: NaiveDate) -> bool {
        self.last_day().is_some_and(|end| today >= end)
    }

    /// The family of its certificate.
    #[must_use]
    pub fn family(&self) -> Family {
        Family::of(&self.number, &self.kind)
    }
}

/// Reads the items of one company into its holdings. Of several items with the same key the one with the latest end is
/// the holding, the others are its past (design 3, "Pairs"). Items without a number are kept aside ([`unnumbered`]).
#[must_use]
pub fn read_items(items: &[Item]) -> BTreeMap<HoldingKey, Holding> {
    let mut holdings: BTreeMap<HoldingKey, Holding> = BTreeMap::new();
    let mut place = 0;
    for item in items {
        for holding in read_item(item).unwrap_or_default() {
            let key = holding.key();
            let holding = Holding { place: Position(place), ..holding };
            place = place.saturating_add(1);
            match holdings.entry(key) {
                Entry::Occupied(other) if recency(other.get()) >= recency(&holding) => {}
                Entry::Occupied(mut other) => {
                    other.insert(holding);
                }
                Entry::Vacant(free) => {
                    free.insert(holding);
                }
            }
        }
    }
    holdings
}

/// The items without a certificate number. Whose certificate they are of cannot be said, so they are compared with nothing; they
/// count for completeness all the same.
pub fn unnumbered(items: &[Item]) -> impl Iterator<Item = &Item> {
    items.iter().filter(|item| number_of(item).is_none())
}

/// Orders items of one key: a readable end before none, the later end before the earlier, the later issue before the
/// earlier, the higher grade before the lower. The rest only makes the order of the items irrelevant.
fn recency(holding: &Holding) -> impl Ord + '_ {
    let grade = holding.qualification.grade.as_ref();
    let texts =
        [&holding.qualification.text, &holding.end_text, &holding.organ, &holding.kind, &holding.business_id];
    (holding.last_day(), holding.issued, grade.map(qualification::Grade::height), texts)
}

/// `None` when the item has no number.
fn read_item(item: &Item) -> Option<Vec<Holding>> {
    let number = number_of(item)?;
    let mut qualifications = qualification::split(item.qualification_name.as_deref().unwrap_or_default());
    if qualifications.is_empty() {
        // A certificate without a readable qualification is still watched for its end.
        qualifications.push(Qualification::unnamed());
    }
    let shown = |text: &Option<String>| displayable(text.as_deref().unwrap_or_default());
    let certificate = Holding {
        number,
        qualification: Qualification::unnamed(),
        end: dates::read_end(item.effective_time.as_deref()),
        end_text: shown(&item.effective_time),
        issued: dates::read_issue_day(item.issuing_certificate_time.as_deref()),
        organ: shown(&item.organ),
        kind: shown(&item.kind),
        business_id: shown(&item.business_id),
        place: Position::default(),
    };
    let holding = |qualification| Holding { qualification, ..certificate.clone() };
    Some(qualifications.into_iter().map(holding).collect())
}

/// The certificate number of an item: its own field, else that of its 资格id.
pub fn number_of(item: &Item) -> Option<CertificateNumber> {
    let own = item.certificate_num.as_deref().and_then(CertificateNumber::stated);
    own.or_else(|| CertificateNumber::in_business_id(item.business_id.as_deref()?))
}

/// The facts that words need of the certificate that `holdings` share. All must have one number and one end; empty input
/// gives `None`.
pub fn facts<'a>(holdings: impl IntoIterator<Item = &'a Holding>) -> Option<CertificateFacts> {
    let holdings = in_order(holdings);
    let first = holdings.first()?;
    let valid_until = first.last_day();
    let family = first.family();
    let mut facts = CertificateFacts {
        number: first.number.text().to_owned(),
        family,
        kind: first.kind.clone(),
        organ: first.organ.clone(),
        issued_on: first.issued,
        valid_until,
        valid_until_text: first.end_text.clone(),
        filing_day: None,
        qualifications: Vec::new(),
    };
    let held = holdings.into_iter().filter(|holding| holding.qualification.is_named());
    facts.qualifications.extend(held.map(named));
    facts.filing_day = facts.duty().and_then(Duty::filing_day);
    Some(facts)
}

/// One group for each (number, end, issue date), by end, then number; what has no readable end comes last.
pub(super) fn by_certificate<'a>(holdings: impl IntoIterator<Item = &'a Holding>) -> Vec<Vec<&'a Holding>> {
    let mut groups: BTreeMap<_, Vec<&Holding>> = BTreeMap::new();
    for holding in holdings {
        let end = holding.last_day();
        // A day is a day however it is written; other ends are told apart by their texts.
        let text = end.is_none().then_some(&holding.end_text);
        groups.entry((end.is_none(), end, &holding.number, text, holding.issued)).or_default().push(holding);
    }
    groups.into_values().collect()
}

/// As the registry lists them.
pub(super) fn in_order<'a>(holdings: impl IntoIterator<Item = &'a Holding>) -> Vec<&'a Holding> {
    let mut holdings: Vec<&Holding> = holdings.into_iter().collect();
    holdings.sort_by_key(|holding| holding.place.0);
    holdings
}

/// A holding's qualification as words need it.
#[must_use]
pub fn named(holding: &Holding) -> NamedQualification {
    NamedQualification {
        text: displayable(&holding.qualification.text),
        name: displayable(&holding.qualification.name),
        grade: holding.qualification.grade.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn history_ends_180_days_ago() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        assert_eq!(history_begins(day("2026-07-24")), day("2026-01-25"));
        let ending = |number: &str, end: &str| Item {
            certificate_num: Some(number.into()),
            effective_time: Some(end.into()),
            ..Item::default()
        };
        let holdings = read_items(&[ending("D1", "2026-01-24"), ending("D2", "2026-01-25")]);
        let historical: Vec<_> = holdings.values().map(|one| one.is_historical(day("2026-07-24"))).collect();
        assert_eq!(historical, [true, false]);
    }

    #[test]
    fn items_without_a_number_are_kept_aside() {
        let item = |number: &str| Item { certificate_num: Some(number.into()), ..Item::default() };
        let items = [item("D241000018"), item("-"), item("D341000018"), Item::default()];
        assert_eq!(unnumbered(&items).collect::<Vec<_>>(), [&items[1], &items[3]]);
        assert_eq!(read_items(&items).len(), 2);
    }
}
