//! Snapshots of an older version of the reading, put into today's words.

use proptest::prelude::*;

use super::laws::{picks, rows};
use super::*;
use crate::domain::dates::End;
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
    /// No end could be read.
    WithoutEnds,
    /// Every second qualification was not understood at all.
    WithGaps,
}

const OLDER: [Older; 5] =
    [Older::WithoutSplitting, Older::ByOtherKeys, Older::WithoutGrades, Older::WithoutEnds, Older::WithGaps];

impl Older {
    fn read(self, shown: &[Shown<'_>]) -> BTreeMap<HoldingKey, Holding> {
        let mut read: BTreeMap<HoldingKey, Holding> = BTreeMap::new();
        for shown in shown {
            for holding in read_items(&[item(shown)]).into_values() {
                let holding = self.make(holding, shown);
                let is_past =
                    read.get(&holding.key()).is_some_and(|known| known.last_day() >= holding.last_day());
                if !is_past {
                    read.insert(holding.key(), holding);
                }
            }
        }
        let last = read.len();
        let understood = |(at, _): &(usize, _)| !matches!(self, Self::WithGaps) || at % 2 == 0 || last == 1;
        read.into_iter().enumerate().filter(understood).map(|(_, held)| held).collect()
    }

    fn make(self, mut holding: Holding, shown: &Shown<'_>) -> Holding {
        let qualification = &mut holding.qualification;
        match self {
            Self::WithoutSplitting => {
                shown.1.clone_into(&mut qualification.text);
                shown.1.clone_into(&mut qualification.name);
                qualification.grade = None;
                qualification.key = QualificationKey::stored(shown.1.to_owned());
            }
            Self::ByOtherKeys => {
                qualification.key = QualificationKey::stored(format!("old {}", qualification.key));
            }
            Self::WithoutGrades => {
                qualification.name.clone_from(&qualification.text);
                qualification.grade = None;
                qualification.key = QualificationKey::stored(qualification.text.clone());
            }
            Self::WithoutEnds => holding.end = End::Unreadable,
            Self::WithGaps => {}
        }
        holding
    }
}

impl Company {
    /// One whose answers were understood by an older version until now.
    fn of_an_older_version(older: Older, shown: &[Shown<'_>]) -> Self {
        let mut company = Self::blank();
        company.see(older.read(shown));
        company
    }

    fn see(&mut self, holdings: BTreeMap<HoldingKey, Holding>) -> Vec<String> {
        let comparison = self.compare(&Seen::Holdings(holdings));
        self.snapshot = comparison.after;
        kinds(&comparison.events)
    }

    fn next_of(&mut self, older: Older, shown: &[Shown<'_>]) -> Vec<String> {
        self.now += DAY;
        self.see(older.read(shown))
    }

    /// What happens before the next answer is compared: the last complete one is read again.
    fn reread(&mut self, last: &[Shown<'_>], at: DateTime<Utc>) {
        let shown = read_items(&last.iter().map(item).collect::<Vec<_>>());
        let today = self.now.with_timezone(&chrono_tz::Asia::Shanghai).date_naive();
        self.snapshot = reread(&self.snapshot, Some(Again { shown: &shown, at }), today);
    }

    fn reread_now(&mut self, last: &[Shown<'_>]) {
        self.reread(last, self.now);
    }

    fn holdings(&self) -> BTreeMap<HoldingKey, Holding> {
        self.snapshot.held.iter().map(|(key, held)| (key.clone(), held.holding.clone())).collect()
    }
}

const TWO: Shown<'static> = ("A141002510", "建筑甲级,市政甲级", "2028-01-01", "2023-01-01");
const OTHER: Shown<'static> = ("D141002510", "公路一级", "2029-01-01", "2024-01-01");

proptest! {
    #[test]
    fn what_is_read_again_by_the_same_rules_stays_as_it_is(
        first in picks(1..5),
        looks in proptest::collection::vec(proptest::option::weighted(0.9, picks(0..5)), 0..6),
    ) {
        let first = rows(&first);
        let mut company = Company::with(&first);
        let (mut last, mut at) = (first, company.now);
        for look in looks {
            company.now += DAY;
            let shown = look.map(|look| rows(&look)).filter(|shown| !shown.is_empty());
            company.look(shown.as_deref());
            if let Some(shown) = shown {
                (last, at) = (shown, company.now);
            }
            let before = company.snapshot.clone();
            company.reread(&last, at);
            prop_assert_eq!(&company.snapshot, &before);
        }
    }

    #[test]
    fn whatever_an_older_version_made_of_an_answer_the_next_tells_only_what_changed(
        older in 0..OLDER.len(),
        first in picks(1..5),
        looks in proptest::collection::vec(picks(1..5), 1..5),
    ) {
        let first = rows(&first);
        let mut company = Company::of_an_older_version(OLDER[older], &first);
        company.reread_now(&first);
        let mut always = Company::with(&first);
        prop_assert_eq!(company.holdings(), always.holdings());
        for look in looks {
            let look = rows(&look);
            prop_assert_eq!(company.next_events(&look), always.next_events(&look));
            prop_assert_eq!(company.holdings(), always.holdings());
        }
    }

    #[test]
    fn reading_again_twice_is_reading_again_once(
        older in 0..OLDER.len(),
        first in picks(1..5),
        then in picks(1..5),
    ) {
        let (first, then) = (rows(&first), rows(&then));
        let mut company = Company::of_an_older_version(OLDER[older], &first);
        company.next_of(OLDER[older], &then);
        company.reread_now(&then);
        let once = company.snapshot.clone();
        company.reread_now(&then);
        prop_assert_eq!(&company.snapshot, &once);
    }
}

#[test]
fn a_loss_that_an_older_version_saw_first_is_told_at_the_second_look_and_once() {
    for older in OLDER {
        let mut company = Company::of_an_older_version(older, &[OTHER, TWO]);
        assert_eq!(company.next_of(older, &[OTHER]), [""; 0], "{older:?}");
        company.reread_now(&[OTHER]);
        assert_eq!(company.next(&[OTHER]), ["certificate_removed"], "{older:?}");
        assert_eq!(company.next(&[OTHER]), [""; 0], "{older:?}");
    }
}

#[test]
fn a_gain_that_an_older_version_told_is_not_told_again_and_can_be_taken_back() {
    for older in [Older::WithoutSplitting, Older::ByOtherKeys, Older::WithoutGrades] {
        let mut company = Company::of_an_older_version(older, &[OTHER]);
        assert_eq!(company.next_of(older, &[OTHER, TWO]), ["certificate_added"], "{older:?}");
        company.reread_now(&[OTHER, TWO]);
        let settled = company.snapshot.clone();
        assert_eq!(company.next(&[OTHER, TWO]), [""; 0], "{older:?}: established");
        assert_eq!(company.holdings().len(), 3, "{older:?}");
        company.snapshot = settled;
        assert_eq!(company.next(&[OTHER]), [""; 0], "{older:?}: gone again");
        assert_eq!(company.next(&[OTHER]), ["retracted"], "{older:?}: once");
    }
}

#[test]
fn a_later_end_told_by_an_older_version_is_not_told_again() {
    let later: Shown<'_> = (TWO.0, TWO.1, "2033-01-01", "2028-01-02");
    for older in [Older::WithoutSplitting, Older::ByOtherKeys, Older::WithoutGrades] {
        let mut company = Company::of_an_older_version(older, &[TWO]);
        assert_eq!(company.next_of(older, &[later]), ["renewed"], "{older:?}");
        company.reread_now(&[later]);
        assert_eq!(company.snapshot.doubts.len(), 2, "{older:?}: of both qualifications");
        assert_eq!(company.next(&[later]), [""; 0], "{older:?}");
        assert!(
            company.holdings().values().all(|held| held.last_day() == Some("2033-01-01".parse().unwrap()))
        );
    }
}

#[test]
fn what_was_another_name_to_an_older_version_only_is_no_change_any_more() {
    let respelt: Shown<'_> = (TWO.0, "建筑 甲级，市政甲级", TWO.2, TWO.3);
    let mut company = Company::of_an_older_version(Older::WithoutGrades, &[TWO]);
    assert_eq!(company.next_of(Older::WithoutSplitting, &[respelt]), ["qualification_added"]);
    company.reread_now(&[respelt]);
    assert_eq!(company.snapshot.open_doubts().count(), 0, "{:?}", company.snapshot.doubts);
    assert_eq!(company.next(&[respelt]), [""; 0]);
    assert_eq!(company.next(&[respelt]), [""; 0], "neither removed nor taken back");
}

#[test]
fn an_empty_answer_after_the_last_complete_one_goes_on_counting() {
    for older in OLDER {
        let mut company = Company::of_an_older_version(older, &[OTHER, TWO]);
        let at = company.now;
        for _ in 0..2 {
            company.now += DAY;
            assert_eq!(kinds(&company.look(None)), [""; 0], "{older:?}");
        }
        company.reread(&[OTHER, TWO], at);
        assert_eq!(company.holdings().len(), 3, "{older:?}");
        company.now += DAY;
        assert_eq!(
            kinds(&company.look(None)),
            ["certificate_removed", "certificate_removed"],
            "{older:?}: the third"
        );
    }
}

#[test]
fn without_the_answer_every_holding_is_read_by_itself() {
    for older in [Older::WithoutSplitting, Older::ByOtherKeys, Older::WithoutGrades, Older::WithoutEnds] {
        let mut company = Company::of_an_older_version(older, &[OTHER, TWO]);
        let today = company.now.date_naive();
        company.snapshot = reread(&company.snapshot, None, today);
        assert_eq!(company.holdings(), Company::with(&[OTHER, TWO]).holdings(), "{older:?}");
    }
}
