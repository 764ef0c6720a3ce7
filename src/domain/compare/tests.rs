//! Timelines, day by day: what a company's answers are, and what is told of them.

use chrono::{DateTime, TimeDelta, Utc};

use super::*;
use crate::domain::event::{EventKind, Note};
use crate::domain::holding::read_items;
use crate::domain::observation::Item;

/// A certificate as one item states it: number, qualifications, end, issue date.
type Shown<'a> = (&'a str, &'a str, &'a str, &'a str);

/// One company, looked at once a day at 08:00 in Shanghai.
struct Company {
    keyword: Keyword,
    snapshot: Snapshot,
    now: DateTime<Utc>,
}

const DAY: TimeDelta = TimeDelta::days(1);

impl Company {
    /// A company whose baseline of 2026-01-05 is `shown`.
    fn with(shown: &[Shown<'_>]) -> Self {
        let mut company = Self {
            keyword: "河南省建筑设计研究院有限公司".parse().unwrap(),
            snapshot: Snapshot::default(),
            now: "2026-01-05T00:00:00Z".parse().unwrap(),
        };
        let events = company.look(Some(shown));
        assert_eq!(kinds(&events), ["watching"]);
        company
    }

    fn look(&mut self, shown: Option<&[Shown<'_>]>) -> Vec<Event> {
        let zone = chrono_tz::Asia::Shanghai;
        let look = Look {
            company: &self.keyword,
            name: "河南院",
            now: self.now,
            today: self.now.with_timezone(&zone).date_naive(),
            zone,
            confirm_after: TimeDelta::hours(20),
        };
        let seen = match shown {
            Some(shown) => Seen::Holdings(read_items(&shown.iter().map(item).collect::<Vec<_>>()).unwrap()),
            None => Seen::Nothing,
        };
        let comparison = compare(&self.snapshot, &seen, &look);
        self.snapshot = comparison.after;
        comparison.events
    }

    /// The next day's look.
    fn next(&mut self, shown: &[Shown<'_>]) -> Vec<String> {
        self.now += DAY;
        kinds(&self.look(Some(shown)))
    }

    fn next_events(&mut self, shown: &[Shown<'_>]) -> Vec<Event> {
        self.now += DAY;
        self.look(Some(shown))
    }

    fn next_empty(&mut self) -> Vec<String> {
        self.now += DAY;
        kinds(&self.look(None))
    }
}

fn item((number, qualifications, end, issued): &Shown<'_>) -> Item {
    Item {
        organ: Some("住房和城乡建设部".into()),
        effective_time: Some((*end).into()),
        business_id: Some(format!("5d43a8f092aec74cbf04a163-{number}")),
        issuing_certificate_time: Some((*issued).into()),
        kind: Some("设计资质".into()),
        certificate_num: Some((*number).into()),
        qualification_name: Some((*qualifications).into()),
    }
}

fn kinds(events: &[Event]) -> Vec<String> {
    events.iter().map(|event| event.kind.to_string()).collect()
}

const NONE: [&str; 0] = [];
const A: Shown<'_> = (
    "A141002510",
    "工程设计建筑行业（建筑工程）甲级,工程设计市政行业给水工程专业甲级",
    "2028-08-23",
    "2023-08-23",
);
const E: Shown<'_> = ("E141002510", "工程监理房屋建筑工程专业甲级", "2028-05-16", "2023-05-16");

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

fn number(text: &str) -> crate::domain::number::CertificateNumber {
    crate::domain::number::CertificateNumber::parse(text).unwrap()
}

#[test]
fn a_raised_grade_is_told_once_at_the_first_look() {
    let low = ("A241002517", "工程设计风景园林工程专项乙级", "2028-08-23", "2023-08-23");
    let high = ("A241002517", "工程设计风景园林工程专项甲级", "2028-08-23", "2023-08-23");
    let mut company = Company::with(&[low]);
    let events = company.next_events(&[high]);
    assert_eq!(kinds(&events), ["grade_raised"]);
    assert_eq!((events[0].old.as_deref(), events[0].new.as_deref()), (Some("乙级"), Some("甲级")));
    assert_eq!(company.next(&[high]), NONE);
    assert_eq!(company.next(&[low]), NONE, "lowered: first look");
    assert_eq!(company.next(&[low]), ["grade_lowered"]);
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
    assert_eq!(
        (events[0].old.as_deref(), events[0].new.as_deref()),
        (Some("2028-08-23"), Some("2033-08-23"))
    );
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
    assert!(events[0].notes.contains(&Note::TakesBack { kind: EventKind::Change(Change::Renewed) }));
    assert_eq!(company.next(&[renewed]), NONE, "told again only when established");
    assert_eq!(company.next(&[renewed]), ["renewed"]);
    assert_eq!(company.next(&[renewed]), NONE);
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
fn an_earlier_end_is_told_when_established() {
    let shortened = (A.0, A.1, "2027-08-23", A.3);
    let mut company = Company::with(&[A]);
    assert_eq!(company.next(&[shortened]), NONE);
    assert_eq!(company.next(&[shortened]), ["validity_shortened"]);
}

#[test]
fn an_issue_date_that_moved_alone_is_a_reissue() {
    let reissued = (A.0, A.1, A.2, "2024-01-01");
    let mut company = Company::with(&[A]);
    assert_eq!(company.next(&[reissued]), NONE);
    let events = company.next_events(&[reissued]);
    assert_eq!(kinds(&events), ["reissued"]);
    assert_eq!(
        (events[0].old.as_deref(), events[0].new.as_deref()),
        (Some("2023-08-23"), Some("2024-01-01"))
    );
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
fn a_new_certificate_is_told_once_and_taken_back_when_it_was_none() {
    let mut company = Company::with(&[A]);
    assert_eq!(company.next(&[A, E]), ["certificate_added"]);
    assert_eq!(company.next(&[A]), NONE);
    assert_eq!(company.next(&[A]), ["retracted"]);
    assert_eq!(company.next(&[A, E]), NONE, "told again only when established");
    assert_eq!(company.next(&[A, E]), ["certificate_added"]);
}

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
    assert_eq!(events[0].qualification.as_deref(), Some("工程设计市政行业道路工程专业甲级"));
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
    assert_eq!(
        (events[0].old.as_deref(), events[0].new.as_deref()),
        (Some("A141002510"), Some("A141009999"))
    );
    for _ in 0..40 {
        assert_eq!(company.next(&[A, new]), NONE);
    }
    for _ in 0..5 {
        assert_eq!(company.next(&[new]), NONE, "superseded: its going is not told");
    }
}

#[test]
fn a_replacement_at_the_very_look_of_the_loss_covers_it() {
    let new = ("A141009999", A.1, "2031-01-01", "2026-01-01");
    let mut company = Company::with(&[A]);
    assert_eq!(company.next(&[new]), ["certificate_replaced"]);
    assert_eq!(company.next(&[new]), NONE, "established together, the gain first");
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
fn what_ended_long_ago_raises_nothing() {
    let old = ("B241002517", "工程勘察工程钻探劳务", "2020-08-26", "2015-08-26");
    let mut company = Company::with(&[A]);
    assert_eq!(company.next(&[A, old]), NONE, "nor its coming");
    assert_eq!(company.next(&[A]), NONE, "nor its going");
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
fn an_empty_answer_is_never_a_baseline() {
    let keyword: Keyword = "无此公司".parse().unwrap();
    let zone = chrono_tz::Asia::Shanghai;
    let now: DateTime<Utc> = "2026-01-05T00:00:00Z".parse().unwrap();
    let look =
        Look { company: &keyword, name: "无", now, today: now.date_naive(), zone, confirm_after: DAY };
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

proptest::proptest! {
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
