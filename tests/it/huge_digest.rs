//! Scenario 24: twenty thousand events for one reader.

use std::collections::BTreeMap;

use qualwatch::clock::Clock as _;
use qualwatch::domain::event::{CertificateFacts, Event, News};
use qualwatch::domain::number::Family;
use qualwatch::email::{Ripe, Sweeping};
use sqlx::types::Json;

use crate::support::letter::Letter;
use crate::support::mailroom::{HENAN, Mailroom, ONE};

const EVENTS: usize = 20_000;
/// What a mail may have (design 5).
const MEGABYTE: usize = 1 << 20;

/// So many certificates that came, each with an end of its own kind, owed to [`ONE`].
async fn owe(room: &Mailroom) {
    let now = room.clock.now();
    let facts = CertificateFacts {
        number: String::new(),
        family: Family::Construction,
        kind: "建筑业企业资质".to_owned(),
        organ: "河南省住房和城乡建设厅".to_owned(),
        issued_on: None,
        valid_until: None,
        valid_until_text: String::new(),
        filing_day: None,
        qualifications: Vec::new(),
    };
    let event = Event {
        company: Some(HENAN.parse().unwrap()),
        company_name: Some(HENAN.to_owned()),
        certificate: Some(facts),
        ..Event::new(News::CertificateAdded, now, now.date_naive())
    };
    sqlx::query(
        "WITH owed AS (
             INSERT INTO events (kind, audience, at, event)
             SELECT 'certificate_added', 'reader', $1,
                    jsonb_set(jsonb_set($2, '{certificate,number}', to_jsonb('D24' || lpad(n::text, 7, '0'))),
                              '{certificate,valid_until}', to_jsonb(DATE '2027-01-01' + n % 1000))
             FROM generate_series(1, $3) AS n
             RETURNING id
         )
         INSERT INTO deliveries (event_id, recipient, owed_since) SELECT id, $4, $1 FROM owed",
    )
    .bind(now)
    .bind(Json(event))
    .bind(i32::try_from(EVENTS).unwrap())
    .bind(ONE)
    .execute(room.store.pool())
    .await
    .unwrap();
}

#[tokio::test]
async fn scenario_24_twenty_thousand_events_for_one_reader_go_in_numbered_mails_that_tell_each_once() {
    let room = Mailroom::open().await;
    owe(&room).await;
    let mailed = room.send(Ripe::Due(Sweeping::Idle)).await;
    assert_eq!((mailed.owed, mailed.failed), (0, 0), "{mailed:?}");
    let mails = room.sink.mails();
    assert_eq!(room.sink.violations(), Vec::<String>::new());
    assert_eq!(room.told(ONE).await.iter().sum::<i64>(), 20_000);
    let mut told: BTreeMap<String, usize> = BTreeMap::new();
    let mut numbers = Vec::new();
    for mail in &mails {
        assert!(mail.bytes.len() <= MEGABYTE, "a mail has {} bytes", mail.bytes.len());
        let letter = Letter::of(mail);
        let subject = letter.subject();
        let number = subject.rsplit_once('（').map_or("1/1", |(_, number)| number.trim_end_matches('）'));
        let (number, of) = number.split_once('/').unwrap_or(("1", "1"));
        numbers.push((number.parse::<usize>().unwrap(), of.parse::<usize>().unwrap()));
        // What the parts do not list the attached list does, with all the rest; the first line says the most urgent once more.
        let (_, listed) = letter.text.split_once('\n').unwrap();
        let numbers: Vec<&str> = match letter.csv.as_str() {
            "" => listed.match_indices("D24").map(|(place, _)| &listed[place..place + 10]).collect(),
            csv => csv.lines().skip(1).map(|line| line.split("\",\"").nth(1).unwrap()).collect(),
        };
        for number in numbers {
            *told.entry(number.to_owned()).or_default() += 1;
        }
    }
    // A digest names at most six thousand events, and its letters are numbered.
    let digests: Vec<_> = numbers.chunk_by(|(before, _), (number, _)| number > before).collect();
    assert_eq!(digests.len(), 4, "{numbers:?}");
    for digest in digests {
        let ought: Vec<_> = (1..=digest.len()).map(|number| (number, digest.len())).collect();
        assert_eq!(digest, ought);
    }
    assert_eq!(told.len(), EVENTS, "every certificate is named");
    assert!(told.values().all(|times| *times == 1), "and once");
}
