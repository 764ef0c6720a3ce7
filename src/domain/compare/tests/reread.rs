//! Snapshots of an older version of the reading, read again by today's rules.

use proptest::prelude::*;

use super::laws::{picks, rows};
use super::*;
use crate::domain::field::Field;
use crate::domain::holding::Holding;
use crate::domain::qualification::QualificationKey;

/// How an older version may have read the same items.
#[derive(Debug, Clone, Copy)]
enum Older {
    /// Several names in one text were one qualification.
    WithoutSplitting,
    /// Names were compared by other keys.
    ByOtherKeys,
    /// The grade was left in the name.
    WithoutGrades,
}

const OLDER: [Older; 3] = [Older::WithoutSplitting, Older::ByOtherKeys, Older::WithoutGrades];

impl Older {
    fn read(self, shown: &[Shown<'_>]) -> BTreeMap<HoldingKey, Holding> {
        let holdings = shown.iter().flat_map(|shown| {
            let read = read_items(&[item(shown)]).into_values();
            read.map(|holding| self.make(holding, shown)).collect::<Vec<_>>()
        });
        holdings.map(|holding| (holding.key(), holding)).collect()
    }

    fn make(self, mut holding: Holding, shown: &Shown<'_>) -> Holding {
        let qualification = &mut holding.qualification;
        if matches!(self, Self::WithoutSplitting) {
            shown.1.clone_into(&mut qualification.text);
        }
        if !matches!(self, Self::ByOtherKeys) {
            qualification.grade = None;
        }
        qualification.key = QualificationKey::stored(format!("old {}", qualification.text));
        holding
    }
}

impl Company {
    fn see(&mut self, older: Older, shown: &[Shown<'_>]) -> Vec<String> {
        let comparison = self.compare(&Seen::Holdings(older.read(shown)));
        self.snapshot = comparison.after;
        self.now += DAY;
        kinds(&comparison.events)
    }

    /// What happens before the next answer is compared: the last complete one is read again.
    fn reread(&mut self, last: &[Shown<'_>], at: DateTime<Utc>) {
        let shown = read_items(&last.iter().map(item).collect::<Vec<_>>());
        let today = self.now.with_timezone(&chrono_tz::Asia::Shanghai).date_naive();
        self.snapshot = reread(&self.snapshot, &shown, at, today);
    }

    fn holdings(&self) -> BTreeMap<HoldingKey, Holding> {
        self.snapshot.held.iter().map(|(key, held)| (key.clone(), held.holding.clone())).collect()
    }

    fn sees(&mut self, shown: &[Shown<'_>]) -> Vec<String> {
        let told = kinds(&self.look(Some(shown)));
        self.now += DAY;
        told
    }
}

const TWO: Shown<'static> = ("A141002510", "建筑甲级,市政甲级", "2028-01-01", "2023-01-01");
const OTHER: Shown<'static> = ("D141002510", "公路一级", "2029-01-01", "2024-01-01");

proptest! {
    #[test]
    fn read_again_by_the_same_rules_what_is_established_and_told_stays_as_it_is(
        first in picks(1..5),
        looks in proptest::collection::vec(proptest::option::weighted(0.9, picks(0..5)), 0..6),
    ) {
        let first = rows(&first);
        let mut company = Company::with(&first);
        for look in looks {
            company.now += DAY;
            let shown = look.map(|look| rows(&look)).filter(|shown| !shown.is_empty());
            company.look(shown.as_deref());
            if let Some(shown) = shown {
                let mut kept = company.snapshot.clone();
                kept.doubts.retain(|(_, field), doubt| doubt.told_as.is_some() || doubt.retracted || *field == Field::Unsaid);
                company.reread(&shown, company.now);
                prop_assert_eq!(&company.snapshot, &kept);
            }
        }
    }

    #[test]
    fn whatever_an_older_version_made_of_an_answer_the_next_tells_only_what_changed(
        older in 0..OLDER.len(),
        first in picks(1..5),
        looks in proptest::collection::vec(picks(1..5), 1..5),
    ) {
        let first = rows(&first);
        let mut company = Company::blank();
        company.see(OLDER[older], &first);
        company.reread(&first, company.now - DAY);
        let mut always = Company::with(&first);
        prop_assert_eq!(company.holdings(), always.holdings());
        company.now -= DAY;
        for look in looks {
            let look = rows(&look);
            prop_assert_eq!(company.next_events(&look), always.next_events(&look));
            prop_assert_eq!(company.holdings(), always.holdings());
        }
    }
}

#[test]
fn a_loss_that_an_older_version_saw_is_told_once_by_two_looks_of_todays() {
    for older in OLDER {
        let mut company = Company::blank();
        company.see(older, &[OTHER, TWO]);
        assert_eq!(company.see(older, &[OTHER]), NONE, "{older:?}");
        company.reread(&[OTHER], company.now - DAY);
        assert_eq!(company.sees(&[OTHER]), NONE, "{older:?}: it begins anew");
        assert_eq!(company.sees(&[OTHER]), ["certificate_removed"], "{older:?}");
        assert_eq!(company.sees(&[OTHER]), NONE, "{older:?}");
    }
}

#[test]
fn a_gain_that_an_older_version_told_is_not_told_again() {
    let later: Shown<'_> = (TWO.0, TWO.1, "2033-01-01", "2028-01-02");
    for older in OLDER {
        for (before, then, told) in
            [(vec![OTHER], vec![OTHER, TWO], "certificate_added"), (vec![TWO], vec![later], "renewed")]
        {
            let mut company = Company::blank();
            company.see(older, &before);
            assert_eq!(company.see(older, &then), [told], "{older:?}");
            company.reread(&then, company.now - DAY);
            for _ in 0..3 {
                assert_eq!(company.sees(&then), NONE, "{older:?} {told}: established");
            }
            assert_eq!(company.holdings().len(), 2 + usize::from(before == [OTHER]), "{older:?} {told}");
        }
    }
}

#[test]
fn what_an_older_version_told_is_in_doubt_by_todays_keys_until_it_is_held() {
    let twin: Shown<'_> = ("E141002510", "建筑甲级", TWO.2, TWO.3);
    let mut company = Company::blank();
    company.see(Older::ByOtherKeys, &[OTHER]);
    let then = [OTHER, TWO, twin];
    assert_eq!(company.see(Older::ByOtherKeys, &then), ["certificate_added", "certificate_added"]);
    company.reread(&then, company.now - DAY);
    let in_doubt = company.snapshot.doubts.keys().map(|(key, _)| key.clone()).collect::<Vec<_>>();
    let todays = read_items(&[item(&TWO), item(&twin)]).into_keys().collect::<Vec<_>>();
    assert_eq!(in_doubt, todays);

    let later: Shown<'_> = (TWO.0, TWO.1, "2033-01-01", "2028-01-02");
    let mut company = Company::blank();
    company.see(Older::ByOtherKeys, &[TWO]);
    assert_eq!(company.see(Older::ByOtherKeys, &[later]), ["renewed"]);
    company.reread(&[later], company.now - DAY);
    assert_eq!(company.snapshot.doubts.len(), 0, "the later end is held by today's keys");
}

#[test]
fn what_went_stays_gone_if_it_went_after_the_answer_that_is_read_again_and_only_then() {
    let one: Shown<'_> = (TWO.0, "建筑甲级", TWO.2, TWO.3);
    let mut company = Company::blank();
    company.see(Older::ByOtherKeys, &[OTHER, TWO]);
    assert_eq!(company.see(Older::ByOtherKeys, &[OTHER, one]), NONE);
    assert_eq!(company.see(Older::ByOtherKeys, &[OTHER, one]), ["qualification_removed"]);
    let (at, before) = (company.now - DAY, company.snapshot.clone());
    company.reread(&[OTHER, one], at);
    assert_eq!(company.holdings(), Company::with(&[OTHER, one]).holdings(), "what is left, by today's keys");

    company.snapshot = before;
    assert_eq!([company.next_empty(), company.next_empty()], [NONE; 2]);
    assert_eq!(company.next_empty(), ["certificate_removed", "certificate_removed"]);
    company.reread(&[OTHER, one], at);
    assert_eq!(company.holdings().len(), 0, "the answers after it were empty");
}

#[test]
fn a_new_certificate_that_an_older_version_told_can_be_taken_back() {
    let one: Shown<'_> = (TWO.0, "建筑甲级", TWO.2, TWO.3);
    for older in OLDER {
        let mut company = Company::blank();
        company.see(older, &[OTHER]);
        assert_eq!(company.see(older, &[OTHER, one]), ["certificate_added"], "{older:?}");
        company.reread(&[OTHER, one], company.now - DAY);
        assert_eq!(company.sees(&[OTHER]), NONE, "{older:?}: gone again");
        assert_eq!(company.sees(&[OTHER]), ["retracted"], "{older:?}: once");
    }
}

#[test]
fn what_an_empty_answer_after_the_last_complete_one_doubted_begins_anew() {
    for older in OLDER {
        let mut company = Company::blank();
        company.see(older, &[OTHER, TWO]);
        let at = company.now - DAY;
        assert_eq!(kinds(&company.look(None)), NONE);
        company.reread(&[OTHER, TWO], at);
        assert_eq!(company.holdings(), Company::with(&[OTHER, TWO]).holdings(), "{older:?}");
        assert_eq!(company.next_empty(), NONE, "{older:?}");
        assert_eq!(company.next_empty(), NONE, "{older:?}");
        assert_eq!(company.next_empty(), ["certificate_removed", "certificate_removed"], "{older:?}");
    }
}
