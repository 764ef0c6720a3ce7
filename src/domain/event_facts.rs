//! What events are about: certificates, qualifications and troubles as their words need them.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::dates::{End, read_end};
use super::filing::{self, Duty};
use super::grade::Grade;
use super::number::Family;
use super::qualification::is_labour;
use super::trouble_cause::TroubleCause;

/// A qualification as words need it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedQualification {
    /// The registry's own text.
    pub text: String,
    /// The text without the grade.
    pub name: String,
    /// The grade, where the text states one.
    pub grade: Option<Grade>,
}

/// A certificate as words need it: one (number, end, issue date).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateFacts {
    /// The number as the registry wrote it.
    pub number: String,
    /// Its family.
    pub family: Family,
    /// 资质类别, the registry's own text.
    pub kind: String,
    /// 发证机关, the registry's own text.
    pub organ: String,
    /// The issue date, where it could be read.
    pub issued_on: Option<NaiveDate>,
    /// The last day of validity, where it could be read.
    pub valid_until: Option<NaiveDate>,
    /// The registry's own text of the end; empty when there was none.
    pub valid_until_text: String,
    /// The last day to apply for renewal, where the family has one.
    pub filing_day: Option<NaiveDate>,
    /// What it holds.
    pub qualifications: Vec<NamedQualification>,
}

impl CertificateFacts {
    /// What has to be applied for before its end; `None` where that is no day.
    #[must_use]
    pub fn duty(&self) -> Option<Duty> {
        let held = self.qualifications.iter().map(|named| (named.name.as_str(), named.grade.as_ref()));
        Some(filing::duty(self.family, self.valid_until?, &held.collect::<Vec<_>>()))
    }

    /// Whether 施工劳务, which is only registered, is among what it holds.
    #[must_use]
    pub fn holds_labour(&self) -> bool {
        self.qualifications.iter().any(|named| is_labour(&named.name))
    }

    /// Whether it is a registration of 施工劳务 (备案) that is stated to be without an end: lawful there (domain.md 10), and a slip
    /// anywhere else.
    #[must_use]
    pub fn is_endless_registration(&self) -> bool {
        is_endless_registration(&self.qualifications, &self.valid_until_text)
    }
}

/// See [`CertificateFacts::is_endless_registration`].
pub(super) fn is_endless_registration(held: &[NamedQualification], end_text: &str) -> bool {
    let is_all_labour = !held.is_empty() && held.iter().all(|named| is_labour(&named.name));
    is_all_labour && read_end(Some(end_text)) == End::Endless
}

/// A qualification that another certificate holds or held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Elsewhere {
    /// The other certificate's number, as the registry wrote it.
    pub number: String,
    /// The qualification's name without grade.
    pub name: String,
    /// Its grade there.
    pub grade: Option<Grade>,
    /// Its last day of validity there.
    #[serde(default)]
    pub valid_until: Option<NaiveDate>,
    /// Of a wider qualification: the narrower one that it stands beside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wider_than: Option<NamedQualification>,
}

/// Others of the same certificate that share an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rest {
    /// Their last day of validity, where it could be read.
    pub valid_until: Option<NaiveDate>,
    /// How many qualifications.
    pub count: usize,
}

/// Names of a certificate that a wider qualification now covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Absorbed {
    /// The names that went.
    pub names: Vec<NamedQualification>,
    /// The wider one, and where it is held.
    pub into: Elsewhere,
}

/// What is open of a company on the day somebody becomes its reader: deadlines reached or near, by the end.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenEnds {
    /// The certificates, the next end first.
    pub certificates: Vec<CertificateFacts>,
}

/// What a reload means: companies of which nobody hears any more, who hears of others, what it costs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leavers {
    /// Those that left the file.
    pub left: Vec<Leaver>,
    /// Who became a reader of companies that were watched already.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gained: Vec<ReaderEdited>,
    /// Who is no reader any more of companies that stay.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<ReaderEdited>,
    /// What the edit costs; `None` where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls: Option<CallsADay>,
}

/// An address that became a reader of companies, or is none any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReaderEdited {
    /// The address.
    pub address: String,
    /// What mails call the companies; at most a handful.
    pub companies: Vec<String>,
    /// How many they are.
    pub count: usize,
}

/// The calls a day that the schedule needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallsADay {
    /// Before the edit, where it is known.
    pub before: Option<u64>,
    /// Since.
    pub now: u64,
}

/// A company, and what is open of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaver {
    /// What mails call it.
    pub company: String,
    /// Its certificates with a deadline reached or near, the next end first.
    pub open: Vec<CertificateFacts>,
}

/// What a baseline found (design 3).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Baseline {
    /// What is watched from now on.
    pub current: Vec<CertificateFacts>,
    /// Ended over 180 days ago (历史证书).
    pub historical: Vec<CertificateFacts>,
    /// Ends that cannot be judged.
    pub unjudged: Vec<CertificateFacts>,
}

/// As what a mass loss ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MassEnd {
    /// What was not shown is shown again.
    Back,
    /// Four looks agree that it is gone.
    Confirmed,
    /// Four looks agree that it is gone, and that other things are there in its place.
    Rewritten,
}

/// What an operator needs to know of a trouble.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TroubleFacts {
    /// The class of design 2, `incomplete`, `disputed` or `mail`.
    pub class: Option<String>,
    /// The provider's code, or the mail server's.
    pub code: Option<i64>,
    /// What happened, in one English sentence, made inert.
    pub reason: String,
    /// The same with its facts, for words in any language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<TroubleCause>,
    /// What a person can do.
    pub advice: Option<String>,
    /// Which host, file or address it is about.
    #[serde(default)]
    pub place: Option<String>,
    /// Of the end of a mass loss: as what it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mass_end: Option<MassEnd>,
    /// Of the end of a mass loss: who was not heard of since, as mails call them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub silent: Vec<String>,
    /// Of the end of mail that could not be delivered: to whom it went instead.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub went_to: Vec<String>,
    /// When it began.
    pub since: Option<DateTime<Utc>>,
    /// The entry's line in the watchlist, counted from 1.
    pub line: Option<u32>,
    /// Companies it touches, as mails call them; at most some hundred.
    pub companies: Vec<String>,
    /// How many it touches besides.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more_companies: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl TroubleFacts {
    /// What is told of the end of a trouble: what was told when it began, and what its end adds.
    #[must_use]
    pub fn ending(self, begun: Self) -> Self {
        let names_companies = !self.companies.is_empty();
        Self {
            class: begun.class.or(self.class),
            code: begun.code.or(self.code),
            reason: if begun.reason.is_empty() { self.reason } else { begun.reason },
            cause: begun.cause.or(self.cause),
            // What to do about it was for the time that is over.
            advice: None,
            place: begun.place.or(self.place),
            mass_end: self.mass_end,
            silent: self.silent,
            went_to: self.went_to,
            since: begun.since.or(self.since),
            line: begun.line.or(self.line),
            companies: if names_companies { self.companies } else { begun.companies },
            more_companies: if names_companies { self.more_companies } else { begun.more_companies },
        }
    }
}
