//! Commands and replies on one connection, read by ourselves: a library that takes replies for UTF-8 text of a certain form
//! loses those of many servers.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::either::Either;

use super::reply::{Assembled, Assembly, ServerReply};
use crate::clock::{self, TookTooLong};

/// Bytes asked of the stream at once.
const CHUNK_BYTES: usize = 4096;

/// What is kept of a line. The rest of it is read, and forgotten.
const LINE_BYTES_MAX: usize = 4096;

/// The most that a server may say before we say something: far beyond any reply.
const BYTES_IN_A_ROW_MAX: usize = 1 << 20;

/// Why there is no reply.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoReply {
    #[error("the connection broke")]
    Broken(#[source] io::Error),
    #[error("the server ended the connection")]
    Ended,
    #[error("{0}")]
    Late(TookTooLong),
    #[error("the server's reply has no end")]
    Endless,
    #[error("what the server says is no reply: {0:?}")]
    Garbage(String),
}

/// In clear, or inside TLS.
type Stream = Either<TcpStream, Box<TlsStream<TcpStream>>>;

/// A connection on which the two sides take turns.
pub(super) struct Conversation {
    /// `None` only while TLS starts.
    stream: Option<Stream>,
    /// Read and not yet looked at.
    ahead: Vec<u8>,
    /// The line that is coming in.
    line: Vec<u8>,
    /// Read since something was written.
    in_a_row: usize,
    /// Both sides know whose turn it is.
    is_in_step: bool,
}

impl Conversation {
    pub(super) fn new(stream: TcpStream) -> Self {
        let stream = Some(Either::Left(stream));
        Self { stream, ahead: Vec::new(), line: Vec::new(), in_a_row: 0, is_in_step: true }
    }

    /// Whether another command makes sense.
    pub(super) fn is_open(&self) -> bool {
        self.is_in_step
    }

    pub(super) fn close(&mut self) {
        self.is_in_step = false;
    }

    /// Starts TLS. What came already and was not asked for was added by somebody on the way: read inside TLS it would pass for
    /// the server's (response injection, CVE-2011-0411 turned round).
    pub(super) async fn start_tls(
        &mut self,
        connector: &TlsConnector,
        name: ServerName<'static>,
    ) -> io::Result<()> {
        if !self.ahead.is_empty() {
            return Err(io::Error::other("something was said between STARTTLS and TLS"));
        }
        let Some(Either::Left(stream)) = self.stream.take() else {
            return Err(io::Error::other("TLS has begun already"));
        };
        let stream = connector.connect(name, stream).await?;
        self.stream = Some(Either::Right(Box::new(stream)));
        self.in_a_row = 0;
        Ok(())
    }

    /// One command (or answer to a challenge) and the reply to it.
    pub(super) async fn ask(&mut self, command: &str, patience: Duration) -> Result<ServerReply, NoReply> {
        let line = format!("{command}\r\n");
        match clock::within(patience, self.write(line.as_bytes())).await {
            Ok(Ok(())) => self.listen(patience).await,
            Ok(Err(error)) => Err(self.lost(NoReply::Broken(error))),
            Err(late) => Err(self.lost(NoReply::Late(late))),
        }
    }

    /// Writes the message, its dots stuffed (RFC 5321, 4.5.2), with the final dot. A failure is certain to be one: without the
    /// dot no server has a message.
    pub(super) async fn write_message(&mut self, message: &[u8], patience: Duration) -> Result<(), NoReply> {
        let mut bytes = Vec::with_capacity(message.len() + message.len() / 64 + 8);
        for line in message.split_inclusive(|&byte| byte == b'\n') {
            if line.starts_with(b".") {
                bytes.push(b'.');
            }
            bytes.extend_from_slice(line);
        }
        if !bytes.ends_with(b"\r\n") {
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b".\r\n");
        match clock::within(patience, self.write(&bytes)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.lost(NoReply::Broken(error))),
            Err(late) => Err(self.lost(NoReply::Late(late))),
        }
    }

    /// The next reply. Where only its beginning came it counts all the same, and the conversation ends with it.
    pub(super) async fn listen(&mut self, patience: Duration) -> Result<ServerReply, NoReply> {
        let mut assembly = Assembly::default();
        let whole = match clock::within(patience, self.assemble(&mut assembly)).await {
            Ok(whole) => whole,
            Err(late) => Err(NoReply::Late(late)),
        };
        let Err(why) = whole else {
            return assembly.into_reply().ok_or_else(|| self.lost(NoReply::Ended));
        };
        self.is_in_step = false;
        let is_garbage = matches!(why, NoReply::Garbage(_));
        if !is_garbage {
            // The end of a line may be missing.
            let line = std::mem::take(&mut self.line);
            assembly.add(&line);
        }
        assembly.into_reply().ok_or(why)
    }

    async fn assemble(&mut self, assembly: &mut Assembly) -> Result<(), NoReply> {
        loop {
            self.read_line().await?;
            let line = std::mem::take(&mut self.line);
            match assembly.add(&line) {
                Assembled::GoesOn => {}
                Assembled::Whole => return Ok(()),
                Assembled::NoReply => {
                    return Err(NoReply::Garbage(String::from_utf8_lossy(&line).trim().to_owned()));
                }
            }
        }
    }

    /// Reads into `line` up to its end. What was read is kept when the work is given up.
    async fn read_line(&mut self) -> Result<(), NoReply> {
        loop {
            let end = memchr::memchr(b'\n', &self.ahead);
            let taken = end.map_or(self.ahead.len(), |end| end + 1);
            let room = LINE_BYTES_MAX.saturating_sub(self.line.len());
            self.line.extend(self.ahead.drain(..taken).take(room));
            if end.is_some() {
                return Ok(());
            }
            self.ahead.reserve(CHUNK_BYTES);
            let read = match &mut self.stream {
                Some(stream) => stream.read_buf(&mut self.ahead).await.map_err(NoReply::Broken)?,
                None => 0,
            };
            if read == 0 {
                return Err(NoReply::Ended);
            }
            self.in_a_row += read;
            if self.in_a_row > BYTES_IN_A_ROW_MAX {
                return Err(NoReply::Endless);
            }
        }
    }

    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.in_a_row = 0;
        match &mut self.stream {
            Some(stream) if self.is_in_step => {
                stream.write_all(bytes).await?;
                stream.flush().await
            }
            _ => Err(io::Error::from(io::ErrorKind::NotConnected)),
        }
    }

    fn lost(&mut self, why: NoReply) -> NoReply {
        self.is_in_step = false;
        why
    }
}

/// A connector for what rustls has made ready.
pub(super) fn connector(config: rustls::ClientConfig) -> TlsConnector {
    TlsConnector::from(Arc::new(config))
}
