//! What a request gets: a pure function of the scenario, the request and the instant.

use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderValue, StatusCode};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::certificates::provider_day;
use super::document::{
    NOTHING_FOUND, PAGE_SIZE_MAX, PARAMETER_BAD, PARAMETER_MISSING, WRONG_KEY, error_body, item, success_body,
};
use super::fault::{Effect, PlayedFault};
use super::scenario::Scenario;

/// The parameters of a request as they came; blank ones count as absent.
#[derive(Debug, Default)]
pub(super) struct Question {
    pub(super) key: Option<String>,
    pub(super) keyword: Option<String>,
    pub(super) page_num: Option<String>,
    pub(super) page_size: Option<String>,
}

impl Question {
    /// From `application/x-www-form-urlencoded`, a query string or a form. Of a repeated parameter the last counts.
    pub(super) fn parse(encoded: &[u8]) -> Self {
        let mut asked = Self::default();
        for (name, value) in url::form_urlencoded::parse(encoded) {
            let value = Some(value.trim().to_owned()).filter(|value| !value.is_empty());
            match name.as_ref() {
                "key" => asked.key = value,
                "keyword" => asked.keyword = value,
                "pageNum" => asked.page_num = value,
                "pageSize" => asked.page_size = value,
                _ => {}
            }
        }
        asked
    }

    /// The page asked for: 1 when none is named (默认第1页), `None` when it is not a number from 1 on.
    pub(super) fn page(&self) -> Option<usize> {
        self.page_num.as_deref().map_or(Some(1), |page| page.parse().ok().filter(|page| *page >= 1))
    }

    fn page_size(&self) -> Option<usize> {
        let Some(size) = self.page_size.as_deref() else {
            return Some(PAGE_SIZE_MAX);
        };
        size.parse().ok().filter(|size| (1..=PAGE_SIZE_MAX).contains(size))
    }
}

/// An answer to be sent.
pub(super) struct PlayedAnswer {
    /// What the ledger says of it; `None` where the body states none, or was given word by word.
    pub(super) error_code: Option<u32>,
    pub(super) delay: Duration,
    pub(super) status: StatusCode,
    pub(super) content_type: &'static str,
    pub(super) location: Option<HeaderValue>,
    pub(super) payload: Payload,
}

/// How the body goes over the line.
pub(super) enum Payload {
    Whole(Bytes),
    /// Half of it, then the connection closes.
    Half(Bytes),
    /// One byte in each such span.
    Drip(Bytes, Duration),
    GzipBomb {
        bytes_inflated: u64,
    },
}

const JSON: &str = "application/json;charset=utf-8";
const HTML: &str = "text/html;charset=utf-8";
const PORTAL: &str = "<!DOCTYPE html><html><head><title>网络登录</title></head>\
                      <body><form action=\"/login\"><input name=\"user\"></form></body></html>";

impl PlayedAnswer {
    fn json(body: &Value) -> Self {
        let error_code = body["error_code"].as_u64().and_then(|code| u32::try_from(code).ok());
        Self { error_code, ..Self::text(StatusCode::OK, JSON, body.to_string()) }
    }

    /// A web server's own page for `status`.
    pub(super) fn status_page(status: StatusCode) -> Self {
        let page = format!("<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>");
        Self::text(status, HTML, page)
    }

    fn text(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self {
            error_code: None,
            delay: Duration::ZERO,
            status,
            content_type,
            location: None,
            payload: Payload::Whole(body.into()),
        }
    }

    /// The same answer, its body sent in another way.
    fn sent(mut self, how: impl FnOnce(Bytes) -> Payload) -> Self {
        if let Payload::Whole(body) = self.payload {
            self.payload = how(body);
        }
        self
    }
}

/// The first fault of the scenario that concerns this request and has not been spent: its place in the file.
/// `spent` says how many requests each fault has met so far.
pub(super) fn fault_for(
    scenario: &Scenario,
    asked: &Question,
    now: DateTime<Utc>,
    spent: &[u32],
) -> Option<usize> {
    scenario.faults.iter().enumerate().position(|(index, fault)| {
        let met = spent.get(index).copied().unwrap_or_default();
        fault.times.is_none_or(|times| met < times)
            && fault.window.contains(now)
            && fault.page.is_none_or(|page| asked.page() == Some(page))
            && fault.key.as_ref().is_none_or(|key| asked.key.as_ref() == Some(key))
            && fault.keyword.as_deref().is_none_or(|keyword| {
                asked.keyword.as_deref().is_some_and(|asked| scenario.same_company(keyword, asked))
            })
    })
}

/// What `asked` gets at `now` when `fault` has its way.
pub(super) fn answer(
    scenario: &Scenario,
    asked: &Question,
    now: DateTime<Utc>,
    fault: Option<&PlayedFault>,
) -> PlayedAnswer {
    let Some(fault) = fault else {
        return as_documented(scenario, asked, now, &Effect::Nothing);
    };
    let mut answer = faulty(scenario, asked, now, fault);
    answer.delay = fault.delay;
    if let Some(status) = fault.status {
        answer.status = status;
    }
    answer
}

fn faulty(scenario: &Scenario, asked: &Question, now: DateTime<Utc>, fault: &PlayedFault) -> PlayedAnswer {
    let right = || as_documented(scenario, asked, now, &fault.effect);
    match &fault.effect {
        Effect::StatusPage => {
            PlayedAnswer::status_page(fault.status.unwrap_or(StatusCode::SERVICE_UNAVAILABLE))
        }
        Effect::Code { code, reason } => PlayedAnswer::json(&error_body(*code, reason.as_deref())),
        Effect::EchoKey { code } => {
            let mut body = error_body(*code, None);
            body["result"] = json!(asked.key.clone().unwrap_or_default());
            PlayedAnswer::json(&body)
        }
        Effect::CutOff => right().sent(Payload::Half),
        Effect::Html => PlayedAnswer::text(StatusCode::OK, HTML, PORTAL),
        Effect::EmptyBody => PlayedAnswer::text(StatusCode::OK, JSON, ""),
        Effect::Redirect(to) => {
            PlayedAnswer { location: Some(to.clone()), ..PlayedAnswer::text(StatusCode::FOUND, HTML, "") }
        }
        Effect::Body(body) => PlayedAnswer::text(StatusCode::OK, JSON, body.clone()),
        Effect::Drip(span) => right().sent(|body| Payload::Drip(body, *span)),
        Effect::GzipBomb { bytes_inflated } => PlayedAnswer {
            payload: Payload::GzipBomb { bytes_inflated: *bytes_inflated },
            ..PlayedAnswer::text(StatusCode::OK, JSON, "")
        },
        Effect::Nothing
        | Effect::ChangingTotal
        | Effect::RepeatItem
        | Effect::ShortPage
        | Effect::IgnorePage => right(),
    }
}

/// The document's answer. Only an `effect` that concerns pages is minded here.
fn as_documented(scenario: &Scenario, asked: &Question, now: DateTime<Utc>, effect: &Effect) -> PlayedAnswer {
    let refused = |code| PlayedAnswer::json(&error_body(code, None));
    if !asked.key.as_deref().is_some_and(|key| scenario.accepts(key)) {
        return refused(WRONG_KEY);
    }
    let Some(keyword) = asked.keyword.as_deref() else {
        return refused(PARAMETER_MISSING);
    };
    let (Some(page), Some(size)) = (asked.page(), asked.page_size()) else {
        return refused(PARAMETER_BAD);
    };
    let items: Vec<Value> = scenario.listed(keyword, provider_day(now)).into_iter().map(item).collect();
    if items.is_empty() {
        return refused(NOTHING_FOUND);
    }
    PlayedAnswer::json(&one_page(&items, page, size, effect))
}

/// One page of the document's success. A page behind the last has no items, but the total.
fn one_page(items: &[Value], page: usize, size: usize, effect: &Effect) -> Value {
    let page = if matches!(effect, Effect::IgnorePage) { 1 } else { page };
    let begin = (page - 1).saturating_mul(size).min(items.len());
    let end = begin.saturating_add(size).min(items.len());
    let mut total = items.len();
    let mut shown = items[begin..end].to_vec();
    match effect {
        Effect::ChangingTotal => total += page - 1,
        Effect::RepeatItem if begin > 0 => {
            if let Some(first) = shown.first_mut() {
                first.clone_from(&items[begin - 1]);
            }
        }
        Effect::ShortPage => {
            shown.pop();
        }
        _ => {}
    }
    success_body(total, &shown)
}
