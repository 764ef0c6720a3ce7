//! The listener: where it listens, whom it answers, and for how long.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use listenfd::ListenFd;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

use crate::clock::{pause, within};
use crate::config::Http;

/// Connections at a time. A monitor needs one, for milliseconds.
const CONNECTIONS_MAX: usize = 64;

/// The most that a connection may take, from its beginning to the last byte of its answer.
pub const CONNECTION_MAX: Duration = Duration::from_secs(15);

/// Of that, until its request is whole.
const REQUEST_MAX: Duration = Duration::from_secs(5);

/// The most that a request may be: its line and its headers. Bodies are not read.
const REQUEST_BYTES_MAX: usize = 16 << 10;
const HEADERS_MAX: usize = 64;

/// Where a socket cannot be had: another program has it, or an address has yet to come.
const TRIED_AGAIN_AFTER: Duration = Duration::from_secs(30);

/// After a connection that could not be taken: without descriptors the next cannot be either.
const ACCEPTS_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// The listening socket that the service manager hands over (`sd_listen_fds(3)`), where it does. Not inherited by children.
#[must_use]
pub fn given_by_manager() -> Option<std::net::TcpListener> {
    // Without it the variable is somebody else's, who handed us nothing.
    std::env::var_os("LISTEN_PID")?;
    let mut given = ListenFd::from_env();
    if given.len() > 1 {
        tracing::warn!(
            sockets = given.len(),
            "of several sockets that the service manager hands over the first is listened on"
        );
    }
    let taken = given.take_tcp_listener(0);
    taken.unwrap_or_else(|error| {
        tracing::error!(%error, "the socket that the service manager hands over cannot be listened on: it is not TCP");
        None
    })
}

/// Answers by `router` for ever: on the socket that was given, else wherever the file says, as it is edited.
pub async fn listen(given: Option<std::net::TcpListener>, mut wanted: watch::Receiver<Http>, router: Router) {
    let given = given.and_then(|given| taken_over(given).ok());
    loop {
        let http = *wanted.borrow_and_update();
        tokio::select! {
            () = answer(given.as_ref(), http, &router) => {}
            changed = wanted.changed() => if changed.is_err() { return },
        }
    }
}

fn taken_over(given: std::net::TcpListener) -> io::Result<TcpListener> {
    given.set_nonblocking(true)?;
    TcpListener::from_std(given)
}

async fn answer(given: Option<&TcpListener>, http: Http, router: &Router) {
    if let Some(given) = given {
        let place = given.local_addr();
        if let Ok(place) = place
            && !place.ip().to_canonical().is_loopback()
            && !http.allow_remote
        {
            tracing::error!(%place, "the socket that the service manager hands over can be reached from other machines: not listened \
                             on, unless [http] says allow_remote = true");
            return std::future::pending().await;
        }
        tracing::info!(
            place = place.ok().map(tracing::field::display),
            "listening for monitors, by the service manager's socket"
        );
        return serve(given, router).await;
    }
    let Some(place) = http.listen else { return std::future::pending().await };
    let listener = bound(place).await;
    let place = listener.local_addr().unwrap_or(place);
    tracing::info!(%place, "listening for monitors");
    serve(&listener, router).await;
}

async fn bound(place: SocketAddr) -> TcpListener {
    let mut is_told = false;
    loop {
        match TcpListener::bind(place).await {
            Ok(listener) => return listener,
            Err(error) => {
                if !std::mem::replace(&mut is_told, true) {
                    let advice = "under the packaged service it is systemd that listens (`systemctl enable qualwatch.socket`, and a restart); elsewhere \
                                  another program may have this port";
                    tracing::error!(%error, %place, advice, "cannot listen for monitors, which is tried again");
                }
            }
        }
        pause(TRIED_AGAIN_AFTER).await;
    }
}

async fn serve(listener: &TcpListener, router: &Router) {
    let mut connections = Connections::default();
    let mut was_taken = true;
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                was_taken = true;
                connections.add(stream, router.clone());
            }
            Err(error) => {
                if std::mem::replace(&mut was_taken, false) {
                    tracing::warn!(%error, "a monitor's connection cannot be taken");
                }
                pause(ACCEPTS_AGAIN_AFTER).await;
            }
        }
    }
}

/// Those that are open, the oldest first. They are cut when this is dropped.
#[derive(Default)]
struct Connections {
    tasks: JoinSet<()>,
    open: VecDeque<AbortHandle>,
}

impl Connections {
    fn add(&mut self, stream: TcpStream, router: Router) {
        while self.tasks.try_join_next().is_some() {}
        self.open.retain(|connection| !connection.is_finished());
        if self.open.len() >= CONNECTIONS_MAX
            && let Some(oldest) = self.open.pop_front()
        {
            oldest.abort();
        }
        let open = self.tasks.spawn(async move {
            // Cut in the middle, or sent nonsense: the business of whoever did it.
            let _ = within(CONNECTION_MAX, converse(stream, router)).await;
        });
        self.open.push_back(open);
    }
}

async fn converse(stream: TcpStream, router: Router) -> Result<(), hyper::Error> {
    let is_here = stream.local_addr().is_ok_and(|place| place.ip().to_canonical().is_loopback());
    let inner = TowerToHyperService::new(router);
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let answered = (!is_here || is_of_this_machine(request.uri(), request.headers()))
            .then(|| hyper::service::Service::call(&inner, request));
        async move {
            match answered {
                Some(answer) => answer.await,
                None => Ok::<Response<Body>, Infallible>(StatusCode::MISDIRECTED_REQUEST.into_response()),
            }
        }
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(REQUEST_MAX)
        .max_buf_size(REQUEST_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await
}

/// Whether a request means this machine. A name of somebody else's that is looked up as 127.0.0.1 is how a page in a browser here would
/// read what only this machine may (DNS rebinding).
fn is_of_this_machine(uri: &Uri, headers: &HeaderMap) -> bool {
    let named = uri.authority().cloned().or_else(|| {
        let host = headers.get(header::HOST)?.to_str().ok()?;
        host.parse().ok()
    });
    let Some(named) = named else { return !headers.contains_key(header::HOST) };
    let host = named.host().trim_start_matches('[').trim_end_matches(']').trim_end_matches('.');
    host.parse::<IpAddr>().is_ok() || host.eq_ignore_ascii_case("localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_means_this_machine_is_answered_on_loopback() {
        for (uri, host, answered, why) in [
            ("/metrics", Some("127.0.0.1:9464"), true, "an address"),
            ("/metrics", Some("[::1]:9464"), true, "the other kind of address"),
            ("/metrics", Some("LocalHost.:9464"), true, "the name of every machine"),
            ("/metrics", None, true, "HTTP/1.0"),
            ("/metrics", Some("evil.example:9464"), false, "a name that was turned to us"),
            ("/metrics", Some("localhost.evil.example"), false, "the same, disguised"),
            ("/metrics", Some("a b"), false, "no host at all"),
            (
                "http://evil.example/metrics",
                Some("127.0.0.1"),
                false,
                "a proxy's form: its host counts (RFC 9112, 3.2.2)",
            ),
        ] {
            let mut headers = HeaderMap::new();
            headers.extend(host.map(|host| (header::HOST, host.parse().unwrap())));
            assert_eq!(is_of_this_machine(&uri.parse().unwrap(), &headers), answered, "{why}");
        }
    }
}
