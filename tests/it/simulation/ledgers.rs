//! What the product says of itself, read from its rows as plain JSON.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::types::Json;

use super::calendar::Day;
use super::course::Course;
use super::oracle::Told;
use super::oracle::words::plain;
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
        "certificate_replaced" => format!("{kind} {old} {new}"),
        "renewed" | "validity_extended" | "validity_shortened" | "reissued" => {
            format!("{kind} {number} {old} {new}")
        }
        "qualification_added" | "qualification_removed" => format!("{kind} {number} {qualification}"),
        "grade_raised" | "grade_lowered" | "grade_reworded" => {
            format!("{kind} {number} {qualification} {old} {new}")
        }
        "expiring" | "expired" | "filing_due" => {
            let until = text(&event["certificate"]["valid_until"]);
            format!("{kind} {number} {until} {} {}", event["threshold"], event["days_left"])
        }
        "retracted" => {
            let notes = event["notes"].as_array().unwrap();
            let what = notes.iter().find_map(|note| note["kind"].as_str()).unwrap_or_default();
            format!("{kind} {number} {what} {qualification}").trim_end().to_owned()
        }
        "watching" | "unverified" | "verified_again" => kind,
        _ => format!("{kind} {number}"),
    }
}

/// A mail as the server took it.
#[derive(Debug, Clone)]
pub struct Mail {
    pub id: String,
    pub to: String,
    pub text: String,
    pub bytes: Vec<u8>,
}

/// What one recipient was owed of one event.
#[derive(Debug, Clone)]
pub struct Delivery {
    pub recipient: String,
    pub day: Day,
    pub number: String,
    pub message: Option<String>,
    pub sent_on: Option<Day>,
}

/// The mail server's ledger, and what was to be in it.
#[derive(Debug)]
pub struct Posted {
    pub mails: Vec<Mail>,
    pub deliveries: Vec<Delivery>,
    /// Taken, and the connection ended before the server could say so.
    pub lost_answers: usize,
}

pub async fn posted(course: &Course) -> Posted {
    type Row = (Json<Value>, String, DateTime<Utc>, Option<String>, Option<DateTime<Utc>>);
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT events.event, deliveries.recipient, events.at, messages.message_id, deliveries.sent_at
         FROM deliveries
         JOIN events ON events.id = deliveries.event_id
         LEFT JOIN messages ON messages.id = deliveries.message_id
         ORDER BY deliveries.id",
    )
    .fetch_all(course.store.pool())
    .await
    .unwrap();
    let delivery = |(Json(event), recipient, at, message, sent_at): Row| Delivery {
        recipient,
        day: Day::of_instant(at),
        number: event["certificate"]["number"].as_str().unwrap_or_default().to_owned(),
        message,
        sent_on: sent_at.map(Day::of_instant),
    };
    let mails = course.sink.mails().into_iter().map(|mail| {
        let letter = Letter::of(&mail);
        Mail {
            id: letter.header("Message-ID").trim_matches(['<', '>']).to_owned(),
            to: mail.to.join(" "),
            text: letter.text,
            bytes: mail.bytes,
        }
    });
    let mails = mails.collect();
    let lost_answers = course.sink.unanswered().len();
    Posted { mails, deliveries: rows.into_iter().map(delivery).collect(), lost_answers }
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
    type Row = (String, Json<Value>, DateTime<Utc>, Option<DateTime<Utc>>);
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT companies.keyword, holdings.holding, holdings.valid_from, holdings.valid_to
         FROM holdings
         JOIN companies ON companies.id = holdings.company_id
         -- What was changed twice at one instant was never so.
         WHERE holdings.valid_to IS DISTINCT FROM holdings.valid_from",
    )
    .fetch_all(course.store.pool())
    .await
    .unwrap();
    let index = index(course);
    rows.into_iter()
        .map(|(keyword, Json(holding), from, to)| {
            let text = |value: &Value| value.as_str().map(plain).unwrap_or_default();
            let qualification = &holding["qualification"];
            let line = format!(
                "{} {} {} {} {}",
                text(&holding["number"]),
                text(&qualification["key"]),
                text(&qualification["grade"]),
                text(&holding["end"]["day"]),
                text(&holding["issued"])
            );
            Held { company: index[keyword.as_str()], line, from, to }
        })
        .collect()
}

/// What is still under way.
pub async fn unrest(course: &Course) -> Vec<String> {
    let mut unrest = Vec::new();
    for (what, sql) in [
        ("doubts", "SELECT count(*) FROM doubts WHERE looks > 0 OR counter_looks > 0"),
        ("stops", "SELECT count(*) FROM stops"),
        (
            "deliveries",
            "SELECT count(*) FROM deliveries WHERE sent_at IS NULL OR cancelled_at IS NOT NULL OR dead_at IS NOT NULL",
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

/// What operators were told.
#[derive(Debug, Clone)]
pub struct TroubleLine {
    pub day: Day,
    pub kind: String,
    pub is_end: bool,
    /// Company, and what of it, as far as it is said.
    pub cause: String,
}

pub async fn troubles(course: &Course) -> Vec<TroubleLine> {
    type Row = (String, String, Option<i64>, DateTime<Utc>, Option<DateTime<Utc>>);
    let rows: Vec<Row> =
        sqlx::query_as("SELECT kind, cause, company_id, opened_at, resolved_at FROM troubles ORDER BY id")
            .fetch_all(course.store.pool())
            .await
            .unwrap();
    let mut lines = Vec::new();
    for (kind, cause, company, opened, resolved) in rows {
        let cause = format!("{cause} {company:?}");
        let line = |at: DateTime<Utc>, is_end| {
            (at, TroubleLine { day: Day::of_instant(at), kind: kind.clone(), is_end, cause: cause.clone() })
        };
        lines.push(line(opened, false));
        lines.extend(resolved.map(|at| line(at, true)));
    }
    lines.sort_by_key(|(at, _)| *at);
    let told: Vec<(String,)> = sqlx::query_as("SELECT kind FROM events WHERE audience = 'operator'")
        .fetch_all(course.store.pool())
        .await
        .unwrap();
    assert_eq!(told.len(), lines.len(), "each turn of a trouble is told, and nothing else");
    lines.into_iter().map(|(_, line)| line).collect()
}

fn index(course: &Course) -> BTreeMap<&str, usize> {
    let companies = course.truth.companies.iter().enumerate();
    companies
        .flat_map(|(index, company)| company.names.iter().map(move |(_, name)| (name.as_str(), index)))
        .collect()
}
