//! Single values: texts, numbers, durations, days, zones, web addresses.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::time::Duration;

use chrono_tz::{TZ_VARIANTS, Tz};
use percent_encoding::percent_decode_str;
use toml::de::DeValue;
use url::{Host, Url};

use super::fault::{Complaint, quoted};
use super::keys::nearest;
use crate::domain::language::Language;
use crate::domain::occurrences::CronLine;
use crate::domain::text::{first_unseen, is_steering};
use crate::domain::trouble_cause::{Slip, ValueKind};

/// The longest duration that is believed.
const DAYS_MAX: u64 = 3_650;

/// The units of a duration and their milliseconds.
/// A year has 365 days.
const UNITS: [(&str, u64); 6] =
    [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000), ("y", 365 * 86_400_000)];

pub(super) fn text<'a>(value: &'a DeValue<'_>) -> Result<&'a str, Complaint> {
    let suggestion = match value {
        DeValue::Integer(number) => Some(format!("\"{number}\"")),
        DeValue::Datetime(date) => Some(format!("\"{date}\"")),
        _ => None,
    };
    let text = value
        .as_str()
        .ok_or_else(|| Complaint::kind(ValueKind::Text, "text in quotes", value).perhaps(suggestion))?;
    match first_unseen(text) {
        Some(unseen) => {
            let without: String = text
                .chars()
                .filter(|character| first_unseen(character.encode_utf8(&mut [0; 4])).is_none())
                .collect();
            let complaint = format!("holds U+{:04X}, a character that nobody sees", u32::from(unseen));
            Err(Complaint::new(Slip::Invisible, complaint).perhaps(Some(without)))
        }
        None => Ok(text),
    }
}

/// The host of an address as it is looked up: one in other letters in its ASCII form (RFC 5890). `None` when it has none.
pub(super) fn ascii_host(host: &str) -> Option<String> {
    let host = percent_decode_str(host).decode_utf8().ok()?;
    if host.is_ascii() {
        return Some(host.into_owned());
    }
    match Host::parse(&host).ok()? {
        Host::Domain(host) => Some(host),
        Host::Ipv4(_) | Host::Ipv6(_) => None,
    }
}

/// Text that is shown in mails: not blank, on one line, at most `chars_max` characters.
pub(super) fn label(value: &DeValue<'_>, chars_max: usize) -> Result<String, Complaint> {
    let text = text(value)?.trim();
    if text.is_empty() {
        return Err(Complaint::new(Slip::Empty, "is empty"));
    }
    if text.chars().count() > chars_max {
        let slip = Slip::TooLong { characters: chars_max };
        return Err(Complaint::new(slip, format!("is longer than {chars_max} characters")));
    }
    if text.chars().any(is_steering) {
        return Err(Complaint::new(Slip::Invisible, "has a control or invisible character"));
    }
    Ok(text.to_owned())
}

/// A whole number between two limits, both included.
pub(super) fn whole(value: &DeValue<'_>, least: u64, most: u64) -> Result<u64, Complaint> {
    let Some(number) = value.as_integer() else {
        let bare = value.as_str().filter(|text| text.parse::<u64>().is_ok()).map(str::to_owned);
        return Err(Complaint::kind(ValueKind::Whole, "a whole number", value).perhaps(bare));
    };
    u64::from_str_radix(number.as_str(), number.radix())
        .ok()
        .filter(|number| (least..=most).contains(number))
        .ok_or_else(|| {
            let message = format!("{} is not between {least} and {most}", quoted(&number.to_string()));
            Complaint::new(Slip::out_of_range(least, most), message)
        })
}

pub(super) fn count(value: &DeValue<'_>, most: u32) -> Result<NonZeroU32, Complaint> {
    let number = whole(value, 1, u64::from(most))?;
    u32::try_from(number)
        .ok()
        .and_then(NonZeroU32::new)
        .ok_or_else(|| Complaint::new(Slip::out_of_range(1, most), "is out of range"))
}

/// A number of days, such as a threshold.
pub(super) fn days(value: &DeValue<'_>, least: u64) -> Result<u16, Complaint> {
    let number = whole(value, least, DAYS_MAX).map_err(|complaint| {
        let suffixed =
            value.as_str().and_then(|text| text.strip_suffix('d')).filter(|text| text.parse::<u16>().is_ok());
        match suffixed {
            Some(bare) => complaint.perhaps(Some(bare)),
            None => complaint,
        }
    })?;
    u16::try_from(number).map_err(|_| Complaint::new(Slip::out_of_range(least, DAYS_MAX), "is out of range"))
}

/// A rate: a number from 0.001 to 1,000,000, whole or not.
pub(super) fn rate(value: &DeValue<'_>) -> Result<f64, Complaint> {
    let read = match value {
        DeValue::Integer(number) => number.to_string().parse::<f64>().ok(),
        DeValue::Float(number) => number.as_str().parse::<f64>().ok(),
        other => return Err(Complaint::kind(ValueKind::Number, "a number", other)),
    };
    read.filter(|rate| rate.is_finite() && *rate >= 0.001 && *rate <= 1_000_000.0).ok_or_else(|| {
        Complaint::new(Slip::out_of_range("0.001", "1000000"), "is not between 0.001 and 1000000")
    })
}

/// A duration such as `20s`, `1h30m` or `7d`, never below `least`. A bare number is asked for its unit: mostly `unit` is meant.
pub(super) fn duration(value: &DeValue<'_>, least: Duration, unit: &str) -> Result<Duration, Complaint> {
    let bare = match value {
        DeValue::Integer(number) => Some(number.to_string()),
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        _ => None,
    };
    if let Some(number) = bare {
        let complaint =
            Complaint::new(Slip::NoUnit, "is a duration with its unit, in quotes: ms, s, m, h, d or y");
        return Err(complaint.perhaps(as_duration(&number, unit)));
    }
    let written = text(value)?;
    let Some(read) = read_duration(written) else {
        let is_bare = written.trim().parse::<f64>().is_ok();
        let complaint = if is_bare {
            Complaint::new(Slip::NoUnit, format!("{} has no unit: ms, s, m, h, d or y?", quoted(written)))
        } else {
            Complaint::new(
                Slip::NoDuration,
                format!("{} is no duration: write it like \"20s\", \"1h30m\" or \"7d\"", quoted(written)),
            )
        };
        let perhaps = if is_bare { as_duration(written.trim(), unit) } else { in_units(written) };
        return Err(complaint.perhaps(perhaps));
    };
    if read < least {
        return Err(Complaint::new(Slip::TooShort, format!("{} is too short", quoted(written))));
    }
    if read.as_secs() > DAYS_MAX * 86_400 {
        return Err(Complaint::new(
            Slip::TooManyDays { days: DAYS_MAX },
            format!("{} is longer than {DAYS_MAX} days", quoted(written)),
        ));
    }
    Ok(read)
}

/// A whole number in this unit, as it would be written.
fn as_duration(number: &str, unit: &str) -> Option<String> {
    number.parse::<u64>().ok().map(|number| format!("\"{number}{unit}\""))
}

/// What "7 days", "7天" or "20S" would be.
fn in_units(written: &str) -> Option<String> {
    let written = written.trim();
    let (number, word) = written.split_at(written.find(|c: char| !c.is_ascii_digit())?);
    let word = word.trim().to_lowercase();
    let unit = match word.as_str() {
        "毫秒" | "msec" | "milliseconds" => "ms",
        "s" | "秒" | "sec" | "secs" | "second" | "seconds" => "s",
        "m" | "分" | "分钟" | "min" | "mins" | "minute" | "minutes" => "m",
        "h" | "时" | "小时" | "hr" | "hrs" | "hour" | "hours" => "h",
        "d" | "天" | "日" | "day" | "days" => "d",
        "y" | "年" | "year" | "years" => "y",
        _ => return None,
    };
    as_duration(number, unit)
}

fn read_duration(written: &str) -> Option<Duration> {
    let mut rest = written.trim();
    let mut total: u64 = 0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, tail) = rest.split_at(digits);
        let unit_end = tail.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_end);
        let (_, milliseconds) = UNITS.iter().find(|(name, _)| *name == unit)?;
        total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(*milliseconds)?)?;
        rest = tail.trim_start();
    }
    Some(Duration::from_millis(total))
}

pub(super) fn zone(value: &DeValue<'_>) -> Result<Tz, Complaint> {
    let written = text(value)?;
    written.parse().map_err(|_| {
        let complaint = Complaint::new(Slip::NoZone, format!("there is no time zone {}", quoted(written)));
        complaint.perhaps(nearest_zone(written))
    })
}

fn nearest_zone(written: &str) -> Option<&'static str> {
    // Beijing has no zone of its own in the tz database, and people look for it.
    let folded = written.to_lowercase().replace(' ', "");
    let beijing =
        ["beijing", "peking", "utc+8", "gmt+8", "utc+08:00", "+08:00", "cst", "北京", "上海", "china"];
    if beijing.iter().any(|name| folded.ends_with(name)) {
        return Some("Asia/Shanghai");
    }
    let names = || TZ_VARIANTS.iter().map(|zone| zone.name());
    let city = |name: &'static str| name.rsplit('/').next().unwrap_or(name);
    names().find(|name| city(name).to_lowercase() == folded).or_else(|| nearest(written, names()))
}

pub(super) fn language(value: &DeValue<'_>) -> Result<Language, Complaint> {
    match text(value)? {
        "zh-CN" => Ok(Language::Chinese),
        "en" => Ok(Language::English),
        other => {
            let folded = other.to_lowercase();
            let meant = if folded.starts_with("en") {
                Some("en")
            } else if folded.starts_with("zh") || folded.starts_with("cn") || other.contains('中') {
                Some("zh-CN")
            } else {
                nearest(other, ["zh-CN", "en"])
            };
            Err(Complaint::new(
                Slip::one_of(["zh-CN", "en"]),
                format!("{} is neither \"zh-CN\" nor \"en\"", quoted(other)),
            )
            .perhaps(meant))
        }
    }
}

pub(super) fn cron_line(value: &DeValue<'_>) -> Result<CronLine, Complaint> {
    let written = text(value)?;
    written.parse().map_err(|why| {
        Complaint::new(
            Slip::NoCronLine,
            format!("the cron line {} cannot be followed: {why}", quoted(written)),
        )
    })
}

/// An http or https address without a login in it.
pub(super) fn web_address(value: &DeValue<'_>) -> Result<Url, Complaint> {
    let written = text(value)?;
    let url = Url::parse(written.trim()).map_err(|why| {
        let without_scheme = !written.contains("://") && written.contains('.');
        let complaint = Complaint::new(Slip::NoServerAddress, format!("is no web address: {why}"));
        complaint.perhaps(without_scheme.then(|| format!("https://{}", written.trim())))
    })?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Complaint::new(
            Slip::NoServerAddress,
            "is no web address: it begins with https:// or http://",
        ));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Complaint::new(Slip::ServerAddress, "has a login in it, which is not supported"));
    }
    if url.fragment().is_some() {
        return Err(Complaint::new(Slip::ServerAddress, "has a fragment (#…), which is never sent"));
    }
    Ok(url)
}

/// `true` or `false`.
pub(super) fn yes_or_no(value: &DeValue<'_>) -> Result<bool, Complaint> {
    let bare = value.as_str().filter(|text| matches!(*text, "true" | "false"));
    value.as_bool().ok_or_else(|| Complaint::kind(ValueKind::Boolean, "true or false", value).perhaps(bare))
}

/// An address to listen on. No name: what it stands for may change, and with it who reaches us.
pub(super) fn socket_address(value: &DeValue<'_>) -> Result<SocketAddr, Complaint> {
    let written = text(value)?.trim();
    written.parse().map_err(|_| {
        let (host, port) = written.rsplit_once(':').unwrap_or(("", written));
        let here = host.is_empty() || is_loopback_name(host);
        let port = port.parse::<u16>().ok().filter(|_| here);
        let meant = port.map(|port| format!("\"{}\"", SocketAddr::from((Ipv4Addr::LOCALHOST, port))));
        let message = format!("{} is no address with a port, such as \"127.0.0.1:9464\"", quoted(written));
        Complaint::new(Slip::NoServerAddress, message).perhaps(meant)
    })
}

/// Whether a host is this very machine.
pub(super) fn is_loopback(host: Option<&Host<&str>>) -> bool {
    match host {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => IpAddr::V6(*ip).to_canonical().is_loopback(),
        Some(Host::Domain(name)) => is_loopback_name(name),
        None => false,
    }
}

/// The same for the host of a scheme whose hosts are not parsed further (smtp, postgres).
pub(super) fn is_loopback_name(name: &str) -> bool {
    let bare = name.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.');
    let ip = bare.parse::<IpAddr>();
    bare.eq_ignore_ascii_case("localhost") || ip.is_ok_and(|ip| ip.to_canonical().is_loopback())
}
