//! What an event's certificate holds besides what the event is about, and whether anything of the company is left: a
//! certificate with several ends is named by its parts, and a company that has lost all of them by that.

use std::collections::BTreeMap;

use super::event::{Event, News, Note, Rest};
use super::holding;
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
        let is_counted = held.holding.qualification.is_named() && !held.holding.is_historical(event.today);
        if is_counted && !is_of_the_event && held.unlisted_since.is_none() {
            *ends.entry(held.holding.last_day()).or_default() += 1;
        }
    }
    ends.into_iter().map(|(valid_until, count)| Rest { valid_until, count }).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::holding::read_items;
    use crate::domain::observation::Item;
    use crate::domain::snapshot::Held;

    const TODAY: &str = "2026-01-10";

    fn day(text: &str) -> chrono::NaiveDate {
        text.parse().unwrap()
    }

    /// One certificate whose qualifications have these ends.
    fn snapshot(parts: &[(&str, &str)]) -> Snapshot {
        let item = |(name, end): &(&str, &str)| Item {
            certificate_num: Some("D241000018".into()),
            qualification_name: Some((*name).into()),
            effective_time: Some((*end).into()),
            ..Item::default()
        };
        let since = day(TODAY).and_hms_opt(0, 0, 0).unwrap().and_utc();
        let holdings = read_items(&parts.iter().map(item).collect::<Vec<_>>());
        let held =
            holdings.into_iter().map(|(key, holding)| (key, Held { holding, since, unlisted_since: None }));
        Snapshot { held: held.collect::<BTreeMap<_, _>>(), ..Snapshot::default() }
    }

    /// What is said of the first part, and of what stands beside it.
    fn event(news: News, snapshot: &Snapshot, of: &str) -> Event {
        let holdings = snapshot.held.values().map(|held| &held.holding);
        let of: Vec<_> = holdings.filter(|holding| holding.qualification.text == of).collect();
        let at = day(TODAY).and_hms_opt(0, 0, 0).unwrap().and_utc();
        Event { certificate: holding::facts(of), ..Event::new(news, at, day(TODAY)) }
    }

    #[test]
    fn an_event_of_a_part_names_the_rest_by_its_ends() {
        let ends = [
            ("建筑工程施工总承包二级", "2026-04-01"),
            ("市政公用工程施工总承包二级", "2028-05-16"),
            ("公路工程施工总承包二级", "2028-05-16"),
            ("桥梁工程专业承包二级", "2029-05-16"),
            ("隧道工程专业承包二级", "2020-05-16"),
        ];
        let mut snapshot = snapshot(&ends);
        let reached = News::Expiring(crate::domain::event::Reached { threshold: 90 });
        let mut events =
            [event(reached.clone(), &snapshot, ends[0].0), event(News::VerifiedAgain, &snapshot, "")];
        name_the_rest(&mut events, &snapshot);
        let rest = |until: &str, count| Rest { valid_until: Some(day(until)), count };
        assert_eq!(events[0].rest, [rest("2028-05-16", 2), rest("2029-05-16", 1)], "history is left out");
        assert!(events[0].is_of_a_part());
        assert_eq!(events[1].rest, [], "it is about no certificate");
        events[0].news = News::CertificateRemoved;
        assert!(!events[0].is_of_a_part(), "it is about no end");

        for held in snapshot.held.values_mut().filter(|held| held.holding.qualification.text == ends[3].0) {
            held.unlisted_since = Some(events[0].at);
        }
        name_the_rest(&mut events, &snapshot);
        assert_eq!(events[0].rest, [rest("2028-05-16", 2)], "what is no longer listed is left out");
    }

    #[test]
    fn the_same_end_is_no_part_and_who_lost_all_has_nothing_left() {
        let ends = [("建筑工程施工总承包二级", "2026-04-01"), ("公路工程施工总承包二级", "2026-04-01")];
        let mut snapshot = snapshot(&ends);
        let reached = News::Expiring(crate::domain::event::Reached { threshold: 90 });
        let mut events =
            [event(reached, &snapshot, ends[0].0), event(News::CertificateRemoved, &snapshot, ends[0].0)];
        name_the_rest(&mut events, &snapshot);
        assert_eq!((events[0].rest.len(), events[0].is_of_a_part()), (1, false));
        assert_eq!(events[1].notes, [], "the other is left");
        for held in snapshot.held.values_mut() {
            held.unlisted_since = Some(events[0].at);
        }
        name_the_rest(&mut events, &snapshot);
        assert_eq!(events.map(|event| event.notes), [vec![], vec![Note::NothingLeft]]);
    }
}
