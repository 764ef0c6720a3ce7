//! What the product says of itself, read from its rows as plain JSON.

use std::collections::BTreeMap;

use serde_json::Value;
use sqlx::types::Json;

use super::calendar::Day;
use super::course::Course;
use super::oracle::Told;
use super::oracle::words::plain;

/// What readers were told, in the oracle's lines.
pub async fn told(course: &Course) -> Told {
    let events: Vec<(Json<Value>,)> =
        sqlx::query_as("SELECT event FROM events WHERE audience = 'reader' ORDER BY id")
            .fetch_all(course.store.pool())
            .await
            .unwrap();
    let companies = &course.truth.companies;
    let index: BTreeMap<&str, usize> = companies
        .iter()
        .enumerate()
        .flat_map(|(index, company)| company.names.iter().map(move |(_, name)| (name.as_str(), index)))
        .collect();
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
