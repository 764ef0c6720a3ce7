//! The days that one text states, and which of them holds: `2019-08-23至2024-08-23`, `2026-08-23（原2024-08-23）`,
//! `2024-08-22T16:00:00.000Z`. A word before a day (原, 变更前) marks the old one; of a range the end is the end and the start
//! the issue date (domain.md 10).

use chrono::{FixedOffset, NaiveDate, NaiveTime, TimeDelta};

/// What a text says an end is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stated {
    /// This day.
    One(NaiveDate),
    /// One of several, with no word which: the earliest of them.
    Either(NaiveDate),
}

/// Instants are days in Asia/Shanghai, whatever the configured zone is: eight hours before UTC, without summer time since 1992.
const SHANGHAI: TimeDelta = TimeDelta::hours(8);

/// The end that a text states; `text` is NFKC. `None` where it states none, or one that is no day.
pub(super) fn end(text: &str) -> Option<Stated> {
    let days = in_force(text);
    let of_issue_left_out: Vec<&Dated<'_>> = days.iter().filter(|day| !day.is_of_issue()).collect();
    let days: Vec<&Dated<'_>> =
        if of_issue_left_out.is_empty() { days.iter().collect() } else { of_issue_left_out };
    if let Some(new) = days.iter().rfind(|day| day.is_new()) {
        return new.day.map(Stated::One);
    }
    let (last, others) = days.split_last()?;
    if others.is_empty() || last.ends_a_range() {
        return last.day.map(Stated::One);
    }
    let all: Option<Vec<NaiveDate>> = days.iter().map(|day| day.day).collect();
    let all = all?;
    let earliest = *all.iter().min()?;
    let is_one = all.iter().all(|day| *day == earliest);
    Some(if is_one { Stated::One(earliest) } else { Stated::Either(earliest) })
}

/// The issue date that a text states; `text` is NFKC.
pub(super) fn issue_day(text: &str) -> Option<NaiveDate> {
    let days = in_force(text);
    if let Some(named) =
        days.iter().find(|day| day.is_of_issue()).or_else(|| days.iter().find(|day| day.is_new()))
    {
        return named.day;
    }
    let (first, others) = days.split_first()?;
    match others.first() {
        Some(second) if !second.ends_a_range() => None,
        _ => first.day,
    }
}

/// The days of a text but for those that a word marks as the old ones, unless all are.
fn in_force(text: &str) -> Vec<Dated<'_>> {
    let days = days_in(text);
    let mut was_old = false;
    let old: Vec<bool> = days
        .iter()
        .map(|day| {
            // Of an old range both ends are old.
            was_old = day.is_old() || (was_old && day.ends_a_range() && !day.is_new());
            was_old
        })
        .collect();
    if old.iter().all(|is_old| *is_old) {
        return days;
    }
    days.into_iter().zip(old).filter(|(_, is_old)| !is_old).map(|(day, _)| day).collect()
}

/// A day in a text, with the words around it.
#[derive(Debug)]
struct Dated<'a> {
    /// From the day before it.
    before: &'a str,
    /// In brackets right behind it.
    behind: &'a str,
    /// `None`: a day that does not exist, or a month.
    day: Option<NaiveDate>,
}

impl Dated<'_> {
    fn is_marked(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.before.contains(word) || self.behind.contains(word))
    }

    fn is_old(&self) -> bool {
        const OLD: [&str; 7] = ["原", "变更前", "更正前", "延续前", "延期前", "旧", "曾"];
        self.is_marked(&OLD) && !self.is_new()
    }

    fn is_new(&self) -> bool {
        const NEW: [&str; 12] = [
            "变更后",
            "变更为",
            "变更至",
            "更正为",
            "改为",
            "现",
            "新",
            "延至",
            "延期至",
            "延长至",
            "延续至",
            "延续后",
        ];
        self.is_marked(&NEW)
    }

    fn is_of_issue(&self) -> bool {
        self.is_marked(&["发证", "颁发", "签发", "批准"])
    }

    fn ends_a_range(&self) -> bool {
        let gap =
            self.before.trim_matches(|edge: char| edge.is_whitespace() || "日号起自从,;。".contains(edge));
        let is_dash = |character: char| "-~—–―".contains(character) || character.is_whitespace();
        gap.contains(['至', '到'])
            || gap.eq_ignore_ascii_case("to")
            || (!gap.is_empty() && gap.chars().all(is_dash))
    }
}

fn days_in(text: &str) -> Vec<Dated<'_>> {
    let mut days: Vec<Dated<'_>> = Vec::new();
    let (mut at, mut end_of_last) = (0, 0);
    while let Some(start) =
        text[at..].find(|character: char| character.is_ascii_digit()).map(|found| at + found)
    {
        let Some((day, length)) = day_at(&text[start..]) else {
            at = start + digits(&text[start..]).len();
            continue;
        };
        let mut before = &text[end_of_last..start];
        if let Some(last) = days.last_mut() {
            (last.behind, before) = bracket_behind(before);
        }
        days.push(Dated { before, behind: "", day });
        at = start + length;
        end_of_last = at;
    }
    if let Some(last) = days.last_mut() {
        last.behind = bracket_behind(&text[end_of_last..]).0;
    }
    days
}

/// What is in the bracket that begins `text`, and what follows it. A bracket that holds a day has none of its own before it.
fn bracket_behind(text: &str) -> (&str, &str) {
    let inner = text.trim_start().strip_prefix(['(', '[', '【', '〔']);
    inner.and_then(|inner| inner.split_once([')', ']', '】', '〕'])).unwrap_or(("", text))
}

/// The day that `text` begins with, and how long it is with its time; `None` where it begins with other digits.
fn day_at(text: &str) -> Option<(Option<NaiveDate>, usize)> {
    let year = digits(text);
    if year.len() == 8 || year.len() == 14 {
        return Some((NaiveDate::parse_from_str(&year[..8], "%Y%m%d").ok(), year.len()));
    }
    if year.len() != 4 {
        return None;
    }
    let triple = || {
        let (first, month, rest) = part(&text[year.len()..])?;
        let (second, day, rest) = part(rest)?;
        let is_separated = match first {
            "年" => second == "月",
            "-" | "/" | "." | "—" | "–" => second == first,
            _ => false,
        };
        (is_separated && month.len() <= 2 && day.len() <= 2).then_some((month, day, rest))
    };
    let Some((month, day, rest)) = triple() else {
        // 2029年8月: a day is missing.
        return year.starts_with(['1', '2']).then_some((None, year.len()));
    };
    let number = |digits: &str| digits.parse::<u32>().ok();
    let date = || NaiveDate::from_ymd_opt(year.parse().ok()?, number(month)?, number(day)?);
    let rest = rest.strip_prefix(['日', '号']).unwrap_or(rest);
    let (time, rest) = time_at(rest).map_or((None, rest), |(time, rest)| (time, rest));
    let day = date().map(|day| time.map_or(day, |ahead| in_shanghai(day, ahead)));
    Some((day, text.len() - rest.len()))
}

/// The calendar day in Shanghai of a time of `day` in UTC, as the time since its midnight.
fn in_shanghai(day: NaiveDate, since_midnight: TimeDelta) -> NaiveDate {
    let midnight = day.and_time(NaiveTime::MIN);
    midnight.checked_add_signed(since_midnight + SHANGHAI).map_or(day, |at| at.date())
}

/// A separator, the digits behind it, and the rest.
fn part(text: &str) -> Option<(&str, &str, &str)> {
    let at = text.find(|character: char| character.is_ascii_digit())?;
    let digits = digits(&text[at..]);
    Some((text[..at].trim(), digits, &text[at + digits.len()..]))
}

fn digits(text: &str) -> &str {
    &text[..text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len())]
}

/// The time that `text` begins with (`T16:00:00.000Z`, ` 00:00`), as UTC where it states an offset, and what follows.
fn time_at(text: &str) -> Option<(Option<TimeDelta>, &str)> {
    let text = text.strip_prefix(['T', 't']).unwrap_or(text).trim_start();
    let hours = digits(text);
    let mut rest = text[hours.len()..].strip_prefix(':')?;
    let mut since_midnight = TimeDelta::hours(hours.parse().ok().filter(|_| hours.len() <= 2)?);
    let minutes = digits(rest);
    since_midnight += TimeDelta::minutes(minutes.parse().ok().filter(|_| minutes.len() == 2)?);
    rest = &rest[minutes.len()..];
    if let Some(behind) = rest.strip_prefix(':') {
        let seconds = digits(behind);
        since_midnight += TimeDelta::seconds(seconds.parse().ok().filter(|_| seconds.len() == 2)?);
        rest = &behind[seconds.len()..];
    }
    if let Some(behind) = rest.strip_prefix(['.', ',']) {
        rest = &behind[digits(behind).len()..];
    }
    match offset_at(rest) {
        Some((offset, rest)) => Some((Some(since_midnight - offset), rest)),
        None => Some((None, rest)),
    }
}

/// An offset from UTC (`Z`, `+08:00`, `+0000`, ` UTC`), and what follows.
fn offset_at(text: &str) -> Option<(TimeDelta, &str)> {
    let text = text.trim_start();
    for zero in ["Z", "z", "UTC", "GMT"] {
        if let Some(rest) = text.strip_prefix(zero).filter(|rest| !rest.starts_with(['+', '-'])) {
            return Some((TimeDelta::zero(), rest));
        }
    }
    let signed = text.strip_prefix("UTC").or_else(|| text.strip_prefix("GMT")).unwrap_or(text);
    let (sign, behind) = match signed.chars().next()? {
        '+' => (1, &signed[1..]),
        '-' => (-1, &signed[1..]),
        _ => return None,
    };
    let hours = digits(behind);
    let (hours, minutes, rest) = match hours.len() {
        4 => (&hours[..2], &hours[2..], &behind[4..]),
        1 | 2 => match behind[hours.len()..].strip_prefix(':') {
            Some(rest) => (hours, digits(rest), &rest[digits(rest).len()..]),
            None => (hours, "0", &behind[hours.len()..]),
        },
        _ => return None,
    };
    // The start of another day (00:00:00-2024-08-22) is no offset.
    if rest.starts_with(['-', '/', '.', '年']) {
        return None;
    }
    let seconds = sign * (hours.parse::<i32>().ok()? * 3600 + minutes.parse::<i32>().ok()? * 60);
    FixedOffset::east_opt(seconds).map(|_| (TimeDelta::seconds(seconds.into()), rest))
}
