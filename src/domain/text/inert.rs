//! Text of others made inert: nothing in it moves, hides or reorders other text. One rule says which characters do
//! ([`is_steering`]); who must keep each character's bytes in their place writes out by it what suits there.

/// The most characters of one upstream text that a person is shown: no official name comes near.
pub const SHOWN_CHARACTERS_MAX: usize = 500;

/// `text` as people may see it, in a mail, a terminal or a log: line breaks and tabs become a blank, controls, bidi
/// overrides and invisible characters become visible as `\u{202e}`, blanks around are cut, and what is longer than
/// [`SHOWN_CHARACTERS_MAX`] ends in `…`. Markup is not touched: escaping is the business of who writes it out.
#[must_use]
pub fn displayable(text: &str) -> String {
    let text = text.trim();
    if text.len() <= SHOWN_CHARACTERS_MAX && !text.chars().any(is_steering) {
        return text.to_owned();
    }
    made_inert(text)
}

/// `text` as a cell that a spreadsheet does not take for a formula (OWASP, CSV injection). Full-width signs count: some programs fold
/// them first.
#[must_use]
pub fn spreadsheet_cell(text: &str) -> String {
    let risky = ['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠'];
    let shown = displayable(text);
    if text.starts_with(risky) || shown.starts_with(risky) { format!("'{shown}") } else { shown }
}

/// [`displayable`], character by character.
fn made_inert(text: &str) -> String {
    let mut shown = String::with_capacity(text.len().min(SHOWN_CHARACTERS_MAX));
    let mut room = SHOWN_CHARACTERS_MAX;
    for character in text.chars() {
        let wanted = match character {
            _ if is_line_break(character) => usize::from(!shown.ends_with(' ')),
            _ if is_steering(character) => character.escape_unicode().len(),
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
            _ if is_line_break(character) => shown.push(' '),
            _ if is_steering(character) => shown.extend(character.escape_unicode()),
            _ => shown.push(character),
        }
    }
    shown
}

/// All of `text`, with what is not to be there visible, line breaks too: for a log, where a line is an event.
#[must_use]
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_steering(character) { shown.extend(character.escape_unicode()) } else { shown.push(character) }
    }
    shown
}

/// Characters that break a line, or move on in one.
fn is_line_break(character: char) -> bool {
    matches!(character, '\r' | '\n' | '\t' | '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{b}' | '\u{c}')
}

/// Characters that move, break, hide or reorder other text: controls, line and paragraph separators, bidi overrides, and what
/// shows nothing (zero-width blanks and joiners, direction marks, soft hyphen, byte order mark, tags).
#[must_use]
pub fn is_steering(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
                | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
        )
}

/// The first character of `text` that nobody sees, or that moves other text: what looks the same without it is another name. Control
/// characters are another matter.
#[must_use]
pub fn first_unseen(text: &str) -> Option<char> {
    // Fillers of Hangul and Khmer and the grapheme joiner steer nothing, and show nothing either.
    let is_filler = |character| {
        matches!(
            character,
            '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{3164}' | '\u{ffa0}'
        )
    };
    text.chars()
        .find(|character| !character.is_control() && (is_steering(*character) || is_filler(*character)))
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
        assert_eq!(visible("a\r\nb\u{2028}c\u{202e} "), "a\\u{d}\\u{a}b\\u{2028}c\\u{202e} ", "a log");
        assert_eq!(displayable(&"长".repeat(600)).chars().count(), SHOWN_CHARACTERS_MAX + 1);
    }

    #[test]
    fn what_nobody_sees_is_found() {
        for (text, unseen, why) in [
            ("河南院", None, "all is seen"),
            ("河南\n院", None, "control characters are another matter"),
            ("河\u{200b}南\u{202e}院", Some('\u{200b}'), "the first"),
            ("河南\u{202e}院", Some('\u{202e}'), "it turns what follows"),
            ("河南\u{3164}院", Some('\u{3164}'), "a filler"),
        ] {
            assert_eq!(first_unseen(text), unseen, "{why}");
        }
    }

    proptest! {
        #[test]
        fn shown_text_has_no_control(text in any::<String>()) {
            prop_assert!(!displayable(&text).chars().any(is_steering));
            prop_assert!(!visible(&text).chars().any(is_steering));
        }

        #[test]
        fn what_is_shown_again_stays_the_same(text in "(\\PC|\\u{200b}|\\u{202e}|\\u{0}|\n| ){0,5}", times in 1..200_usize) {
            let once = displayable(&text.repeat(times));
            prop_assert_eq!(displayable(&once), once);
        }

        #[test]
        fn the_short_way_gives_what_the_long_one_gives(text in "([a-zA-Zａ-ｚ0-9（）一-龥、 ]{0,20}|[一ａ \u{3000}\n\u{200b}]{0,8})") {
            prop_assert_eq!(displayable(&text), made_inert(text.trim()));
        }
    }
}
