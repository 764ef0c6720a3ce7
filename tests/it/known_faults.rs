//! No crate of Cargo.lock is one of which something is known (.ci/lowest-versions): the advisory database cannot be reached everywhere.

use std::collections::BTreeMap;

use crate::documents::document;

type Version = [u64; 3];

/// Without what is told of a build. A version before a release counts as that release: none is in use.
fn version(text: &str) -> Version {
    let numbers = text.split(['-', '+']).next().unwrap().split('.').map(|number| number.parse().unwrap());
    numbers.collect::<Vec<u64>>().try_into().unwrap_or_else(|_| panic!("{text} is no version"))
}

/// Every version of every crate.
fn locked(lock: &str) -> Vec<(&str, Version)> {
    let field = |package: &'_ str, name: &str| {
        let start = package.find(&format!("\n{name} = \"")).unwrap() + name.len() + 5;
        start..start + package[start..].find('"').unwrap()
    };
    let packages = lock.split("[[package]]").skip(1);
    packages
        .map(|package| (&package[field(package, "name")], version(&package[field(package, "version")])))
        .collect()
}

/// What is at fault: crates below their lowest version, lines that say too little or of no crate.
fn faults(list: &str, lock: &str) -> Vec<String> {
    let locked = locked(lock);
    let mut faults = Vec::new();
    let mut lowest: BTreeMap<&str, Version> = BTreeMap::new();
    for line in list.lines().filter(|line| !line.starts_with('#')) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [name, least, advisory, _, ..] = words[..] else {
            faults.push(format!("crate, version, advisory and why are wanted: {line}"));
            continue;
        };
        if !advisory.starts_with("RUSTSEC-") {
            faults.push(format!("{advisory} is no advisory: {line}"));
        }
        if lowest.insert(name, version(least)).is_some() || !locked.iter().any(|(known, _)| *known == name) {
            faults.push(format!("{name} is named twice, or is not in Cargo.lock"));
        }
    }
    for (name, found) in locked {
        if lowest.get(name).is_some_and(|least| found < *least) {
            faults.push(format!("{name} {found:?} is known to be at fault: .ci/lowest-versions says why"));
        }
    }
    faults
}

#[test]
fn no_crate_is_one_of_which_a_fault_is_known() {
    let faults = faults(&document(".ci/lowest-versions"), &document("Cargo.lock"));
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn an_older_crate_a_careless_line_and_a_crate_that_has_left_are_found() {
    let lock = "[[package]]\nname = \"ring\"\nversion = \"0.17.14\"\n\n[[package]]\nname = \"toml\"\nversion = \"1.2.1+spec-1.1.0\"\n";
    for (list, found, why) in [
        ("ring 0.17.12 RUSTSEC-2025-0009 a panic", 0, "as new as it has to be"),
        ("ring 0.17.15 RUSTSEC-2025-0009 a panic", 1, "one too old"),
        ("toml 1.10.0 RUSTSEC-2025-0009 a panic", 1, "numbers are no text"),
        ("ring 0.17.12 RUSTSEC-2025-0009", 1, "why?"),
        ("ring 0.17.12 CVE-1 a panic", 1, "not an advisory of RustSec"),
        ("openssl 0.10.0 RUSTSEC-2025-0022 a panic", 1, "not here"),
    ] {
        assert_eq!(faults(list, lock).len(), found, "{why}");
    }
}
