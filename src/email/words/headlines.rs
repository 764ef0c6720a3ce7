//! What is said once of many that share kind and ends (design 4: a 统一延期, a common 12-31).

use chrono::NaiveDate;

use super::deadlines::Deadline;
use super::phrasebook::{Phrase, phrases};
use super::{days, titles, troubles};
use crate::domain::event::{Change, EventKind};
use crate::domain::language::Language;

phrases! {
    CERTIFICATES = "{count} 本证书" / "{count} certificates";
    CERTIFICATES_OF = "{count} 本证书（涉及 {companies} 家企业）" / "{count} certificates of {companies} companies";
    PARTS = "{count} 本证书的部分资质" / "{count} certificates (each in part)";
    PARTS_OF = "{count} 本证书（涉及 {companies} 家企业）的部分资质" / "{count} certificates of {companies} companies (each in part)";
    SOME_PARTS = "{count} 本证书（其中 {parts} 本仅部分资质）" / "{count} certificates ({parts} of them in part)";
    SOME_PARTS_OF = "{count} 本证书（涉及 {companies} 家企业，其中 {parts} 本仅部分资质）" / "{count} certificates of {companies} companies ({parts} of them in part)";
    EXPIRE_TODAY = "{many}今日到期，当日仍在有效期内" / "{many} expire today and are still valid today";
    EXPIRE_ON = "{many}将于 {old}到期" / "{many} expire on {old}";
    FILE_BY = "{many}将于 {old}到期，最迟应于 {by}提出延续申请" / "{many} expire on {old}; renewal must be applied for on or before {by}";
    FILE_BY_IF_APPLICABLE = "{many}将于 {old}到期，如适用，最迟应于 {by}提出延续申请" / "{many} expire on {old}; if applicable, renewal must be applied for on or before {by}";
    FILE_FIRST_BY = "{many}将于 {old}到期，延续申请截止日最早为 {by}" / "{many} expire on {old}; the first day to apply for renewal is {by}";
    FILING_OVER = "{many}将于 {old}到期，延续申请截止日已过" / "{many} expire on {old}; the day to apply for renewal has passed";
    FILING_OVER_OF_SOME = "{many}将于 {old}到期，其中 {passed} 本已过延续申请截止日" / "{many} expire on {old}; of {passed} the day to apply for renewal has passed";
    ENDED_ON = "{many}载明的有效期已于 {old}届满，平台数据未见延续" / "The stated validity of {many} ended on {old}; the data shows no renewal";
    RENEWED_BY = "{many}有效期{moved}（发证日期已更新）" / "The validity of {many} {moved} (with new issue dates)";
    EXTENDED_BY = "{many}有效期{moved}（发证日期未变，可能为主管部门统一延期）" / "The validity of {many} {moved} (issue dates unchanged, possibly a general extension by the authorities)";
    SHORTENED_BY = "{many}有效期{moved}，提前到期" / "The validity of {many} {moved}, to an earlier end";
    LOST = "平台数据中未查询到 {many}，载明的有效期至 {old}" / "{many} are not listed; their stated validity runs until {old}";
    BY_MONTHS = "各延长 {months} 个月" / "was extended by {months} months each";
    TO_DAY = "统一变更为 {new}" / "changed to {new}";
    FROM_TO = "由 {old} 变更为 {new}" / "changed from {old} to {new}";
    COMPANIES = "{title}：{companies} 家企业" / "{title}: {companies} companies";
    WITH_END = "{title}：{many}，有效期至 {old}" / "{title}: {many}, valid until {old}";
    WITHOUT_END = "{title}：{many}" / "{title}: {many}";
    COUNTED = "{title}：{count} 项" / "{title}: {count}";
}

/// What they share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::email) struct Shared {
    /// What they are, today.
    pub kind: EventKind,
    /// The end they have, or had before.
    pub old_end: Option<NaiveDate>,
    /// The end they have now, where it moved.
    pub new_end: Option<NaiveDate>,
    /// How the ends moved of those that share a headline whatever ends they had.
    pub how: Option<How>,
    /// How many certificates; for kinds without certificates, how many events.
    pub certificates: usize,
    /// Of how many of these only a part is meant, and the rest has another end.
    pub parts: usize,
    /// How many companies.
    pub companies: usize,
    /// What has to be done before their ends, where that is still ahead.
    pub filing: Filing,
    /// What by when of the most urgent of them.
    pub first_badge: String,
    /// The day the mail is written.
    pub today: NaiveDate,
}

/// What many certificates that end on one day have to be applied for by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::email) struct Filing {
    /// The first of their filing days that is today or later.
    pub first: Option<NaiveDate>,
    /// Whether it is that of all of them.
    pub is_of_all: bool,
    /// Whether none of them is known to need it.
    pub is_if_applicable: bool,
    /// Of how many it has passed.
    pub passed: usize,
}

impl Filing {
    /// Of certificates with these deadlines.
    pub fn of<'a>(deadlines: &[Deadline<'a>]) -> Self {
        let first = deadlines.iter().filter_map(|deadline| match deadline {
            Deadline::File { by, .. } => Some(*by),
            _ => None,
        });
        let first = first.min();
        let is_first =
            |deadline: &Deadline<'a>| matches!(deadline, Deadline::File { by, .. } if Some(*by) == first);
        let is_if_applicable =
            |deadline: &Deadline<'a>| matches!(deadline, Deadline::File { if_applicable: true, .. });
        Self {
            first,
            is_of_all: deadlines.iter().all(is_first),
            is_if_applicable: deadlines.iter().all(is_if_applicable),
            passed: deadlines.iter().filter(|it| matches!(it, Deadline::Passed { .. })).count(),
        }
    }
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
    let EventKind::Change(change) = shared.kind else {
        let title = match shared.kind {
            EventKind::Resolved(trouble) => troubles::title_of_end(trouble),
            EventKind::Trouble(trouble) => troubles::title(trouble),
            EventKind::Change(change) => titles::title(change),
        };
        let count = shared.certificates.to_string();
        return COUNTED.with(language, &[("title", title.text(language)), ("count", &count)]);
    };
    let (count, companies) = (shared.certificates.to_string(), shared.companies.to_string());
    let parts = shared.parts.to_string();
    let many =
        many(shared).with(language, &[("count", &count), ("companies", &companies), ("parts", &parts)]);
    let day = |day: NaiveDate| days::day(day, language);
    let old = shared.old_end.map(|end| days::full_day(end, language)).unwrap_or_default();
    let moved = moved(shared, language, day);
    let by = shared.filing.first.map(|by| days::full_day(by, language)).unwrap_or_default();
    let passed = shared.filing.passed.to_string();
    let places = [
        ("many", many.as_str()),
        ("old", &old),
        ("by", &by),
        ("passed", &passed),
        ("moved", &moved),
        ("companies", &companies),
        ("title", titles::title(change).text(language)),
    ];
    phrase(shared, change).with(language, &places)
}

fn many(shared: &Shared) -> Phrase {
    match (shared.parts, shared.companies > 1) {
        (0, false) => CERTIFICATES,
        (0, true) => CERTIFICATES_OF,
        (parts, false) if parts == shared.certificates => PARTS,
        (parts, true) if parts == shared.certificates => PARTS_OF,
        (_, false) => SOME_PARTS,
        (_, true) => SOME_PARTS_OF,
    }
}

fn phrase(shared: &Shared, change: Change) -> Phrase {
    match change {
        Change::Expiring | Change::FilingDue if shared.old_end == Some(shared.today) => EXPIRE_TODAY,
        Change::Expiring | Change::FilingDue => ending(shared),
        Change::Expired => ENDED_ON,
        Change::Renewed => RENEWED_BY,
        Change::ValidityExtended => EXTENDED_BY,
        Change::ValidityShortened => SHORTENED_BY,
        Change::CertificateRemoved => LOST,
        Change::Watching | Change::Unverified | Change::VerifiedAgain | Change::Briefing => COMPANIES,
        _ if shared.old_end.is_some() => WITH_END,
        _ => WITHOUT_END,
    }
}

/// The filing day comes first while it lies ahead (words 1).
fn ending(shared: &Shared) -> Phrase {
    let Filing { first, is_of_all, is_if_applicable, passed } = shared.filing;
    match first {
        Some(_) if is_of_all && is_if_applicable => FILE_BY_IF_APPLICABLE,
        Some(_) if is_of_all => FILE_BY,
        Some(_) => FILE_FIRST_BY,
        None if passed == 0 => EXPIRE_ON,
        None if passed == shared.certificates => FILING_OVER,
        None => FILING_OVER_OF_SOME,
    }
}

fn moved(shared: &Shared, language: Language, day: impl Fn(NaiveDate) -> String) -> String {
    match (shared.old_end, shared.how) {
        (None, Some(How::ByMonths(months))) => BY_MONTHS.with(language, &[("months", &months.to_string())]),
        (None, Some(How::To(end))) => TO_DAY.with(language, &[("new", &day(end))]),
        (old_end, _) => {
            let [old, new] = [old_end, shared.new_end].map(|end| end.map(&day).unwrap_or_default());
            FROM_TO.with(language, &[("old", &old), ("new", &new)])
        }
    }
}

/// What by when, of a headline; `None` where no days count.
pub(in crate::email) fn badge(shared: &Shared) -> Option<&str> {
    let counts =
        matches!(shared.kind, EventKind::Change(Change::Expiring | Change::FilingDue | Change::Expired));
    counts.then_some(shared.first_badge.as_str())
}

#[cfg(test)]
mod tests {
    #[test]
    fn both_languages_have_the_same_places() {
        super::super::phrasebook::assert_same_places(super::ALL);
    }
}
