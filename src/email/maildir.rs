//! Messages as files: one `.eml` each, for whoever lets another program send them.
//!
//! A file is whole or absent: it is written under a name that begins with a dot, flushed, renamed, and the directory
//! flushed. Its name follows from the message, so a repeat after a crash replaces the file by the same bytes.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};

use super::receipt::Receipt;
use super::smtp::censor::Censor;
use super::smtp::failure::{Blame, SendFailure, Stage};
use crate::random;

/// The most bytes of a file's name without the directory.
const NAME_BYTES_MAX: usize = 120;

/// Bytes of the hash in the name: enough that two messages never share one.
const HASH_BYTES: usize = 8;

const ADVICE: &str = "let [email].maildir name a directory that this user may write, on a disk with room";

/// The directory, and for whom the next message is.
pub(crate) struct MaildirSession {
    directory: PathBuf,
    to: Option<String>,
}

impl MaildirSession {
    /// Makes the directory (only this user may look inside) where it is missing; one that exists keeps its permissions.
    pub(crate) async fn open(directory: PathBuf) -> Result<Self, SendFailure> {
        let made = directory.clone();
        on_disk(move || DirBuilder::new().recursive(true).mode(0o700).create(made))
            .await
            .map_err(|error| failure(Stage::Connect, &directory, &error))?;
        Ok(Self { directory, to: None })
    }

    pub(crate) fn offer(&mut self, to: &str) {
        self.to = Some(to.to_owned());
    }

    pub(crate) async fn hand_over(&mut self, message: &[u8]) -> Result<Receipt, SendFailure> {
        let Some(to) = self.to.take() else {
            let error = io::Error::other("no recipient was named");
            return Err(failure(Stage::Data, &self.directory, &error));
        };
        let name = file_name(message, &to);
        let (directory, file, bytes) = (self.directory.clone(), name.clone(), message.to_vec());
        match on_disk(move || write_whole(&directory, &file, &bytes)).await {
            Ok(()) => Ok(Receipt { reply: name }),
            // It may be there all the same: only that it stays was not to be had.
            Err(error) => Err(failure(Stage::Data, &self.directory, &error).in_doubt()),
        }
    }
}

/// `20261124T081500Z-0123456789abcdef-reader@example.com.eml`: sorted by date, one name a message and recipient, and no
/// character that a path, a shell or another system reads otherwise.
fn file_name(message: &[u8], to: &str) -> String {
    let date = header(message, "Date").and_then(|date| DateTime::parse_from_rfc2822(&date).ok()).map_or_else(
        || "undated".to_owned(),
        |date| date.with_timezone(&Utc).format("%Y%m%dT%H%M%SZ").to_string(),
    );
    let mut hash = Sha256::new();
    // A message without an id is its own id.
    match header(message, "Message-ID") {
        Some(id) => hash.update(id.as_bytes()),
        None => hash.update(message),
    }
    hash.update(b"\0");
    hash.update(to.as_bytes());
    let hash = hash.finalize().iter().take(HASH_BYTES).fold(0, |hash, &byte| hash << 8 | u64::from(byte));
    let to: String = to.chars().filter(|&c| c.is_ascii_alphanumeric() || "@._-".contains(c)).collect();
    let start = format!("{date}-{hash:016x}-{to}");
    // All ASCII by now, so any byte is a boundary.
    format!("{}.eml", start.get(..NAME_BYTES_MAX - ".eml".len()).unwrap_or(&start))
}

/// The value of the first header of that name, unfolded and trimmed.
fn header(message: &[u8], name: &str) -> Option<String> {
    let text = String::from_utf8_lossy(message);
    let mut lines = text
        .split("\r\n")
        .take_while(|line| !line.is_empty())
        .skip_while(|line| !line.split_once(':').is_some_and(|(found, _)| found.eq_ignore_ascii_case(name)));
    let (_, first) = lines.next()?.split_once(':')?;
    let mut value = first.to_owned();
    for folded in lines.take_while(|line| line.starts_with([' ', '\t'])) {
        value.push_str(folded);
    }
    Some(value.trim().to_owned())
}

/// Writes the file whole or not at all.
fn write_whole(directory: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    // Not guessable, and `create_new` follows no link that somebody laid there.
    let unfinished = directory.join(format!(".{}.unfinished", random::name()));
    let written =
        write_flushed(&unfinished, bytes).and_then(|()| fs::rename(&unfinished, directory.join(name)));
    if written.is_err() {
        // The first error is the one to tell.
        let _ = fs::remove_file(&unfinished);
    }
    written?;
    File::open(directory)?.sync_all()
}

fn write_flushed(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    // Under any umask.
    file.set_permissions(Permissions::from_mode(0o600))?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Runs `work` where it may block.
async fn on_disk<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|stopped| Err(io::Error::other(stopped)))
}

/// A disk's fault is nobody's who is written to: tried again, nothing ages.
fn failure(stage: Stage, directory: &Path, error: &io::Error) -> SendFailure {
    let reply = Censor::new(None).clean(&format!("writing into {}: {error}", directory.display()));
    SendFailure::found(stage, Blame::Server, reply, ADVICE)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIL: &[u8] =
        b"Date: Tue, 24 Nov 2026 16:15:00 +0800\r\nMessage-ID:\r\n <1.2@qualwatch.example>\r\n\r\ntext\r\n";

    fn names(directory: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(directory).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    async fn lay(directory: &Path, to: &str, message: &[u8]) -> Result<Receipt, SendFailure> {
        let mut session = MaildirSession::open(directory.to_owned()).await?;
        session.offer(to);
        session.hand_over(message).await
    }

    #[tokio::test]
    async fn a_repeated_message_is_the_same_file() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("state/mail");
        let first = lay(&directory, "reader@example.com", MAIL).await.unwrap();
        assert_eq!(lay(&directory, "reader@example.com", MAIL).await.unwrap(), first);
        assert_eq!(names(&directory), [first.reply.as_str()], "and nothing unfinished is left");
        assert_eq!(fs::read(directory.join(&first.reply)).unwrap(), MAIL);
        assert!(first.reply.starts_with("20261124T081500Z-"), "UTC: {}", first.reply);
        assert!(first.reply.ends_with("-reader@example.com.eml"), "{}", first.reply);

        lay(&directory, "other@example.com", MAIL).await.unwrap();
        let later = String::from_utf8_lossy(MAIL).replace("<1.2@", "<1.3@");
        lay(&directory, "reader@example.com", later.as_bytes()).await.unwrap();
        assert_eq!(names(&directory).len(), 3, "another recipient or message is another file");
    }

    #[tokio::test]
    async fn only_the_owner_reads_the_mail() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("mail");
        let receipt = lay(&directory, "reader@example.com", MAIL).await.unwrap();
        assert_eq!((mode(&directory), mode(&directory.join(receipt.reply))), (0o700, 0o600));
    }

    #[tokio::test]
    async fn no_recipient_or_header_leads_out_of_the_directory() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("mail");
        let evil = b"Message-ID: <../../../evil\0>\r\nDate: ../../../evil\r\n\r\n";
        let long = format!("{}@example.com", "a".repeat(300));
        for to in
            ["../../etc/cron.d/x", "/etc/passwd", "..", "", "a\0b@\u{202e}c\r\n", "资质@例子.中国", &long]
        {
            let name = lay(&directory, to, evil).await.unwrap().reply;
            assert!(name.len() <= 120 && name.starts_with("undated-"), "{name}");
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "@._-".contains(c);
            assert!(name.chars().all(is_plain) && name.to_lowercase().contains(".eml"), "{name}");
        }
        assert_eq!(names(root.path()), ["mail"]);
        assert_eq!(names(&directory).len(), 7, "though their names were alike, none has replaced another");
    }

    #[tokio::test]
    async fn a_link_laid_under_the_name_is_replaced_not_followed() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("mail");
        let name = lay(&directory, "reader@example.com", MAIL).await.unwrap().reply;
        let victim = root.path().join("victim");
        fs::write(&victim, "untouched").unwrap();
        fs::remove_file(directory.join(&name)).unwrap();
        std::os::unix::fs::symlink(&victim, directory.join(&name)).unwrap();
        lay(&directory, "reader@example.com", MAIL).await.unwrap();
        assert_eq!(fs::read_to_string(&victim).unwrap(), "untouched");
        assert!(fs::symlink_metadata(directory.join(&name)).unwrap().is_file());
    }

    #[tokio::test]
    async fn a_disk_that_refuses_is_nobodys_fault_who_is_written_to() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("file");
        fs::write(&file, "").unwrap();
        let failure = MaildirSession::open(file.join("mail")).await.err().unwrap();
        assert_eq!((failure.stage, failure.fault, failure.code), (Stage::Connect, Blame::Server, None));
        assert!(failure.advice().unwrap().contains("[email].maildir"));

        let directory = root.path().join("mail");
        let mut session = MaildirSession::open(directory.clone()).await.unwrap();
        fs::remove_dir(&directory).unwrap();
        session.offer("reader@example.com");
        let failure = session.hand_over(MAIL).await.unwrap_err();
        assert_eq!((failure.stage, failure.fault), (Stage::Data, Blame::Server));
    }
}
