use std::fmt::Write as _;

use super::cast::{
    TODAY, certificate, construction, day, design, event, instant, of_change, of_trouble, stage, supervision,
};
use super::*;
use crate::domain::event::{
    CertificateFacts, Change, Elsewhere, EndMove, MassEnd, News, Note, OfQualification, Rest, Trouble,
    TroubleFacts,
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
fn a_part_of_a_certificate_is_said_to_be_one_in_subject_and_card() {
    let facts = |grade: &str| {
        certificate("D361094546", "建筑业企业资质", "2026-10-31", &format!("环保工程专业承包{grade}"))
    };
    let to = |new: &str| EndMove { old: day("2026-10-31"), new: day(new) };
    for (news, facts, today, zh, en, why) in [
        (
            None,
            facts("二级"),
            "2026-07-01",
            "部分资质 30 天后截止申请延续",
            "File within 30 days (in part)",
            "to file",
        ),
        (
            None,
            facts("二级"),
            "2026-10-27",
            "部分资质已过申请截止日，剩余 4 天",
            "Filing day passed, 4 days left (in part)",
            "late",
        ),
        (
            None,
            facts("三级"),
            "2026-10-30",
            "部分资质 1 天后到期，须换领",
            "Exchange within 1 day (in part)",
            "to be exchanged",
        ),
        (None, facts("二级"), "2026-10-31", "部分资质今天到期", "Expires today (in part)", "the last day"),
        (None, facts("二级"), "2026-11-02", "部分资质有效期已过 2 天", "Ended 2 days ago (in part)", "over"),
        (
            Some(News::ValidityExtended(to("2027-10-31"))),
            facts("二级"),
            "2026-07-01",
            "部分资质有效期延长",
            "Validity extended (in part)",
            "extended",
        ),
    ] {
        let stage = stage(Change::FilingDue, facts, "2026-07-01");
        let news = news.unwrap_or_else(|| stage.news.clone());
        let rest = vec![Rest { valid_until: Some(day("2031-03-26")), count: 3 }];
        let event = Event { news, rest, ..stage };
        let of_all = Event { rest: Vec::new(), ..event.clone() };
        for (language, said) in [(Chinese, zh), (English, en)] {
            let saying = say(&event, language, day(today));
            assert_eq!(saying.badge, said, "{why}");
            assert!(!say(&of_all, language, day(today)).badge.contains(if language == Chinese {
                "部分"
            } else {
                "part"
            }));
        }
        let notes = say(&event, Chinese, day(today)).notes.concat();
        assert!(notes.contains("同证书其余 3 项有效期至 2031年3月26日。"), "{why}: {notes}");
    }
}

#[test]
fn notes_say_what_the_facts_do_not() {
    let place = |number: &str| Elsewhere {
        number: number.to_owned(),
        name: "工程设计市政行业给水工程专业".to_owned(),
        grade: super::cast::named("给水甲级").remove(0).grade,
        valid_until: Some(day("2027-05-31")),
        wider_than: None,
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
fn a_wider_one_at_a_lower_grade_is_said_beside_the_loss_and_the_action_stays() {
    let lost = super::cast::named("工程设计市政行业给水工程专业甲级");
    let wider = super::cast::named("工程设计市政行业乙级").remove(0);
    let note = Note::HeldElsewhere(Elsewhere {
        number: "A241000002".to_owned(),
        name: wider.name,
        grade: wider.grade,
        valid_until: Some(day("2031-05-16")),
        wider_than: lost.first().cloned(),
    });
    let facts = CertificateFacts { qualifications: lost, ..design("2028-05-31") };
    let event = Event { notes: vec![note], ..stage(Change::CertificateRemoved, facts, TODAY) };
    let (zh, en) = (summary(&event, Chinese), summary(&event, English));
    for said in [
        "范围更广的“工程设计市政行业”现以较低等级列于证书 A241000002：乙级（该项资质为甲级），有效期至 2031年5月16日。",
        "要做：投标、签约前登录 jzsc.mohurd.gov.cn 复核",
    ] {
        assert!(zh.contains(said), "{zh}");
    }
    assert!(!zh.contains("仍列于"), "{zh}");
    assert!(en.contains("The wider “工程设计市政行业” is listed at a lower grade"), "{en}");
}

#[test]
fn an_exchange_is_neither_a_rise_nor_a_renewal_under_whatever_number() {
    let held = |text: &str| {
        let named = super::cast::named(text).remove(0);
        Note::HeldElsewhere(Elsewhere {
            number: "D341000001".to_owned(),
            name: named.name,
            grade: named.grade,
            valid_until: Some(day("2026-09-01")),
            wider_than: None,
        })
    };
    let building = "建筑工程施工总承包";
    let new = |names: &str, end: &str, kind: &str, number: &str| CertificateFacts {
        issued_on: Some(day("2026-07-20")),
        ..certificate(number, kind, end, names)
    };
    let of_construction = |names: &str, end: &str| new(names, end, "建筑业企业资质", "D241000002");
    let replaced = || {
        News::CertificateReplaced(crate::domain::event::Replacement {
            old: vec!["D341000001".to_owned()],
            new: "D241000002".to_owned(),
        })
    };
    let one_year = of_construction(&format!("{building}二级"), "2027-07-19");
    let design = new("工程设计市政行业给水工程专业乙级", "2027-07-19", "设计资质", "A241000002");
    let part = || News::QualificationAdded(OfQualification { qualification: format!("{building}二级") });
    for (news, facts, was, is_exchange, why) in [
        (replaced(), one_year.clone(), format!("{building}三级"), true, "in place of the old number"),
        (News::CertificateAdded, one_year.clone(), format!("{building}三级"), true, "beside the old number"),
        (part(), one_year.clone(), format!("{building}三级"), true, "into a certificate that was there"),
        (
            News::CertificateAdded,
            design,
            "工程设计市政行业给水工程专业丙级".to_owned(),
            true,
            "丙级 for 乙级",
        ),
        (
            replaced(),
            of_construction(&format!("{building}二级"), "2031-07-19"),
            format!("{building}三级"),
            false,
            "for five years",
        ),
        (
            News::CertificateAdded,
            of_construction(&format!("{building}一级"), "2027-07-19"),
            format!("{building}三级"),
            false,
            "nobody exchanges 三级 for 一级",
        ),
        (News::CertificateAdded, one_year, format!("{building}一级"), false, "a downgrade"),
    ] {
        let event = Event { notes: vec![held(&was)], certificate: Some(facts), ..event(news) };
        let saying = say(&event, Chinese, day(TODAY));
        let said = format!("{saying:?}");
        assert_eq!(saying.title == "资质换领", is_exchange, "{why}: {said}");
        assert_eq!(saying.lead.contains("换领不是升级，也不是延续"), is_exchange, "{why}: {said}");
        for word in ["D341000001", "2027年7月19日", "届满前须按"] {
            assert!(!is_exchange || said.contains(word), "{why}: {word} {said}");
        }
        assert!(!is_exchange || !said.contains("证书换发") && !said.contains("另列于"), "{why}: {said}");
        let goodness = if is_exchange {
            Goodness::NoGain
        } else if was.ends_with("一级") {
            Goodness::Lower
        } else {
            Goodness::OfItsKind
        };
        assert_eq!(saying.goodness, goodness, "{why}: neither an exchange nor a downgrade is good news");
        let english = summary(&event, English);
        assert_eq!(english.contains("Qualification exchanged"), is_exchange, "{why}: {english}");
    }
}

#[test]
fn what_is_exchanged_from_one_certificate_to_the_other_is_one_sentence() {
    let works = ["建筑工程施工总承包", "市政公用工程施工总承包"];
    let held = |name: &&str| {
        let named = super::cast::named(&format!("{name}三级")).remove(0);
        let number = "D341000001".to_owned();
        Note::HeldElsewhere(Elsewhere {
            number,
            name: named.name,
            grade: named.grade,
            valid_until: None,
            wider_than: None,
        })
    };
    let facts = CertificateFacts {
        issued_on: Some(day("2026-07-20")),
        ..certificate(
            "D241000002",
            "建筑业企业资质",
            "2027-07-19",
            "建筑工程施工总承包二级,市政公用工程施工总承包二级",
        )
    };
    let notes = works.iter().map(held).collect();
    let event = Event { notes, certificate: Some(facts), ..event(News::CertificateAdded) };
    let text = summary(&event, Chinese);
    assert!(text.contains("“建筑工程施工总承包”、“市政公用工程施工总承包”由三级换领为二级"), "{text}");
    assert_eq!(text.matches("换领不是升级").count(), 1, "{text}");
}

#[test]
fn labour_registered_without_an_end_is_said_to_be_registered() {
    let facts = |names: &str, end: &str, text: &str| CertificateFacts {
        valid_until_text: text.to_owned(),
        ..certificate("D341000009", "建筑业企业资质", end, names)
    };
    for (news, facts, said, not_said, why) in [
        (
            stage(Change::Expiring, facts("施工劳务不分等级", "2026-07-31", "长期"), TODAY).news,
            facts("施工劳务不分等级", "2026-07-31", "长期"),
            "备案载明长期：建筑业企业资质证书（D341000009）原载明有效期至 2026年7月31日（星期五），平台数据现载明为“长期”",
            "到期，剩余",
            "before its former end",
        ),
        (
            stage(Change::Expired, facts("施工劳务不分等级", "2026-07-23", "长期"), TODAY).news,
            facts("施工劳务不分等级", "2026-07-23", "长期"),
            "平台数据现载明为“长期”",
            "未见延续",
            "its former end has passed",
        ),
        (
            stage(Change::Expired, facts("施工劳务不分等级", "2026-07-23", "2026-07-23"), TODAY).news,
            facts("施工劳务不分等级", "2026-07-23", "2026-07-23"),
            "未见延续",
            "长期",
            "labour with an end",
        ),
        (
            News::CertificateAdded,
            facts("施工劳务", "-", "长期"),
            "已改为备案管理，本系统不会发出到期提醒",
            "未载明可判断",
            "new, without an end",
        ),
        (
            News::CertificateAdded,
            facts("施工劳务,建筑工程施工总承包二级", "-", "长期"),
            "未载明可判断的有效期",
            "备案",
            "not all of it is labour",
        ),
        (
            News::CertificateAdded,
            facts("施工劳务", "-", "-"),
            "未载明可判断的有效期",
            "备案",
            "no end at all is no end without end",
        ),
        (
            News::Watching(crate::domain::event::Baseline {
                unjudged: vec![
                    facts("施工劳务序列", "-", "长期"),
                    certificate("D341123456", "建筑业企业资质", "长期", "市政公用工程施工总承包二级"),
                ],
                ..Default::default()
            }),
            facts("施工劳务", "-", "长期"),
            "施工劳务备案，载明长期，不作到期提醒：D341000009。",
            "不作到期提醒：D341000009；D341123456",
            "of a baseline each is said apart",
        ),
    ] {
        let left = facts.valid_until.map(|end| crate::domain::dates::days_left(end, day(TODAY)));
        let event = Event { certificate: Some(facts), days_left: left, ..event(news) };
        let text = summary(&event, Chinese);
        assert!(text.contains(said) && !text.contains(not_said), "{why}: {text}");
        assert!(!summary(&event, English).is_empty());
    }
}

#[test]
fn the_end_of_a_trouble_names_what_it_was() {
    let facts = |mass_end, companies: usize, more_companies| TroubleFacts {
        mass_end,
        reason: "40 of 60 companies lost certificates or qualifications within 24 hours".to_owned(),
        since: Some(instant("2026-07-20T00:00:00Z")),
        companies: (0..companies).map(|number| format!("第{number}公司")).collect(),
        more_companies,
        ..TroubleFacts::default()
    };
    let moved = TroubleFacts {
        reason: "old@example.com: 550 no such user".to_owned(),
        went_to: vec!["new@example.com".to_owned()],
        ..TroubleFacts::default()
    };
    let server = TroubleFacts { place: Some("smtp.example.com:465".to_owned()), ..moved.clone() };
    for (trouble, facts, said, why) in [
        (
            Trouble::MassChange,
            facts(Some(MassEnd::Back), 2, 0),
            &[
                "数据已恢复",
                "24 小时内 60 家企业中有 40 家",
                "此前未查询到的证书、资质均已重新列出，未通知收件人。",
            ][..],
            "back",
        ),
        (
            Trouble::MassChange,
            TroubleFacts { silent: vec!["第0公司".to_owned()], ..facts(Some(MassEnd::Back), 2, 0) },
            &["数据已恢复", "除以下此后未能查询的企业外", "未通知收件人：第0公司。"],
            "back, but for one that is silent since",
        ),
        (
            Trouble::MassChange,
            facts(Some(MassEnd::Confirmed), 40, 60),
            &["已按实际减少通知收件人", "第29公司 等共 100 家"],
            "as many as are named, and how many there are",
        ),
        (
            Trouble::MassChange,
            facts(Some(MassEnd::Rewritten), 1, 0),
            &["数据源已改写", "企业资质可能并无变化", "第0公司", "jzsc.mohurd.gov.cn"],
            "rewritten",
        ),
        (
            Trouble::MassChange,
            facts(None, 6, 0),
            &["第0公司、第1公司、第2公司、第3公司、第4公司、第5公司。"],
            "all",
        ),
        (
            Trouble::EmailUndeliverable,
            moved,
            &["此前的原因：old@example.com: 550 no such user", "所欠邮件已改发：new@example.com。"],
            "why it was, and where the mail went",
        ),
        (Trouble::EmailStopped, server, &["smtp.example.com:465：于 2026年7月24日"], "which server"),
    ] {
        let event = event(News::Resolved(trouble, facts));
        let text = summary(&event, Chinese);
        for said in said {
            assert!(text.contains(said), "{why}: {said} {text}");
        }
        assert!(!summary(&event, English).contains('{'));
    }
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

/// As the sweep, the provider's client and the mailer word them (words 2: "Advice and reasons are in the mail's language").
#[test]
fn each_reason_of_ours_is_read_in_the_language_of_the_mail() {
    for english in [
        "total 45, got 44",
        "1 item has no certificate number (建筑业企业资质: 建筑工程施工总承包二级)",
        "3 items have no certificate number",
        "certificate D241000106: \"2026-12-31 2031-12-31\" states two ends and not which of them holds; the earlier is judged",
        "certificate D241000111: the end of validity \"2027年8月\" cannot be read",
        "the answer is of 5e0000000000000000000013",
        "the answer names no company, and bears other certificate numbers",
        "its answer takes 3 calls, more than the day has left ([api].calls_per_day)",
        "no connection to v.juhe.cn: Connection refused (os error 111)",
        "the answer is longer than 4 MiB",
        "HTTP 503, a web page instead of JSON: <html>",
        "HTTP 302, redirected to host login.example.com",
        "logging in at the mail server: the server answered 535 5.7.8",
        "one@example.com: naming the recipient (RCPT TO): the server answered 550 5.1.1",
    ] {
        let facts = TroubleFacts { reason: english.to_owned(), ..TroubleFacts::default() };
        assert_eq!(super::troubles::reason(&facts, Language::English), english);
        let chinese = super::troubles::reason(&facts, Language::Chinese);
        let is_a_sentence =
            |word: &str| matches!(word, "the" | "of" | "a" | "no" | "to" | "and" | "is" | "in" | "than");
        assert!(!chinese.split_whitespace().any(is_a_sentence), "{chinese}");
        assert_ne!(chinese, english);
    }
}
