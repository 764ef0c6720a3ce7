//! What is said of a watchlist: whether it can be used, and what came of the one call that proves key and address.

use std::fmt;

use serde::Serialize;

use super::exit::Exit;
use super::outlook::Outlook;
use crate::config::{ConfigError, Fault};
use crate::domain::keyword::Keyword;
use crate::domain::outcome::Outcome;
use crate::domain::text::displayable;
use crate::domain::trouble_cause::Slip;
use crate::juhe::Failure;

/// What `validate --json` prints, and every other command where the watchlist has faults: a contract (design 7).
#[derive(Debug, Serialize)]
pub(super) struct FileVerdict<'a> {
    ok: bool,
    faults: &'a [Fault],
    warnings: &'a [Fault],
    calls_per_day: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ask: Option<&'a Proof>,
    /// What the file changes beside the one in force; absent where none is, or where it is the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    effect: Option<&'a Outlook>,
}

impl<'a> FileVerdict<'a> {
    /// Of a file that can be used.
    pub(super) fn of_a_good_file(warnings: &'a [Fault], calls_per_day: u64, ask: Option<&'a Proof>) -> Self {
        Self { ok: true, faults: &[], warnings, calls_per_day: Some(calls_per_day), ask, effect: None }
    }

    /// With what it changes beside the one in force.
    pub(super) fn with_effect(self, effect: Option<&'a Outlook>) -> Self {
        Self { effect, ..self }
    }

    /// Of a file that is not used.
    pub(super) fn of_faults(faults: &'a [Fault], warnings: &'a [Fault]) -> Self {
        Self { ok: false, faults, warnings, calls_per_day: None, ask: None, effect: None }
    }
}

/// What cannot even be judged as one fault, so that a program meets one shape only.
pub(super) fn fault_of_unreadable(error: &anyhow::Error) -> Fault {
    let line = match error.downcast_ref() {
        Some(ConfigError::NotUtf8 { line, .. }) => u32::try_from(*line).unwrap_or(u32::MAX),
        _ => 1,
    };
    let message = displayable(&format!("{error:#}"));
    Fault { line, column: 1, message, slip: Some(Slip::NotToml), ..Fault::default() }
}

/// The address in the provider's document: without TLS. It is named where TLS fails, never tried.
const DOCUMENTED_URL: &str = "http://v.juhe.cn/opens/App/bqQualification/query";

/// What came of the call.
#[derive(Debug, Serialize)]
pub(super) struct Proof {
    /// Key and address are proved: the provider answered, be it that it finds nothing.
    pub(super) ok: bool,
    pub(super) company: Keyword,
    /// The items that the provider has, where it said so.
    pub(super) total: Option<u64>,
    /// As in design 2; null where a page came.
    pub(super) class: Option<&'static str>,
    pub(super) code: Option<i64>,
    pub(super) reason: Option<String>,
    pub(super) advice: Option<String>,
}

impl Proof {
    /// How the process ends.
    pub(super) fn exit(&self) -> Exit {
        if self.ok { Exit::Done } else { Exit::Failed }
    }

    pub(super) fn failed(company: Keyword, failure: &Failure) -> Self {
        let advice = match failure.advice() {
            Some(advice) if failure.is_tls() => Some(format!(
                "{advice}; the provider's document has the address {DOCUMENTED_URL}, where the key and every answer travel \
                 in the clear: write it into [api].url if you accept that"
            )),
            advice => advice.map(str::to_owned),
        };
        Self {
            ok: failure.class == Outcome::Empty,
            company,
            total: None,
            class: Some(failure.class.as_str()),
            code: failure.code,
            reason: Some(failure.reason.clone()),
            advice,
        }
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { company, .. } = self;
        match (&self.reason, self.ok) {
            (None, _) => {
                let total = self.total.unwrap_or_default();
                write!(f, "the provider answered: key and address are right; {company} has {total} items")?;
            }
            (Some(reason), true) => {
                write!(
                    f,
                    "the provider answered: key and address are right; but for {company} it says: {reason}"
                )?;
            }
            (Some(reason), false) => {
                let code = self.code.map(|code| format!(" (code {code})")).unwrap_or_default();
                write!(f, "asking for {company} failed{code}: {reason}")?;
            }
        }
        match &self.advice {
            Some(advice) => write!(f, "\nadvice: {advice}"),
            None => Ok(()),
        }
    }
}
