//! What every command begins with: the watchlist, read and judged before anything is touched; where the state is; the clock.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};

use crate::clock::{Clock, SystemClock};
use crate::config::{self, ConfigError, Environment, Fault, JudgedFile, Outlet, Source, Watchlist};
use crate::daemon::Rejected;

use super::arguments::Places;
use super::exit::Refusal;
use super::print::{self, Reader};
use super::verdict::{FileVerdict, fault_of_unreadable};

/// Sets the clock of a process that speaks to a sandbox.
const NOW: &str = "QUALWATCH_NOW";

/// What a command works with.
pub(super) struct Context {
    /// The accepted watchlist.
    pub watchlist: Watchlist,
    /// Where it is; relative paths in it start there.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
    /// What is hardly meant in it.
    pub warnings: Vec<Fault>,
    /// Why what lies at `path` is not what is in force.
    pub rejected: Option<Rejected>,
    /// Where the state is. It may not exist yet.
    pub state_dir: PathBuf,
    /// The variables of this process.
    pub environment: Environment,
    /// The clock of this process.
    pub clock: Arc<dyn Clock>,
}

/// What is in force, and what lies at its path.
pub(super) struct InForce {
    /// By the file, or by its accepted copy.
    pub context: Context,
    /// The text at the path, and what is wrong with it, where that can be read and has faults.
    refused: Option<(String, JudgedFile)>,
}

/// What is done where the watchlist cannot be used.
#[derive(Clone, Copy, PartialEq, Eq)]
enum OtherwiseUse {
    /// The command ends.
    Nothing,
    /// The copy that was accepted last stands in.
    AcceptedCopy,
}

impl InForce {
    /// Draws the faults for a person.
    pub fn draw_faults(&self) {
        if let Some((text, faults)) = &self.refused {
            draw(&self.context.path, text, faults, &self.context.environment);
        }
    }

    /// The text at the path, good or not; `None` where it cannot be read.
    pub fn found(&self) -> Option<&str> {
        match &self.refused {
            Some((text, _)) => Some(text),
            None => self.context.rejected.is_none().then_some(&*self.context.text),
        }
    }
}

fn find(places: &Places) -> anyhow::Result<PathBuf> {
    config::find(places.watchlist.as_deref()).ok_or_else(|| {
        let tried = config::USUAL_PLACES.join(", ");
        let refusal = Refusal::wrong_use(format!("there is no watchlist; looked for {tried}"));
        let advice = "`qualwatch init` writes a first one (`sudo qualwatch init`: that of the service); another is named with --watchlist FILE";
        refusal.advising(advice).into()
    })
}

/// Where the state is, whatever is in the watchlist.
///
/// # Errors
/// There is no watchlist: wrong use.
pub(super) fn state_dir_of(places: &Places) -> anyhow::Result<PathBuf> {
    Ok(config::state_dir(places.state_dir.as_deref(), &find(places)?, &places.environment()))
}

impl Context {
    /// Reads the watchlist. One with faults ends the command before anything is touched: they are all drawn, or for a
    /// program printed as `validate --json` does.
    ///
    /// # Errors
    /// There is no watchlist or it cannot be used, or the clock was set where it must not be: wrong use.
    pub fn load(places: &Places, reader: Reader) -> anyhow::Result<Self> {
        Ok(Self::read(places, reader, OtherwiseUse::Nothing)?.context)
    }

    /// The same for what only reads: where the watchlist has faults or cannot be read, the copy that was accepted last is
    /// in force, and it is said that it is.
    ///
    /// # Errors
    /// As [`Self::load`], where there was never a good file.
    pub fn load_to_read(places: &Places, reader: Reader) -> anyhow::Result<Self> {
        let in_force = Self::load_in_force(places, reader)?;
        if reader == Reader::Person {
            in_force.draw_faults();
        }
        let context = in_force.context;
        if let Some(rejected) = &context.rejected {
            let line = rejected.line.map(|line| format!(":{line}")).unwrap_or_default();
            print::complaint(&format!(
                "{}{line}: {}\nThis file is not in force: what is shown goes by the copy that was accepted last",
                context.path.display(),
                rejected.reason
            ));
        }
        Ok(context)
    }

    /// The same for whoever tells of a copy in a way of its own.
    ///
    /// # Errors
    /// As [`Self::load`], where there was never a good file.
    pub fn load_in_force(places: &Places, reader: Reader) -> anyhow::Result<InForce> {
        Self::read(places, reader, OtherwiseUse::AcceptedCopy)
    }

    fn read(places: &Places, reader: Reader, otherwise: OtherwiseUse) -> anyhow::Result<InForce> {
        let path = find(places).inspect_err(|error| report_unreadable(error, reader))?;
        let environment = places.environment();
        let state_dir = config::state_dir(places.state_dir.as_deref(), &path, &environment);
        let accepted = |rejected: Rejected| {
            if otherwise == OtherwiseUse::Nothing {
                return None;
            }
            let text = config::accepted(&state_dir)?;
            let (watchlist, warnings) = config::parse(&text, &path).ok()?;
            let context = Self::new(places, path.clone(), text, (watchlist, warnings), environment.clone());
            Some(context.map(|context| Self { rejected: Some(rejected), ..context }))
        };
        let text = match config::read_text(&path) {
            Ok(text) => text,
            Err(error) => {
                let rejected = Rejected::unreadable(&error);
                let Some(context) = accepted(rejected) else {
                    let error = error.into();
                    report_unreadable(&error, reader);
                    return Err(error);
                };
                return Ok(InForce { context: context?, refused: None });
            }
        };
        let judgement = config::judge(&text, &path);
        if let Some(watchlist) = judgement.watchlist {
            let warned = (watchlist, judgement.warnings);
            let context = Self::new(places, path, text, warned, environment)?;
            return Ok(InForce { context, refused: None });
        }
        match accepted(Rejected::of(&judgement.faults, &text)) {
            Some(context) => Ok(InForce { context: context?, refused: Some((text, judgement)) }),
            None => Err(refuse(&path, &text, &judgement, reader, &environment)),
        }
    }

    fn new(
        places: &Places,
        path: PathBuf,
        text: String,
        (watchlist, warnings): (Watchlist, Vec<Fault>),
        environment: Environment,
    ) -> anyhow::Result<Self> {
        let state_dir = config::state_dir(places.state_dir.as_deref(), &path, &environment);
        let clock = clock_for(&watchlist, &environment)?;
        Ok(Self { watchlist, path, text, warnings, rejected: None, state_dir, environment, clock })
    }

    /// The current instant.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// The current day in the configured zone.
    pub fn today(&self) -> NaiveDate {
        self.watchlist.day_of(self.now())
    }

    /// An instant as people here read it.
    pub fn local(&self, at: DateTime<Utc>) -> String {
        at.with_timezone(&self.watchlist.timezone).format("%Y-%m-%d %H:%M").to_string()
    }

    /// All that is hardly meant: in the watchlist itself, of its needs against its budget, of the secrets beside it.
    pub fn all_warnings(&self) -> Vec<Fault> {
        let mut warnings = self.warnings.clone();
        let need = self.watchlist.calls_per_day(self.now());
        if let Some(limit) = self.watchlist.api.calls_per_day
            && need > u64::from(limit.get())
        {
            let message = format!(
                "the schedule needs {need} calls a day, the budget is {limit}: not every company is checked every time"
            );
            warnings.push(config::warning_at(&self.text, "api", "calls_per_day", message));
        }
        warnings.extend(self.warnings_of_secrets());
        warnings.sort_by_key(|warning| (warning.line, warning.column));
        warnings
    }

    /// Without a key nothing is asked, and without the password of a login nothing is sent. A sandbox takes any key.
    fn warnings_of_secrets(&self) -> Vec<Fault> {
        let (watchlist, environment) = (&self.watchlist, &self.environment);
        let mut warnings = Vec::new();
        let warning = |table, key, message: String| config::warning_at(&self.text, table, key, message);
        let unreadable = |error: ConfigError| format!("{:#}", anyhow::Error::from(error));
        let absent =
            |message: &str| format!("{message} (a credential of the service alone is not seen here)");
        match config::read_api_key(watchlist, environment) {
            Ok(Some(given)) => {
                let file = watchlist.api.key_file.as_ref();
                warnings.extend(config::warn_of_open_file("api.key_file", file, &given, environment));
            }
            Ok(None) if watchlist.api.is_on_loopback() => {}
            Ok(None) => {
                let message = "no API key is given, nothing can be asked: it is the credential \"api-key\", QUALWATCH_API_KEY or \
                               `key_file`";
                warnings.push(warning("api", "key_file", absent(message)));
            }
            Err(error) => warnings.push(warning("api", "key_file", unreadable(error))),
        }
        let (file, logs_in) = match &watchlist.email.outlet {
            Outlet::Smtp { server, password_file, .. } => (password_file.as_ref(), server.login.is_some()),
            Outlet::Maildir(_) => (None, false),
        };
        match config::read_smtp_password(watchlist, environment) {
            Ok(Some(given)) => {
                warnings.extend(config::warn_of_open_file("email.password_file", file, &given, environment));
            }
            Ok(None) if logs_in => {
                let message = "no password is given for this login, nothing can be sent: it is the credential \"smtp-password\", \
                               QUALWATCH_SMTP_PASSWORD or `password_file`";
                warnings.push(warning("email", "smtp", absent(message)));
            }
            Ok(None) => {}
            Err(error) => warnings.push(warning("email", "password_file", unreadable(error))),
        }
        match config::read_database_url(watchlist, environment) {
            // What the watchlist says of it was judged with the watchlist.
            Ok(Some(given)) if given.source != Source::Watchlist => {
                warnings.extend(given.value.weakness().map(|weak| warning("database", "url", weak)));
            }
            Ok(_) => {}
            Err(error) => warnings.push(warning("database", "url", unreadable(error))),
        }
        warnings
    }

    /// Draws these warnings for a person.
    pub fn draw_warnings(&self, warnings: &[Fault]) {
        if !warnings.is_empty() {
            let colour = print::colour_of_complaints(&self.environment);
            print::drawing(tracing::Level::WARN, &config::draw(warnings, &self.text, &self.path, colour));
        }
    }
}

/// The clock of a process without a watchlist that speaks to nobody else: the sandbox.
///
/// # Errors
/// `QUALWATCH_NOW` is no instant: wrong use.
pub(super) fn sandbox_clock(environment: &Environment) -> anyhow::Result<Arc<dyn Clock>> {
    Ok(Arc::new(match set_instant(environment)? {
        Some(now) => SystemClock::starting_at(now),
        None => SystemClock::default(),
    }))
}

fn clock_for(watchlist: &Watchlist, environment: &Environment) -> anyhow::Result<Arc<dyn Clock>> {
    if set_instant(environment)?.is_some() && !watchlist.api.is_on_loopback() {
        let refusal = Refusal::wrong_use(format!("{NOW} is set, but [api].url is not on this machine"));
        let advice = "unset it: only a process that asks a sandbox may have a time of its own";
        return Err(refusal.advising(advice).into());
    }
    sandbox_clock(environment)
}

fn set_instant(environment: &Environment) -> anyhow::Result<Option<DateTime<Utc>>> {
    let Some(text) = environment.get(NOW).map(str::trim).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    match DateTime::parse_from_rfc3339(text) {
        Ok(now) => Ok(Some(now.with_timezone(&Utc))),
        Err(why) => {
            let refusal = Refusal::wrong_use(format!("{NOW} is no instant: {why}"));
            Err(refusal.advising("write it like 2026-01-05T08:00:00+08:00").into())
        }
    }
}

/// Says all faults of a watchlist, and that nothing was done.
pub(super) fn refuse(
    path: &Path,
    text: &str,
    judgement: &JudgedFile,
    reader: Reader,
    environment: &Environment,
) -> anyhow::Error {
    match reader {
        Reader::Person => draw(path, text, judgement, environment),
        Reader::Program => {
            if let Err(error) =
                print::document(&FileVerdict::of_faults(&judgement.faults, &judgement.warnings))
            {
                return error;
            }
        }
    }
    let count = match judgement.faults.len() {
        1 => "a fault".to_owned(),
        more => format!("{more} faults"),
    };
    Refusal::wrong_use(format!("the watchlist {} has {count}; nothing was done", path.display())).into()
}

/// A program gets one document even where there is no text to judge.
fn report_unreadable(error: &anyhow::Error, reader: Reader) {
    if reader == Reader::Program {
        // The error itself follows on standard error.
        let _ = print::document(&FileVerdict::of_faults(&[fault_of_unreadable(error)], &[]));
    }
}

/// Draws faults and warnings.
pub(super) fn draw(path: &Path, text: &str, judgement: &JudgedFile, environment: &Environment) {
    let colour = print::colour_of_complaints(environment);
    let drawn = [
        config::draw(&judgement.warnings, text, path, colour),
        config::draw(&judgement.faults, text, path, colour),
    ];
    for drawing in drawn.into_iter().filter(|drawing| !drawing.is_empty()) {
        print::drawing(tracing::Level::ERROR, &format!("{drawing}\n"));
    }
}
