use std::io::Write as _;
use std::sync::Mutex;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::clock::{SystemClock, pause};
use crate::domain::outcome::Outcome;
use crate::juhe::transport::BODY_BYTES_MAX;

const KEY: &str = "CANARY0123456789abcdef/+CANARY";
const NAME: &str = "河南省建筑设计研究院有限公司";
const SUCCESS: &str = include_str!("../../../tests/it/fixtures/success.json");

/// What the imitation upstream does with a request once it has read it.
#[derive(Clone)]
enum Does {
    /// Sends these bytes and closes.
    Sends(Vec<u8>),
    /// Sends these bytes one by one, far apart.
    Drips(Vec<u8>),
    /// Closes without a byte.
    Closes,
}

/// A listener on loopback that records each request, heads and body, and always does the same.
struct Upstream {
    url: Url,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Upstream {
    async fn that(does: Does) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let record = Arc::clone(&requests);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, does.clone(), Arc::clone(&record)));
            }
        });
        Self { url: format!("http://{address}/opens/App/bqQualification/query").parse().unwrap(), requests }
    }

    async fn that_answers(head: &str, body: impl AsRef<[u8]>) -> Self {
        Self::that(Does::Sends(answer(head, body.as_ref()))).await
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

async fn serve(mut stream: TcpStream, does: Does, record: Arc<Mutex<Vec<String>>>) {
    let mut request = Vec::new();
    while !is_whole(&request) {
        if stream.read_buf(&mut request).await.unwrap_or(0) == 0 {
            return;
        }
    }
    record.lock().unwrap().push(String::from_utf8(request).unwrap());
    match does {
        Does::Sends(bytes) => {
            // The client may hang up early.
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
        }
        Does::Drips(bytes) => {
            for byte in bytes {
                if stream.write_all(&[byte]).await.is_err() {
                    return;
                }
                pause(Duration::from_millis(40)).await;
            }
        }
        Does::Closes => {}
    }
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    body.len() >= length.map_or(0, |length| length.parse().unwrap())
}

fn answer(head: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn settings(url: &Url) -> Settings {
    Settings {
        url: url.clone(),
        method: RequestMethod::Post,
        timeout: Duration::from_secs(5),
        request_gap: Duration::from_millis(1),
        key: Secret::parse(KEY).unwrap(),
    }
}

/// A reply, and what it says.
#[derive(Debug)]
struct Answer {
    raw: Vec<u8>,
    is_whole: bool,
    outcome: Result<AnswerPage, Failure>,
    /// All that a log could show of the reply.
    debug: String,
}

async fn ask_with(settings: Settings) -> Answer {
    let client = Client::new(settings, Arc::new(SystemClock::default())).unwrap();
    ask_by(&client).await
}

async fn ask_by(client: &Client) -> Answer {
    let reply = client.ask(&NAME.parse().unwrap(), NonZeroU16::new(3).unwrap()).await;
    let (is_whole, outcome) = (reply.is_whole(), client.judge(&reply));
    Answer { raw: reply.bytes().to_vec(), is_whole, outcome, debug: format!("{reply:?}") }
}

async fn ask(upstream: &Upstream) -> Answer {
    ask_with(settings(&upstream.url)).await
}

/// The failure of an answer, of which nothing may show the key.
fn failure(answer: Answer) -> Failure {
    let Answer { debug, outcome, .. } = &answer;
    let shown = format!("{debug} {outcome:?} {}", String::from_utf8_lossy(&answer.raw));
    assert!(!shown.contains("CANARY"), "{shown}");
    answer.outcome.unwrap_err()
}

#[tokio::test]
async fn post_sends_the_four_parameters_as_a_form_and_nothing_in_the_url() {
    let upstream = Upstream::that_answers("200 OK", SUCCESS).await;
    let answer = ask(&upstream).await;
    assert!(answer.is_whole);
    assert_eq!(answer.outcome.unwrap().items.len(), 5);
    assert_eq!(answer.raw, SUCCESS.as_bytes());
    let requests = upstream.requests();
    let [request] = &requests[..] else { panic!("one request: {requests:?}") };
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /opens/App/bqQualification/query HTTP/1.1\r\n"), "{head}");
    for line in [
        "content-type: application/x-www-form-urlencoded",
        "accept: application/json",
        "accept-encoding: gzip",
        concat!("user-agent: qualwatch/", env!("CARGO_PKG_VERSION")),
    ] {
        assert!(head.lines().any(|found| found == line), "{line} in {head}");
    }
    let fields: Vec<(String, String)> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let expected = [("key", KEY), ("keyword", NAME), ("pageNum", "3"), ("pageSize", "20")];
    assert_eq!(fields, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

#[tokio::test]
async fn get_sends_them_in_the_query_after_what_the_url_has() {
    let upstream = Upstream::that_answers("200 OK", SUCCESS).await;
    let mut url = upstream.url.clone();
    url.set_query(Some("v=2"));
    let answer = ask_with(Settings { method: RequestMethod::Get, ..settings(&url) }).await;
    assert!(answer.outcome.is_ok());
    let request = upstream.requests().remove(0);
    let target = request.split(' ').nth(1).unwrap();
    let query: Vec<_> = url.join(target).unwrap().query_pairs().into_owned().collect();
    let expected = [("v", "2"), ("key", KEY), ("keyword", NAME), ("pageNum", "3"), ("pageSize", "20")];
    assert!(request.starts_with("GET "), "{request}");
    assert_eq!(query, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

#[tokio::test]
async fn the_time_limit_covers_the_whole_answer_and_what_came_is_kept() {
    let upstream = Upstream::that(Does::Drips(answer("200 OK", SUCCESS.as_bytes()))).await;
    let answer = ask_with(Settings { timeout: Duration::from_millis(200), ..settings(&upstream.url) }).await;
    assert_eq!(answer.raw, b"", "the head alone takes longer");
    let dripped = failure(answer);
    assert_eq!((dripped.fault, dripped.class), (CallFault::TimedOut, Outcome::Transient));

    let started = [&b"HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n{\"key\":\"CANARY012345"[..]].concat();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        // An answer before the question would be refused as such.
        let _ = stream.read(&mut [0; 4096]).await.unwrap();
        stream.write_all(&started).await.unwrap();
        // Keeps the connection open for as long as the test runs.
        std::future::pending::<()>().await;
    });
    let answer = ask_with(Settings { timeout: Duration::from_secs(3), ..settings(&url) }).await;
    assert_eq!(String::from_utf8_lossy(&answer.raw), "{\"key\":\"************");
    assert_eq!(failure(answer).reason, "no whole answer within 3s");
}

#[tokio::test]
async fn a_body_that_breaks_off_is_no_answer_but_is_kept() {
    let half = &SUCCESS.as_bytes()[..SUCCESS.len() / 2];
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", SUCCESS.len());
    let upstream = Upstream::that(Does::Sends([head.as_bytes(), half].concat())).await;
    let answer = ask(&upstream).await;
    assert_eq!(answer.raw, half);
    assert!(!answer.is_whole, "what is missing may be anything");
    let broken = failure(answer);
    assert_eq!((broken.fault, broken.class), (CallFault::BrokeOff, Outcome::Transient));

    let upstream = Upstream::that(Does::Closes).await;
    let answer = ask(&upstream).await;
    assert_eq!(answer.raw, b"");
    assert_eq!(failure(answer).class, Outcome::Transient);
    assert_eq!(upstream.requests().len(), 1, "asked once only");
}

#[tokio::test]
async fn a_body_is_cut_at_its_limit_after_inflation() {
    let bomb = gzip(&vec![b' '; 64 * 1024 * 1024]);
    assert!(bomb.len() < 100 * 1024, "{}", bomb.len());
    for (head, body) in [("200 OK\r\ncontent-encoding: gzip", bomb), ("200 OK", vec![b' '; 5 * 1024 * 1024])]
    {
        let upstream = Upstream::that_answers(head, body).await;
        let answer = ask_with(Settings { timeout: Duration::from_mins(1), ..settings(&upstream.url) }).await;
        assert_eq!(answer.raw.len(), BODY_BYTES_MAX);
        let failure = failure(answer);
        assert_eq!((failure.fault, failure.class), (CallFault::TooLong, Outcome::Transient));
        assert_eq!(failure.reason, "the answer is longer than 4 MiB");
    }
    let upstream = Upstream::that_answers("200 OK\r\ncontent-encoding: gzip", gzip(SUCCESS.as_bytes())).await;
    assert_eq!(ask(&upstream).await.raw, SUCCESS.as_bytes(), "what is kept is inflated");
}

/// `bytes` as gzip: the tool is on every machine that this builds on, a library would be a dependency for one test.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut child = std::process::Command::new("gzip")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let bytes = bytes.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&bytes).unwrap());
    let compressed = child.wait_with_output().unwrap().stdout;
    writer.join().unwrap();
    compressed
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    for status in ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"] {
        let elsewhere = Upstream::that_answers("200 OK", SUCCESS).await;
        let location = format!("{}?key={KEY}", elsewhere.url);
        let upstream = Upstream::that_answers(&format!("{status}\r\nlocation: {location}"), "").await;
        let failure = failure(ask(&upstream).await);
        assert_eq!(failure.class, Outcome::Unknown);
        assert_eq!(failure.reason, format!("HTTP {}, redirected to host 127.0.0.1", &status[..3]));
        assert_eq!((upstream.requests().len(), elsewhere.requests().len()), (1, 0));
    }
}

#[tokio::test]
async fn statuses_and_web_pages_are_told_apart() {
    for (head, body, class, code, reason) in [
        ("503 Busy", "busy", Outcome::Transient, None, "HTTP 503, not JSON: busy"),
        ("429 Slow", "", Outcome::Quota, Some(10011), "HTTP 429, an empty body"),
        (
            "200 OK",
            "<html>hi",
            Outcome::Transient,
            None,
            "unreadable answer, a web page instead of JSON: <html>hi",
        ),
        ("403 No", "<html>hi", Outcome::Unknown, None, "HTTP 403, a web page instead of JSON: <html>hi"),
        ("500 Oh", r#"{"error_code":"10012","reason":"x"}"#, Outcome::Quota, Some(10012), "x"),
    ] {
        let upstream = Upstream::that_answers(head, body).await;
        let answer = ask(&upstream).await;
        assert_eq!(answer.is_whole, head.starts_with("200"), "{head}");
        let failure = failure(answer);
        assert_eq!((failure.class, failure.code, failure.reason.as_str()), (class, code, reason), "{head}");
        assert_eq!(upstream.requests().len(), 1, "{head}: asked once only");
    }
}

#[tokio::test]
async fn faulty_headers_do_not_lose_an_answer() {
    let head = "200 OK\r\nbad header here\r\nx-folded: a\r\n b\r\nx-space : c";
    let upstream = Upstream::that_answers(head, SUCCESS).await;
    assert!(ask(&upstream).await.outcome.is_ok());
}

#[tokio::test]
async fn a_key_that_is_echoed_is_never_shown_whatever_its_spelling() {
    let percent = percent_encoding::utf8_percent_encode(KEY, percent_encoding::NON_ALPHANUMERIC).to_string();
    let escaped = KEY.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect::<Vec<_>>().concat();
    for spelling in [
        KEY.to_owned(),
        KEY.replace('/', "\\/"),
        percent.to_lowercase().replace("canary", "CANARY"),
        percent,
        escaped,
        STANDARD.encode(KEY),
        STANDARD.encode(format!("x:{KEY}")),
    ] {
        for body in [
            format!(r#"{{"result":"{spelling}","reason":"bad key {spelling}","error_code":10001}}"#),
            format!("<html>key={spelling}</html>"),
            format!(r#"{{"error_code":0,"result":{{"total":1,"items":[{{"organ":"{spelling}"}}]}}}}"#),
        ] {
            let upstream = Upstream::that_answers("200 OK", &body).await;
            let answer = ask(&upstream).await;
            let shown = format!("{answer:?} {}", String::from_utf8_lossy(&answer.raw));
            assert!(!shown.contains(&spelling) && !shown.contains("CANARY"), "{body}: {shown}");
            assert_eq!(answer.raw.len(), body.len());
        }
    }
}

#[tokio::test]
async fn a_refused_connection_shows_neither_url_nor_key() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url: Url = format!("http://{}/secret-path", listener.local_addr().unwrap()).parse().unwrap();
    drop(listener);
    let answer = ask_with(Settings { method: RequestMethod::Get, ..settings(&url) }).await;
    assert!(!format!("{answer:?}").contains("secret-path"), "{answer:?}");
    let failure = failure(answer);
    assert_eq!((failure.fault, failure.class), (CallFault::Connect, Outcome::Transient));
    assert!(
        failure.reason.starts_with("no connection to 127.0.0.1: Connection refused"),
        "{}",
        failure.reason
    );
}

/// Answers the first request of each connection, and closes it at the second without an answer. Counts the requests.
async fn that_closes_at_the_second() -> (Url, Arc<Mutex<usize>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    let requests = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&requests);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let counted = Arc::clone(&counted);
            tokio::spawn(async move {
                for is_answered in [true, false] {
                    let mut request = Vec::new();
                    while !is_whole(&request) {
                        if stream.read_buf(&mut request).await.unwrap_or(0) == 0 {
                            return;
                        }
                    }
                    *counted.lock().unwrap() += 1;
                    if is_answered {
                        stream.write_all(&answer("200 OK", SUCCESS.as_bytes())).await.unwrap();
                    }
                }
            });
        }
    });
    (url, requests)
}

#[tokio::test]
async fn a_server_that_closes_at_each_second_request_costs_no_call_twice() {
    for (request_gap, lost, why) in [
        (Duration::from_millis(500), 0, "a usual pace: each request has a connection of its own"),
        (Duration::from_millis(1), 0, "a thousand a second"),
        (Duration::from_micros(10), 1, "so fast that connections are kept: until the first is lost"),
    ] {
        let (url, requests) = that_closes_at_the_second().await;
        let client =
            Client::new(Settings { request_gap, ..settings(&url) }, Arc::new(SystemClock::default()))
                .unwrap();
        let mut failed = 0;
        for _ in 0..4 {
            failed += usize::from(ask_by(&client).await.outcome.is_err());
        }
        assert_eq!((failed, *requests.lock().unwrap()), (lost, 4), "{why}");
    }
}

#[tokio::test]
async fn names_of_encodings_know_no_case() {
    for head in ["gzip", "GZIP", "x-gzip", "Gzip, identity", "gzip\r\ncontent-encoding: gzip", "utf-8"] {
        let upstream =
            Upstream::that_answers(&format!("200 OK\r\ncontent-encoding: {head}"), gzip(SUCCESS.as_bytes()))
                .await;
        assert!(ask(&upstream).await.outcome.is_ok(), "{head}");
    }
}

#[tokio::test]
async fn requests_keep_their_distance_over_all_callers() {
    let upstream = Upstream::that_answers("200 OK", SUCCESS).await;
    let slow = Settings { request_gap: Duration::from_millis(500), ..settings(&upstream.url) };
    let client = Client::new(slow, Arc::new(SystemClock::default())).unwrap();
    let (keyword, page) = (NAME.parse().unwrap(), NonZeroU16::MIN);
    let asking = futures_util::future::join_all((0..5).map(|_| client.ask(&keyword, page)));
    within(Duration::from_millis(900), asking).await.unwrap_err();
    assert!((1..=2).contains(&upstream.requests().len()), "{}", upstream.requests().len());
}

#[test]
fn a_fingerprint_changes_with_salt_key_and_address() {
    let url: Url = "http://127.0.0.1/".parse().unwrap();
    let of = |settings: Settings, salt: &[u8]| {
        Client::new(settings, Arc::new(SystemClock::default())).unwrap().key_fingerprint(salt)
    };
    let first = of(settings(&url), b"salt");
    assert_eq!(first, of(settings(&url), b"salt"));
    assert!(first.len() == 64 && !first.contains("CANARY"));
    let other_key = Settings { key: Secret::parse("other").unwrap(), ..settings(&url) };
    let other_url = settings(&"http://127.0.0.1/x".parse().unwrap());
    for other in [of(settings(&url), b"tlas"), of(other_key, b"salt"), of(other_url, b"salt")] {
        assert_ne!(first, other);
    }
}

#[tokio::test]
async fn tls_trouble_is_told_from_other_trouble() {
    let upstream = Upstream::that(Does::Sends(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec())).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    let https = format!("https://{address}/").parse().unwrap();
    let Ok(client) = Client::new(settings(&https), Arc::new(SystemClock::default())) else {
        return; // This machine has no CA certificates.
    };
    let failed = failure(ask_by(&client).await);
    assert!(failed.is_tls(), "{failed:?}");
    assert_eq!(failed.class, Outcome::Transient);
    assert!(!failure(ask(&upstream).await).is_tls());
}

/// Run by the test below in a process of its own, which sees no certificates.
#[test]
#[ignore = "needs an environment without CA certificates"]
fn without_ca_certificates() {
    let new = |url: &str| Client::new(settings(&url.parse().unwrap()), Arc::new(SystemClock::default()));
    assert!(new("http://v.juhe.cn/").is_ok(), "http:// needs none");
    let error = new("https://v.juhe.cn/").err().unwrap();
    assert!(error.advice().unwrap().contains("ca-certificates"), "{error:?}");
}

#[test]
fn missing_ca_certificates_are_named_and_matter_to_https_only() {
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "juhe::client::tests::without_ca_certificates"])
        .env("SSL_CERT_FILE", "/dev/null")
        .env("SSL_CERT_DIR", "/nonexistent")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
fn other_schemes_are_refused() {
    let ftp = settings(&"ftp://v.juhe.cn/".parse().unwrap());
    let error = Client::new(ftp, Arc::new(SystemClock::default())).err().unwrap();
    assert_eq!(error.to_string(), "the provider's address begins with ftp:, not with http: or https:");
    assert!(error.advice().is_some());
}

#[test]
fn loopback_is_known_by_name_and_number() {
    for (url, expected) in [
        ("http://127.0.0.1:1/", true),
        ("http://127.9.9.9/", true),
        ("http://[::1]/", true),
        ("http://LOCALHOST/", true),
        ("http://sandbox.localhost/", true),
        ("http://v.juhe.cn/", false),
        ("http://localhost.example.net/", false),
        ("http://10.0.0.1/", false),
    ] {
        assert_eq!(is_loopback(&url.parse().unwrap()), expected, "{url}");
    }
}
