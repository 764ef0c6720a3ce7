//! The upstream of a simulation: a web server that answers from truth and weather, and keeps its own ledger.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, Utc};
use qualwatch::clock::{Clock as _, SimulatedClock};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::calendar::Day;
use super::truth::{Company, RowName, Sight, Truth};
use super::weather::{Manner, Weather};

const PAGE_SIZE: usize = 20;

/// One request that came in.
#[derive(Debug, Clone)]
pub struct Call {
    pub at: DateTime<Utc>,
    /// `None`: the keyword finds nobody.
    pub company: Option<usize>,
    pub keyword: String,
    pub gave: Gave,
}

/// What it was answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gave {
    /// A page, and more are to come.
    Page,
    /// The last page: now all of it is given, well.
    Whole,
    /// That there is nothing: the keyword finds nobody.
    Nothing,
    /// Something else.
    Amiss(Manner),
}

struct Inner {
    truth: Truth,
    weather: Weather,
    clock: SimulatedClock,
    ledger: Mutex<Vec<Call>>,
}

/// A running upstream; it ends when dropped.
pub struct Registry {
    inner: Arc<Inner>,
    port: u16,
    serving: tokio::task::JoinHandle<()>,
}

impl Registry {
    pub async fn open(truth: Truth, weather: Weather, clock: SimulatedClock) -> Self {
        let inner = Arc::new(Inner { truth, weather, clock, ledger: Mutex::default() });
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let router = Router::new().fallback(answer).with_state(Arc::clone(&inner));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { inner, port, serving }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/query", self.port)
    }

    /// Every request, in order.
    pub fn ledger(&self) -> Vec<Call> {
        self.inner.ledger.lock().unwrap().clone()
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn answer(State(inner): State<Arc<Inner>>, form: Bytes) -> Response {
    let form: BTreeMap<String, String> = url::form_urlencoded::parse(&form).into_owned().collect();
    let page: usize = form["pageNum"].parse().unwrap();
    let (at, keyword) = (inner.clock.now(), form["keyword"].clone());
    let day = Day::of_instant(at);
    let companies = inner.truth.companies.iter().enumerate();
    let found = companies.into_iter().find(|(_, company)| company.name_on(day) == keyword);
    let (gave, response) = match found {
        None => (Gave::Nothing, error(265_004)),
        Some((index, company)) => match inner.weather.manner(index, at) {
            Some(manner) => (Gave::Amiss(manner), amiss(manner, &inner, index, at)),
            None => page_of(&items(company, day, inner.weather.shown(index, company, at)), page),
        },
    };
    let call = Call { at, company: found.map(|(index, _)| index), keyword, gave };
    inner.ledger.lock().unwrap().push(call);
    response
}

fn page_of(items: &[Value], page: usize) -> (Gave, Response) {
    let from = ((page - 1) * PAGE_SIZE).min(items.len());
    let to = (from + PAGE_SIZE).min(items.len());
    let gave = if to == items.len() { Gave::Whole } else { Gave::Page };
    (gave, success(items.len(), &items[from..to]))
}

fn amiss(manner: Manner, inner: &Inner, index: usize, at: DateTime<Utc>) -> Response {
    let company = &inner.truth.companies[index];
    let items = || items(company, Day::of_instant(at), inner.weather.shown(index, company, at));
    match manner {
        Manner::Status(status) => StatusCode::from_u16(status).unwrap().into_response(),
        Manner::Code(code) => error(code),
        Manner::Portal => ([(header::CONTENT_TYPE, "text/html")], "<html>login</html>").into_response(),
        Manner::Nothing => success(0, &[]),
        Manner::Short => {
            let mut items = items();
            let total = items.len().max(1);
            items.truncate(PAGE_SIZE);
            items.pop();
            success(total, &items)
        }
        Manner::Shuffled => {
            let mut items = items();
            items.truncate(PAGE_SIZE);
            // As on two pages of a list that moved: the page is full and comes again.
            success(items.len() * 2, &items)
        }
        Manner::OtherCompany => {
            let other = Company { id: format!("7e{index:022x}"), imported_anew: None, ..company.clone() };
            let renamed = |(name, sight): (RowName, Sight)| {
                (RowName { number: name.number.replacen("41", "32", 1), ..name }, sight)
            };
            let day = Day::of_instant(at);
            let shown = company.shown_on(day).into_iter().map(renamed).collect();
            page_of(&self::items(&other, day, shown), 1).1
        }
    }
}

/// One item for all rows of a certificate that share their dates.
fn items(company: &Company, day: Day, shown: BTreeMap<RowName, Sight>) -> Vec<Value> {
    let mut grouped: BTreeMap<(String, String, Day), Vec<String>> = BTreeMap::new();
    for (name, sight) in shown {
        let text = sight.text(name.qualification);
        grouped.entry((name.number, sight.end_text(), sight.issued)).or_default().push(text);
    }
    let id = company.id_on(day);
    let item = |((number, end, issued), names): ((String, String, Day), Vec<String>)| {
        json!({
            "organ": "河南省住房和城乡建设厅",
            "effectiveTime": end,
            "businessId": format!("{id}-{number}"),
            "issuingCertificateTime": issued.to_string(),
            "type": "企业资质",
            "certificateNum": number,
            "qualificationName": names.join(","),
        })
    };
    grouped.into_iter().map(item).collect()
}

/// How many pages it takes to show this.
pub fn pages(shown: &BTreeMap<RowName, Sight>) -> usize {
    let items: std::collections::BTreeSet<_> =
        shown.iter().map(|(name, sight)| (&name.number, sight.end_text(), sight.issued)).collect();
    items.len().div_ceil(PAGE_SIZE).max(1)
}

fn success(total: usize, items: &[Value]) -> Response {
    body(&json!({ "reason": "success", "result": { "total": total, "items": items }, "error_code": 0 }))
}

fn error(code: u32) -> Response {
    body(&json!({ "reason": "错误", "result": null, "error_code": code }))
}

fn body(body: &Value) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}
