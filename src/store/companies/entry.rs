//! An entry of a watchlist, and what tells it from another one.

use std::borrow::Cow;

use sha2::{Digest as _, Sha256};

use crate::domain::keyword::Keyword;

/// An entry of the file, as it is to be remembered. Borrowed from it: mostly it is only compared, and there may be a hundred
/// thousand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<'a> {
    /// As the provider is asked.
    pub keyword: &'a Keyword,
    /// What mails call it.
    pub name: &'a str,
    /// The prefix pinned in the file.
    pub pinned_prefix: Option<&'a str>,
    /// Its cron line and zone: occurrences are owed from the moment they changed.
    pub check_line: Cow<'a, str>,
    /// The days before and after an end on which it is told: only compared.
    pub thresholds: Cow<'a, str>,
    /// Who reads of it, in small letters, in order.
    pub readers: Cow<'a, [String]>,
}

/// To be counted up when an entry comes to mean something else for what is stored: every file is then compared anew.
const ENTRY_VERSION: u8 = 2;

/// Half a SHA-256 of an entry. Two of a file of a hundred thousand that were alike by chance would be one in 10^28 files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Fingerprint([u8; 16]);

impl Fingerprint {
    pub(super) fn of(entry: &Entry<'_>) -> Self {
        let mut hash = Sha256::new();
        hash.update([ENTRY_VERSION, u8::from(entry.pinned_prefix.is_some())]);
        let prefix = entry.pinned_prefix.unwrap_or_default();
        for text in [entry.keyword.as_str(), entry.name, prefix, &entry.check_line, &entry.thresholds] {
            hash.update(text.len().to_be_bytes());
            hash.update(text);
        }
        for reader in entry.readers.iter() {
            hash.update(reader.len().to_be_bytes());
            hash.update(reader);
        }
        let mut half = [0; 16];
        half.iter_mut().zip(hash.finalize()).for_each(|(half, byte)| *half = byte);
        Self(half)
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}
