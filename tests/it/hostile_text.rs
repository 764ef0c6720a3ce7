//! What upstream says is data wherever it goes: rows, mails, terminal, log.

use std::process::{Command, Stdio};

use crate::support::program::Ran;
use crate::support::scene::{COMPANIES, DAYS, READER, Scene, cast};
use crate::support::smtp_sink::ReceivedMail;

/// As JSON has it: markup, a header's end, a terminal's commands, turned writing, what PostgreSQL's text refuses.
const HOSTILE: [(&str, &str); 9] = [
    ("markup", "<script>alert(1)</script></td><img src=http://evil.example/x onerror=alert(1)>"),
    ("a header of its own", "甲\\r\\nBcc: victim@example.com\\r\\n\\r\\nbody"),
    (
        "a terminal's commands",
        "\\u001b[2J\\u001b]0;owned\\u0007\\u001b]8;;http://evil.example\\u001b\\\\x\\u009b31m",
    ),
    ("turned writing", "\\u202e乙级\\u2066\\u2069\\u200b\\ufeff"),
    ("NUL", "a\\u0000b"),
    ("half a character", "a\\ud800b\\udc00c"),
    ("an encoded word", "=?utf-8?q?Bcc:_victim@example.com?="),
    ("a formula", "=cmd|'/c calc'!A1"),
    ("the end of a mail", "x\\r\\n.\\r\\nMAIL FROM:<evil@example.com>\\r\\n"),
];

const HEADERS: [&str; 9] = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Auto-Submitted",
    "X-Auto-Response-Suppress",
    "MIME-Version",
    "Content-Type",
];

/// A page on which every text of an item is hostile but its number.
fn page(prefix: &str, count: usize, longest: &str) -> String {
    let items: Vec<String> = HOSTILE
        .iter()
        .map(|(_, text)| *text)
        .map(|text| (text, text))
        .chain([("住房和城乡建设部", longest)])
        .take(count)
        .enumerate()
        .map(|(n, (text, name))| {
            format!(
                r#"{{"organ":"{text}","effectiveTime":"2026-03-0{}","businessId":"{prefix}-D24100000{n}","issuingCertificateTime":"{text}",
                "type":"{text}","certificateNum":"D24100000{n}","qualificationName":"{name}"}}"#,
                n % 9 + 1
            )
        })
        .collect();
    format!(
        r#"{{"reason":"success","error_code":0,"result":{{"total":{count},"items":[{}]}}}}"#,
        items.join(",")
    )
}

fn body(keyword: &str, more: &str, body: &str) -> String {
    format!("[[fault]]\nkeyword = \"{keyword}\"\n{more}body = '''{body}'''\n")
}

fn scenario() -> String {
    let companies = cast();
    let long = "长".repeat(350_000);
    let reason: String = HOSTILE.iter().map(|(_, text)| *text).collect();
    let prefix = "5f0000000000000000000001";
    companies
        + &body(COMPANIES[0], "to = \"2026-01-05\"\n", &page(prefix, HOSTILE.len(), ""))
        + &body(COMPANIES[0], "", &page(prefix, HOSTILE.len() + 1, &long))
        + &body(
            COMPANIES[1],
            "",
            &format!(r#"{{"reason":"{reason}","error_code":77777,"result":"{reason}"}}"#),
        )
}

/// Nothing that steers a terminal or hides what stands there; `also` is allowed besides line ends.
fn is_inert(text: &str, also: &[char], place: &str) {
    let steers = |c: &char| {
        c.is_control() && *c != '\n'
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    if let Some(c) = text.chars().find(|c| steers(c) && !also.contains(c)) {
        let at = text.find(c).unwrap();
        let from = text[..at].char_indices().rev().nth(80).map_or(0, |(at, _)| at);
        panic!("{c:?} is in {place}, after: {}", &text[from..at]);
    }
}

fn said(ran: &Ran, place: &str) {
    is_inert(&ran.stdout, &[], place);
    is_inert(&ran.stderr, &[], &format!("the log of {place}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_text_is_inert_wherever_it_goes() {
    let scene = Scene::with(&scenario()).await;
    let program = scene.program().with("RUST_LOG", "trace");
    let ran = program.run(&["check"]);
    assert_eq!(ran.code, Some(3), "one company's code is unknown: {}", ran.stdout);
    said(&ran, "check");
    let held = "SELECT count(DISTINCT number_key) FROM holdings WHERE number_key LIKE 'D24100000%' AND valid_to IS NULL";
    assert!(scene.count(held).await >= 9, "every certificate is stored");

    scene.at(DAYS[1]);
    let program = scene.now(program);
    let ran = program.run(&["check", "--json"]);
    let found = ran.json();
    let added = found["events"].as_array().unwrap().iter().any(|event| event["kind"] == "certificate_added");
    assert!(added, "the one with a name of a megabyte: {:#}", found["problems"]);
    assert_eq!(found["mail"]["owed"], 0, "and it could be mailed");
    for arguments in [&["status"][..], &["list"], &["list", "--format", "csv"], &["history"]] {
        let ran = program.run(arguments);
        let csv = ["\u{feff}".chars().next().unwrap(), '\r'];
        is_inert(&ran.stdout, if arguments.contains(&"csv") { &csv } else { &[] }, &format!("{arguments:?}"));
        is_inert(&ran.stderr, &[], &format!("the log of {arguments:?}"));
    }

    assert_eq!(scene.sink.violations(), Vec::<String>::new());
    let letters = scene.letters();
    assert!(letters.iter().filter(|(to, _)| to == READER).count() >= 2, "both days brought news");
    for (to, letter) in &letters {
        let mut names = letter.names();
        // Only readers reply to the operators.
        names.retain(|name| *name != "Reply-To" || to != READER);
        names.sort_by_key(|name| HEADERS.iter().position(|known| known == name));
        assert_eq!(names, HEADERS, "to {to}");
        is_inert(&letter.text, &[], "a mail's text");
        is_inert(&letter.html, &[], "a mail's HTML");
        is_inert(&letter.subject(), &[], "a subject");
        assert!(!letter.html.contains("<script") && !letter.html.contains("<img"), "{}", letter.html);
    }
    let biggest = scene.sink.mails().iter().map(|mail| mail.bytes.len()).max().unwrap();
    assert!(biggest < 1_500_000, "no server has to take {biggest} bytes");
    for mail in scene.sink.mails() {
        another_parser_agrees(&mail);
    }
}

/// Python's reading of the headers; skipped where there is no Python.
fn another_parser_agrees(mail: &ReceivedMail) {
    const SCRIPT: &str = "import email, email.policy, sys\n\
        m = email.message_from_bytes(sys.stdin.buffer.read(), policy=email.policy.default)\n\
        print('|'.join(sorted(m.keys())), len(list(m.walk())), len(m.defects), m['to'])";
    let python =
        Command::new("python3").args(["-c", SCRIPT]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let Ok(mut python) = python else { return };
    std::io::Write::write_all(&mut python.stdin.take().unwrap(), &mail.bytes).unwrap();
    let read = String::from_utf8(python.wait_with_output().unwrap().stdout).unwrap();
    let mut headers = HEADERS.to_vec();
    headers.extend(mail.to.iter().any(|to| to == READER).then_some("Reply-To"));
    headers.sort_unstable();
    assert_eq!(read.trim(), format!("{} 3 0 {}", headers.join("|"), mail.to.join(" ")));
}
