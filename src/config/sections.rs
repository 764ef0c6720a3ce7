//! The tables of the file, one function each.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono_tz::Asia::Shanghai;
use toml::de::DeValue;
use url::Url;

use super::database_url::DatabaseUrl;
use super::fault::{Complaint, Findings, quoted};
use super::keys::nearest;
use super::mailbox::{BadAddress, EmailAddress, Mailbox};
use super::reader::TomlTable;
use super::smtp::{Security, SmtpServer};
use super::values;
use super::watchlist::{Alerts, Api, Database, Email, Heartbeat, Http, Outlet, Schedule, SecretFile};
use crate::domain::language::Language;
use crate::domain::observation::RequestMethod;
use crate::domain::occurrences::CronLine;
use crate::domain::trouble_cause::Slip;

/// The document's own address, over TLS (it says http://).
const API_URL: &str = "https://v.juhe.cn/opens/App/bqQualification/query";
const CHECK: &str = "0 8 * * *";
const EXPIRY_DAYS: [u16; 7] = [180, 90, 60, 30, 7, 1, 0];
const EXPIRED_DAYS: [u16; 3] = [1, 7, 30];
const FILING_DAYS: [u16; 3] = [30, 7, 0];
const CALLS_PER_DAY: NonZeroU32 = NonZeroU32::MIN.saturating_add(999);
const KEEP: Duration = Duration::from_hours(3 * 365 * 24);
/// `why` and an operator who was away for some weeks need as much.
const KEEP_LEAST: Duration = Duration::from_hours(30 * 24);
const FOREVER: &str = "forever";
const CONCURRENCY: NonZeroU32 = NonZeroU32::MIN.saturating_add(3);
const CONCURRENCY_MAX: u32 = 256;
/// One line of a mail's foot.
const CONTACT_CHARS_MAX: usize = 200;
const MILLISECOND: Duration = Duration::from_millis(1);

/// `timezone` and `language`.
pub(super) fn zone_and_language(
    findings: &mut Findings<'_>,
    top: &TomlTable<'_, '_>,
) -> (chrono_tz::Tz, Language) {
    let zone = top.read(findings, "timezone", values::zone).unwrap_or(Shanghai);
    (zone, top.read(findings, "language", values::language).unwrap_or_default())
}

/// `[api]`. `None` only when the built-in default cannot be read, which a test rules out.
pub(super) fn api(findings: &mut Findings<'_>, top: &TomlTable<'_, '_>, folder: &Path) -> Option<Api> {
    let table = top.section(findings, "api");
    let url = match table.read(findings, "url", api_url) {
        Some(url) => url,
        None => Url::parse(API_URL).ok()?,
    };
    let api = Api {
        url,
        key_file: secret_file(findings, &table, "key_file", folder),
        method: table.read(findings, "method", method).unwrap_or_default(),
        timeout: table
            .read(findings, "timeout", |value| values::duration(value, MILLISECOND, "s"))
            .unwrap_or(Duration::from_secs(20)),
        concurrency: table
            .read(findings, "concurrency", |value| values::count(value, CONCURRENCY_MAX))
            .unwrap_or(CONCURRENCY),
        requests_per_second: table.read(findings, "requests_per_second", values::rate).unwrap_or(2.0),
        calls_per_day: table
            .read(findings, "calls_per_day", |value| values::whole(value, 0, u64::from(u32::MAX)))
            .map_or(Some(CALLS_PER_DAY), |calls| u32::try_from(calls).ok().and_then(NonZeroU32::new)),
        unreachable_after: table
            .read(findings, "unreachable_after", |value| values::duration(value, MILLISECOND, "h"))
            .unwrap_or(Duration::from_hours(6)),
        ip_backoff: table
            .read(findings, "ip_backoff", |value| values::duration(value, MILLISECOND, "h"))
            .unwrap_or(Duration::from_hours(1)),
    };
    if let Some(written) = table.value("url")
        && api.url.scheme() == "http"
        && !api.is_on_loopback()
    {
        let message = "over http:// the key and every answer travel in the clear: use https:// if the provider offers it";
        findings.warn(table.path("url"), written.span(), message);
    }
    Some(api)
}

fn api_url(value: &DeValue<'_>) -> Result<Url, Complaint> {
    let url = values::web_address(value)?;
    if url.query_pairs().any(|(key, _)| key == "key") {
        return Err(Complaint::new(
            Slip::Secret,
            "the key does not belong in this file: use the credential \"api-key\", QUALWATCH_API_KEY or `key_file`",
        ));
    }
    if url.query().is_some() {
        return Err(Complaint::new(Slip::ServerAddress, "has parameters (?…), which qualwatch adds itself"));
    }
    Ok(url)
}

fn method(value: &DeValue<'_>) -> Result<RequestMethod, Complaint> {
    match values::text(value)? {
        "post" => Ok(RequestMethod::Post),
        "get" => Ok(RequestMethod::Get),
        other => {
            let complaint = Complaint::new(
                Slip::one_of(["post", "get"]),
                format!("{} is neither \"post\" nor \"get\"", quoted(other)),
            );
            Err(complaint.perhaps(nearest(other, ["post", "get"])))
        }
    }
}

/// `[database]`.
pub(super) fn database(findings: &mut Findings<'_>, top: &TomlTable<'_, '_>) -> Database {
    let table = top.section(findings, "database");
    let url = table.read(findings, "url", |value| DatabaseUrl::without_password(values::text(value)?));
    if let (Some(weakness), Some(written)) =
        (url.as_ref().and_then(DatabaseUrl::weakness), table.value("url"))
    {
        findings.warn(table.path("url"), written.span(), weakness);
    }
    let keep = table.read(findings, "keep", keep).unwrap_or(Some(KEEP));
    Database { url, keep }
}

/// How long raw answers are kept. 0 is "no limit" elsewhere and could here be "nothing" as well: it has to be said in a word.
fn keep(value: &DeValue<'_>) -> Result<Option<Duration>, Complaint> {
    if value.as_str().is_some_and(|text| text.trim() == FOREVER) {
        return Ok(None);
    }
    let forever = |complaint: Complaint| match value.as_integer() {
        Some(number) if number.as_str() != "0" => complaint,
        None if complaint.suggestion.is_some() => complaint,
        _ => complaint.perhaps(Some(FOREVER)),
    };
    values::duration(value, KEEP_LEAST, "y").map(Some).map_err(forever)
}

/// `[schedule]`.
pub(super) fn schedule(findings: &mut Findings<'_>, top: &TomlTable<'_, '_>) -> Option<Schedule> {
    let table = top.section(findings, "schedule");
    table.read(findings, "report", |value| {
        let report = values::text(value)?;
        if report.is_empty() {
            Ok(())
        } else {
            Err(Complaint::new(Slip::NotInThisVersion, "a regular report is not in this version")
                .perhaps(Some("\"\"")))
        }
    });
    let check = table.read(findings, "check", values::cron_line);
    Some(Schedule { check: check.or_else(|| CHECK.parse().ok())? })
}

/// `[alerts]`.
pub(super) fn alerts(findings: &mut Findings<'_>, top: &TomlTable<'_, '_>) -> Alerts {
    let table = top.section(findings, "alerts");
    let falling = |mut days: Vec<u16>| {
        days.reverse();
        days
    };
    Alerts {
        expiry_days: days(findings, &table, "expiry_days", 0).map_or_else(|| EXPIRY_DAYS.to_vec(), falling),
        // The end day itself is still valid (design 1), so day 0 past it does not exist.
        expired_days: days(findings, &table, "expired_days", 1).unwrap_or_else(|| EXPIRED_DAYS.to_vec()),
        filing_days: days(findings, &table, "filing_days", 0).map_or_else(|| FILING_DAYS.to_vec(), falling),
        confirm_after: table
            .read(findings, "confirm_after", |value| values::duration(value, Duration::ZERO, "h"))
            .unwrap_or(Duration::from_hours(20)),
        stale_after: table
            .read(findings, "stale_after", |value| values::duration(value, MILLISECOND, "d"))
            .unwrap_or(Duration::from_hours(7 * 24)),
    }
}

/// A list of days, rising and each once; a repeated one is a warning.
pub(super) fn days(
    findings: &mut Findings<'_>,
    table: &TomlTable<'_, '_>,
    key: &str,
    least: u64,
) -> Option<Vec<u16>> {
    let read = table.list(findings, key, |value| values::days(value, least))?;
    let mut days = Vec::new();
    for (day, span) in read {
        if days.contains(&day) {
            findings.warn(table.path(key), span, format!("{day} is listed twice"));
        } else {
            days.push(day);
        }
    }
    days.sort_unstable();
    Some(days)
}

/// `[email]`. `None` when something without a default is missing or at fault.
pub(super) fn email(findings: &mut Findings<'_>, top: &TomlTable<'_, '_>, folder: &Path) -> Option<Email> {
    let table = top.section(findings, "email");
    let outlet = outlet(findings, &table, folder);
    let from = table
        .read(findings, "from", |value| values::text(value)?.parse::<Mailbox>().map_err(Complaint::from));
    if table.value("from").is_none() {
        table.require(findings, "from", Slip::Missing, "the address mails come from");
    }
    let to = addresses(findings, &table, "to").unwrap_or_default();
    // Somebody is meant, but who cannot be read: nothing can be said of companies without readers of their own.
    let is_unknown = to.is_empty() && !table.names_nobody("to");
    let operators = addresses(findings, &table, "operators");
    match (&operators, table.value("operators")) {
        (_, None) => table.require(
            findings,
            "operators",
            Slip::Missing,
            "who is told when qualwatch itself is in trouble",
        ),
        (Some(addresses), Some(value))
            if addresses.is_empty()
            // An entry at fault has been noted already.
            && value.get_ref().as_array().is_some_and(|entries| entries.iter().next().is_none()) =>
        {
            let complaint = Complaint::new(
                Slip::NobodyTold,
                "names nobody: somebody must be told when qualwatch is in trouble",
            );
            findings.fault(table.path("operators"), value.span(), complaint);
        }
        _ => {}
    }
    let contact = table.read(findings, "contact", |value| values::label(value, CONTACT_CHARS_MAX));
    let digest = table.read(findings, "digest", digest);
    if let (Some(Outlet::Smtp { server, .. }), Some(from), Some(written)) =
        (&outlet, &from, table.value("from"))
        && let Some(refusal) = server.refuses_from(&from.address)
    {
        findings.warn(table.path("from"), written.span(), refusal);
    }
    if is_unknown {
        return None;
    }
    Some(Email { outlet: outlet?, from: from?, to, operators: operators?, contact, digest })
}

fn outlet(findings: &mut Findings<'_>, table: &TomlTable<'_, '_>, folder: &Path) -> Option<Outlet> {
    let server = table.read(findings, "smtp", |value| SmtpServer::parse(values::text(value)?));
    if let Some(server) = &server {
        warn_of_port(findings, table, server);
    }
    let password_file = secret_file(findings, table, "password_file", folder);
    let ca_file = table.read(findings, "ca_file", |value| file(value, folder));
    let helo = table.read(findings, "helo", helo);
    let maildir = table.read(findings, "maildir", |value| file(value, folder));
    match (table.value("smtp"), table.value("maildir")) {
        (None, None) => {
            table.require(
                findings,
                "smtp",
                Slip::Missing,
                "the server mails are handed to (or `maildir`, to write them as files)",
            );
            None
        }
        (Some(_), Some(second)) => {
            let complaint = Complaint::new(
                Slip::TwoOutlets,
                "stands beside `smtp`: mails go to a server or into a directory, not both",
            );
            findings.fault(table.path("maildir"), second.span(), complaint);
            None
        }
        (Some(_), None) => Some(Outlet::Smtp { server: server?, password_file, ca_file, helo }),
        (None, Some(_)) => maildir.map(Outlet::Maildir),
    }
}

/// Ports that are spoken to otherwise than written: 465 and 994 (of `NetEase`) expect TLS from the first byte (RFC 8314), 25 and
/// 587 STARTTLS (RFC 6409).
fn warn_of_port(findings: &mut Findings<'_>, table: &TomlTable<'_, '_>, server: &SmtpServer) {
    let expected = match (server.security, server.port) {
        (Security::Tls, 25 | 587) => format!(
            "port {0} begins without TLS: smtp://…:{0}?tls=required is meant, or smtps:// with port 465",
            server.port
        ),
        (Security::StartTls | Security::Plain, 465 | 994) => {
            format!("port {} begins with TLS: smtps:// is meant, or port 587 with smtp://", server.port)
        }
        _ => return,
    };
    if let Some(written) = table.value("smtp") {
        findings.warn(table.path("smtp"), written.span(), expected);
    }
}

/// Warns of what was taken over from the example as it is: mail for it reaches nobody (RFC 2606). Once for all of it.
pub(super) fn warn_of_example(findings: &mut Findings<'_>, top: &TomlTable<'_, '_>) {
    let Some(email) = top.value("email").and_then(|email| email.get_ref().as_table()) else { return };
    let is_of_example = |value: &DeValue<'_>| match value {
        DeValue::Array(entries) => entries.iter().any(|entry| names_example(entry.get_ref())),
        value => names_example(value),
    };
    let keys = ["smtp", "from", "to", "operators"];
    let found = keys.into_iter().filter_map(|key| {
        let value = email.get(key).filter(|value| is_of_example(value.get_ref()))?;
        Some((key, value.span()))
    });
    let found: Vec<_> = found.collect();
    if let Some((first, span)) = found.first() {
        let keys: Vec<String> = found.iter().map(|(key, _)| format!("`{key}`")).collect();
        let message = format!("example.com stands for yours: nobody gets mail there ({})", keys.join(", "));
        findings.warn(format!("email.{first}"), span.clone(), message);
    }
}

/// Whether a text names a domain that is reserved for examples.
fn names_example(value: &DeValue<'_>) -> bool {
    let text = value.as_str().unwrap_or_default().to_ascii_lowercase();
    ["example.com", "example.org", "example.net"].into_iter().any(|domain| {
        text.match_indices(domain).any(|(at, _)| {
            let before = text.get(..at).and_then(|before| before.chars().next_back());
            let after = text.get(at + domain.len()..).and_then(|after| after.chars().next());
            before.is_some_and(|c| matches!(c, '@' | '.' | '/'))
                && after.is_none_or(|c| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '-'))
        })
    })
}

/// A full name (RFC 5321, 2.3.5), or an address literal (4.1.3).
fn helo(value: &DeValue<'_>) -> Result<String, Complaint> {
    let text = values::text(value)?.trim();
    let literal = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let is_address = literal.is_some_and(|inside| {
        inside.parse::<std::net::Ipv4Addr>().is_ok()
            || inside.strip_prefix("IPv6:").is_some_and(|six| six.parse::<std::net::Ipv6Addr>().is_ok())
    });
    if is_address || is_full_host_name(text) {
        return Ok(text.to_owned());
    }
    Err(Complaint::new(
        Slip::NoHostName,
        format!(
            "{} is no full name of a host; write one like qualwatch.example.com, or an address like [192.0.2.7]",
            quoted(text)
        ),
    ))
}

/// Whether a server that asks for a full name in EHLO would take this one.
#[must_use]
pub fn is_full_host_name(name: &str) -> bool {
    const NAME_BYTES_MAX: usize = 253;
    const LABEL_BYTES_MAX: usize = 63;
    let is_label = |label: &str| {
        (1..=LABEL_BYTES_MAX).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= NAME_BYTES_MAX
        && name.contains('.')
        && name.split('.').all(is_label)
        && !name.ends_with(|c: char| c.is_ascii_digit())
}

fn digest(value: &DeValue<'_>) -> Result<CronLine, Complaint> {
    let line = values::cron_line(value)?;
    if line.is_rarer_than_daily() {
        return Err(Complaint::new(
            Slip::RarerThanDaily,
            "is rarer than daily: an end of validity could pass before it is told",
        ));
    }
    Ok(line)
}

/// `[heartbeat]`.
pub(super) fn heartbeat(findings: &mut Findings<'_>, top: &TomlTable<'_, '_>) -> Heartbeat {
    let table = top.section(findings, "heartbeat");
    Heartbeat { url: table.read(findings, "url", values::web_address) }
}

/// `[http]`. Whoever reaches the address reads how we stand, with the names of companies: beyond this machine only when it is said twice.
pub(super) fn http(findings: &mut Findings<'_>, top: &TomlTable<'_, '_>) -> Http {
    let table = top.section(findings, "http");
    let allow_remote = table.read(findings, "allow_remote", values::yes_or_no);
    let listen = table.read(findings, "listen", |value| {
        let listen = values::socket_address(value)?;
        if listen.ip().to_canonical().is_loopback() || allow_remote == Some(true) {
            return Ok(listen);
        }
        let here = SocketAddr::from(([127, 0, 0, 1], listen.port()));
        let complaint = Complaint::new(
            Slip::BeyondThisMachine,
            format!(
                "{} can be reached from other machines, without a password or TLS: if that is meant, write `allow_remote = true` \
                 beside it",
                quoted(&listen.to_string())
            ),
        );
        Err(complaint.perhaps(Some(format!("\"{here}\""))))
    });
    Http { listen, allow_remote: allow_remote.unwrap_or(false) }
}

/// A list of addresses, each once; a repeated one is a warning.
pub(super) fn addresses(
    findings: &mut Findings<'_>,
    table: &TomlTable<'_, '_>,
    key: &str,
) -> Option<Vec<EmailAddress>> {
    let read = table
        .list(findings, key, |value| values::text(value)?.parse::<EmailAddress>().map_err(Complaint::from))?;
    let mut addresses: Vec<EmailAddress> = Vec::new();
    for (address, span) in read {
        if addresses.iter().any(|known| known.folded() == address.folded()) {
            findings.warn(table.path(key), span, format!("{address} is listed twice"));
        } else {
            addresses.push(address);
        }
    }
    Some(addresses)
}

fn file(value: &DeValue<'_>, folder: &Path) -> Result<PathBuf, Complaint> {
    let written = values::text(value)?;
    if written.trim().is_empty() || written.chars().any(char::is_control) {
        return Err(Complaint::new(Slip::NoPath, "is no path"));
    }
    Ok(folder.join(written))
}

fn secret_file(
    findings: &mut Findings<'_>,
    table: &TomlTable<'_, '_>,
    key: &str,
    folder: &Path,
) -> Option<SecretFile> {
    let path = table.read(findings, key, |value| file(value, folder))?;
    let (line, column) = findings.place(table.value(key)?.span().start);
    Some(SecretFile { path, line, column })
}

impl From<BadAddress> for Complaint {
    fn from(bad: BadAddress) -> Self {
        Self::new(Slip::NoMailAddress, bad.to_string()).perhaps(bad.suggestion)
    }
}
