//! A year of reminders: which mails a reader gets of one certificate, day by day, with which headline, as
//! `docs/a-year-of-reminders.md` has it. `INSTA_UPDATE=always` writes that document anew; read the difference.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use qualwatch::domain::compare::{Look, Seen, Upstream, compare};
use qualwatch::domain::dates::days_left;
use qualwatch::domain::event::Event;
use qualwatch::domain::holding::read_items;
use qualwatch::domain::judge::{Memory, Renewal, Thresholds, Told, judge};
use qualwatch::domain::keyword::Keyword;
use qualwatch::domain::language::Language;
use qualwatch::domain::number::CertificateNumber;
use qualwatch::domain::observation::Item;
use qualwatch::domain::rest::name_the_rest;
use qualwatch::domain::snapshot::Snapshot;
use qualwatch::email::digest::compose;

/// The end of every certificate of the document.
const END: &str = "2026-08-23";

/// Days from the end: the first and the last of the document's year.
const FIRST: i64 = -190;
const LAST: i64 = 40;

/// Number, qualifications, end, issue date.
type Shown = (&'static str, &'static str, String, String);

/// A certificate as the document follows it.
struct Certificate {
    title: &'static str,
    number: &'static str,
    kind: &'static str,
    organ: &'static str,
    qualifications: &'static str,
    /// What comes of it.
    fates: &'static [Fate],
}

/// What comes of a certificate.
#[derive(Clone, Copy)]
enum Fate {
    /// Renewed so many days before the end, of which the registry shows it; for how many years.
    Renewed {
        title: &'static str,
        days: i64,
        years: i32,
    },
    /// Only these are.
    Partly {
        days: i64,
        only: &'static str,
    },
    /// An abolished grade is exchanged for the next, for a year; what is not among it goes on.
    Exchanged {
        days: i64,
        by: &'static str,
    },
    /// The same under another number, the old one going with it.
    ExchangedUnder {
        days: i64,
        by: &'static str,
        number: &'static str,
    },
    /// Each part of a mixed certificate goes its own way: so many days before the end, what it is then, for how many months.
    Each(&'static [(i64, &'static str, u32)]),
    /// Labour is registered anew, without an end.
    ForEver {
        days: i64,
    },
    /// The operator said so many days before the end that it was filed; renewed so many days before the end.
    Filed {
        days: i64,
        renewed: i64,
    },
    Never,
    /// A decree puts the end off, the issue date being the same.
    Decreed {
        days: i64,
    },
}

const FATES_OF_LICENCES: &[Fate] = &[
    Fate::Renewed { title: "按期延续（届满前 120 天）", days: 120, years: 5 },
    Fate::Renewed { title: "延续较晚（届满前 20 天）", days: 20, years: 5 },
    Fate::Filed { days: 100, renewed: 5 },
    Fate::Never,
    Fate::Decreed { days: 40 },
    Fate::Renewed { title: "届满后 10 天才显示延续", days: -10, years: 5 },
];

const CERTIFICATES: &[Certificate] = &[
    Certificate {
        title: "施工：建筑工程、市政公用工程施工总承包二级",
        number: "D241000018",
        kind: "建筑业企业资质",
        organ: "河南省住房和城乡建设厅",
        qualifications: "建筑工程施工总承包二级,市政公用工程施工总承包二级",
        fates: &[
            FATES_OF_LICENCES[0],
            FATES_OF_LICENCES[1],
            FATES_OF_LICENCES[2],
            Fate::Partly { days: 45, only: "建筑工程施工总承包二级" },
            FATES_OF_LICENCES[5],
            FATES_OF_LICENCES[3],
            FATES_OF_LICENCES[4],
        ],
    },
    Certificate {
        title: "设计：工程设计市政行业甲级",
        number: "A141002510",
        kind: "设计资质",
        organ: "住房和城乡建设部",
        qualifications: "工程设计市政行业甲级,工程设计公路行业公路专业甲级",
        fates: &[
            FATES_OF_LICENCES[0],
            FATES_OF_LICENCES[1],
            FATES_OF_LICENCES[2],
            Fate::Partly { days: 45, only: "工程设计市政行业甲级" },
            FATES_OF_LICENCES[5],
            FATES_OF_LICENCES[3],
            FATES_OF_LICENCES[4],
        ],
    },
    Certificate {
        title: "市级混合证书：二级、三级与施工劳务同在一证",
        number: "D341000103",
        kind: "建筑业企业资质",
        organ: "郑州市城乡建设局",
        qualifications: "建筑装修装饰工程专业承包二级,环保工程专业承包三级,施工劳务不分等级",
        fates: &[
            Fate::Renewed { title: "按期全部延续（届满前 120 天）", days: 120, years: 5 },
            Fate::Renewed { title: "全部延续较晚（届满前 20 天）", days: 20, years: 5 },
            Fate::Each(&[
                (120, "建筑装修装饰工程专业承包二级", 60),
                (75, "环保工程专业承包二级", 12),
                (20, "施工劳务不分等级", 36),
            ]),
            Fate::Partly { days: 45, only: "建筑装修装饰工程专业承包二级" },
            Fate::Never,
            Fate::Decreed { days: 40 },
        ],
    },
    Certificate {
        title: "整证三级：建筑工程、市政公用工程施工总承包三级",
        number: "D341000302",
        kind: "建筑业企业资质",
        organ: "郑州市城乡建设局",
        qualifications: "建筑工程施工总承包三级,市政公用工程施工总承包三级",
        fates: &[
            Fate::Exchanged {
                days: 75, by: "建筑工程施工总承包二级,市政公用工程施工总承包二级"
            },
            Fate::Exchanged {
                days: 3, by: "建筑工程施工总承包二级,市政公用工程施工总承包二级"
            },
            Fate::Exchanged { days: 75, by: "建筑工程施工总承包二级" },
            Fate::ExchangedUnder {
                days: 75,
                by: "建筑工程施工总承包二级,市政公用工程施工总承包二级",
                number: "D241000888",
            },
            Fate::Never,
            Fate::Decreed { days: 40 },
        ],
    },
    Certificate {
        title: "施工劳务（备案）",
        number: "D341000777",
        kind: "建筑业企业资质",
        organ: "郑州市城乡建设局",
        qualifications: "施工劳务不分等级",
        fates: &[
            Fate::Renewed { title: "按期重新备案（届满前 120 天）", days: 120, years: 5 },
            Fate::Renewed { title: "较晚（届满前 20 天）", days: 20, years: 5 },
            Fate::ForEver { days: 20 },
            Fate::Never,
            Fate::Decreed { days: 40 },
        ],
    },
];

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn before_end(days: i64) -> NaiveDate {
    day(END) - TimeDelta::days(days)
}

impl Fate {
    fn title(self) -> String {
        match self {
            Self::Renewed { title, .. } => title.to_owned(),
            Self::Partly { days, only } => format!("部分延续（届满前 {days} 天，仅 {only}）"),
            Self::Exchanged { days, by } if by.contains(',') => {
                format!("换领（届满前 {days} 天，换领为二级，有效期 1 年）")
            }
            Self::Exchanged { days, by } => format!("部分换领（届满前 {days} 天，仅 {by}）"),
            Self::ExchangedUnder { days, number, .. } => {
                format!("换领为新编号（届满前 {days} 天，二级，有效期 1 年，证书 {number}）")
            }
            Self::Each(parts) => {
                let days: Vec<String> = parts.iter().map(|(days, ..)| days.to_string()).collect();
                format!("分别办理：二级延续、三级换领、劳务重新备案（届满前 {} 天）", days.join("、"))
            }
            Self::ForEver { days } => format!("重新备案，载明长期（届满前 {days} 天）"),
            Self::Filed { days, renewed } => {
                format!("届满前 {days} 天登记已提交（`qualwatch renewing`），届满前 {renewed} 天延续")
            }
            Self::Never => "未延续".to_owned(),
            Self::Decreed { days } => format!("统一延期（届满前 {days} 天，延至 2027-12-31）"),
        }
    }

    /// What the registry shows on a day.
    fn shown(self, of: &Certificate, today: NaiveDate) -> Vec<Shown> {
        let old = |qualifications| (of.number, qualifications, END.to_owned(), "2021-08-24".to_owned());
        let new = |qualifications, days: i64, months: u32| {
            let issued = before_end(days);
            let until = issued.checked_add_months(chrono::Months::new(months)).unwrap().pred_opt().unwrap();
            (of.number, qualifications, until.to_string(), issued.to_string())
        };
        let all = of.qualifications;
        match self {
            Self::Renewed { days, years, .. } if today >= before_end(days) => {
                vec![new(all, days, 12 * u32::try_from(years).unwrap())]
            }
            Self::Filed { renewed, .. } if today >= before_end(renewed) => vec![new(all, renewed, 60)],
            Self::Partly { days, only } if today >= before_end(days) => {
                let rest = all.split(',').filter(|one| *one != only);
                std::iter::once(new(only, days, 60)).chain(rest.map(old)).collect()
            }
            Self::Exchanged { days, by } if today >= before_end(days) => {
                let is_exchanged = |one: &&str| by.contains(&one.replace("三级", "二级"));
                let rest = all.split(',').filter(|one| !is_exchanged(one));
                std::iter::once(new(by, days, 12)).chain(rest.map(old)).collect()
            }
            Self::ExchangedUnder { days, by, number } if today >= before_end(days) => {
                let (_, names, end, issued) = new(by, days, 12);
                vec![(number, names, end, issued)]
            }
            Self::Each(parts) => {
                let each = parts.iter().map(|(days, is, months)| {
                    let was = all.split(',').find(|one| one.starts_with(&is[..12])).unwrap();
                    if today >= before_end(*days) { new(is, *days, *months) } else { old(was) }
                });
                each.collect()
            }
            Self::ForEver { days } if today >= before_end(days) => {
                let (number, names, _, issued) = new(all, days, 12);
                vec![(number, names, "长期".to_owned(), issued)]
            }
            Self::Decreed { days } if today >= before_end(days) => {
                vec![(of.number, all, "2027-12-31".to_owned(), "2021-08-24".to_owned())]
            }
            _ => vec![old(all)],
        }
    }

    fn renewals(self, of: &Certificate, today: NaiveDate) -> Vec<Renewal> {
        let Self::Filed { days, .. } = self else { return Vec::new() };
        let number = CertificateNumber::parse(of.number).unwrap();
        let reference = Some("豫建受〔2026〕18号".to_owned());
        let renewal = Renewal { number, end: day(END), filed: before_end(days), reference };
        if today >= before_end(days) { vec![renewal] } else { Vec::new() }
    }
}

/// A day on which a mail went out.
struct Mail {
    today: NaiveDate,
    subject: String,
    kinds: String,
}

/// Plays the year, one look a day.
fn year(of: &Certificate, fate: Fate) -> Vec<Mail> {
    let keyword: Keyword = "中原建设有限公司".parse().unwrap();
    let thresholds = Thresholds {
        expiry_days: vec![180, 90, 60, 30, 7, 1, 0],
        expired_days: vec![1, 7, 30],
        filing_days: vec![30, 7, 0],
    };
    let (mut snapshot, mut told): (Snapshot, Vec<Told>) = (Snapshot::default(), Vec::new());
    let mut mails = Vec::new();
    for left in (-LAST..=-FIRST).rev() {
        let today = before_end(left);
        let now: DateTime<Utc> = today.and_hms_opt(0, 5, 0).unwrap().and_utc();
        let zone = chrono_tz::Asia::Shanghai;
        let look = Look::new((&keyword, "中原建设"), now, zone, TimeDelta::hours(20), Upstream::Trusted);
        let item = |(number, names, end, issued): &Shown| Item {
            organ: Some(of.organ.to_owned()),
            kind: Some(of.kind.to_owned()),
            certificate_num: Some((*number).to_owned()),
            qualification_name: Some((*names).to_owned()),
            effective_time: Some(end.clone()),
            issuing_certificate_time: Some(issued.clone()),
            business_id: Some(format!("5d43a8f092aec74cbf04a163-{number}")),
        };
        let items: Vec<Item> = fate.shown(of, today).iter().map(item).collect();
        let comparison = compare(&snapshot, &Seen::Holdings(read_items(&items)), &look);
        snapshot = comparison.after;
        let renewals = fate.renewals(of, today);
        let memory = Memory { told: &told, renewals: &renewals };
        let judgement = judge(&snapshot, memory, &thresholds, Some(now), &look);
        told.extend(judgement.told);
        let mut events: Vec<Event> = comparison.events.into_iter().chain(judgement.events).collect();
        name_the_rest(&mut events, &snapshot);
        for letter in compose(&events, Language::Chinese, today) {
            let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
            for event in &events {
                *kinds.entry(event.kind().to_string()).or_default() += 1;
            }
            let kinds: Vec<String> = kinds
                .into_iter()
                .map(
                    |(kind, count)| {
                        if count == 1 { format!("`{kind}`") } else { format!("`{kind}` ×{count}") }
                    },
                )
                .collect();
            mails.push(Mail { today, subject: letter.subject, kinds: kinds.join(" ") });
        }
    }
    mails
}

const INTRODUCTION: &str = "# A year of reminders\n
Which mails a reader gets of one certificate, with which subject, when nothing else happens. Each certificate ends on 2026-08-23 (a Sunday); it is
looked at once a day, by the default thresholds, from 190 days before the end to 40 days after it. The list is made by the program and
checked by its tests (`tests/it/year_of_reminders.rs`).\n
以下各证书有效期均至 2026年8月23日，每天查询一次，按默认提醒天数。**一个期限，一次提醒**：施工资质的申请截止日（届满 3 个月前）与“90 天”相距不过三天，
设计、勘察、监理的申请截止日（届满 60 日前）就是“60 天”，只发一次，以截止日为准。三级、丙级、丁级整证没有延续申请截止日，须在届满前换领；施工劳务为备案。
好消息当天告知；减少、降低、换领须两次查询（相隔 20 小时以上）一致，次日告知。\n";

fn document() -> String {
    let mut text = INTRODUCTION.to_owned();
    for of in CERTIFICATES {
        let _ = writeln!(text, "\n## {}\n\n证书 {}，{}。", of.title, of.number, of.organ);
        for fate in of.fates {
            let _ = writeln!(
                text,
                "\n### {}\n\n| 日期 | 距届满 | 邮件主题 | 事件 |\n| --- | --- | --- | --- |",
                fate.title()
            );
            for mail in year(of, *fate) {
                let left = days_left(day(END), mail.today);
                let _ = writeln!(
                    text,
                    "| {} | {left} | {} | {} |",
                    mail.today,
                    mail.subject.replace('|', "\\|"),
                    mail.kinds
                );
            }
        }
    }
    text
}

#[test]
fn a_year_of_reminders_is_as_the_document_has_it() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/a-year-of-reminders.md");
    let text = document();
    if std::env::var("INSTA_UPDATE").is_ok_and(|how| how == "always") {
        std::fs::write(&path, &text).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap();
    assert!(
        written == text,
        "docs/a-year-of-reminders.md is not what the program does: write it anew with INSTA_UPDATE=always"
    );
}

/// What a person of the trade would check of every year, whatever the words are.
#[test]
fn every_year_of_reminders_keeps_its_promises() {
    for of in CERTIFICATES {
        for fate in of.fates {
            let mails = year(of, *fate);
            let kinds_on = |left: i64| {
                let mails = mails.iter().filter(|mail| days_left(day(END), mail.today) == left);
                mails.map(|mail| mail.kinds.clone()).collect::<Vec<_>>()
            };
            let what = format!("{} {}", of.title, fate.title());
            for left in -LAST..=-FIRST {
                assert!(kinds_on(left).len() <= 1, "{what}: one mail a day");
            }
            let is_filed = mails.iter().filter(|mail| mail.kinds.contains("filing_due")).count();
            let has_filing_day = !of.title.starts_with("整证三级") && !of.title.starts_with("施工劳务");
            match fate {
                Fate::Never => {
                    for (left, kind) in [
                        (7, "expiring"),
                        (1, "expiring"),
                        (0, "expiring"),
                        (-1, "expired"),
                        (-7, "expired"),
                        (-30, "expired"),
                    ] {
                        assert!(
                            kinds_on(left).iter().any(|kinds| kinds.contains(kind)),
                            "{what}: {kind} at {left}"
                        );
                    }
                    // 30, 7 and 0 days before it, and that it has passed.
                    assert_eq!(is_filed, if has_filing_day { 4 } else { 0 }, "{what}");
                }
                Fate::Filed { renewed, .. } => {
                    assert!(
                        mails
                            .iter()
                            .any(|mail| mail.today == before_end(*renewed) && mail.kinds.contains("renewed")),
                        "{what}"
                    );
                    assert!(
                        kinds_on(7).iter().any(|kinds| kinds.contains("expiring")),
                        "{what}: 7 days are told all the same"
                    );
                }
                Fate::Exchanged { days, .. } | Fate::ExchangedUnder { days, .. } => {
                    let after = || mails.iter().filter(|mail| mail.today >= before_end(*days));
                    let said = after().filter(|mail| mail.subject.contains("资质换领")).count();
                    assert_eq!(said, 1, "{what}: an exchange is told as one, once");
                    let kinds: Vec<&str> = after().map(|mail| mail.kinds.as_str()).collect();
                    assert!(
                        !kinds.iter().any(|kinds| {
                            kinds.contains("renewed") || kinds.contains("raised") || kinds.contains("removed")
                        }),
                        "{what}: {kinds:?}"
                    );
                }
                Fate::Each(_) => {
                    let after = mails.iter().filter(|mail| mail.today > before_end(19));
                    assert_eq!(after.count(), 0, "{what}: each part has a new end");
                    let exchanges = mails.iter().filter(|mail| mail.subject.contains("资质换领"));
                    assert_eq!(exchanges.count(), 1, "{what}");
                }
                Fate::ForEver { .. } => {
                    assert!(is_filed == 0, "{what}: nothing is prescribed");
                    let after = mails.iter().filter(|mail| mail.today > before_end(20));
                    let said: Vec<&str> = after.map(|mail| mail.subject.as_str()).collect();
                    assert!(!said.is_empty(), "{what}: what is stated now is told");
                    assert!(
                        said.iter().all(|subject| subject.starts_with("备案载明长期")),
                        "{what}: and nothing is said to have ended: {said:?}"
                    );
                }
                Fate::Renewed { days, .. } | Fate::Decreed { days } => {
                    let after = mails.iter().filter(|mail| mail.today > before_end(*days));
                    assert_eq!(after.count(), 0, "{what}: nothing of the old end is told once it has moved");
                }
                Fate::Partly { .. } => {
                    assert!(
                        kinds_on(-1).iter().any(|kinds| kinds.contains("expired")),
                        "{what}: the rest ends"
                    );
                }
            }
        }
    }
}
