//! What monitors are shown, and the answers to them. They are given from what is known: a monitor that asks rings a bell, the daemon
//! reads when it hears it, and who waits for that in vain gets what was known before, marked as such. So whoever asks how often
//! ever, the rows are read at a pace of our own, and an answer takes no longer than [`ANSWER_WITHIN`].

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Serialize;
use tokio::sync::{Notify, watch};

use super::condition::Conditions;
use super::figures::Figures;
use super::metrics::{self, Ourselves};
use crate::clock::{Clock, monotonic, within};
use crate::config::{Http, Watchlist};
use crate::domain::health::{self, Facts, Problem, ShownProblem, Weight};
use crate::domain::rhythm::Missed;
use crate::domain::trouble_cause::Work;
use crate::http::exposition::CONTENT_TYPE;

/// Who asks waits so long for what is read.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);

/// What was read will do for so long, at least.
const FRESH_MIN: Duration = Duration::from_secs(5);

/// Reading for monitors is to take at most a hundredth of the time: what took long will do for long. No longer than this.
const FRESH_PER_COST: u32 = 100;
const FRESH_MAX: Duration = Duration::from_mins(1);

/// What monitors are shown.
pub struct Board {
    clock: Arc<dyn Clock>,
    started_at: DateTime<Utc>,
    pub(super) conditions: Arc<Conditions>,
    known: Mutex<Known>,
    /// Rings when figures are wanted.
    pub(super) wanted: Notify,
    /// How many readings have ended.
    read: watch::Sender<u64>,
    http: watch::Sender<Http>,
}

struct Known {
    stage: LifeStage,
    zone: Tz,
    accepted_at: Option<DateTime<Utc>>,
    missed: Missed,
    file_refused: Option<String>,
    figures: Option<Arc<Figures>>,
    reading: Option<Reading>,
}

/// How far the daemon's life is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LifeStage {
    Starting,
    /// Database and watchlist are in force.
    InForce,
    Ending,
}

/// The last reading.
#[derive(Debug, Clone)]
struct Reading {
    fresh_until: Instant,
    /// Why it failed.
    failure: Option<String>,
}

/// Whether what is answered was just read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Age {
    Fresh,
    Old,
}

impl Board {
    /// Before anything is known.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, watchlist: &Watchlist) -> Arc<Self> {
        let known = Known {
            stage: LifeStage::Starting,
            zone: watchlist.timezone,
            accepted_at: None,
            missed: Missed::default(),
            file_refused: None,
            figures: None,
            reading: None,
        };
        Arc::new(Self {
            started_at: clock.now(),
            clock,
            conditions: Arc::new(Conditions::unknown()),
            known: Mutex::new(known),
            wanted: Notify::new(),
            read: watch::Sender::new(0),
            http: watch::Sender::new(watchlist.http),
        })
    }

    /// `[http]` of the watchlist in force, as it changes.
    #[must_use]
    pub fn http(&self) -> watch::Receiver<Http> {
        self.http.subscribe()
    }

    /// What is answered where.
    pub fn router(self: &Arc<Self>) -> Router {
        Router::new()
            .route("/", get(|| async { answer(StatusCode::OK, "/metrics /health /healthz /readyz\n") }))
            .route("/healthz", get(|| async { answer(StatusCode::OK, "alive\n") }))
            .route("/readyz", get(readyz))
            .route("/health", get(health))
            .route("/metrics", get(metrics))
            .with_state(Arc::clone(self))
    }

    pub(super) fn is_now(&self, stage: LifeStage) {
        self.known().stage = stage;
    }

    /// A watchlist has come into force.
    pub(super) fn accepted(&self, watchlist: &Watchlist) {
        let mut known = self.known();
        (known.zone, known.accepted_at, known.file_refused) =
            (watchlist.timezone, Some(self.clock.now()), None);
        drop(known);
        self.http.send_if_modified(|http| std::mem::replace(http, watchlist.http) != watchlist.http);
    }

    /// A sweep has asked for companies whose lines had missed as much.
    pub(super) fn missed(&self, missed: Missed) {
        self.known().missed += missed;
    }

    /// The file is not in force, for this reason.
    pub(super) fn refused(&self, reason: &str) {
        let mut known = self.known();
        known.file_refused = Some(reason.to_owned());
        known.accepted_at.get_or_insert(self.started_at);
    }

    pub(super) fn file_refused(&self) -> Option<String> {
        self.known().file_refused.clone()
    }

    pub(super) fn is_fresh(&self) -> bool {
        self.known().reading.as_ref().is_some_and(|reading| monotonic() < reading.fresh_until)
    }

    /// Shows what a reading brought that took so long.
    pub(super) fn show(&self, read: Result<Figures, String>, took: Duration) {
        let mut known = self.known();
        let (failure, fresh_for) = match read {
            Ok(figures) => {
                known.figures = Some(Arc::new(figures));
                (None, (took * FRESH_PER_COST).clamp(FRESH_MIN, FRESH_MAX))
            }
            Err(reason) => (Some(reason), FRESH_MIN),
        };
        known.reading = Some(Reading { fresh_until: monotonic() + fresh_for, failure });
        drop(known);
        self.read.send_modify(|read| *read += 1);
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Nothing in here panics half-way through a change.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until what is known is fresh, but not for long.
    async fn refresh(&self) -> Age {
        let mut read = self.read.subscribe();
        if self.known().stage != LifeStage::InForce {
            return Age::Old;
        }
        if !self.is_fresh() {
            self.wanted.notify_one();
            if within(ANSWER_WITHIN, read.changed()).await.is_err() {
                return Age::Old;
            }
        }
        let has_failed = self.known().reading.as_ref().is_none_or(|reading| reading.failure.is_some());
        if has_failed { Age::Old } else { Age::Fresh }
    }

    /// What is not as it should be, as far as it is known; `None`: nothing is.
    fn problems(&self, age: Age) -> Option<Vec<Problem>> {
        let known = self.known();
        let mut failing_work = self.conditions.failing();
        if age == Age::Old && known.stage == LifeStage::InForce && failing_work.is_empty() {
            let failure = known.reading.as_ref().and_then(|reading| reading.failure.clone());
            let reason = failure.unwrap_or_else(|| "the database does not answer".to_owned());
            failing_work.push(format!("{} fails: {reason}", Work::LookingBack));
        }
        let file_refused = known.file_refused.clone();
        let Some(figures) = &known.figures else {
            let facts = Facts { failing_work, file_refused, ..Facts::default() };
            return (known.stage != LifeStage::Starting).then(|| health::problems(&facts, self.clock.now()));
        };
        if failing_work.is_empty() {
            failing_work.clone_from(&figures.service.facts.failing_work);
        }
        let facts = Facts { failing_work, file_refused, ..figures.service.facts.clone() };
        Some(health::problems(&facts, figures.read_at))
    }
}

async fn readyz(State(board): State<Arc<Board>>) -> Response {
    match board.known().stage {
        LifeStage::Starting => answer(StatusCode::SERVICE_UNAVAILABLE, "starting\n"),
        LifeStage::InForce => answer(StatusCode::OK, "ready\n"),
        LifeStage::Ending => answer(StatusCode::SERVICE_UNAVAILABLE, "ending\n"),
    }
}

async fn metrics(State(board): State<Arc<Board>>) -> Response {
    let age = board.refresh().await;
    let problems = board.problems(age);
    let (ourselves, figures) = {
        let known = board.known();
        let ourselves = Ourselves {
            started_at: board.started_at,
            is_ready: known.stage == LifeStage::InForce,
            is_database_up: age == Age::Fresh,
            is_file_accepted: known.file_refused.is_none(),
            accepted_at: known.accepted_at,
            missed: known.missed,
            zone: known.zone,
        };
        (ourselves, known.figures.clone())
    };
    let page = metrics::page(&ourselves, figures.as_deref(), problems.as_deref());
    let mut answer = answer(StatusCode::OK, page);
    answer.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(CONTENT_TYPE));
    answer
}

/// What `/health` answers: a contract, as the shapes of `--json`.
#[derive(Debug, Serialize)]
struct HealthShape {
    /// `ok`, `attention`, `failing`, or `starting`.
    status: &'static str,
    /// When the rows were read that say so; null: never yet.
    as_of: Option<DateTime<Utc>>,
    /// Whether the database answered just now.
    database: bool,
    problems: Vec<WeighedProblem>,
}

/// A problem as in `status --json`, with its weight.
#[derive(Debug, Serialize)]
struct WeighedProblem {
    #[serde(flatten)]
    problem: ShownProblem,
    weight: &'static str,
}

async fn health(State(board): State<Arc<Board>>) -> Response {
    let age = board.refresh().await;
    let problems = board.problems(age);
    let (zone, as_of) = {
        let known = board.known();
        (known.zone, known.figures.as_ref().map(|figures| figures.read_at))
    };
    let local = |at: DateTime<Utc>| at.with_timezone(&zone).format("%Y-%m-%d %H:%M").to_string();
    let status = match &problems {
        None => "starting",
        Some(problems) => match problems.iter().map(Problem::weight).max() {
            None => "ok",
            Some(weight) => metrics::named(weight),
        },
    };
    let is_well = problems
        .as_ref()
        .is_some_and(|problems| problems.iter().all(|problem| problem.weight() != Weight::Failing));
    let shapes = problems.unwrap_or_default().into_iter().map(|problem| WeighedProblem {
        problem: problem.shown(local),
        weight: metrics::named(problem.weight()),
    });
    let shape = HealthShape { status, as_of, database: age == Age::Fresh, problems: shapes.collect() };
    let code = if is_well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    answer(code, Json(shape))
}

/// An answer that nobody keeps or takes for a page.
fn answer(code: StatusCode, body: impl IntoResponse) -> Response {
    const NOT_A_PAGE: [(HeaderName, &str); 2] =
        [(header::CACHE_CONTROL, "no-store"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
    (code, NOT_A_PAGE, body).into_response()
}
