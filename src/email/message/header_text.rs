//! Text in headers (RFC 2047). The mail library folds too, but counts what follows a shown name in no line, so that a
//! header may grow beyond 76 characters; and what only looks encoded it leaves as it is.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The most bytes of text in one encoded word: 52 characters of base64 and 12 around them fit a line behind `Subject: `.
const WORD_BYTES_MAX: usize = 39;

/// The longest text that stands as it is, for the same reason.
const PLAIN_BYTES_MAX: usize = 64;

/// The value of an unstructured header, folded.
pub(super) fn unstructured(text: &str) -> String {
    let is_plain = text.len() <= PLAIN_BYTES_MAX
        && text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
        && !text.contains("=?");
    if is_plain { text.to_owned() } else { encoded(text) }
}

/// A shown name before an address (RFC 5322, `phrase`), folded.
pub(super) fn phrase(text: &str) -> String {
    // Anything but letters, digits and blanks would have to be quoted, and a quoted string holds no encoded word.
    let is_plain = text.len() <= PLAIN_BYTES_MAX
        && text.bytes().all(|byte| byte == b' ' || byte.is_ascii_alphanumeric());
    if is_plain { text.to_owned() } else { encoded(text) }
}

/// Encoded words, one a line; none cuts a character.
fn encoded(text: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (word, after) = rest.split_at(rest.floor_char_boundary(WORD_BYTES_MAX));
        words.push(format!("=?utf-8?b?{}?=", STANDARD.encode(word)));
        rest = after;
    }
    words.join("\r\n ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_encoded_only_where_it_must_be() {
        for (text, value, name, why) in [
            ("qualwatch 1", "qualwatch 1", "qualwatch 1", "plain"),
            ("a, b <c>", "a, b <c>", "=?utf-8?b?YSwgYiA8Yz4=?=", "signs have a meaning in an address"),
            ("=?x?", "=?utf-8?b?PT94Pw==?=", "=?utf-8?b?PT94Pw==?=", "looks encoded"),
            ("资质", "=?utf-8?b?6LWE6LSo?=", "=?utf-8?b?6LWE6LSo?=", "Chinese"),
        ] {
            assert_eq!(unstructured(text), value, "{why}");
            assert_eq!(phrase(text), name, "{why}");
        }
        assert_eq!(encoded(&"资".repeat(14)).matches("\r\n =?utf-8?b?").count(), 1, "39 bytes a word");
    }
}
