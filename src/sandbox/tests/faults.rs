//! Each fault as a client meets it.

use std::time::Duration;

use futures_util::StreamExt as _;
use serde_json::{Value, json};

use super::{ONE_COMPANY, Rig, numbers, parsed};
use crate::clock::within;

const FORM: [(&str, &str); 2] = [("key", "k"), ("keyword", "沙盒甲")];
/// Three pages of 2, with the page size that the tests below ask for.
const SIX_CERTIFICATES: &str = r#"
[[company]]
keywords = ["沙盒甲"]
id = "5f0000000000000000000001"
certificate = [
    { number = "1" }, { number = "2" }, { number = "3" }, { number = "4" }, { number = "5" }, { number = "6" },
]
"#;

/// Total and certificate numbers of the three pages of six certificates.
async fn three_pages(fault: &str) -> Vec<(u64, String)> {
    let rig = Rig::with(&format!("{SIX_CERTIFICATES}\n[[fault]]\n{fault}")).await;
    let mut pages = Vec::new();
    for page in ["1", "2", "3"] {
        let form = [("key", "k"), ("keyword", "沙盒甲"), ("pageNum", page), ("pageSize", "2")];
        let body = rig.post(&form).await;
        pages.push((body["result"]["total"].as_u64().unwrap(), numbers(&body).concat()));
    }
    pages
}

#[tokio::test]
async fn pages_can_disagree() {
    for (fault, expected, why) in [
        ("times = 1\nignore_page = true", [(6, "12"), (6, "34"), (6, "56")], "right: page 1 is no other"),
        ("changing_total = true", [(6, "12"), (7, "34"), (8, "56")], "each page says another total"),
        ("repeat_item = true", [(6, "12"), (6, "24"), (6, "46")], "an item on two pages, another on none"),
        ("short_page = true\npage = 3", [(6, "12"), (6, "34"), (6, "5")], "total 6, got 5"),
        ("ignore_page = true", [(6, "12"), (6, "12"), (6, "12")], "page 2 is page 1"),
    ] {
        let expected = expected.map(|(total, numbers)| (total, numbers.to_owned()));
        assert_eq!(three_pages(fault).await, expected, "{why}");
    }
}

#[tokio::test]
async fn bodies_can_be_something_else() {
    for (fault, status, begins, why) in [
        ("status = 503", 503, "<html><head><title>503 Service Unavailable", "a web server's own page"),
        ("status = 403\ncode = 10012", 403, "{\"error_code\":10012", "a status beside a readable code"),
        ("html = true", 200, "<!DOCTYPE html>", "a captive portal"),
        ("empty_body = true", 200, "", "nothing"),
        ("body = '{\"error_code\":\"0\"'", 200, "{\"error_code\":\"0\"", "word by word, not even JSON"),
        ("status = 500\nbody = 'x'", 500, "x", "word by word with a status"),
        ("code = 10099", 200, "{\"error_code\":10099,\"reason\":\"未列出的错误\"", "a code nobody knows"),
        ("code = 265005\nreason = '怪'", 200, "{\"error_code\":265005,\"reason\":\"怪\"", "other words"),
    ] {
        let rig = Rig::with_fault(fault).await;
        let response = rig.send(&FORM).await.unwrap();
        assert_eq!(response.status(), status, "{why}");
        let body = response.text().await.unwrap();
        assert!(body.starts_with(begins) && body.is_empty() == begins.is_empty(), "{why}: {body}");
    }
}

#[tokio::test]
async fn bytes_that_are_no_utf_8_can_be_sent() {
    // A byte order mark and "{" in UTF-16.
    let rig = Rig::with_fault("body_base64 = \"//57AA==\"").await;
    let body = rig.send(&FORM).await.unwrap().bytes().await.unwrap();
    assert_eq!(body.as_ref(), [0xff, 0xfe, b'{', 0]);
}

#[tokio::test]
async fn an_error_can_echo_the_key() {
    let key = "0123456789abcdef0123456789abcdef";
    for (fault, code, resultcode) in [("", 10012, "112"), ("\ncode = 10003", 10003, "103")] {
        let rig = Rig::with_fault(&format!("echo_key = true{fault}")).await;
        let body = rig.post(&[("key", key), ("keyword", "沙盒甲")]).await;
        assert_eq!(body["result"], key);
        assert_eq!(body["error_code"], code);
        assert_eq!(body["resultcode"], resultcode);
        assert_eq!(rig.sandbox.ledger()[0].error_code, Some(code));
    }
}

#[tokio::test]
async fn a_redirect_names_its_target_and_keeps_its_status() {
    for (fault, status) in [("", 302), ("\nstatus = 307", 307)] {
        let rig = Rig::with_fault(&format!("redirect = \"http://169.254.169.254/\"{fault}")).await;
        let response = rig.send(&FORM).await.unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(response.headers()["location"], "http://169.254.169.254/");
    }
}

#[tokio::test]
async fn a_cut_off_answer_ends_in_the_middle_of_its_body() {
    let rig = Rig::with_fault("cut_off = true").await;
    let response = rig.send(&FORM).await.unwrap();
    let promised = response.content_length().unwrap();
    let mut body = response.bytes_stream();
    let first = body.next().await.unwrap().unwrap();
    assert_eq!(first.len() as u64, promised / 2);
    assert!(body.next().await.unwrap().is_err());
}

#[tokio::test]
async fn a_slow_answer_is_in_the_ledger_before_it_comes() {
    let rig = Rig::with_fault("slow = \"1h\"").await;
    assert!(within(Duration::from_millis(200), rig.send(&FORM)).await.is_err());
    assert_eq!(rig.sandbox.ledger()[0].error_code, Some(0));
    let rig = Rig::with_fault("slow = \"50ms\"\ncode = 265000").await;
    assert_eq!(rig.post(&FORM).await["error_code"], 265_000, "slow, and then an error");
}

#[tokio::test]
async fn a_dripped_answer_comes_byte_by_byte_and_is_the_right_one() {
    let rig = Rig::with_fault("drip = \"1ms\"").await;
    let response = rig.send(&FORM).await.unwrap();
    let body: Vec<_> = response.bytes_stream().map(Result::unwrap).collect().await;
    assert!(body.len() > 1, "{} pieces", body.len());
    let body: Value = serde_json::from_slice(&body.concat()).unwrap();
    assert_eq!(body["result"]["total"], 2);
    let rig = Rig::with_fault("drip = \"1s\"").await;
    let whole = async { rig.send(&FORM).await.unwrap().bytes().await };
    assert!(within(Duration::from_millis(200), whole).await.is_err());
}

#[tokio::test]
async fn a_gzip_bomb_inflates_to_what_it_promises() {
    let rig = Rig::with_fault("gzip_bomb = 20000000").await;
    let packed = rig.send(&FORM).await.unwrap().bytes().await.unwrap();
    let (mut inflated, mut stream) = (0, flate2::read::GzDecoder::new(packed.as_ref()));
    let mut piece = vec![0; 65_536];
    while let Ok(bytes @ 1..) = std::io::Read::read(&mut stream, &mut piece) {
        assert!(piece[..bytes].iter().all(|byte| *byte == b' '));
        inflated += bytes;
    }
    assert!((20_000_000..20_010_000).contains(&inflated), "{inflated} bytes");
}

#[tokio::test]
async fn a_fault_strikes_only_where_and_when_it_says() {
    let rig = Rig::with(&format!(
        r#"{ONE_COMPANY}
        [[company]]
        keywords = ["沙盒乙"]
        id = "5f0000000000000000000002"
        certificate = [{{ number = "D241000009" }}]
        [[fault]]
        from = "2026-01-06"
        to = "2026-01-06"
        code = 10012
        [[fault]]
        from = "2026-01-07T07:30:00+08:00"
        to = "2026-01-07T08:30:00+08:00"
        code = 10001
        [[fault]]
        from = "2026-01-08"
        keyword = "沙盒甲的代码"
        page = 2
        code = 265003
        "#,
    ))
    .await;
    for (now, keyword, page, code, why) in [
        ("2026-01-05T23:59:59+08:00", "沙盒甲", "1", 0, "the day before"),
        ("2026-01-06T00:00:00+08:00", "沙盒甲", "1", 10012, "a day begins at midnight in Shanghai"),
        ("2026-01-06T23:59:59+08:00", "沙盒乙", "1", 10012, "`to` is included, and everybody is meant"),
        ("2026-01-07T00:00:00+08:00", "沙盒甲", "1", 0, "the day after"),
        ("2026-01-07T07:30:00+08:00", "沙盒甲", "1", 10001, "the first instant"),
        ("2026-01-07T08:30:00+08:00", "沙盒甲", "1", 0, "an instant as `to` is not included"),
        ("2026-01-08T08:00:00+08:00", "沙盒甲", "1", 0, "another page"),
        ("2026-01-08T08:00:00+08:00", "沙盒甲", "2", 265_003, "the company, by another of its keywords"),
        ("2026-01-08T08:00:00+08:00", "沙盒乙", "2", 0, "another company"),
    ] {
        rig.set(now);
        assert_eq!(rig.ask_page(keyword, page).await["error_code"], code, "{why}");
    }
}

#[tokio::test]
async fn a_fault_can_wear_off_and_the_next_one_then_has_its_turn() {
    let faults = "keyword = \"沙盒甲\"\ntimes = 2\ncode = 265000\n[[fault]]\nkey = \"old\"\ncode = 10003";
    let rig = Rig::with_fault(faults).await;
    let mut codes = Vec::new();
    for form in [
        [("key", "old"), ("keyword", "沙盒甲")],
        [("key", "old"), ("keyword", "nobody")],
        [("key", "old"), ("keyword", "沙盒甲")],
        [("key", "old"), ("keyword", "沙盒甲")],
        [("key", "new"), ("keyword", "沙盒甲")],
    ] {
        codes.push(rig.post(&form).await["error_code"].clone());
    }
    assert_eq!(json!(codes), json!([265_000, 10003, 265_000, 10003, 0]));
}

#[tokio::test]
async fn a_fault_without_a_keyword_also_meets_requests_that_are_wrong() {
    let rig = Rig::with_fault("code = 10020").await;
    assert_eq!(parsed(rig.send(&[]).await.unwrap()).await["error_code"], 10020);
}
