//! What every scenario takes place in: a database of its own, a mail server, a clock that the test moves, and upstream by that clock.
//! What is done in it has a file each: sweeps of a watchlist (`watch.rs`), mail (`mailroom.rs`), whole processes (`scene.rs`, `rig/house.rs`),
//! made-up lives (`simulation/course.rs`).

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use qualwatch::clock::SimulatedClock;
use qualwatch::sandbox::{Sandbox, Scenario};
use sqlx::PgPool;

use super::database::TestDatabase;
use super::letter::Letter;
use super::smtp_sink::{Script, SmtpSink};

pub struct World {
    pub database: TestDatabase,
    /// Looks at the rows from outside.
    pub pool: PgPool,
    pub clock: SimulatedClock,
    pub sink: SmtpSink,
}

impl World {
    /// At this instant, with a mail server that takes everything.
    pub async fn begin(now: DateTime<Utc>) -> Self {
        Self::with_mail(now, Script::default()).await
    }

    /// The same with a mail server of that kind.
    pub async fn with_mail(now: DateTime<Utc>, script: Script) -> Self {
        let database = Box::pin(TestDatabase::new()).await;
        let pool = database.pool().await;
        let sink = SmtpSink::start(script).await;
        Self { database, pool, clock: SimulatedClock::new(now), sink }
    }

    /// An imitation of upstream, by the clock of this world.
    pub async fn upstream(&self, scenario: Scenario) -> Sandbox {
        let clock = Arc::new(self.clock.clone());
        Sandbox::start(scenario, ([127, 0, 0, 1], 0).into(), clock).await.unwrap()
    }

    /// Moves the clock to an instant.
    pub fn at(&self, now: &str) {
        self.clock.set(instant(now));
    }

    pub fn pass(&self, time: TimeDelta) {
        self.clock.advance(time);
    }

    pub async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.pool).await.unwrap()
    }

    pub async fn texts(&self, sql: &'static str) -> Vec<String> {
        sqlx::query_scalar(sql).fetch_all(&self.pool).await.unwrap()
    }

    /// Looks at the locks until there is none: at most some thousand round trips.
    pub async fn until_nobody_claims(&self) {
        for _ in 0..10_000 {
            let held = self.count(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'
                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            );
            if held.await == 0 {
                return;
            }
        }
        panic!("somebody still holds a claim");
    }

    /// What each recipient was sent, in order: address, subject, text. A repeat counts once, and must be the same bytes with
    /// the same Message-ID.
    pub fn letters(&self) -> Vec<(String, Letter)> {
        let mut letters: Vec<(String, Letter)> = Vec::new();
        let mut taken = std::collections::BTreeMap::new();
        for mail in self.sink.mails() {
            let letter = Letter::of(&mail);
            let id = letter.header("Message-ID").to_owned();
            match taken.insert(id.clone(), mail.clone()) {
                None => letters.push((mail.to.join(" "), letter)),
                Some(before) => assert_eq!(before, mail, "{id} is repeated with other bytes"),
            }
        }
        letters
    }
}

/// A day at 08:00 in Shanghai, or an instant.
pub fn instant(text: &str) -> DateTime<Utc> {
    let text = if text.contains('T') { text.to_owned() } else { format!("{text}T08:00:00+08:00") };
    DateTime::parse_from_rfc3339(&text).unwrap().with_timezone(&Utc)
}
