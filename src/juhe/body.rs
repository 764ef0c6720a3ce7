//! What a body says: an `error_code`, and with 0 a page (API document, 返回参数说明). Lenient in the shapes, strict in the
//! judgement: what is not understood is unreadable, never empty.

use serde_json::{Map, Value};

use super::codes::text_of_resultcode;
use super::fast_path;
use super::json::{self, Text};
use crate::domain::observation::{AnswerPage, Item, PAGE_SIZE, PAGES_MAX};

/// The most items one body may hold: what a provider that ignores `pageSize` can send of one company.
const ITEMS_MAX: usize = PAGE_SIZE as usize * PAGES_MAX as usize;

/// A body with a readable `error_code`.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// `error_code` 0.
    Page(AnswerPage),
    /// Any other, with the provider's `reason` as sent.
    Error { code: i64, reason: String },
}

/// Reads `body`.
///
/// # Errors
/// Why it cannot be read, in words.
pub(super) fn read(body: &[u8]) -> Result<Said, String> {
    match fast_path::read(body).filter(|page| page.items.len() <= ITEMS_MAX) {
        Some(page) => Ok(Said::Page(page)),
        None => read_leniently(body),
    }
}

fn read_leniently(body: &[u8]) -> Result<Said, String> {
    let parsed = json::parse(body)?;
    let Value::Object(answer) = parsed.value else { return Err("JSON, but no object".to_owned()) };
    let code =
        answer.get("error_code").filter(|code| !code.is_null()).ok_or_else(|| without_code(&answer))?;
    match integer(code).ok_or("an error_code that is no number")? {
        0 if parsed.text == Text::Mangled => Err("names that are not UTF-8".to_owned()),
        0 => Ok(Said::Page(page(answer.get("result"))?)),
        code => Ok(Said::Error { code, reason: answer.get("reason").and_then(text).unwrap_or_default() }),
    }
}

/// The page that a stored answer is by today's rules: whatever they were when it came, its bytes are the same, and the key is
/// overwritten in them. `None` where it is no page.
#[must_use]
pub fn read_again(body: &[u8]) -> Option<AnswerPage> {
    match read(body) {
        Ok(Said::Page(page)) => Some(page),
        Ok(Said::Error { .. }) | Err(_) => None,
    }
}

/// The old interface sent `resultcode` alone; it decides nothing (design 2), but a person should know.
fn without_code(answer: &Map<String, Value>) -> String {
    let resultcode = answer.get("resultcode").and_then(integer);
    match resultcode.map(|code| (code, text_of_resultcode(code))) {
        Some((code, Some(meaning))) => format!("no error_code; resultcode {code}, {meaning}"),
        Some((code, None)) => format!("no error_code; resultcode {code}"),
        None => "no error_code".to_owned(),
    }
}

/// `result` of an answer with code 0. Nothing at all (null, `""`, `[]`) is a page without a `total`, which is not an empty one.
fn page(result: Option<&Value>) -> Result<AnswerPage, String> {
    match result {
        None => Ok(AnswerPage::default()),
        Some(nothing) if is_nothing(nothing) => Ok(AnswerPage::default()),
        Some(Value::Object(result)) => {
            let total = result.get("total").and_then(integer).and_then(|total| u64::try_from(total).ok());
            Ok(AnswerPage { total, items: items(result.get("items"))? })
        }
        Some(_) => Err("a result that is no object".to_owned()),
    }
}

/// PHP writes "nothing" in several ways.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(values) => values.is_empty(),
        _ => false,
    }
}

/// `items`: a list; an object with the indices as keys, which is what PHP makes of a list with gaps; or one item alone.
fn items(items: Option<&Value>) -> Result<Vec<Item>, String> {
    let found: Vec<&Value> = match items {
        None => Vec::new(),
        Some(nothing) if is_nothing(nothing) => Vec::new(),
        Some(Value::Array(items)) => items.iter().collect(),
        Some(Value::Object(indexed)) if indexed.keys().all(|key| key.parse::<usize>().is_ok()) => {
            let mut indexed: Vec<_> = indexed.iter().collect();
            indexed.sort_by_key(|(key, _)| key.parse::<usize>().unwrap_or(usize::MAX));
            indexed.into_iter().map(|(_, item)| item).collect()
        }
        Some(one @ Value::Object(fields)) if FIELDS.iter().any(|field| fields.contains_key(*field)) => {
            vec![one]
        }
        Some(_) => return Err("items that are no list".to_owned()),
    };
    if found.len() > ITEMS_MAX {
        return Err(format!("{} items in one answer", found.len()));
    }
    Ok(found.into_iter().map(item).collect())
}

/// The fields of an item, as the document names them.
const FIELDS: [&str; 7] = [
    "organ",
    "effectiveTime",
    "businessId",
    "issuingCertificateTime",
    "type",
    "certificateNum",
    "qualificationName",
];

/// What is no object is an item all the same: `total` counts it, and the rest of the company must not go unread because of it.
fn item(value: &Value) -> Item {
    let Some(fields) = value.as_object() else { return Item::default() };
    let [
        organ,
        effective_time,
        business_id,
        issuing_certificate_time,
        kind,
        certificate_num,
        qualification_name,
    ] = FIELDS.map(|field| fields.get(field).and_then(text));
    Item {
        organ,
        effective_time,
        business_id,
        issuing_certificate_time,
        kind,
        certificate_num,
        qualification_name,
    }
}

/// A value as text: a string as it is, a number in decimal, null as absent, and so PHP's empty list or object. What else
/// comes is kept as JSON, so that a person sees it (an end of validity such as that is told as unreadable).
fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Array(values) if values.is_empty() => None,
        Value::Object(fields) if fields.is_empty() => None,
        other => Some(other.to_string()),
    }
}

/// A whole number, as a number or as text. `0.0` is one too: some back ends know no other numbers.
fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().or_else(|| whole(number.as_f64()?)),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn whole(number: f64) -> Option<i64> {
    // Up to here every whole number has a double of its own.
    const WHOLE_MAX: f64 = 9_007_199_254_740_991.0;
    if number.fract() != 0.0 || number.abs() > WHOLE_MAX {
        return None;
    }
    format!("{number:.0}").parse().ok()
}

#[cfg(test)]
mod tests;
