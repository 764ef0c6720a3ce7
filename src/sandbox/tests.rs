//! The imitation as a client sees it: over real HTTP.

mod demo_story;
mod faults;

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde_json::{Value, json};

use super::document::ERROR_CODES;
use super::{OwnCompany, Sandbox, SandboxError, Scenario};
use crate::clock::{SimulatedClock, within};

const DOCUMENT_EXAMPLE: &str = include_str!("../../tests/it/fixtures/success.json");
const EXAMPLE_COMPANY: &str = "河南省建筑设计研究院有限公司";
/// One company with two certificates, nothing special about it.
const ONE_COMPANY: &str = r#"
[[company]]
keywords = ["沙盒甲", "沙盒甲的代码"]
id = "5f0000000000000000000001"
certificate = [{ number = "D241000001", until = "2030-01-01" }, { number = "D241000002" }]
"#;

/// A running sandbox, the clock that it goes by, and a client that asks it.
struct Rig {
    sandbox: Sandbox,
    clock: SimulatedClock,
    client: reqwest::Client,
}

impl Rig {
    async fn new(scenario: Scenario) -> Self {
        // Every test installs it; all but the first are told that it is there.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only(std::iter::empty())
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .build()
            .unwrap();
        let clock = SimulatedClock::new(instant("2026-01-05T08:00:00+08:00"));
        let sandbox = Sandbox::start(scenario, any_port(), Arc::new(clock.clone())).await.unwrap();
        Self { sandbox, clock, client }
    }

    async fn with(text: &str) -> Self {
        Self::new(Scenario::parse(text).unwrap()).await
    }

    /// As [`ONE_COMPANY`] with one fault.
    async fn with_fault(fault: &str) -> Self {
        Self::with(&format!("{ONE_COMPANY}\n[[fault]]\n{fault}")).await
    }

    fn set(&self, now: &str) {
        self.clock.set(instant(now));
    }

    async fn send(&self, form: &[(&str, &str)]) -> reqwest::Result<reqwest::Response> {
        self.client.post(self.sandbox.url()).form(form).send().await
    }

    async fn post(&self, form: &[(&str, &str)]) -> Value {
        parsed(self.send(form).await.unwrap()).await
    }

    async fn ask(&self, keyword: &str) -> Value {
        self.post(&[("key", "k"), ("keyword", keyword)]).await
    }

    async fn ask_page(&self, keyword: &str, page: &str) -> Value {
        self.post(&[("key", "k"), ("keyword", keyword), ("pageNum", page)]).await
    }
}

async fn parsed(response: reqwest::Response) -> Value {
    assert_eq!(response.status(), 200);
    serde_json::from_str(&response.text().await.unwrap()).unwrap()
}

fn any_port() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

fn instant(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// The certificate numbers of an answer's page, in order.
fn numbers(body: &Value) -> Vec<String> {
    let items = body["result"]["items"].as_array().unwrap();
    items.iter().map(|item| item["certificateNum"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn the_example_of_the_document_is_served_word_for_word_by_get_and_by_post() {
    let rig = Rig::new(Scenario::default_scenario()).await;
    let expected: Value = serde_json::from_str(DOCUMENT_EXAMPLE).unwrap();
    let parameters = [("key", "k"), ("pageSize", "20"), ("keyword", EXAMPLE_COMPANY), ("pageNum", "1")];
    let got = rig.client.get(rig.sandbox.url()).query(&parameters).send().await.unwrap();
    assert_eq!(got.headers()["content-type"], "application/json;charset=utf-8");
    assert_eq!(parsed(got).await, expected);
    assert_eq!(rig.post(&parameters).await, expected);
}

#[tokio::test]
async fn a_company_is_found_by_each_of_its_keywords_and_by_nothing_else() {
    let rig = Rig::new(Scenario::default_scenario()).await;
    for keyword in [EXAMPLE_COMPANY, "5d43a8f092aec74cbf04a163", "914100004158000169"] {
        assert_eq!(rig.ask(keyword).await["result"]["total"], 5, "{keyword}");
    }
    let nothing = json!({ "reason": "查询无结果", "result": null, "error_code": 265_004 });
    assert_eq!(rig.ask("河南省建筑设计研究院").await, nothing, "part of a name");
    assert_eq!(rig.ask("沙盒空白劳务有限公司").await, nothing, "known, but without certificates");
}

#[tokio::test]
async fn a_keyword_of_two_companies_answers_with_both() {
    let rig = Rig::with(
        r#"
        [[company]]
        keywords = ["同名"]
        id = "5f0000000000000000000001"
        certificate = [{ number = "A1" }]
        [[company]]
        keywords = ["同名"]
        id = "5f0000000000000000000002"
        certificate = [{ number = "A2", business_id = "word by word" }]
        "#,
    )
    .await;
    let items = rig.ask("同名").await["result"]["items"].clone();
    let expected = json!([
        { "businessId": "5f0000000000000000000001-A1", "certificateNum": "A1" },
        { "businessId": "word by word", "certificateNum": "A2" },
    ]);
    assert_eq!(items, expected, "what the scenario leaves out is left out of the answer");
}

#[tokio::test]
async fn parameters_are_judged_as_documented() {
    let rig = Rig::with(&format!("key = [\"one\", \"two\"]\n{ONE_COMPANY}")).await;
    for (form, code, why) in [
        (vec![], 10001, "no key comes before no keyword"),
        (vec![("keyword", "沙盒甲")], 10001, "no key"),
        (vec![("key", ""), ("keyword", "沙盒甲")], 10001, "an empty key"),
        (vec![("key", "three"), ("keyword", "沙盒甲")], 10001, "another key"),
        (vec![("key", "two")], 265_001, "no keyword"),
        (vec![("key", "two"), ("keyword", "  ")], 265_001, "a blank keyword"),
        (vec![("key", "two"), ("keyword", "沙盒甲"), ("pageSize", "21")], 265_002, "20 is the most"),
        (vec![("key", "two"), ("keyword", "沙盒甲"), ("pageSize", "0")], 265_002, "no items a page"),
        (vec![("key", "two"), ("keyword", "沙盒甲"), ("pageNum", "0")], 265_002, "pages count from 1"),
        (vec![("key", "two"), ("keyword", "沙盒甲"), ("pageNum", "x")], 265_002, "no number"),
        (vec![("key", "two"), ("keyword", "沙盒乙")], 265_004, "nobody"),
        (vec![("key", "one"), ("keyword", " 沙盒甲 ")], 0, "blanks around it"),
        (vec![("key", "two"), ("keyword", "沙盒甲"), ("pageNum", ""), ("pageSize", "")], 0, "the defaults"),
    ] {
        assert_eq!(rig.post(&form).await["error_code"], code, "{why}");
    }
}

#[tokio::test]
async fn a_key_in_the_url_of_a_post_is_not_accepted() {
    let rig = Rig::with(ONE_COMPANY).await;
    let url = format!("{}?key=k&keyword=x", rig.sandbox.url());
    let body = parsed(rig.client.post(url).send().await.unwrap()).await;
    let expected =
        json!({ "resultcode": "101", "reason": "错误的请求KEY!", "result": null, "error_code": 10001 });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn every_code_of_the_document_can_be_played() {
    let rig = Rig::with(ONE_COMPANY).await;
    // 错误码参照 once more, so that a slip in the table is seen.
    let documented = [
        (265_000, None),
        (265_001, None),
        (265_002, None),
        (265_003, None),
        (265_004, None),
        (265_005, None),
        (10001, Some("101")),
        (10002, Some("102")),
        (10003, Some("103")),
        (10004, Some("104")),
        (10005, Some("105")),
        (10007, Some("107")),
        (10008, Some("108")),
        (10009, Some("109")),
        (10011, Some("111")),
        (10012, Some("112")),
        (10013, Some("113")),
        (10014, Some("114")),
        (10020, Some("120")),
        (10021, Some("121")),
    ];
    assert_eq!(documented.len(), ERROR_CODES.len());
    for (listed, (code, resultcode)) in ERROR_CODES.iter().zip(documented) {
        rig.sandbox.replace(Scenario::parse(&format!("[[fault]]\ncode = {code}")).unwrap());
        let mut expected = json!({ "reason": listed.reason, "result": null, "error_code": code });
        if let Some(resultcode) = resultcode {
            expected["resultcode"] = resultcode.into();
        }
        assert_eq!(rig.ask("沙盒甲").await, expected);
    }
}

#[tokio::test]
async fn forty_five_certificates_come_on_three_pages_that_agree_on_the_total() {
    let rig = Rig::new(Scenario::default_scenario()).await;
    let keyword = "沙盒建设0001有限公司";
    let mut gathered = Vec::new();
    for (page, items) in [("1", 20), ("2", 20), ("3", 5), ("4", 0)] {
        let body = rig.ask_page(keyword, page).await;
        assert_eq!(body["result"]["total"], 45, "page {page}");
        assert_eq!(numbers(&body).len(), items, "page {page}");
        gathered.extend(numbers(&body));
    }
    assert_eq!(gathered.iter().collect::<BTreeSet<_>>().len(), 45);
    let form = [("key", "k"), ("keyword", keyword), ("pageNum", "2"), ("pageSize", "7")];
    assert_eq!(numbers(&rig.post(&form).await), gathered[7..14]);
}

#[tokio::test]
async fn what_is_listed_follows_the_day_in_shanghai() {
    let rig = Rig::with(
        r#"
        [[company]]
        keywords = ["沙盒甲"]
        id = "5f0000000000000000000001"
        certificate = [
            { number = "D1", until = "2026-12-31", to = "2026-01-05" },
            { number = "D1", until = "2031-12-31", from = "2026-01-06", to = "2026-01-07" },
        ]
        "#,
    )
    .await;
    for (now, until, why) in [
        ("2026-01-05T23:59:59+08:00", json!("2026-12-31"), "`to` is included"),
        ("2026-01-05T16:00:00Z", json!("2031-12-31"), "midnight in Shanghai, not in UTC"),
        ("2026-01-07T15:59:59Z", json!("2031-12-31"), "the last second of the last day"),
        ("2026-01-08T00:00:00+08:00", Value::Null, "nothing is left: 265004"),
    ] {
        rig.set(now);
        assert_eq!(rig.ask("沙盒甲").await["result"]["items"][0]["effectiveTime"], until, "{why}");
    }
    assert_eq!(rig.sandbox.ledger().last().unwrap().error_code, Some(265_004));
}

#[tokio::test]
async fn hostile_text_is_passed_on_as_it_is() {
    let rig = Rig::with(
        r#"
        [[company]]
        keywords = ["沙盒甲"]
        id = "5f0000000000000000000001"
        certificate = [{ number = "D1\t", until = "长期", organ = "\u0000<script>\r\n", qualifications = ["甲，乙", "丙"] }]
        "#,
    )
    .await;
    let expected = json!({
        "businessId": "5f0000000000000000000001-D1\t",
        "certificateNum": "D1\t",
        "effectiveTime": "长期",
        "organ": "\0<script>\r\n",
        "qualificationName": "甲，乙,丙",
    });
    assert_eq!(rig.ask("沙盒甲").await["result"]["items"][0], expected);
}

#[tokio::test]
async fn the_ledger_holds_every_request_that_arrived() {
    let rig = Rig::with(&format!("key = \"right\"\n{ONE_COMPANY}")).await;
    rig.post(&[("key", "right"), ("keyword", "沙盒甲"), ("pageNum", "2")]).await;
    rig.set("2026-01-06T08:00:00+08:00");
    let query = [("key", "wrong"), ("keyword", "沙盒甲")];
    rig.client.get(rig.sandbox.url()).query(&query).send().await.unwrap();
    let elsewhere = rig.sandbox.url().replace("/query", "/other");
    assert_eq!(rig.client.get(elsewhere).send().await.unwrap().status(), 404);
    assert_eq!(rig.client.put(rig.sandbox.url()).send().await.unwrap().status(), 405);
    assert_eq!(rig.sandbox.requests(), 4);
    let seen: Vec<_> = rig
        .sandbox
        .ledger()
        .into_iter()
        .map(|met| (met.at, met.method, met.keyword, met.page, met.key_accepted, met.error_code))
        .collect();
    let keyword = || Some("沙盒甲".to_owned());
    let (first, second) = (instant("2026-01-05T08:00:00+08:00"), instant("2026-01-06T08:00:00+08:00"));
    let expected = vec![
        (first, "POST".to_owned(), keyword(), Some(2), true, Some(0)),
        (second, "GET".to_owned(), keyword(), Some(1), false, Some(10001)),
        (second, "GET".to_owned(), None, None, false, None),
        (second, "PUT".to_owned(), None, None, false, None),
    ];
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn a_replaced_scenario_answers_from_the_next_request_on_and_the_ledger_goes_on() {
    let rig = Rig::with(ONE_COMPANY).await;
    assert_eq!(rig.ask("沙盒甲").await["error_code"], 0);
    rig.sandbox.replace(Scenario::parse("").unwrap());
    assert_eq!(rig.ask("沙盒甲").await["error_code"], 265_004);
    assert_eq!(rig.sandbox.requests(), 2);
}

#[tokio::test]
async fn a_stopped_sandbox_no_longer_answers_and_ends_slow_answers() {
    let rig = Rig::with_fault("slow = \"1h\"").await;
    let url = rig.sandbox.url();
    let form = [("key", "k"), ("keyword", "沙盒甲")];
    let slow = tokio::spawn(rig.client.post(&url).form(&form).send());
    let arrived = async {
        while rig.sandbox.requests() == 0 {
            tokio::task::yield_now().await;
        }
    };
    within(Duration::from_secs(10), arrived).await.unwrap();
    rig.sandbox.stop().await;
    assert!(slow.await.is_ok(), "the wait of an hour has ended");
    assert!(rig.client.get(url).send().await.unwrap_err().is_connect());
}

#[tokio::test]
async fn only_a_loopback_address_that_is_free_is_listened_on() {
    let clock = Arc::new(SimulatedClock::new(instant("2026-01-05T00:00:00Z")));
    let start = |address| Sandbox::start(Scenario::default_scenario(), address, clock.clone());
    let everywhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    assert!(matches!(start(everywhere).await, Err(SandboxError::NotLoopback(_))));
    let sandbox = start(any_port()).await.unwrap();
    let taken: SocketAddr = sandbox.url().split('/').nth(2).unwrap().parse().unwrap();
    assert!(matches!(start(taken).await, Err(SandboxError::Listen { .. })));
}

#[test]
fn generated_companies_are_the_same_for_the_same_seed() {
    let generate = |seed: u32| {
        let text = format!("[generate]\ncompanies = 1000\ncertificates = 3\nseed = {seed}");
        Scenario::parse(&text).unwrap()
    };
    let listed = |scenario: &Scenario| {
        let day = "2026-01-05".parse().unwrap();
        let certificates = scenario.keywords().flat_map(|keyword| scenario.listed(keyword, day));
        certificates.map(|listed| format!("{listed:?}")).collect::<Vec<_>>()
    };
    let (one, again, other) = (generate(7), generate(7), generate(8));
    assert_eq!(listed(&one), listed(&again));
    assert_ne!(listed(&one), listed(&other));
    assert_eq!(listed(&one).len(), 3000);
    assert_eq!(one.keywords().nth(11), Some("沙盒建设0012有限公司"));
    assert_eq!(one.keywords().collect::<BTreeSet<_>>().len(), 1000);
}

#[test]
fn the_first_generated_companies_lose_a_certificate_and_get_it_back() {
    let scenario = Scenario::parse(
        "[generate]\ncompanies = 20\ncertificates = 3\n\
         lose = { companies = 12, from = \"2026-01-05\", to = \"2026-01-06\" }",
    )
    .unwrap();
    for (day, twelfth, why) in [
        ("2026-01-04", 3, "not yet"),
        ("2026-01-05", 2, "lost"),
        ("2026-01-06", 2, "the last day without"),
        ("2026-01-07", 3, "back"),
    ] {
        let day = day.parse().unwrap();
        assert_eq!(scenario.listed("沙盒建设0012有限公司", day).len(), twelfth, "{why}");
        assert_eq!(scenario.listed("沙盒建设0013有限公司", day).len(), 3, "{why}: another");
    }
}

#[test]
fn a_scenario_that_makes_no_sense_is_refused_with_its_place() {
    for (text, expected) in [
        (
            "[[company]]\nkeywords = []\nid = \"x\"",
            "[[company]] no. 1: its `keywords` are none, or one of them is empty",
        ),
        (
            "[[fault]]\nhtml = true\n[[fault]]\npage = 1",
            "[[fault]] no. 2: it says when, but not what goes wrong",
        ),
        (
            "[[fault]]\nhtml = true\ncode = 10012",
            "[[fault]] no. 1: one fault has one effect: make two entries of it",
        ),
        (
            "[[fault]]\nslow = \"soon\"",
            "[[fault]] no. 1: \"soon\" is not a span such as \"30s\" or \"500ms\"",
        ),
        ("[[fault]]\nstatus = 99", "[[fault]] no. 1: 99 is not the status of an answer"),
        ("[[fault]]\nhtml = true\ntimes = 0", "[[fault]] no. 1: `page` and `times` count from 1"),
        (
            "[[fault]]\nhtml = true\nfrom = \"5 Jan\"",
            "[[fault]] no. 1: \"5 Jan\" is not a day such as \"2026-01-05\"",
        ),
        (
            "[[fault]]\nhtml = true\nfrom = \"2026-01-05\"\nto = \"2026-01-04\"",
            "[[fault]] no. 1: `to` lies before `from`",
        ),
        ("[[fault]]\nbody_base64 = \"*\"", "[[fault]] no. 1: `body_base64` is not base64"),
        (
            "[generate]\ncompanies = 999999\ncertificates = 1",
            "[generate]: at most 100000 companies of 500 certificates",
        ),
    ] {
        let refused = Scenario::parse(text).unwrap_err();
        assert_eq!(refused.to_string(), format!("the scenario's {expected}"));
        assert!(refused.advice().is_some());
    }
    for text in ["[[fault]]\nhtml = false", "[[fault]]\nhtlm = true", "company = 1", "["] {
        assert!(matches!(Scenario::parse(text), Err(SandboxError::Scenario(_))), "{text}");
    }
}

#[test]
fn something_happens_to_every_company_of_a_list_in_its_first_days() {
    let list =
        ["甲", "乙", "丙", "丁", "戊", "己"].map(|name| OwnCompany { keyword: name.to_owned(), id: None });
    let first = NaiveDate::from_ymd_opt(2026, 1, 5).unwrap();
    let scenario = Scenario::of_list(&list, first);
    let ends = |keyword: &str, days: i64| -> Vec<String> {
        let listed = scenario.listed(keyword, first + TimeDelta::days(days));
        listed.into_iter().filter_map(|certificate| certificate.until.clone()).collect()
    };
    let (far, near, later) = ("2030-02-13", "2026-04-06", "2027-12-06");
    for (keyword, days, expected, why) in [
        ("甲", 2, &[far, near][..], "91 days from its end"),
        ("甲", 3, &[far, "2031-01-08"], "renewed"),
        ("乙", 1, &[far, later], "whole"),
        ("乙", 2, &[far], "one is gone"),
        ("丙", 0, &[far], "one"),
        ("丙", 1, &[far, later], "one more"),
        ("丁", 0, &[far, "2026-01-06"], "it ends, and that is all"),
        ("丁", 9, &[far, "2026-01-06"], "it ends, and that is all"),
        ("己", 2, &[far, later], "not on the day of another, which would be a mass loss"),
        ("己", 3, &[far], "but on the next"),
    ] {
        assert_eq!(ends(keyword, days), expected, "{keyword} after {days} days: {why}");
    }
    let listed = list.iter().flat_map(|own| scenario.listed(&own.keyword, first));
    let numbers: BTreeSet<_> = listed.filter_map(|certificate| certificate.number.clone()).collect();
    assert_eq!(numbers.len(), 11, "all but the one that comes, each with a number of its own");
}
