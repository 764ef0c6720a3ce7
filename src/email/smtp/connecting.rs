//! From a server's name to a connection that is encrypted (or on loopback) and logged in.

use std::error::Error as StdError;
use std::io;
use std::net::SocketAddr;
use std::path::Path;

use lettre::transport::smtp;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tokio::net::TcpStream;

use super::failure::{Fault, SendFailure, Stage};
use super::line_by_line::LineByLine;
use super::reply::Censor;
use super::{Login, Security, SmtpServer};
use crate::clock;

/// What is understood of RFC 4954's mechanisms, the one without round trips first.
const MECHANISMS: [Mechanism; 2] = [Mechanism::Plain, Mechanism::Login];

const NO_STARTTLS: &str = "the server offers no STARTTLS, and nothing is sent in clear: use smtps:// with port 465 if it has that, \
                           and ask why else";
const BAD_CERTIFICATE: &str = "the server's certificate is refused: check that the host in [email].smtp is the name in the \
                               certificate and the machine's clock is right; for an authority of your own set [email].ca_file";
const NO_ROOTS: &str =
    "install the package ca-certificates: without it no server's certificate can be judged";
const BAD_CA_FILE: &str = "let [email].ca_file name a PEM file with certificates that this user may read";
const NOT_LOOPBACK: &str =
    "a server on another machine needs TLS: write smtps:// or smtp://…?tls=required in [email].smtp";
const NO_MECHANISM: &str = "the server offers neither AUTH PLAIN nor AUTH LOGIN on this port: try smtps:// with 465 or \
                            smtp:// with 587, or leave the login out of [email].smtp";

/// Connects, encrypts and logs in.
pub(super) async fn connect(
    server: &SmtpServer,
    censor: &Censor,
) -> Result<AsyncSmtpConnection, SendFailure> {
    let mut connection = match server.security {
        Security::Implicit => implicit_tls(server, censor).await?,
        Security::StartTls => start_tls(server, censor).await?,
        Security::PlainLoopback => in_clear(server, censor).await?,
    };
    if let Some(login) = &server.login {
        log_in(&mut connection, server, login, censor).await?;
    }
    Ok(connection)
}

async fn implicit_tls(server: &SmtpServer, censor: &Censor) -> Result<AsyncSmtpConnection, SendFailure> {
    let tls = tls_parameters(server, censor).await?;
    let addresses = addresses(server, censor).await?;
    let patience = &server.patience;
    // lettre tries the addresses in turn; one that is silent (a broken IPv6 route) must not use up the others' time.
    let each = patience.connect / u32::try_from(addresses.len()).unwrap_or(u32::MAX).max(1);
    let hello = ClientId::default();
    let work = AsyncSmtpConnection::connect_tokio1(&addresses[..], Some(each), &hello, Some(tls), None);
    match clock::within(patience.connect + patience.command, work).await {
        Ok(result) => result.map_err(|error| refused_handshake(Stage::Connect, &error, censor)),
        Err(late) => Err(SendFailure::refused(Stage::Connect, None, late.to_string())),
    }
}

async fn start_tls(server: &SmtpServer, censor: &Censor) -> Result<AsyncSmtpConnection, SendFailure> {
    // First what can fail without the network.
    let tls = tls_parameters(server, censor).await?;
    let addresses = addresses(server, censor).await?;
    let mut connection = greeted(server, &addresses, censor).await?;
    if !connection.can_starttls() {
        leave(&mut connection, server).await;
        let reply = "STARTTLS is not offered".to_owned();
        return Err(SendFailure::found(Stage::Tls, Fault::Server, reply, NO_STARTTLS));
    }
    let hello = ClientId::default();
    match clock::within(server.patience.command, connection.starttls(tls, &hello)).await {
        Ok(Ok(())) => Ok(connection),
        Ok(Err(error)) => Err(refused_handshake(Stage::Tls, &error, censor)),
        Err(late) => Err(SendFailure::refused(Stage::Tls, None, late.to_string())),
    }
}

async fn in_clear(server: &SmtpServer, censor: &Censor) -> Result<AsyncSmtpConnection, SendFailure> {
    let mut addresses = addresses(server, censor).await?;
    addresses.retain(|address| address.ip().is_loopback());
    if addresses.is_empty() {
        let reply = format!(
            "{} is not this machine, and plain SMTP stays on it",
            censor.clean(&server.host)
        );
        return Err(SendFailure::found(
            Stage::Connect,
            Fault::Sender,
            reply,
            NOT_LOOPBACK,
        ));
    }
    greeted(server, &addresses, censor).await
}

/// A connection in clear up to the reply to EHLO.
async fn greeted(
    server: &SmtpServer,
    addresses: &[SocketAddr],
    censor: &Censor,
) -> Result<AsyncSmtpConnection, SendFailure> {
    let stream = Box::new(LineByLine::new(
        first_that_answers(server, addresses, censor).await?,
    ));
    let hello = ClientId::default();
    let work = AsyncSmtpConnection::connect_with_transport(stream, &hello);
    match clock::within(server.patience.command, work).await {
        Ok(result) => result.map_err(|error| censor.failure(Stage::Connect, &error)),
        Err(late) => Err(SendFailure::refused(Stage::Connect, None, late.to_string())),
    }
}

async fn addresses(server: &SmtpServer, censor: &Censor) -> Result<Vec<SocketAddr>, SendFailure> {
    let unknown = |why: String| {
        let reply = censor.clean(&format!("looking up {}: {why}", server.host));
        SendFailure::refused(Stage::Connect, None, reply)
    };
    let lookup = tokio::net::lookup_host((bare_host(&server.host), server.port));
    match clock::within(server.patience.connect, lookup).await {
        Ok(Ok(found)) => {
            let found: Vec<SocketAddr> = found.collect();
            if found.is_empty() {
                Err(unknown("no address".to_owned()))
            } else {
                Ok(found)
            }
        }
        Ok(Err(error)) => Err(unknown(error.to_string())),
        Err(late) => Err(unknown(late.to_string())),
    }
}

/// The first of the addresses that takes a connection; each gets its share of the time.
async fn first_that_answers(
    server: &SmtpServer,
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

/// The system's roots, read anew for each connection (a renewed store needs no restart), and those of `ca_file`.
async fn tls_parameters(server: &SmtpServer, censor: &Censor) -> Result<TlsParameters, SendFailure> {
    let mut builder = TlsParameters::builder(bare_host(&server.host).to_owned());
    if let Some(path) = &server.ca_file {
        for certificate in own_roots(path)
            .await
            .map_err(|why| SendFailure::found(Stage::Tls, Fault::Server, censor.clean(&why), BAD_CA_FILE))?
        {
            builder = builder.add_root_certificate(certificate);
        }
    }
    // Where a file gave roots, the system's may be missing (rustls-platform-verifier): then only the file can be wrong.
    let hint = if server.ca_file.is_some() {
        BAD_CA_FILE
    } else {
        NO_ROOTS
    };
    builder
        .build()
        .map_err(|error| censor.failure(Stage::Tls, &error).with_hint(hint))
}

async fn own_roots(path: &Path) -> Result<Vec<Certificate>, String> {
    let pem = tokio::fs::read(path)
        .await
        .map_err(|error| format!("reading {}: {error}", path.display()))?;
    let roots = CertificateDer::pem_slice_iter(&pem)
        .map(|der| Certificate::from_der(der.ok()?.to_vec()).ok())
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| format!("{} has a damaged certificate", path.display()))?;
    if roots.is_empty() {
        Err(format!("{} has no certificate", path.display()))
    } else {
        Ok(roots)
    }
}

async fn log_in(
    connection: &mut AsyncSmtpConnection,
    server: &SmtpServer,
    login: &Login,
    censor: &Censor,
) -> Result<(), SendFailure> {
    if connection.server_info().get_auth_mechanism(&MECHANISMS).is_none() {
        leave(connection, server).await;
        let reply = "no known way to log in is offered".to_owned();
        return Err(SendFailure::found(
            Stage::Auth,
            Fault::Sender,
            reply,
            NO_MECHANISM,
        ));
    }
    let credentials = Credentials::new(login.user.clone(), login.password.expose().to_owned());
    let work = connection.auth(&MECHANISMS, &credentials);
    let failure = match clock::within(server.patience.command, work).await {
        Ok(Ok(_)) => return Ok(()),
        Ok(Err(error)) => censor.failure(Stage::Auth, &error),
        Err(late) => SendFailure::refused(Stage::Auth, None, late.to_string()),
    };
    // Some servers count a connection that vanishes after a failed login as an attack.
    if failure.code.is_some() {
        leave(connection, server).await;
    }
    Err(failure)
}

/// Says goodbye to a server that cannot serve us, however it takes it.
async fn leave(connection: &mut AsyncSmtpConnection, server: &SmtpServer) {
    let _ = clock::within(server.patience.quit, connection.abort()).await;
}

/// A failure of TLS itself has that stage wherever lettre met it, and a refused certificate its own advice.
fn refused_handshake(stage: Stage, error: &smtp::Error, censor: &Censor) -> SendFailure {
    match tls_error(error) {
        Some(rustls::Error::InvalidCertificate(_)) => {
            censor.failure(Stage::Tls, error).with_hint(BAD_CERTIFICATE)
        }
        Some(_) => censor.failure(Stage::Tls, error),
        None => censor.failure(stage, error),
    }
}

/// rustls' error, which `io::Error` carries inside, not as its source.
fn tls_error(error: &smtp::Error) -> Option<&rustls::Error> {
    let mut source = error.source();
    while let Some(layer) = source {
        let inside = layer.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(found) = inside.and_then(|inside| inside.downcast_ref::<rustls::Error>()) {
            return Some(found);
        }
        source = layer.source();
    }
    None
}

/// `[::1]` as URLs write it, without the brackets that resolvers and certificates do not know.
fn bare_host(host: &str) -> &str {
    host.strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host)
}
