//! Watchlists: the example spoilt, and any text.

use std::path::Path;

use proptest::prelude::*;
use proptest::sample::Index;
use qualwatch::config::{self, Colour};

use super::{Found, hostile};

const EXAMPLE: &str = include_str!("../../../watchlist.example.toml");

/// What is done to a good file.
#[derive(Debug, Clone)]
enum Edit {
    /// A line is in force that was a remark.
    Uncomment(Index),
    /// The value of a line is another.
    Value(Index, String),
    Drop(Index),
    Twice(Index),
    /// Text comes in between, wherever.
    Put(Index, String),
    /// It ends there.
    Cut(Index),
}

fn edit() -> impl Strategy<Value = Edit> {
    let literal = prop_oneof![
        hostile().prop_map(|text| toml::Value::String(text).to_string()),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| number.to_string()),
        Just("[]".to_owned()),
        Just("{}".to_owned()),
        Just("true".to_owned()),
        "\"[0-9]{1,20}(ms|s|m|h|d|y)\"",
        "\"(https?|smtps?|postgres)://[a-z0-9@:/?=%.-]{0,30}\"",
        hostile(),
    ];
    prop_oneof![
        any::<Index>().prop_map(Edit::Uncomment),
        (any::<Index>(), literal).prop_map(|(line, value)| Edit::Value(line, value)),
        any::<Index>().prop_map(Edit::Drop),
        any::<Index>().prop_map(Edit::Twice),
        (any::<Index>(), hostile()).prop_map(|(at, text)| Edit::Put(at, text)),
        any::<Index>().prop_map(Edit::Cut),
    ]
}

fn edited(edits: &[Edit]) -> String {
    let mut text = EXAMPLE.to_owned();
    for edit in edits {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let at = |index: &Index, lines: &[String]| {
            index.index(lines.len().max(1)).min(lines.len().saturating_sub(1))
        };
        if lines.is_empty() {
            return text;
        }
        match edit {
            Edit::Uncomment(line) => {
                let at = at(line, &lines);
                lines[at] = lines[at].trim_start_matches('#').to_owned();
            }
            Edit::Value(line, value) => {
                let at = at(line, &lines);
                let name =
                    lines[at].trim_start_matches('#').split(" = ").next().unwrap_or_default().to_owned();
                lines[at] = format!("{name} = {value}");
            }
            Edit::Drop(line) => {
                lines.remove(at(line, &lines));
            }
            Edit::Twice(line) => {
                let line = lines[at(line, &lines)].clone();
                lines.push(line);
            }
            Edit::Put(place, more) => {
                let letters: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
                let place = letters.get(place.index(letters.len().max(1))).copied().unwrap_or_default();
                text.insert_str(place, more);
                continue;
            }
            Edit::Cut(line) => lines.truncate(at(line, &lines)),
        }
        text = lines.join("\n");
    }
    text
}

pub fn spoilt(inputs: u32) {
    super::judge(inputs, &prop::collection::vec(edit(), 1..6), |edits| judged(&edited(&edits)));
}

pub fn texts(inputs: u32) {
    let piece = prop_oneof![
        hostile(),
        Just("[[company]]\n".to_owned()),
        Just("[email]\n".to_owned()),
        Just("keyword = \"".to_owned()),
        Just("\"\"\"".to_owned()),
        Just("[[[".to_owned()),
        Just("a.b.c = {".to_owned()),
    ];
    let text = prop_oneof![
        prop::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat()),
        (prop::sample::select(vec!["[", "a.", "{a=", "[[a]]\n", "\"", "#", "=\n"]), 0..3_000_usize)
            .prop_map(|(piece, times)| piece.repeat(times)),
    ];
    super::judge(inputs, &text, |text| judged(&text));
}

fn judged(text: &str) -> Found {
    let path = Path::new("/nowhere/watchlist.toml");
    let judgement = config::judge(text, path);
    prop_assert_eq!(
        judgement.watchlist.is_some(),
        judgement.faults.is_empty(),
        "good, or it is said what is not"
    );
    let lines = u32::try_from(text.lines().count()).unwrap();
    for fault in &judgement.faults {
        prop_assert!((1..=lines + 1).contains(&fault.line), "{:?} of {} lines", fault, lines);
    }
    let drawn = config::draw(&judgement.faults, text, path, Colour::Never)
        + &config::draw(&judgement.warnings, text, path, Colour::Never);
    let steers = |c: char| {
        c.is_control() && c != '\n' || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    prop_assert!(!drawn.contains(steers), "{:?}", drawn);
    if let Some(watchlist) = judgement.watchlist {
        let now = "2026-01-05T00:00:00Z".parse().unwrap();
        let _ = (watchlist.calls_per_day(now), watchlist.bell_lines());
        for company in &watchlist.companies {
            let _ = (watchlist.recipients_of(company), watchlist.stale_after_of(company, now));
        }
    }
    Ok(())
}
