//! What root asks of the installed service goes on as the service's user, in a machine's /etc and /var/lib of the test's own.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use nix::unistd::geteuid;
use qualwatch::clock::Clock as _;

use crate::support::database::launcher;
use crate::support::scene::{DAYS, KEY, Scene};

/// The service's user, whom this machine need not have.
const USER: u32 = 987;
/// Who asks by way of sudo.
const ASKER: u32 = 1234;

struct Machine {
    root: tempfile::TempDir,
}

impl Machine {
    /// With a watchlist that only root and the service may read. `None` where a test may not mount: as a plain user, or in a sandbox.
    fn new(watchlist: &str) -> Option<Self> {
        let may_mount = || Command::new("unshare").args(["--mount", "true"]).status();
        if !geteuid().is_root() || !may_mount().is_ok_and(|status| status.success()) {
            eprintln!("skipped: only root can have an /etc of its own");
            return None;
        }
        let machine = Self { root: tempfile::tempdir().unwrap() };
        fs::set_permissions(machine.root.path(), fs::Permissions::from_mode(0o755)).unwrap();
        assert!(Command::new("cp").args(["-a", "/etc"]).arg(machine.root.path()).status().unwrap().success());
        for directory in ["etc/qualwatch", "etc/credstore", "lib", "asker"] {
            fs::create_dir_all(machine.path(directory)).unwrap();
        }
        fs::set_permissions(machine.path("asker"), fs::Permissions::from_mode(0o700)).unwrap();
        for (file, line) in [
            ("etc/passwd", format!("qualwatch:x:{USER}:{USER}::/nonexistent:/usr/sbin/nologin\n")),
            ("etc/group", format!("qualwatch:x:{USER}:\n")),
        ] {
            let known = fs::read_to_string(machine.path(file)).unwrap();
            let others = known.split_inclusive('\n').filter(|line| !line.starts_with("qualwatch:"));
            fs::write(machine.path(file), others.collect::<String>() + &line).unwrap();
        }
        let file = machine.path("etc/qualwatch/watchlist.toml");
        fs::write(&file, watchlist).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        chown(&file, Some(0), Some(USER)).unwrap();
        machine.give_key(KEY);
        Some(machine)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn give_key(&self, key: &str) {
        let file = self.path("etc/credstore/qualwatch.api-key");
        fs::write(&file, format!("{key}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// Runs `qualwatch` as root by way of sudo, in a directory that only root can enter.
    fn sudo(&self, scene: &Scene, arguments: &[&str]) -> Output {
        let script = "mount --bind \"$0/etc\" /etc && mount --bind \"$0/lib\" /var/lib && exec \"$@\"";
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", script]).arg(self.root.path()).arg(launcher()).args(arguments);
        command.current_dir(self.path("asker")).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("SUDO_UID", ASKER.to_string()).env("SUDO_GID", ASKER.to_string());
        command.env("QUALWATCH_NOW", scene.clock.now().to_rfc3339()).output().unwrap()
    }

    /// What of the state is not the service's.
    fn not_of_the_service(&self, state: &str) -> String {
        let mut find = Command::new("find");
        let found = find.arg(self.path(state)).args(["!", "-uid", &USER.to_string()]).output().unwrap();
        assert!(found.status.success(), "{found:?}");
        String::from_utf8(found.stdout).unwrap()
    }
}

fn code(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

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
