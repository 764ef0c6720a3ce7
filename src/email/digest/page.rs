//! A letter laid out without markup: both parts are written from it, so that they cannot say different things.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde::Serialize;

use super::blocks::{Grouped, grouped};
use super::shown::Shown;
use super::subject;
use crate::domain::event::{Change, Event, EventKind};
use crate::domain::language::Language::{self, Chinese, English};
use crate::email::words::headlines::{self, Shared};
use crate::email::words::reader_words::ALL_GONE;
use crate::email::words::{self, briefs, days, names};

/// How many certificates of a baseline are listed.
const BASELINE_ROWS_MAX: usize = 100;

/// How many qualifications a line of a list names.
const ROW_QUALIFICATIONS_MAX: usize = 3;

/// From so many certificates on a headline's list has a line for each company.
const ROWS_MAX: usize = 100;

/// How many different things to do the headline of a trouble says.
const TROUBLE_ACTIONS_MAX: usize = 3;

/// A letter.
#[derive(Debug, Serialize)]
pub(super) struct Page {
    /// `zh-CN` or `en`.
    pub language: &'static str,
    /// Who speaks.
    pub brand: &'static str,
    /// The day of the letter.
    pub date: String,
    /// The most urgent in one line: what a phone previews.
    pub news: String,
    /// How many of each kind; empty where there is one.
    pub counts: Vec<Count>,
    /// One for each kind.
    pub sections: Vec<Section>,
    /// Who sends this, and how far it can be trusted.
    pub footer: Vec<&'static str>,
}

/// How many of one kind.
#[derive(Debug, Serialize)]
pub(super) struct Count {
    pub title: &'static str,
    pub events: usize,
    pub tone: Tone,
}

/// All of one kind.
#[derive(Debug, Serialize)]
pub(super) struct Section {
    pub title: &'static str,
    pub events: usize,
    pub tone: Tone,
    pub blocks: Vec<Block>,
}

/// A card or a headline with its list.
#[derive(Debug, Default, Serialize)]
pub(super) struct Block {
    /// The company, or the headline.
    pub heading: String,
    /// What the company is asked for as, where mails call it something else.
    pub aside: String,
    /// Days left and the like.
    pub badge: String,
    /// What happened, a paragraph each.
    pub leads: Vec<String>,
    /// What to do.
    pub actions: Vec<String>,
    /// Label and value.
    pub facts: Vec<(&'static str, String)>,
    /// What the reader needs besides.
    pub notes: Vec<String>,
    /// The list of a headline, or of what a baseline found.
    pub table: Option<Table>,
    /// When the data was last verified.
    pub verified: String,
}

/// A list.
#[derive(Debug, Serialize)]
pub(super) struct Table {
    pub columns: Vec<&'static str>,
    pub rows: Vec<Row>,
}

/// A line of a list.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    pub cells: Vec<String>,
    /// What does not fit a column; may be empty.
    pub below: String,
}

/// How loud a kind is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Tone {
    /// Act now.
    Alarm,
    /// Look into it.
    Caution,
    /// Good news.
    Gain,
    /// For the record.
    Quiet,
}

impl Tone {
    fn of(kind: EventKind) -> Self {
        match kind {
            EventKind::Change(
                Change::Expired
                | Change::Expiring
                | Change::CertificateRemoved
                | Change::QualificationRemoved,
            ) => Self::Alarm,
            EventKind::Change(
                Change::FilingDue
                | Change::GradeLowered
                | Change::ValidityShortened
                | Change::Retracted
                | Change::Unverified,
            )
            | EventKind::Trouble(_) => Self::Caution,
            EventKind::Change(Change::GradeReworded | Change::Reissued | Change::Watching) => Self::Quiet,
            EventKind::Change(_) | EventKind::Resolved(_) => Self::Gain,
        }
    }
}

impl Page {
    /// Lays out what is shown.
    pub fn new(shown: &[Shown<'_>], language: Language, today: NaiveDate) -> Self {
        let of_kinds = || shown.chunk_by(|one, other| one.kind == other.kind);
        let count = |of_one_kind: &[Shown<'_>]| -> Option<Count> {
            let kind = of_one_kind.first()?.kind;
            Some(Count {
                title: words::title(kind, language),
                events: of_one_kind.len() + unlisted(of_one_kind.iter()),
                tone: Tone::of(kind),
            })
        };
        let sections = of_kinds().filter_map(|of_one_kind| {
            let Count { title, events, tone } = count(of_one_kind)?;
            let blocks = grouped(of_one_kind).iter().map(|group| block(group, language, today)).collect();
            Some(Section { title, events, tone, blocks })
        });
        let counts: Vec<Count> = of_kinds().filter_map(count).collect();
        Self {
            language: match language {
                Chinese => "zh-CN",
                English => "en",
            },
            brand: match language {
                Chinese => "企业资质监测",
                English => "Qualification watch",
            },
            date: days::day(today, language),
            news: subject::first_line(shown, language),
            counts: if counts.len() > 1 { counts } else { Vec::new() },
            sections: sections.collect(),
            footer: footer(shown, language),
        }
    }
}

fn block(group: &Grouped<'_>, language: Language, today: NaiveDate) -> Block {
    match group {
        Grouped::Headline(shared, members) => headline(shared, members, language),
        Grouped::Card(members) => card(members, language, today),
    }
}

fn card(members: &[&Shown<'_>], language: Language, today: NaiveDate) -> Block {
    let Some(first) = members.first() else {
        return Block::default();
    };
    let event = first.event;
    let keyword = event.company.as_ref().map(|keyword| names::name(keyword.as_str()));
    // The title of the section names a trouble already: where no company does, what happened heads the card.
    let (heading, badge, leads) = match &first.company {
        Some(company) => {
            (company.clone(), badge(first), members.iter().map(|member| member.saying.lead.clone()).collect())
        }
        None => (first.saying.lead.clone(), String::new(), Vec::new()),
    };
    let leads = if first.has_lost_all() && members.len() > 1 {
        let all_gone = ALL_GONE.with(language, &[("count", &members.len().to_string())]);
        [all_gone].into_iter().chain(leads).collect()
    } else {
        leads
    };
    Block {
        heading,
        aside: keyword.filter(|keyword| Some(keyword) != first.company.as_ref()).unwrap_or_default(),
        badge,
        leads,
        actions: distinct(members.iter().map(|member| &member.saying.action)),
        facts: facts(event, language, today),
        notes: distinct(members.iter().flat_map(|member| &member.saying.notes)),
        table: baseline(event, language, today),
        verified: first.saying.queried.clone().unwrap_or_default(),
    }
}

fn distinct<'a>(sentences: impl Iterator<Item = &'a String>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for sentence in sentences {
        if !found.contains(sentence) {
            found.push(sentence.clone());
        }
    }
    found
}

/// The badge, where the title of the section does not say the same.
fn badge(shown: &Shown<'_>) -> String {
    let says_the_same =
        [Chinese, English].iter().any(|it| words::title(shown.kind, *it) == shown.saying.badge);
    if says_the_same { String::new() } else { shown.saying.badge.clone() }
}

fn facts(event: &Event, language: Language, today: NaiveDate) -> Vec<(&'static str, String)> {
    let Some(facts) = &event.certificate else {
        return Vec::new();
    };
    let (held, until, organ) = match language {
        Chinese => ("资质", "有效期至", "发证机关"),
        English => ("Holds", "Valid until", "Issued by"),
    };
    let mut lines = Vec::new();
    if event.qualification().is_none() {
        lines.push((held, briefs::held(facts, language)));
    } else if event.kind() != EventKind::Change(Change::QualificationAdded) {
        lines.push((until, days::end(facts, today, language)));
    }
    lines.push((organ, names::name(&facts.organ)));
    lines.retain(|(_, value)| !value.is_empty());
    lines
}

fn baseline(event: &Event, language: Language, today: NaiveDate) -> Option<Table> {
    let baseline = event.baseline()?;
    let found: Vec<_> = baseline.current.iter().chain(&baseline.unjudged).collect();
    let mut rows: Vec<Row> = found
        .iter()
        .take(BASELINE_ROWS_MAX)
        .map(|facts| Row {
            cells: vec![
                names::name(&facts.number),
                names::name(&facts.kind),
                days::end(facts, today, language),
            ],
            below: names::qualifications(facts, 10, language).unwrap_or_default(),
        })
        .collect();
    if let Some(left_out) = found.len().checked_sub(BASELINE_ROWS_MAX).filter(|count| *count > 0) {
        let below = match language {
            Chinese => format!("另有 {left_out} 本未列出，同样在监测中。"),
            English => format!("{left_out} more are watched and not listed here."),
        };
        rows.push(Row { cells: vec!["…".to_owned(), String::new(), String::new()], below });
    }
    let columns = match language {
        Chinese => vec!["证书编号", "资质类别", "有效期至"],
        English => vec!["Certificate", "Type", "Valid until"],
    };
    (!rows.is_empty()).then_some(Table { columns, rows })
}

fn headline(shared: &Shared, members: &[&Shown<'_>], language: Language) -> Block {
    let is_change = matches!(shared.kind, EventKind::Change(_));
    let actions = distinct(members.iter().map(|member| &member.saying.action));
    let is_common = |action: &String| members.iter().all(|member| member.saying.action == *action);
    // What to do about a trouble hardly differs; what to do about a certificate may, and then stands in its line.
    let (common, own): (Vec<String>, Vec<String>) = if is_change {
        actions.into_iter().partition(is_common)
    } else {
        (actions.into_iter().take(TROUBLE_ACTIONS_MAX).collect(), Vec::new())
    };
    let is_of_certificates = members
        .iter()
        .all(|shown| shown.event.certificate.is_some() && shown.event.qualification().is_none());
    let mut rows: Vec<Row> = if is_of_certificates && members.len() > ROWS_MAX {
        rows_of_companies(members, &own, language)
    } else {
        members.iter().map(|member| row(member, &own, language)).collect()
    };
    let left_out = unlisted(members.iter().copied());
    if left_out > 0 {
        let below = match language {
            Chinese => format!("另有 {left_out} 本证书同样变更，名单过长，未逐一列出。"),
            English => format!("{left_out} more certificates changed alike and are not listed one by one."),
        };
        rows.push(Row { cells: vec!["…".to_owned(), String::new(), String::new()], below });
    }
    Block {
        heading: headlines::headline(shared, language),
        badge: headlines::badge(shared, language).unwrap_or_default(),
        actions: common,
        table: Some(Table { columns: columns(members, language), rows }),
        verified: if is_change { verified(members, language) } else { String::new() },
        ..Block::default()
    }
}

/// How many are like these, and not listed.
fn unlisted<'a>(members: impl Iterator<Item = &'a Shown<'a>>) -> usize {
    members.filter_map(|member| Some(member.unlisted?.1.certificates)).sum()
}

/// A long list: a line for each company with the numbers of its certificates. What these have in common the headline says.
fn rows_of_companies(members: &[&Shown<'_>], own: &[String], language: Language) -> Vec<Row> {
    let first_end = members.first().and_then(|member| member.new_end());
    let have_one_end = members.iter().all(|member| member.new_end() == first_end);
    let mut companies: BTreeMap<_, Vec<&Shown<'_>>> = BTreeMap::new();
    for member in members {
        companies.entry((member.company.as_ref(), member.company_key())).or_default().push(member);
    }
    let rows = companies.into_values().filter_map(|of_one| {
        let numbers: BTreeSet<String> =
            of_one.iter().filter_map(|member| numbered(member, have_one_end, language)).collect();
        let kinds: BTreeSet<String> = of_one
            .iter()
            .filter_map(|member| Some(names::name(&member.event.certificate.as_ref()?.kind)))
            .collect();
        let join = |texts: BTreeSet<String>| texts.into_iter().collect::<Vec<_>>().join("、");
        let said = of_one.iter().map(|member| &member.saying.action).filter(|it| own.contains(it));
        let said = distinct(said.chain(of_one.iter().flat_map(|member| &member.saying.notes)));
        Some(Row {
            cells: vec![of_one.first()?.company.clone().unwrap_or_default(), join(numbers), join(kinds)],
            below: said.join(match language {
                Chinese => "　",
                English => " · ",
            }),
        })
    });
    rows.collect()
}

/// The number, with its new end where the headline does not say it.
fn numbered(member: &Shown<'_>, have_one_end: bool, language: Language) -> Option<String> {
    let number = member.number()?;
    let end = member.new_end().filter(|_| !have_one_end);
    Some(match (end, language) {
        (None, _) => number,
        (Some(end), Chinese) => format!("{number}（至 {end}）"),
        (Some(end), English) => format!("{number} (until {end})"),
    })
}

/// A line of a headline's list; of what to do it says what is among `own`.
fn row(member: &Shown<'_>, own: &[String], language: Language) -> Row {
    let event = member.event;
    let mut cells = vec![member.company.clone().unwrap_or_else(|| "—".to_owned())];
    if let Some(facts) = &event.certificate {
        cells.extend([names::name(&facts.number), names::name(&facts.kind)]);
    }
    let held = event.certificate.as_ref().filter(|_| event.qualification().is_none());
    let held = held.and_then(|facts| names::qualifications(facts, ROW_QUALIFICATIONS_MAX, language));
    let actions = Some(&member.saying.action).filter(|action| own.contains(action));
    // What a baseline or a trouble has to note, its brief says.
    let says_all = event.baseline().is_some() || event.trouble().is_some();
    let notes = member.saying.notes.iter().filter(|_| !says_all);
    let pieces = [briefs::brief(event, language, member.today)].into_iter().chain(held);
    let pieces = pieces.chain(actions.into_iter().cloned()).chain(notes.cloned());
    let pieces: Vec<String> = pieces.filter(|piece| !piece.is_empty()).collect();
    Row {
        cells,
        below: pieces.join(match language {
            Chinese => "　",
            English => " · ",
        }),
    }
}

fn columns(members: &[&Shown<'_>], language: Language) -> Vec<&'static str> {
    let has_certificates = members.iter().any(|member| member.event.certificate.is_some());
    match (language, has_certificates) {
        (Chinese, true) => vec!["企业", "证书编号", "资质类别"],
        (Chinese, false) => vec!["企业"],
        (English, true) => vec!["Company", "Certificate", "Type"],
        (English, false) => vec!["Company"],
    }
}

/// When the members were last verified: one instant, or the first and the last of them.
fn verified(members: &[&Shown<'_>], language: Language) -> String {
    let instants = || members.iter().filter_map(|member| member.event.last_verified_at);
    let (Some(first), Some(last)) = (instants().min(), instants().max()) else {
        return match language {
            Chinese => "尚未取得完整数据。".to_owned(),
            English => "Complete data has not been obtained yet.".to_owned(),
        };
    };
    let (first, last) = (days::instant(first, language), days::instant(last, language));
    match language {
        Chinese if first == last => format!("数据查询时间：{last}。"),
        Chinese => format!("数据查询时间：{first} 至 {last} 之间。"),
        English if first == last => format!("Data as of {last}."),
        English => format!("Data as of between {first} and {last}."),
    }
}

fn footer(shown: &[Shown<'_>], language: Language) -> Vec<&'static str> {
    let tells_readers = shown.iter().any(|shown| matches!(shown.kind, EventKind::Change(_)));
    match (language, tells_readers) {
        (Chinese, true) => vec![
            "本邮件由 qualwatch 资质监测程序自动发出，收件人由管理员设置；如需增减收件人或企业，请联系管理员。",
            "数据来源：聚合数据“企业建筑资质资格查询”接口，可能滞后于全国建筑市场监管公共服务平台；监测不包括安全生产许可证、注册人员和异常标注。",
            "本邮件只转述平台数据，不构成对资质效力的判断；请以许可机关的决定和平台公示为准，投标前请核对招标文件对资质有效期的要求。",
        ],
        (English, true) => vec![
            "Sent automatically by qualwatch. The administrator sets who receives it and which companies are watched.",
            "Source: the interface 企业建筑资质资格查询 of Juhe (聚合数据), which may lag behind the national platform (全国建筑市场监管公共服务平台). Not covered: work safety licences, registered persons, abnormality marks.",
            "This mail repeats the platform's data and is no judgement on any qualification. What counts is the licensing authority's decision; check a tender's own requirements before bidding.",
        ],
        (Chinese, false) => vec![
            "本邮件由 qualwatch 资质监测程序自动发给运维人员（[email].operators）；同一原因只通知一次，恢复时再通知一次。",
            "当前状态可用 qualwatch status 查看。",
        ],
        (English, false) => vec![
            "Sent automatically by qualwatch to its operators ([email].operators): once per cause, and once more when it is over.",
            "qualwatch status shows how things stand.",
        ],
    }
}
