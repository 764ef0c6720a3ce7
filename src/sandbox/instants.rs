//! Days, instants and spans as the scenario file writes them.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeZone as _, Utc};
use chrono_tz::Asia::Shanghai;

/// A calendar day of Asia/Shanghai.
pub(super) fn day(text: &str) -> Result<NaiveDate, String> {
    text.parse().map_err(|_| format!("\"{text}\" is not a day such as \"2026-01-05\""))
}

/// The first instant of a span: an instant itself, or the midnight that begins a day.
pub(super) fn first(text: &str) -> Result<DateTime<Utc>, String> {
    match DateTime::parse_from_rfc3339(text) {
        Ok(instant) => Ok(instant.to_utc()),
        Err(_) => midnight(day(text)?),
    }
}

/// The first instant after a span: an instant itself, or the midnight that ends a day.
pub(super) fn after(text: &str) -> Result<DateTime<Utc>, String> {
    match DateTime::parse_from_rfc3339(text) {
        Ok(instant) => Ok(instant.to_utc()),
        Err(_) => midnight(day(text)?.succ_opt().ok_or("the calendar ends there")?),
    }
}

fn midnight(day: NaiveDate) -> Result<DateTime<Utc>, String> {
    let naive = day.and_time(NaiveTime::MIN);
    let instant = Shanghai.from_local_datetime(&naive).earliest();
    instant.map(|instant| instant.to_utc()).ok_or_else(|| format!("{day} has no midnight"))
}

/// `500ms`, `30s`, `5m` or `1h`.
///
/// # Errors
/// It is written otherwise, or nothing.
pub fn span(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit_ms: u64 = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => 0,
    };
    let length_ms = number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit_ms));
    length_ms
        .filter(|length_ms| *length_ms > 0)
        .map(Duration::from_millis)
        .ok_or_else(|| format!("\"{text}\" is not a span such as \"30s\" or \"500ms\""))
}
