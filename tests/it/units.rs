//! The units and drop-ins that are shipped: systemd itself says nothing against them, and all services are locked up alike.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::support::database::launcher;

const SERVICES: [&str; 3] = ["qualwatch.service", "qualwatch-watch.service", "qualwatch-backup.service"];

/// As `systemd-analyze security` counts: lower is better.
const EXPOSURE_MAX: f64 = 1.1;

fn shipped(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap();
    let mut files: Vec<_> =
        entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()).collect();
    files.sort();
    files
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

/// The shipped units in a folder, with a program that is on this machine.
fn installed() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for path in shipped("systemd") {
        let text = fs::read_to_string(&path).unwrap();
        let text = text.replace("/usr/bin/qualwatch", launcher().to_str().unwrap());
        fs::write(folder.path().join(name(&path)), text).unwrap();
    }
    folder
}

/// `None` where there is no systemd.
fn systemd_analyze(folder: &Path, arguments: &[&str]) -> Option<Output> {
    let ran = Command::new("systemd-analyze").current_dir(folder).args(arguments).output();
    if ran.is_err() {
        eprintln!("skipped: there is no systemd-analyze");
    }
    ran.ok()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn systemd_has_nothing_to_say_against_a_unit() {
    let folder = installed();
    for unit in shipped("systemd").iter().map(|path| name(path)).filter(|name| !name.ends_with(".sysusers")) {
        let path = format!("./{unit}");
        let Some(verified) = systemd_analyze(folder.path(), &["verify", &path]) else { return };
        assert!(verified.status.success() && said(&verified).is_empty(), "{unit}: {}", said(&verified));
    }
}

#[test]
fn every_drop_in_fits_the_units_that_it_names() {
    for path in shipped("systemd/examples") {
        let text = fs::read_to_string(&path).unwrap();
        let named: Vec<_> = SERVICES.iter().filter(|unit| text.contains(&format!("{unit}.d"))).collect();
        assert!(!named.is_empty(), "{} does not say where it belongs", path.display());
        for unit in named {
            let folder = installed();
            let drop_ins = folder.path().join(format!("{unit}.d"));
            fs::create_dir(&drop_ins).unwrap();
            fs::write(drop_ins.join(name(&path)), &text).unwrap();
            let Some(verified) = systemd_analyze(folder.path(), &["verify", &format!("./{unit}")]) else {
                return;
            };
            assert!(said(&verified).is_empty(), "{}: {}", path.display(), said(&verified));
        }
    }
}

#[test]
fn no_service_is_more_exposed_than_it_must_be() {
    let folder = installed();
    for unit in SERVICES {
        let path = format!("./{unit}");
        let Some(judged) = systemd_analyze(folder.path(), &["security", "--offline=true", &path]) else {
            return;
        };
        let said = said(&judged);
        let exposure =
            said.split_once("exposure level for").and_then(|(_, rest)| rest.split_whitespace().nth(1));
        let exposure: f64 =
            exposure.and_then(|exposure| exposure.parse().ok()).unwrap_or_else(|| panic!("{said}"));
        assert!(exposure <= EXPOSURE_MAX, "{unit}: {said}");
    }
}

#[test]
fn all_services_are_locked_up_alike() {
    let locks = |unit: &str| {
        let text =
            fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd").join(unit)).unwrap();
        let (_, locks) = text.split_once("# ---- privileges").unwrap();
        let lines = locks.split("\n[Install]").next().unwrap().lines();
        lines.filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n").trim().to_owned()
    };
    assert!(locks(SERVICES[0]).contains("MemoryDenyWriteExecute=yes"));
    for unit in &SERVICES[1..] {
        assert_eq!(locks(unit), locks(SERVICES[0]), "{unit}");
    }
}
