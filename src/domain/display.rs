//! Upstream text made inert for people, and normalised for comparison.

use unicode_normalization::{IsNormalized, UnicodeNormalization as _, is_nfkc_quick};

/// The most characters of one upstream text that a person is shown: no official name comes near.
pub const SHOWN_CHARACTERS_MAX: usize = 500;

/// `text` as people may see it, in a mail, a terminal or a log: line breaks and tabs become a blank, controls, bidi
/// overrides and invisible characters become visible as `\u{202e}`, blanks around are cut, and what is longer than
/// [`SHOWN_CHARACTERS_MAX`] ends in `…`. Markup is not touched: escaping is the business of who writes it out.
#[must_use]
pub fn displayable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len().min(SHOWN_CHARACTERS_MAX));
    let mut room = SHOWN_CHARACTERS_MAX;
    for character in text.trim().chars() {
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

/// `text` without what cannot be seen or moves other text: for what means the same without it. Line breaks and blanks stay.
#[must_use]
pub fn without_invisible(text: &str) -> String {
    text.chars().filter(|character| character.is_whitespace() || !is_treacherous(*character)).collect()
}

/// `text` for comparison: NFKC (full-width forms become ASCII, Ⅰ becomes I), then without blanks, controls and what
/// cannot be seen. 、 stays: official names contain it.
#[must_use]
pub fn normalised(text: &str) -> String {
    let is_kept = |character: &char| !character.is_whitespace() && !is_treacherous(*character);
    // Most text is normal already, and a hundred thousand names and numbers are read at every start.
    if is_nfkc_quick(text.chars()) == IsNormalized::Yes && text.chars().all(|character| is_kept(&character)) {
        return text.to_owned();
    }
    // What stood on both sides of an invisible character may compose once that is gone.
    text.nfkc().filter(is_kept).nfkc().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

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
        fn text_that_is_normal_already_is_only_copied(text in "[a-zA-Zａ-ｚ0-9()（）甲乙级一-龥Ⅰ-Ⅷ\\u{300}-\\u{304}\\u{200b} 、]{0,20}") {
            let kept = |character: &char| !character.is_whitespace() && !is_treacherous(*character);
            let laboriously: String = text.nfkc().filter(kept).nfkc().collect();
            prop_assert_eq!(normalised(&text), laboriously);
        }

        #[test]
        fn normalising_twice_changes_nothing(text in any::<String>()) {
            let once = normalised(&text);
            prop_assert_eq!(normalised(&once), once);
        }
    }
}
