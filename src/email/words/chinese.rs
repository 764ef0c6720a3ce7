//! What readers are told, in Chinese: 用词依国家平台与资质管理规定.

use chrono::NaiveDate;

use super::abolished::{Abolished, abolished};
use super::days::{bracketed_day, day, full_day, inclusive_day, instant};
use super::names::{elsewhere, listed, qualification};
use super::{Saying, Told, chinese_companies};
use crate::domain::dates::days_left;
use crate::domain::event::{CertificateFacts, Change, Elsewhere, Note};
use crate::domain::language::Language::Chinese;
use crate::domain::number::FilingRule;

/// How many names a note lists.
const NOTED_MAX: usize = 10;

const CAUSE_UNKNOWN: &str = "平台数据不能说明原因，使用该资质前请向企业或发证机关核实。";

/// The title of a section.
pub(super) fn title(change: Change) -> &'static str {
    match change {
        Change::CertificateAdded => "新增证书",
        Change::CertificateRemoved => "证书查询不到",
        Change::CertificateRestored => "证书重新列出",
        Change::CertificateReplaced => "证书换新",
        Change::QualificationAdded => "新增资质",
        Change::QualificationRemoved => "资质查询不到",
        Change::GradeRaised => "资质等级提升",
        Change::GradeLowered => "资质等级下降",
        Change::GradeReworded => "等级表述变更",
        Change::Renewed => "证书已延续",
        Change::ValidityExtended => "有效期延长",
        Change::ValidityShortened => "有效期缩短",
        Change::Reissued => "重新发证",
        Change::FilingDue => "延续申请期限",
        Change::Expiring => "即将到期",
        Change::Expired => "有效期届满",
        Change::Watching => "开始监测",
        Change::Retracted => "更正",
        Change::Unverified => "未能核实",
        Change::VerifiedAgain => "恢复核实",
        Change::QualificationAbsorbed => "资质并入",
        Change::Briefing => "现有期限一览",
        Change::WatchlistChanged => "监测名单变更",
    }
}

/// What is said of a change.
pub(super) fn say(told: &Told<'_>, change: Change) -> Saying {
    let mut saying = Saying {
        badge: title(change).to_owned(),
        lead: String::new(),
        actions: Vec::new(),
        notes: Vec::new(),
        verified: Some(verified(told)),
    };
    match change {
        Change::FilingDue | Change::Expiring | Change::Expired => say_end(told, change, &mut saying),
        Change::CertificateAdded
        | Change::CertificateRemoved
        | Change::CertificateRestored
        | Change::CertificateReplaced
        | Change::QualificationAdded
        | Change::QualificationRemoved => say_presence(told, change, &mut saying),
        Change::GradeRaised | Change::GradeLowered | Change::GradeReworded => {
            saying.lead = say_grade(told, change);
        }
        Change::Renewed | Change::ValidityExtended | Change::ValidityShortened | Change::Reissued => {
            say_dates(told, change, &mut saying);
        }
        Change::Watching
        | Change::Retracted
        | Change::Unverified
        | Change::VerifiedAgain
        | Change::QualificationAbsorbed
        | Change::Briefing
        | Change::WatchlistChanged => {
            chinese_companies::say(told, change, &mut saying);
        }
    }
    saying.notes.extend(notes(told, change));
    saying
}

fn verified(told: &Told<'_>) -> String {
    match told.event.last_verified_at {
        Some(at) => format!("数据核实于 {}。", instant(at, Chinese)),
        None => "数据尚未核实。".to_owned(),
    }
}

fn say_end(told: &Told<'_>, change: Change, saying: &mut Saying) {
    let certificate = told.certificate(Chinese);
    let left = told.left().unwrap_or_default();
    let end = told.end().map(|end| full_day(end, Chinese)).unwrap_or_default();
    if change == Change::Expired {
        let as_of = match told.event.last_verified_at {
            Some(at) => format!("截至 {}", instant(at, Chinese)),
            None => "数据尚未核实，".to_owned(),
        };
        saying.badge = format!("有效期已过 {} 天", -left);
        saying.lead = format!(
            "{certificate}载明的有效期已于 {end}届满（已过 {} 天），{as_of}平台数据未见延续。",
            -left
        );
        saying.actions.push("投标或签约前请核实。".to_owned());
        saying.verified = None;
        return;
    }
    saying.badge = if left == 0 { "今日到期".to_owned() } else { format!("剩余 {left} 天") };
    saying.lead = if left == 0 {
        let today = told.end().map(|end| format!("（{}）", bracketed_day(end))).unwrap_or_default();
        format!("{certificate}今日{today}到期，当日仍在有效期内。")
    } else {
        format!("{certificate}将于 {end}到期，剩余 {left} 天。")
    };
    if change == Change::FilingDue
        && let Some(filing) = told.facts().and_then(|facts| facts.filing_day)
    {
        saying.badge = match days_left(filing, told.today) {
            0 => "今日为申请期限".to_owned(),
            days if days > 0 => format!("距申请期限 {days} 天"),
            _ => format!("已过申请期限，剩余 {left} 天"),
        };
    }
    if let Some(facts) = told.facts() {
        saying.actions.extend(filing(facts, told.today));
    }
}

/// What has to be applied for, and until when.
fn filing(facts: &CertificateFacts, today: NaiveDate) -> Vec<String> {
    match abolished(facts) {
        Abolished::All => {
            let by = facts.filing_day.filter(|day| *day >= today);
            let by = by.map(|by| format!("，建议不迟于 {}", inclusive_day(by))).unwrap_or_default();
            vec![format!("该等级已取消，请按规定在有效期届满前申请换领{by}（以许可机关要求为准）。")]
        }
        Abolished::Some(grades) => {
            let names: Vec<String> = grades.into_iter().map(|named| qualification(named, Chinese)).collect();
            let names = listed(&names, NOTED_MAX, Chinese);
            let exchange = format!("其中 {names} 的等级已取消，请按规定在有效期届满前申请换领。");
            renewal(facts, today).into_iter().chain([exchange]).collect()
        }
        Abolished::Nothing => renewal(facts, today).into_iter().collect(),
    }
}

fn renewal(facts: &CertificateFacts, today: NaiveDate) -> Option<String> {
    let by = facts.filing_day?;
    let left = days_left(by, today);
    let if_applicable = facts.family.filing_rule() == FilingRule::ThreeMonthsIfApplicable;
    let rule = if if_applicable { "如适用，" } else { "按规定" };
    let by_that_day = inclusive_day(by);
    Some(match left {
        0 => format!(
            "{rule}最迟应于今日（{}，含当日）向原资质许可机关提出延续申请（以许可机关要求为准）。",
            day(by, Chinese)
        ),
        1.. => format!("{rule}最迟应于 {by_that_day}向原资质许可机关提出延续申请（以许可机关要求为准）。"),
        _ if if_applicable => format!(
            "如适用，延续申请最迟应于 {by_that_day}提出，该日已过。请立即确认是否已提交延续申请（以许可机关要求为准）。"
        ),
        _ => format!(
            "已超过规定的延续申请时间（{}）。请立即确认是否已提交延续申请；有效期届满前仍未申请的，证书逾期自动作废。",
            day(by, Chinese)
        ),
    })
}

fn say_presence(told: &Told<'_>, change: Change, saying: &mut Saying) {
    let certificate = told.certificate(Chinese);
    let (text, _) = told.qualification(Chinese);
    let looks = looks(told);
    let until = told.end().map(|end| format!("，有效期至 {}", full_day(end, Chinese))).unwrap_or_default();
    saying.lead = match change {
        Change::CertificateAdded => format!("平台数据新增{certificate}{until}。"),
        Change::CertificateRestored => format!("平台数据重新列出{certificate}{until}。"),
        Change::CertificateReplaced => {
            let old = told.replaced().join("、");
            format!("{certificate}替代原证书 {old}：原证书的资质均由新证书持有，等级相同或更高{until}。")
        }
        Change::CertificateRemoved => {
            let until = told.end().map(|end| format!("；其载明的有效期至 {}", full_day(end, Chinese)));
            format!("平台数据中已查询不到{certificate}{looks}{}。", until.unwrap_or_default())
        }
        Change::QualificationAdded => format!("{certificate}新增 {text}{until}。"),
        _ if told.is_all_held_elsewhere() => format!("{text} 已不在{certificate}中{looks}。"),
        _ => format!("平台数据中，{certificate}已查询不到 {text}{looks}；该证书本身仍在列。"),
    };
    if matches!(change, Change::CertificateRemoved | Change::QualificationRemoved)
        && !told.is_all_held_elsewhere()
    {
        saying.actions.push(CAUSE_UNKNOWN.to_owned());
    }
}

fn looks(told: &Told<'_>) -> String {
    told.looks().map(|looks| format!("（经 {looks} 次核实）")).unwrap_or_default()
}

fn say_grade(told: &Told<'_>, change: Change) -> String {
    let certificate = told.certificate(Chinese);
    let (_, name) = told.qualification(Chinese);
    let [old, new] = told.grades(Chinese);
    let looks = looks(told);
    match change {
        Change::GradeRaised => format!("{certificate}中 {name} 的资质等级由 {old} 升为 {new}。"),
        Change::GradeLowered => format!("{certificate}中 {name} 的资质等级由 {old} 降为 {new}{looks}。"),
        _ => format!("{certificate}中 {name} 的等级表述由 {old} 变为 {new}{looks}，不表示等级升降。"),
    }
}

fn say_dates(told: &Told<'_>, change: Change, saying: &mut Saying) {
    let certificate = told.certificate(Chinese);
    let [old, new] = told.days(Chinese);
    saying.lead = match change {
        Change::Renewed => {
            let issued =
                told.new_issue_day().map(|issued| format!("（新发证日期 {}）", day(issued, Chinese)));
            format!("{certificate}有效期由 {old} 变更为 {new}{}。", issued.unwrap_or_default())
        }
        Change::ValidityExtended => {
            format!("{certificate}有效期由 {old} 变更为 {new}（发证日期未变，可能为统一延期）。")
        }
        Change::Reissued => {
            let until = told.end().map(|end| format!("（至 {}）", day(end, Chinese))).unwrap_or_default();
            format!("{certificate}发证日期由 {old} 变更为 {new}，有效期未变{until}。")
        }
        _ => {
            let left = match told.left() {
                Some(0) => "，今日到期".to_owned(),
                Some(left) if left > 0 => format!("，剩余 {left} 天"),
                Some(left) => format!("，该日已过 {} 天", -left),
                None => String::new(),
            };
            format!("{certificate}有效期由 {old} 提前至 {new}{}{left}。", looks(told))
        }
    };
}

fn notes(told: &Told<'_>, change: Change) -> Vec<String> {
    let mut lines = Vec::new();
    let is_loss = matches!(change, Change::CertificateRemoved | Change::QualificationRemoved);
    for note in &told.event.notes {
        match note {
            Note::NoLongerListed => lines.push("平台已不再列出。".to_owned()),
            Note::LaterEndInDoubt { end } => {
                lines.push(format!("平台数据曾一次显示有效期至 {}，尚待再次核实。", full_day(*end, Chinese)));
            }
            Note::MassLoss => lines.push(
                "同一时段有多家公司的资质同时查询不到，也可能是平台数据异常，请以核实结果为准。".to_owned(),
            ),
            Note::HeldElsewhere(_)
            | Note::WasHeldElsewhere(_)
            | Note::PartlyCovered(_)
            | Note::Confirmed { .. }
            | Note::FilingDayPassed
            | Note::GradeAbolished
            | Note::TakesBack { .. } => {}
        }
    }
    let held = if is_loss { "仍由证书" } else { "同一资质另由证书" };
    lines.extend(places(told, held, "持有", |note| match note {
        Note::HeldElsewhere(place) => Some(place),
        _ => None,
    }));
    lines.extend(places(told, "同一资质曾由证书", "持有", |note| match note {
        Note::WasHeldElsewhere(place) => Some(place),
        _ => None,
    }));
    lines.extend(places(told, "部分资质已由有效期更晚的证书", "持有", |note| match note {
        Note::PartlyCovered(place) => Some(place),
        _ => None,
    }));
    if matches!(change, Change::FilingDue | Change::Expiring) && told.is_of_an_abolished_family() {
        lines.push("该类资质已取消，不再办理延续；请以许可机关的说明为准。".to_owned());
    }
    lines
}

/// One sentence for each other certificate, with what it holds.
fn places(
    told: &Told<'_>,
    before: &str,
    after: &str,
    pick: impl Fn(&Note) -> Option<&Elsewhere>,
) -> Vec<String> {
    super::by_number(told.event.notes.iter().filter_map(pick))
        .into_iter()
        .map(|(number, places)| {
            let names: Vec<String> = places.into_iter().map(|place| elsewhere(place, Chinese)).collect();
            format!("{before} {number} {after}：{}。", listed(&names, NOTED_MAX, Chinese))
        })
        .collect()
}
