//! Laws that hold whatever the answers are.

use std::collections::BTreeSet;

use super::*;

/// Rows as picks out of small tables: number, qualifications, end, issue date.
pub(super) type Picks = Vec<(usize, usize, usize, usize)>;

pub(super) fn picks(rows: std::ops::Range<usize>) -> impl proptest::strategy::Strategy<Value = Picks> {
    proptest::collection::vec((0..4_usize, 0..5_usize, 0..6_usize, 0..3_usize), rows)
}

pub(super) fn rows(picks: &Picks) -> Vec<Shown<'static>> {
    let numbers = ["A141002510", "A241002517", "E141002510", "D141002510"];
    let names = ["建筑甲级", "建筑乙级,市政甲级", "市政乙级", "建筑一级,公路", ""];
    let ends = ["2028-01-01", "2029-01-01", "-", "2026-01-06", "2020-01-01", "长期"];
    let issued = ["2023-01-01", "2024-01-01", "-"];
    let row =
        |pick: &(usize, usize, usize, usize)| (numbers[pick.0], names[pick.1], ends[pick.2], issued[pick.3]);
    picks.iter().map(row).collect()
}

const ENDS: [&str; 6] = ["2028-05-16", "2029-05-16", "2030-05-16", "2031-05-16", "2032-05-16", "2027-05-16"];

/// The same rows as another source would write them.
fn rewritten(rows: &[Shown<'static>]) -> Vec<[String; 4]> {
    let wide = |text: &str| text.replace('-', "/").replace(',', "，\u{3000}");
    let row = |row: &Shown<'_>| {
        let names = wide(row.1).replace("一级", "壹级").replace("公路", "公路不分 等级");
        let end = if row.2.starts_with("20") { wide(row.2) } else { row.2.to_owned() };
        let issued = if row.3.starts_with("20") { format!("{} 00:00:00", row.3) } else { row.3.to_owned() };
        [format!(" {}-6/3", row.0.to_lowercase()), names, end, issued]
    };
    rows.iter().rev().map(row).collect()
}

proptest::proptest! {
    #[test]
    fn the_order_of_items_is_irrelevant(first in picks(1..5), then in picks(0..5)) {
        let (first, then) = (rows(&first), rows(&then));
        let (mut one, mut other) = (Company::with(&first), Company::with(&first.iter().rev().copied().collect::<Vec<_>>()));
        for _ in 0..3 {
            let back: Vec<_> = then.iter().rev().copied().collect();
            proptest::prop_assert_eq!(one.next(&then), other.next(&back));
            proptest::prop_assert_eq!(one.established(), other.established());
        }
    }

    #[test]
    fn a_cosmetic_rewrite_tells_nothing(first in picks(1..5)) {
        let first = rows(&first);
        let mut company = Company::with(&first);
        let rewritten = rewritten(&first);
        let shown: Vec<Shown<'_>> =
            rewritten.iter().map(|[number, names, end, issued]| (number.as_str(), names.as_str(), end.as_str(), issued.as_str())).collect();
        proptest::prop_assert_eq!(company.next(&shown), Vec::<String>::new());
        proptest::prop_assert_eq!(company.snapshot.open_doubts().count(), 0);
    }

    #[test]
    fn a_lie_of_one_look_never_changes_what_is_established(first in picks(1..5), lie in picks(0..5)) {
        // What ended long ago comes and goes in silence, and so is of no account here.
        let lasting = |picks: Picks| -> Picks { picks.into_iter().filter(|pick| pick.2 != 4).collect() };
        let (first, lie) = (rows(&lasting(first)), rows(&lasting(lie)));
        proptest::prop_assume!(!first.is_empty());
        let mut company = Company::with(&first);
        let before = company.established();
        let mut told = if lie.is_empty() { company.next_empty() } else { company.next(&lie) };
        proptest::prop_assert_eq!(company.established(), before.clone());
        for _ in 0..3 {
            told.extend(company.next(&first));
            proptest::prop_assert_eq!(company.established(), before.clone());
        }
        let gains = told.iter().filter(|kind| *kind != "retracted").count();
        proptest::prop_assert!(told.iter().all(|kind| !kind.ends_with("removed") && !kind.ends_with("shortened")), "{:?}", told);
        proptest::prop_assert!(gains == 0 || told.contains(&"retracted".to_owned()), "{:?}", told);
        proptest::prop_assert_eq!(company.snapshot.open_doubts().count(), 0);
    }

    #[test]
    fn whatever_ends_are_told_at_once_each_stays_or_is_taken_back_once(
        looks in proptest::collection::vec((0..ENDS.len(), 0..4_usize), 1..30),
        hours_apart in proptest::sample::select(vec![0, 20]),
    ) {
        let mut company = Company { confirm_after: TimeDelta::hours(hours_apart), ..Company::with(&[E]) };
        let (mut told, mut taken_back) = (BTreeSet::new(), BTreeSet::new());
        let looks = looks.into_iter().map(|(end, pause)| (Some(ENDS[end]), [3, 15, 24, 48][pause]));
        for (shown, hours) in looks.chain([(None, 24); 3]) {
            company.now += TimeDelta::hours(hours);
            let end = shown.unwrap_or(company.ends()[0].as_str()).to_owned();
            let events = company.look(Some(&[(E.0, E.1, end.as_str(), E.3)]));
            let established = company.ends()[0].clone();
            for event in events {
                let end = event.certificate.as_ref().unwrap().valid_until.unwrap().to_string();
                match event.kind().to_string().as_str() {
                    "validity_extended" if end != established => {
                        proptest::prop_assert!(!taken_back.contains(&end), "{} again", end);
                        proptest::prop_assert!(told.insert(end.clone()), "{} twice", end);
                    }
                    "retracted" => {
                        proptest::prop_assert!(told.remove(&end), "{} was not told", end);
                        taken_back.insert(end);
                    }
                    _ => {}
                }
            }
            told.remove(&established);
            taken_back.remove(&established);
        }
        proptest::prop_assert_eq!(told, BTreeSet::new());
    }

    #[test]
    fn whatever_was_seen_the_same_again_settles_in_silence(
        first in proptest::collection::vec((0..4_usize, 0..4_usize, 0..4_usize), 1..5),
        then in proptest::collection::vec((0..4_usize, 0..4_usize, 0..4_usize), 0..5),
    ) {
        let numbers = ["A141002510", "A241002517", "E141002510", "D141002510"];
        let names = ["建筑甲级", "建筑乙级,市政甲级", "市政乙级", "建筑一级,公路"];
        let ends = ["2028-01-01", "2029-01-01", "-", "2026-01-06"];
        let shown = |picks: &[(usize, usize, usize)]| -> Vec<Shown<'static>> {
            picks.iter().map(|(n, q, e)| (numbers[*n], names[*q], ends[*e], "2023-01-01")).collect()
        };
        let (first, then) = (shown(&first), shown(&then));
        let mut company = Company::with(&first);
        let mut last = Vec::new();
        for _ in 0..6 {
            company.now += DAY;
            last = if then.is_empty() { company.look(None) } else { company.look(Some(&then)) };
        }
        proptest::prop_assert_eq!(kinds(&last), Vec::<String>::new());
        proptest::prop_assert_eq!(company.snapshot.open_doubts().count(), 0);
    }

    #[test]
    fn comparing_a_snapshot_with_itself_gives_no_event(picks in proptest::collection::vec(0..4_usize, 1..5)) {
        let all = [A, E, ("B241002517", "工程勘察工程钻探劳务", "2027-08-26", "2022-08-26"), ("X", "", "-", "")];
        let shown: Vec<_> = picks.iter().map(|pick| all[*pick]).collect();
        let mut company = Company::with(&shown);
        proptest::prop_assert_eq!(company.next(&shown), Vec::<String>::new());
    }
}
