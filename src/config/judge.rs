//! Judging a whole file.

use std::io::Read as _;
use std::path::Path;
use std::sync::mpsc::sync_channel;

use toml::de::DeTable;

use super::companies::{CommonReaders, Companies, companies};
use super::error::ConfigError;
use super::fault::{Complaint, Fault, Findings};
use super::keys::keys_of;
use super::pieces::{Pieces, entries_of};
use super::reader::TomlTable;
use super::repeats::bring_together;
use super::sections;
use super::slips::{Mended, mend};
use super::watchlist::{Api, Watchlist};
use crate::domain::trouble_cause::Slip;

/// The largest file that is read: tens of thousands of companies.
pub const FILE_BYTES_MAX: u64 = 16 << 20;

/// Pieces of a large file that are read before they are judged.
const PIECES_AHEAD: usize = 64;

/// What there is to say of a file.
#[derive(Debug, PartialEq)]
pub struct JudgedFile {
    /// The file, when it has no fault.
    pub watchlist: Option<Watchlist>,
    /// All faults, in the order of the file.
    pub faults: Vec<Fault>,
    /// All warnings, in the order of the file.
    pub warnings: Vec<Fault>,
}

/// Reads a file of this format: `path` is only where relative paths in it start.
///
/// # Errors
/// All faults at once.
pub fn parse(text: &str, path: &Path) -> Result<(Watchlist, Vec<Fault>), Vec<Fault>> {
    let judgement = judge(text, path);
    judgement.watchlist.map(|watchlist| (watchlist, judgement.warnings)).ok_or(judgement.faults)
}

/// The same, with the warnings of a file that has faults.
#[must_use]
pub fn judge(text: &str, path: &Path) -> JudgedFile {
    let folder = path.parent().unwrap_or(Path::new(""));
    found(read_in_pieces(text, folder).unwrap_or_else(|| read_whole(text, folder)))
}

fn found((findings, watchlist): (Findings<'_>, Option<Watchlist>)) -> JudgedFile {
    let Findings { mut faults, mut warnings, .. } = findings;
    faults.sort_by_key(|fault| fault.span.start);
    faults.dedup();
    bring_together(&mut faults);
    warnings.sort_by_key(|warning| warning.span.start);
    bring_together(&mut warnings);
    JudgedFile { watchlist: watchlist.filter(|_| faults.is_empty()), faults, warnings }
}

/// `None` where that is not what reading the whole would be.
fn read_in_pieces<'t>(text: &'t str, folder: &Path) -> Option<(Findings<'t>, Option<Watchlist>)> {
    let pieces = Pieces::of(text)?;
    if !has_its_brackets(pieces.settings.get_ref()) {
        return None;
    }
    let mut findings = Findings::new(text);
    let top = TomlTable::open(&mut findings, "", pieces.settings.get_ref(), 0..0);
    let (settings, common) = settings(&mut findings, &top, folder);
    let mut companies = Companies::with(common, pieces.headers);
    // One thread reads, the other judges.
    std::thread::scope(|threads| {
        let (sender, read) = sync_channel(PIECES_AHEAD);
        threads.spawn(move || {
            // Nobody receives any more once a piece could not be read.
            pieces.entries.into_iter().try_for_each(|(start, piece)| sender.send((start, entries_of(piece))))
        });
        for (start, entries) in read {
            findings.begin_at(start);
            companies.read(&mut findings, &entries?);
        }
        Some(())
    })?;
    Some((findings, settings.map(|settings| Watchlist { companies: companies.read, ..settings })))
}

fn read_whole<'t>(text: &'t str, folder: &Path) -> (Findings<'t>, Option<Watchlist>) {
    let mut findings = Findings::new(text);
    let (mut root, mut errors) = DeTable::parse_recoverable(text);
    let mended = if errors.is_empty() && has_its_brackets(root.get_ref()) { None } else { mend(text) };
    if let Some(Mended { text: meant, slips, origins }) = &mended {
        (root, errors) = DeTable::parse_recoverable(meant);
        findings.read_copy(origins.clone());
        for (span, complaint) in slips {
            findings.slip(span.clone(), complaint.clone());
        }
    }
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        findings.unreadable(span, in_our_words(error.message()));
    }
    let top = TomlTable::open(&mut findings, "", root.get_ref(), 0..0);
    let (settings, common) = settings(&mut findings, &top, folder);
    let companies = companies(&mut findings, &top, common);
    (findings, settings.map(|settings| Watchlist { companies, ..settings }))
}

/// Whether each table is one, and the companies are a list of them.
fn has_its_brackets(top: &DeTable<'_>) -> bool {
    top.iter().all(|(name, value)| match name.get_ref().as_ref() {
        "company" => value.get_ref().is_array(),
        name => !value.get_ref().is_array() || keys_of(name).is_empty(),
    })
}

/// All but the companies, and whether a company needs readers of its own.
fn settings(
    findings: &mut Findings<'_>,
    top: &TomlTable<'_, '_>,
    folder: &Path,
) -> (Option<Watchlist>, CommonReaders) {
    let (timezone, language) = sections::zone_and_language(findings, top);
    let api = sections::api(findings, top, folder);
    let database = sections::database(findings, top);
    let schedule = sections::schedule(findings, top);
    let alerts = sections::alerts(findings, top);
    let email = sections::email(findings, top, folder);
    let heartbeat = sections::heartbeat(findings, top);
    let http = sections::http(findings, top);
    // Nobody is told of it who has not got so far yet.
    if findings.faults.is_empty() && !api.as_ref().is_some_and(Api::is_on_loopback) {
        sections::warn_of_example(findings, top);
    }
    let common = match &email {
        None => CommonReaders::Unknown,
        Some(email) if email.to.is_empty() => CommonReaders::None,
        Some(_) => CommonReaders::Some,
    };
    let all = || {
        Some(Watchlist {
            timezone,
            language,
            api: api?,
            database,
            schedule: schedule?,
            alerts,
            email: email?,
            heartbeat,
            http,
            companies: Vec::new(),
        })
    };
    (all(), common)
}

/// A warning about a key of a table that only its caller can give (it knows the clock, or a secret): at the key, else at its
/// table, else at the beginning of the file.
#[must_use]
pub fn warning_at(text: &str, table: &str, key: &str, message: impl Into<String>) -> Fault {
    let settings = Pieces::of(text).map(|pieces| pieces.settings);
    let settings = settings.unwrap_or_else(|| DeTable::parse_recoverable(text).0);
    let top = settings.get_ref();
    let name = top.keys().find(|name| name.get_ref().as_ref() == table);
    let written = top
        .get(table)
        .and_then(|table| table.get_ref().as_table())
        .and_then(|table| table.keys().find(|name| name.get_ref().as_ref() == key));
    let span = written.or(name).map_or(0..0, toml::Spanned::span);
    let mut findings = Findings::new(text);
    findings.warn(format!("{table}.{key}"), span, message);
    findings.warnings.remove(0)
}

/// The parser's message in a whole sentence where operators meet it most.
fn in_our_words(message: &str) -> Complaint {
    match message {
        "duplicate key" => Complaint::new(Slip::KeyTwice, "this key stands in the same table twice"),
        other => Complaint::new(Slip::NotToml, format!("this is not TOML: {other}")),
    }
}

/// Reads the file's text.
///
/// # Errors
/// It cannot be read, is larger than [`FILE_BYTES_MAX`], or is not UTF-8.
pub fn read_text(path: &Path) -> Result<String, ConfigError> {
    let during = |source| ConfigError::Read { path: path.to_owned(), source };
    let file = std::fs::File::open(path).map_err(during)?;
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(during)?;
    if u64::try_from(bytes.len()).map_or(true, |length| length > FILE_BYTES_MAX) {
        return Err(ConfigError::TooBig { path: path.to_owned(), limit: FILE_BYTES_MAX });
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
        let line = valid.split(|byte| *byte == b'\n').count();
        ConfigError::NotUtf8 { path: path.to_owned(), line }
    })
}

#[cfg(test)]
mod tests;
