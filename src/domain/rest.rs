//! What an event's certificate holds besides what the event is about, and whether anything of the company is left: a
//! certificate with several ends is named by its parts, and a company that has lost all of them by that.

use std::collections::BTreeMap;

use super::event::{Event, News, Note, Rest};
use super::holding::{self, Past};
use super::number::CertificateNumber;
use super::snapshot::Snapshot;

/// Names the rest of each event's certificate as `snapshot`, which the events led to, has it.
pub fn name_the_rest(events: &mut [Event], snapshot: &Snapshot) {
    let is_nothing_left = snapshot.held.values().all(|held| held.unlisted_since.is_some());
    for event in events {
        if event.news == News::CertificateRemoved && is_nothing_left {
            event.notes.push(Note::NothingLeft);
        }
        event.rest = rest_of(event, snapshot);
    }
}

fn rest_of(event: &Event, snapshot: &Snapshot) -> Vec<Rest> {
    let number = event.certificate.as_ref().and_then(|facts| CertificateNumber::parse(&facts.number));
    let (Some(facts), Some(number)) = (&event.certificate, number) else {
        return Vec::new();
    };
    let mut ends: BTreeMap<_, usize> = BTreeMap::new();
    for held in snapshot.certificate(&number) {
        let named = holding::named(&held.holding);
        let is_of_the_event = facts.qualifications.iter().any(|of| of.name == named.name);
        let is_counted =
            held.holding.qualification.is_named() && !held.holding.is_historical(Past::on(event.today));
        if is_counted && !is_of_the_event && held.unlisted_since.is_none() {
            *ends.entry(held.holding.last_day()).or_default() += 1;
        }
    }
    ends.into_iter().map(|(valid_until, count)| Rest { valid_until, count }).collect()
}
