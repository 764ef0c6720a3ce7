//! What readers are told of a whole company, in Chinese.

use std::collections::BTreeSet;

use super::chinese::title;
use super::days::{day, day_of, full_day, instant};
use super::names::{elsewhere, listed, name, qualification};
use super::{Saying, Told};
use crate::domain::dates::days_left;
use crate::domain::event::{CertificateFacts, Change, Leaver, News};
use crate::domain::language::Language::Chinese;

/// How many numbers a note lists.
const NOTED_MAX: usize = 10;

/// What is said of a company: its baseline, a correction, whether it could be verified.
pub(super) fn say(told: &Told<'_>, change: Change, saying: &mut Saying) {
    let verified_at = told.event.last_verified_at;
    match change {
        Change::Watching => watching(told, saying),
        Change::Retracted => saying.lead = retracted(told),
        Change::Unverified => {
            saying.lead = match verified_at {
                Some(at) => {
                    let days = days_left(told.today, day_of(at)).max(0);
                    saying.badge = format!("已 {days} 天未能核实");
                    format!("上次核实于 {}，此后 {days} 天未能取得完整数据。", instant(at, Chinese))
                }
                None => "自加入监测以来未能取得完整数据，尚未核实过。".to_owned(),
            };
            saying.notes.push("此间的变化可能未被发现；到期提醒仍按最后一次核实的数据发出。".to_owned());
            saying.verified = None;
        }
        Change::QualificationAbsorbed => {
            if let News::QualificationAbsorbed(absorbed) = &told.event.news {
                let names: Vec<String> =
                    absorbed.names.iter().map(|named| qualification(named, Chinese)).collect();
                let into = elsewhere(&absorbed.into, Chinese);
                let (names, number) = (listed(&names, NOTED_MAX, Chinese), name(&absorbed.into.number));
                saying.lead = format!("原“{names}”已由“{into}”（证书 {number}）涵盖。");
                saying.actions.push("投标使用新资质名称。".to_owned());
            }
        }
        Change::Briefing => {
            if let News::Briefing(open) = &told.event.news {
                let ends: Vec<String> = open.certificates.iter().map(ending).collect();
                saying.lead = format!("现有期限：{}。", listed(&ends, NOTED_MAX, Chinese));
            }
        }
        Change::WatchlistChanged => {
            if let News::WatchlistChanged(leavers) = &told.event.news {
                let names = |of: &[Leaver]| {
                    let names: Vec<String> = of.iter().map(|leaver| name(&leaver.company)).collect();
                    listed(&names, NOTED_MAX, Chinese)
                };
                saying.lead =
                    format!("移出监测名单：{}。无收件人：{}。", names(&leavers.left), names(&leavers.unread));
            }
        }
        _ => {
            let at = verified_at.map(|at| format!("于 {}", instant(at, Chinese))).unwrap_or_default();
            saying.lead = format!("数据已{at}恢复核实，监测继续；此间如有变化，另行列出。");
            saying.verified = None;
        }
    }
}

fn ending(facts: &CertificateFacts) -> String {
    let end = facts.valid_until.map(|end| day(end, Chinese)).unwrap_or_default();
    format!("{} {end}", name(&facts.number))
}

fn retracted(told: &Told<'_>) -> String {
    let kind = told.taken_back();
    let what = kind.map_or_else(|| "变化".to_owned(), |kind| format!("“{}”", title(kind)));
    let (text, _) = told.qualification(Chinese);
    let about = if text.is_empty() { String::new() } else { format!(" {text} ") };
    let until = match kind {
        Some(Change::Renewed | Change::ValidityExtended) => {
            told.end().map(|end| format!("（有效期至 {}）", day(end, Chinese))).unwrap_or_default()
        }
        _ => String::new(),
    };
    format!(
        "此前告知的{}{about}{what}{until}，其后的核实中平台数据已不再显示，现予更正，请勿以此前的告知为依据。",
        told.certificate(Chinese)
    )
}

fn watching(told: &Told<'_>, saying: &mut Saying) {
    let baseline = told.event.baseline().cloned().unwrap_or_default();
    let next =
        baseline.current.iter().filter_map(|facts| Some((facts.valid_until?, facts))).min_by_key(|it| it.0);
    let next = next.map(|(end, facts)| {
        let verb = if end < told.today { "已于" } else { "将于" };
        let ended = if end < told.today { "届满" } else { "到期" };
        format!("，最早的 {} {verb} {}{ended}", name(&facts.number), full_day(end, Chinese))
    });
    // One certificate may stand there with several ends.
    let watched = baseline.current.iter().chain(&baseline.unjudged);
    let count = watched.map(|facts| &facts.number).collect::<BTreeSet<_>>().len();
    if count == 0 {
        saying.badge = String::from("开始监测，仅有历史证书");
        saying.lead = String::from("已开始监测，平台数据中未查得近期有效的资质证书，仅有历史证书。");
    } else {
        saying.badge = format!("开始监测 {count} 张证书");
        saying.lead = format!("已开始监测，平台数据中查得 {count} 张资质证书{}。", next.unwrap_or_default());
    }
    let numbers = |certificates: &[CertificateFacts]| {
        let numbers: Vec<String> = certificates.iter().map(|facts| name(&facts.number)).collect();
        listed(&numbers, NOTED_MAX, Chinese)
    };
    if !baseline.unjudged.is_empty() {
        saying.notes.push(format!("有效期无法判断、不作到期提醒：{}。", numbers(&baseline.unjudged)));
    }
    if !baseline.historical.is_empty() {
        saying
            .notes
            .push(format!("历史证书（届满超过 180 天，不再提醒）：{}。", numbers(&baseline.historical)));
    }
    saying.notes.push(NOT_COVERED.to_owned());
    saying.actions.push(CONFIRM_COMPANY.to_owned());
}

/// What the provider's answer does not hold: silence must not look like "covered" (domain.md 0).
const NOT_COVERED: &str = "监测不包括安全生产许可证、注册人员和异常标注。";

const CONFIRM_COMPANY: &str = "请核对所列证书，确认这就是所要监测的公司；如不是，请告知管理员。";
