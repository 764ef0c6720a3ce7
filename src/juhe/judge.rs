//! What decides: a readable `error_code`; else the HTTP status; else the transport (design 2).

use super::body::{self, Said};
use super::codes::meaning;
use super::failure::{CallFault, Failure};
use super::transport::Reply;
use crate::domain::observation::AnswerPage;
use crate::domain::text::{Scrubber, displayable};

/// How much of the provider's own words is told.
const REASON_CHARS_MAX: usize = 200;

/// How much of an unreadable body is told.
const EXCERPT_BYTES: usize = 200;

/// Judges `reply`, which is scrubbed already. The words told of it are scrubbed once more: reading may have put the key
/// together.
pub(super) fn judge(reply: &Reply, scrubber: &Scrubber) -> Result<AnswerPage, Failure> {
    let inert = |reason: &str| displayable(&scrubber.scrub_text(reason));
    let unreadable = match body::read(&reply.body) {
        Ok(Said::Error { code, reason }) => return Err(said(code, &inert(&reason))),
        // What was cut off may have lost items even where it reads well.
        Ok(Said::Page(page)) if reply.broken.is_none() => return Ok(page),
        Ok(Said::Page(_)) => String::new(),
        Err(why) => why,
    };
    if let Some((status, reason)) = refusal(reply, &unreadable) {
        return Err(Failure::new(CallFault::Status(status), inert(&reason)));
    }
    if let Some((fault, reason)) = &reply.broken {
        return Err(Failure::new(*fault, inert(reason)));
    }
    let status = reply.status.unwrap_or_default();
    let reason = match status {
        200 => format!("unreadable answer, {}", excerpt(reply, &unreadable)),
        other => format!("unreadable answer, HTTP {other}, {}", excerpt(reply, &unreadable)),
    };
    Err(Failure::new(CallFault::Unreadable(status), inert(&reason)))
}

/// The provider's own words, or the document's where it sent none.
fn said(code: i64, reason: &str) -> Failure {
    let reason = match reason.trim() {
        "" => meaning(code).text.unwrap_or("no reason given"),
        own => own,
    };
    Failure::new(CallFault::Said(code), cut(reason))
}

fn cut(reason: &str) -> String {
    if reason.chars().count() <= REASON_CHARS_MAX {
        return reason.to_owned();
    }
    reason.chars().take(REASON_CHARS_MAX - 1).chain(['…']).collect()
}

/// A status that decides when no `error_code` does.
fn refusal(reply: &Reply, unreadable: &str) -> Option<(u16, String)> {
    let status = reply.status?;
    let reason = match (status, &reply.redirected_to) {
        (300..=399, Some(host)) => format!("HTTP {status}, redirected to host {}", cut(host)),
        (300..=399 | 401 | 403 | 407 | 429 | 500..=599, _) => {
            format!("HTTP {status}, {}", excerpt(reply, unreadable))
        }
        _ => return None,
    };
    Some((status, reason))
}

/// Why the body was not read, and how it begins.
fn excerpt(reply: &Reply, unreadable: &str) -> String {
    let why = if reply.broken.is_some() { "a body that broke off" } else { unreadable };
    let first = &reply.body[..reply.body.len().min(EXCERPT_BYTES)];
    if first.is_empty() {
        return why.to_owned();
    }
    let mut escaped = String::new();
    for chunk in first.utf8_chunks() {
        for letter in chunk.valid().chars() {
            if letter.is_control() { escaped.extend(letter.escape_default()) } else { escaped.push(letter) }
        }
        escaped.extend(
            chunk.invalid().iter().flat_map(|byte| std::ascii::escape_default(*byte)).map(char::from),
        );
    }
    format!("{why}: {escaped}")
}

#[cfg(test)]
mod tests;
