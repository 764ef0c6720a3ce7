//! Scenario 2: PostgreSQL and the daemon are gone at one instant, and what lay on the disk then is started elsewhere. Killed
//! processes leave the kernel's own cache behind: what a disk does that lies about having written is not shown here.

use std::path::Path;
use std::process::Command;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use qualwatch::private_postgres::{Options, PrivatePostgres, Purpose};

use super::house::{CONCURRENCY, Rig};
use super::laws::{Cost, ends_well, judge, undisturbed};
use super::server::{children, is_there, parent, postmaster};
use crate::support::database::launcher;
use crate::support::running::{Running, until};
use crate::support::scenarios::steady;
use crate::support::smtp_sink::{Behaviour, SinkStage};

const DAY: &str = "2026-01-05";

/// Stops all processes first, so that none of them sees another one die.
async fn lose_power(daemon: Running, state_dir: &Path) {
    let server = postmaster(&state_dir.join("postgres")).unwrap();
    let keeper = parent(server).unwrap();
    let all: Vec<Pid> = [daemon.pid(), keeper, server].into_iter().chain(children(server)).collect();
    for signal in [Signal::SIGSTOP, Signal::SIGKILL] {
        for process in &all {
            // A back end may have ended by itself.
            let _ = kill(*process, signal);
        }
    }
    let (code, _) = daemon.ended().await;
    assert_eq!(code, -9);
    until("all processes have gone", || async { !all.iter().any(|process| is_there(*process)) }).await;
}

/// Loses power at the moment that `strikes` waits for, and goes on with a copy.
async fn goes_on_elsewhere(rig: Rig, is_time: impl AsyncFn(&Rig), mends: impl Fn(&Rig), cost: Cost) {
    let expected = undisturbed(&Rig::with(&steady(30)).await, &[DAY]).await;
    let program = rig.program_with_private_database();
    let state = program.folder().join("state");
    let daemon = Running::start(&program, &["run", "--state-dir", "state"]);
    is_time(&rig).await;
    lose_power(daemon, &state).await;
    let copied =
        Command::new("cp").arg("-a").arg(&state).arg(program.folder().join("elsewhere")).status().unwrap();
    assert!(copied.success());
    mends(&rig);

    let daemon = Running::start(&program, &["run", "--state-dir", "elsewhere"]);
    daemon.logged("watching").await;
    let options = Options { launcher: Some(launcher()), ..Options::new(Purpose::Service) };
    let elsewhere = program.folder().join("elsewhere");
    let private = Box::pin(PrivatePostgres::open(&elsewhere, &options)).await.unwrap().unwrap();
    let rig = rig.lives_at(private.connect_options()).await;
    until("all are checked", || async { rig.checked().await == 30 && rig.is_silent().await }).await;
    ends_well(daemon).await;
    judge(&rig, &expected, cost).await;
    // What had arrived whole when the power went came again with the same bytes.
    let mails = rig.scene.sink.mails();
    assert!(rig.scene.sink.unanswered().iter().all(|unanswered| mails.contains(unanswered)));
    for setting in ["fsync", "synchronous_commit", "full_page_writes"] {
        let value: String = sqlx::query_scalar("SELECT current_setting($1)")
            .bind(setting)
            .fetch_one(&rig.scene.pool)
            .await
            .unwrap();
        assert_eq!(value, "on", "{setting}");
    }
    rig.scene.pool.close().await;
    private.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn scenario_02_after_a_power_loss_in_mid_sweep_a_copy_of_the_disk_goes_on_by_itself() {
    const ANSWERED: usize = 10;
    let rig = Rig::with(&steady(30)).await;
    rig.money.hold_after(ANSWERED);
    let is_time =
        async |rig: &Rig| until("calls wait", || async { rig.money.paid() == ANSWERED + CONCURRENCY }).await;
    // The calls in flight, and what was answered in the last quarter of a second: here that may be all.
    let cost = Cost { calls: CONCURRENCY + ANSWERED, ..Cost::NOTHING };
    Box::pin(goes_on_elsewhere(rig, is_time, |rig| rig.money.pass(), cost)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scenario_02_after_a_power_loss_at_the_final_dot_the_copy_repeats_the_same_bytes() {
    let rig = Rig::with(&steady(30)).await;
    rig.scene.sink.behave(SinkStage::Dot, Behaviour::Stall);
    let is_time =
        async |rig: &Rig| until("a mail is there", || async { rig.scene.sink.unanswered().len() == 1 }).await;
    Box::pin(goes_on_elsewhere(rig, is_time, |rig| rig.scene.sink.heal(), Cost::NOTHING)).await;
}
