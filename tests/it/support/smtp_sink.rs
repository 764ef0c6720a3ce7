//! An SMTP server of the tests' own: it speaks the protocol over real sockets, keeps every message that it answered 250
//! to, and misbehaves as told, at run time. It is strict: whatever a client must not send is kept as a violation.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use base64::Engine as _;
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// Where the sink can be told to misbehave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SinkStage {
    /// The greeting.
    Greeting,
    /// EHLO.
    Ehlo,
    /// STARTTLS.
    StartTls,
    /// AUTH.
    Auth,
    /// MAIL FROM.
    Mail,
    /// RCPT TO.
    Rcpt,
    /// The DATA command.
    Data,
    /// The end of the message.
    Dot,
    /// RSET.
    Reset,
}

/// What the sink does there instead of answering well.
#[derive(Debug, Clone)]
pub enum Behaviour {
    /// Answers with this line, its code first. A message answered with 2xx at [`SinkStage::Dot`] counts as received.
    Reply(String),
    /// Answers with these bytes, whose line ends are their own.
    Bytes(Vec<u8>),
    /// Closes the connection without an answer.
    Drop,
    /// Never answers.
    Stall,
    /// At [`SinkStage::StartTls`]: adds these bytes to the `220`, in the same packet, and then starts TLS.
    Inject(Vec<u8>),
}

/// How the sink protects its connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SinkSecurity {
    /// No TLS.
    Plain,
    /// STARTTLS is offered.
    StartTls,
    /// TLS from the first byte.
    Implicit,
}

/// Whose certificate the sink shows. It is its own authority.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SinkCertificate {
    /// For `localhost` and 127.0.0.1.
    Localhost,
    /// For another host.
    OtherHost,
    /// For `localhost`, ended in 2020.
    Expired,
    /// For `localhost`, marked as an authority's, as `openssl req -x509` makes it.
    Authority,
    /// The same for another host.
    OtherAuthority,
    /// For `localhost`, made for clients.
    ForClients,
}

/// What the sink is from its start on.
#[derive(Debug, Clone)]
pub struct Script {
    /// Its protection.
    pub security: SinkSecurity,
    /// Its certificate.
    pub certificate: SinkCertificate,
    /// User and password; `None`: no AUTH is offered.
    pub login: Option<(String, String)>,
    /// The mechanisms offered.
    pub mechanisms: &'static str,
    /// The most bytes of a message, announced and kept to.
    pub size: Option<usize>,
}

impl Default for Script {
    /// Plain, without login.
    fn default() -> Self {
        Self {
            security: SinkSecurity::Plain,
            certificate: SinkCertificate::Localhost,
            login: None,
            mechanisms: "PLAIN LOGIN",
            size: None,
        }
    }
}

/// A message as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedMail {
    /// The envelope's sender.
    pub from: String,
    /// The envelope's recipients.
    pub to: Vec<String>,
    /// The message, its dots unstuffed, up to and with the CRLF before the final dot.
    pub bytes: Vec<u8>,
}

/// One command as it was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// In clear, or inside TLS?
    pub in_clear: bool,
    /// The line without its end; of messages nothing.
    pub line: String,
}

#[derive(Default)]
struct Ledger {
    mails: Vec<ReceivedMail>,
    unanswered: Vec<ReceivedMail>,
    heard: Vec<Heard>,
    violations: Vec<String>,
    connections: usize,
    behaviours: HashMap<SinkStage, Behaviour>,
    recipients: HashMap<String, String>,
    after_data: HashMap<String, String>,
    per_connection: Option<(usize, &'static str)>,
    late_by: Option<Duration>,
    restart: Option<Restart>,
}

/// A restart in the midst of work.
#[derive(Debug, Clone, Copy)]
struct Restart {
    /// So many messages are still taken before it.
    after: usize,
    /// So many connections are closed at once while it is down.
    refused: usize,
}

/// A running server on a port of 127.0.0.1; it ends when dropped.
pub struct SmtpSink {
    port: u16,
    ledger: Arc<Mutex<Ledger>>,
    ca_pem: String,
    accepting: tokio::task::JoinHandle<()>,
}

impl SmtpSink {
    /// Starts it on a free port.
    pub async fn start(script: Script) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let ledger = Arc::new(Mutex::new(Ledger::default()));
        let (acceptor, ca_pem) = certified(script.certificate);
        let shared = Arc::clone(&ledger);
        let accepting = tokio::spawn(async move {
            // Dropped with this task, and the conversations with it.
            let mut conversations = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                shared.lock().unwrap().connections += 1;
                let conversation = Conversation::new(script.clone(), Arc::clone(&shared));
                conversations.spawn(converse(conversation, stream, acceptor.clone()));
            }
        });
        Self { port, ledger, ca_pem, accepting }
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap()
    }

    /// Where it listens on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its certificate in PEM, for `ca_file`.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// The messages that it answered 250 to, in order.
    pub fn mails(&self) -> Vec<ReceivedMail> {
        self.ledger().mails.clone()
    }

    /// The messages that arrived whole and were refused, or left without an answer.
    pub fn unanswered(&self) -> Vec<ReceivedMail> {
        self.ledger().unanswered.clone()
    }

    /// Every command, in order.
    pub fn heard(&self) -> Vec<Heard> {
        self.ledger().heard.clone()
    }

    /// What a client must never do: a bare CR or LF, an over-long line, bytes that are not ASCII.
    pub fn violations(&self) -> Vec<String> {
        self.ledger().violations.clone()
    }

    /// How many connections it has taken.
    pub fn connections(&self) -> usize {
        self.ledger().connections
    }

    /// From now on: this behaviour at that stage.
    pub fn behave(&self, stage: SinkStage, behaviour: Behaviour) {
        self.ledger().behaviours.insert(stage, behaviour);
    }

    /// From now on: this code at that stage.
    pub fn refuse(&self, stage: SinkStage, code: u16) {
        self.behave(stage, Behaviour::Reply(format!("{code} refused by the script")));
    }

    /// From now on: this reply (its code first) to that recipient.
    pub fn refuse_recipient(&self, address: &str, reply: &str) {
        self.ledger().recipients.insert(address.to_owned(), reply.to_owned());
    }

    /// From now on: this reply (its code first) to messages for that recipient, when all of them is there.
    pub fn refuse_after_data(&self, address: &str, reply: &str) {
        self.ledger().after_data.insert(address.to_owned(), reply.to_owned());
    }

    /// From now on: at most so many messages on a connection, and this at MAIL to the next one.
    pub fn take_per_connection(&self, limit: Option<(usize, &'static str)>) {
        self.ledger().per_connection = limit;
    }

    /// From now on: it thinks for so long before each reply.
    pub fn be_late(&self, by: Duration) {
        self.ledger().late_by = Some(by);
    }

    /// From now on: after so many messages it says 421 on every connection, then is down for so many attempts to connect, then well.
    pub fn restart_after(&self, messages: usize, refused: usize) {
        self.ledger().restart = Some(Restart { after: messages, refused });
    }

    /// From now on all is well again.
    pub fn heal(&self) {
        let mut ledger = self.ledger();
        ledger.behaviours.clear();
        ledger.recipients.clear();
        ledger.after_data.clear();
        ledger.per_connection = None;
        ledger.late_by = None;
        ledger.restart = None;
    }
}

impl Drop for SmtpSink {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// A key and a certificate that is its own authority, in PEM: (certificate, key).
pub fn self_signed(kind: SinkCertificate) -> (String, String) {
    let names: &[&str] = match kind {
        SinkCertificate::OtherHost | SinkCertificate::OtherAuthority => &["mail.example.net"],
        _ => &["localhost", "127.0.0.1"],
    };
    let mut params =
        CertificateParams::new(names.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap();
    if kind == SinkCertificate::Expired {
        params.not_before = rcgen::date_time_ymd(2019, 1, 1);
        params.not_after = rcgen::date_time_ymd(2020, 1, 1);
    }
    if matches!(kind, SinkCertificate::Authority | SinkCertificate::OtherAuthority) {
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    }
    if kind == SinkCertificate::ForClients {
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    }
    let key = KeyPair::generate().unwrap();
    (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

fn certified(kind: SinkCertificate) -> (TlsAcceptor, String) {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject as _;
    let (certificate, key) = self_signed(kind);
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from_pem_slice(key.as_bytes()).unwrap());
    let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), certificate)
}

/// What a conversation wants next.
enum Next {
    GoOn,
    StartTls,
    End,
}

struct Conversation {
    script: Script,
    ledger: Arc<Mutex<Ledger>>,
    in_clear: bool,
    logged_in: bool,
    taken: usize,
    from: Option<String>,
    to: Vec<String>,
}

async fn converse(mut conversation: Conversation, stream: TcpStream, acceptor: TlsAcceptor) {
    if conversation.script.security == SinkSecurity::Implicit {
        conversation.in_clear = false;
        let Ok(stream) = acceptor.accept(stream).await else {
            return;
        };
        conversation.greet_and_serve(stream).await;
        return;
    }
    let Some(stream) = conversation.greet_and_serve(stream).await else {
        return;
    };
    let Ok(stream) = acceptor.accept(stream).await else {
        return;
    };
    conversation.in_clear = false;
    conversation.serve(BufReader::new(stream)).await;
}

impl Conversation {
    fn new(script: Script, ledger: Arc<Mutex<Ledger>>) -> Self {
        Self { script, ledger, in_clear: true, logged_in: false, taken: 0, from: None, to: vec![] }
    }

    /// Returns the stream when TLS shall start on it.
    async fn greet_and_serve<S: AsyncRead + AsyncWrite + Unpin>(&mut self, stream: S) -> Option<S> {
        let mut stream = BufReader::new(stream);
        if self.is_down() {
            return None;
        }
        match self.answer(&mut stream, SinkStage::Greeting, "220 sink ESMTP").await {
            Next::GoOn => self.serve(stream).await,
            _ => None,
        }
    }

    async fn serve<S: AsyncRead + AsyncWrite + Unpin>(&mut self, mut stream: BufReader<S>) -> Option<S> {
        loop {
            let line = self.line(&mut stream).await?;
            self.ledger.lock().unwrap().heard.push(Heard { in_clear: self.in_clear, line: line.clone() });
            match self.obey(&mut stream, &line).await {
                Next::GoOn => {}
                Next::StartTls => return Some(stream.into_inner()),
                Next::End => return None,
            }
        }
    }

    async fn obey<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        stream: &mut BufReader<S>,
        line: &str,
    ) -> Next {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" => self.greet_back(stream).await,
            "STARTTLS" => match self.answer(stream, SinkStage::StartTls, "220 ready").await {
                Next::GoOn => Next::StartTls,
                next => next,
            },
            "AUTH" => self.log_in(stream, rest).await,
            "MAIL" if self.script.login.is_some() && !self.logged_in => say(stream, "530 log in first").await,
            "MAIL" if self.goes_down() => {
                let _ = say(stream, "421 4.3.2 service shutting down").await;
                Next::End
            }
            "MAIL" if self.enough().is_some() => {
                let reply = self.enough().unwrap_or_default();
                match say(stream, reply).await {
                    Next::GoOn if reply.starts_with("421") => Next::End,
                    next => next,
                }
            }
            "MAIL" => {
                self.from = self.accepts(SinkStage::Mail).then(|| in_brackets(rest));
                self.answer(stream, SinkStage::Mail, "250 sender ok").await
            }
            "RCPT" if self.from.is_none() => say(stream, "503 MAIL first").await,
            "RCPT" => self.take_recipient(stream, rest).await,
            "DATA" if self.to.is_empty() => say(stream, "503 RCPT first").await,
            "DATA" => self.take_message(stream).await,
            "RSET" => {
                self.forget();
                self.answer(stream, SinkStage::Reset, "250 forgotten").await
            }
            "NOOP" => say(stream, "250 ok").await,
            "QUIT" => {
                say(stream, "221 bye").await;
                Next::End
            }
            _ => say(stream, "500 unknown command").await,
        }
    }

    async fn greet_back<S: AsyncRead + AsyncWrite + Unpin>(&mut self, stream: &mut BufReader<S>) -> Next {
        self.forget();
        let mut lines = vec!["sink".to_owned(), "8BITMIME".to_owned()];
        if let Some(size) = self.script.size {
            lines.push(format!("SIZE {size}"));
        }
        if self.in_clear && self.script.security == SinkSecurity::StartTls {
            lines.push("STARTTLS".to_owned());
        }
        // Offered in clear too: a careful client does not take it there.
        if self.script.login.is_some() {
            lines.push(format!("AUTH {}", self.script.mechanisms));
        }
        let last = lines.len() - 1;
        let reply: Vec<String> = lines
            .iter()
            .enumerate()
            .map(|(n, l)| format!("250{}{l}", if n == last { ' ' } else { '-' }))
            .collect();
        self.answer(stream, SinkStage::Ehlo, &reply.join("\r\n")).await
    }

    async fn log_in<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        stream: &mut BufReader<S>,
        rest: &str,
    ) -> Next {
        let given = match rest.split_once(' ') {
            Some(("PLAIN", initial)) => decode(initial),
            None if rest == "LOGIN" => {
                let mut given = String::new();
                for prompt in ["VXNlcm5hbWU6", "UGFzc3dvcmQ6"] {
                    say(stream, &format!("334 {prompt}")).await;
                    let Some(line) = self.line(stream).await else {
                        return Next::End;
                    };
                    given.push('\0');
                    given.push_str(&decode(&line));
                }
                given
            }
            _ => return say(stream, "504 unknown mechanism").await,
        };
        let wanted = self.script.login.as_ref().map(|(user, password)| format!("\0{user}\0{password}"));
        self.logged_in = wanted.as_ref() == Some(&given);
        let good = if self.logged_in { "235 welcome" } else { "535 5.7.8 authentication failed" };
        self.answer(stream, SinkStage::Auth, good).await
    }

    async fn take_recipient<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        stream: &mut BufReader<S>,
        rest: &str,
    ) -> Next {
        let address = in_brackets(rest);
        let refusal = self.ledger.lock().unwrap().recipients.get(&address).cloned();
        if let Some(reply) = refusal {
            return say(stream, &reply).await;
        }
        if self.accepts(SinkStage::Rcpt) {
            self.to.push(address);
        }
        self.answer(stream, SinkStage::Rcpt, "250 recipient ok").await
    }

    async fn take_message<S: AsyncRead + AsyncWrite + Unpin>(&mut self, stream: &mut BufReader<S>) -> Next {
        let scripted = self.behaviour(SinkStage::Data);
        let next = self.answer(stream, SinkStage::Data, "354 go on").await;
        match scripted {
            Some(Behaviour::Reply(reply)) if !reply.starts_with("354") => return next,
            Some(Behaviour::Bytes(bytes)) if !bytes.starts_with(b"354") => return next,
            _ if !matches!(next, Next::GoOn) => return next,
            _ => {}
        }
        let mut bytes = Vec::new();
        loop {
            let mut line = Vec::new();
            if stream.read_until(b'\n', &mut line).await.unwrap_or(0) == 0 {
                return Next::End;
            }
            if line == b".\r\n" {
                break;
            }
            self.inspect(&line);
            bytes.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
        }
        let mail = ReceivedMail { from: self.from.clone().unwrap_or_default(), to: self.to.clone(), bytes };
        self.forget();
        let is_too_large = self.script.size.is_some_and(|size| mail.bytes.len() > size);
        let refusal = if is_too_large {
            Some("552 5.3.4 Message size exceeds fixed limit".to_owned())
        } else {
            let ledger = self.ledger.lock().unwrap();
            mail.to.iter().find_map(|to| ledger.after_data.get(to).cloned())
        };
        let taken = refusal.is_none() && self.accepts(SinkStage::Dot);
        self.taken += usize::from(taken);
        {
            // In the ledger before the answer is: who has the answer may look there at once.
            let mut ledger = self.ledger.lock().unwrap();
            if let Some(restart) = ledger.restart.as_mut().filter(|_| taken) {
                restart.after = restart.after.saturating_sub(1);
            }
            if taken { &mut ledger.mails } else { &mut ledger.unanswered }.push(mail);
        }
        match refusal {
            Some(reply) => say(stream, &reply).await,
            None => self.answer(stream, SinkStage::Dot, "250 2.0.0 queued as 42").await,
        }
    }

    /// What is said when the connection has taken as many messages as it may.
    fn enough(&self) -> Option<&'static str> {
        let limit = self.ledger.lock().unwrap().per_connection;
        limit.filter(|(most, _)| self.taken >= *most).map(|(_, reply)| reply)
    }

    /// Whether the restart has come.
    fn goes_down(&self) -> bool {
        self.ledger.lock().unwrap().restart.is_some_and(|restart| restart.after == 0)
    }

    /// Whether it is down for this connection; after the last of them it is up again.
    fn is_down(&self) -> bool {
        let mut ledger = self.ledger.lock().unwrap();
        match &mut ledger.restart {
            Some(Restart { after: 0, refused: 0 }) => {
                ledger.restart = None;
                false
            }
            Some(Restart { after: 0, refused }) => {
                *refused -= 1;
                true
            }
            _ => false,
        }
    }

    fn forget(&mut self) {
        self.from = None;
        self.to.clear();
    }

    fn behaviour(&self, stage: SinkStage) -> Option<Behaviour> {
        self.ledger.lock().unwrap().behaviours.get(&stage).cloned()
    }

    /// Whether the answer at that stage will be 2xx.
    fn accepts(&self, stage: SinkStage) -> bool {
        match self.behaviour(stage) {
            None => true,
            Some(Behaviour::Reply(reply)) => reply.starts_with('2'),
            Some(Behaviour::Bytes(bytes)) => bytes.starts_with(b"2"),
            Some(_) => false,
        }
    }

    /// Answers well, or as the script wants it.
    async fn answer<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        stream: &mut BufReader<S>,
        stage: SinkStage,
        good: &str,
    ) -> Next {
        let late_by = self.ledger.lock().unwrap().late_by;
        if let Some(late_by) = late_by {
            qualwatch::clock::pause(late_by).await;
        }
        match self.behaviour(stage) {
            None => say(stream, good).await,
            Some(Behaviour::Reply(reply)) => {
                say(stream, &reply).await;
                // After a refusal of STARTTLS no handshake follows; 421 is a goodbye.
                match stage {
                    _ if reply.starts_with("421") => Next::End,
                    SinkStage::StartTls => Next::End,
                    _ => Next::GoOn,
                }
            }
            Some(Behaviour::Bytes(bytes)) => match stream.get_mut().write_all(&bytes).await {
                Ok(()) => Next::GoOn,
                Err(_) => Next::End,
            },
            Some(Behaviour::Drop) => Next::End,
            Some(Behaviour::Stall) => std::future::pending().await,
            Some(Behaviour::Inject(more)) => {
                let bytes = [good.as_bytes(), b"\r\n", &more].concat();
                let _ = stream.get_mut().write_all(&bytes).await;
                Next::GoOn
            }
        }
    }

    /// The next command; `None` when the client has gone.
    async fn line<S: AsyncRead + AsyncWrite + Unpin>(&mut self, stream: &mut BufReader<S>) -> Option<String> {
        let mut line = Vec::new();
        if stream.read_until(b'\n', &mut line).await.ok()? == 0 {
            return None;
        }
        self.inspect(&line);
        Some(String::from_utf8_lossy(&line).trim_end().to_owned())
    }

    fn inspect(&self, line: &[u8]) {
        let text = line.strip_suffix(b"\r\n").unwrap_or(line);
        let fault = if text.iter().any(|byte| matches!(byte, b'\r' | b'\n')) {
            "a bare CR or LF"
        } else if text.len() > 998 {
            "a line too long"
        } else if !text.is_ascii() {
            "not ASCII"
        } else {
            return;
        };
        let seen = String::from_utf8_lossy(text).into_owned();
        self.ledger.lock().unwrap().violations.push(format!("{fault}: {seen}"));
    }
}

async fn say<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut BufReader<S>, reply: &str) -> Next {
    match stream.get_mut().write_all(format!("{reply}\r\n").as_bytes()).await {
        Ok(()) => Next::GoOn,
        Err(_) => Next::End,
    }
}

fn in_brackets(text: &str) -> String {
    let inside = text.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    inside.map_or_else(String::new, |(address, _)| address.to_owned())
}

fn decode(text: &str) -> String {
    let bytes = base64::engine::general_purpose::STANDARD.decode(text).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}
