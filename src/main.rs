//! The door: parse the arguments, call the command, print the error chain once, set the exit code.

use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

use clap::Parser as _;
use qualwatch::commands::{
    Arguments, Exit, complain, complain_of_arguments, dispatch, go_on_as_service, start_logging,
};

/// A first sweep of 100,000 companies spends 24 CPU seconds with glibc's allocator and 14 with this one, an unchanged one a tenth
/// less, in about the same memory (benches/RESULTS.md). Its third version takes half as much memory again, and with
/// huge pages it spends a tenth of a sweep clearing those that it has just given back.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    if let Some(code) = qualwatch::private_postgres::run_child_if_asked() {
        return code;
    }
    if let Some(error) = leave_pgoptions() {
        complain(&error);
        return Exit::Failed.into();
    }
    leave_no_core();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(refusal) => return complain_of_arguments(&refusal).into(),
    };
    // Before anything speaks TLS. Refused only where it is there already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    start_logging(&arguments);
    match perform(arguments) {
        Ok(exit) => exit.into(),
        Err(error) => {
            complain(&error);
            Exit::of(&error).into()
        }
    }
}

/// A core file holds all memory, the key and the mail server's password with it, and systemd's watchdog ends a daemon by SIGABRT.
/// The unit's `LimitCORE=0` is no help where a program takes cores from a pipe (core(5)), nor to commands run by hand.
fn leave_no_core() {
    // Refused only for values that are none (prctl(2)).
    #[cfg(target_os = "linux")]
    let _ = nix::sys::prctl::set_dumpable(false);
}

/// What a shell's `PGOPTIONS` sets for every session of PostgreSQL is not for ours: one setting that the private server does not know keeps
/// us out of it. The client library reads it from our environment, which only a new program can be given without. Gives the
/// error when that cannot be started.
fn leave_pgoptions() -> Option<anyhow::Error> {
    std::env::var_os("PGOPTIONS")?;
    let mut arguments = std::env::args_os();
    let name = arguments.next();
    let this = std::env::current_exe().unwrap_or_else(|_| "/proc/self/exe".into());
    let mut again = Command::new(this);
    again.arg0(name.unwrap_or_else(|| "qualwatch".into())).args(arguments).env_remove("PGOPTIONS");
    Some(anyhow::Error::new(again.exec()).context("starting again without PGOPTIONS; unset it"))
}

fn perform(arguments: Arguments) -> anyhow::Result<Exit> {
    let arguments = go_on_as_service(arguments)?;
    // One thread: work waits for sockets nearly always, and every answer would cross threads else (a third of a sweep's time).
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let done = runtime.block_on(dispatch(arguments));
    // A name server that does not answer must not hold the process: what had to be finished is finished.
    runtime.shutdown_background();
    done
}
