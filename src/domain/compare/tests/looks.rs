//! Looks: how many agree, how far apart, and what starts the count again.

use super::*;

#[test]
fn the_same_answer_tells_nothing() {
    let mut company = Company::with(&[A, E]);
    assert_eq!(company.next(&[A, E]), NONE);
    assert_eq!(company.next(&[E, A]), NONE, "another order");
    let cosmetic = (A.0, "工程设计市政行业给水工程专业甲级，工程设计建筑行业(建筑工程)甲级", A.2, A.3);
    assert_eq!(company.next(&[cosmetic, E]), NONE, "half-width brackets, reordered names");
    assert_eq!(company.snapshot.open_doubts().count(), 0);
}

#[test]
fn a_formal_numeral_is_the_same_grade() {
    let plain = ("D141002510", "建筑工程施工总承包一级", "2028-08-23", "2023-08-23");
    let mut company = Company::with(&[plain]);
    assert_eq!(company.next(&[("D141002510", "建筑工程施工总承包壹级", "2028-08-23", "2023-08-23")]), NONE);
    assert_eq!(company.snapshot.open_doubts().count(), 0);
}

#[test]
fn a_gone_certificate_is_told_only_after_a_second_agreeing_look() {
    let mut company = Company::with(&[A, E]);
    assert_eq!(company.next(&[A]), NONE, "first look");
    let events = company.next_events(&[A]);
    assert_eq!(kinds(&events), ["certificate_removed"]);
    assert_eq!(events[0].certificate.as_ref().unwrap().number, "E141002510");
    assert!(events[0].notes.contains(&Note::Confirmed { looks: 2 }));
    assert_eq!(events[0].company.as_ref(), Some(&company.keyword));
    assert_eq!(events[0].company_name.as_deref(), Some("河南院"));
    assert_eq!(events[0].last_verified_at, Some(company.now), "this very look");
    assert_eq!(company.next(&[A]), NONE, "told once");
    assert_eq!(company.next(&[A, E]), ["certificate_restored"], "it comes back");
}

#[test]
fn two_looks_within_confirm_after_are_one() {
    let mut company = Company::with(&[A, E]);
    company.now += DAY;
    assert_eq!(kinds(&company.look(Some(&[A]))), NONE);
    company.now += TimeDelta::hours(19);
    assert_eq!(kinds(&company.look(Some(&[A]))), NONE, "19 hours later");
    company.now += TimeDelta::hours(1);
    assert_eq!(kinds(&company.look(Some(&[A]))), ["certificate_removed"], "20 hours later");
}

#[test]
fn a_flapping_certificate_is_never_removed() {
    let mut company = Company::with(&[A, E]);
    for _ in 0..20 {
        assert_eq!(company.next(&[A]), NONE);
        assert_eq!(company.next(&[A, E]), NONE);
    }
}

#[test]
fn an_empty_answer_needs_three_looks() {
    let mut company = Company::with(&[A]);
    assert_eq!(company.next_empty(), NONE);
    assert_eq!(company.next_empty(), NONE, "twice: no removal");
    assert_eq!(company.next(&[A]), NONE, "it was back: the count starts again");
    assert_eq!(company.next_empty(), NONE);
    assert_eq!(company.next_empty(), NONE);
    assert_eq!(company.next_empty(), ["certificate_removed"], "on three days");
}

#[test]
fn an_empty_answer_is_never_a_baseline() {
    let keyword: Keyword = "无此公司".parse().unwrap();
    let zone = chrono_tz::Asia::Shanghai;
    let now: DateTime<Utc> = "2026-01-05T00:00:00Z".parse().unwrap();
    let look = Look::new((&keyword, "无"), now, zone, DAY, Upstream::Trusted);
    let comparison = compare(&Snapshot::default(), &Seen::Nothing, &look);
    assert_eq!((comparison.after.baseline_at, comparison.events.len()), (None, 0));
}

#[test]
fn an_instant_ahead_of_the_clock_counts_as_now() {
    let mut company = Company::with(&[A, E]);
    company.now += TimeDelta::days(30);
    assert_eq!(kinds(&company.look(Some(&[A]))), NONE, "seen by a clock that was a month ahead");
    company.now -= TimeDelta::days(29);
    assert_eq!(kinds(&company.look(Some(&[A]))), NONE, "the clock is right again");
    assert_eq!(company.next(&[A]), ["certificate_removed"], "a day later, not a month");
}

#[test]
fn looks_closer_than_confirm_after_count_once_and_start_nothing_again() {
    let mut company = Company::with(&[A, E]);
    assert_eq!(company.next(&[A]), NONE, "the first look");
    assert_eq!(company.after_hours(10, &[A]), NONE, "too close");
    assert_eq!(company.after_hours(10, &[A]), ["certificate_removed"], "20 hours after the first");
}

#[test]
fn a_disagreeing_look_starts_the_count_again_however_soon_it_comes() {
    let mut company = Company::with(&[A, E]);
    assert_eq!(company.next(&[A]), NONE);
    assert_eq!(company.after_hours(1, &[A, E]), NONE, "it is there after all");
    assert_eq!(company.after_hours(19, &[A]), NONE, "a first look again");
    assert_eq!(company.after_hours(20, &[A]), ["certificate_removed"]);
}

#[test]
fn with_no_distance_asked_for_every_look_counts() {
    let mut company = Company::with(&[A, E]);
    company.confirm_after = TimeDelta::zero();
    assert_eq!(company.after_hours(0, &[A]), NONE);
    assert_eq!(company.after_hours(0, &[A]), ["certificate_removed"]);
}

#[test]
fn one_empty_answer_among_the_looks_makes_them_three() {
    for empty_at in 0..2 {
        let mut company = Company::with(&[A, E]);
        for look in 0..2 {
            let told = if look == empty_at { company.next_empty() } else { company.next(&[A]) };
            assert_eq!(told, NONE, "look {look}, empty at {empty_at}");
        }
        assert_eq!(company.next(&[A]), ["certificate_removed"], "the third, empty at {empty_at}");
        assert_eq!(company.snapshot.certificate(&number(A.0)).count(), 2, "A was there in between");
    }
}

#[test]
fn three_empty_answers_on_one_day_are_one_look() {
    let mut company = Company::with(&[A]);
    assert_eq!(company.next_empty(), NONE);
    for _ in 0..5 {
        company.now += TimeDelta::hours(1);
        assert_eq!(kinds(&company.look(None)), NONE);
    }
}

#[test]
fn the_numbers_of_a_company_are_those_held_or_else_those_that_went_last() {
    let numbers = |company: &Company| {
        let known = company.snapshot.numbers();
        known.known.iter().map(|number| number.text().to_owned()).collect::<Vec<_>>()
    };
    let mut company = Company::with(&[A, E]);
    company.next(&[A]);
    assert_eq!(company.next(&[A]), ["certificate_removed"]);
    assert_eq!(numbers(&company), [A.0]);
    assert_eq!([company.next_empty(), company.next_empty()], [NONE; 2]);
    assert_eq!(company.next_empty(), ["certificate_removed"]);
    assert_eq!(numbers(&company), [A.0], "the other went before");
}

#[test]
fn after_everything_went_what_comes_is_restored_and_no_baseline() {
    let mut company = Company::with(&[A]);
    for _ in 0..2 {
        assert_eq!(company.next_empty(), NONE);
    }
    assert_eq!(company.next_empty(), ["certificate_removed"]);
    assert_eq!(company.next(&[A, E]), ["certificate_restored", "certificate_added"]);
}
