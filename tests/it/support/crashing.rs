//! Work that dies at a named step: in this process by never going on, in one of its own by a real kill -9.

use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use clap::Parser as _;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use qualwatch::commands::{Arguments, dispatch_in_steps};
use qualwatch::store::steps::{Step, Steps};
use tokio::sync::Notify;

use super::program::Program;

/// Where simulated worlds die. Their seeds count on this list as it is; every step has its own tests in `crashes.rs`.
pub const STEPS: [Step; 9] = [
    Step::BeforeCall,
    Step::AfterAnswer,
    Step::BeforeCommit,
    Step::AfterCommit,
    Step::DigestBuilt,
    Step::Offered,
    Step::Frozen,
    Step::HandedOver,
    Step::MarkedSent,
];

/// Counts one step down; says when it is reached for the n-th time.
struct Countdown {
    step: Step,
    left: AtomicUsize,
}

impl Countdown {
    fn is_over(&self, step: Step) -> bool {
        step == self.step && self.left.fetch_sub(1, Ordering::Relaxed) == 1
    }
}

/// Stops for good at the n-th time of a step.
pub struct DiesAt {
    countdown: Countdown,
    there: Notify,
}

impl DiesAt {
    pub fn new(step: Step, nth: usize) -> Self {
        Self { countdown: Countdown { step, left: AtomicUsize::new(nth) }, there: Notify::new() }
    }

    /// Does the work until it dies; `None` when it did not come there.
    pub async fn or_done<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            done = work => Some(done),
            () = self.there.notified() => None,
        }
    }
}

impl Steps for DiesAt {
    fn reached(&self, step: Step) -> BoxFuture<'_, ()> {
        if self.countdown.is_over(step) {
            self.there.notify_one();
            return futures_util::future::pending().boxed();
        }
        futures_util::future::ready(()).boxed()
    }
}

/// Sends this very process a signal at the n-th time of a step.
struct Signals {
    countdown: Countdown,
    signal: Signal,
}

impl Steps for Signals {
    fn reached(&self, step: Step) -> BoxFuture<'_, ()> {
        if self.countdown.is_over(step) {
            kill(Pid::this(), self.signal).unwrap();
        }
        futures_util::future::ready(()).boxed()
    }
}

const CRASH: &str = "QUALWATCH_TEST_CRASH";
const ARGUMENTS: &str = "QUALWATCH_TEST_ARGUMENTS";

/// Runs `qualwatch` with these arguments in a process of its own that is killed at the n-th time of a step. The process is
/// this test binary, which is all of the program but its `main`: so the program itself needs no crash points.
pub fn run_until(program: &Program, arguments: &str, step: Step, nth: usize) -> ExitStatus {
    start_until(program, arguments, step, nth, Signal::SIGKILL).stderr(Stdio::null()).status().unwrap()
}

/// The same, yet to be run, with any signal.
pub fn start_until(program: &Program, arguments: &str, step: Step, nth: usize, signal: Signal) -> Command {
    let place = Step::ALL.iter().position(|known| *known == step).unwrap();
    let mut command: Command = program.command_of(&std::env::current_exe().unwrap());
    command
        .args(["--exact", "support::crashing::a_process_to_be_killed", "--ignored", "--nocapture"])
        .env(CRASH, format!("{place} {nth} {signal}"))
        .env(ARGUMENTS, arguments)
        .stdout(Stdio::null());
    command
}

#[test]
#[ignore = "this is the process that other tests start and kill"]
fn a_process_to_be_killed() {
    let (Ok(crash), Ok(arguments)) = (std::env::var(CRASH), std::env::var(ARGUMENTS)) else { return };
    let [place, nth, signal] = crash.split(' ').collect::<Vec<_>>().try_into().unwrap();
    let step = Step::ALL[place.parse::<usize>().unwrap()];
    let countdown = Countdown { step, left: AtomicUsize::new(nth.parse().unwrap()) };
    let steps = Signals { countdown, signal: signal.parse().unwrap() };
    let _ = rustls::crypto::ring::default_provider().install_default();
    let arguments = Arguments::try_parse_from(["qualwatch"].into_iter().chain(arguments.split(' '))).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    qualwatch::commands::start_logging(&arguments);
    let exit = runtime.block_on(Box::pin(dispatch_in_steps(arguments, &steps))).unwrap();
    std::process::exit(exit.code().into());
}
