//! The same conversations with a server that others wrote: aiosmtpd, with STARTTLS and AUTH required.

use std::io::Write as _;
use std::process::Stdio;

use base64::Engine as _;
use qualwatch::domain::secret::Secret;
use qualwatch::email::{Courier, Fault, Login, Patience, Security, SmtpServer, Stage};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::support::smtp_sink::{SinkCertificate, self_signed};

const PASSWORD: &str = "CANARY-p4ssw0rd";
const MAIL: &[u8] = b"Subject: =?utf-8?b?6LWE6LSo?=\r\n\r\n.\r\n..two\r\n\r\ntext\r\n";

struct Aiosmtpd {
    server: SmtpServer,
    lines: Lines<BufReader<ChildStdout>>,
    _process: Child,
    _ca: tempfile::NamedTempFile,
}

/// Starts it; `None` where it is not installed, unless `QUALWATCH_REQUIRE_AIOSMTPD=1` says that it must be.
async fn aiosmtpd() -> Option<Aiosmtpd> {
    let there = Command::new("python3")
        .args(["-c", "import aiosmtpd"])
        .stderr(Stdio::null())
        .status()
        .await;
    if !there.is_ok_and(|status| status.success()) {
        let required = std::env::var("QUALWATCH_REQUIRE_AIOSMTPD").is_ok_and(|value| value == "1");
        assert!(
            !required,
            "python3 with aiosmtpd is required and missing: python3 -m pip install aiosmtpd"
        );
        eprintln!("skipped: python3 with aiosmtpd is not installed");
        return None;
    }
    let (certificate, key) = self_signed(SinkCertificate::Localhost);
    let (mut ca, mut key_file) = (
        tempfile::NamedTempFile::new().unwrap(),
        tempfile::NamedTempFile::new().unwrap(),
    );
    ca.write_all(certificate.as_bytes()).unwrap();
    key_file.write_all(key.as_bytes()).unwrap();
    let mut process = Command::new("python3")
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/it/fixtures/aiosmtpd_server.py"
        ))
        .args([ca.path(), key_file.path()])
        .args(["alerts@example.com", PASSWORD])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let first: Value = serde_json::from_str(&lines.next_line().await.unwrap().expect("its port")).unwrap();
    let server = SmtpServer {
        host: "localhost".to_owned(),
        port: u16::try_from(first["port"].as_u64().unwrap()).unwrap(),
        security: Security::StartTls,
        login: Some(Login {
            user: "alerts@example.com".to_owned(),
            password: Secret::parse(PASSWORD).unwrap(),
        }),
        ca_file: Some(ca.path().to_owned()),
        patience: Patience::default(),
    };
    Some(Aiosmtpd {
        server,
        lines,
        _process: process,
        _ca: ca,
    })
}

#[tokio::test]
async fn another_server_takes_what_it_does_not_refuse_over_tls_and_byte_for_byte() {
    let Some(mut aiosmtpd) = aiosmtpd().await else {
        return;
    };
    let mut session = Courier::Smtp(aiosmtpd.server.clone()).connect().await.unwrap();
    for (to, refused) in [
        ("first@example.com", None),
        ("gone@example.com", Some((550, Fault::RecipientForGood))),
        ("later@example.com", Some((451, Fault::RecipientForNow))),
        ("last@example.com", None),
    ] {
        match (session.offer("alerts@example.com", to).await, refused) {
            (Ok(()), None) => {
                assert_eq!(session.hand_over(MAIL).await.unwrap().reply, "250 2.0.0 taken");
                let mail: Value =
                    serde_json::from_str(&aiosmtpd.lines.next_line().await.unwrap().unwrap()).unwrap();
                let bytes = base64::engine::general_purpose::STANDARD.decode(mail["bytes"].as_str().unwrap());
                assert_eq!(bytes.unwrap(), MAIL);
                assert_eq!(
                    (&mail["to"], &mail["encrypted"]),
                    (&serde_json::json!([to]), &Value::Bool(true))
                );
            }
            (Err(failure), Some((code, fault))) => {
                assert_eq!(
                    (failure.stage, failure.code, failure.fault),
                    (Stage::Rcpt, Some(code), fault)
                );
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
    assert_eq!(
        (failure.stage, failure.code, failure.fault),
        (Stage::Auth, Some(535), Fault::Sender)
    );
    assert!(!format!("{failure:?}").contains("CANARY"));

    let failure = Courier::Smtp(SmtpServer {
        ca_file: None,
        ..aiosmtpd.server.clone()
    })
    .connect()
    .await
    .err()
    .unwrap();
    assert_eq!(
        (failure.stage, failure.fault),
        (Stage::Tls, Fault::Server),
        "{failure}"
    );
}
