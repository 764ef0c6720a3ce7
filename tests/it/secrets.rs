//! Key and password are nowhere but where they must be: law L5, at the most talkative log level.

use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nix::sys::signal::Signal;

use crate::rig::line::{Line, Sessions};
use crate::support::database::{launcher, socket_dir};
use crate::support::monitor::{get, place};
use crate::support::program::{Program, Ran};
use crate::support::running::{Running, until};
use crate::support::scenarios::steady;
use crate::support::scene::{COMPANIES, DAYS, KEY, Scene, cast};
use crate::support::secrets::{Secrets, rows};
use crate::support::smtp_sink::Script;

const PASSWORD: &str = "CANARY+p4ss/w0rd?=&";
const WRONG_PASSWORD: &str = "CANARY-wrong/p4ss+word";

fn secrets() -> Secrets {
    Secrets::new(&[KEY, PASSWORD, WRONG_PASSWORD])
}

/// Runs it at the most talkative level, and searches what it said.
fn run(program: &Program, arguments: &[&str], secrets: &Secrets) -> Ran {
    let ran = program.run(arguments);
    secrets.are_not_in(&ran.stdout, &format!("the output of {arguments:?}"));
    secrets.are_not_in(&ran.stderr, &format!("the log of {arguments:?}"));
    ran
}

/// Three companies: of the first the provider echoes the key in an error, of the second in a certificate, in every form.
fn echoing() -> String {
    let escaped = KEY.chars().fold(String::new(), |text, c| text + &format!("\\u{:04x}", u32::from(c)));
    let encoded = percent_encoding::utf8_percent_encode(KEY, percent_encoding::NON_ALPHANUMERIC);
    let digits = qualwatch::domain::text::hex(KEY.as_bytes());
    let backwards: String = KEY.chars().rev().collect();
    let body = format!(
        r#"{{"reason":"success","error_code":0,"result":{{"total":1,"items":[{{"organ":"{KEY} {digits} {backwards}","effectiveTime":"2029-01-09",
        "businessId":"5f0000000000000000000002-{KEY}","issuingCertificateTime":"{}","type":"{escaped}","certificateNum":"D241000002",
        "qualificationName":"{encoded}"}}]}}}}"#,
        STANDARD.encode(KEY)
    );
    let companies = cast();
    format!(
        "{companies}[[fault]]\nkeyword = \"{}\"\necho_key = true\ncode = 10020\n[[fault]]\nkeyword = \"{}\"\nbody = '''{body}'''\n",
        COMPANIES[0], COMPANIES[1]
    )
}

fn with_login(scene: &Scene) -> String {
    scene.watchlist().replace("smtp = \"smtp://", "smtp = \"smtp://alerts%40example.com@")
}

fn loud(program: Program, password: &str) -> Program {
    program.with("RUST_LOG", "trace").with("QUALWATCH_SMTP_PASSWORD", password)
}

async fn set(scenario: &str) -> Scene {
    let login = Some(("alerts@example.com".to_owned(), PASSWORD.to_owned()));
    Scene::with_mail(scenario, Script { login, ..Script::default() }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_key_nor_password_is_logged_stored_printed_or_mailed() {
    let secrets = secrets();
    for method in ["post", "get"] {
        let scene = set(&echoing()).await;
        let watchlist = with_login(&scene).replace("concurrency = 2", &format!("method = \"{method}\""));
        let now = |watchlist: &str, password| loud(scene.program_with(watchlist), password);
        let refused = now(&watchlist, WRONG_PASSWORD);
        let ran = run(&refused, &["check", "--json"], &secrets);
        assert_eq!((ran.code, &ran.json()["companies"]["complete"]), (Some(3), &2.into()), "{}", ran.stdout);
        assert!(ran.stderr.contains("DEBUG"), "it was as talkative as can be");
        run(&refused, &["test-email", "--json"], &secrets);
        secrets.are_in_no_row(&scene.pool).await;

        scene.at(DAYS[1]);
        let program = now(&watchlist, PASSWORD);
        run(&program, &["check"], &secrets);
        assert!(scene.letters().len() > 1, "the right password sends");
        for arguments in [
            &["status"][..],
            &["status", "--json"],
            &["list"],
            &["list", "--json"],
            &["list", "--format", "csv"],
            &["history"],
            &["history", "--json"],
            &["validate", "--ask"],
            &["validate", "--ask", "--json"],
            &["test-email"],
        ] {
            run(&program, arguments, &secrets);
        }

        scene.at(DAYS[2]);
        scene.upstream(&format!("{}[[fault]]\necho_key = true\ncode = 10001\n", steady(0)));
        let program = now(&watchlist, PASSWORD);
        assert_eq!(run(&program, &["check", "--json"], &secrets).code, Some(3));
        run(&program, &["status"], &secrets);
        let nowhere =
            watchlist.replace(&scene.sandbox.url(), "http://127.0.0.1:1/opens/App/bqQualification/query");
        let program = now(&nowhere, PASSWORD);
        assert_eq!(run(&program, &["validate", "--ask"], &secrets).code, Some(1), "an error with its chain");
        run(&program, &["check"], &secrets);
        let program = now(&nowhere.replace("http://", "https://"), PASSWORD);
        run(&program, &["validate", "--ask"], &secrets);

        secrets.are_in_no_row(&scene.pool).await;
        secrets.are_in_no_file(program.folder());
        for (to, letter) in scene.letters() {
            secrets.are_not_in(&format!("{letter:?}"), &format!("a mail to {to}"));
        }
        let stored =
            rows(&scene.pool).await.into_iter().find(|(table, _)| table == "observations").unwrap().1;
        assert!(!stored.is_empty(), "{method}: answers are kept, the key overwritten");
        assert!(scene.sandbox.ledger().iter().any(|request| request.method.eq_ignore_ascii_case(method)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_to_a_monitor_has_a_secret_whatever_fails() {
    const DATABASE_PASSWORD: &str = "CANARY-d4t4base/p4ss";
    let secrets = Secrets::new(&[KEY, PASSWORD, WRONG_PASSWORD, DATABASE_PASSWORD]);
    let scene = set(&echoing()).await;
    let line = Line::to(socket_dir(), Sessions::AsTheyAre).await;
    let database = line.url(scene.database.options().get_database().unwrap());
    let database = database.replace("qualwatch@", "qualwatch:CANARY-d4t4base%2Fp4ss@");
    let watchlist = format!("[http]\nlisten = \"127.0.0.1:0\"\n\n{}", with_login(&scene));
    let started = |password, watchlist: &str| {
        let program = loud(scene.program_with(watchlist), password).with("QUALWATCH_DATABASE_URL", &database);
        let daemon = Running::start(&program, &["run"]);
        (program, daemon)
    };
    let search = async |at: SocketAddr, what: &str| {
        let mut all = String::new();
        for path in ["/", "/metrics", "/health", "/healthz", "/readyz", "/none"] {
            let answered = get(at, path).await;
            secrets
                .are_not_in(&format!("{}{}", answered.head, answered.body), &format!("{path} after {what}"));
            all += &answered.body;
        }
        all
    };
    // The mail server refuses the login, the provider echoes the key.
    let (program, daemon) = started(WRONG_PASSWORD, &watchlist);
    let at = place(&daemon, 1).await;
    until("it is seen that mail is stopped", || async {
        search(at, "a refused login").await.contains("\"mail\"")
    })
    .await;
    line.cut();
    until("the database is seen to be away", || async {
        search(at, "a database that is cut off").await.contains("database_unavailable")
    })
    .await;
    line.mend();
    std::fs::write(
        program.folder().join("watchlist.toml"),
        format!("password = \"{PASSWORD}\"\n{watchlist}"),
    )
    .unwrap();
    daemon.signal(Signal::SIGHUP);
    until("the file is seen to be refused", || async {
        search(at, "a refused file").await.contains("watchlist_rejected\",\"code")
    })
    .await;
    let (_, log) = daemon.end(Signal::SIGTERM).await;
    secrets.are_not_in(&log, "the log");

    scene.at(DAYS[2]);
    scene.upstream(&format!("{}[[fault]]\necho_key = true\ncode = 10001\n", steady(0)));
    let (_program, daemon) = started(PASSWORD, &watchlist);
    let at = place(&daemon, 1).await;
    until("the key is seen to be refused", || async { search(at, "a refused key").await.contains("10001") })
        .await;
    daemon.end(Signal::SIGTERM).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_child_and_no_file_of_a_daemon_has_a_secret() {
    let secrets = secrets();
    let scene = set(&echoing()).await;
    let program = loud(scene.program_with(&with_login(&scene)), PASSWORD).without("QUALWATCH_DATABASE_URL");
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o711);
    std::fs::set_permissions(program.folder(), open).unwrap();
    let daemon = Running::start(&program, &["run"]);
    until("mails", || async { scene.letters().len() >= 2 }).await;
    let own = std::fs::read(format!("/proc/{}/cmdline", daemon.pid())).unwrap();
    secrets.are_not_in(&String::from_utf8_lossy(&own), "its own command line");
    let family = descendants(daemon.pid().as_raw());
    assert!(family.len() >= 3, "a keeper, a server and its processes: {family:?}");
    for pid in family {
        for file in ["cmdline", "environ"] {
            // It may have ended meanwhile.
            let text = std::fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
            secrets.are_not_in(&String::from_utf8_lossy(&text), &format!("{file} of a child"));
        }
    }
    let (code, log) = daemon.end(Signal::SIGTERM).await;
    assert_eq!(code, 0, "{log}");
    secrets.are_not_in(&log, "the log");
    // The cluster with its write-ahead log, too.
    secrets.are_in_no_file(program.folder());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_abort_leaves_no_core_with_the_secrets() {
    let scene = set(&echoing()).await;
    let program = loud(scene.program_with(&with_login(&scene)), PASSWORD);
    let allowing_cores = |then: &str| -> Command {
        let mut shell = program.command_of(Path::new("/bin/sh"));
        shell.arg("-c").arg(format!("ulimit -c unlimited && {then}"));
        shell
    };
    if !allowing_cores("kill -ABRT $$").status().unwrap().core_dumped() {
        eprintln!("skipped: no program leaves a core on this machine");
        return;
    }
    let mut command = allowing_cores("rm -f core* && exec \"$0\" run");
    command.arg(launcher());
    let daemon = Running::spawn(command);
    daemon.logged("watching").await;
    daemon.signal(Signal::SIGABRT);
    let (status, _) = daemon.exited().await;
    assert_eq!((status.signal(), status.core_dumped()), (Some(Signal::SIGABRT as i32), false));
    secrets().are_in_no_file(program.folder());
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_umask_what_is_kept_is_the_owners_alone() {
    let scene = set(&echoing()).await;
    let mail_as_files = scene.watchlist().lines().fold(String::new(), |text, line| {
        let line = if line.starts_with("smtp = ") { "maildir = \"state/mail\"" } else { line };
        text + line + "\n"
    });
    let program = scene.program_with(&mail_as_files).without("QUALWATCH_DATABASE_URL");
    std::fs::set_permissions(program.folder(), std::os::unix::fs::PermissionsExt::from_mode(0o711)).unwrap();
    for command in ["check", "backup"] {
        let mut shell = program.command_of(Path::new("/bin/sh"));
        shell.args(["-c", "umask 000 && exec \"$0\" \"$1\""]).arg(launcher()).arg(command);
        let ran = shell.output().unwrap();
        assert!(ran.status.code().is_some_and(|code| code != 1 && code != 2), "{command}: {ran:?}");
    }
    let state = program.folder().join("state");
    assert!(state.join("mail").read_dir().unwrap().count() > 0, "there is mail to look at");
    // The server of the private database passes through the directory itself, by its group (private_postgres), where root runs us.
    let mut find = Command::new("find");
    find.arg(&state)
        .args(["!", "-type", "l", "(", "-perm", "/067", "-o", "!", "-path", "*/state", "-perm", "/077", ")"]);
    let open = find.output().unwrap();
    assert_eq!(String::from_utf8_lossy(&open.stdout), "");
}

/// All processes below this one.
fn descendants(of: i32) -> Vec<i32> {
    let parent = |pid: i32| {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().parse::<i32>().ok()
    };
    let processes = std::fs::read_dir("/proc").unwrap();
    let pids: Vec<i32> =
        processes.filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok()).collect();
    let mut found = vec![of];
    for _ in 0..4 {
        let more: Vec<i32> = pids
            .iter()
            .copied()
            .filter(|pid| !found.contains(pid) && parent(*pid).is_some_and(|parent| found.contains(&parent)))
            .collect();
        found.extend(more);
    }
    found.split_off(1)
}
