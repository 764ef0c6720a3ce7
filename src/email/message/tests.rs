use std::process::{Command, Stdio};

use chrono_tz::Asia::Shanghai;
use proptest::prelude::*;

use super::*;

fn letter(subject: &str) -> Letter {
    Letter {
        subject: subject.to_owned(),
        text: "河南院：A141002510 剩余 30 天\n.\n第二行\n".to_owned(),
        html: "<p>河南院：A141002510 剩余 <b>30</b> 天</p>".to_owned(),
        csv: None,
        reply_to: Vec::new(),
        covers: vec![0],
        covers_unlisted: Vec::new(),
    }
}

fn mailbox(name: &str) -> Mailbox {
    Mailbox {
        name: (!name.is_empty()).then(|| name.to_owned()),
        address: "alerts@example.com".parse().unwrap(),
    }
}

fn built(subject: &str, from: &str, to: &str) -> Vec<u8> {
    let (from, to) = (mailbox(from), to.parse().unwrap());
    build(&letter(subject), &envelope(&from, &to)).unwrap()
}

fn envelope<'a>(from: &'a Mailbox, to: &'a EmailAddress) -> Envelope<'a> {
    Envelope {
        from,
        to,
        at: "2026-07-24T01:02:03Z".parse().unwrap(),
        zone: Shanghai,
        message_id: "20260724.1.abc@example.com",
    }
}

fn headers(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    text.split_once("\r\n\r\n").unwrap().0.split("\r\n").map(str::to_owned).collect()
}

const SUBJECT: &str = "【资质到期提醒】河南院 等3家：A141002510 剩余 30 天；另有 7 项";

#[test]
fn a_message_is_the_same_bytes_each_time() {
    let bytes = built(SUBJECT, "资质监控（河南）", "ops@例子.测试");
    assert_eq!(bytes, built(SUBJECT, "资质监控（河南）", "ops@例子.测试"));
    insta::assert_snapshot!("message", String::from_utf8(bytes).unwrap().replace("\r\n", "\n"));
}

/// Another program's reading of what was built; skipped where there is no Python.
#[test]
fn another_parser_reads_what_was_meant() {
    const SCRIPT: &str = r"
import email, email.policy, json, sys
m = email.message_from_bytes(sys.stdin.buffer.read(), policy=email.policy.default)
parts = list(m.iter_parts())
print(json.dumps([m['subject'], m['from'].addresses[0].display_name, m['from'].addresses[0].addr_spec,
  [a.addr_spec for a in m['to'].addresses], m['date'].datetime.isoformat(), m['message-id'],
  m['auto-submitted'], m['x-auto-response-suppress'], m.get_content_type(),
  [p.get_content_type() for p in parts], [p.get_content() for p in parts], len(m.defects), sorted(m.keys())]))
";
    let bytes = built(SUBJECT, "资质监控（河南）", "ops@例子.测试");
    let python =
        Command::new("python3").args(["-c", SCRIPT]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let Ok(mut python) = python else { return };
    std::io::Write::write_all(&mut python.stdin.take().unwrap(), &bytes).unwrap();
    let output = python.wait_with_output().unwrap();
    let read: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let letter = letter("");
    assert_eq!(
        read,
        serde_json::json!([
            SUBJECT,
            "资质监控（河南）",
            "alerts@example.com",
            ["ops@xn--fsqu00a.xn--0zwm56d"],
            "2026-07-24T09:02:03+08:00",
            "<20260724.1.abc@example.com>",
            "auto-generated",
            "All",
            "multipart/alternative",
            ["text/plain", "text/html"],
            [letter.text.replace('\n', "\r\n"), letter.html],
            0,
            [
                "Auto-Submitted",
                "Content-Type",
                "Date",
                "From",
                "MIME-Version",
                "Message-ID",
                "Subject",
                "To",
                "X-Auto-Response-Suppress"
            ],
        ])
    );
}

#[test]
fn header_lines_are_short_and_cut_no_character() {
    for (subject, name, why) in [
        ("资质".repeat(30), "资质监控（河南）".to_owned(), "sixty Chinese characters"),
        ("x".repeat(300), "y".repeat(100), "no place to fold"),
        (format!("短 {} 短", "长".repeat(100)), "资质 \"监控\" <alerts>".to_owned(), "blanks and signs"),
        ("🏗️".repeat(50), "🏗️".repeat(30), "four bytes and a joiner"),
        ("=?utf-8?b?5rWL?= a".to_owned(), "=?utf-8?q?x?=".to_owned(), "what looks encoded"),
    ] {
        let bytes = built(&subject, &name, "ops@example.com");
        for line in headers(&bytes) {
            assert!(line.len() <= 76, "{why}: {line}");
        }
        assert_eq!(decoded(&bytes, "Subject"), subject, "{why}");
    }
}

/// A header's text, its RFC 2047 words decoded one by one: a cut character would not be UTF-8.
fn decoded(bytes: &[u8], name: &str) -> String {
    use base64::Engine as _;
    let lines = headers(bytes);
    let at = lines.iter().position(|line| line.starts_with(&format!("{name}:"))).unwrap();
    let folded = lines[at + 1..].iter().take_while(|line| line.starts_with(' '));
    let whole: String = [lines[at][name.len() + 1..].to_owned()].into_iter().chain(folded.cloned()).collect();
    let mut text = String::new();
    let mut after_encoded = false;
    for word in whole.split(' ').filter(|word| !word.is_empty()) {
        let encoded = word.strip_prefix("=?utf-8?b?").and_then(|word| word.strip_suffix("?="));
        if !(text.is_empty() || after_encoded && encoded.is_some()) {
            text.push(' ');
        }
        match encoded {
            Some(encoded) => {
                let bytes = base64::engine::general_purpose::STANDARD.decode(encoded).unwrap();
                text.push_str(&String::from_utf8(bytes).unwrap());
            }
            None => text.push_str(word),
        }
        after_encoded = encoded.is_some();
    }
    text
}

#[test]
fn an_id_that_would_break_its_header_is_refused() {
    let (from, to) = (mailbox("x"), "ops@example.com".parse().unwrap());
    for id in ["", "a", "a@", "@b", "a@b@c", "a b@c", "a@b>\r\nBcc: x@example.com", "资@b", &"a".repeat(250)]
    {
        let refused = build(&letter("x"), &Envelope { message_id: id, ..envelope(&from, &to) });
        assert!(matches!(refused, Err(EmailError::Build { .. })), "{id:?}");
    }
}

proptest! {
    #[test]
    fn no_text_adds_a_header(subject in any::<String>(), name in any::<String>(), body in any::<String>()) {
        let (from, to) = (mailbox(&name), "ops@example.com".parse().unwrap());
        let letter = Letter { text: body.clone(), html: format!("<p>{body}"), ..letter(&subject) };
        let bytes = build(&letter, &envelope(&from, &to)).unwrap();
        check_wire_format(&bytes).unwrap();
        let lines = headers(&bytes);
        let mut names: Vec<&str> =
            lines.iter().filter(|line| !line.starts_with(' ')).map(|line| line.split(':').next().unwrap()).collect();
        names.sort_unstable();
        prop_assert_eq!(names, [
            "Auto-Submitted", "Content-Type", "Date", "From", "MIME-Version", "Message-ID", "Subject", "To",
            "X-Auto-Response-Suppress",
        ]);
        prop_assert!(lines.iter().all(|line| line.len() <= 76), "{:?}", lines);
    }
}

#[test]
fn readers_reply_to_the_operators_and_get_the_whole_list() {
    let with_list = Letter {
        csv: Some("\u{feff}\"企业\"\r\n".to_owned()),
        reply_to: vec!["ops@example.com".to_owned(), "chief@example.com".to_owned()],
        ..letter("x")
    };
    let to: EmailAddress = "a@example.com".parse().unwrap();
    let from = mailbox("");
    let at = "2026-07-24T01:02:03Z".parse().unwrap();
    let envelope = Envelope { from: &from, to: &to, at, zone: Shanghai, message_id: "1@example.com" };
    let bytes = String::from_utf8(build(&with_list, &envelope).unwrap()).unwrap();
    assert!(bytes.contains("Reply-To: ops@example.com,\r\n chief@example.com\r\n"), "{bytes}");
    assert!(bytes.contains("multipart/mixed") && bytes.contains("multipart/alternative"), "{bytes}");
    assert!(bytes.contains("filename=\"qualwatch.csv\""), "{bytes}");
}

#[test]
fn a_letter_without_html_is_text_alone_and_keeps_its_list() {
    let (from, to) = (mailbox("x"), "ops@example.com".parse().unwrap());
    let alone = Letter { html: String::new(), ..letter("x") };
    let bytes = build(&alone, &envelope(&from, &to)).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    assert!(
        text.contains("Content-Type: text/plain; charset=utf-8") && !text.contains("multipart"),
        "{text}"
    );
    let with_list = Letter { csv: Some("a,b\r\n".to_owned()), ..alone };
    let text = String::from_utf8(build(&with_list, &envelope(&from, &to)).unwrap()).unwrap();
    assert!(
        text.contains("multipart/mixed") && !text.contains("text/html") && text.contains("qualwatch.csv")
    );
}
