//! What a new file means beside the one in force: who leaves, who comes, who reads of whom (design 7: an edit's effect is said
//! before it is made).

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Serialize;

use super::mailbox::EmailAddress;
use super::watchlist::{Company, Watchlist};
use crate::domain::keyword::Keyword;

/// What changes for people. Companies stand in the order of their file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct EditEffect {
    /// Companies that are watched no more.
    pub left: Vec<Named>,
    /// Companies that are watched from then on.
    pub joined: Vec<Named>,
    /// Who becomes a reader of companies that are in both files.
    pub readers_gained: Vec<ReaderOf>,
    /// Who is no reader of them any more.
    pub readers_lost: Vec<ReaderOf>,
}

/// A company.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Named {
    /// As the provider is asked.
    pub company: Keyword,
    /// What mails call it.
    pub name: String,
}

/// A reader, and the companies for which that changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReaderOf {
    /// The address.
    pub address: EmailAddress,
    /// Of whom.
    pub companies: Vec<Named>,
}

impl EditEffect {
    /// What changes from `old` to `new`.
    #[must_use]
    pub fn of(old: &Watchlist, new: &Watchlist) -> Self {
        let before: HashMap<&Keyword, &Company> = by_keyword(old);
        let after: HashMap<&Keyword, &Company> = by_keyword(new);
        let without = |file: &Watchlist, others: &HashMap<&Keyword, &Company>| {
            let those = file.companies.iter().filter(|company| !others.contains_key(&company.keyword));
            those.map(Named::of).collect()
        };
        let kept: Vec<(&Company, &Company)> = new
            .companies
            .iter()
            .filter_map(|company| Some((*before.get(&company.keyword)?, company)))
            .collect();
        Self {
            left: without(old, &after),
            joined: without(new, &before),
            readers_gained: readers_beside((new, old), kept.iter().map(|(was, is)| (*is, *was))),
            readers_lost: readers_beside((old, new), kept.iter().copied()),
        }
    }
}

impl Named {
    fn of(company: &Company) -> Self {
        Self { company: company.keyword.clone(), name: company.name.to_string() }
    }
}

fn by_keyword(file: &Watchlist) -> HashMap<&Keyword, &Company> {
    file.companies.iter().map(|company| (&company.keyword, company)).collect()
}

/// Who reads of companies by the first file and not by the second, where each company stands as the files have it.
fn readers_beside<'a>(
    (one, other): (&'a Watchlist, &'a Watchlist),
    companies: impl Iterator<Item = (&'a Company, &'a Company)>,
) -> Vec<ReaderOf> {
    let mut found: BTreeMap<String, ReaderOf> = BTreeMap::new();
    let common_alike = folded(&one.email.to) == folded(&other.email.to);
    for (in_one, in_other) in companies {
        // Nearly always nothing of it has changed, and there may be a hundred thousand.
        if common_alike && in_one.to == in_other.to {
            continue;
        }
        let others: HashSet<String> =
            other.recipients_of(in_other).iter().map(EmailAddress::folded).collect();
        for address in one.recipients_of(in_one) {
            if !others.contains(&address.folded()) {
                let reader = found
                    .entry(address.folded())
                    .or_insert_with(|| ReaderOf { address, companies: Vec::new() });
                reader.companies.push(Named::of(in_one));
            }
        }
    }
    found.into_values().collect()
}

fn folded(addresses: &[EmailAddress]) -> HashSet<String> {
    addresses.iter().map(EmailAddress::folded).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::parse;

    fn file(to: &str, companies: &[(&str, &str)]) -> Watchlist {
        let entries = companies.iter().fold(String::new(), |text, (keyword, to)| {
            text + &format!("[[company]]\nkeyword = \"{keyword}\"\nto = [{to}]\n")
        });
        let text = format!(
            "[email]\nmaildir = \"mail\"\nfrom = \"a@b.cn\"\noperators = [\"a@b.cn\"]\nto = [{to}]\n{entries}"
        );
        parse(&text, Path::new("watchlist.toml")).unwrap().0
    }

    /// Who, and of whom.
    fn shown(readers: &[ReaderOf]) -> Vec<String> {
        let names = |reader: &ReaderOf| {
            reader.companies.iter().map(|company| company.name.as_str()).collect::<Vec<_>>().join(" ")
        };
        readers.iter().map(|reader| format!("{}: {}", reader.address, names(reader))).collect()
    }

    #[test]
    fn the_effect_of_an_edit_is_what_changes_for_people() {
        let old = file("\"x@b.cn\"", &[("甲", ""), ("乙", "\"y@b.cn\""), ("丙", "")]);
        for (new, left, joined, gained, lost, why) in [
            (old.clone(), "", "", &[][..], &[][..], "nothing"),
            (
                file("\"X@b.cn\"", &[("丙", ""), ("甲", "\"x@b.cn\""), ("乙", "\"y@b.cn\"")]),
                "",
                "",
                &[],
                &[],
                "order and spelling",
            ),
            (
                file("\"x@b.cn\"", &[("甲", ""), ("丁", "\"z@b.cn\"")]),
                "乙 丙",
                "丁",
                &[],
                &[],
                "companies come and go",
            ),
            (
                file("\"z@b.cn\"", &[("甲", ""), ("乙", "\"y@b.cn\""), ("丙", "\"x@b.cn\"")]),
                "",
                "",
                &["z@b.cn: 甲 乙 丙"],
                &["x@b.cn: 甲 乙"],
                "the reader of all is another",
            ),
            (
                file("\"x@b.cn\"", &[("甲", "\"y@b.cn\""), ("乙", ""), ("丙", "")]),
                "",
                "",
                &["y@b.cn: 甲"],
                &["y@b.cn: 乙"],
                "one moves",
            ),
        ] {
            let effect = EditEffect::of(&old, &new);
            let names = |of: &[Named]| of.iter().map(|one| one.name.as_str()).collect::<Vec<_>>().join(" ");
            assert_eq!(
                (names(&effect.left).as_str(), names(&effect.joined).as_str()),
                (left, joined),
                "{why}"
            );
            assert_eq!(shown(&effect.readers_gained), gained, "{why}");
            assert_eq!(shown(&effect.readers_lost), lost, "{why}");
        }
    }
}
