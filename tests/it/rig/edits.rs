//! Scenario 22: the watchlist is written in every way that editors, scripts and containers have, under a running daemon. What is
//! valid and still takes effect within moments, nothing in between is acted on.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::Signal;
use nix::unistd::geteuid;
use qualwatch::clock;

use super::house::Rig;
use crate::support::program::Program;
use crate::support::running::{Running, until};
use crate::support::scenarios::steady;
use crate::support::scene::OPERATOR;

/// A file must have been still for a second; a second more for the look itself.
const EFFECT: Duration = Duration::from_secs(2);
/// On a machine with more to do than this test.
const EFFECT_ON_A_BUSY_MACHINE: Duration = Duration::from_secs(8);
/// Between the parts of a file that is written slowly: less than it must be still.
const A_MOMENT: Duration = Duration::from_millis(400);

struct Scenery {
    rig: Rig,
    program: Program,
    file: PathBuf,
}

impl Scenery {
    async fn new() -> Self {
        let rig = Rig::with(&steady(20)).await;
        let program = rig.program();
        let file = program.folder().join("watchlist.toml");
        fs::write(&file, rig.first(1)).unwrap();
        Self { rig, program, file }
    }

    /// So many companies are watched, soon after the last write.
    async fn watches(&self, count: usize, why: &str) {
        let watched = "SELECT count(*) FROM companies WHERE left_at IS NULL";
        let waiting = until(why, || async { self.rig.count(watched).await == i64::try_from(count).unwrap() });
        assert!(
            clock::within(EFFECT_ON_A_BUSY_MACHINE, waiting).await.is_ok(),
            "not within {EFFECT:?}: {why}"
        );
    }

    async fn ends(&self, daemon: Running) -> String {
        let (code, log) = daemon.end(Signal::SIGTERM).await;
        assert_eq!(code, 0, "{log}");
        log
    }
}

fn beside(file: &Path, name: &str) -> PathBuf {
    file.with_file_name(name)
}

#[tokio::test(flavor = "multi_thread")]
async fn scenario_22_whatever_way_a_watchlist_is_written_it_takes_effect_whole() {
    let it = Scenery::new().await;
    let daemon = Running::start(&it.program, &["run"]);
    it.watches(1, "the file at the start").await;
    daemon.logged("watching").await;

    fs::write(beside(&it.file, "new"), it.rig.first(2)).unwrap();
    fs::rename(beside(&it.file, "new"), &it.file).unwrap();
    it.watches(2, "renamed over").await;

    fs::rename(&it.file, beside(&it.file, "watchlist.toml~")).unwrap();
    fs::write(&it.file, it.rig.first(3)).unwrap();
    fs::remove_file(beside(&it.file, "watchlist.toml~")).unwrap();
    it.watches(3, "as vim does: the old one renamed, a new one written").await;

    let text = it.rig.first(4);
    let mut file = fs::File::create(&it.file).unwrap();
    for part in text.as_bytes().chunks(text.len().div_ceil(5)) {
        file.write_all(part).unwrap();
        file.sync_all().unwrap();
        clock::pause(A_MOMENT).await;
    }
    it.watches(4, "emptied and written in parts").await;

    fs::remove_file(&it.file).unwrap();
    clock::pause(A_MOMENT * 5).await;
    fs::write(&it.file, it.rig.first(5)).unwrap();
    it.watches(5, "removed and put back").await;

    for number in 0..100 {
        fs::write(&it.file, it.rig.first(6 + number % 10)).unwrap();
        clock::pause(Duration::from_millis(10)).await;
    }
    fs::write(&it.file, it.rig.first(16)).unwrap();
    it.watches(16, "the last of a hundred edits in a second").await;

    if !geteuid().is_root() {
        fs::set_permissions(&it.file, fs::Permissions::from_mode(0o000)).unwrap();
        clock::pause(A_MOMENT * 5).await;
        fs::set_permissions(&it.file, fs::Permissions::from_mode(0o600)).unwrap();
    }
    fs::write(&it.file, it.rig.first(17)).unwrap();
    it.watches(17, "and it is still listened to").await;
    until("all are checked", || async { it.rig.checked().await >= 17 && it.rig.is_silent().await }).await;

    let log = it.ends(daemon).await;
    assert!(!log.contains("not accepted"), "nothing in between was acted on: {log}");
    let reloads = log.matches("the watchlist was read anew").count();
    assert!((6..=8).contains(&reloads), "{reloads} reloads");
    let to_operators = it.rig.scene.letters().iter().filter(|(to, _)| to == OPERATOR).count();
    assert_eq!(to_operators, 0, "no operator was troubled");
    let calls = it.rig.money.by_company();
    assert!(calls.values().all(|times| *times == 1), "nobody was asked twice: {calls:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn scenario_22_a_file_behind_a_swapped_link_is_noticed_as_kubernetes_swaps_it() {
    let it = Scenery::new().await;
    let folder = it.program.folder().join("mounted");
    let version = |name: &str, text: &str| {
        fs::create_dir_all(folder.join(name)).unwrap();
        fs::write(folder.join(name).join("watchlist.toml"), text).unwrap();
        symlink(name, folder.join("..data_tmp")).unwrap();
        fs::rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
    };
    version("..2026_01_05", &it.rig.first(1));
    symlink("..data/watchlist.toml", folder.join("watchlist.toml")).unwrap();
    let daemon = Running::start(&it.program, &["run", "--watchlist", "mounted/watchlist.toml"]);
    it.watches(1, "the file at the start").await;
    daemon.logged("watching").await;
    version("..2026_01_06", &it.rig.first(3));
    fs::remove_dir_all(folder.join("..2026_01_05")).unwrap();
    it.watches(3, "the link was swapped").await;
    version("..2026_01_07", &it.rig.first(4));
    it.watches(4, "and once more").await;
    let log = it.ends(daemon).await;
    assert!(!log.contains("not accepted"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn scenario_22_what_stays_faulty_is_told_once_and_so_is_its_end() {
    let it = Scenery::new().await;
    let daemon = Running::start(&it.program, &["run"]);
    it.watches(1, "the file at the start").await;
    until("the first mail", || async { it.rig.scene.letters().len() == 1 }).await;
    let troubles = async |count: usize| {
        let told =
            || async { it.rig.scene.letters().iter().filter(|(to, _)| to == OPERATOR).count() >= count };
        until("the operators are told", told).await;
        it.rig.scene.texts("SELECT kind FROM events WHERE audience = 'operator' ORDER BY id").await
    };
    let text = it.rig.first(3);
    fs::write(&it.file, &text[..text.rfind("keyword").unwrap() + 4]).unwrap();
    assert_eq!(troubles(1).await, ["watchlist_rejected"], "half a file that stays so");
    for faulty in ["", "[[company]", "\u{0}"] {
        fs::write(&it.file, faulty).unwrap();
        daemon.logged("not accepted").await;
        let refusals = daemon.log().matches("not accepted").count();
        fs::write(&it.file, faulty.to_owned() + " ").unwrap();
        until("it is refused", || async { daemon.log().matches("not accepted").count() > refusals }).await;
    }
    it.watches(1, "an empty file takes no company away").await;
    fs::write(&it.file, &text).unwrap();
    it.watches(3, "a good one at last").await;
    assert_eq!(troubles(2).await, ["watchlist_rejected", "watchlist_rejected_resolved"], "once each");
    it.ends(daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scenario_22_a_file_of_a_hundred_megabytes_is_refused_and_takes_no_memory() {
    let it = Scenery::new().await;
    let daemon = Running::start(&it.program, &["run"]);
    it.watches(1, "the file at the start").await;
    until("the first mail", || async { it.rig.scene.letters().len() == 1 }).await;
    let before = super::size::memory_kilobytes(&daemon);
    let comment = "# 资质监控\n".repeat(8_000_000);
    fs::write(&it.file, it.rig.first(2) + &comment).unwrap();
    // By itself it is told of only when it stays so.
    daemon.signal(Signal::SIGHUP);
    daemon.logged("not accepted").await;
    let after = super::size::memory_kilobytes(&daemon);
    assert!(after < before + 64 * 1024, "{before} kB became {after} kB");
    fs::write(&it.file, it.rig.first(2)).unwrap();
    it.watches(2, "a file of a sensible size").await;
    it.ends(daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scenario_22_an_edit_while_the_daemon_starts_takes_effect() {
    let it = Scenery::new().await;
    let mut held = it.rig.scene.pool.begin().await.unwrap();
    sqlx::query("LOCK TABLE companies IN ACCESS EXCLUSIVE MODE").execute(&mut *held).await.unwrap();
    let daemon = Running::start(&it.program, &["run"]);
    until("the daemon waits for the table", || async {
        let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'companies'::regclass
                       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
        it.rig.count(waiting).await > 0
    })
    .await;
    fs::write(&it.file, it.rig.first(2)).unwrap();
    held.rollback().await.unwrap();
    it.watches(2, "edited before it listened").await;
    it.ends(daemon).await;
}
