//! One exchange over HTTP: what came of it, whole or broken.

use std::error::Error as StdError;
use std::io;

use reqwest::header::LOCATION;
use reqwest::{RequestBuilder, Response};
use url::Url;

use super::compression::{Unpacked, unpack};
use super::failure::CallFault;
use crate::domain::text::Scrubber;

/// The most bytes of a body that are taken, after inflation. A full page has some 20 KiB.
pub(super) const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// What one question brought, as far as it came. It outlives the exchange, so that what came before a time-out is kept. Its meaning is
/// only for who asks for it ([`Client::judge`](super::Client::judge)); outside this room every occurrence of the key is overwritten.
#[derive(Debug, Clone, Default)]
pub struct Reply {
    pub(super) status: Option<u16>,
    /// The host that a redirect named; it was not asked.
    pub(super) redirected_to: Option<String>,
    /// At most [`BODY_BYTES_MAX`], also when unpacked.
    pub(super) body: Vec<u8>,
    /// Why the body is not whole, where it is not.
    pub(super) broken: Option<(CallFault, String)>,
}

impl Reply {
    /// The body after inflation, at most 4 MiB; what came of it where it broke off; empty when none came.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.body
    }

    /// [`Reply::bytes`], to be kept.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.body
    }

    /// Whether it came with HTTP 200 and to its end. Two such replies with the same bytes say the same, whatever that is.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.status == Some(200) && self.broken.is_none()
    }

    /// With every occurrence of the key overwritten.
    pub(super) fn scrubbed(self, scrubber: &Scrubber) -> Self {
        let scrub_text = |text: String| scrubber.scrub_text(&text);
        let is_cut = self.broken.is_some();
        Self {
            body: if is_cut { scrubber.scrub_cut(self.body) } else { scrubber.scrub(self.body) },
            redirected_to: self.redirected_to.map(scrub_text),
            broken: self.broken.map(|(fault, words)| (fault, scrub_text(words))),
            ..self
        }
    }

    /// Unpacks the body, as far as it came.
    pub(super) fn unpack(&mut self, url: &Url) {
        let broken = match unpack(&mut self.body, BODY_BYTES_MAX) {
            Unpacked::Whole => return,
            Unpacked::TooLong => too_long(),
            Unpacked::Broken(why) => {
                let host = url.host_str().unwrap_or_default();
                (CallFault::BrokeOff, format!("the answer of {host} broke off: {why}"))
            }
        };
        // What broke it off in the first place says more.
        self.broken.get_or_insert(broken);
    }
}

fn too_long() -> (CallFault, String) {
    (CallFault::TooLong, format!("the answer is longer than {} MiB", BODY_BYTES_MAX / 1024 / 1024))
}

/// Sends `request` once and gathers what comes in `received`, nothing of it unpacked or scrubbed. Dropping the future closes the connection.
pub(super) async fn exchange(request: RequestBuilder, url: &Url, received: &mut Reply) {
    if let Err(error) = gather(request, url, received).await {
        received.broken = Some(broken(error, url));
    }
}

async fn gather(request: RequestBuilder, url: &Url, received: &mut Reply) -> Result<(), reqwest::Error> {
    let mut response = request.send().await?;
    received.status = Some(response.status().as_u16());
    received.redirected_to = redirect_host(&response, url);
    while let Some(chunk) = response.chunk().await? {
        let room = BODY_BYTES_MAX - received.body.len();
        if chunk.len() > room {
            received.body.extend_from_slice(&chunk[..room]);
            received.broken = Some(too_long());
            return Ok(());
        }
        received.body.extend_from_slice(&chunk);
    }
    Ok(())
}

/// Only the host: the rest of the address may hold what was sent.
fn redirect_host(response: &Response, url: &Url) -> Option<String> {
    let location = String::from_utf8_lossy(response.headers().get(LOCATION)?.as_bytes()).into_owned();
    url.join(&location).ok()?.host_str().map(str::to_owned)
}

/// The one place where an HTTP error becomes words. Both its forms of output show the whole URL, which with GET holds the
/// key: it is taken out first.
fn broken(error: reqwest::Error, url: &Url) -> (CallFault, String) {
    let error = error.without_url();
    let cause = root(&error).to_string();
    let host = url.host_str().unwrap_or_default();
    if error.is_timeout() {
        (CallFault::TimedOut, format!("no answer from {host}: {cause}"))
    } else if is_tls(&error) {
        (CallFault::Tls, format!("no TLS with {host}: {cause}"))
    } else if error.is_connect() {
        (CallFault::Connect, format!("no connection to {host}: {cause}"))
    } else {
        (CallFault::BrokeOff, format!("the answer of {host} broke off: {cause}"))
    }
}

fn sources<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| (*error).source())
}

fn root(error: &reqwest::Error) -> &(dyn StdError + 'static) {
    sources(error).last().unwrap_or(error)
}

/// TLS errors come inside I/O errors, which do not name what they hold as their source.
fn is_tls(error: &(dyn StdError + 'static)) -> bool {
    let held = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    error.is::<rustls::Error>() || held.is_some_and(|held| is_tls(held)) || error.source().is_some_and(is_tls)
}
