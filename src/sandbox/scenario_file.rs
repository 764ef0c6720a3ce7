//! The scenario file: TOML to companies and faults. Types ending in `Text` are the file's shape, word by word.

use axum::http::{HeaderValue, StatusCode};
use base64::Engine as _;
use serde::{Deserialize, Deserializer};

use super::certificates::{Days, ListedCertificate, ListedCompany};
use super::document::OVER_LIMIT;
use super::error::SandboxError;
use super::fault::{Effect, PlayedFault, Window};
use super::generator::{self, GenerateText};
use super::instants::{after, day, first, span};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ScenarioText {
    key: Option<OneOrMore>,
    #[serde(default)]
    company: Vec<CompanyText>,
    #[serde(default)]
    fault: Vec<FaultText>,
    generate: Option<GenerateText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CompanyText {
    keywords: Vec<String>,
    id: String,
    #[serde(default)]
    certificate: Vec<CertificateText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CertificateText {
    business_id: Option<String>,
    number: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    organ: Option<String>,
    issued: Option<String>,
    until: Option<String>,
    qualifications: Option<OneOrMore>,
    from: Option<String>,
    to: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultText {
    from: Option<String>,
    to: Option<String>,
    keyword: Option<String>,
    page: Option<usize>,
    key: Option<String>,
    times: Option<u32>,
    slow: Option<String>,
    status: Option<u16>,
    code: Option<u32>,
    reason: Option<String>,
    echo_key: Option<Yes>,
    cut_off: Option<Yes>,
    html: Option<Yes>,
    empty_body: Option<Yes>,
    changing_total: Option<Yes>,
    repeat_item: Option<Yes>,
    short_page: Option<Yes>,
    ignore_page: Option<Yes>,
    redirect: Option<String>,
    body: Option<String>,
    body_base64: Option<String>,
    drip: Option<String>,
    gzip_bomb: Option<u64>,
}

/// One text, or a list of them.
#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

/// `true`; a fault that is `false` is not there, so it is refused rather than guessed at.
struct Yes;

impl<'de> Deserialize<'de> for Yes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if bool::deserialize(deserializer)? {
            Ok(Self)
        } else {
            Err(serde::de::Error::custom("only true makes sense here: leave the key out instead"))
        }
    }
}

/// What a scenario says: the keys that are accepted, who is known, and what goes wrong.
type Written = (Vec<String>, Vec<ListedCompany>, Vec<PlayedFault>);

/// Reads a whole scenario.
pub(super) fn parse(text: &str) -> Result<Written, SandboxError> {
    let read: ScenarioText =
        toml::from_str(text).map_err(|source| SandboxError::Scenario(Box::new(source)))?;
    let keys = match read.key {
        None => Vec::new(),
        Some(OneOrMore::One(key)) => vec![key],
        Some(OneOrMore::More(keys)) => keys,
    };
    let mut companies = numbered("[[company]]", read.company, company)?;
    if let Some(wanted) = read.generate {
        companies.extend(generator::companies(&wanted).map_err(in_entry("[generate]"))?);
    }
    let faults = numbered("[[fault]]", read.fault, fault)?;
    Ok((keys, companies, faults))
}

/// Converts a list, and names the entry that refuses.
fn numbered<T, U>(
    what: &str,
    texts: Vec<T>,
    convert: impl Fn(T) -> Result<U, String>,
) -> Result<Vec<U>, SandboxError> {
    let entries = texts.into_iter().enumerate();
    entries
        .map(|(index, text)| convert(text).map_err(in_entry(&format!("{what} no. {}", index + 1))))
        .collect()
}

fn in_entry(entry: &str) -> impl Fn(String) -> SandboxError {
    move |fault| SandboxError::Entry { entry: entry.to_owned(), fault }
}

fn company(text: CompanyText) -> Result<ListedCompany, String> {
    let keywords: Vec<_> = text.keywords.iter().map(|keyword| keyword.trim().to_owned()).collect();
    if keywords.is_empty() || keywords.iter().any(String::is_empty) {
        return Err("its `keywords` are none, or one of them is empty".to_owned());
    }
    let certificates = text.certificate.into_iter().map(|certificate| listed(&text.id, certificate));
    let certificates = certificates.collect::<Result<_, _>>()?;
    Ok(ListedCompany { keywords: text.keywords, certificates })
}

fn listed(id: &str, text: CertificateText) -> Result<ListedCertificate, String> {
    let number = text.number.as_deref().unwrap_or_default();
    let days = Days { from: optional(text.from.as_deref(), day)?, to: optional(text.to.as_deref(), day)? };
    if days.from.zip(days.to).is_some_and(|(from, to)| to < from) {
        return Err(format!("certificate {number}: `to` lies before `from`"));
    }
    Ok(ListedCertificate {
        business_id: Some(text.business_id.unwrap_or_else(|| format!("{id}-{number}"))),
        number: text.number,
        kind: text.kind,
        organ: text.organ,
        issued: text.issued,
        until: text.until,
        qualifications: text.qualifications.map(|names| match names {
            OneOrMore::One(name) => name,
            OneOrMore::More(names) => names.join(","),
        }),
        days,
    })
}

fn fault(text: FaultText) -> Result<PlayedFault, String> {
    if text.page == Some(0) || text.times == Some(0) {
        return Err("`page` and `times` count from 1".to_owned());
    }
    let effect = effect(&text)?;
    let window =
        Window { from: optional(text.from.as_deref(), first)?, until: optional(text.to.as_deref(), after)? };
    if window.from.zip(window.until).is_some_and(|(from, until)| until <= from) {
        return Err("`to` lies before `from`".to_owned());
    }
    Ok(PlayedFault {
        window,
        keyword: text.keyword,
        page: text.page,
        key: text.key,
        times: text.times,
        delay: optional(text.slow.as_deref(), span)?.unwrap_or_default(),
        status: optional(text.status, http_status)?,
        effect,
    })
}

fn effect(text: &FaultText) -> Result<Effect, String> {
    let code = text.code.map(|code| Effect::Code { code, reason: text.reason.clone() });
    let echo = text.echo_key.as_ref().map(|Yes| Effect::EchoKey { code: text.code.unwrap_or(OVER_LIMIT) });
    let bytes = optional(text.body_base64.as_deref(), base64)?;
    let redirect = optional(text.redirect.as_deref(), location)?;
    let drip = optional(text.drip.as_deref(), span)?;
    let named = [
        // `code` beside `echo_key` is the code of that answer, no second effect.
        echo.or(code),
        text.cut_off.as_ref().map(|Yes| Effect::CutOff),
        text.html.as_ref().map(|Yes| Effect::Html),
        text.empty_body.as_ref().map(|Yes| Effect::EmptyBody),
        text.changing_total.as_ref().map(|Yes| Effect::ChangingTotal),
        text.repeat_item.as_ref().map(|Yes| Effect::RepeatItem),
        text.short_page.as_ref().map(|Yes| Effect::ShortPage),
        text.ignore_page.as_ref().map(|Yes| Effect::IgnorePage),
        redirect.map(Effect::Redirect),
        text.body.clone().map(|body| Effect::Body(body.into())),
        bytes.map(|bytes| Effect::Body(bytes.into())),
        drip.map(Effect::Drip),
        text.gzip_bomb.map(|bytes_inflated| Effect::GzipBomb { bytes_inflated }),
    ];
    let mut named = named.into_iter().flatten();
    match (named.next(), named.next()) {
        (Some(_), Some(_)) => Err("one fault has one effect: make two entries of it".to_owned()),
        (Some(effect), None) => Ok(effect),
        (None, _) if text.status.is_some() => Ok(Effect::StatusPage),
        (None, _) if text.slow.is_some() => Ok(Effect::Nothing),
        (None, _) => Err("it says when, but not what goes wrong".to_owned()),
    }
}

fn optional<T, U>(text: Option<T>, read: impl Fn(T) -> Result<U, String>) -> Result<Option<U>, String> {
    text.map(read).transpose()
}

fn base64(text: &str) -> Result<Vec<u8>, String> {
    base64::engine::general_purpose::STANDARD
        .decode(text)
        .map_err(|_| "`body_base64` is not base64".to_owned())
}

fn location(text: &str) -> Result<HeaderValue, String> {
    HeaderValue::try_from(text).map_err(|_| format!("{text:?} cannot stand in a Location header"))
}

fn http_status(number: u16) -> Result<StatusCode, String> {
    StatusCode::from_u16(number)
        .ok()
        .filter(|status| !status.is_informational())
        .ok_or_else(|| format!("{number} is not the status of an answer"))
}
