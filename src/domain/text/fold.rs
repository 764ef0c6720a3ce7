//! Text for comparison: what means the same reads the same.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization as _;

use super::inert::is_steering;

/// What NFKC makes of `character` wherever it stands, where that is one visible character or a blank: ASCII, its full-width
/// forms, ideographs and 、. Nearly all names, numbers and dates are written in these, and none of them composes with
/// another. `None` says nothing about `character`.
pub(in crate::domain) fn plain(character: char) -> Option<char> {
    match character {
        ' '..='~' | '、' => Some(character),
        _ if is_ideograph(character) => Some(character),
        '！'..='～' => char::from_u32(u32::from(character) - FULL_WIDTH_DISTANCE),
        _ => None,
    }
}

/// Whether it is one of the ideographs (CJK Unified Ideographs) of which nearly all names are made.
pub(in crate::domain) fn is_ideograph(character: char) -> bool {
    matches!(character, '\u{4e00}'..='\u{9fff}')
}

/// From an ASCII character to its full-width form.
const FULL_WIDTH_DISTANCE: u32 = '！' as u32 - '!' as u32;

/// Whether a text is what tables write for nothing, and no number, date or name: a dash, 无, 暂无, null and their like. `text`
/// is normalised.
pub(in crate::domain) fn is_nothing(text: &str) -> bool {
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
    text.chars().filter(|character| character.is_whitespace() || !is_steering(*character)).collect()
}

/// What [`displayable`](super::displayable) made visible taken out of `text` again: for what means the same without it.
pub(in crate::domain) fn without_escapes(text: &str) -> Cow<'_, str> {
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
            code.and_then(char::from_u32).is_some_and(is_steering)
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
    without_tables(text, |plain| plain).unwrap_or_else(|| normalised_by_tables(text))
}

/// Whether nothing is left of `text` in comparison.
pub(in crate::domain) fn shows_nothing(text: &str) -> bool {
    // What is seen at once needs no tables.
    let is_seen = |character| plain(character).is_some_and(|plain| plain != ' ');
    !text.chars().any(is_seen) && normalised(text).is_empty()
}

/// [`normalised`], and without the difference of upper and lower case.
#[must_use]
pub fn folded(text: &str) -> String {
    let upper = |plain: char| plain.to_ascii_uppercase();
    without_tables(text, upper).unwrap_or_else(|| normalised_by_tables(text).to_uppercase())
}

/// [`normalised`], each character as `letter` gives it; `None` where a character is not [`plain`].
fn without_tables(text: &str, letter: impl Fn(char) -> char) -> Option<String> {
    let mut normal = String::with_capacity(text.len());
    for character in text.chars() {
        match plain(character)? {
            ' ' => {}
            plain => normal.push(letter(plain)),
        }
    }
    Some(normal)
}

/// [`normalised`], by the tables of Unicode.
fn normalised_by_tables(text: &str) -> String {
    let is_kept = |character: &char| !character.is_whitespace() && !is_steering(*character);
    // What stood on both sides of an invisible character may compose once that is gone.
    text.nfkc().filter(is_kept).nfkc().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use unicode_normalization::char::{canonical_combining_class, compose};

    use super::super::inert::displayable;
    use super::*;

    #[test]
    fn a_plain_character_is_what_nfkc_makes_of_it_and_can_be_seen() {
        let mut seen = 0;
        for character in '\0'..=char::MAX {
            let Some(normal) = plain(character) else { continue };
            seen += 1;
            assert_eq!(character.nfkc().collect::<Vec<_>>(), [normal], "{character:?}");
            assert!(normal == ' ' || !normal.is_whitespace(), "{character:?}");
            assert!(!is_steering(character) && !is_steering(normal), "{character:?}");
            assert_eq!(plain(normal), Some(normal), "{character:?}: once is enough");
            assert_eq!(canonical_combining_class(normal), 0, "{character:?}");
            let composes = (' '..='~').find_map(|other| compose(other, normal));
            assert_eq!(composes, None, "{character:?}");
        }
        assert_eq!(seen, 95 + 94 + 1 + 20_992);
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

    #[test]
    fn nothing_is_left_of_blanks_and_of_what_cannot_be_seen() {
        for (text, is_nothing) in [
            ("", true),
            (" \u{3000}", true),
            ("\u{200b}\t\u{feff}", true),
            ("二", false),
            (" Ⅱ", false),
            ("Строй", false),
        ] {
            assert_eq!(shows_nothing(text), is_nothing, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn the_short_ways_give_what_the_long_ones_give(
            text in "([a-zA-Zａ-ｚ0-9()（）甲乙级一-龥！-～、 ]{0,20}|[一ａ() \u{3000}\n\u{300}-\u{304}\u{200b}Ⅰ-Ⅷ\u{fb01}]{0,8})",
            times in prop_oneof![9 => Just(1_usize), 1 => 10..80_usize],
        ) {
            let text = text.repeat(times);
            prop_assert_eq!(normalised(&text), normalised_by_tables(&text));
            prop_assert_eq!(folded(&text), normalised_by_tables(&text).to_uppercase());
        }

        #[test]
        fn normalising_twice_changes_nothing(text in any::<String>()) {
            let once = normalised(&text);
            prop_assert_eq!(normalised(&once), once);
        }
    }
}
