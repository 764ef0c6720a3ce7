//! Circles of files within a room: who reaches whom by `crate::`, `super::`, `self::` and child paths.
//!
//! A file is a node, a submodule's too. What a module only passes on (`pub use`) belongs to the file that it comes from, so
//! a `mod.rs` of re-exports neither makes a circle nor hides one. A method is reached without a path; so where the `impl` of
//! a type stands in several files, whoever names the type and calls one of its methods reaches the file that has it.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{Source, places};

/// What a room's files reach: of each pair the first line and name by which it does.
type Reached = BTreeMap<(usize, usize), (usize, String)>;

struct File<'a> {
    source: &'a Source,
    /// From the room on: `["store", "checks"]` for `src/store/checks.rs` and for `src/store/checks/mod.rs`.
    module: Vec<String>,
    paths: Vec<Path>,
    /// The names that `use` declares here, with what they stand for, from the crate on.
    aliases: BTreeMap<String, Vec<String>>,
    globs: Vec<Vec<String>>,
}

/// A path as the code writes it.
#[derive(Debug)]
struct Path {
    line: usize,
    segments: Vec<String>,
    /// By what name a `pub use` passes it on.
    passed_on_as: Option<String>,
}

/// Each circle: its files by name, and for each step of it who reaches whom, where.
pub struct Circle {
    pub files: Vec<String>,
    pub steps: Vec<String>,
}

/// The circles among these files, which are those of one room.
pub fn circles(sources: &[&Source]) -> Vec<Circle> {
    let room = Room::read(sources);
    let arrows = room.reached();
    let count = room.files.len();
    let mut leads = vec![vec![false; count]; count];
    for (from, to) in arrows.keys() {
        leads[*from][*to] = true;
    }
    for over in 0..count {
        for from in 0..count {
            for to in 0..count {
                leads[from][to] |= leads[from][over] && leads[over][to];
            }
        }
    }
    let rings: BTreeSet<BTreeSet<usize>> = (0..count)
        .map(|start| (0..count).filter(|other| leads[start][*other] && leads[*other][start]).collect())
        .collect();
    let of_ring = |ring: BTreeSet<usize>| {
        let steps = arrows.iter().filter(|((from, to), _)| ring.contains(from) && ring.contains(to));
        let step = |((from, to), (line, name)): (&(usize, usize), &(usize, String))| {
            format!("{}:{line} reaches {} ({name})", room.files[*from].source.path, room.name(*to))
        };
        Circle { steps: steps.map(step).collect(), files: ring.iter().map(|file| room.name(*file)).collect() }
    };
    rings.into_iter().filter(|ring| !ring.is_empty()).map(of_ring).collect()
}

struct Room<'a> {
    files: Vec<File<'a>>,
}

impl<'a> Room<'a> {
    fn read(sources: &[&'a Source]) -> Self {
        let mut files: Vec<File> = sources.iter().map(|source| File::read(source)).collect();
        for at in 0..files.len() {
            let children: BTreeSet<String> = files
                .iter()
                .filter(|file| file.module.len() == files[at].module.len() + 1)
                .filter(|file| file.module.starts_with(&files[at].module))
                .map(|file| file.module[file.module.len() - 1].clone())
                .collect();
            files[at].resolve_names(&children);
        }
        Self { files }
    }

    /// The path below the room: `checks/commit.rs`.
    fn name(&self, file: usize) -> String {
        self.files[file].source.path.splitn(3, '/').nth(2).unwrap_or("mod.rs").to_owned()
    }

    fn reached(&self) -> Reached {
        let mut reached = Reached::new();
        let mut note = |from, to, line, name: &str| {
            if from != to {
                reached.entry((from, to)).or_insert((line, name.to_owned()));
            }
        };
        for (from, file) in self.files.iter().enumerate() {
            for path in &file.paths {
                if path.passed_on_as.as_ref().is_some_and(|name| !file.uses_itself(name)) {
                    continue;
                }
                if let Some(to) = self.file_of(&path.segments, &mut Vec::new()) {
                    note(from, to, path.line, &path.segments.join("::"));
                }
            }
        }
        for (to, of_type, method) in self.scattered_methods() {
            let calls = [format!(".{method}"), format!("{of_type}::{method}"), format!("Self::{method}")];
            for (from, file) in self.files.iter().enumerate() {
                let code = file.source.code();
                // Other types have methods of that name, too.
                if places(code, &of_type).is_empty() {
                    continue;
                }
                let call = calls.iter().find_map(|call| {
                    let is_called = |at: &usize| code[at + call.len()..].starts_with(['(', ':']);
                    places(code, call).into_iter().find(is_called)
                });
                if let Some(at) = call {
                    note(from, to, file.source.line_at(at), &format!("{method}()"));
                }
            }
        }
        reached
    }

    /// The file that a place of the crate is written in; `None` outside the room, and for the mere name of a folder: what is
    /// used of that is a path of its own.
    fn file_of(&self, place: &[String], on_the_way: &mut Vec<(usize, String)>) -> Option<usize> {
        let is_there = |depth: &usize| self.files.iter().any(|file| file.module == place[..*depth]);
        let depth = (1..=place.len()).take_while(is_there).last()?;
        let file = self.files.iter().position(|file| file.module == place[..depth])?;
        let Some(name) = place.get(depth) else {
            return (!self.files[file].source.path.ends_with("/mod.rs")).then_some(file);
        };
        if on_the_way.contains(&(file, name.clone())) {
            return Some(file);
        }
        on_the_way.push((file, name.clone()));
        let known = &self.files[file];
        if known.defines(name) {
            return Some(file);
        }
        if let Some(alias) = known.aliases.get(name) {
            let whole: Vec<String> = alias.iter().chain(&place[depth + 1..]).cloned().collect();
            return self.file_of(&whole, on_the_way);
        }
        let through = known.globs.iter().filter_map(|glob| {
            let whole: Vec<String> = glob.iter().chain(&place[depth..]).cloned().collect();
            let to = self.file_of(&whole, on_the_way)?;
            self.files[to].defines(whole.last()?).then_some(to)
        });
        let through: Vec<usize> = through.collect();
        Some(through.first().copied().unwrap_or(file))
    }

    /// The methods of types whose own `impl`s stand in several files: file, type, method.
    fn scattered_methods(&self) -> Vec<(usize, String, String)> {
        let mut of_types: BTreeMap<String, Vec<(usize, Vec<String>)>> = BTreeMap::new();
        for (at, file) in self.files.iter().enumerate() {
            for (name, methods) in own_impls(file.source.code()) {
                of_types.entry(name).or_default().push((at, methods));
            }
        }
        let mut scattered = Vec::new();
        for (name, impls) in of_types {
            if impls.iter().any(|(file, _)| *file != impls[0].0) {
                let of_one = |(file, methods): (usize, Vec<String>)| {
                    let name = name.clone();
                    methods.into_iter().map(move |method| (file, name.clone(), method))
                };
                scattered.extend(impls.into_iter().flat_map(of_one));
            }
        }
        scattered
    }
}

impl<'a> File<'a> {
    fn read(source: &'a Source) -> Self {
        let below = source.path.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
        let module = below.split('/').map(str::to_owned).collect();
        Self { source, module, paths: paths(source), aliases: BTreeMap::new(), globs: Vec::new() }
    }

    /// Writes every path from the crate on, as far as it is one of this crate; drops the others.
    fn resolve_names(&mut self, children: &BTreeSet<String>) {
        let mut own = Vec::new();
        let (declared, written): (Vec<Path>, Vec<Path>) =
            std::mem::take(&mut self.paths).into_iter().partition(|path| path.segments[0] == "use");
        for mut path in declared {
            let name = path.segments.remove(1);
            path.segments.remove(0);
            let Some(place) = self.place(&path.segments, children) else { continue };
            if name == "*" {
                self.globs.push(place.clone());
            } else {
                self.aliases.insert(name, place.clone());
            }
            own.push(Path { segments: place, ..path });
        }
        for path in written {
            if let Some(segments) = self.place(&path.segments, children) {
                own.push(Path { segments, ..path });
            }
        }
        self.paths = own;
    }

    fn place(&self, segments: &[String], children: &BTreeSet<String>) -> Option<Vec<String>> {
        let first = segments[0].as_str();
        match first {
            "crate" => Some(segments[1..].to_vec()),
            "self" | "super" => {
                let supers = segments.iter().take_while(|name| *name == "super").count();
                let begins = supers + usize::from(supers == 0);
                let depth = self.module.len().checked_sub(supers)?;
                Some(self.module[..depth].iter().chain(&segments[begins..]).cloned().collect())
            }
            _ if children.contains(first) => Some(self.module.iter().chain(segments).cloned().collect()),
            _ => {
                let alias = self.aliases.get(first)?;
                Some(alias.iter().chain(&segments[1..]).cloned().collect())
            }
        }
    }

    fn defines(&self, name: &str) -> bool {
        let code = self.source.code();
        places(code, name).into_iter().any(|at| {
            let before = code[..at].trim_end();
            let kind = before.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
            ["struct", "enum", "trait", "type", "union", "fn", "const", "static"].contains(&kind)
        })
    }

    /// Whether a name that is passed on also stands in the code outside `use`.
    fn uses_itself(&self, name: &str) -> bool {
        let code = self.source.code();
        let declarations = use_declarations(code);
        let is_declared = |at: usize| {
            code[..at].ends_with("mod ") || declarations.iter().any(|(from, to)| (*from..*to).contains(&at))
        };
        places(code, name).into_iter().any(|at| !is_declared(at))
    }
}

/// Each from `use` to its semicolon.
fn use_declarations(code: &str) -> Vec<(usize, usize)> {
    let begins = places(code, "use").into_iter();
    // `+ use<'a>` at the end of a type declares nothing.
    let begins = begins.filter(|at| !code[at + "use".len()..].starts_with('<'));
    begins.filter_map(|at| Some((at, at + code[at..].find(';')?))).collect()
}

/// Every path of two names or more. Those of `use` begin with `use` and the name that they declare, `*` for all.
fn paths(source: &Source) -> Vec<Path> {
    let code = source.code();
    let declarations = use_declarations(code);
    let mut found = Vec::new();
    for (from, to) in &declarations {
        let line_start = code[..*from].rfind('\n').map_or(0, |at| at + 1);
        let is_passed_on = code[line_start..*from].trim_start().starts_with("pub");
        let mut leaves = Vec::new();
        leaves_of(code[from + "use".len()..*to].trim(), &[], &mut leaves);
        for (mut segments, name) in leaves {
            let passed_on_as = is_passed_on.then(|| name.clone());
            segments.splice(0..0, ["use".to_owned(), name]);
            found.push(Path { line: source.line_at(*from), segments, passed_on_as });
        }
    }
    for at in code.match_indices("::").map(|(at, _)| at) {
        if declarations.iter().any(|(from, to)| (*from..*to).contains(&at)) {
            continue;
        }
        let word = |c: char| c.is_alphanumeric() || c == '_';
        let start = code[..at].rfind(|c| !word(c)).map_or(0, |before| before + 1);
        // `pub(in crate::room)` says who may see a thing, and uses nothing.
        if start == at || code[..start].ends_with("::") || code[..start].ends_with("(in ") {
            continue;
        }
        let end = code[start..].find(|c| !word(c) && c != ':').map_or(code.len(), |length| start + length);
        let segments = code[start..end].split("::").map(|name| name.trim_matches(':').to_owned());
        let segments = segments.take_while(|name| !name.is_empty()).collect();
        found.push(Path { line: source.line_at(at), segments, passed_on_as: None });
    }
    found
}

/// `a::{b, c as d, self}` gives `a::b` as `b`, `a::c` as `d`, and `a` as `a`.
fn leaves_of(tree: &str, above: &[String], leaves: &mut Vec<(Vec<String>, String)>) {
    let tree = tree.trim();
    if let Some((head, group)) = tree.split_once('{') {
        let names = head.split("::").map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
        let above: Vec<String> = above.iter().cloned().chain(names).collect();
        let inside = group.trim_end().strip_suffix('}').unwrap_or(group);
        let (mut depth, mut from) = (0, 0);
        for (at, c) in inside.char_indices() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    leaves_of(&inside[from..at], &above, leaves);
                    from = at + 1;
                }
                _ => {}
            }
        }
        leaves_of(&inside[from..], &above, leaves);
        return;
    }
    if tree.is_empty() {
        return;
    }
    let (path, renamed) = tree.split_once(" as ").unwrap_or((tree, ""));
    let mut segments: Vec<String> =
        above.iter().cloned().chain(path.split("::").map(|name| name.trim().to_owned())).collect();
    if segments.last().is_some_and(|name| name == "self") && segments.len() > 1 {
        segments.pop();
    }
    let last = segments.last().cloned().unwrap_or_default();
    if last == "*" {
        segments.pop();
    }
    leaves.push((segments, if renamed.is_empty() { last } else { renamed.trim().to_owned() }));
}

/// The types that have an `impl` of their own here (not of a trait), with the names of its functions.
fn own_impls(code: &str) -> Vec<(String, Vec<String>)> {
    let mut found = Vec::new();
    for at in places(code, "impl") {
        let line_start = code[..at].rfind('\n').map_or(0, |before| before + 1);
        let Some(open) = code[at..].find('{').filter(|_| code[line_start..at].trim().is_empty()) else {
            continue;
        };
        let head = &code[at + "impl".len()..at + open];
        if !places(head, "for").is_empty() {
            continue;
        }
        let name = without_generics(head).trim().split([' ', '<']).next().unwrap_or_default().to_owned();
        let name = name.rsplit("::").next().unwrap_or_default().to_owned();
        let mut depth = 0;
        let length = code[at + open..].find(|c| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            depth == 0
        });
        let body = &code[at + open..at + open + length.unwrap_or(code.len() - at - open)];
        let functions = places(body, "fn").into_iter().map(|at| {
            let after = body[at + 2..].trim_start();
            after.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
        });
        found.push((name, functions.collect()));
    }
    found
}

/// ` <'a, T> Name<T>` gives ` Name<T>`.
fn without_generics(head: &str) -> &str {
    let head = head.trim_start();
    if !head.starts_with('<') {
        return head;
    }
    let mut depth = 0;
    let end = head.find(|c| {
        depth += i32::from(c == '<') - i32::from(c == '>');
        depth == 0
    });
    end.map_or(head, |end| &head[end + 1..])
}

#[test]
fn a_circle_is_found_however_its_files_reach_each_other() {
    let room = "pub mod a;\npub mod b;\n";
    for (files, expected, why) in [
        (&[("a", "use super::b::B;"), ("b", "struct B;")][..], &[][..], "one way"),
        (&[("a", "use super::b::B;"), ("b", "use super::a::A;")], &["a.rs b.rs"], "both ways"),
        (
            &[("a", "use crate::room::b::B;"), ("b", "fn f() { super::a::f() }")],
            &["a.rs b.rs"],
            "by any path",
        ),
        (&[("a", "use super::b;\nfn f() { b::f() }"), ("b", "use super::a;")], &["a.rs b.rs"], "by modules"),
        (
            &[("mod", "pub use a::A;"), ("a", "struct A;\nuse super::b::B;"), ("b", "use super::A;")],
            &["a.rs b.rs"],
            "what the room passes on comes from its file",
        ),
        (
            &[("mod", "pub use a::*;"), ("a", "pub struct A;\nuse super::b::B;"), ("b", "use super::A;")],
            &["a.rs b.rs"],
            "also all at once",
        ),
        (
            &[("mod", "pub use a::A;"), ("a", "pub struct A;"), ("b", "use super::A;")],
            &[],
            "passing on is no use",
        ),
        (
            &[("mod", "use a::f;\npub struct A;"), ("a", "use super::A;\npub fn f() {}")],
            &["mod.rs a.rs"],
            "a room that is more than its list",
        ),
        (
            &[("a", "mod c;\nuse c::C;\npub struct A;"), ("a/c", "use super::A;\npub struct C;")],
            &["a.rs a/c.rs"],
            "a module and its part",
        ),
        (
            &[
                ("a", "use super::b::{self, B};"),
                ("b", "use super::c::C;"),
                ("c", "use crate::room::{a::A, d};"),
            ],
            &["a.rs b.rs c.rs"],
            "three",
        ),
        (
            &[
                ("a", "pub struct A;\nimpl<'a> A<'a> { fn one(&self) { self.two() } }"),
                ("b", "use super::a::A;\nimpl A<'_> { fn two(&self) {} }"),
            ],
            &["a.rs b.rs"],
            "methods of one type in two files",
        ),
        (
            &[
                ("a", "pub struct A;\nimpl A { fn one(&self) { self.two() } }"),
                ("b", "impl B { fn two(&self) {} }"),
            ],
            &[],
            "a method of that name of another type",
        ),
        (&[("a", "use crate::other::b::B;"), ("b", "use super::a::A;")], &[], "another room's b"),
        (&[("a", "// super::b\n"), ("b", "use super::a::A;")], &[], "only spoken of"),
        (
            &[("a", "#[cfg(test)]\nmod tests { use super::super::b::B; }"), ("b", "use super::a::A;")],
            &[],
            "tests may",
        ),
    ] {
        let mut sources: Vec<Source> =
            files.iter().map(|(name, text)| Source::new(&format!("src/room/{name}.rs"), text)).collect();
        if !files.iter().any(|(name, _)| *name == "mod") {
            sources.push(Source::new("src/room/mod.rs", room));
        }
        let found = circles(&sources.iter().collect::<Vec<_>>());
        let found: Vec<String> = found.iter().map(|circle| circle.files.join(" ")).collect();
        assert_eq!(found, expected, "{why}");
    }
}
