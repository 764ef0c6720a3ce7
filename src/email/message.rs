//! From a letter to the bytes of a message.

mod header_text;

use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use lettre::Address;
use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, Body, MultiPart, SinglePart};
use sha2::{Digest as _, Sha256};

use super::digest::Letter;
use super::error::EmailError;
use super::smtp::wire::check_wire_format;
use crate::config::{EmailAddress, Mailbox};
use crate::domain::text::displayable;

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

/// What the attached list is called.
const CSV_NAME: &str = "qualwatch.csv";

/// Why a letter is no message.
type Source = Box<dyn std::error::Error + Send + Sync>;

/// The bytes of the message: the same input gives the same bytes, in wire format.
///
/// Both parts are base64: the most part of them is Chinese, and base64 has neither long lines nor a dot at a line's
/// beginning. The boundary is derived from the message id, where the library would make a random one.
///
/// # Errors
/// When the letter or an address cannot be written as a message.
pub fn build(letter: &Letter, envelope: &Envelope<'_>) -> Result<Vec<u8>, EmailError> {
    let bytes = message(letter, envelope).and_then(|bytes| {
        check_wire_format(&bytes)?;
        Ok(bytes)
    });
    bytes.map_err(|source| EmailError::Build { to: envelope.to.as_str().to_owned(), source })
}

/// A text part of a message that [`build`] has made, such as `text/html`; `None` where it has none.
#[must_use]
pub fn part_of(message: &[u8], kind: &str) -> Option<String> {
    let message = std::str::from_utf8(message).ok()?;
    let (_, part) = message.split_once(&format!("Content-Type: {kind}"))?;
    let (_, body) = part.split_once("\r\n\r\n")?;
    let encoded: String = body.split("\r\n--").next()?.split_whitespace().collect();
    String::from_utf8(STANDARD.decode(encoded).ok()?).ok()
}

fn message(letter: &Letter, envelope: &Envelope<'_>) -> Result<Vec<u8>, Source> {
    let parts = parts(letter, envelope.message_id)?;
    let subject = displayable(&letter.subject);
    let builder = lettre::Message::builder()
        .from(lettre::message::Mailbox::new(None, address(&envelope.from.address)?))
        .to(lettre::message::Mailbox::new(None, address(envelope.to)?))
        .subject(subject.as_str())
        .date(SystemTime::from(envelope.at))
        .message_id(Some(format!("<{}>", message_id(envelope.message_id)?)))
        // Nobody's holiday answer is wanted (RFC 3834, 5); Exchange, which does not heed that, is told in its own words.
        .raw_header(header("Auto-Submitted", "auto-generated"))
        .raw_header(header("X-Auto-Response-Suppress", "All"));
    let mut message = match parts {
        Parts::Several(parts) => builder.multipart(parts)?,
        Parts::TextAlone(text) => builder.singlepart(text)?,
    };
    let mut write = |name: &'static str, value: String| {
        let name = HeaderName::new_from_ascii_str(name);
        message.headers_mut().insert_raw(HeaderValue::dangerous_new_pre_encoded(name, value.clone(), value));
    };
    write("Subject", header_text::unstructured(&subject));
    if let Some(name) = shown_name(envelope.from) {
        // On a line of its own an address keeps its header short however long the name is.
        write("From", format!("{}\r\n <{}>", header_text::phrase(&name), envelope.from.address.as_str()));
    }
    if !letter.reply_to.is_empty() {
        // Addresses of the watchlist, which holds them to plain characters; one a line.
        write("Reply-To", letter.reply_to.join(",\r\n "));
    }
    // The library knows no zone but UTC, and takes the machine's clock where it cannot read the date it is given: so it is
    // given one, which this replaces.
    let date = envelope.at.with_timezone(&envelope.zone);
    write("Date", date.format("%a, %d %b %Y %H:%M:%S %z").to_string());
    Ok(message.formatted())
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

/// What a message is made of.
enum Parts {
    Several(MultiPart),
    TextAlone(SinglePart),
}

fn parts(letter: &Letter, message_id: &str) -> Result<Parts, Source> {
    let text = part(&letter.text, ContentType::TEXT_PLAIN)?;
    let alternative = if letter.html.is_empty() {
        Parts::TextAlone(text)
    } else {
        let both = MultiPart::alternative().boundary(boundary(message_id)).singlepart(text);
        Parts::Several(both.singlepart(part(&letter.html, ContentType::TEXT_HTML)?))
    };
    let Some(csv) = &letter.csv else { return Ok(alternative) };
    let list = Body::new_with_encoding(csv.clone(), ContentTransferEncoding::Base64)
        .map_err(|_| "the list cannot be written as base64")?;
    let list =
        Attachment::new(CSV_NAME.to_owned()).body(list, ContentType::parse("text/csv; charset=utf-8")?);
    let outer = MultiPart::mixed().boundary(boundary(&format!("{message_id} mixed")));
    Ok(Parts::Several(
        match alternative {
            Parts::Several(both) => outer.multipart(both),
            Parts::TextAlone(text) => outer.singlepart(text),
        }
        .singlepart(list),
    ))
}

fn part(text: &str, kind: ContentType) -> Result<SinglePart, Source> {
    let body = Body::new_with_encoding(text.to_owned(), ContentTransferEncoding::Base64)
        .map_err(|_| "a part cannot be written as base64")?;
    Ok(SinglePart::builder().header(kind).body(body))
}

fn shown_name(mailbox: &Mailbox) -> Option<String> {
    mailbox.name.as_deref().map(displayable).filter(|name| !name.is_empty())
}

fn address(address: &EmailAddress) -> Result<Address, Source> {
    Ok(Address::new(address.local(), address.domain())?)
}

/// Refuses an id that would end its header or be read as another: `id-left "@" id-right` of plain characters (RFC 5322,
/// 3.6.4).
fn message_id(id: &str) -> Result<&str, Source> {
    const ID_BYTES_MAX: usize = 200;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    let is_side = |side: &str| !side.is_empty() && side.chars().all(is_plain);
    match id.split_once('@') {
        Some((left, right)) if id.len() <= ID_BYTES_MAX && is_side(left) && is_side(right) => Ok(id),
        _ => Err("the message id is not of the form left@right".into()),
    }
}

/// `=_` occurs in no base64 and in no quoted-printable line (RFC 2045, 6.7).
fn boundary(message_id: &str) -> String {
    let digest = Sha256::digest(message_id.as_bytes());
    format!("=_{}", URL_SAFE_NO_PAD.encode(digest).split_at(24).0)
}

#[cfg(test)]
mod tests;
