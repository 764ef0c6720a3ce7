//! A process that runs on: a daemon, or a command that waits. What it says is read all the time; it is killed when dropped.

use std::io::{BufRead as _, BufReader, Read};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use qualwatch::clock;

use super::program::Program;

/// Far longer than anything here takes; who waits in vain says for what.
const PATIENCE: Duration = Duration::from_mins(1);
const BETWEEN_LOOKS: Duration = Duration::from_millis(10);

/// Waits for a state, not for a time.
pub async fn until<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    let waiting = async {
        while !is_so().await {
            clock::pause(BETWEEN_LOOKS).await;
        }
    };
    clock::within(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("still not: {what}"));
}

/// Waits for what another thread does.
pub async fn in_time<T>(work: tokio::task::JoinHandle<T>) -> T {
    clock::within(PATIENCE, work).await.expect("it takes too long").unwrap()
}

pub struct Running {
    child: Child,
    said: Arc<Mutex<String>>,
    log: Arc<Mutex<String>>,
}

impl Running {
    pub fn start(program: &Program, arguments: &[&str]) -> Self {
        Self::spawn(program.command(arguments))
    }

    /// The same of any command.
    pub fn spawn(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let said = collect(child.stdout.take().unwrap());
        let log = collect(child.stderr.take().unwrap());
        Self { child, said, log }
    }

    pub fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap())
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Waits for these words in its log.
    pub async fn logged(&self, words: &str) {
        let waiting = async {
            while !self.log().contains(words) {
                clock::pause(BETWEEN_LOOKS).await;
            }
        };
        let heard = clock::within(PATIENCE, waiting).await.is_ok();
        assert!(heard, "{words:?} is not in the log: {}", self.log());
    }

    pub fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).unwrap();
    }

    /// Waits for its end; gives its exit code (or the signal that ended it, negative) and its log.
    pub async fn ended(self) -> (i32, String) {
        let (status, log) = self.exited().await;
        (status.code().unwrap_or_else(|| -status.signal().unwrap()), log)
    }

    /// The same, with all that the system says of its end.
    pub async fn exited(mut self) -> (ExitStatus, String) {
        let mut status = None;
        let waiting = async {
            while status.is_none() {
                status = self.child.try_wait().unwrap();
                clock::pause(BETWEEN_LOOKS).await;
            }
        };
        clock::within(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("it does not end: {}", self.log()));
        (status.unwrap(), self.log())
    }

    /// The same after a signal.
    pub async fn end(self, signal: Signal) -> (i32, String) {
        self.signal(signal);
        self.ended().await
    }

    /// What it has printed so far.
    pub fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("when the test failed it had logged: {}", self.log());
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn collect(stream: impl Read + Send + 'static) -> Arc<Mutex<String>> {
    let text = Arc::<Mutex<String>>::default();
    let collected = Arc::clone(&text);
    std::thread::spawn(move || {
        let mut stream = BufReader::new(stream);
        let mut line = Vec::new();
        while stream.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            collected.lock().unwrap().push_str(&String::from_utf8_lossy(&line));
            line.clear();
        }
    });
    text
}
