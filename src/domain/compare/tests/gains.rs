//! Gains: told at the first look, taken back after two that no longer show them.

use super::*;

#[test]
fn a_raised_grade_is_told_once_at_the_first_look() {
    let low = ("A241002517", "工程设计风景园林工程专项乙级", "2028-08-23", "2023-08-23");
    let high = ("A241002517", "工程设计风景园林工程专项甲级", "2028-08-23", "2023-08-23");
    let mut company = Company::with(&[low]);
    let events = company.next_events(&[high]);
    assert_eq!(kinds(&events), ["grade_raised"]);
    assert_eq!(old_and_new(&events[0]), ["乙级", "甲级"]);
    assert_eq!(company.next(&[high]), NONE);
    assert_eq!(company.next(&[low]), NONE, "lowered: first look");
    let events = company.next_events(&[low]);
    assert_eq!(
        (kinds(&events), &events[0].notes[..]),
        (vec!["grade_lowered".to_owned()], &[Note::Confirmed { looks: 2 }][..])
    );
}

#[test]
fn a_reworded_grade_is_told_when_established() {
    let old = ("D141002510", "建筑工程施工总承包一级", "2028-08-23", "2023-08-23");
    let new = ("D141002510", "建筑工程施工总承包甲级", "2028-08-23", "2023-08-23");
    let mut company = Company::with(&[old]);
    assert_eq!(company.next(&[new]), NONE);
    assert_eq!(company.next(&[new]), ["grade_reworded"]);
}

#[test]
fn a_later_end_is_told_at_once_and_by_its_issue_date() {
    let renewed = (A.0, A.1, "2033-08-23", "2028-06-01");
    let mut company = Company::with(&[A]);
    let events = company.next_events(&[renewed]);
    assert_eq!(
        kinds(&events),
        ["renewed"],
        "one event for the certificate, though it has two qualifications"
    );
    assert_eq!(old_and_new(&events[0]), ["2028-08-23", "2033-08-23"]);
    assert_eq!((events[0].days_left, events[0].notes.as_slice()), (Some(2_786), &[][..]), "of the new end");
    assert_eq!(company.next(&[renewed]), NONE);
    let extended = (A.0, A.1, "2033-12-31", "2028-06-01");
    assert_eq!(company.next(&[extended]), ["validity_extended"], "the issue date stayed");
}

#[test]
fn a_later_end_seen_once_and_gone_is_taken_back() {
    let renewed = (A.0, A.1, "2033-08-23", "2028-06-01");
    let mut company = Company::with(&[A]);
    assert_eq!(company.next(&[renewed]), ["renewed"]);
    assert_eq!(company.next(&[A]), NONE, "gone once");
    let events = company.next_events(&[A]);
    assert_eq!(kinds(&events), ["retracted"]);
    assert_eq!(events[0].news.fields().takes_back, Some(Change::Renewed));
    assert_eq!(company.next(&[renewed]), NONE, "told again only when established");
    assert_eq!(company.next(&[renewed]), ["renewed"]);
    assert_eq!(company.next(&[renewed]), NONE);
}

#[test]
fn a_new_certificate_is_told_once_and_taken_back_when_it_was_none() {
    let mut company = Company::with(&[A]);
    assert_eq!(company.next(&[A, E]), ["certificate_added"]);
    assert_eq!(company.next(&[A]), NONE);
    assert_eq!(company.next(&[A]), ["retracted"]);
    assert_eq!(company.next(&[A, E]), NONE, "told again only when established");
    assert_eq!(company.next(&[A, E]), ["certificate_added"]);
}

#[test]
fn a_certificate_that_comes_in_two_parts_is_added_once() {
    let first = (E.0, E.1, E.2, E.3);
    let whole = (E.0, "工程监理房屋建筑工程专业甲级,工程监理公路工程专业乙级", E.2, E.3);
    let mut company = Company::with(&[A]);
    assert_eq!(company.next(&[A, first]), ["certificate_added"]);
    assert_eq!(company.next(&[A, whole]), ["qualification_added"], "established, and one more");
    assert_eq!(company.next(&[A, whole]), NONE);
}

#[test]
fn a_qualification_told_with_its_certificate_is_taken_back_alone() {
    let whole = (E.0, "工程监理房屋建筑工程专业甲级,工程监理公路工程专业乙级", E.2, E.3);
    let mut company = Company::with(&[A]);
    assert_eq!(company.next(&[A, whole]), ["certificate_added"]);
    assert_eq!(company.next(&[A, E]), NONE);
    let events = company.next_events(&[A, E]);
    assert_eq!(kinds(&events), ["retracted"]);
    assert_eq!(events[0].qualification(), Some("工程监理公路工程专业乙级"));
    assert_eq!(events[0].news.fields().takes_back, Some(Change::QualificationAdded));
    assert_eq!(company.snapshot.certificate(&number(E.0)).count(), 1, "the certificate stays");
}

#[test]
fn a_later_end_that_turns_into_an_earlier_one_is_taken_back() {
    let to = |end| (A.0, A.1, end, A.3);
    let mut company = Company::with(&[A]);
    assert_eq!(company.next(&[to("2031-08-23")]), ["validity_extended"]);
    assert_eq!(company.next(&[to("2027-08-23")]), NONE);
    assert_eq!(company.next(&[to("2027-08-23")]), ["validity_shortened", "retracted"]);
}

#[test]
fn what_was_taken_back_is_told_only_when_established_whatever_else_was_seen_meanwhile() {
    let at = |grade: &'static str| ("A241002517", grade, "2028-08-23", "2023-08-23");
    let (high, middle, low) =
        (at("风景园林工程专项甲级"), at("风景园林工程专项乙级"), at("风景园林工程专项丙级"));
    let mut company = Company::with(&[middle]);
    assert_eq!(company.next(&[high]), ["grade_raised"]);
    assert_eq!(company.next(&[middle]), NONE);
    assert_eq!(company.next(&[middle]), ["retracted"]);
    assert_eq!(company.next(&[low]), NONE);
    assert_eq!(company.next(&[low]), ["grade_lowered"]);
    assert_eq!(company.next(&[high]), NONE, "again: first look");
    assert_eq!(company.next(&[low]), NONE);
    assert_eq!(company.next(&[high]), NONE);
    assert_eq!(company.next(&[high]), ["grade_raised"]);
}

#[test]
fn a_raise_that_turns_into_a_fall_is_taken_back() {
    let at = |grade: &'static str| ("A241002517", grade, "2028-08-23", "2023-08-23");
    let mut company = Company::with(&[at("风景园林工程专项乙级")]);
    assert_eq!(company.next(&[at("风景园林工程专项甲级")]), ["grade_raised"]);
    assert_eq!(company.next(&[at("风景园林工程专项丙级")]), NONE);
    assert_eq!(company.next(&[at("风景园林工程专项丙级")]), ["grade_lowered", "retracted"]);
}

#[test]
fn looks_at_what_is_not_held_yet_count_when_it_is() {
    let with = |grade, end| ("A241002517", grade, end, "2026-01-06");
    let told = with("风景园林工程专项甲级", "2031-01-05");
    let mut company = Company::with(&[A]);
    assert_eq!(company.next(&[A, told]), ["certificate_added"], "and its grade was a slip");
    assert_eq!(company.next_empty(), NONE);
    let true_one = with("风景园林工程专项乙级", "2031-01-05");
    assert_eq!(company.next(&[A, true_one]), NONE, "nothing is told of what is not held");
    assert_eq!(company.next(&[A, true_one]), ["grade_lowered"], "two looks have agreed");
    assert_eq!(company.snapshot.open_doubts().count(), 0);

    let mut company = Company::with(&[A]);
    assert_eq!(company.next(&[A, told]), ["certificate_added"]);
    assert_eq!(company.next_empty(), NONE);
    assert_eq!(company.next(&[A, true_one]), NONE);
    assert_eq!(company.next(&[A]), NONE);
    assert_eq!(company.next(&[A]), ["retracted"]);
    assert_eq!(company.snapshot.open_doubts().count(), 0, "nothing is doubted of what was never there");
}

#[test]
fn what_was_taken_back_and_comes_anew_is_told_as_it_is_then() {
    let anew = (E.0, E.1, "2031-05-16", "2026-05-16");
    let mut company = Company::with(&[A]);
    company.next(&[A, E]);
    company.next(&[A]);
    assert_eq!(company.next(&[A]), ["retracted"]);
    for _ in 0..100 {
        assert_eq!(company.next(&[A]), NONE);
    }
    assert_eq!(company.next(&[A, anew]), NONE);
    let events = company.next_events(&[A, anew]);
    assert_eq!(kinds(&events), ["certificate_added"]);
    assert_eq!(events[0].certificate.as_ref().unwrap().valid_until, "2031-05-16".parse().ok());
    assert_eq!(company.next(&[A, anew]), NONE);
}

#[test]
fn a_restored_certificate_that_was_none_is_taken_back() {
    let mut company = Company::with(&[A, E]);
    company.next(&[A]);
    assert_eq!(company.next(&[A]), ["certificate_removed"]);
    assert_eq!(company.next(&[A, E]), ["certificate_restored"]);
    assert_eq!(company.next(&[A]), NONE);
    let events = company.next_events(&[A]);
    assert_eq!(kinds(&events), ["retracted"]);
    assert_eq!(events[0].news.fields().takes_back, Some(Change::CertificateRestored));
}

#[test]
fn a_gain_seen_again_before_it_was_taken_back_is_not_told_twice() {
    let renewed = (A.0, A.1, "2033-08-23", "2028-06-01");
    let mut company = Company::with(&[A]);
    assert_eq!(company.next(&[renewed, E]), ["certificate_added", "renewed"]);
    for _ in 0..6 {
        assert_eq!(company.next(&[A]), NONE);
        assert_eq!(company.next(&[renewed, E]), NONE);
    }
    assert_eq!(company.next(&[renewed, E]), NONE, "established at last");
    assert_eq!(company.snapshot.open_doubts().count(), 0);
}

#[test]
fn an_empty_answer_takes_a_gain_back_only_at_the_third() {
    let mut company = Company::with(&[A]);
    assert_eq!(company.next(&[A, E]), ["certificate_added"]);
    assert_eq!(company.next_empty(), NONE);
    assert_eq!(company.next_empty(), NONE);
    assert_eq!(company.next_empty(), ["certificate_removed", "retracted"]);
}

#[test]
fn while_a_later_end_that_was_told_is_in_doubt_another_one_waits() {
    let to = |end| (A.0, A.1, end, "2026-01-01");
    let mut company = Company::with(&[A]);
    assert_eq!(company.next(&[to("2036-08-23")]), ["renewed"], "a slip of the registry");
    assert_eq!(company.next(&[to("2031-08-23")]), NONE, "corrected, or another slip");
    let events = company.next_events(&[to("2031-08-23")]);
    assert_eq!(kinds(&events), ["renewed", "retracted"]);
    assert_eq!(events[0].certificate.as_ref().unwrap().valid_until, "2031-08-23".parse().ok());
    assert_eq!(events[1].certificate.as_ref().unwrap().valid_until, "2036-08-23".parse().ok());
    assert_eq!(company.next(&[to("2031-08-23")]), NONE);
    assert_eq!(company.next(&[to("2036-08-23")]), NONE, "taken back once: told when established");
    assert_eq!(company.next(&[to("2036-08-23")]), ["validity_extended"], "over the renewal that is known");
    assert_eq!(company.snapshot.doubts.len(), 0);
}

#[test]
fn a_later_end_that_is_another_one_at_each_look_is_told_once_and_taken_back_once() {
    let mut company = Company::with(&[E]);
    let mut told = Vec::new();
    for year in 2030..2100 {
        told.extend(company.next(&[(E.0, E.1, format!("{year}-01-01").as_str(), "2026-01-01")]));
    }
    assert_eq!(told, ["renewed", "retracted"]);
    company.next(&[E]);
    assert_eq!(company.snapshot.open_doubts().count(), 0);
    assert_eq!(company.snapshot.doubts.len(), 1, "that one was taken back is remembered");
}

#[test]
fn two_later_ends_that_take_turns_are_told_as_one() {
    let to = |end| (A.0, A.1, end, "2026-01-01");
    let mut company = Company::with(&[A]);
    assert_eq!(company.next(&[to("2031-08-23")]), ["renewed"]);
    for _ in 0..10 {
        assert_eq!(company.next(&[to("2033-08-23")]), NONE);
        assert_eq!(company.next(&[to("2031-08-23")]), NONE);
    }
    assert_eq!(company.next(&[A]), NONE);
    assert_eq!(company.next(&[A]), ["retracted"]);
    assert_eq!(company.next(&[A]), NONE);
}

#[test]
fn an_end_that_was_a_gain_once_is_a_loss_below_what_was_established_since() {
    let to = |end| (A.0, A.1, end, A.3);
    let mut company = Company::with(&[A]);
    assert_eq!(company.next(&[to("2028-12-31")]), ["validity_extended"]);
    assert_eq!(company.next(&[to("2029-06-25")]), NONE);
    assert_eq!(company.next(&[to("2029-06-25")]), ["validity_extended", "retracted"]);
    assert_eq!(company.next(&[to("2028-12-31")]), NONE);
    let events = company.next_events(&[to("2028-12-31")]);
    assert_eq!(kinds(&events), ["validity_shortened"]);
    assert_eq!(old_and_new(&events[0]), ["2029-06-25", "2028-12-31"]);
}

#[test]
fn one_certificate_that_changes_in_several_ways_at_once_tells_each_once() {
    let old = ("D241002517", "建筑工程施工总承包二级,市政公用工程施工总承包二级", "2026-08-23", "2021-08-23");
    let new = ("D241002517", "建筑工程施工总承包一级,公路工程施工总承包二级", "2031-08-22", "2026-01-04");
    let mut company = Company::with(&[old]);
    assert_eq!(company.next(&[new]), NONE, "something goes beside what comes");
    assert_eq!(
        company.next(&[new]),
        ["qualification_added", "grade_raised", "renewed", "qualification_removed"],
        "and no reissue"
    );
    for _ in 0..3 {
        assert_eq!(company.next(&[new]), NONE);
    }
    assert_eq!(company.snapshot.open_doubts().count(), 0);
}

#[test]
fn a_correction_names_the_day_of_what_it_takes_back_and_what_counts_instead() {
    let renewed = (A.0, A.1, "2033-08-22", "2026-01-05");
    let higher = ("D241000001", "建筑工程施工总承包一级", "2028-01-01", "2023-01-01");
    let lower = (higher.0, "建筑工程施工总承包二级", higher.2, higher.3);
    for (is, was_shown, end, grade, why) in [
        (A, renewed, Some("2028-08-23"), None, "a later end: the earlier counts"),
        (lower, higher, None, Some("二级"), "a higher grade: the lower counts"),
    ] {
        let mut company = Company::with(&[is]);
        // 2026-01-06: told. Then two looks that do not show it.
        assert_eq!(company.next(&[was_shown]).len(), 1, "{why}");
        assert_eq!(company.next(&[is]), NONE, "{why}");
        let events = company.next_events(&[is]);
        assert_eq!(kinds(&events), ["retracted"], "{why}");
        let News::Retracted(taken_back) = &events[0].news else { unreachable!() };
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        assert_eq!(taken_back.told_on, Some(day("2026-01-06")), "{why}");
        assert_eq!(taken_back.former_end, end.map(day), "{why}");
        assert_eq!(taken_back.former_grade.as_ref().map(ToString::to_string).as_deref(), grade, "{why}");
    }
}

#[test]
fn a_correction_names_the_day_it_was_told_though_it_flickered_since() {
    let new = ("E141009999", "工程监理市政公用工程专业甲级", "2031-01-01", "2026-01-01");
    let mut company = Company::with(&[A]);
    assert_eq!(company.next(&[A, new]), ["certificate_added"], "2026-01-06");
    assert_eq!(company.next(&[A]), NONE);
    assert_eq!(company.next(&[A, new]), NONE, "the count begins anew, the mail does not");
    assert_eq!(company.next(&[A]), NONE);
    let events = company.next_events(&[A]);
    let News::Retracted(taken_back) = &events[0].news else { panic!("{events:?}") };
    assert_eq!(taken_back.told_on, Some("2026-01-06".parse().unwrap()));
}

#[test]
fn an_end_told_as_renewed_and_then_seen_as_that_of_an_exchange_is_told_once_and_taken_back() {
    let third = ("D341000001", "建筑工程施工总承包三级", "2026-03-01", "2021-03-01");
    let first = (third.0, "建筑工程施工总承包一级", "2027-01-04", "2026-01-05");
    let exchanged = (third.0, "建筑工程施工总承包二级", "2027-01-04", "2026-01-05");
    let mut company = Company::with(&[third]);
    assert_eq!(company.next(&[first]), ["grade_raised", "renewed"]);
    assert_eq!(company.next(&[exchanged]), NONE, "the same end, of a 换领");
    assert_eq!(company.next(&[first]), NONE, "not told again");
    assert_eq!(company.next(&[exchanged]), NONE);
    assert_eq!(company.next(&[third]), ["retracted"], "the grade, gone for two looks");
    assert_eq!(company.next(&[third]), ["retracted"], "the end");
    assert_eq!(company.ends(), ["2026-03-01"]);
}

#[test]
fn the_end_of_an_exchange_is_established_with_its_grade_and_by_nothing_else() {
    let third = ("D341000001", "建筑工程施工总承包三级", "2030-03-01", "2025-03-01");
    let exchanged = (third.0, "建筑工程施工总承包二级", "2027-01-04", "2026-01-05");
    let otherwise = (third.0, "建筑工程施工总承包丙级", exchanged.2, exchanged.3);
    let mut company = Company::with(&[third]);
    assert_eq!(company.next(&[exchanged]), NONE);
    assert_eq!(company.next(&[otherwise]), NONE, "the same end, but no 换领");
    assert_eq!(company.next(&[exchanged]), NONE);
    assert_eq!(company.ends(), ["2030-03-01"]);
    assert_eq!(company.next(&[exchanged]), ["grade_reworded"], "one piece of news for both");
    assert_eq!(company.ends(), ["2027-01-04"]);
}

#[test]
fn a_rise_that_turns_out_to_be_an_exchange_keeps_its_grade_and_tells_its_end() {
    let third = ("B141000001", "工程勘察专业类工程测量丙级", "2026-06-01", "2021-06-01");
    let raised = (third.0, "工程勘察专业类工程测量乙级", "2029-03-08", "2026-01-05");
    let exchanged = (third.0, "工程勘察专业类工程测量乙级", "2027-01-04", "2026-01-05");
    let mut company = Company::with(&[third]);
    assert_eq!(company.next(&[raised]), ["grade_raised", "renewed"]);
    assert_eq!(company.next(&[exchanged]), NONE, "the grade is certain, its end another one");
    assert_eq!(company.ends(), ["2026-06-01"]);
    assert_eq!(company.next(&[exchanged]), ["renewed", "retracted"], "nobody was told of an exchange");
    assert_eq!(company.ends(), ["2027-01-04"]);
}

#[test]
fn an_end_taken_back_holds_up_its_sisters_from_the_next_look_on_whichever_comes_first() {
    let names = ["建筑工程施工总承包三级", "特种工程（结构补强）专业承包不分等级"];
    for [flickers, sister] in [names, [names[1], names[0]]] {
        let known = ("D241004011", flickers, "2029-06-20", "2024-06-20");
        let lie = (known.0, flickers, "2029-09-22", "2024-09-22");
        let other = (known.0, sister, "2029-05-11", "2024-05-12");
        let later = (known.0, sister, "2029-06-20", "2024-05-12");
        let mut company = Company::with(&[known, other]);
        assert_eq!(company.next(&[lie, other]), ["renewed"], "{flickers}");
        assert_eq!(company.next(&[known, other]), NONE, "{flickers}");
        assert_eq!(company.next(&[known, later]), ["validity_extended", "retracted"], "{flickers}");
        assert_eq!(company.next(&[known, later]), NONE, "{flickers}");
    }
}

#[test]
fn a_grade_that_is_lower_at_one_look_is_not_told_with_a_later_end() {
    let old = ("D241002401", "建筑工程施工总承包一级", "2026-08-23", "2021-08-23");
    let new = ("D241002401", "建筑工程施工总承包二级", "2031-08-23", "2026-01-06");
    let mut company = Company::with(&[old]);
    let grade = |event: &Event| {
        let held = &event.certificate.as_ref().unwrap().qualifications[0];
        held.grade.as_ref().map(ToString::to_string).unwrap_or_default()
    };
    let events = company.next_events(&[new]);
    assert_eq!((kinds(&events), grade(&events[0])), (vec!["renewed".to_owned()], "一级".to_owned()));
    let events = company.next_events(&[new]);
    assert_eq!((kinds(&events), grade(&events[0])), (vec!["grade_lowered".to_owned()], "二级".to_owned()));
    // What is told as higher at the same look is so in both.
    let higher = ("D241002401", "建筑工程施工总承包特级", "2036-08-23", "2031-01-06");
    let events = company.next_events(&[higher]);
    assert_eq!(kinds(&events).len(), 2);
    assert!(events.iter().all(|event| grade(event) == "特级"), "{events:?}");
}

#[test]
fn a_certificate_that_comes_back_lower_says_what_it_was() {
    let before = ("D241002401", "建筑工程施工总承包一级", "2028-08-23", "2023-08-23");
    for (names, is_noted) in [("建筑工程施工总承包二级", true), ("建筑工程施工总承包一级", false)]
    {
        let mut company = Company::with(&[A, before]);
        company.next(&[A]);
        assert_eq!(company.next(&[A]), ["certificate_removed"]);
        let events = company.next_events(&[A, (before.0, names, before.2, before.3)]);
        assert_eq!(kinds(&events), ["certificate_restored"]);
        let was = |note: &Note| matches!(note, Note::WasHere(old) if old.number == before.0);
        assert_eq!(events[0].notes.iter().any(was), is_noted, "{names}: {:?}", events[0].notes);
    }
}

#[test]
fn a_correction_of_a_part_names_the_mail_that_was_sent() {
    let whole = (E.0, "工程监理房屋建筑工程专业甲级,工程监理公路工程专业乙级", E.2, E.3);
    let mut company = Company::with(&[A]);
    assert_eq!(company.next(&[A, whole]), ["certificate_added"]);
    assert_eq!(company.next(&[A, E]), NONE);
    let events = company.next_events(&[A, E]);
    let News::Retracted(taken_back) = &events[0].news else { panic!("{events:?}") };
    let told = (taken_back.kind, taken_back.told_as);
    assert_eq!(told, (Change::QualificationAdded, Some(Change::CertificateAdded)));
}
