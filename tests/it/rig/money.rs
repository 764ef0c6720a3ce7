//! The money ledger: a proxy between the program and the imitation upstream that writes down every request before it goes on.
//! What is in it has left the program, and would have been paid, whatever became of the answer.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use url::Url;

/// One request that left the program.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Paid {
    pub keyword: String,
    pub page: String,
    pub key: String,
}

/// Which requests go on, by their place in the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Passing {
    All,
    Until(usize),
}

struct Shared {
    upstream: SocketAddr,
    ledger: Mutex<Vec<Paid>>,
    passing: watch::Sender<Passing>,
}

/// A running proxy on a port of 127.0.0.1; it ends when dropped.
pub struct Money {
    url: String,
    shared: Arc<Shared>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Money {
    /// In front of the upstream at this address.
    pub async fn before(upstream: &str) -> Self {
        let mut url = Url::parse(upstream).unwrap();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let upstream = url.socket_addrs(|| None).unwrap()[0];
        url.set_port(Some(listener.local_addr().unwrap().port())).unwrap();
        let (ledger, passing) = (Mutex::default(), watch::Sender::new(Passing::All));
        let shared = Arc::new(Shared { upstream, ledger, passing });
        let conversing = Arc::clone(&shared);
        let accepting = tokio::spawn(async move {
            let mut conversations = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                conversations.spawn(converse(stream, Arc::clone(&conversing)));
                while conversations.try_join_next().is_some() {}
            }
        });
        Self { url: url.to_string(), shared, accepting }
    }

    /// What the watchlist names.
    pub fn url(&self) -> &str {
        &self.url
    }

    fn ledger(&self) -> MutexGuard<'_, Vec<Paid>> {
        self.shared.ledger.lock().unwrap()
    }

    /// How many requests have left.
    pub fn paid(&self) -> usize {
        self.ledger().len()
    }

    /// How often each company and page was asked for.
    pub fn by_company(&self) -> BTreeMap<(String, String), usize> {
        let mut asked = BTreeMap::new();
        for paid in self.ledger().iter() {
            *asked.entry((paid.keyword.clone(), paid.page.clone())).or_default() += 1;
        }
        asked
    }

    /// The keys that were asked with, in order.
    pub fn keys(&self) -> Vec<String> {
        self.ledger().iter().map(|paid| paid.key.clone()).collect()
    }

    /// The first `count` requests pass; those after them are written down, and wait for [`Self::pass`].
    pub fn hold_after(&self, count: usize) {
        self.shared.passing.send_replace(Passing::Until(count));
    }

    /// All pass, also those that wait.
    pub fn pass(&self) {
        self.shared.passing.send_replace(Passing::All);
    }
}

impl Drop for Money {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// One request a connection: simple, and nothing is pooled on either side.
async fn converse(stream: TcpStream, shared: Arc<Shared>) {
    let mut stream = BufReader::new(stream);
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read_until(b'\n', &mut head).await.unwrap_or(0) == 0 {
            return;
        }
    }
    let head = String::from_utf8(head).unwrap();
    let mut body = vec![0; length(&head)];
    if stream.read_exact(&mut body).await.is_err() {
        return;
    }
    let place = {
        let mut ledger = shared.ledger.lock().unwrap();
        ledger.push(read(&head, &body));
        ledger.len()
    };
    let passes = |passing: &Passing| {
        *passing == Passing::All || matches!(passing, Passing::Until(count) if place <= *count)
    };
    if shared.passing.subscribe().wait_for(passes).await.is_err() {
        return;
    }
    let Ok(mut upstream) = TcpStream::connect(shared.upstream).await else { return };
    let request = [last_on_its_connection(&head).as_bytes(), &body].concat();
    if upstream.write_all(&request).await.is_ok() {
        let _ = tokio::io::copy(&mut upstream, stream.get_mut()).await;
        let _ = stream.get_mut().shutdown().await;
    }
}

fn length(head: &str) -> usize {
    let value = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().unwrap())
    });
    value.unwrap_or(0)
}

fn last_on_its_connection(head: &str) -> String {
    let is_kept = |line: &&str| !line.to_ascii_lowercase().starts_with("connection:");
    let lines: Vec<&str> = head.trim_end().split("\r\n").filter(is_kept).collect();
    format!("{}\r\nconnection: close\r\n\r\n", lines.join("\r\n"))
}

fn read(head: &str, body: &[u8]) -> Paid {
    let query =
        head.split(' ').nth(1).and_then(|target| target.split_once('?')).map_or("", |(_, query)| query);
    let encoded = if body.is_empty() { query.as_bytes() } else { body };
    let parameters: BTreeMap<_, _> = url::form_urlencoded::parse(encoded).into_owned().collect();
    let of = |name: &str| parameters.get(name).cloned().unwrap_or_default();
    Paid { keyword: of("keyword"), page: of("pageNum"), key: of("key") }
}
