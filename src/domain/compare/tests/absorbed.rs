//! Names that a wider qualification absorbs (design 3; domain.md 10, "Cover").

use super::*;

const WIDE: Shown<'_> = ("E141002510", "工程监理综合资质", "2031-05-16", "2026-05-16");
const NARROW: Shown<'_> = (
    "E241002510",
    "工程监理房屋建筑工程专业甲级,工程监理市政公用工程专业乙级,工程监理公路工程专业丙级",
    "2028-05-16",
    "2023-05-16",
);

/// The names that went, and into what.
fn absorbed(event: &Event) -> (Vec<&str>, &str) {
    let News::QualificationAbsorbed(absorbed) = &event.news else { panic!("{event:?}") };
    (absorbed.names.iter().map(|name| name.text.as_str()).collect(), &absorbed.into.name)
}

fn names() -> Vec<&'static str> {
    let mut names: Vec<_> = NARROW.1.split(',').collect();
    names.sort_unstable();
    names
}

#[test]
fn names_that_go_as_a_wider_one_comes_are_one_event_and_no_losses() {
    for (before, after, why) in [
        (vec![A, NARROW], vec![A, WIDE], "under a new number"),
        (
            vec![A, NARROW],
            vec![A, (NARROW.0, WIDE.1, "2028-05-16", "2023-05-16")],
            "in the same certificate, to the same end",
        ),
        (vec![A, NARROW], vec![A, (NARROW.0, WIDE.1, WIDE.2, WIDE.3)], "in the same certificate, renewed"),
    ] {
        let mut company = Company::with(&before);
        assert_eq!(company.next(&after), NONE, "{why}: first look");
        let events = company.next_events(&after);
        let kinds = kinds(&events);
        assert_eq!(kinds.len(), 2, "{why}: {kinds:?}");
        assert!(kinds[0].ends_with("_added"), "{why}: {kinds:?}");
        let (mut went, into) = absorbed(&events[1]);
        went.sort_unstable();
        assert_eq!((went, into), (names(), "工程监理综合资质"), "{why}");
        assert_eq!(company.next(&after), NONE, "{why}");
        assert_eq!(company.snapshot.doubts.len(), 0, "{why}");
    }
}

#[test]
fn names_that_go_while_a_wider_one_is_held_are_absorbed_by_it() {
    for (wide_end, absorbs, why) in [
        ("2031-05-16", true, "it ends later"),
        ("2028-05-16", true, "on the same day"),
        ("2027-05-16", false, "earlier"),
    ] {
        let wide = (WIDE.0, WIDE.1, wide_end, WIDE.3);
        let mut company = Company::with(&[wide, NARROW]);
        assert_eq!(company.next(&[wide]), NONE, "{why}");
        let told = company.next(&[wide]);
        assert_eq!(told, [if absorbs { "qualification_absorbed" } else { "certificate_removed" }], "{why}");
        assert_eq!(company.next(&[wide]), NONE, "{why}");
    }
}

#[test]
fn what_a_later_certificate_holds_by_its_own_name_is_not_absorbed() {
    let later = ("E141000009", NARROW.1, "2033-05-16", "2028-05-16");
    let mut company = Company::with(&[WIDE, NARROW, later]);
    assert_eq!(company.next(&[WIDE, later]), NONE);
    assert_eq!(company.next(&[WIDE, later]), NONE, "it was superseded already");
    company.now += DAY * 3;
    assert_eq!(company.next(&[WIDE]), NONE);
    assert_eq!(
        company.next(&[WIDE]),
        ["certificate_removed"],
        "the later one, which the wider one does not outlive"
    );
}

#[test]
fn what_is_not_covered_is_lost_beside_what_is() {
    let industry = ("A141002510", "工程设计市政行业乙级", "2031-01-01", "2026-01-01");
    let fields = (
        "A241002510",
        "工程设计市政行业给水工程专业乙级,工程设计市政行业道路工程专业甲级,工程设计公路行业公路专业乙级",
        "2028-01-01",
        "2023-01-01",
    );
    let mut company = Company::with(&[industry, fields]);
    assert_eq!(company.next(&[industry]), NONE);
    let events = company.next_events(&[industry]);
    assert_eq!(kinds(&events), ["qualification_absorbed", "certificate_removed"]);
    assert_eq!(absorbed(&events[0]), (vec!["工程设计市政行业给水工程专业乙级"], "工程设计市政行业"));
    assert_eq!(
        events[1].certificate.as_ref().unwrap().qualifications.len(),
        2,
        "a higher grade, and another industry"
    );
}

#[test]
fn a_wider_one_that_is_going_itself_absorbs_nothing() {
    let mut company = Company::with(&[A, WIDE, NARROW]);
    assert_eq!(company.next(&[A]), NONE);
    assert_eq!(company.next(&[A]), ["certificate_removed"; 2]);
}

#[test]
fn a_wider_one_that_may_be_going_absorbs_nothing() {
    let mut company = Company::with(&[A, WIDE, NARROW]);
    assert_eq!(company.next(&[A, WIDE]), NONE);
    assert_eq!(company.next(&[A]), NONE, "the wider one has been missing once");
    assert_eq!(company.next(&[A]), ["certificate_removed"; 2]);
}

#[test]
fn what_a_wider_one_covers_raises_no_threshold_and_replaces_nothing() {
    let mut company = Company::with(&[NARROW]);
    assert_eq!(company.next(&[NARROW, WIDE]), ["certificate_added"], "the other stays as it is");
    assert_eq!(company.next(&[NARROW, WIDE]), NONE);
    let narrow = number(NARROW.0);
    let held: Vec<_> = company.snapshot.certificate(&narrow).map(|held| &held.holding).collect();
    assert!(company.snapshot.is_superseded(held));
}

#[test]
fn a_wider_one_at_a_lower_grade_is_named_beside_the_loss() {
    let narrow = ("A141000001", "工程设计市政行业桥梁工程专业甲级", "2028-05-16", "2023-05-16");
    for (wide, is_named, why) in [
        (("A241000002", "工程设计市政行业乙级", "2031-05-16", "2026-05-16"), true, "lower"),
        (("A241000002", "工程设计市政行业乙级", "2025-12-01", "2020-12-01"), false, "ended"),
        (("A241000002", "工程设计公路行业乙级", "2031-05-16", "2026-05-16"), false, "another industry"),
    ] {
        let mut company = Company::with(&[A, narrow, wide]);
        assert_eq!(company.next(&[A, wide]), NONE, "{why}");
        let events = company.next_events(&[A, wide]);
        assert_eq!(kinds(&events), ["certificate_removed"], "{why}");
        let named = events[0].notes.iter().any(|note| {
            matches!(note, Note::HeldElsewhere(place) if place.number == wide.0
                && place.wider_than.as_ref().is_some_and(|named| named.text == narrow.1))
        });
        assert_eq!(named, is_named, "{why}: {:?}", events[0].notes);
    }
}
