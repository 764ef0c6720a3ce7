//! README, ARCHITECTURE and docs/ are true where a machine can tell: commands, kinds of events, files, functions and tests that they name.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use qualwatch::domain::event::{Change, Trouble};

use crate::support::program::Program;

/// The handbook, in each of its languages.
const HANDBOOKS: [&str; 2] = ["README.md", "README.zh-CN.md"];

/// What leads through the sources.
const MAPS: [&str; 3] = ["ARCHITECTURE.md", "docs/decisions.md", "docs/testing.md"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub fn document(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap()
}

/// What a document shows as code: inline, and line by line of a fenced block, there without its comments.
fn code(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut is_fenced = false;
    for line in text.lines() {
        if line.starts_with("```") {
            is_fenced = !is_fenced;
        } else if is_fenced {
            found.extend(line.split(" #").next());
        } else {
            found.extend(line.split('`').skip(1).step_by(2));
        }
    }
    found
}

/// All Rust text below a folder of the project.
fn sources(folder: &Path) -> String {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    let mut all = String::new();
    for path in entries {
        if path.is_dir() {
            all.push_str(&sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            all.push_str(&fs::read_to_string(path).unwrap());
        }
    }
    all
}

/// The commands that the program itself says it has.
fn commands() -> BTreeSet<String> {
    let help = Program::without_watchlist().run(&["--help"]).stdout;
    let listed =
        help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    // What goes on from the line before is further in.
    listed
        .filter_map(|line| line.strip_prefix("  "))
        .filter(|line| !line.starts_with(' '))
        .map(|line| line.split_whitespace().next().unwrap().to_owned())
        .collect()
}

#[test]
fn the_readme_names_every_command_and_no_other() {
    for handbook in HANDBOOKS {
        assert_eq!(commands_in(&document(handbook)), commands(), "{handbook}");
    }
    assert!(commands().len() > 5, "the help was read");
}

fn commands_in(readme: &str) -> BTreeSet<String> {
    let mut named = BTreeSet::new();
    for code in code(readme) {
        let words: Vec<&str> = code.split_whitespace().collect();
        for pair in words.windows(2) {
            let is_word =
                pair[1].chars().all(|c| c.is_ascii_lowercase() || c == '-') && !pair[1].starts_with('-');
            if ["qualwatch", "qw"].contains(&pair[0]) && is_word {
                named.insert(pair[1].to_owned());
            }
        }
    }
    named
}

/// The fenced blocks, each with the language that it names, without comments.
fn blocks(text: &str) -> Vec<String> {
    let fenced = text.split("```").skip(1).step_by(2);
    let bare = |line: &str| {
        let is_comment = line.trim_start().starts_with('#');
        let code = if is_comment { "" } else { line.split(" #").next().unwrap_or_default() };
        code.trim_end().to_owned()
    };
    fenced.map(|block| block.lines().map(bare).collect::<Vec<_>>().join("\n")).collect()
}

#[test]
fn what_is_to_be_pasted_is_the_same_in_every_language() {
    let [ours, theirs] = HANDBOOKS.map(|handbook| blocks(&document(handbook)));
    assert!(ours.len() > 10, "the blocks were read");
    for (ours, theirs) in ours.iter().zip(&theirs) {
        assert_eq!(ours, theirs, "the next block of {HANDBOOKS:?}");
    }
    assert_eq!(ours.len(), theirs.len(), "one of {HANDBOOKS:?} has more blocks");
}

#[test]
fn the_readme_explains_every_kind_of_event() {
    let words = sources(&root().join("src/email/words"));
    for handbook in HANDBOOKS {
        let readme = document(handbook);
        let kinds = Change::ALL.map(Change::as_str).into_iter().chain(Trouble::ALL.map(Trouble::as_str));
        let missing: Vec<_> =
            kinds.filter(|kind| readme.matches(&format!("\n| `{kind}` | ")).count() != 1).collect();
        assert!(missing.is_empty(), "{handbook}, one row each: {missing:?}");
        for (kind, title) in readme.lines().filter_map(row_of_an_event) {
            assert!(words.contains(&format!("= \"{title}\" ")), "{handbook}: no mail calls {kind} {title:?}");
        }
    }
}

/// An event and its title in a mail, without what it means in English.
fn row_of_an_event(line: &str) -> Option<(&str, &str)> {
    let (kind, rest) = line.strip_prefix("| `")?.split_once("` | ")?;
    let is_event = Change::ALL.map(Change::as_str).into_iter().chain(Trouble::ALL.map(Trouble::as_str));
    is_event.into_iter().find(|known| *known == kind)?;
    let title = rest.split(" | ").next()?;
    Some((kind, title.split(" (*").next()?))
}

/// The heading's anchor, as GitHub makes it.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

#[test]
fn every_link_leads_somewhere() {
    for name in ["CHANGELOG.md", "SECURITY.md"].into_iter().chain(HANDBOOKS).chain(MAPS) {
        let text = document(name);
        let path = root().join(name);
        let folder = path.parent().unwrap();
        let anchors: BTreeSet<String> = text
            .lines()
            .filter(|line| line.starts_with('#'))
            .map(|line| anchor(line.trim_start_matches(['#', ' '])))
            .collect();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let is_there = match link.strip_prefix('#') {
                Some(place) => anchors.contains(place),
                None => link.starts_with("https://") || folder.join(link).exists(),
            };
            assert!(is_there, "{name}: {link}");
        }
    }
}

#[test]
fn every_file_and_script_that_is_named_exists() {
    for name in HANDBOOKS.into_iter().chain(MAPS) {
        let text = document(name);
        for word in code(&text).into_iter().flat_map(str::split_whitespace) {
            let is_file = Path::new(word).extension().is_some_and(|extension| extension == "rs")
                || word.starts_with("script/")
                || word.starts_with(".ci/");
            let is_there = root().join(word).exists() || root().join("src").join(word).exists();
            // A file of a room is named without its folder where the sentence has just named the room.
            let is_alone = !word.contains('/') && word != "main.rs";
            assert!(!is_file || is_there || is_alone, "{name}: {word}");
        }
    }
}

#[test]
fn every_function_that_is_named_by_its_path_exists() {
    let text = MAPS.map(document).concat();
    let sources = sources(&root().join("src")) + &sources(&root().join("tests"));
    for path in code(&text).into_iter().filter(|word| word.contains("::")) {
        let name = path.rsplit("::").next().unwrap();
        let name = name.split(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap();
        // A variant, such as `Ripe::Everything`, is the compiler's business.
        if name.starts_with(char::is_uppercase) {
            continue;
        }
        let is_there = ["fn ", "mod "].iter().any(|item| {
            let after = |end: &str| sources.contains(&format!("{item}{name}{end}"));
            after("(") || after("<") || after(";")
        });
        assert!(is_there, "{path}");
    }
}

#[test]
fn every_test_of_the_tables_of_promises_and_of_security_exists() {
    let sources = sources(&root().join("src")) + &sources(&root().join("tests"));
    for (name, head, least) in [
        ("docs/promises.md", "\n| promise | tests |\n", 50),
        ("SECURITY.md", "\n| # | threat | tests |\n", 30),
    ] {
        let text = document(name);
        let (_, table) = text.split_once(head).unwrap();
        let mut named = 0;
        for row in table.lines().skip(1).take_while(|line| line.starts_with('|')) {
            let tests = row.trim_matches('|').rsplit('|').next().unwrap();
            let is_test = |word: &&str| {
                word.contains('_') && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            };
            for test in code(tests).into_iter().filter(is_test) {
                assert!(sources.contains(&format!("fn {test}(")), "{test}");
                named += 1;
            }
            assert!(tests.trim().is_empty() || tests.contains('`') || tests.contains("*none*"), "{row}");
        }
        assert!(named > least, "{name} was read: {named}");
    }
}
