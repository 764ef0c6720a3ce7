//! Mail servers as they are: replies in any form, limits, names and certificates.

use std::io::Write as _;
use std::time::Duration;

use chrono::TimeDelta;
use qualwatch::config::Security;
use qualwatch::domain::event::{Baseline, CertificateFacts, News};
use qualwatch::domain::number::Family;
use qualwatch::domain::secret::Secret;
use qualwatch::email::{Blame, Courier, Login, MailServer, Patience, Ripe, SendFailure, Stage, Sweeping};

use crate::support::letter::Letter;
use crate::support::mailroom::{HENAN, Mailroom, ONE, OPS, PASSWORD, TWO, WUHAN, password};
use crate::support::smtp_sink::{Behaviour, Script, SinkCertificate, SinkSecurity, SinkStage, SmtpSink};

const DUE: Ripe = Ripe::Due(Sweeping::Idle);
const LOGIN: Option<(&str, &str)> = Some(("alerts@example.com", PASSWORD));

/// 登录失败 in GBK.
const GBK: &[u8] = b"\xb5\xc7\xc2\xbc\xca\xa7\xb0\xdc";

fn gbk(code: &str) -> Behaviour {
    Behaviour::Bytes([code.as_bytes(), b" ", GBK, b"\r\n"].concat())
}

#[tokio::test]
async fn a_message_is_sent_whatever_follows_the_2xx_after_its_dot() {
    for (reply, why) in [
        (&b"250 ok\r\n"[..], "as the RFC has it"),
        (&b"250\r\n"[..], "a bare code"),
        (&b"250\tok\r\n"[..], "a tab"),
        (&b"250-queued\r\n250\r\n"[..], "two lines"),
        (&b"\r\n250 ok\r\n"[..], "a blank line before it"),
        (&[&b"250 "[..], &b"x".repeat(70_000), &b"\r\n"[..]].concat(), "a line of 70 kB"),
        (&[&b"250 "[..], GBK, &b"\r\n"[..]].concat(), "GBK"),
        (&b"250 ok\r\n421 and goodbye\r\n"[..], "the next reply is another matter"),
    ] {
        let room = Mailroom::open().await;
        room.owe(HENAN, &[ONE]).await;
        room.sink.behave(SinkStage::Dot, Behaviour::Bytes(reply.to_vec()));
        let mailed = room.send(DUE).await;
        assert_eq!((mailed.sent, mailed.owed), (1, 0), "{why}: {mailed:?}");
    }
}

#[tokio::test]
async fn of_each_reply_only_the_digits_count() {
    for (stage, behaviour, why) in [
        (SinkStage::Greeting, gbk("220"), "a greeting in GBK"),
        (SinkStage::Greeting, Behaviour::Bytes(b"220\r\n".to_vec()), "a bare one"),
        (
            SinkStage::Ehlo,
            Behaviour::Bytes(b"250-\r\n250-8BITMIME\r\n250-\r\n250 \r\n".to_vec()),
            "blank lines",
        ),
        (SinkStage::Ehlo, Behaviour::Bytes(b"502 what?\r\n".to_vec()), "HELO is tried, and refused here"),
        (SinkStage::Mail, gbk("250"), "GBK at MAIL"),
        (SinkStage::Rcpt, gbk("250"), "GBK at RCPT"),
        (SinkStage::Data, gbk("354"), "GBK at DATA"),
        (SinkStage::Reset, gbk("250"), "GBK at RSET"),
    ] {
        let room = Mailroom::open().await;
        room.owe(HENAN, &[ONE, TWO]).await;
        room.sink.behave(stage, behaviour);
        let mailed = room.send(DUE).await;
        let expected = if why.starts_with("HELO") { 0 } else { 2 };
        assert_eq!(mailed.sent, expected, "{why}: {mailed:?}");
    }
}

#[tokio::test]
async fn refusals_in_another_encoding_are_refusals() {
    let mut room = Mailroom::with_login(LOGIN).await;
    room.password = Some(password(PASSWORD));
    room.owe(HENAN, &[ONE]).await;
    room.sink.behave(SinkStage::Auth, gbk("535"));
    let mailed = room.send(DUE).await;
    assert_eq!(mailed.stopped.and_then(|stop| stop.code), Some(535));
    room.send(DUE).await;
    let logins = room.sink.heard().iter().filter(|heard| heard.line.starts_with("AUTH")).count();
    assert_eq!(logins, 1, "one an hour");
    room.sink.heal();
    room.sink.behave(SinkStage::Rcpt, gbk("552"));
    room.pass(TimeDelta::hours(1));
    let mailed = room.send(DUE).await;
    assert_eq!(mailed.problems[0].code, Some(552), "{mailed:?}");
}

#[tokio::test]
async fn a_digest_keeps_below_the_size_that_the_server_announces() {
    for announced in [Some(60_000), None] {
        let script = Script { size: Some(60_000), ..Script::default() };
        let room = Mailroom::with_server(script).await;
        if announced.is_none() {
            let silent = b"250-sink\r\n250 8BITMIME\r\n".to_vec();
            room.sink.behave(SinkStage::Ehlo, Behaviour::Bytes(silent));
        }
        for number in 0..120 {
            room.owe(&format!("某某建设工程有限公司第{number}号"), &[ONE]).await;
        }
        let mailed = room.send(DUE).await;
        assert_eq!((mailed.owed, mailed.failed), (0, 0), "{announced:?}: {mailed:?}");
        let mails = room.sink.mails();
        assert!(mails.len() > 1 && mails.iter().all(|mail| mail.bytes.len() <= 60_000), "{}", mails.len());
        let text: String = mails.iter().map(|mail| Letter::of(mail).text).collect();
        assert!((0..120).all(|number| text.contains(&format!("第{number}号"))));
        let refused = room.sink.unanswered().len();
        assert_eq!(refused == 0, announced.is_some(), "{refused}: where nothing is announced, 552 says it");
    }
}

/// What is found of a company of so many certificates, as one event.
fn large(count: usize) -> News {
    let certificate = |number: usize| CertificateFacts {
        number: format!("D34{number:07}"),
        family: Family::Construction,
        kind: "建筑业企业资质".to_owned(),
        organ: "安徽省住房和城乡建设厅".to_owned(),
        issued_on: None,
        valid_until: "2027-06-30".parse().ok(),
        valid_until_text: "2027-06-30".to_owned(),
        filing_day: None,
        qualifications: Vec::new(),
    };
    News::Watching(Baseline { current: (0..count).map(certificate).collect(), ..Baseline::default() })
}

#[tokio::test]
async fn one_thing_that_is_larger_than_a_server_takes_is_told_in_less() {
    for (size, announced, html, all, why) in [
        (1_000_000, true, true, true, "it has room"),
        (30_000, true, false, true, "the text says the same as the HTML"),
        (10_000, true, false, false, "the beginning of it"),
        (10_000, false, false, false, "where nothing is announced, 552 says it"),
        (2_500, true, false, false, "hardly more than the news"),
    ] {
        let room = Mailroom::with_server(Script { size: Some(size), ..Script::default() }).await;
        if !announced {
            let silent = b"250-sink\r\n250 8BITMIME\r\n".to_vec();
            room.sink.behave(SinkStage::Ehlo, Behaviour::Bytes(silent));
        }
        room.owe_news(large(400), WUHAN, &[ONE]).await;
        room.owe(HENAN, &[TWO]).await;
        let mailed = room.send(DUE).await;
        assert_eq!((mailed.sent, mailed.owed), (2, 0), "{why}: {mailed:?}");
        let mails = room.sink.mails();
        let mail = mails.iter().find(|mail| mail.to == [ONE]).unwrap();
        assert!(mail.bytes.len() <= size, "{why}: {}", mail.bytes.len());
        let letter = Letter::of(mail);
        assert!(letter.subject().contains("武汉市政"), "{why}: {}", letter.subject());
        // Of four hundred a hundred are listed, and the rest is counted.
        let listed = letter.text.matches("D34").count();
        assert_eq!((!letter.html.is_empty(), listed >= 100), (html, all), "{why}: {listed}");
        assert_eq!(letter.text.contains("如需全文，请回复本邮件"), !all, "{why}: {}", letter.text);
    }
}

#[tokio::test]
async fn a_message_that_nothing_makes_small_enough_is_given_up_alone() {
    let room = Mailroom::with_server(Script { size: Some(500), ..Script::default() }).await;
    room.owe(HENAN, &[ONE]).await;
    let mailed = room.send(DUE).await;
    assert_eq!(
        (mailed.sent, mailed.owed),
        (0, 1),
        "with nobody else whose mail was taken it ages: {mailed:?}"
    );
    assert!(room.sink.unanswered().len() < 6, "{}", room.sink.unanswered().len());
}

#[tokio::test]
async fn a_server_that_is_restarted_in_mid_run_loses_and_doubles_nothing() {
    for (after, refused, why) in [
        (1, 0, "up again at once"),
        (2, 1, "away for one attempt"),
        (1, 5, "away for longer than the run"),
        (0, 1, "before the first message"),
    ] {
        let room = Mailroom::open().await;
        let readers: Vec<String> = (0..5).map(|number| format!("reader{number}@example.com")).collect();
        let readers: Vec<&str> = readers.iter().map(String::as_str).collect();
        room.owe("91410000415800000X", &readers).await;
        room.sink.restart_after(after, refused);
        for _ in 0..8 {
            room.send(DUE).await;
            room.pass(TimeDelta::minutes(30));
        }
        let mut got = room.readers();
        got.sort();
        assert_eq!(got, readers, "{why}");
        assert_eq!((room.dead().await, room.heard_by_operators().await), (vec![], vec![]), "{why}");
    }
}

#[tokio::test]
async fn a_server_that_thinks_long_and_greylists_for_hours_gets_all_in_the_end() {
    let room = Mailroom::open().await;
    room.sink.be_late(Duration::from_millis(20));
    let refusal = format!("451 4.7.1 Greylisted, see {}", "https://example.com/why ".repeat(3_000));
    room.sink.behave(SinkStage::Rcpt, Behaviour::Bytes(format!("{refusal}\r\n").into_bytes()));
    room.owe(HENAN, &[ONE, TWO]).await;
    for _ in 0..20 {
        let mailed = room.send(DUE).await;
        assert!(mailed.sent == 0 && mailed.stopped.is_none(), "{mailed:?}");
        assert!(mailed.problems.iter().all(|problem| problem.reason.chars().count() < 300), "{mailed:?}");
        room.pass(TimeDelta::minutes(30));
    }
    room.sink.heal();
    room.pass(TimeDelta::hours(1));
    let mailed = room.send(DUE).await;
    assert_eq!((mailed.sent, mailed.owed, room.dead().await), (2, 0, vec![]), "{mailed:?}");
}

#[tokio::test]
async fn where_a_connection_takes_few_messages_the_rest_goes_on_the_next() {
    for (reply, why) in [
        ("421 4.7.0 too many messages on this connection", "with a goodbye"),
        ("452 4.4.5 Maximum number of messages per session exceeded", "Stalwart"),
        ("451 MI:DMC too many mails", "NetEase"),
        ("450 4.7.1 later", "in unknown words"),
    ] {
        let room = Mailroom::open().await;
        room.sink.take_per_connection(Some((2, reply)));
        let readers: Vec<String> = (0..5).map(|number| format!("reader{number}@example.com")).collect();
        let readers: Vec<&str> = readers.iter().map(String::as_str).collect();
        room.owe("91410000415800000X", &readers).await;
        let mailed = room.send(DUE).await;
        assert_eq!((mailed.sent, mailed.owed, mailed.failed), (5, 0, 0), "{why}: {mailed:?}");
        assert_eq!(room.sink.connections(), 3, "{why}");
    }
}

#[tokio::test]
async fn what_is_said_of_one_connection_in_mid_run_is_no_refusal() {
    let room = Mailroom::open().await;
    room.sink.refuse_after_data(TWO, "451 4.7.1 later");
    room.owe(HENAN, &[ONE, TWO]).await;
    room.owe_operators(&[OPS]).await;
    let mailed = room.send(DUE).await;
    assert_eq!((mailed.sent, mailed.owed), (2, 1), "the one is put off: {mailed:?}");
    assert_eq!(room.sink.connections(), 2, "a fresh connection was tried once");
}

async fn refused(certificate: SinkCertificate, trusted: bool) -> Result<(), SendFailure> {
    let login = Some(("alerts@example.com".to_owned(), PASSWORD.to_owned()));
    let script = Script { security: SinkSecurity::StartTls, certificate, login, ..Script::default() };
    let sink = SmtpSink::start(script).await;
    let mut ca = tempfile::NamedTempFile::new().unwrap();
    ca.write_all(sink.ca_pem().as_bytes()).unwrap();
    let server = MailServer {
        host: "localhost".to_owned(),
        port: sink.port(),
        security: Security::StartTls,
        login: Some(Login {
            user: "alerts@example.com".to_owned(),
            password: Secret::parse(PASSWORD).unwrap(),
        }),
        ca_file: trusted.then(|| ca.path().to_owned()),
        helo: None,
        patience: Patience::default(),
    };
    Courier::Smtp(server).connect().await.map(drop)
}

#[tokio::test]
async fn a_refused_certificate_says_which_part_of_it() {
    for (certificate, trusted, said, why) in [
        (SinkCertificate::Localhost, false, "chain", "nobody knows its authority"),
        (SinkCertificate::OtherHost, true, "name", "another host's"),
        (SinkCertificate::Expired, true, "dates", "ended in 2020"),
        (SinkCertificate::ForClients, true, "purpose", "made for clients"),
        (SinkCertificate::Authority, false, "chain", "an authority's own"),
    ] {
        let failure = refused(certificate, trusted).await.unwrap_err();
        assert_eq!((failure.stage, failure.fault), (Stage::Tls, Blame::Server), "{why}");
        assert!(failure.reply.contains(said), "{why}: {failure}");
        assert!(failure.advice().is_some(), "{why}");
    }
    let failure = refused(SinkCertificate::Authority, false).await.unwrap_err();
    assert!(failure.advice().unwrap().contains("ca_file"), "{:?}", failure.advice());
}

#[tokio::test]
async fn a_self_signed_authority_that_ca_file_names_is_trusted_for_its_name_alone() {
    assert_eq!(refused(SinkCertificate::Authority, true).await, Ok(()));
    let failure = refused(SinkCertificate::OtherAuthority, true).await.unwrap_err();
    assert!(failure.reply.contains("name"), "{failure}");
}

#[tokio::test]
async fn a_server_that_takes_oauth_alone_is_called_so() {
    let login = Some(("alerts@example.com".to_owned(), PASSWORD.to_owned()));
    let room = Mailroom::with_server(Script { login, mechanisms: "XOAUTH2", ..Script::default() }).await;
    room.owe(HENAN, &[ONE]).await;
    let mailed = room.send(DUE).await;
    assert!(mailed.stopped.is_some() && mailed.problems[0].reason.contains("OAuth"), "{mailed:?}");
    assert!(room.sink.heard().iter().all(|heard| !heard.line.starts_with("AUTH")));
}

#[tokio::test]
async fn the_name_in_ehlo_is_the_files_or_a_full_one() {
    let mut room = Mailroom::open().await;
    room.edit("helo = \"qw.example.org\"\n", "");
    room.owe(HENAN, &[ONE]).await;
    room.send(DUE).await;
    assert_eq!(room.sink.heard()[0].line, "EHLO qw.example.org");

    let room = Mailroom::open().await;
    room.owe(HENAN, &[ONE]).await;
    room.send(DUE).await;
    assert!(room.sink.heard()[0].line.contains('.'), "{:?}", room.sink.heard()[0]);
}
