//! Which companies are meant, and their certificates as reports show them.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};

use crate::config::{Company, Watchlist};
use crate::domain::certificates::{self, Certificate, Owner};
use crate::domain::display::{displayable, normalised};
use crate::domain::keyword::Keyword;
use crate::domain::snapshot::Snapshot;
use crate::store::checks::records::Record;

use super::context::Context;
use super::exit::Refusal;

/// The most companies of the watchlist that an error names.
const NAMED_MAX: usize = 10;

/// The companies of the watchlist that `wanted` means: the one with that keyword, else all of that name. Width, case and
/// blanks do not matter. None when it means none.
pub(super) fn meant<'a>(watchlist: &'a Watchlist, wanted: &str) -> Vec<&'a Company> {
    let folded = folded(wanted);
    let by_keyword = watchlist.companies.iter().filter(|company| company.keyword.folded() == folded);
    let found: Vec<_> = by_keyword.collect();
    if !found.is_empty() {
        return found;
    }
    watchlist.companies.iter().filter(|company| self::folded(&company.name) == folded).collect()
}

/// As keywords are compared.
pub(super) fn folded(text: &str) -> String {
    normalised(text).to_uppercase()
}

/// The companies of the watchlist that `wanted` mean, each once, in the order of the file; all where nothing is wanted.
///
/// # Errors
/// One of them means none: wrong use.
pub(super) fn all_meant<'a>(watchlist: &'a Watchlist, wanted: &[String]) -> anyhow::Result<Vec<&'a Company>> {
    if wanted.is_empty() {
        return Ok(watchlist.companies.iter().collect());
    }
    let mut keywords = Vec::new();
    for wanted in wanted {
        let found = meant(watchlist, wanted);
        if found.is_empty() {
            return Err(unknown(watchlist, wanted).into());
        }
        keywords.extend(found.into_iter().map(|company| &company.keyword));
    }
    Ok(watchlist.companies.iter().filter(|company| keywords.contains(&&company.keyword)).collect())
}

/// What the file calls its companies.
pub(super) struct Names<'a>(HashMap<&'a Keyword, &'a str>);

impl<'a> Names<'a> {
    /// Of this file.
    pub(super) fn of(watchlist: &'a Watchlist) -> Self {
        Self(watchlist.companies.iter().map(|company| (&company.keyword, company.name.as_str())).collect())
    }

    /// Of the company with this keyword: one that has left the file by the keyword itself, none by nothing.
    pub(super) fn get(&self, keyword: Option<&'a Keyword>) -> &'a str {
        keyword.map_or("", |keyword| self.0.get(keyword).copied().unwrap_or(keyword.as_str()))
    }
}

/// What is said of a company that the watchlist does not have.
pub(super) fn unknown(watchlist: &Watchlist, wanted: &str) -> Refusal {
    let refusal = Refusal::wrong_use(format!("the watchlist has no company {}", displayable(wanted)));
    let mut names: Vec<&str> =
        watchlist.companies.iter().take(NAMED_MAX).map(|company| company.name.as_str()).collect();
    if watchlist.companies.len() > NAMED_MAX {
        names.push("…");
    }
    refusal.advising(format!("name it by its keyword or its name in the file: {}", names.join(", ")))
}

/// Whose certificates are shown, and from what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Holder<'a> {
    /// The company's keyword.
    pub keyword: &'a Keyword,
    /// What it is called where the file does not name it.
    pub name: &'a str,
    /// When it was last verified.
    pub last_verified_at: Option<DateTime<Utc>>,
    /// What it holds, and what is in doubt of it.
    pub snapshot: &'a Snapshot,
}

impl<'a> From<&'a Record> for Holder<'a> {
    fn from(record: &'a Record) -> Self {
        let Record { keyword, name, last_verified_at, snapshot, .. } = record;
        Self { keyword, name, last_verified_at: *last_verified_at, snapshot }
    }
}

/// The certificates of these companies by end, then number; what has no readable end comes last.
pub(super) fn certificates_of<'a>(
    context: &Context,
    holders: impl IntoIterator<Item = impl Into<Holder<'a>>>,
) -> Vec<Certificate> {
    certificates_on(context, holders, context.today())
}

/// The same as seen on another day.
pub(super) fn certificates_on<'a>(
    context: &Context,
    holders: impl IntoIterator<Item = impl Into<Holder<'a>>>,
    today: NaiveDate,
) -> Vec<Certificate> {
    let watchlist = &context.watchlist;
    let in_file: HashMap<&Keyword, &Company> =
        watchlist.companies.iter().map(|company| (&company.keyword, company)).collect();
    let now = context.now();
    let mut found = Vec::new();
    for holder in holders {
        let holder: Holder<'_> = holder.into();
        let company = in_file.get(holder.keyword);
        let expiry_days =
            company.map_or(&*watchlist.alerts.expiry_days, |company| watchlist.expiry_days_of(company));
        let owner = Owner {
            keyword: holder.keyword,
            name: company.map_or(holder.name, |company| &company.name),
            last_verified_at: holder.last_verified_at.map(|at| at.min(now)),
            expiring_from_days: expiry_days.iter().max().copied().map_or(-1, i64::from),
        };
        found.extend(certificates::certificates(holder.snapshot, owner, today));
    }
    found.sort_by(|one, other| by_end(one).cmp(&by_end(other)));
    found
}

fn by_end(certificate: &Certificate) -> (bool, Option<NaiveDate>, &str, &Keyword) {
    let end = certificate.valid_until;
    (end.is_none(), end, &certificate.certificate_num, &certificate.company)
}
