//! Bugs that are planted one at a time, so that nobody weakens the oracle or the worlds unseen: each is a small patch of the
//! product (`mutants/`), built in a directory of its own (`target/mutants`), and found by the simulator within fifty seeds, or by the
//! closed check of the core.
//!
//! By hand: `cargo test --test it mutant -- --include-ignored --nocapture`; one alone: `QUALWATCH_MUTANT=forgotten …`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::runs;
use super::world::{Size, World};

/// The bugs that must be found.
const MUTANTS: [&str; 16] = [
    "a_loss_established_by_one_look",
    "looks_that_need_not_be_consecutive",
    "marked_as_sent_before_sending",
    "the_companys_lock_not_taken",
    "ends_judged_only_after_a_good_answer",
    "a_short_page_taken_as_complete",
    "less_for_at_most_in_the_thresholds",
    "a_later_end_trusted_at_once",
    "what_was_told_keyed_without_its_kind",
    "forgotten_by_retention",
    "a_missing_end_replacing_a_readable_one",
    "a_row_dropped_on_its_end_day_told_as_removed",
    "a_mass_loss_told_after_two_looks",
    "a_sister_taken_back_with_what_went",
    "a_silent_loss_behind_a_cover_that_goes",
    "a_good_sweep_says_that_mail_goes",
];

/// Of these, what worlds come to too seldom, and the closed check of the core finds (src/domain/tests/closed.rs).
const OF_THE_CORE: [&str; 1] = ["a_sister_taken_back_with_what_went"];

const SEEDS_MAX: u64 = 50;
/// Small worlds first: most bugs need no years.
const SMALL_SEEDS: u64 = 20;

/// What the simulator needs of the tests: the rest would only have to be built.
const ONLY_THE_SIMULATOR: &str =
    "#![cfg(test)]\n#![allow(dead_code, unused_imports)]\nmod simulation;\nmod support;\n";

fn project() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn patches() -> PathBuf {
    project().join("tests/it/simulation/mutants")
}

#[test]
fn every_planted_mutant_still_applies() {
    let listed = fs::read_dir(patches()).unwrap().map(|entry| entry.unwrap().file_name());
    let mut there: Vec<String> = listed.map(|name| name.into_string().unwrap()).collect();
    there.sort();
    let mut wanted = MUTANTS.map(|mutant| format!("{mutant}.patch"));
    wanted.sort();
    assert_eq!(there, wanted);
    for mutant in MUTANTS {
        let (path, planted) = plant(mutant);
        assert_ne!(planted, fs::read_to_string(project().join(path)).unwrap(), "{mutant} changes nothing");
    }
}

/// The file that a mutant changes, and what it becomes. What a hunk takes away must stand there exactly once, wherever: so a
/// patch outlives edits beside it, and never lands elsewhere.
fn plant(mutant: &str) -> (PathBuf, String) {
    let patch = fs::read_to_string(patches().join(format!("{mutant}.patch"))).unwrap();
    let changed = patch.lines().find_map(|line| line.strip_prefix("+++ b/")).unwrap();
    let mut text = fs::read_to_string(project().join(changed)).unwrap();
    for hunk in patch.split("\n@@").skip(1) {
        let (mut old, mut new) = (String::new(), String::new());
        for line in hunk.lines().skip(1).map(|line| format!("{line}\n")) {
            match line.split_at(1) {
                ("-", gone) => old.push_str(gone),
                ("+", come) => new.push_str(come),
                (_, both) => {
                    old.push_str(both);
                    new.push_str(both);
                }
            }
        }
        assert_eq!(
            text.matches(&old).count(),
            1,
            "{mutant} does not apply to {changed}: renew the patch of\n{old}"
        );
        text = text.replace(&old, &new);
    }
    (changed.into(), text)
}

#[test]
#[ignore = "by hand: builds the product sixteen times"]
fn each_planted_mutant_is_found() {
    let directory = project().join("target/mutants");
    let only = std::env::var("QUALWATCH_MUTANT").unwrap_or_default();
    let mut hidden = Vec::new();
    for mutant in MUTANTS.into_iter().filter(|mutant| mutant.contains(&only)) {
        let source = directory.join("source");
        copy(&project(), &source);
        write(&source.join("tests/it/main.rs"), ONLY_THE_SIMULATOR.as_bytes());
        let (path, planted) = plant(mutant);
        write(&source.join(path), planted.as_bytes());
        let found = if OF_THE_CORE.contains(&mutant) {
            found_by(&directory, &["--lib", "closed", "--", "--include-ignored"], "world: ")
        } else {
            let hunt = ["--test", "it", "simulation::hunt", "--", "--ignored", "--exact", "--nocapture"];
            found_by(&directory, &hunt, "found at ")
        };
        println!("{mutant}: {}", found.as_deref().unwrap_or("NOT FOUND"));
        if found.is_none() {
            hidden.push(mutant);
        }
    }
    assert!(hidden.is_empty(), "not found: {hidden:?}");
}

/// What these tests say of the fault that they find, in a line that begins so.
fn found_by(directory: &Path, tests: &[&str], begins: &str) -> Option<String> {
    let run = cargo(directory, tests).output().unwrap();
    let said = String::from_utf8_lossy(&[run.stdout, run.stderr].concat()).into_owned();
    assert!(said.contains("running "), "it cannot be built:\n{said}");
    said.lines().find(|line| line.starts_with(begins)).map(str::to_owned)
}

/// The first seed that finds what was planted: run where something was.
pub fn hunt() {
    let size = |seed| if seed <= SMALL_SEEDS { Size::Small } else { Size::Full };
    let worlds = (1..=SEEDS_MAX).map(|seed| World::of(seed, size(seed)));
    let found = runs::until_one_fails(worlds);
    let (world, judgement) = found.expect("no seed finds it");
    println!("found at seed {world}: {}", judgement.violations[0]);
}

fn cargo(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()));
    command
        .current_dir(directory.join("source"))
        .args(["test", "--quiet", "--locked"])
        .args(arguments)
        .env("CARGO_TARGET_DIR", directory.join("target"))
        .env("SQLX_OFFLINE", "true")
        .env_remove("QUALWATCH_STORY");
    command
}

/// Copies what the build needs; a file that is the same already keeps its date, and is not built anew.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let name = entry.file_name();
        if name == "target" || name == ".git" || name == "state" {
            continue;
        }
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            copy(&entry.path(), &to.join(&name));
        } else if kind.is_file() {
            write(&to.join(&name), &fs::read(entry.path()).unwrap());
        }
    }
}

fn write(path: &Path, bytes: &[u8]) {
    if fs::read(path).is_ok_and(|there| there == bytes) {
        return;
    }
    fs::write(path, bytes).unwrap();
}
