//! "Are we well?", answered in one place (design 5): a pure function from facts to problems. `status`, exit codes, the heartbeat
//! and the service manager's line read it and decide nothing themselves.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::event::Trouble;
use super::keyword::Keyword;
use super::outcome::Outcome;

/// How much a problem weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Somebody should look.
    Attention,
    /// An alert may be missed by it.
    Failing,
}

/// Something that stands still, and why; serialised as `status --json` has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stopped {
    /// As in `stops.class`.
    pub class: String,
    /// The code of the provider or the mail server.
    pub code: Option<i64>,
    /// Why, made inert.
    #[serde(skip)]
    pub reason: String,
    /// What a person can do.
    #[serde(skip)]
    pub advice: Option<String>,
    /// Since when.
    pub since: DateTime<Utc>,
    /// When one probe is allowed.
    #[serde(rename = "next_probe")]
    pub next_probe_at: Option<DateTime<Utc>>,
}

/// Companies that were due and that nobody asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unasked {
    pub companies: u64,
    /// Since when the first of them is due.
    pub since: DateTime<Utc>,
}

impl Unasked {
    /// With one company more, due `since` then.
    #[must_use]
    pub fn and(unasked: Option<Self>, since: DateTime<Utc>) -> Self {
        let Self { companies, since: first } = unasked.unwrap_or(Self { companies: 0, since });
        Self { companies: companies + 1, since: first.min(since) }
    }
}

/// A daemon that works on the database, or did until it was killed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KnownDaemon {
    /// When it started.
    pub since: DateTime<Utc>,
    /// When it last looked how it stands, which it does once a minute.
    pub last_look: DateTime<Utc>,
    /// Of the program.
    pub version: String,
}

/// An open trouble, as operators were told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenTrouble {
    pub trouble: Trouble,
    pub cause: String,
    pub company: Option<Keyword>,
    pub since: DateTime<Utc>,
}

/// A company whose last check failed, or whose answers are not known to be its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ailing {
    pub keyword: Keyword,
    /// How the last check ended.
    pub last_outcome: Option<Outcome>,
    /// The provider's code of the last check that failed, where it gave one.
    pub last_code: Option<i64>,
    /// Why the last check failed, made inert.
    pub last_reason: Option<String>,
    pub is_disputed: bool,
}

/// When somebody is asked next who is `due` by then: while asking is stopped, at the probe; by our own limit, when the budget begins
/// anew at `resets_at`.
#[must_use]
pub fn next_sweep(
    due: DateTime<Utc>,
    stopped: Option<&Stopped>,
    resets_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> DateTime<Utc> {
    let Some(stopped) = stopped else { return due };
    let goes_on = stopped.next_probe_at.unwrap_or(resets_at);
    // A probe whose time has come waits for somebody who is due.
    if goes_on <= now { due } else { goes_on }
}

/// All that decides whether we are well. What somebody does not know is left empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// By the provider or our own limit, else by the breaker.
    pub asking_stopped: Option<Stopped>,
    /// Who is due.
    pub unasked: Option<Unasked>,
    /// Who is due, or missed an occurrence that a daemon leaves for the next.
    pub missed: Option<Unasked>,
    /// Those that work on the database, and those that were killed not long ago.
    pub daemons: Vec<KnownDaemon>,
    /// When any company was asked for last.
    pub last_asked_at: Option<DateTime<Utc>>,
    /// Companies that were asked for today and did not fail before, and those that were verified today.
    pub asked_today: i64,
    pub verified_today: i64,
    /// By the sender's own fault, or a server that is away.
    pub mail_stopped: Option<Stopped>,
    /// Messages that were given up.
    pub dead_letters: u64,
    /// Whose they are, a handful of them.
    pub given_up: Vec<String>,
    /// Which pieces of the daemon's work fail, and why: most likely the database.
    pub failing_work: Vec<String>,
    pub troubles: Vec<OpenTrouble>,
    pub ailing: Vec<Ailing>,
    /// Why the watchlist on disk is not the one in force.
    pub file_refused: Option<String>,
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// Nobody may be asked for.
    AskingStopped(Stopped),
    /// Somebody is due, nothing is stopped, and nobody asks; whether a daemon lives all the same.
    NobodyAsks { unasked: Unasked, does_daemon_live: bool },
    /// Of all who were asked for today nobody was verified.
    NothingVerified { asked: i64 },
    /// No mail leaves.
    MailStopped(Stopped),
    /// Messages were given up.
    DeadLetters { count: u64, to: Vec<String> },
    /// A piece of the daemon's work fails as a whole.
    WorkFails { reason: String },
    /// The watchlist on disk has a fault, and an earlier one is in force.
    FileRefused { reason: String },
    /// An open trouble that no other problem says.
    Open(OpenTrouble),
    /// A company whose last check failed.
    CheckFailed(Ailing),
    /// A company whose answers are not known to be its own.
    Disputed(Keyword),
}

/// A problem as it is shown: by `--json` and `/health`, which is a contract (design 7), and in tables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShownProblem {
    /// The company, where it is about one.
    pub company: Option<Keyword>,
    /// A class of design 2, `incomplete`, `disputed` or `mail`, or the kind of a trouble.
    pub class: String,
    /// The code of the provider or the mail server.
    pub code: Option<i64>,
    /// What happened, inert.
    pub reason: String,
}

/// A daemon that has not looked for so long was killed, or hangs.
const LOOKS_WITHIN: TimeDelta = TimeDelta::minutes(5);

/// One that has not looked for so long may have been.
const MISSES_A_LOOK_AFTER: TimeDelta = TimeDelta::seconds(90);

impl KnownDaemon {
    #[must_use]
    pub fn lives(&self, now: DateTime<Utc>) -> bool {
        now - self.last_look <= LOOKS_WITHIN
    }

    /// When it was seen last, where it has not looked as it should since.
    #[must_use]
    pub fn unseen_since(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        (now - self.last_look > MISSES_A_LOOK_AFTER).then_some(self.last_look)
    }
}

/// What is due and not asked for within this time is asked for by nobody.
const ASKED_WITHIN: TimeDelta = TimeDelta::hours(1);

/// What is not as it should be; nothing: we are well. What weighs most comes first.
#[must_use]
pub fn problems(facts: &Facts, now: DateTime<Utc>) -> Vec<Problem> {
    let mut problems = Vec::new();
    problems.extend(facts.failing_work.iter().map(|reason| Problem::WorkFails { reason: reason.clone() }));
    match &facts.asking_stopped {
        Some(stopped) => problems.push(Problem::AskingStopped(stopped.clone())),
        None => problems.extend(nobody_asks(facts, now)),
    }
    if facts.asking_stopped.is_none() && facts.asked_today > 0 && facts.verified_today == 0 {
        problems.push(Problem::NothingVerified { asked: facts.asked_today });
    }
    problems.extend(facts.mail_stopped.clone().map(Problem::MailStopped));
    if facts.dead_letters > 0 {
        problems.push(Problem::DeadLetters { count: facts.dead_letters, to: facts.given_up.clone() });
    }
    problems.extend(facts.file_refused.clone().map(|reason| Problem::FileRefused { reason }));
    for company in &facts.ailing {
        let has_failed = company.last_outcome.is_some_and(Outcome::is_failure);
        if has_failed {
            problems.push(Problem::CheckFailed(company.clone()));
        }
        if company.is_disputed && company.last_outcome != Some(Outcome::Disputed) {
            problems.push(Problem::Disputed(company.keyword.clone()));
        }
    }
    let open = facts.troubles.iter().filter(|open| !is_said(open, facts));
    problems.extend(open.cloned().map(Problem::Open));
    problems.sort_by_key(|problem| std::cmp::Reverse(problem.weight()));
    problems
}

/// A sweep of many companies takes hours: as long as it asks, the others wait for their turn. Where no key is given that is
/// the problem.
fn nobody_asks(facts: &Facts, now: DateTime<Utc>) -> Option<Problem> {
    if facts.troubles.iter().any(|open| open.trouble == Trouble::ApiCredential) {
        return None;
    }
    let is_long_ago = |at: DateTime<Utc>| now - at > ASKED_WITHIN;
    let does_daemon_live = facts.daemons.iter().any(|daemon| daemon.lives(now));
    let unasked = if does_daemon_live { facts.unasked } else { facts.missed };
    let unasked =
        unasked.filter(|due| is_long_ago(due.since) && facts.last_asked_at.is_none_or(is_long_ago))?;
    Some(Problem::NobodyAsks { unasked, does_daemon_live })
}

/// Whether another problem says what this trouble is.
fn is_said(open: &OpenTrouble, facts: &Facts) -> bool {
    let ailing = || facts.ailing.iter().find(|company| Some(&company.keyword) == open.company.as_ref());
    match open.trouble {
        Trouble::ApiCredential | Trouble::ApiQuota | Trouble::ApiUnreachable => {
            facts.asking_stopped.is_some()
        }
        Trouble::EmailStopped => facts.mail_stopped.is_some(),
        Trouble::EmailUndeliverable => facts.dead_letters > 0,
        Trouble::DatabaseUnavailable => !facts.failing_work.is_empty(),
        Trouble::WatchlistRejected => facts.file_refused.is_some(),
        Trouble::CompanyUnverified => {
            ailing().is_some_and(|company| company.last_outcome.is_some_and(Outcome::is_failure))
        }
        Trouble::IdentityChanged => ailing().is_some_and(|company| company.is_disputed),
        Trouble::ApiUnknownCode
        | Trouble::CompanyNotFound
        | Trouble::EmailLate
        | Trouble::MassChange
        | Trouble::UnreadableDate
        | Trouble::UnreadableItem => false,
    }
}

impl Problem {
    #[must_use]
    pub fn weight(&self) -> Weight {
        match self {
            Self::AskingStopped(_)
            | Self::NobodyAsks { .. }
            | Self::NothingVerified { .. }
            | Self::MailStopped(_)
            | Self::DeadLetters { .. }
            | Self::WorkFails { .. } => Weight::Failing,
            Self::FileRefused { .. } | Self::CheckFailed(_) | Self::Disputed(_) => Weight::Attention,
            Self::Open(open) => weight_of(open.trouble),
        }
    }

    /// The company it is about, where it is about one.
    #[must_use]
    pub fn company(&self) -> Option<&Keyword> {
        match self {
            Self::CheckFailed(company) => Some(&company.keyword),
            Self::Disputed(keyword) => Some(keyword),
            Self::Open(open) => open.company.as_ref(),
            _ => None,
        }
    }

    /// A class of design 2, `incomplete`, `disputed` or `mail`, or the kind of a trouble (design 7).
    #[must_use]
    pub fn class(&self) -> &str {
        match self {
            Self::AskingStopped(stopped) => &stopped.class,
            Self::NobodyAsks { .. } | Self::NothingVerified { .. } => "unknown",
            Self::MailStopped(_) | Self::DeadLetters { .. } => "mail",
            Self::WorkFails { .. } => Trouble::DatabaseUnavailable.as_str(),
            Self::FileRefused { .. } => Trouble::WatchlistRejected.as_str(),
            Self::CheckFailed(company) => company.last_outcome.map_or("unknown", Outcome::as_str),
            Self::Disputed(_) => Outcome::Disputed.as_str(),
            Self::Open(open) => open.trouble.as_str(),
        }
    }

    /// The provider's code, or the mail server's.
    #[must_use]
    pub fn code(&self) -> Option<i64> {
        match self {
            Self::AskingStopped(stopped) | Self::MailStopped(stopped) => stopped.code,
            Self::CheckFailed(company) => company.last_code,
            _ => None,
        }
    }

    /// As it is shown; `local` writes an instant as people there read it.
    #[must_use]
    pub fn shown(&self, local: impl Fn(DateTime<Utc>) -> String) -> ShownProblem {
        ShownProblem {
            company: self.company().cloned(),
            class: self.class().to_owned(),
            code: self.code(),
            reason: self.reason(local),
        }
    }

    /// What it is, in a sentence; `local` writes an instant as people there read it.
    #[must_use]
    pub fn reason(&self, local: impl Fn(DateTime<Utc>) -> String) -> String {
        match self {
            Self::AskingStopped(stopped) | Self::MailStopped(stopped) => stopped.reason.clone(),
            Self::NobodyAsks { unasked: Unasked { companies, since }, does_daemon_live } => {
                let companies = counted(*companies, "company is", "companies are");
                let why = if *does_daemon_live { "a daemon runs: see its log" } else { "no daemon runs" };
                format!("{companies} due and not asked for, the first since {}: {why}", local(*since))
            }
            Self::NothingVerified { asked } => {
                format!("of {asked} companies that were asked for today none was verified")
            }
            Self::DeadLetters { count, to } => {
                let dead = counted(*count, "message was", "messages were");
                let to = if to.is_empty() { String::new() } else { format!(" (to {})", to.join(", ")) };
                format!("{dead} given up after refusals{to}: `qualwatch retry` offers them again")
            }
            Self::WorkFails { reason } => reason.clone(),
            Self::FileRefused { reason } => {
                format!("the watchlist on disk has a fault, and the one before it is in force: {reason}")
            }
            Self::CheckFailed(company) => company.last_reason.clone().unwrap_or_default(),
            Self::Disputed(_) => {
                "the answers bear the id of another company: confirm the entry, or pin `id`".to_owned()
            }
            Self::Open(open) => format!("{}, since {}", said(open), local(open.since)),
        }
    }
}

fn weight_of(trouble: Trouble) -> Weight {
    match trouble {
        Trouble::ApiCredential
        | Trouble::ApiQuota
        | Trouble::ApiUnreachable
        | Trouble::DatabaseUnavailable
        | Trouble::EmailStopped
        | Trouble::EmailUndeliverable
        | Trouble::EmailLate => Weight::Failing,
        Trouble::ApiUnknownCode
        | Trouble::CompanyNotFound
        | Trouble::CompanyUnverified
        | Trouble::IdentityChanged
        | Trouble::MassChange
        | Trouble::UnreadableDate
        | Trouble::UnreadableItem
        | Trouble::WatchlistRejected => Weight::Attention,
    }
}

/// The cause of mail that is late because the server is away, not for one recipient's sake.
pub const EVERYBODYS_MAIL: &str = "mail";

/// A trouble for the operator who asks, with what tells it from others of its kind.
fn said(open: &OpenTrouble) -> String {
    let of = |what: &str| format!("{what}: {}", open.cause);
    match open.trouble {
        Trouble::ApiCredential => "the provider refuses the key, or none is given".to_owned(),
        Trouble::ApiQuota => "the provider's calls are used up".to_owned(),
        Trouble::ApiUnreachable => "the provider cannot be reached".to_owned(),
        Trouble::ApiUnknownCode => of("the provider answers with an unknown code"),
        Trouble::CompanyNotFound => "the provider finds nothing under this keyword".to_owned(),
        Trouble::CompanyUnverified => "its answers stay incomplete".to_owned(),
        Trouble::IdentityChanged => "the keyword may find another company: it is not compared".to_owned(),
        Trouble::MassChange => {
            "many companies lost qualifications at once: the source may be wrong".to_owned()
        }
        Trouble::UnreadableDate => of("an end of validity cannot be judged"),
        Trouble::UnreadableItem => "its answers have items without a certificate number".to_owned(),
        Trouble::WatchlistRejected => "the watchlist was not accepted".to_owned(),
        Trouble::EmailStopped => "sending mail is stopped".to_owned(),
        Trouble::EmailUndeliverable => of("mail was given up"),
        Trouble::EmailLate if open.cause == EVERYBODYS_MAIL => {
            "the mail server has taken nothing for more than a day".to_owned()
        }
        Trouble::EmailLate => of("mail has been owed for more than a day"),
        Trouble::DatabaseUnavailable => "the database failed".to_owned(),
    }
}

/// So many of something, in its singular or plural.
#[must_use]
pub fn counted(count: u64, one: &str, more: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {more}") }
}

#[cfg(test)]
mod tests;
