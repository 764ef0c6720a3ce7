use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;

use super::*;

const KEY: &str = "0123456789abcdef0123456789ABCDEF";

fn secret(key: &str) -> Secret {
    Secret::parse(key).unwrap()
}

fn scrub(body: Vec<u8>, key: &Secret) -> Vec<u8> {
    Scrubber::new(key).scrub(body)
}

fn scrub_cut(body: Vec<u8>, key: &Secret) -> Vec<u8> {
    Scrubber::new(key).scrub_cut(body)
}

/// Every spelling followed from every byte, without a look ahead.
fn laboriously(mut body: Vec<u8>, key: &Secret, body_end: End) -> Vec<u8> {
    let mask = Scrubber::new(key).mask;
    let spellings = spellings(key.expose());
    let mut at = 0;
    while at < body.len() {
        let end = spellings.iter().filter_map(|spelling| end_of(&body, at, spelling, body_end)).max();
        if let Some(end) = end {
            body[at..end].fill(mask);
        }
        at = end.unwrap_or(at + 1);
    }
    body
}

fn scrubbed(body: &str, key: &str) -> String {
    String::from_utf8(scrub(body.as_bytes().to_vec(), &secret(key))).unwrap()
}

fn contains(body: &[u8], part: &str) -> bool {
    body.windows(part.len()).any(|window| window == part.as_bytes())
}

fn every_char_escaped(key: &str) -> String {
    key.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect::<Vec<_>>().concat()
}

/// Every char but letters and digits percent-encoded; with digits in lower case, or every byte encoded.
fn percent_forms(key: &str) -> [String; 4] {
    let some = utf8_percent_encode(key, NON_ALPHANUMERIC).to_string();
    let all = key.bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat();
    let all_lower = key.bytes().map(|byte| format!("%{byte:02x}")).collect::<Vec<_>>().concat();
    [some.replace("%20", "+"), some, all, all_lower]
}

fn forms(key: &str) -> Vec<String> {
    let json = serde_json::to_string(key).unwrap();
    let json = json[1..json.len() - 1].to_owned();
    let mut forms = vec![key.to_owned(), json.replace('/', "\\/"), json, every_char_escaped(key)];
    forms.push(every_char_escaped(key).to_uppercase().replace("\\U", "\\u"));
    forms.extend(percent_forms(key));
    if key.len() >= CODED_KEY_BYTES_MIN {
        let digits = bytes_in_hex(key.as_bytes());
        forms.extend([digits.to_uppercase(), digits, key.chars().rev().collect()]);
    }
    forms
}

#[test]
fn every_spelling_of_a_key_is_overwritten_and_the_length_stays() {
    for form in forms(KEY) {
        let body = format!(r#"{{"reason":"错误的请求KEY {form}","error_code":10001}}"#);
        let stars = "*".repeat(form.len());
        assert_eq!(
            scrubbed(&body, KEY),
            format!(r#"{{"reason":"错误的请求KEY {stars}","error_code":10001}}"#)
        );
    }
}

#[test]
fn a_text_loses_the_key_and_nothing_else() {
    let text = format!("密钥 {KEY} 错误");
    assert_eq!(Scrubber::new(&secret(KEY)).scrub_text(&text), format!("密钥 {} 错误", "*".repeat(KEY.len())));
}

#[test]
fn a_key_is_found_by_each_short_escape_that_json_has() {
    for letter in ['"', '\\', '/', '\u{8}', '\u{c}', '\n', '\r', '\t'] {
        let key = format!("CANARY{letter}p4ssw0rd");
        for form in forms(&key) {
            assert_eq!(
                scrubbed(&format!("<{form}>"), &key),
                format!("<{}>", "*".repeat(form.len())),
                "{letter:?}"
            );
        }
    }
}

#[test]
fn a_key_that_nuls_break_is_overwritten_as_reading_drops_them() {
    let (head, tail) = KEY.split_at(7);
    for nuls in ["\0", "\0\0", r"\u0000", "\\u0000\0"] {
        let body = format!(r#"{{"error_code":10001,"reason":"KEY {head}{nuls}{tail}"}}"#);
        let left = scrubbed(&body, KEY);
        assert!(!left.contains(head) && !left.contains(tail) && left.len() == body.len(), "{left}");
    }
    assert_eq!(
        scrubbed(&format!("\0{KEY}\0x"), KEY),
        format!("\0{}\0x", "*".repeat(KEY.len())),
        "around it they stay"
    );
}

#[test]
fn base64_of_a_text_that_holds_the_key_loses_it_at_each_alignment() {
    for before in ["", "k", "ke", "key", "key=", "user:"] {
        for engine in [&STANDARD, &URL_SAFE] {
            let text = engine.encode(format!("{before}{KEY}&pageNum=1"));
            let bytes = scrub(text.clone().into_bytes(), &secret(KEY));
            assert_eq!(bytes.len(), text.len());
            let left = String::from_utf8(bytes).unwrap();
            // Only the letters at either end, which hold bits of the neighbours, may stay.
            assert!(left.bytes().filter(|byte| *byte == b'*').count() >= 41, "{before}: {left}");
        }
    }
}

#[test]
fn base64_of_a_key_with_a_slash_is_found_escaped_too() {
    let key = "\u{fb}\u{ff}\u{fe}???>>>";
    let escaped = STANDARD.encode(key).replace('/', "\\/").replace('+', "%2B");
    assert!(escaped.contains("\\/"), "the case is worth its name");
    let left = scrubbed(&escaped, key);
    assert!(!left.contains("\\/"), "{left}");
}

#[test]
fn the_beginning_of_a_key_at_the_end_of_a_cut_body_goes_too() {
    let cut = |body: &str| String::from_utf8(scrub_cut(body.as_bytes().to_vec(), &secret(KEY))).unwrap();
    for (body, left, why) in [
        (
            r#"{"key":"0123456789abcdef0123456789ABCDE"#,
            r#"{"key":"*******************************"#,
            "31 of 32",
        ),
        (r#"{"key":"0123"#, r#"{"key":"****"#, "four are enough"),
        (r#"{"key":"012"#, r#"{"key":"012"#, "three may be anything"),
        (r"\u0030\u0031\u0032\u0033\u00", "****************************", "cut within an escape"),
        ("0123456789x", "0123456789x", "not the key after all"),
    ] {
        assert_eq!(cut(body), left, "{why}");
    }
    assert_eq!(scrubbed("0123", KEY), "0123", "a whole body ends where it ends");
}

#[test]
fn odd_keys_are_overwritten_as_well() {
    for (key, body, left) in [
        ("***", "a *** b", "a ### b"),
        ("%25", "[%25]", "[***]"),
        ("%25", "[%2525]", "[*****]"),
        ("a b", "[a+b] [a b] [a%20b]", "[***] [***] [*****]"),
        ("/", r"[\/] [/]", "[**] [*]"),
        ("密钥", r"[密钥] [\u5bc6\u94A5] [%E5%AF%86\u94a5]", "[******] [************] [***************]"),
        ("😀key", r"\ud83d\uDE00key", "***************"),
        ("abab", "ababab", "****ab"),
        ("abc", r"ab\", r"ab\"),
    ] {
        assert_eq!(scrubbed(body, key), left, "{key} in {body}");
    }
}

#[test]
fn four_mebibytes_of_almost_the_key_are_no_trouble() {
    for almost in [&b"0123456789abcdef0123456789ABCDE"[..], br"\u0030123456789abcdef0123456789ABCDE"] {
        let body = almost.repeat(4 * 1024 * 1024 / almost.len());
        assert_eq!(scrub(body.clone(), &secret(KEY)), body);
    }
}

proptest! {
    #[test]
    fn whatever_the_key_and_its_spelling_the_result_does_not_contain_it(
        key in "\\PC{1,40}",
        before in "[\\PC\\n]{0,20}",
        after in "[\\PC\\n]{0,20}",
        form in any::<prop::sample::Index>(),
    ) {
        prop_assume!(Secret::parse(&key).is_some());
        let secret = secret(&key);
        let key = secret.expose();
        let form = forms(key)[form.index(forms(key).len())].clone();
        let body = format!("{before}{form}{after}{key}");
        let left = scrub(body.clone().into_bytes(), &secret);
        prop_assert_eq!(left.len(), body.len());
        for spelling in forms(key) {
            prop_assert!(!contains(&left, &spelling), "{:?} holds {:?}", String::from_utf8_lossy(&left), spelling);
        }
    }

    #[test]
    fn whatever_the_key_its_base64_is_gone(key in "[!-~]{6,40}", before in "[a-z=:]{0,5}", after in "[a-z&]{0,5}") {
        for engine in [&STANDARD, &URL_SAFE] {
            let body = engine.encode(format!("{before}{key}{after}")).into_bytes();
            let left = scrub(body, &secret(&key));
            let stars = left.iter().filter(|byte| MASKS.contains(byte) && **byte != b'=').count();
            prop_assert!(stars + 2 >= key.len() * 8 / 6, "{}", String::from_utf8_lossy(&left));
        }
    }

    #[test]
    fn a_body_without_the_key_stays_as_it_is(body in "[\\PC]{0,200}") {
        prop_assume!(!body.contains("CANARY"));
        prop_assert_eq!(scrubbed(&body, "CANARY-0123456789"), body);
    }

    #[test]
    fn a_look_ahead_misses_nothing(
        key in "([%\\\\+ /0u]{0,2}[\\PC]{1,3}|[0-9a-f]{32}|[!-~]{5,8}|.)",
        pieces in prop::collection::vec((0..12_usize, any::<prop::sample::Index>()), 1..8),
        cut in any::<prop::sample::Index>(),
    ) {
        prop_assume!(Secret::parse(&key).is_some());
        let secret = secret(&key);
        let mut wholes = forms(secret.expose());
        wholes.extend(["%", "\\", r"\u0000", r"\u00", "\0", "+", " ", "%2", "公司", r"\u516c"].map(str::to_owned));
        wholes.extend([&STANDARD, &URL_SAFE].map(|engine| engine.encode(format!("ab{key}"))));
        let mut body = Vec::new();
        for (shape, piece) in pieces {
            let whole = wholes[piece.index(wholes.len())].as_bytes();
            let half = piece.index(whole.len() + 1);
            body.extend_from_slice(match shape {
                0..=5 => whole,
                6..=8 => &whole[..half],
                _ => &whole[half..],
            });
        }
        prop_assert_eq!(scrub(body.clone(), &secret), laboriously(body.clone(), &secret, End::Whole));
        body.truncate(cut.index(body.len() + 1));
        prop_assert_eq!(scrub_cut(body.clone(), &secret), laboriously(body, &secret, End::Cut));
    }
}
