use std::collections::BTreeSet;
use std::path::Path;

use super::{KEYS, keys_of};
use crate::config::{Watchlist, judge, parse};

const EXAMPLE: &str = include_str!("../../../watchlist.example.toml");
const SCHEMA: &str = include_str!("../../../watchlist.schema.json");

/// Lines of the example that show a key which is commented out: line number, table, key, the line without its `#`.
fn commented_out() -> Vec<(usize, &'static str, &'static str, &'static str)> {
    let mut table = "";
    let mut found = Vec::new();
    for (number, line) in EXAMPLE.lines().enumerate() {
        if let Some(header) = line.strip_prefix('[') {
            table = header.trim_start_matches('[').split(']').next().unwrap();
        }
        let Some(shown) = line.strip_prefix('#') else { continue };
        if let Some((key, _)) = shown.split_once(" = ")
            && key.chars().all(|c| c.is_ascii_lowercase() || c == '_')
        {
            found.push((number, table, key, shown));
        }
    }
    found
}

/// The example with these lines in force.
fn with_lines(lines: &[(usize, &str)]) -> String {
    let line_at = |number: usize, line: &'static str| {
        lines.iter().find(|(at, _)| *at == number).map_or(line, |(_, shown)| shown).to_owned()
    };
    let text: Vec<String> = EXAMPLE.lines().enumerate().map(|(number, line)| line_at(number, line)).collect();
    text.join("\n")
}

fn accepted(text: &str) -> Watchlist {
    let judgement = judge(text, Path::new("watchlist.toml"));
    let warned: Vec<_> = judgement.warnings.iter().map(|warning| &warning.message).collect();
    // Whoever takes the example over has to be told that its addresses reach nobody; of nothing else.
    let is_example = warned.len() == 1 && warned[0].contains("example.com");
    assert!(judgement.faults.is_empty() && is_example, "{judgement:?}\n{text}");
    judgement.watchlist.unwrap()
}

#[test]
fn the_example_is_accepted_and_shows_every_key() {
    accepted(EXAMPLE);
    let root: toml::Table = EXAMPLE.parse().unwrap();
    for (table, keys) in KEYS {
        for key in keys {
            let is_shown = commented_out().iter().any(|(_, at, shown, _)| (*at, *shown) == (table, *key));
            let is_written = match table {
                "" => root.contains_key(*key),
                "company" => root["company"][0].get(key).is_some(),
                table => root[table].get(key).is_some(),
            };
            assert!(is_shown || is_written, "[{table}] {key}");
        }
    }
}

#[test]
fn what_the_example_shows_as_default_is_the_default() {
    let defaults: Vec<_> = commented_out()
        .into_iter()
        .filter(|(.., shown)| !shown.contains("# no default"))
        .map(|(number, .., shown)| (number, shown))
        .collect();
    assert!(defaults.len() > 15, "{defaults:?}");
    assert_eq!(accepted(&with_lines(&defaults)), {
        // Only the places of the entries may differ, and no line was added.
        accepted(EXAMPLE)
    });
}

#[test]
fn how_long_answers_are_kept_is_said_with_a_unit_or_in_a_word() {
    for (written, expected, why) in [
        ("\"3y\"", Ok(Some(3 * 365)), "the default"),
        ("\"1y 30d\"", Ok(Some(395)), "units add up"),
        ("\"30d\"", Ok(Some(30)), "the least"),
        ("\"forever\"", Ok(None), "nothing is removed"),
        ("\"29d\"", Err(Some("forever")), "too short to ask why of what came last month"),
        ("\"0s\"", Err(Some("forever")), "no limit, or nothing at all? it has to be said"),
        ("0", Err(Some("forever")), "the same"),
        ("\"11y\"", Err(Some("forever")), "nobody counts so long"),
        ("3", Err(Some("\"3y\"")), "a unit is missing"),
        ("\"3\"", Err(Some("\"3y\"")), "in quotes, too"),
    ] {
        let text = EXAMPLE.replace("[database]\n", &format!("[database]\nkeep = {written}\n"));
        let found = match parse(&text, Path::new("watchlist.toml")) {
            Ok((watchlist, _)) => Ok(watchlist.database.keep.map(|keep| keep.as_secs() / 86_400)),
            Err(faults) => Err(faults[0].suggestion.clone()),
        };
        assert_eq!(found, expected.map_err(|said: Option<&str>| said.map(str::to_owned)), "{written}: {why}");
    }
}

#[test]
fn beyond_this_machine_is_listened_only_when_it_is_said_twice() {
    for (lines, expected, why) in [
        ("", Ok(None), "off by default"),
        ("listen = \"127.0.0.1:9464\"", Ok(Some("127.0.0.1:9464")), "this machine"),
        ("listen = \"[::1]:9464\"", Ok(Some("[::1]:9464")), "the other kind of address"),
        ("listen = \"192.0.2.7:9464\"\nallow_remote = true", Ok(Some("192.0.2.7:9464")), "it is meant"),
        ("listen = \"0.0.0.0:9464\"", Err(Some("\"127.0.0.1:9464\"")), "all of them are others' as well"),
        ("listen = \"[::]:80\"\nallow_remote = false", Err(Some("\"127.0.0.1:80\"")), "the same"),
        ("listen = \"localhost:9464\"", Err(Some("\"127.0.0.1:9464\"")), "a name may come to mean another"),
        ("listen = 9464", Err(Some("\"9464\"")), "a port alone, without quotes"),
        ("listen = \":9464\"", Err(Some("\"127.0.0.1:9464\"")), "in quotes, as others write it"),
        ("listen = \"monitor.example.com:9464\"", Err(None), "somebody else's name"),
        ("allow_remote = \"true\"", Err(Some("true")), "without quotes"),
    ] {
        let text = EXAMPLE.replace("\n[http]\n", &format!("\n[http]\n{lines}\n"));
        let found = match parse(&text, Path::new("watchlist.toml")) {
            Ok((watchlist, _)) => Ok(watchlist.http.listen.map(|listen| listen.to_string())),
            Err(faults) => Err(faults[0].suggestion.clone()),
        };
        let expected = expected.map(|listen: Option<&str>| listen.map(str::to_owned));
        assert_eq!(found, expected.map_err(|said: Option<&str>| said.map(str::to_owned)), "{lines}: {why}");
    }
}

#[test]
fn every_line_that_is_commented_out_is_a_known_key_with_a_good_value() {
    for (number, table, key, shown) in commented_out() {
        assert!(keys_of(table).contains(&key), "[{table}] {key}");
        let faults = parse(&with_lines(&[(number, shown)]), Path::new("watchlist.toml")).err();
        let messages: Vec<_> = faults.unwrap_or_default().into_iter().map(|fault| fault.message).collect();
        if key == "maildir" {
            assert!(messages[0].contains("stands beside `smtp`"), "instead of smtp: {messages:?}");
        } else {
            assert_eq!(messages, [""; 0], "{shown}");
        }
    }
}

#[test]
fn the_schema_has_exactly_the_known_keys() {
    let schema: serde_json::Value = serde_json::from_str(SCHEMA).unwrap();
    for (table, keys) in KEYS {
        let object = match table {
            "" => &schema,
            "company" => &schema["properties"]["company"]["items"],
            table => &schema["properties"][table],
        };
        let known: BTreeSet<&str> = keys.iter().copied().collect();
        let described: BTreeSet<&str> =
            object["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(described, known, "[{table}]");
        assert_eq!(object["additionalProperties"], false, "[{table}]");
    }
}

#[test]
fn companies_with_the_same_line_share_it() {
    let companies = "[[company]]\nkeyword = \"甲一公司\"\ncheck = \"0 0 9 * * *\"\n\n\
                     [[company]]\nkeyword = \"乙二公司\"\ncheck = \"0 0 9 * * *\"\n\n\
                     [[company]]\nkeyword = \"丙三公司\"\ncheck = \"0 0 10 * * *\"\n";
    let settings = EXAMPLE.split("\n[[company]]").next().unwrap();
    let watchlist = accepted(&format!("{settings}\n{companies}"));
    let [one, other, third] = watchlist.companies.as_slice() else { panic!("{watchlist:?}") };
    let (one, other, third) =
        (one.check.as_ref().unwrap(), other.check.as_ref().unwrap(), third.check.as_ref().unwrap());
    assert!(std::sync::Arc::ptr_eq(one, other));
    assert_ne!(one, third);
}
