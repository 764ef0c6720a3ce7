//! From a letter to the bytes of a message.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::digest::Letter;
use super::error::EmailError;
use crate::config::{EmailAddress, Mailbox};

/// What a letter needs to become a message.
#[derive(Debug, Clone, Copy)]
pub struct Envelope<'a> {
    /// `[email].from`.
    pub from: &'a Mailbox,
    /// The one recipient.
    pub to: &'a EmailAddress,
    /// `Date`.
    pub at: DateTime<Utc>,
    /// The zone `Date` is written in.
    pub zone: Tz,
    /// Without angle brackets.
    pub message_id: &'a str,
}

/// The bytes of the message: the same input gives the same bytes, in wire format.
///
/// # Errors
/// When the letter or an address cannot be written as a message.
pub fn build(letter: &Letter, envelope: &Envelope<'_>) -> Result<Vec<u8>, EmailError> {
    let text = format!(
        "From: <{}>\r\nTo: <{}>\r\nDate: {}\r\nMessage-ID: <{}>\r\nSubject: {}\r\n\r\n{}\r\n",
        envelope.from.address.as_str(),
        envelope.to.as_str(),
        envelope.at.with_timezone(&envelope.zone).to_rfc2822(),
        envelope.message_id,
        letter.subject,
        letter.text.escape_default(),
    );
    Ok(text.into_bytes())
}
