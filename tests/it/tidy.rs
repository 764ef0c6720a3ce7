//! Style is a test: arrows between the rooms, circles of files inside one, long functions, names of two types, what nobody uses,
//! leftovers.
//! What it cannot see (names, reasons) is for a reader.

mod circles;
mod source;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use circles::circles;
use source::{Source, places};

const FUNCTION_LINES_MAX: usize = 70;

/// Each room and the rooms it may import; `main` may besides become the keeper of a private server. A room that is not
/// listed here is a fault: whoever adds one says where it stands.
const ARROWS: &[(&str, &[&str])] = &[
    ("main", &["commands", "private_postgres"]),
    (
        "commands",
        &[
            "daemon",
            "sweep",
            "email",
            "standing",
            "http",
            "store",
            "juhe",
            "config",
            "domain",
            "clock",
            "random",
            "private_postgres",
            "sandbox",
        ],
    ),
    (
        "daemon",
        &[
            "sweep",
            "email",
            "standing",
            "http",
            "store",
            "juhe",
            "config",
            "domain",
            "clock",
            "random",
            "private_postgres",
            "sandbox",
        ],
    ),
    ("sweep", &["store", "juhe", "config", "domain", "clock", "random"]),
    ("email", &["store", "juhe", "config", "domain", "clock", "random"]),
    ("standing", &["store", "config", "domain", "clock"]),
    ("http", &["config", "clock"]),
    ("store", &["domain", "clock"]),
    ("juhe", &["domain", "clock"]),
    ("config", &["domain", "clock", "random"]),
    ("domain", &[]),
    ("clock", &[]),
    ("random", &[]),
    ("private_postgres", &["clock"]),
    ("sandbox", &["clock"]),
];

/// The crates of values that the pure room may use.
const CRATES_OF_DOMAIN: &[&str] = &[
    "base64",
    "chrono",
    "chrono_tz",
    "croner",
    "memchr",
    "serde",
    "sha2",
    "thiserror",
    "unicode_normalization",
];

/// What the pure room has none of: I/O, clock, async.
const ABSENT_FROM_DOMAIN: &[&str] = &[
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "std::thread",
    "std::os",
    "SystemTime",
    "Instant",
    "async",
    "await",
];

/// Words of code that are not to stay, with the reason.
const LEFTOVERS: &[(&str, &str)] = &[
    ("todo!", "finish it"),
    ("unimplemented!", "finish it"),
    ("dbg!", "log it, or drop it"),
    ("#[allow(", "#[expect(…, reason)] says when it is no longer needed"),
    ("#![allow(", "#![expect(…, reason)] says when it is no longer needed"),
];

/// Nouns that look like participles: what a file may be called. A command's file has the command's name.
const NOUNS: &[&str] = &["filing", "holding", "logging", "reading", "renewing"];

/// Ways of SQL to ask the server's clock or to lose the zone, in lower case.
const FORBIDDEN_SQL: &[&str] = &[
    "now()",
    "current_date",
    "current_timestamp",
    "current_time",
    "localtimestamp",
    "clock_timestamp()",
    "statement_timestamp()",
    "transaction_timestamp()",
    "timestamp without time zone",
];

#[test]
fn the_house_is_tidy() {
    let mut faults = Vec::new();
    let files_of_src = files("src", "rs");
    let sources: Vec<Source> = files_of_src.iter().map(|(path, text)| Source::new(path, text)).collect();
    for source in &sources {
        faults.extend(arrows(source));
        faults.extend(purity(source, &dependencies()));
        faults.extend(long_functions(source));
        faults.extend(leftovers(source));
        faults.extend(named_by_no_noun(&source.path));
    }
    faults.extend(circles_of_rooms(&sources));
    faults.extend(twins(&sources));
    let users = ["tests", "benches"].into_iter().flat_map(|folder| files(folder, "rs"));
    let users: Vec<Source> = users.map(|(path, text)| Source::whole(&path, &text)).collect();
    faults.extend(dead_items(&sources, &users));
    for (path, text) in files("migrations", "sql") {
        faults.extend(migration(&path, &text));
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

/// Imports that do not point down.
fn arrows(source: &Source) -> Vec<String> {
    let room = source.room();
    if room == "lib" {
        return Vec::new();
    }
    let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == room) else {
        return vec![format!("{}: no room of that name is known; give it a place in ARROWS", source.path)];
    };
    let is_fault =
        |to: &str| to != room && ARROWS.iter().any(|(name, _)| *name == to) && !allowed.contains(&to);
    imports(source)
        .into_iter()
        .filter(|(_, to)| is_fault(to))
        .map(|(line, to)| format!("{}:{line}: {room} imports {to}, which is not below it", source.path))
        .collect()
}

/// The names directly below the crate that the code reaches, each with its line: `crate::a`, `crate::{a, b::c}`, the same
/// from `qualwatch::` (the binary's way) and by as many `super::` as lead there.
fn imports(source: &Source) -> Vec<(usize, String)> {
    let code = source.code();
    let mut beginnings = Vec::new();
    for root in ["crate::", "qualwatch::"] {
        beginnings.extend(places(code, root).into_iter().map(|at| (at, at + root.len())));
    }
    let supers = "super::".repeat(source.depth());
    if !supers.is_empty() {
        beginnings.extend(places(code, &supers).into_iter().map(|at| (at, at + supers.len())));
    }
    let mut imports = Vec::new();
    for (at, after) in beginnings {
        for name in first_names(&code[after..]) {
            imports.push((source.line_at(at), name));
        }
    }
    imports
}

/// `a::b` gives a; `{a, b::{c, d}, e}` gives a, b and e.
fn first_names(path: &str) -> Vec<String> {
    let name = |text: &str| -> String {
        text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    let Some(group) = path.trim_start().strip_prefix('{') else {
        return vec![name(path)];
    };
    let mut names = vec![name(group)];
    let mut depth = 0;
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.push(name(&group[at + 1..])),
            _ => {}
        }
    }
    names
}

/// What the pure room uses that it has none of.
fn purity(source: &Source, dependencies: &[String]) -> Vec<String> {
    if source.room() != "domain" {
        return Vec::new();
    }
    let crates = dependencies.iter().filter(|name| !CRATES_OF_DOMAIN.contains(&name.as_str()));
    let impure =
        crates.map(|name| format!("{name}::")).chain(ABSENT_FROM_DOMAIN.iter().map(ToString::to_string));
    let fault = |at, what: &str| format!("{}:{}: domain is pure: no {what}", source.path, source.line_at(at));
    impure
        .flat_map(|what| places(source.code(), &what).into_iter().map(move |at| (at, what.clone())))
        .map(|(at, what)| fault(at, &what))
        .collect()
}

/// Circles of files in a room.
fn circles_of_rooms(sources: &[Source]) -> Vec<String> {
    let mut rooms: BTreeMap<&str, Vec<&Source>> = BTreeMap::new();
    for source in sources {
        rooms.entry(source.room()).or_default().push(source);
    }
    let faults = rooms.iter().flat_map(|(room, sources)| {
        circles(sources).into_iter().map(move |circle| {
            let (files, steps) = (circle.files.join(" "), circle.steps.join("\n    "));
            format!("src/{room}: files that need each other: {files}\n    {steps}")
        })
    });
    faults.collect()
}

/// A file that is called by what it does instead of what it is.
fn named_by_no_noun(path: &str) -> Option<String> {
    let name = Path::new(path).file_stem()?.to_str()?;
    let last = name.rsplit('_').next()?;
    let is_participle = (last.ends_with("ing") || last.ends_with("ed")) && !NOUNS.contains(&last);
    (is_participle && !path.contains("/tests/"))
        .then(|| format!("{path}: files are named by nouns of the field, not by participles"))
}

/// Public names of two types.
fn twins(sources: &[Source]) -> Vec<String> {
    let mut types: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for source in sources {
        for (line, name) in public_types(source) {
            types.entry(name).or_default().push(format!("{}:{line}", source.path));
        }
    }
    let twins = types.iter().filter(|(_, places)| places.len() > 1);
    twins.map(|(name, places)| format!("{}: two types are named {name}", places.join(" and "))).collect()
}

/// What more than its own file can see and nobody names: neither the crate nor its tests and benches. The compiler finds what is
/// private and dead, and says nothing of what a library shows.
fn dead_items(sources: &[Source], users: &[Source]) -> Vec<String> {
    let mut named: BTreeMap<&str, usize> = BTreeMap::new();
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    for source in sources.iter().chain(users) {
        for word in source.code().split(|c| !is_word(c)) {
            *named.entry(word).or_default() += 1;
        }
    }
    let mut faults = Vec::new();
    for source in sources {
        for (line, name) in shown_items(source) {
            if named.get(name.as_str()).is_some_and(|count| *count == 1) {
                faults.push(format!("{}:{line}: nobody uses {name}", source.path));
            }
        }
    }
    faults
}

/// Functions, types and constants that more than their own file can see, each with its line.
fn shown_items(source: &Source) -> Vec<(usize, String)> {
    const BESIDE: [&str; 4] = ["async", "unsafe", "const", "extern"];
    const KINDS: [&str; 7] = ["fn", "struct", "enum", "trait", "type", "static", "union"];
    let mut items = Vec::new();
    let mut is_of_tests = false;
    for (number, line) in (1..).zip(source.code().lines()) {
        let is_shown = !std::mem::replace(&mut is_of_tests, line.trim() == "#[cfg(test)]");
        let Some(words) = after_pub(line).filter(|_| is_shown) else { continue };
        let mut words = words.split_whitespace().peekable();
        let mut kind = words.next().unwrap_or_default();
        while BESIDE.contains(&kind)
            && words.peek().is_some_and(|next| KINDS.contains(next) || BESIDE.contains(next))
        {
            kind = words.next().unwrap_or_default();
        }
        if KINDS.contains(&kind) || kind == "const" {
            let name = words.next().unwrap_or_default();
            items.push((number, name.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()));
        }
    }
    items
}

/// What follows `pub`, `pub(crate)` and the like at the beginning of a line.
fn after_pub(line: &str) -> Option<&str> {
    let after = line.trim_start().strip_prefix("pub")?;
    match after.strip_prefix('(') {
        Some(whom) => whom.split_once(')').map(|(_, after)| after),
        None => after.starts_with(' ').then_some(after),
    }
}

/// The types that more than their own file can see, each with its line.
fn public_types(source: &Source) -> Vec<(usize, String)> {
    let mut types = Vec::new();
    for (number, line) in (1..).zip(source.code().lines()) {
        let Some(after) = after_pub(line) else { continue };
        let mut words = after.split_whitespace();
        if words.next().is_some_and(|kind| ["struct", "enum", "trait", "type", "union"].contains(&kind)) {
            let name = words.next().unwrap_or_default();
            types.push((number, name.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()));
        }
    }
    types
}

/// Functions that do not fit a screen. Files may be as long as their story.
fn long_functions(source: &Source) -> Vec<String> {
    let mut faults = Vec::new();
    for at in places(source.code(), "fn") {
        let Some(length) = function_length(&source.code()[at..]) else {
            continue;
        };
        let lines = source.code()[at..at + length].lines().count();
        if lines > FUNCTION_LINES_MAX {
            let line = source.line_at(at);
            faults.push(format!(
                "{}:{line}: a function of {lines} lines, {FUNCTION_LINES_MAX} at most",
                source.path
            ));
        }
    }
    faults
}

/// The length of the function that begins with the `fn` here, to its last brace. `None` for a type and for one without
/// a body.
fn function_length(code: &str) -> Option<usize> {
    let named = code.strip_prefix("fn ")?.starts_with(|c: char| c.is_alphabetic() || c == '_');
    let mut depth = 0_usize;
    let mut in_body = false;
    for (at, c) in code.char_indices().filter(|_| named) {
        match c {
            ';' if depth == 0 => return None,
            '{' if depth == 0 => (in_body, depth) = (true, 1),
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.checked_sub(1)?,
            _ => {}
        }
        if in_body && depth == 0 {
            return Some(at + 1);
        }
    }
    None
}

/// Words that are not to stay, and SQL that is not to be.
fn leftovers(source: &Source) -> Vec<String> {
    let path = &source.path;
    let mut faults = Vec::new();
    for (word, reason) in LEFTOVERS {
        for at in places(source.code(), word) {
            faults.push(format!("{path}:{}: {word}: {reason}", source.line_at(at)));
        }
    }
    for (number, line) in (1..).zip(source.text().lines()) {
        if let Some(word) = ["FIXME", "TODO", "XXX"].iter().find(|word| !places(line, word).is_empty()) {
            faults.push(format!("{path}:{number}: {word}: do it, or write it down where it is seen"));
        }
    }
    for literal in source.literals() {
        for sql in forbidden_sql(&literal.text) {
            faults.push(format!("{path}:{}: {sql} in SQL: hand the instant in, with its zone", literal.line));
        }
    }
    if source.room() == "store" {
        for way in ["AssertSqlSafe", "QueryBuilder"] {
            for at in places(source.code(), way) {
                faults.push(format!("{path}:{}: {way}: SQL is not built, it is written", source.line_at(at)));
            }
        }
        faults.extend(built_sql(source));
    }
    faults
}

fn forbidden_sql(text: &str) -> Vec<&'static str> {
    let text = text.to_lowercase();
    FORBIDDEN_SQL.iter().filter(|sql| !places(&text, sql).is_empty()).copied().collect()
}

/// `format!` whose text reads like a statement.
fn built_sql(source: &Source) -> Vec<String> {
    let lines: Vec<usize> =
        places(source.code(), "format!(").into_iter().map(|at| source.line_at(at)).collect();
    let is_statement = |text: &str| {
        ["SELECT ", "INSERT INTO ", "UPDATE ", "DELETE FROM "].iter().any(|verb| text.contains(verb))
    };
    source
        .literals()
        .iter()
        // The text stands on the line of its format!, or on the next where that was broken.
        .filter(|literal| lines.iter().any(|line| (*line..=line + 1).contains(&literal.line)))
        .filter(|literal| is_statement(&literal.text))
        .map(|literal| format!("{}:{}: SQL built by format!", source.path, literal.line))
        .collect()
}

/// Clocks and types without a zone in a migration; comments and texts may speak of them.
fn migration(path: &str, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let mut in_text = false;
    for (number, line) in (1..).zip(text.lines()) {
        let mut code = String::new();
        for part in line.split_inclusive('\'') {
            let (inside, quote) = part.strip_suffix('\'').map_or((part, false), |inside| (inside, true));
            if !in_text {
                code.push_str(inside);
                if inside.contains("--") {
                    break;
                }
            }
            in_text ^= quote;
        }
        let code = code.split("--").next().unwrap_or_default().to_lowercase();
        let mut found: Vec<String> = forbidden_sql(&code).into_iter().map(str::to_owned).collect();
        found.extend(places(&code, "timestamp").into_iter().filter_map(|at| {
            let after = code[at + "timestamp".len()..].trim_start();
            (!after.starts_with("with time zone")).then(|| "timestamp".to_owned())
        }));
        faults.extend(
            found
                .iter()
                .map(|sql| format!("{path}:{number}: {sql}: timestamptz, and no clock of the server")),
        );
    }
    faults
}

/// The crates of the manifest, by the names that code calls them.
fn dependencies() -> Vec<String> {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    manifest["dependencies"].as_table().unwrap().keys().map(|name| name.replace('-', "_")).collect()
}

/// The files below `folder` with this extension: path from the root, text.
fn files(folder: &str, extension: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(folder) else {
            continue;
        };
        for path in entries.map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                let name = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
                found.push((name, std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

#[test]
fn an_arrow_that_points_up_or_sideways_is_a_fault() {
    for (path, text, faults, why) in [
        ("src/sweep/mod.rs", "use crate::store::Pool;", 0, "down"),
        ("src/commands/run.rs", "use crate::domain::Day;", 0, "skipping rooms is allowed"),
        ("src/store/mod.rs", "use crate::sweep::Due;", 1, "up"),
        ("src/sweep/mod.rs", "use crate::email::Digest;", 1, "they meet only in rows"),
        ("src/email/mod.rs", "use crate::{domain::Day, sweep::{Due, due}, clock};", 1, "in a group"),
        (
            "src/juhe/pages.rs",
            "use crate::{\n    config::{Api, Key},\n    store,\n};",
            2,
            "a group over lines",
        ),
        ("src/config/mod.rs", "fn f() { crate::juhe::ask() }", 1, "a path without use"),
        (
            "src/sandbox/mod.rs",
            "use crate::juhe::Page;\nuse crate::domain::Day;",
            2,
            "an imitation knows nothing",
        ),
        ("src/domain/mod.rs", "use crate::clock::Clock;", 1, "the pure room has no clock"),
        ("src/store/mod.rs", "use crate::private_postgres::Purpose;", 1, "for commands and daemon only"),
        ("src/store/mod.rs", "use super::sweep::Due;", 1, "by super"),
        ("src/store/rows/outbox.rs", "use super::super::super::email::Digest;", 1, "by many supers"),
        ("src/sweep/store.rs", "use super::email;", 0, "a module of the same room by that name"),
        ("src/main.rs", "fn main() { qualwatch::store::open() }", 1, "the door calls commands"),
        (
            "src/store/mod.rs",
            "// use crate::sweep\nlet a = \"crate::sweep\";",
            0,
            "comments and texts are no code",
        ),
        (
            "src/store/mod.rs",
            "#[cfg(test)]\nmod tests { use crate::private_postgres::Purpose; }",
            0,
            "tests may",
        ),
        (
            "src/store/tests.rs",
            "use crate::private_postgres::Purpose;",
            0,
            "tests in a file of their own may",
        ),
        ("src/attic/mod.rs", "", 1, "an unknown room"),
    ] {
        let found = arrows(&Source::new(path, text));
        assert_eq!(found.len(), faults, "{why}: {found:?}");
    }
}

#[test]
fn the_pure_room_stays_pure() {
    let dependencies = ["chrono", "sqlx", "tokio"].map(str::to_owned);
    for (text, faults, why) in [
        ("use chrono::NaiveDate;", 0, "values"),
        ("use sqlx::PgPool;", 1, "a database"),
        ("async fn f() {}", 1, "async"),
        ("fn f() { std::fs::read(path) }", 1, "files"),
        ("/// A filing is async to [`tokio::time`].", 0, "only spoken of"),
    ] {
        let found = purity(&Source::new("src/domain/holding.rs", text), &dependencies);
        assert_eq!(found.len(), faults, "{why}: {found:?}");
    }
    assert!(purity(&Source::new("src/store/mod.rs", "use sqlx::PgPool;"), &dependencies).is_empty());
}

#[test]
fn what_does_not_fit_a_screen_is_a_fault() {
    let body = |lines: usize| format!("fn f(a: [u8; 2]) -> A {{\n{}}}\n", "    a();\n".repeat(lines - 2));
    for (text, faults, why) in [
        (body(70), 0, "a screen"),
        (body(71), 1, "one line more"),
        (format!("type F = fn(u8) -> u8;\n{}", "\n".repeat(100)), 0, "a type has no body"),
        (format!("trait A {{\n    fn f();\n{}}}\n", "\n".repeat(100)), 0, "neither has a declaration"),
        (format!("#[cfg(test)]\nmod tests {{\n{}\n}}", body(90)), 0, "a test may tell a long story"),
        ("\n".repeat(1000), 0, "a file is as long as its story"),
    ] {
        let found = long_functions(&Source::new("src/store/mod.rs", &text));
        assert_eq!(found.len(), faults, "{why}: {found:?}");
    }
}

#[test]
fn leftovers_and_clocks_of_the_server_are_faults() {
    let path = "src/store/sweeps.rs";
    let built = "let sql = format!(\n    \"SELECT {column} FROM company\");";
    for (text, faults, why) in [
        ("fn f() { todo!() }", 1, "unfinished"),
        ("// FIXME: soon", 1, "unfinished, in a comment"),
        ("#[allow(dead_code)]", 1, "without an end"),
        ("let at = clock.now();", 0, "our own clock"),
        ("query!(\"SELECT now()\")", 1, "the server's clock"),
        ("query!(\"WHERE day < CURRENT_DATE\")", 1, "the server's day"),
        ("sqlx::query(AssertSqlSafe(sql))", 1, "built SQL"),
        (built, 1, "built SQL"),
        ("format!(\"{count} rows\")", 0, "a message"),
    ] {
        let found = leftovers(&Source::new(path, text));
        assert_eq!(found.len(), faults, "{why}: {found:?}");
    }
    for (sql, faults, why) in [
        ("at timestamptz NOT NULL", 0, "with its zone"),
        ("at timestamp with time zone", 0, "the same, in full"),
        ("at timestamp NOT NULL", 1, "without"),
        ("at timestamptz DEFAULT now()", 1, "the server's clock"),
        ("-- never now()", 0, "a comment"),
        ("COMMENT ON COLUMN a.b IS 'not\nnow()';", 0, "a text over two lines"),
    ] {
        assert_eq!(migration("migrations/1.sql", sql).len(), faults, "{why}");
    }
}

#[test]
fn a_circle_of_files_is_a_fault() {
    let plan = |uses: &str| Source::new("src/sweep/plan.rs", uses);
    for (plan, faults, why) in [
        (plan("use super::lane::Lane;"), 1, "each needs the other"),
        (plan("use crate::store::lane::Lane;"), 0, "that of another room"),
    ] {
        let files = [
            Source::new("src/sweep/mod.rs", "pub mod plan;\npub mod lane;"),
            Source::new("src/sweep/lane.rs", "use super::plan::Plan;"),
            plan,
        ];
        let found = circles_of_rooms(&files);
        assert_eq!(found.len(), faults, "{why}: {found:?}");
    }
}

#[test]
fn a_file_named_by_a_participle_is_a_fault() {
    for (path, is_fault, why) in [
        ("src/email/refusing.rs", true, "what is done"),
        ("src/store/reports/established.rs", true, "how something is"),
        ("src/email/refusals.rs", false, "a thing"),
        ("src/domain/compare/second_reading.rs", false, "a noun that looks like one"),
        ("src/domain/compare/tests/absorbed.rs", false, "a test's name says what is tried"),
    ] {
        assert_eq!(named_by_no_noun(path).is_some(), is_fault, "{why}");
    }
}

#[test]
fn a_name_of_two_types_is_a_fault() {
    let store = "pub struct Standing<'a>(&'a str);\nstruct Row;\npub(crate) enum Step {}";
    for (sweep, faults, why) in [
        ("pub(super) enum Standing {\n    Step,\n}", 1, "one word for two things"),
        (
            "pub(super) enum Stance {\n    Step,\n}\nstruct Row;\npub fn step() {}",
            0,
            "a private name is its file's own",
        ),
    ] {
        let found = twins(&[Source::new("src/store/mod.rs", store), Source::new("src/sweep/mod.rs", sweep)]);
        assert_eq!(found.len(), faults, "{why}: {found:?}");
    }
}

#[test]
fn what_is_shown_and_used_by_nobody_is_a_fault() {
    for (shown, used, faults, why) in [
        ("pub fn sweep() {}", "", 1, "nobody calls it"),
        ("pub fn sweep() {}", "fn f() { sweep() }", 0, "a test or a bench calls it"),
        ("pub fn sweep() {}\nfn f() { sweep() }", "", 0, "its own file calls it"),
        ("pub fn sweep() {}\n#[cfg(test)]\nmod tests { fn f() { sweep() } }", "", 1, "only its own test"),
        ("pub(crate) const fn sweep() {}", "// sweep", 1, "only spoken of"),
        ("pub const SWEEP: u8 = 1;", "", 1, "a constant"),
        ("pub(super) struct Sweep;", "", 1, "a type"),
        ("#[cfg(test)]\npub fn sweep() {}", "", 0, "what only tests have"),
        ("#[cfg(test)]\nmod tests;\nmod run;\npub fn sweep() {}", "", 1, "below the tests' place in a list"),
        ("fn sweep() {}", "", 0, "the compiler finds what is private"),
        ("pub use sweep::Sweep;", "", 0, "passing on is no item"),
    ] {
        let sources = [Source::new("src/sweep/run.rs", shown)];
        let users = [Source::whole("tests/it/sweeps.rs", used)];
        let found = dead_items(&sources, &users);
        assert_eq!(found.len(), faults, "{why}: {found:?}");
    }
}
