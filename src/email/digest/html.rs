//! The HTML part: tables and inline styles only, because webmail drops `<style>` and Outlook lays out with Word's engine
//! (domain.md 7). No element, attribute or address ever comes from what the registry says; nothing is fetched.

use minijinja::value::{Serde, Value};
use minijinja::{AutoEscape, Environment, UndefinedBehavior, context};

use super::page::Page;
use crate::email::words::days::MONTHS;

const TEMPLATE: &str = include_str!("../templates/digest.html");

/// Writes the HTML part of a page. A fault in the template must not keep anybody from being told: then the text part
/// stands there as it is.
pub(super) fn write(page: &Page, text: &str) -> String {
    render(page).unwrap_or_else(|error| {
        tracing::error!(%error, "the HTML part could not be written from its template; the text stands in for it");
        format!("<!DOCTYPE html><html><body><pre>{}</pre></body></html>", escaped(text))
    })
}

/// Strict: a name that the page does not have is an error, so that a test finds it.
pub(super) fn render(page: &Page) -> Result<String, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_filter("kept", kept_value);
    environment.add_template("digest.html", TEMPLATE)?;
    environment.get_template("digest.html")?.render(context! { page => Serde(page) })
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn kept_value(text: &str) -> Value {
    Value::from_safe_string(kept(text))
}

/// Escaped, and what a narrow screen must not break in two kept on one line: `2026年8月23日`, `30 天`,
/// `2 项`, `23 August 2026`, `30 days`.
fn kept(text: &str) -> String {
    let mut html = String::with_capacity(text.len() * 2);
    let (mut rest, mut is_in_number) = (text, false);
    while let Some(next) = rest.chars().next() {
        let length = if is_in_number { 0 } else { length_kept(rest) };
        let (piece, after) = rest.split_at(length.max(next.len_utf8()));
        if length == 0 {
            html.push_str(&escaped(piece));
        } else {
            html.push_str("<span style=\"white-space:nowrap\">");
            html.push_str(&escaped(piece));
            html.push_str("</span>");
        }
        is_in_number = piece.ends_with(|c: char| c.is_ascii_alphanumeric());
        rest = after;
    }
    html
}

/// How many bytes at the beginning of `text` stay together; 0: nothing that has to be kept.
fn length_kept(text: &str) -> usize {
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        return 0;
    }
    let digits = |text: &str| text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    // Each number with what has to follow it.
    let read = |follow: &[&str]| -> Option<usize> {
        let mut rest = text;
        for word in follow {
            let number = digits(rest);
            rest = rest.get(number..)?.strip_prefix(word).filter(|_| number > 0)?;
        }
        Some(text.len() - rest.len())
    };
    let in_english = || {
        let mut words = text.split(' ');
        let [number, word, year] = [words.next()?, words.next()?, words.next().unwrap_or_default()];
        let is_number = |text: &str| !text.is_empty() && digits(text) == text.len();
        let year = year.get(..4).filter(|year| is_number(year)).unwrap_or_default();
        if !is_number(number) {
            return None;
        }
        let days = ["days", "day"].into_iter().find(|days| word.starts_with(days));
        match days {
            Some(days) => Some(number.len() + 1 + days.len()),
            None if MONTHS.contains(&word) && !year.is_empty() => {
                Some(number.len() + word.len() + 2 + year.len())
            }
            None => None,
        }
    };
    let counted = [" 天", " 项", " 本", " 家", " 件"].into_iter().find_map(|of| read(&[of]));
    let known = [read(&["年", "月", "日"]), read(&["月", "日"]), counted, in_english()];
    known.into_iter().flatten().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_days_stay_on_one_line_and_nothing_else_does() {
        let held = |text: &str| format!("<span style=\"white-space:nowrap\">{text}</span>");
        for (text, html, why) in [
            (
                "将于 2026年8月23日（星期日）到期",
                format!("将于 {}（星期日）到期", held("2026年8月23日")),
                "a date",
            ),
            ("8月23日", held("8月23日"), "without a year"),
            ("剩余 30 天。", format!("剩余 {}。", held("30 天")), "days"),
            ("on Sunday 23 August 2026,", format!("on Sunday {},", held("23 August 2026")), "in English"),
            ("(1 day left)", format!("({} left)", held("1 day")), "a day"),
            ("for 30 days.", format!("for {}.", held("30 days")), "days in English"),
            ("D241000107 天", "D241000107 天".to_owned(), "a number's end is no number"),
            ("另有 3 项 <b>", format!("另有 {} &lt;b&gt;", held("3 项")), "a count, and marks"),
            ("23 August", "23 August".to_owned(), "no whole date"),
            ("", String::new(), "nothing"),
        ] {
            assert_eq!(kept(text), html, "{why}");
        }
    }
}
