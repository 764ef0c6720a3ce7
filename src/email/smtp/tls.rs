//! TLS with a mail server: whom we trust, and which part of it failed.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};

use super::censor::Censor;
use super::failure::{Blame, SendFailure, Stage};
use super::server::MailServer;

const NO_ROOTS: &str =
    "install the package ca-certificates: without it no server's certificate can be judged";
const BAD_CA_FILE: &str = "let [email].ca_file name a PEM file with certificates that this user may read";

/// The system's roots, read anew for each connection (a renewed store needs no restart), and those of `ca_file`.
pub(super) async fn config(server: &MailServer, censor: &Censor) -> Result<ClientConfig, SendFailure> {
    let failed = |why: String, hint| SendFailure::found(Stage::Tls, Blame::Server, censor.clean(&why), hint);
    let own = match &server.ca_file {
        Some(path) => own_roots(path).await.map_err(|why| failed(why, BAD_CA_FILE))?,
        None => Vec::new(),
    };
    let mut roots = RootCertStore::empty();
    for certificate in &own {
        roots.add(certificate.clone()).map_err(|error| failed(error.to_string(), BAD_CA_FILE))?;
    }
    let native = tokio::task::spawn_blocking(rustls_native_certs::load_native_certs).await;
    roots.add_parsable_certificates(native.map(|native| native.certs).unwrap_or_default());
    if roots.is_empty() {
        return Err(failed("the system has no certificates of authorities".to_owned(), NO_ROOTS));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
        .build()
        .map_err(|error| failed(error.to_string(), BAD_CA_FILE))?;
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(error.to_string(), NO_ROOTS))?;
    let trust = Trust { verifier, own, provider };
    Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(trust)).with_no_client_auth())
}

async fn own_roots(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let pem = tokio::fs::read(path).await.map_err(|error| format!("reading {}: {error}", path.display()))?;
    let roots = CertificateDer::pem_slice_iter(&pem)
        .map(|der| Some(der.ok()?.into_owned()))
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| format!("{} has a damaged certificate", path.display()))?;
    if roots.is_empty() { Err(format!("{} has no certificate", path.display())) } else { Ok(roots) }
}

/// Trusts as rustls does, and besides a server that shows the very certificate that `ca_file` names, though that is an authority's
/// (CA:TRUE, as `openssl req -x509` makes it): its days are judged before its kind, and its name is here.
#[derive(Debug)]
struct Trust {
    verifier: Arc<WebPkiServerVerifier>,
    own: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let judged = self.verifier.verify_server_cert(end_entity, intermediates, name, ocsp, now);
        let Err(error) = judged else { return judged };
        if !is_authority(&error) || !self.own.iter().any(|own| own == end_entity) {
            return Err(error);
        }
        rustls::client::verify_server_name(&ParsedCertificate::try_from(end_entity)?, name)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}

/// An authority's certificate that a server shows as its own.
fn is_authority(error: &rustls::Error) -> bool {
    let rustls::Error::InvalidCertificate(CertificateError::Other(other)) = error else { return false };
    matches!(other.0.downcast_ref::<webpki::Error>(), Some(webpki::Error::CaUsedAsEndEntity))
}

/// A handshake that came to nothing: which part of it, and what to do.
pub(super) fn refused(error: &io::Error, censor: &Censor) -> SendFailure {
    let found = tls_error(error).map(|found| (found, part(found)));
    let Some((found, (part, hint))) = found else {
        return SendFailure::refused(Stage::Tls, None, censor.clean(&error.to_string()));
    };
    let reply = censor.clean(&format!("{part}: {found}"));
    SendFailure::found(Stage::Tls, Blame::Server, reply, hint)
}

/// rustls' error, which `io::Error` carries inside, not as its source.
fn tls_error(error: &io::Error) -> Option<&rustls::Error> {
    let inside = error.get_ref()?;
    inside.downcast_ref().or_else(|| inside.source()?.downcast_ref())
}

fn part(error: &rustls::Error) -> (&'static str, &'static str) {
    use rustls::Error as Tls;
    match error {
        Tls::InvalidCertificate(fault) => certificate_part(fault, is_authority(error)),
        Tls::PeerIncompatible(why) => incompatible_part(why),
        Tls::AlertReceived(AlertDescription::ProtocolVersion) => VERSION,
        Tls::AlertReceived(AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity) => {
            CIPHER
        }
        Tls::AlertReceived(AlertDescription::UnrecognisedName) => NAME,
        Tls::InvalidMessage(_) => (
            "this is no TLS",
            "the port in [email].smtp does not begin with TLS: smtps:// is for 465, smtp://…?tls=required for 587",
        ),
        _ => (
            "TLS failed",
            "check that the port in [email].smtp fits its scheme: smtps:// is 465, smtp:// is 587",
        ),
    }
}

const VERSION: (&str, &str) = (
    "the TLS version",
    "the server speaks neither TLS 1.2 nor TLS 1.3, and older versions are not safe: have it renewed, or name another server",
);
const CIPHER: (&str, &str) = (
    "the ciphers",
    "the server and qualwatch have no TLS cipher in common that is safe: have its TLS settings renewed, or name another server",
);
const NAME: (&str, &str) = (
    "the certificate's name",
    "write the name that is in the server's certificate as the host in [email].smtp",
);

fn incompatible_part(why: &rustls::PeerIncompatible) -> (&'static str, &'static str) {
    use rustls::PeerIncompatible as Why;
    match why {
        Why::ServerDoesNotSupportTls12Or13
        | Why::ServerTlsVersionIsDisabledByOurConfig
        | Why::SupportedVersionsExtensionRequired => VERSION,
        _ => CIPHER,
    }
}

fn certificate_part(fault: &CertificateError, is_authority: bool) -> (&'static str, &'static str) {
    use CertificateError as Certificate;
    match fault {
        Certificate::Expired
        | Certificate::ExpiredContext { .. }
        | Certificate::NotValidYet
        | Certificate::NotValidYetContext { .. } => (
            "the certificate's dates",
            "see that this machine's clock is right; if it is, the server's certificate must be renewed by whoever runs the server",
        ),
        Certificate::NotValidForName | Certificate::NotValidForNameContext { .. } => NAME,
        Certificate::InvalidPurpose | Certificate::InvalidPurposeContext { .. } => (
            "the certificate's purpose",
            "the server's certificate is not made for servers (extended key usage serverAuth): whoever runs the server must have another \
             one made",
        ),
        _ if is_authority => (
            "the certificate's chain",
            "the server shows an authority's certificate (CA:TRUE) as its own: save that very certificate as a PEM file and name the file \
             in [email].ca_file",
        ),
        _ => (
            "the certificate's chain",
            "no authority that this machine knows stands behind the server's certificate: for one of your own set [email].ca_file; if the \
             server leaves out certificates between, whoever runs it must add them",
        ),
    }
}
