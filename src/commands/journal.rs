//! systemd's journal by its own protocol, in which a line has fields. Not `tracing-journald`: it waits for ever for a journal that does not
//! read, and the sentence that `journalctl` shows would lack the fields.

use std::os::unix::net::UnixDatagram;
use std::path::Path;

/// Where the journal listens (systemd-journald.service(8)).
const PLACE: &str = "/run/systemd/journal/socket";

/// A way to the journal.
pub(super) struct Journal {
    socket: UnixDatagram,
    place: &'static Path,
}

impl Journal {
    /// `None` where no socket can be had.
    pub(super) fn open() -> Option<Self> {
        Self::at(Path::new(PLACE))
    }

    fn at(place: &'static Path) -> Option<Self> {
        let socket = UnixDatagram::unbound().ok()?;
        socket.set_nonblocking(true).ok()?;
        Some(Self { socket, place })
    }

    /// Whether the journal has taken it. It does not where it is away, does not read, or finds it too long: standard error, which it reads as
    /// well, cuts a long line and waits for a while.
    pub(super) fn takes(&self, line: &[u8]) -> bool {
        self.socket.send_to(line, self.place).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_that_does_not_read_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let place: &'static Path = Box::leak(folder.path().join("socket").into_boxed_path());
        let journal = Journal::at(place).unwrap();
        assert!(!journal.takes(b"MESSAGE=away\n"), "nobody listens");
        let reader = UnixDatagram::bind(place).unwrap();
        let taken = (0..100_000).take_while(|_| journal.takes(b"MESSAGE=x\n")).count();
        assert!((1..100_000).contains(&taken), "it takes some, and is not waited for then: {taken}");
        let mut heard = [0; 100];
        let bytes = reader.recv(&mut heard).unwrap();
        assert_eq!(&heard[..bytes], b"MESSAGE=x\n");
        assert!(!journal.takes(&vec![b'x'; 10_000_000]), "longer than a datagram can be");
    }
}
