//! The `[[company]]` entries.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::Range;
use std::sync::Arc;

use toml::de::{DeArray, DeValue};

use super::fault::{Complaint, Findings, quoted};
use super::reader::TomlTable;
use super::sections::{addresses, days};
use super::values;
use super::watchlist::Company;
use crate::domain::credit_code::{self, BadCreditCode, Verdict};
use crate::domain::keyword::{BadKeyword, KEYWORD_CHARACTERS_MAX, Keyword};
use crate::domain::occurrences::CronLine;
use crate::domain::trouble_cause::{Slip, ValueKind};

const NAME_CHARS_MAX: usize = 100;
const TAG_CHARS_MAX: usize = 50;

/// The digits of a `businessId` prefix.
const ID_DIGITS: usize = 24;

/// Whether `[email].to` names somebody, so that a company needs no readers of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CommonReaders {
    Some,
    None,
    /// `[email]` is at fault: nothing can be said.
    Unknown,
}

/// The entries that were read; those at fault are left out.
pub(super) struct Companies {
    pub read: Vec<Company>,
    common: CommonReaders,
    seen: Seen,
}

/// Where a keyword or an id was seen first, and the lines that were read: thousands of companies share a handful.
#[derive(Default)]
struct Seen {
    keywords: HashMap<Box<str>, Range<u32>>,
    ids: HashMap<Box<str>, Range<u32>>,
    lines: HashMap<String, Arc<CronLine>>,
}

/// All entries of a whole file.
pub(super) fn companies(
    findings: &mut Findings<'_>,
    top: &TomlTable<'_, '_>,
    common: CommonReaders,
) -> Vec<Company> {
    let Some(value) = top.value("company").or_else(|| top.misspelt("company")) else {
        let complaint =
            Complaint::new(Slip::NothingToWatch, "there is nothing to watch: no [[company]] is in the file");
        findings.missing("company".to_owned(), 0..0, complaint);
        return Vec::new();
    };
    let Some(entries) = value.get_ref().as_array() else {
        let complaint = Complaint::kind(ValueKind::Entry, "a list of entries", value.get_ref())
            .perhaps(Some("[[company]]"));
        findings.fault("company".to_owned(), value.span(), complaint);
        return Vec::new();
    };
    if entries.iter().next().is_none() {
        findings.missing(
            "company".to_owned(),
            value.span(),
            Complaint::new(Slip::NothingToWatch, "there is nothing to watch: the list is empty"),
        );
    }
    let mut companies = Companies::with(common, entries.len());
    companies.read(findings, entries);
    companies.read
}

impl Companies {
    /// With room for so many.
    pub(super) fn with(common: CommonReaders, expected: usize) -> Self {
        let seen = Seen { keywords: HashMap::with_capacity(expected), ..Seen::default() };
        Self { read: Vec::with_capacity(expected), common, seen }
    }

    /// Reads these entries, too.
    pub(super) fn read(&mut self, findings: &mut Findings<'_>, entries: &DeArray<'_>) {
        for entry in entries {
            if let Some(table) = entry.get_ref().as_table() {
                let table = TomlTable::open(findings, "company", table, entry.span());
                self.read.extend(company(findings, &table, &mut self.seen, self.common));
            } else {
                let complaint = Complaint::kind(ValueKind::Entry, "an entry with a keyword", entry.get_ref());
                findings.fault("company".to_owned(), entry.span(), complaint.perhaps(Some("[[company]]")));
            }
        }
    }
}

fn company(
    findings: &mut Findings<'_>,
    table: &TomlTable<'_, '_>,
    seen: &mut Seen,
    common: CommonReaders,
) -> Option<Company> {
    let keyword = table.read(findings, "keyword", keyword);
    match (&keyword, table.value("keyword")) {
        (_, None) => table.require(
            findings,
            "keyword",
            Slip::Missing,
            "the company's name, or better its 统一社会信用代码",
        ),
        (Some((keyword, verdict)), Some(value)) => {
            if let Verdict::WrongCheckDigit { expected } = verdict {
                let message =
                    format!("the last character of this code should be `{expected}`: is it mistyped?");
                findings.warn(table.path("keyword"), value.span(), message);
            }
            note_twice(findings, table, "keyword", keyword.folded(), value.span(), &mut seen.keywords);
        }
        (None, Some(_)) => {}
    }
    let name = table.read(findings, "name", |value| values::label(value, NAME_CHARS_MAX));
    let tags = table.list(findings, "tags", |value| values::label(value, TAG_CHARS_MAX)).unwrap_or_default();
    let to = addresses(findings, table, "to").unwrap_or_default();
    if to.is_empty() && table.names_nobody("to") && common == CommonReaders::None {
        table.require(
            findings,
            "to",
            Slip::NobodyTold,
            "nobody would be told of this company, as [email].to names nobody either",
        );
    }
    let expiry_days = days(findings, table, "expiry_days", 0).map(|mut days| {
        days.reverse();
        days.into()
    });
    let check = table.read(findings, "check", |value| shared_line(value, &mut seen.lines));
    let id = table.read(findings, "id", id);
    if let (Some(id), Some(value)) = (&id, table.value("id")) {
        note_twice(findings, table, "id", id.clone(), value.span(), &mut seen.ids);
    }
    let (keyword, verdict) = keyword?;
    let line = findings.line(table.value("keyword")?.span().start);
    let mut unique_tags: Vec<String> = Vec::new();
    for (tag, _) in tags {
        if !unique_tags.contains(&tag) {
            unique_tags.push(tag);
        }
    }
    if name.is_none() && table.value("name").is_none() && is_a_code(&keyword, verdict) {
        let message = "mails would call this company by its code: give it a `name`";
        findings.warn(table.path("keyword"), table.value("keyword")?.span(), message);
    }
    let name = name.map_or_else(|| keyword.as_str().into(), String::into_boxed_str);
    let id = id.map(String::into_boxed_str);
    Some(Company { keyword, name, tags: unique_tags.into(), to: to.into(), expiry_days, check, id, line })
}

fn slip_of(bad: &BadKeyword) -> Slip {
    match bad {
        BadKeyword::Empty => Slip::Empty,
        BadKeyword::TooLong(_) => Slip::TooLong { characters: KEYWORD_CHARACTERS_MAX },
        BadKeyword::Control => Slip::Invisible,
    }
}

fn keyword(value: &DeValue<'_>) -> Result<(Keyword, Verdict), Complaint> {
    let keyword = values::text(value)?
        .parse::<Keyword>()
        .map_err(|why| Complaint::new(slip_of(&why), why.to_string()))?;
    match credit_code::judge(keyword.as_str()) {
        Ok(verdict) => Ok((keyword, verdict)),
        Err(bad) => {
            let complaint = Complaint::new(Slip::NoCreditCode, bad.to_string());
            Err(match bad {
                BadCreditCode::Letter { perhaps, .. } => complaint.perhaps(perhaps),
                BadCreditCode::Length(_) => complaint,
            })
        }
    }
}

/// Whether a keyword is a number of some kind, which tells a reader nothing.
fn is_a_code(keyword: &Keyword, verdict: Verdict) -> bool {
    let text = keyword.as_str();
    verdict != Verdict::NotACode
        || (text.chars().all(|c| c.is_ascii_alphanumeric()) && text.chars().any(|c| c.is_ascii_digit()))
}

fn note_twice(
    findings: &mut Findings<'_>,
    table: &TomlTable<'_, '_>,
    key: &str,
    folded: String,
    span: Range<usize>,
    seen: &mut HashMap<Box<str>, Range<u32>>,
) {
    let span = findings.in_file(span);
    match seen.entry(folded.into()) {
        Entry::Occupied(first) => {
            let first = usize_of(first.get().start)..usize_of(first.get().end);
            findings.twice(table.path(key), key, span, first);
        }
        Entry::Vacant(unseen) => {
            unseen.insert(u32_of(span.start)..u32_of(span.end));
        }
    }
}

fn usize_of(byte: u32) -> usize {
    usize::try_from(byte).unwrap_or(usize::MAX)
}

/// A file has at most 16 MiB ([`FILE_BYTES_MAX`](super::judge::FILE_BYTES_MAX)).
fn u32_of(byte: usize) -> u32 {
    u32::try_from(byte).unwrap_or(u32::MAX)
}

fn shared_line(
    value: &DeValue<'_>,
    lines: &mut HashMap<String, Arc<CronLine>>,
) -> Result<Arc<CronLine>, Complaint> {
    if let Some(line) = value.as_str().and_then(|text| lines.get(text)) {
        return Ok(Arc::clone(line));
    }
    let line = Arc::new(values::cron_line(value)?);
    lines.insert(values::text(value)?.to_owned(), Arc::clone(&line));
    Ok(line)
}

fn id(value: &DeValue<'_>) -> Result<String, Complaint> {
    let written = values::text(value)?.trim();
    // People paste a whole businessId: what stands before the first `-` is the prefix.
    let prefix = written.split('-').next().unwrap_or(written).to_ascii_lowercase();
    let is_prefix = |text: &str| text.len() == ID_DIGITS && text.chars().all(|c| c.is_ascii_hexdigit());
    if is_prefix(&written.to_ascii_lowercase()) {
        return Ok(prefix);
    }
    let complaint = Complaint::new(
        Slip::NoId,
        format!("{} is no id: it has {ID_DIGITS} digits, 0-9 and a-f", quoted(written)),
    );
    Err(complaint.perhaps(is_prefix(&prefix).then_some(prefix)))
}
