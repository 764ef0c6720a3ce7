//! `qualwatch init`: a first watchlist, its secrets where they belong, and the proof that both work.

mod answers;
mod file;
mod questions;
mod refusals;
mod service;
mod site;
mod words;

use std::io::Read as _;
use std::path::Path;

use anyhow::Context as _;

use super::arguments::{InitArguments, Places, STANDARD};
use super::exit::Exit;
use crate::config::{self, Outlet};
use crate::domain::language::Language;
use crate::domain::secret::Secret;
use file::{Answers, SecretLine};
use refusals::Reason;
use site::{SecretKind, SecretPlace, Site};
use words::Words;

/// The largest file that is taken for a secret.
const SECRET_BYTES_MAX: u64 = 64 << 10;

/// A secret and where it is to lie.
struct Given {
    place: SecretPlace,
    /// Nothing where it is there already, or comes later.
    secret: Option<Secret>,
}

/// Asks, writes, and tries out what was written.
///
/// # Errors
/// There is a watchlist already, an answer is missing or wrong, or a file cannot be written.
pub(super) async fn init(places: &Places, arguments: &InitArguments) -> anyhow::Result<Exit> {
    let language = Language::from(arguments.language);
    let site = Site::of(places.watchlist.as_deref(), language)?;
    let words = words::of(language);
    if questions::can_be_asked() {
        questions::say(words.greeting)?;
    }
    refuse_one_input_twice(arguments)?;
    let answers = answers::answers(arguments, site.maildir())?;
    let asked = |kind, file: Option<&Path>, option, question| {
        Given::take(site.place_of(kind), file, (option, question), language)
    };
    let key = asked(SecretKind::ApiKey, arguments.api_key_file.as_deref(), "--api-key-file", words.api_key)?;
    let password = if logs_in(&answers) {
        let file = arguments.smtp_password_file.as_deref();
        Some(asked(SecretKind::SmtpPassword, file, "--smtp-password-file", words.password)?)
    } else {
        None
    };
    let text = file::text(&answers, &key.written(), password.as_ref().map(Given::written).as_ref());
    for given in [Some(&key), password.as_ref()].into_iter().flatten() {
        given.write(words)?;
    }
    site.write(&text)?;
    questions::say(&format!("{} {}", words.written, site.watchlist.display()))?;
    try_out(places, arguments, &site, key.is_given()).await
}

/// What was written is judged, one company is asked for, and everybody gets a mail: by this program as the operator would start
/// it, so that what it proves holds for the service.
async fn try_out(
    places: &Places,
    arguments: &InitArguments,
    site: &Site,
    has_key: bool,
) -> anyhow::Result<Exit> {
    let words = words::of(arguments.language.into());
    let places = Places { watchlist: Some(site.watchlist.clone()), ..places.clone() };
    if !has_key && !arguments.no_test_call {
        questions::say(words.no_key)?;
    }
    let calls = has_key && !arguments.no_test_call && is_wanted(words.test_call, words)?;
    let validate: &[&str] = if calls { &["validate", "--ask"] } else { &["validate"] };
    let mut is_well = run(&places, validate).await?;
    if !arguments.no_test_mail && is_wanted(words.test_mail, words)? {
        is_well &= run(&places, &["test-email"]).await?;
    }
    questions::say(if site.is_of_service() { words.start_service } else { words.start_here })?;
    Ok(if is_well { Exit::Done } else { Exit::Problems })
}

/// Says what is about to be done; a person may decline.
fn is_wanted(what: &str, words: &Words) -> anyhow::Result<bool> {
    if questions::can_be_asked() {
        return questions::is_confirmed(&format!("{what}{}", words.go_on));
    }
    questions::say(what)?;
    Ok(true)
}

async fn run(places: &Places, arguments: &[&str]) -> anyhow::Result<bool> {
    let mut again = places.again();
    let status = again.args(arguments).kill_on_drop(true).status().await;
    Ok(status.context("starting again to try out the watchlist")?.success())
}

fn refuse_one_input_twice(arguments: &InitArguments) -> anyhow::Result<()> {
    let is_standard = |file: &Option<std::path::PathBuf>| file.as_deref() == Some(Path::new(STANDARD));
    if is_standard(&arguments.api_key_file) && is_standard(&arguments.smtp_password_file) {
        return Err(Reason::OneInputTwice.said(arguments.language.into()).into());
    }
    Ok(())
}

fn logs_in(answers: &Answers) -> bool {
    let text = file::text(answers, &SecretLine::Named("api-key"), None);
    let watchlist = config::judge(&text, Path::new("watchlist.toml")).watchlist;
    watchlist.is_some_and(|watchlist| match &watchlist.email.outlet {
        Outlet::Smtp { server, .. } => server.login.is_some(),
        Outlet::Maildir(_) => false,
    })
}

impl Given {
    fn take(
        place: SecretPlace,
        file: Option<&Path>,
        (option, question): (&str, &str),
        language: Language,
    ) -> anyhow::Result<Self> {
        let secret = match file {
            Some(_) if place.is_there => {
                let is_there = Reason::SecretIsThere { option, file: &place.path };
                return Err(is_there.said(language).into());
            }
            Some(file) => Some(read(file, option, language)?),
            None if place.is_there => {
                questions::say(&format!("{} {}", words::of(language).kept, place.path.display()))?;
                None
            }
            None if questions::can_be_asked() => questions::hidden(question)?,
            None => return Err(Reason::NoTerminal { missing: option }.said(language).into()),
        };
        if secret.as_ref().is_some_and(|secret| secret.expose().chars().any(char::is_control)) {
            return Err(Reason::ControlCharacters { option }.said(language).into());
        }
        Ok(Self { place, secret })
    }

    fn is_given(&self) -> bool {
        self.secret.is_some() || self.place.is_there
    }

    /// As the watchlist names it.
    fn written(&self) -> SecretLine {
        match self.place.named {
            Some(name) if self.is_given() => SecretLine::Named(name),
            Some(name) => SecretLine::Later(name),
            None => SecretLine::Credential(self.place.path.display().to_string()),
        }
    }

    fn write(&self, words: &Words) -> anyhow::Result<()> {
        let Some(secret) = &self.secret else { return Ok(()) };
        self.place.write(secret)?;
        questions::say(&format!("{} {}", words.written, self.place.path.display()))
    }
}

fn read(file: &Path, option: &str, language: Language) -> anyhow::Result<Secret> {
    let mut text = String::new();
    let read = if file == Path::new(STANDARD) {
        std::io::stdin().take(SECRET_BYTES_MAX).read_to_string(&mut text)
    } else {
        std::fs::File::open(file).and_then(|file| file.take(SECRET_BYTES_MAX).read_to_string(&mut text))
    };
    read.with_context(|| Reason::Unreadable { option, file }.said(language))?;
    Secret::parse(&text).ok_or_else(|| Reason::Empty { option, file }.said(language).into())
}
