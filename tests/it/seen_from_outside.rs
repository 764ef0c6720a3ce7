//! What monitors see: numbers, health, readiness; and what they cannot do to the daemon.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;
use qualwatch::clock;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::rig::line::{Line, Sessions};
use crate::support::database::socket_dir;
use crate::support::monitor::{Answered, get, place, send};
use crate::support::program::Program;
use crate::support::running::{Running, until};
use crate::support::scene::{COMPANIES, DAYS, OPERATOR, READER, Scene, cast};
use crate::support::world::instant;

const LISTENS: &str = "[http]\nlisten = \"127.0.0.1:0\"\n\n";

fn listening(scene: &Scene) -> String {
    format!("{LISTENS}{}", scene.watchlist())
}

/// What is read anew comes within seconds.
async fn eventually(what: &str, daemon: &Running, path: &str, is_so: impl Fn(&Answered) -> bool) -> Answered {
    let at = place(daemon, 1).await;
    until(what, || async { is_so(&get(at, path).await) }).await;
    let last = get(at, path).await;
    assert!(is_so(&last), "{what}: {last:?}");
    last
}

async fn all_is_sent(scene: &Scene) {
    until("nothing is owed", || async {
        scene.count("SELECT count(*) FROM deliveries").await > 0
            && scene.count("SELECT count(*) FROM deliveries WHERE sent_at IS NULL").await == 0
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_monitor_reads_how_the_daemon_stands() {
    let scene = Scene::set().await;
    let program = scene.program_with(&listening(&scene));
    let daemon = Running::start(&program, &["run"]);
    let at = place(&daemon, 1).await;
    assert_eq!(get(at, "/healthz").await.code, 200);
    all_is_sent(&scene).await;
    assert_eq!(get(at, "/readyz").await.body, "ready\n");
    let page = eventually("the sweep shows", &daemon, "/metrics", |page| {
        page.metric("qualwatch_checks_total{outcome=\"complete\"}").as_deref() == Some("3")
            && page.metrics()["qualwatch_deliveries_owed"] == "0"
    })
    .await;
    assert!(page.head.contains("text/plain; version=0.0.4"), "{page:?}");
    let metrics = page.metrics();
    for (name, value) in [
        ("qualwatch_build_info{version=\"0.1.0\"}", "1"),
        ("qualwatch_ready", "1"),
        ("qualwatch_database_up", "1"),
        ("qualwatch_watchlist_accepted", "1"),
        ("qualwatch_companies", "3"),
        ("qualwatch_companies_unverified", "0"),
        ("qualwatch_sweeps_total", "1"),
        // One company has two pages.
        ("qualwatch_calls_total{cause=\"check\"}", "3"),
        ("qualwatch_calls_total{cause=\"page\"}", "1"),
        ("qualwatch_budget_used_calls", "4"),
        ("qualwatch_budget_left_calls", "996"),
        ("qualwatch_certificates", "29"),
        ("qualwatch_certificates_yesterday", "0"),
        ("qualwatch_companies_holding", "3"),
        ("qualwatch_certificates_missing", "0"),
        ("qualwatch_events_total{kind=\"watching\"}", "3"),
        ("qualwatch_dead_letters", "0"),
        ("qualwatch_daemons", "1"),
        // 2026-01-08, 00:00 in Shanghai.
        ("qualwatch_next_end_timestamp_seconds{family=\"survey\"}", "1767801600"),
        ("qualwatch_problems{class=\"transient\",weight=\"failing\"}", "0"),
    ] {
        assert_eq!(metrics.get(name).map(String::as_str), Some(value), "{name}: {}", page.body);
    }
    assert!(!metrics.contains_key("qualwatch_oldest_delivery_timestamp_seconds"), "{}", page.body);
    let now = f64::from(u32::try_from(scene.now_is().timestamp()).unwrap());
    for name in ["qualwatch_last_sweep_timestamp_seconds", "qualwatch_oldest_verification_timestamp_seconds"]
    {
        assert!((metrics[name].parse::<f64>().unwrap() - now).abs() < 60.0, "{name}: {}", page.body);
    }
    for word in COMPANIES.into_iter().chain([READER, OPERATOR, "河南院", "A141002510"]) {
        assert!(!page.body.contains(word), "{word} is in {}", page.body);
    }
    let health = get(at, "/health").await;
    assert_eq!((health.code, health.json()["status"].as_str()), (200, Some("ok")), "{health:?}");
    let (code, log) = daemon.end(Signal::SIGTERM).await;
    assert!(code == 0 && !log.contains("ERROR"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_missed_is_counted_once_by_what_became_of_it() {
    let scene = Scene::with(&cast()).await;
    let missed = async |daemon: &Running| {
        daemon.logged("swept").await;
        let at = place(daemon, 1).await;
        let metrics = get(at, "/metrics").await.metrics();
        ["made_up", "skipped"]
            .map(|fate| metrics[&format!("qualwatch_occurrences_total{{fate=\"{fate}\"}}")].clone())
    };
    let program = scene.program_with(&listening(&scene));
    let daemon = Running::start(&program, &["run"]);
    assert_eq!(missed(&daemon).await, ["0", "0"], "there was nothing to miss");
    daemon.end(Signal::SIGTERM).await;
    // Away for three days, and back two hours after the third day's check.
    scene.clock.set(instant(DAYS[3]) + chrono::TimeDelta::hours(2));
    let program = scene.program_with(&listening(&scene));
    let daemon = Running::start(&program, &["run"]);
    assert_eq!(
        missed(&daemon).await,
        ["3", "6"],
        "of each of three companies one is made up, and two are not"
    );
    daemon.end(Signal::SIGTERM).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn health_says_what_status_says_and_is_503_while_an_alert_may_be_missed() {
    let scene = Scene::set().await;
    scene.break_upstream(&format!("[[fault]]\nkeyword = \"{}\"\ncode = 265003\n", COMPANIES[0]));
    let program = scene.program_with(&listening(&scene));
    let same_as_status = |program: &Program, health: &Answered| {
        let status = program.run(&["status", "--json"]).json();
        let mut problems = health.json()["problems"].clone();
        for problem in problems.as_array_mut().unwrap() {
            problem.as_object_mut().unwrap().remove("weight").unwrap();
        }
        assert_eq!(problems, status["problems"]);
    };
    let daemon = Running::start(&program, &["run"]);
    let failing = |health: &Answered| health.json()["problems"][0]["class"] == "transient";
    let health = eventually("one company fails", &daemon, "/health", failing).await;
    assert_eq!((health.code, health.json()["status"].as_str()), (200, Some("attention")), "{health:?}");
    assert_eq!(health.json()["problems"][0]["company"], COMPANIES[0]);
    same_as_status(&program, &health);
    daemon.end(Signal::SIGTERM).await;

    scene.at("2026-01-06");
    scene.break_upstream("[[fault]]\ncode = 10001\n");
    let program = scene.now(program);
    let daemon = Running::start(&program, &["run"]);
    let health =
        eventually("asking stops", &daemon, "/health", |health| health.json()["status"] == "failing").await;
    assert_eq!(health.code, 503);
    assert_eq!(health.json()["problems"][0]["code"], 10001, "{health:?}");
    let metrics = get(place(&daemon, 1).await, "/metrics").await.metrics();
    assert_eq!(metrics["qualwatch_problems{class=\"credential\",weight=\"failing\"}"], "1");
    assert_eq!(metrics["qualwatch_asking_stopped"], "1");
    daemon.end(Signal::SIGTERM).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_database_is_away_a_monitor_gets_what_is_known_marked_as_such_in_time() {
    let scene = Scene::set().await;
    let line = Line::to(socket_dir(), Sessions::AsTheyAre).await;
    let url = line.url(scene.database.options().get_database().unwrap());
    let program = scene.program_with(&listening(&scene)).with("QUALWATCH_DATABASE_URL", url);
    let daemon = Running::start(&program, &["run"]);
    all_is_sent(&scene).await;
    let at = place(&daemon, 1).await;
    let before = eventually("the sweep shows", &daemon, "/metrics", |page| {
        page.metric("qualwatch_sweeps_total").as_deref() == Some("1")
    })
    .await
    .metrics();
    for goes in [Line::fall_silent, Line::cut] {
        goes(&line);
        let page = eventually("it is said", &daemon, "/metrics", |page| {
            page.metrics()["qualwatch_database_up"] == "0"
        })
        .await
        .metrics();
        for known in ["qualwatch_sweeps_total", "qualwatch_certificates", "qualwatch_companies"] {
            assert_eq!(page[known], before[known], "what was known");
        }
        let health = get(at, "/health").await;
        assert_eq!(health.code, 503, "{health:?}");
        let health = health.json();
        assert_eq!(health["database"], false);
        assert_eq!(health["problems"][0]["class"], "database_unavailable", "{health}");
        assert_eq!(get(at, "/healthz").await.code, 200, "it lives");
        line.mend();
        eventually("it is back", &daemon, "/metrics", |page| page.metrics()["qualwatch_database_up"] == "1")
            .await;
    }
    daemon.end(Signal::SIGTERM).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_address_follows_the_file_and_an_address_that_is_taken_stops_nothing() {
    let scene = Scene::set().await;
    let program = scene.program_with(&listening(&scene));
    let daemon = Running::start(&program, &["run"]);
    let first = place(&daemon, 1).await;
    assert_eq!(get(first, "/healthz").await.code, 200);
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let edited = listening(&scene).replace("127.0.0.1:0", &taken.local_addr().unwrap().to_string());
    let write = |text: &str| std::fs::write(program.folder().join("watchlist.toml"), text).unwrap();
    write(&edited);
    daemon.signal(Signal::SIGHUP);
    daemon.logged("cannot listen for monitors").await;
    assert!(tokio::net::TcpStream::connect(first).await.is_err(), "the old address is left");
    write(&listening(&scene).replace("[http]", "[http]\nallow_remote = false"));
    daemon.signal(Signal::SIGHUP);
    until("it listens again", || async { daemon.log().matches("listening for monitors place").count() == 2 })
        .await;
    let at = place(&daemon, 3).await;
    let page = get(at, "/metrics").await.metrics();
    assert_eq!(page["qualwatch_watchlist_accepted"], "1");

    write("[http]\nlisten = \"0.0.0.0:9464\"\n");
    daemon.signal(Signal::SIGHUP);
    daemon.logged("the watchlist is not accepted").await;
    assert_eq!(get(at, "/metrics").await.metrics()["qualwatch_watchlist_accepted"], "0");
    all_is_sent(&scene).await;
    daemon.end(Signal::SIGTERM).await;
}

/// Starts it as systemd does where a socket is handed over: bound on this address, with its number 3.
fn start_with_socket(program: &Program, address: &str) -> Running {
    const HANDS_OVER: &str = "import os, socket, sys
s = socket.socket(); s.bind((sys.argv[1], 0)); s.listen(16)
if s.fileno() != 3: os.dup2(s.fileno(), 3)
os.set_inheritable(3, True)
os.environ['LISTEN_FDS'], os.environ['LISTEN_PID'] = '1', str(os.getpid())
os.execv(sys.argv[2], sys.argv[2:])";
    let wanted = program.command(&["run"]);
    let mut command = program.command_of("python3".as_ref());
    command.args(["-c", HANDS_OVER, address]).arg(wanted.get_program()).args(wanted.get_args());
    command.stdin(Stdio::null());
    Running::spawn(command)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_the_service_manager_hands_over_is_answered_on() {
    let scene = Scene::set().await;
    let program = scene.program();
    let daemon = start_with_socket(&program, "127.0.0.1");
    let at = place(&daemon, 1).await;
    assert_eq!(get(at, "/healthz").await.code, 200);
    all_is_sent(&scene).await;
    daemon.end(Signal::SIGTERM).await;

    let daemon = start_with_socket(&program, "0.0.0.0");
    daemon.logged("not listened on, unless [http] says allow_remote = true").await;
    daemon.end(Signal::SIGTERM).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_question_is_refused() {
    let scene = Scene::set().await;
    let program = scene.program_with(&listening(&scene));
    let daemon = Running::start(&program, &["run"]);
    let at = place(&daemon, 1).await;
    let long = "x".repeat(64 << 10);
    for (request, code, why) in [
        ("GET /metric HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n".to_owned(), 404, "no such page"),
        (
            "POST /metrics HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 3\r\n\r\na=b".to_owned(),
            405,
            "a wrong method",
        ),
        ("DELETE /health HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n".to_owned(), 405, "another"),
        ("GET /metrics HTTP/1.1\r\nhost: evil.example\r\n\r\n".to_owned(), 421, "a name turned to us"),
        (format!("GET /metrics HTTP/1.1\r\nhost: 127.0.0.1\r\nx: {long}\r\n\r\n"), 431, "a header of 64 kB"),
        (format!("GET /{long} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"), 431, "an address of 64 kB"),
        (
            format!("GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n{}\r\n", "a: b\r\n".repeat(100)),
            431,
            "a hundred headers",
        ),
        ("\u{0}\u{1}\r\n\r\n".to_owned(), 400, "nonsense"),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), 0, "another HTTP"),
        ("HEAD /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n".to_owned(), 200, "the head alone"),
        ("GET /healthz HTTP/1.0\r\n\r\n".to_owned(), 200, "the old HTTP"),
    ] {
        let answered = send(at, &request).await;
        // A large request is cut while it is still sent: then its answer may be lost.
        assert!(answered.code == code || answered.code == 0 && request.len() > 60_000, "{why}: {answered:?}");
    }
    assert_eq!(get(at, "/healthz").await.code, 200);
    daemon.end(Signal::SIGTERM).await;
}

const RULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/contrib/prometheus/qualwatch.rules.yml");
const DASHBOARD: &str = include_str!("../../contrib/grafana/qualwatch.json");

/// The names of our metrics in a text.
fn names(text: &str) -> BTreeSet<String> {
    let is_of_name = |c: char| c.is_ascii_lowercase() || c == '_';
    let words = text.split(|c: char| !is_of_name(c));
    words.filter(|word| word.starts_with("qualwatch_")).map(str::to_owned).collect()
}

/// A page with all figures.
async fn page(daemon: &Running) -> Answered {
    eventually("all figures are there", daemon, "/metrics", |page| {
        page.metric("qualwatch_sweeps_total").as_deref() == Some("1")
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_alert_rules_and_the_dashboard_ask_for_is_exported_and_all_of_it_is_used() {
    let scene = Scene::set().await;
    let program = scene.program_with(&listening(&scene));
    let daemon = Running::start(&program, &["run"]);
    let page = page(&daemon).await;
    let exported: BTreeSet<String> = page
        .body
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .map(|line| line.split(' ').next().unwrap().to_owned())
        .collect();
    let rules = std::fs::read_to_string(RULES).unwrap();
    let expressions: String =
        rules.lines().filter(|line| !line.trim_start().starts_with("- alert")).collect();
    let dashboard: serde_json::Value = serde_json::from_str(DASHBOARD).unwrap();
    let targets: Vec<&str> = dashboard["panels"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|panel| panel["targets"].as_array().into_iter().flatten())
        .map(|target| target["expr"].as_str().unwrap())
        .collect();
    assert!(targets.len() > 30, "the dashboard was read: {targets:?}");
    let wanted: BTreeSet<String> = names(&expressions).union(&names(&targets.join(" "))).cloned().collect();
    assert_eq!(wanted.difference(&exported).collect::<Vec<_>>(), [""; 0], "asked for and not exported");
    // Of what nobody looks at the dashboard would say nothing, and it could go.
    assert_eq!(exported.difference(&wanted).collect::<Vec<_>>(), [""; 0], "exported and never asked for");
    for (label, values) in [("weight", ["attention", "failing"])] {
        for value in values {
            assert!(page.body.contains(&format!("{label}=\"{value}\"")), "{value}");
        }
    }
    daemon.end(Signal::SIGTERM).await;
}

/// Runs Debian's promtool with this input; `None` where it is not installed.
fn promtool(arguments: &[&str], input: &str) -> Option<String> {
    let spawned = Command::new("promtool")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = spawned else {
        eprintln!("skipped: promtool (package prometheus) is not installed");
        return None;
    };
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(output.status.success(), "{arguments:?}: {said}");
    Some(said)
}

#[tokio::test(flavor = "multi_thread")]
async fn promtool_finds_nothing_to_say_of_metrics_and_rules() {
    let scene = Scene::set().await;
    let program = scene.program_with(&listening(&scene));
    let daemon = Running::start(&program, &["run"]);
    let page = page(&daemon).await;
    if let Some(said) = promtool(&["check", "metrics"], &page.body) {
        assert_eq!(said, "", "no convention is broken");
    }
    if let Some(said) = promtool(&["check", "rules", RULES], "") {
        assert!(said.contains("SUCCESS: 13 rules found"), "{said}");
    }
    daemon.end(Signal::SIGTERM).await;
}

/// A connection that sends a byte now and then, and never ends.
async fn slow(at: std::net::SocketAddr) -> usize {
    let mut stream = TcpStream::connect(at).await.unwrap();
    let _ = stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: 127.0.0.1\r\nx: ").await;
    let mut said = Vec::new();
    let (mut reading, mut writing) = stream.into_split();
    let trickle = async {
        while writing.write_all(b"y").await.is_ok() {
            clock::pause(Duration::from_millis(500)).await;
        }
    };
    tokio::select! {
        _ = reading.read_to_end(&mut said) => {}
        () = trickle => {}
    }
    said.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_slow_connections_hold_up_no_sweep_no_mail_and_no_other_monitor() {
    /// The limit of a test's own descriptors allows no more at a time.
    const AT_A_TIME: usize = 200;
    let scene = Scene::set().await;
    let program = scene.program_with(&listening(&scene));
    let daemon = Running::start(&program, &["run"]);
    let at = place(&daemon, 1).await;
    let flood = async {
        for _ in 0..5 {
            let slow = (0..AT_A_TIME).map(|_| clock::within(Duration::from_secs(20), slow(at)));
            let cut = futures_util::future::join_all(slow).await;
            assert!(cut.iter().all(Result::is_ok), "each of them is cut within seconds");
        }
    };
    let work = async {
        all_is_sent(&scene).await;
        for _ in 0..20 {
            assert_eq!(get(at, "/healthz").await.code, 200, "an honest monitor is answered all the while");
            assert_eq!(get(at, "/metrics").await.code, 200);
            clock::pause(Duration::from_millis(200)).await;
        }
    };
    tokio::join!(flood, work);
    assert_eq!(scene.sandbox.requests(), 4, "each company was asked once");
    let page = page(&daemon).await;
    assert_eq!(page.metric("qualwatch_deliveries_owed").as_deref(), Some("0"));
    let (code, log) = daemon.end(Signal::SIGTERM).await;
    assert!(code == 0 && !log.contains("ERROR") && !log.contains("WARN"), "{log}");
}
