//! A pooler before the server: a simulated year opens a thousand connections, and a back end that is started for each costs
//! the server more than all that is then done in it. What a connection leaves behind (locks, a transaction, statements)
//! ends with it here as there: the back end is cleared before the next one gets it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use qualwatch::clock::within;
use sqlx::postgres::PgConnectOptions;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};

/// `Terminate`: its client goes politely.
const TERMINATE: &[u8] = b"X\0\0\0\x04";
/// `Sync`, for a client that went in the middle.
const SYNC: &[u8] = b"S\0\0\0\x04";
/// `ReadyForQuery`, outside of a transaction.
const READY: &[u8] = b"Z\0\0\0\x05I";
/// Answered when all before it is done with.
const MARKER: &str = "cleared-7c1f0b52";
/// A back end that is not cleared by then is given up.
const CLEARED_WITHIN: Duration = Duration::from_secs(5);

/// Back ends without a client, by what their clients said first: user, database, settings.
type Idle = Arc<Mutex<HashMap<Vec<u8>, Vec<BackEnd>>>>;

/// A pooler that runs until it is dropped.
pub struct Pooler {
    directory: TempDir,
    accepting: tokio::task::JoinHandle<()>,
}

struct BackEnd {
    stream: UnixStream,
    /// What it said until it was ready for the first time.
    greeting: Vec<u8>,
}

impl Pooler {
    /// Before the server whose socket is in that directory.
    pub fn before(socket_dir: &Path) -> Self {
        let directory = tempfile::Builder::new().prefix("qualwatch-pooler-").tempdir().unwrap();
        let listener = UnixListener::bind(directory.path().join(".s.PGSQL.5432")).unwrap();
        let (server, idle) = (socket_dir.join(".s.PGSQL.5432"), Idle::default());
        let accepting = tokio::spawn(async move {
            // Dropped with this task, and the connections with it.
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                connections.spawn(serve(client, server.clone(), Arc::clone(&idle)));
                while connections.try_join_next().is_some() {}
            }
        });
        Self { directory, accepting }
    }

    /// How to reach the same database through it.
    pub fn through(&self, options: PgConnectOptions) -> PgConnectOptions {
        options.socket(self.directory.path())
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// One client, from its first word to its last. Whatever fails here ends the connection, as a server's failure would.
async fn serve(mut client: UnixStream, server: PathBuf, idle: Idle) -> Option<()> {
    let hello = hello(&mut client).await?;
    let mut back_end = match take(&idle, &hello) {
        Some(back_end) => back_end,
        None => start(&server, &hello).await?,
    };
    client.write_all(&back_end.greeting).await.ok()?;
    relay(&mut client, &mut back_end.stream).await?;
    within(CLEARED_WITHIN, clear(&mut back_end.stream)).await.ok()??;
    idle.lock().unwrap().entry(hello).or_default().push(back_end);
    Some(())
}

/// The message without a type that every client begins with.
async fn hello(client: &mut UnixStream) -> Option<Vec<u8>> {
    let length = usize::try_from(client.read_u32().await.ok()?).ok()?;
    let mut hello = vec![0; length.checked_sub(4)?];
    client.read_exact(&mut hello).await.ok()?;
    Some(hello)
}

/// One that lives: it has nothing to say.
fn take(idle: &Idle, hello: &[u8]) -> Option<BackEnd> {
    let mut idle = idle.lock().unwrap();
    let fitting = idle.get_mut(hello)?;
    while let Some(back_end) = fitting.pop() {
        let said = back_end.stream.try_read(&mut [0; 1]);
        if said.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock) {
            return Some(back_end);
        }
    }
    None
}

async fn start(server: &Path, hello: &[u8]) -> Option<BackEnd> {
    let mut stream = UnixStream::connect(server).await.ok()?;
    stream.write_u32(u32::try_from(hello.len() + 4).ok()?).await.ok()?;
    stream.write_all(hello).await.ok()?;
    let mut greeting = Vec::new();
    while !greeting.ends_with(READY) {
        if stream.read_buf(&mut greeting).await.ok()? == 0 {
            return None;
        }
    }
    Some(BackEnd { stream, greeting })
}

/// Until the client has gone; `None` when it was the server.
async fn relay(client: &mut UnixStream, back_end: &mut UnixStream) -> Option<()> {
    let (mut asked, mut answered) = (Vec::with_capacity(1 << 14), Vec::with_capacity(1 << 14));
    loop {
        tokio::select! {
            read = client.read_buf(&mut asked) => {
                if read.unwrap_or(0) == 0 || asked == TERMINATE {
                    return Some(());
                }
                back_end.write_all(&asked).await.ok()?;
                asked.clear();
            }
            read = back_end.read_buf(&mut answered) => {
                let is_over = read.unwrap_or(0) == 0;
                // A client that has gone does not take its answer.
                let _ = client.write_all(&answered).await;
                if is_over {
                    return None;
                }
                answered.clear();
            }
        }
    }
}

async fn clear(back_end: &mut UnixStream) -> Option<()> {
    let mut bytes = SYNC.to_vec();
    for statement in ["ROLLBACK", "DISCARD ALL", &format!("SELECT '{MARKER}'")] {
        bytes.push(b'Q');
        bytes.extend(u32::try_from(statement.len() + 5).unwrap().to_be_bytes());
        bytes.extend(statement.as_bytes());
        bytes.push(0);
    }
    back_end.write_all(&bytes).await.ok()?;
    let mut said = Vec::new();
    loop {
        let is_marked = said.windows(MARKER.len()).any(|window| window == MARKER.as_bytes());
        if is_marked && said.ends_with(READY) {
            return Some(());
        }
        if back_end.read_buf(&mut said).await.ok()? == 0 {
            return None;
        }
    }
}
