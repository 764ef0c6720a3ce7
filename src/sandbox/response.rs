//! Sends an answer: whole, broken, slowly or swollen.

use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;
use futures_util::{StreamExt as _, stream};
use tokio_util::sync::CancellationToken;

use super::answer::{Payload, PlayedAnswer};
use super::gzip_bomb::gzip_bomb;
use crate::clock::pause;

/// The half body must have left before the connection closes, or the client sees none of it.
const HALF_BODY_HEAD_START: Duration = Duration::from_millis(50);

/// `answer` as it goes over the line, without its delay. What takes time ends when the server does.
pub(super) fn response(answer: PlayedAnswer, stopping: CancellationToken) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = answer.status;
    let mut set = |name: HeaderName, value: HeaderValue| response.headers_mut().insert(name, value);
    set(header::CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
    if let Some(location) = answer.location {
        set(header::LOCATION, location);
    }
    let body = match answer.payload {
        Payload::Whole(body) => Body::from(body),
        Payload::Half(body) => {
            set(header::CONTENT_LENGTH, body.len().into());
            half(&body)
        }
        Payload::Drip(body, span) => {
            set(header::CONTENT_LENGTH, body.len().into());
            drip(body, span, stopping)
        }
        Payload::GzipBomb { bytes_inflated } => {
            set(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            Body::from_stream(gzip_bomb(bytes_inflated))
        }
    };
    *response.body_mut() = body;
    response
}

/// Half of `body`; the failing stream then makes the server close the connection.
fn half(body: &Bytes) -> Body {
    let first = body.slice(..body.len() / 2);
    let broken = stream::once(async {
        pause(HALF_BODY_HEAD_START).await;
        Err(io::Error::from(io::ErrorKind::ConnectionAborted))
    });
    Body::from_stream(stream::iter([Ok(first)]).chain(broken))
}

/// One byte of `body` in each `span` of real time, until the server stops.
fn drip(body: Bytes, span: Duration, stopping: CancellationToken) -> Body {
    Body::from_stream(stream::unfold(body, move |mut rest| {
        let stopping = stopping.clone();
        async move {
            if rest.is_empty() {
                return None;
            }
            match stopping.run_until_cancelled(pause(span)).await {
                Some(()) => Some((Ok(rest.split_to(1)), rest)),
                None => Some((Err(io::Error::from(io::ErrorKind::ConnectionAborted)), Bytes::new())),
            }
        }
    }))
}
