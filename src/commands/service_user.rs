//! What root asks of the installed service, a command does as the service's user and with its credentials, as the unit would: so
//! nothing of it in the state directory is ever root's, and no wrapper is needed.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::fs::DirBuilder;
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt as _, lchown};
use std::path::{Path, PathBuf};
use std::process::Command as Program;

use anyhow::Context as _;
use nix::unistd::{User, geteuid, initgroups, setgid, setuid};

use super::arguments::{Arguments, Backup, Command, Places, Restore, STANDARD};
use super::exit::Refusal;
use crate::config::{self, CREDENTIALS, Environment, SERVICE_USER};
use crate::domain::secret::Secret;

const CREDENTIAL_STORE: &str = "/etc/credstore";
const ENCRYPTED_CREDENTIAL_STORE: &str = "/etc/credstore.encrypted";

/// Makes this process one of the service's user where root asks something of the installed watchlist; else changes nothing. To be
/// called before anything is opened.
///
/// # Errors
/// A credential cannot be read, or the user cannot be changed.
pub fn go_on_as_service(mut arguments: Arguments) -> anyhow::Result<Arguments> {
    let Some((user, watchlist)) = user_to_become(&arguments)? else { return Ok(arguments) };
    let file = match &arguments.command {
        Command::Backup(Backup { file: Some(file), .. }) | Command::Restore(Restore { file, .. }) => {
            Some(file)
        }
        _ => None,
    };
    if file.is_some_and(|file| file != Path::new(STANDARD)) {
        // The file is for root to open, the database for the service's user: two processes.
        arguments.places.is_handed_over = true;
        return Ok(arguments);
    }
    arguments.places.credentials = credentials()?;
    let state_dir = state_dir(&arguments.places, &watchlist)?;
    make_state_dir(&state_dir, &user).with_context(|| format!("making {}", state_dir.display()))?;
    arguments.places.state_dir = Some(state_dir);
    become_user(&user).with_context(|| format!("going on as the user {SERVICE_USER}"))?;
    Ok(arguments)
}

/// And the installed watchlist.
fn user_to_become(arguments: &Arguments) -> anyhow::Result<Option<(User, PathBuf)>> {
    let Arguments { places, command } = arguments;
    // systemd has done it already.
    let is_started_by_systemd = std::env::var_os("CREDENTIALS_DIRECTORY").is_some();
    let has_no_watchlist = matches!(command, Command::Init(_) | Command::Sandbox(_) | Command::Demo(_));
    if !geteuid().is_root() || is_started_by_systemd || has_no_watchlist {
        return Ok(None);
    }
    let found = config::find(places.watchlist.as_deref());
    let installed = found.filter(|path| config::is_of_service(path));
    Ok(if let Some(watchlist) = installed { user()?.map(|user| (user, watchlist)) } else { None })
}

/// The service's user, where this machine has it.
pub(super) fn user() -> anyhow::Result<Option<User>> {
    User::from_name(SERVICE_USER).context("looking for the service's user")
}

/// The file of a credential of the service, and whether there is one: the encrypted one where that is there, else the plain one.
pub(super) fn credential_file(name: &str) -> (PathBuf, bool) {
    let file = format!("qualwatch.{name}");
    let encrypted = Path::new(ENCRYPTED_CREDENTIAL_STORE).join(&file);
    if encrypted.exists() {
        return (encrypted, true);
    }
    let plain = Path::new(CREDENTIAL_STORE).join(&file);
    let is_there = plain.exists();
    (plain, is_there)
}

/// Named whole: the working directory will be another one.
fn state_dir(places: &Places, watchlist: &Path) -> anyhow::Result<PathBuf> {
    let environment = Environment::of_this_process();
    let state_dir = config::state_dir(places.state_dir.as_deref(), watchlist, &environment);
    std::path::absolute(state_dir).context("finding the state directory")
}

/// As the unit's `StateDirectory=` does at its first start, which may come later.
fn make_state_dir(state_dir: &Path, user: &User) -> std::io::Result<()> {
    match DirBuilder::new().mode(0o700).create(state_dir) {
        Ok(()) => lchown(state_dir, Some(user.uid.as_raw()), Some(user.gid.as_raw())),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

fn become_user(user: &User) -> anyhow::Result<()> {
    initgroups(&CString::new(SERVICE_USER)?, user.gid)?;
    setgid(user.gid)?;
    setuid(user.uid)?;
    // Where root stands the user may have no right to be, and PostgreSQL's programs ask where they are.
    Ok(std::env::set_current_dir("/")?)
}

fn credentials() -> anyhow::Result<BTreeMap<&'static str, Secret>> {
    let mut credentials = BTreeMap::new();
    for name in CREDENTIALS {
        let (file, _) = credential_file(name);
        let is_encrypted = file.starts_with(ENCRYPTED_CREDENTIAL_STORE);
        let text = if is_encrypted { Some(decrypted(name, &file)?) } else { plain(&file)? };
        credentials.extend(text.as_deref().and_then(Secret::parse).map(|secret| (name, secret)));
    }
    Ok(credentials)
}

fn plain(file: &Path) -> anyhow::Result<Option<String>> {
    match std::fs::read_to_string(file) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => {
            let refusal = Refusal::wrong_use(format!("the credential {} cannot be read", file.display()));
            Err(anyhow::Error::new(error).context(refusal))
        }
    }
}

/// By systemd's own program: the key is the machine's.
fn decrypted(name: &str, file: &Path) -> anyhow::Result<String> {
    let refusal = |why: String| {
        Refusal::wrong_use(format!("the credential {} cannot be decrypted: {why}", file.display()))
            .advising("encrypt it anew on this machine: systemd-creds encrypt --name=NAME FILE TARGET")
    };
    let mut program = Program::new("systemd-creds");
    program.arg("decrypt").arg(format!("--name={name}")).arg(file).arg("-");
    let ended = program.output().map_err(|error| refusal(error.to_string()))?;
    if !ended.status.success() {
        let said = crate::domain::text::displayable(&String::from_utf8_lossy(&ended.stderr));
        return Err(refusal(said).into());
    }
    Ok(String::from_utf8(ended.stdout).map_err(|_| refusal("it is no text".to_owned()))?)
}

impl Places {
    /// The variables of this process, with the credentials that it was given as the service.
    pub(super) fn environment(&self) -> Environment {
        Environment::of_this_process().with_credentials(self.credentials.clone())
    }

    /// This program with the same places, yet to be told its command.
    pub(super) fn again(&self) -> tokio::process::Command {
        let this = std::env::current_exe().unwrap_or_else(|_| "/proc/self/exe".into());
        let mut again = tokio::process::Command::new(this);
        for (option, path) in [("--watchlist", &self.watchlist), ("--state-dir", &self.state_dir)] {
            if let Some(path) = path {
                again.arg(option).arg(path);
            }
        }
        again
    }
}
