//! Certificates as reports show them: one for each (number, end, issue date), with the state it is in (design 7).

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;

use super::dates::days_left;
use super::event::NamedQualification;
use super::holding::{self, Holding};
use super::keyword::Keyword;
use super::number::Family;
use super::snapshot::{Difference, Snapshot};

/// The state of a certificate: the first that fits, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Ended over 180 days ago.
    Historical,
    /// Something of it is in doubt, or it was seen once.
    InDoubt,
    /// All of it is held, same or higher, in an established certificate that ends later.
    Superseded,
    /// Its end has passed.
    Expired,
    /// It ends within the largest of `expiry_days`.
    Expiring,
    /// It goes on.
    Valid,
    /// Its end cannot be judged.
    Unknown,
}

/// A certificate as `--json` shows it: a contract (design 7). Dates `YYYY-MM-DD`, instants RFC 3339, absent = null.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Certificate {
    /// The company's keyword.
    pub company: Keyword,
    /// What mails call the company.
    pub name: String,
    /// 资格id.
    pub business_id: String,
    /// The number as the registry wrote it.
    pub certificate_num: String,
    /// The family.
    pub family: Family,
    /// 资质类别.
    #[serde(rename = "type")]
    pub kind: String,
    /// 发证机关.
    pub organ: String,
    /// The issue date.
    pub issued_on: Option<NaiveDate>,
    /// The last valid day.
    pub valid_until: Option<NaiveDate>,
    /// The registry's own text of the end.
    pub valid_until_text: String,
    /// Whole days to the end; negative once expired.
    pub days_left: Option<i64>,
    /// The last day to apply for renewal.
    pub filing_day: Option<NaiveDate>,
    /// Its state.
    pub state: State,
    /// When the company was last verified.
    pub last_verified_at: Option<DateTime<Utc>>,
    /// What it holds.
    pub qualifications: Vec<NamedQualification>,
}

/// Whose certificates, and by what they are judged.
#[derive(Debug, Clone, Copy)]
pub struct Owner<'a> {
    /// The company's keyword.
    pub keyword: &'a Keyword,
    /// What mails call it.
    pub name: &'a str,
    /// When it was last verified.
    pub last_verified_at: Option<DateTime<Utc>>,
    /// The largest of its `expiry_days`.
    pub expiring_from_days: i64,
}

/// The current certificates of a company by end, then number; what has no readable end comes last.
#[must_use]
pub fn certificates(snapshot: &Snapshot, owner: Owner<'_>, today: NaiveDate) -> Vec<Certificate> {
    let seen_once = snapshot.doubts.values().filter(|doubt| doubt.is_open()).filter_map(|doubt| match &doubt
        .difference
    {
        Difference::New(holding) => Some(holding),
        _ => None,
    });
    let mut groups: BTreeMap<_, Vec<&Holding>> = BTreeMap::new();
    for holding in snapshot.held.values().map(|held| &held.holding).chain(seen_once) {
        let end = holding.last_day();
        // A day is a day however it is written; other ends are told apart by their texts.
        let text = end.is_none().then(|| holding.end_text.clone());
        let group = (end.is_none(), end, holding.number.clone(), text, holding.issued);
        groups.entry(group).or_default().push(holding);
    }
    groups.into_values().filter_map(|holdings| describe(snapshot, &holdings, owner, today)).collect()
}

fn describe(
    snapshot: &Snapshot,
    holdings: &[&Holding],
    owner: Owner<'_>,
    today: NaiveDate,
) -> Option<Certificate> {
    let first = holdings.first()?;
    let facts = holding::facts(holdings.iter().copied())?;
    Some(Certificate {
        company: owner.keyword.clone(),
        name: owner.name.to_owned(),
        business_id: first.business_id.clone(),
        certificate_num: facts.number,
        family: facts.family,
        kind: facts.kind,
        organ: facts.organ,
        issued_on: facts.issued_on,
        valid_until: facts.valid_until,
        valid_until_text: facts.valid_until_text,
        days_left: facts.valid_until.map(|end| days_left(end, today)),
        filing_day: facts.filing_day,
        state: state(snapshot, holdings, owner.expiring_from_days, today),
        last_verified_at: owner.last_verified_at,
        qualifications: facts.qualifications,
    })
}

fn state(snapshot: &Snapshot, holdings: &[&Holding], expiring_from_days: i64, today: NaiveDate) -> State {
    let left = holdings.first().and_then(|holding| holding.last_day()).map(|end| days_left(end, today));
    let in_doubt = |holding: &&Holding| snapshot.open_doubts().any(|(key, _, _)| *key == holding.key());
    let certificate = holdings.first().map(|holding| holding.number.clone());
    let is_superseded = certificate.is_some_and(|number| {
        snapshot.is_superseded(snapshot.certificate(&number).map(|held| &held.holding))
    });
    if holdings.iter().all(|holding| holding.is_historical(today)) {
        State::Historical
    } else if holdings.iter().any(in_doubt) {
        State::InDoubt
    } else if is_superseded {
        State::Superseded
    } else {
        match left {
            Some(left) if left < 0 => State::Expired,
            Some(left) if left <= expiring_from_days => State::Expiring,
            Some(_) => State::Valid,
            None => State::Unknown,
        }
    }
}
