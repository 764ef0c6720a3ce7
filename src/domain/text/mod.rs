//! What is done with text, whoever wrote it, by one rule each: shown inert (`inert`), compared (`fold`), rid of a secret (`scrub`),
//! and what we write ourselves of bytes and of errors.

mod fold;
mod inert;
mod scrub;

use std::error::Error;

pub use fold::{folded, normalised, without_invisible};
pub(in crate::domain) use fold::{is_ideograph, is_nothing, plain, shows_nothing, without_escapes};
pub use inert::{SHOWN_CHARACTERS_MAX, displayable, first_unseen, is_steering, spreadsheet_cell, visible};
pub use scrub::Scrubber;

/// Bytes as hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// An error with its sources, in one line.
#[must_use]
pub fn chain(error: &dyn Error) -> String {
    let sources = std::iter::successors(Some(error), |error| (**error).source());
    sources.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
