//! The server: carries out what [`answer`] decides, and keeps the ledger.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::State;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use chrono::{DateTime, Utc};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::answer::{PlayedAnswer, Question, answer, fault_for};
use super::document::PATH;
use super::error::SandboxError;
use super::response::response;
use super::scenario::Scenario;
use crate::clock::{Clock, pause, within};

/// Far more than four parameters need.
const FORM_BYTES_MAX: usize = 64 * 1024;
/// The ledger keeps the newest: a long run must not grow without end. The count goes on.
const LEDGER_ENTRIES_MAX: usize = 200_000;
/// How long open connections get to end when the server stops.
const STOP_LIMIT: Duration = Duration::from_secs(2);

/// A request as it arrived, and the code it was answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// When it arrived, by the clock that was handed in.
    pub at: DateTime<Utc>,
    /// `GET`, `POST`, or whatever came.
    pub method: String,
    /// The keyword, trimmed; `None` when there was none.
    pub keyword: Option<String>,
    /// The page asked for: 1 when none was named, `None` when what was named is not a page.
    pub page: Option<usize>,
    /// Whether the scenario knows the key. The key itself is not kept.
    pub key_accepted: bool,
    /// The `error_code` of the answer; `None` where the answer has none, or is given word by word.
    pub error_code: Option<u32>,
}

/// A running imitation. It ends with [`Sandbox::stop`], or in the background when dropped.
pub struct Sandbox {
    address: SocketAddr,
    shared: Arc<Shared>,
    stopping: DropGuard,
    server: JoinHandle<()>,
}

struct Shared {
    clock: Arc<dyn Clock>,
    stopping: CancellationToken,
    state: Mutex<ServerState>,
}

struct ServerState {
    scenario: Arc<Scenario>,
    /// How many requests each fault has met, in the order of the scenario.
    spent: Vec<u32>,
    arrived: u64,
    ledger: VecDeque<Request>,
}

impl Sandbox {
    /// Starts a server; port 0 takes any free one. It answers when this returns.
    ///
    /// # Errors
    /// [`SandboxError::NotLoopback`] and [`SandboxError::Listen`].
    pub async fn start(
        scenario: Scenario,
        address: SocketAddr,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SandboxError> {
        if !address.ip().is_loopback() {
            return Err(SandboxError::NotLoopback(address));
        }
        let failed = |source| SandboxError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let stopping = CancellationToken::new();
        let state = Mutex::new(ServerState {
            spent: vec![0; scenario.faults.len()],
            scenario: Arc::new(scenario),
            arrived: 0,
            ledger: VecDeque::new(),
        });
        let shared = Arc::new(Shared { clock, stopping: stopping.clone(), state });
        let router = Router::new().fallback(serve).with_state(Arc::clone(&shared));
        let stopped = stopping.clone().cancelled_owned();
        let server = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(stopped).await {
                tracing::error!(%error, "the imitation of the API ended");
            }
        });
        Ok(Self { address, shared, stopping: stopping.drop_guard(), server })
    }

    /// Where it answers: the whole address, as `[api].url` wants it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}{PATH}", self.address)
    }

    /// How many requests have arrived, of all kinds: what would have been paid for.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.shared.state().arrived
    }

    /// The requests in the order of their arrival, of a very long run the newest.
    #[must_use]
    pub fn ledger(&self) -> Vec<Request> {
        self.shared.state().ledger.iter().cloned().collect()
    }

    /// Answers by `scenario` from the next request on; what `times` has counted begins anew, the ledger goes on.
    pub fn replace(&self, scenario: Scenario) {
        let mut state = self.shared.state();
        state.spent = vec![0; scenario.faults.len()];
        state.scenario = Arc::new(scenario);
    }

    /// Stops listening and ends open connections, slow ones too.
    pub async fn stop(self) {
        let Self { mut server, stopping, .. } = self;
        drop(stopping);
        if within(STOP_LIMIT, &mut server).await.is_err() {
            server.abort();
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, ServerState> {
        // Nothing in here panics half-way through a change; a poisoned state is as good as any.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Decides and records in one step, so that `times = 1` meets one of two requests that come at once.
    fn answer(&self, method: &Method, asked: &Question) -> PlayedAnswer {
        let now = self.clock.now();
        let mut state = self.state();
        let scenario = Arc::clone(&state.scenario);
        let met = fault_for(&scenario, asked, now, &state.spent);
        if let Some(spent) = met.and_then(|index| state.spent.get_mut(index)) {
            *spent = spent.saturating_add(1);
        }
        let answer = answer(&scenario, asked, now, met.and_then(|index| scenario.faults.get(index)));
        state.record(Request {
            at: now,
            method: method.to_string(),
            keyword: asked.keyword.clone(),
            page: asked.page(),
            key_accepted: asked.key.as_deref().is_some_and(|key| scenario.accepts(key)),
            error_code: answer.error_code,
        });
        answer
    }

    /// For what is not a query at all: counted, and answered as a web server does.
    fn turn_away(&self, method: &Method, status: StatusCode) -> PlayedAnswer {
        let at = self.clock.now();
        self.state().record(Request {
            at,
            method: method.to_string(),
            keyword: None,
            page: None,
            key_accepted: false,
            error_code: None,
        });
        PlayedAnswer::status_page(status)
    }
}

impl ServerState {
    fn record(&mut self, request: Request) {
        self.arrived += 1;
        if self.ledger.len() == LEDGER_ENTRIES_MAX {
            self.ledger.pop_front();
        }
        self.ledger.push_back(request);
    }
}

async fn serve(State(shared): State<Arc<Shared>>, request: axum::extract::Request) -> Response {
    let (head, body) = request.into_parts();
    let answer = if head.uri.path() != PATH {
        shared.turn_away(&head.method, StatusCode::NOT_FOUND)
    } else if head.method == Method::GET {
        shared.answer(&head.method, &Question::parse(head.uri.query().unwrap_or_default().as_bytes()))
    } else if head.method == Method::POST {
        match to_bytes(body, FORM_BYTES_MAX).await {
            Ok(form) if is_form(head.headers.get(header::CONTENT_TYPE)) => {
                shared.answer(&head.method, &Question::parse(&form))
            }
            // The document names one content type; a form in another is no form.
            Ok(_) => shared.answer(&head.method, &Question::default()),
            Err(_) => shared.turn_away(&head.method, StatusCode::PAYLOAD_TOO_LARGE),
        }
    } else {
        shared.turn_away(&head.method, StatusCode::METHOD_NOT_ALLOWED)
    };
    let stopping = shared.stopping.clone();
    if !answer.delay.is_zero() {
        let _ = stopping.run_until_cancelled(pause(answer.delay)).await;
    }
    response(answer, stopping)
}

fn is_form(content_type: Option<&HeaderValue>) -> bool {
    let text = content_type.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = text.split(';').next().unwrap_or_default().trim();
    media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}
