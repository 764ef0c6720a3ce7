//! The heartbeat: a dead man's switch (such as healthchecks) is told once a day that the day's work is done, or that an alert may
//! be missed. When it is told nothing, it raises the alarm that we cannot raise ourselves any more.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use url::Url;

use super::condition::At;
use super::direct_mail::remembered_failure;
use super::service::Daemon;
use super::systemd;
use crate::config::Watchlist;
use crate::domain::health::{self, Facts, Problem, Weight};
use crate::domain::rhythm::days_hour;
use crate::domain::wall_clock::hour_of_day;
use crate::email::Sweeping;
use crate::store::StoreError;
use crate::store::asking::budget;
use crate::store::reports::health::{DaysWork, days_work, of_the_service};

/// The most that one beat may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What begins to fail after the day's beat is told when it has lasted for so long: as with the direct mail, a restart or a
/// failover is not.
const TOLD_AFTER: TimeDelta = TimeDelta::minutes(5);

/// What was told last.
#[derive(Debug, Default)]
pub(super) struct Heart {
    told: Option<(NaiveDate, Beat)>,
    failing_since: Option<DateTime<Utc>>,
    /// A beat that fails is tried again each minute, and said once.
    is_missed: bool,
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
}

impl Daemon<'_> {
    /// Looks whether we are well, says it to the service manager, and beats where there is something new to tell.
    pub(super) async fn look_back(&self) {
        let watchlist = self.watchlist();
        let now = self.around.clock.now();
        let today = now.with_timezone(&watchlist.timezone).date_naive();
        if *self.sweeping.borrow() == Sweeping::Running {
            return;
        }
        let day = match self.day(&watchlist, today).await {
            Ok(day) => {
                self.works(&self.conditions.looking_back, At::Doing).await;
                day
            }
            Err(error) => {
                self.failed(&self.conditions.looking_back, At::Doing, &error).await;
                let facts = Facts { failing_work: self.failing_work(), ..Facts::default() };
                Day { is_done: false, problems: health::problems(&facts, now) }
            }
        };
        self.say_how_we_are(&watchlist, &day.problems);
        let mut heart = self.heart.lock().await;
        if let (Some(url), Some(beat)) = (&watchlist.heartbeat.url, heart.news(&day, &watchlist, now)) {
            heart.tell(url, (today, beat)).await;
        }
    }

    async fn day(&self, watchlist: &Watchlist, today: NaiveDate) -> Result<Day, StoreError> {
        let (pool, now) = (self.around.store.pool(), self.around.clock.now());
        let midnight = hour_of_day(watchlist.timezone, today, 0).unwrap_or(now);
        let limit = watchlist.api.calls_per_day.map(std::num::NonZeroU32::get);
        let used = budget::calls_of_the_day(pool, now).await?;
        let DaysWork { unjudged, asked, verified } = days_work(pool, today, midnight).await?;
        let facts = Facts {
            asked_today: asked,
            verified_today: verified,
            failing_work: self.failing_work(),
            ..of_the_service(pool, used, limit).await?
        };
        Ok(Day { is_done: unjudged == 0, problems: health::problems(&facts, now) })
    }

    /// Also what failed before the start and was not done since.
    fn failing_work(&self) -> Vec<String> {
        let failing = self.conditions.failing();
        if failing.is_empty() {
            return remembered_failure(&self.around.state_dir).into_iter().collect();
        }
        failing
    }

    fn say_how_we_are(&self, watchlist: &Watchlist, problems: &[Problem]) {
        let failing = problems.iter().find(|problem| problem.weight() == Weight::Failing);
        let local =
            |at: DateTime<Utc>| at.with_timezone(&watchlist.timezone).format("%Y-%m-%d %H:%M").to_string();
        match failing {
            Some(problem) => systemd::status(&format!("{}: {}", problem.class(), problem.reason(local))),
            None => systemd::status(&self.last_sweep()),
        }
    }
}

impl Heart {
    /// What is to be told now, if it is new: once a day when its hour has come and its work is done, and when that changes.
    fn news(&mut self, day: &Day, watchlist: &Watchlist, now: DateTime<Utc>) -> Option<Beat> {
        let today = now.with_timezone(&watchlist.timezone).date_naive();
        let hour = days_hour(&watchlist.schedule.check, watchlist.timezone, today);
        let told_today = self.told.filter(|(told_on, _)| *told_on == today).map(|(_, beat)| beat);
        if !day.problems.iter().any(|problem| problem.weight() == Weight::Failing) {
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

    async fn tell(&mut self, url: &Url, told: (NaiveDate, Beat)) {
        match send(url, told.1).await {
            Ok(()) => {
                (self.told, self.is_missed) = (Some(told), false);
                tracing::info!(beat = ?told.1, "heartbeat");
            }
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
