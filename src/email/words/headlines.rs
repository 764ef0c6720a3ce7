//! One line for many: five or more certificates or companies that share kind, old end and new end (design 4), as a
//! 统一延期 or a common 12-31 brings them.

use chrono::NaiveDate;

use super::days::{day, english_days, full_day};
use super::title;
use crate::domain::dates::days_left;
use crate::domain::event::{Change, EventKind};
use crate::domain::language::Language::{self, Chinese, English};

/// What the members of a headline share.
#[derive(Debug, Clone, Copy)]
pub(in crate::email) struct Shared {
    /// The kind, as it stands today.
    pub kind: EventKind,
    /// The end they have, or had before.
    pub old_end: Option<NaiveDate>,
    /// The end they have now, where it moved.
    pub new_end: Option<NaiveDate>,
    /// How the ends moved of those that share a headline whatever ends they had.
    pub how: Option<How>,
    /// How many certificates; for kinds without certificates, how many events.
    pub certificates: usize,
    /// How many companies.
    pub companies: usize,
    /// The day the mail is written.
    pub today: NaiveDate,
}

/// How an end moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::email) enum How {
    /// By so many calendar months, to the same day of the month or from its last day to another's.
    ByMonths(u32),
    /// To this day.
    To(NaiveDate),
}

/// The headline.
pub(in crate::email) fn headline(shared: &Shared, language: Language) -> String {
    match (language, shared.kind) {
        (Chinese, EventKind::Change(change)) => chinese(shared, change),
        (English, EventKind::Change(change)) => english(shared, change),
        (Chinese, kind) => format!("{}：{} 项", title(kind, language), shared.certificates),
        (English, kind) => format!("{}: {}", title(kind, language), shared.certificates),
    }
}

/// The badge of a headline; `None` where no days count.
pub(in crate::email) fn badge(shared: &Shared, language: Language) -> Option<String> {
    let EventKind::Change(change) = shared.kind else {
        return None;
    };
    let left = days_left(shared.old_end?, shared.today);
    match (change, language) {
        (Change::Expiring | Change::FilingDue, Chinese) if left == 0 => Some("今日到期".to_owned()),
        (Change::Expiring | Change::FilingDue, Chinese) => Some(format!("剩余 {left} 天")),
        (Change::Expired, Chinese) => Some(format!("有效期已过 {} 天", -left)),
        (Change::Expiring | Change::FilingDue, English) if left == 0 => Some("expires today".to_owned()),
        (Change::Expiring | Change::FilingDue, English) => Some(format!("{} left", english_days(left))),
        (Change::Expired, English) => Some(format!("ended {} ago", english_days(-left))),
        _ => None,
    }
}

fn chinese(shared: &Shared, change: Change) -> String {
    let of = match shared.companies {
        0 | 1 => String::new(),
        companies => format!("（涉及 {companies} 家公司）"),
    };
    let many = format!("{} 张证书{of}", shared.certificates);
    let old = shared.old_end.map(|end| full_day(end, Chinese)).unwrap_or_default();
    let new = shared.new_end.map(|end| day(end, Chinese)).unwrap_or_default();
    let moved = || match (shared.old_end, shared.how) {
        (None, Some(How::ByMonths(months))) => format!("各延长 {months} 个月"),
        (None, Some(How::To(end))) => format!("统一变更为 {}", day(end, Chinese)),
        (old_end, _) => {
            format!("由 {} 变更为 {new}", old_end.map(|end| day(end, Chinese)).unwrap_or_default())
        }
    };
    match change {
        Change::Expiring | Change::FilingDue if shared.old_end == Some(shared.today) => {
            format!("{many}今日到期，当日仍在有效期内")
        }
        Change::Expiring => format!("{many}将于 {old}到期"),
        Change::FilingDue => format!("{many}临近或已过延续申请期限，将于 {old}到期"),
        Change::Expired => format!("{many}载明的有效期已于 {old}届满，平台数据未见延续"),
        Change::Renewed => format!("{many}有效期{}（发证日期已更新）", moved()),
        Change::ValidityExtended => format!("{many}有效期{}（发证日期未变，可能为统一延期）", moved()),
        Change::ValidityShortened => format!("{many}有效期{}，提前到期", moved()),
        Change::CertificateRemoved => format!("平台数据中已查询不到 {many}，载明的有效期至 {old}"),
        Change::Watching | Change::Unverified | Change::VerifiedAgain => {
            format!("{}：{} 家公司", super::chinese::title(change), shared.companies)
        }
        _ if shared.old_end.is_some() => format!("{}：{many}，有效期至 {old}", super::chinese::title(change)),
        _ => format!("{}：{many}", super::chinese::title(change)),
    }
}

fn english(shared: &Shared, change: Change) -> String {
    let of = match shared.companies {
        0 | 1 => String::new(),
        companies => format!(" of {companies} companies"),
    };
    let many = format!("{} certificates{of}", shared.certificates);
    let old = shared.old_end.map(|end| day(end, English)).unwrap_or_default();
    let new = shared.new_end.map(|end| day(end, English)).unwrap_or_default();
    let moved = || match (shared.old_end, shared.how) {
        (None, Some(How::ByMonths(months))) => format!("was extended by {months} months each"),
        (None, Some(How::To(end))) => format!("changed to {}", day(end, English)),
        _ => format!("changed from {old} to {new}"),
    };
    match change {
        Change::Expiring | Change::FilingDue if shared.old_end == Some(shared.today) => {
            format!("{many} expire today and are still valid today")
        }
        Change::Expiring => format!("{many} expire on {old}"),
        Change::FilingDue => format!("The filing day of {many} is near or has passed; they expire on {old}"),
        Change::Expired => {
            format!("The stated validity of {many} ended on {old}, and no renewal was visible")
        }
        Change::Renewed => format!("The validity of {many} {} (reissued)", moved()),
        Change::ValidityExtended => {
            format!("The validity of {many} {} (issue date unchanged, possibly a blanket extension)", moved())
        }
        Change::ValidityShortened => format!("The validity of {many} moved from {old} to the earlier {new}"),
        Change::CertificateRemoved => {
            format!("{many} are no longer listed; their stated validity runs until {old}")
        }
        Change::Watching | Change::Unverified | Change::VerifiedAgain => {
            format!("{}: {} companies", super::english::title(change), shared.companies)
        }
        _ if shared.old_end.is_some() => {
            format!("{}: {many}, valid until {old}", super::english::title(change))
        }
        _ => format!("{}: {many}", super::english::title(change)),
    }
}
