//! What monitors see: numbers, health, readiness; and what they cannot do to the daemon.

use std::process::Stdio;

use nix::sys::signal::Signal;

use crate::rig::line::{Line, Sessions};
use crate::support::database::socket_dir;
use crate::support::monitor::{Answered, get, place, send};
use crate::support::program::Program;
use crate::support::running::{Running, until};
use crate::support::scene::{COMPANIES, OPERATOR, READER, Scene};

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
