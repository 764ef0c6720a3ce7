//! A received message, taken apart by a reader of its own: headers as they stand, both parts decoded.

use base64::Engine as _;

use super::smtp_sink::ReceivedMail;

/// What a mail program would show, and its headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Name and unfolded value, in their order.
    pub headers: Vec<(String, String)>,
    pub text: String,
    pub html: String,
    /// The attached list; empty where there is none.
    pub csv: String,
}

impl Letter {
    /// Panics on whatever is not a message of two base64 parts, or of the text alone, with or without a list.
    pub fn read(bytes: &[u8]) -> Self {
        let message = std::str::from_utf8(bytes).unwrap();
        let (head, body) = message.split_once("\r\n\r\n").unwrap();
        let headers = headers(head);
        let kind = value(&headers, "Content-Type");
        if kind.starts_with("text/plain") {
            return Self {
                text: part(message, "text/plain"),
                html: String::new(),
                csv: String::new(),
                headers,
            };
        }
        let [first, second] = two_parts(kind, body);
        if kind.starts_with("multipart/mixed") {
            let (head, body) = first.trim_start().split_once("\r\n\r\n").unwrap();
            let of_parts = self::headers(head);
            let csv = part(second, "text/csv");
            let kind = value(&of_parts, "Content-Type");
            if kind.starts_with("text/plain") {
                return Self { text: part(first, "text/plain"), html: String::new(), csv, headers };
            }
            let [text, html] = two_parts(kind, body);
            return Self { text: part(text, "text/plain"), html: part(html, "text/html"), csv, headers };
        }
        let csv = String::new();
        Self { text: part(first, "text/plain"), html: part(second, "text/html"), csv, headers }
    }

    pub fn of(mail: &ReceivedMail) -> Self {
        Self::read(&mail.bytes)
    }

    pub fn header(&self, name: &str) -> &str {
        value(&self.headers, name)
    }

    /// The names of the headers, in their order.
    pub fn names(&self) -> Vec<&str> {
        self.headers.iter().map(|(name, _)| name.as_str()).collect()
    }

    pub fn subject(&self) -> String {
        let words = self.header("Subject").split_whitespace().map(|word| {
            let coded = word.strip_prefix("=?utf-8?b?").and_then(|word| word.strip_suffix("?="));
            coded.map_or_else(|| word.as_bytes().to_vec(), decode)
        });
        String::from_utf8(words.collect::<Vec<_>>().concat()).unwrap()
    }

    /// What it tells, whatever the order in which its news was found.
    pub fn told(&self) -> Vec<String> {
        let unnumbered = |line: &str| line.trim_start_matches(|c: char| c.is_ascii_digit()).to_owned();
        let mut lines: Vec<_> = self.text.lines().map(unnumbered).collect();
        lines.sort();
        lines
    }
}

fn two_parts<'a>(kind: &str, body: &'a str) -> [&'a str; 2] {
    let boundary = kind.split("boundary=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let parts: Vec<&str> = body.split(&format!("--{boundary}")).collect();
    assert_eq!((parts.len(), parts[3].trim()), (4, "--"), "two parts and an end: {body}");
    [parts[1], parts[2]]
}

fn headers(head: &str) -> Vec<(String, String)> {
    let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ");
    let header = |line: &str| {
        let (name, value) = line.split_once(':').unwrap_or_else(|| panic!("no header: {line}"));
        (name.to_owned(), value.trim().to_owned())
    };
    unfolded.split("\r\n").map(header).collect()
}

fn value<'a>(headers: &'a [(String, String)], name: &str) -> &'a str {
    let found: Vec<_> = headers.iter().filter(|(found, _)| found == name).collect();
    assert_eq!(found.len(), 1, "{name} in {headers:?}");
    &found[0].1
}

fn part(text: &str, kind: &str) -> String {
    let (head, body) = text.trim_start().split_once("\r\n\r\n").unwrap();
    let headers = headers(head);
    assert!(value(&headers, "Content-Type").starts_with(kind), "{headers:?}");
    assert_eq!(value(&headers, "Content-Transfer-Encoding"), "base64");
    let text = decode(&body.split_whitespace().collect::<String>());
    String::from_utf8(text).unwrap().replace("\r\n", "\n")
}

fn decode(text: &str) -> Vec<u8> {
    base64::engine::general_purpose::STANDARD.decode(text).unwrap()
}
