//! Scenario 25: the key is revoked in the middle of a sweep, and another one is put in its place.

use std::os::unix::fs::PermissionsExt as _;

use nix::sys::signal::Signal;

use super::house::{CONCURRENCY, Rig};
use super::laws::{Cost, ends_well, judge, undisturbed};
use crate::support::program::Program;
use crate::support::running::{Running, until};
use crate::support::scenarios::steady;
use crate::support::scene::KEY;

const DAY: &str = "2026-01-05";
const PASSED: usize = 8;

fn put(program: &Program, key: &str) {
    // Whole at once: a daemon may read it at any moment.
    let [new, file] = ["key.new", "key"].map(|name| program.folder().join(name));
    std::fs::write(&new, key).unwrap();
    std::fs::set_permissions(&new, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::rename(new, file).unwrap();
}

/// The key that the first requests carry is revoked while they are under way.
async fn revoked_in_mid_sweep(rig: &Rig, daemon: &Running) {
    until("calls wait for their answers", || async { rig.money.paid() == PASSED + CONCURRENCY }).await;
    rig.scene.upstream(&format!("key = \"another key\"\n{}", steady(30)));
    rig.money.pass();
    daemon.logged("asking is stopped").await;
    assert_eq!(rig.money.paid(), PASSED + CONCURRENCY, "asking stops with the first refusal");
    until("the operators are told", || async { rig.is_silent().await && rig.scene.letters().len() >= 2 })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scenario_25_a_key_revoked_in_mid_sweep_heals_when_its_file_has_the_new_one() {
    let expected = undisturbed(&Rig::with(&steady(30)).await, &[DAY]).await;
    let rig = Rig::with(&steady(30)).await;
    let program = rig.program().without("QUALWATCH_API_KEY");
    let text = rig.watchlist().replace("concurrency = 2", "concurrency = 2\nkey_file = \"key\"");
    std::fs::write(program.folder().join("watchlist.toml"), text).unwrap();
    put(&program, KEY);
    rig.money.hold_after(PASSED);
    let daemon = Running::start(&program, &["run"]);
    revoked_in_mid_sweep(&rig, &daemon).await;
    for _ in 0..3 {
        daemon.signal(Signal::SIGHUP);
    }
    daemon.logged("the watchlist was read anew").await;
    assert_eq!(rig.money.paid(), PASSED + CONCURRENCY, "one probe an hour, however often it looks");
    put(&program, "another key");
    daemon.signal(Signal::SIGHUP);
    until("all are checked", || async { rig.checked().await == 30 && rig.is_silent().await }).await;
    ends_well(daemon).await;
    let cost = Cost { calls: CONCURRENCY, repeats: 0, troubles: &["api_credential"] };
    judge(&rig, &expected, cost).await;
    assert_eq!(rig.money.keys().iter().filter(|key| *key == KEY).count(), PASSED + CONCURRENCY);
}

#[tokio::test(flavor = "multi_thread")]
async fn scenario_25_a_key_revoked_in_mid_sweep_heals_at_the_restart_with_a_new_one() {
    let expected = undisturbed(&Rig::with(&steady(30)).await, &[DAY]).await;
    let rig = Rig::with(&steady(30)).await;
    let mut program = rig.program();
    rig.money.hold_after(PASSED);
    let daemon = Running::start(&program, &["run"]);
    revoked_in_mid_sweep(&rig, &daemon).await;
    assert_eq!(daemon.end(Signal::SIGTERM).await.0, 0);
    program = program.without("QUALWATCH_API_KEY").with("QUALWATCH_API_KEY", "another key");
    let daemon = Running::start(&program, &["run"]);
    until("all are checked", || async { rig.checked().await == 30 && rig.is_silent().await }).await;
    ends_well(daemon).await;
    let cost = Cost { calls: CONCURRENCY, repeats: 0, troubles: &["api_credential"] };
    judge(&rig, &expected, cost).await;
}
