//! Overwrites the key in what upstream sent, before it is read, stored, logged or quoted (design 2).

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use memchr::memmem::Finder;
use memchr::{memchr, memchr3_iter};

use super::hex as bytes_in_hex;
use crate::domain::secret::Secret;

/// From this many bytes on a key is looked for in base64, in hexadecimal and backwards too. Of less that is a few letters that stand in
/// any text.
const CODED_KEY_BYTES_MIN: usize = 6;

/// From this many characters on, the beginning of a key at the very end of a body is overwritten too: the body was cut
/// there. Fewer prove nothing.
const CUT_CHARS_MIN: usize = 4;

/// What overwrites. The first that the key does not contain is taken; none is part of an encoding or ends a JSON string. So
/// overwriting never makes a new occurrence.
const MASKS: &[u8] = b"*#~!$&()@,;:^|<>?[]{}'`.= ";

/// Overwrites one key. Made once for all bodies: its spellings cost more to derive than to look for.
///
/// Found are the key as it is, percent-encoded (either case, `+` for a blank), escaped as in JSON (`\/`, `\uXXXX`), mixtures
/// of these character by character, and base64 (standard and URL-safe, at each of the three alignments), hexadecimal digits of
/// either case and the key backwards, themselves escaped or not. Keys shorter than 6 bytes are not looked for in these last three; the
/// rest is the same for every key: rather an answer that cannot be read than a key that can.
pub struct Scrubber {
    spellings: Vec<Vec<char>>,
    /// The spellings as they are.
    verbatim: Vec<Finder<'static>>,
    /// Of all code units of the spellings.
    highest_unit: u16,
    /// Whether a blank is in the key, for which `+` may stand.
    has_blank: bool,
    beginnings: Beginnings,
    mask: u8,
}

impl Scrubber {
    /// A scrubber for `key`.
    #[must_use]
    pub fn new(key: &Secret) -> Self {
        let key = key.expose();
        let spellings = spellings(key);
        let verbatim =
            |spelling: &Vec<char>| Finder::new(spelling.iter().collect::<String>().as_bytes()).into_owned();
        let units = |letter: &char| letter.encode_utf16(&mut [0; 2]).iter().copied().max();
        Self {
            verbatim: spellings.iter().map(verbatim).collect(),
            highest_unit: spellings.iter().flatten().filter_map(units).max().unwrap_or(u16::MAX),
            has_blank: key.contains(' '),
            beginnings: Beginnings::of(&spellings),
            mask: MASKS.iter().copied().find(|mask| !key.as_bytes().contains(mask)).unwrap_or(b'*'),
            spellings,
        }
    }

    /// `body` with every occurrence of the key overwritten, byte by byte: its length, and what JSON it is, stay.
    #[must_use]
    pub fn scrub(&self, body: Vec<u8>) -> Vec<u8> {
        if self.is_clean(&body) { body } else { self.overwrite(body, End::Whole) }
    }

    /// As [`Scrubber::scrub`], for a body that was cut off: the beginning of a key at its very end goes too.
    pub(crate) fn scrub_cut(&self, body: Vec<u8>) -> Vec<u8> {
        self.overwrite(body, End::Cut)
    }

    /// `text`, scrubbed.
    pub(crate) fn scrub_text(&self, text: &str) -> String {
        // What is overwritten are whole characters.
        String::from_utf8_lossy(&self.scrub(text.as_bytes().to_vec())).into_owned()
    }

    /// Whether a whole body holds no occurrence, where a few passes of `memchr` can tell: without an escape of one of its
    /// letters, and without a NUL within, the key can only stand there as it is.
    fn is_clean(&self, body: &[u8]) -> bool {
        let is_of_another = |at| match &body[at..] {
            [b'\\', b'u', digits @ ..] => {
                digits.get(..4).and_then(hex).is_some_and(|unit| unit > self.highest_unit)
            }
            _ => false,
        };
        let has_blank_as_plus = || self.has_blank && memchr(b'+', body).is_some();
        memchr3_iter(b'%', b'\\', b'\0', body).all(is_of_another)
            && !has_blank_as_plus()
            && self.verbatim.iter().all(|spelling| spelling.find(body).is_none())
    }

    fn overwrite(&self, mut body: Vec<u8>, body_end: End) -> Vec<u8> {
        let mut at = 0;
        while at < body.len() {
            let candidates = self.beginnings.candidates(&body[at..]);
            let end = if candidates == 0 { None } else { self.end_at(&body, at, candidates, body_end) };
            if let Some(end) = end {
                body[at..end].fill(self.mask);
            }
            at = end.unwrap_or(at + 1);
        }
        body
    }

    /// Where the longest of the `candidates` that begins at `at` ends.
    fn end_at(&self, body: &[u8], at: usize, candidates: u16, body_end: End) -> Option<usize> {
        let spellings = self.spellings.iter().enumerate();
        let followed = spellings.filter(|(index, _)| candidates & 1 << index != 0);
        followed.filter_map(|(_, spelling)| end_of(body, at, spelling, body_end)).max()
    }
}

/// Whether a body has its own end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Whole,
    Cut,
}

/// The key, what its base64 consists of wherever it stands, its hexadecimal digits, and the key backwards.
fn spellings(key: &str) -> Vec<Vec<char>> {
    let mut spellings = vec![key.chars().collect::<Vec<_>>()];
    if key.len() >= CODED_KEY_BYTES_MIN {
        let digits = bytes_in_hex(key.as_bytes());
        spellings.push(digits.to_ascii_uppercase().chars().collect());
        spellings.push(digits.chars().collect());
        spellings.push(key.chars().rev().collect());
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

/// How occurrences begin, so that two look-ups tell nearly all other places apart.
struct Beginnings {
    /// For each byte the spellings, a bit each, whose first letter it can begin, and [`ESCAPE`].
    first: [u16; 256],
    /// For each byte the spellings that it can continue as the second byte, and [`ESCAPE`].
    second: [u16; 256],
    /// The code units that the first letters begin with.
    units: Vec<u16>,
}

/// The bit for a first letter that is escaped. The key both ways round, its digits in two cases, and the base64 of three alignments in two
/// alphabets have the others.
const ESCAPE: u16 = 1 << SPELLINGS_MAX;
const SPELLINGS_MAX: u32 = 10;

impl Beginnings {
    fn of(spellings: &[Vec<char>]) -> Self {
        let mut all = Self { first: [0; 256], second: [0; 256], units: Vec::new() };
        for (bit, spelling) in (0..SPELLINGS_MAX).map(|index| 1 << index).zip(spellings) {
            if let Some((&letter, rest)) = spelling.split_first() {
                all.add(bit, letter, rest.first().copied());
            }
        }
        all
    }

    fn add(&mut self, bit: u16, letter: char, next: Option<char>) {
        let (mut utf8, mut utf16) = ([0; 4], [0; 2]);
        let bytes = letter.encode_utf8(&mut utf8).as_bytes();
        mark(&mut self.first, bit, bytes[..1].iter().copied().chain((letter == ' ').then_some(b'+')));
        match (bytes, next) {
            ([_, second, ..], _) => mark(&mut self.second, bit, [*second]),
            (_, Some(next)) => {
                let raw = next.encode_utf8(&mut [0; 4]).as_bytes()[0];
                mark(&mut self.second, bit, [raw, b'%', b'\\', b'\0', b'+']);
            }
            (_, None) => mark(&mut self.second, bit, 0..=u8::MAX),
        }
        mark(&mut self.first, ESCAPE, [b'%', b'\\']);
        mark(&mut self.second, ESCAPE, [b'u'].into_iter().chain(short_escape_of(letter)));
        let digit = format!("{:x}", bytes[0] >> 4);
        mark(&mut self.second, ESCAPE, digit.bytes().flat_map(|digit| [digit, digit.to_ascii_uppercase()]));
        self.units.extend(letter.encode_utf16(&mut utf16).first());
    }

    /// The spellings, a bit each, of which an occurrence may begin `rest`: each that does, and hardly ever another.
    fn candidates(&self, rest: &[u8]) -> u16 {
        let fitting = match *rest {
            [first, second, ..] => self.first[usize::from(first)] & self.second[usize::from(second)],
            [only] => self.first[usize::from(only)],
            [] => 0,
        };
        // Whole answers are written in escapes of other letters.
        let is_other = || matches!(rest, [b'\\', b'u', digits @ ..] if !self.is_first_unit(digits));
        match fitting & ESCAPE {
            0 => fitting,
            _ if is_other() => fitting & !ESCAPE,
            _ => u16::MAX,
        }
    }

    /// Whether `digits` begin with those of a code unit that a first letter begins with.
    fn is_first_unit(&self, digits: &[u8]) -> bool {
        let unit = digits.get(..4).and_then(hex);
        unit.is_some_and(|unit| self.units.contains(&unit))
    }
}

fn mark(places: &mut [u16; 256], bit: u16, bytes: impl IntoIterator<Item = u8>) {
    for byte in bytes {
        places[usize::from(byte)] |= bit;
    }
}

/// Where `spelling` ends when it begins at `at`, the longest way; the end of the body where it is cut within it.
fn end_of(body: &[u8], at: usize, spelling: &[char], body_end: End) -> Option<usize> {
    let (&first, rest) = spelling.split_first()?;
    // A character can be written in several ways, and one way can be the beginning of another: all are followed.
    let mut reached: Vec<usize> = ends_of_letter(body, at, first).collect();
    for (index, &letter) in (1..).zip(rest) {
        if body_end == End::Cut && index >= CUT_CHARS_MIN && reached.iter().any(|&from| is_cut(&body[from..]))
        {
            return Some(body.len());
        }
        // NULs are dropped where JSON is read (`juhe/json.rs`): what they break there comes together again.
        let starts = reached.iter().map(|&from| past_nuls(body, from));
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
    let short_escape = short_escape_of(letter).is_some_and(|escape| rest.starts_with(&[b'\\', escape]));
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

/// The number that at most four digits write.
fn hex(digits: &[u8]) -> Option<u16> {
    digits.iter().try_fold(0, |number, &digit| {
        let value = char::from(digit).to_digit(16)?;
        Some(number << 4 | u16::try_from(value).ok()?)
    })
}

#[cfg(test)]
mod tests;
