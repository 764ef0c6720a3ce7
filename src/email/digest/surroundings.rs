//! What a letter says besides its events: on all the rest of what its reader is told of, and who stands behind it.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, NaiveDate, Utc};

use super::selection::Shown;
use crate::config::Watchlist;
use crate::domain::dates::days_left;
use crate::domain::event::{Audience, Event};
use crate::domain::keyword::Keyword;
use crate::domain::language::Language;
use crate::email::words::phrasebook::phrases;
use crate::email::words::{companies, days, names};

phrases! {
    REST = "其余 {companies} 家企业 {certificates} 本证书：{clauses}。" / "All the rest (companies: {companies}, certificates: {certificates}): {clauses}.";
    REST_UNCHANGED = "无变化，{at} 已查询" / "no change, queried {at}";
    REST_SOME_UNCHANGED = "{count} 家无变化（{at} 已查询）" / "no change in {count} companies (queried {at})";
    REST_DIFFERING = "{count} 家的数据与此前不同，待再次查询确认" / "data that differs and is to be confirmed by another query in {count}";
    REST_OLDER = "数据较早的：{names}" / "with older data: {names}";
    REST_SINCE = "{company}（截至 {day}）" / "{company} (as of {day})";
    REST_NEVER = "{company}（尚无数据）" / "{company} (no data yet)";
    NEXT_DEADLINE = "下一个期限：{day} {company} {number}。" / "The next deadline: {day}, {company} {number}.";
    THIS_MORNING = "今早 {time}" / "this morning at {time}";
    WHY_ALL = "收到本邮件，是因为您在“全部企业”的收件名单中（[email].to）。" / "You get this mail because you are on the list for all companies ([email].to).";
    WHY_SOME = "收到本邮件，是因为您在所列企业的收件名单中（监测名单中该企业的 to）。" / "You get this mail because you are on the list of the companies named (their own `to` in the watchlist).";
    REPLY = "有疑问、已提交延续申请或需增减收件人，请直接回复本邮件（管理员 {operators}）。" / "For questions, filed renewals or other recipients simply reply to this mail (administrator {operators}).";
    REPLY_TO_NOBODY = "有疑问、已提交延续申请或需增减收件人，请联系管理员。" / "For questions, filed renewals or other recipients ask the administrator.";
    CONTACT = "联系：{contact}。" / "Contact: {contact}.";
    NOT_COVERED = "不含安全生产许可证、注册人员、异常标注；" / "Not covered: work safety licences, registered persons, abnormality marks. ";
    NOT_COVERED_AS_A_RULE = "该接口一般不含安全生产许可证，本次所列按其载明的有效期提醒；不含注册人员、异常标注；" / "The source has no work safety licences as a rule; those listed are reminded of by their stated validity. Not covered: registered persons, abnormality marks. ";
    SOURCE = "{covered}数据来自聚合数据“企业建筑资质资格查询”，可能滞后于全国建筑市场监管公共服务平台（jzsc.mohurd.gov.cn），以许可机关为准。" / "{covered}The data comes from Juhe (聚合数据, 企业建筑资质资格查询) and may lag behind the national platform (jzsc.mohurd.gov.cn); the licensing authority's records count.";
    NO_JUDGEMENT = "本邮件由 qualwatch 自动发出，只转述平台数据，不构成对资质效力的判断；投标前请核对招标文件对资质有效期的要求。" / "Sent automatically by qualwatch. It repeats the platform's data and judges no qualification; check what a tender requires before bidding.";
    TO_OPERATORS = "本邮件由 qualwatch 自动发给运维人员（[email].operators）；同一原因只通知一次，恢复时再通知一次。当前状态可用 qualwatch status 查看。" / "Sent automatically by qualwatch to its operators ([email].operators): once per cause, and once more when it is over. qualwatch status shows how things stand.";
}

/// How many companies without data the line on the rest names.
const NAMED_MAX: usize = 10;

/// Why somebody gets a letter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Reads {
    /// They are among those who hear of every company.
    #[default]
    All,
    /// They are named by entries of their own.
    Some,
}

/// What stands around the events of a letter.
#[derive(Debug, Clone, Default)]
pub struct Around {
    /// Why its reader gets it.
    pub reads: Reads,
    /// `[email].operators`: to whom a reply goes.
    pub operators: Vec<String>,
    /// `[email].contact`.
    pub contact: Option<String>,
    /// The tags of companies.
    pub tags: HashMap<Keyword, Vec<String>>,
    /// The places in the file of companies: whole companies are told of in this order.
    pub places: HashMap<Keyword, usize>,
    /// The rest of what its reader is told of.
    pub rest: Option<TheRest>,
}

/// The companies of a reader of which a letter tells nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TheRest {
    /// How many.
    pub companies: usize,
    /// Their certificates that are held.
    pub certificates: usize,
    /// When they were queried: the first of the queries on the last day that had any.
    pub queried_at: Option<DateTime<Utc>>,
    /// Of how many the data of that day differs in what another query has yet to confirm.
    pub differing: usize,
    /// Those without data of that day, by what mails call them, and when they were queried last.
    pub unqueried: Vec<(String, Option<DateTime<Utc>>)>,
    /// The next deadline of all that the reader is told of: day, company, number.
    pub next: Option<(NaiveDate, String, String)>,
}

impl Around {
    /// What stands around `events` for a recipient, by the file as it is.
    pub(in crate::email) fn of(watchlist: &Watchlist, recipient: &str, events: &[&Event]) -> Self {
        let told: HashSet<&Keyword> = events.iter().filter_map(|event| event.company.as_ref()).collect();
        let named = watchlist.companies.iter().enumerate();
        let named: Vec<_> = named.filter(|(_, company)| told.contains(&company.keyword)).collect();
        let email = &watchlist.email;
        let reads_all = email.to.iter().any(|address| address.folded() == recipient);
        Self {
            reads: if reads_all { Reads::All } else { Reads::Some },
            operators: watchlist.operators(),
            contact: email.contact.clone(),
            tags: named
                .iter()
                .filter(|(_, company)| !company.tags.is_empty())
                .map(|(_, company)| (company.keyword.clone(), company.tags.to_vec()))
                .collect(),
            places: named.iter().map(|(place, company)| (company.keyword.clone(), *place)).collect(),
            rest: None,
        }
    }

    /// The line that makes silence a proof; empty where nothing is known of the rest.
    pub(super) fn rest_line(&self, language: Language, today: NaiveDate) -> String {
        let Some(rest) = self.rest.as_ref().filter(|rest| rest.companies > 0) else {
            return String::new();
        };
        let (companies, certificates) = (rest.companies.to_string(), rest.certificates.to_string());
        let clauses = clauses(rest, language, today).join(names::semicolon(language));
        let said = REST.with(
            language,
            &[("companies", &companies), ("certificates", &certificates), ("clauses", &clauses)],
        );
        let next = rest.next.as_ref().map(|(day, company, number)| {
            let day = days::full_day(*day, language);
            let (company, number) = (names::name(company), names::name(number));
            NEXT_DEADLINE.with(language, &[("day", &day), ("company", &company), ("number", &number)])
        });
        names::sentences(&[said, next.unwrap_or_default()], language)
    }

    /// To whom readers reply.
    pub(super) fn reply_to(&self, tells_readers: bool) -> Vec<String> {
        if tells_readers { self.operators.clone() } else { Vec::new() }
    }

    /// The lines at the foot.
    pub(super) fn foot(&self, shown: &[Shown<'_>], language: Language) -> Vec<String> {
        let tells_readers = shown.iter().any(|shown| shown.kind.audience() == Audience::Reader);
        if !tells_readers {
            return vec![TO_OPERATORS.text(language).to_owned()];
        }
        let why = match self.reads {
            Reads::All => WHY_ALL,
            Reads::Some => WHY_SOME,
        };
        let reply = if self.operators.is_empty() {
            REPLY_TO_NOBODY.text(language).to_owned()
        } else {
            REPLY.with(language, &[("operators", &self.operators.join(names::comma(language)))])
        };
        let contact = self.contact.as_deref().map(names::name).filter(|contact| !contact.is_empty());
        let contact = contact.map(|contact| CONTACT.with(language, &[("contact", &contact)]));
        let pieces = [why.text(language).to_owned(), reply, contact.unwrap_or_default()];
        let has_safety_licence = shown.iter().any(|shown| companies::tells_of_safety_licence(shown.event));
        let covered = if has_safety_licence { NOT_COVERED_AS_A_RULE } else { NOT_COVERED };
        vec![
            names::sentences(&pieces, language),
            SOURCE.with(language, &[("covered", covered.text(language))]),
            NO_JUDGEMENT.text(language).to_owned(),
        ]
    }
}

/// What is known of the rest: of how many it says nothing new, of how many something that is in doubt, of whom nothing of the day.
fn clauses(rest: &TheRest, language: Language, today: NaiveDate) -> Vec<String> {
    let at = rest.queried_at.map(|at| queried(at, today, language)).unwrap_or_default();
    let unchanged = rest.companies.saturating_sub(rest.unqueried.len() + rest.differing);
    let mut clauses = Vec::new();
    if unchanged == rest.companies {
        clauses.push(REST_UNCHANGED.with(language, &[("at", &at)]));
    } else if unchanged > 0 {
        clauses.push(REST_SOME_UNCHANGED.with(language, &[("count", &unchanged.to_string()), ("at", &at)]));
    }
    if rest.differing > 0 {
        clauses.push(REST_DIFFERING.with(language, &[("count", &rest.differing.to_string())]));
    }
    let older: Vec<String> = rest
        .unqueried
        .iter()
        .map(|(company, last)| {
            let company = names::name(company);
            match last.map(|last| days::day(days::day_of(last), language)) {
                Some(day) => REST_SINCE.with(language, &[("company", &company), ("day", &day)]),
                None => REST_NEVER.with(language, &[("company", &company)]),
            }
        })
        .collect();
    if !older.is_empty() {
        let named = names::companies(&older, NAMED_MAX, older.len(), language);
        clauses.push(REST_OLDER.with(language, &[("names", &named)]));
    }
    clauses
}

/// `今早 08:00`, where it was this morning.
fn queried(at: DateTime<Utc>, today: NaiveDate, language: Language) -> String {
    let local = at.with_timezone(&chrono_tz::Asia::Shanghai);
    if days_left(today, local.date_naive()) == 0 && chrono::Timelike::hour(&local) < 12 {
        let time = local.format("%H:%M").to_string();
        return THIS_MORNING.with(language, &[("time", &time)]);
    }
    days::instant(at, language)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_have_the_same_places() {
        crate::email::words::phrasebook::assert_same_places(super::ALL);
    }

    #[test]
    fn silence_is_a_proof_only_of_what_was_queried() {
        let instant = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let today: NaiveDate = "2026-03-03".parse().unwrap();
        let mut rest = TheRest {
            companies: 13,
            certificates: 41,
            queried_at: Some(instant("2026-03-03T00:00:10Z")),
            differing: 0,
            unqueried: Vec::new(),
            next: Some(("2026-03-20".parse().unwrap(), "中原建设".to_owned(), "D341000104".to_owned())),
        };
        let line = |rest: &TheRest| {
            let around = Around { rest: Some(rest.clone()), ..Around::default() };
            around.rest_line(Language::Chinese, today)
        };
        assert_eq!(
            line(&rest),
            "其余 13 家企业 41 本证书：无变化，今早 08:00 已查询。下一个期限：2026年3月20日（星期五） 中原建设 D341000104。"
        );
        rest.unqueried =
            vec![("豫监理".to_owned(), Some(instant("2026-02-20T00:00:00Z"))), ("新企业".to_owned(), None)];
        assert_eq!(
            line(&rest),
            "其余 13 家企业 41 本证书：11 家无变化（今早 08:00 已查询）；数据较早的：豫监理（截至 2026年2月20日）、新企业（尚无数据）。下一个期限：2026年3月20日（星期五） 中原建设 D341000104。"
        );
        rest.differing = 2;
        rest.next = None;
        assert!(
            line(&rest).contains("9 家无变化（今早 08:00 已查询）；2 家的数据与此前不同，待再次查询确认；"),
            "{}",
            line(&rest)
        );
        rest.unqueried = (0..13).map(|number| (format!("企业{number}"), None)).collect();
        (rest.differing, rest.queried_at) = (0, None);
        assert!(
            line(&rest).starts_with("其余 13 家企业 41 本证书：数据较早的：企业0（尚无数据）、"),
            "{}",
            line(&rest)
        );
        assert!(line(&rest).ends_with("等共 13 家。"), "{}", line(&rest));
        assert_eq!(line(&TheRest::default()), "", "nothing is left to say");
    }
}
