//! Secrets: never in the watchlist. For each the first that is given counts: the credential of systemd (a file in
//! `$CREDENTIALS_DIRECTORY`), the variable, the file that the watchlist names.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use nix::unistd::{Group, getegid};

use super::database_url::DatabaseUrl;
use super::error::ConfigError;
use super::fault::Fault;
use super::watchlist::{Outlet, SecretFile, Watchlist};
use crate::domain::secret::Secret;

/// The largest file that is read as a secret.
const SECRET_BYTES_MAX: u64 = 64 << 10;

const CREDENTIALS_DIRECTORY: &str = "CREDENTIALS_DIRECTORY";

/// The variables a process was started with, as a value, and the credentials of the service where it stands in for that.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
    credentials: BTreeMap<&'static str, Secret>,
}

/// The user and the group of the service: systemd/qualwatch.sysusers makes them.
pub const SERVICE_USER: &str = "qualwatch";

/// The credentials of the service, by the names that its unit gives them.
pub const CREDENTIALS: [&str; 3] = [API_KEY.credential, SMTP_PASSWORD.credential, DATABASE_URL.credential];

impl Environment {
    /// The environment of this process; what is not UTF-8 is left out.
    #[must_use]
    pub fn of_this_process() -> Self {
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    /// The value of a variable.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// The same with these credentials, as systemd would hand them to the service.
    #[must_use]
    pub fn with_credentials(self, credentials: BTreeMap<&'static str, Secret>) -> Self {
        Self { credentials, ..self }
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self { variables, credentials: BTreeMap::new() }
    }
}

/// Where a secret came from: what to do when it is refused depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A credential of systemd: read at start only, so a new one needs a restart.
    Credential,
    /// A variable: a new one needs a restart.
    Environment,
    /// A file named in the watchlist: read again at each probe.
    File(PathBuf),
    /// The watchlist itself (an address without a password).
    Watchlist,
}

/// A value and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sourced<T> {
    /// The value.
    pub value: T,
    /// Where it came from.
    pub source: Source,
}

struct Kind {
    what: &'static str,
    credential: &'static str,
    variable: &'static str,
}

const API_KEY: Kind = Kind { what: "API key", credential: "api-key", variable: "QUALWATCH_API_KEY" };
const SMTP_PASSWORD: Kind =
    Kind { what: "SMTP password", credential: "smtp-password", variable: "QUALWATCH_SMTP_PASSWORD" };
const DATABASE_URL: Kind =
    Kind { what: "database address", credential: "database-url", variable: "QUALWATCH_DATABASE_URL" };

/// Reads the API key as it is now: before each probe after a refusal.
///
/// # Errors
/// A file that is given cannot be read, or holds what cannot be such a secret. One that is not given is no error.
pub fn read_api_key(
    watchlist: &Watchlist,
    environment: &Environment,
) -> Result<Option<Sourced<Secret>>, ConfigError> {
    first_given(&API_KEY, watchlist.api.key_file.as_ref(), environment)
}

/// Reads the SMTP password as it is now: before each login after a refusal.
///
/// # Errors
/// As [`read_api_key`].
pub fn read_smtp_password(
    watchlist: &Watchlist,
    environment: &Environment,
) -> Result<Option<Sourced<Secret>>, ConfigError> {
    first_given(&SMTP_PASSWORD, password_file(watchlist), environment)
}

/// Reads where the operator's own PostgreSQL is: all that a command needs which only reads the database.
///
/// # Errors
/// As [`read_api_key`].
pub fn read_database_url(
    watchlist: &Watchlist,
    environment: &Environment,
) -> Result<Option<Sourced<DatabaseUrl>>, ConfigError> {
    let Some(Sourced { value, source }) = first_given(&DATABASE_URL, None, environment)? else {
        let written = watchlist.database.url.clone();
        return Ok(written.map(|value| Sourced { value, source: Source::Watchlist }));
    };
    let bad = |reason| ConfigError::BadSecret {
        what: DATABASE_URL.what,
        origin: origin(&DATABASE_URL, &source),
        reason,
    };
    let value = DatabaseUrl::parse(value.expose()).map_err(bad)?;
    Ok(Some(Sourced { value, source }))
}

fn password_file(watchlist: &Watchlist) -> Option<&SecretFile> {
    match &watchlist.email.outlet {
        Outlet::Smtp { password_file, .. } => password_file.as_ref(),
        Outlet::Maildir(_) => None,
    }
}

fn first_given(
    kind: &Kind,
    file: Option<&SecretFile>,
    environment: &Environment,
) -> Result<Option<Sourced<Secret>>, ConfigError> {
    let credential = environment.get(CREDENTIALS_DIRECTORY).filter(|directory| !directory.is_empty());
    if let Some(directory) = credential {
        let path = Path::new(directory).join(kind.credential);
        match read_file(&path) {
            Ok(text) => {
                if let Some(value) = one_line(kind, &Source::Credential, &text)? {
                    return Ok(Some(Sourced { value, source: Source::Credential }));
                }
            }
            Err(source) if source.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(ConfigError::ReadSecret { what: kind.what, path, source }),
        }
    }
    if let Some(handed_over) = environment.credentials.get(kind.credential)
        && let Some(value) = one_line(kind, &Source::Credential, handed_over.expose())?
    {
        return Ok(Some(Sourced { value, source: Source::Credential }));
    }
    if let Some(text) = environment.get(kind.variable)
        && let Some(value) = one_line(kind, &Source::Environment, text)?
    {
        return Ok(Some(Sourced { value, source: Source::Environment }));
    }
    let Some(SecretFile { path, .. }) = file else { return Ok(None) };
    let text = read_file(path).map_err(|source| ConfigError::ReadSecret {
        what: kind.what,
        path: path.clone(),
        source,
    })?;
    let source = Source::File(path.clone());
    Ok(one_line(kind, &source, &text)?.map(|value| Sourced { value, source }))
}

fn read_file(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(SECRET_BYTES_MAX + 1).read_to_string(&mut text)?;
    if u64::try_from(text.len()).is_ok_and(|bytes| bytes <= SECRET_BYTES_MAX) {
        Ok(text)
    } else {
        Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is far too long for a secret"))
    }
}

/// A secret is one line: a second one means that the wrong file was named.
fn one_line(kind: &Kind, source: &Source, text: &str) -> Result<Option<Secret>, ConfigError> {
    let secret = Secret::parse(text);
    if secret.as_ref().is_some_and(|secret| secret.expose().chars().any(char::is_control)) {
        let reason = "has several lines or a control character".to_owned();
        return Err(ConfigError::BadSecret { what: kind.what, origin: origin(kind, source), reason });
    }
    Ok(secret)
}

fn origin(kind: &Kind, source: &Source) -> String {
    match source {
        Source::Credential => format!("the credential \"{}\"", kind.credential),
        Source::Environment => kind.variable.to_owned(),
        Source::File(path) => path.display().to_string(),
        Source::Watchlist => "the watchlist".to_owned(),
    }
}

/// The group of this process, which is the service's where we are the service; for root who looks at a copy of the watchlist also
/// the service's own.
fn is_of_service(gid: u32) -> bool {
    let ours = getegid();
    let of_service = || Group::from_name(SERVICE_USER).ok().flatten();
    ours.as_raw() == gid
        || (ours.as_raw() == 0 && of_service().is_some_and(|group| group.gid.as_raw() == gid))
}

/// A warning of this key where the file that the secret was read from is open to others. systemd guards its own directory, and makes the
/// files in it 0440 from version 257 on. A file that root made for the service's group (0640) is as it should be.
#[must_use]
pub fn warn_of_open_file(
    key: &str,
    file: Option<&SecretFile>,
    given: &Sourced<Secret>,
    environment: &Environment,
) -> Option<Fault> {
    let SecretFile { path, line, column } = file.filter(|_| matches!(given.source, Source::File(_)))?;
    if environment.get(CREDENTIALS_DIRECTORY).is_some_and(|directory| path.starts_with(directory)) {
        return None;
    }
    let found = std::fs::metadata(path).ok()?;
    let mode = found.permissions().mode();
    let open_to_others = if found.uid() == 0 && is_of_service(found.gid()) { 0o037 } else { 0o077 };
    (mode & open_to_others != 0).then(|| {
        let message = format!(
            "{} can be read or changed by others (mode {:04o}): chmod 600, or 640 for root and the service's group",
            path.display(),
            mode & 0o7777
        );
        Fault { line: *line, column: *column, key: key.to_owned(), message, ..Fault::default() }
    })
}
