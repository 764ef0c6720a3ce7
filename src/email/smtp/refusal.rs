//! From what a server said, or did not say, to a failure.

use super::censor::Censor;
use super::conversation::NoReply;
use super::failure::{Blame, SendFailure, Stage};
use super::refusal_table::About;
use super::reply::ServerReply;

/// A reply that is not the one that was hoped for. A positive one is none to what was asked: client and server no longer speak of
/// the same thing.
pub(super) fn of(stage: Stage, reply: &ServerReply, censor: &Censor) -> SendFailure {
    if reply.is_refusal() {
        return SendFailure::refused(stage, Some(reply.code), censor.whole(&reply.text())).capped(censor);
    }
    let said = censor.clean(&format!("unexpected reply {} {}", reply.code, reply.text()));
    SendFailure::refused(stage, None, said)
}

/// No reply.
pub(super) fn silence(stage: Stage, why: &NoReply, censor: &Censor) -> SendFailure {
    let text = match why {
        NoReply::Broken(error) => error.to_string(),
        other => other.to_string(),
    };
    SendFailure::refused(stage, None, censor.clean(&text))
}

/// No way to log in is offered but OAuth.
pub(super) fn only_oauth() -> SendFailure {
    let reply = "the server offers no way to log in but OAuth (XOAUTH2)".to_owned();
    SendFailure::found(Stage::Auth, Blame::Sender, reply, About::OAuth.advice().unwrap_or_default())
}
