//! A TCP stream that gives away no more than one line at a time.
//!
//! lettre reads replies through a buffer that it keeps when STARTTLS wraps the stream beneath it: what somebody on the way
//! adds to `220 ready` would then be read as the first reply *inside* TLS (response injection, CVE-2011-0411 turned
//! round). Here nothing beyond the line asked for leaves the stream, so added bytes meet the TLS handshake, which fails.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// Bytes asked of the socket at once.
const CHUNK_BYTES: usize = 4096;

/// The most that a server may say before we say something: far beyond any reply, and any certificates beneath TLS. lettre keeps a
/// reply until its last line, which a server need not send, and reads all of it again at each line.
const BYTES_IN_A_ROW_MAX: usize = 64 << 10;

/// See the module's text. Writing is the socket's own.
#[derive(Debug)]
pub(super) struct LineByLine {
    stream: TcpStream,
    /// Read from the socket and not yet given away.
    ahead: Vec<u8>,
    /// Read from the socket since something was written.
    in_a_row: usize,
}

impl LineByLine {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self { stream, ahead: Vec::new(), in_a_row: 0 }
    }
}

impl AsyncRead for LineByLine {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.ahead.is_empty() {
            let mut chunk = [0; CHUNK_BYTES];
            let mut read = ReadBuf::new(&mut chunk);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut read))?;
            self.ahead.extend_from_slice(read.filled());
            self.in_a_row += self.ahead.len();
            if self.in_a_row > BYTES_IN_A_ROW_MAX {
                let message = "the server's reply has no end";
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, message)));
            }
        }
        let line = self.ahead.iter().position(|&byte| byte == b'\n').map_or(self.ahead.len(), |end| end + 1);
        let rest = self.ahead.split_off(line.min(out.remaining()));
        out.put_slice(&self.ahead);
        self.ahead = rest;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for LineByLine {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.in_a_row = 0;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl AsyncTokioStream for LineByLine {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.stream.peer_addr()
    }
}
