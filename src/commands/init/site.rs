//! Where a first watchlist and its secrets lie: in /etc for the installed service, else beside each other.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use nix::unistd::{User, geteuid};

use crate::commands::service_user;
use crate::config::{self, Environment};
use crate::domain::language::Language;
use crate::domain::secret::Secret;

use super::refusals::Reason;

/// Where they lie.
#[derive(Debug)]
pub(super) struct Site {
    pub watchlist: PathBuf,
    language: Language,
    /// The service's user, where it is the service's watchlist.
    service: Option<User>,
}

/// Where one secret lies.
#[derive(Debug)]
pub(super) struct SecretPlace {
    pub path: PathBuf,
    /// What the watchlist calls it; nothing for a credential of the service.
    pub named: Option<&'static str>,
    pub is_there: bool,
}

/// One of the secrets of a first watchlist.
#[derive(Debug, Clone, Copy)]
pub(super) enum SecretKind {
    ApiKey,
    SmtpPassword,
}

impl SecretKind {
    fn name(self) -> &'static str {
        match self {
            Self::ApiKey => "api-key",
            Self::SmtpPassword => "smtp-password",
        }
    }
}

impl Site {
    /// The file that is named; else for root on a machine with the service's user the installed one, else `./watchlist.toml`.
    ///
    /// # Errors
    /// There is a file already, or no user of the service.
    pub fn of(named: Option<&Path>, language: Language) -> anyhow::Result<Self> {
        let user = service_user::user()?.filter(|_| geteuid().is_root());
        let watchlist = match (named, &user) {
            (Some(named), _) => named.to_owned(),
            (None, Some(_)) => config::watchlist_of_service().to_owned(),
            (None, None) => PathBuf::from("watchlist.toml"),
        };
        let is_of_service = config::is_of_service(&watchlist);
        if is_of_service && user.is_none() {
            return Err(Reason::NotOfTheService(&watchlist).said(language).into());
        }
        if watchlist.symlink_metadata().is_ok() {
            return Err(Reason::WatchlistIsThere(&watchlist).said(language).into());
        }
        Ok(Self { watchlist, language, service: user.filter(|_| is_of_service) })
    }

    /// Where mails as files go: the service may write nowhere else.
    pub fn maildir(&self) -> String {
        if !self.is_of_service() {
            return "mail".to_owned();
        }
        let state_dir = config::state_dir(None, &self.watchlist, &Environment::default());
        state_dir.join("mail").display().to_string()
    }

    pub fn is_of_service(&self) -> bool {
        self.service.is_some()
    }

    pub fn place_of(&self, kind: SecretKind) -> SecretPlace {
        if self.is_of_service() {
            let (path, is_there) = service_user::credential_file(kind.name());
            return SecretPlace { path, named: None, is_there };
        }
        let path = self.watchlist.with_file_name(kind.name());
        let is_there = path.exists();
        SecretPlace { path, named: Some(kind.name()), is_there }
    }

    /// Writes the file, which must not be there: for the service's group to read, and nobody else.
    pub fn write(&self, text: &str) -> anyhow::Result<()> {
        let writing = || format!("writing {}", self.watchlist.display());
        make_folder(&self.watchlist, 0o755).with_context(writing)?;
        let mut options = OpenOptions::new();
        let file = options.write(true).create_new(true).mode(0o640).open(&self.watchlist);
        let mut file = match file {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                return Err(Reason::WatchlistIsThere(&self.watchlist).said(self.language).into());
            }
            file => file.with_context(writing)?,
        };
        let written = match &self.service {
            Some(user) => fchown(&file, Some(0), Some(user.gid.as_raw())),
            None => Ok(()),
        };
        // Whatever the umask: the service reads it by its group.
        let written = written
            .and_then(|()| file.set_permissions(Permissions::from_mode(0o640)))
            .and_then(|()| file.write_all(text.as_bytes()))
            .and_then(|()| file.sync_all());
        if written.is_err() {
            // The first error is the one to tell.
            let _ = fs::remove_file(&self.watchlist);
        }
        written.with_context(writing)
    }
}

impl SecretPlace {
    /// Writes it, for its owner alone to read.
    pub fn write(&self, secret: &Secret) -> anyhow::Result<()> {
        let writing = || format!("writing {}", self.path.display());
        make_folder(&self.path, 0o700).with_context(writing)?;
        let mut options = OpenOptions::new();
        let mut file =
            options.write(true).create_new(true).mode(0o600).open(&self.path).with_context(writing)?;
        let written = writeln!(file, "{}", secret.expose()).and_then(|()| file.sync_all());
        if written.is_err() {
            let _ = fs::remove_file(&self.path);
        }
        written.with_context(writing)
    }
}

/// Where it is missing, and whatever the umask: the service passes through it.
fn make_folder(file: &Path, mode: u32) -> std::io::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.exists());
    let Some(folder) = folder else { return Ok(()) };
    fs::create_dir_all(folder)?;
    fs::set_permissions(folder, Permissions::from_mode(mode))
}
