//! Rust text told apart: code, literals, comments, and where the tests of a file begin.

/// A file of `src/`, by its path from the root of the repository.
pub struct Source {
    pub path: String,
    text: String,
    /// The text without its tests, with every comment and the inside of every literal blanked out.
    code: String,
    literals: Vec<Literal>,
}

/// A string literal of the part that is not tests.
pub struct Literal {
    pub line: usize,
    pub text: String,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Self {
        let is_test = path.ends_with("/tests.rs") || path.contains("/tests/");
        let production = if is_test { "" } else { without_tests(text) };
        let (code, literals) = tell_apart(production);
        Self { path: path.to_owned(), text: text.to_owned(), code, literals }
    }

    /// A file whose tests are code, too.
    pub fn whole(path: &str, text: &str) -> Self {
        let (code, literals) = tell_apart(text);
        Self { path: path.to_owned(), text: text.to_owned(), code, literals }
    }

    pub fn code(&self) -> &str {
        &self.code
    }

    pub fn literals(&self) -> &[Literal] {
        &self.literals
    }

    /// The whole text, tests and comments too.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The room the file belongs to: `store` for `src/store/sweeps.rs`, `clock` for `src/clock.rs`.
    pub fn room(&self) -> &str {
        let below = self.path.strip_prefix("src/").unwrap_or(&self.path);
        let room = below.split('/').next().unwrap_or(below);
        room.strip_suffix(".rs").unwrap_or(room)
    }

    /// How many `super::` lead from this file's module to the crate: 1 for `src/store/mod.rs` and `src/clock.rs`.
    pub fn depth(&self) -> usize {
        let slashes = self.path.matches('/').count();
        if self.path.ends_with("/mod.rs") { slashes - 1 } else { slashes }
    }

    /// The line (from 1) that `offset` of the code is in; blanking keeps every line break.
    pub fn line_at(&self, offset: usize) -> usize {
        1 + self.code[..offset].matches('\n').count()
    }
}

/// By custom the tests of a file are its end: `#[cfg(test)]`, then `mod tests`.
fn without_tests(text: &str) -> &str {
    let mut from = 0;
    while let Some(found) = text[from..].find("#[cfg(test)]\n") {
        let at = from + found;
        let after = &text[at + "#[cfg(test)]\n".len()..];
        let next = after.trim_start_matches(['\n', ' ']);
        // In a file of their own they may stand in a room's list of modules, and code follows.
        let in_a_file = next.strip_prefix("mod tests;").is_some_and(|rest| rest.trim().is_empty());
        if in_a_file || next.starts_with("mod tests {") || next.starts_with("#[path") {
            return &text[..at];
        }
        from = at + 1;
    }
    text
}

/// Offsets at which `needle` stands in `code` as words of its own.
pub fn places(code: &str, needle: &str) -> Vec<usize> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let starts_word = needle.starts_with(is_word);
    let ends_word = needle.ends_with(is_word);
    code.match_indices(needle)
        .map(|(at, _)| at)
        .filter(|&at| !(starts_word && code[..at].ends_with(is_word)))
        .filter(|&at| !(ends_word && code[at + needle.len()..].starts_with(is_word)))
        .collect()
}

fn tell_apart(text: &str) -> (String, Vec<Literal>) {
    let mut reader = Reader { rest: text, code: String::new(), literals: Vec::new(), line: 1 };
    while let Some(next) = reader.rest.chars().next() {
        let rest = reader.rest;
        if rest.starts_with("//") {
            reader.blank(rest.find('\n').unwrap_or(rest.len()));
        } else if rest.starts_with("/*") {
            reader.blank(rest.find("*/").map_or(rest.len(), |end| end + 2));
        } else if let Some(hashes) = raw_string_hashes(rest).filter(|_| !reader.is_in_word()) {
            reader.raw_string(hashes);
        } else if next == '"' {
            reader.string();
        } else if let Some(length) = char_literal(rest) {
            reader.blank(length);
        } else {
            reader.keep(next.len_utf8());
        }
    }
    (reader.code, reader.literals)
}

struct Reader<'a> {
    rest: &'a str,
    code: String,
    literals: Vec<Literal>,
    line: usize,
}

impl Reader<'_> {
    fn is_in_word(&self) -> bool {
        self.code.ends_with(|c: char| c.is_alphanumeric() || c == '_')
    }

    fn keep(&mut self, length: usize) {
        let (kept, rest) = self.rest.split_at(length);
        self.line += kept.matches('\n').count();
        self.code.push_str(kept);
        self.rest = rest;
    }

    fn blank(&mut self, length: usize) {
        let (blanked, rest) = self.rest.split_at(length);
        self.line += blanked.matches('\n').count();
        self.code.extend(blanked.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        self.rest = rest;
    }

    fn literal(&mut self, opening: usize, inside: usize, closing: usize) {
        let text = self.rest[opening..opening + inside].to_owned();
        self.literals.push(Literal { line: self.line, text });
        self.keep(opening);
        self.blank(inside);
        self.keep(closing.min(self.rest.len()));
    }

    fn string(&mut self) {
        let mut escaped = false;
        let inside = self.rest[1..].find(|c| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        });
        self.literal(1, inside.unwrap_or(self.rest.len() - 1), 1);
    }

    fn raw_string(&mut self, hashes: usize) {
        let opening = self.rest.find('"').unwrap() + 1;
        let end = format!("\"{}", "#".repeat(hashes));
        let inside = self.rest[opening..].find(&end).unwrap_or(self.rest.len() - opening);
        self.literal(opening, inside, end.len());
    }
}

/// How many `#` the raw string has that begins here, if one does.
fn raw_string_hashes(rest: &str) -> Option<usize> {
    let after = rest.strip_prefix("br").or_else(|| rest.strip_prefix('r'))?;
    let quoted = after.trim_start_matches('#');
    quoted.starts_with('"').then(|| after.len() - quoted.len())
}

/// The length of the char literal that begins here; `None` for a lifetime and anything else.
fn char_literal(rest: &str) -> Option<usize> {
    let inside = rest.strip_prefix('\'')?;
    if let Some(escape) = inside.strip_prefix('\\') {
        let escaped = escape.chars().next()?.len_utf8();
        let end = escape[escaped..].find('\'')?;
        return Some(2 + escaped + end + 1);
    }
    let only = inside.chars().next()?.len_utf8();
    inside[only..].starts_with('\'').then_some(only + 2)
}

#[test]
fn text_is_told_apart() {
    for (text, code, literals, why) in [
        ("a // crate::b\nc", "a            \nc", &[][..], "a comment is no code"),
        ("a /* \n */ b", "a    \n    b", &[], "lines stay where they are"),
        (r#"f("a\"b", 1)"#, r#"f("    ", 1)"#, &[r#"a\"b"#], "an escaped quote"),
        (r##"f(r#"a"b"#)"##, r##"f(r#"   "#)"##, &[r#"a"b"#], "a raw string"),
        ("for'a \"x\"", "for'a \" \"", &["x"], "a lifetime is no char"),
        (r#"['"', '\'', '\u{41}', "y"]"#, r#"[   ,     ,         , " "]"#, &["y"], "chars that are quotes"),
        ("super\"z\"", "super\" \"", &["z"], "an r at the end of a word is no raw string"),
    ] {
        let (seen, found) = tell_apart(text);
        let found: Vec<_> = found.iter().map(|literal| literal.text.as_str()).collect();
        assert_eq!((seen.as_str(), found.as_slice()), (code, literals), "{why}");
    }
}
