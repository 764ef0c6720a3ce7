//! Which companies are meant.

use crate::config::{Company, Watchlist};
use crate::domain::keyword::Keyword;
use crate::domain::text::{displayable, folded};
use crate::standing::Entries;

use super::exit::Refusal;

/// The most companies of the watchlist that an error names.
const NAMED_MAX: usize = 10;

/// The companies of the watchlist that `wanted` means: the one with that keyword, else all of that name. Width, case and
/// blanks do not matter. None when it means none.
pub(super) fn meant<'a>(watchlist: &'a Watchlist, wanted: &str) -> Vec<&'a Company> {
    // Keywords differ in more than what is folded: one that is written alike is the only one that is alike.
    if let Some(company) = watchlist.companies.iter().find(|company| company.keyword.as_str() == wanted) {
        return vec![company];
    }
    let wanted = folded(wanted);
    let by_keyword = watchlist.companies.iter().filter(|company| company.keyword.folded() == wanted);
    let found: Vec<_> = by_keyword.collect();
    if !found.is_empty() {
        return found;
    }
    watchlist.companies.iter().filter(|company| folded(&company.name) == wanted).collect()
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

/// What the file calls the company with this keyword: one that has left it by the keyword itself, none by nothing.
pub(super) fn name_of<'a>(entries: &Entries<'a>, keyword: Option<&'a Keyword>) -> &'a str {
    keyword
        .map_or("", |keyword| entries.get(keyword.as_str()).map_or(keyword.as_str(), |company| &company.name))
}

/// What is said of a company that the watchlist does not have.
pub(super) fn unknown(watchlist: &Watchlist, wanted: &str) -> Refusal {
    let refusal = Refusal::wrong_use(format!("the watchlist has no company {}", displayable(wanted)));
    let mut names: Vec<&str> =
        watchlist.companies.iter().take(NAMED_MAX).map(|company| &*company.name).collect();
    if watchlist.companies.len() > NAMED_MAX {
        names.push("…");
    }
    refusal.advising(format!("name it by its keyword or its name in the file: {}", names.join(", ")))
}
