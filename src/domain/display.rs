//! Upstream text made inert for people, and normalised for comparison.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization as _;

/// The most characters of one upstream text that a person is shown: no official name comes near.
pub const SHOWN_CHARACTERS_MAX: usize = 500;

/// What NFKC makes of `character` wherever it stands, where that is one visible character or a blank: ASCII, its full-width
/// forms, ideographs and 、. Nearly all names, numbers and dates are written in these, and none of them composes with
/// another. `None` says nothing about `character`.
pub(super) fn plain(character: char) -> Option<char> {
    match character {
        ' '..='~' | '、' => Some(character),
        _ if is_ideograph(character) => Some(character),
        '！'..='～' => char::from_u32(u32::from(character) - FULL_WIDTH_DISTANCE),
        _ => None,
    }
}

/// Whether it is one of the ideographs (CJK Unified Ideographs) of which nearly all names are made.
pub(super) fn is_ideograph(character: char) -> bool {
    matches!(character, '\u{4e00}'..='\u{9fff}')
}

/// From an ASCII character to its full-width form.
const FULL_WIDTH_DISTANCE: u32 = '！' as u32 - '!' as u32;

/// `text` as people may see it, in a mail, a terminal or a log: line breaks and tabs become a blank, controls, bidi
/// overrides and invisible characters become visible as `\u{202e}`, blanks around are cut, and what is longer than
/// [`SHOWN_CHARACTERS_MAX`] ends in `…`. Markup is not touched: escaping is the business of who writes it out.
#[must_use]
pub fn displayable(text: &str) -> String {
    let text = text.trim();
    if text.len() <= SHOWN_CHARACTERS_MAX && text.chars().all(|character| plain(character).is_some()) {
        return text.to_owned();
    }
    made_inert(text)
}

/// [`displayable`], character by character.
fn made_inert(text: &str) -> String {
    let mut shown = String::with_capacity(text.len().min(SHOWN_CHARACTERS_MAX));
    let mut room = SHOWN_CHARACTERS_MAX;
    for character in text.chars() {
        let wanted = match character {
            '\r' | '\n' | '\t' | '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{b}' | '\u{c}' => {
                usize::from(!shown.ends_with(' '))
            }
            _ if is_treacherous(character) => character.escape_unicode().len(),
            _ => 1,
        };
        // What is shown counts, not what it is made of: shown again it must stay the same.
        let Some(left) = room.checked_sub(wanted) else {
            shown.push('…');
            break;
        };
        room = left;
        match character {
            _ if wanted == 0 => {}
            '\r' | '\n' | '\t' | '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{b}' | '\u{c}' => shown.push(' '),
            _ if is_treacherous(character) => shown.extend(character.escape_unicode()),
            _ => shown.push(character),
        }
    }
    shown
}

/// Characters that move, hide or reorder other text.
fn is_treacherous(character: char) -> bool {
    character.is_control()
        || is_invisible(character)
        || matches!(character, '\u{2066}'..='\u{2069}' | '\u{202a}'..='\u{202e}')
}

/// Characters that show nothing: zero-width blanks and joiners, direction marks, soft hyphen, byte order mark, tags.
fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{206a}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
    )
}

/// Whether a text is what tables write for nothing, and no number, date or name: a dash, 无, 暂无, null and their like. `text`
/// is normalised.
pub(super) fn is_nothing(text: &str) -> bool {
    const WORDS: [&str; 14] = [
        "null",
        "none",
        "nil",
        "undefined",
        "未知",
        "空",
        "n/a",
        "na",
        "nan",
        "不详",
        "未填",
        "未填写",
        "暂缺",
        "缺",
    ];
    let is_placeholder = |character: char| {
        matches!(
            character,
            '-' | '—' | '–' | '―' | '－' | '/' | '\\' | '.' | '。' | '_' | '*' | '?' | '无' | '暂' | '0'
        )
    };
    text.chars().all(is_placeholder) || WORDS.contains(&text.to_ascii_lowercase().as_str())
}

/// `text` without what cannot be seen or moves other text: for what means the same without it. Line breaks and blanks stay.
#[must_use]
pub fn without_invisible(text: &str) -> String {
    text.chars().filter(|character| character.is_whitespace() || !is_treacherous(*character)).collect()
}

/// What [`displayable`] made visible taken out of `text` again: for what means the same without it.
pub(super) fn without_escapes(text: &str) -> Cow<'_, str> {
    const ESCAPE: &str = "\\u{";
    if !text.contains(ESCAPE) {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(ESCAPE) {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let hidden = rest.find('}').filter(|end| {
            let code = u32::from_str_radix(&rest[ESCAPE.len()..*end], 16).ok();
            code.and_then(char::from_u32).is_some_and(is_treacherous)
        });
        let length = hidden.map_or(ESCAPE.len(), |end| end + 1);
        if hidden.is_none() {
            plain.push_str(ESCAPE);
        }
        rest = &rest[length..];
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}

/// `text` for comparison: NFKC (full-width forms become ASCII, Ⅰ becomes I), then without blanks, controls and what
/// cannot be seen. 、 stays: official names contain it.
#[must_use]
pub fn normalised(text: &str) -> String {
    let mut normal = String::with_capacity(text.len());
    for character in text.chars() {
        match plain(character) {
            Some(' ') => {}
            Some(plain) => normal.push(plain),
            None => return normalised_by_tables(text),
        }
    }
    normal
}

/// [`normalised`], and without the difference of upper and lower case.
#[must_use]
pub fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for character in text.chars() {
        match plain(character) {
            Some(' ') => {}
            Some(plain) => folded.push(plain.to_ascii_uppercase()),
            None => return normalised_by_tables(text).to_uppercase(),
        }
    }
    folded
}

/// [`normalised`], by the tables of Unicode.
fn normalised_by_tables(text: &str) -> String {
    let is_kept = |character: &char| !character.is_whitespace() && !is_treacherous(*character);
    // What stood on both sides of an invisible character may compose once that is gone.
    text.nfkc().filter(is_kept).nfkc().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use unicode_normalization::char::{canonical_combining_class, compose};

    use super::*;

    #[test]
    fn a_plain_character_is_what_nfkc_makes_of_it_and_can_be_seen() {
        let mut seen = 0;
        for character in '\0'..=char::MAX {
            let Some(normal) = plain(character) else { continue };
            seen += 1;
            assert_eq!(character.nfkc().collect::<Vec<_>>(), [normal], "{character:?}");
            assert!(normal == ' ' || !normal.is_whitespace(), "{character:?}");
            assert!(!is_treacherous(character) && !is_treacherous(normal), "{character:?}");
            assert_eq!(plain(normal), Some(normal), "{character:?}: once is enough");
            assert_eq!(canonical_combining_class(normal), 0, "{character:?}");
            let composes = (' '..='~').find_map(|other| compose(other, normal));
            assert_eq!(composes, None, "{character:?}");
        }
        assert_eq!(seen, 95 + 94 + 1 + 20_992);
    }

    #[test]
    fn hostile_text_is_inert() {
        for (text, shown, why) in [
            ("  河南院 ", "河南院", "blanks around"),
            ("甲\r\nBcc: x@example.com", "甲 Bcc: x@example.com", "no line break reaches a header"),
            ("\u{1b}[31m红", "\\u{1b}[31m红", "ANSI"),
            ("a\0b", "a\\u{0}b", "NUL, which PostgreSQL refuses"),
            ("abc\u{202e}cba", "abc\\u{202e}cba", "bidi override"),
            ("a\u{200b}b", "a\\u{200b}b", "invisible"),
            ("\u{9b}31m", "\\u{9b}31m", "C1 control"),
        ] {
            assert_eq!(displayable(text), shown, "{why}");
        }
        assert_eq!(displayable(&"长".repeat(600)).chars().count(), SHOWN_CHARACTERS_MAX + 1);
    }

    #[test]
    fn what_was_made_visible_is_taken_out_again() {
        for (text, plain) in [
            ("建筑工程", "建筑工程"),
            ("建筑\\u{200b}工程\\u{feff}", "建筑工程"),
            ("\\u{61}\\u{", "\\u{61}\\u{"),
            ("\\u{200b", "\\u{200b"),
        ] {
            assert_eq!(without_escapes(text), plain);
        }
        let shown = displayable("二\u{200b}级\u{0}\u{202e}");
        assert_eq!(without_escapes(&shown), "二级");
    }

    proptest! {
        #[test]
        fn shown_text_has_no_control(text in any::<String>()) {
            prop_assert!(!displayable(&text).chars().any(is_treacherous));
        }

        #[test]
        fn what_is_shown_again_stays_the_same(text in "(\\PC|\\u{200b}|\\u{202e}|\\u{0}|\n| ){0,5}", times in 1..200_usize) {
            let once = displayable(&text.repeat(times));
            prop_assert_eq!(displayable(&once), once);
        }

        #[test]
        fn the_short_ways_give_what_the_long_ones_give(
            text in "([a-zA-Zａ-ｚ0-9()（）甲乙级一-龥！-～、 ]{0,20}|[一ａ() \u{3000}\n\u{300}-\u{304}\u{200b}Ⅰ-Ⅷ\u{fb01}]{0,8})",
            times in prop_oneof![9 => Just(1_usize), 1 => 10..80_usize],
        ) {
            let text = text.repeat(times);
            prop_assert_eq!(normalised(&text), normalised_by_tables(&text));
            prop_assert_eq!(folded(&text), normalised_by_tables(&text).to_uppercase());
            prop_assert_eq!(displayable(&text), made_inert(text.trim()));
        }

        #[test]
        fn normalising_twice_changes_nothing(text in any::<String>()) {
            let once = normalised(&text);
            prop_assert_eq!(normalised(&once), once);
        }
    }
}
