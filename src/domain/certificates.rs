//! Certificates as reports show them: one for each (number, end, issue date), with the state it is in (design 7).

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;

use super::dates::days_left;
use super::event::{CertificateFacts, NamedQualification};
use super::event_facts::is_endless_registration;
use super::holding::{self, Holding};
use super::judge::{Silence, judged, settled};
use super::keyword::Keyword;
use super::number::{CertificateNumber, Family};
use super::snapshot::Snapshot;

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
    pub business_id: Option<String>,
    /// The number as the registry wrote it.
    pub certificate_num: String,
    /// The family.
    pub family: Family,
    /// 资质类别.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// 发证机关.
    pub organ: Option<String>,
    /// The issue date.
    pub issued_on: Option<NaiveDate>,
    /// The last valid day.
    pub valid_until: Option<NaiveDate>,
    /// The registry's own text of the end.
    pub valid_until_text: Option<String>,
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
    /// The ends of other qualifications of the same certificate.
    pub other_ends: Vec<NaiveDate>,
    /// The first day on which its end is told of again; `None`: it is not snoozed.
    pub snoozed_until: Option<NaiveDate>,
    /// When its renewal was filed, as the operator said.
    pub renewal_filed: Option<NaiveDate>,
    /// Whether nothing has to be done for it any more: it ended long ago, or all of it is held elsewhere. Something of it may be in
    /// doubt all the same, which its state then says.
    #[serde(skip)]
    pub is_settled: bool,
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
    let reported: Vec<&Holding> = judged(snapshot).map(|judged| judged.holding).collect();
    let mut ends: BTreeMap<&CertificateNumber, BTreeSet<NaiveDate>> = BTreeMap::new();
    for holding in &reported {
        ends.entry(&holding.number).or_default().extend(holding.last_day());
    }
    let describe = |holdings: Vec<&Holding>| {
        let number = &holdings.first()?.number;
        let end = holdings.first()?.last_day();
        let others = ends.get(number).into_iter().flatten().copied().filter(|other| Some(*other) != end);
        let settled = settled(snapshot, reported.iter().copied(), (number, end), today);
        let described = describe(snapshot, &holdings, settled, owner, today)?;
        Some(Certificate { other_ends: others.collect(), ..described })
    };
    holding::by_certificate(reported.iter().copied()).into_iter().filter_map(describe).collect()
}

/// What is open of a company: certificates with a deadline (filing day or end) that is reached, or near by `expiring_from_days`, the
/// next end first. What ended long ago or is superseded is settled.
#[must_use]
pub fn open(snapshot: &Snapshot, owner: Owner<'_>, today: NaiveDate) -> Vec<CertificateFacts> {
    let is_near =
        |day: Option<NaiveDate>| day.is_some_and(|day| days_left(day, today) <= owner.expiring_from_days);
    let reported: Vec<&Holding> = judged(snapshot).map(|judged| judged.holding).collect();
    let open = |holdings: Vec<&Holding>| {
        let of = (&holdings.first()?.number, holdings.first()?.last_day());
        let is_settled = settled(snapshot, reported.iter().copied(), of, today).is_some();
        let facts = holding::facts(holdings)?;
        (!is_settled && (is_near(facts.filing_day) || is_near(facts.valid_until))).then_some(facts)
    };
    holding::by_certificate(reported.iter().copied()).into_iter().filter_map(open).collect()
}

/// The next day on which something has to be done for one of these certificates: the filing day while it lies ahead, else the end.
#[must_use]
pub fn next_deadline(certificates: &[Certificate], today: NaiveDate) -> Option<(NaiveDate, &Certificate)> {
    let live = certificates.iter().filter(|certificate| {
        let text = certificate.valid_until_text.as_deref().unwrap_or_default();
        !certificate.is_settled && !is_endless_registration(&certificate.qualifications, text)
    });
    let deadlines = live.filter_map(|certificate| {
        let ahead = [certificate.filing_day, certificate.valid_until].into_iter().flatten();
        Some((ahead.filter(|day| *day >= today).min()?, certificate))
    });
    deadlines.min_by_key(|(day, _)| *day)
}

fn describe(
    snapshot: &Snapshot,
    holdings: &[&Holding],
    settled: Option<Silence>,
    owner: Owner<'_>,
    today: NaiveDate,
) -> Option<Certificate> {
    let first = holdings.first()?;
    let facts = holding::facts(holdings.iter().copied())?;
    let in_doubt = |holding: &&Holding| snapshot.open_doubts().any(|(key, _, _)| *key == holding.key());
    let state = match settled {
        Some(Silence::Historical) => State::Historical,
        _ if holdings.iter().any(in_doubt) => State::InDoubt,
        Some(_) => State::Superseded,
        None => state_by_end(holdings, owner.expiring_from_days, today),
    };
    Some(Certificate {
        company: owner.keyword.clone(),
        name: owner.name.to_owned(),
        business_id: given(first.business_id.clone()),
        certificate_num: facts.number,
        family: facts.family,
        kind: given(facts.kind),
        organ: given(facts.organ),
        issued_on: facts.issued_on,
        valid_until: facts.valid_until,
        valid_until_text: given(facts.valid_until_text),
        days_left: facts.valid_until.map(|end| days_left(end, today)),
        filing_day: facts.filing_day,
        state,
        last_verified_at: owner.last_verified_at,
        qualifications: facts.qualifications,
        other_ends: Vec::new(),
        snoozed_until: None,
        renewal_filed: None,
        is_settled: settled.is_some(),
    })
}

/// What upstream leaves out is absent, not empty (design 7).
fn given(text: String) -> Option<String> {
    Some(text).filter(|text| !text.trim().is_empty())
}

/// What a certificate is that something has to be done for: by its end.
fn state_by_end(holdings: &[&Holding], expiring_from_days: i64, today: NaiveDate) -> State {
    let end = holdings.first().and_then(|holding| holding.last_day());
    match end.map(|end| days_left(end, today)) {
        // Labour that is registered without an end has not expired.
        Some(left) if left < 0 && holdings.iter().all(|one| one.is_endless_registration()) => State::Unknown,
        Some(left) if left < 0 => State::Expired,
        Some(left) if left <= expiring_from_days => State::Expiring,
        Some(_) => State::Valid,
        None => State::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::domain::compare::{Look, Seen, Upstream, compare};
    use crate::domain::holding::read_items;
    use crate::domain::observation::Item;

    type Shown<'a> = (&'a str, &'a str, &'a str, &'a str);

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    /// What is known after these looks, one a day, the last on 2026-01-10.
    fn listed(looks: &[&[Shown<'_>]]) -> Vec<Certificate> {
        reported(looks, certificates)
    }

    fn reported<T>(looks: &[&[Shown<'_>]], report: fn(&Snapshot, Owner<'_>, NaiveDate) -> T) -> T {
        let keyword: Keyword = "河南院".parse().unwrap();
        let today = day("2026-01-10");
        let mut snapshot = Snapshot::default();
        for (at, shown) in looks.iter().enumerate() {
            let item = |(number, names, end, issued): &Shown<'_>| Item {
                certificate_num: Some((*number).into()),
                qualification_name: Some((*names).into()),
                effective_time: Some((*end).into()),
                issuing_certificate_time: Some((*issued).into()),
                ..Item::default()
            };
            let items: Vec<Item> = shown.iter().map(item).collect();
            let before = TimeDelta::days(i64::try_from(looks.len() - 1 - at).unwrap());
            let now = today.and_hms_opt(0, 0, 0).unwrap().and_utc() - before;
            let zone = chrono_tz::Asia::Shanghai;
            let look = Look::new((&keyword, "河南院"), now, zone, TimeDelta::hours(20), Upstream::Trusted);
            snapshot = compare(&snapshot, &Seen::Holdings(read_items(&items)), &look).after;
        }
        let owner =
            Owner { keyword: &keyword, name: "河南院", last_verified_at: None, expiring_from_days: 180 };
        report(&snapshot, owner, today)
    }

    fn states(certificates: &[Certificate]) -> Vec<(&str, State)> {
        certificates.iter().map(|one| (one.certificate_num.as_str(), one.state)).collect()
    }

    #[test]
    fn the_state_is_the_first_that_fits_and_the_order_is_by_end_then_number() {
        let shown: [Shown<'_>; 9] = [
            ("D2", "市政公用工程施工总承包二级", "2030-01-01", ""),
            ("D1", "建筑工程施工总承包二级", "2030-01-01", ""),
            ("D3", "建筑工程施工总承包二级", "2026-02-01", ""),
            ("D4", "公路工程施工总承包二级", "2026-07-09", ""),
            ("D5", "桥梁工程专业承包二级", "2026-01-09", ""),
            ("D9", "环保工程专业承包二级", "2026-01-10", ""),
            ("D6", "隧道工程专业承包二级", "2025-07-13", ""),
            ("D7", "钢结构工程专业承包二级", "-", ""),
            ("D8", "公路工程施工总承包二级", "2025-07-14", ""),
        ];
        let found = listed(&[&shown]);
        assert_eq!(
            states(&found),
            [
                ("D6", State::Historical),
                ("D8", State::Superseded),
                ("D5", State::Expired),
                ("D9", State::Expiring),
                ("D3", State::Superseded),
                ("D4", State::Expiring),
                ("D1", State::Valid),
                ("D2", State::Valid),
                ("D7", State::Unknown),
            ]
        );
    }

    #[test]
    fn what_is_in_doubt_or_was_seen_once_says_so_before_anything_but_history() {
        let (old, stays): (Shown<'_>, Shown<'_>) = (
            ("D1", "建筑工程施工总承包二级", "2026-02-01", ""),
            ("D2", "建筑工程施工总承包二级", "2030-01-01", ""),
        );
        let new: Shown<'_> = ("D3", "公路工程施工总承包二级", "2031-01-01", "");
        let found = listed(&[&[old, stays], &[stays, new]]);
        assert_eq!(states(&found), [("D1", State::InDoubt), ("D2", State::Valid), ("D3", State::InDoubt)]);
        let found = listed(&[&[stays], &[stays, new], &[stays]]);
        assert_eq!(states(&found), [("D2", State::Valid), ("D3", State::InDoubt)], "not taken back yet");
        let found = listed(&[&[stays], &[stays, new], &[stays], &[stays]]);
        assert_eq!(states(&found), [("D2", State::Valid)]);
    }

    #[test]
    fn what_is_superseded_is_not_open_whatever_is_in_doubt_of_it() {
        let old: Shown<'_> = ("D1", "建筑工程施工总承包二级", "2026-02-01", "2021-02-01");
        let new: Shown<'_> = ("D2", old.1, "2031-01-01", "2026-01-01");
        let reissued: Shown<'_> = (old.0, old.1, old.2, "2021-03-01");
        for (last, why) in [(vec![new], "gone at one look"), (vec![reissued, new], "an issue date seen once")]
        {
            let looks: [&[Shown<'_>]; 2] = [&[old, new], &last];
            let listed = listed(&looks);
            assert_eq!(states(&listed)[0], ("D1", State::InDoubt), "{why}");
            let next = next_deadline(&listed, day("2026-01-10")).unwrap();
            assert_eq!(next.1.certificate_num, "D2", "{why}");
            assert!(reported(&looks, open).is_empty(), "{why}");
        }
        let lesser: Shown<'_> = ("D3", old.1, old.2, old.3);
        assert!(
            reported(&[&[new], &[new, lesser]], open).is_empty(),
            "seen once, and held for longer already"
        );
        assert_eq!(reported(&[&[old]], open).len(), 1);
    }

    #[test]
    fn the_first_end_that_can_be_judged_is_shown_as_it_is_judged_before_it_is_certain() {
        let endless: Shown<'_> = ("D1", "建筑工程施工总承包二级", "见附件", "2021-02-01");
        let ends: Shown<'_> = (endless.0, endless.1, "2026-02-01", endless.3);
        let looks: [&[Shown<'_>]; 2] = [&[endless], &[ends]];
        let listed = listed(&looks);
        assert_eq!((listed[0].state, listed[0].days_left), (State::InDoubt, Some(22)));
        assert_eq!(reported(&looks, open)[0].valid_until, Some(day("2026-02-01")));
    }

    #[test]
    fn labour_that_is_registered_without_an_end_has_not_expired() {
        let labour: Shown<'_> = ("D341000018", "施工劳务不分等级", "2026-01-05", "2021-01-05");
        let building: Shown<'_> = ("D241000018", "建筑工程施工总承包二级", "2026-01-05", "2021-01-05");
        let without_end =
            [(labour.0, labour.1, "长期", labour.3), (building.0, building.1, "长期", building.3)];
        let found = listed(&[&[labour, building], &without_end]);
        assert_eq!(states(&found), [("D241000018", State::Expired), ("D341000018", State::Unknown)]);
        let on_its_last_day = ("D341000018", labour.1, "2026-01-10", labour.3);
        let found = listed(&[&[on_its_last_day], &without_end[..1]]);
        assert_eq!(states(&found), [("D341000018", State::Expiring)], "until the day that was known is over");
    }

    #[test]
    fn what_upstream_leaves_out_is_null() {
        let texts =
            ["business_id", "type", "organ", "issued_on", "valid_until", "valid_until_text", "days_left"];
        for (shown, null, why) in [
            (("D1", "建筑工程施工总承包二级", "", ""), &texts[..], "a number and a name is all"),
            (("D1", "建筑工程施工总承包二级", "2030-01-01", ""), &texts[..4], "an end"),
            (
                ("D1", "建筑工程施工总承包二级", "长期", "2025-01-01"),
                &["valid_until", "days_left"],
                "a text for an end",
            ),
        ] {
            let found = serde_json::to_value(listed(&[&[shown]])).unwrap();
            let certificate = found[0].as_object().unwrap();
            assert!(certificate.values().all(|value| value != ""), "{why}: {certificate:?}");
            for name in null {
                assert_eq!(certificate[*name], serde_json::Value::Null, "{name}: {why}");
            }
        }
    }

    #[test]
    fn there_is_one_for_each_number_end_and_issue_date() {
        let found = listed(&[&[
            ("D1", "建筑工程施工总承包二级", "2030-01-01", "2025-01-01"),
            ("D1", "公路工程施工总承包二级", "2030/1/1", "2025-01-01"),
            ("D1", "市政公用工程施工总承包二级", "2030-01-01", "2025-02-01"),
            ("D1", "桥梁工程专业承包二级", "2029-01-01", "2025-01-01"),
        ]]);
        let counts: Vec<_> = found.iter().map(|one| (one.valid_until, one.qualifications.len())).collect();
        assert_eq!(
            counts,
            [(Some(day("2029-01-01")), 1), (Some(day("2030-01-01")), 2), (Some(day("2030-01-01")), 1)]
        );
    }
}
