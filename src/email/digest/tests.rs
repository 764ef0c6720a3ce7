use proptest::prelude::*;

use super::*;
use crate::domain::event::{
    Baseline, CertificateFacts, Change, Elsewhere, EventKind, News, Note, Rest, Trouble, TroubleFacts,
};
use crate::domain::grade::Grade;
use crate::domain::language::Language::{Chinese, English};
use crate::email::words::cast::{
    TODAY, baseline, certificate, construction, day, design, instant, moved, of, of_change, of_trouble,
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
    let municipal = || certificate("E241009872", "监理资质", "2026-10-22", "工程监理市政公用工程专业乙级");
    let highway = || certificate("E241009873", "监理资质", "2026-07-23", "工程监理公路工程专业乙级");
    let survey = || certificate("B241002517", "勘察资质", "2028-03-11", "工程勘察岩土工程专业乙级");
    let renewed = CertificateFacts { issued_on: Some(day("2026-07-20")), ..supervision("2031-07-19") };
    let renewed = moved(News::Renewed, renewed, "2026-07-20", "2031-07-19");
    vec![
        renewed,
        Event { certificate: Some(survey()), ..of_change(Change::CertificateRemoved) },
        zhong(stage(Change::FilingDue, construction("2026-10-31"), TODAY)),
        stage(Change::Expiring, design("2026-08-23"), TODAY),
        zhong(of_change(Change::GradeRaised)),
        yu(stage(Change::Expiring, municipal(), TODAY)),
        yu(Event { notes: vec![Note::NoLongerListed], ..stage(Change::Expired, highway(), TODAY) }),
    ]
}

/// A short one of them: the picture in the handbook.
fn alert() -> Vec<Event> {
    let wanted = [Change::Expiring, Change::FilingDue, Change::CertificateRemoved, Change::Renewed];
    let is_wanted = |event: &Event| wanted.iter().any(|change| event.kind() == EventKind::Change(*change));
    let is_first =
        |event: &Event| event.certificate.as_ref().is_none_or(|facts| facts.number != "E241009872");
    mixed().into_iter().filter(|event| is_wanted(event) && is_first(event)).collect()
}

/// A 统一延期, and a common end.
/// All certificates of a company, none of which is listed any more.
fn gone(all: &[CertificateFacts]) -> Vec<Event> {
    let lost = |facts: &CertificateFacts| Event {
        notes: vec![Note::NothingLeft, Note::Confirmed { looks: 2 }],
        ..stage(Change::CertificateRemoved, facts.clone(), TODAY)
    };
    all.iter().map(lost).collect()
}

fn many() -> Vec<Event> {
    let mut events = vec![stage(Change::Expiring, design("2026-08-23"), TODAY)];
    for number in 0..12 {
        let company = format!("第{number}工程有限公司");
        let digits = format!("D3411234{number:02}");
        let facts = certificate(&digits, "建筑业企业资质", "2027-12-31", "建筑工程施工总承包二级");
        let extended = moved(News::ValidityExtended, facts, "2026-12-30", "2027-12-31");
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
        let facts = TroubleFacts {
            code: Some(265_004),
            reason: "查询无结果".to_owned(),
            line: Some(line * 10),
            ..TroubleFacts::default()
        };
        let news = News::Trouble(Trouble::CompanyNotFound, facts);
        let event = Event::new(news, instant("2026-07-24T00:05:00Z"), today());
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

/// Certificates of so many companies whose ends come on one day; of the first `parts` only a part ends then.
fn ending(parts: usize, count: usize) -> Vec<Event> {
    let event = |number: usize| {
        let facts =
            certificate(&format!("D3611{number:05}"), "建筑业企业资质", "2026-10-31", "环保工程专业承包二级");
        let rest = vec![Rest { valid_until: Some(day("2031-03-26")), count: 3 }];
        let rest = if number < parts { rest } else { Vec::new() };
        let company = format!("第{number}工程有限公司");
        of(Event { rest, ..stage(Change::Expiring, facts, TODAY) }, &company, &company)
    };
    (0..count).map(event).collect()
}

#[test]
fn a_headline_says_that_it_is_of_parts_of_certificates() {
    let one_company = |events: Vec<Event>| -> Vec<Event> {
        events.into_iter().map(|event| of(event, "甲公司", "甲公司")).collect()
    };
    for (events, zh, en) in [
        (
            ending(6, 6),
            "6 本证书（涉及 6 家企业）的部分资质将于",
            "6 certificates of 6 companies (each in part) expire on",
        ),
        (
            ending(2, 6),
            "6 本证书（涉及 6 家企业，其中 2 本仅部分资质）将于",
            "6 certificates of 6 companies (2 of them in part) expire on",
        ),
        (ending(0, 6), "6 本证书（涉及 6 家企业）将于", "6 certificates of 6 companies expire on"),
        (one_company(ending(6, 6)), "6 本证书的部分资质将于", "6 certificates (each in part) expire on"),
        (
            one_company(ending(2, 6)),
            "6 本证书（其中 2 本仅部分资质）将于",
            "6 certificates (2 of them in part) expire on",
        ),
    ] {
        for (language, said) in [(Chinese, zh), (English, en)] {
            let letter = one(&events, language);
            assert!(letter.text.contains(said), "{said}\n{}", letter.text);
        }
    }
}

#[test]
fn a_headline_of_many_says_by_when_to_apply() {
    // The filing day of construction is three months before the end, that of supervision 60 days.
    let six = |end: &str, supervised: usize| -> Vec<Event> {
        let event = |number: usize| {
            let (letter, kind) =
                if number < supervised { ('E', "监理资质") } else { ('D', "建筑业企业资质") };
            let facts = certificate(&format!("{letter}2411{number:05}"), kind, end, "甲级");
            let company = format!("第{number}工程有限公司");
            of(stage(Change::FilingDue, facts, TODAY), &company, &company)
        };
        (0..6).map(event).collect()
    };
    let filed = |mut events: Vec<Event>, count: usize| -> Vec<Event> {
        for event in events.iter_mut().take(count) {
            event.notes.push(Note::Renewing { filed: day("2026-07-01"), reference: None });
        }
        events
    };
    for (events, subject, headline) in [
        (six("2026-10-24", 0), "今天截止申请延续：", "到期，最迟应于 2026年7月24日（星期五）提出延续申请"),
        (six("2026-10-24", 1), "今天截止申请延续：", "到期，延续申请截止日最早为 2026年7月24日（星期五）"),
        (six("2026-09-20", 0), "已过申请截止日，58 天后到期：", "到期，延续申请截止日已过"),
        (six("2026-10-20", 6), "28 天后截止申请延续：", "到期，最迟应于 2026年8月21日（星期五）提出延续申请"),
        (
            filed(six("2026-09-20", 0), 1),
            "已过申请截止日，58 天后到期：",
            "到期，其中 5 本已过延续申请截止日",
        ),
        (filed(six("2026-09-20", 0), 6), "58 天后到期：", "2026年9月20日（星期日）到期 | 58 天后到期"),
    ] {
        let letter = one(&events, Chinese);
        assert!(letter.subject.starts_with(subject), "{}", letter.subject);
        assert!(letter.text.contains(headline), "{headline}\n{}", letter.text);
    }
}

#[test]
fn a_list_of_many_says_of_each_whether_it_is_a_part() {
    for (parts, language, said) in [
        (1, Chinese, "D361100000（部分资质）"),
        (1, English, "D361100000 (in part)"),
        (0, Chinese, "D361100000"),
    ] {
        let text = one(&ending(parts, 120), language).text;
        assert!(text.contains(&format!("{said} |")), "{text}");
        assert!(text.contains("D361100001 |"), "a whole one: {text}");
    }
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
#[ignore = "no test: script/pictures draws what it writes"]
fn digests_can_be_looked_at() {
    let directory = std::env::var_os("QUALWATCH_LOOK").unwrap();
    let six = (0..6)
        .map(|number| of(baseline(), &format!("第{number}工程有限公司"), &format!("第{number}工程有限公司")));
    let six: Vec<Event> = six.chain([baseline()]).collect();
    for (name, events, language) in [
        ("alert", alert(), Chinese),
        ("mixed", mixed(), Chinese),
        ("parts", ending(2, 6), Chinese),
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

#[test]
fn of_several_stages_of_one_end_the_latest_is_shown_and_all_are_covered() {
    let found = |change, day| stage(change, design("2026-08-23"), day);
    let events = [
        found(Change::FilingDue, "2026-06-24"),
        of_change(Change::Renewed),
        found(Change::Expiring, "2026-06-24"),
        found(Change::Expiring, "2026-07-24"),
        of(found(Change::Expiring, "2026-07-24"), "另一家", "另一家"),
        stage(Change::FilingDue, supervision("2026-08-23"), TODAY),
    ];
    let letter = one(&events, Chinese);
    assert_eq!(letter.covers, [0, 1, 2, 3, 4, 5], "each place in exactly one letter");
    let told = letter.text.matches("设计资质证书（A141002510）将于").count();
    assert_eq!(told, 2, "once for each company: {}", letter.text);
    assert!(
        letter.text.contains("监理资质证书（E141002510）法定的延续申请截止日"),
        "another certificate's stage stays"
    );
}

#[test]
fn days_are_counted_anew_for_the_day_of_the_mail() {
    let found = stage(Change::Expiring, design("2026-08-23"), "2026-08-16");
    for (today, words, why) in [
        ("2026-08-16", "已过申请截止日，7 天后到期", "at once"),
        (
            "2026-08-20",
            "已过申请截止日，剩余 3 天",
            "four days late: no stage has that number, and it says so",
        ),
        ("2026-08-23", "今天到期", "on the last valid day"),
        ("2026-08-25", "有效期已过 2 天", "too late"),
    ] {
        let letter = compose(std::slice::from_ref(&found), Chinese, day(today)).remove(0);
        assert!(letter.subject.contains(words) && letter.text.contains(words), "{why}: {}", letter.text);
    }
}

#[test]
fn nothing_to_tell_is_no_letter() {
    assert_eq!(compose::<Event>(&[], Chinese, today()), []);
}

#[test]
fn a_briefing_says_each_end_once_and_one_of_many_companies_says_it_too() {
    for companies in [1, 4, 5, 30] {
        let briefing = |n: usize| of(of_change(Change::Briefing), &format!("k{n}"), &format!("第{n}公司"));
        let letter = one(&(0..companies).map(briefing).collect::<Vec<_>>(), Chinese);
        for text in [&letter.text, &letter.html] {
            assert_eq!(text.matches("2026年10月31日").count(), companies, "{text}");
        }
    }
}

#[test]
fn subjects_are_short_and_begin_with_company_and_days() {
    for (events, subject, why) in [
        (
            vec![of(
                stage(Change::Expiring, design("2026-08-23"), TODAY),
                "k",
                "河南省建筑设计研究院有限公司",
            )],
            "已过申请截止日，30 天后到期：河南省建筑设计研究院有限公司 A141002510",
            "a whole name",
        ),
        (
            vec![
                of(stage(Change::Expiring, design("2026-08-23"), TODAY), "k", &"长".repeat(60)),
                of_change(Change::Renewed),
            ],
            "已过申请截止日，30 天后到期：长长长长长长长长长… A141002510；另有 1 项",
            "a long name is cut",
        ),
        (many().split_off(1), "100 天后截止申请延续：第0工程有限公司 等 12 家 12 本证书；另有 12 项", "many"),
        (vec![of_change(Change::CertificateRemoved)], "未查询到证书：河南院 E141002510", "a loss"),
        (
            gone(&[design("2028-08-23"), supervision("2027-05-16"), construction("2029-01-01")]),
            "未查询到证书：河南院 3 本证书",
            "all",
        ),
        (gone(&[design("2028-08-23")]), "未查询到证书：河南院 A141002510", "its only one"),
        (
            [gone(&[supervision("2027-05-16")]), vec![stage(Change::Expired, design("2026-07-23"), TODAY)]]
                .concat(),
            "有效期已过 1 天、未查询到证书：河南院 2 本证书",
            "one of them has ended",
        ),
        (vec![baseline()], "已纳入监测：河南院", "a baseline"),
        (vec![of_change(Change::Unverified)], "数据已 10 天未更新：河南院", "unverified"),
        (of_trouble(Trouble::ApiQuota)[..1].to_vec(), "监测故障：接口次数用尽，查询已暂停", "a trouble"),
        (of_trouble(Trouble::ApiQuota)[1..].to_vec(), "监测恢复：接口次数已恢复，查询继续", "its end"),
    ] {
        assert_eq!(one(&events, Chinese).subject, subject, "{why}");
    }
}

#[test]
fn a_letter_over_a_megabyte_is_split_and_numbered() {
    let names = vec!["工程设计市政行业给水工程专业甲级"; 30].join(",\n");
    let events: Vec<Event> = (0..3_000)
        .map(|number| {
            let company = format!("第{number}工程有限公司");
            let end = (day("2026-08-01") + chrono::Days::new(number % 700)).to_string();
            let facts = certificate(&format!("A24100{number:04}"), "设计资质", &end, &names);
            of(stage(Change::Expiring, facts, TODAY), &company, &company)
        })
        .collect();
    let letters = compose(&events, Chinese, today());
    assert!(letters.len() > 1);
    for (number, letter) in (1..).zip(&letters) {
        assert!(letter.bytes_as_mail() <= LETTER_BYTES_MAX);
        assert!(letter.subject.ends_with(&format!("（{number}/{}）", letters.len())), "{}", letter.subject);
    }
    let mut covered: Vec<usize> = letters.into_iter().flat_map(|letter| letter.covers).collect();
    covered.sort_unstable();
    assert_eq!(covered, (0..events.len()).collect::<Vec<_>>());
}

/// A decree puts off 120 ends of as many days by a year, and one certificate has lapsed.
fn decree() -> Vec<Event> {
    let extended = (0..120).map(|number| {
        let company = format!("第{number:03}工程有限公司");
        let old = day("2027-03-01") + chrono::Days::new(number);
        let new = old.checked_add_months(chrono::Months::new(12)).unwrap();
        let facts = certificate(
            &format!("D24100{number:04}"),
            "建筑业企业资质",
            &new.to_string(),
            "建筑工程施工总承包二级",
        );
        let event = moved(News::ValidityExtended, facts, &old.to_string(), &new.to_string());
        of(event, &company, &company)
    });
    let lapsed = certificate("E241009873", "监理资质", "2026-07-23", "工程监理公路工程专业乙级");
    extended.chain([of(stage(Change::Expired, lapsed, TODAY), "豫建监理", "豫建监理")]).collect()
}

#[test]
fn what_a_decree_moves_is_one_headline_and_what_lapsed_comes_first() {
    let events = decree();
    let alike = shared_change::Alike::of(&events[0]).unwrap();
    let unlisted = Unlisted { alike, certificates: 9_880, parts: 0, companies: 4_000 };
    for (language, said, headline, more) in [
        (
            Chinese,
            "有效期已过 1 天：豫建监理 E241009873；另有 10000 项",
            "10000 本证书（涉及 4120 家企业）有效期各延长 12 个月（发证日期未变，可能为主管部门统一延期）",
            "另有 9880 本证书同样变更，名单过长，未逐一列出。",
        ),
        (
            English,
            "Ended 1 day ago: 豫建监理 E241009873; 10000 more",
            "The validity of 10000 certificates of 4120 companies was extended by 12 months each (issue dates unchanged, possibly \
             a general extension by the authorities)",
            "9880 more certificates changed alike and are not listed one by one.",
        ),
    ] {
        let around = Around::default();
        let letters =
            compose_with_unlisted(&events, &[unlisted], &around, language, today(), LETTER_BYTES_MAX);
        assert_eq!((letters.len(), &letters[0].covers_unlisted), (1, &vec![0]));
        let text = &letters[0].text;
        let lapsed = text.find("E241009873").unwrap();
        let (headline, more) = (text.find(headline).expect(text), text.find(more).expect(text));
        assert!(lapsed < headline && headline < more, "{text}");
        assert!(text.contains("D241000119") && text.contains("2028-06-28"), "each with its new end: {text}");
        let subject = &letters[0].subject;
        assert_eq!(subject, said, "what lapsed leads");
    }
}

#[test]
fn no_single_event_is_too_large_for_a_letter() {
    let hostile = "<&\u{202e}".repeat(200);
    let facts = CertificateFacts {
        kind: hostile.clone(),
        organ: hostile.clone(),
        valid_until_text: hostile.clone(),
        ..certificate(&hostile, "", "", &vec![hostile.as_str(); 50].join("\n"))
    };
    let many = vec![facts; 2_000];
    let news = News::Watching(Baseline { current: many.clone(), historical: many.clone(), unjudged: many });
    let event = Event { news, ..baseline() };
    assert!(one(&[event], Chinese).bytes_as_mail() <= LETTER_BYTES_MAX);
}

#[test]
fn every_page_is_written_by_its_template() {
    let all = Change::ALL.map(of_change).into_iter().chain(operators()).chain(many());
    let all: Vec<Event> = all.collect();
    for language in [Chinese, English] {
        for events in [&all[..], &all[..1], &operators()[..1]] {
            let page = Page::new(
                &shown(events, &std::collections::HashMap::new(), language, today()),
                &Around::default(),
                language,
                today(),
                page::ROWS_MAX,
            )
            .0;
            html::render(&page).unwrap();
        }
    }
}

/// What stands between `<` and `>`, without the texts between elements.
fn elements(html: &str) -> Vec<&str> {
    html.split('<').skip(1).map(|rest| rest.split('>').next().unwrap()).collect()
}

fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        Just("<script>alert(1)</script>\r\nBcc: x@example.com".to_owned()),
        Just("\"><img src=x onerror=a()>&lt;\u{202e}\0\u{1b}[2J".to_owned()),
        Just("{{ page }}{% raw %}".to_owned()),
    ]
}

fn with_text(change: Change, text: &str) -> Event {
    let mut event = of_change(change);
    event.company_name = Some(text.to_owned());
    match &mut event.news {
        News::QualificationAdded(of) | News::QualificationRemoved(of) => of.qualification = text.to_owned(),
        News::GradeRaised(grades) | News::GradeLowered(grades) | News::GradeReworded(grades) => {
            grades.qualification = text.to_owned();
            (grades.old, grades.new) = (Some(Grade::new(text.to_owned())), Some(Grade::new(text.to_owned())));
        }
        News::CertificateReplaced(replacement) => {
            (replacement.old, replacement.new) = (vec![text.to_owned()], text.to_owned());
        }
        News::Retracted(taken_back) => taken_back.qualification = Some(text.to_owned()),
        _ => {}
    }
    let place = Elsewhere {
        number: text.to_owned(),
        name: text.to_owned(),
        grade: None,
        valid_until: None,
        wider_than: None,
    };
    event.notes.push(Note::PartlyCovered(place));
    if let Some(facts) = &mut event.certificate {
        facts.kind = text.to_owned();
        facts.number = text.to_owned();
        facts.organ = text.to_owned();
        facts.valid_until_text = text.to_owned();
        for named in &mut facts.qualifications {
            (named.text, named.name) = (text.to_owned(), text.to_owned());
        }
    }
    event
}

/// The events of [`hostile_text_stays_text`], with `text` wherever the registry or a server speaks.
fn spoken(change: Change, text: &str) -> [Event; 2] {
    let [mut trouble, _] = of_trouble(Trouble::IdentityChanged);
    let facts = TroubleFacts {
        reason: text.to_owned(),
        advice: Some(text.to_owned()),
        companies: vec![text.to_owned()],
        ..TroubleFacts::default()
    };
    trouble.news = News::Trouble(Trouble::IdentityChanged, facts);
    [with_text(change, text), trouble]
}

fn is_treacherous(c: char) -> bool {
    c.is_control() || c == '\u{202e}'
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn hostile_text_stays_text(text in hostile(), which in 0..Change::ALL.len()) {
        let change = Change::ALL[which];
        for language in [Chinese, English] {
            let letter = one(&spoken(change, &text), language);
            prop_assert!(!letter.subject.chars().any(is_treacherous));
            prop_assert!(!letter.text.replace('\n', "").chars().any(is_treacherous));
            // An empty text leaves elements out; none is ever added or changed by a text.
            // Long ones may break where short ones may not.
            let long = "x".repeat(60);
            let tame = ["x", "", &long].map(|text| one(&spoken(change, text), language).html);
            let known: Vec<&str> = tame.iter().flat_map(|html| elements(html)).collect();
            for element in elements(&letter.html) {
                prop_assert!(known.contains(&element), "{}", element);
            }
        }
    }
}

/// `#1d2733` as its relative luminance (WCAG 2.2).
fn luminance(colour: &str) -> f64 {
    let channel = |at: usize| {
        let value = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
}

fn contrast(one: &str, other: &str) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

/// What an inline style says of `property`.
fn styled<'a>(tag: &'a str, property: &str) -> Option<&'a str> {
    let style = tag.split("style=\"").nth(1)?.split('"').next()?;
    style.split(';').find_map(|one| one.strip_prefix(property)?.strip_prefix(':'))
}

/// Each text of a page on its ground, by the inline styles.
fn texts_on_grounds(html: &str) -> Vec<(String, String, String)> {
    let mut open: Vec<(String, String, String)> = vec![(String::new(), "#000000".into(), "#ffffff".into())];
    let mut found = Vec::new();
    for piece in html.split('<').skip(1) {
        let (tag, text) = piece.split_once('>').unwrap();
        let name = tag.split_whitespace().next().unwrap_or_default().to_owned();
        if let Some(name) = name.strip_prefix('/') {
            while open.last().is_some_and(|last| last.0 != name) {
                open.pop();
            }
            open.pop();
        } else if !name.starts_with('!') && name != "meta" && name != "br" {
            let (_, ink, ground) = open.last().unwrap().clone();
            let ink = styled(tag, "color").map_or(ink, str::to_owned);
            let ground = styled(tag, "background-color").map_or(ground, str::to_owned);
            open.push((name, ink, ground));
        }
        let (name, ink, ground) = open.last().unwrap();
        let is_seen = !["style", "title"].contains(&name.as_str()) && !tag.contains("display:none");
        if is_seen && !text.trim().is_empty() && text.trim() != "&nbsp;" {
            found.push((ink.clone(), ground.clone(), text.trim().to_owned()));
        }
    }
    found
}

#[test]
fn every_text_stands_out_from_its_ground_by_light_and_dark() {
    let all: Vec<Event> = Change::ALL.map(of_change).into_iter().chain(operators()).chain(many()).collect();
    let html = one(&all, Chinese).html;
    let texts = texts_on_grounds(&html);
    assert!(texts.len() > 100, "the page was read");
    for (ink, ground, text) in texts {
        assert!(contrast(&ink, &ground) >= 4.5, "{ink} on {ground}: {text}");
    }
    // The dark colours stand in the style element, a class a colour.
    let dark = |class: &str| {
        let rule = html.split(&format!(".{class}{{")).nth(1).unwrap().split(" !important").next().unwrap();
        rule.split_once(':').unwrap().1.to_owned()
    };
    for ground in ["g", "p", "q"] {
        for ink in ["i", "s", "t-alarm", "t-caution", "t-gain", "t-quiet"] {
            assert!(contrast(&dark(ink), &dark(ground)) >= 4.5, "{ink} on {ground} in the dark");
        }
    }
}

/// The words in backticks behind `- what: ` in the handbook's page on mail programs.
fn listed(what: &str) -> Vec<&'static str> {
    const PAGE: &str = include_str!("../../../docs/mail-clients.md");
    let line = PAGE.lines().find_map(|line| line.strip_prefix(&format!("- {what}: "))).unwrap();
    line.split('`').skip(1).step_by(2).collect()
}

/// An element's name and its attributes.
fn taken_apart(element: &str) -> (&str, Vec<(&str, &str)>) {
    let (name, mut rest) = element.split_once(' ').unwrap_or((element, ""));
    let mut attributes = Vec::new();
    while let Some((attribute, behind)) = rest.split_once("=\"") {
        let (value, behind) = behind.split_once('"').unwrap();
        attributes.push((attribute.trim(), value));
        rest = behind;
    }
    assert_eq!(rest.trim(), "", "attributes without a value: {element}");
    (name, attributes)
}

/// Holds one element against the lists and the table of the page.
fn check_element(name: &str, attributes: &[(&str, &str)]) {
    let value = |wanted: &str| attributes.iter().find(|(name, _)| *name == wanted).map(|(_, value)| *value);
    assert!(listed("elements").contains(&name), "{name}");
    for (attribute, _) in attributes {
        assert!(listed("attributes").contains(attribute), "{name}: {attribute}");
        assert_eq!(
            attributes.iter().filter(|(other, _)| other == attribute).count(),
            1,
            "{name}: {attribute}"
        );
    }
    let styles: Vec<(&str, &str)> = value("style")
        .unwrap_or_default()
        .split(';')
        .filter(|one| !one.is_empty())
        .map(|one| one.split_once(':').unwrap())
        .collect();
    for (property, value) in &styles {
        assert!(listed("properties").contains(property), "{name}: {property}");
        let is_px =
            |word: &str| word == "0" || word.strip_suffix("px").is_some_and(|px| px.parse::<u32>().is_ok());
        match *property {
            "padding" | "padding-top" | "padding-left" => {
                assert!(["td", "th"].contains(&name) || *value == "0", "{name}: {property}");
                assert!(value.split(' ').all(is_px), "{name}: {property}:{value}");
            }
            "margin" => assert_eq!(name, "body"),
            "color" | "background-color" => {
                let digits = value.strip_prefix('#').unwrap();
                assert!(digits.len() == 6 && digits.chars().all(|c| c.is_ascii_hexdigit()), "{value}");
            }
            "font-size" | "line-height" | "height" | "width" => assert!(is_px(value), "{property}:{value}"),
            "display" => assert!(name == "div" && *value == "none"),
            _ => {}
        }
    }
    if let Some(colour) = value("bgcolor") {
        assert!(styles.contains(&("background-color", colour)), "{name}: bgcolor alone");
    }
}

#[test]
fn the_html_keeps_to_the_list_of_what_mail_programs_know() {
    let kinds: Vec<Event> = Change::ALL.map(of_change).into_iter().chain(operators()).chain(many()).collect();
    for (events, language) in
        [(mixed(), Chinese), (kinds, Chinese), (decree(), English), (vec![baseline()], English)]
    {
        let html = one(&events, language).html;
        let html = html.strip_prefix("<!DOCTYPE html>").unwrap();
        // What Word alone reads is a comment to all others.
        let seen: String = html
            .split("<!--[if mso]>")
            .enumerate()
            .map(
                |(number, piece)| {
                    if number == 0 { piece } else { piece.split_once("<![endif]-->").unwrap().1 }
                },
            )
            .collect();
        assert!(
            html.contains("<!--[if mso]><table role=\"presentation\" width=\"640\""),
            "Word has its width"
        );
        let mut open: Vec<&str> = Vec::new();
        for element in elements(&seen) {
            if let Some(name) = element.strip_prefix('/') {
                assert_eq!(open.pop(), Some(name), "closed in order");
                continue;
            }
            let (name, attributes) = taken_apart(element);
            check_element(name, &attributes);
            let parent = open.last().copied().unwrap_or_default();
            match name {
                "tr" => assert_eq!(parent, "table"),
                "td" | "th" => assert_eq!(parent, "tr"),
                "table" => assert!(["td", "body"].contains(&parent), "a table in {parent}"),
                "b" | "s" | "span" | "br" => {
                    assert!(!["table", "tr"].contains(&parent), "{name} in {parent}");
                }
                _ => {}
            }
            if !["meta", "br"].contains(&name) {
                open.push(name);
            }
        }
        assert_eq!(open, [""; 0], "all is closed");
        let style = html.split("<style>").nth(1).unwrap().split("</style>").next().unwrap().trim();
        let mut queries = style.split("@media");
        assert_eq!(queries.next(), Some(""), "nothing stands outside of media queries: {style}");
        assert!(queries.all(|rules| rules.trim_end().ends_with("}\n}")), "{style}");
        assert!(
            !html.contains("href") && !html.contains("src=") && !html.contains("url("),
            "nothing is fetched"
        );
    }
}

#[test]
fn two_hundred_events_stay_below_what_webmail_clips_and_two_thousand_are_listed() {
    let events = |count: u64| -> Vec<Event> {
        (0..count)
            .map(|number| {
                let company = format!("第{number}工程有限公司");
                let end = (day("2026-10-01") + chrono::Days::new(number % 400)).to_string();
                let facts = certificate(
                    &format!("D24100{number:04}"),
                    "建筑业企业资质",
                    &end,
                    "建筑工程施工总承包二级",
                );
                of(stage(Change::Expiring, facts, TODAY), &company, &company)
            })
            .collect()
    };
    // With long names fewer are rows.
    let mut long = events(200);
    for (number, event) in (0..).zip(&mut long) {
        let name = format!("第{number}{}有限公司", "建设工程勘察设计".repeat(5));
        (event.company_name, event.company) = (Some(name.clone()), Some(name.parse().unwrap()));
    }
    assert!(one(&long, Chinese).html.len() <= HTML_BYTES_MAX);
    // Two thousand are more than a megabyte with their list: split, and numbered.
    for (count, is_attached, letters) in [(9, false, 1), (200, true, 1), (2_000, true, 2)] {
        let composed = compose(&events(count), Chinese, today());
        assert_eq!(composed.len(), letters, "{count}");
        let mut listed = 0;
        for letter in composed {
            assert!(letter.html.len() <= HTML_BYTES_MAX, "{count}: {} bytes", letter.html.len());
            assert_eq!(letter.csv.is_some(), is_attached, "{count}");
            listed += letter.csv.map_or(0, |csv| csv.lines().count() as u64 - 1);
        }
        assert!(!is_attached || listed == count, "{count}: {listed} lines");
    }
}
