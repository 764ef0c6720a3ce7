//! The line between a program and its database: it can be cut, fall silent, be led to another server, and shorten the time
//! after which the server ends a session that says nothing.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;

/// What the program asks for in the start-up of a session that holds claims, and as many bytes that mean one second.
const FIVE_MINUTES: &[u8] = b"'idle_session_timeout', '5min'";
const ONE_SECOND: &[u8] = b"'idle_session_timeout', '1000'";

/// What can become of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// Connections are closed, and new ones as well.
    Cut,
    /// Nothing comes through, and nobody is told.
    Silent,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Course {
    now: Option<Fault>,
    /// How many faults there were: a connection of before a fault does not outlive it, however short it was.
    faults: usize,
    last: Fault,
    to: PathBuf,
}

/// A running line on a port of 127.0.0.1; it ends when dropped.
pub struct Line {
    port: u16,
    course: watch::Sender<Course>,
    shortened: Arc<AtomicUsize>,
    accepting: tokio::task::JoinHandle<()>,
}

/// Whether sessions keep the time-out that they ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sessions {
    AsTheyAre,
    /// Five minutes of silence become one second.
    Shortened,
}

impl Line {
    /// To the server with this socket.
    pub async fn to(socket_dir: &Path, sessions: Sessions) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let to = socket(socket_dir);
        let course = watch::Sender::new(Course { now: None, faults: 0, last: Fault::Cut, to });
        let shortened = Arc::new(AtomicUsize::new(0));
        let (followed, counted) = (course.clone(), Arc::clone(&shortened));
        let accepting = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(carry(stream, followed.subscribe(), sessions, Arc::clone(&counted)));
                while connections.try_join_next().is_some() {}
            }
        });
        Self { port, course, shortened, accepting }
    }

    /// The address of a database behind it.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://qualwatch@127.0.0.1:{}/{database}", self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// How many sessions asked for the time-out that was shortened.
    pub fn shortened(&self) -> usize {
        self.shortened.load(Ordering::Relaxed)
    }

    /// Every connection is closed, and every new one at once.
    pub fn cut(&self) {
        self.fail(Fault::Cut);
    }

    /// From now on nothing comes through; nobody is told.
    pub fn fall_silent(&self) {
        self.fail(Fault::Silent);
    }

    fn fail(&self, fault: Fault) {
        self.course.send_modify(|course| {
            (course.now, course.last) = (Some(fault), fault);
            course.faults += 1;
        });
    }

    /// New connections come through again. What was silent stays so: its peer has long forgotten it.
    pub fn mend(&self) {
        self.course.send_modify(|course| course.now = None);
    }

    /// New connections go to another server; those that are open stay where they are.
    pub fn lead_to(&self, socket_dir: &Path) {
        self.course.send_modify(|course| course.to = socket(socket_dir));
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

fn socket(socket_dir: &Path) -> PathBuf {
    socket_dir.join(".s.PGSQL.5432")
}

async fn carry(
    near: TcpStream,
    mut course: watch::Receiver<Course>,
    sessions: Sessions,
    counted: Arc<AtomicUsize>,
) {
    let begun = course.borrow_and_update().clone();
    match begun.now {
        Some(Fault::Cut) => return,
        // Until the line is mended: then whoever dials may try anew.
        Some(Fault::Silent) => return drop((course.wait_for(|course| course.now.is_none()).await, near)),
        None => {}
    }
    let Ok(far) = UnixStream::connect(&begun.to).await else { return };
    let _ = near.set_nodelay(true);
    let (mut from_near, mut to_near) = near.into_split();
    let (mut from_far, mut to_far) = far.into_split();
    let there = async {
        let mut bytes = vec![0; 64 * 1024];
        loop {
            let length = from_near.read(&mut bytes).await.unwrap_or(0);
            if length == 0 {
                return;
            }
            let bytes = &mut bytes[..length];
            if sessions == Sessions::Shortened && shorten(bytes) {
                counted.fetch_add(1, Ordering::Relaxed);
            }
            if to_far.write_all(bytes).await.is_err() {
                return;
            }
        }
    };
    let fault = tokio::select! {
        () = there => None,
        _ = tokio::io::copy(&mut from_far, &mut to_near) => None,
        failed = course.wait_for(|course| course.faults > begun.faults) => failed.ok().map(|course| course.last),
    };
    if fault == Some(Fault::Silent) {
        // Both ends stay open until the test is over: a peer that has lost its power closes nothing.
        std::future::pending::<()>().await;
    }
}

fn shorten(bytes: &mut [u8]) -> bool {
    let place = bytes.windows(FIVE_MINUTES.len()).position(|window| window == FIVE_MINUTES);
    if let Some(place) = place {
        bytes[place..place + ONE_SECOND.len()].copy_from_slice(ONE_SECOND);
    }
    place.is_some()
}
