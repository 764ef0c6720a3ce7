//! The database in one file: what is restored goes on where it was, without a repeated or a lost alert.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use nix::sys::signal::Signal;
use qualwatch::domain::event_kind::Change;

use crate::support::database::TestDatabase;
use crate::support::program::Program;
use crate::support::running::Running;
use crate::support::scene::{DAYS, OPERATOR, Scene};

fn kinds(program: &Program) -> Vec<String> {
    let checked = program.run(&["check", "--json"]);
    let events = checked.json()["events"].as_array().unwrap().clone();
    events.iter().map(|event| event["kind"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_database_goes_on_without_a_repeated_or_a_lost_alert() {
    let scene = Scene::set().await;
    let mut program = scene.program();
    for day in &DAYS[..2] {
        scene.at(day);
        program = scene.now(program);
        assert_ne!(kinds(&program), [""; 0], "{day}");
    }
    // A loss was seen once: it is told at the next look, by whoever has the doubt.
    let precious = program.folder().join("precious");
    std::fs::write(&precious, "somebody else's").unwrap();
    std::os::unix::fs::symlink(&precious, program.folder().join("qualwatch.backup.unfinished")).unwrap();
    let ran = program.run(&["backup", "qualwatch.backup", "--json"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(std::fs::read_to_string(&precious).unwrap(), "somebody else's", "no planted link is followed");
    let file = program.folder().join("qualwatch.backup");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(ran.json()["bytes"], file.metadata().unwrap().len());
    let left: Vec<String> = program.files().into_iter().filter(|name| name.contains("unfinished")).collect();
    assert_eq!(left, [""; 0]);

    let elsewhere = Box::pin(TestDatabase::empty()).await;
    scene.at(DAYS[2]);
    program = scene.now(program);
    let told = kinds(&program);
    assert!(told.contains(&Change::CertificateRemoved.as_str().to_owned()), "{told:?}");

    program = program.with("QUALWATCH_DATABASE_URL", elsewhere.url());
    let ran = program.run(&["restore", "qualwatch.backup"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let again = program.run(&["restore", "qualwatch.backup"]);
    assert_eq!((again.code, again.stderr.contains("is not empty")), (Some(1), true), "{again:?}");
    assert_eq!(kinds(&program), told, "the same as where it was made");
    assert_eq!(kinds(&program), [""; 0], "and once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_database_is_backed_up_and_restored_into_another_state_directory() {
    let scene = Scene::set().await;
    let program = scene.program().without("QUALWATCH_DATABASE_URL");
    std::fs::set_permissions(program.folder(), std::fs::Permissions::from_mode(0o711)).unwrap();
    let first = ["--state-dir", "first"];
    let second = ["--state-dir", "second"];
    let run = |state: &[&str], arguments: &[&str]| program.run(&[state, arguments].concat());
    assert_eq!(run(&first, &["backup", "file"]).code, Some(1), "there is none yet");
    assert_eq!(run(&first, &["check"]).code, Some(0));
    assert_eq!(run(&first, &["backup", "file"]).code, Some(0));
    let restored = run(&second, &["restore", "file"]);
    assert_eq!(restored.code, Some(0), "{restored:?}");
    let listed =
        |state: &[&str]| run(state, &["list", "--json"]).json()["certificates"].as_array().unwrap().len();
    assert_eq!(listed(&first), listed(&second));
    assert_eq!(run(&second, &["restore", "no-such-file"]).code, Some(2));
}

/// The backups in the state directory, sorted.
fn names(program: &Program) -> Vec<String> {
    let entries = std::fs::read_dir(program.folder().join("state/backups")).unwrap();
    let mut names: Vec<_> = entries.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn seven_backups_are_kept_in_the_state_directory_and_none_goes_before_a_new_one_is_whole() {
    let scene = Scene::set().await;
    let mut program = scene.program();
    assert_eq!(program.run(&["backup"]).code, Some(1), "there is no state directory");
    assert_eq!(program.run(&["check"]).code, Some(0));
    for day in 5..13 {
        scene.at(&format!("2026-01-{day:02}"));
        program = scene.now(program);
        let ran = program.run(&["backup"]);
        assert_eq!((ran.code, ran.stdout.contains("it was read back")), (Some(0), true), "{ran:?}");
    }
    let kept = names(&program);
    assert_eq!((kept.len(), &kept[0][..18]), (7, "qualwatch-20260106"), "{kept:?}");
    let folder = program.folder().join("state/backups");
    assert_eq!(folder.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    let mode = folder.join(&kept[6]).metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    scene.at("2026-01-13");
    let empty = tempfile::tempdir().unwrap();
    let broken = scene.now(program).with("QUALWATCH_POSTGRES_BIN", empty.path().to_str().unwrap());
    assert_eq!((broken.run(&["backup"]).code, names(&broken)), (Some(1), kept), "nothing went");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_ends_keeps_what_its_private_database_holds_and_pushes_no_night_out() {
    let scene = Scene::set().await;
    let mut program = scene.program().without("QUALWATCH_DATABASE_URL");
    std::fs::set_permissions(program.folder(), std::fs::Permissions::from_mode(0o711)).unwrap();
    assert_eq!(program.run(&["check"]).code, Some(0));
    assert_eq!(program.run(&["backup"]).code, Some(0));
    let night = names(&program);
    for day in &DAYS[1..3] {
        scene.at(day);
        program = scene.now(program);
        let daemon = Running::start(&program, &["run"]);
        daemon.logged("watching").await;
        let (code, log) = daemon.end(Signal::SIGTERM).await;
        assert_eq!(code, 0, "{log}");
        let stop = format!("qualwatch-{}T", day.replace('-', ""));
        let kept = names(&program);
        assert_eq!((kept.len(), &kept[0]), (2, &night[0]), "{kept:?}: {log}");
        assert!(kept[1].starts_with(&stop) && kept[1].ends_with("Z-at-stop.backup"), "{kept:?}");
    }
    // The newest is the one that an upgrade of the system takes.
    let listed = program.run(&["list", "--json"]).json()["certificates"].clone();
    let newest = format!("state/backups/{}", names(&program)[1]);
    let elsewhere = ["--state-dir", "elsewhere"];
    let restored = program.run(&[&elsewhere[..], &["restore", &newest]].concat());
    assert_eq!(restored.code, Some(0), "{restored:?}");
    assert_eq!(program.run(&[&elsewhere[..], &["list", "--json"]].concat()).json()["certificates"], listed);
}

/// As after an upgrade of the system: the cluster says that another version made it, which is not installed.
fn of_a_version_that_is_gone(state: &Path) {
    std::fs::write(state.join("postgres/PG_VERSION"), "14\n").unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn where_only_a_newer_version_is_left_the_newest_backup_becomes_a_new_database_by_itself() {
    let scene = Scene::set().await;
    let mut program = scene.program().without("QUALWATCH_DATABASE_URL");
    let state = program.folder().join("state");
    std::fs::set_permissions(program.folder(), std::fs::Permissions::from_mode(0o711)).unwrap();
    assert_ne!(kinds(&program), [""; 0]);
    let version = std::fs::read(state.join("postgres/PG_VERSION")).unwrap();
    of_a_version_that_is_gone(&state);
    let refused = program.run(&["check"]);
    assert_eq!(
        (refused.code, state.join("postgres.14").exists()),
        (Some(1), false),
        "no backup: {refused:?}"
    );
    assert!(refused.stderr.contains("restore the newest backup"), "{refused:?}");
    std::fs::write(state.join("postgres/PG_VERSION"), version).unwrap();
    assert_eq!(program.run(&["backup"]).code, Some(0));

    scene.at(DAYS[1]);
    program = scene.now(program);
    let lost = kinds(&program);
    assert_ne!(lost, [""; 0], "told after the backup");
    of_a_version_that_is_gone(&state);
    let read = program.run(&["status"]);
    assert_eq!(
        (read.code, state.join("postgres.14").exists()),
        (Some(1), false),
        "who only reads does not: {read:?}"
    );
    let again = kinds(&program);
    assert_eq!(again, lost, "what was told since the backup is told again");
    assert_eq!(
        (state.join("postgres.14/PG_VERSION").exists(), state.join("postgres.next").exists()),
        (true, false)
    );
    let told: Vec<_> = scene.letters().into_iter().filter(|(to, _)| to == OPERATOR).collect();
    let text = told.last().unwrap().1.text.clone();
    for words in ["数据库已由备份恢复", "2026年1月5日", "postgres.14", "可能重复", "重新登记"]
    {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert_eq!(program.run(&["status"]).code, Some(0), "it is told, and no open trouble");

    // Cut off before the new cluster was in its place.
    let next = state.join("postgres.next");
    std::fs::create_dir(&next).unwrap();
    std::fs::rename(state.join("postgres"), next.join("postgres")).unwrap();
    std::fs::write(next.join("ready"), "").unwrap();
    assert_eq!(kinds(&program), [""; 0], "gone on with");
    assert!(!next.exists() && state.join("postgres/PG_VERSION").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_older_than_the_server_are_named_with_what_to_install() {
    let scene = Scene::set().await;
    assert_eq!(scene.program().run(&["check"]).code, Some(0));
    for (version, words, why) in [
        ("13.4", &["programs of 13", "QUALWATCH_POSTGRES_BIN", "postgresql-client-VERSION"][..], "too old"),
        ("99.1", &[][..], "of a newer version, which reads every older server"),
    ] {
        let old = tempfile::tempdir().unwrap();
        for program in ["pg_dump", "pg_restore"] {
            let path = old.path().join(program);
            std::fs::write(&path, format!("#!/bin/sh\necho '{program} (PostgreSQL) {version}'\n")).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        let program = scene.program().with("QUALWATCH_POSTGRES_BIN", old.path().to_str().unwrap());
        let ran = program.run(&["backup", "file"]);
        let expected = i32::from(!words.is_empty());
        assert_eq!(ran.code, Some(expected), "{why}: {ran:?}");
        for words in words {
            assert!(ran.stderr.contains(words), "{why}: {words}: {ran:?}");
        }
    }
}
