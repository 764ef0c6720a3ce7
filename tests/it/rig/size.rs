//! Scenario 23: a hundred thousand companies. And what a process takes of memory.

use nix::sys::signal::Signal;
use qualwatch::clock::{Clock as _, SystemClock};

use super::house::Rig;
use super::server::Server;
use crate::support::running::{Running, until};

/// The most memory that the process has had, in kilobytes.
pub fn memory_kilobytes(of: &Running) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", of.pid())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.split_whitespace().next().unwrap().parse().unwrap()
}

fn milliseconds_since(begun: chrono::DateTime<chrono::Utc>) -> i64 {
    (SystemClock::default().now() - begun).num_milliseconds()
}

/// The whole first sweep, then the commands and a reload; gives (memory in kB, start, status, reload in ms).
async fn at_size(companies: usize) -> (u64, i64, i64, i64) {
    let now = || SystemClock::default().now();
    let scenario = format!("[generate]\ncompanies = {companies}\ncertificates = 3\nseed = 7\n");
    let server = Server::start().await;
    let rig = Rig::with(&scenario).await.lives_on(&server).await;
    let program = rig.program_on(&server.url());
    let file = program.folder().join("watchlist.toml");
    let text = rig.watchlist().replace("concurrency = 2", "concurrency = 8");
    std::fs::write(&file, &text).unwrap();

    let begun = now();
    let daemon = Running::start(&program, &["run"]);
    daemon.logged("watching").await;
    let first_start = milliseconds_since(begun);
    eprintln!("{companies} companies: the very first start took {first_start} ms");
    let mut checked = 0;
    while checked < companies {
        let before = checked;
        until("the sweep goes on", || async { rig.checked().await > before }).await;
        checked = rig.checked().await;
    }
    eprintln!("the sweep took {} s, {} calls", milliseconds_since(begun) / 1000, rig.money.paid());
    daemon.logged("swept").await;
    let owed = || async { rig.count(super::laws::OWED).await };
    while owed().await > 0 {
        let before = owed().await;
        until("the mail goes on", || async { owed().await < before || before == 0 }).await;
    }
    eprintln!(
        "with its mail it took {} s, {} mails",
        milliseconds_since(begun) / 1000,
        rig.scene.sink.mails().len()
    );
    let status = now();
    let ran = program.run(&["status", "--json"]);
    let status = milliseconds_since(status);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let reload = now();
    std::fs::write(&file, text + "# edited\n").unwrap();
    daemon.signal(Signal::SIGHUP);
    daemon.logged("the watchlist was read anew").await;
    let reload = milliseconds_since(reload);
    let memory = memory_kilobytes(&daemon);
    let (code, log) = daemon.end(Signal::SIGTERM).await;
    assert_eq!(code, 0, "{log}");
    let start = now();
    let daemon = Running::start(&program, &["run"]);
    daemon.logged("watching").await;
    let start = milliseconds_since(start);
    assert_eq!(daemon.end(Signal::SIGTERM).await.0, 0);
    assert_eq!(rig.money.paid(), companies, "each was asked for once");
    server.stop().await;
    (memory, start, status, reload)
}

#[tokio::test(flavor = "multi_thread")]
async fn scenario_23_two_thousand_companies_are_no_trouble() {
    let (memory, start, status, reload) = Box::pin(at_size(2_000)).await;
    eprintln!("{memory} kB of memory, start {start} ms, status {status} ms, reload {reload} ms");
    assert!(memory < 300 * 1024, "{memory} kB of memory");
    assert!(start < 5_000, "start took {start} ms");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "by hand, with an optimised build: a hundred thousand companies"]
async fn scenario_23_a_hundred_thousand_companies() {
    let (memory, start, status, reload) = Box::pin(at_size(100_000)).await;
    eprintln!("{memory} kB of memory, start {start} ms, status {status} ms, reload {reload} ms");
    assert!(memory < 300 * 1024 && start < 5_000 && status < 1_000 && reload < 2_000);
}
