//! The cast of this room's tests: companies, certificates and one event of each kind.

use chrono::{DateTime, NaiveDate, Utc};

use crate::domain::event::{
    Absorbed, Baseline, CallsADay, CertificateFacts, Change, Elsewhere, EndMove, Event, GradeMove, IssueMove,
    Leaver, Leavers, NamedQualification, News, Note, OfQualification, OpenEnds, Reached, ReaderEdited,
    Replacement, TakenBack, Trouble, TroubleFacts,
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
pub(in crate::email) fn event(news: News) -> Event {
    let mut event = Event::new(news, instant("2026-07-24T00:05:00Z"), day(TODAY));
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
    let threshold = left.unwrap_or_default();
    let news = match change {
        Change::FilingDue => News::FilingDue(Reached { threshold }),
        Change::Expiring => News::Expiring(Reached { threshold }),
        Change::Expired => News::Expired(Reached { threshold: -threshold }),
        _ => of_change(change).news,
    };
    Event { certificate: Some(facts), days_left: left, today: day(today), ..event(news) }
}

fn place(number: &str, text: &str) -> Elsewhere {
    let named = named(text).remove(0);
    Elsewhere {
        number: number.to_owned(),
        name: named.name,
        grade: named.grade,
        valid_until: Some(day("2027-05-31")),
        wider_than: None,
    }
}

/// An end that moved.
pub(in crate::email) fn moved(
    move_of: fn(EndMove) -> News,
    facts: CertificateFacts,
    old: &str,
    new: &str,
) -> Event {
    let ends = EndMove { old: day(old), new: day(new) };
    Event { certificate: Some(facts), ..event(move_of(ends)) }
}

fn graded(move_of: fn(GradeMove) -> News, old: &str, now: &str) -> Event {
    let [before, after] = [old, now].map(|text| named(text).remove(0).grade);
    let news = move_of(GradeMove { qualification: now.to_owned(), old: before, new: after });
    Event {
        notes: if matches!(news, News::GradeRaised(_)) {
            Vec::new()
        } else {
            vec![Note::Confirmed { looks: 2 }]
        },
        certificate: Some(certificate("D341123456", "建筑业企业资质", "2028-03-31", now)),
        ..event(news)
    }
}

pub(in crate::email) fn baseline() -> Event {
    event(News::Watching(Baseline {
        current: vec![design("2026-08-23"), supervision("2027-05-16")],
        historical: vec![certificate("B241002517", "勘察资质", "2020-08-26", "工程勘察工程钻探劳务")],
        unjudged: vec![certificate("D341123456", "建筑业企业资质", "长期", "市政公用工程施工总承包二级")],
    }))
}

/// One event of each kind that readers meet.
pub(in crate::email) fn of_change(change: Change) -> Event {
    let part = "工程设计市政行业道路工程专业甲级";
    let until = |news, facts| Event { certificate: Some(facts), ..event(news) };
    let of_part = |of: fn(OfQualification) -> News| of(OfQualification { qualification: part.to_owned() });
    match change {
        Change::FilingDue => stage(change, construction("2026-10-31"), TODAY),
        Change::Expiring => stage(change, design("2026-10-22"), TODAY),
        Change::Expired => {
            Event { notes: vec![Note::NoLongerListed], ..stage(change, design("2026-07-23"), TODAY) }
        }
        Change::CertificateAdded => Event {
            notes: vec![Note::WasHeldElsewhere(place("A141002510", "工程设计市政行业给水工程专业甲级"))],
            ..until(
                News::CertificateAdded,
                certificate("A241002517", "设计资质", "2031-07-19", "工程设计市政行业给水工程专业乙级"),
            )
        },
        Change::CertificateRemoved => {
            let news = News::CertificateRemoved;
            Event { notes: vec![Note::Confirmed { looks: 2 }], ..until(news, supervision("2027-05-16")) }
        }
        Change::CertificateRestored => until(News::CertificateRestored, supervision("2027-05-16")),
        Change::CertificateReplaced => {
            let old = vec!["E241002517".to_owned(), "E341002519".to_owned()];
            let new = "E141002510".to_owned();
            until(News::CertificateReplaced(Replacement { old, new }), supervision("2031-07-01"))
        }
        Change::QualificationAdded => until(of_part(News::QualificationAdded), design("2028-05-31")),
        Change::QualificationRemoved => Event {
            notes: vec![
                Note::HeldElsewhere(place("A241002517", "工程设计市政行业道路工程专业乙级")),
                Note::Confirmed { looks: 2 },
            ],
            ..until(of_part(News::QualificationRemoved), design("2028-05-31"))
        },
        Change::QualificationAbsorbed => {
            let names = named("工程监理房屋建筑工程专业甲级,工程监理市政公用工程专业甲级");
            let into = place("E141002510", "工程监理综合资质");
            let lost = CertificateFacts { qualifications: names.clone(), ..supervision("2027-05-16") };
            until(News::QualificationAbsorbed(Absorbed { names, into }), lost)
        }
        Change::GradeRaised => {
            graded(News::GradeRaised, "市政公用工程施工总承包二级", "市政公用工程施工总承包一级")
        }
        Change::GradeLowered => {
            graded(News::GradeLowered, "市政公用工程施工总承包一级", "市政公用工程施工总承包二级")
        }
        Change::GradeReworded => {
            graded(News::GradeReworded, "市政公用工程施工总承包一级", "市政公用工程施工总承包甲级")
        }
        Change::Renewed => {
            let renewed = CertificateFacts { issued_on: Some(day("2026-07-20")), ..design("2031-08-22") };
            moved(News::Renewed, renewed, "2026-08-23", "2031-08-22")
        }
        Change::ValidityExtended => {
            moved(News::ValidityExtended, design("2027-12-31"), "2026-08-23", "2027-12-31")
        }
        Change::ValidityShortened => Event {
            notes: vec![Note::Confirmed { looks: 2 }],
            ..moved(News::ValidityShortened, design("2026-12-31"), "2028-08-23", "2026-12-31")
        },
        Change::Reissued => {
            let reissued = CertificateFacts { issued_on: Some(day("2026-07-01")), ..design("2028-08-23") };
            let news =
                News::Reissued(IssueMove { old: Some(day("2023-08-23")), new: Some(day("2026-07-01")) });
            until(news, reissued)
        }
        _ => of_company(change),
    }
}

fn of_company(change: Change) -> Event {
    let until = |news, facts| Event { certificate: Some(facts), ..event(news) };
    match change {
        Change::Watching => baseline(),
        Change::Retracted => {
            let taken_back = TakenBack {
                kind: Change::Renewed,
                told_as: None,
                qualification: None,
                told_on: Some(day("2026-07-21")),
                former_end: Some(day("2026-08-23")),
                former_grade: None,
            };
            until(News::Retracted(taken_back), design("2031-08-22"))
        }
        Change::Unverified => {
            Event { last_verified_at: Some(instant("2026-07-14T00:04:00Z")), ..event(News::Unverified) }
        }
        Change::VerifiedAgain => event(News::VerifiedAgain),
        Change::Briefing => {
            let certificates = vec![design("2026-08-23"), construction("2026-10-31")];
            event(News::Briefing(OpenEnds { certificates }))
        }
        _ => watchlist_changed(),
    }
}

/// One company has left the file with a certificate that ends soon; of others somebody else reads.
fn watchlist_changed() -> Event {
    let leaver = |company: &str, open| Leaver { company: company.to_owned(), open };
    let left = vec![leaver("豫监理", vec![supervision("2026-07-31")])];
    let reader = |address: &str, companies: &[&str]| ReaderEdited {
        address: address.to_owned(),
        companies: companies.iter().map(|name| (*name).to_owned()).collect(),
        count: companies.len(),
    };
    let leavers = Leavers {
        left,
        gained: vec![reader("zhang@example.com", &["中原市政"])],
        lost: vec![reader("li@example.com", &["河南院", "中原市政"])],
        calls: Some(CallsADay { before: Some(3), now: 2 }),
    };
    let event = event(News::WatchlistChanged(leavers));
    Event { company: None, company_name: None, last_verified_at: None, ..event }
}

/// One event of each trouble, and its end.
pub(in crate::email) fn of_trouble(trouble: Trouble) -> [Event; 2] {
    let mut began = event(News::Trouble(trouble, TroubleFacts::default()));
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
        Trouble::UnreadableItem => facts("1"),
        Trouble::UnreadableDate => facts("D341123456: 长期"),
        _ => {
            without_company();
            facts("connection refused")
        }
    };
    let ended = Event { news: News::Resolved(trouble, facts.clone()), ..began.clone() };
    began.news = News::Trouble(trouble, facts);
    [began, ended]
}
