use super::*;
use crate::domain::event::{Change, EventKind, Note, Trouble, TroubleFacts};
use crate::domain::language::Language::{Chinese, English};
use crate::email::words::cast::{
    TODAY, baseline, certificate, construction, day, design, event, instant, of, of_change, of_trouble,
    stage, supervision,
};

fn today() -> NaiveDate {
    day(TODAY)
}

fn one(events: &[Event], language: Language) -> Letter {
    let mut letters = compose(events, language, today());
    assert_eq!(letters.len(), 1);
    letters.remove(0)
}

fn as_text(letter: &Letter) -> String {
    format!("{}\n\n{}", letter.subject, letter.text)
}

/// A day's alert of three companies.
fn mixed() -> Vec<Event> {
    let yu = |event| of(event, "豫建监理咨询集团有限公司", "豫建监理");
    let zhong = |event| of(event, "914100000000000430", "中原市政工程有限公司");
    vec![
        of_change(Change::Renewed),
        yu(of_change(Change::CertificateRemoved)),
        zhong(stage(Change::FilingDue, construction("2026-10-31"), TODAY)),
        stage(Change::Expiring, design("2026-08-23"), TODAY),
        yu(of_change(Change::CertificateAdded)),
        zhong(of_change(Change::GradeRaised)),
        yu(stage(Change::Expiring, supervision("2026-10-22"), TODAY)),
        yu(Event { notes: vec![Note::NoLongerListed], ..of_change(Change::Expired) }),
    ]
}

/// A 统一延期, and a common end.
fn many() -> Vec<Event> {
    let mut events = vec![stage(Change::Expiring, design("2026-08-23"), TODAY)];
    for number in 0..12 {
        let company = format!("第{number}工程有限公司");
        let digits = format!("D3411234{number:02}");
        let extended = Event {
            old: Some("2026-12-30".to_owned()),
            new: Some("2027-12-31".to_owned()),
            certificate: Some(certificate(&digits, "建筑业企业资质", "2027-12-31", "建筑工程施工总承包二级")),
            ..event(Change::ValidityExtended)
        };
        events.push(of(extended, &company, &company));
        let facts =
            certificate(&format!("A24100{number:04}"), "设计资质", "2026-12-31", "建筑装饰工程设计专项乙级");
        events.push(of(stage(Change::Expiring, facts, TODAY), &company, &company));
    }
    events
}

fn operators() -> Vec<Event> {
    let mut events: Vec<Event> = Trouble::ALL.into_iter().flat_map(of_trouble).collect();
    for line in 1..=6 {
        let company = format!("第{line}工程有限公司");
        let mut event = Event::new(
            EventKind::Trouble(Trouble::CompanyNotFound),
            instant("2026-07-24T00:05:00Z"),
            today(),
        );
        event.trouble = Some(TroubleFacts {
            code: Some(265_004),
            reason: "查询无结果".to_owned(),
            line: Some(line * 10),
            ..TroubleFacts::default()
        });
        events.push(of(event, &company, &company));
    }
    events
}

#[test]
fn a_mixed_digest_reads_well() {
    let letter = one(&mixed(), Chinese);
    insta::assert_snapshot!("mixed_zh", as_text(&letter));
    insta::assert_snapshot!("mixed_html", letter.html);
    insta::assert_snapshot!("mixed_en", as_text(&one(&mixed(), English)));
}

#[test]
fn every_change_reads_well_in_a_digest() {
    let events = Change::ALL.map(of_change);
    insta::assert_snapshot!("every_change_zh", as_text(&one(&events, Chinese)));
    insta::assert_snapshot!("every_change_en", as_text(&one(&events, English)));
}

#[test]
fn five_that_share_kind_and_ends_have_one_headline() {
    insta::assert_snapshot!("many_zh", as_text(&one(&many(), Chinese)));
    insta::assert_snapshot!("many_en", as_text(&one(&many(), English)));
}

#[test]
fn operators_read_what_to_do() {
    insta::assert_snapshot!("operators_zh", as_text(&one(&operators(), Chinese)));
    insta::assert_snapshot!("operators_en", as_text(&one(&operators(), English)));
}

#[test]
fn a_baseline_lists_what_was_found() {
    insta::assert_snapshot!("baseline_zh", as_text(&one(&[baseline()], Chinese)));
    let six: Vec<Event> = (0..6)
        .map(|number| {
            let company = format!("第{number}工程有限公司");
            of(baseline(), &company, &company)
        })
        .collect();
    insta::assert_snapshot!("baselines_zh", as_text(&one(&six, Chinese)));
    insta::assert_snapshot!("baselines_en", as_text(&one(&six, English)));
}

/// Writes the HTML of the richest digests where the variable says, to be looked at in a browser.
#[test]
fn digests_can_be_looked_at() {
    let Some(directory) = std::env::var_os("QUALWATCH_LOOK") else {
        return;
    };
    let six = (0..6)
        .map(|number| of(baseline(), &format!("第{number}工程有限公司"), &format!("第{number}工程有限公司")));
    let six: Vec<Event> = six.chain([baseline()]).collect();
    for (name, events, language) in [
        ("mixed", mixed(), Chinese),
        ("mixed_en", mixed(), English),
        ("every", Change::ALL.map(of_change).to_vec(), Chinese),
        ("many", many(), Chinese),
        ("operators", operators(), Chinese),
        ("baselines", six, Chinese),
        ("baseline", vec![baseline()], English),
    ] {
        let path = std::path::Path::new(&directory).join(format!("{name}.html"));
        std::fs::write(path, one(&events, language).html).unwrap();
    }
}
