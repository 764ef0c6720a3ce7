//! The cast of this room's tests: companies, certificates and one event of each kind.

use chrono::{DateTime, NaiveDate, Utc};

use crate::domain::event::{
    Baseline, CertificateFacts, Change, Elsewhere, Event, EventKind, NamedQualification, Note, Trouble,
    TroubleFacts,
};
use crate::domain::number::{CertificateNumber, Family};
use crate::domain::qualification;

pub(in crate::email) const TODAY: &str = "2026-07-24";

pub(in crate::email) fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

pub(in crate::email) fn instant(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

pub(in crate::email) fn named(names: &str) -> Vec<NamedQualification> {
    qualification::split(names)
        .into_iter()
        .map(|it| NamedQualification { text: it.text, name: it.name, grade: it.grade })
        .collect()
}

/// A certificate of five years that ends on `end`.
pub(in crate::email) fn certificate(number: &str, kind: &str, end: &str, names: &str) -> CertificateFacts {
    let family = Family::of(&CertificateNumber::parse(number).unwrap(), kind);
    let valid_until: Option<NaiveDate> = end.parse().ok();
    let organ = match number.as_bytes()[1] {
        b'1' => "住房和城乡建设部",
        _ => "河南省住房和城乡建设厅",
    };
    CertificateFacts {
        number: number.to_owned(),
        family,
        kind: kind.to_owned(),
        organ: organ.to_owned(),
        issued_on: valid_until.map(|end| crate::domain::dates::months_before(end, 60)),
        valid_until,
        valid_until_text: end.to_owned(),
        filing_day: valid_until.and_then(|end| family.filing_day(end)),
        qualifications: named(names),
    }
}

pub(in crate::email) fn design(end: &str) -> CertificateFacts {
    certificate(
        "A141002510",
        "设计资质",
        end,
        "工程设计建筑行业（建筑工程）甲级,工程设计市政行业给水工程专业甲级,工程设计市政行业道路工程专业甲级",
    )
}

pub(in crate::email) fn supervision(end: &str) -> CertificateFacts {
    certificate("E141002510", "监理资质", end, "工程监理房屋建筑工程专业甲级")
}

pub(in crate::email) fn construction(end: &str) -> CertificateFacts {
    certificate("D341123456", "建筑业企业资质", end, "市政公用工程施工总承包二级,模板脚手架专业承包不分等级")
}

/// An event of 河南院, found on [`TODAY`] and verified that morning.
pub(in crate::email) fn event(kind: impl Into<EventKind>) -> Event {
    let mut event = Event::new(kind, instant("2026-07-24T00:05:00Z"), day(TODAY));
    event.company = Some("河南省建筑设计研究院有限公司".parse().unwrap());
    event.company_name = Some("河南院".to_owned());
    event.last_verified_at = Some(instant("2026-07-24T00:04:00Z"));
    event
}

pub(in crate::email) fn of(mut event: Event, keyword: &str, name: &str) -> Event {
    event.company = Some(keyword.parse().unwrap());
    event.company_name = Some(name.to_owned());
    event
}

/// A stage of the end of a certificate, found on `today`.
pub(in crate::email) fn stage(change: Change, facts: CertificateFacts, today: &str) -> Event {
    let left = facts.valid_until.map(|end| crate::domain::dates::days_left(end, day(today)));
    Event { certificate: Some(facts), days_left: left, today: day(today), ..event(change) }
}

fn place(number: &str, text: &str) -> Elsewhere {
    let named = named(text).remove(0);
    Elsewhere { number: number.to_owned(), name: named.name, grade: named.grade }
}

fn moved(change: Change, facts: CertificateFacts, old: &str, new: &str) -> Event {
    Event { certificate: Some(facts), old: Some(old.to_owned()), new: Some(new.to_owned()), ..event(change) }
}

fn graded(change: Change, old: &str, new: &str, now: &str) -> Event {
    Event {
        qualification: Some(now.to_owned()),
        notes: if change == Change::GradeRaised { Vec::new() } else { vec![Note::Confirmed { looks: 2 }] },
        ..moved(change, certificate("D341123456", "建筑业企业资质", "2028-03-31", now), old, new)
    }
}

pub(in crate::email) fn baseline() -> Event {
    Event {
        baseline: Some(Baseline {
            current: vec![design("2026-08-23"), supervision("2027-05-16")],
            historical: vec![certificate("B241002517", "勘察资质", "2020-08-26", "工程勘察工程钻探劳务")],
            unjudged: vec![certificate("D341123456", "建筑业企业资质", "长期", "市政公用工程施工总承包二级")],
        }),
        ..event(Change::Watching)
    }
}

/// One event of each kind that readers meet.
pub(in crate::email) fn of_change(change: Change) -> Event {
    let until = |facts| Event { certificate: Some(facts), ..event(change) };
    let part = "工程设计市政行业道路工程专业甲级";
    match change {
        Change::FilingDue => stage(change, construction("2026-10-31"), TODAY),
        Change::Expiring => stage(change, design("2026-10-22"), TODAY),
        Change::Expired => {
            Event { notes: vec![Note::NoLongerListed], ..stage(change, design("2026-07-23"), TODAY) }
        }
        Change::CertificateAdded => Event {
            notes: vec![Note::WasHeldElsewhere(place("A141002510", "工程设计市政行业给水工程专业甲级"))],
            ..until(certificate("A241002517", "设计资质", "2031-07-19", "工程设计市政行业给水工程专业乙级"))
        },
        Change::CertificateRemoved => {
            Event { notes: vec![Note::Confirmed { looks: 2 }], ..until(supervision("2027-05-16")) }
        }
        Change::CertificateRestored => until(supervision("2027-05-16")),
        Change::CertificateReplaced => Event {
            old: Some("E241002517,E341002519".to_owned()),
            new: Some("E141002510".to_owned()),
            ..until(supervision("2031-07-01"))
        },
        Change::QualificationAdded => {
            Event { qualification: Some(part.to_owned()), ..until(design("2028-05-31")) }
        }
        Change::QualificationRemoved => Event {
            qualification: Some(part.to_owned()),
            notes: vec![
                Note::HeldElsewhere(place("A241002517", "工程设计市政行业道路工程专业乙级")),
                Note::Confirmed { looks: 2 },
            ],
            ..until(design("2028-05-31"))
        },
        Change::GradeRaised => graded(change, "二级", "一级", "市政公用工程施工总承包一级"),
        Change::GradeLowered => graded(change, "一级", "二级", "市政公用工程施工总承包二级"),
        Change::GradeReworded => graded(change, "一级", "甲级", "市政公用工程施工总承包甲级"),
        Change::Renewed => {
            let renewed = CertificateFacts { issued_on: Some(day("2026-07-20")), ..design("2031-08-22") };
            moved(change, renewed, "2026-08-23", "2031-08-22")
        }
        Change::ValidityExtended => moved(change, design("2027-12-31"), "2026-08-23", "2027-12-31"),
        Change::ValidityShortened => Event {
            notes: vec![Note::Confirmed { looks: 2 }],
            ..moved(change, design("2026-12-31"), "2028-08-23", "2026-12-31")
        },
        Change::Reissued => {
            let reissued = CertificateFacts { issued_on: Some(day("2026-07-01")), ..design("2028-08-23") };
            moved(change, reissued, "2023-08-23", "2026-07-01")
        }
        Change::Watching => baseline(),
        Change::Retracted => Event {
            notes: vec![Note::TakesBack { kind: Change::Renewed.into() }],
            ..until(design("2031-08-22"))
        },
        Change::Unverified => {
            Event { last_verified_at: Some(instant("2026-07-14T00:04:00Z")), ..event(change) }
        }
        Change::VerifiedAgain => event(change),
    }
}

/// One event of each trouble, and its end.
pub(in crate::email) fn of_trouble(trouble: Trouble) -> [Event; 2] {
    let mut began = event(EventKind::Trouble(trouble));
    let facts = |reason: &str| TroubleFacts {
        reason: reason.to_owned(),
        since: Some(instant("2026-07-23T23:58:00Z")),
        ..TroubleFacts::default()
    };
    let mut without_company = || (began.company, began.company_name) = (None, None);
    let facts = match trouble {
        Trouble::ApiCredential => {
            without_company();
            TroubleFacts {
                code: Some(10008),
                advice: Some("a new key would not help: add the address to the white list".to_owned()),
                ..facts("被禁止的IP")
            }
        }
        Trouble::ApiQuota => {
            without_company();
            TroubleFacts { code: Some(10012), ..facts("请求超过次数限制") }
        }
        Trouble::MassChange => {
            without_company();
            TroubleFacts {
                companies: vec!["河南院".to_owned(), "豫监理".to_owned()],
                ..facts("12 of 20 companies")
            }
        }
        Trouble::ApiUnknownCode | Trouble::CompanyNotFound | Trouble::IdentityChanged => {
            TroubleFacts { line: Some(17), code: Some(265_002), ..facts("参数不合法") }
        }
        Trouble::CompanyUnverified => TroubleFacts { line: Some(17), ..facts("total 45, got 44") },
        Trouble::UnreadableDate => facts("D341123456: 长期"),
        _ => {
            without_company();
            facts("connection refused")
        }
    };
    let ended = Event { kind: EventKind::Resolved(trouble), trouble: Some(facts.clone()), ..began.clone() };
    began.trouble = Some(facts);
    [began, ended]
}
