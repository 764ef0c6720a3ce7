use std::fmt::Write as _;

use super::cast::{
    TODAY, certificate, construction, day, design, event, instant, of_change, of_trouble, stage, supervision,
};
use super::*;
use crate::domain::event::{
    CertificateFacts, Change, Elsewhere, News, Note, OfQualification, Trouble, TroubleFacts,
};
use crate::domain::language::Language::{Chinese, English};

fn summaries(events: impl IntoIterator<Item = Event>) -> String {
    let mut text = String::new();
    for event in events {
        writeln!(text, "{}\n  {}\n  {}", event.kind(), summary(&event, Chinese), summary(&event, English))
            .unwrap();
    }
    text
}

#[test]
fn every_change_has_its_words() {
    insta::assert_snapshot!("changes", summaries(Change::ALL.map(of_change)));
}

#[test]
fn every_trouble_and_its_end_have_their_words() {
    insta::assert_snapshot!("troubles", summaries(Trouble::ALL.into_iter().flat_map(of_trouble)));
}

#[test]
fn an_end_is_told_by_what_matters_on_the_day() {
    let abolished = |names| certificate("D341123456", "建筑业企业资质", "2026-10-31", names);
    let mut text = String::new();
    for (change, facts, today, why) in [
        (Change::Expiring, design("2026-10-22"), "2026-07-24", "before the filing day"),
        (Change::Expiring, design("2026-10-22"), "2026-08-23", "on the filing day"),
        (Change::Expiring, design("2026-10-22"), "2026-08-24", "the filing day has passed"),
        (Change::Expiring, design("2026-10-22"), "2026-10-21", "the last day but one"),
        (Change::Expiring, design("2026-10-22"), "2026-10-22", "the last valid day"),
        (Change::Expiring, design("2026-10-22"), "2026-10-23", "told late: it has ended"),
        (Change::Expired, design("2026-10-22"), "2026-11-21", "30 days past"),
        (Change::FilingDue, construction("2026-10-31"), "2026-07-01", "30 days to file"),
        (Change::FilingDue, construction("2026-10-31"), "2026-07-31", "the last day to file"),
        (Change::FilingDue, construction("2026-10-31"), "2026-08-01", "too late to file"),
        (Change::FilingDue, construction("2026-10-31"), "2026-11-02", "told much too late"),
        (Change::Expiring, abolished("施工劳务三级"), "2026-07-01", "an abolished grade"),
        (
            Change::Expiring,
            abolished("施工劳务三级,市政公用工程施工总承包二级"),
            "2026-07-01",
            "a part of it",
        ),
        (
            Change::Expiring,
            certificate("(豫)JZ安许证字[2023]007", "安全生产许可证", "2026-10-31", ""),
            "2026-07-01",
            "an unknown family",
        ),
        (
            Change::Expiring,
            certificate("(豫)JZ安许证字[2023]007", "", "2026-10-31", ""),
            "2026-08-01",
            "an unknown family, too late, without a type",
        ),
        (
            Change::Expiring,
            certificate("C141002510", "设计与施工一体化资质", "2026-10-31", "消防设施工程一级"),
            "2026-07-01",
            "an abolished family",
        ),
    ] {
        let told = stage(change, facts, today);
        let event = Event { today: day(TODAY), ..told };
        let (zh, en) = (say(&event, Chinese, day(today)), say(&event, English, day(today)));
        writeln!(text, "# {why}").unwrap();
        for saying in [zh, en] {
            writeln!(
                text,
                "[{} | {}] {} {}",
                saying.title,
                saying.badge,
                saying.lead,
                saying.notes.join(" ")
            )
            .unwrap();
            writeln!(text, "  > {}", saying.action).unwrap();
        }
    }
    insta::assert_snapshot!("ends", text);
}

#[test]
fn notes_say_what_the_facts_do_not() {
    let place = |number: &str| Elsewhere {
        number: number.to_owned(),
        name: "工程设计市政行业给水工程专业".to_owned(),
        grade: super::cast::named("给水甲级").remove(0).grade,
        valid_until: Some(day("2027-05-31")),
    };
    let mut text = String::new();
    for (change, note) in [
        (Change::Expired, Note::NoLongerListed),
        (Change::Expiring, Note::LaterEndInDoubt { end: day("2031-08-22") }),
        (Change::Expiring, Note::PartlyCovered(place("A141009999"))),
        (Change::CertificateRemoved, Note::MassLoss),
        (Change::CertificateRemoved, Note::HeldElsewhere(place("A141009999"))),
        (Change::CertificateAdded, Note::HeldElsewhere(place("A141009999"))),
        (Change::CertificateAdded, Note::WasHeldElsewhere(place("A141009999"))),
        (Change::CertificateRemoved, Note::Confirmed { looks: 4 }),
    ] {
        let end = if change == Change::Expired { "2026-07-01" } else { "2026-08-23" };
        let event = Event { notes: vec![note], ..stage(change, supervision(end), TODAY) };
        writeln!(text, "{}\n{}", summary(&event, Chinese), summary(&event, English)).unwrap();
    }
    insta::assert_snapshot!("notes", text);
}

#[test]
fn what_was_never_verified_says_so() {
    for change in Change::ALL {
        let event = Event { last_verified_at: None, ..of_change(change) };
        let (zh, en) = (summary(&event, Chinese), summary(&event, English));
        if !matches!(change, Change::VerifiedAgain | Change::WatchlistChanged) {
            assert!(zh.contains("尚未取得完整数据"), "{zh}");
            assert!(en.to_lowercase().contains("complete data has"), "{en}");
        }
        let event = Event { last_verified_at: Some(instant("2026-07-20T00:00:00Z")), ..of_change(change) };
        let (zh, en) = (summary(&event, Chinese), summary(&event, English));
        if change != Change::WatchlistChanged {
            assert!(zh.contains("2026年7月20日 08:00（北京时间）"), "{zh}");
            assert!(en.contains("20 July 2026, 08:00 (Beijing time)"), "{en}");
        }
    }
}

#[test]
fn words_never_judge_what_the_data_cannot_tell() {
    for change in Change::ALL {
        let text = summary(&of_change(change), Chinese);
        for verdict in ["已被", "吊销", "撤销", "已注销", "已撤回", "已失效", "无效", "核实", "公司资质"]
        {
            assert!(!text.contains(verdict), "{text}");
        }
    }
}

#[test]
fn an_event_with_nothing_said_still_has_words() {
    let facts = TroubleFacts::default;
    let troubles =
        Trouble::ALL.into_iter().flat_map(|it| [News::Trouble(it, facts()), News::Resolved(it, facts())]);
    for news in Change::ALL.map(|change| of_change(change).news).into_iter().chain(troubles) {
        let bare = Event::new(news, instant("2026-07-24T00:05:00Z"), day(TODAY));
        for language in [Chinese, English] {
            assert!(!summary(&bare, language).is_empty());
        }
    }
}

#[test]
fn a_summary_is_one_inert_line_whatever_the_registry_says() {
    let hostile = "<script>\r\nBcc: x@example.com\u{1b}[31m\u{202e}\0";
    let mut event = event(News::QualificationAdded(OfQualification { qualification: hostile.to_owned() }));
    event.company_name = Some(hostile.to_owned());
    event.certificate = Some(CertificateFacts {
        kind: hostile.to_owned(),
        organ: hostile.to_owned(),
        ..design("2026-10-22")
    });
    for language in [Chinese, English] {
        let text = summary(&event, language);
        assert!(!text.chars().any(|c| c.is_control() || c == '\u{202e}'), "{text}");
    }
}
