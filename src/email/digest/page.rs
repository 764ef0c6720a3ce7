//! A letter laid out without markup: both parts are written from it, so that they cannot say different things.
//!
//! What is to be done comes first, by its deadline; then what changed, in one table; then whole companies and troubles. From
//! [`CARDS_MAX`] things of a section on they are rows instead of cards, and beyond [`ROWS_MAX`] they stand in the attached list.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde::Serialize;

use super::blocks::{Grouped, grouped};
use super::selection::{Place, Shown};
use super::subject;
use super::surroundings::Around;
use crate::domain::dates::days_left;
use crate::domain::event::{CertificateFacts, Change, Event, EventKind, News, Note};
use crate::domain::language::Language;
use crate::email::words::deadlines::{self, Deadline};
use crate::email::words::headlines::{self, Shared};
use crate::email::words::phrasebook::{Phrase, phrases};
use crate::email::words::reader_words as w;
use crate::email::words::{Goodness, briefs, days, names};

/// From so many things of a section on they are rows.
const CARDS_MAX: usize = 10;

/// How many rows a letter has at most.
pub(super) const ROWS_MAX: usize = 122;

/// How many headlines a letter has besides, without their lists.
const BARE_HEADLINES_MAX: usize = 10;

/// One sweep of many companies takes so long at most to be one time for a reader.
const ONE_SWEEP_MINUTES: i64 = 120;

/// How many certificates of a baseline are listed.
const BASELINE_ROWS_MAX: usize = 100;

/// How many qualifications a line of a list names.
const ROW_QUALIFICATIONS_MAX: usize = 3;

/// The same of a line of what a baseline found: the first mail is what everything is compared with.
const ROW_QUALIFICATIONS_OF_BASELINE_MAX: usize = 10;

/// From so many certificates on a headline's list has a line for each company.
const COMPANY_LINES_FROM: usize = 100;

phrases! {
    TO_DO_SECTION = "要做（按期限）" / "To do (by deadline)";
    CHANGED_SECTION = "变了什么" / "What changed";
    COMPANIES_SECTION = "企业监测情况" / "Companies watched";
    TROUBLES_SECTION = "需要处理" / "To be looked into";
    OVER_SECTION = "已恢复" / "Over";
    COUNT_TO_DO = "要做 {count} 件" / "{count} to do";
    COUNT_TO_KNOW = "须知 {count} 件" / "{count} to know";
    COUNT_GOOD = "好消息 {count} 件" / "{count} good news";
    VALID_UNTIL = "有效期至" / "Valid until";
    ISSUED_BY = "发证机关：{organ}" / "Issued by: {organ}";
    COLUMN_NUMBER = "证书编号" / "Certificate";
    COLUMN_KIND = "资质类别" / "Type";
    COLUMN_COMPANY = "企业" / "Company";
    COLUMN_WHAT = "企业 · 证书" / "Company · certificate";
    COLUMN_CHANGE = "原来 → 现在" / "Before → now";
    COLUMN_BY = "期限" / "By when";
    MORE_WATCHED = "另有 {count} 本未列出，同样在监测中。" / "{count} more are watched and not listed here.";
    MORE_ALIKE = "另有 {count} 本证书同样变更，名单过长，未逐一列出。" / "{count} more certificates changed alike and are not listed one by one.";
    MORE_ATTACHED = "另有 {count} 项未在正文列出，见附件 CSV（含全部 {all} 项）。" / "{count} more are not listed here: see the attached CSV, which has all {all}.";
    QUERIED_BETWEEN = "数据查询时间：{first} 至 {last}。" / "Data as of {first} to {last}.";
    BAR_TODAY = "今天" / "today";
    BAR_FILE = "最迟申请日 {day}" / "file by {day}";
    BAR_END = "{day}到期 · {days}" / "ends {day} · {days}";
    DEADLINE_ROW = "{badge}（{day}）" / "{badge} ({day})";
    GAP = "　" / " · ";
    NOT_FOUND = "未查询到" / "not found";
    UNTIL_DAY = "至 {day}" / "until {day}";
    NUMBER_IN_PART = "{number}（部分资质）" / "{number} (in part)";
    NUMBER_UNTIL = "{number}（至 {end}）" / "{number} (until {end})";
}

/// A letter.
#[derive(Debug, Serialize)]
pub(super) struct Page {
    /// `zh-CN` or `en`.
    pub language: &'static str,
    /// The headline: what by when.
    pub news: String,
    /// The colour of the head.
    pub tone: Tone,
    /// The day of the letter, with its weekday.
    pub date: String,
    /// How many to do, to know, of good news.
    pub counts: String,
    /// The second thing, for the list of a mail program.
    pub preheader: String,
    /// `要做：`.
    pub to_do: &'static str,
    /// Between a company and what it holds.
    pub gap: &'static str,
    pub sections: Vec<Section>,
    /// How many are in the attached list only.
    pub more: String,
    /// The line on all the rest.
    pub rest: String,
    /// When the data was queried, where it is the same for all.
    pub queried: String,
    pub footer: Vec<String>,
}

/// Things that stand together.
#[derive(Debug, Serialize)]
pub(super) struct Section {
    pub title: &'static str,
    pub blocks: Vec<Block>,
    pub columns: [&'static str; 2],
    /// Lines of the table of changes.
    pub changes: Vec<Block>,
}

/// A card, a headline with its list, or a change.
#[derive(Debug, Default, Serialize)]
pub(super) struct Block {
    pub tone: Tone,
    /// What by when; of a headline or a change what happened.
    pub heading: String,
    /// The number.
    pub aside: String,
    pub company: String,
    /// Its tags, and what it is asked for as, where mails call it something else.
    pub tags: String,
    /// Kind and qualifications.
    pub held: String,
    pub bar: Option<DeadlineBar>,
    /// Of a change before and now, as far as each can be said in a few words.
    pub moves: Vec<[String; 2]>,
    /// What happened, a paragraph each.
    pub leads: Vec<String>,
    /// What the reader needs besides.
    pub notes: Vec<String>,
    /// Who issued it, with a label.
    pub organ: String,
    /// The list of a headline, or of what a baseline found.
    pub table: Option<Table>,
    /// When the data was queried, where it is not the same for all.
    pub queried: String,
    /// What to do.
    pub actions: Vec<String>,
}

/// From today over the filing day to the end.
#[derive(Debug, Serialize)]
pub(super) struct DeadlineBar {
    /// How much of it lies before the filing day, in percent.
    pub before: i64,
    pub left: String,
    pub right: String,
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
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Tone {
    /// Act now.
    Alarm,
    /// Act soon, or look into it.
    Caution,
    /// Good news.
    Gain,
    /// For the record.
    #[default]
    Quiet,
}

fn title(place: Place) -> Phrase {
    match place {
        Place::ToDo => TO_DO_SECTION,
        Place::Changed => CHANGED_SECTION,
        Place::Companies => COMPANIES_SECTION,
        Place::Troubles => TROUBLES_SECTION,
        Place::Over => OVER_SECTION,
    }
}

impl Tone {
    fn of(shown: &Shown<'_>) -> Self {
        match shown.kind {
            EventKind::Change(
                Change::Expired | Change::CertificateRemoved | Change::QualificationRemoved,
            ) => Self::Alarm,
            EventKind::Change(Change::Expiring | Change::FilingDue) => {
                const SOON_DAYS: i64 = 7;
                let facts = shown.event.certificate.as_ref();
                if facts.is_some_and(CertificateFacts::is_endless_registration) {
                    return Self::Quiet;
                }
                let is_soon = shown.deadline().is_none_or(|day| days_left(day, shown.today) <= SOON_DAYS);
                let has_passed = facts
                    .is_some_and(|facts| matches!(Deadline::of(facts, shown.today), Deadline::Passed { .. }));
                if is_soon || has_passed { Self::Alarm } else { Self::Caution }
            }
            EventKind::Change(
                Change::GradeLowered
                | Change::ValidityShortened
                | Change::Retracted
                | Change::Unverified
                | Change::WatchlistChanged,
            )
            | EventKind::Trouble(_) => Self::Caution,
            EventKind::Change(
                Change::GradeReworded | Change::Reissued | Change::Watching | Change::Briefing,
            ) => Self::Quiet,
            EventKind::Change(_) => match shown.saying.goodness {
                Goodness::OfItsKind => Self::Gain,
                Goodness::NoGain => Self::Quiet,
                Goodness::Lower => Self::Caution,
            },
            EventKind::Resolved(_) => Self::Gain,
        }
    }
}

impl Page {
    /// Lays out what is shown, in `rows_max` rows and cards at most; says too whether all of it is listed.
    pub fn new(
        shown: &[Shown<'_>],
        around: &Around,
        language: Language,
        today: NaiveDate,
        rows_max: usize,
    ) -> (Self, bool) {
        let mut layout = Layout {
            language,
            today,
            around,
            rows_left: rows_max,
            bare_left: BARE_HEADLINES_MAX,
            left_out: 0,
            queried_once: queried_once(shown, language),
        };
        let mut sections = Vec::new();
        for of_place in shown.chunk_by(|one, other| Place::of(one.kind) == Place::of(other.kind)) {
            let Some(place) = of_place.first().map(|first| Place::of(first.kind)) else { continue };
            sections.push(layout.section(place, of_place));
        }
        let left_out = layout.left_out;
        let more = if left_out == 0 {
            String::new()
        } else {
            let (count, all) = (left_out.to_string(), shown.len().to_string());
            MORE_ATTACHED.with(language, &[("count", &count), ("all", &all)])
        };
        let page = Self {
            language: match language {
                Language::Chinese => "zh-CN",
                Language::English => "en",
            },
            news: subject::first_line(shown, language),
            tone: shown.iter().map(Tone::of).min().unwrap_or_default(),
            date: days::full_day(today, language),
            counts: counts(shown, language),
            preheader: preheader(shown, language),
            to_do: w::TO_DO.text(language),
            gap: GAP.text(language),
            sections,
            more,
            rest: around.rest_line(language, today),
            queried: layout.queried_once.unwrap_or_default(),
            footer: around.foot(shown, language),
        };
        (page, left_out == 0)
    }
}

fn counts(shown: &[Shown<'_>], language: Language) -> String {
    let unlisted = |shown: &Shown<'_>| shown.unlisted.map_or(0, |(_, unlisted)| unlisted.certificates);
    let count = |is: &dyn Fn(&Shown<'_>) -> bool| {
        shown.iter().filter(|it| is(it)).map(|it| 1 + unlisted(it)).sum::<usize>()
    };
    let is_good = |it: &Shown<'_>| Tone::of(it) == Tone::Gain;
    let is_to_do = |it: &Shown<'_>| matches!(Place::of(it.kind), Place::ToDo | Place::Troubles);
    let counted = [
        (COUNT_TO_DO, count(&is_to_do)),
        (COUNT_TO_KNOW, count(&|it| !is_to_do(it) && !is_good(it))),
        (COUNT_GOOD, count(&|it| !is_to_do(it) && is_good(it))),
    ];
    let said: Vec<String> = counted
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(words, count)| words.with(language, &[("count", &count.to_string())]))
        .collect();
    said.join(" · ")
}

/// The second thing: what else there is, or what to do about the first.
fn preheader(shown: &[Shown<'_>], language: Language) -> String {
    const PREHEADER_CHARACTERS_MAX: usize = 90;
    let said = match shown {
        [first, second, ..] => {
            let second = [second.company.clone().unwrap_or_default(), second.saying.badge.clone()];
            names::sentences(
                &[names::sentence(second.join(" ").trim(), language), first.saying.action.clone()],
                language,
            )
        }
        [first] => first.saying.action.clone(),
        [] => String::new(),
    };
    names::cut(&said, PREHEADER_CHARACTERS_MAX)
}

/// When the data was queried, where it is one instant for all that say it.
fn queried_once(shown: &[Shown<'_>], language: Language) -> Option<String> {
    let said: BTreeSet<&String> = shown.iter().filter_map(|shown| shown.saying.queried.as_ref()).collect();
    match said.len() {
        0 => Some(String::new()),
        1 => said.first().map(|said| (*said).clone()),
        _ => {
            let instants = || shown.iter().filter_map(|shown| shown.event.last_verified_at);
            let (first, last) = (instants().min()?, instants().max()?);
            ((last - first).num_minutes() <= ONE_SWEEP_MINUTES
                && shown.iter().all(|shown| shown.event.last_verified_at.is_some()))
            .then(|| {
                let [first, last] = [first, last].map(|at| days::instant(at, language));
                QUERIED_BETWEEN.with(language, &[("first", &first), ("last", &last)])
            })
        }
    }
}

/// What a page is laid out with.
struct Layout<'a> {
    pub language: Language,
    pub today: NaiveDate,
    pub around: &'a Around,
    rows_left: usize,
    /// Headlines that may still stand without a list, where no row is left.
    bare_left: usize,
    left_out: usize,
    queried_once: Option<String>,
}

impl Layout<'_> {
    fn section(&mut self, place: Place, shown: &[Shown<'_>]) -> Section {
        let kinds: BTreeSet<_> = shown.iter().map(|shown| shown.kind).collect();
        let of_kind = |kind| grouped(shown.iter().filter(move |shown| shown.kind == kind));
        let mut groups: Vec<Grouped<'_>> = kinds.into_iter().flat_map(of_kind).collect();
        let place_of = |group: &Grouped<'_>| group.members().iter().filter_map(|shown| shown.rank).min();
        groups.sort_by_key(place_of);
        let cards = groups.iter().filter(|group| matches!(group, Grouped::Card(_))).count();
        let (mut blocks, mut changes, mut lines) = (Vec::new(), Vec::new(), Vec::new());
        for group in &groups {
            match group {
                Grouped::Headline(_, members) if self.rows_left == 0 && self.bare_left == 0 => {
                    self.left_out += members.len();
                }
                Grouped::Headline(shared, members) => {
                    if self.rows_left == 0 {
                        self.bare_left -= 1;
                    }
                    blocks.push(self.headline(shared, members));
                }
                Grouped::Card(members) if self.rows_left == 0 => self.left_out += members.len(),
                Grouped::Card(members) => {
                    self.rows_left -= 1;
                    match place {
                        Place::Changed => changes.push(change(members, self, cards >= CARDS_MAX)),
                        Place::ToDo if cards >= CARDS_MAX => lines.extend(self.deadline_row(members)),
                        _ => blocks.push(self.card(members)),
                    }
                }
            }
        }
        if !lines.is_empty() {
            let columns =
                [COLUMN_BY, COLUMN_COMPANY, COLUMN_NUMBER].map(|column| column.text(self.language)).to_vec();
            let tone = shown.iter().map(Tone::of).min().unwrap_or_default();
            blocks.push(Block { tone, table: Some(Table { columns, rows: lines }), ..Block::default() });
        }
        Section {
            title: title(place).text(self.language),
            blocks,
            columns: [COLUMN_WHAT, COLUMN_CHANGE].map(|column| column.text(self.language)),
            changes,
        }
    }

    fn deadline_row(&self, members: &[&Shown<'_>]) -> Option<Row> {
        let first = members.first()?;
        let day = first.deadline().map(|day| days::full_day(day, self.language)).unwrap_or_default();
        let by = DEADLINE_ROW.with(self.language, &[("badge", &first.saying.badge), ("day", &day)]);
        let held = first.event.certificate.as_ref().map(|facts| self.held(facts, 2)).unwrap_or_default();
        let action = format!("{}{}", w::TO_DO.text(self.language), first.saying.action);
        Some(Row {
            cells: vec![by, first.company.clone().unwrap_or_default(), first.number().unwrap_or_default()],
            below: [held, action]
                .into_iter()
                .filter(|it| !it.is_empty())
                .collect::<Vec<_>>()
                .join(between(self.language)),
        })
    }

    /// `设计资质 · 建筑工程甲级`.
    pub fn held(&self, facts: &CertificateFacts, count: usize) -> String {
        let pieces = [
            names::name(&facts.kind),
            names::qualifications(facts, count, self.language).unwrap_or_default(),
        ];
        pieces.into_iter().filter(|it| !it.is_empty()).collect::<Vec<_>>().join(" · ")
    }

    /// The tags of a company, and what it is asked for as, where mails call it something else.
    pub fn tags(&self, shown: &Shown<'_>) -> String {
        let keyword = shown.event.company.as_ref();
        let asked_as = keyword
            .map(|keyword| names::name(keyword.as_str()))
            .filter(|it| Some(it) != shown.company.as_ref());
        let tags = keyword.and_then(|keyword| self.around.tags.get(keyword)).into_iter().flatten();
        let all: Vec<String> = asked_as.into_iter().chain(tags.map(|tag| names::name(tag))).collect();
        all.join(" · ")
    }

    fn card(&self, members: &[&Shown<'_>]) -> Block {
        let Some(first) = members.first() else {
            return Block::default();
        };
        let event = first.event;
        let mut leads: Vec<String> = members.iter().map(|member| member.saying.lead.clone()).collect();
        leads.retain(|lead| !lead.is_empty());
        let heading = match first.kind {
            // What a company is told says its own title; a trouble's title is what by when.
            EventKind::Change(Change::Watching | Change::Briefing) => first.saying.title.clone(),
            _ => first.saying.badge.clone(),
        };
        Block {
            tone: Tone::of(first),
            heading,
            aside: first.number().unwrap_or_default(),
            company: first.company.clone().unwrap_or_default(),
            tags: self.tags(first),
            held: event.certificate.as_ref().map(|facts| self.held(facts, 30)).unwrap_or_default(),
            bar: bar(first, self.language),
            leads,
            notes: distinct(members.iter().flat_map(|member| &member.saying.notes)),
            organ: self.organ(event),
            moves: Vec::new(),
            table: self.baseline(event),
            queried: match &self.queried_once {
                Some(_) => String::new(),
                None => first.saying.queried.clone().unwrap_or_default(),
            },
            actions: distinct(members.iter().map(|member| &member.saying.action)),
        }
    }

    fn organ(&self, event: &Event) -> String {
        match event.certificate.as_ref().map(|facts| names::name(&facts.organ)) {
            Some(organ) if !organ.is_empty() => ISSUED_BY.with(self.language, &[("organ", &organ)]),
            _ => String::new(),
        }
    }

    fn baseline(&self, event: &Event) -> Option<Table> {
        let found: Vec<&CertificateFacts> = match &event.news {
            News::Watching(baseline) => baseline.current.iter().chain(&baseline.unjudged).collect(),
            News::Briefing(open) => open.certificates.iter().collect(),
            _ => return None,
        };
        let mut rows: Vec<Row> = found
            .iter()
            .take(BASELINE_ROWS_MAX)
            .map(|facts| {
                let due = deadlines::in_short(facts, self.today, self.language);
                // A baseline says what there is, a briefing what to do.
                let due = due.filter(|_| matches!(event.news, News::Briefing(_)));
                let below = due.into_iter().chain([self.held(facts, 10)]).filter(|it| !it.is_empty());
                Row {
                    cells: vec![names::name(&facts.number), days::end(facts, self.today, self.language)],
                    below: below.collect::<Vec<_>>().join(" · "),
                }
            })
            .collect();
        if let Some(left_out) = found.len().checked_sub(BASELINE_ROWS_MAX).filter(|count| *count > 0) {
            rows.push(last_row(MORE_WATCHED.with(self.language, &[("count", &left_out.to_string())]), 2));
        }
        let columns = [COLUMN_NUMBER, VALID_UNTIL].map(|column| column.text(self.language)).to_vec();
        (!rows.is_empty()).then_some(Table { columns, rows })
    }

    fn headline(&mut self, shared: &Shared, members: &[&Shown<'_>]) -> Block {
        let actions = distinct(members.iter().map(|member| &member.saying.action));
        let is_common = |action: &String| members.iter().all(|member| member.saying.action == *action);
        let (common, own): (Vec<String>, Vec<String>) = actions.into_iter().partition(is_common);
        let mut notes = distinct(members.iter().flat_map(|member| &member.saying.notes));
        notes.retain(|note| members.iter().all(|member| member.saying.notes.contains(note)));
        let own = Own { actions: own, common_notes: &notes };
        let is_of_certificates = members
            .iter()
            .all(|shown| shown.event.certificate.is_some() && shown.event.qualification().is_none());
        let is_of_baselines = members.iter().all(|member| member.event.baseline().is_some());
        let rows = if is_of_baselines {
            members.iter().flat_map(|member| rows_of_baseline(member, self.language)).collect()
        } else if is_of_certificates && members.len() > COMPANY_LINES_FROM {
            rows_of_companies(members, &own, self.language)
        } else {
            members.iter().map(|member| row_of_member(member, &own, self.language)).collect()
        };
        let mut rows: Vec<Row> = rows;
        let listed = rows.len().min(self.rows_left);
        if listed < rows.len() {
            self.left_out += members.len() * (rows.len() - listed) / rows.len().max(1);
            rows.truncate(listed);
        }
        self.rows_left -= listed;
        let unlisted: usize = members.iter().filter_map(|member| Some(member.unlisted?.1.certificates)).sum();
        let has_certificates =
            is_of_baselines || members.iter().any(|member| member.event.certificate.is_some());
        let columns = if has_certificates {
            &[COLUMN_COMPANY, COLUMN_NUMBER, COLUMN_KIND][..]
        } else {
            &[COLUMN_COMPANY][..]
        };
        if unlisted > 0 {
            let words = MORE_ALIKE.with(self.language, &[("count", &unlisted.to_string())]);
            rows.push(last_row(words, columns.len()));
        }
        let columns = columns.iter().map(|column| column.text(self.language)).collect();
        Block {
            tone: members.iter().map(|member| Tone::of(member)).min().unwrap_or_default(),
            heading: headlines::headline(shared, self.language),
            aside: headlines::badge(shared).unwrap_or_default().to_owned(),
            table: Some(Table { columns, rows }),
            notes,
            actions: common,
            ..Block::default()
        }
    }
}

/// What the lines of a headline's list say of their own: what all of them have in common is said once.
struct Own<'a> {
    actions: Vec<String>,
    common_notes: &'a [String],
}

impl Own<'_> {
    fn action<'s>(&self, shown: &'s Shown<'_>) -> Option<&'s String> {
        Some(&shown.saying.action).filter(|action| self.actions.contains(action))
    }

    fn notes<'s>(&self, shown: &'s Shown<'_>) -> impl Iterator<Item = &'s String> {
        shown.saying.notes.iter().filter(|note| !self.common_notes.contains(note))
    }
}

fn last_row(below: String, columns: usize) -> Row {
    let cells = (0..columns).map(|column| if column == 0 { "…".to_owned() } else { String::new() });
    Row { cells: cells.collect(), below }
}

fn bar(shown: &Shown<'_>, language: Language) -> Option<DeadlineBar> {
    if Place::of(shown.kind) != Place::ToDo {
        return None;
    }
    let facts = shown.event.certificate.as_ref()?;
    let end = facts.valid_until?;
    let left = days_left(end, shown.today);
    if left < 0 {
        return None;
    }
    let days = days::count(left, language);
    let right = BAR_END.with(language, &[("day", &days::full_day(end, language)), ("days", &days)]);
    let (before, label) = match Deadline::of(facts, shown.today) {
        Deadline::File { by, .. } => {
            let to_file = days_left(by, shown.today);
            (to_file * 100 / left.max(1), BAR_FILE.with(language, &[("day", &days::full_day(by, language))]))
        }
        _ => (0, BAR_TODAY.text(language).to_owned()),
    };
    Some(DeadlineBar { before: before.clamp(0, 100), left: label, right })
}

/// Sentences, each once.
fn distinct<'a>(sentences: impl Iterator<Item = &'a String>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for sentence in sentences {
        if !sentence.is_empty() && !found.contains(sentence) {
            found.push(sentence.clone());
        }
    }
    found
}

/// A change, or several of one kind in one certificate. Where there are many, sentences that the moves say already are left out.
fn change(members: &[&Shown<'_>], layout: &Layout<'_>, are_many: bool) -> Block {
    let first = members.first();
    let event = first.map(|first| first.event);
    let facts = event.and_then(|event| event.certificate.as_ref());
    let held_max = if are_many { 1 } else { 10 };
    let has_lost_all = members.len() > 1 && first.is_some_and(|first| first.has_lost_all());
    let leads = if has_lost_all {
        vec![w::ALL_GONE.with(layout.language, &[("count", &members.len().to_string())])]
    } else {
        let says_it = |member: &&&Shown<'_>| !are_many || !is_said_by_its_move(member, layout.language);
        members.iter().filter(says_it).map(|member| member.saying.lead.clone()).collect()
    };
    let numbers: BTreeSet<String> = members.iter().filter_map(|member| member.number()).collect();
    Block {
        tone: first.map(|first| Tone::of(first)).unwrap_or_default(),
        company: first.and_then(|first| first.company.clone()).unwrap_or_default(),
        tags: first.map(|first| layout.tags(first)).unwrap_or_default(),
        aside: numbers.into_iter().collect::<Vec<_>>().join(names::comma(layout.language)),
        held: match (facts, event.and_then(Event::qualification), has_lost_all) {
            (Some(facts), None, false) => layout.held(facts, held_max),
            (Some(_), _, true) => kinds_of(members).join(names::comma(layout.language)),
            (Some(facts), _, _) => names::name(&facts.kind),
            (None, _, _) => String::new(),
        },
        heading: first.map(|first| first.saying.title.clone()).unwrap_or_default(),
        moves: members.iter().filter_map(|member| moved(member, layout.language)).collect(),
        leads,
        notes: {
            let says_it = |member: &&&Shown<'_>| !are_many || must_be_explained(member.event);
            distinct(members.iter().filter(says_it).flat_map(|member| &member.saying.notes))
        },
        actions: distinct(members.iter().map(|member| &member.saying.action)),
        ..Block::default()
    }
}

/// The kinds of certificates (资质类别), each once.
fn kinds_of(members: &[&Shown<'_>]) -> Vec<String> {
    let facts = members.iter().filter_map(|member| member.event.certificate.as_ref());
    let kinds: Vec<String> = facts.map(|facts| names::name(&facts.kind)).collect();
    distinct(kinds.iter())
}

/// Whether the move says what happened: not of what is taken back, nor of an exchange under another number.
fn is_said_by_its_move(shown: &Shown<'_>, language: Language) -> bool {
    moved(shown, language).is_some() && shown.saying.title != w::GRADE_EXCHANGED.text(language)
}

/// Whether its notes say at what grade another certificate holds the same, which may be a downgrade, or that the source itself may be
/// what is wrong.
fn must_be_explained(event: &Event) -> bool {
    let must = |note: &Note| {
        matches!(note, Note::HeldElsewhere(_) | Note::WasHeldElsewhere(_) | Note::WasHere(_) | Note::MassLoss)
    };
    event.notes.iter().any(must)
}

/// Before and now.
fn moved(shown: &Shown<'_>, language: Language) -> Option<[String; 2]> {
    let event = shown.event;
    let day = |day| days::day(day, language);
    let end = event.certificate.as_ref().and_then(|facts| facts.valid_until);
    let until = || end.map(|end| UNTIL_DAY.with(language, &[("day", &day(end))])).unwrap_or_default();
    let not_found = || NOT_FOUND.text(language).to_owned();
    let number = || shown.number().unwrap_or_default();
    let qualification = || event.qualification().map(names::name).unwrap_or_default();
    Some(match &event.news {
        News::Renewed(ends) | News::ValidityExtended(ends) | News::ValidityShortened(ends) => {
            [day(ends.old), day(ends.new)]
        }
        News::Reissued(issued) => [issued.old, issued.new].map(|issued| issued.map(day).unwrap_or_default()),
        News::GradeRaised(grades) | News::GradeLowered(grades) | News::GradeReworded(grades) => {
            [&grades.old, &grades.new].map(|grade| names::grade(grade.as_ref(), language))
        }
        News::CertificateReplaced(replacement) => {
            let old: Vec<String> = replacement.old.iter().map(|number| names::name(number)).collect();
            [old.join(names::comma(language)), names::name(&replacement.new)]
        }
        News::CertificateRemoved => [number(), not_found()],
        News::QualificationRemoved(_) => [qualification(), not_found()],
        News::QualificationAdded(_) => [String::new(), format!("＋ {}", qualification())],
        News::CertificateAdded | News::CertificateRestored => {
            [String::new(), format!("＋ {} {}", number(), until()).trim_end().to_owned()]
        }
        News::QualificationAbsorbed(absorbed) => {
            let parts: Vec<String> =
                absorbed.names.iter().map(|named| names::qualification(named, language)).collect();
            [
                names::listed(&parts, ROW_QUALIFICATIONS_MAX, language),
                names::elsewhere(&absorbed.into, language),
            ]
        }
        _ => return None,
    })
}

/// A long list: a line for each company with the numbers of its certificates. What these have in common the headline says.
fn rows_of_companies(members: &[&Shown<'_>], own: &Own<'_>, language: Language) -> Vec<Row> {
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
        let said = of_one.iter().filter_map(|member| own.action(member));
        let said = distinct(said.chain(of_one.iter().flat_map(|member| own.notes(member))));
        Some(Row {
            cells: vec![of_one.first()?.company.clone().unwrap_or_default(), join(numbers), join(kinds)],
            below: said.join(between(language)),
        })
    });
    rows.collect()
}

/// The number, with what the headline does not say of it: that only a part is meant, and the new end.
fn numbered(member: &Shown<'_>, have_one_end: bool, language: Language) -> Option<String> {
    let mut number = member.number()?;
    if member.event.is_of_a_part() {
        number = NUMBER_IN_PART.with(language, &[("number", &number)]);
    }
    let end = member.new_end().filter(|_| !have_one_end);
    Some(match end {
        None => number,
        Some(end) => NUMBER_UNTIL.with(language, &[("number", &number), ("end", &end.to_string())]),
    })
}

/// What a baseline found: a line for each certificate, the company's name in front of the first.
fn rows_of_baseline(member: &Shown<'_>, language: Language) -> Vec<Row> {
    let Some(baseline) = member.event.baseline() else { return Vec::new() };
    let mut company = member.company.clone().unwrap_or_else(|| "—".to_owned());
    let mut rows: Vec<Row> = Vec::new();
    for facts in baseline.current.iter().chain(&baseline.unjudged) {
        let held = names::qualifications(facts, ROW_QUALIFICATIONS_OF_BASELINE_MAX, language);
        let end = days::end(facts, member.today, language);
        rows.push(Row {
            cells: vec![std::mem::take(&mut company), names::name(&facts.number), names::name(&facts.kind)],
            below: held.into_iter().chain([end]).collect::<Vec<_>>().join(between(language)),
        });
    }
    // What is not watched, or lacks, is said of the company.
    let rest = briefs::beside_what_is_watched(member.event, language);
    if rows.is_empty() {
        rows.push(Row { cells: vec![company, String::new(), String::new()], below: String::new() });
    }
    if let Some(last) = rows.last_mut()
        && !rest.is_empty()
    {
        let below = [std::mem::take(&mut last.below), rest];
        last.below =
            below.into_iter().filter(|it| !it.is_empty()).collect::<Vec<_>>().join(between(language));
    }
    rows
}

/// A line of a headline's list; of what to do it says what is among `own`.
fn row_of_member(member: &Shown<'_>, own: &Own<'_>, language: Language) -> Row {
    let event = member.event;
    let mut cells = vec![member.company.clone().unwrap_or_else(|| "—".to_owned())];
    if let Some(facts) = &event.certificate {
        cells.extend([names::name(&facts.number), names::name(&facts.kind)]);
    }
    let held = event.certificate.as_ref().filter(|_| event.qualification().is_none());
    let held = held.and_then(|facts| names::qualifications(facts, ROW_QUALIFICATIONS_MAX, language));
    let actions = own.action(member).into_iter();
    // What a baseline or a trouble has to note, its brief says.
    let says_all = event.baseline().is_some() || event.trouble().is_some();
    let notes = own.notes(member).filter(|_| !says_all);
    let pieces = [briefs::brief(event, language, member.today)].into_iter().chain(held);
    let pieces = pieces.chain(actions.cloned()).chain(notes.cloned());
    let pieces: Vec<String> = pieces.filter(|piece| !piece.is_empty()).collect();
    Row { cells, below: pieces.join(between(language)) }
}

fn between(language: Language) -> &'static str {
    GAP.text(language)
}

#[cfg(test)]
mod tests {
    #[test]
    fn both_languages_have_the_same_places() {
        crate::email::words::phrasebook::assert_same_places(super::ALL);
    }
}
