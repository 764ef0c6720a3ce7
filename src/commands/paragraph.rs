//! Sentences for people: on a terminal folded to its width, without breaking a number, a date or a word; in a pipe a sentence a
//! line, for other programs to read on.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::print;

/// What never begins a line.
const CLOSING: &str = "，。、；：！？）〕】》”’％…,.;:!?)]}%";

/// What never ends one.
const OPENING: &str = "（〔【《“‘([{";

/// Narrower than this nothing is folded: each word would stand alone.
const WIDTH_LEAST: usize = 24;

/// `text` as a paragraph of standard output, its lines after the first further in by `indent` columns. `column`: where the first
/// line begins.
pub(super) fn paragraph(text: &str, column: usize, indent: usize) -> String {
    match print::width_of_output() {
        Some(width) => folded_to(text, width, column, indent),
        None => text.to_owned(),
    }
}

/// Each line of `text` as a paragraph, further in by as much as it is.
pub(super) fn paragraphs(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let words = line.trim_start_matches(' ');
        let indent = line.len() - words.len();
        " ".repeat(indent) + &paragraph(words, indent, indent)
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn folded_to(text: &str, width: usize, column: usize, indent: usize) -> String {
    let room = width.saturating_sub(indent);
    if room < WIDTH_LEAST {
        return text.to_owned();
    }
    let between = format!("\n{}", " ".repeat(indent));
    let mut lines = String::with_capacity(text.len());
    let mut at = column;
    for piece in pieces(text) {
        let shown = piece.trim_end().width();
        if at + shown > width && at > indent {
            lines.truncate(lines.trim_end_matches(' ').len());
            lines.push_str(&between);
            at = indent;
        }
        for c in piece.chars() {
            // Longer than a line: it has to be broken somewhere.
            if at + c.width().unwrap_or_default() > width && c != ' ' {
                lines.push_str(&between);
                at = indent;
            }
            lines.push(c);
            at += c.width().unwrap_or_default();
        }
    }
    lines.truncate(lines.trim_end_matches(' ').len());
    lines
}

/// What is not to be broken: words with the blanks behind them, `2026年8月23日`, Chinese characters each for itself but with the
/// punctuation that belongs to them.
fn pieces(text: &str) -> Vec<&str> {
    let mut cuts = vec![0];
    let mut before = [' ', ' '];
    for (at, c) in text.char_indices() {
        if at > 0 && may_break(before, c) {
            cuts.push(at);
        }
        before = [before[1], c];
    }
    cuts.push(text.len());
    cuts.windows(2).filter_map(|cut| text.get(*cut.first()?..*cut.last()?)).collect()
}

fn may_break([earlier, before]: [char; 2], after: char) -> bool {
    if before == ' ' {
        // `30 天`.
        return after != ' ' && !(earlier.is_ascii_digit() && "天项本家件次".contains(after));
    }
    let is_held = after == ' '
        || CLOSING.contains(after)
        || OPENING.contains(before)
        || (before.is_ascii() && after.is_ascii())
        || (before.is_ascii_digit() && "年月日天".contains(after))
        || ("年月".contains(before) && after.is_ascii_digit());
    !is_held
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn no_number_date_or_word_is_broken() {
        for (text, width, lines, why) in [
            ("one two three", 80, "one two three", "it fits"),
            (
                "the certificate D241000107 ends on 20 April 2026",
                30,
                "the certificate D241000107\n  ends on 20 April 2026",
                "between words",
            ),
            (
                "河南院：设计资质证书（A141002510）将于2026年8月23日到期，剩余 30 天。",
                40,
                "河南院：设计资质证书（A141002510）将于\n  2026年8月23日到期，剩余 30 天。",
                "a date stays whole",
            ),
            (
                "平台数据中未查询到该证书“工程监理综合资质”；",
                32,
                "平台数据中未查询到该证书“工程监\n  理综合资质”；",
                "punctuation stays with its word",
            ),
            (
                "有效期至 2026年4月20日（星期一），剩余 105 天。",
                40,
                "有效期至 2026年4月20日（星期一），剩余\n  105 天。",
                "so do days",
            ),
            (&"x".repeat(40), 30, &format!("{}\n  {}", "x".repeat(30), "x".repeat(10)), "too long a word"),
            ("平台数据中未查询到该证书", 20, "平台数据中未查询到该证书", "too narrow to fold"),
        ] {
            assert_eq!(folded_to(text, width, 0, 2), lines, "{why}");
        }
    }

    proptest! {
        #[test]
        fn folding_changes_nothing_but_blanks_and_keeps_to_the_width(text in "[a-z0-9 年月日资质（），。-]{0,200}", width in 30..100_usize) {
            let folded = folded_to(&text, width, 0, 4);
            prop_assert!(folded.lines().all(|line| line.width() <= width), "{folded}");
            let bare = |text: &str| text.replace(['\n', ' '], "");
            prop_assert_eq!(bare(&folded), bare(&text));
        }
    }
}
