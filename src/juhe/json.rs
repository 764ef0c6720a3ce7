//! From bytes to JSON, leniently: what PHP back ends and proxies get wrong without changing the meaning is put right first.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde_json::Value;

/// The most values one answer may hold. A full page has some 170; a million empty items would take 30 times their
/// bytes once parsed.
pub(super) const VALUES_MAX: usize = 20_000;

/// The JSON of a body.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) value: Value,
    /// Whether the body was UTF-8. If not, its texts are mangled, but its numbers are right.
    pub(super) text: Text,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Text {
    AsSent,
    Mangled,
}

/// Why a body is no JSON, in a few words.
pub(super) type NotJson = &'static str;

/// Parses `body`. A byte order mark is skipped; a line break or another control character that stands raw in a string is
/// taken as if it were escaped (RFC 8259 wants it escaped); a lone surrogate becomes U+FFFD; NUL is dropped: neither can be
/// kept by PostgreSQL, and NUL is no part of a name.
///
/// # Errors
/// When it is no JSON, is nested more than 128 deep (`serde_json`'s limit), or holds more values than an answer can.
pub(super) fn parse(body: &[u8]) -> Result<Parsed, NotJson> {
    let text = String::from_utf8_lossy(body);
    let state = if matches!(text, Cow::Borrowed(_)) { Text::AsSent } else { Text::Mangled };
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text).trim();
    if text.is_empty() {
        return Err("an empty body");
    }
    if text.starts_with('<') {
        return Err("a web page instead of JSON");
    }
    let value = serde_json::from_str(&mend(text)?).map_err(|error| match (error.is_eof(), state) {
        (true, _) => "JSON that ends in the middle",
        (false, Text::Mangled) => "neither JSON nor UTF-8",
        (false, Text::AsSent) => "not JSON",
    })?;
    Ok(Parsed { value, text: state })
}

/// `text` with its strings made what `serde_json` takes.
fn mend(text: &str) -> Result<String, NotJson> {
    let mut mended = String::with_capacity(text.len());
    let mut in_string = false;
    let mut values = 0_usize;
    let mut rest = text.chars();
    while let Some(letter) = rest.next() {
        match letter {
            '"' => in_string = !in_string,
            '\\' if in_string => {
                mend_escape(&mut rest, &mut mended);
                continue;
            }
            '\0' if in_string => continue,
            control if in_string && control < ' ' => {
                // Writing to a String cannot fail.
                let _ = write!(mended, "\\u{:04x}", u32::from(control));
                continue;
            }
            ',' | '[' | '{' if !in_string => values += 1,
            _ => {}
        }
        mended.push(letter);
    }
    if values > VALUES_MAX { Err("more values than an answer can hold") } else { Ok(mended) }
}

/// Copies the escape whose backslash was just read; a NUL is left out, a lone surrogate replaced.
fn mend_escape(rest: &mut std::str::Chars<'_>, mended: &mut String) {
    let Some(unit) = code_unit(rest.as_str()) else {
        mended.push('\\');
        mended.extend(rest.next());
        return;
    };
    skip(rest, "uXXXX".len());
    let after = rest.as_str();
    let second = after.strip_prefix('\\').and_then(code_unit).filter(|second| is_low(*second));
    match (unit, second) {
        (0, _) => {}
        (0xD800..=0xDBFF, Some(second)) => {
            skip(rest, "\\uXXXX".len());
            let _ = write!(mended, "\\u{unit:04x}\\u{second:04x}");
        }
        (0xD800..=0xDFFF, _) => mended.push(char::REPLACEMENT_CHARACTER),
        _ => {
            let _ = write!(mended, "\\u{unit:04x}");
        }
    }
}

const fn is_low(unit: u16) -> bool {
    matches!(unit, 0xDC00..=0xDFFF)
}

/// The number in `uXXXX` at the beginning of `text`.
fn code_unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix('u')?.get(..4)?;
    if digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        u16::from_str_radix(digits, 16).ok()
    } else {
        None
    }
}

fn skip(rest: &mut std::str::Chars<'_>, ascii_chars: usize) {
    for _ in 0..ascii_chars {
        rest.next();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_get_wrong_is_put_right() {
        for (body, expected, why) in [
            (r#""a""#, "a", "nothing to mend"),
            ("\u{feff} \"a\"\n", "a", "a byte order mark, and a line feed at the end"),
            ("\"a\nb\tc\"", "a\nb\tc", "a raw line break, as in the document's own example"),
            (r#""a\u0000b""#, "ab", "an escaped NUL"),
            ("\"a\0b\"", "ab", "a raw NUL"),
            (r#""a\ud83db""#, "a\u{fffd}b", "a lone high surrogate"),
            (r#""a\uDC00b""#, "a\u{fffd}b", "a lone low surrogate"),
            (r#""\ud83d\ud83d\ude00""#, "\u{fffd}😀", "a lone one before a pair"),
            (r#""\ud83d\u0041""#, "\u{fffd}A", "a high one before something else"),
            (r#""\ud83d""#, "\u{fffd}", "a high one at the end"),
            (r#""\\ud83d \"\/""#, r#"\ud83d "/"#, "an escaped backslash is no escape of what follows"),
        ] {
            assert_eq!(parse(body.as_bytes()).unwrap().value, Value::from(expected), "{why}");
        }
    }

    #[test]
    fn what_is_no_json_is_said_to_be_none() {
        let bomb = "[".repeat(100_000);
        let deep = format!("{bomb}{}", "]".repeat(100_000));
        let many = format!("[{}{{}}]", "{},".repeat(1_000_000));
        for (body, expected) in [
            (&b""[..], "an empty body"),
            (b" \r\n", "an empty body"),
            (b"<!DOCTYPE html><p>hello", "a web page instead of JSON"),
            (br#"{"error_code":0,"res"#, "JSON that ends in the middle"),
            (br#""\x""#, "not JSON"),
            (br#"{"error_code":0} trailing"#, "not JSON"),
            (b"{\0\"\0e\0", "not JSON"),
            (b"\xff\xfe{\0", "neither JSON nor UTF-8"),
            (b"\"a\\", "JSON that ends in the middle"),
            (br#""\u12""#, "JSON that ends in the middle"),
            (deep.as_bytes(), "more values than an answer can hold"),
            (&deep.as_bytes()[90_000..110_000], "not JSON"),
            (many.as_bytes(), "more values than an answer can hold"),
        ] {
            assert_eq!(
                parse(body).unwrap_err(),
                expected,
                "{:?}",
                String::from_utf8_lossy(&body[..body.len().min(40)])
            );
        }
    }

    #[test]
    fn bytes_that_are_not_utf_8_are_marked() {
        let gbk = b"{\"reason\":\"\xb4\xed\xce\xf3\",\"error_code\":10001}";
        let parsed = parse(gbk).unwrap();
        assert_eq!((parsed.text, &parsed.value["error_code"]), (Text::Mangled, &Value::from(10001)));
        assert_eq!(parse(br#"{"a":1}"#).unwrap().text, Text::AsSent);
    }
}
