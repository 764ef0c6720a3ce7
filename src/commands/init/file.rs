//! The text of a first watchlist.

use std::fmt::Write as _;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use unicode_width::UnicodeWidthStr as _;

use super::service::Outgoing;
use super::words::{self, Words};
use crate::domain::language::Language;

/// What a login needs not to be written otherwise in an address.
const KEPT_IN_LOGIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'_').remove(b'+');

/// Behind this column stand the comments.
const COMMENT_COLUMN: usize = 44;

/// What was answered.
#[derive(Debug, Clone)]
pub(super) struct Answers {
    pub language: Language,
    pub companies: Vec<CompanyAnswer>,
    pub outgoing: Outgoing,
    /// Where mails as files go.
    pub maildir: String,
    pub from: String,
    pub to: Vec<String>,
    pub operators: Vec<String>,
    pub api_url: Option<String>,
}

/// A company to watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CompanyAnswer {
    pub keyword: String,
    pub name: Option<String>,
}

/// Where the secrets are, for the file: by a key of it, or for its reader alone.
#[derive(Debug, Clone)]
pub(super) enum SecretLine {
    Named(&'static str),
    Credential(String),
    /// It comes later, into a file of that name: naming one that is not there would be a fault at each start.
    Later(&'static str),
}

impl CompanyAnswer {
    /// `KEYWORD` or `KEYWORD=NAME`.
    pub fn of(text: &str) -> Self {
        let (keyword, name) = text.split_once('=').unwrap_or((text, ""));
        let name = Some(name.trim().to_owned()).filter(|name| !name.is_empty());
        Self { keyword: keyword.trim().to_owned(), name }
    }

    /// As the file has it.
    pub fn text(&self) -> String {
        let name = self.name.as_ref().map(|name| format!("name = {}\n", quoted(name))).unwrap_or_default();
        format!("[[company]]\nkeyword = {}\n{name}", quoted(&self.keyword))
    }
}

/// The server as `[email].smtp` names it; `None` for files.
pub(super) fn smtp(outgoing: &Outgoing, from: &str) -> Option<String> {
    let login = utf8_percent_encode(from, KEPT_IN_LOGIN);
    match outgoing {
        Outgoing::Service(service) => Some(format!("smtps://{login}@{}:465", service.host)),
        Outgoing::Server(server) => Some(match url::Url::parse(server) {
            // A server of this very machine knows nobody.
            Ok(mut url) if url.username().is_empty() && !is_on_loopback(&url) => {
                // Refused only where there is no host, which the judge of the file says.
                let _ = url.set_username(from);
                url.to_string().trim_end_matches('/').to_owned()
            }
            _ => server.clone(),
        }),
        Outgoing::Files => None,
    }
}

fn is_on_loopback(url: &url::Url) -> bool {
    url.host_str().is_some_and(|host| host == "localhost" || host.starts_with("127.") || host == "[::1]")
}

/// The whole file.
pub(super) fn text(answers: &Answers, key: &SecretLine, password: Option<&SecretLine>) -> String {
    let words = words::of(answers.language);
    let mut text = String::new();
    let mut add = |line: &str| {
        text.push_str(line);
        text.push('\n');
    };
    words.head.lines().for_each(|line| add(&format!("# {line}")));
    add("");
    add(match answers.language {
        Language::Chinese => "language = \"zh-CN\"",
        Language::English => "language = \"en\"",
    });
    add("\n[api]");
    add(&secret_line("key_file", key, words.key_is));
    if let Some(url) = &answers.api_url {
        add(&format!("url = {}", quoted(url)));
    }
    add(&with_comment("#calls_per_day = 1000", words.calls));
    add("\n[schedule]");
    add(&with_comment("check = \"0 8 * * *\"", words.check));
    text.push('\n');
    text.push_str(&email(answers, password, words));
    // Writing to a String cannot fail.
    let _ = writeln!(text, "\n# {}", words.companies_note);
    let companies: Vec<String> = answers.companies.iter().map(CompanyAnswer::text).collect();
    text + &companies.join("\n")
}

fn email(answers: &Answers, password: Option<&SecretLine>, words: &Words) -> String {
    let mut lines = vec!["[email]".to_owned()];
    if let Some(smtp) = smtp(&answers.outgoing, &answers.from) {
        if let Outgoing::Service(service) = answers.outgoing {
            lines.push(format!("# {}", service.name(answers.language)));
            let sentences = service.traps(answers.language).split_inclusive(['。', '.']);
            lines.extend(sentences.map(|sentence| format!("# {}", sentence.trim())));
        }
        lines.push(format!("smtp = {}", quoted(&smtp)));
        lines.extend(password.map(|password| secret_line("password_file", password, words.password_is)));
    } else {
        let maildir = format!("maildir = {}", quoted(&answers.maildir));
        lines.push(with_comment(&maildir, words.maildir_note));
    }
    let from = format!("{} <{}>", words.sender_name, answers.from);
    lines.push(with_comment(&format!("from = {}", quoted(&from)), words.from_note));
    lines.push(with_comment(&format!("to = {}", list(&answers.to)), words.to_note));
    lines.push(with_comment(&format!("operators = {}", list(&answers.operators)), words.operators_note));
    lines.join("\n") + "\n"
}

fn secret_line(key: &str, secret: &SecretLine, note: &str) -> String {
    match secret {
        SecretLine::Named(file) => format!("{key} = {}", quoted(file)),
        SecretLine::Credential(path) => format!("# {note} {path}"),
        SecretLine::Later(file) => format!("#{key} = {}", quoted(file)),
    }
}

fn with_comment(line: &str, comment: &str) -> String {
    let blanks = " ".repeat(COMMENT_COLUMN.saturating_sub(line.width()));
    format!("{line}{blanks} # {comment}")
}

fn list(texts: &[String]) -> String {
    let texts: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
    format!("[{}]", texts.join(", "))
}

/// As TOML writes a text.
pub(super) fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
