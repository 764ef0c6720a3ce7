//! What is said once of many that share kind and ends (design 4: a 统一延期, a common 12-31).

use chrono::NaiveDate;

use super::phrasebook::{Phrase, phrases};
use super::reader_words as w;
use super::{days, titles, troubles};
use crate::domain::dates::days_left;
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
    FILING_NEAR = "{many}临近或已过延续申请截止日，将于 {old}到期" / "The filing day of {many} is near or has passed; they expire on {old}";
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
    let places = [
        ("many", many.as_str()),
        ("old", &old),
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
        Change::Expiring => EXPIRE_ON,
        Change::FilingDue => FILING_NEAR,
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
pub(in crate::email) fn badge(shared: &Shared, language: Language) -> Option<String> {
    let EventKind::Change(change) = shared.kind else {
        return None;
    };
    let left = days_left(shared.old_end?, shared.today);
    let days = days::count(left.abs(), language);
    Some(match change {
        Change::Expiring | Change::FilingDue if left == 0 => w::EXPIRES_TODAY.text(language).to_owned(),
        Change::Expiring | Change::FilingDue => w::EXPIRES_IN.with(language, &[("days", &days)]),
        Change::Expired => w::ENDED_AGO.with(language, &[("days", &days)]),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn both_languages_have_the_same_places() {
        super::super::phrasebook::assert_same_places(super::ALL);
    }
}
