//! Ends of validity and issue dates.

use super::*;

#[test]
fn what_goes_on_its_end_day_is_not_removed() {
    let ending = ("E141002510", "工程监理房屋建筑工程专业甲级", "2026-01-07", "2021-01-07");
    let mut company = Company::with(&[A, ending]);
    assert_eq!(company.next(&[A, ending]), NONE, "2026-01-06");
    assert_eq!(company.next(&[A]), NONE, "2026-01-07, its last day");
    for _ in 0..5 {
        assert_eq!(company.next(&[A]), NONE);
    }
    assert!(company.snapshot.certificate(&number("E141002510")).all(|held| held.unlisted_since.is_some()));
    let renewed = ("E141002510", "工程监理房屋建筑工程专业甲级", "2031-01-06", "2026-01-07");
    assert_eq!(company.next(&[A, renewed]), ["renewed"], "back with a later end");
}

#[test]
fn an_unreadable_end_never_replaces_a_readable_one() {
    let mut company = Company::with(&[A]);
    for end in ["-", "长期", "", "2099-12-31", "见附件"] {
        assert_eq!(company.next(&[(A.0, A.1, end, A.3)]), NONE, "{end:?}");
    }
    assert!(company.snapshot.held.values().all(|held| held.holding.last_day().is_some()));
}

#[test]
fn where_no_end_could_ever_be_read_it_is_shown_as_it_is_written_now() {
    let end = |text| (A.0, A.1, text, A.3);
    let mut company = Company::with(&[end("见附件")]);
    assert_eq!(company.next(&[end("以证书为准")]), NONE);
    let texts: Vec<_> = company.snapshot.held.values().map(|held| held.holding.end_text.as_str()).collect();
    assert_eq!(texts, ["以证书为准"; 2]);
}

#[test]
fn an_earlier_end_is_told_when_established() {
    let shortened = (A.0, A.1, "2027-08-23", A.3);
    let mut company = Company::with(&[A]);
    assert_eq!(company.next(&[shortened]), NONE);
    assert_eq!(company.next(&[shortened]), ["validity_shortened"]);
}

#[test]
fn an_end_that_comes_a_day_before_its_issue_date_is_renewed() {
    let (early, whole) = ((A.0, A.1, "2031-08-22", A.3), (A.0, A.1, "2031-08-22", "2026-01-06"));
    let lost = ("D341000001", "建筑工程施工总承包三级", "2029-01-01", "2024-01-01");
    let mut company = Company::with(&[A, lost]);
    assert_eq!(company.next(&[early]), NONE, "a gain beside a loss waits");
    let events = company.next_events(&[whole]);
    assert_eq!(kinds(&events), ["renewed", "certificate_removed"]);
    assert_eq!(company.next(&[whole]), NONE, "the issue date came with the end");
}

/// Taken back as renewed, another end established with its issue date: seen anew, the first is that one extended.
#[test]
fn an_end_that_is_seen_anew_is_told_over_what_is_known_by_then() {
    let known = (E.0, E.1, "2028-08-16", "2023-08-17");
    let renewed = (E.0, E.1, "2033-08-16", "2026-01-05");
    let earlier = (E.0, E.1, "2033-05-08", "2026-01-05");
    let mut company = Company::with(&[A, known]);
    assert_eq!(company.next(&[A, renewed]), ["renewed"]);
    assert_eq!(company.next(&[A, earlier]), NONE);
    assert_eq!(company.next(&[A, earlier]), ["renewed", "retracted"]);
    assert_eq!(company.next(&[A, renewed]), NONE, "what was taken back is not told at a first look");
    assert_eq!(company.next(&[A, renewed]), ["validity_extended"]);
    assert_eq!(company.next(&[A, renewed]), NONE);
}

#[test]
fn two_ends_with_no_word_replace_only_what_was_as_unclear() {
    let clear = (E.0, E.1, "2028-05-16", E.3);
    let unclear = (E.0, E.1, "2026-05-16,2028-05-16", E.3);
    let later = (E.0, E.1, "2027-05-16,2029-05-16", E.3);
    let mut company = Company::with(&[A, clear]);
    for _ in 0..3 {
        assert_eq!(company.next(&[A, unclear]), NONE, "it was clear");
    }
    let mut company = Company::with(&[A, unclear]);
    assert_eq!(company.next(&[A, later]), ["validity_extended"], "the earlier of each counts");
}

#[test]
fn an_issue_date_that_moved_alone_is_a_reissue() {
    let reissued = (A.0, A.1, A.2, "2024-01-01");
    let mut company = Company::with(&[A]);
    assert_eq!(company.next(&[reissued]), NONE);
    let events = company.next_events(&[reissued]);
    assert_eq!(kinds(&events), ["reissued"]);
    assert_eq!(old_and_new(&events[0]), ["2023-08-23", "2024-01-01"]);
}

#[test]
fn an_issue_date_that_moved_with_a_grade_is_not_told() {
    let low = ("A241002517", "工程设计风景园林工程专项乙级", "2028-08-23", "2023-08-23");
    let high = ("A241002517", "工程设计风景园林工程专项甲级", "2028-08-23", "2024-01-01");
    let mut company = Company::with(&[low]);
    assert_eq!(company.next(&[high]), ["grade_raised"]);
    assert_eq!(company.next(&[high]), NONE);
    assert_eq!(company.next(&[high]), NONE);
    assert_eq!(company.snapshot.open_doubts().count(), 0);
}

#[test]
fn what_ended_long_ago_raises_nothing() {
    let old = ("B241002517", "工程勘察工程钻探劳务", "2020-08-26", "2015-08-26");
    let mut company = Company::with(&[A]);
    assert_eq!(company.next(&[A, old]), NONE, "nor its coming");
    assert_eq!(company.next(&[A]), NONE, "nor its going");
    assert_eq!(company.next(&[A]), NONE);
    assert_eq!(company.snapshot.open_doubts().count(), 0);
}

#[test]
fn a_baseline_tells_the_long_past_part_of_a_certificate_from_the_rest() {
    let old = ("B241002517", "工程勘察工程钻探劳务", "2020-08-26", "2015-08-26");
    let current = ("B241002517", "工程勘察岩土工程甲级", "2030-08-26", "2025-08-26");
    let events = Company::blank().look(Some(&[old, current]));
    let News::Watching(baseline) = &events[0].news else { panic!("{events:?}") };
    let ends = |of: &[crate::domain::event::CertificateFacts]| {
        of.iter().map(|one| one.valid_until_text.clone()).collect::<Vec<_>>()
    };
    assert_eq!(
        (ends(&baseline.historical), ends(&baseline.current)),
        (vec![old.2.into()], vec![current.2.into()])
    );
}

#[test]
fn a_later_end_that_is_long_past_by_the_next_look_is_not_taken_back() {
    let past = ("B241002517", "工程勘察工程钻探劳务", "2025-06-01", "2020-06-01");
    let later = (past.0, past.1, "2025-07-10", past.3);
    let mut company = Company::with(&[A, past]);
    assert_eq!(company.next(&[A, later]), ["validity_extended"], "180 days ago on 2026-01-06");
    for _ in 0..3 {
        assert_eq!(company.next(&[A, later]), NONE, "it is shown as it was told");
    }
    assert_eq!(company.next(&[A]), NONE, "nor does its going take anything back");
    assert_eq!(company.next(&[A]), NONE);
    assert_eq!(company.snapshot.open_doubts().count(), 0);
}

#[test]
fn of_several_items_with_one_key_the_latest_end_is_the_holding() {
    let past = (A.0, A.1, "2023-08-22", "2018-08-23");
    let mut company = Company::with(&[past, A]);
    assert_eq!(company.snapshot.held.len(), 2);
    assert_eq!(company.next(&[A]), NONE, "the past may go");
    assert_eq!(company.next(&[A, past]), NONE, "and come");
}

#[test]
fn an_end_that_can_be_read_at_last_needs_a_second_look() {
    let unreadable = (E.0, E.1, "-", E.3);
    let mut company = Company::with(&[unreadable]);
    let before = company.established();
    assert_eq!(company.next(&[E]), NONE);
    assert_eq!(company.established(), before, "one look may lie");
    assert_eq!(company.next(&[unreadable]), NONE);
    assert_eq!(company.established(), before, "it did");
    company.next(&[E]);
    assert_eq!(company.next(&[E]), NONE, "its thresholds are what is told of it");
    assert!(company.snapshot.held.values().all(|held| held.holding.last_day().is_some()));
}

#[test]
fn an_issue_date_that_can_be_read_at_last_needs_a_second_look_and_is_not_told() {
    let mut company = Company::with(&[(E.0, E.1, E.2, "-")]);
    assert_eq!(company.next(&[E]), NONE);
    assert!(company.snapshot.held.values().all(|held| held.holding.issued.is_none()));
    assert_eq!(company.next(&[E]), NONE);
    assert!(company.snapshot.held.values().all(|held| held.holding.issued.is_some()));
}

#[test]
fn a_loss_seen_before_the_end_day_is_told_although_that_day_comes() {
    let ending = (E.0, E.1, "2026-01-07", "2021-01-07");
    let mut company = Company::with(&[A, ending]);
    assert_eq!(company.next(&[A]), NONE, "2026-01-06, the day before");
    assert_eq!(company.next(&[A]), ["certificate_removed"], "2026-01-07");
}

#[test]
fn an_item_that_goes_on_its_own_end_day_is_no_removal() {
    let ending = (E.0, "工程监理公路工程专业乙级", "2026-01-07", "2021-01-07");
    let mut company = Company::with(&[E, ending]);
    assert_eq!(company.next(&[E, ending]), NONE);
    for _ in 0..5 {
        assert_eq!(company.next(&[E]), NONE, "from its end day on");
    }
    assert_eq!(company.snapshot.certificate(&number(E.0)).count(), 2, "both are judged on");
    let early = (E.0, "工程监理公路工程专业乙级", "2027-01-07", "2021-01-07");
    let mut company = Company::with(&[E, early]);
    assert_eq!(company.next(&[E]), NONE);
    assert_eq!(company.next(&[E]), ["qualification_removed"], "before its end day it is one");
}

#[test]
fn what_is_back_after_its_end_tells_only_a_later_end() {
    let ending = (E.0, E.1, "2026-01-06", "2021-01-07");
    let mut company = Company::with(&[A, ending]);
    assert_eq!(company.next(&[A]), NONE);
    assert_eq!(company.next(&[A, ending]), NONE, "the same end");
    assert_eq!(company.next(&[A]), NONE);
    let later = (E.0, E.1, "2031-01-05", "2021-01-07");
    assert_eq!(company.next(&[A, later]), ["renewed"], "though its issue date stayed");
    assert_eq!(company.next(&[A, later]), NONE);
    assert!(company.snapshot.certificate(&number(E.0)).all(|held| held.unlisted_since.is_none()));
}

#[test]
fn what_ended_long_ago_says_nothing_whatever_becomes_of_it() {
    let old = ("B241002517", "工程勘察岩土工程甲级", "2020-08-26", "2015-08-26");
    let mut company = Company::with(&[A, old]);
    for odd in [
        ("B241002517", "工程勘察岩土工程乙级", "2020-08-26", "2015-08-26"),
        ("B241002517", "工程勘察岩土工程乙级", "-", "2015-08-26"),
        ("B241002517", "工程勘察岩土工程甲级", "2019-08-26", "2014-08-26"),
        ("B241002517", "工程勘察岩土工程甲级,工程勘察劳务", "2020-08-26", "2016-08-26"),
    ] {
        for _ in 0..3 {
            assert_eq!(company.next(&[A, odd]), NONE, "{odd:?}");
        }
    }
    let alive = ("B241002517", "工程勘察岩土工程甲级", "2031-08-26", "2026-01-01");
    assert_eq!(company.next(&[A, alive]), ["renewed"], "but it may live again");
    company.next(&[A, old]);
    assert_eq!(company.next(&[A, old]), ["retracted"], "or not");
}

#[test]
fn a_new_certificate_that_ended_long_ago_after_all_is_taken_back() {
    let lie = ("B241002517", "工程勘察岩土工程甲级", "2030-08-26", "2015-08-26");
    let old = ("B241002517", "工程勘察岩土工程甲级", "2020-08-26", "2015-08-26");
    let mut company = Company::with(&[A]);
    assert_eq!(company.next(&[A, lie]), ["certificate_added"]);
    assert_eq!(company.next(&[A, old]), NONE);
    assert_eq!(company.next(&[A, old]), ["retracted"]);
    assert_eq!(company.next(&[A, old]), NONE);
}

#[test]
fn a_certificate_that_waited_and_ended_long_ago_after_all_is_held_in_silence() {
    let lie = ("B241002517", "工程勘察岩土工程甲级", "2030-08-26", "2015-08-26");
    let old = ("B241002517", "工程勘察岩土工程甲级", "2020-08-26", "2015-08-26");
    let mut company = Company::with(&[A, E]);
    assert_eq!(company.next(&[A, lie]), NONE, "it waits, as another is missing");
    assert_eq!(company.next(&[A, E, old]), NONE);
    assert!(company.ends().contains(&old.2.to_owned()), "{:?}", company.ends());
    assert_eq!(company.snapshot.open_doubts().count(), 0);
}

#[test]
fn what_was_in_doubt_for_half_a_year_after_its_end_goes_in_silence() {
    let ending = (E.0, E.1, "2026-01-07", "2021-01-07");
    let mut company = Company::with(&[A, ending]);
    assert_eq!(company.next(&[A]), NONE, "the day before its end");
    company.now += TimeDelta::days(200);
    assert_eq!(company.next(&[A]), NONE, "upstream was away until then");
    assert_eq!(company.snapshot.open_doubts().count(), 0);
}

#[test]
fn of_a_split_certificate_only_what_was_renewed_is_told() {
    let old = ("D241002517", "建筑工程施工总承包二级,市政公用工程施工总承包二级", "2026-08-23", "2021-08-23");
    let stays = ("D241002517", "市政公用工程施工总承包二级", "2026-08-23", "2021-08-23");
    let renewed = ("D241002517", "建筑工程施工总承包二级", "2031-08-22", "2026-01-04");
    let mut company = Company::with(&[old]);
    let events = company.next_events(&[stays, renewed]);
    assert_eq!(kinds(&events), ["renewed"]);
    let facts = events[0].certificate.as_ref().unwrap();
    assert_eq!(facts.qualifications.len(), 1, "the other one goes on to its own end");
    assert_eq!(company.next(&[stays, renewed]), NONE);
}

#[test]
fn organ_and_type_are_kept_and_not_told() {
    let mut company = Company::with(&[A]);
    let mut items: Vec<Item> = [A].iter().map(item).collect();
    items[0].organ = Some("住房城乡建设部".into());
    items[0].kind = Some("工程设计资质".into());
    for _ in 0..3 {
        company.now += DAY;
        let seen = Seen::Holdings(read_items(&items));
        let comparison = company.compare(&seen);
        assert_eq!(kinds(&comparison.events), NONE);
        company.snapshot = comparison.after;
    }
    assert!(company.snapshot.held.values().all(|held| held.holding.organ == "住房城乡建设部"));
}
