//! A reader who has read every mail believes what is established (design.md, its principles): what was told and is no longer so
//! is corrected, and what is established and was never told, or was taken back, is told.

use super::*;
use crate::domain::field::Difference;

const X: Shown<'_> = ("A141002510", "工程设计建筑行业（建筑工程）甲级", "2029-08-23", "2024-08-23");
const Y: Shown<'_> = ("D241000001", "建筑工程施工总承包二级", "2030-01-01", "2025-01-01");
const BOTH_OF_Y: Shown<'_> = (Y.0, "建筑工程施工总承包二级,公路工程施工总承包二级", Y.2, Y.3);

/// Kind and the qualifications it names, as a reader sees it.
fn read(events: &[Event]) -> Vec<String> {
    let names = |event: &Event| match (event.qualification(), &event.certificate) {
        (Some(one), _) => one.to_owned(),
        (None, Some(facts)) => {
            facts.qualifications.iter().map(|one| one.text.as_str()).collect::<Vec<_>>().join(" ")
        }
        (None, None) => String::new(),
    };
    events.iter().map(|event| format!("{} {}", event.kind(), names(event))).collect()
}

#[test]
fn what_was_told_with_a_certificate_of_which_part_was_taken_back_is_told_when_it_is_certain() {
    let mut company = Company::with(&[X]);
    assert_eq!(company.next(&[X, BOTH_OF_Y]), ["certificate_added"]);
    assert_eq!(company.after_hours(3, &[X, Y]), NONE, "one of the two is not shown");
    company.now += TimeDelta::hours(21);
    let events = company.look(Some(&[X]));
    assert_eq!(read(&events), ["retracted 公路工程施工总承包二级"], "of the other it is the first look");
    assert_eq!(company.next(&[X, Y]), NONE);
    let events = company.next_events(&[X, Y]);
    assert_eq!(read(&events), ["certificate_added 建筑工程施工总承包二级"]);
    assert_eq!(company.next(&[X, Y]), NONE);
    assert_eq!(company.snapshot.open_doubts().count(), 0);
}

#[test]
fn a_sister_that_is_shown_all_the_time_stays_told() {
    let mut company = Company::with(&[X]);
    assert_eq!(company.next(&[X, BOTH_OF_Y]), ["certificate_added"]);
    assert_eq!(company.next(&[X, Y]), NONE);
    let events = company.next_events(&[X, Y]);
    assert_eq!(read(&events), ["retracted 公路工程施工总承包二级"]);
    for _ in 0..3 {
        assert_eq!(company.next(&[X, Y]), NONE, "told once, and never taken back");
    }
}

#[test]
fn sisters_that_go_one_look_apart_are_taken_back_one_by_one() {
    let mut company = Company::with(&[X]);
    assert_eq!(company.next(&[X, BOTH_OF_Y]), ["certificate_added"]);
    assert_eq!(company.next(&[X, Y]), NONE);
    let events = company.next_events(&[X]);
    assert_eq!(read(&events), ["retracted 公路工程施工总承包二级"]);
    assert_eq!(company.next(&[X]), ["certificate_removed"], "this one was established");
    assert_eq!(company.next(&[X, BOTH_OF_Y]), NONE, "part of it was taken back: told when established");
    assert_eq!(company.next(&[X, BOTH_OF_Y]), ["certificate_restored"]);
}

#[test]
fn a_certificate_that_was_taken_back_and_comes_with_other_names_waits_too() {
    let other = (Y.0, "桥梁工程专业承包二级", Y.2, Y.3);
    let mut company = Company::with(&[X]);
    assert_eq!(company.next(&[X, Y]), ["certificate_added"]);
    assert_eq!(company.next(&[X]), NONE);
    assert_eq!(company.next(&[X]), ["retracted"]);
    assert_eq!(company.next(&[X, other]), NONE);
    assert_eq!(company.next(&[X, other]), ["certificate_added"]);
}

const LOW: Shown<'_> = ("D241000001", "建筑工程施工总承包二级", "2029-01-01", "2024-01-01");
const HIGH: Shown<'_> = ("D141000002", "建筑工程施工总承包一级", "2032-01-01", "2027-01-01");

#[test]
fn when_a_cover_goes_after_what_it_covered_both_are_told() {
    let mut company = Company::with(&[X, LOW, HIGH]);
    assert_eq!(company.next(&[X, HIGH]), NONE);
    for look in 0..2 {
        assert_eq!(company.next_empty(), NONE, "{look}");
    }
    let events = company.next_events(&[X]);
    let told = read(&events);
    assert_eq!(
        told,
        ["certificate_removed 建筑工程施工总承包一级", "certificate_removed 建筑工程施工总承包二级"]
    );
    assert_eq!(company.next(&[X]), NONE);
    assert_eq!(company.snapshot.doubts.len(), 0);
}

#[test]
fn of_all_that_an_empty_answer_takes_everything_is_told() {
    let mut company = Company::with(&[LOW, HIGH]);
    assert_eq!(company.next(&[HIGH]), NONE);
    assert_eq!(company.next_empty(), NONE);
    assert_eq!(company.next_empty(), NONE, "the lower: its cover is in doubt, and not gone yet");
    assert_eq!(company.next_empty(), ["certificate_removed"; 2]);
}

#[test]
fn a_cover_that_goes_weeks_later_takes_what_it_covered_along_and_one_that_goes_later_still_does_not() {
    for (weeks, told) in [(1, 2), (4, 2), (5, 1), (52, 1)] {
        let mut company = Company::with(&[X, LOW, HIGH]);
        assert_eq!(company.next(&[X, HIGH]), NONE);
        assert_eq!(company.next(&[X, HIGH]), NONE, "superseded: its going is not told");
        company.now += TimeDelta::weeks(weeks) - DAY;
        assert_eq!(company.next(&[X, HIGH]), NONE);
        assert_eq!(company.next(&[X]), NONE);
        assert_eq!(company.next(&[X]).len(), told, "{weeks} weeks later");
        assert_eq!(company.snapshot.doubts.len(), 0);
    }
}

#[test]
fn a_cover_that_is_lowered_or_shortened_covers_no_more() {
    let lowered = (HIGH.0, "建筑工程施工总承包三级", HIGH.2, HIGH.3);
    let shortened = (HIGH.0, HIGH.1, "2028-06-01", HIGH.3);
    for (instead, kind) in [(lowered, "grade_lowered"), (shortened, "validity_shortened")] {
        let mut company = Company::with(&[X, LOW, HIGH]);
        company.next(&[X, HIGH]);
        assert_eq!(company.next(&[X, HIGH]), NONE);
        assert_eq!(company.next(&[X, instead]), NONE);
        assert_eq!(company.next(&[X, instead]), [kind, "certificate_removed"]);
    }
}

#[test]
fn a_cover_that_only_flickers_tells_nothing() {
    let mut company = Company::with(&[X, LOW, HIGH]);
    company.next(&[X, HIGH]);
    company.next(&[X, HIGH]);
    for _ in 0..20 {
        assert_eq!(company.next(&[X]), NONE);
        assert_eq!(company.next(&[X, HIGH]), NONE);
    }
}

#[test]
fn what_went_without_a_word_and_comes_back_may_go_again() {
    let mut company = Company::with(&[X, LOW, HIGH]);
    company.next(&[X, HIGH]);
    assert_eq!(company.next(&[X, HIGH]), NONE);
    assert_eq!(company.next(&[X, HIGH, LOW]), ["certificate_restored"]);
    assert_eq!(company.next(&[X, HIGH, LOW]), NONE);
    assert_eq!(company.next(&[X, LOW]), NONE);
    assert_eq!(company.next(&[X, LOW]), ["certificate_removed"], "the cover alone");
}

fn renewed_to<'a>(names: &'a str, end: &'a str) -> Shown<'a> {
    (X.0, names, end, "2026-01-01")
}

#[test]
fn a_later_end_that_was_taken_back_waits_whatever_comes_between() {
    let more = "工程设计建筑行业（建筑工程）甲级,工程设计市政行业给水工程专业甲级";
    let taken_back = || {
        let mut company = Company::with(&[X]);
        assert_eq!(company.next(&[renewed_to(X.1, "2034-08-23")]), ["renewed"]);
        assert_eq!(company.next(&[X]), NONE);
        assert_eq!(company.next(&[X]), ["retracted"]);
        company
    };
    let mut company = taken_back();
    assert_eq!(company.next(&[(X.0, more, X.2, X.3)]), ["qualification_added"]);
    assert_eq!(company.next(&[(X.0, more, X.2, X.3)]), NONE, "established");
    assert_eq!(company.next(&[renewed_to(more, "2034-08-23")]), NONE, "a new sister has it now, too");
    assert_eq!(company.next(&[renewed_to(more, "2034-08-23")]), ["renewed"]);

    let mut company = taken_back();
    for year in 2040..2060 {
        let end = format!("{year}-08-23");
        assert_eq!(company.next(&[renewed_to(X.1, &end)]), NONE, "{year}: seen once");
    }
    assert_eq!(company.next(&[renewed_to(X.1, "2034-08-23")]), NONE, "however many others came between");

    let mut company = taken_back();
    company.next(&[E]);
    assert_eq!(company.next(&[E]), ["certificate_added", "certificate_removed"]);
    assert_eq!(company.next(&[E, X]), ["certificate_restored"]);
    assert_eq!(company.next(&[E, X]), NONE);
    assert_eq!(company.next(&[E, renewed_to(X.1, "2034-08-23")]), NONE, "the certificate went, and is back");
}

#[test]
fn a_gain_beside_something_that_goes_waits_for_its_second_look() {
    let renamed = (X.0, "工程设计建筑行业（建筑工程设计）甲级", X.2, X.3);
    let later = (E.0, E.1, "2033-05-16", "2028-05-16");
    for (before, then, told, why) in [
        (vec![X], vec![renamed], vec!["qualification_added", "qualification_removed"], "a rewritten name"),
        (vec![X, E], vec![later], vec!["renewed", "certificate_removed"], "elsewhere in the company"),
        (vec![X, E], vec![E, Y], vec!["certificate_added", "certificate_removed"], "another certificate"),
    ] {
        let mut company = Company::with(&before);
        assert_eq!(company.next(&then), NONE, "{why}");
        assert_eq!(company.next(&before), NONE, "{why}: a slip, of which nobody hears");
        assert_eq!(company.next(&then), NONE, "{why}");
        assert_eq!(company.next(&then), told, "{why}: gains first");
    }
}

#[test]
fn while_many_companies_lose_something_no_gain_is_told_at_its_first_look() {
    let mut company = Company::with(&[X]);
    company.upstream = Upstream::InQuestion;
    assert_eq!(company.next(&[X, E]), NONE);
    assert_eq!(company.next(&[X, E]), ["certificate_added"]);
}

#[test]
fn what_comes_beside_a_loss_of_a_mass_is_told_when_that_is() {
    let renamed = (X.0, "工程设计建筑行业（建筑工程设计）甲级", X.2, X.3);
    let mut company = Company::with(&[X]);
    assert_eq!(company.next(&[renamed]), NONE);
    for doubt in company.snapshot.doubts.values_mut().filter(|doubt| doubt.difference == Difference::Gone) {
        (doubt.mass, doubt.looks_needed) = (true, LOOKS_NEEDED_MASS);
    }
    assert_eq!(company.next(&[renamed]), NONE);
    assert_eq!(company.next(&[renamed]), NONE);
    assert_eq!(company.next(&[renamed]), ["qualification_added", "qualification_removed"]);
}
