use super::*;
use crate::domain::outcome::Outcome;
use crate::domain::secret::Secret;
use crate::juhe::codes::Pace;

const KEY: &str = "0123456789abcdef0123456789abcdef";

fn scrubber() -> Scrubber {
    Scrubber::new(&Secret::parse(KEY).unwrap())
}

fn judged(reply: &Reply) -> Result<AnswerPage, Failure> {
    judge(reply, &scrubber())
}

fn reply(status: u16, body: &[u8]) -> Reply {
    Reply { status: Some(status), body: body.to_vec(), ..Reply::default() }
}

fn failure(status: u16, body: &str) -> Failure {
    judged(&reply(status, body.as_bytes())).unwrap_err()
}

proptest::proptest! {
    #[test]
    fn why_an_answer_is_none_is_said_inert_short_and_without_the_key(
        status in 100..600_u16,
        before in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..250),
        code in proptest::option::of("-?[0-9]{1,7}"),
        reason in proptest::prelude::any::<String>(),
        spelling in 0..4_usize,
    ) {
        let key = match spelling {
            0 => KEY.to_owned(),
            1 => KEY.bytes().map(|byte| format!("%{byte:02x}")).collect::<Vec<_>>().concat(),
            2 => KEY.bytes().map(|byte| format!("\\u{byte:04x}")).collect::<Vec<_>>().concat(),
            _ => String::new(),
        };
        let said = match code {
            Some(code) => format!(r#"{{"error_code":{code},"reason":{}}}"#, serde_json::Value::from(reason.clone() + KEY)),
            None => reason,
        };
        let body = [before, key.into_bytes(), said.into_bytes()].concat();
        let scrubbed = scrubber().scrub(body);
        if let Err(failure) = judged(&reply(status, &scrubbed)) {
            proptest::prop_assert!(!failure.reason.contains(KEY), "{:?}", failure);
            proptest::prop_assert_eq!(&crate::domain::text::displayable(&failure.reason), &failure.reason);
            proptest::prop_assert!(failure.reason.chars().count() <= 501, "{:?}", failure);
        }
    }
}

const NOT_FOUND: &str = r#"{"reason":"查询无结果","result":null,"error_code":265004}"#;
const EMPTY: &str = r#"{"reason":"success","result":{"total":0,"items":[]},"error_code":0}"#;
const HTML: &str = "<!DOCTYPE html><html><title>登录</title></html>";

#[test]
fn a_readable_code_decides_then_the_status_then_the_body() {
    for (status, body, class, code, why) in [
        (200, NOT_FOUND, Outcome::Empty, Some(265_004), "the plain case"),
        (500, NOT_FOUND, Outcome::Empty, Some(265_004), "the code decides, not the status"),
        (403, r#"{"error_code":"10008"}"#, Outcome::Credential, Some(10008), "a code as text"),
        (302, r#"{"error_code":10012}"#, Outcome::Quota, Some(10012), "even with a redirect"),
        (200, r#"{"error_code":300000}"#, Outcome::Unknown, Some(300_000), "not in the document"),
        (429, HTML, Outcome::Quota, Some(10011), "as 10011"),
        (302, "", Outcome::Unknown, None, "a redirect"),
        (304, "", Outcome::Unknown, None, "any 3xx"),
        (401, HTML, Outcome::Unknown, None, "not the provider's own refusal"),
        (403, HTML, Outcome::Unknown, None, "not the provider's own refusal"),
        (407, HTML, Outcome::Unknown, None, "a proxy"),
        (500, "", Outcome::Transient, None, "passing"),
        (503, HTML, Outcome::Transient, None, "passing"),
        (404, HTML, Outcome::Transient, None, "no listed status: an unreadable body"),
        (200, HTML, Outcome::Transient, None, "a captive portal"),
        (204, "", Outcome::Transient, None, "nothing is not empty"),
        (200, "{}", Outcome::Transient, None, "a missing error_code is not an empty answer"),
        (
            200,
            r#"{"resultcode":"101","result":null}"#,
            Outcome::Transient,
            None,
            "the old code decides nothing",
        ),
    ] {
        let failure = failure(status, body);
        assert_eq!((failure.class, failure.code), (class, code), "{status} {body}: {why}");
    }
    assert_eq!(judged(&reply(500, EMPTY.as_bytes())), Ok(AnswerPage { total: Some(0), items: vec![] }));
}

#[test]
fn only_limits_on_the_address_are_paced_by_ip_backoff() {
    assert_eq!(failure(429, "").pace(), Pace::AfterIpBackoff);
    assert_eq!(failure(200, r#"{"error_code":10011}"#).pace(), Pace::AfterIpBackoff);
    assert_eq!(failure(200, r#"{"error_code":10013}"#).pace(), Pace::AfterMidnight);
    assert_eq!(failure(403, "").pace(), Pace::GoesOn);
}

#[test]
fn reasons_are_the_providers_or_the_documents_or_the_beginning_of_the_body() {
    let long = "长".repeat(300);
    for (status, body, reason) in [
        (
            200,
            r#"{"reason":" 错误的请求KEY! \n","error_code":10001}"#.to_owned(),
            "错误的请求KEY!".to_owned(),
        ),
        (200, r#"{"error_code":10001}"#.into(), "错误的请求KEY".into()),
        (200, r#"{"reason":null,"error_code":300000}"#.into(), "no reason given".into()),
        (200, format!(r#"{{"reason":"{long}","error_code":10001}}"#), format!("{}…", "长".repeat(199))),
        (200, HTML.into(), format!("unreadable answer, a web page instead of JSON: {HTML}")),
        (404, String::new(), "unreadable answer, HTTP 404, an empty body".into()),
        (503, "busy\n".into(), r"HTTP 503, not JSON: busy\n".into()),
        (
            200,
            r#"{"resultcode":"112"}"#.into(),
            r#"unreadable answer, no error_code; resultcode 112, 请求超过次数限制: {"resultcode":"112"}"#
                .into(),
        ),
    ] {
        assert_eq!(failure(status, &body).reason, reason, "{body}");
    }
}

#[test]
fn an_excerpt_is_200_bytes_with_what_is_not_text_escaped() {
    let body = [&b"\xb4\xed\x1b[31m\0"[..], &[b'x'; 300]].concat();
    let failure = judged(&reply(200, &body)).unwrap_err();
    let expected =
        format!(r"unreadable answer, neither JSON nor UTF-8: \xb4\xed\u{{1b}}[31m\u{{0}}{}", "x".repeat(192));
    assert_eq!(failure.reason, expected);
}

#[test]
fn what_broke_off_counts_only_where_it_says_no() {
    let cut = |body: &str| {
        let broken = Some((CallFault::BrokeOff, "the answer of host broke off: reset".to_owned()));
        judged(&Reply { broken, ..reply(200, body.as_bytes()) }).unwrap_err()
    };
    for (body, fault, why) in [
        (EMPTY, CallFault::BrokeOff, "reads well, but was not sent whole"),
        ("", CallFault::BrokeOff, "nothing came"),
        (r#"{"error_code":0,"#, CallFault::BrokeOff, "half of it came"),
        (r#"{"error_code":10001}"#, CallFault::Said(10001), "a refusal is a refusal"),
    ] {
        assert_eq!(cut(body).fault, fault, "{why}");
    }
    assert_eq!(cut("").reason, "the answer of host broke off: reset");
    assert_eq!(cut("").class, Outcome::Transient);
}

#[test]
fn a_redirect_names_the_host_and_neither_path_nor_key() {
    let to = |host: &str| {
        let redirected_to = Some(host.to_owned());
        judged(&Reply { redirected_to, ..reply(302, b"") }).unwrap_err().reason
    };
    assert_eq!(to("login.example.net"), "HTTP 302, redirected to host login.example.net");
    assert!(!to(&format!("{KEY}.example.net")).contains(KEY));
}

#[test]
fn what_stops_nothing_and_passes_needs_no_advice_and_the_rest_has_its_own() {
    for (status, body, word) in [
        (302, "", "follows nobody"),
        (407, "", "proxy"),
        (403, "", "firewall"),
        (404, "", "[api].url"),
        (200, HTML, "log-in page"),
        (429, "", "ip_backoff"),
        (200, r#"{"error_code":10008}"#, "a new key would not help"),
    ] {
        let advice = failure(status, body).advice().unwrap();
        assert!(advice.contains(word), "{status} {body}: {advice}");
    }
    assert_eq!(failure(503, "").advice(), None);
    assert_eq!(failure(200, r#"{"error_code":10020}"#).advice(), None);
}
