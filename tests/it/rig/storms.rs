//! Several faults in one sweep, in an order that a seed decides. While they last nobody may be told anything untrue; when they are
//! over all must be told. By hand with any number of seeds: `RIG_SEEDS=from..to cargo test --test it rig::storms -- --ignored`.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use qualwatch::clock;

use super::house::{CONCURRENCY, Rig};
use super::laws::{Cost, judge, says_no_secret, undisturbed};
use super::line::{Line, Sessions};
use super::server::{DATABASE, Server, is_there};
use crate::support::program::Program;
use crate::support::running::{Running, until};
use crate::support::scenarios::steady;
use crate::support::smtp_sink::{Behaviour, SinkStage};

const DAY: &str = "2026-01-05";
const COMPANIES: usize = 60;
const FAULTS: usize = 6;
const SECONDS_MAX: usize = 60;

#[derive(Debug, Clone, Copy)]
enum Fault {
    LineIsCut,
    BackEndIsKilled,
    ServerIsKilled,
    SessionsAreEnded,
    DatabaseIsReadOnly,
    DaemonIsKilled,
    DaemonIsStopped,
    AnswerIsCutOff,
    MailIsRefusedForNow,
    FinalDotIsUnanswered,
}

const ALL: [Fault; 10] = [
    Fault::LineIsCut,
    Fault::BackEndIsKilled,
    Fault::ServerIsKilled,
    Fault::SessionsAreEnded,
    Fault::DatabaseIsReadOnly,
    Fault::DaemonIsKilled,
    Fault::DaemonIsStopped,
    Fault::AnswerIsCutOff,
    Fault::MailIsRefusedForNow,
    Fault::FinalDotIsUnanswered,
];

/// Numbers from a seed (splitmix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % limit as u64).unwrap()
    }
}

/// Two daemons, the line to their server, and all that can be broken.
struct Storm {
    rig: Rig,
    server: Server,
    line: Line,
    program: Program,
    daemons: Vec<Running>,
    dice: Dice,
}

impl Storm {
    /// Waits for so many calls. Daemons look once a minute: here they are asked to once a second, and started again where they
    /// have ended because they could not start, as a service manager does.
    async fn until_paid(&mut self, calls: usize) {
        for _ in 0..SECONDS_MAX {
            let waiting = async {
                while self.rig.money.paid() < calls {
                    clock::pause(Duration::from_millis(10)).await;
                }
            };
            if clock::within(Duration::from_secs(1), waiting).await.is_ok() {
                return;
            }
            for daemon in &mut self.daemons {
                if !is_there(daemon.pid()) {
                    *daemon = Running::start(&self.program, &["run"]);
                } else if daemon.log().contains("watching") {
                    // One that does not listen yet would end.
                    daemon.signal(Signal::SIGHUP);
                }
            }
        }
        panic!("{} calls, and still not {calls}", self.rig.money.paid());
    }

    async fn strike(&mut self, fault: Fault) {
        let which = self.dice.below(self.daemons.len());
        let sink = &self.rig.scene.sink;
        match fault {
            Fault::LineIsCut => self.line.cut(),
            Fault::BackEndIsKilled => {
                // There may be none at the moment.
                if let Some(back_end) = self.server.some_back_end().await {
                    let _ = kill(back_end, Signal::SIGKILL);
                }
            }
            Fault::ServerIsKilled => self.server.kill().await,
            Fault::SessionsAreEnded => self.server.end_sessions().await,
            Fault::DatabaseIsReadOnly => self.server.set("default_transaction_read_only = on").await,
            Fault::DaemonIsKilled => {
                let killed = self.daemons.remove(which);
                killed.end(Signal::SIGKILL).await;
                self.daemons.push(Running::start(&self.program, &["run"]));
            }
            Fault::DaemonIsStopped => self.daemons[which].signal(Signal::SIGSTOP),
            Fault::AnswerIsCutOff => {
                let keyword = 1 + self.dice.below(COMPANIES);
                let once = format!("[[fault]]\nkeyword = \"公司{keyword}\"\ntimes = 1\ncut_off = true\n");
                self.rig.scene.upstream(&(steady(60) + &once));
            }
            Fault::MailIsRefusedForNow => {
                let stages =
                    [SinkStage::Greeting, SinkStage::Mail, SinkStage::Rcpt, SinkStage::Data, SinkStage::Dot];
                sink.refuse(stages[self.dice.below(stages.len())], 451);
            }
            Fault::FinalDotIsUnanswered => sink.behave(SinkStage::Dot, Behaviour::Drop),
        }
    }

    /// What a fault broke is whole again. Upstream and mail stay as they are until the end.
    async fn mend(&self, fault: Fault) {
        match fault {
            Fault::LineIsCut => self.line.mend(),
            Fault::ServerIsKilled => self.server.start_again().await,
            Fault::BackEndIsKilled => {
                until("it answers again", || async { self.server.answers().await }).await;
            }
            Fault::DatabaseIsReadOnly => self.server.set("default_transaction_read_only = off").await,
            Fault::DaemonIsStopped => self.daemons.iter().for_each(|daemon| daemon.signal(Signal::SIGCONT)),
            _ => {}
        }
    }
}

async fn a_storm(seed: u64) {
    let expected = undisturbed(&Rig::with(&steady(60)).await, &[DAY]).await;
    let server = Server::start().await;
    let line = Line::to(server.socket_dir(), Sessions::Shortened).await;
    let rig = Rig::with(&steady(60)).await.lives_on(&server).await;
    let program = rig.program_on(&line.url(DATABASE));
    let daemons = vec![Running::start(&program, &["run"]), Running::start(&program, &["run"])];
    let mut storm = Storm { rig, server, line, program, daemons, dice: Dice(seed) };
    let mut faults = Vec::new();
    storm.rig.money.hold_after(COMPANIES / (FAULTS + 1));
    for number in 1..=FAULTS {
        let held = COMPANIES * number / (FAULTS + 1);
        storm.until_paid(held + 1).await;
        let fault = ALL[storm.dice.below(ALL.len())];
        faults.push(fault);
        storm.strike(fault).await;
        storm.rig.money.pass();
        storm.mend(fault).await;
        storm.rig.money.hold_after(storm.rig.money.paid().max(COMPANIES * (number + 1) / (FAULTS + 1)));
    }
    println!("seed {seed}: {faults:?}");
    storm.rig.money.pass();
    storm.rig.scene.sink.heal();
    for daemon in storm.daemons.drain(..) {
        let (_, log) = daemon.end(Signal::SIGTERM).await;
        says_no_secret(&log);
    }
    // Two hours later: every pause is over.
    let program =
        storm.rig.program_on(&storm.server.url()).with("QUALWATCH_NOW", "2026-01-05T10:00:00+08:00");
    let daemon = Running::start(&program, &["run"]);
    until("all is told", || async { storm.rig.checked().await == COMPANIES && storm.rig.is_silent().await })
        .await;
    daemon.logged("watching").await;
    let (code, log) = daemon.end(Signal::SIGTERM).await;
    assert_eq!(code, 0, "seed {seed}: {log}");
    // The calls in flight at each fault, and what was answered in the last quarter of a second before it: here that may be
    // all since the fault before.
    let calls = (FAULTS + 1) * 2 * CONCURRENCY + FAULTS * (COMPANIES / (FAULTS + 1));
    judge(&storm.rig, &expected, Cost { calls, repeats: FAULTS, troubles: &[] }).await;
    storm.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn six_faults_in_one_sweep_change_nothing_that_is_told() {
    Box::pin(a_storm(1)).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "by hand: so many seeds as RIG_SEEDS says"]
async fn many_storms() {
    let seeds = std::env::var("RIG_SEEDS").unwrap_or_else(|_| "1..21".to_owned());
    let (from, to) = seeds.split_once("..").unwrap();
    for seed in from.parse().unwrap()..to.parse().unwrap() {
        Box::pin(a_storm(seed)).await;
    }
}
