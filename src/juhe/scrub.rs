//! Overwrites the key in what upstream sent, before it is read, stored, logged or quoted (design 2).

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use crate::domain::secret::Secret;

/// From this many bytes on a key is looked for in base64 too. The base64 of less is a few letters that stand in any text.
const BASE64_KEY_BYTES_MIN: usize = 6;

/// From this many characters on, the beginning of a key at the very end of a body is overwritten too: the body was cut
/// there. Fewer prove nothing.
const CUT_CHARS_MIN: usize = 4;

/// What overwrites. The first that the key does not contain is taken; none is part of an encoding or ends a JSON string. So
/// overwriting never makes a new occurrence.
const MASKS: &[u8] = b"*#~!$&()@,;:^|<>?[]{}'`.= ";

/// `body` with every occurrence of `key` overwritten, byte by byte: its length, and what JSON it is, stay.
///
/// Found are the key as it is, percent-encoded (either case, `+` for a blank), escaped as in JSON (`\/`, `\uXXXX`), mixtures
/// of these character by character, and base64 (standard and URL-safe, at each of the three alignments, itself escaped or
/// not). Keys shorter than 6 bytes are not looked for in base64; the rest is the same for every key: rather an answer that
/// cannot be read than a key that can.
#[must_use]
pub fn scrub(body: Vec<u8>, key: &Secret) -> Vec<u8> {
    overwrite(body, key, End::Whole)
}

/// As [`scrub()`], for a body that was cut off: the beginning of a key at its very end goes too.
pub(super) fn scrub_cut(body: Vec<u8>, key: &Secret) -> Vec<u8> {
    overwrite(body, key, End::Cut)
}

/// `text`, scrubbed.
pub(super) fn scrub_text(text: &str, key: &Secret) -> String {
    // What is overwritten are whole characters.
    String::from_utf8_lossy(&scrub(text.as_bytes().to_vec(), key)).into_owned()
}

/// Whether a body has its own end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Whole,
    Cut,
}

fn overwrite(mut body: Vec<u8>, key: &Secret, body_end: End) -> Vec<u8> {
    let mask = MASKS.iter().copied().find(|mask| !key.expose().as_bytes().contains(mask)).unwrap_or(b'*');
    let spellings = spellings(key.expose());
    let may_start = first_bytes(&spellings);
    let mut at = 0;
    while at < body.len() {
        let may = may_start[usize::from(body[at])];
        let ends = || spellings.iter().filter_map(|spelling| end_of(&body, at, spelling, body_end)).max();
        let end = if may { ends() } else { None };
        if let Some(end) = end {
            body[at..end].fill(mask);
        }
        at = end.unwrap_or(at + 1);
    }
    body
}

/// The key, and what its base64 consists of wherever it stands.
fn spellings(key: &str) -> Vec<Vec<char>> {
    let mut spellings = vec![key.chars().collect::<Vec<_>>()];
    if key.len() >= BASE64_KEY_BYTES_MIN {
        for before in 0..3 {
            let mut bytes = vec![0; before];
            bytes.extend_from_slice(key.as_bytes());
            // Six bits a letter: letters that also hold bits of a neighbour are left out.
            let (first, last) = ((before * 8).div_ceil(6), bytes.len() * 8 / 6);
            for alphabet in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
                spellings.push(alphabet.encode(&bytes).chars().take(last).skip(first).collect());
            }
        }
    }
    spellings.sort_unstable();
    spellings.dedup();
    spellings
}

/// The bytes that one of the spellings can begin with.
fn first_bytes(spellings: &[Vec<char>]) -> [bool; 256] {
    let mut may_start = [false; 256];
    for first in spellings.iter().filter_map(|spelling| spelling.first()) {
        let mut utf8 = [0; 4];
        first.encode_utf8(&mut utf8);
        for byte in [utf8[0], b'%', b'\\', b'+'] {
            may_start[usize::from(byte)] = true;
        }
    }
    may_start
}

/// Where `spelling` ends when it begins at `at`, the longest way; the end of the body where it is cut within it.
fn end_of(body: &[u8], at: usize, spelling: &[char], body_end: End) -> Option<usize> {
    // A character can be written in several ways, and one way can be the beginning of another: all are followed.
    let mut reached = vec![at];
    for (index, &letter) in spelling.iter().enumerate() {
        if body_end == End::Cut && index >= CUT_CHARS_MIN && reached.iter().any(|&from| is_cut(&body[from..]))
        {
            return Some(body.len());
        }
        // NULs are dropped where JSON is read (`json.rs`): what they break there comes together again.
        let starts = reached.iter().map(|&from| if index == 0 { from } else { past_nuls(body, from) });
        let mut next: Vec<usize> = starts.flat_map(|from| ends_of_letter(body, from, letter)).collect();
        next.sort_unstable();
        next.dedup();
        if next.is_empty() {
            return None;
        }
        reached = next;
    }
    reached.into_iter().max()
}

/// Where the NULs that stand at `at` end, raw or escaped.
fn past_nuls(body: &[u8], mut at: usize) -> usize {
    loop {
        match body.get(at..) {
            Some([0, ..]) => at += 1,
            Some(rest) if rest.starts_with(br"\u0000") => at += br"\u0000".len(),
            _ => return at,
        }
    }
}

/// Whether nothing is left, or no more than a part of an escape.
fn is_cut(rest: &[u8]) -> bool {
    rest.len() < r"\u0000".len() && matches!(rest.first(), None | Some(b'%' | b'\\'))
}

/// Where `letter` ends when it begins at `from`, in each way that it can be written.
fn ends_of_letter(body: &[u8], from: usize, letter: char) -> impl Iterator<Item = usize> {
    let rest = body.get(from..).unwrap_or_default();
    let short_escape = rest.first() == Some(&b'\\') && rest.get(1).copied() == short_escape_of(letter);
    let as_blank = letter == ' ' && rest.first() == Some(&b'+');
    let as_it_is = rest.starts_with(letter.encode_utf8(&mut [0; 4]).as_bytes());
    [
        as_it_is.then_some(letter.len_utf8()),
        percent_encoded(rest, letter),
        json_escaped(rest, letter),
        short_escape.then_some(2),
        as_blank.then_some(1),
    ]
    .into_iter()
    .flatten()
    .map(move |length| from + length)
}

/// The length of `letter` as UTF-8, each byte as `%XX`.
fn percent_encoded(text: &[u8], letter: char) -> Option<usize> {
    let mut length = 0;
    let mut utf8 = [0; 4];
    for &byte in letter.encode_utf8(&mut utf8).as_bytes() {
        match text.get(length..length + 3)? {
            [b'%', digits @ ..] if hex(digits) == Some(u16::from(byte)) => length += 3,
            _ => return None,
        }
    }
    Some(length)
}

/// The length of `letter` as `\uXXXX`, or as two of them beyond the basic plane.
fn json_escaped(text: &[u8], letter: char) -> Option<usize> {
    let mut length = 0;
    for unit in letter.encode_utf16(&mut [0; 2]) {
        match text.get(length..length + 6)? {
            [b'\\', b'u', digits @ ..] if hex(digits) == Some(*unit) => length += 6,
            _ => return None,
        }
    }
    Some(length)
}

/// The byte that follows the backslash where JSON has a short escape for `letter`.
const fn short_escape_of(letter: char) -> Option<u8> {
    match letter {
        '"' => Some(b'"'),
        '\\' => Some(b'\\'),
        '/' => Some(b'/'),
        '\u{8}' => Some(b'b'),
        '\u{c}' => Some(b'f'),
        '\n' => Some(b'n'),
        '\r' => Some(b'r'),
        '\t' => Some(b't'),
        _ => None,
    }
}

fn hex(digits: &[u8]) -> Option<u16> {
    let digits = std::str::from_utf8(digits).ok()?;
    // `from_str_radix` takes a sign.
    if digits.starts_with('+') { None } else { u16::from_str_radix(digits, 16).ok() }
}

#[cfg(test)]
mod tests;
