//! A machine's /etc and /var/lib of the test's own, with the service installed in them, and root who asks by way of sudo.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::PathBuf;
use std::process::{Command, Output};

use nix::unistd::geteuid;
use qualwatch::clock::Clock as _;

use super::database::launcher;
use super::scene::{KEY, Scene};

/// The service's user, whom this machine need not have.
pub const USER: u32 = 987;
/// Who asks by way of sudo.
pub const ASKER: u32 = 1234;

pub struct Machine {
    root: tempfile::TempDir,
}

impl Machine {
    /// With a watchlist that only root and the service may read. `None` where a test may not mount: as a plain user, or in a sandbox.
    pub fn new(watchlist: &str) -> Option<Self> {
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

    pub fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    pub fn give_key(&self, key: &str) {
        let file = self.path("etc/credstore/qualwatch.api-key");
        fs::write(&file, format!("{key}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// Runs `qualwatch` as root by way of sudo, in a directory that only root can enter.
    pub fn sudo(&self, scene: &Scene, arguments: &[&str]) -> Output {
        let script = "mount --bind \"$0/etc\" /etc && mount --bind \"$0/lib\" /var/lib && exec \"$@\"";
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", script]).arg(self.root.path()).arg(launcher()).args(arguments);
        command.current_dir(self.path("asker")).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("SUDO_UID", ASKER.to_string()).env("SUDO_GID", ASKER.to_string());
        command.env("QUALWATCH_NOW", scene.clock.now().to_rfc3339()).output().unwrap()
    }

    /// What of the state is not the service's.
    pub fn not_of_the_service(&self, state: &str) -> String {
        let mut find = Command::new("find");
        let found = find.arg(self.path(state)).args(["!", "-uid", &USER.to_string()]).output().unwrap();
        assert!(found.status.success(), "{found:?}");
        String::from_utf8(found.stdout).unwrap()
    }
}

pub fn code(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}
