//! Scenarios 13 to 19: for a day upstream answers with something else. No reader hears of it, nothing is concluded from it, and it
//! costs a few calls. Scenario 20 is a matter of days and is proved where days are simulated (see the table in `mod.rs`).

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use nix::sys::signal::Signal;
use qualwatch::clock::{Clock as _, SystemClock};
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::OnceCell;

use super::house::Rig;
use super::laws::{Cost, Outcome, judge, undisturbed};
use super::size::memory_kilobytes;
use crate::support::database::launcher;
use crate::support::program::Program;
use crate::support::running::{Running, until};
use crate::support::scenarios::{BUILDING, SUPERVISION, certificate, company};

/// On the second day upstream lies.
const DAYS: [&str; 3] = ["2026-01-05", "2026-01-06", "2026-01-07"];

/// Two tries of the three pages in place of one, and a fourth page that is not there.
const CALLS_IN_VAIN: usize = 5;

/// The first company has three pages of certificates, the others one each.
fn world(companies: u32) -> String {
    let many: String = (0..45).map(|n| certificate(&format!("E2420{n:05}"), SUPERVISION)).collect();
    let other = |n: u32| company(n, &certificate(&format!("D2410{n:05}"), BUILDING));
    company(1, &many) + &(2..=companies).map(other).collect::<String>()
}

fn fault(effect: &str) -> String {
    format!("[[fault]]\nkeyword = \"公司1\"\nfrom = \"{0}\"\nto = \"{0}\"\n{effect}\n", DAYS[1])
}

static TRUTH: OnceCell<Outcome> = OnceCell::const_new();

/// The three days, and that nothing has come of the lie. Gives what `check` said of it on its day.
async fn a_days_lie(effect: &str) -> String {
    Box::pin(a_days_lie_that_is_told(effect, &[])).await
}

/// The same, and operators hear of it.
async fn a_days_lie_that_is_told(effect: &str, troubles: &'static [&'static str]) -> String {
    let expected = TRUTH.get_or_init(async || undisturbed(&Rig::with(&world(6)).await, &DAYS).await).await;
    let rig = Rig::with(&world(6)).await;
    rig.scene.upstream(&(world(6) + &fault(effect)));
    let mut said = String::new();
    for day in DAYS {
        rig.scene.at(day);
        let ran = rig.program().run(&["check", "--due", "--json"]);
        let code = if day == DAYS[1] {
            said.clone_from(&ran.json()["problems"].to_string());
            ran.code
        } else {
            Some(0)
        };
        assert!(matches!(code, Some(0 | 3)) && (day == DAYS[1] || ran.code == Some(0)), "{effect}: {ran:?}");
    }
    judge(&rig, expected, Cost { calls: CALLS_IN_VAIN, repeats: 0, troubles }).await;
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn scenario_13_totals_that_do_not_add_up_conclude_nothing() {
    for effect in [
        "short_page = true",
        "changing_total = true",
        r#"body = '{"error_code":0,"reason":"success","result":{"total":45,"items":[]}}'"#,
        r#"body = '{"error_code":0,"reason":"success","result":{"total":0,"items":[{"certificateNum":"X"}]}}'"#,
    ] {
        let said = a_days_lie(effect).await;
        assert!(said.contains("公司1"), "it is a failed check: {effect}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn scenario_14_pages_that_repeat_conclude_nothing_and_end() {
    for effect in ["repeat_item = true", "ignore_page = true"] {
        let said = a_days_lie(effect).await;
        assert!(said.contains("公司1"), "it is a failed check: {effect}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn scenario_15_an_empty_answer_of_a_day_is_no_news() {
    for effect in [
        "code = 265004",
        r#"body = '{"error_code":0,"reason":"success","result":{"total":0,"items":[]}}'"#,
        r#"body = '{"error_code":0,"reason":"success","result":[]}'"#,
        r#"body = '{"error_code":0,"reason":"success","result":null}'"#,
        r#"body = '{"error_code":"0","reason":"success","result":""}'"#,
    ] {
        a_days_lie(effect).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn scenario_16_what_is_not_the_api_is_an_unreadable_answer() {
    let utf_16: Vec<u8> = "{\"error_code\":0}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let gbk = b"{\"error_code\":0,\"reason\":\"\xb2\xe9\xd1\xaf\",\"result\":{\"total\":1,\"items\":[{}]}}";
    let coded = |bytes: &[u8]| format!("body_base64 = \"{}\"", STANDARD.encode(bytes));
    for effect in [
        "html = true",
        "empty_body = true",
        "cut_off = true",
        r#"body = '{"status":"ok","data":[]}'"#,
        &coded(&utf_16),
        &coded(gbk),
        &coded("\u{feff}".as_bytes()),
    ] {
        let said = a_days_lie(effect).await;
        assert!(said.contains("公司1"), "it is a failed check: {effect}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn scenario_17_a_redirect_is_followed_by_nobody() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = elsewhere.local_addr().unwrap().port();
    let visits = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&visits);
    tokio::spawn(async move {
        while elsewhere.accept().await.is_ok() {
            counted.fetch_add(1, Ordering::Relaxed);
        }
    });
    for (status, to) in [
        (302, format!("http://127.0.0.1:{port}/login")),
        (307, format!("http://127.0.0.1:{port}/opens/App/bqQualification/query")),
        (308, format!("http://127.0.0.1:{port}/")),
        (301, "http://169.254.169.254/latest/meta-data/".to_owned()),
        (302, "file:///etc/passwd".to_owned()),
    ] {
        let effect = format!("status = {status}\nredirect = \"{to}\"");
        let said = a_days_lie_that_is_told(&effect, &["api_unknown_code"]).await;
        let names_its_host = !to.starts_with("http") || said.contains("redirect");
        assert!(said.contains("公司1") && names_its_host, "{status} {to}: {said}");
    }
    assert_eq!(visits.load(Ordering::Relaxed), 0, "no request, and no key, went elsewhere");
}

/// The most memory that a daemon has had when it has asked everybody on the day of the lie.
async fn memory_on_the_day(fault: &str) -> u64 {
    let rig = Rig::with(&world(6)).await;
    rig.scene.upstream(&(world(6) + fault));
    rig.scene.at(DAYS[1]);
    let program = rig.program();
    let daemon = Running::start(&program, &["run"]);
    daemon.logged("swept").await;
    until("nothing is owed", || async { rig.is_silent().await }).await;
    let memory = memory_kilobytes(&daemon);
    let (code, log) = daemon.end(Signal::SIGTERM).await;
    assert_eq!(code, 0, "{log}");
    let told = rig
        .count("SELECT count(*) FROM events WHERE kind = 'watching' AND event->>'company' <> '公司1'")
        .await;
    assert_eq!(told, 5, "the others are none the worse: {log}");
    memory
}

#[tokio::test(flavor = "multi_thread")]
async fn scenario_18_too_much_of_an_answer_takes_little_memory_and_touches_no_other_company() {
    let usual = memory_on_the_day("").await;
    let text = |length: usize| "资".repeat(length / 3);
    for (effect, why) in [
        ("gzip_bomb = 1073741824".to_owned(), "a gigabyte once inflated"),
        (format!("body = '{}'", text(10 << 20)), "ten megabytes that are no JSON"),
        (
            format!("body = '{{\"error_code\":0,\"reason\":\"{}\"}}'", text(10 << 20)),
            "a text of ten megabytes",
        ),
        (format!("body = '{}'", "[".repeat(100_000)), "a hundred thousand brackets"),
        (format!("body = '{}'", "{\"a\":".repeat(100_000)), "objects in objects"),
        (
            format!(
                "body = '{{\"error_code\":0,\"result\":{{\"total\":1000000,\"items\":[{}{{}}]}}}}'",
                "{},".repeat(999_999)
            ),
            "a million items",
        ),
    ] {
        let memory = memory_on_the_day(&fault(&effect)).await;
        assert!(memory < usual + 64 * 1024, "{why}: {usual} kB became {memory} kB");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn scenario_19_answers_that_never_end_cost_their_time_out_and_no_more() {
    // Five at once would say that upstream is away.
    let stuck = [12, 24, 36, 48];
    let world = world(100);
    for effect in ["drip = \"1s\"", "slow = \"1h\""] {
        let fault = |n: u32| format!("[[fault]]\nkeyword = \"公司{n}\"\n{effect}\n");
        let faults = stuck.map(fault).concat();
        let rig = Rig::with(&world).await;
        rig.scene.upstream(&(world.clone() + &faults));
        let program = rig.program();
        let text = rig.watchlist().replace("concurrency = 2", "concurrency = 8\ntimeout = \"1s\"");
        std::fs::write(program.folder().join("watchlist.toml"), text).unwrap();
        // That it ends at all is the proof: an answer would take an hour, or a day at a byte a second.
        let ran = program.run(&["check", "--due", "--json"]);
        assert_eq!(ran.code, Some(3), "{ran:?}");
        let companies = &ran.json()["companies"];
        assert_eq!((&companies["complete"], &companies["failed"]), (&96.into(), &4.into()), "{effect}");
        assert_eq!(
            ran.json()["calls"],
            96 + 2 + 2 * 4,
            "{effect}: two more pages, and two tries of the stuck"
        );
    }
}

/// A name server that hears every question and answers none; nobody else is asked. Where `resolv.conf` cannot be another for
/// one process alone, `None` and a word about it.
async fn behind_a_silent_name_server(program: &Program, arguments: &[&str]) -> Option<(Command, UdpSocket)> {
    let Ok(silent) = UdpSocket::bind("127.0.0.53:53").await else {
        eprintln!("skipped: only root can stand in for a name server, and not where there is one");
        return None;
    };
    let folder = program.folder();
    std::fs::write(folder.join("resolv.conf"), "nameserver 127.0.0.53\n").unwrap();
    std::fs::write(folder.join("nsswitch.conf"), "hosts: dns\n").unwrap();
    let mounts = "mount --bind \"$0/resolv.conf\" /etc/resolv.conf && mount --bind \"$0/nsswitch.conf\" /etc/nsswitch.conf";
    let unshared = |words: &str| {
        let mut unshare = program.command_of(Path::new("unshare"));
        unshare.args(["--mount", "sh", "-c", &format!("{mounts} && {words}")]).arg(folder);
        unshare
    };
    if !unshared("true").output().is_ok_and(|tried| tried.status.success()) {
        eprintln!(
            "skipped: only root can give a process a resolv.conf of its own, and not in every container"
        );
        return None;
    }
    let mut command = unshared("exec \"$@\"");
    command.arg(launcher()).args(arguments);
    Some((command, silent))
}

#[tokio::test(flavor = "multi_thread")]
async fn scenario_19_a_name_server_that_says_nothing_costs_the_time_out_and_no_more() {
    let rig = Rig::with(&world(3)).await;
    let program = rig.program();
    let text = rig.watchlist().replace(rig.money.url(), "https://upstream.invalid/query");
    let text = text.replace("concurrency = 2", "concurrency = 2\ntimeout = \"1s\"");
    std::fs::write(program.folder().join("watchlist.toml"), text).unwrap();
    // A time of its own is for those who ask a sandbox.
    let program = program.without("QUALWATCH_NOW");
    let Some((command, silent)) = behind_a_silent_name_server(&program, &["run"]).await else { return };
    let daemon = Running::spawn(command);
    let mut question = [0; 512];
    let (length, _) = silent.recv_from(&mut question).await.unwrap();
    assert!(question[..length].windows(8).any(|part| part == b"upstream"));
    daemon.logged("swept").await;
    assert_eq!(
        rig.count("SELECT sum(checks + repeats)::bigint FROM call_days").await,
        6,
        "each is asked once more, and counted"
    );
    let asked = SystemClock::default().now();
    let (code, log) = daemon.end(Signal::SIGTERM).await;
    assert_eq!(code, 0, "{log}");
    assert!(
        SystemClock::default().now() - asked < TimeDelta::seconds(3),
        "a question without an answer keeps nobody: {log}"
    );
}
