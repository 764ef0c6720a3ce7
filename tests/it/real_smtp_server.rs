//! The same conversations with a server that others wrote: aiosmtpd, with STARTTLS and AUTH required.

use std::io::Write as _;
use std::process::Stdio;
use std::time::Duration;

use base64::Engine as _;
use qualwatch::clock;
use qualwatch::config::Security;
use qualwatch::domain::secret::Secret;
use qualwatch::email::{Blame, Courier, Login, MailServer, Patience, Stage};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::support::letter::Letter;
use crate::support::scene::{BUYER, OPERATOR, READER, Scene};
use crate::support::smtp_sink::{SinkCertificate, self_signed};

const PASSWORD: &str = "CANARY-p4ssw0rd";
const PATIENCE: Duration = Duration::from_secs(15);
const MAIL: &[u8] = b"Subject: =?utf-8?b?6LWE6LSo?=\r\n\r\n.\r\n..two\r\n\r\ntext\r\n";

struct Aiosmtpd {
    server: MailServer,
    /// What it took, as it says.
    mails: UnboundedReceiver<Value>,
    _process: Child,
    _ca: tempfile::NamedTempFile,
}

/// Starts it; `None` where it is not installed, unless `QUALWATCH_REQUIRE_AIOSMTPD=1` says that it must be.
async fn aiosmtpd() -> Option<Aiosmtpd> {
    let there = Command::new("python3").args(["-c", "import aiosmtpd"]).stderr(Stdio::null()).status().await;
    if !there.is_ok_and(|status| status.success()) {
        let required = std::env::var("QUALWATCH_REQUIRE_AIOSMTPD").is_ok_and(|value| value == "1");
        assert!(!required, "python3 with aiosmtpd is required and missing: python3 -m pip install aiosmtpd");
        eprintln!("skipped: python3 with aiosmtpd is not installed");
        return None;
    }
    let (certificate, key) = self_signed(SinkCertificate::Localhost);
    let (mut ca, mut key_file) =
        (tempfile::NamedTempFile::new().unwrap(), tempfile::NamedTempFile::new().unwrap());
    ca.write_all(certificate.as_bytes()).unwrap();
    key_file.write_all(key.as_bytes()).unwrap();
    let mut process = Command::new("python3")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/fixtures/aiosmtpd_server.py"))
        .args([ca.path(), key_file.path()])
        .args(["alerts@example.com", PASSWORD])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let first: Value = serde_json::from_str(&lines.next_line().await.unwrap().expect("its port")).unwrap();
    let server = MailServer {
        host: "localhost".to_owned(),
        port: u16::try_from(first["port"].as_u64().unwrap()).unwrap(),
        security: Security::StartTls,
        login: Some(Login {
            user: "alerts@example.com".to_owned(),
            password: Secret::parse(PASSWORD).unwrap(),
        }),
        ca_file: Some(ca.path().to_owned()),
        helo: None,
        patience: Patience::default(),
    };
    let (taken, mails) = unbounded_channel();
    // Read at once: a full pipe would stop the server.
    tokio::spawn(async move {
        while let Ok(Some(line)) = lines.next_line().await {
            let _ = taken.send(serde_json::from_str(&line).unwrap());
        }
    });
    Some(Aiosmtpd { server, mails, _process: process, _ca: ca })
}

#[tokio::test]
async fn another_server_takes_what_it_does_not_refuse_over_tls_and_byte_for_byte() {
    let Some(mut aiosmtpd) = aiosmtpd().await else {
        return;
    };
    let mut session = Courier::Smtp(aiosmtpd.server.clone()).connect().await.unwrap();
    for (to, refused) in [
        ("first@example.com", None),
        ("gone@example.com", Some((550, Blame::RecipientForGood))),
        ("later@example.com", Some((451, Blame::RecipientForNow))),
        ("last@example.com", None),
    ] {
        match (session.offer("alerts@example.com", to).await, refused) {
            (Ok(()), None) => {
                assert_eq!(session.hand_over(MAIL).await.unwrap().reply, "250 2.0.0 taken");
                let mail = aiosmtpd.mails.recv().await.unwrap();
                let bytes = base64::engine::general_purpose::STANDARD.decode(mail["bytes"].as_str().unwrap());
                assert_eq!(bytes.unwrap(), MAIL);
                assert_eq!((&mail["to"], &mail["encrypted"]), (&serde_json::json!([to]), &Value::Bool(true)));
            }
            (Err(failure), Some((code, fault))) => {
                assert_eq!((failure.stage, failure.code, failure.fault), (Stage::Rcpt, Some(code), fault));
            }
            (result, _) => panic!("{to}: {result:?}"),
        }
    }
    session.quit().await;
}

#[tokio::test]
async fn another_server_refuses_a_wrong_password_and_an_unknown_certificate_is_refused_by_us() {
    let Some(aiosmtpd) = aiosmtpd().await else { return };
    let mut server = aiosmtpd.server.clone();
    server.login.as_mut().unwrap().password = Secret::parse("CANARY-wrong").unwrap();
    let failure = Courier::Smtp(server).connect().await.err().unwrap();
    assert_eq!((failure.stage, failure.code, failure.fault), (Stage::Auth, Some(535), Blame::Sender));
    assert!(!format!("{failure:?}").contains("CANARY"));

    let failure =
        Courier::Smtp(MailServer { ca_file: None, ..aiosmtpd.server.clone() }).connect().await.err().unwrap();
    assert_eq!((failure.stage, failure.fault), (Stage::Tls, Blame::Server), "{failure}");
}

/// What it took so far: the recipients, in their order.
async fn taken(aiosmtpd: &mut Aiosmtpd, count: usize) -> Vec<String> {
    let mut recipients = Vec::new();
    for _ in 0..count {
        let mail = clock::within(PATIENCE, aiosmtpd.mails.recv()).await.expect("one more mail").unwrap();
        assert_eq!(mail["encrypted"], true, "{mail}");
        let bytes =
            base64::engine::general_purpose::STANDARD.decode(mail["bytes"].as_str().unwrap()).unwrap();
        let letter = Letter::read(&bytes);
        assert_eq!(letter.header("To"), mail["to"][0].as_str().unwrap());
        recipients.push(letter.header("To").to_owned());
    }
    recipients
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_delivers_through_another_server_by_starttls_login_and_ca_file() {
    let Some(mut aiosmtpd) = aiosmtpd().await else { return };
    let scene = Scene::set().await;
    let place = format!("smtp://127.0.0.1:{}", scene.sink.port());
    let there = format!("smtp://alerts%40example.com@localhost:{}?tls=required", aiosmtpd.server.port);
    let ca_file = aiosmtpd.server.ca_file.clone().unwrap();
    let with_ca = format!("{there}\"\nca_file = \"{}", ca_file.display());
    let watchlist = scene.watchlist().replace(BUYER, "gone@example.com");
    let run = |watchlist: &str, password: &str| {
        let program = scene.program_with(watchlist).with("QUALWATCH_SMTP_PASSWORD", password);
        let ran = program.run(&["check", "--due", "--json"]);
        (ran.code, ran.json()["mail"].clone(), ran.json()["problems"].clone())
    };

    let (code, mail, problems) = run(&watchlist.replace(&place, &there), PASSWORD);
    assert_eq!((code, &mail["sent"], &mail["failed"]), (Some(3), &json!(0), &json!(0)), "{problems}");
    assert!(problems.to_string().contains("certificate"), "nobody vouches for it: {problems}");
    let (code, mail, problems) = run(&watchlist.replace(&place, &with_ca), "CANARY-wrong");
    assert_eq!(
        (code, &mail["sent"], &mail["owed"]),
        (Some(3), &json!(0), &json!(3)),
        "and the operator: {problems}"
    );
    assert_eq!(problems[0]["code"], 535, "{problems}");
    let (code, mail, _) = run(&watchlist.replace(&place, &with_ca), "CANARY-wrong");
    assert_eq!((code, &mail["failed"]), (Some(3), &json!(0)), "one login an hour, and nobody is burnt");

    let (code, mail, problems) = run(&watchlist.replace(&place, &with_ca), PASSWORD);
    assert_eq!((code, &mail), (Some(3), &json!({"owed": 0, "sent": 2, "failed": 1})), "{problems}");
    assert_eq!((&problems[0]["code"], problems.as_array().unwrap().len()), (&json!(550), 1), "{problems}");
    assert_eq!(taken(&mut aiosmtpd, 2).await, [READER, OPERATOR], "one refused recipient touches no other");
    assert_eq!(scene.sink.connections(), 0);

    scene.at("2026-01-14");
    let (code, mail, problems) = run(&watchlist.replace(&place, &with_ca), PASSWORD);
    assert_eq!((code, &mail["owed"]), (Some(0), &json!(0)), "a renewal beside a loss waits: {problems}");
    assert_eq!(taken(&mut aiosmtpd, 2).await, [READER, OPERATOR], "of the other companies");
    scene.at("2026-01-15");
    let (code, mail, problems) = run(&watchlist.replace(&place, &with_ca), PASSWORD);
    assert_eq!((code, &mail["owed"]), (Some(3), &json!(0)), "{problems}");
    assert_eq!(taken(&mut aiosmtpd, 1).await, [READER], "nine days later");
}
