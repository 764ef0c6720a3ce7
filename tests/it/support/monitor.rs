//! A monitor: asks over HTTP, one request a connection, and reads the text form of metrics.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use qualwatch::clock;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::running::Running;

/// Longer than any answer may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// An answer.
#[derive(Debug)]
pub struct Answered {
    pub code: u16,
    pub head: String,
    pub body: String,
}

impl Answered {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The value of this name with labels.
    pub fn metric(&self, name: &str) -> Option<String> {
        self.metrics().remove(name)
    }

    /// Name with labels, and value.
    pub fn metrics(&self) -> BTreeMap<String, String> {
        let lines = self.body.lines().filter(|line| !line.starts_with('#'));
        lines
            .map(|line| {
                let (name, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line}"));
                value.parse::<f64>().unwrap_or_else(|_| panic!("{line}"));
                (name.to_owned(), value.to_owned())
            })
            .collect()
    }
}

/// Where a daemon says that it listens, for the nth time.
pub async fn place(daemon: &Running, nth: usize) -> SocketAddr {
    const SAID: &str = "place=127.0.0.1:";
    super::running::until("it listens", || async { daemon.log().matches(SAID).count() >= nth }).await;
    let log = daemon.log();
    let said = log.match_indices(SAID).nth(nth - 1).unwrap().0 + SAID.len();
    let port: String = log[said..].chars().take_while(char::is_ascii_digit).collect();
    SocketAddr::from(([127, 0, 0, 1], port.parse().unwrap()))
}

/// Gets this path.
pub async fn get(place: SocketAddr, path: &str) -> Answered {
    send(place, &format!("GET {path} HTTP/1.1\r\nhost: {place}\r\n\r\n")).await
}

/// Sends these bytes and reads all that comes.
pub async fn send(place: SocketAddr, request: &str) -> Answered {
    let conversation = async {
        let mut stream = TcpStream::connect(place).await.unwrap();
        // It may be cut before all is sent.
        let _ = stream.write_all(request.as_bytes()).await;
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes).await;
        String::from_utf8(bytes).unwrap()
    };
    let text = clock::within(PATIENCE, conversation).await.expect("no answer takes so long");
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let code = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or_default();
    Answered { code, head: head.to_lowercase(), body: body.to_owned() }
}
