//! Answers of upstream: a good one spoilt, any JSON, any bytes; read as far as what is told and stored.

use chrono::TimeDelta;
use proptest::prelude::*;
use proptest::sample::Index;
use qualwatch::domain::compare::{Look, Seen, Upstream, compare, reread};
use qualwatch::domain::event::Event;
use qualwatch::domain::holding::{Holding, read_items};
use qualwatch::domain::identity::{Numbers, Whose, whose};
use qualwatch::domain::judge::{Memory, Thresholds, judge};
use qualwatch::domain::observation::{Gathering, Item, NextPage, Observation, PAGE_SIZE, PAGES_MAX};
use qualwatch::domain::secret::Secret;
use qualwatch::domain::snapshot::Snapshot;
use qualwatch::domain::text::Scrubber;
use qualwatch::juhe;
use serde_json::{Map, Value, json};

use super::{Found, hostile, is_inert};

const KEY: &str = "CANARY+key/0123456789abcdef==";

/// Judges good answers that something was done to.
pub fn spoilt(inputs: u32) {
    let strategy = (answer(), prop::collection::vec(spoiling(), 0..4), prop::collection::vec(damage(), 0..3));
    super::judge(inputs, &strategy, |(mut answer, spoilings, damages)| {
        for spoiling in &spoilings {
            spoiling.of(&mut answer);
        }
        let mut bytes = serde_json::to_vec(&answer).unwrap();
        for damage in &damages {
            damage.of(&mut bytes);
        }
        read(bytes)
    });
}

/// Judges what is no answer at all: any JSON, any bytes.
pub fn bytes(inputs: u32) {
    let bytes = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..300),
        value().prop_map(|value| serde_json::to_vec(&value).unwrap()),
        value().prop_map(|value| serde_json::to_vec(&json!({"error_code": 0, "result": value})).unwrap()),
        (prop::sample::select(vec!["[", "{\"a\":", "\"", "[[{\"error_code\":"]), 0..5_000_usize)
            .prop_map(|(piece, times)| piece.repeat(times).into_bytes()),
    ];
    super::judge(inputs, &bytes, read);
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        hostile().prop_map(Value::from),
    ];
    let names = prop::sample::select(vec![
        "error_code",
        "reason",
        "result",
        "total",
        "items",
        "organ",
        "effectiveTime",
        "businessId",
        "certificateNum",
        "qualificationName",
        "0",
        "1",
        "",
    ]);
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((names.clone(), inner), 0..6).prop_map(|fields| {
                Value::Object(
                    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>(),
                )
            }),
        ]
    })
}

fn item() -> impl Strategy<Value = Value> {
    let one = |good: &'static [&'static str]| prop_oneof![8 => prop::sample::select(good).prop_map(str::to_owned), 1 => hostile()];
    (
        one(&["A141002510", "E141002510", "B241002517", "D341000026", "d341000026-6/3"]),
        one(&["工程设计建筑行业（建筑工程）甲级,工程设计市政行业给水工程专业甲级", "建筑工程施工总承包二级", "建筑工程施工总承包壹级", ""]),
        one(&["2028-08-23", "2026-02-28", "2020-01-01", "-", "长期"]),
        one(&["2023-08-23", "2021-03-01", ""]),
        one(&["5d43a8f092aec74cbf04a163", "5d5a553befe14117624e96cc"]),
    )
        .prop_map(|(number, names, end, issued, prefix)| {
            json!({
                "organ": "住房和城乡建设部", "effectiveTime": end, "businessId": format!("{prefix}-{number}"),
                "issuingCertificateTime": issued, "type": "设计资质", "certificateNum": number, "qualificationName": names,
            })
        })
}

fn answer() -> impl Strategy<Value = Value> {
    prop::collection::vec(item(), 0..8).prop_map(|items| {
        json!({"reason": "success", "error_code": 0, "result": {"total": items.len(), "items": items}})
    })
}

/// What is done to a value of an answer.
#[derive(Debug, Clone)]
enum Spoiling {
    Replace(Index, Value),
    Drop(Index),
    Twice(Index),
    Append(Index, String),
}

fn spoiling() -> impl Strategy<Value = Spoiling> {
    let key = prop::sample::select(vec![
        KEY.to_owned(),
        KEY.replace('/', "\\/"),
        KEY.bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat(),
        KEY.chars().map(|letter| format!("\\u{:04x}", u32::from(letter))).collect::<Vec<_>>().concat(),
    ]);
    prop_oneof![
        (any::<Index>(), value()).prop_map(|(at, value)| Spoiling::Replace(at, value)),
        any::<Index>().prop_map(Spoiling::Drop),
        any::<Index>().prop_map(Spoiling::Twice),
        (any::<Index>(), hostile()).prop_map(|(at, text)| Spoiling::Append(at, text)),
        (any::<Index>(), key).prop_map(|(at, text)| Spoiling::Append(at, text)),
    ]
}

impl Spoiling {
    fn of(&self, answer: &mut Value) {
        let (Self::Replace(at, _) | Self::Drop(at) | Self::Twice(at) | Self::Append(at, _)) = self;
        let mut left = at.index(count(answer));
        if let Some(value) = nth(answer, &mut left) {
            match self {
                Self::Replace(_, with) => *value = with.clone(),
                Self::Drop(_) => *value = Value::Null,
                Self::Twice(_) => *value = json!([value.clone(), value.clone()]),
                Self::Append(_, text) => {
                    *value = json!(format!("{}{text}", value.as_str().unwrap_or_default()));
                }
            }
        }
    }
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(values) => values.iter().map(count).sum(),
        Value::Object(fields) => fields.values().map(count).sum::<usize>(),
        _ => 0,
    }
}

fn nth<'a>(value: &'a mut Value, left: &mut usize) -> Option<&'a mut Value> {
    if *left == 0 {
        return Some(value);
    }
    *left -= 1;
    match value {
        Value::Array(values) => values.iter_mut().find_map(|value| nth(value, left)),
        Value::Object(fields) => fields.values_mut().find_map(|value| nth(value, left)),
        _ => None,
    }
}

/// What is done to bytes on their way.
#[derive(Debug, Clone)]
enum Damage {
    Cut(Index),
    Put(Index, Vec<u8>),
    Set(Index, u8),
}

fn damage() -> impl Strategy<Value = Damage> {
    let piece = prop::sample::select(vec![
        b"\0".to_vec(),
        b"\xff\xfe".to_vec(),
        b"\xef\xbb\xbf".to_vec(),
        b"\r\n".to_vec(),
        b"<html>".to_vec(),
        b"\\ud800".to_vec(),
        KEY.as_bytes().to_vec(),
    ]);
    prop_oneof![
        any::<Index>().prop_map(Damage::Cut),
        (any::<Index>(), piece).prop_map(|(at, piece)| Damage::Put(at, piece)),
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Damage::Set(at, byte)),
    ]
}

impl Damage {
    fn of(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Cut(at) => bytes.truncate(at.index(bytes.len() + 1)),
            Self::Put(at, piece) => {
                let at = at.index(bytes.len() + 1);
                bytes.splice(at..at, piece.iter().copied());
            }
            Self::Set(at, byte) => {
                if let Some(known) = bytes.len().checked_sub(1).map(|last| at.index(last + 1)) {
                    bytes[known] = *byte;
                }
            }
        }
    }
}

/// Reads an answer as a check does, and holds all that comes of it against the laws.
fn read(bytes: Vec<u8>) -> Found {
    let length = bytes.len();
    let bytes = Scrubber::new(&Secret::parse(KEY).unwrap()).scrub(bytes);
    prop_assert_eq!(bytes.len(), length, "what JSON it is stays");
    let has_key = bytes.windows(KEY.len()).any(|window| window == KEY.as_bytes());
    prop_assert!(!has_key, "the key is overwritten");
    let Some(page) = juhe::read_again(&bytes) else { return Ok(()) };
    let most = usize::from(PAGE_SIZE) * usize::from(PAGES_MAX);
    prop_assert!(page.items.len() <= most, "{} items", page.items.len());
    prop_assert!(page.items.iter().flat_map(texts_of).all(|text| !text.contains(KEY)));
    let NextPage::Done(Observation::Complete(items)) = Gathering::default().add(page) else { return Ok(()) };
    let (Whose::Ours { items, .. } | Whose::ReImported { items, .. }) =
        whose(None, &Numbers::default(), items)
    else {
        return Ok(());
    };
    let shown = read_items(&items);
    for holding in shown.values() {
        held(holding)?;
    }
    told(&Seen::Holdings(shown.clone()))?;
    let first = compare(&Snapshot::default(), &Seen::Holdings(shown.clone()), &look()).after;
    prop_assert_eq!(&reread(&first, &shown, look().now, look().today), &first, "read again it is the same");
    Ok(())
}

fn texts_of(item: &Item) -> impl Iterator<Item = &String> {
    let Item {
        organ,
        effective_time,
        business_id,
        issuing_certificate_time,
        kind,
        certificate_num,
        qualification_name,
    } = item;
    [organ, effective_time, business_id, issuing_certificate_time, kind, certificate_num, qualification_name]
        .into_iter()
        .flatten()
}

/// What a row holds is inert, and read back it is the same.
fn held(holding: &Holding) -> Found {
    let qualification = &holding.qualification;
    for text in [
        holding.number.text(),
        &holding.organ,
        &holding.kind,
        &holding.business_id,
        &holding.end_text,
        &qualification.text,
    ] {
        prop_assert!(is_inert(text), "{:?}", text);
    }
    let row = serde_json::to_string(holding).unwrap();
    prop_assert!(!has_nul(&serde_json::from_str(&row).unwrap()), "jsonb refuses it: {}", row);
    let back: Holding = serde_json::from_str(&row).unwrap();
    prop_assert_eq!(back.key(), holding.key());
    prop_assert_eq!(&back, holding);
    Ok(())
}

/// The days after: the same again tells nothing, an end is judged, nothing at all is borne.
fn told(seen: &Seen) -> Found {
    let mut look = look();
    let first = compare(&Snapshot::default(), seen, &look);
    stored(&first.events)?;
    let thresholds =
        Thresholds { expiry_days: vec![180, 90, 30, 0], expired_days: vec![1, 30], filing_days: vec![30, 0] };
    let memory = |told| Memory { told, renewals: &[] };
    let judged = judge(&first.after, memory(&[]), &thresholds, Some(look.now), &look);
    stored(&judged.events)?;
    let again = judge(&first.after, memory(&judged.told), &thresholds, Some(look.now), &look);
    prop_assert_eq!(again.events.len(), 0, "each threshold once");
    look.now += TimeDelta::days(1);
    let second = compare(&first.after, seen, &look);
    prop_assert_eq!(second.events.len(), 0, "{:?}", second.events);
    prop_assert_eq!(second.after.open_doubts().count(), 0);
    let mut snapshot = second.after;
    for _ in 0..3 {
        look.now += TimeDelta::days(1);
        let empty = compare(&snapshot, &Seen::Nothing, &look);
        stored(&empty.events)?;
        snapshot = empty.after;
    }
    Ok(())
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(values) => values.iter().any(has_nul),
        Value::Object(fields) => fields.iter().any(|(name, value)| name.contains('\0') || has_nul(value)),
        _ => false,
    }
}

fn stored(events: &[Event]) -> Found {
    for event in events {
        let row = serde_json::to_string(event).unwrap();
        prop_assert!(!has_nul(&serde_json::from_str(&row).unwrap()), "jsonb refuses it: {}", row);
        prop_assert_eq!(&serde_json::from_str::<Event>(&row).unwrap(), event);
    }
    Ok(())
}

fn look() -> Look<'static> {
    static COMPANY: std::sync::LazyLock<qualwatch::domain::keyword::Keyword> =
        std::sync::LazyLock::new(|| "河南省建筑设计研究院有限公司".parse().unwrap());
    let now = "2026-01-05T00:00:00Z".parse().unwrap();
    let zone = chrono_tz::Asia::Shanghai;
    Look::new((&COMPANY, "河南院"), now, zone, TimeDelta::hours(20), Upstream::Trusted)
}
