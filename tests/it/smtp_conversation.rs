//! How messages leave, in real conversations with the tests' own SMTP server.

use std::io::Write as _;
use std::time::Duration;

use futures_util::future::join_all;
use qualwatch::config::Security;
use qualwatch::domain::secret::Secret;
use qualwatch::email::{Blame, Courier, Login, MailServer, Patience, SendFailure, Session, Stage};

use crate::support::smtp_sink::{
    Behaviour, ReceivedMail, Script, SinkCertificate, SinkSecurity, SinkStage, SmtpSink,
};

const FROM: &str = "alerts@example.com";
const READER: &str = "reader@example.com";
const USER: &str = "alerts@example.com";
const PASSWORD: &str = "CANARY-p4ssw0rd";
const MAIL: &[u8] = b"Subject: x\r\n\r\n.\r\n..two\r\ntext\r\n";

fn script(security: SinkSecurity) -> Script {
    Script { security, login: Some((USER.to_owned(), PASSWORD.to_owned())), ..Script::default() }
}

/// A server entry for the sink, that trusts its certificate; the file lives as long as it is kept.
fn server(sink: &SmtpSink, security: Security) -> (MailServer, tempfile::NamedTempFile) {
    let mut ca = tempfile::NamedTempFile::new().unwrap();
    ca.write_all(sink.ca_pem().as_bytes()).unwrap();
    let login = Login { user: USER.to_owned(), password: Secret::parse(PASSWORD).unwrap() };
    let server = MailServer {
        host: "localhost".to_owned(),
        port: sink.port(),
        security,
        login: Some(login),
        ca_file: Some(ca.path().to_owned()),
        helo: None,
        patience: Patience::default(),
    };
    (server, ca)
}

/// For the sink without TLS and login.
fn plain(sink: &SmtpSink) -> MailServer {
    MailServer {
        host: "127.0.0.1".to_owned(),
        port: sink.port(),
        security: Security::Plain,
        login: None,
        ca_file: None,
        helo: None,
        patience: Patience::default(),
    }
}

/// Long enough for a handshake on a busy machine.
fn hasty() -> Patience {
    let moment = Duration::from_secs(1);
    Patience { command: moment, writing: moment, final_dot: moment, quit: moment, ..Patience::default() }
}

async fn send(session: &mut Session, to: &str, message: &[u8]) -> Result<(), SendFailure> {
    session.offer(FROM, to).await?;
    session.hand_over(message).await.map(|_| ())
}

async fn send_once(server: &MailServer) -> Result<(), SendFailure> {
    let mut session = Courier::Smtp(server.clone()).connect().await?;
    send(&mut session, READER, MAIL).await?;
    session.quit().await;
    Ok(())
}

async fn refused_connection(server: MailServer) -> SendFailure {
    Courier::Smtp(server).connect().await.err().expect("the connection must be refused")
}

fn received(to: &str) -> ReceivedMail {
    ReceivedMail { from: FROM.to_owned(), to: vec![to.to_owned()], bytes: MAIL.to_vec() }
}

#[tokio::test]
async fn a_message_arrives_byte_for_byte_whatever_the_security() {
    for (theirs, ours) in
        [(SinkSecurity::StartTls, Security::StartTls), (SinkSecurity::Implicit, Security::Tls)]
    {
        let sink = SmtpSink::start(script(theirs)).await;
        let (server, _ca) = server(&sink, ours);
        send_once(&server).await.unwrap();
        assert_eq!(sink.mails(), [received(READER)], "{ours:?}");
        assert_eq!(sink.violations(), Vec::<String>::new());
        let clear: Vec<String> =
            sink.heard().into_iter().filter(|heard| heard.in_clear).map(|heard| heard.line).collect();
        assert!(
            clear.iter().all(|line| line.starts_with("EHLO") || line == "STARTTLS"),
            "{ours:?}: in clear nothing but the way into TLS: {clear:?}"
        );
        assert_eq!(sink.heard().last().unwrap().line, "QUIT");
    }
    let sink = SmtpSink::start(Script::default()).await;
    send_once(&plain(&sink)).await.unwrap();
    assert_eq!(sink.mails(), [received(READER)]);
}

#[tokio::test]
async fn a_server_that_knows_only_auth_login_is_logged_into() {
    let sink = SmtpSink::start(Script { mechanisms: "LOGIN", ..script(SinkSecurity::StartTls) }).await;
    let (server, _ca) = server(&sink, Security::StartTls);
    send_once(&server).await.unwrap();
    assert_eq!(sink.mails().len(), 1);
}

#[tokio::test]
async fn a_server_without_known_mechanism_is_the_senders_to_mend() {
    let sink = SmtpSink::start(Script { mechanisms: "GSSAPI", ..script(SinkSecurity::StartTls) }).await;
    let (server, _ca) = server(&sink, Security::StartTls);
    let failure = refused_connection(server).await;
    assert_eq!((failure.stage, failure.fault), (Stage::Auth, Blame::Sender));
    assert!(failure.advice().unwrap().contains("AUTH PLAIN"));
}

#[tokio::test]
async fn without_starttls_nothing_is_sent() {
    let sink = SmtpSink::start(script(SinkSecurity::Plain)).await;
    let (server, _ca) = server(&sink, Security::StartTls);
    let failure = refused_connection(server).await;
    assert_eq!((failure.stage, failure.fault, failure.code), (Stage::Tls, Blame::Server, None));
    assert!(failure.advice().unwrap().contains("no STARTTLS"));
    assert!(sink.heard().iter().all(|heard| !heard.line.starts_with("AUTH")), "{:?}", sink.heard());
}

#[tokio::test]
async fn a_reply_smuggled_in_before_tls_is_not_taken_for_one_inside() {
    let sink = SmtpSink::start(script(SinkSecurity::StartTls)).await;
    let (server, _ca) = server(&sink, Security::StartTls);
    for injected in ["250 AUTH PLAIN\r\n", "250-evil\r\n250 AUTH PLAIN LOGIN\r\n235 welcome\r\n250 ok\r\n"] {
        sink.behave(SinkStage::StartTls, Behaviour::Inject(injected.as_bytes().to_vec()));
        let failure = refused_connection(server.clone()).await;
        assert_eq!(
            (failure.stage, failure.fault, failure.code),
            (Stage::Tls, Blame::Server, None),
            "{failure}"
        );
    }
    assert!(sink.heard().iter().all(|heard| heard.line.starts_with("EHLO") || heard.line == "STARTTLS"));
    sink.heal();
    send_once(&server).await.unwrap();
}

#[tokio::test]
async fn only_a_certificate_for_this_host_from_a_known_authority_and_in_time_is_trusted() {
    for (kind, trusted, why) in [
        (SinkCertificate::Localhost, false, "unknown authority"),
        (SinkCertificate::OtherHost, true, "another host's"),
        (SinkCertificate::Expired, true, "expired"),
    ] {
        for (theirs, ours) in
            [(SinkSecurity::StartTls, Security::StartTls), (SinkSecurity::Implicit, Security::Tls)]
        {
            let sink = SmtpSink::start(Script { certificate: kind, ..script(theirs) }).await;
            let (mut server, _ca) = server(&sink, ours);
            if !trusted {
                server.ca_file = None;
            }
            let failure = refused_connection(server).await;
            assert_eq!((failure.stage, failure.fault), (Stage::Tls, Blame::Server), "{why}: {failure}");
            assert!(failure.advice().unwrap().contains("certificate"), "{why}: {:?}", failure.advice());
            assert!(sink.heard().iter().all(|heard| !heard.line.starts_with("AUTH")), "{why}");
        }
    }
}

#[tokio::test]
async fn an_unreadable_ca_file_is_told_by_name() {
    let sink = SmtpSink::start(script(SinkSecurity::StartTls)).await;
    let (mut server, ca) = server(&sink, Security::StartTls);
    for (content, said) in [
        ("no certificate", "has no certificate"),
        ("-----BEGIN CERTIFICATE-----\n%%%\n-----END CERTIFICATE-----\n", "damaged"),
        ("-----BEGIN CERTIFICATE-----\nYWJj\n-----END CERTIFICATE-----\n", ""),
    ] {
        std::fs::write(ca.path(), content).unwrap();
        let failure = refused_connection(server.clone()).await;
        assert!(failure.stage == Stage::Tls && failure.reply.contains(said), "{failure}");
        assert!(failure.advice().unwrap().contains("[email].ca_file"));
    }
    server.ca_file = Some("/nonexistent/ca.pem".into());
    assert!(refused_connection(server).await.reply.contains("/nonexistent/ca.pem"));
}

#[tokio::test]
async fn plain_smtp_stays_on_this_machine() {
    let sink = SmtpSink::start(Script::default()).await;
    let failure = refused_connection(MailServer { host: "192.0.2.1".to_owned(), ..plain(&sink) }).await;
    assert_eq!((failure.stage, failure.code), (Stage::Connect, None));
    assert!(failure.advice().unwrap().contains("needs TLS"));
    assert_eq!(sink.connections(), 0);
}

#[tokio::test]
async fn a_refused_login_is_the_senders_fault_and_never_shows_the_password() {
    let sink = SmtpSink::start(script(SinkSecurity::StartTls)).await;
    let (mut server, _ca) = server(&sink, Security::StartTls);
    server.login = Some(Login { user: USER.to_owned(), password: Secret::parse("CANARY-old-one").unwrap() });
    assert!(!format!("{server:?}").contains("CANARY"), "Debug shows no password");
    let failure = refused_connection(server.clone()).await;
    assert_eq!((failure.stage, failure.fault, failure.code), (Stage::Auth, Blame::Sender, Some(535)));

    let line = sink.heard().into_iter().find(|heard| heard.line.starts_with("AUTH")).unwrap().line;
    let echo = format!("500 5.5.2 cannot understand {line} nor CANARY-old-one");
    sink.behave(SinkStage::Auth, Behaviour::Reply(echo));
    let failure = refused_connection(server).await;
    assert_eq!(failure.reply, "5.5.2 cannot understand AUTH PLAIN *** nor ***");
    assert!(!format!("{failure} {failure:?}").contains("CANARY"));
}

#[tokio::test]
async fn one_refused_recipient_takes_no_mail_from_the_others() {
    let sink = SmtpSink::start(Script::default()).await;
    sink.refuse_recipient("gone@example.com", "550 5.1.1 user not found");
    sink.refuse_recipient("full@example.com", "552 mailbox is full");
    let mut session = Courier::Smtp(plain(&sink)).connect().await.unwrap();
    for (to, fault) in [
        ("first@example.com", None),
        ("gone@example.com", Some(Blame::RecipientForGood)),
        ("full@example.com", Some(Blame::RecipientForNow)),
        ("not an address\r\nRCPT TO:<x@y>", Some(Blame::RecipientForGood)),
        ("资质@example.com", Some(Blame::RecipientForGood)),
        ("last@资质.example", None),
    ] {
        let result = send(&mut session, to, MAIL).await;
        assert_eq!(result.as_ref().err().map(|failure| failure.fault), fault, "{to}: {result:?}");
        assert!(session.is_open());
    }
    assert_eq!(sink.mails(), [received("first@example.com"), received("last@xn--2n3a3b.example")]);
    assert_eq!(sink.connections(), 1, "all on one connection");
}

#[tokio::test]
async fn a_refusal_is_told_with_its_stage_and_code() {
    let sink = SmtpSink::start(script(SinkSecurity::StartTls)).await;
    let (server, _ca) = server(&sink, Security::StartTls);
    for (at, code, stage, fault) in [
        (SinkStage::Greeting, 554, Stage::Connect, Blame::Server),
        (SinkStage::Ehlo, 451, Stage::Connect, Blame::Server),
        (SinkStage::StartTls, 454, Stage::Tls, Blame::Server),
        (SinkStage::Auth, 454, Stage::Auth, Blame::Sender),
        (SinkStage::Auth, 421, Stage::Auth, Blame::Server),
        (SinkStage::Mail, 440, Stage::Mail, Blame::Sender),
        (SinkStage::Mail, 451, Stage::Mail, Blame::Server),
        (SinkStage::Rcpt, 450, Stage::Rcpt, Blame::RecipientForNow),
        (SinkStage::Rcpt, 421, Stage::Rcpt, Blame::Server),
        (SinkStage::Data, 554, Stage::Data, Blame::Message),
        (SinkStage::Data, 451, Stage::Data, Blame::Server),
        (SinkStage::Dot, 554, Stage::Data, Blame::Message),
        (SinkStage::Dot, 450, Stage::Data, Blame::Server),
    ] {
        sink.heal();
        sink.refuse(at, code);
        let failure = send_once(&server).await.unwrap_err();
        assert_eq!(
            (failure.stage, failure.code, failure.fault),
            (stage, Some(code), fault),
            "{at:?} {code}: {failure}"
        );
        assert_eq!(failure.reply, "refused by the script");
    }
    assert_eq!(sink.mails(), []);
}

#[tokio::test]
async fn after_a_refusal_at_any_stage_the_next_message_goes_on_the_same_connection() {
    let sink = SmtpSink::start(Script::default()).await;
    let mut session = Courier::Smtp(plain(&sink)).connect().await.unwrap();
    for (at, code) in
        [(SinkStage::Mail, 550), (SinkStage::Rcpt, 450), (SinkStage::Data, 451), (SinkStage::Dot, 554)]
    {
        sink.refuse(at, code);
        send(&mut session, READER, MAIL).await.unwrap_err();
        sink.heal();
        send(&mut session, READER, MAIL).await.unwrap();
    }
    // An offer that its maker gave up, because the bytes could not be stored.
    session.offer(FROM, "other@example.com").await.unwrap();
    send(&mut session, READER, MAIL).await.unwrap();
    assert_eq!(sink.mails(), vec![received(READER); 5]);
    assert_eq!(sink.connections(), 1);
}

/// One sink, one server entry, one attempt: so that all can wait at the same time.
async fn vanishes_or_sleeps(behaviour: Behaviour, patience: Patience, at: SinkStage, stage: Stage) {
    let sink = SmtpSink::start(script(SinkSecurity::StartTls)).await;
    let (mut server, _ca) = server(&sink, Security::StartTls);
    server.patience = patience;
    sink.behave(at, behaviour.clone());
    let failure = send_once(&server).await.unwrap_err();
    let told = (failure.stage, failure.code, failure.fault);
    assert_eq!(told, (stage, None, Blame::Server), "{behaviour:?} at {at:?}: {failure}");
}

#[tokio::test]
async fn a_server_that_vanishes_or_sleeps_is_nobody_elses_fault() {
    let stages = [
        (SinkStage::Greeting, Stage::Connect),
        (SinkStage::Ehlo, Stage::Connect),
        (SinkStage::StartTls, Stage::Tls),
        (SinkStage::Auth, Stage::Auth),
        (SinkStage::Mail, Stage::Mail),
        (SinkStage::Rcpt, Stage::Rcpt),
        (SinkStage::Data, Stage::Data),
        (SinkStage::Dot, Stage::Data),
    ];
    join_all(stages.map(|(at, stage)| vanishes_or_sleeps(Behaviour::Drop, Patience::default(), at, stage)))
        .await;
    join_all(stages.map(|(at, stage)| vanishes_or_sleeps(Behaviour::Stall, hasty(), at, stage))).await;

    let sink = SmtpSink::start(Script::default()).await;
    let nobody = plain(&sink);
    drop(sink);
    let failure = refused_connection(MailServer { port: 1, ..nobody }).await;
    assert_eq!((failure.stage, failure.fault), (Stage::Connect, Blame::Server), "nobody listens: {failure}");
}

#[test]
fn who_has_sent_the_final_dot_waits_as_long_as_the_rfc_wants() {
    assert!(Patience::default().final_dot >= Duration::from_mins(10), "RFC 5321, 4.5.3.2.6");
}

#[tokio::test]
async fn without_an_accepted_recipient_nothing_is_handed_over() {
    let sink = SmtpSink::start(Script::default()).await;
    sink.refuse(SinkStage::Rcpt, 550);
    let mut session = Courier::Smtp(plain(&sink)).connect().await.unwrap();
    session.offer(FROM, READER).await.unwrap_err();
    assert_eq!(session.hand_over(MAIL).await.unwrap_err().fault, Blame::Server, "not the message's");
    assert!(sink.heard().iter().all(|heard| heard.line != "DATA"));
}

#[tokio::test]
async fn a_session_that_lost_its_connection_says_so() {
    let sink = SmtpSink::start(Script::default()).await;
    let mut session = Courier::Smtp(plain(&sink)).connect().await.unwrap();
    sink.behave(SinkStage::Dot, Behaviour::Drop);
    send(&mut session, READER, MAIL).await.unwrap_err();
    assert!(!session.is_open());
    sink.heal();
    let failure = session.offer(FROM, READER).await.unwrap_err();
    assert_eq!((failure.stage, failure.fault, failure.code), (Stage::Mail, Blame::Server, None));

    // The message had arrived whole: only a repeat with the same bytes is a duplicate one can recognise.
    assert_eq!((sink.mails(), sink.unanswered()), (vec![], vec![received(READER)]));
    send_once(&plain(&sink)).await.unwrap();
    assert_eq!(sink.mails(), sink.unanswered());
}

#[tokio::test]
async fn a_reply_that_answers_another_question_ends_the_connection() {
    let sink = SmtpSink::start(Script::default()).await;
    for (at, reply) in
        [(SinkStage::Data, "250 what?"), (SinkStage::Dot, "354 more?"), (SinkStage::Mail, "nonsense")]
    {
        sink.heal();
        sink.behave(at, Behaviour::Reply(reply.to_owned()));
        let mut session =
            Courier::Smtp(MailServer { patience: hasty(), ..plain(&sink) }).connect().await.unwrap();
        let failure = send(&mut session, READER, MAIL).await.unwrap_err();
        assert_eq!(
            (failure.code, failure.fault, session.is_open()),
            (None, Blame::Server, false),
            "{reply}: {failure}"
        );
    }
}

#[tokio::test]
async fn a_message_with_a_bare_line_end_is_never_sent() {
    let sink = SmtpSink::start(Script::default()).await;
    let mut session = Courier::Smtp(plain(&sink)).connect().await.unwrap();
    for message in [
        b"Subject: x\r\n\r\na\n.\nMAIL FROM:<evil@example.com>\r\n".as_slice(),
        b"a\rb\r\n",
        b"\xe8\xb5\x84\r\n",
    ] {
        let failure = send(&mut session, READER, message).await.unwrap_err();
        assert_eq!((failure.stage, failure.fault), (Stage::Data, Blame::Message), "{failure}");
    }
    assert!(sink.heard().iter().all(|heard| heard.line != "DATA"));
    send(&mut session, READER, MAIL).await.unwrap();
    assert_eq!((sink.mails().len(), sink.violations()), (1, vec![]));
}

#[tokio::test]
async fn the_receipt_is_the_servers_word() {
    let sink = SmtpSink::start(Script::default()).await;
    let mut session = Courier::Smtp(plain(&sink)).connect().await.unwrap();
    session.offer(FROM, READER).await.unwrap();
    let receipt = session.hand_over(MAIL).await.unwrap();
    assert_eq!(receipt.reply, "250 2.0.0 queued as 42");
}
