//! The client: settings in, one question at a time out.

use std::fmt::Write as _;
use std::num::NonZeroU16;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reqwest::RequestBuilder;
use reqwest::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue};
use rustls::crypto::{CryptoProvider, ring};
use sha2::{Digest as _, Sha256};
use url::form_urlencoded::byte_serialize;
use url::{Host, Url};

use super::error::JuheError;
use super::failure::{CallFault, Failure};
use super::judge::judge;
use super::pace::Pacer;
use super::transport::{Reply, exchange};
use crate::clock::{Clock, within};
use crate::domain::keyword::Keyword;
use crate::domain::observation::{AnswerPage, PAGE_SIZE, RequestMethod};
use crate::domain::secret::Secret;
use crate::domain::text::{Scrubber, hex};

/// How long a connection is kept for the next request. Shorter than servers keep theirs (nginx: 60 s or more), so that no
/// paid call is sent into one that is just being closed.
const IDLE_CONNECTION: Duration = Duration::from_secs(10);

/// At a greater distance each request has a connection of its own. One that is used again may be just being closed by the server or
/// something in between, and then a paid call gets no answer; connecting anew costs the sweep nothing at such a pace.
const REUSED_BELOW: Duration = Duration::from_millis(1);

/// How the provider is asked.
#[derive(Clone)]
pub struct Settings {
    /// 接口地址, over http or https.
    pub url: Url,
    /// Where the parameters go.
    pub method: RequestMethod,
    /// The most that one request may take, from its turn to the last byte of its body.
    pub timeout: Duration,
    /// The least time between the starts of two requests, over all callers.
    pub request_gap: Duration,
    /// The key.
    pub key: Secret,
}

/// Asks the provider.
pub struct Client {
    /// Each request on a connection of its own.
    fresh: reqwest::Client,
    /// Connections that are used again, where the pace asks for it.
    kept: Option<reqwest::Client>,
    /// Whether a request broke off: then a connection may have been closed under it, and none is used again.
    distrusts: AtomicBool,
    settings: Settings,
    /// The parameters as a form, up to the keyword. It holds the key.
    form_begins: String,
    scrubber: Scrubber,
    gate: Pacer,
    clock: Arc<dyn Clock>,
}

impl Client {
    /// A client for `settings`. `clock` only measures, for the log, how long answers take.
    ///
    /// The proxy of the environment (`https_proxy`, `no_proxy`) is used, but never for an address on loopback. An http://
    /// address needs no CA certificates on the machine.
    ///
    /// # Errors
    /// When the address is neither http nor https, or TLS cannot be prepared ([`JuheError::advice`] names the cure where it
    /// is missing CA certificates).
    pub fn new(settings: Settings, clock: Arc<dyn Clock>) -> Result<Self, JuheError> {
        // The library panics without one. Where the process has installed one already this is refused, rightly.
        if CryptoProvider::get_default().is_none() {
            let _ = ring::default_provider().install_default();
        }
        let fresh = http_client(&settings.url, 0)?;
        let kept = if settings.request_gap < REUSED_BELOW {
            Some(http_client(&settings.url, usize::MAX)?)
        } else {
            None
        };
        let gate = Pacer::new(settings.request_gap);
        let scrubber = Scrubber::new(&settings.key);
        let key: String = byte_serialize(settings.key.expose().as_bytes()).collect();
        let form_begins = format!("key={key}&keyword=");
        let distrusts = AtomicBool::new(false);
        Ok(Self { fresh, kept, distrusts, settings, form_begins, scrubber, gate, clock })
    }

    /// Asks for one page of the company found by `keyword`. Waits for its turn, then sends exactly one request: no second
    /// attempt, no redirect. Cannot fail: what went wrong is for [`Client::judge`] to say. Dropping the future gives up the
    /// turn or closes the connection; a request that has left may be charged all the same.
    pub async fn ask(&self, keyword: &Keyword, page: NonZeroU16) -> Reply {
        self.gate.turn().await;
        let started = self.clock.now();
        let mut received = Reply::default();
        let asking = exchange(self.request(keyword, page), &self.settings.url, &mut received);
        if within(self.settings.timeout, asking).await.is_err() {
            let reason = format!("no whole answer within {:?}", self.settings.timeout);
            received.broken = Some((CallFault::TimedOut, reason));
        }
        received.unpack(&self.settings.url);
        if matches!(received.broken, Some((CallFault::BrokeOff | CallFault::TimedOut, _))) {
            self.distrusts.store(true, Ordering::Relaxed);
        }
        let reply = received.scrubbed(&self.scrubber);
        tracing::debug!(
            page,
            status = reply.status,
            body_bytes = reply.bytes().len(),
            elapsed_ms = (self.clock.now() - started).num_milliseconds(),
            "asked the provider"
        );
        reply
    }

    /// What `reply` says: a page, or why there is none.
    ///
    /// # Errors
    /// Whatever is no page with `error_code` 0.
    pub fn judge(&self, reply: &Reply) -> Result<AnswerPage, Failure> {
        let outcome = judge(reply, &self.scrubber);
        if let Err(failure) = &outcome {
            tracing::debug!(class = failure.class.as_str(), code = failure.code, "the answer is no page");
        }
        outcome
    }

    /// SHA-256 over `salt`, key and address, in hex: to be kept with a stop, so that a changed key or address is noticed
    /// without the key being stored.
    #[must_use]
    pub fn key_fingerprint(&self, salt: &[u8]) -> String {
        let mut hash = Sha256::new();
        for part in [salt, self.settings.key.expose().as_bytes(), self.settings.url.as_str().as_bytes()] {
            // With its length, so that nothing moves from one part into the next.
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hex(&hash.finalize())
    }

    fn request(&self, keyword: &Keyword, page: NonZeroU16) -> RequestBuilder {
        let form = self.form(keyword, page);
        let mut url = self.settings.url.clone();
        match self.settings.method {
            RequestMethod::Get => {
                let query = match url.query() {
                    None | Some("") => form,
                    Some(own) => format!("{own}&{form}"),
                };
                url.set_query(Some(&query));
                self.http().get(url)
            }
            RequestMethod::Post => {
                let is_form = HeaderValue::from_static("application/x-www-form-urlencoded");
                self.http().post(url).header(CONTENT_TYPE, is_form).body(form)
            }
        }
    }

    fn http(&self) -> &reqwest::Client {
        self.kept.as_ref().filter(|_| !self.distrusts.load(Ordering::Relaxed)).unwrap_or(&self.fresh)
    }

    /// 请求参数说明: key, pageSize, keyword, pageNum.
    fn form(&self, keyword: &Keyword, page: NonZeroU16) -> String {
        let mut form = self.form_begins.clone();
        form.extend(byte_serialize(keyword.as_str().as_bytes()));
        // Writing to a String cannot fail.
        let _ = write!(form, "&pageNum={page}&pageSize={PAGE_SIZE}");
        form
    }
}

/// A client that keeps so many connections for the next request.
fn http_client(url: &Url, idle_connections_max: usize) -> Result<reqwest::Client, JuheError> {
    let builder = reqwest::Client::builder()
        .user_agent(concat!("qualwatch/", env!("CARGO_PKG_VERSION")))
        .default_headers(HeaderMap::from_iter([
            (ACCEPT, HeaderValue::from_static("application/json")),
            (ACCEPT_ENCODING, HeaderValue::from_static("gzip")),
        ]))
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
        .pool_idle_timeout(IDLE_CONNECTION)
        .pool_max_idle_per_host(idle_connections_max)
        // Old middle boxes: a header that cannot be read is no reason to lose a paid answer.
        .http1_ignore_invalid_headers_in_responses(true)
        .http1_allow_obsolete_multiline_headers_in_responses(true)
        .http1_allow_spaces_after_header_name_in_responses(true);
    let builder = match url.scheme() {
        "https" => builder,
        "http" => builder.tls_certs_only(std::iter::empty()),
        scheme => return Err(JuheError::Scheme { scheme: scheme.to_owned() }),
    };
    let builder = if is_loopback(url) { builder.no_proxy() } else { builder };
    builder.build().map_err(|source| JuheError::Preparing { source: source.without_url() })
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests;
