//! The scenario: who is known, and what goes wrong.

use std::collections::HashMap;

use chrono::NaiveDate;

use super::certificates::{ListedCertificate, ListedCompany};
use super::error::SandboxError;
use super::fault::PlayedFault;
use super::generator::{self, OwnCompany};
use super::scenario_file;

/// What the imitation answers, and when. Read from TOML; `default_scenario.toml` documents every key.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// Empty: any key that is not empty is accepted.
    keys: Vec<String>,
    companies: Vec<ListedCompany>,
    by_keyword: HashMap<String, Vec<usize>>,
    pub(super) faults: Vec<PlayedFault>,
}

impl Scenario {
    /// Reads a scenario.
    ///
    /// # Errors
    /// [`SandboxError::Scenario`] when it is not TOML or has an unknown key, [`SandboxError::Entry`] when an entry makes
    /// no sense.
    pub fn parse(text: &str) -> Result<Self, SandboxError> {
        let (keys, companies, faults) = scenario_file::parse(text)?;
        Ok(Self::new(keys, companies, faults))
    }

    /// The companies of somebody's own list, to which something happens from `today` on.
    #[must_use]
    pub fn of_list(list: &[OwnCompany], today: NaiveDate) -> Self {
        Self::new(Vec::new(), generator::of_list(list, today), Vec::new())
    }

    fn new(keys: Vec<String>, companies: Vec<ListedCompany>, faults: Vec<PlayedFault>) -> Self {
        let mut by_keyword: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, company) in companies.iter().enumerate() {
            for keyword in &company.keywords {
                by_keyword.entry(keyword.clone()).or_default().push(index);
            }
        }
        Self { keys, companies, by_keyword, faults }
    }

    /// The document's own example company and a few others, without faults.
    #[must_use]
    pub fn default_scenario() -> Self {
        embedded(include_str!("default_scenario.toml"))
    }

    /// A story from 2026-01-05 on that gives cause for every kind of event that a reader can be told, and two for the
    /// operator. Its file says which entry is for what.
    #[must_use]
    pub fn demo() -> Self {
        embedded(include_str!("demo_scenario.toml"))
    }

    /// The first keyword of each company, in the order of the file, generated ones last: what a watchlist would name.
    pub fn keywords(&self) -> impl Iterator<Item = &str> {
        self.companies.iter().filter_map(|company| Some(company.keywords.first()?.as_str()))
    }

    pub(super) fn accepts(&self, key: &str) -> bool {
        !key.is_empty() && (self.keys.is_empty() || self.keys.iter().any(|accepted| accepted == key))
    }

    /// What is listed for `keyword` on `day`: of every company that bears it, so that an ambiguous keyword can be played.
    pub(super) fn listed(&self, keyword: &str, day: NaiveDate) -> Vec<&ListedCertificate> {
        self.found(keyword)
            .iter()
            .filter_map(|index| self.companies.get(*index))
            .flat_map(|company| &company.certificates)
            .filter(|certificate| certificate.days.contains(day))
            .collect()
    }

    /// Whether two keywords find the same companies, or are the same.
    pub(super) fn same_company(&self, keyword: &str, other: &str) -> bool {
        keyword == other || self.found(keyword).iter().any(|index| self.found(other).contains(index))
    }

    fn found(&self, keyword: &str) -> &[usize] {
        self.by_keyword.get(keyword).map_or(&[], Vec::as_slice)
    }
}

#[expect(clippy::expect_used, reason = "the text is part of the program, and a test reads both of them")]
fn embedded(text: &str) -> Scenario {
    Scenario::parse(text).expect("an embedded scenario")
}
