//! What the file says, typed and with its defaults (design 6).

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use url::Url;

use super::database_url::DatabaseUrl;
use super::mailbox::{EmailAddress, Mailbox};
use super::smtp::SmtpServer;
use super::values::is_loopback;
use crate::domain::keyword::Keyword;
use crate::domain::language::Language;
use crate::domain::observation::RequestMethod;
use crate::domain::occurrences::CronLine;

/// The whole file. Relative paths in it are resolved against its folder.
#[derive(Debug, Clone, PartialEq)]
pub struct Watchlist {
    /// `timezone`: cron lines and calendar days are of this zone.
    pub timezone: Tz,
    /// `language` of mails.
    pub language: Language,
    /// `[api]`.
    pub api: Api,
    /// `[database]`.
    pub database: Database,
    /// `[schedule]`.
    pub schedule: Schedule,
    /// `[alerts]`.
    pub alerts: Alerts,
    /// `[email]`.
    pub email: Email,
    /// `[heartbeat]`.
    pub heartbeat: Heartbeat,
    /// `[http]`.
    pub http: Http,
    /// The `[[company]]` entries in the order of the file; at least one.
    pub companies: Vec<Company>,
}

/// A file that holds a secret, and where the watchlist names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretFile {
    /// The file.
    pub path: PathBuf,
    /// The line of the watchlist, from 1.
    pub line: u32,
    /// The column of the watchlist in characters, from 1.
    pub column: u32,
}

/// `[api]`: upstream.
#[derive(Debug, Clone, PartialEq)]
pub struct Api {
    /// Where to ask.
    pub url: Url,
    /// The file with the key, when it is given like that.
    pub key_file: Option<SecretFile>,
    /// How to ask.
    pub method: RequestMethod,
    /// The most a request may take.
    pub timeout: Duration,
    /// Requests at the same time.
    pub concurrency: NonZeroU32,
    /// The pace, above 0; may be a fraction.
    pub requests_per_second: f64,
    /// The most calls of a day of Asia/Shanghai; `None` is no limit.
    pub calls_per_day: Option<NonZeroU32>,
    /// Without one success for this long the operator hears.
    pub unreachable_after: Duration,
    /// The pause after error 10011.
    pub ip_backoff: Duration,
}

impl Api {
    /// Whether upstream is this very machine: a sandbox.
    #[must_use]
    pub fn is_on_loopback(&self) -> bool {
        is_loopback(self.url.host().as_ref())
    }

    /// The least time between the starts of two requests.
    #[must_use]
    pub fn request_gap(&self) -> Duration {
        Duration::try_from_secs_f64(1.0 / self.requests_per_second).unwrap_or(Duration::from_secs(1))
    }
}

/// `[database]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    /// The operator's own server, without a password; `None` is the credential or a private server.
    pub url: Option<DatabaseUrl>,
    /// How long raw answers and finished deliveries are kept; `None` is for ever.
    pub keep: Option<Duration>,
}

/// `[schedule]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// When companies without a line of their own are checked; its first occurrence of a day is the day's hour.
    pub check: CronLine,
}

/// `[alerts]`: thresholds in days, each list without repetition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alerts {
    /// Days left, falling.
    pub expiry_days: Vec<u16>,
    /// Days past the end, rising.
    pub expired_days: Vec<u16>,
    /// Days to the filing day, falling.
    pub filing_days: Vec<u16>,
    /// The least time between two looks that agree; zero is allowed.
    pub confirm_after: Duration,
    /// How long a company may go unverified.
    pub stale_after: Duration,
}

/// Where mails go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outlet {
    /// To a server.
    Smtp {
        /// The server.
        server: SmtpServer,
        /// The file with the password, when it is given like that.
        password_file: Option<SecretFile>,
        /// Roots that are trusted besides the system's, PEM.
        ca_file: Option<PathBuf>,
        /// The name that we give ourselves in EHLO: a full one, or an address in brackets.
        helo: Option<String>,
    },
    /// As one `.eml` file a message into this directory.
    Maildir(PathBuf),
}

/// `[email]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email {
    /// Server or directory.
    pub outlet: Outlet,
    /// The sender.
    pub from: Mailbox,
    /// Who reads of every company.
    pub to: Vec<EmailAddress>,
    /// Who hears of trouble; at least one.
    pub operators: Vec<EmailAddress>,
    /// Whom readers may ask: a line for the foot of their mails.
    pub contact: Option<String>,
    /// When the day's digest goes out; `None` is after each sweep.
    pub digest: Option<CronLine>,
}

/// `[heartbeat]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Heartbeat {
    /// Asked for with GET after each day's work; `…/fail` when it did not go well.
    pub url: Option<Url>,
}

/// `[http]`: where monitors ask how we stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Http {
    /// Where to listen; `None` is nowhere, unless the service manager hands over a socket.
    pub listen: Option<SocketAddr>,
    /// Whether it may be an address that other machines reach.
    pub allow_remote: bool,
}

/// One `[[company]]`. A file may have a hundred thousand: what need not grow is in boxes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Company {
    /// What upstream is asked for.
    pub keyword: Keyword,
    /// What mails call it.
    pub name: Box<str>,
    /// The operator's own labels.
    pub tags: Box<[String]>,
    /// Readers besides `[email].to`.
    pub to: Box<[EmailAddress]>,
    /// Its own thresholds, falling.
    pub expiry_days: Option<Box<[u16]>>,
    /// Its own line, one for all who have the same.
    pub check: Option<Arc<CronLine>>,
    /// The prefix of `businessId` it is pinned to: 24 small hexadecimal digits.
    pub id: Option<Box<str>>,
    /// The line of its keyword in the file, from 1.
    pub line: u32,
}

impl Watchlist {
    /// The calendar day of an instant.
    #[must_use]
    pub fn day_of(&self, at: DateTime<Utc>) -> NaiveDate {
        at.with_timezone(&self.timezone).date_naive()
    }

    /// The addresses that are told of troubles.
    #[must_use]
    pub fn operators(&self) -> Vec<String> {
        self.email.operators.iter().map(|address| address.as_str().to_owned()).collect()
    }

    /// From how many days before its end a certificate of this company, or of one that is not in the file, is called expiring; -1
    /// where no day before an end is told.
    #[must_use]
    pub fn expiring_from_days(&self, company: Option<&Company>) -> i64 {
        let days = company.map_or(&*self.alerts.expiry_days, |company| self.expiry_days_of(company));
        days.iter().max().copied().map_or(-1, i64::from)
    }

    /// Who reads of a company: `[email].to`, then its own, each address once.
    #[must_use]
    pub fn recipients_of(&self, company: &Company) -> Vec<EmailAddress> {
        let mut seen = BTreeSet::new();
        let all = self.email.to.iter().chain(&company.to);
        all.filter(|address| seen.insert(address.folded())).cloned().collect()
    }

    /// Every address that the file names, in small letters, each once.
    #[must_use]
    pub fn addresses(&self) -> Vec<String> {
        let own = self.companies.iter().flat_map(|company| &company.to);
        let all = self.email.to.iter().chain(&self.email.operators).chain(own);
        all.map(EmailAddress::folded).collect::<BTreeSet<String>>().into_iter().collect()
    }

    /// The thresholds of a company, falling.
    #[must_use]
    pub fn expiry_days_of<'a>(&'a self, company: &'a Company) -> &'a [u16] {
        company.expiry_days.as_deref().unwrap_or(&self.alerts.expiry_days)
    }

    /// The line a company is checked by.
    #[must_use]
    pub fn check_line_of<'a>(&'a self, company: &'a Company) -> &'a CronLine {
        company.check.as_deref().unwrap_or(&self.schedule.check)
    }

    /// The lines by which companies are checked, and the day's hour, each once.
    #[must_use]
    pub fn check_lines(&self) -> Vec<CronLine> {
        let own = self.companies.iter().filter_map(|company| company.check.as_deref());
        each_once(std::iter::once(&self.schedule.check).chain(own))
    }

    /// The lines that the scheduler must ring for, each once: checks, the day's hour, the digest.
    #[must_use]
    pub fn bell_lines(&self) -> Vec<CronLine> {
        each_once(self.check_lines().iter().chain(&self.email.digest))
    }

    /// How long a company may go unverified: `stale_after`, but never less than twice its interval.
    #[must_use]
    pub fn stale_after_of(&self, company: &Company, now: DateTime<Utc>) -> Duration {
        let interval = self.check_line_of(company).interval(self.timezone, now).to_std().unwrap_or_default();
        self.alerts.stale_after.max(interval.saturating_mul(2))
    }

    /// The calls a day the schedule needs: the occurrences of the seven days after `now`, of all companies, divided by seven
    /// and rounded up. Pages beyond the first, confirmations and repeats come on top.
    #[must_use]
    pub fn calls_per_day(&self, now: DateTime<Utc>) -> u64 {
        let mut by_line: BTreeMap<String, u64> = BTreeMap::new();
        let mut occurrences: u64 = 0;
        for company in &self.companies {
            let line = self.check_line_of(company);
            let of_one = by_line
                .entry(line.for_scheduler())
                .or_insert_with(|| line.between(self.timezone, now, now + TimeDelta::days(7)));
            occurrences = occurrences.saturating_add(*of_one);
        }
        occurrences.div_ceil(7)
    }
}

fn each_once<'a>(lines: impl Iterator<Item = &'a CronLine>) -> Vec<CronLine> {
    let mut once: BTreeMap<String, &CronLine> = BTreeMap::new();
    for line in lines {
        once.entry(line.for_scheduler()).or_insert(line);
    }
    once.into_values().cloned().collect()
}
