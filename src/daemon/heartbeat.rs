//! The loop that looks whether we are well, once a minute and when mail was sent: the service manager's line and the row of this
//! daemon follow it, and the heartbeat. That is a dead man's switch (such as healthchecks), which is told once a day that the day's
//! work is done, or that an alert may be missed. When it is told nothing, it raises the alarm that we cannot raise ourselves any
//! more.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use url::Url;

use super::common::Common;
use super::condition::At;
use super::silence::{Pulse, unless_silent};
use super::systemd;
use crate::config::Watchlist;
use crate::domain::health::{self, Facts, KnownDaemon, Problem, Stopped, Weight};
use crate::domain::rhythm::days_hour;
use crate::domain::wall_clock::{hour_of_day, not_ahead};
use crate::email::Sweeping;
use crate::random;
use crate::store::StoreError;
use crate::store::asking::{budget, daemons};
use crate::store::reports::health::{DaysWork, days_work, of_the_service};
use crate::store::reports::{Swept, last_sweep};
use crate::store::steps::NoSteps;

/// The most that one beat may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What begins to fail after the day's beat is told when it has lasted for so long: as with the direct mail, a restart or a
/// failover is not.
const TOLD_AFTER: TimeDelta = TimeDelta::minutes(5);

/// Looks, and tells.
pub(super) struct HealthLoop<'s> {
    common: &'s Common<'s>,
    /// Of this daemon's row.
    id: String,
    since: DateTime<Utc>,
    has_looked: bool,
    days_work: Option<Known>,
    told: Option<(NaiveDate, Beat)>,
    failing_since: Option<DateTime<Utc>>,
    /// A beat that fails is tried again each minute, and logged once.
    is_missed: bool,
}

/// How the day's work stood. It takes a look at every company, so it is read only where it may decide something.
#[derive(Debug, Clone, Copy)]
struct Known {
    today: NaiveDate,
    /// As many companies had been asked for by this daemon.
    asked: u64,
    work: DaysWork,
}

/// What the switch is told of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Beat {
    Well,
    /// A problem is failing (design 5).
    Fail,
}

/// How a day stands.
struct Day {
    is_done: bool,
    problems: Vec<Problem>,
    swept: Option<Swept>,
    asking_stopped: Option<Stopped>,
}

impl<'s> HealthLoop<'s> {
    pub(super) fn new(common: &'s Common<'s>) -> Self {
        Self {
            common,
            id: random::name(),
            since: common.around.clock.now(),
            has_looked: false,
            days_work: None,
            told: None,
            failing_since: None,
            is_missed: false,
        }
    }

    /// Looks until the end is asked for.
    pub(super) async fn run(mut self) {
        while !self.common.is_ending() {
            self.look().await;
            self.common.next_look(&self.common.bells.heartbeat).await;
        }
        let pool = self.common.around.store.pool();
        if let Err(error) = daemons::note_end(pool, &self.id).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "`status` will show this daemon for a while"
            );
        }
    }

    async fn look(&mut self) {
        let (common, looking_back) = (self.common, &self.common.conditions.looking_back);
        let (watchlist, now) = (common.watchlist(), common.around.clock.now());
        let day =
            match unless_silent(&Pulse::of(&NoSteps), common.silence_max, self.day(&watchlist, now)).await {
                Ok(day) => {
                    common.works(looking_back, At::Doing).await;
                    day
                }
                Err(error) => {
                    common.failed(looking_back, At::Doing, &error).await;
                    let facts = Facts { failing_work: self.failing_work().await, ..Facts::default() };
                    let problems = health::problems(&facts, now);
                    Day { is_done: false, problems, swept: None, asking_stopped: None }
                }
            };
        systemd::say_status(&line(&day, &watchlist, now));
        let turns = *common.turns.borrow();
        // The day's work is done when what it found was sent, and while a sweep runs it is not.
        if turns.sweeping == Sweeping::Idle && turns.mailed == turns.swept {
            self.beat(&day, &watchlist, now).await;
        }
    }

    async fn day(&mut self, watchlist: &Watchlist, now: DateTime<Utc>) -> Result<Day, StoreError> {
        let pool = self.common.around.store.pool();
        self.say_alive(now).await?;
        let limit = watchlist.api.calls_per_day.map(std::num::NonZeroU32::get);
        let used = budget::calls_of_the_day(pool, now).await?;
        let DaysWork { unjudged, asked, verified } = self.days_work(watchlist, now).await?;
        let facts = Facts {
            asked_today: asked,
            verified_today: verified,
            failing_work: self.failing_work().await,
            ..of_the_service(pool, used, limit).await?
        };
        let problems = health::problems(&facts, now);
        let swept = last_sweep(pool).await?;
        Ok(Day { is_done: unjudged == 0, problems, swept, asking_stopped: facts.asking_stopped })
    }

    async fn say_alive(&mut self, now: DateTime<Utc>) -> Result<(), StoreError> {
        let pool = self.common.around.store.pool();
        if !self.has_looked {
            daemons::forget_killed(pool, now).await?;
        }
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let daemon = KnownDaemon { since: not_ahead(self.since, now), last_look: now, version };
        daemons::note_look(pool, &self.id, &daemon).await?;
        self.has_looked = true;
        Ok(())
    }

    /// Once the day's beat was well, only what was asked for since can change that.
    async fn days_work(&mut self, watchlist: &Watchlist, now: DateTime<Utc>) -> Result<DaysWork, StoreError> {
        let today = watchlist.day_of(now);
        let asked = self.common.turns.borrow().asked;
        let is_known = |known: &Known| {
            known.today == today && known.asked == asked && self.told == Some((today, Beat::Well))
        };
        if let Some(known) = self.days_work.filter(is_known) {
            return Ok(known.work);
        }
        let midnight = hour_of_day(watchlist.timezone, today, 0).unwrap_or(now);
        let store = self.common.around.store;
        let work = days_work(store.pool(), store.watchlist(), today, midnight).await?;
        self.days_work = Some(Known { today, asked, work });
        Ok(work)
    }

    /// Also what failed before the start and was not done since.
    async fn failing_work(&self) -> Vec<String> {
        let failing = self.common.conditions.failing();
        if failing.is_empty() {
            return self.common.direct_mail.lock().await.failure().into_iter().collect();
        }
        failing
    }

    async fn beat(&mut self, day: &Day, watchlist: &Watchlist, now: DateTime<Utc>) {
        let Some(beat) = self.news(day, watchlist, now) else { return };
        let sent = match &watchlist.heartbeat.url {
            Some(url) => send(url, beat).await.inspect(|()| tracing::info!(?beat, "heartbeat")),
            None => Ok(()),
        };
        match sent {
            Ok(()) => (self.told, self.is_missed) = (Some((watchlist.day_of(now), beat)), false),
            Err(error) => {
                if !self.is_missed {
                    // Without its URL: whoever knows it can silence the switch.
                    let error = error.without_url();
                    tracing::warn!(error = &error as &dyn std::error::Error, "the heartbeat was not taken");
                }
                self.is_missed = true;
            }
        }
    }

    /// What is to be told now, if it is new: once a day when its hour has come and its work is done, and when that changes.
    fn news(&mut self, day: &Day, watchlist: &Watchlist, now: DateTime<Utc>) -> Option<Beat> {
        let today = watchlist.day_of(now);
        let hour = days_hour(&watchlist.schedule.check, watchlist.timezone, today);
        let told_today = self.told.filter(|(told_on, _)| *told_on == today).map(|(_, beat)| beat);
        if !day.problems.iter().any(is_failing) {
            self.failing_since = None;
            return (day.is_done && told_today != Some(Beat::Well)).then_some(Beat::Well);
        }
        let since = *self.failing_since.get_or_insert(now);
        let is_time = match told_today {
            None => hour.is_none_or(|hour| now >= hour),
            Some(Beat::Well) => now - since >= TOLD_AFTER,
            Some(Beat::Fail) => false,
        };
        is_time.then_some(Beat::Fail)
    }
}

fn is_failing(problem: &Problem) -> bool {
    problem.weight() == Weight::Failing
}

/// What the service manager shows: the heaviest problem that is failing, else the last sweep; and the next one.
fn line(day: &Day, watchlist: &Watchlist, now: DateTime<Utc>) -> String {
    let zone = watchlist.timezone;
    let local = |at: DateTime<Utc>| at.with_timezone(&zone).format("%Y-%m-%d %H:%M").to_string();
    let failing = day.problems.first().filter(|problem| is_failing(problem));
    let how = match (failing, day.swept) {
        (Some(problem), _) => format!("{}: {}", problem.class(), problem.reason(local)),
        (None, Some(Swept { ended_at, asked, complete })) => {
            format!(
                "last sweep {}: {complete} of {asked} companies complete",
                local(not_ahead(ended_at, now))
            )
        }
        (None, None) => "no sweep yet".to_owned(),
    };
    let next = watchlist.check_lines().into_iter().filter_map(|check_line| check_line.next(zone, now)).min();
    let next = next.map(|due| {
        let stopped = day.asking_stopped.as_ref();
        let next = health::next_sweep(due, stopped, budget::next_budget_day(now), now);
        format!("next sweep {}", local(next))
    });
    let more = day.problems.len() - usize::from(failing.is_some());
    let more = (more > 0).then(|| {
        let problems = health::counted(more as u64, "more problem", "more problems");
        format!("{problems}: see `qualwatch status`")
    });
    [Some(how), next, more].into_iter().flatten().collect::<Vec<_>>().join("; ")
}

async fn send(url: &Url, beat: Beat) -> Result<(), reqwest::Error> {
    let mut url = url.clone();
    if beat == Beat::Fail {
        let path = format!("{}/fail", url.path().trim_end_matches('/'));
        url.set_path(&path);
    }
    let client = reqwest::Client::builder()
        .timeout(TIMEOUT)
        .user_agent(concat!("qualwatch/", env!("CARGO_PKG_VERSION")));
    // As towards the provider: an http:// address needs no CA certificates on the machine.
    let client = if url.scheme() == "http" { client.tls_certs_only(std::iter::empty()) } else { client };
    client.build()?.get(url).send().await?.error_for_status().map(drop)
}
