//! Certificates that come, go, take over and are covered.

use super::*;

#[test]
fn a_qualification_joins_and_leaves_a_certificate_that_stays() {
    let more = (
        A.0,
        "工程设计建筑行业（建筑工程）甲级,工程设计市政行业给水工程专业甲级,工程设计市政行业道路工程专业甲级",
        A.2,
        A.3,
    );
    let mut company = Company::with(&[A]);
    let events = company.next_events(&[more]);
    assert_eq!(kinds(&events), ["qualification_added"]);
    assert_eq!(events[0].qualification(), Some("工程设计市政行业道路工程专业甲级"));
    assert_eq!(company.next(&[more]), NONE);
    assert_eq!(company.next(&[A]), NONE);
    assert_eq!(company.next(&[A]), ["qualification_removed"]);
}

#[test]
fn a_replacement_is_told_once_and_the_old_one_goes_silently() {
    let new = ("A141009999", A.1, "2031-01-01", "2026-01-01");
    let mut company = Company::with(&[A]);
    let events = company.next_events(&[A, new]);
    assert_eq!(kinds(&events), ["certificate_replaced"]);
    assert_eq!(old_and_new(&events[0]), ["A141002510", "A141009999"]);
    for _ in 0..40 {
        assert_eq!(company.next(&[A, new]), NONE);
    }
    for _ in 0..5 {
        assert_eq!(company.next(&[new]), NONE, "superseded: its going is not told");
    }
}

#[test]
fn a_certificate_that_moves_to_another_number_with_its_end_is_no_loss() {
    let moved = ("A241002510", A.1, A.2, A.3);
    let other = ("A341000001", "工程设计电力行业甲级", A.2, A.3);
    let mut company = Company::with(&[A, other]);
    assert_eq!(company.next(&[moved, other]), NONE, "a gain beside a loss waits");
    let events = company.next_events(&[moved, other]);
    assert_eq!(kinds(&events), ["certificate_replaced"]);
    assert_eq!(old_and_new(&events[0]), [A.0, "A241002510"]);
    for _ in 0..5 {
        assert_eq!(company.next(&[moved, other]), NONE, "it goes on there");
    }
    assert_eq!(company.next(&[other]), NONE);
    assert_eq!(
        company.next(&[other]),
        ["certificate_removed", "certificate_removed"],
        "where it went to goes, too: then both are told"
    );
}

#[test]
fn of_two_certificates_with_one_end_the_loss_of_either_is_told() {
    let twin = ("A241002510", A.1, A.2, A.3);
    let mut company = Company::with(&[A, twin]);
    assert_eq!(company.next(&[twin]), NONE);
    let events = company.next_events(&[twin]);
    assert_eq!(kinds(&events), ["certificate_removed"], "its number may stand in a bid");
    assert!(matches!(&events[0].notes[0], Note::HeldElsewhere(place) if place.number == twin.0));
}

#[test]
fn what_comes_back_replaces_nothing_with_the_same_end() {
    let twin = ("A241002510", A.1, A.2, A.3);
    let other = ("A341000001", "工程设计电力行业甲级", A.2, A.3);
    let mut company = Company::with(&[A, twin, other]);
    assert_eq!(company.next(&[A, other]), NONE);
    assert_eq!(company.next(&[A, other]), ["certificate_removed"]);
    assert_eq!(company.next(&[twin, other]), NONE);
    assert_eq!(company.next(&[twin, other]), ["certificate_restored", "certificate_removed"]);
}

#[test]
fn qualifications_are_named_in_the_order_of_the_registry_and_their_order_is_no_difference() {
    let names =
        "工程设计市政行业道路工程专业甲级,工程设计建筑行业（建筑工程）甲级,工程设计市政行业给水工程专业甲级";
    let turned =
        "工程设计市政行业给水工程专业甲级,工程设计建筑行业（建筑工程）甲级,工程设计市政行业道路工程专业甲级";
    let mut company = Company::with(&[A]);
    let new = |names| ("A141007777", names, "2031-01-01", "2026-01-01");
    let events = company.next_events(&[A, new(names)]);
    let certificate = events[0].certificate.as_ref().unwrap();
    let listed: Vec<&str> = certificate.qualifications.iter().map(|one| one.text.as_str()).collect();
    assert_eq!(listed.join(","), names);
    for _ in 0..3 {
        assert_eq!(company.next(&[A, new(turned)]), NONE);
    }
    assert_eq!(company.next(&[A]), NONE);
    let events = company.next_events(&[A]);
    let certificate = events[0].certificate.as_ref().unwrap();
    let listed: Vec<&str> = certificate.qualifications.iter().map(|one| one.text.as_str()).collect();
    assert_eq!(listed.join(","), turned, "as it was shown last");
}

#[test]
fn a_downgrade_under_a_new_number_says_where_it_was_held() {
    let new = ("A241009999", "工程设计建筑行业（建筑工程）乙级", "2031-01-01", "2026-01-01");
    let mut company = Company::with(&[A]);
    let events = company.next_events(&[A, new]);
    assert_eq!(kinds(&events), ["certificate_added"]);
    assert!(matches!(&events[0].notes[..], [Note::HeldElsewhere(place)] if place.number == "A141002510"));
    assert_eq!(company.next(&[new]), NONE);
    let events = company.next_events(&[new]);
    assert_eq!(kinds(&events), ["certificate_removed"], "乙级 does not cover 甲级");
    assert!(
        events[0]
            .notes
            .iter()
            .any(|note| matches!(note, Note::HeldElsewhere(place) if place.number == "A241009999"))
    );
}

#[test]
fn certificates_without_a_readable_qualification_do_not_cover_each_other() {
    let (early, late) = (("X1", "", "2026-02-01", ""), ("X2", "", "2030-02-01", ""));
    let mut company = Company::with(&[early]);
    let events = company.next_events(&[early, late]);
    assert_eq!(kinds(&events), ["certificate_added"]);
    assert_eq!(events[0].notes, []);
    company.next(&[early, late]);
    assert!(
        !company
            .snapshot
            .is_superseded(company.snapshot.certificate(&number("X1")).map(|held| &held.holding))
    );
}

#[test]
fn a_new_certificate_may_replace_several() {
    let one = ("D241000001", "建筑工程施工总承包二级", "2027-01-01", "2022-01-01");
    let two = ("D241000002", "市政公用工程施工总承包二级", "2028-01-01", "2023-01-01");
    let new = ("D241000003", "建筑工程施工总承包一级,市政公用工程施工总承包二级", "2031-01-01", "2026-01-01");
    let mut company = Company::with(&[one, two]);
    let events = company.next_events(&[one, two, new]);
    assert_eq!(kinds(&events), ["certificate_replaced"]);
    assert_eq!(old_and_new(&events[0])[0], "D241000001,D241000002");
    for _ in 0..5 {
        assert_eq!(company.next(&[new]), NONE);
    }
    assert_eq!(company.snapshot.held.len(), 2);
}

#[test]
fn a_replacement_needs_every_qualification_the_same_ladder_and_a_later_end() {
    let old = ("D241000001", "建筑工程施工总承包二级,市政公用工程施工总承包二级", "2027-01-01", "2022-01-01");
    for (names, end, why) in [
        ("建筑工程施工总承包二级", "2031-01-01", "not every qualification"),
        ("建筑工程施工总承包二级,市政公用工程施工总承包三级", "2031-01-01", "a lower grade"),
        ("建筑工程施工总承包甲级,市政公用工程施工总承包甲级", "2031-01-01", "another ladder"),
        ("建筑工程施工总承包二级,市政公用工程施工总承包二级", "2027-01-01", "the same end"),
        ("建筑工程施工总承包二级,市政公用工程施工总承包二级", "-", "no end that can be read"),
    ] {
        let mut company = Company::with(&[old]);
        let new = ("D241000002", names, end, "2026-01-01");
        assert_eq!(company.next(&[old, new]), ["certificate_added"], "{why}");
        company.next(&[old, new]);
        assert_eq!(company.next(&[new]), NONE);
        assert_eq!(company.next(&[new]), ["certificate_removed"], "{why}");
    }
}

#[test]
fn a_replacement_that_comes_in_parts_covers_when_it_is_whole() {
    let old = ("D241000001", "建筑工程施工总承包二级,市政公用工程施工总承包二级", "2027-01-01", "2022-01-01");
    let part = ("D241000002", "建筑工程施工总承包二级", "2031-01-01", "2026-01-01");
    let whole = ("D241000002", old.1, "2031-01-01", "2026-01-01");
    let mut company = Company::with(&[old]);
    assert_eq!(company.next(&[old, part]), ["certificate_added"]);
    assert_eq!(company.next(&[old, whole]), ["qualification_added"]);
    for _ in 0..4 {
        assert_eq!(company.next(&[whole]), NONE, "the old one goes in silence");
    }
}

#[test]
fn what_goes_together_with_its_cover_is_told_with_it() {
    for (old, new) in [("D241000001", "D241000002"), ("D241000002", "D241000001")] {
        let old = (old, "建筑工程施工总承包二级", "2027-01-01", "2022-01-01");
        let new = (new, "建筑工程施工总承包二级", "2031-01-01", "2026-01-01");
        let mut company = Company::with(&[A, old, new]);
        assert_eq!(company.next(&[A]), NONE);
        let events = company.next_events(&[A]);
        assert_eq!(kinds(&events), ["certificate_removed", "certificate_removed"], "{}", old.0);
        assert!(
            events.iter().all(|event| event.notes == [Note::Confirmed { looks: 2 }]),
            "neither holds it still"
        );
    }
}

#[test]
fn what_has_ended_holds_nothing_elsewhere() {
    let ended = ("D241000001", "建筑工程施工总承包二级", "2026-01-01", "2021-01-01");
    let alive = ("D241000002", "建筑工程施工总承包二级", "2026-06-01", "2021-06-01");
    let mut company = Company::with(&[A, ended, alive]);
    assert_eq!(company.next(&[A, ended]), NONE);
    let events = company.next_events(&[A, ended]);
    assert_eq!(kinds(&events), ["certificate_removed"]);
    assert_eq!(events[0].notes, [Note::Confirmed { looks: 2 }]);
    let new = ("D241000003", "建筑工程施工总承包三级", "2031-06-01", "2026-06-01");
    let events = company.next_events(&[A, ended, new]);
    assert!(matches!(&events[0].notes[..], [Note::WasHeldElsewhere(place)] if place.number == "D241000002"));
}

#[test]
fn a_removed_qualification_says_who_holds_it_still() {
    let one = ("D241000001", "建筑工程施工总承包二级,市政公用工程施工总承包二级", "2030-01-01", "2025-01-01");
    let other = ("D241000002", "建筑工程施工总承包三级", "2029-01-01", "2024-01-01");
    let less = ("D241000001", "市政公用工程施工总承包二级", "2030-01-01", "2025-01-01");
    let mut company = Company::with(&[one, other]);
    company.next(&[less, other]);
    let events = company.next_events(&[less, other]);
    assert_eq!(kinds(&events), ["qualification_removed"]);
    assert_eq!(events[0].qualification(), Some("建筑工程施工总承包二级"));
    assert!(matches!(&events[0].notes[0], Note::HeldElsewhere(place) if place.number == "D241000002"));
}

#[test]
fn a_certificate_number_that_comes_with_a_long_past_part_is_still_new() {
    let past = (E.0, "工程监理公路工程专业乙级", "2020-01-01", "2015-01-01");
    let mut company = Company::with(&[A]);
    assert_eq!(company.next(&[A, E, past]), ["certificate_added"]);
    assert_eq!(company.next(&[A, E, past]), NONE);
}

#[test]
fn of_a_certificate_that_moves_in_two_steps_nothing_is_told_as_lost() {
    let [building, water] = ["工程设计建筑行业（建筑工程）甲级", "工程设计市政行业给水工程专业甲级"];
    let left = (A.0, water, A.2, A.3);
    let moved = ("A241002510", building, A.2, A.3);
    let renewed = ("A241002510", water, "2031-01-01", "2026-01-06");
    let mut company = Company::with(&[A]);
    assert_eq!(company.next(&[left, moved, renewed]), NONE, "a gain beside a loss waits");
    assert_eq!(company.next(&[left, moved, renewed]), ["certificate_replaced"]);
    assert_eq!(company.next(&[left, moved, renewed]), NONE);
    for _ in 0..3 {
        assert_eq!(company.next(&[moved, renewed]), NONE, "the rest of it goes, which is held until later");
    }
    assert_eq!(company.next(&[renewed]), NONE, "a cover goes: first look");
    assert_eq!(
        company.next(&[renewed]),
        ["certificate_removed", "qualification_removed"],
        "what moved is not held anywhere any more"
    );
}

#[test]
fn a_replacement_that_comes_as_the_old_one_goes_is_told_when_both_are_certain() {
    let new = ("A141009999", A.1, "2031-01-01", "2026-01-01");
    let mut company = Company::with(&[A]);
    assert_eq!(company.next(&[new]), NONE);
    assert_eq!(company.next(&[new]), ["certificate_replaced"], "established together, the gain first");
    assert_eq!(company.next(&[new]), NONE);
}

#[test]
fn nothing_rests_on_a_replacement_in_doubt() {
    let new = ("A141009999", A.1, "2031-01-01", "2026-01-01");
    let mut company = Company::with(&[A, E]);
    assert_eq!(company.next(&[E]), NONE, "the loss first");
    let events = company.next_events(&[E, new]);
    assert_eq!(kinds(&events), ["certificate_replaced", "certificate_removed"]);
}

#[test]
fn an_exchange_under_another_number_says_what_was_exchanged() {
    let third = ("D341000001", "建筑工程施工总承包三级", "2026-03-01", "2021-03-01");
    for (new, kind, noted, why) in [
        (
            ("D241000002", "建筑工程施工总承包二级", "2027-01-05", "2026-01-06"),
            "certificate_replaced",
            1,
            "for a year: an exchange, and the old grade is noted",
        ),
        (
            ("D241000002", "建筑工程施工总承包二级", "2031-01-05", "2026-01-06"),
            "certificate_replaced",
            0,
            "for five years: a rise under another number",
        ),
        (
            ("D241000002", "建筑工程施工总承包二级", "2026-02-01", "2026-01-06"),
            "certificate_added",
            1,
            "it ends before the old one, which goes on",
        ),
        (
            ("D241000002", "钢结构工程专业承包二级", "2027-01-05", "2026-01-06"),
            "certificate_added",
            0,
            "another qualification",
        ),
    ] {
        let mut company = Company::with(&[third]);
        let events = company.next_events(&[third, new]);
        assert_eq!(kinds(&events), [kind], "{why}");
        let notes = &events[0].notes;
        let is_of_the_old = |note: &&Note| matches!(note, Note::HeldElsewhere(old) if old.number == third.0);
        assert_eq!(notes.iter().filter(is_of_the_old).count(), noted, "{why}: {notes:?}");
    }
}

#[test]
fn labour_that_is_registered_for_ever_is_no_alarm_and_its_former_end_says_so() {
    let labour = ("D341000009", "施工劳务不分等级", "2026-01-20", "2021-01-20");
    let for_ever = (labour.0, labour.1, "长期", "2026-01-06");
    let building = ("D241000001", "建筑工程施工总承包二级", "2028-01-01", "2023-01-01");
    let building_for_ever = (building.0, building.1, "长期", building.3);
    let mut company = Company::with(&[labour, building]);
    for _ in 0..3 {
        assert_eq!(company.next(&[for_ever, building_for_ever]), NONE, "no date is another date");
    }
    let stated = |company: &Company, of: Shown<'_>| {
        let held = company.snapshot.held.values().find(|held| held.holding.number.text() == of.0).unwrap();
        (held.holding.last_day().map(|day| day.to_string()), held.holding.end_text.clone())
    };
    assert_eq!(
        stated(&company, labour),
        (Some("2026-01-20".to_owned()), "长期".to_owned()),
        "judged by the last day known, and said to be registered without an end"
    );
    assert_eq!(
        stated(&company, building),
        (Some("2028-01-01".to_owned()), "2028-01-01".to_owned()),
        "anywhere else that is a slip of the registry"
    );
    let held = company.snapshot.held.values().map(|held| &held.holding);
    let facts: Vec<_> = by_certificate(held).into_iter().filter_map(holding_facts).collect();
    let for_ever = facts.iter().filter(|facts| facts.is_endless_registration());
    assert_eq!(for_ever.map(|facts| facts.number.as_str()).collect::<Vec<_>>(), [labour.0]);
    assert_eq!(company.next(&[labour, building]), NONE);
    assert_eq!(stated(&company, labour).1, "2026-01-20", "and back");
}

#[test]
fn what_goes_at_the_look_at_which_its_successor_is_told_was_held_before() {
    let lower = ("A241009999", "工程设计建筑行业（建筑工程）乙级", "2031-01-01", "2026-01-01");
    let also = ("A241008888", "工程设计建筑行业（建筑工程）甲级", "2029-01-01", "2024-01-01");
    for (before, after, is_held, why) in [
        (&[A][..], &[lower][..], false, "it went with it"),
        (&[A, also], &[also, lower], true, "another one still holds it"),
        (&[A], &[A, lower], true, "it stays beside it"),
    ] {
        let mut company = Company::with(before);
        company.next(after);
        let mut events = company.next_events(after);
        events.retain(|event| event.news == News::CertificateAdded);
        if events.is_empty() {
            // It was told at its first look, with nothing gone.
            assert!(is_held, "{why}");
            continue;
        }
        let is_now = matches!(&events[0].notes[..], [Note::HeldElsewhere(_)]);
        let was = matches!(&events[0].notes[..], [Note::WasHeldElsewhere(old)] if old.number == A.0);
        assert_eq!((is_now, was), (is_held, !is_held), "{why}: {:?}", events[0].notes);
    }
}
