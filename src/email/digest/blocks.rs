//! What stands together: one headline for many that share kind and ends, one card for what happened in one certificate.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::selection::Shown;
use super::shared_change::Unlisted;
use crate::domain::event::{Change, EventKind};
use crate::email::words::deadlines::Deadline;
use crate::email::words::headlines::{Filing, Shared};

/// From how many certificates or companies on they share a headline (design 4).
const HEADLINE_LEAST: usize = 5;

/// Events of one kind that stand together.
pub(super) enum Grouped<'a> {
    /// Five or more certificates, companies or troubles.
    Headline(Shared, Vec<&'a Shown<'a>>),
    /// One event; or several of one certificate, for kinds that are told qualification by qualification.
    Card(Vec<&'a Shown<'a>>),
}

impl Grouped<'_> {
    /// What stands together.
    pub fn members(&self) -> &[&Shown<'_>] {
        match self {
            Self::Headline(_, members) | Self::Card(members) => members,
        }
    }
}

/// Groups events of one kind, in the order of the first of each group.
pub(super) fn grouped<'a>(of_one_kind: impl IntoIterator<Item = &'a Shown<'a>>) -> Vec<Grouped<'a>> {
    let members: Vec<&Shown<'_>> = of_one_kind.into_iter().collect();
    let lost_all = members.iter().filter(|shown| shown.has_lost_all());
    let lost_all: BTreeSet<_> = lost_all.filter_map(|shown| shown.company_key()).collect();
    // Of a company of which nothing is left all certificates are one card, whatever ends they had.
    let is_one_card = |shown: &Shown<'_>| shown.has_lost_all() && lost_all.len() < HEADLINE_LEAST;
    gather(members, |shown| {
        let ends = (shown.old_end(), shown.new_end());
        let company = shown.company_key().filter(|_| is_one_card(shown));
        (shown.alike, Some(ends).filter(|_| shown.alike.is_none() && company.is_none()), company)
    })
    .into_iter()
    .flat_map(|members| match shared(&members) {
        _ if members.iter().all(|shown| is_one_card(shown)) => vec![Grouped::Card(members)],
        Some(shared) => vec![Grouped::Headline(shared, members)],
        None => cards(members),
    })
    .collect()
}

/// What the members share, when they are enough for a headline.
fn shared(members: &[&Shown<'_>]) -> Option<Shared> {
    let first = members.first()?;
    let companies: BTreeSet<_> = members.iter().filter_map(|shown| shown.company_key()).collect();
    let certificates: BTreeSet<_> = members.iter().map(|shown| shown.certificate_key()).collect();
    let count = match first.kind {
        EventKind::Change(_) => certificates.len(),
        // Each trouble is told once per cause already.
        EventKind::Trouble(_) | EventKind::Resolved(_) => members.len(),
    };
    let partly = members.iter().filter(|shown| shown.event.is_of_a_part());
    let parts: BTreeSet<_> = partly.map(|shown| shown.certificate_key()).collect();
    let unlisted: Vec<Unlisted> = members.iter().filter_map(|shown| Some(shown.unlisted?.1)).collect();
    // Of those that end together, whose renewal was filed is in no hurry.
    let is_asked_for = |shown: &&&Shown<'_>| shown.due().is_some_and(|due| due != Deadline::None);
    let urgent = members.iter().find(is_asked_for).unwrap_or(first);
    (count >= HEADLINE_LEAST).then(|| Shared {
        kind: first.kind,
        old_end: common(members.iter().map(|shown| shown.old_end())),
        new_end: common(members.iter().map(|shown| shown.new_end())),
        how: first.alike.map(|alike| alike.how),
        certificates: count + unlisted.iter().map(|unlisted| unlisted.certificates).sum::<usize>(),
        parts: parts.len() + unlisted.iter().map(|unlisted| unlisted.parts).sum::<usize>(),
        companies: companies.len() + unlisted.iter().map(|unlisted| unlisted.companies).sum::<usize>(),
        filing: Filing::of(&members.iter().filter_map(|shown| shown.due()).collect::<Vec<_>>()),
        first_badge: urgent.saying.badge.clone(),
        today: first.today,
    })
}

/// What all of them have, where it is the same.
fn common(ends: impl Iterator<Item = Option<NaiveDate>>) -> Option<NaiveDate> {
    let ends: BTreeSet<_> = ends.collect();
    ends.first().copied().flatten().filter(|_| ends.len() == 1)
}

fn cards<'a>(members: Vec<&'a Shown<'a>>) -> Vec<Grouped<'a>> {
    let is_by_qualification = members.first().is_some_and(|shown| {
        matches!(
            shown.kind,
            EventKind::Change(
                Change::QualificationAdded
                    | Change::QualificationRemoved
                    | Change::GradeRaised
                    | Change::GradeLowered
                    | Change::GradeReworded
            )
        )
    });
    if members.iter().any(|shown| shown.has_lost_all()) {
        // A company of which nothing is left is one card, not as many as it had certificates.
        let company = |shown: &Shown<'_>| shown.company_key().map(str::to_owned);
        gather(members, |shown| {
            let has_lost_all = shown.has_lost_all();
            (company(shown).filter(|_| has_lost_all), shown.covers.first().copied().filter(|_| !has_lost_all))
        })
        .into_iter()
        .map(Grouped::Card)
        .collect()
    } else if is_by_qualification {
        gather(members, |shown| shown.certificate_key()).into_iter().map(Grouped::Card).collect()
    } else {
        members.into_iter().map(|shown| Grouped::Card(vec![shown])).collect()
    }
}

/// Groups by a key, in the order of the first of each group.
fn gather<'a, K: Ord>(
    members: impl IntoIterator<Item = &'a Shown<'a>>,
    key: impl Fn(&'a Shown<'a>) -> K,
) -> Vec<Vec<&'a Shown<'a>>> {
    let mut places: BTreeMap<K, usize> = BTreeMap::new();
    let mut groups: Vec<Vec<&Shown<'_>>> = Vec::new();
    for shown in members {
        let place = *places.entry(key(shown)).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        if let Some(group) = groups.get_mut(place) {
            group.push(shown);
        }
    }
    groups
}
