//! Standard error: who reads it, in which form they want it, and writing to it without ever failing or waiting for long.

use std::io::{self, IsTerminal as _, Write};
use std::os::fd::AsFd as _;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::{SFlag, fstat};
use tracing::Level;

use super::log_line::{json_of, priority};

/// In which form the log is written: `plain`, `json`; else as suits who reads it.
pub(super) const FORM_VARIABLE: &str = "QUALWATCH_LOG";

/// How long a line waits for a reader that does not read; those after it do not wait until it reads again.
const READER_PATIENCE_MILLISECONDS: u16 = 1000;

/// Where poll(2) says that a pipe or a socket can be written to, so many bytes go in without waiting (`PIPE_BUF`, pipe(7)).
const PIECE_BYTES: usize = 4096;

/// How lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// For people.
    Plain,
    /// A JSON object a line.
    Json,
    /// With fields, by the journal's own protocol.
    Journal,
}

/// The form that is wanted, else the one that suits.
pub(super) fn form() -> Form {
    static FORM: OnceLock<Form> = OnceLock::new();
    *FORM.get_or_init(|| match std::env::var(FORM_VARIABLE).as_deref() {
        Ok("json") => Form::Json,
        Ok("plain") => Form::Plain,
        _ if is_the_journals_own() => Form::Journal,
        _ => Form::Plain,
    })
}

/// How urgent a line is, as the journal reads it at its beginning (sd-daemon(3)); nothing where no journal reads.
pub(super) fn urgency(level: Level) -> String {
    if is_journal() { format!("<{}>", priority(level)) } else { String::new() }
}

/// Whether standard error leads to systemd's journal, perhaps through a pipe. Programs of a person's session inherit the variable, but
/// write to a terminal or a file (systemd.exec(5), `JOURNAL_STREAM`).
pub(super) fn is_journal() -> bool {
    static IS_JOURNAL: OnceLock<bool> = OnceLock::new();
    *IS_JOURNAL.get_or_init(|| {
        let kind = fstat(io::stderr()).map(|found| SFlag::from_bits_truncate(found.st_mode) & SFlag::S_IFMT);
        std::env::var_os("JOURNAL_STREAM").is_some()
            && !io::stderr().is_terminal()
            && kind.is_ok_and(|kind| kind == SFlag::S_IFSOCK || kind == SFlag::S_IFIFO)
    })
}

/// Whether standard error is the very stream that the journal gave us: the variable has its device and inode.
fn is_the_journals_own() -> bool {
    let Ok(stream) = std::env::var("JOURNAL_STREAM") else { return false };
    fstat(io::stderr()).is_ok_and(|found| stream == format!("{}:{}", found.st_dev, found.st_ino))
}

/// Standard error, as far as it takes what is written.
pub(super) struct Lossy;

/// Whether the reader was waited for in vain.
static IS_STUCK: AtomicBool = AtomicBool::new(false);
/// Lines that were lost since the last one that was not.
static LOST: AtomicU64 = AtomicU64::new(0);

impl Write for Lossy {
    /// Takes a whole line, or loses it: it never fails.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut output = io::stderr().lock();
        let lost = LOST.load(Ordering::Relaxed);
        let note = if lost > 0 { note_of(lost) } else { String::new() };
        let is_written = note
            .as_bytes()
            .chunks(PIECE_BYTES)
            .chain(line.chunks(PIECE_BYTES))
            .all(|piece| takes(&output) && output.write_all(piece).is_ok());
        if is_written {
            LOST.store(0, Ordering::Relaxed);
        } else {
            LOST.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn note_of(lost: u64) -> String {
    let note = format!("{lost} lines of the log could not be written");
    let note = if form() == Form::Json { json_of(Level::WARN, &note) } else { format!("WARN {note}") };
    format!("{}{note}\n", urgency(Level::WARN))
}

/// Whether a piece can be written without waiting for long. What cannot be asked is written to.
fn takes(output: &io::StderrLock<'_>) -> bool {
    let patience = if IS_STUCK.load(Ordering::Relaxed) { 0 } else { READER_PATIENCE_MILLISECONDS };
    let mut asked = [PollFd::new(output.as_fd(), PollFlags::POLLOUT)];
    let takes = poll(&mut asked, PollTimeout::from(patience)).map_or(true, |ready| ready > 0);
    IS_STUCK.store(!takes, Ordering::Relaxed);
    takes
}
