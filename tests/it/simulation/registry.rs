//! The upstream of a simulation: a web server that answers from truth and weather, and keeps its own ledger.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use chrono::{DateTime, Utc};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use qualwatch::clock::{Clock as _, SimulatedClock};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use super::calendar::Day;
use super::truth::{Company, RowName, Sight, Truth};
use super::weather::{Manner, Weather};

const PAGE_SIZE: usize = 20;

/// One request that came in.
#[derive(Debug, Clone)]
pub struct Call {
    /// By the process's clock.
    pub at: DateTime<Utc>,
    /// At which of the bells.
    pub bell: usize,
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
    bell: AtomicUsize,
    ledger: Mutex<Vec<Call>>,
}

/// A running upstream; it ends when dropped.
pub struct Registry {
    inner: Arc<Inner>,
    port: u16,
    serving: tokio::task::JoinHandle<()>,
    /// Who was let in last.
    let_in: watch::Receiver<Option<SocketAddr>>,
    connections: TaskTracker,
}

impl Registry {
    pub async fn open(truth: Truth, weather: Weather, clock: SimulatedClock) -> Self {
        let (bell, ledger) = (AtomicUsize::new(0), Mutex::default());
        let inner = Arc::new(Inner { truth, weather, clock, bell, ledger });
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let router = Router::new().fallback(answer).with_state(Arc::clone(&inner));
        let (letting_in, let_in) = watch::channel(None);
        let connections = TaskTracker::new();
        let serving = tokio::spawn(serve(listener, router, letting_in, connections.clone()));
        Self { inner, port, serving, let_in, connections }
    }

    /// Waits until every connection is over, and with it whatever somebody who is gone had asked for: of that, too, there is a call.
    pub async fn is_left(&self) {
        // Those that were not let in yet stand before this one.
        let knock = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await.unwrap();
        let own = knock.local_addr().unwrap();
        self.let_in.clone().wait_for(|last| *last == Some(own)).await.unwrap();
        drop(knock);
        self.connections.close();
        self.connections.wait().await;
        self.connections.reopen();
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/query", self.port)
    }

    /// What is asked for from now on belongs to that bell.
    pub fn begin_bell(&self, bell: usize) {
        self.inner.bell.store(bell, Ordering::Relaxed);
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

async fn serve(
    listener: TcpListener,
    router: Router,
    letting_in: watch::Sender<Option<SocketAddr>>,
    connections: TaskTracker,
) {
    loop {
        let (stream, peer) = listener.accept().await.unwrap();
        let service = TowerToHyperService::new(router.clone());
        connections.spawn(
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service),
        );
        letting_in.send_replace(Some(peer));
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
        None => (Gave::Nothing, error(265_004, &form["key"])),
        Some((index, company)) => {
            let manner = inner.weather.manner(index, at);
            let is_first = manner == Some(Manner::OtherCompany) && !inner.has_answered(&keyword);
            // Whoever answers first is taken for the company: nobody could know better.
            match manner.map(|manner| if is_first { Manner::Status(500) } else { manner }) {
                Some(manner) => amiss(manner, &inner, index, at, (page, &form["key"])),
                None => page_of(&items(company, day, inner.weather.shown(index, company, at)), page),
            }
        }
    };
    let (company, bell) = (found.map(|(index, _)| index), inner.bell.load(Ordering::Relaxed));
    inner.ledger.lock().unwrap().push(Call { at, bell, company, keyword, gave });
    response
}

impl Inner {
    fn has_answered(&self, keyword: &str) -> bool {
        let ledger = self.ledger.lock().unwrap();
        ledger.iter().any(|call| call.keyword == keyword && call.gave == Gave::Whole)
    }
}

fn page_of(items: &[Value], page: usize) -> (Gave, Response) {
    let from = ((page - 1) * PAGE_SIZE).min(items.len());
    let to = (from + PAGE_SIZE).min(items.len());
    let gave = if to == items.len() { Gave::Whole } else { Gave::Page };
    (gave, success(items.len(), &items[from..to]))
}

fn amiss(
    manner: Manner,
    inner: &Inner,
    index: usize,
    at: DateTime<Utc>,
    (page, key): (usize, &str),
) -> (Gave, Response) {
    let company = &inner.truth.companies[index];
    let items = || items(company, Day::of_instant(at), inner.weather.shown(index, company, at));
    let paged = |items: &[Value], page: usize, total: usize| {
        let from = ((page - 1) * PAGE_SIZE).min(items.len());
        success(total, &items[from..(from + PAGE_SIZE).min(items.len())])
    };
    let response = match manner {
        Manner::Status(status) => StatusCode::from_u16(status).unwrap().into_response(),
        Manner::Code(code) => error(code, key),
        Manner::Portal => {
            ([(header::CONTENT_TYPE, "text/html")], format!("<html>login {key}</html>")).into_response()
        }
        Manner::Nothing => success(0, &[]),
        Manner::Short => {
            let mut items = items();
            let total = items.len().max(1);
            items.pop();
            paged(&items, page, total)
        }
        Manner::TotalMoves => {
            let items = items();
            // Of a single page nobody can say that it moved: it is short.
            let total = items.len() + usize::from(page > 1 || items.len() <= PAGE_SIZE);
            paged(&items, page, total)
        }
        Manner::FirstPageAgain => {
            let items = items();
            let more = usize::from(items.len() <= PAGE_SIZE);
            paged(&items, 1, items.len() + more)
        }
        Manner::Shuffled => {
            let mut items = items();
            items.truncate(PAGE_SIZE);
            // As on two pages of a list that moved: the page is full and comes again. Of nothing there is no page.
            success((items.len() * 2).max(1), &items)
        }
        Manner::OtherCompany => {
            let other = Company { id: format!("7e{index:022x}"), imported_anew: None, ..company.clone() };
            let renamed = |(name, sight): (RowName, Sight)| {
                (RowName { number: name.number.replacen("41", "32", 1), ..name }, sight)
            };
            let day = Day::of_instant(at);
            let shown = company.shown_on(day).into_iter().map(renamed).collect();
            page_of(&self::items(&other, day, shown), page).1
        }
    };
    (Gave::Amiss(manner), response)
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
    let mut items: Vec<Value> = grouped.into_iter().map(item).collect();
    // Where there is nothing, nobody could say whose it is.
    if !items.is_empty() && company.has_unnumbered_on(day) {
        items.push(unnumbered(items.len()));
    }
    items
}

/// A row of which nobody knows the certificate.
fn unnumbered(which: usize) -> Value {
    let number = [Value::Null, json!(""), json!("-"), json!("无")][which % 4].clone();
    let id = [Value::Null, json!("5d4a8f09-7f0e-4c1e-9f57-0b8a4c9e51d2"), json!("20488")][which % 3].clone();
    json!({
        "organ": "河南省住房和城乡建设厅",
        "effectiveTime": "2031-05-31",
        "businessId": id,
        "issuingCertificateTime": "2026-05-31",
        "type": "企业资质",
        "certificateNum": number,
        "qualificationName": "钢结构工程专业承包二级",
    })
}

/// How many pages it takes to show this.
pub fn pages(company: &Company, day: Day, shown: &BTreeMap<RowName, Sight>) -> usize {
    items(company, day, shown.clone()).len().div_ceil(PAGE_SIZE).max(1)
}

fn success(total: usize, items: &[Value]) -> Response {
    body(&json!({ "reason": "success", "result": { "total": total, "items": items }, "error_code": 0 }))
}

/// Some errors echo the key, plainly and otherwise.
fn error(code: u32, key: &str) -> Response {
    let encoded = base64::engine::general_purpose::STANDARD.encode(key);
    let result = (code != 265_004).then(|| format!("key {key} ({encoded})"));
    body(&json!({ "reason": "错误", "result": result, "error_code": code }))
}

fn body(body: &Value) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}
