//! What a doubt is called before it is established: the kind of the event that it becomes.

use super::*;
use crate::domain::snapshot::Difference;

/// The kinds of what is in doubt, each once, as `check` shows them.
fn in_doubt(company: &Company) -> Vec<String> {
    let snapshot = &company.snapshot;
    let mut kinds: Vec<String> = Vec::new();
    for (key, _, doubt) in snapshot.open_doubts() {
        let kind = format!("{} {}", key.number.text(), snapshot.change_of(key, doubt).as_str());
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    kinds
}

const TWO: Shown<'_> = ("D1", "建筑工程施工总承包二级,公路工程施工总承包二级", "2028-08-23", "2023-08-23");
const ONE: Shown<'_> = ("D1", "建筑工程施工总承包二级", "2028-08-23", "2023-08-23");
const RENEWED: Shown<'_> =
    ("D1", "建筑工程施工总承包二级,公路工程施工总承包二级", "2033-08-23", "2028-08-01");
/// The same with one qualification that ends on the second day.
const ENDING: Shown<'_> = ("D1", "公路工程施工总承包二级", "2026-01-06", "2021-01-06");
const REPLACED: Shown<'_> = ("D1", "桥梁工程专业承包二级", "2028-08-23", "2023-08-23");

#[test]
fn a_doubt_is_called_what_it_becomes() {
    type Looks<'a> = &'a [Option<&'a [Shown<'a>]>];
    let table: &[(Looks<'_>, &[&str], &str)] = &[
        (&[Some(&[TWO, E]), Some(&[E])], &["D1 certificate_removed"], "all of it, one line"),
        (&[Some(&[TWO, E]), Some(&[ONE, E])], &["D1 qualification_removed"], "a part: the rest is shown"),
        (&[Some(&[TWO]), None], &["D1 certificate_removed"], "nothing is shown"),
        (
            &[Some(&[ONE, ENDING, E]), Some(&[E])],
            &["D1 certificate_removed"],
            "the other part went on its end day, and is judged on: but it is shown no more",
        ),
        (&[Some(&[ONE, ENDING]), None], &["D1 certificate_removed"], "the same without any item"),
        (
            &[Some(&[TWO, E]), Some(&[ONE, E]), Some(&[E])],
            &["D1 certificate_removed"],
            "a part is gone already",
        ),
        (
            &[Some(&[TWO, E]), Some(&[RENEWED, E]), Some(&[E])],
            &["D1 renewed", "D1 certificate_removed"],
            "what was told of its ends waits to be taken back beside that",
        ),
        (
            &[Some(&[TWO, E]), Some(&[REPLACED, E])],
            &["D1 qualification_added", "D1 qualification_removed"],
            "another qualification in their place: the certificate stays",
        ),
        (&[Some(&[E]), Some(&[E, TWO])], &["D1 certificate_added"], "a new one"),
        (&[Some(&[E, ONE]), Some(&[E, TWO])], &["D1 qualification_added"], "more in one that is held"),
        (
            &[Some(&[TWO, E]), Some(&[E]), Some(&[E]), Some(&[TWO, E])],
            &["D1 certificate_restored"],
            "as it was told",
        ),
    ];
    for (looks, expected, why) in table {
        let mut company = Company::blank();
        for shown in *looks {
            company.look(*shown);
            company.now += DAY;
        }
        let mut found = in_doubt(&company);
        found.sort();
        let mut expected: Vec<&str> = expected.to_vec();
        expected.sort_unstable();
        assert_eq!(found, expected, "{why}");

        // The same answer again and again: each loss becomes the event that it was called.
        let called: Vec<String> = found.iter().filter(|kind| kind.ends_with("removed")).cloned().collect();
        let mut told: Vec<String> = Vec::new();
        for _ in 0..4 {
            let events = company.look(*looks.last().unwrap());
            company.now += DAY;
            let lost = events.into_iter().filter(|event| event.kind().to_string().ends_with("_removed"));
            told.extend(
                lost.map(|event| format!("{} {}", event.certificate.as_ref().unwrap().number, event.kind())),
            );
        }
        told.sort();
        told.dedup();
        assert_eq!(told, called, "{why}");
        let losses = company.snapshot.open_doubts().any(|(_, _, doubt)| doubt.difference == Difference::Gone);
        assert!(!losses, "{why}: established by now");
    }
}
