//! What a scenario takes place in: upstream behind the money ledger, the mail ledger, a database, a clock that the test moves;
//! and a daemon in this very process, for faults that last for hours.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use qualwatch::clock::{self, Clock as _};
use qualwatch::config;
use qualwatch::daemon::{Beginning, Daemon, Surroundings};
use qualwatch::private_postgres::PrivatePostgres;
use qualwatch::sandbox::Scenario;
use qualwatch::store::Store;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::money::Money;
use super::server::Server;
use crate::support::program::Program;
use crate::support::running::until;
use crate::support::scene::{KEY, OPERATOR, READER, Scene};

/// How many companies the rig's daemons ask for at once.
pub const CONCURRENCY: usize = 2;

/// The longest that a step of the daemon takes in real time, for whoever moves its clock: a connection that is refused.
const A_LOOK: Duration = Duration::from_secs(2);
const LOOKS_MAX: usize = 60;

/// For how long work may not get on before a daemon gives it up.
const HALF_AN_HOUR: Duration = Duration::from_mins(30);
const SOME_SECONDS: Duration = Duration::from_secs(15);

pub struct Rig {
    pub scene: Scene,
    pub money: Money,
    /// What the watchlist names; `None`: the cast and its story.
    keywords: Option<Vec<String>>,
}

impl Rig {
    /// The cast and its story.
    pub async fn set() -> Self {
        Self::before(Scene::set().await, None).await
    }

    /// Another upstream, all of whose companies are watched.
    pub async fn with(scenario: &str) -> Self {
        let keywords = Scenario::parse(scenario).unwrap().keywords().map(str::to_owned).collect();
        Self::before(Scene::with(scenario).await, Some(keywords)).await
    }

    async fn before(scene: Scene, keywords: Option<Vec<String>>) -> Self {
        let money = Money::before(&scene.sandbox.url()).await;
        Self { scene, money, keywords }
    }

    /// The rows are looked at on this server from now on.
    pub async fn lives_on(self, server: &Server) -> Self {
        self.lives_at(server.options()).await
    }

    /// The same of whatever is found there.
    pub async fn lives_at(mut self, options: PgConnectOptions) -> Self {
        let pool = PgPoolOptions::new().max_connections(4);
        self.scene.world.pool = pool.connect_with(options.application_name("the test")).await.unwrap();
        self
    }

    pub fn watchlist(&self) -> String {
        let Some(keywords) = &self.keywords else {
            return self.scene.watchlist().replace(self.scene.sandbox.url().as_str(), self.money.url());
        };
        self.naming(keywords)
    }

    /// The first companies only.
    pub fn first(&self, count: usize) -> String {
        self.naming(&self.keywords.as_ref().unwrap()[..count])
    }

    fn naming(&self, keywords: &[String]) -> String {
        let companies: String =
            keywords.iter().flat_map(|keyword| ["[[company]]\nkeyword = \"", keyword, "\"\n"]).collect();
        format!(
            "[api]\nurl = \"{}\"\nrequests_per_second = 1000\nconcurrency = {CONCURRENCY}\ncalls_per_day = 0\n\n\
             [email]\nsmtp = \"smtp://127.0.0.1:{}\"\nfrom = \"资质监控 <alerts@example.com>\"\n\
             to = [\"{READER}\"]\noperators = [\"{OPERATOR}\"]\n\n{companies}",
            self.money.url(),
            self.scene.sink.port(),
        )
    }

    pub fn keywords(&self) -> &[String] {
        self.keywords.as_deref().unwrap_or_default()
    }

    /// The program as an operator would start it here, on the tests' common server.
    pub fn program(&self) -> Program {
        self.program_on(&self.scene.database.url())
    }

    /// The same on another database.
    pub fn program_on(&self, url: &str) -> Program {
        self.scene
            .program_with(&self.watchlist())
            .without("QUALWATCH_DATABASE_URL")
            .with("QUALWATCH_DATABASE_URL", url)
    }

    /// The same with a private database.
    pub fn program_with_private_database(&self) -> Program {
        use std::os::unix::fs::PermissionsExt as _;
        let program = self.scene.program_with(&self.watchlist()).without("QUALWATCH_DATABASE_URL");
        // The server's account passes through it.
        std::fs::set_permissions(program.folder(), std::fs::Permissions::from_mode(0o711)).unwrap();
        program
    }

    /// Moves the clock on by a minute, time and again, until it is so. A look of the daemon may take seconds, after which its
    /// next one is a minute off.
    pub async fn minutes_until<F: Future<Output = bool>>(&self, what: &str, mut is_so: impl FnMut() -> F) {
        for _ in 0..LOOKS_MAX {
            self.scene.clock.advance(TimeDelta::minutes(1));
            let looking = async {
                while !is_so().await {
                    clock::pause(Duration::from_millis(20)).await;
                }
            };
            if clock::within(A_LOOK, looking).await.is_ok() {
                return;
            }
        }
        panic!("still not, at {}: {what}", self.scene.clock.now());
    }

    pub async fn count(&self, sql: &'static str) -> i64 {
        self.scene.count(sql).await
    }

    /// How many companies have been asked for and stored.
    pub async fn checked(&self) -> usize {
        let checked = self.count("SELECT count(*) FROM standings WHERE last_asked_at IS NOT NULL").await;
        usize::try_from(checked).unwrap()
    }

    /// Waits until `answered` calls were answered and what they brought is stored, and as many more as may be in flight wait.
    pub async fn calls_wait(&self, answered: usize) {
        until("calls wait for their answers", || async { self.money.paid() == answered + CONCURRENCY }).await;
        until("what was answered is stored", || async { self.checked().await == answered }).await;
    }

    /// Whether nothing is owed to anybody.
    pub async fn is_silent(&self) -> bool {
        self.count(super::laws::OWED).await == 0
    }

    /// What operators were told without the database.
    pub fn told_directly(&self) -> usize {
        let letters = self.scene.letters();
        letters.iter().filter(|(_, letter)| super::laws::is_direct(letter)).count()
    }
}

/// Where a daemon in this process has its file and its state.
pub struct Home {
    _folder: TempDir,
    pub state_dir: PathBuf,
    path: PathBuf,
    text: String,
}

impl Home {
    pub fn of(rig: &Rig) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (path, text) = (folder.path().join("watchlist.toml"), rig.watchlist());
        std::fs::write(&path, &text).unwrap();
        let state_dir = folder.path().join("state");
        Self { _folder: folder, state_dir, path, text }
    }

    pub fn with_state_in(self, state_dir: &Path) -> Self {
        Self { state_dir: state_dir.to_owned(), ..self }
    }

    /// Lets a daemon live in this process, by the rig's clock, for as long as `course` takes.
    pub async fn live<T>(
        &self,
        rig: &Rig,
        store: &Store,
        private: Option<&PrivatePostgres>,
        course: impl Future<Output = T>,
    ) -> T {
        self.live_with(rig, store, private, HALF_AN_HOUR, course).await
    }

    /// The same, and work that has not got on for some seconds is given up, not only after half an hour.
    pub async fn live_impatiently<T>(&self, rig: &Rig, store: &Store, course: impl Future<Output = T>) -> T {
        self.live_with(rig, store, None, SOME_SECONDS, course).await
    }

    async fn live_with<T>(
        &self,
        rig: &Rig,
        store: &Store,
        private: Option<&PrivatePostgres>,
        patience: Duration,
        course: impl Future<Output = T>,
    ) -> T {
        let ending = CancellationToken::new();
        let surroundings = Surroundings {
            store,
            private,
            clock: Arc::new(rig.scene.clock.clone()),
            environment: [("QUALWATCH_API_KEY", KEY)].into_iter().collect(),
            path: self.path.clone(),
            state_dir: self.state_dir.clone(),
            ending: ending.clone(),
        };
        let daemon = Daemon::new(surroundings, config::parse(&self.text, &self.path).unwrap().0)
            .with_patience(patience);
        let course = async {
            let came = course.await;
            ending.cancel();
            came
        };
        let (lived, came) =
            tokio::join!(Box::pin(daemon.live(Beginning::with(&self.text))), Box::pin(course));
        lived.unwrap();
        came
    }
}
