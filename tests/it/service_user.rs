//! What root asks of the installed service goes on as the service's user.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use crate::support::machine::{ASKER, Machine, USER, code};
use crate::support::scene::{DAYS, Scene};

#[tokio::test(flavor = "multi_thread")]
async fn what_root_asks_of_the_installed_service_goes_on_as_its_user_with_its_credentials() {
    let scene = Scene::set().await;
    let Some(machine) = Machine::new(&scene.watchlist()) else { return };
    let done = (Some(0), String::new());
    assert_eq!(code(&machine.sudo(&scene, &["validate"])), done);
    assert_eq!(code(&machine.sudo(&scene, &["check"])), done);
    assert_eq!((scene.letters().len(), scene.sandbox.requests()), (2, 4));
    assert_eq!(machine.path("lib/qualwatch").metadata().unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(machine.not_of_the_service("lib/qualwatch"), "");

    scene.at(DAYS[1]);
    machine.give_key(" ");
    let (exit, said) = code(&machine.sudo(&scene, &["check"]));
    assert_eq!((exit, scene.sandbox.requests()), (Some(2), 4), "the credential is gone: {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_file_of_root_and_the_services_group_works_and_draws_no_warning() {
    let scene = Scene::set().await;
    let named = scene.watchlist().replace("[api]\n", "[api]\nkey_file = \"/etc/qualwatch/api-key\"\n");
    let Some(machine) = Machine::new(&named) else { return };
    let file = machine.path("etc/qualwatch/api-key");
    fs::rename(machine.path("etc/credstore/qualwatch.api-key"), &file).unwrap();
    chown(&file, Some(0), Some(USER)).unwrap();
    fs::copy(machine.path("etc/qualwatch/watchlist.toml"), machine.path("asker/copy.toml")).unwrap();
    let copy = ["validate", "--json", "--watchlist", "copy.toml", "--state-dir", "state"];
    for (mode, warnings, why) in [(0o640, 0, "the documented place"), (0o644, 1, "for all to read")] {
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        for arguments in [&["validate", "--json"][..], &copy] {
            let ran = machine.sudo(&scene, arguments);
            let verdict: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
            assert_eq!(verdict["warnings"].as_array().unwrap().len(), warnings, "{why}: {verdict:#}");
        }
    }
    assert_eq!(code(&machine.sudo(&scene, &["check"])).0, Some(0));
    assert_eq!((scene.letters().len(), scene.sandbox.requests()), (2, 4), "the service's user reads it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_lies_where_who_asked_sees_it_and_is_theirs_and_is_restored_from_there() {
    let scene = Scene::set().await;
    let Some(machine) = Machine::new(&scene.watchlist()) else { return };
    let done = (Some(0), String::new());
    assert_eq!(code(&machine.sudo(&scene, &["backup", "too-early"])).0, Some(1), "there is no database");
    assert_eq!(code(&machine.sudo(&scene, &["check"])), done);
    let backed_up = machine.sudo(&scene, &["backup", "whole"]);
    assert_eq!(code(&backed_up), done);
    let said = String::from_utf8(backed_up.stdout).unwrap();
    assert!(said.contains("holds the whole database: it was read back"), "{said}");
    let found = machine.path("asker/whole").metadata().unwrap();
    assert_eq!((found.uid(), found.gid(), found.mode() & 0o777), (ASKER, ASKER, 0o600));
    let names: Vec<_> =
        fs::read_dir(machine.path("asker")).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert_eq!(names, ["whole"], "no half of one");

    fs::rename(machine.path("lib/qualwatch"), machine.path("lib/lost")).unwrap();
    assert_eq!(code(&machine.sudo(&scene, &["restore", "whole"])), done);
    assert_eq!(machine.not_of_the_service("lib/qualwatch"), "");
    let listed = |machine: &Machine| {
        let listed = machine.sudo(&scene, &["list", "--json"]).stdout;
        serde_json::from_slice::<serde_json::Value>(&listed).unwrap()["certificates"]
            .as_array()
            .unwrap()
            .len()
    };
    assert!(listed(&machine) > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_cannot_be_read_back_is_none() {
    let scene = Scene::set().await;
    let program = scene.program();
    assert_eq!(program.run(&["check"]).code, Some(0));
    // The real programs, but for what is written in between: half of it.
    let real = real_programs();
    let broken = tempfile::tempdir().unwrap();
    let script = |name: &str, text: String| {
        let path = broken.path().join(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    };
    let dump = real.join("pg_dump").display().to_string();
    script(
        "pg_dump",
        format!("case $1 in --version) exec {dump} --version;; esac\n{dump} \"$@\" | head -c 20000"),
    );
    script("pg_restore", format!("exec {} \"$@\"", real.join("pg_restore").display()));
    let program = program.with("QUALWATCH_POSTGRES_BIN", broken.path().display().to_string());
    let ran = program.run(&["backup", "half"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stderr.contains("reading the backup back"), "{ran:?}");
    assert!(!program.files().iter().any(|name| name.starts_with("half")), "{:?}", program.files());
}

fn real_programs() -> PathBuf {
    let mut places: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path().join("bin"))
        .filter(|place| place.join("pg_dump").exists())
        .collect();
    places.sort();
    places.pop().unwrap_or_else(|| Path::new("/usr/bin").to_owned())
}
