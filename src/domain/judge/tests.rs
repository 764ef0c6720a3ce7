//! Thresholds, day by day.

use chrono::TimeDelta;

use super::*;
use crate::domain::compare::{Seen, Upstream, compare};
use crate::domain::holding::read_items;
use crate::domain::keyword::Keyword;
use crate::domain::observation::Item;

type Shown<'a> = (&'a str, &'a str, &'a str, &'a str);

struct Company {
    keyword: Keyword,
    snapshot: Snapshot,
    told: Vec<Told>,
    renewals: Vec<Renewal>,
    today: NaiveDate,
    thresholds: Thresholds,
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// 08:00 in Shanghai.
fn morning(day: NaiveDate) -> DateTime<Utc> {
    day.and_hms_opt(0, 0, 0).unwrap().and_utc()
}

fn item((number, qualifications, end, issued): &Shown<'_>) -> Item {
    Item {
        effective_time: Some((*end).into()),
        issuing_certificate_time: Some((*issued).into()),
        certificate_num: Some((*number).into()),
        qualification_name: Some((*qualifications).into()),
        ..Item::default()
    }
}

impl Company {
    fn on(today: &str, shown: &[Shown<'_>]) -> Self {
        let mut company = Self {
            keyword: "河南院".parse().unwrap(),
            snapshot: Snapshot::default(),
            told: Vec::new(),
            renewals: Vec::new(),
            today: day(today),
            thresholds: Thresholds {
                expiry_days: vec![180, 90, 60, 30, 7, 1, 0],
                expired_days: vec![1, 7, 30],
                filing_days: vec![30, 7, 0],
            },
        };
        company.look(shown);
        company
    }

    fn look_of(keyword: &Keyword, today: NaiveDate) -> Look<'_> {
        let zone = chrono_tz::Asia::Shanghai;
        Look::new((keyword, "河南院"), morning(today), zone, TimeDelta::hours(20), Upstream::Trusted)
    }

    fn look(&mut self, shown: &[Shown<'_>]) {
        let items: Vec<Item> = shown.iter().map(item).collect();
        let seen = Seen::Holdings(read_items(&items));
        let look = Self::look_of(&self.keyword, self.today);
        self.snapshot = compare(&self.snapshot, &seen, &look).after;
    }

    fn memory(&self) -> Memory<'_> {
        Memory { told: &self.told, renewals: &self.renewals }
    }

    /// What is told today: kind, number, threshold.
    fn judged(&mut self) -> Vec<(String, String, i64)> {
        self.judged_events()
            .into_iter()
            .map(|event| {
                let number = event.certificate.as_ref().map(|facts| facts.number.clone()).unwrap_or_default();
                (event.kind().to_string(), number, event.news.fields().threshold.unwrap())
            })
            .collect()
    }

    fn judged_events(&mut self) -> Vec<Event> {
        let look = Self::look_of(&self.keyword, self.today);
        let judgement = judge(&self.snapshot, self.memory(), &self.thresholds, None, &look);
        self.told.extend(judgement.told);
        judgement.events
    }

    fn judged_on(&mut self, today: &str) -> Vec<(String, i64)> {
        self.today = day(today);
        self.judged().into_iter().map(|(kind, _, threshold)| (kind, threshold)).collect()
    }
}

fn told(kind: &str, number: &str, threshold: i64) -> (String, String, i64) {
    (kind.into(), number.into(), threshold)
}

const CERTIFICATE: Shown<'_> = ("E241002517", "工程监理市政公用工程专业乙级", "2026-12-31", "2021-12-31");

#[test]
fn the_documents_example_is_judged_as_of_2024_01_31() {
    let mut company = Company::on(
        "2024-01-31",
        &[
            ("A141002510", "工程设计建筑行业（建筑工程）甲级", "2024-08-23", "2019-08-23"),
            ("E141002510", "工程监理房屋建筑工程专业甲级", "2024-05-16", "2019-05-16"),
            ("A241002517", "工程设计风景园林工程专项乙级", "2024-04-22", "2019-04-22"),
            ("E241002517", "工程监理市政公用工程专业乙级", "2024-04-22", "2019-04-22"),
            ("B241002517", "工程勘察工程钻探劳务", "2020-08-26", "2015-08-26"),
        ],
    );
    let expected = [
        told("expiring", "A241002517", 90),
        told("filing_due", "A241002517", 30),
        told("expiring", "E141002510", 180),
        told("expiring", "E241002517", 90),
        told("filing_due", "E241002517", 30),
    ];
    assert_eq!(company.judged(), expected);
    assert_eq!(company.judged(), [], "each threshold once, however often it is judged");
}

#[test]
fn each_threshold_is_told_once_on_its_day() {
    let mut company = Company::on("2026-06-01", &[CERTIFICATE]);
    let mut told = Vec::new();
    while company.today < day("2027-07-31") {
        for event in company.judged_events() {
            let threshold = event.news.fields().threshold.unwrap();
            told.push(format!("{} {} {threshold}", company.today, event.kind()));
            assert_eq!(event.days_left, Some((day(CERTIFICATE.2) - company.today).num_days()));
        }
        company.today = company.today.succ_opt().unwrap();
    }
    let expected = [
        "2026-07-04 expiring 180",
        "2026-10-02 expiring 90",
        "2026-10-02 filing_due 30",
        "2026-10-25 filing_due 7",
        "2026-11-01 filing_due 0",
        "2026-11-02 filing_due -1",
        "2026-12-01 expiring 30",
        "2026-12-24 expiring 7",
        "2026-12-30 expiring 1",
        "2026-12-31 expiring 0",
        "2027-01-01 expired 1",
        "2027-01-07 expired 7",
        "2027-01-30 expired 30",
    ];
    assert_eq!(told, expected);
}

#[test]
fn missed_days_are_made_up_with_the_tightest_threshold() {
    let mut company = Company::on("2026-06-01", &[CERTIFICATE]);
    let told = |kind: &str, threshold| (kind.to_owned(), threshold);
    assert_eq!(company.judged_on("2026-10-10"), [told("expiring", 90), told("filing_due", 30)]);
    let slept_through = company.judged_on("2026-12-20");
    assert_eq!(
        slept_through,
        [told("expiring", 30)],
        "60 is past; the words of 30 say that the filing day has passed"
    );
    assert_eq!(company.judged_on("2026-12-21"), [], "and the passed filing day counts as told");
    assert_eq!(company.judged_on("2027-02-10"), [told("expired", 30)], "only the latest stage");
    assert_eq!(company.judged_on("2027-08-01"), [], "what ended over 180 days ago raises nothing");
}

#[test]
fn a_threshold_added_later_is_told_only_when_no_tighter_one_was() {
    let mut company = Company::on("2026-11-10", &[CERTIFICATE]);
    assert_eq!(company.judged_on("2026-11-10"), [("filing_due".to_owned(), -1)], "60 is of the filing day");
    company.thresholds.expiry_days.push(365);
    assert_eq!(company.judged_on("2026-11-11"), [], "an added 365 is not");
    company.thresholds.expiry_days.push(45);
    assert_eq!(
        company.judged_on("2026-11-21"),
        [("expiring".to_owned(), 45)],
        "an added 45 is told at 40 days left"
    );
}

#[test]
fn kinds_have_memories_of_their_own() {
    let mut company = Company::on("2026-10-10", &[CERTIFICATE]);
    company.thresholds.expiry_days = vec![30];
    assert_eq!(company.judged_on("2026-10-10"), [("filing_due".to_owned(), 30)]);
    assert!(
        company.judged_on("2026-12-01").contains(&("expiring".to_owned(), 30)),
        "filing_due 30 does not silence it"
    );
}

#[test]
fn what_was_told_on_a_day_ahead_does_not_count() {
    let mut company = Company::on("2026-12-24", &[CERTIFICATE]);
    company.judged_on("2026-12-30");
    assert_eq!(company.judged_on("2026-12-24"), [("expiring".to_owned(), 7)], "the clock had been wrong");
    assert_eq!(company.judged_on("2026-12-30"), [], "told on that very day already");
}

#[test]
fn a_later_end_in_doubt_holds_thresholds_back_for_two_days() {
    let later = ("E241002517", "工程监理市政公用工程专业乙级", "2031-12-31", "2026-11-28");
    let mut company = Company::on("2026-11-20", &[CERTIFICATE]);
    company.judged();
    company.today = day("2026-12-01");
    company.look(&[later]);
    assert_eq!(company.judged(), [], "30 days left, but a later end was seen");
    assert_eq!(company.judged_on("2026-12-02"), [], "upstream is down");
    company.today = day("2026-12-03");
    let events = company.judged_events();
    assert_eq!(events.len(), 1, "at most two days");
    assert!(events[0].notes.contains(&Note::LaterEndInDoubt { end: day("2031-12-31") }));
}

#[test]
fn a_later_end_seen_once_and_gone_loses_no_alarm() {
    let later = ("E241002517", "工程监理市政公用工程专业乙级", "2031-12-31", "2026-11-28");
    for odd in ["2031-12-31", "-", "长期"] {
        let mut company = Company::on("2026-11-20", &[CERTIFICATE]);
        company.judged();
        company.today = day("2026-12-01");
        company.look(&[(later.0, later.1, odd, later.3)]);
        let mut found = company.judged();
        company.today = day("2026-12-02");
        company.look(&[CERTIFICATE]);
        found.extend(company.judged());
        assert_eq!(found, [told("expiring", "E241002517", 30)], "{odd}");
    }
}

#[test]
fn the_end_day_itself_never_waits() {
    let later = ("E241002517", "工程监理市政公用工程专业乙级", "2031-12-31", "2026-12-31");
    let mut company = Company::on("2026-12-30", &[CERTIFICATE]);
    company.judged();
    company.today = day("2026-12-31");
    company.look(&[later]);
    assert_eq!(company.judged(), [told("expiring", "E241002517", 0)]);
}

#[test]
fn an_established_later_end_starts_anew() {
    let later = ("E241002517", "工程监理市政公用工程专业乙级", "2027-03-01", "2026-11-28");
    let mut company = Company::on("2026-12-24", &[CERTIFICATE]);
    company.judged();
    company.today = day("2026-12-25");
    company.look(&[later]);
    assert_eq!(company.judged(), []);
    company.today = day("2026-12-26");
    company.look(&[later]);
    assert_eq!(company.judged_on("2026-12-26"), [("expiring".to_owned(), 90), ("filing_due".to_owned(), 7)]);
}

#[test]
fn a_superseded_certificate_raises_no_threshold_and_a_partly_covered_one_says_so() {
    let old = ("D241002517", "建筑工程施工总承包二级,市政公用工程施工总承包二级", "2026-02-01", "2021-02-01");
    let covers_all =
        ("D241009999", "建筑工程施工总承包一级,市政公用工程施工总承包二级", "2031-01-01", "2026-01-02");
    let covers_one = ("D241009999", "建筑工程施工总承包二级", "2031-01-01", "2026-01-02");
    let mut company = Company::on("2026-01-10", &[old, covers_all]);
    assert_eq!(company.judged(), []);
    let mut company = Company::on("2026-01-10", &[old, covers_one]);
    let events = company.judged_events();
    assert_eq!(events.len(), 1);
    let covered = |note: &Note| matches!(note, Note::PartlyCovered(place) if place.number == "D241009999");
    assert!(events[0].notes.iter().any(covered));
    assert!(events[0].notes.contains(&Note::FilingDayPassed));
}

#[test]
fn nothing_is_superseded_by_what_was_seen_once() {
    let old = ("D241002517", "建筑工程施工总承包二级", "2026-02-01", "2021-02-01");
    let new = ("D241009999", "建筑工程施工总承包二级", "2031-01-01", "2026-01-02");
    let mut company = Company::on("2026-01-10", &[old]);
    company.judged();
    company.today = day("2026-01-25");
    company.look(&[old, new]);
    assert_eq!(company.judged(), [told("expiring", "D241002517", 7)]);
}

#[test]
fn a_certificate_seen_once_is_judged_by_its_own_end() {
    let mut company = Company::on("2026-01-10", &[CERTIFICATE]);
    company.judged();
    company.today = day("2026-01-11");
    company.look(&[CERTIFICATE, ("E241009999", "工程监理公路工程专业乙级", "2026-01-20", "2021-01-20")]);
    assert_eq!(company.judged(), [told("expiring", "E241009999", 30)]);
}

#[test]
fn a_row_dropped_on_its_last_day_expires_the_next_and_says_so() {
    let other = ("A141002510", "工程设计建筑行业（建筑工程）甲级", "2030-08-23", "2025-08-23");
    let mut company = Company::on("2026-12-30", &[CERTIFICATE, other]);
    company.judged();
    company.today = day("2026-12-31");
    company.look(&[other]);
    assert_eq!(company.judged(), [told("expiring", "E241002517", 0)]);
    company.today = day("2027-01-01");
    company.look(&[other]);
    let events = company.judged_events();
    assert_eq!(events.iter().map(|event| event.kind().to_string()).collect::<Vec<_>>(), ["expired"]);
    assert!(events[0].notes.contains(&Note::NoLongerListed));
}

#[test]
fn an_end_before_its_own_issue_date_is_no_expiry() {
    let slip = ("E241002517", "工程监理公路工程专业乙级", "2026-01-09", "2026-01-10");
    let right = ("E241002525", "工程监理电力工程专业乙级", "2026-01-09", "2026-01-09");
    let mut company = Company::on("2026-01-10", &[slip, right]);
    assert_eq!(company.judged(), [told("expired", "E241002525", 1)], "of a slip the operator hears");
}

/// What is told from 100 days before the end to 50 before it: days left, kind, threshold.
fn around_the_filing_day(company: &mut Company, end: &str) -> Vec<String> {
    let end = day(end);
    let mut told = Vec::new();
    for left in (50..=100).rev() {
        company.today = end - TimeDelta::days(left);
        told.extend(
            company.judged().into_iter().map(|(kind, _, threshold)| format!("{left} {kind} {threshold}")),
        );
    }
    told
}

#[test]
fn a_stage_near_the_filing_day_is_one_reminder_with_it() {
    const D: (&str, &str) = ("D241002517", "建筑工程施工总承包二级");
    for (end, filing_days, expected, why) in [
        (
            "2026-05-31",
            &[30, 7, 0][..],
            &["99 filing_due 7", "92 filing_due 0", "91 filing_due -1", "60 expiring 60"][..],
            "92 days: before 90",
        ),
        (
            "2026-05-28",
            &[30, 7, 0],
            &["96 filing_due 7", "89 filing_due 0", "88 filing_due -1", "60 expiring 60"],
            "89 days: 90 waits",
        ),
        (
            "2026-08-23",
            &[30, 7, 0],
            &["99 filing_due 7", "92 filing_due 0", "91 filing_due -1", "60 expiring 60"],
            "as most",
        ),
        (
            "2026-05-28",
            &[30],
            &["88 filing_due -1", "60 expiring 60"],
            "no stage of the day itself: of its having passed",
        ),
        (
            "2026-05-28",
            &[],
            &["90 expiring 90", "60 expiring 60"],
            "filing days switched off: told by itself",
        ),
    ] {
        let mut company = Company::on("2025-12-01", &[(D.0, D.1, end, "2021-06-01")]);
        company.thresholds.filing_days = filing_days.to_vec();
        company.today = day(end) - TimeDelta::days(101);
        company.judged();
        assert_eq!(around_the_filing_day(&mut company, end), expected, "{end}: {why}");
    }
    let mut company = Company::on("2026-09-20", &[CERTIFICATE]);
    company.judged();
    let expected =
        ["90 expiring 90", "90 filing_due 30", "67 filing_due 7", "60 filing_due 0", "59 filing_due -1"];
    assert_eq!(around_the_filing_day(&mut company, "2026-12-31"), expected, "supervision: 60 days");
}

#[test]
fn who_is_seen_first_after_the_filing_day_hears_of_it_once() {
    const D: (&str, &str) = ("D241002517", "建筑工程施工总承包二级");
    for (today, expected, why) in [
        ("2026-02-28", &["filing_due 0"][..], "the day itself, at 89 days"),
        ("2026-02-27", &["filing_due 7"], "the day before: 90 is of the day to come"),
        ("2026-03-05", &["filing_due -1"], "90 is of the day that has passed"),
        ("2026-04-10", &["expiring 60"], "whose words say that the filing day has passed"),
    ] {
        let mut company = Company::on(today, &[(D.0, D.1, "2026-05-28", "2021-06-01")]);
        let told: Vec<String> =
            company.judged().into_iter().map(|(kind, _, threshold)| format!("{kind} {threshold}")).collect();
        assert_eq!(told, expected, "{today}: {why}");
        assert_eq!(company.judged(), [], "{why}: once");
    }
}

#[test]
fn once_the_renewal_was_filed_the_filing_day_is_silent_and_the_end_says_so_from_thirty_days_on() {
    let of = |end: &str| Renewal {
        number: CertificateNumber::parse("e241002517").unwrap(),
        end: day(end),
        filed: day("2026-10-20"),
        reference: Some("受理〔2026〕18号".into()),
    };
    let mut company = Company::on("2026-10-20", &[CERTIFICATE]);
    company.judged();
    company.renewals = vec![of("2026-12-31")];
    let mut told = Vec::new();
    while company.today < day("2027-02-10") {
        let events = company.judged_events();
        let is_said = |event: &Event| event.notes.iter().any(|note| matches!(note, Note::Renewing { .. }));
        assert!(events.iter().all(is_said));
        told.extend(events.iter().map(|event| {
            format!("{} {} {}", company.today, event.kind(), event.news.fields().threshold.unwrap())
        }));
        company.today = company.today.succ_opt().unwrap();
    }
    let expected = [
        "2026-12-01 expiring 30",
        "2026-12-24 expiring 7",
        "2026-12-30 expiring 1",
        "2026-12-31 expiring 0",
        "2027-01-01 expired 1",
        "2027-01-07 expired 7",
        "2027-01-30 expired 30",
    ];
    assert_eq!(told, expected);

    let mut company = Company::on("2026-10-20", &[CERTIFICATE]);
    company.judged();
    company.renewals = vec![of("2026-12-30")];
    assert_eq!(company.judged_on("2026-10-25"), [("filing_due".to_owned(), 7)], "another end");
    company.renewals = vec![of("2026-12-31")];
    assert_eq!(company.judged_on("2026-11-05"), []);
    company.renewals.clear();
    assert_eq!(
        company.judged_on("2026-11-06"),
        [("filing_due".to_owned(), -1)],
        "taken back: what is due then"
    );
}

#[test]
fn what_is_exchanged_or_registered_has_no_filing_day() {
    for (names, note, why) in [
        ("建筑工程施工总承包三级", true, "an abolished grade"),
        ("建筑工程施工总承包三级,桥梁工程专业承包叁级", true, "all of it"),
        ("施工劳务不分等级", false, "labour"),
    ] {
        let mut company = Company::on("2026-03-01", &[("D341000302", names, "2026-06-10", "2021-06-11")]);
        company.judged();
        let mut told = Vec::new();
        while company.today < day("2026-06-10") {
            company.today = company.today.succ_opt().unwrap();
            for event in company.judged_events() {
                assert_eq!(event.notes.contains(&Note::GradeAbolished), note, "{why}");
                assert!(!event.notes.contains(&Note::FilingDayPassed), "{why}");
                assert_eq!(event.certificate.as_ref().unwrap().filing_day, None, "{why}");
                told.push(format!("{} {}", event.kind(), event.news.fields().threshold.unwrap()));
            }
        }
        assert_eq!(
            told,
            ["expiring 90", "expiring 60", "expiring 30", "expiring 7", "expiring 1", "expiring 0"],
            "{why}"
        );
    }
    let mixed = ("D341000302", "建筑工程施工总承包三级,桥梁工程专业承包二级", "2026-06-10", "2021-06-11");
    let mut company = Company::on("2026-03-08", &[mixed]);
    assert_eq!(
        company.judged(),
        [told("expiring", "D341000302", 180), told("filing_due", "D341000302", 7)],
        "the rest is renewed"
    );
}

#[test]
fn abolished_families_have_no_filing_day() {
    let mut company = Company::on(
        "2026-10-10",
        &[("C141002510", "建筑智能化工程设计与施工一级", "2026-12-31", "2021-12-31")],
    );
    assert_eq!(company.judged(), [told("expiring", "C141002510", 90)]);
}

#[test]
fn thresholds_are_chosen_by_days() {
    for (last_day, today, due, why) in [
        ("2026-12-31", "2026-10-01", None, "91 days left: none yet"),
        ("2026-12-31", "2026-10-02", Some(90), "the 90th day"),
        ("2026-12-31", "2026-12-20", Some(30), "slept through 90 and 60"),
        ("2026-12-31", "2026-12-31", Some(0), "the last valid day itself"),
    ] {
        let due_now = tightest_threshold(&[90, 60, 30, 7, 1, 0], days_left(day(last_day), day(today)));
        assert_eq!(due_now, due, "{why}");
    }
}

#[test]
fn a_certificate_seen_once_is_judged_until_it_is_taken_back() {
    let new = ("E241009999", "工程监理公路工程专业乙级", "2026-02-11", "2021-02-11");
    let mut company = Company::on("2026-01-10", &[CERTIFICATE]);
    company.judged();
    company.today = day("2026-01-11");
    company.look(&[CERTIFICATE, new]);
    assert_eq!(
        company.judged(),
        [told("filing_due", "E241009999", -1)],
        "31 days left: 60 is of the filing day"
    );
    company.today = day("2026-01-12");
    company.look(&[CERTIFICATE]);
    assert_eq!(
        company.judged(),
        [told("expiring", "E241009999", 30)],
        "30 days left, and not shown this once"
    );
    company.today = day("2026-01-13");
    company.look(&[CERTIFICATE]);
    assert_eq!(company.judged_on("2026-02-04"), [], "taken back");
}

#[test]
fn an_end_that_can_be_read_at_last_is_judged_at_once() {
    let unreadable = (CERTIFICATE.0, CERTIFICATE.1, "-", CERTIFICATE.3);
    let mut company = Company::on("2026-12-23", &[unreadable]);
    assert_eq!(company.judged(), [], "nothing to be judged by");
    company.today = day("2026-12-24");
    company.look(&[CERTIFICATE]);
    assert_eq!(company.judged(), [told("expiring", "E241002517", 7)], "better than no end at all");
    company.today = day("2026-12-25");
    company.look(&[CERTIFICATE]);
    assert_eq!(company.judged(), []);
}

#[test]
fn whatever_fires_while_a_later_end_is_in_doubt_names_it() {
    let later = (CERTIFICATE.0, CERTIFICATE.1, "2031-12-30", "2026-12-30");
    let names_it = |events: &[Event]| {
        let note = Note::LaterEndInDoubt { end: day("2031-12-30") };
        events.iter().all(|event| event.notes.contains(&note))
    };
    let mut company = Company::on("2026-12-29", &[CERTIFICATE]);
    company.judged();
    company.today = day("2026-12-30");
    company.look(&[later]);
    assert_eq!(company.judged(), [], "1 waits");
    company.today = day("2026-12-31");
    company.look(&[CERTIFICATE]);
    let events = company.judged_events();
    assert_eq!(events.len(), 1, "the end day never waits");
    assert!(names_it(&events), "told as renewed yesterday, not shown today, and not taken back");
    company.today = day("2027-01-01");
    company.look(&[CERTIFICATE]);
    let events = company.judged_events();
    assert_eq!(events.len(), 1, "expired");
    assert!(!names_it(&events), "taken back by now");
}

#[test]
fn two_later_ends_that_take_turns_hold_nothing_back_for_ever() {
    let to = |end| (CERTIFICATE.0, CERTIFICATE.1, end, "2026-11-28");
    let mut company = Company::on("2026-11-20", &[CERTIFICATE]);
    company.judged();
    let mut found = Vec::new();
    for (date, end) in [
        ("2026-12-01", "2031-12-31"),
        ("2026-12-02", "2033-12-31"),
        ("2026-12-03", "2031-12-31"),
        ("2026-12-04", "2033-12-31"),
    ] {
        company.today = day(date);
        company.look(&[to(end)]);
        found.extend(company.judged().into_iter().map(|told| (date, told.2)));
    }
    assert_eq!(found, [("2026-12-03", 30)]);
}

#[test]
fn certificates_without_a_readable_qualification_are_judged_each() {
    let mut company =
        Company::on("2026-12-24", &[("X1", "", "2026-12-31", ""), ("X2", "", "2030-12-31", "")]);
    assert_eq!(company.judged(), [told("expiring", "X1", 7)]);
}

#[test]
fn what_a_lost_cover_covered_is_judged_again() {
    let old = ("D241002517", "建筑工程施工总承包二级", "2026-02-01", "2021-02-01");
    let cover = ("D241009999", "建筑工程施工总承包二级", "2031-01-01", "2026-01-02");
    let mut company = Company::on("2026-01-10", &[old, cover]);
    assert_eq!(company.judged(), []);
    for date in ["2026-01-11", "2026-01-12"] {
        company.today = day(date);
        company.look(&[old]);
    }
    assert_eq!(company.judged(), [told("expiring", "D241002517", 30)]);
}

#[test]
fn a_cover_that_has_ended_itself_is_what_is_told() {
    let old = ("D241002517", "建筑工程施工总承包二级", "2026-02-01", "2021-02-01");
    let cover = ("D241009999", "建筑工程施工总承包二级", "2026-03-01", "2021-03-01");
    let mut company = Company::on("2026-03-02", &[old, cover]);
    assert_eq!(company.judged(), [told("expired", "D241009999", 1)]);
}

#[test]
fn a_company_may_have_days_of_its_own() {
    let mut company = Company::on("2026-05-05", &[CERTIFICATE]);
    company.thresholds.expiry_days = vec![240, 120, 60];
    assert_eq!(company.judged(), [told("expiring", "E241002517", 240)], "on its day");
    assert_eq!(company.judged_on("2026-09-01"), []);
    assert_eq!(company.judged_on("2026-09-02"), [("expiring".to_owned(), 120)]);
}

#[test]
fn of_what_has_passed_only_the_latest_stage_is_told() {
    let mut company = Company::on("2027-01-08", &[CERTIFICATE]);
    assert_eq!(
        company.judged(),
        [told("expired", "E241002517", 7)],
        "neither expiring nor a filing day nor 1"
    );
    assert_eq!(company.judged_on("2027-01-29"), []);
    assert_eq!(company.judged_on("2027-01-30"), [("expired".to_owned(), 30)]);
}

#[test]
fn each_end_of_a_split_certificate_has_a_judging_of_its_own() {
    let (one, other) = (
        ("D241002517", "建筑工程施工总承包二级", "2026-02-01", "2021-02-01"),
        ("D241002517", "市政公用工程施工总承包二级", "2026-03-01", "2021-03-01"),
    );
    let mut company = Company::on("2026-01-25", &[one, other]);
    assert_eq!(company.judged(), [told("expiring", "D241002517", 7), told("expiring", "D241002517", 60)]);
}

#[test]
fn an_item_dropped_on_its_own_end_day_says_so_when_it_has_expired() {
    let stays = ("E241002517", "工程监理公路工程专业乙级", "2030-12-31", "2025-12-31");
    let mut company = Company::on("2026-12-30", &[CERTIFICATE, stays]);
    company.judged();
    company.today = day("2026-12-31");
    company.look(&[stays]);
    assert_eq!(company.judged(), [told("expiring", "E241002517", 0)]);
    company.today = day("2027-01-01");
    company.look(&[stays]);
    let events = company.judged_events();
    assert_eq!(events.len(), 1);
    assert!(events[0].notes.contains(&Note::NoLongerListed));
    assert_eq!(events[0].certificate.as_ref().unwrap().qualifications.len(), 1, "the other one goes on");
}

#[test]
fn a_part_that_ended_long_ago_does_not_keep_the_rest_from_being_superseded() {
    let past = ("D241002517", "公路工程施工总承包二级", "2020-02-01", "2015-02-01");
    let old = ("D241002517", "建筑工程施工总承包二级", "2026-02-01", "2021-02-01");
    let cover = ("D241009999", "建筑工程施工总承包二级", "2031-01-01", "2026-01-02");
    let mut company = Company::on("2026-01-10", &[past, old, cover]);
    assert_eq!(company.judged(), []);
}

mod laws {
    use proptest::prelude::*;

    use super::*;

    const NUMBERS: [&str; 4] = ["D241000018", "A141002510", "E141002510", "D341000026"];
    const NAMES: [&str; 4] = [
        "建筑工程施工总承包二级",
        "工程设计市政行业给水工程专业甲级",
        "建筑工程施工总承包三级",
        "模板脚手架专业承包不分等级",
    ];

    fn shown() -> impl Strategy<Value = Vec<(usize, usize, i64)>> {
        prop::collection::vec((0..NUMBERS.len(), 0..NAMES.len(), -250..450_i64), 1..5)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// On the days that `next_day` leaves out nothing would have been told.
        #[test]
        fn judging_on_the_days_foreseen_tells_what_judging_daily_tells(shown in shown(), expiry in 0..200_i64) {
            let first = day("2026-01-05");
            let ends: Vec<String> =
                shown.iter().map(|(.., end)| (first + TimeDelta::days(*end)).to_string()).collect();
            let shown: Vec<Shown<'_>> = shown
                .iter()
                .zip(&ends)
                .map(|((number, name, _), end)| (NUMBERS[*number], NAMES[*name], end.as_str(), "2020-01-01"))
                .collect();
            let mut daily = Company::on("2026-01-05", &shown);
            daily.thresholds.expiry_days.push(expiry);
            let mut foreseen = Company::on("2026-01-05", &shown);
            foreseen.thresholds.expiry_days.push(expiry);
            let mut next = Some(first);
            for days in 0..500 {
                let today = first + TimeDelta::days(days);
                (daily.today, foreseen.today) = (today, today);
                let of_the_day = daily.judged();
                if next.is_some_and(|next| next <= today) {
                    prop_assert_eq!(of_the_day, foreseen.judged(), "{}", today);
                    next = next_day(&foreseen.snapshot, &foreseen.thresholds, today);
                } else {
                    prop_assert_eq!(of_the_day, vec![], "{} was not foreseen", today);
                }
            }
        }
    }
}

#[test]
fn labour_that_is_registered_without_an_end_never_expires() {
    for (names, expired, why) in [
        ("施工劳务不分等级", false, "it is registered for ever now"),
        ("建筑工程施工总承包二级", true, "of a licence that is a slip of the registry"),
    ] {
        let item = |end: &str| crate::domain::observation::Item {
            certificate_num: Some("D341000009".into()),
            qualification_name: Some(names.into()),
            effective_time: Some(end.into()),
            issuing_certificate_time: Some("2021-01-20".into()),
            ..crate::domain::observation::Item::default()
        };
        let keyword: crate::domain::keyword::Keyword = "河南院".parse().unwrap();
        let look = |now: &str| {
            let zone = chrono_tz::Asia::Shanghai;
            let hours = TimeDelta::hours(20);
            let upstream = crate::domain::compare::Upstream::Trusted;
            Look::new((&keyword, "河南院"), now.parse().unwrap(), zone, hours, upstream)
        };
        let mut snapshot = Snapshot::default();
        for (now, end) in [
            ("2026-01-05T00:00:00Z", "2026-01-20"),
            ("2026-01-10T00:00:00Z", "长期"),
            ("2026-01-11T00:00:00Z", "长期"),
        ] {
            let seen = holding::read_items(&[item(end)]);
            let seen = crate::domain::compare::Seen::Holdings(seen);
            snapshot = crate::domain::compare::compare(&snapshot, &seen, &look(now)).after;
        }
        let thresholds =
            Thresholds { expiry_days: vec![7, 0], expired_days: vec![1], filing_days: Vec::new() };
        let kinds_on = |now: &str| -> Vec<String> {
            let memory = Memory { told: &[], renewals: &[] };
            let judged = judge(&snapshot, memory, &thresholds, None, &look(now));
            judged.events.iter().map(|event| event.kind().to_string()).collect()
        };
        assert_eq!(
            kinds_on("2026-01-15T00:00:00Z"),
            ["expiring"],
            "{why}: the former end is said to be near"
        );
        assert_eq!(kinds_on("2026-01-22T00:00:00Z").is_empty(), !expired, "{why}");
    }
}
