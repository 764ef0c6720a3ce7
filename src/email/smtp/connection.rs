//! From a server's name to a connection that is encrypted (or on loopback) and logged in.

use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;

use super::censor::Censor;
use super::conversation::{Conversation, NoReply, connector};
use super::failure::{Blame, SendFailure, Stage};
use super::reply::ServerReply;
use super::server::{Login, MailServer};
use super::{refusal, tls};
use crate::clock;
use crate::config::Security;

const NO_STARTTLS: &str = "the server offers no STARTTLS, and nothing is sent in clear: use smtps:// with port 465 if it has that, \
                           and ask why else";
const NOT_LOOPBACK: &str =
    "a server on another machine needs TLS: write smtps:// or smtp://…?tls=required in [email].smtp";
const NO_MECHANISM: &str = "the server offers neither AUTH PLAIN nor AUTH LOGIN on this port: try smtps:// with 465 or \
                            smtp:// with 587, or leave the login out of [email].smtp";
const BAD_HOST: &str = "correct the host in [email].smtp";

/// "Command not implemented" and its like, to EHLO: the server may know HELO (RFC 5321, 3.2).
const NO_EHLO: [u16; 3] = [500, 502, 504];

/// A challenge during the login (RFC 4954, 4).
const CHALLENGE: u16 = 334;

/// The server does not know this way to log in (RFC 4954, 4).
const NO_SUCH_WAY: u16 = 504;

/// What a server can do, as it says in its reply to EHLO (RFC 5321, 4.1.1.1).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Abilities {
    starttls: bool,
    /// The ways to log in, in capital letters.
    auth: Vec<String>,
    /// The most bytes of a message (RFC 1870); `None`: it does not say.
    pub(super) size_max: Option<usize>,
}

impl Abilities {
    fn of(reply: &ServerReply) -> Self {
        let mut abilities = Self::default();
        for line in reply.lines.iter().skip(1) {
            // Old servers write `AUTH=LOGIN`.
            let mut words =
                line.split(|c: char| c == '=' || c.is_whitespace()).filter(|word| !word.is_empty());
            match words.next().map(str::to_ascii_uppercase).as_deref() {
                Some("STARTTLS") => abilities.starttls = true,
                Some("AUTH") => abilities.auth.extend(words.map(str::to_ascii_uppercase)),
                // 0: no fixed limit (RFC 1870, 4).
                Some("SIZE") => {
                    abilities.size_max =
                        words.next().and_then(|size| size.parse().ok()).filter(|&size| size > 0);
                }
                _ => {}
            }
        }
        abilities
    }

    fn has(&self, mechanism: &str) -> bool {
        self.auth.iter().any(|offered| offered == mechanism)
    }
}

/// Connects, encrypts and logs in.
pub(super) async fn connect(
    server: &MailServer,
    censor: &Censor,
) -> Result<(Conversation, Abilities), SendFailure> {
    // First what can fail without the network.
    let encryption = match server.security {
        Security::Plain => None,
        Security::Tls | Security::StartTls => Some((
            connector(tls::config(server, censor).await?),
            ServerName::try_from(bare_host(&server.host).to_owned()).map_err(|error| {
                SendFailure::found(Stage::Connect, Blame::Sender, censor.clean(&error.to_string()), BAD_HOST)
            })?,
        )),
    };
    let addresses = addresses(server, censor).await?;
    let stream = first_that_answers(server, &addresses, censor).await?;
    let hello = hello(server, &stream);
    let mut talk = Conversation::new(stream);
    let mut wrapped = encryption;
    if server.security == Security::Tls {
        encrypt(&mut talk, wrapped.take(), server, censor).await?;
    }
    greeting(&mut talk, server, censor).await?;
    let mut abilities = ehlo(&mut talk, &hello, server, Stage::Connect, censor).await?;
    if server.security == Security::StartTls {
        if !abilities.starttls {
            leave(&mut talk, server).await;
            let reply = "STARTTLS is not offered".to_owned();
            return Err(SendFailure::found(Stage::Tls, Blame::Server, reply, NO_STARTTLS));
        }
        let ready = talk.ask("STARTTLS", server.patience.command).await;
        expect_done(&mut talk, Stage::Tls, ready, censor)?;
        encrypt(&mut talk, wrapped.take(), server, censor).await?;
        // What was said in clear does not count any more (RFC 3207, 4.2).
        abilities = ehlo(&mut talk, &hello, server, Stage::Tls, censor).await?;
    }
    if let Some(login) = &server.login {
        log_in(&mut talk, &abilities, server, login, censor).await?;
    }
    Ok((talk, abilities))
}

async fn encrypt(
    talk: &mut Conversation,
    with: Option<(tokio_rustls::TlsConnector, ServerName<'static>)>,
    server: &MailServer,
    censor: &Censor,
) -> Result<(), SendFailure> {
    let Some((connector, name)) = with else { return Ok(()) };
    match clock::within(server.patience.command, talk.start_tls(&connector, name)).await {
        Ok(result) => result.map_err(|error| tls::refused(&error, censor)),
        Err(late) => Err(SendFailure::refused(Stage::Tls, None, late.to_string())),
    }
}

async fn greeting(talk: &mut Conversation, server: &MailServer, censor: &Censor) -> Result<(), SendFailure> {
    let greeting = talk.listen(server.patience.command).await;
    expect_done(talk, Stage::Connect, greeting, censor).map(drop)
}

async fn ehlo(
    talk: &mut Conversation,
    hello: &str,
    server: &MailServer,
    stage: Stage,
    censor: &Censor,
) -> Result<Abilities, SendFailure> {
    let mut reply = talk.ask(&format!("EHLO {hello}"), server.patience.command).await;
    if reply.as_ref().is_ok_and(|reply| NO_EHLO.contains(&reply.code)) {
        reply = talk.ask(&format!("HELO {hello}"), server.patience.command).await;
    }
    if reply.as_ref().is_ok_and(ServerReply::is_refusal) {
        leave(talk, server).await;
    }
    expect_done(talk, stage, reply, censor).map(|reply| Abilities::of(&reply))
}

/// 2xx; whatever else was said is a failure.
fn expect_done(
    talk: &mut Conversation,
    stage: Stage,
    answer: Result<ServerReply, NoReply>,
    censor: &Censor,
) -> Result<ServerReply, SendFailure> {
    let answer = answer.map_err(|why| refusal::silence(stage, &why, censor))?;
    if answer.is_done() {
        return Ok(answer);
    }
    talk.close();
    Err(refusal::of(stage, &answer, censor))
}

async fn addresses(server: &MailServer, censor: &Censor) -> Result<Vec<SocketAddr>, SendFailure> {
    let unknown = |why: String| {
        let reply = censor.clean(&format!("looking up {}: {why}", server.host));
        SendFailure::refused(Stage::Connect, None, reply)
    };
    let lookup = tokio::net::lookup_host((bare_host(&server.host), server.port));
    let mut found: Vec<SocketAddr> = match clock::within(server.patience.connect, lookup).await {
        Ok(Ok(found)) => found.collect(),
        Ok(Err(error)) => return Err(unknown(error.to_string())),
        Err(late) => return Err(unknown(late.to_string())),
    };
    if found.is_empty() {
        return Err(unknown("no address".to_owned()));
    }
    if server.security == Security::Plain {
        found.retain(|address| address.ip().is_loopback());
        if found.is_empty() {
            let reply =
                format!("{} is not this machine, and plain SMTP stays on it", censor.clean(&server.host));
            return Err(SendFailure::found(Stage::Connect, Blame::Sender, reply, NOT_LOOPBACK));
        }
    }
    Ok(found)
}

/// The first of the addresses that takes a connection; each gets its share of the time, as one may be silent (a broken IPv6
/// route).
async fn first_that_answers(
    server: &MailServer,
    addresses: &[SocketAddr],
    censor: &Censor,
) -> Result<TcpStream, SendFailure> {
    let each = server.patience.connect / u32::try_from(addresses.len()).unwrap_or(u32::MAX).max(1);
    let mut why = "no address".to_owned();
    for address in addresses {
        why = match clock::within(each, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => format!("{address}: {error}"),
            Err(late) => format!("{address}: {late}"),
        };
    }
    Err(SendFailure::refused(Stage::Connect, None, censor.clean(&why)))
}

/// The name that we give ourselves: where none is known the address that the connection has, as a literal (RFC 5321, 4.1.4).
fn hello(server: &MailServer, stream: &TcpStream) -> String {
    if let Some(helo) = &server.helo {
        return helo.clone();
    }
    match stream.local_addr().map(|local| local.ip().to_canonical()) {
        Ok(std::net::IpAddr::V6(address)) => format!("[IPv6:{address}]"),
        Ok(std::net::IpAddr::V4(address)) => format!("[{address}]"),
        Err(_) => "[127.0.0.1]".to_owned(),
    }
}

async fn log_in(
    talk: &mut Conversation,
    abilities: &Abilities,
    server: &MailServer,
    login: &Login,
    censor: &Censor,
) -> Result<(), SendFailure> {
    let (plain, by_steps) = (abilities.has("PLAIN"), abilities.has("LOGIN"));
    if !plain && !by_steps {
        leave(talk, server).await;
        if abilities.has("XOAUTH2") || abilities.has("OAUTHBEARER") {
            return Err(refusal::only_oauth());
        }
        let reply = "no known way to log in is offered".to_owned();
        return Err(SendFailure::found(Stage::Auth, Blame::Sender, reply, NO_MECHANISM));
    }
    let work = async {
        let mut answer = if plain {
            log_in_plainly(talk, server, login).await?
        } else {
            log_in_by_steps(talk, server, login).await?
        };
        if plain && by_steps && answer.code == NO_SUCH_WAY {
            answer = log_in_by_steps(talk, server, login).await?;
        }
        Ok(answer)
    };
    let answer = match clock::within(server.patience.command, work).await {
        Ok(answer) => answer,
        Err(late) => Err(NoReply::Late(late)),
    };
    let is_reply = answer.is_ok();
    let is_in = answer.as_ref().is_ok_and(ServerReply::is_done);
    if is_reply && !is_in {
        // Some servers count a connection that vanishes after a failed login as an attack.
        leave(talk, server).await;
    }
    expect_done(talk, Stage::Auth, answer, censor).map(drop)
}

/// AUTH PLAIN (RFC 4616), without a round trip.
async fn log_in_plainly(
    talk: &mut Conversation,
    server: &MailServer,
    login: &Login,
) -> Result<ServerReply, NoReply> {
    let token = STANDARD.encode(format!("\0{}\0{}", login.user, login.password.expose()));
    let answer = talk.ask(&format!("AUTH PLAIN {token}"), server.patience.command).await?;
    // Some servers want it again.
    if answer.code == CHALLENGE { talk.ask(&token, server.patience.command).await } else { Ok(answer) }
}

/// AUTH LOGIN, which no RFC describes: the server asks for the user, then for the password.
async fn log_in_by_steps(
    talk: &mut Conversation,
    server: &MailServer,
    login: &Login,
) -> Result<ServerReply, NoReply> {
    let mut answer = talk.ask("AUTH LOGIN", server.patience.command).await?;
    for given in [login.user.as_str(), login.password.expose()] {
        if answer.code != CHALLENGE {
            break;
        }
        answer = talk.ask(&STANDARD.encode(given), server.patience.command).await?;
    }
    Ok(answer)
}

/// Says goodbye to a server that cannot serve us, however it takes it.
async fn leave(talk: &mut Conversation, server: &MailServer) {
    let _ = talk.ask("QUIT", server.patience.quit).await;
    talk.close();
}

/// `[::1]` as URLs write it, without the brackets that resolvers and certificates do not know.
fn bare_host(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}
