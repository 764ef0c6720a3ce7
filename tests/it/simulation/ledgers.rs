//! What the product says of itself, read from its rows as plain JSON.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::AssertSqlSafe;
use sqlx::types::Json;

use super::calendar::Day;
use super::course::{Course, KEY, PASSWORD, SECOND};
use super::oracle::words::plain;
use super::oracle::{Told, TroubleLine};
use crate::support::letter::Letter;

/// What readers were told, in the oracle's lines.
pub async fn told(course: &Course) -> Told {
    let events: Vec<(Json<Value>,)> =
        sqlx::query_as("SELECT event FROM events WHERE audience = 'reader' ORDER BY id")
            .fetch_all(course.store.pool())
            .await
            .unwrap();
    let index = index(course);
    let mut told = Told::new();
    for (Json(event),) in events {
        let company = index[event["company"].as_str().unwrap()];
        let day = Day::read(event["today"].as_str().unwrap());
        told.entry((day, company)).or_default().push(line(&event));
    }
    told
}

fn line(event: &Value) -> String {
    let text = |value: &Value| value.as_str().map(plain).unwrap_or_default();
    let kind = text(&event["kind"]);
    let number = text(&event["certificate"]["number"]);
    let (old, new) = (text(&event["old"]), text(&event["new"]));
    let qualification = text(&event["qualification"]);
    match kind.as_str() {
        "certificate_replaced" => with_facts(format!("{kind} {old} {new}"), event),
        "certificate_added" | "certificate_restored" | "certificate_removed" => {
            with_facts(format!("{kind} {number}"), event)
        }
        "renewed" | "validity_extended" | "validity_shortened" | "reissued" => {
            format!("{kind} {number} {old} {new}")
        }
        "qualification_added" | "qualification_removed" => {
            with_elsewhere(format!("{kind} {number} {qualification}"), Vec::new(), event)
        }
        "grade_raised" | "grade_lowered" | "grade_reworded" => {
            format!("{kind} {number} {qualification} {old} {new}")
        }
        "expiring" | "expired" | "filing_due" => {
            let until = text(&event["certificate"]["valid_until"]);
            format!("{kind} {number} {until} {} {}", event["threshold"], event["days_left"])
        }
        "retracted" => {
            let what = event["takes_back"].as_str().unwrap_or_default();
            let is_of_an_end = matches!(what, "renewed" | "validity_extended");
            let of = if is_of_an_end { text(&event["certificate"]["valid_until"]) } else { qualification };
            format!("{kind} {number} {what} {of}").trim_end().to_owned()
        }
        "briefing" => {
            let open: Vec<String> = open(&event["open"]["certificates"]).into_iter().collect();
            format!("{kind} {SECOND} {}", open.join("; "))
        }
        "watching" | "unverified" | "verified_again" => kind,
        _ => format!("{kind} {number}"),
    }
}

/// Certificates by number and end.
fn open(certificates: &Value) -> BTreeSet<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let certificates = certificates.as_array().into_iter().flatten();
    certificates.map(|one| format!("{} {}", text(&one["number"]), text(&one["valid_until"]))).collect()
}

/// What operators were told of edits of the watchlist.
pub async fn edits(course: &Course) -> BTreeMap<Day, Vec<String>> {
    let events: Vec<(Json<Value>,)> =
        sqlx::query_as("SELECT event FROM events WHERE kind = 'watchlist_changed' ORDER BY id")
            .fetch_all(course.store.pool())
            .await
            .unwrap();
    let mut edits: BTreeMap<Day, Vec<String>> = BTreeMap::new();
    for (Json(event),) in events {
        let lines = edits.entry(Day::read(event["today"].as_str().unwrap())).or_default();
        let list = |name: &str| event["leavers"][name].as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        for left in list("left") {
            let open: Vec<String> = open(&left["open"]).into_iter().collect();
            lines.push(format!("left {} {}", text(&left["company"]), open.join("; ")).trim_end().to_owned());
        }
        for what in ["gained", "lost"] {
            for reader in list(what) {
                let companies = reader["companies"].as_array().cloned().unwrap_or_default();
                let line = |company: &Value| format!("{what} {} {}", text(&reader["address"]), text(company));
                lines.extend(companies.iter().map(line));
            }
        }
    }
    for lines in edits.values_mut() {
        lines.sort();
    }
    edits
}

/// With what its words say of the certificate's qualifications and their grades.
fn with_facts(line: String, event: &Value) -> String {
    let held = event["certificate"]["qualifications"].as_array().into_iter().flatten();
    let mut texts: Vec<String> =
        held.map(|named| plain(named["text"].as_str().unwrap_or_default())).collect();
    texts.sort();
    with_elsewhere(line, texts, event)
}

/// With where else the same is held, or was.
fn with_elsewhere(line: String, texts: Vec<String>, event: &Value) -> String {
    let notes = event["notes"].as_array().into_iter().flatten();
    let mut places: Vec<String> = notes
        .filter_map(|note| {
            let kind = match note["note"].as_str()? {
                "held_elsewhere" if note["wider_than"].is_null() => "held",
                "held_elsewhere" => "wider",
                "was_held_elsewhere" => "was",
                _ => return None,
            };
            let text = |name: &str| plain(note[name].as_str().unwrap_or_default());
            Some(format!(
                "{kind} {} {} {} {}",
                text("number"),
                text("name"),
                text("grade"),
                text("valid_until")
            ))
        })
        .collect();
    places.sort();
    let facts = [texts, places].concat();
    if facts.is_empty() { line } else { format!("{line} {}", facts.join("; ")) }
}

/// A mail as the server took it.
#[derive(Debug, Clone)]
pub struct Mail {
    pub id: String,
    pub to: String,
    pub text: String,
    pub bytes: Vec<u8>,
}

/// An event, and what of it was owed to whom.
#[derive(Debug, Clone)]
pub struct Owed {
    pub is_for_readers: bool,
    /// What is open, for who became a reader: nobody else is to have it.
    pub is_briefing: bool,
    pub company: Option<usize>,
    pub day: Day,
    /// All that its mail has to name.
    pub numbers: Vec<String>,
    pub deliveries: Vec<Delivery>,
}

/// What one recipient was owed of one event.
#[derive(Debug, Clone)]
pub struct Delivery {
    pub recipient: String,
    pub message: Option<String>,
    pub sent_on: Option<Day>,
    pub is_cancelled: bool,
}

/// The mail server's ledger, and what was to be in it.
#[derive(Debug)]
pub struct Posted {
    pub mails: Vec<Mail>,
    pub owed: Vec<Owed>,
    /// Messages that arrived whole and were refused, or left without an answer.
    pub unanswered: usize,
}

/// The certificates that an event is about.
fn numbers(event: &Value) -> Vec<String> {
    let open = event["open"]["certificates"].as_array().into_iter().flatten();
    let certificates = std::iter::once(&event["certificate"]).chain(open);
    certificates.filter_map(|one| Some(one["number"].as_str()?.to_owned())).collect()
}

pub async fn posted(course: &Course) -> Posted {
    type Row =
        (i64, Json<Value>, bool, DateTime<Utc>, Option<String>, Option<String>, Option<DateTime<Utc>>, bool);
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT events.id, events.event, events.audience = 'reader', events.at, deliveries.recipient,
                messages.message_id, deliveries.sent_at, deliveries.cancelled_at IS NOT NULL
         FROM events
         LEFT JOIN deliveries ON deliveries.event_id = events.id
         LEFT JOIN messages ON messages.id = deliveries.message_id
         ORDER BY events.id, deliveries.id",
    )
    .fetch_all(course.store.pool())
    .await
    .unwrap();
    let index = index(course);
    let mut owed: BTreeMap<i64, Owed> = BTreeMap::new();
    for (id, Json(event), is_for_readers, at, recipient, message, sent_at, is_cancelled) in rows {
        let owed = owed.entry(id).or_insert_with(|| Owed {
            is_for_readers,
            is_briefing: event["kind"] == "briefing",
            company: event["company"].as_str().map(|keyword| index[keyword]),
            day: Day::of_instant(at),
            numbers: numbers(&event),
            deliveries: Vec::new(),
        });
        let sent_on = sent_at.map(Day::of_instant);
        let delivery = |recipient| Delivery { recipient, message, sent_on, is_cancelled };
        owed.deliveries.extend(recipient.map(delivery));
    }
    let mails = course.sink.mails().into_iter().map(|mail| {
        let letter = Letter::of(&mail);
        Mail {
            id: letter.header("Message-ID").trim_matches(['<', '>']).to_owned(),
            to: mail.to.join(" "),
            text: letter.text + &letter.csv,
            bytes: mail.bytes,
        }
    });
    let mails = mails.collect();
    let unanswered = course.sink.unanswered().len();
    Posted { mails, owed: owed.into_values().collect(), unanswered }
}

/// A version of a holding.
#[derive(Debug, Clone)]
pub struct Held {
    pub company: usize,
    pub line: String,
    pub from: DateTime<Utc>,
    pub to: Option<DateTime<Utc>>,
}

pub async fn history(course: &Course) -> Vec<Held> {
    type Row = (String, [String; 5], DateTime<Utc>, Option<DateTime<Utc>>);
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT companies.keyword,
                ARRAY[number, qualification_key, coalesce(grade, ''), coalesce(last_day::text, ''),
                      coalesce(issued::text, '')],
                holdings.valid_from, holdings.valid_to
         FROM holdings
         JOIN companies ON companies.id = holdings.company_id
         -- What was changed twice at one instant was never so.
         WHERE holdings.valid_to IS DISTINCT FROM holdings.valid_from",
    )
    .fetch_all(course.store.pool())
    .await
    .unwrap();
    let index = index(course);
    let mut began: BTreeMap<&str, DateTime<Utc>> = BTreeMap::new();
    for (keyword, _, from, _) in &rows {
        began.entry(keyword).and_modify(|first| *first = (*first).min(*from)).or_insert(*from);
    }
    rows.iter()
        .map(|(keyword, fields, from, to)| {
            let company = index[keyword.as_str()];
            let line = fields.clone().map(|field| plain(&field)).join(" ");
            // What is known by a former entry counts until the next one has its own.
            let entries = &course.truth.companies[company].keywords;
            let later = entries.iter().skip_while(|(_, name)| name != keyword).skip(1);
            let next = later.filter_map(|(_, name)| began.get(name.as_str())).min();
            Held { company, line, from: *from, to: to.iter().chain(next).min().copied() }
        })
        .collect()
}

/// What is still under way.
pub async fn unrest(course: &Course) -> Vec<String> {
    let mut unrest = Vec::new();
    for (what, sql) in [
        (
            "doubts",
            "SELECT count(*) FROM doubts
             JOIN companies ON companies.id = company_id
             WHERE (looks > 0 OR counter_looks > 0) AND left_at IS NULL AND disputed_since IS NULL",
        ),
        ("stops", "SELECT count(*) FROM stops"),
        (
            "deliveries",
            "SELECT count(*) FROM deliveries
             WHERE (sent_at IS NULL AND cancelled_at IS NULL) OR dead_at IS NOT NULL",
        ),
        ("messages", "SELECT count(*) FROM messages WHERE sent_at IS NULL"),
        (
            "claims",
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'
             AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        ),
    ] {
        let count: i64 = sqlx::query_scalar(sql).fetch_one(course.store.pool()).await.unwrap();
        if count > 0 {
            unrest.push(format!("{count} {what}"));
        }
    }
    unrest
}

/// What operators were told, turn by turn.
pub async fn troubles(course: &Course) -> Vec<TroubleLine> {
    type Row = (String, String, Option<String>, DateTime<Utc>, Option<DateTime<Utc>>);
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT kind, cause, keyword, opened_at, resolved_at
         FROM troubles
         LEFT JOIN companies ON companies.id = company_id
         ORDER BY troubles.id",
    )
    .fetch_all(course.store.pool())
    .await
    .unwrap();
    let index = index(course);
    let mut lines = Vec::new();
    for (kind, cause, keyword, opened, resolved) in rows {
        let company = keyword.as_ref().map(|keyword| index[keyword.as_str()]);
        let has_two_entries =
            company.is_some_and(|company| course.truth.companies[company].keywords.len() > 1);
        // Each entry of a company has troubles of its own.
        let cause = if has_two_entries { format!("{cause} {keyword:?}") } else { cause };
        let line = |at: DateTime<Utc>, is_end| {
            let day = Day::of_instant(at);
            (at, TroubleLine { day, kind: kind.clone(), cause: cause.clone(), company, is_end })
        };
        lines.push(line(opened, false));
        lines.extend(resolved.map(|at| line(at, true)));
    }
    // Of one instant in the order of the rows: what ends may begin again at the same tick of a simulated clock.
    lines.sort_by_key(|(at, _)| *at);
    // What leaves the watchlist is told without being a trouble.
    let told: Vec<(String,)> =
        sqlx::query_as("SELECT kind FROM events WHERE audience = 'operator' AND kind <> 'watchlist_changed'")
            .fetch_all(course.store.pool())
            .await
            .unwrap();
    assert_eq!(told.len(), lines.len(), "each turn of a trouble is told, and nothing else");
    lines.into_iter().map(|(_, line)| line).collect()
}

/// Where a secret is to be found, in whatever spelling upstream echoed it.
pub async fn leaks(course: &Course) -> Vec<String> {
    use base64::Engine as _;
    let spellings: Vec<String> = [KEY, PASSWORD]
        .into_iter()
        .flat_map(|secret| {
            let encoded = base64::engine::general_purpose::STANDARD.encode(secret);
            // The last characters of base64 depend on what follows.
            [secret.to_owned(), encoded[..encoded.len() - 4].to_owned()]
        })
        .collect();
    let mut patterns = Vec::new();
    for spelling in &spellings {
        patterns.push(format!("%{spelling}%"));
        // As `bytea` is shown.
        let hex: Vec<String> = spelling.bytes().map(|byte| format!("{byte:02x}")).collect();
        patterns.push(format!("%{}%", hex.concat()));
    }
    let tables: Vec<String> =
        sqlx::query_scalar("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
            .fetch_all(course.store.pool())
            .await
            .unwrap();
    let mut leaks = Vec::new();
    for table in tables {
        let look = format!("SELECT count(*) FROM {table} AS whole WHERE whole::text LIKE ANY ($1)");
        let found: i64 = sqlx::query_scalar(AssertSqlSafe(look))
            .bind(&patterns)
            .fetch_one(course.store.pool())
            .await
            .unwrap();
        if found > 0 {
            leaks.push(format!("{found} rows of {table}"));
        }
    }
    for mail in course.sink.mails().into_iter().chain(course.sink.unanswered()) {
        let letter = Letter::of(&mail);
        let raw = String::from_utf8_lossy(&mail.bytes);
        let texts = [letter.text.as_str(), letter.html.as_str(), &raw];
        if spellings.iter().any(|spelling| texts.iter().any(|text| text.contains(spelling))) {
            leaks.push(format!("a mail to {:?}", mail.to));
        }
    }
    leaks
}

fn index(course: &Course) -> BTreeMap<&str, usize> {
    let companies = course.truth.companies.iter().enumerate();
    companies
        .flat_map(|(index, company)| company.names.iter().map(move |(_, name)| (name.as_str(), index)))
        .collect()
}
