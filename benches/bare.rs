//! The ceiling of the benchmarks: the product's HTTP client and nothing else.
//!
//! It asks for each keyword once and throws the body away. reqwest is built with the features of the product and set up as in
//! `src/juhe/client.rs`; the runtime has one thread, which is its fastest form for so little work.
//!
//! `bare URL FILE_WITH_KEYWORDS CONCURRENCY`; prints calls and bytes as JSON.

use std::io::{self, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context as _;
use reqwest::Client;
use reqwest::header::{ACCEPT, HeaderMap, HeaderValue};

/// The product's, so that the ceiling is not lower for want of it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What the workers share.
struct Job {
    client: Client,
    url: String,
    keywords: Vec<String>,
    next: AtomicUsize,
}

fn main() -> anyhow::Result<()> {
    // `cargo bench` adds an argument of its own.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let [url, file, concurrency] = arguments.as_slice() else {
        anyhow::bail!("usage: bare URL FILE_WITH_KEYWORDS CONCURRENCY");
    };
    let keywords = std::fs::read_to_string(file).with_context(|| format!("reading {file}"))?;
    let keywords = keywords.lines().map(str::to_owned).collect();
    let job = Job { client: client()?, url: url.clone(), keywords, next: AtomicUsize::new(0) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (calls, bytes) = runtime.block_on(ask_all(Arc::new(job), concurrency.parse()?))?;
    writeln!(io::stdout(), "{}", serde_json::json!({ "calls": calls, "bytes": bytes }))?;
    Ok(())
}

fn client() -> anyhow::Result<Client> {
    // reqwest wants one also where nothing is encrypted.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let accept = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))]);
    let builder = Client::builder()
        .user_agent(concat!("qualwatch/", env!("CARGO_PKG_VERSION")))
        .default_headers(accept)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
        .tls_certs_only(std::iter::empty())
        .no_proxy();
    Ok(builder.build()?)
}

async fn ask_all(job: Arc<Job>, concurrency: usize) -> anyhow::Result<(usize, usize)> {
    let workers: Vec<_> = (0..concurrency).map(|_| tokio::spawn(ask_some(Arc::clone(&job)))).collect();
    let (mut calls, mut bytes) = (0, 0);
    for worker in workers {
        let (some_calls, some_bytes) = worker.await??;
        calls += some_calls;
        bytes += some_bytes;
    }
    Ok((calls, bytes))
}

async fn ask_some(job: Arc<Job>) -> anyhow::Result<(usize, usize)> {
    let (mut calls, mut bytes) = (0, 0);
    while let Some(keyword) = job.keywords.get(job.next.fetch_add(1, Ordering::Relaxed)) {
        let form = [("key", "bench"), ("keyword", keyword), ("pageNum", "1"), ("pageSize", "20")];
        let mut response = job.client.post(&job.url).form(&form).send().await?;
        anyhow::ensure!(response.status().is_success(), "HTTP {}", response.status());
        while let Some(chunk) = response.chunk().await? {
            bytes += chunk.len();
        }
        calls += 1;
    }
    Ok((calls, bytes))
}
