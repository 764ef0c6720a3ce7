//! The course of a world: the real sweep, store and mailer, day by day, against the doubles.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use qualwatch::clock::Clock as _;
use qualwatch::config::{self, Watchlist};
use qualwatch::domain::health::{self, Facts, Weight};
use qualwatch::domain::secret::Secret;
use qualwatch::domain::wall_clock::hour_of_day;
use qualwatch::email::{Mailer, Ripe, Sweeping};
use qualwatch::store::Store;
use qualwatch::store::asking::budget;
use qualwatch::store::outbox::retention::{self, Mark};
use qualwatch::store::reports::health::{days_work, of_the_service};
use qualwatch::store::steps::{NoSteps, Steps};
use qualwatch::sweep::{self, Mode, NoProgress, Sweep, Whom};
use tokio_util::sync::CancellationToken;

use super::calendar::Day;
use super::cuts::Cuts;
use super::pooler::Pooler;
use super::registry::Registry;
use super::truth::{Company, Truth};
use super::weather::{Blow, Mail, Weather};
use crate::support::crashing::DiesAt;
use crate::support::database::socket_dir;
use crate::support::mailroom::password;
use crate::support::smtp_sink::{Behaviour, Script, SinkStage, SmtpSink};
use crate::support::world::World;

pub const READER: &str = "reader@example.com";
/// Of some companies only.
pub const SECOND: &str = "second@example.com";
pub const OPERATOR: &str = "ops@example.com";
/// Nowhere to be found afterwards, and neither is the mail server's password.
pub const KEY: &str = "CANARY0123456789abcdef0123456789";
pub const PASSWORD: &str = "CANARY fedcba9876543210 of the post";
const LOGIN: &str = "alerts@example.com";

/// Days for three sweeps of whoever is asked once a week, each with its second look.
const REST: i32 = 16;

/// In real time, at each reply of a slow mail server: some of them make a run of the mailer longer than a sweep.
const THINKS_FOR: Duration = Duration::from_millis(5);

/// "An answer waits for its commit at most 250 ms" (design.md 9).
const WAITS_FOR_ITS_COMMIT: TimeDelta = TimeDelta::milliseconds(250);

/// A world that is running.
pub struct Course {
    pub truth: Truth,
    pub weather: Weather,
    pub world: World,
    pub store: Store,
    _pooler: Pooler,
    pub registry: Registry,
    watchlist: Watchlist,
    /// When the bell rang, in order: a clock may be set back.
    pub bells: Vec<DateTime<Utc>>,
    /// After each bell, why the heartbeat would fail; nothing: all is well.
    pub beats: Vec<Vec<String>>,
    pub seen: Seen,
    /// Calls whose answers may have been lost with the process, or with its connections.
    pub losable: BTreeMap<Day, usize>,
    /// Older answers and finished mail are forgotten in the last hour of a day.
    pub keep: Option<TimeDelta>,
}

/// What befell the process.
#[derive(Debug, Clone, Copy, Default)]
pub struct Seen {
    pub kills: u32,
    pub cuts: u32,
    pub several_daemons: u32,
    pub wrong_clocks: u32,
}

impl Deref for Course {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

impl Course {
    pub async fn begin(truth: Truth, weather: Weather) -> Self {
        let login = Some((LOGIN.to_owned(), PASSWORD.to_owned()));
        let world = World::with_mail(truth.first.at(0, 0), Script { login, ..Script::default() }).await;
        let pooler = Pooler::before(socket_dir());
        let store = Store::open(pooler.through(world.database.options())).await.unwrap();
        let registry = Registry::open(truth.clone(), weather.clone(), world.clock.clone()).await;
        let watchlist = watchlist(&truth, &weather, truth.first, &registry, &world.sink);
        sweep::accept(&store, &watchlist, world.clock.now()).await.unwrap();
        Self {
            truth,
            weather,
            world,
            store,
            _pooler: pooler,
            registry,
            watchlist,
            bells: Vec::new(),
            beats: Vec::new(),
            seen: Seen::default(),
            losable: BTreeMap::new(),
            keep: None,
        }
    }

    /// All days of the truth, and then some without faults and changes, in which all must come to rest.
    pub async fn run(&mut self) {
        let mut day = self.truth.first;
        while day <= self.truth.last.plus(REST) {
            self.live_through(day).await;
            day = day.plus(1);
        }
    }

    async fn live_through(&mut self, day: Day) {
        let is_edited = |company: &Company| company.keywords.iter().any(|(from, _)| *from == day);
        let is_new_budget = self.weather.budgets.contains_key(&day);
        if is_new_budget
            || self.weather.edits.contains_key(&day)
            || self.truth.companies.iter().any(is_edited)
        {
            self.clock.set(day.at(0, 5));
            self.watchlist = watchlist(&self.truth, &self.weather, day, &self.registry, &self.sink);
            sweep::accept(&self.store, &self.watchlist, self.clock.now()).await.unwrap();
        }
        let hours: &[(i64, i64)] = if self.weather.is_rough_for_all(day) {
            &[(0, 11), (8, 0), (8, 16), (9, 1), (11, 2), (12, 3), (15, 4), (19, 5), (23, 50)]
        } else if self.weather.is_rough(day) {
            &[(8, 0), (15, 4)]
        } else {
            &[(8, 0)]
        };
        let mut hours = hours.to_vec();
        if let Some(wrong_by) = self.weather.clock_is_wrong_by(day) {
            let at = hours.iter().position(|hour| *hour == (8, 0)).unwrap();
            hours.splice(at..=at, [(8 + wrong_by, 0), (8, 12)]);
            self.seen.wrong_clocks += 1;
        }
        for (hour, minute) in hours {
            self.clock.set(day.at(hour, minute));
            self.bells.push(self.clock.now());
            self.registry.begin_bell(self.bells.len() - 1);
            self.behave(day, hour);
            if (hour, minute) == (8, 0) {
                self.struck(day).await;
            }
            self.ring(&NoSteps).await.unwrap();
            self.beats.push(self.what_fails(day).await);
        }
        let mut mark = self.keep.map(|_| Mark::BEGINNING);
        while let (Some(from), Some(keep)) = (mark, self.keep) {
            let before = self.clock_shows() - keep;
            mark = retention::forget(self.store.pool(), before, from).await.unwrap().next;
        }
    }

    /// What a daemon would tell its heartbeat now.
    async fn what_fails(&self, day: Day) -> Vec<String> {
        let (pool, now, zone) = (self.store.pool(), self.clock.now(), self.watchlist.timezone);
        let today = now.with_timezone(&zone).date_naive();
        let midnight = hour_of_day(zone, today, 0).unwrap();
        let limit = self.weather.calls_on(day).map(|calls| u32::try_from(calls).unwrap());
        let used = budget::calls_of_the_day(pool, now).await.unwrap();
        let work = days_work(pool, self.store.watchlist(), today, midnight).await.unwrap();
        let facts = Facts {
            asked_today: work.asked,
            verified_today: work.verified,
            ..of_the_service(pool, used, limit).await.unwrap()
        };
        let failing = health::problems(&facts, now).into_iter();
        let failing = failing.filter(|problem| problem.weight() == Weight::Failing);
        failing.map(|problem| problem.reason(|at| at.to_rfc3339())).collect()
    }

    pub fn clock_shows(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// The mail server has its ways until the evening.
    fn behave(&self, day: Day, hour: i64) {
        self.sink.heal();
        let Some(mail) = self.weather.mail.get(&day).filter(|_| hour < 23) else { return };
        match mail {
            Mail::Away => self.sink.behave(SinkStage::Greeting, Behaviour::Drop),
            Mail::Later => self.sink.refuse(SinkStage::Greeting, 421),
            Mail::LaterAtRcpt => self.sink.refuse(SinkStage::Rcpt, 450),
            Mail::LaterAtDot => self.sink.refuse(SinkStage::Dot, 451),
            Mail::LostAfterDot => self.sink.behave(SinkStage::Dot, Behaviour::Drop),
            Mail::UnknownAll => {
                self.sink.behave(SinkStage::Rcpt, Behaviour::Reply("550 5.1.1 user unknown".into()));
            }
            Mail::RefusedLate => {
                let reply = "553 5.7.1 Sender address rejected: not owned by user".into();
                self.sink.behave(SinkStage::Rcpt, Behaviour::Reply(reply));
            }
            Mail::InGbk => {
                for (stage, code) in
                    [(SinkStage::Greeting, "220"), (SinkStage::Rcpt, "250"), (SinkStage::Dot, "250")]
                {
                    let reply = [code.as_bytes(), b" \xd3\xca\xbc\xfe\xd2\xd1\xbd\xd3\xca\xd5\r\n"].concat();
                    self.sink.behave(stage, Behaviour::Bytes(reply));
                }
            }
            Mail::OnePerConnection => {
                self.sink.take_per_connection(Some((1, "421 4.7.0 too many messages on this connection")));
            }
            Mail::Slow => self.sink.be_late(THINKS_FOR),
            Mail::Greylisted if hour < 15 => {
                let reply = format!("451 4.7.1 Greylisted, try again later {}", "and read why ".repeat(200));
                self.sink.behave(SinkStage::Rcpt, Behaviour::Reply(reply));
            }
            Mail::Greylisted => {}
            Mail::Restarted => self.sink.restart_after(2, 1),
        }
    }

    /// Whatever befalls the process at the day's hour, before it comes through.
    async fn struck(&mut self, day: Day) {
        for blow in self.weather.blows.get(&day).cloned().unwrap_or_default() {
            match blow {
                Blow::Kill(step, nth) => {
                    let dies = DiesAt::new(step, nth);
                    if let Some(rung) = dies.or_done(self.ring(&dies)).await {
                        rung.unwrap();
                    } else {
                        self.seen.kills += 1;
                        self.may_have_lost(day).await;
                    }
                }
                Blow::CutConnections(step, nth) => {
                    let cuts = Cuts::new(step, nth, self.database.options());
                    if self.ring(&cuts).await.is_err() {
                        self.seen.cuts += 1;
                    }
                    cuts.are_over().await;
                    self.may_have_lost(day).await;
                }
                Blow::Daemons(count) => {
                    let rings = (0..count).map(|_| self.ring(&NoSteps));
                    join_all(rings).await.into_iter().collect::<Result<Vec<()>, _>>().unwrap();
                    self.seen.several_daemons += 1;
                }
                Blow::Clock(_) => {}
            }
            self.until_nobody_claims().await;
        }
    }

    /// What was in flight just now, and what was answered so lately that it may have waited for its commit.
    async fn may_have_lost(&mut self, day: Day) {
        self.registry.is_left().await;
        let since = self.clock_shows() - WAITS_FOR_ITS_COMMIT;
        let losable = self.registry.ledger().iter().filter(|call| call.at >= since).count();
        *self.losable.entry(day).or_default() += losable;
    }

    /// What the daemon does when its bell rings.
    async fn ring(&self, steps: &dyn Steps) -> Result<(), Box<dyn std::error::Error>> {
        let sweep = || {
            let clock = Arc::new(self.clock.clone());
            let ending = CancellationToken::new();
            Sweep::new(&self.store, &self.watchlist, clock, steps, Mode::ForGood, &NoProgress, ending)
        };
        let key = Secret::parse(KEY);
        Box::pin(sweep().run(&Whom::Due, key)).await?;
        sweep().judge_the_day().await?;
        let mailer = Mailer {
            store: &self.store,
            watchlist: &self.watchlist,
            password: Some(password(PASSWORD)),
            clock: &self.clock,
            steps,
        };
        Box::pin(mailer.send_owed(Ripe::Due(Sweeping::Idle))).await?;
        Ok(())
    }
}

fn watchlist(truth: &Truth, weather: &Weather, day: Day, registry: &Registry, sink: &SmtpSink) -> Watchlist {
    use std::fmt::Write as _;
    let mut text = format!(
        "[api]\nurl = \"{}\"\nrequests_per_second = 1000000\ncalls_per_day = {}\nconcurrency = {}\n\
         [email]\nsmtp = \"smtp://{}@127.0.0.1:{}?tls=none\"\nfrom = \"资质监控 <alerts@example.com>\"\n\
         to = [\"{READER}\"]\noperators = [\"{OPERATOR}\"]\n",
        registry.url(),
        weather.calls_on(day).unwrap_or_default(),
        truth.concurrency,
        LOGIN.replace('@', "%40"),
        sink.port()
    );
    let file = weather.file_on(day);
    for index in truth.watched.difference(&file.out) {
        let company = &truth.companies[*index];
        writeln!(text, "[[company]]\nkeyword = \"{}\"", company.keyword_on(day)).unwrap();
        if company.weekly {
            text.push_str("check = \"0 8 * * Mon\"\n");
        }
        if file.two_readers.contains(index) {
            writeln!(text, "to = [\"{SECOND}\"]\ntags = [\"联合体\"]").unwrap();
        }
    }
    match config::parse(&text, Path::new("/nowhere/watchlist.toml")) {
        Ok((watchlist, _)) => watchlist,
        Err(faults) => panic!("{faults:?} in\n{text}"),
    }
}
